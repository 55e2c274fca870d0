"""A kill's options are declared once: whatever knows one knows it from there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

import documents
import manual
from cancelall.cli import app, fast_path, options
from cancelall.cli.options import Kill
from cancelall.config import example, loader
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.declare import Opt
from cancelall.core.errors import EXIT_STATUSES, ExitStatus
from cancelall.core.model import GRAVITY, Verdict
from cancelall.core.profile import Common, Overrides, Profile
from cancelall.venues.registry import VENUES, schema
from support import ROOT, write_config

MOON = Opt(
    help="The phase of the moon in a profile.",
    on_line="The phase of the moon on a line.",
    metavar="PHASE",
    short="-m",
    commands=("VENUE", "all", "orders"),
    completes="profiles",
    defaults=True,
    example="full",
)


@dataclass(frozen=True, kw_only=True)
class KillByMoonlight(Kill):
    """A kill with one more option."""

    moon_phase: Annotated[str | None, MOON] = None


@dataclass(frozen=True, kw_only=True)
class CommonByMoonlight(Common):
    """The keys of a profile with one more."""

    moon_phase: Annotated[str | None, MOON] = None


@pytest.fixture
def moonlight(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more option is declared."""
    monkeypatch.setattr(options, "Kill", KillByMoonlight)
    for module in (loader, example, documents):
        monkeypatch.setattr(module, "Common", CommonByMoonlight)
    keys = tuple(item.key for item in declare.declared(CommonByMoonlight) if item.opt.defaults)
    for module in (loader, example):
        monkeypatch.setattr(module, "DEFAULTS_KEYS", keys)


@pytest.mark.usefixtures("moonlight")
@pytest.mark.parametrize("command", ["bybit", "all", "orders"])
def test_the_help_shows_a_new_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main([command, "--help"]) == 0
    assert re.search(r"-m, --moon-phase PHASE +The phase of the moon on a line\.\n", capsys.readouterr().out)
    assert app.main(["check", "--help"]) == 0
    assert "--moon-phase" not in capsys.readouterr().out  # it takes no such thing


@pytest.mark.usefixtures("moonlight")
@pytest.mark.parametrize("words", [["--moon-phase", "full"], ["--moon-phase=full"], ["-m", "full"]])
@pytest.mark.parametrize("command", ["bybit", "all"])
def test_both_readers_of_a_line_know_a_new_option(
    command: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_typer: list[Kill] = []
    monkeypatch.setattr("cancelall.cli.kills.run", lambda name, kill: by_typer.append(kill) or 0)
    assert app.main([command, *words]) == 0
    assert by_typer == [KillByMoonlight(moon_phase="full")]
    assert fast_path.read([command, *words]) == (command, by_typer[0])


@pytest.mark.usefixtures("moonlight")
def test_the_documents_show_a_new_option() -> None:
    page = manual.page(app.command())
    assert page.count(".B \\-m, \\-\\-moon\\-phase PHASE\nThe phase of the moon on a line.\n") == len(VENUES) + 2
    row = "| `-m PHASE`, `--moon-phase PHASE` | VENUE, all, orders | `moon_phase` | The phase of the moon on a line. |"
    assert row in documents.kill_table().splitlines()
    assert "| `moon_phase` | The phase of the moon in a profile. |" in documents.common_table().splitlines()
    assert re.search(r'^# moon_phase = "full" +# The phase of the moon in a profile\.$', example.example_config(), re.M)


@pytest.mark.usefixtures("moonlight")
def test_a_shell_completes_a_new_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANCELALL_CONFIG", str(write_config(tmp_path / "c.toml", {"waxing": {"venue": "bybit"}})))
    monkeypatch.setenv("_CANCELALL_COMPLETE", "complete_bash")
    for words, offered in (("all --moon", "--moon-phase"), ("all --moon-phase wa", "waxing")):
        monkeypatch.setenv("COMP_WORDS", f"cancelall {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        with pytest.raises(SystemExit):
            app.main([])
        assert capsys.readouterr().out.split() == [offered]


@pytest.mark.usefixtures("moonlight")
def test_a_profile_its_environment_and_the_defaults_know_a_new_key() -> None:
    def phase(text: str, environ: dict[str, str]) -> object:
        data = tomllib.loads(f'[profiles.bybit]\nvenue = "bybit"\n{text}')
        found = loader.profile(Document(path=Path("c"), data=data), "bybit", environ, Overrides())
        assert isinstance(found, Profile), found
        assert isinstance(found.common, CommonByMoonlight)
        assert found.warnings == ()
        return found.common.moon_phase

    assert phase('moon_phase = "new"\n', {}) == "new"
    assert phase('moon_phase = "new"\n', {"CANCELALL_BYBIT_MOON_PHASE": "full"}) == "full"
    assert phase('[defaults]\nmoon_phase = "half"\n', {}) == "half"


# --- nothing is spelled twice ---------------------------------------------------------------------------------------


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is no docstring."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_long_option_of_a_kill_is_spelled_in_two_places() -> None:
    """Whole, or as the first word of a message. The declaration spells none: a flag is made from its field's name."""
    flags = {item.flag for item in declare.declared(Kill)}
    spelled = Counter(
        flag
        for path in (ROOT / "cancelall").rglob("*.py")
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if (flag := re.split(r"[^\w-]", text, maxsplit=1)[0]) in flags
    )
    assert {flag: times for flag, times in spelled.items() if times > 1} == {}
    assert spelled.keys() >= {"--json", "--dry-run"}  # before anything is loaded


@pytest.mark.parametrize("venue", VENUES)
def test_no_venue_has_an_option_that_every_kill_has(venue: str) -> None:
    own = {item.key for item in declare.declared(schema(venue).options)}
    assert own & {item.key for item in declare.declared(Kill)} == set()
    assert own & {item.key for item in declare.declared(Common)} == set()


def test_what_a_line_and_a_profile_share_is_one_declaration() -> None:
    keys = {item.key: item.opt for item in declare.declared(Common)}
    shared = {item.key: item.opt for item in declare.declared(Kill) if item.key in keys}
    assert set(shared) == {"environment", "deadline", "keep_protective", "notify_command"}
    assert all(keys[key] is opt for key, opt in shared.items())
    for_all = ("deadline", "keep_protective", "proxy", "ca_bundle", "keyring_backend", "notify_command")
    assert loader.DEFAULTS_KEYS == example.DEFAULTS_KEYS == for_all


# --- exit statuses --------------------------------------------------------------------------------------------------


def test_the_table_of_exit_statuses_has_each_once() -> None:
    assert sorted(code for codes, _, _ in EXIT_STATUSES for code in codes) == sorted(ExitStatus)
    told = [(codes, verdict) for codes, verdict, _ in EXIT_STATUSES if verdict]
    assert told == [((one.exit_status,), one.value) for one in (Verdict.CLEAR, *GRAVITY[:-1])]


@pytest.mark.parametrize("command", [[], ["all"], ["bybit"]])
def test_help_shows_all_exit_codes(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    app.main([*command, "--help"])
    assert " ".join(capsys.readouterr().out.split()).endswith(
        "Exit codes: 0 clear, 10 open, 12 unreachable, 4 refused, 6 unconfigured, 11 unproven; "
        "1 a bug that left no verdict, 2 wrong usage, 130/143 interrupted."
    )
