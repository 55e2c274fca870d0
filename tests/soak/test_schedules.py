"""Random schedules of a kill: it ends in time, shows no secret, touches nothing else, and is never clear too soon.

`SOAK=n` sets how many schedules are run. `make soak SEED=n` replays one, and makes it smaller if it fails.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancelall.simulator import SimOrder
from cancelall.venues.registry import VENUES
from tests.soak.plans import Plan, drawn, plan_of
from tests.soak.schedule import Result, minimal, run
from tests.soak.truth import FOREVER, Life, Window, never_empty

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
SCHEDULES = int(os.environ.get("SOAK") or "40")
SEED = os.environ.get("SEED")
PARTS = max(4, SCHEDULES // 250)
SHOWN = 3
"""Failed schedules that are shown in full."""


@pytest.mark.skipif(bool(SEED), reason="only one schedule is to be run")
@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_breaks_the_proof(part: int, record_property: Callable[[str, object], None]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    failed: list[Result] = []
    for seed in range(part, SCHEDULES, PARTS):
        result = run(plan_of(seed))
        failed += [result] if result.problems else []
        counts.update((result.plan.venue, report.verdict.value) for report in result.reports)
    record_property("soak", [[venue, verdict, number] for (venue, verdict), number in counts.items()])
    if failed:
        stories = "\n\n".join(result.story() for result in failed[:SHOWN])
        pytest.fail(f"{stories}\n\nfailed: {', '.join(str(result.plan.seed) for result in failed)}", pytrace=False)


@pytest.mark.skipif(not SEED, reason="replays the schedule that SEED names")
def test_replay() -> None:
    result = run(plan_of(int(SEED or "0")))
    sys.stdout.write(result.story(requests=1000) + "\n")
    if result.problems:
        less = minimal(result.plan, lambda other: bool(other.problems))
        pytest.fail(f"{result.story(0)}\n\nThe smallest schedule that still fails:\n{less.story(200)}", pytrace=False)


@pytest.mark.skipif(bool(SEED), reason="only one schedule is to be run")
@settings(
    max_examples=max(10, SCHEDULES // 20),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(venue=st.sampled_from(list(VENUES)), chance=st.randoms(use_true_random=False))
def test_no_schedule_that_was_sought_breaks_the_proof(venue: str, chance: random.Random) -> None:
    """The same with choices that can be made smaller one by one."""
    result = run(drawn(chance, 4, venue))
    assert not result.problems, result.story()


def test_the_same_seed_gives_the_same_run() -> None:
    for seed in range(900, 904):
        assert visible(run(plan_of(seed))) == visible(run(plan_of(seed)))


def test_the_same_seed_gives_the_same_run_in_another_process() -> None:
    """Sets of text have another order there."""
    seeds = range(906, 909)
    code = (
        "from soak.plans import plan_of; from soak.schedule import run; from soak.test_schedules import visible\n"
        f"print(''.join(visible(run(plan_of(seed))) for seed in {seeds!r}), end='')"
    )
    tests = Path(__file__).resolve().parent.parent
    environ = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}
    other = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert other.stdout == "".join(visible(run(plan_of(seed))) for seed in seeds)


def visible(result: Result) -> str:
    """What can be seen from outside."""
    return f"{result.lines}{len(result.log)} requests in {result.seconds:.6f} s\n"


# --- the oracle itself ----------------------------------------------------------------------------------------------


def lives(*spans: tuple[int, int]) -> Iterable[Life]:
    for number, (born, died) in enumerate(spans):
        yield Life(order=SimOrder(id=str(number), symbol="X", segment="x"), born=born, died=died)


@pytest.mark.parametrize(
    ("spans", "covered"),
    [
        ([(0, FOREVER)], True),
        ([(0, 10)], False),
        ([(0, 15), (15, 30)], True),
        ([(0, 15), (16, 30)], False),
        ([(12, FOREVER)], False),
        ([(0, 18), (3, 12), (11, 21)], True),
        ([(0, 10), (9, 20)], False),
        ([], False),
    ],
)
def test_a_window_without_an_empty_moment(spans: list[tuple[int, int]], covered: bool) -> None:
    assert never_empty(lives(*spans), Window(10, 20)) is covered


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.faults) for seed in (1, 2))])
@pytest.mark.parametrize("venue", VENUES)
def test_errors_for_seven_tenths_of_the_deadline_end_clear(venue: str, seed: int) -> None:
    """HTTP 500 to everything for 21 of 30 s."""
    result = run(Plan(seed=seed, venue=venue, orders=12, faults=((0.0, ("error-500=1",)), (21.0, ()))))
    assert (result.problems, [report.verdict.value for report in result.reports]) == ([], ["clear"])
    assert 21 < result.seconds <= 30


BROKE = (42788, 100406, 203862, 402664, 61491, 5032, 12671, 700714, 703999)
"""What once broke something: a segment that was listed in another way with its cancels in the air, empty pages that
go on, flags that cannot be read, one word that was believed."""


@pytest.mark.parametrize("seed", BROKE)
def test_what_broke_once_stays_mended(seed: int) -> None:
    result = run(plan_of(seed))
    assert not result.problems, result.story()
