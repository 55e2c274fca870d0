"""OKX: what all kinds of segments share, and those of ordinary orders, event contracts and spread orders."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any, ClassVar

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.model import (
    Acknowledgement,
    Failure,
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
from cancelall.venues.contract import Named, Segment, in_chunks, one_by_one, with_parameters
from cancelall.venues.okx import api
from cancelall.venues.okx.options import DERIVATIVES, OkxOptions, family, is_of, types_of
from cancelall.venues.payload import UNREADABLE, Row

CONTRACTS = ("MARGIN", "SWAP", "FUTURES")
"""The types with reduce-only orders."""
_AGAINST = {("long", "sell"), ("short", "buy")}
"""In hedge mode these close, whatever `reduceOnly` says."""
_WITH = {("long", "buy"), ("short", "sell")}
_LONGER = "OKX's history is longer than was read: more orders may have ended than are shown"
DETAILS = 20
"""How many orders are looked up one by one before the history is read instead."""


@dataclass(frozen=True, kw_only=True)
class OkxSegment(Segment):
    """What all kinds share: pages that go on after an id, rows, acknowledgements. The constants name the fields in
    which kinds of rows tell the same things.
    """

    options: OkxOptions
    identity: ClassVar[str] = "ordId"
    client: ClassVar[str] = "clOrdId"
    instrument: ClassVar[str] = "instId"
    onward: ClassVar[str] = "after"
    alive: ClassVar[frozenset[str]] = frozenset({"live", "partially_filled"})
    over: ClassVar[frozenset[str]] = frozenset({"filled", "canceled", "mmp_canceled"})
    """Every other state, also an unknown one, is open."""
    prices: ClassVar[tuple[str, ...]] = ("px", "pxUsd", "pxVol")

    # --- listings ---

    def _pages(self, path: str, bucket: str, purpose: str, **values: str) -> Request:
        """The first page; where a single instrument is selected, of its orders only. Whatever else the selectors
        leave out is left out here.
        """
        narrow = {self.instrument: self.options.instrument[0]} if len(self.options.instrument) == 1 else {}
        return api.get(path, bucket, purpose, {**values, **narrow, "limit": str(api.PAGE)})

    def page(self, request: Request, reply: Reply) -> Page:
        """The orders of a page that are in scope. That there is no such instrument proves nothing: either that is so,
        or the list of instruments contradicts it.
        """
        if api.no_such_instrument(request, api.code_of(reply)):
            return Page(orders=(), unsure="OKX knows no such instrument (51001)")
        rows, null = api.rows_of(reply)
        orders, odd = payload.orders(rows, self._listed)
        following, why = self._way_on(request, rows)
        full = len(rows) >= api.PAGE
        return Page(orders=orders, next=following, unsure=payload.why(odd, why), full=full, null=null)

    def _way_on(self, request: Request, rows: list[Any]) -> tuple[Request | None, str]:
        """A page that is not full is the last one. The next one begins after the oldest order of this one, which has
        the smallest id: https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list
        """
        if len(rows) < api.PAGE:
            return None, ""
        ids = [one for row in rows if (one := payload.usable_id(row, self.identity)) is not None and one.isdigit()]
        if not ids:
            return None, "a full page does not say where to read on"
        return with_parameters(request, **{self.onward: min(ids, key=int)}), ""

    def _listed(self, row: Row) -> Order | None:
        state = row.text("state", needed=True)
        if state in self.over or not self._holds(row):
            return None
        if state not in (None, UNREADABLE, *self.alive):
            row.odd(f"state {payload.message(state)} is unknown", None)
        return self._order(row)

    def _holds(self, row: Row) -> bool:
        """Whether a row is in scope. One that does not tell is noted as odd, and left alone."""
        options = self.options
        name = (row.name(self.instrument, needed=bool(options.instrument or options.underlying)) or "").upper()
        if options.instrument and name not in options.instrument:
            return False
        if not (options.instrument_type or options.underlying):
            return True
        type_ = row.text("instType", needed=True)
        if options.underlying and not (type_ in DERIVATIVES and is_of(name, options.underlying)):
            return False
        return not options.instrument_type or type_ in options.instrument_type

    def _order(self, row: Row) -> Order:
        """A row as an order; of an ordinary one, `kind` is its instrument type."""
        quantity, filled = row.text("sz"), row.text("accFillSz")
        prices = (row.text(name) for name in self.prices)
        origin = row.text("category") or ""
        return Order(
            id=row.identity(self.identity),
            client_id=row.client_id(self.client),
            symbol=row.name(self.instrument, needed=True),
            side=lower(row, "side") or None,
            type=lower(row, "ordType") or None,
            price=next((price for price in prices if price not in (None, "0", "-1")), None),
            quantity=quantity,
            remaining=payload.minus(quantity, filled) if filled else None,
            segment=self.name,
            protection=self._protects(row),
            kind=row.name("instType") or "",
            origin="" if origin == "normal" else origin,
            created_ms=row.number("cTime"),
        )

    def _protects(self, row: Row) -> Protection:
        return Protection.NONE

    # --- what cancels say ---

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """What became of each order of a cancel; of those that are gone the listing decides. An odd row hides none."""
        rows, _ = api.rows_of(reply)
        cancelled: dict[str, str | None] = {}
        failed = []
        for entry in rows:
            if (identity := payload.usable_id(entry, self.identity)) is None:
                continue
            row = Row(entry)
            code = row.text("sCode") or "0"
            if code == "0":
                cancelled[identity] = row.name(self.client)
            elif code not in api.GONE and code not in api.CANCELLING and not self._another_way(request, code):
                failed.append(Failure(id=identity, reason=payload.message(f"{code} {row.text('sMsg') or ''}".strip())))
        return Acknowledgement(
            cancelled=tuple(cancelled),
            client_ids={identity: client for identity, client in cancelled.items() if client},
            failed=tuple(failed),
        )

    def _another_way(self, request: Request, code: str) -> bool:
        """Whether another call, sent at the same time, speaks for the orders that this one could not cancel."""
        return False

    # --- how orders ended ---

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """Orders that were looked up, or a page of the history. Rows that cannot be read are passed over."""
        rows, _ = api.rows_of(reply)
        ends, following = payload.ends(rows, self._ended), self._way_on(request, rows)[0]
        return FinalStates(orders=ends, next=following, more=_LONGER if following is not None else "")

    def _ended(self, row: Row) -> tuple[Order, State, str] | None:
        """How an order ended. One whose parent order carried a TP/SL loses that for what was filled of it."""
        state = row.text("state")
        if state not in self.over:
            return None
        order = replace(self._order(row), ended_ms=row.number("uTime"))
        if state == "filled":
            return order, State.FILLED, ""
        note = payload.filled_before(row.name("accFillSz"))
        bare = bool(note) and row.record.get("attachAlgoOrds") not in (None, "", [])
        return order, State.CANCELLED, f"{note}, and its TP/SL are gone" if bare else note


def lower(row: Row, key: str) -> str:
    """A field that holds one of a few words, in lower case; empty without one, `?` where it cannot be read."""
    return (row.text(key) or "").lower()


def limit_key(order: Order) -> str:
    """What the limit of a cancel counts by: the instrument, of options the family."""
    name = order.symbol or ""
    return family(name) if types_of(name.upper()) == ("OPTION",) else name


def by_limit(orders: Iterable[Order]) -> dict[str, tuple[Order, ...]]:
    """The orders that can be named, by what their limit counts by."""
    found: dict[str, list[Order]] = {}
    for order in orders:
        if order.symbol is not None:
            found.setdefault(limit_key(order), []).append(order)
    return {key: tuple(some) for key, some in found.items()}


def closes(row: Row) -> Protection | None:
    """What a row of a contract tells of its order whatever its kind is; None where the kind decides."""
    side, held, reduces = lower(row, "side"), lower(row, "posSide"), row.flag("reduceOnly")
    if reduces or row.flag("isTpLimit") or row.text("closeFraction") == "1" or (held, side) in _AGAINST:
        return Protection.PROTECTIVE
    if reduces is None or held not in ("", "net", "long", "short"):
        return Protection.UNKNOWN
    return Protection.NONE if (held, side) in _WITH else None


# --- ordinary orders ------------------------------------------------------------------------------------------------


class OkxOrders(OkxSegment):
    """Ordinary orders of all instrument types but event contracts, and the children of triggered algo orders."""

    batch: ClassVar[int] = 20

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """Without `instType` all types come; event contracts, if they are among them, have a segment of their own."""
        read = partial(self._pages, "trade/orders-pending", "orders", Purpose.LISTING)
        types = [one for one in self.options.instrument_type if one != "SPREAD"]
        return (tuple(read(instType=one) for one in types) or (read(),),)

    def _holds(self, row: Row) -> bool:
        """An event contract is left to its own segment; should that be absent, this listing proves nothing."""
        holds = super()._holds(row)
        if holds and row.text("instType") == "EVENTS":
            return row.odd("an event contract among ordinary orders", False)
        return holds

    def _protects(self, row: Row) -> Protection:
        if row.text("instType") not in CONTRACTS:
            return Protection.NONE
        return closes(row) or Protection.NONE

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """Batches of 20. Those of one instrument go by themselves where they fill a batch; instruments with fewer
        orders share batches, each whole in one: whatever a mixed batch counts as, that stays far below the limit.

        https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-multiple-orders
        """
        groups = by_limit(orders)
        alone = [some for some in groups.values() if len(some) >= self.batch]
        found = [one for some in alone for one in in_chunks(some, self.batch, self._several)]
        for mixed in _packed([some for some in groups.values() if len(some) < self.batch], self.batch):
            found.append((self._several(mixed), mixed))
        return tuple(found)

    def _several(self, orders: tuple[Order, ...]) -> Request:
        """A batch of one counts as a single cancel. One of several instruments is paced as if it were of the first."""
        body = [{"instId": one.symbol, "ordId": one.id} for one in orders]
        bucket = f"{'batch' if len(orders) > 1 else 'cancel'}:{limit_key(orders[0])}"
        return api.post("trade/cancel-batch-orders", bucket, Purpose.BATCH, body, cost=len(orders))

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one((one for one in orders if one.symbol is not None), self._single)

    def _single(self, order: Order) -> Request:
        body = {"instId": order.symbol, "ordId": order.id}
        return api.post("trade/cancel-order", f"cancel:{limit_key(order)}", Purpose.CANCEL, body)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Few orders one by one, many from the history of their types (of those cancelled unfilled it keeps 2 h)."""
        known = [one for one in orders if one.symbol]
        if len(orders) <= DETAILS:
            return tuple(self._detail(one) for one in known)
        types = dict.fromkeys(one.kind for one in orders if one.kind)
        read = partial(api.get, "trade/orders-history", "history", Purpose.FINAL_STATES)
        return tuple(read({"instType": one, "limit": str(api.PAGE)}) for one in types)

    def _detail(self, order: Order) -> Request:
        values = {"instId": order.symbol or "", "ordId": order.id}
        return api.get("trade/order", f"order:{limit_key(order)}", Purpose.FINAL_STATES, values)


def _packed(groups: list[tuple[Order, ...]], size: int) -> list[tuple[Order, ...]]:
    """Groups put together, none of them torn apart, until so many orders are reached."""
    found: list[tuple[Order, ...]] = []
    for group in groups:
        if found and len(found[-1]) + len(group) <= size:
            found[-1] += group
        else:
            found.append(group)
    return found


class Events(OkxOrders):
    """Orders for event contracts. Whether a listing without an instrument type has them is not written."""

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((self._pages("trade/orders-pending", "orders", api.LISTING_OF_SOME, instType="EVENTS"),),)

    def _holds(self, row: Row) -> bool:
        return OkxSegment._holds(self, row)


# --- spread orders --------------------------------------------------------------------------------------------------


class Spreads(OkxSegment):
    """Orders of combinations of two legs: the only ones with a cancel of all."""

    protective_kinds = False
    unnamed = True
    instrument = "sprdId"
    onward = "endId"

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """https://www.okx.com/docs-v5/en/#spread-trading-rest-api-cancel-all-orders"""
        path, bucket, first = "sprd/mass-cancel", "spread mass cancel", Priority.MASS_CANCEL
        spreads = [one for one in self.options.instrument if types_of(one) == ("SPREAD",)]
        bodies: list[dict[str, str]] = [{"sprdId": one} for one in spreads] or [{}]
        return tuple(api.post(path, bucket, api.SPREAD_MASS_CANCEL, body, first) for body in bodies)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((self._pages("sprd/orders-pending", "spreads", api.LISTING_OF_SPREADS),),)

    def _holds(self, row: Row) -> bool:
        name = (row.name("sprdId", needed=bool(self.options.instrument)) or "").upper()
        return not self.options.instrument or name in self.options.instrument

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path, bucket = "sprd/cancel-order", "spread cancel"
        return one_by_one(orders, lambda one: api.post(path, bucket, Purpose.CANCEL, {"ordId": one.id}))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """The history, which alone tells what the cancel of all took before a listing showed it."""
        read = partial(api.get, purpose=Purpose.FINAL_STATES)
        details = orders if len(orders) <= DETAILS else ()
        return (
            read("sprd/orders-history", "spread history", values={"limit": str(api.PAGE)}),
            *(read("sprd/order", "spread order", values={"ordId": one.id}) for one in details),
        )
