"""`cancelall guard` in a process of its own, in front of an embedded exchange."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from cancelall.guard import control
from cancelall.guard.control import NoGuard
from cancelall.guard.model import GuardStatus
from cancelall.guard.records import Records
from cancelall.simulator import SimServer
from support import Ran, cancelall, profile_table, surroundings

NAME = "mm"
PATIENCE = 20.0

DYING = """\
import os, signal
from cancelall.cli.process import run
from cancelall.guard.records import Records
write, seen = Records.write, []
def dying(self, record):
    seen.append(record.state.value)
    dies = seen.count({state!r}) == {number} and record.state.value == {state!r}
    if dies and not {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, record)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
Records.write = dying
run()
"""
"""A guard that is killed as it writes the record of a state for the nth time: before it is on the disk, or after."""


def configure(room: Path, servers: Mapping[str, SimServer], **table: object) -> Path:
    """A config with a profile for each server, and a guard that knows what is in the room."""
    guard = {
        "heartbeat": [str(room / "beat")],
        "kill_file": [str(room / "KILL")],
        "timeout": 0.6,
        "grace": 0.6,
        "hold": 0,
        "venue_switch": "off",
        **table,
    }
    profiles = {venue: profile_table(venue, server) for venue, server in servers.items()}
    path = room / "config.toml"
    path.write_text(tomli_w.dumps({"profiles": profiles, "guard": {NAME: guard}}), encoding="utf-8")
    path.chmod(0o600)
    return path


def environ(room: Path) -> dict[str, str]:
    """What the guard of a room, and whoever speaks to it, is started with."""
    (room / "run").mkdir(mode=0o700, exist_ok=True)
    return {"RUNTIME_DIRECTORY": str(room / "run")}


class RealGuard:
    """Such a process, and what it says. `start` is what Python is given to begin with."""

    def __init__(
        self, room: Path, *words: str, start: Sequence[str] = ("-m", "cancelall"), before: Sequence[str] = ()
    ) -> None:
        self.room = room
        self.environ = environ(room)
        self.said: list[dict[str, Any]] = []
        self._rest = b""
        self.errors = room / "stderr.txt"
        line = [*before, sys.executable, *start, "guard", "--json", "--config", str(room / "config.toml"), *words]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                line,
                env=surroundings(room, self.environ),
                cwd=room,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.pid = self.process.pid

    # --- what it says ---

    def wait(self, *states: str, seconds: float = PATIENCE) -> float:
        """Wait until it has come into these states, one after the other; the monotonic time at which that was read."""
        for state in states:
            until = time.monotonic() + seconds
            while not self._take(state):
                left = until - time.monotonic()
                assert left > 0, f"it did not become {state}: {self.said} {self.text}"
                assert self.read(left), f"it ended instead of becoming {state}: {self.said} {self.text}"
        return time.monotonic()

    def read(self, seconds: float = 0.0) -> bool:
        """Take what it has said by now, and wait for something if there is nothing; whether there can be more."""
        assert self.process.stdout is not None
        if select.select([self.process.stdout], [], [], seconds)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.said += map(json.loads, lines)
            return bool(data)
        return True

    def fired(self) -> list[dict[str, Any]]:
        """What it has fired since the last state that was waited for."""
        self.read()
        return [line for line in self.said if line.get("event") == "state" and line["state"] == "firing"]

    @property
    def text(self) -> str:
        """What it has said to people."""
        return self.errors.read_text(encoding="utf-8")

    def _take(self, state: str) -> bool:
        for number, line in enumerate(self.said):
            if line.get("event") == "state" and line["state"] == state:
                self.said = self.said[number + 1 :]
                return True
        return False

    # --- what is done to it ---

    def status(self) -> GuardStatus | None:
        """How it stands; None where it cannot be asked yet."""
        with contextlib.suppress(NoGuard):
            return control.status_of(self.environ, NAME)
        return None

    def stands(self, seconds: float = PATIENCE) -> GuardStatus:
        """Wait until it can be asked."""
        until = time.monotonic() + seconds
        while (status := self.status()) is None:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < until, self.text
            time.sleep(0.05)
        return status

    def command(self, *words: str, **more: Any) -> Ran:
        """`cancelall guard WORDS` in another process."""
        return cancelall("guard", *words, home=self.room, env=self.environ, **more)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ended(self, seconds: float = PATIENCE) -> int:
        """Its status, once it has ended by itself."""
        code = self.process.wait(seconds)
        while self.read(0.1):
            pass
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def on_disk(room: Path) -> str:
    """The state of the record that a guard has left; empty where there is none."""
    record = Records(room / "run", NAME).read().record
    return record.state.value if record is not None else ""
