"""JSON as strict as a proof needs it: no duplicate keys, no NaN, numbers as the venue wrote them."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from cancelall.core.errors import Unreadable


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
