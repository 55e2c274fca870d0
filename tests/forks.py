"""A Python that has loaded most of what a command needs: the command is a fork of it, which takes a third of the time.

Everything below the command line is loaded here; `cancelall.cli`, where a process begins, is imported by each command.
When what is imported is for `test_house.py` and `test_budget.py`. What depends on how Python itself begins (its own
variables, languages, another start, streams that are no pipes) is for a process from the beginning: `support.started`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = (
    *("asyncio", "concurrent.futures", "contextvars", "ctypes", "dataclasses", "datetime", "decimal", "difflib"),
    *("fnmatch", "getpass", "hashlib", "hmac", "http.client", "inspect", "ipaddress", "json", "locale", "logging"),
    *("pathlib", "random", "resource", "secrets", "select", "selectors", "shlex", "shutil", "socket", "ssl", "stat"),
    *("subprocess", "tempfile", "textwrap", "threading", "tomllib", "traceback", "unicodedata", "urllib.parse"),
    *("urllib.request", "uuid", "email.utils", "cryptography.hazmat.primitives.asymmetric.ed25519"),
    *("rich.console", "rich.live", "rich.panel", "rich.table", "rich.text", "typer", "typer.core", "tomli_w"),
)
ROOMS = tuple(f"cancelall.{room}" for room in ("core", "venues", "net", "journal", "config", "engine", "report"))
_LENGTH = struct.Struct("!I")
_PACKAGE = "cancelall"


# --- in the process that forks --------------------------------------------------------------------------------------


def serve(line: socket.socket) -> None:
    """Fork for each request until the other end is closed: tell its process number, and later its exit status."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    assert threading.active_count() == 1, "a fork has no other thread"
    while True:
        head, streams, _, _ = socket.recv_fds(line, _LENGTH.size, 3)
        if not head:
            return
        (length,) = _LENGTH.unpack(head)
        order = json.loads(line.recv(length, socket.MSG_WAITALL))
        child = os.fork()
        if not child:
            _become(line, streams, order)
        for stream in streams:
            os.close(stream)
        line.sendall(struct.pack("!i", child))
        _, status = os.waitpid(child, 0)
        line.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))


def _become(line: socket.socket, streams: Sequence[int], order: Mapping[str, Any]) -> NoReturn:
    """The command, with the streams, the environment and the folder that it was given."""
    try:
        line.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        sys.argv[:] = ["cancelall", *order["words"]]
        runpy.run_module(_PACKAGE, run_name="__main__", alter_sys=True)
    except BaseException:  # it ends by itself, whatever it does
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


# --- in the tests ---------------------------------------------------------------------------------------------------


class Forks:
    """The other end. One command at a time."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._one = threading.Lock()
        atexit.register(self._end)

    def _end(self) -> None:
        self._line.close()
        self._process.wait()

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, given: bytes | None, seconds: float
    ) -> tuple[int, bytes, bytes]:
        """Exit status, stdout, stderr. Raises subprocess.TimeoutExpired, and no process is left then."""
        order = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
        with self._one, contextlib.ExitStack() as ours:
            (their_in, in_), (out, their_out), (err, their_err) = (os.pipe() for _ in range(3))
            theirs = [their_in, their_out, their_err]
            socket.send_fds(self._line, [_LENGTH.pack(len(order))], theirs)
            self._line.sendall(order)
            for stream in theirs:
                os.close(stream)
            readers = [ours.enter_context(os.fdopen(one, "rb", buffering=0)) for one in (out, err)]
            with os.fdopen(in_, "wb", buffering=0) as writer, contextlib.suppress(BrokenPipeError):
                writer.write(given or b"")
            child = self._number()
            texts = self._read(readers, time.monotonic() + seconds)
            if texts is None:
                os.kill(child, signal.SIGKILL)
                self._number()
                raise subprocess.TimeoutExpired(list(words), seconds)
            return self._number(), *texts

    def _number(self) -> int:
        return int(struct.unpack("!i", self._line.recv(4, socket.MSG_WAITALL))[0])

    @staticmethod
    def _read(readers: Sequence[Any], until: float) -> tuple[bytes, bytes] | None:
        """All that is written to both; None if that takes too long."""
        texts: dict[Any, list[bytes]] = {reader: [] for reader in readers}
        with selectors.DefaultSelector() as waiting:
            for reader in readers:
                waiting.register(reader, selectors.EVENT_READ)
            while waiting.get_map():
                ready = waiting.select(max(0.0, until - time.monotonic()))
                if not ready:
                    return None
                for key, _ in ready:
                    chunk = key.fileobj.read(1 << 20)  # type: ignore[union-attr]
                    texts[key.fileobj].append(chunk)
                    if not chunk:
                        waiting.unregister(key.fileobj)
        out, err = (b"".join(texts[reader]) for reader in readers)
        return out, err


def serves(env: Mapping[str, str], more: Mapping[str, Any]) -> bool:
    """Whether a fork is as good as a process from its beginning."""
    begin = ("PYTHON", "LC_", "LANG", "TZ", "TYPER_", "FORCE_COLOR", "TERMINAL_", "_")
    return sys.platform == "linux" and not more and not any(name.startswith(begin) for name in env)


@functools.cache
def forks(*environ: tuple[str, str]) -> Forks:
    """The only ones of this process, begun with this environment."""
    return Forks(dict(environ))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
