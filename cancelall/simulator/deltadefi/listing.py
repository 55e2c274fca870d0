"""DeltaDeFi's reads of orders, page by page.

`GET /accounts/open-orders`, `/accounts/trade-orders`, `/accounts/trades`, `/accounts/order/{id}` and the deprecated
`/accounts/order-records`, from the python SDK 1.1.1, the Rust SDK (default page size) and the docs page "open orders"
(envelope). Pages are numbered; there is no cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from .answers import INVALID_STATUS, INVALID_SYMBOL, Refused, invalid, no_route, not_found
from .markets import MARKETS
from .rows import Style, executed, execution, legacy_row, row

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import DeltaDeFi

_LIMIT_DEFAULT = 10
_LIMIT_MAX = 250
_PAGE_MAX = 1000

Render = Callable[[SimOrder, Style], Mapping[str, object]]


def open_orders(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/open-orders`. Whether it answers without a symbol is documented by the Rust SDK alone."""
    symbol = request.parameters().get("symbol")
    if symbol is None and venue.fault("symbol-needed", request):
        raise invalid("symbol is required")
    check_symbol(venue, symbol, request)
    orders = venue.listed(account, request, symbol)
    if hidden := venue.fault("unlisted", request):
        youngest_ms = venue.now_ms() - round(hidden.number * 1000)
        orders = [order for order in orders if order.created_ms <= youngest_ms]
    if symbol in MARKETS and symbol is not None and not orders:
        venue.send_straggler(account, symbol, request)
    page, count, pages = _cut(venue, orders, request)
    rows = [row(order, venue.style(account, request)) for order in page]
    if venue.fault("bare-list", request):
        return rows
    if wrong := venue.fault("count-off", request):
        count += int(wrong.number)
    return {"data": rows, "total_count": count, "total_page": pages}


def trade_orders(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/trade-orders`: orders of which something was executed, closed or not."""
    return _history(venue, account, request, row)


def trades(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/trades`: the executions themselves."""
    return _history(venue, account, request, execution)


def _history(venue: DeltaDeFi, account: Account, request: SimRequest, render: Render) -> object:
    symbol = request.parameters().get("symbol")
    check_symbol(venue, symbol, request)
    orders = [order for order in (*account.book.open(symbol), *account.book.closed(symbol)) if executed(order)]
    page, count, pages = _cut(venue, orders, request)
    style = venue.style(account, request)
    return {"data": [render(order, style) for order in page], "total_count": count, "total_page": pages}


def order_records(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/order-records`, deprecated: the orders of a page are nested in the only member of `data`."""
    parameters = request.parameters()
    wanted = parameters.get("status", "")
    symbol = parameters.get("symbol")
    if wanted not in ("openOrder", "orderHistory", "tradingHistory"):
        raise Refused(INVALID_STATUS, "Invalid status parameter")
    check_symbol(venue, symbol, request)
    orders = venue.listed(account, request, symbol) if wanted == "openOrder" else list(account.book.closed(symbol))
    if wanted == "tradingHistory":
        orders = [order for order in orders if executed(order)]
    page, count, pages = _cut(venue, orders, request)
    style = venue.style(account, request)
    nested = {"orders": [legacy_row(order, style) for order in page], "order_filling_records": []}
    return {"data": [nested], "total_count": count, "total_page": pages}


def one_order(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/order/{id}`, open or closed. With an empty id it is no path at all."""
    order_id = request.path.rpartition("/")[2]
    if not order_id:
        raise no_route()
    order = account.book.find(order_id)
    if order is None:
        raise not_found()
    return row(order, venue.style(account, request))


def check_symbol(venue: DeltaDeFi, symbol: str | None, request: SimRequest) -> None:
    """Refuse a symbol that does not exist, unless the fault `lenient-symbols` answers it like an empty one."""
    known = symbol in MARKETS and symbol != venue.delisted(request)
    if symbol is None or known or venue.fault("lenient-symbols", request):
        return
    raise Refused(INVALID_SYMBOL, "Invalid trading pair symbol")


def _cut(venue: DeltaDeFi, orders: Sequence[SimOrder], request: SimRequest) -> tuple[Sequence[SimOrder], int, int]:
    """The orders of the page that is asked for, how many there are in all, and on how many pages."""
    parameters = request.parameters()
    limit = _number(parameters, "limit", _LIMIT_DEFAULT, _LIMIT_MAX)
    page = _number(parameters, "page", 1, _PAGE_MAX)
    if page > 1 and venue.fault("cursor-loop", request):
        page = 1
    return orders[(page - 1) * limit : page * limit], len(orders), -(-len(orders) // limit)


def _number(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = parameters.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= most):
        raise invalid(f"{name} must be 1 to {most}")
    return int(value)
