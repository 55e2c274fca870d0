"""What the service manager gets: sd_notify(3), over a path and an abstract name, and nothing that could hurt."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall.guard.notify_socket import NotifySocket

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no UNIX sockets")


@pytest.fixture(params=["path", pytest.param("abstract", marks=pytest.mark.skipif(sys.platform != "linux", reason=""))])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A manager's socket, and what the environment says of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.setblocking(False)
        if request.param == "path":
            one.bind(str(tmp_path / "notify"))
            yield one, str(tmp_path / "notify")
        else:
            one.bind(f"\0cancelall-test-{os.getpid()}")
            yield one, f"@cancelall-test-{os.getpid()}"


def got(one: socket.socket) -> list[str]:
    return one.recv(4096).decode().split("\n")


def test_every_word_arrives(manager: tuple[socket.socket, str]) -> None:
    one, name = manager
    tell = NotifySocket({"NOTIFY_SOCKET": name})
    assert tell.there
    tell.ready("armed")
    assert got(one) == ["READY=1", "STATUS=armed"]
    tell.ready()
    assert got(one) == ["READY=1"]
    tell.watchdog()
    assert got(one) == ["WATCHDOG=1"]
    tell.status("a\nREADY=1\x1b")
    assert got(one) == ["STATUS=a READY=1 "]  # a cause cannot say more than one line
    tell.extend(2.5)
    assert got(one) == ["EXTEND_TIMEOUT_USEC=2500000"]
    tell.reloading()
    first, second = got(one)
    assert (first, second.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    assert int(second.partition("=")[2]) > 0
    tell.close()


def test_stopping_is_the_last_word(manager: tuple[socket.socket, str]) -> None:
    one, name = manager
    tell = NotifySocket({"NOTIFY_SOCKET": name})
    tell.stopping("nothing was cancelled")
    assert got(one) == ["STOPPING=1", "STATUS=nothing was cancelled"]
    tell.ready()
    tell.watchdog()
    with pytest.raises(BlockingIOError):
        one.recv(4096)
    tell.close()


def test_a_manager_that_does_not_read_is_not_waited_for(manager: tuple[socket.socket, str]) -> None:
    one, name = manager
    tell = NotifySocket({"NOTIFY_SOCKET": name})
    for _ in range(5000):
        tell.watchdog()
    while True:
        try:
            one.recv(4096)
        except BlockingIOError:
            break
    tell.ready()
    assert got(one) == ["READY=1"]
    tell.close()


@pytest.mark.parametrize("name", ["", "relative", "@", "/nowhere/at/all", "vsock:2:1"])
def test_without_a_manager_nothing_happens(name: str) -> None:
    tell = NotifySocket({"NOTIFY_SOCKET": name} if name else {})
    assert tell.there == (name == "/nowhere/at/all")
    tell.ready()
    tell.watchdog()
    tell.stopping()
    tell.close()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_when_the_manager_takes_it_for_hung(environ: dict[str, str], seconds: float | None) -> None:
    assert NotifySocket(environ).watchdog_seconds == seconds
