"""A kill's options are declared once: whatever knows one knows it from there; both readers of a line read the same."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import documents
import manual
from cancelall.cli import app, kills, no_profile, options, parameters, process
from cancelall.cli.options import Kill
from cancelall.cli.process import _status
from cancelall.config import example, loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.dataclass import dataclass
from cancelall.core.declare import Declared, Opt
from cancelall.core.errors import EXIT_STATUSES, ExitStatus, UsageError
from cancelall.core.model import GRAVITY, Verdict
from cancelall.core.profile import Common, Overrides, Profile
from cancelall.venues.registry import VENUES, schema
from support import ROOT, write_config
from turns import later

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
    for module in (kills, options):
        monkeypatch.setattr(module, "Kill", KillByMoonlight)
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
    assert kills.read([command, *words]) == (command, by_typer[0])


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
    assert set(shared) == {
        *("environment", "deadline", "keep_protective", "client_id", "not_client_id", "notify_command")
    }
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
    expected = (
        "Exit codes: 0 clear, 10 open, 12 unreachable, 4 refused, 6 unconfigured, 11 unproven; "
        "1 a bug that left no verdict, 2 wrong usage, 3 no guard runs, 5 a guard runs and is not armed, 130/143 "
        "interrupted."
    )
    assert expected in " ".join(capsys.readouterr().out.split())


# --- the fast path: whatever is read without Typer is what Typer reads ---


@functools.cache
def _command_line(command: str | None) -> Any:
    return app.command(command)


def by_typer(words: list[str]) -> tuple[str, Kill] | None:
    """What the command line proper makes of a line; None when it refuses it."""
    found: list[tuple[str, Kill]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kills, "venue", lambda name, kill: found.append((name, kill)) or 0)
        patch.setattr(kills, "every", lambda kill: found.append(("all", kill)) or 0)
        made = _command_line(words[0])
        try:
            parameters.check_values(made, words)
            made.main(args=list(words), prog_name="cancelall", standalone_mode=False)
        except Exception as fault:
            if not isinstance(fault, UsageError) and not hasattr(fault, "format_message"):  # no mistake of the line
                raise
    return found[0] if found else None


_COMMON = [flag for item in declare.declared(Kill) for flag in item.flags]
_WORDS = ["USDT", "linear", "spot", "cash", "30", "1.5", "x y", "", "-1", "--json", "-vq", "--", "1/2", "*", "1e3", "é"]


@some.composite
def lines(draw: some.DrawFn) -> list[str]:
    """A kill, mostly with options that it has and values that they take."""
    command = draw(some.sampled_from([*VENUES, "all"]))
    own = [item.flag for item in declare.declared(schema(command).options)] if command in VENUES else []
    flags = some.sampled_from([*_COMMON, *own])
    values = some.one_of(some.sampled_from(_WORDS), some.text(max_size=6))
    joined = some.builds(lambda flag, value: [f"{flag}={value}"], flags, values)
    pair = some.builds(lambda flag, value: [flag, value], flags, values)
    alone = some.builds(lambda flag: [flag], some.one_of(flags, some.sampled_from(["-h", "--help", "--nope", "word"])))
    parts = draw(some.lists(some.one_of(pair, pair, joined, alone), max_size=4))
    return [command, *(word for part in parts for word in part)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines())
def test_what_is_read_without_typer_is_what_typer_reads(words: list[str]) -> None:
    read = kills.read(words)
    assert read is None or read == by_typer(words)


def status_of(words: list[str]) -> int:
    """The exit status of a line, by whichever reader takes it."""
    return process.held(lambda: _status(words))


def _value(item: Declared) -> some.SearchStrategy[str]:
    """A value that an option takes."""
    if item.choices:
        return some.sampled_from(item.choices)
    if item.base in (int, float):
        return some.integers(0, 10**6).map(str)
    return some.sampled_from(["BTCUSDT", "币安人生USDT", "BTC/USDT", "a b", "x=y", "é"])


@some.composite
def usual_lines(draw: some.DrawFn) -> list[str]:
    """A kill as people write one: every option with a value of its own."""
    command = draw(some.sampled_from([*VENUES, "all"]))
    own = declare.declared(schema(command).options) if command in VENUES else ()
    valued = {item.flag: _value(item) for item in own if item.base is not bool}
    words = some.sampled_from(["x", "desk-*", "a/b.toml", "panic now", "1/4", "币"])
    for item in kills.common(command):
        if item.base is not bool:
            valued[item.flag] = some.sampled_from(["1", "30", "12.5"]) if item.base is float else words
    flags = [flag for item in (*own, *kills.common(command)) if item.base is bool for flag in item.flags]
    pairs = some.sampled_from(sorted(valued)).flatmap(lambda flag: some.tuples(some.just(flag), valued[flag]))
    parts = some.one_of(
        some.sampled_from(flags).map(lambda flag: [flag]), pairs.map(list), pairs.map(lambda pair: ["=".join(pair)])
    )
    return [command, *(word for part in draw(some.lists(parts, max_size=5)) for word in part)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(usual_lines())
def test_every_line_with_a_value_for_each_option_is_read_by_both_alike(words: list[str]) -> None:
    read = kills.read(words)
    assert read is not None
    assert read == by_typer(words)


# --- options without a value ----------------------------------------------------------------------------------------


def _valued(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command with each of its options that take a value."""
    for name, takes in parameters._that_take_one(command).items():
        if takes:
            yield path, name
    for name, inner in getattr(command, "commands", {}).items():
        yield from _valued(inner, (*path, name))


VALUED = sorted(_valued(app.command()))


def test_options_that_take_a_value_are_found() -> None:
    assert len(VALUED) > 80
    assert {path[0] for path, _ in VALUED if path} >= {*VENUES, "all", "orders", "check", "auth", "config", "journal"}
    for command in VENUES:
        own = {item.flag for item in declare.declared(schema(command).options) if item.base is not bool}
        assert own <= {name for path, name in VALUED if path == (command,)}


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("venue", "every", "execute", "load_all"):
        monkeypatch.setattr(kills, name, lambda *words, name=name, **more: pytest.fail(f"{name} was called"))


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(path, name, id=" ".join([*path, name]), marks=later(path[0], number) if shared else ())
        for number, (path, name) in enumerate(VALUED)
        for shared in [path[:1] and path[0] in VENUES and (("all",), name) in VALUED]
    ],
)
@pytest.mark.turns(0)
def test_no_option_takes_another_one_or_nothing_for_its_value(
    path: tuple[str, ...], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = [[name, "--json"], ["--json", name, "-v"], [name, "--", "x"], [name, "--symbol=x"]]
    if name not in parameters.MAY_BE_EMPTY:
        lines += [[name, ""], [f"{name}=", "--json"], [name, " ", "--json"]]
    for words in lines:
        assert status_of([*path, *words]) == 2, words
        out, err = capfd.readouterr()
        lined = "--json" in words and bool(path) and path[0] not in no_profile.WITHOUT
        assert (out.count('"profile":null'), out.count("\n"), err.count("\n")) == (lined, lined, 1), words
        assert err.startswith(f"cancelall: {name} has no value"), words


def test_an_empty_reason_stops_no_kill() -> None:
    for flag, key in (("--reason", "reason"), ("--notify-command", "notify_command")):
        found = by_typer(["all", flag, ""])
        assert found is not None
        assert getattr(found[1], key) == ""
        assert kills.read(["all", flag, ""]) is None


@pytest.mark.parametrize(
    "words", [["bybit", "--reason=--now"], ["bybit", "--reason", "-1"], ["bybit", "--reason", "-"]]
)
def test_a_value_that_begins_with_a_dash_can_be_meant(words: list[str]) -> None:
    found = by_typer(words)
    assert found is not None
    assert found[1].reason in ("--now", "-1", "-")


@pytest.mark.parametrize(
    "words", [["bybit", "--hold", "-1"], ["bybit", "--symbol=--json"], ["bybit", "--symbol", "-1"]]
)
def test_a_value_that_begins_with_a_dash_is_judged_like_others(
    words: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kills, "execute", lambda *given, **more: pytest.fail("it was run"))
    monkeypatch.setenv("CANCELALL_CONFIG", "/dev/null/none")
    monkeypatch.setattr(toml_file, "read", lambda chosen, environ: Document(path=None))
    assert status_of(words) == 2
    assert capfd.readouterr().err.startswith(f"cancelall: {words[1].partition('=')[0]} must ")


PASTED = "kX9vQ2mZ7pL4wR8tY1nBd3"


@pytest.mark.parametrize(
    "line",
    [
        *("SECRET", "bybit SECRET", "bybit --SECRET", "bybit --nope=SECRET", "bybit --category SECRET"),
        *(f"bybit --{option} SECRET" for option in ("recv-window", "deadline", "environment", "profile", "config")),
        *("all --only SECRET", "all --shard SECRET", "orders SECRET", "check SECRET", "check --max-age SECRET"),
        *("auth set SECRET", "auth set bybit --field SECRET", "auth set bybit --venue SECRET"),
        *("guard SECRET", "guard --name SECRET", "guard --heartbeat SECRET", "guard --process SECRET"),
        *("guard --probe http://u:SECRET@x/", "guard --kill-file SECRET", "guard --timeout SECRET"),
        *("guard fire --name SECRET", "guard --venue-switch SECRET"),
        *("auth export-systemd bybit --with-key SECRET", "demo --fault SECRET", "--show-completion SECRET"),
    ],
)
def test_a_secret_that_was_pasted_into_the_line_is_not_repeated(
    line: str, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CANCELALL_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CANCELALL_BYBIT_API_KEY", "k-0001-of-nobody")
    assert status_of(line.replace("SECRET", PASTED).split()) in (2, 3, 6)
    out, err = capfd.readouterr()
    assert PASTED[4:] not in out + err


# --- lines by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "bybit",
        "bybit --settle-coin USDT",
        "bybit --category linear --category=spot --symbol BTCUSDT --recv-window 5000 --json -v -q",
        "bitget --product-type USDT-FUTURES --everything --keep-protective --dry-run --quiet --verbose",
        "ascendex --account-group 4 --futures-api v1 --profile mm-2 --environment live --config some/file.toml",
        "pacifica --exclude-reduce-only --deadline 12.5 --reason panic",
        "deltadefi --symbol ADAUSDM --config=/dev/null",
        "all",
        "all --only a* --only=b --skip c --shard 1/4 --deadline 30 --json",
    ],
)
def test_usual_lines_are_read_without_typer(line: str) -> None:
    read = kills.read(line.split())
    assert read is not None
    assert read == by_typer(line.split())


@pytest.mark.parametrize(
    "line",
    [
        *("", "orders", "--help", "bybit --help", "bybit --categori linear", "bybit word", "bybit --category futures"),
        *("bybit --recv-window many", "bybit --symbol", "bybit --symbol=", "bybit -vq", "bybit --symbol --json"),
        *("bybit --only x", "all --profile x", "bybit --deadline nan", "bybit --json=yes", "bybit -- --json"),
    ],
)
def test_everything_else_is_left_to_typer(line: str) -> None:
    assert kills.read(line.split()) is None


def test_every_option_of_a_kill_is_known_to_both() -> None:
    for command in (*VENUES, "all"):
        words = [command]
        group = _command_line(command)
        shown = {flag for parameter in group.commands[command].params for flag in parameter.opts}
        own = declare.declared(schema(command).options) if command in VENUES else ()
        readable = {flag for item in (*own, *kills.common(command)) for flag in item.flags}
        assert shown - {"--help", "-h"} == readable, words


def test_a_path_is_taken_as_it_stands() -> None:
    read = kills.read(["bybit", "--config", "a/../b.toml"])
    assert read is not None
    assert read[1].config == "a/../b.toml"
