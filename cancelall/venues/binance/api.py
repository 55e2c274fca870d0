"""Binance: its requests, on whichever host, and its codes as judgements."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import quote

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload, signing
from cancelall.venues.binance.options import BinanceOptions, BinanceSecrets
from cancelall.venues.contract import Limit, query

WEIGHTS = {"api": 6000, "sapi": 12_000, "futures": 2400, "eapi": 2400, "papi": 6000}
"""Weight per minute and IP address. That of /sapi is one of each endpoint: here all of them share it."""
LIMIT_OF = {"": "api", "sapi": "sapi", "fapi": "futures", "dapi": "futures", "eapi": "eapi", "papi": "papi"}
"""USD-M and COIN-M have shared one limit since 2026-06-30 ("Important CM-UM Integration Notice", A.3)."""
FURTHER_LIMITS = {host: (name, Limit(count=WEIGHTS[name], seconds=60.0)) for host, name in LIMIT_OF.items() if host}
ADDRESS_LIMIT = Limit(count=WEIGHTS["api"], seconds=60.0)
LIMITS = {name: Limit(count=1000) for name in WEIGHTS}
"""Raw requests: 300,000 in 5 minutes on spot. Cancels count against no limit of orders."""
_KEPT_BACK = 100
"""Weight that is left of a minute when no cancel by name goes any more: it is for mass cancels and a listing, and for
what is under way. Most cancels by name have a weight of 1: what others use up behind this address holds few of them up.
"""

_WEIGHTS = """
    80 GET /api/v3/openOrders
    40 GET /fapi/v1/openOrders /fapi/v1/openAlgoOrders /dapi/v1/openOrders /dapi/v1/openAlgoOrders
    40 GET /eapi/v1/openOrders
    40 GET /papi/v1/um/openOrders /papi/v1/um/algo/openAlgoOrders
    40 GET /papi/v1/cm/openOrders /papi/v1/cm/conditional/openOrders
    20 GET /api/v3/account /dapi/v1/allOrders /papi/v1/cm/allOrders
    10 GET /sapi/v1/margin/openOrders /sapi/v1/margin/openOrderList /sapi/v1/margin/isolated/account
    10 GET /sapi/v1/margin/order
    10 DELETE /sapi/v1/margin/order
    10 POST /fapi/v1/countdownCancelAll /dapi/v1/countdownCancelAll
    6 GET /api/v3/openOrderList
    5 GET /fapi/v3/positionRisk /eapi/v1/position /papi/v1/um/positionRisk
    5 GET /fapi/v1/allOrders /fapi/v1/allAlgoOrders /dapi/v1/allAlgoOrders
    5 GET /papi/v1/um/allOrders /papi/v1/um/algo/allAlgoOrders
    5 GET /papi/v1/margin/openOrders /papi/v1/margin/openOrderList
    5 DELETE /eapi/v1/allOpenOrdersByUnderlying /papi/v1/margin/allOpenOrders
    4 GET /api/v3/order /api/v3/ticker/price
    3 GET /eapi/v1/historyOrders
    2 DELETE /papi/v1/margin/order
"""
_COSTS = {
    f"{method} {path}": int(weight)
    for weight, method, *paths in map(str.split, _WEIGHTS.strip().splitlines())
    for path in paths
}
"""Weights of calls without a symbol; every other call has 1. From the pages of the endpoints."""


def cost(request: Request) -> int:
    """The weight of a request."""
    return _COSTS.get(f"{request.method} {request.path}", 1)


# --- requests -------------------------------------------------------------------------------------------------------

MODE = "tell what the account was opened for: demo trading, which has no such call, says so"
PAIRS = "list the pairs that have an isolated margin account: that there is none is an answer"
PARENTS = "list TWAP and VP orders"
_OBJECTS = frozenset(
    {
        *(Purpose.CANCEL, Purpose.FINAL_STATES, Purpose.DISCOVERY, Purpose.QUESTION, Purpose.ARM, Purpose.DISARM),
        *(MODE, PAIRS, PARENTS, "list positions"),
    }
)
"""What is answered by an object without a code."""


def _request(method: str, path: str, purpose: str, priority: Priority, values: Mapping[str, str]) -> Request:
    host = path.split("/")[1].removeprefix("api")  # spot is on the first
    return Request(
        method=method,
        path=path,
        query=query(**values),
        changes=method != "GET",
        priority=priority,
        bucket=LIMIT_OF[host],
        host=host,
        purpose=purpose,
    )


def delete(path: str, purpose: str, values: Mapping[str, str], priority: Priority = Priority.CANCEL) -> Request:
    """A cancel. Everything stands in the query, which is percent-encoded before it is signed."""
    return _request("DELETE", path, purpose, priority, values)


def get(
    path: str, purpose: str, values: Mapping[str, str] | None = None, priority: Priority = Priority.LISTING
) -> Request:
    """A read."""
    return _request("GET", path, purpose, priority, values or {})


def post(path: str, purpose: str, values: Mapping[str, str]) -> Request:
    """A change that is no cancel; it stands in the query, too."""
    return _request("POST", path, purpose, Priority.OTHER, values)


def sign(request: Request, secrets: BinanceSecrets, options: BinanceOptions, timestamp_ms: int, widen: int) -> Signed:
    """The query as it is sent; `signature` is its last parameter. Neither method nor path nor host is signed.

    https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security - HMAC in hex, RSA (PKCS#1 v1.5,
    SHA-256) and Ed25519 in base64. Options want the window below 60,000 ms.
    """
    window = min(options.recv_window * widen, 59_999)
    signed = "&".join(filter(None, (request.query, f"recvWindow={window}", f"timestamp={timestamp_ms}")))
    signature = quote(signing.any_signature(secrets.api_secret, signed.encode()), safe="")
    headers = (("X-MBX-APIKEY", secrets.api_key.reveal()),)
    return Signed(headers=headers, body=request.body, query=f"{signed}&signature={signature}")


# --- codes ----------------------------------------------------------------------------------------------------------

_AGAIN = frozenset({-1003, -1008, -1015, -5041, -1016, -2012, -3044, -4117, 239999})
"""Too many, busy, in maintenance, or a stop that is triggering right now. -1008 spares cancels."""
_SURELY_FAILED = ("Service Unavailable.", "Internal error; unable to process your request.")
"""Words of a 503 that certainly did nothing."""
_AMBIGUOUS = frozenset({-1000, -1001, -1006, -1007})
_CLOCK = frozenset({-1021, -5028, -4188, -1131})
_GONE = frozenset({-2011, -20124})
"""Nothing open, or the order is unknown, or it is in another wallet: the listing decides."""
NO_SUCH_CALL = -5000
_MAY_LACK = (MODE, Purpose.DISCOVERY)
"""Reads that an environment may not have: that is an answer."""
NO_PAIRS = frozenset({-3003, -11001, NO_SUCH_CALL})
_ABSENT = {-3003: "sapi", -11001: "sapi", -21001: "papi"}
"""No cross, no isolated margin account, no portfolio margin, each said by its own host: elsewhere it says nothing."""

_KEY_PAGE = "https://www.binance.com/en/my/settings/api-management"
_ANY = f"wrong key or environment, an address off the key's list, or a right that it lacks: {_KEY_PAGE}"
_NO_CANCELS = "may not place or cancel orders"
_RESTRICTED = "Binance does not serve this place: run from another one"
_LOCKED = "the account is restricted: use the site or support"
_UNFIT = "check the selectors of this profile"
_GIVEN_UP = "the venue has no such call (any more): use the site, and look for a newer version"

_REFUSALS: tuple[tuple[str, ErrorKind, Reach, str], ...] = (
    ("-2008 -2014", "auth", Reach.KEY, f"no such key: live, testnet and demo have keys of their own: {_KEY_PAGE}"),
    ("-2017", "permission", Reach.KEY, f"the keys of this account are locked: {_KEY_PAGE}"),
    (
        "-1022",
        "auth",
        Reach.PRODUCT,
        "the secret does not belong to this key, or this product takes no such kind of key",
    ),
    ("-2015", "auth", Reach.PRODUCT, _ANY),
    ("-1002 -1099", "permission", Reach.PRODUCT, _ANY),
    ("-1011 -1005", "ip", Reach.ADDRESS, f"add this machine's address to the key: {_KEY_PAGE}"),
    ("-1109 -4109 -4056 -4057", "permission", Reach.PRODUCT, _LOCKED),
    ("-5000", "mode", Reach.PRODUCT, _GIVEN_UP),
    ("-4402 200003903", "region", Reach.PRODUCT, _RESTRICTED),
    ("-1102 -1104 -1121 -1128 -1130 -4032 -4120 -4080", "parameter", Reach.REQUEST, _UNFIT),
)
_REFUSED = {int(code): (kind, reach, hint) for codes, kind, reach, hint in _REFUSALS for code in codes.split()}
"""https://developers.binance.com/docs/binance-spot-api-docs/errors and the error pages of each product. A code of a
key, an address or a right may be said by one product alone, whose right the key lacks: it ends that product."""


def judge(request: Request, reply: Reply) -> Judgement:
    """The HTTP status comes first: a 451 carries the code 0, which is the success of options."""
    try:
        answer = reply.json
        code = payload.number(answer, "code") if isinstance(answer, dict) else None
        words = payload.message(answer.get("msg")) if isinstance(answer, dict) else ""
    except Unreadable:
        return payload.by_status(reply)
    if reply.status == 200 and code in (None, 0, 200):
        return _good(request, answer, code, reply)
    if code is None or 300 <= reply.status < 400:
        return payload.by_status(reply)
    said = partial(Judgement, message=f"{code} {words}".strip())
    if reply.status == 451:
        return said(answer=Answer.REFUSED, kind="region", reach=Reach.PRODUCT, hint=_RESTRICTED)
    if reply.status == 418 or (code == -1003 and "banned until" in words):
        hint = "this address is banned for minutes to days: stop what else calls Binance from it"
        return said(answer=Answer.REFUSED, kind="ip", reach=Reach.HOST, hint=hint)
    if reply.status == 429 or code in _AGAIN or any(words.startswith(one) for one in _SURELY_FAILED):
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_after(reply, code))
    if _NO_CANCELS in words:
        return said(answer=Answer.REFUSED, kind="permission", reach=Reach.PRODUCT, hint=_LOCKED)
    if (request.purpose == PAIRS and code in NO_PAIRS) or (request.purpose in _MAY_LACK and code == NO_SUCH_CALL):
        return said(answer=Answer.ACCEPTED)
    if code in _GONE and request.changes:
        return said(answer=Answer.NOTHING_OPEN)
    if code in (-2013, -2026) and request.purpose == Purpose.FINAL_STATES:  # unknown by now, or archived
        return said(answer=Answer.NOTHING_OPEN)
    if code == -1121 and "isIsolated" in request.query:
        return said(answer=Answer.ABSENT, kind="mode")  # there is no such pair
    if code == -1121 and request.purpose == Purpose.MASS_CANCEL:
        return said(answer=Answer.NOTHING_OPEN)  # this product has no such symbol, so that nothing rests there
    if code in _CLOCK:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    # A listing that is no call (any more) may have been given up for another one, while its orders are still there.
    lacking = _ABSENT.get(code) == request.host or (code == NO_SUCH_CALL and request.changes)
    if lacking and reply.status < 500:
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _REFUSED and reply.status < 500:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _good(request: Request, answer: object, code: int | None, reply: Reply) -> Judgement:
    """A good answer is a list, an object of what is expected, or says so by its code."""
    if isinstance(answer, list) or code is not None or (isinstance(answer, dict) and request.purpose in _OBJECTS):
        return Judgement(answer=Answer.ACCEPTED, hold=_hold(request, reply))
    return payload.by_status(reply)


def _hold(request: Request, reply: Reply) -> float | None:
    """Seconds for which cancels by name wait, once this address has used up most of the weight of a minute."""
    used = next((value for name, value in reply.headers.items() if name.startswith("x-mbx-used-weight-1m")), "")
    most = WEIGHTS[LIMIT_OF[request.host]] - _KEPT_BACK
    full = used.isascii() and used.isdigit() and len(used) < 9 and int(used) >= most
    return _rest_of_a_minute(reply) if full else None


def _after(reply: Reply, code: int) -> float:
    """Seconds to wait: what the header says; else, where the weight is used up, the rest of the minute."""
    after = payload.retry_after(reply)
    if after is not None:
        return after
    return _rest_of_a_minute(reply) if reply.status == 429 and code == -1003 else 1.0


def _rest_of_a_minute(reply: Reply) -> float:
    return 60.0 - ((reply.date_ms or 0) // 1000) % 60 if reply.date_ms is not None else 10.0
