"""An account full of orders of every kind that Bitget has: a classic one, a unified one."""

from __future__ import annotations

from itertools import chain, cycle

from ..book import SimOrder
from ..stock import order, templates
from . import kinds

MODES = ("classic", "unified", "hybrid")
# One of each. The first eight reach every part of the account, so that a small stock does too.
_CLASSIC = """
    USDT-FUTURES BTCUSDT buy 60000; COIN-FUTURES BTCUSD buy 60000; USDC-FUTURES BTCPERP buy 60000
    SPOT BTCUSDT buy 60000; USDT-FUTURES BTCUSDT buy 59000 normal_plan; COIN-FUTURES BTCUSD sell 0 pos_loss
    USDC-FUTURES BTCPERP buy 0 track_plan callbackRatio=2; SPOT BTCUSDT buy 58000 amount
    SPOT BTCUSDT buy 60000 tpsl triggerPrice=57000; USDT-FUTURES BTCUSDT sell 0 loss_plan
    USDT-FUTURES BTCUSDT sell 70000 profit_plan; USDT-FUTURES BTCUSDT sell 0 pos_profit
    USDT-FUTURES BTCUSDT sell 0 pos_loss; USDT-FUTURES BTCUSDT sell 0 moving_plan callbackRatio=1
    USDT-FUTURES ETHUSDT buy 0 track_plan callbackRatio=3; USDT-FUTURES BTCUSDT buy 60000 left=0.6
    USDT-FUTURES ETHUSDT sell 3000 reduces=yes
    USDT-FUTURES ETHUSDT buy 2500 posMode=hedge_mode posSide=long tradeSide=close
    USDT-FUTURES ETHUSDT buy 2500 force=post_only presetStopSurplusPrice=3000 presetStopLossPrice=2000
    USDT-FUTURES SOLUSDT buy 60000 orderSource=strategy_positive; COIN-FUTURES ETHUSD buy 2500
    COIN-FUTURES BTCUSD buy 60000 marginCoin=ETH; COIN-FUTURES {delivery} buy 60000
    COIN-FUTURES BTCUSD buy 0 normal_plan; COIN-FUTURES BTCUSD buy 0 track_plan marginCoin=ETH callbackRatio=2
    USDC-FUTURES BTCPERP sell 0 loss_plan; USDC-FUTURES BTCPERP buy 50000 normal_plan
    USDC-FUTURES ETHPERP sell 3000; SPOT ETHUSDT sell 4000; SPOT BTCUSDT buy 60000 left=0.4
    SPOT BTCUSDT buy 60000 orderSource=strategy_oco_limit; SPOT ETHUSDT sell 0 total; SPOT ETHUSDT sell 4100 amount
    SPOT ETHUSDT sell 4000 tpsl triggerPrice=4200
    USDT-FUTURES ETHUSDT buy 0 normal_plan posMode=hedge_mode posSide=short tradeSide=open
    USDC-FUTURES BTCPERP buy 60000 left=0.5; COIN-FUTURES BTCUSD sell 0 moving_plan callbackRatio=1
    USDT-FUTURES ETHUSDT sell 0 profit_plan posMode=hedge_mode posSide=long tradeSide=close; SPOT BTCUSDC buy 60000
    SPOT SOLUSDT buy 100
"""
# Here the first ten do.
_UNIFIED = """
    USDT-FUTURES BTCUSDT buy 60000; COIN-FUTURES BTCUSD buy 60000; USDC-FUTURES BTCPERP buy 60000
    SPOT BTCUSDT buy 60000; MARGIN BTCUSDT buy 60000; USDT-FUTURES BTCUSDT buy 0 tpsl posSide=long
    COIN-FUTURES BTCUSD buy 0 trigger; USDC-FUTURES BTCPERP buy 0 tpsl posSide=short; SPOT BTCUSDT buy 0 trigger
    MARGIN BTCUSDT buy 0 tpsl; USDT-FUTURES ETHUSDT buy 2500; USDT-FUTURES ETHUSDT sell 2500 reduces=yes
    USDT-FUTURES ETHUSDT sell 2500 posMode=hedge_mode posSide=long
    USDT-FUTURES ETHUSDT buy 2500 posMode=hedge_mode posSide=long; USDT-FUTURES BTCUSDT buy 60000 left=0.6
    USDT-FUTURES BTCUSDT buy 60000 force=post_only; USDT-FUTURES BTCUSDT buy 0 trigger triggerOrderType=market
    USDT-FUTURES ETHUSDT buy 0 trigger triggerOrderType=limit triggerOrderPrice=2400
    USDT-FUTURES ETHUSDT buy 0 tpsl posSide=long; COIN-FUTURES ETHUSD buy 2500; COIN-FUTURES {delivery} buy 60000
    COIN-FUTURES BTCUSD buy 0 tpsl posSide=long; USDC-FUTURES ETHPERP sell 60000; USDC-FUTURES BTCPERP buy 0 trigger
    SPOT ETHUSDT sell 4000; SPOT BTCUSDC buy 60000; SPOT BTCUSDT buy 60000 left=0.4; SPOT BTCUSDT buy 0 tpsl
    MARGIN ETHUSDT sell 4000; MARGIN BTCUSDT buy 0 trigger; USDT-FUTURES BTCUSDT buy 0 iceberg posSide=long
    USDT-FUTURES BTCUSDT sell 0 trailing_stop posSide=long; USDT-FUTURES ETHUSDT sell 0 oco posSide=short
    USDC-FUTURES BTCPERP sell 0 oco reduces=yes; SPOT BTCUSDT buy 0 twap; SPOT BTCUSDT sell 0 trailing_stop
    MARGIN BTCUSDT buy 0 iceberg; COIN-FUTURES BTCUSD buy 0 twap
"""


def _classic(part: str, symbol: str, side: str, price: str, kind: str = kinds.NORMAL, **more: str) -> SimOrder:
    """An ordinary or TP/SL order, else a plan order."""
    coins = {"COIN-FUTURES": symbol[:3], "USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC"}
    own = {"marginCoin": coins[part]} if part in coins else {}
    if kind not in (kinds.NORMAL, kinds.TPSL):
        part, own = kinds.plan_segment(part), {**own, "triggerPrice": "90"}
    return _order(part, symbol, side, price, kind, **{**own, **more})


def _unified(part: str, symbol: str, side: str, price: str, kind: str = kinds.NORMAL, **more: str) -> SimOrder:
    """An ordinary order, else a strategy order."""
    if kind == kinds.NORMAL:
        return _order(kinds.unified_segment(part), symbol, side, price, kind, **more)
    own = {"takeProfit": "110", "stopLoss": "90"} if kind == kinds.TPSL else {"triggerPrice": "95"}
    return _order(kinds.strategy_segment(part), symbol, side, price, kind, **{**own, **more})


def _order(segment: str, symbol: str, side: str, price: str, kind: str, **more: str) -> SimOrder:
    left, reduces = more.pop("left", "1"), more.pop("reduces", "")
    return order(segment, symbol, side, price, kind, more, left=left, reduces=reduces)


def stock(mode: str, delivery: str) -> list[SimOrder]:
    """What rests in an account of this mode; in a hybrid one both, by turns. `delivery` is a contract with a date."""
    classic = templates(_CLASSIC.format(delivery=delivery), _classic)
    unified = templates(_UNIFIED.format(delivery=delivery), _unified)
    both = list(chain.from_iterable(zip(classic, cycle(unified), strict=False)))
    return {"classic": classic, "unified": unified, "hybrid": both}[mode]


MARGIN = [_order(mode, "BTCUSDT", "buy", "60000", kinds.NORMAL) for mode in kinds.MARGIN_MODES]
"""Orders of the two margin accounts of a classic account, which rest there only where they are asked for."""
