"""Taking turns under rate limits, on a loop whose time costs nothing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core.model import Priority, Request
from cancelall.engine.rate_limiter import Address, Backoffs, HostGate, ProfileLimits, RateLimiter
from cancelall.venues.contract import Limit
from cancelall.venues.registry import VENUES, load
from instant import instantly, run


def now() -> float:
    """Seconds since the loop began."""
    return asyncio.get_running_loop().time() - 1000.0


async def _go(
    limiter: RateLimiter, priority: int, name: str, gone: list[tuple[float, str]], after: float = 0.0
) -> None:
    await asyncio.sleep(after)
    await limiter.turn(priority)
    gone.append((round(now(), 6), name))


def departures(limit: Limit | None, waiters: Sequence[tuple[float, int]]) -> list[tuple[float, str]]:
    """When each of (arrival, priority) went, in the order of going."""

    async def work() -> list[tuple[float, str]]:
        gone: list[tuple[float, str]] = []
        limiter = RateLimiter(limit)
        tasks = (_go(limiter, rank, f"{rank}:{index}", gone, after) for index, (after, rank) in enumerate(waiters))
        await asyncio.gather(*tasks)
        return gone

    found: list[tuple[float, str]] = run(work())
    return found


def most_in_a_window(times: Sequence[float], seconds: float) -> int:
    """The most departures in any window of so many seconds, its far end not included."""
    return max(sum(1 for time in times if start <= time < start + seconds) for start in times)


# --- limits ---------------------------------------------------------------------------------------------------------


def test_without_a_limit_everybody_goes_at_once() -> None:
    assert departures(None, [(0.0, 2)] * 100) == [(0.0, f"2:{index}") for index in range(100)]


def test_as_many_as_the_limit_allows_go_at_once_and_the_rest_in_step() -> None:
    times = [time for time, _ in departures(Limit(count=3), [(0.0, 2)] * 10)]
    assert times == [0.0] * 3 + [1.02] * 3 + [2.04] * 3 + [3.06]


def test_a_place_is_free_again_when_its_own_window_is_over() -> None:
    times = [time for time, _ in departures(Limit(count=2), [(0.0, 2), (0.7, 2), (0.8, 2), (0.9, 2), (1.0, 2)])]
    assert times == [0.0, 0.7, 1.02, 1.72, 2.04]


@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(1, 5),
    seconds=st.sampled_from([0.5, 1.0, 5.0]),
    waiters=st.lists(st.tuples(st.floats(0, 8), st.sampled_from([0, 1, 2])), min_size=1, max_size=25),
)
def test_no_window_ever_holds_more_than_the_limit(count: int, seconds: float, waiters: list[tuple[float, int]]) -> None:
    gone = departures(Limit(count=count, seconds=seconds), waiters)
    assert len(gone) == len(waiters)
    assert most_in_a_window([time for time, _ in gone], seconds) <= count
    latest = max(after for after, _ in waiters)
    assert gone[-1][0] <= latest + (len(waiters) // count) * seconds * 1.02 + 0.001, "nobody waits longer than needed"


@pytest.mark.parametrize("name", VENUES)
def test_the_documented_limits_are_kept(name: str) -> None:
    venue = load(name)
    for limit in {*venue.limits.values(), *([venue.address_limit] if venue.address_limit else [])}:
        assert limit.count > 0
        assert limit.seconds > 0
        times = [time for time, _ in departures(limit, [(0.0, 0)] * min(limit.count * 2 + 1, 60))]
        assert most_in_a_window(times, limit.seconds) <= limit.count * (2 if limit.falls else 1)


def test_a_counter_takes_a_burst_and_then_as_many_as_it_falls() -> None:
    """Not one window after the other: fifteen at once, and from then on one in three seconds."""
    times = [time for time, _ in departures(Limit(count=3, seconds=9.0, falls=True), [(0.0, 2)] * 5)]
    assert times == [0.0] * 3 + [3.06, 6.12]


@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(1, 5),
    seconds=st.sampled_from([1.0, 9.0]),
    waiters=st.lists(st.tuples(st.floats(0, 30), st.sampled_from([0, 1, 2])), min_size=1, max_size=25),
)
def test_a_counter_never_stands_above_its_limit(count: int, seconds: float, waiters: list[tuple[float, int]]) -> None:
    gone = departures(Limit(count=count, seconds=seconds, falls=True), waiters)
    assert len(gone) == len(waiters)
    height, before = 0.0, 0.0
    for at, _ in gone:
        height, before = max(0.0, height - (at - before) * count / seconds) + 1, at
        assert height <= count + 1e-6
    latest = max(after for after, _ in waiters)
    assert gone[-1][0] <= latest + len(waiters) / count * seconds * 1.02 + 0.001, "nobody waits longer than needed"


@instantly
async def test_a_turn_of_a_counter_that_was_not_needed_is_given_back() -> None:
    limiter = RateLimiter(Limit(count=1, seconds=10.0, falls=True))
    await limiter.turn(0)
    limiter.unused()
    gone: list[tuple[float, str]] = []
    await _go(limiter, 0, "next", gone)
    await _go(limiter, 0, "after", gone)
    assert gone == [(0.0, "next"), (10.2, "after")]


# --- who goes first -------------------------------------------------------------------------------------------------


def test_the_urgent_go_first_and_equals_in_turn() -> None:
    order = [Priority.LISTING, Priority.OTHER, Priority.CANCEL, Priority.MASS_CANCEL, Priority.LISTING, Priority.CANCEL]
    gone = departures(Limit(count=1), [(0.0, rank) for rank in (Priority.OTHER, *order)])
    assert [name for _, name in gone] == ["5:0", "0:4", "1:3", "1:6", "2:1", "2:5", "5:2"]


def test_who_comes_later_but_is_more_urgent_goes_first() -> None:
    gone = departures(Limit(count=1), [(0.0, 2), (0.1, 2), (0.2, 2), (0.9, 0)])
    assert [name for _, name in gone] == ["2:0", "0:3", "2:1", "2:2"]


@instantly
async def test_who_gives_up_waiting_takes_no_place() -> None:
    gone: list[tuple[float, str]] = []
    limiter = RateLimiter(Limit(count=1))
    tasks = [asyncio.create_task(_go(limiter, 2, name, gone)) for name in "abcd"]
    await asyncio.sleep(0.5)
    tasks[1].cancel()
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [False, True, True, False]
    assert gone == [(0.0, "a"), (1.02, "d")]


@instantly
async def test_a_turn_that_was_not_needed_goes_to_the_next() -> None:
    gone: list[tuple[float, str]] = []
    limiter = RateLimiter(Limit(count=1))
    await limiter.turn(0)
    task = asyncio.create_task(_go(limiter, 2, "next", gone))
    await asyncio.sleep(0.25)
    limiter.unused()
    await task
    await _go(limiter, 2, "after", gone)
    assert gone == [(0.25, "next"), (1.27, "after")]


# --- limits of which a request takes more, or has one of its own ----------------------------------------------------


@instantly
async def test_a_request_takes_as_much_of_a_limit_as_it_costs() -> None:
    limiter = RateLimiter(Limit(count=20, seconds=2.0))
    gone = []
    for cost in (10, 10, 10, 3, 7, 20):
        await limiter.turn(0, cost)
        gone.append(round(now(), 6))
    assert gone == [0.0, 0.0, 2.04, 2.04, 2.04, 4.08]


@instantly
async def test_what_was_not_needed_is_given_back_whatever_went_after_it() -> None:
    limiter = RateLimiter(Limit(count=20, seconds=2.0))
    for cost in (3, 10):
        await limiter.turn(0, cost)
    limiter.unused(3)
    await limiter.turn(0, 10)
    assert now() == 0.0
    await limiter.turn(0, 1)
    assert round(now(), 6) == 2.04


def cancels(bucket: str, cost: int = 10) -> Request:
    return Request(method="POST", path="/cancel", changes=True, bucket=bucket, cost=cost, priority=Priority.CANCEL)


@instantly
async def test_each_instrument_has_a_limit_of_its_own_like_the_one_before_the_colon() -> None:
    limits = ProfileLimits({"algos": Limit(count=20, seconds=2.0), "algos:C": Limit(count=1)}, HostGate.alone(None))
    gone: list[tuple[float, str]] = []

    async def go(request: Request) -> None:
        await limits.turn(request, 1, lambda: None)
        gone.append((round(now(), 6), request.bucket))

    await asyncio.gather(
        *(go(cancels(f"algos:{name}")) for name in "AAABB"), *(go(cancels("algos:C", 1)) for _ in "CC")
    )
    assert sorted(gone) == sorted(
        [(0.0, "algos:A")] * 2 + [(2.04, "algos:A")] + [(0.0, "algos:B")] * 2 + [(0.0, "algos:C"), (1.02, "algos:C")]
    )


@instantly
async def test_what_waited_in_vain_is_known_in_seconds() -> None:
    limit = Limit(count=20, seconds=2.0)
    limits = ProfileLimits({"algos": limit, "reads": limit}, HostGate.alone(None))
    assert limits.behind is None
    reads = [replace(cancels("reads"), changes=False)] * 9
    requests = [*[cancels("algos:A")] * 6, *[cancels("algos:B")] * 3, *reads, *[cancels("none")] * 99]
    tasks = [asyncio.create_task(limits.turn(one, 1, lambda: None)) for one in requests]
    await asyncio.sleep(1.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert limits.behind is not None
    bucket, known, seconds = limits.behind
    assert (bucket, known, round(seconds, 6)) == ("algos:A", limit, 4.08)


# --- what a venue asks to wait --------------------------------------------------------------------------------------


READ = Request(method="GET", path="/orders", bucket="a")


def test_hints_in_a_row_are_granted_more_and_more() -> None:
    backoffs = Backoffs()
    now = 0.0
    for granted in (1.5, 3.0, 6.0, 12.0):
        backoffs.back_off(READ, 60.0, now)
        assert backoffs.until(READ) - now == granted
        now = backoffs.until(READ)
    backoffs.good(READ)
    backoffs.back_off(READ, 60.0, now)
    assert backoffs.until(READ) - now == 1.5


def test_what_was_under_way_together_gets_one_wait() -> None:
    backoffs = Backoffs()
    for _ in range(10):
        backoffs.back_off(READ, 60.0, 0.1)
    assert backoffs.until(READ) == 1.6


def test_cancels_and_other_buckets_have_waits_of_their_own() -> None:
    backoffs = Backoffs()
    backoffs.back_off(READ, 1.0, 5.0)
    waits = [
        backoffs.until(replace(READ, **other)) for other in ({"path": "/else"}, {"changes": True}, {"bucket": "b"})
    ]
    assert waits == [6.0, 0.0, 0.0]


# --- what a host's profiles share -----------------------------------------------------------------------------------


class Host:
    """A gate, and what goes through it in which order. An attempt takes so many seconds."""

    def __init__(self, gate: HostGate, gone: list[tuple[float, str]]) -> None:
        self.gate, self.gone = gate, gone

    async def ask(self, priority: int, name: str, seconds: float = 0.0, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        await self.gate.turn(priority)
        self.gone.append((round(now(), 6), name))
        try:
            await asyncio.sleep(seconds)
        finally:
            self.gate.leave()


@instantly
async def test_a_gate_counts_requests() -> None:
    gate = HostGate.alone(Limit(count=2, seconds=5.0))
    assert gate.refusals.blocked is None
    for _ in range(3):
        await gate.turn(0)
    assert round(now(), 6) == 5.1


@instantly
async def test_places_go_to_the_most_urgent_and_reads_leave_some_free() -> None:
    """Eight places: reads take six at most, whatever else is free, and wait behind every cancel."""
    gone: list[tuple[float, str]] = []
    host = Host(HostGate.alone(None, at_once=8), gone)
    reads = [host.ask(Priority.LISTING, f"read {index}", 1.0) for index in range(8)]
    late = [host.ask(Priority.MASS_CANCEL, f"mass {index}", 1.0, 0.5) for index in range(4)]
    await asyncio.gather(*reads, *late)
    at = {name: time for time, name in gone}
    assert [at[f"read {index}"] for index in range(8)] == [0.0] * 6 + [1.0] * 2
    assert sorted(at[f"mass {index}"] for index in range(4)) == [0.5] * 2 + [1.0] * 2


@instantly
async def test_a_dead_host_takes_no_place_of_another_and_no_more_of_the_limit_than_it_has_places() -> None:
    gone: list[tuple[float, str]] = []
    address = Address(Limit(count=100, seconds=5.0))
    dead, live = Host(address.gate(4), gone), Host(address.gate(4), gone)
    hanging = [asyncio.create_task(dead.ask(0, f"dead {index}", 60.0)) for index in range(50)]
    await asyncio.sleep(0)
    await asyncio.gather(*(live.ask(0, f"live {index}", 0.1) for index in range(20)))
    for task in hanging:
        task.cancel()
    assert [name for _, name in gone if name.startswith("dead")] == [f"dead {index}" for index in range(4)]
    assert max(time for time, name in gone if name.startswith("live")) < 0.5


@instantly
async def test_hosts_of_one_venue_share_the_limit_of_the_address_and_its_order() -> None:
    gone: list[tuple[float, str]] = []
    address = Address(Limit(count=2, seconds=5.0))
    one, other = Host(address.gate(64), gone), Host(address.gate(64), gone)
    await asyncio.gather(
        *(one.ask(Priority.MASS_CANCEL, f"first {index}") for index in range(2)),
        *(one.ask(Priority.LISTING, f"read {index}") for index in range(2)),
        *(other.ask(Priority.MASS_CANCEL, f"mass {index}", 0.0, 1.0) for index in range(2)),
    )
    assert gone == [
        *((0.0, f"first {index}") for index in range(2)),
        *((5.1, f"mass {index}") for index in range(2)),
        *((10.2, f"read {index}") for index in range(2)),
    ]


@instantly
async def test_reads_leave_a_share_of_the_address_limit_for_cancels_that_come_late() -> None:
    gone: list[tuple[float, str]] = []
    host = Host(HostGate.alone(Limit(count=100, seconds=5.0), at_once=1000), gone)
    reads = [host.ask(Priority.LISTING, "read") for _ in range(100)]
    await asyncio.gather(*reads, *(host.ask(Priority.MASS_CANCEL, "mass", 0.0, 1.0) for _ in range(5)))
    assert (gone.count((0.0, "read")), gone.count((1.0, "mass"))) == (95, 5)


def test_reads_wait_for_the_first_cancels_that_are_on_their_way_and_not_for_ever() -> None:
    async def work() -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
        gone: list[tuple[float, str]] = []
        host = Host(HostGate.alone(Limit(count=100, seconds=5.0)), gone)
        arrive = host.gate.address.expect()
        read = asyncio.create_task(host.ask(Priority.LISTING, "read"))
        await host.ask(Priority.MASS_CANCEL, "mass", 0.0, 1.5)
        arrive()
        arrive()  # twice is once
        await read
        first = list(gone)
        host.gate.address.expect()
        await host.ask(Priority.LISTING, "read although nobody came")
        return first, gone[2:]

    first, later = run(work())
    assert first == [(1.5, "mass"), (1.5, "read")]
    assert later == [(3.5, "read although nobody came")]


@instantly
async def test_a_place_that_was_given_to_who_has_just_given_up_is_free_again() -> None:
    gate = HostGate.alone(None, at_once=1)
    await gate.turn(0)
    waiting = asyncio.create_task(gate.turn(0))
    await asyncio.sleep(0)
    gate.leave()  # the place is the other's now, who does not know it yet
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(gate.turn(0), 1)


@instantly
async def test_a_gate_without_an_address_limit() -> None:
    gate = HostGate.alone(None)
    for _ in range(1000):
        await gate.turn(2)
        gate.leave()
    assert now() == 0.0


@instantly
async def test_a_turn_that_was_not_needed_gives_back_what_it_would_have_cost() -> None:
    """Whatever has gone since: else a needless read starves the cancels after it."""
    gate = HostGate.alone(Limit(count=100, seconds=60.0))
    await gate.turn(Priority.LISTING, 60)
    await gate.turn(Priority.CANCEL, 1)
    gate.leave(60, unused=True)
    gate.leave(1)
    await gate.turn(Priority.CANCEL, 99)
    assert now() == 0.0


PROOF = Request(method="POST", path="/info", priority=Priority.PROOF)


@instantly
async def test_what_one_proof_takes_is_kept_for_it_until_it_is_over() -> None:
    gate = HostGate.alone(Limit(count=1000, seconds=60.0))
    first, second, third = (ProfileLimits({}, gate, proves=proves) for proves in (True, True, False))
    await first.turn(PROOF, 100, int)
    await second.turn(PROOF, 300, int)
    waiting = asyncio.create_task(second.turn(PROOF, 300, int))  # with it the first one's 300 would be too many
    await asyncio.sleep(1.0)
    assert not waiting.done()
    await first.turn(PROOF, 200, int)
    await asyncio.sleep(1.0)
    assert not waiting.done()
    first.finish()
    await waiting
    assert now() == 2.0
    await third.turn(replace(PROOF, priority=Priority.LISTING), 50, int)  # nothing is kept from what may show an order
    assert now() == 2.0


@instantly
async def test_proofs_go_in_their_order_and_whoever_takes_too_much_goes_last() -> None:
    gate = HostGate.alone(Limit(count=1000, seconds=60.0))
    profiles = [ProfileLimits({}, gate, proves=True) for _ in range(3)]
    gone: list[int] = []

    async def go(number: int, cost: int) -> None:
        await profiles[number].turn(PROOF, cost, int)
        gone.append(number)

    await go(0, 390)
    await go(1, 1)
    await go(2, 1)
    await go(0, 10)
    await gate.turn(Priority.LISTING, 540)  # the limit is reached
    await asyncio.gather(go(0, 10), go(2, 10), go(1, 10))
    assert gone == [0, 1, 2, 0, 1, 2, 0]


@instantly
async def test_what_is_read_after_a_proof_leaves_to_others_what_is_kept_for_theirs() -> None:
    gate = HostGate.alone(Limit(count=1000, seconds=60.0))
    first, second = (ProfileLimits({}, gate, proves=True) for _ in range(2))
    await first.turn(PROOF, 100, int)
    await second.turn(PROOF, 100, int)
    first.finish()
    history = asyncio.create_task(first.turn(replace(PROOF, priority=Priority.OTHER), 500, int))
    await second.turn(PROOF, 300, int)
    await asyncio.sleep(1.0)
    assert not history.done()
    second.finish()
    await asyncio.sleep(59.0)
    assert not history.done()
    await history
    assert round(now(), 3) == 61.2


# --- what has to last -----------------------------------------------------------------------------------------------


@instantly
async def test_readings_of_a_hold_leave_what_the_last_proof_takes() -> None:
    """Of 1000 in a minute 300 have gone; two readings and the twentieth part are kept: three more are left."""
    gate = HostGate.alone(Limit(count=1000, seconds=60.0))
    await gate.turn(Priority.LISTING, 300)
    began = asyncio.get_running_loop().time()
    assert gate.address.pace(130, began, began + 40.0) == pytest.approx(40.0 * 130 / (700 - 2 * 130 - 50))
    gone: list[float] = []
    while (left := began + 40.0 - (at := asyncio.get_running_loop().time())) > 0:
        due = (gone or [began])[-1] + gate.address.pace(130, at, began + 40.0)
        if due <= at:
            await gate.turn(Priority.LISTING, 130)
            gone.append(at)
        await asyncio.sleep(min(left, 0.5))
    assert [round(at - began) for at in gone] == [10, 20, 30], "at even times, between now and then"
    assert gate.address.room(130, began + 40.0) == 0.0


@instantly
async def test_profiles_at_work_share_what_an_address_is_allowed_and_one_that_is_done_leaves_it_to_others() -> None:
    gate = HostGate.alone(Limit(count=1000, seconds=60.0))
    first, second, reader = (ProfileLimits({}, gate, proves=proves) for proves in (True, True, False))
    read = Request(method="GET", path="/orders", priority=Priority.LISTING)
    for one in (first, second, reader):
        await one.turn(read, 50, int)

    def pace(until: float, *, lavish: bool = False) -> float:
        return first.pace({"": 100}, {""}, until, lavish=lavish)

    began = asyncio.get_running_loop().time()
    assert pace(began + 30.0) == pytest.approx(30.0 * 200 / (850 - 400 - 50))
    assert pace(began + 3600.0) == pytest.approx(200 * 61.2 / (1000 - 400 - 50)), "for however long"
    assert pace(began + 30.0, lavish=True) == 0.0, "most of it is left"
    second.finish(stays=True)
    assert pace(began + 30.0) == pytest.approx(30.0 * 200 / (850 - 400 - 50))
    second.finish()
    assert pace(began + 30.0) == pytest.approx(30.0 * 100 / (850 - 200 - 50))
    await gate.turn(Priority.CANCEL, 700)
    assert pace(began + 30.0) == math.inf
    assert pace(began + 30.0, lavish=True) == math.inf
    assert first.room({"": 100}) == pytest.approx(61.2), "the proof waits for what has gone first"
    assert first.room({}) == first.pace({}, {""}, began + 30.0, lavish=False) == 0.0


@instantly
async def test_where_proofs_take_more_than_a_limit_they_take_its_windows() -> None:
    gate = HostGate.alone(Limit(count=100, seconds=60.0))
    began = asyncio.get_running_loop().time()
    assert gate.address.room(47, began) == 0.0
    assert gate.address.room(48, began) == pytest.approx(61.2)
    assert gate.address.pace(1000, began, began + 7200.0) < math.inf, "half of a limit is never kept back"
    assert HostGate.alone(None).address.pace(10, began, began + 1.0) == 0.0
