"""The two clocks of a run: one for signatures, one for deadlines. Tests inject others."""

from __future__ import annotations

import time
from typing import Protocol


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

    def monotonic(self) -> float:
        """Seconds since some fixed point."""
        return time.monotonic()
