"""Hyperliquid: what tells whether a kill would work."""

from __future__ import annotations

from functools import partial

from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window
from cancelall.venues import payload
from cancelall.venues.hyperliquid.api import ROLE, cancel, read
from cancelall.venues.hyperliquid.options import CORE, HyperliquidOptions
from cancelall.venues.hyperliquid.venue import remarks
from cancelall.venues.payload import Row


def questions(options: HyperliquidOptions, now_ms: int) -> tuple[Question, ...]:
    """Whose the key is, when it ends, what the account may still send; its mode and the venue's clock.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint, and the schemas of
    https://github.com/nktkas/hyperliquid (db80d59) for `extraAgents`, `userToMultiSigSigners` and `exchangeStatus`.
    """
    of, master = partial(read, purpose=Purpose.QUESTION), options.account
    found = [
        Question(name="server time", request=of("exchangeStatus"), read=_read_time),
        Question(name="key", request=read("userRole", ROLE, user=options.agent or ""), read=_read_role),
    ]
    if master is not None:
        agents = partial(_read_agents, options.agent)
        found.append(Question(name="agents", request=of("extraAgents", user=master), read=agents))
        found.append(Question(name="signers", request=of("userToMultiSigSigners", user=master), read=_read_signers))
    if (user := options.vault or master) is not None:
        found.append(Question(name="requests", request=of("userRateLimit", user=user), read=_read_budget))
    return tuple(found)


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """`time` in ms, and words where the venue is in an unusual state."""
    answer = payload.as_object(reply.json)
    special = answer.get("specialStatuses")
    words = payload.message(special) if isinstance(special, str) else "see its site" if special else ""
    remarks = (f"the venue is in a special state: {words}",) if words else ()
    return KeyFacts(server_ms=payload.number(answer, "time"), remarks=remarks)


def _read_role(request: Request, reply: Reply) -> KeyFacts:
    """An agent can trade, and nothing that it signs leaves the account."""
    role = payload.field(payload.as_object(reply.json), "role")
    if role == "agent":
        return KeyFacts(can_list=True, can_cancel=True, can_withdraw=False)
    if role == "user":
        note = "it is the account's own key, which holds the funds: approve an agent (API wallet) and use its key"
        return KeyFacts(can_list=True, can_cancel=True, can_withdraw=True, withdraw_note=note, endless=True)
    return KeyFacts(remarks=(f"the key is that of no account and of no agent (role {payload.message(role)})",))


def _read_agents(agent: str | None, request: Request, reply: Reply) -> KeyFacts:
    """When the agent ends; only those with a name are listed."""
    if agent is None:
        return KeyFacts(remarks=("when the key ends cannot be looked up: set agent, the address of the API wallet",))
    for row in map(Row, payload.as_list(reply.json, "the answer")):
        if (row.text("address") or "").lower() == agent:
            ends = row.number("validUntil")
            return KeyFacts(expires_ms=ends, endless=ends is None and not row.oddities)
    return KeyFacts(remarks=("the agent is not among those with a name: when it ends is not shown",))


def _read_signers(request: Request, reply: Reply) -> KeyFacts:
    """Null for an account that one key can act for."""
    if reply.json is None:
        return KeyFacts()
    payload.as_object(reply.json)
    return KeyFacts(mode="multi-sig", mode_trouble="every action needs several signatures, and a kill has one")


_LOW = 2000
"""Cancels that are left, below which it is worth a warning."""


def _read_budget(request: Request, reply: Reply) -> KeyFacts:
    """https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits: cancels may go
    beyond what an account may send, up to twice as much, or by 100,000.
    """
    answer = payload.as_object(reply.json)
    used, cap = payload.number(answer, "nRequestsUsed"), payload.number(answer, "nRequestsCap")
    if used is None or cap is None:
        raise Unreadable("nRequestsUsed or nRequestsCap is missing")
    left = min(cap + 100_000, 2 * cap) - used
    if left >= _LOW:
        return KeyFacts()
    words = "the account has used up its cancels"
    if left > 0:
        words = f"{left} cancels are left of what the account may send"
    return KeyFacts(remarks=(f"{words}: beyond that, one action goes in ten seconds; trading makes room for more",))


def probes(options: HyperliquidOptions, environment: str) -> tuple[Probe, ...]:
    """A cancel of an order that cannot exist: it is answered only if the venue knows the key."""
    nothing = cancel(((Order(id="0", segment=CORE), 0),), testnet=environment == "testnet")
    return (Probe(request=nothing, description="an order whose id cannot exist"),)


PREFLIGHT = Preflight(
    questions=questions,
    known=lambda options: KeyFacts(remarks=remarks(options, frozenset())),
    # https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets: two days and one day.
    window=lambda options: Window(behind_ms=172_800_000, ahead_ms=86_400_000),
    key_page="https://app.hyperliquid.xyz/API",
    probes=probes,
)
