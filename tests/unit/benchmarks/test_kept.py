"""The figures of a run that is kept, as they are written and read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import kept
from benchmarks.kept import Kept
from support import ROOT

NAMES = st.text(min_size=1, max_size=20)
FIGURES = st.integers(0, 9999).map(lambda number: number / 100)
TABLES = st.dictionaries(NAMES, st.dictionaries(NAMES, st.dictionaries(NAMES, FIGURES, max_size=3), max_size=3))


@given(TABLES)
def test_what_is_written_is_read(figures: dict[str, dict[str, dict[str, float]]]) -> None:
    run = Kept(date="2026-11-30", commit="0123abc", figures=figures)
    assert kept.parsed(kept.written(run)) == run


def test_figures_have_four_digits_and_a_line_for_each_row() -> None:
    run = Kept(date="2026-11-30", commit="", figures={"Memory": {"ten × venues": {"peak MB": 123.456}, "b": {}}})
    text = kept.written(run)
    assert '   "ten × venues": {"peak MB": 123.5},\n   "b": {}\n' in text


def test_a_run_says_which_it_was() -> None:
    assert Kept(date="2026-11-30", commit="0123abc").named == "2026-11-30, commit 0123abc"
    assert Kept(date="2026-11-30", commit="").named == "2026-11-30"


@pytest.mark.skipif(shutil.which("git") is None, reason="it needs git")
def test_the_last_run_is_the_one_that_is_committed(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(("git", *identity, *words), cwd=tmp_path, check=True, capture_output=True)

    path = tmp_path / kept.NAME
    path.parent.mkdir()
    first, second = (Kept(date=f"2026-11-{day}", commit="", figures={}) for day in (29, 30))
    assert kept.last(tmp_path) is None
    path.write_text(kept.written(first), encoding="utf-8")
    assert (kept.last(tmp_path), kept.commit(tmp_path)) == (first, "")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    at_once = kept.commit(tmp_path)
    path.write_text(kept.written(second), encoding="utf-8")  # a run that nobody has kept
    assert kept.last(tmp_path) == first
    assert (len(at_once) >= 7, kept.commit(tmp_path)) == (True, f"{at_once}+")


def test_the_run_of_this_tree_can_be_read() -> None:
    run = kept.parsed((ROOT / kept.NAME).read_text(encoding="utf-8"))
    assert run.figures["Bounds"]
    assert all(
        isinstance(value, float) for rows in run.figures.values() for row in rows.values() for value in row.values()
    )
