"""Bybit: which segments the options choose, which instruments it lists, and what its calls leave out."""

from __future__ import annotations

from dataclasses import replace

from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload, signing
from cancelall.venues.bybit import segments as kinds
from cancelall.venues.bybit.api import LIMITS, get, judge, rows_of, sign
from cancelall.venues.bybit.hosts import HOSTS
from cancelall.venues.bybit.options import LINEAR_COINS, BybitOptions, Category, selected, symbols_of
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Limit, Segment, Venue, unknown_selectors
from cancelall.venues.payload import Row

# --- scope ----------------------------------------------------------------------------------------------------------

_ORDERS: dict[Category, type[kinds.Orders]] = {
    "linear": kinds.Linear,
    "inverse": kinds.Inverse,
    "spot": kinds.BybitSpot,
    "option": kinds.Option,
}


def segments(options: BybitOptions, facts: None, environment: str) -> tuple[Segment, ...]:
    """The segments in scope, strategies first: a running strategy places new orders in the others.

    Demo trading has no spread and no strategy calls: https://bybit-exchange.github.io/docs/v5/demo
    """
    demo = environment == "demo"
    segments: list[Segment] = []
    for category in selected(options):
        symbols = symbols_of(category, options)
        if category in _ORDERS:
            kind = kinds.DemoSpot if demo and category == "spot" else _ORDERS[category]
            whole = category == "linear" and not (symbols or options.base_coin or options.settle_coin)
            for coin in LINEAR_COINS if whole else (options.settle_coin,):
                name = f"linear {coin}" if category == "linear" and coin else category
                segments.append(kind(name=name, symbols=symbols, options=options, coin=coin))
        elif not demo:
            segments.append(
                (kinds.BybitStrategies if category == "strategy" else kinds.Spread)(name=category, symbols=symbols)
            )
    if not segments:
        raise OptionError(
            "demo trading has none of the selected categories", "choose other categories for this profile"
        )
    return tuple(sorted(segments, key=lambda segment: not segment.spawns))


def not_covered(options: BybitOptions, environment: str) -> tuple[str, ...]:
    """What no call of the API reaches, or only with more than a cancel: closing a bot also closes its positions.

    https://bybit-exchange.github.io/docs/v5/bot and https://bybit-exchange.github.io/docs/v5/tradfi-integration
    """
    chosen = selected(options)
    outside = ["trading bots (grid, DCA, martingale)", "RFQs and quotes", "TradFi (MT5) orders"]
    outside += ["RWA stock orders (no call lists them)", "Event Contracts (their makers' orders)"]
    if "strategy" not in chosen or environment == "demo":
        outside.insert(0, "running strategies (TWAP, iceberg, chase, POV)")
    if options.settle_coin in LINEAR_COINS and "option" not in chosen:
        outside.append(f"options settled in {options.settle_coin}")
    if options.base_coin and not options.category:
        outside.append("spot and spread orders (no base-coin filter there)")
    if not any((options.category, options.symbol, options.base_coin, options.settle_coin, options.order_filter)):
        outside.append("linear contracts settled in a coin besides USDT and USDC (none is documented)")
    if environment == "demo" and "spread" in chosen:
        outside.append("spread orders (not in demo trading)")
    return tuple(outside)


# --- instruments ----------------------------------------------------------------------------------------------------


def discoveries(options: BybitOptions, facts: None) -> tuple[Discovery[None], ...]:
    """Is every selector known to the venue? Bybit answers success to a misspelt one.

    Pre-market contracts are only in a list of their own.
    """
    if not any(_lookups(options).values()):
        return ()
    chosen = selected(options)
    categories = [one for one in chosen if one not in ("strategy", "spread")]
    traded: tuple[Category, ...] = ("linear", "inverse", "spot")
    if options.symbol and "strategy" in chosen and not set(traded) & set(categories):
        categories += traded  # strategies trade what these list, and have no list of their own
    reads = [
        _instruments(f"{one} {name}", {"category": one, **more, "limit": "1000"})
        for one in categories
        for name, more in _lists(one, options)
    ]
    if options.symbol and "linear" in categories:
        before = {"category": "linear", "limit": "1000", "status": "PreLaunch"}
        reads.append(replace(_instruments("pre-market contracts", before), optional=True))
    if "spread" in chosen:
        reads.append(_instruments("spread instruments", {"limit": "500"}, "/v5/spread/instrument"))
    return tuple(reads)


def _instruments(name: str, query: dict[str, str], path: str = "/v5/market/instruments-info") -> Discovery[None]:
    request = get(path, "instruments", Purpose.DISCOVERY, query, signed=False)
    return Discovery(name=name, request=request, read=_read_instruments)


def _lists(category: str, options: BybitOptions) -> tuple[tuple[str, dict[str, str]], ...]:
    """What to call a read of a category's instruments, and what narrows it.

    Options come one base coin at a time, BTC by default: https://bybit-exchange.github.io/docs/v5/market/instrument
    """
    if category != "option":
        return (("instruments", {}),)
    of_symbols = tuple(one.partition("-")[0] for one in symbols_of("option", options))
    coins = dict.fromkeys(("BTC", *((options.base_coin,) if options.base_coin else of_symbols)))
    return tuple((f"instruments of {coin}", {"baseCoin": coin}) for coin in coins)


def _read_instruments(request: Request, reply: Reply) -> Batch:
    """The names of one page's instruments and coins. One that is odd has no name, and hides no other.

    Raises Unreadable where they are of another category.
    """
    rows, page = rows_of(request, reply)
    if page.unsure and not rows:
        raise Unreadable(page.unsure)
    names: list[Known] = []

    def read(row: Row) -> None:
        names.extend(Known(key, name) for key in _SELECTORS if (name := row.name(key)) is not None)

    payload.orders(rows, read, "instrument")
    return Batch(names=tuple(names), next=page.next)


_SELECTORS = {SYMBOL: "--symbol", "baseCoin": "--base-coin", "settleCoin": "--settle-coin"}
"""The fields that tell whether a selector is known to the venue."""


def _lookups(options: BybitOptions) -> dict[str, tuple[str, ...]]:
    """Selectors that have to be looked up. USDT and USDC are none: the documents name them."""
    settle = options.settle_coin if options.settle_coin not in LINEAR_COINS else None
    coins = {"baseCoin": options.base_coin, "settleCoin": settle}
    return {SYMBOL: options.symbol, **{key: (coin,) for key, coin in coins.items() if coin}}


def doubts(options: BybitOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that none of the venue's instruments has, each with the nearest right spelling.

    The lists show what trades now; a symbol under which an order is listed exists, too.
    """
    return tuple(
        doubt
        for kind, selectors in _lookups(options).items()
        for doubt in unknown_selectors(f"Bybit knows no {_SELECTORS[kind]}", selectors, names, kind)
    )


VENUE = Venue(
    facts=None,
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    check_secrets=signing.check_rsa_key,
    clock_lead_ms=200,
    limits=LIMITS,
    address_limit=Limit(count=600, seconds=5.0),
    alternates={HOSTS["live"]: "https://api.bytick.com"},  # https://bybit-exchange.github.io/docs/v5/guide
    judge=judge,
    late_ms=lambda options: options.recv_window,
    doubts=doubts,
    not_covered=not_covered,
)
