"""Deribit: what tells whether a kill would work."""

from __future__ import annotations

from dataclasses import replace

from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window
from cancelall.venues import payload
from cancelall.venues.deribit.api import KEY_PAGE, LOGIN, cancelling, get
from cancelall.venues.deribit.options import DeribitOptions
from cancelall.venues.payload import Row

_ADDRESSES = "to which addresses the key is bound, the venue shows behind a second factor only"
_NOBODY = "cancelall: no order has this label"


def questions(options: DeribitOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, what a log-in says that the key may do, and what is locked.

    The list of API keys would show to which addresses this one is bound, and the secrets of all: it is not read.
    """
    time = get("public/get_time", Purpose.QUESTION, None)
    login = replace(get("public/auth", LOGIN, None), method="POST", body=b"{}", signed=True)
    locks = get("private/get_user_locks", Purpose.QUESTION, None)
    return (
        Question(name="server time", request=time, read=_read_time),
        Question(name="key", request=login, read=_read_scope),
        Question(name="locks", request=locks, read=_read_locks),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.deribit.com/api-reference/supporting/public-get_time"""
    return KeyFacts(server_ms=payload.number(payload.as_object(reply.json), "result"))


def _read_scope(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.deribit.com/articles/access-scope: names, each with what it allows behind a colon."""
    result = payload.as_object(payload.as_object(reply.json).get("result"), "result")
    scope = set(payload.field(result, "scope").split())
    addresses = any(one.startswith("ip:") for one in scope)
    makes_keys = ("the key can make and change API keys (account:read_write)",)
    return KeyFacts(
        can_list=bool(scope & {"trade:read", "trade:read_write"}),
        can_cancel="trade:read_write" in scope,
        can_withdraw="wallet:read_write" in scope,
        can_transfer="wallet:read_write" in scope,
        bound=True if addresses else None,
        remarks=makes_keys[: "account:read_write" in scope],
    )


def _read_locks(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.deribit.com/api-reference/account-management/private-get_user_locks: `locked` by its schema,
    `enabled` in its example.
    """
    entries = payload.as_list(payload.as_object(reply.json).get("result"), "result")

    def read(row: Row) -> str | None:
        locked = row.flag("locked"), row.flag("enabled")
        words = ": ".join(filter(None, (row.name("currency"), row.name("message"))))
        return f"the account is locked in {payload.message(words)}" if True in locked else None

    return KeyFacts(remarks=payload.each_row(entries, read))


def probes(options: DeribitOptions, environment: str) -> tuple[Probe, ...]:
    """A cancel by a label that nobody has: it needs the same scope as the cancel of everything."""
    request = cancelling("cancel_by_label", Purpose.MASS_CANCEL, environment == "testnet", {"label": _NOBODY})
    return (Probe(request=request, description=f'orders with the label "{_NOBODY}"'),)


PREFLIGHT = Preflight(
    questions=questions,
    known=lambda options: KeyFacts(remarks=(_ADDRESSES,)),
    # 60 s after it was made a signature ends; how far ahead it may be is not documented. They are 1 s late on purpose.
    window=lambda options: Window(behind_ms=59_000, ahead_ms=1000),
    key_page=KEY_PAGE,
    probes=probes,
)
