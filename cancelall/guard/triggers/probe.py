"""A page that is asked for again and again: when it fails as often as it may, that is a trigger.

It is sent directly, without a proxy, without a redirect, without anything secret. Any status from 200 to 399 is an
answer; nothing but the first line of it is read.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from urllib.parse import SplitResult, urlsplit

from cancelall import __version__
from cancelall.config.guards import ProbeSettings
from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted
from cancelall.guard.model import Sight
from cancelall.guard.triggers.source import Bell, TriggerSource, WatchedTime

_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r)")
_SIZE = 4096
_FROZEN = 1.0
"""Seconds by which a page may be answered too late before it was this machine that stood still."""


class ProbeSource(TriggerSource):
    """Asks in a thread of its own. The source of its sights is the URL without its query.

    Each request has as long to be answered as lies between two, 5 s at most.
    """

    trigger = "probe"

    def __init__(self, probing: ProbeSettings) -> None:
        """Raises ConfigError for what cannot be asked for."""
        super().__init__(probing.url.partition("?")[0])  # what follows can be a token, and everybody may read metrics
        self._url = checked(probing.url)
        if not (0.5 <= probing.every <= 3600 and probing.failures >= 1):
            raise ConfigError("the probe cannot be asked so often", "every 0.5 to 3600 s, and at least 1 failure")
        self._probing = probing
        self._seconds = min(probing.every, 5.0)
        self._context = ssl.create_default_context() if self._url.scheme == "https" else None
        self._row = 0
        self._answered = False
        """Whether it ever was."""
        self._why = ""
        self._begun = self._ended = 0
        self._watched = WatchedTime()
        self._pending = 0.0
        self._pending_for = 0
        self._bell: Bell | None = None
        self._over = threading.Event()
        threading.Thread(target=self._work, name="guard probe", daemon=True).start()

    def look(self, at: float) -> Sight:
        """Whether it has failed as often as it may. One that hangs fails again each time that it could have."""
        watched = self._watched.since(at)
        hangs = self._begun != self._ended and self._pending_for == self._begun
        self._pending = self._pending + watched if hangs else 0.0
        self._pending_for = self._begun
        hung = int(max(0.0, self._pending - self._seconds - _FROZEN) / self._probing.every + 1)
        row = self._row + (hung if self._pending > self._seconds + _FROZEN else 0)
        return self.sight(key="answered" if self._answered else "", present=row >= self._probing.failures)

    @property
    def why(self) -> str:
        """What was wrong with the last one; empty where nothing was."""
        return self._why

    def attach(self, bell: Bell) -> None:
        self._bell = bell

    def close(self) -> None:
        """Ask no more. What hangs is left behind."""
        self._over.set()

    def _work(self) -> None:
        wait = 0.0
        while not self._over.wait(wait):
            self._begun += 1
            began = time.monotonic()
            why = failure(self._url, self._seconds, self._context)
            spent = time.monotonic() - began
            if not why or spent <= self._seconds + _FROZEN:  # else this machine stood still: it says nothing
                self._row, self._why = (self._row + 1, why) if why else (0, "")
            self._answered = self._answered or not why
            self._ended = self._begun
            if self._row >= self._probing.failures and self._bell is not None:
                self._bell.ring_from_a_thread()
            wait = max(0.0, self._probing.every - spent)


def checked(url: str) -> SplitResult:
    """The parts of a URL. Raises ConfigError for one that is not http or https, or holds a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f'"{quoted(url)}" is no URL of a probe', "https://…") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError("the URL of the probe holds a name or a password", "it would be shown: leave it out")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError(f'"{quoted(url)}" is no URL of a probe', "http://… or https://…")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(f'"{quoted(url)}" is no URL of a probe', "letters that are not ASCII are written as %XX")
    return parts


def failure(url: SplitResult, seconds: float, context: ssl.SSLContext | None) -> str:
    """Ask for a page once. Why it failed; empty when it was answered in time."""
    until = time.monotonic() + seconds
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    try:
        with socket.create_connection((host, port), timeout=seconds) as made:
            made.settimeout(max(0.001, until - time.monotonic()))
            if context is None:
                return _answer(made, url, until)
            with context.wrap_socket(made, server_hostname=host) as secured:
                return _answer(secured, url, until)
    except ssl.SSLCertVerificationError:
        return "its certificate does not verify"
    except TimeoutError:
        return "no answer in time"
    except (OSError, ValueError) as fault:
        return getattr(fault, "strerror", None) or type(fault).__name__


def _answer(made: socket.socket, url: SplitResult, until: float) -> str:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {url.netloc}",
        f"User-Agent: cancelall/{__version__}",
        "Connection: close",
    )
    made.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"))
    data = b""
    while b"\n" not in data and len(data) < _SIZE:
        left = until - time.monotonic()
        if left <= 0:
            return "no answer in time"
        made.settimeout(left)
        piece = made.recv(_SIZE)
        if not piece:
            return "it was closed without an answer"
        data += piece
    match = _LINE.match(data)
    if match is None:
        return "the answer is not HTTP"
    return "" if 200 <= int(match[1]) < 400 else f"status {int(match[1])}"
