"""What is generated from the declarations is what stands in the repository, and what it says works."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

import documents
from cancelall.config import loader, toml_file
from cancelall.config.example import example_config
from cancelall.config.toml_file import Document
from cancelall.core import declare, files
from cancelall.core.profile import Common, Overrides, Profile
from cancelall.venues.registry import VENUES, schema
from support import ROOT

EXAMPLE = example_config()
HOW_TO_MAKE_IT_NEW = "run: python docs/documents.py"


# --- generated files ------------------------------------------------------------------------------------------------


def test_the_example_config_is_up_to_date() -> None:
    assert (ROOT / "config.example.toml").read_text(encoding="utf-8") == EXAMPLE, HOW_TO_MAKE_IT_NEW


def test_the_documents_are_up_to_date() -> None:
    begun: list[str] = []
    for name in documents.WITH_BLOCKS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert documents.with_blocks(text) == text, HOW_TO_MAKE_IT_NEW
        begun += re.findall(r"<!-- begin (.*) -->", text)
        assert len(re.findall(r"<!-- begin (.*) -->", text)) == text.count("<!-- end -->")
    assert sorted(begun) == sorted(documents.blocks())  # each of them once


def test_making_them_new_writes_what_belongs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(documents, "picture", lambda: "<svg/>")
    Path("README.md").write_text("# é\n<!-- begin secrets -->\nold\n<!-- end -->\n", encoding="utf-8")
    documents.main()
    assert Path("config.example.toml").read_text(encoding="utf-8") == EXAMPLE
    assert Path("docs/run.svg").read_text(encoding="utf-8") == "<svg/>"
    expected = f"# é\n<!-- begin secrets -->\n{documents.secrets_table()}\n<!-- end -->\n"
    assert Path("README.md").read_text(encoding="utf-8") == expected


# --- blocks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "blocks", lambda: {"one": "1\n1", "two": "2"})


@pytest.mark.usefixtures("two_blocks")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing here\n", "nothing here\n"),
        ("a\n<!-- begin one -->\nold\n<!-- end -->\nb\n", "a\n<!-- begin one -->\n1\n1\n<!-- end -->\nb\n"),
        ("<!-- begin one -->\n<!-- end -->\nkept", "<!-- begin one -->\n1\n1\n<!-- end -->\nkept"),
        (
            "<!-- begin two -->\n<!-- end -->\nkept\n<!-- begin one -->\nold\nold\n<!-- end -->\n",
            "<!-- begin two -->\n2\n<!-- end -->\nkept\n<!-- begin one -->\n1\n1\n<!-- end -->\n",
        ),
        ("<!-- begin three -->\nmine\n<!-- end -->\n", "<!-- begin three -->\nmine\n<!-- end -->\n"),
    ],
)
def test_only_what_stands_between_the_marks_is_made_new(text: str, expected: str) -> None:
    made = documents.with_blocks(text)
    assert made == expected
    assert documents.with_blocks(made) == made


@pytest.mark.usefixtures("two_blocks")
def test_a_block_without_an_end_does_not_swallow_the_rest() -> None:
    with pytest.raises(ValueError, match="the block one has no end"):
        documents.with_blocks("<!-- begin one -->\nold\nthe rest of the README\n")


@pytest.mark.parametrize("name", VENUES)
def test_the_tables_leave_nothing_out(name: str) -> None:
    accepts, blocks = schema(name), documents.blocks()
    options = blocks[f"options {name}"].splitlines()[2:]
    items = declare.declared(accepts.options)
    assert len(options) == len(items)
    for line, item in zip(options, items, strict=True):
        assert line.startswith(f"| {'● ' if item.opt.selector else ''}`{item.flag}")
        assert f"| `{item.key}` | {item.opt.help}" in line
        assert all(f"`{choice}`" in line for choice in item.choices)
        assert ("Repeatable." in line) is item.repeatable
    for field, sec in declare.secrets_of(accepts.secrets).items():
        variable = f"CANCELALL_{name.upper()}_{field.upper()}"
        optional = " Optional." if sec.optional else ""
        assert f"| {name} | `{field}` | `{variable}` | {sec.help}{optional} |" in blocks["secrets"].splitlines()
    for environment, host in accepts.hosts.items():
        assert f"| {name} | `{environment}` | {host} |" in blocks["environments"].splitlines()


def test_every_key_of_a_profile_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", documents.common_table(), re.MULTILINE)
    expected = [item.key for item in declare.declared(loader.Common)]
    assert explained == ["venue", *expected, "secret_command", "credentials"]


@pytest.mark.parametrize("block", [name for name in documents.blocks() if name != "doubts"])
def test_tables_are_whole(block: str) -> None:
    lines = documents.blocks()[block].splitlines()
    columns = lines[0].count("|")
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    assert [line.replace("\\|", "").count("|") for line in lines] == [columns] * len(lines)


# --- the example config ---------------------------------------------------------------------------------------------

_LINE = re.compile(r"# (\w+ = .+|\[.+\])")
ADDRESSES = {"pacifica": "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM", "hyperliquid": f"0x{'ab' * 20}"}
OTHER = "So11111111111111111111111111111111111111112"
NEEDS = {
    ("bybit", "stop_order_type"): 'order_filter = "StopOrder"',
    ("pacifica", "agent_wallet"): f'account = "{OTHER}"',
}
"""What a key needs besides."""


def _lines_of(name: str) -> list[str]:
    """The commented lines of a venue's profile, uncommented, without its headings and its venue."""
    start = EXAMPLE.index(f"# [profiles.{name}]\n")
    block = EXAMPLE[start:].split("\n\n")[0]
    return [match[1] for line in block.splitlines() if (match := _LINE.fullmatch(line))]


def test_as_it_is_written_it_says_nothing() -> None:
    assert tomllib.loads(EXAMPLE) == {"defaults": {}}


def test_uncommented_as_a_whole_it_is_valid() -> None:
    text = "\n".join(match[1] if (match := _LINE.fullmatch(line)) else line for line in EXAMPLE.splitlines())
    data = tomllib.loads(text)
    assert list(data["defaults"]) == list(loader.DEFAULTS_KEYS)
    assert list(data["profiles"]) == list(VENUES)
    for name, table in data["profiles"].items():
        accepts = schema(name)
        keys = [item.key for item in declare.declared(accepts.options)]
        secrets = declare.secrets_of(accepts.secrets)
        keys += [key for key in declare.selectors(Common) if accepts.client_ids]
        assert sorted(table) == sorted(["venue", "environment", *keys, "secret_command", "credentials"])
        assert table["venue"] == name
        assert list(table["credentials"]) == list(secrets)


@pytest.mark.parametrize("key", loader.DEFAULTS_KEYS)
def test_each_default_is_valid_by_itself(key: str) -> None:
    start, end = EXAMPLE.index("[defaults]"), EXAMPLE.index("# ---")
    (line,) = re.findall(rf"^# ({key} = .+)$", EXAMPLE[start:end], re.MULTILINE)
    document = _document(f'[defaults]\n{line}\n[profiles.bybit]\nvenue = "bybit"\n')
    profile = loader.profile(document, "bybit", {}, Overrides())
    assert isinstance(profile, Profile), profile
    assert getattr(profile.common, key) not in (None, ())


def _document(text: str) -> Document:
    return Document(path=Path("config.toml"), text=text, data=tomllib.loads(text))


@pytest.mark.parametrize("name", VENUES)
def test_each_line_of_a_profile_is_valid_by_itself(name: str) -> None:
    lines = _lines_of(name)
    first, venue_line = lines[:2]
    assert (first, venue_line) == (f"[profiles.{name}]", f'venue = "{name}"')
    heading = f"[profiles.{name}.credentials]"
    keys, secrets = lines[2 : lines.index(heading)], lines[lines.index(heading) + 1 :]
    for line in keys:
        key = line.split(" = ")[0]
        line = line.replace('"ADDRESS"', f'"{ADDRESSES.get(name)}"')  # what everybody has to put in
        text = "\n".join((first, venue_line, NEEDS.get((name, key), ""), line))
        profile = loader.profile(_document(text), name, {}, Overrides())
        assert isinstance(profile, Profile), (line, profile)
        assert profile.warnings == ()
    for line in secrets:
        profile = loader.profile(_document("\n".join((first, venue_line, heading, line))), name, {}, Overrides())
        assert isinstance(profile, Profile), (line, profile)
        assert list(profile.credentials) == [line.split(" = ")[0]]


def test_it_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    files.write_private(path, EXAMPLE, new=True)
    assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116 - what the operating system says
    assert toml_file.read(path, {}).tables == {}
