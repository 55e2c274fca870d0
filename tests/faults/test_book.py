"""Rows 26 to 30, 56 and 58: what the orders do. Acks that are none, orders that return, pages that change, locks."""

from __future__ import annotations

import pytest

from cancelall.core.model import Verdict
from cancelall.simulator import SimServer
from cancelall.venues.registry import load
from faults.harness import TO_ITS_DEADLINE, Case, Ended, busy, shows


def resting(server: SimServer) -> set[str]:
    """The ids of all that rests, bots and strategies included."""
    alive = getattr(server.fake, "strategies_alive", None)
    more = {one.id for one in alive(server.account)} if alive else set()
    return {order.id for order in server.open_orders()} | more


def listed(ended: Ended) -> set[str]:
    """The ids that the report calls open."""
    return {row.order.id for row in ended.report.orders if row.state.value in ("open", "failed")}


@shows(
    26,
    "success, and the orders remain",
    injected="every cancel is acknowledged and cancels nothing",
    expected="cancelled again; what remains is listed",
    codes=(10,),
    alone=TO_ITS_DEADLINE,
)
def test_success_that_cancels_nothing(case: Case, venue: str) -> None:
    server = case.server(venue, "ack-only")
    left = resting(server)
    ended = case.kill(venue, server)
    assert ended.report.verdict is Verdict.OPEN
    assert listed(ended) == left
    cancels = [tries for (_, request), tries in ended.tries().items() if request.changes]
    assert any(len(tries) > 1 for tries in cancels) or len(cancels) > len(ended.report.segments)


@shows(
    27,
    "a cancel takes only some of the orders",
    injected="a cancel of several takes half of them, twice, or always",
    expected="the rest is cancelled again",
    codes=(0, 10),
)
@pytest.mark.parametrize("fault", ["partial@2", "partial"])
def test_a_cancel_that_takes_half(case: Case, venue: str, fault: str) -> None:
    server = case.server(venue, fault, orders=30)
    case.kill(venue, server, deadline=8, codes=[0])
    assert server.fake.strikes("partial") >= 1


@shows(
    28,
    "orders appear during the sweep",
    injected="a bot places an order every 20 ms; or one more after each of three cancels",
    expected="a new round for each; the output says that a bot is running",
    codes=(0, 10, 11),
    alone=TO_ITS_DEADLINE,
)
def test_a_bot_that_keeps_placing_orders(case: Case, venue: str) -> None:
    """Open, or not proven where a cancel had just emptied the last listing."""
    ended = case.kill(venue, case.server(venue, "bot=0.02"), codes=[10, 11])
    assert any("a bot is still running" in warning for warning in ended.report.warnings)
    assert len(ended.attempts) < 600 * case.slow


@shows(28)
def test_orders_that_come_back_three_times(case: Case, venue: str) -> None:
    server = case.server(venue, "reappear=0.02@3")
    case.kill(venue, server, deadline=8, codes=[0])
    assert server.fake.strikes("reappear") == 3


@shows(
    29,
    "more orders than one call takes or one page shows",
    injected="1,700 orders, under the venue's rate limits",
    expected="as many rounds as it takes, no limit broken",
    codes=(0,),
    alone="the times of arrival keep to limits in wall time",
)
@pytest.mark.timeout(120)
def test_seventeen_hundred_orders(case: Case, venue: str) -> None:
    server = case.server(venue, orders=1700, limits=True)
    before = {order.id for order in server.open_orders()}
    assert len(before) >= 1600
    ended = case.kill(venue, server, deadline=40, scale=1.0, limits=1.0)
    if venue in ("bitget", "bybit", "deltadefi", "deribit"):  # the others' answers name no orders
        assert before <= {row.order.id for row in ended.report.orders}
    refused = [request for request in server.requests if request.status == 429]
    assert len(refused) <= (3 if busy() > 1 else 0), refused  # threads that start late arrive too close together


@shows(
    30,
    "pages that go in circles or change while they are read",
    injected="the next page is the first again; a bot places orders between the pages",
    expected="bounded; never clear by such a listing",
    codes=(0, 10, 11),
    venues=["bitget", "bybit", "deltadefi", "okx", "pacifica"],
    alone=TO_ITS_DEADLINE,
)
def test_pages_that_go_in_circles(case: Case, venue: str) -> None:
    server = case.server(venue, "cursor-loop", "ack-only", orders=700)
    ended = case.kill(venue, server, codes=[10, 11])
    assert ended.report.verdict is not Verdict.CLEAR


@shows(30, venues=["bitget", "bybit", "deltadefi", "okx", "pacifica"], alone=TO_ITS_DEADLINE)
def test_a_dry_run_over_pages_that_go_in_circles(case: Case, venue: str) -> None:
    server = case.server(venue, "cursor-loop", orders=700)
    ended = case.kill(venue, server, dry_run=True, codes=[0, 10, 11])
    assert ended.report.verdict is not Verdict.CLEAR
    circles = [one for one in ended.report.segments if one.verdict is Verdict.UNPROVEN]
    assert all(one.listings == 0 for one in circles)


@shows(30)
def test_pages_that_change_while_they_are_read(case: Case, venue: str) -> None:
    server = case.server(venue, "bot=0.01@60", orders=300)
    ended = case.kill(venue, server, deadline=8)
    assert ended.report.verdict is Verdict.CLEAR or resting(server) or ended.code in (10, 11)


@shows(
    56,
    "the listing says empty, then an order is back",
    injected="listings are empty for 0.8 of the venue's gap after a cancel that took nothing",
    expected="the second listing catches it",
    codes=(0,),
)
@pytest.mark.parametrize("acks", [1, 3])
def test_an_order_that_is_hidden_for_less_than_the_gap(case: Case, venue: str, acks: int) -> None:
    hidden = 0.8 * load(venue).proof_gap
    server = case.server(venue, f"hidden={hidden}", f"ack-only@{acks}")
    for order in server.open_orders():
        if order.symbol == UNNAMED:
            server.account.book.close(order.id, "cancelled", 0)
    case.kill(venue, server, scale=1.0, deadline=20)
    assert resting(server) == set()


UNNAMED = "ADAUSDX"
"""A pair on which DeltaDeFi's fake account has an order, and which neither documents nor market config name."""


@shows(56, venues=["deltadefi"])
def test_an_order_on_a_pair_that_nothing_names_is_hidden(case: Case, venue: str) -> None:
    server = case.server(venue, f"hidden={0.8 * load(venue).proof_gap}")
    case.kill(venue, server, scale=1.0, deadline=20)
    assert resting(server) == set()


@shows(56)
def test_a_listing_that_lags_by_less_than_the_gap(case: Case, venue: str) -> None:
    lag = 0.8 * load(venue).proof_gap
    server = case.server(venue, f"lag={lag}", "reappear=0.1@1")
    case.kill(venue, server, scale=1.0, deadline=20)
    assert resting(server) == set()


LOCKED = {"deltadefi": ("locked=0.5", "locked=600"), "bybit": ("maintenance@6", "maintenance")}
"""The venue's own words for it; elsewhere maintenance."""


@shows(
    58,
    "trading is locked, or the venue restarts",
    injected="the venue's own words for it, for a while and for good",
    expected="tried again to the deadline",
    codes=(0, 10, 11),
)
def test_a_lock_that_passes(case: Case, venue: str) -> None:
    fault, _ = LOCKED.get(venue, ("maintenance@4", ""))
    case.kill(venue, case.server(venue, fault), deadline=12, codes=[0])


@shows(58, alone=TO_ITS_DEADLINE)
def test_a_lock_that_stays(case: Case, venue: str) -> None:
    _, fault = LOCKED.get(venue, ("", "maintenance"))
    server = case.server(venue, fault)
    ended = case.kill(venue, server)
    assert ended.report.verdict in (Verdict.UNPROVEN, Verdict.OPEN)
    assert any(len(tries) > 1 for tries in ended.tries().values())


@shows(58)
@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_cancels_that_land_late(case: Case, venue: str, seconds: float) -> None:
    """The venue accepts, and takes its time."""
    case.kill(venue, case.server(venue, f"late-cancel={seconds}"), deadline=8, codes=[0])
