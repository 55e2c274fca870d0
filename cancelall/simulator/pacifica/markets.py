"""Pacifica's markets, and an account full of orders of every kind that it has.

Symbols are case-sensitive: https://docs.pacifica.fi/api-documentation/api/market-symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from ..book import SimOrder
from ..rows import fixed
from ..stock import templates
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


_PRICES_AND_TICKS = """
    BTC=60000/1 ETH=2500 SOL=120 XRP=0.5/0.0001 HYPE=30 XPL=1.0865/0.0001 URNM=50 kBONK=0.02/0.00001 kPEPE=0.01/0.00001
    SOL-USDC=119 BTC-USDC=59900/1
"""
MARKETS = {
    symbol: Market(symbol, *numbers.split("/"))
    for symbol, _, numbers in (word.partition("=") for word in _PRICES_AND_TICKS.split())
}


def _template(kind: str, symbol: str, way: str = "buy", amount: str = "1", left: str = "", **extra: str) -> SimOrder:
    """An order at the market's price. The way is buy, sell, or closing: that one can only shrink a position."""
    cells: dict[str, object] = {**extra}
    if kind.startswith(("stop_", "take_profit")):
        cells["stop_price"] = MARKETS[symbol].price
    if "parent" in extra:
        cells["stop_parent_order_id"] = int(extra["parent"])
    return SimOrder(
        symbol=symbol,
        segment=kinds.STRATEGIES if "lifecycle" in extra else kinds.TWAP if kind == "twap" else kinds.ORDERS,
        kind=kind,
        type="market" if kind.endswith("market") else "limit",
        side="buy" if way == "buy" else "sell",
        price=MARKETS[symbol].price,
        quantity=amount,
        remaining=left or amount,
        reduce_only=way == "closing",
        extra=cells,
    )


# The amount of a stop is not looked at before it triggers: 0 rests too.
_STOCK = templates(
    """
    limit BTC; stop_market BTC; twap BTC left=0.6; auto_chase ETH lifecycle=open; limit ETH strategy=
    stop_loss_market BTC closing; take_profit_limit BTC closing; limit SOL closing; oco BTC closing lifecycle=open
    limit SOL-USDC; stop_limit ETH; take_profit_market ETH closing
    stop_loss_limit SOL closing parent=1557000001; twap ETH closing left=0.6
    conditional BTC lifecycle=open; trailing_stop ETH closing lifecycle=open; swarm SOL lifecycle=pending
    trigger_swarm kBONK lifecycle=open; twap XRP lifecycle=paused; limit kBONK; limit BTC left=0.6
    stop_market HYPE amount=0; twap kPEPE left=0.6; trailing_stop HYPE lifecycle=open; oco SOL lifecycle=pending
    limit BTC-USDC sell; limit XPL sell left=0.25; take_profit kPEPE closing; stop_loss XRP closing; limit URNM
    """,
    _template,
)
"""One of each. The first ten reach every part of the account, so that a small stock does too. One with an empty
`strategy` is the one resting order of a chase before it.
"""


def chosen(count: int) -> Iterator[SimOrder]:
    """So many templates, over and over, but never more TWAPs and strategies than the venue allows."""
    placed: Counter[str] = Counter()
    for template in cycle(_STOCK):
        if placed["all"] == count:
            return
        crowd = template.segment if template.segment == kinds.STRATEGIES else f"{template.segment} {template.symbol}"
        at_most = {kinds.TWAP: kinds.TWAPS_AT_MOST, kinds.STRATEGIES: kinds.STRATEGIES_AT_MOST}.get(template.segment)
        child = "strategy" in template.extra
        orphan = child and placed["child"] >= placed["auto_chase"]
        if not orphan and (at_most is None or placed[crowd] < at_most):
            placed.update(["all", crowd, "child" if child else template.kind])
            yield template
