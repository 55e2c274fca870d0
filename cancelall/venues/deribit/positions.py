"""Deribit: the positions in futures and options, and what an order does for one.

https://docs.deribit.com/api-reference/account-management/private-get_positions; spot and combos have none of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cancelall.core.model import Order, Reply, Request
from cancelall.core.positions import UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.deribit.api import DeribitRequest, get
from cancelall.venues.deribit.segments import TRIGGERED, is_spot
from cancelall.venues.payload import Row
from cancelall.venues.positions import (
    PositionListing,
    PositionPage,
    PositionsModule,
    closed_by,
    of_symbols,
    positions,
    protective_order,
    side_of,
)
from cancelall.venues.positions import price as price_of


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """One read for each currency of the scope, or for all."""
    if not orders or options.kind not in (None, "future", "option"):
        return ()
    testnet = next((one.testnet for one in orders if isinstance(one, DeribitRequest)), None)
    read, kind = partial(_page, frozenset(options.instrument)), options.kind or ""
    return tuple(
        PositionListing(
            name="positions" if one == "any" else f"positions {one}",
            request=get("private/get_positions", "list positions", testnet, {"currency": one, "kind": kind}),
            read=read,
        )
        for one in options.currency or ("any",)
    )


def _page(instruments: frozenset[str], request: Request, reply: Reply) -> PositionPage:
    entries, null = payload.null_or_list(payload.as_object(reply.json), "result")
    shown, odd = positions(entries, _position)
    return PositionPage(positions=of_symbols(shown, instruments), unsure=odd, null=null)


def _position(row: Row) -> Position:
    """Sizes have a sign, and those of inverse futures are in USD. An empty position has the direction `zero`."""
    size = row.text("size", needed=True) or UNREADABLE
    symbol = row.text("instrument_name", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=side_of(row, "direction") if size.strip("-0.") else "",
        size=size,
        entry=row.text("average_price"),
        mark=row.text("mark_price"),
        unrealised=row.text("floating_profit_loss"),
        liquidation=row.text("estimated_liquidation_price"),
        market=symbol,
    )


def protective(order: Order) -> ProtectiveOrder | None:
    """By its type: `stop_…` and trailing stops are stops, `take_…` is none. A spot order has no position."""
    if order.symbol is not None and is_spot(order.symbol):
        return None
    row, kind = Row(order.row), order.type or ""
    role = Role.ORDINARY if kind and kind not in TRIGGERED else Role.UNKNOWN
    if kind in TRIGGERED:
        role = Role.TAKE_PROFIT if kind.startswith("take_") else Role.STOP
    price = price_of(row, "price")
    return protective_order(
        order,
        closes=closed_by(order),
        role=role,
        trigger_price=price_of(row, "trigger_price"),
        price=None if price == "market_price" else price,
        quantity=order.quantity,
        reduce_only=row.flag("reduce_only"),
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
