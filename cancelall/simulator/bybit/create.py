"""Placing an order, so that bots and other people's clients can trade against the fake.

https://bybit-exchange.github.io/docs/v5/order/create-order (as of 2026-07-24). Limit orders rest, market orders fill at
once, orders with a trigger price wait. There is no balance, no margin and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..book import Side, SimOrder
from ..refusals import Refused
from ..routes import Call
from ..values import positive
from .scope import PLAIN, STOP, TPSL, bad_filter
from .state import Answer, State, bad, segment_of, text

_SPOT_KINDS = {"": PLAIN, "Order": PLAIN, "StopOrder": STOP, TPSL: TPSL}
_SIDES: Mapping[str, Side] = {"Buy": "buy", "Sell": "sell"}
_KEPT = ("triggerPrice", "triggerDirection", "closeOnTrigger", "positionIdx")


def create_order(venue: State, call: Call) -> Answer:
    """`POST /v5/order/create`."""
    body, book = call.payload, call.account.book
    category, symbol, client_id = segment_of(call), text(body, "symbol"), text(body, "orderLinkId")
    if venue.instruments.find(category, symbol) is None:
        raise bad("symbol invalid")
    side, order_type = _SIDES.get(text(body, "side")), text(body, "orderType")
    if side is None or order_type not in ("Limit", "Market"):
        raise bad("side or orderType is invalid")
    quantity = positive(body, "qty", bad("qty is invalid"))
    price = positive(body, "price", bad("price is invalid")) if order_type == "Limit" else "0"
    if client_id and book.find(client_id=client_id):
        raise Refused(110072, "OrderLinkedID is duplicate")
    fresh = venue.order_id(category)
    order = SimOrder(
        symbol=symbol,
        segment=category,
        side=side,
        type=order_type.lower(),
        kind=_kind(category, body),
        price=price,
        quantity=quantity,
        remaining=quantity,
        reduce_only=body.get("reduceOnly") is True,
        extra={name: body[name] for name in _KEPT if name in body},
    )
    order = venue.place(call.account, order.placed(fresh, venue.now_ms(), client_id))
    if order.type == "market" and order.kind == PLAIN:
        book.close(order.id, "filled", order.created_ms)
    return Answer(result={"orderId": order.id, "orderLinkId": client_id})


def _kind(category: str, body: Mapping[str, object]) -> str:
    if category != "spot":
        return STOP if "triggerPrice" in body else PLAIN
    order_filter = text(body, "orderFilter")
    if order_filter not in _SPOT_KINDS:
        raise bad_filter(category)
    if order_filter in ("StopOrder", TPSL) and "triggerPrice" not in body:
        raise bad("triggerPrice is required")
    return _SPOT_KINDS[order_filter]
