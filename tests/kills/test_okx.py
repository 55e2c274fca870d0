"""Whole kills against the embedded OKX: what no other venue has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.cli import next_step
from cancelall.core.model import Verdict
from cancelall.simulator import Account, FakeVenue
from cancelall.simulator.okx.state import segment_of
from cancelall.simulator.stock import template
from kills.virtual import Faced, cleared, faced, ids
from soak.virtual import START, Sent, Weather
from support import cancelall, kill, profile_table, write_config

ALGO, OLD, BATCH, ONE = (
    f"/api/v5/trade/{call}" for call in ("cancel-algos", "cancel-advance-algos", "cancel-batch-orders", "cancel-order")
)
Before = Callable[[FakeVenue, Account], None]


def resting(kind: str, symbol: str, type_: str, count: int, **extra: object) -> Before:
    """So many more orders of a kind, before the kill."""

    def place(fake: FakeVenue, account: Account) -> None:
        reduces = bool(extra.pop("reduces", False))
        made = template(
            segment_of(kind, type_), symbol, "sell", "0", kind, {"instType": type_, **extra}, reduces=reduces
        )
        fake.put_stock(account, [made], count)

    return place


def named(result: Faced, path: str) -> list[tuple[Sent, list[str]]]:
    """The cancels that went to a path, each with the ids that it named."""
    sent = [one for one in result.log if one.request.path == path]
    bodies = [json.loads(one.request.body) for one in sent]
    return [
        (one, [str(item.get("algoId") or item["ordId"]) for item in (body if isinstance(body, list) else [body])])
        for one, body in zip(sent, bodies, strict=True)
    ]


# --- limits for each instrument -------------------------------------------------------------------------------------


@pytest.mark.faults
def test_five_hundred_triggers_take_longer_than_the_usual_deadline_and_the_result_says_so() -> None:
    """20 in 2 s of one instrument is OKX's limit: what is left, how long that takes, and what to do."""
    many = resting("trigger", "ETH-USDT-SWAP", "SWAP", 500, triggerPx="90")
    result = faced("okx", before=many, orders=40, deadline=30.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.OPEN, 10)
    assert 429 not in result.statuses
    left = [order for order in result.left if order.symbol == "ETH-USDT-SWAP"]
    assert len(left) == len(result.left), "no other instrument waits for it"
    assert 190 <= len(left) <= 215
    assert result.error.kind == "rate_limit"
    assert "lets 20 cancels of ETH-USDT-SWAP go in 2 s: 30 s were too short for all, another 2" in result.error.message
    assert "--deadline 60" in result.error.hint
    assert cleared(faced("okx", before=many, orders=40, deadline=60.0)).seconds < 56.0


def test_the_next_command_names_a_deadline_that_suffices_for_what_is_left() -> None:
    first = faced(
        "okx", before=resting("trigger", "ETH-USDT-SWAP", "SWAP", 300, triggerPx="90"), orders=0, deadline=10.0
    )
    deadline = first.error.deadline
    assert deadline == 30
    assert next_step.of_profile(first.report, ["okx", "--deadline", "10"]).endswith(f" --deadline {deadline}")
    rest = resting("trigger", "ETH-USDT-SWAP", "SWAP", len(first.left), triggerPx="90")
    cleared(faced("okx", before=rest, orders=0, deadline=float(deadline)))


def test_as_many_of_ten_instruments_are_gone_in_a_tenth_of_the_time() -> None:
    names = [f"{coin}-USDT-SWAP" for coin in "BTC ETH SOL DOGE XRP ADA LTC AVAX LINK DOT".split()]

    def many(fake: FakeVenue, account: Account) -> None:
        for name in names:
            resting("trigger", name, "SWAP", 50, triggerPx="90")(fake, account)

    result = cleared(faced("okx", before=many, orders=0))
    assert result.seconds < 9.0
    assert 429 not in result.statuses


def test_what_can_open_a_position_goes_before_what_protects_one() -> None:
    """Both wait for the same limit."""

    def many(fake: FakeVenue, account: Account) -> None:
        resting("conditional", "BTC-USDT-SWAP", "SWAP", 60, slTriggerPx="90", reduces=True)(fake, account)
        resting("trigger", "BTC-USDT-SWAP", "SWAP", 60, triggerPx="90")(fake, account)

    result = cleared(faced("okx", before=many, orders=0))
    kinds = {order.id: order.kind for order in result.stock}
    assert kinds == {}, "they came after the stock was noted"
    closed = {order.id: order.kind for order in result.world.owners[0].account.book.closed()}
    went = [Counter(closed[one] for one in some) for _, some in named(result, ALGO)]
    assert sum(("trigger" in one) for one in went[2:]) == 6 - sum(("trigger" in one) for one in went[:2])
    last_entry = max(index for index, one in enumerate(went) if "trigger" in one)
    assert last_entry <= 7, "at most the two batches that were there first go before the last entry"


def test_four_thousand_ordinary_orders_are_gone_within_the_deadline() -> None:
    """Twenty to a batch, 300 orders in 2 s of an instrument; the account holds no more."""

    def many(fake: FakeVenue, account: Account) -> None:
        for coin in "BTC ETH SOL DOGE XRP ADA LTC AVAX".split():
            made = template("orders", f"{coin}-USDT", "buy", "1", "limit", {"instType": "SPOT", "tdMode": "cash"})
            fake.put_stock(account, [made], 500)

    result = cleared(faced("okx", before=many, orders=0, deadline=30.0))
    assert 429 not in result.statuses
    assert {len(some) for _, some in named(result, BATCH)} == {20}


def test_orders_of_many_instruments_share_batches_and_go_one_by_one_where_those_are_refused() -> None:
    def many(fake: FakeVenue, account: Account) -> None:
        for number in range(60):
            made = template("orders", f"SIM{number:03}-USDT", "buy", "1", "limit", {"instType": "SPOT"})
            fake.put_stock(account, [made], 3)

    result = cleared(faced("okx", before=many, orders=0, weather=Weather(latency=0.05)))
    sizes = [len(some) for _, some in named(result, BATCH)]
    assert sum(sizes) == 180
    assert len(sizes) <= 12, "each page of the listing is acted on at once"
    for faults in (("no-batch",), ("refused=request~cancel-batch",), ("edge=404~cancel-batch",)):
        result = cleared(faced("okx", *faults, before=many, orders=0))
        assert len(named(result, ONE)) >= 180


# --- two calls for the kinds that needed one of their own ----------------------------------------------------------


@pytest.mark.parametrize("faults", [(), ("old-kinds",), ("no-advance=404",), ("no-advance=50005",)])
def test_whichever_of_the_two_calls_takes_a_trailing_stop_it_goes(faults: tuple[str, ...]) -> None:
    result = cleared(faced("okx", *faults, orders=40))
    advance = {order.id for order in result.stock if order.kind in ("move_order_stop", "twap", "iceberg")}
    for path in (ALGO, OLD):
        assert advance <= {one for _, some in named(result, path) for one in some}
    assert {one for _, some in named(result, OLD) for one in some} == advance
    assert result.ended("cancelled") == ids(result.stock)
    assert result.report.error is None


@pytest.mark.parametrize("path", [ALGO, OLD])
def test_one_of_the_two_calls_may_be_refused_once_and_for_good(path: str) -> None:
    """The other one takes the orders, and then the listing decides."""
    for times in ("@1", ""):
        for reach in ("request", "product"):
            result = faced("okx", f"refused={reach}{times}~{path}", deadline=8.0)
            advance = [one for one in result.left if one.kind in ("move_order_stop", "twap", "iceberg")]
            assert advance == [], (times, reach, result.story(30))
            assert result.segments["trailing stops"] == "clear", (times, reach, result.story(30))


def test_where_neither_takes_it_it_is_open() -> None:
    result = faced("okx", "old-kinds", "no-advance", orders=40, deadline=8.0)
    assert result.verdict is Verdict.OPEN
    assert {order.kind for order in result.left} == {"move_order_stop", "twap", "iceberg"}


# --- the account's mode ----------------------------------------------------------------------------------------------

STOPS = ("conditional", "oco", "move_order_stop")


def not_reducing(result: Faced) -> set[str]:
    """Stops of contracts that do not say that they only reduce, in net mode."""
    return {
        order.id
        for order in result.stock
        if order.kind in STOPS
        and order.extra["instType"] in ("SWAP", "FUTURES", "MARGIN")
        and not (order.reduce_only or order.extra.get("closeFraction") or order.extra.get("posSide"))
    }


@pytest.mark.parametrize("level", ["1", "2", "3"])
def test_a_stop_that_could_have_been_reduce_only_and_is_not_goes(level: str) -> None:
    result = cleared(faced("okx", f"level={level}", mode="keep-protective", orders=40))
    assert not_reducing(result)
    assert not not_reducing(result) & ids(result.left)


@pytest.mark.parametrize("fault", ["level=4", "level=7", "edge=404~account/config"])
def test_in_portfolio_margin_nobody_knows_which_stop_only_reduces(fault: str) -> None:
    """Then it is kept with the protective orders, and open: without them nothing is kept."""
    result = faced("okx", fault, mode="keep-protective", orders=40, deadline=10.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.OPEN, 10)
    assert ids(result.left) - result.ended("kept") == not_reducing(result)
    cleared(faced("okx", fault, orders=40))


# --- event contracts, pages, sites -----------------------------------------------------------------------------------


def test_event_contracts_among_the_others_are_cancelled_once() -> None:
    result = cleared(faced("okx", "events-among", orders=40))
    shown = Counter(row.order.id for row in result.report.orders)
    assert set(shown.values()) == {1}


@pytest.mark.faults
def test_pages_that_go_in_circles_never_prove_anything() -> None:
    result = faced("okx", "cursor-loop", "ack-only", orders=800, options={"instrument_type": ["SWAP"]}, deadline=6.0)
    assert result.verdict in (Verdict.OPEN, Verdict.UNPROVEN)
    cleared(faced("okx", "cursor-loop", orders=800, options={"instrument_type": ["SWAP"]}, deadline=40.0))


def test_what_is_out_of_scope_fills_pages_and_hides_nothing() -> None:
    """Listings of several instruments are narrowed here: whole pages may hold nothing in scope."""
    options = {"instrument": ["BTC-USDT", "DOGE-USDT"]}

    def many(fake: FakeVenue, account: Account) -> None:
        made = template("orders", "ETH-USDT", "buy", "1", "limit", {"instType": "SPOT"})
        fake.put_stock(account, [made], 900)

    result = cleared(faced("okx", before=many, options=options))
    assert len(result.left) > 900
    assert {order.symbol for order in result.stock} - {order.symbol for order in result.left} == {"DOGE-USDT"} or not [
        order for order in result.left if order.symbol in ("BTC-USDT", "DOGE-USDT") and order.segment != "spreads"
    ]


def test_a_site_that_may_have_no_spreads_is_cleared_without_them() -> None:
    result = faced("okx", environment="eea")
    assert (result.verdict, {order.segment for order in result.left}) == (Verdict.CLEAR, {"spreads"})
    assert any("spread orders (this site may have none" in words for words in result.report.not_covered)
    cleared(faced("okx", environment="eea", options={"instrument_type": ["SPREAD"]}))


@pytest.mark.parametrize(("environment", "exit_code"), [("demo", 0), ("us-demo", 0), ("live", 4)])
def test_a_key_of_demo_trading(environment: str, exit_code: int, home: Path) -> None:
    with simulator.start("okx", orders=12, faults=["demo"]) as server:
        table = profile_table("okx", server, environment=environment)
        config = write_config(home / "c.toml", {"okx": table})
        ran = cancelall("okx", "--config", str(config), "--json", home=home)
    assert ran.code == exit_code, ran.err
    if exit_code:
        assert ran.line["error"]["kind"] == "environment"
        assert "needs environment demo" in ran.line["error"]["hint"]


def test_what_a_person_sees_of_a_key_of_another_site(home: Path) -> None:
    with simulator.start("okx", orders=4, faults=["key"]) as server:
        config = write_config(home / "c.toml", {"okx": profile_table("okx", server)})
        ran = cancelall("okx", "--config", str(config), home=home)
    assert ran.code == 4
    words = " ".join((ran.out + ran.err).split())
    assert "50119 API key doesn't exist" in words
    assert "another OKX site" in words


def test_what_a_partly_filled_parent_leaves_without_its_stop_is_said() -> None:
    with simulator.start("okx", orders=0) as server:
        extra: dict[str, Any] = {"instType": "SPOT", "attachAlgoOrds": [{"attachAlgoId": "1"}]}
        made = template("orders", "BTC-USDT", "buy", "100", "limit", extra, left="0.6")
        server.fake.put_stock(server.account, [made], 1)
        report = kill("okx", server)
    (row,) = report.orders
    assert (row.state.value, row.reason) == ("cancelled", "0.4 filled before, and its TP/SL are gone")


def test_the_first_request_is_the_cancel_that_needs_to_know_nothing() -> None:
    result = cleared(faced("okx"))
    assert result.paths[0] == "POST /api/v5/sprd/mass-cancel"
    assert {path for path in result.paths if "cancel-all-after" in path or "trade/mass-cancel" in path} == set()
    assert result.log[0].at == START
