"""What both of Bitget's APIs share: how requests are written, and their limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote

from cancelall.core.model import Order, Priority, Request
from cancelall.venues.contract import Limit

BATCH = 20
"""Orders per cancel by name. The endpoints' pages say 50 or nothing, that of best practices and code 40306 say 20."""
PAGE = 100
"""Rows asked for at a time, which is the most that is documented."""
NAMED_GAP = 1.1
"""Seconds between two cancels of one order: code 45129 allows one in a second."""
LIMITS = {
    "/api/v2/mix/order/cancel-all-orders": Limit(count=10),
    "/api/v2/mix/order/batch-cancel-orders": Limit(count=10),
    "/api/v2/mix/order/cancel-order": Limit(count=10),
    "/api/v2/mix/order/cancel-plan-order": Limit(count=10),
    "/api/v2/mix/order/orders-pending": Limit(count=10),
    "/api/v2/mix/order/orders-plan-pending": Limit(count=10),
    "/api/v2/mix/order/orders-history": Limit(count=10),
    "/api/v2/mix/order/orders-plan-history": Limit(count=10),
    "/api/v2/spot/trade/cancel-symbol-order": Limit(count=5),
    "/api/v2/spot/trade/batch-cancel-order": Limit(count=10),
    "/api/v2/spot/trade/cancel-order": Limit(count=10),
    "/api/v2/spot/trade/batch-cancel-plan-order": Limit(count=5),
    "/api/v2/spot/trade/cancel-plan-order": Limit(count=20),
    "/api/v2/spot/trade/unfilled-orders": Limit(count=20),
    "/api/v2/spot/trade/current-plan-order": Limit(count=20),
    "/api/v2/spot/trade/history-orders": Limit(count=20),
    "/api/v2/spot/trade/history-plan-order": Limit(count=20),
    "/api/v2/public/time": Limit(count=20),
    "/api/v2/spot/account/info": Limit(count=1),
    "/api/v3/account/info": Limit(count=1),
    "/api/v3/account/settings": Limit(count=20),
    "/api/v3/trade/cancel-symbol-order": Limit(count=5),
    "/api/v3/trade/cancel-batch": Limit(count=5),
    "/api/v3/trade/cancel-order": Limit(count=10),
    "/api/v3/trade/cancel-strategy-order": Limit(count=10),
    "/api/v3/trade/unfilled-orders": Limit(count=20),
    "/api/v3/trade/unfilled-strategy-orders": Limit(count=20),
    "/api/v3/trade/history-orders": Limit(count=20),
    "/api/v3/trade/history-strategy-orders": Limit(count=20),
}
"""Per account and second, from each endpoint's page; endpoints count by themselves."""

Cancels = tuple[tuple[Request, tuple[Order, ...]], ...]


def post(path: str, body: object, priority: Priority = Priority.MASS_CANCEL) -> Request:
    """A cancel. The body is signed as it is sent: compact, ASCII."""
    text = json.dumps(body, separators=(",", ":"))
    return Request(method="POST", path=path, body=text.encode(), changes=True, priority=priority, bucket=path)


def asked_last(request: Request) -> Request:
    """A cancel as a witness: whatever else waits for the same limit goes before it."""
    return replace(request, priority=Priority.OTHER)


def get(path: str, **values: str) -> Request:
    """A read. The query is signed as it is sent, sorted: https://www.bitget.com/api-doc/common/signature.

    Sources disagree on whether its encoded or its plain form is signed: nothing is ever put into it that has two.
    """
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(values.items()))
    return Request(method="GET", path=path, query=query, priority=Priority.LISTING, bucket=path)


def public(path: str, **values: str) -> Request:
    """A read that needs no key."""
    return replace(get(path, **values), signed=False)


def asked(request: Request, key: str) -> str:
    """A parameter of a read; empty if it has none of this name."""
    return dict(parse_qsl(request.query)).get(key, "")


def narrowed(symbols: tuple[str, ...], **values: str) -> tuple[dict[str, str], ...]:
    """The parameters of one request per symbol, or of a single one without.

    A symbol of another script has two forms in a query, and which of them is signed is not certain: then all symbols
    are listed, and narrowed here.
    """
    if not all(_PLAIN.fullmatch(symbol) for symbol in symbols):
        return (values,)
    return tuple({"symbol": symbol, **values} for symbol in symbols) or (values,)


_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def chunks(orders: tuple[Order, ...], most: int = BATCH) -> Iterator[tuple[Order, ...]]:
    """Batches as large as the venue takes them, or smaller ones."""
    for start in range(0, len(orders), most):
        yield orders[start : start + most]


def each(path: str, orders: tuple[Order, ...], body: Callable[[Order], Mapping[str, object]]) -> Cancels:
    """A request for each order."""
    return tuple((post(path, body(order), Priority.CANCEL), (order,)) for order in orders)


def recent(path: str, orders: tuple[Order, ...], **values: str) -> tuple[Request, ...]:
    """Reads of how orders ended: a single one by its id, more by the pages of the history.

    The history is sorted by the age of the orders: an old one may lie many pages deep.
    """
    if not orders:
        return ()
    if len(orders) == 1 and not path.startswith("/api/v3"):  # v3 has no such parameter
        return (get(path, limit=str(PAGE), orderId=orders[0].id, **values),)
    return (get(path, limit=str(PAGE), **values),)


def from_id(request: Request, key: str, last: object) -> Request | None:
    """The same read, from this id on; None if it is none."""
    plain = isinstance(last, str) or (isinstance(last, int) and not isinstance(last, bool))
    if not plain or not re.fullmatch(r"[0-9]{1,32}", str(last)):
        return None
    return get(request.path, **{**dict(parse_qsl(request.query)), key: str(last)})


def size(request: Request) -> int:
    """How many rows a page holds at most."""
    return int(asked(request, "limit") or PAGE)
