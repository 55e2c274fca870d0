"""What is known about one segment, and what follows from it. Bookkeeping: it sends nothing, waits for nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.model import Acknowledgement, Answer, Judgement, Listing, Order, Reach, Request, State
from cancelall.engine.cancels import Cancels
from cancelall.engine.words import Said, Words
from cancelall.venues.contract import Segment, Witness


class Word(Enum):
    """What witnesses say of empty listings."""

    AGREE = "agree"
    SILENT = "silent"
    OBJECT = "object"


@dataclass
class Progress:
    """A segment during a run. `keep` spares protective orders."""

    segment: Segment
    gap: float = 0.0
    """Seconds between two words of the venue that are believed together: empty listings, refusals, absence."""
    keep: bool = False
    reads_only: bool = False
    cancels: Cancels = field(init=False)
    seen: dict[str, Order] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    ends: dict[str, tuple[State, str]] = field(default_factory=dict)
    """How orders ended, from the venue's history."""
    counted: int = 0
    """Orders that the venue counted as cancelled without naming them."""
    listings: int = 0
    last: Listing | None = None
    """The last listing that could be read, at least in part."""
    last_fresh: Listing | None = None
    """The last of those that began after a cancel was answered."""
    first_empty: Listing | None = None
    last_empty: Listing | None = None
    answered: bool = False
    """Whether any request got a complete HTTP answer."""
    refused_by_name: Judgement | None = None
    """Why the last cancel by name was refused, if it was; it says nothing of the other orders."""
    trouble: Attempt | None = None
    """The last attempt that did not do what it should."""
    unread: int = 0
    """Tries of a listing that failed one after the other."""
    cancels_agree: bool = False
    """Every witness that is a cancel has agreed since the first of the empty listings."""
    half_agreed: float | None = None
    """When a witness first gave an answer that agrees only when it is heard twice, a gap apart."""
    reads_agree: bool = False
    """Every witness that is a mere read has agreed, asked beside the last of the empty listings."""
    contradicted: bool = False
    """The last word of a witness was that something is left, whatever the listing shows."""
    incomplete: str = ""
    """Why the last listing was incomplete, whatever it showed."""
    remarks: set[str] = field(default_factory=set)
    """Warnings that answers to cancels gave cause for."""
    reappeared: list[Order] = field(default_factory=list)
    """Orders that no complete listing after the first answered cancel had shown before."""
    reappearances: int = 0
    """How often there were such orders, all that one answer shows counted once."""
    holding: bool = False
    """What is seen for the first time from now on has reappeared."""
    contradictions: int = 0
    """How often a listing showed again what a complete one before it had lacked."""
    strays: list[str] = field(default_factory=list)
    """Ids that the answer to a group's cancel named and no listing had shown."""
    _reads: Words = field(default_factory=Words)
    """What was said last of each pass of the listings; of mass cancels the cancels know it."""
    _shown: set[str] = field(default_factory=set)
    """Ids that any listing has shown."""
    _vanished: set[str] = field(default_factory=set)
    """Ids that a complete listing has lacked after others had shown them."""
    _under_way: Listing | None = None
    """What the pages of a listing that is being read have shown so far."""
    _cleared_before: bool = False
    """A complete listing has shown all that was there: what a later one shows besides has appeared."""
    _still_before: bool = False
    """One has that no cancel overlapped: what the answer to a cancel names besides has appeared, too."""

    def __post_init__(self) -> None:
        self.cancels = Cancels(segment=self.segment, gap=self.gap, keep=self.keep, holding=self.holding)

    def take_over(self, other: Progress) -> None:
        """The same part of the account is listed in another way from now on. What was told of its orders stays true,
        and its cancels may still be in the air.
        """
        self.seen, self.cancels = other.seen, other.cancels
        self.cancels.segment = self.segment

    # --- which orders count ---

    @property
    def refused(self) -> Judgement | None:
        """Why the listing or the mass cancel is refused. Cancels by name count where no mass cancel was accepted; where
        they are, they have taken the place of a mass cancel that was refused as a call.
        """
        whole = [
            said.judgement
            for request, said in (*self.cancels.words, *self._reads)
            if said.answer is Answer.REFUSED and not (request.changes and self._replaced(said))
        ]
        by_name = None if self.cancels.mass_accepted or self.proven else self.refused_by_name
        return next(iter(whole), by_name)

    def _replaced(self, said: Said) -> bool:
        """Whether a mass cancel is only refused as a call, and others have done the same."""
        as_a_call = said.judgement is not None and said.judgement.reach is Reach.REQUEST
        return as_a_call and self.cancels.named_accepted > 0

    @cached_property
    def whole(self) -> frozenset[Request]:
        """The requests that have to be answered for the segment: blind mass cancels, and each pass of a listing."""
        spared = self.reads_only or (self.keep and self.segment.protective_kinds)
        blind = () if spared else self.segment.mass_cancels(())
        return frozenset((*blind, *(request for stage in self.segment.listings for request in stage)))

    @property
    def absent(self) -> Judgement | None:
        """The venue's word that the account has no such product: of every request, twice, a gap apart."""
        said = [self._last(request) for request in self.whole]
        words = [one for one in said if one is not None and one.answer is Answer.ABSENT and one.twice(self.gap)]
        failing = self.cancels.words.failing or self._reads.failing
        return words[0].judgement if len(words) == len(said) and words and not failing else None

    def _last(self, request: Request) -> Said | None:
        """The last word on a request about the segment as a whole."""
        return (self.cancels.words if request.changes else self._reads).last(request)

    @property
    def doubted_until(self) -> float:
        """When refusals and absences that were said once may be said again, and are believed then."""
        said = [one for request in self.whole if (one := self._last(request)) and not one.twice(self.gap)]
        return max((one.since + self.gap for one in said if one.unwelcome), default=0.0)

    @property
    def closed(self) -> bool:
        """Whether the venue refuses every request about the segment, or has none of it: twice each, a gap apart.

        While only reading, one refused pass is enough: the others cannot make up for it.
        """
        said = [self._last(request) for request in self.whole]
        believed = [one is not None and one.unwelcome and one.twice(self.gap) for one in said]
        if not self.reads_only:
            return all(believed) and bool(believed)
        read = [one is not None and one.answer is Answer.ACCEPTED for one in said]
        return any(believed) and all(either for either in map(max, believed, read))

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The witnesses that may be asked. One that mass cancels could remove what has to be kept."""
        keep = self.keep and self.segment.protective_kinds
        return tuple(
            one
            for one in self.segment.witnesses
            if not (one.request.changes and (self.reads_only or (keep and not one.harmless)))
        )

    @property
    def witnessed(self) -> bool:
        """Whether every witness has agreed with both of the empty listings."""
        cancels = [one.request.changes for one in self.witnesses]
        return (self.cancels_agree or not any(cancels)) and (self.reads_agree or all(cancels))

    def left(self, listing: Listing) -> tuple[Order, ...]:
        """Listed orders that must go before the segment is clear."""
        return tuple(order for order in listing.orders if not self.cancels.keeps(order))

    # --- what has happened ---

    def cancel_ended(self, attempt: Attempt) -> None:
        """A cancel was answered, failed or was abandoned."""
        named = self.cancels.by_name(attempt.request)
        self.cancels.over(attempt)
        self._note(attempt)
        refused = attempt.judgement if attempt.judgement and attempt.judgement.answer is Answer.REFUSED else None
        if named and attempt.answered:
            self.refused_by_name = refused

    def asked(self, request: Request, named: tuple[Order, ...], outcome: Outcome[Acknowledgement]) -> None:
        """The venue has spoken on a cancel, or nobody waits for it any more."""
        self.cancels.asked(request, named, outcome)
        if outcome.answer in (Answer.REFUSED, Answer.GATEWAY):
            words = outcome.attempt.judgement.words if outcome.attempt.judgement else "refused"
            self.failures.update({order.id: words for order in named})
        if outcome.value is not None:
            self._acknowledged(outcome.value, named)

    def _acknowledged(self, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        self.counted += said.count or 0
        self.remarks |= {said.remark} if said.remark else set()
        known = len(self.reappeared)
        if named:
            asked = {order.id for order in named}
            self.strays += [one for one in said.cancelled if one not in asked and one not in self.seen]
        for identity in said.cancelled:
            self.cancels.taken.add(identity)
            self.failures.pop(identity, None)
            if identity not in self.seen:
                order = Order(id=identity, segment=self.segment.name, client_id=said.client_ids.get(identity))
                self.seen[identity] = order
                self.reappeared += [order] if self.holding or self._still_before else []
        self.reappearances += len(self.reappeared) > known
        for failure in said.failed:
            for identity in (failure.id,) if failure.id else tuple(order.id for order in named):
                self.failures[identity] = failure.reason

    def listed(self, attempt: Attempt) -> None:
        """A listing's page was answered, or not."""
        self._note(attempt)
        if attempt.request in self.whole:
            self._reads.note(attempt)
        answer = attempt.judgement.answer if attempt.judgement is not None else Answer.AMBIGUOUS
        if answer is not Answer.AGAIN:  # a limit is not to be used up by cancels instead
            self.unread = 0 if answer is Answer.ACCEPTED else self.unread + 1

    def _note(self, attempt: Attempt) -> None:
        self.answered |= attempt.answered
        judgement = attempt.judgement
        failed = judgement is None or judgement.answer not in (Answer.ACCEPTED, Answer.NOTHING_OPEN)
        if failed and not self._tells_less(attempt):
            self.trouble = attempt

    def _tells_less(self, attempt: Attempt) -> bool:
        """Whether the deadline ended another try of what the venue had answered, and not well."""
        cut = attempt.fault is not None and attempt.fault.cut
        before = self._last(attempt.request)
        badly = before is not None and before.answer not in (Answer.ACCEPTED, Answer.NOTHING_OPEN)
        return cut and self.trouble is not None and badly

    def shows(self, orders: tuple[Order, ...], began: float) -> None:
        """A page of a listing that began then, and is not over yet."""
        same = self._under_way is not None and self._under_way.began == began
        shown = (*self._under_way.orders, *orders) if same and self._under_way is not None else orders
        self._under_way = Listing(began=began, ended=began, orders=shown, complete=False, why="it was cut off")

    def cut_off(self) -> None:
        """Nobody reads on: of a listing that was under way, the orders that it has shown are known to be open."""
        if self._under_way is not None and self.left(self._under_way):
            self.saw(self._under_way)

    def saw(self, listing: Listing) -> None:
        """A listing has ended. It counts as empty only when no cancel was in the air while it was read."""
        self._under_way = None
        before = len(self.reappeared)
        self._compare(listing)
        for order in listing.orders:
            known = self.seen.get(order.id)
            if known is None and self._cleared_before:
                self.reappeared.append(order)
            self.seen[order.id] = order if known is None or known.symbol is None else known
        self.reappearances += len(self.reappeared) > before
        self.listings += listing.complete
        self.incomplete = listing.why
        if listing.complete or listing.orders:
            self.last = listing
            if listing.began >= self.cancels.first_answered:
                self.last_fresh = listing
        undisturbed = self.cancels.in_flight == 0 and self.cancels.quiet_since <= listing.began
        if listing.complete and not self.left(listing) and undisturbed:
            older = self.last_empty is not None and listing.older_than(self.last_empty)
            if older:
                self.incomplete = "this answer is older than the one before it"
            if self.first_empty is None or self.first_empty.began < self.cancels.quiet_since or older:
                self.renew()
                self.first_empty = listing  # one before the last cancel is no half of a proof
            self.last_empty = listing
        else:
            self.renew()
        after_a_cancel = self.cancels.answered <= listing.began or self.cancels.first_answered <= listing.began
        self._cleared_before |= listing.complete and after_a_cancel
        self._still_before |= listing.complete and undisturbed and self.cancels.sent

    def _compare(self, listing: Listing) -> None:
        """An id that a complete listing lacked and this one shows again: one of the two was wrong."""
        self.contradictions += not self._vanished.isdisjoint(listing.ids)
        self._vanished -= listing.ids
        if listing.complete:
            self._vanished |= self._shown - listing.ids
        self._shown |= listing.ids

    @property
    def proof_gap(self) -> float:
        """Seconds between the two empty listings of a proof: twice as many for each contradiction."""
        return self.gap * 2.0**self.contradictions

    @property
    def half(self) -> Listing | None:
        """The first half of a proof: an empty listing that no cancel of this segment has overtaken."""
        first = self.first_empty
        return first if first is not None and first.began >= self.cancels.quiet_since else None

    def hearing(self, witness: Witness, outcome: Outcome[Any]) -> None:
        """A witness has answered, or not. One that is a cancel may have done something."""
        if witness.request.changes and not witness.harmless and outcome.answer is not Answer.NOTHING_OPEN:
            self.cancels.witness_over(outcome.attempt.ended, took=False)
        if outcome.value is None and outcome.answer is not Answer.NOTHING_OPEN and not witness.optional:
            self.trouble = outcome.attempt

    def witnesses_say(self, word: Word, *, cancels: bool) -> None:
        """What all witnesses of a kind said together. One that contradicts the listings makes them worthless."""
        if word is Word.OBJECT:
            self.contradicted = True
            self.renew()
        elif cancels:
            self.cancels_agree = word is Word.AGREE
        else:
            self.reads_agree = word is Word.AGREE
        self.contradicted &= not self.witnessed

    def took_nothing(self, at: float) -> bool:
        """A witness has taken nothing, without saying so in words; whether it did so a gap before, too."""
        if self.half_agreed is None:
            self.half_agreed = at
        return at - self.half_agreed >= self.gap

    def witness_took(self, attempt: Attempt, said: Acknowledgement | None) -> None:
        """A witness that is a cancel objects: it may have cancelled."""
        if said is not None:
            self._acknowledged(said, ())
        self.cancels.witness_over(attempt.ended, took=True)

    def renew(self) -> None:
        """Whatever was proven has to be proven anew."""
        self.first_empty = self.last_empty = self.half_agreed = None
        self.cancels_agree = self.reads_agree = False

    # --- what follows ---

    @property
    def unheard(self) -> bool:
        """Whether one listing after the other is empty, and the witnesses have still not agreed."""
        again = self.first_empty is not None and self.first_empty is not self.last_empty
        return again and bool(self.witnesses) and not self.witnessed

    def still_wanted(self) -> bool:
        """Whether an unanswered cancel should be sent again: not once a later complete listing was empty."""
        return self.cancels.suspended or self.last_empty is None or self.last_empty.began < self.cancels.ended

    def superseded(self, request: Request, named: tuple[Order, ...], since: float) -> bool:
        """Whether a complete listing that began since then shows none of the orders that a cancel is for: it can be
        spared, unless it is a mass cancel that was never answered.
        """
        last = self.last
        if last is None or not last.complete or last.began < since:
            return False
        if named:
            return last.ids.isdisjoint(order.id for order in named)
        left = self.left(last)
        spared = not left or request not in self.segment.mass_cancels(left)
        wanted = self.cancels.wanted_for_itself(request) or self.cancels.suspended or self.segment.needs_acceptance
        return spared and not wanted

    @property
    def proven(self) -> bool:
        """Two complete empty listings in a row, a gap apart, no cancel in the air, and no refusal that still stands."""
        if self.reads_only:
            return self.last is not None and self.last.complete and not self.incomplete
        if self.first_empty is None or self.last_empty is None or self.cancels.in_flight or self.cancels.suspended:
            return False
        if (self.witnesses and not self.witnessed) or (self.segment.needs_acceptance and not self.cancels.accepted):
            return False
        if self.cancels.doubted:
            return False
        return self.last_empty.began - self.first_empty.ended >= self.proof_gap

    def proven_after(self, moment: float) -> bool:
        """Whether both empty listings began after this moment, or one of them even a gap after it."""
        first, last = self.first_empty, self.last_empty
        late = moment + self.proof_gap
        return first is not None and last is not None and (first.began >= moment or last.began >= late)

    def exhausted(self, listing: Listing) -> bool:
        """Whether nothing that could still be sent or read would change the outcome."""
        if self.closed:
            return True
        if not listing.complete or not self.cancels.idle or listing.began < self.cancels.ended or self.cancels.doubted:
            return False
        left = self.left(listing)
        return (bool(left) or self.refused is not None) and not self.cancels.due(
            listing.orders, math.inf, complete=True
        )
