"""What a check found, as a table and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cancelall.core.preflight import Area, CheckReport, Finding, Level, exit_status, failure
from cancelall.core.results import ErrorReport
from cancelall.core.stamp import machine, moment, now_ms
from cancelall.report.badges import BAD, GOOD, WARNING, badge
from cancelall.report.tables import LINES, REST, badge_line, drawn, one_line, table
from cancelall.report.text import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SCHEMA = 1
_LONGEST = 500
_STYLE = {Level.OK: "green", Level.WARN: WARNING}
_MARK = {Level.OK: "ok", Level.WARN: "warn", Level.FAIL: "FAIL"}


def check_line(report: CheckReport) -> str:
    """The report as one line of JSON, ASCII only."""
    line = {
        "schema": SCHEMA,
        "profile": report.profile or None,
        "ok": report.ok,
        "findings": [
            {
                "check": clean(finding.check),
                "level": finding.level.value,
                "detail": clean(finding.detail, _LONGEST),
                "fix": clean(finding.fix, _LONGEST) or None,
            }
            for finding in report.findings
        ],
        "time": moment(now_ms()),
        "machine": machine(),
    }
    return json.dumps(line, separators=(",", ":")) + "\n"


def check_line_without_profile(error: ErrorReport) -> str:
    """The line of a check that came to no profile."""
    finding = failure(error.kind, error.message, error.hint, Area.OURS)
    return check_line(CheckReport(profile="", venue="", environment=None, host=None, findings=(finding,)))


def check_table(report: CheckReport, made: Console) -> str:
    """Every finding of one profile with what to do about it; whether it is ready is the last and most visible line."""
    return drawn(made, _table(report, made)) + ready_text(report, made) + "\n"


def ready_text(report: CheckReport, made: Console) -> str:
    """Whether a kill would work, with the exit code that goes with it; wrapped by terminals only."""
    style = badge(GOOD if report.ok else BAD, made.color_system)
    return one_line(badge_line("READY" if report.ok else "NOT READY", style, report, _counts(report)), made)


def check_summary(reports: Sequence[CheckReport], made: Console) -> str:
    """One line for all profiles."""
    from rich.text import Text

    ready = sum(1 for report in reports if report.ok)
    good = ready == len(reports)
    line = Text(f" {'READY' if good else 'NOT READY'} ", style=badge(GOOD if good else BAD, made.color_system))
    line.append(f" {ready} of {len(reports)} profiles ready · exit {int(exit_status(reports))}", style=REST)
    return one_line(line, made)


def _counts(report: CheckReport) -> str:
    words = {Level.FAIL: "to put right", Level.WARN: "to look at", Level.OK: "good"}
    counts = [f"{report.count(level)} {text}" for level, text in words.items() if report.count(level)]
    return ", ".join(counts) or "nothing was looked at"


def _table(report: CheckReport, made: Console) -> Table:
    from rich.text import Text

    rows = table(f"{clean(report.profile)}: {clean(report.host or 'no host')}")
    rows.add_column("", no_wrap=True)
    if made.width >= LINES:
        rows.add_column("check", overflow="fold")
    rows.add_column("found", overflow="fold")
    for finding in report.findings:
        style = badge(BAD, made.color_system) if finding.level is Level.FAIL else _STYLE[finding.level]
        mark = _MARK[finding.level]
        badged = finding.level is Level.FAIL and made.color_system is not None
        cells = [Text(f" {mark} " if badged else mark, style=style)]
        if made.width >= LINES:
            cells.append(Text(clean(finding.check)))
        cells.append(_detail(finding, named=made.width < LINES))
        rows.add_row(*cells)
    return rows


def _detail(finding: Finding, *, named: bool) -> Text:
    from rich.text import Text

    name = f"{clean(finding.check)}: " if named else ""
    cell = Text(f"{name}{clean(finding.detail, _LONGEST)}")
    if finding.fix:
        cell.append(f"\n→ {clean(finding.fix, _LONGEST)}", style=WARNING)
    return cell
