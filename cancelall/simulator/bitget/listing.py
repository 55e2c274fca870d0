"""Bitget's reads of orders, which all go one way: from the newest to the oldest, a page the orders with lower ids.

The id to go on with stands in every answer that has orders, on the last page too; a client stops at a short or empty
page. https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending, .../contract/plan/get-orders-plan-pending,
https://www.bitget.com/api-doc/spot/trade/Get-Unfilled-Orders, .../spot/plan/Get-Current-Plan-Order,
https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders,
https://www.bitget.com/api-doc/uta/trade/Get-Order-Pending and .../uta/strategy/Get-Unfilled-Strategy-Orders (as of
2025-12-05).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..book import SimOrder
from ..faults import Kind
from ..pages import Page, after
from ..refusals import Refused
from ..routes import Call
from ..values import whole
from . import kinds, rows
from .state import State, bad, category, invalid, named, needed, product_type

_LIMIT_MAX = 100
_WINDOW_MS = 90 * 24 * 3_600_000
"""The widest span between startTime and endTime: three months."""

Wanted = Callable[[SimOrder], bool]
Shape = Callable[[Page[SimOrder], list[dict[str, object]]], object]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A handler that lists orders: open ones, or closed ones where its route only reads.

    `segments` are those that a call is about, `wanted` says which of their orders it means, `shape` writes down a page;
    `way` is the parameter that holds the id to go on with: without it there are no pages.
    """

    segments: Callable[[Call], Sequence[str]]
    row: rows.Row
    shape: Shape
    wanted: Callable[[State, Call], Wanted] = lambda venue, call: lambda order: True
    way: str = "idLessThan"
    limit: int = _LIMIT_MAX

    def __call__(self, venue: State, call: Call) -> object:
        """One page of the listing."""
        book, request, asked = call.account.book, call.request, call.query
        segments, wanted, closed = self.segments(call), self.wanted(venue, call), call.route.kind is Kind.READ
        read = book.closed if closed else lambda segment: venue.listed(call.account, request, segment)
        orders = [order for segment in segments for order in read(segment) if wanted(order)]
        orders.sort(key=lambda order: order.sequence, reverse=True)
        if not self.way:
            return venue.rows(orders, self.row, call)
        start_ms, end_ms = _number(call, "startTime"), _number(call, "endTime")
        if start_ms and end_ms and not 0 <= end_ms - start_ms <= _WINDOW_MS:
            raise Refused("40017", "Parameter verification failed startTime endTime")
        if fault := venue.fault("forgets", request):
            start_ms = max(start_ms, venue.now_ms() - round(fault.number * 1000))
        order_id, client_id, symbol = (asked.get(name, "") for name in ("orderId", "clientOid", "symbol"))
        found = [
            order
            for order in orders
            if start_ms <= order.created_ms <= (end_ms or order.created_ms)
            and (order_id in ("", order.id) and client_id in ("", order.client_id) and symbol in ("", order.symbol))
        ]
        limit = whole(asked.get("limit") or str(self.limit), bad("limit"), least=1, most=_LIMIT_MAX)
        below = _number(call, self.way)
        if venue.fault("cursor-loop", request):
            below = 0
        page = after(found, lambda order: 0 < below <= int(order.id), limit)
        return self.shape(page, venue.rows(page.items, self.row, call))


def _number(call: Call, name: str) -> int:
    return whole(call.query.get(name) or "0", bad(name))


def _last(page: Page[SimOrder]) -> str | None:
    return page.items[-1].id if page.items else None


def _entrusted(page: Page[SimOrder], rows: list[dict[str, object]]) -> object:
    """Without orders, both fields are null: observed, not documented."""
    return {"entrustedList": rows or None, "endId": _last(page)}


def _plain(page: Page[SimOrder], rows: list[dict[str, object]]) -> object:
    """An array."""
    return rows


def _flagged(page: Page[SimOrder], rows: list[dict[str, object]]) -> object:
    return {"nextFlag": page.more, "idLessThan": _last(page), "orderList": rows}


def _ends(page: Page[SimOrder], rows: list[dict[str, object]]) -> object:
    return {"orderList": rows, "maxId": page.items[0].id if page.items else None, "minId": _last(page)}


def _cursor(page: Page[SimOrder], rows: list[dict[str, object]]) -> object:
    """The cursor is null only where no order is."""
    return {"list": rows, "cursor": _last(page)}


def _of_status(venue: State, call: Call) -> Wanted:
    """Without `status` the page promises only orders that nothing was filled of, and shows one that is partly filled;
    here both are listed unless the fault `live-only` is on.
    """
    status = call.query.get("status", "")
    if status not in ("", "live", "partially_filled"):
        raise Refused("40812", "The condition status is not met")
    if not status and venue.fault("live-only", call.request):
        status = "live"
    return lambda order: not status or (not order.executed) is (status == "live")


def _of_plan(venue: State, call: Call) -> Wanted:
    """Under one of three words; an order's own `planType` is refused."""
    word = call.query.get("planType", "")
    if word not in kinds.LISTING_WORDS:
        raise Refused("40812", "The condition planType is not met")
    return lambda order: kinds.LISTED_UNDER[order.kind] == word


def _of_spot(venue: State, call: Call) -> Wanted:
    """Ordinary ones, or with `tpslType` tpsl those."""
    kind = call.query.get("tpslType") or kinds.NORMAL
    if kind not in (kinds.NORMAL, kinds.TPSL):
        raise bad("tpslType")
    return lambda order: order.kind == kind


def _of_symbol(venue: State, call: Call) -> Wanted:
    """Of the two margin accounts of a classic account no call lists anything without symbol and start time."""
    symbol, _ = needed(call.query, "symbol"), needed(call.query, "startTime")
    return lambda order: order.symbol == symbol


def _of_type(venue: State, call: Call) -> Wanted:
    """Of one type if it is given. With the fault `tpsl-only` none means `tpsl`, as for the call that places them."""
    kind = call.query.get("type", "")
    if not kind and venue.fault("tpsl-only", call.request):
        kind = kinds.TPSL
    few = venue.fault("strategy-types", call.request)
    if kind not in ("", *(str(few.value).split("+") if few else kinds.STRATEGY_TYPES)):
        raise invalid("type")
    return lambda order: kind in ("", order.kind)


def _categories(call: Call) -> list[str]:
    parts = [category(call.query)] if call.query.get("category") else kinds.CATEGORIES
    return [kinds.unified_segment(part) for part in parts]


def _product(call: Call) -> list[str]:
    return [product_type(call.query)]


def _plans(call: Call) -> list[str]:
    return [kinds.plan_segment(product_type(call.query))]


def _strategies(call: Call) -> list[str]:
    return [kinds.strategy_segment(category(call.query))]


def _spot(call: Call) -> list[str]:
    return [kinds.SPOT]


def _spot_plans(call: Call) -> list[str]:
    return [kinds.plan_segment(kinds.SPOT)]


futures = Listing(segments=_product, row=rows.FUTURES, shape=_entrusted, wanted=_of_status)
futures_history = Listing(segments=_product, row=rows.FUTURES, shape=_entrusted)
futures_plans = Listing(segments=_plans, row=rows.PLAN, shape=_entrusted, wanted=_of_plan)
spot = Listing(segments=_spot, row=rows.SPOT, shape=_plain, wanted=_of_spot)
spot_history = Listing(segments=_spot, row=rows.SPOT_HISTORY, shape=_plain, wanted=_of_spot)
spot_plans = Listing(segments=_spot_plans, row=rows.SPOT_PLAN, shape=_flagged, limit=20)
spot_plan_history = Listing(segments=_spot_plans, row=rows.SPOT_PLAN, shape=_flagged)
margin = Listing(segments=lambda call: [call.names["mode"]], row=rows.MARGIN, shape=_ends, wanted=_of_symbol)
unified = Listing(segments=_categories, row=rows.UNIFIED, shape=_cursor, way="cursor")
strategies = Listing(segments=_strategies, row=rows.strategy, shape=_plain, wanted=_of_type, way="")
strategy_history = Listing(segments=_strategies, row=rows.strategy, shape=_cursor, wanted=_of_type, way="cursor")


def futures_order(venue: State, call: Call) -> object:
    """`GET /api/v2/mix/order/detail`."""
    order = named(call, call.query, product_type(call.query))
    if order is None or order.symbol != call.query.get("symbol"):
        raise Refused("40109", "The data of the order cannot be found, please confirm the order number")
    return rows.FUTURES_DETAIL(order, venue.to_server)


def spot_order(venue: State, call: Call) -> object:
    """`GET /api/v2/spot/trade/orderInfo`: an array of one order, or of none."""
    order = named(call, call.query, kinds.SPOT)
    return venue.rows([order] if order else [], rows.SPOT_HISTORY, call)


def unified_order(venue: State, call: Call) -> object:
    """`GET /api/v3/trade/order-info`."""
    order = named(call, call.query, *map(kinds.unified_segment, kinds.CATEGORIES))
    if order is None:
        raise Refused("25204", "Order does not exist")
    return venue.rows([order], rows.UNIFIED, call)[0]
