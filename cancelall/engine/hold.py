"""After the first verdict: keep reading, cancel what reappears, and prove it once more at the end.

The sweep itself goes on, at a pace that leaves the venue's limits room for cancels; nothing is decided in here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cancelall.core.dataclass import dataclass
from cancelall.core.model import Verdict
from cancelall.engine import verdicts
from cancelall.engine.profile_sweep import ProfileSweep

LAST_PROOF = 5.0
"""Seconds after a hold that its last proof may take; where no more orders appear it takes little more than the gap."""
_LONGER = 2.0
"""Seconds by which a hold that goes on is made longer each time."""
_SHARE = 2.0
"""The reads of a hold take one in so many of those that a limit allows."""


@dataclass
class Hold:
    """One profile's hold. `sweeping` is its sweep's `run`, over or still at work; it is ended with the hold."""

    sweep: ProfileSweep
    sweeping: asyncio.Task[None]
    seconds: float
    verdict: Verdict
    """The last one: at first that of the sweep before."""
    goes_on: Callable[[], bool] = lambda: False
    """Whether it lasts longer than its time; it is looked at when that is over, and then every some seconds."""
    ends: float = 0.0
    _at: float = 0.0

    def __post_init__(self) -> None:
        client = self.sweep.client
        self._at = client.clock.monotonic()
        self.ends = self._at + self.seconds
        client.deadline = self.deadline

    @property
    def deadline(self) -> float:
        """When everything has to be over."""
        return self.ends + LAST_PROOF

    async def run(self) -> None:
        """Until the time is over, or the venue has refused for good, and then until it is proven again."""
        sweep = self.sweep
        pace = pace_of(sweep)
        sweep.hold(pace)
        try:
            while (left := self._left()) > 0 and sweep.client.refusal is None:
                if self.sweeping.done():
                    self.sweeping = asyncio.create_task(sweep.run())
                _, going = await asyncio.wait({self.sweeping}, timeout=min(left, pace))
                self.look()
                if not going:  # nothing could be read: not at once again
                    await asyncio.sleep(min(left, pace))
            sweep.release()
            if self.sweeping.done():
                self.sweeping = asyncio.create_task(sweep.run())
            await self.sweeping
            self.verdict = verdicts.profile_verdict(sweep)
        finally:
            self.sweeping.cancel()
            await asyncio.gather(self.sweeping, return_exceptions=True)

    def _left(self) -> float:
        """Seconds until the end, which is put off for as long as it goes on."""
        now = self.sweep.client.clock.monotonic()
        if now >= self.ends - _LONGER and self.goes_on():
            self.ends = now + 2 * _LONGER
            self.sweep.client.deadline = self.deadline
        return self.ends - now

    def look(self) -> Verdict:
        """The last verdict: what is known now, unless a proof stands and only the order of the latest reads is open."""
        sweep = self.sweep
        verdict = verdicts.profile_verdict(sweep)
        stands = self.verdict is Verdict.CLEAR and sweep.untouched_since(self._at)
        if verdict is not Verdict.UNPROVEN or not stands:
            self.verdict, self._at = verdict, sweep.client.clock.monotonic()
        return self.verdict


def pace_of(sweep: ProfileSweep) -> float:
    """Seconds between two readings of all segments: the gap of a proof, or what the limits leave room for."""
    limits = sweep.client.venue.limits
    reads: dict[str, int] = {}
    for ledger in sweep.ledgers.values():
        for stage in ledger.segment.listings:
            for request in stage:
                reads[request.bucket] = reads.get(request.bucket, 0) + request.cost
    slowest = [count * limits[name].seconds / limits[name].count for name, count in reads.items() if name in limits]
    return max([sweep.gap, *(_SHARE * seconds for seconds in slowest)])
