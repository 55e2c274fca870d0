"""What both of Bitget's APIs share: how pages, rows and acknowledgements are read.

Rows are read one by one, and fields too: what can be named is acted on, and what is odd leaves its page unsure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, Failure, FinalStates, Order, Page, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.bitget.calls import from_id, size
from cancelall.venues.payload import Row

_SMALLEST_PAGE = 20
"""Rows of the smallest page that the venue makes by itself: one with fewer was not cut off, whatever it was asked for.
https://www.bitget.com/api-doc/spot/plan/Get-Current-Plan-Order"""

_CANCELLED = {"canceled": (State.CANCELLED, ""), "cancelled": (State.CANCELLED, "")}
FILLED_OR_CANCELLED = {"filled": (State.FILLED, ""), **_CANCELLED}
TRIGGERED_OR_CANCELLED = {
    "executed": (State.GONE, "triggered"),
    "fail_execute": (State.GONE, "triggered and failed"),
    **_CANCELLED,
}
"""Statuses of the classic API that mean that an order is over."""


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


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which rows of a listing are meant: what the venue was asked for, and what it may show besides."""

    symbols: tuple[str, ...] = ()
    coin: str | None = None
    """The margin coin, where rows tell it."""
    base: str | None = None
    """The coin that a coin-margined contract is settled in, where only its name tells it."""
    category: str | None = None

    def holds(self, row: Row) -> bool:
        """Whether a row is in scope. One that does not tell is noted as odd, and left alone."""
        symbol = symbol_of(row, needed=bool(self.symbols or self.base))
        if self.category and (row.text("category") or self.category).upper() != self.category:
            return False
        if self.coin and (row.text("marginCoin", needed=True) or "").upper() != self.coin:
            return False
        if self.base and not (symbol and re.fullmatch(re.escape(self.base) + r"USD([HMUZ]\d{2})?", symbol)):
            return False
        return not self.symbols or symbol in self.symbols


def code_of(reply: Reply) -> str:
    """The code of the envelope. Raises Unreadable."""
    return payload.field(payload.as_object(reply.json), "code")


def data(reply: Reply) -> Any:  # noqa: ANN401 - whatever JSON the venue put there
    """The payload of the envelope; None where the venue sent null."""
    answer = payload.as_object(reply.json)
    if "data" not in answer:
        raise Unreadable("data is missing")
    return answer["data"]


def array(reply: Reply) -> tuple[list[Any], bool]:
    """A payload that is an array, and whether a null stands in its place."""
    return payload.null_or_list({"data": data(reply)}, "data")


def order_of(segment: str, words: Words, row: Row, *, kind: str, type_: str, protection: Protection) -> Order:
    """A row as an order. Symbols are upper case, which is what requests want; listings have shown lower case."""
    quantity, filled = row.text(words.quantity), row.text(words.filled)
    prices = [row.text(name) for name in words.prices]
    origin = row.text("orderSource") or ""
    return Order(
        id=row.identity("orderId"),
        client_id=row.text("clientOid"),
        symbol=symbol_of(row),
        side=(row.text("side") or "").lower() or None,
        type=type_.lower() or None,
        price=next((price for price in prices if price not in (None, "0")), None),
        quantity=quantity,
        remaining=_difference(quantity, filled),
        segment=segment,
        protection=protection,
        kind=kind,
        origin="" if origin in ("normal", "market") else origin,
        created_ms=row.number(words.created),
    )


def symbol_of(row: Row, *, needed: bool = False) -> str | None:
    """The symbol in the case that requests want. None where it cannot be read: no request may carry a guess."""
    symbol = row.text("symbol", needed=needed)
    return None if symbol in (None, payload.UNREADABLE) else (symbol or "").upper()


def word(row: Row, key: str) -> str:
    """A field that holds one of a few words, in lower case; empty without one, `?` where it cannot be read."""
    return (row.text(key) or "").lower()


def tells(row: Row, key: str) -> bool:
    """Whether a row has a field at all."""
    return row.record.get(key) not in (None, "")


def ended(row: Row, words: Words) -> tuple[State, str] | None:
    """How an order ended. None while it is open; a status that is missing, odd or unknown means open."""
    return words.ends.get(row.text(words.status) or "")


def page(
    request: Request,
    rows: list[Any],
    words: Words,
    order: Callable[[Row], Order],
    scope: Scope,
    *,
    onward: str = "",
    last: object = None,
    null: bool = False,
) -> Page:
    """The open orders of a page that are in scope. It goes on from the id `last`, in the parameter `onward`."""

    def read(row: Row) -> Order | None:
        if ended(row, words) is not None or not scope.holds(row):
            return None
        return order(row)

    found, unsure = payload.orders(rows, read)
    following, why = way_on(request, rows, onward, last) if onward else (None, "")
    return Page(
        orders=found,
        next=following,
        unsure="; ".join(filter(None, (unsure, why))),
        full=len(rows) >= size(request),
        null=null,
    )


def way_on(request: Request, rows: list[Any], key: str, last: object) -> tuple[Request | None, str]:
    """The request for the next page, and why there may be one that cannot be asked for.

    A short page is the last one. The id to go on from is there on the last page too, and one observed answer with rows
    has none at all: without it, a page is unsure only when it holds as many rows as were asked for. An empty page that
    names an id which nobody asked from is followed.
    """
    following = from_id(request, key, last)
    if following is None and last not in (None, ""):
        return None, "what should say where to read on is no id"
    if following is None and len(rows) >= size(request):
        return None, "a full page does not say where to read on"
    goes_on = len(rows) >= _SMALLEST_PAGE or (not rows and following != request)
    return following if goes_on else None, ""


def settlement(
    request: Request,
    rows: list[Any],
    words: Words,
    order: Callable[[Row], Order],
    *,
    onward: str,
    last: object,
) -> FinalStates:
    """How the orders of a page of the history ended. Rows that cannot be read are passed over."""
    found = []
    for entry in rows:
        try:
            row = Row(entry)
            end = ended(row, words)
            if end is None:
                continue
            state, note = end
            filled = row.text(words.filled) or "0"
            if state is State.CANCELLED and filled.strip("0.") != "":
                note = f"{filled} filled before"
            found.append((order(row), state, note))
        except Unreadable:
            continue
    return FinalStates(orders=tuple(found), next=way_on(request, rows, onward, last)[0])


def _difference(quantity: str | None, filled: str | None) -> str | None:
    """What is left of an order. None where one of the two is not a plain number."""
    plain = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
    if not (quantity and filled and plain.fullmatch(quantity) and plain.fullmatch(filled)):
        return None
    return f"{Decimal(quantity) - Decimal(filled):f}"


# --- acknowledgements -----------------------------------------------------------------------------------------------


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """What was cancelled and what was not, in all of the venue's ways to say so. Its lists may be null or missing.

    An empty list says nothing: a plan order cancelled under a wrong `planType` is in neither. Where a cancel of one
    order is answered without its id, the success is that of the order that was named. Rows are read one by one: one
    that is odd takes no other along.
    """
    said = data(reply)
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
        return Acknowledgement(cancelled=_named(request))
    return _taken(cancelled, failed, rows)


def _taken(cancelled: list[Any], failed: list[Any], rows: list[Any]) -> Acknowledgement:
    """The orders of both lists, and of one in which each row says for itself whether it was cancelled."""
    ids: dict[str, str | None] = {}
    failures: list[Failure] = []
    odd = 0
    for entry, fails in (
        *((one, False) for one in cancelled),
        *((one, True) for one in failed),
        *((one, None) for one in rows),
    ):
        try:
            row = Row(entry)
            if fails or (fails is None and _code(row)):
                failures.append(Failure(id=_id_or_none(row), reason=_reason(row)))
            else:
                ids[row.identity("orderId")] = row.text("clientOid")
            odd += bool(row.oddities)
        except Unreadable:
            odd += 1
    return Acknowledgement(
        cancelled=tuple(ids),
        client_ids={identity: client for identity, client in ids.items() if client},
        failed=tuple(failures),
        remark=ODD_ROWS if odd else "",
    )


ODD_ROWS = "an answer to a cancel holds rows that cannot be read"


def nothing_cancelled(request: Request, reply: Reply) -> bool:
    """What a mass cancel says as a witness: that it met no order. Raises Unreadable if that cannot be told."""
    said = acknowledge(request, reply)
    if not said.cancelled and said.remark:
        raise Unreadable(said.remark)
    return not said.cancelled


def took_nothing(reply: Reply) -> bool:
    """Whether a cancel is a success with two empty lists: no order was cancelled, and none was there to fail.

    Two such answers of `cancel-all-orders`, a gap apart and with empty listings, would be as good as code 22001.
    """
    said = data(reply)
    return isinstance(said, dict) and said.get("successList") == [] and said.get("failureList") == []


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    return [] if record.get(key) is None else payload.as_list(record[key], key)


def _code(row: Row) -> str:
    """The row's own error code; a success has none, or one of zeroes."""
    code = row.text("code") or ""
    return "" if code.strip("0") == "" else code


def _id_or_none(row: Row) -> str:
    try:
        return row.identity("orderId")
    except Unreadable:
        return ""


def _reason(row: Row) -> str:
    code = row.text("errorCode") or row.text("code") or ""
    text = row.text("errorMsg") or row.text("msg") or "refused"
    return payload.words(f"{code} {text}".strip())


def _named(request: Request) -> tuple[str, ...]:
    """The one order that a request names, if it is of that kind."""
    match = re.match(rb'\{"orderId":"([0-9]+)"', request.body)
    return (match[1].decode(),) if match else ()
