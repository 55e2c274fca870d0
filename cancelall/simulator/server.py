"""A fake venue on a loopback port: HTTP/1.1 with keep-alive, TLS on request, a thread per connection, no log."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from typing import Self

from .book import Account
from .fake import FakeVenue, LoggedRequest
from .faults import Fault
from .wire import Manner, SimReply, SimRequest

_BACKLOG = 1024
_LARGEST_REQUEST = 1024 * 1024
_CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class SimServer:
    """Serves a fake venue. `speed`: how many seconds of the injected clock pass in a real one; delays shrink by it."""

    def __init__(
        self,
        fake: FakeVenue,
        *,
        faults: Iterable[Fault | str] = (),
        ssl_context: ssl.SSLContext | None = None,
        speed: float = 1.0,
    ) -> None:
        self.fake = fake
        self.ssl_context = ssl_context
        self.speed = speed
        self.stopping = threading.Event()
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._port = 0
        self.open_orders, self.closed_orders = fake.open_orders, fake.closed_orders
        self.add_account, self.set_faults = fake.add_account, fake.set_faults
        fake.set_faults(faults)

    @property
    def origin(self) -> str:
        return f"{'https' if self.ssl_context else 'http'}://127.0.0.1:{self._port}"

    @property
    def account(self) -> Account:
        return next(iter(self.fake.accounts.values()))

    @property
    def credentials(self) -> Mapping[str, str]:
        """The first account's credentials, under the names that a profile gives them."""
        return self.account.credentials

    @property
    def account_options(self) -> Mapping[str, object]:
        """Keys that a profile for the first account needs beyond the credentials."""
        return self.account.options

    @property
    def requests(self) -> list[LoggedRequest]:
        with self.fake.lock:
            return list(self.fake.requests)

    # Start and stop.

    def start(self) -> Self:
        """Listen. A second call does nothing."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
            self._port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection, stalled ones too."""
        if self._listener is None or self.stopping.is_set():
            return
        self.stopping.set()
        # The accepting thread sleeps in accept(), and closing a listener wakes it on some systems only: knock instead.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            pass
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pause(self, seconds: float) -> None:
        """Wait in the injected clock's seconds, or until the server stops."""
        if seconds > 0:
            self.stopping.wait(seconds / self.speed)

    # Connections.

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, address = listener.accept()
                if self.stopping.is_set():
                    connection.close()
                    return
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    @contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[None]:
        """Have stop() cut this connection as long as it is served, and close it then."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        # The client may leave or speak no TLS, or the server stops: there is nobody to tell.
        with suppress(OSError), self._kept(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.fake.connection_stalls():
                self.stopping.wait()
            elif self.ssl_context is None:
                _Handler(connection, address, self)
            else:
                # Not in the accepting thread: a client that never shakes hands holds up nobody else. The wrapped
                # socket takes over the descriptor, so from here on it is the one that stop() has to cut.
                wrapped = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with self._kept(wrapped):
                    wrapped.do_handshake()
                    _Handler(wrapped, address, self)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests of one connection and delivers the replies, in whatever manner a fault asks for."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: socket.socket, address: tuple[str, int], owner: SimServer) -> None:
        self.owner = owner
        super().__init__(connection, address, owner)  # type: ignore[arg-type]  # only stored

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_REQUEST:
            self.send_error(HTTPStatus.BAD_REQUEST)
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        request = SimRequest(
            method=self.command,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
            received_ms=self.owner.fake.now_ms(),
            client=self.client_address[0],
        )
        self._deliver(self.owner.fake.handle(request))

    do_GET = do_POST = do_DELETE = do_PUT = _serve

    def _head(self, reply: SimReply) -> bytes:
        endless = reply.manner is Manner.ENDLESS
        framing = "Transfer-Encoding: chunked" if endless else f"Content-Length: {len(reply.body)}"
        date = formatdate(self.owner.fake.server_now() / 1000, usegmt=True)
        headers = (f"{name}: {value}" for name, value in reply.headers)
        first = f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Unknown')}"
        return "\r\n".join((first, f"Date: {date}", framing, *headers, "", "")).encode("latin-1", "replace")

    def _deliver(self, reply: SimReply) -> None:
        self.owner.pause(reply.delay_seconds)
        head = self._head(reply)
        match reply.manner:
            case Manner.WHOLE:
                # One write: head and body in two would wait for the client's delayed acknowledgement.
                self.wfile.write(head + reply.body)
                return
            case Manner.NEVER:
                self.owner.stopping.wait()
            case Manner.RESET:
                self._reset()
            case Manner.RESET_IN_BODY:
                self.wfile.write(head + reply.body[: len(reply.body) // 2])
                # Lets the first half arrive: a reset also throws away what the receiver has not read yet.
                self.owner.stopping.wait(0.05)
                self._reset()
            case Manner.DRIP_HEADERS:
                self._drip(head + reply.body, reply.pace_seconds)
            case Manner.DRIP_BODY:
                self.wfile.write(head)
                self._drip(reply.body, reply.pace_seconds)
            case Manner.ENDLESS:
                self.wfile.write(head)
                while not self.owner.stopping.is_set():
                    self.wfile.write(_CHUNK)
            case Manner.GARBAGE:
                self.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            case Manner.CLOSE:
                pass
        self.close_connection = True

    def _drip(self, data: bytes, pace_seconds: float) -> None:
        for byte in data:
            if self.owner.stopping.is_set():
                return
            self.wfile.write(bytes((byte,)))
            self.owner.pause(pace_seconds)

    def _reset(self) -> None:
        """Close so that the client sees a reset: with SO_LINGER on and zero, close() sends RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
