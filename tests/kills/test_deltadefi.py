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


@with_faults(orders=40, late=True)
def test_the_command_empties_an_account_of_every_kind(server: SimServer, home: Path) -> None:
    before = {order.id for order in server.open_orders()}
    kinds = {(order.symbol, order.type, order.kind) for order in server.open_orders()}
    assert len(kinds) > 8
    ran = run(server, home)
    assert (ran.code, ran.line["verdict"], ran.line["error"]) == (0, "clear", None), ran.err
    assert server.open_orders() == []
    assert {order["id"] for order in ran.line["orders"]} <= before
    assert ran.line["counts"]["open"] == ran.line["counts"]["failed"] == 0
    found = {segment["name"]: segment["verdict"] for segment in ran.line["segments"]}
    listed = [*BUILT_IN[:-1], "ADAUSDX"]
    assert found == dict.fromkeys(listed, "clear") | {"HOSKYUSDM": "absent"}
    assert 429 not in {each.status for each in server.requests}, "the fake's limits are not even touched"
    assert "L1 swap intents" in ran.line["not_covered"][0]


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


@with_faults("empty-403@3~HOSKYUSDM")
def test_a_pair_that_does_not_exist_is_absent_whatever_was_said_before(server: SimServer) -> None:
    report = kill("deltadefi", server, deadline=8)
    assert (report.verdict, verdicts(report)["HOSKYUSDM"]) == (Verdict.CLEAR, "absent")
    assert 403 in {each.status for each in server.requests}


def test_an_empty_account_is_clear(home: Path) -> None:
    with simulator.start("deltadefi", orders=0, faults=["prompt"]) as server:
        ran = run(server, home)
    assert (ran.code, ran.line["orders"]) == (0, [])


# --- orders that stay, come late or come back -----------------------------------------------------------------------


@with_faults("ack-only")
@pytest.mark.faults
def test_orders_that_cannot_be_cancelled_are_listed(server: SimServer, home: Path) -> None:
    mine = {order.id for order in server.open_orders() if order.symbol == "ADAUSDM"}
    ran = run(server, home, "--symbol", "ADAUSDM", "--deadline", "9")
    assert (ran.code, ran.line["verdict"]) == (10, "open")
    assert {order["id"] for order in ran.line["orders"] if order["state"] in ("open", "failed")} == mine
    assert {each.path for each in server.requests if each.changes} >= {f"/order/{one}/cancel" for one in mine}


@with_faults("straggler=1.5~ADAUSDM")
def test_an_order_that_lands_after_the_first_empty_listing_is_caught(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--symbol", "ADAUSDM")
    assert (ran.code, ran.line["verdict"]) == (0, "clear"), ran.err
    mine = [order for order in server.closed_orders() if order.symbol == "ADAUSDM"]
    assert len(mine) == 5, "four of the stock and the one that came"
    assert [order for order in server.open_orders() if order.symbol == "ADAUSDM"] == []
    assert any("appeared during the sweep" in warning for warning in ran.line["warnings"])


@with_faults("unlisted=1.0", "bot=0.7@2", late=True)
def test_young_orders_that_no_listing_shows_are_caught(server: SimServer) -> None:
    report = kill("deltadefi", server, scale=1.0, deadline=20)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert len(server.closed_orders()) == 14


@with_faults("fill=2")
def test_orders_that_filled_meanwhile_are_told_apart(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA)
    filled = {order.id for order in server.closed_orders() if order.status == "filled"}
    assert len(filled) == 2
    assert {row.order.id for row in report.orders if row.state.value == "filled"} == filled
    assert report.verdict is Verdict.CLEAR


@with_faults("reappear=0.05")
def test_a_bot_that_keeps_placing_orders_is_never_clear(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA, deadline=3)
    assert report.verdict is not Verdict.CLEAR
    assert any("a bot is still running" in warning for warning in report.warnings)


# --- trouble --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "empty-403@4",
        "upstream-503@4",
        "internal-400@4",
        "error-500=0.3",
        "error-after:cancel@2",
        "reset-after:cancel@1",
        "rate-limit:cancel=1",
        "nothing=404",
        "nothing=200",
        "bare-list",
        "sdk-words",
        "numbers",
        "short-ack",
        "partial@2",
        "unknown-status@2",
        "count-off@2",
    ],
)
@pytest.mark.faults
def test_troubles_and_variants_that_end_clear(fault: str) -> None:
    with simulator.start("deltadefi", orders=12, faults=[fault, "prompt"]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=15)
        assert (report.verdict, report.error) == (Verdict.CLEAR, None), fault
        assert not any(order.symbol == "ADAUSDM" for order in server.open_orders())


@pytest.mark.parametrize(
    "fault",
    [
        "listing-fails",
        "json:listing=[null]",
        "json:listing={}",
        'json:listing={"data":[]}',
        'json:listing={"error":"Order not found","code":4200}',
        "truncated:listing",
        "empty-body:listing",
        "html:listing",
        "count-off",
        "empty-403:listing",
        "internal-400:listing",
    ],
)
@pytest.mark.faults
def test_a_listing_that_cannot_be_read_proves_nothing(fault: str) -> None:
    with simulator.start("deltadefi", orders=12, faults=[fault, "prompt"]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=1.5)
        assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11), fault
        assert not any(order.symbol == "ADAUSDM" for order in server.open_orders()), "the cancel went out all the same"


@pytest.mark.parametrize("fault", ['json:listing={"data":null,"total_count":0,"total_page":0}', "null-lists:listing"])
def test_a_null_in_the_place_of_the_list_is_an_empty_one(fault: str) -> None:
    with simulator.start("deltadefi", orders=12, faults=[fault, "prompt"]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=8)
        assert report.verdict is Verdict.CLEAR
        assert not any(order.symbol == "ADAUSDM" for order in server.open_orders())


@pytest.mark.parametrize("silence", ["stall:listing~ADAUSDM", "fin-after:listing~ADAUSDM"])
def test_a_pair_that_is_not_listed_is_not_absent_for_a_word_on_its_cancel(silence: str) -> None:
    word = 'json:cancel={"error":"Invalid trading pair symbol","code":4106}~ADAUSDM'
    with simulator.start("deltadefi", orders=12, faults=[word, "ack-only:cancel~ADAUSDM", silence]) as server:
        report = kill("deltadefi", server, options=ADA, deadline=3)
        assert any(order.symbol == "ADAUSDM" for order in server.open_orders())
    assert report.verdict not in (Verdict.CLEAR, Verdict.REFUSED)


@with_faults("listing-fails")
def test_a_listing_that_fails_is_exit_11(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--symbol", "ADAUSDM", "--deadline", "3")
    assert (ran.code, ran.line["verdict"]) == (11, "unproven")
    assert {segment["listings"] for segment in ran.line["segments"]} == {0}


@with_faults("cursor-loop", orders=2000)
def test_pages_that_repeat_are_no_complete_listing(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA, dry_run=True, deadline=1.5)
    assert report.segments[0].listings == 0, "500 orders on two pages of 250, and both pages are the first"


@with_faults("key")
def test_a_refused_key_is_tried_once(server: SimServer, home: Path) -> None:
    ran = run(server, home)
    assert (ran.code, ran.line["verdict"], ran.line["error"]["kind"]) == (4, "refused", "auth")
    assert "key and host do not match" in ran.line["error"]["hint"]
    assert len(cancelled_pairs(server)) <= 2, "one word is not believed, a second one is"


@with_faults("json=404 page not found", "status=404")
def test_a_wrong_host_is_a_loud_refusal(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA, deadline=3)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert report.error.kind == "environment"


@with_faults("locked=1.5")
def test_a_trading_lock_is_waited_out(server: SimServer) -> None:
    report = kill("deltadefi", server, options=ADA, deadline=12)
    assert report.verdict is Verdict.CLEAR
    assert not any(order.symbol == "ADAUSDM" for order in server.open_orders())
    assert len(asked(server, "/order/cancel-all")) > 1


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


def test_a_dry_run_changes_nothing(server: SimServer, home: Path) -> None:
    before = server.open_orders()
    ran = run(server, home, "--dry-run")
    assert (ran.code, ran.line["verdict"]) == (0, "open")
    assert server.open_orders() == before
    assert not any(each.changes for each in server.requests)
    assert {order["id"] for order in ran.line["orders"]} == {order.id for order in before}


def test_nothing_is_protective_so_keeping_it_keeps_nothing(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--keep-protective")
    assert (ran.code, ran.line["counts"]["kept"]) == (0, 0)
    assert server.open_orders() == []
    assert CANCEL in paths(server)


def test_a_symbol_leaves_the_other_pairs_alone(server: SimServer) -> None:
    others = {order.id for order in server.open_orders() if order.symbol != "IAGUSDM"}
    report = kill("deltadefi", server, options={"symbol": ["IAGUSDM"]})
    assert (report.verdict, verdicts(report)) == (Verdict.CLEAR, {"IAGUSDM": "clear"})
    assert {order.id for order in server.open_orders()} == others


def test_a_symbol_is_sent_in_the_venues_spelling(server: SimServer) -> None:
    report = kill("deltadefi", server, options={"symbol": ["adausdcx"]})
    assert (report.verdict, verdicts(report)) == (Verdict.CLEAR, {"ADAUSDCx": "clear"})
    assert {order.symbol for order in server.open_orders()} == {*BUILT_IN[:-1], "ADAUSDX"} - {"ADAUSDCx", "NIGHTUSDCx"}


@pytest.mark.parametrize("fault", ["prompt", "lenient-symbols"])
def test_a_symbol_that_nobody_knows_is_unproven_with_the_right_one(fault: str) -> None:
    with simulator.start("deltadefi", orders=12, faults=[fault]) as server:
        report = kill("deltadefi", server, options={"symbol": ["NIGHTUSD"]})
        assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
        assert report.error is not None
        assert 'did you mean "NIGHTUSDM"' in report.error.message
        assert len(server.open_orders()) == 12
