"""A keeper of a venue's switch on a fake venue, under virtual time."""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from cancelall import simulator
from cancelall.core.profile import Profile
from cancelall.credentials.chain import resolve
from cancelall.engine.client import Client
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.serial_key import SerialKey
from cancelall.engine.signer import Signer
from cancelall.guard.venue_switch import SwitchKeeper, SwitchMode
from cancelall.simulator import Account, FakeVenue, LoggedRequest
from cancelall.venues.registry import load
from soak.virtual import START, Network, Trouble, VirtualClock, VirtualLoop, Weather, true_ms
from support import profiles_of

T = TypeVar("T")

TURN = 0.25
"""Seconds of a turn of the guard's loop."""


class _Patient(random.Random):
    """By which what is late takes eleven seconds."""

    def random(self) -> float:
        return 0.92


@dataclass
class Stand:
    """A fake venue, a network between, and a guard's place in front of it. All times are virtual."""

    venue: str
    faults: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    orders: int = 30
    skew_ms: int = 0
    """How far the guard's clock is off."""
    latency: float = 0.05
    kind: str = ""
    """The mode of an account of Bitget."""

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()
        weakref.finalize(self, self.loop.close)
        self.clock = VirtualClock(loop=self.loop, skew_ms=self.skew_ms)
        self.fake: FakeVenue = simulator.create(
            self.venue, orders=self.orders, now_ms=lambda: true_ms(self.loop), limits=True
        )
        self.fake.set_faults(self.faults)
        self.network = Network(self.loop, self.fake, self.fair, random.Random(1), count().__next__)
        self.notes: list[tuple[str, str]] = []
        self.lines = 0

    @property
    def fair(self) -> Weather:
        """Nothing goes wrong on the way."""
        return Weather(latency=self.latency)

    def bad(self, *troubles: Trouble) -> None:
        """Whatever is sent from now on meets one of these; none: nothing. What is late comes after it was given up."""
        self.network.rng = _Patient() if Trouble.LATE in troubles else random.Random(1)
        self.network.weather = Weather(latency=self.latency, trouble=1.0, kinds=troubles) if troubles else self.fair

    @property
    def account(self) -> Account:
        return next(iter(self.fake.accounts.values()))

    def profile(self, **options: Any) -> Profile:
        """The account's profile."""
        table = {
            "venue": self.venue,
            "base_url": "http://127.0.0.1:1",
            **self.account.options,
            **self.options,
            **options,
            "credentials": dict(self.account.credentials),
        }
        (made,) = profiles_of({self.venue: table})
        return made

    def line(self, deadline: float, profile: Profile | None = None) -> Client:
        """A client of the account's own, as the guard makes one for each request about a switch."""
        self.lines += 1
        made = profile or self.profile()
        venue, secrets = load(self.venue), resolve(made, {}).secrets
        signer = Signer(
            venue=venue,
            origin=made.origin,
            secrets=secrets,
            options=made.options,
            clock=self.clock,
            further=made.further,
            headers=venue.headers(made.environment),
            serial=None if venue.serial is None else SerialKey(venue.serial),
        )
        gate = HostGate.alone(None)
        return Client(
            signer=signer,
            send=self.network.send,
            clock=self.clock,
            gate=gate,
            gates={name: HostGate.alone(None) for name in made.further},
            deadline=deadline,
            reserve=0.0,
        )

    def keeper(self, seconds: float = 60, mode: SwitchMode = "arm", **options: Any) -> SwitchKeeper:
        profile = self.profile(**options)
        return SwitchKeeper(
            profile=profile,
            mode=mode,
            seconds=seconds,
            line=lambda deadline: self.line(deadline, profile),
            clock=self.clock,
            note=lambda event, words: self.notes.append((event, words)),
        )

    # --- time ---

    @property
    def at(self) -> float:
        """Seconds since the beginning."""
        return self.loop.time() - START

    async def stands(self, keeper: SwitchKeeper, seconds: float, *, fresh: bool | Callable[[], bool] = True) -> None:
        """The guard's loop, for so long."""
        until = self.loop.time() + seconds
        while self.loop.time() < until:
            keeper.look(self.clock.monotonic(), fresh=fresh() if callable(fresh) else fresh)
            await asyncio.sleep(TURN)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of it."""
        return self.loop.finish(work)

    # --- what the venue has seen ---

    def sent(self, text: str) -> list[LoggedRequest]:
        """The requests whose path, query or body holds this text, as they arrived."""
        return [one for one in self.fake.requests if text in one.text]

    @property
    def rests(self) -> dict[str, int]:
        """How many orders rest in each part of the account."""
        found: dict[str, int] = {}
        for order in self.fake.open_orders(self.account):
            found[order.segment] = found.get(order.segment, 0) + 1
        return found
