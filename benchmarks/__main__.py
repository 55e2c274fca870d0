"""`python -m benchmarks [--quick] [--only PART]`: run everything and write docs/performance.md."""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import guard, imports, kills, scale, venues, wire
from benchmarks.command import ROOT, compiled
from benchmarks.exchange import Authority, authority
from benchmarks.page import Bars, Bound, bars, bounds_table, table
from benchmarks.venues import Alone
from cancelall.venues.registry import VENUES

_BARE, _OURS = "bare requests", "cancelall, environment"
_KEYRING = "cancelall, keyring (Secret Service)"
_DISTANCES = (0.02, 0.08, 0.2)
_FAR = {0.02: 1.0, 0.08: 0.8}
"""The most that cancelall may take there, in times of what bare requests take."""
_MANY_ORDERS = 5000
_BEHIND = 700
"""Profiles behind one address: more than Bybit's limit lets send at once."""


def ms(seconds: Sequence[float]) -> str:
    """The median in ms."""
    return f"{median(seconds) * 1000:.0f}"


def machine() -> list[str]:
    """What it ran on, without a name."""
    names = ("requests", "urllib3", "typer", "keyring", "pybit", "ccxt")
    load = os.getloadavg()[0]
    return [
        f"- {time.strftime('%Y-%m-%d')}, {platform.system()} {platform.release()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f} at the start" + (" (busy: the ratios count)" if load > 1.5 else ""),
        f"- Python {platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in names),
    ]


@dataclass(kw_only=True)
class Bench:
    """One run: what it may take, and what it has found."""

    tls: Authority
    folder: Path
    quick: bool
    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    """Of the page, below its bounds."""
    bounds: list[Bound] = field(default_factory=list)
    drawn: list[Bars] = field(default_factory=list)
    alone: Mapping[str, Alone] = field(default_factory=dict)
    """Each venue alone, once that is measured."""
    _at: Iterator[int] = field(default_factory=itertools.count)

    @property
    def runs(self) -> int:
        """How often something short is measured."""
        return 2 if self.quick else 10

    def say(self, words: str) -> None:
        """What is measured now, for who waits."""
        print(f"{time.monotonic() - self.began:4.0f} s  {words}", file=sys.stderr, flush=True)

    def home(self) -> Path:
        """A home that nothing has been in."""
        made = self.folder / str(next(self._at))
        made.mkdir(mode=0o700)
        return made


def to_the_wire(bench: Bench) -> None:
    """Seconds from exec to the first cancel, next to other clients."""
    bench.say("time to the wire, loopback")
    near = wire.times(0.0, bench.tls, bench.home(), bench.runs)
    bench.bounds += _near(near)
    bench.lines += _wire_section("on loopback", near)
    bench.drawn.append(_bars("loopback", near))
    for rtt in _DISTANCES[:2] if bench.quick else _DISTANCES:
        bench.say(f"time to the wire, {rtt * 1000:.0f} ms")
        far = wire.times(rtt, bench.tls, bench.home(), bench.runs)
        bench.lines += _wire_section(f"through a round trip of {rtt * 1000:.0f} ms", far)
        bench.drawn.append(_bars(f"{rtt * 1000:.0f} ms", far))
        if rtt in _FAR:
            measured = wire.ratio(far[_OURS], far[_BARE])
            bench.bounds.append(Bound(f"{rtt * 1000:.0f} ms away: cancelall / bare requests", _FAR[rtt], measured))


def starts(bench: Bench) -> None:
    """What does not cancel, next to pip."""
    bench.say("--help and --version")
    spent = wire.starts(bench.home(), bench.runs)
    pip = "pip --version"
    for name in ("cancelall --help", "cancelall --version"):
        bench.bounds.append(Bound(f"{name} / {pip}", 1.0, wire.ratio(spent[name], spent[pip])))
    bench.lines += ["", "## Start of what does not cancel", ""]
    bench.lines += table(
        ("command", "ms", f"× {pip}"),
        [(f"`{name}`", ms(times), f"{wire.ratio(times, spent[pip]):.2f}") for name, times in spent.items()],
    )


def imported(bench: Bench) -> None:
    """What a kill imports before it connects, and before its first byte."""
    bench.say("imports")
    modules = imports.measured(bench.home(), bench.runs)
    bench.lines += [
        "",
        "## What a kill imports",
        "",
        *imports.stages_table(modules),
        "",
        *imports.longest_table(modules),
    ]
    bench.lines += ["", _IMPORTED.rstrip()]


def one_account(bench: Bench) -> None:
    """A Bybit account of one kind of orders, next to what the protocol takes at least."""
    bench.say("one account of 100 orders, 80 ms away")
    spent = kills.overhead(bench.tls, bench.home(), bench.runs)
    name = "100 orders, 80 ms away: cancel to verdict / the least"
    bench.bounds.append(Bound(name, 1.25, median(spent) / kills.least(kills.RTT)))


def each_venue(bench: Bench) -> None:
    """Each venue alone, then ten and five at once."""
    bench.say("each venue")
    alone = venues.each(bench.tls, bench.home, 1 if bench.quick else 3)
    bench.bounds += [
        Bound(f"{VENUES[name]}, 100 orders: cancel to verdict / the time forced", 1.25, one.seconds / one.forced)
        for name, one in alone.items()
    ]
    bench.lines += ["", "## Each venue alone, 100 orders of every kind, 80 ms away", ""]
    bench.lines += table(
        ("venue", "s from the first cancel to the verdict", "s that limits and proof force", "ratio", "s", "peak MB"),
        [
            (
                VENUES[name],
                f"{one.seconds:.2f}",
                f"{one.forced:.2f}",
                f"{one.seconds / one.forced:.2f}",
                f"{one.whole:.2f}",
                f"{one.peak_mb:.0f}",
            )
            for name, one in alone.items()
        ],
    )
    bench.lines += ["", _FORCED.rstrip()]
    rows = []
    for names, words, most in ((tuple(VENUES), "ten", 1.2), (venues.FIRST_FIVE, "five", 1.15)):
        bench.say(f"{words} venues")
        slowest, apart, at_once = venues.together(names, alone, bench.tls, bench.home, 1 if bench.quick else 4)
        measured = wire.ratio([one.whole for one in at_once], [one.whole for one in apart])
        bench.bounds.append(Bound(f"{words} venues / the slowest alone", most, measured))
        for kills_, name in ((apart, f"{VENUES[slowest]} alone, the slowest of {words}"), (at_once, f"all {words}")):
            spent, peak = (median(values) for values in zip(*((one.whole, one.peak_mb) for one in kills_), strict=True))
            rows.append((name, f"{spent:.2f}", f"{peak:.0f}"))
    bench.lines += ["", "## Ten venues at once, and five, 80 ms away", ""]
    bench.lines += table(("kill", "s to the last verdict", "peak MB"), rows)
    bench.alone = alone


def troubled(bench: Bench) -> None:
    """Healthy profiles next to a slow and a dead one."""
    bench.say("a slow and a dead profile")
    title = "One slow (1.5 s round trip) and one dead next to healthy profiles, 80 ms away"
    bench.lines += ["", f"## {title}", ""]
    rows = []
    for count in (1, 5) if bench.quick else (1, 5, 20):
        without, beside = kills.troubled(count, bench.tls, bench.home(), 1 if bench.quick else 2)
        rows.append((str(count), f"{median(without):.2f}", f"{median(beside):.2f}"))
    bench.lines += table(("healthy profiles", "s to their last verdict", "with a slow and a dead one"), rows)


def many_orders(bench: Bench) -> None:
    """Orders of one account, up to many."""
    bench.say("orders")
    sizes = (10, 100) if bench.quick else (10, 100, 1000, 5000)
    accounts = [kills.account(count, kills.RTT, bench.tls, bench.home()) for count in sizes]
    bench.lines += ["", "## Orders of one account, 80 ms away, under Bybit's rate limits", ""]
    bench.lines += table(
        ("orders", "s from the first cancel to the verdict", "mass cancels", "requests", "peak MB"),
        [
            (str(one.orders), f"{one.seconds:.2f}", str(one.mass_cancels), str(one.requests), f"{one.peak_mb:.0f}")
            for one in accounts
        ],
    )
    bench.bounds += _forced(accounts[-1])


def many_profiles(bench: Bench) -> None:
    """Profiles on one exchange, up to many, and behind one address."""
    bench.say("profiles")
    runs, sizes = (1, (1, 10, 100)) if bench.quick else (3, (1, 10, 100, 1000))
    home = bench.home()
    with scale.apart(max(sizes)) as place:
        shapes = [*((count, 1) for count in sizes), (1, 0), (100, 0), (1, _MANY_ORDERS)]
        rounds = [{shape: scale.kill(place, home, *shape) for shape in shapes} for _ in range(runs)]
    assert all(one.clear for costs in rounds for one in costs.values()), "not all were clear"
    typical = {shape: scale.typical([costs[shape] for costs in rounds]) for shape in shapes}
    bench.lines += ["", "## Profiles on one Bybit that does not limit, loopback, without TLS", ""]
    bench.lines += scale.costs_table([typical[count, 1] for count in sizes])
    each = median(scale.each(costs[100, 0], costs[1, 0]) for costs in rounds)
    each_order = median(scale.each_order(costs[1, _MANY_ORDERS], costs[1, 1]) for costs in rounds)
    bench.bounds.append(Bound("100 profiles: s to the last verdict", 3.0, typical[100, 1].last_verdict))
    bench.bounds.append(Bound("an empty account more: ms of processor time", 20.0, each))
    bench.bounds.append(Bound(f"one of {_MANY_ORDERS:,} orders more: ms of processor time", 0.3, each_order))
    if not bench.quick:
        desk = typical[1000, 1]
        bench.bounds.append(Bound("1,000 profiles: s to the last mass cancel", 4.0, desk.last_cancel))
        bench.bounds.append(Bound("1,000 profiles: s to the last verdict", 25.0, desk.last_verdict))
        bench.bounds.append(Bound("1,000 profiles: peak memory in MB", 120.0, desk.used.peak_mb))
        bench.say("profiles under the limit of an address")
        behind = kills.desk(_BEHIND, bench.home())
        name = f"{_BEHIND} profiles, one address: reads before the last mass cancel"
        bench.bounds.append(Bound(name, 0, behind.reads_before))
        bench.lines += _one_address(behind)


def standing_guard(bench: Bench) -> None:
    """The guard, from its trigger to the first byte, and what it costs while it waits."""
    bench.say("a guard")
    bounds, lines = guard.measured(bench.tls, bench.home, quick=bench.quick)
    bench.bounds += bounds
    bench.lines += lines


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "wire": to_the_wire,
    "guard": standing_guard,
    "starts": starts,
    "imports": imported,
    "account": one_account,
    "venues": each_venue,
    "troubled": troubled,
    "orders": many_orders,
    "profiles": many_profiles,
}
"""In the order of the page."""

_FORCED = """\
Forced are: the limits of a key, for each different cancel that these orders need; the gap between two empty readings;
the round trips that follow each other, which are a reading for each stage of a listing, and of what spawns orders
before what holds them; and two for the connection of a cancel that follows a listing, since each has one of its own.
DeltaDeFi's cancels land at once here: otherwise some do up to 1.85 s later, by chance.
"""

_IMPORTED = """\
By `-X importtime`, the best of several runs, without what each module imports in turn. It makes imports slower than
they are by a third or more, and does not see the two modules of a venue that are imported by name.
"""

_HEAD = """\
# Performance

Written by `make bench`. Everything runs against the embedded exchange on one machine, clients in turns, and
every run is checked: the account is empty, and cancelall's verdict is clear. Times differ from machine to
machine; the ratios are medians of the ratios of runs that stood side by side.
"""


def main() -> None:
    """Measure, check, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, small sizes; writes no page")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (repeatable); writes no page")
    words = parser.parse_args()
    ran_on = machine()
    compiled()
    with tempfile.TemporaryDirectory(prefix="cancelall-bench-") as folder:
        bench = Bench(tls=authority(Path(folder)), folder=Path(folder), quick=words.quick)
        for name, measure in PARTS.items():
            if not words.only or name in words.only:
                measure(bench)
    page = "\n".join([_HEAD, *ran_on, "", "## Bounds", "", *bounds_table(bench.bounds), *bench.lines]) + "\n"
    print(page)
    if not (words.quick or words.only):
        (ROOT / "docs" / "performance.md").write_text(page, encoding="utf-8")
        picture = bars("ms from exec to the first cancel", bench.drawn)
        (ROOT / "docs" / "performance.svg").write_text(picture, encoding="utf-8")
        venues.write_down(bench.alone)
    bench.say("done")


def _bars(where: str, spent: Mapping[str, Sequence[float]]) -> Bars:
    return Bars(where, [(name, median(times) * 1000) for name, times in spent.items()])


def _near(near: dict[str, list[float]]) -> list[Bound]:
    directory = "cancelall, credentials directory"
    found = [
        Bound("loopback: cancelall (environment) / bare requests", 0.85, wire.ratio(near[_OURS], near[_BARE])),
        Bound("loopback: cancelall (directory) / bare requests", 0.9, wire.ratio(near[directory], near[_BARE])),
        Bound("loopback: cancelall / pybit", 1.0, wire.ratio(near[_OURS], near["pybit"])),
        Bound("loopback: cancelall / ccxt", 0.6, wire.ratio(near[_OURS], near["ccxt, no market loading"])),
    ]
    if _KEYRING in near:
        found.append(
            Bound("loopback: cancelall (keyring) / bare requests", 1.35, wire.ratio(near[_KEYRING], near[_BARE]))
        )
    return found


def _forced(account: kills.Account) -> list[Bound]:
    calls, seconds = kills.forced_calls(account.orders), kills.forced_seconds(account.orders, kills.RTT)
    return [
        Bound(f"{account.orders:,} orders: mass cancels / the calls forced", 1.2, account.mass_cancels / calls),
        Bound(f"{account.orders:,} orders: cancel to verdict / the time forced", 1.2, account.seconds / seconds),
    ]


def _one_address(behind: kills.Desk) -> list[str]:
    spent = (behind.first_cancel, behind.last_cancel, behind.last_verdict)
    return [
        "",
        f"## {behind.profiles} profiles behind one address, which may send 600 requests in 5 s, loopback",
        "",
        *table(
            ("first cancel s", "last first cancel s", "last verdict s", "reads before the last first cancel"),
            [(*(f"{seconds:.2f}" for seconds in spent), str(behind.reads_before))],
        ),
    ]


def _wire_section(where: str, spent: dict[str, list[float]]) -> list[str]:
    rows = [
        (name, ms(times), f"{min(times) * 1000:.0f}", f"{wire.ratio(times, spent[_BARE]):.2f}")
        for name, times in spent.items()
    ]
    picture = ["", "![ms from exec to the first cancel](performance.svg)"] if where == "on loopback" else []
    return [
        "",
        f"## From exec to the first cancel on the wire, {where}",
        "",
        *table(("client", "ms (median)", "ms (best)", "× bare requests"), rows),
        *picture,
    ]


if __name__ == "__main__":
    main()
