"""The kill on an AscendEX account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator import Account, FakeVenue
from kills.virtual import Faced, cleared, faced, ids
from support import cancelall, paths, profile_table, swept, write_config

INFO = "GET /api/pro/v1/info"


def one(*faults: str, **more: Any) -> Faced:
    return faced("ascendex", *faults, **{"orders": 40, **more})


def without_group(*faults: str, **more: Any) -> Faced:
    """The kill of a profile that does not name its account group."""
    return one(*faults, options={"account_group": None, **more.pop("options", {})}, **more)


def by_name(result: Faced) -> list[Any]:
    """The bodies of the cancels that name orders."""
    return [json.loads(request.body) for request in result.changes if not request.path.endswith("/order/all")]


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_takes_its_selectors_and_refuses_those_that_fit_nothing(home: Path) -> None:
    with simulator.start("ascendex", orders=40) as server:
        config = write_config(home / "c.toml", {"ascendex": profile_table("ascendex", server)})
        words = ["--config", str(config), "--json", "--symbol", "BTC-PERP", "--account-category"]
        ran = cancelall("ascendex", *words, "cash", home=home)
        assert (ran.code, server.requests) == (2, [])
        assert "BTC-PERP cannot be in cash" in ran.err
        others = {order.id for order in server.open_orders() if order.symbol != "BTC-PERP"}
        ran = cancelall("ascendex", *words, "futures", home=home)
        assert (ran.code, {order.id for order in server.open_orders()}) == (0, others)
    assert ran.line["scope"] == {"account_category": ["futures"], "symbol": ["BTC-PERP"]}


def test_a_proof_is_two_listings_of_each_ledger_and_the_account_info() -> None:
    result = cleared(one())
    assert result.paths.count(INFO) == 1
    assert all(segment.listings >= 2 for segment in result.report.segments)
    assert result.report.requests == len(result.log)


# --- the account group ----------------------------------------------------------------------------------------------


def test_without_a_group_the_account_info_is_the_one_read_before_the_first_cancel() -> None:
    with simulator.start("ascendex", orders=12, limits=False) as server:
        account = server.add_account(orders=20)
        table = {**profile_table("ascendex", server), "credentials": dict(account.credentials)}
        del table["account_group"]
        (report,) = swept({"mm": table})
        requested = paths(server)
        assert report.verdict is Verdict.CLEAR
        assert (server.open_orders(account), len(server.open_orders())) == ([], 12)
    assert (requested[0], requested.count(INFO)) == (INFO, 1)
    assert all(path.split(" ")[1].startswith("/1/api/pro/") for path in requested[1:])


def test_without_a_group_symbols_are_looked_up_after_the_first_cancel() -> None:
    result = cleared(without_group(options={"symbol": ["BTC/USDT"]}))
    assert (result.paths[0], [sent.kind.changes for sent in result.log][:3]) == (INFO, [False, True, True])
    assert {"GET /api/pro/v1/cash/products", "GET /api/pro/v1/margin/products"} <= set(result.paths[1:])


REFUSALS = {"key": "auth", "ip": "ip", "expired": "auth", "region": "region"}
UNREADABLE = ("json:read=[]", "json:read={}", 'json:read={"code":0,"data":{}}', "truncated:read")


@pytest.mark.parametrize(
    ("fault", "verdict", "kind"),
    [
        ("error-500:read=1", Verdict.UNPROVEN, ""),
        *((fault, Verdict.UNPROVEN, "unreadable") for fault in UNREADABLE),
        *((fault, Verdict.REFUSED, kind) for fault, kind in REFUSALS.items()),
        ("stall", Verdict.UNREACHABLE, "timeout"),
        ("reset-after", Verdict.UNREACHABLE, "network"),
    ],
)
def test_without_a_group_nothing_goes_before_the_account_info(fault: str, verdict: Verdict, kind: str) -> None:
    """It is what is refused, unreadable or silent: no ledger can be named without it."""
    result = without_group(fault, deadline=5.0)
    report = result.report
    assert (report.verdict, report.exit_status, report.segments) == (verdict, verdict.exit_status, ())
    assert (set(result.paths), ids(result.left)) == ({INFO}, ids(result.stock))
    assert report.error is not None
    assert report.error.kind == kind or not kind
    assert kind or result.said.startswith("could not be read: account group (510001")


def test_without_a_group_the_account_info_is_requested_until_it_is_readable() -> None:
    """A wrong clock is repaired first."""
    assert cleared(without_group("error-500:read=1@2")).paths.count(INFO) == 3
    assert cleared(without_group("clock=600", "json:read={}@0")).paths[:2] == [INFO, INFO]


def test_without_a_group_a_dry_run_reads_only() -> None:
    result = without_group(mode="dry-run")
    assert (result.verdict, result.report.exit_status, result.changes) == (Verdict.OPEN, 0, [])
    assert "DELETE /0/api/pro/v1/cash/order/all {}" in result.report.would_send


@pytest.mark.parametrize(
    ("faults", "group", "verdict", "words", "left"),
    [
        (
            ["foreign-group"],
            7,
            Verdict.UNPROVEN,
            "account_group is 7 in this profile, but 0 is the one of this key",
            40,
        ),
        (["foreign-group", "stall~/position"], 7, Verdict.UNPROVEN, "account_group is 7", 40),
        ([], 7, Verdict.REFUSED, "0 is the one of this key", 40),
        (["group-moved=9"], 0, Verdict.UNPROVEN, "account_group is 0 in this profile, but 9", 0),
        (["error-500:read=1~/info"], 0, Verdict.UNPROVEN, "account group", 0),
    ],
)
def test_a_wrong_group_is_never_clear(faults: list[str], group: int, verdict: Verdict, words: str, left: int) -> None:
    """One that looks empty; that, while another read hangs; one that is refused; one that moved; one nobody names."""
    result = one(*faults, options={"account_group": group}, deadline=10.0)
    assert (result.verdict, len(result.left)) == (verdict, left)
    assert words in result.said
    if verdict is Verdict.UNPROVEN:
        assert set(result.segments.values()) == {"clear"}


# --- what cannot be cancelled, or not be read -----------------------------------------------------------------------


@pytest.mark.parametrize("orders", [40, 300])
def test_conditional_orders_that_stay_are_cancelled_by_name(orders: int) -> None:
    named = by_name(cleared(one("conditional-left", orders=orders)))
    batches = [body["orders"] for body in named if "orders" in body]
    assert named
    assert all(isinstance(each["time"], int) for body in named for each in body.get("orders", [body]))
    assert batches or orders == 40
    assert all(len(batch) <= 10 for batch in batches)


def like(segment: str, number: int = 0, **changed: Any) -> Callable[[FakeVenue, Account], object]:
    """Place an order like one of these."""

    def place(fake: FakeVenue, account: Account) -> object:
        orders = [order for order in account.book.open() if order.segment == segment]
        return fake.place(account, replace(orders[number], **changed))

    return place


@pytest.mark.parametrize("number", [0, -1], ids=["newest", "oldest"])
def test_an_order_that_cannot_be_named_spoils_no_other_one_s_cancel(number: int) -> None:
    """Its whole batch fails, however often it is sent."""
    own = like("futures", number, id="liquidation", extra={"execInst": "Liquidation"})
    faults = ("conditional-left", "unnamable", "stubborn=Liquidation")
    result = one(*faults, before=own, orders=100, options={"account_category": ["futures"]})
    left = {order.id for order in result.left if order.segment == "futures"}
    assert (result.verdict, left) == (Verdict.OPEN, {"liquidation"})


def test_orders_that_cannot_be_cancelled_are_listed() -> None:
    result = one("stubborn=StopLimit", deadline=8.0)
    stuck = {order.id for order in result.stock if order.kind == "stop_limit"}
    assert (result.verdict, ids(result.left)) == (Verdict.OPEN, stuck)
    assert result.ended("open", "failed") == stuck


def test_one_ledger_that_cannot_be_read_spoils_the_proof_of_no_other() -> None:
    result = one("listing-fails~/margin/", deadline=8.0)
    assert result.segments == {"cash": "clear", "margin": "unproven", "futures": "clear"}
    assert result.report.exit_status == 11


def test_a_cancel_by_name_that_is_refused_does_not_undo_what_the_mass_cancel_proves() -> None:
    assert by_name(cleared(one("ack-only@1", "permission=orderId"))), "what the first cancel left was named"
    result = one("ack-only", "permission=orderId", deadline=8.0)
    assert result.verdict is Verdict.OPEN
    assert result.error.kind == "permission"


# --- reading, keeping, filling --------------------------------------------------------------------------------------


def test_a_kind_without_a_meaning_is_kept_and_makes_the_ledger_open() -> None:
    strange = like("futures", id="strange", extra={"execInst": "PosStopMkt"}, reduce_only=False)
    result = one(mode="keep-protective", before=strange)
    assert result.segments == {"cash": "clear", "margin": "clear", "futures": "open"}
    assert "strange" in ids(result.left)
    assert cleared(one(before=strange)).left == []


def test_partial_fills_are_told_and_what_ended_before_the_run_is_not() -> None:
    def end(fake: FakeVenue, account: Account) -> None:
        for order in ended:
            account.book.close(order.id, "cancelled", fake.now_ms() - 60_000)

    ended = [order for order in one(mode="dry-run").stock if order.segment == "cash"]
    result = cleared(one(before=end))
    notes = [row.reason for row in result.report.orders if row.reason]
    assert notes
    assert all(note.endswith("filled before") for note in notes)
    assert ended
    assert not ids(ended) & {row.order.id for row in result.report.orders}


def test_positions_that_cannot_be_read_are_a_warning() -> None:
    warnings = cleared(one("error-500:read=1~/position")).report.warnings
    assert "take-profits and stop-losses of positions: could not be read, so they were not looked for" in warnings


# --- selectors ------------------------------------------------------------------------------------------------------


def test_a_symbol_that_got_lost_on_the_way_is_told() -> None:
    warnings = one("symbol-lost", options={"symbol": ["BTC/USDT"]}).report.warnings
    assert "cash: the cancel was for orders of BTC/USDT, and the answer is about every symbol" in warnings


def test_a_listing_that_may_be_cut_off_proves_nothing() -> None:
    """The cut hides all orders of the symbol: the page is full of others."""
    symbol = "DOGE-PERP"

    def bury(fake: FakeVenue, account: Account) -> None:
        for order in list(account.book.open()):
            if order.symbol == symbol:
                account.book.close(order.id, "cancelled", 0)
        like("futures", id="old", symbol=symbol)(fake, account)
        for number in range(50):  # younger ones stand before it
            like("futures", id=f"young-{number}", symbol="ETH-PERP")(fake, account)

    faults = ("capped=50", "ack-only")
    report = one(*faults, before=bury, orders=300, options={"symbol": [symbol]}, deadline=8.0).report
    assert report.verdict is Verdict.UNPROVEN
    assert "may be cut off" in (report.segments[0].detail or "")


# --- the retired futures paths --------------------------------------------------------------------------------------

V1 = {"futures_api": "v1"}


def test_futures_v1_as_its_document_says() -> None:
    result = cleared(one("futures-v1=alive", options=V1))
    assert {path for path in result.paths if path.endswith("/futures/order/all")} == {
        f"DELETE /0/api/pro/{version}/futures/order/all" for version in ("v1", "v2")
    }
    assert "GET /0/api/pro/v1/futures/order/open" in result.paths, "what it still shows would object"
    assert any("retired" in warning for warning in result.report.warnings)


def test_futures_v1_proves_nothing_where_v2_does_not_answer() -> None:
    result = one("futures-v1=alive", "status:listing=404~/v2/", options=V1, deadline=8.0)
    assert (result.verdict, result.left, result.segments["futures"]) == (Verdict.UNPROVEN, [], "unproven")


@pytest.mark.parametrize("how", ["ack", "empty"])
def test_futures_v1_that_only_claims_to_work_costs_nothing(how: str) -> None:
    cleared(one(f"futures-v1={how}", options=V1))
    result = one(f"futures-v1={how}", "ack-only:cancel~/v2/", options=V1, deadline=8.0)
    assert (result.verdict, {order.segment for order in result.left}) == (Verdict.OPEN, {"futures"})


def test_futures_v1_that_refuses_is_refused() -> None:
    result = one(options=V1, deadline=8.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.REFUSED, 4)
    assert result.segments == {"cash": "clear", "margin": "clear", "futures": "refused"}
    assert result.left == [], "what v2 is sent, it does"
