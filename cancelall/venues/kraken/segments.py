"""Kraken: the one segment of spot, and what its answers say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Purpose, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import Named, Segment, Witness, in_chunks, one_by_one
from cancelall.venues.kraken import api
from cancelall.venues.kraken.options import folded
from cancelall.venues.payload import Row

BATCH = 50
"""Orders in one cancel by name: https://docs.kraken.com/api-reference/trading/cancel-order-batch"""
SMALL_BATCH = 5
IDS = 50
"""Ids in one read of final states: https://docs.kraken.com/api-reference/account-data/get-orders-info"""
PAGE = 50
"""Rows of one page of the history: https://docs.kraken.com/api-reference/account-data/get-closed-orders"""
READ_AT_MOST = 4 * PAGE
"""Rows of the history that are read, at most: each page counts twice against the key's limit."""

_HISTORY = "tell what has ended lately"
_ID = "txid"


@dataclass(frozen=True, kw_only=True)
class KrakenSpot(Segment):
    """Every order of the account, or those of some pairs."""

    name: str = "spot"
    pairs: frozenset[str] = frozenset()
    """Those that it is narrowed to, `folded`; none: everything."""
    resolved: bool = False
    """The public list has shown further spellings of them."""
    unnamed = True

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """None for a pair: a parameter of it would be ignored, and everything would go."""
        return () if self.pairs else (api.CANCEL_ALL,)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((api.open_orders(api.RESOLVED if self.resolved else Purpose.LISTING),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """All open orders, by their ids, without pages. A `count` that some clients know has to fit them."""
        answer = Row(api.result(reply), "result")
        shown, total = answer.record.get("open"), answer.number("count")
        null = "open" in answer.record and shown is None
        entries = {} if null else payload.as_object(shown, "open")
        orders, odd = payload.orders(_rows(entries), self._listed)
        short = f"it says {total} orders, and has {len(entries)}" if total not in (None, len(entries)) else ""
        return Page(orders=orders, unsure=payload.why(*answer.oddities, odd, short), null=null)

    def _listed(self, row: Row) -> Order | None:
        if row.record.get("status") in tuple(_ENDS):
            return None
        order = self._order(row)
        return order if self._holds(order) else None

    def _holds(self, order: Order) -> bool:
        """Whether an order is in scope. One whose pair cannot be read may be of any, and is left."""
        return not self.pairs or (order.symbol is not None and folded(order.symbol) in self.pairs)

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """A count without ids. A single cancel that is not pending any more has taken its order."""
        answer = api.result(reply)
        if request.purpose != Purpose.CANCEL:
            return Acknowledgement(count=api.count(answer))
        identity = parse_qs(request.body.decode())[_ID][0]
        taken = api.count(answer) == 1 and not api.is_pending(answer)
        return Acknowledgement(cancelled=(identity,) if taken else ())

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return _batches(orders, BATCH)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """For a batch that failed: small ones, since all of a key go one after the other, and at last one by one."""
        return _batches(orders, SMALL_BATCH) if len(orders) > SMALL_BATCH else one_by_one(orders, api.cancel)

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """A last cancel of everything counts 0. It also takes what the fill of an order has placed meanwhile."""
        return () if self.pairs else (Witness(request=api.CANCEL_ALL, read=_took_nothing),)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """What has ended lately, since a cancel of everything names nothing, and the records of orders once seen."""
        recent = api.private("ClosedOrders", _HISTORY, start=str(since_ms // 1000 - 1), closetime="close")
        records = in_chunks(orders, IDS, _records)
        return (*(() if self.pairs else (recent,)), *(request for request, _ in records))

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How orders ended: https://docs.kraken.com/api-reference/account-data/get-closed-orders, 50 a page."""
        answer = Row(api.result(reply), "result")
        history = request.purpose == _HISTORY
        entries = payload.as_object(answer.record.get("closed"), "closed") if history else answer.record
        ends = payload.ends(_rows(entries), self._end)
        if not history:
            return FinalStates(orders=ends)
        read, total = _offset(request) + len(entries), answer.number("count") or 0
        if len(entries) < PAGE or read >= total:
            return FinalStates(orders=ends)
        if read >= READ_AT_MOST:
            return FinalStates(
                orders=ends, more=f"{self.name}: {total} orders have ended lately, {read} of them were read"
            )
        body = request.body.partition(b"&ofs=")[0] + f"&ofs={read}".encode()
        return FinalStates(orders=ends, next=replace(request, body=body))

    def _end(self, row: Row) -> tuple[Order, State, str] | None:
        """How one order ended; None for one that is open, or out of scope."""
        state, order = _ENDS.get(row.text("status") or ""), self._order(row)
        if state is None or not self._holds(order):
            return None
        filled = payload.filled_before(row.text("vol_exec")) if state is State.CANCELLED else ""
        expired = "expired" if row.record.get("status") == "expired" else ""
        return replace(order, ended_ms=milliseconds(row.text("closetm"))), state, payload.why(filled, expired)

    def _order(self, row: Row) -> Order:
        """One order, whatever else is wrong with its row. `refid` is not its id, and `price` is what it filled at."""
        identity, shown = row.identity(_ID), row.record.get("descr")
        if _BROKEN in row.record:
            row.odd("it is not an object", None)
        descr = Row(shown if isinstance(shown, dict) else {}, "descr")
        descr.oddities = row.oddities
        if not isinstance(shown, dict):
            row.odd("descr is not an object", None)
        kind, price, quantity = descr.text("ordertype"), descr.text("price"), row.text("vol")
        filled = row.text("vol_exec")
        row.text("status", needed=True)
        return Order(
            id=identity,
            client_id=row.client_id("cl_ord_id", may_lack=True),
            symbol=descr.name("pair", needed=True),
            side=(descr.text("type") or "").lower() or None,
            type=kind,
            price=price if price and price.strip("0.") else None,
            quantity=quantity,
            remaining=payload.minus(quantity, filled) if filled else None,
            segment=self.name,
            protection=_protection(row, descr),
            kind=kind or "",
            created_ms=milliseconds(row.text("opentm")),
        )


_BROKEN = "not an object"
_ENDS: Mapping[str, State] = {"closed": State.FILLED, "canceled": State.CANCELLED, "expired": State.CANCELLED}
"""Every other status is open, `pending` too. https://docs.kraken.com/api-reference/account-data/get-open-orders"""

_ORDINARY = frozenset({"limit", "market", "iceberg"})
_TRIGGERED = frozenset(
    {"stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit", "trailing-stop", "trailing-stop-limit"}
)


def _rows(entries: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Each row with its id in it: whatever is wrong with the row, the id can be cancelled."""
    for identity, entry in entries.items():
        yield {**entry, _ID: identity} if isinstance(entry, dict) else {_ID: identity, _BROKEN: True}


def _protection(row: Row, descr: Row) -> Protection:
    """Protective: a sell of what is held that waits for its trigger. On margin nothing says what an order may open.

    https://docs.kraken.com/api-reference/trading/add-order (`reduce_only` is no part of the documented rows)
    """
    kind, side, reduces = descr.text("ordertype"), descr.text("type"), row.flag("reduce_only")
    cash = descr.text("leverage") == "none" and row.flag("margin") is False
    if reduces:
        return Protection.PROTECTIVE
    if kind in _ORDINARY:
        return Protection.NONE
    if kind not in _TRIGGERED or not cash or side not in ("buy", "sell") or reduces is None:
        return Protection.UNKNOWN
    return Protection.PROTECTIVE if side == "sell" else Protection.NONE


def _took_nothing(request: Request, reply: Reply) -> bool:
    """Raises Unreadable where it does not say."""
    answer = api.result(reply)
    taken = api.count(answer)
    if taken is None or api.is_pending(answer):
        raise Unreadable("count is missing, or the cancel is pending")
    return taken == 0


def _batches(orders: tuple[Order, ...], size: int) -> Named:
    """A batch of one may be refused: the last one goes by itself then."""
    alone = orders[-1:] if len(orders) % size == 1 else ()
    return in_chunks(orders[: len(orders) - len(alone)], size, api.cancel_batch) + one_by_one(alone, api.cancel)


def _records(orders: tuple[Order, ...]) -> Request:
    return api.private("QueryOrders", Purpose.FINAL_STATES, txid=",".join(order.id for order in orders))


def _offset(request: Request) -> int:
    return int(parse_qs(request.body.decode()).get("ofs", ["0"])[0])


def milliseconds(seconds: str | None) -> int | None:
    """Unix seconds with a fraction, as ms; None for anything else."""
    text = seconds or ""
    if not re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text, re.ASCII):
        return None
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:3].ljust(3, "0"))
