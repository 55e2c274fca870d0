"""DeltaDeFi: the requests, unsigned."""

from __future__ import annotations

from urllib.parse import quote

from cancelall.core.model import Priority, Request
from cancelall.venues.deltadefi.options import PAGE_ROWS


def post(path: str, body: bytes, priority: Priority) -> Request:
    return Request(method="POST", path=path, body=body, changes=True, priority=priority, bucket="cancels")


def get(path: str, query: str, bucket: str) -> Request:
    return Request(method="GET", path=path, query=query, priority=Priority.LISTING, bucket=bucket)


def query_string(**values: str) -> str:
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in values.items())


def open_orders(page: int, symbol: str = "") -> Request:
    """One page of the open orders. Without `limit` a page has 10 rows; 250 are the most."""
    narrow = {"symbol": symbol} if symbol else {}
    return get("/accounts/open-orders", query_string(**narrow, limit=str(PAGE_ROWS), page=str(page)), "open-orders")
