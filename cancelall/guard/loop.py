"""The loop of a guard: look, decide, write down, act; and tell the manager that it goes round.

Everything is decided on one event loop. A kill is a `Run` like any other, begun with what the standby holds ready; the
loop goes on looking meanwhile. Whatever tells somebody of it comes after the cancels.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import replace
from functools import partial

from cancelall.config.guards import GuardAlarms, GuardSettings
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, bug_words
from cancelall.core.model import Verdict
from cancelall.core.profile import Profile
from cancelall.core.results import ProfileReport
from cancelall.core.stamp import now_ms
from cancelall.engine import verdicts
from cancelall.engine.run import Listener, Run
from cancelall.guard import drill
from cancelall.guard.control import ControlServer, DrillAnswer, DrillRequest, Peer, socket_path
from cancelall.guard.machine import SAVED, Machine, Step
from cancelall.guard.metrics import Metrics
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus, Look, Pressed, ProfileFigures, Rules
from cancelall.guard.notify_socket import NotifySocket
from cancelall.guard.records import Records, RecordWriter, boot, guard_directory
from cancelall.guard.standby import Standby
from cancelall.guard.status import alarms
from cancelall.guard.teller import KillTeller, Teller
from cancelall.guard.triggers.sockets import inherited
from cancelall.guard.venue_switch import SwitchKeeper, check_switches
from cancelall.guard.watch import GuardWatch, heartbeats_of
from cancelall.net.background import in_thread

EVERY = 0.18
"""Seconds between two looks, where no event wakes it before. Waking up costs more than looking. What no event tells, as
a beat on a file of this machine, is known after less than the 0.2 s by which a guard may be late.
"""
_SOONEST = 0.001
"""Seconds between two looks at least, where time alone brings the next one."""
_TOLD = 1.0
"""Seconds between two looks at what is to be told: troubles, alarms, the manager's line."""
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds until it fires again while a verdict is not clear, by how often it has; the last one for as long as it takes.
"""
_WRITTEN = 1.0
"""Seconds that a change waits until it is on the disk; a slower disk is told."""
_WRITTEN_AND_FIRED = 0.05
"""The same of a change that fires."""
_SHORTEST_HOLD = 1.0
"""Seconds for which a kill file has an account held at least, so that the hold can be made longer."""
_SWITCH_SECONDS = 2.0
"""What the disarming of the venues' switches may take when the guard is stopped."""
_AFTER_THE_CANCELS = 0.002
"""Seconds that the first cancels have the loop to themselves before anybody is told."""


async def stand(
    settings: GuardSettings, reread: Callable[[], GuardSettings], tell: Teller, environ: MutableMapping[str, str]
) -> int:
    """Stand watch until it is stopped, or with `once` has fired; the exit status.

    Raises CancelallError where it cannot: a guard that runs looks at everything that it was given.
    """
    guard = Guard(settings, reread, tell, environ)
    try:
        return await guard.stand()
    finally:
        await guard.close()


class Guard:
    """One guard, from its start to its end."""

    def __init__(
        self,
        settings: GuardSettings,
        reread: Callable[[], GuardSettings],
        tell: Teller,
        environ: MutableMapping[str, str],
    ) -> None:
        """Take the name, and look at everything once. Raises ConfigError."""
        self.settings = settings
        self.tell = tell
        self._reread = reread
        self._environ = environ
        self._manager = NotifySocket(environ)
        self._troubles: dict[str, str] = {}
        """What is wrong besides the profiles, by what it is about."""
        self._told: set[str] = set()
        self._ready = False
        self._ending: str = ""
        """The signal that stops it."""
        self._stops = 0
        self._fires_last = False
        """A kill was under way when it was stopped, or it fires because it was: its status is that of the kill."""
        self._status: int | None = None
        self._kill: asyncio.Task[None] | None = None
        self._run: Run | None = None
        self._again: Cause | None = None
        """A further cause has come while it was at work: it fires anew."""
        self._hurry = asyncio.Event()
        """Somebody wants it to fire while it waits for its next try."""
        self._reports: Sequence[ProfileReport] = ()
        self._late_until_ms = 0
        self._reloading: asyncio.Task[None] | None = None
        self._reload_again = False
        self._rehearsal: asyncio.Task[DrillAnswer] | None = None
        self._look = Look(at=time.monotonic(), sights=())
        self._saved: GuardRecord | None = None
        self._saved_at = self._told_at = float("-inf")
        self._started_ms = self._since_ms = now_ms()
        check_switches(_usable(settings), settings.venue_switch, settings.venue_timeout)
        directory = guard_directory(environ)
        self.records = Records(directory, settings.name)
        self.records.lock()
        self._writer = RecordWriter(self.records)
        before = self.records.read()
        self._odd_record = before.trouble
        self.machine = Machine(_rules(settings), boot=boot(), at=time.monotonic(), before=before.record)
        self._resumed = self.machine.state is GuardState.ARMED or self.machine.state.at_work
        self._refusal: CancelallError | None = None
        """Why it cannot stand, as it turned out."""
        self.watch = GuardWatch(
            heartbeats=_heartbeats(settings),
            processes=settings.processes,
            kill_files=settings.kill_files,
            signals=settings.signals,
            probe=settings.probe,
            directory=directory,
            name=settings.name,
            given=inherited(environ),
            environ=environ,
            resumed=self._resumed,
        )
        self.standby = Standby(settings.profiles, environ, settings.document)
        self.switches = self._made_switches(settings, self.standby)
        self._control = ControlServer(socket_path(directory, settings.name), self)
        self._metrics = Metrics(settings.metrics, self.status) if settings.metrics else None
        self._keeping: asyncio.Task[None] | None = None

    async def stand(self) -> int:
        """Go round until it ends."""
        self.watch.attach()
        self._hear_signals()
        await self._control.start()
        if self._metrics is not None:
            await self._metrics.start()
        self._write(self.machine.record)
        self.tell.standing(self.status)
        if self._odd_record:
            self.tell.alarm(self._odd_record)
        self._keeping = asyncio.create_task(self._keep(self.standby))
        try:
            while self._status is None and self._refusal is None:
                self.turn(time.monotonic())
                await self.watch.wake(max(_SOONEST, min(EVERY, self.machine.due)))
        except Exception:  # who starts it again goes on from the record; a kill that is under way is not ended for that
            self._ending = self._ending or "a bug"
            while self._kill is not None and self.machine.state is GuardState.FIRING:
                await asyncio.wait({self._kill})
            raise
        if self._refusal is not None and self._status is None:
            raise self._refusal
        return self._status or 0

    def turn(self, at: float) -> None:
        """Once round: look, decide, act."""
        killing, self._look = self.machine.killing, self.watch.look(at)
        step = self.machine.look(self._look)
        if step is not None:
            self._carry_out(step)
        elif self.machine.state is GuardState.FIRING and (self._look.pressed or self.machine.killing > killing):
            self._hurry.set()
        elif self.machine.state is GuardState.HOLDING and self._kill is None:
            self._hold_or_release(at)
        self._keep_switches(at)
        self._save(at)
        if at >= self._told_at + _TOLD and self.machine.state is not GuardState.FIRING:
            self._told_at = at
            self._tell_troubles()
        self._manager.watchdog()
        if self._ending and self._kill is None:
            self._end()

    async def close(self) -> None:
        """Give everything back. The record stays: it is what the next guard of this name goes on with."""
        for task in (self._keeping, self._reloading, self._kill):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        # Of one that breaks off, or whose kill is not proven, the venues' timers run on: they are what is left.
        stopped = self._status is not None and self.machine.state is not GuardState.FIRING
        await self._give_up_switches(disarm=stopped)
        if self._metrics is not None:
            await self._metrics.close()
        await self._control.close()
        self.watch.close()
        self.standby.close()
        self._manager.stopping("stopped")
        self._manager.close()
        self._writer.close(_WRITTEN)
        self.records.unlock()

    # --- what is decided ---

    def _hold_or_release(self, at: float) -> None:
        """Nothing is under way any more: it latches, or a kill file has come meanwhile, and the account is held."""
        files = (one for one in self._look.sights if one.trigger == "kill file" and one.present)
        if self.machine.killing and not self._ending:
            source = next((one.source for one in files), "a kill file")
            self._fire(Cause(trigger="kill file", source=source, words=f"{source} exists"))
        elif step := self.machine.released(at):
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        """Write a change down, and then do it."""
        before, self._since_ms = self._saved.state if self._saved is not None else GuardState.CHECKING, now_ms()
        self._write(step.record, _WRITTEN if step.fire is None else _WRITTEN_AND_FIRED)
        if step.fire is not None:
            self._fire(step.fire)
        loop = asyncio.get_running_loop()
        loop.call_later(_AFTER_THE_CANCELS if step.fire else 0.0, self.tell.changed, step.record, before)

    def _write(self, record: GuardRecord, seconds: float = _WRITTEN) -> None:
        """Have a record on the disk. Where that cannot be, the guard does its work all the same, and says so."""
        self._writer.write(record, seconds)
        self._saved, self._saved_at = record, time.monotonic()

    def _save(self, at: float) -> None:
        """Keep the beats that have come since the last change, now and then."""
        if at >= self._saved_at + SAVED * self.machine.rules.timeout and self._saved != self.machine.record:
            self._write(self.machine.record, 0.0)

    # --- the kill ---

    def _fire(self, cause: Cause) -> None:
        if self._rehearsal is not None:  # the key, the limits and the connections are for the kill
            self._rehearsal.cancel()
        for switch in self.switches:
            switch.fire()
        if self._kill is not None:
            self._again = cause
            self._hurry.set()
            if self._run is not None:
                self._run.interrupt("another trigger")
            return
        self._begin(cause)

    def _begin(self, cause: Cause, after: float = 0.0) -> None:
        self._kill = asyncio.create_task(self._killed(cause, after))
        self._kill.add_done_callback(self._kill_over)

    async def _killed(self, cause: Cause, after: float) -> None:
        """Fire until it is proven clear, or somebody disarms or stops the guard."""
        times = 0
        if after:
            await self._pause(after)
        while True:
            reports, status = await self._once(cause)
            again, self._again = self._again, None
            if not self.machine.state.at_work:
                return  # it was disarmed
            step = self.machine.verdict(time.monotonic(), _worst(reports), clear=status is ExitStatus.CLEAR)
            if step is not None and step.record.state is not self._saved_state:
                self._carry_out(step)
            elif step is not None:
                self._write(step.record)
            if self.settings.once:
                self._status = int(status)
                return
            if again is not None:
                cause, times = again, 0
                continue
            if status is ExitStatus.CLEAR and not (self.machine.killing and not self._ending):
                for switch in self.switches:
                    switch.release()
                return
            if self._ending:
                return
            pause = _PAUSES[min(times, len(_PAUSES) - 1)]
            times += 1
            if status is not ExitStatus.CLEAR:
                self.tell.note(f"not clear ({_worst(reports)}): it fires again in {pause:g} s")
            if await self._pause(pause):
                times = 0
            if self._again is not None:
                cause, self._again = self._again, None

    async def _pause(self, seconds: float) -> bool:
        """Wait before the next try; whether somebody wants it at once."""
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._hurry.wait()
        return False

    async def _once(self, cause: Cause) -> tuple[Sequence[ProfileReport], ExitStatus]:
        """One run over all profiles."""
        told, settings = self.tell.kill(cause), self.settings
        hold = 0.0 if settings.dry_run or settings.once or self._ending else settings.hold
        if self.machine.killing and not settings.dry_run and not settings.once:
            hold = max(hold, _SHORTEST_HOLD)
        self._run = self.standby.run(
            started=time.monotonic(),
            listener=self._listening(told),
            record=told.record,
            hold=settings.hold if settings.once else hold,
            hold_goes_on=lambda: self.machine.killing and not (self._ending or settings.once),
            dry_run=settings.dry_run,
        )
        try:
            reports = await self._run.all()
        finally:
            self._late_until_ms = max(self._late_until_ms, self._run.late_until_ms)
            self._run = None
            self.standby.over()
        status = verdicts.exit_status(reports)
        self._reports = reports
        telling = asyncio.create_task(_quietly(told.over(reports, status)))
        if settings.once or self._ending:
            await telling
        return reports, status

    def _listening(self, told: KillTeller) -> Listener:
        """What the run calls: whoever is told, and this guard, which holds as soon as every first verdict is clear."""
        waited = {one.name for one in self.settings.profiles}
        clear = True

        def holding(profile: str, verdict: Verdict, seconds: float) -> None:
            nonlocal clear
            told.listener.holding(profile, verdict, seconds)
            waited.discard(profile)
            clear = clear and verdict is Verdict.CLEAR
            step = self.machine.verdict(time.monotonic(), verdict.value, clear=True) if clear and not waited else None
            if step is not None:
                self._carry_out(step)
            if self._ending and not waited and self._run is not None:
                self._run.interrupt(self._ending)

        return replace(told.listener, holding=holding)

    def _kill_over(self, task: asyncio.Task[None]) -> None:
        self._kill = None
        again, self._again = self._again, None
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._troubles["kill"] = f"the kill broke off: {bug_words(fault)}"
            at_work = self.machine.state.at_work and not self._ending
            if at_work and (cause := self.machine.cause) is not None:  # a bug must not end a kill, or a hold
                self._begin(cause, _PAUSES[0])
        elif again is not None and self.machine.state is GuardState.FIRING and self._status is None:
            self._begin(again)  # it came at the very end

    @property
    def _saved_state(self) -> GuardState | None:
        return self._saved.state if self._saved is not None else None

    # --- what is kept ready ---

    async def _keep(self, standby: Standby) -> None:
        """Prepare, and from then on keep ready, whatever goes wrong: it fires with what there is.

        One that could cancel nothing at all does not stand, unless it goes on with what another one has begun: then
        that is a trouble, and tried again.
        """
        while True:
            try:
                if not standby.prepared:
                    await standby.prepare()
                    if self.machine.state is GuardState.CHECKING and not self._resumed:
                        self._refusal = standby.keyless
                if self._refusal is None:
                    self._troubles.pop("ready", None)
                    self.machine.able()
                    await standby.keep()
                return
            except Exception as fault:
                self._troubles["ready"] = f"it is not kept ready: {bug_words(fault)}"
                self.machine.able()
                await asyncio.sleep(_PAUSES[0])

    def _made_switches(self, settings: GuardSettings, standby: Standby) -> tuple[SwitchKeeper, ...]:
        mode = "off" if settings.dry_run else settings.venue_switch
        return tuple(
            SwitchKeeper(
                profile=profile,
                mode=mode,
                seconds=settings.venue_timeout,
                line=partial(standby.line, profile),
                note=lambda event, words: self.tell.note(words),
            )
            for profile in _usable(settings)
        )

    async def _give_up_switches(self, *, disarm: bool) -> None:
        """Let go of the venues' switches: disarm what was armed, as far as they answer in time; tell what may still
        cancel.
        """
        switches, self.switches = self.switches, ()
        if disarm:
            await asyncio.gather(*(switch.disarm(_SWITCH_SECONDS) for switch in switches))
        for switch in switches:
            await switch.close()
            if words := switch.left:
                self.tell.warn(f"{switch.profile.name}: {words}")

    def _keep_switches(self, at: float) -> None:
        if not self.standby.prepared:
            return
        beats = self.machine.silent is not None and self.machine.beating  # None: none has come yet
        fresh = self.machine.state is GuardState.ARMED and beats
        for switch in (one for one in self.switches if one.mode != "off"):
            switch.resting = self.standby.resting(switch.profile)
            switch.look(at, fresh=fresh)

    # --- what is told ---

    def status(self) -> GuardStatus:
        """How it stands."""
        machine, settings = self.machine, self.settings
        status = GuardStatus(
            name=settings.name,
            state=machine.state,
            degraded=self.degraded(),
            pid=os.getpid(),
            started_ms=self._started_ms,
            since_ms=self._since_ms,
            cause=machine.cause,
            verdict=machine.record.verdict,
            sources=self._look.sights,
            silent=machine.silent,
            timeout=machine.rules.timeout,
            grace=machine.rules.grace,
            profiles=self._figures(),
            unprotected=tuple(words for switch in self.switches for words in switch.unprotected),
            restart_ms=self._restart_ms(),
            dry_run=settings.dry_run,
        )
        return replace(status, alarms=tuple(one.words for one in alarms(status, settings.alarms)))

    def degraded(self) -> tuple[str, ...]:
        """Why it could not do everything if it fired now."""
        said = [*self.standby.troubles()] if self.standby.prepared else []
        said += [switch.trouble for switch in self.switches]
        said += [f"{sight.source}: {sight.trouble}" for sight in self._look.sights if sight.trouble]
        said += [*self.watch.troubles, *self._troubles.values(), self._writer.trouble]
        said += [self._metrics.trouble] if self._metrics is not None else []
        return tuple(dict.fromkeys(filter(None, said)))

    def _figures(self) -> tuple[ProfileFigures, ...]:
        words = {switch.profile.name: switch.words() for switch in self.switches}
        return tuple(replace(one, switch=words.get(one.profile, "")) for one in self.standby.figures())

    def _restart_ms(self) -> int | None:
        """From when on bots may be started again."""
        if not (self.machine.state.at_work or self.machine.state is GuardState.LATCHED):
            return None
        moments = [self._late_until_ms, *(one.until_ms or 0 for one in self.switches)]
        return max(moments) or None

    def _tell_troubles(self) -> None:
        """Each trouble and each alarm once while it lasts, and the manager's line."""
        degraded, state = self.degraded(), self.machine.state
        watched = self.settings.alarms != GuardAlarms()  # the figures of many profiles cost more than all else here
        worse = {one.key: one.words for one in alarms(self.status(), self.settings.alarms)} if watched else {}
        lasting = {**{one: one for one in degraded}, **worse}
        for key, words in lasting.items():
            if key not in self._told:
                self.tell.alarm(words)
        for key in self._told - lasting.keys():
            self.tell.note(f"over: {key}")
        self._told = set(lasting)
        words = state.value if not degraded else f"{state.value}, degraded: {degraded[0]}"
        if state is not GuardState.CHECKING and not degraded and not self._ready:
            self._ready = True
            self._manager.ready(words)
        else:
            self._manager.status(words)

    # --- what it is told (`guard.control.ControlHandlers`) ---

    def arm(self, peer: Peer) -> None:
        """Demand beats from now on. Raises UsageError."""
        self._carry_out(self.machine.arm(time.monotonic()))
        self.tell.note(f"armed by {peer.words}")

    def disarm(self, peer: Peer) -> None:
        """Let silence and death fire nothing, and end a kill that is under way. Raises UsageError."""
        self._carry_out(self.machine.disarm(time.monotonic()))
        self.tell.note(f"disarmed by {peer.words}")
        if self._run is not None:
            self._run.interrupt("guard disarm")
        elif self._kill is not None:
            self._kill.cancel()
        for switch in self.switches:
            switch.release()

    def fire(self, peer: Peer, reason: str) -> None:
        """Fire, at this very turn."""
        source = f"{peer.words}{f': {reason}' if reason else ''}"
        self.watch.press(Pressed(trigger="command", source=source))
        self.turn(time.monotonic())

    async def drill(self, peer: Peer, request: DrillRequest) -> DrillAnswer:
        """Show that it would work. Raises ConfigError where something else is more urgent."""
        if self._kill is not None or self._rehearsal is not None:
            raise ConfigError("it is firing, or drilled", "drill it afterwards")
        answered = drill.answer(request, self.standby, self.switches, self._environ, self.tell.note)
        if request.order:
            return await answered
        task = self._rehearsal = asyncio.create_task(answered)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            self._rehearsal = None
        if task.cancelled():
            raise ConfigError("it fires", "drill it afterwards")
        return task.result()

    # --- signals ---

    def _hear_signals(self) -> None:
        if sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _stop(self, number: int) -> None:
        """The first signal has it end: at once, or when the kill that is under way has its verdict, or after the kill
        that it is to fire then. A second one ends the kill, too.
        """
        self._stops += 1
        self._ending = signal.Signals(number).name
        self._fires_last = self._fires_last or self._kill is not None or self.settings.on_stop == "fire"
        if self._stops > 1 and self._run is not None:
            self._run.interrupt(self._ending)
        elif self._stops > 1 and self._kill is not None:
            self._kill.cancel()
        elif self._kill is None and self.settings.on_stop == "fire":
            self.watch.press(Pressed(trigger="signal", source=f"{self._ending}, on_stop = fire"))
        elif self._run is not None and self.machine.state is GuardState.HOLDING:
            self._run.interrupt(self._ending)
        self._hurry.set()  # the last try comes at once
        self._manager.status(f"stopping on {self._ending}")

    def _end(self) -> None:
        """It ends with the status of its signal, or with that of what it has fired meanwhile."""
        self._write(self.machine.stopped(time.monotonic()))
        fired = self._fires_last and self._reports
        self._status = int(verdicts.exit_status(self._reports)) if fired else 128 + signal.Signals[self._ending]

    def _reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reloaded())
        else:
            self._reload_again = True

    async def _reloaded(self) -> None:
        """Take over another configuration, and once more if somebody wanted that meanwhile."""
        while True:
            self._reload_again = False
            await self._taken_over()
            if not self._reload_again:
                return

    async def _between_kills(self) -> None:
        """Wait until no kill is under way: its requests, and its key, are for it alone."""
        if self._run is not None:
            self.tell.note("another configuration has to wait until the kill is over")
        while self._run is not None:
            await asyncio.sleep(EVERY)

    async def _taken_over(self) -> None:
        """Take over another configuration, if everything of it can be used; else the old one stays in force."""
        self._manager.reloading()
        standby: Standby | None = None
        try:
            await self._between_kills()
            settings = await in_thread(self._reread, "config")
            check_switches(_usable(settings), settings.venue_switch, settings.venue_timeout)
            standby = Standby(settings.profiles, self._environ, settings.document)
            if trouble := next(iter(set(await standby.prepare()) - set(self.standby.troubles())), ""):
                raise ConfigError(trouble, "correct it and reload")
            await self._between_kills()
            self.watch.reload(
                heartbeats=_heartbeats(settings),
                processes=settings.processes,
                kill_files=settings.kill_files,
                signals=settings.signals,
                probe=settings.probe,
            )
        except Exception as error:
            why = error.line if isinstance(error, CancelallError) else bug_words(error)
            self.tell.alarm(f"the new configuration is not in force: {why}")
            if standby is not None:
                standby.close()
        else:
            await self._exchange(settings, standby)
            self.tell.note("another configuration is in force")
        self._manager.ready(self.machine.state.value) if self._ready else None

    async def _exchange(self, settings: GuardSettings, standby: Standby) -> None:
        """Put what was made for another configuration in the place of what there is. A kill goes on with the old."""
        old, keeping = self.standby, self._keeping
        # Not to be overtaken by what the new ones arm; of a kill that is not proven the venues' timers run on.
        await self._give_up_switches(disarm=self.machine.state is not GuardState.FIRING)
        self.settings, self.standby = settings, standby
        self.tell.reloaded(settings)
        self.machine.reload(_rules(settings))
        self.machine.able()
        self.switches = self._made_switches(settings, standby)
        self._keeping = asyncio.create_task(self._keep(standby))
        if keeping is not None:
            keeping.cancel()
        old.close()


def _usable(settings: GuardSettings) -> tuple[Profile, ...]:
    return tuple(one for one in settings.profiles if isinstance(one, Profile))


def _rules(settings: GuardSettings) -> Rules:
    return Rules(timeout=settings.timeout, grace=settings.grace, rearm=settings.rearm, confirm=tuple(settings.confirm))


def _heartbeats(settings: GuardSettings) -> tuple[str, ...]:
    return heartbeats_of(settings.heartbeats, settings.processes, settings.kill_files, settings.probe)


def _worst(reports: Sequence[ProfileReport]) -> str:
    """The verdict of several profiles: the worst."""
    status = verdicts.exit_status(reports)
    return next((one.verdict.value for one in reports if one.exit_status is status), Verdict.CLEAR.value)


async def _quietly(work: object) -> None:
    with contextlib.suppress(Exception):
        await work  # type: ignore[misc]
