"""A clock that tests turn by hand, and desks at a fake Bybit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from simulator.desks import BybitDesk as Desk
from simulator.desks import Clock

Opener = Callable[..., Desk]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_desk(clock: Clock) -> Opener:
    """Make a desk at a new fake Bybit; rate limits are off unless a test needs them, because the clock stands still."""

    def make(*, orders: int = 40, faults: Iterable[str] = (), seed: int = 1, limits: bool = False) -> Desk:
        return Desk.open_at("bybit", clock, faults, orders=orders, seed=seed, limits=limits)

    return make


@pytest.fixture
def desk(open_desk: Opener) -> Desk:
    return open_desk()
