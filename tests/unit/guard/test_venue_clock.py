"""A venue's clock: right whatever this machine's wall clock does, and not moved by one odd answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.guard import venue_clock
from cancelall.guard.venue_clock import VenueClock

VENUE = 1_800_000_000_000
"""Its time, in ms, when the steady clock stands at 0."""


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The steady clock, in ms, for a test to move."""
    now = [0.0]
    monkeypatch.setattr(venue_clock, "steady_ms", lambda: now[0])
    return now


def told(clock: VenueClock, at: float, seconds: float = 0.1, wrong: int = 0) -> None:
    """An answer that came at a steady time, having left the venue in the middle of its way."""
    clock.tells(round(VENUE + at - seconds * 500) + wrong, at, seconds)


def test_nothing_is_corrected_that_nothing_has_told() -> None:
    clock = VenueClock()
    assert (clock.offset_ms(VENUE), clock.correction_ms(VENUE)) == (None, 0)


def test_half_of_the_way_is_counted(steady: list[float]) -> None:
    clock = VenueClock()
    told(clock, 0.0, seconds=0.4)
    assert clock.offset_ms(VENUE - 5000) == 5000


def test_a_jump_of_the_wall_clock_is_known_without_another_answer(steady: list[float]) -> None:
    clock = VenueClock()
    told(clock, 0.0)
    steady[0] = 60_000.0
    assert clock.correction_ms(VENUE + 60_000) == 0
    assert clock.correction_ms(VENUE + 60_000 + 3_600_000) == -3_600_000


@pytest.mark.parametrize(("ours", "corrected"), [(0, 0), (140, 0), (160, -160), (-160, 160)])
def test_what_the_way_explains_is_not_corrected(steady: list[float], ours: int, corrected: int) -> None:
    clock = VenueClock()
    told(clock, 0.0, seconds=0.1)
    assert clock.correction_ms(VENUE + ours) == corrected


def test_a_date_of_whole_seconds_corrects_what_is_far_off(steady: list[float]) -> None:
    clock = VenueClock()
    clock.tells(VENUE, 0.0, 0.1, whole_seconds=True)
    assert clock.correction_ms(VENUE + 600) == 0
    assert clock.correction_ms(VENUE + 5000) == -4450


@given(wrong=st.integers(min_value=-(10**12), max_value=10**12), place=st.integers(0, 4))
def test_one_odd_answer_of_five_moves_nothing(wrong: int, place: int) -> None:
    clock = VenueClock()
    at = venue_clock.steady_ms()
    for number in range(5):
        told(clock, at, wrong=wrong if number == place else 0)
    offset = clock.offset_ms(round(VENUE + at))
    assert offset is not None
    assert abs(offset) < 1000


def test_the_steady_clock_goes_on() -> None:
    assert venue_clock.steady_ms() <= venue_clock.steady_ms()
