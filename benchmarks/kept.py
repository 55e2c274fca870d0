"""The figures of the last run that was kept: docs/measured.json as it is committed, so that a further run that nobody
has committed is compared with the same one.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.page import Row

NAME = "docs/measured.json"
_DIGITS = 4

Figures = Mapping[str, Mapping[str, Row]]
"""By the title of their table, the name of their row, and that of their column."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The figures of one run."""

    date: str
    commit: str
    """That was measured, in short; empty where nobody knows."""
    figures: Figures = field(default_factory=dict)

    @property
    def named(self) -> str:
        """Which run it is."""
        return f"{self.date}, commit {self.commit}" if self.commit else self.date


def last(root: Path) -> Kept | None:
    """The run that is committed; without git, the one whose file is there. None where there is none."""
    text = _git(root, "show", f"HEAD:{NAME}")
    if not text and (root / NAME).exists():
        text = (root / NAME).read_text(encoding="utf-8")
    return parsed(text) if text else None


def commit(root: Path) -> str:
    """The commit that is checked out, in short; with a plus where files differ from it; empty where nobody knows."""
    return _git(root, "rev-parse", "--short", "HEAD") + (
        "+" if _git(root, "status", "--porcelain", "--untracked-files=no") else ""
    )


def parsed(text: str) -> Kept:
    """A run as its file tells it."""
    known = json.loads(text)
    return Kept(date=known["date"], commit=known["commit"], figures=known["figures"])


def written(kept: Kept) -> str:
    """A run as its file tells it: a line for each row. Figures have four digits."""
    tables = []
    for title, rows in kept.figures.items():
        lines = [
            f"   {json.dumps(name, ensure_ascii=False)}: {json.dumps(_rounded(row), ensure_ascii=False)}"
            for name, row in rows.items()
        ]
        tables.append(f"  {json.dumps(title, ensure_ascii=False)}: {{\n" + ",\n".join(lines) + "\n  }")
    head = f'{{\n "date": {json.dumps(kept.date)},\n "commit": {json.dumps(kept.commit)},\n "figures": {{\n'
    return head + ",\n".join(tables) + "\n }\n}\n"


def _rounded(row: Row) -> Row:
    return {name: float(f"{value:.{_DIGITS}g}") for name, value in row.items()}


def _git(root: Path, *words: str) -> str:
    """What git says; empty where it is not there, or does not know."""
    try:
        done = subprocess.run(("git", *words), cwd=root, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
