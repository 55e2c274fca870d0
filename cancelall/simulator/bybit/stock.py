"""An account full of orders of every kind that Bybit has."""

from __future__ import annotations

from dataclasses import replace

from ..book import SimOrder
from .instruments import SPREADS, Instruments
from .scope import BIDIRECTIONAL, OCO, PLAIN, STOP, TPSL


def _like(order: SimOrder, kind: str, *, price: str = "", closing: bool = False, **extra: object) -> SimOrder:
    """A triggered variant; a closing one can only shrink a position."""
    return replace(
        order,
        kind=kind,
        side="sell" if closing else order.side,
        type="limit" if price else "market",
        price=price or "0",
        reduce_only=closing and order.segment in ("linear", "inverse"),
        extra={"triggerPrice": "90", "triggerDirection": 2, **extra},
    )


def templates(instruments: Instruments) -> list[SimOrder]:
    """One of each. The first nine reach every part of the account, so that a small stock does too."""
    btc = SimOrder(segment="linear", symbol="BTCUSDT", price="60000", kind=PLAIN)
    eth = replace(btc, symbol="ETHUSDT", price="2500")
    perp = replace(btc, symbol="BTCPERP", side="sell", price="70000")
    inverse = replace(btc, segment="inverse", symbol="BTCUSD")
    spot = replace(btc, segment="spot")
    spot_sell = replace(spot, side="sell", symbol="ETHUSDT", price="4000")
    option = replace(btc, segment="option", symbol=instruments.option("USDT"), price="500")
    spread = replace(btc, segment="spread", symbol=SPREADS[0], price="-20")
    return [
        *(btc, perp, inverse, spot, option, spread),
        *(_like(spot, STOP, price="59000"), _like(eth, STOP, price="2600")),
        replace(inverse, symbol="XRPUSD", price="0.5"),
        *(_like(btc, "StopLoss", closing=True, closeOnTrigger=True), _like(spot, TPSL, price="58000")),
        _like(spot, OCO, price="57000", ocoTriggerBy="OcoTriggerByUnknown"),
        *(_like(spot, BIDIRECTIONAL, price="56000"), _like(spot_sell, BIDIRECTIONAL, price="4100")),
        _like(btc, "TakeProfit", closing=True, closeOnTrigger=True),
        *(_like(btc, "PartialTakeProfit", price="75000", closing=True), _like(btc, "PartialStopLoss", closing=True)),
        _like(btc, "TrailingStop", closing=True),
        replace(btc, side="sell", price="80000", reduce_only=True, extra={"positionIdx": 1}),
        _like(replace(inverse, symbol="ETHUSD"), STOP, price="2500"),
        *(replace(inverse, symbol="SOLUSD", price="120"), replace(option, symbol=instruments.option("USDC"))),
        *(_like(replace(perp, symbol="ETHPERP"), STOP), replace(btc, symbol=instruments.linear_future("USDT"))),
        replace(perp, symbol=instruments.linear_future("USDC")),
        *(replace(inverse, symbol=instruments.inverse_future()), _like(eth, STOP, closeOnTrigger=True)),
        *(replace(btc, remaining="0.6"), replace(spot, remaining="0.4"), _like(spot_sell, TPSL)),
        *(_like(spot_sell, STOP), _like(spot, BIDIRECTIONAL, price="55000", triggered=True)),
        _like(replace(inverse, symbol="LTCUSD"), "StopLoss", closing=True, closeOnTrigger=True),
        *(_like(option, STOP, price="300"), replace(spread, symbol=SPREADS[2], side="sell"), _like(eth, STOP)),
        _like(perp, "TakeProfit", closing=True, closeOnTrigger=True),
        replace(eth, symbol="SOLUSDT", price="120", extra={"positionIdx": 2}),
        *(replace(eth, symbol="XRPUSDT", price="0.5", remaining="0.25"), _like(spot_sell, OCO, price="4200")),
    ]
