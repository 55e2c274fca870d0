"""The kill on the embedded AscendEX, over real sockets: the client's own signer against the exchange's own checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.simulator import LoggedRequest, SimOrder, SimServer
from cancelall.venues.ascendex import venue as ascendex
from support import cancelall, kill, paths, profile_table, swept, write_config

INFO = "GET /api/pro/v1/info"


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is for the venue's sake: here it would only take time. One test keeps to it."""
    monkeypatch.setattr(ascendex, "VENUE", replace(ascendex.VENUE, limits={}))


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    with start(**getattr(request, "param", {})) as running:
        yield running


def start(*faults: str, **more: Any) -> SimServer:
    return simulator.start("ascendex", **{"limits": False, "faults": faults, **more})


def with_faults(*faults: str, **more: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("server", [{"faults": faults, **more}], indirect=True, ids=["-".join(faults)])


def signed(server: SimServer) -> list[LoggedRequest]:
    """Signed requests in the order in which they were signed, cancels first: on two connections, arrivals may cross."""
    found = [request for request in server.requests if "x-auth-timestamp" in request.headers]
    return sorted(found, key=lambda request: (int(request.headers["x-auth-timestamp"]), not request.changes))


def kill_without_group(server: SimServer, **more: Any) -> ProfileReport:
    """A profile that does not name its account group."""
    table = profile_table("ascendex", server, **more.pop("options", {}))
    del table["account_group"]
    (report,) = swept({"ascendex": table}, **more)
    return report


def verdicts(report: ProfileReport) -> dict[str, str]:
    return {segment.name: segment.verdict.value for segment in report.segments}


def left(server: SimServer, ledger: str | None = None) -> set[str]:
    return {order.id for order in server.open_orders() if ledger in (None, order.segment)}


# --- the main command -----------------------------------------------------------------------------------------------


def test_the_command_takes_its_selectors(server: SimServer, home: Path) -> None:
    config = write_config(home / "c.toml", {"ascendex": profile_table("ascendex", server)})
    words = ["--config", str(config), "--json", "--account-category", "futures", "--symbol", "BTC-PERP"]
    others = {order.id for order in server.open_orders() if order.symbol != "BTC-PERP"}
    ran = cancelall("ascendex", *words, home=home)
    assert (ran.code, left(server)) == (0, others)
    assert ran.line["scope"] == {"account_category": ["futures"], "symbol": ["BTC-PERP"]}


def test_the_command_refuses_selectors_that_fit_nothing(server: SimServer, home: Path) -> None:
    config = write_config(home / "c.toml", {"ascendex": profile_table("ascendex", server)})
    words = ["--config", str(config), "--account-category", "cash", "--symbol", "BTC-PERP"]
    ran = cancelall("ascendex", *words, home=home)
    assert ran.code == 2
    assert "BTC-PERP cannot be in cash" in ran.err
    assert server.requests == []


def test_the_pace_keeps_within_the_fakes_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with start(limits=True, orders=80) as server:
        report = kill("ascendex", server, options={"keep_protective": True}, deadline=10)
        assert report.verdict is Verdict.CLEAR
        assert {request.status for request in server.requests} == {200}


def test_a_proof_is_two_listings_of_each_ledger_and_the_account_info(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert report.verdict is Verdict.CLEAR
    assert INFO in paths(server)
    assert all(segment.listings >= 2 for segment in report.segments)
    assert report.requests == len(server.requests)


@with_faults(orders=5000)
def test_five_thousand_orders(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=15)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert any("recent history" in warning for warning in report.warnings)


# --- the account group ----------------------------------------------------------------------------------------------


def test_group_zero_of_the_profile_is_used_at_once(server: SimServer) -> None:
    assert server.account_options == {"account_group": 0}
    report = kill("ascendex", server)
    assert report.verdict is Verdict.CLEAR
    assert signed(server)[0].path.startswith("/0/api/pro/")
    assert signed(server)[0].changes
    assert paths(server).count(INFO) == 1


def test_without_a_group_the_account_info_is_the_one_read_before_the_first_cancel() -> None:
    with start(orders=12) as server:
        account = server.add_account(orders=20)
        table = {**profile_table("ascendex", server), "credentials": dict(account.credentials)}
        del table["account_group"]
        (report,) = swept({"mm": table})
        asked = paths(server)
        assert report.verdict is Verdict.CLEAR
        assert server.open_orders(account) == []
        assert len(server.open_orders()) == 12
        assert [request.changes for request in signed(server)[:4]] == [False, True, True, True]
    assert asked[0] == INFO
    assert asked.count(INFO) == 1
    assert all(path.split(" ")[1].startswith("/1/api/pro/") for path in asked[1:])


def test_without_a_group_symbols_are_looked_up_after_the_first_cancel(server: SimServer) -> None:
    report = kill_without_group(server, options={"symbol": ["BTC/USDT"]})
    assert report.verdict is Verdict.CLEAR
    asked = paths(server)
    assert asked[0] == INFO
    assert {"GET /api/pro/v1/cash/products", "GET /api/pro/v1/margin/products"} <= set(asked[1:])
    assert [request.changes for request in signed(server)[:2]] == [False, True]


@with_faults("error-500:read=1")
def test_without_a_group_a_failing_account_info_is_unproven(server: SimServer) -> None:
    report = kill_without_group(server, deadline=1.5)
    assert (report.verdict, report.exit_status, report.segments) == (Verdict.UNPROVEN, 11, ())
    assert report.error is not None
    assert report.error.message.startswith("could not be read: account group (510001")
    assert set(paths(server)) == {INFO}
    assert len(server.open_orders()) == 40


@with_faults("error-500:read=1@2")
def test_without_a_group_the_account_info_is_asked_until_it_answers(server: SimServer) -> None:
    report = kill_without_group(server, deadline=8)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert paths(server).count(INFO) == 3


@pytest.mark.parametrize("fault", ["json:read=[]", "json:read={}", 'json:read={"code":0,"data":{}}', "truncated:read"])
def test_without_a_group_an_unreadable_account_info_is_unproven(fault: str) -> None:
    with start(fault) as server:
        report = kill_without_group(server, deadline=1.5)
        assert (report.verdict, set(paths(server))) == (Verdict.UNPROVEN, {INFO})


def test_without_a_group_silence_is_unreachable() -> None:
    with start("stall") as server:
        report = kill_without_group(server, deadline=1.0)
        assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)
    with start("reset-after") as server:
        report = kill_without_group(server, deadline=1.0)
        assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)
    assert report.error is not None
    assert report.error.kind == "network"


@with_faults("clock=600", "json:read={}@0")
def test_without_a_group_a_wrong_clock_is_repaired_first(server: SimServer) -> None:
    report = kill_without_group(server)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert paths(server)[:2] == [INFO, INFO]


@pytest.mark.parametrize(("fault", "kind"), [("key", "auth"), ("ip", "ip"), ("expired", "auth"), ("region", "region")])
@pytest.mark.faults
def test_without_a_group_a_refused_key_costs_the_account_info_alone(fault: str, kind: str) -> None:
    with start(fault) as server:
        report = kill_without_group(server, deadline=3)
        assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
        assert set(paths(server)) == {INFO}
    assert report.error is not None
    assert report.error.kind == kind


def test_without_a_group_a_dry_run_reads_only(server: SimServer) -> None:
    report = kill_without_group(server, dry_run=True)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 0)
    assert not any(request.changes for request in server.requests)
    assert "DELETE /0/api/pro/v1/cash/order/all {}" in report.would_send


@with_faults("foreign-group")
def test_a_wrong_group_that_looks_empty_is_never_clear(server: SimServer) -> None:
    report = kill("ascendex", server, options={"account_group": 7})
    assert set(verdicts(report).values()) == {"clear"}
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert report.error is not None
    assert report.error.message == "account_group is 7 in this profile, but 0 is the one of this key"
    assert len(server.open_orders()) == 40


@with_faults("foreign-group", "stall~/position")
def test_a_wrong_group_is_told_although_another_read_hangs(server: SimServer) -> None:
    report = kill("ascendex", server, options={"account_group": 7}, deadline=2.0)
    assert report.verdict is Verdict.UNPROVEN


def test_a_wrong_group_that_is_refused_is_told_the_right_one(server: SimServer) -> None:
    report = kill("ascendex", server, options={"account_group": 7})
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert "0 is the one of this key" in report.error.hint


@with_faults("group-moved=9")
def test_an_account_info_that_names_another_group_is_unproven(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert (report.verdict, server.open_orders()) == (Verdict.UNPROVEN, [])
    assert report.error is not None
    assert "account_group is 0 in this profile, but 9" in report.error.message


@with_faults("error-500:read=1~/info")
def test_a_missing_witness_is_unproven(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=2)
    assert (report.verdict, server.open_orders()) == (Verdict.UNPROVEN, [])
    assert report.error is not None
    assert "account group" in report.error.message


# --- what cannot be cancelled, or not be read -----------------------------------------------------------------------


@with_faults("conditional-left")
def test_conditional_orders_that_stay_are_cancelled_by_name(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=10)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    by_name = [request for request in server.requests if request.changes and not request.path.endswith("/all")]
    assert by_name
    for request in by_name:
        body = json.loads(request.body)
        assert all(isinstance(one["time"], int) for one in body.get("orders", [body]))


@with_faults("conditional-left", orders=300)
def test_many_conditional_orders_go_in_batches(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=10)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    batches = [request for request in server.requests if request.path.endswith("/order/batch")]
    assert batches
    assert all(len(json.loads(request.body)["orders"]) <= 10 for request in batches)


@pytest.mark.parametrize("newest", [True, False])
@with_faults("conditional-left", "unnamable", "stubborn=Liquidation", orders=100)
@pytest.mark.faults
def test_an_order_that_cannot_be_named_spoils_no_other_one_s_cancel(server: SimServer, newest: bool) -> None:
    """Its whole batch fails, however often it is sent."""
    fake, account = server.fake, server.account
    found = [order for order in server.open_orders() if order.segment == "futures"]
    like = found[0 if newest else -1]
    own = fake.place(account, SimOrder(**{**_fields(like), "id": "liquidation", "extra": {"execInst": "Liquidation"}}))
    report = kill("ascendex", server, options={"account_category": ["futures"]}, deadline=8)
    assert (report.verdict, left(server, "futures")) == (Verdict.OPEN, {own.id})


@with_faults("stubborn=StopLimit")
def test_orders_that_cannot_be_cancelled_are_listed(server: SimServer) -> None:
    stuck = {order.id for order in server.open_orders() if order.type == "stop_limit"}
    report = kill("ascendex", server, deadline=2.5)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    assert left(server) == stuck
    assert {row.order.id for row in report.orders if row.state.value in ("open", "failed")} == stuck


@with_faults("listing-fails~/margin/")
def test_one_ledger_that_cannot_be_read_spoils_the_proof_of_no_other(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=2)
    assert verdicts(report) == {"cash": "clear", "margin": "unproven", "futures": "clear"}
    assert report.exit_status == 11


def test_a_cancel_by_name_that_is_refused_does_not_undo_what_the_mass_cancel_proves() -> None:
    with start("ack-only@1", "permission=orderId") as server:
        report = kill("ascendex", server, deadline=8)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    by_name = [each for each in server.requests if each.changes and not each.path.endswith("/order/all")]
    assert by_name, "the orders that the first cancel left were named"
    with start("ack-only", "permission=orderId") as server:
        report = kill("ascendex", server, deadline=2)
        assert report.verdict is Verdict.OPEN
        assert report.error is not None
        assert report.error.kind == "permission"


# --- reading, keeping, filling --------------------------------------------------------------------------------------


def test_a_kind_without_a_meaning_is_kept_and_makes_the_ledger_open(server: SimServer) -> None:
    fake, account = server.fake, server.account
    like = next(order for order in server.open_orders() if order.segment == "futures")
    strange = fake.place(account, SimOrder(**{**_fields(like), "id": "strange", "extra": {"execInst": "PosStopMkt"}}))
    report = kill("ascendex", server, options={"keep_protective": True}, deadline=8)
    assert verdicts(report) == {"cash": "clear", "margin": "clear", "futures": "open"}
    assert strange.id in left(server)
    report = kill("ascendex", server)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, set())


def _fields(order: SimOrder) -> dict[str, Any]:
    return {name: getattr(order, name) for name in SimOrder.__dataclass_fields__}


def test_partial_fills_are_told(server: SimServer) -> None:
    report = kill("ascendex", server)
    notes = [row.reason for row in report.orders if row.reason]
    assert notes
    assert all(note.endswith("filled before") for note in notes)


def test_what_ended_before_the_run_is_not_told(server: SimServer) -> None:
    first = kill("ascendex", server, options={"account_category": ["cash"]})
    second = kill("ascendex", server)
    old = {row.order.id for row in first.orders}
    assert old
    assert not old & {row.order.id for row in second.orders}


@with_faults("error-500:read=1~/position")
def test_positions_that_cannot_be_read_are_a_warning(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert report.verdict is Verdict.CLEAR
    assert (
        "take-profits and stop-losses of positions: could not be read, so they were not looked for" in report.warnings
    )


# --- selectors ------------------------------------------------------------------------------------------------------


@with_faults("symbol-lost")
def test_a_symbol_that_got_lost_on_the_way_is_told(server: SimServer) -> None:
    report = kill("ascendex", server, options={"symbol": ["BTC/USDT"]})
    assert "cash: the cancel was for orders of BTC/USDT, and the answer is about every symbol" in report.warnings


@with_faults("capped=50", "ack-only", orders=300)
def test_a_listing_that_may_be_cut_off_proves_nothing(server: SimServer) -> None:
    """The cut hides all orders of the symbol: the page is full of others."""
    listed = [order.symbol for order in server.open_orders() if order.segment == "futures"][:50]
    symbol = "DOGE-PERP"
    for order in server.open_orders():
        if order.symbol == symbol:
            server.account.book.close(order.id, "cancelled", 0)
    like = next(order for order in server.open_orders() if order.segment == "futures")
    assert len(listed) == 50
    server.fake.place(server.account, SimOrder(**{**_fields(like), "id": "old", "symbol": symbol}))
    for number in range(50):  # younger ones stand before it
        server.fake.place(server.account, SimOrder(**{**_fields(like), "id": f"young-{number}", "symbol": "ETH-PERP"}))
    report = kill("ascendex", server, options={"symbol": [symbol]}, deadline=2)
    assert report.verdict is Verdict.UNPROVEN
    assert "may be cut off" in (report.segments[0].detail or "")


# --- the retired futures paths --------------------------------------------------------------------------------------

V1 = {"futures_api": "v1"}


@with_faults("futures-v1=alive")
def test_futures_v1_as_its_document_says(server: SimServer) -> None:
    report = kill("ascendex", server, options=V1)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    asked = paths(server)
    assert {path for path in asked if path.endswith("/futures/order/all")} == {
        "DELETE /0/api/pro/v1/futures/order/all",
        "DELETE /0/api/pro/v2/futures/order/all",
    }
    assert "GET /0/api/pro/v1/futures/order/open" in asked, "what it still shows would object"
    assert any("retired" in warning for warning in report.warnings)


@with_faults("futures-v1=alive", "status:listing=404~/v2/")
def test_futures_v1_proves_nothing_where_v2_does_not_answer(server: SimServer) -> None:
    report = kill("ascendex", server, options=V1, deadline=3)
    assert (report.verdict, server.open_orders()) == (Verdict.UNPROVEN, [])
    assert verdicts(report)["futures"] == "unproven"


@pytest.mark.parametrize("how", ["ack", "empty"])
def test_futures_v1_that_only_claims_to_work_costs_nothing(how: str) -> None:
    with start(f"futures-v1={how}") as server:
        report = kill("ascendex", server, options=V1, deadline=8)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    with start(f"futures-v1={how}", "ack-only:cancel~/v2/") as server:
        report = kill("ascendex", server, options=V1, deadline=2)
        assert report.verdict is Verdict.OPEN
        assert left(server, "futures")


def test_futures_v1_that_refuses_is_refused(server: SimServer) -> None:
    report = kill("ascendex", server, options=V1, deadline=3)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert verdicts(report) == {"cash": "clear", "margin": "clear", "futures": "refused"}
    assert left(server) == set(), "what v2 is told, it does"
