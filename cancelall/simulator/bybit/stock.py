"""An account full of orders of every kind that Bybit has."""

from __future__ import annotations

from ..book import SimOrder
from ..stock import order, templates
from .instruments import Instruments
from .scope import PLAIN

_CLOSING = frozenset({"StopLoss", "TakeProfit", "PartialTakeProfit", "PartialStopLoss", "TrailingStop"})
"""Kinds that can only shrink a position."""
_VALUES = {"true": True, "1": 1, "2": 2}


def _template(segment: str, symbol: str, side: str, price: str, kind: str = PLAIN, **more: str) -> SimOrder:
    """An order at this price, or at the market where it is 0; each but the plain ones has a trigger."""
    trigger = {} if kind == PLAIN else {"triggerPrice": "90", "triggerDirection": 2}
    left, reduces = more.pop("left", "1"), more.pop("reduces", kind in _CLOSING)
    extra = {**trigger, **{name: _VALUES.get(value, value) for name, value in more.items()}}
    return order(segment, symbol, side, price, kind, extra, left=left, reduces=reduces)


def stock(known: Instruments) -> list[SimOrder]:
    """One of each. The first nine reach every part of the account, so that a small stock does too."""
    option, usdc_option, inverse = known.option("USDT"), known.option("USDC"), known.inverse_future()
    future, usdc_future = known.linear_future("USDT"), known.linear_future("USDC")
    return templates(
        f"""
        linear BTCUSDT buy 60000; linear BTCPERP sell 70000; inverse BTCUSD buy 60000; spot BTCUSDT buy 60000
        option {option} buy 500; spread BTCUSDT_BTC/USDT buy -20; spot BTCUSDT buy 59000 Stop
        linear ETHUSDT buy 2600 Stop; inverse XRPUSD buy 0.5; linear BTCUSDT sell 0 StopLoss closeOnTrigger=true
        spot BTCUSDT buy 58000 tpslOrder; spot BTCUSDT buy 57000 OcoOrder ocoTriggerBy=OcoTriggerByUnknown
        spot BTCUSDT buy 56000 BidirectionalTpslOrder; spot ETHUSDT sell 4100 BidirectionalTpslOrder
        linear BTCUSDT sell 0 TakeProfit closeOnTrigger=true; linear BTCUSDT sell 75000 PartialTakeProfit
        linear BTCUSDT sell 0 PartialStopLoss; linear BTCUSDT sell 0 TrailingStop
        linear BTCUSDT sell 80000 reduces=yes positionIdx=1; inverse ETHUSD buy 2500 Stop; inverse SOLUSD buy 120
        option {usdc_option} buy 500; linear ETHPERP sell 0 Stop; linear {future} buy 60000
        linear {usdc_future} sell 70000; inverse {inverse} buy 60000; linear ETHUSDT buy 0 Stop closeOnTrigger=true
        linear BTCUSDT buy 60000 left=0.6; spot BTCUSDT buy 60000 left=0.4; spot ETHUSDT sell 0 tpslOrder
        spot ETHUSDT sell 0 Stop; spot BTCUSDT buy 55000 BidirectionalTpslOrder triggered=true
        inverse LTCUSD sell 0 StopLoss closeOnTrigger=true; option {option} buy 300 Stop
        spread SOLUSDT_SOL/USDT sell -20; linear ETHUSDT buy 0 Stop
        linear BTCPERP sell 0 TakeProfit closeOnTrigger=true; linear SOLUSDT buy 120 positionIdx=2
        linear XRPUSDT buy 0.5 left=0.25; spot ETHUSDT sell 4200 OcoOrder
        """,
        _template,
    )
