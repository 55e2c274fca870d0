"""Sends signed requests: exact bytes, bounded time and size, no redirects, TLS always.

A cancel goes by `cancelall.direct` on a connection of its own. What is read, and whatever needs a proxy, goes by
`cancelall.pooled`, which is imported when the first cancel is out.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from cancelall import __version__, direct, tls
from cancelall.direct import Outgoing
from cancelall.errors import CancelallError, ConfigError, TransportFault
from cancelall.model import Reply, Wire
from cancelall.route import Route, is_loopback

if TYPE_CHECKING:
    import urllib3

    from cancelall.pooled import Session

CONNECT_TIMEOUT = 2.0
"""Seconds for TCP and TLS."""
READ_TIMEOUT = 5.0
"""Seconds to the first byte and between reads."""
LARGE = 1 << 18
"""Bytes of a body beyond which few are read at a time from a host, so that many endless answers do not fill memory."""
_LARGE_AT_ONCE = 4
_KEPT = 64
"""Connections that are kept for further reads. A pool makes a place for each beforehand, so a cancel's has one."""


Ready = Callable[[str, str | None, float], socket.socket | None]
"""Gives a connection to an origin, under a CA bundle, that is already there; waits for it at most so many seconds."""


class Transport:
    """Sends signed requests to one host, from several threads at once; every call is bounded by its deadline."""

    def __init__(
        self, route: Route, monotonic: Callable[[], float] = time.monotonic, ready: Ready | None = None
    ) -> None:
        self.route = route
        self._ready = ready
        self._monotonic = monotonic
        tls.context(route.ca_bundle)  # whether it can be read is told now
        self._session: Session | None = None
        self._making = threading.Lock()
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)

    def send(self, wire: Wire, deadline: float, sent: Callable[[], None] = lambda: None) -> Reply:
        """One attempt; `sent` is called as soon as its bytes are out. Raises TransportFault without a complete answer.

        An attempt through a proxy from the environment that was not sent is tried once directly.
        """
        try:
            return self._through(self.route, wire, deadline, self.route.noting(sent))
        except TransportFault as fault:
            if not (self.route.proxy_from_environment and fault.sent == "no" and not fault.final):
                raise
        self.route.passage.around()
        return self._through(Route(ca_bundle=self.route.ca_bundle), wire, deadline, sent, fresh=True)

    def _through(
        self, route: Route, wire: Wire, deadline: float, sent: Callable[[], None], *, fresh: bool = False
    ) -> Reply:
        """One attempt on one route."""
        parts = urllib.parse.urlsplit(wire.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ConfigError("only https leaves this machine", "correct base_url")
        left = deadline - self._monotonic()
        if left <= 0:
            raise TransportFault("no time left to send", kind="timeout", sent="no")
        origin = f"{parts.scheme}://{parts.netloc}"
        given = self._ready if route.proxy is None else None
        out = Outgoing(
            wire=wire,
            headers=_headers(wire),
            target=wire.url.removeprefix(origin),
            timeout=(min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left)),
            ready=partial(given, origin, route.ca_bundle) if given else None,
            sent=sent,
        )
        fresh = fresh or wire.fresh_connection
        try:
            if fresh and route.proxy is None:
                return self._directly(out, route, deadline)
            return self._by_session(out, route, deadline, fresh=fresh)
        except CancelallError:
            raise
        except Exception as fault:
            from cancelall import pooled

            raise pooled.translated(fault, began=out.began) from fault

    def _directly(self, out: Outgoing, route: Route, deadline: float) -> Reply:
        """A cancel gets a connection of its own.

        A pooled one may just have been closed by the venue, and then nobody knows whether the cancel arrived.
        """
        out.sent = partial(_tell_and_import, out.sent)
        with contextlib.closing(direct.send(out, route.ca_bundle)) as answered:
            from cancelall import pooled

            return self._read(pooled.answer(answered), out.wire.body_limit, deadline)

    def _by_session(self, out: Outgoing, route: Route, deadline: float, *, fresh: bool) -> Reply:
        """The connections that are kept; a fresh one through a proxy."""
        from cancelall import pooled

        if not fresh:
            return self._read(pooled.send(self._kept_session(), out), out.wire.body_limit, deadline)
        with pooled.Session(route, tls.context(route.ca_bundle)) as session:
            return self._read(pooled.send(session, out), out.wire.body_limit, deadline)

    def _kept_session(self) -> Session:
        from cancelall import pooled

        with self._making:
            if self._session is None:
                self._session = pooled.Session(self.route, tls.context(self.route.ca_bundle), _KEPT)
            return self._session

    def _left(self, deadline: float) -> float:
        return max(0.0, deadline - self._monotonic())

    def _read(self, response: urllib3.BaseHTTPResponse, limit: int, deadline: float) -> Reply:
        """The body, up to its limit and the deadline. `read1` returns with what is there, so a slow drip is seen."""
        headers = {name.lower(): response.headers[name] for name in response.headers}
        if 300 <= response.status < 400:
            response.close()
            return Reply(status=response.status, headers=headers, body=b"")
        parts, size = [], 0
        with contextlib.ExitStack() as turn:
            while chunk := response.read1(65536, decode_content=True):
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    response.close()
                    raise TransportFault(
                        f"the answer is larger than {limit} bytes", kind="unreadable", sent="yes", answered=True
                    )
                if size - len(chunk) <= LARGE < size and self._large.acquire(timeout=self._left(deadline)):
                    turn.callback(self._large.release)
                if self._monotonic() > deadline:
                    response.close()
                    raise TransportFault("the answer did not end in time", kind="timeout", sent="yes")
        return Reply(status=response.status, headers=headers, body=b"".join(parts))


def _tell_and_import(sent: Callable[[], object]) -> None:
    """Tell it, and import what reads the answer while the venue works."""
    sent()
    from cancelall import pooled  # noqa: F401


def _headers(wire: Wire) -> Mapping[str, str]:
    headers = {
        "User-Agent": f"cancelall/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close" if wire.fresh_connection else "keep-alive",
        **dict(wire.headers),
    }
    if wire.body or wire.method in ("POST", "DELETE"):
        headers["Content-Length"] = str(len(wire.body))
    return headers
