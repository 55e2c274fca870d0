"""One profile's line to its venue: sign, send, judge, pace, and try again until it is answered or too late.

Cancel-all is idempotent, so what is ambiguous is sent again, and so is what a gateway turned away. A refusal reaches
only as far as it must (`cancelall.engine.refusals`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from cancelall.core.attempts import INSTANT, Attempt, Outcome, Tally, Watch
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import DryRunViolation, TransportFault, Unreadable, bug_words
from cancelall.core.model import Answer, Judgement, Priority, Reply, Request, SignedRequest
from cancelall.core.profile import host_of
from cancelall.engine import retry
from cancelall.engine.hedge import Hedge
from cancelall.engine.rate_limiter import HostGate, ProfileLimits
from cancelall.engine.refusals import Refusals
from cancelall.engine.signer import Clock, Exchange, Signer
from cancelall.venues.contract import Limit

T = TypeVar("T")
Send = Callable[[SignedRequest, float, Callable[[], None]], Awaitable[Reply]]
"""Sends a signed request by a monotonic time and says when its bytes are out. Raises TransportFault."""

ATTEMPT_SECONDS = 7.0
"""Connecting (2 s) and reading (5 s); after that the attempt is abandoned."""
_GLANCE = 0.25
"""Seconds between two looks whether a request that has to wait is still needed."""
_MARGIN = 0.1
"""Seconds that a wait leaves before the last moment at which anything is sent."""
_ROUND_TRIP = 0.3
"""Seconds that an answer is expected to take while none has come."""
_STANDS_STILL = 1.0
"""Seconds without a name or a connection, after which that is why there is no answer."""
_WIDEST = 6
"""Times the configured window of validity, at most."""
_SERIAL_PATIENCE = 1.0
"""Seconds, at least, that a request gets on a connection that was kept warm before it is given up, where no copy may go
next to it: the next try is signed anew, and goes on a new connection."""
_DISTRUST = 10.0
"""Seconds for which nothing else goes on those that were kept, either: what has swallowed one swallows all."""


def _doubt(signed: SignedRequest, limit: asyncio.Timeout, seconds: float) -> None:
    """Give a request up after so many seconds if it went out on a connection that was kept, and nothing has come."""

    def look() -> None:
        if signed.wire.kept and not signed.wire.answering and not limit.expired():
            with contextlib.suppress(RuntimeError):  # it is over
                limit.reschedule(asyncio.get_running_loop().time())

    asyncio.get_running_loop().call_later(seconds, look)


@dataclass
class Client:
    """Everything between a Request and a Judgement, for one profile."""

    signer: Signer
    send: Send
    clock: Clock
    gate: HostGate
    """That of the venue's first host."""
    deadline: float
    reserve: float
    """Seconds that a proof needs: waits are clipped so that one more try and the proof still fit."""
    gates: Mapping[str, HostGate] = field(default_factory=dict)
    """Those of its further hosts, by their names."""
    reads_only: bool = False
    at_once: Callable[[SignedRequest, float], bool] | None = None
    """Writes a request, without waiting for anything, on a connection that was kept warm, if there is one: nothing else
    is done before, no thread is waited for, and `send` then reads its answer. Tells whether; raises nothing."""
    copy_after: float | None = None
    """Seconds without an answer on a connection that was kept warm, after which a copy goes on a new one; None where
    none are kept."""
    over: bool = False
    """The sweep has ended. A hold takes this back."""
    halted: bool = False
    """A signal has come. Nothing takes this back."""
    arrived: Callable[[], None] = lambda: None
    """Called, at least once, when the first requests are in the queue of the host."""
    trace: Callable[[Attempt], None] = lambda attempt: None
    before_send: Callable[[SignedRequest], None] = lambda signed: None
    """Called right before each send; it may take microseconds, and must not raise."""
    after_send: Callable[[SignedRequest, Outcome[Any] | None], None] = lambda signed, outcome: None
    """Called when it is over; with None when nobody waits for its answer any more."""
    standstill: Callable[[float], str] = lambda seconds: ""
    """Why there was no connection for so many seconds, in words; empty where connecting gets on, or is over."""
    random: Callable[[], float] = random.random
    tally: Tally = field(default_factory=Tally)
    bug: BaseException | None = None
    """What a reader of the venue raised, besides that it could not read: its answer counts as unreadable."""

    def __post_init__(self) -> None:
        self._distrusts = False
        """A connection that was kept has just swallowed a request."""
        self.venue = self.signer.venue
        further = {name: gate.refusals for name, gate in self.gates.items()}
        self.refusals = Refusals(proves_key=self.venue.proves_key, host=self.gate.refusals, further=further)
        self._serial = self.signer.serial
        proves = not self.reads_only
        self._limits = ProfileLimits(self.venue.limits, self.gate, self.gates, self._serial, proves=proves)

    @property
    def closed(self) -> bool:
        """Whether nothing may be changed any more, whatever is still under way."""
        return self.over or self.halted

    @property
    def ended(self) -> bool:
        """Whether its time is over, or nothing may be changed any more."""
        return self.closed or self.clock.monotonic() >= self.deadline

    @property
    def refusal(self) -> Judgement | None:
        """A refusal that ends every request with this key."""
        return self.refusals.believed

    def finish(self, *, stays: bool = False) -> None:
        """The sweep has ended: others need leave nothing to it, unless a hold follows."""
        self.over = True
        self._limits.finish(stays=stays)

    def pace(self, readings: Iterable[Request], own: Iterable[Request], until: float, *, lavish: bool) -> float:
        """Seconds between two listings, made of its `own` requests, by which the limits of the address last until then;
        `readings` are the requests of all listings of the profile. With `lavish` what is mostly left is not spared.
        """
        return self._limits.pace(self._costs(readings), {request.host for request in own}, until, lavish=lavish)

    def room(self, readings: Iterable[Request]) -> float:
        """Seconds until the limits of the address have let the last proofs through, of which this is one listing."""
        return self._limits.room(self._costs(readings))

    def _costs(self, requests: Iterable[Request]) -> Counter[str]:
        costs: Counter[str] = Counter()
        for request in requests:
            costs[request.host] += self.venue.cost(request)
        return costs

    def stops(self, request: Request) -> bool:
        """Whether a refusal ends this request. A block of the address leaves each mass cancel its own answer."""
        refusals = self.refusals
        host = refusals.further.get(request.host, refusals.host)
        if self._serial is not None and self._serial.ended is not None:  # perhaps by another profile with this key
            refusals.believed = self._serial.ended
        down = refusals.believed is not None or request.host in refusals.down
        return down or (host.blocked is not None and host.stops(request))

    @property
    def last_send(self) -> float:
        """When the last request may leave, so that its answer can still come."""
        return self.deadline - (self.tally.round_trip or _ROUND_TRIP)

    @property
    def turned_away(self) -> Judgement | None:
        """Why the profile as a whole is refused: by the venue, or by a gateway that let nothing else ever through."""
        return self.refusals.stopped or self._never_let_through

    def turned_away_from(self, requests: Iterable[Request]) -> Judgement | None:
        """The same of requests, which may go to some of the venue's hosts only."""
        return self.refusals.stopped_of(requests) or self._never_let_through

    @property
    def _never_let_through(self) -> Judgement | None:
        return None if self.tally.venue_spoke else self.tally.turned_away

    def patience(self, longest: float) -> float:
        """Seconds that a pause may take: so many at most, and ever less as the time runs out."""
        return min(longest, max(_GLANCE, (self.deadline - self.clock.monotonic()) / 8))

    @property
    def behind(self) -> tuple[str, Limit, float] | None:
        """The bucket in which the most cancels waited in vain, its limit, and the seconds that they still needed."""
        return self._limits.behind

    def backs_off(self, request: Request) -> bool:
        """Whether the venue, or a gateway, wants this request to wait."""
        return self._limits.until(request) > self.clock.monotonic()

    async def ask(
        self,
        request: Request,
        read: Callable[[Request, Reply], T],
        *,
        watch: Watch | None = None,
        wanted: Callable[[], bool] = lambda: True,
        superseded: Callable[[], bool] = lambda: False,
        most: int | None = None,
        enough: Collection[Answer] = (),
        fresh: bool = False,
    ) -> Outcome[T]:
        """Send until the venue has answered for good or with one of the answers that are `enough`, nobody wants it,
        `most` tries are over, or the deadline is near. What is `superseded` by its turn is not sent at all.
        The answer to a `fresh` one comes on a connection that nothing else is using.

        Raises DryRunViolation for a request that changes something on a line that may only read.
        """
        if self.reads_only and request.changes:
            raise DryRunViolation(f"{request.method} {request.path} would change something in a dry run")
        last: Outcome[T] | None = None

        def needless() -> bool:
            return superseded() or (last is not None and not wanted()) or (self.closed and request.changes)

        exchange = Exchange(request=request, read=read, watch=watch or Watch(), needless=needless, rested=fresh)
        while True:
            corrected = self.signer.corrections > 0
            outcome = await self._attempt(exchange)
            if not outcome.attempt.sent:
                return last or outcome
            if outcome.final or outcome.answer in enough or exchange.tries == most:
                return outcome
            if outcome.answer is Answer.CLOCK and corrected:
                # It did not help: perhaps the way to the venue is slow.
                exchange.widen = min(exchange.widen + 1, _WIDEST)
            repaired = self._serial is not None and outcome.answer is Answer.CLOCK  # it bears few refusals anyway
            pause = 0.0 if repaired else retry.pause(outcome.attempt, exchange.tries, self.random)
            last, until = outcome, self.clock.monotonic() + pause
            if until >= self.deadline or not await self._wait(exchange, partial(float, until)):
                return outcome
            exchange.tries += 1

    async def _attempt(self, exchange: Exchange[T]) -> Outcome[T]:
        """One turn, one signature, one send, one judgement."""
        request, watch = exchange.request, exchange.watch
        if self.stops(request) or not await self._turn(exchange):
            at, stopped = self.clock.monotonic(), self.refusals.stopped_of((request,))
            return Outcome(attempt=Attempt(request=request, began=at, ended=at, judgement=stopped, sent=False))
        try:
            signed = self._sign(exchange, anew=self._distrusts)
            began = self.clock.monotonic()
            watch.begins(began)
            self.before_send(signed)
            self.tally.requests += 1
            if self.tally.first_request is None:
                self.tally.first_request = began
            try:
                reply = await self._send(exchange, signed)
            except TransportFault as fault:
                outcome = Outcome[T](attempt=self._failed(signed, fault, began))
            except asyncio.CancelledError:  # the run is over, the request may not be
                silence = self._silence(signed)
                self.tally.silence = silence.message
                self.tally.given_up(signed, silence)
                self.after_send(signed, None)
                raise
            else:
                outcome = self._judge(exchange, reply, began, signed)
                self._learn(outcome.attempt, reply, signed, exchange.tries)
        finally:
            self._limits.leave(request)
        self.after_send(signed, outcome)
        watch.ended(outcome.attempt)
        self.trace(outcome.attempt)
        return outcome

    # --- sign ---

    def _sign(
        self, exchange: Exchange[Any], copy_of: SignedRequest | None = None, *, anew: bool = False
    ) -> SignedRequest:
        """The request as it goes, or its copy for the second name, or on a new connection."""
        changes = exchange.request.changes
        return self.signer.sign(exchange, self.refusals.family, lambda: changes and self.closed, copy_of, anew=anew)

    # --- send ---

    async def _send(self, exchange: Exchange[Any], signed: SignedRequest) -> Reply:
        """The transport bounds its own reads; what hangs all the same (DNS, a dripping head) is abandoned here."""
        began = self.clock.monotonic()
        until = min(began + ATTEMPT_SECONDS, self.deadline)
        if self.at_once is not None and self.at_once(signed, until):
            exchange.watch.sent()

        def send(one: SignedRequest) -> Awaitable[Reply]:
            return self.send(one, until, exchange.watch.sent)

        def copy(original: SignedRequest, *, anew: bool = False) -> SignedRequest:
            made = self._sign(exchange, original, anew=anew)
            self.before_send(made)
            self.tally.requests += 1
            return made

        try:
            # Not `wait_for`: until Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(max(until - began, 0.01)) as limit:
                if self._serial is not None:
                    if signed.request.signed:
                        self._serial.sending(signed.request, limit)
                    if self.copy_after is not None:
                        _doubt(signed, limit, max(_SERIAL_PATIENCE, 2 * self.copy_after))
                    return await send(signed)
                second = self.signer.alternate is not None and self.signer.alternate_of(signed.request) is not None
                if not second and self.copy_after is None:
                    return await self.send(signed, until, exchange.watch.sent)
                hedge = Hedge(
                    send=send,
                    copy=copy if second else None,
                    judge=self.venue.judge,
                    given_up=self.tally.given_up,
                    cold=None if self.copy_after is None else partial(copy, anew=True),
                    cold_after=self.copy_after or 0.0,
                )
                return await hedge.answer(signed)
        except TimeoutError:
            if self._serial is not None and self.copy_after is not None and signed.wire.kept:
                self._distrusts = True
                asyncio.get_running_loop().call_later(_DISTRUST, setattr, self, "_distrusts", False)
            raise self._silence(signed) from None

    def _silence(self, signed: SignedRequest) -> TransportFault:
        """Why nothing has come of a request for which nobody waits any longer."""
        host = host_of(signed.origin)
        if signed.wire.quiet:
            return TransportFault(self.standstill(0.0) or f"no connection to {host} in time", kind="timeout", sent="no")
        return TransportFault(self.standstill(_STANDS_STILL) or f"no answer from {host} in time", kind="timeout")

    def _failed(self, signed: SignedRequest, fault: TransportFault, began: float) -> Attempt:
        fault.__traceback__ = fault.__cause__ = fault.__context__ = None  # they hold what was read so far
        incurable = self.refusals.failed(fault, signed.family, signed.request.host)
        self.tally.given_up(signed, fault)
        ended = self.clock.monotonic()
        fault.cut = fault.kind == "timeout" and ended >= self.deadline
        return Attempt(request=signed.request, began=began, ended=ended, fault=fault, incurable=incurable)

    # --- judge ---

    def _judge(self, exchange: Exchange[T], reply: Reply, began: float, signed: SignedRequest) -> Outcome[T]:
        """An answer in our words, and what it holds. A reader that fails makes it unreadable, and ends nothing."""
        request, value = exchange.request, None
        try:
            judgement = self.venue.judge(request, reply)
            if judgement.answer is Answer.ACCEPTED:
                value = exchange.read(request, reply)
        except Unreadable as fault:
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message=fault.message)
        except (ImportError, OSError, MemoryError) as fault:  # what reads it cannot be loaded now: it is asked again
            message = f"there is nothing left on this machine to read it with: {type(fault).__name__}"
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message=message)
        except Exception as bug:  # one answer that nobody thought of must not end the firing
            self.bug = self.bug or bug
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="internal", message=bug_words(bug))
        ended = self.clock.monotonic()
        if judgement.perhaps_clock and self.signer.is_off(signed, ended - began, judgement.server_ms):
            judgement = replace(judgement, answer=Answer.CLOCK, kind="clock", hint="set this machine's clock")
        if self._serial is not None:
            judgement = self._serial.weigh(judgement)
        if self._serial is not None and self._serial.ended is not None:
            self.refusals.believed = self._serial.ended
        else:
            judgement = self.refusals.weigh(request, judgement, reply.family)
        attempt = Attempt(
            request=request, began=began, ended=ended, judgement=judgement, status=reply.status, headers=reply.headers
        )
        return Outcome(attempt=attempt, value=value)

    def _learn(self, attempt: Attempt, reply: Reply, signed: SignedRequest, tries: int) -> None:
        """What an answer means for the requests after it: limits, the clock."""
        judgement = attempt.judgement
        if judgement is None:
            return
        self.tally.answered(attempt)
        left = self.last_send - _MARGIN - self.clock.monotonic()
        self._limits.learn(attempt, judgement, retry.granted(judgement, tries, left, self.reserve, self.random))
        if judgement.answer is Answer.CLOCK and (server_ms := judgement.server_ms or reply.date_ms) is not None:
            self.signer.correct(signed, attempt.ended - attempt.began, server_ms)

    # --- wait, retry ---

    async def _turn(self, exchange: Exchange[Any]) -> bool:
        """Wait within all limits, and no longer than the request is needed. With True there is a turn to leave."""
        request, needless = exchange.request, exchange.needless
        while await self._wait(exchange, partial(self._limits.until, request)):
            await self._limits.turn(request, self.venue.cost(request), self.arrived)
            waits = self._limits.until(request) > self.clock.monotonic() + INSTANT
            if not (self.stops(request) or needless() or waits or self._kept_back(request)):
                return True
            self._limits.leave(request, self.venue.cost(request), unused=True)
            while not needless() and (left := self._kept_back(request)) and request.priority is Priority.CANCEL:
                await asyncio.sleep(min(_GLANCE, left))
            if self.stops(request) or needless() or self._kept_back(request):
                return False
        return False

    async def _wait(self, exchange: Exchange[Any], until: Callable[[], float]) -> bool:
        """Wait until a moment that may move; False as soon as nobody needs the request any more."""
        while (left := until() - self.clock.monotonic()) > INSTANT:
            if exchange.needless() or self.ended or self.stops(exchange.request):
                return False
            await asyncio.sleep(min(left, _GLANCE))
            exchange.watch.waits()
        return not exchange.needless()

    def _kept_back(self, request: Request) -> float:
        """Seconds for which the venue has little left for the proof: cancels by name wait for it to pass, and what is
        only nice to know is left. 0 for any other.
        """
        now = self.clock.monotonic()
        wait = self._limits.proof_only_until.get(request.host, 0.0) - now
        if wait <= 0 or request.priority not in (Priority.CANCEL, Priority.OTHER):
            return 0.0
        if request.priority is Priority.CANCEL and now > self.deadline - self.reserve:
            return 0.0  # no proof fits any more: what was kept for it goes into cancels
        self.tally.longest_ask = max(self.tally.longest_ask, wait)
        return wait
