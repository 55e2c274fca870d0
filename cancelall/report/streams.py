"""Streams written in the background of the work: no send ever waits for a terminal, a full pipe or a stopped reader."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from cancelall.core.secret import scrub


class Outlet:
    """One stream and the thread that writes to it. A stream that is closed, full or broken loses text, nothing else."""

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self.stream = stream
        self.is_terminal = is_terminal(stream)
        self._queue: queue.SimpleQueue[Callable[[], str] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._name = name
        self._done = threading.Event()

    @property
    def descriptor(self) -> int | None:
        """Where the stream goes; None where it has no descriptor."""
        try:
            return self.stream.fileno() if self.stream is not None else None
        except (OSError, ValueError, AttributeError):
            return None

    def write(self, render: Callable[[], str]) -> None:
        """Have the text made and written, in the order of the calls. Making it may import and take its time."""
        if self.stream is None:
            return
        self._queue.put(render)
        self._start()

    def _start(self) -> None:
        """Begin writing. With all threads in use it is tried again with the next text, or done by who closes."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread

    def line(self, text: str) -> None:
        self.write(lambda: text + "\n")

    def close(self, seconds: float | None) -> None:
        """Wait until everything is written, at most so long (None: as long as the reader takes)."""
        if self._thread is None and self._queue.empty():
            return
        self._queue.put(None)
        self._start()
        if self._thread is not None:
            self._done.wait(seconds)
        else:
            self._run()

    def _run(self) -> None:
        broken = False
        try:
            while (render := self._queue.get()) is not None:
                broken = broken or not self._written(render)
        finally:  # however it ends: nobody waits for what will not come
            self._done.set()

    def _written(self, render: Callable[[], str]) -> bool:
        """Whether the stream still takes something. A table that cannot be drawn must not lose the lines after it."""
        try:
            text = scrub(render())
        except BaseException as fault:  # SystemExit would end the thread without a word
            text = f"cancelall: this output could not be drawn ({type(fault).__name__})\n"
        return _put(self.stream, text)


def _put(stream: TextIO | None, text: str) -> bool:
    if stream is None or not text:
        return stream is not None
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        raw = text.encode(encoding, "backslashreplace")
        target = getattr(stream, "buffer", None)
        if target is None:
            stream.write(raw.decode(encoding))
            stream.flush()
        else:
            target.write(raw)
            target.flush()
    except (OSError, ValueError, LookupError):
        return False
    return True


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody can be at the other end."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed
        return False


def emit(text: str) -> None:
    """Write a command's data to stdout. A reader that has gone away is no failure of the command."""
    if sys.stdout is not None:
        _put(sys.stdout, scrub(text))
