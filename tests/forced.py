"""Seconds from the first cancel to the verdict that a venue's documented limits and the proof force, whatever fires.

A kill that loses no time sends the cancels that need to know nothing; reads what is open, if others have to follow;
sends those, as fast as the limits let them out; reads that nothing is left, waits for the gap, and reads it again,
what spawns orders before what holds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import traffic
from cancelall import simulator
from cancelall.engine.forced import wait
from cancelall.venues.contract import Segment, Venue
from cancelall.venues.registry import load, schema
from traffic import Traffic

CONNECTING = 2
"""Round trips of a new connection, for TCP and for TLS."""


def seconds(venue: str, orders: int, rtt: float, connecting: int = CONNECTING) -> float:
    """Those of a stocked account, so many seconds away, where a connection takes so many round trips.

    Each cancel has a connection of its own; those of the first ones are there.
    """
    account = next(iter(simulator.create(venue, orders=0).accounts.values()))
    about, options = load(venue), schema(venue).options(**account.options)
    return forced(about, about.segments(options, about.facts, "live"), traffic.of(venue, orders), rtt, connecting)


def forced(
    venue: Venue[Any, Any, Any], segments: Iterable[Segment], sent: Traffic, rtt: float, connecting: int
) -> float:
    """The same, by what such a kill has to send."""
    segments = tuple(segments)
    blind = {request for segment in segments for request in segment.blind}
    holding = stages(segment for segment in segments if not segment.spawns)
    spawning = stages(segment for segment in segments if segment.spawns)
    following = sent.cancels - blind if blind else frozenset()
    """Cancels that a listing has to show the need of, after the first one."""
    ready = (stages(segments) + connecting) * rtt if following else 0.0
    last_cancel = max(wait(sent.cancels, venue.limits), ready + wait(following, venue.limits))
    proof = venue.proof_gap + rtt * max(2 * spawning + holding, 2 * holding) + wait(sent.listings, venue.limits)
    readings = 3 if following or not blind else 2
    last_reading = wait(sent.listings, venue.limits, readings) + rtt * (1 + holding * bool(spawning))
    return max(last_cancel + rtt + proof, last_reading)


def stages(segments: Iterable[Segment]) -> int:
    """Round trips of a reading: the stages of a listing come one after the other."""
    return max((len(segment.listings) for segment in segments), default=0)
