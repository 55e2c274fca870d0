"""Each of ten venues alone, from its first cancel to its verdict, and next to what it is forced to; and all at once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.command import CANCELALL, run_and_weigh
from benchmarks.exchange import Authority, Place, exchange
from benchmarks.forced import QUIRKS
from benchmarks.kills import RTT, clear, config, verdict
from cancelall.simulator import VENUES

ORDERS = 100
"""Orders of every kind that a venue has."""
FIRST_FIVE = tuple(VENUES)[:5]


@dataclass(frozen=True, kw_only=True)
class Killed:
    """The kill of one or several venues, and what it took."""

    whole: float
    """Seconds from exec to the last verdict."""
    seconds: float
    """The same from the first cancel."""
    peak_mb: float


def killed(names: Sequence[str], tls: Authority, home: Path, orders: int = ORDERS) -> Killed:
    """Kill a stocked account of each. They are new: what a venue allows in a minute was not used up by another kill."""
    with contextlib.ExitStack() as stack:
        places = {name: stack.enter_context(_exchange(name, tls, orders)) for name in names}
        path = config(home, {name: place.table(name) for name, place in places.items()}, tls)
        words = (CANCELALL, "all", "--json", "--quiet", "--config", str(path), "--deadline", "60")
        ran, peak = run_and_weigh(*words, home=home, env={})
        clear(ran, *places.values())
        proven = max(datetime.fromisoformat(line["time"]).timestamp() for line in ran.lines)
        first = min(place.first_cancel_left() for place in places.values())
        return Killed(whole=max(map(verdict, ran.lines)), seconds=proven - first, peak_mb=peak)


def _exchange(name: str, tls: Authority, orders: int) -> AbstractContextManager[Place]:
    return exchange(name, tls=tls, rtt=RTT, orders=orders, faults=QUIRKS.get(name, ()))
