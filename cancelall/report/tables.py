"""Tables and the verdict for people. The only part of the program that knows Rich; it is imported when it draws."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cancelall.core.model import Protection, State, Verdict
from cancelall.core.results import OrderReport, ProfileReport, SegmentReport
from cancelall.report.badges import BAD, DOUBTFUL, GOOD, WARNING, badge, of_verdict
from cancelall.report.text import (
    LastLine,
    clean,
    counts_words,
    last_line,
    not_clear,
    order_words,
    orders_words,
    scope_words,
    segment_words,
    verdict_words,
)

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

    Canvas = Console
    _Cell = tuple[str, JustifyMethod]

ROWS = 40
"""Orders that a table shows; --json always has all."""
_ID_WIDTH = 36
LINES = 60
"""Columns below which there are lines instead of tables."""
_MEDIUM = 72
_WIDE = 120
"""Columns from which a wider layout is used."""
_FIRST = (State.FAILED, State.OPEN, State.KEPT, State.FILLED, State.GONE, State.CANCELLED)
_BAD_STATES = (State.FAILED, State.OPEN)
_STATE_STYLE = {State.GONE: "dim", State.CANCELLED: "green"}
_SURVIVORS = 6
"""Orders that are named once more above the verdict."""
_CLEAR_ROWS = 12
"""Profiles that are clear and still have a row of their own in the summary."""
REST = "default on default not bold"


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

    where = " ".join(filter(None, (report.venue if report.venue != report.profile else "", report.environment)))
    line = Text(f" {badge} ", style=style)
    line.append(f" {clean(report.profile)}", style="bold not reverse default on default")
    line.append(f"{f' ({clean(where)})' if where else ''}: {words}", style=REST)
    for part in (*more, f"exit {int(report.exit_status)}"):
        line.append(f" · {part}", style=REST)
    return line


def drawn(made: Console, *parts: RenderableType) -> str:
    """What the parts look like."""
    with made.capture() as captured:
        for part in parts:
            made.print(part)
    return captured.get()


def profile_table(report: ProfileReport, made: Console, step: str = "") -> str:
    """Everything about one profile. What is not good stands directly above the verdict, which is the last line."""
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.orders:
        parts.append(_orders(report, made))
    if hidden := max(0, len(report.orders) - ROWS):
        parts.append(Text(f"… and {hidden} more ({counts_words(report)} in all); --json lists every one", style="dim"))
    if report.segments:
        parts.append(_segments(report, made))
    for request in report.would_send[:ROWS]:
        parts.append(Text(f"would send: {clean(request, 300)}"))
    if unnamed := max(0, len(report.would_send) - ROWS):
        parts.append(Text(f"would send: {unnamed} more"))
    if report.not_covered and report.segments:
        parts.append(Text("not covered: " + "; ".join(clean(what, 500) for what in report.not_covered), style="dim"))
    parts += bad_news(report, step=step)
    return drawn(made, *parts) + verdict_text(report, made) + "\n"


def bad_news(report: ProfileReport, *, survivors: bool = True, step: str = "") -> list[RenderableType]:
    """What a trader must not overlook: orders that are left, warnings, the cause, and what to do."""
    from rich.text import Text

    parts: list[RenderableType] = []
    left = [row for row in report.orders if row.state in _BAD_STATES] if survivors and not report.dry_run else []
    if left and len(report.orders) > _SURVIVORS:  # else they stand at the top of the table, on the same screen
        parts += [Text(_left(row), style=WARNING) for row in left[:_SURVIVORS]]
        if more := len(left) - _SURVIVORS:
            parts += [Text(f"… and {more} more that are open or failed", style=WARNING)] if more > 0 else []
    parts += [Text(f"warning: {clean(warning, 500)}", style=WARNING) for warning in report.warnings]
    if report.error is not None:
        parts.append(Text(f"{report.error.kind}: {clean(report.error.message, 500)}", style=WARNING))
        if report.error.hint and not (step and report.error.kind == "interrupted"):  # the next step says the same
            parts.append(Text(f"what to do: {clean(report.error.hint, 500)}"))
    if step:
        parts.append(Text(f"next: {clean(step, 500)}"))
    return parts


def _left(row: OrderReport) -> str:
    """An order that is left, with its id in full."""
    words = f"{row.state.value}: {order_words(row)}".strip()
    return f"{words}  {clean(row.order.id)}"


def brief(report: ProfileReport, made: Console, step: str = "") -> str:
    """A profile's verdict with its cause and its warnings, and nothing else.

    Why nothing was sent has been said on stderr.
    """
    if report.verdict is Verdict.UNCONFIGURED:
        report, step = replace(report, error=None), ""
    return drawn(made, *bad_news(report, survivors=False, step=step)) + verdict_text(report, made)


def verdict_text(report: ProfileReport, made: Console) -> str:
    """The verdict, with the exit code that goes with it; one line unless a terminal has to wrap it."""
    kind = DOUBTFUL if report.dry_run and not report.exit_status else of_verdict(report.verdict)
    style = badge(GOOD if report.verdict is Verdict.CLEAR else kind, made.color_system)
    counts, spent = counts_words(report), report.timing.verdict
    words = f"{verdict_words(report)} · {counts}" if counts else verdict_words(report)
    seconds = () if spent is None else (f"{spent / 1000:.1f} s",)
    return one_line(badge_line(report.verdict.value.upper(), style, report, words, *seconds), made)


def one_line(line: Text, made: Console) -> str:
    """A line that only a terminal may wrap: who reads a pipe looks for it with grep."""
    with made.capture() as captured:
        made.print(line, soft_wrap=not made.is_terminal)
    return captured.get()


def summary(reports: Sequence[ProfileReport], made: Console, status: int, step: str = "") -> str:
    """One row per profile for runs with several, the worst at the end, and a last line that tells the whole."""
    from rich.text import Text

    rows = table("summary")
    narrow = made.width < LINES
    for name in ("profile", "verdict") if narrow else ("profile", "venue", "verdict", "orders"):
        rows.add_column(name, overflow="fold")
    rows.add_column("exit", justify="right")
    troubled = not_clear(reports)
    clear = [report for report in reports if report not in troubled]
    shown = clear if len(clear) <= _CLEAR_ROWS else []
    for report in (*shown, *troubled):
        cells = [Text(clean(report.profile)), Text(report.venue)]
        cells.append(Text(f" {report.verdict.value} ", style=badge(of_verdict(report.verdict), made.color_system)))
        cells.append(Text(orders_words(report)))
        rows.add_row(*(cells[::2] if narrow else cells), str(int(report.exit_status)))
    parts: list[RenderableType] = [rows] if rows.row_count else []
    if len(shown) < len(clear):
        parts.append(Text(f"{len(clear)} profiles are clear, {sum(map(_orders_of, clear))} orders cancelled"))
    return drawn(made, *parts) + whole(reports, made, status, step)


def whole(reports: Sequence[ProfileReport], made: Console, status: int, step: str = "") -> str:
    """The last line of a run with several profiles."""
    return last_of_all(last_line(reports, status), made, step)


def last_of_all(last: LastLine, made: Console, step: str = "") -> str:
    """The line that tells the whole, and what comes next."""
    from rich.text import Text

    line = Text(f" {last.badge} ", style=badge(BAD if last.bad else GOOD, made.color_system))
    line.append(f" {last.text}{f' · next: {clean(step, 500)}' if step else ''}", style=REST)
    return one_line(line, made)


def _orders_of(report: ProfileReport) -> int:
    return report.count(State.CANCELLED) + report.count(State.GONE)


def _orders(report: ProfileReport, made: Console) -> RenderableType:
    """The orders, failures and survivors first. Ids are folded, never cut: a proof with a cut id is none."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    width = made.width
    title = f"{report.profile}: orders{' that are open' if report.dry_run else ''}"
    shown = sorted(report.orders, key=lambda row: _FIRST.index(row.state))[:ROWS]
    note = "* protective: can only shrink a position" if any(_mark(row) for row in shown) else ""
    if width < LINES:
        lines: list[RenderableType] = [Text(title, style="bold")]
        for row in shown:
            lines.append(Text.assemble(_state(row, made, loud=not report.dry_run), f" {_row_words(row)}"))
            lines.append(Padding(Text(clean(row.order.id), overflow="fold"), (0, 0, 0, 2)))
        return Group(*lines, *([Text(note, style="dim")] if note else []), Text(""))
    rows = table(title)
    short = all(len(row.order.id) <= _ID_WIDTH for row in shown)
    rows.add_column("state", no_wrap=True)
    layout = _wide if width >= _WIDE else _medium if width >= _MEDIUM and short else _narrow
    for name, justify in layout(None):
        rows.add_column(name, justify=justify, overflow="fold", no_wrap=name == "order id" and short)
    if note:
        rows.caption, rows.caption_justify = note, "left"
    for row in shown:
        rows.add_row(_state(row, made, loud=not report.dry_run), *(Text(cell) for cell, _ in layout(row)))
    return rows


def _state(row: OrderReport, made: Console, *, loud: bool) -> Text:
    """What became of an order. Where nothing was to be cancelled, an open one is no failure."""
    from rich.text import Text

    if row.state in _BAD_STATES and loud:
        return Text(f" {row.state.value} ", style=badge(BAD, made.color_system))
    return Text(row.state.value, style=_STATE_STYLE.get(row.state, ""))


def _narrow(row: OrderReport | None) -> list[_Cell]:
    """One column: the order in words, and its id below."""
    if row is None:
        return [("order", "left")]
    return [(f"{_row_words(row)}\n{clean(row.order.id)}", "left")]


def _medium(row: OrderReport | None) -> list[_Cell]:
    """The order in words, and its id in full next to them."""
    if row is None:
        return [("order", "left"), ("order id", "left")]
    return [(_row_words(row), "left"), (clean(row.order.id), "left")]


def _wide(row: OrderReport | None) -> list[_Cell]:
    """Every field in a column of its own."""
    if row is None:
        names = ("symbol", "side", "type", "price", "quantity", "order id", "client id")
        return [(name, "right" if name in ("price", "quantity") else "left") for name in names]
    order = row.order
    cells = (order.symbol, order.side, (order.type or "") + _mark(row), order.price, order.quantity)
    remark = f"{clean(order.client_id or '')} {clean(row.reason or '')}".strip()
    return [*((clean(cell or ""), "left") for cell in cells), (clean(order.id), "left"), (remark, "left")]


def _row_words(row: OrderReport) -> str:
    """The order in words, marked when it is protective, and what the venue remarked."""
    words = order_words(row, _mark(row)) or "(details not read)"
    return f"{words}{f' ({clean(row.reason)})' if row.reason else ''}"


def _mark(row: OrderReport) -> str:
    return "*" if row.order.protection is Protection.PROTECTIVE else ""


def _segments(report: ProfileReport, made: Console) -> RenderableType:
    """The parts of the account; equal ones share a row, and a cause that is told below is not told here."""
    from rich.console import Group
    from rich.text import Text

    title = f"{report.profile}: {scope_words(dict(report.scope))}"
    cause = report.error.message if report.error is not None else None
    groups = _alike(report.segments, cause)
    if made.width < LINES:
        lines = [Text(title, style="bold")]
        for some, detail in groups:
            names = ", ".join(clean(one.name) for one in some)
            lines.append(Text(f"{names}: {segment_words(some[0].verdict)}{f' - {clean(detail)}' if detail else ''}"))
        return Group(*lines, Text(""))
    rows = table(title)
    for name in ("part of the account", "verdict"):
        rows.add_column(name, overflow="fold")
    details = any(detail for _, detail in groups)
    counted = made.width >= _MEDIUM or not details  # a cut heading tells nobody anything
    for name in ("cancel-alls", "times read") if counted else ():
        rows.add_column(name, justify="right")
    if details:
        rows.add_column("detail", overflow="fold")
    for some, detail in groups:
        names, verdict = ", ".join(clean(one.name) for one in some), segment_words(some[0].verdict)
        good = some[0].verdict in (Verdict.CLEAR, Verdict.ABSENT)
        kind = DOUBTFUL if report.dry_run and some[0].verdict is Verdict.OPEN else of_verdict(some[0].verdict)
        style = "" if good else badge(kind, made.color_system)
        cells = [Text(names), Text(verdict if good else f" {verdict} ", style=style)]
        if counted:
            cells += [Text(_span([one.mass_cancels for one in some])), Text(_span([one.listings for one in some]))]
        rows.add_row(*cells, *([Text(clean(detail))] if details else []))
    return rows


def _alike(segments: Sequence[SegmentReport], cause: str | None) -> list[tuple[list[SegmentReport], str]]:
    """Segments of one verdict and detail together, and the detail unless it is the cause that is told below."""
    groups: dict[tuple[Verdict, str], list[SegmentReport]] = {}
    for segment in segments:
        detail = "" if segment.detail == cause else segment.detail or ""
        groups.setdefault((segment.verdict, detail), []).append(segment)
    return [(some, detail) for (_, detail), some in groups.items()]


def _span(numbers: Sequence[int]) -> str:
    """A number, or the least and the most of several."""
    least, most = min(numbers), max(numbers)
    return str(most) if least == most else f"{least}-{most}"
