"""A guard for an hour of beats that jitter, and for a thousand deaths, under virtual time: no fire without a death, no
death without a fire, and each proven on the embedded exchange.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall.core.errors import ExitStatus
from cancelall.guard.model import GuardState
from cancelall.venues.registry import VENUES
from tests.soak.guards import Guarded, guarded

TIMEOUT = 2.0
LATE = 0.2
HOUR = 3600.0
LATER = pytest.mark.faults


@pytest.fixture
def directory() -> Iterator[Path]:
    """In memory, as /run is."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


async def quiet(one: Guarded, seconds: float, freezes: int) -> None:
    """A bot that beats, on a machine that stands still now and then: nothing happens."""
    standing = asyncio.create_task(one.guard.stand())
    rng = random.Random(7)
    for _ in range(freezes):
        await one.bot.lives(seconds / freezes)
        await asyncio.sleep(TIMEOUT / 8)  # the guard has seen the last beat
        one.freeze(rng.uniform(0.3, 3 * TIMEOUT))
        await asyncio.sleep(rng.uniform(0, TIMEOUT / 4))  # often the guard is awake before the bot
    assert not standing.done()
    assert one.state is GuardState.ARMED
    assert (one.told.causes, one.told.alarms, one.stand.fake.requests) == ([], [], [])
    standing.cancel()


@pytest.mark.parametrize("seconds", [pytest.param(HOUR / 20, id="minutes"), pytest.param(HOUR, marks=LATER, id="hour")])
def test_an_hour_of_beats_that_jitter_fires_nothing(seconds: float, directory: Path) -> None:
    with guarded("bybit", directory, seed=1, timeout=TIMEOUT) as one:
        one.stand.run(quiet(one, seconds, freezes=int(seconds / 30)))


async def deaths(one: Guarded, number: int, rng: random.Random) -> None:
    """A bot that dies again and again: each time everything is gone, and proven, and it is armed by the next beat.

    Where so many kills are more than a venue's limits allow, it goes on until one is proven.
    """
    standing = asyncio.create_task(one.guard.stand())
    for _ in range(number):
        fired = len(one.told.causes)
        await one.bot.lives(rng.uniform(0.5, 3 * TIMEOUT))
        await one.until(GuardState.ARMED)
        assert len(one.told.causes) == fired
        assert len(one.stand.fake.open_orders(one.stand.account)) >= one.stand.orders
        if rng.random() < 0.2:
            one.freeze(rng.uniform(0.3, 3 * TIMEOUT))  # and never beats again
        died = one.stand.loop.time()
        await one.until(GuardState.FIRING)
        at, cause = one.told.causes[-1]
        assert len(one.told.causes) == fired + 1
        assert (cause.trigger, cause.source) == ("heartbeat", "/run/bot/beat")
        assert at - died <= TIMEOUT + LATE
        await one.until(GuardState.LATCHED)
        assert one.told.statuses[-1] is ExitStatus.CLEAR
        assert one.stand.fake.open_orders(one.stand.account) == []
        one.place()
    assert not standing.done()
    assert one.told.alarms == []
    standing.cancel()


@pytest.mark.parametrize("number", [pytest.param(2, id="few"), pytest.param(100, marks=LATER, id="hundred")])
@pytest.mark.parametrize("venue", VENUES)
def test_every_one_of_many_deaths_is_cancelled_and_proven(venue: str, number: int, directory: Path) -> None:
    with guarded(venue, directory, seed=len(venue), timeout=TIMEOUT) as one:
        one.stand.run(deaths(one, number, random.Random(len(venue))))
