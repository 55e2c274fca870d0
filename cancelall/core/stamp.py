"""The moment in UTC and the name of this machine, as JSON lines have them."""

from __future__ import annotations

import os
import sys
import time


def moment(ms: int | None) -> str | None:
    """Milliseconds since the epoch as `2026-11-29T12:00:01.250Z`; None stays None."""
    if ms is None:
        return None
    second, rest = divmod(ms, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{rest:03d}Z"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def machine() -> str | None:
    """This machine's name as it calls itself; None where it has none. No resolver is used."""
    return (os.uname().nodename if sys.platform != "win32" else os.environ.get("COMPUTERNAME")) or None
