"""After the verdict: which positions stay open, what protects them, and which have just lost their stop.

Best effort: nothing in here changes what is known of orders. It has a line of its own to the venue, which may only
read, and whose refusals say nothing of the sweep's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from cancelall.core.attempts import Attempt, Outcome, Tally, Watch
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import bug_words
from cancelall.core.model import Answer, Protection, Request, State, Verdict
from cancelall.core.positions import LONG, UNREADABLE, Position, PositionReport, PositionsReport, ProtectiveOrder, Role
from cancelall.core.results import ErrorReport, ProfileReport
from cancelall.engine import verdicts
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.venues.positions import PositionListing, PositionPage, PositionsModule, load_positions

_MARGIN = 0.1
"""Seconds of the time for them that are left for what comes of the answers."""
_MOST_PAGES = 50
_TRIES = 3


@dataclass
class _PartlyRead:
    """What one listing has shown so far."""

    listing: PositionListing
    pages: list[PositionPage] = field(default_factory=list)
    why: str = "no answer in time"
    """Why it is not known; empty when it was read to its end."""
    outcome: Outcome[Any] | None = None

    def ended(self, attempt: Attempt) -> None:
        """An attempt is over: should nothing better come in time, this is why."""
        judgement, fault = attempt.judgement, attempt.fault
        if judgement is not None and judgement.answer is not Answer.ACCEPTED:
            self.why = judgement.message or judgement.answer.value
        elif fault is not None and not fault.cut:
            self.why = fault.message


@dataclass(frozen=True, kw_only=True)
class PositionsReading:
    """What the listings of positions have shown, before it is joined with what is known of orders."""

    positions: tuple[Position, ...] = ()
    known: bool = True
    unknown: str = ""
    none: str = ""
    verdict: Verdict = Verdict.CLEAR
    requests: int = 0


def not_read(why: str, verdict: Verdict = Verdict.UNPROVEN) -> PositionsReport:
    """Nothing was read of them, and why."""
    return PositionsReport(known=False, unknown=why, verdict=verdict)


async def read(sweep: ProfileSweep, venue: str, options: Any, until: float) -> PositionsReading:
    """Read every listing of positions of the scope until a monotonic time. Raises nothing of what it meets."""
    module, client = load_positions(venue), sweep.client
    if module.none:
        return PositionsReading(none=module.none)
    ledgers = [one for one in sweep.ledgers.values() if one.absent is None]
    orders = tuple(request for one in ledgers for stage in one.segment.listings for request in stage)
    if not sweep.ledgers or not orders:
        return PositionsReading(known=False, unknown="no part of the account is known", verdict=Verdict.UNPROVEN)
    if client.refusal is not None:
        return PositionsReading(known=False, unknown=client.refusal.message or "refused", verdict=Verdict.REFUSED)
    listed = [_PartlyRead(listing) for listing in module.listings(options, orders)]
    if not listed:
        return PositionsReading(none="nothing in this scope has positions")
    reader = _reader(client, until)
    work = [asyncio.create_task(_read(reader, one)) for one in listed]
    try:
        await asyncio.wait(work, timeout=max(0.0, until - _MARGIN - client.clock.monotonic()))
    finally:
        for task in work:
            task.cancel()
    for one, fault in zip(listed, await asyncio.gather(*work, return_exceptions=True), strict=True):
        if isinstance(fault, Exception):
            one.why = bug_words(fault)
    return _joined(listed, reader, pending=bool(sweep.discoveries.pending))


def _reader(client: Client, until: float) -> Client:
    """A line of its own to the same venue: nothing is changed over it, and what it is refused with stays here."""
    made = replace(client, reads_only=True, over=False, deadline=until, reserve=0.0, tally=Tally(), bug=None)
    made._limits = client._limits
    return made


async def _read(client: Client, listed: _PartlyRead) -> None:
    """All pages of a listing. What has come stays, however it ends."""
    request = listed.listing.request
    requested: set[Request] = set()
    null = False
    while request not in requested and len(requested) < _MOST_PAGES:
        watch = Watch(about="positions", ended=listed.ended)
        outcome = await client.ask(request, listed.listing.read, watch=watch, most=_TRIES)
        listed.outcome = outcome
        page = outcome.value
        if page is None:
            if client.bug is not None:
                listed.why = bug_words(client.bug)
            elif not outcome.attempt.sent:
                listed.why = "the venue's limit left no room for it in time"
            return
        if page.null and not null:
            null, listed.why = True, "a null in the place of its list"
            continue
        null = False
        requested.add(request)
        listed.pages.append(page)
        if page.next is None:
            listed.why = next((one.unsure for one in listed.pages if one.unsure), "")
            return
        request = page.next
    listed.why = "its pages do not end"


def _joined(listed: list[_PartlyRead], reader: Client, *, pending: bool) -> PositionsReading:
    """What all listings show together."""
    pages = [page for one in listed for page in one.pages]
    marks = {symbol: mark for page in pages for symbol, mark in page.marks.items()}
    mode = next((page.margin_mode for page in pages if page.margin_mode is not None), None)
    needed = [one for one in listed if not one.listing.optional]
    shown = tuple(
        replace(one, mark=one.mark or marks.get(one.symbol), margin_mode=one.margin_mode or mode)
        for part in needed
        for page in part.pages
        for one in page.positions
    )
    failed = [one for one in needed if one.why]
    whys = list(dict.fromkeys(one.why for one in failed))
    unknown = "; ".join(f"{', '.join(one.listing.name for one in failed if one.why == why)}: {why}" for why in whys)
    if len(whys) == 1 and len(failed) == len(needed):
        unknown = whys[0]
    if pending:
        unknown = "; ".join(filter(None, (unknown, "not every part of the account is known")))
    return PositionsReading(
        positions=shown,
        known=any(one.pages for one in needed),
        unknown=unknown,
        verdict=_verdict(failed) if failed else Verdict.UNPROVEN if pending else Verdict.CLEAR,
        requests=reader.tally.requests,
    )


def _verdict(failed: list[_PartlyRead]) -> Verdict:
    """What listings that failed are worth together."""
    outcomes = [one.outcome for one in failed]
    if any(one is not None and one.answer is Answer.REFUSED for one in outcomes):
        return Verdict.REFUSED
    silent = all(one is None or (not one.attempt.answered and one.value is None) for one in outcomes)
    return Verdict.UNREACHABLE if silent else Verdict.UNPROVEN


# --- positions and orders ---


def joined(sweep: ProfileSweep, venue: str, reading: PositionsReading) -> PositionsReport:
    """The positions with what protects them, and what this kill has taken from them."""
    module = load_positions(venue)
    parts = [_SegmentOrders.of(ledger, module) for ledger in sweep.ledgers.values()]
    left = [one for part in parts for one in part.left]
    lost = [] if sweep.client.reads_only else [one for part in parts for one in part.lost]
    all_read = all(part.complete for part in parts) and not sweep.discoveries.pending
    reports = tuple(_position(one, left, lost, all_read=all_read) for one in reading.positions)
    reported = {order.order_id for one in reports for order in one.lost_stops}
    covered = {order.order_id for one in reading.positions for order in lost if _fits(one, order)}
    open_elsewhere = () if not reading.unknown else (one for one in lost if one.order_id not in covered | reported)
    unnamed = 0 if sweep.client.reads_only else sum(part.unnamed for part in parts)
    doubt = f"what {unnamed} cancelled order(s) were is not known, a stop may be among them" if unnamed else ""
    relevant = doubt if reading.positions or reading.unknown else ""
    return PositionsReport(
        positions=reports,
        known=reading.known,
        unknown="; ".join(filter(None, (reading.unknown, relevant))),
        none=reading.none,
        verdict=reading.verdict,
        unplaced=tuple(sorted((one for one in open_elsewhere if one.role is not Role.ORDINARY), key=_stops_first)),
        requests=reading.requests,
    )


@dataclass(frozen=True, kw_only=True)
class _SegmentOrders:
    """The protective orders of one segment."""

    left: tuple[ProtectiveOrder, ...]
    """Those that the last reading has listed."""
    lost: tuple[ProtectiveOrder, ...]
    """Those that were cancelled, or of which a cancel was accepted that is not proven."""
    unnamed: int
    """Orders that were cancelled, and of which only the id is known."""
    complete: bool
    """Whether all open orders are known."""

    @classmethod
    def of(cls, ledger: Ledger, module: PositionsModule[Any]) -> _SegmentOrders:
        listed = ledger.last.ids if ledger.last is not None else frozenset()
        left, lost = [], []
        unnamed = 0
        for row in verdicts.order_rows(ledger):
            open_now = row.order.id in listed
            accepted = ledger.orders[row.order.id].taken and row.state is not State.FILLED
            ended = verdicts.was_removed(ledger, row) or (accepted and not open_now)
            unnamed += ended and row.order.symbol is None
            protective = None if row.order.protection is Protection.NONE else module.protective(row.order)
            if protective is not None and ended:
                lost.append(protective)
            elif protective is not None and open_now and row.order.protection is Protection.PROTECTIVE:
                left.append(protective)  # of a kind that nobody knows nothing is promised
        complete = ledger.absent is not None or (ledger.last is not None and ledger.last.complete)
        return cls(left=tuple(left), lost=tuple(lost), unnamed=unnamed, complete=complete)


def _position(
    position: Position, left: Iterable[ProtectiveOrder], lost: Iterable[ProtectiveOrder], *, all_read: bool
) -> PositionReport:
    """A position has lost its stop when a protective order of it was cancelled and no stop-like one is left."""
    closing = (_resolved(position, one) for one in left if one.closes and _fits(position, one))
    stops = tuple(one for one in closing if one.role is Role.STOP)
    taken = () if stops or position.stop_loss else (_resolved(position, one) for one in lost if _fits(position, one))
    readable = UNREADABLE not in (position.symbol, position.side)
    return PositionReport(
        position=position,
        stops=stops if stops or (all_read and readable) else None,
        lost_stops=tuple(sorted(taken, key=_stops_first)),
    )


def _fits(position: Position, order: ProtectiveOrder) -> bool:
    """Whether an order may be about this position; one that does not say which side it closes may be about both."""
    return order.market == position.market and order.closes in (position.side, "")


def _resolved(position: Position, order: ProtectiveOrder) -> ProtectiveOrder:
    """The same order, its role by the mark price where its row does not tell it: a stop of a long position waits below
    the market, of a short one above it.
    """
    if order.role is not Role.UNKNOWN:
        return order
    trigger, mark = _number(order.trigger_price), _number(position.mark)
    if trigger is None or mark is None or trigger == mark:
        return order
    return replace(order, role=Role.STOP if (trigger < mark) == (position.side == LONG) else Role.TAKE_PROFIT)


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_ORDER = (Role.STOP, Role.UNKNOWN, Role.TAKE_PROFIT, Role.ORDINARY)


def _stops_first(order: ProtectiveOrder) -> int:
    return _ORDER.index(order.role)


# --- positions alone ---


def judged(report: ProfileReport, positions: PositionsReport) -> ProfileReport:
    """The result of a run that was to read positions: no better than what their listings have shown."""
    report = replace(report, positions=positions, would_send=())
    if not positions.unknown or report.exit_status:
        return report
    error = ErrorReport(
        kind="unreadable",
        message=f"positions are not known: {positions.unknown}",
        hint="run again, or look at the venue's site",
    )
    verdict = Verdict.UNPROVEN if positions.verdict is Verdict.CLEAR else positions.verdict
    return replace(report, verdict=verdict, all_read=False, error=report.error or error)
