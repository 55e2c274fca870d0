"""Placing an order in two steps, so that bots and other people's clients can trade against the fake.

`POST /order/build` and `POST /order/submit`, from the python SDK 1.1.1. The transaction between them is a dummy and its
signature is not checked. Limit orders rest, market orders fill at once. There is no balance and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from ..book import Account, SimOrder
from .answers import Refused, invalid
from .listing import check_symbol
from .rows import row

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import DeltaDeFi

_SIDES: Mapping[object, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell"}
_TRANSACTION_NOT_FOUND = 4402


def build(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`POST /order/build`: the order gets its id and waits for its signature."""
    body = venue.body(request)
    symbol = body.get("symbol")
    if not isinstance(symbol, str):
        raise invalid("symbol is required")
    check_symbol(venue, symbol, request)
    side, order_type = _SIDES.get(body.get("side")), body.get("type")
    if side is None or order_type not in ("limit", "market"):
        raise invalid("side or type")
    price = _positive(body, "price") if order_type == "limit" else "1"
    quantity = _positive(body, "base_quantity")
    order = SimOrder(
        id=venue.uuid(),
        symbol=symbol,
        segment=symbol,
        side=side,
        type=str(order_type),
        price=price,
        quantity=quantity,
        remaining=quantity,
    )
    venue.building[order.id] = order
    return {"order_id": order.id, "tx_hex": "84a0"}


def submit(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`POST /order/submit`: the order goes to the matching engine, which takes it over a moment later."""
    body = venue.body(request)
    order = venue.building.pop(str(body.get("order_id")), None)
    if order is None or not body.get("signed_tx"):
        raise Refused(_TRANSACTION_NOT_FOUND, "Transaction not found")
    now_ms = venue.now_ms()
    placed = venue.place(account, replace(order, created_ms=now_ms, updated_ms=now_ms))
    if placed.type == "market":
        placed = account.book.close(placed.id, "filled", now_ms) or placed
    return row(placed, venue.style(account, request))


def _positive(body: Mapping[str, object], name: str) -> str:
    value = str(body.get(name, ""))
    try:
        good = Decimal(value) > 0
    except InvalidOperation:
        good = False
    if not good:
        raise invalid(f"{name} must be positive")
    return value
