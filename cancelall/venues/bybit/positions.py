"""Bybit: the positions of linear and inverse contracts and of options, and what an order does for one.

https://bybit-exchange.github.io/docs/v5/position - GET /v5/position/list: `linear` needs a symbol or a settle coin,
`baseCoin` is for options only; at most 200 a page, with a cursor. A unified account's `tradeMode` is always 0: its
margin mode is that of the account, https://bybit-exchange.github.io/docs/v5/account/account-info.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.core.positions import LONG, UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.bybit.api import get, rows_of
from cancelall.venues.bybit.options import LINEAR_COINS
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
_CATEGORIES = ("linear", "inverse", "option")
_NARROWED_BY = ("symbol", "settleCoin", "baseCoin")
_UNTOUCHED = ("spot", "spread")
"""Segments without positions; symbols of spot are those of linear contracts, too."""
_ROLES = {
    "StopLoss": Role.STOP,
    "PartialStopLoss": Role.STOP,
    "TrailingStop": Role.STOP,
    "TakeProfit": Role.TAKE_PROFIT,
    "PartialTakeProfit": Role.TAKE_PROFIT,
}
"""https://bybit-exchange.github.io/docs/v5/enum#stopordertype"""


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """Of each part whose orders were listed. A base coin is looked for among all linear contracts."""
    parts: dict[tuple[tuple[str, str], ...], str] = {}
    for order in orders:
        parameters = dict(parse_qsl(order.query))
        category = parameters.get("category", "")
        if not order.path.startswith("/v5/order/") or category not in _CATEGORIES:
            continue
        narrow = {key: parameters[key] for key in _NARROWED_BY if key in parameters}
        base = narrow.pop("baseCoin", "") if category != "option" else ""
        coins = LINEAR_COINS if category == "linear" and not narrow else ("",)
        for coin in coins:
            more = {**narrow, **({"settleCoin": coin} if coin else {})}
            parts.setdefault(tuple(sorted({"category": category, **more}.items())), base)
    shown = tuple(_listing(dict(part), base) for part, base in parts.items())
    return (*shown, _MARGIN_MODE) if shown else ()


def _listing(values: dict[str, str], base: str) -> PositionListing:
    category = values["category"]
    name = " ".join([category, *(values[key] for key in _NARROWED_BY if key in values)])
    request = get("/v5/position/list", f"positions {category}", _PURPOSE, {**values, "limit": "200"})
    return PositionListing(name=name, request=_last(request), read=partial(_page, base))


def _last(request: Request) -> Request:
    """The same, behind everything that has to do with orders."""
    return replace(request, priority=Priority.OTHER)


def _page(base: str, request: Request, reply: Reply) -> PositionPage:
    rows, page = rows_of(request, reply)
    shown, odd = positions(rows, _position)
    if base:
        shown = tuple(one for one in shown if one.symbol == UNREADABLE or one.symbol.startswith(base))
    following = None if page.next is None else _last(page.next)
    return PositionPage(positions=shown, next=following, unsure=payload.why(page.unsure, odd), null=page.null)


def _position(row: Row) -> Position:
    """An empty position has no side, and an empty `liqPrice` is none within the range of prices."""
    size = row.text("size", needed=True) or UNREADABLE
    symbol = row.text("symbol", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=side_of(row, "side") if size.strip("-0.") else "",
        size=size,
        entry=row.text("avgPrice"),
        mark=row.text("markPrice"),
        notional=row.text("positionValue"),
        unrealised=row.text("unrealisedPnl"),
        liquidation=row.text("liqPrice"),
        margin_mode="isolated" if row.text("tradeMode") == "1" else None,
        market=symbol,
    )


_MODES = {"REGULAR_MARGIN": "cross", "ISOLATED_MARGIN": "isolated", "PORTFOLIO_MARGIN": "portfolio"}


def _margin_mode(request: Request, reply: Reply) -> PositionPage:
    row = Row(payload.as_object(reply.json).get("result"), "result")
    mode = row.text("marginMode")
    return PositionPage(margin_mode=_MODES.get(mode or "", mode))


_MARGIN_MODE = PositionListing(
    name="margin mode",
    request=_last(get("/v5/account/info", "account info", _PURPOSE, {})),
    read=_margin_mode,
    optional=True,
)


def protective(order: Order) -> ProtectiveOrder | None:
    """By its `stopOrderType`; of a conditional order (`Stop`) the trigger's direction says which side of the market it
    waits on: 1 rises to it, 2 falls to it. https://bybit-exchange.github.io/docs/v5/order/open-order
    """
    if order.segment in _UNTOUCHED:
        return None
    row, closes = Row(order.row), closed_by(order)
    kind, trigger, falls = row.text("stopOrderType") or "", price_of(row, "triggerPrice"), row.text("triggerDirection")
    role = _ROLES.get(kind, Role.UNKNOWN if trigger or not order.row else Role.ORDINARY)
    if role is Role.UNKNOWN and closes and falls in ("1", "2"):
        role = Role.STOP if (falls == "2") == (closes == LONG) else Role.TAKE_PROFIT
    return protective_order(
        order,
        closes=closes,
        role=role,
        trigger_price=trigger,
        price=price_of(row, "price"),
        quantity=price_of(row, "qty") or order.quantity,
        reduce_only=row.flag("reduceOnly"),
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
