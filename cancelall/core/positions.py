"""Positions, what protects them, and what a kill has taken from them. Nothing of it is loaded before a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Verdict

LONG, SHORT, UNREADABLE = "long", "short", "?"


class Role(StrEnum):
    """What a protective order does for its position."""

    STOP = "stop"
    """It closes at a loss at most: a stop, a trailing stop, or both legs at once."""
    TAKE_PROFIT = "take-profit"
    """It closes at a profit, and protects from no loss."""
    ORDINARY = "ordinary"
    """It waits for no trigger: a reduce-only limit order."""
    UNKNOWN = "unknown"
    """It waits for a trigger, and its row does not say in which direction: the mark price decides."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """One open position. Every field is the venue's own text; `?` is what cannot be read, None what it does not say."""

    symbol: str = UNREADABLE
    side: str = UNREADABLE
    """`long` or `short`."""
    size: str = UNREADABLE
    entry: str | None = None
    mark: str | None = None
    notional: str | None = None
    unrealised: str | None = None
    liquidation: str | None = None
    margin_mode: str | None = None
    stop_loss: str | None = None
    """The price of a stop-loss that belongs to the position itself: it is no order, and no cancel takes it."""
    take_profit: str | None = None
    """The same of a take-profit."""
    market: str = ""
    """What its orders are matched by: the symbol, and the margin coin where one symbol has several positions."""


@dataclass(frozen=True, kw_only=True)
class ProtectiveOrder:
    """An order that can only shrink a position, with all that is needed to place it again."""

    order_id: str
    client_id: str | None = None
    market: str = ""
    """The market of the position that it shrinks; empty where its row does not say."""
    closes: str = ""
    """The side of that position; empty where its row does not say."""
    role: Role = Role.UNKNOWN
    symbol: str | None = None
    type: str | None = None
    side: str | None = None
    trigger_price: str | None = None
    price: str | None = None
    quantity: str | None = None
    """None also for an order of the whole position."""
    reduce_only: bool | None = None
    row: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The venue's own row of it, as it was listed."""


@dataclass(frozen=True, kw_only=True)
class PositionReport:
    """A position after a run."""

    position: Position
    stops: tuple[ProtectiveOrder, ...] | None = ()
    """Its stop-like orders that are open; None where they could not all be read and none is known."""
    lost_stops: tuple[ProtectiveOrder, ...] = ()
    """The protective orders that this kill has cancelled, where no stop-like order is left; stops stand first."""

    @property
    def has_stop(self) -> bool | None:
        """Whether something closes it at a loss; None: not known."""
        if self.stops or self.position.stop_loss:
            return True
        return None if self.stops is None else False


@dataclass(frozen=True, kw_only=True)
class PositionsReport:
    """The positions of a profile in the scope of a run, as far as they could be read."""

    positions: tuple[PositionReport, ...] = ()
    known: bool = True
    """Whether any listing of positions could be read. Without one, there may be positions."""
    unknown: str = ""
    """Which positions are not known, and why; empty when everything in scope was read."""
    none: str = ""
    """Why there cannot be any: the venue has no positions, or the scope holds none."""
    verdict: Verdict = Verdict.CLEAR
    """What reading them alone is worth: clear, refused, unreachable, unproven."""
    unplaced: tuple[ProtectiveOrder, ...] = ()
    """Stop-like orders that this kill has cancelled, of positions that are not known."""
    requests: int = 0
    """How many were sent for it."""
