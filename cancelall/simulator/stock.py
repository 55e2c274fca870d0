"""Stocks: which orders an account is opened with, as a table writes them down.

    STOCK = templates("limit BTC buy; limit ETH sell left=0.6", make)

Entries stand on lines of their own, or apart by `;`. Each calls `make` with its words: `name=TEXT` is an argument by
name, any other one goes by its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .book import SimOrder


def template(
    segment: str,
    symbol: str,
    side: str,
    price: str,
    kind: str,
    extra: Mapping[str, object],
    *,
    left: str = "1",
    reduces: object = False,
) -> SimOrder:
    """The template of an order at this price, or at the market where it is 0."""
    return SimOrder(
        segment=segment,
        symbol=symbol,
        side="buy" if side == "buy" else "sell",
        type="market" if price == "0" else "limit",
        kind=kind,
        price=price,
        remaining=left,
        reduce_only=bool(reduces),
        extra=extra,
    )


def templates(text: str, make: Callable[..., SimOrder]) -> list[SimOrder]:
    """The templates of a table, in its order."""
    return [_made(entry.split(), make) for entry in re.split(r"[;\n]", text) if entry.strip()]


def _made(words: list[str], make: Callable[..., SimOrder]) -> SimOrder:
    named = dict(word.split("=", 1) for word in words if "=" in word)
    return make(*(word for word in words if "=" not in word), **named)
