"""The moment in UTC, the name of this machine and the shard of a run, as JSON lines have them."""

from __future__ import annotations

import os
import sys
import time
from functools import lru_cache

TYPE_CHECKING = False
"""Not `typing`'s, which takes long to import."""
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Shard = tuple[int, int, tuple[str, ...]]
"""I, N and the names of all selected profiles: a run takes every N-th of them, beginning with the I-th."""
_PRIME = (1 << 61) - 1


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


@lru_cache(maxsize=1)
def shard_facts(shard: Shard | None) -> Mapping[str, object] | None:
    """What a line says of its shard, so that whoever merges lines sees whether all are there."""
    if shard is None:
        return None
    index, count, selected = shard
    return {
        "index": index,
        "count": count,
        "lines": len(selected[index - 1 :: count]),
        "profiles": len(selected),
        "checksum": checksum(selected),
    }


def checksum(names: Iterable[str]) -> str:
    """What tells these names, in any order, from others; it is no protection from a forger."""
    text = "\n".join(sorted(names)).encode("utf-8", "surrogatepass")
    return f"{int.from_bytes(text, 'big') % _PRIME:016x}"
