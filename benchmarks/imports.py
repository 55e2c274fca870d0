"""What a kill imports before its first connection, and before its first byte: how long each module takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.command import run
from benchmarks.exchange import Authority, exchange
from benchmarks.page import Column, Row

_LINE = re.compile(r"import time:\s+(-?\d+) \|\s+-?\d+ \|\s+(\S+)")
_STARTED, _CONNECTS = "cancelall", "cancelall.venues.bybit.hosts"
"""The first module of ours, and the last before the first packet."""
STAGES = ("the interpreter's own start", "until the first connection", "until the first byte")
_FEW = 12
"""Modules that are named."""
_MODULES, _MS = "modules", "ms"
_HOW = """\
By `-X importtime`, the best of several runs, without what each module imports in turn. It makes imports slower than
they are by a third or more, and does not see the two modules of a venue that are imported by name.
"""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """One module, when it is imported, and the ms that it takes without those that it imports."""

    name: str
    stage: str
    ms: float

    @property
    def ours(self) -> bool:
        """Whether it is of this program."""
        return self.name.partition(".")[0] == "cancelall"


def measured(tls: Authority, home: Path, runs: int) -> list[Imported]:
    """The modules of a kill up to its first byte, each with the shortest time of several runs."""
    best: dict[str, float] = {}
    stages: dict[str, str] = {}
    with exchange("bybit", tls=tls, limits=False) as place:
        env = {**place.environment("bybit"), "REQUESTS_CA_BUNDLE": str(tls.bundle)}
        for _ in range(runs + 1):
            words = (sys.executable, "-X", "importtime", "-m", "cancelall", "bybit", "--settle-coin", "USDT")
            ran = run(*words, home=home, env=env)
            assert ran.code == 0, ran.err[-2000:]
            for name, stage, ms in _lines(ran.err.splitlines()):
                stages.setdefault(name, stage)
                best[name] = min(best.get(name, ms), ms)
    return [Imported(name=name, stage=stages[name], ms=ms) for name, ms in best.items()]


def _lines(lines: Sequence[str]) -> Iterator[tuple[str, str, float]]:
    """Name, stage and ms of each import. The first other line tells what is cancelled: the first byte is out."""
    at = 0
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            if "cancelling" in line:
                return
            continue
        name = match[2]
        at = max(at, 1 if name == _STARTED else 0)
        yield name, STAGES[at], max(0, int(match[1])) / 1000
        at = max(at, 2 if name == _CONNECTS else 0)


def rows(modules: Sequence[Imported]) -> dict[str, Row]:
    """How many there are in each stage, and how long they take, ours and others'."""
    found: dict[str, Row] = {}
    for stage in STAGES:
        for ours, whose in ((True, "ours"), (False, "the standard library's")):
            its = [one.ms for one in modules if (one.stage, one.ours) == (stage, ours)]
            if its:
                found[f"{stage}: {whose}"] = {_MODULES: len(its), _MS: sum(its)}
    return found


def measure(bench: Bench) -> None:
    """The section of the page."""
    bench.say("imports")
    modules = measured(bench.tls, bench.home(), bench.runs)
    counted = Column(_MODULES, ".0f", compared=True), Column(_MS, ".1f", compared=True)
    bench.table("What a kill imports", "when, and whose", counted, rows(modules), "", _HOW.rstrip())
    longest = sorted((one for one in modules if one.ours), key=lambda one: -one.ms)[:_FEW]
    spent: dict[str, Row] = {f"`{one.name}`": {_MS: one.ms} for one in longest}
    bench.table("Modules of ours that take longest to import", "module", (Column(_MS, compared=True),), spent)
