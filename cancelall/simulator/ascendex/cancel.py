"""AscendEX's cancels: a whole ledger, one order, a batch.

https://ascendex.github.io/ascendex-pro-api/#cancel-all-orders, #cancel-order and #cancel-batch-orders, and the same
three of https://ascendex.github.io/ascendex-futures-pro-api-v2/. An acknowledgement only says that the request was
received: "the server will process the cancel all request with best effort".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..book import SimOrder
from .answers import (
    INVALID_BATCH_ORDER,
    INVALID_ORDER_ID,
    INVALID_ORDER_PARAMETER,
    INVALID_PRODUCT,
    NOT_CANCELLABLE,
    Answer,
    Refused,
    data,
)
from .auth import check_clock
from .products import SYMBOLS
from .rows import is_conditional, row_v2

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import AscendEX, Call

BATCH_MAX = 10
_DUPLICATE_MS = 1000
_UNKNOWN = "The order is already filled or canceled."


def cancel_all(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`DELETE .../order/all`: every open order of one ledger, of one symbol if the body names one.

    The documents do not say whether conditional orders go with it: here they do, unless `conditional-left` is on.
    Orders that the matching engine has not taken yet stay ("sent but un-acked will not be canceled").
    """
    body = venue.body(request)
    symbol = body.get("symbol", "")
    if symbol and symbol not in SYMBOLS[call.ledger] and not venue.fault("lenient-symbols", request):
        raise _bad_symbol(venue, call, str(symbol))
    # The signature does not cover the body: a filter that gets lost on the way is not noticed by the venue.
    filtered = "" if venue.fault("symbol-lost", request) else str(symbol)
    left = venue.fault("conditional-left", request) is not None
    acked_until_ms = venue.acked_until_ms(request)
    found = [
        order
        for order in call.account.book.open(call.ledger)
        if filtered in ("", order.symbol)
        and not (left and is_conditional(order))
        and order.created_ms <= acked_until_ms
    ]
    venue.cancel(call.account, venue.cancellable(call, found, request), request)
    return _all_acknowledged(venue, call, filtered, request)


def _all_acknowledged(venue: AscendEX, call: Call, symbol: str, request: SimRequest) -> Answer:
    """What a mass cancel answers: futures v2 nothing but the code. No form names or counts what was cancelled."""
    form = venue.fault("ack-form", request)
    word = str(form.value) if form else ""
    if word == "bare" or (call.v2 and word != "data"):
        return Answer()
    if call.v2:  # a page that was never published, and the sample of another client
        return data({**_head(venue, call, "cancel-all"), "info": {"symbol": symbol}})
    info = {
        "id": "",
        "orderId": "",
        "orderType": "" if word == "data" else "NULL_VAL",
        "symbol": symbol,
        "timestamp": venue.to_server(request.received_ms),
    }
    return data({**_head(venue, call, "cancel-all"), "info": info, "status": "Ack"})


def cancel_one(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`DELETE .../order`: by `orderId`, with `symbol` and `time`."""
    body = venue.body(request)
    order = _named(venue, call, body, request)
    taken = venue.cancellable(call, [order], request)
    if not (taken or call.retired) or venue.cancel(call.account, taken, request).failed:
        raise _not_cancellable(venue, call, body, "Trying to cancel non-open order")
    venue.asked_ms[order.id] = venue.now_ms()
    if call.v2:
        meta = {"id": body.get("id", ""), "action": "cancel-order", "respInst": body.get("respInst", "ACK")}
        shown = call.account.book.find(order.id) if meta["respInst"] != "ACK" else order
        row = row_v2(shown or order, venue.to_server, venue.account_id(call.account, "futures"))
        return data({"meta": meta, "order": row})
    info = _info(body, venue.to_server(request.received_ms))
    return data({**_head(venue, call, "cancel-order"), "status": "Ack", "info": info})


def cancel_batch(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`DELETE .../order/batch`: at most ten orders, and one that fails the basic check fails them all."""
    items = venue.body(request).get("orders")
    if not isinstance(items, list) or not items or len(items) > BATCH_MAX:
        raise Refused(INVALID_BATCH_ORDER, f"A batch holds 1 to {BATCH_MAX} orders")
    orders, errors = [], []
    for item in items:
        body = {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else {}
        try:
            orders.append(_named(venue, call, body, request))
        except Refused as refused:
            ids = {"id": body.get("id", ""), "orderId": body.get("orderId", ""), "symbol": body.get("symbol", "")}
            errors.append({"code": refused.code, **ids, "message": refused.message, "reason": "INVALID_ORDER_ID"})
    if errors:
        beside = {**_head(venue, call, "batch-cancel-order"), "status": "Err", "info": errors}
        raise Refused(
            INVALID_BATCH_ORDER, "Batch Order failed, please check each order info for detail.", beside=beside
        )
    unique = list({order.id: order for order in orders}.values())
    venue.cancel(call.account, venue.cancellable(call, unique, request), request)
    venue.asked_ms.update(dict.fromkeys((order.id for order in unique), venue.now_ms()))
    received_ms = venue.to_server(request.received_ms)
    infos = [_info(item, received_ms) for item in items]
    if call.v2:
        return data({"meta": {"action": "batch-cancel-order", "respInst": "ACK"}, "orders": infos})
    return data({**_head(venue, call, "batch-cancel-order"), "status": "Ack", "info": infos})


def _named(venue: AscendEX, call: Call, body: Mapping[str, object], request: SimRequest) -> SimOrder:
    """The open order that a body names, or the venue's refusal."""
    order_id, symbol = body.get("orderId", ""), body.get("symbol", "")
    if not order_id or not symbol:
        raise Refused(INVALID_ORDER_PARAMETER, "orderId and symbol are required", beside=_err(venue, call, body))
    check_clock(body.get("time", ""), venue.server_now())
    order = call.account.book.find(str(order_id))
    if order is None or order.segment != call.ledger:
        raise Refused(INVALID_ORDER_ID, f"Invalid Client Order Id: {order_id}", beside=_err(venue, call, body))
    if order.symbol != symbol:
        raise _bad_symbol(venue, call, str(symbol))
    own = venue.fault("unnamable", request)
    if own is not None and order.extra.get("execInst") == own.value:
        raise _not_cancellable(venue, call, body, "The order cannot be canceled.")
    if order.status != "open":
        if call.batch:
            raise Refused(INVALID_ORDER_ID, _UNKNOWN)
        raise _not_cancellable(venue, call, body, "Trying to cancel non-open order")
    asked_ms = venue.asked_ms.get(order.id)
    if asked_ms is not None and venue.now_ms() - asked_ms < _DUPLICATE_MS:
        raise _not_cancellable(venue, call, body, "Duplicated order cancel request.")
    return order


def _bad_symbol(venue: AscendEX, call: Call, symbol: str) -> Refused:
    """Futures v2 nests what order errors carry in `data` (its own sample); v1 has it at the top level."""
    head = {**_head(venue, call, call.action), "info": {"symbol": symbol}}
    return Refused(INVALID_PRODUCT, "Invalid Product Symbol", beside={"data": head} if call.v2 else head)


def _not_cancellable(venue: AscendEX, call: Call, body: Mapping[str, object], message: str) -> Refused:
    return Refused(NOT_CANCELLABLE, message, beside=_err(venue, call, body))


def _err(venue: AscendEX, call: Call, body: Mapping[str, object]) -> dict[str, object]:
    info = {"id": body.get("id", ""), "symbol": body.get("symbol", "")}
    return {**_head(venue, call, call.action), "status": "Err", "info": info}


def _head(venue: AscendEX, call: Call, action: str) -> dict[str, object]:
    account_id = venue.account_id(call.account, call.ledger)
    return {"ac": call.ledger.upper(), "accountId": account_id, "action": action}


def _info(body: Mapping[str, object], received_ms: int) -> dict[str, object]:
    return {
        "id": body.get("id", ""),
        "orderId": body.get("orderId", ""),
        "orderType": "",
        "symbol": body.get("symbol", ""),
        "timestamp": received_ms,
    }
