"""A connection to a venue: the race of its addresses, then TLS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from cancelall.core.profile import parts_of
from cancelall.net import dial, route

if TYPE_CHECKING:
    import ssl

    from cancelall.net.background import Handle

CONNECT_SECONDS = 2.0
"""For TCP, and again for TLS."""


def connect(
    origin: str,
    ca_bundle: str | None,
    seconds: float,
    *,
    family: int | None = None,
    until: float | None = None,
    handle: Handle | None = None,
) -> socket.socket:
    """A connection to an origin that has said nothing yet, over the first address that answers. `seconds` bounds TCP,
    and again all of TLS.

    Raises as dial.connect, OSError (ssl.SSLError for TLS), ConfigError, and TransportFault when it was given up.
    """
    scheme, host, port = parts_of(origin)
    made = dial.connect(host, port, seconds, family=family, until=until)
    try:
        made.settimeout(seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if handle is not None:
            handle.hold(made)
    except BaseException:
        made.close()
        raise
    return secure(made, host, ca_bundle, handle) if scheme == "https" else made


def secure(tcp_socket: socket.socket, host: str, ca_bundle: str | None, handle: Handle | None = None) -> ssl.SSLSocket:
    """TLS on a connection, which it takes over, with the host that its certificate must name.

    Raises ssl.SSLError and other OSErrors, ConfigError, and TransportFault when it was given up.
    """
    made = tcp_socket
    try:
        name = host.rstrip(".")
        secured = route.tls_context(ca_bundle).wrap_socket(
            tcp_socket,
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
