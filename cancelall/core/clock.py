"""The clocks of a run, for signatures and for deadlines, and when this process began. Tests inject others."""

from __future__ import annotations

import functools
import os
import time
from typing import Protocol

INSTANT = 1e-6
"""Seconds that are none: sums of floats end just before, or just after, the time that they mean."""
_IMPORTED = time.monotonic()


class Clock(Protocol):
    """Where time comes from."""

    def now_ms(self) -> int:
        """Wall time in ms since the epoch, for signatures."""

    def monotonic(self) -> float:
        """Seconds that only ever grow, for deadlines."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Wall time in ms since the epoch."""
        return time.time_ns() // 1_000_000

    monotonic = staticmethod(time.monotonic)
    """Seconds since some fixed point."""


@functools.cache
def process_started() -> float:
    """Monotonic time of the process's start, from which deadlines count; if it is not told, of this module's import."""
    try:
        with open("/proc/self/stat", "rb") as stream:  # noqa: PTH123 - pathlib would be one more import
            ticks = int(stream.read().rpartition(b")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED
    return min(_IMPORTED, time.monotonic() - max(0.0, age))
