"""What a status is worth, and how it is written: exit codes, alarms, Prometheus, JSON, the screen."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cancelall.config.guards import GuardAlarms
from cancelall.core.errors import ExitStatus
from cancelall.core.secret import register
from cancelall.guard.codec import from_json, to_json
from cancelall.guard.model import Cause, GuardState, GuardStatus, HostFigures, ProfileFigures, Sight
from cancelall.guard.status import alarms, guard_exit, prometheus, worst_exit
from cancelall.guard.view import guard_object, guard_view, live_line, short_words
from cancelall.report import tables
from cancelall.report.guards import guard_line, guard_table, guards_summary
from unit.guard.statuses import ARMED, BYBIT, KRAKEN, NOW, REFUSED, STALE, UNREACHABLE, guard

EXITS: list[tuple[GuardStatus, int]] = [
    (guard(), 0),
    (guard(GuardState.CHECKING), 5),
    (guard(GuardState.WAITING), 5),
    (guard(GuardState.DISARMED), 5),
    (guard(GuardState.LATCHED, cause=STALE, verdict="clear"), 5),
    (guard(GuardState.HOLDING, cause=STALE, verdict="clear"), 5),
    (guard(GuardState.FIRING, cause=STALE), 11),
    (guard(GuardState.FIRING, cause=STALE, verdict="clear"), 11),
    (guard(GuardState.FIRING, cause=STALE, verdict="open"), 10),
    (guard(GuardState.HOLDING, cause=STALE, verdict="open"), 10),
    (guard(GuardState.LATCHED, cause=STALE, verdict="unproven"), 11),
    (guard(GuardState.ARMED, cause=STALE, verdict="open"), 0),
    (guard(degraded=("the key was refused",), profiles=(REFUSED, KRAKEN)), 4),
    (guard(degraded=("no answer",), profiles=(BYBIT, UNREACHABLE)), 12),
    (guard(degraded=("both",), profiles=(REFUSED, UNREACHABLE)), 12),
    (guard(degraded=("the disk is full",)), 4),
    (guard(profiles=(REFUSED,)), 4),
    (guard(GuardState.WAITING, degraded=("x",), profiles=(REFUSED,)), 4),
    (guard(GuardState.FIRING, degraded=("x",), profiles=(UNREACHABLE,)), 11),
    (guard(GuardState.LATCHED, cause=STALE, verdict="open", dry_run=True), 5),
    (guard(GuardState.ARMED, dry_run=True), 5),
]


@pytest.mark.parametrize(("status", "code"), EXITS)
def test_the_exit_code_of_a_guard(status: GuardStatus, code: int) -> None:
    assert guard_exit(status) == code
    assert guard_view(status, NOW).exit_code == code


@given(some.sampled_from(GuardState), some.sampled_from(["", "clear", "open", "unproven"]), some.booleans())
def test_only_one_that_is_armed_and_able_is_a_success(state: GuardState, verdict: str, able: bool) -> None:
    status = guard(state, verdict=verdict, degraded=() if able else ("x",))
    assert (guard_exit(status) == 0) == (state is GuardState.ARMED and able)
    assert guard_exit(status) in (0, 4, 5, 10, 11, 12)


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 0], 0), ([0, 5], 5), ([5, 3], 3), ([3, 4], 4), ([4, 12], 12), ([12, 11, 10], 10)]
)
def test_the_exit_code_of_several(codes: list[int], code: int) -> None:
    assert worst_exit([ExitStatus(one) for one in codes]) == code


# --- alarms ---


def test_what_is_worse_than_configured_is_an_alarm() -> None:
    limits = GuardAlarms(latency_ms=50, offset_ms=1000, verdict_seconds=10)
    assert [one.words for one in alarms(ARMED, limits)] == [
        "mm-2: api.kraken.com answers in 82 ms, more than 50",
        "mm-2: api.kraken.com: its clock and ours are 1300 ms apart, more than 1000",
        "mm-2: a verdict would take 12.0 s, more than 10",
    ]
    assert alarms(ARMED, GuardAlarms()) == ()
    assert alarms(ARMED, GuardAlarms(latency_ms=83, offset_ms=1300, verdict_seconds=12)) == ()


def test_an_alarm_is_the_same_while_it_lasts() -> None:
    limits = GuardAlarms(latency_ms=50)
    slower = replace(KRAKEN, hosts=(HostFigures(host="api.kraken.com", connections=1, latency_ms=99.0),))
    before, after = (alarms(guard(profiles=(one,)), limits) for one in (KRAKEN, slower))
    assert [one.key for one in before] == [one.key for one in after]
    assert before != after


# --- Prometheus ---


def samples(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^([^#\n][^\n]*) (\S+)$", text, re.M)}


def test_prometheus_gets_what_is_known() -> None:
    text = prometheus(ARMED, NOW)
    lines = samples(text)
    assert lines['cancelall_guard_state{guard="mm",state="armed"}'] == 1
    assert sum(value for name, value in lines.items() if name.startswith("cancelall_guard_state{")) == 1
    assert lines['cancelall_guard_ready{guard="mm"}'] == 1
    assert lines['cancelall_guard_silence_seconds{guard="mm"}'] == 0.42
    assert lines['cancelall_guard_latency_seconds{guard="mm",profile="bybit",host="api.bybit.com"}'] == 0.0123
    assert lines['cancelall_guard_clock_offset_seconds{guard="mm",profile="mm-2",host="api.kraken.com"}'] == -1.3
    assert lines['cancelall_guard_written_timestamp_seconds{guard="mm"}'] == NOW / 1000
    assert 'cancelall_guard_latency_seconds{guard="mm",profile="mm-2",host="futures.kraken.com"}' not in lines
    names = {name.partition("{")[0] for name in lines}
    assert {one for one in names if f"# TYPE {one} gauge\n" not in text or f"# HELP {one} " not in text} == set()
    assert text.endswith("\n")


def test_labels_are_escaped_and_hold_no_secret() -> None:
    register("hunter2canary-secret")
    odd = Sight(source='/a"b\\c\nd hunter2canary-secret', trigger="heartbeat")
    text = prometheus(guard(sources=(odd,)), NOW)
    assert 'source="/a\\"b\\\\c?d ***"' in text
    assert "hunter2canary" not in text


@pytest.mark.parametrize("status", [one for one, _ in EXITS])
def test_prometheus_reads_every_status(status: GuardStatus) -> None:
    for line in prometheus(status, NOW).splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+\{(\w+="[^"\n]*",?)+\} [-+0-9.e]+', line), line


# --- as an object ---

texts = some.text(max_size=12)
numbers = some.floats(allow_nan=False, allow_infinity=False)
sights = some.builds(Sight, source=texts, trigger=some.sampled_from(["heartbeat", "probe"]), key=texts, trouble=texts)
hosts = some.builds(HostFigures, host=texts, connections=some.integers(0, 9), latency_ms=some.none() | numbers)
figures = some.builds(ProfileFigures, profile=texts, venue=texts, hosts=some.lists(hosts, max_size=2).map(tuple))
statuses = some.builds(
    GuardStatus,
    name=texts,
    state=some.sampled_from(GuardState),
    degraded=some.lists(texts, max_size=2).map(tuple),
    pid=some.integers(0, 9),
    started_ms=some.integers(0, 9),
    since_ms=some.integers(0, 9),
    cause=some.none() | some.builds(Cause, trigger=some.just("signal"), source=texts, words=texts),
    verdict=texts,
    sources=some.lists(sights, max_size=2).map(tuple),
    silent=some.none() | numbers,
    timeout=numbers,
    grace=numbers,
    profiles=some.lists(figures, max_size=2).map(tuple),
)


@given(statuses)
def test_a_status_comes_back_as_it_went(status: GuardStatus) -> None:
    assert from_json(GuardStatus, json.loads(json.dumps(to_json(status)))) == status


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, some.sampled_from(sorted(to_json(ARMED))))
def test_what_is_no_status_is_refused(value: Any, key: str) -> None:
    for odd in (value, {**to_json(ARMED), key: value}):
        try:
            made = from_json(GuardStatus, odd)
        except ValueError:
            continue
        assert isinstance(made, GuardStatus)
        assert isinstance(made.name, str)
        assert isinstance(made.state, GuardState)


def test_another_version_is_read_as_far_as_it_goes() -> None:
    said = to_json(ARMED)
    del said["alarms"]
    assert from_json(GuardStatus, {**said, "new": {"x": 1}}) == ARMED
    with pytest.raises(ValueError, match="state is missing"):
        from_json(GuardStatus, {key: value for key, value in said.items() if key != "state"})


def test_a_script_gets_one_object() -> None:
    line = guard_object(guard(degraded=("x",), profiles=(REFUSED,)), NOW)
    assert (line["schema"], line["guard"], line["exit_code"], line["state"]) == (1, "mm", 4, "armed")
    assert json.loads(json.dumps(line))["profiles"][0]["failing"] == "refused"


# --- the screen ---


def drawn(status: GuardStatus, width: int = 80, *, terminal: bool = False) -> str:
    made = tables.console(width, terminal=terminal, environ={"TERM": "xterm-256color"})
    return guard_table(guard_view(status, NOW), made)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("status", [one for one, _ in EXITS])
def test_every_state_fits_its_screen(status: GuardStatus, width: int) -> None:
    shown = drawn(status, width)
    last = shown.rstrip("\n").rpartition("\n")[2]
    assert last.endswith(f"exit {guard_exit(status)}")
    assert "guard mm: " in last
    assert max(map(len, shown.rstrip("\n").split("\n")[:-1])) <= width
    for word in ("/run/mybot/beat", "api.kraken.com") if status.profiles == ARMED.profiles else ():
        assert word in shown


def test_what_is_not_good_is_loud_and_says_what_to_do() -> None:
    refused = drawn(guard(degraded=("bybit: the key was refused",), profiles=(REFUSED, KRAKEN)))
    assert " DEGRADED  guard mm: the last beat is 0.4 s old" in refused
    assert "warning: bybit: the key was refused\n" in refused
    assert "next: see why: cancelall check bybit\n" in refused
    latched = drawn(guard(GuardState.LATCHED, cause=STALE, verdict="clear"))
    assert " LATCHED  guard mm: it has fired: no beat of /run/mybot/beat for 10.0 s; clear; since " in latched
    assert "next: when bots may trade again: cancelall guard arm --name mm\n" in latched
    held = Sight(source="/run/cancelall/KILL", trigger="kill file", present=True)
    holding = drawn(guard(GuardState.HOLDING, cause=STALE, verdict="clear", sources=(held,)), 120)
    assert "next: when bots may trade again: take /run/cancelall/KILL away, then: cancelall guard arm" in holding
    assert " FIRING  guard mm: it fires since " in drawn(guard(GuardState.FIRING, cause=STALE))
    trouble = Sight(source="/run/mybot/beat", trigger="heartbeat", trouble="Permission denied")
    assert "Permission denied" in drawn(guard(sources=(trouble,)))
    early = drawn(guard(GuardState.HOLDING, cause=STALE, verdict="clear", restart_ms=NOW + 5000))
    assert "warning: do not start bots again before " in early
    late = drawn(guard(GuardState.HOLDING, cause=STALE, verdict="clear", restart_ms=NOW - 5000))
    assert "do not start bots" not in late


def test_one_that_is_not_armed_is_never_green() -> None:
    for status, code in EXITS:
        made = tables.console(80, terminal=True, environ={"TERM": "xterm-256color"})
        line = guard_line(guard_view(status, NOW), made)
        green = "48;5;40m" in line
        assert green == (code == 0), line


def test_foreign_words_are_made_harmless() -> None:
    odd = guard(degraded=("\x1b[2Jevil",), sources=(Sight(source="/a\x1b[31m", trigger="kill file"),))
    assert "\x1b" not in drawn(odd)


def test_several_guards_end_with_one_line() -> None:
    made = tables.console(80, terminal=False, environ={})
    views = [guard_view(one, NOW) for one in (ARMED, guard(GuardState.WAITING))]
    assert guards_summary(views, made, 5, 2) == " NOT READY  1 of 2 guards armed and able · exit 5\n"
    assert guards_summary(views[:1], made, 0, 1) == " READY  1 of 1 guards armed and able · exit 0\n"


def test_the_live_line_is_short() -> None:
    assert live_line(ARMED, NOW) == "ARMED · beat 0.4 s ago · bybit 12 ms · mm-2 82 ms · mm-2 ?"
    many = guard(profiles=(BYBIT,) * 9, silent=None)
    assert live_line(many, NOW).endswith("bybit 12 ms · 3 more, the slowest 12 ms")
    assert short_words(guard(GuardState.LATCHED, cause=STALE)) == f"latched: {STALE.words}"
    assert short_words(guard(degraded=("x", "y"))) == "armed, degraded: x"
    assert short_words(ARMED) == "armed"
