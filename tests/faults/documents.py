"""docs/faults.md, made from the rows and the tests that show them: `python -m faults.documents`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType

from cancelall.venues.registry import VENUES
from faults.rows import ROWS, Row

PATH = Path(__file__).resolve().parent.parent.parent / "docs" / "faults.md"

_HEAD = """\
# What was broken on purpose

Every fault that a kill has to live with, how it is injected, what has to come of it, and the test that shows it. The
tests run over real sockets on this machine, against the embedded exchange or against sockets that break below HTTP:
`make faults`. Whatever the fault, each test also holds that no secret shows in anything that is printed, that nothing
is called clear while an order rests, and that the run ends within half a second of its deadline.

Exit codes: 0 clear, 10 open, 12 unreachable, 4 refused, 6 unconfigured, 11 unproven, 130 and 143 interrupted.

Made by `make docs` from the tests in `tests/faults`; a test keeps it true.

| # | fault | injected by | expected | exit | venues | shown by |
| --: | --- | --- | --- | --- | --- | --- |
"""


def tests() -> Iterator[tuple[int, str, frozenset[str]]]:
    """Row, name and venues of every test of the matrix."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"faults.{path.stem}")
        for name, test in vars(module).items():
            if isinstance(test, FunctionType) and hasattr(test, "fault_row"):
                yield test.fault_row, f"{path.stem}.{name}", _venues(test)


def _venues(test: FunctionType) -> frozenset[str]:
    """The venues that a test is run for."""
    venues: set[str] = set()
    for mark in test.pytestmark:  # type: ignore[attr-defined]
        if mark.name == "parametrize" and "venue" in (names := mark.args[0]):
            values = mark.args[1]
            venues |= set(values) if isinstance(names, str) else {value[names.index("venue")] for value in values}
    return frozenset(venues)


def shown() -> Mapping[int, Mapping[str, frozenset[str]]]:
    """For each row the tests that show it, with their venues."""
    rows: dict[int, dict[str, frozenset[str]]] = {}
    for row, name, venues in tests():
        rows.setdefault(row, {})[name] = venues
    return rows


def document() -> str:
    """The file's text."""
    by_row = shown()
    return _HEAD + "".join(_line(ROWS[number], tuple(by_row[number])) for number in sorted(ROWS))


def _line(row: Row, names: tuple[str, ...]) -> str:
    codes = ", ".join(map(str, row.codes))
    names_shown = "<br>".join(f"`{name}`" for name in names)
    cells = (str(row.number), row.fault, row.injected, row.expected, codes, _where(row), names_shown)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _where(row: Row) -> str:
    if row.one_venue:
        return f"{row.on}: {row.one_venue}"
    without = "; ".join(f"{venue}: {why}" for venue, why in row.not_for.items())
    return f"all but {without}" if without else f"all {len(VENUES)}"


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{PATH.name}: {len(ROWS)} rows\n")
