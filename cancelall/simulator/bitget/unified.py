"""The unified account's v3: ordinary orders by category, and strategy orders.

https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order, .../Cancel-Batch, .../Get-Order-Pending and
https://www.bitget.com/api-doc/uta/strategy/Get-Unfilled-Strategy-Orders (as of 2025-12-05). Later clients know strategy
orders of six types, and in every category.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Refused
from .cancel import Failure, ids, take
from .pages import in_window, page_of
from .rows import Row, strategy_row, unified_row
from .scope import category, named, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_BATCH_MAX = 20
_ROW_GONE = ("24056", "notExisted")
_GONE = ("25204", "Order does not exist")
_NO_STRATEGY = ("25597", "Strategy does not exist or has already been stopped")


def cancel_symbol(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/cancel-symbol-order`: a whole category, or one symbol of it.

    What it answers when there is nothing is not written: an empty list here, unless the fault `nothing` names a code.
    """
    body = venue.body(request)
    part, symbol = category(body), text(body, "symbol")
    orders = [order for order in account.book.open(kinds.unified_segment(part)) if symbol in ("", order.symbol)]
    if not orders and (fault := venue.fault("nothing", request)):
        raise Refused(str(fault.value), "No order to cancel")
    taken = take(venue, account, orders, request)
    venue.fire_trigger(account, kinds.strategy_segment(part), kinds.unified_segment(part), request)
    return {"list": [*_accepted(taken.accepted), *_refused(taken.failed)]}


def cancel_batch(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/cancel-batch`: the body is an array of at most 20, all of one category."""
    rows = venue.body_array(request)
    if not rows or len(rows) > _BATCH_MAX:
        raise Refused("40306", "Batch processing orders can only process up to 20")
    parts = {category(row) for row in rows}
    if len(parts) > 1:
        raise Refused("25200", "category validation error")
    segment = kinds.unified_segment(parts.pop())
    orders: list[SimOrder] = []
    failed: list[Failure] = []
    for row in rows:
        order = named(account, row, segment)
        if order is not None and order.status == "open" and order.symbol == text(row, "symbol"):
            orders.append(order)
        else:
            given = {"order_id": text(row, "orderId"), "client_id": text(row, "clientOid")}
            failed.append(Failure(**given, code=_ROW_GONE[0], message=_ROW_GONE[1]))
    taken = take(venue, account, orders, request)
    return [*_accepted(taken.accepted), *_refused((*failed, *taken.failed))]


def cancel_one(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/cancel-order`: one order of whatever category."""
    body = venue.body(request)
    order = next((found for part in kinds.CATEGORIES if (found := named(account, body, _ordinary(part)))), None)
    if order is None or order.status != "open":
        raise Refused(*_GONE)
    _take_one(venue, account, order, request)
    return ids([order])[0]


def cancel_strategy(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/cancel-strategy-order`: one, by either id; there is no call for several."""
    body = venue.body(request)
    parts = (kinds.strategy_segment(part) for part in kinds.CATEGORIES)
    order = next((found for part in parts if (found := named(account, body, part))), None)
    if order is None or order.status != "open":
        raise Refused(*_NO_STRATEGY)
    _take_one(venue, account, order, request)
    return None


def _take_one(venue: Bitget, account: Account, order: SimOrder, request: SimRequest) -> None:
    failed = take(venue, account, [order], request).failed
    if failed:
        raise Refused(failed[0].code, failed[0].message)


def _accepted(orders: Sequence[SimOrder]) -> list[dict[str, str]]:
    """Rows of cancelled orders: the page gives each a code, recordings show the two ids alone. Here every other one."""
    return [row | ({"code": "0", "msg": "success"} if number % 2 else {}) for number, row in enumerate(ids(orders))]


def _refused(failures: Sequence[Failure]) -> list[dict[str, str]]:
    return [
        {"orderId": one.order_id, "clientOid": one.client_id, "code": one.code, "msg": one.message} for one in failures
    ]


def unfilled(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/trade/unfilled-orders`: of one category, or all. The cursor is null only where no order is."""
    parts = _parts(request)
    found = [order for part in parts for order in venue.listed(account, request, _ordinary(part))]
    return _page(venue, found, request, unified_row)


def unfilled_strategies(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/trade/unfilled-strategy-orders`: a plain array of all, of one type if it is given.

    With the fault `tpsl-only` no type means `tpsl`, as for the call that places them.
    """
    part = category(request.parameters())
    orders = venue.listed(account, request, kinds.strategy_segment(part))
    return venue.rows(_of_type(venue, orders, request), strategy_row, request)


def history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/trade/history-orders`."""
    found = [order for part in _parts(request) for order in account.book.closed(_ordinary(part))]
    return _page(venue, found, request, unified_row)


def strategy_history(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/trade/history-strategy-orders`."""
    part = category(request.parameters())
    orders = list(account.book.closed(kinds.strategy_segment(part)))
    return _page(venue, _of_type(venue, orders, request), request, strategy_row)


def order_info(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/trade/order-info`."""
    parameters = request.parameters()
    order = next((found for part in kinds.CATEGORIES if (found := named(account, parameters, _ordinary(part)))), None)
    if order is None:
        raise Refused(*_GONE)
    return venue.rows([order], unified_row, request)[0]


def _ordinary(part: str) -> str:
    return kinds.unified_segment(part)


def _parts(request: SimRequest) -> tuple[str, ...]:
    parameters = request.parameters()
    return (category(parameters),) if parameters.get("category") else kinds.CATEGORIES


def _of_type(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest) -> list[SimOrder]:
    wanted = request.parameters().get("type", "")
    if not wanted and venue.fault("tpsl-only", request):
        wanted = kinds.TPSL
    few = venue.fault("strategy-types", request)
    if wanted not in ("", *(str(few.value).split("+") if few else kinds.STRATEGY_TYPES)):
        raise Refused("25200", "type validation error")
    return [order for order in orders if wanted in ("", order.kind)]


def _page(venue: Bitget, orders: Sequence[SimOrder], request: SimRequest, row: Row) -> object:
    parameters = request.parameters()
    symbol = parameters.get("symbol", "")
    found = in_window(venue.remembered(orders, request), parameters)
    found = sorted((order for order in found if symbol in ("", order.symbol)), key=lambda order: -order.sequence)
    loop = venue.fault("cursor-loop", request) is not None
    page, _ = page_of(found, parameters, name="cursor", loop=loop)
    return {"list": venue.rows(page, row, request), "cursor": page[-1].id if page else None}
