"""What every source shares: one look that never blocks, and how an event wakes whoever looks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from cancelall.core.errors import ConfigError, bug_words
from cancelall.core.quoting import quoted, quoted_path
from cancelall.guard.model import LOOKED, Sight, Trigger

PATIENCE = 1.0
"""Watched seconds after which a look that has not come back is a trouble."""
_EVERY = 0.1
"""Seconds between two looks in the background."""


class WatchedTime:
    """Counts the time in which somebody looked."""

    def __init__(self) -> None:
        self._looked_at: float | None = None

    def since(self, at: float) -> float:
        """Watched seconds since the look before this one; 0 at the first."""
        before, self._looked_at = self._looked_at, at
        return 0.0 if before is None else min(max(0.0, at - before), LOOKED)


class Bell:
    """Wakes the loop that looks. An event says nothing by itself: what it is about is then looked at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._rung = asyncio.Event()
        self._readers: set[int] = set()

    def ring(self) -> None:
        """Wake it, or let the next wait end at once."""
        self._rung.set()

    def ring_from_a_thread(self) -> None:
        """The same, from a thread that is not the loop's."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._rung.set)

    def listen(self, descriptor: int, act: Callable[[], object]) -> bool:
        """Call `act` on the loop whenever there is something to read; it has to take it. False where that cannot be."""
        try:
            self.loop.add_reader(descriptor, act)
        except (NotImplementedError, OSError, ValueError):  # Windows, or a descriptor that cannot be waited for
            return False
        self._readers.add(descriptor)
        return True

    def drop(self, descriptor: int) -> None:
        """Listen to it no more."""
        if descriptor in self._readers:
            self._readers.discard(descriptor)
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self.loop.remove_reader(descriptor)

    async def wait(self, seconds: float) -> None:
        """Return when it is rung, or after that time."""
        timer = self.loop.call_later(seconds, self._rung.set)
        try:
            await self._rung.wait()
        finally:
            timer.cancel()
            self._rung.clear()

    def close(self) -> None:
        """Listen to nothing any more."""
        for descriptor in tuple(self._readers):
            self.drop(descriptor)


class TriggerSource(ABC):
    """Something to look at."""

    trigger: Trigger

    def __init__(self, source: str) -> None:
        self.source = source

    @abstractmethod
    def look(self, at: float) -> Sight:
        """What one look shows. It neither blocks nor raises what the system can answer; `at` is monotonic seconds."""

    def expect(self) -> None:  # noqa: B027 - most have failed before
        """Raise ConfigError for what cannot be looked at as it is now."""

    def attach(self, bell: Bell) -> None:  # noqa: B027 - most have no events
        """Have events ring this bell from now on."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what it holds."""

    def sight(self, *, key: str = "", present: bool = False, trouble: str = "") -> Sight:
        """What was seen of this source."""
        return Sight(source=self.source, trigger=self.trigger, key=key, present=present, trouble=trouble)


class Distant(TriggerSource):
    """A source whose look can block, as a file of another machine can: it is looked at in a thread of its own."""

    def __init__(self, inner: TriggerSource, every: float = _EVERY) -> None:
        """The first look is done at once, and waited for, but for no longer than for any other."""
        super().__init__(inner.source)
        self.trigger = inner.trigger
        self.inner = inner
        self._every = every
        self._result = self.sight(trouble="no answer yet"), 0
        self._seen = 0
        self._bell: Bell | None = None
        self._watched = WatchedTime()
        self._waited = 0.0
        self._over, first = threading.Event(), threading.Event()
        threading.Thread(target=self._work, args=(first,), name=f"guard {inner.trigger}", daemon=True).start()
        first.wait(PATIENCE)

    def look(self, at: float) -> Sight:
        """The last look that came back; when that was long ago, with what is wrong."""
        sight, number = self._result
        watched = self._watched.since(at)
        self._waited = 0.0 if number != self._seen else self._waited + watched
        self._seen = number
        if self._waited <= self._every + PATIENCE:
            return sight
        return self.sight(key=sight.key, present=sight.present, trouble=f"no answer for {self._waited:.1f} s")

    def attach(self, bell: Bell) -> None:
        """Ring when a look shows something else than the one before: who looks here is late enough."""
        self._bell = bell

    def close(self) -> None:
        """Look no more. A look that hangs is left behind."""
        self._over.set()
        self.inner.close()

    def _work(self, first: threading.Event) -> None:
        while True:
            try:
                sight = self.inner.look(time.monotonic())
            except Exception as fault:  # else nobody looks any more
                sight = self.sight(trouble=bug_words(fault))
            other = sight != self._result[0]
            self._result = sight, self._result[1] + 1
            first.set()
            if other and self._bell is not None:
                self._bell.ring_from_a_thread()
            if self._over.wait(self._every):
                return


def words_of(fault: OSError) -> str:
    """Why the system refused, in its own words."""
    return fault.strerror or type(fault).__name__


def absolute(text: str, what: str) -> Path:
    """The path that was configured. Raises ConfigError for one that is none, or depends on where one stands."""
    if not text.strip() or "\0" in text:
        raise ConfigError(f'"{quoted(text)}" is no path of a {what}', "give an absolute one")
    if not os.path.isabs(text):  # noqa: PTH117
        raise ConfigError(f'the {what} "{quoted(text)}" is a relative path', "give an absolute one")
    return Path(text)


def directory_of(path: Path, what: str) -> None:
    """Raise ConfigError unless the directory of a file is there and can be searched."""
    parent = path.parent
    try:
        if parent.is_dir() and (os.name != "posix" or os.access(parent, os.X_OK)):
            return
        why = "cannot be searched" if parent.is_dir() else "is no directory" if parent.exists() else "does not exist"
    except OSError as fault:
        why = f"cannot be searched: {words_of(fault)}"
    hint = "make it before the guard starts: RuntimeDirectory= of its own unit, or another place"
    raise ConfigError(f"the directory of the {what} {quoted_path(str(path))} {why}", hint)
