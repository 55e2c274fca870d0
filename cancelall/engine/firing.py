"""Which cancels of a segment are due. Pure: it reads the ledger, and changes and sends nothing."""

from __future__ import annotations

import math

from cancelall.core.dataclass import dataclass
from cancelall.core.model import Answer, Listing, Order, Request
from cancelall.engine.ledger import Ledger
from cancelall.engine.records import OrderRecord, RequestRecord, Said

MOST_COPIES = 4
"""Parallel copies of one mass cancel, at most, while each takes as many orders as it can."""

_NEVER = OrderRecord(order=Order(id="", segment=""))
_UNSENT = RequestRecord()


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Cancels that are due: whole-segment requests, and requests that name orders."""

    mass: tuple[Request, ...] = ()
    named: tuple[tuple[Request, tuple[Order, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.mass or self.named)


def blind(ledger: Ledger, at: float) -> Moves:
    """The cancels that need to know nothing, unless they are under way."""
    if (ledger.keep or ledger.client_ids is not None) and ledger.keeps_some:
        return Moves()
    return Moves(mass=tuple(one for one in ledger.segment.blind if _is_due(ledger, one, at)))


def due(ledger: Ledger, orders: tuple[Order, ...], began: float, *, complete: bool = False) -> Moves:
    """The cancels for orders that a listing which began then has shown, without those sent since.

    By name only what a mass cancel has had its chance at, or never can have: a listing that began before it was
    answered shows orders that are gone by now. `complete` says that these are all orders of the segment, so that
    what has to be kept is known.
    """
    targets = _targets(ledger, orders)
    if not targets:
        return Moves()
    segment = ledger.segment
    whole = () if ledger.keeps_some else segment.mass_cancels(targets)
    untaken = tuple(order for order in targets if not _record(ledger, order).taken)
    fresh = complete and began >= ledger.air.first_answered and not ledger.keeps_some
    shares = segment.shares(untaken) if fresh else ()
    mass = tuple(request for request in (*whole, *shares) if _is_due(ledger, request, began, listed=True))
    tried = all((at := _request(ledger, one).ended) is not None and at <= began for one in whole)
    if not tried or any(record.left_some for record in ledger.cancels.values()):
        return Moves(mass=mass)
    named = tuple(order for order in targets if _may_be_named(ledger, order, began))
    going = {order.id for order in targets}
    # With client ids others may place more meanwhile: no group is safe, unless it cannot grow.
    known = complete and (ledger.client_ids is None or segment.fixed_groups)
    others = tuple(order for order in orders if order.id not in going) if known else None
    return Moves(mass=mass, named=_by_name(ledger, named, others, began) if named else ())


def again(ledger: Ledger, at: float) -> Moves:
    """Mass cancels whose last answer was a refusal: believed only when it comes again, a gap later."""
    if ledger.keeps_some:
        return Moves()
    refused = (one for one, record in ledger.cancels.items() if record.said is not None and record.said.unwelcome)
    return Moves(mass=tuple(one for one in refused if _is_due(ledger, one, at)))


def more(ledger: Ledger, request: Request) -> Moves:
    """What follows when a mass cancel and its copies are answered: while all come to the cap, twice as many.

    At most `MOST_COPIES`, and not before the last of them is back: the rest would find nothing, and use up the limit.
    """
    record = _request(ledger, request)
    if record.under_way or not record.left_some:
        return Moves()
    return Moves(mass=(request,) * min(2 * record.copies, MOST_COPIES))


def otherwise(ledger: Ledger, named: tuple[Order, ...]) -> Moves:
    """The other way to cancel orders whose call for several was refused, or turned away by a gateway."""
    if ledger.segment.singly is None:
        return Moves()
    there = tuple(one for one in named if not ((known := _record(ledger, one)).cancelling or known.taken))
    return Moves(named=ledger.segment.singly(there, None) if there else ())


def never_answered(ledger: Ledger, request: Request) -> bool:
    return not _request(ledger, request).answered


def superseded(ledger: Ledger, request: Request, named: tuple[Order, ...], since: float) -> bool:
    """Whether a complete listing that began since then shows none of the orders that a cancel is for: it need not go,
    unless it is a mass cancel that was never answered, or was refused.
    """
    last = ledger.last
    if last is None or not last.complete or last.began < since:
        return False
    if named:
        return last.ids.isdisjoint(order.id for order in named)
    left, record = ledger.left(last), _request(ledger, request)
    needless = not left or request not in ledger.segment.mass_cancels(left)
    refused = record.said is not None and record.said.unwelcome
    return needless and record.answered and not refused and not ledger.air.suspended


def exhausted(ledger: Ledger, listing: Listing) -> bool:
    """Whether nothing that could still be sent or read would change the outcome."""
    if ledger.closed:
        return True
    if not (listing.complete and ledger.idle and listing.began >= ledger.air.ended) or ledger.doubted:
        return False
    left = ledger.left(listing)
    if any(ledger.selects(order) is None for order in left):  # the next answer may tell
        return False
    refused = ledger.refused if ledger.refused is not ledger.refused_by_name else None  # which is of orders that rest
    return (bool(left) or refused is not None) and not due(ledger, listing.orders, math.inf, complete=True)


# --- the parts ---


def _record(ledger: Ledger, order: Order) -> OrderRecord:
    return ledger.orders.get(order.id, _NEVER)


def _request(ledger: Ledger, request: Request) -> RequestRecord:
    return ledger.cancels.get(request, _UNSENT)


def _targets(ledger: Ledger, orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """Orders to cancel."""
    return tuple(order for order in orders if not (ledger.keeps(order) or ledger.unsaid(order)))


def _may_be_named(ledger: Ledger, order: Order, began: float) -> bool:
    """Whether a cancel may name it now: none is under way, and the last one is long enough ago, or was not refused."""
    record = _record(ledger, order)
    rested = record.named_at + ledger.segment.named_gap <= began
    return not record.cancelling and rested and _is_open(ledger, record.said, began, listed=True)


def _by_name(
    ledger: Ledger, orders: tuple[Order, ...], others: tuple[Order, ...] | None, at: float
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels by name; one by one where the call for several was refused."""
    segment = ledger.segment
    one_by_one = segment.singly is not None and at < ledger.air.one_by_one_until
    by = segment.singly if one_by_one and segment.singly is not None else segment.cancels
    return by(orders, others)


def _is_due(ledger: Ledger, request: Request, began: float, *, listed: bool = False) -> bool:
    """Whether what was shown then calls for it: it was not sent since, and is not under way but for late copies."""
    record = ledger.cancels.get(request, _UNSENT)
    if record.under_way >= record.copies:
        return False
    if record.said is not None and not _is_open(ledger, record.said, began, listed=listed):
        return False
    return record.ended is None or record.ended <= began


def _is_open(ledger: Ledger, said: Said | None, at: float, *, listed: bool) -> bool:
    """Whether a cancel may be sent in spite of its refusals: not at once again, nor when they are believed.

    What is listed contradicts all but a word on rights: it goes on being fired at, ever more slowly. While holding no
    refusal is believed; nor is absence where anything is listed, but it is not fired at unseen.
    """
    if said is None or not said.unwelcome:
        return True
    contradicted = listed and not said.of_rights
    believed = said.twice(ledger.gap) and not (contradicted or (ledger.holding and said.answer is Answer.REFUSED))
    return not believed and said.again_at(ledger.gap) <= at
