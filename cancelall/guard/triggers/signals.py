"""FiringSignals that fire."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted
from cancelall.guard.model import Pressed
from cancelall.guard.triggers.source import Bell

POSSIBLE = tuple(name for name in ("USR1", "USR2", "QUIT", "PWR", "RTMIN", "RTMAX") if hasattr(signal, f"SIG{name}"))
"""Those that mean nothing else: TERM, INT and HUP end or reload a guard, the system sends others by itself. QUIT is
Ctrl-\\ at a terminal, PWR what some uninterruptible power supplies are made to send."""
DEFAULT = POSSIBLE[:1]
"""USR1; none on Windows."""


class FiringSignals:
    """Takes signals over, until it is closed. Main thread alone."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._came: dict[str, None] = {}
        self._bell: Bell | None = None
        self._before: dict[int, Any] = {}

    def take(self, names: Mapping[int, str]) -> None:
        """Take these over from now on, and no others."""
        for number in self._names.keys() - names.keys():
            self._give_back(number)
        for number in names.keys() - self._names.keys():
            self._before[number] = signal.signal(number, self._act)
            self._listen(number)
        self._names = dict(names)
        if hasattr(signal, "pthread_sigmask"):  # they have been held back while the program started
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers_of(POSSIBLE))

    def pressed(self) -> tuple[Pressed, ...]:
        """What came since the last look: many of one name are one."""
        came = tuple(self._came)
        for name in came:
            self._came.pop(name, None)
        return tuple(Pressed(trigger="signal", source=f"SIG{name}") for name in came)

    def attach(self, bell: Bell) -> None:
        """Ring the bell for each."""
        self._bell = bell
        for number in self._names:
            self._listen(number)

    def close(self) -> None:
        """Give the signals back."""
        for number in tuple(self._before):
            self._give_back(number)

    def _listen(self, number: int) -> None:
        if self._bell is not None:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Python's own handler stays
                self._bell.loop.add_signal_handler(number, self._act, number)

    def _give_back(self, number: int) -> None:
        if self._bell is not None and not self._bell.loop.is_closed():
            with contextlib.suppress(NotImplementedError):
                self._bell.loop.remove_signal_handler(number)
        signal.signal(number, self._before.pop(number))

    def _act(self, number: int, frame: FrameType | None = None) -> None:
        self._came[self._names.get(number, str(number))] = None
        if self._bell is not None:
            self._bell.ring()


def numbers_of(names: Sequence[str]) -> dict[int, str]:
    """The signals by their numbers. Raises ConfigError for a name that is none, or that has another meaning."""
    return {int(getattr(signal, f"SIG{name}")): name for name in map(_checked, names)}


def _checked(text: str) -> str:
    name = text.upper().removeprefix("SIG")
    if name not in POSSIBLE:
        known = f"one of {' '.join(POSSIBLE)}" if POSSIBLE else "this system has none"
        raise ConfigError(f'the signal "{quoted(text)}" cannot fire', known)
    return name
