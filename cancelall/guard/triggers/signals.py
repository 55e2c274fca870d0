"""Signals that fire."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from types import FrameType

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted
from cancelall.guard.model import Pressed
from cancelall.guard.triggers.source import Bell

POSSIBLE = tuple(name for name in ("USR1", "USR2", "QUIT", "RTMIN", "RTMAX") if hasattr(signal, f"SIG{name}"))
"""Those that mean nothing else: TERM, INT and HUP end or reload a guard, the system sends others by itself. QUIT is
Ctrl-\\ at a terminal."""
DEFAULT = POSSIBLE[:1]
"""USR1; none on Windows."""


class Signals:
    """Takes signals over, from now until it is closed. Main thread alone."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises ConfigError for a name that is none, or that has another meaning."""
        self._numbers = {name: int(getattr(signal, f"SIG{name}")) for name in map(_checked, names)}
        self._came: dict[str, None] = {}
        self._bell: Bell | None = None
        self._before = {number: signal.signal(number, self._act) for number in self._numbers.values()}
        if self._numbers and hasattr(signal, "pthread_sigmask"):  # whoever held them back while the program started
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._numbers.values())

    def pressed(self) -> tuple[Pressed, ...]:
        """What came since the last look: many of one name are one."""
        came = tuple(self._came)
        for name in came:
            self._came.pop(name, None)
        return tuple(Pressed(trigger="signal", source=f"SIG{name}") for name in came)

    def attach(self, bell: Bell) -> None:
        """Ring the bell for each."""
        self._bell = bell
        for number in self._numbers.values():
            try:
                bell.loop.add_signal_handler(number, self._act, number)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows: Python's own handler stays
                return

    def close(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            if self._bell is not None and not self._bell.loop.is_closed():
                self._bell.loop.remove_signal_handler(number)
            signal.signal(number, handler)
        self._before = {}

    def _act(self, number: int, frame: FrameType | None = None) -> None:
        for name, one in self._numbers.items():
            if one == number:
                self._came[name] = None
        if self._bell is not None:
            self._bell.ring()


def _checked(text: str) -> str:
    name = text.upper().removeprefix("SIG")
    if name not in POSSIBLE:
        known = f"one of {' '.join(POSSIBLE)}" if POSSIBLE else "this system has none"
        raise ConfigError(f'the signal "{quoted(text)}" cannot fire', known)
    return name
