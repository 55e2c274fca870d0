"""Bybit: the instruments that it lists, and which selectors none of them has."""

from __future__ import annotations

from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Reply, Request
from cancelall.venues import payload
from cancelall.venues.bybit.calls import get, query_string
from cancelall.venues.bybit.options import LINEAR_COINS, Category, Facts, Options, selected, symbols_of
from cancelall.venues.bybit.reading import sheet
from cancelall.venues.contract import Batch, Discovery, Known, words
from cancelall.venues.payload import UNREADABLE, Row


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Is every selector known to the venue? Bybit answers success to a misspelt one.

    USDT and USDC need no look-up: the documents name them. Pre-market contracts are in no list unless asked for.
    """
    found = []
    categories = [one for one in selected(options) if one not in ("strategy", "spread")]
    plain: tuple[Category, ...] = ("linear", "inverse", "spot")
    if options.symbol and "strategy" in selected(options) and not set(plain) & set(categories):
        categories += plain  # strategies trade what these list, and have no list of their own
    coin = options.base_coin or (options.settle_coin if options.settle_coin not in LINEAR_COINS else None)
    if options.symbol or coin:
        for category in categories:
            for words, values in _instrument_reads(category, options):
                query = query_string(category=category, limit="1000", **values)
                request = get("/v5/market/instruments-info", query, "instruments", signed=False)
                found.append(Discovery(name=f"{category} {words}", request=request, read=_instruments, learn=_keep))
        if options.symbol and "linear" in categories:
            query = query_string(category="linear", limit="1000", status="PreLaunch")
            request = get("/v5/market/instruments-info", query, "instruments", signed=False)
            name = "pre-market contracts"
            found.append(Discovery(name=name, request=request, read=_instruments, learn=_keep, optional=True))
        if "spread" in selected(options):
            request = get("/v5/spread/instrument", query_string(limit="500"), "instruments", signed=False)
            found.append(Discovery(name="spread instruments", request=request, read=_instruments, learn=_keep))
    return tuple(found)


def _instrument_reads(category: str, options: Options) -> tuple[tuple[str, dict[str, str]], ...]:
    """What to call a read of a category's instruments, and what narrows it.

    Options come one base coin at a time, BTC by default: https://bybit-exchange.github.io/docs/v5/market/instrument
    """
    if category != "option":
        return (("instruments", {}),)
    of_symbols = tuple(one.partition("-")[0] for one in symbols_of("option", options))
    coins = dict.fromkeys(("BTC", *((options.base_coin,) if options.base_coin else of_symbols)))
    return tuple((f"instruments of {coin}", {"baseCoin": coin}) for coin in coins)


def _instruments(request: Request, reply: Reply) -> Batch:
    """The names of one page's instruments and coins. One that is odd has no name, and hides no other.

    Raises Unreadable where they are of another category.
    """
    found = sheet(request, reply)
    if found.unsure and not found.rows:
        raise Unreadable(found.unsure)
    names: list[Known] = []

    def read(row: Row) -> None:
        for key in ("symbol", "baseCoin", "settleCoin"):
            value = row.text(key)
            names.extend([Known(key, value)] if value is not None and value != UNREADABLE else [])

    payload.orders(found.rows, read, "instrument")
    return Batch(names=tuple(names), next=found.next)


def _keep(facts: Facts, names: tuple[Known, ...]) -> Facts:
    return facts


def doubts(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that none of the venue's instruments has, each with the nearest right spelling.

    The lists show what trades now; a symbol under which an order is listed exists, too.
    """
    asked = [("symbol", one) for one in options.symbol]
    asked += [("baseCoin", options.base_coin)] if options.base_coin else []
    asked += [("settleCoin", options.settle_coin)] if options.settle_coin not in (None, *LINEAR_COINS) else []
    found = []
    for key, word in asked:
        known = words(names, key)
        if word and word not in known:
            flag = {"symbol": "--symbol", "baseCoin": "--base-coin", "settleCoin": "--settle-coin"}[key]
            found.append(f"Bybit knows no {flag} {word}{nearest(word, known)}")
    return tuple(found)
