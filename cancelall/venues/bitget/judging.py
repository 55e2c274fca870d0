"""Bitget: its codes in our words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cancelall import payload
from cancelall.errors import ErrorKind, Unreadable
from cancelall.model import Answer, Judgement, Reach, Reply, Request
from cancelall.venues.bitget import calls, classic
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


_CLOCK = frozenset({"40005", "40008"})


_NO_DEMO = frozenset({"40081", "40105", "40110", "22030"})


_NO_SYMBOL = frozenset({"40034", "40102", "25100"})


_KEYS = "on Bitget's page of API keys"


_Refusal = tuple[tuple[str, ...], ErrorKind, Reach, str]


_REFUSALS: tuple[_Refusal, ...] = (
    (("40006", "40037", "40041"), "auth", Reach.KEY, "wrong or deleted key, or a demo key without environment demo"),
    (("40009",), "auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    (("40012", "40036"), "auth", Reach.KEY, "wrong passphrase: it was chosen with the key and cannot be changed"),
    (("40001", "40002", "40003", "40011"), "auth", Reach.KEY, "check key, secret and passphrase"),
    (("40099",), "environment", Reach.KEY, "a demo key needs environment demo, and no other key works there"),
    (
        ("40014", "40025", "40040", "25620"),
        "permission",
        Reach.REQUEST,
        f"give the key the right to trade this {_KEYS}",
    ),
    (("40018", "40038", "22010"), "ip", Reach.KEY, f"add this machine's address to the key {_KEYS}"),
    (
        ("40013", "40022", "40023", "40024", "40026", "40031", "40710", "40760"),
        "permission",
        Reach.KEY,
        "the account is restricted: use the app or support",
    ),
    (
        ("40016", "40035", "40101", "40111"),
        "permission",
        Reach.KEY,
        "Bitget wants the account verified: log in to the site",
    ),
    (("40199",), "permission", Reach.KEY, "lead traders may not use the API: use the app"),
    (("40000", "40100", "40103", "40104"), "region", Reach.KEY, "this region is refused: run from another place"),
    (("45056",), "parameter", Reach.REQUEST, "an order of a bot or a copied trade: stop what placed it in the app"),
    (("40072", "40309", "22004", "25013"), "parameter", Reach.REQUEST, "not tradable by API: use the app"),
    (("40086", "40404", "30032"), "parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    (
        tuple("40007 40017 400172 40019 40020 40034 40102 40306 40811 40812 40813 40912 40913 43048".split())
        + tuple("48001 48002 00171 00172 25100 25200".split()),
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
        answer = payload.as_object(payload.parse(reply.body))
        code, server_ms = payload.maybe(answer, "code"), payload.number(answer, "requestTime")
    except Unreadable:
        return _by_status(reply)
    if code is None or 300 <= reply.status < 400:
        return _by_status(reply)
    said = partial(Judgement, words=f"{code} {payload.words(answer.get('msg'))}".strip(), server_ms=server_ms)
    mode = SERVED if request.signed and request.path.startswith("/api/v2/") else ""
    if code == "00000":
        taken = Answer.NOTHING_OPEN if _found_no_plan(request, answer.get("data")) else Answer.ACCEPTED
        return said(answer=taken if reply.status == 200 else Answer.AMBIGUOUS, mode=mode)
    if code == "40085":
        return said(answer=Answer.ABSENT, kind="mode", mode="unified")
    if request.path == SETTINGS and code in UNIFIED_SAYS_NO | NO_RIGHT:
        return said(answer=Answer.ACCEPTED)  # it answers the question
    if code in UNIFIED_SAYS_NO:
        return said(answer=Answer.ABSENT, kind="mode", mode="classic")
    if request.changes and (code in _EMPTY or (code in _GONE and not _is_witness(request))):
        return said(answer=Answer.NOTHING_OPEN, mode=mode)
    if code == "40812" and request.path == classic.CANCEL_PLAN:
        return said(answer=Answer.NOTHING_OPEN)  # a planType that reaches nothing; the listing decides
    if code in _CLOCK:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    if code in _AGAIN:
        after = payload.asked_to_wait(reply)
        hint = "Bitget shuts an address out for 5 minutes after 6000 requests in one" if code == "429" else ""
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_AGAIN[code] if after is None else after, hint=hint)
    if code in _NO_DEMO or (code in _NO_SYMBOL and _names_a_symbol(request)):
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _by_status(reply: Reply) -> Judgement:
    """Without a code, HTTP 400 is no refusal: nearly all of the venue's words come with it, "nothing to do" too."""
    if reply.status == 400:
        return Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words="HTTP 400")
    return payload.by_status(reply)


def _is_witness(request: Request) -> bool:
    """Whether its "nothing to cancel" proves something, so that no other words may pass for it."""
    return request.path == classic.CANCEL_ALL


def _found_no_plan(request: Request, said: object) -> bool:
    """Whether a cancel of all plan orders of a type met none: a success with two empty lists, as observed."""
    if request.path != classic.CANCEL_PLAN or b'"orderIdList"' in request.body or not isinstance(said, dict):
        return False
    return said.get("successList") == [] and said.get("failureList") == []


def _names_a_symbol(request: Request) -> bool:
    """Whether a request is about a symbol of the scope, which a product may not have, and not about named orders."""
    return bool(calls.asked(request, "symbol")) or (b'"symbol":' in request.body and b'"orderId"' not in request.body)
