"""A machine without network: what its user sees while nothing answers, and what the verdict says of it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import ports
from hanging import resolver
from support import ROOT, cancelall, started, write_config

KEYS = {"api_key": "CANARYKEY123456", "api_secret": "CANARYSECRET12345678901234567890"}
DEADLINE = 4

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")


@dataclass(frozen=True)
class Shown:
    """What came to a terminal, and after how many seconds."""

    pieces: tuple[tuple[float, str], ...]

    @property
    def text(self) -> str:
        return "".join(piece for _, piece in self.pieces)

    def when(self, words: str) -> float:
        """Seconds after which these words stood there."""
        text = ""
        for at, piece in self.pieces:
            text += piece
            if words in text:
                return at
        raise AssertionError(f"{words!r} is not in {text!r}")


def on_a_terminal(*words: str, home: Path, env: dict[str, str]) -> Shown:
    """Run the real command with a terminal for what it says besides its data."""
    master, slave = os.openpty()
    pieces: list[tuple[float, str]] = []
    began = time.monotonic()
    with started(*words, home=home, env={"TERM": "xterm", **env}, stderr=slave) as process:
        os.close(slave)
        with contextlib.suppress(OSError):  # how Linux tells the end of a terminal
            while chunk := os.read(master, 65536):
                pieces.append((time.monotonic() - began, chunk.decode()))
        out, _ = process.communicate(timeout=30)
    os.close(master)
    pieces.append((time.monotonic() - began, out.decode()))
    return Shown(tuple(pieces))


@pytest.fixture
def config(home: Path) -> Path:
    return write_config(home / "config.toml", {"bybit": {"venue": "bybit", "credentials": KEYS}})


ASKED = "no answer yet: the name api.bybit.com is not resolved: is this machine online?"


@pytest.mark.alone("measures how soon it is said")
def test_a_resolver_that_hangs_is_named_at_once_and_in_the_verdict(home: Path, config: Path) -> None:
    hooks = {"PYTHONPATH": f"{resolver(home / 'hooks', 30)}:{ROOT}", "COLUMNS": "120"}
    words = ("bybit", "--deadline", str(DEADLINE), "--config", str(config))
    shown = on_a_terminal(*words, home=home, env=hooks)
    assert shown.when(ASKED) < 2.5  # half a second for Python to start on a machine with other things to do
    last = shown.pieces[-1][1]
    assert "UNREACHABLE" in last
    assert "the name api.bybit.com is not resolved: is this machine online?" in last
    assert "in time" not in last
    assert "can still land" not in last


def test_a_resolver_that_gives_up_late_is_named_all_the_same(home: Path, config: Path) -> None:
    """A server of names that drops what it is sent: the C library says so after some seconds."""
    hooks = {"PYTHONPATH": f"{resolver(home / 'hooks', 2)}:{ROOT}", "COLUMNS": "120"}
    words = ("bybit", "--deadline", str(DEADLINE), "--config", str(config))
    shown = on_a_terminal(*words, home=home, env=hooks)
    assert shown.when(ASKED) < shown.when("UNREACHABLE")
    assert re.search(r"api\.bybit\.com (cannot be|is not) resolved: is this machine online\?", shown.pieces[-1][1])


def test_through_a_pipe_and_as_json(home: Path, config: Path) -> None:
    hooks = {"PYTHONPATH": f"{resolver(home / 'hooks', 30)}:{ROOT}"}
    ran = cancelall("bybit", "--json", "--deadline", "2", "--config", str(config), home=home, env=hooks)
    assert (ran.code, ran.line["verdict"], ran.line["requests"] > 0) == (12, "unreachable", True)
    assert "the name api.bybit.com is not resolved" in ran.line["error"]["message"]


def test_a_host_that_takes_no_connection_is_named_in_the_live_line(home: Path) -> None:
    with ports.nowhere() as port:
        table = {"venue": "bybit", "base_url": f"http://127.0.0.1:{port}", "credentials": KEYS}
        config = write_config(home / "config.toml", {"bybit": table})
        words = ("bybit", "--deadline", str(DEADLINE), "--config", str(config))
        shown = on_a_terminal(*words, home=home, env={"COLUMNS": "120"})
    assert shown.when("no answer yet: no connection to 127.0.0.1") < 3.0
    assert "no connection to 127.0.0.1 in time" in shown.pieces[-1][1]


def test_the_resolver_of_the_tests_hangs(home: Path) -> None:
    script = "import socket; socket.getaddrinfo('api.bybit.com', 443)"
    hooks = {**os.environ, "PYTHONPATH": resolver(home / "hooks", 0.1)}
    ran = subprocess.run([sys.executable, "-c", script], env=hooks, capture_output=True, check=False)
    assert b"Temporary failure" in ran.stderr
