"""What is said of a run that ends before its time: told to stop as it starts, told twice, or hung at its last moment.

It is told by the watchdog's thread while the rest may hang: nothing in here takes a lock, waits for a stream, or
imports what is not there. Somebody may be in the middle of an import, and hold its lock for ever.
"""

from __future__ import annotations

import _thread
import sys
import time

from cancelall.cli.watchdog import DOG, GRACE, NAMES, process_started
from cancelall.core.stamp import machine, moment, now_ms, shard_facts

TYPE_CHECKING = False
"""Not `typing`'s, which takes longer to import than it takes to be told to stop."""
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cancelall.cli.watchdog import Ended
    from cancelall.core.attempts import Tally
    from cancelall.core.errors import ErrorKind
    from cancelall.core.profile import BrokenProfile, Profile
    from cancelall.core.results import ProfileReport, RunFacts
    from cancelall.core.stamp import Shard

_ASIDE = 0.5
"""Seconds that the journal and the notify command get."""
_WRITING = 0.2
"""Seconds that a result which is there gets to be written in the usual way."""
_ORDER = (10, 12, 4, 6, 11)
"""The exit status of several profiles is the first of these that occurs; 0 without any."""
_UNPROVEN = 11
_HUNG = "the deadline passed and this program hung"
_AGAIN = "run again at once: orders may be open"
_LATE = "requests without an answer can still be executed: wait before restarting bots"


class LastWords:
    """What is known of each profile, kept up to date by the run itself."""

    def __init__(self, profiles: Sequence[Profile | BrokenProfile], *, json: bool, dry_run: bool) -> None:
        self.profiles = profiles
        self.json = json
        self.dry_run = dry_run
        self.run: str | None = None
        """The journal's name for the run, where there is one."""
        self.reason: str | None = None
        self.shard: Shard | None = None
        self.begun = False
        """Whether what runs the profiles is imported: from then on results are made and written as usual."""
        self.tallies: dict[str, Tally] = {}
        """What was sent for each profile whose sweep has begun."""
        self.finished: dict[str, ProfileReport] = {}
        self.written: set[str] = set()
        """The profiles whose result has been written."""
        self.stopped: int | None = None
        """The exit status that the run has come to by itself, or that of the signal which it has obeyed."""
        self.aside: Callable[[int, Sequence[ProfileReport]], None] = lambda status, reports: None
        """Who else is to know when the run has hung; it may hang itself."""
        self._out, self._err = _descriptor(sys.stdout), _descriptor(sys.stderr)

    def words(self, number: int) -> Ended:
        """Every result that was not written yet, and the exit status. `number` is the signal, or 0."""
        if not self.begun:
            lines = [self._empty_line(profile, number) for profile in self.profiles or (None,)]
            data = "".join(lines) if self.json else ""
            return self._ended(number, data, [profile.name for profile in self.profiles], _status(number, (), True))
        reports = [self.finished.get(profile.name) or self._cut(profile, number) for profile in self.profiles]
        untold = [report for report in reports if report.profile not in self.written]
        status = _status(number, [int(report.exit_status) for report in reports], bool(untold))
        status = status if self.stopped is None or (number and untold) else self.stopped
        if not number:
            self._tell_others(status, reports)
        untold = self._unwritten(untold)
        cut = [report.profile for report in untold if report.profile not in self.finished]
        if untold and not cut:
            said = f"cancelall: nobody read the result of {', '.join(one.profile for one in untold)[:300]} in time\n"
            return ((self._out, _raw("".join(map(self._line, untold)))), (self._err, _raw(said))), status
        return self._ended(number, "".join(map(self._line, untold)), cut, status)

    def _unwritten(self, reports: Sequence[ProfileReport]) -> list[ProfileReport]:
        """Those of them that nobody writes. One that is being written right now is waited for: no line comes twice."""
        until = time.monotonic() + _WRITING
        while True:
            left = [report for report in reports if report.profile not in self.written]
            if not any(report.profile in self.finished for report in left) or time.monotonic() >= until:
                return left
            time.sleep(0.005)

    def _ended(self, number: int, data: str, cut: Sequence[str], status: int) -> Ended:
        left = f" before {', '.join(cut)[:300]} had a verdict" if cut else "" if self.profiles else _NOTHING
        line = f"cancelall: {_why(number)}{left} - {_AGAIN}\n" if cut or not self.profiles else ""
        return ((self._out, _raw(data)), (self._err, _raw(line))), status

    def _cut(self, profile: Profile | BrokenProfile, number: int) -> ProfileReport:
        """The result of a profile that has none."""
        from cancelall.core.model import Verdict
        from cancelall.core.results import ErrorReport, ProfileReport, Timing

        tally = self.tallies.get(profile.name)
        sent = tally is not None and tally.requests > 0
        return ProfileReport(
            profile=profile.name,
            venue=profile.venue,
            environment=profile.shown_environment,
            host=profile.hosts,
            scope=profile.scope,
            dry_run=self.dry_run,
            verdict=Verdict.UNPROVEN,
            requests=tally.requests if tally else 0,
            timing=Timing(
                first_request=_ms(tally.first_request) if tally else None,
                first_ack=_ms(tally.first_ack) if tally else None,
                verdict=_ms(time.monotonic()),
                verdict_at=now_ms(),
            ),
            error=ErrorReport(kind=_kind(number), message=_why(number) + ("" if sent else _NOTHING), hint=_AGAIN),
            warnings=(*profile.warnings, *((_LATE,) if sent and not self.dry_run else ())),
        )

    def facts(self) -> RunFacts:
        """Which run all this is said of."""
        from cancelall.core.results import RunFacts

        return RunFacts(id=self.run, machine=machine(), reason=self.reason, shard=self.shard)

    def _line(self, report: ProfileReport) -> str:
        from cancelall.report.lines import profile_line
        from cancelall.report.text import clean, verdict_words

        if self.json:
            return profile_line(report, self.facts())
        error = f" - {clean(report.error.message)}" if report.error else ""
        where = f"{report.venue} {report.environment or ''}".strip()
        said = f" {report.verdict.value.upper()}  {report.profile} ({where}): {verdict_words(report)}{error}"
        return f"{said} - exit {int(report.exit_status)}\n"

    def _empty_line(self, profile: Profile | BrokenProfile | None, number: int) -> str:
        """The line of `report.lines` where nothing was sent, of a profile or of none, made of what is always there."""
        line = {
            "schema": 1,
            "profile": profile.name if profile else None,
            "venue": profile.venue if profile else None,
            "environment": profile.environment if profile else None,
            "host": profile.origin if profile else None,
            "scope": profile.scope if profile else {},
            "dry_run": self.dry_run,
            "verdict": "unproven",
            "exit_code": _UNPROVEN,
            "segments": (),
            "orders": (),
            "counts": dict.fromkeys(("cancelled", "filled", "gone", "open", "failed", "kept"), 0),
            "not_covered": (),
            "requests": 0,
            "timing_ms": {"first_request": None, "first_ack": None, "verdict": _ms(time.monotonic())},
            "error": {"kind": _kind(number), "message": _why(number) + _NOTHING, "hint": _AGAIN},
            "warnings": profile.warnings if profile else (),
            "positions": None,
            "positions_unknown": None,
            "run": self.run,
            "time": moment(now_ms()),
            "machine": machine(),
            "reason": self.reason,
            "shard": shard_facts(self.shard),
        }
        return _json(line) + "\n"

    def _tell_others(self, status: int, reports: Sequence[ProfileReport]) -> None:
        """Beside the rest, and for a short time: whoever it is may be what hangs."""
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


def keep(
    profiles: Sequence[Profile | BrokenProfile],
    *,
    json: bool,
    dry_run: bool,
    reason: str = "",
    shard: Shard | None = None,
    after: float = 0.0,
    begun: bool = False,
) -> LastWords:
    """Have the watchdog know what a run is about, and when it must be over: `after` are the seconds of a hold and its
    last proof, which follow the deadline.
    """
    made = LastWords(profiles, json=json, dry_run=dry_run)
    made.begun, made.reason, made.shard = begun, reason or None, shard
    DOG.words = made.words
    limits = [getattr(profile, "deadline", 0.0) for profile in profiles]
    DOG.arm(max(process_started() + max(limits, default=0.0), time.monotonic()) + after + GRACE)
    return made


_NOTHING = " before anything was sent"


def _why(number: int) -> str:
    return f"stopped by {NAMES[number]}" if number else _HUNG


def _kind(number: int) -> ErrorKind:
    return "interrupted" if number else "internal"


def _status(number: int, statuses: Sequence[int], untold: bool) -> int:
    """The exit status: the signal's, unless every result is known and was written."""
    if number and untold:
        return 128 + number
    return next((status for status in _ORDER if status in statuses), 0) if statuses else _UNPROVEN


def _json(value: object) -> str:
    """A value as JSON, ASCII only."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_json, value))}]"
    if hasattr(value, "items"):
        return "{" + ",".join(f"{_json(str(key))}:{_json(one)}" for key, one in value.items()) + "}"
    return (
        '"'
        + "".join(one if " " <= one < "\x7f" and one not in '"\\' else _escaped(ord(one)) for one in str(value))
        + '"'
    )


def _escaped(code: int) -> str:
    """A character as JSON escapes it; no codec is looked up, as that would be an import."""
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
    return f"\\u{code:04x}"


def _ms(at: float | None) -> int | None:
    return None if at is None else max(0, round((at - process_started()) * 1000))


def _raw(text: str) -> bytes:
    """As it goes out: ASCII, and without any secret that was read so far."""
    scrub = getattr(sys.modules.get("cancelall.core.secret"), "scrub", None)
    return str(scrub(text) if scrub else text).encode("ascii", "backslashreplace")


def _descriptor(stream: object) -> int:
    """Where a stream goes; -1 where there is none, or it was closed and the number may be somebody else's."""
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return -1
