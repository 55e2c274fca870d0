"""Look a host's name up once, and connect to whichever of its addresses answers first.

A name that takes seconds to look up is looked up by one thread; the others wait for it, and the addresses serve every
later connection of the run. urllib3 tries addresses one after the other, each with the whole timeout: two dead ones
before a good one cost 2.0 s at a timeout of 1 s, a staggered race 0.5 s (measured). RFC 8305 recommends 250 ms between
attempts.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Literal

from cancelall.net import head_start

STAGGER = 0.25
"""Seconds before the next address is tried next to those under way."""
FAILED_SECONDS = 0.5
"""How long a name that did not resolve is not looked up again."""
RENEW_SECONDS = 2.0
"""How old addresses must be before the name is looked up once more because none of them can be connected to."""

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]

# No descriptor of its own, unlike epoll and kqueue: a process may have few left.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


class LookUpTimeout(TimeoutError):
    """The name was still being looked up when the time was over."""


class NoFamily(OSError):
    """The host has no address of the only family that is allowed."""


class _LookUp:
    """One look-up: who asks second waits for its end."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.addresses: tuple[Address, ...] = ()
        self.fault: Exception | None = None
        self.began = time.monotonic()
        self.ended = 0.0
        self.renewing = False

    def run(self, host: str, port: int) -> _LookUp:
        """Ask the resolver; nothing bounds its time."""
        try:
            self.addresses = tuple(_ask(host, port))
        except Exception as fault:  # handed to whoever waits
            self.fault = fault
        finally:
            self.ended = time.monotonic()
            self.done.set()
        return self

    @property
    def usable(self) -> bool:
        """Whether it is under way, has found addresses, or has failed too lately to be repeated."""
        return not self.done.is_set() or self.fault is None or time.monotonic() - self.ended < FAILED_SECONDS


_names: dict[tuple[str, int], _LookUp] = {}
_racing: dict[object, tuple[str, float]] = {}
"""The host of each race of addresses that is under way, and when it began."""
_lock = threading.Lock()


def connect(
    host: str, port: int, seconds: float, *, family: int | None = None, until: float | None = None
) -> socket.socket:
    """A connected, blocking TCP socket, of that address family where one is given.

    `seconds` bounds all addresses together. Name look-up comes on top: waiting for one that another thread has begun
    ends at the monotonic time `until`. When none of the addresses that were known before can be connected to, the name
    is looked up once more. Raises socket.gaierror when the name does not resolve, NoFamily, TimeoutError (LookUpTimeout
    for the name), or the first address's OSError.
    """
    lookup = _looked_up(host, port, until)
    try:
        return _race(host, _of_family(lookup.addresses, family), _end(seconds, until))
    except NoFamily:
        raise
    except OSError:
        again = _once_more(host, port, lookup)
        if again is None:
            raise
    return _race(host, _of_family(again.addresses, family), _end(seconds, until))


def resolve(host: str, port: int, until: float | None = None) -> list[Address]:
    """A host's addresses, the families taking turns; looked up once in a run. Raises as `connect` does for the name."""
    return list(_looked_up(host, port, until).addresses)


def renew(host: str, port: int) -> Exception | None:
    """Look a name up once more; blocks. What was known of it stays where that fails: why is what is returned."""
    again = _LookUp().run(host, port)
    with _lock:
        known = _names.get((host, port))
        if again.fault is None or known is None:
            _names[host, port] = again
    return again.fault


def standstill(host: str, seconds: float) -> Literal["", "name", "connection"]:
    """What connecting to a host has been waiting for, so many seconds at least; empty where it gets on."""
    latest = time.monotonic() - seconds
    with _lock:
        names = [one for (name, _), one in _names.items() if name == host]
        races = [since for name, since in _racing.values() if name == host]
    if any(one.fault is not None if one.done.is_set() else one.began <= latest for one in names):
        return "name"
    return "connection" if any(since <= latest for since in races) else ""


def _race(host: str, addresses: Sequence[Address], until: float) -> socket.socket:
    """The race to a host, noted while it is under way. Raises as `race`."""
    mine = object()
    with _lock:
        _racing[mine] = host, time.monotonic()
    try:
        return race(addresses, until)
    finally:
        with _lock:
            del _racing[mine]


def alternate(addresses: Iterable[Address]) -> list[Address]:
    """The resolver's order, with the families taking turns: a dead family must not come first four times."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    queues = list(families.values())
    longest = max(map(len, queues), default=0)
    return [queue[index] for index in range(longest) for queue in queues if index < len(queue)]


def race(addresses: Sequence[Address], until: float) -> socket.socket:
    """A connection to whichever answers first, by a monotonic time. Raises TimeoutError, or the first one's OSError."""
    waiting = list(addresses)
    faults: list[OSError] = []
    with _Selector() as selector, contextlib.ExitStack() as losers:
        next_start = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= until:
                raise TimeoutError("no address answered in time")
            under_way = bool(selector.get_map())
            if waiting and (now >= next_start or not under_way):
                next_start = now + STAGGER
                opened = _begin(waiting.pop(0), faults)
                if opened is not None:
                    losers.callback(_close_unless_won, opened)
                    selector.register(opened, selectors.EVENT_WRITE)
                continue
            if not under_way:
                raise faults[0]
            wait = min(until, next_start) - now if waiting else until - now
            for key, _ in selector.select(max(wait, 0.0)):
                made = key.fileobj
                assert isinstance(made, socket.socket)  # noqa: S101 - only sockets are registered
                selector.unregister(made)
                if code := made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    faults.append(OSError(code, os.strerror(code)))
                    next_start = now  # a refusal is an answer: the next one may start at once
                    continue
                made.setblocking(True)
                return made


def _close_unless_won(opened: socket.socket) -> None:
    """Only the winner of a race blocks."""
    if not opened.getblocking():
        opened.close()


def _begin(address: Address, faults: list[OSError]) -> socket.socket | None:
    """Start connecting without waiting; None when it fails at once."""
    family, kind, protocol, _, target = address
    made = None
    try:
        begun = head_start.descriptor(target)
        made = socket.socket(family, kind, protocol, begun)
        made.setblocking(False)
        if begun is not None:
            return made
        code = made.connect_ex(target)
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return made
        faults.append(OSError(code, os.strerror(code)))
    except OSError as fault:
        faults.append(fault)
    if made is not None:
        made.close()
    return None


def _end(seconds: float, until: float | None) -> float:
    end = time.monotonic() + seconds
    return end if until is None else min(end, until)


def _of_family(addresses: Sequence[Address], family: int | None) -> Sequence[Address]:
    """Those of one family. Raises NoFamily when there is none."""
    mine = [address for address in addresses if family is None or address[0] == family]
    if not mine:
        raise NoFamily(f"no {'IPv6' if family == socket.AF_INET6 else 'IPv4'} address")
    return mine


def _looked_up(host: str, port: int, until: float | None) -> _LookUp:
    """The look-up of a name: the one that is known or under way, else one of our own."""
    mine = None
    with _lock:
        lookup = _names.get((host, port))
        if lookup is None or not lookup.usable:
            lookup = _names[host, port] = mine = _LookUp()
    if mine is not None:
        mine.run(host, port)
    elif not lookup.done.wait(None if until is None else max(0.0, until - time.monotonic())):
        raise LookUpTimeout("the host name is still being looked up")
    if lookup.fault is not None:
        raise lookup.fault.with_traceback(None)
    return lookup


def _once_more(host: str, port: int, lookup: _LookUp) -> _LookUp | None:
    """Other addresses than those that were found; None when there are none, or nobody may ask again so soon."""
    with _lock:
        known = _names.get((host, port))
        if known is not lookup:
            return known if known and known.done.is_set() and _differ(known, lookup) else None
        if lookup.renewing or time.monotonic() - lookup.ended < RENEW_SECONDS:
            return None
        lookup.renewing = True
    again = _LookUp().run(host, port)
    with _lock:
        lookup.renewing = False
        lookup.ended = time.monotonic()  # the next one may ask after a while
        if again.fault is not None or not _differ(again, lookup):
            return None
        _names[host, port] = again
        return again


def _differ(one: _LookUp, other: _LookUp) -> bool:
    return one.fault is None and set(one.addresses) != set(other.addresses)


def _ask(host: str, port: int) -> list[Address]:
    """What the resolver says. Raises socket.gaierror, UnicodeError."""
    begun = [
        (socket.AddressFamily(one[0]), socket.SocketKind(one[1]), *one[2:]) for one in head_start.looked_up(host, port)
    ]
    name = head_start.name_for_resolver(host)
    addresses = alternate(begun or socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return addresses
