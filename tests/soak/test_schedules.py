"""Random schedules of a kill: it ends in time, shows no secret, touches nothing else, and is never clear too early.

`SOAK=n` sets how many schedules are run; `python -m soak SEED` in the folder `tests` replays one, and makes it smaller.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from .plans import plan_of
from .schedule import run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
SCHEDULES = int(os.environ.get("SOAK", "400"))
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_breaks_the_proof(part: int, record_property: Callable[[str, object], None]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(part, SCHEDULES, PARTS):
        result = run(plan_of(seed))
        assert not result.problems, f"seed {seed}: {result.told()}"
        counts.update((result.plan.venue, report.verdict.value) for report in result.reports)
    assert counts
    record_property("soak", [[venue, verdict, number] for (venue, verdict), number in counts.items()])
