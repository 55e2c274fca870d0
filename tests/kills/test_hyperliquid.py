"""The kill on a Hyperliquid account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.engine import sweep
from cancelall.simulator import Account, SimOrder, SimServer
from cancelall.simulator.ethereum import address
from cancelall.simulator.hyperliquid import Hyperliquid
from kills.virtual import cleared, faced, ids
from soak import schedule
from soak.plans import Plan
from support import cancelall, environment, kill, profile_table, states, swept


@pytest.fixture
def server() -> Iterator[SimServer]:
    """An account of orders of every kind, whose agent's key is used."""
    with simulator.start("hyperliquid", orders=22) as running:
        yield running


def fake(server: SimServer) -> Hyperliquid:
    assert isinstance(server.fake, Hyperliquid)
    return server.fake


def table(server: SimServer, owner: Account, **changes: object) -> dict[str, object]:
    """A profile of this account; a change that is None leaves an option out."""
    values = {"venue": "hyperliquid", "base_url": server.origin, **owner.options, **changes}
    return {
        **{name: value for name, value in values.items() if value is not None},
        "credentials": dict(owner.credentials),
    }


def swept_as(server: SimServer, owner: Account, *, dry_run: bool = False, **changes: object) -> ProfileReport:
    (report,) = swept({"hl": table(server, owner, **changes)}, deadline=2.5, dry_run=dry_run)
    return report


def agent_of(server: SimServer) -> str:
    return address(server.credentials["private_key"])


def actions(server: SimServer) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in server.requests if request.path == "/exchange"]


# --- whose key it is ------------------------------------------------------------------------------------------------


def test_without_an_account_the_venue_says_whose_the_key_is(server: SimServer) -> None:
    report = swept_as(server, server.account, account=None)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert states(report) == {"cancelled": 22}
    assert any("account taken from the key" in words for words in report.warnings)


def test_the_account_s_own_key(server: SimServer) -> None:
    own = fake(server).add_own_key(orders=12)
    for changes in ({}, {"account": None}):
        report = swept_as(server, own, **changes)
        assert (report.verdict, server.open_orders(own)) == (Verdict.CLEAR, [])
    assert len(server.open_orders(server.account)) == 22


def test_the_address_of_the_agent_is_never_clear(server: SimServer) -> None:
    """It can be listed like any other, and has no orders."""
    report = swept_as(server, server.account, account=agent_of(server))
    assert (report.verdict, len(server.open_orders())) == (Verdict.UNPROVEN, 22)
    assert report.error is not None
    assert "an agent has no orders of its own" in report.error.message
    assert actions(server) == []


@pytest.mark.parametrize("orders", [0, 12])
def test_somebody_else_s_account_is_never_clear(server: SimServer, orders: int) -> None:
    other = fake(server).add_account(orders=orders)
    report = swept_as(server, server.account, account=other.key)
    assert report.verdict is (Verdict.OPEN if orders else Verdict.UNPROVEN)
    assert len(server.open_orders(other)) == orders
    assert len(server.open_orders(server.account)) == 22
    assert report.error is not None


def test_reading_alone_tells_a_wrong_account_too(server: SimServer) -> None:
    other = fake(server).add_account(orders=0)
    report = swept_as(server, server.account, dry_run=True, account=other.key)
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)


@pytest.mark.parametrize("role", ["subAccount", "vault"])
def test_a_sub_account_and_a_vault(server: SimServer, role: str) -> None:
    below = fake(server).add_below(server.account, role)
    for changes in ({}, {"account": None}):
        report = swept_as(server, below, **changes)
        assert (report.verdict, server.open_orders(below)) == (Verdict.CLEAR, []), report.error
    assert len(server.open_orders(server.account)) == 22
    assert {body["vaultAddress"] for body in actions(server)} == {below.key}


@pytest.mark.parametrize("orders", [0, 6])
def test_a_sub_account_of_somebody_else_is_never_clear(server: SimServer, orders: int) -> None:
    other = fake(server).add_account(orders=0)
    below = fake(server).add_below(other, orders=orders)
    report = swept_as(server, server.account, vault=below.key)
    assert report.verdict in ((Verdict.OPEN, Verdict.REFUSED) if orders else (Verdict.UNPROVEN,))
    assert len(server.open_orders(below)) == orders


def test_an_account_in_the_place_of_a_sub_account_is_never_clear(server: SimServer) -> None:
    other = fake(server).add_account(orders=0)
    report = swept_as(server, server.account, vault=other.key)
    assert report.verdict is Verdict.UNPROVEN
    assert report.error is not None
    assert "no sub-account or vault of" in report.error.message


@pytest.mark.parametrize("orders", [0, 12])
@pytest.mark.turns(0)
def test_a_key_of_another_network_is_never_clear(orders: int) -> None:
    """On the other network the same bytes are another signature, and nobody has approved the key."""
    with simulator.start("hyperliquid", orders=orders) as here, simulator.start("hyperliquid", seed=9) as there:
        stranger = {**profile_table("hyperliquid", here), "credentials": dict(there.credentials)}
        (report,) = swept({"hl": stranger}, deadline=6.0)
        assert report.verdict in (Verdict.REFUSED, *([Verdict.OPEN] if orders else []))
        assert report.error is not None
        assert report.error.kind == "auth"
        assert len(here.open_orders()) == orders


def test_the_wrong_environment_signs_for_another_network(server: SimServer) -> None:
    report = swept_as(server, server.account, environment="testnet")
    assert report.verdict in (Verdict.OPEN, Verdict.REFUSED)
    assert len(server.open_orders()) == 22
    assert report.error is not None
    assert (report.error.kind, "check environment" in report.error.hint) == ("auth", True)


def test_the_test_network_is_signed_for_by_its_own_letter(server: SimServer) -> None:
    fake(server).source = "b"
    report = swept_as(server, server.account, environment="testnet")
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


def test_a_refused_key_leaves_known_orders_open_and_says_why() -> None:
    """They can be listed without a key."""
    result = faced("hyperliquid", "key", deadline=6.0)
    assert result.verdict is Verdict.OPEN
    assert ids(result.left) == ids(result.stock)
    assert result.error.kind == "auth"
    shown = {order.id for order in result.stock if order.segment in ("core", "TWAPs")}
    assert result.ended("open", "failed") >= shown


def test_a_key_that_the_venue_gives_another_role_is_never_clear() -> None:
    for role in ("missing", "vault", "subAccount", "user"):
        result = faced("hyperliquid", f"role={role}", orders=0, deadline=5.0)
        assert result.verdict in (Verdict.UNPROVEN, Verdict.REFUSED), role


def test_who_the_key_is_may_be_told_late() -> None:
    """What is known is cancelled meanwhile; only the proof waits for it."""
    result = cleared(faced("hyperliquid", "html~userRole@3"))
    assert min(sent.at for sent in result.log if sent.kind.changes) - 1000 < 0.1
    result = faced("hyperliquid", "html~userRole", deadline=6.0)
    assert (result.verdict, result.resting) == (Verdict.UNPROVEN, ())


# --- what a cancel needs to know -------------------------------------------------------------------------------------


def test_without_the_list_of_dexes_the_first_one_is_cancelled() -> None:
    result = faced("hyperliquid", "html~allPerpMetas", deadline=6.0)
    assert result.verdict is Verdict.OPEN  # a TWAP on one of the others
    assert {order.symbol.partition(":")[1] for order in result.left} == {":"}
    result = faced("hyperliquid", "html~allPerpMetas", deadline=6.0, options={"coin": ["BTC"]})
    assert (result.verdict, result.resting) == (Verdict.UNPROVEN, ())
    assert "markets" in result.error.message


def test_without_any_list_what_needs_none_is_cancelled() -> None:
    faults = [f"html~{kind}" for kind in ('"meta"', "allPerpMetas", "spotMeta")]
    result = faced("hyperliquid", *faults, deadline=6.0)
    assert result.verdict is Verdict.OPEN
    assert not [order for order in result.left if order.symbol.startswith(("@", "#"))]


def test_cancels_wait_for_nothing_but_what_they_need() -> None:
    """The list of dexes is late: the first one's orders go as soon as its own numbers are there."""
    result = cleared(faced("hyperliquid", "latency=2~allPerpMetas"))
    first = min(sent.at for sent in result.log if sent.kind.changes) - 1000
    assert first < 0.1
    other = [sent.at - 1000 for sent in result.log if b'"a":110' in sent.request.body]
    assert other
    assert min(other) >= 2.0


def test_numbers_that_come_late_are_used_at_once() -> None:
    result = cleared(faced("hyperliquid", 'latency=1~"meta"', "latency=1~allPerpMetas", "latency=1~spotMeta"))
    fired = [round(sent.at - 1000, 3) for sent in result.log if b'"type":"cancel"' in sent.request.body]
    assert 1.0 <= fired[1] < 1.1


def test_one_order_that_spoils_an_action_keeps_no_other() -> None:
    """An action is refused whole: then each order goes by itself."""
    result = cleared(faced("hyperliquid", "refused:cancel=request@2"))
    assert result.report.error is None


def test_more_than_one_action_holds() -> None:
    result = cleared(faced("hyperliquid", orders=320, options={"dex": ["core"]}))
    sizes = [one.body.count(b'"o":') for one in result.changes if b'"type":"cancel"' in one.body]
    assert max(sizes) == 200
    assert sum(sizes) == len([order for order in result.stock if order.segment == "core"])


def test_orders_that_stand_in_their_parent_only() -> None:
    result = cleared(faced("hyperliquid", "orphans"))
    assert ids(result.stock) <= {row.order.id for row in result.report.orders}


def test_children_are_told_as_cancelled_with_their_parent(server: SimServer) -> None:
    report = kill("hyperliquid", server)
    assert states(report) == {"cancelled": 22}


# --- TWAPs ----------------------------------------------------------------------------------------------------------


def test_a_twap_without_an_id_is_never_clear() -> None:
    result = faced("hyperliquid", "nameless", deadline=6.0)
    assert result.verdict is Verdict.UNPROVEN
    assert {order.segment for order in result.left} == {"TWAPs"}
    assert "twapId" in result.error.message


@pytest.mark.faults
def test_a_log_of_twaps_that_may_be_cut_off_proves_nothing() -> None:
    result = faced("hyperliquid", "long-log", deadline=3.0)
    assert (result.verdict, result.resting) == (Verdict.UNPROVEN, ())
    assert "go back far enough" in result.error.message


# --- nonces and limits ----------------------------------------------------------------------------------------------


def test_profiles_with_one_key_sign_no_moment_twice(server: SimServer) -> None:
    """Several sub-accounts are cancelled with the same key in the same milliseconds."""
    below = fake(server).add_below(server.account, orders=22)
    profiles = {f"p{number}": table(server, one) for number, one in enumerate((server.account, below))}
    reports = swept(profiles)
    assert {report.verdict for report in reports} == {Verdict.CLEAR}, [report.error for report in reports]
    nonces = [body["nonce"] for body in actions(server)]
    assert len(nonces) == len(set(nonces)) >= 12
    assert not [request for request in server.requests if request.status != 200]


@pytest.mark.parametrize("hours", [-80, 80])
def test_a_clock_far_off_is_repaired_and_nonces_are_set_anew(hours: int) -> None:
    """One day ahead and two days behind are good; beyond that the refusal tells the venue's time."""
    result = cleared(faced("hyperliquid", f"clock={hours * 3600}"))
    nonces = [json.loads(one.body)["nonce"] for one in result.changes]
    assert abs(nonces[-1] - nonces[0]) > 20 * 3_600_000


def test_a_busy_bot_with_the_same_key() -> None:
    result = cleared(faced("hyperliquid", "busy-key=600"))
    assert result.report.error is None


def test_an_account_that_has_used_up_what_it_may_send() -> None:
    """One action in ten seconds: all goes, as far as the time reaches, and the output says why it takes so long."""
    result = cleared(faced("hyperliquid", "budget=0", options={"dex": ["core"]}, orders=22, deadline=60.0))
    assert result.seconds > 20.0
    assert any("the venue wanted a wait of 10 s" in words for words in result.report.warnings)
    result = faced("hyperliquid", "budget=0", orders=40, deadline=12.0)
    assert result.verdict is Verdict.OPEN


def test_reads_last_to_the_deadline() -> None:
    """Nothing that can be cancelled goes away: listings are spread over the time, and none is refused."""
    result = faced("hyperliquid", "ack-only", orders=30, deadline=30.0)
    assert result.verdict is Verdict.OPEN
    assert 429 not in result.statuses
    listed = [sent.at - 1000 for sent in result.log if sent.kind == "listing"]
    gaps = [later - sooner for sooner, later in itertools.pairwise(listed)]
    assert max(listed) > 25.0
    assert max(gaps) < 6.0


def test_reads_within_a_scarce_limit_of_the_address() -> None:
    """Other programs use the same address: what is refused is waited for."""
    result = faced("hyperliquid", "weights=400", deadline=30.0)
    assert result.resting == ()


# --- the command line -----------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_the_command_line(server: SimServer, home: Path) -> None:
    env = environment("hyperliquid", server)
    ran = cancelall(
        "hyperliquid", "--json", "--coin", "BTC", "--coin", "xyz:TSLA", "--coin", "#250", home=home, env=env
    )
    assert {order.symbol for order in server.open_orders()}.isdisjoint({"BTC", "xyz:TSLA", "#250"})
    assert len(server.open_orders()) == 17
    assert (ran.code, ran.line["scope"]) == (0, {"coin": ["BTC", "xyz:TSLA", "#250"]}), ran.err
    ran = cancelall("hyperliquid", "--json", "--dex", "flx", home=home, env=env)
    assert (ran.code, [one["name"] for one in ran.line["segments"]]) == (0, ["TWAPs", "flx"])
    ran = cancelall("hyperliquid", "--dex", "flx", "--coin", "BTC", home=home, env=env)
    assert ran.code == 2
    assert "leaves out" in ran.err
    ran = cancelall("hyperliquid", home=home, env={**env, "CANCELALL_HYPERLIQUID_PRIVATE_KEY": agent_of(server)})
    assert ran.code == 6
    assert "that is an address" in ran.err


def test_no_signature_is_shown(server: SimServer, home: Path) -> None:
    """Nor the key: the journal keeps what is sent without its signature."""
    server.set_faults(["hostile"])
    ran = cancelall("hyperliquid", "-v", "--json", "--deadline", "4", home=home, env=environment("hyperliquid", server))
    journal = (home / ".local" / "state" / "cancelall" / "journal.jsonl").read_text()
    signed = {body["signature"][part] for body in actions(server) for part in "rs"}
    for value in {*signed, server.credentials["private_key"], server.credentials["private_key"][2:]}:
        assert value not in ran.out + ran.err + journal


# --- what a read says of the key -------------------------------------------------------------------------------------


def test_a_read_that_knows_no_such_key_ends_no_firing() -> None:
    """Agents work on for a while after their end: cancels get their own answers, however late the listings come."""
    late = ("latency=3~frontendOpenOrders", "latency=3~twapHistory")
    result = faced("hyperliquid", "role=missing", *late, deadline=12.0)
    assert (result.verdict, result.resting) == (Verdict.UNPROVEN, ())


def test_a_key_that_nobody_knows_is_refused_though_nothing_is_listed() -> None:
    result = faced("hyperliquid", "key", orders=0, deadline=6.0)
    assert (result.verdict, result.error.kind) == (Verdict.REFUSED, "auth")


# --- several profiles behind one address ------------------------------------------------------------------------------


def together(accounts: int, **more: Any) -> tuple[schedule.Result, list[list[SimOrder]]]:
    """A kill of so many accounts at once, and what it has left of each."""
    worlds: list[schedule.World] = []

    class Remembered(schedule.World):
        def __init__(self, plan: Plan) -> None:
            super().__init__(plan)
            worlds.append(self)

    with patch.object(schedule, "World", Remembered):
        result = schedule.run(Plan(seed=1, venue="hyperliquid", accounts=accounts, orders=12, **more))
    return result, [list(owner.account.book.open()) for owner in worlds[0].owners]


def test_the_limit_of_an_address_lasts_for_three_proofs() -> None:
    """Together they take 1050 of the 1200 that the address may read in a minute."""
    result, left = together(3)
    assert [report.verdict for report in result.reports] == [Verdict.CLEAR] * 3
    assert (left, result.problems) == ([[]] * 3, [])
    assert result.seconds < 10.0


def test_one_profile_is_proven_after_the_other_where_the_limit_is_too_low_for_all() -> None:
    """Side by side none would be: what the second listing of each takes, the third would lack."""
    result, left = together(6)
    assert left == [[]] * 6
    assert [report.verdict for report in result.reports].count(Verdict.CLEAR) >= 2
    (error, *_) = (report.error for report in result.reports if report.error is not None)
    assert "other profiles' requests to this host went first" in error.message
    assert "--shard" in error.hint
    assert {sent.status for sent in result.log} == {200}


def test_a_listing_that_failed_still_goes_before_all_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may show an order for the first time."""
    begun: dict[str, list[bool]] = {}
    real = sweep.read_listing

    async def read(client: Any, segment: Any, *words: Any, proves: bool, **more: Any) -> Any:
        begun.setdefault(segment.name, []).append(proves)
        return await real(client, segment, *words, proves=proves, **more)

    monkeypatch.setattr(sweep, "read_listing", read)
    cleared(faced("hyperliquid", 'error-500:listing=1@4~"dex":""', options={"dex": ["core"]}))
    (failed, answered) = (begun[name] for name in ("core", "TWAPs"))
    assert failed.index(True) > 1
    assert answered.index(True) == 1


def test_every_profile_is_looked_at_before_any_is_proven() -> None:
    """Twenty could be proven in six minutes. In half a minute each has its first dex and its TWAPs cancelled."""
    result, left = together(20)
    assert {order.segment for orders in left for order in orders} <= {"xyz", "flx"}
    assert Verdict.CLEAR not in {report.verdict for report in result.reports}
    metas = [sent for sent in result.log if b'"type":"allPerpMetas"' in sent.request.body]
    assert len(metas) == 1, "it is the same for all"
    assert {sent.status for sent in result.log} == {200}
