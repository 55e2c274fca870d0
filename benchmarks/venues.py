"""Each of ten venues alone, from its first cancel to its verdict, and next to what it is forced to; and all at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import documents
import figures
import forced
from benchmarks.command import CANCELALL, ROOT, run_and_weigh
from benchmarks.exchange import Authority, Place, exchange
from benchmarks.kills import RTT, clear, config, verdict
from cancelall.venues.registry import VENUES
from figures import Seconds
from traffic import ORDERS, QUIRKS

FIRST_FIVE = tuple(VENUES)[:5]


@dataclass(frozen=True, kw_only=True)
class Killed:
    """The kill of one or several venues, and what it took."""

    whole: float
    """Seconds from exec to the last verdict."""
    seconds: float
    """The same from the first cancel."""
    peak_mb: float


def killed(names: Iterable[str], tls: Authority, home: Path) -> Killed:
    """Kill a stocked account of each. They are new: what a venue allows in a minute was not used up by another kill."""
    with contextlib.ExitStack() as stack:
        places = {name: stack.enter_context(_exchange(name, tls)) for name in names}
        path = config(home, {name: place.table(name) for name, place in places.items()}, tls)
        words = (CANCELALL, "all", "--json", "--quiet", "--config", str(path), "--deadline", "60")
        ran, peak = run_and_weigh(*words, home=home, env={})
        clear(ran, *places.values())
        proven = max(datetime.fromisoformat(line["time"]).timestamp() for line in ran.lines)
        first = min(place.first_cancel_left() for place in places.values())
        return Killed(whole=max(map(verdict, ran.lines)), seconds=proven - first, peak_mb=peak)


def _exchange(name: str, tls: Authority) -> AbstractContextManager[Place]:
    return exchange(name, tls=tls, rtt=RTT, orders=ORDERS, faults=QUIRKS.get(name, ()))


@dataclass(frozen=True, kw_only=True)
class Alone:
    """The kills of one venue alone."""

    kills: Sequence[Killed]
    forced: float
    """Seconds from the first cancel to the verdict that limits and proof force."""

    @property
    def whole(self) -> float:
        """Seconds from exec to the verdict."""
        return median(one.whole for one in self.kills)

    @property
    def seconds(self) -> float:
        """Seconds from the first cancel to the verdict."""
        return median(one.seconds for one in self.kills)

    @property
    def peak_mb(self) -> float:
        return max(one.peak_mb for one in self.kills)


def each(tls: Authority, home: Callable[[], Path], runs: int) -> dict[str, Alone]:
    """Each venue alone, in turns."""
    kills: dict[str, list[Killed]] = {name: [] for name in VENUES}
    for _ in range(runs):
        for name in VENUES:
            kills[name].append(killed((name,), tls, home()))
    return {name: Alone(kills=some, forced=forced.seconds(name, ORDERS, RTT)) for name, some in kills.items()}


def together(
    names: Sequence[str], alone: Mapping[str, Alone], tls: Authority, home: Callable[[], Path], runs: int
) -> tuple[str, list[Killed], list[Killed]]:
    """The slowest of some venues; its kills, and those of all of them at once, in turns."""
    slowest = max(names, key=lambda name: alone[name].whole)
    pairs = [(killed((slowest,), tls, home()), killed(names, tls, home())) for _ in range(runs)]
    return slowest, [one for one, _ in pairs], [all_ for _, all_ in pairs]


def write_down(alone: Mapping[str, Alone]) -> None:
    """Keep the seconds for the table of docs/venues.md, and write that."""
    measured = {
        name: Seconds(measured=round(one.seconds, 2), forced=round(one.forced, 2)) for name, one in alone.items()
    }
    figures.measure(measured)
    page = ROOT / "docs" / "venues.md"
    page.write_text(documents.with_blocks(page.read_text(encoding="utf-8")), encoding="utf-8")
