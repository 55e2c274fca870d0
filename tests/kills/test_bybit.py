"""The kill on a Bybit account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator.bybit import state as bybit_state
from kills.truth import BYBIT
from kills.virtual import Faced, cleared, faced, ids
from soak import schedule
from support import profile_table, states, swept

LINEAR = BYBIT.product


def kept(fault: str, orders: int) -> Faced:
    """A kill of linear contracts and strategies that keeps what is protective, exactly."""
    result = cleared(faced("bybit", fault, mode="keep-protective", orders=orders, options=LINEAR))
    linear = [order for order in result.stock if order.segment == "linear"]
    keep = {order.id for order in linear if result.holds(order, "protective")}
    assert {order.id for order in result.left if order.segment == "linear"} == keep
    return result


@pytest.mark.parametrize("product", ["linear", "inverse", "spot"])
def test_what_every_account_has_is_never_absent(product: str) -> None:
    result = faced("bybit", f"lacks={product}", deadline=10.0)
    assert {order.segment for order in result.left} == {product}
    assert "absent" not in result.segments.values()
    assert result.report.exit_status in (10, 11)


def test_a_gateways_404_says_nothing_of_a_product() -> None:
    result = faced("bybit", "lacks=option/404", deadline=10.0)
    assert result.segments.pop("option") in ("unproven", "refused")
    assert {verdict for name, verdict in result.segments.items() if name != "option"} == {"clear"}
    assert result.report.exit_status in (4, 11)


@pytest.mark.parametrize("field", ["price", "createdTime/1.5", "side"])
def test_an_odd_row_costs_the_proof_and_no_cancel_by_name(field: str) -> None:
    options = {"category": ["linear", "inverse", "strategy"]}
    result = faced("bybit", f"odd-field={field}", mode="keep-protective", orders=60, options=options)
    left = [order for order in result.left if order.segment in ("linear", "inverse")]
    assert all(result.holds(order, "protective") for order in left)
    assert result.verdict is not Verdict.CLEAR


@pytest.mark.parametrize("fault", ["cursor-stays", "odd-way=empty", "page-refused@3"])
def test_cursors_as_they_were_seen_keep_no_proof_away(fault: str) -> None:
    """The anchor of a refused page was just cancelled: the next listing begins anew."""
    assert len(ids(kept(fault, 400).left)) > 51


@pytest.mark.parametrize("fault", ["no-batch", "no-batch=10017", "no-batch=10005"])
def test_an_account_without_a_batch_cancels_one_by_one(fault: str) -> None:
    kept(fault, 80)


@pytest.mark.parametrize("code", ["110110", "110112"])
def test_spread_trading_that_is_off_is_told_by_its_listing(code: str) -> None:
    cleared(faced("bybit", f"lacks:cancel=spread/{code}", orders=0))
    result = faced("bybit", f"lacks=spread/{code}", orders=0, deadline=10.0)
    assert (result.segments["spread"], result.report.exit_status) == ("refused", 4)


def test_orders_of_a_batch_that_exceed_the_limit_go_again() -> None:
    """Each order of a batch counts as a request: of twenty, ten fail by themselves under an answer that says OK."""
    result = cleared(faced("bybit", mode="keep-protective", orders=160, options={"settle_coin": "USDT"}))
    mine = [order for order in result.stock if result.holds(order, "in_scope")]
    going = {order.id for order in mine if not result.holds(order, "protective")}
    assert len(going) > 20
    assert states(result.report) == {"cancelled": len(going), "kept": len(mine) - len(going)}
    batches = [one.request.body for one in result.log if one.request.path == "/v5/order/cancel-batch"]
    named = [item["orderId"] for body in batches for item in json.loads(body)["request"]]
    assert set(named) == going
    assert len(named) > len(going), "some were named twice"


def test_a_strict_rate_limit_is_waited_out() -> None:
    cleared(faced("bybit", "rate-limit=1", options={"category": ["spread"]}))


def test_an_option_of_another_coin_and_a_pre_market_contract_are_known() -> None:
    known: Any = simulator.create("bybit", orders=0).instruments  # type: ignore[attr-defined]
    option = next(one.symbol for one in known.of("option") if one.base == "ETH")
    contract = next(one.symbol for one in known.of("linear") if one.status == "PreLaunch")
    for symbol in (option, contract):
        result = cleared(faced("bybit", options={"symbol": [symbol]}))
        assert ids(result.left) == ids(result.stock)


def test_a_base_coin_without_options_cancels_none_of_another() -> None:
    result = cleared(faced("bybit", options={"category": ["option"], "base_coin": "ETH"}))
    assert not result.changes


def test_a_wrong_key_of_another_profile_changes_nothing_for_it() -> None:
    with simulator.start("bybit", orders=40) as server, simulator.start("bybit", faults=["key"]) as refusing:
        tables = {"good": profile_table("bybit", server), "bad": profile_table("bybit", refusing)}
        good, bad = swept(tables)
        assert server.open_orders() == []
    assert (good.verdict, bad.verdict) == (Verdict.CLEAR, Verdict.REFUSED)


def test_the_listing_asks_for_every_page_and_every_pass() -> None:
    result = faced("bybit", mode="dry-run", options={"category": ["spot"]})
    assert {one.request.query for one in result.log if "cursor" not in one.request.query} == {
        "category=spot&limit=50&openOnly=0" + (f"&orderFilter={kind}" if kind else "")
        for kind in ("", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
    }


@pytest.mark.parametrize("options", [{"client_id": ["mine-"]}, {"not_client_id": ["mine-"]}])
def test_what_has_no_cancel_by_name_stays_where_client_ids_select(options: dict[str, Any]) -> None:
    """OCO and bidirectional spot orders go by symbol alone, with whatever others have placed there meanwhile."""
    result = faced("bybit", options={"category": ["spot"], **options}, orders=80, deadline=8.0)
    waiting = (order for order in result.stock if order.kind in schedule.PAIRS and not bybit_state.triggered(order))
    pairs = {order.id for order in waiting}
    wanted = {order.id for order in result.stock if result.holds(order, "wanted")}
    assert len(pairs) > 4
    assert {one.request.path for one in result.log if one.kind.changes} <= {
        "/v5/order/cancel",
        "/v5/order/cancel-batch",
    }
    assert (result.verdict is Verdict.CLEAR) is not bool(pairs & wanted)
    assert result.ended("open") == pairs & wanted
    assert ids(result.left) == ids(result.stock) - (wanted - pairs)
