"""Which of the matrix runs: each row once in a plain run, all of it with `-m faults` or by naming this folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.harness import Case, running
from faults.rows import ROWS

_HERE = Path(__file__).parent


@pytest.fixture
def case(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """The row that the test shows, with what it takes to show it."""
    with running(ROWS[request.function.fault_row], home, monkeypatch) as made:
        yield made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell each test's row and venue to the summary, and leave one test for each row unless all were asked for."""
    mine: dict[int, list[pytest.Item]] = {}
    for item in items:
        row = getattr(getattr(item, "function", None), "fault_row", None)
        if row is not None:
            mine.setdefault(row, []).append(item)
            item.user_properties.append(("fault row", row))
            item.user_properties.append(("fault venue", _venue(item)))
    named = any((Path(word.split("::")[0]).resolve() / "x").is_relative_to(_HERE) for word in config.args)
    if named or "faults" in (config.getoption("markexpr") or ""):
        return
    chosen = {id(_one(row, found)) for row, found in mine.items()}
    spared = [item for found in mine.values() for item in found if id(item) not in chosen]
    if spared:
        config.hook.pytest_deselected(items=spared)
        gone = {id(item) for item in spared}
        items[:] = [item for item in items if id(item) not in gone]


def _one(row: int, found: list[pytest.Item]) -> pytest.Item:
    """One test of a row: of its first test that is not expected to fail, the venues in turn."""
    sound = [item for item in found if item.get_closest_marker("xfail") is None] or found
    first = [item for item in sound if item.function is sound[0].function]  # type: ignore[attr-defined]
    return first[row % len(first)]


def _venue(item: pytest.Item) -> str:
    call: Any = getattr(item, "callspec", None)
    return str(call.params.get("venue", "-")) if call is not None else "-"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests of each row and venue passed, when the whole matrix was asked for."""
    counts: Counter[tuple[int, str, str]] = Counter()
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
        terminalreporter.write_line(f"{row:>3}  {ROWS[row].fault:<58} {', '.join(cells)}")
    passed = sum(number for (_, _, end), number in counts.items() if end == "passed")
    pairs = {(row, venue) for row, venue, _ in counts}
    terminalreporter.write_line(
        f"{len(rows)} rows, {len(pairs)} rows by venue, {passed} of {sum(counts.values())} tests passed"
    )
