"""The tables of guards: what each mistake says, what contradicts itself, and what a line has to say about it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cancelall.config import guards, show
from cancelall.config.example import example_config
from cancelall.config.guards import (
    GuardKeys,
    GuardSettings,
    choose_guard,
    guard_keys,
    guard_settings,
    guard_tables,
    guard_troubles,
)
from cancelall.config.toml_file import Document, parsed
from cancelall.config.troubles import troubles
from cancelall.core import declare
from cancelall.core.errors import ConfigError, UsageError

PROFILES = '[profiles.bybit]\nvenue = "bybit"\n'


def document(text: str) -> Document:
    return parsed(Path("/c.toml"), text, {})


def keys(text: str, name: str = "mm", **line: Any) -> GuardKeys:
    return guard_keys(document(f"[guard.{name}]\n{text}"), name, line)


def test_the_table_of_the_design_is_read() -> None:
    made = keys(
        """
profiles      = ["bybit", "mm-2"]
heartbeat     = ["/run/mybot/beat", "unix:/run/x.sock", "http:127.0.0.1:8737"]
timeout       = 10.0
grace         = 30
process       = ["freqtrade.service", "4711", "/run/bot.pid"]
kill_file     = ["/run/cancelall/KILL"]
signals       = ["USR1", "SIGUSR2", "usr2"]
venue_switch  = "observe"
venue_timeout = 60
hold          = 60
on_stop       = "nothing"
rearm         = "manual"
keep_protective = false
notify_command  = ["mail", "me"]
"""
    )
    assert (made.profiles, made.timeout, made.grace, made.hold) == (("bybit", "mm-2"), 10.0, 30.0, 60.0)
    assert (made.signals, made.keep_protective) == (("USR1", "USR2"), False)
    settings = guard_settings(document(PROFILES), "mm", made, (), reason="why", once=True, dry_run=True)
    assert (settings.heartbeats, settings.processes) == (made.heartbeat, made.process)
    assert (settings.notify, settings.reason, settings.once, settings.dry_run) == (("mail", "me"), "why", True, True)


def test_without_a_table_everything_has_its_default() -> None:
    made = guard_keys(document(PROFILES), "default")
    assert made == GuardKeys()
    assert (made.timeout, made.grace, made.hold, made.venue_switch, made.signals) == (10, 30, 60, "observe", ("USR1",))
    settings = guard_settings(document(PROFILES), "default", made, ())
    assert settings == GuardSettings(name="default", document=settings.document, profiles=(), signals=("USR1",))
    assert settings.probe is None


def test_every_key_reaches_the_settings() -> None:
    """A key that nobody takes over would be one that does nothing."""
    text = """
profiles = ["bybit"]
heartbeat = ["/h"]
timeout = 3
grace = 4
process = ["5"]
kill_file = ["/k"]
signals = ["USR2"]
probe = "http://127.0.0.1:1/x"
probe_every = 6
probe_failures = 7
confirm = ["process", "probe"]
hold = 8
keep_protective = true
venue_switch = "arm"
venue_timeout = 9
on_stop = "fire"
rearm = "beat"
notify_command = ["n"]
latency_alarm_ms = 10
offset_alarm_ms = 11
verdict_alarm = 12
metrics = "/m"
"""
    made = keys(text)
    default = GuardKeys()
    assert [one.name for one in fields(GuardKeys) if getattr(made, one.name) == getattr(default, one.name)] == []
    settings = guard_settings(document(PROFILES), "mm", made, ())
    plain = guard_settings(document(PROFILES), "mm", default, ())
    same = {one.name for one in fields(GuardSettings) if getattr(settings, one.name) == getattr(plain, one.name)}
    assert same == {"name", "document", "profiles", "reason", "once", "dry_run"}
    assert settings.probe == guards.ProbeSettings(url="http://127.0.0.1:1/x", every=6, failures=7)
    assert settings.alarms == guards.GuardAlarms(latency_ms=10, offset_ms=11, verdict_seconds=12)


MISTAKES = [
    ("timout = 3", 'unknown key "timout" (did you mean "timeout"?)'),
    ("timeout = '3'", "timeout must be a number"),
    ("timeout = 0.1", "timeout must be from 0.5 to 86400"),
    ("timeout = nan", "timeout must be from 0.5 to 86400"),
    ("grace = -1", "grace must be from 0 to 86400"),
    ("hold = true", "hold must be a number"),
    ("venue_timeout = 60.5", "venue_timeout must be a whole number"),
    ("venue_timeout = 0", "venue_timeout must be from 5 to 86399"),
    ("venue_switch = 'on'", "venue_switch must be one of off, observe, arm"),
    ("on_stop = 'kill'", "on_stop must be one of nothing, fire"),
    ("rearm = 'beats'", 'rearm must be one of manual, beat (did you mean "beat"?)'),
    ("heartbeat = ['beats.txt']", '"beats.txt": it is no absolute path'),
    ("heartbeat = ['unix:x']", '"unix:x": the path of a socket is absolute'),
    ("heartbeat = ['http:0.0.0.0:80']", '"http:0.0.0.0:80": only this machine may send to it: 127.0.0.1:PORT'),
    ("heartbeat = ['http:8737']", '"http:8737": only this machine may send to it: 127.0.0.1:PORT'),
    ("heartbeat = ['http:127.0.0.1:99999']", "a port goes from 1 to 65535"),
    ("heartbeat = ['/a', '/a']", '"/a" is there twice'),
    ("process = ['freqtrade']", '"freqtrade": it is no unit, no pid and no absolute path'),
    ("process = ['1']", '"1": it is no pid that can be watched'),
    ("process = ['a b.service']", "it is no unit, no pid and no absolute path"),
    ("process = 4711", "process must be a list; each text"),
    ("kill_file = ['KILL']", '"KILL" is no absolute path'),
    ("kill_file = ['/k']\nheartbeat = ['/k']", '"/k" is its heartbeat, too: it would fire at once'),
    ("signals = ['TERM']", '"TERM" is no signal that can fire a guard'),
    ("signals = ['KILL']", '"KILL" is no signal that can fire a guard'),
    ("signals = ['SIGCHLD']", '"SIGCHLD" is no signal that can fire a guard'),
    ("signals = ['USR3']", '"USR3" is no signal that can fire a guard (did you mean "USR2"?)'),
    ("probe = 'ftp://x'", "it is no URL of http or https"),
    ("probe = 'https://u:hunter2canary@x/'", "it holds a user or a password: a probe sends no secret"),
    ("metrics = 'm.prom'", '"m.prom": it is no absolute path'),
    ("metrics = 'http:10.0.0.1:80'", "only this machine may send to it"),
    ("confirm = ['process']", "it wants a process to agree, and none is watched: silence would never fire"),
    ("confirm = ['probe']", "it wants a probe to agree, and there is none: silence would never fire"),
    ("confirm = ['heartbeat']", "confirm must be one of process, probe"),
    (
        "venue_switch = 'arm'\nprocess = ['5']",
        "the venue's switch is renewed while beats come, and there is no heartbeat",
    ),
    ("rearm = 'beat'\nkill_file = ['/k']", "a beat is to arm it again, and there is no heartbeat"),
]


@pytest.mark.parametrize(("text", "problem"), MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    whole = f"{PROFILES}[guard.mm]\n{text}\n"
    with pytest.raises(ConfigError) as caught:
        guard_keys(document(whole), "mm")
    line = re.match(r"/c\.toml, line (\d+) \[guard\.mm\]: ", caught.value.message)
    assert line is not None
    assert int(line[1]) in (4, 5)
    assert problem in caught.value.message
    assert "hunter2canary" not in caught.value.line
    assert caught.value.hint
    (same,) = troubles(document(whole), {})
    assert same.message == caught.value.message


def test_all_mistakes_of_all_tables_are_told_in_their_order() -> None:
    whole = f"""{PROFILES}[guard.a]
timout = 1
grace = "x"
[guard.b]
profiles = ["bybt"]
[guard.c]
heartbeat = ["x", "y"]
confirm = ["probe"]
[guard."d e"]
"""
    told = [error.message for error in troubles(document(whole), {})]
    assert [int(re.findall(r"line (\d+)", one)[0]) for one in told] == [4, 5, 7, 9, 9, 10, 11]
    assert 'there is no profile "bybt" (did you mean "bybit"?)' in told[2]
    assert "a guard's name has letters" in told[-1]
    assert list(guard_troubles(document(PROFILES))) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("guard = 3", '"guard" must be a table'),
        ("guards = {}", 'unknown key "guards" (did you mean "guard"?)'),
    ],
)
def test_what_is_no_table_of_tables_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(problem)):
        document(text)


def test_a_guard_that_is_no_table() -> None:
    (error,) = guard_troubles(document("[guard]\nmm = 3\n"))
    assert error.message == "/c.toml, line 2 [guard.mm]: a guard must be a table: [guard.NAME]"


# --- which one ---


@pytest.mark.parametrize(
    ("tables", "wanted", "expected"),
    [
        ("", None, "default"),
        ("", "desk", "desk"),
        ("[guard.mm]", None, "mm"),
        ("[guard.mm]\n[guard.default]", None, "default"),
        ("[guard.mm]\n[guard.desk]", "desk", "desk"),
    ],
)
def test_which_guard_a_line_means(tables: str, wanted: str | None, expected: str) -> None:
    assert choose_guard(document(tables), wanted) == expected


@pytest.mark.parametrize(
    ("tables", "wanted", "problem", "hint"),
    [
        ("[guard.desk]", "desc", 'there is no guard "desc" (did you mean "desk"?)', "guards: desk"),
        ("[guard.mm]\n[guard.desk]", None, "there are several guards", "add --name with one of: mm, desk"),
        ("", "a/b", '"a/b" cannot name a guard', "letters, digits"),
        ('[guard."a/b"]', None, "a guard's name has letters", "correct the file"),
    ],
)
def test_a_name_that_is_not_clear_is_refused(tables: str, wanted: str | None, problem: str, hint: str) -> None:
    with pytest.raises((ConfigError, UsageError)) as caught:
        choose_guard(document(tables), wanted)
    assert problem in caught.value.message
    assert hint in caught.value.hint


# --- the line ---


def test_the_line_beats_the_table() -> None:
    made = keys('heartbeat = ["/a"]\ntimeout = 5\ngrace = 7', heartbeat=("/b", "beat"), timeout=2)
    assert (made.heartbeat, made.timeout, made.grace) == (("/b", "beat"), 2.0, 7.0)


def test_a_mistake_of_the_line_is_of_the_line() -> None:
    with pytest.raises(UsageError, match=r"^--timeout must be from 0\.5 to 86400$"):
        keys("", timeout=0.0)
    with pytest.raises(UsageError, match=r'^--kill-file: "x" is no absolute path$'):
        keys('kill_file = ["/k"]', kill_file=("x",))
    with pytest.raises(UsageError, match=r"^--venue-switch: the venue's switch is renewed while beats come"):
        keys("", venue_switch="arm", process=("5",))
    with pytest.raises(ConfigError, match=r"line 2 \[guard\.mm\]: the venue's switch"):
        keys('venue_switch = "arm"\nprocess = ["5"]')
    assert keys('venue_switch = "arm"').venue_switch == "arm"  # of `cancelall beat`


def test_a_line_can_heal_what_a_table_lacks() -> None:
    assert keys('venue_switch = "arm"', heartbeat=("beat",)).heartbeat == ("beat",)


# --- shown ---


def test_a_guard_is_shown_without_what_may_be_a_secret() -> None:
    text = f"""{PROFILES}[guard.mm]
heartbeat = ["/run/b"]
probe = "https://u:hunter2canary@x/"
notify_command = ["curl", "hunter2canary"]
api_key = "hunter2canary"
[guard.mm.credentials]
api_key = "hunter2canary"
"""
    shown = show.redacted(document(text))["guard"]
    assert "hunter2canary" not in str(shown)
    assert shown["mm"]["heartbeat"] == ["/run/b"]
    assert shown["mm"]["notify_command"][0] == "curl"
    assert show.redacted(document("[guard]\nmm = 'hunter2canary'\n"))["guard"] == {"mm": "***"}


def test_the_example_names_every_key_and_can_be_used() -> None:
    text = example_config().partition("# [guard.default]\n")[2]
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    made = document(f"{PROFILES}[guard.default]\n" + "\n".join(lines))
    assert list(guard_tables(made)["default"]) == [item.key for item in declare.declared(GuardKeys)]
    assert list(guard_troubles(made)) == []


WORDS = ["/a", "x", "", "unix:/x", "http:127.0.0.1:80", "beat", 3, 0, -1, 1e9, True, [], ["/a"], [3], {}, "arm", "beat"]


@given(some.dictionaries(some.sampled_from([one.name for one in fields(GuardKeys)]), some.sampled_from(WORDS)))
def test_any_table_is_read_or_refused_in_one_line(table: dict[str, Any]) -> None:
    made = Document(path=Path("/c.toml"), data={"guard": {"mm": table}, "profiles": {}})
    mistakes = list(guard_troubles(made))
    assert [one.line for one in mistakes if "\n" in one.line] == []
    if [one for one in mistakes if "there is no profile" not in one.message]:
        with pytest.raises(ConfigError):
            guard_keys(made, "mm")
    else:
        assert guard_keys(made, "mm").timeout >= 0.5


@given(some.text(max_size=30))
def test_any_text_names_a_source_or_has_a_problem(text: str) -> None:
    for problem in (guards.heartbeat_problem, guards.process_problem, guards.probe_problem, guards.metrics_problem):
        assert isinstance(problem(text), str)
