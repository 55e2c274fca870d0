"""The parts of an account and the sorts of order that Bitget has.

https://www.bitget.com/api-doc/contract/plan/Cancel-Plan-Order and .../get-orders-plan-pending (as of 2025-12-05): a
plan order is listed under one of three words and cancelled under its own.
"""

from collections.abc import Mapping

FUTURES = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
SPOT = "SPOT"
CATEGORIES = (SPOT, "MARGIN", *FUTURES)
"""What a unified account calls its parts."""
MARGIN_MODES = ("crossed", "isolated")
"""The two margin accounts of a classic account."""

NORMAL, TPSL, TRIGGER = "normal", "tpsl", "trigger"
CLOSING_PLANS = ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan")
OPENING_PLANS = ("normal_plan", "track_plan")
LISTED_UNDER: Mapping[str, str] = {
    **{plan: plan for plan in OPENING_PLANS},
    **dict.fromkeys(CLOSING_PLANS, "profit_loss"),
}
"""A plan order's own `planType` to the word that lists it."""

OCO, TRAILING, ICEBERG, TWAP = "oco", "trailing_stop", "iceberg", "twap"
YOUNG_TYPES = (OCO, TRAILING, ICEBERG, TWAP)
"""Rows of these tell their type."""
STRATEGY_TYPES = (TPSL, TRIGGER, *YOUNG_TYPES)
"""Only the first is on the pages of 2025-12-05; of the others clients know (tiagosiebler/bitget-api)."""


def plan_segment(part: str) -> str:
    """Where the plan orders of a product type, or of spot, rest."""
    return f"{part} plan"


def unified_segment(category: str) -> str:
    return f"unified {category}"


def strategy_segment(category: str) -> str:
    return f"unified {category} strategy"


SPOT_PLANS = plan_segment(SPOT)
UNIFIED, STRATEGIES = tuple(map(unified_segment, CATEGORIES)), tuple(map(strategy_segment, CATEGORIES))
