"""One profile's line to its venue: sign, send, judge, pace, and try again until it is settled or too late.

Every attempt is signed afresh over the very bytes that are sent. Cancel-all is idempotent, so what is ambiguous is sent
again, and so is what a gateway turned away. A refusal reaches only as far as it must (`cancelall.engine.refusals`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from cancelall.core.attempts import Attempt, Outcome, Tally, Watch
from cancelall.core.bugs import bug_words
from cancelall.core.clock import INSTANT, Clock
from cancelall.core.errors import DryRunViolation, TransportFault, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Reply, Request, SignedRequest
from cancelall.engine import retry
from cancelall.engine.hedge import Hedge
from cancelall.engine.rate_limiter import HostGate, ProfileLimits
from cancelall.engine.refusals import Refusals
from cancelall.venues.contract import Venue

T = TypeVar("T")
Send = Callable[[SignedRequest, float, Callable[[], None]], Awaitable[Reply]]
"""Sends a signed request by a monotonic time, calling the third argument once its bytes are out.
Raises TransportFault."""

ATTEMPT_SECONDS = 7.0
"""Connecting (2 s) and reading (5 s); after that the attempt is abandoned."""
_GLANCE = 0.25
"""Seconds between two looks whether a request that has to wait is still needed."""
_MARGIN = 0.1
"""Seconds that a wait leaves before the last moment at which anything is sent."""
_ROUND_TRIP = 0.3
"""Seconds that an answer is expected to take while none has come."""
_WIDEST = 6
"""Times the configured window of validity, at most."""


@dataclass(kw_only=True)
class _Asking(Generic[T]):
    """One request that is sent until it is answered."""

    request: Request
    read: Callable[[Request, Reply], T]
    watch: Watch
    needless: Callable[[], bool]
    """Whether it need not, or after the end of the sweep must not, be sent any more."""
    rested: bool
    """Its answer comes on a connection that nothing else is using."""
    tries: int = 1
    widen: int = 1
    """Times the configured window of validity."""


@dataclass
class Client:
    """Everything between a Request and a Judgement, for one profile."""

    venue: Venue[Any, Any, Any]
    origin: str
    secrets: Any
    options: Any
    send: Send
    clock: Clock
    gate: HostGate
    deadline: float
    reserve: float
    """Seconds that a proof needs: waits are clipped so that one more try and the proof still fit."""
    alternate: str | None = None
    """The host's second official name: one copy of a request that stays unanswered goes there."""
    headers: tuple[tuple[str, str], ...] = ()
    """What every request carries besides its signature."""
    reads_only: bool = False
    over: bool = False
    """The sweep has ended. A hold takes this back."""
    halted: bool = False
    """A signal has come. Nothing takes this back."""
    arrived: Callable[[], None] = lambda: None
    """Told, at least once, when the first requests are in the queue of the host."""
    trace: Callable[[Attempt], None] = lambda attempt: None
    before_send: Callable[[SignedRequest], None] = lambda signed: None
    """Called right before each send; it may take microseconds, and must not raise."""
    after_send: Callable[[SignedRequest, Outcome[Any] | None], None] = lambda signed, outcome: None
    """Called when it is over; with None when nobody waits for its answer any more."""
    random: Callable[[], float] = random.random
    tally: Tally = field(default_factory=Tally)
    bug: BaseException | None = None
    """What a reader of the venue raised, besides that it could not read: its answer counts as unreadable."""
    refusals: Refusals = field(init=False)
    _offset_ms: int = 0
    _offset_known: int = 0
    _limits: ProfileLimits = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(proves_key=self.venue.proves_key, host=self.gate.refusals)
        self._limits = ProfileLimits(self.venue.limits, self.gate)

    @property
    def closed(self) -> bool:
        """Whether nothing may be changed any more, whatever is still under way."""
        return self.over or self.halted

    @property
    def ended(self) -> bool:
        """Whether its time is over, or it was told to stop."""
        return self.closed or self.clock.monotonic() >= self.deadline

    @property
    def refusal(self) -> Judgement | None:
        """A refusal that ends every request with this key."""
        return self.refusals.believed

    @property
    def last_send(self) -> float:
        """When the last request may leave, so that its answer can still come."""
        return self.deadline - (self.tally.round_trip or _ROUND_TRIP)

    def venue_ms(self, ours_ms: int) -> int:
        """A moment of this machine's clock as the venue's clock names it, as far as refusals have told the offset."""
        return ours_ms + self._offset_ms

    @property
    def stopped(self) -> Judgement | None:
        """The refusal that ends this line: its own, or a block of the address."""
        return self.refusal or self.gate.refusals.blocked

    @property
    def turned_away(self) -> Judgement | None:
        """Why the profile as a whole is refused: by the venue, or by a gateway that let nothing else ever through."""
        return self.stopped or (None if self.tally.venue_spoke else self.tally.turned_away)

    @property
    def in_doubt(self) -> Judgement | None:
        """The same, or a refusal of the key that stands alone: for those who have the time to be careful."""
        return self.turned_away or self.refusals.doubted

    def patience(self, longest: float) -> float:
        """Seconds that a pause may take: so many at most, and ever less as the time runs out."""
        return min(longest, max(_GLANCE, (self.deadline - self.clock.monotonic()) / 8))

    def holds(self, request: Request) -> bool:
        """Whether the venue, or a gateway, has asked this request to wait."""
        return self._limits.until(request) > self.clock.monotonic()

    def stops(self, request: Request) -> bool:
        """Whether a refusal ends this request. A block of the address leaves each mass cancel its own answer."""
        return self.refusal is not None or self.gate.refusals.stops(request)

    async def ask(
        self,
        request: Request,
        read: Callable[[Request, Reply], T],
        *,
        watch: Watch | None = None,
        wanted: Callable[[], bool] = lambda: True,
        spared: Callable[[], bool] = lambda: False,
        most: int | None = None,
        enough: Collection[Answer] = (),
        fresh: bool = False,
    ) -> Outcome[T]:
        """Send until the venue has answered for good or with one of the answers that are `enough`, nobody wants it,
        `most` tries are over, or the deadline is near. What is `spared` by the time of its turn is not sent at all.
        The answer to a `fresh` one comes on a connection that nothing else is using.

        Raises DryRunViolation for a request that changes something on a line that may only read.
        """
        if self.reads_only and request.changes:
            raise DryRunViolation(f"{request.method} {request.path} would change something in a dry run")
        last: Outcome[T] | None = None

        def needless() -> bool:
            return spared() or (last is not None and not wanted()) or (self.closed and request.changes)

        asking = _Asking(request=request, read=read, watch=watch or Watch(), needless=needless, rested=fresh)
        while True:
            offset_known = self._offset_known
            outcome = await self._attempt(asking)
            if not outcome.attempt.sent:
                return last or outcome
            if outcome.final or outcome.answer in enough or asking.tries == most:
                return outcome
            if outcome.answer is Answer.CLOCK and offset_known:
                asking.widen = min(asking.widen + 1, _WIDEST)  # it did not help: perhaps the way to the venue is slow
            last, until = outcome, self.clock.monotonic() + retry.pause(outcome.attempt, asking.tries, self.random)
            if until >= self.deadline or not await self._wait(asking, partial(float, until)):
                return outcome
            asking.tries += 1

    async def _attempt(self, asking: _Asking[T]) -> Outcome[T]:
        """One turn, one signature, one send, one judgement."""
        request, watch = asking.request, asking.watch
        if self.stops(request) or not await self._turn(asking):
            at = self.clock.monotonic()
            return Outcome(attempt=Attempt(request=request, began=at, ended=at, judgement=self.stopped, sent=False))
        try:
            signed = self._sign(asking)
            began = self.clock.monotonic()
            watch.begins(began)
            self._announce(signed)
            if self.tally.first_request is None:
                self.tally.first_request = began
            try:
                reply = await self._send(asking, signed)
            except TransportFault as fault:
                outcome = Outcome[T](attempt=self._failed(signed, fault, began))
            except asyncio.CancelledError:  # the run is over, the request may not be
                self.tally.given_up(signed, TransportFault("abandoned"))
                self.after_send(signed, None)
                raise
            else:
                outcome = self._judge(asking, reply, began)
                self._learn(outcome.attempt, reply, signed, asking.tries)
        finally:
            self._limits.leave(request)
        self.after_send(signed, outcome)
        watch.ended(outcome.attempt)
        self.trace(outcome.attempt)
        return outcome

    # --- sign ---

    def _sign(self, asking: _Asking[Any], copy_of: SignedRequest | None = None) -> SignedRequest:
        """The request as it goes, or its copy for the second name."""
        request, ours_ms = asking.request, self.clock.now_ms()
        headers, body, target = self.headers, request.body, request.target
        signed_ms = ours_ms + self._offset_ms - self.venue.clock_lead_ms
        if request.signed:
            signed = self.venue.sign(request, self.secrets, self.options, signed_ms, asking.widen)
            headers, body = (*headers, *signed.headers), signed.body
            target = target if signed.query is None else f"{request.path}?{signed.query}"
        window = self.venue.late_ms(self.options) if request.changes else None
        return SignedRequest(
            request=request,
            origin=self.origin if copy_of is None else self.alternate or self.origin,
            headers=headers,
            body=body,
            target=target,
            about=asking.watch.about,
            tries=asking.tries,
            signed_ms=signed_ms,
            made_ms=ours_ms,
            window_ms=None if window is None else window * asking.widen,
            copy_of=copy_of,
            rested_connection=asking.rested and copy_of is None,
            body_limit=(1 << 20) if request.changes else (4 << 20),
            family=self.refusals.family,
            recalled=lambda: request.changes and self.closed,
        )

    def _announce(self, signed: SignedRequest) -> None:
        """Have a send written down before it happens."""
        self.before_send(signed)
        self.tally.requests += 1

    # --- send ---

    async def _send(self, asking: _Asking[Any], signed: SignedRequest) -> Reply:
        """The transport bounds its own reads; what hangs all the same (DNS, a dripping head) is abandoned here."""
        began = self.clock.monotonic()
        until = min(began + ATTEMPT_SECONDS, self.deadline)

        def send(one: SignedRequest) -> Awaitable[Reply]:
            return self.send(one, until, asking.watch.sent)

        def copy(original: SignedRequest) -> SignedRequest:
            made = self._sign(asking, original)
            self._announce(made)
            return made

        try:
            # Not `wait_for`: until Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(max(until - began, 0.01)):
                if self.alternate is None:
                    return await send(signed)
                hedge = Hedge(send=send, copy=copy, judge=self.venue.judge, given_up=self.tally.given_up)
                return await hedge.answer(signed)
        except TimeoutError:
            raise TransportFault("no answer in time", kind="timeout") from None

    def _failed(self, signed: SignedRequest, fault: TransportFault, began: float) -> Attempt:
        """No answer came."""
        fault.__traceback__ = fault.__cause__ = fault.__context__ = None  # they hold what was read so far
        incurable = self.refusals.failed(fault, signed.family)
        self.tally.given_up(signed, fault)
        ended = self.clock.monotonic()
        fault.cut = fault.kind == "timeout" and ended >= self.deadline
        return Attempt(request=signed.request, began=began, ended=ended, fault=fault, incurable=incurable)

    # --- judge ---

    def _judge(self, asking: _Asking[T], reply: Reply, began: float) -> Outcome[T]:
        """An answer in our words, and what it holds. A reader that fails makes it unreadable, and ends nothing."""
        request, value = asking.request, None
        try:
            judgement = self.venue.judge(request, reply)
            if judgement.answer is Answer.ACCEPTED:
                value = asking.read(request, reply)
        except Unreadable as fault:
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words=fault.message)
        except Exception as bug:  # one answer that nobody thought of must not end the firing
            self.bug = self.bug or bug
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="internal", words=bug_words(bug))
        ended = self.clock.monotonic()
        judgement = self.refusals.heard(request, judgement, reply.family, ended)
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
        asked = judgement.after
        if asked is None and judgement.answer is Answer.AGAIN:
            asked = retry.unsaid(tries, self.random)
        if asked is not None:
            asked = retry.clipped(asked, self.last_send - _MARGIN - self.clock.monotonic(), self.reserve)
        self._limits.learn(attempt, judgement, asked)
        if judgement.answer is Answer.CLOCK and (server_ms := judgement.server_ms or reply.date_ms) is not None:
            self._offset_ms = server_ms - signed.made_ms - round((attempt.ended - attempt.began) * 500)
            self._offset_known += 1

    # --- wait, retry ---

    async def _turn(self, asking: _Asking[Any]) -> bool:
        """Wait within all limits, and no longer than the request is needed. With True there is a turn to leave."""
        request, needless = asking.request, asking.needless
        while await self._wait(asking, partial(self._limits.until, request)):
            await self._limits.turn(request, self.venue.cost(request), self.arrived)
            waits = self._limits.until(request) > self.clock.monotonic() + INSTANT
            if not (self.stops(request) or needless() or waits or self._held(request)):
                return True
            self._limits.leave(request, unused=True)
            while not needless() and self._held(request) and request.priority is Priority.CANCEL:
                await asyncio.sleep(min(_GLANCE, self._limits.held_until - self.clock.monotonic()))
            if self.stops(request) or needless() or (self._held(request) and request.priority is not Priority.CANCEL):
                return False
        return False

    async def _wait(self, asking: _Asking[Any], until: Callable[[], float]) -> bool:
        """Wait until a moment that may move; False as soon as nobody needs the request any more."""
        while (left := until() - self.clock.monotonic()) > INSTANT:
            if asking.needless() or self.ended or self.stops(asking.request):
                return False
            await asyncio.sleep(min(left, _GLANCE))
            asking.watch.waits()
        return not asking.needless()

    def _held(self, request: Request) -> bool:
        """While the venue has little left for the proof, cancels by name wait; what is only nice to know is left."""
        now = self.clock.monotonic()
        wait = self._limits.held_until - now
        if wait <= 0 or request.priority not in (Priority.CANCEL, Priority.OTHER):
            return False
        if request.priority is Priority.CANCEL and now > self.deadline - self.reserve:
            return False  # no proof fits any more: what was kept for it goes into cancels
        self.tally.longest_ask = max(self.tally.longest_ask, wait)
        return True
