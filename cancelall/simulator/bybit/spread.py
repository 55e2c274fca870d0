"""Bybit's spread orders (two legs traded as one), which have paths of their own and are listed only there.

https://bybit-exchange.github.io/docs/v5/spread/trade/cancel-all and .../open-order (as of 2026-07-24).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from .answers import Answer, Refused
from .cancel import NOT_FOUND, acknowledge
from .listing import spread_history_orders
from .pages import odd_first, page_for
from .rows import spread_row
from .scope import text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

SEGMENT = "spread"


def spread_cancel_all(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/spread/order/cancel-all`: of one symbol (`cancelAll` is then ignored), else with `cancelAll` true."""
    body = venue.body(request)
    symbol = text(body, "symbol")
    if not symbol and body.get("cancelAll") is not True:
        raise Refused(10001, "params error: symbol or cancelAll is required")
    orders = [order for order in account.book.open(SEGMENT) if symbol in ("", order.symbol)]
    return acknowledge(venue, account, orders, request)


def spread_cancel(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`POST /v5/spread/order/cancel`."""
    body = venue.body(request)
    order = account.book.find(text(body, "orderId"), text(body, "orderLinkId"))
    if order is None or order.segment != SEGMENT or order.status != "open":
        raise Refused(NOT_FOUND, "order not exists or too late to cancel")
    venue.cancel(account, [order], request)
    return Answer(result={"orderId": order.id, "orderLinkId": order.client_id}, message="Success")


def spread_realtime(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/spread/order/realtime`: the open ones."""
    return _page(venue, venue.listed(account, request, SEGMENT), request)


def spread_history(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/spread/order/history`: here the ones that ended within 24 hours."""
    return _page(venue, spread_history_orders(venue, account), request)


def _page(venue: Bybit, orders: list[SimOrder], request: SimRequest) -> Answer:
    parameters = request.parameters()
    wanted = {"id": "orderId", "client_id": "orderLinkId", "symbol": "symbol"}
    found = [
        order
        for order in orders
        if all(parameters.get(name, "") in ("", getattr(order, field)) for field, name in wanted.items())
    ]
    page, cursor = page_for(venue, found, request)
    rows = odd_first(venue, [spread_row(order, venue.to_server) for order in page], request)
    return Answer(result={"list": rows, "nextPageCursor": cursor}, message="Success")
