"""Verdicts that are recomputed from a record: what shows `clear`, and what does not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.cli import journal
from cancelall.core.model import Verdict
from cancelall.journal.verdict import ProfileOpinion, opinions, recompute
from cancelall.journal.writer import Journal

GAP = 1.0
"""Seconds between the two empty listings of a proof."""
FEED, MAIN, PRODUCT = "triggers", "orders", "options"
"""What turns into orders of another segment; that one; and a third, which is there only where a row says so."""
FEED_MASS, MAIN_MASS, PRODUCT_MASS = 10, 20, 40
FEED_PASS, MAIN_STAGES, PRODUCT_PASS = 11, ((21,), (22, 23)), 41
CANCEL_WITNESS, READ_WITNESS = 30, 31
NAMED = 50
"""Numbers of requests."""


def ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)


class Tape:
    """The record of a run, which may be edited before it is numbered."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = [{"event": "run_start"}]
        self._attempts = itertools.count(1)
        self.basis: dict[str, Any] = {
            "decided": ns(1.9),
            "gap": GAP,
            "segments": {
                FEED: segment([FEED_MASS], [[FEED_PASS]], spawns=True),
                MAIN: segment(
                    [MAIN_MASS],
                    [list(stage) for stage in MAIN_STAGES],
                    witnesses=[witness(CANCEL_WITNESS, changes=True), witness(READ_WITNESS)],
                ),
            },
        }
        self.recorded = "clear"

    def send(
        self, about: str, request: int, began: float, ended: float | None, says: str = "accepted", **more: Any
    ) -> None:
        """One attempt; without an end it is in flight, `says` may be a fault."""
        number = next(self._attempts)
        profile = more.pop("profile", "main")
        start = {"event": "attempt_start", "a": number, "profile": profile, "segment": about, "request": request}
        start |= {"changes": more.pop("changes", False), "host": "https://host"}
        if "witness" in more:
            start["witness"] = True
        self.events.append(start)
        if ended is not None:
            judged = says not in ("timeout", "abandoned")
            status = {"http": 200} if judged else {}
            end = {"event": "attempt_end", "a": number, "profile": profile, "class": says, **status, "answered": judged}
            self.events.append({**end, "began": ns(began), "ended": ns(ended), **more})

    def cancel(
        self, about: str, request: int, began: float, ended: float | None, says: str = "accepted", **more: Any
    ) -> None:
        self.send(about, request, began, ended, says, changes=True, **more)

    def witness(self, request: int, began: float, ended: float, word: str, says: str = "accepted", **more: Any) -> None:
        self.send(MAIN, request, began, ended, says, witness=word, **more)

    def listing(self, about: str, began: float, ended: float, ids: Sequence[str] = (), **more: Any) -> None:
        """A listing whose pages are read one stage after the other."""
        stages = {FEED: ((FEED_PASS,),), MAIN: MAIN_STAGES, PRODUCT: ((PRODUCT_PASS,),)}[about]
        share = (ended - began) / len(stages)
        for number, stage in enumerate(stages):
            for request in stage:
                self.send(about, request, began + number * share, began + (number + 1) * share)
        told = {"event": "list", "profile": "main", "segment": about, "complete": True, "began": ns(began)}
        told |= {"ended": ns(ended), "passes": [list(stage) for stage in stages], "count": len(ids), "ids": list(ids)}
        self.events.append({**told, "left": len(ids), **more})

    def all(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Events with these fields, in their order."""
        return [
            one
            for one in self.events
            if one["event"] == event and all(one.get(name) == value for name, value in fields.items())
        ]

    def end(self, request: int, number: int = 0) -> dict[str, Any]:
        """The end of an attempt at a request."""
        a = self.all("attempt_start", request=request)[number]["a"]
        return self.all("attempt_end", a=a)[0]

    def drop(self, *gone: Mapping[str, Any]) -> None:
        self.events = [one for one in self.events if not any(one is other for other in gone)]

    def records(self) -> list[Mapping[str, Any]]:
        verdict = {"event": "verdict", "profile": "main", "verdict": self.recorded, "basis": self.basis}
        events = [*self.events, verdict, {"event": "run_end"}]
        return [{"run": "one", "seq": number, **json.loads(json.dumps(one))} for number, one in enumerate(events)]

    def opinion(self) -> ProfileOpinion:
        (found,) = recompute(self.records())
        return found


def segment(blind: Sequence[int], passes: Sequence[Sequence[int]], **more: Any) -> dict[str, Any]:
    defaults = {"mass": [], "witnesses": [], "spawns": False, "protective_kinds": True, "contradictions": 0}
    return {"blind": list(blind), "passes": passes, **defaults, **more}


def witness(request: int, **more: bool) -> dict[str, Any]:
    return {"request": request, **dict.fromkeys(("changes", "harmless", "optional", "signature"), False), **more}


def proof() -> Tape:
    """Both mass cancels, two empty listings of each segment, and both witnesses."""
    tape = Tape()
    tape.cancel(FEED, FEED_MASS, 0.0, 0.2)
    tape.cancel(MAIN, MAIN_MASS, 0.0, 0.25)
    tape.listing(FEED, 0.3, 0.4)
    tape.listing(MAIN, 0.3, 0.5)
    tape.witness(CANCEL_WITNESS, 0.5, 0.6, "agrees", "nothing open", changes=True)
    tape.listing(FEED, 1.5, 1.6)
    tape.witness(READ_WITNESS, 1.7, 1.75, "agrees")
    tape.listing(MAIN, 1.7, 1.8)
    return tape


Edit = Callable[[Tape], object]


def edited(which: Callable[[Tape], dict[str, Any]], **fields: Any) -> Edit:
    """One event, or a part of the basis, has other values."""
    return lambda tape: which(tape).update(fields)


def last(about: str) -> Callable[[Tape], dict[str, Any]]:
    return lambda tape: tape.all("list", segment=about)[-1]


def first(about: str) -> Callable[[Tape], dict[str, Any]]:
    return lambda tape: tape.all("list", segment=about)[0]


def end_of(request: int, number: int = 0) -> Callable[[Tape], dict[str, Any]]:
    return lambda tape: tape.end(request, number)


def basis_of(about: str) -> Callable[[Tape], dict[str, Any]]:
    return lambda tape: tape.basis["segments"][about]


def the_basis(tape: Tape) -> dict[str, Any]:
    return tape.basis


def then(*edits: Edit) -> Edit:
    return lambda tape: [edit(tape) for edit in edits]


def before_all(*edits: Edit) -> Edit:
    """The same right after the two mass cancels."""

    def add(tape: Tape) -> None:
        rest, tape.events = tape.events[5:], tape.events[:5]
        then(*edits)(tape)
        tape.events += rest

    return add


def cancel(*args: Any, **more: Any) -> Edit:
    """One more cancel, of which is known after all else."""
    return lambda tape: tape.cancel(*args, **more)


def without(request: int) -> Edit:
    """Nothing was sent to a witness."""
    return lambda tape: tape.drop(tape.end(request), *tape.all("attempt_start", request=request))


def of_reads(**fields: bool) -> Edit:
    """The witness that reads is of another kind."""
    return lambda tape: basis_of(MAIN)(tape)["witnesses"][1].update(fields)


ABSENT_TWICE = [(request, at, "absent") for at in (0.1, 1.2) for request in (40, 41)]


def a_product(says: Sequence[tuple[int, float, str]]) -> Edit:
    """A third segment, and what the venue says to its mass cancel (40) and its listing (41), and when."""

    def add(tape: Tape) -> None:
        tape.basis["segments"][PRODUCT] = segment([PRODUCT_MASS], [[PRODUCT_PASS]])
        for request, at, word in says:
            tape.send(PRODUCT, request, at, at + 0.01, word, changes=request == PRODUCT_MASS)

    return add


def once_more(tape: Tape, since: float) -> None:
    """Both segments are read twice more, with their witnesses."""
    tape.listing(FEED, since, since + 0.1)
    tape.listing(MAIN, since, since + 0.1)
    tape.witness(CANCEL_WITNESS, since + 0.2, since + 0.3, "agrees", "nothing open", changes=True)
    tape.listing(FEED, since + 1.2, since + 1.3)
    tape.witness(READ_WITNESS, since + 1.4, since + 1.5, "agrees")
    tape.listing(MAIN, since + 1.4, since + 1.5)
    tape.basis["decided"] = ns(since + 1.6)


def hold(ends: float, *, cut: bool) -> Edit:
    def add(tape: Tape) -> None:
        tape.events.append({"event": "hold_start", "profile": "main", "seconds": 1, "ends": ns(ends)})
        tape.events.extend([{"event": "signal", "name": "SIGINT"}] if cut else [])

    return add


def took_nothing(tape: Tape) -> None:
    """The witness that is a cancel takes nothing twice, a gap apart, and says so not in words."""
    tape.end(CANCEL_WITNESS).update({"class": "accepted", "witness": "took nothing"})
    tape.witness(CANCEL_WITNESS, 1.81, 1.85, "took nothing", changes=True)
    tape.listing(FEED, 2.9, 3.0)
    tape.listing(MAIN, 3.0, 3.1)
    tape.basis["decided"] = ns(3.2)


def of_another_profile(says: str, **more: Any) -> Edit:
    return lambda tape: tape.send("x", 1, 1.81, 1.82, says, profile="other", **more)


REFUSED = {"reach": "this product"}
A_CALL = {"reach": "this call"}
A_KEY = {"reach": "every request with this key"}
AN_ADDRESS = {"reach": "every request from this address"}

CLEAR: Mapping[str, Edit] = {
    "the whole proof": lambda tape: None,
    "orders that are kept": then(*(edited(last(one), count=2, ids=["a", "b"], left=0) for one in (FEED, MAIN))),
    "a mass cancel that is refused as a call, in whose place others go by name": then(
        edited(end_of(MAIN_MASS), **{"class": "refused", **A_CALL}),
        cancel(MAIN, NAMED, 0.3, 0.4),
        cancel(MAIN, MAIN_MASS, 1.9, 1.95, "refused", **A_CALL),
        lambda tape: once_more(tape, 2.0),
    ),
    "a cancel by name that is refused": cancel(MAIN, NAMED, 0.1, 0.2, "refused", **A_CALL),
    "a read of the account as it was listed before, still under way": before_all(
        lambda tape: tape.send(MAIN, 99, 0.3, 0.35, "absent")
    ),
    "a witness that need not answer": then(of_reads(optional=True), edited(end_of(READ_WITNESS), witness="is silent")),
    "a witness that need not answer and was not sent": then(of_reads(optional=True), without(READ_WITNESS)),
    "a witness of the key that an accepted cancel makes needless": then(
        of_reads(signature=True), without(READ_WITNESS)
    ),
    "a witness that took nothing, twice": took_nothing,
    "a product that the account lacks": a_product(ABSENT_TWICE),
    "a key that was refused before something was accepted": then(
        edited(end_of(FEED_MASS), **{"class": "refused", **A_KEY}), cancel(FEED, FEED_MASS, 0.2, 0.25, proves_key=True)
    ),
    "an address that was blocked until another profile was answered": then(
        of_another_profile("a gateway's word", **AN_ADDRESS), of_another_profile("accepted")
    ),
    "a segment that the account has turned out not to have": then(
        cancel("plans", NAMED, 0.1, 1.7, "timeout"), cancel("plans", NAMED, 1.75, 1.78, "absent")
    ),
    "a refusal after the verdict": lambda tape: tape.send("", 60, 1.95, 1.99, "refused", **A_KEY),
    "a read at the very moment of the verdict": lambda tape: tape.send(MAIN, 60, 1.8, 1.8, "ambiguous"),
    "a read that nobody waited for": lambda tape: tape.send(MAIN, 21, 1.85, 1.9, "abandoned"),
    "a cancel elsewhere a gap before the last listing": then(
        cancel(FEED, FEED_MASS, 1.9, 1.95),
        lambda tape: tape.listing(FEED, 2.0, 2.1),
        lambda tape: tape.listing(FEED, 3.1, 3.2),
        lambda tape: tape.listing(MAIN, 3.2, 3.3),
        edited(the_basis, decided=ns(3.4)),
    ),
    "a venue that is no longer halted": then(
        edited(end_of(MAIN_MASS), suspended=True), cancel(MAIN, MAIN_MASS, 0.1, 0.2, "nothing open")
    ),
    "a hold that is proven at its end": then(hold(3.0, cut=False), lambda tape: once_more(tape, 3.1)),
    "a hold that a signal cut": hold(9.0, cut=True),
    "a page that was answered at the second try": then(
        lambda tape: tape.drop(last(FEED)(tape), tape.end(FEED_PASS, 1)),
        lambda tape: tape.drop(tape.all("attempt_start", request=FEED_PASS)[1]),
        lambda tape: tape.send(FEED, FEED_PASS, 1.5, 1.51, "timeout"),
        lambda tape: tape.listing(FEED, 1.5, 1.6),
    ),
    "a witness that is silent at the time of a listing that was not read to its end": lambda tape: tape.witness(
        READ_WITNESS, 1.82, 1.85, "is silent", "timeout"
    ),
    "a dry run that shows nothing": then(
        edited(the_basis, reads_only=True), lambda tape: tape.drop(first(FEED)(tape), first(MAIN)(tape))
    ),
    "orders selected by their client ids, without a witness that would cancel others": then(
        edited(the_basis, by_name=True), without(CANCEL_WITNESS)
    ),
    "keeping protective orders, without a witness that would cancel them": then(
        edited(the_basis, keep=True), without(CANCEL_WITNESS)
    ),
}

UNPROVEN: Mapping[str, tuple[Edit, str]] = {
    "one listing": (lambda tape: tape.drop(first(FEED)(tape)), "no two complete empty listings"),
    "no listing": (lambda tape: tape.drop(*tape.all("list")), "no two complete empty listings"),
    "two that are too near to each other": (edited(first(FEED), ended=ns(0.6)), "no two complete"),
    "one that is incomplete": (edited(last(MAIN), complete=False), "no two complete"),
    "one that was superseded": (edited(first(MAIN), complete=False, superseded=True), "no two complete"),
    "an older answer of the venue": (
        then(edited(first(MAIN), serial=9), edited(last(MAIN), serial=8)),
        "no two complete",
    ),
    "a page that was refused": (edited(end_of(23, 1), **{"class": "refused"}), "refuses a cancel or a listing"),
    "a page without an answer": (edited(end_of(23, 1), **{"class": "timeout", "answered": False}), "no two complete"),
    "a page that was never requested": (
        lambda tape: tape.drop(tape.end(22, 1), tape.all("attempt_start", request=22)[1]),
        "no two complete",
    ),
    "a page of another time": (edited(end_of(22, 1), began=ns(1.0), ended=ns(1.1)), "no two complete"),
    "ordinary orders before those that turn into them": (edited(end_of(22, 1), began=ns(1.71)), "no two complete"),
    "listings that are not those of the segment": (edited(basis_of(FEED), passes=[[12]]), "no two complete"),
    "a listing in another way between two": (
        then(
            lambda tape: tape.drop(last(FEED)(tape)),
            lambda tape: tape.listing(FEED, 0.7, 0.8),
            lambda tape: tape.send(FEED, 12, 0.7, 0.8),
            edited(last(FEED), passes=[[12]]),
            lambda tape: tape.listing(FEED, 1.5, 1.6),
        ),
        "no two complete",
    ),
    "orders that were listed before a cancel was answered": (
        then(lambda tape: tape.drop(*tape.all("list", segment=MAIN)), lambda tape: tape.listing(MAIN, 0.1, 0.2, ["a"])),
        "no two complete",
    ),
    "an order that was there, then not, then there": (
        before_all(
            lambda tape: tape.listing(MAIN, 0.26, 0.27, ["a"]),
            lambda tape: tape.listing(MAIN, 0.27, 0.28),
            lambda tape: tape.listing(MAIN, 0.28, 0.29, ["a"]),
        ),
        "no two complete",
    ),
    "a contradiction of which the record says": (edited(basis_of(MAIN), contradictions=1), "no two complete"),
    "more contradictions than there can be": (edited(basis_of(MAIN), contradictions=10**15), "no two complete"),
    "a cancel in flight": (cancel(MAIN, MAIN_MASS, 1.0, None), "nothing is known of the end of a cancel"),
    "a cancel that was abandoned": (cancel(MAIN, NAMED, 1.0, 1.0, "abandoned"), "nothing is known of the end"),
    "a cancel over the first listing": (edited(end_of(MAIN_MASS), ended=ns(0.31)), "no two complete"),
    "a cancel between": (cancel(MAIN, NAMED, 0.7, 0.8), "no two complete"),
    "a cancel without an answer between": (cancel(MAIN, NAMED, 0.7, 0.8, "timeout"), "no two complete"),
    "a cancel after both": (cancel(MAIN, NAMED, 1.82, 1.85), "no two complete"),
    "a cancel elsewhere, less than a gap before the last": (
        then(
            lambda tape: tape.drop(last(FEED)(tape)),
            cancel(FEED, FEED_MASS, 1.0, 1.1),
            lambda tape: tape.listing(FEED, 1.2, 1.3),
            lambda tape: tape.listing(FEED, 2.4, 2.5),
            edited(the_basis, decided=ns(2.6)),
        ),
        "read too early for the last cancel of another one",
    ),
    "a cancel of a segment that is not there any more": (cancel("plans", NAMED, 1.0, 1.1), "read too early"),
    "orders read before what turns into them": (edited(last(FEED), ended=ns(1.71)), "before those whose orders turn"),
    "a witness that was not sent": (without(READ_WITNESS), "witness"),
    "a witness that was sent before the first listing": (
        edited(end_of(CANCEL_WITNESS), began=ns(0.1), ended=ns(0.2)),
        "witness",
    ),
    "a witness that is silent": (edited(end_of(CANCEL_WITNESS), witness="is silent"), "witness"),
    "a witness that is silent at last": (
        lambda tape: tape.witness(CANCEL_WITNESS, 1.85, 1.9, "is silent", "nothing open", changes=True),
        "witness",
    ),
    "a witness that took nothing, once": (
        edited(end_of(CANCEL_WITNESS), **{"class": "nothing open", "witness": "took nothing"}),
        "witness",
    ),
    "a witness that objects": (edited(end_of(READ_WITNESS), witness="objects"), "no two complete"),
    "a witness that objects in the very moment of a listing": (
        lambda tape: tape.witness(CANCEL_WITNESS, 1.7, 1.7, "objects", changes=True),
        "no two complete",
    ),
    "a witness that need not answer and objects": (
        then(of_reads(optional=True), edited(end_of(READ_WITNESS), witness="objects")),
        "no two complete",
    ),
    "a witness that may have cancelled, just before": (
        lambda tape: tape.witness(CANCEL_WITNESS, 1.81, 1.85, "agrees", changes=True),
        "read too early",
    ),
    "a mass cancel that is refused": (edited(end_of(MAIN_MASS), **{"class": "refused", **REFUSED}), "refuses a cancel"),
    "one that is refused as a call, and nothing in its place": (
        edited(end_of(MAIN_MASS), **{"class": "refused", **A_CALL}),
        "refuses a cancel",
    ),
    "a mass cancel for a part that is refused": (
        then(
            lambda tape: basis_of(MAIN)(tape).update(mass=[NAMED]), cancel(MAIN, NAMED, 0.1, 0.2, "refused", **REFUSED)
        ),
        "refuses a cancel",
    ),
    "a product that is absent, said once": (edited(end_of(MAIN_MASS), **{"class": "absent"}), "came once"),
    "a product whose listing says that it is there": (
        a_product([(40, 0.1, "absent"), (40, 1.2, "absent"), (41, 1.2, "accepted")]),
        "options: ",
    ),
    "a product that is absent, said in one moment": (
        a_product([(40, 1.1, "absent"), (41, 1.1, "absent"), (40, 1.2, "absent"), (41, 1.2, "absent")]),
        "options: ",
    ),
    "a product that is absent, and then does not answer": (
        a_product(
            [(r, at, says) for at, says in ((0.1, "absent"), (1.2, "absent"), (1.3, "timeout")) for r in (40, 41)]
        ),
        "options: ",
    ),
    "a key that is refused": (cancel(MAIN, NAMED, 0.1, 0.2, "refused", **A_KEY), "refuses the key"),
    "a key that was good before": (
        then(edited(end_of(FEED_MASS), proves_key=True), cancel(MAIN, NAMED, 0.21, 0.22, "refused", **A_KEY)),
        "refuses the key",
    ),
    "a certificate that is wrong": (cancel(MAIN, NAMED, 0.1, 0.2, "timeout", incurable=True), "cannot be spoken to"),
    "an address that is blocked": (of_another_profile("a gateway's word", **AN_ADDRESS), "refuses this address"),
    "a venue that is halted": (edited(end_of(MAIN_MASS), suspended=True), "halted"),
    "a discovery that is not over": (edited(the_basis, pending=["markets"]), "not read: markets"),
    "a selector that nobody knows": (edited(the_basis, doubts=["there is no symbol X"]), "there is no symbol X"),
    "a bug": (edited(the_basis, bug=True), "bug"),
    "no segment": (edited(the_basis, segments={}), "no segment"),
    "only segments that the account lacks": (
        then(edited(the_basis, segments={}), a_product(ABSENT_TWICE)),
        "no segment",
    ),
    "a hold that is proven by what was read before its end": (hold(9.0, cut=False), "no two complete"),
    "a dry run that reads to no end": (
        then(edited(the_basis, reads_only=True), edited(last(MAIN), complete=False)),
        "not complete",
    ),
}

OPEN: Mapping[str, Edit] = {
    "orders in the last listing": edited(last(MAIN), count=1, ids=["a"], left=1),
    "orders in one that was cut off": edited(last(MAIN), count=1, ids=["a"], left=1, complete=False),
    "orders that were listed before the only word of the venue on them, that it knows no such key": then(
        lambda tape: tape.events.clear(),
        lambda tape: tape.events.append({"event": "run_start"}),
        lambda tape: tape.listing(MAIN, 0.0, 0.1, ids=["a"], count=1, left=1),
        cancel(MAIN, NAMED, 0.1, 0.2, "refused", **A_KEY),
        edited(basis_of(MAIN), keyless=True),
    ),
    "orders in a dry run": then(edited(the_basis, reads_only=True), edited(last(MAIN), count=1, ids=["a"], left=1)),
}

UNKNOWN: Mapping[str, tuple[Edit, str]] = {
    "a version that did not keep what it rests on": (lambda tape: setattr(tape, "basis", None), "cannot be read"),
    "requests without numbers": (lambda tape: [one.pop("request", None) for one in tape.events], "without what"),
    "answers without times": (lambda tape: [one.pop("began", None) for one in tape.all("attempt_end")], "without what"),
    "listings without times": (lambda tape: [one.pop("began", None) for one in tape.all("list")], "cannot be read"),
    "a gap that is no number": (edited(the_basis, gap="x"), "cannot be read"),
    "a gap that is not": (edited(the_basis, gap=float("inf")), "cannot be read"),
    "times that are none": (edited(last(MAIN), began="yesterday"), "cannot be read"),
    "an attempt that ends twice": (lambda tape: tape.events.append(tape.events[-2]), "cannot be read"),
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_shows_clear(name: str) -> None:
    tape = proof()
    CLEAR[name](tape)
    found = tape.opinion()
    assert (found.verdict, found.why) == (Verdict.CLEAR, "")
    assert (found.contradicted, found.differs) == (False, False)


@pytest.mark.parametrize("name", UNPROVEN)
def test_what_does_not(name: str) -> None:
    tape = proof()
    edit, why = UNPROVEN[name]
    edit(tape)
    found = tape.opinion()
    assert (found.verdict, found.contradicted) == (Verdict.UNPROVEN, True)
    assert why in found.why


@pytest.mark.parametrize(("keyless", "more"), [(False, "refused"), (True, "accepted")])
def test_what_a_refused_key_leaves_open(keyless: bool, more: str) -> None:
    """A listing that needs the key, or that a cancel has followed which was accepted, is of the past."""
    tape = proof()
    tape.events = tape.events[:1]
    tape.listing(MAIN, 0.0, 0.1, ids=["a"], count=1, left=1)
    tape.cancel(MAIN, NAMED, 0.1, 0.15, more)
    tape.cancel(MAIN, NAMED, 0.1, 0.2, "refused", **A_KEY)
    tape.basis["segments"][MAIN]["keyless"] = keyless
    assert tape.opinion().verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("name", OPEN)
def test_what_shows_open_orders(name: str) -> None:
    tape = proof()
    OPEN[name](tape)
    found = tape.opinion()
    assert (found.verdict, found.contradicted, found.why) == (Verdict.OPEN, True, "orders: 1 order(s) are listed")
    tape.recorded = "open"
    assert (tape.opinion().contradicted, tape.opinion().differs) == (False, False)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_recomputed(name: str) -> None:
    tape = proof()
    edit, why = UNKNOWN[name]
    edit(tape)
    found = tape.opinion()
    assert (found.verdict, found.contradicted, found.differs) == (None, False, False)
    assert why in found.why


def test_a_profile_that_sent_nothing_shows_nothing() -> None:
    bare = [
        {"seq": 0, "event": "run_start"},
        {"seq": 1, "event": "verdict", "profile": "main", "verdict": "unconfigured"},
    ]
    (found,) = recompute(bare)
    assert (found.verdict, found.why, found.differs) == (Verdict.UNPROVEN, "nothing was sent", False)


def test_a_better_verdict_than_was_told_is_a_difference() -> None:
    tape = proof()
    tape.recorded = "unproven"
    found = tape.opinion()
    assert (found.verdict, found.contradicted, found.differs) == (Verdict.CLEAR, False, True)


# --- whatever happens to a proof ------------------------------------------------------------------------------------

MOMENTS = st.integers(300_000, 1_899_999).map(lambda micros: micros / 1_000_000)
"""From the beginning of the first listing to the verdict."""


def verdict_of(tape: Tape) -> Verdict | None:
    return tape.opinion().verdict


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_proof_survives_the_loss_of_a_listing(data: st.DataObject) -> None:
    """Dropped, incomplete, with an order, too near to the other one, or with a page that says something else."""
    tape = proof()
    about = data.draw(st.sampled_from([FEED, MAIN]))
    pair = tape.all("list", segment=about)
    one = data.draw(st.sampled_from(pair))
    what = data.draw(st.sampled_from(["dropped", "incomplete", "an order", "near", "a page", "a page is missing"]))
    if what == "dropped":
        tape.drop(one)
    elif what == "incomplete":
        one["complete"] = False
    elif what == "an order":
        one |= {"count": 1, "ids": ["a"], "left": 1}
    elif what == "near":
        apart = data.draw(st.integers(0, ns(GAP) - 1_001))
        if data.draw(st.booleans()):
            pair[0]["ended"] = pair[1]["began"] - apart
        else:
            pair[1]["began"] = pair[0]["ended"] + apart
    else:
        inside = [
            end
            for end in tape.all("attempt_end")
            if one["began"] <= end["began"] and end["ended"] <= one["ended"] and "witness" not in end
            if any(start["segment"] == about for start in tape.all("attempt_start", a=end["a"]))
        ]
        page = data.draw(st.sampled_from(inside))
        if what == "a page":
            answers = ["refused", "absent", "ambiguous", "timeout", "abandoned", "try again", "a gateway's word"]
            page["class"] = data.draw(st.sampled_from(answers))
        else:
            tape.drop(page, *tape.all("attempt_start", a=page["a"]))
    assert verdict_of(tape) not in (Verdict.CLEAR, None)


@settings(max_examples=300, deadline=None)
@given(
    about=st.sampled_from([FEED, MAIN]),
    request=st.sampled_from([FEED_MASS, MAIN_MASS, NAMED]),
    times=st.tuples(MOMENTS, MOMENTS).map(sorted),
    says=st.sampled_from(["accepted", "nothing open", "timeout", "refused", "ambiguous", "abandoned", "no end"]),
    whole=st.booleans(),
)
def test_no_proof_survives_a_cancel(about: str, request: int, times: list[float], says: str, whole: bool) -> None:
    """Of whichever segment, whenever it was over, and whatever came of it."""
    tape = proof()
    if whole:
        basis_of(about)(tape).update(mass=[request])
    tape.cancel(about, request, times[0], None if says == "no end" else times[1] + 0.000_002, says)
    assert verdict_of(tape) is Verdict.UNPROVEN


@settings(max_examples=100, deadline=None)
@given(number=st.integers(1, len(proof().events) - 1))
def test_no_proof_survives_a_hole(number: int) -> None:
    """Of a record in which an event is missing nothing can be said; without a trace of it, it is no proof."""
    records = proof().records()
    (found,) = recompute([*records[:number], *records[number + 1 :]])
    assert (found.verdict, found.why) == (None, "events of the run are missing")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), value=JSON)
def test_any_value_in_a_record_can_be_read(data: st.DataObject, value: Any) -> None:
    records: list[Any] = proof().records()
    place = data.draw(st.sampled_from([one for one in records if one["event"] != "run_start"]))
    where = place
    if place["event"] == "verdict" and data.draw(st.booleans()):
        where = place["basis"]
        if data.draw(st.booleans()):
            where = where["segments"][data.draw(st.sampled_from([FEED, MAIN]))]
    name = data.draw(st.sampled_from([key for key in where if key not in ("seq", "run", "event")] or ["more"]))
    where[name] = value
    recompute(records)
    list(opinions(records))


@settings(max_examples=50, deadline=None)
@given(order=st.permutations([0] * 20 + [1] * 20), runs_on=st.booleans())
def test_runs_may_stand_between_each_other(order: list[int], runs_on: bool) -> None:
    lost = proof()
    lost.drop(last(FEED)(lost))
    told = [[{**one, "run": name} for one in tape.records()] for name, tape in (("one", proof()), ("two", lost))]
    left = [list(one)[: -1 if runs_on else None] for one in told]
    mixed = [left[number].pop(0) for number in order if left[number]]
    found = dict(opinions([*mixed, *left[0], *left[1]]))
    assert {run: one.verdict for run, one in found.items()} == {"one": Verdict.CLEAR, "two": Verdict.UNPROVEN}


# --- the command ----------------------------------------------------------------------------------------------------


def verified(folder: Path, tape: Tape) -> tuple[int, list[str]]:
    """Exit status and lines of `journal verify` for a journal with this run."""
    made = Journal([folder / "cancelall"], "one")
    made.begin({})
    for record in tape.records()[1:]:
        made.write(record["event"], {key: value for key, value in record.items() if key not in ("run", "seq", "event")})
    made.close(5)
    said, status = journal.check({"XDG_STATE_HOME": str(folder)})
    return int(status), [line.removeprefix(f"{folder / 'cancelall'}: ") for line in said.splitlines()]


def test_verify_recomputes_verdicts(tmp_path: Path) -> None:
    code, said = verified(tmp_path, proof())
    assert (code, said[2]) == (0, "1 verdict(s) recomputed from the record")


def test_verify_finds_a_clear_that_the_record_does_not_show(tmp_path: Path) -> None:
    tape = proof()
    tape.drop(last(FEED)(tape))
    code, said = verified(tmp_path, tape)
    why = "there are no two complete empty listings, a proof gap apart, after its last cancel"
    told = "run one, main: it was told to be clear, which the record does not show"
    assert (code, said[2:4]) == (11, [f"{told}: triggers: {why}", "1 verdict(s) recomputed from the record"])


def test_verify_tells_what_else_differs(tmp_path: Path) -> None:
    tape = proof()
    tape.recorded = "open"
    code, said = verified(tmp_path, tape)
    assert (code, said[2]) == (0, "note: run one, main: it was told to be open; the record shows clear")


def test_verify_tells_what_cannot_be_recomputed(tmp_path: Path) -> None:
    tape = proof()
    tape.events = [{key: value for key, value in one.items() if key != "request"} for one in tape.events]
    code, said = verified(tmp_path, tape)
    assert code == 0
    assert said[2] == "0 verdict(s) recomputed from the record"
    assert said[3] == "1 verdict(s) cannot be recomputed: its requests were written without what it rests on"
