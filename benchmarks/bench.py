"""One run of the bench: what it may take, and what it has measured."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.exchange import Authority
from benchmarks.kept import Kept
from benchmarks.page import NO_ROWS, Bars, Bound, Column, Curve, Panel, Row, bounds_table, by_number, compared
from benchmarks.venues import Alone

BOUNDS, MEMORY = "Bounds", "Memory"
_MEASURED, _PEAK = "measured", "peak MB"


@dataclass(kw_only=True)
class Bench:
    """One run."""

    tls: Authority
    folder: Path
    quick: bool
    last: Kept | None = None
    """The one that was kept last."""
    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    """Of the page, below its bounds."""
    bounds: list[Bound] = field(default_factory=list)
    memory: dict[str, Row] = field(default_factory=dict)
    """Of each part, at its peak."""
    figures: dict[str, Mapping[str, Row]] = field(default_factory=dict)
    """Of each table, for who keeps this run."""
    drawn: list[Bars] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
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

    def bound(self, name: str, measured: float, *most: float) -> None:
        """A figure and what it may be at most: the narrowest first, and the wider ones that held before."""
        self.bounds += [Bound(name, one, measured) for one in most]

    def weigh(self, part: str, peak_mb: float) -> None:
        """What a part takes of memory."""
        self.memory[part] = {_PEAK: peak_mb}

    def table(self, title: str, of: str, columns: Sequence[Column], rows: Mapping[str, Row], *after: str) -> None:
        """A section of the page with one table; `of` names its rows, and lines come after it."""
        self.figures[title] = rows
        self.lines += ["", f"## {title}", "", *compared(of, columns, rows, self.before(title)), *after]

    def before(self, title: str) -> Mapping[str, Row]:
        """What the last kept run has of a table."""
        return self.last.figures.get(title, NO_ROWS) if self.last is not None else NO_ROWS

    def curve(self, name: str, title: str, column: str) -> Curve:
        """A column of a table, whose rows are named by numbers, now and in the last kept run."""
        return Curve(name, by_number(self.figures[title], column), by_number(self.before(title), column))

    def top(self) -> list[str]:
        """What all parts have in common: the bounds, and the memory."""
        self.figures[BOUNDS] = {one.name: {_MEASURED: one.measured} for one in self.bounds}
        self.figures[MEMORY] = self.memory
        before = {name: row[_MEASURED] for name, row in self.before(BOUNDS).items()}
        lines = ["", f"## {BOUNDS}", "", *bounds_table(self.bounds, before)]
        if self.memory:
            columns = (Column(_PEAK, ".0f", compared=True),)
            lines += ["", f"## {MEMORY}", "", *compared("part", columns, self.memory, self.before(MEMORY))]
        return lines
