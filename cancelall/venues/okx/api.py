"""OKX: its requests, and its codes as judgements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload, signing
from cancelall.venues.contract import Limit, parameters, query
from cancelall.venues.okx.options import OkxOptions, OkxSecrets

PAGE = 100
"""Rows of a page, which is the most that is documented."""
_PER_TWO_SECONDS = {
    "orders": 60,
    "algo orders": 20,
    "spreads": 10,
    "batch": 300,
    "cancel": 60,
    "algos": 20,
    "advance algos": 20,
    "spread mass cancel": 10,
    "spread cancel": 20,
    "order": 60,
    "history": 40,
    "algo order": 20,
    "algo history": 20,
    "spread order": 20,
    "spread history": 20,
    "config": 5,
    "positions": 10,
    "instruments": 20,
    "bots": 20,
}
LIMITS = {name: Limit(count=count, seconds=2.0) for name, count in _PER_TWO_SECONDS.items()}
"""Per account, from each endpoint's section of https://www.okx.com/docs-v5/en/; `batch`, `cancel`, `algos` and `order`
for each instrument (of options: each family), where a batch counts once for each of its orders."""

# --- requests -------------------------------------------------------------------------------------------------------

LISTING_OF_SOME = "list orders of a kind that a site may not have"
LISTING_OF_SPREADS = "list spread orders, which an account may not have"
SPREAD_MASS_CANCEL = "cancel all spread orders, which an account may not have"
ADVANCE = "cancel algo orders by a call that may be gone"


def post(
    path: str, bucket: str, purpose: str, body: object, priority: Priority = Priority.CANCEL, cost: int = 1
) -> Request:
    """A cancel. A body must never be empty, and a batch is an array at the top."""
    return Request(
        method="POST",
        path=f"/api/v5/{path}",
        body=json.dumps(body, separators=(",", ":")).encode(),
        changes=True,
        priority=priority,
        bucket=bucket,
        cost=cost,
        purpose=purpose,
    )


def get(path: str, bucket: str, purpose: str, values: Mapping[str, str] | None = None) -> Request:
    """A read. Its parameters stand in this order, and are signed as they are sent."""
    text = query(**(values or {}))
    priority = Priority.OTHER if purpose == Purpose.FINAL_STATES else Priority.LISTING
    return Request(method="GET", path=f"/api/v5/{path}", query=text, priority=priority, bucket=bucket, purpose=purpose)


def sign(request: Request, secrets: OkxSecrets, options: OkxOptions, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + method + path and query + body. https://www.okx.com/docs-v5/en/#overview-rest-authentication

    The window is 30 s and cannot be widened.
    """
    at, text = iso(timestamp_ms), f"?{request.query}" if request.query else ""
    prehash = f"{at}{request.method}{request.path}{text}".encode() + request.body
    headers = [
        ("OK-ACCESS-KEY", secrets.api_key.reveal()),
        ("OK-ACCESS-SIGN", signing.signature(secrets.api_secret, prehash, signing.to_base64)),
        ("OK-ACCESS-TIMESTAMP", at),
        ("OK-ACCESS-PASSPHRASE", secrets.passphrase.reveal()),
    ]
    if request.method == "POST":
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def iso(timestamp_ms: int) -> str:
    """A time as ISO 8601 in UTC, with exactly three decimals. A venue's module has no calendar of the machine's.

    By years of 365.2425 days that begin in March: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    """
    days, ms = divmod(timestamp_ms, 86_400_000)
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    january = month >= 10
    date = f"{400 * era + year + january:04}-{month - 9 if january else month + 3:02}-{day:02}"
    return f"{date}T{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}Z"


def headers(environment: str) -> tuple[tuple[str, str], ...]:
    """The mark of demo trading; it is not signed."""
    return (("x-simulated-trading", "1"),) if environment.endswith("demo") else ()


# --- answers --------------------------------------------------------------------------------------------------------

GONE = frozenset(
    "51400 51401 51402 51503 51603 51416 51405 51293 51001 51027 70000 70001 70200 70207 70400 70409".split()
)
"""The order is finished, has triggered or is unknown, its instrument has expired, or nothing is open: a cancel has
nothing left to do. The listing decides."""

CANCELLING = frozenset({"51410"})
"""It is being cancelled already, or a spread order is being settled."""

_TOO_MANY = {"50011": 2.0, "50040": 2.0, "50061": 2.0}
_AGAIN = {**_TOO_MANY, "54048": 0.5, "50013": 1.0, **{str(code): 1.0 for code in range(50017, 50024)}}
"""Seconds to wait: limits count in windows of 2 s; the last ones are a liquidation under way."""

_AMBIGUOUS = frozenset("1 50001 50004 50026 50042 50046 50062 51054 51149 51412 70208".split())

_CLOCK = frozenset({"50102", "50112"})

_MODE = frozenset({"51010", "50038"})
"""The account's mode, or demo trading, has no such product."""
_ABSENT = {
    LISTING_OF_SOME: _MODE | {"51000"},
    LISTING_OF_SPREADS: _MODE,
    SPREAD_MASS_CANCEL: _MODE,
}
"""What says, of a product that accounts can lack, that this one does. A site that has no such kind of order calls its
name a wrong parameter."""

_KEYS = "on OKX's page of API keys"
_SITE = (
    "OKX knows no such key here: it was deleted, or the account is of another OKX site (environment eea, us or tr; "
    "each with keys of its own)"
)
_DEMO = "a key of demo trading needs environment demo (eea-demo, us-demo), and no other key works there"
_VERIFY = "OKX wants the account verified: log in to the site"
_BLOCKED = "the account is blocked here: log in to the site, or ask support"
_BUG = "check the selectors of this profile"
_OTHER = "the call is not served here: check base_url and environment"
_Refusals = tuple[tuple[str, ErrorKind, Reach, str], ...]
_REFUSALS: _Refusals = (
    ("50119", "auth", Reach.KEY, _SITE),
    ("50111", "auth", Reach.KEY, "check api_key; if it is right, the account may be of another OKX site"),
    ("50105 50104", "auth", Reach.KEY, "wrong passphrase: it was chosen with the key and cannot be changed"),
    ("50113 50106", "auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    ("50103 50107 50114 50108 50109", "auth", Reach.KEY, "check key, secret and passphrase"),
    ("50100", "auth", Reach.KEY, "OKX has frozen the API of this account: ask support"),
    ("50101", "environment", Reach.KEY, _DEMO),
    ("50110 50118", "ip", Reach.ADDRESS, f"add this machine's address to the key {_KEYS}"),
    ("50121", "ip", Reach.ADDRESS, "OKX refuses this address: run from another one"),
    ("50120 50030", "permission", Reach.PRODUCT, f"give the key the right to trade {_KEYS}"),
    ("50035", "permission", Reach.PRODUCT, f"bind the key to this machine's address {_KEYS}"),
    ("50041 50027 50029 50032 50033 51009 51024", "permission", Reach.PRODUCT, _BLOCKED),
    ("50007 50008 50009 50010 50012", "permission", Reach.PRODUCT, _BLOCKED),
    ("50059 50060", "permission", Reach.PRODUCT, _VERIFY),
    ("50051 50052 51155 58011", "region", Reach.PRODUCT, "refused in your country: use the site or support"),
    ("50067", "environment", Reach.PRODUCT, "the account is of another OKX site: environment eea, us or tr"),
    ("51010 51411", "mode", Reach.PRODUCT, "the account's mode has no such product: see its mode on the site"),
    ("50038", "environment", Reach.PRODUCT, "demo trading does not have this"),
    ("50053", "environment", Reach.PRODUCT, "only demo trading has this"),
    ("51404", "mode", Reach.REQUEST, "in the second phase of a call auction nothing can be cancelled: try after it"),
    ("51403 51413", "parameter", Reach.REQUEST, "this call does not cancel orders of this type"),
    ("50005 50115", "environment", Reach.REQUEST, _OTHER),
    ("50000 50002 50006 50014 50015 50016 50024 50025 51000 51002 51003 51406 51407", "parameter", Reach.REQUEST, _BUG),
)
_REFUSED = {code: (kind, reach, hint) for codes, kind, reach, hint in _REFUSALS for code in codes.split()}
"""https://www.okx.com/docs-v5/en/#error-code"""

_EDGE = "OKX's content delivery network refuses this address, or its country"


def judge(request: Request, reply: Reply) -> Judgement:
    """OKX answers errors with a `code`, whatever the HTTP status; without one the status decides.

    Codes 1 and 2 say that some or all orders of a cancel were not taken: then each row has a code of its own.
    """
    try:
        answer = payload.as_object(reply.json)
        code = payload.maybe(answer, "code")
    except Unreadable:
        return _by_status(request, reply)
    if code is None or 300 <= reply.status < 400:
        return _by_status(request, reply)
    said = partial(Judgement, message=f"{code} {payload.message(answer.get('msg'))}".strip())
    code = code.partition("_")[0]  # 51008_1000: the second number is a reason within the first
    if code == "0":
        done = reply.status == 200 and _done(request, answer)
        return said(answer=Answer.ACCEPTED) if done else said(answer=Answer.AMBIGUOUS, kind="unreadable")
    rows = _row_codes(answer) if code in ("1", "2") and request.changes else []
    if rows and reply.status == 200:
        return _by_rows(rows, said(answer=Answer.ACCEPTED))
    if code in _ABSENT.get(request.purpose, ()):
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _CLOCK:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    if code in _AGAIN:
        after = payload.retry_after(reply)
        return said(answer=Answer.AGAIN, kind=_busy(code), after=_AGAIN[code] if after is None else after)
    if no_such_instrument(request, code):
        return said(answer=Answer.ACCEPTED)
    if request.changes and (code in GONE or code in CANCELLING):
        return said(answer=Answer.NOTHING_OPEN)
    if request.purpose == ADVANCE and code in ("50005", "51000", "51403", "51413"):
        return said(answer=Answer.NOTHING_OPEN)
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def no_such_instrument(request: Request, code: str) -> bool:
    """Whether a listing of one instrument is answered that there is none of this name. The list of instruments tells
    whether that is so.
    """
    listing = request.purpose in (Purpose.LISTING, LISTING_OF_SOME, LISTING_OF_SPREADS)
    return code == "51001" and listing and not {"instId", "sprdId"}.isdisjoint(parameters(request))


def _done(request: Request, answer: Mapping[str, Any]) -> bool:
    """Whether a success is one: a mass cancel tells its result."""
    if request.purpose != SPREAD_MASS_CANCEL:
        return True
    rows = answer.get("data")
    return isinstance(rows, list) and all(isinstance(row, dict) and row.get("result") is not False for row in rows)


def _row_codes(answer: Mapping[str, Any]) -> list[str]:
    """The codes of all rows of a cancel; none unless each has one."""
    rows = answer.get("data")
    codes = [row.get("sCode") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    known = [code for code in codes if isinstance(code, str) and code]
    return known if isinstance(rows, list) and len(known) == len(rows) else []


def _busy(code: str) -> ErrorKind | None:
    return "rate_limit" if code in _TOO_MANY else None


def _by_rows(codes: list[str], said: Judgement) -> Judgement:
    """A cancel none of whose orders was taken, for the same reason: the venue is busy, or they are all gone. Any other
    tells of each order by itself.
    """
    if all(code in _AGAIN for code in codes):
        after = max(_AGAIN[code] for code in codes)
        return replace(said, answer=Answer.AGAIN, kind=_busy(codes[0]), after=after)
    return replace(said, answer=Answer.NOTHING_OPEN) if all(code in GONE for code in codes) else said


def _by_status(request: Request, reply: Reply) -> Judgement:
    """A gateway's word; that a call is gone is expected of the one that the documents do not have any more."""
    if request.purpose == ADVANCE and reply.status in (404, 410):
        return Judgement(answer=Answer.NOTHING_OPEN, message=f"HTTP {reply.status}")
    said = payload.by_status(reply)
    return replace(said, hint=_EDGE) if reply.status == 403 else said


def code_of(reply: Reply) -> str:
    """The code of the envelope. Raises Unreadable."""
    return payload.field(payload.as_object(reply.json), "code")


def rows_of(reply: Reply) -> tuple[list[Any], bool]:
    """The rows of an answer, and whether a null stands in their place. Raises Unreadable."""
    return payload.null_or_list(payload.as_object(reply.json), "data")


def first_row(reply: Reply) -> Mapping[str, Any]:
    """The only row of an answer. Raises Unreadable without one."""
    rows, _ = rows_of(reply)
    if not rows:
        raise Unreadable("data is empty")
    return payload.as_object(rows[0], "data")
