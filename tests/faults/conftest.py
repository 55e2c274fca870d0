"""The matrix: `pytest -m faults`. A usual run leaves it out, because it takes minutes."""

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
    """Give each test's row and venue for the summary."""
    for item in items:
        row = getattr(getattr(item, "function", None), "fault_row", None)
        if row is not None:
            item.user_properties += [("fault row", f"{row:>3}  {ROWS[row].fault}"), ("fault venue", _venue(item))]


def _venue(item: pytest.Item) -> str:
    call: Any = getattr(item, "callspec", None)
    return str(call.params.get("venue", "-")) if call is not None else "-"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests of each row and venue passed, and of each venue altogether."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in terminalreporter.stats.get(outcome, ()):
            shown = dict(getattr(report, "user_properties", ()))
            if "fault row" in shown and (report.when == "call" or outcome in ("error", "skipped")):
                counts.setdefault((shown["fault row"], shown["fault venue"]), Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("fault matrix")
    rows, venues = (sorted(set(names)) for names in zip(*counts, strict=True))
    for row in rows:
        cells = [f"{venue} {_ends(counts[row, venue])}" for venue in venues if (row, venue) in counts]
        terminalreporter.write_line(f"{row:<63} {', '.join(cells)}")
    for venue in (*venues, "all"):
        mine = {row: ends for (row, one), ends in counts.items() if venue in (one, "all")}
        ends = sum((ends for (_, one), ends in counts.items() if venue in (one, "all")), Counter[str]())
        terminalreporter.write_line(f"{venue:>10}: {len(mine)} rows, {ends['passed']} of {ends.total()} tests passed")


def _ends(ends: Counter[str]) -> str:
    others = " ".join(f"{number} {end}" for end, number in ends.items() if end != "passed")
    return f"{ends['passed']}" + (f" ({others})" if others else "")
