"""A folder is hidden from a process and from what it starts, and from nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

CODE = """
import subprocess, sys
from pathlib import Path
from hiding import hide
folder = Path(sys.argv[1])
print(hide(folder), list(folder.iterdir()), flush=True)
subprocess.run(["ls", folder], check=True)
"""


def test_what_is_hidden_is_there_for_others(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    words = [sys.executable, "-c", CODE, str(tmp_path)]
    ran = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, capture_output=True, text=True, check=True
    )
    if ran.stdout.startswith("False"):
        pytest.skip("nothing can be hidden here, and the tests refuse to run")
    assert ran.stdout == "True []\n"
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]
