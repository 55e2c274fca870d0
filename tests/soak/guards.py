"""The loop of a guard under virtual time: its real machine, records and engine, a bot, and a fake venue."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cancelall.config.guards import GuardSettings
from cancelall.config.toml_file import Document
from cancelall.core.errors import ExitStatus
from cancelall.core.model import Order
from cancelall.core.profile import Profile
from cancelall.core.results import ProfileReport
from cancelall.engine.client import Client
from cancelall.engine.run import Listener, Run
from cancelall.guard import loop as guarding
from cancelall.guard.loop import Guard
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus, Look, Pressed, Sight
from cancelall.journal.record import Record
from standing import Stand
from tests.soak.schedule import virtual

BEAT = "/run/bot/beat"


@dataclass
class Bot:
    """It beats with a jitter: mostly often, now and then almost too late."""

    stand: Stand
    rng: random.Random
    timeout: float
    beats: int = 0
    alive: bool = True

    async def lives(self, seconds: float) -> None:
        """Beat for so long, from now on."""
        loop = self.stand.loop
        until = loop.time() + seconds
        self.alive = True
        while True:
            self.beats += 1
            pause = self.timeout * (self.rng.uniform(0.7, 0.9) if self.rng.random() < 0.2 else self.rng.random() * 0.5)
            if loop.time() + pause >= until:
                return
            await asyncio.sleep(pause)


@dataclass
class Watch:
    """Looks at that bot alone."""

    bot: Bot
    troubles: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def look(self, at: float) -> Look:
        sight = Sight(source=BEAT, trigger="heartbeat", key=f"1:{self.bot.beats}", present=True)
        return Look(at=at, sights=(sight,))

    async def wake(self, seconds: float) -> None:
        await asyncio.sleep(self.bot.rng.uniform(0.01, seconds))

    def attach(self) -> None:
        """Nothing wakes it but time."""

    def press(self, pressed: Pressed) -> None:
        raise AssertionError(pressed)

    def close(self) -> None:
        """There is nothing to close."""


class Standby:
    """Stands by with nothing, and gives runs over the virtual network."""

    prepared = False
    keyless = None

    def __init__(self, stand: Stand, settings: GuardSettings) -> None:
        self.stand, self.settings = stand, settings

    async def prepare(self) -> tuple[str, ...]:
        self.prepared = True
        return ()

    async def keep(self) -> None:
        await asyncio.Event().wait()

    def run(self, *, started: float, listener: Listener, record: Record, hold: float, **more: Any) -> Run:
        return Run(
            profiles=self.settings.profiles,
            environ={},
            started=started,
            listener=listener,
            record=record,
            hold=hold,
            hold_goes_on=more["hold_goes_on"],
            clock=self.stand.clock,
            connect=lambda profile: self.stand.network.send,
        )

    def over(self) -> None:
        """Nothing was used up."""

    def line(self, profile: Profile, until: float) -> Client:
        raise AssertionError("the venue's own switch is off")

    def resting(self, profile: Profile) -> tuple[Order, ...]:
        return ()

    def troubles(self) -> tuple[str, ...]:
        return ()

    def figures(self) -> tuple[Any, ...]:
        return ()

    def close(self) -> None:
        """There is nothing to close."""


class Server:
    """In place of the control socket: nobody speaks to it."""

    async def start(self) -> None:
        """It listens to nobody."""

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass
class Told:
    """What the guard tells."""

    loop: Any
    causes: list[tuple[float, Cause]] = field(default_factory=list)
    """With the virtual second in which each kill began."""
    statuses: list[ExitStatus] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    states: list[GuardState] = field(default_factory=list)
    record: Record = field(default_factory=Record)
    listener: Listener = field(default_factory=Listener)

    def kill(self, cause: Cause) -> Told:
        self.causes.append((self.loop.time(), cause))
        return self

    async def over(self, reports: Sequence[ProfileReport], status: ExitStatus) -> None:
        self.statuses.append(status)

    def standing(self, status: Callable[[], GuardStatus]) -> None:
        """Nobody looks on."""

    def reloaded(self, settings: GuardSettings) -> None:
        """It is not."""

    def changed(self, record: GuardRecord, before: GuardState) -> None:
        self.states.append(record.state)

    def note(self, words: str) -> None:
        """Of no interest."""

    warn = note

    def alarm(self, words: str) -> None:
        self.alarms.append(words)

    def close(self, status: int) -> None:
        """It is over."""


@dataclass
class Guarded:
    """A venue's account, a bot, and the guard between them."""

    stand: Stand
    bot: Bot
    guard: Guard
    told: Told

    @property
    def state(self) -> GuardState:
        return self.guard.machine.state

    async def until(self, *states: GuardState, seconds: float = 300.0) -> float:
        """Wait for one of these; the virtual second."""
        async with asyncio.timeout(seconds):
            while self.state not in states:
                await asyncio.sleep(0.01)
        return self.stand.loop.time()

    def freeze(self, seconds: float) -> None:
        """The whole machine stands still for so long: every timer is due afterwards."""
        self.stand.loop.now += seconds

    def place(self) -> None:
        """Have as many orders rest as at the beginning."""
        account = self.stand.account
        closed = self.stand.fake.closed_orders(account)
        for order in closed[: self.stand.orders]:
            self.stand.fake.place_like(account, order, self.stand.fake.server_now())


@contextmanager
def guarded(venue: str, directory: Path, *, seed: int, timeout: float, orders: int = 6) -> Iterator[Guarded]:
    """Such a guard; `Stand.run` runs what is to be done with it."""
    stand = Stand(venue=venue, orders=orders)
    rng = random.Random(seed)
    settings = GuardSettings(
        name="mm",
        document=Document(path=None),
        profiles=(stand.profile(),),
        heartbeats=(BEAT,),
        timeout=timeout,
        grace=timeout,
        rearm="beat",
        hold=0.0,
        venue_switch="off",
    )
    bot = Bot(stand, rng, timeout)
    told = Told(stand.loop)
    with ExitStack() as stack:
        stack.enter_context(virtual([]))
        stack.enter_context(patch.object(guarding, "time", stand.clock))
        stack.enter_context(patch.object(guarding, "GuardWatch", lambda **more: Watch(bot)))
        stack.enter_context(patch.object(guarding, "Standby", lambda *words: Standby(stand, settings)))
        stack.enter_context(patch.object(guarding, "ControlServer", lambda *words: Server()))
        stack.enter_context(patch.object(Guard, "_hear_signals", lambda guard: None))
        guard = Guard(settings, lambda: settings, told, {"RUNTIME_DIRECTORY": str(directory)})
        try:
            yield Guarded(stand, bot, guard, told)
        finally:
            guard._writer.close(20)  # or it writes into a directory that is being removed
