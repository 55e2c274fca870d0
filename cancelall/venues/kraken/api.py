"""Kraken: its requests, and its codes as judgements."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote_plus, urlencode

from cancelall.core.errors import ErrorKind, SecretError, Unreadable
from cancelall.core.model import Answer, Judgement, Order, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues import payload
from cancelall.venues.contract import Limit, Serial
from cancelall.venues.kraken.options import KrakenOptions, KrakenSecrets

LIMITS = {"counter": Limit(count=7, seconds=11.7, falls=True, lasting=3.0)}
"""The counter of a key of the lowest tier takes 15 calls, and falls by one in 3 s: 25 of them in the 30 s of a kill.
So many go here, spread over them: 7, and then 0.6 in a second. A cancel by name does not raise that counter, but one of
its pair, by the age of its order. https://docs.kraken.com/exchange/guides/rest/ratelimits
"""

SERIAL = Serial(refusals=3, lead_ms=3000)
"""https://support.kraken.com/articles/360001491786 - with too many refused nonces a key is locked out for a while."""
NANOSECONDS = 3
"""From this widening on nonces are nanoseconds, the finest unit of any client; before they are milliseconds."""

NOWHERE = "OAAAAA-AAAAA-AAAAAA"
"""An id as orders have them, which none has: it is all zeros but for its first letter."""

RESOLVED = "list open orders, in further spellings of the selected pairs"
LISTINGS = frozenset({Purpose.LISTING, RESOLVED})

# --- requests ---


def private(call: str, purpose: str, priority: Priority = Priority.OTHER, **fields: str) -> Request:
    """A signed call, for now only with its own fields: `sign` adds the nonce, and the one-time password."""
    return Request(
        method="POST",
        path=f"/0/private/{call}",
        body=urlencode(fields).encode(),
        changes=call.startswith("Cancel"),
        priority=priority,
        bucket="" if purpose in (Purpose.CANCEL, Purpose.BATCH) else "counter",
        purpose=purpose,
    )


def public(call: str, purpose: str) -> Request:
    """https://docs.kraken.com/api-reference/market-data: a read that needs no key, and counts against none."""
    return Request(
        method="GET",
        path=f"/0/public/{call}",
        signed=False,
        priority=Priority.LISTING,
        purpose=purpose,
    )


CANCEL_ALL = private("CancelAll", Purpose.MASS_CANCEL, Priority.MASS_CANCEL)
"""Every order, untriggered ones too: https://docs.kraken.com/api-reference/trading/cancel-all-orders"""


def open_orders(purpose: str = Purpose.LISTING) -> Request:
    """https://docs.kraken.com/api-reference/account-data/get-open-orders: all of them at once."""
    return private("OpenOrders", purpose, Priority.LISTING)


def cancel(order: Order) -> Request:
    """https://docs.kraken.com/api-reference/trading/cancel-order

    What it costs counts for its pair: one whose limit is reached holds up no other.
    """
    one = private("CancelOrder", Purpose.CANCEL, Priority.CANCEL, txid=order.id)
    return replace(one, bucket=f"pair:{order.symbol or ''}")


def cancel_batch(orders: tuple[Order, ...]) -> Request:
    """https://docs.kraken.com/api-reference/trading/cancel-order-batch: from 2 to 50 ids, as JSON."""
    body = json.dumps({"orders": [order.id for order in orders]}, separators=(",", ":")).encode()
    return Request(
        method="POST",
        path="/0/private/CancelOrderBatch",
        body=body,
        changes=True,
        priority=Priority.CANCEL,
        purpose=Purpose.BATCH,
    )


def sign(request: Request, secrets: KrakenSecrets, options: KrakenOptions, timestamp_ms: int, widen: int) -> Signed:
    """HMAC-SHA512 over the path and SHA-256 of nonce and body; the body holds the nonce, and the one-time password.

    https://docs.kraken.com/exchange/guides/rest/authentication. Raises SecretError where the secret is not base64.
    """
    import hashlib  # OpenSSL, 3 ms
    import hmac

    nonce = str(timestamp_ms * 1_000_000 if widen >= NANOSECONDS else timestamp_ms)
    otp = secrets.otp.reveal() if secrets.otp is not None else ""
    if request.purpose == Purpose.BATCH:
        more = {"nonce": nonce, **({"otp": otp} if otp else {})}
        body, kind = json.dumps(more, separators=(",", ":")).encode()[:-1] + b"," + request.body[1:], "application/json"
    else:
        last = f"otp={quote_plus(otp)}" if otp else ""
        body = "&".join(filter(None, (f"nonce={nonce}", request.body.decode(), last))).encode()
        kind = "application/x-www-form-urlencoded"
    message = request.path.encode() + hashlib.sha256(nonce.encode() + body).digest()
    signature = base64.b64encode(hmac.new(_key(secrets.api_secret), message, hashlib.sha512).digest()).decode()
    headers = (("API-Key", secrets.api_key.reveal()), ("API-Sign", signature), ("Content-Type", kind))
    return Signed(headers=headers, body=body)


def check_secrets(secrets: KrakenSecrets, options: KrakenOptions) -> None:
    """Offline: the secret is base64. Raises SecretError."""
    _key(secrets.api_secret)


def _key(secret: Secret) -> bytes:
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SecretError("api_secret is not base64", "paste the private key of the key pair, with its last signs")
    return key


# --- answers ---

_KEY_PAGE = "https://www.kraken.com/c/account-settings/api"
_KEY = f"key wrong or deleted, of Kraken Futures, or not allowed from this address: {_KEY_PAGE}"
_SIGNATURE = "the secret does not belong to this key, or the key has a two-factor login whose password `otp` lacks"
_RIGHTS = f"the key needs the rights to cancel and close orders and to query open ones, from this address: {_KEY_PAGE}"
_NONCE = (
    "another program uses this key with larger nonces, or this clock is behind: make a key for this command alone: "
    f"{_KEY_PAGE}"
)
_LOCKED = "locked out, mostly for a quarter of an hour: cancel in the app or on the site, and stop what uses this key"
_ACCOUNT = "the account is locked, disabled or not confirmed: use the site or support"

_AGAIN_SECONDS = 3.0
"""In which the counter of the lowest tier falls by one; who goes on at once waits for longer."""
_LOCKED_SECONDS = 8.0
"""Between tries while a key that has worked in this run is locked out."""

_Refusal = tuple[ErrorKind, Reach, str]

_REFUSED: Mapping[str, _Refusal] = {
    "eapi:invalid key": ("auth", Reach.KEY, _KEY),
    "eapi:invalid signature": ("auth", Reach.KEY, _SIGNATURE),
    "esession:invalid session": ("auth", Reach.KEY, _KEY),
    "eauth:account temporary disabled": ("auth", Reach.KEY, _ACCOUNT),
    "eauth:account unconfirmed": ("auth", Reach.KEY, _ACCOUNT),
    "etrade:user locked": ("auth", Reach.KEY, _ACCOUNT),
    "egeneral:temporary lockout": ("rate_limit", Reach.KEY, _LOCKED),
    "egeneral:permission denied": ("permission", Reach.PRODUCT, _RIGHTS),
    "eaccount:invalid permissions": ("permission", Reach.PRODUCT, _RIGHTS),
    "egeneral:invalid arguments": ("parameter", Reach.REQUEST, "report this: the request is not as documented"),
    "egeneral:unknown method": ("parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    "equery:unknown asset pair": ("parameter", Reach.REQUEST, "check the pairs of this profile"),
}
_LIMITED = frozenset(
    (
        *("eapi:rate limit exceeded", "eorder:rate limit exceeded", "eorder:domain rate limit exceeded"),
        *("egeneral:too many requests", "eauth:rate limit exceeded", "eauth:too many requests", "eservice:throttled"),
    )
)
_GONE = frozenset({"eorder:unknown order", "eorder:invalid order"})
"""Also for ids that never were: the listing decides."""
_DOWN = "eservice:unavailable"
_AMBIGUOUS = frozenset(
    (
        *(_DOWN, "eservice:busy", "eservice:timeout", "eservice:deadline elapsed", "egeneral:internal error"),
        *("edatabase:internal error", "eservice:market in cancel_only mode", "eservice:market in post_only mode"),
    )
)
_PENDING = "cancel pending"
_NONCES = "eapi:invalid nonce"
_DECISIVE = (frozenset({_NONCES}), frozenset(_REFUSED), _LIMITED, _GONE, _AMBIGUOUS)
"""Where an answer holds several errors, the first of these that has one decides."""


def judge(request: Request, reply: Reply) -> Judgement:
    """Errors come with HTTP 200, in a list, as `ECategory:text:more`; what begins with W only warns.

    https://docs.kraken.com/exchange/guides/rest/errors
    """
    try:
        answer = payload.as_object(reply.json)
        said, _ = payload.null_or_list(answer, "error")
    except Unreadable:
        return payload.by_status(reply)
    if 300 <= reply.status < 400:
        return payload.by_status(reply)
    errors = [payload.message(one) for one in said if not (isinstance(one, str) and one.startswith("W"))]
    if errors:
        return _by_code(request, reply, errors)
    if reply.status >= 300:
        return payload.by_status(reply)
    taken = answer.get("result")
    nothing = request.purpose == Purpose.MASS_CANCEL and count(taken) == 0 and not is_pending(taken)
    return Judgement(answer=Answer.NOTHING_OPEN if nothing else Answer.ACCEPTED)


def _by_code(request: Request, reply: Reply, errors: list[str]) -> Judgement:
    codes = [re.sub(r":\s+", ":", one.strip().lower()) for one in errors]
    known = (_known(code, some) for some in _DECISIVE for code in codes)
    code = next(filter(None, known), "")
    judged = partial(Judgement, message="; ".join(errors)[: payload.MESSAGE_LIMIT])
    if code == _NONCES:
        return judged(answer=Answer.CLOCK, kind="clock", hint=_NONCE)
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        after = _LOCKED_SECONDS if code == "egeneral:temporary lockout" else None
        return judged(
            answer=Answer.REFUSED, kind=kind, reach=reach if request.signed else Reach.REQUEST, hint=hint, after=after
        )
    if request.purpose == Purpose.BATCH and code in (*_LIMITED, *_GONE) and code.startswith("eorder"):
        # Of one order or of all together, and nothing says whether the others were cancelled: they go one by one.
        return judged(answer=Answer.REFUSED, kind="rate_limit" if code in _LIMITED else "parameter")
    if code in _LIMITED:
        return judged(answer=Answer.AGAIN, kind="rate_limit", after=_until(codes, reply) or _AGAIN_SECONDS)
    if request.purpose == Purpose.CANCEL and (code in _GONE or any(one.endswith(_PENDING) for one in codes)):
        return judged(answer=Answer.NOTHING_OPEN)
    down = code == _DOWN and request.changes
    return judged(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable", suspended=down)


def _known(code: str, known: frozenset[str]) -> str:
    """The code of a table that this is, whatever follows it; empty when there is none."""
    return next((one for one in known if code == one or code.startswith(f"{one}:")), "")


def _until(codes: list[str], reply: Reply) -> float | None:
    """Seconds until the moment that `EService:Throttled: <unix seconds>` names, by the answer's own clock."""
    moment = next((found[1] for code in codes if (found := re.fullmatch(r"eservice:throttled:(\d{10})", code))), None)
    if moment is None or reply.date_ms is None:
        return None
    return min(max(int(moment) - reply.date_ms / 1000, 0.5), 60.0)


def result(reply: Reply) -> Mapping[str, Any]:
    """What a good answer holds. Raises Unreadable where it is no good answer."""
    answer = payload.as_object(reply.json)
    payload.null_or_list(answer, "error")
    return payload.as_object(answer.get("result"), "result")


def count(value: object) -> int | None:
    """How many orders a cancel took; None where it does not say."""
    try:
        number = payload.number(payload.as_object(value), "count")
    except Unreadable:
        return None
    return number if number is not None and number >= 0 else None


def is_pending(value: object) -> bool:
    """Whether a cancel says that it is not done yet: clients have seen a truth value, or a list of orders."""
    return isinstance(value, dict) and value.get("pending") not in (None, False, [], "", "false")
