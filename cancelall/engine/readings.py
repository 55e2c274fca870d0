"""The open orders of every segment, read once: what tells whether a kill could read them, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Answer, Listing
from cancelall.engine.client import Client
from cancelall.engine.discovery import Discoveries
from cancelall.engine.listing import read_listing
from cancelall.venues.contract import Segment
from cancelall.venues.registry import segments

_READINGS = 4
"""Readings of a segment while the venue says that it is too busy; each has some tries of its own."""


@dataclass
class Listings:
    """One reading of the open orders of every segment, as far as the segments are known."""

    client: Client
    environment: str
    read: dict[str, Listing] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _reading: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.discoveries = Discoveries(
            self.client,
            self.client.venue.with_key(self.client.venue.facts, self.client.signer.secrets),
            fired=_at_once,
            listed_once=_at_once,
            found_more=self._join,
            needed=lambda: True,
            at_rest=_long_ago,
        )

    async def run(self) -> None:
        """Until every segment that gets known has been read once."""
        try:
            self._join()
            while self._tasks:
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for task in done:
                    if not task.cancelled() and (bug := task.exception()) is not None:
                        raise bug
        finally:
            for task in self._tasks:
                task.cancel()

    def _join(self) -> None:
        """Begin with every segment that is new; forget those that the account lacks, or lists in another way."""
        client = self.client
        chosen = segments(client.venue, client.signer.options, self.discoveries.facts, self.environment)
        known = {segment.name: segment for segment in chosen}
        for name, segment in list(self.segments.items()):
            if name not in known or known[name].listings != segment.listings:
                del self.segments[name]
                self._reading.pop(name).cancel()
                self.read.pop(name, None)
        for name, segment in known.items():
            if name not in self.segments:
                self.segments[name] = segment
                self._reading[name] = self._in_background(self._read(segment))
        for read in self.discoveries.due():
            self._in_background(read)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    async def _read(self, segment: Segment) -> None:
        attempts = self.attempts[segment.name] = []

        def answered(attempt: Attempt) -> None:
            attempts.append(attempt)
            self.discoveries.learn_mode(attempt)

        for _ in range(_READINGS):
            attempts.clear()
            self.read[segment.name] = listing = await read_listing(self.client, segment, answered=answered)
            busy = any(one.judgement is not None and one.judgement.answer is Answer.AGAIN for one in attempts)
            if listing.complete or not busy:  # other programs use the same limit
                return


async def _at_once() -> None:
    """Nothing has to go before these reads."""


async def _long_ago(since: float) -> float:
    """Nothing is cancelled here."""
    return 0.0
