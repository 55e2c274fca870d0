"""Hyperliquid: its requests, and its answers as judgements.

There are two paths: `/info` for reads, which need no key, and `/exchange` for signed actions.
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint and .../exchange-endpoint
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from cancelall.core.errors import ErrorKind, SecretError, Unreadable
from cancelall.core.model import Answer, Judgement, Order, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload
from cancelall.venues.contract import Limit
from cancelall.venues.hyperliquid import signing
from cancelall.venues.hyperliquid.options import HyperliquidFacts, HyperliquidOptions, HyperliquidSecrets

INFO, EXCHANGE = "/info", "/exchange"

MOST = 200
"""Cancels in one action; more are refused whole: https://github.com/MarcosACH/tickwright (2026-10-08, testnet)."""
TWAP = "cancel one TWAP"
ROLE = "tell whose the key is"

# https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits
# The limit is the address's alone, in weights; what an account may send in its life is told when it is used up.
LIMITS = {
    "actions": Limit(count=1200, seconds=60.0),
    "listings": Limit(count=57, seconds=60.0),
    "reads": Limit(count=600, seconds=60.0),
}
ADDRESS_LIMIT = Limit(count=1200, seconds=60.0)
_LIGHT = ("clearinghouseState", "spotClearinghouseState", "orderStatus", "exchangeStatus")
_WEIGHTS = {**dict.fromkeys(_LIGHT, 2), "userRole": 60, "historicalOrders": 120, "twapHistory": 30}
"""Of reads; those that are not here weigh 20. The last two weigh 1 more for each 20 rows, of at most 2000."""

JSON_HEADERS = (("Content-Type", "application/json"),)

_NEEDED = (Purpose.LISTING, Purpose.DISCOVERY, ROLE)
"""What a cancel or the proof waits for."""

# --- requests --------------------------------------------------------------------------------------------------------


def read(kind: str, purpose: str = Purpose.LISTING, **values: object) -> Request:
    """A read. `user` is whose orders are meant; empty, it is the address of the key, which signing puts in."""
    return Request(
        method="POST",
        path=INFO,
        body=_compact({"type": kind, **values}),
        signed=values.get("user") == "",
        priority=Priority.LISTING if purpose in _NEEDED else Priority.OTHER,
        bucket="listings" if purpose == Purpose.LISTING else "reads",
        purpose=purpose,
    )


def cancel(orders: tuple[tuple[Order, int], ...], around: Mapping[str, object]) -> Request:
    """A cancel of orders, each with the number of its market."""
    cancels = [{"a": market, "o": int(order.id)} for order, market in orders]
    return action({"type": "cancel", "cancels": cancels}, around, Purpose.BATCH if len(orders) > 1 else Purpose.CANCEL)


def cancel_twap(order: Order, market: int, around: Mapping[str, object]) -> Request:
    return action({"type": "twapCancel", "a": market, "t": int(order.id)}, around, TWAP)


def action(of: Mapping[str, object], around: Mapping[str, object], purpose: str) -> Request:
    """A signed action, for now only with what is signed with it: `sign` takes it apart."""
    return Request(
        method="POST",
        path=EXCHANGE,
        body=_compact({"action": of, **around}),
        changes=True,
        priority=Priority.CANCEL,
        bucket="actions",
        purpose=purpose,
    )


def around(options: HyperliquidOptions, environment: str) -> Mapping[str, object]:
    """What is signed with every action: the network, which goes by the environment and not by the host, and the
    sub-account or vault that is meant.
    """
    vault = {"vaultAddress": options.vault} if options.vault else {}
    return {"source": "b" if environment == "testnet" else "a", **vault}


def numeric_id(row: payload.Row, key: str) -> str:
    """An id as a cancel names it, of 64 bits. Raises Unreadable: one that cannot be signed spoils its batch."""
    identity = row.identity(key)
    if not (identity.isdigit() and len(identity) <= 20 and int(identity) < 1 << 64):
        raise Unreadable(f"{key} is no number of 64 bits")
    return identity


def noop_cancel(options: HyperliquidOptions, environment: str) -> Request:
    """A signed answer that changes nothing: there is no order 0."""
    return action({"type": "cancel", "cancels": [{"a": 0, "o": 0}]}, around(options, environment), Purpose.CANCEL)


def sign(
    request: Request, secrets: HyperliquidSecrets, options: HyperliquidOptions, timestamp_ms: int, widen: int
) -> Signed:
    """https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets: a timestamp in ms that
    the key has not used before.

    `expiresAfter` is not sent: a cancel names its orders, so one that is late takes no other, and one that has expired
    costs five times as much of what the account may send.
    """
    if request.path == INFO:
        own = b'"user":"%s"' % signing.address_of(secrets.private_key).encode()
        return Signed(headers=(), body=request.body.replace(b'"user":""', own))
    draft = json.loads(request.body)
    vault = draft.get("vaultAddress", "")
    signature = signing.signed(draft["action"], timestamp_ms, vault, draft["source"], secrets.private_key)
    body = {"action": draft["action"], "nonce": timestamp_ms, "signature": signature}
    return Signed(headers=(), body=_compact({**body, **({"vaultAddress": vault} if vault else {})}))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signer(secrets: HyperliquidSecrets) -> str:
    """The address of the key."""
    return signing.address_of(secrets.private_key)


def with_key(facts: HyperliquidFacts, secrets: HyperliquidSecrets) -> HyperliquidFacts:
    """The address of the key is known before the first read."""
    return HyperliquidFacts(signer=signer(secrets))


def account(secrets: HyperliquidSecrets, options: HyperliquidOptions) -> str:
    """The address whose orders are meant, as configured, else that of the key."""
    return options.vault or options.account or signer(secrets)


def check_secrets(secrets: HyperliquidSecrets, options: HyperliquidOptions) -> None:
    """Offline: the key is one, and it is the agent's that the options name. Raises SecretError."""
    address = signer(secrets)
    if options.agent is not None and address != options.agent:
        raise SecretError(
            f"private_key belongs to …{address[-4:]}, not to agent …{options.agent[-4:]}", "correct one of them"
        )


def cost(request: Request) -> int:
    """What a request weighs against the limit of the address."""
    if request.path == EXCHANGE:
        return 1 + request.body.count(b'"o":') // 40
    kind = re.match(rb'\{"type":"(\w+)"', request.body)
    return _WEIGHTS.get(kind[1].decode(), 20) if kind else 20


# --- answers ---------------------------------------------------------------------------------------------------------

_KEYS_PAGE = "https://app.hyperliquid.xyz/API"
_NOT_APPROVED = f"the venue knows no such key: approve it, renew it, or check environment and account: {_KEYS_PAGE}"
_TOO_SMALL = "the account has not traded enough, $1,000,000, for the venue's own switch"
_REPORT = "the venue has changed its interface: report this"
_REFUSALS: tuple[tuple[str, ErrorKind, Reach, str], ...] = (
    ("user or api wallet", "auth", Reach.KEY, _NOT_APPROVED),
    ("must deposit before performing actions", "auth", Reach.KEY, _NOT_APPROVED),
    ("vault not registered", "parameter", Reach.KEY, "vault is the address of a sub-account or vault, of no account"),
    ("multi-sig required", "mode", Reach.KEY, "the account needs several signatures: no single key can cancel there"),
    ("mainnet and testnet require different signature", "environment", Reach.KEY, "check environment"),
    ("unable to recover signer", "auth", Reach.KEY, "check private_key; if it is right, report this"),
    ("cannot set scheduled cancel time until", "permission", Reach.REQUEST, _TOO_SMALL),
    ("scheduled cancel time too early", "parameter", Reach.REQUEST, "set this machine's clock"),
    ("signed action over weight limit", "parameter", Reach.REQUEST, _REPORT),
)
"""How a refusal of an action begins, in small letters. The sentences are those that clients met; none is documented."""

_TOO_LOW = re.compile(r"nonce too low:?\s*(\d+) < (\d+)", re.ASCII)
_TOO_HIGH = re.compile(r"nonce too high:?\s*(\d+) > (\d+)", re.ASCII)
_DAY_MS = 86_400_000
"""How far a nonce may be ahead: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets"""
_SET_CLOCK = "set this machine's clock; a key of its own for this program is best"
_ONE_IN_TEN = 10.0
"""Seconds from one action to the next, once an account has used up what it may send."""
_USED_UP = "the account has used up what it may send: one action goes in ten seconds, and trading makes room for more"
_MALFORMED = "failed to deserialize"
_RESTARTED = "only post-only orders allowed"

_GONE = ("order was never placed", "twap was never placed")


def is_gone(error: str) -> bool:
    """Whether the answer to one cancel says that there is nothing to cancel; how the order ended it does not say."""
    return error.lower().startswith(_GONE)


def judge(request: Request, reply: Reply) -> Judgement:
    """By the words of an action's answer; a read is good when it is 200 with JSON, and its reader decides.

    Reads need no key: what they are refused with says nothing of it. But one tells whose the key is, if anyone's.
    """
    if reply.status == 200:
        return _judge_good(request, reply)
    text = reply.body[:400].decode("utf-8", "replace").strip().strip('"')
    if reply.status == 422 and text.lower().startswith(_MALFORMED):
        words = f"422 {payload.message(text)}"
        return Judgement(answer=Answer.REFUSED, kind="parameter", message=words, hint=_REPORT)
    return payload.by_status(reply, unclear=422)


def _judge_good(request: Request, reply: Reply) -> Judgement:
    unreadable = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message="HTTP 200")
    try:
        answer = reply.json
    except Unreadable:
        return unreadable
    if request.path == INFO:
        known = answer if isinstance(answer, dict) else {}
        if request.purpose == ROLE and known.get("role") == "missing":
            words = "the venue knows no account of this key (role missing)"
            return Judgement(answer=Answer.REFUSED, kind="auth", reach=Reach.KEY, message=words, hint=_NOT_APPROVED)
        return unreadable if known.get("status") == "err" else Judgement(answer=Answer.ACCEPTED)
    if not isinstance(answer, dict) or answer.get("status") not in ("ok", "err"):
        return unreadable
    said = answer.get("response")
    if answer["status"] == "ok":
        if request.purpose == Purpose.BATCH and (error := _error_of_all(said)):
            return _spoilt(error)
        good = isinstance(said, dict) and isinstance(said.get("type"), str)
        return Judgement(answer=Answer.ACCEPTED) if good else unreadable
    error = said if isinstance(said, str) else ""
    judgement = _judge_error(error)
    about_one = judgement.kind == "unreadable" and re.search(r"\b(asset|oid|order|coin)", error.lower())
    return _spoilt(error) if about_one and request.purpose == Purpose.BATCH else judgement


def _error_of_all(said: object) -> str:
    """The only error of an action for several: what is wrong with the action itself is said once, for all of it.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/error-responses
    """
    data = said.get("data") if isinstance(said, dict) else None
    each = data.get("statuses") if isinstance(data, dict) else None
    error = each[0].get("error") if isinstance(each, list) and len(each) == 1 and isinstance(each[0], dict) else None
    return error if isinstance(error, str) else ""


def _spoilt(error: str) -> Judgement:
    """One of its orders spoils an action: each goes by itself."""
    return Judgement(answer=Answer.REFUSED, kind="parameter", message=payload.message(error), hint=_REPORT)


def _judge_error(error: str) -> Judgement:
    """A whole action that was not taken. A sentence that nobody knows is ambiguous: the listing decides."""
    text = error.lower().removeprefix("l1 error: ")
    said = partial(Judgement, message=payload.message(error))
    for words, kind, reach, hint in _REFUSALS:
        if text.startswith(words):
            return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    if (found := _TOO_LOW.search(text)) is not None:
        return said(answer=Answer.CLOCK, kind="clock", hint=_SET_CLOCK, server_ms=_moment(found[2], 1))
    if (found := _TOO_HIGH.search(text)) is not None:
        return said(answer=Answer.CLOCK, kind="clock", hint=_SET_CLOCK, server_ms=_moment(found[2], -_DAY_MS))
    if "nonce" in text:  # used before: by another program with this key, or by a try whose answer was lost
        return said(answer=Answer.AGAIN, kind="clock", after=0.0, hint=_SET_CLOCK)
    if text.startswith("too many cumulative requests"):
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_ONE_IN_TEN, hint=_USED_UP)
    if "already expired" in text:
        return said(answer=Answer.CLOCK, kind="clock", hint=_SET_CLOCK)
    if text.startswith(_RESTARTED):
        return said(answer=Answer.AMBIGUOUS, hint="the venue has just been restarted")
    if text.startswith(_GONE):
        return said(answer=Answer.NOTHING_OPEN)
    return said(answer=Answer.AMBIGUOUS, kind="unreadable")


def _moment(digits: str, more: int) -> int | None:
    """The venue's time that the bound of a nonce shows, in ms; None where it is no time at all."""
    return int(digits) + more if 12 <= len(digits) <= 14 else None


def statuses(reply: Reply) -> list[Any]:
    """What an action that was taken says of each of its parts. Raises Unreadable."""
    response = payload.as_object(payload.as_object(reply.json).get("response"), "response")
    data = payload.as_object(response.get("data"), "data")
    return [data["status"]] if "status" in data else payload.as_list(data.get("statuses"), "statuses")
