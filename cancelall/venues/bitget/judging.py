"""Bitget: its codes in our words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Reach, Reply, Request
from cancelall.venues import payload
from cancelall.venues.bitget import calls, classic, reading, unified
from cancelall.venues.bitget.discovery import NO_RIGHT, SERVED, UNIFIED_SAYS_NO
from cancelall.venues.bitget.options import SETTINGS

_EMPTY = frozenset({"22001", "43004", "31054", "25578"})
"""Nothing to cancel."""


_GONE = frozenset(
    {
        "43001",
        "43020",
        "43025",
        "43033",
        "40109",
        "40768",
        "40819",
        "45031",
        "45055",
        "45057",
        "31007",
        "50062",
        "80011",
    }
    | {"24056", "25204", "25575", "25576", "25577", "25597"}
)
"""The order is finished or unknown: a cancel by name has nothing left to do. The listing decides."""


_AGAIN = {"429": 1.0, "25004": 1.0, "45129": calls.NAMED_GAP, "25113": 1.0} | {
    code: 2.0 for code in ("45043", "40844", "41114", "25106")
}
"""Seconds to wait; the last ones are maintenance and settlement."""


_AMBIGUOUS = frozenset(
    {"40010", "40725", "45001", "40015", "40200", "43059", "40908", "40910", "50031", "40808", "45024"}
    | {"25000", "25001", "25003"}
)


_CLOCK = frozenset({"40004", "40005", "40008", "40911"})


_NO_PRODUCT = frozenset({"40731"})
"""An account that has no such product: one of copy trading, as met on live (freqtrade#13576). Demo trading's words are
none of these: on live they say nothing about orders."""


_NO_WORD = frozenset("40017 400172 40020 40034 40811 40812 40813 40913 43048".split())
"""What may be answered to a `planType` that the venue does not know, or wants a symbol with."""


_KEYS = "on Bitget's page of API keys"


_Refusal = tuple[tuple[str, ...], ErrorKind, Reach, str]


_REFUSALS: tuple[_Refusal, ...] = (
    (("40006", "40037", "40041"), "auth", Reach.KEY, "wrong or deleted key, or a demo key without environment demo"),
    (("40009",), "auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    (("40012", "40036"), "auth", Reach.KEY, "wrong passphrase: it was chosen with the key and cannot be changed"),
    (("40001", "40002", "40003", "40011"), "auth", Reach.KEY, "check key, secret and passphrase"),
    (("40099",), "environment", Reach.KEY, "a demo key needs environment demo, and no other key works there"),
    (("40018", "40038", "22010", "49003"), "ip", Reach.ADDRESS, f"add this machine's address to the key {_KEYS}"),
    (
        ("40014", "40025", "40040", "25620"),
        "permission",
        Reach.PRODUCT,
        f"give the key the right to trade this {_KEYS}",
    ),
    (
        ("40013", "40022", "40023", "40024", "40026", "40031", "40710", "40760", "40916"),
        "permission",
        Reach.PRODUCT,
        "the account is restricted here: use the app or support",
    ),
    (
        ("40016", "40035", "40101", "40111"),
        "permission",
        Reach.PRODUCT,
        "Bitget wants the account verified: log in to the site",
    ),
    (("40199",), "permission", Reach.PRODUCT, "lead traders may not use the API here: use the app"),
    (("40000", "40100", "40103", "40104"), "region", Reach.PRODUCT, "this region is refused: run from another place"),
    (
        ("40081", "40105", "40110", "22030"),
        "environment",
        Reach.PRODUCT,
        "demo trading does not have this: narrow the profile by product_type, or use a key of live trading",
    ),
    (("45056",), "parameter", Reach.REQUEST, "an order of a bot or a copied trade: stop what placed it in the app"),
    (("40072", "40309", "22004", "25013"), "parameter", Reach.REQUEST, "not tradable by API: use the app"),
    (("40086", "40404", "30032"), "parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    (
        ("40034", "40102", "25100"),
        "parameter",
        Reach.REQUEST,
        "is the symbol one of this product? name the product with product_type",
    ),
    (
        tuple("40007 40017 400172 40019 40020 40306 40811 40812 40813 40912 40913 43048".split())
        + tuple("48001 48002 00171 00172 25002 25200 25240".split()),
        "parameter",
        Reach.REQUEST,
        "check the selectors of this profile",
    ),
)


_REFUSED: Mapping[str, tuple[ErrorKind, Reach, str]] = {
    code: (kind, reach, hint) for codes, kind, reach, hint in _REFUSALS for code in codes
}
"""https://www.bitget.com/api-doc/contract/error-code/restapi and .../uta/error-code/restapi; some from clients only."""


def judge(request: Request, reply: Reply) -> Judgement:
    """Bitget answers errors with HTTP 400 or 200 and a `code`; without one the HTTP status decides."""
    try:
        answer = payload.as_object(reply.json)
        code, server_ms = payload.maybe(answer, "code"), _time(answer)
    except Unreadable:
        return _by_status(reply)
    if code is None or 300 <= reply.status < 400:
        return _by_status(reply)
    said = partial(Judgement, words=f"{code} {payload.words(answer.get('msg'))}".strip(), server_ms=server_ms)
    mode = SERVED if request.signed and request.path.startswith("/api/v2/") else ""
    if code == "00000":
        taken = Answer.NOTHING_OPEN if _found_no_plan(request, reply) else Answer.ACCEPTED
        return said(answer=taken if reply.status == 200 else Answer.AMBIGUOUS, mode=mode)
    if code == "40085":
        return said(answer=Answer.ABSENT, kind="mode", mode="unified")
    if (request.path == SETTINGS and code in UNIFIED_SAYS_NO | NO_RIGHT) or unified.has_none(request, code):
        return said(answer=Answer.ACCEPTED)  # it answers the question
    if code in UNIFIED_SAYS_NO:
        return said(answer=Answer.ABSENT, kind="mode", mode="classic")
    if request.changes and (code in _EMPTY or (code in _GONE and not _is_witness(request))):
        return said(answer=Answer.NOTHING_OPEN, mode=mode)
    if code == "40812" and request.path == classic.CANCEL_PLAN:
        return said(answer=Answer.NOTHING_OPEN)  # a planType that reaches nothing; the listing decides
    if code in _NO_WORD and _tries_a_word(request):
        return said(answer=Answer.NOTHING_OPEN)  # the same: other words, and cancels by name, go on
    if code in _CLOCK:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    if code in _AGAIN:
        after = payload.asked_to_wait(reply)
        hint = "Bitget shuts an address out for 5 minutes after 6000 requests in one" if code == "429" else ""
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_AGAIN[code] if after is None else after, hint=hint)
    if code in _NO_PRODUCT:
        return said(answer=Answer.ABSENT, kind="mode", hint="a copy-trading account does not have this product")
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _time(answer: Mapping[str, object]) -> int | None:
    """The venue's clock; an odd one spoils nothing."""
    try:
        return payload.number(answer, "requestTime")
    except Unreadable:
        return None


def _by_status(reply: Reply) -> Judgement:
    """Without a code, HTTP 400 is no refusal: nearly all of the venue's words come with it, "nothing to do" too."""
    if reply.status == 400:
        return Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words="HTTP 400")
    return payload.by_status(reply)


def _is_witness(request: Request) -> bool:
    """Whether its "nothing to cancel" proves something, so that no other words may pass for it."""
    return request.path == classic.CANCEL_ALL


def _found_no_plan(request: Request, reply: Reply) -> bool:
    """Whether a cancel of all plan orders of a type met none: a success with two empty lists, as observed."""
    return request.path == classic.CANCEL_PLAN and not _names_orders(request) and reading.took_nothing(reply)


def _tries_a_word(request: Request) -> bool:
    """Whether a cancel of plan orders may be refused for what it leaves out, or for a word of no document."""
    return request.path == classic.CANCEL_PLAN and (
        not _names_orders(request) or b'"planType":"track_plan"' in request.body
    )


def _names_orders(request: Request) -> bool:
    return b'"orderIdList"' in request.body
