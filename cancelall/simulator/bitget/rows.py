"""Orders as Bitget's listings show them: the fields, and their spelling, of each endpoint's page (as of 2025-12-05)."""

from collections.abc import Callable

from ..book import SimOrder
from ..rows import Cell, Table
from . import kinds

Clock = Callable[[int], int]
Row = Callable[[SimOrder, Clock], dict[str, object]]

_PLAN_STATUS = {"open": "live", "cancelled": "cancelled", "filled": "executed"}
_STRATEGY_STATUS = {"open": "pending", "cancelled": "cancelled", "filled": "success"}


def _status(order: SimOrder, live: str = "live", cancelled: str = "cancelled") -> str:
    if order.status != "open":
        return cancelled if order.status == "cancelled" else "filled"
    return "partially_filled" if order.executed else live


def _category(order: SimOrder) -> str:
    return order.segment.removeprefix("unified ").removesuffix(" strategy")


_CELLS: dict[str, Cell] = {
    "fills": lambda order, _: order.price if order.executed else "",
    "status": lambda order, _: _status(order),
    # A cancelled futures order is `canceled`, with one l; on spot it has two.
    "canceled": lambda order, _: _status(order, cancelled="canceled"),
    # Both words are documented for an order of a unified account that waits in the book.
    "new_or_live": lambda order, _: _status(order, live="new" if order.sequence % 2 else "live"),
    "plan_status": lambda order, _: _PLAN_STATUS[order.status],
    "strategy_status": lambda order, _: _STRATEGY_STATUS[order.status],
    "reason": lambda order, _: "normal_cancel" if order.status == "cancelled" else "",
    "YES": lambda order, _: "YES" if order.reduce_only else "NO",
    "trade_side": lambda order, _: order.extra.get("tradeSide", f"{order.side}_single"),
    "hold_mode": lambda order, _: order.extra.get(
        "posMode", "one_way_mode" if _category(order) in kinds.FUTURES else ""
    ),
    # Of plan orders those for a whole position have no size.
    "plan_size": lambda order, _: "" if order.kind.startswith("pos_") else order.quantity,
    "limit": lambda order, _: order.price if order.type == "limit" else "",
    "limit_or_0": lambda order, _: order.price if order.type == "limit" else "0",
    "category": lambda order, _: _category(order),
}
_IDS = "orderId=.id clientOid=.client_id symbol"
_TIMES = "cTime=.created_text uTime=.updated_text"
_FUTURES = f"""
    {_IDS} size=.quantity baseVolume=.executed fee= price priceAvg=.fills side force=?force|gtc totalProfits=
    posSide=?posSide|net marginCoin=?marginCoin|USDT quoteVolume= leverage=20 marginMode=crossed reduceOnly=.YES
    enterPointSource=API tradeSide=.trade_side posMode=?posMode|one_way_mode orderType=.type
    orderSource=?orderSource|normal presetStopSurplusPrice=?presetStopSurplusPrice|
    presetStopLossPrice=?presetStopLossPrice| {_TIMES}
"""
FUTURES = Table(f"{_FUTURES} status=.canceled", _CELLS)
FUTURES_DETAIL = Table(f"{_FUTURES} state=.canceled cancelReason=.reason", _CELLS)
"""The query of one order writes `state` for `status`."""
PLAN = Table(
    f"""
    planType=.kind {_IDS} size=.plan_size price=.limit executePrice=.limit_or_0 planStatus=.plan_status side
    posSide=?posSide|net marginCoin=?marginCoin|USDT marginMode=crossed enterPointSource=API tradeSide=?tradeSide|
    posMode=?posMode|one_way_mode orderType=.type orderSource=?orderSource|normal triggerType=mark_price
    triggerPrice=?triggerPrice| callbackRatio=?callbackRatio| stopSurplusTriggerPrice=?stopSurplusTriggerPrice|
    stopLossTriggerPrice=?stopLossTriggerPrice| {_TIMES}
    """,
    _CELLS,
)
_SPOT = f"""
    userId=1000000001 {_IDS} size=.quantity orderType=.type side status baseVolume=.executed quoteVolume=0
    enterPointSource=API orderSource=?orderSource|normal tpslType=.kind triggerPrice=?triggerPrice
    presetTakeProfitPrice=?presetTakeProfitPrice| presetStopLossPrice=?presetStopLossPrice| {_TIMES}
"""
SPOT = Table(f"{_SPOT} priceAvg=.price basePrice=0", _CELLS)
"""In a listing `priceAvg` is an order's price, and `basePrice` that of its fills."""
SPOT_HISTORY = Table(f"{_SPOT} price priceAvg=.fills feeDetail=#null cancelReason=.reason", _CELLS)
"""In the history and the query of one order `priceAvg` is the fills' price."""
SPOT_PLAN = Table(
    f"""
    {_IDS} size=.quantity executePrice=.limit_or_0 triggerPrice=?triggerPrice| status=.plan_status orderType=.type side
    planType=.kind triggerType=fill_price enterPointSource=API {_TIMES}
    """,
    _CELLS,
)
"""`planType` says whether the size is of the base or of the quote coin."""
MARGIN = Table(
    f"""
    {_IDS} orderType=.type enterPointSource=API loanType=normal price side status=live baseSize=.quantity quoteSize=
    priceAvg= size=.executed amount= force=gtc {_TIMES}
    """,
    _CELLS,
)
_UNIFIED_TIMES = "createdTime=.created_text updatedTime=.updated_text"
# There is no margin coin in it, and no trade side in a listing.
UNIFIED = Table(
    f"""
    {_IDS} category orderType=.type side price qty=.quantity amount=0 cumExecQty=.executed cumExecValue=0
    avgPrice=.average timeInForce=?force|gtc orderStatus=.new_or_live posSide=?posSide| holdMode=.hold_mode
    reduceOnly=.YES feeDetail=#[{{"feeCoin":null,"fee":null}}] cancelReason=.reason {_UNIFIED_TIMES}
    """,
    _CELLS,
)
_STRATEGY = f"""
    {_IDS} category qty=.quantity posSide=?posSide| status=.strategy_status tpTriggerBy=market slTriggerBy=market
    tpOrderType=market slOrderType=market takeProfit=?takeProfit| stopLoss=?stopLoss| tpLimitPrice=?tpLimitPrice|
    slLimitPrice=?slLimitPrice| triggerBy=?triggerBy| triggerPrice=?triggerPrice| triggerOrderType=?triggerOrderType|
    triggerOrderPrice=?triggerOrderPrice| {_UNIFIED_TIMES}
"""
_OLD, _YOUNG = Table(_STRATEGY, _CELLS), Table(f"{_STRATEGY} type=.kind side reduceOnly=.YES", _CELLS)


def strategy(order: SimOrder, clock: Clock) -> dict[str, object]:
    """A strategy order. Only of the younger types have clients seen type and side in it."""
    return (_YOUNG if order.kind in kinds.YOUNG_TYPES else _OLD)(order, clock)
