"""A connection to a venue: the race of its addresses, then TLS; how whoever waits on one is let go; and those that are
opened ahead, in the background of the imports.

What is opened ahead goes where the requests will go, in the same way: the same race of addresses, the same TLS context,
the same name check. Nothing is said on it. When one fails, has been closed in the meantime, or no thread or file
descriptor can be had for it, the ordinary way is taken, and its trouble is told there. A profile with a proxy has none.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cancelall.core.errors import CancelallError, TransportFault
from cancelall.core.profile import parts_of
from cancelall.net import dial, route

if TYPE_CHECKING:
    import ssl

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


class Handle:
    """What the thread of one attempt is waiting at. Whoever gives the attempt up cuts that, and the thread returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut: Callable[[], object] | None = None
        self.given_up = False

    def hold(self, made: socket.socket) -> None:
        """From now on the thread waits at this socket. Raises TransportFault when nobody waits for it any more."""
        self.watch(partial(shut, made))

    def watch(self, cut: Callable[[], object]) -> None:
        """From now on this lets the thread go. Raises TransportFault when nobody waits for it any more."""
        with self._lock:
            self._cut = cut
            if self.given_up:
                raise TransportFault("it was given up", kind="timeout")

    def let_go(self) -> bool:
        """The thread has all that it wanted of its socket; False if that was cut in the meantime."""
        with self._lock:
            self._cut = None
            return not self.given_up

    def give_up(self) -> None:
        """Nobody waits for this attempt any more. Called by any thread; blocks nobody."""
        with self._lock:
            self.given_up = True
            if self._cut is not None:
                self._cut()


def shut(made: socket.socket) -> None:
    """Let nothing in or out any more, and whoever waits at it go. It is still to be closed.

    Not by the method of a TLS socket: that one forgets its TLS first, and what another thread sends in that moment
    would go out in clear.
    """
    inner: socket.socket = made if isinstance(made, socket.socket) else made.socket  # TLS inside of TLS
    with contextlib.suppress(OSError):
        socket.socket.shutdown(inner, socket.SHUT_RDWR)


def connect(
    origin: str,
    ca_bundle: str | None,
    seconds: float,
    *,
    family: int | None = None,
    until: float | None = None,
    handle: Handle | None = None,
) -> socket.socket:
    """A connection to an origin that has said nothing yet, over the first address that answers. `seconds` bounds TCP,
    and again all of TLS.

    Raises as dial.connect, OSError (ssl.SSLError for TLS), ConfigError, and TransportFault when it was given up.
    """
    scheme, host, port = parts_of(origin)
    made = dial.connect(host, port, seconds, family=family, until=until)
    try:
        made.settimeout(seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if handle is not None:
            handle.hold(made)
    except BaseException:
        made.close()
        raise
    return secure(made, host, ca_bundle, handle) if scheme == "https" else made


def secure(tcp_socket: socket.socket, host: str, ca_bundle: str | None, handle: Handle | None = None) -> ssl.SSLSocket:
    """TLS on a connection, which it takes over, with the host that its certificate must name.

    Raises ssl.SSLError and other OSErrors, ConfigError, and TransportFault when it was given up.
    """
    made = tcp_socket
    try:
        name = host.rstrip(".")
        secured = route.tls_context(ca_bundle).wrap_socket(
            tcp_socket,
            # As bytes where that is the same: a str is taken through the tables of IDNA.
            server_hostname=name.encode() if name.isascii() else name,
            do_handshake_on_connect=False,
        )
        made = secured
        if handle is not None:
            handle.hold(secured)
        secured.do_handshake()
    except BaseException:
        made.close()
        raise
    return secured


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


# --- opened ahead ---


_Opened = tuple[socket.socket | None, float]
"""What came of one, and when: None where nothing did."""


class _Door:
    """The connections to one origin: how many are still to be had, and those that are there, the fastest first."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        """Held while one of the others is."""
        self.promised = 0
        self.opened: deque[_Opened] = deque()

    def claim(self) -> bool:
        """Whether one more may wait for a connection."""
        with self.changed:
            self.promised -= 1 if (free := self.promised > 0) else 0
        return free

    def get(self, seconds: float) -> _Opened | None:
        """What has come of the one that was claimed, the oldest first; None after so many seconds."""
        with self.changed:
            came = self.changed.wait_for(self.opened.__len__, max(0.0, seconds))
            return self.opened.popleft() if came else None

    def give_back(self, connections: Sequence[_Opened]) -> None:
        """Leave to others what was claimed and not used."""
        with self.changed:
            self.promised += len(connections)
            self.opened.extend(connections)
            self.changed.notify(len(connections))


Host = tuple[str, str | None]
"""An origin, and the certificate authorities to trust there, None for the usual ones."""
_doors: dict[Host, _Door] = {}


def preconnect(hosts: Mapping[Host, Iterable[int]]) -> None:
    """Begin to connect to some hosts, and return at once. A kill goes on without what fails here.

    What is given for a host are numbers of first requests, one for each profile there; they are computed only when one
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
        _open_more(origin, ca_bundle, min(count, share) - 1)


def at_ease() -> None:
    """The start is over: threads take turns as usual."""
    sys.setswitchinterval(0.005)


def take(origin: str, ca_bundle: str | None, seconds: float, family: int | None = None) -> socket.socket | None:
    """An open connection to an origin that nobody has used, or None when there is none within so many seconds.

    Of a given address family, only one that is there already: the next may go the other way again.
    """
    door = _doors.get((origin, ca_bundle))
    until = time.monotonic() + (seconds if family is None else 0.0)
    others: list[_Opened] = []
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


def _open_more(origin: str, ca_bundle: str | None, count: int) -> None:
    door = _doors[origin, ca_bundle]
    with door.changed:
        door.promised += count
    begun = _start_threads(count, _open, door, origin, ca_bundle)
    with door.changed:
        door.promised -= count - begun


def _start_threads(count: int, work: Callable[..., None], *arguments: object) -> int:
    """Begin the work so many times, each in a thread of its own; how many could be had."""
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
    with contextlib.suppress(CancelallError):
        route.tls_context(ca_bundle)


def _open(door: _Door, origin: str, ca_bundle: str | None) -> None:
    made = None
    try:
        made = connect(origin, ca_bundle, CONNECT_SECONDS)
    except Exception:
        made = None
    with door.changed:
        door.opened.append((made, time.monotonic()))
        door.changed.notify()
