"""After the first verdict: keep reading, cancel what reappears, and prove it once more at the end.

The sweep itself goes on, at a pace that leaves the venue's limits room for cancels; nothing is decided in here.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from cancelall.core.dataclass import dataclass
from cancelall.core.model import Verdict
from cancelall.engine import verdicts
from cancelall.engine.profile_sweep import ProfileSweep, first_pages

LAST_PROOF = 5.0
"""Seconds after a hold that its last proof may take, besides what the venue's limits force; where no more orders appear
it takes little more than the gap."""
_READINGS = 3
"""Of a last proof, at most, by which it is told what these force: two, and one more for the sake of other segments."""
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
    allowed: float = 0.0
    """Seconds that a kill of this profile may take: its last proof takes no longer, if not `LAST_PROOF`."""
    lasts: Callable[[float], None] = lambda until: None
    """Takes the time by which all is over, once that is known."""
    goes_on: Callable[[], bool] = lambda: False
    """Whether it lasts longer than its time; it is looked at when that is over, and then every some seconds."""
    ends: float = 0.0
    _at: float = 0.0
    _last_proof: float = LAST_PROOF

    def __post_init__(self) -> None:
        client = self.sweep.client
        self._at = client.clock.monotonic()
        self.ends = self._at + self.seconds
        client.deadline = self.deadline

    @property
    def deadline(self) -> float:
        """When everything has to be over."""
        return self.ends + self._last_proof

    async def run(self) -> None:
        """Until the time is over, or the venue has refused for good, and then until it is proven again."""
        sweep = self.sweep
        pace = pace_of(sweep)
        self._spread()
        sweep.hold(pace)
        try:
            while (left := self._left()) > 0 and sweep.client.refusal is None:
                if self.sweeping.done():
                    self.sweeping = asyncio.create_task(sweep.run())
                _, going = await asyncio.wait({self.sweeping}, timeout=min(left, pace))
                self.look()
                if not going:  # nothing could be read: not at once again
                    await asyncio.sleep(min(left, pace))
            self._release()
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
            self._spread()
        return self.ends - now

    def _spread(self) -> None:
        """From here to its end the readings share what the limits allow."""
        self.sweep.hold_until = math.inf if self.goes_on() else self.ends

    def _release(self) -> None:
        """The time is over: what the limits force by now gives the last proof its own."""
        self._last_proof = max(LAST_PROOF, min(LAST_PROOF + forced_by(self.sweep), self.allowed))
        self.sweep.client.deadline = self.deadline
        self.lasts(self.deadline)
        self.sweep.release()

    def look(self) -> Verdict:
        """The last verdict: what is known now, unless a proof stands and only the order of the latest reads is open."""
        sweep = self.sweep
        verdict = verdicts.profile_verdict(sweep)
        stands = self.verdict is Verdict.CLEAR and sweep.untouched_since(self._at)
        if verdict is not Verdict.UNPROVEN or not stands:
            self.verdict, self._at = verdict, sweep.client.clock.monotonic()
        return self.verdict


def forced_by(sweep: ProfileSweep) -> float:
    """Seconds that the limits make a proof of all segments wait, after what has gone."""
    from cancelall.engine.forced import wait

    client = sweep.client
    witnesses = (one.request for ledger in sweep.ledgers.values() for one in ledger.witnesses)
    return max(wait((*sweep.reading, *witnesses), client.venue.limits, _READINGS), client.room(sweep.reading))


def pace_of(sweep: ProfileSweep) -> float:
    """Seconds between two readings of all segments: the gap of a proof, or what the limits leave room for."""
    limits = sweep.client.venue.limits
    reads: dict[str, int] = {}
    for ledger in sweep.ledgers.values():
        for request in first_pages(ledger.segment):
            reads[request.bucket] = reads.get(request.bucket, 0) + request.cost
    each = {name: max(limit.seconds / limit.count, limit.lasting) for name, limit in limits.items()}
    slowest = [count * each[name] for name, count in reads.items() if name in each]
    return max([sweep.gap, *(_SHARE * seconds for seconds in slowest)])
