"""Many profiles at once: who goes first under a shared limit, and that nobody's trouble is another's. Virtual time."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.model import Acknowledgement, Verdict
from cancelall.core.profile import Overrides, Profile
from cancelall.core.secret import Secret
from cancelall.engine import firing, shared_limits
from cancelall.engine.ledger import Ledger
from cancelall.simulator import Kind, create
from cancelall.venues.registry import load, schema
from fleet import Fleet, Host, fill

ONE, OTHER = "http://127.0.0.1:1", "http://127.0.0.1:2"
USDT = {"settle_coin": "USDT"}


@pytest.mark.faults
def test_under_the_limit_of_the_address_every_mass_cancel_goes_before_any_listing() -> None:
    """650 accounts, and Bybit takes 600 requests in five seconds: fifty cancels wait, and every listing behind them."""
    fleet = Fleet("bybit")
    host = fleet.host(ONE, 650, **USDT)
    fleet.kill(deadline=5.8)
    kinds = host.kinds()
    assert kinds[:650] == [Kind.CANCEL] * 650
    assert Kind.LISTING in kinds[650:]
    assert host.log[649].at - host.log[0].at == pytest.approx(5.1, abs=0.01)
    assert {sent.status for sent in host.log if sent.status is not None} == {200}, "the venue never had to block us"


def test_many_profiles_are_all_cleared() -> None:
    fleet = Fleet("bybit", scale=0.1)
    host = fleet.host(ONE, 100, limits=False, **USDT)
    reports = fleet.kill()
    assert Counter(report.verdict for report in reports) == {Verdict.CLEAR: 100}
    assert host.fake.open_orders() == []
    assert host.kinds()[:100] == [Kind.CANCEL] * 100


def test_a_dead_host_delays_nobody_else() -> None:
    """Nine of ten profiles hang: the others are as fast as alone."""
    alone = Fleet("bybit")
    alone.host(ONE, 20, **USDT)
    fastest = [report.timing for report in alone.kill()]
    fleet = Fleet("bybit")
    fleet.host(OTHER, 180, dead=True, **USDT)
    fleet.host(ONE, 20, **USDT)
    reports = fleet.kill(deadline=10.0)
    assert [report.timing for report in reports[180:]] == fastest
    assert {report.verdict for report in reports[180:]} == {Verdict.CLEAR}
    assert Verdict.CLEAR not in {report.verdict for report in reports[:180]}


def test_what_was_never_sent_is_unproven_and_says_so() -> None:
    fleet = Fleet("bybit")
    fleet.host(OTHER, 100, dead=True, **USDT)
    reports = fleet.kill(deadline=1.5)
    tried = [report for report in reports if report.requests]
    never = [report for report in reports if not report.requests]
    assert shared_limits.AT_ONCE <= len(tried) < 100
    assert {report.verdict for report in tried} == {Verdict.UNREACHABLE}
    assert {report.verdict for report in never} == {Verdict.UNPROVEN}
    for report in never:
        assert report.error is not None
        assert "nothing was sent before the deadline" in report.error.message
        assert report.segments[0].detail == "nothing was sent"


def test_a_block_of_the_address_stops_all_reads_and_leaves_each_profile_its_cancel() -> None:
    """The venue's own word; a gateway's page ends nothing."""
    fleet = Fleet("bybit")
    host = fleet.host(ONE, 100, **USDT)
    host.fake.set_faults(["refused=host"])
    reports = fleet.kill(deadline=20.0)
    assert Counter(report.verdict for report in reports) == {Verdict.REFUSED: 100}
    assert len(host.log) <= 300, "each cancel has its own answer, twice at most, and no read goes on"
    assert fleet.loop.time() < 1010.0
    assert all(report.error is not None and report.error.kind == "ip" for report in reports)


# --- one account with more than one call takes ----------------------------------------------------------------------


ORDERS = 5000
CAP = 500
"""What one cancel-all of futures takes: https://bybit-exchange.github.io/docs/v5/order/cancel-all"""
ROUND_TRIP = 0.2


def futures(fleet: Fleet, orders: int) -> Host:
    """One account with so many ordinary orders on some symbols."""
    host = fleet.host(ONE, 1, orders=0, **USDT)
    (account,) = host.fake.accounts.values()
    stock = create("bybit", orders=300, seed=3).open_orders()
    known = [order for order in stock if order.segment == "linear" and order.symbol.endswith("USDT")]
    like = next(order for order in known if order.kind in ("", "Order", "UNKNOWN"))
    fill(host.fake, account, orders, like, sorted({order.symbol for order in known}))
    return host


def test_five_thousand_orders_take_the_rounds_and_the_time_that_the_limit_forces() -> None:
    """Ten calls are needed, and an eleventh to learn that there is nothing more. The limit allows ten in a second."""
    fleet = Fleet("bybit", latency=ROUND_TRIP)
    host = futures(fleet, ORDERS)
    (report,) = fleet.kill(deadline=60.0)

    per_second = load("bybit").limits["cancel-all futures"].count
    calls = math.ceil(ORDERS / CAP) + 1
    gap = load("bybit").proof_gap
    listings = 2 * 2 * ROUND_TRIP  # two of them, each of two passes
    forced = (calls - 1) // per_second * 1.0 + 1.25 * ROUND_TRIP + listings + gap
    mass = [sent for sent in host.log if sent.kind is Kind.CANCEL]
    assert report.verdict is Verdict.CLEAR
    assert host.fake.open_orders() == []
    assert len(mass) <= 1.2 * calls
    assert report.timing.verdict is not None
    assert report.timing.verdict / 1000 <= 1.2 * forced
    print(f"{len(mass)} calls ({calls} forced), {report.timing.verdict / 1000:.2f} s ({forced:.2f} s forced)")  # noqa: T201
    assert {sent.status for sent in host.log} <= {200, None}, "never faster than the venue allows"


def test_twins_that_have_all_come_to_the_cap_are_followed_by_twice_as_many() -> None:
    """One that took less says that there is no more, in whatever order they are back; one without an answer nothing."""
    venue = load("bybit")
    (segment,) = venue.segments(schema("bybit").options(settle_coin="USDT"), venue.facts, "live")
    (request,) = segment.mass_cancels(())
    numbers = itertools.count()

    def answered(ledger: Ledger, *rows: int | None) -> int:
        """How many follow on the answers to so many copies."""
        for _ in rows:
            ledger.cancel_begins(request, ())
        followed = []
        for count in rows:
            attempt = Attempt(request=request, began=0.0, ended=1.0)
            said = Acknowledgement(cancelled=tuple(f"{next(numbers)}" for _ in range(count or 0)), capped=count == CAP)
            ledger.cancel_over(request, (), Outcome(attempt=attempt, value=None if count is None else said))
            followed.append(len(firing.more(ledger, request).mass))
        assert not any(followed[:-1]), "not before the last of them is back"
        return followed[-1]

    assert answered(Ledger(segment=segment), CAP) == 2
    assert answered(Ledger(segment=segment), CAP, CAP) == 4
    assert answered(Ledger(segment=segment), CAP, CAP, CAP, CAP) == 4
    assert answered(Ledger(segment=segment), 3) == 0
    assert answered(Ledger(segment=segment), CAP, 3) == 0
    assert answered(Ledger(segment=segment), 3, CAP) == 0
    assert answered(Ledger(segment=segment), CAP, None) == 4
    again = Ledger(segment=segment)
    assert [answered(again, CAP, 3), answered(again, CAP)] == [0, 2]


def test_where_no_answer_tells_how_many_went_the_largest_symbols_go_beside_the_coin() -> None:
    """The answer of some accounts has no list: only the next listing shows that there were more than a call takes."""
    fleet = Fleet("bybit", latency=ROUND_TRIP)
    host = futures(fleet, 2500)
    host.fake.set_faults(["ack-list=absent"])
    (report,) = fleet.kill(deadline=60.0)
    assert report.verdict is Verdict.CLEAR
    assert host.fake.open_orders() == []
    bodies = [sent.request.body for sent in host.log if sent.request.path == "/v5/order/cancel-all"]
    shares = [body for body in bodies if b"symbol" in body]
    assert len(shares) == len(set(shares)) == 4
    assert {sent.status for sent in host.log} <= {200, None}


def test_a_venue_that_only_claims_to_cancel_is_not_hammered() -> None:
    """Five hundred ids in each answer, always the same: that says nothing of more, and the listing decides."""
    fleet = Fleet("bybit", latency=ROUND_TRIP)
    host = futures(fleet, 700)
    host.fake.set_faults(["ack-only"])
    (report,) = fleet.kill(deadline=6.0)
    assert report.verdict is Verdict.OPEN
    assert {sent.status for sent in host.log} <= {200, None}
    batches = [sent for sent in host.log if sent.request.path == "/v5/order/cancel-batch"]
    assert batches, "cancels by name get their chance"


# --- a limit that counts some requests more than once ----------------------------------------------------------------


def test_credits_are_shared_behind_one_address_and_cancels_go_first() -> None:
    """Pacifica counts a read twice as much as a cancel: twelve profiles without a config key cannot all be proven."""
    fleet = Fleet("pacifica")
    host = fleet.host(ONE, 12)
    reports = fleet.kill(deadline=20.0)
    venue = load("pacifica")
    assert venue.address_limit is not None
    spent = sum(1 if sent.kind is Kind.CANCEL else 2 for sent in host.log)
    assert spent <= venue.address_limit.count
    kinds = host.kinds()
    assert kinds[:12] == [Kind.CANCEL] * 12
    assert {report.verdict for report in reports} <= {Verdict.CLEAR, Verdict.UNPROVEN}
    few = Fleet("pacifica")
    few.host(ONE, 4)
    assert [report.verdict for report in few.kill()] == [Verdict.CLEAR] * 4


def test_a_profile_with_a_config_key_counts_for_itself() -> None:
    made = shared_limits.SharedLimits(profiles=(), environ={})
    venue = load("pacifica")
    secrets = schema("pacifica").secrets
    assert venue.own_limit(secrets(secret_key=Secret("k"), api_config_key=Secret("c")))
    assert not venue.own_limit(secrets(secret_key=Secret("k")))
    table = {"venue": "pacifica", "account": "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"}
    profile = loader.profile(Document(path=None, data={"profiles": {"pacifica": table}}), "pacifica", {}, Overrides())
    assert isinstance(profile, Profile)
    shared = made.gate(profile)
    assert made.gate(profile) is shared
    assert made.gate(profile, own_limit=True).address is not shared.address
