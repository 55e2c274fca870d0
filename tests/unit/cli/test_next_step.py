"""Each verdict that is not clear names one command, and it is one that can be typed."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from cancelall.cli import app, next_step, parameters
from cancelall.core.model import Verdict
from cancelall.core.results import ErrorReport, ProfileReport
from cancelall.venues.registry import VENUES


def report(verdict: Verdict, profile: str = "mm-2", **more: Any) -> ProfileReport:
    fields = {"venue": "bitget", "environment": "live", "host": "h", "scope": {}, "dry_run": False}
    return ProfileReport(profile=profile, verdict=verdict, **{**fields, **more})


@pytest.mark.parametrize(
    ("verdict", "line", "expected"),
    [
        (Verdict.CLEAR, "mm-2", ""),
        (Verdict.OPEN, "mm-2", "stop what places orders, then: cancelall mm-2 --hold 60"),
        (Verdict.UNPROVEN, "bitget --symbol A -q --json", "at once: cancelall mm-2 --symbol A"),
        (
            Verdict.UNPROVEN,
            "bitget --keep-protective --config /x.toml --hold 3 --reason why",
            "at once: cancelall mm-2 --keep-protective --config /x.toml",
        ),
        (Verdict.UNREACHABLE, "bitget --config=/x.toml", "to see why: cancelall check mm-2 --config=/x.toml"),
        (Verdict.REFUSED, "all --only mm-*", "to see why: cancelall check mm-2"),
        (Verdict.UNCONFIGURED, "bitget", "to see why: cancelall config check"),
        (
            Verdict.OPEN,
            "all --only mm-2 --skip x --shard 1/2",
            "stop what places orders, then: cancelall mm-2 --hold 60",
        ),
    ],
)
def test_one_command(verdict: Verdict, line: str, expected: str) -> None:
    assert next_step.of_profile(report(verdict), line.split()) == expected


@pytest.mark.parametrize(("line", "more"), [("orders mm-2", ""), ("bitget --dry-run --symbol A", " --symbol A")])
def test_what_was_only_read_can_be_cancelled(line: str, more: str) -> None:
    found = next_step.of_profile(report(Verdict.OPEN, dry_run=True), line.split())
    assert found == f"to cancel them: cancelall mm-2{more}"


def test_what_a_limit_left_is_gone_on_with_and_no_bot_is_blamed() -> None:
    error = ErrorReport(kind="rate_limit", message="20 in 2 s")
    assert next_step.of_profile(report(Verdict.OPEN, error=error), ["mm-2"]) == "at once: cancelall mm-2"


@pytest.mark.parametrize("given", ["--deadline 8", "--deadline=8", ""])
def test_where_the_time_was_too_short_the_next_run_gets_enough(given: str) -> None:
    error = ErrorReport(kind="rate_limit", message="20 in 2 s", deadline=40)
    line = f"okx --symbol A {given}".split()
    assert next_step.of_profile(report(Verdict.OPEN, error=error), line) == (
        "at once: cancelall mm-2 --symbol A --deadline 40"
    )
    several = [report(Verdict.OPEN, "a", error=error), report(Verdict.UNPROVEN, "b")]
    assert next_step.of_run(several, f"all {given}".split()) == (
        "at once: cancelall all --only a --only b --deadline 40"
    )


def test_a_misspelt_selector_is_not_simply_sent_again() -> None:
    error = ErrorReport(kind="parameter", message="no --symbol X", hint="correct the selector and run again")
    assert next_step.of_profile(report(Verdict.UNPROVEN, error=error), ["mm-2", "--symbol", "X"]) == (
        "with the selector corrected: cancelall mm-2 --symbol X"
    )


def test_an_interruption_is_finished() -> None:
    error = ErrorReport(kind="interrupted", message="stopped by SIGINT")
    assert next_step.of_profile(report(Verdict.UNPROVEN, error=error), ["mm-2"]) == (
        "to finish and prove it: cancelall mm-2"
    )


def test_a_hint_with_a_command_is_not_doubled() -> None:
    error = ErrorReport(kind="secret", message="no api_key", hint="run: cancelall auth set mm-2")
    assert next_step.of_profile(report(Verdict.UNCONFIGURED, error=error), ["mm-2"]) == ""


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([Verdict.CLEAR, Verdict.CLEAR], ""),
        ([Verdict.CLEAR, Verdict.UNPROVEN], "at once: cancelall p-1 --keep-protective"),
        ([Verdict.UNPROVEN] * 2, "at once: cancelall all --only p-0 --only p-1 --keep-protective"),
        ([Verdict.UNPROVEN] * 9, "at once: cancelall all --keep-protective"),
        (
            [Verdict.OPEN, Verdict.REFUSED],
            "stop what places orders, then: cancelall all --only p-0 --only p-1 --keep-protective --hold 60",
        ),
    ],
)
def test_of_several(verdicts: list[Verdict], expected: str) -> None:
    reports = [report(verdict, f"p-{number}") for number, verdict in enumerate(verdicts)]
    assert next_step.of_run(reports, ["all", "--keep-protective", "--only", "p-*", "--json"]) == expected


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.ABSENT])
@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(1)
def test_the_command_is_one_that_can_be_typed(verdict: Verdict, venue: str) -> None:
    found = next_step.of_profile(report(verdict, venue, venue=venue), [venue, "--deadline", "5", "--json"])
    command = app.command()
    for line in re.findall(r"cancelall .*", found):
        words = shlex.split(line)[1:]
        parameters.check_values(command, words)
        made = command.commands[words[0]]
        flags = {flag for one in made.params for flag in one.opts} | set(getattr(made, "commands", {}))
        assert {word for word in words[1:] if word.startswith("--")} <= flags


@pytest.mark.parametrize(
    ("verdict", "failed", "shards", "expected"),
    [
        ("unproven", [], ["3/4"], "at once: cancelall all --shard 3/4"),
        ("unproven", [], ["3/4", "4/4"], "at once: cancelall all"),
        ("unproven", ["a b"], [], "at once: cancelall 'a b'"),
        ("open", ["a"], [], "stop what places orders, then: cancelall a --hold 60"),
        ("unproven", ["a", "b"], [], "at once: cancelall all --only a --only b"),
        ("open", ["a", "b"], ["1/2"], "stop what places orders, then: cancelall all --hold 60"),
        ("refused", [*"abcd"], [], "at once: cancelall all"),
        ("refused", ["a"], [], "to see why: cancelall check a"),
        ("unreachable", ["a"], ["1/2"], "to see why: cancelall check a"),
        ("unconfigured", ["a", "b"], [], "to see why: cancelall config check"),
    ],
)
def test_what_comes_after_the_lines_of_several_machines(
    verdict: str, failed: list[str], shards: list[str], expected: str
) -> None:
    assert next_step.of_merged(Verdict(verdict), failed, shards) == expected
