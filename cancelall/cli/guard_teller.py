"""Who tells of a guard and of its kills: streams, live lines, journal, notify commands. None of it delays a cancel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cancelall.cli.execute import Streams, command_of, how_far, new_record, notified
from cancelall.cli.options import Terms
from cancelall.config.guards import GuardSettings
from cancelall.core.attempts import Attempt
from cancelall.core.errors import ExitStatus
from cancelall.core.files import state_directories
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport, RunFacts
from cancelall.core.stamp import machine, moment, now_ms
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.run import Listener, Target
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus
from cancelall.guard.view import SCHEMA, live_line
from cancelall.journal.record import Record
from cancelall.journal.writer import Journal, new_run
from cancelall.net.background import in_thread
from cancelall.report import text
from cancelall.report.live import Progress

_DISK = 0.25
"""Seconds that the disk gets to take a journal in."""
_AFTER_THE_CANCELS = 1.0
"""Seconds after which a notify command is told that a guard fires: to start one costs some ms, and cancels go first."""
_LAST_WORDS = 10.0
"""Seconds that notify commands get when a guard ends."""


class GuardTeller:
    """A guard's own journal, its lines for people and for scripts, and its alarms."""

    def __init__(self, settings: GuardSettings, streams: Streams, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.streams = streams
        self.environ = environ
        terms = Terms(reason=settings.reason, document=settings.document, notify=settings.notify)
        self.record = new_record(settings.profiles, environ, terms, dry_run=settings.dry_run)
        self.progress: Progress | None = None
        self._began = time.monotonic()
        self._ticking: asyncio.Task[None] | None = None
        self._notifying: set[threading.Thread] = set()
        self._ahead: Journal | None = self._opened_ahead()
        """The journal of the next kill."""

    def standing(self, status: Callable[[], GuardStatus]) -> None:
        """On a terminal a live line shows from now on how it stands."""
        streams = self.streams
        if not streams.notes.is_terminal or streams.output.quiet or streams.output.verbose:
            return
        self.progress = Progress(streams.notes, self.environ, timed=False)
        self.progress.sweeping(f"guard {self.settings.name}", lambda: live_line(status(), now_ms()))
        self._ticking = asyncio.create_task(self.progress.tick())

    def reloaded(self, settings: GuardSettings) -> None:
        """From now on it tells in the words, and to the commands, of another configuration."""
        self.settings = settings

    def changed(self, record: GuardRecord, before: GuardState) -> None:
        """A line for people, one for scripts, one in the journal; somebody is told when it fires, and when it has."""
        words = _words(record, before)
        cause = record.cause
        self.record.guard(
            name=self.settings.name,
            state=record.state.value,
            before=before.value,
            trigger=cause.trigger if cause is not None else None,
            cause=cause.words if cause is not None else None,
            verdict=record.verdict or None,
        )
        self._line(words, always=record.state is GuardState.FIRING)
        event = self._event("state", words, state=record.state.value, verdict=record.verdict or None)
        if self.streams.output.json:
            self.streams.data.write(lambda: event)
        if GuardState.FIRING in (record.state, before) and record.state is not before:
            self._notify(event, _AFTER_THE_CANCELS)

    def note(self, words: str) -> None:
        """A line for people; not with `--quiet`."""
        self._line(words, always=False)

    def warn(self, words: str) -> None:
        """A line that even `--quiet` leaves."""
        self._wipe()
        self.streams.warn(f"guard {self.settings.name}: {words}")

    def alarm(self, words: str) -> None:
        """A warning that is also journalled, and that the notify commands get."""
        self.warn(words)
        self.record.guard(name=self.settings.name, alarm=words)
        event = self._event("alarm", words)
        if self.streams.output.json:
            self.streams.data.write(lambda: event)
        self._notify(event, 0.0)

    def kill(self, cause: Cause) -> GuardKillTeller:
        """Who tells of one kill. Its journal is open already: the first cancel waits for none."""
        ahead, self._ahead = self._ahead, None
        asyncio.get_running_loop().call_later(_AFTER_THE_CANCELS, self._open_ahead)
        return GuardKillTeller(self, cause, ahead if ahead is not None and ahead.is_open else None)

    def close(self, status: int) -> None:
        """The journal ends with this status; streams and notify commands get their time."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._wipe()
        self.record.finish(status, (), _DISK, self._began)
        for warning in self.record.warnings() if not self.streams.output.quiet else ():
            self.streams.warn(warning)
        until = time.monotonic() + _LAST_WORDS
        for thread in tuple(self._notifying):
            thread.join(max(0.0, until - time.monotonic()))
        self.streams.close()

    # --- in the background ---

    def _open_ahead(self) -> None:
        self._ahead = self._ahead or self._opened_ahead()

    def _opened_ahead(self) -> Journal:
        journal = Journal(state_directories(self.environ), new_run())
        journal.begin(None)
        return journal

    def _wipe(self) -> None:
        if self.progress is not None:
            self.progress.wipe()

    def _line(self, words: str, *, always: bool) -> None:
        self._wipe()
        if always or not self.streams.output.quiet:
            self.streams.notes.line(f"cancelall: guard {self.settings.name}: {text.clean(words, 500)}")

    def _event(self, event: str, words: str, **more: object) -> str:
        """A line of JSON about the guard itself: unlike that of a profile it has `guard`, and no `profile`."""
        line = {"schema": SCHEMA, "guard": self.settings.name, "event": event, **more}
        line |= {"message": text.clean(words, 500), "time": moment(now_ms()), "machine": machine()}
        return json.dumps(line, separators=(",", ":")) + "\n"

    def _notify(self, line: str, after: float) -> None:
        """Run the notify commands with a line, after some time, each once."""
        terms = Terms(document=self.settings.document, notify=self.settings.notify)
        commands = dict.fromkeys(filter(None, (command_of(one, terms) for one in self.settings.profiles)))
        if not commands:
            return

        def run() -> None:
            time.sleep(after)
            from cancelall.report.notify import Notification

            for failure in Notification(dict.fromkeys(commands, line), self.environ).wait():
                self.streams.warn(failure)
            self._notifying.discard(thread)

        thread = threading.Thread(target=run, name="notify", daemon=True)
        self._notifying.add(thread)
        with contextlib.suppress(RuntimeError):  # no further thread
            thread.start()
            return
        self._notifying.discard(thread)


class GuardKillTeller:
    """One kill of a guard: a run of its own in the journal, and the lines and tables of every kill."""

    def __init__(self, teller: GuardTeller, cause: Cause, opened: Journal | None) -> None:
        self._teller = teller
        self._streams = teller.streams
        self._began = time.monotonic()
        settings = teller.settings
        why = f"guard {settings.name}: {cause.words}{f' ({settings.reason})' if settings.reason else ''}"
        self._terms = Terms(reason=why, document=settings.document, notify=settings.notify, hold=settings.hold)
        self._profiles = settings.profiles
        self.record: Record = new_record(
            self._profiles, teller.environ, self._terms, dry_run=settings.dry_run, opened=opened
        )
        self._streams.alone = len(self._profiles) == 1
        self.listener = Listener(
            target=self._target,
            attempt=self._attempt,
            sweeping=self._sweeping,
            holding=self._holding,
            decided=self._decided,
            finished=self._finished,
        )

    async def over(self, reports: Sequence[ProfileReport], status: ExitStatus) -> None:
        """The last line at once; then journal and notify commands, which nobody but this waits for."""
        self._teller._wipe()
        self._streams.summary(reports, status)
        await in_thread(lambda: self.record.finish(status, reports, _DISK, self._began), "journal")
        for warning in self.record.warnings():
            self._streams.warn(warning)
        facts = RunFacts(
            id=self.record.journal.run if self.record.journal is not None else None,
            machine=machine(),
            reason=self._terms.reason,
        )
        failures = await in_thread(partial(self._notified, reports, facts), "notify")
        for failure in failures:
            self._streams.warn(failure)

    def _notified(self, reports: Sequence[ProfileReport], facts: RunFacts) -> list[str]:
        notification = notified(self._profiles, reports, self._terms, self._teller.environ, facts)
        return notification.wait() if notification is not None else []

    # --- as things happen ---

    def _target(self, target: Target) -> None:
        self._teller._wipe()
        self._streams.target(target)

    def _attempt(self, profile: str, attempt: Attempt) -> None:
        self._streams.attempt(profile, attempt)

    def _sweeping(self, profile: str, sweep: ProfileSweep) -> None:
        if (progress := self._teller.progress) is not None:
            progress.sweeping(profile, partial(how_far, sweep))

    def _holding(self, profile: str, verdict: Verdict, seconds: float) -> None:
        self._teller._wipe()
        self._streams.holding(profile, verdict, seconds)

    def _decided(self, profile: str, verdict: Verdict, seconds: float) -> None:
        self._teller._wipe()
        self._streams.decided(profile, verdict, seconds)

    def _finished(self, report: ProfileReport) -> None:
        progress = self._teller.progress
        if progress is not None:
            progress.finished(report.profile)
            self._streams.data.write(progress.await_wiped)
        self._streams.finished(report)
        if progress is not None:
            self._streams.data.write(progress.resume)


def _words(record: GuardRecord, before: GuardState) -> str:
    """A change of state as a line for people."""
    cause = record.cause.words if record.cause is not None else "no cause is known"
    match record.state:
        case GuardState.FIRING if before is GuardState.FIRING:
            return f"FIRES AGAIN: {cause}"
        case GuardState.FIRING:
            return f"FIRES: {cause}"
        case GuardState.HOLDING:
            return "clear, and kept so"
        case GuardState.LATCHED:
            return "it has done its work, and stands by: `cancelall guard arm` arms it again"
        case GuardState.ARMED:
            return "armed"
        case GuardState.WAITING:
            return "waits for the first beat"
        case GuardState.DISARMED:
            return "disarmed: silence fires nothing"
        case _:
            return "is being made ready"
