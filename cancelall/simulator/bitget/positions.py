"""Positions of futures: https://www.bitget.com/api-doc/contract/position/get-all-position and, of a unified account,
https://www.bitget.com/api-doc/uta/trade/Get-Position (as of 2026-01).
"""

from __future__ import annotations

from ..book import SimOrder
from ..positions import SimPosition, held
from ..routes import Call
from ..rows import fixed
from .state import State, category, product_type

_BARE = "SOLUSDT"
_CLOSING = frozenset(
    {"profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan", "tpsl", "oco", "trailing_stop"}
)
_FUTURES = "-FUTURES"
_CLASSIC = fixed(
    """openDelegateSize=0 marginSize=9.67 available=0.5 locked=0 leverage=20 achievedProfits=0 marginMode=crossed
    keepMarginRate=0.004 marginRatio=0.1 breakEvenPrice=100 totalFee= deductedFee= grant= assetMode=single
    autoMargin=off takeProfit= stopLoss= takeProfitId= stopLossId= cTime=1691382137448 uTime=1691382137999"""
)
_UNIFIED = fixed(
    """marginMode=crossed positionBalance=100 available=0.5 frozen=0 leverage=3 curRealisedPnl=0 positionStatus=normal
    mmr=0.015 profitRate=0.2 breakEvenPrice=100 totalFunding=0 openFeeTotal=0 closeFeeTotal=0
    createdTime=1736378720620 updatedTime=1753102803148"""
)


def _closes(order: SimOrder) -> SimPosition | None:
    """Where an order names its position, it is that one; else a sell closes a long one."""
    closing = order.kind in _CLOSING or order.reduce_only or order.extra.get("tradeSide") == "close"
    if _FUTURES not in order.segment or not closing:
        return None
    part = next(name for name in order.segment.split() if name.endswith(_FUTURES))
    long = {"long": True, "short": False}.get(str(order.extra.get("posSide")), order.side == "sell")
    return SimPosition(symbol=order.symbol, long=long, segment=part, coin=str(order.extra.get("marginCoin", "")))


def _held(call: Call, part: str, *, unified: bool) -> list[SimPosition]:
    """The positions of a product that the orders of one API close."""

    def closes(order: SimOrder) -> SimPosition | None:
        return _closes(order) if order.segment.startswith("unified ") is unified else None

    bare = SimPosition(symbol=_BARE, long=False, segment="USDT-FUTURES", coin="" if unified else "USDT")
    return [one for one in held(call.account, closes, bare) if one.segment == part]


def all_positions(venue: State, call: Call) -> object:
    """`GET /api/v2/mix/position/all-position`: of one product type, and one margin coin if that is named."""
    part, coin = product_type(call.query), call.query.get("marginCoin", "").upper()
    return [
        _CLASSIC
        | {
            "marginCoin": one.coin,
            "symbol": one.symbol,
            "holdSide": "long" if one.long else "short",
            "total": one.size,
            "openPriceAvg": one.entry,
            "posMode": "one_way_mode",
            "unrealizedPL": "0.5",
            "liquidationPrice": one.liquidation,
            "markPrice": one.mark,
        }
        for one in _held(call, part, unified=False)
        if coin in ("", one.coin)
    ]


def current_positions(venue: State, call: Call) -> object:
    """`GET /api/v3/position/current-position`: of one category, and one symbol or side if that is named."""
    part, symbol, side = category(call.query), call.query.get("symbol", ""), call.query.get("posSide", "")
    rows = [
        _UNIFIED
        | {
            "category": part,
            "symbol": one.symbol,
            "marginCoin": "USDT",
            "holdMode": "one_way_mode",
            "posSide": "long" if one.long else "short",
            "total": one.size,
            "avgPrice": one.entry,
            "unrealisedPnl": "0.5",
            "liquidationPrice": one.liquidation,
            "markPrice": one.mark,
        }
        for one in _held(call, part, unified=True)
        if symbol in ("", one.symbol)
    ]
    return {"list": [row for row in rows if side in ("", row["posSide"])]}
