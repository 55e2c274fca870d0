"""The state of a guard for Prometheus: a file that is written anew every few seconds, or an answer on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from cancelall.core.errors import ConfigError
from cancelall.core.stamp import now_ms
from cancelall.guard.model import GuardStatus
from cancelall.guard.status import prometheus
from cancelall.net.background import in_thread
from cancelall.net.route import is_loopback

EVERY = 5.0
"""Seconds between two versions of the file."""
_PATIENCE = 2.0
_REQUEST_LIMIT = 8192
_AT_MOST = 8
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Where the state is shown. The guard's loop goes on whatever becomes of it."""

    def __init__(self, where: str, status: Callable[[], GuardStatus]) -> None:
        """`where` is an absolute path, or `http:HOST:PORT` of this machine."""
        self.where = where
        self.trouble = ""
        """Why the file could not be written; empty when it could."""
        self._status = status
        self._server: asyncio.Server | None = None
        self._writing: asyncio.Task[None] | None = None
        self._open = 0

    async def start(self) -> None:
        """Show it from now on. Raises ConfigError where that cannot be."""
        if not self.where.startswith("http:"):
            text = prometheus(self._status(), now_ms())
            try:
                await in_thread(lambda: write_public(Path(self.where), text), "metrics")
            except OSError as fault:
                raise ConfigError(
                    f"metrics: {self.where} cannot be written: {fault.strerror}", "correct its directory"
                ) from None
            self._writing = asyncio.create_task(self._write())
            return
        host, _, port = self.where.removeprefix("http:").removeprefix("//").rpartition(":")
        try:
            self._server = await asyncio.start_server(
                self._serve, host.strip("[]"), int(port), limit=_REQUEST_LIMIT, backlog=_AT_MOST
            )
        except OSError as fault:
            why = os.strerror(fault.errno) if fault.errno else "it cannot be used"
            raise ConfigError(f"metrics: nothing can listen on {host}:{port}: {why}", "use another port") from None

    @property
    def port(self) -> int | None:
        """Where it listens; None for a file."""
        return self._server.sockets[0].getsockname()[1] if self._server is not None and self._server.sockets else None

    async def close(self) -> None:
        """Show it no more: a file that stays would say that the guard is up."""
        if self._server is not None:
            self._server.close()
        if self._writing is not None:
            self._writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writing
            with contextlib.suppress(OSError):
                Path(self.where).unlink()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            text = prometheus(self._status(), now_ms())
            try:
                await in_thread(lambda text=text: write_public(Path(self.where), text), "metrics")  # type: ignore[misc]
                self.trouble = ""
            except OSError as fault:
                self.trouble = f"metrics: {self.where} cannot be written: {fault.strerror}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > _AT_MOST:
                return
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(_PATIENCE):
                writer.write(self._answer(head))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            self._open -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        """The answer to a request's head. A web page that reaches this machine by a name of its own gets none."""
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if not is_loopback(_without_port(fields.get("host", ""))):
            return _reply("421 Misdirected Request", "")
        if path != "/metrics":
            return _reply("404 Not Found", "see /metrics\n")
        if method not in ("GET", "HEAD"):
            return _reply("405 Method Not Allowed", "")
        text = prometheus(self._status(), now_ms())
        return _reply("200 OK", text, body=method == "GET")


def _without_port(host: str) -> str:
    return host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _reply(status: str, text: str, *, body: bool = True) -> bytes:
    raw = text.encode("utf-8", "backslashreplace")
    head = f"HTTP/1.1 {status}\r\nContent-Type: {_TYPE}\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + (raw if body else b"")


def write_public(path: Path, text: str) -> None:
    """Write a file that everybody may read, all or nothing. It holds no secret. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o644), "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
