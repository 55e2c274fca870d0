"""A heartbeat over HTTP on loopback: `POST /beat`. A beat says nothing but that it came; no web page can send one."""

from __future__ import annotations

import asyncio
import re
import socket

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted
from cancelall.guard.model import Sight
from cancelall.guard.triggers.sockets import nonce, taken
from cancelall.guard.triggers.source import Bell, TriggerSource, WatchedTime, words_of

HEAD_LIMIT = 8192
"""Bytes of a request without its body."""
SECONDS = 2.0
"""For a whole request."""
AT_ONCE = 32
"""Requests at a time; further ones are cut off."""
_AGAIN = 1.0
"""Watched seconds between two attempts to listen."""
_BODY_LIMIT = 1 << 16
_HOSTS = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1", "::1": "::1", "": "127.0.0.1"}
_ADDRESS = re.compile(r"http:(?://)?(?:(?P<host>[^:/\[\]]*|\[[0-9a-f:]*\]):)?(?P<port>[0-9]{1,5})(?:/beat|/)?")
_REQUEST = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]")
_WORDS = {
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
}


def address(source: str) -> tuple[str, int]:
    """Host and port of `http:PORT` or `http:127.0.0.1:PORT`. Raises ConfigError for any that is not on loopback."""
    match = _ADDRESS.fullmatch(source)
    host = _HOSTS.get((match["host"] or "").lower()) if match else None
    if match is None or host is None:
        raise ConfigError(f'"{quoted(source)}" is no heartbeat on loopback', "http:PORT or http:127.0.0.1:PORT")
    port = int(match["port"])
    if not 0 < port < 1 << 16:
        raise ConfigError(f'"{quoted(source)}": no such port', "1 to 65535")
    return host, port


def source_of(host: str, port: int) -> str:
    """That address, as it is always written."""
    return f"http:[{host}]:{port}" if ":" in host else f"http:{host}:{port}"


class HttpBeats(TriggerSource):
    """A tiny server, whose only page takes beats."""

    trigger = "heartbeat"

    def __init__(self, source: str, given: list[socket.socket], *, lenient: bool = False) -> None:
        """Raises ConfigError for an address that is not on loopback, or a port that is in use; when it is lenient,
        that is a trouble: it is tried again."""
        self._address = address(source)
        super().__init__(source_of(*self._address))
        names, ports = ("127.0.0.1", "localhost", "[::1]"), ("", f":{self._address[1]}")
        self._hosts = {f"{name}{port}" for name in names for port in ports}
        self._count = self._open = 0
        self._since = nonce()
        self._why = ""
        self._lost = 0.0
        self._watched = WatchedTime()
        self._bell: Bell | None = None
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        try:
            self._socket = self._bound(given)
        except ConfigError as error:
            if not lenient:
                raise
            self._why = error.message

    def look(self, at: float) -> Sight:
        """Its key counts what has come since the guard was started; empty before the first."""
        watched = self._watched.since(at)
        self._lost = 0.0 if self._socket else self._lost + watched
        if self._lost >= _AGAIN:
            self._lost = 0.0
            self._try_again()
        return self.sight(key=f"{self._since}:{self._count}" if self._count else "", trouble=self._why)

    def attach(self, bell: Bell) -> None:
        """Answer from now on, on the loop of this bell."""
        self._bell = bell
        if self._socket is not None:
            self._starting = bell.loop.create_task(self._start(self._socket))

    def close(self) -> None:
        """Answer no more."""
        if self._starting is not None:
            self._starting.cancel()
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.close()

    async def _start(self, made: socket.socket) -> None:
        self._server = await asyncio.start_server(self._serve, sock=made, limit=HEAD_LIMIT)

    def _try_again(self) -> None:
        try:
            self._socket = self._bound([])
        except ConfigError as error:
            self._why = error.message
            return
        self._why = ""
        if self._bell is not None:
            self.attach(self._bell)

    def _bound(self, given: list[socket.socket]) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        name = (host, port, 0, 0) if family == socket.AF_INET6 else (host, port)
        if passed := taken(given, socket.SOCK_STREAM, name):
            return passed
        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError as fault:
            raise self._unusable(fault) from None
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, port))
            made.listen(AT_ONCE)
        except OSError as fault:
            made.close()
            raise self._unusable(fault) from None
        return made

    def _unusable(self, fault: OSError) -> ConfigError:
        why = f"nothing can listen there: {words_of(fault)}"
        return ConfigError(f"the heartbeat {self.source}: {why}", "name another port")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= AT_ONCE:  # each takes a descriptor, and those are for the venues
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(SECONDS):
                status = await self._answered(reader)
                allow = "Allow: GET, HEAD, POST\r\n" if status == 405 else ""
                length = "" if status == 204 else "Content-Length: 0\r\n"
                head = f"HTTP/1.1 {status} {_WORDS[status]}\r\n{allow}{length}Connection: close\r\n\r\n"
                writer.write(head.encode("ascii"))
                await writer.drain()
                writer.write_eof()
                await reader.read(_BODY_LIMIT)  # what is unread would reset the answer away
        except (OSError, TimeoutError):
            pass
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _answered(self, reader: asyncio.StreamReader) -> int:
        """Read a request, count it if it is a beat, and say how it is answered."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return 431
        except asyncio.IncompleteReadError:
            return 400
        status = judged(head, self._hosts)
        self._count += status == 204
        return status


def judged(head: bytes, hosts: set[str]) -> int:
    """How a request is answered; 204 is a beat.

    The name in `Host` has to be one of this machine's own, or a page whose name was made to point here could beat. A
    browser that sends for any other page says so in `Origin` or `Sec-Fetch-Site`.
    """
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    match = _REQUEST.fullmatch(first)
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            return 400
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
    if match is None:
        return 400
    if [one.lower() in hosts for one in headers.get("host", [])] != [True]:
        return 403
    if "origin" in headers or any(one != "none" for one in headers.get("sec-fetch-site", [])):
        return 403
    if match[2].partition(b"?")[0] != b"/beat":
        return 404
    return 204 if match[1] in (b"POST", b"GET", b"HEAD") else 405
