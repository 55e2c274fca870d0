"""Strategies that run on Bybit's side and place orders of their own: TWAP, chase, iceberg, POV.

https://bybit-exchange.github.io/docs/v5/strategy/strategy-list and .../stop-strategy (as of 2026-07-24). A running
strategy whose child order is cancelled places another: whoever sweeps orders without stopping strategies never comes to
an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused
from .pages import odd_first, refuse_continued

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

RUNNING, TERMINATED, TERMINATED_WITH_ORDERS, PAUSED, UNTRIGGERED = 2, 3, 4, 5, 6
_STOPPABLE = (RUNNING, PAUSED, UNTRIGGERED)
_NEXT_CHILD_MS = 200
_PAGE_MAX = 50


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One strategy of an account."""

    id: str
    type: str
    create_type: str
    category: str
    symbol: str
    status: int
    created_ms: int

    @property
    def alive(self) -> bool:
        """Whether it can still place orders."""
        return self.status in _STOPPABLE

    def row(self, created_ms: int) -> dict[str, object]:
        """The strategy as `strategy/list` shows it; unlike an order's, its status is a number."""
        return {
            "strategyId": self.id,
            "category": self.category,
            "symbol": self.symbol,
            "side": "Buy",
            "size": "10",
            "strategyType": self.type,
            "status": self.status,
            "executedSize": "1",
            "reduceOnly": False,
            "triggerPrice": "50000" if self.status == UNTRIGGERED else "",
            "createdTimeE3": str(created_ms),
        }


# Type, createType of its orders, category, symbol, status, and whether an order of it rests. None runs on linear
# contracts: there a sweep of one settle coin alone, the example that everybody tries first, would never come to an end.
_STOCK = (
    ("twap", "CreateByTWAP", "UTA_SPOT", "ETHUSDT", RUNNING, True),
    ("chaseOrder", "CreateByChaseOrder", "UTA_INVERSE", "ETHUSD", RUNNING, True),
    ("iceberg", "CreateByIceBerg", "UTA_INVERSE", "ETHUSD", RUNNING, True),
    ("pov", "CreateByPOV", "UTA_SPOT", "BTCUSDT", RUNNING, True),
    ("twap", "CreateByTWAP", "UTA_INVERSE", "BTCUSD", TERMINATED_WITH_ORDERS, True),
    ("chaseOrder", "CreateByChaseOrder", "UTA_USDT", "SOLUSDT", UNTRIGGERED, False),
    ("iceberg", "CreateByIceBerg", "UTA_USDT", "XRPUSDT", PAUSED, False),
)
_SEGMENTS = {"UTA_USDT": "linear", "UTA_USDC": "linear", "UTA_SPOT": "spot", "UTA_INVERSE": "inverse"}


def stock_strategies(venue: Bybit, account: Account, with_orders: int) -> None:
    """Strategies of every type and state; so many of them have a child order resting."""
    now_ms = venue.now_ms()
    for kind, create_type, category, symbol, status, has_order in _STOCK:
        if has_order and with_orders <= 0:
            continue
        strategy = Strategy(
            id=venue.uuid(),
            type=kind,
            create_type=create_type,
            category=category,
            symbol=symbol,
            status=status,
            created_ms=now_ms - 3_600_000,
        )
        venue.strategies_of(account)[strategy.id] = strategy
        if has_order:
            with_orders -= 1
            _place_child(venue, account, strategy, now_ms - 60_000 - with_orders)


def _place_child(venue: Bybit, account: Account, strategy: Strategy, when_ms: int) -> None:
    segment = _SEGMENTS[strategy.category]
    venue.place(
        account,
        SimOrder(
            id=venue.order_id(segment),
            symbol=strategy.symbol,
            segment=segment,
            kind=kinds.PLAIN,
            price="50000",
            created_ms=when_ms,
            updated_ms=when_ms,
            extra={"createType": strategy.create_type, "strategy": strategy.id},
        ),
    )


def child_cancelled(venue: Bybit, account: Account, order: SimOrder) -> None:
    """A running strategy replaces a child order that was cancelled, a moment later and if it is still running then."""
    strategy_id = order.extra.get("strategy")
    if not isinstance(strategy_id, str) or venue.lacks("strategy"):
        return

    def replace_child(due_ms: int) -> None:
        strategy = venue.strategies_of(account).get(strategy_id)
        if strategy and strategy.status == RUNNING:
            _place_child(venue, account, strategy, due_ms)

    venue.later(order.updated_ms + _NEXT_CHILD_MS, replace_child)


def strategy_list(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/strategy/list`. Pages hold 20 unless told otherwise, and the cursor of the last one is empty."""
    parameters = request.parameters()
    found = [each for each in venue.strategies_of(account).values() if _meets(each, parameters)]
    size, start = parameters.get("pageSize", "20"), parameters.get("cursor", "") or "0"
    if not (size.isdecimal() and 1 <= int(size) <= _PAGE_MAX and start.isdecimal()):
        raise Refused(10001, "params error: pageSize or cursor is invalid")
    refuse_continued(venue, request)
    if venue.fault("cursor-loop", request):
        start = "0"
        end = int(size)
        more = True
    else:
        end = int(start) + int(size)
        more = end < len(found)
    rows = [each.row(venue.to_server(each.created_ms)) for each in found[int(start) : end]]
    rows = odd_first(venue, rows, request)
    return Answer(result={"list": rows, "nextCursor": str(end) if more else ""}, message="SUCCESS")


def _meets(strategy: Strategy, parameters: Mapping[str, str]) -> bool:
    cells = {
        "strategyId": strategy.id,
        "symbol": strategy.symbol,
        "status": str(strategy.status),
        "category": strategy.category,
        "strategyType": strategy.type,
    }
    return all(parameters.get(name, value) == value for name, value in cells.items())


def stop_strategy(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/strategy/stop`: ends it for good and cancels its orders.

    Only running and untriggered ones are said to be stoppable; here a paused one is too.
    """
    strategy_id = venue.body(request).get("strategyId")
    strategies = venue.strategies_of(account)
    strategy = strategies.get(str(strategy_id))
    if strategy is None:
        raise Refused(60065, "Strategy not found")
    if not strategy.alive:
        raise Refused(60074, "strategy has been stopped")
    children = [order for order in account.book.open() if order.extra.get("strategy") == strategy.id]
    if not venue.cancel(account, children, request).ignored:
        strategies[strategy.id] = replace(strategy, status=TERMINATED)
    return Answer(result={"strategyId": strategy.id}, message="SUCCESS")
