"""AscendEX's calls that change orders: cancel a whole ledger, one order, a batch; place one.

https://ascendex.github.io/ascendex-pro-api/#cancel-all-orders, #cancel-order, #cancel-batch-orders and #place-order,
and the same of https://ascendex.github.io/ascendex-futures-pro-api-v2/. An acknowledgement only says that the request
was received: "the server will process the cancel all request with best effort". Limit orders rest, market orders fill
at once, stop orders wait. There is no balance, no margin and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..book import Side, SimOrder
from ..refusals import Refused
from ..routes import Call
from ..values import positive
from .auth import Code, check_clock
from .products import SYMBOLS
from .rows import is_conditional, row_v1, row_v2
from .state import State, data, is_retired, is_v2, ledger_of

BATCH_MAX = 10
_DUPLICATE_MS = 1000
_CLOSED = "Trying to cancel non-open order"
_SIDES: Mapping[str, Side] = {"buy": "buy", "sell": "sell"}
_TYPES = ("limit", "market", "stop_limit", "stop_market")

Body = Mapping[str, object]


def cancel_all(venue: State, call: Call) -> object:
    """`DELETE .../order/all`: every open order of one ledger, of one symbol if the body names one.

    The documents do not say whether conditional orders go with it: here they do, unless `conditional-left` is on.
    Orders that the matching engine has not taken yet stay ("sent but un-acked will not be canceled").
    """
    symbol = venue.body(call).get("symbol", "")
    if symbol and symbol not in SYMBOLS[ledger_of(call)] and not venue.fault("lenient-symbols", call.request):
        raise _bad_symbol(venue, call, str(symbol))
    # The signature does not cover the body: a filter that gets lost on the way is not noticed by the venue.
    filtered = "" if venue.fault("symbol-lost", call.request) else str(symbol)
    left = venue.fault("conditional-left", call.request) is not None
    acked_until_ms = venue.acked_until_ms(call.request)
    found = [
        order
        for order in call.account.book.open(ledger_of(call))
        if filtered in ("", order.symbol)
        and not (left and is_conditional(order))
        and order.created_ms <= acked_until_ms
    ]
    venue.cancel(call.account, venue.cancellable(call, found), call.request)
    form = venue.fault("ack-form", call.request)
    return _all_acknowledged(venue, call, filtered, str(form.value) if form else "")


def _all_acknowledged(venue: State, call: Call, symbol: str, form: str) -> object:
    """What a mass cancel answers: futures v2 nothing but the code. No form names or counts what was cancelled."""
    if form == "bare" or (is_v2(call) and form != "data"):
        return None
    if is_v2(call):  # a page that was never published, and the sample of another client
        return data({**_head(venue, call, "cancel-all"), "info": {"symbol": symbol}})
    info = _info(venue, call, {"symbol": symbol}, order_type="" if form == "data" else "NULL_VAL")
    return data({**_head(venue, call, "cancel-all"), "info": info, "status": "Ack"})


def cancel_one(venue: State, call: Call) -> object:
    """`DELETE .../order`: by `orderId`, with `symbol` and `time`."""
    body = venue.body(call)
    order = _named(venue, call, body)
    taken = venue.cancellable(call, [order])
    if not (taken or is_retired(call)) or venue.cancel(call.account, taken, call.request).failed:
        raise _not_cancellable(venue, call, body, _CLOSED)
    venue.asked_ms[order.id] = venue.now_ms()
    if is_v2(call):
        meta = {"id": body.get("id", ""), "action": "cancel-order", "respInst": body.get("respInst", "ACK")}
        shown = call.account.book.find(order.id) if meta["respInst"] != "ACK" else order
        return data({"meta": meta, "order": row_v2(shown or order, venue.view(call))})
    return data({**_head(venue, call, "cancel-order"), "status": "Ack", "info": _info(venue, call, body)})


def cancel_batch(venue: State, call: Call) -> object:
    """`DELETE .../order/batch`: at most ten orders, and one that fails the basic check fails them all."""
    items = venue.body(call).get("orders")
    if not isinstance(items, list) or not items or len(items) > BATCH_MAX:
        raise Refused(Code.INVALID_BATCH_ORDER, f"A batch holds 1 to {BATCH_MAX} orders")
    orders, errors = [], []
    for item in items:
        body = {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else {}
        try:
            orders.append(_named(venue, call, body))
        except Refused as refused:
            ids = {name: body.get(name, "") for name in ("id", "orderId", "symbol")}
            errors.append({"code": refused.code, **ids, "message": refused.message, "reason": "INVALID_ORDER_ID"})
    head = _head(venue, call, "batch-cancel-order")
    if errors:
        words = "Batch Order failed, please check each order info for detail."
        raise Refused(Code.INVALID_BATCH_ORDER, words, members={**head, "status": "Err", "info": errors})
    unique = list({order.id: order for order in orders}.values())
    venue.cancel(call.account, venue.cancellable(call, unique), call.request)
    venue.asked_ms.update(dict.fromkeys((order.id for order in unique), venue.now_ms()))
    infos = [_info(venue, call, item) for item in items]
    if is_v2(call):
        return data({"meta": {"action": "batch-cancel-order", "respInst": "ACK"}, "orders": infos})
    return data({**head, "status": "Ack", "info": infos})


def _named(venue: State, call: Call, body: Body) -> SimOrder:
    """The open order that a body names, or the venue's refusal."""
    order_id, symbol = body.get("orderId", ""), body.get("symbol", "")
    if not order_id or not symbol:
        raise _error(venue, call, body, Code.INVALID_ORDER_PARAMETER, "orderId and symbol are required")
    check_clock(body.get("time", ""), venue.server_now())
    order = call.account.book.find(str(order_id))
    if order is None or order.segment != ledger_of(call):
        raise _error(venue, call, body, Code.INVALID_ORDER_ID, f"Invalid Client Order Id: {order_id}")
    if order.symbol != symbol:
        raise _bad_symbol(venue, call, str(symbol))
    own = venue.fault("unnamable", call.request)
    if own is not None and order.extra.get("execInst") == own.value:
        raise _not_cancellable(venue, call, body, "The order cannot be canceled.")
    if order.status != "open":
        if call.path.endswith("/batch"):
            raise Refused(Code.INVALID_ORDER_ID, "The order is already filled or canceled.")
        raise _not_cancellable(venue, call, body, _CLOSED)
    asked_ms = venue.asked_ms.get(order.id)
    if asked_ms is not None and venue.now_ms() - asked_ms < _DUPLICATE_MS:
        raise _not_cancellable(venue, call, body, "Duplicated order cancel request.")
    return order


def _bad_symbol(venue: State, call: Call, symbol: str) -> Refused:
    """Futures v2 nests what order errors carry in `data` (its own sample); v1 has it at the top level."""
    head = {**_head(venue, call, _action(call)), "info": {"symbol": symbol}}
    return Refused(Code.INVALID_PRODUCT, "Invalid Product Symbol", members={"data": head} if is_v2(call) else head)


def _not_cancellable(venue: State, call: Call, body: Body, message: str) -> Refused:
    return _error(venue, call, body, Code.NOT_CANCELLABLE, message)


def _error(venue: State, call: Call, body: Body, code: Code, message: str) -> Refused:
    info = {"id": body.get("id", ""), "symbol": body.get("symbol", "")}
    return Refused(code, message, members={**_head(venue, call, _action(call)), "status": "Err", "info": info})


def _action(call: Call) -> str:
    return {"all": "cancel-all", "batch": "batch-cancel-order"}.get(call.path.rpartition("/")[2], "cancel-order")


def _head(venue: State, call: Call, action: str) -> dict[str, object]:
    ledger = ledger_of(call)
    return {"ac": ledger.upper(), "accountId": venue.account_id(call.account, ledger), "action": action}


def _info(venue: State, call: Call, body: Body, order_type: str = "") -> dict[str, object]:
    ids = {name: body.get(name, "") for name in ("id", "orderId", "symbol")}
    return {**ids, "orderType": order_type, "timestamp": venue.to_server(call.request.received_ms)}


def place_order(venue: State, call: Call) -> object:
    """`POST .../order`. Cash writes types as `stop_limit`, futures as `StopLimit`; both are understood everywhere."""
    body, now_ms = venue.body(call), venue.now_ms()
    symbol = str(body.get("symbol", ""))
    if symbol not in SYMBOLS[ledger_of(call)]:
        raise Refused(Code.INVALID_PRODUCT, "Invalid Product Symbol")
    check_clock(body.get("time", ""), venue.server_now())
    side, written = _SIDES.get(str(body.get("side", "")).lower()), str(body.get("orderType", "")).lower()
    order_type = next((each for each in _TYPES if written in (each, each.replace("_", ""))), None)
    if side is None or order_type is None:
        raise Refused(Code.INVALID_ORDER_PARAMETER, "side or orderType is invalid")
    quantity = _positive(body, "orderQty")
    instruction = str(body.get("execInst", "Post" if body.get("postOnly") is True else "NULL_VAL"))
    template = SimOrder(
        symbol=symbol,
        segment=ledger_of(call),
        side=side,
        type=order_type,
        kind=order_type,
        price=_positive(body, "orderPrice") if order_type.endswith("limit") else "0",
        quantity=quantity,
        remaining=quantity,
        reduce_only="reduce" in instruction.lower(),
        extra={"stopPrice": _positive(body, "stopPrice")} if order_type.startswith("stop") else {},
    ).but(execInst=instruction)
    order_id = venue.order_id(venue.user_of(call.account), now_ms, str(body.get("id", "")))
    order = venue.place(call.account, template.placed(order_id, now_ms))
    if order.type == "market":
        order = call.account.book.close(order.id, "filled", now_ms) or order
    return _placed(venue, call, order, body)


def _placed(venue: State, call: Call, order: SimOrder, body: Body) -> object:
    instruction = str(body.get("respInst", "ACK"))
    if is_v2(call):
        meta = {"action": "place-order", "id": body.get("id", ""), "respInst": instruction}
        return data({"meta": meta, "order": row_v2(order, venue.view(call, lambda _: instruction != "ACK"))})
    head, row = _head(venue, call, "place-order"), row_v1(order, venue.view(call))
    if instruction != "ACK":
        return data({**head, "info": row, "status": instruction})
    ids = {"id": body.get("id", ""), "orderId": order.id, "symbol": order.symbol}
    return data({**head, "info": _info(venue, call, ids, str(row["orderType"])), "status": "Ack"})


def _positive(body: Body, name: str) -> str:
    return positive(body, name, Refused(Code.INVALID_ORDER_PARAMETER, f"{name} is invalid"))
