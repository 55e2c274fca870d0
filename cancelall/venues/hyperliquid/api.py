"""Hyperliquid: its requests and their signatures, and its answers as judgements.

There are two paths: `/info` for reads, which need no key, and `/exchange` for signed actions.
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint and .../exchange-endpoint
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import ErrorKind, SecretError, Unreadable
from cancelall.core.model import Answer, Judgement, Order, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import ethereum, payload
from cancelall.venues.contract import Limit
from cancelall.venues.hyperliquid.options import HyperliquidOptions, HyperliquidSecrets
from cancelall.venues.msgpack import packed

INFO, EXCHANGE = "/info", "/exchange"

MOST = 200
"""Cancels in one action; more are refused whole: https://github.com/MarcosACH/tickwright (2026-10-08, testnet)."""
TWAP = "cancel one TWAP"
ROLE, VAULT = "tell whose the key is", "tell whose the sub-account or vault is"

# https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits
ADDRESS_LIMIT = Limit(count=1200, seconds=60.0)
"""In weights, over both paths. What an account may send in its life is told when it is used up."""
LIMITS = dict.fromkeys(("actions", "listings", "reads"), ADDRESS_LIMIT)
"""Keys have none of their own: these buckets only wait apart."""
_LIGHT = ("clearinghouseState", "spotClearinghouseState", "orderStatus", "exchangeStatus")
_WEIGHTS = {**dict.fromkeys(_LIGHT, 2), "userRole": 60, "historicalOrders": 120, "twapHistory": 30}
"""Of reads; those that are not here weigh 20. The last two weigh 1 more for each 20 rows, of at most 2000."""

JSON_HEADERS = (("Content-Type", "application/json"),)

_PRIORITIES: Mapping[str, Priority] = {
    Purpose.LISTING: Priority.LISTING,
    Purpose.DISCOVERY: Priority.LISTING,
    ROLE: Priority.PROOF,
    VAULT: Priority.PROOF,
}
"""Cancels wait for the listing and for the numbers of markets; only the proof waits for whose the key is."""

# --- requests --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HyperliquidRequest(Request):
    """A request, and for which network its action is signed: that goes by the environment, not by the host."""

    testnet: bool = False


def read(kind: str, purpose: str = Purpose.LISTING, **values: object) -> Request:
    """A read. `user` is whose orders are meant; empty, it is the address of the key, which signing puts in."""
    return HyperliquidRequest(
        method="POST",
        path=INFO,
        body=_compact({"type": kind, **values}),
        signed=values.get("user") == "",
        priority=_PRIORITIES.get(purpose, Priority.OTHER),
        bucket="listings" if purpose == Purpose.LISTING else "reads",
        cost=_WEIGHTS.get(kind, 20),
        purpose=purpose,
    )


def cancel(orders: tuple[tuple[Order, int], ...], *, testnet: bool) -> Request:
    """A cancel of orders, each with the number of its market."""
    cancels = [{"a": market, "o": int(order.id)} for order, market in orders]
    purpose = Purpose.BATCH if len(orders) > 1 else Purpose.CANCEL
    return action({"type": "cancel", "cancels": cancels}, purpose, testnet=testnet, cost=1 + len(orders) // 40)


def cancel_twap(order: Order, market: int, *, testnet: bool) -> Request:
    return action({"type": "twapCancel", "a": market, "t": int(order.id)}, TWAP, testnet=testnet)


def action(of: Mapping[str, object], purpose: str, *, testnet: bool, cost: int = 1) -> Request:
    """A signed action, for now only itself: `sign` puts the rest around it."""
    return HyperliquidRequest(
        method="POST",
        path=EXCHANGE,
        body=_compact(of),
        changes=True,
        priority=Priority.CANCEL,
        bucket="actions",
        cost=cost,
        purpose=purpose,
        testnet=testnet,
    )


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def numeric_id(row: payload.Row, key: str) -> str:
    """An id as a cancel names it, of 64 bits. Raises Unreadable: one that cannot be signed spoils its batch."""
    identity = row.identity(key)
    if not (identity.isdigit() and len(identity) <= 20 and int(identity) < 1 << 64):
        raise Unreadable(f"{key} is no number of 64 bits")
    return identity


# --- signatures ------------------------------------------------------------------------------------------------------

_DOMAIN = bytes.fromhex("d79297fcdf2ffcd4ae223d01edaa2ba214ff8f401d7c9300d995d17c82aa4040")
"""keccak of the domain: Exchange, version 1, chain 1337, no contract."""
_AGENT = bytes.fromhex("26f05c2f7239b6983075e58321292d77b3aa173d19b27257ac96ab362570f508")
"""keccak of `Agent(string source,bytes32 connectionId)`."""


def sign(
    request: Request, secrets: HyperliquidSecrets, options: HyperliquidOptions, timestamp_ms: int, widen: int
) -> Signed:
    """https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets: a timestamp in ms that
    the key has not used before.

    `expiresAfter` is not sent: a cancel names its orders, so one that is late takes no other, and one that has expired
    costs five times as much of what the account may send.
    """
    if request.path == INFO:
        own = b'"user":"%s"' % signer(secrets).encode()
        return Signed(headers=(), body=request.body.replace(b'"user":""', own))
    of, vault = json.loads(request.body), {"vaultAddress": options.vault} if options.vault else {}
    source = "b" if isinstance(request, HyperliquidRequest) and request.testnet else "a"
    signature = signature_of(of, timestamp_ms, options.vault or "", source, secrets)
    return Signed(headers=(), body=_compact({"action": of, "nonce": timestamp_ms, "signature": signature, **vault}))


def signature_of(
    of: Mapping[str, object], nonce: int, vault: str, source: str, secrets: HyperliquidSecrets
) -> Mapping[str, object]:
    """The signature of an action. `source` is `a` on the main network, `b` on the test network.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing, and signing.py of the venue's
    hyperliquid-python-sdk 0.24.0: the order of an action's members is part of what is signed.
    """
    data = packed(of) + nonce.to_bytes(8, "big")
    data += b"\x01" + bytes.fromhex(vault.removeprefix("0x")) if vault else b"\0"
    agent = ethereum.keccak(_AGENT + ethereum.keccak(source.encode()) + ethereum.keccak(data))
    r, s, v = ethereum.typed_signature(secrets.private_key, _DOMAIN, agent)
    return {"r": f"0x{r:064x}", "s": f"0x{s:064x}", "v": v}


def signer(secrets: HyperliquidSecrets) -> str:
    """The address of the key."""
    return ethereum.address_of(secrets.private_key)


def check_secrets(secrets: HyperliquidSecrets, options: HyperliquidOptions) -> None:
    """Offline: the key is one, and it is the agent's that the options name. Raises SecretError."""
    address = signer(secrets)
    if options.agent is not None and address != options.agent:
        raise SecretError(
            f"private_key belongs to …{address[-4:]}, not to agent …{options.agent[-4:]}", "correct one of them"
        )


# --- answers ---------------------------------------------------------------------------------------------------------

_DAY_MS = 86_400_000
"""How far a nonce may be ahead: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets"""
_KEYS_PAGE = "https://app.hyperliquid.xyz/API"


def _no_key(kind: ErrorKind, hint: str) -> Judgement:
    return Judgement(answer=Answer.REFUSED, kind=kind, reach=Reach.KEY, hint=hint)


_NOT_APPROVED = _no_key(
    "auth", f"the venue knows no such key: approve it, renew it, or check environment and account: {_KEYS_PAGE}"
)
_SPOILT = Judgement(answer=Answer.REFUSED, kind="parameter", hint="the venue has changed its interface: report this")
_UNREADABLE = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message="HTTP 200")
_nonce = partial(Judgement, kind="clock", hint="set this machine's clock; a key of its own for this program is best")
_TOO_SMALL = "the account has not traded enough, $1,000,000, for the venue's own switch"
_USED_UP = "the account has used up what it may send: one action goes in ten seconds, and trading makes room for more"
_GONE = "^(order|twap) was never placed"

_SENTENCES: tuple[tuple[str, Judgement], ...] = (
    ("^user or api wallet", _NOT_APPROVED),
    ("^must deposit before performing actions", _NOT_APPROVED),
    ("^vault not registered", _no_key("parameter", "vault is the address of a sub-account or vault, of no account")),
    ("^multi-sig required", _no_key("mode", "the account needs several signatures: no single key can cancel there")),
    ("^mainnet and testnet require different signature", _no_key("environment", "check environment")),
    ("^unable to recover signer", _no_key("auth", "check private_key; if it is right, report this")),
    ("^signed action over weight limit", _SPOILT),
    ("^cannot set scheduled cancel time until", Judgement(answer=Answer.REFUSED, kind="permission", hint=_TOO_SMALL)),
    (
        "^scheduled cancel time too early",
        Judgement(answer=Answer.REFUSED, kind="parameter", hint="set this machine's clock"),
    ),
    ("nonce too (low|high)|already expired", _nonce(answer=Answer.CLOCK)),
    ("nonce", _nonce(answer=Answer.AGAIN, after=0.0)),  # used before, perhaps by a try whose answer was lost
    ("^too many cumulative requests", Judgement(answer=Answer.AGAIN, kind="rate_limit", after=10.0, hint=_USED_UP)),
    ("^only post-only orders", Judgement(answer=Answer.AMBIGUOUS, hint="the venue has just been restarted")),
    (_GONE, Judgement(answer=Answer.NOTHING_OPEN)),
)
"""What the refusal of an action says, in small letters, and what that says to us. The sentences are those that clients
met; none is documented."""


def is_gone(error: str) -> bool:
    """Whether the answer to one cancel says that there is nothing to cancel; how the order ended it does not say."""
    return re.match(_GONE, error.lower()) is not None


def judge(request: Request, reply: Reply) -> Judgement:
    """By the words of an action's answer; a read is good when it is 200 with JSON, and its reader decides.

    Reads need no key: what they are refused with says nothing of it. But one tells whose the key is, if anyone's.
    """
    text = reply.body[:400].decode("utf-8", "replace").strip().strip('"')
    if reply.status == 422 and text.lower().startswith("failed to deserialize"):
        return replace(_SPOILT, message=payload.message(f"422 {text}"))
    if reply.status != 200:
        return payload.by_status(reply, unclear=422)
    try:
        answer = reply.json
    except Unreadable:
        return _UNREADABLE
    return (_judge_read if request.path == INFO else _judge_action)(request, reply, answer)


def _judge_read(request: Request, reply: Reply, answer: object) -> Judgement:
    if request.purpose == ROLE and payload.member(answer, "role") == "missing":
        return replace(_NOT_APPROVED, message="the venue knows no account of this key (role missing)")
    return _UNREADABLE if payload.member(answer, "status") == "err" else Judgement(answer=Answer.ACCEPTED)


def _judge_action(request: Request, reply: Reply, answer: object) -> Judgement:
    """An action for several that fails for one of its orders is spoilt: each goes by itself."""
    status, said = payload.member(answer, "status"), payload.member(answer, "response")
    several = request.purpose == Purpose.BATCH
    if status == "err":
        error = said if isinstance(said, str) else ""
        judgement = _judge_error(error)
        about_one = judgement.kind == "unreadable" and re.search(r"\b(asset|oid|order|coin)", error.lower())
        return replace(_SPOILT, message=judgement.message) if several and about_one else judgement
    if status != "ok":
        return _UNREADABLE
    if several and (error := _error_of_all(reply)):
        return replace(_SPOILT, message=payload.message(error))
    return Judgement(answer=Answer.ACCEPTED) if isinstance(payload.member(said, "type"), str) else _UNREADABLE


def _error_of_all(reply: Reply) -> str:
    """The only error of an action for several: what is wrong with the action itself is said once, for all of it.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/error-responses
    """
    try:
        (only,) = statuses(reply)
    except (Unreadable, ValueError):
        return ""
    error = payload.member(only, "error")
    return error if isinstance(error, str) else ""


def _judge_error(error: str) -> Judgement:
    """A whole action that was not taken. A sentence that nobody knows is ambiguous: the listing decides."""
    text = error.lower().removeprefix("l1 error: ")
    judgement = next((known for words, known in _SENTENCES if re.search(words, text)), _UNREADABLE)
    return replace(judgement, message=payload.message(error), server_ms=_server_ms(text))


def _server_ms(text: str) -> int | None:
    """The venue's time, in ms, as the bound of a refused nonce shows it; None where it is no time at all."""
    if (bound := re.search(r"nonce too (low|high):?\s*\d+ [<>] (\d{12,14})(?!\d)", text, re.ASCII)) is None:
        return None
    return int(bound[2]) + 1 if bound[1] == "low" else int(bound[2]) - _DAY_MS


def statuses(reply: Reply) -> list[Any]:
    """What an action that was taken says of each of its parts. Raises Unreadable."""
    response = payload.as_object(payload.as_object(reply.json).get("response"), "response")
    data = payload.as_object(response.get("data"), "data")
    return [data["status"]] if "status" in data else payload.as_list(data.get("statuses"), "statuses")
