"""When this process began: deadlines and timings count from there, not from the end of the imports."""

from __future__ import annotations

import os
import time

_IMPORTED = time.monotonic()


def process_started() -> float:
    """Monotonic time of the process's start; where the system does not tell, of this module's import."""
    try:
        with open("/proc/self/stat", "rb") as stream:  # noqa: PTH123 - pathlib would be one more import
            ticks = int(stream.read().rpartition(b")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED
    return min(_IMPORTED, time.monotonic() - max(0.0, age))
