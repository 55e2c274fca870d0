"""Stocks: which orders an account is opened with, as a table writes them down, such as a venue's `stock.txt`.

    STOCK = templates("limit BTC buy; limit ETH sell left=0.6", make)

Entries stand on lines of their own, or apart by `;`. Each calls `make` with its words: `name=TEXT` is an argument by
name, any other one goes by its place.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from .book import SimOrder

Extra = Mapping[str, object]


def template(
    segment: str, symbol: str, side: str, price: str, kind: str, extra: Extra, *, left: str = "1", reduces: object = ""
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


def stock(module: str, make: Callable[..., SimOrder], **words: str) -> list[SimOrder]:
    """The templates in `stock.txt` next to this module's file, with these words for what stands in braces there."""
    text = Path(module).with_name("stock.txt").read_text(encoding="utf-8")
    return templates(text.format(**words), make)


def templates(text: str, make: Callable[..., SimOrder]) -> list[SimOrder]:
    """The templates of a table, in its order."""
    entries = (entry.split() for entry in re.split(r"[;\n]", text) if entry.strip())
    return [
        make(*(word for word in words if "=" not in word), **dict(word.split("=", 1) for word in words if "=" in word))
        for words in entries
    ]
