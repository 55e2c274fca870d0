"""DeltaDeFi: a segment for each trading pair, and what its answers say."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from urllib.parse import parse_qs

from cancelall.core.errors import Unreadable
from cancelall.core.model import (
    Acknowledgement,
    FinalStates,
    Order,
    Page,
    Priority,
    Protection,
    Purpose,
    Reply,
    Request,
    State,
)
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
        last = self.doubtful and not survivors
        return (mass_cancel(self.name, Priority.CANCEL if last else Priority.MASS_CANCEL),)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((open_orders(1, self.name),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """What names another pair is left out: the answer is not just about this one."""
        found = read_rows(request, reply)
        orders, odd = payload.orders(found.rows, self._listed)
        total = found.total if len(orders) == len(found.rows) else None
        unsure = "; ".join(filter(None, (found.unsure, odd)))
        return Page(orders=orders, next=found.next, unsure=unsure, total=total, full=found.full, null=found.null)

    def _listed(self, row: Row) -> Order | None:
        if not alive(row):
            return None
        order = _order(self.name, row)
        if _is_of(self.name, order.symbol):
            return order
        return row.odd(f"an order of {payload.words(order.symbol)} among those of {self.name}", None)

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
        told = answer.text("symbol")
        if told not in (None, payload.UNREADABLE) and not _is_of(self.name, told):
            return Acknowledgement(remark=f"{self.name}: the answer to its cancel is about {payload.words(told)}")
        found = []
        for entry in entries:
            with contextlib.suppress(Unreadable):
                found.append(_id(entry, "order_ids"))
        return Acknowledgement(cancelled=tuple(found))

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one(orders[:STRAGGLERS], lambda order: cancel(order.id))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Orders with executions in pages (a fill is what matters most), and single records, unlisted orders first."""
        records = sorted(orders, key=lambda order: order.symbol is not None)[:RECORDS]
        return executed(self.name), *(record(order.id) for order in records)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How orders ended. A partly filled order that was cancelled is `cancelled` too: what was filled stands beside
        it.

        A record that still says alive, of an order that is not listed any more, claims nothing: the order is gone, with
        the record's word beside it.
        """
        if request.purpose == Purpose.FINAL_STATES:
            found = read_rows(request, reply)
            ends = (_end(self.name, row) for row in found.rows if isinstance(row, dict) and not alive(Row(row)))
            return FinalStates(orders=tuple(end for end in ends if end is not None), next=found.next)
        end = _end(self.name, reply.json)
        if end is None:
            raise Unreadable("the record names no order")
        return FinalStates(orders=(end,))


@dataclass(frozen=True, kw_only=True)
class ApartPair(Pair):
    """A pair that the market config may lack: only the listing of all pairs is sure to show it, its own may call it
    unknown.
    """

    everything: bool
    """No selector narrows the profile: an order whose pair cannot be read is in scope, and may be of this one."""

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((open_orders(1),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """Several pages prove nothing: an order can slip between them."""
        found = read_rows(request, reply)
        orders, odd = payload.orders(found.rows, self._listed)
        split = found.next is None and not request.query.endswith("page=1")
        several = "the orders of all pairs take more than one page" if split else ""
        unsure = "; ".join(filter(None, (found.unsure, odd, several)))
        return Page(orders=orders, next=found.next, unsure=unsure, full=found.full, null=found.null)

    def _listed(self, row: Row) -> Order | None:
        told = row.record.get("symbol")
        if (isinstance(told, str) and told and not _is_of(self.name, told)) or not alive(row):
            return None
        order = _order(self.name, row)
        return order if order.symbol is not None or self.everything else None

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """The pair's own listing, where it is answered: what it shows is there."""
        return (Witness(request=open_orders(1, self.name), read=self._shows_none, optional=True),)

    def _shows_none(self, request: Request, reply: Reply) -> bool:
        return not Pair(name=self.name).page(request, reply).orders


# --- rows -----------------------------------------------------------------------------------------------------------

_FINAL = frozenset({"cancelled", "partially_cancelled", "closed", "fully_filled", "failed"})
"""Documents and SDKs disagree on the set of statuses; every other one, also an unknown one, is alive."""

_KINDS = frozenset({"limit", "market"})
"""There are no others: https://docs.deltadefi.io, page "Order types"."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a page of orders, the request for the next page, and why they cannot be all."""

    rows: tuple[object, ...]
    next: Request | None
    total: int | None
    unsure: str = ""
    full: bool = False
    null: bool = False


def read_rows(request: Request, reply: Reply) -> Rows:
    """The rows of a page, in either documented form: with totals, or as a bare list.

    The documents and two SDKs have the envelope, the python SDK's types a bare list. An empty list of Go may be null.
    """
    body = reply.json
    page = int(parse_qs(request.query)["page"][0])
    if isinstance(body, list):
        return _more(request, page, Rows(rows=tuple(body), next=None, total=None), 0)
    answer = Row(body, "answer")
    entries, null = payload.null_or_list(answer.record, "data")
    total, pages = answer.number("total_count"), answer.number("total_page")
    if total is None or pages is None or min(total, pages) < 0:
        if null:
            raise Unreadable("data is not a list")
        answer.odd("total_count or total_page is missing", None)
        total = pages = None
    unsure = ", ".join(answer.oddities)
    found = Rows(rows=tuple(entries), next=None, total=total, unsure=unsure, null=null)
    return _more(request, page, found, max(pages or 0, _pages(total or 0)))


def _pages(total: int) -> int:
    return -(-total // PAGE_ROWS)


def _more(request: Request, page: int, found: Rows, pages: int) -> Rows:
    """The same with its way on, whatever does not fit the totals: a page that has rows, and is full or not the last."""
    rows, total = found.rows, found.total
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    full = len(rows) >= PAGE_ROWS
    more = bool(rows) and (page < pages or (full and total is None))
    whys = [found.unsure] if found.unsure else []
    if total is not None and len(rows) != min(PAGE_ROWS, max(0, total - (page - 1) * PAGE_ROWS)):
        whys.append(f"page {page} has {len(rows)} rows, which does not fit a total of {total}")
    if any(one == other for one, other in pairwise(sorted(map(repr, ids)))):
        whys.append(f"page {page} has the same order twice")
    if more and page >= LAST_PAGE:
        whys.append(f"more than {LAST_PAGE} pages")
    following = page_after(request, page) if more and page < LAST_PAGE else None
    return replace(found, next=following, unsure="; ".join(whys), full=full)


def _is_of(symbol: str, told: str | None) -> bool:
    """Whether this is the pair, as far as can be read."""
    return told is None or told.casefold() == symbol.casefold()


def _pair_of(row: Row) -> str | None:
    """The pair of an order; None, and odd, where it cannot be read."""
    told = row.text("symbol", needed=True)
    return None if told == payload.UNREADABLE else told


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
        symbol=_pair_of(row),
        side=side.lower() if side else None,
        type=kind or None,
        price=row.text("price"),
        quantity=row.text("base_qty"),
        remaining=row.text("ob_open_order_base_qty"),
        protection=Protection.NONE if kind in _KINDS else Protection.UNKNOWN,
    )


def _id(value: object, key: str) -> str:
    """An order's id. It becomes part of a path: an empty one is another path, and only plain ones are sent."""
    identity = Row({key: value}).identity(key)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity):
        raise Unreadable(f"{key} is no order id")
    return identity


def _end(symbol: str, entry: object) -> tuple[Order, State, str] | None:
    """How an order ended; None for a row that names none, or one of another pair."""
    try:
        row = Row(entry)
        order = _order(symbol, row)
    except Unreadable:
        return None
    if not _is_of(symbol, order.symbol):
        return None
    status, filled = (row.text("status") or "nothing").lower(), row.text("executed_base_qty") or "0"
    if status not in _FINAL:
        return order, State.GONE, f"not listed any more, but its record says {payload.words(status)}"
    if status in ("closed", "fully_filled"):
        return order, State.FILLED, ""
    if status == "failed":
        return order, State.GONE, "its record says failed"
    return order, State.CANCELLED, f"{filled} filled before" if filled.strip("0.") else ""
