"""What a run writes into the journal: its events and their fields. Without a journal, nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from cancelall import __version__
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Acknowledgement, Answer, Order, Priority, Request, State
from cancelall.core.results import ProfileReport
from cancelall.journal.writer import Journal, id_fields

if TYPE_CHECKING:
    from cancelall.core.attempts import Outcome, Tally
    from cancelall.core.model import Listing, SignedRequest
    from cancelall.journal.basis import Basis, Stages

_HEADERS = ("traceid", "x-request-id", "x-bapi-traceid", "x-trace-id", "cf-ray", "retry-after", "date")
"""Of an answer: what a venue's support asks for. Limits are kept besides."""
_SECRET_OPTION = "--notify-command"  # noqa: S105
"""Its words may hold the token of a chat."""

P = ParamSpec("P")
R = TypeVar("R", "ProfileRecord", "Record")


def _aside(method: Callable[Concatenate[R, P], None]) -> Callable[Concatenate[R, P], None]:
    """Nothing without a journal; and a bug in here must not stop a cancel: it is reported as a gap in the journal."""

    @wraps(method)
    def guarded(self: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self.journal is None:
            return
        try:
            method(self, *args, **kwargs)
        except Exception as fault:
            self.journal.lose(f"a bug: {type(fault).__name__}")

    return guarded


@dataclass(kw_only=True)
class _Part:
    """What writes into the journal, if there is one."""

    journal: Journal | None = None

    def _write(self, event: str, fields: Mapping[str, object], *, at_once: bool = False) -> None:
        if self.journal is not None:
            self.journal.write(event, fields, at_once=at_once)


@dataclass(kw_only=True)
class ProfileRecord(_Part):
    """What happens to one profile, as the journal has it."""

    attempts: Iterator[int]
    profile: str
    venue: str
    tally: Tally
    proves_key: Callable[[Request], bool] = lambda request: request.signed
    """Whether an accepted answer to this request shows that the key is good."""
    bases: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """What the verdict of each profile rests on, to be written with it."""
    read: dict[str, float] = field(default_factory=dict)
    """When the last listing of each segment that was written down began."""
    _open: dict[int, int] = field(default_factory=dict)
    """The number in the journal of each send under way."""
    _requests: dict[Request, int] = field(default_factory=dict)
    """Numbers by which the lines of one request know each other."""

    @_aside
    def credential(self, sources: Sequence[tuple[str, str]], account: str) -> None:
        """The secrets are there: where each came from, and the last four characters of the account or key."""
        self._write("credential", {"profile": self.profile, "sources": dict(sources), "account": account})

    @_aside
    def begins(self, signed: SignedRequest) -> None:
        """A request is about to leave: whatever happens now, it may be executed."""
        if self.journal is None:
            return
        number = next(self.attempts)
        if signed.copy_of is None:
            self._open[id(signed)] = number
        request = signed.request
        self.journal.write(
            "attempt_start",
            {
                "a": number,
                "profile": self.profile,
                "venue": self.venue,
                "segment": signed.about or None,
                "request": self._number(request),
                "witness": True if request.priority is Priority.WITNESS else None,
                "attempt": signed.tries,
                "copy_of": self._open.get(id(signed.copy_of)) if signed.copy_of else None,
                "changes": request.changes,
                "host": signed.origin,
                "method": request.method,
                "path": request.path,
                "query": request.query or None,
                "body": request.body.decode("utf-8", "replace") if request.changes and request.body else None,
                "body_sha256": hashlib.sha256(signed.body).hexdigest() if signed.body else None,
                "signed_ms": signed.signed_ms if request.signed else None,
                "window_ms": signed.window_ms,
            },
            at_once=request.changes,
        )

    @_aside
    def ended(self, signed: SignedRequest, outcome: Outcome[Any] | None) -> None:
        """It was answered, or has failed; None: nobody waits for its answer any more."""
        number = self._open.pop(id(signed), None)
        if number is None:
            return
        fields: dict[str, object] = {"a": number, "profile": self.profile}
        if outcome is None:
            fields |= {"class": "abandoned", "sent": "no" if signed.wire.quiet else "maybe"}
        else:
            attempt = outcome.attempt
            judgement, fault = attempt.judgement, attempt.fault
            fields |= {
                "class": judgement.answer.value if judgement else fault.kind if fault else "ambiguous",
                "sent": fault.sent if fault else "yes",
                "http": attempt.status,
                "message": (judgement.message if judgement else fault.message if fault else "") or None,
                "ms": round((attempt.ended - attempt.began) * 1000),
                "began": nanoseconds(attempt.began),
                "ended": nanoseconds(attempt.ended),
                "answered": attempt.answered,
                "incurable": attempt.incurable or None,
                **self._said(outcome),
                "headers": {name: one for name, one in attempt.headers.items() if name in _HEADERS or "limit" in name}
                or None,
                **_acknowledged(outcome.value),
            }
        self._write("attempt_end", fields)

    @_aside
    def listed(self, segment: str, listing: Listing, keeps: Callable[[Order], bool], stages: Stages) -> None:
        """All passes and pages of a segment's open orders were read, as far as that went. What is kept is not left."""
        self.read[segment] = listing.began
        kept = [order.id for order in listing.orders if keeps(order)]
        self._write(
            "list",
            {
                "profile": self.profile,
                "segment": segment,
                "complete": listing.complete,
                "why": listing.why or None,
                "superseded": listing.superseded or None,
                "began": nanoseconds(listing.began),
                "ended": nanoseconds(listing.ended),
                "passes": self._numbered(stages),
                "serial": listing.serial,
                **id_fields(order.id for order in listing.orders),
                "left": len(listing.orders) - len(kept),
                "kept": id_fields(kept) if kept else None,
            },
        )

    @_aside
    def decided(self, basis: Callable[[], Basis]) -> None:
        """The verdict is there, and this is what it rests on."""
        fields = self._numbered(basis())
        self.bases[self.profile] = {key: value for key, value in fields.items() if value or key in ("gap", "segments")}

    def _numbered(self, value: object) -> Any:
        """A value as JSON may hold it, with its requests by their numbers."""
        if isinstance(value, Request):
            return self._number(value)
        if dataclasses.is_dataclass(value):
            return {one.name: self._numbered(getattr(value, one.name)) for one in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            return {key: self._numbered(one) for key, one in value.items()}
        return [self._numbered(one) for one in value] if isinstance(value, tuple) else value

    def _number(self, request: Request) -> int:
        return self._requests.setdefault(request, len(self._requests) + 1)

    def _said(self, outcome: Outcome[Any]) -> dict[str, object]:
        """What an answer says besides its class, as far as a verdict can depend on it."""
        judgement, request = outcome.attempt.judgement, outcome.attempt.request
        witness = request.priority is Priority.WITNESS
        fields: dict[str, object] = {"witness": _word(outcome)} if witness else {}
        if judgement is None:
            return fields
        if judgement.answer in (Answer.REFUSED, Answer.GATEWAY):
            fields["reach"] = judgement.reach.value
        if judgement.suspended:
            fields["suspended"] = True
        if judgement.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN) and self.proves_key(request):
            fields["proves_key"] = True
        return fields


@dataclass(kw_only=True)
class Record(_Part):
    """What happens in one run, as the journal has it."""

    finished: bool = False
    """`finish` was called."""
    _attempts: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _bases: dict[str, Mapping[str, object]] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)
    """The profiles whose verdict has been written."""

    def of(
        self,
        profile: str,
        venue: str,
        tally: Tally,
        proves_key: Callable[[Request], bool] = lambda request: request.signed,
    ) -> ProfileRecord:
        """The part of one profile."""
        self._tallies[profile] = tally
        return ProfileRecord(
            journal=self.journal,
            attempts=self._attempts,
            profile=profile,
            venue=venue,
            tally=tally,
            proves_key=proves_key,
            bases=self._bases,
        )

    @_aside
    def note(self, event: str, /, **fields: object) -> None:
        """Something that has no more to it: a signal, the beginning of a hold."""
        self._write(event, fields, at_once=True)

    @_aside
    def guard(self, /, **fields: object) -> None:
        """A guard has come into another state. Nobody waits for the line."""
        self._write("guard", fields)

    @_aside
    def verdict(self, report: ProfileReport) -> None:
        self._written.add(report.profile)
        tally = self._tallies.get(report.profile)
        left = [row.order.id for row in report.orders if row.state in (State.OPEN, State.FAILED)]
        kept = [row.order.id for row in report.orders if row.state is State.KEPT]
        self._write(
            "verdict",
            {
                "profile": report.profile,
                "venue": report.venue,
                "verdict": report.verdict.value,
                "exit_code": int(report.exit_status),
                "segments": {one.name: one.verdict.value for one in report.segments},
                "remaining": id_fields(left),
                "kept": id_fields(kept) if kept else None,
                "counts": {state.value: report.count(state) for state in State if report.count(state)},
                "late_until": _moment(tally.late_until_ms) if tally and tally.late_until_ms else None,
                "late_unknown": True if tally and tally.abandoned and not tally.late_until_ms else None,
                "error": f"{report.error.kind}: {report.error.message}" if report.error else None,
                "warnings": report.warnings or None,
                "requests": report.requests,
                "basis": self._bases.get(report.profile),
            },
        )

    def hung(self, status: int, reports: Sequence[ProfileReport], seconds: float, started: float) -> None:
        """The run hangs and is ended now. Called by another thread: whatever hangs may hold the journal for good."""
        for report in reports:
            if report.profile not in self._written:
                self.verdict(report)
        self.note("hung")
        self.finish(status, reports, seconds, started)

    def warnings(self) -> tuple[str, ...]:
        """What is to be said about the journal."""
        return self.journal.warnings() if self.journal is not None else ()

    @_aside
    def finish(self, status: int, reports: Sequence[ProfileReport], seconds: float, started: float) -> None:
        """The run is over. The disk gets `seconds` to take it in."""
        if self.journal is None or self.finished:
            return
        self.finished = True
        spent = round((time.monotonic() - started) * 1000)
        counts: dict[str, int] = {}
        for report in reports:
            counts[report.verdict.value] = counts.get(report.verdict.value, 0) + 1
        self.journal.write("run_end", {"exit_code": int(status), "ms": spent, "counts": counts})
        self.journal.close(seconds)


def beginning(
    *,
    argv: Sequence[str],
    environ: Mapping[str, str],
    profiles: Sequence[str],
    dry_run: bool,
    reason: str,
    config: str | None,
    config_text: str,
) -> dict[str, object]:
    """The fields of `run_start`: who, when, from where, and what for."""
    return {
        "version": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "host": os.uname().nodename if sys.platform != "win32" else environ.get("COMPUTERNAME"),
        "pid": os.getpid(),
        "uid": os.getuid() if sys.platform != "win32" else None,
        "user": environ.get("USER") or environ.get("LOGNAME") or environ.get("USERNAME"),
        "tty": _terminal(),
        "unit": environ.get("INVOCATION_ID"),
        "from": (environ.get("SSH_CONNECTION") or "").partition(" ")[0] or None,
        "argv": _harmless(argv),
        "reason": reason or None,
        "dry_run": dry_run,
        "config": config,
        "config_sha256": hashlib.sha256(config_text.encode()).hexdigest() if config is not None else None,
        "profiles": id_fields(profiles),
    }


def _harmless(argv: Sequence[str]) -> list[str]:
    """The words of the command line, without the arguments of a notify command: they may hold the token of a chat."""
    words, hide = [], False
    for word in argv:
        if hide:
            word = _program(word)
        elif word.startswith(f"{_SECRET_OPTION}="):
            word = f"{_SECRET_OPTION}={_program(word.partition('=')[2])}"
        hide = word == _SECRET_OPTION and not hide
        words.append(word)
    return words


def _program(command: str) -> str:
    return f"{(command.split() or [''])[0]} …"


def _terminal() -> str | None:
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor)
        except (OSError, AttributeError):
            continue
    return None


def _moment(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1000 + 1))


def nanoseconds(seconds: float) -> int:
    """A moment of the monotonic clock as `mono` has it."""
    return round(seconds * 1_000_000_000)


def _word(outcome: Outcome[Any]) -> str:
    """What a witness says of empty listings. One that took nothing without saying so agrees when that happens twice."""
    if outcome.value is None:
        return "agrees" if outcome.answer is Answer.NOTHING_OPEN else "is silent"
    agrees, half, _ = outcome.value
    return "agrees" if agrees else "took nothing" if half else "objects"


def _acknowledged(value: object) -> dict[str, object]:
    """What a cancel's answer says of the orders that it took; a witness that is a cancel says it with its word."""
    if isinstance(value, tuple) and value:
        value = value[-1]
    if not isinstance(value, Acknowledgement):
        return {}
    fields: dict[str, object] = {"cancelled": id_fields(value.cancelled)} if value.cancelled else {}
    if value.count is not None:
        fields["counted"] = value.count
    if value.failed:
        fields["failed"] = {failure.id: failure.reason for failure in value.failed[:100]}
    return fields
