"""Kraken: the positions on spot margin, and what an order does for one.

https://docs.kraken.com/api-reference/account-data/get-open-positions - one row for each fill that opened something, by
its id; `type` is the side that opened it, what is left is `vol` less `vol_closed`, and with `docalcs` it has a value.
Cash has balances, and no positions. Pairs are named by their ids there, and by their altnames in orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.core.positions import UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.kraken.api import private, result
from cancelall.venues.kraken.options import folded
from cancelall.venues.payload import Row
from cancelall.venues.positions import (
    PositionListing,
    PositionPage,
    PositionsModule,
    closed_by,
    positions,
    protective_order,
    side_of,
)
from cancelall.venues.positions import price as price_of

_PURPOSE = "list positions"


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """All at once, without pages."""
    if not orders:
        return ()
    pairs = frozenset(map(folded, options.pair))
    request = private("OpenPositions", _PURPOSE, Priority.OTHER, docalcs="true")

    def read(request: Request, reply: Reply) -> PositionPage:
        entries = result(reply).values()
        shown, odd = positions(entries, _position)
        chosen = tuple(one for one in shown if not pairs or one.symbol == UNREADABLE or one.market in pairs)
        return PositionPage(positions=chosen, unsure=odd)

    return (PositionListing(name="margin", request=request, read=read),)


def _position(row: Row) -> Position:
    volume = row.text("vol", needed=True) or UNREADABLE
    size = payload.minus(volume, row.text("vol_closed")) or UNREADABLE
    symbol = row.text("pair", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=side_of(row, "type") if size.strip("-0.") else "",
        size=size,
        entry=_each(row.text("cost"), volume),
        mark=_each(row.text("value"), size),
        notional=row.text("value"),
        unrealised=row.text("net"),
        margin_mode="cross",
        market=folded(symbol),
    )


def _each(value: str | None, size: str) -> str | None:
    """A price, as the value of a size; None where one of them cannot be read."""
    if payload.minus(value, size) is None or not size.strip("0."):
        return None
    return f"{(Decimal(value or '0') / Decimal(size)).normalize():f}"


def protective(order: Order) -> ProtectiveOrder | None:
    """By its type, of one on margin. Stops and trailing stops are stops, whatever the price is that they wait for."""
    shown = order.row.get("descr")
    descr = Row(shown if isinstance(shown, dict) else {})
    if descr.text("leverage") in (None, "none") and not order.row.get("reduce_only"):
        return None
    kind, trigger = order.kind, price_of(descr, "price")
    waits, limited = kind.startswith(("stop-loss", "take-profit", "trailing-stop")), kind.endswith("-limit")
    role = Role.UNKNOWN if kind == "settle-position" else Role.ORDINARY
    if waits:
        role = Role.TAKE_PROFIT if kind.startswith("take-profit") else Role.STOP
    return protective_order(
        order,
        closes=closed_by(order),
        role=role,
        trigger_price=trigger if waits else None,
        price=(price_of(descr, "price2") if limited else None) if waits else trigger,
        quantity=order.quantity,
        reduce_only=True if order.row.get("reduce_only") is True else None,
        market=folded(order.symbol or ""),
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
