"""Sends signed requests: exact bytes, bounded time and size, no redirects, TLS always.

A cancel goes on a connection of its own: one that the venue has just closed would swallow it. So does what asks for
one; other reads share those that are kept. A proxy only opens a tunnel.

Standard library alone: requests takes longer to import than all the rest of a start, and does nothing for a request
whose bytes are signed already. Here no redirect is followed, no netrc entry is read, no cookie is kept, nothing is
printed whatever debug level somebody has set, and nothing is sent again.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from cancelall import __version__
from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import ConfigError, TransportFault, Unreadable
from cancelall.core.model import Reply, SignedRequest
from cancelall.core.profile import host_of, parts_of
from cancelall.net import answer, connection, failures
from cancelall.net.background import Handle, shut
from cancelall.net.head_start import silent
from cancelall.net.route import Route, is_loopback, tls_context

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

RESTED_SECONDS = 0.25
"""Silence after an answer in which a second copy of it would have come."""
SPARE = 4
"""Connections of cancels that are kept, at most, while there are no others."""
IDLE_SECONDS = 15.0
"""How long a connection is kept without use: a router on the way may have forgotten it without a word."""

_AT_ONCE = 0.05
"""Seconds that writing on a connection with nothing under way may take: it fits into the system's buffer."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")

Ready = Callable[[str, str | None, float], socket.socket | None]
"""Gives a connection to an origin, under a CA bundle, that is already there; waits for it at most so many seconds."""


@dataclass(kw_only=True)
class Outgoing:
    """A request on its way out: its bytes, how far they are, whom to tell at the end. The repr hides them: secrets."""

    signed: SignedRequest
    data: bytes = field(repr=False)
    until: float
    """The deadline, on the monotonic clock."""
    seconds: float
    """The longest silence."""
    handle: Handle
    sent: Callable[[], object] = field(repr=False)
    monotonic: Callable[[], float] = time.monotonic
    began: bool = False
    """Some of it can have left."""
    reported: bool = False
    """Somebody was told that all of it has."""
    left: bool = False
    """It is out already on the connection that is looked at next: only its answer is to be read."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer whose body is still to come."""

    head: answer.Head
    reader: answer.Reader


class Unanswered(Exception):
    """A connection broke before the first byte of an answer came."""

    def __init__(self, fault: TransportFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def request_bytes(signed: SignedRequest, headers: Mapping[str, str]) -> bytes:
    """The request as it goes on the wire, its target as it was signed. Raises TransportFault for what cannot go.

    https://www.rfc-editor.org/rfc/rfc9112#section-3
    """
    method, target = signed.request.method, signed.target
    fields = {"Host": signed.origin.partition("://")[2], **headers}
    fits = _TOKEN.fullmatch(method) and _TARGET.fullmatch(target)
    if not fits or not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields.items()):
        raise TransportFault("the request holds a character that HTTP cannot carry", sent="no")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + signed.body


def ask(out: Outgoing, made: socket.socket) -> Answered:
    """Send a request, and read the head of its answer. Raises TransportFault; Unanswered where nothing at all came."""
    out.handle.hold(made)
    reader = None
    try:
        if not out.left:
            _send(out, made)
        out.left = False
        reader = answer.Reader(made, out.until, out.seconds, out.monotonic)
        answered = Answered(head=answer.head(reader), reader=reader)
        out.signed.wire.answering = True
        return answered
    except (OSError, answer.Ended) as fault:
        reason = failures.of_waiting(fault)
        if (reader is not None and reader.begun) or isinstance(fault, TimeoutError):
            raise reason from fault
        raise Unanswered(reason) from fault


def leave(signed: SignedRequest, made: socket.socket, until: float, *, keep: bool = True) -> bool:
    """Write a request on a connection that is there, without a wait; `Transport.send` then reads its answer. False, and
    the connection is as it was, where nothing may leave any more.

    It is a few kilobytes on a connection with nothing under way. Should it not go, the connection is cut, and whoever
    reads finds that.
    """
    if signed.recalled() or time.monotonic() >= until:
        return False
    try:
        data = request_bytes(signed, _headers(signed, keep=keep))
    except TransportFault:
        return False  # it is told where it is sent
    signed.wire.kept, signed.wire.quiet, signed.wire.left_on = True, False, made
    try:
        made.settimeout(_AT_ONCE)
        made.sendall(data)
    except (OSError, ValueError):
        shut(made)
    return True


def exchanged(signed: SignedRequest, made: socket.socket, seconds: float) -> Reply | None:
    """The answer to a request on a connection that stays with the caller; None where nothing may be sent on it again.

    `seconds` bounds all of it. Raises TransportFault; the connection is then to be closed.
    """
    until = time.monotonic() + seconds
    data = request_bytes(signed, _headers(signed, keep=True))
    out = Outgoing(signed=signed, data=data, until=until, seconds=seconds, handle=Handle(), sent=lambda: None)
    try:
        answered = ask(out, made)
    except Unanswered as broken:
        raise broken.fault from broken.__cause__
    body = _body(out, answered, lambda size: None)
    lasting = answered.head.lasting and answered.reader.empty and silent(made)
    return _reply(answered, body, made.family) if lasting else None


def _body(out: Outgoing, answered: Answered, large: Callable[[int], None]) -> bytes:
    """Read the body. Raises TransportFault."""
    try:
        return answer.body(answered.reader, answered.head, out.signed.body_limit, large)
    except (OSError, answer.Ended) as fault:
        raise failures.of_reading(fault) from fault


def _send(out: Outgoing, made: socket.socket) -> None:
    left = out.until - out.monotonic()
    if left <= 0:
        raise TransportFault("no time left to send", kind="timeout", sent="no")
    made.settimeout(min(out.seconds, left))
    if out.signed.recalled():
        raise TransportFault("it was called back before it left", sent="no")
    out.signed.wire.quiet = False
    if out.handle.given_up:  # looked at after that: who gives it up and then finds it quiet can rely on it
        raise TransportFault("it was given up", kind="timeout", sent="no")
    out.began = True
    with contextlib.suppress(BrokenPipeError):  # it may have been answered before all of it was read
        made.sendall(out.data)
    if not out.reported:
        out.reported = True
        out.sent()


@dataclass(frozen=True, kw_only=True)
class _Idle:
    """A connection, since when it is, and whether it has to rest before anything else is sent on it."""

    since: float
    made: socket.socket
    must_rest: bool


class Kept:
    """Connections of one way to one host that wait for more reads, the one that was used last first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: deque[_Idle] = deque()

    def take(self, family: int | None, *, rested: bool = False) -> socket.socket | None:
        """One whose peer has said nothing since its last answer, if `rested` for a while by now; None without one."""
        while True:
            latest = time.monotonic() - RESTED_SECONDS
            with self._lock:
                fitting = [
                    one
                    for one in self._idle
                    if (one.since <= latest or not (rested or one.must_rest))
                    and (family is None or one.made.family == family)
                ]
                if not fitting:
                    return None
                chosen = fitting[-1]
                self._idle.remove(chosen)
            if time.monotonic() - chosen.since < IDLE_SECONDS and silent(chosen.made):
                return chosen.made
            chosen.made.close()

    def give(self, made: socket.socket, answered: Answered, *, of_a_cancel: bool = False) -> None:
        """Keep a connection whose answer is complete, unless more has come on it than that.

        Those of cancels rest first, and few are kept: for the last listing of a proof, which then needs no handshake.
        """
        if not (answered.head.lasting and answered.reader.empty and silent(made)):
            made.close()
            return
        now = time.monotonic()
        with self._lock:
            old = [_Idle(since=now, made=made, must_rest=of_a_cancel)]
            if not of_a_cancel or len(self._idle) < SPARE:
                self._idle += old
                old = [self._idle.popleft() for _ in range(len(self._idle) - self._most)]
            while self._idle and now - self._idle[0].since >= IDLE_SECONDS:
                old.append(self._idle.popleft())
        for one in old:
            one.made.close()

    def __del__(self) -> None:
        self.close()

    def end(self) -> None:
        """Close them all, and each that is given from now on."""
        with self._lock:
            self._most = 0
        self.close()

    def close(self) -> bool:
        """Close them all; False when there were none."""
        with self._lock:
            idle, self._idle = self._idle, deque()
        for one in idle:
            one.made.close()
        return bool(idle)


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
        tls_context(route.ca_bundle)  # whether it can be read is told now
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
        scheme, host, _ = parts_of(signed.origin)
        local = scheme == "http" and is_loopback(host)
        if scheme != "https" and not local:
            raise ConfigError("only https leaves this machine", "correct base_url")
        # What is not encrypted stays on this machine, whatever proxy there is.
        route = Route(ca_bundle=self.route.ca_bundle) if local else self.route
        if route.proxy is not None and signed.family is not None:
            raise TransportFault("a proxy chooses the address family itself", sent="no")
        left_on, signed.wire.left_on = signed.wire.left_on, None
        signed.wire.quiet = left_on is None
        out = Outgoing(
            signed=signed,
            data=request_bytes(signed, _headers(signed, keep=self._keeps)),
            until=deadline,
            seconds=READ_TIMEOUT,
            handle=handle or Handle(),
            sent=route.noting(sent),
            monotonic=self._monotonic,
        )
        out.left = out.began = out.reported = left_on is not None
        try:
            return self._by(route, out, left_on)
        except TransportFault as fault:
            refused = fault.sent == "no" and not fault.final and not out.began and not out.handle.given_up
            if route.passage is None or not refused:
                raise
        route.passage.around()
        out.sent = sent
        return self._by(Route(ca_bundle=route.ca_bundle), out)

    def close(self) -> None:
        """Close the connections that are kept, and keep none any more."""
        self._kept.end()

    def _by(self, route: Route, out: Outgoing, left_on: socket.socket | None = None) -> Reply:
        """One attempt on one route: on the connection on which it has left, on one that is kept, or on a new one."""
        kept = self._kept if route.proxy == self.route.proxy and self._keeps else None
        try:
            if left_on is not None:
                return self._on(left_on, route, out, kept)
            may = kept is not None and not (out.signed.request.changes or out.signed.new_connection)
            made = kept.take(out.signed.family, rested=out.signed.rested_connection) if kept and may else None
            if made is not None:
                try:
                    return self._on(made, route, out, kept)
                except Unanswered:  # the host had closed it: a read may go once more
                    if out.handle.given_up or out.signed.once:
                        raise
            return self._on(self._connected(route, out), route, out, kept)
        except Unanswered as broken:
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
            ready = None if out.signed.new_connection else self._ready
            made = ready(origin, route.ca_bundle, self._seconds(out)) if ready else None
            if made is not None:
                if family in (None, made.family):
                    out.signed.wire.kept = True
                    return made
                made.close()
            try:
                return self._connect(origin, route, out)
            except OSError as fault:
                if fault.errno not in failures.NO_DESCRIPTORS or not self._kept.close():
                    raise
            return self._connect(origin, route, out)
        except (OSError, UnicodeError) as fault:
            raise failures.of_connecting(fault, host_of(origin)) from fault

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
        """Ask on a connection; afterwards it is kept, or closed. Raises TransportFault, Unanswered."""
        done = False
        try:
            with self._measured(out) as large:
                answered = ask(out, made)
                body = b""
                if not 300 <= answered.head.status < 400:  # what a redirect says is not even downloaded
                    body = _body(out, answered, large)
                    done = out.handle.let_go() and kept is not None
                    if done and kept is not None:
                        kept.give(made, answered, of_a_cancel=out.signed.request.changes)
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
    """The complete answer, its JSON parsed here, in its own thread. Raises TransportFault for its shape.

    What is no JSON raises where somebody reads it.
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
    if signed.body or signed.request.method in ("POST", "DELETE"):
        headers["Content-Length"] = str(len(signed.body))
    return headers
