"""What the sweeps of all segments of a profile share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Listing
from cancelall.engine.client import Client

Tasks = set[asyncio.Task[None]]


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
    """While it holds: seconds between two listings of a segment, whatever they show."""
    spacing: Callable[[], float] = lambda: 0.0
    """Seconds between two listings of a segment after the first ones, where these have to last to the deadline."""
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """The hold is over."""
