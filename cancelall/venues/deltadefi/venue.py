"""DeltaDeFi: which pairs there are, and what a kill of them leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import Reply, Request
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, names_of, unknown_selectors
from cancelall.venues.deltadefi.api import LIMITS, judge, market_config, open_orders, sign
from cancelall.venues.deltadefi.options import CONFIRMED, KNOWN, UNCONFIRMED, DeltadefiFacts, DeltadefiOptions
from cancelall.venues.deltadefi.segments import ApartPair, Pair, alive, read_rows
from cancelall.venues.payload import Row


def segments(options: DeltadefiOptions, facts: DeltadefiFacts, environment: str) -> tuple[Segment, ...]:
    """One segment for each pair, named by it."""
    known = tuple(dict.fromkeys((*CONFIRMED, *facts.symbols, *UNCONFIRMED)))
    chosen = tuple(one for symbol in options.symbol for one in _spellings(symbol, known)) if options.symbol else known
    doubtful = set(UNCONFIRMED) - {*options.symbol, *facts.symbols}
    return tuple(
        ApartPair(name=symbol, everything=not options.symbol, doubtful=symbol in doubtful)
        if symbol in facts.apart
        else Pair(name=symbol, doubtful=symbol in doubtful)
        for symbol in dict.fromkeys(chosen)
    )


def _spellings(symbol: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """How the venue spells a symbol. `ADAUSDCx` shows that its case matters; what nobody knows is sent as given."""
    if symbol in known:
        return (symbol,)
    return tuple(one for one in known if one.casefold() == symbol.casefold()) or (symbol,)


def discoveries(options: DeltadefiOptions, facts: DeltadefiFacts) -> tuple[Discovery[DeltadefiFacts], ...]:
    """Which pairs are there? One can leave the market config and still hold orders: a listing of all pairs shows it."""
    return (
        Discovery(name="market config", request=market_config(), read=_markets, learn=_learn_markets),
        Discovery(
            name="open orders of pairs outside the market config",
            request=open_orders(1),
            read=_listed_symbols,
            learn=_learn_held,
            optional=True,
            shows_orders=True,
        ),
    )


ODD_MARKET = Known("market", "odd")
"""A pair of the market config that cannot be read."""


def _markets(request: Request, reply: Reply) -> Batch:
    """Pairs, each named twice. An odd one hides no other one, but then they are not all."""
    answer = payload.as_object(reply.json)
    pairs, assets = _listed_in(answer, "trading_pairs"), _listed_in(answer, "assets")
    entries = [pair.get("symbol") if isinstance(pair, dict) else None for pair in pairs]
    for asset in assets:
        entries += _listed_in(asset, "trading_pairs") if isinstance(asset, dict) else []
    symbols = list(map(_symbol, entries))
    names = [Known(SYMBOL, one) for one in symbols if one is not None]
    if not names:
        raise Unreadable("the market config names no trading pair")
    return Batch(names=tuple(dict.fromkeys((*names, ODD_MARKET) if None in symbols else names)))


def _listed_in(record: Mapping[str, Any], key: str) -> list[Any]:
    """A list; an empty one in the place of anything else."""
    value = record.get(key)
    return value if isinstance(value, list) else []


def _listed_symbols(request: Request, reply: Reply) -> Batch:
    rows, page = read_rows(request, reply)
    symbols = [_symbol(row.get("symbol")) for row in rows if isinstance(row, dict) and alive(Row(row))]
    names = tuple(dict.fromkeys(Known(SYMBOL, one) for one in symbols if one is not None))
    odd = "the pair of an order cannot be read" if None in symbols or len(symbols) < len(rows) else ""
    return Batch(names=names, next=page.next, unsure=page.unsure or odd)


def _symbol(value: object) -> str | None:
    """A symbol that can be sent back, in any script; None for anything else."""
    if not isinstance(value, str) or not 2 <= len(value) <= 40 or not value.isprintable():
        return None
    return None if set(value) & set(" \"'\\{}<>") else value


def _learn_markets(facts: DeltadefiFacts, names: tuple[Known, ...]) -> DeltadefiFacts:
    known = _symbols(names)
    delisted = [one for one in facts.symbols if one in KNOWN and one not in known]
    return DeltadefiFacts(symbols=_union(facts.symbols, known), markets=known, apart=_union(facts.apart, delisted))


def _learn_held(facts: DeltadefiFacts, names: tuple[Known, ...]) -> DeltadefiFacts:
    """What is apart stays so, even if the market config names it later: its segment is under way."""
    known = _symbols(names)
    apart = [one for one in known if one not in (facts.markets or KNOWN)]
    return DeltadefiFacts(symbols=_union(facts.symbols, known), markets=facts.markets, apart=_union(facts.apart, apart))


def _symbols(names: Iterable[Known]) -> tuple[str, ...]:
    """In the order in which the venue names them, which is that of their cancels."""
    return tuple(one.name for one in names if one.kind == SYMBOL)


def _union(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def doubts(options: DeltadefiOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Symbols that neither the market config nor a listing has; without selectors, pairs that it does not name well."""
    if not options.symbol:
        return ("a trading pair of the market config cannot be read",) if ODD_MARKET in names else ()
    folded = {name.casefold() for name in names_of(names, SYMBOL)}
    strange = (one for one in options.symbol if one.casefold() not in folded)
    return unknown_selectors("DeltaDeFi lists no --symbol", strange, names, SYMBOL)


def not_covered(options: DeltadefiOptions, environment: str) -> tuple[str, ...]:
    """https://docs.deltadefi.io/start-trading/l1-swap-integration/apis (a swap intent is cancelled with the wallet)."""
    return ("on-chain L1 swap intents (they need the wallet)", "orders of vault accounts")


VENUE = Venue(
    facts=DeltadefiFacts(),
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    limits=LIMITS,
    judge=judge,
    proof_gap=2.0,
    late_ms=lambda options: None,
    doubts=doubts,
    not_covered=not_covered,
)
