"""Bitget: which segments the options choose."""

from __future__ import annotations

from cancelall.venues.bitget import classic, unified
from cancelall.venues.bitget.options import Facts, Options, selected
from cancelall.venues.contract import Segment


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """The segments of the APIs that this account can be behind; the classic one until it is known.

    An account that both refuse is being switched: both stay, each with its refusal. Those come first whose ordinary
    orders are cancelled unseen: the connections that are open at the start are theirs.
    """
    chosen = selected(options)
    nobody = len(facts.closed) == 2
    found: list[Segment] = []
    if facts.mode != "unified" and (nobody or "classic" not in facts.closed):
        products = tuple(product for product in chosen if product != "MARGIN")
        found += classic.segments(products, chosen, options.margin_coin)
    if facts.mode in ("unified", "hybrid") and (nobody or "unified" not in facts.closed):
        prefix = "unified " if facts.mode == "hybrid" else ""
        found += unified.segments(tuple(chosen), chosen, options.margin_coin, prefix)
    return tuple(
        sorted(found, key=lambda segment: (segment.spawns or not segment.mass_cancels(()), not segment.spawns))
    )
