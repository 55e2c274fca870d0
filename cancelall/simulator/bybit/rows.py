"""Orders as Bybit's listings show them.

https://bybit-exchange.github.io/docs/v5/order/open-order and .../spread/trade/open-order (as of 2026-07-24).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..book import SimOrder
from ..rows import Cell, Table
from .scope import PLAIN, triggered


def _status(order: SimOrder) -> str:
    """`orderStatus`. Only spot has a word for cancelled with fills, and for cancelled before the trigger."""
    if order.status == "filled":
        return "Filled"
    waits, partly = not triggered(order), bool(order.executed)
    if order.status == "open":
        return "Untriggered" if waits else "PartiallyFilled" if partly else "New"
    if order.segment != "spot":
        return "Cancelled"
    return "Deactivated" if waits else "PartiallyFilledCanceled" if partly else "Cancelled"


def _stop_type(order: SimOrder) -> str:
    """A plain order's `stopOrderType` is documented as "" and as UNKNOWN; both occur here."""
    if order.kind != PLAIN:
        return order.kind
    return "UNKNOWN" if order.sequence % 2 else ""


def _raced(order: SimOrder) -> bool:
    """Whether it filled after its cancel was acknowledged: it keeps the mark of the cancel
    (.../v5/websocket/private/order).
    """
    return order.status == "filled" and order.type == "limit"


def _leaves(order: SimOrder) -> str:
    return order.remaining if order.status == "open" else "0"


def _worth(order: SimOrder, quantity: Decimal) -> str:
    return str(quantity * Decimal(order.price or "0"))


_CELLS: dict[str, Cell] = {
    "status": lambda order, _: _status(order),
    "Type": lambda order, _: order.type.capitalize(),
    "stop_type": lambda order, _: _stop_type(order),
    "cancel_type": lambda order, _: "CancelByUser" if _raced(order) or order.status == "cancelled" else "UNKNOWN",
    "reject": lambda order, _: "EC_OrigClOrdIDDoesNotExist" if _raced(order) else "EC_NoError",
    "average": lambda order, _: order.price if order.executed else "",
    "leaves": lambda order, _: _leaves(order),
    "leaves_value": lambda order, _: _worth(order, Decimal(_leaves(order))),
    "executed_value": lambda order, _: _worth(order, order.executed),
    "in_force": lambda order, _: "IOC" if order.type == "market" else "GTC",
    "trigger_by": lambda order, _: "LastPrice" if order.extra.get("triggerPrice") else "",
    "place_type": lambda order, _: "price" if order.segment == "option" else "",
    "created": lambda order, to_server: str(to_server(order.created_ms)),
    "updated": lambda order, to_server: str(to_server(order.updated_ms)),
    "base": lambda order, _: order.symbol.split("USDT", 1)[0],
}
_ORDER = """
    orderId=.id orderLinkId=.client_id parentOrderLinkId= blockTradeId= symbol price qty=.quantity side=.Side
    isLeverage= positionIdx=?positionIdx|#0 orderStatus=.status cancelType=.cancel_type rejectReason=.reject
    avgPrice=.average leavesQty=.leaves leavesValue=.leaves_value cumExecQty=.executed cumExecValue=.executed_value
    cumExecFee=0 timeInForce=.in_force orderType=.Type stopOrderType=.stop_type orderIv= marketUnit=
    triggerPrice=?triggerPrice| takeProfit= stopLoss= tpslMode= ocoTriggerBy=?ocoTriggerBy| tpLimitPrice= slLimitPrice=
    tpTriggerBy= slTriggerBy= triggerDirection=?triggerDirection|#0 triggerBy=.trigger_by lastPriceOnCreated= basePrice=
    reduceOnly=.reduce_only closeOnTrigger=?closeOnTrigger|#false placeType=.place_type smpType=None smpGroup=#0
    smpOrderId= createdTime=.created updatedTime=.updated
"""
_SPREAD = """
    symbol baseCoin=.base orderType=.Type orderLinkId=.client_id orderId=.id side=.Side price qty=.quantity
    leavesQty=.leaves cumExecQty=.executed avgPrice= orderStatus=.status timeInForce=GTC cxlRejReason=
    createdTime=.created updatedTime=.updated
"""
_TABLES = {"spot": Table(_ORDER, _CELLS), "spread": Table(_SPREAD, _CELLS)}
_OTHERS = Table(f"{_ORDER} createType=?createType|CreateByUser", _CELLS)


def row(order: SimOrder, to_server: Callable[[int], int]) -> dict[str, object]:
    """One order; spot orders do not tell who created them."""
    return _TABLES.get(order.segment, _OTHERS)(order, to_server)
