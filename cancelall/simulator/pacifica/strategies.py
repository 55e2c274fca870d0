"""Order strategies: rules that Pacifica runs on its side and that place orders of their own.

https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies. A chase whose order is cancelled places
another (not documented: assumed), and one that waits for a price places its order when the fault `trigger` says that
the price has come: whoever sweeps orders without stopping strategies never comes to an end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .markets import MARKETS

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica

_NEXT_CHILD_MS = 200


def running(account: Account, strategy_id: object) -> bool:
    """Whether this strategy can place orders now."""
    return (
        isinstance(strategy_id, str)
        and (strategy := account.book.find(strategy_id)) is not None
        and strategy.status == "open"
        and strategy.extra.get("lifecycle") == "open"
    )


def place_child(venue: Pacifica, account: Account, strategy: SimOrder, when_ms: int) -> SimOrder:
    """An order that a strategy places."""
    return venue.place(
        account,
        SimOrder(
            id=venue.order_id(),
            symbol=strategy.symbol,
            segment=kinds.ORDERS,
            side=strategy.side,
            kind="limit",
            price=MARKETS[strategy.symbol].price,
            reduce_only=strategy.reduce_only,
            created_ms=when_ms,
            updated_ms=when_ms,
            extra={"strategy": strategy.id},
        ),
    )


def child_cancelled(venue: Pacifica, account: Account, order: SimOrder) -> None:
    """A running chase replaces an order of its own that was cancelled, a moment later if it is still running then."""
    strategy_id = order.extra.get("strategy")

    def replace_child(due_ms: int) -> None:
        strategy = account.book.find(str(strategy_id))
        if strategy and strategy.kind == "auto_chase" and running(account, strategy_id):
            place_child(venue, account, strategy, due_ms)

    if running(account, strategy_id):
        venue.later(order.updated_ms + _NEXT_CHILD_MS, replace_child)


def trigger_later(venue: Pacifica, account: Account, request: SimRequest) -> None:
    """With the fault `trigger`, the price comes that every waiting strategy waits for: each places its order."""
    fault = venue.fault("trigger", request)
    if fault is None:
        return

    def trigger(due_ms: int) -> None:
        for strategy in [each for each in account.book.open(kinds.STRATEGIES) if each.kind in kinds.WAITING]:
            if running(account, strategy.id):
                account.book.close(strategy.id, "filled", due_ms)
                place_child(venue, account, strategy, due_ms)

    venue.later(venue.now_ms() + round(fault.number * 1000), trigger)
