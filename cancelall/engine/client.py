"""One profile's line to its venue: sign, send, judge, pace, and try again until it is settled or too late.

Every attempt is signed afresh over the very bytes that are sent. Cancel-all is idempotent, so what is ambiguous is sent
again, and so is what a gateway turned away. A refusal reaches only as far as it must (`cancelall.refusals`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from cancelall.core.attempts import Attempt, Outcome, Sending, Tally, Watch
from cancelall.core.bugs import bug_words
from cancelall.core.clock import Clock
from cancelall.core.errors import DryRunViolation, TransportFault, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Reply, Request, Wire
from cancelall.engine.rate_limiter import Backoffs, HostGate, RateLimiter
from cancelall.engine.refusals import Refusals
from cancelall.venues.contract import Venue

T = TypeVar("T")
Send = Callable[[Wire, float, Callable[[], None]], Awaitable[Reply]]
"""Sends a signed request by a monotonic time, calling the third argument once its bytes are out.
Raises TransportFault."""

ATTEMPT_SECONDS = 7.0
"""Connecting (2 s) and reading (5 s); after that the attempt is abandoned."""
HEDGE_SECONDS = 0.9
"""Seconds without an answer after which a copy goes to the host's second name, where it has one."""
_LONGEST_PAUSE = 2.0
_GLANCE = 0.25
"""Seconds between two looks whether a request that has to wait is still needed."""
_MARGIN = 0.1
"""Seconds that a wait leaves before the last moment at which anything is sent."""
_INSTANT = 1e-6
"""Seconds that are none: sums of floats end just before the time that they mean."""
_ROUND_TRIP = 0.3
"""Seconds that an answer is expected to take while none has come."""
_WIDEST = 6
"""Times the configured window of validity, at most."""


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
    before_send: Callable[[Sending], None] = lambda sending: None
    """Called right before each send; it may take microseconds, and must not raise."""
    after_send: Callable[[Sending, Outcome[Any] | None], None] = lambda sending, outcome: None
    """Called when it is over; with None when nobody waits for its answer any more."""
    random: Callable[[], float] = random.random
    tally: Tally = field(default_factory=Tally)
    bug: BaseException | None = None
    """What a reader of the venue raised, besides that it could not read: its answer counts as unreadable."""
    refusals: Refusals = field(init=False)
    _offset_ms: int = 0
    _offset_known: int = 0
    _held_until: float = 0.0
    _limiters: dict[str, RateLimiter] = field(default_factory=dict)
    _backoffs: Backoffs = field(default_factory=Backoffs)

    def __post_init__(self) -> None:
        self.refusals = Refusals(proves_key=self.venue.proves_key, host=self.gate.refusals)

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
        watch = watch or Watch()
        tries = widen = 1
        last: Outcome[T] | None = None

        def needless() -> bool:
            return spared() or (last is not None and not wanted())

        while True:
            offset_known = self._offset_known
            outcome = await self._attempt(request, read, watch, widen, needless, tries, fresh=fresh)
            if not outcome.attempt.sent:
                return last or outcome
            if outcome.final or outcome.answer in enough or tries == most:
                return outcome
            if outcome.answer is Answer.CLOCK and offset_known:
                widen = min(widen + 1, _WIDEST)  # the offset did not help: perhaps the way to the venue is slow
            last, until = outcome, self.clock.monotonic() + self._pause(outcome.attempt, tries)
            if until >= self.deadline or not await self._wait(request, partial(float, until), watch, needless):
                return outcome
            tries += 1

    async def _wait(
        self, request: Request, until: Callable[[], float], watch: Watch, needless: Callable[[], bool]
    ) -> bool:
        """Wait until a moment that may move; False as soon as nobody needs the request any more."""
        while (left := until() - self.clock.monotonic()) > _INSTANT:
            if needless() or self.ended or self.stops(request):
                return False
            await asyncio.sleep(min(left, _GLANCE))
            watch.waits()
        return not needless()

    async def _attempt(
        self,
        request: Request,
        read: Callable[[Request, Reply], T],
        watch: Watch,
        widen: int,
        spared: Callable[[], bool],
        tries: int,
        *,
        fresh: bool,
    ) -> Outcome[T]:
        """One turn, one signature, one send, one judgement."""
        limiter = self._limiters.get(request.bucket)
        if limiter is None:
            limiter = self._limiters[request.bucket] = RateLimiter(self.venue.limits.get(request.bucket))
        needless = partial(self._needless, request, spared)
        if self.stops(request) or not await self._turn(request, limiter, needless, watch):
            return self._unsent(request, self.stopped)
        try:
            signed_ms = self.clock.now_ms()
            wire = self._sign(request, self.origin, signed_ms, widen, fresh=fresh)
            began = self.clock.monotonic()
            watch.begins(began)
            sending = self._announce(request, wire, widen, signed_ms, watch.about, tries)
            self.tally.requests += 1
            if self.tally.first_request is None:
                self.tally.first_request = began
            try:
                reply = await self._bounded(sending, wire, widen, watch.sent)
            except TransportFault as fault:
                fault.__traceback__ = fault.__cause__ = fault.__context__ = None  # they hold what was read so far
                incurable = self.refusals.failed(fault, wire.family)
                self._maybe_late(request, fault, signed_ms, widen)
                ended = self.clock.monotonic()
                fault.cut = fault.kind == "timeout" and ended >= self.deadline
                attempt = Attempt(request=request, began=began, ended=ended, fault=fault, incurable=incurable)
                outcome = Outcome[T](attempt=attempt)
            except asyncio.CancelledError:  # the run is over, the request may not be
                self._maybe_late(request, TransportFault("abandoned"), signed_ms, widen)
                self.after_send(sending, None)
                raise
            else:
                outcome = self._judge(request, read, reply, began)
                self._learn(outcome.attempt, reply, signed_ms, tries)
        finally:
            self.gate.leave()
        self.after_send(sending, outcome)
        watch.ended(outcome.attempt)
        self.trace(outcome.attempt)
        return outcome

    def _announce(
        self,
        request: Request,
        wire: Wire,
        widen: int,
        signed_ms: int,
        about: str,
        tries: int,
        copy_of: Sending | None = None,
    ) -> Sending:
        """Have a send written down before it happens."""
        window = self.venue.late_ms(self.options) if request.changes else None
        sending = Sending(
            request=request,
            about=about,
            tries=tries,
            origin=self.origin if copy_of is None else self.alternate or self.origin,
            body=wire.body,
            signed_ms=signed_ms + self._offset_ms - self.venue.clock_lead_ms,
            window_ms=window * widen if window is not None else None,
            copy_of=copy_of,
        )
        self.before_send(sending)
        return sending

    def _unsent(self, request: Request, stop: Judgement | None) -> Outcome[Any]:
        at = self.clock.monotonic()
        return Outcome(attempt=Attempt(request=request, began=at, ended=at, judgement=stop, sent=False))

    async def _bounded(self, sending: Sending, wire: Wire, widen: int, sent: Callable[[], None]) -> Reply:
        """The transport bounds its own reads; what hangs all the same (DNS, a dripping head) is abandoned here."""
        began = self.clock.monotonic()
        until = min(began + ATTEMPT_SECONDS, self.deadline)
        answer = self.send(wire, until, sent)
        if self.alternate is not None:
            answer = self._hedged(sending, answer, widen, until, sent)
        try:
            # Not `wait_for`: until Python 3.12 it loses a cancellation that comes together with the answer.
            async with asyncio.timeout(max(until - began, 0.01)):
                return await answer
        except TimeoutError:
            raise TransportFault("no answer in time", kind="timeout") from None

    async def _hedged(
        self, original: Sending, answer: Awaitable[Reply], widen: int, until: float, sent: Callable[[], None]
    ) -> Reply:
        """The first answer of two: when the host is silent or gone, one copy goes to its second official name.

        Both copies may be executed. What the second name refuses, but for the key itself, is its own affair.
        """
        request = original.request
        first = asyncio.ensure_future(answer)
        under_way: set[asyncio.Future[Reply]] = {first}
        try:
            await asyncio.wait(under_way, timeout=HEDGE_SECONDS)
            fault = first.exception() if first.done() else None
            if first.done() and (fault is None or not isinstance(fault, TransportFault) or fault.final):
                return first.result()
            signed_ms = self.clock.now_ms()
            if isinstance(fault, TransportFault):
                self._maybe_late(request, fault, signed_ms, widen)
            copy = self._sign(request, self.alternate or self.origin, signed_ms, widen)
            self._announce(request, copy, widen, signed_ms, original.about, original.tries, original)
            self.tally.requests += 1
            second = asyncio.ensure_future(self.send(copy, until, sent))
            under_way = {second} if first.done() else {first, second}
            while under_way:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for answered in done:
                    if answered.exception() is None and not (
                        answered is second and self._aside(request, second.result())
                    ):
                        if under_way:  # the slower copy may still be executed
                            self._maybe_late(request, TransportFault("abandoned"), signed_ms, widen)
                        return answered.result()
            return first.result()
        finally:
            for loser in under_way:
                loser.cancel()

    def _aside(self, request: Request, reply: Reply) -> bool:
        """Whether an answer of the second name says nothing about the first."""
        judgement = self.venue.judge(request, reply)
        aside = judgement.answer in (Answer.ABSENT, Answer.GATEWAY)
        return aside or (judgement.answer is Answer.REFUSED and judgement.kind != "auth")

    def _sign(self, request: Request, origin: str, now_ms: int, widen: int, *, fresh: bool = False) -> Wire:
        headers: tuple[tuple[str, str], ...] = ()
        body, target = request.body, request.target
        if request.signed:
            timestamp = now_ms + self._offset_ms - self.venue.clock_lead_ms
            signed = self.venue.sign(request, self.secrets, self.options, timestamp, widen)
            headers, body = signed.headers, signed.body
            if signed.query is not None:
                target = f"{request.path}?{signed.query}"
        return Wire(
            method=request.method,
            url=origin + target,
            headers=(*self.headers, *headers),
            body=body,
            fresh_connection=request.changes,
            rested_connection=fresh,
            body_limit=(1 << 20) if request.changes else (4 << 20),
            family=self.refusals.family,
            recalled=lambda: request.changes and self.closed,
        )

    def _judge(self, request: Request, read: Callable[[Request, Reply], T], reply: Reply, began: float) -> Outcome[T]:
        """An answer in our words, and what it holds. A reader that fails makes it unreadable, and ends nothing."""
        value: T | None = None
        try:
            judgement = self.venue.judge(request, reply)
            if judgement.answer is Answer.ACCEPTED:
                value = read(request, reply)
        except Unreadable as fault:
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", words=fault.message)
        except Exception as bug:  # noqa: BLE001 - one answer that nobody thought of must not end the firing
            self.bug = self.bug or bug
            judgement = Judgement(answer=Answer.AMBIGUOUS, kind="internal", words=bug_words(bug))
        ended = self.clock.monotonic()
        judgement = self.refusals.heard(request, judgement, reply.family, ended)
        attempt = Attempt(
            request=request,
            began=began,
            ended=ended,
            judgement=judgement,
            status=reply.status,
            headers=reply.headers,
        )
        return Outcome(attempt=attempt, value=value)

    def _learn(self, attempt: Attempt, reply: Reply, signed_ms: int, tries: int) -> None:
        """What an answer means for the requests after it: limits, the clock."""
        judgement = attempt.judgement
        if judgement is None:
            return
        self.tally.answered(attempt)
        if judgement.after is not None:
            self.tally.longest_ask = max(self.tally.longest_ask, judgement.after)
        asked = judgement.after
        if asked is None and judgement.answer is Answer.AGAIN:
            asked = max(0.5, self._jitter(tries))
        if judgement.answer is Answer.GATEWAY:  # which knows no buckets
            self._backoffs.turn_away(attempt.request, attempt.ended + (judgement.after or 0.0))
        elif asked is not None:
            self._backoffs.hold(attempt.request, self._clip(asked), attempt.ended)
        elif judgement.answer is not Answer.AMBIGUOUS:
            self._backoffs.good(attempt.request)
        if judgement.hold is not None:
            self._held_until = max(self._held_until, attempt.ended + judgement.hold)
        if judgement.answer is Answer.CLOCK:
            server_ms = judgement.server_ms or _date_ms(reply)
            if server_ms is not None:
                halfway = signed_ms + round((attempt.ended - attempt.began) * 500)
                self._offset_ms = server_ms - halfway
                self._offset_known += 1

    async def _turn(self, request: Request, limiter: RateLimiter, spared: Callable[[], bool], watch: Watch) -> bool:
        """Wait within all limits, and no longer than the request is needed. With True there is a turn to leave."""
        while True:
            if not await self._wait(request, partial(self._backoffs.until, request), watch, spared):
                return False
            await limiter.turn(request.priority)
            try:
                asyncio.get_running_loop().call_soon(self.arrived)  # as soon as its brothers are in the queue, too
                await self.gate.turn(request.priority, self.venue.cost(request))
            except asyncio.CancelledError:
                limiter.unused()
                raise
            waits = self._backoffs.until(request) > self.clock.monotonic() + _INSTANT
            if not (self.stops(request) or spared() or waits or self._held(request)):
                return True
            self.gate.leave(unused=True)
            limiter.unused()
            while not spared() and self._held(request) and request.priority is Priority.CANCEL:
                await asyncio.sleep(min(_GLANCE, self._held_until - self.clock.monotonic()))
            if self.stops(request) or spared() or (self._held(request) and request.priority is not Priority.CANCEL):
                return False

    def _needless(self, request: Request, spared: Callable[[], bool]) -> bool:
        """Whether a request need not, or after the end of the sweep must not, be sent any more."""
        return spared() or (self.closed and request.changes)

    def _held(self, request: Request) -> bool:
        """While the venue has little left for the proof, cancels by name wait; what is only nice to know is left."""
        now = self.clock.monotonic()
        wait = self._held_until - now
        if wait <= 0 or request.priority not in (Priority.CANCEL, Priority.OTHER):
            return False
        if request.priority is Priority.CANCEL and now > self.deadline - self.reserve:
            return False  # no proof fits any more: what was kept for it goes into cancels
        self.tally.longest_ask = max(self.tally.longest_ask, wait)
        return True

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
        return self._backoffs.until(request) > self.clock.monotonic()

    def stops(self, request: Request) -> bool:
        """Whether a refusal ends this request. A block of the address leaves each mass cancel its own answer."""
        return self.refusal is not None or self.gate.refusals.stops(request)

    def _pause(self, attempt: Attempt, tries: int) -> float:
        """Seconds to the next try: the first at once, then full jitter. What a venue asks for holds its bucket besides.

        A hint of no time at all holds for the first try only: a venue that keeps giving it is not hammered.
        """
        judgement = attempt.judgement
        if judgement is not None and judgement.after:  # it is waited for with its like, before it goes
            return 0.0
        return 0.0 if tries == 1 else self._jitter(tries - 1)

    def _clip(self, asked: float) -> float:
        """A longer wait than the time left still leaves room for one more try and, where it fits, the proof.

        Too late for a proof, the waits do not shrink with the time left: a venue that is busy is not hammered.
        """
        left = self.last_send - _MARGIN - self.clock.monotonic()
        room = left - self.reserve if left > self.reserve else max(left, self.reserve) * 0.5
        return max(0.0, min(asked, room))

    def _jitter(self, tries: int) -> float:
        return self.random() * min(_LONGEST_PAUSE, 0.25 * float(2 ** min(tries, 6)))

    def _maybe_late(self, request: Request, fault: TransportFault, signed_ms: int, widen: int) -> None:
        """An abandoned cancel can be executed until its signature's window closes, and then kills new orders."""
        if not request.changes or fault.sent == "no":
            return
        self.tally.abandoned = True
        window = self.venue.late_ms(self.options)
        if window is not None:
            self.tally.late_until_ms = max(self.tally.late_until_ms, signed_ms + window * widen)


def _date_ms(reply: Reply) -> int | None:
    """The venue's clock from the HTTP Date header, to the second."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(reply.headers.get("date", "")).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None
