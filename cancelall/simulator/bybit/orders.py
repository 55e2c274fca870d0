"""Bybit's cancels: a whole scope, one order, a batch. Spread orders have paths of their own.

https://bybit-exchange.github.io/docs/v5/order/cancel-all, .../cancel-order, .../batch-cancel and
https://bybit-exchange.github.io/docs/v5/spread/trade/cancel-all (as of 2026-07-24). And placing an order, so that bots
and other people's clients can trade against the fake: .../v5/order/create-order. Limit orders rest, market orders fill
at once, orders with a trigger price wait. There is no balance, no margin and no matching.
"""

from collections.abc import Mapping

from ..book import SimOrder
from ..refusals import Refused, bare, positive
from ..routes import Call
from ..stock import template
from .instruments import ORDINARY
from .state import FUTURES, STOP, TPSL, Answer, State, bad, bad_filter, in_filter, read_scope, segment_of, text

_CAP = 500
# The document of the single cancel names no value for OCO and bidirectional orders.
_SINGLE_FILTERS = frozenset({"Order", "StopOrder", TPSL})
_SPOT_KINDS = {"": ORDINARY, "Order": ORDINARY, "StopOrder": STOP, TPSL: TPSL}
_KEPT = ("triggerPrice", "triggerDirection", "closeOnTrigger", "positionIdx")
_BUSY = Refused(110079, "The order is processing and can not be operated on, please try again later")


def cancel_all(venue: State, call: Call) -> Answer:
    """Without `orderFilter`, futures and options lose every kind of order, spot only the ordinary ones. Futures lose at
    most 500 per call, and with more of them the venue picks 500 at random. Spread orders go of one symbol (`cancelAll`
    is then ignored), else with `cancelAll` true.

    The answer holds the ids that were taken, and `success`, which some accounts lack.
    """
    segment, values = segment_of(call), call.payload
    scope = read_scope(segment, values, venue.instruments, coin_for=FUTURES, cancels=True)
    if segment == "spread" and not scope.symbol and values.get("cancelAll") is not True:
        raise bad("symbol or cancelAll is required")
    futures = segment in FUTURES
    # `Stop` leaves TP/SL and trailing stops. It is for futures with StopOrder only; elsewhere it does nothing.
    only_stop = text(values, "stopOrderType") == "Stop" and futures and scope.order_filter == "StopOrder"
    orders = [
        order
        for order in call.account.book.open(segment)
        if scope.covers(order) and (not only_stop or order.kind == STOP)
    ]
    if futures and len(orders) > _CAP:
        orders = venue.random.sample(orders, _CAP)
    success = venue.setting("success", call.request, "1")
    if success == "0":
        return Answer(result={"list": [], "success": "0"})
    taken = venue.cancel(call.account, orders, call.request).accepted
    shape = venue.setting("ack-list", call.request, "")
    listed = {} if shape == "absent" else {"list": None if shape else [_ids(order) for order in taken]}
    return Answer(result={**listed, **({"success": "1"} if success == "1" else {})})


def cancel_one(venue: State, call: Call) -> Answer:
    """By `orderId`, else by `orderLinkId`."""
    segment, order_filter = segment_of(call), text(call.payload, "orderFilter")
    if segment == "spot":
        order_filter = order_filter or "Order"
        if order_filter not in _SINGLE_FILTERS:
            raise bad_filter(segment)
    order = _named(call, segment, call.payload, order_filter)
    if venue.cancel(call.account, [order], call.request).failed:
        raise _BUSY
    return Answer(result=_ids(order), message="Success" if segment == "spread" else "OK")


def cancel_batch(venue: State, call: Call) -> Answer:
    """The outer code is 0 even if every item failed; the items' are in `retExtInfo`.

    But for options each order counts as a request; those that exceed the limit fail, and the others do not.
    """
    if fault := venue.fault("no-batch", call.request):
        raise bare(404) if fault.value == "404" else Refused(int(fault.number), "Request not supported.")
    segment, items = segment_of(call), call.payload.get("request")
    most = 10 if segment == "spot" else 20
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise bad(f"request must hold 1 to {most} orders")
    named = [item if isinstance(item, dict) else {} for item in items]
    read: list[SimOrder | Refused] = []
    for index, item in enumerate(named):
        try:
            if index and segment != "option" and not venue.draw(call).allowed:
                raise Refused(10006, "Too many visits!")
            # Items carry no orderFilter: on spot only ordinary orders can be reached.
            read.append(_named(call, segment, item, "Order" if segment == "spot" else ""))
        except Refused as wrong:
            read.append(wrong)
    refused = venue.cancel_each(call.account, read, call.request, _BUSY)
    outcomes = [{"code": one.code, "msg": one.message} if one else {"code": 0, "msg": "OK"} for one in refused]
    rows = [{name: item.get(name, "") for name in ("symbol", "orderId", "orderLinkId")} for item in named]
    return Answer(
        result={"list": [{"category": segment, **row} for row in rows]},
        ext={"list": outcomes},
    )


def _ids(order: SimOrder) -> dict[str, str]:
    return {"orderId": order.id, "orderLinkId": order.client_id}


def _named(call: Call, segment: str, values: Mapping[str, object], order_filter: str) -> SimOrder:
    """The open order that the ids name. One of another category, symbol or filter counts as gone."""
    order_id, client_id = text(values, "orderId"), text(values, "orderLinkId")
    symbol = text(values, "symbol")
    if segment != "spread" and not (symbol and (order_id or client_id)):
        raise bad("symbol and orderId or orderLinkId are required")
    order = call.account.book.find(order_id, client_id)
    if (
        order is None
        or order.segment != segment
        or (order.symbol != symbol and segment != "spread")
        or not in_filter(order, order_filter)
        or (order.status != "open" and segment != "spot")
    ):
        raise Refused(170213 if segment == "spot" else 110001, "order not exists or too late to cancel")
    if order.status == "filled":
        raise Refused(170139, "Order has been filled.")
    if order.status == "cancelled":
        raise Refused(170142, "Order has been canceled")
    return order


def create_order(venue: State, call: Call) -> Answer:
    body, book = call.payload, call.account.book
    category, symbol, client_id = segment_of(call), text(body, "symbol"), text(body, "orderLinkId")
    if venue.instruments.find(category, symbol) is None:
        raise bad("symbol invalid")
    side, order_type = text(body, "side"), text(body, "orderType")
    if side not in ("Buy", "Sell") or order_type not in ("Limit", "Market"):
        raise bad("side or orderType is invalid")
    quantity = positive(body, "qty", bad("qty is invalid"))
    price = positive(body, "price", bad("price is invalid")) if order_type == "Limit" else "0"
    if client_id and book.find(client_id=client_id):
        raise Refused(110072, "OrderLinkedID is duplicate")
    kind, extra = _kind(category, body), {name: body[name] for name in _KEPT if name in body}
    order = template(category, symbol, side.lower(), price, kind, extra, reduces=body.get("reduceOnly") is True)
    fills = order_type == "Market" and kind == ORDINARY
    return Answer(result=_ids(venue.accept(call.account, order, quantity, client_id, fills=fills)))


def _kind(category: str, body: Mapping[str, object]) -> str:
    if category != "spot":
        return STOP if "triggerPrice" in body else ORDINARY
    order_filter = text(body, "orderFilter")
    if order_filter not in _SPOT_KINDS:
        raise bad_filter(category)
    if order_filter in ("StopOrder", TPSL) and "triggerPrice" not in body:
        raise bad("triggerPrice is required")
    return _SPOT_KINDS[order_filter]
