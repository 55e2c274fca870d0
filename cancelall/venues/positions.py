"""The contract of a venue's module `positions`, and how its rows are read. Loaded after a verdict only.

Each venue has a module `positions` that ends with `POSITIONS = PositionsModule(...)`. It is as pure as the rest of the
venue. Its requests only read, and follow from the listings of open orders of the scope, so that both are about the same
part of the account. CONTRIBUTING.md says how a venue is added.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic, TypeVar

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Reply, Request
from cancelall.core.positions import LONG, SHORT, UNREADABLE, Position, ProtectiveOrder, Role
from cancelall.venues.payload import Row

O = TypeVar("O")  # noqa: E741 - the venue's options


@dataclass(frozen=True, kw_only=True)
class PositionPage:
    """What one answer shows."""

    positions: tuple[Position, ...] = ()
    next: Request | None = None
    unsure: str = ""
    """Why these may not be all, or not all that matters of them could be read; empty when nothing is odd."""
    null: bool = False
    """A null stands in the place of a documented array: empty if the same request has it twice."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """Mark prices by symbol, where the venue has a listing of their own for them."""
    margin_mode: str | None = None
    """That of the account, for positions whose rows do not say it."""


@dataclass(frozen=True, kw_only=True)
class PositionListing:
    """A listing of positions, or of what their rows lack."""

    name: str
    """The product, in words that are shown."""
    request: Request
    """Of its first page."""
    read: Callable[[Request, Reply], PositionPage]
    """Raises Unreadable."""
    optional: bool = False
    """It shows no positions: without it a column stays empty."""


@dataclass(frozen=True, kw_only=True)
class PositionsModule(Generic[O]):
    """How the positions of one venue are read."""

    listings: Callable[[O, tuple[Request, ...]], tuple[PositionListing, ...]] = lambda options, orders: ()
    """Options, and the first pages of the scope's open orders, to the listings of positions."""
    protective: Callable[[Order], ProtectiveOrder | None] = lambda order: None
    """What a protective order does for a position; None for one of a product without positions."""
    none: str = ""
    """Why the venue has no positions, in words."""


def load_positions(name: str) -> PositionsModule[Any]:
    """The positions of the venue with this module name."""
    module: PositionsModule[Any] = importlib.import_module(f"cancelall.venues.{name}.positions").POSITIONS
    return module


SIDES = {"buy": LONG, "long": LONG, "bid": LONG, "sell": SHORT, "short": SHORT, "ask": SHORT}
"""The words of all venues for the side of a position."""


def side_of(row: Row, key: str) -> str:
    """The side of a position; `?` where it cannot be read, which is odd."""
    text = (row.text(key, needed=True) or "").lower()
    return SIDES.get(text) or row.odd(f"{key} is no side", UNREADABLE)


def side_by_sign(size: str) -> str:
    """The side of a position whose size is negative when it is short; empty for none."""
    if size == UNREADABLE:
        return UNREADABLE
    if not size.strip("-0."):
        return ""
    return SHORT if size.startswith("-") else LONG


def closed_by(order: Order) -> str:
    """The side of the position that an order closes by its own side: a sell closes a long one."""
    return {"buy": SHORT, "sell": LONG}.get(order.side or "", "")


def protective_order(
    order: Order,
    *,
    closes: str,
    role: Role,
    trigger_price: str | None,
    price: str | None,
    quantity: str | None,
    reduce_only: bool | None,
    market: str | None = None,
) -> ProtectiveOrder:
    """An order with what its row tells of it; its market is its symbol unless it is named."""
    return ProtectiveOrder(
        order_id=order.id,
        client_id=order.client_id,
        market=(order.symbol or "") if market is None else market,
        closes=closes,
        role=role,
        symbol=order.symbol,
        type=order.type,
        side=order.side,
        trigger_price=trigger_price,
        price=price,
        quantity=quantity,
        reduce_only=reduce_only,
        row=order.row,
    )


def price(row: Row, key: str) -> str | None:
    """A price as the venue writes it; None where it says that there is none, in any of its ways to write zero."""
    value = row.text(key)
    return None if value is None or not value.strip("0.") else value


def of_symbols(shown: Iterable[Position], symbols: Collection[str]) -> tuple[Position, ...]:
    """The positions of these symbols, or all where none is selected; one whose symbol cannot be read stays."""
    return tuple(one for one in shown if not symbols or one.symbol == UNREADABLE or one.symbol in symbols)


def positions(entries: Iterable[object], read: Callable[[Row], Position]) -> tuple[tuple[Position, ...], str]:
    """The open positions of a page's rows, and why they may not be all.

    A row stays whatever is odd in it, unless it says that the position is empty. Only what decides whose position it is
    makes the page unsure: symbol, side and size.
    """
    shown: list[Position] = []
    odd = 0
    for entry in entries:
        try:
            row = Row(entry, "position")
        except Unreadable:
            odd += 1
            continue
        position = read(row)
        if not position.size.strip("-0."):
            continue
        odd += UNREADABLE in (position.symbol, position.side, position.size)
        shown.append(position)
    return tuple(shown), f"{odd} position(s) cannot be read" if odd else ""
