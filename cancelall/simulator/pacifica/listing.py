"""Pacifica's reads of orders, TWAPs and strategies. They need no key: anyone may read any account.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders and its neighbours. An address that
nobody has is answered as an account without orders (whether the venue does so is not known): a typo looks like success.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused, RefusedBare
from .rows import event_rows, history_row, order_row, strategy_row, twap_row

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica

_PAGE_MAX = 100
_STRATEGIES_MAX = 500


def address_of(request: SimRequest) -> str:
    """The account that the query names."""
    address = request.parameters().get("account", "")
    if not address:
        raise RefusedBare(400, "Failed to deserialize query string: missing field `account`")
    return address


def orders(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /orders`: every open order in one answer, stops and TP/SL among them; no TWAPs, no strategies."""
    rows = [order_row(order, venue.to_server) for order in _open(venue, request, kinds.ORDERS)]
    return Answer(data=rows, beside={"last_order_id": venue.last_order_id_of(request)})


def twaps(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /orders/twap`: open TWAPs of the engine; TWAP strategies are not here."""
    venue.check_feature("twap", request)
    return Answer(data=[twap_row(order, venue.to_server) for order in _open(venue, request, kinds.TWAP)])


def strategies(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /order_strategies`: the unfinished ones, by `limit` and `offset`."""
    venue.check_feature("strategies", request)
    parameters = request.parameters()
    limit, offset = parameters.get("limit", "100"), parameters.get("offset", "0")
    if not (limit.isdecimal() and 1 <= int(limit) <= _STRATEGIES_MAX and offset.isdecimal()):
        raise Refused(400, "Invalid parameters")
    start = 0 if venue.fault("cursor-loop", request) else int(offset)
    wanted = parameters.get("type", "")
    found = [order for order in _open(venue, request, kinds.STRATEGIES) if wanted in ("", order.kind)]
    rows = [strategy_row(order, venue.to_server) for order in found[start : start + int(limit)]]
    return Answer(data={"strategies": rows})


def strategy(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /order_strategies/{strategy_id}`, finished ones too."""
    venue.check_feature("strategies", request)
    account = venue.accounts.get(address_of(request))
    found = account.book.find(request.path.rpartition("/")[2]) if account else None
    if found is None or found.segment != kinds.STRATEGIES:
        raise Refused(404, "STRATEGIST_NOT_FOUND")
    return Answer(data=strategy_row(found, venue.to_server))


def order_history(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /orders/history`: every order in its latest state. It sorts by order id; here the newest comes first."""
    return _history(venue, request, kinds.ORDERS, history_row)


def twap_history(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /orders/twap/history`."""
    return _history(
        venue,
        request,
        kinds.TWAP,
        lambda order, clock: {**twap_row(order, clock), "order_status": order.status},
    )


def history_by_id(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /orders/history_by_id`: the events of one order, whosever it is. One that nobody knows has none.

    The document answers 404 for those, the venue's own tools say that live it is an empty list.
    """
    wanted = request.parameters().get("order_id", "")
    if not wanted.isdecimal():
        raise RefusedBare(400, "Failed to deserialize query string: missing field `order_id`")
    found = next((order for each in venue.accounts.values() if (order := each.book.find(wanted))), None)
    known = found is not None and found.segment == kinds.ORDERS
    return Answer(data=event_rows(found, venue.to_server) if found and known else [])


def _history(
    venue: Pacifica,
    request: SimRequest,
    segment: str,
    row: Callable[[SimOrder, Callable[[int], int]], dict[str, object]],
) -> Answer:
    account, parameters = venue.accounts.get(address_of(request)), request.parameters()
    limit, cursor = parameters.get("limit", str(_PAGE_MAX)), parameters.get("cursor", "") or "0"
    if not (limit.isdecimal() and cursor.isdecimal()):
        raise Refused(400, "Invalid parameters")
    found = _ever(account, segment) if account else []
    end = int(cursor) + min(max(int(limit), 1), _PAGE_MAX)
    page: dict[str, object] = {"has_more": end < len(found)}
    if page["has_more"]:
        page["next_cursor"] = str(end)
    return Answer(data=[row(order, venue.to_server) for order in found[int(cursor) : end]], beside=page)


def _ever(account: Account, segment: str) -> Sequence[SimOrder]:
    both = chain(account.book.open(segment), account.book.closed(segment))
    return sorted(both, key=lambda order: int(order.id), reverse=True)


def _open(venue: Pacifica, request: SimRequest, segment: str) -> list[SimOrder]:
    account = venue.accounts.get(address_of(request))
    return venue.listed(account, request, segment) if account else []
