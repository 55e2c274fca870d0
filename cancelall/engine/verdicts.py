"""From what is known to a verdict: of segments and profiles, and what became of each order. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cancelall.core.errors import ExitStatus
from cancelall.core.model import GRAVITY, Answer, Order, State, Verdict, worst
from cancelall.core.results import OrderReport, ProfileReport, SegmentReport
from cancelall.engine import firing
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.records import OrderRecord


def segment_verdict(ledger: Ledger, client: Client) -> Verdict:
    """The first that fits: open, absent, unreachable, refused, clear, unproven."""
    cancelled, refusal = ledger.air.any_answered, client.refusals.stopped_of(ledger.whole)
    in_vain = client.refusal is not None and ledger.keyless and not ledger.air.accepted  # what was listed before rests
    evidence = ledger.last if ledger.reads_only or in_vain or not cancelled else ledger.last_fresh
    stopped = ledger.air.sent or refusal is not None
    if evidence is not None and ledger.left(evidence) and (cancelled or in_vain or not stopped):
        return Verdict.OPEN
    if ledger.absent is not None:
        return Verdict.ABSENT
    if not ledger.answered and refusal is None:
        return Verdict.UNREACHABLE if client.tally.requests else Verdict.UNPROVEN  # of what was not sent nobody knows
    if ledger.refused is not None or client.turned_away_from(ledger.whole) is not None or _clock_refused(ledger):
        return Verdict.REFUSED
    return Verdict.CLEAR if ledger.proven else Verdict.UNPROVEN


def _clock_refused(ledger: Ledger) -> bool:
    """A clock that could not be repaired is a refusal."""
    judgement = ledger.trouble.judgement if ledger.trouble else None
    if judgement is None or judgement.kind != "clock":
        return False
    return ledger.proof.last is None or not (ledger.air.accepted or ledger.proven)


def profile_verdict(sweep: ProfileSweep) -> Verdict:
    """The worst of the segments; `unproven` at best while the set of segments or a selector is not known."""
    client = sweep.client
    verdicts = [segment_verdict(ledger, client) for ledger in sweep.ledgers.values()]
    present = [verdict for verdict in verdicts if verdict is not Verdict.ABSENT]
    if not verdicts:
        return _verdict_without_segments(sweep)
    if not present:
        return Verdict.REFUSED if verdicts and not sweep.discoveries.doubts else Verdict.UNPROVEN
    if any(verdict is not Verdict.UNREACHABLE for verdict in verdicts):
        present = [Verdict.UNPROVEN if verdict is Verdict.UNREACHABLE else verdict for verdict in present]
    verdict = worst([*present, *([Verdict.REFUSED] if client.refusals.denied is not None else [])])
    doubtful = bool(sweep.bug or client.bug or sweep.discoveries.pending or sweep.discoveries.doubts or sweep.stale())
    return worst([verdict, Verdict.UNPROVEN]) if doubtful else verdict


def all_read(sweep: ProfileSweep) -> bool:
    """Whether the set of segments is known, and each was read to the end or is not there."""
    known = not (sweep.bug or sweep.client.bug or sweep.discoveries.pending or sweep.discoveries.doubts)
    return known and all(one.proven or one.absent is not None for one in sweep.ledgers.values())


def _verdict_without_segments(sweep: ProfileSweep) -> Verdict:
    """What the reads that should have shown the segments have met with."""
    attempt = sweep.discoveries.last
    judgement = attempt.judgement if attempt else None
    if sweep.client.turned_away is not None or (judgement and judgement.answer in (Answer.REFUSED, Answer.CLOCK)):
        return Verdict.REFUSED
    if sweep.bug or (attempt and attempt.answered) or not sweep.client.tally.requests:
        return Verdict.UNPROVEN
    return Verdict.UNREACHABLE


def exit_status(reports: Iterable[ProfileReport]) -> ExitStatus:
    """One exit code for several profiles: the worst."""
    statuses = {report.exit_status for report in reports}
    return next((one.exit_status for one in GRAVITY if one.exit_status in statuses), ExitStatus.CLEAR)


def segment_report(ledger: Ledger, client: Client) -> SegmentReport:
    """A segment's verdict with the venue's words, where there are any."""
    verdict = segment_verdict(ledger, client)
    details = []
    if verdict is Verdict.ABSENT and ledger.absent is not None:
        details.append(ledger.absent.message)
    elif verdict is Verdict.REFUSED:
        refusal = ledger.refused or client.turned_away_from(ledger.whole)
        details.append(refusal.message if refusal else _trouble(ledger))
    elif verdict in (Verdict.UNPROVEN, Verdict.UNREACHABLE) or ledger.air.suspended:
        unsent = "" if client.tally.requests else "nothing was sent"
        short = "no two complete empty listings in time" if verdict is not Verdict.UNREACHABLE else ""
        details += filter(None, [_trouble(ledger) or unsent or short])
        incomplete = ledger.incomplete if ledger.incomplete not in details else ""
        details += [f"listing incomplete: {incomplete}"] if incomplete else []
        if ledger.contradicted:
            details.append("the listing is empty, but another answer of the venue says otherwise")
    if ledger.counted:
        details.append(f"the venue counted {ledger.counted} as cancelled, without naming them")
    return SegmentReport(
        name=ledger.segment.name,
        verdict=verdict,
        mass_cancels=ledger.air.mass_accepted,
        listings=ledger.listings,
        detail="; ".join(dict.fromkeys(part for part in details if part)) or None,
    )


def _trouble(ledger: Ledger) -> str:
    attempt = ledger.trouble
    if attempt is None:
        return ""
    if attempt.judgement is not None:
        return f"{attempt.judgement.answer.value}: {attempt.judgement.message}" if attempt.judgement.message else ""
    return attempt.fault.message if attempt.fault else ""


def order_rows(ledger: Ledger) -> tuple[OrderReport, ...]:
    """What became of every order that was seen or named by the venue in this segment."""
    last = ledger.last
    listed = {order.id: order for order in last.orders} if last is not None else {}
    return tuple(
        _row(ledger, record, listed.get(record.order.id, record.order), listed=record.order.id in listed)
        for record in ledger.seen
    )


def _row(ledger: Ledger, record: OrderRecord, order: Order, *, listed: bool) -> OrderReport:
    reason = record.failure or None
    if listed or ledger.last is None:
        if ledger.keeps(order):
            return OrderReport(order=order, state=State.KEPT)
        unsaid = ledger.selects(order) is None
        reason = "left in place: its client id cannot be read" if unsaid else reason
        return OrderReport(order=order, state=State.FAILED if reason and not unsaid else State.OPEN, reason=reason)
    if not (ledger.last.complete or record.lacked):
        if ledger.keeps(order) and not record.taken:
            return OrderReport(order=order, state=State.KEPT, reason="not read back")
        unread = "cancel accepted, but not read back" if record.taken else "not read back"
        return OrderReport(order=order, state=State.OPEN, reason=reason or unread)
    if record.end is not None:
        state, note = record.end
        return OrderReport(order=order, state=state, reason=note or None)
    return OrderReport(order=order, state=State.CANCELLED if record.taken else State.GONE)


def was_removed(ledger: Ledger, row: OrderReport) -> bool:
    """Whether an order was taken off the book. One that was to be kept only if the venue says that it was cancelled: it
    may as well have filled, or have been cancelled by its owner.
    """
    return row.state is State.CANCELLED or (row.state is State.GONE and not ledger.keeps(row.order))


def would_send(sweep: ProfileSweep) -> tuple[str, ...]:
    """What a kill would send first for what was read: method, path and body, no signature."""
    lines = []
    for ledger in sweep.ledgers.values():
        known = ledger.last.orders if ledger.last else ()
        moves = firing.due(ledger, known, math.inf)
        mass = moves.mass or firing.blind(ledger, math.inf).mass
        for request in (*mass, *(request for request, _ in moves.named)):
            lines.append(f"{request.method} {request.target} {request.body.decode()}".strip())
    return tuple(dict.fromkeys(lines))
