"""A connection to a venue: the race of its addresses, then TLS; and how whoever waits on one is let go."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.parse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cancelall.core.errors import TransportFault
from cancelall.net import dial

if TYPE_CHECKING:
    import ssl


class Handle:
    """What the thread of one attempt is waiting at. Whoever gives the attempt up cuts that, and the thread returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut: Callable[[], object] | None = None
        self.given_up = False

    def hold(self, made: socket.socket) -> None:
        """From now on the thread waits at this socket. Raises TransportFault when nobody waits for it any more."""
        self.watch(partial(shut, made))

    def watch(self, cut: Callable[[], object]) -> None:
        """From now on this lets the thread go. Raises TransportFault when nobody waits for it any more."""
        with self._lock:
            self._cut = cut
            if self.given_up:
                raise TransportFault("it was given up", kind="timeout")

    def let_go(self) -> bool:
        """The thread has all that it wanted of its socket; False if that was cut in the meantime."""
        with self._lock:
            self._cut = None
            return not self.given_up

    def give_up(self) -> None:
        """Nobody waits for this attempt any more. Called by any thread; blocks nobody."""
        with self._lock:
            self.given_up = True
            if self._cut is not None:
                self._cut()


def shut(made: socket.socket) -> None:
    """Let nothing in or out any more, and whoever waits at it go. It is still to be closed.

    Not by the method of a TLS socket: that one forgets its TLS first, and what another thread sends in that moment
    would go out in clear.
    """
    inner: socket.socket = made if isinstance(made, socket.socket) else made.socket  # TLS inside of TLS
    with contextlib.suppress(OSError):
        socket.socket.shutdown(inner, socket.SHUT_RDWR)


def tcp(
    host: str,
    port: int,
    seconds: float,
    *,
    family: int | None = None,
    until: float | None = None,
    handle: Handle | None = None,
) -> socket.socket:
    """A connection to the first address that answers, with that time for each further step. Raises as dial.connect."""
    made = dial.connect(host, port, seconds, family=family, until=until)
    try:
        made.settimeout(seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if handle is not None:
            handle.hold(made)
    except BaseException:
        made.close()
        raise
    return made


def connect(
    origin: str,
    ca_bundle: str | None,
    seconds: float,
    *,
    family: int | None = None,
    until: float | None = None,
    handle: Handle | None = None,
) -> socket.socket:
    """A connection to an origin that has said nothing yet. `seconds` bounds TCP, and again all of TLS.

    Raises as dial.connect, OSError (ssl.SSLError for TLS), ConfigError, and TransportFault when it was given up.
    """
    parts = urllib.parse.urlsplit(origin)
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    made = tcp(host, parts.port or (443 if encrypted else 80), seconds, family=family, until=until, handle=handle)
    if not encrypted:
        return made
    return secure(made, host, ca_bundle, handle)


def secure(plain: socket.socket, host: str, ca_bundle: str | None, handle: Handle | None = None) -> ssl.SSLSocket:
    """TLS on a connection, which it takes over, with the host that its certificate must name.

    Raises ssl.SSLError and other OSErrors, ConfigError, and TransportFault when it was given up.
    """
    from cancelall.net import tls  # the addresses are raced already

    made = plain
    try:
        name = host.rstrip(".")
        secured = tls.context(ca_bundle).wrap_socket(
            plain,
            # As bytes where that is the same: a str is taken through the tables of IDNA.
            server_hostname=name.encode() if name.isascii() else name,
            do_handshake_on_connect=False,
        )
        made = secured
        if handle is not None:
            handle.hold(secured)
        secured.do_handshake()
    except BaseException:
        made.close()
        raise
    return secured


def silent(made: socket.socket) -> bool:
    """Whether the peer has neither closed nor said anything. TLS sends its session tickets unasked: those are read.

    What it has said is lost: a connection that is not silent can only be closed.
    """
    import ssl  # there by now, if the connection needed it

    timeout = made.gettimeout()
    try:
        made.settimeout(0)
        made.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        made.settimeout(timeout)
        return True
    except (OSError, ValueError):
        return False
    return False
