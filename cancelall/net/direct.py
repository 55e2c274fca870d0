"""One request and its answer on a connection, and the connections that are kept for more reads.

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
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cancelall.core.errors import TransportFault
from cancelall.core.model import SignedRequest
from cancelall.net import answer, failures
from cancelall.net.connection import Handle, silent

RESTED_SECONDS = 0.25
"""Silence after an answer in which a second copy of it would have come."""
SPARE = 4
"""Connections of cancels that are kept, at most, while there are no others."""
IDLE_SECONDS = 15.0
"""How long a connection is kept without use: a router on the way may have forgotten it without a word."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@dataclass(kw_only=True)
class Outgoing:
    """A request on its way out: its bytes, how far it has come, and whom to tell that all of it is out.

    Its bytes hold secrets: the repr does not show them.
    """

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
    told: bool = False
    """Somebody was told that all of it has."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer whose body is still to come."""

    head: answer.Head
    reader: answer.Reader


class Unheard(Exception):
    """A connection broke before the first byte of an answer came."""

    def __init__(self, fault: TransportFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def request_bytes(signed: SignedRequest, headers: Mapping[str, str]) -> bytes:
    """The request as it goes on the wire, its target as it was signed. Raises TransportFault for what cannot go.

    https://www.rfc-editor.org/rfc/rfc9112#section-3
    """
    method, target = signed.method, signed.target
    fields = {"Host": urllib.parse.urlsplit(signed.origin).netloc, **headers}
    fits = _TOKEN.fullmatch(method) and _TARGET.fullmatch(target)
    if not fits or not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields.items()):
        raise TransportFault("the request holds a character that HTTP cannot carry", sent="no")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + signed.body


def ask(out: Outgoing, made: socket.socket) -> Answered:
    """Send a request, and read the head of its answer. Raises TransportFault; Unheard where nothing at all came."""
    out.handle.hold(made)
    reader = answer.Reader(made, out.until, out.seconds, out.monotonic)
    try:
        _send(out, made)
        return Answered(head=answer.head(reader), reader=reader)
    except (OSError, answer.Ended) as fault:
        told = failures.of_waiting(fault)
        if reader.heard or isinstance(fault, TimeoutError):
            raise told from fault
        raise Unheard(told) from fault


def body(out: Outgoing, answered: Answered, large: Callable[[int], None]) -> bytes:
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
    out.began = True
    with contextlib.suppress(BrokenPipeError):  # it may have been answered before all of it was read
        made.sendall(out.data)
    if not out.told:
        out.told = True
        out.sent()


@dataclass(frozen=True, kw_only=True)
class _Idle:
    """A connection, since when it is, and whether it has to rest before anything else is asked on it."""

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
        """Keep a connection whose answer is complete, unless more has come on it than was asked for.

        Those of cancels rest first, and few are kept: for the last listing of a proof, which then needs no handshake.
        """
        if not (answered.head.lasting and answered.reader.empty and silent(made)):
            made.close()
            return
        now = time.monotonic()
        with self._lock:
            spare = of_a_cancel and len(self._idle) >= SPARE
            old = [_Idle(since=now, made=made, must_rest=of_a_cancel)]
            if not spare:
                self._idle += old
                old = [self._idle.popleft() for _ in range(len(self._idle) - self._most)]
            while self._idle and now - self._idle[0].since >= IDLE_SECONDS:
                old.append(self._idle.popleft())
        for one in old:
            one.made.close()

    def end(self) -> None:
        """Close them all, and each that is given from now on."""
        with self._lock:
            self._most = 0
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> bool:
        """Close them all; False when there were none."""
        with self._lock:
            idle, self._idle = self._idle, deque()
        for one in idle:
            one.made.close()
        return bool(idle)
