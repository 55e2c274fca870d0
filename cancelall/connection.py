"""A connection to a venue: the race of its addresses, then TLS."""

from __future__ import annotations

import socket
import urllib.parse

from cancelall import dial


def tcp(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address that answers, with that time for each further step. Raises as dial.connect."""
    made = dial.connect(host, port, seconds)
    made.settimeout(seconds)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def connect(origin: str, ca_bundle: str | None, seconds: float) -> socket.socket:
    """A connection to an origin that has said nothing yet. `seconds` bounds TCP, and again each step of TLS.

    Raises socket.gaierror when the name does not resolve, OSError (ssl.SSLError for TLS), ConfigError.
    """
    parts = urllib.parse.urlsplit(origin)
    host, secure = parts.hostname or "", parts.scheme == "https"
    plain = tcp(host, parts.port or (443 if secure else 80), seconds)
    if not secure:
        return plain
    from cancelall import tls  # the addresses are raced already

    try:
        name = host.rstrip(".")
        # As bytes where that is the same: a str is taken through the tables of IDNA.
        return tls.context(ca_bundle).wrap_socket(plain, server_hostname=name.encode() if name.isascii() else name)
    except BaseException:
        plain.close()
        raise
