"""Bybit: the kinds of segments: orders by category, spread orders, strategies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import ClassVar

from cancelall.core.dataclass import dataclass, replace
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
from cancelall.venues.bybit.api import LIMITS, SPREAD_MASS_CANCEL, acknowledge, get, post, rows_of
from cancelall.venues.bybit.options import CAP, SPOT_FILTERS, BybitOptions
from cancelall.venues.contract import Named, Segment, in_chunks, one_by_one, parameters
from cancelall.venues.payload import UNREADABLE, Row

_CLOSED = frozenset({"Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"})
"""Every other status, also an unknown one, is open: https://bybit-exchange.github.io/docs/v5/enum#orderstatus"""
_WORKING = frozenset({"New", "PartiallyFilled", "Triggered", "Created", "Active", "PendingCancel"})
"""Statuses of an order that is an ordinary one by now; the last three are known from clients only."""
_PLAIN = frozenset({"", "UNKNOWN"})
_CLOSING = frozenset({"TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss", "MmRateClose"})
"""Stop types that belong to a position: they can only shrink it."""
_SHRINKS = {True: Protection.PROTECTIVE, False: Protection.NONE, None: Protection.UNKNOWN}
_SPOT_KINDS = {"Stop": "StopOrder", **{kind: kind for kind in SPOT_FILTERS[2:]}}
"""The order filter that reaches spot orders of a stop type."""
_GROUPED = ("OcoOrder", "BidirectionalTpslOrder")
"""Spot orders that have no cancel by id."""


@dataclass(frozen=True, kw_only=True)
class BybitSegment(Segment):
    """What all kinds share: pages with cursors, rows, acknowledgements."""

    symbols: tuple[str, ...] = ()
    """Those that it is narrowed to."""
    noun: ClassVar[str] = "order"
    status: ClassVar[str] = "orderStatus"
    over: ClassVar[frozenset[str]] = _CLOSED
    alive: ClassVar[frozenset[str]] = _WORKING | {"Untriggered"}

    @property
    def parts(self) -> tuple[dict[str, str], ...]:
        """The parameter that narrows a request, for each request; never two, Bybit would rank them silently."""
        return tuple({"symbol": symbol} for symbol in self.symbols) or ({},)

    def _pages(self, path: str, bucket: str, purpose: Purpose, **values: str) -> tuple[Request, ...]:
        return tuple(get(path, bucket, purpose, {**values, **part}) for part in self.parts)

    def page(self, request: Request, reply: Reply) -> Page:
        """Only an id is needed to act on an order, and the symbol that its row or the request names."""
        rows, page = rows_of(request, reply)
        orders, odd = payload.orders(rows, partial(self._listed, parameters(request)), self.noun)
        return replace(page, orders=orders, unsure=payload.why(page.unsure, odd))

    def _listed(self, query: Mapping[str, str], row: Row) -> Order | None:
        status = row.text(self.status, needed=True)
        if status in self.over:
            return None
        if status not in (None, UNREADABLE, *self.alive):
            row.odd(f"{self.status} {payload.message(status)} is unknown", None)
        return self._order(query, status, row)

    def _order(self, query: Mapping[str, str], status: str | None, row: Row) -> Order:
        """An order as a list shows it. Raises Unreadable without an id, and for another symbol than the request's."""
        identity, symbol = row.identity("orderId"), _symbol(query, row)
        listed_as, stop_type = query.get("orderFilter", ""), row.text("stopOrderType") or ""
        side, price, trigger = (row.text("side") or "").lower(), row.text("price"), row.text("triggerPrice")
        ordinary, (kind, opening) = row.text("orderType") or "", self._kind(listed_as, stop_type, side, status)
        return Order(
            id=identity,
            client_id=row.client_id("orderLinkId"),
            symbol=symbol,
            side=side or None,
            type=(ordinary if stop_type in _PLAIN else stop_type).lower() or None,
            price=trigger if price in (None, "0") else price,
            quantity=row.text("qty"),
            remaining=row.text("leavesQty"),
            segment=self.name,
            protection=self._protection(row, stop_type, opening),
            kind=kind,
            origin=(row.text("createType") or "").removeprefix("CreateByUser"),
            created_ms=row.number("createdTime"),
        )

    def _protection(self, row: Row, stop_type: str, opening: Protection) -> Protection:
        """Protective: what can only shrink a position."""
        shrinks = row.flag("reduceOnly"), row.flag("closeOnTrigger")
        if True in shrinks or stop_type in _CLOSING:
            return Protection.PROTECTIVE
        return Protection.UNKNOWN if None in shrinks else opening

    def _kind(self, listed_as: str, stop_type: str, side: str, status: str | None) -> tuple[str, Protection]:
        """Its kind, and its protection where it can open a position. Unknown kinds are never called ordinary."""
        return "", Protection.NONE if stop_type in (*_PLAIN, "Stop") else Protection.UNKNOWN

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        return acknowledge(request, reply)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """https://bybit-exchange.github.io/docs/v5/order/order-list (cancelled ones stay 24 h)."""
        rows, page = rows_of(request, reply)
        return FinalStates(orders=payload.ends(rows, partial(self._end, parameters(request))), next=page.next)

    def _end(self, query: Mapping[str, str], row: Row) -> tuple[Order, State, str] | None:
        status = row.text("orderStatus")
        if status not in _CLOSED:
            return None
        filled = "" if status == "Filled" else payload.filled_before(row.name("cumExecQty"))
        return self._order(query, status, row), State.FILLED if status == "Filled" else State.CANCELLED, filled


def _symbol(query: Mapping[str, str], row: Row) -> str | None:
    """The symbol of a row, or else of the request. Raises Unreadable when they differ: it is out of scope."""
    symbol, wanted = row.name("symbol", needed=True), query.get("symbol")
    if symbol and wanted and symbol.upper() != wanted.upper():
        raise Unreadable("symbol is not the one that was requested")
    return symbol or wanted


@dataclass(frozen=True, kw_only=True)
class Orders(BybitSegment):
    """Orders of one category: the same calls for each, with other parameters."""

    options: BybitOptions
    coin: str | None
    """The settle coin that it is narrowed to."""
    category: ClassVar[str]
    product: ClassVar[str]
    """As the limits of calls are named."""
    filters: ClassVar[tuple[str, ...]] = ("",)
    """The order filters by which all orders are cancelled."""
    conditional: ClassVar[tuple[str, ...]] = ()
    """The order filters by which conditional orders are listed."""
    batch: ClassVar[int] = 20

    @property
    def parts(self) -> tuple[dict[str, str], ...]:
        if self.options.base_coin:
            return ({"baseCoin": self.options.base_coin},)
        return ({"settleCoin": self.coin},) if self.coin else super().parts

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        return self._cancel_all(self.parts)

    def _cancel_all(self, parts: Iterable[dict[str, str]]) -> tuple[Request, ...]:
        filters = (self.options.order_filter,) if self.options.order_filter else self.filters
        return tuple(self._whole(part, kind, Priority.MASS_CANCEL) for part in parts for kind in filters)

    def _whole(self, part: dict[str, str], kind: str, priority: Priority) -> Request:
        body = {"category": self.category, **part, "orderFilter": kind, "stopOrderType": self.options.stop_order_type}
        return post("/v5/order/cancel-all", f"cancel-all {self.product}", Purpose.MASS_CANCEL, body, priority)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """Conditional kinds by name first, then the default pass, which is said to hold every kind.

        NautilusTrader found the second pass necessary: https://github.com/nautechsystems/nautilus_trader (2026-03-23).
        `OpenOrder` is no filter of the listing: all kinds are listed and the protective ones kept.
        """
        chosen = self.options.order_filter
        stages = (self.conditional, ("",)) if chosen in (None, "OpenOrder") else ((chosen,),)
        query = {"category": self.category, "limit": "50", "openOnly": "0"}
        pages = partial(self._pages, "/v5/order/realtime", f"realtime {self.product}", Purpose.LISTING, **query)
        return tuple(tuple(one for kind in stage for one in pages(orderFilter=kind)) for stage in stages if stage)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """Batches of 20 (10 on spot) where the documents allow them, else one by one.

        But for options each order of a batch counts as a request: what exceeds the limit fails by itself, and goes
        again after the next listing. So an account with a higher limit is not held back.
        Batches do not take an order filter, so conditional spot orders go singly; older unified accounts and demo
        trading have no batch for inverse, demo none for spot. https://bybit-exchange.github.io/docs/v5/order/batch-cancel
        """
        batched = tuple(one for one in orders if self._fits_a_batch(one))
        rest = tuple(one for one in orders if not self._fits_a_batch(one))
        return (*in_chunks(batched, self.batch or 1, self._several), *self.singly(rest, others))

    def _fits_a_batch(self, order: Order) -> bool:
        """One without a symbol could cost the others of its batch their cancel."""
        return self.batch > 0 and order.symbol is not None and order.kind in ("", "Order")

    def _several(self, orders: tuple[Order, ...]) -> Request:
        body = {"category": self.category, "request": [{"symbol": one.symbol, "orderId": one.id} for one in orders]}
        return post("/v5/order/cancel-batch", f"cancel-batch {self.product}", Purpose.BATCH, body)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """https://bybit-exchange.github.io/docs/v5/order/cancel-order - where nobody could read the symbol that it
        requires, the id alone.
        """
        return one_by_one(orders, self._single)

    def _single(self, order: Order) -> Request:
        body = {"category": self.category, "symbol": order.symbol, "orderId": order.id, "orderFilter": order.kind}
        return post("/v5/order/cancel", f"cancel {self.product}", Purpose.CANCEL, body)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        path, bucket = "/v5/order/history", f"history {self.category}"
        return self._pages(path, bucket, Purpose.FINAL_STATES, category=self.category, limit="50")

    def keeps(self, order: Order) -> bool:
        """`OpenOrder` leaves what closes a position, `stopOrderType=Stop` leaves TP/SL and trailing stops."""
        if self.options.order_filter == "OpenOrder":
            return order.protection is Protection.PROTECTIVE
        return bool(self.options.stop_order_type) and (order.type or "") in {one.lower() for one in _CLOSING}

    def unsaid(self, order: Order) -> bool:
        return self.options.order_filter == "OpenOrder" and order.protection is Protection.UNKNOWN


class Linear(Orders):
    """Linear contracts, and what holds of inverse ones, too."""

    category, product = "linear", "futures"
    conditional = ("StopOrder",)

    def shares(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """Of more than one call takes: with the coin the symbols with the most orders, as many as a second allows."""
        if len(survivors) <= CAP or self.symbols:
            return ()
        others = LIMITS["cancel-all futures"].count - 1
        most = Counter(order.symbol for order in survivors if order.symbol).most_common(others)
        return self._cancel_all({"symbol": symbol} for symbol, _ in most)


class Inverse(Linear):
    """Inverse contracts, named BASE + USD (+ expiry) and settled in the base coin. A cancel of all needs a coin."""

    category = "inverse"
    batch = 0

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        if self.parts != ({},):
            return super().mass_cancels(survivors)
        symbols = sorted({order.symbol for order in survivors if order.symbol})
        coins = {one: match[1] for one in symbols if (match := re.fullmatch(r"(.+)USD([HMUZ]\d{2})?", one))}
        parts = [{"settleCoin": coin} for coin in dict.fromkeys(("BTC", "ETH", *sorted(coins.values())))]
        return self._cancel_all([*parts, *({"symbol": one} for one in symbols if one not in coins)])


class BybitSpot(Orders):
    """Spot orders, each of a kind that a request has to name."""

    category = product = "spot"
    filters = SPOT_FILTERS
    conditional = SPOT_FILTERS[1:]
    batch = 10

    def _kind(self, listed_as: str, stop_type: str, side: str, status: str | None) -> tuple[str, Protection]:
        """A triggered sell protects. One that has triggered is of the ordinary kind from then on."""
        kind = "Order" if status in _WORKING else listed_as or _SPOT_KINDS.get(stop_type, "Order")
        if stop_type in _PLAIN and listed_as not in self.conditional:
            return kind, Protection.NONE
        known = stop_type in (*_PLAIN, *_SPOT_KINDS) and side in ("buy", "sell")
        return kind, _SHRINKS[side == "sell"] if known else Protection.UNKNOWN

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        grouped = tuple(one for one in orders if one.kind in _GROUPED)
        single = tuple(one for one in orders if one.kind not in _GROUPED)
        return (*super().singly(single, others), *(() if others is None else self._groups(grouped, others)))

    def _groups(self, orders: tuple[Order, ...], others: tuple[Order, ...]) -> Named:
        """All of a symbol and kind, if none is to be kept; a symbol is needed, else it would be all of the kind."""
        kept = {(order.symbol, order.kind) for order in others}
        free = [one for one in orders if not {(one.symbol, one.kind), (None, one.kind)} & kept]
        groups = []
        for symbol, kind in dict.fromkeys((one.symbol, one.kind) for one in free if one.symbol is not None):
            group = tuple(one for one in free if (one.symbol, one.kind) == (symbol, kind))
            groups.append((self._whole({"symbol": symbol}, kind, Priority.CANCEL), group))
        return tuple(groups)


class DemoSpot(BybitSpot):
    """Spot orders of demo trading, which has no batch for them."""

    batch = 0


class Option(Orders):
    """Options."""

    category = product = "option"

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """The listing knows a base coin; that the cancel does is not written, and it would reach other coins."""
        return () if self.options.base_coin else super().mass_cancels(survivors)


class Spread(BybitSegment):
    """Orders of combinations of two legs."""

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        path, bucket, first = "/v5/spread/order/cancel-all", "cancel-all spread", Priority.MASS_CANCEL
        bodies: tuple[Mapping[str, object], ...] = self.parts if self.symbols else ({"cancelAll": True},)
        return tuple(post(path, bucket, SPREAD_MASS_CANCEL, body, first) for body in bodies)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return (self._pages("/v5/spread/order/realtime", "realtime spread", Purpose.LISTING, limit="50"),)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return self._pages("/v5/spread/order/history", "realtime spread", Purpose.FINAL_STATES, limit="50")

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path, bucket = "/v5/spread/order/cancel", "cancel spread"
        return one_by_one(orders, lambda order: post(path, bucket, Purpose.CANCEL, {"orderId": order.id}))


class BybitStrategies(BybitSegment):
    """TWAP, iceberg, chase and POV strategies. There is no call that stops all: list, then stop each.

    https://bybit-exchange.github.io/docs/v5/strategy/strategy-list - 2 running, 6 untriggered, 5 paused. Of those that
    were terminated (4) orders may still rest; they are ordinary ones.
    """

    spawns = True
    noun = "strategy"
    status = "status"
    over = frozenset({"3", "4"})
    alive = frozenset({"2", "6", "5"})

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        path, bucket = "/v5/strategy/list", "strategy list"
        reads = [self._pages(path, bucket, Purpose.LISTING, status=one, pageSize="50") for one in ("2", "6", "5")]
        return (tuple(read for several in reads for read in several),)

    def _order(self, query: Mapping[str, str], status: str | None, row: Row) -> Order:
        shrinks = row.flag("reduceOnly")
        return Order(
            id=row.identity("strategyId"),
            symbol=_symbol(query, row),
            side=(row.text("side") or "").lower() or None,
            type=(row.text("strategyType") or "strategy").lower(),
            price=row.text("triggerPrice"),
            quantity=row.text("size"),
            segment=self.name,
            protection=_SHRINKS[shrinks],
            created_ms=row.number("createdTimeE3"),
        )

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path, bucket = "/v5/strategy/stop", "strategy stop"
        return one_by_one(orders, lambda order: post(path, bucket, Purpose.CANCEL, {"strategyId": order.id}))
