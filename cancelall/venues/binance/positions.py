"""Binance: the positions of futures and options, of a classic and of a portfolio margin account.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Position-Information-V3 - GET
/fapi/v3/positionRisk, and the pages of COIN-M, portfolio margin and options: all symbols in one answer, without pages.
`positionAmt` is negative for a short position, in hedge mode `positionSide` says so, too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.core.positions import UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.binance.api import get
from cancelall.venues.payload import Row
from cancelall.venues.positions import (
    SIDES,
    PositionListing,
    PositionPage,
    PositionsModule,
    closed_by,
    of_symbols,
    positions,
    price,
    protective_order,
    side_by_sign,
)

_LISTINGS = {
    "/fapi/v1/openOrders": ("usdm", "/fapi/v3/positionRisk"),
    "/dapi/v1/openOrders": ("coinm", "/dapi/v1/positionRisk"),
    "/eapi/v1/openOrders": ("option", "/eapi/v1/position"),
    "/papi/v1/um/openOrders": ("pm usdm", "/papi/v1/um/positionRisk"),
    "/papi/v1/cm/openOrders": ("pm coinm", "/papi/v1/cm/positionRisk"),
}
"""By the listing of their orders: what they are called, and where they are read."""
_ROLES = {
    "stop": Role.STOP,
    "stop_market": Role.STOP,
    "trailing_stop_market": Role.STOP,
    "take_profit": Role.TAKE_PROFIT,
    "take_profit_market": Role.TAKE_PROFIT,
    "limit": Role.ORDINARY,
}


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """Of each product whose orders were listed."""
    found = []
    for path in dict.fromkeys(request.path for request in orders):
        if path in _LISTINGS:
            name, where = _LISTINGS[path]
            request = get(where, "list positions", priority=Priority.OTHER)
            found.append(PositionListing(name=name, request=request, read=partial(_page, frozenset(options.symbol))))
    return tuple(found)


def _page(symbols: frozenset[str], request: Request, reply: Reply) -> PositionPage:
    """The positions in scope."""
    rows, null = payload.null_or_list({"rows": reply.json}, "rows")
    shown, unsure = positions(rows, _position)
    return PositionPage(positions=of_symbols(shown, symbols), unsure=unsure, null=null)


def _position(row: Row) -> Position:
    size = row.text("positionAmt") or row.text("quantity", needed=True) or UNREADABLE
    symbol = row.text("symbol", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=_side(row, size),
        size=size,
        entry=row.text("entryPrice"),
        mark=row.text("markPrice"),
        unrealised=row.text("unRealizedProfit") or row.text("unrealizedPNL"),
        liquidation=price(row, "liquidationPrice"),
        margin_mode=row.text("marginType"),
        market=symbol,
    )


def _side(row: Row, size: str) -> str:
    """By the side that is named, else by the sign of the size."""
    return SIDES.get((row.text("positionSide") or row.text("side") or "").lower()) or side_by_sign(size)


def protective(order: Order) -> ProtectiveOrder | None:
    """In hedge mode `positionSide` names the position. Spot and margin have none."""
    if order.segment.removeprefix("pm ") not in ("usdm", "coinm", "option"):
        return None
    row = Row(order.row)
    held = (row.text("positionSide") or "").lower()
    whole = row.flag("closePosition") is True
    return protective_order(
        order,
        closes=SIDES.get(held) or closed_by(order),
        role=_ROLES.get(order.type or "", Role.UNKNOWN),
        trigger_price=price(row, "triggerPrice") or price(row, "stopPrice"),
        price=price(row, "price"),
        quantity=None if whole else price(row, "quantity") or price(row, "origQty"),
        reduce_only=row.flag("reduceOnly") if "reduceOnly" in order.row else None,
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
