"""What is known of one segment: one record per order, one per request, one proof. It sends nothing, waits for nothing.

What happens is written down here, once; `firing` derives from it what is due, `proof` what is proven.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from typing import Any

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.model import (
    Acknowledgement,
    Answer,
    ClientIds,
    Judgement,
    Listing,
    Order,
    Protection,
    Reach,
    Request,
    State,
)
from cancelall.engine.records import Airtime, OrderRecord, Presence, Proof, RequestRecord, Said
from cancelall.venues.contract import Segment, Witness


class Word(Enum):
    """What witnesses say of empty listings."""

    AGREE = "agree"
    SILENT = "silent"
    OBJECT = "object"


_GATEWAY_PASSES = 5.0
"""Seconds for which orders go one by one after a gateway turned the call for several away."""


@dataclass
class Ledger:
    """A segment during a run. With `keep` protective orders stay, and so does what `client_ids` do not select."""

    segment: Segment
    gap: float = 0.0
    """Seconds between two answers of the venue that are believed together: empty listings, refusals, absence."""
    keep: bool = False
    client_ids: ClientIds | None = None
    """None: whatever their client ids are."""
    reads_only: bool = False
    never: bool = False
    """The account was never opened for it, as the venue has said elsewhere: what it refuses then is not there."""
    holding: bool = False
    """No refusal is believed for good, and what is seen for the first time has reappeared."""
    fresh_from: float = -math.inf
    """The end of a hold: no listing that began before it proves anything."""
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    cancels: dict[Request, RequestRecord] = field(default_factory=dict)
    """Those that name no order."""
    passes: dict[Request, RequestRecord] = field(default_factory=dict)
    """The first page of each pass of a listing."""
    air: Airtime = field(default_factory=Airtime)
    proof: Proof = field(default_factory=Proof)
    last: Listing | None = None
    """The last listing that could be read, at least in part."""
    last_fresh: Listing | None = None
    """The last of those that began after a cancel was answered."""
    listings: int = 0
    """How many were complete."""
    incomplete: str = ""
    """Why the last one was incomplete, whatever it showed."""
    unread: int = 0
    """Tries of a listing that failed one after the other."""
    contradictions: int = 0
    """How often a listing showed again what a complete one before it had lacked."""
    contradicted: bool = False
    """The last word of a witness was that something is left, whatever the listing shows."""
    reappearances: int = 0
    """How often orders reappeared, all that one answer shows counted once."""
    counted: int = 0
    """Orders that the venue counted as cancelled without naming them."""
    remarks: set[str] = field(default_factory=set)
    """Warnings that answers to cancels gave cause for."""
    refused_by_name: Judgement | None = None
    """Why the last cancel by name was refused, if it was; it says nothing of the other orders."""
    trouble: Attempt | None = None
    """The last attempt that did not do what it should."""
    _reading: Listing | None = None
    """What the pages of a listing that is being read have shown so far."""
    _cleared_before: bool = False
    """A complete listing has shown all that was there: what a later one shows besides has appeared."""
    _still_before: bool = False
    """One has that no cancel overlapped: what the answer to a cancel names besides has appeared, too."""

    def take_over(self, other: Ledger) -> None:
        """The same part of the account is listed in another way from now on. What was learnt of its orders stays true,
        and its cancels may still be in the air.
        """
        self.orders, self.cancels, self.air = other.orders, other.cancels, other.air
        for record in self.orders.values():
            record.presence, record.lacked = Presence.UNLISTED, False

    # --- what follows ---

    @property
    def held(self) -> bool:
        """Whether the run went on after its first verdict."""
        return self.holding or self.fresh_from > -math.inf

    @property
    def seen(self) -> Iterator[OrderRecord]:
        """The orders that a listing has shown or an answer has named."""
        return (record for record in self.orders.values() if record.seen)

    def has_seen(self, identity: str) -> bool:
        record = self.orders.get(identity)
        return record is not None and record.seen

    @cached_property
    def whole(self) -> frozenset[Request]:
        """The requests that have to be answered for the segment: blind mass cancels, and each pass of a listing."""
        blind = () if self.reads_only or self.keeps_some else self.segment.blind
        return frozenset((*blind, *(request for stage in self.segment.listings for request in stage)))

    @cached_property
    def keyless(self) -> bool:
        """Whether its orders are listed without a key: what is refused to the key says nothing against the listing."""
        return not any(request.signed for stage in self.segment.listings for request in stage)

    def _said(self) -> list[Said | None]:
        """The last word on each request of the whole."""
        records = ((self.cancels if request.changes else self.passes).get(request) for request in self.whole)
        return [record.said if record is not None else None for record in records]

    @property
    def refused(self) -> Judgement | None:
        """Why a listing or a mass cancel is refused. Cancels by name count where no mass cancel was accepted; where
        they are, they have taken the place of a mass cancel that was refused as a call.
        """
        cancels = [one.said for one in self.cancels.values() if one.said is not None and not self._replaced(one.said)]
        passes = [one.said for one in self.passes.values() if one.said is not None]
        whole = (said.judgement for said in (*cancels, *passes) if said.answer is Answer.REFUSED)
        return next(whole, None if self.air.mass_accepted or self.proven else self.refused_by_name)

    def _replaced(self, said: Said) -> bool:
        """Whether a mass cancel is only refused as a call, and others have done the same."""
        as_a_call = said.judgement is not None and said.judgement.reach is Reach.REQUEST
        return as_a_call and self.air.named_accepted > 0

    @property
    def absent(self) -> Judgement | None:
        """The venue's word that the account has no such product: of every request, twice, a gap apart."""
        said, answers = self._said(), (Answer.ABSENT, Answer.REFUSED) if self.never else (Answer.ABSENT,)
        words = [one for one in said if one is not None and one.answer in answers]
        if not words or len(words) < len(said):  # nearly always, and often looked at
            return None
        failing = any(record.failing for record in (*self.cancels.values(), *self.passes.values()))
        return words[0].judgement if not failing and all(one.twice(self.gap) for one in words) else None

    @property
    def closed(self) -> bool:
        """Whether the venue refuses every request about the segment, or has none of it: twice each, a gap apart.

        While only reading, one refused pass is enough: the others cannot make up for it.
        """
        said = self._said()
        believed = [one is not None and one.unwelcome and one.twice(self.gap) for one in said]
        if not self.reads_only:
            return all(believed) and bool(believed)
        read = [one is not None and one.answer is Answer.ACCEPTED for one in said]
        return any(believed) and all(either for either in map(max, believed, read))

    @property
    def doubted_until(self) -> float:
        """When refusals and absences that were said once may be said again, and are believed then."""
        doubted = (one for one in self._said() if one is not None and one.unwelcome and not one.twice(self.gap))
        return max((one.since + self.gap for one in doubted), default=0.0)

    @property
    def doubted(self) -> bool:
        """Whether a refusal of a mass cancel came that is not believed yet."""
        said = (record.said for record in self.cancels.values())
        return any(one is not None and one.unwelcome and not one.twice(self.gap) for one in said)

    @property
    def answered(self) -> bool:
        """Whether any request got a complete HTTP answer."""
        return self.air.any_answered or any(record.answered for record in self.passes.values())

    @property
    def idle(self) -> bool:
        """Whether the venue has spoken on every cancel."""
        naming = any(record.cancelling for record in self.orders.values())
        return not (naming or any(record.under_way for record in self.cancels.values()))

    @property
    def disturbed(self) -> float:
        """When the last cancel began or was over, or a witness that may have cancelled."""
        return max(self.air.quiet_since, self.air.disturbed)

    @property
    def disturbed_unless_absent(self) -> float:
        """The same, unless the venue's last word on each of its cancels is that there is no such product."""
        said = [record.said for record in self.cancels.values()]
        nothing = all(one is not None and one.answer is Answer.ABSENT for one in said) and not self.air.in_flight
        return 0.0 if nothing else self.disturbed

    def outdated(self, began: float) -> bool:
        """Whether all cancels have been answered since a listing began: the next one will show more, and count."""
        return self.air.in_flight == 0 and self.air.quiet_since > began

    @property
    def keeps_some(self) -> bool:
        """Whether a mass cancel could take what has to be kept."""
        return self.client_ids is not None or (self.keep and self.segment.protective_kinds)

    def selects(self, order: Order) -> bool | None:
        """Whether an order's client id is one of those that are to go; None where it is not known."""
        known = self.client_ids
        return True if known is None else known.selects(order.client_id, self.segment.begins)

    def keeps(self, order: Order) -> bool:
        """Whether an order is left in place on request: one reason is enough."""
        by_kind = self.segment.keeps(order) or (self.keep and order.protection is Protection.PROTECTIVE)
        return by_kind or self.selects(order) is False

    def unsaid(self, order: Order) -> bool:
        """Whether an order does not say if it is to be kept: it is left, and is open."""
        by_kind = self.segment.unsaid(order) or (self.keep and order.protection is Protection.UNKNOWN)
        return (by_kind or self.selects(order) is None) and not self.keeps(order)

    def left(self, listing: Listing) -> tuple[Order, ...]:
        """Listed orders that must go before the segment is clear."""
        return tuple(order for order in listing.orders if not self.keeps(order))

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The witnesses that may be used. One that mass cancels could remove what has to be kept."""
        return tuple(
            one
            for one in self.segment.witnesses
            if not (one.request.changes and (self.reads_only or (self.keeps_some and not one.harmless)))
        )

    @property
    def witnessed(self) -> bool:
        """Whether every witness has agreed with both of the empty listings."""
        cancels = [one.request.changes for one in self.witnesses]
        return (self.proof.cancels_agree or not any(cancels)) and (self.proof.reads_agree or all(cancels))

    @property
    def unwitnessed(self) -> bool:
        """Whether one listing after the other is empty, and the witnesses have still not agreed."""
        again = self.proof.first is not None and self.proof.first is not self.proof.last
        return again and bool(self.witnesses) and not self.witnessed

    @property
    def proof_gap(self) -> float:
        """Seconds between the two empty listings of a proof: twice as many for each contradiction."""
        return self.gap * 2.0**self.contradictions

    @property
    def half(self) -> Listing | None:
        """The first half of a proof: an empty listing that no cancel of this segment has superseded."""
        first = self.proof.first
        return first if first is not None and first.began >= self.air.quiet_since else None

    @property
    def proven(self) -> bool:
        """Two complete empty listings in a row, a gap apart, no cancel in the air, and no refusal that still stands."""
        if self.reads_only:
            return self.last is not None and self.last.complete and not self.incomplete
        first, last = self.proof.first, self.proof.last
        if first is None or last is None or self.air.in_flight or self.air.suspended or self.doubted:
            return False
        return (self.witnessed or not self.witnesses) and last.began - first.ended >= self.proof_gap

    def proven_after(self, moment: float) -> bool:
        """Whether both empty listings began after this moment, or one of them even a gap after it."""
        first, last = self.proof.first, self.proof.last
        late = moment + self.proof_gap
        return first is not None and last is not None and (first.began >= moment or last.began >= late)

    def still_wanted(self) -> bool:
        """Whether an unanswered cancel should be sent again: not once a later complete listing was empty."""
        last = self.proof.last
        return self.air.suspended or last is None or last.began < self.air.ended

    # --- what happens: cancels ---

    def cancel_begins(self, request: Request, named: tuple[Order, ...]) -> None:
        """A cancel is about to be sent, for as often as it takes."""
        for order in named:
            self.orders.setdefault(order.id, OrderRecord(order=order)).cancelling = True
        if not named:
            record = self.cancels.setdefault(request, RequestRecord())
            record.copies = record.copies + 1 if record.under_way else 1
            record.under_way += 1
            record.took_less = False

    def attempt_begins(self, at: float) -> None:
        """A cancel goes into the air."""
        self.air.in_flight += 1
        self.air.sent = True
        self.air.began = at

    def attempt_over(self, attempt: Attempt) -> None:
        """An attempt at a cancel was answered, has failed or was abandoned."""
        air, record = self.air, self.cancels.get(attempt.request)
        air.in_flight -= 1
        air.ended = attempt.ended
        if attempt.judgement is not None:
            air.suspended = attempt.judgement.suspended
        if attempt.answered:
            air.answered, air.first_answered = attempt.ended, min(air.first_answered, attempt.ended)
        self._note(attempt)
        if record is not None and record.under_way:
            record.over(attempt)
        elif attempt.answered:
            refused = attempt.judgement is not None and attempt.judgement.answer is Answer.REFUSED
            self.refused_by_name = attempt.judgement if refused else None

    def cancel_over(self, request: Request, named: tuple[Order, ...], outcome: Outcome[Acknowledgement]) -> None:
        """The venue has spoken on a cancel, or nobody waits for it any more."""
        good = outcome.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN)
        if named:
            self.air.named_accepted += good
            self._named_over(request, named, outcome)
        else:
            self.air.mass_accepted += good
            record = self.cancels[request]
            record.under_way -= 1
            if outcome.value is not None:
                self._measure(record, outcome.value)
        if outcome.answer in (Answer.REFUSED, Answer.GATEWAY):
            words = outcome.attempt.judgement.message if outcome.attempt.judgement else "refused"
            for order in named:
                self.orders[order.id].failure = words
        if outcome.value is not None:
            self._acknowledged(outcome.value, named)

    def cancel_broken(self, request: Request, named: tuple[Order, ...], at: float) -> None:
        """A bug has ended a cancel: nobody knows what became of it, and it is not under way any more."""
        for order in named:
            record = self.orders[order.id]
            record.cancelling, record.named_at = False, at
        if not named:
            whole = self.cancels[request]
            whole.under_way -= 1
            whole.ended, whole.failing = at, True

    def _named_over(self, request: Request, named: tuple[Order, ...], outcome: Outcome[Acknowledgement]) -> None:
        """A cancel that names orders is over. What is refused of a call for several is said of none of them."""
        at = outcome.attempt.ended
        refused = outcome.answer in (Answer.REFUSED, Answer.ABSENT) and outcome.attempt.sent
        several = (refused or outcome.answer is Answer.GATEWAY) and self.for_several(request, named)
        if several:
            self.air.one_by_one_until = math.inf if refused else at + _GATEWAY_PASSES
        for order in named:
            record = self.orders[order.id]
            record.cancelling, record.named_at = False, at
            if refused and not several:
                record.said = Said.again(record.said, outcome.answer, outcome.attempt.judgement, at)
            elif outcome.attempt.answered and not several:
                record.said = None

    def for_several(self, request: Request, named: tuple[Order, ...]) -> bool:
        """Whether these orders could also go one by one, by another call."""
        if not named or self.segment.singly is None:
            return False
        return len(named) > 1 or all(one != request for one, _ in self.segment.singly(named, None))

    def _measure(self, record: RequestRecord, said: Acknowledgement) -> None:
        """Whether a mass cancel left something. One that names again what others took says nothing of more."""
        again = all((known := self.orders.get(one)) is not None and known.taken for one in said.cancelled)
        record.left_some = said.capped and not (record.took_less or again)
        record.took_less = not record.left_some

    def _acknowledged(self, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        """The venue names what it has cancelled, and what it could not."""
        self.counted += said.count or 0
        self.remarks |= {said.remark} if said.remark else set()
        ids, news, shown = {order.id for order in named}, 0, {order.id: order for order in said.orders}
        for identity in said.cancelled:
            order = Order(id=identity, segment=self.segment.name, client_id=said.client_ids.get(identity))
            record = self.orders.setdefault(identity, OrderRecord(order=shown.get(identity, order)))
            record.taken, record.failure = True, ""
            record.stray |= bool(named) and identity not in ids and not record.seen
            record.reappeared |= not record.seen and (self.held or self._still_before)
            news += record.reappeared and not record.seen
            record.seen = True
        self.reappearances += news > 0
        for failure in said.failed:
            for identity in (failure.id,) if failure.id else ids:
                if identity in self.orders:
                    self.orders[identity].failure = failure.reason

    # --- what happens: listings ---

    def page_answered(self, attempt: Attempt) -> None:
        """A listing's page was answered, or not."""
        self._note(attempt)
        if attempt.request in self.whole:
            self.passes.setdefault(attempt.request, RequestRecord()).over(attempt)
        answer = attempt.judgement.answer if attempt.judgement is not None else Answer.AMBIGUOUS
        if answer is not Answer.AGAIN:  # a limit is not to be used up by cancels instead
            self.unread = 0 if answer is Answer.ACCEPTED else self.unread + 1

    def _note(self, attempt: Attempt) -> None:
        """Remember what did not do what it should, but no try that the deadline cut where the venue had spoken."""
        judgement = attempt.judgement
        if judgement is not None and judgement.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN):
            return
        known = (self.cancels if attempt.request.changes else self.passes).get(attempt.request)
        said = known.said if known is not None else None
        badly = said is not None and said.answer not in (Answer.ACCEPTED, Answer.NOTHING_OPEN)
        cut = attempt.fault is not None and attempt.fault.cut
        if not (cut and badly and self.trouble is not None):
            self.trouble = attempt

    def page_shows(self, orders: tuple[Order, ...], began: float) -> None:
        """A page has come of a listing that began then, and is not over yet."""
        reading = self._reading
        shown = (*reading.orders, *orders) if reading is not None and reading.began == began else orders
        self._reading = Listing(began=began, ended=began, orders=shown, complete=False, why="it was cut off")

    def cut_off(self) -> None:
        """Nobody reads on: of a listing that was under way, the orders that it has shown are known to be open."""
        if self._reading is not None and self.left(self._reading):
            self.listing_over(self._reading)

    def listing_over(self, listing: Listing) -> None:
        """A listing has ended. It counts as empty only when no cancel was in the air while it was read."""
        self._reading = None
        self._compare(listing)
        self.listings += listing.complete
        self.incomplete = listing.why
        if listing.complete or listing.orders:
            self.last = listing
            if listing.began >= self.air.first_answered:
                self.last_fresh = listing
        undisturbed = self.air.in_flight == 0 and max(self.air.quiet_since, self.fresh_from) <= listing.began
        if listing.complete and not self.left(listing) and undisturbed:
            before = self.proof
            if older := before.last is not None and listing.older_than(before.last):
                self.incomplete = "this answer is older than the one before it"
            if before.first is None or before.first.began < self.air.quiet_since or older:
                self.proof = Proof(first=listing, last=listing)  # one before the last cancel is no half of a proof
            else:
                self.proof = replace(before, last=listing)
        else:
            self.proof = Proof()
        after = self.air.answered <= listing.began or self.air.first_answered <= listing.began
        self._cleared_before |= listing.complete and after
        self._still_before |= listing.complete and undisturbed and self.air.sent

    def _compare(self, listing: Listing) -> None:
        """What a listing shows for the first time, what it lacks, and what it shows again though one had lacked it."""
        news, back = 0, False
        for order in listing.orders:
            record = self.orders.setdefault(order.id, OrderRecord(order=order))
            back |= record.presence is Presence.MISSING
            record.presence = Presence.LISTED
            record.lacked = False
            appeared = not record.seen and self._cleared_before
            record.reappeared |= appeared and self.selects(order) is not False
            news += record.reappeared and not record.seen
            if not record.seen or record.order.symbol is None:
                record.order = order
            record.seen = True
        self.contradictions += back
        self.reappearances += news > 0
        if listing.complete:
            for record in self.orders.values():
                record.lacked = record.order.id not in listing.ids
                if record.presence is Presence.LISTED and record.lacked:
                    record.presence = Presence.MISSING

    def order_ended(self, order: Order, state: State, note: str) -> None:
        """The venue's history tells how an order ended, and what it was."""
        record = self.orders.setdefault(order.id, OrderRecord(order=order))
        if record.order.symbol is None:
            record.order = order
        record.seen, record.end = True, (state, note)

    # --- what happens: witnesses ---

    def witness_attempt_over(self, witness: Witness, attempt: Attempt) -> None:
        """An attempt at a witness is over. One that is a cancel may have taken something, unless it says otherwise."""
        said = attempt.judgement.answer if attempt.judgement is not None else None
        if witness.request.changes and not witness.harmless and said is not Answer.NOTHING_OPEN:
            self.air.disturbed = attempt.ended

    def witness_answered(self, witness: Witness, outcome: Outcome[Any]) -> None:
        """A witness has answered, or not."""
        if outcome.value is None and outcome.answer is not Answer.NOTHING_OPEN and not witness.optional:
            self.trouble = outcome.attempt

    def witnesses_say(self, word: Word, *, cancels: bool) -> None:
        """What all witnesses of a kind said together. One that contradicts the listings makes them worthless."""
        if word is Word.OBJECT:
            self.contradicted, self.proof = True, Proof()
        elif cancels:
            self.proof = replace(self.proof, cancels_agree=word is Word.AGREE)
        else:
            self.proof = replace(self.proof, reads_agree=word is Word.AGREE)
        self.contradicted &= not self.witnessed

    def took_nothing(self, at: float) -> bool:
        """A witness has taken nothing, without saying so in words; whether it did so a gap before, too."""
        since = at if self.proof.half_agreed is None else self.proof.half_agreed
        self.proof = replace(self.proof, half_agreed=since)
        return at - since >= self.gap

    def witness_took(self, attempt: Attempt, said: Acknowledgement | None) -> None:
        """A witness that is a cancel objects: it may have cancelled, like a cancel that was answered then."""
        if said is not None:
            self._acknowledged(said, ())
        self.air.answered = self.air.ended = attempt.ended
