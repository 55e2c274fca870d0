"""What follows from the kills of many profiles, from figures that are given."""

from __future__ import annotations

import pytest

from benchmarks import scale
from benchmarks.command import Used
from benchmarks.scale import Cost


def cost(
    profiles: int, orders: int, *, processor: float, verdict: float = 1.0, peak: float = 30, unclear: int = 0
) -> Cost:
    used = Used(user=processor / 2, system=processor / 2, peak_mb=peak)
    return Cost(
        profiles=profiles,
        orders=orders,
        last_cancel=verdict / 2,
        last_verdict=verdict,
        used=used,
        requests=5 * profiles,
        unclear=unclear,
    )


def test_a_further_profile_and_a_further_order() -> None:
    assert scale.each(cost(100, 0, processor=2.18), cost(1, 0, processor=0.2)) == pytest.approx(20.0)
    assert scale.each_order(cost(1, 5001, processor=1.7), cost(1, 1, processor=0.2)) == pytest.approx(0.3)


def test_each_figure_of_the_typical_kill_is_a_median_by_itself() -> None:
    kills = [
        cost(100, 1, processor=0.2, verdict=9.0, peak=40),
        cost(100, 1, processor=0.4, verdict=2.0, peak=60, unclear=3),
        cost(100, 1, processor=0.9, verdict=3.0, peak=50),
    ]
    one = scale.typical(kills)
    assert (one.processor, one.last_verdict, one.used.peak_mb) == (0.4, 3.0, 50)
    assert (one.unclear, one.clear) == (3, False)  # the worst: a kill that failed is not outvoted


def test_a_kill_as_a_row() -> None:
    assert scale.row(cost(100, 1, processor=0.5, verdict=2.0)) == {
        "last mass cancel s": 1.0,
        "last verdict s": 2.0,
        "processor s": 0.5,
        "peak MB": 30,
        "requests": 500,
    }
    assert scale.costs_table([cost(1000, 1, processor=0.5, verdict=2.0)])[-1] == (
        "| 1,000 | 1 | 1.00 | 2.00 | 0.50 | 30 | 5,000 |"
    )
