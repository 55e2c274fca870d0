"""What a kill imports before its first connection, and before its first byte: how long each module takes.

By the interpreter's own `-X importtime`, which makes each import slower than it is: shares count, and one run against
another. What is imported by name, as a venue's two halves are, it does not see.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import run
from benchmarks.exchange import exchange
from benchmarks.page import table

_LINE = re.compile(r"import time:\s+(-?\d+) \|\s+-?\d+ \|\s+(\S+)")
_STARTED, _CONNECTS = "cancelall", "cancelall.cli.kills"
"""The first module of ours, and the last before the first connection."""
STAGES = ("the interpreter's own start", "until the first connection", "until the first byte")
_FEW = 12
"""Modules that are named."""


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


def measured(home: Path, runs: int) -> list[Imported]:
    """The modules of a kill up to its first byte, each with the shortest time of several runs."""
    best: dict[str, float] = {}
    stages: dict[str, str] = {}
    with exchange("bybit", tls=None, limits=False) as place:
        for _ in range(runs + 1):
            words = (sys.executable, "-X", "importtime", "-m", "cancelall", "bybit", "--settle-coin", "USDT")
            ran = run(*words, home=home, env=place.environment("bybit"))
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


def stages_table(modules: Sequence[Imported]) -> list[str]:
    """How many there are in each stage, and how long they take, ours and others'."""
    sums: Mapping[tuple[str, bool], list[float]] = defaultdict(list)
    for one in modules:
        sums[one.stage, one.ours].append(one.ms)
    rows = []
    for stage in STAGES:
        ours, others = sums[stage, True], sums[stage, False]
        rows.append((stage, str(len(ours)), f"{sum(ours):.1f}", str(len(others)), f"{sum(others):.1f}"))
    return table(("imported", "modules of ours", "ms", "of the standard library", "ms"), rows)


def longest_table(modules: Sequence[Imported]) -> list[str]:
    """The modules of ours that take longest."""
    longest = sorted((one for one in modules if one.ours), key=lambda one: -one.ms)[:_FEW]
    return table(
        ("module of ours", "imported", "ms"), [(f"`{one.name}`", one.stage, f"{one.ms:.2f}") for one in longest]
    )
