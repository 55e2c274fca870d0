"""The two margin accounts of a classic account, which no call lists or cancels without naming a symbol.

https://www.bitget.com/api-doc/margin/cross/trade/Get-Cross-Open-Orders and .../Cross-Batch-Cancel-Order (as of
2025-12-05); the isolated account has the same calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from .answers import Refused
from .cancel import Failure, Taken, ids, take, two_lists
from .pages import in_window, page_of
from .rows import margin_row
from .scope import named, names, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_GONE = ("43001", "The order does not exist")


def open_orders(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/margin/{crossed,isolated}/open-orders`: symbol and start time are required."""
    parameters = request.parameters()
    for name in ("symbol", "startTime"):
        if not parameters.get(name):
            raise Refused("40019", f"Parameter {name} cannot be empty")
    orders = [order for order in venue.listed(account, request, _mode(request)) if order.symbol == parameters["symbol"]]
    loop = venue.fault("cursor-loop", request) is not None
    page, _ = page_of(in_window(orders, parameters), parameters, name="idLessThan", loop=loop)
    return {
        "orderList": venue.rows(page, margin_row, request),
        "maxId": page[0].id if page else None,
        "minId": page[-1].id if page else None,
    }


def batch_cancel(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/margin/{crossed,isolated}/batch-cancel-order`: by ids, of one symbol."""
    body = venue.body(request)
    rows = names(body, "orderIdList")
    if not rows:
        raise Refused("40019", "Parameter orderIdList cannot be empty")
    orders: list[SimOrder] = []
    failed: list[Failure] = []
    for row in rows:
        order = _open_order(account, row, text(body, "symbol"), _mode(request))
        if order is not None:
            orders.append(order)
        else:
            given = {"order_id": text(row, "orderId"), "client_id": text(row, "clientOid")}
            failed.append(Failure(**given, code=_GONE[0], message=_GONE[1]))
    taken = take(venue, account, orders, request, by_name=True)
    return two_lists(Taken(accepted=taken.accepted, failed=(*failed, *taken.failed)), with_code=False)


def cancel_one(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/margin/{crossed,isolated}/cancel-order`."""
    body = venue.body(request)
    order = _open_order(account, body, text(body, "symbol"), _mode(request))
    if order is None:
        raise Refused(*_GONE)
    failed = take(venue, account, [order], request, by_name=True).failed
    if failed:
        raise Refused(failed[0].code, failed[0].message)
    return ids([order])[0]


def _open_order(account: Account, row: Mapping[str, object], symbol: str, mode: str) -> SimOrder | None:
    if not symbol:
        raise Refused("40019", "Parameter symbol cannot be empty")
    order = named(account, row, mode)
    return order if order is not None and order.symbol == symbol and order.status == "open" else None


def _mode(request: SimRequest) -> str:
    """Which of the two accounts the path names."""
    return request.path.split("/")[4]
