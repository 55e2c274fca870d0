"""Tables and the verdict for people. The only part of the program that knows Rich; it is imported when it draws."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cancelall.core.model import Protection, State, Verdict
from cancelall.core.results import OrderReport, ProfileReport
from cancelall.report.text import clean, counts_words, scope_words, verdict_words

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

    Canvas = Console
    _Cell = tuple[str, JustifyMethod]

ROWS = 40
"""Orders that a table shows; --json always has all."""
_ID_WIDTH = 36
_MEDIUM = 72
_WIDE = 120
"""Columns from which a wider layout is used."""
_FIRST = (State.FAILED, State.OPEN, State.KEPT, State.FILLED, State.GONE, State.CANCELLED)
_STATE_STYLE = {
    State.FAILED: "bold red",
    State.OPEN: "bold red",
    State.KEPT: "cyan",
    State.FILLED: "yellow",
    State.GONE: "dim",
    State.CANCELLED: "green",
}
_VERDICT_STYLE = {
    Verdict.CLEAR: "bold white on green",
    Verdict.ABSENT: "dim",
    Verdict.OPEN: "bold white on red",
    Verdict.UNREACHABLE: "bold white on red",
    Verdict.REFUSED: "bold white on red",
    Verdict.UNCONFIGURED: "bold white on red",
    Verdict.UNPROVEN: "bold black on yellow",
}
_SEGMENT_STYLE = {Verdict.CLEAR: "green", Verdict.ABSENT: "dim", Verdict.UNPROVEN: "yellow"}


def width_of(environ: Mapping[str, str], descriptor: int | None) -> int:
    """Columns: COLUMNS, else the terminal's, else 80."""
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 10 and int(columns) > 0:
        return min(int(columns), 1000)
    try:
        return os.get_terminal_size(descriptor).columns or 80 if descriptor is not None else 80
    except OSError:
        return 80


def console(width: int, *, terminal: bool, environ: Mapping[str, str], encoding: str = "utf-8") -> Console:
    """A console that draws into memory. No markup, no highlighting: foreign text stays text."""
    from rich.console import Console

    terminal = terminal and environ.get("TERM") != "dumb"  # Rich would take a dumb one to be 80 columns wide
    colour = terminal and not environ.get("NO_COLOR")
    made = Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace"),
        width=max(20, width),
        force_terminal=terminal,
        color_system="auto" if colour else None,
        no_color=not colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ=dict(environ),
    )
    return made


def table(title: str | None = None) -> Table:
    """A table without lines between its columns, its title above it on the left."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)


def badge_line(badge: str, style: str, report: Any, words: str, *more: str) -> Text:  # a report of either kind
    """The last and most visible line of a profile: a badge, which profile, in words, and the exit code."""
    from rich.text import Text

    normal = "default on default not bold"
    where = " ".join(filter(None, (report.venue if report.venue != report.profile else "", report.environment)))
    line = Text(f" {badge} ", style=style)
    line.append(f" {clean(report.profile)}", style="bold not reverse default on default")
    line.append(f"{f' ({clean(where)})' if where else ''}: {words}", style=normal)
    for part in (*more, f"exit {int(report.exit_status)}"):
        line.append(f" · {part}", style=f"dim {normal}")
    return line


def drawn(made: Console, *parts: RenderableType) -> str:
    """What the parts look like."""
    with made.capture() as captured:
        for part in parts:
            made.print(part)
    return captured.get()


def profile_table(report: ProfileReport, made: Console) -> str:
    """Everything about one profile; the verdict is the last and most visible line."""
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.orders:
        parts.append(_orders(report, made.width))
    if hidden := max(0, len(report.orders) - ROWS):
        parts.append(Text(f"… and {hidden} more ({counts_words(report)} in all); --json lists every one", style="dim"))
    if report.segments:
        parts.append(_segments(report, made.width))
    for request in report.would_send[:ROWS]:
        parts.append(Text(f"would send: {clean(request, 300)}", style="cyan"))
    if unnamed := max(0, len(report.would_send) - ROWS):
        parts.append(Text(f"would send: {unnamed} more", style="cyan"))
    if report.not_covered and report.segments:
        parts.append(Text("not covered: " + "; ".join(clean(what, 500) for what in report.not_covered), style="dim"))
    parts += [Text(f"warning: {clean(warning, 500)}", style="yellow") for warning in report.warnings]
    if report.error is not None:
        parts.append(Text(f"{report.error.kind}: {clean(report.error.message, 500)}", style="bold"))
        if report.error.hint:
            parts.append(Text(f"what to do: {clean(report.error.hint, 500)}"))
    parts.append(verdict_line(report))
    return drawn(made, *parts) + "\n"


def verdict_line(report: ProfileReport) -> RenderableType:
    """The verdict, with the exit code that goes with it."""
    counts, spent = counts_words(report), report.timing.verdict
    words = f"{verdict_words(report)} · {counts}" if counts else verdict_words(report)
    seconds = () if spent is None else (f"{spent / 1000:.1f} s",)
    return badge_line(report.verdict.value.upper(), _VERDICT_STYLE[report.verdict], report, words, *seconds)


def summary(reports: Sequence[ProfileReport], made: Console) -> str:
    """One row per profile, for runs with several."""
    from rich.text import Text

    rows = table("summary")
    for name in ("profile", "venue", "verdict", "orders"):
        rows.add_column(name, overflow="fold")
    rows.add_column("exit", justify="right")
    for report in reports:
        rows.add_row(
            Text(clean(report.profile)),
            Text(report.venue),
            Text(f" {report.verdict.value} ", style=_VERDICT_STYLE[report.verdict]),
            Text(counts_words(report) or "none"),
            str(int(report.exit_status)),
        )
    return drawn(made, rows)


def _orders(report: ProfileReport, width: int) -> Table:
    """The orders, failures and survivors first. Ids are folded, never cut: a proof with a cut id is none."""
    from rich.text import Text

    rows = table(f"{report.profile}: orders{' that are open' if report.dry_run else ''}")
    shown = sorted(report.orders, key=lambda row: _FIRST.index(row.state))[:ROWS]
    short = all(len(row.order.id) <= _ID_WIDTH for row in shown)
    rows.add_column("state", no_wrap=True)
    layout = _wide if width >= _WIDE else _medium if width >= _MEDIUM and short else _narrow
    for name, justify in layout(None):
        rows.add_column(name, justify=justify, overflow="fold", no_wrap=name == "order id" and short)
    if any(_mark(row) for row in shown):
        rows.caption, rows.caption_justify = "* protective: can only shrink a position", "left"
    for row in shown:
        state = Text(row.state.value, style=_STATE_STYLE[row.state])
        rows.add_row(state, *(Text(cell) for cell, _ in layout(row)))
    return rows


def _narrow(row: OrderReport | None) -> list[_Cell]:
    """One column: the order in words, and its id below."""
    if row is None:
        return [("order", "left")]
    return [(f"{_words(row)}\n{clean(row.order.id)}", "left")]


def _medium(row: OrderReport | None) -> list[_Cell]:
    """The order in words, and its id in full next to them."""
    if row is None:
        return [("order", "left"), ("order id", "left")]
    return [(_words(row), "left"), (clean(row.order.id), "left")]


def _wide(row: OrderReport | None) -> list[_Cell]:
    """Every field in a column of its own."""
    if row is None:
        names = ("symbol", "side", "type", "price", "quantity", "order id", "client id")
        return [(name, "right" if name in ("price", "quantity") else "left") for name in names]
    order = row.order
    cells = (order.symbol, order.side, (order.type or "") + _mark(row), order.price, order.quantity)
    remark = f"{clean(order.client_id or '')} {clean(row.reason or '')}".strip()
    return [*((clean(cell or ""), "left") for cell in cells), (clean(order.id), "left"), (remark, "left")]


def _words(row: OrderReport) -> str:
    """Symbol, side, type, quantity and price as a trader would say them, and what the venue remarked."""
    order = row.order
    parts = [
        clean(part) for part in (order.symbol, order.side, (order.type or "") + _mark(row), order.quantity) if part
    ]
    price = f" @ {clean(order.price)}" if order.price else ""
    return f"{' '.join(parts)}{price}{f' ({clean(row.reason)})' if row.reason else ''}"


def _mark(row: OrderReport) -> str:
    return "*" if row.order.protection is Protection.PROTECTIVE else ""


def _segments(report: ProfileReport, width: int) -> Table:
    from rich.text import Text

    rows = table(f"{report.profile}: {scope_words(dict(report.scope))}")
    for name in ("segment", "verdict"):
        rows.add_column(name, overflow="fold")
    if width >= 60:
        for name in ("mass cancels", "listings"):
            rows.add_column(name, justify="right")
    details = any(segment.detail for segment in report.segments)
    if details:
        rows.add_column("detail", overflow="fold")
    for segment in report.segments:
        cells = [
            Text(clean(segment.name)),
            Text(segment.verdict.value, style=_SEGMENT_STYLE.get(segment.verdict, "bold red")),
        ]
        if width >= 60:
            cells += [Text(str(segment.mass_cancels)), Text(str(segment.listings))]
        if details:
            cells.append(Text(clean(segment.detail or "")))
        rows.add_row(*cells)
    return rows
