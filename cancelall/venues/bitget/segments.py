"""Bitget: what the segments of both APIs share: how pages, rows and acknowledgements are read.

Rows are read one by one, and fields too: what can be named is acted on, and what is odd leaves its page unsure.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import Unreadable
from cancelall.core.model import (
    Acknowledgement,
    Failure,
    FinalStates,
    Order,
    Page,
    Protection,
    Purpose,
    Reply,
    Request,
    State,
)
from cancelall.venues import payload
from cancelall.venues.bitget import api
from cancelall.venues.contract import Segment
from cancelall.venues.payload import Row

BATCH = 20
"""Orders per cancel by name. The endpoints' pages say 50 or nothing, that of best practices and code 40306 say 20."""
_SMALLEST_PAGE = 20
"""Rows of the smallest page that the venue makes by itself: one with fewer was not cut off, whatever its limit was.
https://www.bitget.com/api-doc/spot/plan/Get-Current-Plan-Order"""

CANCELLED = {"canceled": (State.CANCELLED, ""), "cancelled": (State.CANCELLED, "")}
FILLED = {"filled": (State.FILLED, ""), **CANCELLED}
TRIGGERED = {"executed": (State.GONE, "triggered"), "fail_execute": (State.GONE, "triggered and failed"), **CANCELLED}
"""Statuses that mean that an order is over. Every other one, an unknown one or none, is open."""
SELLS = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
"""On spot and margin a triggered sell protects what is held."""


@dataclass(frozen=True, kw_only=True)
class BitgetSegment(Segment):
    """What all kinds share. The constants name the fields in which kinds of rows tell the same things."""

    symbols: tuple[str, ...] = ()
    """Those that it is narrowed to."""
    named_gap = api.NAMED_GAP
    status: ClassVar[str] = "status"
    quantity: ClassVar[str] = "size"
    filled: ClassVar[str] = "baseVolume"
    prices: ClassVar[tuple[str, ...]] = ("price", "priceAvg", "executePrice", "triggerPrice")
    created: ClassVar[str] = "cTime"
    ends: ClassVar[Mapping[str, tuple[State, str]]] = FILLED
    onward: ClassVar[str] = "idLessThan"
    """The parameter that says from which id a page goes on."""

    # --- requests ---

    def _passes(self, path: str, purpose: str = Purpose.LISTING, **values: str) -> tuple[Request, ...]:
        """One request per symbol, or a single one without.

        A symbol of another script has two forms in a query, and which of them is signed is not certain: then all
        symbols are listed, and narrowed here.
        """
        latin = all(re.fullmatch(r"[A-Za-z0-9_-]+", symbol) for symbol in self.symbols)
        narrow = [{"symbol": symbol} for symbol in self.symbols if latin] or [{}]
        return tuple(api.get(path, purpose, limit=str(api.PAGE), **one, **values) for one in narrow)

    # --- rows ---

    @abstractmethod
    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        """The rows of a page, the id to go on from, whether an odd null stands in their place. Raises Unreadable."""

    @abstractmethod
    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        """An order's kind, the type that is shown, and whether it can only shrink a position."""

    def _holds(self, row: Row) -> bool:
        """Whether a row is in scope. One that does not tell is noted as odd, and left alone."""
        symbol = symbol_of(row, needed=bool(self.symbols))
        return not self.symbols or symbol in self.symbols

    def _order(self, request: Request, row: Row) -> Order:
        """A row as an order. Symbols are upper case, which is what requests want; listings have shown lower case."""
        kind, type_, protection = self._kind(request, row)
        quantity, filled = row.text(self.quantity), row.text(self.filled)
        prices = [row.text(name) for name in self.prices]
        origin = row.text("orderSource") or ""
        return Order(
            id=row.identity("orderId"),
            client_id=row.client_id("clientOid"),
            symbol=symbol_of(row),
            side=lower(row, "side") or None,
            type=type_.lower() or None,
            price=next((price for price in prices if price not in (None, "0")), None),
            quantity=quantity,
            remaining=payload.minus(quantity, filled) if filled else None,
            segment=self.name,
            protection=protection,
            kind=kind,
            origin="" if origin in ("normal", "market") else origin,
            created_ms=row.number(self.created),
        )

    def _end(self, row: Row) -> tuple[State, str] | None:
        """How an order ended. None while it is open; a status that is missing, odd or unknown means open."""
        return self.ends.get(row.text(self.status) or "")

    # --- pages ---

    def page(self, request: Request, reply: Reply) -> Page:
        """The open orders of a page that are in scope."""
        rows, last, null = self._rows(request, reply)

        def read(row: Row) -> Order | None:
            return None if self._end(row) is not None or not self._holds(row) else self._order(request, row)

        orders, odd = payload.orders(rows, read)
        following, why = self._way_on(request, rows, last)
        full = len(rows) >= _size(request)
        return Page(orders=orders, next=following, unsure=payload.why(odd, why), full=full, null=null)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How the orders of a page of the history ended. Rows that cannot be read are passed over."""
        rows, last, _ = self._rows(request, reply)
        ends = payload.ends(rows, partial(self._ended, request))
        return FinalStates(orders=ends, next=self._way_on(request, rows, last)[0])

    def _ended(self, request: Request, row: Row) -> tuple[Order, State, str] | None:
        state, note = self._end(row) or (None, "")
        if state is State.CANCELLED:
            note = payload.filled_before(row.text(self.filled))
        return None if state is None else (self._order(request, row), state, note)

    def _way_on(self, request: Request, rows: list[Any], last: object) -> tuple[Request | None, str]:
        """The request for the next page, and why there may be one that cannot be requested.

        A short page is the last one. The id to go on from is there on the last page too, and one observed answer with
        rows has none at all: without it, a page is unsure only when it holds as many rows as it can. An empty
        page that names another id than its request is followed.
        """
        following = self._from_id(request, last)
        if following is None and last not in (None, ""):
            return None, "what should say where to read on is no id"
        if following is None and len(rows) >= _size(request):
            return None, "a full page does not say where to read on"
        goes_on = len(rows) >= _SMALLEST_PAGE or (not rows and following != request)
        return following if goes_on else None, ""

    def _from_id(self, request: Request, last: object) -> Request | None:
        """The same read, from this id on; None if it is none."""
        if not isinstance(last, str | int) or not re.fullmatch(r"[0-9]{1,32}", str(last)):
            return None
        return api.get(request.path, request.purpose, **{**dict(parse_qsl(request.query)), self.onward: str(last)})

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """What was cancelled and what was not, in all of the venue's ways to say so. Its lists may be null or missing.

        An empty list says nothing: a plan order cancelled under a wrong `planType` is in neither. Where a cancel of one
        order is answered without its id, the success is that of the order that was named. Rows are read one by one: one
        that is odd takes no other along.
        """
        said = api.data(reply)
        if isinstance(said, dict):
            if payload.maybe(said, "result") not in (None, "success"):
                return Acknowledgement(failed=(Failure(id="", reason="the venue says that it failed"),))
            cancelled, failed, rows = (_list(said, key) for key in ("successList", "failureList", "list"))
            rows = rows or ([said] if "orderId" in said else [])
        elif said is None or isinstance(said, list):
            cancelled, failed, rows = [], [], said or []
        else:
            raise Unreadable("data is neither an object nor a list")
        if not (cancelled or failed or rows):
            named = re.match(rb'\{"orderId":"([0-9]+)"', request.body) if request.purpose == Purpose.CANCEL else None
            return Acknowledgement(cancelled=(named[1].decode(),) if named else ())
        answers = ((cancelled, False), (failed, True), (rows, None))
        return _acknowledged((row, fails) for several, fails in answers for row in several)


def recent(path: str, orders: tuple[Order, ...], **values: str) -> tuple[Request, ...]:
    """Reads of how orders ended: a single one by its id, more by the pages of the history.

    The history is sorted by the age of the orders: an old one may lie many pages deep.
    """
    alone = {"orderId": orders[0].id} if len(orders) == 1 else {}
    return (api.get(path, Purpose.FINAL_STATES, limit=str(api.PAGE), **alone, **values),) if orders else ()


def symbol_of(row: Row, *, needed: bool = False) -> str | None:
    """The symbol in the case that requests want. None where it cannot be read: no request may carry a guess."""
    symbol = row.name("symbol", needed=needed)
    return symbol and symbol.upper()


def lower(row: Row, key: str) -> str:
    """A field that holds one of a few words, in lower case; empty without one, `?` where it cannot be read."""
    return (row.text(key) or "").lower()


def tells(row: Row, key: str) -> bool:
    """Whether a row has a field at all."""
    return row.record.get(key) not in (None, "")


def listed(record: Mapping[str, Any], key: str, last: str) -> tuple[list[Any], object, bool]:
    """The rows under a key, the id under another one, and whether a null stands in the place of the rows."""
    rows, null = payload.null_or_list(record, key)
    return rows, record.get(last), null


def _size(request: Request) -> int:
    return int(api.parameter(request, "limit") or api.PAGE)


def _acknowledged(rows: Iterable[tuple[Any, bool | None]]) -> Acknowledgement:
    """Orders that were cancelled (False) or not (True), and those whose row says for itself what became of them."""
    ids: dict[str, str | None] = {}
    failures: list[Failure] = []
    odd = 0
    for entry, fails in rows:
        try:
            row = Row(entry)
            if fails or (fails is None and (row.text("code") or "").strip("0")):  # a success has none, or zeroes
                failures.append(Failure(id=payload.usable_id(entry, "orderId") or "", reason=_reason(row)))
            else:
                ids[row.identity("orderId")] = row.text("clientOid")
            odd += bool(row.oddities)
        except Unreadable:
            odd += 1
    return Acknowledgement(
        cancelled=tuple(ids),
        client_ids={identity: client for identity, client in ids.items() if client},
        failed=tuple(failures),
        remark="an answer to a cancel holds rows that cannot be read" if odd else "",
    )


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    return [] if record.get(key) is None else payload.as_list(record[key], key)


def _reason(row: Row) -> str:
    code = row.text("errorCode") or row.text("code") or ""
    text = row.text("errorMsg") or row.text("msg") or "refused"
    return payload.message(f"{code} {text}".strip())
