"""The kill on a Deribit account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator import SimOrder
from kills.truth import DERIBIT
from kills.virtual import Faced, cleared, faced, ids
from support import cancelall, profile_table, states, swept, write_config

CANCEL_ALL = "/api/v2/private/cancel_all"


def paths(result: Faced) -> list[str]:
    return [one.request.path.rpartition("/")[2] for one in result.log]


# --- which environment ----------------------------------------------------------------------------------------------


def test_an_answer_from_testnet_never_clears_a_live_account() -> None:
    """Whatever it says: an empty listing, a good cancel, both."""
    for faults in (("testnet",), ("testnet:listing",), ("testnet:cancel",)):
        for orders in (0, 12):
            result = faced("deribit", *faults, orders=orders, deadline=6.0)
            assert result.verdict is not Verdict.CLEAR, result.story(40)
    result = faced("deribit", "testnet", orders=12, deadline=6.0)
    assert (result.verdict, result.report.exit_status, result.error.kind) == (Verdict.REFUSED, 4, "environment")
    assert result.said == (
        "the answer comes from testnet, this profile is live (correct environment or base_url of this profile)"
    )
    assert result.seconds < 3.0


def test_a_testnet_profile_wants_the_answers_of_testnet() -> None:
    cleared(faced("deribit", "testnet", environment="testnet"))
    result = faced("deribit", environment="testnet", orders=0, deadline=6.0)
    assert (result.verdict, result.error.kind) == (Verdict.REFUSED, "environment")
    assert "comes from live, this profile is testnet" in result.error.message


def test_one_answer_of_another_environment_ends_nothing() -> None:
    cleared(faced("deribit", "testnet@1"))
    cleared(faced("deribit", "testnet:listing@1"))


# --- keys and clocks ------------------------------------------------------------------------------------------------


def test_a_pem_key_is_refused_with_a_way_out_and_nothing_is_sent(home: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8Q\n-----END PRIVATE KEY-----\n"
    with simulator.start("deribit", orders=5) as server:
        table = profile_table("deribit", server)
        table["credentials"] = {**server.credentials, "client_secret": pem}
        file = write_config(home / "c.toml", {"deribit": table})
        ran = cancelall("deribit", "--config", str(file), "--json", home=home)
        assert server.requests == []
    assert (ran.code, ran.line["verdict"], ran.line["error"]["kind"]) == (6, "unconfigured", "secret")
    assert "client_secret is a PEM private key" in ran.line["error"]["message"]
    assert "make a key whose secret Deribit generates" in ran.line["error"]["hint"]
    assert "MC4CAQ" not in ran.out + ran.err


@pytest.mark.parametrize("seconds", [-600, -15, 70, 600])
def test_a_wrong_key_is_no_matter_of_the_clock(seconds: int) -> None:
    """Every refused signature is first taken for the clock's fault where that is off; then it is the key's."""
    result = faced("deribit", f"clock={seconds}", "key", orders=5, deadline=8.0)
    assert (result.verdict, result.error.kind) == (Verdict.REFUSED, "auth")
    assert "check client_id and client_secret" in result.error.hint


def test_no_nonce_is_used_twice() -> None:
    result = cleared(faced("deribit", "error-after:cancel@4", mode="keep-protective", orders=80, deadline=30.0))
    used = [re.findall(r"nonce=(\w+)", one.request.headers.get("authorization", "")) for one in result.log]
    nonces = [one[0] for one in used if one]
    assert len(nonces) == len(set(nonces)) > 50


def test_a_key_that_may_only_read_leaves_the_orders_open_and_says_why() -> None:
    result = faced("deribit", "permission", orders=12, deadline=6.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.OPEN, 10)
    assert (result.error.kind, result.ended("open", "failed")) == ("permission", ids(result.left))
    assert "trade:read_write" in result.error.hint


# --- what a cancel answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [10047, 10041, 13021, 987654])
def test_a_part_that_fails_is_fired_at_until_it_goes(code: int) -> None:
    """Inside a good answer, four times: what the other parts took is known to be cancelled all the same."""
    result = cleared(faced("deribit", f"group-error={code}@4", orders=40))
    assert result.ended("cancelled") >= ids(result.stock)
    assert paths(result).count("cancel_all") >= 5


def test_a_part_that_always_fails_is_never_clear_though_nothing_else_is_wrong() -> None:
    """Orders that a listing does not show would be left: no proof rests on the listing alone."""
    empty = 'json:listing={"jsonrpc":"2.0","result":[],"testnet":false}'
    result = faced("deribit", "group-error=10047", empty, orders=12, deadline=6.0)
    assert result.verdict is Verdict.UNPROVEN
    assert result.resting


@pytest.mark.parametrize("shape", ["number", "order"])
def test_every_shape_of_a_report_is_read(shape: str) -> None:
    result = cleared(faced("deribit", f"shape={shape}", orders=40))
    assert result.ended("cancelled", "gone") >= ids(result.stock) or shape == "number"
    (segment,) = result.report.segments
    assert ("without naming them" in (segment.detail or "")) is (shape == "number")


def test_orders_that_no_listing_has_shown_are_named_by_the_report() -> None:
    """The kill is faster than its first listing. What it took is told with symbol and label, protective orders too."""
    result = cleared(faced("deribit", "slow-listing=0.5@1", orders=44))
    stock = {order.id: order for order in result.stock}
    for row in result.report.orders:
        assert row.order.symbol == stock[row.order.id].symbol
        assert (row.order.client_id or "") == stock[row.order.id].client_id
    protective = sum(result.holds(order, "protective") for order in result.stock)
    assert any(words.startswith(f"{protective} protective order(s)") for words in result.report.warnings)


def test_a_cancel_that_is_switched_off_proves_nothing_on_an_empty_account() -> None:
    """The listing alone is not enough: the last cancel has to say that there was nothing."""
    result = faced("deribit", "maintenance:cancel", orders=0, deadline=6.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.UNPROVEN, 11)


def test_the_last_cancel_takes_what_the_listings_hide() -> None:
    """A first cancel that does nothing, and listings that show nothing for longer than the gap."""
    result = cleared(faced("deribit", "ack-only@1", "hidden=2.5@1", orders=20))
    assert ids(result.left) == set()


# --- quotes and linked orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [("quotes-left",), ("quotes-left", "quotes-refused")])
def test_quotes_that_a_mass_cancel_leaves_go_by_themselves_or_by_name(faults: tuple[str, ...]) -> None:
    result = cleared(faced("deribit", *faults, orders=44))
    quotes = {order.id for order in result.stock if order.kind == "quote"}
    assert len(quotes) == 4
    assert quotes <= result.ended("cancelled")
    assert result.report.error is None
    assert "cancel_quotes" in paths(result)


@pytest.mark.parametrize("options", [{"kind": "future"}, {"currency": ["BTC"]}, {"instrument": ["BTC-PERPETUAL"]}])
def test_quotes_outside_of_the_scope_stay(options: dict[str, Any]) -> None:
    result = cleared(faced("deribit", "quotes-left", options=options, orders=44))
    left = [order for order in result.left if order.kind == "quote"]
    assert {order.symbol for order in left} == {"ETH-25DEC26-4000-P"}


def test_linked_orders_go_with_each_other() -> None:
    """By name: one leg takes the other along, and an order those that it would have placed."""
    result = cleared(faced("deribit", mode="keep-protective", orders=44))
    linked = [order for order in result.stock if "oto" in order.extra]
    assert linked
    assert not ids(linked) & ids(result.left)
    assert not [row for row in result.report.orders if row.state.value == "failed"]


# --- scope ----------------------------------------------------------------------------------------------------------


def test_what_a_currency_lists_and_its_cancel_leaves_goes_by_name() -> None:
    """A spot pair is listed under both of its coins here, and cancelled under one."""
    result = cleared(faced("deribit", options={"currency": ["USDC"]}, orders=44))
    spot = [order for order in result.stock if order.symbol == "BTC_USDC"]
    assert spot
    assert not ids(spot) & ids(result.left)
    assert "cancel" in paths(result)


def test_a_misspelt_currency_is_refused_with_the_right_spelling() -> None:
    result = faced("deribit", options={"currency": ["BCT"]}, deadline=8.0)
    assert (result.verdict, result.report.exit_status, result.error.kind) == (Verdict.REFUSED, 4, "parameter")
    assert 'did you mean "BTC"' in result.error.hint
    assert ids(result.left) == ids(result.stock)
    result = faced("deribit", options={"currency": ["BCT", "ETH"]}, deadline=8.0)
    assert (result.verdict, result.segments["ETH"]) == (Verdict.REFUSED, "clear")


def test_an_order_whose_instrument_cannot_be_read_is_left_where_instruments_are_selected() -> None:
    """It may be one of another: nothing outside of the scope is touched, and nothing is proven."""
    options = {"instrument": ["ETH-PERPETUAL"]}
    result = faced("deribit", "odd-field=instrument_name", options=options, orders=44, deadline=6.0)
    assert result.verdict is Verdict.OPEN
    gone = [order for order in result.stock if order.id not in ids(result.left)]
    assert {order.symbol for order in gone} == {"ETH-PERPETUAL"}


def test_more_instruments_than_one_burst_takes() -> None:
    """Their cancels draw from the limit of trading, and all of them are sent."""
    names = [f"BTC-25DEC26-{strike}000-C" for strike in range(60, 100)]
    result = faced("deribit", options={"instrument": ["BTC-PERPETUAL", *names]}, deadline=30.0)
    assert result.verdict is Verdict.UNPROVEN, "the venue has none of those options"
    assert not [order for order in result.left if order.symbol == "BTC-PERPETUAL"]
    assert 429 not in result.statuses
    assert len({one.request.query for one in result.log if "by_instrument" in one.request.path}) == 41


# --- over sockets ---------------------------------------------------------------------------------------------------


def test_a_reports_own_words_of_the_whole(home: Path) -> None:
    """What a script sees: one line, the first request a cancel, the label as client id."""
    with simulator.start("deribit", orders=30) as server:
        file = write_config(home / "c.toml", {"desk": profile_table("deribit", server, kind="future")})
        ran = cancelall("desk", "--config", str(file), "--json", home=home)
        first, *_ = (request for request in server.requests[:2] if request.changes)  # a read may overtake it on its way
        assert first.target == f"{CANCEL_ALL}_by_kind_or_type?currency=any&kind=future&detailed=true"
        left: list[SimOrder] = server.open_orders()
    assert (ran.code, ran.line["verdict"], ran.line["scope"]) == (0, "clear", {"kind": "future"}), ran.err
    assert {order.symbol for order in left} == {
        *("BTC_USDC", "ETH_BTC", "BTC-25DEC26-100000-C", "ETH-25DEC26-4000-P", "XRP_USDC-25DEC26-0d625-C"),
        *("BTC-FS-25DEC26_PERP", "BTC-CS-25DEC26-100000_110000"),
    }
    assert any(row["client_id"] and row["client_id"].startswith("desk-") for row in ran.line["orders"])
    assert json.dumps(ran.line["orders"]).count('"protective": true') >= 3


def test_a_dead_cancel_is_proven_over_sockets_too() -> None:
    with simulator.start("deribit", orders=25, faults=["reset-after:cancel@1"]) as server:
        (report,) = swept({"deribit": profile_table("deribit", server)})
        assert server.open_orders() == []
    assert report.verdict is Verdict.CLEAR
    assert set(states(report)) <= {"cancelled", "gone"}
    assert DERIBIT.first == CANCEL_ALL
