"""Reading what a venue sent as if it were hostile: strict JSON, and fields taken out one by one.

Every function raises Unreadable when the text does not have the expected shape; none guesses.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from cancelall.core.errors import Unreadable
from cancelall.core.model import GATEWAY_PAUSE, Answer, Judgement, Order, Protection, Reply, State
from cancelall.core.model import UNREADABLE as UNREADABLE
from cancelall.core.model import parse as parse
from cancelall.core.secret import scrub

T = TypeVar("T")
R = TypeVar("R")
End = tuple[Order, State, str]
"""An order that is no longer open, how it ended, and a remark."""

MESSAGE_LIMIT = 200
"""Characters of a venue's message that are kept."""
ID_LIMIT = 128
"""Characters of an order's id: the longest of any venue, a UUID with a prefix, has 60."""


def as_object(value: object, name: str = "answer") -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is not an object")
    return value


def as_list(value: object, name: str) -> list[Any]:
    """A JSON array; null and absence are not one."""
    if not isinstance(value, list):
        raise Unreadable(f"{name} is not a list")
    return value


def member(value: object, *names: str) -> object:
    """What stands under these names, one inside the other; None where one of them is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def field(record: Mapping[str, Any], key: str) -> str:
    """A field that must be there as text or as a number, as text. It is not empty."""
    value = maybe(record, key)
    if value is None:
        raise Unreadable(f"{key} is missing")
    return value


def maybe(record: Mapping[str, Any], key: str) -> str | None:
    """A field as text; None when it is absent, null or empty."""
    value = record.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unreadable(f"{key} is not text")


def number(record: Mapping[str, Any], key: str) -> int | None:
    """A whole number, also when the venue sent it as text; None when it is absent or null."""
    value = maybe(record, key)
    if value is None:
        return None
    if len(value) > 20 or not value.removeprefix("-").isascii() or not value.removeprefix("-").isdigit():
        raise Unreadable(f"{key} is not a whole number")
    return int(value)


def flag(record: Mapping[str, Any], key: str) -> bool:
    """A truth value in any of the spellings that venues use; False when it is absent."""
    value = record.get(key)
    if isinstance(value, bool):
        return value
    if value is None or (isinstance(value, str) and value.lower() in ("", "false", "no", "0")):
        return False
    if isinstance(value, str) and value.lower() in ("true", "yes", "1"):
        return True
    raise Unreadable(f"{key} is not a truth value")


class Row:
    """One row of a listing, field by field. One odd field but the id stops no action: it is noted, and shown as `?`."""

    __slots__ = ("oddities", "record")

    def __init__(self, entry: object, name: str = "order") -> None:
        """Raises Unreadable when the row is no object."""
        self.record = as_object(entry, name)
        self.oddities: list[str] = []

    def identity(self, *keys: str) -> str:
        """The first usable id under these keys. Raises Unreadable without one: the row names no order."""
        for key in keys:
            value = self.record.get(key)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str) and 0 < len(value) <= ID_LIMIT and value.isascii() and value.isprintable():
                return value
        raise Unreadable(f"{' or '.join(keys)} is no id")

    def text(self, key: str, *, needed: bool = False) -> str | None:
        """A field as text; None when it is absent, null or empty, which is odd where it is `needed`."""
        value = self._read(maybe, key, UNREADABLE)
        return self.odd(f"{key} is missing", None) if needed and value is None else value

    def name(self, key: str, *, needed: bool = False) -> str | None:
        """A field that names something, such as a symbol; None when it is absent, or odd."""
        value = self.text(key, needed=needed)
        return None if value == UNREADABLE else value

    def client_id(self, key: str, *, may_lack: bool = False) -> str | None:
        """The client's own id: None when it is null or empty, `UNREADABLE` where it is not known.

        `may_lack`: rows of orders that have none do not have the key either.
        """
        if key not in self.record:
            return None if may_lack else UNREADABLE
        value = self.text(key)
        return value if value is None or value.isprintable() else UNREADABLE

    def number(self, key: str) -> int | None:
        """A whole number such as a time in ms; None when it is absent, or odd."""
        return self._read(number, key, None)

    def flag(self, key: str) -> bool | None:
        """A truth value; False when it is absent, None when it is odd."""
        return self._read(flag, key, None)

    def _read(self, read: Callable[[Mapping[str, Any], str], T], key: str, instead: R) -> T | R:
        """A field; something `instead` when it is odd."""
        try:
            return read(self.record, key)
        except Unreadable as fault:
            return self.odd(fault.message, instead)

    def odd(self, why: str, value: T) -> T:
        """Note that something is wrong with the row, and go on with this value."""
        self.oddities.append(why)
        return value


def usable_id(entry: object, *keys: str) -> str | None:
    """The id of an entry, under the first of these keys that has one; None without."""
    try:
        return Row(entry).identity(*keys)
    except Unreadable:
        return None


def orders(
    entries: Iterable[object], read: Callable[[Row], Order | None], name: str = "order"
) -> tuple[tuple[Order, ...], str]:
    """The orders of a page's rows, and why the page is unsure; empty when nothing is odd.

    `read` gives None for a row that is no open order, or out of scope, and may raise Unreadable for one that names no
    order. Every other row is kept whatever is wrong with its neighbours.
    """
    orders_read: list[Order] = []
    whys: list[str] = []
    odd = 0
    for entry in entries:
        try:
            row = Row(entry, name)
            order = _with_row(read(row), row)
            whys += row.oddities
            odd += bool(row.oddities)
        except Unreadable as fault:
            order = None
            whys.append(fault.message)
            odd += 1
        orders_read += [] if order is None else [order]
    more = f" and {len(set(whys)) - 3} more" if len(set(whys)) > 3 else ""
    unsure = f"{odd} odd {name}(s): {', '.join(list(dict.fromkeys(whys))[:3])}{more}" if odd else ""
    return tuple(orders_read), unsure


def why(*reasons: str) -> str:
    """Why a page is unsure, in one; empty when nothing is odd."""
    return "; ".join(filter(None, reasons))


def each(entries: Iterable[T], read: Callable[[T], R | None]) -> tuple[R, ...]:
    """What `read` makes of each entry. One that says nothing, or cannot be read, hides no other one."""
    known = []
    for entry in entries:
        with contextlib.suppress(Unreadable):
            known.append(read(entry))
    return tuple(one for one in known if one is not None)


def each_row(entries: Iterable[object], read: Callable[[Row], R | None]) -> tuple[R, ...]:
    """The same of entries that are objects, read field by field."""
    return each(entries, lambda entry: read(Row(entry)))


def ends(entries: Iterable[object], read: Callable[[Row], End | None]) -> tuple[End, ...]:
    """How orders ended, by rows of a history: each order with its row where it is protective or may be."""

    def end(row: Row) -> End | None:
        if (known := read(row)) is None:
            return None
        order, state, note = known
        return _with_row(order, row) or order, state, note

    return each_row(entries, end)


def _with_row(order: Order | None, row: Row) -> Order | None:
    """The same order, with its row where it is protective or may be; of thousands of others no row is kept."""
    if order is None or order.protection is Protection.NONE:
        return order
    return replace(order, row=row.record)


_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?")


def minus(whole: str | None, *parts: str | None) -> str | None:
    """What is left of a quantity, unknown parts left out; None if anything is not digits with a point at most.

    In whole numbers, which lose no digit; and to import `decimal` takes a hundredth of a start.
    """
    numbers = [whole or "", *(part for part in parts if part)]
    if not all(_NUMBER.fullmatch(one) for one in numbers):
        return None
    halves = [one.partition(".")[::2] for one in numbers]
    places = max(len(digits) for _, digits in halves)
    first, *others = (int(units + digits.ljust(places, "0")) for units, digits in halves)
    left = first - sum(others)
    units, digits = divmod(abs(left), 10**places)
    return f"{'-' * (left < 0)}{units}" + f".{digits:0{places}d}" * bool(places)


def filled_before(quantity: str | None) -> str:
    """The remark about an order that was cancelled when this much of it was filled."""
    return f"{quantity} filled before" if quantity and quantity.strip("0.") else ""


def null_or_list(record: Mapping[str, Any], key: str) -> tuple[list[Any], bool]:
    """An array, and whether a null stands in its place. Raises Unreadable when it is absent or of another shape."""
    if key in record and record[key] is None:
        return [], True
    return as_list(record.get(key), key), False


def message(value: object) -> str:
    """A venue's message, short. It is still foreign text: whoever prints it sanitises it.

    Secrets are taken out first: half of one, cut off at the limit, could not be recognised any more.
    """
    return _encodable(scrub(value)[:MESSAGE_LIMIT]) if isinstance(value, str) else ""


def _encodable(text: str) -> str:
    """Text that can be sent and printed: JSON may hold halves of surrogate pairs, and no encoding takes them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def retry_after(reply: Reply) -> float | None:
    """What `Retry-After` says, in seconds, clipped to a day. None without one, and for rubbish.

    An HTTP date counts from the answer's own `Date`: this machine's clock may be off.
    """
    value = reply.headers.get("retry-after", "")
    if not value:
        return None
    try:
        wait = float(value)
    except ValueError:
        wait = _until(value, reply.headers.get("date", ""))
    return min(wait, 86_400.0) if wait >= 0 else None


def _until(then: str, now: str) -> float:
    """Seconds between two HTTP dates; less than none when one of them is no date."""
    from email.utils import parsedate_to_datetime

    try:
        return (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return -1.0


def by_status(reply: Reply, unclear: int = 408) -> Judgement:
    """What an HTTP status says without a code of the venue: it is a gateway's word, and refuses nothing. One that is
    `unclear` leaves open what was done.

    After 401, 403 and 451 a request is repeated at most every 2 s; no redirect is followed. RFC 9110 lets anything on
    the way answer with any of these.
    """
    status = reply.status
    text = f"HTTP {status}"
    if status in (418, 429):
        return Judgement(answer=Answer.AGAIN, kind="rate_limit", message=text, after=retry_after(reply))
    if status == 503 and "retry-after" in reply.headers:
        return Judgement(answer=Answer.AMBIGUOUS, message=text, after=retry_after(reply))
    if status >= 500 or status in (408, unclear) or status < 300:
        return Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message=text)
    if status < 400:
        return Judgement(answer=Answer.GATEWAY, kind="redirect", message=text)
    if status == 401:
        return Judgement(answer=Answer.GATEWAY, kind="auth", message=text, after=GATEWAY_PAUSE)
    if status in (403, 451):
        return Judgement(answer=Answer.GATEWAY, kind="region", message=text, after=GATEWAY_PAUSE)
    return Judgement(answer=Answer.GATEWAY, kind="environment", message=text)
