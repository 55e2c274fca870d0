"""The scenes: real sweeps of the embedded exchange on virtual time, the same whenever they are run."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cancelall import simulator
from cancelall.cli.execute import how_far
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.errors import ExitStatus
from cancelall.core.model import Reply, SignedRequest, Verdict
from cancelall.core.profile import Overrides, Profile
from cancelall.core.results import ProfileReport
from cancelall.engine import run as running
from cancelall.engine import shared_limits, verdicts
from cancelall.engine.client import Send
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.run import Listener, Run, Target
from cancelall.net import failures
from cancelall.simulator import FakeVenue
from soak.virtual import Network, VirtualClock, VirtualLoop, Weather, true_ms

LATENCY = 0.12
"""Seconds there and back."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A run, and everything of it that is shown, in its order."""

    title: str
    line: tuple[str, ...]
    """The words behind `cancelall`."""
    targets: tuple[Target, ...]
    live: tuple[str, ...]
    """The live lines at a moment that says most."""
    decided: tuple[tuple[str, Verdict, float], ...]
    reports: tuple[ProfileReport, ...]
    """In the order in which they came, without positions."""
    positions: Mapping[str, ProfileReport]
    """The same with them."""
    results: tuple[ProfileReport, ...]
    """All of them, in the order of the profiles."""
    status: ExitStatus


class _Steady(random.Random):
    """Every request takes the same time."""

    def random(self) -> float:
        return 1.0


@dataclass
class _Desk:
    """Accounts on exchanges in this process, and how each is reached."""

    loop: VirtualLoop = field(default_factory=VirtualLoop)
    tables: dict[str, dict[str, object]] = field(default_factory=dict)
    ways: dict[str, Send] = field(default_factory=dict)

    def account(
        self, name: str, venue: str, *faults: str, orders: int = 12, seed: int = 3, **options: object
    ) -> FakeVenue:
        fake = simulator.create(venue, orders=orders, seed=seed, now_ms=lambda: true_ms(self.loop))
        account = next(iter(fake.accounts.values()))
        fake.set_faults(faults)
        self.tables[name] = {"venue": venue, **account.options, **options, "credentials": dict(account.credentials)}
        step = itertools.count().__next__
        self.ways[name] = Network(self.loop, fake, Weather(latency=LATENCY), _Steady(), step).send
        return fake

    def run(
        self, title: str, *line: str, deadline: float = 30.0, interrupted: float | None = None, live_at: float = 0.0
    ) -> Scene:
        document = Document(path=Path("config.toml"), data={"profiles": self.tables})
        profiles = [loader.profile(document, name, {}, Overrides(deadline=deadline)) for name in self.tables]
        targets: list[Target] = []
        live: list[str] = []
        sweeps: dict[str, ProfileSweep] = {}
        decided: list[tuple[str, Verdict, float]] = []
        reports: list[ProfileReport] = []
        positions: dict[str, ProfileReport] = {}
        run = Run(
            profiles=profiles,
            environ={},
            started=self.loop.time(),
            positions="after",
            listener=Listener(
                target=targets.append,
                sweeping=sweeps.__setitem__,
                decided=lambda *given: decided.append(given),
                finished=reports.append,
                positions=lambda report: positions.__setitem__(report.profile, report),
            ),
            clock=VirtualClock(loop=self.loop),
            connect=self._connect,
        )
        if interrupted is not None:
            self.loop.call_later(interrupted, run.interrupt, "SIGINT")
        if live_at:
            self.loop.call_later(
                live_at,
                lambda: live.extend(f"  {name}: {how_far(one)} · {live_at:.1f} s" for name, one in sweeps.items()),
            )

        async def inline(work: Callable[[], Any], name: str = "") -> Any:
            await asyncio.sleep(0)
            return work()

        random.seed(1)  # of the pauses between two tries
        # Secrets are waited for in real time, which differs from machine to machine.
        with patch.object(running, "in_thread", inline), patch.object(shared_limits, "_WAITED", math.inf):
            results = self.loop.finish(run.all())
        status = ExitStatus(130) if interrupted is not None else verdicts.exit_status(results)
        return Scene(
            title=title,
            line=line,
            targets=tuple(targets),
            live=tuple(live),
            decided=tuple(decided),
            reports=tuple(sorted(reports, key=_finished)),
            positions=positions,
            results=tuple(results),
            status=status,
        )

    def _connect(self, profile: Profile) -> Send:
        """How requests of a profile go."""
        return self.ways[profile.name]


def _finished(report: ProfileReport) -> tuple[int, str]:
    """When a profile was over; those of the same moment by their names."""
    return (report.timing.verdict or 0) // 100, report.profile


async def _offline(host: str, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
    """Send as a machine does whose resolver says at once that it knows nobody."""
    await asyncio.sleep(0.02)
    raise failures.of_connecting(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), host)


async def _dead(host: str, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
    """Send to a host that takes no connection."""
    await asyncio.sleep(2.0)
    raise failures.of_connecting(TimeoutError(), host)


def one_clear() -> Scene:
    """One venue, everything gone."""
    desk = _Desk()
    desk.account("bybit", "bybit")
    return desk.run("One venue, clear", "bybit", live_at=0.9)


def survivors() -> Scene:
    """86 orders, of which the venue keeps 4."""
    desk = _Desk()
    fake = desk.account("mm-2", "bybit", orders=80)
    (account,) = fake.accounts.values()
    ordinary = [order for order in account.book.open() if order.kind == "Order" and order.segment == "linear"]
    kept = {order.id for order in ordinary[:4]}
    real = fake.cancel

    def cancel(account: Any, orders: Sequence[Any], request: Any) -> Any:
        taken = real(account, [one for one in orders if one.id not in kept], request)
        return replace(taken, failed=(*taken.failed, *(one for one in orders if one.id in kept)))

    fake.cancel = cancel  # type: ignore[method-assign]
    return desk.run("86 orders, of which 4 survive", "mm-2", deadline=10.0, live_at=6.0)


def five_venues() -> Scene:
    """Every account at once."""
    desk = _Desk()
    for name in ("bybit", "bitget", "ascendex", "pacifica", "deltadefi"):
        desk.account(name, name, *(("prompt",) if name == "deltadefi" else ()), orders=6)
    return desk.run("Five venues", "all", live_at=1.0)


def thirty_profiles() -> Scene:
    """30 profiles, one of them dead."""
    desk = _Desk()
    for number in range(30):
        desk.account(f"desk-{number + 1:02}", "bybit", orders=20, seed=number, settle_coin="USDT")
    desk.ways["desk-17"] = partial(_dead, "api.bybit.com")
    return desk.run("30 profiles, one of them dead", "all", live_at=3.0)


def offline() -> Scene:
    """A machine without network."""
    desk = _Desk()
    desk.account("bybit", "bybit")
    desk.ways["bybit"] = partial(_offline, "api.bybit.com")
    return desk.run("Offline", "bybit", live_at=1.4)


def wrong_key() -> Scene:
    """A key that the venue does not know."""
    desk = _Desk()
    desk.account("bybit", "bybit", "key")
    return desk.run("A wrong key", "bybit")


def interrupted() -> Scene:
    """Ctrl-C in the middle."""
    desk = _Desk()
    desk.account("bybit", "bybit", "slow-listing=1")
    return desk.run("Interrupted", "bybit", interrupted=0.9)


SCENES: Mapping[str, Callable[[], Scene]] = {
    "clear": one_clear,
    "survivors": survivors,
    "five": five_venues,
    "thirty": thirty_profiles,
    "offline": offline,
    "key": wrong_key,
    "interrupted": interrupted,
}


@cache
def scene(name: str) -> Scene:
    """The scene of this name; each is run once."""
    return SCENES[name]()
