"""Orders as Bitget's listings show them: the fields, and their spelling, of each endpoint's page (as of 2025-12-05)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..book import SimOrder
from . import kinds

Clock = Callable[[int], int]
Row = Callable[[SimOrder, Clock], dict[str, object]]

_PLAN_STATUS = {"open": "live", "cancelled": "cancelled", "filled": "executed"}
_STRATEGY_STATUS = {"open": "pending", "cancelled": "cancelled", "filled": "success"}


def executed(order: SimOrder) -> str:
    """How much of the order has been filled."""
    return str(Decimal(order.quantity) - Decimal(order.remaining))


def _status(order: SimOrder, *, live: str = "live", cancelled: str) -> str:
    if order.status == "cancelled":
        return cancelled
    if order.status == "filled":
        return "filled"
    return "partially_filled" if Decimal(executed(order)) else live


def _some(order: SimOrder, *names: str) -> dict[str, object]:
    """Fields that the order brings along, empty where it does not."""
    return {name: order.extra.get(name, "") for name in names}


def _times(order: SimOrder, clock: Clock, created: str, updated: str) -> dict[str, object]:
    return {created: str(clock(order.created_ms)), updated: str(clock(order.updated_ms))}


def futures_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """An ordinary futures order. A cancelled one is `canceled` here, with one l; on spot it has two."""
    return {
        "symbol": order.symbol,
        "size": order.quantity,
        "orderId": order.id,
        "clientOid": order.client_id,
        "baseVolume": executed(order),
        "fee": "",
        "price": order.price,
        "priceAvg": order.price if Decimal(executed(order)) else "",
        "status": _status(order, cancelled="canceled"),
        "side": order.side,
        "force": order.extra.get("force", "gtc"),
        "totalProfits": "",
        "posSide": order.extra.get("posSide", "net"),
        "marginCoin": order.extra.get("marginCoin", "USDT"),
        "quoteVolume": "",
        "leverage": "20",
        "marginMode": "crossed",
        "reduceOnly": "YES" if order.reduce_only else "NO",
        "enterPointSource": "API",
        "tradeSide": order.extra.get("tradeSide", f"{order.side}_single"),
        "posMode": order.extra.get("posMode", "one_way_mode"),
        "orderType": order.type,
        "orderSource": order.extra.get("orderSource", "normal"),
        **_some(order, "presetStopSurplusPrice", "presetStopLossPrice"),
        **_times(order, clock, "cTime", "uTime"),
    }


def futures_detail(order: SimOrder, clock: Clock) -> dict[str, object]:
    """The same, as the query of one order shows it: `status` is `state` there."""
    row = futures_row(order, clock)
    row["state"] = row.pop("status")
    return row | {"cancelReason": "normal_cancel" if order.status == "cancelled" else ""}


def plan_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """A futures plan order. Of these the whole-position ones have no size."""
    return {
        "planType": order.kind,
        "symbol": order.symbol,
        "size": "" if order.kind.startswith("pos_") else order.quantity,
        "orderId": order.id,
        "clientOid": order.client_id,
        "price": order.price if order.type == "limit" else "",
        "executePrice": order.price if order.type == "limit" else "0",
        "planStatus": _PLAN_STATUS[order.status],
        "side": order.side,
        "posSide": order.extra.get("posSide", "net"),
        "marginCoin": order.extra.get("marginCoin", "USDT"),
        "marginMode": "crossed",
        "enterPointSource": "API",
        "tradeSide": order.extra.get("tradeSide", ""),
        "posMode": order.extra.get("posMode", "one_way_mode"),
        "orderType": order.type,
        "orderSource": order.extra.get("orderSource", "normal"),
        "triggerType": "mark_price",
        **_some(order, "triggerPrice", "callbackRatio", "stopSurplusTriggerPrice", "stopLossTriggerPrice"),
        **_times(order, clock, "cTime", "uTime"),
    }


def spot_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """An ordinary or TP/SL spot order in a listing: `priceAvg` is its price there, `basePrice` that of its fills."""
    return _spot(order, clock) | {"priceAvg": order.price, "basePrice": "0"}


def spot_history_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """The same in the history and the query of one order, where `priceAvg` is the fills' price."""
    done = order.price if Decimal(executed(order)) else ""
    reason = "normal_cancel" if order.status == "cancelled" else ""
    return _spot(order, clock) | {"price": order.price, "priceAvg": done, "feeDetail": None, "cancelReason": reason}


def _spot(order: SimOrder, clock: Clock) -> dict[str, object]:
    return {
        "userId": "1000000001",
        "symbol": order.symbol,
        "orderId": order.id,
        "clientOid": order.client_id,
        "size": order.quantity,
        "orderType": order.type,
        "side": order.side,
        "status": _status(order, cancelled="cancelled"),
        "baseVolume": executed(order),
        "quoteVolume": "0",
        "enterPointSource": "API",
        "orderSource": order.extra.get("orderSource", "normal"),
        "tpslType": order.kind,
        "triggerPrice": order.extra.get("triggerPrice"),
        **_some(order, "presetTakeProfitPrice", "presetStopLossPrice"),
        **_times(order, clock, "cTime", "uTime"),
    }


def spot_plan_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """A spot plan order; its `planType` says whether the size is of the base or of the quote coin."""
    return {
        "orderId": order.id,
        "clientOid": order.client_id,
        "symbol": order.symbol,
        "size": order.quantity,
        "executePrice": order.price if order.type == "limit" else "0",
        "triggerPrice": order.extra.get("triggerPrice", ""),
        "status": _PLAN_STATUS[order.status],
        "orderType": order.type,
        "side": order.side,
        "planType": order.kind,
        "triggerType": "fill_price",
        "enterPointSource": "API",
        **_times(order, clock, "cTime", "uTime"),
    }


def margin_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """An order of a classic margin account, whose size is `baseSize`."""
    return {
        "orderId": order.id,
        "symbol": order.symbol,
        "orderType": order.type,
        "enterPointSource": "API",
        "clientOid": order.client_id,
        "loanType": "normal",
        "price": order.price,
        "side": order.side,
        "status": "live",
        "baseSize": order.quantity,
        "quoteSize": "",
        "priceAvg": "",
        "size": executed(order),
        "amount": "",
        "force": "gtc",
        **_times(order, clock, "cTime", "uTime"),
    }


def unified_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """An ordinary order of a unified account. There is no margin coin in it, and no trade side in a listing."""
    futures = order.segment.endswith(kinds.FUTURES)
    return {
        "orderId": order.id,
        "clientOid": order.client_id,
        "category": order.segment.removeprefix("unified "),
        "symbol": order.symbol,
        "orderType": order.type,
        "side": order.side,
        "price": order.price,
        "qty": order.quantity,
        "amount": "0",
        "cumExecQty": executed(order),
        "cumExecValue": "0",
        "avgPrice": order.price if Decimal(executed(order)) else "0",
        "timeInForce": order.extra.get("force", "gtc"),
        # Both words are documented for an order that waits in the book.
        "orderStatus": _status(order, live="new" if order.sequence % 2 else "live", cancelled="cancelled"),
        "posSide": order.extra.get("posSide", ""),
        "holdMode": order.extra.get("posMode", "one_way_mode" if futures else ""),
        "reduceOnly": "YES" if order.reduce_only else "NO",
        "feeDetail": [{"feeCoin": None, "fee": None}],
        "cancelReason": "normal_cancel" if order.status == "cancelled" else "",
        **_times(order, clock, "createdTime", "updatedTime"),
    }


def strategy_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """A strategy order. Only of the younger types have clients seen type and side in it."""
    young = {"type": order.kind, "side": order.side, "reduceOnly": "YES" if order.reduce_only else "NO"}
    return (young if order.kind in kinds.YOUNG_TYPES else {}) | {
        "orderId": order.id,
        "clientOid": order.client_id,
        "category": order.segment.removeprefix("unified ").removesuffix(" strategy"),
        "symbol": order.symbol,
        "qty": order.quantity,
        "posSide": order.extra.get("posSide", ""),
        "status": _STRATEGY_STATUS[order.status],
        "tpTriggerBy": "market",
        "slTriggerBy": "market",
        "tpOrderType": "market",
        "slOrderType": "market",
        **_some(order, "takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice"),
        **_some(order, "triggerBy", "triggerPrice", "triggerOrderType", "triggerOrderPrice"),
        **_times(order, clock, "createdTime", "updatedTime"),
    }
