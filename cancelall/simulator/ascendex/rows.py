"""Orders as AscendEX's answers show them.

Cash, margin and futures v1: https://ascendex.github.io/ascendex-pro-api/#list-open-orders. Futures v2:
https://ascendex.github.io/ascendex-futures-pro-api-v2/#query-order-by-id, whose sample is the fullest. Times follow the
venue's own clock.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..book import SimOrder

Clock = Callable[[int], int]

_TYPES = {"limit": "Limit", "market": "Market", "stop_limit": "StopLimit", "stop_market": "StopMarket"}


def executed(order: SimOrder) -> Decimal:
    """How much of the order has been filled."""
    return Decimal(order.quantity) - Decimal(order.remaining)


def is_conditional(order: SimOrder) -> bool:
    """Whether the order waits for its trigger."""
    return order.type in ("stop_limit", "stop_market")


def status(order: SimOrder) -> str:
    """`status`: https://ascendex.github.io/ascendex-futures-pro-api-v2/#order-status-status."""
    if order.status == "filled":
        return "Filled"
    if order.status == "cancelled":
        return "Canceled"
    if is_conditional(order):
        return "PendingNew"
    return "PartiallyFilled" if executed(order) else "New"


def row_v1(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One order of cash, margin or futures v1. `stopPrice` is filled for stop orders only, else empty."""
    return {
        "avgPx": order.price if executed(order) else "0",
        "cumFee": "0",
        "cumFilledQty": str(executed(order)),
        "errorCode": "",
        "feeAsset": "USDT",
        "lastExecTime": to_server(order.updated_ms),
        "orderId": order.id,
        "orderQty": order.quantity,
        "orderType": _TYPES[order.type],
        "price": order.price,
        "seqNum": order.sequence,
        "side": order.side.capitalize(),
        "status": status(order),
        "stopPrice": str(order.extra.get("stopPrice", "")),
        "symbol": order.symbol,
        "execInst": str(order.extra.get("execInst", "NULL_VAL")),
    }


def row_v2(order: SimOrder, to_server: Clock, account_id: str, *, acked: bool = True) -> dict[str, object]:
    """One futures order. Without a stop price it says "0"; one that the engine has not taken yet has no number.

    A live answer showed `status` "Ack" with `seqNum` -1 (https://github.com/ccxt/ccxt/issues/11073).
    """
    return {
        "ac": "FUTURES",
        "accountId": account_id,
        "time": to_server(order.created_ms),
        "orderId": order.id,
        "seqNum": order.sequence if acked else -1,
        "orderType": _TYPES[order.type],
        "execInst": str(order.extra.get("execInst", "NULL_VAL")),
        "side": order.side.capitalize(),
        "symbol": order.symbol,
        "price": order.price,
        "orderQty": order.quantity,
        "stopPrice": str(order.extra.get("stopPrice", "0")),
        "stopBy": str(order.extra.get("stopBy", "market")),
        "status": status(order) if acked else "Ack",
        "lastExecTime": to_server(order.updated_ms),
        "lastQty": "0",
        "lastPx": "0",
        "avgFilledPx": order.price if executed(order) else "0",
        "cumFilledQty": str(executed(order)),
        "fee": "0",
        "cumFee": "0",
        "feeAsset": "USDT",
        "errorCode": "",
        "posStopLossPrice": str(order.extra.get("posStopLossPrice", "0")),
        "posStopLossTrigger": "market",
        "posTakeProfitPrice": str(order.extra.get("posTakeProfitPrice", "0")),
        "posTakeProfitTrigger": "market",
        "liquidityInd": "n",
    }


def history_row(order: SimOrder, to_server: Clock, account_id: str) -> dict[str, object]:
    """One closed order of the long history, whose fields have names of their own."""
    return {
        "orderId": order.id,
        "seqNum": order.sequence,
        "accountId": account_id,
        "symbol": order.symbol,
        "orderType": _TYPES[order.type],
        "side": order.side.capitalize(),
        "price": order.price,
        "stopPrice": str(order.extra.get("stopPrice", "0")),
        "orderQty": order.quantity,
        "status": status(order),
        "createTime": to_server(order.created_ms),
        "lastExecTime": to_server(order.updated_ms),
        "avgFillPrice": order.price if executed(order) else "0",
        "fillQty": str(executed(order)),
        "fee": "0",
        "feeAsset": "USDT",
    }
