"""Ports that refuse or never answer, and certificates for those that do. Loopback only."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """A port that is taken and refuses: bound, not listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def nowhere() -> Iterator[int]:
    """A port whose accept queue is full: connections neither succeed nor fail (Linux)."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


def until(fits: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def full_pipe() -> tuple[int, int]:
    """A pipe that is full to the brim: its reading and its writing end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b" " * 65536)
    os.set_blocking(writing, True)
    return reading, writing


def descriptors() -> int:
    """How many files and sockets this process holds open."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("counts descriptors by /proc")
    return len(list(folder.iterdir()))


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.path = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.path)

    def context(self, *names: str, expired: bool = False, later: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for these names; loopback's address if there are none."""
        ended = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) if expired else None
        begins = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30) if later else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = self._authority.issue_cert(*(names or ("127.0.0.1",)), not_before=begins, not_after=ended)
        certificate.configure_cert(context)
        return context
