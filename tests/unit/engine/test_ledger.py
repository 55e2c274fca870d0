"""What the ledger makes of a history: a table of histories, and what follows from each. Broken ledgers fail it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.errors import TransportFault
from cancelall.core.model import (
    UNREADABLE,
    Acknowledgement,
    ClientIds,
    Failure,
    Judgement,
    Listing,
    Order,
    Protection,
    Reach,
    State,
)
from cancelall.engine import firing, verdicts
from cancelall.engine.ledger import Ledger, Word
from cancelall.engine.records import Proof
from cancelall.venues.contract import Witness
from unit.engine.test_firing import ABSENT, BATCH, EMPTY, GAP, GATEWAY, LIST, MASS, OK, REFUSED, STOPS, segment

HALTED = Judgement(answer=OK.answer, suspended=True)
NOTHING_LEFT = Witness(request=replace(MASS, path="/last"))
STILL = Witness(request=replace(LIST, path="/count"))


JUDGEMENTS = {"refused": REFUSED, "no-call": replace(REFUSED, reach=Reach.REQUEST), "halted": HALTED}
JUDGEMENTS |= {"absent": ABSENT, "gateway": GATEWAY, "empty": EMPTY}


@dataclass
class History:
    """A ledger, and verbs that write into it. Orders are named by one letter each; `p` is protective, `m` is mine, `d`
    another desk's, `q` mine and protective, and of `u` the client id is not known.
    """

    ledger: Ledger

    def play(self, history: str) -> None:
        """Write `mass 0 refused, lists 1 ab incomplete`: verbs, when, what the venue says, which orders, and more."""
        for step in filter(None, history.split(", ")):
            verb, at, *words = step.split()
            judgement = next((JUDGEMENTS[word] for word in words if word in JUDGEMENTS), OK)
            ids = next((word for word in words if set(word) <= set("abcpmdqu")), "")
            more = {key: value for key, _, value in (word.partition("=") for word in words)}
            match verb:
                case "fire":
                    self.fire(float(at))
                case "ends" | "mass":
                    if verb == "mass":
                        self.fire(float(at))
                    self.ends(float(at), None if "lost" in more else judgement, ids, capped="capped" in more)
                case "named":
                    self.named(float(at), ids, judgement, more.get("took", ""), more.get("failed", ""))
                case "lists":
                    self.lists(float(at), ids, more)
                case "reads":
                    self.reads(float(at), None if "lost" in more else judgement)
                case _:
                    assert verb == "witnesses"
                    self.ledger.witnesses_say(Word[at.upper()], cancels="cancels" in more)

    def fire(self, at: float) -> None:
        """A mass cancel leaves."""
        self.ledger.cancel_begins(MASS, ())
        self.ledger.attempt_begins(at)

    def ends(self, at: float, judgement: Judgement | None, ids: str, *, capped: bool) -> None:
        """It is answered, or lost."""
        fault = None if judgement else TransportFault("no answer in time")
        attempt = Attempt(request=MASS, began=at, ended=at, judgement=judgement, fault=fault)
        self.ledger.attempt_over(attempt)
        value = Acknowledgement(cancelled=tuple(ids), capped=capped) if judgement in (OK, HALTED) else None
        self.ledger.cancel_over(MASS, (), Outcome(attempt=attempt, value=value))

    def named(self, at: float, ids: str, judgement: Judgement, took: str, failed: str) -> None:
        """A cancel by name that is answered at once."""
        orders = tuple(map(order, ids))
        self.ledger.cancel_begins(BATCH, orders)
        self.ledger.attempt_begins(at)
        attempt = Attempt(request=BATCH, began=at, ended=at, judgement=judgement)
        self.ledger.attempt_over(attempt)
        failures = tuple(Failure(id=one, reason="too late") for one in failed)
        value = Acknowledgement(cancelled=tuple(took), failed=failures) if judgement is OK else None
        self.ledger.cancel_over(BATCH, orders, Outcome(attempt=attempt, value=value))

    def lists(self, at: float, ids: str, more: Mapping[str, str]) -> None:
        """A listing has begun then, and has ended."""
        self.reads(at, OK)
        self.ledger.listing_over(
            Listing(
                began=at,
                ended=at + float(more.get("seconds", 0)),
                orders=tuple(map(order, ids)),
                complete="incomplete" not in more,
                why="odd" if "incomplete" in more else "",
                serial=int(more["serial"]) if "serial" in more else None,
            )
        )

    def reads(self, at: float, judgement: Judgement | None) -> None:
        """Both passes are answered so."""
        for request in (STOPS, LIST):
            fault = None if judgement else TransportFault("no answer in time")
            attempt = Attempt(request=request, began=at, ended=at, judgement=judgement, fault=fault)
            self.ledger.page_answered(attempt)


def order(identity: str) -> Order:
    kind = Protection.PROTECTIVE if identity in "pq" else Protection.NONE
    client_id = {"m": "mine-1", "q": "mine-2", "d": "desk-1", "u": UNREADABLE}.get(identity)
    return Order(id=identity, segment="linear", symbol="BTCUSDT", protection=kind, client_id=client_id)


MINE = ClientIds(only=("mine-",))
NOT_MINE = ClientIds(but=("mine-",))


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
        "open": "".join(sorted(row.order.id for row in verdicts.order_rows(ledger) if row.state is State.OPEN)),
        "gap": ledger.proof_gap,
        "witnessed": ledger.witnessed,
        "blind": bool(firing.blind(ledger, 99.0) or firing.again(ledger, 99.0)),
        "mass": bool(due(ledger).mass),
        "named": "".join(sorted(named_now(ledger))),
    }


def named_now(ledger: Ledger) -> list[str]:
    """The orders that cancels by name would go for, by what was listed last."""
    return [one.id for _, orders in due(ledger).named for one in orders]


def due(ledger: Ledger) -> firing.Moves:
    """What the last listing calls for."""
    last = ledger.last
    return firing.due(ledger, last.orders, last.began, complete=True) if last is not None else firing.Moves()


def row(name: str, history: str, *, witnesses: tuple[Witness, ...] = (), keep: bool = False, **expected: Any) -> Any:
    """One history, and what follows."""
    settings = {"witnesses": witnesses, "keep": keep, "holding": expected.pop("holding", False)}
    settings |= {"client_ids": expected.pop("client_ids", None)}
    return pytest.param(settings, history, expected, id=name)


ALL_ABSENT = "mass 0 absent, reads 0 absent, mass 1 absent, reads 1 absent"
TOO_CLOSE = ALL_ABSENT.replace(" 1 ", " 0.9 ")
AGREES = "witnesses agree cancels"
ROWS = [
    # --- what is called open where the last listing is incomplete ---
    row("nothing complete was read", "mass 0 abc, lists 1 a incomplete", open="abc"),
    row("a complete one lacked two", "mass 0 abc, lists 1 a, lists 2 a incomplete", open="a"),
    row("one of them is back", "mass 0 abc, lists 1 a, lists 2 ab incomplete", open="ab"),
    row("one was back in between", "mass 0 abc, lists 1 a, lists 2 ab incomplete, lists 3 a incomplete", open="ab"),
    row("one is new since then", "mass 0 ab, lists 1 a, mass 2 c, lists 3 a incomplete", open="ac"),
    row("the last one is complete", "mass 0 abc, lists 1 a incomplete, lists 2 a", open="a"),
    # --- the proof ---
    row("nothing happened", "", proven=False, half=False, answered=False, idle=True, seen="", left=None, blind=True),
    row("one empty listing", "mass 0, lists 1", proven=False, half=True),
    row("two, a gap apart", "mass 0, lists 1, lists 2", proven=True),
    row("two, too close", "mass 0, lists 1, lists 1.9", proven=False),
    row("the gap counts from the end of the first", "mass 0, lists 1 seconds=0.5, lists 2.2", proven=False),
    row("three, the outer ones a gap apart", "mass 0, lists 1, lists 1.5, lists 2", proven=True),
    row("an order between", "mass 0, lists 1, lists 1.5 a, lists 2", proven=False, half=True),
    row("an incomplete one between", "mass 0, lists 1, lists 1.5 incomplete, lists 2", proven=False),
    row("an incomplete one at the end", "mass 0, lists 1, lists 2 incomplete", proven=False, half=False),
    row("without any cancel", "lists 1, lists 2", proven=True),
    row("a cancel leaves between", "mass 0, lists 1, mass 1.5, lists 2", proven=False, half=True),
    row("a cancel leaves between, and two follow", "mass 0, lists 1, mass 1.5, lists 2, lists 3", proven=True),
    row("a cancel is in the air", "lists 1, fire 1.5, lists 2, lists 3", proven=False, half=False, idle=False),
    row("it is lost, and two follow", "fire 0, ends 1 lost, lists 1.5, lists 2.5", proven=True, accepted=False),
    row("a listing began before the cancel was over", "fire 0, ends 1.2, lists 1 seconds=0.5, lists 2", proven=False),
    row("a cancel leaves after the proof", "mass 0, lists 1, lists 2, fire 2.5", proven=False),
    row("it comes back after the proof", "mass 0, lists 1, lists 2, mass 2.5", proven=True, half=False),
    row("trading is halted", "mass 0 halted, lists 1, lists 2", proven=False),
    row(
        "the venue calls the later answer the older one",
        "mass 0, lists 1 serial=5, lists 2 serial=4",
        proven=False,
        half=True,
    ),
    # --- words ---
    row("a mass cancel is refused once", "mass 0 refused, lists 1, lists 2", proven=False, refused=True, closed=False),
    row(
        "a mass cancel is refused twice",
        "mass 0 refused, mass 1 refused, lists 2, lists 3",
        proven=True,
        refused=True,
        blind=False,
    ),
    row("its refusal is taken back", "mass 0 refused, mass 1, lists 2, lists 3", proven=True, refused=False),
    row("a listing is refused at last", "mass 0 refused, mass 1, reads 2 refused", refused=True),
    row("a product is refused, and cancels by name are not", "mass 0 refused, named 0.5 ab", refused=True),
    row("a gateway turns it away", "mass 0 gateway, lists 1, lists 2", proven=True, refused=False, accepted=False),
    row("all is absent once", "mass 0 absent, reads 0 absent", absent=False, closed=False),
    row("all is absent twice", ALL_ABSENT, absent=True, closed=True),
    row(
        "all is absent three times, the outer ones a gap apart",
        f"{TOO_CLOSE}, mass 1 absent, reads 1 absent",
        absent=True,
    ),
    row("all is absent twice, too close", TOO_CLOSE, absent=False),
    row("the cancel is absent, the listings are silent", "mass 0 absent, mass 1 absent, reads 1 lost", absent=False),
    row("then a listing is lost", f"{ALL_ABSENT}, reads 2 lost", absent=False),
    row("all is refused twice", ALL_ABSENT.replace("absent", "refused"), closed=True, refused=True, absent=False),
    row("nothing to cancel is an acceptance", "mass 0 empty", accepted=True, answered=True, refused=False),
    # --- orders ---
    row("listed", "mass 0, lists 1 ab", seen="ab", left="ab", taken="", named="ab"),
    row("listed by one that is incomplete", "mass 0, lists 1 ab incomplete", seen="ab", left="ab"),
    row("named by the answer to a mass cancel", "mass 0 a", seen="a", taken="a", left=None),
    row("named twice", "mass 0 aa, mass 1 a", seen="a", taken="a", reappearances=0),
    row("taken, and still listed", "mass 0 a, lists 1 a", taken="a", left="a", named="a", proven=False),
    row("cancelled by name", "mass 0, lists 1 ab, named 1.5 ab took=a failed=b", taken="a", failed="b"),
    row("failed, then taken", "lists 1 a, named 1.5 a failed=a, named 2 a took=a", taken="a", failed=""),
    row("refused by name", "mass 0, lists 1 a, named 1.5 a refused", failed="a", taken="", refused=False),
    row(
        "refused by name where no mass cancel was accepted",
        "mass 0 gateway, lists 1 a, named 1.5 a refused",
        refused=True,
    ),
    row(
        "a mass cancel that is no call here, and names that are",
        "mass 0 no-call, mass 1 no-call, lists 1.5 a, named 2 a took=a",
        refused=False,
        accepted=True,
    ),
    row("by name only after the mass cancel", "fire 0.5, lists 1 a", named="", idle=False),
    row("the mass cancel is at its cap", "mass 0 ab capped, lists 1 c", named="", left="c"),
    row("the cap, and what others took", "mass 0 a, mass 1 a capped, lists 2 c", named="c"),
    row("not again by name before the listing is newer", "mass 0, lists 1 a, named 1.5 a", named=""),
    row("again by name when it is", "mass 0, lists 1 a, named 1.5 a, lists 2 a", named="a"),
    row("a stray of a group's cancel", "lists 1 ab, named 2 a took=abz", strays="z", seen="abz", taken="abz"),
    row(
        "what is kept does not stand in the way",
        "lists 1 p, lists 2 p",
        keep=True,
        left="",
        proven=True,
        blind=False,
        named="",
    ),
    row("what is not kept does", "lists 1 ap, lists 2 ap", keep=True, left="a", proven=False, named="a"),
    # --- client ids ---
    row("mine alone, by name, and never unseen", "lists 1 amd", client_ids=MINE, left="m", blind=False, named="m"),
    row("no mass cancel is waited for", "lists 1 m", client_ids=MINE, mass=False, named="m"),
    row("others do not stand in the way", "lists 1 apd, lists 2 apd", client_ids=MINE, left="", proven=True, named=""),
    row("and may come and go", "lists 1 ad, lists 2 dp", client_ids=MINE, proven=True, reappeared="", reappearances=0),
    row("mine do", "lists 1 am, lists 2 am", client_ids=MINE, left="m", proven=False),
    row("what of mine comes has appeared", "named 0 m, lists 1 a, lists 2 am", client_ids=MINE, reappeared="m"),
    row("all but mine, and those without an id", "lists 1 amdp", client_ids=NOT_MINE, left="adp", named="adp"),
    row("one and not the other", "lists 1 mqd", client_ids=ClientIds(only=("mine-",), but=("mine-2",)), named="m"),
    row("both filters hold", "lists 1 amqp", client_ids=MINE, keep=True, left="m", named="m"),
    row("an id that is not known", "lists 1 ud, lists 2 ud", client_ids=MINE, left="u", named="", proven=False),
    row("nor is it another one's", "lists 1 ud, lists 2 ud", client_ids=NOT_MINE, left="du", named="d", proven=False),
    row("no client ids are meant", "mass 0, lists 1 u, lists 2 u", left="u", named="u"),
    row("refused once, nothing is repeated unseen", "lists 1 m, named 1.5 m refused", client_ids=MINE, blind=False),
    # --- contradictions and what appears ---
    row("gone and back", "mass 0, lists 1 a, lists 2, lists 3 a", contradictions=1, gap=2 * GAP, reappeared=""),
    row(
        "gone and back with a proof that is too short",
        "mass 0, lists 1 a, lists 2, lists 3 a, lists 4, lists 5",
        proven=False,
    ),
    row("and with one that is long enough", "mass 0, lists 1 a, lists 2, lists 3 a, lists 4, lists 6", proven=True),
    row("twice gone and back", "lists 0 a, lists 1, lists 2 a, lists 3, lists 4 a", contradictions=2, gap=4 * GAP),
    row(
        "some come back, and one is merely new",
        "lists 0 ab, lists 1, lists 2 a, lists 3, lists 4 c, lists 5, lists 6 abc",
        contradictions=2,
    ),
    row("two come back at once", "lists 0 ab, lists 1, lists 2 ab", contradictions=1),
    row("an incomplete one lacks nothing", "lists 1 a, lists 2 incomplete, lists 3 a", contradictions=0),
    row("new after all had been shown", "mass 0, lists 1 a, lists 2 ab", reappeared="b", reappearances=1),
    row("several new ones at once", "mass 0, lists 1, lists 2 abc", reappeared="abc", reappearances=1),
    row("new at the first look", "mass 0, lists 1 abc", reappeared="", reappearances=0),
    row("new while holding", "mass 0 a", holding=True, reappeared="a", reappearances=1),
    # --- witnesses ---
    row("silent", "mass 0, lists 1, lists 2", witnesses=(NOTHING_LEFT,), proven=False, witnessed=False),
    row(
        "agrees between", f"mass 0, lists 1, {AGREES}, lists 2", witnesses=(NOTHING_LEFT,), proven=True, witnessed=True
    ),
    row(
        "agreed before the first listing",
        f"mass 0, {AGREES}, lists 1, lists 2",
        witnesses=(NOTHING_LEFT,),
        proven=False,
    ),
    row(
        "its listing is gone",
        f"mass 0, lists 1, {AGREES}, lists 2 a, lists 3, lists 4",
        witnesses=(NOTHING_LEFT,),
        proven=False,
        witnessed=False,
    ),
    row("objects", "mass 0, lists 1, lists 2, witnesses object", witnesses=(STILL,), proven=False, half=False),
    row(
        "a read agrees in the background of the second",
        "mass 0, lists 1, lists 2, witnesses agree",
        witnesses=(STILL,),
        proven=True,
    ),
    row(
        "one of two kinds is silent",
        "mass 0, lists 1, lists 2, witnesses agree",
        witnesses=(STILL, NOTHING_LEFT),
        proven=False,
    ),
]


def played(history: str, *, witnesses: tuple[Witness, ...] = (), **settings: Any) -> Ledger:
    """The ledger at the end of a history."""
    ledger = Ledger(segment=segment(witnesses=witnesses), gap=GAP, **settings)
    History(ledger).play(history)
    return ledger


def differs(settings: dict[str, Any], history: str, expected: dict[str, Any]) -> dict[str, Any]:
    """What is not as a row expects it."""
    derived = facts(played(history, **settings))
    return {name: derived[name] for name, value in expected.items() if derived[name] != value}


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 60
    assert len({one.id for one in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("settings", "history", "expected"), ROWS)
def test_what_follows(settings: dict[str, Any], history: str, expected: dict[str, Any]) -> None:
    assert expected, "a row that expects nothing shows nothing"
    assert differs(settings, history, expected) == {}


# --- segments that turn out not to be there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "disturbs"),
    [
        ("", False),
        ("mass 5 absent", False),
        ("mass 5", True),
        ("mass 5 gateway", True),
        ("mass 5 lost", True),
        ("mass 4 absent, fire 5", True),
        ("mass 4, mass 5 absent", False),
    ],
)
def test_a_cancel_of_what_is_not_there_disturbs_others_unless_the_venue_says_so(history: str, disturbs: bool) -> None:
    assert played(history).disturbed_unless_absent == (5.0 if disturbs else 0.0)


# --- a broken ledger ------------------------------------------------------------------------------------------------


def over_a_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof is kept over a cancel."""
    real = Ledger.listing_over

    def listing_over(self: Ledger, listing: Listing) -> None:
        began, ended = self.air.began, self.air.ended
        self.air.began = self.air.ended = float("-inf")
        real(self, listing)
        self.air.began, self.air.ended = began, ended

    monkeypatch.setattr(Ledger, "listing_over", listing_over)


def counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that an answer names again is another order."""
    real, numbers = Ledger._acknowledged, iter(range(1000))

    def acknowledged(self: Ledger, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        known = {one for one in said.cancelled if one in self.orders and self.orders[one].taken}
        again = tuple(f"{one}{next(numbers)}" if one in known else one for one in said.cancelled)
        real(self, replace(said, cancelled=again), named)

    monkeypatch.setattr(Ledger, "_acknowledged", acknowledged)


def half_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is taken keeps its failure."""
    real = Ledger._acknowledged

    def acknowledged(self: Ledger, said: Acknowledgement, named: tuple[Order, ...]) -> None:
        failures = {one: self.orders[one].failure for one in said.cancelled if one in self.orders}
        real(self, said, named)
        for one, failure in failures.items():
            self.orders[one].failure = self.orders[one].failure or failure

    monkeypatch.setattr(Ledger, "_acknowledged", acknowledged)


def outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    """A witness's word outlives the listing that it was about."""
    real = Ledger.listing_over

    def listing_over(self: Ledger, listing: Listing) -> None:
        before: Proof = self.proof
        real(self, listing)
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
    assert any(differs(*one.values) for one in ROWS)
