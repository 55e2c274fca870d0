"""The sorts of order that Bybit has, and which `orderFilter` reaches which.

https://bybit-exchange.github.io/docs/v5/order/cancel-all and .../v5/enum (as of 2026-07-24).
"""

from __future__ import annotations

from ..book import SimOrder

PLAIN = "Order"
STOP = "Stop"
TPSL = "tpslOrder"
OCO = "OcoOrder"
BIDIRECTIONAL = "BidirectionalTpslOrder"

_CONTRACT_FILTERS = frozenset({"Order", "StopOrder"})
LISTING_FILTERS = {
    "linear": _CONTRACT_FILTERS,
    "inverse": _CONTRACT_FILTERS,
    "spot": frozenset({"Order", "StopOrder", TPSL, OCO, BIDIRECTIONAL}),
    "option": _CONTRACT_FILTERS,
}
CANCEL_FILTERS = {
    **LISTING_FILTERS,
    "linear": _CONTRACT_FILTERS | {"OpenOrder"},
    "inverse": _CONTRACT_FILTERS | {"OpenOrder"},
}


def triggered(order: SimOrder) -> bool:
    """Whether the order works on the market's book now: a plain one, or one whose trigger has fired."""
    return order.kind == PLAIN or order.extra.get("triggered") is True


def opens_position(order: SimOrder) -> bool:
    """What `OpenOrder` means: only the Chinese page says that it takes orders which open a position.

    How it treats conditional orders is not written anywhere. Here it takes those that could open one.
    """
    reduces = order.reduce_only or order.extra.get("closeOnTrigger") is True
    return not reduces and order.kind in (PLAIN, STOP)


def in_filter(order: SimOrder, order_filter: str) -> bool:
    """Whether an `orderFilter` reaches this order; the empty filter reaches every kind."""
    if not order_filter:
        return True
    if order_filter == "OpenOrder":
        return opens_position(order)
    if triggered(order):
        return order_filter == "Order"
    if order.segment == "spot":
        return order_filter == ("StopOrder" if order.kind == STOP else order.kind)
    return order_filter == "StopOrder"
