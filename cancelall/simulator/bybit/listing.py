"""Bybit's reads of orders: the open ones and the recent past.

https://bybit-exchange.github.io/docs/v5/order/open-order and .../order-list (as of 2026-07-24).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused
from .pages import odd_first, page_for
from .rows import row
from .scope import Scope, read_scope, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

_RECENT = 500
HISTORY_MS = 24 * 3_600_000


def realtime(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/order/realtime`: open orders of all kinds, newest first; `openOnly=1` shows recent closed ones instead.

    With an order's id, `openOnly` does not matter: a closed order is found too.
    """
    parameters = request.parameters()
    named = bool(parameters.get("orderId") or parameters.get("orderLinkId"))
    scope = read_scope(
        parameters,
        venue.instruments,
        filters=kinds.LISTING_FILTERS,
        coin_for=frozenset() if named else frozenset({"linear"}),
        spot_default="",
    )
    if named:
        found = _by_id(account, parameters, scope.category)
        return _answer(venue, scope, found, f"{found[0].id}%3A{found[0].created_ms}" if found else "", request)
    which = parameters.get("openOnly", "0")
    if which not in ("0", "1", "2"):
        raise Refused(10001, "params error: openOnly is invalid")
    if which == "0":
        orders = venue.listed(account, request, scope.category)
    else:
        orders = list(islice(account.book.closed(scope.category), _RECENT))
    return _paged(venue, scope, orders, request)


def history(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/order/history`: here the orders that ended within 24 hours, the last first."""
    parameters = request.parameters()
    scope = read_scope(
        parameters, venue.instruments, filters=kinds.LISTING_FILTERS, coin_for=frozenset(), spot_default=""
    )
    recent = _recent(venue, account, scope.category)
    if parameters.get("orderId") or parameters.get("orderLinkId"):
        wanted = {order.id for order in _by_id(account, parameters, scope.category)}
        recent = [order for order in recent if order.id in wanted]
    return _paged(venue, scope, recent, request)


def _recent(venue: Bybit, account: Account, segment: str) -> list[SimOrder]:
    since_ms = venue.now_ms() - HISTORY_MS
    return [order for order in account.book.closed(segment) if order.updated_ms >= since_ms]


def spread_history_orders(venue: Bybit, account: Account) -> list[SimOrder]:
    """Spread orders that ended within 24 hours."""
    return _recent(venue, account, "spread")


def _by_id(account: Account, parameters: dict[str, str], category: str) -> list[SimOrder]:
    order = account.book.find(text(parameters, "orderId"), text(parameters, "orderLinkId"))
    return [order] if order is not None and order.segment == category else []


def _paged(venue: Bybit, scope: Scope, orders: list[SimOrder], request: SimRequest) -> Answer:
    in_scope = [order for order in orders if scope.holds(order)]
    page, cursor = page_for(venue, in_scope, request)
    return _answer(venue, scope, list(page), cursor, request)


def _answer(venue: Bybit, scope: Scope, orders: list[SimOrder], cursor: str, request: SimRequest) -> Answer:
    rows = odd_first(venue, [row(order, venue.to_server) for order in orders], request)
    return Answer(result={"category": scope.category, "list": rows, "nextPageCursor": cursor})
