"""A venue's clock, as its public answers tell it: kept apart from this machine's wall clock, which may jump."""

from __future__ import annotations

import time

_KEPT = 5
"""Answers whose middle counts: one that a cache has kept, or that was long on its way, changes nothing."""
_NEAR_MS = 100
"""Milliseconds that any clock may be off without a correction, besides what the way of the answers leaves in doubt."""
_DATED_MS = 500
"""How wrong a clock of whole seconds can be, taken in the middle of its second."""


def steady_ms() -> float:
    """Milliseconds by a clock that nobody sets, and that goes on while the machine is asleep; the wall clock where
    there is none, as on macOS.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() * 1000 if boot is None else time.clock_gettime(boot) * 1000


class VenueClock:
    """What is known of one host's clock."""

    def __init__(self) -> None:
        self._known: tuple[tuple[float, float], ...] = ()
        """The venue's time less the steady one, and how wrong that can be, both in ms."""

    def tells(self, server_ms: int, steady: float, seconds: float, *, whole_seconds: bool = False) -> None:
        """An answer that was complete at this steady time, and took so many seconds, tells the venue's time."""
        middle = server_ms + (_DATED_MS if whole_seconds else 0)
        doubt = seconds * 500 + (_DATED_MS if whole_seconds else 0)
        self._known = (*self._known, (middle - (steady - seconds * 500), doubt))[-_KEPT:]

    def offset_ms(self, now_ms: int) -> int | None:
        """The venue's clock less this machine's, which says `now_ms`; None where nothing has told it."""
        if not self._known:
            return None
        less, _ = sorted(self._known)[len(self._known) // 2]
        return round(less + steady_ms() - now_ms)

    def correction_ms(self, now_ms: int) -> int:
        """The same for signatures: 0 where the clocks agree as far as anybody can tell."""
        offset = self.offset_ms(now_ms)
        if offset is None:
            return 0
        _, doubt = sorted(self._known)[len(self._known) // 2]
        return offset if abs(offset) > doubt + _NEAR_MS else 0
