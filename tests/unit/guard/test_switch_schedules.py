"""Keepers of venues' switches in random weather: what is never sent, and what is never left unsaid."""

from __future__ import annotations

import random

import pytest

from soak.virtual import START, START_MS, Trouble, true_ms
from standing import Stand
from unit.guard.switches import MECHANISMS, stand

TROUBLES = (*[()] * 6, (Trouble.LOST,), (Trouble.SWALLOWED,), (Trouble.CUT_AFTER,), (Trouble.LATE,), (Trouble.REFUSED,))
DARING = 3.0
"""Seconds by which two clocks, and what is under way between them, may be apart."""


def schedule(venue: str, seed: int) -> None:
    """Some minutes of a guard: beats come and go, the network breaks, another program meddles, and it ends."""
    rng = random.Random(seed)
    one: Stand = stand(venue, orders=8, skew_ms=rng.randrange(-1500, 1500), latency=rng.choice((0.02, 0.3, 1.5)))
    told = MECHANISMS[venue]
    keeper = one.keeper(60)
    phases: list[tuple[float, float, bool]] = []
    """From when to when, in virtual seconds, and whether beats were fresh."""
    told_until: list[tuple[float, float]] = []
    """When, and until when something may still cancel."""

    def said() -> None:
        until_ms = keeper.until_ms
        until = float("-inf") if until_ms is None else (until_ms - one.skew_ms - START_MS) / 1000
        told_until.append((one.loop.time(), until))

    async def work() -> None:
        for _ in range(rng.randrange(2, 9)):
            one.bad(*rng.choice(TROUBLES))
            fresh = rng.random() < 0.6
            if not fresh and rng.random() < 0.4:
                keeper.fire()
            if not fresh and rng.random() < 0.5:
                keeper.release()
            if rng.random() < 0.1:
                one.fake.countdowns.lose()
            began, seconds = one.loop.time(), rng.choice((0.4, 3.0, 14.0, 31.0, 70.0))
            while one.loop.time() < began + seconds:
                await one.stands(keeper, 0.25, fresh=fresh)
                said()
            phases.append((began, one.loop.time(), fresh))
        one.bad(*rng.choice(TROUBLES))
        began = one.loop.time()
        if rng.random() < 0.5:
            await keeper.disarm(2.0)
        await keeper.close()
        said()
        phases.append((began, one.loop.time(), False))
        await one.stands(keeper, 0)  # nothing more is begun by it
        await _pass(one, 200)

    one.run(work())
    one.fake.catch_up()
    armed = [
        sent
        for sent in one.network.log
        if told.path in sent.request.text and _arms(venue, sent.request.body, sent.request.query)
    ]
    for sent in armed:  # a second try of a request that was begun in time may leave a little later
        assert any(fresh and began <= sent.at <= ended + 9.0 for began, ended, fresh in phases), f"{seed}: {sent}"
    for *_, at_ms in one.fake.countdowns.ran_out:
        at = (at_ms - START_MS) / 1000
        until = [until for since, until in told_until if since <= at][-1]
        assert at <= until + DARING, f"{seed}: it cancelled at {at - START:.1f}, and told was {until - START:.1f}"
    assert not one.loop.complaints, f"{seed}: {one.loop.complaints}"
    assert true_ms(one.loop) > 0


async def _pass(one: Stand, seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def _arms(venue: str, body: bytes, query: str) -> bool:
    """Whether a request starts a countdown."""
    text = query + body.decode()
    off = {
        "okx": '"timeOut":"0"',
        "kraken": "timeout=0",
        "binance": "countdownTime=0&",
        "bitget": '"countdown":"0"',
        "hyperliquid": '"scheduleCancel"}',
    }
    return off[venue] not in text


@pytest.mark.parametrize("venue", MECHANISMS)
def test_in_any_weather_nothing_is_armed_without_beats_and_no_cancel_comes_unsaid(venue: str) -> None:
    for seed in range(6):
        schedule(venue, seed)


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("venue", MECHANISMS)
def test_the_same_for_many(venue: str) -> None:
    for seed in range(1000, 1300):
        schedule(venue, seed)
