"""Memory that is not swapped out: what has to act within milliseconds must not wait for a disk."""

from __future__ import annotations

import ctypes
from pathlib import Path

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""https://man7.org/linux/man-pages/man2/mlock.2.html"""
_IPC_LOCK = 14
"""The number of CAP_IPC_LOCK: https://man7.org/linux/man-pages/man7/capabilities.7.html"""


def lock_memory() -> bool:
    """Keep all memory of this process, as far as it is used, in RAM; False where that is not allowed, or not there.

    Only where nothing limits it: under a limit, every later request for memory beyond it, and every thread, would fail.
    """
    if not _unlimited():
        return False
    try:
        mlockall = ctypes.CDLL(None).mlockall
        return int(mlockall(_CURRENT | _FUTURE | _ON_FAULT)) == 0
    except (OSError, AttributeError, TypeError):
        return False


def _unlimited() -> bool:
    """Whether this process may lock as much as it wants."""
    try:
        import resource

        if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
            return True
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except (ImportError, AttributeError, OSError):
        return False
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> _IPC_LOCK & 1)
