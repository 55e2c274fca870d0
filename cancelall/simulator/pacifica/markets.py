"""Pacifica's markets, and an account full of orders of every kind that it has.

Symbols are case-sensitive: https://docs.pacifica.fi/api-documentation/api/market-symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

from ..book import SimOrder
from ..rows import fixed
from . import kinds


@dataclass(frozen=True)
class Market:
    """One market; spot ones are named BASE-QUOTE."""

    symbol: str
    price: str
    tick: str = "0.01"

    def row(self) -> dict[str, object]:
        """As `GET /info` has it: https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info."""
        spot = "-" in self.symbol
        rate = "0" if spot else "0.0000125"
        return {
            "symbol": self.symbol,
            "tick_size": self.tick,
            **fixed("min_tick=0 max_tick=1000000 lot_size=0.00001 isolated_only=#false"),
            **fixed("min_order_size=10 max_order_size=5000000 created_at=#1748881333944"),
            "max_leverage": 1 if spot else 50,
            "funding_rate": rate,
            "next_funding_rate": rate,
            "instrument_type": "spot" if spot else "perpetual",
            "base_asset": self.symbol.partition("-")[0],
        }


MARKETS = {
    market.symbol: market
    for market in (
        Market("BTC", "60000", "1"),
        Market("ETH", "2500"),
        Market("SOL", "120"),
        Market("XRP", "0.5", "0.0001"),
        Market("HYPE", "30"),
        Market("XPL", "1.0865", "0.0001"),
        Market("URNM", "50"),
        Market("kBONK", "0.02", "0.00001"),
        Market("kPEPE", "0.01", "0.00001"),
        Market("SOL-USDC", "119"),
        Market("BTC-USDC", "59900", "1"),
    )
}


def _limit(symbol: str = "BTC", **extra: object) -> SimOrder:
    price = MARKETS[symbol].price
    return SimOrder(symbol=symbol, segment=kinds.ORDERS, kind="limit", price=price, extra=extra)


def _stop(kind: str, symbol: str = "BTC", *, closing: bool = True, **extra: object) -> SimOrder:
    order = _limit(symbol, stop_price=MARKETS[symbol].price, **extra)
    order_type = "market" if kind.endswith("market") else "limit"
    return replace(order, kind=kind, type=order_type, side="sell" if closing else "buy", reduce_only=closing)


def _twap(symbol: str, *, closing: bool = False) -> SimOrder:
    return replace(_strategy("twap", "", symbol, closing=closing), segment=kinds.TWAP, remaining="0.6", extra={})


def _strategy(kind: str, lifecycle: str, symbol: str = "BTC", *, closing: bool = False) -> SimOrder:
    order = replace(_limit(symbol, lifecycle=lifecycle), kind=kind, segment=kinds.STRATEGIES)
    return replace(order, side="sell" if closing else "buy", reduce_only=closing)


_TEMPLATES = [
    _limit(),
    _stop("stop_market", closing=False),
    _twap("BTC"),
    _strategy("auto_chase", "open", "ETH"),
    _limit("ETH", strategy=""),
    _stop("stop_loss_market"),
    _stop("take_profit_limit"),
    replace(_limit("SOL"), side="sell", reduce_only=True),
    _strategy("oco", "open", closing=True),
    _limit("SOL-USDC"),
    _stop("stop_limit", "ETH", closing=False),
    _stop("take_profit_market", "ETH"),
    _stop("stop_loss_limit", "SOL", stop_parent_order_id=1_557_000_001),
    _twap("ETH", closing=True),
    _strategy("conditional", "open"),
    _strategy("trailing_stop", "open", "ETH", closing=True),
    _strategy("swarm", "pending", "SOL"),
    _strategy("trigger_swarm", "open", "kBONK"),
    _strategy("twap", "paused", "XRP"),
    _limit("kBONK"),
    replace(_limit(), remaining="0.6"),
    # The amount of a stop is not looked at before it triggers: 0 rests too.
    replace(_stop("stop_market", "HYPE", closing=False), quantity="0", remaining="0"),
    _twap("kPEPE"),
    _strategy("trailing_stop", "open", "HYPE"),
    _strategy("oco", "pending", "SOL"),
    replace(_limit("BTC-USDC"), side="sell"),
    replace(_limit("XPL"), side="sell", remaining="0.25"),
    _stop("take_profit", "kPEPE"),
    _stop("stop_loss", "XRP"),
    _limit("URNM"),
]
"""One of each. The first ten reach every part of the account, so that a small stock does too. One with an empty
`strategy` is the one resting order of a chase before it.
"""


def chosen(count: int) -> Iterator[SimOrder]:
    """So many templates, over and over, but never more TWAPs and strategies than the venue allows."""
    placed: Counter[str] = Counter()
    for template in cycle(_TEMPLATES):
        if placed["all"] == count:
            return
        crowd = template.segment if template.segment == kinds.STRATEGIES else f"{template.segment} {template.symbol}"
        at_most = {kinds.TWAP: kinds.TWAPS_AT_MOST, kinds.STRATEGIES: kinds.STRATEGIES_AT_MOST}.get(template.segment)
        child = "strategy" in template.extra
        orphan = child and placed["child"] >= placed["auto_chase"]
        if not orphan and (at_most is None or placed[crowd] < at_most):
            placed.update(["all", crowd, "child" if child else template.kind])
            yield template
