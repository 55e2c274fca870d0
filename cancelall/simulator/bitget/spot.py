"""Classic spot: ordinary and TP/SL orders, and plan orders.

https://www.bitget.com/api-doc/spot/trade/Cancel-Symbol-Orders, .../Cancel-Order, .../Batch-Cancel-Orders,
.../Get-Unfilled-Orders, https://www.bitget.com/api-doc/spot/plan/Batch-Cancel-Plan-Order and .../Get-Current-Plan-Order
(as of 2025-12-05).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Refused
from .cancel import Failure, Taken, ids, take, two_lists
from .pages import in_window, page_of
from .rows import Row, spot_history_row, spot_plan_row, spot_row
from .scope import named, names, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

PLAN = kinds.plan_segment(kinds.SPOT)
_BATCH_MAX = 50
_LANDS_AFTER_MS = 150
"""The cancel of a symbol is asynchronous; how long it takes is not written."""
_GONE = ("43001", "The order does not exist")
_NO_PLAN = ("43025", "Plan order does not exist")


def cancel_symbol(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/cancel-symbol-order`: names no orders, and lands after its answer.

    Whether it takes TP/SL orders is not written; here it does not.
    """
    symbol = text(venue.body(request), "symbol")
    if not symbol:
        raise Refused("40019", "Parameter symbol cannot be empty")
    found = [order for order in account.book.open(kinds.SPOT) if order.symbol == symbol and order.kind == kinds.NORMAL]

    def land(_: int) -> None:
        take(venue, account, [order for order in found if account.book.is_open(order.id)], request)

    venue.later(venue.now_ms() + _LANDS_AFTER_MS, land)
    venue.fire_trigger(account, PLAN, kinds.SPOT, request)
    return {"symbol": symbol}


def batch_cancel(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/batch-cancel-order`: of one symbol, or of several with `batchMode` multiple.

    It has no word for TP/SL orders, so that they do not exist for it.
    """
    body = venue.body(request)
    rows, several = names(body, "orderList"), text(body, "batchMode") == "multiple"
    if not rows:
        raise Refused("40019", "Parameter orderList cannot be empty")
    if venue.fault("batch", request, lambda fault: len(rows) > fault.number):
        raise Refused("40306", "Batch processing orders can only process up to 20")
    if len(rows) > _BATCH_MAX:
        raise Refused("40912", "single cancel cannot exceed 50")
    orders: list[SimOrder] = []
    failed: list[Failure] = []
    for row in rows:
        symbol = text(row if several else body, "symbol")
        if not symbol:
            raise Refused("40019", "Parameter symbol cannot be empty")
        order = _open_order(account, row, symbol, kinds.NORMAL)
        if order is not None:
            orders.append(order)
        else:
            code, message = _GONE
            failed.append(
                Failure(order_id=text(row, "orderId"), client_id=text(row, "clientOid"), code=code, message=message)
            )
    taken = take(venue, account, orders, request, by_name=True)
    return two_lists(Taken(accepted=taken.accepted, failed=(*failed, *taken.failed)))


def cancel_one(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/cancel-order`: a TP/SL order needs `tpslType` tpsl, and then no symbol."""
    body = venue.body(request)
    kind = text(body, "tpslType") or kinds.NORMAL
    symbol = text(body, "symbol")
    if kind not in (kinds.NORMAL, kinds.TPSL):
        raise Refused("40020", "Parameter tpslType error")
    if kind == kinds.NORMAL and not symbol:
        raise Refused("40019", "Parameter symbol cannot be empty")
    order = _open_order(account, body, symbol, kind)
    if order is None:
        raise Refused(*_GONE)
    _take_one(venue, account, order, request)
    return ids([order])[0]


def batch_cancel_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/batch-cancel-plan-order`: of some symbols, or all. No order is an empty success."""
    wanted = venue.body(request).get("symbolList", [])
    if not isinstance(wanted, list):
        raise Refused("40020", "Parameter symbolList error")
    orders = [order for order in account.book.open(PLAN) if not wanted or order.symbol in wanted]
    return two_lists(take(venue, account, orders, request), with_code=False)


def cancel_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/cancel-plan-order`: one, by either id."""
    order = named(account, venue.body(request), PLAN)
    if order is None or order.status != "open":
        raise Refused(*_NO_PLAN)
    _take_one(venue, account, order, request)
    return {"result": "success"}


def _open_order(account: Account, row: Mapping[str, object], symbol: str, kind: str) -> SimOrder | None:
    order = named(account, row, kinds.SPOT)
    if order is None or order.status != "open" or order.kind != kind or symbol not in ("", order.symbol):
        return None
    return order


def _take_one(venue: Bitget, account: Account, order: SimOrder, request: SimRequest) -> None:
    failed = take(venue, account, [order], request, by_name=True).failed
    if failed:
        raise Refused(failed[0].code, failed[0].message)


def unfilled(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/trade/unfilled-orders`: ordinary ones, or with `tpslType` tpsl those. A plain array."""
    return _array(venue, venue.listed(account, request, kinds.SPOT), request, spot_row)


def history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/trade/history-orders`: what was filled or cancelled."""
    return _array(venue, _closed(account, kinds.SPOT), request, spot_history_row)


def order_info(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/trade/orderInfo`: an array of one order, or of none."""
    order = named(account, request.parameters(), kinds.SPOT)
    return venue.rows([order], spot_history_row, request) if order else []


def current_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/trade/current-plan-order`: pages of 20 unless told otherwise."""
    return _plan_page(venue, venue.listed(account, request, PLAN), request, default=20)


def plan_history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/trade/history-plan-order`."""
    return _plan_page(venue, _closed(account, PLAN), request, default=100)


def _closed(account: Account, segment: str) -> list[SimOrder]:
    return sorted(account.book.closed(segment), key=lambda order: order.sequence, reverse=True)


def _array(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest, row: Row) -> object:
    parameters = request.parameters()
    kind = parameters.get("tpslType") or kinds.NORMAL
    if kind not in (kinds.NORMAL, kinds.TPSL):
        raise Refused("40020", "Parameter tpslType error")
    found = [order for order in _wanted(venue, orders, request) if order.kind == kind]
    loop = venue.fault("cursor-loop", request) is not None
    page, _ = page_of(found, parameters, name="idLessThan", loop=loop)
    return venue.rows(page, row, request)


def _plan_page(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest, *, default: int) -> object:
    loop = venue.fault("cursor-loop", request) is not None
    found = _wanted(venue, orders, request)
    page, more = page_of(found, request.parameters(), name="idLessThan", default=default, loop=loop)
    return {
        "nextFlag": more,
        "idLessThan": page[-1].id if page else None,
        "orderList": venue.rows(page, spot_plan_row, request),
    }


def _wanted(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest) -> list[SimOrder]:
    parameters = request.parameters()
    symbol, order_id = parameters.get("symbol", ""), parameters.get("orderId", "")
    found = in_window(venue.remembered(orders, request), parameters)
    return [order for order in found if symbol in ("", order.symbol) and order_id in ("", order.id)]
