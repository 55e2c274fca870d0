"""Bybit's reads of orders, the open ones and the recent past, and of what can be traded.

https://bybit-exchange.github.io/docs/v5/order/open-order, .../order/order-list and .../spread/trade/open-order (as of
2026-07-24). The cursor comes percent-encoded inside the JSON, as `<id>:<ms>,<id>:<ms>` of the page's first and last
row, and is there even on the last page: only an empty page has none. Clients send it back as received (one decoding
yields it) or encode it again (two do); both schools are in production, so both are understood.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from urllib.parse import quote, unquote

from ..book import SimOrder
from ..pages import Item, Page, by_offset
from ..refusals import whole
from ..routes import Call
from ..rows import Cell, Table
from .instruments import CATEGORIES, ORDINARY, SPREADS, Instrument, spread_row
from .state import Answer, Scope, State, bad, read_scope, segment_of, triggered

_RECENT = 500
_HISTORY_MS = 24 * 3_600_000
_LIMIT_DEFAULT, _LIMIT_MAX = "20", 50
_INSTRUMENTS_DEFAULT, _INSTRUMENTS_MAX = "500", 1000


def realtime(venue: State, call: Call) -> Answer:
    """Open orders of all kinds, newest first; `openOnly=1` shows recent closed ones instead. With an order's id,
    `openOnly` does not matter: a closed order is found too. Of spread orders the open ones, of which an id picks one.
    """
    segment, query, book = segment_of(call), call.query, call.account.book
    order_id, client_id, which = query.get("orderId", ""), query.get("orderLinkId", ""), query.get("openOnly", "0")
    named = segment != "spread" and bool(order_id or client_id)
    scope = read_scope(segment, query, venue.instruments, coin_for=() if named else ("linear",))
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
    """Here the orders that ended within 24 hours, the last first."""
    scope, since_ms = read_scope(segment_of(call), call.query, venue.instruments), venue.now_ms() - _HISTORY_MS
    closed = call.account.book.closed(scope.segment)
    return _paged(venue, call, scope, (order for order in closed if order.updated_ms >= since_ms))


def _paged(venue: State, call: Call, scope: Scope, orders: Iterable[SimOrder]) -> Answer:
    """A page, from the newest order on. A cursor's order that has vanished meanwhile is skipped by its time."""
    after, order_id, client_id = (call.query.get(name, "") for name in ("cursor", "orderId", "orderLinkId"))
    shown = [
        order
        for order in orders
        if scope.covers(order) and order_id in ("", order.id) and client_id in ("", order.client_id)
    ]
    refuse_continued(venue, call)
    loop = venue.fault("cursor-loop", call.request) is not None
    limit = whole(call.query.get("limit", _LIMIT_DEFAULT), bad("limit is invalid"), least=1, most=_LIMIT_MAX)
    page = by_offset(shown, _after(shown, unquote(after)) if after and not loop else 0, limit).items
    cursor = quote(",".join(f"{order.id}:{_time_of(order)}" for order in (page[0], page[-1])), safe="") if page else ""
    if after and 0 < len(page) < limit and venue.fault("cursor-stays", call.request):
        cursor = quote(unquote(after), safe="")
    return _page(venue, call, page, cursor)


def _page(venue: State, call: Call, orders: Sequence[SimOrder], cursor: str) -> Answer:
    rows = [_TABLES.get(order.segment, _OTHERS)(order, venue.to_server) for order in orders]
    result, segment = {"list": rows, "nextPageCursor": cursor}, segment_of(call)
    if segment == "spread":
        return Answer(result=result, message="Success")
    return Answer(result={"category": segment, **result})


def refuse_continued(venue: State, call: Call) -> None:
    """Raise for a continued listing where a fault asks for it: the order that its cursor names is gone."""
    if call.query.get("cursor") and venue.fault("page-refused", call.request):
        raise bad("cursor is invalid")


def counted(call: Call, items: Sequence[Item], name: str, default: str, most: int, *, loop: bool = False) -> Page[Item]:
    """The page after as many items as the cursor says, or with `loop` the first one; `name` says how many it holds."""
    refused = bad(f"{name} or cursor is invalid")
    size = whole(call.query.get(name, default), refused, least=1, most=most)
    start = whole(unquote(call.query.get("cursor", "")).removeprefix("from:") or "0", refused)
    return by_offset(items, 0 if loop else start, size)


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


def _status(order: SimOrder, _: object) -> str:
    """`orderStatus`. Only spot has a word for cancelled with fills, and for cancelled before the trigger."""
    if order.status == "filled":
        return "Filled"
    waits, partly = not triggered(order), bool(order.executed)
    if order.status == "open":
        return "Untriggered" if waits else "PartiallyFilled" if partly else "New"
    if order.segment != "spot":
        return "Cancelled"
    return "Deactivated" if waits else "PartiallyFilledCanceled" if partly else "Cancelled"


def _raced(order: SimOrder) -> bool:
    """Whether it filled after its cancel was acknowledged: it keeps the mark (.../v5/websocket/private/order)."""
    return order.status == "filled" and order.type == "limit"


def _leaves(order: SimOrder) -> str:
    return order.remaining if order.status == "open" else "0"


def _worth(order: SimOrder, quantity: Decimal) -> str:
    return str(quantity * Decimal(order.price or "0"))


_CELLS: dict[str, Cell] = {
    "status": _status,
    "Type": lambda order, _: order.type.capitalize(),
    # An ordinary order's `stopOrderType` is documented as "" and as UNKNOWN; both occur here.
    "stop_type": lambda order, _: ("", "UNKNOWN")[order.sequence % 2] if order.kind == ORDINARY else order.kind,
    "cancel_type": lambda order, _: "CancelByUser" if _raced(order) or order.status == "cancelled" else "UNKNOWN",
    "reject": lambda order, _: "EC_OrigClOrdIDDoesNotExist" if _raced(order) else "EC_NoError",
    "average": lambda order, _: order.price if order.executed else "",
    "leaves": lambda order, _: _leaves(order),
    "leaves_value": lambda order, _: _worth(order, Decimal(_leaves(order))),
    "executed_value": lambda order, _: _worth(order, order.executed),
    "in_force": lambda order, _: "IOC" if order.type == "market" else "GTC",
    "trigger_by": lambda order, _: "LastPrice" if order.extra.get("triggerPrice") else "",
    "place_type": lambda order, _: "price" if order.segment == "option" else "",
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
    smpOrderId= createdTime=.created_text updatedTime=.updated_text
"""
_SPREAD = """
    symbol baseCoin=.base orderType=.Type orderLinkId=.client_id orderId=.id side=.Side price qty=.quantity
    leavesQty=.leaves cumExecQty=.executed avgPrice= orderStatus=.status timeInForce=GTC cxlRejReason=
    createdTime=.created_text updatedTime=.updated_text
"""
_TABLES = {"spot": Table(_ORDER, _CELLS), "spread": Table(_SPREAD, _CELLS)}
_OTHERS = Table(f"{_ORDER} createType=?createType|CreateByUser", _CELLS)


# --- instruments ----------------------------------------------------------------------------------------------------


def instruments_info(venue: State, call: Call) -> Answer:
    """What trades, unless another status is named. Spot is not paged; options are of one base coin, BTC by default."""
    query, category = call.query, call.query.get("category", "")
    if category not in CATEGORIES:
        raise bad("Category is invalid")
    symbol, status = query.get("symbol"), query.get("status", "Trading")
    base = query.get("baseCoin", "BTC" if category == "option" and symbol is None else "")
    shown: Sequence[Instrument] = [
        each
        for each in venue.instruments.of(category)
        if each.status == status and symbol in (None, each.symbol) and base in ("", each.base)
    ]
    cursor = ""
    if category != "spot":
        page = counted(call, shown, "limit", _INSTRUMENTS_DEFAULT, _INSTRUMENTS_MAX)
        shown, cursor = page.items, f"from%3A{page.end}" if page.more else ""
    result = {"category": category, "list": [each.row() for each in shown], "nextPageCursor": cursor}
    return Answer(result=result, message="success" if category == "option" else "OK")


def spread_instruments(venue: State, call: Call) -> Answer:
    rows = [spread_row(symbol) for symbol in SPREADS if call.query.get("symbol", symbol) == symbol]
    return Answer(result={"list": rows, "nextPageCursor": ""}, message="Success")
