"""Discovery reads that several profiles need: one sends them, and no bad answer of its is anybody else's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.model import Priority, Request
from cancelall.engine.discovery import Discoveries
from cancelall.venues.contract import Batch, Discovery
from instant import instantly

READ = Request(method="GET", path="/markets", signed=False, priority=Priority.LISTING)


class Profiles:
    """Some on one host, and what each of them sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *outcomes: Any, listings: int | None = 20) -> None:
        self.sent: list[str] = []
        self.outcomes = iter(outcomes)
        gate = SimpleNamespace(answers={})
        self.client: Any = SimpleNamespace(venue=SimpleNamespace(listings=listings), gate=gate)
        monkeypatch.setattr(Discoveries, "_ask_alone", self.ask)

    async def ask(self, request: Request, discovery: Discovery[Any], wanted: object) -> Outcome[Batch]:
        """An answer of the list, in its time."""
        self.sent.append(request.path)
        seconds, value = next(self.outcomes)
        await asyncio.sleep(seconds)
        return Outcome(attempt=Attempt(request=request, began=0.0, ended=0.0), value=value)

    async def read(self, count: int, request: Request = READ, *, shows_orders: bool = False) -> list[Batch | None]:
        """What each of so many profiles gets."""
        discovery: Discovery[Any] = Discovery(
            name="markets", request=request, read=lambda request, reply: Batch(names=()), shows_orders=shows_orders
        )
        none: Any = None
        one = Discoveries(self.client, None, none, none, none, none, none)
        outcomes = await asyncio.gather(*(one._ask(request, discovery, lambda: True) for _ in range(count)))
        return [outcome.value for outcome in outcomes]


GOOD, UNSURE = Batch(names=()), Batch(names=(), unsure="a dex cannot be read")


@instantly
async def test_a_good_answer_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = Profiles(monkeypatch, (0.1, GOOD))
    assert await profiles.read(5) == [GOOD] * 5
    assert await profiles.read(1) == [GOOD]
    assert profiles.sent == ["/markets"]


@pytest.mark.parametrize("bad", [None, UNSURE])
@instantly
async def test_a_bad_answer_is_its_own(monkeypatch: pytest.MonkeyPatch, bad: Batch | None) -> None:
    profiles = Profiles(monkeypatch, (0.1, bad), (0.1, GOOD), (0.1, GOOD))
    assert await profiles.read(3) == [bad, GOOD, GOOD]


@instantly
async def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other profile may go another way, and that way may be dead."""
    profiles = Profiles(monkeypatch, (30.0, GOOD), (0.1, GOOD))
    began = asyncio.get_running_loop().time()
    first = asyncio.create_task(profiles.read(1))
    await asyncio.sleep(0.0)
    assert await profiles.read(1) == [GOOD]
    assert asyncio.get_running_loop().time() - began < 2.5
    first.cancel()


@instantly
async def test_a_profile_that_ends_leaves_its_read_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = Profiles(monkeypatch, (30.0, GOOD), (0.1, GOOD))
    first = asyncio.create_task(profiles.read(1))
    second = asyncio.create_task(profiles.read(1))
    await asyncio.sleep(0.5)
    first.cancel()
    assert await second == [GOOD]


@pytest.mark.parametrize(
    ("request_", "shows_orders", "listings"),
    [
        (Request(method="GET", path="/markets", signed=True), False, 20),
        (READ, True, 20),
        (READ, False, None),
    ],
)
@instantly
async def test_what_is_not_shared(
    monkeypatch: pytest.MonkeyPatch, request_: Request, shows_orders: bool, listings: int | None
) -> None:
    """What a key, or the moment, makes another answer; and nothing where reads are not scarce."""
    profiles = Profiles(monkeypatch, (0.1, GOOD), (0.1, GOOD), listings=listings)
    await profiles.read(2, request_, shows_orders=shows_orders)
    assert len(profiles.sent) == 2
