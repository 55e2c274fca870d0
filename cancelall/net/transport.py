"""Sends signed requests: exact bytes, bounded time and size, no redirects, TLS always.

A cancel goes on a connection of its own, and so does what asks for one; other reads share those that are kept. A proxy
only opens a tunnel. What is sent and read on a connection, `cancelall.net.direct` does, whichever way it leads.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

from cancelall import __version__
from cancelall.core.errors import ConfigError, TransportFault, Unreadable
from cancelall.core.model import Reply, SignedRequest
from cancelall.net import connection, direct, failures, tls
from cancelall.net.connection import Handle
from cancelall.net.direct import Answered, Kept, Outgoing, Unheard
from cancelall.net.route import Route, is_loopback

CONNECT_TIMEOUT = 2.0
"""Seconds for TCP, and again for TLS."""
READ_TIMEOUT = 5.0
"""Seconds to the first byte and between reads."""
LARGE = 1 << 16
"""Bytes of a body beyond which few are read at a time from a host, so that many endless answers do not fill memory."""
_LARGE_AT_ONCE = 2
_KEPT = 64
"""Connections that are kept for further reads."""
CONTAINERS_AT_MOST = 100_000
"""Objects and arrays in a body: the largest listing of a venue holds 5,000 orders, with four for each at most."""
MEMBERS_AT_MOST = 1_000_000
"""Commas and colons in a body: 5,000 orders of fifty fields have half as many."""

Ready = Callable[[str, str | None, float], socket.socket | None]
"""Gives a connection to an origin, under a CA bundle, that is already there; waits for it at most so many seconds."""


class Transport:
    """Sends signed requests to one host, from several threads at once; every call is bounded by its deadline."""

    def __init__(
        self,
        route: Route,
        monotonic: Callable[[], float] = time.monotonic,
        ready: Ready | None = None,
        *,
        keeps: bool = True,
    ) -> None:
        """With `keeps` a connection is kept after its answer, for more reads; else each is closed."""
        self.route = route
        self._ready = ready
        self._keeps = keeps
        self._monotonic = monotonic
        tls.context(route.ca_bundle)  # whether it can be read is told now
        self._kept = Kept(_KEPT)
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)

    def send(
        self,
        signed: SignedRequest,
        deadline: float,
        sent: Callable[[], None] = lambda: None,
        handle: Handle | None = None,
    ) -> Reply:
        """One attempt; `sent` is called as soon as its bytes are out. Raises TransportFault without a complete answer.

        Whoever gives it up does so by the handle. An attempt through a proxy from the environment that was not sent is
        tried once directly.
        """
        parts = urllib.parse.urlsplit(signed.origin)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not local:
            raise ConfigError("only https leaves this machine", "correct base_url")
        # What is not encrypted stays on this machine, whatever proxy there is.
        route = Route(ca_bundle=self.route.ca_bundle) if local else self.route
        if route.proxy is not None and signed.family is not None:
            raise TransportFault("a proxy chooses the address family itself", sent="no")
        out = Outgoing(
            signed=signed,
            data=direct.request_bytes(signed, _headers(signed, keep=self._keeps)),
            until=deadline,
            seconds=READ_TIMEOUT,
            handle=handle or Handle(),
            sent=route.noting(sent),
            monotonic=self._monotonic,
        )
        try:
            return self._by(route, out)
        except TransportFault as fault:
            refused = fault.sent == "no" and not fault.final and not out.began and not out.handle.given_up
            if not (route.proxy_from_environment and refused):
                raise
        route.passage.around()
        out.sent = sent
        return self._by(Route(ca_bundle=route.ca_bundle), out)

    def close(self) -> None:
        """Close the connections that are kept, and keep none any more."""
        self._kept.end()

    def _by(self, route: Route, out: Outgoing) -> Reply:
        """One attempt on one route: on a connection that is kept, or else on a new one."""
        kept = self._kept if route.proxy == self.route.proxy and self._keeps else None
        try:
            may = kept is not None and not out.signed.fresh_connection
            made = kept.take(out.signed.family, rested=out.signed.rested_connection) if kept and may else None
            if made is not None:
                try:
                    return self._on(made, route, out, kept)
                except Unheard:  # the host had closed it: a read may go once more
                    if out.handle.given_up:
                        raise
            return self._on(self._connected(route, out), route, out, kept)
        except Unheard as broken:
            raise broken.fault from broken.__cause__
        except MemoryError as fault:
            raise failures.out_of_memory("maybe" if out.began else "no") from fault
        finally:
            out.handle.let_go()

    def _connected(self, route: Route, out: Outgoing) -> socket.socket:
        """A connection on which nothing was said. Raises TransportFault, ConfigError."""
        origin, family = out.signed.origin, out.signed.family
        try:
            if route.proxy is not None:
                from cancelall.net import proxied

                return proxied.tunnel(route, origin, self._seconds(out), out.until, out.handle)
            made = self._ready(origin, route.ca_bundle, self._seconds(out)) if self._ready else None
            if made is not None:
                if family in (None, made.family):
                    return made
                made.close()
            try:
                return self._connect(origin, route, out)
            except OSError as fault:
                if fault.errno not in failures.NO_DESCRIPTORS or not self._kept.close():
                    raise
            return self._connect(origin, route, out)
        except (OSError, UnicodeError) as fault:
            raise failures.of_connecting(fault) from fault

    def _connect(self, origin: str, route: Route, out: Outgoing) -> socket.socket:
        return connection.connect(
            origin,
            route.ca_bundle,
            self._seconds(out),
            family=out.signed.family,
            until=time.monotonic() + self._left(out),
            handle=out.handle,
        )

    def _on(self, made: socket.socket, route: Route, out: Outgoing, kept: Kept | None) -> Reply:
        """Ask on a connection; afterwards it is kept, or closed. Raises TransportFault, Unheard."""
        done = False
        try:
            with self._measured(out) as large:
                answered = direct.ask(out, made)
                body = b""
                if not 300 <= answered.head.status < 400:  # what a redirect says is not even downloaded
                    body = direct.body(out, answered, large)
                    done = out.handle.let_go() and kept is not None
                    if done and kept is not None:
                        kept.give(made, answered, of_a_cancel=out.signed.fresh_connection)
                return _reply(answered, body, made.family if route.proxy is None else None)
        finally:
            if not done:
                made.close()

    def _left(self, out: Outgoing) -> float:
        return max(0.0, out.until - self._monotonic())

    def _seconds(self, out: Outgoing) -> float:
        """For one step of connecting. Raises TransportFault when there is no time at all."""
        left = self._left(out)
        if left <= 0:
            raise TransportFault("no time left to send", kind="timeout", sent="no")
        return min(CONNECT_TIMEOUT, left)

    @contextlib.contextmanager
    def _measured(self, out: Outgoing) -> Iterator[Callable[[int], None]]:
        """Told how large a body is by now, it lets few large ones be read and parsed at a time."""
        with contextlib.ExitStack() as turn:
            waited = False

            def large(size: int) -> None:
                nonlocal waited
                if size > LARGE and not waited:
                    waited = True
                    if self._large.acquire(timeout=self._left(out)):
                        turn.callback(self._large.release)

            yield large


def _reply(answered: Answered, body: bytes, family: int | None) -> Reply:
    """The complete answer, its JSON parsed here, beside everybody else. Raises TransportFault for its shape.

    What is no JSON is told when somebody asks for it.
    """
    containers = body.count(b"{") + body.count(b"[")
    if containers > CONTAINERS_AT_MOST or body.count(b",") + body.count(b":") > MEMBERS_AT_MOST:
        raise TransportFault(
            "the answer holds more than any listing of orders", kind="unreadable", sent="yes", answered=True
        )
    reply = Reply(status=answered.head.status, headers=answered.head.headers, body=body, family=family)
    with contextlib.suppress(Unreadable):
        _ = reply.json
    return reply


def _headers(signed: SignedRequest, *, keep: bool) -> Mapping[str, str]:
    headers = {
        "User-Agent": f"cancelall/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive" if keep else "close",
        **dict(signed.headers),
    }
    if signed.body or signed.method in ("POST", "DELETE"):
        headers["Content-Length"] = str(len(signed.body))
    return headers
