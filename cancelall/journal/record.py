"""What a run writes into the journal: its events and their fields. Without a journal, nothing."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from cancelall import __version__
from cancelall.core.model import Acknowledgement, State
from cancelall.core.results import ProfileReport
from cancelall.journal.fields import id_fields
from cancelall.journal.writer import Journal

if TYPE_CHECKING:
    from cancelall.core.attempts import Outcome, Sending, Tally
    from cancelall.core.model import Listing

_HEADERS = ("traceid", "x-request-id", "x-bapi-traceid", "x-trace-id", "cf-ray", "retry-after", "date")
"""Of an answer: what a venue's support asks for. Limits are kept besides."""
_SECRET_OPTION = "--notify-command"  # noqa: S105
"""Its words may hold the token of a chat."""

P = ParamSpec("P")
R = TypeVar("R", "ProfileRecord", "Record")


def _aside(method: Callable[Concatenate[R, P], None]) -> Callable[Concatenate[R, P], None]:
    """Nothing without a journal; and a bug in here must not stop a cancel: it is told as a gap in the journal."""

    @wraps(method)
    def guarded(self: R, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self.journal is None:
            return
        try:
            method(self, *args, **kwargs)
        except Exception as fault:  # noqa: BLE001
            self.journal.lose(f"a bug: {type(fault).__name__}")

    return guarded


@dataclass(frozen=True, kw_only=True)
class ProfileRecord:
    """One profile's part."""

    journal: Journal | None
    attempts: Iterator[int]
    profile: str
    venue: str
    tally: Tally
    _open: dict[int, int] = field(default_factory=dict)
    """The number in the journal of each send under way."""

    @_aside
    def credential(self, sources: Sequence[tuple[str, str]], account: str) -> None:
        """The secrets are there: where each came from, and the last four characters of the account or key."""
        if self.journal is not None:
            fields = {"profile": self.profile, "sources": dict(sources), "account": account}
            self.journal.write("credential", fields, at_once=False)

    @_aside
    def begins(self, sending: Sending) -> None:
        """A request is about to leave: whatever happens now, it may be executed."""
        if self.journal is None:
            return
        number = next(self.attempts)
        if sending.copy_of is None:
            self._open[id(sending)] = number
        request = sending.request
        self.journal.write(
            "attempt_start",
            {
                "a": number,
                "profile": self.profile,
                "venue": self.venue,
                "segment": sending.about or None,
                "attempt": sending.tries,
                "copy_of": self._open.get(id(sending.copy_of)) if sending.copy_of else None,
                "changes": request.changes,
                "host": sending.origin,
                "method": request.method,
                "path": request.path,
                "query": request.query or None,
                "body": request.body.decode("utf-8", "replace") if request.changes and request.body else None,
                "body_sha256": hashlib.sha256(sending.body).hexdigest() if sending.body else None,
                "signed_ms": sending.signed_ms if request.signed else None,
                "window_ms": sending.window_ms,
            },
            at_once=request.changes,
        )

    @_aside
    def ended(self, sending: Sending, outcome: Outcome[Any] | None) -> None:
        """It was answered, or has failed; None: nobody waits for its answer any more."""
        number = self._open.pop(id(sending), None)
        if self.journal is None or number is None:
            return
        fields: dict[str, object] = {"a": number, "profile": self.profile}
        if outcome is None:
            fields |= {"class": "abandoned", "sent": "maybe"}
        else:
            attempt = outcome.attempt
            judgement, fault = attempt.judgement, attempt.fault
            fields |= {
                "class": judgement.answer.value if judgement else fault.kind if fault else "ambiguous",
                "sent": fault.sent if fault else "yes",
                "http": attempt.status,
                "message": (judgement.words if judgement else fault.message if fault else "") or None,
                "ms": round((attempt.ended - attempt.began) * 1000),
                "headers": {name: told for name, told in attempt.headers.items() if _worth_keeping(name)} or None,
                **_acknowledged(outcome.value),
            }
        self.journal.write("attempt_end", fields, at_once=False)

    @_aside
    def listed(self, segment: str, listing: Listing) -> None:
        """All passes and pages of a segment's open orders were read, as far as that went."""
        if self.journal is not None:
            fields = {"profile": self.profile, "segment": segment, "complete": listing.complete}
            told = {"why": listing.why or None, **id_fields(order.id for order in listing.orders)}
            self.journal.write("list", {**fields, **told}, at_once=False)


@dataclass(kw_only=True)
class Record:
    """A run's part."""

    journal: Journal | None = None
    finished: bool = False
    """`finish` was called."""
    _attempts: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    """The profiles whose verdict has been written."""

    def of(self, profile: str, venue: str, tally: Tally) -> ProfileRecord:
        """The part of one profile."""
        self._tallies[profile] = tally
        return ProfileRecord(journal=self.journal, attempts=self._attempts, profile=profile, venue=venue, tally=tally)

    @_aside
    def note(self, event: str, /, **fields: object) -> None:
        """Something that has no more to it: a signal, the beginning of a hold."""
        if self.journal is not None:
            self.journal.write(event, fields)

    @_aside
    def verdict(self, report: ProfileReport) -> None:
        """One profile's end."""
        if self.journal is None:
            return
        self._told.add(report.profile)
        tally = self._tallies.get(report.profile)
        left = [row.order.id for row in report.orders if row.state in (State.OPEN, State.FAILED)]
        kept = [row.order.id for row in report.orders if row.state is State.KEPT]
        self.journal.write(
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
            },
            at_once=False,
        )

    def hung(self, status: int, reports: Sequence[ProfileReport], seconds: float, started: float) -> None:
        """The run hangs and is ended now. Called beside it: what hangs may hold the journal, and then nothing comes."""
        for report in reports:
            if report.profile not in self._told:
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
    """The fields of `run_start`: who, when, from where, and what was asked."""
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
    """The words of the command line, without what a notify command is told: it may hold the token of a chat."""
    found, hide = [], False
    for word in argv:
        if hide:
            word = _program(word)
        elif word.startswith(f"{_SECRET_OPTION}="):
            word = f"{_SECRET_OPTION}={_program(word.partition('=')[2])}"
        hide = word == _SECRET_OPTION and not hide
        found.append(word)
    return found


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


def _worth_keeping(name: str) -> bool:
    return name in _HEADERS or "limit" in name


def _acknowledged(value: object) -> dict[str, object]:
    """What a cancel's answer says of the orders that it took; a witness that is a cancel says it beside its word."""
    if isinstance(value, tuple) and value:
        value = value[-1]
    if not isinstance(value, Acknowledgement):
        return {}
    told: dict[str, object] = {"cancelled": id_fields(value.cancelled)} if value.cancelled else {}
    if value.count is not None:
        told["counted"] = value.count
    if value.failed:
        told["failed"] = {failure.id: failure.reason for failure in value.failed[:100]}
    return told
