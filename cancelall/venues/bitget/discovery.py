"""Bitget: what is read beside the kill, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from cancelall.core.declare import nearest
from cancelall.core.model import Reply, Request
from cancelall.venues import payload
from cancelall.venues.bitget import calls, reading
from cancelall.venues.bitget.options import FUTURES, SETTINGS, Facts, Options, selected
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, words
from cancelall.venues.payload import Row

SERVED = "served by the classic API"


def learn_mode(facts: Facts, mode: str) -> Facts:
    """Facts after an API refused the account because it is in the other mode, or the classic one served it."""
    if mode == SERVED:
        both = facts.mode == "unified" and "classic" not in facts.closed
        return replace(facts, served=True, mode="hybrid" if both else facts.mode)
    closed = facts.closed | {"classic" if mode == "unified" else "unified"}
    alone: Literal["classic", "unified"] = "unified" if mode == "unified" else "classic"
    return replace(facts, mode="hybrid" if facts.mode == "hybrid" or len(closed) == 2 else alone, closed=closed)


UNIFIED_SAYS_NO = frozenset({"40084", "25245"})


NO_RIGHT = frozenset({"40014", "40025", "40040", "25620"})


_BEING_SWITCHED = frozenset({"upgrading", "switching"})


_MODES = _BEING_SWITCHED | {"classic", "unified", "hybrid", "undisclosed"}


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Which mode is the account in? And is every selector known to the venue?"""
    settings = calls.get(SETTINGS)
    found = [Discovery(name="account mode", request=settings, read=_read_mode, learn=_learn_settings)]
    if options.symbol or _coin_to_look_up(options):
        for product in selected(options):
            if product == "MARGIN":  # its symbols are those of spot
                continue
            request = calls.public("/api/v2/spot/public/symbols")
            if product in FUTURES:
                request = calls.public("/api/v2/mix/market/contracts", productType=product)
            read = partial(_read_instruments, product in FUTURES)
            found.append(
                Discovery(name=f"{product} instruments", request=request, read=read, learn=lambda facts, names: facts)
            )
    return tuple(found)


def _read_mode(request: Request, reply: Reply) -> Batch:
    """`accountMode`, or that there is none. Where it is not told, or odd, both APIs are asked, and each has to answer.

    Raises Unreadable for another shape: then it is read again.
    """
    code = reading.code_of(reply)
    if code in UNIFIED_SAYS_NO:
        return Batch(names=(Known("mode", "classic"),))
    if code in NO_RIGHT:
        return Batch(names=(Known("mode", "undisclosed"),))
    mode = Row(reading.data(reply), "data").text("accountMode")
    told = None if mode == payload.UNREADABLE else mode
    return Batch(names=(Known("mode", payload.words(told) if told else "undisclosed"),))


def _learn_settings(facts: Facts, names: tuple[Known, ...]) -> Facts:
    """`unified` leaves out the classic API, unless it serves; other words leave both in, unless one refuses."""
    word = names[0].word
    if word == "classic":
        return learn_mode(facts, "classic")
    if facts.mode:
        return facts
    return replace(facts, mode="unified" if word == "unified" and not facts.served else "hybrid")


def _read_instruments(contracts: bool, request: Request, reply: Reply) -> Batch:
    """The symbols, and of contracts the margin coins. A row that cannot be read names none; the others do."""
    names: list[Known] = []
    for entry in payload.as_list(reading.data(reply), "data"):
        record = entry if isinstance(entry, dict) else {}
        symbol = record.get("symbol")
        names += [Known(SYMBOL, symbol.upper())] if isinstance(symbol, str) and symbol else []
        coins = record.get("supportMarginCoins") if contracts else None
        names += (
            [Known("coin", coin.upper()) for coin in coins if isinstance(coin, str)] if isinstance(coins, list) else []
        )
    return Batch(names=tuple(names))


def _coin_to_look_up(options: Options) -> str | None:
    """USDT and USDC need no look-up: the documents name them, each as that of its own contracts."""
    return None if options.margin_coin in ("USDT", "USDC") else options.margin_coin


def doubts(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that none of the venue's instruments has, and a mode in which nothing can be proven."""
    found = []
    asked = [("symbol", "--symbol", one) for one in options.symbol]
    asked += [("coin", "--margin-coin", coin)] if (coin := _coin_to_look_up(options)) else []
    for key, flag, word in asked:
        known = words(names, key)
        if word not in known:
            found.append(f"Bitget knows no {flag} {word}{nearest(word, known)}")
    for mode in words(names, "mode"):
        if mode in _BEING_SWITCHED:
            found.append(f"the account is being moved to another mode ({mode}): run again in a minute")
        elif mode not in _MODES:
            found.append(f'Bitget reports the account mode "{mode}", which is not known here')
    return tuple(found)


def remarks(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """What no second word of the venue would show: orders that are older than a listing looks back.

    The default windows are being narrowed (fills from 90 to 7 days, 2026-08-04).
    """
    chosen = selected(options)
    blind = ["SPOT orders"] if "SPOT" in chosen and "unified" not in words(names, "mode") else []
    blind += ["strategy orders"] if {"unified", "hybrid", "undisclosed"} & set(words(names, "mode")) else []
    if not blind:
        return ()
    return (
        f"Bitget is narrowing how far its listings look back, and has no second word on {' and '.join(blind)}: "
        "look in the app for any that are months old",
    )
