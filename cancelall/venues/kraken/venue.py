"""Kraken: the segment of the options, the public list of pairs, and what a kill leaves out."""

from __future__ import annotations

from cancelall.core.dataclass import dataclass
from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Purpose, Reply, Request
from cancelall.venues import signing
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, names_of
from cancelall.venues.kraken.api import LIMITS, SERIAL, check_secrets, judge, public, result, sign
from cancelall.venues.kraken.options import KrakenOptions, folded
from cancelall.venues.kraken.segments import KrakenSpot
from cancelall.venues.payload import Row


@dataclass(frozen=True, kw_only=True)
class KrakenFacts:
    """What the public list has shown of the selected pairs."""

    pairs: frozenset[str] = frozenset()
    """All spellings of each, `folded`; none while it is not read."""


def segments(options: KrakenOptions, facts: KrakenFacts, environment: str) -> tuple[Segment, ...]:
    """Everything, or the selected pairs: by their own spelling until the list has shown others of them."""
    given = frozenset(map(folded, options.pair))
    known = frozenset(one for pair in given for one in _spellings(pair, facts))
    return (KrakenSpot(pairs=known, resolved=known != given),)


def _spellings(pair: str, facts: KrakenFacts) -> frozenset[str]:
    found = (frozenset(one.split()) for one in facts.pairs)
    return frozenset({pair}).union(*(one for one in found if pair in one))


def discoveries(options: KrakenOptions, facts: KrakenFacts) -> tuple[Discovery[KrakenFacts], ...]:
    """Is every selected pair one of the venue's, and how do its orders spell it?"""
    request = public("AssetPairs", Purpose.DISCOVERY)
    return (Discovery(name="pairs", request=request, read=_read_pairs, learn=_learn),) if options.pair else ()


def _read_pairs(request: Request, reply: Reply) -> Batch:
    """https://docs.kraken.com/api-reference/market-data/get-tradable-asset-pairs: by id, with altname and wsname.

    One that is odd hides no other one.
    """
    names: list[Known] = []
    for identity, entry in result(reply).items():
        row = Row(entry if isinstance(entry, dict) else {}, "pair")
        shown = row.name("altname") or identity
        names += [Known(SYMBOL, shown, one) for one in dict.fromkeys((identity, row.name("wsname") or shown))]
    if not names:
        raise Unreadable("the list of pairs names none")
    return Batch(names=tuple(names))


def _learn(facts: KrakenFacts, names: tuple[Known, ...]) -> KrakenFacts:
    spelt: dict[str, set[str]] = {}
    for one in names:
        spelt.setdefault(one.name, {folded(one.name)}).add(folded(one.alias))
    return KrakenFacts(pairs=frozenset(" ".join(sorted(some)) for some in spelt.values() if len(some) > 1))


def doubts(options: KrakenOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Pairs that the venue does not know in any spelling, each with the nearest right one."""
    known = {folded(spelt) for one in names if one.kind == SYMBOL for spelt in (one.name, one.alias) if spelt}
    strange = (one for one in options.pair if folded(one) not in known)
    return tuple(f"Kraken knows no --pair {one}{nearest(one.upper(), names_of(names, SYMBOL))}" for one in strange)


def not_covered(options: KrakenOptions, environment: str) -> tuple[str, ...]:
    """https://docs.kraken.com/exchange/api-reference/futures-rest: another host, with keys of its own."""
    return (
        "derivatives of Kraken Futures (another API, with keys of its own)",
        "perpetuals of Kraken's US venue",
        "instant and recurring buys of the app, Earn",
        "RFQs and OTC trades",
        "orders of sub-accounts (they have keys of their own)",
    )


def unwitnessed(options: KrakenOptions, keep_protective: bool, reads_only: bool) -> str:
    """A cancel of everything that counts 0 is the witness, and only where everything may go."""
    return "not witnessed: a last cancel of everything" if options.pair or keep_protective else ""


VENUE = Venue(
    facts=KrakenFacts(),
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    check_secrets=check_secrets,
    nonces=lambda secrets: signing.api_key(secrets, None),
    serial=SERIAL,
    limits=LIMITS,
    judge=judge,
    proof_gap=2.0,
    late_ms=lambda options: None,
    doubts=doubts,
    not_covered=not_covered,
    unwitnessed=unwitnessed,
)
