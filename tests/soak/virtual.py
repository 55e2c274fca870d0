"""Virtual time: an event loop that never waits, a clock over it, and a wire without sockets.

The loop jumps to its next timer as soon as nothing else is to be done, so that a minute of a kill takes milliseconds
and the same seed gives the same run. `Network` stands where `cancelall.transport` stands: it takes a signed request to
a fake venue in this process and turns whatever happens on the way into the answer or the fault that sockets give.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from email.utils import formatdate
from enum import Enum
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from cancelall.core.errors import TransportFault
from cancelall.core.model import Purpose, Reply, SignedRequest
from cancelall.simulator import FakeVenue, Kind, Manner, SimReply, SimRequest

T = TypeVar("T")

START = 1000.0
"""The loop's time at the start of a schedule."""
START_MS = 1_790_000_000_000
"""Wall time when the loop's time is zero."""
CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 5.0
"""Those of `cancelall.transport`."""
_HEADERS_AT_MOST = 100


class Stuck(RuntimeError):
    """Everybody waits and no timer is left that could wake anybody, or nobody waits and time stands still."""


_BUSY = 50_000
"""Rounds of the loop without a tick of the clock: whoever needs more is busy for nothing."""


class _NoSelector:
    """In place of a selector: it waits for nothing but the next timer, and for that by moving the clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._busy = 0

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is scheduled, and the run is not over")
        self._busy = self._busy + 1 if timeout == 0 else 0
        if self._busy > _BUSY:
            self._busy = 0
            raise Stuck("somebody goes on and on, and no time passes")
        if timeout > 0:
            self._loop.jump(timeout)
        return []

    def close(self) -> None:
        """There is nothing to close."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose time is a number. It has no sockets, no threads, no signals."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.complaints: list[str] = []
        """What asyncio would have logged: exceptions that nobody waited for."""
        self._selector = _NoSelector(self)
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def jump(self, timeout: float) -> None:
        """On to the next timer, exactly: sums of floats would stop just before it."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        self.now = max(self.now, scheduled[0].when() if scheduled else self.now + timeout)

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end, cancel what is left over, and close."""
        try:
            return self.run_until_complete(work)
        finally:
            self.run_until_complete(self._drop(asyncio.all_tasks(self)))
            self.close()

    @staticmethod
    async def _drop(left: set[asyncio.Task[Any]]) -> None:
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), TransportFault | asyncio.CancelledError):
            return  # what ended in the very moment in which nobody waited for it any more
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps."""


@dataclass(frozen=True, kw_only=True)
class VirtualClock:
    """The client's two clocks. `skew_ms` is how far its wall clock is off."""

    loop: VirtualLoop
    skew_ms: int = 0

    def now_ms(self) -> int:
        """Wall time in ms since the epoch."""
        return true_ms(self.loop) + self.skew_ms

    def monotonic(self) -> float:
        """Virtual seconds."""
        return self.loop.time()


def true_ms(loop: VirtualLoop) -> int:
    """The wall time of a fake venue, before its own faults."""
    return START_MS + int(loop.time() * 1000)


class Trouble(Enum):
    """What can happen between the two machines, besides what a venue's faults do."""

    REFUSED = "no connection"
    BLACKHOLE = "no connection in time"
    LOST = "sent, never arrived"
    CUT = "reset before it was processed"
    SWALLOWED = "processed, and the answer was lost"
    CUT_AFTER = "processed, then reset"
    LATE = "arrives seconds later, perhaps after it was given up"


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How good the network is: seconds of a request's way at most, the share of requests in trouble, and which."""

    latency: float = 0.0
    trouble: float = 0.0
    kinds: tuple[Trouble, ...] = ()


@dataclass(kw_only=True)
class Sent:
    """One attempt as seen from outside. The numbers are places in the one order of everything that happens."""

    request: SimRequest
    kind: Kind
    at: float
    began: int
    processed: int | None = None
    processed_ms: int = 0
    answered: int | None = None
    """When its answer was delivered, whole."""
    status: int | None = None
    shows: bytes = b""
    """The body of a listing, as the venue sent it."""
    lag_ms: int = 0
    """By how much a listing may have been out of date."""
    note: str = ""
    lists: bool = True
    """It was sent to list open orders, and not, after the verdict, to tell how some have ended."""

    def __str__(self) -> str:
        query = f"?{self.request.query}" if self.request.query else ""
        body = self.request.body[:200].decode("utf-8", "replace")
        said = f"-> {self.status}" if self.answered is not None else f"-> {self.note or 'no answer'}"
        return (
            f"{self.at - START:8.3f} [{self.began},{self.processed},{self.answered}] "
            f"{self.request.method} {self.request.path}{query} {body} {said}"
        )


class Network:
    """Takes requests to one fake venue. `step` numbers what happens, for whoever wants to know the order."""

    def __init__(
        self,
        loop: VirtualLoop,
        fake: FakeVenue,
        weather: Weather,
        rng: random.Random,
        step: Callable[[], int],
        lag_ms: Callable[[FakeVenue], int] = lambda fake: 0,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.loop, self.fake, self.weather, self.rng, self.step = loop, fake, weather, rng, step
        self.lag_ms, self.after = lag_ms, after
        self.log: list[Sent] = []

    async def send(self, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        """One attempt, as `cancelall.engine.client.Send` wants it. Raises TransportFault."""
        if until <= self.loop.time():
            raise TransportFault("no time left to send", kind="timeout", sent="no")
        request = self._request(signed)
        lists = signed.request.purpose is not Purpose.FINAL_STATES
        kind = self.fake.classify(request)
        seen = Sent(request=request, kind=kind, at=self.loop.time(), began=self.step(), lists=lists)
        self.log.append(seen)
        trouble = None
        if self.weather.kinds and self.rng.random() < self.weather.trouble:
            trouble = self.rng.choice(self.weather.kinds)
        there, back = (self.rng.random() * self.weather.latency / 2 for _ in range(2))
        if signed.request.changes:
            await self._connect(seen, trouble, until)
        elif trouble in (Trouble.REFUSED, Trouble.BLACKHOLE):
            trouble = Trouble.CUT  # there is a connection already
        sent()
        return await self._exchange(signed, seen, trouble, until, there, back)

    async def _connect(self, seen: Sent, trouble: Trouble | None, until: float) -> None:
        if trouble is Trouble.REFUSED:
            await asyncio.sleep(self.rng.random() * self.weather.latency / 4)
            self._break(seen, "the connection was refused", sent="no")
        if trouble is Trouble.BLACKHOLE:
            await asyncio.sleep(min(CONNECT_TIMEOUT, until - self.loop.time()))
            self._break(seen, "no connection in time", kind="timeout", sent="no")
        await asyncio.sleep(min(CONNECT_TIMEOUT / 2, self.rng.random() * self.weather.latency / 4))

    async def _exchange(
        self, signed: SignedRequest, seen: Sent, trouble: Trouble | None, until: float, there: float, back: float
    ) -> Reply:
        """The request travels on by itself: that nobody waits for its answer any more does not bring it back."""
        stalls = self.fake.connection_stalls()
        if trouble is Trouble.LATE:
            there += self.rng.random() * 12
        arrival: asyncio.Future[SimReply] = self.loop.create_future()
        if not (stalls or trouble in (Trouble.LOST, Trouble.CUT)):
            self.loop.call_later(there, self._arrive, seen, arrival)
        patience = min(READ_TIMEOUT, until - self.loop.time())
        if trouble in (Trouble.CUT, Trouble.CUT_AFTER):
            await asyncio.sleep(min(patience, there + back + (0.001 if there == back else 0.0)))
            self._break(seen, "the connection broke")
        try:
            async with asyncio.timeout(patience):
                reply = await self._delivered(arrival, back)
        except TimeoutError:
            self._break(seen, "no answer in time", kind="timeout")
        if trouble is Trouble.SWALLOWED or reply.manner is Manner.NEVER:
            await asyncio.sleep(max(0.0, min(READ_TIMEOUT, until - self.loop.time())))
            self._break(seen, "no answer in time", kind="timeout")
        return await self._read(signed, seen, reply, until)

    def _arrive(self, seen: Sent, arrival: asyncio.Future[SimReply]) -> None:
        now_ms = true_ms(self.loop)
        seen.lag_ms = self.lag_ms(self.fake) if seen.kind is Kind.LISTING else 0
        seen.processed_ms = now_ms
        seen.processed = self.step()
        reply = self.fake.handle(replace(seen.request, received_ms=now_ms))
        seen.shows = reply.body if seen.kind is Kind.LISTING else b""
        self.after()
        date = formatdate(self.fake.server_now() / 1000, usegmt=True)
        if not arrival.done():
            arrival.set_result(replace(reply, headers=(("Date", date), *reply.headers)))

    @staticmethod
    async def _delivered(arrival: Awaitable[SimReply], back: float) -> SimReply:
        reply = await arrival
        await asyncio.sleep(back + reply.delay_seconds)
        return reply

    async def _read(self, signed: SignedRequest, seen: Sent, reply: SimReply, until: float) -> Reply:
        """What of an answer gets through, by the manner of its delivery."""
        encoded = any(name.lower() == "content-encoding" for name, _ in reply.headers)
        match reply.manner:
            case Manner.RESET | Manner.CLOSE | Manner.GARBAGE:
                self._break(seen, "the connection broke")
            case Manner.RESET_IN_BODY if reply.body:
                self._break(seen, "the answer broke off", kind="unreadable", sent="yes")
            case Manner.ENDLESS:
                self._too_large(seen, signed)
            case Manner.DRIP_HEADERS:
                await asyncio.sleep(reply.pace_seconds * (300 + len(reply.body)))  # whoever waits gives up by himself
            case Manner.DRIP_BODY:
                left = until - self.loop.time()
                await asyncio.sleep(max(0.0, min(left, reply.pace_seconds * len(reply.body))))
                if reply.pace_seconds * len(reply.body) > left:
                    self._break(seen, "the answer did not end in time", kind="timeout", sent="yes")
        if len(reply.headers) > _HEADERS_AT_MOST:
            self._break(seen, "the answer's head is not HTTP", kind="unreadable", sent="yes", answered=True)
        if encoded or len(reply.body) > signed.body_limit:
            self._too_large(seen, signed)
        seen.answered, seen.status = self.step(), reply.status
        body = b"" if 300 <= reply.status < 400 else reply.body
        return Reply(status=reply.status, headers={name.lower(): text for name, text in reply.headers}, body=body)

    def _too_large(self, seen: Sent, signed: SignedRequest) -> NoReturn:
        self._break(
            seen,
            f"the answer is larger than {signed.body_limit} bytes",
            kind="unreadable",
            sent="yes",
            answered=True,
        )

    @staticmethod
    def _break(seen: Sent, message: str, **more: Any) -> NoReturn:
        seen.note = message
        raise TransportFault(message, **more)

    @staticmethod
    def _request(signed: SignedRequest) -> SimRequest:
        parts = urlsplit(signed.origin + signed.target)
        return SimRequest(
            method=signed.request.method,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): text for name, text in signed.headers},
            body=signed.body,
        )
