"""What is known about one segment: which words of a venue count, how often they have to be said, what follows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from cancelall.core.attempts import Attempt, Outcome, Tally
from cancelall.core.errors import ErrorKind, TransportFault
from cancelall.core.model import Acknowledgement, Answer, Judgement, Listing, Order, Page, Priority, Reach, Request
from cancelall.engine import firing
from cancelall.engine.ledger import Ledger
from cancelall.engine.witnesses import ask_cancels
from cancelall.venues.contract import Segment, Witness
from instant import run
from support import Bare, altered

GAP = 1.0
MASS = Request(method="POST", path="/cancel-all", changes=True)
LIST = Request(method="GET", path="/orders")
STOPS = Request(method="GET", path="/orders", query="kind=stop")
BATCH = Request(method="POST", path="/batch", changes=True)
ONE = Request(method="POST", path="/one", query="a", changes=True)

OK, EMPTY = Judgement(answer=Answer.ACCEPTED), Judgement(answer=Answer.NOTHING_OPEN)
ABSENT = Judgement(answer=Answer.ABSENT, message="no such product")
REFUSED = Judgement(answer=Answer.REFUSED, kind="permission", message="no right", reach=Reach.PRODUCT)
AS_A_CALL = replace(REFUSED, reach=Reach.REQUEST)
AMBIGUOUS = Judgement(answer=Answer.AMBIGUOUS, message="?")
GATEWAY = Judgement(answer=Answer.GATEWAY, message="HTTP 404")
FAULT = TransportFault("no answer in time")


def segment(**more: Any) -> Segment:
    values: dict[str, Any] = {
        "mass_cancels": lambda orders: (MASS,),
        "listings": ((STOPS, LIST),),
        "page": lambda request, reply: Page(orders=()),
        "acknowledge": lambda request, reply: Acknowledgement(),
        "cancels": lambda orders, others: ((BATCH, orders),),
        "singly": lambda orders, others: tuple((replace(ONE, query=one.id), (one,)) for one in orders),
        "final_states": lambda orders, since: (),
        "final_page": lambda request, reply: None,
    }
    return altered(Bare(name="linear"), **{**values, **more})


def order(identity: str) -> Order:
    return Order(id=identity, segment="linear", symbol="BTCUSDT")


class Known:
    """A segment's ledger, told one word after the other."""

    def __init__(self, **more: Any) -> None:
        self.ledger = Ledger(segment=segment(), gap=GAP, **more)

    def word(self, request: Request, at: float, outcome: Judgement | TransportFault) -> None:
        """The venue's answer to a request, or none."""
        fault = outcome if isinstance(outcome, TransportFault) else None
        judgement = None if isinstance(outcome, TransportFault) else outcome
        attempt = Attempt(request=request, began=at, ended=at, judgement=judgement, fault=fault)
        if not request.changes:
            self.ledger.page_answered(attempt)
            return
        self.ledger.cancel_begins(request, ())
        self.ledger.attempt_begins(at)
        self.ledger.attempt_over(attempt)
        self.ledger.cancel_over(request, (), Outcome(attempt=attempt))

    def named(self, ids: str, at: float, judgement: Judgement, request: Request = BATCH) -> None:
        """An answer to a cancel of these orders by name."""
        orders = tuple(order(one) for one in ids.split())
        attempt = Attempt(request=request, began=at, ended=at, judgement=judgement)
        self.ledger.cancel_begins(request, orders)
        self.ledger.attempt_begins(at)
        self.ledger.attempt_over(attempt)
        self.ledger.cancel_over(request, orders, Outcome(attempt=attempt))

    def listing(self, at: float, ids: str = "", *, complete: bool = True) -> Listing:
        """A listing that began then."""
        orders = tuple(order(one) for one in ids.split())
        listing = Listing(began=at, ended=at, orders=orders, complete=complete, why="" if complete else "odd")
        self.ledger.listing_over(listing)
        return listing

    def everything(self, at: float, judgement: Judgement) -> None:
        """The same answer to every request about the whole."""
        for request in (MASS, STOPS, LIST):
            self.word(request, at, judgement)


# --- absent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [MASS, STOPS, LIST], ids=["cancel", "first pass", "second pass"])
@pytest.mark.parametrize("outcome", [OK, EMPTY, REFUSED, AMBIGUOUS, GATEWAY, FAULT], ids=lambda one: type(one).__name__)
def test_one_other_word_and_it_is_not_absent(request_: Request, outcome: Judgement | TransportFault) -> None:
    known = Known()
    known.everything(0.0, ABSENT)
    known.everything(2.0, ABSENT)
    known.word(request_, 2.5, outcome)
    assert known.ledger.absent is None


def test_a_word_between_begins_the_count_anew() -> None:
    known = Known()
    known.everything(0.0, ABSENT)
    known.word(LIST, 0.5, OK)
    for at, absent in ((1.0, None), (2.0, ABSENT)):
        known.everything(at, ABSENT)
        assert known.ledger.absent == absent


def test_a_silent_listing_is_never_absent() -> None:
    known = Known()
    for at in (0.0, 1.0, 2.0, 3.0):
        known.word(MASS, at, ABSENT)
        known.word(STOPS, at, ABSENT)
    assert known.ledger.absent is None


def test_only_reading_the_listings_alone_decide() -> None:
    known = Known(reads_only=True)
    for at in (0.0, 1.0):
        for request in (STOPS, LIST):
            known.word(request, at, ABSENT)
    assert known.ledger.absent == ABSENT


# --- refused --------------------------------------------------------------------------------------------------------


def test_what_is_said_of_a_cancel_counts_after_the_segment_is_listed_in_another_way() -> None:
    """The first word came to the segment as it was listed before: the second one makes the absence believed."""
    before, after = Known(), Known()
    before.ledger.cancel_begins(MASS, ())
    before.ledger.attempt_begins(0.0)
    after.ledger.take_over(before.ledger)
    attempt = Attempt(request=MASS, began=0.0, ended=0.1, judgement=ABSENT)
    before.ledger.attempt_over(attempt)
    before.ledger.cancel_over(MASS, (), Outcome(attempt=attempt))
    for at in (1.2, 2.4):
        for request in (STOPS, LIST):
            after.word(request, at, ABSENT)
    assert after.ledger.absent is None
    after.word(MASS, 1.2, ABSENT)
    assert after.ledger.absent is not None


def test_a_refusal_that_is_not_believed_yet_leaves_nothing_proven() -> None:
    known = Known()
    known.word(MASS, 0.0, REFUSED)
    known.listing(0.5)
    known.listing(2.0)
    assert not known.ledger.proven
    assert firing.again(known.ledger, 0.9).mass == (), "not at once again"
    assert firing.again(known.ledger, 1.0).mass == (MASS,)
    known.word(MASS, 2.5, OK)
    known.listing(3.0)
    known.listing(4.0)
    assert known.ledger.proven


def test_a_segment_is_closed_when_everything_is_refused_twice() -> None:
    known = Known()
    known.everything(0.0, REFUSED)
    assert not known.ledger.closed
    known.everything(1.0, REFUSED)
    assert known.ledger.closed
    assert firing.again(known.ledger, 99.0).mass == (), "it is believed"
    known.word(LIST, 2.0, GATEWAY)
    assert not known.ledger.closed


@pytest.mark.parametrize("good", [MASS, LIST])
def test_one_refused_read_ends_no_firing(good: Request) -> None:
    known = Known()
    for at in (0.0, 1.0, 2.0):
        for request in (MASS, STOPS, LIST):
            known.word(request, at, OK if request is good else REFUSED)
    assert not known.ledger.closed


def test_only_reading_one_refused_pass_is_the_end() -> None:
    known = Known(reads_only=True)
    for at in (0.0, 1.0):
        known.word(STOPS, at, REFUSED)
        known.word(LIST, at, OK)
    assert (known.ledger.closed, known.ledger.refused) == (True, REFUSED)


def test_while_holding_nothing_is_given_up() -> None:
    known = Known()
    known.everything(0.0, REFUSED)
    known.everything(1.0, REFUSED)
    known.ledger.holding = True
    assert firing.again(known.ledger, 2.0).mass == (MASS,)


# --- by name --------------------------------------------------------------------------------------------------------


def due(known: Known, listing: Listing) -> list[tuple[str, ...]]:
    moves = firing.due(known.ledger, listing.orders, listing.began, complete=True)
    return [tuple(one.id for one in orders) for _, orders in moves.named]


@pytest.mark.parametrize("word", [AS_A_CALL, ABSENT, GATEWAY])
def test_when_the_call_for_several_is_turned_away_each_goes_alone(word: Judgement) -> None:
    known = Known()
    known.word(MASS, 0.0, OK)
    assert due(known, known.listing(0.5, "a b c")) == [("a", "b", "c")]
    known.named("a b c", 0.6, word)
    alone = firing.otherwise(known.ledger, tuple(order(one) for one in "abc"))
    assert [tuple(one.id for one in orders) for _, orders in alone.named] == [("a",), ("b",), ("c",)]
    assert due(known, known.listing(1.0, "a b c")) == [("a",), ("b",), ("c",)]
    later = due(known, known.listing(9.0, "a b c"))
    assert later == ([("a", "b", "c")] if word is GATEWAY else [("a",), ("b",), ("c",)])


def test_a_refused_order_is_tried_again_once_and_then_believed() -> None:
    known = Known()
    known.word(MASS, 0.0, OK)
    known.named("a", 0.5, REFUSED, ONE)
    assert due(known, known.listing(0.6, "a b")) == [("b",)]
    assert due(known, known.listing(1.5, "a b")) == [("a", "b")]
    known.named("a", 1.6, REFUSED, ONE)
    assert due(known, known.listing(9.0, "a b")) == [("b",)]
    known.ledger.holding = True
    assert due(known, known.listing(9.5, "a b")) == [("a", "b")]


def test_absence_is_never_believed_of_what_is_listed() -> None:
    known = Known()
    for at in (0.0, 1.0, 2.0):
        known.word(MASS, at, ABSENT)
        known.named("a", at + 0.1, ABSENT, ONE)
    listing = known.listing(4.0, "a")
    assert due(known, listing) == [("a",)]
    assert firing.due(known.ledger, listing.orders, 4.0, complete=True).mass == (MASS,)
    assert not firing.exhausted(known.ledger, listing)
    assert firing.again(known.ledger, 4.0).mass == (), "where nothing is listed it is believed when it is said twice"


@pytest.mark.parametrize("kind", ["mode", "parameter", "environment", "rate_limit", None])
def test_a_refusal_that_is_not_of_rights_is_never_believed_of_what_is_listed(kind: ErrorKind | None) -> None:
    """It is sent again and again, ever more slowly."""
    known, sent, at = Known(), list[float](), 0.0
    known.word(MASS, 0.0, OK)
    word = replace(AS_A_CALL, kind=kind)
    while at < 30.0:
        at += 0.25
        if due(known, known.listing(at, "a")) == [("a",)]:
            sent.append(at)
            known.named("a", at, word, ONE)
    pauses = [later - sooner for sooner, later in itertools.pairwise(sent)]
    assert (pauses[0], pauses[-1]) == (GAP, 4.0)
    assert pauses == sorted(pauses)
    assert not firing.exhausted(known.ledger, known.listing(31.0, "a"))


@pytest.mark.parametrize("kind", ["auth", "permission", "ip", "region"])
def test_a_refusal_of_rights_is_believed_when_it_is_said_twice(kind: ErrorKind) -> None:
    known = Known()
    known.word(MASS, 0.0, OK)
    for at in (0.5, 1.6):
        known.named("a", at, replace(REFUSED, kind=kind), ONE)
    assert due(known, known.listing(9.0, "a")) == []


def test_in_a_hold_absence_is_not_fired_at_unseen_again_and_again() -> None:
    """Each mass cancel disturbs the proofs of all segments."""
    known = Known(holding=True)
    for at in (0.0, 1.0):
        known.word(MASS, at, ABSENT)
    assert firing.again(known.ledger, 9.0).mass == ()
    assert firing.due(known.ledger, known.listing(9.5, "a").orders, 9.5).mass == (MASS,)


def test_a_refused_order_keeps_no_other_one() -> None:
    known = Known()
    known.word(MASS, 0.0, OK)
    known.named("a", 0.5, REFUSED, ONE)
    known.named("a", 1.6, REFUSED, ONE)
    assert not firing.exhausted(known.ledger, known.listing(2.0, "a b"))
    assert not firing.exhausted(known.ledger, known.listing(3.0, "a")), "the mass cancel may still reach it"
    known.word(MASS, 3.5, REFUSED)
    known.word(MASS, 4.5, REFUSED)
    assert firing.exhausted(known.ledger, known.listing(5.0, "a"))


# --- witnesses and what waits for its turn ----------------------------------------------------------------------------


def test_a_witness_that_takes_nothing_without_a_word_agrees_at_the_second_time() -> None:
    known = Known()
    known.word(MASS, 0.0, OK)
    known.listing(0.5)
    assert not known.ledger.took_nothing(0.6)
    assert not known.ledger.took_nothing(1.5)
    assert known.ledger.took_nothing(1.6)
    known.listing(2.0, "a")
    assert not known.ledger.took_nothing(2.1), "what was listed between begins the count anew"


def test_a_mass_cancel_that_waits_is_spared_by_a_later_empty_listing_but_never_the_first() -> None:
    known = Known()
    known.listing(1.0)
    assert not firing.superseded(known.ledger, MASS, (), 0.5), "it was never answered"
    known.word(MASS, 1.5, OK)
    known.listing(2.0)
    assert firing.superseded(known.ledger, MASS, (), 1.9)
    assert not firing.superseded(known.ledger, MASS, (), 2.1), "that listing is older than the wait"
    known.word(MASS, 2.5, REFUSED)
    known.listing(3.0)
    assert not firing.superseded(known.ledger, MASS, (), 2.9), "a refusal has to be read again"


def test_witnesses_go_behind_whatever_cancels_or_lists() -> None:
    sent: list[Request] = []
    witness = Witness(request=replace(MASS, priority=Priority.MASS_CANCEL))

    class Client:
        tally = Tally()

        async def ask(self, request: Request, *rest: Any, **more: Any) -> Outcome[Any]:
            sent.append(request)
            return Outcome(attempt=Attempt(request=request, began=1.0, ended=1.0, judgement=EMPTY))

    ledger = Ledger(segment=segment(witnesses=(witness,)), gap=GAP)
    run(ask_cancels(Client(), ledger))  # type: ignore[arg-type]
    assert [request.priority for request in sent] == [Priority.WITNESS]
    assert sent == [MASS]
    assert ledger.proof.cancels_agree
