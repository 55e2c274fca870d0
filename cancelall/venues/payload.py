"""Reading what a venue sent as if it were hostile: strict JSON, and fields taken out one by one.

Every function raises Unreadable when the text does not have the expected shape; none guesses.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from cancelall.core.errors import Unreadable
from cancelall.core.model import GATEWAY_PAUSE, Answer, Judgement, Order, Protection, Reply, State
from cancelall.core.secret import scrub
from cancelall.core.strictjson import parse as parse

T = TypeVar("T")
End = tuple[Order, State, str]
"""An order that is no longer open, how it ended, and a remark."""

WORDS_LIMIT = 200
"""Characters of a venue's message that are kept."""
ID_LIMIT = 128
"""Characters of an order's id: the longest of any venue, a UUID with a prefix, has 60."""
UNREADABLE = "?"
"""What is shown in the place of a field that cannot be read."""


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
    """One row of a listing, read field by field.

    No field but the id keeps an order from being acted on: one that is odd is noted, and shown as `?`.
    """

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
        try:
            value = maybe(self.record, key)
        except Unreadable as fault:
            return self.odd(fault.message, UNREADABLE)
        return self.odd(f"{key} is missing", None) if needed and value is None else value

    def name(self, key: str, *, needed: bool = False) -> str | None:
        """A field that names something, such as a symbol; None when it is absent, or odd."""
        value = self.text(key, needed=needed)
        return None if value == UNREADABLE else value

    def number(self, key: str) -> int | None:
        """A whole number such as a time in ms; None when it is absent, or odd."""
        try:
            return number(self.record, key)
        except Unreadable as fault:
            return self.odd(fault.message, None)

    def flag(self, key: str) -> bool | None:
        """A truth value; False when it is absent, None when it is odd."""
        try:
            return flag(self.record, key)
        except Unreadable as fault:
            return self.odd(fault.message, None)

    def odd(self, why: str, value: T) -> T:
        """Note that something is wrong with the row, and go on with this value."""
        self.oddities.append(why)
        return value


def orders(
    entries: Iterable[object], read: Callable[[Row], Order | None], name: str = "order"
) -> tuple[tuple[Order, ...], str]:
    """The orders of a page's rows, and why the page is unsure; empty when nothing is odd.

    `read` gives None for a row that is no open order, or out of scope, and may raise Unreadable for one that names no
    order. Every other row is kept whatever is wrong with its neighbours.
    """
    found: list[Order] = []
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
        found += [] if order is None else [order]
    more = f" and {len(set(whys)) - 3} more" if len(set(whys)) > 3 else ""
    unsure = f"{odd} odd {name}(s): {', '.join(list(dict.fromkeys(whys))[:3])}{more}" if odd else ""
    return tuple(found), unsure


def why(*reasons: str) -> str:
    """Why a page is unsure, in one; empty when nothing is odd."""
    return "; ".join(filter(None, reasons))


def _with_row(order: Order | None, row: Row) -> Order | None:
    """The same order, with its row where it is protective or may be; of thousands of others no row is kept."""
    if order is None or order.protection is Protection.NONE:
        return order
    return replace(order, row=row.record)


def ends(entries: Iterable[object], read: Callable[[Row], End | None]) -> tuple[End, ...]:
    """How orders ended: what `read` says of each row. One that tells nothing, or names no order, hides no other one."""
    found: list[End] = []
    for entry in entries:
        with contextlib.suppress(Unreadable):
            row = Row(entry)
            if (end := read(row)) is not None:
                order, state, note = end
                found.append((_with_row(order, row) or order, state, note))
    return tuple(found)


_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?")


def minus(whole: str | None, *parts: str | None) -> str | None:
    """What is left of a quantity, parts that are not told left out; None if anything is no plain number."""
    told = [whole or "", *(part for part in parts if part)]
    if not all(_NUMBER.fullmatch(one) for one in told):
        return None
    return f"{Decimal(told[0]) - sum(map(Decimal, told[1:]), Decimal(0)):f}"


def filled_before(quantity: str | None) -> str:
    """The remark about an order that was cancelled when this much of it was filled."""
    return f"{quantity} filled before" if quantity and quantity.strip("0.") else ""


def null_or_list(record: Mapping[str, Any], key: str) -> tuple[list[Any], bool]:
    """An array, and whether a null stands in its place. Raises Unreadable when it is absent or of another shape."""
    if key in record and record[key] is None:
        return [], True
    return as_list(record.get(key), key), False


def words(value: object) -> str:
    """A venue's message, short. It is still foreign text: whoever prints it sanitises it.

    Secrets are taken out first: half of one, cut off at the limit, could not be recognised any more.
    """
    return _encodable(scrub(value)[:WORDS_LIMIT]) if isinstance(value, str) else ""


def _encodable(text: str) -> str:
    """Text that can be sent and printed: JSON may hold halves of surrogate pairs, and no encoding takes them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def asked_to_wait(reply: Reply) -> float | None:
    """What `Retry-After` asks for, in seconds, clipped to a day. None without one, and for rubbish.

    An HTTP date counts from the answer's own `Date`: this machine's clock may be off.
    """
    value = reply.headers.get("retry-after", "")
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


def by_status(reply: Reply) -> Judgement:
    """What an HTTP status says without a code of the venue: it is a gateway's word, and refuses nothing.

    401, 403 and 451 are asked again at most every 2 s; no redirect is followed. RFC 9110 lets anything on the way
    answer with any of these.
    """
    status = reply.status
    words = f"HTTP {status}"
    if status in (418, 429):
        return Judgement(answer=Answer.AGAIN, kind="rate_limit", words=words, after=asked_to_wait(reply))
    if status == 503 and "retry-after" in reply.headers:
        return Judgement(answer=Answer.AMBIGUOUS, words=words, after=asked_to_wait(reply))
    if status >= 500 or status == 408 or status < 300:
        return Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words=words)
    if status < 400:
        return Judgement(answer=Answer.GATEWAY, kind="redirect", words=words)
    if status == 401:
        return Judgement(answer=Answer.GATEWAY, kind="auth", words=words, after=GATEWAY_PAUSE)
    if status in (403, 451):
        return Judgement(answer=Answer.GATEWAY, kind="region", words=words, after=GATEWAY_PAUSE)
    return Judgement(answer=Answer.GATEWAY, kind="environment", words=words)
