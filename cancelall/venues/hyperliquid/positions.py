"""Hyperliquid: the positions of an account on each dex, their mark prices, and what an order does for one.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals#retrieve-users-perpetuals-account-summary
- all of a dex in one answer; the mark price is what a position is worth by its size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from cancelall.core.model import Order, Reply, Request
from cancelall.core.positions import UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.hyperliquid.api import read
from cancelall.venues.hyperliquid.options import CORE
from cancelall.venues.hyperliquid.segments import is_spot
from cancelall.venues.payload import Row
from cancelall.venues.positions import (
    PositionListing,
    PositionPage,
    PositionsModule,
    closed_by,
    of_symbols,
    protective_order,
    side_by_sign,
)
from cancelall.venues.positions import positions as shown_positions
from cancelall.venues.positions import price as price_of

_PURPOSE = "list positions"


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """One for each dex whose orders are listed."""
    found = []
    for body in (json.loads(request.body) for request in orders):
        if body["type"] == "frontendOpenOrders":
            request = read("clearinghouseState", _PURPOSE, user=body["user"], dex=body["dex"])
            name = f"perpetuals of {body['dex'] or CORE}"
            found.append(PositionListing(name=name, request=request, read=partial(_page, frozenset(options.coin))))
    return tuple(found)


def _page(coins: frozenset[str], request: Request, reply: Reply) -> PositionPage:
    entries, null = payload.null_or_list(payload.as_object(reply.json), "assetPositions")
    shown, odd = shown_positions((payload.member(entry, "position") for entry in entries), _position)
    return PositionPage(positions=of_symbols(shown, coins), unsure=odd, null=null)


def _position(row: Row) -> Position:
    """`szi` is the size with its sign."""
    symbol, size = row.text("coin", needed=True) or UNREADABLE, row.text("szi", needed=True) or UNREADABLE
    mode = payload.member(row.record, "leverage", "type")
    return Position(
        symbol=symbol,
        side=side_by_sign(size),
        size=size.removeprefix("-"),
        entry=row.text("entryPx"),
        mark=_mark(row, size),
        liquidation=row.text("liquidationPx"),
        notional=price_of(row, "positionValue"),
        unrealised=row.text("unrealizedPnl"),
        margin_mode=mode if isinstance(mode, str) else UNREADABLE,
        market=symbol,
    )


def _mark(row: Row, size: str) -> str | None:
    """The mark price; None where it cannot be reckoned."""
    try:
        value, units = Decimal(row.text("positionValue") or ""), abs(Decimal(size))
        return f"{(value / units).normalize():f}" if units and value.is_finite() and units.is_finite() else None
    except (InvalidOperation, ArithmeticError):
        return None


_ROLES = {
    **dict.fromkeys(("stop market", "stop limit"), Role.STOP),
    **dict.fromkeys(("take profit market", "take profit limit"), Role.TAKE_PROFIT),
}


def protective(order: Order) -> ProtectiveOrder | None:
    """By the type. A TP/SL of a position has no size: it closes all of it. On spot there are no positions."""
    if is_spot(order.symbol or ""):
        return None
    row, kind = Row(order.row), order.type or ""
    trigger = price_of(row, "triggerPx")
    role = _ROLES.get(kind, Role.UNKNOWN if trigger or not order.row else Role.ORDINARY)
    whole = row.flag("isPositionTpsl") is True or not (order.quantity or "").strip("0.")
    return protective_order(
        order,
        closes=closed_by(order),
        role=role,
        trigger_price=trigger if kind in _ROLES else None,
        price=None if kind.endswith("market") else price_of(row, "limitPx"),
        quantity=None if whole else order.quantity,
        reduce_only=_reduces(order.row),
    )


def _reduces(row: Mapping[str, Any]) -> bool | None:
    """Whether an order says that it only reduces; of a TWAP its state does."""
    state = row.get("state")
    holder = Row(state if isinstance(state, dict) else row)
    return holder.flag("reduceOnly") if "reduceOnly" in holder.record else None


POSITIONS = PositionsModule(listings=listings, protective=protective)
