"""What the ledger makes of a history: a table of histories, and what follows from each. Broken ledgers fail it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.errors import TransportFault
from cancelall.core.model import Acknowledgement, Failure, Judgement, Listing, Order, Protection, Reach
from cancelall.engine import firing
from cancelall.engine.ledger import Ledger, Word
from cancelall.engine.records import Proof
from cancelall.venues.contract import Witness
from unit.engine.test_firing import ABSENT, BATCH, EMPTY, GAP, GATEWAY, LIST, MASS, OK, REFUSED, STOPS, segment

HALTED = Judgement(answer=OK.answer, suspended=True)
AS_A_CALL = replace(REFUSED, reach=Reach.REQUEST)
NOTHING_LEFT = Witness(request=replace(MASS, path="/last"))
STILL = Witness(request=replace(LIST, path="/count"))


@dataclass
class History:
    """A ledger, and verbs that write into it. Orders are named by one letter each; `p` is protective."""

    ledger: Ledger
    flying: list[float] | None = None

    def fire(self, at: float) -> None:
        """A mass cancel leaves."""
        self.ledger.cancel_begins(MASS, ())
        self.ledger.attempt_begins(at)

    def ends(self, at: float, judgement: Judgement | None, *ids: str, capped: bool = False) -> None:
        """It is answered, or lost."""
        fault = None if judgement else TransportFault("no answer in time")
        attempt = Attempt(request=MASS, began=at, ended=at, judgement=judgement, fault=fault)
        self.ledger.attempt_over(attempt)
        value = Acknowledgement(cancelled=ids, capped=capped) if judgement in (OK, HALTED) else None
        self.ledger.cancel_over(MASS, (), Outcome(attempt=attempt, value=value))

    def mass(self, at: float, judgement: Judgement | None = OK, *ids: str, capped: bool = False) -> None:
        """A mass cancel that is answered at once."""
        self.fire(at)
        self.ends(at, judgement, *ids, capped=capped)

    def named(self, at: float, ids: str, judgement: Judgement | None = OK, took: str = "", failed: str = "") -> None:
        """A cancel by name that is answered at once."""
        orders = tuple(map(order, ids))
        self.ledger.cancel_begins(BATCH, orders)
        self.ledger.attempt_begins(at)
        attempt = Attempt(request=BATCH, began=at, ended=at, judgement=judgement)
        self.ledger.attempt_over(attempt)
        failures = tuple(Failure(id=one, reason="too late") for one in failed)
        value = Acknowledgement(cancelled=tuple(took), failed=failures) if judgement is OK else None
        self.ledger.cancel_over(BATCH, orders, Outcome(attempt=attempt, value=value))

    def lists(
        self, at: float, ids: str = "", *, took: float = 0.0, complete: bool = True, serial: int | None = None
    ) -> None:
        """A listing has begun then, and has ended."""
        for request in (STOPS, LIST):
            self.ledger.page_answered(Attempt(request=request, began=at, ended=at, judgement=OK))
        why = "" if complete else "odd"
        orders = tuple(map(order, ids))
        self.ledger.listing_over(
            Listing(began=at, ended=at + took, orders=orders, complete=complete, why=why, serial=serial)
        )

    def reads(self, at: float, judgement: Judgement | None) -> None:
        """Both passes are answered so."""
        for request in (STOPS, LIST):
            fault = None if judgement else TransportFault("no answer in time")
            attempt = Attempt(request=request, began=at, ended=at, judgement=judgement, fault=fault)
            self.ledger.page_answered(attempt)

    def says(self, word: Word, *, cancels: bool = False) -> None:
        """The witnesses of a kind have spoken."""
        self.ledger.witnesses_say(word, cancels=cancels)


def order(identity: str) -> Order:
    kind = Protection.PROTECTIVE if identity == "p" else Protection.NONE
    return Order(id=identity, segment="linear", symbol="BTCUSDT", protection=kind)


def facts(ledger: Ledger) -> dict[str, Any]:
    """Everything that is derived, in short."""
    last = ledger.last
    return {
        "proven": ledger.proven,
        "half": ledger.half is not None,
        "absent": ledger.absent is not None,
        "refused": ledger.refused is not None,
        "closed": ledger.closed,
        "answered": ledger.answered,
        "accepted": ledger.air.accepted,
        "idle": ledger.idle,
        "seen": "".join(sorted(record.order.id for record in ledger.seen)),
        "taken": "".join(sorted(record.order.id for record in ledger.seen if record.taken)),
        "failed": "".join(sorted(record.order.id for record in ledger.seen if record.failure)),
        "left": "".join(sorted(one.id for one in ledger.left(last))) if last is not None else None,
        "reappeared": "".join(sorted(record.order.id for record in ledger.seen if record.reappeared)),
        "strays": "".join(sorted(record.order.id for record in ledger.seen if record.stray)),
        "contradictions": ledger.contradictions,
        "reappearances": ledger.reappearances,
        "gap": ledger.proof_gap,
        "witnessed": ledger.witnessed,
        "blind": bool(firing.blind(ledger, 99.0)),
        "named": "".join(sorted(named_now(ledger))),
    }


def named_now(ledger: Ledger) -> list[str]:
    """The orders that cancels by name would go for, by what was listed last."""
    last = ledger.last
    moves = firing.due(ledger, last.orders, last.began, complete=True) if last is not None else firing.Moves()
    return [one.id for _, orders in moves.named for one in orders]


Told = Callable[[History], object]


def row(
    name: str, *told: Told, witnesses: tuple[Witness, ...] = (), keep: bool = False, hold: bool = False, **expected: Any
) -> Any:
    """One history, and what follows."""
    settings = {"witnesses": witnesses, "keep": keep, "hold": hold}
    return pytest.param(settings, told, expected, id=name)


ROWS = [
    # --- the proof ---
    row("nothing happened", proven=False, half=False, answered=False, idle=True, seen="", left=None, blind=True),
    row("one empty listing", lambda h: h.mass(0), lambda h: h.lists(1), proven=False, half=True),
    row("two, a gap apart", lambda h: h.mass(0), lambda h: h.lists(1), lambda h: h.lists(2), proven=True),
    row("two, too close", lambda h: h.mass(0), lambda h: h.lists(1), lambda h: h.lists(1.9), proven=False),
    row(
        "the gap counts from the end of the first",
        lambda h: h.mass(0),
        lambda h: h.lists(1, took=0.5),
        lambda h: h.lists(2.2),
        proven=False,
    ),
    row(
        "three, the outer ones a gap apart",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(1.5),
        lambda h: h.lists(2),
        proven=True,
    ),
    row(
        "an order between",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(1.5, "a"),
        lambda h: h.lists(2),
        proven=False,
        half=True,
    ),
    row(
        "an incomplete one between",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(1.5, complete=False),
        lambda h: h.lists(2),
        proven=False,
    ),
    row(
        "an incomplete one at the end",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2, complete=False),
        proven=False,
        half=False,
    ),
    row("without any cancel", lambda h: h.lists(1), lambda h: h.lists(2), proven=True),
    row(
        "a cancel leaves between",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.mass(1.5),
        lambda h: h.lists(2),
        proven=False,
        half=True,
    ),
    row(
        "a cancel leaves between, and two follow",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.mass(1.5),
        lambda h: h.lists(2),
        lambda h: h.lists(3),
        proven=True,
    ),
    row(
        "a cancel is in the air",
        lambda h: h.lists(1),
        lambda h: h.fire(1.5),
        lambda h: h.lists(2),
        lambda h: h.lists(3),
        proven=False,
        half=False,
        idle=False,
    ),
    row(
        "it is lost, and two follow",
        lambda h: h.fire(0),
        lambda h: h.ends(1, None),
        lambda h: h.lists(1.5),
        lambda h: h.lists(2.5),
        proven=True,
        accepted=False,
    ),
    row(
        "a listing began before the cancel was over",
        lambda h: h.fire(0),
        lambda h: h.ends(1.2, OK),
        lambda h: h.lists(1, took=0.5),
        lambda h: h.lists(2),
        proven=False,
    ),
    row(
        "a cancel leaves after the proof",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        lambda h: h.fire(2.5),
        proven=False,
    ),
    row(
        "it comes back after the proof",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        lambda h: h.mass(2.5),
        proven=True,
        half=False,
    ),
    row("trading is halted", lambda h: h.mass(0, HALTED), lambda h: h.lists(1), lambda h: h.lists(2), proven=False),
    row(
        "the venue calls the later answer the older one",
        lambda h: h.mass(0),
        lambda h: h.lists(1, serial=5),
        lambda h: h.lists(2, serial=4),
        proven=False,
        half=True,
    ),
    # --- words ---
    row(
        "a mass cancel is refused once",
        lambda h: h.mass(0, REFUSED),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        proven=False,
        refused=True,
        closed=False,
    ),
    row(
        "a mass cancel is refused twice",
        lambda h: h.mass(0, REFUSED),
        lambda h: h.mass(1, REFUSED),
        lambda h: h.lists(2),
        lambda h: h.lists(3),
        proven=True,
        refused=True,
        blind=False,
    ),
    row(
        "its refusal is taken back",
        lambda h: h.mass(0, REFUSED),
        lambda h: h.mass(1),
        lambda h: h.lists(2),
        lambda h: h.lists(3),
        proven=True,
        refused=False,
    ),
    row(
        "a gateway turns it away",
        lambda h: h.mass(0, GATEWAY),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        proven=True,
        refused=False,
        accepted=False,
    ),
    row("all is absent once", lambda h: h.mass(0, ABSENT), lambda h: h.reads(0, ABSENT), absent=False, closed=False),
    row(
        "all is absent twice",
        *(lambda h, at=at: (h.mass(at, ABSENT), h.reads(at, ABSENT)) for at in (0, 1)),
        absent=True,
        closed=True,
    ),
    row(
        "all is absent twice, too close",
        *(lambda h, at=at: (h.mass(at, ABSENT), h.reads(at, ABSENT)) for at in (0, 0.9)),
        absent=False,
    ),
    row(
        "the cancel is absent, the listings are silent",
        lambda h: h.mass(0, ABSENT),
        lambda h: h.mass(1, ABSENT),
        lambda h: h.reads(1, None),
        absent=False,
    ),
    row(
        "then a listing is lost",
        *(lambda h, at=at: (h.mass(at, ABSENT), h.reads(at, ABSENT)) for at in (0, 1)),
        lambda h: h.reads(2, None),
        absent=False,
    ),
    row(
        "all is refused twice",
        *(lambda h, at=at: (h.mass(at, REFUSED), h.reads(at, REFUSED)) for at in (0, 1)),
        closed=True,
        refused=True,
        absent=False,
    ),
    row("nothing to cancel is an acceptance", lambda h: h.mass(0, EMPTY), accepted=True, answered=True, refused=False),
    # --- orders ---
    row("listed", lambda h: h.mass(0), lambda h: h.lists(1, "ab"), seen="ab", left="ab", taken="", named="ab"),
    row(
        "listed by one that is incomplete",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "ab", complete=False),
        seen="ab",
        left="ab",
    ),
    row("named by the answer to a mass cancel", lambda h: h.mass(0, OK, "a"), seen="a", taken="a", left=None),
    row(
        "named twice",
        lambda h: h.mass(0, OK, "a", "a"),
        lambda h: h.mass(1, OK, "a"),
        seen="a",
        taken="a",
        reappearances=0,
    ),
    row(
        "taken, and still listed",
        lambda h: h.mass(0, OK, "a"),
        lambda h: h.lists(1, "a"),
        taken="a",
        left="a",
        named="a",
        proven=False,
    ),
    row(
        "cancelled by name",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "ab"),
        lambda h: h.named(1.5, "ab", took="a", failed="b"),
        taken="a",
        failed="b",
    ),
    row(
        "failed, then taken",
        lambda h: h.lists(1, "a"),
        lambda h: h.named(1.5, "a", failed="a"),
        lambda h: h.named(2, "a", took="a"),
        taken="a",
        failed="",
    ),
    row(
        "refused by name",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.named(1.5, "a", REFUSED),
        failed="a",
        taken="",
        refused=False,
    ),
    row(
        "refused by name where no mass cancel was accepted",
        lambda h: h.mass(0, GATEWAY),
        lambda h: h.lists(1, "a"),
        lambda h: h.named(1.5, "a", REFUSED),
        refused=True,
    ),
    row(
        "a mass cancel that is no call here, and names that are",
        lambda h: h.mass(0, AS_A_CALL),
        lambda h: h.mass(1, AS_A_CALL),
        lambda h: h.lists(1.5, "a"),
        lambda h: h.named(2, "a", took="a"),
        refused=False,
        accepted=True,
    ),
    row("by name only after the mass cancel", lambda h: h.fire(0.5), lambda h: h.lists(1, "a"), named="", idle=False),
    row(
        "the mass cancel is at its cap",
        lambda h: h.mass(0, OK, "a", "b", capped=True),
        lambda h: h.lists(1, "c"),
        named="",
        left="c",
    ),
    row(
        "the cap, and what others took",
        lambda h: h.mass(0, OK, "a"),
        lambda h: h.mass(1, OK, "a", capped=True),
        lambda h: h.lists(2, "c"),
        named="c",
    ),
    row(
        "not again by name before the listing is newer",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.named(1.5, "a"),
        named="",
    ),
    row(
        "again by name when it is",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.named(1.5, "a"),
        lambda h: h.lists(2, "a"),
        named="a",
    ),
    row(
        "a stray of a group's cancel",
        lambda h: h.lists(1, "a"),
        lambda h: h.named(2, "a", took="az"),
        strays="z",
        seen="az",
    ),
    row(
        "what is kept does not stand in the way",
        lambda h: h.lists(1, "p"),
        lambda h: h.lists(2, "p"),
        keep=True,
        left="",
        proven=True,
        blind=False,
        named="",
    ),
    row(
        "what is not kept does",
        lambda h: h.lists(1, "ap"),
        lambda h: h.lists(2, "ap"),
        keep=True,
        left="a",
        proven=False,
        named="a",
    ),
    # --- contradictions and what appears ---
    row(
        "gone and back",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.lists(2),
        lambda h: h.lists(3, "a"),
        contradictions=1,
        gap=2 * GAP,
        reappeared="",
    ),
    row(
        "gone and back with a proof that is too short",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.lists(2),
        lambda h: h.lists(3, "a"),
        lambda h: h.lists(4),
        lambda h: h.lists(5),
        proven=False,
    ),
    row(
        "and with one that is long enough",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.lists(2),
        lambda h: h.lists(3, "a"),
        lambda h: h.lists(4),
        lambda h: h.lists(6),
        proven=True,
    ),
    row(
        "twice gone and back",
        *(lambda h, at=at, ids=ids: h.lists(at, ids) for at, ids in enumerate(["a", "", "a", "", "a"])),
        contradictions=2,
        gap=4 * GAP,
    ),
    row(
        "two come back at once",
        *(lambda h, at=at, ids=ids: h.lists(at, ids) for at, ids in enumerate(["ab", "", "ab"])),
        contradictions=1,
    ),
    row(
        "an incomplete one lacks nothing",
        lambda h: h.lists(1, "a"),
        lambda h: h.lists(2, complete=False),
        lambda h: h.lists(3, "a"),
        contradictions=0,
    ),
    row(
        "new after all had been shown",
        lambda h: h.mass(0),
        lambda h: h.lists(1, "a"),
        lambda h: h.lists(2, "ab"),
        reappeared="b",
        reappearances=1,
    ),
    row(
        "several new ones at once",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2, "abc"),
        reappeared="abc",
        reappearances=1,
    ),
    row("new at the first look", lambda h: h.mass(0), lambda h: h.lists(1, "abc"), reappeared="", reappearances=0),
    row("new while holding", lambda h: h.mass(0, OK, "a"), hold=True, reappeared="a", reappearances=1),
    # --- witnesses ---
    row(
        "silent",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        witnesses=(NOTHING_LEFT,),
        proven=False,
        witnessed=False,
    ),
    row(
        "agrees between",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.says(Word.AGREE, cancels=True),
        lambda h: h.lists(2),
        witnesses=(NOTHING_LEFT,),
        proven=True,
        witnessed=True,
    ),
    row(
        "agreed before the first listing",
        lambda h: h.mass(0),
        lambda h: h.says(Word.AGREE, cancels=True),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        witnesses=(NOTHING_LEFT,),
        proven=False,
    ),
    row(
        "its listing is gone",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.says(Word.AGREE, cancels=True),
        lambda h: h.lists(2, "a"),
        lambda h: h.lists(3),
        lambda h: h.lists(4),
        witnesses=(NOTHING_LEFT,),
        proven=False,
        witnessed=False,
    ),
    row(
        "objects",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        lambda h: h.says(Word.OBJECT),
        witnesses=(STILL,),
        proven=False,
        half=False,
    ),
    row(
        "a read agrees in the background of the second",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        lambda h: h.says(Word.AGREE),
        witnesses=(STILL,),
        proven=True,
    ),
    row(
        "one of two kinds is silent",
        lambda h: h.mass(0),
        lambda h: h.lists(1),
        lambda h: h.lists(2),
        lambda h: h.says(Word.AGREE),
        witnesses=(STILL, NOTHING_LEFT),
        proven=False,
    ),
]


def told(settings: dict[str, Any], verbs: tuple[Told, ...]) -> dict[str, Any]:
    """The facts at the end of a history."""
    made = segment(witnesses=settings["witnesses"])
    history = History(Ledger(segment=made, gap=GAP, keep=settings["keep"], holding=settings["hold"]))
    for verb in verbs:
        verb(history)
    return facts(history.ledger)


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 60
    assert len({one.id for one in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("settings", "verbs", "expected"), ROWS)
def test_what_follows(settings: dict[str, Any], verbs: tuple[Told, ...], expected: dict[str, Any]) -> None:
    assert expected, "a row that expects nothing shows nothing"
    found = told(settings, verbs)
    assert {name: found[name] for name in expected} == expected


# --- segments that turn out not to be there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verbs", "disturbs"),
    [
        ([], False),
        ([lambda h: h.mass(5, ABSENT)], False),
        ([lambda h: h.mass(5, OK)], True),
        ([lambda h: h.mass(5, GATEWAY)], True),
        ([lambda h: h.mass(5, None)], True),
        ([lambda h: h.mass(4, ABSENT), lambda h: h.fire(5)], True),
        ([lambda h: h.mass(4, OK), lambda h: h.mass(5, ABSENT)], False),
    ],
)
def test_a_cancel_of_what_is_not_there_disturbs_others_unless_the_venue_says_so(
    verbs: list[Told], disturbs: bool
) -> None:
    history = History(Ledger(segment=segment(), gap=GAP))
    for verb in verbs:
        verb(history)
    assert history.ledger.disturbed_unless_absent == (5.0 if disturbs else 0.0)


# --- a broken ledger ------------------------------------------------------------------------------------------------


def over_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof is kept over a cancel."""
    plain = Ledger.listing_over

    def listing_over(self: Ledger, listing: Listing) -> None:
        began, ended = self.air.began, self.air.ended
        self.air.began = self.air.ended = float("-inf")
        plain(self, listing)
        self.air.began, self.air.ended = began, ended

    monkeypatch.setattr(Ledger, "listing_over", listing_over)


def counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that an answer names again is another order."""
    plain, numbers = Ledger._acknowledged, iter(range(1000))

    def acknowledged(self: Ledger, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        known = {one for one in said.cancelled if one in self.orders and self.orders[one].taken}
        again = tuple(f"{one}{next(numbers)}" if one in known else one for one in said.cancelled)
        plain(self, replace(said, cancelled=again), named)

    monkeypatch.setattr(Ledger, "_acknowledged", acknowledged)


def half_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is taken keeps its failure."""
    plain = Ledger._acknowledged

    def acknowledged(self: Ledger, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        failures = {one: self.orders[one].failure for one in said.cancelled if one in self.orders}
        plain(self, said, named)
        for one, failure in failures.items():
            self.orders[one].failure = self.orders[one].failure or failure

    monkeypatch.setattr(Ledger, "_acknowledged", acknowledged)


def outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    """A witness's word outlives the listing that it was about."""
    plain = Ledger.listing_over

    def listing_over(self: Ledger, listing: Listing) -> None:
        before: Proof = self.proof
        plain(self, listing)
        self.proof = replace(self.proof, cancels_agree=self.proof.cancels_agree or before.cancels_agree)

    monkeypatch.setattr(Ledger, "listing_over", listing_over)


def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """One word of absence or refusal is believed."""
    monkeypatch.setattr("cancelall.engine.records.Said.twice", lambda self, gap: True)


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contradiction is forgotten."""
    monkeypatch.setattr(Ledger, "proof_gap", property(lambda self: self.gap))


@pytest.mark.parametrize("broken", [over_a_cancel, counted_twice, half_updated, outlived, hasty, forgetful])
def test_the_table_notices_a_broken_ledger(
    broken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    wrong = []
    for one in ROWS:
        settings, verbs, expected = one.values
        found = told(settings, verbs)
        wrong += [one.id] if {name: found[name] for name in expected} != expected else []
    assert wrong
