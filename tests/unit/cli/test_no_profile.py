"""Whoever wants JSON gets a line, also of a command that came to no profile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cancelall.cli import app, no_profile, process
from cancelall.core.errors import CancelallError
from cancelall.core.results import ErrorReport
from cancelall.core.stamp import machine, moment
from cancelall.report.lines import profile_object
from support import cancelall, write_config
from unit.report.test_tables import REPORT

Called = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def called(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Called:
    """Run a line in this process; its exit status and its JSON lines."""
    for name, value in {"HOME": home, "XDG_CONFIG_HOME": home / "config", "XDG_STATE_HOME": home / "state"}.items():
        monkeypatch.setenv(name, str(value))

    def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
        status = app.main(words)
        return status, [json.loads(line) for line in capfd.readouterr().out.splitlines()]

    return run


COMMANDS = ("all", "all --dry-run", "orders", "positions")


@pytest.mark.parametrize("line", COMMANDS)
def test_nothing_is_configured(called: Called, line: str) -> None:
    status, (told,) = called(*line.split(), "--json")
    assert list(told) == list(profile_object(REPORT))
    assert (status, told["exit_code"], told["profile"], told["venue"]) == (6, 6, None, None)
    assert (told["verdict"], told["error"]["kind"]) == ("unconfigured", "config")
    assert "no profile is configured" in told["error"]["message"]
    assert told["dry_run"] is (line != "all")
    assert (told["machine"], told["run"], told["reason"]) == (machine(), None, None)
    assert re.fullmatch(r"20\d\d-.*T.*\.\d{3}Z", told["time"])


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("[profiles.", (), "TOML"),
        ('[profiles.a]\nvenue = "bybit"\n', ("--only", "zz"), "no profile matches zz"),
        ("", (), "there is no profile in"),
    ],
)
def test_no_profile_comes_of_the_config(called: Called, home: Path, text: str, more: Sequence[str], why: str) -> None:
    config = home / "config.toml"
    config.write_text(text)
    config.chmod(0o600)
    status, (told,) = called("all", "--json", "--reason", "a drill", "--config", str(config), *more)
    assert (status, told["exit_code"], told["profile"], told["reason"]) == (6, 6, None, "a drill")
    assert why in told["error"]["message"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("all --json --bogus", 2),
        ("--json all", 2),
        ("all --shard 9/4 --json", 2),
        ("bybit --symbol --json", 2),
        ("binace --json", 2),
        ("demo --json --fault nope", 2),
        ("orders --json --config /nowhere/config.toml", 6),
        ("nobody --json --config /nowhere/config.toml", 6),
    ],
)
def test_a_mistake_on_the_line(called: Called, line: str, status: int) -> None:
    ended, (told,) = called(*line.split())
    assert (ended, told["exit_code"], told["profile"], told["verdict"]) == (status, status, None, "unconfigured")
    assert told["error"]["message"]


@pytest.mark.parametrize(("more", "status"), [((), 6), (("--bogus",), 2), (("--config", "/nowhere/config.toml"), 6)])
def test_a_check_of_nothing(called: Called, more: Sequence[str], status: int) -> None:
    ended, (told,) = called("check", "--json", *more)
    assert list(told) == ["schema", "profile", "ok", "findings", "time", "machine"]
    assert (ended, told["profile"], told["ok"], told["machine"]) == (status, None, False, machine())
    assert [one["level"] for one in told["findings"]] == ["fail"]


@pytest.mark.parametrize("line", ["journal show --json --bogus", "auth status --json --bogus", "all --bogus"])
def test_commands_that_promise_no_line_of_a_profile_print_none(called: Called, line: str) -> None:
    assert called(*line.split()) == (2, [])


def test_a_bug_has_its_line_and_is_not_called_nothing_sent(capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise RuntimeError

    assert process.held(broken, ["all", "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert (told["exit_code"], told["verdict"], told["error"]["kind"]) == (1, "unproven", "internal")


def test_a_line_that_cannot_be_made_changes_no_exit_status(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise CancelallError("it went wrong")

    def fails(*given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(no_profile, "tell", fails)
    assert process.held(refused, ["all", "--json"]) == 1
    assert capfd.readouterr().out == ""


def test_a_secret_on_the_line_is_not_said(capfd: pytest.CaptureFixture[str]) -> None:
    no_profile.tell(["all", "--json", "--reason=x\x1b[2J"], ErrorReport(kind="config", message="no"), 6)
    assert json.loads(capfd.readouterr().out)["reason"] == "x\\x1b[2J"


def test_through_the_real_command(home: Path) -> None:
    """The one that is read without the command line proper, too."""
    config = write_config(home / "config.toml", {})
    for words in (("all", "--json"), ("all", "--json", "-q"), ("orders", "--json")):
        ran = cancelall(*words, "--config", str(config), home=home)
        assert (ran.code, ran.line["profile"], ran.line["exit_code"]) == (6, None, 6)
        assert "there is no profile in" in ran.err


def test_a_moment_has_milliseconds_and_its_zone() -> None:
    assert moment(1795953601250) == "2026-11-29T12:00:01.250Z"
    assert moment(1795953601005) == "2026-11-29T12:00:01.005Z"
    assert moment(None) is None
