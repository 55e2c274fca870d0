"""Orders of one account: what is open, what became of the rest, and what the book looked like a moment ago."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, Self

Status = Literal["open", "cancelled", "filled"]
Side = Literal["buy", "sell"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SimOrder:
    """An order in neutral words, with `extra` for a venue's own; one without an id is a template of the stock."""

    id: str = ""
    symbol: str
    segment: str
    side: Side = "buy"
    type: str = "limit"
    kind: str = "order"
    client_id: str = ""
    price: str = "0"
    quantity: str = "1"
    remaining: str = "1"
    reduce_only: bool = False
    status: Status = "open"
    created_ms: int = 0
    updated_ms: int = 0
    sequence: int = 0
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def executed(self) -> Decimal:
        return Decimal(self.quantity) - Decimal(self.remaining)

    def but(self, **extra: object) -> Self:
        return replace(self, extra={**self.extra, **extra})

    def placed(self, order_id: str, when_ms: int, client_id: str = "") -> Self:
        """The same as it is placed at this moment."""
        return replace(self, id=order_id, client_id=client_id, created_ms=when_ms, updated_ms=when_ms)


class Book:
    """All orders of one account, indexed by id, client id and segment (the part of the account that lists as one)."""

    def __init__(self) -> None:
        self._open: dict[str, SimOrder] = {}
        self._segments: dict[str, dict[str, SimOrder]] = {}
        self._closed: dict[str, tuple[SimOrder, SimOrder]] = {}
        self._client_ids: dict[str, str] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(self, order: SimOrder) -> SimOrder:
        """Put an order on the book; its sequence number tells its place among all orders."""
        self._sequence += 1
        order = replace(order, sequence=self._sequence)
        self._open[order.id] = order
        self._segments.setdefault(order.segment, {})[order.id] = order
        if order.client_id:
            self._client_ids[order.client_id] = order.id
        return order

    def close(
        self, order_id: str, status: Literal["cancelled", "filled"], when_ms: int, **extra: object
    ) -> SimOrder | None:
        """Take an order off the book, and remember more of its end; None if it is no longer there."""
        before = self._open.pop(order_id, None)
        if before is None:
            return None
        del self._segments[before.segment][order_id]
        remaining = "0" if status == "filled" else before.remaining
        after = replace(before, status=status, remaining=remaining, updated_ms=when_ms)
        after = after.but(**extra) if extra else after
        self._closed[order_id] = before, after
        return after

    def find(self, order_id: str = "", client_id: str = "") -> SimOrder | None:
        """An order by its id, else by its client id, open or closed."""
        wanted = order_id or self._client_ids.get(client_id, "")
        _, closed = self._closed.get(wanted, (None, None))
        return self._open.get(wanted, closed)

    def is_open(self, order_id: str) -> bool:
        return order_id in self._open

    def open(self, segment: str | None = None) -> Iterator[SimOrder]:
        """Open orders, newest first."""
        orders = self._open if segment is None else self._segments.get(segment, {})
        return reversed(orders.values())

    def closed(self, segment: str | None = None) -> Iterator[SimOrder]:
        return (after for _, after in reversed(self._closed.values()) if segment is None or after.segment == segment)

    def open_as_of(self, when_ms: int, segment: str | None = None) -> list[SimOrder]:
        """The orders that were open at that moment, newest first: what a listing that lags would show."""
        orders = [order for order in self.open(segment) if order.created_ms <= when_ms]
        orders += [
            before
            for before, after in self._closed.values()
            if after.updated_ms > when_ms >= before.created_ms and segment in (None, before.segment)
        ]
        return sorted(orders, key=lambda order: order.sequence, reverse=True)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of a venue: its key, what a client needs to use it, and its book."""

    key: str
    credentials: Mapping[str, str]
    options: Mapping[str, object] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
