"""An account full of orders of every kind that DeltaDeFi has.

There are only limit and market orders (https://docs.deltadefi.io, page "Order types"); a market order with a slippage
bound can leave a remainder that rests. The rest of the variety is symbols, phases and partial fills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Literal

from ..book import SimOrder
from .markets import MARKETS

_AGE_MS = 3_600_000
_STEP_MS = 100
_QUIET = "NIGHTUSDCx"
"""A pair of which the stock holds no order."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an order of the stock looks like."""

    symbol: str
    side: Literal["buy", "sell"] = "buy"
    type: str = "limit"
    remaining: str = "100"
    extra: Mapping[str, object] = field(default_factory=dict)

    def order(self, order_id: str, created_ms: int) -> SimOrder:
        """The order itself."""
        return SimOrder(
            id=order_id,
            symbol=self.symbol,
            segment=self.symbol,
            side=self.side,
            type=self.type,
            kind=str(self.extra.get("phase", "order")),
            price=MARKETS[self.symbol].price,
            quantity="100",
            remaining=self.remaining,
            created_ms=created_ms,
            updated_ms=created_ms,
            extra=self.extra,
        )


def templates() -> list[Template]:
    """One of each. The first ones reach every symbol and every phase, so that a stock of ten does too."""
    plain = [Template(symbol=symbol) for symbol in MARKETS if symbol != _QUIET]
    ada = Template(symbol="ADAUSDM")
    night = Template(symbol="NIGHTUSDM", side="sell")
    return [
        *plain,
        replace(ada, extra={"phase": "building"}),
        replace(night, extra={"phase": "processing"}),
        replace(ada, side="sell", remaining="40"),
        replace(night, type="market", remaining="25", extra={"slippage_bp": 50, "market_order_limit_price": "0.0508"}),
        *(replace(each, side="sell") for each in plain),
    ]


def stock_orders(count: int, now_ms: int, new_id: Callable[[], str]) -> Iterator[SimOrder]:
    """So many orders, placed one after another some time before now."""
    age_ms = max(_AGE_MS, 2 * count * _STEP_MS)
    for number, template in enumerate(islice(cycle(templates()), count)):
        yield template.order(new_id(), now_ms - age_ms + number * _STEP_MS)
