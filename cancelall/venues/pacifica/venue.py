"""Pacifica: which segments there are, and what a kill of them leaves out."""

from __future__ import annotations

from cancelall.core.errors import Unreadable
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, unknown_selectors
from cancelall.venues.pacifica.api import ADDRESS_LIMIT, LIMITS, READS, check_secrets, get, judge, sign
from cancelall.venues.pacifica.options import PacificaOptions, account
from cancelall.venues.pacifica.segments import PacificaOrders, PacificaStrategies, PacificaTwaps, read_account
from cancelall.venues.payload import Row


def segments(options: PacificaOptions, facts: None, environment: str) -> tuple[Segment, ...]:
    """Strategies and TWAPs first: they place orders of their own."""
    return (PacificaStrategies(options=options), PacificaTwaps(options=options), PacificaOrders(options=options))


def discoveries(options: PacificaOptions, facts: None) -> tuple[Discovery[None], ...]:
    """Is every symbol known to the venue, and is a key's own address an account?

    A cancel of a misspelt symbol succeeds, and its case matters. An agent key without an account to act for would look
    like an account without orders, whose cancels succeed.
    https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info
    """
    markets = Discovery[None](name="markets", request=get("/info", None, Purpose.DISCOVERY), read=_markets)
    request = get("/account", options, Purpose.DISCOVERY)
    account = Discovery[None](name="account, taken from the key", request=request, read=read_known)
    return (*((markets,) if options.symbol else ()), *(() if options.account else (account,)))


def _markets(request: Request, reply: Reply) -> Batch:
    """One odd market hides no other one."""
    entries = payload.as_list(payload.as_object(reply.json).get("data"), "data")
    symbols = payload.each_row(entries, lambda row: row.name("symbol"))
    if not symbols:
        raise Unreadable("the list of markets names none")
    return Batch(names=tuple(Known(SYMBOL, symbol) for symbol in symbols))


_SHOWN = ("balance", "account_equity", "pending_balance", "available_to_spend", "total_margin_used")
_COUNTED = ("orders_count", "stop_orders_count", "positions_count")


def read_known(request: Request, reply: Reply) -> Batch:
    """Whether the host has such an account, and whether anything is in it. Raises Unreadable without its counts."""
    row = Row(read_account(reply), "account")
    if row.number("orders_count") is None or row.number("stop_orders_count") is None:
        raise Unreadable("the account's counts are missing")
    shown = any((row.text(key) or "0").strip("-0.?") for key in (*_SHOWN, *_COUNTED))
    return Batch(names=(KNOWN if shown or row.record.get("spot_balances") else EMPTY,))


KNOWN, EMPTY = Known("account", "known"), Known("account", "empty")


def doubts(options: PacificaOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Symbols that the venue does not know, each with the nearest right spelling; an address that may be an agent's."""
    unknown = unknown_selectors("Pacifica knows no --symbol", options.symbol, names, SYMBOL)
    if options.account or KNOWN in names:
        return unknown
    return (*unknown, "nothing is at the address of this key: set account, as it may be an agent's key")


def remarks(options: PacificaOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """An account that nobody has configured."""
    taken = "account taken from the key: set account, so that an agent's key is never taken for one"
    return () if options.account else (taken,)


def not_covered(options: PacificaOptions, environment: str) -> tuple[str, ...]:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/subaccounts: each has orders and keys of its own."""
    return ("orders of subaccounts (a profile for each)", "vaults")


def unwitnessed(options: PacificaOptions, keeps_some: bool, reads_only: bool) -> str:
    """What the proof could not rest on."""
    if reads_only:
        return "reading needs no key here: a mistyped account would look empty, too"
    missing = ["the account's own counts (they are those of all markets)"] if options.symbol else []
    missing += ["a last cancel of everything"] if keeps_some else []
    return f"not witnessed: {' and '.join(missing)}" if missing else ""


VENUE = Venue(
    facts=None,
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    account=account,
    check_secrets=check_secrets,
    clock_lead_ms=1000,
    limits=LIMITS,
    address_limit=ADDRESS_LIMIT,
    cost=lambda request: 1 if request.changes else 2,
    own_limit=lambda secrets: secrets.api_config_key is not None,
    judge=judge,
    proves_key=lambda request: request.purpose not in READS,
    late_ms=lambda options: options.expiry_window,
    doubts=doubts,
    remarks=remarks,
    not_covered=not_covered,
    unwitnessed=unwitnessed,
)
