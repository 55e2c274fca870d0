"""AscendEX's calls that change orders: cancel a whole ledger, one order, a batch; place one.

https://ascendex.github.io/ascendex-pro-api/#cancel-all-orders, #cancel-order, #cancel-batch-orders and #place-order,
and the same of https://ascendex.github.io/ascendex-futures-pro-api-v2/. An acknowledgement only says that the request
was received: "the server will process the cancel all request with best effort". Limit orders rest, market orders fill
at once, stop orders wait. There is no balance, no margin and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..book import SimOrder
from ..refusals import Refused
from ..routes import Call
from ..stock import template
from ..values import positive
from .products import SYMBOLS, TYPES, is_conditional
from .state import Code, State, data, is_retired, is_v2, ledger_of

BATCH_MAX = 10
_DUPLICATE_MS = 1000
_CLOSED = "Trying to cancel non-open order"

Body = Mapping[str, object]


def cancel_all(venue: State, call: Call) -> object:
    """Every open order of one ledger, of one symbol if the body names one. The documents do not say
    whether conditional orders go with it: here they do, unless `conditional-left` is on. Orders that the matching
    engine has not taken yet stay ("sent but un-acked will not be canceled"). No form of the answer names or counts
    what was cancelled; futures v2 gives nothing but the code.
    """
    ledger, symbol = ledger_of(call), str(venue.body(call).get("symbol", ""))
    if symbol and symbol not in SYMBOLS[ledger] and not venue.fault("lenient-symbols", call.request):
        raise _bad_symbol(venue, call, symbol)
    # The signature does not cover the body: a filter that gets lost on the way is not noticed by the venue.
    symbol = "" if venue.fault("symbol-lost", call.request) else symbol
    left, until_ms = venue.fault("conditional-left", call.request), venue.acked_until_ms(call.request)
    orders = [each for each in call.account.book.open(ledger) if symbol in ("", each.symbol)]
    reached = [each for each in orders if each.created_ms <= until_ms and not (left and is_conditional(each))]
    venue.cancel(call.account, venue.cancellable(call, reached), call.request)
    form = venue.setting("ack-form", call.request, "")
    if form == "bare" or (is_v2(call) and not form):
        return None
    if is_v2(call):  # a page that was never published, and the sample of another client
        return data({**venue.head(call), "info": {"symbol": symbol}})
    return _acknowledged(venue, call, {"symbol": symbol}, order_type="" if form else "NULL_VAL")


def cancel_one(venue: State, call: Call) -> object:
    """By `orderId`, with `symbol` and `time`."""
    body = venue.body(call)
    order = _named(venue, call, body)
    taken = venue.cancellable(call, [order])
    if not (taken or is_retired(call)) or venue.cancel(call.account, taken, call.request).failed:
        raise _error(venue, call, body, Code.NOT_CANCELLABLE, _CLOSED)
    venue.cancelled_ms[order.id] = venue.now_ms()
    if not is_v2(call):
        return _acknowledged(venue, call, body)
    meta = {"id": body.get("id", ""), "action": "cancel-order", "respInst": body.get("respInst", "ACK")}
    shown = call.account.book.find(order.id) if meta["respInst"] != "ACK" else order
    return data({"meta": meta, "order": venue.row(call, shown or order)})


def cancel_batch(venue: State, call: Call) -> object:
    """At most ten orders, and one that fails the basic check fails them all."""
    items = venue.body(call).get("orders")
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_MAX:
        raise Refused(Code.INVALID_BATCH_ORDER, f"A batch holds 1 to {BATCH_MAX} orders")
    orders, errors = {}, []
    for item in items:
        body = {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else {}
        try:
            order = _named(venue, call, body)
            orders[order.id] = order
        except Refused as refused:
            reason = {"message": refused.message, "reason": "INVALID_ORDER_ID"}
            errors.append({"code": refused.code, **_ids(body), **reason})
    if errors:
        message = "Batch Order failed, please check each order info for detail."
        raise Refused(Code.INVALID_BATCH_ORDER, message, members={**venue.head(call), "status": "Err", "info": errors})
    venue.cancel(call.account, venue.cancellable(call, list(orders.values())), call.request)
    venue.cancelled_ms.update(dict.fromkeys(orders, venue.now_ms()))
    infos = [_info(venue, call, item) for item in items]
    if is_v2(call):
        return data({"meta": {"action": "batch-cancel-order", "respInst": "ACK"}, "orders": infos})
    return data({**venue.head(call), "status": "Ack", "info": infos})


def _named(venue: State, call: Call, body: Body) -> SimOrder:
    order_id, symbol = body.get("orderId", ""), body.get("symbol", "")
    if not order_id or not symbol:
        raise _error(venue, call, body, Code.INVALID_ORDER_PARAMETER, "orderId and symbol are required")
    venue.check_clock(body.get("time", ""))
    order = call.account.book.find(str(order_id))
    if order is None or order.segment != ledger_of(call):
        raise _error(venue, call, body, Code.INVALID_ORDER_ID, f"Invalid Client Order Id: {order_id}")
    if order.symbol != symbol:
        raise _bad_symbol(venue, call, str(symbol))
    if order.extra.get("execInst", "") == venue.setting("unnamable", call.request, "none"):
        raise _error(venue, call, body, Code.NOT_CANCELLABLE, "The order cannot be canceled.")
    if order.status != "open":
        if call.path.endswith("/batch"):
            raise Refused(Code.INVALID_ORDER_ID, "The order is already filled or canceled.")
        raise _error(venue, call, body, Code.NOT_CANCELLABLE, _CLOSED)
    if venue.now_ms() - venue.cancelled_ms.get(order.id, -_DUPLICATE_MS) < _DUPLICATE_MS:
        raise _error(venue, call, body, Code.NOT_CANCELLABLE, "Duplicated order cancel request.")
    return order


def _bad_symbol(venue: State, call: Call, symbol: str) -> Refused:
    """Futures v2 nests what order errors carry in `data` (its own sample); v1 has it at the top level."""
    head = {**venue.head(call), "info": {"symbol": symbol}}
    return Refused(Code.INVALID_PRODUCT, "Invalid Product Symbol", members={"data": head} if is_v2(call) else head)


def _error(venue: State, call: Call, body: Body, code: Code, message: str) -> Refused:
    info = {"id": body.get("id", ""), "symbol": body.get("symbol", "")}
    return Refused(code, message, members={**venue.head(call), "status": "Err", "info": info})


def _acknowledged(venue: State, call: Call, body: Body, order_type: str = "") -> object:
    return data({**venue.head(call), "info": _info(venue, call, body, order_type), "status": "Ack"})


def _info(venue: State, call: Call, body: Body, order_type: str = "") -> dict[str, object]:
    return {**_ids(body), "orderType": order_type, "timestamp": venue.to_server(call.request.received_ms)}


def _ids(body: Body) -> dict[str, object]:
    return {name: body.get(name, "") for name in ("id", "orderId", "symbol")}


def place_order(venue: State, call: Call) -> object:
    """Cash writes types as `stop_limit`, futures as `StopLimit`; both are understood everywhere."""
    body, now_ms, ledger = venue.body(call), venue.now_ms(), ledger_of(call)
    client_id, symbol = str(body.get("id", "")), str(body.get("symbol", ""))
    if symbol not in SYMBOLS[ledger]:
        raise Refused(Code.INVALID_PRODUCT, "Invalid Product Symbol")
    venue.check_clock(body.get("time", ""))
    side, written = str(body.get("side", "")).lower(), str(body.get("orderType", "")).lower()
    kind = next((each for each in TYPES if written in (each, each.replace("_", ""))), None)
    if side not in ("buy", "sell") or kind is None:
        raise Refused(Code.INVALID_ORDER_PARAMETER, "side or orderType is invalid")
    quantity, price, extra = _positive(body, "orderQty"), "0", {}
    if kind.endswith("limit"):
        price = _positive(body, "orderPrice")
    if kind.startswith("stop"):
        extra["stopPrice"] = _positive(body, "stopPrice")
    extra["execInst"] = str(body.get("execInst", "Post" if body.get("postOnly") is True else "NULL_VAL"))
    order = template(ledger, symbol, side, price, kind, extra, reduces="reduce" in extra["execInst"].lower())
    order = replace(order, quantity=quantity, remaining=quantity)
    order_id = venue.order_id(venue.user_of(call.account), now_ms, client_id)
    order = venue.place(call.account, order.placed(order_id, now_ms))
    if kind == "market":
        order = call.account.book.close(order.id, "filled", now_ms) or order
    answer = str(body.get("respInst", "ACK"))
    if is_v2(call):
        meta = {"action": "place-order", "id": client_id, "respInst": answer}
        return data({"meta": meta, "order": venue.row(call, order, acked=answer != "ACK")})
    if answer != "ACK":
        return data({**venue.head(call), "info": venue.row(call, order), "status": answer})
    return _acknowledged(venue, call, {"id": client_id, "orderId": order.id, "symbol": order.symbol}, TYPES[kind])


def _positive(body: Body, name: str) -> str:
    return positive(body, name, Refused(Code.INVALID_ORDER_PARAMETER, f"{name} is invalid"))
