"""`python -m benchmarks [--quick] [--only PART]`: run everything and write docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import guard, imports, kept, kills, scale, shares, venues, wire
from benchmarks.bench import Bench
from benchmarks.command import ROOT, compiled
from benchmarks.exchange import authority
from benchmarks.kept import Kept
from benchmarks.page import Bars, Column, Panel, bars, curves
from cancelall.venues.registry import VENUES

_BARE, _CURL, _OURS = "bare requests", "curl and openssl", "cancelall, environment"
_DIRECTORY, _KEYRING = "cancelall, credentials directory", "cancelall, keyring (Secret Service)"
_Ratio = tuple[str, str, str, Sequence[float]]
_DISTANCES = (0.02, 0.08, 0.2)
NEAR: Sequence[_Ratio] = (
    ("loopback: cancelall (environment) / bare requests", _OURS, _BARE, (0.85, 1.35)),
    ("loopback: cancelall (directory) / bare requests", _DIRECTORY, _BARE, (1.35,)),
    ("loopback: cancelall / pybit", _OURS, "pybit", (1.0,)),
    ("loopback: cancelall / ccxt", _OURS, "ccxt, no market loading", (0.6,)),
    ("loopback: cancelall (keyring) / bare requests", _KEYRING, _BARE, (1.35, 1.6)),
)
"""On loopback: the name of a bound, whose time is divided by whose, and what that may be at most."""
FAR: Mapping[float, Sequence[_Ratio]] = {
    0.02: (("20 ms away: cancelall / bare requests", _OURS, _BARE, (1.0,)),),
    0.08: (
        ("80 ms away: cancelall / bare requests", _OURS, _BARE, (0.8, 0.85)),
        ("80 ms away: cancelall / curl and openssl", _OURS, _CURL, (1.1,)),
    ),
    0.2: (("200 ms away: cancelall / curl and openssl", _OURS, _CURL, (1.05,)),),
}
"""The same, so many seconds of a round trip away."""
_MANY_ORDERS = 5000
_BEHIND = 700
"""Profiles behind one address: more than Bybit's limit lets send at once."""
_ORDERS = "Orders of one account, 80 ms away, under Bybit's rate limits"
_PROFILES = "Profiles on one Bybit that does not limit, loopback, without TLS"
_PICTURE, _CURVES = "performance.svg", "verdicts.svg"


def machine() -> list[str]:
    """What it ran on, without a name."""
    names = ("requests", "urllib3", "typer", "keyring", "pybit", "ccxt")
    load = os.getloadavg()[0]
    return [
        f"- {time.strftime('%Y-%m-%d')}, {platform.system()} {platform.release()}, {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f} at the start" + (" (busy: the ratios count)" if load > 1.5 else ""),
        f"- Python {platform.python_version()}; " + ", ".join(f"{name} {version(name)}" for name in names),
    ]


def to_the_wire(bench: Bench) -> None:
    """Seconds from exec to the first cancel, next to other clients."""
    overtaken = 0
    for rtt in (0.0, *(_DISTANCES[:2] if bench.quick else _DISTANCES)):
        where = f"{rtt * 1000:.0f} ms" if rtt else "loopback"
        bench.say(f"time to the wire, {where}")
        times = wire.times(rtt, bench.tls, bench.home(), bench.runs)
        spent = times.seconds
        overtaken += times.overtaken
        for name, mine, theirs, most in FAR[rtt] if rtt else NEAR:
            if mine in spent:  # there may be no Secret Service
                bench.bound(name, wire.ratio(spent[mine], spent[theirs]), *most)
        _wire_section(bench, f"through a round trip of {where}" if rtt else "on loopback", spent)
        bench.drawn.append(_bars(where, spent))
    bench.bound("kills of which a read arrived before the first cancel", overtaken, 0)


def starts(bench: Bench) -> None:
    """What does not cancel, next to pip."""
    bench.say("--help and --version")
    spent = wire.starts(bench.home(), bench.runs)
    pip = "pip --version"
    for name in ("cancelall --help", "cancelall --version"):
        bench.bound(f"{name} / {pip}", wire.ratio(spent[name], spent[pip]), 1.0)
    bench.table(
        "Start of what does not cancel",
        "command",
        (Column("ms", ".0f", compared=True), Column(f"× {pip}", compared=True)),
        {
            f"`{name}`": {"ms": median(times) * 1000, f"× {pip}": wire.ratio(times, spent[pip])}
            for name, times in spent.items()
        },
    )


def one_account(bench: Bench) -> None:
    """A Bybit account of one kind of orders, next to what the protocol takes at least."""
    bench.say("one account of 100 orders, 80 ms away")
    spent = kills.overhead(bench.tls, bench.home(), bench.runs)
    name = "100 orders, 80 ms away: cancel to verdict / the least"
    bench.bound(name, median(spent) / kills.least(kills.RTT), 1.25)


def each_venue(bench: Bench) -> None:
    """Each venue alone, then ten and five at once."""
    bench.say("each venue")
    alone = venues.each(bench.tls, bench.home, 1 if bench.quick else 3)
    for name, one in alone.items():
        bench.bound(f"{VENUES[name]}, 100 orders: cancel to verdict / the time forced", one.seconds / one.forced, 1.25)
    seconds, least = "s from the first cancel to the verdict", "s that limits and proof force"
    bench.table(
        "Each venue alone, 100 orders of every kind, 80 ms away",
        "venue",
        (
            Column(seconds, compared=True),
            Column(least),
            Column("ratio"),
            Column("s"),
            Column("peak MB", ".0f", compared=True),
        ),
        {
            VENUES[name]: {
                seconds: one.seconds,
                least: one.forced,
                "ratio": one.seconds / one.forced,
                "s": one.whole,
                "peak MB": one.peak_mb,
            }
            for name, one in alone.items()
        },
        "",
        _FORCED.rstrip(),
    )
    bench.weigh("one venue, the largest of ten", max(one.peak_mb for one in alone.values()))
    rows = {}
    for names, words, most in ((tuple(VENUES), "ten", 1.2), (venues.FIRST_FIVE, "five", 1.15)):
        bench.say(f"{words} venues")
        slowest, apart, at_once = venues.together(names, alone, bench.tls, bench.home, 1 if bench.quick else 4)
        ratio = wire.ratio([one.whole for one in at_once], [one.whole for one in apart])
        bench.bound(f"{words} venues / the slowest alone", ratio, most)
        for some, name in ((apart, f"{VENUES[slowest]} alone, the slowest of {words}"), (at_once, f"all {words}")):
            spent, peak = (median(values) for values in zip(*((one.whole, one.peak_mb) for one in some), strict=True))
            rows[name] = {"s to the last verdict": spent, "peak MB": peak}
        bench.weigh(f"{words} venues at once", rows[f"all {words}"]["peak MB"])
    columns = (Column("s to the last verdict", compared=True), Column("peak MB", ".0f", compared=True))
    bench.table("Ten venues at once, and five, 80 ms away", "kill", columns, rows)
    bench.alone = alone


def troubled(bench: Bench) -> None:
    """Healthy profiles next to a slow and a dead one."""
    bench.say("a slow and a dead profile")
    rows = {}
    for count in (1, 5) if bench.quick else (1, 5, 20):
        without, together = kills.troubled(count, bench.tls, bench.home(), 1 if bench.quick else 2)
        rows[str(count)] = {"s to their last verdict": median(without), "with a slow and a dead one": median(together)}
    bench.table(
        "One slow (1.5 s round trip) and one dead next to healthy profiles, 80 ms away",
        "healthy profiles",
        (Column("s to their last verdict", compared=True), Column("with a slow and a dead one", compared=True)),
        rows,
    )


def many_orders(bench: Bench) -> None:
    """Orders of one account, up to many."""
    bench.say("orders")
    sizes = (10, 100) if bench.quick else (10, 100, 1000, _MANY_ORDERS)
    accounts = [kills.account(count, kills.RTT, bench.tls, bench.home()) for count in sizes]
    seconds = "s from the first cancel to the verdict"
    bench.table(
        _ORDERS,
        "orders",
        (
            Column(seconds, compared=True),
            Column("mass cancels", ".0f"),
            Column("requests", ".0f"),
            Column("peak MB", ".0f", compared=True),
        ),
        {
            f"{one.orders:,}": {
                seconds: one.seconds,
                "mass cancels": one.mass_cancels,
                "requests": one.requests,
                "peak MB": one.peak_mb,
            }
            for one in accounts
        },
    )
    bench.panels.append(Panel("orders of one account, 80 ms away", [bench.curve("verdict", _ORDERS, seconds)]))
    most = accounts[-1]
    calls, least = kills.forced_calls(most.orders), kills.forced_seconds(most.orders, kills.RTT)
    bench.bound(f"{most.orders:,} orders: mass cancels / the calls forced", most.mass_cancels / calls, 1.2)
    bench.bound(f"{most.orders:,} orders: cancel to verdict / the time forced", most.seconds / least, 1.2)
    bench.weigh(f"one account, {most.orders:,} orders", most.peak_mb)


def many_profiles(bench: Bench) -> None:
    """Profiles on one exchange, up to many, and behind one address."""
    bench.say("profiles")
    runs, sizes = (1, (1, 10, 100)) if bench.quick else (3, (1, 10, 100, 300, 1000))
    home = bench.home()
    with scale.apart(max(sizes)) as place:
        shapes = [*((count, 1) for count in sizes), (1, 0), (100, 0), (1, _MANY_ORDERS)]
        rounds = [{shape: scale.kill(place, home, *shape) for shape in shapes} for _ in range(runs)]
    typical = {shape: scale.typical([costs[shape] for costs in rounds]) for shape in shapes}
    bench.table(_PROFILES, "profiles", scale.COLUMNS, {f"{count:,}": scale.row(typical[count, 1]) for count in sizes})
    bench.lines += ["", f"![s from exec to the last verdict, against profiles and orders]({_CURVES})"]
    shown = [bench.curve(name, _PROFILES, f"{name} s") for name in ("last verdict", "last mass cancel")]
    bench.panels.append(Panel("profiles, loopback, from exec", shown))
    each = median(scale.each(costs[100, 0], costs[1, 0]) for costs in rounds)
    each_order = median(scale.each_order(costs[1, _MANY_ORDERS], costs[1, 1]) for costs in rounds)
    bench.bound("kills in which not all was clear", sum(not one.clear for costs in rounds for one in costs.values()), 0)
    bench.bound("100 profiles: s to the last verdict", typical[100, 1].last_verdict, 3.0)
    bench.bound("an empty account more: ms of processor time", each, 20.0)
    bench.bound(f"one of {_MANY_ORDERS:,} orders more: ms of processor time", each_order, 0.3)
    if not bench.quick:
        desk = typical[1000, 1]
        bench.bound("1,000 profiles: s to the last mass cancel", desk.last_cancel, 4.0)
        bench.bound("1,000 profiles: s to the last verdict", desk.last_verdict, 25.0)
        bench.bound("1,000 profiles: peak memory in MB", desk.used.peak_mb, 120.0)
        bench.bound("1,000 profiles: not clear", max(costs[1000, 1].unclear for costs in rounds), 0)
        bench.weigh("1,000 profiles", desk.used.peak_mb)
        bench.say("profiles under the limit of an address")
        behind = kills.desk(_BEHIND, bench.home())
        bench.bound(f"{_BEHIND} profiles, one address: s to the last mass cancel", behind.last_cancel, 10.0)
        bench.bound(f"{_BEHIND} profiles, one address: reads before the last mass cancel", behind.reads_before, 0)
        _one_address(bench, behind)


def standing_guard(bench: Bench) -> None:
    """The guard, from its trigger to the first byte, and what it costs while it waits."""
    bench.say("a guard")
    guard.measure(bench)


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "wire": to_the_wire,
    "guard": standing_guard,
    "starts": starts,
    "imports": imports.measure,
    "account": one_account,
    "venues": each_venue,
    "troubled": troubled,
    "orders": many_orders,
    "profiles": many_profiles,
    "shares": shares.measure,
}
"""In the order of the page."""

_FORCED = """\
Forced are: the limits of a key, for each different cancel that these orders need; the gap between two empty readings;
the round trips that follow each other, which are a reading for each stage of a listing, and of what spawns orders
before what holds them; and two for the connection of a cancel that follows a listing, since each has one of its own.
DeltaDeFi's cancels land at once here: otherwise some do up to 1.85 s later, by chance.
"""

_HEAD = """\
# Performance

Written by `make bench`. Everything runs against the embedded exchange on one machine, clients in turns, and
every run is checked: the account is empty, and cancelall's verdict is clear. Times differ from machine to
machine; the ratios are medians of the ratios of runs that stood side by side.

Where a figure has a `before`, that is the one of the last kept run.
"""


def main() -> None:
    """Measure, check, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, small sizes; writes no page")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (repeatable); writes no page")
    words = parser.parse_args()
    ran_on, commit, last = machine(), kept.commit(ROOT), kept.last(ROOT)
    compiled()
    with tempfile.TemporaryDirectory(prefix="cancelall-bench-") as folder:
        bench = Bench(tls=authority(Path(folder)), folder=Path(folder), quick=words.quick, last=last)
        for name, measure in PARTS.items():
            if not words.only or name in words.only:
                measure(bench)
    this = Kept(date=time.strftime("%Y-%m-%d"), commit=commit)
    ran_on.append(f"- now: {this.named}")
    if last is not None:
        ran_on.append(f"- before: {last.named}")
    page = "\n".join([_HEAD, *ran_on, *bench.top(), *bench.lines]) + "\n"
    print(page)
    if not (words.quick or words.only):
        keep(bench, page, replace(this, figures=bench.figures))
    bench.say("done")


def keep(bench: Bench, page: str, run: Kept) -> None:
    """Write the page with its pictures, the figures that the next run is compared with, and the table of venues."""
    docs = ROOT / "docs"
    (docs / "performance.md").write_text(page, encoding="utf-8")
    (docs / _PICTURE).write_text(bars("ms from exec to the first cancel", bench.drawn), encoding="utf-8")
    (docs / _CURVES).write_text(curves("s to the verdict", bench.panels), encoding="utf-8")
    (ROOT / kept.NAME).write_text(kept.written(run), encoding="utf-8")
    venues.write_down(bench.alone)


def _bars(where: str, spent: Mapping[str, Sequence[float]]) -> Bars:
    return Bars(where, [(name, median(times) * 1000) for name, times in spent.items()])


def _one_address(bench: Bench, behind: kills.Desk) -> None:
    bench.table(
        f"{behind.profiles} profiles behind one address, which may send 600 requests in 5 s, loopback",
        "profiles",
        (
            Column("first cancel s"),
            Column("last first cancel s", compared=True),
            Column("last verdict s", compared=True),
            Column("reads before the last first cancel", ".0f"),
        ),
        {
            str(behind.profiles): {
                "first cancel s": behind.first_cancel,
                "last first cancel s": behind.last_cancel,
                "last verdict s": behind.last_verdict,
                "reads before the last first cancel": behind.reads_before,
            }
        },
    )


def _wire_section(bench: Bench, where: str, spent: Mapping[str, Sequence[float]]) -> None:
    picture = ["", f"![ms from exec to the first cancel]({_PICTURE})"] if where == "on loopback" else []
    times = f"× {_BARE}"
    bench.table(
        f"From exec to the first cancel on the wire, {where}",
        "client",
        (Column("ms (median)", ".0f", compared=True), Column("ms (best)", ".0f"), Column(times, compared=True)),
        {
            name: {
                "ms (median)": median(seconds) * 1000,
                "ms (best)": min(seconds) * 1000,
                times: wire.ratio(seconds, spent[_BARE]),
            }
            for name, seconds in spent.items()
        },
        *picture,
    )


if __name__ == "__main__":
    main()
