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

from cancelall.config.guards import OWN_BEAT, ProbeSettings
from cancelall.core.errors import ConfigError, bug_words
from cancelall.core.quoting import quoted, quoted_path
from cancelall.guard.model import Look, Pressed, Sight, Trigger
from cancelall.guard.triggers.files import HeartbeatFile, KillFile, nearby
from cancelall.guard.triggers.http import HttpBeats, address, source_of
from cancelall.guard.triggers.inotify import Inotify
from cancelall.guard.triggers.probe import ProbeSource
from cancelall.guard.triggers.processes import Numbered, Pidfile
from cancelall.guard.triggers.signals import DEFAULT, FiringSignals, numbers_of
from cancelall.guard.triggers.sockets import HAS_UNIX, BeatSocket, FireSocket, drained, named
from cancelall.guard.triggers.source import Bell, TriggerSource
from cancelall.guard.triggers.units import Unit, is_unit

_Identity = tuple[Trigger, str]
"""A trigger, and what was configured for it."""
_PRESSED_AT_MOST = 16
_IN_VAIN = 3600.0
"""Seconds for which it is told that a beat came that nobody waits for."""
_SUSPENSION = 0.5
"""Seconds; a shorter one would not be told from two clocks that were read one after the other."""


class GuardWatch:
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
        probe: ProbeSettings | None = None,
        directory: Path | None = None,
        name: str = "default",
        given: Sequence[socket.socket] = (),
        environ: Mapping[str, str] | None = None,
        resumed: bool = False,
    ) -> None:
        """Raises ConfigError, in one line, for what cannot be watched, unless it is `resumed`.

        `directory` and `name` say where the guard's own sockets are: `guard-NAME.beat` where a heartbeat is "beat",
        and `guard-NAME.fire`. `given` are sockets that systemd has handed over: one that is called so is used wherever
        it is, and those that nobody wants are left alone. A guard that was armed when it ended is `resumed`: what
        cannot be looked at any more is then a trouble, which fires in time, and no reason not to start.
        """
        self._environ = dict(os.environ if environ is None else environ)
        self._directory, self._name = directory, name
        self._given = list(given)
        self._vain: dict[str, float] = {}
        """When something came to a socket that nobody wanted, in monotonic seconds."""
        self._asleep = Asleep()
        self._bell: Bell | None = None
        self._inotify: Inotify | None = None
        self._pressed: list[Pressed] = []
        self._sources: dict[_Identity, TriggerSource] = {}
        self._unit_files: dict[Unit, Path] = {}
        self._fire: FireSocket | None = None
        self._signals = FiringSignals()
        try:
            if HAS_UNIX and (path := self._own("fire")):
                self._fire = FireSocket(path, self._given, lenient=resumed)
            self.reload(
                heartbeats=heartbeats,
                processes=processes,
                kill_files=kill_files,
                signals=signals,
                probe=probe,
                resumed=resumed,
            )
        except BaseException:
            self.close()
            raise

    @property
    def sources(self) -> tuple[str, ...]:
        """What is looked at, by the names of its sights."""
        return tuple(one.source for one in self._sources.values())

    @property
    def unread(self) -> tuple[str, ...]:
        """The sockets of systemd's that nobody here wanted: what is sent to them is never read."""
        return tuple(str(one.getsockname()) for one in self._given)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the sockets: nothing to fire for, but something to tell."""
        lost = (f"guard-{self._name}.fire: {self._fire.trouble}",) if self._fire and self._fire.trouble else ()
        return (*lost, *self._in_vain())

    def _in_vain(self) -> tuple[str, ...]:
        """The sockets of systemd's to which somebody beats, who takes himself to be guarded, and nobody waits."""
        now = time.monotonic()
        for one in self._given:
            if one.type == socket.SOCK_DGRAM and drained(one):
                self._vain[str(one.getsockname())] = now
        lasting = (path for path, at in self._vain.items() if now - at < _IN_VAIN and path in self.unread)
        return tuple(f'{path}: beats come that this guard does not wait for: heartbeat = ["beat"]' for path in lasting)

    def look(self, at: float) -> Look:
        """Look at everything. Never blocks, never raises; `at` is monotonic seconds."""
        if self._inotify is not None and not self._inotify.whole:
            self._inotify.renew()
        sights = tuple(_seen(one, at) for one in self._sources.values())
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
            for one in (*self._sources.values(), self._signals, self._fire):
                if one is not None:
                    one.attach(self._bell)
            self._listen()
        return self._bell

    def reload(
        self,
        *,
        heartbeats: Sequence[str] = (),
        processes: Sequence[str] = (),
        kill_files: Sequence[str] = (),
        signals: Sequence[str] = DEFAULT,
        probe: ProbeSettings | None = None,
        resumed: bool = False,
    ) -> None:
        """Look at these from now on. What was looked at before and still is goes on as it was.

        Raises ConfigError for what cannot be watched; then everything is as it was.
        """
        wanted: list[tuple[_Identity, ProbeSettings | None]] = [
            *((("heartbeat", _same(text)), None) for text in heartbeats),
            *((("process", text), None) for text in processes),
            *((("kill file", text), None) for text in kill_files),
        ]
        if probe is not None:
            wanted.append((("probe", f"{probe}"), probe))
        _refuse_twice([identity for identity, _ in wanted])
        numbers = numbers_of(signals)
        made: dict[_Identity, TriggerSource] = {}
        try:
            for identity, probing in wanted:
                if identity not in self._sources:
                    self._make(identity, probing, made, resumed=resumed)
            self._signals.take(numbers)
        except BaseException:
            for one in made.values():
                one.close()
            raise
        every = {**self._sources, **made}
        before, self._sources = self._sources, {identity: every[identity] for identity, _ in wanted}
        for identity in before.keys() - self._sources.keys():
            before[identity].close()
        if self._bell is not None:
            for one in made.values():
                one.attach(self._bell)
            self._listen()

    def close(self) -> None:
        """Look at nothing any more, and give everything back."""
        for one in (*self._sources.values(), self._signals, self._fire, self._inotify):
            if one is not None:
                one.close()
        if self._bell is not None:
            self._bell.close()

    # --- what is watched ---

    def _make(
        self, identity: _Identity, probing: ProbeSettings | None, made: dict[_Identity, TriggerSource], *, resumed: bool
    ) -> None:
        """Open a source. Raises ConfigError for one that cannot be looked at."""
        trigger, text = identity
        if probing is not None:
            source: TriggerSource = ProbeSource(probing)
        elif trigger == "heartbeat":
            source = self._heartbeat(text, lenient=resumed)
        else:
            source = KillFile(text) if trigger == "kill file" else self._process(text)
        made[identity] = source
        if isinstance(source, HeartbeatFile | KillFile | Pidfile):
            made[identity] = nearby(source, lenient=resumed)
        elif not resumed:
            source.expect()

    def _heartbeat(self, text: str, *, lenient: bool) -> TriggerSource:
        if text == OWN_BEAT:
            path = self._own(OWN_BEAT)
            if not path:
                raise ConfigError("there is no place for the socket of `cancelall beat`", "set XDG_RUNTIME_DIR")
            return BeatSocket(f"cancelall {OWN_BEAT}", path, self._given, lenient=lenient)
        if text.startswith("unix:"):
            return BeatSocket(text, text.removeprefix("unix:"), self._given, lenient=lenient)
        if text.startswith("http:"):
            return HttpBeats(text, self._given, lenient=lenient)
        return HeartbeatFile(text)

    def _own(self, kind: str) -> str:
        """Where the guard's own socket of a kind is: where systemd holds it, else in the guard's directory."""
        name = f"guard-{self._name}.{kind}"
        made = str(self._directory / name) if self._directory is not None else ""
        return named(self._given, name) or made

    def _process(self, text: str) -> TriggerSource:
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
        if self._bell is None:
            return
        if self._inotify is not None:
            self._bell.drop(self._inotify.descriptor)
            self._inotify.close()
            self._inotify = None
        self._unit_files = {}
        paths = [Path(one.source) for one in self._sources.values() if one.trigger == "kill file"]
        if not (paths or self._units):
            return
        with contextlib.suppress(OSError):
            self._inotify = Inotify()
            self._inotify.watch(paths)
            self._bell.listen(self._inotify.descriptor, self._changed)
        self._follow_units()

    @property
    def _units(self) -> list[Unit]:
        return [one for one in self._sources.values() if isinstance(one, Unit)]

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
        boot = self._boot()
        seconds = boot - self._monotonic()  # in this order: who stands still in between sees less, never more
        if seconds > self._seconds + _SUSPENSION:
            self._seconds = seconds
        return self._seconds


def heartbeats_of(
    heartbeats: Sequence[str], processes: Sequence[str], kill_files: Sequence[str], probe: ProbeSettings | None
) -> tuple[str, ...]:
    """The heartbeats that are waited for: those that were named; `cancelall beat` where nothing at all was."""
    return tuple(heartbeats) or (() if processes or kill_files or probe else (OWN_BEAT,))


def _same(heartbeat: str) -> str:
    """A heartbeat as it is always written: an address over http can be written in several ways."""
    return source_of(*address(heartbeat)) if heartbeat.startswith("http:") else heartbeat


def _refuse_twice(identities: Sequence[_Identity]) -> None:
    """Raise ConfigError for a source that is named twice, and for a heartbeat that would fire by being there."""
    names = [(trigger, os.path.normpath(text)) for trigger, text in identities]
    for trigger, text in names:
        if names.count((trigger, text)) > 1:
            raise ConfigError(f"{quoted_path(text)} is named twice as a {trigger}", "once is enough")
        if trigger == "heartbeat" and ("kill file", text) in names:
            raise ConfigError(
                f"{quoted_path(text)} is a heartbeat and a kill file", "a beat would fire: name two files"
            )


def _seen(source: TriggerSource, at: float) -> Sight:
    """One look at one source: whatever is wrong with it keeps nobody from looking at the others."""
    try:
        return source.look(at)
    except Exception as fault:
        return source.sight(trouble=bug_words(fault))
