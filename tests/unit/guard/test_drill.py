"""Drills: of the way to the wire, and of the venues' own switches, on every fake venue that has one."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.check import evidence
from cancelall.core import drills
from cancelall.core.attempts import Attempt
from cancelall.core.errors import CancelallError
from cancelall.core.model import Order, Request
from cancelall.core.preflight import Level
from cancelall.engine.run import Run
from cancelall.guard import standby as guard_standby
from cancelall.guard.drill import Drilled, SwitchDrill, keep_evidence, rehearse
from cancelall.guard.standby import Standby
from cancelall.guard.venue_switch import SwitchKeeper
from cancelall.net import warm
from cancelall.simulator import SimOrder
from cancelall.simulator import start as start_venue
from soak.virtual import Trouble
from standing import Stand
from support import on_a_loop, profile_table, profiles_of
from unit.guard.switches import MECHANISMS, stand

SHORTEST = {"okx": 10, "kraken": 30, "binance": 20, "hyperliquid": 20, "bitget": 5}
SAYS_WHY = {"okx": "cancelSource 20", "hyperliquid": "scheduledCancel"}


def lone(venue: str, *faults: str, others: int = 0) -> tuple[Stand, SimOrder]:
    """A stand with one order that the timer takes, and so many more; some stay that it surely does not take."""
    one, told = stand(venue, *faults), MECHANISMS[venue]
    book = one.account.book
    taken = [order for order in book.open() if told.takes(order) and "Stop" not in order.kind]
    chosen, *rest = sorted(taken, key=lambda order: (order.reduce_only, order.kind != "Limit"))
    kept = {chosen.id, *(order.id for order in rest[:others])}
    for order in [
        each for each in book.open() if each.id not in kept and each.segment not in ("TP/SL", "margin", "usdm")
    ]:
        book.close(order.id, "cancelled", one.fake.now_ms())
    return one, chosen


def drilled(one: Stand, named: str, **more: Any) -> tuple[Drilled, list[str]]:
    said: list[str] = []
    profile = one.profile()
    drill = SwitchDrill(
        profile=profile,
        line=lambda deadline: one.line(deadline, profile),
        clock=one.clock,
        tell=said.append,
        **more,
    )
    return one.run(drill.run(named)), said


@pytest.mark.parametrize("venue", MECHANISMS)
def test_one_order_is_left_to_the_venue_and_its_end_read_back(venue: str) -> None:
    one, order = lone(venue)
    before = one.fake.open_orders(one.account)
    shown, said = drilled(one, order.id)
    assert shown.proved, shown.detail
    assert shown.armed
    assert shown.seconds is not None
    assert SHORTEST[venue] - 1 <= shown.seconds <= SHORTEST[venue] + 3
    assert SAYS_WHY.get(venue, "the venue has no reason of its own") in shown.detail
    assert f"for {SHORTEST[venue]} s: it cancels order {order.id}" in said[0]
    assert [gone.id for gone in before if gone not in one.fake.open_orders(one.account)] == [order.id]
    kinds = {request.kind.value for request in one.fake.requests if request.changes}
    assert kinds == {"create"}  # nothing was cancelled by name
    assert len(one.sent(MECHANISMS[venue].path)) == 1


@pytest.mark.parametrize("venue", MECHANISMS)
def test_nothing_is_armed_while_something_else_rests_that_it_may_take(venue: str) -> None:
    one, order = lone(venue, others=1)
    shown, _ = drilled(one, order.id)
    assert (shown.proved, shown.armed) == (False, False)
    assert "1 more order rests" in shown.detail
    assert not [request for request in one.fake.requests if request.changes]


@pytest.mark.parametrize("venue", MECHANISMS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("permission:create={path}", "could not be armed"),
        ("stall~{path}", "it may be armed all the same"),
        ("listing-fails", "could not all be read"),
        ("unknown", "no open order of this profile has this id"),
    ],
)
def test_why_it_does_not_begin(venue: str, fault: str, words: str) -> None:
    one, order = lone(venue, *([fault.format(path=MECHANISMS[venue].path)] if fault != "unknown" else []))
    shown, _ = drilled(one, "7" if fault == "unknown" else order.id)
    assert words in shown.detail
    assert (shown.proved, shown.armed) == (False, False)
    assert order.id in {each.id for each in one.fake.open_orders(one.account)}


def test_a_switch_that_does_not_work_is_told_and_disarmed() -> None:
    one, order = lone("okx")
    real = one.fake.countdowns.set
    one.fake.countdowns.set = lambda *args: (real(*args), one.fake.countdowns.lose())[0]  # type: ignore[method-assign]
    shown, _ = drilled(one, order.id)
    assert (shown.proved, shown.armed) == (False, True)
    assert "still rests" in shown.detail
    assert one.sent("cancel-all-after")[-1].body == b'{"timeOut":"0"}'


def test_another_program_that_renews_the_timer_is_told() -> None:
    one, order = lone("okx")

    def renewed(due_ms: int) -> None:
        one.fake.countdowns.set(one.account, ("orders", ""), 60_000)
        one.fake.later(due_ms + 5000, renewed)

    one.fake.later(one.fake.now_ms() + 5000, renewed)
    shown, _ = drilled(one, order.id)
    assert "another program may be renewing the timer" in shown.detail
    assert not shown.proved


def test_an_order_that_ends_otherwise_proves_nothing() -> None:
    for status, seconds, words in (
        ("filled", 5, "ended before its moment"),
        ("cancelled", 5, "ended before its moment"),
        ("cancelled", 9.99, "something else has cancelled the order"),
        ("filled", 9.99, "filled meanwhile"),
    ):
        one, order = lone("okx")
        at = one.fake.now_ms() + round(seconds * 1000)
        one.fake.later(at, lambda ms, one=one, order=order, status=status: one.account.book.close(order.id, status, ms))  # type: ignore[misc]
        shown, _ = drilled(one, order.id)
        assert words in shown.detail, shown.detail
        assert not shown.proved


def test_an_order_that_it_does_not_reach_is_not_left_to_it() -> None:
    one = stand("okx")
    algo = next(order for order in one.fake.open_orders() if order.segment == "TP/SL")
    shown, _ = drilled(one, algo.id)
    assert "does not reach this order" in shown.detail
    assert not shown.armed


def test_the_keeper_leaves_the_timer_to_the_drill_and_takes_it_up_again() -> None:
    one, order = lone("okx")
    keeper = one.keeper(20)
    profile = one.profile()
    drill = SwitchDrill(
        profile=profile, line=lambda deadline: one.line(deadline, profile), keeper=keeper, clock=one.clock
    )
    amounts: list[str] = []

    async def work() -> Drilled:
        await one.stands(keeper, 2)
        turns = asyncio.create_task(one.stands(keeper, 60))
        shown = await drill.run(order.id)
        await turns
        return shown

    shown = one.run(work())
    amounts = [json.loads(request.body)["timeOut"] for request in one.sent("cancel-all-after")]
    assert shown.proved, shown.detail
    assert amounts[:3] == ["20", "10", "20"]
    assert set(amounts[3:]) == {"20"}
    assert keeper.trouble == ""


def test_the_keeper_goes_on_with_the_timers_that_are_not_drilled() -> None:
    """They would run out during the drill, and cancel what nobody has agreed to."""
    one, order = lone("binance")
    other = "ETHUSD_PERP"
    profile = one.profile(symbol=[order.symbol, other])
    keeper = one.keeper(20, symbol=[order.symbol, other])
    drill = SwitchDrill(
        profile=profile, line=lambda deadline: one.line(deadline, profile), keeper=keeper, clock=one.clock
    )

    async def work() -> Drilled:
        await one.stands(keeper, 6)
        turns = asyncio.create_task(one.stands(keeper, 40))
        shown = await drill.run(order.id)
        await turns
        return shown

    shown = one.run(work())
    assert shown.proved, shown.detail
    times = [request.received_ms for request in one.sent("countdownCancelAll") if other in request.text]
    assert max(after - before for before, after in itertools.pairwise(times)) < 10_000


def test_an_order_that_ends_before_its_moment_leaves_no_timer_behind() -> None:
    one, order = lone("okx")
    one.fake.later(one.fake.now_ms() + 5_000, lambda ms: one.account.book.close(order.id, "filled", ms) and None)
    shown, _ = drilled(one, order.id)
    assert "ended before its moment" in shown.detail
    assert [json.loads(request.body)["timeOut"] for request in one.sent("cancel-all-after")] == ["10", "0"]


def test_an_answer_that_does_not_fit_is_no_proof() -> None:
    for more_ms, words, armed in ((0, "is off", True), (50_000, "cancels in 60 s, and 10 s were wanted", True)):
        one, order = lone("okx")
        real = one.fake.countdowns.set

        def answered(*args: Any, real: Any = real, more_ms: int = more_ms) -> int:
            return int(real(*args)) + more_ms if more_ms else 0

        one.fake.countdowns.set = answered  # type: ignore[method-assign]
        shown, _ = drilled(one, order.id)
        assert words in shown.detail, shown.detail
        assert (shown.proved, shown.armed) == (False, armed)


def test_where_the_venue_gives_no_reason_the_order_has_to_be_seen_before_its_moment() -> None:
    one, order = lone("kraken")
    now_ms = one.fake.now_ms()
    one.fake.later(now_ms + 20_000, lambda ms: one.fake.set_faults(["error-500:read=1"]))
    one.fake.later(now_ms + 29_999, lambda ms: one.fake.set_faults([]))
    one.loop.call_later(31.0, one.fake.set_faults, ())
    shown, _ = drilled(one, order.id)
    assert "whether that was its moment was not seen" in shown.detail, shown.detail
    assert not shown.proved


def test_an_order_that_a_late_listing_shows_is_not_left_to_it() -> None:
    one, order = lone("okx")
    one.loop.now += 20
    one.account.book.close(order.id, "cancelled", one.fake.now_ms())
    one.fake.set_faults(["lag=10"])
    shown, _ = drilled(one, order.id)
    assert "does not rest any more" in shown.detail
    assert not shown.armed


def test_an_id_that_two_orders_have_names_none() -> None:
    resting = [Order(id=f"{symbol}:7", segment="usdm", symbol=symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    with pytest.raises(CancelallError, match="2 open orders"):
        SwitchDrill._chosen(resting, "7")
    assert SwitchDrill._chosen(resting, "BTCUSDT:7")[0] is resting[0]


def test_parts_of_the_account_that_are_not_known_may_hold_orders() -> None:
    one, order = lone("hyperliquid", "error-500=1~allPerpMetas")
    shown, _ = drilled(one, order.id)
    assert "could not all be read" in shown.detail
    assert not shown.armed


@pytest.mark.parametrize("venue", ["pacifica", "bybit"])
def test_a_venue_without_one_cannot_be_drilled(venue: str) -> None:
    one = Stand(venue=venue)
    shown, _ = drilled(one, one.fake.open_orders()[0].id)
    assert not shown.armed
    assert "documents none" in shown.detail or "only be observed" in shown.detail


def test_a_network_that_breaks_meanwhile_proves_nothing() -> None:
    one, order = lone("kraken")
    one.fake.later(one.fake.now_ms() + 5000, lambda ms: one.bad(Trouble.LOST))
    shown, _ = drilled(one, order.id)
    assert not shown.proved


# --- the evidence ---------------------------------------------------------------------------------------------------

NOW = 1_790_000_000_000


def test_what_a_drill_has_shown_is_kept_and_told_by_check(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    profile = Stand(venue="okx").profile()
    shown = Drilled(profile="okx", proved=True, armed=True, detail="cancelled at its moment")
    path = keep_evidence(profile, shown, environ, NOW)
    assert path is not None
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = drills.read(environ)
    finding = evidence.drill_finding(kept["okx"], profile.hosts, NOW + 3 * 86_400_000)
    assert finding is not None
    assert (finding.level, finding.detail) == (Level.OK, "3 d ago: cancelled at its moment")
    assert evidence.drill_finding(kept["okx"], "https://elsewhere.test", NOW) is None
    assert evidence.drill_finding(kept.get("other"), None, NOW) is None
    keep_evidence(profile, Drilled(profile="okx", proved=False, armed=True, detail="still rests"), environ, NOW + 1)
    again = evidence.drill_finding(drills.read(environ)["okx"], profile.hosts, NOW + 1)
    assert again is not None
    assert again.level is Level.WARN
    nothing = Drilled(profile="okx", proved=False, detail="nothing was armed")
    assert keep_evidence(profile, nothing, environ, NOW + 2) is None
    assert drills.read(environ)["okx"].at_ms == NOW + 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={name: JSON for name in ("at_ms", "proved", "venue", "host", "detail")},
)


@given(rows=st.dictionaries(st.text(max_size=5), ROWS | JSON, max_size=3) | JSON)
def test_a_broken_file_is_no_evidence(rows: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.getbasetemp() / "broken"
    place = home / ".local" / "state" / "cancelall"
    place.mkdir(parents=True, exist_ok=True)
    (place / "drill.json").write_text(json.dumps({"schema": 1, "profiles": rows}), encoding="utf-8")
    for kept in drills.read({"HOME": str(home)}).values():
        assert isinstance(kept.detail, str)


# --- the rehearsal --------------------------------------------------------------------------------------------------


@on_a_loop
async def test_the_rehearsal_reads_and_cancels_nothing() -> None:
    with start_venue("bybit", orders=12) as server:
        (profile,) = profiles_of({"desk": profile_table("bybit", server, deadline=1.5)})

        def make(**more: Any) -> Run:
            return Run(profiles=[profile], environ={}, scale=0.1, **more)

        (shown,) = await rehearse(make)
        assert shown.trouble == ""
        assert shown.wire_ms is None  # nothing keeps connections warm here
        assert not shown.ok
        assert shown.answer_ms is not None
        assert shown.signed_ms is not None
        assert "no connection was warm" in shown.words
        assert len(server.open_orders()) == 12
        assert not [request for request in server.requests if request.changes]
    (shown,) = await rehearse(make)
    assert shown.trouble
    assert shown.profile == "desk"


def test_an_attempt_that_was_not_sent_measures_nothing() -> None:
    assert not Attempt(request=Request(method="GET", path="/"), began=0, ended=0, sent=False).answered


def test_the_rehearsal_and_the_keeper_go_the_ways_that_stand_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "RESTED_SECONDS", 0.0)
    monkeypatch.setattr(guard_standby, "lock_memory", lambda: False)
    asyncio.run(_rehearsed_and_armed())


async def _rehearsed_and_armed() -> None:
    with start_venue("okx", orders=6) as server:
        (profile,) = profiles_of({"desk": profile_table("okx", server)})
        standby = Standby([profile], {}, scale=0.1)
        try:
            assert await standby.prepare() == ()
            (shown,) = await rehearse(standby.run)
            assert shown.ok, shown.words
            assert "first bytes on the wire" in shown.words
            assert shown.wire_ms is not None
            assert shown.answer_ms is not None
            assert 0 < shown.wire_ms <= shown.answer_ms
            keeper = SwitchKeeper(
                profile=profile, mode="arm", seconds=10, line=lambda deadline: standby.line(profile, deadline)
            )
            keeper.look(time.monotonic(), fresh=True)
            await asyncio.gather(*keeper._tasks.values())
            assert keeper.trouble == ""
            assert "armed until" in keeper.words()
            assert await keeper.disarm(5.0) == ""
        finally:
            standby.close()
        assert [request.path for request in server.requests if request.changes] == [
            "/api/v5/trade/cancel-all-after"
        ] * 2
        assert len(server.open_orders()) == 6


def test_a_line_without_secrets_is_a_trouble_and_no_bug() -> None:
    (profile,) = profiles_of({"desk": {"venue": "okx", "base_url": "http://127.0.0.1:1"}})
    standby = Standby([profile], {})
    with pytest.raises(CancelallError, match="secrets"):
        standby.line(profile, 0.0)


@on_a_loop
async def test_numbers_that_were_refused_once_do_not_end_the_line_for_ever() -> None:
    """A key's refused numbers are counted for one run, and a guard goes on for weeks."""
    with start_venue("kraken", orders=3, faults=["invalid-nonce:create@3"]) as server:
        (profile,) = profiles_of({"desk": profile_table("kraken", server)})
        standby = Standby([profile], {}, scale=0.1)
        try:
            assert await standby.prepare() == ()
            keeper = SwitchKeeper(
                profile=profile, mode="arm", seconds=60, line=lambda deadline: standby.line(profile, deadline)
            )
            async with asyncio.timeout(20):
                while keeper.trouble or not keeper.until_ms:
                    keeper.look(time.monotonic(), fresh=True)
                    await asyncio.sleep(0.05)
        finally:
            standby.close()
