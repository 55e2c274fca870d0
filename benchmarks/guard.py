"""A guard that stands: from its trigger to the first byte, against commands that start; what it costs while it waits.

It is the real `cancelall guard`, in a process of its own, where it may with the priority of its unit. A proxy on the
way notes when the first byte of a client comes, by the clock that all processes share. As soon as the cancel has
arrived the guard is disarmed, which ends its kill, and armed again: what comes after the cancel is measured elsewhere.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks import wire
from benchmarks.bench import Bench
from benchmarks.command import CANCELALL
from benchmarks.exchange import Authority, Place, exchange
from benchmarks.kills import config
from benchmarks.page import Column, Row
from cancelall.core.errors import CancelallError
from cancelall.guard import control
from cancelall.guard.control import NoGuard
from cancelall.guard.model import GuardState, GuardStatus
from cancelall.venues.registry import VENUES

_NAME = "mm"
_OURS = "cancelall guard"
_FAR = 0.08
"""Seconds of a round trip."""
_BUSY = (sys.executable, "-c", "while True: pass")
_PATIENCE = 30.0
_WINDOW = 15.0
"""Seconds for which a guard that waits is watched, again and again."""
_SCHEDULED = 2
"""With the complement of a process's id, the clock of its processor time: `CPUCLOCK_SCHED` of Linux."""
_LOOKED = 0.25
"""Seconds after which a guard has looked at everything once more."""


class Standing:
    """`cancelall guard` in a process of its own, with every kind of trigger."""

    def __init__(self, path: Path, home: Path) -> None:
        self.pid_file, self.kill_file = home / "bot.pid", home / "KILL"
        memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else home  # noqa: S108 - in memory, as /run is
        self.run = Path(tempfile.mkdtemp(prefix="guard-", dir=memory))
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), "RUNTIME_DIRECTORY": str(self.run)}
        self._said = home / "guard.txt"
        self._bot = self._started()
        first = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
        words = [*first, CANCELALL, "guard", "--name", _NAME, "--quiet", "--config", str(path)]
        with self._said.open("wb") as out:
            self.process = subprocess.Popen(words, env=self.environ, cwd=home, stdout=out, stderr=out)
        status = self._until(lambda status: status.state is GuardState.ARMED)
        assert not status.degraded, status.degraded
        self.connections = _connections(status)

    @staticmethod
    def table(home: Path) -> dict[str, object]:
        """What the config says of it."""
        return {
            "process": [str(home / "bot.pid")],
            "kill_file": [str(home / "KILL")],
            "timeout": 600.0,
            "hold": 0,
            "venue_switch": "off",
        }

    @property
    def triggers(self) -> Mapping[str, Callable[[], object]]:
        """What fires it, by name."""
        return {
            "signal": lambda: self.process.send_signal(signal.SIGUSR1),
            "datagram": self._send,
            "process death": lambda: self._bot.kill(),
            "kill file": self.kill_file.touch,
        }

    def fire(self, name: str) -> float:
        """Fire it; when that was, in monotonic seconds."""
        trigger = self.triggers[name]
        at = time.monotonic()
        trigger()
        return at

    def again(self) -> None:
        """Break its kill off, and arm it anew, once its connections are warm again."""
        self.kill_file.unlink(missing_ok=True)
        if self._bot.poll() is not None:
            self._bot = self._started()
        self._say("disarm")
        time.sleep(_LOOKED)
        self._until(lambda status: _connections(status) >= self.connections)
        self._say("arm")

    def memory_mb(self, kind: str) -> float:
        """Its resident memory: now (VmRSS), or at its peak (VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith(kind)).split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """What all its threads have used of processors, to the ns, where `/proc` counts in hundredths of a second."""
        return time.clock_gettime(~self.process.pid << 3 | _SCHEDULED)

    def _send(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(b"", str(self.run / f"guard-{_NAME}.fire"))

    def _started(self) -> subprocess.Popen[bytes]:
        bot = subprocess.Popen(("sleep", "100000"))
        self.pid_file.write_text(f"{bot.pid}\n", encoding="ascii")
        return bot

    def _say(self, verb: control.Verb) -> None:
        """Have it do this, as soon as it can."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                control.status_of(self.environ, _NAME, verb)
                return
            except CancelallError:  # it has not seen yet that the kill file is gone
                assert time.monotonic() < until, self._said.read_text(encoding="utf-8")
                time.sleep(0.02)

    def _until(self, holds: Callable[[GuardStatus], bool]) -> GuardStatus:
        until = time.monotonic() + _PATIENCE
        while True:
            assert self.process.poll() is None, self._said.read_text(encoding="utf-8")
            with contextlib.suppress(NoGuard):
                status = control.status_of(self.environ, _NAME)
                if holds(status):
                    return status
                assert time.monotonic() < until, status
            time.sleep(0.02)

    def __enter__(self) -> Standing:
        return self

    def __exit__(self, *raised: object) -> None:
        for one in (self.process, self._bot):
            one.terminate()
            one.wait(10)
        shutil.rmtree(self.run)


def _connections(status: GuardStatus) -> int:
    return sum(host.connections for one in status.profiles for host in one.hosts)


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that never rest. They are not to keep who measures from noting what comes."""
    processes = [subprocess.Popen(_BUSY) for _ in range(loops)]
    _prefer(-10 if loops else 0)
    try:
        yield
    finally:
        _prefer(0)
        for one in processes:
            one.kill()
            one.wait()


def _prefer(nice: int) -> None:
    """Give the threads of this process a priority, where that may be. Those that they start have it, too."""
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)


@contextlib.contextmanager
def standing(tls: Authority, home: Path, rtt: float = 0.0) -> Iterator[tuple[Standing, Place]]:
    """A guard of one profile on one exchange behind TLS."""
    with exchange("bybit", tls=tls, rtt=rtt, limits=False, watched=True) as place:
        tables = {"bybit": place.table("bybit", settle_coin="USDT")}
        path = config(home, tables, tls, guard={_NAME: Standing.table(home)})
        with Standing(path, home) as made:
            yield made, place


def to_the_wire(place: Place, at: float) -> float:
    """Seconds until the first byte that left."""
    assert place.proxy is not None
    return next(came for came in place.proxy.arrivals if came >= at) - at


def to_the_venue(place: Place, at: float) -> float:
    """Seconds until the first cancel arrived."""
    cancel = next(request for request in place.server.requests if request.changes)
    return cancel.received_ms / 1000 - (time.time() - time.monotonic()) - at


def trial(made: Standing, place: Place, trigger: str, until: Callable[[Place, float], float] = to_the_wire) -> float:
    """One trial on an account with three orders, which are gone afterwards: the seconds from the trigger."""
    assert place.proxy is not None
    place.rest(3)
    place.server.fake.requests.clear()
    place.proxy.arrivals.clear()
    at = made.fire(trigger)
    while place.server.open_orders():
        assert time.monotonic() < at + _PATIENCE, f"{trigger}: it does not fire"
        time.sleep(0.005)
    spent = until(place, at)
    made.again()
    return spent


def half_open(tls: Authority, home: Path, trials: int) -> list[float]:
    """Where every warm connection swallows what is written on it: seconds until the copy has arrived."""
    found = []
    with standing(tls, home) as (made, place):
        for _ in range(trials):
            assert place.proxy is not None
            place.proxy.swallow()
            found.append(trial(made, place, "datagram", to_the_venue))
    return found


def against(tls: Authority, home: Path, runs: int) -> dict[str, list[float]]:
    """Seconds to the first cancel of commands that start, and of a guard, in turns."""
    names = ("curl and openssl", "bare requests")
    found: dict[str, list[float]] = {name: [] for name in (*names, _OURS)}
    with standing(tls, home) as (made, place), wire.clients(place, tls, home) as everyone:
        commands = [one for one in everyone if one.name in names]
        for number in range(runs + 1):
            spent = {one.name: wire.measure(one, place, home) for one in commands}
            spent[_OURS] = trial(made, place, "datagram")
            if number:
                for name, seconds in spent.items():
                    found[name].append(seconds)
    return found


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A guard of all venues while nothing happens."""

    connections: int
    shares: Sequence[float]
    """Of a core, window by window."""
    requests: float
    """Public ones, a second and connection."""
    resident_mb: float
    peak_mb: float

    @property
    def share(self) -> float:
        """In a window as most are."""
        return median(self.shares)


def waiting(tls: Authority, home: Path, windows: int, seconds: float) -> Waiting:
    """Watch one for so many windows of so many seconds. In each window every connection is renewed at least once."""
    with contextlib.ExitStack() as stack:
        places = {venue: stack.enter_context(exchange(venue, tls=tls)) for venue in VENUES}
        tables = {venue: place.table(venue) for venue, place in places.items()}
        path = config(home, tables, tls, guard={_NAME: Standing.table(home)})
        made = stack.enter_context(Standing(path, home))
        time.sleep(5.0)
        for place in places.values():
            place.server.fake.requests.clear()
        marks = [(time.monotonic(), made.cpu_seconds())]
        for _ in range(windows):
            time.sleep(seconds)
            marks.append((time.monotonic(), made.cpu_seconds()))
        requests = sum(len(place.server.requests) for place in places.values())
        return Waiting(
            connections=made.connections,
            shares=[(used - use) / (now - then) for (then, use), (now, used) in itertools.pairwise(marks)],
            requests=requests / (marks[-1][0] - marks[0][0]) / made.connections,
            resident_mb=made.memory_mb("VmRSS"),
            peak_mb=made.memory_mb("VmHWM"),
        )


def p95(spent: Sequence[float]) -> float:
    """Of twenty, one may take longer."""
    return quantiles(spent, n=20)[-1] if len(spent) > 1 else spent[0]


_COLUMNS = ("ms (median)", "ms (p95)", "ms (worst)")


def measure(bench: Bench) -> None:
    """The bounds, the memory, and the section of the page."""
    quick, tls = bench.quick, bench.tls
    trials = 20 if quick else 200
    rows: dict[str, Row] = {}

    def note(name: str, spent: Sequence[float], most: float) -> None:
        figures = (median(spent), p95(spent), max(spent))
        rows[name] = {column: value * 1000 for column, value in zip(_COLUMNS, figures, strict=True)}
        bench.bound(f"guard, {name}: p95 in ms", p95(spent) * 1000, most)

    with standing(tls, bench.home()) as (made, place):
        for where in ("", ", two busy loops next to it"):
            with busy(2 if where else 0):
                for name in made.triggers:
                    count = trials if not where else trials // 4
                    note(f"{name} to first byte{where}", [trial(made, place, name) for _ in range(count)], 10.0)
    with standing(tls, bench.home(), rtt=_FAR) as (made, place):
        spent = [trial(made, place, "datagram", to_the_venue) for _ in range(max(2, trials // 8))]
        note(f"{_FAR * 1000:.0f} ms away, datagram to venue", spent, _FAR * 1000 + 10.0)
    swallowing = half_open(tls, bench.home(), 2 if quick else 20)
    note("connections that swallow everything, datagram to venue", swallowing, 300.0)
    clients = against(tls, bench.home(), 2 if quick else 20)
    for name, most in (("curl and openssl", 0.15), ("bare requests", 0.1)):
        ratio = wire.ratio(clients[_OURS], clients[name])
        bench.bound(f"guard / {name}, trigger or exec to first byte", ratio, most)
    bench.say("a guard that waits")
    windows, seconds = (2, 5.0) if quick else (8, _WINDOW)
    idle = waiting(tls, bench.home(), windows, seconds)
    name = f"guard of {len(VENUES)} venues"
    bench.bound(f"{name}, {idle.connections} warm connections: MB", idle.resident_mb, 80.0)
    bench.bound(f"{name}: % of a core while nothing happens", idle.share * 100, 1.0)
    bench.bound(f"{name}: public requests a second and connection", idle.requests, 0.2)
    bench.weigh(name, idle.peak_mb)
    shares = ", ".join(f"{share * 100:.2f}" for share in sorted(idle.shares))
    bench.table(
        "A guard, from its trigger on",
        "",
        [Column(name, ".1f", compared=name == "ms (p95)") for name in _COLUMNS],
        rows,
        "",
        f"While nothing happens it takes, of a core, in windows of {seconds:g} s: {shares} %.",
    )
