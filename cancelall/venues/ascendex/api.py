"""AscendEX: its requests, and its codes as judgements."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Order, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload, signing
from cancelall.venues.ascendex.options import AscendexOptions, AscendexSecrets, Ledger
from cancelall.venues.contract import Limit

# None is documented. Support named 10 in a second to a user (https://github.com/bitmax-exchange/api-doc/issues/17);
# hummingbot sent up to 50 order calls and 100 in all for years.
LIMITS = {"cancels": Limit(count=10), "reads": Limit(count=10)}

RECENT = 1000
"""Orders in the read of what has ended lately. How many the venue keeps at hand is not documented."""

SYMBOL_CANCEL = "cancel all orders of one symbol"
RECENT_ENDS = "tell what has ended lately"
ACCOUNT_INFO = "tell the account group, and what the key may do"

# --- requests ---


def home_of(group: int, ledger: Ledger, futures_api: str = "v2") -> str:
    """Where a ledger's calls live."""
    return f"/{group}/api/pro/{futures_api if ledger == 'futures' else 'v1'}/{ledger}"


def get(
    path: str, purpose: str, query: str = "", priority: Priority = Priority.LISTING, *, signed: bool = True
) -> Request:
    """A read; symbol lists are public and go unsigned."""
    return Request(
        method="GET", path=path, query=query, signed=signed, priority=priority, bucket="reads", purpose=purpose
    )


def open_orders(home: str) -> Request:
    """All open orders of a ledger: the listing of futures documents no symbol filter."""
    return get(f"{home}/order/open", Purpose.LISTING)


def account_info() -> Request:
    """https://ascendex.github.io/ascendex-pro-api/#account-info"""
    return get("/api/pro/v1/info", ACCOUNT_INFO)


def recent_ends(home: str) -> Request:
    """What has ended lately."""
    return get(f"{home}/order/hist/current", RECENT_ENDS, f"n={RECENT}", Priority.OTHER)


def records(home: str, orders: tuple[Order, ...]) -> Request:
    """The records of orders. The comma behind the last id makes the answer a list, even of one."""
    ids = quote("".join(f"{order.id}," for order in orders))
    return get(f"{home}/order/status", Purpose.FINAL_STATES, f"orderId={ids}", Priority.OTHER)


def cancel_all(home: str, symbol: str = "") -> Request:
    """All orders of a ledger, or those of one symbol."""
    body, purpose = ({"symbol": symbol}, SYMBOL_CANCEL) if symbol else ({}, Purpose.MASS_CANCEL)
    return _delete(f"{home}/order/all", purpose, body, Priority.MASS_CANCEL)


def cancel(home: str, order: Order) -> Request:
    """One order; the venue wants the symbol, too. `time` is added when it is signed."""
    return _delete(f"{home}/order", Purpose.CANCEL, _name(order), Priority.CANCEL)


def cancel_batch(home: str, orders: tuple[Order, ...]) -> Request:
    """Several orders: they fail as a whole if one of them fails the venue's check."""
    return _delete(f"{home}/order/batch", Purpose.BATCH, {"orders": [_name(one) for one in orders]}, Priority.CANCEL)


def _name(order: Order) -> dict[str, str | None]:
    return {"orderId": order.id, "symbol": order.symbol}


def _delete(path: str, purpose: str, body: object, priority: Priority) -> Request:
    """A DELETE always has a JSON body: cancel-all had a bug without one (change log of 2021-03-03)."""
    return Request(
        method="DELETE",
        path=path,
        body=json.dumps(body, separators=(",", ":")).encode(),
        changes=True,
        priority=priority,
        bucket="cancels",
        purpose=purpose,
    )


def sign(request: Request, secrets: AscendexSecrets, options: AscendexOptions, timestamp_ms: int, widen: int) -> Signed:
    """`<timestamp>+<api-path>`. https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request

    The window is 30 s for everyone. Cancels by name carry the time in their body, too.
    """
    prehash = f"{timestamp_ms}+{api_path(request.path)}".encode()
    headers = [
        ("x-auth-key", secrets.api_key.reveal()),
        ("x-auth-timestamp", str(timestamp_ms)),
        ("x-auth-signature", signing.signature(secrets.api_secret, prehash, signing.to_base64)),
    ]
    if request.method == "GET":
        return Signed(headers=tuple(headers), body=request.body)
    # Sent as a form, cancels were refused: https://github.com/hummingbot/hummingbot/commit/83315122a0
    headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=_timed(request, timestamp_ms))


def api_path(path: str) -> str:
    """What of a path is signed: no group, and in v1 neither version nor ledger. Each page of the documents names it."""
    return re.sub(r"^/(\d+/)?api/pro/(v1/((cash|margin|futures)/)?)?", "", path)


def _timed(request: Request, timestamp_ms: int) -> bytes:
    if request.purpose not in (Purpose.CANCEL, Purpose.BATCH):
        return request.body
    body = json.loads(request.body)
    for named in body.get("orders", [body]):
        named["time"] = timestamp_ms
    return json.dumps(body, separators=(",", ":")).encode()


# --- answers ---

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

_REFUSED: dict[int, tuple[ErrorKind, Reach, str]] = {
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

_GROUPS: dict[int, ErrorKind] = {10: "parameter", 15: "parameter", 20: "auth", 30: "parameter", 31: "parameter"}
"""Error groups whose other codes refuse one call, and no more: those of group 20 that the table above lacks are about
log-ins on the site. What is of group 50 (system) or unknown may pass."""

_ASIDE = frozenset({Purpose.DISCOVERY, Purpose.QUESTION, Purpose.FINAL_STATES, RECENT_ENDS})
"""What only the report needs, and what is public: it ends nothing, whatever it is answered."""


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
    reason = answer.get("message") or answer.get("reason")
    said = partial(Judgement, message=f"{code} {payload.message(reason)}".strip())
    if code == 0:
        good = 200 <= reply.status < 300
        return said(answer=Answer.ACCEPTED) if good else said(answer=Answer.AMBIGUOUS, kind="unreadable")
    # Which code a clock that is off gets is not written down: a refused signature that speaks of time is one, too.
    if code in _CLOCK or (code == 200001 and "timestamp" in str(reason).lower()):
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock: 30 s are allowed")
    # Of a batch, one order that fails the venue's check fails the others with it: they go one by one then.
    gone = code in _GONE and request.changes and request.purpose != Purpose.BATCH
    # Where a symbol is not traded nothing is to be cancelled. The listing, which is of all symbols, decides.
    if gone or (code in _NO_SUCH_SYMBOL and request.purpose == SYMBOL_CANCEL):
        return said(answer=Answer.NOTHING_OPEN)
    if code in _NO_SUCH_PRODUCT and "/margin/" in request.path:
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _SUSPENDED:
        hint = "trading is restricted or disabled: orders may still be live, look at the site"
        return said(answer=Answer.AGAIN, kind="mode", hint=hint, suspended=request.changes)
    if code in _AMBIGUOUS or not (code in _REFUSED or code // 10_000 in _GROUPS):
        return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")
    return _refused(request, code, str(reason), said)


def _refused(request: Request, code: int, reason: str, said: Callable[..., Judgement]) -> Judgement:
    """A refusal, and how far it reaches. One that speaks of the address is about that, not about the key."""
    kind, reach, hint = _REFUSED.get(code) or (_GROUPS[code // 10_000], Reach.REQUEST, "")
    if code == 200001 and re.search(r"\bip\b", reason, re.IGNORECASE):
        hint = f"add this machine's address to the key's list, or use another key: {_KEY_PAGE}"
        kind, reach = "ip", Reach.ADDRESS
    within = Reach.REQUEST if request.purpose in _ASIDE else reach
    return said(answer=Answer.REFUSED, kind=kind, reach=within, hint=hint)
