"""DeltaDeFi: its requests, and its codes as judgements."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Literal

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Purpose, Reach, Reply, Request, Signed
from cancelall.venues import payload
from cancelall.venues.contract import Limit, query
from cancelall.venues.deltadefi.options import PAGE_ROWS, DeltadefiOptions, DeltadefiSecrets

LIMITS = {
    "cancels": Limit(count=1, seconds=0.25),
    "open-orders": Limit(count=8),
    "trade-orders": Limit(count=8),
    "order": Limit(count=8),
}
"""Documented without numbers."""

# --- requests ---


def mass_cancel(symbol: str, *, last: bool) -> Request:
    """All orders of a pair, before or behind all others. The body is the document's, blank included."""
    priority = Priority.CANCEL if last else Priority.MASS_CANCEL
    return _post("/order/cancel-all", Purpose.MASS_CANCEL, json.dumps({"symbol": symbol}).encode(), priority)


def cancel(identity: str) -> Request:
    """One order, without a body."""
    return _post(f"/order/{identity}/cancel", Purpose.CANCEL, b"", Priority.CANCEL)


def open_orders(page: int, symbol: str = "") -> Request:
    """One page of the open orders. Without `limit` a page has 10 rows; 250 are the most."""
    narrow = {"symbol": symbol} if symbol else {}
    return _rows("/accounts/open-orders", Purpose.LISTING, page, narrow)


def executed(symbol: str) -> Request:
    """Orders with executions, in pages: a fill is what matters most."""
    return _rows("/accounts/trade-orders", Purpose.FINAL_STATES, 1, {"symbol": symbol})


RECORD = "tell what became of one order"


def record(identity: str) -> Request:
    return _get(f"/accounts/order/{identity}", RECORD, bucket="order")


def market_config() -> Request:
    """https://docs.deltadefi.io/start-trading/developers/trading-pairs-symbols says that it needs no key."""
    return replace(_get("/app/market-config", Purpose.DISCOVERY), signed=False)


def page_after(request: Request, page: int) -> Request:
    """The same read, one page on."""
    return replace(request, query=f"{request.query.rpartition('page=')[0]}page={page + 1}")


def _post(path: str, purpose: Purpose, body: bytes, priority: Priority) -> Request:
    return Request(
        method="POST", path=path, body=body, changes=True, priority=priority, bucket="cancels", purpose=purpose
    )


def _get(path: str, purpose: str, parameters: str = "", bucket: str = "") -> Request:
    return Request(method="GET", path=path, query=parameters, priority=Priority.LISTING, bucket=bucket, purpose=purpose)


def _rows(path: str, purpose: Purpose, page: int, narrow: dict[str, str]) -> Request:
    return _get(path, purpose, query(**narrow, limit=str(PAGE_ROWS), page=str(page)), path.rpartition("/")[2])


def sign(
    request: Request, secrets: DeltadefiSecrets, options: DeltadefiOptions, timestamp_ms: int, widen: int
) -> Signed:
    """The key in a header is all: no signature, no clock. https://docs.deltadefi.io/start-trading/developers/auth"""
    headers = [("X-API-KEY", secrets.api_key.reveal())]
    if request.body:
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


# --- answers ---
_KEY_PAGE = "https://docs.deltadefi.io/start-trading/developers/auth"
_KEY_HINT = (
    "key and host do not match? A key works on live or testnet only, and a new key of the account kills the old one: "
    f"{_KEY_PAGE}"
)

_REFUSED: dict[int, tuple[Literal["auth", "mode", "parameter"], Reach, str]] = {
    4000: ("parameter", Reach.REQUEST, "check the symbols of this profile"),
    4010: ("auth", Reach.KEY, _KEY_HINT),
    4400: ("auth", Reach.KEY, _KEY_HINT),
    4402: ("parameter", Reach.REQUEST, ""),
    4404: ("parameter", Reach.REQUEST, ""),
    4405: ("parameter", Reach.REQUEST, ""),
    4406: ("mode", Reach.PRODUCT, "the account has no operation key: finish its set-up on the site"),
}
"""https://docs.deltadefi.io/start-trading/developers/status-code"""

_AMBIGUOUS = frozenset({4300, 4301, 4302, 4407, 5000})
"""What a Cardano transaction can run into, and the internal error, which also comes with HTTP 400: it may be done."""

_BUSY_SECONDS = 2.0
"""Between tries under a rate limit, unless the venue says how long."""

_ASIDE = frozenset({Purpose.DISCOVERY, Purpose.FINAL_STATES, RECORD})
"""What is public, or only the report needs: a refusal of one says nothing of the rest."""


def judge(request: Request, reply: Reply) -> Judgement:
    """The code decides, not the HTTP status: 4200 and 5000 both came with 400. Without a code the status decides."""
    try:
        answer = reply.json
        code = payload.number(answer, "code") if isinstance(answer, dict) else None
    except Unreadable:
        return _by_status(reply)
    if 300 <= reply.status < 400:
        return payload.by_status(reply)
    if code is not None:
        return _by_code(request, reply, code, payload.message(payload.as_object(answer).get("error")))
    if reply.status == 200 and isinstance(answer, dict | list):
        return Judgement(answer=Answer.ACCEPTED)
    return _by_status(reply)


def _by_code(request: Request, reply: Reply, code: int, message: str) -> Judgement:
    said = partial(Judgement, message=f"{code} {message}".strip())
    wait = payload.retry_after(reply)
    match code:
        case 4200 | 4201 if request.changes:
            # Nothing to cancel, or this order is not open: good answers to a cancel. The listing decides.
            return said(answer=Answer.NOTHING_OPEN)
        case 4200 if request.purpose == RECORD:
            return said(answer=Answer.REFUSED, kind="parameter")
        case 4202:
            return said(answer=Answer.AGAIN)  # a state that passes: placed, matched or cancelled just now
        case 4106:
            return said(answer=Answer.ABSENT, kind="parameter")
        case 4290:
            return said(answer=Answer.AGAIN, kind="rate_limit", after=_BUSY_SECONDS if wait is None else wait)
        case 5001:
            return said(answer=Answer.AGAIN, after=wait)
        case 5002:
            hint = "trading is locked, orders may still be live: run again when the lock is over"
            return said(answer=Answer.AGAIN, kind="mode", hint=hint, after=wait, suspended=True)
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        reach = Reach.REQUEST if request.purpose in _ASIDE else reach
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    if code == 4050 or 4100 <= code <= 4112:  # about placing orders
        return said(answer=Answer.REFUSED, kind="parameter")
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _by_status(reply: Reply) -> Judgement:
    """Most of the venue's codes come with 400, good ones too: without its code it may be one of them.

    Any other status may be a gateway's: an empty 403 came from one in trouble, seen with a 503 of bare text within one
    half hour of 2026-03-31. A 404 of bare text is a router's: if it stays so, this is not the venue's API.
    """
    judged = payload.by_status(reply, unclear=400)
    return replace(judged, hint="host or path is wrong? check base_url") if reply.status == 404 else judged
