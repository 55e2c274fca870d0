"""Bitget: its requests, whichever API, and its codes as judgements."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload, signing
from cancelall.venues.bitget.options import FUTURES, BitgetOptions, BitgetSecrets
from cancelall.venues.contract import Limit, query

PAGE = 100
"""Rows of a page, which is the most that is documented."""
NAMED_GAP = 1.1
"""Seconds between two cancels of one order: code 45129 allows one in a second."""
_PER_SECOND = {
    "/api/v2/mix/order": {
        10: "cancel-all-orders batch-cancel-orders cancel-order cancel-plan-order orders-pending orders-plan-pending "
        "orders-history orders-plan-history",
    },
    "/api/v2/spot/trade": {
        5: "cancel-symbol-order batch-cancel-plan-order",
        10: "batch-cancel-order cancel-order",
        20: "cancel-plan-order unfilled-orders current-plan-order history-orders history-plan-order",
    },
    "/api/v3/trade": {
        5: "cancel-symbol-order cancel-batch",
        10: "cancel-order cancel-strategy-order",
        1: "countdown-cancel-all",
        20: "unfilled-orders unfilled-strategy-orders history-orders history-strategy-orders",
    },
    "/api": {1: "v2/spot/account/info v3/account/info", 20: "v2/public/time v3/account/settings"},
}
LIMITS = {
    f"{path}/{call}": Limit(count=count)
    for path, counts in _PER_SECOND.items()
    for count, calls in counts.items()
    for call in calls.split()
}
"""Per account and second, from each endpoint's page; endpoints count by themselves."""

# --- requests -------------------------------------------------------------------------------------------------------

WHOLE_PRODUCT = "cancel all ordinary orders of a product: only 22001 proves that there was none"
PLANS_OF_TYPE = "cancel all plan orders of a type: two empty lists are a success that met none"
PLANS_BY_NAME = "cancel plan orders by name, under the type that is theirs"
PLANS_BY_GUESS = "cancel plan orders by name, under a type that no document has"
LISTING_OF_SOME = "list strategy orders that an account may have none of"
MODE = "tell the account's mode: that it has none is an answer"


def post(path: str, purpose: str, body: object, priority: Priority = Priority.CANCEL) -> Request:
    """A cancel. The body is signed as it is sent: compact, ASCII."""
    text = json.dumps(body, separators=(",", ":")).encode()
    return Request(method="POST", path=path, body=text, changes=True, priority=priority, bucket=path, purpose=purpose)


def get(path: str, purpose: str, **values: str) -> Request:
    """A read. The query is signed as it is sent, sorted: https://www.bitget.com/api-doc/common/signature.

    Sources disagree on whether its encoded or its raw form is signed: nothing is ever put into it that has two.
    """
    text = query(**dict(sorted(values.items())))
    return Request(method="GET", path=path, query=text, priority=Priority.LISTING, bucket=path, purpose=purpose)


def public(path: str, purpose: str, **values: str) -> Request:
    """A read that needs no key."""
    return replace(get(path, purpose, **values), signed=False)


def parameter(request: Request, key: str) -> str:
    """A parameter of a read; empty if it has none of this name."""
    return dict(parse_qsl(request.query)).get(key, "")


def account_mode() -> Request:
    """https://www.bitget.com/api-doc/uta/account/Get-Account-Setting: a classic account has none."""
    return get("/api/v3/account/settings", MODE)


def whole_product(product: str, coin: str | None) -> Request:
    """The cancel of all ordinary orders. It is said to ignore a symbol, and never gets one."""
    return post("/api/v2/mix/order/cancel-all-orders", WHOLE_PRODUCT, of_product(product, coin), Priority.MASS_CANCEL)


def of_product(product: str, coin: str | None) -> dict[str, str]:
    """What narrows a cancel of futures."""
    return {"productType": product, **({"marginCoin": coin} if coin else {})}


def strategies(category: str, type_: str) -> Request:
    """A listing of strategy orders, of one type or of whatever there is.

    TP/SL of futures is what the documents have: a refusal of that, or of futures without a type, is a refusal.
    """
    surely = category in FUTURES and type_ in ("", "tpsl")
    purpose = Purpose.LISTING if surely else LISTING_OF_SOME
    path = "/api/v3/trade/unfilled-strategy-orders"
    return get(path, purpose, category=category, **({"type": type_} if type_ else {}))


def sign(request: Request, secrets: BitgetSecrets, options: BitgetOptions, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + method + path and query + body. https://www.bitget.com/api-doc/common/signature

    The window is 30 s and cannot be widened. Without `locale` the venue's messages are Chinese.
    """
    query = f"?{request.query}" if request.query else ""
    prehash = f"{timestamp_ms}{request.method}{request.path}{query}".encode() + request.body
    headers = [
        ("ACCESS-KEY", secrets.api_key.reveal()),
        ("ACCESS-SIGN", signing.signature(secrets.api_secret, prehash, signing.to_base64)),
        ("ACCESS-TIMESTAMP", str(timestamp_ms)),
        ("ACCESS-PASSPHRASE", secrets.passphrase.reveal()),
        ("locale", "en-US"),
    ]
    if request.method == "POST":
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def headers(environment: str) -> tuple[tuple[str, str], ...]:
    """The mark of demo trading; it is not signed. https://www.bitget.com/api-doc/common/demotrading/restapi"""
    return (("paptrading", "1"),) if environment == "demo" else ()


# --- answers --------------------------------------------------------------------------------------------------------

SERVED = "served by the classic API"
"""The account's mode, as far as an answer of that API tells it."""

UNIFIED_SAYS_NO = frozenset({"40084", "25245"})
NO_RIGHT = frozenset({"40014", "40025", "40040", "25620"})
NO_SUCH_TYPE = frozenset({"25200", "25002", "25240"})
"""What an account may answer to a type, or a category, that it has no strategies of."""

_EMPTY = frozenset({"22001", "43004", "31054", "25578"})
"""Nothing to cancel."""

_GONE = frozenset(
    "43001 43020 43025 43033 40109 40768 40819 45031 45055 45057 31007 50062 80011".split()
    + "24056 25204 25575 25576 25577 25597".split()
)
"""The order is finished or unknown: a cancel by name has nothing left to do. The listing decides."""

_AGAIN = {"429": 1.0, "25004": 1.0, "45129": NAMED_GAP, "25113": 1.0} | {
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

_REACHES_NONE = {PLANS_OF_TYPE: _NO_WORD, PLANS_BY_GUESS: _NO_WORD, PLANS_BY_NAME: frozenset({"40812"})}
"""Refusals of a `planType` that reaches nothing: the listing decides, other words and cancels by name go on."""

_ANSWERS = {MODE: UNIFIED_SAYS_NO | NO_RIGHT, LISTING_OF_SOME: NO_SUCH_TYPE}
"""Refusals that answer the question."""

_KEYS = "on Bitget's page of API keys"
_RESTRICTED = "40013 40022 40023 40024 40026 40031 40710 40760 40916"
_UNFIT = "40007 40017 400172 40019 40020 40306 40811 40812 40813 40912 40913 43048 48001 48002 00171 00172"
_DEMO = "demo trading does not have this: narrow the profile by product_type, or use a key of live trading"
_OTHER_PRODUCT = "is the symbol one of this product? name the product with product_type"

_REFUSALS: tuple[tuple[str, ErrorKind, Reach, str], ...] = (
    ("40006 40037 40041", "auth", Reach.KEY, "wrong or deleted key, or a demo key without environment demo"),
    ("40009", "auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    ("40012 40036", "auth", Reach.KEY, "wrong passphrase: it was chosen with the key and cannot be changed"),
    ("40001 40002 40003 40011", "auth", Reach.KEY, "check key, secret and passphrase"),
    ("40099", "environment", Reach.KEY, "a demo key needs environment demo, and no other key works there"),
    ("40018 40038 22010 49003", "ip", Reach.ADDRESS, f"add this machine's address to the key {_KEYS}"),
    ("40014 40025 40040 25620", "permission", Reach.PRODUCT, f"give the key the right to trade this {_KEYS}"),
    (_RESTRICTED, "permission", Reach.PRODUCT, "the account is restricted here: use the app or support"),
    ("40016 40035 40101 40111", "permission", Reach.PRODUCT, "Bitget wants the account verified: log in to the site"),
    ("40199", "permission", Reach.PRODUCT, "lead traders may not use the API here: use the app"),
    ("40000 40100 40103 40104", "region", Reach.PRODUCT, "this region is refused: run from another place"),
    ("40081 40105 40110 22030", "environment", Reach.PRODUCT, _DEMO),
    ("45056", "parameter", Reach.REQUEST, "an order of a bot or a copied trade: stop what placed it in the app"),
    ("40072 40309 22004 25013", "parameter", Reach.REQUEST, "not tradable by API: use the app"),
    ("40086 40404 30032", "parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    ("40034 40102 25100", "parameter", Reach.REQUEST, _OTHER_PRODUCT),
    (_UNFIT, "parameter", Reach.REQUEST, "check the selectors of this profile"),
    ("25002 25200 25240", "parameter", Reach.REQUEST, "check the selectors of this profile"),
)
_REFUSED = {code: (kind, reach, hint) for codes, kind, reach, hint in _REFUSALS for code in codes.split()}
"""https://www.bitget.com/api-doc/contract/error-code/restapi and .../uta/error-code/restapi; some from clients only."""


def judge(request: Request, reply: Reply) -> Judgement:
    """Bitget answers errors with HTTP 400 or 200 and a `code`; without one the HTTP status decides, but that 400 is no
    refusal: nearly all of the venue's words come with it, "nothing to do" too.
    """
    try:
        answer = payload.as_object(reply.json)
        code, server_ms = payload.maybe(answer, "code"), payload.Row(answer).number("requestTime")
    except Unreadable:
        return payload.by_status(reply, unclear=400)
    if code is None or 300 <= reply.status < 400:
        return payload.by_status(reply, unclear=400)
    said = partial(Judgement, message=f"{code} {payload.message(answer.get('msg'))}".strip(), server_ms=server_ms)
    mode = SERVED if request.signed and request.path.startswith("/api/v2/") else ""
    if code == "00000":
        none = request.purpose == PLANS_OF_TYPE and took_nothing(reply)
        taken = Answer.NOTHING_OPEN if none else Answer.ACCEPTED
        return said(answer=taken if reply.status == 200 else Answer.AMBIGUOUS, mode=mode)
    if code == "40085":
        return said(answer=Answer.ABSENT, kind="mode", mode="unified")
    if code in _ANSWERS.get(request.purpose, ()):
        return said(answer=Answer.ACCEPTED)
    if code in UNIFIED_SAYS_NO:
        return said(answer=Answer.ABSENT, kind="mode", mode="classic")
    if request.changes and (code in _EMPTY or (code in _GONE and request.purpose != WHOLE_PRODUCT)):
        return said(answer=Answer.NOTHING_OPEN, mode=mode)
    if code in _REACHES_NONE.get(request.purpose, ()):
        return said(answer=Answer.NOTHING_OPEN)
    if code in _CLOCK:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    if code in _AGAIN:
        after = payload.retry_after(reply)
        hint = "Bitget shuts an address out for 5 minutes after 6000 requests in one" if code == "429" else ""
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_AGAIN[code] if after is None else after, hint=hint)
    if code in _NO_PRODUCT:
        return said(answer=Answer.ABSENT, kind="mode", hint="a copy-trading account does not have this product")
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def code_of(reply: Reply) -> str:
    """The code of the envelope. Raises Unreadable."""
    return payload.field(payload.as_object(reply.json), "code")


def data(reply: Reply) -> Any:  # whatever JSON the venue put there
    """The payload of the envelope; None where the venue sent null."""
    answer = payload.as_object(reply.json)
    if "data" not in answer:
        raise Unreadable("data is missing")
    return answer["data"]


def took_nothing(reply: Reply) -> bool:
    """Whether a cancel is a success with two empty lists: no order was cancelled, and none was there to fail.

    Two such answers of `cancel-all-orders`, a gap apart and with empty listings, would be as good as code 22001.
    """
    said = data(reply)
    return isinstance(said, dict) and said.get("successList") == [] and said.get("failureList") == []
