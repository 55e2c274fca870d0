"""Parameters that many requests share: product type, category, names of orders."""

from __future__ import annotations

from collections.abc import Mapping

from ..book import Account, SimOrder
from . import kinds
from .answers import Refused


def text(values: Mapping[str, object], name: str) -> str:
    """A text parameter; absent is empty."""
    value = values.get(name, "")
    if not isinstance(value, str):
        raise Refused("40020", f"Parameter {name} error")
    return value


def product_type(values: Mapping[str, object]) -> str:
    """A futures request's product type; the venue's own samples write it in either case."""
    value = text(values, "productType").upper()
    if not value:
        raise Refused("40019", "Parameter productType cannot be empty")
    if value not in kinds.FUTURES:
        raise Refused("40020", "Parameter productType error")
    return value


def category(values: Mapping[str, object]) -> str:
    """A unified request's category."""
    value = text(values, "category").upper()
    if value not in kinds.CATEGORIES:
        raise Refused("25200", "category validation error")
    return value


def names(values: Mapping[str, object], field: str) -> list[Mapping[str, object]]:
    """The orders that a batch names; empty if the field is absent."""
    rows = values.get(field, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused("40020", f"Parameter {field} error")
    return rows


def named(account: Account, values: Mapping[str, object], segment: str) -> SimOrder | None:
    """The order of that segment that the ids name, open or closed; the id goes before the client's own."""
    order_id, client_id = text(values, "orderId"), text(values, "clientOid")
    if not (order_id or client_id):
        raise Refused("400172", "Parameter verification failed orderId clientOid")
    order = account.book.find(order_id, client_id)
    return order if order is not None and order.segment == segment else None
