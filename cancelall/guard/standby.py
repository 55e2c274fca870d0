"""Everything that a kill needs, ready before it is needed: secrets, modules, warm connections, clocks.

It has no logic of a kill: what it gives is a `Run` that has nothing left to resolve, to load or to connect.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

from cancelall.config.toml_file import Document
from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import CancelallError, SecretError, bug_words
from cancelall.core.model import Order
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.credentials.chain import ResolvedSecrets, resolve
from cancelall.engine import memory
from cancelall.engine.client import Client
from cancelall.engine.primed import Primed
from cancelall.engine.run import Listener, Run
from cancelall.engine.shared_limits import SharedLimits
from cancelall.engine.signer import SYSTEM_CLOCK, Clock
from cancelall.guard import rehearsal
from cancelall.guard.keeper import Keeper
from cancelall.guard.locked import lock_memory
from cancelall.guard.model import ProfileFigures
from cancelall.guard.rehearsal import Readable
from cancelall.journal.record import Record
from cancelall.net.background import in_thread
from cancelall.net.head_start import SWITCH_SECONDS
from cancelall.venues.contract import Remembered
from cancelall.venues.registry import load

CHECKED = 600.0
"""Seconds between two signed looks at the listings of a profile."""
_AGAIN = (15.0, 30.0, 60.0, 120.0, 300.0)
"""The same after one that failed, by how many have failed in a row: a key that is refused is not tried without end."""
_ABLE_SECONDS = 2 * CHECKED
"""How long a look that went well counts."""
_REST = 3.0
"""Seconds after the beginning of a run in which nothing else is opened, asked or checked."""
_MODULES = (
    *("net.transport", "net.failures", "core.positions", "engine.positions", "engine.memory", "engine.final_states"),
    *("report.tables", "report.positions", "report.text", "report.lines", "report.streams", "report.notify"),
    *("journal.writer", "journal.basis"),
)
"""What a kill loads while it runs."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The last signed look at a profile's listings."""

    at: float
    """Monotonic seconds."""
    at_ms: int
    readable: Readable
    failures: int = 0
    """How many have failed in a row."""


class Standby:
    """Stands by for some profiles. All of it is called on one event loop."""

    def __init__(
        self,
        profiles: Sequence[Profile | BrokenProfile],
        environ: Mapping[str, str],
        document: Document | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        scale: float = 1.0,
    ) -> None:
        self.profiles = tuple(profiles)
        self.document = document
        self.usable = tuple(one for one in profiles if isinstance(one, Profile))
        self.prepared = False
        self._environ = environ
        self._clock = clock
        self._scale = scale
        self._keeper = Keeper(self.usable, environ, clock)
        self._shared = SharedLimits(profiles=self.usable, environ=environ)
        self._secrets: dict[str, ResolvedSecrets] = {}
        self._unresolved: dict[str, str] = {}
        """Why secrets are not there, by profile."""
        self._lacking: CancelallError | None = None
        """The same of the last one."""
        self._remembered: dict[str, Remembered] = {}
        self._checked: dict[str, Checked] = {}
        self._checking: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, float] = {}
        """When each profile is looked at again, in monotonic seconds."""
        self._since: float | None = None
        """Since when a run has been under way, in monotonic seconds; None while there is none."""
        self._runs = 0
        """Those that are under way."""

    # --- before ---

    async def prepare(self) -> tuple[str, ...]:
        """Make everything ready; what could not be, in words, which `keep` goes on trying. Takes seconds.

        A run that is begun meanwhile goes with what is there.
        """
        shared = SharedLimits(profiles=self.usable, environ=self._environ)
        shared.count()  # and have as many file descriptors as there may be
        await in_thread(self._import, "imports")
        await asyncio.gather(self._keeper.prepare(), *(self._resolve(profile) for profile in self.usable))
        await asyncio.gather(*(self._check(profile, shared) for profile in self.usable))
        now = time.monotonic()
        for number, profile in enumerate(self.usable):  # from now on in turns
            if not self._checked[profile.name].readable.trouble:
                self._due[profile.name] = now + CHECKED * (number + 1) / len(self.usable)
        gc.collect()
        gc.freeze()
        lock_memory()
        sys.setswitchinterval(SWITCH_SECONDS)
        self.prepared = True
        return self.troubles()

    async def keep(self) -> None:
        """Keep everything ready, until somebody cancels this: connections, clocks, and a signed look now and then."""
        keeping = asyncio.create_task(self._keeper.keep())
        try:
            while True:
                await asyncio.sleep(1.0)
                now = time.monotonic()
                for profile in self.usable:
                    due = now >= self._due.get(profile.name, 0.0) and profile.name not in self._checking
                    if due and self._since is None:  # limits, and a key whose requests go one at a time, are its own
                        self._look_at(profile)
        finally:
            keeping.cancel()
            self._stop_looking()

    def close(self) -> None:
        """Let go of everything; a run that was begun goes on."""
        self._stop_looking()
        self._keeper.close()

    # --- when it counts ---

    def run(
        self,
        *,
        started: float | None = None,
        listener: Listener | None = None,
        record: Record | None = None,
        hold: float = 0.0,
        hold_goes_on: Callable[[], bool] = lambda: False,
        positions: Literal["", "after", "only"] = "",
        details: bool = True,
        dry_run: bool = False,
    ) -> Run:
        """A run over all profiles that has nothing left to prepare; its `all` fires. `started` is when it was wanted,
        in monotonic seconds. It may be called at any time, and again.
        """
        self._keeper.rest(_REST)
        self._stop_looking()
        self._since = self._since if self._runs else time.monotonic()
        self._runs += 1
        return Run(
            profiles=self.profiles,
            environ=self._environ,
            started=self._clock.monotonic() if started is None else started,
            dry_run=dry_run,
            hold=hold,
            hold_goes_on=hold_goes_on,
            details=details,
            positions=positions,
            listener=listener or Listener(),
            record=record or Record(),
            clock=self._clock,
            scale=self._scale,
            primed=Primed(
                ready=self._keeper.warm.take,
                at_once=self._keeper.at_once,
                secrets=self._secrets,
                remembered=self._remembered,
                offset_ms=lambda profile: self._keeper.offset_ms(profile, self._clock.now_ms()),
                copy_after=self._copy_after,
            ),
        )

    def line(self, profile: Profile, until: float) -> Client:
        """A line to a profile's venue for what is no kill, until a monotonic time. Raises CancelallError."""
        secrets = self._secrets.get(profile.name)
        if secrets is None:
            raise SecretError(self._unresolved.get(profile.name, "its secrets are not there yet"))
        key = self._shared.serial_key(profile, secrets.secrets)
        if key is not None and key.refused:  # they are counted for one run, and a guard goes on for weeks
            self._shared = SharedLimits(profiles=self.usable, environ=self._environ)
        shared, offset_ms = self._shared, self._keeper.offset_ms(profile, self._clock.now_ms())
        return rehearsal.line(
            profile, secrets, self._environ, shared, self._clock, offset_ms, deadline=until, reads_only=False
        )

    @property
    def keyless(self) -> CancelallError | None:
        """Why it could cancel nothing at all, if no profile has its secrets; None where one has."""
        return None if self._secrets else self._lacking

    def resting(self, profile: Profile) -> tuple[Order, ...]:
        """What was open when it was last looked at."""
        checked = self._checked.get(profile.name)
        return () if checked is None else checked.readable.orders

    def over(self) -> None:
        """A run is over: what it has used up is made ready again at once, not after a while."""
        self._runs = max(0, self._runs - 1)
        if self._runs:  # a kill has come while it was rehearsed
            return
        self._keeper.go_on()
        if self._since is not None:  # a run reads for itself: nobody has to have looked meanwhile
            spent, self._since = time.monotonic() - self._since, None
            self._checked = {name: replace(one, at=one.at + spent) for name, one in self._checked.items()}

    # --- how it stands ---

    def troubles(self) -> tuple[str, ...]:
        """Why not every profile could be killed and proven now, in words; empty where all could."""
        words = [
            f"{one.name}: {one.error.message}" if isinstance(one, BrokenProfile) else self._in_words(one)
            for one in self.profiles
        ]
        return tuple(filter(None, words))

    def figures(self) -> tuple[ProfileFigures, ...]:
        """How it would go, were it fired now; one of each profile."""
        return tuple(map(self._figures, self.profiles))

    def _in_words(self, profile: Profile) -> str:
        trouble = self._trouble(profile)
        return f"{profile.name}: {trouble}" if trouble else ""

    def _trouble(self, profile: Profile) -> str:
        if unresolved := self._unresolved.get(profile.name):
            return unresolved
        checked = self._checked.get(profile.name)
        if checked is None:
            return "it was not looked at yet"
        if checked.readable.trouble:
            return checked.readable.trouble
        if self._since is None and time.monotonic() - checked.at >= _ABLE_SECONDS:
            return "its open orders were not read for too long"
        return self._keeper.lost(profile)

    def _copy_after(self, profile: Profile) -> float:
        checked = self._checked.get(profile.name)
        return self._keeper.copy_after(profile, 0.0 if checked is None else checked.readable.answer_seconds)

    def _figures(self, profile: Profile | BrokenProfile) -> ProfileFigures:
        if isinstance(profile, BrokenProfile):
            return ProfileFigures(profile=profile.name, venue=profile.venue, trouble=profile.error.message)
        hosts = self._keeper.of(profile)
        checked = self._checked.get(profile.name)
        trouble = self._trouble(profile)
        latency = max((one.latency for one in hosts if one.latency is not None), default=None)
        readable = checked.readable if checked is not None and not checked.readable.trouble else None
        return ProfileFigures(
            profile=profile.name,
            venue=profile.venue,
            hosts=tuple(one.figures for one in hosts),
            able=not trouble,
            trouble=trouble,
            checked_at_ms=checked.at_ms if checked is not None else None,
            budget=rehearsal.budget(profile, [(one.name, one.headers) for one in hosts], readable),
            verdict_seconds=rehearsal.verdict_seconds(profile, latency, readable, self._scale),
        )

    # --- what is prepared ---

    def _import(self) -> None:
        """Load what a kill of these profiles would load on its way; blocks."""
        venues = {profile.venue for profile in self.usable}
        names = [f"venues.{venue}.{part}" for venue in venues for part in ("venue", "positions", "preflight")]
        for name in (*_MODULES, *names):
            with suppress(ImportError, OSError):  # it is told where it is needed
                importlib.import_module(f"cancelall.{name}")
        with suppress(ImportError, OSError):  # what it loads itself
            from cancelall.report import tables

            tables.console(80, terminal=False, environ={})
        if any(route.proxy is not None for route in self._keeper.routes.values()):
            with suppress(ImportError, OSError):
                importlib.import_module("cancelall.net.proxied")

    async def _resolve(self, profile: Profile) -> None:
        """The secrets of a profile, once, and what is remembered of it."""
        if profile.name not in self._secrets:
            try:
                work = partial(resolve, profile, self._environ)
                self._secrets[profile.name] = await in_thread(work, "secrets")
                self._unresolved.pop(profile.name, None)
            except CancelallError as error:
                self._unresolved[profile.name] = f"{error.message}{f' - {error.hint}' if error.hint else ''}"
                self._lacking = error
            except Exception as fault:  # whatever it is, others are not to wait for it
                self._unresolved[profile.name] = bug_words(fault)
        if load(profile.venue).recall is not None:
            with suppress(Exception):  # nothing rests on it
                work_memory = partial(memory.recall, profile, self._environ)
                self._remembered[profile.name] = await in_thread(work_memory, "memory")

    # --- signed looks ---

    def _look_at(self, profile: Profile) -> None:
        self._due[profile.name] = time.monotonic() + CHECKED

        async def look() -> None:
            await self._resolve(profile)
            await self._check(profile, SharedLimits(profiles=[profile], environ=self._environ))

        task = self._checking[profile.name] = asyncio.create_task(look())
        task.add_done_callback(lambda _: self._checking.pop(profile.name, None))

    def _stop_looking(self) -> None:
        """What is under way ends, and comes again soon."""
        again = time.monotonic() + 2 * _REST
        for name, task in tuple(self._checking.items()):
            task.cancel()
            self._due[name] = again

    async def _check(self, profile: Profile, shared: SharedLimits) -> None:
        """Read every segment's open orders once."""
        secrets = self._secrets.get(profile.name)
        if secrets is None:
            readable = Readable(trouble=self._unresolved.get(profile.name, "its secrets are not there"))
        else:
            offset_ms = self._keeper.offset_ms(profile, self._clock.now_ms())
            readable = await rehearsal.read(profile, secrets, self._environ, shared, self._clock, offset_ms)
        known, now = self._checked.get(profile.name), time.monotonic()
        failures = (known.failures if known is not None else 0) + 1 if readable.trouble else 0
        checked = Checked(at=now, at_ms=self._clock.now_ms(), readable=readable, failures=failures)
        self._checked[profile.name] = checked
        wait = _AGAIN[min(failures, len(_AGAIN)) - 1] if failures else CHECKED
        self._due[profile.name] = now + wait
