"""The kill on a DeltaDeFi account behind a socket: what is sent, what is left, what is said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.simulator import LoggedRequest, SimServer
from cancelall.simulator.deltadefi import markets
from support import Ran, cancelall, environment, kill, paths, states

CONFIRMED = ["ADAUSDM", "ADAUSDCx", "NIGHTUSDM", "NIGHTUSDCx"]
BUILT_IN = [*CONFIRMED, "IAGUSDM", "SNEKUSDM", "HOSKYUSDM"]
ADA = {"symbol": ["ADAUSDM"]}
CANCEL = "POST /order/cancel-all"


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    """An account of twelve orders, in every pair and phase. Whatever a test does, nobody may ask for a new key."""
    settings: dict[str, Any] = getattr(request, "param", {})
    with simulator.start("deltadefi", **{"orders": 12, "faults": ["prompt"], **settings}) as running:
        yield running
        assert not any("new-api-key" in each.path for each in running.requests)


def with_faults(*faults: str, orders: int = 12, late: bool = False) -> Any:
    """With `late`, one cancel in ten lands up to 1.85 s after its answer, as on the real venue."""
    chosen = faults if late else ("prompt", *faults)
    return pytest.mark.parametrize("server", [{"faults": chosen, "orders": orders}], indirect=True)


def run(server: SimServer, home: Path, *words: str) -> Ran:
    """The real command line."""
    return cancelall("deltadefi", "--json", *words, home=home, env=environment("deltadefi", server))


def cancelled_pairs(server: SimServer) -> list[str]:
    """The symbols of the mass cancels, in the order of their arrival."""
    return [json.loads(each.body)["symbol"] for each in server.requests if each.path == "/order/cancel-all"]


def verdicts(report: ProfileReport) -> dict[str, str]:
    return {segment.name: segment.verdict.value for segment in report.segments}


def asked(server: SimServer, path: str, query: str = "") -> list[LoggedRequest]:
    return [each for each in server.requests if each.path == path and query in each.query]


# --- the main job ---------------------------------------------------------------------------------------------------


@with_faults(orders=2000, late=True)
def test_a_large_book_is_read_page_by_page_and_its_late_cancels_are_waited_for(server: SimServer) -> None:
    before = {order.id for order in server.open_orders() if order.symbol == "ADAUSDM"}
    assert len(before) == 500
    report = kill("deltadefi", server, options=ADA, deadline=20)
    assert report.verdict is Verdict.CLEAR
    assert {order.id for order in server.closed_orders()} == before
    assert states(report) == {"cancelled": 500}
    assert report.requests < 60, "cancels by name do not run away with the time"


@with_faults(orders=2000)
def test_a_dry_run_reads_every_page(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA, dry_run=True)
    assert (report.verdict, states(report)) == (Verdict.OPEN, {"open": 500})
    assert asked(server, "/accounts/open-orders", "symbol=ADAUSDM&limit=250&page=2")
    assert 'POST /order/cancel-all {"symbol": "ADAUSDM"}' in report.would_send


@with_faults("latency:public=0.8")
def test_cancels_go_before_anything_is_known(server: SimServer) -> None:
    kill("deltadefi", server, deadline=8)
    assert paths(server)[0] == CANCEL
    assert cancelled_pairs(server)[:4] == CONFIRMED
    (config,) = asked(server, "/app/market-config")
    early = [each for each in asked(server, "/order/cancel-all") if each.arrived < config.arrived + 0.8]
    assert len(early) >= 3, "spaced 250 ms apart, while the market config is still on its way"


@with_faults("latency:public=0.1", orders=0)
def test_pairs_of_the_market_config_overtake_those_that_nobody_has_confirmed(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(markets.MARKETS, "NEWUSDM", replace(markets.MARKETS["NIGHTUSDCx"], base="NEW", quote="USDM"))
    for gone in ("IAGUSDM", "SNEKUSDM"):
        monkeypatch.setitem(markets.MARKETS, gone, replace(markets.MARKETS[gone], listed=False))
    kill("deltadefi", server, deadline=8)
    assert list(dict.fromkeys(cancelled_pairs(server))) == [*CONFIRMED, "NEWUSDM", "IAGUSDM", "SNEKUSDM", "HOSKYUSDM"]


def test_cancels_are_spaced(server: SimServer) -> None:
    kill("deltadefi", server, deadline=8)
    arrived = [each.arrived for each in server.requests if each.changes]
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(arrived))


def test_a_pair_that_only_a_listing_shows_is_cancelled_too(server: SimServer) -> None:
    assert any(order.symbol == "ADAUSDX" for order in server.open_orders())
    report = kill("deltadefi", server, deadline=8)
    assert (verdicts(report)["ADAUSDX"], server.open_orders()) == ("clear", [])
    assert "ADAUSDX" in cancelled_pairs(server)


@pytest.mark.parametrize("symbol", ["ADAUSDX", "IAGUSDM"])
@pytest.mark.faults
def test_orders_of_a_pair_that_the_venue_calls_unknown_are_cancelled_by_name(symbol: str) -> None:
    with simulator.start("deltadefi", orders=12, faults=["prompt", f"delisted={symbol}"]) as server:
        mine = {order.id for order in server.open_orders() if order.symbol == symbol}
        report = kill("deltadefi", server, deadline=8)
        assert (report.verdict, verdicts(report)[symbol], server.open_orders()) == (Verdict.CLEAR, "clear", [])
        assert {each.path for each in server.requests if each.changes} >= {f"/order/{one}/cancel" for one in mine}
    assert mine <= {row.order.id for row in report.orders if row.state.value == "cancelled"}


@with_faults("latency:public=1.0")
def test_what_was_cancelled_before_a_pair_turned_out_to_be_apart_is_told(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(markets.MARKETS, "IAGUSDM", replace(markets.MARKETS["IAGUSDM"], listed=False))
    before = {order.id for order in server.open_orders()}
    report = kill("deltadefi", server, deadline=8)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert {row.order.id for row in report.orders if row.state.value == "cancelled"} == before
    assert asked(server, "/accounts/open-orders", "symbol=IAGUSDM"), "its own listing is the witness"


@with_faults("delisted=IAGUSDM", "ack-only")
def test_orders_of_a_pair_that_the_venue_calls_unknown_are_open_while_they_rest(server: SimServer) -> None:
    report = kill("deltadefi", server, options={"symbol": ["IAGUSDM"]}, deadline=3)
    assert (report.verdict, states(report)) == (Verdict.OPEN, {"open": 1})


@with_faults("symbol-needed")
def test_without_that_listing_a_warning_says_what_was_not_looked_for(server: SimServer) -> None:
    report = kill("deltadefi", server, deadline=8)
    assert report.verdict is Verdict.CLEAR
    assert {order.symbol for order in server.open_orders()} == {"ADAUSDX"}
    assert any("pairs outside the market config" in warning for warning in report.warnings)


@with_faults("error-500:listing=1~open-orders?limit")
def test_that_listing_holds_up_no_cancel_and_is_needed_for_the_proof(server: SimServer) -> None:
    report = kill("deltadefi", server, deadline=5)
    assert report.verdict is Verdict.UNPROVEN
    assert {order.symbol for order in server.open_orders()} == {"ADAUSDX"}
    assert len(asked(server, "/accounts/open-orders")) > 20, "it is tried for as long as the rest takes"


@with_faults("error-500:public=1")
def test_without_the_market_config_nothing_is_proven(server: SimServer) -> None:
    report = kill("deltadefi", server, deadline=4)
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert report.error is not None
    assert "market config" in report.error.message
    assert not {order.symbol for order in server.open_orders()} & set(BUILT_IN)


# --- orders that stay, come late or come back -----------------------------------------------------------------------


@with_faults("straggler=1.5~ADAUSDM")
def test_an_order_that_lands_after_the_first_empty_listing_is_caught(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--symbol", "ADAUSDM")
    assert (ran.code, ran.line["verdict"]) == (0, "clear"), ran.err
    mine = [order for order in server.closed_orders() if order.symbol == "ADAUSDM"]
    assert len(mine) == 5, "four of the stock and the one that came"
    assert [order for order in server.open_orders() if order.symbol == "ADAUSDM"] == []
    assert any("appeared during the sweep" in warning for warning in ran.line["warnings"])


# --- trouble --------------------------------------------------------------------------------------------------------


def test_a_cancel_that_met_the_lock_is_repeated_although_nothing_is_listed() -> None:
    with simulator.start("deltadefi", orders=0, faults=["locked:cancel=1.5"]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=12)
        answered = [each.status for each in asked(server, "/order/cancel-all")]
    assert report.verdict is Verdict.CLEAR
    assert len(answered) > 1, "the last word on a cancel must not be that trading is locked"


@pytest.mark.parametrize("orders", [0, 12])
def test_nothing_is_proven_while_trading_is_locked(orders: int) -> None:
    with simulator.start("deltadefi", orders=orders, faults=["locked:cancel=60/503", "prompt"]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=3)
    assert report.verdict is (Verdict.OPEN if orders else Verdict.UNPROVEN)
    assert "Trading is currently locked" in (report.segments[0].detail or "")
    if not orders:
        assert report.segments[0].listings > 1, "its listings are empty, and prove nothing"
        assert report.error is not None
        assert "5002" in report.error.message
        assert "locked" in report.error.hint


# --- options --------------------------------------------------------------------------------------------------------
