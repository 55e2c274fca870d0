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
from support import cancelall, kill, paths, profile_table, states, swept, write_config

LEDGERS = ["cash", "margin", "futures"]
INFO = "GET /api/pro/v1/info"


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What a first kill imports is not to be taken off the short deadlines below."""
    with start(orders=1) as server:
        kill("ascendex", server, dry_run=True)


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


def test_the_command_empties_an_account_that_holds_every_kind(server: SimServer, home: Path) -> None:
    before = left(server)
    config = write_config(home / "c.toml", {"ascendex": profile_table("ascendex", server)})
    ran = cancelall("ascendex", "--config", str(config), "--json", home=home)
    assert (ran.code, server.open_orders()) == (0, [])
    line = ran.line
    assert (line["verdict"], line["exit_code"], line["error"]) == ("clear", 0, None)
    assert [(one["name"], one["verdict"]) for one in line["segments"]] == [(name, "clear") for name in LEDGERS]
    assert {row["id"] for row in line["orders"]} == before
    assert line["counts"]["cancelled"] == len(before)
    assert "AscendEX was reported closed in July 2026" in " ".join(line["warnings"])
    assert any("BTC-PERP keeps its take-profit at 90000 and stop-loss at 50000" in one for one in line["warnings"])
    assert any("protective order(s)" in one for one in line["warnings"])
    assert "take-profits and stop-losses of positions" in line["not_covered"]
    assert line["scope"] == {}
    secret = server.credentials["api_secret"]
    assert secret not in ran.out + ran.err


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


def test_the_first_requests_are_cancels_and_each_has_a_json_body(server: SimServer) -> None:
    kill("ascendex", server)
    assert [request.method for request in signed(server)[:3]] == ["DELETE"] * 3
    for request in server.requests:
        if request.changes:
            assert request.body == b"{}"
            assert request.headers["content-type"] == "application/json"
        else:
            assert request.body == b""


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


@with_faults(orders=0)
def test_an_empty_account_is_clear(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert (report.verdict, report.orders) == (Verdict.CLEAR, ())
    assert not any("position" in warning for warning in report.warnings)


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


@with_faults("ack-only")
def test_an_ack_that_cancels_nothing_is_open(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=1.5)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    assert {row.order.id for row in report.orders if row.state.value in ("open", "failed")} == left(server)
    assert len(left(server)) == 40


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


@with_faults("listing-fails")
def test_a_listing_that_fails_proves_nothing(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=1.5)
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert {segment.listings for segment in report.segments} == {0}


@with_faults("listing-fails~/margin/")
def test_one_ledger_that_cannot_be_read_spoils_the_proof_of_no_other(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=2)
    assert verdicts(report) == {"cash": "clear", "margin": "unproven", "futures": "clear"}
    assert report.exit_status == 11


@pytest.mark.parametrize(
    "fault",
    [
        "json:listing=[]",
        "json:listing={}",
        'json:listing={"code":0}',
        "truncated:listing",
        "empty-body:listing",
        "html:listing=200",
        "duplicate-keys:listing",
    ],
)
@pytest.mark.faults
def test_an_unreadable_listing_is_never_empty(fault: str) -> None:
    faults = [fault, "ack-only"] if fault.startswith("duplicate") else [fault]
    with start(*faults, orders=12) as server:
        report = kill("ascendex", server, deadline=1.2)
    assert report.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("fault", ['json:listing={"code":0,"data":null}', "null-lists"])
def test_a_null_in_the_place_of_the_list_is_an_empty_one(fault: str) -> None:
    with start(fault, orders=12) as server:
        report = kill("ascendex", server, deadline=8)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


@with_faults("no-margin")
def test_a_ledger_that_the_account_lacks_is_absent(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=8)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, left(server, "margin"))
    assert verdicts(report) == {"cash": "clear", "margin": "absent", "futures": "clear"}


@pytest.mark.parametrize("silence", ["stall:listing~/margin/", "fin-after:listing~/margin/", "html:listing~/margin/"])
@pytest.mark.faults
def test_a_ledger_that_is_not_listed_is_not_absent_for_a_word_on_its_cancel(silence: str) -> None:
    with start("no-margin:cancel", silence) as server:
        report = kill("ascendex", server, deadline=3)
        assert left(server, "margin")
    assert report.verdict is not Verdict.CLEAR
    assert verdicts(report)["margin"] != "absent"


@with_faults("key")
def test_a_refused_key_is_tried_no_further(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert report.error.kind == "auth"
    sent = [(request.path, request.query, request.body) for request in server.requests]
    assert len(sent) == len(set(sent))  # the first volley, and nothing twice


def test_a_wrong_secret_is_refused(server: SimServer) -> None:
    table = profile_table("ascendex", server)
    table["credentials"] = {**server.credentials, "api_secret": "DUMMYwrong"}
    (report,) = swept({"ascendex": table})
    assert report.verdict is Verdict.REFUSED
    assert report.error is not None
    assert report.error.message == "200001 API signature mismatch"


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("ip", "ip", 4),
        ("expired", "auth", 4),
        ("region", "region", 4),
        ("redirect=http://127.0.0.1:9", "redirect", 4),
        ("permission", "permission", 4),
        ("listing-refused", "permission", 4),
    ],
)
@pytest.mark.parametrize("status", ["", "error-status=403"])
@pytest.mark.faults
def test_refusals(fault: str, status: str, kind: str, code: int) -> None:
    with start(fault, *([status] if status else []), orders=0) as server:
        report = kill("ascendex", server, deadline=2)
    assert report.error is not None
    assert (report.error.kind, report.exit_status) == (kind, code)


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


def test_one_refused_ledger_leaves_the_others_alone() -> None:
    with start("permission=/margin/") as server:
        report = kill("ascendex", server, deadline=2)
        assert {order.segment for order in server.open_orders()} == {"margin"}
    assert verdicts(report) == {"cash": "clear", "margin": "open", "futures": "clear"}
    assert report.exit_status == 10


@pytest.mark.parametrize(
    "fault",
    [
        *("error-500=0.2", "html@3", "html=429@3", "maintenance@3", "reset-after:cancel@3", "fin-after:cancel@2"),
        *("error-after:cancel@2", "truncated:cancel@2", "json:cancel=[]@2", "partial@2", "late-cancel=0.3"),
        *("ack-form=data", "ack-form=bare", "unacked=0.2", "rate-limit=5", "error-status=400"),
    ],
)
def test_troubles_that_pass_and_variants_end_clear(fault: str) -> None:
    with start(fault) as server:
        report = kill("ascendex", server, deadline=10)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


@pytest.mark.parametrize("seconds", [-600, -25, 25, 600])
def test_a_wrong_clock_is_repaired_from_the_refusal(seconds: int) -> None:
    with start(f"clock={seconds}") as server:
        report = kill("ascendex", server)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
        if seconds != -25:  # within the window nothing tells that the venue's clock is behind
            assert states(report) == {"cancelled": 40}


def test_a_host_that_is_not_there_is_unreachable() -> None:
    with start() as server:
        table = profile_table("ascendex", server)
    (report,) = swept({"ascendex": table}, deadline=1.0)
    assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)


def test_every_attempt_is_signed_afresh() -> None:
    with start("error-after:cancel@4") as server:
        report = kill("ascendex", server, options={"account_category": ["cash"]}, deadline=8)
        stamps = [int(request.headers["x-auth-timestamp"]) for request in server.requests if request.changes]
    assert report.verdict is Verdict.CLEAR
    assert len(set(stamps)) >= 2
    assert stamps == sorted(stamps)


# --- reading, keeping, filling --------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(server: SimServer) -> None:
    before = server.open_orders()
    report = kill("ascendex", server, dry_run=True)
    assert server.open_orders() == before
    assert not any(request.changes for request in server.requests)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 0)
    assert states(report) == {"open": 40}
    assert {"DELETE /0/api/pro/v1/margin/order/all {}", "DELETE /0/api/pro/v2/futures/order/all {}"} <= set(
        report.would_send
    )
    assert not any("sign" in words.lower() for words in report.would_send)


def protective(order: SimOrder) -> bool:
    """What can only reduce a position, written down once more and not by the client."""
    if order.segment == "cash":
        return order.type.startswith("stop") and order.side == "sell"
    return order.segment == "futures" and "Reduce" in str(order.extra.get("execInst", ""))


@with_faults(orders=80)
def test_keep_protective_is_exact(server: SimServer) -> None:
    keep = {order.id for order in server.open_orders() if protective(order)}
    assert len(keep) > 10
    report = kill("ascendex", server, options={"keep_protective": True}, deadline=10)
    assert left(server) == keep
    assert report.verdict is Verdict.CLEAR
    assert {row.order.id for row in report.orders if row.state.value == "kept"} == keep
    assert not [path for path in paths(server) if path.endswith("/order/all")]


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


@with_faults("fill=3", "slow-listing=0.05")
def test_orders_that_filled_meanwhile_are_told_apart(server: SimServer) -> None:
    report = kill("ascendex", server)
    filled = {order.id for order in server.closed_orders() if order.status == "filled"}
    assert len(filled) == 3
    assert {row.order.id for row in report.orders if row.state.value == "filled"} == filled
    assert states(report) == {"cancelled": 37, "filled": 3}


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


@with_faults("hidden=0.8")
def test_orders_that_the_listing_hides_for_less_than_the_gap_are_caught(server: SimServer) -> None:
    report = kill("ascendex", server, scale=1.0, deadline=10)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


@with_faults("reappear=0.05", orders=12)
def test_a_bot_that_keeps_placing_orders_is_not_clear(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=2.5)
    assert report.verdict is not Verdict.CLEAR
    assert any("a bot is still running" in warning for warning in report.warnings)


@with_faults("unknown-status", orders=12)
def test_a_status_that_nobody_documented_is_open(server: SimServer) -> None:
    report = kill("ascendex", server, dry_run=True)
    assert report.verdict is Verdict.OPEN
    assert states(report) == {"open": 12}


@with_faults("hostile", orders=12)
def test_hostile_text_harms_nothing(server: SimServer) -> None:
    report = kill("ascendex", server, deadline=8)
    assert server.open_orders() == []
    assert report.verdict is Verdict.CLEAR


@with_faults("error-500:read=1~/position")
def test_positions_that_cannot_be_read_are_a_warning(server: SimServer) -> None:
    report = kill("ascendex", server)
    assert report.verdict is Verdict.CLEAR
    assert (
        "take-profits and stop-losses of positions: could not be read, so they were not looked for" in report.warnings
    )


# --- selectors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ledger", LEDGERS)
def test_one_ledger_alone(server: SimServer, ledger: str) -> None:
    others = {order.id for order in server.open_orders() if order.segment != ledger}
    report = kill("ascendex", server, options={"account_category": [ledger]})
    assert verdicts(report) == {ledger: "clear"}
    assert left(server) == others


def test_symbols_leave_the_rest_alone(server: SimServer) -> None:
    chosen = ("BTC/USDT", "ETH-PERP")
    others = {order.id for order in server.open_orders() if order.symbol not in chosen}
    report = kill("ascendex", server, options={"symbol": list(chosen)})
    assert (report.verdict, left(server)) == (Verdict.CLEAR, others)
    assert {row.order.symbol for row in report.orders} == set(chosen)
    assert not any("BTC-PERP keeps" in warning for warning in report.warnings)


def test_a_symbol_that_margin_does_not_trade_is_still_proven(server: SimServer) -> None:
    report = kill("ascendex", server, options={"symbol": ["DOGE/USDT", "BTC/USDT"]})
    assert report.verdict is Verdict.CLEAR
    assert not [order for order in server.open_orders() if order.symbol in ("DOGE/USDT", "BTC/USDT")]


@pytest.mark.parametrize(
    ("symbol", "right"), [("BTCUSDT", "BTC-PERP"), ("btc/usdt", "BTC/USDT"), ("BTC/USTD", "BTC/USDT")]
)
@pytest.mark.parametrize("fault", ["lenient-symbols", "capped=1000"])
def test_a_misspelt_symbol_is_never_clear(symbol: str, right: str, fault: str) -> None:
    with start(fault) as server:
        report = kill("ascendex", server, options={"symbol": [symbol]}, deadline=3)
        assert len(server.open_orders()) == 40
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert report.error is not None
    assert f'(did you mean "{right}"?)' in report.error.message


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
