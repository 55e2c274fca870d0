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
from dataclasses import dataclass

from cancelall import connection
from cancelall.model import Wire


@dataclass(kw_only=True)
class Sending:
    """An attempt: the target as it was signed, whether any of its bytes can have left, whom to tell that they have."""

    target: str
    began: bool = False
    sent: Callable[[], object] = int
    ready: Callable[[float], socket.socket | None] | None = None
    """Gives a connection that is already there; waits for it at most so many seconds."""


def send(
    wire: Wire, headers: Mapping[str, str], sending: Sending, ca_bundle: str | None, timeout: tuple[float, float]
) -> http.client.HTTPResponse:
    """Connect, send, and read the head of the answer. Its body is still to come; closing it closes the connection.

    `timeout` is for the connection and for each read, in seconds. Raises OSError, HTTPException, ValueError.
    """
    parts = urllib.parse.urlsplit(wire.url)
    made = sending.ready(timeout[0]) if sending.ready is not None else None
    if made is None:
        made = connection.connect(f"{parts.scheme}://{parts.netloc}", ca_bundle, timeout[0])
    made.settimeout(timeout[1])
    http_client = http.client.HTTPConnection(parts.hostname or "", parts.port)
    http_client.sock = made
    try:
        http_client.putrequest(wire.method, sending.target, skip_host=True, skip_accept_encoding=True)
        http_client.putheader("Host", parts.netloc)
        for name, value in headers.items():
            http_client.putheader(name, value)
        sending.began = True
        with contextlib.suppress(BrokenPipeError):  # it may have been answered before all of it was read
            http_client.endheaders(wire.body or None)
        sending.sent()
        return http_client.getresponse()
    finally:
        made.close()  # an answer that is still to be read keeps it open
