"""Strategies that run on Bybit's side and place orders of their own: TWAP, chase, iceberg, POV.

https://bybit-exchange.github.io/docs/v5/strategy/strategy-list and .../stop-strategy (as of 2026-07-24). A running
strategy whose child order is cancelled places another: whoever sweeps orders without stopping strategies never comes to
an end.
"""

from dataclasses import replace

from ..book import Account, SimOrder
from ..refusals import Refused
from ..routes import Call
from ..rows import Table
from ..stock import template
from .instruments import ORDINARY
from .listing import counted, refuse_continued
from .state import PAUSED, RUNNING, TERMINATED, TERMINATED_WITH_ORDERS, UNTRIGGERED, Answer, State, Strategy

_NEXT_CHILD_MS = 200
_PAGE_MAX = 50
_SELECTORS = ("strategyId", "symbol", "status", "category", "strategyType")
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
# Unlike an order's, a strategy's status is a number.
_ROW = Table(
    """side=Buy size=10 executedSize=1 reduceOnly=#false strategyId=.id category symbol strategyType=.type status
    triggerPrice=.trigger_price createdTimeE3=.created_text""",
    {"trigger_price": lambda strategy, _: "50000" if strategy.status == UNTRIGGERED else ""},
)
_SEGMENTS = {"UTA_USDT": "linear", "UTA_USDC": "linear", "UTA_SPOT": "spot", "UTA_INVERSE": "inverse"}


def stock_strategies(venue: State, account: Account, with_orders: int) -> None:
    """Strategies of every type and state; so many of them have a child order resting."""
    now_ms = venue.now_ms()
    for kind, mark, category, symbol, status, has_order in _STOCK:
        if has_order and with_orders <= 0:
            continue
        strategy = Strategy(venue.uuid(), now_ms - 3_600_000, kind, mark, category, symbol, status)
        venue.strategies[account.key][strategy.id] = strategy
        if has_order:
            with_orders -= 1
            _place_child(venue, account, strategy, now_ms - 60_000 - with_orders)


def _place_child(venue: State, account: Account, strategy: Strategy, when_ms: int) -> None:
    marks = {"createType": strategy.create_type, "strategy": strategy.id}
    child = template(_SEGMENTS[strategy.category], strategy.symbol, "buy", "50000", ORDINARY, marks)
    venue.place(account, child.placed(venue.new_id(child), when_ms))


def child_cancelled(venue: State, account: Account, order: SimOrder) -> None:
    """A running strategy replaces a child order that was cancelled, a moment later and if it is still running then."""
    strategy_id = order.extra.get("strategy")
    if not isinstance(strategy_id, str):
        return

    def replace_child(due_ms: int) -> None:
        strategy = venue.strategies[account.key].get(strategy_id)
        if strategy and strategy.status == RUNNING:
            _place_child(venue, account, strategy, due_ms)

    venue.later(order.updated_ms + _NEXT_CHILD_MS, replace_child)


def strategy_list(venue: State, call: Call) -> Answer:
    """Pages hold 20 unless told otherwise, and the cursor of the last one is empty."""
    query, loop = call.query, venue.fault("cursor-loop", call.request) is not None
    rows = [_ROW(each, venue.to_server) for each in venue.strategies[call.account.key].values()]
    meant = [row for row in rows if all(query.get(name, str(row[name])) == str(row[name]) for name in _SELECTORS)]
    page = counted(call, meant, "pageSize", "20", _PAGE_MAX, loop=loop)
    refuse_continued(venue, call)
    cursor = str(page.end) if loop or page.more else ""
    return Answer(result={"list": page.items, "nextCursor": cursor}, message="SUCCESS")


def stop_strategy(venue: State, call: Call) -> Answer:
    """Ends it and its orders. Only running and untriggered ones are said to be stoppable; here paused ones, too."""
    strategies = venue.strategies[call.account.key]
    strategy = strategies.get(str(call.payload.get("strategyId")))
    if strategy is None:
        raise Refused(60065, "Strategy not found")
    if not strategy.alive:
        raise Refused(60074, "strategy has been stopped")
    children = [order for order in call.account.book.open() if order.extra.get("strategy") == strategy.id]
    if not venue.cancel(call.account, children, call.request).ignored:
        strategies[strategy.id] = replace(strategy, status=TERMINATED)
    return Answer(result={"strategyId": strategy.id}, message="SUCCESS")
