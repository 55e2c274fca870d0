"""AscendEX: the positions of the futures ledger, with the exits that belong to them, and what an order does for one.

https://ascendex.github.io/ascendex-futures-pro-api-v2/#position - one row for each contract, also of empty ones.
`stopLossPrice` and `takeProfitPrice` belong to the position: they are no orders, and no cancel takes them; "0" is none.
Cash and margin have balances, and no positions.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cancelall.core.model import Order, Priority, Purpose, Reply, Request
from cancelall.core.positions import UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues import payload
from cancelall.venues.ascendex.api import get
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

_ORDERS = "/v2/futures/order/open"


def listings(options: Any, orders: tuple[Request, ...]) -> tuple[PositionListing, ...]:
    """Of the futures ledger, where its orders were listed. The retired path of v1 has no part in it."""
    homes = dict.fromkeys(one.path.removesuffix("/order/open") for one in orders if one.path.endswith(_ORDERS))
    read = partial(_page, frozenset(options.symbol))
    return tuple(
        PositionListing(
            name="futures", request=get(f"{home}/position", Purpose.DISCOVERY, priority=Priority.OTHER), read=read
        )
        for home in homes
    )


def _page(symbols: frozenset[str], request: Request, reply: Reply) -> PositionPage:
    answer = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    entries, null = payload.null_or_list(answer, "contracts")
    shown, unsure = positions(entries, _position)
    ledger = answer.get("ac")
    wrong = "" if ledger is None or str(ledger).lower() == "futures" else "the answer is about another ledger"
    return PositionPage(positions=of_symbols(shown, symbols), unsure=payload.why(unsure, wrong), null=null)


def _position(row: Row) -> Position:
    """`position` is signed: less than 0 is short, whatever `side` says of an empty one."""
    size = row.text("position", needed=True) or UNREADABLE
    symbol = row.text("symbol", needed=True) or UNREADABLE
    return Position(
        symbol=symbol,
        side=side_of(row, "side") if size.strip("-0.") else "",
        size=size,
        entry=row.text("avgOpenPrice"),
        mark=row.text("markPrice"),
        unrealised=row.text("unrealizedPnl"),
        liquidation=row.text("liquidationPrice"),
        margin_mode=row.text("marginType"),
        stop_loss=price_of(row, "stopLossPrice"),
        take_profit=price_of(row, "takeProfitPrice"),
        market=symbol,
    )


def protective(order: Order) -> ProtectiveOrder | None:
    """A reduce-only order with a stop price; its row does not say from which side the price has to come to it."""
    if order.segment != "futures":
        return None
    row = Row(order.row)
    trigger = price_of(row, "stopPrice")
    return protective_order(
        order,
        closes=closed_by(order),
        role=Role.UNKNOWN if trigger or not order.row else Role.ORDINARY,
        trigger_price=trigger,
        price=price_of(row, "price"),
        quantity=order.quantity,
        reduce_only=True if order.row else None,
    )


POSITIONS = PositionsModule(listings=listings, protective=protective)
