"""The sorts of order that Pacifica has, and the three places where they live."""

from __future__ import annotations

from ..book import SimOrder

ORDERS = "orders"
TWAP = "twap"
STRATEGIES = "strategies"
"""Segments: what `/orders`, `/orders/twap` and `/order_strategies` list."""

ORDER_TYPES = (
    "limit",
    "market",
    "stop_limit",
    "stop_market",
    "take_profit_limit",
    "stop_loss_limit",
    "take_profit_market",
    "stop_loss_market",
    "take_profit",
    "stop_loss",
)
"""The last two stand alone in the venue's own tests: pacifica-mcp, scripts/smoke-1d.ts."""
STRATEGY_TYPES = ("oco", "conditional", "trailing_stop", "auto_chase", "swarm", "trigger_swarm", "twap")
WAITING = frozenset({"oco", "conditional", "trailing_stop", "trigger_swarm"})
"""Strategies that wait for a price, and place an order when it comes."""

STRATEGIES_AT_MOST = 100
"""Unfinished ones: https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies."""
TWAPS_AT_MOST = 4
"""Per market: https://docs.pacifica.fi/api-documentation/api/rest-api/twap/create-twap-order."""


def is_stop(order: SimOrder) -> bool:
    """Whether `/orders/stop/cancel` is the call for it: stop orders and TP/SL, which `/orders` lists among the rest."""
    return order.segment == ORDERS and order.kind.startswith(("stop_", "take_profit"))
