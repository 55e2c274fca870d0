"""A server on loopback that records what arrives, byte for byte, and answers as its script says."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from cancelall.core.model import Request, SignedRequest

CANARY = "SECRET-hunter2-canary"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Script = Callable[[socket.socket], None]


class Listening:
    """Accepts connections and serves each in a thread of its own. At its end all of them are cut."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._accepted = 0
        self._probes: dict[int, threading.Event] = {}
        self.stopped = threading.Event()
        self._open: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._catch_up()
        self.stopped.set()
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def accepted(self) -> int:
        """How many connections were opened by now: a client's is open some time before it is accepted here."""
        self._catch_up()
        return self._accepted

    def serve(self, connection: socket.socket, number: int) -> None:
        """What is done with one connection, which is closed afterwards. `number` counts them."""
        raise NotImplementedError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.stopped.is_set():
                connection, address = self._listener.accept()
                if probe := self._probes.get(address[1]):
                    connection.close()
                    probe.set()
                    continue
                self._accepted += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection, self._accepted), daemon=True).start()

    def _catch_up(self) -> None:
        """Wait until one of our own is accepted: connections are accepted in the order in which they were opened."""
        with contextlib.suppress(OSError), socket.socket(self._listener.family) as probe:
            probe.settimeout(5)
            probe.bind((self._host, 0))
            port = probe.getsockname()[1]
            seen = self._probes[port] = threading.Event()
            probe.connect((self._host, self.port))
            seen.wait(5)
            del self._probes[port]

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            self.serve(connection, number)


class RawServer(Listening):
    """Records what arrives, byte for byte, and does with the connection what its script says."""

    def __init__(self, script: bytes | Script = OK, *, context: ssl.SSLContext | None = None, **at: Any) -> None:
        self.requests: list[bytes] = []
        self.connections: list[int] = []
        """For each request the number of the connection that it came on."""
        self.script = script
        self.context = context
        super().__init__(**at)

    @property
    def origin(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def serve(self, connection: socket.socket, number: int) -> None:
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
            self._open.append(connection)
        with connection:
            while request := read_request(connection):
                self.requests.append(request)
                self.connections.append(number)
                if callable(self.script):
                    self.script(connection)
                    return
                connection.sendall(self.script)


def read_request(connection: socket.socket) -> bytes:
    """One message, head and body; nothing when the peer has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def a_request(
    *,
    method: str,
    url: str,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    fresh_connection: bool = False,
    **more: Any,
) -> SignedRequest:
    """What a transport is given. One that opens a connection of its own is a cancel."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    request = Request(method=method, path=parts.path, changes=fresh_connection)
    return SignedRequest(
        request=request, origin=origin, target=url.removeprefix(origin), headers=headers, body=body, **more
    )


def a_get(server: RawServer, target: str = "/v5/order/realtime?category=linear", **more: Any) -> SignedRequest:
    return a_request(method="GET", url=server.origin + target, headers=(("X-SIGN", CANARY),), body=b"", **more)


def a_cancel(server: RawServer, body: bytes = b'{"category":"linear"}') -> SignedRequest:
    headers = (("X-SIGN", CANARY), ("Content-Type", "application/json"))
    url = f"{server.origin}/v5/order/cancel-all"
    return a_request(method="POST", url=url, headers=headers, body=body, fresh_connection=True)


def in_seconds(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds
