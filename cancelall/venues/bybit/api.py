"""Bybit: its requests, pages and acknowledgements, and its codes as judgements."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import (
    Acknowledgement,
    Answer,
    Failure,
    Judgement,
    Page,
    Priority,
    Purpose,
    Reach,
    Reply,
    Request,
    Signed,
)
from cancelall.venues import payload, signing
from cancelall.venues.bybit.options import CAP, BybitOptions, BybitSecrets
from cancelall.venues.contract import Limit, parameters, query

_PER_SECOND = {
    "cancel-all": {"futures": 10, "spot": 20, "option": 1, "spread": 5},
    "cancel": {"futures": 10, "spot": 20, "option": 10, "spread": 5},
    "cancel-batch": {"futures": 10, "spot": 20, "option": 10},
    "realtime": {"futures": 50, "spot": 50, "option": 50, "spread": 50},
    "history": {"linear": 25, "inverse": 25, "spot": 25, "option": 25},
    "strategy": {"list": 50, "stop": 10},
    "query-api": {"key": 10},
}
LIMITS = {
    f"{call} {word}": Limit(count=count) for call, counts in _PER_SECOND.items() for word, count in counts.items()
}
"""https://bybit-exchange.github.io/docs/v5/rate-limit (defaults, per user and second, rolling)."""

# --- requests -------------------------------------------------------------------------------------------------------

SPREAD_MASS_CANCEL = "cancel all spread orders: its `success` is to be ignored"
NEXT_PAGE = "go on with a list: the order that a page ended with may be gone"


def post(
    path: str, bucket: str, purpose: str, body: Mapping[str, object], priority: Priority = Priority.CANCEL
) -> Request:
    """A cancel. What is not given is left out of its body."""
    text = json.dumps({key: value for key, value in body.items() if value}, separators=(",", ":")).encode()
    return Request(method="POST", path=path, body=text, changes=True, priority=priority, bucket=bucket, purpose=purpose)


def get(path: str, bucket: str, purpose: str, values: Mapping[str, str], *, signed: bool = True) -> Request:
    """A read. Its query is sorted, as Bybit's own SDK sends it; values are encoded once, empty ones left out."""
    text = query(**{key: value for key, value in sorted(values.items()) if value})
    return Request(
        method="GET", path=path, query=text, signed=signed, priority=Priority.LISTING, bucket=bucket, purpose=purpose
    )


def sign(request: Request, secrets: BybitSecrets, options: BybitOptions, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + key + window + (query or body). https://bybit-exchange.github.io/docs/v5/guide#authentication"""
    key, window = secrets.api_key.reveal(), str(options.recv_window * widen)
    prehash = f"{timestamp_ms}{key}{window}{request.query}".encode() + request.body  # one of the two is empty
    headers = [
        ("X-BAPI-API-KEY", key),
        ("X-BAPI-TIMESTAMP", str(timestamp_ms)),
        ("X-BAPI-RECV-WINDOW", window),
        ("X-BAPI-SIGN-TYPE", "2"),
        ("X-BAPI-SIGN", signing.signature(secrets.api_secret, prehash, bytes.hex)),
    ]
    if request.method != "GET":  # a GET with a body or its content type is one cause of HTTP 403
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


# --- pages ----------------------------------------------------------------------------------------------------------


def rows_of(request: Request, reply: Reply) -> tuple[list[object], Page]:
    """The rows of a page, still unread, and the page without them. Raises Unreadable where there is no list at all.

    `nextPageCursor` is set even on the last page, and may point to that page itself; an empty one is the end, and so is
    a missing or odd one on a page that is not full. An empty page with a new cursor is followed. The cursor comes
    percent-encoded and goes back as received. https://bybit-exchange.github.io/docs/v5/order/open-order
    """
    result = payload.as_object(payload.as_object(reply.json).get("result"), "result")
    rows, null = payload.null_or_list(result, "list")
    wanted = parameters(request)
    category, answered = wanted.get("category"), result.get("category")
    if category and isinstance(answered, str) and answered not in ("", category):
        return [], Page(orders=(), unsure=f"the listing is of {payload.message(answered)}, not of {category}")
    full = 0 < int(wanted.get("limit") or wanted.get("pageSize") or "0") <= len(rows)
    cursor, why = _cursor(result)
    following = None if cursor is None else _continued(request, cursor)
    if following is not None and following.query == request.query and not full:
        following = None
    return rows, Page(orders=(), next=following, unsure=why if full else "", full=full, null=null)


def _cursor(result: Mapping[str, Any]) -> tuple[str | None, str]:
    """The cursor of the next page, None at the end; and why it is none if that is not the documented end."""
    value = result.get("nextPageCursor")
    value = result.get("nextCursor") if value in (None, "") and result.get("nextCursor") is not None else value
    if value == "":
        return None, ""
    if value is None:
        return None, "the page is full and has no cursor"
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"(?:[A-Za-z0-9._~!$'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+", text):
        return None, "the cursor cannot be sent back"
    return re.sub("%..", lambda escape: escape[0].upper(), text), ""  # urllib3 would, after the signature


def _continued(request: Request, cursor: str) -> Request:
    kept = [part for part in request.query.split("&") if not part.startswith("cursor=")]
    return replace(request, query="&".join([*kept, f"cursor={cursor}"]), purpose=NEXT_PAGE)


# --- acknowledgements -----------------------------------------------------------------------------------------------


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """Ids that the venue took. `list` may be absent (documents before 2024-02-08); `success` "0" was judged before.

    A row that cannot be read names nobody, and the listing tells of it. Raises Unreadable where `list` is no list.
    """
    answer = payload.as_object(reply.json)
    result = answer.get("result")
    if not isinstance(result, dict) or result.get("list") is None:
        single = payload.usable_id(result, "orderId", "strategyId")
        return Acknowledgement(cancelled=(single,) if single else ())
    rows = payload.as_list(result["list"], "list")
    cancelled, failed, client_ids = [], [], {}
    for index, entry in enumerate(rows):
        identity = payload.usable_id(entry, "orderId")
        if identity is None:
            continue
        if client_id := payload.Row(entry).text("orderLinkId"):
            client_ids[identity] = client_id
        code, words = _outcome(answer, index) if request.purpose == Purpose.BATCH else (0, "")
        if code == 0:
            cancelled.append(identity)
        elif code is not None and code not in _GONE:  # of a finished order the listing decides
            failed.append(Failure(id=identity, reason=f"{code} {words}".strip()))
    capped = len(rows) >= CAP and request.bucket == "cancel-all futures"  # spot and options know no cap
    return Acknowledgement(cancelled=tuple(cancelled), client_ids=client_ids, failed=tuple(failed), capped=capped)


def _outcome(answer: Mapping[str, Any], index: int) -> tuple[int | None, str]:
    """Code (if readable) and words for an order: https://bybit-exchange.github.io/docs/v5/order/batch-cancel"""
    extra = answer.get("retExtInfo")
    outcomes = extra.get("list") if isinstance(extra, dict) else None
    outcome = outcomes[index] if isinstance(outcomes, list) and index < len(outcomes) else None
    if not isinstance(outcome, dict):
        return None, ""
    return payload.Row(outcome).number("code"), payload.message(outcome.get("msg"))


# --- codes ----------------------------------------------------------------------------------------------------------

_GONE = frozenset({110001, 170213, 175007, 110008, 110010, 170139, 170142, 170190, 20001, 140001}) | {
    60062,  # two meanings: it has been terminated, or it is a part of another one, which is stopped itself
    60065,
    60068,
    60074,
}
"""The order or strategy is finished or unknown: a cancel by name has nothing left to do. The listing decides."""

_AGAIN = {10006: None, 10014: 0.0, 30034: 1.0, 30035: 1.0, 130035: 1.0, 130150: 1.0, 110079: 0.5, 170212: 0.5} | {
    code: 0.5 for code in (110114, 170143, 170144, 170150, 170191, 429, 10429)
}
"""Seconds to wait; None = the limit header says."""

_AMBIGUOUS = frozenset(
    {10000, 10016, 10019, 170001, 170005, 170007, 170032, 170146, 170147, 170222, 170234, 500000}
) | {
    3100197  # an upgrade to a unified account is under way: it passes
}

_CLOCK = frozenset({10002, -1})

_ABSENT = frozenset({10028, 10020})
"""The account is no unified one: the only words for "no such product", of products that classic accounts do not have.
Of the others they say where nothing can be seen from here; and they can pass, while an account is upgraded."""

_CLASSIC_HAS = ("futures", "linear", "inverse", "spot")
"""What a classic account has, too, by the last words of the limits that its orders count against."""

_SWITCHED_OFF = frozenset({110102, 110110, 110111, 110112, 110113})
"""The account's mode has no inverse contracts, or no spread trading, now: a cancel takes nothing there, and the listing
decides. An account that cannot even list there may have orders from before."""

_KEY_PAGE = "https://www.bybit.com/app/user/api-management"
_ELSEWHERE = "what rests there can only be seen on the site; --category leaves a product out"
_LOST_PLACE = "an order of the page before has gone meanwhile: the listing begins anew"
_FORBIDDEN = "too many requests from this address (other programs count too: wait 10 minutes), or a refused region"

_Refusal = tuple[ErrorKind, Reach, str]
"""What kind it is, how far it goes, and what to do."""

_WHERE_MADE = "key and host do not match? A key works only where it was made: live, testnet, demo or a regional site"
_REGION = "this region is refused: run from another place, or use the site of your region (environment)"
_ADDRESS = f"add this machine's address to the key, the IPv6 one too: {_KEY_PAGE}; bybit.eu binds keys to applications"
_AUCTION = "a pre-market contract in its call auction cannot be cancelled now: try again after it"
_FOR_UNIFIED = "a classic account was addressed as a unified one: upgrade it, or cancel on the site"
_CLASSIC: _Refusal = ("mode", Reach.PRODUCT, _FOR_UNIFIED)
_OFF: _Refusal = ("mode", Reach.PRODUCT, f"the account's mode lacks this product; {_ELSEWHERE}")
_EXPIRED: _Refusal = ("auth", Reach.KEY, f"the key has expired: {_KEY_PAGE}")

_REFUSED: dict[int, _Refusal] = dict.fromkeys(_SWITCHED_OFF, _OFF) | {
    10001: ("parameter", Reach.REQUEST, "check the selectors of this profile"),
    10003: ("auth", Reach.KEY, _WHERE_MADE),
    10004: ("auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    10005: ("permission", Reach.PRODUCT, f"give the key the right to trade this product: {_KEY_PAGE}"),
    10007: ("auth", Reach.KEY, "check key and secret"),
    10008: ("mode", Reach.PRODUCT, "the account is banned or in another mode: log in to the site"),
    10009: ("region", Reach.PRODUCT, _REGION),
    10010: ("ip", Reach.ADDRESS, _ADDRESS),
    10017: ("parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    10018: ("ip", Reach.HOST, "stop what else calls Bybit from this address; the block lifts after 10 minutes"),
    10024: ("region", Reach.PRODUCT, "trading is restricted for compliance: use the site or support"),
    10027: ("permission", Reach.PRODUCT, "trading is banned on this account: use the site or support"),
    10029: ("permission", Reach.REQUEST, f"the symbol is not on the key's list: {_KEY_PAGE}"),
    33004: _EXPIRED,
    -2015: _EXPIRED,
    100028: ("mode", Reach.PRODUCT, f"Bybit serves this to classic accounts only; {_ELSEWHERE}"),
    110067: _CLASSIC,
    110088: _CLASSIC,
    110095: ("mode", Reach.REQUEST, _AUCTION),
    110097: ("mode", Reach.REQUEST, "pre-market contracts are for unified accounts"),
    110100: ("mode", Reach.REQUEST, "demo trading cannot cancel pre-market contracts"),
    110115: ("parameter", Reach.REQUEST, "a leg of a spread order: cancel the combination (category spread)"),
    110132: ("region", Reach.PRODUCT, f"not offered in your region; {_ELSEWHERE}"),
    170145: ("parameter", Reach.REQUEST, "Bybit does not cancel this type of order"),
    170201: ("parameter", Reach.REQUEST, "Bybit refused the order filter"),
    181014: _CLASSIC,
    182200: _CLASSIC,
}
"""https://bybit-exchange.github.io/docs/v5/error - a product, right, region, ban or mode costs its segments only; a
symbol off the key's list costs one call, as the others of that product may be on it."""


def judge(request: Request, reply: Reply) -> Judgement:
    """Bybit answers errors with HTTP 200 and a `retCode`; without one the HTTP status decides."""
    try:
        answer = payload.as_object(reply.json)
        code = payload.number(answer, "retCode" if "retCode" in answer else "ret_code")
    except Unreadable:
        return _by_status(reply)
    if code is None or 300 <= reply.status < 400:
        return _by_status(reply)
    server_ms = payload.Row(answer).number("time")
    words = _clean(payload.message(answer.get("retMsg", answer.get("ret_msg"))))
    said = partial(Judgement, message=f"{code} {words}".strip(), server_ms=server_ms)
    if code == 0:
        if reply.status != 200:
            return said(answer=Answer.AMBIGUOUS, kind="unreadable")
        failed = _failure(answer) if request.purpose == Purpose.MASS_CANCEL else None
        return said(answer=Answer.ACCEPTED) if failed is None else said(answer=Answer.AMBIGUOUS, message=failed)
    if code in _CLOCK:
        named = re.search(r"server_timestamp\[(\d{13})\]", str(answer.get("retMsg")))
        now_ms = int(named[1]) if named else server_ms
        return said(answer=Answer.CLOCK, kind="clock", server_ms=now_ms, hint="set this machine's clock")
    if code in _GONE:
        return said(answer=Answer.NOTHING_OPEN)
    if code in _AGAIN:
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_reset_after(reply, server_ms) or _AGAIN[code])
    if code in _ABSENT and request.bucket.endswith(_CLASSIC_HAS):
        return said(answer=Answer.AMBIGUOUS, kind="mode", hint=_FOR_UNIFIED)
    if code in _ABSENT or (code in _SWITCHED_OFF and request.changes):
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        lost = code == 10001 and request.purpose == NEXT_PAGE
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=_LOST_PLACE if lost else hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _failure(answer: Mapping[str, Any]) -> str | None:
    """Why a code of 0 is no success, as `success` says; "0" is a failure, its absence is not."""
    result = answer.get("result")
    success = result.get("success") if isinstance(result, dict) else None
    return None if success in (None, "", "1", 1, True) else f'success "{payload.message(str(success))}"'


def _by_status(reply: Reply) -> Judgement:
    """A gateway's word. 403 is how the block of an address comes, and the refusal of a region.

    A 404 for a valid path and account was seen, too: https://github.com/ccxt/ccxt/issues/23050
    """
    said = payload.by_status(reply)
    return replace(said, hint=_FORBIDDEN) if reply.status == 403 else said


def _reset_after(reply: Reply, server_ms: int | None) -> float | None:
    """Seconds until the limit header's reset time, which is missing on some 10006 answers."""
    reset = reply.headers.get("x-bapi-limit-reset-timestamp", "")
    if not (reset.isascii() and reset.isdigit() and len(reset) == 13) or server_ms is None:
        return None
    return min(max((int(reset) - server_ms) / 1000, 0.0), 60.0) or None


def _clean(message: str) -> str:
    """10004 repeats what was signed, and that holds the API key."""
    return re.sub(r"origin_string\[.*?(\]|$)", "origin_string[…]", message, flags=re.DOTALL)
