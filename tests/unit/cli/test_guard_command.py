"""`cancelall guard`: which word means what, what a guard is made of, and what its commands say and end with."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cancelall.cli import app, first_word
from cancelall.cli import check as check_command
from cancelall.cli import guard as guard_command
from cancelall.cli.guard_teller import GuardTeller
from cancelall.config.guards import GuardSettings
from cancelall.core.errors import ConfigError, ExitStatus, SecretError
from cancelall.core.model import Verdict
from cancelall.core.preflight import Finding, Level, worst
from cancelall.core.profile import BrokenProfile
from cancelall.core.results import ProfileReport
from cancelall.guard import control
from cancelall.guard.control import ControlServer, DrillAnswer, DrillRequest, Peer
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus, Sight
from cancelall.guard.teller import KillTeller, Teller
from support import write_config
from unit.guard.statuses import ARMED, BYBIT, KRAKEN, REFUSED, STALE, UNREACHABLE, guard

PROFILES = {"bybit": {"venue": "bybit"}, "mm-2": {"venue": "bitget"}}
needs_sockets = pytest.mark.skipif(sys.platform == "win32", reason="there are no UNIX sockets")


@pytest.fixture(autouse=True)
def own_machine(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No guard of this machine, no config of this user."""
    for name in ("CANCELALL_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(control, "_MACHINES", ())


def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guards: str = "") -> Path:
    """A config with two profiles, and guards."""
    path = write_config(tmp_path / "c.toml", PROFILES)
    path.write_text(path.read_text(encoding="utf-8") + guards, encoding="utf-8")
    monkeypatch.setenv("CANCELALL_CONFIG", str(path))
    return path


# --- which word means what ---


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("guard", "guard stand"),
        ("guard bybit", "guard stand bybit"),
        ("guard --timeout 5 mm", "guard stand --timeout 5 mm"),
        ("guard stand mm", "guard stand mm"),
        ("guard status", "guard status"),
        ("guard fire --name mm", "guard fire --name mm"),
        ("guard --name mm fire --json", "guard fire --name mm --json"),
        ("guard --name=mm fire", "guard fire --name=mm"),
        ("guard --name mm", "guard stand --name mm"),
        ("guard --name", "guard stand --name"),
        ("guard -h", "guard -h"),
        ("GUARD status", "guard status"),
        ("help guard", "guard --help"),
        ("help guard status", "guard status --help"),
        ("help", "--help"),
    ],
)
def test_which_word_means_what(line: str, expected: str) -> None:
    assert " ".join(first_word.as_commands(line.split(), app.COMMANDS, {})) == expected


# --- standing ---


class Loop:
    """In place of the loop: it takes down what it was given, and does what a test wants."""

    def __init__(self) -> None:
        self.settings: list[GuardSettings] = []
        self.work: Callable[[GuardSettings, Callable[[], GuardSettings], Teller], int] = lambda *words: 143

    async def stand(
        self, settings: GuardSettings, reread: Callable[[], GuardSettings], tell: Teller, environ: Mapping[str, str]
    ) -> int:
        self.settings.append(settings)
        return self.work(settings, reread, tell)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    module = types.ModuleType("cancelall.guard.loop")
    module.stand = made.stand  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cancelall.guard.loop", module)
    return made


def test_the_line_and_the_table_make_a_guard(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    table = '[guard.mm]\nprofiles = ["mm-2"]\nheartbeat = ["/a"]\ntimeout = 5\nnotify_command = ["true"]\n'
    configured(tmp_path, monkeypatch, table)
    words = "guard --timeout 2 --heartbeat /b --heartbeat beat --once --dry-run --reason why --deadline 7".split()
    assert app.main([*words, "--venue-switch", "off", "--keep-protective"]) == 143
    (made,) = loop.settings
    assert (made.name, made.timeout, made.heartbeats) == ("mm", 2.0, ("/b", "beat"))
    assert (made.once, made.dry_run, made.reason, made.venue_switch) == (True, True, "why", "off")
    (profile,) = made.profiles
    assert (profile.name, profile.deadline, profile.common.keep_protective) == ("mm-2", 7.0, True)  # type: ignore[union-attr]
    assert made.notify == ("true",)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "notify"),
    [([], ("true",)), (["--notify-command", "a 'b c'"], ("a", "b c")), (["--notify-command", ""], ())],
)
def test_who_is_told(
    words: list[str], notify: tuple[str, ...], loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, monkeypatch, '[guard.mm]\nheartbeat = ["/a"]\nnotify_command = ["true"]\n')
    assert app.main(["guard", *words]) == 143
    assert loop.settings[0].notify == notify


def test_profiles_of_the_line_beat_those_of_the_table(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, monkeypatch, '[guard.mm]\nprofiles = ["mm-2"]\n')
    assert app.main(["guard", "bybit"]) == 143
    assert app.main(["guard"]) == 143
    assert [[one.name for one in made.profiles] for made in loop.settings] == [["bybit"], ["mm-2"]]


def test_without_a_table_all_profiles_are_guarded(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(tmp_path, monkeypatch)
    assert app.main(["guard", "--heartbeat", "/a"]) == 143
    (made,) = loop.settings
    assert (made.name, [one.name for one in made.profiles]) == ("default", ["bybit", "mm-2"])


def test_one_broken_profile_does_not_leave_the_others_unguarded(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, monkeypatch)
    path.write_text(path.read_text(encoding="utf-8").replace('"bitget"', '"bitgut"'), encoding="utf-8")
    assert app.main(["guard", "--heartbeat", "/a"]) == 143
    (made,) = loop.settings
    assert [isinstance(one, BrokenProfile) for one in made.profiles] == [False, True]
    assert "WARNING: guard default: mm-2 cannot be used, and would not be cancelled: " in capfd.readouterr().err


BAD = [
    ("guard bybti", 6, 'there is no profile "bybti"'),
    ("guard --name other", 6, 'there is no guard "other" - guards: mm'),
    ("guard --name a/b", 2, '"a/b" cannot name a guard'),
    ("guard --heartbeat x.txt", 2, '--heartbeat: "x.txt": it is no absolute path'),
    ("guard --timeout 0", 2, "--timeout must be from 0.5 to 86400"),
    ("guard --timeout soon", 2, "Invalid value for '--timeout'"),
    ("guard --venue-switch on", 2, "'on' is not one of 'off', 'observe', 'arm'"),
    ("guard --venue-switch arm --process 5", 2, "the venue's switch is renewed while beats come"),
    ('guard --notify-command "\'x"', 2, "No closing quotation"),
    ("guard --heartbeat", 2, "--heartbeat"),
    ("guard --nope", 2, "No such option: --nope"),
]


@pytest.mark.parametrize(("line", "code", "words"), BAD)
def test_what_cannot_stand_ends_with_one_line(
    line: str,
    code: int,
    words: str,
    loop: Loop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import shlex

    configured(tmp_path, monkeypatch, "[guard.mm]\n")
    assert app.main(shlex.split(line)) == code
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
    assert loop.settings == []


def test_no_profile_at_all_is_6(loop: Loop, capfd: pytest.CaptureFixture[str]) -> None:
    assert app.main(["guard", "--heartbeat", "/a"]) == 6
    assert capfd.readouterr().err.startswith("cancelall: no profile is configured")


def test_a_mistake_in_the_table_is_6_and_names_the_line(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, monkeypatch, "[guard.mm]\ntimout = 3\n")
    assert app.main(["guard"]) == 6
    line = path.read_text(encoding="utf-8").splitlines().index("timout = 3") + 1
    assert f'{path}, line {line} [guard.mm]: unknown key "timout" (did you mean "timeout"?)' in capfd.readouterr().err


def test_what_the_loop_cannot_watch_is_its_error(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch)

    def fail(*words: Any) -> int:
        raise SecretError("the key of bybit is missing", "cancelall auth set bybit")

    loop.work = fail
    assert app.main(["guard", "--heartbeat", "/a"]) == 6
    assert capfd.readouterr().err == "cancelall: the key of bybit is missing - cancelall auth set bybit\n"


def test_one_that_nothing_fires_says_so(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch)
    assert app.main(["guard", "--kill-file", "/k"]) == 143
    assert "WARNING: guard default: no heartbeat, process or probe" in capfd.readouterr().err


def test_a_reload_reads_the_config_anew(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = configured(tmp_path, monkeypatch, '[guard.mm]\nheartbeat = ["/a"]\ntimeout = 5\n')

    def work(settings: GuardSettings, reread: Callable[[], GuardSettings], tell: Teller) -> int:
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace("timeout = 5", "timeout = 6"), encoding="utf-8")
        assert reread().timeout == 6.0
        path.write_text(good.replace("timeout = 5", "timeout = 0"), encoding="utf-8")
        with pytest.raises(ConfigError):
            reread()
        return 130

    loop.work = work
    assert app.main(["guard", "--grace", "9"]) == 130


# --- who is told ---

NOTE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def records(*states: GuardState) -> list[GuardRecord]:
    return [GuardRecord(boot="b", state=one, at=1.0, cause=STALE) for one in states]


def lines_of_the_journal(home: Path) -> list[dict[str, Any]]:
    text = (home / ".local" / "state" / "cancelall" / "journal.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def report(verdict: Verdict) -> ProfileReport:
    return ProfileReport(
        profile="bybit", venue="bybit", environment="live", host="h", scope={}, dry_run=False, verdict=verdict
    )


def test_a_kill_is_told_as_every_kill_and_a_change_of_state_in_a_line(
    loop: Loop, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch)
    monkeypatch.setattr("cancelall.cli.guard_teller._AFTER_THE_CANCELS", 0.0)
    noted = tmp_path / "noted"

    async def stand(settings: GuardSettings, reread: Any, tell: GuardTeller, environ: Mapping[str, str]) -> int:
        tell.standing(lambda: ARMED)
        armed, firing, latched = records(GuardState.ARMED, GuardState.FIRING, GuardState.LATCHED)
        tell.changed(armed, GuardState.WAITING)
        tell.changed(firing, GuardState.ARMED)
        kill: KillTeller = tell.kill(STALE)
        one = report(Verdict.CLEAR)
        kill.record.verdict(one)
        kill.listener.finished(one)
        await kill.over([one], ExitStatus.CLEAR)
        tell.changed(replace(latched, verdict="clear"), GuardState.FIRING)
        tell.alarm("bybit answers in 300 ms")
        return 0

    monkeypatch.setattr(sys.modules["cancelall.guard.loop"], "stand", stand)
    notify = f"{sys.executable} -c {json.dumps(NOTE)} {noted}"
    line = ["guard", "bybit", "--heartbeat", "/a", "--reason", "night", "--notify-command", notify]
    assert app.main(line) == 0
    out, err = capfd.readouterr()
    assert " CLEAR  bybit (live): nothing is left" in out
    assert "cancelall: guard default: armed\n" in err
    assert f"cancelall: guard default: FIRES: {STALE.words}\n" in err
    assert "cancelall: WARNING: guard default: bybit answers in 300 ms\n" in err
    events = lines_of_the_journal(home)
    own, kill = events[0]["run"], next(one["run"] for one in events if one["event"] == "verdict")
    states = [one.get("state") or one.get("alarm") for one in events if one["event"] == "guard"]
    assert states == ["armed", "firing", "latched", "bybit answers in 300 ms"]
    assert own != kill
    starts = {one["run"]: one for one in events if one["event"] == "run_start"}
    assert (starts[own]["reason"], starts[kill]["reason"]) == ("night", f"guard default: {STALE.words} (night)")
    assert sorted(one["run"] for one in events if one["event"] == "run_end") == sorted([own, kill])
    told = [json.loads(one) for one in noted.read_text().splitlines()]
    assert sorted(one.get("event", "result") for one in told) == ["alarm", "result", "state", "state"]
    result = next(one for one in told if "event" not in one)
    assert (result["profile"], result["run"]) == ("bybit", kill)


def test_a_script_gets_lines_of_json_alone(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch)

    def work(settings: GuardSettings, reread: Any, tell: Teller) -> int:
        (firing,) = records(GuardState.FIRING)
        tell.changed(firing, GuardState.ARMED)
        tell.kill(STALE).listener.finished(report(Verdict.OPEN))
        tell.note("for people")
        return 10

    loop.work = work
    assert app.main(["guard", "bybit", "--heartbeat", "/a", "--json", "-q"]) == 10
    out, err = capfd.readouterr()
    state, result = map(json.loads, out.splitlines())
    assert (state["guard"], state["event"], state["state"]) == ("default", "state", "firing")
    assert "profile" not in state
    assert (result["profile"], result["verdict"]) == ("bybit", "open")
    assert err == f"cancelall: guard default: FIRES: {STALE.words}\n"


# --- commands to one that stands ---


class Standing:
    """A guard that stands in a thread, and does what it is told."""

    def __init__(self, status: GuardStatus) -> None:
        self.now = status
        self.after_fire: list[GuardStatus] = []
        self.done: list[str] = []

    def status(self) -> GuardStatus:
        if self.now.state is GuardState.FIRING and self.after_fire:
            self.now = self.after_fire.pop(0)
        return self.now

    def arm(self, peer: Peer) -> None:
        self.done.append("arm")
        self.now = replace(self.now, state=GuardState.ARMED)

    def disarm(self, peer: Peer) -> None:
        self.done.append("disarm")
        self.now = replace(self.now, state=GuardState.DISARMED)

    def fire(self, peer: Peer, reason: str) -> None:
        self.done.append(f"fire {reason}")
        cause = Cause(trigger="command", source=peer.words, words="guard fire")
        self.now = replace(self.now, state=GuardState.FIRING, cause=cause, verdict="")

    async def drill(self, peer: Peer, request: DrillRequest) -> DrillAnswer:
        return DrillAnswer(ok=not request.order, lines=("trigger to wire: 1.2 ms",))


Stands = Callable[[GuardStatus], Standing]


@pytest.fixture
def stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stands]:
    """Has guards stand."""
    place = tmp_path / "run"
    place.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(place))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: list[ControlServer] = []

    def begin(status: GuardStatus) -> Standing:
        made = Standing(status)
        servers.append(ControlServer(control.socket_path(place, status.name), made))
        asyncio.run_coroutine_threadsafe(servers[-1].start(), loop).result(10)
        return made

    yield begin
    for one in servers:
        asyncio.run_coroutine_threadsafe(one.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@needs_sockets
@pytest.mark.parametrize(
    ("status", "code", "badge"),
    [
        (ARMED, 0, " ARMED "),
        (guard(GuardState.WAITING), 5, " WAITING "),
        (guard(GuardState.FIRING, verdict="open", cause=STALE), 10, " FIRING "),
        (guard(degraded=("x",), profiles=(REFUSED, KRAKEN)), 4, " DEGRADED "),
    ],
)
def test_how_it_stands(
    status: GuardStatus, code: int, badge: str, stands: Stands, capfd: pytest.CaptureFixture[str]
) -> None:
    stands(status)
    assert app.main(["guard", "status"]) == code
    last = capfd.readouterr().out.splitlines()[-1]
    assert (last.startswith(badge), last.endswith(f"exit {code}")) == (True, True)
    assert app.main(["guard", "status", "--json", "--name", "mm"]) == code
    line = json.loads(capfd.readouterr().out)
    assert (line["guard"], line["state"], line["exit_code"]) == ("mm", status.state.value, code)
    assert app.main(["guard", "status", "--prometheus"]) == code
    assert f'cancelall_guard_exit_code{{guard="mm"}} {code}\n' in capfd.readouterr().out


@pytest.mark.parametrize("verb", ["status", "arm", "disarm", "fire", "drill"])
def test_where_none_runs_every_command_ends_with_3(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert app.main(["guard", verb]) == 3
    out, err = capfd.readouterr()
    assert (out, err) == ("", "cancelall: no guard runs here, and none is configured - start one: cancelall guard\n")
    assert app.main(["guard", verb, "--name", "mm"]) == 3
    assert capfd.readouterr().err == "cancelall: no guard mm runs here - start it: cancelall guard\n"


def test_a_guard_that_is_configured_and_does_not_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch, "[guard.desk]\n")
    assert app.main(["guard", "status", "--json"]) == 3
    out, err = capfd.readouterr()
    line = json.loads(out)
    assert (line["guard"], line["state"], line["exit_code"]) == ("desk", None, 3)
    assert err == "cancelall: no guard desk runs here - start it: cancelall guard\n"


@needs_sockets
def test_several_guards_end_with_the_worst(
    stands: Stands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch, "[guard.desk]\n")
    stands(ARMED)
    stands(guard(GuardState.WAITING, name="other"))
    assert app.main(["guard", "status"]) == 3
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == " NOT READY  1 of 3 guards armed and able · exit 3"
    assert "no guard desk runs here" in err
    for verb in ("arm", "disarm", "fire", "drill"):
        assert app.main(["guard", verb]) == 6
    assert "there are several guards - add --name with one of: desk, mm, other" in capfd.readouterr().err


@needs_sockets
def test_the_only_guard_that_runs_needs_no_name(stands: Stands, capfd: pytest.CaptureFixture[str]) -> None:
    standing = stands(guard(GuardState.WAITING))
    assert app.main(["guard", "arm"]) == 0
    assert app.main(["guard", "disarm"]) == 0
    assert standing.done == ["arm", "disarm"]
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == ["ARMED", "DISARMED"]


@needs_sockets
@pytest.mark.parametrize(("verdict", "code"), [("clear", 0), ("open", 10), ("unproven", 11), ("", 11), ("odd", 11)])
def test_fire_waits_for_the_verdict_and_ends_with_it(
    verdict: str, code: int, stands: Stands, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_command, "_LOOK", 0.001)
    standing = stands(ARMED)
    firing = guard(GuardState.FIRING, cause=STALE)
    standing.after_fire = [firing, firing, guard(GuardState.HOLDING, cause=STALE, verdict=verdict)]
    assert app.main(["guard", "fire", "--reason", "fat finger"]) == code
    assert standing.done == ["fire fat finger"]
    out, err = capfd.readouterr()
    assert err == "cancelall: guard mm fires\n"
    assert out.startswith(" HOLDING  guard mm: it has fired: ")


@needs_sockets
def test_one_that_fires_on_and_on_is_not_clear(
    stands: Stands, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_command, "_WAIT", 0.05)
    monkeypatch.setattr(guard_command, "_LOOK", 0.001)
    stands(ARMED)
    assert app.main(["guard", "--name", "mm", "fire"]) == 11


@needs_sockets
def test_a_drill_shows_what_it_has_shown(stands: Stands, capfd: pytest.CaptureFixture[str]) -> None:
    stands(ARMED)
    assert app.main(["guard", "drill"]) == 0
    assert capfd.readouterr().out == "trigger to wire: 1.2 ms\n"
    assert app.main(["guard", "drill", "bybit", "--order", "4711"]) == 11
    assert app.main(["guard", "drill", "--order", "4711"]) == 2


@needs_sockets
def test_a_config_that_cannot_be_read_keeps_nobody_from_firing(
    stands: Stands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text("x", encoding="utf-8")
    (tmp_path / "bad.toml").chmod(0o600)
    monkeypatch.setenv("CANCELALL_CONFIG", str(tmp_path / "bad.toml"))
    standing = stands(ARMED)
    standing.after_fire = [guard(GuardState.HOLDING, cause=STALE, verdict="clear")]
    assert app.main(["guard", "fire"]) == 0
    assert standing.done == ["fire "]


# --- what a check says of guards ---

CHECKED = [
    (ARMED, "ok", 0),
    (guard(GuardState.WAITING), "warn", 0),
    (guard(GuardState.DISARMED), "warn", 0),
    (guard(GuardState.LATCHED, cause=STALE, verdict="clear"), "fail", 6),
    (guard(GuardState.FIRING, cause=STALE), "fail", 11),
    (guard(GuardState.HOLDING, cause=STALE, verdict="open"), "fail", 11),
    (guard(degraded=("the key was refused",), profiles=(REFUSED,)), "fail", 4),
    (guard(degraded=("no answer",), profiles=(UNREACHABLE,)), "fail", 12),
    (guard(sources=(Sight(source="/b", trigger="heartbeat", trouble="Permission denied"),)), "fail", 6),
    (guard(alarms=("bybit answers in 300 ms",)), "warn", 0),
]


@pytest.mark.parametrize(("status", "level", "code"), CHECKED)
def test_only_a_guard_that_is_armed_and_able_is_good(status: GuardStatus, level: str, code: int) -> None:
    findings = check_command.guard_findings(status)
    assert max(findings, key=lambda one: list(Level).index(one.level)).level == level
    assert worst(one for one in findings if one.level is Level.FAIL) == code
    assert {one.check for one in findings} == {"guard"}
    assert [one for one in findings if one.level is not Level.OK and not one.fix] == []
    assert findings[0].detail.startswith("mm: ")


def checked(capfd: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """What a check that sends nothing ends with, and what it says of guards, by profile."""
    code = app.main(["check", "--max-age", "24h", "--json"])
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return code, {one["profile"]: [row for row in one["findings"] if row["check"] == "guard"] for one in lines}


@needs_sockets
def test_a_check_tells_each_profile_of_its_guards(
    stands: Stands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch, '[guard.mm]\n[guard.desk]\nprofiles = ["mm-2"]\n')
    monkeypatch.setattr(
        "cancelall.check.evidence.age_finding", lambda *words: Finding(check="evidence", level=Level.OK, detail="")
    )
    standing = stands(guard(profiles=(BYBIT,)))
    code, found = checked(capfd)
    assert [one["level"] for one in found["bybit"]] == ["ok"]
    assert [one["level"] for one in found["mm-2"]] == ["fail"]
    assert found["mm-2"][0]["detail"] == "desk: no guard desk runs here"
    assert found["mm-2"][0]["fix"].startswith("start it: cancelall guard --name desk; or take [guard.desk] out of")
    assert code == 6
    standing.now = guard(GuardState.LATCHED, cause=STALE, verdict="clear", profiles=(BYBIT, KRAKEN))
    code, found = checked(capfd)
    assert [[one["level"] for one in found[name]] for name in ("bybit", "mm-2")] == [["fail"], ["fail", "fail"]]


def test_without_guards_a_check_says_nothing_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, monkeypatch)
    assert checked(capfd)[1] == {"bybit": [], "mm-2": []}
