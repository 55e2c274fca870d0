"""Refusals: the reasons that every venue has, the exceptions with which a handler refuses, and strict readers.

A reader of what stands in a query or a body gives the value, or raises the refusal that it is given.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum

from .wire import SimReply, text_reply


class Refusal(Enum):
    """Reasons to refuse that every venue has, each in its own words."""

    KEY = "key"
    IP = "address"
    PERMISSION = "permission"
    RATE_LIMIT = "rate limit"
    INTERNAL = "internal error"
    MAINTENANCE = "maintenance"
    REQUEST = "request"
    PRODUCT = "product"
    HOST = "host"
    ABSENT = "absent"


class Refused(Exception):
    """The venue's code and message, and more `members` of the answer. Without `status`: that of most refusals."""

    def __init__(
        self, code: int | str, message: str, status: int | None = None, members: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members or {}


class Answered(Exception):
    """A request whose answer is written already, as by something before the API: a page, a sentence or nothing."""

    def __init__(self, reply: SimReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def bare(status: int, text: str = "", content_type: str = "text/plain") -> Answered:
    """An answer without JSON: a bare sentence or nothing at all."""
    return Answered(text_reply(text, status, content_type))


def page(status: int, html: str) -> Answered:
    return bare(status, html, "text/html")


def whole(text: str, refused: Refused, *, least: int = 0, most: int = 10**20 - 1) -> int:
    """A whole number from `least` to `most`, or the refusal."""
    if text.isascii() and text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise refused


def positive(values: Mapping[str, object], name: str, refused: Refused) -> str:
    """A positive, finite number as it was written, or the refusal."""
    written = str(values.get(name, ""))
    try:
        if Decimal(written).is_finite() and Decimal(written) > 0:
            return written
    except InvalidOperation:
        pass
    raise refused


def string(values: Mapping[str, object], name: str, refused: Refused) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise refused
    return value
