"""Paging as Bybit does it.

The cursor comes percent-encoded inside the JSON, as `<id>:<ms>,<id>:<ms>` of the page's first and last row, and is
there even on the last page: only an empty page has none. Clients send it back as received (one decoding yields it) or
encode it again (two do); both schools are in production, so both are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ..book import SimOrder
from .answers import Refused

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

_LIMIT_DEFAULT = 20
_LIMIT_MAX = 50


_START = "first%3A9999999999999"
"""A cursor after which every order comes."""


def page_for(venue: Bybit, orders: Sequence[SimOrder], request: SimRequest) -> tuple[Sequence[SimOrder], str]:
    """The page that a request asks for and its cursor, with what was seen of cursors where a fault asks for it."""
    parameters = request.parameters()
    asked = parameters.get("cursor", "")
    refuse_continued(venue, request)
    if not asked and venue.fault("empty-page", request):
        return (), _START
    page, cursor = page_of(orders, parameters, loop=venue.fault("cursor-loop", request) is not None)
    short = 0 < len(page) < int(parameters.get("limit", _LIMIT_DEFAULT))
    if asked and short and venue.fault("cursor-stays", request):
        cursor = quote(unquote(asked), safe="")
    return page, cursor


def refuse_continued(venue: Bybit, request: SimRequest) -> None:
    """Raise for a continued listing where a fault asks for it: the order that its cursor names is gone."""
    if request.parameters().get("cursor") and venue.fault("page-refused", request):
        raise Refused(10001, "params error: cursor is invalid")


def odd_first(venue: Bybit, rows: list[dict[str, object]], request: SimRequest) -> list[dict[str, object]]:
    """The rows of a page, one field of the first of them of another shape where a fault asks for it."""
    fault = venue.fault("odd-field", request) if rows else None
    if fault is None:
        return rows
    name, slash, text = str(fault.value).partition("/")
    odd: object = None if text == "null" else text if slash else {}
    return [{**rows[0], name: odd}, *rows[1:]]


def page_of(orders: Sequence[SimOrder], parameters: Mapping[str, str], *, loop: bool) -> tuple[Sequence[SimOrder], str]:
    """The page that is asked for, of orders from the newest to the oldest, and the cursor of the next one.

    An order of the cursor that has vanished meanwhile is skipped by its time. With `loop`, every page is the first one.
    """
    limit = parameters.get("limit", str(_LIMIT_DEFAULT))
    if not (limit.isdecimal() and 1 <= int(limit) <= _LIMIT_MAX):
        raise Refused(10001, "params error: limit is invalid")
    cursor = "" if loop else unquote(parameters.get("cursor", ""))
    start = _after(orders, cursor) if cursor else 0
    page = orders[start : start + int(limit)]
    if not page:
        return page, ""
    ends = (f"{order.id}:{_time_of(order)}" for order in (page[0], page[-1]))
    return page, quote(",".join(ends), safe="")


def _after(orders: Sequence[SimOrder], cursor: str) -> int:
    last_id, _, last_ms = cursor.rpartition(",")[2].partition(":")
    if not last_ms.isdecimal():
        raise Refused(10001, "params error: cursor is invalid")
    for index, order in enumerate(orders):
        if order.id == last_id:
            return index + 1
        if _time_of(order) < int(last_ms):
            return index
    return len(orders)


def _time_of(order: SimOrder) -> int:
    return order.created_ms if order.status == "open" else order.updated_ms
