"""Tables in Markdown and bars in SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple


class Bound(NamedTuple):
    """A figure, the most that it should be, and what it is."""

    name: str
    most: float
    measured: float


class Bars(NamedTuple):
    """A group of named bars."""

    title: str
    bars: Sequence[tuple[str, float]]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; numbers stand on the right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def bounds_table(bounds: Iterable[Bound]) -> list[str]:
    """Each bound, and whether it holds."""
    rows = [
        (one.name, f"{one.most:g}", f"{one.measured:.2f}", "yes" if one.measured <= one.most else "**no**")
        for one in bounds
    ]
    return table(("figure", "at most", "measured", "holds"), rows)


def bars(title: str, groups: Sequence[Bars]) -> str:
    """Horizontal bars, group by group, on one scale."""
    height, left, width = 20, 260, 900
    most = max(value for group in groups for _, value in group.bars)
    parts, y = [f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>'], 34
    for group in groups:
        parts.append(f'<text x="8" y="{y + 16}" font-style="italic">{escape(group.title)}</text>')
        y += height + 4
        for name, value in group.bars:
            long = (width - left - 70) * value / most
            fill = "#2563eb" if name.startswith("cancelall") else "#9ca3af"
            parts += [
                f'<text x="24" y="{y + 14}">{escape(name)}</text>',
                f'<rect x="{left}" y="{y + 2}" width="{long:.1f}" height="{height - 6}" fill="{fill}"/>',
                f'<text x="{left + long + 6:.1f}" y="{y + 14}">{value:.0f}</text>',
            ]
            y += height
        y += 8
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{width}" height="{y}" fill="white"/>', *parts, "</svg>", ""])
