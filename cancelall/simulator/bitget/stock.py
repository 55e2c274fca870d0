"""An account full of orders of every kind that Bitget has: a classic one, a unified one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle

from ..book import SimOrder
from . import kinds
from .instruments import Instruments

_HEDGED = {"posMode": "hedge_mode"}


def _plan(order: SimOrder, kind: str, *, price: str = "", **extra: object) -> SimOrder:
    """A plan order; all kinds but the first two of each part close a position."""
    closing = kind not in ("normal_plan", "track_plan", "amount", "total")
    return replace(
        order.but(triggerPrice="90", **extra),
        segment=kinds.plan_segment(order.segment),
        kind=kind,
        side="sell" if closing else order.side,
        type="limit" if price else "market",
        price=price or "0",
    )


def _strategy(order: SimOrder, kind: str, **extra: object) -> SimOrder:
    """A strategy order of a unified account."""
    prices = {"takeProfit": "110", "stopLoss": "90"} if kind == kinds.TPSL else {"triggerPrice": "95"}
    segment = f"{order.segment} strategy"
    return replace(order.but(**prices, **extra), segment=segment, kind=kind, type="market", price="0")


def _classic(instruments: Instruments) -> list[SimOrder]:
    """One of each for a classic account. The first eight reach every part of it, so that a small stock does too."""
    spot = SimOrder(segment=kinds.SPOT, symbol="BTCUSDT", price="60000", kind=kinds.NORMAL)
    spot_sell = replace(spot, symbol="ETHUSDT", side="sell", price="4000")
    usdt = replace(spot, segment="USDT-FUTURES").but(marginCoin="USDT")
    eth = replace(usdt, symbol="ETHUSDT", price="2500")
    coin = replace(spot, segment="COIN-FUTURES", symbol="BTCUSD").but(marginCoin="BTC")
    usdc = replace(spot, segment="USDC-FUTURES", symbol="BTCPERP").but(marginCoin="USDC")
    return [
        *(usdt, coin, usdc, spot),
        *(_plan(usdt, "normal_plan", price="59000"), _plan(coin, "pos_loss")),
        *(_plan(usdc, "track_plan", callbackRatio="2"), _plan(spot, "amount", price="58000")),
        *(replace(spot.but(triggerPrice="57000"), kind=kinds.TPSL), _plan(usdt, "loss_plan")),
        *(_plan(usdt, "profit_plan", price="70000"), _plan(usdt, "pos_profit"), _plan(usdt, "pos_loss")),
        *(_plan(usdt, "moving_plan", callbackRatio="1"), _plan(eth, "track_plan", callbackRatio="3")),
        *(replace(usdt, remaining="0.6"), replace(eth, side="sell", reduce_only=True, price="3000")),
        eth.but(**_HEDGED, posSide="long", tradeSide="close"),
        eth.but(force="post_only", presetStopSurplusPrice="3000", presetStopLossPrice="2000"),
        replace(usdt, symbol="SOLUSDT").but(orderSource="strategy_positive"),
        *(replace(coin, symbol="ETHUSD", price="2500").but(marginCoin="ETH"), coin.but(marginCoin="ETH")),
        *(replace(coin, symbol=instruments.delivery), _plan(coin, "normal_plan")),
        *(_plan(coin, "track_plan", callbackRatio="2", marginCoin="ETH"), _plan(usdc, "loss_plan")),
        *(_plan(usdc, "normal_plan", price="50000"), replace(usdc, symbol="ETHPERP", side="sell", price="3000")),
        *(spot_sell, replace(spot, remaining="0.4"), spot.but(orderSource="strategy_oco_limit")),
        *(_plan(spot_sell, "total"), _plan(spot_sell, "amount", price="4100")),
        replace(spot_sell.but(triggerPrice="4200"), kind=kinds.TPSL),
        *(_plan(eth, "normal_plan", **_HEDGED, posSide="short", tradeSide="open"), replace(usdc, remaining="0.5")),
        _plan(coin, "moving_plan", callbackRatio="1"),
        *(_plan(eth, "profit_plan", **_HEDGED, posSide="long", tradeSide="close"), replace(spot, symbol="BTCUSDC")),
        replace(spot, symbol="SOLUSDT", price="100"),
    ]


def _unified(instruments: Instruments) -> list[SimOrder]:
    """One of each for a unified account. The first ten reach every part of it."""
    usdt, coin, usdc, spot, margin = (
        SimOrder(segment=kinds.unified_segment(part), symbol=symbol, price="60000", kind=kinds.NORMAL)
        for part, symbol in (
            ("USDT-FUTURES", "BTCUSDT"),
            ("COIN-FUTURES", "BTCUSD"),
            ("USDC-FUTURES", "BTCPERP"),
            (kinds.SPOT, "BTCUSDT"),
            ("MARGIN", "BTCUSDT"),
        )
    )
    eth = replace(usdt, symbol="ETHUSDT", price="2500")
    return [
        *(usdt, coin, usdc, spot, margin),
        *(_strategy(usdt, kinds.TPSL, posSide="long"), _strategy(coin, kinds.TRIGGER)),
        *(_strategy(usdc, kinds.TPSL, posSide="short"), _strategy(spot, kinds.TRIGGER)),
        _strategy(margin, kinds.TPSL),
        *(eth, replace(eth, side="sell", reduce_only=True), replace(eth, side="sell").but(**_HEDGED, posSide="long")),
        *(eth.but(**_HEDGED, posSide="long"), replace(usdt, remaining="0.6"), usdt.but(force="post_only")),
        _strategy(usdt, kinds.TRIGGER, triggerOrderType="market"),
        _strategy(eth, kinds.TRIGGER, triggerOrderType="limit", triggerOrderPrice="2400"),
        *(_strategy(eth, kinds.TPSL, posSide="long"), replace(coin, symbol="ETHUSD", price="2500")),
        *(replace(coin, symbol=instruments.delivery), _strategy(coin, kinds.TPSL, posSide="long")),
        *(replace(usdc, symbol="ETHPERP", side="sell"), _strategy(usdc, kinds.TRIGGER)),
        *(replace(spot, symbol="ETHUSDT", side="sell", price="4000"), replace(spot, symbol="BTCUSDC")),
        *(replace(spot, remaining="0.4"), _strategy(spot, kinds.TPSL)),
        *(replace(margin, symbol="ETHUSDT", side="sell", price="4000"), _strategy(margin, kinds.TRIGGER)),
        _strategy(usdt, kinds.ICEBERG, posSide="long"),
        replace(_strategy(usdt, kinds.TRAILING, posSide="long"), side="sell"),
        replace(_strategy(eth, kinds.OCO, posSide="short"), side="sell"),
        *(replace(_strategy(usdc, kinds.OCO), side="sell", reduce_only=True), _strategy(spot, kinds.TWAP)),
        *(replace(_strategy(spot, kinds.TRAILING), side="sell"), _strategy(margin, kinds.ICEBERG)),
        _strategy(coin, kinds.TWAP),
    ]


def _hybrid(instruments: Instruments) -> list[SimOrder]:
    """Of both, by turns."""
    pairs = zip(_classic(instruments), cycle(_unified(instruments)), strict=False)
    return [template for pair in pairs for template in pair]


TEMPLATES: Mapping[str, Callable[[Instruments], list[SimOrder]]] = {
    "classic": _classic,
    "unified": _unified,
    "hybrid": _hybrid,
}
"""The modes of an account, and what rests in it."""
MARGIN = [SimOrder(segment=mode, symbol="BTCUSDT", price="60000", kind=kinds.NORMAL) for mode in kinds.MARGIN_MODES]
"""Orders of the two margin accounts of a classic account, which rest there only where they are asked for."""
