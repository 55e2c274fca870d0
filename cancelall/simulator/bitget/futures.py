"""Classic futures: ordinary orders and plan orders, which are two books with calls of their own.

https://www.bitget.com/api-doc/contract/trade/Cancel-All-Orders, .../Batch-Cancel-Orders, .../Get-Orders-Pending,
https://www.bitget.com/api-doc/contract/plan/Cancel-Plan-Order and .../get-orders-plan-pending (as of 2025-12-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Refused
from .cancel import Failure, Taken, ids, take, two_lists
from .pages import in_window, page_of
from .rows import Row, executed, futures_detail, futures_row, plan_row
from .scope import named, names, product_type, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_BATCH_MAX = 50
_GONE = ("40768", "Order does not exist")
_FINAL = ("45031", "The order is finalized")


def cancel_all(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/cancel-all-orders`: of one product type, and of one margin coin if it is given.

    A `symbol` is not documented, and here it is ignored: everything of the product type goes. No order is code 22001.
    """
    body = venue.body(request)
    product = product_type(body)
    orders = _of_coin(account.book.open(product), text(body, "marginCoin"))
    if not orders and venue.fault("hollow", request):
        return two_lists(Taken())
    if not orders:
        raise Refused("22001", "No order to cancel")
    taken = take(venue, account, orders, request)
    venue.fire_trigger(account, kinds.plan_segment(product), product, request)
    return two_lists(taken)


def batch_cancel(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/batch-cancel-orders`: by ids, else by symbol, else the whole product type."""
    body = venue.body(request)
    product, symbol, rows = product_type(body), text(body, "symbol"), names(body, "orderIdList")
    _check_batch(venue, request, rows, symbol)
    if not rows:
        orders = [order for order in account.book.open(product) if symbol in ("", order.symbol)]
        orders = _of_coin(orders, text(body, "marginCoin"))
        if not orders:
            raise Refused("22001", "No order to cancel")
        return two_lists(take(venue, account, orders, request, by_name=True))
    orders, failed = _by_ids(account, rows, product, symbol)
    taken = take(venue, account, orders, request, by_name=True)
    return two_lists(Taken(accepted=taken.accepted, failed=(*failed, *taken.failed)))


def cancel_one(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/cancel-order`."""
    body = venue.body(request)
    orders, failed = _by_ids(account, [body], product_type(body), text(body, "symbol"))
    failed += take(venue, account, orders, request, by_name=True).failed
    if failed:
        raise Refused(failed[0].code, failed[0].message)
    return ids(orders)[0]


def _by_ids(
    account: Account, rows: Sequence[Mapping[str, object]], product: str, symbol: str
) -> tuple[list[SimOrder], list[Failure]]:
    """Open ordinary orders of that product and symbol, and a failure for every other name. A plan order is one."""
    orders: list[SimOrder] = []
    failed: list[Failure] = []
    for row in rows:
        order = named(account, row, product)
        if order is not None and order.symbol == symbol and order.status == "open":
            orders.append(order)
            continue
        code, message = _FINAL if order is not None and order.symbol == symbol else _GONE
        failed.append(
            Failure(order_id=text(row, "orderId"), client_id=text(row, "clientOid"), code=code, message=message)
        )
    return orders, failed


def _check_batch(venue: Bitget, request: SimRequest, rows: Sequence[object], symbol: str) -> None:
    """The page says 50, the page of best practices 20: the fault `batch` makes it 20."""
    if venue.fault("batch", request, lambda fault: len(rows) > fault.number):
        raise Refused("40306", "Batch processing orders can only process up to 20")
    if len(rows) > _BATCH_MAX:
        raise Refused("40912", "single cancel cannot exceed 50")
    if rows and not symbol:
        raise Refused("43048", "The symbol is null")


def _of_coin(orders: Iterable[SimOrder], coin: str) -> list[SimOrder]:
    """The orders of a margin coin, which has to be written in capitals."""
    return [order for order in orders if coin in ("", order.extra.get("marginCoin"))]


def cancel_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/cancel-plan-order`: of one `planType`, `normal_plan` if none is given.

    The venue's silent no-op, met by many: what the planType does not reach, named or not, is in neither list, and the
    answer is a success. The same is reported of moving_plan without ids in hedge mode (the fault `hedge`); that a call
    without a symbol works is documented, and not in any record (`wants-symbol`).
    """
    body = venue.body(request)
    product, symbol, rows = product_type(body), text(body, "symbol"), names(body, "orderIdList")
    plan_type = text(body, "planType") or "normal_plan"
    _check_batch(venue, request, rows, symbol)
    if not (rows or symbol) and venue.fault("wants-symbol", request):
        raise Refused("43048", "The symbol is null")
    if not rows and plan_type == "moving_plan" and venue.fault("hedge", request):
        return two_lists(Taken(), with_code=False)
    segment = kinds.plan_segment(product)
    ids_named = {order.id for row in rows if (order := named(account, row, segment))}
    orders = [
        order
        for order in _of_coin(account.book.open(segment), text(body, "marginCoin"))
        if (not rows or order.id in ids_named)
        and symbol in ("", order.symbol)
        and venue.cancelled_under(order) == plan_type
    ]
    return two_lists(take(venue, account, orders, request, by_name=bool(rows)), with_code=False)


def pending(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/order/orders-pending`, newest first.

    Without `status` the page promises only orders that nothing was filled of, and shows one that is partly filled; here
    both are listed unless the fault `live-only` is on. The fault `forgets` leaves out what is older than three months.
    """
    parameters = request.parameters()
    product = product_type(parameters)
    orders = venue.listed(account, request, product)
    wanted = parameters.get("status", "")
    if wanted not in ("", "live", "partially_filled"):
        raise Refused("40812", "The condition status is not met")
    if not wanted and venue.fault("live-only", request):
        wanted = "live"
    if wanted:
        orders = [order for order in orders if (executed(order) == "0") is (wanted == "live")]
    return _listing(venue, orders, request, futures_row)


def plan_pending(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/order/orders-plan-pending`: under one of three words; an order's own `planType` is refused."""
    parameters = request.parameters()
    product = product_type(parameters)
    orders = venue.listed(account, request, kinds.plan_segment(product))
    return _listing(venue, _listed_under(orders, parameters), request, plan_row)


def history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/order/orders-history`: what was filled or cancelled within 90 days."""
    orders = _closed(account, product_type(request.parameters()))
    return _listing(venue, orders, request, futures_row)


def plan_history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/order/orders-plan-history`: under one of the three words."""
    parameters = request.parameters()
    orders = _closed(account, kinds.plan_segment(product_type(parameters)))
    return _listing(venue, _listed_under(orders, parameters), request, plan_row)


def detail(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/order/detail`."""
    parameters = request.parameters()
    order = named(account, parameters, product_type(parameters))
    if order is None or order.symbol != parameters.get("symbol"):
        raise Refused("40109", "The data of the order cannot be found, please confirm the order number")
    return futures_detail(order, venue.to_server)


def _listed_under(orders: Sequence[SimOrder], parameters: Mapping[str, str]) -> list[SimOrder]:
    word = parameters.get("planType", "")
    if word not in kinds.LISTING_WORDS:
        raise Refused("40812", "The condition planType is not met")
    return [order for order in orders if kinds.LISTED_UNDER[order.kind] == word]


def _closed(account: Account, segment: str) -> list[SimOrder]:
    """Closed orders by id, newest first, as the pages go."""
    return sorted(account.book.closed(segment), key=lambda order: order.sequence, reverse=True)


def _listing(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest, row: Row) -> object:
    """One page. Without orders, both fields are null: observed, not documented."""
    parameters = request.parameters()
    wanted = {"id": "orderId", "client_id": "clientOid", "symbol": "symbol"}
    orders = [
        order
        for order in in_window(venue.remembered(orders, request), parameters)
        if all(parameters.get(name, "") in ("", getattr(order, field)) for field, name in wanted.items())
    ]
    loop = venue.fault("cursor-loop", request) is not None
    page, _ = page_of(orders, parameters, name="idLessThan", loop=loop)
    if not page:
        return {"entrustedList": None, "endId": None}
    return {"entrustedList": venue.rows(page, row, request), "endId": page[-1].id}
