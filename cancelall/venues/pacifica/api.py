"""Pacifica: its requests, and its codes as judgements."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cancelall.core.errors import ErrorKind, SecretError, Unreadable
from cancelall.core.model import Answer, Judgement, Order, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues import payload
from cancelall.venues.contract import Limit
from cancelall.venues.pacifica.options import PacificaOptions, PacificaSecrets, account, base58, key_bytes, public_key

API = "/api/v1"

OPERATIONS = {
    "/orders/cancel_all": "cancel_all_orders",
    "/orders/cancel": "cancel_order",
    "/orders/stop/cancel": "cancel_stop_order",
    "/orders/twap/cancel": "cancel_twap_order",
    "/order_strategies/cancel": "cancel_order_strategy",
    "/agent/list": "list_agent_wallets",
}
"""What each request is called in the message that is signed."""

NOWHERE = 999_999_999_999
"""An order id that does not exist: they are counted through the exchange, and stood at 1.6 thousand million in 2026."""

# 100 or 125 credits in a rolling minute without a config key, by the document's age: https://docs.pacifica.fi/api-documentation/api/rate-limits
# Every answer tells what is left of them; cancels by name go no faster than that can be heeded.
LIMITS = {
    "cancel all": Limit(count=200, seconds=60.0),
    "read": Limit(count=125, seconds=60.0),
    "by name": Limit(count=4, seconds=0.1),
}
ADDRESS_LIMIT = Limit(count=250, seconds=60.0)
"""In halves of a credit. A config key has credits of its own, which its answers tell."""

TWAP = "cancel one TWAP"
"""It succeeds for any id, be there such a TWAP or not."""
SIGNED_ANSWER = "show that the key is good"
READS = frozenset({Purpose.LISTING, Purpose.FINAL_STATES, Purpose.DISCOVERY})
"""They need no key: what they are refused with says nothing of it."""

# --- requests ---


def get(path: str, of: PacificaOptions | None = None, purpose: Purpose = Purpose.LISTING, **more: object) -> Request:
    """A read; of the account whose options are given. It needs no signature, but `sign` adds the config key, and the
    account, which nobody has to configure with a key of its own. Never a body: that is HTTP 403.
    """
    values = {**({} if of is None else {"account": of.account or ""}), **more}
    return Request(
        method="GET",
        path=API + path,
        query="&".join(f"{key}={value}" for key, value in values.items()),
        priority=Priority.OTHER if purpose == Purpose.FINAL_STATES else Priority.LISTING,
        bucket="read",
        purpose=purpose,
    )


def _post(path: str, purpose: str, data: Mapping[str, object], priority: Priority, bucket: str) -> Request:
    """A signed request, for now only with its payload; `sign` puts the rest around it."""
    return Request(
        method="POST",
        path=API + path,
        body=json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(),
        changes=True,
        priority=priority,
        bucket=bucket,
        purpose=purpose,
    )


def cancel_all(options: PacificaOptions) -> tuple[Request, ...]:
    """`symbol` is left out with `all_symbols`; leaving out `exclude_reduce_only` is an error.

    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-all-orders
    """
    spare = {"exclude_reduce_only": options.exclude_reduce_only}
    bodies = [{"all_symbols": False, **spare, "symbol": symbol} for symbol in options.symbol]
    return tuple(
        _post("/orders/cancel_all", Purpose.MASS_CANCEL, body, Priority.MASS_CANCEL, "cancel all")
        for body in bodies or [{"all_symbols": True, **spare}]
    )


def cancel(path: str, order: Order, purpose: str = Purpose.CANCEL) -> Request:
    """A cancel of one order or TWAP; the venue wants the symbol, too."""
    data = {"symbol": order.symbol, "order_id": int(order.id)}
    return _post(path, purpose, data, Priority.CANCEL, "by name")


def cancel_strategy(order: Order, *, urgent: bool = False) -> Request:
    """A cancel of one strategy. One that is urgent goes with the mass cancels."""
    priority = Priority.MASS_CANCEL if urgent else Priority.CANCEL
    return _post("/order_strategies/cancel", Purpose.CANCEL, {"strategy_id": order.id}, priority, "by name")


def signed_answer() -> Request:
    """A signed answer for this account that changes nothing: success for a TWAP that does not exist.

    A wrong key, agent or account is refused here.
    https://github.com/pacifica-fi/pacifica-mcp (scripts/smoke-3c.ts)
    """
    data = {"symbol": "BTC", "order_id": NOWHERE}
    return _post("/orders/twap/cancel", SIGNED_ANSWER, data, Priority.LISTING, "read")


def sign(request: Request, secrets: PacificaSecrets, options: PacificaOptions, timestamp_ms: int, widen: int) -> Signed:
    """Ed25519 over the compact JSON of header and payload, keys sorted; the body is the same, flat, without `type`.

    https://docs.pacifica.fi/api-documentation/api/signing/implementation
    """
    headers = [("PF-API-KEY", secrets.api_config_key.reveal())] if secrets.api_config_key else []
    address = account(secrets, options)
    if request.method == "GET":
        query = re.sub(r"^account=(?=&|$)", f"account={address}", request.query)
        return Signed(headers=tuple(headers), body=b"", query=query or None)
    data = json.loads(request.body)
    header = {"timestamp": timestamp_ms, "expiry_window": options.expiry_window * widen}
    message = _canonical({**header, "type": OPERATIONS[request.path.removeprefix(API)], "data": data})
    body = {"account": address, "signature": base58(_signature(secrets.secret_key, message)), **header, **data}
    if options.agent_wallet:
        body["agent_wallet"] = options.agent_wallet
    return Signed(headers=(*headers, ("Content-Type", "application/json")), body=_canonical(body))


def _canonical(value: object) -> bytes:
    """Keys sorted at every level, no blanks, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signature(secret: Secret, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key_bytes(secret)[:32]).sign(message)


def check_secrets(secrets: PacificaSecrets, options: PacificaOptions) -> None:
    """Offline: the key is whole, and it is the one that the options name."""
    raw = key_bytes(secrets.secret_key)
    public, named = public_key(raw[:32]), options.agent_wallet or options.account
    address, name = base58(public), "agent_wallet" if options.agent_wallet else "account"
    if len(raw) == 64 and raw[32:] != public:
        raise SecretError("the two halves of secret_key do not belong together", "paste the whole key pair again")
    if len(raw) == 32 and (named is None or address != named):
        # Every 32 bytes would do as a seed, a public key as well.
        raise SecretError(
            "secret_key is 32 bytes long: that is an address, or the seed of another key than the profile names",
            "paste the secret key of 64 bytes, not the address",
        )
    if named is not None and address != named:
        own = "" if options.agent_wallet else "; if it is an agent key, set agent_wallet"
        raise SecretError(
            f"secret_key belongs to …{address[-4:]}, not to {name} …{named[-4:]}", f"correct one of them{own}"
        )


# --- answers ---

_KEYS_PAGE = "https://app.pacifica.fi/apikey"
_CHANGED = "the venue has changed its interface: report this"
_NOT_OF_ACCOUNT = "secret_key does not belong to this account; an agent key needs agent_wallet"
_ADDRESS = f"add this machine's address to the agent key's list, or use another key: {_KEYS_PAGE}"
_NO_ACCESS = "the signing key has no access to this host"
_UNBOUND = f"bind the agent key to this account, or correct account: {_KEYS_PAGE}"
_REFUSALS: tuple[tuple[str, ErrorKind, Reach, str], ...] = (
    ("verification failed", "auth", Reach.KEY, _NOT_OF_ACCOUNT),
    ("invalid signature", "auth", Reach.KEY, "check secret_key; if it is right, report this"),
    ("invalid public key", "auth", Reach.KEY, "check account and agent_wallet"),
    ("agent not authorized", "permission", Reach.KEY, _UNBOUND),
    ("unauthorized", "auth", Reach.KEY, f"the key is not bound to this account: {_KEYS_PAGE}"),
    ("account not found", "environment", Reach.KEY, "this host has no such account: check account and environment"),
    ("ip address", "ip", Reach.ADDRESS, _ADDRESS),
    ("beta access", "permission", Reach.PRODUCT, f"{_NO_ACCESS}: redeem its code, or another key"),
    ("not whitelisted", "permission", Reach.PRODUCT, _NO_ACCESS),
    ("deserialize", "parameter", Reach.REQUEST, _CHANGED),
    ("missing field", "parameter", Reach.REQUEST, _CHANGED),
    ("unknown field", "parameter", Reach.REQUEST, _CHANGED),
    ("invalid type", "parameter", Reach.REQUEST, _CHANGED),
    ("invalid parameters", "parameter", Reach.REQUEST, "check the selectors of this profile"),
)
"""Words of a refusal: https://docs.pacifica.fi/api-documentation/api/error-codes, and live ones that clients met."""

_BARE = re.compile(
    r"verification failed|invalid (signature|message|public key)|agent not authorized|beta access required|"
    r"signer not whitelisted|failed to deserialize|(missing|unknown) field|invalid (type|parameters)|"
    r"(stop |twap )?order not found|"
    r"failed to cancel order|rate limit exceeded|trading (is )?disabled"
)
"""How a bare sentence of the venue's begins. Any other may be a gateway's."""

_GONE = re.compile(r"failed to cancel order|order not found|strateg(ist|y) not found|unused client order")
"""Answers to a cancel by name: it is not open any more. The listing decides."""

_GONE_CODES = frozenset({5, 6, 37, 47})
_HALTED = re.compile(r"trading (is )?disabled")
_HALTED_CODES = frozenset({38})
"""Business codes, HTTP 422. Three generations of their numbers exist: the older 5 and the newer 6 are the same."""

KEPT_BACK = 250
"""Tenths of a credit that cancels by name leave alone: two proofs (7 reads and at most 4 signed answers each), and
what is on its way when an answer first says so. A hundred strategies and the names from two histories still fit."""


def judge(request: Request, reply: Reply) -> Judgement:
    """By the words of the answer first, then by its code and status. Some refusals are bare text, some are empty.

    Reads need no key: what they are refused with says nothing of it, and they are sent again.
    """
    try:
        answer: Mapping[str, Any] | None = payload.as_object(reply.json)
    except Unreadable:
        answer = None
    text, ours = _text(answer, reply)
    said = partial(Judgement, message=f"{reply.status} {payload.message(text)}".strip(), hold=_hold(reply))
    if reply.status == 200:
        done = answer is not None and answer.get("success") is True and not answer.get("error")
        bare = answer is not None and "success" not in answer and "cancelled_count" in answer
        if done or (bare and request.purpose == Purpose.MASS_CANCEL):
            return said(answer=Answer.ACCEPTED)
    if 300 <= reply.status < 400:
        return payload.by_status(reply)
    known = answer.get("code") if answer is not None else None
    code = known if isinstance(known, int) else None
    if reply.status == 429 or (ours and "rate limit" in text.lower()):
        return said(
            answer=Answer.AGAIN,
            kind="rate_limit",
            after=_refresh(reply),
            hint="an API config key has credits of its own",
        )
    if ours and request.purpose not in READS and (refused := _refused(request, _normal(text), code, said)) is not None:
        return refused
    # 404 in the venue's own words, whichever, is said of what was named. A router's page is no such answer; and a TWAP
    # cancel succeeds for any id, which is why one is sent for a signed answer: there 404 would be none.
    if ours and reply.status == 404 and answer is not None and request.purpose == Purpose.CANCEL:
        return said(answer=Answer.NOTHING_OPEN)
    if reply.status in (409, 422) or reply.status == 200 or (reply.status == 400 and (ours or not text)):
        return said(answer=Answer.AMBIGUOUS, kind="unreadable")
    judged = payload.by_status(reply)
    words, hint = judged.message if not text else f"{reply.status} {payload.message(text)}", ""
    if reply.status == 404 and request.purpose in READS:
        words = f"404 this host has no {request.path}: not checked"
    elif reply.status == 403:
        hint = "the region is refused, or this address has no access"
    return said(answer=judged.answer, kind=judged.kind, after=judged.after, message=words, hint=hint)


def _refused(request: Request, text: str, code: int | None, said: Callable[..., Judgement]) -> Judgement | None:
    """What an answer to a signed request is besides success; None when neither words nor code say anything known."""
    if "invalid message" in text:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    for words, kind, reach, hint in _REFUSALS:
        if words in text:
            return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    if _HALTED.search(text) or code in _HALTED_CODES:
        return said(answer=Answer.AMBIGUOUS, suspended=True, hint="trading is halted: try again later")
    if request.purpose != Purpose.MASS_CANCEL and (_GONE.search(text) or code in _GONE_CODES):
        return said(answer=Answer.NOTHING_OPEN)
    return None


def _text(answer: Mapping[str, Any] | None, reply: Reply) -> tuple[str, bool]:
    """The words of an answer as they came, to be judged by, and whether they are the venue's and not a gateway's.

    The venue's are `error` in its envelope, or a sentence that is known. They are not scrubbed yet: a secret that is
    also a word of the venue's must not change what an answer means.
    """
    if answer is not None:
        error = answer.get("error")
        text = error if isinstance(error, str) else ""
        enveloped = answer.get("success") is False and "error" in answer
    else:
        text, enveloped = reply.body[:400].decode("utf-8", "replace").strip(), False
        text = "" if text.startswith(("<", "{", "[")) else text
    return text, enveloped or _BARE.match(_normal(text)) is not None


def _normal(text: str) -> str:
    """The same words for `ORDER_NOT_FOUND` and `Order not found`: an error comes as its name or as a sentence."""
    return text.lower().replace("_", " ")


def _refresh(reply: Reply) -> float | None:
    """Seconds until there are credits again."""
    seconds = limit(reply, "ratelimit", "t")
    return float(seconds) if seconds is not None else payload.retry_after(reply)


def _hold(reply: Reply) -> float | None:
    """How long cancels by name have to wait, so that the proof can be paid."""
    left, quota = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
    if left is None or left > min(KEPT_BACK, (quota or 2 * KEPT_BACK) // 2):
        return None
    return _refresh(reply) or 1.0


def limit(reply: Reply, header: str, name: str) -> int | None:
    """One number of `ratelimit: "credits";r=1200;t=32` or `ratelimit-policy: "credits";q=1250;w=60`; credits times ten.

    https://docs.pacifica.fi/api-documentation/api/rate-limits
    """
    match = re.search(rf";\s*{name}=(\d{{1,9}})(?!\d)", reply.headers.get(header, ""), re.ASCII)
    return int(match[1]) if match else None
