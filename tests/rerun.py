"""Runs pytest, and once more, one by one, what failed and measures wall time: `python tests/rerun.py WORDS_OF_PYTEST`.

A deadline in wall time may be missed on a machine that is busy with other tests; a test that measures one is marked
`alone`, with the reason. A race that shows in any other test is a failure of the run, however often it would pass
afterwards.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

AGAIN = ("-n", "0", "--dist", "no", "--last-failed", "--last-failed-no-failures", "none", "--only-alone")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What says that this run repeats failures."""
    parser.addoption("--only-alone", action="store_true", help="fail if any of the tests is not marked `alone`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold that every mark says why."""
    for item in items:
        if any(not mark.args for mark in item.iter_markers("alone")):
            raise pytest.UsageError(f"{item.nodeid} is marked alone, and does not say why")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Repeat nothing if something failed that is not to be repeated. After `-m` and `--last-failed` have chosen."""
    others = [item.nodeid for item in session.items if item.get_closest_marker("alone") is None]
    if session.config.getoption("--only-alone") and others:
        pytest.exit("failed, and not for want of time: " + ", ".join(others), returncode=1)


def main(words: Sequence[str]) -> int:
    """The exit status of pytest: of the second run if tests failed in the first and all others passed."""
    pytest_ = [sys.executable, "-m", "pytest", *words]
    ended = subprocess.run(pytest_, check=False).returncode
    if ended != pytest.ExitCode.TESTS_FAILED:  # an interrupted run has not run everything
        return ended
    return subprocess.run([*pytest_, *AGAIN], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
