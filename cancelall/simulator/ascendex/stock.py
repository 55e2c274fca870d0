"""An account full of orders of every kind that AscendEX has, in all three ledgers.

Types and execution instructions: https://ascendex.github.io/ascendex-futures-pro-api-v2/#enum-definitions. Market
orders fill at once and rest nowhere. Take-profit and stop-loss of a position are no orders: see `account.position`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Literal

from ..book import SimOrder

_AGE_MS = 3_600_000
_STEP_MS = 100


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an order of the stock looks like; `stop` makes a conditional variant of it."""

    ledger: str
    symbol: str
    side: Literal["buy", "sell"] = "buy"
    type: str = "limit"
    price: str = "100"
    remaining: str = "1"
    extra: Mapping[str, object] = field(default_factory=dict)

    def stop(self, side: Literal["buy", "sell"], *, price: str = "", **extra: object) -> Template:
        """A conditional variant: with a limit price, or at the market."""
        return replace(
            self,
            side=side,
            type="stop_limit" if price else "stop_market",
            price=price or "0",
            extra={"stopPrice": "90", **extra},
        )

    def order(self, order_id: str, created_ms: int) -> SimOrder:
        """The order itself."""
        instruction = str(self.extra.get("execInst", ""))
        return SimOrder(
            id=order_id,
            symbol=self.symbol,
            segment=self.ledger,
            side=self.side,
            type=self.type,
            kind=self.type,
            price=self.price,
            quantity="1",
            remaining=self.remaining,
            reduce_only="Reduce" in instruction,
            created_ms=created_ms,
            updated_ms=created_ms,
            extra=self.extra,
        )


def templates() -> list[Template]:
    """One of each. The first nine reach every ledger with a plain and a conditional order."""
    cash = Template(ledger="cash", symbol="BTC/USDT", price="60000")
    margin = Template(ledger="margin", symbol="ETH/USDT", price="2500")
    futures = Template(ledger="futures", symbol="BTC-PERP", price="60000")
    reduce_only = {"execInst": "ReduceOnly"}
    return [
        cash,
        margin,
        futures,
        cash.stop("buy", price="61000"),
        margin.stop("sell"),
        futures.stop("buy", price="61000", execInst="StopOnMarket"),
        cash.stop("sell", price="55000"),
        replace(futures, side="sell", price="70000", extra=reduce_only),
        futures.stop("sell", execInst="ReduceOnlyMark", stopBy="mark"),
        replace(cash, side="sell", symbol="ETH/USDT", price="4000", extra={"execInst": "Post"}),
        replace(margin, side="sell", symbol="BTC/USDT", price="70000", extra={"execInst": "Post"}),
        replace(futures, symbol="ETH-PERP", price="2000", extra={"execInst": "Post"}),
        cash.stop("sell"),
        margin.stop("buy", price="2600"),
        replace(futures, symbol="ETH-PERP").stop("sell", stopBy="ref"),
        replace(cash, remaining="0.4"),
        replace(margin, remaining="0.6", symbol="SOL/USDT", price="120"),
        replace(futures, remaining="0.25", symbol="SOL-PERP", price="120"),
        replace(futures, extra={"execInst": "PostReduceOnly"}, side="sell", price="80000"),
        futures.stop("sell", price="54000", execInst="PostReduceMarket"),
        replace(
            futures, symbol="ETH-PERP", price="1900", extra={"posStopLossPrice": "1500", "posTakeProfitPrice": "9000"}
        ),
        replace(cash, symbol="ETH/BTC", price="0.05"),
        cash.stop("buy"),
        replace(margin, symbol="XRP/USDT", price="0.5"),
        replace(margin, symbol="BTC/USDT").stop("sell", price="56000"),
        replace(futures, symbol="XRP-PERP", price="0.5"),
        replace(futures, symbol="DOGE-PERP", side="sell", price="0.4"),
        replace(cash, symbol="DOGE/USDT", side="sell", price="0.4"),
    ]


def stock_orders(count: int, now_ms: int, new_id: Callable[[int], str]) -> Iterator[SimOrder]:
    """So many orders, placed one after another some time before now."""
    age_ms = max(_AGE_MS, 2 * count * _STEP_MS)
    for number, template in enumerate(islice(cycle(templates()), count)):
        created_ms = now_ms - age_ms + number * _STEP_MS
        yield template.order(new_id(created_ms), created_ms)
