"""Bybit's cancels: a whole scope, one order, a batch.

https://bybit-exchange.github.io/docs/v5/order/cancel-all, .../cancel-order and .../batch-cancel (as of 2026-07-24).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused, RefusedBare
from .scope import bad_filter, read_scope, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

CAP = 500
_BATCH_MAX = {"linear": 20, "inverse": 20, "option": 20, "spot": 10}
# The document of the single cancel names no value for OCO and bidirectional orders.
_SINGLE_FILTERS = frozenset({"Order", "StopOrder", kinds.TPSL})
NOT_FOUND = 110001


def cancel_all(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/order/cancel-all`.

    Without `orderFilter`, futures and options lose every kind of order, spot only the plain ones. Futures lose at most
    500 per call, and with more of them the venue picks 500 at random.
    """
    body = venue.body(request)
    scope = read_scope(
        body,
        venue.instruments,
        filters=kinds.CANCEL_FILTERS,
        coin_for=frozenset({"linear", "inverse"}),
        spot_default="Order",
    )
    futures = scope.category in ("linear", "inverse")
    # `Stop` spares TP/SL and trailing stops. It is for futures with StopOrder only; elsewhere it does nothing.
    only_stop = text(body, "stopOrderType") == "Stop" and futures and scope.order_filter == "StopOrder"
    found = [
        order
        for order in account.book.open(scope.category)
        if scope.holds(order) and (not only_stop or order.kind == kinds.STOP)
    ]
    if futures and len(found) > CAP:
        found = venue.random.sample(found, CAP)
    return acknowledge(venue, account, found, request)


def acknowledge(venue: Bybit, account: Account, orders: list[SimOrder], request: SimRequest) -> Answer:
    """Cancel, and answer as the mass cancels do: the ids that were taken, and `success`, which some accounts lack."""
    word = venue.fault("success", request)
    if word and word.value == "0":
        return Answer(result={"list": [], "success": "0"})
    taken = venue.cancel(account, orders, request).accepted
    result: dict[str, object] = {
        "list": [{"orderId": order.id, "orderLinkId": order.client_id} for order in taken],
        "success": "1",
    }
    if word:
        del result["success"]
    if shape := venue.fault("ack-list", request):
        result["list"] = None
        if shape.value == "absent":
            del result["list"]
    return Answer(result=result)


def cancel_one(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/order/cancel`: by `orderId`, else by `orderLinkId`."""
    body = venue.body(request)
    category = venue.category(body)
    order_filter = text(body, "orderFilter")
    if category == "spot":
        order_filter = order_filter or "Order"
        if order_filter not in _SINGLE_FILTERS:
            raise bad_filter(category)
    order = _named(account, category, body, order_filter)
    if venue.cancel(account, [order], request).failed:
        raise Refused(110079, "The order is processing and can not be operated on, please try again later")
    return Answer(result={"orderId": order.id, "orderLinkId": order.client_id})


def cancel_batch(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/order/cancel-batch`: the outer code is 0 even if every item failed; the items' are in `retExtInfo`.

    But for options each order counts as a request; those that exceed the limit fail, and the others do not.
    """
    if fault := venue.fault("no-batch", request):
        raise RefusedBare(404, "") if fault.value == "404" else Refused(int(fault.value or 0), "Request not supported.")
    body = venue.body(request)
    category = venue.category(body)
    items = body.get("request")
    if not isinstance(items, list) or not items or len(items) > _BATCH_MAX[category]:
        raise Refused(10001, f"params error: request must hold 1 to {_BATCH_MAX[category]} orders")
    # Items carry no orderFilter: on spot only plain orders can be reached.
    order_filter = "Order" if category == "spot" else ""
    found: list[SimOrder | Refused] = []
    for index, item in enumerate(items):
        try:
            if index and not venue.may_take_another(account, request.path, category):
                raise Refused(10006, "Too many visits!")
            found.append(_named(account, category, item if isinstance(item, dict) else {}, order_filter))
        except Refused as refused:
            found.append(refused)
    orders = list({order.id: order for order in found if isinstance(order, SimOrder)}.values())
    failed = {order.id for order in venue.cancel(account, orders, request).failed}
    rows, codes = [], []
    for item, order in zip(items, found, strict=True):
        ids = item if isinstance(item, dict) else {}
        rows.append(
            {
                "category": category,
                "symbol": ids.get("symbol", ""),
                "orderId": ids.get("orderId", ""),
                "orderLinkId": ids.get("orderLinkId", ""),
            }
        )
        if isinstance(order, Refused):
            codes.append({"code": order.code, "msg": order.message})
        elif order.id in failed:
            codes.append({"code": 110079, "msg": "The order is processing and can not be operated on"})
        else:
            codes.append({"code": 0, "msg": "OK"})
    return Answer(result={"list": rows}, ext={"list": codes})


def _named(account: Account, category: str, values: Mapping[str, object], order_filter: str) -> SimOrder:
    """The open order that the ids name, or the venue's refusal.

    A wrong category, symbol or filter makes an order that exists "not found", as does one that is gone.
    """
    order_id, client_id = text(values, "orderId"), text(values, "orderLinkId")
    if not text(values, "symbol") or not (order_id or client_id):
        raise Refused(10001, "params error: symbol and orderId or orderLinkId are required")
    order = account.book.find(order_id, client_id)
    unknown = (
        order is None
        or order.segment != category
        or order.symbol != values["symbol"]
        or not kinds.in_filter(order, order_filter)
    )
    if order is None or unknown or (category != "spot" and order.status != "open"):
        code = 170213 if category == "spot" else NOT_FOUND
        raise Refused(code, "order not exists or too late to cancel")
    if order.status == "filled":
        raise Refused(170139, "Order has been filled.")
    if order.status == "cancelled":
        raise Refused(170142, "Order has been canceled")
    return order
