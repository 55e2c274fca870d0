"""Reading what a venue sent as if it were hostile: strict JSON, and fields taken out one by one.

Every function raises Unreadable when the text does not have the expected shape; none guesses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from cancelall.errors import Unreadable
from cancelall.model import Answer, Judgement, Reach, Reply
from cancelall.secret import scrub

WORDS_LIMIT = 200
"""Characters of a venue's message that are kept."""


def parse(body: bytes) -> object:
    """JSON, refusing duplicate keys, NaN and infinities. Decimal numbers stay the text that the venue sent.

    Python's own parser keeps the last of two equal keys, so `"success":"0","success":"1"` would read as success.
    """
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=str, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        raise Unreadable("the answer is not valid JSON") from fault


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


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
    """What an HTTP status alone says, for answers that hold no code of the venue."""
    status = reply.status
    if 300 <= status < 400:
        return Judgement(answer=Answer.REFUSED, kind="redirect", words=f"HTTP {status}", reach=Reach.KEY)
    if status == 401:
        return Judgement(answer=Answer.REFUSED, kind="auth", words="HTTP 401", reach=Reach.KEY)
    if status in (403, 451):
        return Judgement(answer=Answer.REFUSED, kind="region", words=f"HTTP {status}", reach=Reach.KEY)
    if status in (418, 429):
        return Judgement(
            answer=Answer.AGAIN,
            kind="rate_limit",
            words=f"HTTP {status}",
            after=asked_to_wait(reply),
        )
    if status == 503 and "retry-after" in reply.headers:
        return Judgement(answer=Answer.AMBIGUOUS, words="HTTP 503", after=asked_to_wait(reply))
    if status >= 500 or status == 408 or 200 <= status < 300:
        return Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words=f"HTTP {status}")
    return Judgement(answer=Answer.REFUSED, kind="parameter", words=f"HTTP {status}")
