"""An account full of orders of every kind that Bitget has: a classic one, a unified one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Literal

from ..book import SimOrder
from . import kinds
from .instruments import Instruments

_AGE_MS = 3_600_000
_STEP_MS = 100


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an order of the stock looks like; `plan` and `strategy` make variants of it that wait for a price."""

    segment: str
    symbol: str
    kind: str = kinds.NORMAL
    side: Literal["buy", "sell"] = "buy"
    type: str = "limit"
    price: str = "100"
    remaining: str = "1"
    reduce_only: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)

    def but(self, **extra: object) -> Template:
        """The same with more fields of the venue's own."""
        return replace(self, extra={**self.extra, **extra})

    def plan(self, kind: str, *, price: str = "", **extra: object) -> Template:
        """A plan order; all kinds but the first two close a position."""
        closing = kind not in ("normal_plan", "track_plan", "amount", "total")
        return replace(
            self.but(triggerPrice="90", **extra),
            segment=kinds.plan_segment(self.segment),
            kind=kind,
            side="sell" if closing else self.side,
            type="limit" if price else "market",
            price=price or "0",
        )

    def strategy(self, kind: str, **extra: object) -> Template:
        """A strategy order of a unified account."""
        prices = {"takeProfit": "110", "stopLoss": "90"} if kind == kinds.TPSL else {"triggerPrice": "95"}
        return replace(
            self.but(**prices, **extra), segment=f"{self.segment} strategy", kind=kind, type="market", price="0"
        )

    def order(self, order_id: str, number: int, created_ms: int) -> SimOrder:
        """The order itself; every third carries a client id."""
        return SimOrder(
            id=order_id,
            client_id="" if number % 3 else f"desk-{number}-{order_id[-4:]}",
            symbol=self.symbol,
            segment=self.segment,
            side=self.side,
            type=self.type,
            kind=self.kind,
            price=self.price,
            quantity="1",
            remaining=self.remaining,
            reduce_only=self.reduce_only,
            created_ms=created_ms,
            updated_ms=created_ms,
            extra=self.extra,
        )


_HEDGED = {"posMode": "hedge_mode"}


def classic(instruments: Instruments) -> list[Template]:
    """One of each for a classic account. The first eight reach every part of it, so that a small stock does too."""
    usdt = Template(segment="USDT-FUTURES", symbol="BTCUSDT", price="60000", extra={"marginCoin": "USDT"})
    eth = replace(usdt, symbol="ETHUSDT", price="2500")
    coin = Template(segment="COIN-FUTURES", symbol="BTCUSD", price="60000", extra={"marginCoin": "BTC"})
    usdc = Template(segment="USDC-FUTURES", symbol="BTCPERP", price="60000", extra={"marginCoin": "USDC"})
    spot = Template(segment=kinds.SPOT, symbol="BTCUSDT", price="60000")
    spot_sell = replace(spot, symbol="ETHUSDT", side="sell", price="4000")
    return [
        usdt,
        coin,
        usdc,
        spot,
        usdt.plan("normal_plan", price="59000"),
        coin.plan("pos_loss"),
        usdc.plan("track_plan", callbackRatio="2"),
        spot.plan("amount", price="58000"),
        replace(spot.but(triggerPrice="57000"), kind=kinds.TPSL),
        usdt.plan("loss_plan"),
        usdt.plan("profit_plan", price="70000"),
        usdt.plan("pos_profit"),
        usdt.plan("pos_loss"),
        usdt.plan("moving_plan", callbackRatio="1"),
        eth.plan("track_plan", callbackRatio="3"),
        replace(usdt, remaining="0.6"),
        replace(eth, side="sell", reduce_only=True, price="3000"),
        eth.but(**_HEDGED, posSide="long", tradeSide="close"),
        eth.but(force="post_only", presetStopSurplusPrice="3000", presetStopLossPrice="2000"),
        replace(usdt, symbol="SOLUSDT").but(orderSource="strategy_positive"),
        replace(coin, symbol="ETHUSD", price="2500").but(marginCoin="ETH"),
        coin.but(marginCoin="ETH"),
        replace(coin, symbol=instruments.delivery),
        coin.plan("normal_plan"),
        coin.plan("track_plan", callbackRatio="2", marginCoin="ETH"),
        usdc.plan("loss_plan"),
        usdc.plan("normal_plan", price="50000"),
        replace(usdc, symbol="ETHPERP", side="sell", price="3000"),
        spot_sell,
        replace(spot, remaining="0.4"),
        spot.but(orderSource="strategy_oco_limit"),
        spot_sell.plan("total"),
        spot_sell.plan("amount", price="4100"),
        replace(spot_sell.but(triggerPrice="4200"), kind=kinds.TPSL),
        eth.plan("normal_plan", **_HEDGED, posSide="short", tradeSide="open"),
        replace(usdc, remaining="0.5"),
        coin.plan("moving_plan", callbackRatio="1"),
        eth.plan("profit_plan", **_HEDGED, posSide="long", tradeSide="close"),
        replace(spot, symbol="BTCUSDC"),
        replace(spot, symbol="SOLUSDT", price="100"),
    ]


def unified(instruments: Instruments) -> list[Template]:
    """One of each for a unified account. The first ten reach every part of it."""
    usdt = Template(segment=kinds.unified_segment("USDT-FUTURES"), symbol="BTCUSDT", price="60000")
    coin = replace(usdt, segment=kinds.unified_segment("COIN-FUTURES"), symbol="BTCUSD")
    usdc = replace(usdt, segment=kinds.unified_segment("USDC-FUTURES"), symbol="BTCPERP")
    spot = replace(usdt, segment=kinds.unified_segment(kinds.SPOT))
    margin = replace(usdt, segment=kinds.unified_segment("MARGIN"))
    eth = replace(usdt, symbol="ETHUSDT", price="2500")
    return [
        usdt,
        coin,
        usdc,
        spot,
        margin,
        usdt.strategy(kinds.TPSL, posSide="long"),
        coin.strategy(kinds.TRIGGER),
        usdc.strategy(kinds.TPSL, posSide="short"),
        spot.strategy(kinds.TRIGGER),
        margin.strategy(kinds.TPSL),
        eth,
        replace(eth, side="sell", reduce_only=True),
        replace(eth, side="sell").but(**_HEDGED, posSide="long"),
        eth.but(**_HEDGED, posSide="long"),
        replace(usdt, remaining="0.6"),
        usdt.but(force="post_only"),
        usdt.strategy(kinds.TRIGGER, triggerOrderType="market"),
        eth.strategy(kinds.TRIGGER, triggerOrderType="limit", triggerOrderPrice="2400"),
        eth.strategy(kinds.TPSL, posSide="long"),
        replace(coin, symbol="ETHUSD", price="2500"),
        replace(coin, symbol=instruments.delivery),
        coin.strategy(kinds.TPSL, posSide="long"),
        replace(usdc, symbol="ETHPERP", side="sell"),
        usdc.strategy(kinds.TRIGGER),
        replace(spot, symbol="ETHUSDT", side="sell", price="4000"),
        replace(spot, symbol="BTCUSDC"),
        replace(spot, remaining="0.4"),
        spot.strategy(kinds.TPSL),
        replace(margin, symbol="ETHUSDT", side="sell", price="4000"),
        margin.strategy(kinds.TRIGGER),
        usdt.strategy(kinds.ICEBERG, posSide="long"),
        replace(usdt.strategy(kinds.TRAILING, posSide="long"), side="sell"),
        replace(eth.strategy(kinds.OCO, posSide="short"), side="sell"),
        replace(usdc.strategy(kinds.OCO), side="sell", reduce_only=True),
        spot.strategy(kinds.TWAP),
        replace(spot.strategy(kinds.TRAILING), side="sell"),
        margin.strategy(kinds.ICEBERG),
        coin.strategy(kinds.TWAP),
    ]


def hybrid(instruments: Instruments) -> list[Template]:
    """Of both, by turns."""
    pairs = zip(classic(instruments), cycle(unified(instruments)), strict=False)
    return [template for pair in pairs for template in pair]


TEMPLATES: Mapping[str, Callable[[Instruments], list[Template]]] = {
    "classic": classic,
    "unified": unified,
    "hybrid": hybrid,
}
"""The modes of an account, and what rests in it."""


def stock_orders(templates: list[Template], count: int, now_ms: int, new_id: Callable[[], str]) -> Iterator[SimOrder]:
    """So many orders, placed one after another in the hour before now."""
    for number, template in enumerate(islice(cycle(templates), count)):
        yield template.order(new_id(), number, now_ms - _AGE_MS + number * _STEP_MS)
