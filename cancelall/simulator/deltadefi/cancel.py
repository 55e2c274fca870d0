"""DeltaDeFi's cancels: all orders of a symbol, and one order.

`POST /order/cancel-all` {"symbol"} and `POST /order/{id}/cancel` (https://docs.deltadefi.io, pages "Cancel All Orders"
and "Cancel Order" of 2026-01-13). What really happens is from the team's bot logs of March 2026: 200 is answered before
the order is gone, orders younger than a second are missed, and nothing to cancel is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..book import Account
from .answers import INVALID_STATE, ORDER_NOT_OPEN, Refused, invalid, not_found
from .listing import check_symbol
from .rows import is_young

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import DeltaDeFi


def cancel_all(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`POST /order/cancel-all`: one symbol, and it is required.

    Orders that the engine has not taken over yet, or whose cancel is on its way, are not found: with nothing else on
    the book the answer is 4200, although they are listed.
    """
    symbol = venue.body(request).get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise invalid("symbol is required")
    check_symbol(venue, symbol, request)
    found = [order for order in account.book.open(symbol) if _reachable(venue, account, order.id)]
    if not found:
        word = venue.fault("nothing", request)
        if word is None or word.value != "200":
            raise not_found(int(str(word.value)) if word else 400)
    taken = venue.cancel(account, found, request).accepted
    named = taken[: len(taken) // 2] if venue.fault("short-ack", request) else taken
    return {"symbol": symbol, "order_ids": [order.id for order in named]}


def cancel_one(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`POST /order/{id}/cancel`. The docs send no body, the python SDK the id once more; it is not looked at."""
    order_id = request.path.split("/")[2]
    order = account.book.find(order_id)
    if order is None:
        raise not_found()
    if order.status != "open":
        raise Refused(ORDER_NOT_OPEN, "Order is not open")
    if not _reachable(venue, account, order_id) or venue.cancel(account, [order], request).failed:
        raise Refused(INVALID_STATE, "Invalid order state")
    return {"order_id": order.id}


def _reachable(venue: DeltaDeFi, account: Account, order_id: str) -> bool:
    """Whether a cancel can take this open order now."""
    order = account.book.find(order_id)
    return order is not None and not is_young(order, venue.now_ms()) and not venue.is_landing(order_id)
