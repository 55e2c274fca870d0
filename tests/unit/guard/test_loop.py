"""A guard from its start to its end, on the embedded exchange: what it fires, writes down, tells, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.config.guards import GuardAlarms, GuardSettings
from cancelall.config.toml_file import Document
from cancelall.core.errors import ConfigError, ExitStatus, SecretError
from cancelall.core.model import Verdict
from cancelall.core.profile import Profile
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Listener, Run
from cancelall.guard import loop, standby
from cancelall.guard.control import DrillRequest, Peer
from cancelall.guard.loop import Guard
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus
from cancelall.guard.records import Found, Records
from cancelall.guard.standby import Standby
from cancelall.journal.record import Record
from cancelall.simulator import SimServer
from support import on_a_loop, profile_table, profiles_of

PATIENCE = 20.0
ME = Peer(uid=0, pid=1)


@dataclass
class Told:
    """What a guard tells, and a bell that rings at each word."""

    directory: Path
    changes: list[tuple[GuardState, GuardState | None]] = field(default_factory=list)
    """Each new state, and what was on the disk when it was told."""
    words: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    kills: list[Cause] = field(default_factory=list)
    statuses: list[ExitStatus] = field(default_factory=list)
    status: Callable[[], GuardStatus] = field(default=lambda: pytest.fail("it does not stand"))
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def standing(self, status: Callable[[], GuardStatus]) -> None:
        self.status = status

    def reloaded(self, settings: GuardSettings) -> None:
        self.note(f"reloaded {settings.timeout:g}")

    def changed(self, record: GuardRecord, before: GuardState) -> None:
        kept = Records(self.directory, "mm").read().record
        self.changes.append((record.state, kept.state if kept is not None else None))
        self.bell.set()

    def note(self, words: str) -> None:
        self.words.append(words)
        self.bell.set()

    warn = note

    def alarm(self, words: str) -> None:
        self.alarms.append(words)
        self.bell.set()

    def kill(self, cause: Cause) -> ToldOfKill:
        self.kills.append(cause)
        return ToldOfKill(self)

    def close(self, status: int) -> None:
        self.note(f"ended with {status}")

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for a word after which this holds."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self.bell.clear()
                await self.bell.wait()

    async def state(self, *wanted: GuardState) -> None:
        """Wait until it has come into these states, one after the other."""
        await self.until(lambda: tuple(state for state, _ in self.changes)[-len(wanted) :] == wanted)


class ToldOfKill:
    def __init__(self, told: Told) -> None:
        self.told = told
        self.record = Record()
        self.listener = Listener()

    async def over(self, reports: Sequence[ProfileReport], status: ExitStatus) -> None:
        self.told.statuses.append(status)
        self.told.bell.set()


@dataclass
class Standing:
    """A guard that stands, and the bot that it looks at."""

    guard: Guard
    told: Told
    server: SimServer
    beat_file: Path
    kill_file: Path
    task: asyncio.Task[int]
    beats: int = 0

    def beat(self) -> None:
        self.beats += 1
        self.beat_file.write_text("x" * self.beats)

    async def armed(self) -> None:
        """Beat until it is armed."""
        await self.told.state(GuardState.WAITING)
        self.beat()
        await self.told.state(GuardState.ARMED)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.task


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gap of a proof has its real length, and nothing waits before it comes again."""
    monkeypatch.setattr(loop, "Standby", partial(Standby, scale=0.05))
    monkeypatch.setattr(loop, "_PAUSES", (0.05,))
    monkeypatch.setattr(loop, "_TOLD", 0.05)
    monkeypatch.setattr(standby, "lock_memory", lambda: False)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A directory whose sockets have short names: the system takes about a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="guard-") as made:
        yield Path(made)


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=6) as made:
        yield made


def settings_of(server: SimServer, tmp_path: Path, **more: Any) -> GuardSettings:
    made = GuardSettings(
        name="mm",
        document=Document(path=None),
        profiles=more.pop("profiles", None) or tuple(profiles_of({"bybit": profile_table("bybit", server)})),
        heartbeats=(str(tmp_path / "beat"),),
        kill_files=(str(tmp_path / "KILL"),),
        signals=("USR1",),
        timeout=0.6,
        grace=0.6,
        hold=0.2,
        venue_switch="off",
    )
    return replace(made, **more)


@contextlib.asynccontextmanager
async def standing(
    server: SimServer, tmp_path: Path, *, reread: Callable[[], GuardSettings] | None = None, **more: Any
) -> AsyncIterator[Standing]:
    """A guard on a directory of its own, which is ended at the end."""
    directory = tmp_path / "run" / "cancelall"
    (tmp_path / "beat").write_text("")
    settings = settings_of(server, tmp_path, **more)
    told = Told(directory)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)}
    guard = Guard(settings, reread or (lambda: settings), told, environ)
    task = asyncio.create_task(guard.stand())
    try:
        yield Standing(guard, told, server, tmp_path / "beat", tmp_path / "KILL", task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await guard.close()


@on_a_loop
async def test_silence_fires_and_it_is_proven_held_and_latched(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path) as stood:
        await stood.armed()
        await stood.told.state(GuardState.FIRING, GuardState.HOLDING, GuardState.LATCHED)
        states = [state for state, _ in stood.told.changes]
        assert [kept for _, kept in stood.told.changes] == states, "what is told is on the disk before"
        assert [cause.trigger for cause in stood.told.kills] == ["heartbeat"]
        assert stood.told.statuses == [ExitStatus.CLEAR]
        assert not server.open_orders()
        status = stood.told.status()
        assert (status.state, status.verdict, status.degraded) == (GuardState.LATCHED, "clear", ())
        stood.beat()
        stood.guard.arm(ME)
        await stood.told.state(GuardState.ARMED)


@pytest.mark.faults
@on_a_loop
async def test_while_a_kill_file_exists_what_reappears_is_cancelled(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, hold=0.0) as stood:
        account = next(iter(server.fake.accounts.values()))
        like = server.open_orders()[0]
        await stood.told.state(GuardState.WAITING)
        stood.kill_file.symlink_to(stood.kill_file)
        await stood.told.state(GuardState.FIRING, GuardState.HOLDING)
        for _ in range(3):  # longer than the shortest hold
            placed = server.fake.place_like(account, like, server.fake.server_now())
            async with asyncio.timeout(PATIENCE):
                while placed.id in {order.id for order in server.open_orders()}:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
        assert stood.guard.machine.state is GuardState.HOLDING
        assert len(stood.told.kills) == 1, "one kill, and one hold"
        stood.kill_file.unlink()
        await stood.told.state(GuardState.LATCHED)
        assert not server.open_orders()


@on_a_loop
async def test_a_signal_and_a_command_fire_before_it_is_armed(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.WAITING)
        os.kill(os.getpid(), signal.SIGUSR1)
        await stood.told.state(GuardState.LATCHED)
        stood.guard.fire(ME, "fat finger")
        assert stood.guard.machine.state is GuardState.FIRING, "when the command is answered it is on its way"
        await stood.told.until(lambda: len(stood.told.statuses) == 2)
        assert [cause.words for cause in stood.told.kills] == [
            "signal SIGUSR1",
            "guard fire: user 0, process 1: fat finger",
        ]


@pytest.mark.faults
@on_a_loop
async def test_it_fires_again_until_it_is_clear(tmp_path: Path) -> None:
    with simulator.start("bybit", orders=4, faults=["listing-fails"]) as server:
        profiles = tuple(profiles_of({"bybit": profile_table("bybit", server, deadline=1.0)}))
        async with standing(server, tmp_path, profiles=profiles, hold=0.0) as stood:
            await stood.told.state(GuardState.WAITING)
            stood.guard.fire(ME, "")
            await stood.told.until(lambda: len(stood.told.statuses) >= 2)
            assert stood.guard.machine.state is GuardState.FIRING
            assert set(stood.told.statuses) == {ExitStatus.UNPROVEN}
            assert any("fires again" in words for words in stood.told.words)
            server.set_faults([])
            await stood.told.state(GuardState.LATCHED)
            assert stood.told.statuses[-1] is ExitStatus.CLEAR


@on_a_loop
async def test_disarming_ends_a_kill(tmp_path: Path) -> None:
    with simulator.start("bybit", orders=4, faults=["listing-fails"]) as server:
        async with standing(server, tmp_path) as stood:
            await stood.told.state(GuardState.WAITING)
            stood.guard.fire(ME, "")
            await asyncio.sleep(0)
            stood.guard.disarm(ME)
            await stood.told.state(GuardState.DISARMED)
            await stood.told.until(lambda: stood.told.statuses)
            async with asyncio.timeout(PATIENCE):
                while stood.guard._kill is not None:
                    await asyncio.sleep(0.01)
            assert stood.guard.machine.state is GuardState.DISARMED


@on_a_loop
async def test_a_bug_in_a_kill_does_not_end_it(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Run.all, list[int]()

    async def breaks_once(run: Run) -> list[ProfileReport]:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return await real(run)

    monkeypatch.setattr(Run, "all", breaks_once)
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.WAITING)
        stood.guard.fire(ME, "")
        await stood.told.state(GuardState.LATCHED)
        assert not server.open_orders()
        await stood.told.until(lambda: any("broke off" in one for one in stood.told.alarms))


@pytest.mark.faults
@on_a_loop
async def test_a_kill_file_that_comes_between_the_last_look_and_the_latch_is_held(
    server: SimServer, tmp_path: Path
) -> None:
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.WAITING)
        stood.guard._kill_over, real = partial(_made_meanwhile, stood), stood.guard._kill_over  # type: ignore[method-assign]
        stood.guard._real_kill_over = real  # type: ignore[attr-defined]
        stood.guard.fire(ME, "")
        await stood.told.until(lambda: len(stood.told.kills) == 2)
        assert stood.told.kills[-1].trigger == "kill file"
        stood.kill_file.unlink()
        await stood.told.state(GuardState.LATCHED)


def _made_meanwhile(stood: Standing, task: asyncio.Task[None]) -> None:
    if len(stood.told.kills) == 1:
        stood.kill_file.touch()
    stood.guard._real_kill_over(task)  # type: ignore[attr-defined]


@pytest.mark.faults
@on_a_loop
async def test_who_wants_it_to_fire_while_it_waits_for_its_next_try_waits_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_PAUSES", (3600.0,))
    with simulator.start("bybit", orders=4, faults=["listing-fails"]) as server:
        profiles = tuple(profiles_of({"bybit": profile_table("bybit", server, deadline=3.0)}))
        async with standing(server, tmp_path, profiles=profiles, hold=0.0) as stood:
            await stood.told.state(GuardState.WAITING)
            stood.guard.fire(ME, "")
            for number in (1, 2):
                await stood.told.until(lambda: any("fires again" in words for words in stood.told.words))
                assert len(stood.told.kills) == number
                stood.told.words.clear()
                server.set_faults([] if number == 2 else ["listing-fails"])
                if number == 1:
                    stood.guard.fire(ME, "")
                else:
                    stood.kill_file.touch()
            await stood.told.state(GuardState.HOLDING)
            stood.kill_file.unlink()
            await stood.told.state(GuardState.LATCHED)


@on_a_loop
async def test_a_cause_that_comes_when_a_kill_is_just_over_fires(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.WAITING)
        stood.guard.fire(ME, "the first")
        assert stood.guard._kill is not None
        stood.guard.disarm(ME)  # nothing was sent yet: the kill is cancelled, and not over
        stood.guard.fire(ME, "the second")
        await stood.told.state(GuardState.LATCHED)
        assert not server.open_orders()


def keyless(server: SimServer) -> tuple[Profile, ...]:
    return tuple(profiles_of({"bybit": {**profile_table("bybit", server), "credentials": {}}}))


@on_a_loop
async def test_one_without_any_key_does_not_stand(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, profiles=keyless(server)) as stood:
        with pytest.raises(SecretError):
            await stood.ended()
        assert GuardState.ARMED not in [state for state, _ in stood.told.changes]


@on_a_loop
async def test_one_that_was_armed_goes_on_without_its_keys_and_says_so(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, timeout=30.0) as stood:
        await stood.armed()
    async with standing(server, tmp_path, timeout=30.0, profiles=keyless(server)) as stood:
        await stood.told.until(lambda: stood.told.alarms)
        assert stood.told.status().state is GuardState.ARMED


@on_a_loop
async def test_a_bug_in_a_hold_does_not_end_it_and_disarming_meanwhile_does(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[int]()

    async def breaks(run: Run) -> list[ProfileReport]:
        calls.append(1)
        run.listener.holding("bybit", Verdict.CLEAR, 1.0)
        raise ZeroDivisionError

    monkeypatch.setattr(Run, "all", breaks)
    monkeypatch.setattr(loop, "_PAUSES", (0.3,))
    async with standing(server, tmp_path) as stood:
        await stood.told.state(GuardState.WAITING)
        stood.guard.fire(ME, "")
        await stood.told.until(lambda: len(stood.told.kills) == 2)
        assert GuardState.LATCHED not in [state for state, _ in stood.told.changes]
        while stood.guard._run is not None or stood.guard._kill is None:
            await asyncio.sleep(0)
        stood.guard.disarm(ME)
        await asyncio.sleep(0.5)
        assert len(stood.told.kills) == 2
        assert stood.guard.machine.state is GuardState.DISARMED


@on_a_loop
async def test_a_rehearsal_that_is_asked_for_ends_when_it_fires(tmp_path: Path) -> None:
    with simulator.start("bybit", orders=4, faults=["listing-fails"]) as server:
        async with standing(server, tmp_path, hold=0.0) as stood:
            await stood.told.until(lambda: stood.told.alarms)
            drilling = asyncio.create_task(stood.guard.drill(ME, DrillRequest()))
            await asyncio.sleep(0.1)
            assert stood.guard.standby._runs == 1
            stood.guard.fire(ME, "")
            with pytest.raises(ConfigError, match="it fires"):
                async with asyncio.timeout(5):
                    await drilling
            assert stood.guard._run is not None
            assert stood.guard.standby._runs == 1, "that of the kill"
            server.set_faults([])
            await stood.told.state(GuardState.LATCHED)


@on_a_loop
async def test_a_full_disk_keeps_it_from_nothing(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(records: Records, record: GuardRecord) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Records, "write", full)
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.armed()
        await stood.told.state(GuardState.LATCHED)
        assert not server.open_orders()
        assert any("cannot be kept" in one and "No space left" in one for one in stood.told.alarms)
        assert stood.told.status().degraded != ()


@on_a_loop
async def test_a_disk_that_hangs_keeps_it_from_nothing(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, real = threading.Event(), Records.write

    def hangs(records: Records, record: GuardRecord) -> None:
        if record.state is GuardState.FIRING:
            hung.wait(PATIENCE)
        real(records, record)

    monkeypatch.setattr(Records, "write", hangs)
    monkeypatch.setattr(loop, "_WRITTEN", 0.05)
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.armed()
        stood.guard.fire(ME, "")
        await stood.told.until(lambda: stood.told.statuses)
        assert not server.open_orders()
        await stood.told.until(lambda: any("is not written in time" in one for one in stood.told.alarms))
        hung.set()
        await stood.told.until(lambda: any(one.startswith("over: its state") for one in stood.told.words))
    assert (kept := Records(tmp_path / "run" / "cancelall", "mm").read().record) is not None
    assert kept.state is GuardState.LATCHED


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@on_a_loop
async def test_it_is_stopped_without_firing(
    server: SimServer, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    async with standing(server, tmp_path) as stood:
        await stood.armed()
        os.kill(os.getpid(), number)
        assert await stood.ended() == status
        assert len(server.open_orders()) >= 6
        assert stood.told.kills == []


@on_a_loop
async def test_it_fires_when_it_is_stopped_where_it_is_told_to(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, on_stop="fire") as stood:
        await stood.armed()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stood.ended() == ExitStatus.CLEAR
        assert not server.open_orders()


@on_a_loop
async def test_stopped_while_it_fires_it_ends_the_kill_and_with_its_status(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, hold=30.0) as stood:
        await stood.armed()
        stood.guard.fire(ME, "")
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stood.ended() == ExitStatus.CLEAR
        assert not server.open_orders()
    assert (kept := Records(tmp_path / "run" / "cancelall", "mm").read().record) is not None
    assert kept.stopped


@on_a_loop
async def test_it_ends_with_its_first_kill_where_it_fires_once(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, once=True, hold=0.0) as stood:
        await stood.armed()
        assert await stood.ended() == ExitStatus.CLEAR
        assert stood.told.statuses == [ExitStatus.CLEAR]
        assert not server.open_orders()


@on_a_loop
async def test_a_rehearsal_cancels_nothing(server: SimServer, tmp_path: Path) -> None:
    before = len(server.open_orders())
    async with standing(server, tmp_path, dry_run=True) as stood:
        await stood.armed()
        await stood.told.until(lambda: stood.told.statuses)
        assert len(server.open_orders()) == before
        assert not [one for one in server.requests if one.method == "POST"]


@on_a_loop
async def test_the_second_of_a_name_does_not_start(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path) as stood:
        await stood.told.state(GuardState.WAITING)
        with pytest.raises(ConfigError, match="a guard called mm is running"):
            async with standing(server, tmp_path):
                pytest.fail("it started")
        assert stood.guard.machine.state is GuardState.WAITING


@on_a_loop
async def test_one_that_was_armed_goes_on_and_one_that_was_firing_fires(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, timeout=30.0, grace=30.0) as stood:
        await stood.armed()
    async with standing(server, tmp_path, timeout=30.0, grace=30.0) as stood:
        assert stood.guard.machine.state is GuardState.ARMED
        record = replace(stood.guard.machine.record, state=GuardState.FIRING)
    Records(tmp_path / "run" / "cancelall", "mm").write(record)
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.LATCHED)
        assert [cause.words for cause in stood.told.kills] == [
            "it ended while it was firing: nobody knows why any more"
        ]
        assert not server.open_orders()


@on_a_loop
async def test_an_odd_record_is_told_and_arms_nothing(server: SimServer, tmp_path: Path) -> None:
    directory = tmp_path / "run" / "cancelall"
    directory.mkdir(parents=True)
    (directory / "guard-mm").write_text("{")
    async with standing(server, tmp_path) as stood:
        await stood.told.until(lambda: any("counts for nothing" in one for one in stood.told.alarms))
        await stood.told.state(GuardState.WAITING)
    assert Records(directory, "mm").read() != Found()


# --- another configuration ---


@on_a_loop
async def test_another_configuration_is_taken_over(server: SimServer, tmp_path: Path) -> None:
    new = settings_of(server, tmp_path, timeout=7.0, heartbeats=(), kill_files=(str(tmp_path / "OTHER"),))
    async with standing(server, tmp_path, timeout=30.0, reread=lambda: new) as stood:
        await stood.armed()
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.told.until(lambda: "another configuration is in force" in stood.told.words)
        assert stood.guard.machine.rules.timeout == 7.0
        (tmp_path / "OTHER").write_text("")
        await stood.told.state(GuardState.FIRING, GuardState.HOLDING)
        assert stood.told.kills[0].words == f"{tmp_path / 'OTHER'} exists"


@pytest.mark.parametrize("wrong", ["file", "heartbeat", "key"])
@on_a_loop
async def test_a_bad_one_leaves_the_old_in_force(server: SimServer, tmp_path: Path, wrong: str) -> None:
    def reread() -> GuardSettings:
        if wrong == "file":
            raise ConfigError("config.toml:3: it is torn", "correct it")
        if wrong == "heartbeat":
            return settings_of(server, tmp_path, heartbeats=("/nowhere/at/all/beat",))
        table = profile_table("bybit", server)
        bad = {**table, "credentials": {"api_key": "another", "api_secret": "another"}}
        return settings_of(server, tmp_path, profiles=tuple(profiles_of({"bybit": bad})))

    async with standing(server, tmp_path, timeout=1.5, reread=reread) as stood:
        await stood.armed()
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.told.until(lambda: any("is not in force" in one for one in stood.told.alarms))
        assert stood.guard.machine.rules.timeout == 1.5
        await stood.told.state(GuardState.FIRING, GuardState.HOLDING)
        assert not server.open_orders()


@on_a_loop
async def test_a_bug_in_reading_it_is_an_alarm_and_the_next_one_is_read(server: SimServer, tmp_path: Path) -> None:
    calls = list[int]()

    def reread() -> GuardSettings:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGHUP)  # while the one before is being taken over
        return settings_of(server, tmp_path, timeout=10.0 * len(calls), heartbeats=())

    async with standing(server, tmp_path, timeout=30.0, reread=reread) as stood:
        await stood.armed()
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.told.until(lambda: any("ZeroDivisionError" in one for one in stood.told.alarms))
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.told.until(lambda: "reloaded 30" in stood.told.words)


@on_a_loop
async def test_one_that_comes_while_it_is_made_ready_does_not_keep_it_from_being_armed(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, first = Standby.prepare, asyncio.Event()

    async def prepare(standby: Standby) -> tuple[str, ...]:
        if not first.is_set():
            first.set()
            await asyncio.Event().wait()
        return await real(standby)

    monkeypatch.setattr(Standby, "prepare", prepare)
    async with standing(server, tmp_path, reread=lambda: settings_of(server, tmp_path, timeout=30.0)) as stood:
        await first.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.armed()


@pytest.mark.faults
@on_a_loop
async def test_one_that_comes_while_it_fires_waits_and_leaves_the_venues_timers(tmp_path: Path) -> None:
    with simulator.start("bybit", orders=4, faults=["listing-fails"]) as server:
        profiles = tuple(profiles_of({"bybit": profile_table("bybit", server, deadline=1.0)}))
        new = settings_of(server, tmp_path, profiles=profiles, timeout=30.0, hold=0.0)
        reread = list[bool]()

        def read() -> GuardSettings:
            reread.append(stood.guard._run is None)
            return new

        async with standing(server, tmp_path, profiles=profiles, hold=0.0, reread=read) as stood:
            await stood.told.state(GuardState.WAITING)
            disarmed = list[bool]()
            real = stood.guard._give_up_switches

            async def give_up(*, disarm: bool) -> None:
                disarmed.append(disarm)
                await real(disarm=disarm)

            stood.guard._give_up_switches = give_up  # type: ignore[method-assign]
            stood.guard.fire(ME, "")
            await asyncio.sleep(0.1)
            assert stood.guard._run is not None
            os.kill(os.getpid(), signal.SIGHUP)
            await stood.told.until(lambda: "reloaded 30" in stood.told.words)
            assert (reread, disarmed) == ([True], [False])


@on_a_loop
async def test_a_bug_in_what_keeps_it_ready_is_an_alarm_and_keeps_it_from_nothing(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prepare(standby: Standby) -> tuple[str, ...]:
        raise ZeroDivisionError

    monkeypatch.setattr(Standby, "prepare", prepare)
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.armed()
        await stood.told.until(lambda: any("not kept ready" in one for one in stood.told.alarms))
        await stood.told.state(GuardState.LATCHED)
        assert not server.open_orders()
        assert stood.told.status().degraded


@on_a_loop
async def test_a_bug_in_the_loop_lets_a_kill_come_to_its_verdict(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing(server, tmp_path, hold=0.0) as stood:
        await stood.told.state(GuardState.WAITING)
        stood.guard.fire(ME, "")
        monkeypatch.setattr(stood.guard.watch, "look", lambda at: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await stood.ended()
        assert stood.told.statuses == [ExitStatus.CLEAR]
        assert not server.open_orders()


# --- what it tells ---


@on_a_loop
async def test_a_key_that_is_refused_degrades_it_and_it_fires_all_the_same(server: SimServer, tmp_path: Path) -> None:
    with simulator.start("bybit", orders=3) as other:
        table = profile_table("bybit", other)
        bad = {**table, "credentials": {"api_key": "another", "api_secret": "another"}}
        both = tuple(profiles_of({"good": profile_table("bybit", server), "bad": bad}))
        async with standing(server, tmp_path, profiles=both) as stood:
            await stood.armed()
            await stood.told.until(lambda: any(one.startswith("bad: ") for one in stood.told.alarms))
            assert len([one for one in stood.told.alarms if one.startswith("bad: ")]) == 1, "once while it lasts"
            assert [one.able for one in stood.told.status().profiles] == [True, False]
            await stood.told.until(lambda: stood.told.statuses)
            assert not server.open_orders()
            assert other.open_orders()


@on_a_loop
async def test_a_figure_that_is_worse_than_configured_is_an_alarm(server: SimServer, tmp_path: Path) -> None:
    async with standing(server, tmp_path, alarms=GuardAlarms(verdict_seconds=0.0001)) as stood:
        await stood.told.until(lambda: any("a verdict would take" in one for one in stood.told.alarms))
        assert stood.told.status().alarms != ()
        assert stood.told.status().degraded == ()


@on_a_loop
async def test_the_manager_hears_from_the_loop_alone(
    server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE)
        settings = settings_of(server, tmp_path)
        (tmp_path / "beat").write_text("")
        environ = {"XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path), "NOTIFY_SOCKET": str(path)}
        guard = Guard(settings, lambda: settings, Told(tmp_path / "run" / "cancelall"), environ)
        task = asyncio.create_task(guard.stand())
        said: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while not any(b"READY=1" in one for one in said):
                said.append(await asyncio.to_thread(manager.recv, 4096))
        assert b"WATCHDOG=1" in said
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await guard.close()
        manager.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while True:
                said.append(manager.recv(4096))
        assert b"STOPPING=1" in said[-1]
