"""Taking turns under rate limits: the urgent first, never faster than the venue documents."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from cancelall.core.attempts import INSTANT, Attempt
from cancelall.core.model import Answer, Judgement, Priority, Request
from cancelall.engine.refusals import HostRefusals
from cancelall.venues.contract import Limit

_MARGIN = 0.02
"""Share added to every window, since the venue's clock counts arrivals and ours departures."""
_SPARE = 0.05
"""Share of an address limit that reads leave for the cancels of a profile whose secrets come late."""
_PLACES_FOR_CANCELS = 0.25
"""Share of a host's places that reads leave free, for the same reason: one that hangs keeps its place for seconds."""
_EXPECTING = 2.0
"""Longest wait of reads, in seconds, for the next of the profiles whose first cancels are on their way."""
_SHARE = 400
"""How much of a scarce limit of the address is kept for the proof of a profile, before that of the next one."""
_READINGS = 2
"""What a hold keeps for the last proof of each profile, in readings of all its segments."""
_AMPLE = 2 / 3
"""Share of a limit that has to be left for a kill not to spare it for the hold that follows."""
_COUNTED, _PROFILES = 1 << 48, 1 << 20
"""More than are ever counted: tickets of one queue, and profiles."""
_FIRST_BACKOFF = 1.5
"""Longest wait, in seconds, that is granted to the first hint of a bucket: a kill is not frozen by one answer."""

Ticket = tuple[int, int, asyncio.Future[None], int]
"""Priority, number, the future that lets it go, and what it costs."""


class Backoffs:
    """How long a venue wants the requests of each bucket to wait, and a gateway a single one. Cancels wait apart."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, bool], float] = {}
        self._hints: Counter[tuple[str, bool]] = Counter()
        self._turned_away: dict[Request, float] = {}

    def turn_away(self, request: Request, until: float) -> None:
        """A gateway turned this very request away: it may come again then."""
        self._turned_away[request] = until

    def back_off(self, request: Request, wait: float, now: float) -> None:
        """A request has to wait: so do all like it. The wait that is granted doubles with each hint in a row."""
        key = request.bucket, request.changes
        if now >= self._until.get(key, 0.0):  # what was under way together got one hint
            self._hints[key] += 1
        granted = min(wait, _FIRST_BACKOFF * 2 ** min(self._hints[key] - 1, 6))
        self._until[key] = max(self._until.get(key, 0.0), now + granted)

    def good(self, request: Request) -> None:
        """One was answered otherwise."""
        self._hints.pop((request.bucket, request.changes), None)

    def until(self, request: Request) -> float:
        """When it may go."""
        return max(self._until.get((request.bucket, request.changes), 0.0), self._turned_away.get(request, 0.0))


class LimitWindow:
    """How many requests may still go within one rate limit. A venue may count some of them more than once."""

    def __init__(self, limit: Limit | None) -> None:
        self._limit = limit
        self._gone: deque[tuple[float, int]] = deque()
        self._spent = 0.0
        self._fell_at = 0.0
        """Of a counter that falls: when it stood as high as that."""

    def wait(self, now: float, spare: float = 0.0, cost: int = 1) -> float:
        """Seconds until the next request may go; `spare` is the share of the limit that it leaves to others."""
        if self._limit is None:
            return 0.0
        window = self._limit.seconds * (1 + _MARGIN)
        if self._limit.falls:
            self._fall(now, self._limit.count / window)
            return (
                max(0.0, self._spent + cost - max(self._limit.count * (1 - spare), cost)) * window / self._limit.count
            )
        while self._gone and self._gone[0][0] <= now - window:
            self._spent -= self._gone.popleft()[1]
        room = max(self._limit.count - int(self._limit.count * spare), cost) - cost
        over = self._spent - room
        for gone, spent in self._gone:
            if over <= 0:
                break
            over -= spent
            if over <= 0:
                return gone + window - now
        return 0.0

    def went(self, now: float, cost: int = 1) -> None:
        """A request goes."""
        self._gone.append((now, cost))
        self._spent += cost

    def left(self, until: float) -> float:
        """How much of the limit is left at a moment to come, if nothing goes before that."""
        if self._limit is None:
            return math.inf
        window = self._limit.seconds * (1 + _MARGIN)
        if self._limit.falls:
            return self._limit.count - max(0.0, self._spent - (until - self._fell_at) * self._limit.count / window)
        return self._limit.count - sum(cost for gone, cost in self._gone if gone > until - window)

    def unused(self, cost: int | None = None) -> None:
        """The last one did not go; the last one of this cost, where there is one."""
        if self._gone:
            last = next((one for one in reversed(self._gone) if one[1] == cost), self._gone[-1])
            self._gone.remove(last)
            self._spent = max(0.0, self._spent - last[1])

    def _fall(self, now: float, each_second: float) -> None:
        """Let the counter fall to where it stands now."""
        self._spent, self._fell_at = max(0.0, self._spent - (now - self._fell_at) * each_second), now
        while len(self._gone) > 1:  # the last one may still turn out to be unused
            self._gone.popleft()


class Queue:
    """Those who wait for their turn, the urgent first, equals as they came."""

    _count = itertools.count()

    def __init__(self) -> None:
        self.waiting: list[Ticket] = []
        """A heap: who is next stands first."""

    async def wait(
        self, priority: int, grant: Callable[[], None], back: Callable[[], None], cost: int = 1, after: int = 0
    ) -> None:
        """Wait until `grant` has let this one go. Who gives up takes no turn; one that was just given goes `back`.

        Of equals those with the lowest `after` go first.
        """
        ticket = (priority, after * _COUNTED + next(self._count), asyncio.get_running_loop().create_future(), cost)
        heapq.heappush(self.waiting, ticket)
        grant()
        try:
            await ticket[2]
        except asyncio.CancelledError:
            if ticket[2].done() and not ticket[2].cancelled():
                back()
            else:
                self._leave(ticket)
            raise

    def next(self, least: int) -> Ticket:
        """Who is next of those of this priority, or a lower one, that are no mass cancels; the first without any."""
        first = self.waiting[0]
        if first[0] == Priority.MASS_CANCEL:
            return first
        return min((one for one in self.waiting if one[0] >= least), key=lambda one: one[:2], default=first)

    def let_go(self, chosen: Ticket | None = None) -> bool:
        """Let the next one go, or one that was chosen; False if it has given up."""
        if chosen is None or chosen is self.waiting[0]:
            chosen = heapq.heappop(self.waiting)
        else:
            self._leave(chosen)
        if chosen[2].done():
            return False
        chosen[2].set_result(None)
        return True

    def _leave(self, ticket: Ticket) -> None:
        self.waiting = [other for other in self.waiting if other is not ticket]
        heapq.heapify(self.waiting)


class _Turns:
    """Grants turns now, and again when time has made room for more."""

    def __init__(self, limit: Limit | None) -> None:
        self._window = LimitWindow(limit)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def grant(self) -> None:
        """Let go whoever may go by now."""
        raise NotImplementedError

    def _later(self, at: float) -> None:
        """Grant again at this time, unless that is arranged already."""
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._again)

    def _again(self) -> None:
        self._timer = None
        self.grant()


class RateLimiter(_Turns):
    """One rate limit of a key. `turn` returns when a request may go; lower priorities wait for higher ones."""

    def __init__(self, limit: Limit | None) -> None:
        super().__init__(limit)
        self._queue = Queue()

    async def turn(self, priority: int, cost: int = 1) -> None:
        """Wait for a place within the limit."""
        await self._queue.wait(priority, self.grant, partial(self.unused, cost), cost)

    def unused(self, cost: int = 1) -> None:
        """The last turn of this cost was not needed: the next in the queue may have it."""
        self._window.unused(cost)
        self.grant()

    def grant(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._queue.waiting:
            cost = self._queue.waiting[0][3]
            wait = self._window.wait(now, cost=cost)
            if wait > INSTANT:
                self._later(now + wait)
                return
            if self._queue.let_go():
                self._window.went(now, cost)


class Address(_Turns):
    """What a venue allows this machine's address, over all of the venue's hosts and all profiles.

    The most urgent goes first, whichever host it is for, if that host has a place free for it.
    """

    def __init__(self, limit: Limit | None) -> None:
        super().__init__(limit)
        self._gates: list[HostGate] = []
        self._most = limit.count if limit else 1
        self.proofs: list[int] = []
        """What is kept for the proof of each profile, where reads are scarce. They are proven in this order: none would
        be in time side by side."""
        self.at_work: set[object] = set()
        """Profiles that go on reading."""
        self._limit = limit
        self._expected = 0
        self._expecting_until = 0.0

    def gate(self, at_once: int) -> HostGate:
        """The gate of one more host."""
        gate = HostGate(self, at_once)
        self._gates.append(gate)
        return gate

    def pace(self, cost: int, now: float, until: float) -> float:
        """Seconds between two readings of a profile, which cost so much each, by which the limit lasts until then for
        all profiles that are at work, and what their last proofs and some cancels take is left of it; infinite where
        none fits. What it says of a later moment is less: readings come at even times between now and then.
        """
        if self._limit is None or not cost:
            return 0.0
        each, span = cost * max(1, len(self.at_work)), until - now
        kept = min(_READINGS * each, self._most / 2) + _SPARE * self._most
        if span >= (window := self._limit.seconds * (1 + _MARGIN)):
            return each * window / (self._most - kept)
        left = self._window.left(until) - kept
        return span * each / left if left >= each else math.inf

    def room(self, cost: int, now: float) -> float:
        """Seconds until all profiles that are at work have had their last proofs, a reading of which costs so much."""
        if self._limit is None or not cost:
            return 0.0
        most = max(1, int(self._most * (1 - _SPARE)))
        rounds, rest = divmod(_READINGS * cost * max(1, len(self.at_work)), most)
        return rounds * self._limit.seconds * (1 + _MARGIN) + self._window.wait(now, _SPARE, rest)

    @property
    def ample(self) -> bool:
        """Whether most of the limit is left."""
        return self._window.left(asyncio.get_running_loop().time()) > _AMPLE * self._most

    def expect(self) -> Callable[[], None]:
        """Somebody's first cancels are on their way: for a moment reads wait for them. To be called when they queue."""
        self._expected += 1
        self._expecting_until = asyncio.get_running_loop().time() + _EXPECTING
        arrived = False

        def arrive() -> None:
            nonlocal arrived
            if not arrived:
                arrived = True
                self._expected -= 1
                self._expecting_until = asyncio.get_running_loop().time() + _EXPECTING
                self.grant()

        return arrive

    def grant(self) -> None:
        now = asyncio.get_running_loop().time()
        while ready := [gate for gate in self._gates if gate.ready]:
            gate = min(ready, key=lambda one: one.queue.waiting[0][:2])
            reads = gate.queue.waiting[0][0] >= Priority.LISTING
            if reads and self._expected and now < self._expecting_until:
                self._later(self._expecting_until)
                return
            priority, order, _, cost = gate.queue.waiting[0]
            place = order // _COUNTED % _PROFILES - 1  # -1 for what is no part of a proof here
            kept = sum(self.proofs[: max(0, place)]) / self._most
            wait = self._window.wait(now, _SPARE + kept if reads else 0.0, cost)
            if wait > INSTANT:
                self._later(now + wait)
                return
            if gate.queue.let_go():
                gate.under_way += 1
                self._window.went(now, cost)
                if priority == Priority.PROOF and 0 <= place < len(self.proofs):
                    self.proofs[place] = max(0, self.proofs[place] - cost)

    def left(self, gate: HostGate, cost: int, *, unused: bool) -> None:
        """Who had a turn of this cost is through with it."""
        gate.under_way -= 1
        if unused:
            self._window.unused(cost)
        self.grant()


class HostGate:
    """What all profiles on one host share: places for attempts at once, a block of the address, and its limit.

    The places of one host are its own: however many attempts hang at a dead one, the others have theirs.
    """

    def __init__(self, address: Address, at_once: int) -> None:
        self.address = address
        self.queue = Queue()
        self.under_way = 0
        self.refusals = HostRefusals()
        self.answers: dict[Request, asyncio.Future[Any]] = {}
        """Reads that need no key and are the same for all profiles, each with its outcome if it was good."""
        self._at_once = at_once
        self._reads_at_once = max(1, at_once - int(at_once * _PLACES_FOR_CANCELS))

    @classmethod
    def alone(cls, limit: Limit | None, at_once: int = 64) -> HostGate:
        """The gate of a host that shares its address limit with no other."""
        return Address(limit).gate(at_once)

    @property
    def ready(self) -> bool:
        """Whether somebody waits and has a place."""
        if not self.queue.waiting:
            return False
        reads = self.queue.waiting[0][0] >= Priority.LISTING
        return self.under_way < (self._reads_at_once if reads else self._at_once)

    async def turn(self, priority: int, cost: int = 1, after: int = 0) -> None:
        """Wait for a place, and within the address limit. Whoever had a turn calls `leave`."""
        await self.queue.wait(priority, self.address.grant, partial(self.leave, cost, unused=True), cost, after)

    def leave(self, cost: int = 1, *, unused: bool = False) -> None:
        """The place is free again; `unused` if nothing was sent."""
        self.address.left(self, cost, unused=unused)


class OneAtATime(Protocol):
    """Turns of which only one is taken at a time."""

    async def turn(self, priority: int) -> None:
        """Wait for one. Whoever had it calls `leave`."""

    def leave(self) -> None:
        """It is over."""


class ProfileLimits:
    """What the requests of one profile wait for: the limits of its key, their host's gate, the venue's wishes, and
    their turn where requests with one key go one at a time.
    """

    def __init__(
        self,
        limits: Mapping[str, Limit],
        gate: HostGate,
        further: Mapping[str, HostGate] = MappingProxyType({}),
        serial: OneAtATime | None = None,
        *,
        proves: bool = False,
    ) -> None:
        """`proves`: where reads are scarce, what its proof takes is kept for it."""
        self._limits = limits
        self._gate = gate
        self._serial = serial
        self._further = further
        self._place: int | None = None
        """Which of the proofs is its own, as soon as a read for it goes."""
        self._proves, self._over = proves, False
        self._limiters: dict[str, RateLimiter] = {}
        self._backoffs = Backoffs()
        self._unsent: Counter[str] = Counter()
        """What the cancels would have cost that gave up waiting for a place within a limit of the key, by bucket."""
        self.proof_only_until: dict[str, float] = {}
        """Until when no cancel by name goes to a host: what is left of its limit is for mass cancels and the proof."""

    def until(self, request: Request) -> float:
        """When a request may go, as far as the venue, or a gateway, wants it to wait."""
        return self._backoffs.until(request)

    async def turn(self, request: Request, cost: int, queued: Callable[[], None]) -> None:
        """Wait for a place within all limits; `queued` is called as it waits for the last one. Ends with `leave`."""
        limiter = self._limiters.get(request.bucket)
        if limiter is None:
            limiter = self._limiters[request.bucket] = RateLimiter(self._limit(request.bucket))
        try:
            await limiter.turn(request.priority, request.cost)
        except asyncio.CancelledError:
            self._unsent[request.bucket] += request.cost * request.changes
            raise
        serial = self._serial if request.signed else None
        try:
            asyncio.get_running_loop().call_soon(queued)  # as soon as its brothers are in the queue, too
            if serial is not None:  # who waits for that takes no place of the host's
                await serial.turn(request.priority)
            try:
                gate = self._further.get(request.host, self._gate)
                if self._proves:
                    gate.address.at_work.add(self)
                ordered = request.priority >= Priority.PROOF and gate is self._gate
                await gate.turn(request.priority, cost, self._after(request) if ordered else 0)
            except asyncio.CancelledError:
                if serial is not None:
                    serial.leave()
                raise
        except asyncio.CancelledError:
            limiter.unused(request.cost)
            raise

    def _after(self, request: Request) -> int:
        """Whom a request goes after that only a proof needs: the profiles before this one, and all of them once what is
        kept for it is used up. What is read when nothing is left to prove leaves to all what is kept for them.
        """
        proofs = self._gate.address.proofs
        if self._over:
            return len(proofs) + 1
        if not self._proves or request.priority is not Priority.PROOF:
            return 0
        if self._place is None:
            self._place = len(proofs)
            proofs.append(_SHARE)
        return self._place + 1 if proofs[self._place] else _PROFILES + self._place + 1

    def _addresses(self, costs: Mapping[str, int]) -> Counter[Address]:
        """What costs so much on each host, on each address."""
        totals = Counter[Address]()
        for host, cost in costs.items():
            totals[self._further.get(host, self._gate).address] += cost
        return totals

    def pace(self, costs: Mapping[str, int], hosts: Collection[str], until: float, *, lavish: bool) -> float:
        """Seconds between two readings of what is on these hosts, by which the limits of the address last until then.

        `costs` are those of a reading of all segments on each host. With `lavish` what is mostly left is not spared.
        """
        now, own = asyncio.get_running_loop().time(), {self._further.get(host, self._gate).address for host in hosts}
        pressed = {
            one: cost for one, cost in self._addresses(costs).items() if one in own and not (lavish and one.ample)
        }
        return max((one.pace(cost, now, until) for one, cost in pressed.items()), default=0.0)

    def room(self, costs: Mapping[str, int]) -> float:
        """Seconds until the limits of the address have let the last proofs through: a reading has these costs."""
        now = asyncio.get_running_loop().time()
        return max((one.room(cost, now) for one, cost in self._addresses(costs).items()), default=0.0)

    def finish(self, *, stays: bool = False) -> None:
        """Nothing need be kept for the proof of this profile any more; it may go on reading all the same."""
        if not stays:
            for gate in (self._gate, *self._further.values()):
                gate.address.at_work.discard(self)
        if self._place is not None:
            self._over, self._gate.address.proofs[self._place] = True, 0
            self._gate.address.grant()

    def _limit(self, bucket: str) -> Limit | None:
        return self._limits.get(bucket) or self._limits.get(bucket.partition(":")[0])

    @property
    def behind(self) -> tuple[str, Limit, float] | None:
        """The bucket in which the most cancels gave up waiting, its limit, and the seconds that they still needed."""
        waited = [
            (bucket, limit, cost * limit.seconds * (1 + _MARGIN) / limit.count)
            for bucket, cost in self._unsent.items()
            if (limit := self._limit(bucket)) is not None and cost
        ]
        return max(waited, key=lambda one: one[2], default=None)

    def leave(self, request: Request, cost: int = 1, *, unused: bool = False) -> None:
        """The place is free again; `unused` if nothing was sent of what would have cost so much."""
        if self._serial is not None and request.signed:
            self._serial.leave()
        self._further.get(request.host, self._gate).leave(cost, unused=unused)
        if unused:
            self._limiters[request.bucket].unused(request.cost)

    def learn(self, attempt: Attempt, judgement: Judgement, wait: float | None) -> None:
        """What an answer means for the requests after it; `wait` are the seconds that are granted to its wish."""
        if judgement.answer is Answer.GATEWAY:  # which knows no buckets
            self._backoffs.turn_away(attempt.request, attempt.ended + (judgement.after or 0.0))
        elif wait is not None:
            self._backoffs.back_off(attempt.request, wait, attempt.ended)
        elif judgement.answer is not Answer.AMBIGUOUS:
            self._backoffs.good(attempt.request)
        if judgement.hold is not None:
            host, until = attempt.request.host, attempt.ended + judgement.hold
            self.proof_only_until[host] = max(self.proof_only_until.get(host, 0.0), until)
