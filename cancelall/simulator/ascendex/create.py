"""Placing orders, so that bots and other people's clients can trade against the fake.

https://ascendex.github.io/ascendex-pro-api/#place-order and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#new-order. Limit orders rest, market orders fill at once, stop
orders wait. There is no balance, no margin and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from ..book import SimOrder
from .answers import INVALID_ORDER_PARAMETER, INVALID_PRODUCT, Answer, Refused, data
from .auth import check_clock
from .products import SYMBOLS
from .rows import row_v1, row_v2

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import AscendEX, Call

_SIDES: Mapping[str, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell"}
_TYPES = {
    "limit": "limit",
    "market": "market",
    "stoplimit": "stop_limit",
    "stop_limit": "stop_limit",
    "stopmarket": "stop_market",
    "stop_market": "stop_market",
}


def place_order(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`POST .../order`. Cash writes types as `stop_limit`, futures as `StopLimit`; both are understood everywhere."""
    body = venue.body(request)
    symbol = str(body.get("symbol", ""))
    if symbol not in SYMBOLS[call.ledger]:
        raise Refused(INVALID_PRODUCT, "Invalid Product Symbol")
    check_clock(body.get("time", ""), venue.server_now())
    side = _SIDES.get(str(body.get("side", "")).lower())
    order_type = _TYPES.get(str(body.get("orderType", "")).lower())
    if side is None or order_type is None:
        raise Refused(INVALID_ORDER_PARAMETER, "side or orderType is invalid")
    quantity = _positive(body, "orderQty")
    price = _positive(body, "orderPrice") if order_type.endswith("limit") else "0"
    extra = {"stopPrice": _positive(body, "stopPrice")} if order_type.startswith("stop") else {}
    instruction = str(body.get("execInst", "Post" if body.get("postOnly") is True else "NULL_VAL"))
    now_ms = venue.now_ms()
    order = venue.place(
        call.account,
        SimOrder(
            id=venue.order_id(venue.user_of(call.account), now_ms, str(body.get("id", ""))),
            symbol=symbol,
            segment=call.ledger,
            side=side,
            type=order_type,
            kind=order_type,
            price=price,
            quantity=quantity,
            remaining=quantity,
            reduce_only="reduce" in instruction.lower(),
            created_ms=now_ms,
            updated_ms=now_ms,
            extra={**extra, "execInst": instruction},
        ),
    )
    if order.type == "market":
        order = call.account.book.close(order.id, "filled", now_ms) or order
    return _placed(venue, call, order, body, request)


def _placed(venue: AscendEX, call: Call, order: SimOrder, body: Mapping[str, object], request: SimRequest) -> Answer:
    instruction = str(body.get("respInst", "ACK"))
    account_id = venue.account_id(call.account, call.ledger)
    if call.v2:
        acked = instruction != "ACK"
        meta = {"action": "place-order", "id": body.get("id", ""), "respInst": instruction}
        return data({"meta": meta, "order": row_v2(order, venue.to_server, account_id, acked=acked)})
    head = {"ac": call.ledger.upper(), "accountId": account_id, "action": "place-order"}
    if instruction != "ACK":
        return data({**head, "info": row_v1(order, venue.to_server), "status": instruction})
    info = {
        "id": body.get("id", ""),
        "orderId": order.id,
        "orderType": row_v1(order, venue.to_server)["orderType"],
        "symbol": order.symbol,
        "timestamp": venue.to_server(request.received_ms),
    }
    return data({**head, "info": info, "status": "Ack"})


def _positive(body: Mapping[str, object], name: str) -> str:
    value = str(body.get(name, ""))
    try:
        good = Decimal(value) > 0
    except InvalidOperation:
        good = False
    if not good:
        raise Refused(INVALID_ORDER_PARAMETER, f"{name} is invalid")
    return value
