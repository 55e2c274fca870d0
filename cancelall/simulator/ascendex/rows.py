"""Orders as AscendEX's answers show them.

Cash, margin and futures v1: https://ascendex.github.io/ascendex-pro-api/#list-open-orders. Futures v2:
https://ascendex.github.io/ascendex-futures-pro-api-v2/#query-order-by-id, whose sample is the fullest. Times follow the
venue's own clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..book import SimOrder
from ..rows import Cell, tables

_TYPES = {"limit": "Limit", "market": "Market", "stop_limit": "StopLimit", "stop_market": "StopMarket"}


@dataclass(frozen=True, kw_only=True)
class View:
    """Whose rows they are, by which clock, and which orders the matching engine has taken."""

    clock: Callable[[int], int]
    account_id: str
    acked: Callable[[SimOrder], bool] = lambda order: True

    def __call__(self, when_ms: int) -> int:
        """A moment as the venue's clock names it."""
        return self.clock(when_ms)


def is_conditional(order: SimOrder) -> bool:
    """Whether the order waits for its trigger."""
    return order.type in ("stop_limit", "stop_market")


def status(order: SimOrder) -> str:
    """`status`: https://ascendex.github.io/ascendex-futures-pro-api-v2/#order-status-status."""
    if order.status != "open":
        return "Filled" if order.status == "filled" else "Canceled"
    if is_conditional(order):
        return "PendingNew"
    return "PartiallyFilled" if order.executed else "New"


_CELLS: Mapping[str, Cell] = {
    "type": lambda order, _: _TYPES[order.type],
    "status": lambda order, _: status(order),
    "account": lambda order, view: view.account_id,
    # A live answer showed `status` "Ack" with `seqNum` -1: https://github.com/ccxt/ccxt/issues/11073.
    "acked_status": lambda order, view: status(order) if view.acked(order) else "Ack",
    "acked_sequence": lambda order, view: order.sequence if view.acked(order) else -1,
}
_SHARED = "orderId=.id symbol orderType=.type side=.Side price orderQty=.quantity lastExecTime=.updated feeAsset=USDT"

_table = tables(_CELLS)

# One order of cash, margin or futures v1. `stopPrice` is filled for stop orders only, else empty.
row_v1 = _table(f"""
    {_SHARED} avgPx=.average cumFee=0 cumFilledQty=.executed errorCode= seqNum=.sequence status stopPrice=?stopPrice|
    execInst=?execInst|NULL_VAL
""")
# One futures order. Without a stop price it says "0"; one that the engine has not taken yet has no number.
row_v2 = _table(f"""
    ac=FUTURES accountId=.account time=.created {_SHARED} seqNum=.acked_sequence execInst=?execInst|NULL_VAL
    stopPrice=?stopPrice|0 stopBy=?stopBy|market status=.acked_status lastQty=0 lastPx=0 avgFilledPx=.average
    cumFilledQty=.executed fee=0 cumFee=0 errorCode= posStopLossPrice=?posStopLossPrice|0 posStopLossTrigger=market
    posTakeProfitPrice=?posTakeProfitPrice|0 posTakeProfitTrigger=market liquidityInd=n
""")
# One closed order of the long history, whose fields have names of their own.
history_row = _table(f"""
    {_SHARED} seqNum=.sequence accountId=.account stopPrice=?stopPrice|0 status createTime=.created
    avgFillPrice=.average fillQty=.executed fee=0
""")
