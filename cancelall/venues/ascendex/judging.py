"""AscendEX: its codes in our words."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Judgement, Reach, Reply, Request
from cancelall.venues import payload

_GONE = frozenset({300006, 300019, 60060})
"""The order is finished, unknown or being cancelled. The listing decides.
https://ascendex.github.io/ascendex-pro-api/#cancel-order"""

_CLOCK = frozenset({100011})
_NO_SUCH_PRODUCT = frozenset({310002})
"""INVALID_MARGIN_ACCOUNT, "not a valid account for margin trading": no other code says that a ledger is not there. That
of an account which is "not setup properly" (200004) may be about one that has orders."""

_NO_SUCH_SYMBOL = frozenset({100008, 300012})
"""SYMBOL_ERROR and INVALID_PRODUCT, "Invalid Product Symbol": about the symbol that was sent, not about the account."""

_AMBIGUOUS = frozenset({100002, 100101, 510001})
_SUSPENDED = frozenset({300020, 300021})
_KEY_PAGE = "https://ascendex.com (API management)"

_REFUSED: dict[int, tuple[Literal["auth", "permission", "mode", "parameter"], Reach, str]] = {
    100009: ("auth", Reach.KEY, "check key and secret"),
    100010: ("mode", Reach.REQUEST, "the venue does not allow this call for the account; futures v1 is retired"),
    200001: ("auth", Reach.KEY, f"wrong key or secret, an unbound key older than 90 days, or testnet: {_KEY_PAGE}"),
    200002: ("auth", Reach.KEY, "the venue counts too many failed attempts: wait, and log in to the site"),
    200003: ("mode", Reach.PRODUCT, "check account_group: it must be the one of this key's account info"),
    200004: ("mode", Reach.PRODUCT, "if this ledger was never opened, choose the others with --account-category"),
    200006: ("mode", Reach.PRODUCT, "look at the account on the site"),
    200014: ("permission", Reach.PRODUCT, "the account is restricted: use the site or support"),
    200015: ("permission", Reach.PRODUCT, f"give the key the rights to view and to trade: {_KEY_PAGE}"),
    2100: ("auth", Reach.KEY, "check key and secret"),
    900001: ("auth", Reach.KEY, "the venue wants a human: log in to the site"),
}
"""https://ascendex.github.io/ascendex-pro-api/#error-message, whose numbers begin with their group."""

_GROUPS: dict[int, Literal["auth", "parameter"]] = {
    10: "parameter",
    15: "parameter",
    20: "auth",
    30: "parameter",
    31: "parameter",
}
"""Error groups whose other codes refuse one call, and no more: those of group 20 that the table above lacks are about
log-ins on the site. What is of group 50 (system) or unknown may pass."""

_ASIDE = ("/position", "/order/status", "/order/hist/current")
"""Reads that only the report needs: a refusal of one says nothing of the rest."""


def judge(request: Request, reply: Reply) -> Judgement:
    """`code` decides, 0 is success; the documents tie no HTTP status to a code. Without one the HTTP status decides.

    429 comes as an HTML page: https://github.com/hummingbot/hummingbot/issues/4987
    """
    try:
        answer = payload.as_object(reply.json)
        code = payload.number(answer, "code")
    except Unreadable:
        return payload.by_status(reply)
    if code is None or 300 <= reply.status < 400 or reply.status == 429:
        return payload.by_status(reply)
    told = answer.get("message") or answer.get("reason")
    said = partial(Judgement, words=f"{code} {payload.words(told)}".strip())
    if code == 0:
        good = 200 <= reply.status < 300
        return said(answer=Answer.ACCEPTED) if good else said(answer=Answer.AMBIGUOUS, kind="unreadable")
    # Which code a clock that is off gets is not written down: a refused signature that speaks of time is one, too.
    if code in _CLOCK or (code == 200001 and "timestamp" in str(told).lower()):
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock: 30 s are allowed")
    if (code in _GONE and request.changes and not _is_batch(request)) or (code in _NO_SUCH_SYMBOL and _of_one(request)):
        return said(answer=Answer.NOTHING_OPEN)
    if code in _NO_SUCH_PRODUCT and "/margin/" in request.path:
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _SUSPENDED:
        hint = "trading is restricted or disabled: orders may still be live, look at the site"
        return said(answer=Answer.AGAIN, kind="mode", hint=hint, suspended=request.changes)
    if code in _AMBIGUOUS or not (code in _REFUSED or code // 10_000 in _GROUPS):
        return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")
    return _refused(request, code, str(told), said)


def _refused(request: Request, code: int, told: str, said: Callable[..., Judgement]) -> Judgement:
    """A refusal, and how far it reaches. One that speaks of the address is about that, not about the key."""
    kind, reach, hint = _REFUSED.get(code) or (_GROUPS[code // 10_000], Reach.REQUEST, "")
    if code == 200001 and re.search(r"\bip\b", told, re.IGNORECASE):
        hint = f"add this machine's address to the key's list, or use another key: {_KEY_PAGE}"
        return said(answer=Answer.REFUSED, kind="ip", reach=_within(request, Reach.ADDRESS), hint=hint)
    return said(answer=Answer.REFUSED, kind=kind, reach=_within(request, reach), hint=hint)


def _within(request: Request, reach: Reach) -> Reach:
    """What only the report needs, and what is public, ends nothing, whatever it is answered."""
    return reach if request.signed and not request.path.endswith(_ASIDE) else Reach.REQUEST


def _is_batch(request: Request) -> bool:
    """Whether one order that fails the venue's check fails others with it: they go one by one then."""
    return request.path.endswith("/order/batch")


def _of_one(request: Request) -> bool:
    """Whether it cancels all orders of one symbol: where that is not traded nothing is to be cancelled. The listing,
    which is of all symbols, decides."""
    return request.path.endswith("/order/all") and b'"symbol"' in request.body
