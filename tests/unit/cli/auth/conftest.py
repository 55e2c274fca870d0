"""A session bus of its own for each test that wants one, with or without an unlocked keyring on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jeepney
import pytest
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from ports import until

_DAEMON = 'printf test | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; [ "$?" = 0 ] || exit 1; '
_TELL = 'echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat >/dev/null'

_NAME = "org.freedesktop.secrets"
SOMEBODY_ELSES = "the daemon of the keyring is somebody else's, and now and then goes away on a busy machine"
"""Why a test that has the keyring's daemon work is run once more alone when it fails."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session bus. Everything on it ends with it."""

    address: str
    home: Path
    runtime: Path

    @property
    def env(self) -> dict[str, str]:
        """What a program of this session finds in its environment."""
        return {"DBUS_SESSION_BUS_ADDRESS": self.address, "XDG_RUNTIME_DIR": str(self.runtime)}

    def own(self, name: str) -> DBusConnection:
        """Take a name on the bus, and never answer whoever calls it."""
        connection = open_dbus_connection(self.address)
        reply = connection.send_and_get_reply(jeepney.message_bus.RequestName(name))
        assert reply.body == (1,), f"{name} has an owner"
        return connection


Start = Callable[..., Session]


def _has_a_keyring(bus: DBusConnection) -> bool:
    """Whether the daemon is there, and has its keyring open. It is by now, or almost, on a busy machine."""
    service = jeepney.DBusAddress("/org/freedesktop/secrets", _NAME, "org.freedesktop.Secret.Service")
    reply = bus.send_and_get_reply(jeepney.new_method_call(service, "ReadAlias", "s", ("default",)))
    return reply.header.message_type is jeepney.MessageType.method_return and reply.body != ("/",)


@pytest.fixture
def start_session(home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start sessions, with an unlocked keyring or none."""
    for tool in ("dbus-run-session", "gnome-keyring-daemon"):
        if shutil.which(tool) is None:
            if os.environ.get("CANCELALL_TEST_KEYRING"):
                pytest.fail(f"{tool} is not installed")
            pytest.skip(f"{tool} is not installed: apt-get install gnome-keyring dbus-daemon")
    with contextlib.ExitStack() as stack:

        def start(*, unlocked: bool = True) -> Session:
            runtime = tmp_path / "run"
            runtime.mkdir(mode=0o700)
            environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
            process = subprocess.Popen(
                ["dbus-run-session", "--", "sh", "-c", (_DAEMON if unlocked else "") + _TELL],
                env=environ,
                cwd=home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            stack.callback(_end, process)
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the session did not start"
            if unlocked:
                with open_dbus_connection(address) as bus:
                    until(lambda: _has_a_keyring(bus))
            return Session(address=address, home=home, runtime=runtime)

        yield start


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=20)
