"""`python -m benchmarks [--quick]`: run everything and write docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import guard, kills, wire
from benchmarks.command import ROOT, compiled
from benchmarks.exchange import authority
from benchmarks.page import Bars, Bound, bars, bounds_table, table

_BARE, _OURS = "bare requests", "cancelall, environment"
_KEYRING = "cancelall, keyring (Secret Service)"
_DISTANCES = (0.02, 0.08, 0.2)
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


def main() -> None:
    """Measure, check, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, small sizes; writes no page")
    quick = parser.parse_args().quick
    runs = 2 if quick else 10
    began, lines = time.monotonic(), machine()
    compiled()
    found: list[Bound] = []

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {words}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="cancelall-bench-") as folder:
        at = iter(range(1000))

        def home() -> Path:
            made = Path(folder) / str(next(at))
            made.mkdir(mode=0o700)
            return made

        tls = authority(Path(folder))
        say("time to the wire, loopback")
        near = wire.times(0.0, tls, home(), runs)
        found += _near(near)
        lines += _wire_section("on loopback", near)
        far: dict[float, dict[str, list[float]]] = {}
        for rtt in _DISTANCES[:2] if quick else _DISTANCES:
            say(f"time to the wire, {rtt * 1000:.0f} ms")
            far[rtt] = wire.times(rtt, tls, home(), runs)
            lines += _wire_section(f"through a round trip of {rtt * 1000:.0f} ms", far[rtt])
        for rtt, most in ((0.02, 1.0), (0.08, 0.85)):
            measured = wire.ratio(far[rtt][_OURS], far[rtt][_BARE])
            found.append(Bound(f"{rtt * 1000:.0f} ms away: cancelall / bare requests", most, measured))
        say("--help and --version")
        starts = wire.starts(home(), runs)
        pip = "pip --version"
        for name in ("cancelall --help", "cancelall --version"):
            found.append(Bound(f"{name} / {pip}", 1.0, wire.ratio(starts[name], starts[pip])))
        lines += ["", "## Start of what does not cancel", ""]
        lines += table(
            ("command", "ms", f"× {pip}"),
            [(f"`{name}`", ms(spent), f"{wire.ratio(spent, starts[pip]):.2f}") for name, spent in starts.items()],
        )
        say("one account of 100 orders, 80 ms away")
        spent = kills.overhead(tls, home(), runs)
        least = kills.least(kills.RTT)
        found.append(Bound("100 orders, 80 ms away: cancel to verdict / the least", 1.25, median(spent) / least))
        say("five venues")
        slowest, alone, together = kills.venues(tls, home(), runs)
        found.append(Bound("five venues / the slowest alone", 1.15, wire.ratio(together, alone)))
        lines += ["", "## Five venues at once, 80 ms away", ""]
        lines += table(
            ("kill", "s to the last verdict"),
            [(f"{slowest} alone, the slowest", f"{median(alone):.2f}"), ("all five", f"{median(together):.2f}")],
        )
        say("a guard that stands by")
        bounds, section = guard.measured(tls, Path(folder), 10 if quick else 100)
        found += bounds
        lines += section
        say("a slow and a dead profile")
        lines += ["", "## One slow (1.5 s round trip) and one dead next to healthy profiles, 80 ms away", ""]
        rows = []
        for count in (1, 5) if quick else (1, 5, 20):
            without, beside = kills.troubled(count, tls, home(), 1 if quick else 2)
            rows.append((str(count), f"{median(without):.2f}", f"{median(beside):.2f}"))
        lines += table(("healthy profiles", "s to their last verdict", "with a slow and a dead one"), rows)
        say("orders")
        lines += ["", "## Orders of one account, 80 ms away, under Bybit's rate limits", ""]
        accounts = [
            kills.account(count, kills.RTT, tls, home()) for count in ((10, 100) if quick else (10, 100, 1000, 5000))
        ]
        lines += table(
            ("orders", "s from the first cancel to the verdict", "mass cancels", "requests", "peak MB"),
            [
                (str(one.orders), f"{one.seconds:.2f}", str(one.mass_cancels), str(one.requests), f"{one.peak_mb:.0f}")
                for one in accounts
            ],
        )
        found += _forced(accounts[-1])
        say("profiles")
        lines += ["", "## Profiles on one exchange that does not limit, loopback", ""]
        desks = [kills.desk(count, home()) for count in ((1, 10, 100) if quick else (1, 10, 100, 1000))]
        lines += table(
            ("profiles", "first cancel s", "last first cancel s", "last verdict s", "peak MB"),
            [
                (
                    str(one.profiles),
                    f"{one.first_cancel:.2f}",
                    f"{one.last_cancel:.2f}",
                    f"{one.last_verdict:.2f}",
                    f"{one.peak_mb:.0f}",
                )
                for one in desks
            ],
        )
        if not quick:
            found.append(Bound("1,000 profiles: s to the last mass cancel", 10.0, desks[-1].last_cancel))
            found.append(Bound("1,000 profiles: peak memory in MB", 300.0, desks[-1].peak_mb))
            say("profiles under the limit of an address")
            behind = kills.desk(_BEHIND, home(), limits=True)
            name = f"{_BEHIND} profiles, one address: reads before the last mass cancel"
            found.append(Bound(name, 0, behind.reads_before))
            lines += _one_address(behind)
    head = [
        "# Performance",
        "",
        "Written by `make bench`. Everything runs against the embedded exchange on one machine, clients in turns, and",
        "every run is checked: the account is empty, and cancelall's verdict is clear. Times differ from machine to",
        "machine; the ratios are medians of the ratios of runs that stood side by side.",
        "",
    ]
    page = "\n".join([*head, *lines[:2], "", "## Bounds", "", *bounds_table(found), *lines[2:]]) + "\n"
    print(page)
    if not quick:
        (ROOT / "docs" / "performance.md").write_text(page, encoding="utf-8")
        groups = {"loopback": near} | {f"{rtt * 1000:.0f} ms": spent for rtt, spent in far.items()}
        drawn = [
            Bars(where, [(name, median(spent) * 1000) for name, spent in one.items()]) for where, one in groups.items()
        ]
        (ROOT / "docs" / "performance.svg").write_text(
            bars("ms from exec to the first cancel", drawn), encoding="utf-8"
        )
    say("done")


def _near(near: dict[str, list[float]]) -> list[Bound]:
    directory = "cancelall, credentials directory"
    found = [
        Bound("loopback: cancelall (environment) / bare requests", 1.35, wire.ratio(near[_OURS], near[_BARE])),
        Bound("loopback: cancelall (directory) / bare requests", 1.35, wire.ratio(near[directory], near[_BARE])),
        Bound("loopback: cancelall / pybit", 1.0, wire.ratio(near[_OURS], near["pybit"])),
        Bound("loopback: cancelall / ccxt", 0.6, wire.ratio(near[_OURS], near["ccxt, no market loading"])),
    ]
    if _KEYRING in near:
        found.append(
            Bound("loopback: cancelall (keyring) / bare requests", 1.6, wire.ratio(near[_KEYRING], near[_BARE]))
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
