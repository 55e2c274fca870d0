"""`--live`: one real cancel where nothing rests, the only thing that a check ever sends besides reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cancelall.check.venue import in_doubt, is_empty
from cancelall.core.model import Acknowledgement, Answer
from cancelall.core.preflight import Area, Finding, Preflight, Probe, failure, good, warning
from cancelall.engine.client import Client
from cancelall.engine.listing import read_listing
from cancelall.engine.readings import Listings

_TRIES = 2
"""A second one only where the first met the clock or no answer."""

Announce = Callable[[str], Awaitable[None]]


async def try_a_cancel(
    reading: Client, sending: Client, preflight: Preflight[Any], listings: Listings, announce: Announce
) -> Finding:
    """Send the first harmless cancel, if there is one, and say so before. `reading` may only read."""
    if in_doubt(reading) is not None or listings.discoveries.doubts or listings.discoveries.pending:
        return warning("live", "nothing was sent: what was found above comes first", "put that right and run again")
    probes = preflight.probes(sending.signer.options, listings.environment)
    if not probes:
        return good("live", f"nothing was sent, because nothing is harmless here: {preflight.no_probe}")
    for probe in probes:
        if await _reaches_nothing(reading, listings, probe):
            what = f"{probe.request.method} {probe.request.path}"
            await announce(f"sending a real cancel, {what}: {probe.description}, where nothing rests")
            return await _sent(sending, listings, probe)
    detail = "nothing was sent: orders rest wherever a cancel could be tried"
    return warning("live", detail, "run it again when nothing rests there")


async def _reaches_nothing(reading: Client, listings: Listings, probe: Probe) -> bool:
    """Whether the segments that it reaches were empty, and still are."""
    if not is_empty(listings, probe.empty):
        return False
    for name in probe.empty:
        listing = await read_listing(reading, listings.segments[name])
        if listing.orders or not listing.complete:
            return False
    return True


async def _sent(sending: Client, listings: Listings, probe: Probe) -> Finding:
    # One that reaches no segment names no order that could exist, so it took none.
    read = listings.segments[probe.empty[0]].acknowledge if probe.empty else lambda request, reply: Acknowledgement()
    outcome = await sending.ask(probe.request, read, most=_TRIES)
    taken = len(outcome.value.cancelled) or outcome.value.count or 0 if outcome.value is not None else 0
    judgement, fault = outcome.attempt.judgement, outcome.attempt.fault
    if taken:
        detail = f"the cancel took {taken} order(s) that came in between ({probe.description})"
        return warning("live", detail, "something is trading there: try it when nothing is")
    if outcome.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN):
        return good("live", f"a real cancel was accepted and took nothing ({probe.description})")
    words = judgement.message if judgement is not None else fault.message if fault is not None else "no answer"
    if outcome.answer in (Answer.REFUSED, Answer.ABSENT, Answer.CLOCK):
        hint = judgement.hint if judgement is not None else ""
        return failure("live", f"a real cancel was refused: {words}", hint or "look at the key's rights", Area.VENUE)
    area = Area.NETWORK if fault is not None and not fault.answered else Area.VENUE
    return failure("live", f"a real cancel got no clear answer: {words}", "run it again", area)
