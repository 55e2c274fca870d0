"""One request on a connection of its own, sent with the standard library alone.

requests takes longer to import than all the rest of a start, and does nothing for a lone request whose bytes are signed
already: with it, a cancel would leave a third later. Here no redirect is followed, no netrc entry is read, nothing is
sent again.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cancelall import connection
from cancelall.model import Wire


@dataclass(kw_only=True)
class Outgoing:
    """A request on its way out: its bytes, whether any of them can have left, and whom to tell that all have.

    Its headers hold secrets, and its target may: the repr shows neither.
    """

    wire: Wire
    headers: Mapping[str, str] = field(repr=False)
    target: str = field(repr=False)
    """As it was signed."""
    timeout: tuple[float, float]
    """Seconds for the connection, and for each read."""
    ready: Callable[[float], socket.socket | None] | None
    """Gives a connection that is already there; waits for it at most so many seconds."""
    sent: Callable[[], object]
    began: bool = False


def send(out: Outgoing, ca_bundle: str | None) -> http.client.HTTPResponse:
    """Connect, send, and read the head of the answer. Its body is still to come; closing it closes the connection.

    Raises OSError, HTTPException, ValueError.
    """
    parts = urllib.parse.urlsplit(out.wire.url)
    connecting, reading = out.timeout
    made = out.ready(connecting) if out.ready is not None else None
    if made is None:
        made = connection.connect(f"{parts.scheme}://{parts.netloc}", ca_bundle, connecting)
    made.settimeout(reading)
    http_client = http.client.HTTPConnection(parts.hostname or "", parts.port)
    http_client.sock = made
    try:
        http_client.putrequest(out.wire.method, out.target, skip_host=True, skip_accept_encoding=True)
        http_client.putheader("Host", parts.netloc)
        for name, value in out.headers.items():
            http_client.putheader(name, value)
        out.began = True
        with contextlib.suppress(BrokenPipeError):  # it may have been answered before all of it was read
            http_client.endheaders(out.wire.body or None)
        out.sent()
        return http_client.getresponse()
    finally:
        made.close()  # an answer that is still to be read keeps it open
