"""Paging as Bitget does it: from the newest to the oldest, each page the orders with an id below the last one's.

The id to go on with stands in every answer that has orders, on the last page too; a client stops at a short or empty
page. https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending (as of 2025-12-05).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..book import SimOrder
from .answers import Refused

LIMIT_MAX = 100
WINDOW_MS = 90 * 24 * 3_600_000
"""The widest span between startTime and endTime: three months."""


def page_of(
    orders: Sequence[SimOrder],
    parameters: Mapping[str, str],
    *,
    name: str,
    default: int = LIMIT_MAX,
    loop: bool = False,
) -> tuple[list[SimOrder], bool]:
    """The page that is asked for, of orders from the newest to the oldest, and whether there are more.

    `name` is the parameter that holds the id to go on with. With `loop`, every page is the first one.
    """
    limit = number(parameters, "limit", default)
    if not 1 <= limit <= LIMIT_MAX:
        raise Refused("40020", "Parameter limit error")
    below = 0 if loop else number(parameters, name, 0)
    left = [order for order in orders if not below or int(order.id) < below]
    return left[:limit], len(left) > limit


def in_window(orders: Sequence[SimOrder], parameters: Mapping[str, str]) -> list[SimOrder]:
    """The orders created between startTime and endTime, where these are given."""
    start, end = number(parameters, "startTime", 0), number(parameters, "endTime", 0)
    if start and end and not 0 <= end - start <= WINDOW_MS:
        raise Refused("40017", "Parameter verification failed startTime endTime")
    return [order for order in orders if start <= order.created_ms and (not end or order.created_ms <= end)]


def number(parameters: Mapping[str, str], name: str, default: int) -> int:
    """A whole number among the parameters."""
    value = parameters.get(name) or str(default)
    if not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise Refused("40020", f"Parameter {name} error")
    return int(value)
