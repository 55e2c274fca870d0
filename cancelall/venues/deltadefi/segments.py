"""DeltaDeFi: a segment for each trading pair, and what its answers say."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Purpose, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import Named, Segment, Witness, one_by_one
from cancelall.venues.deltadefi.api import cancel, executed, mass_cancel, open_orders, page_after, record
from cancelall.venues.deltadefi.options import LAST_PAGE, PAGE_ROWS, RECORDS, STRAGGLERS
from cancelall.venues.payload import Row


@dataclass(frozen=True, kw_only=True)
class Pair(Segment):
    """A trading pair, by which its segment is named."""

    doubtful: bool = False
    """Nothing but an SDK names it: until orders are listed, its mass cancel goes behind those of all others."""
    protective_kinds = False

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        return (mass_cancel(self.name, last=self.doubtful and not survivors),)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((open_orders(1, self.name),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """What names another pair is left out: the answer is not just about this one."""
        rows, page = read_rows(request, reply)
        orders, odd = payload.orders(rows, self._listed)
        total = page.total if len(orders) == len(rows) else None
        return replace(page, orders=orders, unsure=payload.why(page.unsure, odd), total=total)

    def _listed(self, row: Row) -> Order | None:
        if not alive(row):
            return None
        order = _order(self.name, row)
        if _is_of(self.name, order.symbol):
            return order
        return row.odd(f"an order of {payload.message(order.symbol)} among those of {self.name}", None)

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """The ids that the venue claims. A single cancel repeats its id; a list may be null, as empty lists of Go are.

        An id that cannot be read hides no other one. Ids of another pair are not this one's.
        """
        answer = Row(reply.json, "answer")
        if request.purpose == Purpose.CANCEL:
            identity = _id(answer.record.get("order_id"), "order_id")
            if request != cancel(identity):
                raise Unreadable("the answer is about another order")
            return Acknowledgement(cancelled=(identity,))
        entries, _ = payload.null_or_list(answer.record, "order_ids")
        symbol = answer.text("symbol")
        if symbol not in (None, payload.UNREADABLE) and not _is_of(self.name, symbol):
            return Acknowledgement(remark=f"{self.name}: the answer to its cancel is about {payload.message(symbol)}")
        return Acknowledgement(cancelled=payload.each(entries, lambda entry: _id(entry, "order_ids")))

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one(orders[:STRAGGLERS], lambda order: cancel(order.id))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Orders with executions in pages (a fill is what matters most), and single records, unlisted orders first."""
        records = sorted(orders, key=lambda order: order.symbol is not None)[:RECORDS]
        return executed(self.name), *(record(order.id) for order in records)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How orders ended. A partly filled order that was cancelled is `cancelled` too, with what was filled.

        A record that still says alive, of an order that is not listed any more, claims nothing: the order is gone, with
        the record's word for it.
        """
        if request.purpose == Purpose.FINAL_STATES:
            rows, page = read_rows(request, reply)
            ends = payload.ends(rows, lambda row: None if alive(row) else self._end(row))
            return FinalStates(orders=ends, next=page.next)
        ends = payload.ends((reply.json,), self._end)
        if not ends:
            raise Unreadable("the record names no order")
        return FinalStates(orders=ends)

    def _end(self, row: Row) -> tuple[Order, State, str] | None:
        """How an order ended; None for one of another pair."""
        order, status = _order(self.name, row), (row.text("status") or "nothing").lower()
        if not _is_of(self.name, order.symbol):
            return None
        if status not in _FINAL:
            return order, State.GONE, f"not listed any more, but its record says {payload.message(status)}"
        if status in ("closed", "fully_filled"):
            return order, State.FILLED, ""
        if status == "failed":
            return order, State.GONE, "its record says failed"
        return order, State.CANCELLED, payload.filled_before(row.text("executed_base_qty"))


@dataclass(frozen=True, kw_only=True)
class ApartPair(Pair):
    """A pair that the market config may lack: only the listing of all pairs is sure to show it, not its own."""

    everything: bool
    """No selector narrows the profile: an order whose pair cannot be read is in scope, and may be of this one."""

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((open_orders(1),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """Several pages prove nothing: an order can slip between them."""
        page = super().page(request, reply)
        split = page.next is None and not request.query.endswith("page=1")
        several = "the orders of all pairs take more than one page" if split else ""
        return replace(page, unsure=payload.why(page.unsure, several), total=None)

    def _listed(self, row: Row) -> Order | None:
        symbol = row.record.get("symbol")
        if (isinstance(symbol, str) and symbol and not _is_of(self.name, symbol)) or not alive(row):
            return None
        order = _order(self.name, row)
        return order if order.symbol is not None or self.everything else None

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """The pair's own listing, where it is answered: what it shows is there."""
        pair = Pair(name=self.name)
        read = open_orders(1, self.name)
        return (Witness(request=read, read=lambda *answer: not pair.page(*answer).orders, optional=True),)


# --- rows -----------------------------------------------------------------------------------------------------------

_FINAL = frozenset({"cancelled", "partially_cancelled", "closed", "fully_filled", "failed"})
"""Documents and SDKs disagree on the set of statuses; every other one, also an unknown one, is alive."""

_KINDS = frozenset({"limit", "market"})
"""There are no others: https://docs.deltadefi.io, page "Order types"."""


def read_rows(request: Request, reply: Reply) -> tuple[list[Any], Page]:
    """The rows of a page, in either documented form, with totals or as a bare list; and the page, without its orders.

    The documents and two SDKs have the envelope, the python SDK's types a bare list. An empty list of Go may be null.
    """
    if isinstance(reply.json, list):
        return reply.json, _page(request, reply.json, None, 0)
    answer = Row(reply.json, "answer")
    rows, null = payload.null_or_list(answer.record, "data")
    total, pages = answer.number("total_count"), answer.number("total_page")
    if total is None or pages is None or min(total, pages) < 0:
        if null:
            raise Unreadable("data is not a list")
        answer.odd("total_count or total_page is missing", None)
        total, pages = None, 0
    page = _page(request, rows, total, max(pages, -(-(total or 0) // PAGE_ROWS)))
    return rows, replace(page, unsure=payload.why(", ".join(answer.oddities), page.unsure), null=null)


def _page(request: Request, rows: list[Any], total: int | None, pages: int) -> Page:
    """The way on, and whatever does not fit the totals: a page that has rows, and is full or not the last."""
    number = int(parse_qs(request.query)["page"][0])
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    full = len(rows) >= PAGE_ROWS
    more = bool(rows) and (number < pages or (full and total is None))
    whys = []
    if total is not None and len(rows) != min(PAGE_ROWS, max(0, total - (number - 1) * PAGE_ROWS)):
        whys.append(f"page {number} has {len(rows)} rows, which does not fit a total of {total}")
    if any(one == other for one, other in pairwise(sorted(map(repr, ids)))):
        whys.append(f"page {number} has the same order twice")
    if more and number >= LAST_PAGE:
        whys.append(f"more than {LAST_PAGE} pages")
    following = page_after(request, number) if more and number < LAST_PAGE else None
    return Page(orders=(), next=following, unsure=payload.why(*whys), full=full, total=total)


def _is_of(pair: str, symbol: str | None) -> bool:
    """Whether this is the pair, as far as can be read."""
    return symbol is None or symbol.casefold() == pair.casefold()


def alive(row: Row) -> bool:
    status = row.text("status", needed=True)
    return status is None or status.lower() not in _FINAL


def _order(symbol: str, row: Row) -> Order:
    """One order, whatever else is wrong with its row. Raises Unreadable without an id."""
    identity = _id(row.record.get("id"), "id")
    kind, side = (row.text("type") or "").lower(), row.text("side")
    return Order(
        id=identity,
        segment=symbol,
        symbol=row.name("symbol", needed=True),
        side=side.lower() if side else None,
        type=kind or None,
        price=row.text("price"),
        quantity=row.text("base_qty"),
        remaining=row.text("ob_open_order_base_qty"),
        protection=Protection.NONE if kind in _KINDS else Protection.UNKNOWN,
    )


def _id(value: object, key: str) -> str:
    """An order's id. It becomes part of a path: an empty one is another path. Letters, digits, _ and - are sent."""
    identity = Row({key: value}).identity(key)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity):
        raise Unreadable(f"{key} is no order id")
    return identity
