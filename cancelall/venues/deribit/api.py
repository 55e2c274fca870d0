"""Deribit: its requests, its cancels' reports, and its codes as judgements."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import ErrorKind, SecretError, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload, signing
from cancelall.venues.contract import Limit, query
from cancelall.venues.deribit.options import DeribitOptions, DeribitSecrets

LIMITS = {
    "cancel all": Limit(count=250, seconds=1.25),
    "matching": Limit(count=16, seconds=4.0),
    "quotes": Limit(count=1),
    "reads": Limit(count=100, seconds=5.0),
    "instruments": Limit(count=20, seconds=20.0),
}
"""Bursts, and the time in which they are full again, of the lowest tier: https://docs.deribit.com/articles/rate-limits

Trading is 20 at once and 5 a second, one of them kept for mass quotes: their cancel waits for none by name. Other mass
cancels count as trading: whether they have the limit of `cancel_all` is not said."""

QUOTES = "cancel all quotes"
INSTRUMENT_CANCEL = "cancel all orders of one instrument"
TRIGGER_ENDS = "tell how trigger orders ended"
LOGIN = "log in, and tell what the key may do"
_MASS = frozenset({Purpose.MASS_CANCEL, INSTRUMENT_CANCEL, QUOTES})


@dataclass(frozen=True, kw_only=True)
class DeribitRequest(Request):
    """A request, and which environment its answer has to come from."""

    testnet: bool | None = None
    """None: any."""


def get(
    method: str, purpose: str, testnet: bool | None, values: Mapping[str, str] | None = None, bucket: str = "reads"
) -> DeribitRequest:
    """A read. The method is the path; public ones are not signed; empty values are left out."""
    return DeribitRequest(
        method="GET",
        path=f"/api/v2/{method}",
        query=query(**{key: value for key, value in (values or {}).items() if value}),
        signed=method.startswith("private/"),
        priority=Priority.LISTING if purpose == Purpose.LISTING else Priority.OTHER,
        bucket=bucket,
        purpose=purpose,
        testnet=testnet,
    )


def cancelling(
    method: str, purpose: str, testnet: bool, values: Mapping[str, str], bucket: str = "matching"
) -> DeribitRequest:
    """A cancel. It is a GET, too, as in the documents' own examples; a mass cancel's answer is a detailed one."""
    named = purpose == Purpose.CANCEL
    read = get(f"private/{method}", purpose, testnet, values if named else {**values, "detailed": "true"}, bucket)
    return replace(read, changes=True, priority=Priority.CANCEL if named else Priority.MASS_CANCEL)


def sign(request: Request, secrets: DeribitSecrets, options: DeribitOptions, timestamp_ms: int, widen: int) -> Signed:
    """A signature with a fresh nonce, which is the only chance in it. Raises SecretError for a PEM key."""
    check_secrets(secrets, options)
    if request.purpose == LOGIN:
        body = login_body(secrets, timestamp_ms, signing.nonce())
        return Signed(headers=(("Content-Type", "application/json"),), body=body)
    header = authorization(request, secrets, timestamp_ms, signing.nonce())
    return Signed(headers=(("Authorization", header),), body=request.body)


def authorization(request: Request, secrets: DeribitSecrets, timestamp_ms: int, nonce: str) -> str:
    """The header of a signed request. https://docs.deribit.com/articles/authentication#deribit-signature-credentials"""
    prehash = f"{timestamp_ms}\n{nonce}\n{request.method}\n{request.target}\n".encode() + request.body + b"\n"
    signature = signing.signature(secrets.client_secret, prehash, bytes.hex)
    return f"deri-hmac-sha256 id={secrets.client_id.reveal()},ts={timestamp_ms},sig={signature},nonce={nonce}"


def login_body(secrets: DeribitSecrets, timestamp_ms: int, nonce: str) -> bytes:
    """The body of a log-in by signature. https://docs.deribit.com/api-reference/authentication/public-auth"""
    params = {
        "grant_type": "client_signature",
        "client_id": secrets.client_id.reveal(),
        "timestamp": timestamp_ms,
        "nonce": nonce,
        "data": "",
        "signature": signing.signature(secrets.client_secret, f"{timestamp_ms}\n{nonce}\n".encode(), bytes.hex),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "public/auth", "params": params}
    return json.dumps(body, separators=(",", ":")).encode()


def check_secrets(secrets: DeribitSecrets, options: DeribitOptions) -> None:
    """Raises SecretError for an asymmetric key: https://docs.deribit.com/articles/asymmetric-api-keys"""
    if "PRIVATE KEY" in secrets.client_secret.reveal():
        raise SecretError(
            "client_secret is a PEM private key: for such keys Deribit documents no signature of single requests",
            f"make a key whose secret Deribit generates: {KEY_PAGE}",
        )


# --- what a cancel reports ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CancelReport:
    """What an accepted mass cancel says."""

    cancelled: tuple[Mapping[str, Any], ...] = ()
    """The orders that it took, each with a usable id."""
    count: int | None = None
    """How many it took, where it names none."""
    ended: int = 0
    """Orders in it that have filled or were rejected meanwhile."""
    errors: tuple[tuple[int | None, str], ...] = ()
    """Codes and words of what was not cancelled."""

    @property
    def took(self) -> bool:
        """Whether there was anything to cancel."""
        return bool(self.cancelled or self.count or self.ended)


def report(reply: Reply) -> CancelReport:
    """A number; or for each instrument, type and currency what was cancelled, or an error; or each order by itself.

    Nothing to cancel is an empty list; null names nothing, and says nothing. Raises Unreadable for another shape.
    https://docs.deribit.com/articles/json-rpc-overview#detailed-response-for-cancel-methods
    """
    result = payload.as_object(reply.json).get("result", ...)
    if result is None:
        return CancelReport()
    if not isinstance(result, list):
        number = re.fullmatch(r"(\d{1,9})(\.0+)?", str(result)) if not isinstance(result, bool) else None
        if number is None:
            raise Unreadable("result is neither a number nor a list")
        return CancelReport(count=int(number[1]))
    cancelled: list[Mapping[str, Any]] = []
    errors: list[tuple[int | None, str]] = []
    ended = 0
    for entry in result:
        group = entry if isinstance(entry, dict) else {}
        if (error := group.get("error")) is not None:
            code, words = _error(error)
            part = " ".join(filter(None, (payload.message(group.get(key)) for key in ("type", "currency"))))
            errors.append((code, f"{words} ({part})" if part else words))
            continue
        orders = group["result"] if isinstance(group.get("result"), list) else [group.get("order", entry)]
        for order in orders:
            if not isinstance(order, dict) or payload.usable_id(order, "order_id") is None:
                errors.append((None, "a part of the answer names no order"))
            elif is_over(order):
                ended += 1
            else:
                cancelled.append(order)
    return CancelReport(cancelled=tuple(cancelled), ended=ended, errors=tuple(errors))


def is_over(order: object) -> bool:
    """Whether an order in an answer to a cancel has filled, or was rejected. A cancelled trigger order is shown in its
    old state, so no other state says anything.
    """
    return payload.Row(order).text("order_state") in ("filled", "rejected")


# --- codes ----------------------------------------------------------------------------------------------------------

KEY_PAGE = "https://www.deribit.com/account/BTC/api"

_GONE = frozenset({11044, 10010, 11008, 10004})
"""The order is closed, filled or unknown: a cancel has nothing left to do. The listing decides."""

_NO_INSTRUMENT = frozenset({10020, 13020})
_LIMITED = {10028: 0.1, 10047: 0.5, 10066: 0.5, 12003: 2.0, 12998: 2.0, 13780: 1.0}
_AGAIN = {10040: 0.25, 10041: 1.0, 10012: 1.0, 11051: 2.0, 13025: 1.0, 13028: 0.5, 13036: 0.5, 13503: 1.0}
"""Seconds to wait, unless the answer says how many. 10041: a settlement, every day at 08:00 UTC, lasts seconds."""

_AMBIGUOUS = frozenset({10001, 10072, 11030, 11031, 11056, 11094, 13008, 13019, 13666, 13888})
_PERHAPS_CLOCK = frozenset({13009, 13004, 10000})
_MISTAKES = (
    *(-32602, -32601, -32600, -32700, -32000, 10020, 10025, 10029, 10030, 10031, 11029, 11043, 11047, 11049, 11050),
    *(13010, 13016, 13018, 13020),
)
_WRONG_KEY = f"check client_id and client_secret; a key works in its own environment only: {KEY_PAGE}"
_SCOPE = f"give the key the scope trade:read_write: {KEY_PAGE}"
_SITE = "look at the account on the site"

_REFUSED: dict[int, tuple[ErrorKind, Reach, str]] = {
    **dict.fromkeys((13004, 13009, 10000, 13007, 9999), ("auth", Reach.KEY, _WRONG_KEY)),
    **dict.fromkeys((13021, 11042, 13403), ("permission", Reach.PRODUCT, _SCOPE)),
    **dict.fromkeys((13012, 13031, 13668, 13904), ("permission", Reach.PRODUCT, _SITE)),
    **dict.fromkeys((11098, 10019, 13001, 13002), ("mode", Reach.PRODUCT, _SITE)),
    **dict.fromkeys((13040, 13902, 10033, 10048), ("mode", Reach.REQUEST, "the account has no such call")),
    10045: ("mode", Reach.REQUEST, "an order of the venue's own liquidation: it cannot be cancelled"),
    12005: ("region", Reach.PRODUCT, "this region is refused: run from another place"),
    **dict.fromkeys(_MISTAKES, ("parameter", Reach.REQUEST, "check the selectors of this profile")),
}
"""https://docs.deribit.com/articles/errors, "Complete RPC Error Codes Reference". A key without the scope, a locked
account, a banned region may have orders; a wrong parameter costs one call."""

_ASIDE = frozenset({Purpose.QUESTION, Purpose.DISCOVERY, Purpose.FINAL_STATES, TRIGGER_ENDS})
"""What only the report needs, or has a scope of its own: it ends nothing, whatever it is answered."""


def judge(request: Request, reply: Reply) -> Judgement:
    """By the environment, then by the code of an error, whatever the HTTP status: https://docs.deribit.com/articles/errors"""
    try:
        answer = payload.as_object(reply.json)
    except Unreadable:
        return payload.by_status(reply)
    error = answer.get("error")
    code, words = _error(error)
    if 300 <= reply.status < 400 or (code is None and (error is not None or "result" not in answer)):
        return payload.by_status(reply)
    expected = request.testnet if isinstance(request, DeribitRequest) else None
    if isinstance(actual := answer.get("testnet"), bool) and expected is not None and actual is not expected:
        of = {True: "testnet", False: "live"}
        return Judgement(
            answer=Answer.REFUSED,
            kind="environment",
            reach=Reach.KEY,
            message=f"the answer comes from {of[actual]}, this profile is {of[expected]}",
            hint="correct environment or base_url of this profile",
        )
    out = payload.Row(answer).number("usOut")  # in microseconds
    said = partial(Judgement, message=words, server_ms=None if out is None else out // 1000)
    if code is not None:
        return _judge_code(request, code, error, said)
    if reply.status != 200:
        return said(answer=Answer.AMBIGUOUS, kind="unreadable", message=f"HTTP {reply.status}")
    return _judge_result(request, reply, answer.get("result"), said)


def _judge_result(request: Request, reply: Reply, result: object, said: Callable[..., Judgement]) -> Judgement:
    """What a good answer comes to. A mass cancel says that nothing was open by naming nothing."""
    if isinstance(result, dict) and result.get("security_key_authorization_required") is True:
        hint = "the account wants a second factor for this call: use a key that needs none"
        return said(answer=Answer.REFUSED, kind="permission", message="second factor required", hint=hint)
    if request.purpose not in _MASS:
        return said(answer=Answer.ACCEPTED)
    try:
        done = report(reply)
    except Unreadable as fault:
        return said(answer=Answer.AMBIGUOUS, kind="unreadable", message=fault.message)
    if done.errors and not done.took:  # nothing to lose: it is fired again, as after the code alone
        code, words = done.errors[0]
        after = {**_LIMITED, **_AGAIN}.get(code or 0)
        return said(answer=Answer.AMBIGUOUS if after is None else Answer.AGAIN, message=words, after=after)
    return said(answer=Answer.ACCEPTED if done.took or result is None else Answer.NOTHING_OPEN)


def _judge_code(request: Request, code: int, error: Any, said: Callable[..., Judgement]) -> Judgement:
    """What a code comes to, for what was requested."""
    if request.changes and code in _GONE:
        return said(answer=Answer.NOTHING_OPEN)
    about = error.get("data")
    parameter = about.get("param") if isinstance(about, dict) else None
    unknown = code in _NO_INSTRUMENT or (code == -32602 and parameter == "instrument_name")
    if unknown and request.purpose == INSTRUMENT_CANCEL:
        return said(answer=Answer.NOTHING_OPEN)
    if code in _LIMITED:
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_wait(about) or _LIMITED[code])
    if code in _AGAIN:
        return said(answer=Answer.AGAIN, after=_AGAIN[code])
    if code not in _REFUSED:
        return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")
    kind, reach, hint = _REFUSED[code]
    if request.purpose == QUOTES and reach is not Reach.KEY:
        return said(answer=Answer.AMBIGUOUS, kind=kind)  # of orders it says nothing: their listing decides
    reach = Reach.REQUEST if request.purpose in _ASIDE else reach
    return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint, perhaps_clock=code in _PERHAPS_CLOCK)


def _error(error: object) -> tuple[int | None, str]:
    """Code and words of an error; no code where it has none that can be read."""
    if not isinstance(error, dict):
        return None, ""
    code, about = payload.Row(error).number("code"), error.get("data")
    details = [payload.message(about.get(key)) for key in ("param", "reason")] if isinstance(about, dict) else []
    reason = " ".join(filter(None, details))
    words = payload.message(error.get("message"))
    return code, f"{'' if code is None else code} {words}{f' ({reason})' if reason else ''}".strip()


def _wait(about: object) -> float | None:
    """Seconds that an error names to wait, where it does."""
    wait = payload.Row(about).number("wait") if isinstance(about, dict) else None
    return float(min(wait, 86_400)) if wait and wait > 0 else None
