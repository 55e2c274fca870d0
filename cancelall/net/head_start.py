"""Connections that are opened ahead: in the background of the imports, and the first one even before these.

The first packet to a host leaves by the modules beneath `socket` and `threading`, which take 4 ms to import; `dial`
waits for the name that is looked up here, and goes on with the socket. What is opened ahead goes where the requests
will go, in the same way: the same race of addresses, the same TLS context, the same name check. Nothing is said on it.
When one fails, has been closed in the meantime, or no thread or file descriptor can be had for it, the ordinary way is
taken, and its trouble is told there. A profile with a proxy has none.
"""

from __future__ import annotations

import _socket
import _thread
import errno
import os
import sys
import time
from collections import deque
from functools import partial

TYPE_CHECKING = False
"""Not `typing`'s, which takes longer to import than all of this."""
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from cancelall.net.route import Host

    Address = tuple[int, int, int, str, Any]
    """As `socket.getaddrinfo` has it."""
    Opened = tuple[socket.socket | None, float]
    """What came of a connection, and when: None where nothing did."""

SWITCH_SECONDS = 0.0005
"""How long a thread waits for the interpreter while the program starts; see `at_ease`."""
FRESH_SECONDS = 2.0
"""How old a socket may be that `dial` goes on with: what has not connected by then does not."""
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
_BEGUN = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)
_OF_A_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


# --- the first packet ---


class _Begun:
    """A host whose name is being looked up, and a socket that connects to the first of its addresses."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._addresses: Sequence[Address] = ()
        self._fault: Exception | None = None
        self._sockets: dict[object, tuple[_socket.socket, float]] = {}
        """By where they connect to, and since when, in monotonic seconds."""
        self._looking = _thread.allocate_lock()
        """Held until the addresses are known, and the first of them is tried."""
        self._looking.acquire()

    def run(self, flags: int = 0) -> None:
        """Look it up, and begin to connect. Never raises: what cannot be connected to is tried, and told, by `dial`."""
        try:
            name = name_for_resolver(self._host)
            self._addresses = _socket.getaddrinfo(name, self._port, 0, _socket.SOCK_STREAM, 0, flags)
            for family, kind, protocol, _, target in self._addresses[:1]:
                made = _socket.socket(family, kind, protocol)
                made.setblocking(False)
                if made.connect_ex(target) in _BEGUN:
                    self._sockets[target] = made, time.monotonic()
                else:
                    made.close()
        except Exception as fault:
            if not (self._addresses or flags):  # else whatever it is, it is met again where it can be told
                self._fault = fault
        finally:
            self._looking.release()

    def addresses(self) -> Sequence[Address]:
        """What was found, for who asks first; nothing for who comes later. Waits for it. Raises what looking up did."""
        with self._looking:
            found, self._addresses = self._addresses, ()
            fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        return found

    def descriptor(self, target: object) -> int | None:
        """That of the socket, which does not block, if it connects there. It is the caller's from now on."""
        made, since = self._sockets.pop(target, (None, 0.0))
        if made is not None and time.monotonic() - since >= FRESH_SECONDS:
            made.close()
            return None
        return None if made is None else made.detach()


_begun: dict[tuple[str, int], _Begun] = {}


def usual_host(origin: str) -> tuple[str, int] | None:
    """The host and the port of an origin as every venue's is: https, a name, and a port or none. None for any other."""
    scheme, _, place = origin.partition("://")
    host, colon, port = place.partition(":")
    if scheme != "https" or not host or not _OF_A_NAME.issuperset(host):
        return None
    if not colon:
        return host, 443
    fits = port.isascii() and port.isdecimal() and port[0] != "0" and len(port) < 6 and int(port) < 65536
    return (host, int(port)) if fits else None


def begin(host: str, port: int) -> None:
    """Begin to connect to a host, whose name is looked up in the background if it has one.

    To begin it once more changes nothing. Where no thread can be had for a name, nothing is begun.
    """
    if (host, port) in _begun:
        return
    begun = _Begun(host, port)
    if ":" in host or host.replace(".", "").isdigit():
        begun.run(_socket.AI_NUMERICHOST)  # what only looks like a number would be asked for elsewhere
    else:
        sys.setswitchinterval(SWITCH_SECONDS)
        name_for_resolver(host)  # before there is a thread: the environment is no place for two
        try:
            _thread.start_new_thread(begun.run, ())
        except (RuntimeError, MemoryError):
            return
    _begun[host, port] = begun


def looked_up(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host that was begun, for who asks first; else none.

    Waits for as long as looking them up takes. Raises what that raised.
    """
    begun = _begun.get((host, port))
    return begun.addresses() if begun is not None else ()


def descriptor(target: object) -> int | None:
    """That of a socket which was begun and connects there, without blocking. It is the caller's from now on."""
    return next((one for begun in list(_begun.values()) if (one := begun.descriptor(target)) is not None), None)


def name_for_resolver(host: str) -> str | bytes:
    """A host's name as it is looked up, by a resolver that is not waited for for 40 s, which glibc's else takes."""
    os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")
    return host.encode() if host.isascii() else host  # a str is taken through the tables of IDNA, 5 ms to import


# --- all of them ---


class _Door:
    """The connections to one origin: how many are still to be had, and those that are there, the fastest first."""

    def __init__(self) -> None:
        import threading

        self.changed = threading.Condition()
        """Held while one of the others is."""
        self.promised = 0
        self.opened: deque[Opened] = deque()

    def claim(self) -> bool:
        """Whether one more may wait for a connection."""
        with self.changed:
            self.promised -= 1 if (free := self.promised > 0) else 0
        return free

    def get(self, seconds: float) -> Opened | None:
        """What has come of the one that was claimed, the oldest first; None after so many seconds."""
        with self.changed:
            came = self.changed.wait_for(self.opened.__len__, max(0.0, seconds))
            return self.opened.popleft() if came else None

    def give_back(self, connections: Sequence[Opened]) -> None:
        """Leave to others what was claimed and not used."""
        with self.changed:
            self.promised += len(connections)
            self.opened.extend(connections)
            self.changed.notify(len(connections))


_doors: dict[Host, _Door] = {}


def preconnect(hosts: Mapping[Host, Iterable[int]], connect: Callable[[str, str | None], socket.socket]) -> None:
    """Begin to connect to some hosts, and return at once. A kill goes on without what fails here.

    `connect` is called by threads, so that what it takes is imported there.

    What is given for a host are numbers of first requests, one for each profile there; they are computed only when one
    connection to each host is on its way, since a venue has to be imported to know them. The threads that do it have a
    few steps each, and the imports on the main thread would keep each waiting for the interpreter for its usual 5 ms.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    room = _room()
    hosts = dict(list(hosts.items())[:room])
    for origin, ca_bundle in hosts:
        _doors[origin, ca_bundle] = _Door()
        _open_more(origin, ca_bundle, 1, connect)
    if hosts:
        time.sleep(UNDISTURBED)
    for ca_bundle in {ca_bundle for origin, ca_bundle in hosts if origin.startswith("https:")}:
        _start_threads(1, _load, ca_bundle)
    share = min(AT_MOST, room // max(1, len(hosts)))
    if share < 2:
        return
    for (origin, ca_bundle), numbers in hosts.items():
        count = 0
        for number in numbers:  # of a thousand profiles on one host not all need be looked at
            count += number
            if count >= share:
                break
        _open_more(origin, ca_bundle, min(count, share) - 1, connect)


def at_ease() -> None:
    """The start is over: threads take turns as usual."""
    sys.setswitchinterval(0.005)


def take(origin: str, ca_bundle: str | None, seconds: float, family: int | None = None) -> socket.socket | None:
    """An open connection to an origin that nobody has used, or None when there is none within so many seconds.

    Of a given address family, only one that is there already: the next may go the other way again.
    """
    door = _doors.get((origin, ca_bundle))
    until = time.monotonic() + (seconds if family is None else 0.0)
    others: list[Opened] = []
    try:
        while door is not None and door.claim():
            made, since = door.get(until - time.monotonic()) or (None, 0.0)
            if made is None:
                return None
            if time.monotonic() - since >= LIFETIME or not silent(made):
                made.close()
            elif family is None or made.family == family:
                return made
            else:
                others.append((made, since))
        return None
    finally:
        if door is not None:
            door.give_back(others)


def silent(made: socket.socket) -> bool:
    """Whether the peer has neither closed nor said anything. TLS sends its session tickets unasked: those are read.

    What it has said is lost: a connection that is not silent can only be closed.
    """
    import ssl  # there by now, if the connection needed it

    timeout = made.gettimeout()
    try:
        made.settimeout(0)
        made.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        made.settimeout(timeout)
        return True
    except (OSError, ValueError):
        return False
    return False


def _open_more(
    origin: str, ca_bundle: str | None, count: int, connect: Callable[[str, str | None], socket.socket]
) -> None:
    door = _doors[origin, ca_bundle]
    with door.changed:
        door.promised += count
    begun = _start_threads(count, _open, door, partial(connect, origin, ca_bundle))
    with door.changed:
        door.promised -= count - begun


def _start_threads(count: int, work: Callable[..., None], *arguments: object) -> int:
    """Begin the work so many times, each in a thread of its own; how many could be had."""
    import threading

    for begun in range(count):
        try:
            threading.Thread(target=work, args=arguments, name="preconnect", daemon=True).start()
        except (RuntimeError, MemoryError):
            return begun
    return count


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
    from cancelall.core.errors import CancelallError
    from cancelall.net import route

    try:
        route.tls_context(ca_bundle)
    except CancelallError:
        return


def _open(door: _Door, connect: Callable[[], socket.socket]) -> None:
    try:
        made = connect()
    except Exception:
        made = None
    with door.changed:
        door.opened.append((made, time.monotonic()))
        door.changed.notify()
