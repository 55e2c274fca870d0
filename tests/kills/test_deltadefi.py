"""The kill on a DeltaDeFi account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from cancelall.core.model import Verdict
from cancelall.simulator.deltadefi import markets
from kills.truth import DELTADEFI
from kills.virtual import Faced, cleared, faced, ids
from soak.virtual import Sent
from support import states

CONFIRMED = ["ADAUSDM", "ADAUSDCx", "NIGHTUSDM", "NIGHTUSDCx"]
BUILT_IN = [*CONFIRMED, "IAGUSDM", "SNEKUSDM", "HOSKYUSDM"]
ADA = DELTADEFI.product


def one(*faults: str, late: bool = False, **more: Any) -> Faced:
    """A kill. With `late`, one cancel in ten lands up to 1.85 s after its answer, as on the real venue."""
    result = faced("deltadefi", *(() if late else ("prompt",)), *faults, **{"orders": 12, **more})
    assert not any("new-api-key" in sent.request.path for sent in result.log), "nobody may ask for a new key"
    return result


def cancelled_pairs(result: Faced) -> list[str]:
    """The symbols of the mass cancels, in the order in which they left."""
    return [json.loads(sent.request.body)["symbol"] for sent in requests(result, "/order/cancel-all")]


def requests(result: Faced, path: str, query: str = "") -> list[Sent]:
    return [sent for sent in result.log if sent.request.path == path and query in sent.request.query]


def symbols(result: Faced) -> set[str]:
    """Pairs in which orders are left."""
    return {order.symbol for order in result.left}


# --- the main job ---------------------------------------------------------------------------------------------------


def test_a_large_book_is_read_page_by_page_and_its_late_cancels_are_waited_for() -> None:
    result = cleared(one(late=True, orders=2000, options=ADA))
    assert states(result.report) == {"cancelled": 500}
    assert ids(result.stock) - ids(result.left) == result.ended("cancelled")
    assert result.report.requests < 60, "cancels by name do not run away with the time"
    shown = one(orders=2000, options=ADA, mode="dry-run")
    assert (shown.verdict, states(shown.report)) == (Verdict.OPEN, {"open": 500})
    assert requests(shown, "/accounts/open-orders", "symbol=ADAUSDM&limit=250&page=2")


def test_cancels_go_before_anything_is_known_and_are_spaced() -> None:
    result = one("latency:public=0.8")
    assert result.log[0].request.path == "/order/cancel-all"
    assert cancelled_pairs(result)[:4] == CONFIRMED
    (config,) = requests(result, "/app/market-config")
    before = [sent for sent in requests(result, "/order/cancel-all") if sent.at < config.at + 0.8]
    assert len(before) >= 3, "spaced 250 ms apart, while the market config is still on its way"
    left_at = [sent.at for sent in result.log if sent.kind.changes]
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(left_at))


def test_pairs_of_the_market_config_overtake_those_that_nobody_has_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(markets.MARKETS, "NEWUSDM", replace(markets.MARKETS["NIGHTUSDCx"], base="NEW", quote="USDM"))
    for gone in ("IAGUSDM", "SNEKUSDM"):
        monkeypatch.setitem(markets.MARKETS, gone, replace(markets.MARKETS[gone], listed=False))
    pairs = cancelled_pairs(one("latency:public=0.1", orders=0))
    assert list(dict.fromkeys(pairs)) == [*CONFIRMED, "NEWUSDM", "IAGUSDM", "SNEKUSDM", "HOSKYUSDM"]


def test_a_pair_that_only_a_listing_shows_is_cancelled_too() -> None:
    result = cleared(one())
    assert any(order.symbol == "ADAUSDX" for order in result.stock)
    assert (result.segments["ADAUSDX"], result.left) == ("clear", [])
    assert "ADAUSDX" in cancelled_pairs(result)


@pytest.mark.parametrize("symbol", ["ADAUSDX", "IAGUSDM"])
def test_orders_of_a_pair_that_the_venue_calls_unknown_are_cancelled_by_name(symbol: str) -> None:
    result = cleared(one(f"delisted={symbol}"))
    mine = {order.id for order in result.stock if order.symbol == symbol}
    assert result.segments[symbol] == "clear"
    assert {sent.request.path for sent in result.log} >= {f"/order/{each}/cancel" for each in mine}
    assert mine <= result.ended("cancelled")
    stuck = one("delisted=IAGUSDM", "ack-only", options={"symbol": ["IAGUSDM"]}, deadline=8.0)
    assert (stuck.verdict, states(stuck.report)) == (Verdict.OPEN, {"open": 1})


def test_what_was_cancelled_before_a_pair_turned_out_to_be_apart_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(markets.MARKETS, "IAGUSDM", replace(markets.MARKETS["IAGUSDM"], listed=False))
    result = cleared(one("latency:public=1.0"))
    assert result.ended("cancelled") == ids(result.stock)
    assert requests(result, "/accounts/open-orders", "symbol=IAGUSDM"), "its own listing is the witness"


def test_what_is_read_of_orders_after_the_verdict_does_not_change_its_reason() -> None:
    """The mass cancel has taken all of a pair that only a listing would show; histories name the pair too late."""
    result = one(options={"symbol": ["ADAUSDX"]})
    assert (result.verdict, symbols(result) & {"ADAUSDX"}) == (Verdict.UNPROVEN, set())
    assert any(report.order.symbol == "ADAUSDX" for report in result.report.orders)
    assert "lists no --symbol ADAUSDX" in result.error.message


def test_without_that_listing_a_warning_says_what_was_not_looked_for() -> None:
    result = one("symbol-needed", absent="ADAUSDX")
    assert (result.verdict, symbols(result)) == (Verdict.CLEAR, {"ADAUSDX"})
    assert any("pairs outside the market config" in warning for warning in result.report.warnings)


def test_that_listing_holds_up_no_cancel_and_is_needed_for_the_proof() -> None:
    result = one("error-500:listing=1~open-orders?limit")
    assert (result.verdict, symbols(result)) == (Verdict.UNPROVEN, {"ADAUSDX"})
    assert len(requests(result, "/accounts/open-orders")) > 20, "it is tried for as long as the rest takes"


def test_without_the_market_config_nothing_is_proven() -> None:
    result = one("error-500:public=1", deadline=10.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.UNPROVEN, 11)
    assert "market config" in result.error.message
    assert not symbols(result) & set(BUILT_IN)


# --- orders that come late, trouble ---------------------------------------------------------------------------------


def test_an_order_that_lands_after_the_first_empty_listing_is_caught() -> None:
    result = cleared(one("straggler=1.5~ADAUSDM", options=ADA))
    assert len(result.report.orders) == 5, "four of the stock and the one that came"
    assert "ADAUSDM" not in symbols(result)
    assert any("appeared during the sweep" in warning for warning in result.report.warnings)


def test_a_cancel_that_met_the_lock_is_repeated_although_nothing_is_listed() -> None:
    result = cleared(one("locked:cancel=1.5", orders=0, options=ADA))
    assert len(cancelled_pairs(result)) > 1, "the last word on a cancel must not be that trading is locked"


@pytest.mark.parametrize("orders", [0, 12])
def test_nothing_is_proven_while_trading_is_locked(orders: int) -> None:
    report = one("locked:cancel=60/503", orders=orders, options=ADA, deadline=8.0).report
    assert report.verdict is (Verdict.OPEN if orders else Verdict.UNPROVEN)
    assert "Trading is currently locked" in (report.segments[0].detail or "")
    if not orders:
        assert report.segments[0].listings > 1, "its listings are empty, and prove nothing"
        assert report.error is not None
        assert "5002" in report.error.message
        assert "locked" in report.error.hint
