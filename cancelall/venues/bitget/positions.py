"""Bitget: the positions of futures, of a classic and of a unified account, and what an order does for one.

https://www.bitget.com/api-doc/contract/position/get-all-position - GET /api/v2/mix/position/all-position: all of a
product type in one answer, 5 in a second. https://www.bitget.com/api-doc/uta/trade/Get-Position - GET
/api/v3/position/current-position: all of a category; a liquidation price of 0 or less means that there is none. Both
without pages, and a size (`total`) that counts what orders have locked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.core.positions import LONG, SHORT, UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.bitget.api import data, get
from cancelall.venues.bitget.options import FUTURES
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
_CLASSIC, _UNIFIED = "/api/v2/mix/position/all-position", "/api/v3/position/current-position"
_ROLES = {
    "loss_plan": Role.STOP,
    "pos_loss": Role.STOP,
    "moving_plan": Role.STOP,
    "track_plan": Role.STOP,
    "trailing_stop": Role.STOP,
    "profit_plan": Role.TAKE_PROFIT,
    "pos_profit": Role.TAKE_PROFIT,
}
"""By `planType`, https://www.bitget.com/api-doc/contract/plan/get-orders-plan-pending, and by a strategy's type."""
_TRIGGERS = ("triggerPrice", "stopLoss", "stopLossTriggerPrice", "takeProfit", "stopSurplusTriggerPrice")


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """Of each product whose orders were listed, of the API that listed them."""
    listed: dict[str, PositionListing] = {}
    symbols, coin = frozenset(options.symbol), options.margin_coin
    for order in orders:
        parameters = dict(parse_qsl(order.query))
        classic = order.path.startswith("/api/v2/mix/")
        product = parameters.get("productType" if classic else "category", "")
        if product not in FUTURES:
            continue
        request = get(_CLASSIC, _PURPOSE, productType=product) if classic else get(_UNIFIED, _PURPOSE, category=product)
        name = product if classic else f"unified {product}"
        read = partial(_page, classic, symbols, coin)
        listed[name] = PositionListing(name=name, request=replace(request, priority=Priority.OTHER), read=read)
    return tuple(listed.values())


def _page(classic: bool, symbols: frozenset[str], coin: str | None, request: Request, reply: Reply) -> PositionPage:
    """The positions in scope."""
    body = {"list": data(reply)} if classic else payload.as_object(data(reply), "data")
    entries, null = payload.null_or_list(body, "list")
    shown, unsure = positions(entries, partial(_position, classic))
    chosen = tuple(
        one
        for one, entry_coin in ((one, one.market.rpartition(" ")[2]) for one in shown)
        if one.symbol in (*symbols, UNREADABLE) or not symbols
        if coin is None or not classic or entry_coin in (coin, UNREADABLE)
    )
    return PositionPage(positions=chosen, unsure=unsure, null=null)


def _position(classic: bool, row: Row) -> Position:
    """Symbols are upper case here: listings of orders have shown lower case. One symbol of a classic account can have
    a position for each margin coin.
    """
    size = row.text("total", needed=True) or UNREADABLE
    symbol = (row.text("symbol", needed=True) or UNREADABLE).upper()
    side, entry, unrealised = ("holdSide", "openPriceAvg", "unrealizedPL") if classic else _UNIFIED_KEYS
    return Position(
        symbol=symbol,
        side=side_of(row, side) if size.strip("-0.") else "",
        size=size,
        entry=row.text(entry),
        mark=row.text("markPrice"),
        unrealised=row.text(unrealised),
        liquidation=row.text("liquidationPrice"),
        margin_mode=row.text("marginMode"),
        market=_market(symbol, row) if classic else symbol,
    )


_UNIFIED_KEYS = ("posSide", "avgPrice", "unrealisedPnl")


def _market(symbol: str, row: Row) -> str:
    return f"{symbol} {(row.text('marginCoin') or UNREADABLE).upper()}"


def protective(order: Order) -> ProtectiveOrder | None:
    """In hedge mode `posSide` names the position, `side` need not: https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending.
    TP/SL of a unified account may be both at once: with a stop-loss it is a stop.
    """
    if not order.segment.removeprefix("unified ").startswith(FUTURES):
        return None
    row = Row(order.row)
    kind, held = order.kind, (row.text("posSide") or "").lower()
    by_side = closed_by(order)
    one_way = (row.text("holdMode") or row.text("posMode") or "").lower() == "one_way_mode"
    closes = held if held in (LONG, SHORT) and not (one_way and by_side) else by_side
    triggers = [price for key in _TRIGGERS if (price := price_of(row, key)) is not None]
    role = _ROLES.get(kind, Role.UNKNOWN if triggers or not order.row else Role.ORDINARY)
    if kind in ("tpsl", "oco"):
        role = Role.STOP if price_of(row, "stopLoss") or kind == "oco" else Role.TAKE_PROFIT
    classic = "planType" in order.row or "marginCoin" in order.row
    return protective_order(
        order,
        market="" if order.symbol is None else _market(order.symbol, row) if classic else order.symbol,
        closes=closes,
        role=role,
        trigger_price=price_of(row, "stopLoss") or next(iter(triggers), None),
        price=next((price for key in ("price", "executePrice") if (price := price_of(row, key)) is not None), None),
        quantity=price_of(row, "size") or price_of(row, "qty"),
        reduce_only=row.flag("reduceOnly") if "reduceOnly" in order.row else None,
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
