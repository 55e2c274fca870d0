"""Telling somebody: a command of the user's own gets the JSON lines on its standard input, once, at the end.

No shell, a bounded time, no secret in its environment; what it prints is dropped but for the last line on stderr when
it fails. Whatever it does changes nothing about the outcome.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

from cancelall.core.dataclass import dataclass, field
from cancelall.core.secret import scrub

SECONDS = 10.0
"""What all commands together may take."""
_TAIL = 2000
"""Bytes of stderr that are remembered."""
_LAST_WORDS = 0.2

Words = tuple[str, ...]


@dataclass
class _Running:
    """A notify command that runs."""

    words: Words
    process: subprocess.Popen[bytes]
    tail: bytearray = field(default_factory=bytearray)
    reader: threading.Thread | None = None


class Notification:
    """The commands, begun at once and side by side. `wait` says what went wrong."""

    seconds = SECONDS
    """What `wait` may take."""

    def __init__(self, lines: Mapping[Words, str], environ: Mapping[str, str]) -> None:
        self._until = time.monotonic() + SECONDS
        self._failures: list[str] = []
        self._begun: list[_Running] = []
        clean = without_secrets(environ)
        for words, text in lines.items():
            try:
                self._begun.append(_begin(words, text.encode("ascii"), clean))
            except (OSError, ValueError, RuntimeError) as fault:
                why = getattr(fault, "strerror", None) or type(fault).__name__
                self._failures.append(f"{_name(words)} could not be run: {why}")

    def wait(self) -> list[str]:
        """Until all commands are over, or the time is: then they are killed."""
        for one in self._begun:
            try:
                code = one.process.wait(max(0.0, self._until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._failures.append(f"{_name(one.words)} took longer than {SECONDS:g} s and was killed")
                _kill(one.process)
                continue
            except KeyboardInterrupt:
                self._failures.append(f"{_name(one.words)} was interrupted")
                _kill(one.process)
                continue
            if code:
                if one.reader is not None:
                    one.reader.join(_LAST_WORDS)
                said = one.tail.decode("utf-8", "replace").strip().splitlines()
                last = f": {scrub(said[-1])}" if said else ""
                self._failures.append(f"{_name(one.words)} ended with exit {code}{last}")
        return [f"notify command: {failure}" for failure in self._failures]


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without this program's own variables, and without any value that holds a secret."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith("CANCELALL_") and name != "CREDENTIALS_DIRECTORY" and scrub(value) == value
    }


def _begin(words: Sequence[str], data: bytes, environ: Mapping[str, str]) -> _Running:
    process = subprocess.Popen(  # noqa: S603 - the user's own command, in a list of words
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(environ),
        start_new_session=sys.platform != "win32",
    )
    running = _Running(words=tuple(words), process=process)
    if process.stdin is not None:
        threading.Thread(target=_feed, args=(process.stdin, data), name="notify", daemon=True).start()
    if process.stderr is not None:
        running.reader = threading.Thread(
            target=_listen, args=(process.stderr, running.tail), name="notify", daemon=True
        )
        running.reader.start()
    return running


def _feed(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError), stream:  # one that does not want to read is no failure
        stream.write(data)


def _listen(stream: IO[bytes], tail: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError), stream:
        while chunk := os.read(stream.fileno(), 65536):
            tail += chunk
            del tail[:-_TAIL]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The command and what it has started."""
    with contextlib.suppress(OSError):
        if sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_LAST_WORDS)


def _name(words: Sequence[str]) -> str:
    """The program alone: its other words may hold the token of a chat."""
    return scrub(words[0]) if words else "?"
