"""The soak is able to fail: each of these breaks the proof in one way, and is found out within some schedules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cancelall.core.attempts import Outcome
from cancelall.core.errors import TransportFault, Unreadable
from cancelall.core.model import Answer, ClientIds, Judgement, Page, Reply, Request, SignedRequest
from cancelall.engine import firing, listing, profile_sweep, sweep
from cancelall.engine import run as running
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.simulator import Kind
from cancelall.venues.contract import Segment
from cancelall.venues.registry import load
from support import altered
from tests.soak.plans import plan_of
from tests.soak.schedule import run
from tests.soak.truth import CLIENT_IDS
from tests.soak.virtual import Network

pytestmark = [pytest.mark.soak, pytest.mark.faults, pytest.mark.timeout(600)]

Break = Callable[[pytest.MonkeyPatch], None]


def reading(change: Callable[[Any, Any], tuple[Any, Any]]) -> Break:
    """Listings are read with another client or segment."""

    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        async def read(client: Any, segment: Any, *rest: Any, **more: Any) -> Any:
            return await listing.read_listing(*change(client, segment), *rest, **more)

        monkeypatch.setattr(sweep, "read_listing", read)

    return apply


class Credulous:
    """A client to which a page that could not be read is an empty one."""

    def __init__(self, client: Any) -> None:
        self.clock, self._client = client.clock, client

    async def ask(self, *args: Any, **kwargs: Any) -> Any:
        outcome = await self._client.ask(*args, **kwargs)
        return outcome if outcome.value is not None else Outcome(attempt=outcome.attempt, value=Page(orders=()))


def one_page(client: Any, segment: Any) -> tuple[Any, Any]:
    """The first page of the first pass stands for the whole listing."""

    def last_page(request: Any, reply: Any) -> Page:
        return replace(segment.page(request, reply), next=None, total=None)

    return client, altered(segment, listings=((segment.listings[0][0],),), page=last_page)


def one_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single empty listing is a proof."""
    monkeypatch.setattr(Ledger, "proven", property(lambda self: self.proof.first is not None))


def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a cancel's answer names is gone, whatever is listed."""
    left, targets = Ledger.left, firing._targets

    def untaken(ledger: Ledger, orders: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(order for order in orders if not (order.id in ledger.orders and ledger.orders[order.id].taken))

    monkeypatch.setattr(Ledger, "left", lambda self, listing: untaken(self, left(self, listing)))
    monkeypatch.setattr(firing, "_targets", lambda ledger, orders: untaken(ledger, targets(ledger, orders)))


def heedless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel under way, or since the first of two listings, does not matter."""
    real = Ledger.attempt_over

    def begins(self: Ledger, at: float) -> None:
        self.air.sent = True

    def over(self: Ledger, attempt: Any) -> None:
        real(self, attempt)
        self.air.in_flight, self.air.ended, self.air.began = 0, -math.inf, -math.inf

    monkeypatch.setattr(Ledger, "attempt_begins", begins)
    monkeypatch.setattr(Ledger, "attempt_over", over)


def each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancels of other segments do not matter."""
    monkeypatch.setattr(ProfileSweep, "stale", lambda self: [])


def any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing spawns anything: what triggers is read when it suits, and after what it turns into."""

    def made(**values: Any) -> Ledger:
        return Ledger(**{**values, "segment": altered(values["segment"], spawns=False)})

    def backwards(client: Any, segment: Any) -> tuple[Any, Any]:
        return client, altered(segment, listings=segment.listings[::-1])

    monkeypatch.setattr(profile_sweep, "Ledger", made)
    reading(backwards)(monkeypatch)


def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """No witness is read."""
    monkeypatch.setattr(Ledger, "witnesses", property(lambda self: ()))


def satisfied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is listed, it is a proof."""
    monkeypatch.setattr(Ledger, "proven", property(lambda self: True))


BREAKS: dict[str, Break] = {
    "one page is a listing": reading(one_page),
    "an unreadable listing is empty": reading(lambda client, segment: (Credulous(client), segment)),
    "one listing is a proof": one_listing,
    "an ack is a cancel": trusting,
    "cancels in the air do not matter": heedless,
    "cancels elsewhere do not matter": each_for_itself,
    "triggers in any order": any_order,
    "witnesses are not read": deaf,
    "anything is a proof": satisfied,
}
SIGNS = {"false clear": 300, "is clear, but the record does not show it": 60}
"""What a broken proof comes to, and within how many schedules: its record need not do harm to contradict it."""


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_proof_is_found_out(
    name: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """By what rests behind a `clear`, and by a second opinion on the record."""
    BREAKS[name](monkeypatch)
    missing = dict(SIGNS)
    for seed in range(max(SIGNS.values())):
        problems = run(plan_of(seed)).problems
        for sign in [one for one in missing if any(one in problem for problem in problems)]:
            record_property(sign, seed)
            del missing[sign]
        if not missing:
            return
        assert seed < min(missing.values()), f"nobody noticed: {name}, {missing}"


# --- policies around the proof --------------------------------------------------------------------------------------

# These break what stands before and behind the engine, and nothing in it: what a venue's module says of an answer or a
# page (`cancelall.run.load` gives the venue), and what its requests become on the way (`Network.send`).


def hasty_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Absent counts after one word of any request, whatever the others say or do not say, and is the end."""

    def absent(self: Ledger) -> Judgement | None:
        said = (record.said for record in (*self.cancels.values(), *self.passes.values()))
        words = [one.judgement for one in said if one is not None and one.answer is Answer.ABSENT]
        return self.__dict__.setdefault("hasty", words[0]) if words else self.__dict__.get("hasty")

    monkeypatch.setattr(Ledger, "absent", property(absent))
    monkeypatch.setattr(Ledger, "closed", property(lambda self: self.absent is not None))


def discouraged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused read ends the firing: after it no cancel of this profile leaves any more."""
    real = Network.send

    async def send(self: Network, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        refused = any(one.kind is not Kind.CANCEL and (one.status or 0) in (401, 403, 404, 405) for one in self.log)
        if refused and self.fake.classify(self._request(signed)) is Kind.CANCEL:
            raise TransportFault("nobody fires any more", sent="no")
        return await real(self, signed, until, sent)

    monkeypatch.setattr(Network, "send", send)


def squeamish(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad row hides its page: nothing of it is cancelled by name, and nothing behind it is read."""

    def broken(name: str) -> Any:
        venue = load(name)

        def hiding(segment: Segment) -> Segment:
            def page(request: Request, reply: Reply) -> Page:
                shown = segment.page(request, reply)
                if shown.unsure:
                    raise Unreadable(shown.unsure)
                return shown

            return altered(segment, page=page)

        return replace(venue, segments=lambda *args: tuple(map(hiding, venue.segments(*args))))

    monkeypatch.setattr(running, "load", broken)


POLICIES: dict[str, tuple[Break, frozenset[str], int]] = {
    "absent counts after one word": (hasty_absence, frozenset({"absent"}), 3000),
    "a refused read ends the firing": (discouraged, frozenset({"edge", "refused", "status"}), 3000),
    "a bad row hides its page": (squeamish, frozenset({"odd-row", "odd-way"}), 3000),
}
"""How a policy is broken, with which faults that can matter, and within how many schedules that comes out."""


@pytest.mark.parametrize("name", POLICIES)
def test_a_broken_policy_is_found_out(
    name: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """A schedule fails, and would not if the policy were whole."""
    apply, faults, most = POLICIES[name]
    for seed in range(most):
        plan = plan_of(seed)
        if not faults & plan.fault_names:
            continue
        with monkeypatch.context() as patch:
            apply(patch)
            broken = run(plan).problems
        if any(problem.startswith(("false clear", "left")) for problem in broken) and not run(plan).problems:
            record_property("found_by", seed)
            return
    pytest.fail(f"nobody noticed in {most} schedules: {name}")


# --- what client ids select -----------------------------------------------------------------------------------------


def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mass cancels go, whatever client ids select."""
    monkeypatch.setattr(Ledger, "keeps_some", property(lambda self: self.keep and self.segment.protective_kinds))


def one_sided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are to stay are forgotten."""
    real = ClientIds.selects
    monkeypatch.setattr(ClientIds, "selects", lambda self, *rest: real(replace(self, but=()), *rest))


def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose client id cannot be read is somebody else's."""
    real = ClientIds.selects
    monkeypatch.setattr(ClientIds, "selects", lambda self, *rest: real(self, *rest) or False)


SELECTIONS = {"cancelled, though not in scope": (unseen, one_sided), "false clear": (careless,)}


@pytest.mark.parametrize(("sign", "apply"), [(sign, one) for sign, some in SELECTIONS.items() for one in some])
def test_a_broken_selection_is_found_out(sign: str, apply: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what others have lost, or by what of mine rests on."""
    apply(monkeypatch)
    plans = (plan for plan in map(plan_of, range(2000)) if not plan.options.keys().isdisjoint(CLIENT_IDS))
    assert any(problem.startswith(sign) for plan in plans for problem in run(plan).problems)
