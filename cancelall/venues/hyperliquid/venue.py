"""Hyperliquid: which segments there are, whose the key is, which markets there are, and what a kill leaves out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import Priority, Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, names_of, unknown_selectors
from cancelall.venues.hyperliquid import api
from cancelall.venues.hyperliquid.options import CORE, HyperliquidFacts, HyperliquidOptions
from cancelall.venues.hyperliquid.segments import TWAPS, HyperliquidOrders, HyperliquidTwaps, is_spot

# --- scope -----------------------------------------------------------------------------------------------------------


def segments(options: HyperliquidOptions, facts: HyperliquidFacts, environment: str) -> tuple[Segment, ...]:
    """TWAPs first: they place orders in the others. The dexes that nobody named join when they are known.

    While it is not known whose the key is, the orders of its own address are those that can be read.
    """
    user = options.vault or options.account or facts.account or facts.signer
    testnet = environment == "testnet"
    common: dict[str, Any] = {"user": user, "testnet": testnet, "coins": options.coin, "assets": facts.assets}
    dexes = dict.fromkeys(options.dexes or (CORE, *(dex for dex in facts.dexes if dex != TWAPS)))
    orders = (HyperliquidOrders(name=dex, **common) for dex in dexes)
    return (HyperliquidTwaps(dexes=options.dexes, **common), *orders)


def not_covered(options: HyperliquidOptions, environment: str) -> tuple[str, ...]:
    """https://hyperliquid.gitbook.io/hyperliquid-docs/hyperliquid-core: what is no order."""
    others = "other accounts" if options.vault else "sub-accounts and vaults"
    return (f"orders of {others} (a profile for each)", "deposits into vaults, staking, lending, HyperEVM")


# --- whose the key is ------------------------------------------------------------------------------------------------

ACTS_FOR, VAULT_OF, ROLE, DEX = "master", "leader", "role", "dex"
"""Kinds of what discovery reads show."""


def discoveries(options: HyperliquidOptions, facts: HyperliquidFacts) -> tuple[Discovery[HyperliquidFacts], ...]:
    """Whose is the key, and which markets and dexes are there?"""
    read = partial(api.read, purpose=Purpose.DISCOVERY)
    role = api.read("userRole", api.ROLE, user=facts.signer)
    if options.account is None and options.vault is None:  # it tells whose orders are meant
        role = replace(role, priority=Priority.LISTING)
    owner = partial(read_role, facts.signer)
    found = [Discovery(name="whose key it is", request=role, read=owner, learn=_learn_account)]
    if options.vault is not None:
        role = api.read("userRole", api.VAULT, user=options.vault)
        leader = api.read("vaultDetails", api.VAULT, vaultAddress=options.vault)
        found += [
            Discovery(name="whose sub-account or vault it is", request=role, read=_read_master),
            Discovery(name="who leads the vault", request=leader, read=_read_leader, optional=True),
        ]
    markets = partial(Discovery[HyperliquidFacts], learn=_learn_markets)
    if options.dexes is None or CORE in options.dexes:
        named = any(map(is_spot, options.coin))
        found += [
            markets(name="markets of the first dex", request=read("meta"), read=_read_first, optional=True),
            markets(name="spot markets", request=read("spotMeta"), read=_read_spot, optional=not named),
        ]
    return (*found, markets(name="markets", request=read("allPerpMetas"), read=_read_dexes))


def read_role(signer: str, request: Request, reply: Reply) -> Batch:
    """The account that a key acts for: of an agent its master's, else its own, if the venue knows it as a user."""
    role = payload.field(payload.as_object(reply.json), "role")
    if role == "agent":
        return Batch(names=(Known(ROLE, role), Known(ACTS_FOR, _address(reply, "user"))))
    return Batch(names=(Known(ROLE, role), *([Known(ACTS_FOR, signer)] if role == "user" and signer else [])))


def _read_master(request: Request, reply: Reply) -> Batch:
    """The master of a sub-account; an address of another role names none."""
    if payload.field(payload.as_object(reply.json), "role") != "subAccount":
        return Batch(names=())
    return Batch(names=(Known(VAULT_OF, _address(reply, "master")),))


def _address(reply: Reply, key: str) -> str:
    """The address that belongs to a role. Raises Unreadable without one."""
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    return payload.field(data, key).lower()


def _read_leader(request: Request, reply: Reply) -> Batch:
    """Who leads a vault; nobody where the address is none, as null says."""
    if reply.json is None:
        return Batch(names=())
    return Batch(names=(Known(VAULT_OF, payload.field(payload.as_object(reply.json), "leader").lower()),))


def _learn_account(facts: HyperliquidFacts, names: tuple[Known, ...]) -> HyperliquidFacts:
    return replace(facts, account=next(iter(names_of(names, ACTS_FOR)), facts.account))


# --- markets ---------------------------------------------------------------------------------------------------------

_DEXES, _APART = 100_000, 10_000
"""Where the numbers of the markets of further dexes begin, and how many each dex has."""


def _read_dexes(request: Request, reply: Reply) -> Batch:
    """The markets of every dex, in the order by which they are numbered. A dex is called as its markets begin.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/asset-ids
    """
    names: list[Known] = []
    unsure = ""
    for place, meta in enumerate(payload.as_list(reply.json, "the answer")):
        markets, odd = _universe(meta, _DEXES + _APART * place if place else 0)
        dexes = {market.name.rpartition(":")[0] for market in markets if place}
        if odd or len(dexes) > 1 or "" in dexes:
            unsure = "a dex cannot be read"
        if "" not in dexes:  # else nobody knows whose its markets are
            names += [*(Known(DEX, dex) for dex in sorted(dexes)), *markets]
    if not names:
        raise Unreadable("the list of markets names none")
    return Batch(names=tuple(names), unsure=unsure)


def _read_first(request: Request, reply: Reply) -> Batch:
    markets, odd = _universe(reply.json, 0)
    if not markets:
        raise Unreadable("the list of markets names none")
    return Batch(names=tuple(markets), unsure=odd)


def _read_spot(request: Request, reply: Reply) -> Batch:
    """Spot markets, which tell their own number."""
    markets = payload.as_list(payload.as_object(reply.json).get("universe"), "universe")

    def known(row: payload.Row) -> Known | None:
        name, index = row.name("name"), row.number("index")
        return None if name is None or index is None else Known(SYMBOL, name, str(10_000 + index))

    names = payload.each_row(markets, known)
    if not names:
        raise Unreadable("the list of spot markets names none")
    return Batch(names=names)


def _universe(meta: object, first: int) -> tuple[list[Known], str]:
    """The markets of a dex, numbered by their places; one that is delisted, or cannot be read, keeps its own."""
    entries = payload.member(meta, "universe")
    if not isinstance(entries, list):
        return [], "it has no markets"
    names = [payload.member(entry, "name") for entry in entries]
    found = [Known(SYMBOL, name, str(first + at)) for at, name in enumerate(names) if isinstance(name, str) and name]
    return found, "" if len(found) == len(entries) else "a market cannot be read"


def _learn_markets(facts: HyperliquidFacts, names: tuple[Known, ...]) -> HyperliquidFacts:
    """Numbers that are known stay: two reads may show the same markets."""
    assets = {**{one.name: int(one.alias) for one in names if one.alias}, **dict(facts.assets)}
    dexes = (*facts.dexes, *(one.name for one in names if one.kind == DEX))
    return replace(facts, assets=tuple(assets.items()), dexes=tuple(dict.fromkeys(dexes)))


# --- doubts ----------------------------------------------------------------------------------------------------------


def doubts(options: HyperliquidOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """A key that does not act for the address that was listed; coins and dexes that the venue does not know."""
    dexes = (*names, Known(DEX, CORE))
    ours = ", ".join(name for name in names_of(names, DEX) if name in (CORE, TWAPS))
    return (
        *_of_the_key(options, names),
        *([f"a dex is called {ours}, as a segment is here: its orders are not read"] if ours else []),
        *unknown_selectors("Hyperliquid knows no --coin", options.coin, names, SYMBOL),
        *unknown_selectors("Hyperliquid knows no --dex", options.dex, dexes, DEX),
    )


def _of_the_key(options: HyperliquidOptions, names: frozenset[Known]) -> tuple[str, ...]:
    acts_for, roles = names_of(names, ACTS_FOR), names_of(names, ROLE)
    if not roles:  # it could not be read, which is said by itself
        return ()
    if not acts_for:
        return (f"the key is that of no account and of no agent (role {payload.message(roles[0])})",)
    (master, *_) = acts_for
    found = []
    if options.account not in (None, master):
        found.append(
            f"the key acts for {_short(master)}, not for account {_short(options.account or '')}: "
            "an agent has no orders of its own, and a sub-account is named by vault"
        )
    if options.vault is not None and names_of(names, VAULT_OF) != [master]:
        found.append(f"vault {_short(options.vault)} is no sub-account or vault of {_short(master)}")
    return tuple(found)


def _short(address: str) -> str:
    return f"{address[:6]}…{payload.message(address)[-4:]}"


def remarks(options: HyperliquidOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """An account that nobody has configured."""
    taken = "account taken from the key: set account, so that the key of another account is noticed"
    return () if options.account or options.vault else (taken,)


VENUE = Venue(
    facts=HyperliquidFacts(),
    with_key=lambda facts, secrets: HyperliquidFacts(signer=api.signer(secrets)),
    segments=segments,
    discoveries=discoveries,
    sign=api.sign,
    nonces=api.signer,
    account=lambda secrets, options: options.vault or options.account or api.signer(secrets),
    check_secrets=api.check_secrets,
    headers=lambda environment: api.JSON_HEADERS,
    limits=api.LIMITS,
    address_limit=api.ADDRESS_LIMIT,
    listings=20,
    cost=lambda request: request.cost,
    judge=api.judge,
    proves_key=lambda request: request.changes,
    proof_gap=2.0,
    late_ms=lambda options: 0,  # a cancel names its orders: however late it is, it takes no other
    doubts=doubts,
    remarks=remarks,
    not_covered=not_covered,
)
