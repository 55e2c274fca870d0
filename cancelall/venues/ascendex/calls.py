"""AscendEX: the requests, unsigned."""

from __future__ import annotations

import json
from urllib.parse import quote

from cancelall.core.model import Order, Priority, Request
from cancelall.venues.ascendex.options import Ledger

BATCH = 10
"""Orders in one batch, at most: https://ascendex.github.io/ascendex-futures-pro-api-v2/#cancel-batch-orders"""
SINGLY = 5
"""So many orders go one by one, the venue's own liquidations first, and only the others in batches: a batch fails as a
whole if one of its orders fails the venue's check, and would every time it is sent."""
IDS = 50
"""Ids in one read of final states. The documents name no limit."""
RECENT = 1000
"""Orders in the read of what has ended lately. How many the venue keeps at hand is not documented."""


def home_of(group: int, ledger: Ledger, futures_api: str = "v2") -> str:
    """Where a ledger's calls live."""
    return f"/{group}/api/pro/{futures_api if ledger == 'futures' else 'v1'}/{ledger}"


def delete(path: str, body: object, priority: Priority) -> Request:
    """A DELETE always has a JSON body: cancel-all had a bug without one (change log of 2021-03-03)."""
    text = json.dumps(body, separators=(",", ":"))
    return Request(method="DELETE", path=path, body=text.encode(), changes=True, priority=priority, bucket="cancels")


def get(path: str, query: str = "", priority: Priority = Priority.LISTING, *, signed: bool = True) -> Request:
    """A read; symbol lists are public and go unsigned."""
    return Request(method="GET", path=path, query=query, signed=signed, priority=priority, bucket="reads")


def cancels(
    home: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels by name; the venue wants the symbol, too. `time` is added when they are signed."""
    named = tuple(sorted((order for order in orders if order.symbol), key=lambda order: not order.origin))
    batches = tuple(
        (delete(f"{home}/order/batch", {"orders": [_name(one) for one in chunk]}, Priority.CANCEL), chunk)
        for chunk in chunks(named[SINGLY:], BATCH)
    )
    return singly(home, named[:SINGLY], others) + batches


def singly(
    home: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """The same, one order a request: for a batch that failed as a whole, and where there are no batches."""
    return tuple((delete(f"{home}/order", _name(order), Priority.CANCEL), (order,)) for order in orders if order.symbol)


def _name(order: Order) -> dict[str, str | None]:
    return {"orderId": order.id, "symbol": order.symbol}


def final_states(home: str, orders: tuple[Order, ...]) -> tuple[Request, ...]:
    """What has ended lately, since no answer to a cancel names anything, and the records of orders that were seen.

    The comma behind the last id makes the answer a list, even of one.
    """
    records = (quote("".join(f"{order.id}," for order in chunk)) for chunk in chunks(orders, IDS))
    return (
        get(f"{home}/order/hist/current", f"n={RECENT}", Priority.OTHER),
        *(get(f"{home}/order/status", f"orderId={ids}", Priority.OTHER) for ids in records),
    )


def chunks(orders: tuple[Order, ...], size: int) -> tuple[tuple[Order, ...], ...]:
    return tuple(orders[start : start + size] for start in range(0, len(orders), size))
