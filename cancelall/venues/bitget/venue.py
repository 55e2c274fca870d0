"""Bitget: which segments a mode and the options choose, which instruments there are, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload, signing
from cancelall.venues.bitget import api
from cancelall.venues.bitget.classic import BLIND_AT_MOST, BitgetSpot, Futures, Plans, SpotPlans
from cancelall.venues.bitget.options import FUTURES, BitgetFacts, BitgetOptions, selected
from cancelall.venues.bitget.unified import BitgetStrategies, Unified
from cancelall.venues.contract import (
    SYMBOL,
    Batch,
    Discovery,
    Known,
    Limit,
    Segment,
    Venue,
    names_of,
    unknown_selectors,
)
from cancelall.venues.payload import Row

# --- scope ----------------------------------------------------------------------------------------------------------


def segments(options: BitgetOptions, facts: BitgetFacts, environment: str) -> tuple[Segment, ...]:
    """The segments of the APIs that this account can be behind; the classic one until it is known.

    An account that both refuse is being switched: both stay, each with its refusal. Those come first whose ordinary
    orders are cancelled unseen: the connections that are open at the start are theirs.
    """
    nobody = len(facts.closed) == 2
    segments: list[Segment] = []
    if facts.mode != "unified" and (nobody or "classic" not in facts.closed):
        segments += _classic(options)
    if facts.mode in ("unified", "hybrid") and (nobody or "unified" not in facts.closed):
        segments += _unified(options, "unified " if facts.mode == "hybrid" else "")
    return tuple(sorted(segments, key=lambda segment: (segment.spawns or not segment.blind, not segment.spawns)))


def _classic(options: BitgetOptions) -> list[Segment]:
    """Two for each product: the plan orders become ordinary ones when they fire.

    Margin orders are listed by symbol only: they cannot be proven empty.
    """
    coin, unseen = options.margin_coin, BLIND_AT_MOST
    segments: list[Segment] = []
    for product, symbols in selected(options).items():
        name = f"{product} plan orders"
        if product == "SPOT":
            segments += (BitgetSpot(name=product, symbols=symbols), SpotPlans(name=name, symbols=symbols))
        elif product in FUTURES:
            plans = Plans(name=name, product=product, symbols=symbols, coin=coin, unseen=unseen)
            segments += (Futures(name=product, product=product, symbols=symbols, coin=coin), plans)
            unseen -= len(plans.blind)
    return segments


def _unified(options: BitgetOptions, prefix: str) -> list[Segment]:
    """Two for each category: the strategies become ordinary orders when they fire."""
    segments: list[Segment] = []
    for category, symbols in selected(options).items():
        # Only coin-margined contracts differ in their coin. They are settled in the one that their name begins with.
        base = options.margin_coin if category == "COIN-FUTURES" else None
        name = f"{prefix}{category}"
        segments += (
            Unified(name=name, category=category, symbols=symbols, base=base),
            BitgetStrategies(name=f"{name} strategy orders", category=category, symbols=symbols, base=base),
        )
    return segments


def not_covered(options: BitgetOptions, environment: str) -> tuple[str, ...]:
    """What no request of this scope reaches."""
    chosen = selected(options)
    outside = ["grid bots and other bots", "copy trading", "sub-accounts (each has its own key)"]
    if "MARGIN" in chosen or "SPOT" in chosen:
        outside.insert(0, "margin orders of a classic account (cross and isolated)")
        outside.append("Stock+ and other tokenised stocks")
    if options.margin_coin == "USDC" and "COIN-FUTURES" not in chosen:
        outside.append("COIN-FUTURES orders with USDC as their margin")
    return tuple(outside)


def unwitnessed(options: BitgetOptions, keeps_some: bool, reads_only: bool) -> str:
    """Where Bitget's own word, 22001, is not to be had."""
    if not any(product in FUTURES for product in selected(options)):
        return ""
    why = "nothing was cancelled" if reads_only else "some orders are kept" if keeps_some else ""
    why = why or ("it does not go by symbol" if options.symbol else "")
    return f'Bitget\'s own "no order to cancel" did not come ({why}): this rests on the listings alone' if why else ""


# --- the account's mode, and instruments ----------------------------------------------------------------------------


def learn_mode(facts: BitgetFacts, mode: str) -> BitgetFacts:
    """Facts after an API refused the account because it is in the other mode, or the classic one served it."""
    if mode == api.SERVED:
        both = facts.mode == "unified" and "classic" not in facts.closed
        return replace(facts, served=True, mode="hybrid" if both else facts.mode)
    closed = facts.closed | {"classic" if mode == "unified" else "unified"}
    alone: Literal["classic", "unified"] = "unified" if mode == "unified" else "classic"
    return replace(facts, mode="hybrid" if facts.mode == "hybrid" or len(closed) == 2 else alone, closed=closed)


_BEING_SWITCHED = frozenset({"upgrading", "switching"})
_MODES = _BEING_SWITCHED | {"classic", "unified", "hybrid", "undisclosed"}


def discoveries(options: BitgetOptions, facts: BitgetFacts) -> tuple[Discovery[BitgetFacts], ...]:
    """Which mode is the account in? And is every selector known to the venue?"""
    reads = [Discovery(name="account mode", request=api.account_mode(), read=_read_mode, learn=_learn_settings)]
    for product in selected(options) if options.symbol or _coins(options) else ():
        if product == "MARGIN":  # its symbols are those of spot
            continue
        request = api.public("/api/v2/spot/public/symbols", Purpose.DISCOVERY)
        if product in FUTURES:
            request = api.public("/api/v2/mix/market/contracts", Purpose.DISCOVERY, productType=product)
        read = partial(_read_instruments, product in FUTURES)
        reads.append(Discovery(name=f"{product} instruments", request=request, read=read))
    return tuple(reads)


def _read_mode(request: Request, reply: Reply) -> Batch:
    """`accountMode`, or that there is none. Where it is missing, or odd, both APIs are used, and each has to answer.

    Raises Unreadable for another shape: then it is read again.
    """
    code = api.code_of(reply)
    if code in api.UNIFIED_SAYS_NO:
        return Batch(names=(Known("mode", "classic"),))
    if code in api.NO_RIGHT:
        return Batch(names=(Known("mode", "undisclosed"),))
    mode = Row(api.data(reply), "data").text("accountMode")
    known = None if mode == payload.UNREADABLE else mode
    return Batch(names=(Known("mode", payload.message(known) if known else "undisclosed"),))


def _learn_settings(facts: BitgetFacts, names: tuple[Known, ...]) -> BitgetFacts:
    """`unified` leaves out the classic API, unless it serves; other words leave both in, unless one refuses."""
    mode = names[0].name
    if mode == "classic":
        return learn_mode(facts, "classic")
    if facts.mode:
        return facts
    return replace(facts, mode="unified" if mode == "unified" and not facts.served else "hybrid")


def _read_instruments(contracts: bool, request: Request, reply: Reply) -> Batch:
    """The symbols, and of contracts the margin coins. A row that cannot be read names none; the others do."""
    names: list[Known] = []
    for entry in payload.as_list(api.data(reply), "data"):
        record = entry if isinstance(entry, dict) else {}
        symbol = record.get("symbol")
        names += [Known(SYMBOL, symbol.upper())] if isinstance(symbol, str) and symbol else []
        coins = record.get("supportMarginCoins") if contracts else None
        listed = coins if isinstance(coins, list) else []
        names += [Known("coin", coin.upper()) for coin in listed if isinstance(coin, str)]
    return Batch(names=tuple(names))


def _coins(options: BitgetOptions) -> tuple[str, ...]:
    """Coins to look up. USDT and USDC are none: the documents name them, each as that of its own contracts."""
    return () if options.margin_coin in (None, "USDT", "USDC") else (options.margin_coin,)


def doubts(options: BitgetOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that none of the venue's instruments has, and a mode in which nothing can be proven."""
    doubts = [*unknown_selectors("Bitget knows no --symbol", options.symbol, names, SYMBOL)]
    doubts += unknown_selectors("Bitget knows no --margin-coin", _coins(options), names, "coin")
    for mode in names_of(names, "mode"):
        if mode in _BEING_SWITCHED:
            doubts.append(f"the account is being moved to another mode ({mode}): run again in a minute")
        elif mode not in _MODES:
            doubts.append(f'Bitget reports the account mode "{mode}", which is not known here')
    return tuple(doubts)


def remarks(options: BitgetOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """What no second word of the venue would show: orders that are older than a listing looks back.

    The default windows are being narrowed (fills from 90 to 7 days, 2026-08-04).
    """
    modes = names_of(names, "mode")
    blind = ["SPOT orders"] if "SPOT" in selected(options) and "unified" not in modes else []
    blind += ["strategy orders"] if {"unified", "hybrid", "undisclosed"} & set(modes) else []
    if not blind:
        return ()
    return (
        f"Bitget is narrowing how far its listings look back, and has no second word on {' and '.join(blind)}: "
        "look in the app for any that are months old",
    )


VENUE = Venue(
    facts=BitgetFacts(),
    segments=segments,
    discoveries=discoveries,
    learn_mode=learn_mode,
    sign=api.sign,
    check_secrets=signing.check_rsa_key,
    headers=api.headers,
    limits=api.LIMITS,
    address_limit=Limit(count=6000, seconds=60.0),
    judge=api.judge,
    # That an account has no settings may be said before the signature is looked at.
    proves_key=lambda request: request.signed and request.purpose != api.MODE,
    late_ms=lambda options: 30_000,
    doubts=doubts,
    remarks=remarks,
    not_covered=not_covered,
    unwitnessed=unwitnessed,
)
