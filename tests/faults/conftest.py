"""The matrix: `pytest -m faults`. A plain run leaves it out, because it takes minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.harness import Case, running
from faults.rows import ROWS


@pytest.fixture
def case(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """The row that the test shows, with what it takes to show it."""
    with running(ROWS[request.function.fault_row], home, monkeypatch) as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell each test's row and venue to the summary."""
    for item in items:
        row = getattr(getattr(item, "function", None), "fault_row", None)
        if row is not None:
            item.user_properties += [("fault row", f"{row:>3}  {ROWS[row].fault}"), ("fault venue", _venue(item))]


def _venue(item: pytest.Item) -> str:
    call: Any = getattr(item, "callspec", None)
    return str(call.params.get("venue", "-")) if call is not None else "-"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests of each row and venue passed, and of each venue altogether."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, ()):
            told = dict(getattr(report, "user_properties", ()))
            if "fault row" in told and (report.when == "call" or outcome in ("error", "skipped")):
                counts[told["fault row"], told["fault venue"], outcome] += 1
    rows = sorted({row for row, _, _ in counts})
    if not rows:
        return
    terminalreporter.section("fault matrix")
    for row in rows:
        cells = []
        for venue in sorted({one for number, one, _ in counts if number == row}):
            ends = {end: number for (at, one, end), number in counts.items() if (at, one) == (row, venue)}
            told = " ".join(f"{number} {end}" for end, number in ends.items() if end != "passed")
            cells.append(f"{venue} {ends.get('passed', 0)}" + (f" ({told})" if told else ""))
        terminalreporter.write_line(f"{row:<63} {', '.join(cells)}")
    for venue in sorted({venue for _, venue, _ in counts}):
        mine = {(row, end): number for (row, one, end), number in counts.items() if one == venue}
        passed = sum(number for (_, end), number in mine.items() if end == "passed")
        shown = len({row for row, _ in mine})
        terminalreporter.write_line(f"{venue:>10}: {shown} rows, {passed} of {sum(mine.values())} tests passed")
    passed = sum(number for (_, _, end), number in counts.items() if end == "passed")
    terminalreporter.write_line(f"{'all':>10}: {len(rows)} rows, {passed} of {counts.total()} tests passed")
