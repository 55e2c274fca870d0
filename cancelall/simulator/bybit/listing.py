"""Bybit's reads of orders, the open ones and the recent past, and of what can be traded.

https://bybit-exchange.github.io/docs/v5/order/open-order, .../order/order-list and .../spread/trade/open-order (as of
2026-07-24). The cursor comes percent-encoded inside the JSON, as `<id>:<ms>,<id>:<ms>` of the page's first and last
row, and is there even on the last page: only an empty page has none. Clients send it back as received (one decoding
yields it) or encode it again (two do); both schools are in production, so both are understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from urllib.parse import quote, unquote

from ..book import SimOrder
from ..pages import by_offset
from ..routes import Call
from ..rows import Cell, Table
from ..values import whole
from .instruments import CATEGORIES, PLAIN, SPREADS, spread_row
from .state import Answer, Scope, State, bad, read_scope, segment_of, triggered

_RECENT = 500
_HISTORY_MS = 24 * 3_600_000
_LIMIT_DEFAULT, _LIMIT_MAX = "20", 50
_INSTRUMENTS_DEFAULT, _INSTRUMENTS_MAX = "500", 1000
_START = "first%3A9999999999999"
"""A cursor after which every order comes."""


def realtime(venue: State, call: Call) -> Answer:
    """`GET /v5/order/realtime`: open orders of all kinds, newest first; `openOnly=1` shows recent closed ones instead.
    With an order's id, `openOnly` does not matter: a closed order is found too.

    `GET /v5/spread/order/realtime`: the open ones; there an id picks one of them.
    """
    segment, asked, book = segment_of(call), call.query, call.account.book
    order_id, client_id, which = asked.get("orderId", ""), asked.get("orderLinkId", ""), asked.get("openOnly", "0")
    named = segment != "spread" and bool(order_id or client_id)
    scope = read_scope(segment, asked, venue.instruments, coin_for=() if named else ("linear",))
    if named:
        order = book.find(order_id, client_id)
        if order is None or order.segment != segment:
            return _page(venue, call, (), "")
        return _page(venue, call, [order], f"{order.id}%3A{order.created_ms}")
    if which not in ("0", "1", "2"):
        raise bad("openOnly is invalid")
    if which == "0":
        return _paged(venue, call, scope, venue.listed(call.account, call.request, segment))
    return _paged(venue, call, scope, islice(book.closed(segment), _RECENT))


def history(venue: State, call: Call) -> Answer:
    """`GET /v5/order/history` and `/v5/spread/order/history`: here the orders that ended within 24 hours, the last
    first.
    """
    scope, since_ms = read_scope(segment_of(call), call.query, venue.instruments), venue.now_ms() - _HISTORY_MS
    closed = call.account.book.closed(scope.segment)
    return _paged(venue, call, scope, (order for order in closed if order.updated_ms >= since_ms))


def _paged(venue: State, call: Call, scope: Scope, orders: Iterable[SimOrder]) -> Answer:
    """The page that is asked for, of orders from the newest to the oldest.

    An order of the cursor that has vanished meanwhile is skipped by its time. Faults do with cursors what was met.
    """
    asked, order_id, client_id = (call.query.get(name, "") for name in ("cursor", "orderId", "orderLinkId"))
    known = [
        order
        for order in orders
        if scope.holds(order) and order_id in ("", order.id) and client_id in ("", order.client_id)
    ]
    refuse_continued(venue, call)
    if not asked and venue.fault("empty-page", call.request):
        return _page(venue, call, (), _START)
    loop = venue.fault("cursor-loop", call.request) is not None
    limit = whole(call.query.get("limit", _LIMIT_DEFAULT), bad("limit is invalid"), least=1, most=_LIMIT_MAX)
    start = _after(known, unquote(asked)) if asked and not loop else 0
    page = known[start : start + limit]
    cursor = quote(",".join(f"{order.id}:{_time_of(order)}" for order in (page[0], page[-1])), safe="") if page else ""
    if asked and 0 < len(page) < limit and venue.fault("cursor-stays", call.request):
        cursor = quote(unquote(asked), safe="")
    return _page(venue, call, page, cursor)


def _page(venue: State, call: Call, orders: Sequence[SimOrder], cursor: str) -> Answer:
    rows = odd_first(venue, call, [_TABLES.get(order.segment, _OTHERS)(order, venue.to_server) for order in orders])
    result = {"list": rows, "nextPageCursor": cursor}
    segment = segment_of(call)
    if segment == "spread":
        return Answer(result=result, message="Success")
    return Answer(result={"category": segment, **result})


def refuse_continued(venue: State, call: Call) -> None:
    """Raise for a continued listing where a fault asks for it: the order that its cursor names is gone."""
    if call.query.get("cursor") and venue.fault("page-refused", call.request):
        raise bad("cursor is invalid")


def odd_first(venue: State, call: Call, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The rows of a page, one field of the first of them of another shape where a fault asks for it."""
    fault = venue.fault("odd-field", call.request) if rows else None
    if fault is None:
        return rows
    name, slash, word = str(fault.value).partition("/")
    odd: object = None if word == "null" else word if slash else {}
    return [{**rows[0], name: odd}, *rows[1:]]


def _after(orders: Sequence[SimOrder], cursor: str) -> int:
    last_id, _, last_ms = cursor.rpartition(",")[2].partition(":")
    then_ms = whole(last_ms, bad("cursor is invalid"))
    for index, order in enumerate(orders):
        if order.id == last_id:
            return index + 1
        if _time_of(order) < then_ms:
            return index
    return len(orders)


def _time_of(order: SimOrder) -> int:
    return order.created_ms if order.status == "open" else order.updated_ms


# --- rows -----------------------------------------------------------------------------------------------------------


def _status(order: SimOrder) -> str:
    """`orderStatus`. Only spot has a word for cancelled with fills, and for cancelled before the trigger."""
    if order.status == "filled":
        return "Filled"
    waits, partly = not triggered(order), bool(order.executed)
    if order.status == "open":
        return "Untriggered" if waits else "PartiallyFilled" if partly else "New"
    if order.segment != "spot":
        return "Cancelled"
    return "Deactivated" if waits else "PartiallyFilledCanceled" if partly else "Cancelled"


def _stop_type(order: SimOrder) -> str:
    """A plain order's `stopOrderType` is documented as "" and as UNKNOWN; both occur here."""
    if order.kind != PLAIN:
        return order.kind
    return "UNKNOWN" if order.sequence % 2 else ""


def _raced(order: SimOrder) -> bool:
    """Whether it filled after its cancel was acknowledged: it keeps the mark of the cancel
    (.../v5/websocket/private/order).
    """
    return order.status == "filled" and order.type == "limit"


def _leaves(order: SimOrder) -> str:
    return order.remaining if order.status == "open" else "0"


def _worth(order: SimOrder, quantity: Decimal) -> str:
    return str(quantity * Decimal(order.price or "0"))


_CELLS: dict[str, Cell] = {
    "status": lambda order, _: _status(order),
    "Type": lambda order, _: order.type.capitalize(),
    "stop_type": lambda order, _: _stop_type(order),
    "cancel_type": lambda order, _: "CancelByUser" if _raced(order) or order.status == "cancelled" else "UNKNOWN",
    "reject": lambda order, _: "EC_OrigClOrdIDDoesNotExist" if _raced(order) else "EC_NoError",
    "average": lambda order, _: order.price if order.executed else "",
    "leaves": lambda order, _: _leaves(order),
    "leaves_value": lambda order, _: _worth(order, Decimal(_leaves(order))),
    "executed_value": lambda order, _: _worth(order, order.executed),
    "in_force": lambda order, _: "IOC" if order.type == "market" else "GTC",
    "trigger_by": lambda order, _: "LastPrice" if order.extra.get("triggerPrice") else "",
    "place_type": lambda order, _: "price" if order.segment == "option" else "",
    "created": lambda order, to_server: str(to_server(order.created_ms)),
    "updated": lambda order, to_server: str(to_server(order.updated_ms)),
    "base": lambda order, _: order.symbol.split("USDT", 1)[0],
}
_ORDER = """
    orderId=.id orderLinkId=.client_id parentOrderLinkId= blockTradeId= symbol price qty=.quantity side=.Side
    isLeverage= positionIdx=?positionIdx|#0 orderStatus=.status cancelType=.cancel_type rejectReason=.reject
    avgPrice=.average leavesQty=.leaves leavesValue=.leaves_value cumExecQty=.executed cumExecValue=.executed_value
    cumExecFee=0 timeInForce=.in_force orderType=.Type stopOrderType=.stop_type orderIv= marketUnit=
    triggerPrice=?triggerPrice| takeProfit= stopLoss= tpslMode= ocoTriggerBy=?ocoTriggerBy| tpLimitPrice= slLimitPrice=
    tpTriggerBy= slTriggerBy= triggerDirection=?triggerDirection|#0 triggerBy=.trigger_by lastPriceOnCreated= basePrice=
    reduceOnly=.reduce_only closeOnTrigger=?closeOnTrigger|#false placeType=.place_type smpType=None smpGroup=#0
    smpOrderId= createdTime=.created updatedTime=.updated
"""
_SPREAD = """
    symbol baseCoin=.base orderType=.Type orderLinkId=.client_id orderId=.id side=.Side price qty=.quantity
    leavesQty=.leaves cumExecQty=.executed avgPrice= orderStatus=.status timeInForce=GTC cxlRejReason=
    createdTime=.created updatedTime=.updated
"""
_TABLES = {"spot": Table(_ORDER, _CELLS), "spread": Table(_SPREAD, _CELLS)}
_OTHERS = Table(f"{_ORDER} createType=?createType|CreateByUser", _CELLS)


# --- instruments ----------------------------------------------------------------------------------------------------


def instruments_info(venue: State, call: Call) -> Answer:
    """`GET /v5/market/instruments-info`: what trades, unless another status is asked for.

    Spot is not paged; options are of one base coin, BTC by default.
    """
    asked, category = call.query, call.query.get("category", "")
    if category not in CATEGORIES:
        raise bad("Category is invalid")
    symbol = asked.get("symbol")
    base = asked.get("baseCoin", "BTC" if category == "option" and symbol is None else "")
    found = [
        each
        for each in venue.instruments.of(category)
        if each.status == asked.get("status", "Trading") and symbol in (None, each.symbol) and base in ("", each.base)
    ]
    cursor = ""
    if category != "spot":
        refused = bad("limit or cursor is invalid")
        size = whole(asked.get("limit", _INSTRUMENTS_DEFAULT), refused, least=1, most=_INSTRUMENTS_MAX)
        start = whole(unquote(asked.get("cursor", "")).removeprefix("from:") or "0", refused)
        page = by_offset(found, start, size)
        found, cursor = list(page.items), f"from%3A{page.end}" if page.more else ""
    result = {"category": category, "list": [each.row() for each in found], "nextPageCursor": cursor}
    return Answer(result=result, message="success" if category == "option" else "OK")


def spread_instruments(venue: State, call: Call) -> Answer:
    """`GET /v5/spread/instrument`: combinations of two legs."""
    rows = [spread_row(symbol) for symbol in SPREADS if call.query.get("symbol", symbol) == symbol]
    return Answer(result={"list": rows, "nextPageCursor": ""}, message="Success")
