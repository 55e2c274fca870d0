"""Pacifica: its codes in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cancelall.core.errors import ErrorKind, Unreadable
from cancelall.core.model import Answer, Judgement, Reach, Reply, Request
from cancelall.venues import payload
from cancelall.venues.pacifica.reading import limit

_KEYS_PAGE = "https://app.pacifica.fi/apikey"


_CHANGED = "the venue has changed its interface: report this"


_REFUSALS: tuple[tuple[str, ErrorKind, Reach, str], ...] = (
    (
        "verification failed",
        "auth",
        Reach.KEY,
        "secret_key does not belong to this account; an agent key needs agent_wallet",
    ),
    ("invalid signature", "auth", Reach.KEY, "check secret_key; if it is right, report this"),
    ("invalid public key", "auth", Reach.KEY, "check account and agent_wallet"),
    (
        "agent not authorized",
        "permission",
        Reach.KEY,
        f"bind the agent key to this account, or correct account: {_KEYS_PAGE}",
    ),
    ("unauthorized", "auth", Reach.KEY, f"the key is not bound to this account: {_KEYS_PAGE}"),
    ("account not found", "environment", Reach.KEY, "this host has no such account: check account and environment"),
    (
        "ip address",
        "ip",
        Reach.ADDRESS,
        f"add this machine's address to the agent key's list, or use another key: {_KEYS_PAGE}",
    ),
    (
        "beta access",
        "permission",
        Reach.PRODUCT,
        "the signing key has no access to this host: redeem its code, or another key",
    ),
    ("not whitelisted", "permission", Reach.PRODUCT, "the signing key has no access to this host"),
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


_NAMING = ("/orders/cancel", "/orders/stop/cancel", "/order_strategies/cancel")
"""Where 404 in the venue's own words, whichever, is said of what was named. A router's page is no such answer; and a
TWAP cancel succeeds for any id, which is why one is asked for as a signed answer: there 404 would be none."""


_HALTED = re.compile(r"trading (is )?disabled")


_HALTED_CODES = frozenset({38})
"""Business codes, HTTP 422. Three generations of their numbers exist: the older 5 and the newer 6 are the same."""


KEPT_BACK = 250
"""Tenths of a credit that cancels by name leave alone: two proofs (7 reads and at most 4 signed answers each), and
what is on its way when an answer first says so. A hundred strategies and the names from two histories still fit."""


def judge(request: Request, reply: Reply) -> Judgement:
    """By the words of the answer first, then by its code and status. Some refusals are bare text, some are empty.

    Reads need no key: what they are refused with says nothing of it, and is asked again.
    """
    try:
        answer: Mapping[str, Any] | None = payload.as_object(reply.json)
    except Unreadable:
        answer = None
    text, ours = _text(answer, reply)
    said = partial(Judgement, words=f"{reply.status} {payload.words(text)}".strip(), hold=_hold(reply))
    if reply.status == 200:
        done = answer is not None and answer.get("success") is True and not answer.get("error")
        bare = answer is not None and "success" not in answer and "cancelled_count" in answer
        if done or (bare and request.path.endswith("/cancel_all")):
            return said(answer=Answer.ACCEPTED)
    if 300 <= reply.status < 400:
        return payload.by_status(reply)
    told = answer.get("code") if answer is not None else None
    code = told if isinstance(told, int) else None
    if reply.status == 429 or (ours and "rate limit" in text.lower()):
        return said(
            answer=Answer.AGAIN,
            kind="rate_limit",
            after=_refresh(reply),
            hint="an API config key has credits of its own",
        )
    if ours and request.method == "POST" and (refused := _refused(request, _plain(text), code, said)) is not None:
        return refused
    if ours and reply.status == 404 and answer is not None and request.path.endswith(_NAMING):
        return said(answer=Answer.NOTHING_OPEN)
    if reply.status in (409, 422) or reply.status == 200 or (reply.status == 400 and (ours or not text)):
        return said(answer=Answer.AMBIGUOUS, kind="unreadable")
    judged = payload.by_status(reply)
    words, hint = judged.words if not text else f"{reply.status} {payload.words(text)}", ""
    if reply.status == 404 and request.method == "GET":
        words = f"404 this host has no {request.path}: not checked"
    elif reply.status == 403:
        hint = "the region is refused, or this address has no access"
    return said(answer=judged.answer, kind=judged.kind, after=judged.after, words=words, hint=hint)


def _refused(request: Request, text: str, code: int | None, said: Callable[..., Judgement]) -> Judgement | None:
    """What a signed request is told besides success; None when neither words nor code say anything known."""
    if "invalid message" in text:
        return said(answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
    for words, kind, reach, hint in _REFUSALS:
        if words in text:
            return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    if _HALTED.search(text) or code in _HALTED_CODES:
        return said(answer=Answer.AMBIGUOUS, suspended=True, hint="trading is halted: try again later")
    by_name = not request.path.endswith("/cancel_all")
    if by_name and (_GONE.search(text) or code in _GONE_CODES):
        return said(answer=Answer.NOTHING_OPEN)
    return None


def _text(answer: Mapping[str, Any] | None, reply: Reply) -> tuple[str, bool]:
    """The words of an answer as they came, to be judged by, and whether they are the venue's and not a gateway's.

    The venue's are `error` in its envelope, or a sentence that is known. They are not scrubbed yet: a secret that is
    also a word of the venue's must not change what an answer means.
    """
    if answer is not None:
        told = answer.get("error")
        text = told if isinstance(told, str) else ""
        enveloped = answer.get("success") is False and "error" in answer
    else:
        text, enveloped = reply.body[:400].decode("utf-8", "replace").strip(), False
        text = "" if text.startswith(("<", "{", "[")) else text
    return text, enveloped or _BARE.match(_plain(text)) is not None


def _plain(text: str) -> str:
    """The same words for `ORDER_NOT_FOUND` and `Order not found`: an error comes as its name or as a sentence."""
    return text.lower().replace("_", " ")


def _refresh(reply: Reply) -> float | None:
    """Seconds until there are credits again."""
    told = limit(reply, "ratelimit", "t")
    return float(told) if told is not None else payload.asked_to_wait(reply)


def _hold(reply: Reply) -> float | None:
    """How long cancels by name have to wait, so that the proof can be paid."""
    left, quota = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
    if left is None or left > min(KEPT_BACK, (quota or 2 * KEPT_BACK) // 2):
        return None
    return _refresh(reply) or 1.0
