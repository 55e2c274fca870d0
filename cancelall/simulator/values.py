"""What stands in a query or a body, read strictly: a reader gives the value, or raises the refusal that it is given."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from .refusals import Refused


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


def text(values: Mapping[str, object], name: str, refused: Refused) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise refused
    return value
