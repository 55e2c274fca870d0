"""AscendEX's reads of orders: the open ones, some by their ids, and the past.

https://ascendex.github.io/ascendex-pro-api/#list-open-orders, #query-order, #list-current-history-orders and
#list-history-orders-v2, and the same of https://ascendex.github.io/ascendex-futures-pro-api-v2/. Open orders have no
pages and no documented limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from ..book import SimOrder
from .answers import INVALID_ARGUMENT, INVALID_ORDER_ID, SYMBOL_ERROR, Answer, Refused, data
from .products import LEDGERS, SYMBOLS
from .rows import executed, history_row, row_v1, row_v2

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import AscendEX, Call

# How much the server keeps at hand is not documented.
_RECENT = 500
_HISTORY_DEFAULT = 500
_HISTORY_MAX = 1000
# One query holds many ids; how many is not documented. Longer request lines are refused by most servers.
_IDS_MAX = 100


def open_orders(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET .../order/open`: newest first, all at once.

    The page of futures v2 documents no parameter, so a symbol changes nothing there.
    """
    orders = venue.listed(call.account, request, call.ledger)
    symbol = "" if call.v2 else request.parameters().get("symbol", "")
    if symbol:
        if symbol not in SYMBOLS[call.ledger] and not venue.fault("lenient-symbols", request):
            raise Refused(SYMBOL_ERROR, "Symbol does not exist")
        orders = [order for order in orders if order.symbol == symbol]
    if call.retired and venue.retired == "empty":
        orders = []
    if cap := venue.fault("capped", request):
        orders = orders[: int(cap.number)]
    return _rows(venue, call, orders, request)


def _rows(venue: AscendEX, call: Call, orders: Iterable[SimOrder], request: SimRequest) -> Answer:
    rows = _render(venue, call, orders, request)
    if call.v2:
        return data(rows)
    name = "accountCategory" if call.retired else "ac"
    return data(rows, **{name: call.ledger.upper(), "accountId": venue.account_id(call.account, call.ledger)})


def _render(venue: AscendEX, call: Call, orders: Iterable[SimOrder], request: SimRequest) -> list[dict[str, object]]:
    if not call.v2:
        return [row_v1(order, venue.to_server) for order in orders]
    account_id, acked_until_ms = venue.account_id(call.account, "futures"), venue.acked_until_ms(request)
    return [
        row_v2(order, venue.to_server, account_id, acked=order.status != "open" or order.created_ms <= acked_until_ms)
        for order in orders
    ]


def order_status(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET .../order/status?orderId=a,b`: open or closed. One id yields an object, several (or a comma) a list.

    Ids that nobody knows are left out of a list; alone they are refused. Neither is documented.
    """
    written = request.parameters().get("orderId", "")
    ids = [each for each in written.split(",") if each]
    if not ids or len(ids) > _IDS_MAX:
        raise Refused(INVALID_ARGUMENT, "orderId is missing or too long")
    found = [call.account.book.find(each) for each in ids]
    orders = [order for order in found if order is not None and order.segment == call.ledger]
    rows = _render(venue, call, orders, request)
    if not rows and len(ids) == 1:
        raise Refused(INVALID_ORDER_ID, f"Invalid Client Order Id: {ids[0]}")
    name = "ac" if call.v2 or call.retired else "accountCategory"
    head = {name: call.ledger.upper(), "accountId": venue.account_id(call.account, call.ledger)}
    return data(rows if "," in written else rows[0], **head)


def recent(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET .../order/hist/current`: recently closed orders, the last first."""
    parameters = request.parameters()
    symbol, count = parameters.get("symbol", ""), parameters.get("n", str(_RECENT))
    if not count.isdecimal():
        raise Refused(INVALID_ARGUMENT, "n is not a number")
    only_executed = parameters.get("executedOnly", "").lower() == "true"
    orders = (
        order
        for order in islice(call.account.book.closed(call.ledger), _RECENT)
        if symbol in ("", order.symbol) and (executed(order) or not only_executed)
    )
    return _rows(venue, call, islice(orders, int(count)), request)


def history(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET /api/pro/data/v2/order/hist`: closed orders of one ledger, which the parameter `account` names.

    With `seqNum` or `startTime` from the oldest on, else from the newest.
    """
    parameters = request.parameters()
    ledger, symbol = parameters.get("account", ""), parameters.get("symbol", "")
    if ledger not in LEDGERS:
        raise Refused(INVALID_ARGUMENT, "account is required")
    numbers = {name: parameters.get(name, "0") for name in ("seqNum", "startTime", "endTime", "limit")}
    if not all(value.isdecimal() for value in numbers.values()):
        raise Refused(INVALID_ARGUMENT, "not a number")
    since, start, end, limit = (int(value) for value in numbers.values())
    orders = [
        order
        for order in call.account.book.closed(ledger)
        if symbol in ("", order.symbol)
        and order.sequence >= since
        and venue.to_server(order.updated_ms) >= start
        and (not end or venue.to_server(order.updated_ms) <= end)
    ]
    if since or start:
        orders.sort(key=lambda order: order.sequence)
    account_id = venue.account_id(call.account, ledger)
    shown = orders[: min(limit or _HISTORY_DEFAULT, _HISTORY_MAX)]
    return data([history_row(order, venue.to_server, account_id) for order in shown])
