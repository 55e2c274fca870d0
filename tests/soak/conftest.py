"""Counts what the schedules of a run came to, over all of its processes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

_counts: Counter[tuple[str, str]] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect; what workers have counted arrives with their reports."""
    if report.when == "call":
        for name, value in report.user_properties:
            if name == "soak":
                _counts.update({(str(venue), str(verdict)): int(number) for venue, verdict, number in _rows(value)})


def _rows(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else ()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One row for each venue, one column for each verdict."""
    if not _counts:
        return
    verdicts = sorted({verdict for _, verdict in _counts})
    terminalreporter.section("schedules by venue and verdict")
    terminalreporter.write_line("".join(f"{head:>14}" for head in ("", *verdicts, "all")))
    for venue in sorted({venue for venue, _ in _counts}):
        numbers = [_counts[venue, verdict] for verdict in verdicts]
        terminalreporter.write_line("".join(f"{cell:>14}" for cell in (venue, *numbers, sum(numbers))))
    terminalreporter.write_line(f"{'all':>14}" + f"{_counts.total():>{14 * (len(verdicts) + 1)}}")
