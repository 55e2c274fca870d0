"""OKX: the positions of swaps, futures, options and margin, and what an order does for one.

https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-positions - GET /api/v5/account/positions: all in one
answer. In net mode `pos` is negative for a short position; in hedge mode `posSide` tells. Of margin `posCcy` says which
currency is held.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.core.positions import LONG, SHORT, UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues.okx import api
from cancelall.venues.okx.options import DERIVATIVES, OkxOptions, is_of
from cancelall.venues.payload import Row
from cancelall.venues.positions import (
    PositionListing,
    PositionPage,
    PositionsModule,
    closed_by,
    positions,
    protective_order,
    side_by_sign,
)
from cancelall.venues.positions import price as price_of

_PURPOSE = "list positions"
_HELD = (*DERIVATIVES, "MARGIN")
_TRIGGERS = ("slTriggerPx", "triggerPx", "tpTriggerPx", "activePx")


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """One listing of all, narrowed here; none where only spot or spread orders are in scope."""
    types = options.instrument_type
    if not any(one.path.startswith("/api/v5/trade/") for one in orders) or (types and not set(types) & set(_HELD)):
        return ()
    request = replace(api.get("account/positions", "positions", _PURPOSE), priority=Priority.OTHER)
    return (PositionListing(name="positions", request=request, read=partial(_page, options)),)


def _page(options: OkxOptions, request: Request, reply: Reply) -> PositionPage:
    rows, null = api.rows_of(reply)
    shown, unsure = positions([one for one in rows if _in_scope(options, one)], _position)
    return PositionPage(positions=shown, unsure=unsure, null=null)


def _in_scope(options: OkxOptions, entry: object) -> bool:
    """Whether a row is of a position in scope; one that does not tell stays."""
    record = entry if isinstance(entry, dict) else {}
    name, type_ = record.get("instId"), record.get("instType")
    if not (isinstance(name, str) and isinstance(type_, str)):
        return True
    if options.instrument_type and type_ not in options.instrument_type:
        return False
    if options.underlying is not None and not (type_ in DERIVATIVES and is_of(name, options.underlying)):
        return False
    return not options.instrument or name.upper() in options.instrument


def _position(row: Row) -> Position:
    size = row.text("pos", needed=True) or UNREADABLE
    symbol = row.text("instId", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=_side(row, size) if size.strip("-0.") else "",
        size=size,
        entry=row.text("avgPx"),
        mark=row.text("markPx"),
        notional=row.text("notionalUsd"),
        unrealised=row.text("upl"),
        liquidation=row.text("liqPx"),
        margin_mode=row.text("mgnMode"),
        market=symbol,
    )


def _side(row: Row, size: str) -> str:
    """In net mode the sign tells, but of margin the currency that is held: its quantity is never negative."""
    held = (row.text("posSide", needed=True) or "").lower()
    if held in (LONG, SHORT):
        return held
    if held != "net":
        return row.odd("posSide is no side", UNREADABLE)
    currency = row.text("posCcy")
    if row.text("instType") == "MARGIN" and currency:
        return LONG if (row.text("instId") or "").startswith(f"{currency}-") else SHORT
    return side_by_sign(size)


def protective(order: Order) -> ProtectiveOrder | None:
    """TP/SL and trailing stops tell by the price that they have: with a stop-loss it is a stop, as both at once is.
    Of a trigger nobody knows. Spot has no positions.
    """
    row = Row(order.row)
    if row.text("instType") == "SPOT" or order.segment == "spreads":
        return None
    held, kind = (row.text("posSide") or "").lower(), order.kind
    triggers = [price for key in _TRIGGERS if (price := price_of(row, key)) is not None]
    role = Role.UNKNOWN if triggers or not order.row else Role.ORDINARY
    if kind in ("conditional", "oco"):
        role = Role.STOP if price_of(row, "slTriggerPx") or kind == "oco" else Role.TAKE_PROFIT
    elif kind == "move_order_stop":
        role = Role.STOP
    elif row.flag("isTpLimit"):
        role = Role.TAKE_PROFIT
    return protective_order(
        order,
        closes=held if held in (LONG, SHORT) else closed_by(order),
        role=role,
        trigger_price=next(iter(triggers), None),
        price=next((one for key in ("px", "slOrdPx", "tpOrdPx", "ordPx") if (one := _limit(row, key))), None),
        quantity=price_of(row, "sz"),
        reduce_only=row.flag("reduceOnly") if "reduceOnly" in order.row else None,
    )


def _limit(row: Row, key: str) -> str | None:
    """A limit price; -1 stands for the market's."""
    price = price_of(row, key)
    return None if price == "-1" else price


POSITIONS = PositionsModule(listings=listings, protective=protective)
