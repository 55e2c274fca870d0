"""AscendEX: its codes in our words."""

from __future__ import annotations

from functools import partial
from typing import Literal

from cancelall import payload
from cancelall.errors import Unreadable
from cancelall.model import Answer, Judgement, Reach, Reply, Request

_GONE = frozenset({300006, 300013, 300019, 60060})
"""The order is finished, unknown or being cancelled, alone or in a batch. The listing decides.
https://ascendex.github.io/ascendex-pro-api/#cancel-order"""

_CLOCK = frozenset({100011})
_NO_SUCH_PRODUCT = frozenset({100008, 300012, 200004, 310002})
_AMBIGUOUS = frozenset({100002, 100101, 510001})
_SUSPENDED = frozenset({300020, 300021})
_KEY_PAGE = "https://ascendex.com (API management)"

_REFUSED: dict[int, tuple[Literal["auth", "permission", "mode", "parameter"], Reach, str]] = {
    100009: ("auth", Reach.KEY, "check key and secret"),
    100010: ("mode", Reach.REQUEST, "the venue does not allow this call for the account; futures v1 is retired"),
    200001: ("auth", Reach.KEY, f"wrong key or secret, an unbound key older than 90 days, or testnet: {_KEY_PAGE}"),
    200002: ("auth", Reach.KEY, "the venue counts too many failed attempts: wait, and log in to the site"),
    200003: ("mode", Reach.REQUEST, "check account_group: it must be the one of this key's account info"),
    200014: ("permission", Reach.REQUEST, "the account is restricted: use the site or support"),
    200015: ("permission", Reach.REQUEST, f"give the key the rights to view and to trade: {_KEY_PAGE}"),
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
"""Error groups whose other codes are refusals; those of group 50 (system) and unknown ones may pass."""


def judge(request: Request, reply: Reply) -> Judgement:
    """`code` decides, 0 is success; the documents tie no HTTP status to a code. Without one the HTTP status decides.

    429 comes as an HTML page: https://github.com/hummingbot/hummingbot/issues/4987
    """
    try:
        answer = payload.as_object(payload.parse(reply.body))
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
    if code in _GONE and request.changes:
        return said(answer=Answer.NOTHING_OPEN)
    if code in _NO_SUCH_PRODUCT:
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _SUSPENDED:
        hint = "trading is restricted or disabled: orders may still be live, look at the site"
        return said(answer=Answer.AGAIN, kind="mode", hint=hint, after=2.0, suspended=request.changes)
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    if code in _AMBIGUOUS or code // 10_000 not in _GROUPS:
        return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")
    group = _GROUPS[code // 10_000]
    return said(answer=Answer.REFUSED, kind=group, reach=Reach.KEY if group == "auth" else Reach.REQUEST)
