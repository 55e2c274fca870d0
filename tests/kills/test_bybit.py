"""The kill on a Bybit account behind a socket: what is sent, what is left, what is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator import SimServer
from support import kill, paths, profile_table, states, swept

SEVEN = ["strategy", "linear USDT", "linear USDC", "inverse", "spot", "option", "spread"]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    settings: dict[str, Any] = getattr(request, "param", {})
    with simulator.start("bybit", **{"orders": 40, **settings}) as running:
        yield running


def with_faults(*faults: str, orders: int = 40, **more: Any) -> Any:
    return pytest.mark.parametrize("server", [{"faults": faults, "orders": orders, **more}], indirect=True)


def test_everything_goes_and_is_proven_gone(server: SimServer) -> None:
    kinds = {(order.segment, order.kind) for order in server.open_orders()}
    assert len(kinds) > 12
    before = {order.id for order in server.open_orders()}
    report = kill("bybit", server)
    assert server.open_orders() == []
    assert report.verdict is Verdict.CLEAR
    assert report.exit_status == 0
    assert [(segment.name, segment.verdict.value) for segment in report.segments] == [(name, "clear") for name in SEVEN]
    assert before <= {row.order.id for row in report.orders}
    assert {row.state.value for row in report.orders} == {"cancelled"}
    assert server.fake.strategies_alive(server.account) == []  # type: ignore[attr-defined]


def test_the_first_request_is_a_cancel(server: SimServer) -> None:
    kill("bybit", server)
    assert paths(server)[0] in ("POST /v5/order/cancel-all", "POST /v5/spread/order/cancel-all")


@with_faults(orders=3800)
def test_more_than_the_cap_of_five_hundred_random_orders(server: SimServer) -> None:
    assert sum(order.segment == "linear" for order in server.open_orders()) >= 1700
    report = kill("bybit", server, deadline=20)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


@with_faults("ack-only", orders=12)
def test_success_that_cancels_nothing_is_open(server: SimServer) -> None:
    left = {order.id for order in server.open_orders()}
    report = kill("bybit", server, options={"category": ["linear", "spot"]}, deadline=1.5)
    assert report.verdict is Verdict.OPEN
    assert report.exit_status == 10
    listed = {row.order.id for row in report.orders if row.state.value in ("open", "failed")}
    assert listed <= left
    assert len(listed) >= 5


@with_faults("listing-fails")
def test_a_listing_that_fails_proves_nothing(server: SimServer) -> None:
    report = kill("bybit", server, deadline=1.5)
    assert report.verdict is Verdict.UNPROVEN
    assert report.exit_status == 11
    assert {segment.listings for segment in report.segments} == {0}


@pytest.mark.parametrize(
    "fault",
    ["json:listing=[]", "json:listing={}", "truncated:listing", "empty-body:listing", "html:listing"],
)
def test_an_unreadable_listing_is_never_empty(fault: str) -> None:
    with simulator.start("bybit", orders=12, faults=[fault]) as server:
        report = kill("bybit", server, options={"category": ["linear", "strategy"]}, deadline=1.2)
    assert report.verdict is Verdict.UNPROVEN


def test_a_null_that_stays_in_the_place_of_a_list_is_an_empty_one() -> None:
    with simulator.start("bybit", orders=12, faults=["null-lists"]) as server:
        report = kill("bybit", server)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


@pytest.mark.parametrize(
    "fault",
    [
        "ack-list=absent",
        "ack-list=null",
        "success=missing",
        "success=0@2",
        "error-500=0.2",
        "html@3",
        "reset-after:cancel@3",
        "fin-after:cancel@2",
        "error-after:cancel@2",
        "truncated:cancel@2",
        "maintenance@3",
        "partial@2",
        "json:cancel=[]@2",
    ],
)
def test_troubles_that_pass_end_clear(fault: str) -> None:
    with simulator.start("bybit", faults=[fault]) as server:
        report = kill("bybit", server, deadline=8)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


@pytest.mark.parametrize("seconds", [-600, -5, 2, 600])
def test_a_wrong_clock_is_repaired_from_the_refusal(seconds: int) -> None:
    with simulator.start("bybit", faults=[f"clock={-seconds}"]) as server:
        report = kill("bybit", server, options={"settle_coin": "USDT"})
        assert report.verdict is Verdict.CLEAR
        assert [one.status for one in server.requests if one.path == "/v5/order/cancel-all"][-1] == 200


@with_faults("key")
def test_a_refused_key_is_tried_no_further(server: SimServer) -> None:
    report = kill("bybit", server)
    assert report.verdict is Verdict.REFUSED
    assert report.error is not None
    assert report.error.kind == "auth"
    assert "key and host do not match" in report.error.hint
    sent = [(request.path, request.query, request.body) for request in server.requests]
    assert len(sent) == len(set(sent))  # the first volley, and nothing twice


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [("ip", "ip", 4), ("region", "region", 4), ("redirect=http://127.0.0.1:9/", "redirect", 4)],
)
def test_refusals(fault: str, kind: str, code: int) -> None:
    with simulator.start("bybit", faults=[fault]) as server:
        report = kill("bybit", server, deadline=2)
    assert report.error is not None
    assert (report.error.kind, report.exit_status) == (kind, code)


def test_one_refused_product_leaves_the_others_alone() -> None:
    with simulator.start("bybit", faults=["permission=option"]) as server:
        report = kill("bybit", server, deadline=4)
        left = {order.segment for order in server.open_orders()}
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert verdicts["spot"] is Verdict.CLEAR
    assert verdicts["option"] in (Verdict.REFUSED, Verdict.OPEN)
    assert report.exit_status in (4, 10)
    assert left == {"option"}


@pytest.mark.parametrize("code", ["10028", "10020"])
def test_a_product_that_the_account_lacks_is_absent(code: str) -> None:
    with simulator.start("bybit", faults=[f"lacks=option/{code}"]) as server:
        report = kill("bybit", server)
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert verdicts["option"] is Verdict.ABSENT
    assert report.verdict is Verdict.CLEAR
    (absent,) = (segment for segment in report.segments if segment.name == "option")
    assert code in (absent.detail or "")


@pytest.mark.parametrize("code", ["110132", "10024", "10027", "10008", "10009", "110067", "181014", "110102"])
@pytest.mark.faults
def test_a_product_that_is_refused_may_still_hold_orders(code: str) -> None:
    """A region, a ban, a mode: what rests there nobody can see, and the other products are not concerned."""
    with simulator.start("bybit", faults=[f"lacks=option/{code}"]) as server:
        report = kill("bybit", server, deadline=3)
        left = {order.segment for order in server.open_orders()}
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert verdicts.pop("option") is Verdict.REFUSED
    assert set(verdicts.values()) == {Verdict.CLEAR}
    assert (report.verdict, report.exit_status, left) == (Verdict.REFUSED, 4, {"option"})


@pytest.mark.parametrize("product", ["linear", "inverse", "spot"])
@pytest.mark.faults
def test_what_every_account_has_is_never_absent(product: str) -> None:
    with simulator.start("bybit", faults=[f"lacks={product}"]) as server:
        report = kill("bybit", server, deadline=3)
        assert {order.segment for order in server.open_orders()} == {product}
    assert Verdict.ABSENT not in {segment.verdict for segment in report.segments}
    assert report.exit_status in (10, 11)


@pytest.mark.parametrize("fault", ["lacks=linear@7", "lacks=spot@15", "lacks=option@3"])
def test_an_account_that_is_just_being_upgraded_is_swept_when_it_is(fault: str) -> None:
    with simulator.start("bybit", faults=[fault]) as server:
        report = kill("bybit", server, deadline=12)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


def test_a_gateways_404_says_nothing_of_a_product() -> None:
    with simulator.start("bybit", faults=["lacks=option/404"]) as server:
        report = kill("bybit", server, deadline=3)
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert verdicts.pop("option") in (Verdict.UNPROVEN, Verdict.REFUSED)
    assert set(verdicts.values()) == {Verdict.CLEAR}
    assert report.exit_status in (4, 11)


@pytest.mark.parametrize(
    "fault", ["lacks=linear/404@6", "lacks=spot/404@9", "html=404@12", "html=403@2", "status=401@2"]
)
def test_a_gateways_word_that_passes_leaves_nothing(fault: str) -> None:
    with simulator.start("bybit", faults=[fault]) as server:
        report = kill("bybit", server, deadline=12)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


FIELDS = ["price", "createdTime/1.5", "reduceOnly/maybe", "orderStatus/null", "stopOrderType", "side"]


@pytest.mark.parametrize("field", [*FIELDS, "symbol/null@9", "orderId@9", "orderId/null@9"])
def test_an_odd_row_keeps_no_order_from_going(field: str) -> None:
    with simulator.start("bybit", faults=[f"odd-field={field}"]) as server:
        report = kill("bybit", server, deadline=10)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


@pytest.mark.parametrize("field", ["price", "createdTime/1.5", "side"])
@pytest.mark.faults
def test_an_odd_row_costs_the_proof_and_no_cancel_by_name(field: str) -> None:
    with simulator.start("bybit", orders=60, faults=[f"odd-field={field}"]) as server:
        keep = {order.id for order in server.open_orders() if protective(order)}
        options = {"keep_protective": True, "category": ["linear", "inverse", "strategy"]}
        report = kill("bybit", server, options=options, deadline=6)
        left = {order.id for order in server.open_orders() if order.segment in ("linear", "inverse")}
    assert left <= keep
    assert report.verdict is not Verdict.CLEAR


@pytest.mark.parametrize("fault", ["cursor-stays", "empty-page"])
@pytest.mark.faults
def test_cursors_as_they_were_seen_keep_no_proof_away(fault: str) -> None:
    with simulator.start("bybit", orders=400, faults=[fault]) as server:
        keep = {order.id for order in server.open_orders() if order.segment == "linear" and protective(order)}
        assert len(keep) > 51
        options = {"keep_protective": True, "category": ["linear", "strategy"]}
        report = kill("bybit", server, options=options, deadline=15)
        assert {order.id for order in server.open_orders() if order.segment == "linear"} == keep
    assert report.verdict is Verdict.CLEAR, report


def test_a_refused_page_costs_that_listing_only() -> None:
    """Its anchor was just cancelled: the next listing begins anew."""
    with simulator.start("bybit", orders=400, faults=["page-refused@3"]) as server:
        keep = {order.id for order in server.open_orders() if order.segment == "linear" and protective(order)}
        options = {"keep_protective": True, "category": ["linear", "strategy"]}
        report = kill("bybit", server, options=options, deadline=15)
        assert {order.id for order in server.open_orders() if order.segment == "linear"} == keep
    assert report.verdict is Verdict.CLEAR, report


@pytest.mark.parametrize("fault", ["no-batch", "no-batch=10017", "no-batch=10005"])
def test_an_account_without_a_batch_cancels_one_by_one(fault: str) -> None:
    with simulator.start("bybit", orders=80, faults=[fault]) as server:
        keep = {order.id for order in server.open_orders() if order.segment == "linear" and protective(order)}
        options = {"keep_protective": True, "category": ["linear", "strategy"]}
        report = kill("bybit", server, options=options, deadline=15)
        assert {order.id for order in server.open_orders() if order.segment == "linear"} == keep
    assert report.verdict is Verdict.CLEAR, report


@pytest.mark.parametrize("code", ["110110", "110112"])
def test_spread_trading_that_is_off_is_told_by_its_listing(code: str) -> None:
    with simulator.start("bybit", orders=0, faults=[f"lacks:cancel=spread/{code}"]) as server:
        report = kill("bybit", server)
        assert report.verdict is Verdict.CLEAR
        server.set_faults([f"lacks=spread/{code}"])
        report = kill("bybit", server, deadline=3)
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert (verdicts["spread"], report.exit_status) == (Verdict.REFUSED, 4)


def test_a_host_that_is_not_there_is_unreachable() -> None:
    with simulator.start("bybit") as server:
        table = profile_table("bybit", server)
    (report,) = swept({"bybit": table}, deadline=1.0)
    assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)


def test_a_dry_run_changes_nothing(server: SimServer) -> None:
    before = server.open_orders()
    report = kill("bybit", server, dry_run=True)
    assert server.open_orders() == before
    assert not any(request.changes for request in server.requests)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 0)
    assert states(report) == {"open": len(before) + len(server.fake.strategies_alive(server.account))}  # type: ignore[attr-defined]
    assert 'POST /v5/order/cancel-all {"category":"linear","settleCoin":"USDT"}' in report.would_send
    assert not any("sign" in words.lower() for words in report.would_send)


def protective(order: simulator.SimOrder) -> bool:
    """What can only shrink a position, written down once more and not by the client."""
    if order.segment == "spot":
        return order.kind in ("Stop", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder") and order.side == "sell"
    stop = str(order.extra.get("stopOrderType", ""))
    closing = ("TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss", "MmRateClose")
    return order.reduce_only or bool(order.extra.get("closeOnTrigger")) or stop in closing


@with_faults(orders=80)
def test_keep_protective_is_exact(server: SimServer) -> None:
    keep = {order.id for order in server.open_orders() if protective(order)}
    assert len(keep) > 8
    report = kill("bybit", server, options={"keep_protective": True}, deadline=10)
    assert {order.id for order in server.open_orders()} == keep
    assert report.verdict is Verdict.CLEAR
    assert {row.order.id for row in report.orders if row.state.value == "kept"} == keep


@with_faults(orders=160)
def test_orders_of_a_batch_that_exceed_the_limit_go_again(server: SimServer) -> None:
    """Each order of a batch counts as a request: of twenty, ten fail by themselves under an answer that says OK."""
    options = {"settle_coin": "USDT", "keep_protective": True}
    mine = [one for one in server.open_orders() if one.segment == "linear" and settle(one) == "USDT"]
    going = {one.id for one in mine if not protective(one)}
    assert len(going) > 20
    report = kill("bybit", server, options=options, deadline=20)
    assert report.verdict is Verdict.CLEAR
    assert states(report) == {"cancelled": len(going), "kept": len(mine) - len(going)}
    batches = [one for one in server.requests if one.path == "/v5/order/cancel-batch"]
    asked = [item["orderId"] for one in batches for item in json.loads(one.body)["request"]]
    assert set(asked) == going
    assert len(asked) > len(going), "some were asked for twice"


@with_faults("fill=3")
def test_orders_that_filled_meanwhile_are_told_apart(server: SimServer) -> None:
    report = kill("bybit", server)
    filled = {order.id for order in server.closed_orders() if order.status == "filled"}
    assert len(filled) == 3
    assert {row.order.id for row in report.orders if row.state.value == "filled"} == filled


@with_faults("reappear=0.05@3", orders=12)
def test_orders_that_come_back_are_cancelled_and_reported(server: SimServer) -> None:
    report = kill("bybit", server, options={"category": ["linear", "strategy"]}, deadline=8)
    assert (report.verdict, [one for one in server.open_orders() if one.segment == "linear"]) == (Verdict.CLEAR, [])


@with_faults("reappear=0.05", orders=12)
def test_a_bot_that_keeps_placing_orders_is_open(server: SimServer) -> None:
    report = kill("bybit", server, options={"settle_coin": "USDT"}, deadline=2.5)
    assert report.verdict is not Verdict.CLEAR
    assert any("a bot is still running" in warning for warning in report.warnings)


@with_faults("hidden=0.8")
def test_orders_that_the_listing_hides_for_less_than_the_gap_are_caught(server: SimServer) -> None:
    report = kill("bybit", server, scale=1.0, deadline=10)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


@with_faults("rate-limit=1")
def test_a_strict_rate_limit_is_waited_out(server: SimServer) -> None:
    report = kill("bybit", server, options={"category": ["spread"]}, deadline=15)
    assert report.verdict is Verdict.CLEAR


@with_faults("cursor-loop", orders=200)
def test_a_cursor_that_goes_in_circles_never_proves_anything(server: SimServer) -> None:
    report = kill("bybit", server, options={"settle_coin": "USDT", "keep_protective": True}, deadline=2)
    assert report.verdict in (Verdict.OPEN, Verdict.UNPROVEN)


@with_faults("unknown-status", orders=12)
def test_a_status_that_nobody_documented_is_open(server: SimServer) -> None:
    report = kill("bybit", server, options={"category": ["linear"]}, dry_run=True)
    assert report.verdict is Verdict.OPEN


def test_selectors_leave_the_rest_of_the_account_alone(server: SimServer) -> None:
    others = {order.id for order in server.open_orders() if not (order.segment == "linear" and settle(order) == "USDT")}
    report = kill("bybit", server, options={"settle_coin": "USDT"}, scale=1.0, deadline=10)
    assert report.verdict is Verdict.CLEAR, "no strategy that runs on may place orders in the venue's own example"
    assert dict(report.scope) == {"settle_coin": "USDT"}
    assert {order.id for order in server.open_orders()} == others
    assert [segment.name for segment in report.segments] == ["linear USDT"]


def settle(order: simulator.SimOrder) -> str:
    return "USDT" if "USDT" in order.symbol else "USDC"


@pytest.mark.parametrize(
    ("options", "right"),
    [({"symbol": ["BTCUSTD"]}, "BTCUSDT"), ({"base_coin": "BCT"}, "BTC"), ({"settle_coin": "BTX"}, "BTC")],
)
def test_a_misspelt_selector_is_never_clear(server: SimServer, options: dict[str, object], right: str) -> None:
    report = kill("bybit", server, options=options)
    assert report.verdict is Verdict.UNPROVEN
    assert report.error is not None
    assert f'did you mean "{right}"' in report.error.message


def test_an_option_of_another_coin_and_a_pre_market_contract_are_known(server: SimServer) -> None:
    known = server.fake.instruments  # type: ignore[attr-defined]
    option = next(one.symbol for one in known.of("option") if one.base == "ETH")
    contract = next(one.symbol for one in known.of("linear") if one.status == "PreLaunch")
    before = server.open_orders()
    for symbol in (option, contract):
        assert kill("bybit", server, options={"symbol": [symbol]}).verdict is Verdict.CLEAR
    assert server.open_orders() == before


def test_a_base_coin_reaches_its_options_and_no_others(server: SimServer) -> None:
    options = {"category": ["option"], "base_coin": "ETH"}
    assert kill("bybit", server, options=options).verdict is Verdict.CLEAR
    assert not [request for request in server.requests if request.changes]
    assert kill("bybit", server, options={**options, "base_coin": "BTC"}).verdict is Verdict.CLEAR
    assert not [order for order in server.open_orders() if order.segment == "option"]


def test_a_symbol_goes_to_every_product_that_can_hold_it(server: SimServer) -> None:
    report = kill("bybit", server, options={"symbol": ["BTCUSDT"]})
    assert report.verdict is Verdict.CLEAR
    assert [segment.name for segment in report.segments] == ["strategy", "linear", "spot"]
    assert not [order for order in server.open_orders() if order.symbol == "BTCUSDT"]
    assert [order for order in server.open_orders() if order.symbol == "ETHUSDT"]


def test_a_wrong_key_beside_a_good_one_changes_nothing_for_it(server: SimServer) -> None:
    with simulator.start("bybit", faults=["key"]) as refusing:
        tables = {"good": profile_table("bybit", server), "bad": profile_table("bybit", refusing)}
        good, bad = swept(tables)
    assert (good.verdict, bad.verdict) == (Verdict.CLEAR, Verdict.REFUSED)
    assert server.open_orders() == []


def test_every_attempt_is_signed_afresh() -> None:
    with simulator.start("bybit", faults=["error-after:cancel@4"]) as server:
        report = kill("bybit", server, options={"settle_coin": "USDT"}, deadline=8)
        stamps = [int(request.headers["x-bapi-timestamp"]) for request in server.requests if request.changes]
    assert report.verdict is Verdict.CLEAR
    assert len(stamps) >= 2
    assert stamps == sorted(stamps)  # two tries may fall into one millisecond
    signatures = {request.headers["x-bapi-sign"] for request in server.requests if request.changes}
    assert len(signatures) >= len(set(stamps))


def test_the_listing_asks_for_every_page_and_every_pass(server: SimServer) -> None:
    kill("bybit", server, options={"category": ["spot"]}, dry_run=True)
    filters = {request.query for request in server.requests if "cursor" not in request.query}
    assert filters == {
        "category=spot&limit=50&openOnly=0" + (f"&orderFilter={kind}" if kind else "")
        for kind in ("", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
    }


def test_bodies_are_compact_and_hold_no_null(server: SimServer) -> None:
    kill("bybit", server)
    sent = [request.body for request in server.requests if request.method == "POST"]
    assert sent
    for body in sent:
        assert b": " not in body
        assert b"null" not in body
        assert json.dumps(json.loads(body), separators=(",", ":")).encode() == body
