"""UNIX datagrams: each is a beat, or fires, by having come. What is in one is never read.

A socket that systemd holds (`ListenDatagram=` of a socket unit) is taken over by its path: what is sent while the guard
is started again then waits in the kernel.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import time
from collections.abc import Callable, MutableMapping, Sequence

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted_path
from cancelall.guard.model import Pressed, Sight
from cancelall.guard.triggers.source import Bell, TriggerSource, WatchedTime, absolute, directory_of, words_of

_FIRST = 3
"""The first descriptor that systemd hands over: sd_listen_fds(3)."""
_AT_ONCE = 1024
"""Datagrams that are taken at a time: nobody can keep the loop from its work by sending."""
_LONGEST = 100
"""Bytes of a path that a socket can have everywhere: macOS takes 103, Linux 107."""
_AGAIN = 1.0
"""Watched seconds between two attempts to have a socket again that somebody has removed."""
_MODE, _SHARED = 0o600, 0o660
HAS_UNIX = hasattr(socket, "AF_UNIX")


def inherited(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """The sockets that systemd has handed over to this process. The variables are taken out: they are for it alone."""
    given, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if given != str(os.getpid()) or not count.isdecimal():
        return []
    made = []
    for descriptor in range(_FIRST, _FIRST + min(int(count), 64)):
        with contextlib.suppress(OSError):
            os.set_inheritable(descriptor, False)
            made.append(socket.socket(fileno=descriptor))
    return made


def taken(sockets: list[socket.socket], kind: int, name: object) -> socket.socket | None:
    """The one of that kind and name, taken out of the list. A path can lead there in another way: /var/run is /run."""
    for one in sockets:
        with contextlib.suppress(OSError):
            if one.type == kind and _resolved(one.getsockname()) == _resolved(name):
                sockets.remove(one)
                return one
    return None


def drained(made: socket.socket) -> int:
    """Take what has come to a socket; how many. Never waits."""
    count = 0
    with contextlib.suppress(OSError):
        while count < _AT_ONCE:
            made.recv(1, getattr(socket, "MSG_DONTWAIT", 0))
            count += 1
    return count


class Datagrams:
    """A socket that counts what comes."""

    def __init__(self, path: str, what: str, given: list[socket.socket], *, lenient: bool) -> None:
        """Raises ConfigError for a path that cannot be one, or that somebody else listens on.

        When it is lenient, that is a trouble: it is tried again.
        """
        self.path = str(absolute(path, what))
        self.count = 0
        self._what = what
        self._bell: Bell | None = None
        self._act: Callable[[], object] = self.drain
        if not HAS_UNIX:
            raise ConfigError(f"{quoted_path(path)}: there are no UNIX sockets here", "beat a file, or over http")
        if len(os.fsencode(self.path)) > _LONGEST:
            raise ConfigError(f"the path of the {what} {quoted_path(path)} is too long", f"at most {_LONGEST} bytes")
        passed = taken(given, socket.SOCK_DGRAM, self.path)
        self._ours = passed is None
        self._socket: socket.socket | None = None
        self._inode: int | None = None
        self._lost = 0.0
        self._why = ""
        try:
            self._have(passed or self._bound())
        except ConfigError as error:
            if not lenient:
                raise
            self._why = error.message
        self._watched = WatchedTime()

    def drain(self) -> int:
        """Take what has come, and count it."""
        came = 0 if self._socket is None else drained(self._socket)
        self.count += came
        return came

    def attach(self, bell: Bell, act: Callable[[], object]) -> None:
        """Have this called whenever something has come; it has to drain."""
        self._bell, self._act = bell, act
        if self._socket is not None:
            bell.listen(self._socket.fileno(), act)

    def trouble(self, at: float) -> str:
        """Why nothing can come any more; empty while it can. A socket that was removed is made again."""
        watched = self._watched.since(at)
        inode = _inode(self.path)
        out_of_sight = not self._ours and self._inode is None  # systemd holds it where the sandbox does not let us look
        if out_of_sight or (inode and inode == self._inode):
            self._lost = 0.0
            return ""
        if self._ours and self._lost >= _AGAIN and (inode is None or self._socket is None):
            self._lost = 0.0
            try:
                self._have(self._bound())
                return ""
            except ConfigError as error:
                self._why = error.message
        self._lost += watched
        if self._socket is None:
            return self._why
        return "its socket was removed" if inode is None else "somebody else has put another in its place"

    def close(self) -> None:
        """Give the socket back. What systemd holds stays."""
        if self._ours and self._inode and _inode(self.path) == self._inode:
            with contextlib.suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108
        self._inode = None
        self._let_go()

    def _have(self, made: socket.socket) -> None:
        """Take what comes to this socket from now on."""
        self.drain()
        self._let_go()
        made.setblocking(False)
        self._socket, self._inode = made, _inode(self.path)
        if self._bell is not None:
            self._bell.listen(made.fileno(), self._act)

    def _let_go(self) -> None:
        if self._socket is not None:
            if self._bell is not None:
                self._bell.drop(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _bound(self) -> socket.socket:
        """A socket at the path, for its owner alone; for the group, too, in a directory that gives files its group.

        One that nobody listens on is what a guard before this one has left.
        """
        path = absolute(self.path, self._what)
        directory_of(path, self._what)
        self._clear_away()
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        mask = os.umask(0o177)
        try:
            made.bind(self.path)
            if os.stat(path.parent).st_mode & stat.S_ISGID:  # noqa: PTH116
                os.chmod(self.path, _SHARED)  # noqa: PTH101
        except OSError as fault:
            made.close()
            raise ConfigError(
                f"the {self._what} {quoted_path(self.path)} cannot be made: {words_of(fault)}", ""
            ) from None
        finally:
            os.umask(mask)
        return made

    def _clear_away(self) -> None:
        try:
            status = os.lstat(self.path)
        except FileNotFoundError:
            return
        except OSError as fault:
            raise ConfigError(
                f"the {self._what} {quoted_path(self.path)} cannot be made: {words_of(fault)}", ""
            ) from None
        if not stat.S_ISSOCK(status.st_mode):
            raise ConfigError(
                f"the {self._what} {quoted_path(self.path)} is taken by what is no socket", "name another path"
            )
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            probe.connect(self.path)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108
            return
        except OSError as fault:
            if fault.errno == errno.ENOENT:
                return
        finally:
            probe.close()
        raise ConfigError(f"the {self._what} {quoted_path(self.path)} is taken by another program", "name another path")


class BeatSocket(TriggerSource):
    """A socket of which each datagram is a beat."""

    trigger = "heartbeat"

    def __init__(self, source: str, path: str, given: list[socket.socket], *, lenient: bool = False) -> None:
        """Raises ConfigError as `Datagrams` does."""
        super().__init__(source)
        self._datagrams = Datagrams(path, "heartbeat socket", given, lenient=lenient)
        self._since = nonce()

    def look(self, at: float) -> Sight:
        """Its key counts what has come since the guard was started; empty before the first."""
        self._datagrams.drain()
        count = self._datagrams.count
        return self.sight(key=f"{self._since}:{count}" if count else "", trouble=self._datagrams.trouble(at))

    def attach(self, bell: Bell) -> None:
        """Take datagrams when they come: who sends would wait for a full queue. A beat is no reason to wake anybody."""
        self._datagrams.attach(bell, self._datagrams.drain)

    def close(self) -> None:
        self._datagrams.close()


class FireSocket:
    """A socket of which each datagram fires, whatever is in it: for scripts, and for what comes during a restart."""

    def __init__(self, path: str, given: list[socket.socket], *, lenient: bool = False) -> None:
        """Raises ConfigError as `Datagrams` does."""
        self._datagrams = Datagrams(path, "socket that fires", given, lenient=lenient)
        self._bell: Bell | None = None
        self.trouble = ""
        """Why nothing can come to it; empty while it can."""

    def pressed(self, at: float) -> tuple[Pressed, ...]:
        """What came since the last look: many datagrams are one."""
        self._datagrams.drain()
        count, self._datagrams.count = self._datagrams.count, 0
        self.trouble = self._datagrams.trouble(at)
        return (Pressed(trigger="command", source="a datagram"),) if count else ()

    def attach(self, bell: Bell) -> None:
        """Ring the bell for each."""
        self._bell = bell
        self._datagrams.attach(bell, self._came)

    def close(self) -> None:
        """Give the socket back."""
        self._datagrams.close()

    def _came(self) -> None:
        if self._datagrams.drain() and self._bell is not None:
            self._bell.ring()


def named(sockets: Sequence[socket.socket], name: str) -> str:
    """The path of the datagram socket that is called so, in whatever directory; empty where there is none."""
    for one in sockets:
        with contextlib.suppress(OSError):
            path = one.getsockname()
            if one.type == socket.SOCK_DGRAM and isinstance(path, str) and os.path.basename(path) == name:  # noqa: PTH119
                return path
    return ""


def _resolved(name: object) -> object:
    return os.path.realpath(name) if isinstance(name, str) else name


def nonce() -> str:
    """What tells the beats of this guard from those that one before it has counted."""
    return f"{os.getpid()}.{time.monotonic_ns()}"


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Give back what nobody wanted."""
    for one in sockets:
        one.close()


def _inode(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return None
