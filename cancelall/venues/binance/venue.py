"""Binance: which segments the options and the account choose, which symbols there are, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from cancelall.core.errors import OptionError
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload, signing
from cancelall.venues.binance import api
from cancelall.venues.binance import segments as kinds
from cancelall.venues.binance.options import BinanceFacts, BinanceOptions, asks_for_mode, can_hold, selected, symbols_of
from cancelall.venues.contract import (
    SYMBOL,
    Batch,
    Discovery,
    Known,
    Remembered,
    Segment,
    Venue,
    names_of,
    unknown_selectors,
)
from cancelall.venues.payload import Row

_CLASS: Mapping[str, type[kinds.Wallet]] = {
    "spot": kinds.SpotWallet,
    **dict.fromkeys(("margin", "pm margin"), kinds.MarginWallet),
    "option": kinds.OptionWallet,
    **dict.fromkeys(("usdm", "coinm", "pm usdm", "pm coinm"), kinds.Wallet),
}
_PM = ("margin", "usdm", "coinm")
"""Products that a portfolio margin account has behind `papi` alone."""
_PARENTS = {"spot TWAP": "spot", "usdm TWAP/VP": "usdm"}
"""TWAP and VP orders, with the product in which they trade; under portfolio margin, too."""
_ISOLATED = "isolated "


def segments(options: BinanceOptions, facts: BinanceFacts, environment: str) -> tuple[Segment, ...]:
    """The wallets in scope, parents first, and those first whose orders are cancelled unseen.

    Those behind `papi` once portfolio margin is known to be on, or an earlier run has seen orders there. Raises
    OptionError when the options leave none.
    """
    chosen = selected(options, environment)
    if not chosen:
        words = " ".join(options.product) or "these selectors"
        raise OptionError(
            f"the environment {environment} has none of {words}", "choose other products or symbols for this profile"
        )
    moved = [one for one in _PM if "pm" in options.product or one in chosen]
    pm = "pm" in options.product or facts.mode == "pm" or any(name.startswith("pm ") for name, _ in facts.remembered)
    remembered = dict(facts.remembered)
    found: list[Segment] = []
    for name in (*chosen, *(f"pm {one}" for one in moved if pm)):
        symbols = symbols_of(name.removeprefix("pm "), options)
        if name in _CLASS and (symbols or not options.symbol):
            known = () if options.symbol else remembered.get(name, ())
            found.append(_CLASS[name](name=name, wallet=name, symbols=symbols, remembered=known))
    if "isolated" in chosen:
        pairs = symbols_of("isolated", options) or facts.pairs
        found += [kinds.MarginWallet(name=_ISOLATED + pair, wallet="isolated", pair=pair) for pair in pairs]
    for name, product in _PARENTS.items() if environment == "live" else ():
        symbols = symbols_of(product, options)
        wanted = product in chosen or (product == "usdm" and "pm" in options.product)
        if wanted and (symbols or not options.symbol):
            found.append(kinds.Parents(name=name, wallet=name, symbols=symbols))
    return tuple(sorted(found, key=lambda segment: (not segment.spawns, not segment.blind)))


def never(facts: BinanceFacts) -> frozenset[str]:
    """Wallets that the account was never opened for, or has behind `papi`: they refuse everything then (-2015)."""
    return facts.lacks | frozenset(_PM if facts.mode == "pm" else ())


def recall(facts: BinanceFacts, remembered: Remembered) -> BinanceFacts:
    """Symbols of an earlier run are fired at unseen, and its isolated pairs are swept from the start."""
    pairs = tuple(name.removeprefix(_ISOLATED) for name, _ in remembered if name.startswith(_ISOLATED))
    return replace(facts, remembered=remembered, pairs=pairs)


def not_covered(options: BinanceOptions, environment: str) -> tuple[str, ...]:
    """What no call of the API reaches, or only another service."""
    found = ["convert limit orders", "stocks (equity orders)", "the prediction market"]
    found += ["trading bots, copy trading, Alpha and OTC orders (on the site)"]
    found += ["other sub-accounts (a profile for each)"]
    if environment == "testnet":
        found.append("all products but spot (the spot testnet has no others)")
    if environment == "demo":
        found.append("margin, options, portfolio margin and TWAP/VP (not in demo trading)")
    if "option" in selected(options, environment):
        found.append("block trades of options")
    return tuple(found)


_FLAGS = {
    "isMarginEnabled": ("margin",),
    "isFutureEnabled": ("usdm", "usdm TWAP/VP", "coinm"),
    "isOptionsEnabled": ("option",),
}
_NO_CALL = "no such call"
"""The kind of `Known` for a read that the venue says it does not have."""


def discoveries(options: BinanceOptions, facts: BinanceFacts) -> tuple[Discovery[BinanceFacts], ...]:
    """What the account was opened for, which isolated pairs it has, and whether every selector is known.

    The environment of a profile is not known here: what demo trading lacks it answers as absent.
    """
    found: list[Discovery[BinanceFacts]] = []
    if asks_for_mode(options, "live"):
        request = api.get("/sapi/v1/account/info", api.MODE)
        account = Discovery(name="the account's products", request=request, read=_read_account, learn=_learn_account)
        found.append(account)
    if "isolated" in selected(options, "live") and not options.symbol:
        request = api.get("/sapi/v1/margin/isolated/account", api.PAIRS)
        pairs = Discovery(name="isolated margin pairs", request=request, read=_read_pairs, learn=_learn_pairs)
        found.append(replace(pairs, shows_orders=True))
    return (*found, *_instruments(options))


def _read_account(request: Request, reply: Reply) -> Batch:
    """https://developers.binance.com/docs/wallet/account/account-info - only a plain `false` says that a product is not
    there.
    """
    answer = payload.as_object(reply.json)
    if payload.Row(answer).number("code") == api.NO_SUCH_CALL:
        return Batch(names=(Known("mode", "classic"), Known(_NO_CALL, api.MODE)))
    on = answer.get("isPortfolioMarginRetailEnabled")
    flags = {**_FLAGS, "isPortfolioMarginRetailEnabled": tuple(f"pm {product}" for product in _PM)}
    lacking = [product for flag, products in flags.items() if answer.get(flag) is False for product in products]
    odd = "" if isinstance(on, bool) else "it does not say whether portfolio margin is on"
    names = (Known("mode", "pm" if on is True else "classic"), *(Known("lacks", product) for product in lacking))
    return Batch(names=names if not odd else (), unsure=odd)


def _learn_account(facts: BinanceFacts, names: tuple[Known, ...]) -> BinanceFacts:
    mode = names_of(names, "mode")
    lacks = frozenset(names_of(names, "lacks"))
    return replace(facts, mode="pm" if mode == ["pm"] else "classic", lacks=lacks) if mode else facts


def _read_pairs(request: Request, reply: Reply) -> Batch:
    """https://developers.binance.com/docs/margin_trading/account/Query-Isolated-Margin-Account-Info"""
    answer = payload.as_object(reply.json)
    code = payload.Row(answer).number("code")
    if code in api.NO_PAIRS:
        return Batch(names=(Known(_NO_CALL, api.PAIRS),) if code == api.NO_SUCH_CALL else ())
    assets = payload.as_list(answer.get("assets"), "assets")
    names: list[Known] = []

    def read(row: Row) -> None:
        symbol = row.name("symbol", needed=True)
        names.extend([Known("pair", symbol)] if symbol else [])

    _, odd = payload.orders(assets, read, "pair")
    return Batch(names=tuple(names), unsure=odd)


def _learn_pairs(facts: BinanceFacts, names: tuple[Known, ...]) -> BinanceFacts:
    return replace(facts, pairs=tuple(dict.fromkeys((*facts.pairs, *names_of(names, "pair")))))


def _instruments(options: BinanceOptions) -> list[Discovery[BinanceFacts]]:
    """Lists of symbols, for the products that the selected ones can be of."""
    lists = {
        "spot symbols": ("/api/v3/ticker/price", ("spot", "margin", "isolated"), ""),
        "USD-M symbols": ("/fapi/v1/exchangeInfo", ("usdm",), "symbols"),
        "COIN-M symbols": ("/dapi/v1/exchangeInfo", ("coinm",), "symbols"),
        "options": ("/eapi/v1/exchangeInfo", ("option",), "optionSymbols"),
    }
    chosen = options.product or ("spot", "margin", "isolated", "usdm", "coinm", "option")
    found = []
    for name, (path, products, key) in lists.items():
        wanted = {*chosen, *(("margin", "usdm", "coinm") if "pm" in chosen else ())}
        if any(can_hold(one, symbol) for one in products if one in wanted for symbol in options.symbol):
            request = replace(api.get(path, Purpose.DISCOVERY), signed=False)
            optional = name not in ("spot symbols", "USD-M symbols") and len(chosen) > 1
            found.append(
                Discovery[BinanceFacts](name=name, request=request, read=partial(_read_symbols, key), optional=optional)
            )
    return found


def _read_symbols(key: str, request: Request, reply: Reply) -> Batch:
    """The names of one list. A row that is odd has no name, and hides no other. The testnet has that of spot alone."""
    if isinstance(reply.json, dict) and payload.Row(reply.json).number("code") == api.NO_SUCH_CALL:
        return Batch(names=())
    rows = payload.as_list(payload.as_object(reply.json).get(key) if key else reply.json, key or "the list")
    names = payload.each_row(rows, lambda row: row.name("symbol"))
    return Batch(names=tuple(Known(SYMBOL, name) for name in names))


def doubts(options: BinanceOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that none of the lists has, each with the nearest right spelling; and isolated pairs that cannot be
    listed, though it is not demo trading or the testnet, which have none of the account's calls.
    """
    missing = Known(_NO_CALL, api.PAIRS) in names and Known(_NO_CALL, api.MODE) not in names
    pairs = ("Binance says that it has no list of isolated margin pairs: their orders are not known",) * missing
    return (*unknown_selectors("Binance knows no --symbol", options.symbol, names, SYMBOL), *pairs)


VENUE = Venue(
    facts=BinanceFacts(),
    segments=segments,
    discoveries=discoveries,
    recall=recall,
    never=never,
    sign=api.sign,
    check_secrets=signing.check_any_key,
    clock_lead_ms=200,
    limits=api.LIMITS,
    address_limit=api.ADDRESS_LIMIT,
    further_limits=api.FURTHER_LIMITS,
    cost=api.cost,
    listings=96,
    judge=api.judge,
    proof_gap=2.0,  # rows of cancelled orders were seen for a while: https://github.com/ccxt/ccxt/issues/8507
    late_ms=lambda options: options.recv_window,
    doubts=doubts,
    not_covered=not_covered,
)
