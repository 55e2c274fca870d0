"""What the sweeps of all segments of a profile share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Listing
from cancelall.engine.client import Client
from cancelall.venues.contract import Segment

Tasks = set[asyncio.Task[None]]
_GLANCE = 1.0
"""Seconds between two looks whether the next listing of a hold is due."""


@dataclass
class Around:
    """Their line to the venue, what they tell the profile's sweep, and what they have to know of each other."""

    client: Client
    listed: Callable[[str, Listing], None]
    """Takes each listing."""
    learn: Callable[[Attempt], None]
    """Takes each answer: it may reveal the account's mode."""
    fired: Callable[[], Awaitable[None]]
    """Returns once the first cancel of the run is out, or has failed: no read of a run goes before its cancels."""
    disturbed: Callable[[], float]
    """When the last cancel of any segment was over."""
    spawning: Callable[[], Tasks]
    """The sweeps under way whose segments spawn orders of others."""
    background: Callable[..., asyncio.Task[None]]
    """Begins work that belongs to the run."""
    first_out: asyncio.Event = field(default_factory=asyncio.Event)
    held: bool = False
    """Whether the run goes on after its first verdict."""
    pace: float | None = None
    """While it holds: seconds between two listings of a segment, at least, whatever they show."""
    spacing: Callable[[Segment], float] = lambda segment: 0.0
    """Seconds between two listings of a segment after the first ones, where these have to last to the end."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """The hold is over."""

    async def keep_pace(self, segment: Segment, began: float) -> None:
        """While holding: wait until the listing after one that began then is due, or the end of the hold."""
        now = self.client.clock.monotonic
        while self.pace is not None and (left := began + max(self.pace, self.spacing(segment)) - now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, _GLANCE)):
                    await self.released.wait()
