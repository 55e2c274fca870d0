"""The cancels of one segment: which are due, which are under way, and what they can still bring. It sends nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.model import Acknowledgement, Answer, Order, Protection, Request
from cancelall.engine.words import Said, Words
from cancelall.venues.contract import Segment

TWINS = 4
"""Mass cancels of one kind under way at the same time, at most, while each takes as many orders as it can."""


_GATEWAY_PASSES = 5.0
"""Seconds for which orders go one by one after a gateway turned the call for several away."""


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Cancels that are due: whole-segment requests, and requests that name orders."""

    mass: tuple[Request, ...] = ()
    named: tuple[tuple[Request, tuple[Order, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.mass or self.named)


@dataclass
class Cancels:
    """The cancels of a segment during a run. `keep` spares protective orders."""

    segment: Segment
    gap: float = 0.0
    """Seconds between two refusals of one cancel that together are believed."""
    keep: bool = False
    holding: bool = False
    """While a hold lasts nothing is given up."""
    taken: set[str] = field(default_factory=set)
    """Ids that the venue says it cancelled."""
    sent: bool = False
    """Whether any was sent, answered or not."""
    accepted: bool = False
    """Whether any was accepted."""
    mass_accepted: int = 0
    """How many that name no orders were accepted."""
    named_accepted: int = 0
    """How many that name orders were accepted."""
    suspended: bool = False
    """The venue's last word on one was that it is halted."""
    in_flight: int = 0
    first_answered: float = math.inf
    answered: float = -math.inf
    """When the last of those that were answered was."""
    ended: float = -math.inf
    """When the last one was over, answered or not."""
    _began: float = -math.inf
    _disturbed: float = -math.inf
    _tried: dict[Request, float] = field(default_factory=dict)
    _named: dict[str, float] = field(default_factory=dict)
    _asking: Counter[Request] = field(default_factory=Counter)
    _twins: dict[Request, int] = field(default_factory=dict)
    """How many of a mass cancel were sent together, the last time."""
    _full: set[Request] = field(default_factory=set)
    """Mass cancels that took as many orders as they can, all of them: there are more."""
    _enough: set[Request] = field(default_factory=set)
    """Those of which a twin took less."""
    _naming: set[str] = field(default_factory=set)
    words: Words = field(default_factory=Words)
    """What was said last of each mass cancel."""
    _refused_ids: dict[str, Said] = field(default_factory=dict)
    """Orders whose last cancel by name was refused."""
    _once_answered: set[Request] = field(default_factory=set)
    _singly_until: float = -math.inf
    """Until when orders go one by one: the call for several was refused."""

    # --- what to send ---

    def keeps(self, order: Order) -> bool:
        """Left in place on request."""
        return self.segment.keeps(order) or (self.keep and order.protection is Protection.PROTECTIVE)

    def _targets(self, orders: tuple[Order, ...]) -> tuple[Order, ...]:
        """Orders to cancel. Kinds that the venue's table does not know are left when protective ones are kept."""
        return tuple(
            order
            for order in orders
            if not (self.keeps(order) or self.segment.unsaid(order))
            and not (self.keep and order.protection is Protection.UNKNOWN)
        )

    def blind(self, at: float) -> Moves:
        """The cancels that need to know nothing, unless they are under way."""
        if self.keep and self.segment.protective_kinds:
            return Moves()
        return Moves(mass=tuple(one for one in self.segment.mass_cancels(()) if self._is_due(one, at)))

    def due(self, orders: tuple[Order, ...], began: float, *, complete: bool = False) -> Moves:
        """The cancels for orders that a listing which began then has shown, without those sent since.

        By name only what a mass cancel has had its chance at, or never can have: a listing that began before it was
        answered shows orders that are gone by now. `complete` says that these are all orders of the segment, so that
        what has to be kept is known.
        """
        targets = self._targets(orders)
        if not targets:
            return Moves()
        keep = self.keep and self.segment.protective_kinds
        whole = () if keep else self.segment.mass_cancels(targets)
        tried = all(self._tried.get(request, math.inf) <= began for request in whole)
        untaken = tuple(order for order in targets if order.id not in self.taken)
        fresh = complete and began >= self.first_answered and not keep
        shares = self.segment.shares(untaken) if fresh else ()
        mass = tuple(request for request in (*whole, *shares) if self._is_due(request, began, listed=True))
        had_its_chance = tried and not self._full
        named = tuple(
            order
            for order in targets
            if order.id not in self._naming
            and self._is_open(self._refused_ids.get(order.id), began, listed=True)
            and self._named.get(order.id, -math.inf) + self.segment.named_gap <= began
        )
        going = {order.id for order in targets}
        kept = tuple(order for order in orders if order.id not in going) if complete else None
        return Moves(mass=mass, named=self._by_name(named, kept, began) if had_its_chance and named else ())

    def _by_name(
        self, orders: tuple[Order, ...], kept: tuple[Order, ...] | None, at: float
    ) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
        """Cancels by name; one by one where the call for several was refused."""
        one_by_one = self.segment.singly is not None and at < self._singly_until
        by = self.segment.singly if one_by_one and self.segment.singly is not None else self.segment.cancels
        return by(orders, kept)

    def otherwise(self, named: tuple[Order, ...]) -> Moves:
        """The other way to cancel orders whose call for several was refused, or turned away by a gateway."""
        if self.segment.singly is None:
            return Moves()
        there = tuple(one for one in named if one.id not in self._naming and one.id not in self.taken)
        return Moves(named=self.segment.singly(there, None) if there else ())

    def for_several(self, request: Request, named: tuple[Order, ...]) -> bool:
        """Whether these orders could also go one by one, by another call."""
        if not named or self.segment.singly is None:
            return False
        return len(named) > 1 or all(one != request for one, _ in self.segment.singly(named, None))

    def again(self, at: float) -> Moves:
        """Mass cancels whose last word was a refusal: believed only when it is said again, a gap later."""
        if self.keep and self.segment.protective_kinds:
            return Moves()
        return Moves(mass=tuple(one for one, said in self.words if said.unwelcome and self._is_due(one, at)))

    @property
    def doubted(self) -> bool:
        """Whether a refusal of a mass cancel was heard that is not believed yet."""
        return any(said.unwelcome and not said.twice(self.gap) for _, said in self.words)

    def unanswered(self, request: Request) -> bool:
        """Whether it was never answered, whatever was."""
        return request not in self._once_answered

    def wanted_for_itself(self, request: Request) -> bool:
        """Whether it has to be answered whatever is listed: it never was, or its last word was a refusal."""
        said = self.words.last(request)
        return self.unanswered(request) or (said is not None and said.unwelcome)

    def _is_open(self, said: Said | None, at: float, *, listed: bool) -> bool:
        """Whether a cancel may be sent in spite of its refusals: not at once again, nor when they are believed.

        That the account has no such product is not believed while something is listed there.
        """
        if said is None or not said.unwelcome:
            return True
        contradicted = listed and said.answer is Answer.ABSENT
        believed = said.twice(self.gap) and not (contradicted or self.holding)
        return not believed and said.at + self.gap <= at

    def more(self, request: Request) -> Moves:
        """What follows when a mass cancel and its twins are answered: while all come to the cap, twice as many.

        At most `TWINS`, and not before the last of them is back: the rest would find nothing, and use up the limit.
        """
        if self._asking[request] or request not in self._full:
            return Moves()
        return Moves(mass=(request,) * min(2 * self._twins[request], TWINS))

    def _is_due(self, request: Request, began: float, *, listed: bool = False) -> bool:
        """Whether what was shown then calls for it: it was not sent since, and is not under way but for late twins."""
        under_way = self._asking[request] >= self._twins.get(request, 1)
        may = not under_way and self._is_open(self.words.last(request), began, listed=listed)
        return may and self._tried.get(request, -math.inf) <= began

    @property
    def idle(self) -> bool:
        """Whether the venue has spoken on every one."""
        return not (self._asking.total() or self._naming)

    @property
    def quiet_since(self) -> float:
        """When the last cancel began or was over, answered or not."""
        return max(self._began, self.ended)

    @property
    def disturbed(self) -> float:
        """The same, or when a witness was over that is a cancel and did not just say that there was nothing."""
        return max(self.quiet_since, self._disturbed)

    def outdated(self, began: float) -> bool:
        """Whether all have been answered since a listing began: the next one will show more, and count."""
        return self.in_flight == 0 and self.quiet_since > began

    # --- what has happened ---

    def asking(self, request: Request, named: tuple[Order, ...]) -> None:
        """A cancel is about to be sent, for as often as it takes."""
        if named:
            self._naming.update(order.id for order in named)
        else:
            self._twins[request] = self._twins[request] + 1 if self._asking[request] else 1
            self._asking[request] += 1
            self._enough.discard(request)

    def begins(self, at: float) -> None:
        """One goes into the air."""
        self.in_flight += 1
        self.sent = True
        self._began = at

    def over(self, attempt: Attempt) -> None:
        """One was answered, failed or was abandoned."""
        self.in_flight -= 1
        self.ended = attempt.ended
        if not self.by_name(attempt.request):
            self._tried[attempt.request] = attempt.ended
            self.words.note(attempt)
        if attempt.judgement is not None:
            self.suspended = attempt.judgement.suspended
        if attempt.answered:
            self._once_answered.add(attempt.request)
            self.answered = attempt.ended
            self.first_answered = min(self.first_answered, attempt.ended)

    def by_name(self, request: Request) -> bool:
        """Whether a cancel that is under way names orders."""
        return not self._asking[request]

    def asked(self, request: Request, named: tuple[Order, ...], outcome: Outcome[Acknowledgement]) -> None:
        """The venue has spoken on one, or nobody waits for it any more."""
        if not named:
            self._asking[request] -= 1
        for order in named:
            self._naming.discard(order.id)
            self._named[order.id] = outcome.attempt.ended
        good = outcome.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN)
        self.accepted |= good
        self.mass_accepted += good and not named
        self.named_accepted += good and bool(named)
        refused = outcome.answer in (Answer.REFUSED, Answer.ABSENT) and outcome.attempt.sent
        at = outcome.attempt.ended
        if (refused or outcome.answer is Answer.GATEWAY) and self.for_several(request, named):
            self._singly_until = math.inf if refused else at + _GATEWAY_PASSES
            return
        for order in named:
            if refused:
                before, judgement = self._refused_ids.get(order.id), outcome.attempt.judgement
                self._refused_ids[order.id] = Said.again(before, outcome.answer, judgement, at)
            elif outcome.attempt.answered:
                self._refused_ids.pop(order.id, None)
        if outcome.value is not None and not named:
            self._count_full(request, outcome.value)

    def _count_full(self, request: Request, said: Acknowledgement) -> None:
        """Whether a mass cancel left something. One that names again what others took says nothing of more."""
        if said.capped and request not in self._enough and not self.taken.issuperset(said.cancelled):
            self._full.add(request)
        else:
            self._enough.add(request)
            self._full.discard(request)

    def witness_over(self, at: float, *, took: bool) -> None:
        """A witness that is a cancel was over. One that took orders is like a cancel that was answered then."""
        if took:
            self.answered = self.ended = at
        else:
            self._disturbed = at
