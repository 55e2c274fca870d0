"""From what is known to a verdict: of segments and profiles, and what became of each order. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cancelall.core.errors import ExitStatus
from cancelall.core.model import Answer, Order, State, Verdict, worst
from cancelall.core.results import OrderReport, ProfileReport, SegmentReport
from cancelall.engine.client import Client
from cancelall.engine.progress import Progress
from cancelall.engine.sweep import Sweep

_EXIT_ORDER = (
    ExitStatus.OPEN,
    ExitStatus.UNREACHABLE,
    ExitStatus.REFUSED,
    ExitStatus.UNCONFIGURED,
    ExitStatus.UNPROVEN,
)


def segment_verdict(progress: Progress, client: Client) -> Verdict:
    """The first that fits: open, absent, unreachable, refused, clear, unproven."""
    evidence = progress.last if progress.reads_only or not _cancelled(progress) else progress.last_fresh
    stopped = _fired(progress) or client.stopped is not None
    if evidence is not None and progress.left(evidence) and (_cancelled(progress) or not stopped):
        return Verdict.OPEN
    if progress.absent is not None:
        return Verdict.ABSENT
    if not progress.answered and client.stopped is None:
        return Verdict.UNREACHABLE if client.tally.requests else Verdict.UNPROVEN  # of what was not sent nobody knows
    if progress.refused is not None or client.turned_away is not None or _clock_refused(progress):
        return Verdict.REFUSED
    return Verdict.CLEAR if progress.proven else Verdict.UNPROVEN


def _cancelled(progress: Progress) -> bool:
    """Whether the venue has answered a cancel."""
    return progress.cancels.answered > -math.inf


def _fired(progress: Progress) -> bool:
    """Whether a cancel was sent, answered or not."""
    return progress.cancels.sent


def _clock_refused(progress: Progress) -> bool:
    """A clock that could not be repaired is a refusal."""
    judgement = progress.trouble.judgement if progress.trouble else None
    if judgement is None or judgement.kind != "clock":
        return False
    return progress.last_empty is None or not (progress.cancels.accepted or progress.proven)


def profile_verdict(sweep: Sweep) -> Verdict:
    """The worst of the segments; `unproven` at best while the set of segments or a selector is not known."""
    client = sweep.client
    verdicts = [segment_verdict(progress, client) for progress in sweep.progresses.values()]
    present = [verdict for verdict in verdicts if verdict is not Verdict.ABSENT]
    if not verdicts:
        return _verdict_without_segments(sweep)
    if not present:
        return Verdict.REFUSED if verdicts and not sweep.discoveries.doubts else Verdict.UNPROVEN
    if any(verdict is not Verdict.UNREACHABLE for verdict in verdicts):
        present = [Verdict.UNPROVEN if verdict is Verdict.UNREACHABLE else verdict for verdict in present]
    verdict = worst(present)
    doubtful = bool(sweep.bug or client.bug or sweep.discoveries.pending or sweep.discoveries.doubts or sweep.stale())
    return worst([verdict, Verdict.UNPROVEN]) if doubtful else verdict


def all_read(sweep: Sweep) -> bool:
    """Whether the set of segments is known, and each was read to the end or is not there."""
    known = not (sweep.bug or sweep.client.bug or sweep.discoveries.pending or sweep.discoveries.doubts)
    return known and all(one.proven or one.absent is not None for one in sweep.progresses.values())


def _verdict_without_segments(sweep: Sweep) -> Verdict:
    """What the reads that should have told the segments have met with."""
    attempt = sweep.discoveries.last
    judgement = attempt.judgement if attempt else None
    if sweep.client.turned_away is not None or (judgement and judgement.answer in (Answer.REFUSED, Answer.CLOCK)):
        return Verdict.REFUSED
    if sweep.bug or (attempt and attempt.answered) or not sweep.client.tally.requests:
        return Verdict.UNPROVEN
    return Verdict.UNREACHABLE


def exit_status(reports: Iterable[ProfileReport]) -> ExitStatus:
    """One exit code for several profiles."""
    statuses = {report.exit_status for report in reports}
    return next((status for status in _EXIT_ORDER if status in statuses), ExitStatus.CLEAR)


def segment_report(progress: Progress, client: Client) -> SegmentReport:
    """A segment's verdict with the venue's words, where there are any to tell."""
    verdict = segment_verdict(progress, client)
    details = []
    if verdict is Verdict.ABSENT and progress.absent is not None:
        details.append(progress.absent.words)
    elif verdict is Verdict.REFUSED:
        refusal = progress.refused or client.turned_away
        details.append(refusal.words if refusal else _trouble(progress))
    elif verdict in (Verdict.UNPROVEN, Verdict.UNREACHABLE) or progress.cancels.suspended:
        unsent = "" if client.tally.requests else "nothing was sent"
        details.append(_trouble(progress) or unsent or "no two complete empty listings in time")
        details += [f"listing incomplete: {progress.incomplete}"] if progress.incomplete else []
        details += (
            ["the listing is empty, but another answer of the venue says otherwise"] if progress.contradicted else []
        )
    if progress.counted:
        details.append(f"the venue counted {progress.counted} as cancelled, without naming them")
    return SegmentReport(
        name=progress.segment.name,
        verdict=verdict,
        mass_cancels=progress.cancels.mass_accepted,
        listings=progress.listings,
        detail="; ".join(dict.fromkeys(part for part in details if part)) or None,
    )


def _trouble(progress: Progress) -> str:
    attempt = progress.trouble
    if attempt is None:
        return ""
    if attempt.judgement is not None:
        return f"{attempt.judgement.answer.value}: {attempt.judgement.words}" if attempt.judgement.words else ""
    return attempt.fault.message if attempt.fault else ""


def order_rows(progress: Progress) -> tuple[OrderReport, ...]:
    """What became of every order that was seen or named by the venue in this segment."""
    last = progress.last
    listed = {order.id: order for order in last.orders} if last is not None else {}
    return tuple(
        _row(progress, listed.get(identity, order), identity in listed) for identity, order in progress.seen.items()
    )


def _row(progress: Progress, order: Order, listed: bool) -> OrderReport:
    reason = progress.failures.get(order.id)
    if listed or progress.last is None:
        if progress.cancels.keeps(order):
            return OrderReport(order=order, state=State.KEPT)
        return OrderReport(order=order, state=State.FAILED if reason else State.OPEN, reason=reason)
    if not progress.last.complete:
        told = "cancel accepted, but not read back" if order.id in progress.cancels.taken else "not read back"
        return OrderReport(order=order, state=State.OPEN, reason=reason or told)
    if order.id in progress.ends:
        state, note = progress.ends[order.id]
        return OrderReport(order=order, state=state, reason=note or None)
    return OrderReport(order=order, state=State.CANCELLED if order.id in progress.cancels.taken else State.GONE)


def would_send(sweep: Sweep) -> tuple[str, ...]:
    """What a kill would send first for what was read: method, path and body, no signature."""
    found = []
    for progress in sweep.progresses.values():
        known = progress.last.orders if progress.last else ()
        moves = progress.cancels.due(known, math.inf)
        mass = moves.mass or progress.cancels.blind(math.inf).mass
        for request in (*mass, *(request for request, _ in moves.named)):
            found.append(f"{request.method} {request.target} {request.body.decode()}".strip())
    return tuple(dict.fromkeys(found))
