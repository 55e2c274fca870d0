"""Looks at everything a guard was given, and sleeps until there is something to look at.

An event only wakes: what is true is what the next look shows. So an event that was late, lost or about something else
fires nothing, and what came while nobody looked is seen all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cancelall.core.errors import ConfigError, bug_words
from cancelall.core.quoting import quoted
from cancelall.guard.model import Look, Pressed, Sight
from cancelall.guard.triggers.files import HeartbeatFile, KillFile, nearby
from cancelall.guard.triggers.http import HttpBeats
from cancelall.guard.triggers.inotify import Inotify
from cancelall.guard.triggers.probe import Probe, Probing
from cancelall.guard.triggers.processes import Numbered, Pidfile
from cancelall.guard.triggers.signals import DEFAULT, Signals
from cancelall.guard.triggers.sockets import BeatSocket, FireSocket
from cancelall.guard.triggers.source import Bell, Source
from cancelall.guard.triggers.units import Unit, is_unit

BEAT = "beat"
"""The heartbeat that `cancelall beat` sends, in a socket of the guard's own."""
_PRESSED_AT_MOST = 16
_SUSPENSION = 0.5
"""Seconds; a shorter one would not be told from two clocks that were read one after the other."""
_DOUBT = 0.01
"""Seconds between the two that say nothing about a suspension: this process stood still."""


class Watch:
    """Every source of a guard.

    `wake` attaches it to the running event loop; what comes before that is seen at the first look. Main thread alone.
    """

    def __init__(
        self,
        *,
        heartbeats: Sequence[str] = (),
        processes: Sequence[str] = (),
        kill_files: Sequence[str] = (),
        signals: Sequence[str] = DEFAULT,
        probe: Probing | None = None,
        directory: Path | None = None,
        name: str = "default",
        given: Sequence[socket.socket] = (),
        environ: Mapping[str, str] | None = None,
        resumed: bool = False,
    ) -> None:
        """Raises ConfigError, in one line, for what cannot be watched, unless it is `resumed`.

        `directory` and `name` say where the guard's own sockets are: `guard-NAME.beat` where a heartbeat is "beat",
        and `guard-NAME.fire`; without a directory there are none. `given` are sockets that systemd has handed over;
        those that nobody wants are left alone. A guard that was armed when it ended is `resumed`: what cannot be
        looked at any more is then a trouble, which fires in time, and never a reason not to start.
        """
        self._environ = dict(os.environ if environ is None else environ)
        self._directory, self._name = directory, name
        self._given = list(given)
        self._bell: Bell | None = None
        self._inotify: Inotify | None = None
        self._pressed: list[Pressed] = []
        self._asleep = Asleep()
        self._sources: list[Source] = []
        self._units: list[Unit] = []
        self._unit_files: dict[Unit, Path] = {}
        self._signals = Signals(())
        self._fire: FireSocket | None = None
        try:
            self._open(heartbeats, processes, kill_files, probe, expecting=not resumed)
            if directory is not None and hasattr(socket, "AF_UNIX"):
                self._fire = FireSocket(str(directory / f"guard-{name}.fire"), self._given)
            self._signals = Signals(signals)
        except BaseException:
            self.close()
            raise

    @property
    def sources(self) -> tuple[str, ...]:
        """What is looked at, by the names of its sights."""
        return tuple(one.source for one in self._sources)

    @property
    def left_over(self) -> tuple[socket.socket, ...]:
        """The sockets of systemd's that nobody here wanted."""
        return tuple(self._given)

    def look(self, at: float) -> Look:
        """Look at everything. Never blocks, never raises; `at` is monotonic seconds."""
        if self._inotify is not None and not self._inotify.whole:
            self._inotify.renew()
        sights = tuple(_seen(one, at) for one in self._sources)
        self._follow_units()
        pressed = [*self._pressed, *self._signals.pressed(), *(self._fire.pressed(at) if self._fire else ())]
        self._pressed.clear()
        return Look(at=at, sights=sights, pressed=tuple(pressed), asleep=self._asleep.seconds())

    def press(self, pressed: Pressed) -> None:
        """Have the next look show that somebody wants it to fire, and wake who looks."""
        if len(self._pressed) < _PRESSED_AT_MOST:
            self._pressed.append(pressed)
        if self._bell is not None:
            self._bell.ring()

    async def wake(self, seconds: float) -> None:
        """Return at an event, or after that time."""
        await self.attach().wait(seconds)

    def attach(self) -> Bell:
        """Have events wake the running loop from now on; once is enough."""
        if self._bell is None:
            self._bell = Bell(asyncio.get_running_loop())
            for one in (*self._sources, self._signals, self._fire):
                if one is not None:
                    one.attach(self._bell)
            self._listen()
        return self._bell

    def close(self) -> None:
        """Look at nothing any more, and give everything back."""
        for one in (*self._sources, self._signals, self._fire, self._inotify):
            if one is not None:
                one.close()
        if self._bell is not None:
            self._bell.close()

    # --- what is watched ---

    def _open(
        self,
        heartbeats: Sequence[str],
        processes: Sequence[str],
        kill_files: Sequence[str],
        probe: Probing | None,
        *,
        expecting: bool,
    ) -> None:
        for text in heartbeats:
            self._add(self._heartbeat(text), expecting)
        for text in processes:
            self._add(self._process(text), expecting)
        for text in kill_files:
            self._add(KillFile(text), expecting)
        if probe is not None:
            self._add(Probe(probe), expecting)
        both = set(map(os.path.normpath, heartbeats)) & set(map(os.path.normpath, kill_files))
        for text in both:
            raise ConfigError(f"{quoted(text)} is a heartbeat and a kill file", "a beat would fire: name two files")

    def _add(self, source: Source, expecting: bool) -> None:
        """Raises ConfigError for one that is there twice, or cannot be looked at."""
        self._sources.append(source)
        if any(one.source == source.source and one.trigger == source.trigger for one in self._sources[:-1]):
            raise ConfigError(f"{quoted(source.source)} is named twice as a {source.trigger}", "once is enough")
        if expecting and isinstance(source, HeartbeatFile | KillFile | Numbered | Pidfile | Unit):
            source.expect()
        if isinstance(source, HeartbeatFile | KillFile):
            self._sources[-1] = nearby(source)
        if isinstance(source, Unit):
            self._units.append(source)

    def _heartbeat(self, text: str) -> Source:
        if text == BEAT:
            if self._directory is None:
                raise ConfigError("there is no place for the socket of `cancelall beat`", "set XDG_RUNTIME_DIR")
            return BeatSocket(BEAT, str(self._directory / f"guard-{self._name}.beat"), self._given)
        if text.startswith("unix:"):
            return BeatSocket(text, text.removeprefix("unix:"), self._given)
        if text.startswith(("http:", "https:")):
            return HttpBeats(text, self._given)
        return HeartbeatFile(text)

    def _process(self, text: str) -> Source:
        if text.isascii() and text.isdecimal():
            return Numbered(text)
        if is_unit(text):
            return Unit(text, self._environ)
        if not os.path.isabs(text):  # noqa: PTH117
            raise ConfigError(
                f'"{quoted(text)}" is no process', "a number, NAME.service, or an absolute path of a pidfile"
            )
        return Pidfile(text)

    # --- what wakes ---

    def _listen(self) -> None:
        """Have kill files and units tell when they change, where the system can."""
        paths = [Path(one.source) for one in self._sources if one.trigger == "kill file"]
        if self._bell is None or not (paths or self._units):
            return
        with contextlib.suppress(OSError):
            self._inotify = Inotify()
            self._inotify.watch(paths)
            self._bell.listen(self._inotify.descriptor, self._changed)
        self._follow_units()

    def _follow_units(self) -> None:
        """Watch the group in which a unit is now."""
        for unit in self._units if self._inotify is not None else ():
            events, before = unit.events, self._unit_files.get(unit)
            if events is not None and events != before and self._inotify is not None:
                self._inotify.forget([before] if before else [])
                self._inotify.watch((), [events])
                self._unit_files[unit] = events

    def _changed(self) -> None:
        if self._inotify is not None and self._inotify.take() and self._bell is not None:
            self._bell.ring()


class Asleep:
    """For how long this machine has been suspended since it was booted, where the system tells."""

    def __init__(
        self, boot: Callable[[], float] | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        self._boot = boot or (monotonic if clock is None else lambda: time.clock_gettime(clock))
        self._monotonic = monotonic
        self._seconds = 0.0

    def seconds(self) -> float:
        """The difference of two clocks, of which one stands still meanwhile; it changes by whole suspensions alone."""
        before = self._monotonic()
        boot = self._boot()
        after = self._monotonic()
        if after - before < _DOUBT and boot - after > self._seconds + _SUSPENSION:
            self._seconds = boot - after
        return self._seconds


def heartbeats_of(
    heartbeats: Sequence[str], processes: Sequence[str], kill_files: Sequence[str], probe: Probing | None
) -> tuple[str, ...]:
    """The heartbeats that are waited for: those that were named; `cancelall beat` where nothing at all was."""
    return tuple(heartbeats) or (() if processes or kill_files or probe else (BEAT,))


def _seen(source: Source, at: float) -> Sight:
    """One look at one source: whatever is wrong with it keeps nobody from looking at the others."""
    try:
        return source.look(at)
    except Exception as fault:
        return source.sight(trouble=bug_words(fault))
