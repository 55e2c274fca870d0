"""The standing guard: from its trigger to the first byte, against commands that start; what it costs while it waits.

    python -m benchmarks.guard [--trials N]

What fires runs in a process of its own (`standing.py`). A proxy on the way notes when the first byte of a client comes,
by the clock that all processes share. Trials with two busy loops next to them show what a busy machine makes of it.
Where it may, all but these loops has the priority of the guard's unit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks import wire
from benchmarks.command import CANCELALL, ROOT, compiled
from benchmarks.exchange import Authority, Place, authority, exchange
from benchmarks.kills import config
from benchmarks.page import Bound, bounds_table, table
from cancelall.guard import control
from cancelall.guard.control import NoGuard
from cancelall.guard.model import GuardState

VENUES = ("bybit", "bitget", "ascendex", "pacifica", "deltadefi", "deribit", "kraken", "hyperliquid", "binance", "okx")
_SCALE = 0.05
"""On the venues' waits: what is measured comes before the first of them."""
_APART = 0.4
"""Seconds between two trials: connections are warm again."""
_MANY = 200
"""Trials from which there are as many of those that take seconds: half an hour of them."""
_FULL = 50
_NICE = -10
"""What `contrib/systemd/cancelall-guard@.service` says."""
_BUSY = (sys.executable, "-c", "import os; os.setpriority(os.PRIO_PROCESS, 0, 0)\nwhile True: pass")


@contextlib.contextmanager
def urgent() -> Iterator[None]:
    """Give this process, and all that it starts, the priority of the guard's unit, where that is allowed: who notes
    when something comes must not wait for the processor either.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


class Standing:
    """A process that stands by, and fires when it is told to."""

    def __init__(self, path: Path, scale: float = _SCALE) -> None:
        words = (sys.executable, "-m", "benchmarks.standing", str(path), str(scale))
        environ = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            words, env=environ, cwd=path.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        told = self._line()
        assert not told["troubles"], told
        self.connections: int = told["connections"]

    def fire(self) -> dict[str, Any]:
        """Fire, and wait for the verdicts."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"fire\n")
        self.process.stdin.flush()
        return self._line()

    def memory_mb(self) -> float:
        """Its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """What it has used of processors."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it has ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def __enter__(self) -> Standing:
        return self

    def __exit__(self, *raised: object) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait(10)


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that never rest."""
    processes = [subprocess.Popen(_BUSY) for _ in range(loops)]
    try:
        yield
    finally:
        for one in processes:
            one.kill()
            one.wait()


@contextlib.contextmanager
def standing(tls: Authority, home: Path, rtt: float = 0.0) -> Iterator[tuple[Standing, Place]]:
    """One profile on one exchange behind TLS, and what stands by for it."""
    with exchange("bybit", tls=tls, rtt=rtt, limits=False, watched=True) as place:
        path = config(home, {"bybit": place.table("bybit", settle_coin="USDT")}, tls)
        with Standing(path) as made:
            yield made, place


def fired(made: Standing, place: Place) -> dict[str, Any]:
    """One trial on an account with three orders, checked: what the process tells of it."""
    time.sleep(_APART + 4 * place.rtt)
    place.server.fake.requests.clear()
    place.rest(3)
    told = made.fire()
    assert told["verdicts"] == ["clear"], told
    assert not place.server.open_orders()
    return told


def to_the_wire(made: Standing, place: Place, trials: int) -> list[float]:
    """Seconds from the trigger to the first byte that leaves."""
    found = []
    assert place.proxy is not None
    for _ in range(trials):
        place.proxy.arrivals.clear()
        at = fired(made, place)["at"]
        found.append(next(came for came in place.proxy.arrivals if came >= at) - at)
    return found


def to_the_venue(made: Standing, place: Place, trials: int) -> list[float]:
    """Seconds from the trigger to the arrival of the first cancel."""
    found = []
    for _ in range(trials):
        wall = time.time() - time.monotonic()
        at = fired(made, place)["at"] + wall
        cancel = next(request for request in place.server.requests if request.changes)
        found.append(cancel.received_ms / 1000 - at)
    return found


class Watching:
    """`cancelall guard` in a process of its own, with every kind of trigger."""

    def __init__(self, path: Path) -> None:
        home = path.parent
        self.beat, self.pid, self.kill = home / "beat", home / "bot.pid", home / "KILL"
        memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else home  # noqa: S108 - in memory, as /run is
        self.run = Path(tempfile.mkdtemp(prefix="guard-", dir=memory))
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "RUNTIME_DIRECTORY": str(self.run)}
        self._bot = self._started()
        words = [CANCELALL, "guard", "--name", "mm", "--quiet", "--config", str(path)]
        with (home / "guard.txt").open("wb") as out:
            self.process = subprocess.Popen(words, env=self.environ, cwd=home, stdout=out, stderr=out)
        self._until(GuardState.ARMED)

    @staticmethod
    def table(home: Path) -> dict[str, object]:
        """What the config says of it."""
        return {
            "heartbeat": [f"unix:{home / 'beat'}"],
            "process": [str(home / "bot.pid")],
            "kill_file": [str(home / "KILL")],
            "timeout": 600.0,
            "rearm": "beat",
            "hold": 0,
            "venue_switch": "off",
        }

    def by_signal(self) -> float:
        """Fire it; when that was, in monotonic seconds."""
        at = time.monotonic()
        self.process.send_signal(signal.SIGUSR1)
        return at

    def by_command(self) -> float:
        at = time.monotonic()
        control.ask(self.environ, "mm", "fire", reason="")
        return at

    def by_death(self) -> float:
        at = time.monotonic()
        self._bot.kill()
        self._bot.wait()
        return at

    def by_kill_file(self) -> float:
        at = time.monotonic()
        self.kill.touch()
        return at

    def again(self) -> None:
        """Once it has fired and everything is proven: arm it anew."""
        self._until(GuardState.FIRING, beats=False)
        self.kill.unlink(missing_ok=True)
        self._until(GuardState.LATCHED, beats=False)
        if self._bot.returncode is not None:
            self._bot = self._started()
        self._until(GuardState.ARMED)

    def _started(self) -> subprocess.Popen[bytes]:
        bot = subprocess.Popen(("sleep", "100000"))
        self.pid.write_text(f"{bot.pid}\n", encoding="ascii")
        return bot

    def _until(self, state: GuardState, *, beats: bool = True) -> None:
        until = time.monotonic() + 30
        while True:
            assert self.process.poll() is None, self.pid.with_name("guard.txt").read_text(encoding="utf-8")
            with contextlib.suppress(NoGuard):
                status = control.status_of(self.environ, "mm")
                if status.state is state:
                    return
                assert time.monotonic() < until, status
            if beats:
                with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
                    one.sendto(b"", str(self.beat))
            time.sleep(0.05)

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *raised: object) -> None:
        for one in (self.process, self._bot):
            one.terminate()
            one.wait(10)
        shutil.rmtree(self.run)


def triggered(tls: Authority, home: Path, trials: int) -> dict[str, list[float]]:
    """Seconds from each trigger of a real guard to the first byte that leaves."""
    kinds = ("signal", "command", "process death", "kill file")
    found: dict[str, list[float]] = {name: [] for name in kinds}
    with exchange("bybit", tls=tls, limits=False, watched=True) as place:
        assert place.proxy is not None
        profiles = {"bybit": place.table("bybit", settle_coin="USDT")}
        path = config(home, profiles, tls, guard={"mm": Watching.table(home)})
        with Watching(path) as made:
            triggers = (made.by_signal, made.by_command, made.by_death, made.by_kill_file)
            for _ in range(trials):
                for name, trigger in zip(kinds, triggers, strict=True):
                    place.rest(3)
                    time.sleep(_APART)
                    place.proxy.arrivals.clear()
                    at = trigger()
                    made.again()
                    assert not place.server.open_orders()
                    found[name].append(next(came for came in place.proxy.arrivals if came >= at) - at)
    return found


def half_open(tls: Authority, home: Path, trials: int) -> list[float]:
    """The same where every warm connection swallows what is written on it."""
    found = []
    with standing(tls, home) as (made, place):
        for _ in range(trials):
            time.sleep(_APART)
            assert place.proxy is not None
            place.proxy.swallow()
            found += to_the_venue(made, place, 1)
    return found


def against(tls: Authority, home: Path, runs: int) -> dict[str, list[float]]:
    """Seconds to the first cancel of commands that start, and of what stands by, in turns."""
    names = ("curl and openssl", "bare requests")
    found: dict[str, list[float]] = {name: [] for name in (*names, "cancelall, standing by")}
    with standing(tls, home) as (made, place), wire.clients(place, tls, home) as everyone:
        commands = [one for one in everyone if one.name in names]
        for number in range(runs + 1):
            for one in commands:
                spent = wire.measure(one, place, home)
                if number:
                    found[one.name].append(spent)
            (spent,) = to_the_wire(made, place, 1)
            if number:
                found["cancelall, standing by"].append(spent)
    return found


def waiting(tls: Authority, home: Path, seconds: float) -> tuple[float, float, float, int]:
    """Ten venues: resident MB, share of a core while nothing happens, public requests a second and connection, and how
    many connections there are.
    """
    with contextlib.ExitStack() as stack:
        places = {venue: stack.enter_context(exchange(venue, tls=tls)) for venue in VENUES}
        path = config(home, {venue: place.table(venue) for venue, place in places.items()}, tls)
        made = stack.enter_context(Standing(path))
        time.sleep(5.0)
        for place in places.values():
            place.server.fake.requests.clear()
        began, cpu = time.monotonic(), made.cpu_seconds()
        time.sleep(seconds)
        spent, cpu = time.monotonic() - began, made.cpu_seconds() - cpu
        requests = sum(len(place.server.requests) for place in places.values())
        return made.memory_mb(), cpu / spent, requests / spent / made.connections, made.connections


def p95(spent: Sequence[float]) -> float:
    """Of twenty, one may take longer."""
    return quantiles(spent, n=20, method="inclusive")[-1] if len(spent) > 1 else spent[0]


def measured(tls: Authority, folder: Path, trials: int) -> tuple[list[Bound], list[str]]:
    """The bounds, and the section of the page. What takes seconds each has fewer trials, unless there are many."""
    homes = iter(range(1000))

    def home() -> Path:
        made = folder / f"guard-{next(homes)}"
        made.mkdir(mode=0o700)
        return made

    fewer = max(3, trials // 10)
    found: list[Bound] = []
    rows: list[tuple[str, ...]] = []

    def note(name: str, spent: Sequence[float], most: float) -> None:
        rows.append((name, *(f"{value * 1000:.1f}" for value in (median(spent), p95(spent), max(spent)))))
        found.append(Bound(f"standing by, {name}: p95 in ms", most, p95(spent) * 1000))

    with urgent():
        with standing(tls, home()) as (made, place):
            note("loopback, to the first byte", to_the_wire(made, place, trials), 10.0)
            with busy(2):
                note("loopback, two busy loops, to the first byte", to_the_wire(made, place, trials), 10.0)
        with standing(tls, home(), rtt=0.08) as (made, place):
            note("80 ms away, to the venue", to_the_venue(made, place, max(fewer, trials // 4)), 90.0)
        note("connections that swallow everything, to the venue", half_open(tls, home(), fewer), 300.0)
        for name, spent in triggered(tls, home(), trials if trials >= _MANY else fewer).items():
            note(f"{name} of a real guard, to the first byte", spent, 10.0)
    clients = against(tls, home(), fewer)
    ours = clients["cancelall, standing by"]
    for name, most in (("curl and openssl", 0.15), ("bare requests", 0.1)):
        found.append(Bound(f"standing by / {name}, first byte on loopback", most, wire.ratio(ours, clients[name])))
    memory, cpu, requests, connections = waiting(tls, home(), 60.0 if trials >= _FULL else 10.0)
    found.append(Bound(f"standing by for ten venues, {connections} connections: MB", 80.0, memory))
    found.append(Bound("the same: % of a core while nothing happens", 1.0, cpu * 100))
    found.append(Bound("the same: public requests a second and connection", 0.2, requests))
    lines = ["", "## A guard that stands by, from its trigger", ""]
    lines += table(("", "ms (median)", "ms (p95)", "ms (worst)"), rows)
    return found, lines


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--trials", type=int, default=_MANY, help=f"of what is quick; of everything from {_MANY} on")
    trials = parser.parse_args().trials
    compiled()
    with tempfile.TemporaryDirectory(prefix="cancelall-bench-") as folder:
        found, lines = measured(authority(Path(folder)), Path(folder), trials)
    print("\n".join([*bounds_table(found), *lines]))


if __name__ == "__main__":
    main()
