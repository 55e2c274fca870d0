"""Placing an order, so that bots and other people's clients can trade against the fake.

https://bybit-exchange.github.io/docs/v5/order/create-order (as of 2026-07-24). Limit orders rest, market orders fill at
once, orders with a trigger price wait. There is no balance, no margin and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused
from .scope import bad_filter, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

_SPOT_KINDS = {"": kinds.PLAIN, "Order": kinds.PLAIN, "StopOrder": kinds.STOP, kinds.TPSL: kinds.TPSL}
_SIDES: Mapping[str, Literal["buy", "sell"]] = {"Buy": "buy", "Sell": "sell"}


def create_order(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/order/create`."""
    body = venue.body(request)
    category = venue.category(body)
    symbol, client_id = text(body, "symbol"), text(body, "orderLinkId")
    if venue.instruments.find(category, symbol) is None:
        raise Refused(10001, "params error: symbol invalid")
    side, order_type = _SIDES.get(text(body, "side")), text(body, "orderType")
    if side is None or order_type not in ("Limit", "Market"):
        raise Refused(10001, "params error: side or orderType is invalid")
    quantity = _positive(body, "qty")
    price = _positive(body, "price") if order_type == "Limit" else "0"
    if client_id and account.book.find(client_id=client_id):
        raise Refused(110072, "OrderLinkedID is duplicate")
    now_ms = venue.now_ms()
    order = venue.place(
        account,
        SimOrder(
            id=venue.order_id(category),
            client_id=client_id,
            symbol=symbol,
            segment=category,
            side=side,
            type=order_type.lower(),
            kind=_kind(category, body),
            price=price,
            quantity=quantity,
            remaining=quantity,
            reduce_only=body.get("reduceOnly") is True,
            created_ms=now_ms,
            updated_ms=now_ms,
            extra=_extra(body),
        ),
    )
    if order.type == "market" and order.kind == kinds.PLAIN:
        account.book.close(order.id, "filled", now_ms)
    return Answer(result={"orderId": order.id, "orderLinkId": order.client_id})


def _kind(category: str, body: Mapping[str, object]) -> str:
    if category != "spot":
        return kinds.STOP if "triggerPrice" in body else kinds.PLAIN
    order_filter = text(body, "orderFilter")
    if order_filter not in _SPOT_KINDS:
        raise bad_filter(category)
    if order_filter in ("StopOrder", kinds.TPSL) and "triggerPrice" not in body:
        raise Refused(10001, "params error: triggerPrice is required")
    return _SPOT_KINDS[order_filter]


def _extra(body: Mapping[str, object]) -> dict[str, object]:
    names = ("triggerPrice", "triggerDirection", "closeOnTrigger", "positionIdx")
    return {name: body[name] for name in names if name in body}


def _positive(body: Mapping[str, object], name: str) -> str:
    value = text(body, name)
    try:
        good = Decimal(value) > 0
    except InvalidOperation:
        good = False
    if not good:
        raise Refused(10001, f"params error: {name} is invalid")
    return value
