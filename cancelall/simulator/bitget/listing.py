"""Bitget's reads of orders, which all go one way: from the newest to the oldest, a page the orders with lower ids.

The id to go on with stands in every answer that has orders, on the last page too; a client stops at a short or empty
page. https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending, .../contract/plan/get-orders-plan-pending,
https://www.bitget.com/api-doc/spot/trade/Get-Unfilled-Orders, .../spot/plan/Get-Current-Plan-Order,
https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders,
https://www.bitget.com/api-doc/uta/trade/Get-Order-Pending and .../uta/strategy/Get-Unfilled-Strategy-Orders (as of
2025-12-05).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..book import SimOrder
from ..faults import Kind
from ..pages import Page, after, by_offset
from ..refusals import Refused, whole
from ..routes import Call
from . import kinds, rows
from .state import State, bad, category, invalid, named, needed, product_type

_LIMIT_MAX = 100
_WINDOW_MS = 90 * 24 * 3_600_000
"""The widest span between startTime and endTime: three months."""

Wanted = Callable[[SimOrder], bool]
_WAYS_ON = {"null": None, "empty": "", "odd": "?"}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A handler that lists orders: open ones, or closed ones where its route only reads.

    `segments` are those that a call is about, `wanted` says which of their orders it means. `rows_as` and `last_as`
    name the page's rows and its last id in the answer, which is an array if they have no name, `more` what else stands
    there. `way` is the parameter that holds the id to go on with: without it there are no pages.
    """

    segments: Callable[[Call], Sequence[str]]
    row: rows.Row
    wanted: Callable[[State, Call], Wanted] = lambda venue, call: lambda order: True
    rows_as: str = ""
    last_as: str = ""
    more: Callable[[Page[SimOrder]], dict[str, object]] = lambda page: {}
    way: str = "idLessThan"
    limit: int = _LIMIT_MAX

    def __call__(self, venue: State, call: Call) -> object:
        segments, wanted = self.segments(call), self.wanted(venue, call)
        past, book = call.route.kind is Kind.READ, call.account.book
        read = book.closed if past else lambda segment: venue.listed(call.account, call.request, segment)
        orders = [order for segment in segments for order in read(segment) if wanted(order)]
        orders.sort(key=lambda order: order.sequence, reverse=True)
        page = self._page(venue, call, orders) if self.way else by_offset(orders, 0, len(orders) or 1)
        cells = [self.row(order, venue.to_server) for order in page.items]
        answer: dict[str, object] = {self.rows_as: cells, **self.more(page)}
        if self.last_as:
            answer[self.last_as] = page.items[-1].id if cells else None
        if self.rows_as == "entrustedList" and not cells:
            answer[self.rows_as] = None  # observed, not documented
        if cells and not past:
            self._spoil(venue, call, answer, cells)
        return answer if self.rows_as else answer[""]

    def _page(self, venue: State, call: Call, orders: list[SimOrder]) -> Page[SimOrder]:
        query, (start_ms, end_ms) = call.query, (_number(call, name) for name in ("startTime", "endTime"))
        if start_ms and end_ms and not 0 <= end_ms - start_ms <= _WINDOW_MS:
            raise Refused("40017", "Parameter verification failed startTime endTime")
        if fault := venue.fault("forgets", call.request):
            start_ms = max(start_ms, venue.now_ms() - round(fault.number * 1000))
        names = {"orderId": "id", "clientOid": "client_id", "symbol": "symbol"}
        meant = {field: query[name] for name, field in names.items() if query.get(name)}
        shown = [
            order
            for order in orders
            if start_ms <= order.created_ms <= (end_ms or order.created_ms)
            and all(getattr(order, field) == value for field, value in meant.items())
        ]
        limit = whole(query.get("limit") or str(self.limit), bad("limit"), least=1, most=_LIMIT_MAX)
        below = 0 if venue.fault("cursor-loop", call.request) else _number(call, self.way)
        return after(shown, lambda order: 0 < below <= int(order.id), limit)

    def _spoil(self, venue: State, call: Call, answer: dict[str, object], cells: list[dict[str, object]]) -> None:
        """Fields that are missing, null or odd, as they have been met, or may be."""
        request = call.request
        if venue.fault("lower-case", request):
            for row in cells:
                row |= {name: str(row[name]).lower() for name in ("symbol", "marginCoin") if name in row}
        if venue.fault("null-list", request):
            answer[self.rows_as] = None
            return
        if venue.fault("bare-rows", request):
            for row in cells:
                row.pop("holdMode", None)
                row.pop("reduceOnly", None)
        if self.last_as and (fault := venue.fault("no-way-on", request)):
            answer[self.last_as] = _WAYS_ON.get(str(fault.value))
            if fault.value == "missing":
                del answer[self.last_as]


def _number(call: Call, name: str) -> int:
    return whole(call.query.get(name) or "0", bad(name))


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
    if word not in kinds.LISTED_UNDER.values():
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
    known = venue.setting("strategy-types", call.request, "+".join(kinds.STRATEGY_TYPES))
    if kind not in ("", *known.split("+")):
        raise invalid("type")
    return lambda order: kind in ("", order.kind)


def _categories(call: Call) -> list[str]:
    parts = [category(call.query)] if call.query.get("category") else kinds.CATEGORIES
    return [kinds.unified_segment(part) for part in parts]


futures_history = Listing(
    segments=lambda call: [product_type(call.query)], row=rows.FUTURES, rows_as="entrustedList", last_as="endId"
)
futures = replace(futures_history, wanted=_of_status)
futures_plans = replace(
    futures_history,
    segments=lambda call: [kinds.plan_segment(product_type(call.query))],
    row=rows.PLAN,
    wanted=_of_plan,
)
spot = Listing(segments=lambda call: [kinds.SPOT], row=rows.SPOT, wanted=_of_spot)
spot_history = replace(spot, row=rows.SPOT_HISTORY)
spot_plan_history = Listing(
    segments=lambda call: [kinds.SPOT_PLANS],
    row=rows.SPOT_PLAN,
    rows_as="orderList",
    last_as="idLessThan",
    more=lambda page: {"nextFlag": page.more},
)
spot_plans = replace(spot_plan_history, limit=20)
margin = Listing(
    segments=lambda call: [call.names["mode"]],
    row=rows.MARGIN,
    wanted=_of_symbol,
    rows_as="orderList",
    last_as="minId",
    more=lambda page: {"maxId": page.items[0].id if page.items else None},
)
unified = Listing(segments=_categories, row=rows.UNIFIED, rows_as="list", last_as="cursor", way="cursor")
strategies = Listing(
    segments=lambda call: [kinds.strategy_segment(category(call.query))], row=rows.strategy, wanted=_of_type, way=""
)
strategy_history = replace(strategies, rows_as="list", last_as="cursor", way="cursor")


def futures_order(venue: State, call: Call) -> object:
    order = named(call, call.query, product_type(call.query))
    if order is None or order.symbol != call.query.get("symbol"):
        raise Refused("40109", "The data of the order cannot be found, please confirm the order number")
    return rows.FUTURES_DETAIL(order, venue.to_server)


def spot_order(venue: State, call: Call) -> object:
    """An array of one order, or of none."""
    order = named(call, call.query, kinds.SPOT)
    return [rows.SPOT_HISTORY(order, venue.to_server)] if order else []


def unified_order(venue: State, call: Call) -> object:
    order = named(call, call.query, *kinds.UNIFIED)
    if order is None:
        raise Refused("25204", "Order does not exist")
    return rows.UNIFIED(order, venue.to_server)
