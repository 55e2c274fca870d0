"""What is said of a run that ends before its time: told twice to stop, or hung until after its last moment.

It is told by the watchdog's thread while the rest may hang: nothing in here takes a lock or waits for a stream. What is
imported here late has been loaded by then, or is needed by nobody who could be in the middle of it for long.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cancelall.errors import ErrorKind, ExitStatus
from cancelall.started import process_started
from cancelall.watchdog import DOG, GRACE, NAMES

if TYPE_CHECKING:
    from cancelall.attempts import Tally
    from cancelall.config import BrokenProfile, Profile
    from cancelall.results import ProfileReport
    from cancelall.watchdog import Ended

_ASIDE = 0.5
"""Seconds that the journal and the notify command get."""
_ORDER = (
    ExitStatus.OPEN,
    ExitStatus.UNREACHABLE,
    ExitStatus.REFUSED,
    ExitStatus.UNCONFIGURED,
    ExitStatus.UNPROVEN,
)
_AGAIN = "run again at once: orders may be open"


class LastWords:
    """What is known of each profile, kept up to date by the run itself."""

    def __init__(self, profiles: Sequence[Profile | BrokenProfile], *, json: bool, dry_run: bool) -> None:
        self.profiles = profiles
        self.json = json
        self.dry_run = dry_run
        self.out, self.err = _descriptor(sys.stdout), _descriptor(sys.stderr)
        self.tallies: dict[str, Tally] = {}
        """What was sent for each profile whose sweep has begun."""
        self.finished: dict[str, ProfileReport] = {}
        self.told: set[str] = set()
        """The profiles whose result has been written."""
        self.stopped: ExitStatus | None = None
        """The status of the signal that the run has obeyed."""
        self.aside: Callable[[ExitStatus, Sequence[ProfileReport]], None] = lambda status, reports: None
        """Who else is to know when the run has hung; it may hang itself."""

    def words(self, number: int) -> Ended:
        """Every result that was not written yet, and the exit status. `number` is the signal, or 0."""
        reports = [self.finished.get(profile.name) or self._cut(profile, number) for profile in self.profiles]
        untold = [report for report in reports if report.profile not in self.told]
        status = self._status(number, reports, untold)
        data = "".join(map(self._said, untold))
        if self.json and not reports:
            data = _nobody(number)
        why = f"stopped by {NAMES[number]}" if number else "the deadline passed and this program hung"
        names = ", ".join(report.profile for report in untold if report.profile not in self.finished)
        left = f" before {names[:300]} had a verdict" if names else "" if reports else " before anything was sent"
        line = f"cancelall: {why}{left} - {_AGAIN}\n" if untold or not reports else ""
        if not number:
            self._tell_others(status, reports)
        return ((self.out, _raw(data)), (self.err, _raw(line))), status

    def _status(self, number: int, reports: Sequence[ProfileReport], untold: Sequence[ProfileReport]) -> ExitStatus:
        if number and (untold or not reports):
            return ExitStatus(128 + number)
        statuses = {report.exit_status for report in reports}
        own = next((status for status in _ORDER if status in statuses), ExitStatus.CLEAR)
        return self.stopped or (own if reports else ExitStatus.UNPROVEN)

    def _cut(self, profile: Profile | BrokenProfile, number: int) -> ProfileReport:
        """The result of a profile that has none."""
        from cancelall.config import Profile
        from cancelall.model import Verdict
        from cancelall.results import ErrorReport, ProfileReport, Timing

        known = profile if isinstance(profile, Profile) else None
        tally = self.tallies.get(profile.name)
        kind: ErrorKind = "interrupted" if number else "internal"
        why = f"stopped by {NAMES[number]}" if number else "the deadline passed and this program hung"
        sent = tally is not None and tally.requests > 0
        return ProfileReport(
            profile=profile.name,
            venue=profile.venue,
            environment=known.environment if known else None,
            host=known.origin if known else None,
            account="",
            scope=known.scope if known else {},
            dry_run=self.dry_run,
            verdict=Verdict.UNPROVEN,
            requests=tally.requests if tally else 0,
            timing=Timing(
                first_request=_ms(tally.first_request if tally else None),
                first_ack=_ms(tally.first_ack if tally else None),
                verdict=_ms(time.monotonic()),
            ),
            error=ErrorReport(kind=kind, message=why if sent else f"{why} before anything was sent", hint=_AGAIN),
            warnings=(*(known.warnings if known else ()), *((_LATE,) if sent and not self.dry_run else ())),
        )

    def _said(self, report: ProfileReport) -> str:
        if self.json:
            from cancelall.report.lines import profile_line

            return profile_line(report)
        from cancelall.report.text import clean, verdict_words

        error = f" - {clean(report.error.message)}" if report.error else ""
        where = f"{report.venue} {report.environment or ''}".strip()
        told = f" {report.verdict.value.upper()}  {report.profile} ({where}): {verdict_words(report)}{error}"
        return f"{told} - exit {int(report.exit_status)}\n"

    def _tell_others(self, status: ExitStatus, reports: Sequence[ProfileReport]) -> None:
        """Beside the rest, and for a short time: whoever it is may be what hangs."""
        import _thread

        done = _thread.allocate_lock()
        done.acquire()

        def tell() -> None:
            try:
                self.aside(status, reports)
            finally:
                done.release()

        try:
            _thread.start_new_thread(tell, ())
        except RuntimeError:
            return
        done.acquire(timeout=_ASIDE)


_LATE = "requests without an answer can still be executed: wait before restarting bots"


def keep(profiles: Sequence[Profile | BrokenProfile], *, json: bool, dry_run: bool, hold: float = 0.0) -> LastWords:
    """Have the watchdog know what a run is about, and when it must be over."""
    made = LastWords(profiles, json=json, dry_run=dry_run)
    DOG.words = made.words
    DOG.arm(_over(profiles, hold))
    return made


def _over(profiles: Sequence[Profile | BrokenProfile], hold: float) -> float:
    """The monotonic time by which a run is over if nothing hangs, and some seconds."""
    limits = [getattr(profile, "deadline", 0.0) for profile in profiles]
    return max(process_started() + max(limits, default=0.0), time.monotonic()) + hold + GRACE


def _nobody(number: int) -> str:
    """The line of a run whose profiles are not known yet."""
    import json

    from cancelall.model import Verdict
    from cancelall.report.lines import profile_object
    from cancelall.results import ErrorReport, ProfileReport, Timing

    kind: ErrorKind = "interrupted" if number else "internal"
    why = f"stopped by {NAMES[number]}" if number else "the deadline passed and this program hung"
    report = ProfileReport(
        profile="",
        venue="",
        environment=None,
        host=None,
        account="",
        scope={},
        dry_run=False,
        verdict=Verdict.UNPROVEN,
        timing=Timing(verdict=_ms(time.monotonic())),
        error=ErrorReport(kind=kind, message=f"{why} before anything was sent", hint=_AGAIN),
    )
    told = {**profile_object(report), "profile": None, "venue": None}
    return json.dumps(told, separators=(",", ":")) + "\n"


def _ms(at: float | None) -> int | None:
    return None if at is None else max(0, round((at - process_started()) * 1000))


def _raw(text: str) -> bytes:
    return text.encode("ascii", "backslashreplace")


def _descriptor(stream: object) -> int:
    """Where a stream goes; -1 where there is none, or it was closed and the number may be somebody else's."""
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return -1
