"""Connections that wait, open, for the moment at which something has to be sent: looked at, used and renewed.

Each goes where the requests will go, in the same way, as those that a kill opens ahead (`net/connection.py`). What is
sent on them meanwhile is a public question of the venue, without a signature; nothing of an account is known here.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import deque

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import CancelallError, TransportFault
from cancelall.core.model import Reply, SignedRequest
from cancelall.core.profile import host_of
from cancelall.net import connection, failures, head_start
from cancelall.net.head_start import silent
from cancelall.net.route import Host
from cancelall.net.transport import RESTED_SECONDS, exchanged, leave

RENEWED = 8.0
"""Seconds after which a connection is used again, so that nothing on the way forgets it: one request in five, at most,
is what a venue sees of it."""
SOONEST = 5.0
"""The same for a venue that closes connections which are idle for as long as that."""
ANSWER_SECONDS = 2.0
"""Longest time for an answer; a connection that has none by then is replaced."""
AT_LEAST = 2
"""Connections to a host: one of them is always idle, and has been for a while."""
TRUSTED = 30.0
"""Seconds after which one is not used any more by who fires. That is longer than a kill trusts one that it has opened
ahead: should it be dead, a copy goes on a new one within a moment."""
_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before the next try to open one, by how many have failed in a row."""


@dataclass(frozen=True, kw_only=True)
class Idle:
    """A connection on which nothing is under way."""

    made: socket.socket
    since: float
    """Monotonic seconds of its last answer, or of its opening."""


@dataclass(frozen=True, kw_only=True)
class WarmAnswer:
    """What the public question has shown on a warm connection."""

    reply: Reply
    seconds: float
    """From the request to the answer."""
    ended: float
    """Monotonic seconds at its end."""


class WarmHost:
    """The warm connections to one host. Its methods may be called by any thread."""

    def __init__(self, host: Host, wanted: int) -> None:
        self.host = host
        self.wanted = max(AT_LEAST, min(wanted, head_start.AT_MOST))
        self.trouble = ""
        """Why the last try to open or to use one has failed; empty where it has not."""
        self._lock = threading.Lock()
        self._idle: deque[Idle] = deque()
        self._busy = 0
        """Those that are being opened, or used."""
        self._asking = 0
        """The latter."""
        self._failed = 0
        self._next_try = 0.0
        self._closed = False
        self.renewed = RENEWED
        """Seconds after which one is used again."""

    @property
    def idle(self) -> int:
        """How many there are that who fires would use."""
        now = time.monotonic()
        with self._lock:
            return sum(now - one.since < TRUSTED for one in self._idle)

    @property
    def used(self) -> bool:
        """Whether one of them is being used."""
        return self._asking > 0

    # --- for who fires ---

    def take(self) -> socket.socket | None:
        """The one that was used last of those that are at rest, which is the caller's from now on; None without one."""
        now = time.monotonic()
        while True:
            with self._lock:
                fitting = [one for one in self._idle if now - one.since >= RESTED_SECONDS]
                if not fitting:
                    return None
                chosen = max(fitting, key=lambda one: one.since)
                self._idle.remove(chosen)
            if now - chosen.since < TRUSTED and silent(chosen.made):
                return chosen.made
            chosen.made.close()

    def give(self, made: socket.socket) -> None:
        """Back, unused."""
        with self._lock:
            self._idle.append(Idle(made=made, since=time.monotonic() - RESTED_SECONDS))

    # --- for who keeps them ---

    def missing(self, now: float) -> int:
        """How many are to be opened now; each is to be opened by `open_one`."""
        with self._lock:
            if self._closed or now < self._next_try:
                return 0
            number = max(0, self.wanted - len(self._idle) - self._busy)
            if self._failed:
                number = min(number, max(0, 1 - self._busy))  # until one of them succeeds
            self._busy += number
            return number

    def open_one(self, *, spread: float = 0.0) -> None:
        """Open one that was missing; blocks. As though its last use were so many seconds ago: then all take turns."""
        made = None
        origin, ca_bundle = self.host
        trouble = ""
        try:
            made = connection.connect(origin, ca_bundle, connection.CONNECT_SECONDS)
        except CancelallError as error:
            trouble = error.message
        except (OSError, UnicodeError, ValueError) as fault:
            trouble = failures.of_connecting(fault, host_of(origin)).message
        finally:
            since = time.monotonic() - max(spread, RESTED_SECONDS)  # nothing was said on it that could come twice
            self._back(made, since, trouble or ("" if made else "it could not be connected to"))

    def due(self, now: float, most: int | None = None) -> list[Idle]:
        """Those that have to be used again, the oldest first, a third of all at a time; each is to be used by `ask`."""
        with self._lock:
            room = max(0, -(-self.wanted // 3) - self._busy) if most is None else most
            waiting = sorted((one for one in self._idle if now - one.since >= self.renewed), key=lambda one: one.since)
            found = waiting[:room]
            for one in found:
                self._idle.remove(one)
            self._busy += len(found)
            self._asking += len(found)
            return found

    def ask(self, one: Idle, signed: SignedRequest) -> WarmAnswer | None:
        """Use one with a public question; blocks. None where it has ended with, or before, its answer."""
        began, made, reply, trouble = time.monotonic(), one.made, None, ""
        try:
            if silent(made):
                reply = exchanged(signed, made, ANSWER_SECONDS)
            else:
                self._lived(began - one.since)
        except TransportFault as fault:
            trouble = fault.message
        finally:
            ended = time.monotonic()
            if reply is None:
                made.close()
            with self._lock:
                self._asking -= 1
            self._back(made if reply is not None else None, ended, trouble, failed=bool(trouble))
        return WarmAnswer(reply=reply, seconds=ended - began, ended=ended) if reply is not None else None

    def drop_closed(self) -> int:
        """Drop those that the venue has closed; how many there were. Blocks nobody."""
        with self._lock:
            waiting = {one.made.fileno(): one for one in self._idle}
            heard = [waiting[number] for number in _readable(list(waiting))]
            for one in heard:
                self._idle.remove(one)
        closed = 0
        for one in heard:
            if silent(one.made):  # TLS alone had something to say
                with self._lock:
                    self._idle.append(one)
            else:
                one.made.close()
                self._lived(time.monotonic() - one.since)
                closed += 1
        return closed

    def close(self) -> None:
        """Close all, and open none any more."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, deque()
        for one in idle:
            one.made.close()

    def _lived(self, seconds: float) -> None:
        """The venue has closed one after so many idle seconds: they are used before that, as often as may be. Of a
        venue that closes them sooner all the same, no more are opened than would have been used.
        """
        with self._lock:
            if seconds < self.renewed + 2:
                self.renewed = max(SOONEST, 0.8 * seconds)
            if seconds < SOONEST:
                self._next_try = max(self._next_try, time.monotonic() + SOONEST)

    def _back(self, made: socket.socket | None, since: float, trouble: str, *, failed: bool | None = None) -> None:
        """One that was opened, or used, is idle now, or there is none."""
        failed = made is None if failed is None else failed
        with self._lock:
            self._busy -= 1
            self.trouble = trouble
            if failed:
                self._next_try = time.monotonic() + _PAUSES[min(self._failed, len(_PAUSES) - 1)]
                self._failed += 1
            elif made is not None:
                self._failed = 0
            if made is not None and not self._closed:
                self._idle.append(Idle(made=made, since=since))
                made = None
        if made is not None:
            made.close()


class Warm:
    """The warm connections to all hosts."""

    def __init__(self, hosts: dict[Host, WarmHost]) -> None:
        self.hosts = hosts

    def take(self, origin: str, ca_bundle: str | None, seconds: float) -> socket.socket | None:
        """One to an origin, which is the caller's from now on; None without one. Waits for none."""
        host = self.hosts.get((origin, ca_bundle))
        return host.take() if host is not None else None

    def leave(self, signed: SignedRequest, ca_bundle: str | None, until: float) -> bool:
        """Write a request on one to its origin, without a wait; False where it has to go in the ordinary way."""
        if signed.new_connection or signed.family is not None:
            return False
        host = self.hosts.get((signed.origin, ca_bundle))
        made = host.take() if host is not None else None
        if host is None or made is None:
            return False
        if leave(signed, made, until):
            return True
        host.give(made)
        return False

    def close(self) -> None:
        """Close them all, and open none any more."""
        for host in self.hosts.values():
            host.close()


def _readable(numbers: list[int]) -> list[int]:
    """Which of these descriptors have something to read, or have ended."""
    if hasattr(select, "poll"):
        looking = select.poll()
        for number in numbers:
            looking.register(number, select.POLLIN)
        return [number for number, _ in looking.poll(0)]
    return select.select(numbers, [], [], 0)[0] if numbers else []
