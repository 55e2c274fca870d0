"""Questions on the terminal whose answers are not shown.

Echo stays off from the first question to the last, and what was pasted beyond an answer is thrown away: a line left
over would be the answer to the next question, or, after the end, a secret in the history of the shell.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

Ask = Callable[[str], str]
"""A question to its answer. Raises EOFError when the input ends."""
_LINE_LIMIT = 1 << 16
_BLOCK_LIMIT = 1 << 16


def on_terminal() -> bool:
    """Whether there is somebody to answer: standard input is a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it was closed
        return False


@contextlib.contextmanager
def asking() -> Iterator[Ask]:
    """Ask on the terminal that controls this process, wherever the output goes."""
    if os.name != "posix":
        import getpass

        yield getpass.getpass
        return
    import termios

    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        descriptor = os.dup(sys.stdin.fileno())
    try:
        before = termios.tcgetattr(descriptor)
        hidden = termios.tcgetattr(descriptor)
        hidden[3] = (hidden[3] | termios.ICANON | termios.ISIG) & ~(termios.ECHO | termios.ECHONL)
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        try:
            yield lambda question: _answer(descriptor, question)
        finally:
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    finally:
        os.close(descriptor)


def _answer(descriptor: int, question: str) -> str:
    """One line; a PEM block to its last line."""
    import termios

    termios.tcflush(descriptor, termios.TCIFLUSH)
    os.write(descriptor, question.encode())
    try:
        text = _line(descriptor)
        if text.lstrip().startswith("-----BEGIN"):
            while "-----END" not in text.rpartition("\n")[2] and len(text) < _BLOCK_LIMIT:
                text += "\n" + _line(descriptor)
        return text
    finally:
        os.write(descriptor, b"\n")


def _line(descriptor: int) -> str:
    """What was typed, up to the end of the line: in canonical mode a read gives no more than one line."""
    raw = b""
    while not raw.endswith(b"\n") and len(raw) < _LINE_LIMIT:
        part = os.read(descriptor, 4096)
        if not part and not raw:
            raise EOFError
        if not part:
            break
        raw += part
    return raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")
