"""The first word of a line: a command, a venue or a profile, in any case; and what a slip is answered."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.cli import app, first_word, parameters
from cancelall.cli.app import COMMANDS, EXAMPLES
from cancelall.core.errors import ConfigError, UsageError
from support import cancelall, profile_table, write_config

CONFIG = '[profiles.Mm-2]\nvenue = "bitget"\n[profiles.main]\nvenue = "bybit"\n[profiles.odd]\nvenue = "bybt"\n'


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    path = home / "mine.toml"
    path.write_text(CONFIG)
    return {"HOME": str(home), "CANCELALL_CONFIG": str(path)}


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("bybit --dry-run", "bybit --dry-run"),
        ("BYBIT", "bybit"),
        ("Mm-2 --json", "bitget --profile Mm-2 --json"),
        ("mm-2", "bitget --profile Mm-2"),
        ("MAIN --hold 3", "bybit --profile main --hold 3"),
        ("help", "--help"),
        ("help bybit", "bybit --help"),
        ("help main", "bybit --profile main --help"),
        ("-V", "--version"),
        ("--version", "--version"),
        ("journal show", "journal show"),
        ("", ""),
    ],
)
def test_what_the_first_word_means(line: str, meant: str, environ: dict[str, str]) -> None:
    assert first_word.as_commands(line.split(), COMMANDS, environ) == meant.split()


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("bybitt", '"bybitt" is no command, venue or profile (did you mean "bybit"?)', "venues: bybit bitget"),
        ("mainn", '"mainn" is no command, venue or profile (did you mean "main"?)', "profiles: Mm-2, main"),
        ("ordrs --json", '(did you mean "orders"?)', "venues: "),
        ("bybit bitget", '"bitget" is one word too many', "cancelall all --only bybit --only bitget"),
        ("mm-2 main --json", '"main" is one word too many', "cancelall all --only Mm-2 --only main"),
        ("all bybit main", '"bybit" is one word too many', "cancelall all --only bybit --only main"),
    ],
)
def test_a_slip_is_told_what_was_meant(line: str, message: str, hint: str, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError) as error:
        first_word.as_commands(line.split(), COMMANDS, environ)
    assert message in error.value.message
    assert hint in error.value.hint


def test_the_config_of_the_line_is_read(home: Path, environ: dict[str, str]) -> None:
    other = home / "other.toml"
    other.write_text('[profiles.elsewhere]\nvenue = "pacifica"\n')
    for words in (["elsewhere", "--config", str(other)], ["elsewhere", f"--config={other}"]):
        assert first_word.as_commands(words, COMMANDS, environ)[:3] == ["pacifica", "--profile", "elsewhere"]
    other.write_text("[profiles.elsewhere")
    with pytest.raises(ConfigError):
        first_word.as_commands(["elsewhere", "--config", str(other)], COMMANDS, environ)
    assert first_word.as_commands(["bybit", "--config", str(other)], COMMANDS, environ)[0] == "bybit"


@given(st.lists(st.text(max_size=8), max_size=4))
def test_any_line_is_read_or_refused(words: list[str]) -> None:
    try:
        found = first_word.as_commands(words, COMMANDS, {})
    except (UsageError, ConfigError):
        return
    assert len(found) >= len(words) - 1


def test_a_profile_is_killed_by_its_name(home: Path) -> None:
    with simulator.start("pacifica", orders=4) as server:
        path = write_config(home / "config.toml", {"Mine": profile_table("pacifica", server)})
        ran = cancelall("mine", "--json", "--config", str(path), home=home)
        assert (ran.code, ran.line["profile"], server.open_orders()) == (0, "Mine", [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bybit", "-settle-coin", "USDT"], "-settle-coin: a long option has two dashes - write --settle-coin"),
        (["bybit", "--category", "liner"], '(did you mean "linear"?)'),
        (["all", "--only", "mian"], 'no profile matches mian (did you mean "main"?)'),
        (["all", "--only", "mian,min"], "no profile matches mian min - profiles: Mm-2, main"),
        (["binace"], '"binace" is no command, venue or profile'),
    ],
)
def test_a_slip_sends_nothing(words: list[str], said: str, home: Path, environ: dict[str, str]) -> None:
    ran = cancelall(*words, home=home, env=environ)
    assert ran.code in (2, 6)
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


# --- help -----------------------------------------------------------------------------------------------------------


def _commands(made: object, path: str = "") -> list[tuple[str, object]]:
    inner: dict[str, object] = getattr(made, "commands", {})
    below = [pair for name, one in inner.items() for pair in _commands(one, f"{path} {name}".strip())]
    return [(path, made), *below]


COMMAND = app.command()


@pytest.mark.parametrize(("path", "made"), _commands(COMMAND), ids=lambda one: one if isinstance(one, str) else "")
def test_the_help_of_a_command_ends_with_lines_that_are_good(path: str, made: object, environ: dict[str, str]) -> None:
    if not hasattr(made, "commands"):
        assert EXAMPLES[path]
    assert "man cancelall" in str(getattr(made, "epilog", ""))
    for line in EXAMPLES.get(path, ()):
        words = shlex.split(line)
        assert words[0] == "cancelall"
        assert line.startswith(f"cancelall {path.removesuffix(' stand')}".strip())  # a word that need not be said
        parameters.check_values(COMMAND, words[1:])
        flags = {flag for _, one in _commands(COMMAND) for item in getattr(one, "params", ()) for flag in item.opts}
        assert set(re.findall(r"--[a-z-]+", line)) <= flags


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) <= {path for path, _ in _commands(COMMAND)}
