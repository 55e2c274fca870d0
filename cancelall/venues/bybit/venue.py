"""Bybit: what its calls make together, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable

from cancelall.venues.bybit.discovery import discoveries, doubts
from cancelall.venues.bybit.judging import judge
from cancelall.venues.bybit.options import HOSTS, LINEAR_COINS, Facts, Options, selected
from cancelall.venues.bybit.scope import segments
from cancelall.venues.bybit.signing import account, check_secrets, sign
from cancelall.venues.contract import Limit, Venue


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """What no call of the API reaches, or only with more than a cancel: closing a bot also closes its positions.

    https://bybit-exchange.github.io/docs/v5/bot and https://bybit-exchange.github.io/docs/v5/tradfi-integration
    """
    chosen = selected(options)
    found = ["trading bots (grid, DCA, martingale)", "RFQs and quotes", "TradFi (MT5) orders"]
    found += ["RWA stock orders (no call lists them)", "Event Contracts (their makers' orders)"]
    if "strategy" not in chosen or environment == "demo":
        found.insert(0, "running strategies (TWAP, iceberg, chase, POV)")
    if options.settle_coin in LINEAR_COINS and "option" not in chosen:
        found.append(f"options settled in {options.settle_coin}")
    if options.base_coin and not options.category:
        found.append("spot and spread orders (no base-coin filter there)")
    if not any((options.category, options.symbol, options.base_coin, options.settle_coin, options.order_filter)):
        found.append("linear contracts settled in a coin besides USDT and USDC (none is documented)")
    if environment == "demo" and "spread" in chosen:
        found.append("spread orders (not in demo trading)")
    return tuple(found)


def _limits() -> Iterable[tuple[str, Limit]]:
    """https://bybit-exchange.github.io/docs/v5/rate-limit (defaults, per user and second, rolling)."""
    for call in ("cancel-all", "cancel", "cancel-batch"):
        yield f"{call} futures", Limit(count=10)
        yield f"{call} spot", Limit(count=20)
        yield f"{call} option", Limit(count=1 if call == "cancel-all" else 10)
    for product in ("futures", "spot", "option"):
        yield f"realtime {product}", Limit(count=50)
    for category in ("linear", "inverse", "spot", "option"):
        yield f"history {category}", Limit(count=25)
    yield "spread cancel-all", Limit(count=5)
    yield "spread cancel", Limit(count=5)
    yield "spread realtime", Limit(count=50)
    yield "strategy list", Limit(count=50)
    yield "strategy stop", Limit(count=10)
    yield "query-api", Limit(count=10)


VENUE = Venue(
    facts=Facts(),
    segments=segments,
    discoveries=discoveries,
    doubts=doubts,
    learn_mode=lambda facts, mode: facts,
    sign=sign,
    check_secrets=check_secrets,
    judge=judge,
    account=account,
    not_covered=not_covered,
    proof_gap=1.0,
    limits=dict(_limits()),
    address_limit=Limit(count=600, seconds=5.0),
    late_ms=lambda options: options.recv_window,
    alternates={HOSTS["live"]: "https://api.bytick.com"},  # https://bybit-exchange.github.io/docs/v5/guide
    clock_lead_ms=200,
)
