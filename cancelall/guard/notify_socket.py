"""What a service manager is told: `Type=notify` of systemd, in its own protocol of datagrams. sd_notify(3).

Only the loop that decides calls `watchdog`: a thread of its own would go on when that loop hangs.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

_LONGEST = 200
"""Characters of a status line."""


class NotifySocket:
    """The manager's socket, if there is one. Nothing here raises, and nothing waits."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self.watchdog_seconds = _watchdog_seconds(environ)
        """After how many seconds without a ping the manager takes it for hung; None where it does not look."""
        self._stopping = False

    @property
    def there(self) -> bool:
        """Whether somebody wants to be told."""
        return self._address is not None

    def ready(self, words: str = "") -> None:
        """It could fire now. Also the end of a reload."""
        self._send("READY=1", f"STATUS={_line(words)}" if words else "")

    def status(self, words: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_line(words)}")

    def watchdog(self) -> None:
        """The loop has gone round."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """It reads its config anew; `ready` ends that."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, words: str = "") -> None:
        """It is about to end. It is final, and so the last thing of all."""
        self._send("STOPPING=1", f"STATUS={_line(words)}" if words else "")
        self._stopping = True

    def extend(self, seconds: float) -> None:
        """Give it so much time for what it is doing: start or stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> None:
        if self._address is None or self._stopping:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0))
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(filter(None, lines)).encode("utf-8", "replace"), self._address)
        except OSError:  # full, or gone: the next one may get through
            return


def _address(name: str) -> str | None:
    """The address to send to: a path, or an abstract one, which is written with an @."""
    if not hasattr(socket, "AF_UNIX") or not name.startswith(("/", "@")) or len(name) < 2:
        return None
    return f"\0{name[1:]}" if name.startswith("@") else name


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """sd_watchdog_enabled(3): only the process that is named is looked after."""
    text, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdigit()) or (pid and pid != str(os.getpid())):
        return None
    return int(text[:18]) / 1e6 or None


def _line(words: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in words)[:_LONGEST]
