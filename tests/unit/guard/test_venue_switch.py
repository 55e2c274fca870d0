"""The keeper of a venue's own switch: what is due when, and what comes of it on every fake venue that has one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import ConfigError
from cancelall.core.model import Order
from cancelall.core.switch import TimerReading, VenueSwitch, load_switch
from cancelall.guard.venue_switch import SwitchKeeper, TimerState, check_switches, due, off_by, why_unarmed
from cancelall.simulator import LoggedRequest
from cancelall.venues.registry import VENUES
from soak.virtual import Trouble, true_ms
from standing import Stand
from unit.guard.switches import MECHANISMS, stand

NEVER = float("-inf")

# --- what is due ---


@pytest.mark.parametrize(
    ("at", "state", "fresh", "release", "verb"),
    [
        (0.0, TimerState(), True, False, "arm"),
        (0.0, TimerState(), False, True, None),  # nothing is disarmed that was not armed
        (0.0, TimerState(busy=True), True, False, None),
        (0.4, TimerState(tried_at=0.0, pause=0.5, failures=1), True, False, None),
        (0.5, TimerState(tried_at=0.0, pause=0.5, failures=1), True, False, "arm"),
        (14.9, TimerState(armed_at=0.0, tried_at=0.0), True, False, None),
        (15.0, TimerState(armed_at=0.0, tried_at=0.0), True, False, "renew"),
        (15.0, TimerState(armed_at=0.0, tried_at=0.0), False, False, None),  # no beat, no renewal
        (15.0, TimerState(armed_at=0.0, tried_at=0.0), True, True, "renew"),
        (15.0, TimerState(armed_at=0.0, tried_at=0.0), False, True, "disarm"),
        (15.0, TimerState(armed_at=0.0, tried_at=0.0, busy=True), False, True, None),  # it waits for the renewal
        (15.0, TimerState(armed_at=0.0, tried_at=14.0, unsure_until=40.0), False, True, None),  # which could come later
        (40.0, TimerState(armed_at=0.0, tried_at=14.0, unsure_until=40.0), False, True, "disarm"),
        (60.0, TimerState(armed_at=0.0, tried_at=0.0), True, False, "arm"),  # it has run out
        (60.0, TimerState(armed_at=0.0, tried_at=0.0), False, True, None),  # and may be another program's
    ],
)
def test_what_is_due(at: float, state: TimerState, *, fresh: bool, release: bool, verb: str | None) -> None:
    assert due(at, state, seconds=60, fresh=fresh, release=release) == verb


TIMES = st.floats(0, 1000)
STATES = st.builds(
    TimerState,
    busy=st.booleans(),
    armed_at=st.none() | TIMES,
    tried_at=TIMES,
    pause=st.floats(0, 60),
    unsure_until=TIMES,
    runs_until=TIMES,
)


@given(at=TIMES, state=STATES, seconds=st.integers(1, 120), fresh=st.booleans(), release=st.booleans())
def test_nothing_is_armed_without_a_beat_or_disarmed_that_is_not_ours(
    *, at: float, state: TimerState, seconds: int, fresh: bool, release: bool
) -> None:
    verb = due(at, state, seconds=seconds, fresh=fresh, release=release)
    assert verb is None or not state.busy
    assert fresh or verb not in ("arm", "renew")
    assert verb != "disarm" or (not fresh and release and state.armed_at is not None and at >= state.unsure_until)


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (TimerReading(armed=True, fires_ms=60_000, server_ms=0), ""),
        (TimerReading(armed=True, fires_ms=61_999, server_ms=0), ""),
        (TimerReading(armed=True, fires_ms=66_000, server_ms=5000), ""),
        (TimerReading(armed=True, fires_ms=60_100), ""),
        (TimerReading(armed=True, seconds=60), ""),
        (TimerReading(armed=True, seconds=0.06), "cancels in 0 s"),
        (TimerReading(armed=False, server_ms=0), "is off"),
        (TimerReading(armed=True, server_ms=0), "does not say until when"),
        (TimerReading(armed=True, fires_ms=60, server_ms=0), "cancels in 0 s, and 60 s were wanted"),
        (TimerReading(armed=True, fires_ms=120_000, server_ms=0), "cancels in 120 s"),
    ],
)
def test_an_answer_that_names_another_moment_is_told(reading: TimerReading, words: str) -> None:
    assert words in off_by(reading, 0, 60, 0.1)
    assert words or not off_by(reading, 0, 60, 0.1)


# --- the venues ---


def amount(request: LoggedRequest) -> str:
    """The time that a request sets, as it stands there."""
    if request.body.startswith(b"{"):
        body = json.loads(request.body)
        if "action" in body:  # a moment, and what it is counted from here is the signature's
            return str(body["action"]["time"] - body["nonce"]) if "time" in body["action"] else ""
        return str(body.get("timeOut", body.get("countdown", "")))
    values = parse_qs(request.query or request.body.decode())
    return values.get("timeout", values.get("countdownTime", [""]))[0]


@pytest.mark.parametrize("venue", MECHANISMS)
def test_it_is_renewed_at_a_quarter_of_its_time_and_cancels_nothing_while_it_is(venue: str) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper, before = one.keeper(told.seconds), one.rests

    async def work() -> None:
        await one.stands(keeper, 300)

    one.run(work())
    armed = one.sent(told.path)
    assert [amount(request) for request in armed] == [told.arms] * 20
    assert one.rests == before
    assert one.notes[0][0] == "switch_armed"
    assert len(one.notes) == 1


@pytest.mark.parametrize("venue", MECHANISMS)
def test_without_beats_it_runs_out_and_the_venue_says_why(venue: str) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper, before, placed = one.keeper(told.seconds), one.rests, one.fake.open_orders()

    async def work() -> None:
        await one.stands(keeper, 20)
        assert "armed until" in keeper.words()
        await one.stands(keeper, 54, fresh=False)
        assert one.rests == before
        assert "left to run out" in keeper.words()
        assert keeper.until_ms is not None
        await one.stands(keeper, 20, fresh=False)
        assert keeper.until_ms is None

    one.run(work())
    gone = [order for order in placed if order.id not in {each.id for each in one.fake.open_orders()}]
    assert gone
    assert all(map(told.takes, gone))
    assert not any(map(told.takes, one.fake.open_orders()))
    (ended,) = one.fake.countdowns.ran_out
    assert len(one.sent(told.path)) == 2
    assert 74.9 <= (ended[2] - true_ms(one.loop)) / 1000 + one.at <= 75.2  # 60 s after the second


@pytest.mark.parametrize("venue", MECHANISMS)
def test_nothing_is_armed_before_a_beat(venue: str) -> None:
    one = stand(venue)
    keeper = one.keeper(MECHANISMS[venue].seconds)
    one.run(one.stands(keeper, 30, fresh=False))
    assert not [request for request in one.fake.requests if request.changes]
    assert keeper.trouble == ""
    assert keeper.words().startswith("not armed")


@pytest.mark.parametrize("venue", MECHANISMS)
@pytest.mark.parametrize("mode", ["off", "observe"])
def test_where_it_is_only_observed_nothing_is_armed(venue: str, mode: Any) -> None:
    one = stand(venue)
    keeper = one.keeper(MECHANISMS[venue].seconds, mode)
    one.run(one.stands(keeper, 30))
    assert not [request for request in one.fake.requests if request.changes]
    assert "stay" in keeper.unprotected[0]


@pytest.mark.parametrize("venue", MECHANISMS)
@pytest.mark.parametrize("fault", ["permission:create={path}", "error-500=1~{path}", "stall~{path}", "key"])
def test_a_first_arming_that_is_not_answered_is_a_trouble_at_once(venue: str, fault: str) -> None:
    told = MECHANISMS[venue]
    one = stand(venue, fault.format(path=told.path))
    keeper = one.keeper(told.seconds)

    async def work() -> None:
        keeper.look(one.clock.monotonic(), fresh=True)
        assert "is not armed" in keeper.trouble
        await one.stands(keeper, 40)
        assert "is not armed" in keeper.trouble
        assert "no answer yet" not in keeper.trouble
        one.fake.set_faults(told.faults)
        await one.stands(keeper, 70)
        assert keeper.trouble == ""

    one.run(work())
    assert len(one.sent(told.path)) <= 20  # nothing is hammered


@pytest.mark.parametrize("venue", MECHANISMS)
def test_renewals_that_are_lost_are_told_before_it_runs_out_and_made_up_for(venue: str) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper, before = one.keeper(told.seconds), one.rests

    async def work() -> None:
        await one.stands(keeper, 10)
        one.bad(Trouble.LOST)
        await one.stands(keeper, 30)
        assert "was not renewed" in keeper.trouble
        one.bad()
        await one.stands(keeper, 100)
        assert keeper.trouble == ""
        assert one.rests == before

    one.run(work())


@pytest.mark.parametrize("venue", MECHANISMS)
def test_a_disarming_waits_for_the_renewal_under_way(venue: str) -> None:
    """Whatever the network does with it: after the disarming nothing arrives that arms it."""
    one, told = stand(venue), MECHANISMS[venue]
    keeper, before = one.keeper(told.seconds), one.rests

    async def work() -> None:
        await one.stands(keeper, 14.95)
        one.bad(Trouble.LATE)
        await one.stands(keeper, 0.3)
        one.bad()
        keeper.fire()
        keeper.release()
        for _ in range(240):
            await one.stands(keeper, 0.5, fresh=False)
            told_until[0] = keeper.until_ms or told_until[0]

    told_until = [0]
    one.run(work())
    one.fake.open_orders()
    taken = [amount(request) for request in one.sent(told.path) if request.status == 200]
    if venue == "hyperliquid":  # the moment stands in the request, and nobody can take it back before
        assert taken[-1] == told.arms
        assert all(at <= told_until[0] for *_, at in one.fake.countdowns.ran_out)
        return
    assert one.rests == before
    assert one.fake.countdowns.ran_out == []
    assert taken[-1] == told.off
    assert keeper.until_ms is None


@pytest.mark.parametrize("venue", MECHANISMS)
def test_at_the_end_it_disarms_what_it_has_armed(venue: str) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper, before = one.keeper(told.seconds), one.rests

    async def work() -> str:
        await one.stands(keeper, 20)
        return await keeper.disarm(5.0)

    assert one.run(work()) == ""
    assert [amount(request) for request in one.sent(told.path)] == [told.arms, told.arms, told.off]
    assert one.rests == before
    assert one.notes[-1][0] == "switch_disarmed"


@pytest.mark.parametrize("venue", MECHANISMS)
@pytest.mark.parametrize("fault", ["permission:create={path}", "stall~{path}"])
def test_at_the_end_it_leaves_alone_what_was_never_confirmed(venue: str, fault: str) -> None:
    told = MECHANISMS[venue]
    one = stand(venue, fault.format(path=told.path))
    keeper = one.keeper(told.seconds)

    async def work() -> str:
        await one.stands(keeper, 20)
        one.fake.countdowns.set(one.account, "", 30_000)  # another program's
        return await keeper.disarm(5.0)

    said = one.run(work())
    assert told.off not in {amount(request) for request in one.sent(told.path)}
    assert ("may still cancel until" in said) is fault.startswith("stall")
    assert not [name for name, _ in one.notes if name == "switch_disarmed"]


@pytest.mark.parametrize("venue", MECHANISMS)
def test_a_disarming_without_an_answer_is_told(venue: str) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper = one.keeper(told.seconds)

    async def work() -> str:
        await one.stands(keeper, 20)
        one.bad(Trouble.LOST)
        return await keeper.disarm(3.0)

    assert "may still cancel until" in one.run(work())
    assert one.at < 24


@pytest.mark.parametrize("venue", MECHANISMS)
def test_another_program_that_switches_it_off_is_made_up_for_at_the_next_renewal(venue: str) -> None:
    """No call of these venues shows it: it costs a quarter of the time, and the words for the user say so."""
    one, told = stand(venue), MECHANISMS[venue]
    keeper = one.keeper(told.seconds)

    async def work() -> None:
        await one.stands(keeper, 20)
        one.fake.countdowns.lose()
        await one.stands(keeper, 20)
        await one.stands(keeper, 80, fresh=False)

    one.run(work())
    one.fake.open_orders()
    assert len(one.fake.countdowns.ran_out) == 1
    switch = load_switch(venue)
    assert isinstance(switch, VenueSwitch)
    assert "another program's is replaced" in switch.shared


@pytest.mark.parametrize("venue", MECHANISMS)
def test_a_clock_that_is_off_does_not_matter(venue: str) -> None:
    one, told = stand(venue, skew_ms=20_000), MECHANISMS[venue]
    keeper, before = one.keeper(told.seconds), one.rests

    async def work() -> None:
        await one.stands(keeper, 100)
        assert keeper.trouble == ""

    one.run(work())
    assert one.rests == before


@pytest.mark.parametrize("venue", MECHANISMS)
def test_a_bug_ends_nothing(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, told = stand(venue), MECHANISMS[venue]
    keeper = one.keeper(told.seconds)
    monkeypatch.setattr(keeper, "line", lambda deadline: 1 // 0)
    one.run(one.stands(keeper, 10))
    assert "ZeroDivisionError" in keeper.trouble
    assert not one.loop.complaints


# --- what may be set ---


@pytest.mark.parametrize("venue", MECHANISMS)
@pytest.mark.parametrize("seconds", [0, 0.4, 1e-9, -60, 1.5, 9.999, 1e6, float("nan"), float("inf"), 1e300])
def test_a_time_that_a_venue_would_round_or_take_for_off_is_refused(venue: str, seconds: float) -> None:
    one = stand(venue)
    with pytest.raises(ConfigError, match="whole seconds"):
        check_switches([one.profile()], "arm", seconds)


@pytest.mark.parametrize("venue", MECHANISMS)
def test_the_shortest_and_the_longest_time_are_taken(venue: str) -> None:
    switch = load_switch(venue)
    assert isinstance(switch, VenueSwitch)
    for seconds in (switch.least, switch.most):
        one = stand(venue)
        keeper = one.keeper(seconds)
        one.run(one.stands(keeper, 2))
        assert one.fake.countdowns._moments, seconds
    for seconds in (switch.least - 1, switch.most + 1):
        with pytest.raises(ConfigError):
            check_switches([stand(venue).profile()], "arm", seconds)


NARROWED: Mapping[str, Mapping[str, Any]] = {
    "okx": {"instrument": ["BTC-USDT"]},
    "kraken": {"pair": ["XBT/USD"]},
    "hyperliquid": {"coin": ["BTC"]},
    "bitget": {"symbol": ["BTCUSDT"]},
}


@pytest.mark.parametrize("venue", NARROWED)
def test_a_profile_that_is_a_part_of_the_account_arms_nothing(venue: str) -> None:
    """Its timer would cancel what the user left out."""
    for options in (NARROWED[venue], {"keep_protective": True}, {"client_id": ["de50"]}, {"not_client_id": ["de50"]}):
        one = stand(venue)
        assert why_unarmed(one.profile(**options))
        keeper = one.keeper(60, **options)
        one.run(one.stands(keeper, 20))
        assert not [request for request in one.fake.requests if request.changes]
        assert keeper.words().startswith("not armed: it cancels")
        assert keeper.trouble == ""


@pytest.mark.parametrize("venue", sorted(set(VENUES) - set(MECHANISMS)))
def test_a_venue_without_one_arms_nothing_and_says_so(venue: str) -> None:
    one = Stand(venue=venue)
    with pytest.raises(ConfigError, match="no profile has a switch that can be armed"):
        check_switches([one.profile()], "arm", 60)
    check_switches([one.profile()], "observe", 60)
    keeper = one.keeper()
    assert "not armed" in keeper.words()
    assert "stay" in keeper.unprotected[0]


def test_what_it_does_not_reach_is_named() -> None:
    one = stand("okx")
    keeper = one.keeper()
    resting = {"orders": 3, "TP/SL": 2, "spreads": 1, "events": 1}
    keeper.resting = [Order(id=f"{name}{n}", segment=name) for name, count in resting.items() for n in range(count)]
    one.run(one.stands(keeper, 2))
    assert "it does not reach 2 orders in TP/SL" in keeper.words()
    assert "it does not reach 1 order in spreads" in keeper.words()
    assert "it may not reach 1 order in events" in keeper.words()
    assert "in orders" not in keeper.words()
    assert any("algo orders" in line for line in keeper.unprotected)


# --- answers that are not what they should be ---


def answering(keeper: SwitchKeeper, reading: TimerReading) -> None:
    """Have every answer about the keeper's timers say this."""
    keeper._timers = {
        name: replace(timer, read=lambda request, reply: reading) for name, timer in keeper._timers.items()
    }


@pytest.mark.parametrize("venue", MECHANISMS)
def test_a_venue_that_answers_that_it_is_off_has_not_armed_it(venue: str) -> None:
    one = stand(venue)
    keeper = one.keeper()
    answering(keeper, TimerReading(armed=False))

    async def work() -> str:
        await one.stands(keeper, 20)
        assert "is off" in keeper.trouble
        return await keeper.disarm(2.0)

    one.run(work())
    assert MECHANISMS[venue].off not in {amount(request) for request in one.sent(MECHANISMS[venue].path)}


def test_a_venue_that_names_another_moment_is_in_doubt_and_disarmed_all_the_same() -> None:
    one = stand("okx")
    keeper = one.keeper()
    answering(keeper, TimerReading(armed=True, seconds=6))

    async def work() -> None:
        await one.stands(keeper, 20)
        assert "is in doubt" in keeper.trouble
        assert "cancels in 6 s, and 60 s were wanted" in keeper.trouble
        answering(keeper, TimerReading(armed=False))
        assert await keeper.disarm(2.0) == ""

    one.run(work())


def test_a_disarming_that_is_answered_otherwise_is_told() -> None:
    one = stand("kraken")
    keeper = one.keeper()

    async def work() -> str:
        await one.stands(keeper, 2)
        answering(keeper, TimerReading(armed=True, seconds=60))
        return await keeper.disarm(2.0)

    assert "may still cancel until" in one.run(work())
    words = "kraken: the venue's switch (all orders) does not do as it should: the venue answers that it is still armed"
    assert ("switch_trouble", words) in one.notes


@pytest.mark.parametrize("venue", ["okx", "bitget", "binance"])
def test_what_is_refused_is_not_tried_again_at_once(venue: str) -> None:
    one = stand(venue, f"permission:create={MECHANISMS[venue].path}")
    one.run(one.stands(one.keeper(), 110))
    assert len(one.sent(MECHANISMS[venue].path)) == 2


def test_an_account_that_has_none_is_told_why() -> None:
    classic, ungranted = Stand(venue="bitget"), stand("bitget", "no-countdown")
    small = stand("hyperliquid", "volume=999999")
    for one, words in ((classic, "40084"), (ungranted, "40014"), (small, "1,000,000")):
        keeper = one.keeper()
        one.run(one.stands(keeper, 20))
        assert words in keeper.trouble, keeper.trouble
    enough = stand("hyperliquid", "volume=1000000")
    keeper = enough.keeper()
    enough.run(enough.stands(keeper, 2))
    assert keeper.trouble == ""


def test_a_kill_does_not_wait_for_a_renewal_of_a_key_with_one_request_at_a_time() -> None:
    for venue, busy in (("kraken", False), ("okx", True)):
        one = stand(venue)
        keeper = one.keeper()

        async def work(one: Stand = one, keeper: SwitchKeeper = keeper, busy: bool = busy) -> None:
            await one.stands(keeper, 14.9)
            one.bad(Trouble.LOST)
            await one.stands(keeper, 0.3)
            assert all(state.busy for state in keeper.states.values())
            keeper.fire()
            await one.stands(keeper, 0.1, fresh=False)
            assert any(state.busy for state in keeper.states.values()) is busy
            await one.stands(keeper, 30, fresh=False)
            assert not any(state.busy for state in keeper.states.values())

        one.run(work())


@pytest.mark.parametrize("venue", MECHANISMS)
def test_what_a_request_without_an_answer_may_do_is_told_to_its_end(venue: str) -> None:
    """A signature is good for as long as the venue takes it; a moment that stands in the request moves nothing."""
    one = stand(venue, f"error-500=1~{MECHANISMS[venue].path}")
    keeper = one.keeper()

    async def work() -> int | None:
        keeper.look(one.clock.monotonic(), fresh=True)
        await one.stands(keeper, 3, fresh=False)
        return keeper.until_ms

    until_ms = one.run(work())
    assert until_ms is not None
    lasts = {"okx": 100, "kraken": 100, "binance": 75, "hyperliquid": 70, "bitget": 100}[venue]
    assert round((until_ms - true_ms(one.loop)) / 1000 + one.at, -1) == round(lasts, -1)


@pytest.mark.parametrize("venue", MECHANISMS)
def test_at_the_end_there_is_no_time_to_wait_for_what_may_still_arrive(venue: str) -> None:
    one = stand(venue)
    keeper = one.keeper()

    async def work() -> str:
        await one.stands(keeper, 14.9)
        one.bad(Trouble.LATE)
        await one.stands(keeper, 0.3)
        one.bad()
        return await keeper.disarm(7.0)

    said = one.run(work())
    sent = [amount(request) for request in one.sent(MECHANISMS[venue].path)]
    assert MECHANISMS[venue].off in sent
    assert ("may still cancel until" in said) is (venue != "kraken"), said  # whose numbers have to grow


# --- what others have set, where it can be seen ---


@pytest.mark.parametrize(
    ("venue", "fault", "armed", "words"),
    [
        ("bybit", "dcp=DERIVATIVES+SPOT", True, "on for DERIVATIVES after 10 s, SPOT after 10 s"),
        ("bybit", "", False, "is not set up for this account"),
        ("deribit", "disconnect", True, "on by default: orders placed over a connection that ends"),
        ("deribit", "", False, "off by default"),
        ("deribit", "error-500=1", None, "cannot be seen"),
        ("bybit", "refused=product", None, "cannot be seen"),
    ],
)
@pytest.mark.parametrize("mode", ["observe", "arm", "off"])
def test_what_is_seen_of_others_switches(venue: str, fault: str, armed: bool | None, words: str, mode: Any) -> None:
    one = Stand(venue=venue, faults=(fault,) if fault else ())
    keeper = one.keeper(60, mode)
    one.run(one.stands(keeper, 30))
    assert (words in keeper.words()) is (mode != "off"), keeper.words()
    assert not [request for request in one.fake.requests if request.changes]
    assert [sight.armed for sight in keeper.sights] == ([] if mode == "off" or armed is None else [armed])
    assert keeper.trouble == ""
    assert len(one.fake.requests) <= 2
