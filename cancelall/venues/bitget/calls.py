"""What both of Bitget's APIs share: how requests are written, pages turned, rows and acknowledgements read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote

from cancelall import payload
from cancelall.errors import Unreadable
from cancelall.model import (
    Acknowledgement,
    Failure,
    Order,
    Page,
    Priority,
    Protection,
    Reply,
    Request,
    Settlement,
    State,
)
from cancelall.venues.contract import Limit

BATCH = 20
"""Orders per cancel by name. The endpoints' pages say 50 or nothing, that of best practices and code 40306 say 20."""
BY_ID = 5
"""Orders whose end is asked for one by one: the history's own limit is 10 in a second."""
NAMED_GAP = 1.1
"""Seconds between two cancels of one order: code 45129 allows one in a second."""
LIMITS = {
    "/api/v2/mix/order/cancel-all-orders": Limit(count=10),
    "/api/v2/mix/order/batch-cancel-orders": Limit(count=10),
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
    "/api/v3/trade/cancel-strategy-order": Limit(count=10),
    "/api/v3/trade/unfilled-orders": Limit(count=20),
    "/api/v3/trade/unfilled-strategy-orders": Limit(count=20),
    "/api/v3/trade/history-orders": Limit(count=20),
    "/api/v3/trade/history-strategy-orders": Limit(count=20),
}
"""Per account and second, from each endpoint's page; endpoints count by themselves."""

Row = Any  # a JSON object whose members are read with `payload`
Matches = Callable[[Row], bool]


# --- requests -------------------------------------------------------------------------------------------------------


def post(path: str, body: object, priority: Priority = Priority.MASS_CANCEL) -> Request:
    """A cancel. The body is signed as it is sent: compact, ASCII."""
    text = json.dumps(body, separators=(",", ":"))
    return Request(method="POST", path=path, body=text.encode(), changes=True, priority=priority, bucket=path)


def get(path: str, **values: str) -> Request:
    """A read. The query is signed as it is sent, sorted: https://www.bitget.com/api-doc/common/signature."""
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(values.items()))
    return Request(method="GET", path=path, query=query, priority=Priority.LISTING, bucket=path)


def public(path: str, **values: str) -> Request:
    """A read that needs no key."""
    return replace(get(path, **values), signed=False)


def asked(request: Request, key: str) -> str:
    """A parameter of a read; empty if it has none of this name."""
    return dict(parse_qsl(request.query)).get(key, "")


def following(request: Request, key: str, last: str | None) -> Request:
    """The same read, from this id on. Raises Unreadable if it is none."""
    if last is None or not re.fullmatch(r"[0-9]{1,32}", last):
        raise Unreadable("the id of the next page is missing or none")
    return get(request.path, **{**dict(parse_qsl(request.query)), key: last})


def narrowed(symbols: tuple[str, ...], **values: str) -> tuple[dict[str, str], ...]:
    """The parameters of one request per symbol, or of a single one without."""
    return tuple({"symbol": symbol, **values} for symbol in symbols) or (values,)


def chunks(orders: tuple[Order, ...]) -> Iterator[tuple[Order, ...]]:
    """Batches as large as the venue takes them."""
    for start in range(0, len(orders), BATCH):
        yield orders[start : start + BATCH]


def recent(path: str, orders: tuple[Order, ...], **values: str) -> tuple[Request, ...]:
    """Reads of how orders ended: each of a few by its id, many by the pages of the history.

    The history is sorted by the age of the orders: an old one may lie many pages deep.
    """
    if not orders:
        return ()
    if len(orders) <= BY_ID and not path.startswith("/api/v3"):  # v3 has no such parameter
        return tuple(get(path, limit="100", orderId=order.id, **values) for order in orders)
    return (get(path, limit="100", **values),)


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Words:
    """The fields in which a kind of row tells the same things, and which of its statuses mean that it is over."""

    status: str
    quantity: str = "size"
    filled: str = "baseVolume"
    prices: tuple[str, ...] = ("price", "priceAvg", "executePrice", "triggerPrice")
    created: str = "cTime"
    ends: dict[str, tuple[State, str]]
    """Every other status, an unknown one or none, is open."""


def data(reply: Reply) -> Any:  # noqa: ANN401 - whatever JSON the venue put there
    """The payload of the envelope; None where the venue sent null."""
    answer = payload.as_object(payload.parse(reply.body))
    if "data" not in answer:
        raise Unreadable("data is missing")
    return answer["data"]


def maybe_null(record: Row, key: str) -> list[Any]:
    """A list that the venue writes as null when it is empty. It must be there."""
    if key not in record:
        raise Unreadable(f"{key} is missing")
    return [] if record[key] is None else payload.as_list(record[key], key)


def order_of(segment: str, words: Words, row: Row, *, kind: str, type_: str, protection: Protection) -> Order:
    """A row as an order. Symbols are upper case, which is what requests want; listings have shown lower case."""
    quantity, filled = payload.maybe(row, words.quantity), payload.maybe(row, words.filled)
    prices = (payload.maybe(row, name) for name in words.prices)
    origin = payload.maybe(row, "orderSource") or ""
    return Order(
        id=payload.field(row, "orderId"),
        client_id=payload.maybe(row, "clientOid"),
        symbol=symbol_of(row),
        side=(payload.maybe(row, "side") or "").lower() or None,
        type=type_.lower() or None,
        price=next((price for price in prices if price not in (None, "0")), None),
        quantity=quantity,
        remaining=_difference(quantity, filled),
        segment=segment,
        protection=protection,
        kind=kind,
        origin="" if origin in ("normal", "market") else origin,
        created_ms=payload.number(row, words.created),
    )


def symbol_of(row: Row) -> str | None:
    """The symbol in the case that requests want."""
    symbol = payload.maybe(row, "symbol")
    return symbol.upper() if symbol else None


def _difference(quantity: str | None, filled: str | None) -> str | None:
    """What is left of an order. None where one of the two is not a plain number."""
    plain = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
    if not (quantity and filled and plain.fullmatch(quantity) and plain.fullmatch(filled)):
        return None
    return f"{Decimal(quantity) - Decimal(filled):f}"


def open_rows(request: Request, rows: list[Any], words: Words) -> Iterator[Row]:
    """The rows of a listing that are open. Raises Unreadable where one is of another symbol than was asked for."""
    symbol = asked(request, "symbol")
    for entry in rows:
        row = payload.as_object(entry, "order")
        if symbol and symbol_of(row) != symbol:
            raise Unreadable(f"the listing is not of {symbol}")
        if (payload.maybe(row, words.status) or "") not in words.ends:
            yield row


def page(
    request: Request,
    rows: list[Any],
    words: Words,
    order: Callable[[Row], Order],
    matches: Matches,
    onward: Request | None,
) -> Page:
    """The open orders of a page that are in scope."""
    found = tuple(order(row) for row in open_rows(request, rows, words) if matches(row))
    return Page(orders=found, next=onward)


def settlement(rows: list[Any], words: Words, order: Callable[[Row], Order], onward: Request | None) -> Settlement:
    """How the orders of a page of the history ended."""
    found = []
    for entry in rows:
        row = payload.as_object(entry, "order")
        end = words.ends.get(payload.maybe(row, words.status) or "")
        if end is None:
            continue
        state, note = end
        filled = payload.maybe(row, words.filled) or "0"
        if state is State.CANCELLED and filled.strip("0.") != "":
            note = f"{filled} filled before"
        found.append((order(row), state, note))
    return Settlement(orders=tuple(found), next=onward)


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """What was cancelled and what was not, in all of the venue's ways to say so. Its lists may be null or missing.

    An empty list says nothing: a plan order cancelled under a wrong `planType` is in neither. Where a cancel of one
    order is answered without its id, the success is that of the order that was named.
    """
    said = data(reply)
    if isinstance(said, dict):
        cancelled = [*_list(said, "successList")]
        failed = [*_list(said, "failureList")]
        rows = [*_list(said, "list")] or ([said] if "orderId" in said else [])
        if payload.maybe(said, "result") not in (None, "success"):
            return Acknowledgement(failed=(Failure(id="", reason="the venue says that it failed"),))
    elif said is None or isinstance(said, list):
        cancelled, failed, rows = [], [], said or []
    else:
        raise Unreadable("data is neither an object nor a list")
    if not (cancelled or failed or rows):
        return Acknowledgement(cancelled=_named(request))
    cancelled += [row for row in rows if not _code(row)]
    failed += [row for row in rows if _code(row)]
    ids = {
        identity: payload.maybe(row, "clientOid") for row in cancelled if (identity := payload.maybe(row, "orderId"))
    }
    return Acknowledgement(
        cancelled=tuple(ids),
        client_ids={identity: client for identity, client in ids.items() if client},
        failed=tuple(Failure(id=payload.maybe(row, "orderId") or "", reason=_reason(row)) for row in failed),
    )


def nothing_cancelled(request: Request, reply: Reply) -> bool:
    """What a mass cancel says as a witness: that it met no order."""
    return not acknowledge(request, reply).cancelled


def _list(record: Row, key: str) -> list[Row]:
    rows = [] if record.get(key) is None else payload.as_list(record[key], key)
    return [payload.as_object(row, key) for row in rows]


def _code(row: Any) -> str:  # noqa: ANN401
    """The row's own error code; a success has none, or one of zeroes."""
    code = payload.maybe(payload.as_object(row, "order"), "code") or ""
    return "" if code.strip("0") == "" else code


def _reason(row: Row) -> str:
    code = payload.maybe(row, "errorCode") or payload.maybe(row, "code") or ""
    text = payload.maybe(row, "errorMsg") or payload.maybe(row, "msg") or "refused"
    return payload.words(f"{code} {text}".strip())


def _named(request: Request) -> tuple[str, ...]:
    """The one order that a request names, if it is of that kind."""
    match = re.match(rb'\{"orderId":"([0-9]+)"', request.body)
    return (match[1].decode(),) if match else ()
