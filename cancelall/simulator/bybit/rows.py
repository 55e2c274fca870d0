"""Orders as Bybit's listings show them.

https://bybit-exchange.github.io/docs/v5/order/open-order (as of 2026-07-24).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..book import SimOrder
from . import kinds

Clock = Callable[[int], int]


def executed(order: SimOrder) -> Decimal:
    """How much of the order has been filled."""
    return Decimal(order.quantity) - Decimal(order.remaining)


def status(order: SimOrder) -> str:
    """`orderStatus`. Only spot has a word for cancelled with fills, and for cancelled before the trigger."""
    if order.status == "filled":
        return "Filled"
    if order.status == "cancelled":
        if order.segment != "spot":
            return "Cancelled"
        if not kinds.triggered(order):
            return "Deactivated"
        return "PartiallyFilledCanceled" if executed(order) else "Cancelled"
    if not kinds.triggered(order):
        return "Untriggered"
    return "PartiallyFilled" if executed(order) else "New"


def row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One order of linear, inverse, spot or option."""
    # A plain order's stopOrderType is documented as "" and as UNKNOWN; both occur here.
    plain_word = "UNKNOWN" if order.sequence % 2 else ""
    leaves = order.remaining if order.status == "open" else "0"
    # An order that fills after its cancel was acknowledged keeps the mark of the cancel
    # (.../v5/websocket/private/order).
    raced = order.status == "filled" and order.type == "limit"
    cells: dict[str, object] = {
        "orderId": order.id,
        "orderLinkId": order.client_id,
        "parentOrderLinkId": "",
        "blockTradeId": "",
        "symbol": order.symbol,
        "price": order.price,
        "qty": order.quantity,
        "side": order.side.capitalize(),
        "isLeverage": "",
        "positionIdx": order.extra.get("positionIdx", 0),
        "orderStatus": status(order),
        "cancelType": "CancelByUser" if raced or order.status == "cancelled" else "UNKNOWN",
        "rejectReason": "EC_OrigClOrdIDDoesNotExist" if raced else "EC_NoError",
        "avgPrice": order.price if executed(order) else "",
        "leavesQty": leaves,
        "leavesValue": str(Decimal(leaves) * Decimal(order.price or "0")),
        "cumExecQty": str(executed(order)),
        "cumExecValue": str(executed(order) * Decimal(order.price or "0")),
        "cumExecFee": "0",
        "timeInForce": "IOC" if order.type == "market" else "GTC",
        "orderType": order.type.capitalize(),
        "stopOrderType": plain_word if order.kind == kinds.PLAIN else order.kind,
        "orderIv": "",
        "marketUnit": "",
        "triggerPrice": order.extra.get("triggerPrice", ""),
        "takeProfit": "",
        "stopLoss": "",
        "tpslMode": "",
        "ocoTriggerBy": order.extra.get("ocoTriggerBy", ""),
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": order.extra.get("triggerDirection", 0),
        "triggerBy": "LastPrice" if order.extra.get("triggerPrice") else "",
        "lastPriceOnCreated": "",
        "basePrice": "",
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.extra.get("closeOnTrigger", False),
        "placeType": "price" if order.segment == "option" else "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(to_server(order.created_ms)),
        "updatedTime": str(to_server(order.updated_ms)),
    }
    if order.segment != "spot":
        cells["createType"] = order.extra.get("createType", "CreateByUser")
    return cells


def spread_row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One spread order."""
    return {
        "symbol": order.symbol,
        "baseCoin": order.symbol.split("USDT", 1)[0],
        "orderType": order.type.capitalize(),
        "orderLinkId": order.client_id,
        "orderId": order.id,
        "side": order.side.capitalize(),
        "price": order.price,
        "qty": order.quantity,
        "leavesQty": order.remaining if order.status == "open" else "0",
        "cumExecQty": str(executed(order)),
        "avgPrice": "",
        "orderStatus": status(order),
        "timeInForce": "GTC",
        "cxlRejReason": "",
        "createdTime": str(to_server(order.created_ms)),
        "updatedTime": str(to_server(order.updated_ms)),
    }
