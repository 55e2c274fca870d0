"""Pacifica: the positions of an account, their mark prices, and what an order does for one.

https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-positions - all in one answer; `side` is bid or ask,
and neither mark price nor result is in it. The marks come from the public prices,
https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from cancelall.core.model import Order, Priority, Purpose, Reply, Request
from cancelall.core.positions import LONG, SHORT, UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.pacifica.api import get
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
    """Two reads: what they cost in credits is not documented, and what is kept for a proof holds them up."""
    if not orders:
        return ()
    held, prices = get("/positions", options, Purpose.DISCOVERY), get("/info/prices", None, Purpose.DISCOVERY)
    read = partial(_page, frozenset(options.symbol))
    return (
        PositionListing(name="perpetuals", request=replace(held, priority=Priority.OTHER), read=read),
        PositionListing(name="prices", request=replace(prices, priority=Priority.OTHER), read=_marks, optional=True),
    )


def _page(symbols: frozenset[str], request: Request, reply: Reply) -> PositionPage:
    answer = Row(reply.json, "answer")
    entries, null = payload.null_or_list(answer.record, "data")
    shown, odd = positions(entries, _position)
    more = "the venue has more than it lists" if answer.flag("has_more") or answer.text("next_cursor") else ""
    return PositionPage(positions=of_symbols(shown, symbols), unsure=payload.why(odd, more), null=null)


def _position(row: Row) -> Position:
    size = row.text("amount", needed=True) or UNREADABLE
    symbol, isolated = row.text("symbol", needed=True) or UNREADABLE, row.flag("isolated")
    return Position(
        symbol=symbol,
        side=side_of(row, "side") if size.strip("-0.") else "",
        size=size,
        entry=row.text("entry_price"),
        liquidation=row.text("liquidation_price"),
        margin_mode=UNREADABLE if isolated is None else "isolated" if isolated else "cross",
        market=symbol,
    )


def _marks(request: Request, reply: Reply) -> PositionPage:
    """One odd row hides no other one."""
    entries = payload.as_list(payload.as_object(reply.json).get("data"), "data")
    rows = (Row(entry) for entry in entries if isinstance(entry, dict))
    marks = ((row.name("symbol"), row.name("mark")) for row in rows)
    return PositionPage(marks={symbol: mark for symbol, mark in marks if symbol and mark})


def protective(order: Order) -> ProtectiveOrder | None:
    """By the type: `stop…` and trailing stops are stops, `take_profit…` is none, an OCO holds both. On spot, named
    BASE-QUOTE, there are no positions. Of a strategy the definition holds the prices:
    https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/strategy-parameters
    """
    if "-" in (order.symbol or ""):
        return None
    row, kind, closes = Row(order.row), order.type or "", closed_by(order)
    definition = order.row.get("definition")
    parameters = definition.get("params") if isinstance(definition, dict) else None
    trigger = price_of(row, "stop_price") or (_trigger(parameters, closes) if isinstance(parameters, dict) else None)
    role = Role.UNKNOWN if trigger or not order.row else Role.ORDINARY
    if kind.startswith("stop") or kind in ("trailing_stop", "oco"):
        role = Role.STOP
    elif kind.startswith("take_profit"):
        role = Role.TAKE_PROFIT
    return protective_order(
        order,
        closes=closes,
        role=role,
        trigger_price=trigger,
        price=price_of(row, "price") or price_of(row, "initial_price"),
        quantity=order.quantity,
        reduce_only=row.flag("reduce_only") if "reduce_only" in order.row else None,
    )


def _trigger(parameters: Mapping[str, Any], closes: str) -> str | None:
    """The price at which a strategy acts; of two legs the one that is a stop: the lower one for a long position."""
    legs = parameters.get("legs")
    parts = [parameters, *(leg for leg in (legs if isinstance(legs, list) else ()) if isinstance(leg, dict))]
    prices = [price for part in parts if (price := price_of(Row(part), "trigger_price")) not in (None, UNREADABLE)]
    return min(prices, key=partial(_lower_first, closes), default=None)


def _lower_first(closes: str, price: str) -> Decimal:
    try:
        number = Decimal(price)
    except InvalidOperation:
        return Decimal(0)
    if not number.is_finite():
        return Decimal(0)
    return {LONG: number, SHORT: -number}.get(closes, Decimal(0))


POSITIONS = PositionsModule(listings=listings, protective=protective)
