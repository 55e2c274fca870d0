"""Pacifica: what tells whether a kill would work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from cancelall.core.model import Priority, Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window, share
from cancelall.venues import payload
from cancelall.venues.pacifica.api import API, get, limit, signed_answer
from cancelall.venues.pacifica.options import PacificaOptions
from cancelall.venues.pacifica.venue import read_known


def questions(options: PacificaOptions, now_ms: int) -> tuple[Question, ...]:
    """Whether the host has the account; with the account's own key also a signed read, which agents may not do."""
    read = partial(_read_account, options)
    account = Question(name="account", request=get("/account", options, Purpose.DISCOVERY), read=read)
    if options.agent_wallet:
        return (account,)
    listing = Request(
        method="POST",
        path=f"{API}/agent/list",
        body=json.dumps({}).encode(),
        priority=Priority.OTHER,
        bucket="read",
        purpose=Purpose.QUESTION,
    )
    return (account, Question(name="signature", request=listing, read=_read_agents))


def _read_account(options: PacificaOptions, request: Request, reply: Reply) -> KeyFacts:
    """Anyone may read any account: this tells nothing of the key. There is no call for the venue's clock.

    An address that was taken from the key must at least be one that the venue knows.
    """
    if not options.account:
        read_known(request, reply)
    payload.as_object(reply.json)
    return KeyFacts()


def _read_agents(request: Request, reply: Reply) -> KeyFacts:
    """https://docs.pacifica.fi/api-documentation/api/signing/api-agent-keys: for the account's own key only."""
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    payload.as_list(data.get("agent_wallets"), "agent_wallets")
    return KeyFacts(can_list=True, can_cancel=True)


def _known(options: PacificaOptions) -> KeyFacts:
    """What kind of key it is. Sources disagree on whether an agent key can withdraw: it is not said that it cannot."""
    if not options.agent_wallet:
        return KeyFacts(
            can_withdraw=True,
            withdraw_note="it is the account's own key, which holds the funds: use an agent key instead",
            endless=True,
            remarks=() if options.account else ("account taken from the key: set account",),
        )
    return KeyFacts(
        withdraw_note="whether an agent key can withdraw is not documented, and neither can its address list be seen: "
        "switch the list on",
        remarks=("reads need no key here: whether this one is bound to the account shows only with --live",),
        endless=True,
    )


def probes(options: PacificaOptions, environment: str) -> tuple[Probe, ...]:
    """A cancel of a TWAP that cannot exist: it succeeds only if key, agent and account belong together."""
    return (Probe(request=signed_answer(), description="a TWAP order whose id cannot exist"),)


_NOBODY = "11111111111111111111111111111111"
"""Solana's system program: an account that nobody has there."""


def public(options: PacificaOptions) -> Mapping[str, Question]:
    """No call tells the venue's clock. Which account is read does not matter: every answer will do."""
    request = replace(get("/account", None, Purpose.QUESTION, account=options.account or _NOBODY), signed=False)
    return {"": Question(name="account", request=request, read=lambda request, reply: KeyFacts())}


def budget(host: str, headers: Mapping[str, str]) -> float | None:
    """Every answer tells what is left of the credits: https://docs.pacifica.fi/api-documentation/api/rate-limits"""
    reply = Reply(status=200, headers=headers, body=b"")
    left, most = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
    return None if left is None or most is None else share(str(left), str(most))


PREFLIGHT = Preflight(
    budget=budget,
    questions=questions,
    known=_known,
    # How far ahead a timestamp may be is not documented; they are one second late on purpose.
    window=lambda options: Window(behind_ms=options.expiry_window - 1000, ahead_ms=1000),
    key_page="https://app.pacifica.fi/apikey",
    probes=probes,
    public=public,
)
