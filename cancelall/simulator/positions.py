"""Positions of a fake venue's accounts: each order that closes something has something to close.

There is no matching and no margin: of what an account's protective orders would close it holds one each, at made-up
prices round the stock's triggers, and a last one that nothing protects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .book import Account, SimOrder


@dataclass(frozen=True, kw_only=True)
class SimPosition:
    """A position as no venue in particular has it."""

    symbol: str
    long: bool
    segment: str = ""
    """That of the orders that close it."""
    coin: str = ""
    """Its margin coin, where a symbol has several."""
    size: str = "0.5"

    @property
    def signed(self) -> str:
        """Its size, negative for a short one."""
        return self.size if self.long else f"-{self.size}"

    @property
    def entry(self) -> str:
        """The average price of its opening. The stock's triggers wait at 90 and 95."""
        return "100" if self.long else "80"

    @property
    def mark(self) -> str:
        """The mark price: a stop at 90 lies on the right side of it."""
        return "101" if self.long else "79"

    @property
    def liquidation(self) -> str:
        """Where it would be closed by the venue."""
        return "50" if self.long else "120"


def held(
    account: Account, closes: Callable[[SimOrder], SimPosition | None], bare: SimPosition | None = None
) -> Iterator[SimPosition]:
    """The positions of an account that has, or had, orders: what they close, and one that nothing protects."""
    orders = [*account.book.open(), *account.book.closed()]
    positions = dict.fromkeys(one for order in orders if (one := closes(order)) is not None)
    if orders and bare is not None and bare not in positions:
        positions[bare] = None
    yield from sorted(positions, key=lambda one: (one.symbol, one.coin, one.long))
