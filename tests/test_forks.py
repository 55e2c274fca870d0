"""A command that is forked does what one from the beginning does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cancelall import simulator
from forks import forks, serves
from support import cancelall, environment, started, surroundings

FRESH = {"LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("line", ["--version", "bybit --help", "bybbit", "config path", "journal verify", "all", ""])
def test_a_fork_says_what_a_process_from_the_beginning_says(line: str, home: Path) -> None:
    forked = cancelall(*line.split(), home=home)
    begun = cancelall(*line.split(), home=home, env=FRESH)
    assert (forked.code, forked.out, forked.err) == (begun.code, begun.out, begun.err)
    assert forked.out + forked.err


def test_each_fork_is_as_good_as_new(home: Path) -> None:
    """Nothing of a kill is left for the next one: no secret, no name, no time at which it began."""
    for _ in range(2):
        with simulator.start("pacifica", orders=5) as server:
            ran = cancelall("pacifica", "-q", "--json", home=home, env=environment("pacifica", server))
            assert (ran.code, server.open_orders()) == (0, []), ran.err
            assert ran.line["timing_ms"]["first_request"] < 5000
    pids = [json.loads(line)["pid"] for line in _journal(home) if '"run_start"' in line]
    assert len(set(pids)) == 2
    assert os.getpid() not in pids


def _journal(home: Path) -> list[str]:
    return (home / ".local" / "state" / "cancelall" / "journal.jsonl").read_text().splitlines()


def test_what_is_given_arrives_and_the_folder_is_its_own(home: Path) -> None:
    ran = cancelall("auth", "set", "bybit", home=home, given="")
    with started("auth", "set", "bybit", home=home) as process:
        out, err = process.communicate()
    assert (ran.code, ran.out, ran.err) == (process.returncode, out.decode(), err.decode())


def test_one_that_hangs_is_killed(home: Path) -> None:
    with simulator.start("bybit", orders=1, faults=["stall"]) as server:
        with pytest.raises(subprocess.TimeoutExpired):
            cancelall("bybit", "--json", home=home, env=environment("bybit", server), seconds=1)
    assert cancelall("--version", home=home).code == 0


def test_how_python_begins_is_not_for_a_fork(home: Path) -> None:
    assert not serves({"PYTHONIOENCODING": "ascii"}, {})
    assert not serves({"LC_ALL": "C"}, {})
    assert not serves({}, {"start": ("-c", "")})
    environ = surroundings(home)
    assert not any(name.startswith("CANCELALL") for name in environ)
    assert forks.cache_info().currsize <= 1
