"""Taking turns under rate limits: the urgent first, never faster than the venue documents."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque

from cancelall.model import Judgement
from cancelall.venues import Limit

_MARGIN = 0.02
"""Share added to every window, since the venue's clock counts arrivals and ours departures."""


class Pacer:
    """One rate limit. `turn` returns when a request may go; lower priorities wait for higher ones."""

    def __init__(self, limit: Limit | None) -> None:
        self._limit = limit
        self._gone: deque[float] = deque()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._held_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, priority: int) -> None:
        """Wait for a place within the limit."""
        ticket = (priority, next(self._order), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, ticket)
        self._grant()
        try:
            await ticket[2]
        except asyncio.CancelledError:
            self._waiting = [other for other in self._waiting if other is not ticket]
            heapq.heapify(self._waiting)
            raise

    def unused(self) -> None:
        """The last turn was not needed: the next in the queue may have it."""
        if self._gone:
            self._gone.pop()
        self._grant()

    def hold(self, seconds: float) -> None:
        """Nobody goes for so long: the venue said so."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    def _grant(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._waiting:
            wait = self._wait(now)
            if wait > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._again)
                return
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                self._gone.append(now)
                future.set_result(None)

    def _again(self) -> None:
        self._timer = None
        self._grant()

    def _wait(self, now: float) -> float:
        held = self._held_until - now
        if self._limit is None:
            return held
        window = self._limit.seconds * (1 + _MARGIN)
        while self._gone and self._gone[0] <= now - window:
            self._gone.popleft()
        full = self._gone[-self._limit.count] + window - now if len(self._gone) >= self._limit.count else 0.0
        return max(held, full)


class HostGate:
    """What all profiles on one host share: the address limit, a block of the address, and sockets."""

    def __init__(self, limit: Limit | None, at_once: int = 64) -> None:
        self.pacer = Pacer(limit)
        self.sockets = asyncio.Semaphore(at_once)
        self.blocked: Judgement | None = None
