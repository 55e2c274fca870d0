"""OKX: which segments the options choose, what discovery reads show, and what no call reaches."""

from __future__ import annotations

from dataclasses import replace

from cancelall.core.errors import OptionError
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.contract import (
    SYMBOL,
    Batch,
    Discovery,
    Known,
    Segment,
    Venue,
    names_of,
    unknown_selectors,
)
from cancelall.venues.okx import api
from cancelall.venues.okx.algos import KINDS, Algos
from cancelall.venues.okx.hosts import HOSTS
from cancelall.venues.okx.options import DERIVATIVES, OkxFacts, OkxOptions, family, types_of
from cancelall.venues.okx.segments import Events, OkxOrders, Spreads

_WITH_SPREADS = ("live", "demo")
"""Sites that certainly have spread trading. Elsewhere a missing call is a bare 404, which proves nothing."""

# --- scope ----------------------------------------------------------------------------------------------------------


def segments(options: OkxOptions, facts: OkxFacts, environment: str) -> tuple[Segment, ...]:
    """The segments in scope. Whether an order is of a selected type, instrument or underlying only its row tells."""
    found: list[Segment] = []
    if _beyond_spreads(options):
        found.append(OkxOrders(name="orders", options=options))
        found += [Events(name="events", options=options)] if _events(options) else []
        reduces = facts.level in ("1", "2", "3")
        found += [Algos(name=of.name, options=options, of=of, reduces=reduces and of.stops) for of in KINDS]
    if _spreads(options, environment):
        found.append(Spreads(name="spreads", options=options))
    if not found:
        raise OptionError("these selectors leave nothing that OKX could cancel", "drop one of them")
    return tuple(found)


def _beyond_spreads(options: OkxOptions) -> bool:
    """Whether anything besides spread orders is in scope."""
    types = not options.instrument_type or set(options.instrument_type) != {"SPREAD"}
    return types and (not options.instrument or any(types_of(one) != ("SPREAD",) for one in options.instrument))


def _events(options: OkxOptions) -> bool:
    """Whether event contracts are: no type and no underlying selects them, and their names have no known form."""
    named = not options.instrument or any(types_of(one) == () for one in options.instrument)
    return named and not (options.instrument_type or options.underlying)


def _spreads(options: OkxOptions, environment: str) -> bool:
    """Whether spread orders are. Where a site may have none, only if they are selected."""
    if options.instrument:
        return any(types_of(one) == ("SPREAD",) for one in options.instrument)
    if options.instrument_type:
        return "SPREAD" in options.instrument_type
    return options.underlying is None and environment in _WITH_SPREADS


def not_covered(options: OkxOptions, environment: str) -> tuple[str, ...]:
    """What no request of this scope reaches. A stop of a bot may sell what it holds, so none is stopped."""
    found = ["trading bots (grid, DCA, signal, recurring buy): a running one places new orders"]
    found += ["TP/SL of copied positions of a lead trader", "RFQs and quotes of block trading"]
    found += ["sub-accounts (each has its own keys)"]
    whole = not (options.instrument_type or options.instrument or options.underlying)
    if whole and not _spreads(options, environment):
        found.insert(0, "spread orders (this site may have none: --instrument-type SPREAD tries)")
    if options.instrument_type and not options.instrument:
        found.append("event contracts (they have no instrument type here)")
    return tuple(found)


# --- the account's mode, and instruments ----------------------------------------------------------------------------


def discoveries(options: OkxOptions, facts: OkxFacts) -> tuple[Discovery[OkxFacts], ...]:
    """Which mode is the account in? And is every selector known to the venue?

    The mode tells whether a stop without reduce-only could have had it, which matters where such orders are kept.
    """
    mode = Discovery(name="account mode", request=account(Purpose.DISCOVERY), read=_read_mode, learn=_learn_mode)
    found = [replace(mode, optional=True)]
    lists: dict[str, Request] = {}
    for name in options.instrument:
        for type_ in types_of(name):
            if type_ == "SPREAD":
                lists["spreads"] = _public("sprd/spreads")
            elif type_ == "OPTION":  # which are listed one family at a time
                which = {"instType": type_, "instFamily": family(name)}
                lists[f"options of {family(name)}"] = _public("public/instruments", which)
            elif type_ != "MARGIN":  # those of spot are its instruments
                lists[f"{type_} instruments"] = _public("public/instruments", {"instType": type_})
    found += [Discovery(name=name, request=request, read=_read_instruments) for name, request in lists.items()]
    if options.underlying is not None:
        types = [one for one in DERIVATIVES if not options.instrument_type or one in options.instrument_type]
        reads = {one: _public("public/underlying", {"instType": one}) for one in types}
        found += [Discovery(name=f"underlyings of {one}", request=reads[one], read=_read_underlyings) for one in reads]
    return tuple(found)


def _public(path: str, values: dict[str, str] | None = None) -> Request:
    """A read that needs no key."""
    return replace(api.get(path, "instruments", Purpose.DISCOVERY, values), signed=False)


def account(purpose: str) -> Request:
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration"""
    return api.get("account/config", "config", purpose)


def _read_mode(request: Request, reply: Reply) -> Batch:
    """`acctLv`. Raises Unreadable without one."""
    return Batch(names=(Known("mode", payload.message(payload.field(api.first_row(reply), "acctLv"))),))


def _learn_mode(facts: OkxFacts, names: tuple[Known, ...]) -> OkxFacts:
    return replace(facts, level=next(iter(names_of(names, "mode")), facts.level))


def _read_instruments(request: Request, reply: Reply) -> Batch:
    """The names. One that is odd hides no other."""
    rows, _ = api.rows_of(reply)
    names = payload.each_row(rows, lambda row: row.name("instId") or row.name("sprdId"))
    return Batch(names=tuple(Known(SYMBOL, name.upper()) for name in names))


def _read_underlyings(request: Request, reply: Reply) -> Batch:
    """A list of lists of names: https://www.okx.com/docs-v5/en/#public-data-rest-api-get-underlying"""
    rows, _ = api.rows_of(reply)
    names = [name for some in rows for name in (some if isinstance(some, list) else [some])]
    return Batch(names=tuple(Known("underlying", name.upper()) for name in names if isinstance(name, str) and name))


def doubts(options: OkxOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Selectors that the venue does not know, each with the nearest right spelling."""
    listed = frozenset(Known(one.kind, one.name.upper()) for one in names)
    underlying = () if options.underlying is None else (options.underlying,)
    return (
        *unknown_selectors("OKX knows no --instrument", options.instrument, listed, SYMBOL),
        *unknown_selectors("OKX knows no --underlying", underlying, listed, "underlying"),
    )


VENUE = Venue(
    facts=OkxFacts(),
    segments=segments,
    discoveries=discoveries,
    sign=api.sign,
    headers=api.headers,
    limits=api.LIMITS,
    alternates={HOSTS["live"]: "https://www.okx.com"},  # https://www.okx.com/docs-v5/en/#overview
    judge=api.judge,
    late_ms=lambda options: 30_000,
    doubts=doubts,
    not_covered=not_covered,
)
