"""Deribit: which segments the options choose, what it lists, and what its calls leave out."""

from __future__ import annotations

import re
from functools import partial

from cancelall.core.errors import Unreadable
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, unknown_selectors
from cancelall.venues.deribit.api import LIMITS, DeribitRequest, check_secrets, get, judge, sign
from cancelall.venues.deribit.options import DeribitOptions
from cancelall.venues.deribit.segments import DeribitOrders, is_spot

_CURRENCY = "currency"


def segments(options: DeribitOptions, facts: None, environment: str) -> tuple[Segment, ...]:
    """The account, or one for each currency, for a kind, for all instruments together."""
    testnet, kind = environment == "testnet", options.kind or ""
    if options.instrument:
        name = options.instrument[0] if len(options.instrument) == 1 else "instruments"
        return (DeribitOrders(name=name, testnet=testnet, instruments=options.instrument),)
    return tuple(
        DeribitOrders(name=f"{one} {kind}".strip() or "account", testnet=testnet, currency=one, kind=kind)
        for one in options.currency or ("",)
    )


def discoveries(options: DeribitOptions, facts: None) -> tuple[Discovery[None], ...]:
    """Is every selector known to the venue?"""
    coins, names = partial(_names, _CURRENCY, _CURRENCY), partial(_names, "instrument_name", SYMBOL)
    found: list[Discovery[None]] = []
    if options.currency:
        request = get("public/get_currencies", Purpose.DISCOVERY, None)
        found.append(Discovery(name="currencies", request=request, read=coins))
    for currency, kind in dict.fromkeys(map(lookup, options.instrument)):
        values = {"currency": currency, "kind": kind}
        request = get("public/get_instruments", Purpose.DISCOVERY, None, values, "instruments")
        found.append(Discovery(name=f"instruments ({currency} {kind})", request=request, read=names))
    return tuple(found)


def lookup(instrument: str) -> tuple[str, str]:
    """Currency and kind under which an instrument of this shape is listed: a list of all options would be too long.

    https://docs.deribit.com/articles/instrument-names
    """
    token, _, rest = instrument.partition("-")
    if is_spot(instrument):
        return "any", "spot"
    if re.fullmatch(r"\d{1,2}[A-Z]{3}\d{2}-[\dd.]+-[CP]", rest):
        return token.rpartition("_")[2], "option"
    if strategy := re.match(r"([A-Z][A-Z0-9]*)-", rest):
        return "any", "future_combo" if strategy[1] == "FS" else "option_combo"
    return "any", "future"


def _names(key: str, kind: str, request: Request, reply: Reply) -> Batch:
    """One odd row hides no other one."""
    entries = payload.as_list(payload.as_object(reply.json).get("result"), "result")
    names = payload.each_row(entries, lambda row: row.name(key))
    if entries and not names:
        raise Unreadable(f"no row has a readable {key}")
    return Batch(names=tuple(Known(kind, name) for name in names))


def doubts(options: DeribitOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that the venue does not know, each with the nearest right spelling."""
    return (
        *unknown_selectors("Deribit knows no --currency", options.currency, names, _CURRENCY),
        *unknown_selectors("Deribit knows no --instrument", options.instrument, names, SYMBOL),
    )


def not_covered(options: DeribitOptions, environment: str) -> tuple[str, ...]:
    """https://docs.deribit.com/starbase/overview (open orders of direct access are not listed here), the Block RFQ and
    block trade methods, which have scopes of their own, and https://docs.deribit.com/articles/creating-api-key.
    """
    found = ["orders of direct access (SBE): no call here lists them", "block RFQs and their quotes, block trades"]
    if options.instrument and not all("-" in one and lookup(one)[1].endswith("combo") for one in options.instrument):
        found.append("combos in which a selected instrument is a leg (name the combo)")
    if options.kind == "spot" or any(map(is_spot, options.instrument)):
        found.append("spot orders at Coinbase itself")
    return (*found, "orders of other subaccounts (they have keys of their own)")


def unwitnessed(options: DeribitOptions, keeps_some: bool, reads_only: bool) -> str:
    """What the proof could not rest on."""
    return "not witnessed: a last cancel of everything that finds nothing" if keeps_some and not reads_only else ""


VENUE = Venue(
    facts=None,
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    account=lambda secrets, options: secrets.client_id.reveal(),
    check_secrets=check_secrets,
    clock_lead_ms=1000,
    limits=LIMITS,
    judge=judge,
    proves_key=lambda request: isinstance(request, DeribitRequest) and request.testnet is not None,
    late_ms=lambda options: 60_000,  # https://docs.deribit.com/articles/authentication
    doubts=doubts,
    not_covered=not_covered,
    unwitnessed=unwitnessed,
)
