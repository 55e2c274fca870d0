"""Connections that are opened beside the imports, so that the first requests find them there.

They go where the requests will go, in the same way: the same race of addresses, the same TLS context, the same name
check. Nothing is said on them. When one fails, has been closed in the meantime, or no thread or file descriptor can be
had for it, the ordinary way is taken, and its trouble is told there. A profile with a proxy has none.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from cancelall.core.errors import CancelallError
from cancelall.net import connection

CONNECT_SECONDS = 2.0
"""For TCP, and again for TLS."""
SWITCH_SECONDS = 0.0005
"""How long a thread waits for the interpreter while the program starts; see `at_ease`."""
UNDISTURBED = 0.001
"""Seconds that the connections have the interpreter to themselves: their first packets are out before it imports on."""
LIFETIME = 10.0
"""Seconds after which one is not used any more: a router on the way may have forgotten it without a word."""
AT_MOST = 16
"""Connections to one host, for as many first cancels. 80 ms away, the tenth cancel leaves 0.5 s after the first when
only that one finds a connection, 0.3 s with eight, 0.07 s with one for each, and the first leaves no later."""
ALTOGETHER = 48
"""Connections to all hosts: each takes a thread and a file descriptor until it is used."""
_DESCRIPTORS_FOR_OTHERS = 16
"""File descriptors that are left to the rest of the start, which opens modules, the journal, and the event loop's."""
_DESCRIPTORS_EACH = 3
"""What one takes while the addresses are raced: the socket, its copy, the selector."""


class _Door:
    """The connections to one origin: how many are still to be had, and those that are there, the fastest first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.promised = 0
        self.opened: queue.SimpleQueue[tuple[socket.socket | None, float]] = queue.SimpleQueue()

    def claim(self) -> bool:
        """Whether one more may wait for a connection."""
        with self.lock:
            self.promised -= 1 if (free := self.promised > 0) else 0
        return free

    def give_back(self, connections: Sequence[tuple[socket.socket | None, float]]) -> None:
        """Leave to others what was claimed and not used."""
        with self.lock:
            self.promised += len(connections)
        for one in connections:
            self.opened.put(one)


_doors: dict[tuple[str, str | None], _Door] = {}


Host = tuple[str, str | None]
"""An origin, and the certificate authorities to trust there, None for the usual ones."""


def connect(hosts: Mapping[Host, Iterable[int]]) -> None:
    """Begin to connect to some hosts, and return at once. A kill goes on without what fails here.

    What is given for a host are numbers of first requests, one for each profile there; they are asked for only when one
    connection to each host is on its way, since a venue has to be imported to know them. The threads that do it have a
    few steps each, and the imports on the main thread would keep each waiting for the interpreter for its usual 5 ms.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    room = _room()
    hosts = dict(list(hosts.items())[:room])
    for origin, ca_bundle in hosts:
        _doors[origin, ca_bundle] = _Door()
        _open_more(origin, ca_bundle, 1)
    if hosts:
        time.sleep(UNDISTURBED)
    for ca_bundle in {ca_bundle for origin, ca_bundle in hosts if origin.startswith("https:")}:
        _beside(_load, ca_bundle)
    share = min(AT_MOST, room // max(1, len(hosts)))
    if share < 2:  # each has its one
        return
    for (origin, ca_bundle), numbers in hosts.items():
        count = 0
        for number in numbers:  # of a thousand profiles on one host not all need be asked
            count += number
            if count >= share:
                break
        _open_more(origin, ca_bundle, min(count, share) - 1)


def at_ease() -> None:
    """The start is over: threads take turns as usual."""
    sys.setswitchinterval(0.005)


def waiting() -> bool:
    """Whether connections are on their way, and none has arrived."""
    doors = _doors.values()
    return any(door.promised for door in doors) and all(door.opened.empty() for door in doors)


def take(origin: str, ca_bundle: str | None, seconds: float, family: int | None = None) -> socket.socket | None:
    """An open connection to an origin that nobody has used, or None when there is none within so many seconds.

    Of an address family that is asked for, only one that is there already: the next may go the other way again.
    """
    door = _doors.get((origin, ca_bundle))
    until = time.monotonic() + (seconds if family is None else 0.0)
    others: list[tuple[socket.socket | None, float]] = []
    try:
        while door is not None and door.claim():
            try:
                made, since = door.opened.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            if made is None:
                return None
            if time.monotonic() - since >= LIFETIME or not connection.silent(made):
                made.close()
            elif family is None or made.family == family:
                return made
            else:
                others.append((made, since))
        return None
    finally:
        if door is not None:
            door.give_back(others)


def _open_more(origin: str, ca_bundle: str | None, count: int) -> None:
    door = _doors[origin, ca_bundle]
    for _ in range(count):
        with door.lock:
            door.promised += 1
        if not _beside(_open, door, origin, ca_bundle):
            with door.lock:
                door.promised -= 1
            return


def _beside(work: object, *words: object) -> bool:
    """Begin it in a thread of its own; False when none can be had."""
    try:
        threading.Thread(target=work, args=words, name="early", daemon=True).start()  # type: ignore[arg-type]
    except (RuntimeError, MemoryError):
        return False
    return True


def _room() -> int:
    """How many connections may be opened ahead; none take the file descriptors that the start itself needs."""
    try:
        import resource  # the guard has loaded it
    except ImportError:  # Windows has no such limit for sockets
        return ALTOGETHER
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return ALTOGETHER
    return max(0, min(ALTOGETHER, (soft - _DESCRIPTORS_FOR_OTHERS) // _DESCRIPTORS_EACH))


def _load(ca_bundle: str | None) -> None:
    from cancelall.net import tls  # beside the first step of the connections, like the bundle

    with contextlib.suppress(CancelallError):
        tls.context(ca_bundle)


def _open(door: _Door, origin: str, ca_bundle: str | None) -> None:
    made = None
    try:
        made = connection.connect(origin, ca_bundle, CONNECT_SECONDS)
    except Exception:  # whatever it is, the ordinary way meets it too and tells it
        made = None
    door.opened.put((made, time.monotonic()))
