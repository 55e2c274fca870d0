"""Many profiles of one venue on virtual time: what would take a minute and a thousand connections takes seconds."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.profile import Overrides, Profile
from cancelall.core.results import ProfileReport
from cancelall.engine import run as running
from cancelall.engine.client import Send
from cancelall.engine.run import Run
from cancelall.simulator import Account, FakeVenue, Kind, SimOrder
from soak.virtual import Network, Sent, Trouble, VirtualClock, VirtualLoop, Weather, true_ms


class _Even(random.Random):
    """Every request takes the same time."""

    def random(self) -> float:
        return 1.0


@dataclass(kw_only=True)
class Host:
    """A host of a fleet: its exchange, how its network is, and what was sent to it."""

    fake: FakeVenue
    network: Network

    @property
    def log(self) -> list[Sent]:
        """All attempts, in the order in which they left."""
        return self.network.log

    def kinds(self) -> list[Kind]:
        """What they were for."""
        return [sent.kind for sent in self.log]


@dataclass
class Fleet:
    """Profiles on hosts of one venue. `latency` is the way there and back, in seconds."""

    venue: str
    latency: float = 0.08
    scale: float = 1.0
    hosts: dict[str, Host] = field(default_factory=dict)
    tables: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loop = VirtualLoop()

    def host(
        self, origin: str, number: int, *, orders: int = 1, limits: bool = True, dead: bool = False, **keys: object
    ) -> Host:
        """So many more profiles on a host of its own."""
        fake = simulator.create(self.venue, orders=orders, seed=3, limits=limits, now_ms=lambda: true_ms(self.loop))
        accounts = list(fake.accounts.values()) + [fake.add_account(orders=orders) for _ in range(number - 1)]
        trouble = Weather(latency=self.latency, trouble=float(dead), kinds=(Trouble.BLACKHOLE,) if dead else ())
        network = Network(self.loop, fake, trouble, random.Random(1) if dead else _Even(), itertools.count().__next__)
        self.hosts[origin] = Host(fake=fake, network=network)
        for account in accounts:
            self.tables[f"p{len(self.tables):04}"] = {
                "venue": self.venue,
                "base_url": origin,
                **account.options,
                **keys,
                "credentials": dict(account.credentials),
            }
        return self.hosts[origin]

    def kill(self, *, deadline: float = 30.0, environ: Mapping[str, str] | None = None) -> list[ProfileReport]:
        """The kill of all profiles."""
        document = Document(path=Path("config.toml"), data={"profiles": self.tables})
        overrides = Overrides(deadline=deadline)
        chosen = [loader.profile(document, name, environ or {}, overrides) for name in self.tables]
        run = Run(
            profiles=chosen,
            environ=environ or {},
            started=self.loop.time(),
            clock=VirtualClock(loop=self.loop),
            connect=self._connect,
            scale=self.scale,
        )

        async def inline(work: Callable[[], Any], name: str = "") -> Any:
            await asyncio.sleep(0)
            return work()

        with patch.object(running, "in_thread", inline):
            return self.loop.finish(run.all())

    def _connect(self, profile: Profile) -> Send:
        return self.hosts[profile.origin].network.send


def fill(fake: FakeVenue, account: Account, orders: int, like: SimOrder, symbols: Sequence[str]) -> None:
    """Put so many orders of one kind on an account, in turns on each of these symbols."""
    for index in range(orders):
        symbol = symbols[index % len(symbols)]
        fake.place_like(account, replace(like, symbol=symbol), fake.now_ms() - 10_000_000 + index)
