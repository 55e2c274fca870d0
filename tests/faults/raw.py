"""Servers that break below HTTP: sockets, TLS, redirects without end, proxies. Loopback only."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterable

from loopback import Listening

_CHUNK = b" " * 65536

Behaviour = Callable[["Raw", socket.socket], None]
"""What a server does with one connection; it is closed afterwards."""


class Raw(Listening):
    """Gives each connection to a behaviour."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.received = b""
        self.sent = 0
        super().__init__()

    def origin(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        """Where it is."""
        return f"{scheme}://{host}:{self.port}"

    def serve(self, connection: socket.socket, number: int) -> None:
        self.behaviour(self, connection)

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Send, and count what the other side took."""
        connection.sendall(data)
        self.sent += len(data)


def head_of(server: Raw, connection: socket.socket) -> bytes:
    """A request's head; its body is thrown away with the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            break
        head += more
    server.received += head
    return head


def stall(server: Raw, connection: socket.socket) -> None:
    """Accept, and nothing else."""
    server.stopped.wait()


def read_and_stall(server: Raw, connection: socket.socket) -> None:
    """Read the request, and never answer."""
    head_of(server, connection)
    server.stopped.wait()


def garbage(server: Raw, connection: socket.socket) -> None:
    """Bytes that are neither HTTP nor TLS."""
    connection.sendall(b"\x00\xff garbage \r\n\r\n")


def finish(server: Raw, connection: socket.socket) -> None:
    """FIN as soon as the first bytes are there."""
    connection.recv(65536)


def reset(server: Raw, connection: socket.socket) -> None:
    """RST as soon as the first bytes are there."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(data: bytes, seconds: float) -> Behaviour:
    """These bytes, one at a time."""

    def drip(server: Raw, connection: socket.socket) -> None:
        head_of(server, connection)
        for byte in data:
            server.send(connection, bytes((byte,)))
            if server.stopped.wait(seconds):
                return

    return drip


def answering(status: str, headers: Iterable[str] = (), body: bytes = b"", padding: int = 0) -> Behaviour:
    """The same answer to everything; `padding` bytes of blanks follow the body."""

    def answer(server: Raw, connection: socket.socket) -> None:
        head_of(server, connection)
        length = f"Content-Length: {len(body) + padding}"
        lines = [f"HTTP/1.1 {status}", *headers, length, "Connection: close", "", ""]
        server.send(connection, "\r\n".join(lines).encode() + body)
        left = padding
        while left > 0 and not server.stopped.is_set():
            server.send(connection, _CHUNK[:left])
            left -= len(_CHUNK)

    return answer


def endless_head(server: Raw, connection: socket.socket) -> None:
    """A status line, and then one header without end."""
    head_of(server, connection)
    server.send(connection, b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not server.stopped.is_set():
        server.send(connection, b"x" * 65536)


def tunnel(to: tuple[str, int] | None = None) -> Behaviour:
    """A proxy that does what CONNECT asks for, or connects to `to` whatever it asks for."""

    def serve(server: Raw, connection: socket.socket) -> None:
        head = head_of(server, connection)
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        with socket.create_connection(to or (host, int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(onward, connection), daemon=True)
            back.start()
            _pump(connection, onward)
            back.join()

    return serve


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
