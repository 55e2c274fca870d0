"""Two readers of one line: whatever is read without Typer is what Typer reads."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from cancelall import cli, declare, kills, plain
from cancelall.kills import Kill
from cancelall.venues import VENUES, schema


@functools.cache
def _command_line(command: str) -> typer.Typer:
    return cli.build(command)


def by_typer(words: list[str]) -> tuple[str, Kill] | None:
    """What the command line proper makes of a line; None when it refuses it."""
    found: list[tuple[str, Kill]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kills, "venue", lambda name, kill: found.append((name, kill)) or 0)
        patch.setattr(kills, "every", lambda kill: found.append(("all", kill)) or 0)
        try:
            _command_line(words[0])(args=list(words), prog_name="cancelall", standalone_mode=False)
        except Exception as fault:
            if not hasattr(fault, "format_message"):  # no mistake of the line
                raise
    return found[0] if found else None


_COMMON = [*plain._FLAGS, *plain._VALUES, *plain._ONE, *plain._ALL]
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
def test_what_is_read_plainly_is_what_typer_reads(words: list[str]) -> None:
    read = plain.read(words)
    assert read is None or read == by_typer(words)


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
def test_usual_lines_are_read_plainly(line: str) -> None:
    read = plain.read(line.split())
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
    assert plain.read(line.split()) is None


def test_every_option_of_a_kill_is_known_to_both() -> None:
    for command in (*VENUES, "all"):
        words = [command]
        group = typer.main.get_command(_command_line(command))
        shown = {
            flag
            for parameter in group.commands[command].params
            for flag in parameter.opts  # type: ignore[attr-defined]
        }
        own = {item.flag for item in declare.declared(schema(command).options)} if command in VENUES else set()
        readable = {*plain._FLAGS, *plain._VALUES, *(plain._ALL if command == "all" else plain._ONE), *own}
        assert shown - {"--help", "-h"} == readable, words


def test_a_path_is_a_path() -> None:
    read = plain.read(["bybit", "--config", "a/b.toml"])
    assert read is not None
    assert read[1].config_file == Path("a/b.toml")
