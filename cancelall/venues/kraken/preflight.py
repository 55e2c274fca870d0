"""Kraken: what tells whether a kill would work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Priority, Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question
from cancelall.venues import payload
from cancelall.venues.kraken.api import NOWHERE, cancel, private, public, result
from cancelall.venues.kraken.options import KrakenOptions

_AHEAD_MS = 60_000
"""A last nonce that is more than this ahead of the venue's clock is of a finer unit, or of a clock that is ahead."""
_LISTS, _CANCELS = frozenset({"query-open-trades"}), frozenset({"close-trades", "modify-trades"})


def questions(options: KrakenOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock and state, and what it says of the key."""
    return (
        Question(name="server time", request=public("Time", Purpose.QUESTION), read=_read_time),
        Question(name="engine", request=public("SystemStatus", Purpose.QUESTION), read=_read_status),
        Question(name="key", request=private("GetApiKeyInfo", Purpose.QUESTION, Priority.LISTING), read=_read_key),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.kraken.com/api-reference/market-data/get-server-time, to the second."""
    seconds = payload.number(result(reply), "unixtime")
    return KeyFacts(server_ms=None if seconds is None else seconds * 1000)


def _read_status(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.kraken.com/api-reference/market-data/get-system-status: cancels work but in maintenance."""
    status = payload.field(result(reply), "status")
    if status in ("online", "cancel_only", "post_only"):
        return KeyFacts()
    return KeyFacts(mode=status, mode_trouble="the engine may not take cancels now")


def _either(record: Mapping[str, Any], name: str) -> object:
    """A field in camelCase, as the document has it, or in snake_case, as clients have seen it."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return record.get(name, record.get(snake))


def _read_key(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.kraken.com/api-reference/account-data/get-api-key-info (since 2026-03-11; it needs no right).

    `validUntil` is "0" for a key without an end; `ipAllowlist` may hold an empty text, and is empty then.
    """
    key = result(reply)
    rights = frozenset(map(str, payload.as_list(key.get("permissions"), "permissions")))
    addresses = [one for one in payload.as_list(_either(key, "ipAllowlist") or [], "ipAllowlist") if one]
    ends, nonce, now_ms = _number(key, "validUntil"), _number(key, "nonce"), reply.date_ms
    ahead = nonce is not None and now_ms is not None and nonce > now_ms + _AHEAD_MS
    hidden = any(_number(key, name) for name in ("queryFrom", "queryTo"))
    return KeyFacts(
        can_list=bool(rights & _LISTS) and not hidden,
        can_cancel=bool(rights & _CANCELS),
        can_withdraw="withdraw-funds" in rights,
        bound=bool(addresses),
        expires_ms=ends * 1000 if ends else None,
        endless=ends == 0,
        remarks=(*_HIDDEN[:hidden], *_FINE[:ahead], *_UNNAMED["query-closed-trades" in rights :]),
    )


_HIDDEN = ("the key sees a window of time only: orders outside of it would look as if there were none",)
_FINE = (
    "another program has used this key with finer or later nonces than milliseconds of now: a kill has up to two "
    "requests refused before one is high enough: make a key for this command alone",
)
_UNNAMED = ("without the right to query closed orders nothing can name what a kill has cancelled",)


def _number(key: Mapping[str, Any], name: str) -> int | None:
    try:
        return payload.number({name: _either(key, name)}, name)
    except Unreadable:
        return None


def probes(options: KrakenOptions, environment: str) -> tuple[Probe, ...]:
    """A cancel of an id that no order has: it is unknown to a key that may cancel, and denied to one that may not."""
    return (Probe(request=cancel(Order(id=NOWHERE, segment="spot")), description="an order whose id cannot exist"),)


PREFLIGHT = Preflight(
    questions=questions,
    window=lambda options: None,  # nonces have to grow, whatever the time is
    key_page="https://www.kraken.com/c/account-settings/api",
    probes=probes,
)
