"""A guard without an engine, in a process of its own: it looks, decides and writes down as the real one does, and says
what it would fire. `python tests/watching.py DIRECTORY WORDS`, where WORDS is JSON."""

from __future__ import annotations

import asyncio
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

ROOT = Path(__file__).resolve().parent.parent
NAME = "default"


async def stand(directory: Path, words: Mapping[str, Any]) -> None:
    """Stand watch until it is killed."""
    from cancelall.guard import records
    from cancelall.guard.machine import Machine
    from cancelall.guard.model import GuardState, Rules
    from cancelall.guard.triggers.sockets import inherited
    from cancelall.guard.watch import GuardWatch

    kept = records.Records(directory, NAME)
    kept.lock()
    before, boot = kept.read().record, records.boot()
    lasting = before is not None and before.boot == boot and before.state is not GuardState.WAITING
    given = inherited(os.environ)
    watch = GuardWatch(**words["watch"], directory=directory, given=given, resumed=lasting)
    machine = Machine(Rules(**words["rules"]), boot=boot, at=time.monotonic(), before=before)
    machine.able()
    say("looks")
    beat = ""
    while True:
        at = time.monotonic()
        step = machine.look(watch.look(at))
        while step is not None:
            kept.write(step.record)
            if step.fire is not None:
                say("fires", trigger=step.fire.trigger, words=step.fire.words)
                step = machine.verdict(at, "clear", clear=True)
            elif machine.state is GuardState.HOLDING:
                step = machine.released(at)
            else:
                say(machine.state.value)
                step = None
        keys = json.dumps(dict(machine.record.beats))
        if keys != beat:
            beat = keys
            kept.write(machine.record)
        await watch.wake(0.1)


def say(what: str, **more: str) -> None:
    """One line for the test."""
    sys.stdout.write(json.dumps({"what": what, "at": time.monotonic(), **more}) + "\n")
    sys.stdout.flush()


class Standing:
    """Such a process, and what it says."""

    def __init__(
        self, directory: Path, *, timeout: float, grace: float = 0.0, pass_fds: Sequence[int] = (), **watch: Any
    ):
        words = json.dumps({"watch": {"signals": ["USR1"], **watch}, "rules": {"timeout": timeout, "grace": grace}})
        start: list[str] = [sys.executable, str(Path(__file__)), str(directory), words]
        if pass_fds:  # as systemd hands sockets over
            moved = " ".join(f"{3 + index}<&{number}" for index, number in enumerate(pass_fds))
            shell = f'exec {moved}; LISTEN_PID=$$ LISTEN_FDS={len(pass_fds)} exec "$0" "$@"'
            start = ["/bin/bash", "-c", shell, *start]
        self.process = subprocess.Popen(
            start, stdout=subprocess.PIPE, pass_fds=pass_fds, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        self.pid = self.process.pid
        self.said: list[dict[str, Any]] = []
        self._rest = b""

    def wait(self, what: str, seconds: float = 20.0) -> dict[str, Any]:
        """Wait until it says this, and return the line."""
        until = time.monotonic() + seconds
        while True:
            for line in self.said:
                if line["what"] == what:
                    self.said = self.said[self.said.index(line) + 1 :]
                    return line
            left = until - time.monotonic()
            assert left > 0, f"it did not say {what}: {self.said}"
            self.read(left)

    def read(self, seconds: float = 0.0) -> None:
        """Take what it has said by now, and wait for something if there is nothing."""
        assert self.process.stdout is not None
        if select.select([self.process.stdout], [], [], seconds)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "it ended"
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.said += map(json.loads, lines)

    def fired(self) -> list[dict[str, Any]]:
        """What it has fired since it was waited for."""
        self.read()
        return [line for line in self.said if line["what"] == "fires"]

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(stand(Path(sys.argv[1]), json.loads(sys.argv[2])))
