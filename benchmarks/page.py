"""Tables in Markdown, each figure next to that of the last kept run; bars and curves in SVG."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar, NamedTuple

Row = Mapping[str, float]
"""Figures by the names of their columns."""
NO_ROWS: Mapping[str, Row] = {}
_NOT_KNOWN = "–"
_OURS, _OTHERS = "#2563eb", "#9ca3af"
"""Readable on the white that every picture brings, whatever the page around it looks like."""
_CURVES = (_OURS, "#d97706", "#059669")


class Bound(NamedTuple):
    """A figure, the most that it should be, and what it is."""

    name: str
    most: float
    measured: float


class Column(NamedTuple):
    """Figures of one kind; those that are compared have the last kept run's to their left."""

    name: str
    form: str = ".2f"
    compared: bool = False


class Bars(NamedTuple):
    """A group of named bars."""

    title: str
    bars: Sequence[tuple[str, float]]


class Curve(NamedTuple):
    """Seconds against a number of things; `before` are those of the last kept run."""

    name: str
    points: Mapping[int, float]
    before: Mapping[int, float]


class Panel(NamedTuple):
    """Curves over one axis."""

    title: str
    curves: Sequence[Curve]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; numbers stand on the right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def compared(of: str, columns: Sequence[Column], rows: Mapping[str, Row], before: Mapping[str, Row]) -> list[str]:
    """A table of figures; where the last kept run has a figure of the same row and column, it stands to the left.

    `of` names the rows. A figure that is not there is a dash.
    """
    head = [of]
    for column in columns:
        head += ["before", column.name] if column.compared else [column.name]
    cells = [
        [
            name,
            *(
                _figure(figures, column)
                for column in columns
                for figures in ((before.get(name, {}), row) if column.compared else (row,))
            ),
        ]
        for name, row in rows.items()
    ]
    return table(head, cells)


def by_number(rows: Mapping[str, Row], column: str) -> dict[int, float]:
    """A column of rows that are named by numbers."""
    return {int(name.replace(",", "")): row[column] for name, row in rows.items() if column in row}


def _figure(figures: Row, column: Column) -> str:
    value = figures.get(column.name)
    return _NOT_KNOWN if value is None else f"{value:{column.form}}"


def bounds_table(bounds: Iterable[Bound], before: Mapping[str, float]) -> list[str]:
    """Each bound, what was measured in the last kept run and now, and whether it holds."""
    rows = [
        (
            one.name,
            f"{one.most:g}",
            f"{before[one.name]:.2f}" if one.name in before else _NOT_KNOWN,
            f"{one.measured:.2f}",
            "yes" if one.measured <= one.most else "**no**",
        )
        for one in bounds
    ]
    return table(("figure", "at most", "before", "now", "holds"), rows)


def bars(title: str, groups: Sequence[Bars]) -> str:
    """Horizontal bars, group by group, on one scale."""
    height, left, width = 20, 260, 900
    most = max(value for group in groups for _, value in group.bars)
    parts, y = [_text(8, 20, title, 'font-weight="bold"')], 34
    for group in groups:
        parts.append(_text(8, y + 16, group.title, 'font-style="italic"'))
        y += height + 4
        for name, value in group.bars:
            long = (width - left - 70) * value / most
            fill = _OURS if name.startswith("cancelall") else _OTHERS
            parts += [
                _text(24, y + 14, name),
                f'<rect x="{left}" y="{y + 2}" width="{long:.1f}" height="{height - 6}" fill="{fill}"/>',
                _text(left + long + 6, y + 14, f"{value:.0f}"),
            ]
            y += height
        y += 8
    return _picture(width, y, parts)


def curves(title: str, panels: Sequence[Panel]) -> str:
    """Panels one below the other: a logarithmic axis of numbers, and seconds upwards from 0.

    The last kept run is dashed, in the same colour.
    """
    width, y = 900, 34
    parts = [_text(8, 20, title, 'font-weight="bold"')]
    for panel in panels:
        parts.append(_text(8, y + 16, panel.title, 'font-style="italic"'))
        axes = _axes(panel, y + 32)
        parts += axes.grid()
        for colour, curve in zip(itertools.cycle(_CURVES), panel.curves, strict=False):
            parts += axes.drawn(curve, colour)
        y = axes.bottom + 34
    parts.append(_text(_Axes.left, y + 8, "dashed: the last kept run"))
    return _picture(width, y + 20, parts)


@dataclass(frozen=True, kw_only=True)
class _Axes:
    """Where numbers and seconds are in a picture."""

    numbers: Sequence[int]
    """That were measured, in rising order."""
    step: float
    """Seconds from line to line."""
    steps: int
    bottom: int

    left: ClassVar = 60
    right: ClassVar = 700
    high: ClassVar = 200

    def across(self, number: float) -> float:
        first, last = math.log(self.numbers[0]), math.log(self.numbers[-1])
        return self.left + (self.right - self.left) * (math.log(number) - first) / ((last - first) or 1.0)

    def down(self, value: float) -> float:
        return self.bottom - self.high * value / (self.step * self.steps)

    def grid(self) -> list[str]:
        parts = []
        for place in range(self.steps + 1):
            y = self.down(place * self.step)
            parts += [
                f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}" stroke="#e5e7eb"/>',
                _text(self.left - 8, y + 4, f"{place * self.step:g} s", 'text-anchor="end"'),
            ]
        centred = 'text-anchor="middle"'
        return parts + [_text(self.across(one), self.bottom + 18, f"{one:,}", centred) for one in self.numbers]

    def drawn(self, curve: Curve, colour: str) -> list[str]:
        first, last = self.numbers[0], self.numbers[-1]
        within = {number: value for number, value in curve.before.items() if first <= number <= last}
        parts = []
        for figures, dash in ((within, ' stroke-dasharray="4 4"'), (curve.points, "")):
            points = " ".join(f"{self.across(one):.1f},{self.down(figures[one]):.1f}" for one in sorted(figures))
            if points:
                parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        parts += [
            f'<circle cx="{self.across(number):.1f}" cy="{self.down(value):.1f}" r="3" fill="{colour}"/>'
            for number, value in curve.points.items()
        ]
        end = curve.points[max(curve.points)]
        label = f"{curve.name}: {end:.2f} s"
        return [*parts, _text(self.right + 10, self.down(end) + 4, label, f'fill="{colour}"')]


def _axes(panel: Panel, top: int) -> _Axes:
    most = max(value for curve in panel.curves for value in (*curve.points.values(), *curve.before.values()))
    step = nice_step(most)
    return _Axes(
        numbers=sorted({number for curve in panel.curves for number in curve.points}),
        step=step,
        steps=math.ceil(most / step),
        bottom=top + _Axes.high,
    )


def nice_step(most: float) -> float:
    """A round distance between lines of a grid, of which four to ten reach what is shown at most."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(part * power for part in (0.1, 0.2, 0.25, 0.5, 1.0) if math.ceil(most / (part * power)) <= 10)


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{" " if more else ""}{more}>{escape(words)}</text>'


def _picture(width: int, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>", ""])
