"""Failures that are repeated, and those that are not: each in a folder of its own with a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

FOLDER = """
[pytest]
markers =
    alone(why): measures wall time
    faults: chosen by -m
"""
ONCE = """
def once(name):
    from pathlib import Path
    seen = Path(__file__).with_name(name)
    first = not seen.exists()
    seen.touch()
    assert not first, "only the first time"
"""
TESTS = {
    "good": "def test_good(): pass",
    "busy": "@pytest.mark.alone('why')\ndef test_busy(): once('busy')",
    "slow": "@pytest.mark.alone('why')\ndef test_slow(): assert False",
    "mute": "@pytest.mark.alone\ndef test_mute(): pass",
    "race": "def test_race(): once('race')",
    "broken": "import no_such_module",
    "stopped": "def test_stopped(): raise KeyboardInterrupt",
}


BESIDE = ("-n", "2", "--dist", "worksteal")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("which", "words", "status", "said"),
    [
        ("good busy", (), 0, "1 passed"),
        ("good busy race", BESIDE, 1, "not for want of time: test_race.py::test_race"),
        *(
            pytest.param(*row, marks=pytest.mark.faults)
            for row in (
                ("good", (), 0, "1 passed"),
                ("good busy", BESIDE, 0, "1 passed"),
                ("good slow", BESIDE, 1, "test_slow"),
                ("good race", (), 1, "not for want of time"),
                ("good mute", (), 4, "test_mute is marked alone, and does not say why"),
                ("good broken busy", (), 2, "no_such_module"),
                ("busy stopped", (), 2, "KeyboardInterrupt"),
                ("", (), 5, "no tests ran"),
            )
        ),
    ],
)
def test_only_what_measures_time_has_a_second_chance(
    tmp_path: Path, which: str, words: tuple[str, ...], status: int, said: str
) -> None:
    (tmp_path / "pytest.ini").write_text(FOLDER)
    (tmp_path / "conftest.py").write_text(
        "from rerun import pytest_addoption, pytest_collection_finish, pytest_collection_modifyitems  # noqa: F401\n"
    )
    for name in which.split():
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n{ONCE}\n{TESTS[name]}\n")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "rerun.py"), *words],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "tests"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, said in ran.stdout + ran.stderr) == (status, True), ran.stdout + ran.stderr
