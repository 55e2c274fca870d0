"""Processes by their number, or by a file that holds it. A number that is used again is another process, and a death.

Linux: a pidfd says when one ends, whatever becomes of its number; `/proc/PID/stat` says when it started, which tells it
from others over a restart of the guard. macOS and BSD: kqueue, and ps. Windows: nothing.
"""

from __future__ import annotations

import os
import select
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted, quoted_path
from cancelall.guard.model import Sight
from cancelall.guard.triggers.source import Bell, TriggerSource, absolute, directory_of, words_of

_MOST = 4_194_304
"""The largest number of a process: pid_max_limit of linux/threads.h."""
_DIGITS = 10
_SIZE = 64
"""Bytes of a pidfile that are read."""
_PROC = Path("/proc")


class Followed(Protocol):
    """One process, whatever becomes of its number."""

    key: str
    """Its number and when it started."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def attach(self, bell: Bell) -> None:
        """Ring the bell when it ends."""

    def close(self) -> None:
        """Follow it no more."""


class UnfollowedError(Exception):
    """A process that may run and cannot be followed: the reason is its argument."""


def follow(pid: int) -> Followed | None:
    """The process that has this number now; None when there is none. Raises UnfollowedError."""
    if sys.platform == "win32":
        raise UnfollowedError("processes cannot be watched on Windows")
    if sys.platform == "linux":
        return _ByPidfd.of(pid) if hasattr(os, "pidfd_open") else _ByProc.of(pid)
    return _ByKqueue.of(pid)


class _ByPidfd:
    def __init__(self, descriptor: int, key: str) -> None:
        self.key = key
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._bell: Bell | None = None
        self._dead = False

    @classmethod
    def of(cls, pid: int) -> Followed | None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        except OSError as fault:
            if fault.strerror and fault.errno not in (38, 1):  # ENOSYS, EPERM: an old kernel, a filter of system calls
                raise UnfollowedError(f"no process of its own: {words_of(fault)}") from None
            return _ByProc.of(pid)
        try:
            made = cls(descriptor, f"{pid}:{_started(pid)}")
        except UnfollowedError:
            ended = bool(select.select([descriptor], [], [], 0)[0])
            os.close(descriptor)
            if ended:
                return None
            raise
        if made.alive():  # the number was its own while it was read when it started
            return made
        made.close()
        return None

    def alive(self) -> bool:
        self._dead = self._dead or bool(self._poll.poll(0))
        return not self._dead

    def attach(self, bell: Bell) -> None:
        self._bell = bell
        bell.listen(self._descriptor, self._ended)

    def close(self) -> None:
        if self._descriptor >= 0:
            if self._bell is not None:
                self._bell.drop(self._descriptor)
            os.close(self._descriptor)
            self._descriptor, self._dead = -1, True

    def _ended(self) -> None:
        """It stays readable from now on: to listen further would keep the loop busy."""
        if self._bell is not None:
            self._bell.drop(self._descriptor)
            self._bell.ring()


class _ByProc:
    """Where the kernel has no pidfd, before Linux 5.3."""

    def __init__(self, pid: int, key: str) -> None:
        self.key = key
        self._pid = pid

    @classmethod
    def of(cls, pid: int) -> Followed | None:
        if not _exists(pid):
            return None
        made = cls(pid, f"{pid}:{_started(pid)}")
        return made if made.alive() else None

    def alive(self) -> bool:
        try:
            state, threads, started = _stat(self._pid)
        except UnfollowedError:
            return _exists(self._pid)
        return f"{self._pid}:{started}" == self.key and (state not in "ZX" or threads > 1)

    def attach(self, bell: Bell) -> None:
        """Nothing tells when it ends: it is looked at."""

    def close(self) -> None:
        """Nothing is held."""


class _ByKqueue:
    """macOS and BSD: kqueue(2) says when a process ends, and is bound to it, not to its number."""

    def __init__(self, pid: int) -> None:
        self.key = f"{pid}:{_started_by_ps(pid)}"
        self._bell: Bell | None = None
        self._dead = False
        self._select: Any = select  # what is in it depends on the system
        self._queue = self._select.kqueue()
        kind, flags, what = (getattr(select, f"KQ_{name}") for name in ("FILTER_PROC", "EV_ADD", "NOTE_EXIT"))
        try:
            self._queue.control([self._select.kevent(pid, filter=kind, flags=flags, fflags=what)], 0)
        except BaseException:
            self._queue.close()
            raise

    @classmethod
    def of(cls, pid: int) -> Followed | None:
        try:
            return cls(pid) if _exists(pid) else None
        except ProcessLookupError:
            return None
        except OSError as fault:
            raise UnfollowedError(words_of(fault)) from None

    def alive(self) -> bool:
        self._dead = self._dead or bool(self._queue.control([], 1, 0))
        return not self._dead

    def attach(self, bell: Bell) -> None:
        self._bell = bell
        bell.listen(self._queue.fileno(), self._ended)

    def close(self) -> None:
        if not self._queue.closed:
            if self._bell is not None:
                self._bell.drop(self._queue.fileno())
            self._queue.close()
        self._dead = True

    def _ended(self) -> None:
        """What it had to say is taken: from now on it is known."""
        if not self.alive() and self._bell is not None:
            self._bell.drop(self._queue.fileno())
            self._bell.ring()


def _exists(pid: int) -> bool:
    """Whether there is a process of that number, a zombie among them."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _stat(pid: int) -> tuple[str, int, int]:
    """State, number of threads, and start in ticks since the boot: proc_pid_stat(5). Raises UnfollowedError."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
        fields = text.rpartition(b")")[2].split()
        return fields[0].decode("ascii"), int(fields[17]), int(fields[19])
    except (OSError, ValueError, IndexError):
        raise UnfollowedError(f"/proc/{pid}/stat cannot be read: hidden from this user, or by the sandbox") from None


def _started(pid: int) -> int:
    return _stat(pid)[2]


def _started_by_ps(pid: int) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            timeout=2,
            check=False,
            env={"LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        raise UnfollowedError("ps does not tell when it started") from None
    return "".join(chr(byte) for byte in done.stdout if 32 < byte < 127)


class Numbered(TriggerSource):
    """A process by its number: the one that had it when the guard was started, and no other for ever."""

    trigger = "process"

    def __init__(self, source: str) -> None:
        """Raises ConfigError for what is no number of a process, or cannot be watched."""
        super().__init__(source)
        pid = int(source)
        if not 0 < pid <= _MOST:
            raise ConfigError(f'"{quoted(source)}" is no number of a process', "")
        if pid == os.getpid():
            raise ConfigError("a guard cannot watch itself", "name the process of the bot")
        self._trouble = ""
        self._process: Followed | None = None
        try:
            self._process = follow(pid)
        except UnfollowedError as fault:
            self._trouble = str(fault)

    def expect(self) -> None:
        """Raise ConfigError for what cannot be watched. A number that nobody has is no mistake: it died meanwhile."""
        if self._trouble:
            raise ConfigError(f"the process {quoted(self.source)} cannot be watched: {self._trouble}", "")

    def look(self, at: float) -> Sight:
        """Its key, and whether it lives."""
        if self._process is None:
            return self.sight(trouble=self._trouble)
        return self.sight(key=self._process.key, present=self._process.alive())

    def attach(self, bell: Bell) -> None:
        if self._process is not None:
            self._process.attach(bell)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()


class Pidfile(TriggerSource):
    """A process by the file that holds its number, which is read at each look.

    A file that vanished, or is being written, says nothing: as long as the process lives it is the one.
    """

    trigger = "process"

    def __init__(self, source: str) -> None:
        """Raises ConfigError for a path that cannot be one."""
        super().__init__(source)
        self._path = absolute(source, "pidfile")
        self._process: Followed | None = None
        self._number = 0
        self._bell: Bell | None = None

    def expect(self) -> None:
        """Raise ConfigError for what cannot be looked at as it is now."""
        directory_of(self._path, "pidfile")
        if trouble := self.look(0.0).trouble:
            raise ConfigError(f"the pidfile {quoted_path(self.source)} cannot be used: {trouble}", "")

    def look(self, at: float) -> Sight:
        """The key of the process that the file names, and whether it lives."""
        try:
            number = self._read()
            if number and (number != self._number or self._process is None):
                self._take(number)
        except (OSError, UnfollowedError) as fault:
            why = words_of(fault) if isinstance(fault, OSError) else str(fault)
            return self._seen(trouble=why)
        return self._seen()

    def attach(self, bell: Bell) -> None:
        self._bell = bell
        if self._process is not None:
            self._process.attach(bell)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()

    def _seen(self, trouble: str = "") -> Sight:
        if self._process is None:
            return self.sight(trouble=trouble)
        return self.sight(key=self._process.key, present=self._process.alive(), trouble=trouble)

    def _take(self, number: int) -> None:
        """Follow the process of this number from now on. One that was not there is tried for as long as it is named."""
        process = follow(number)
        if process is None:
            if number != self._number and self._process is not None:
                self._process.close()  # the file names another, which is dead: so is the one that was
            self._number = number
            return
        if self._process is not None:
            self._process.close()
        self._process, self._number = process, number
        if self._bell is not None:
            process.attach(self._bell)

    def _read(self) -> int:
        """The number in the file; 0 where it holds none yet, or is not there. Raises OSError, UnfollowedError."""
        try:
            # Without a stream, which costs more than all else here: it is done several times a second.
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return 0
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnfollowedError("it is no file")
            return number_in(os.read(descriptor, _SIZE))
        finally:
            os.close(descriptor)


def number_in(text: bytes) -> int:
    """The number on the first line of a pidfile; 0 for an empty one. Raises UnfollowedError for anything else."""
    line = text.strip().partition(b"\n")[0].strip()
    if not line:
        return 0
    if not line.isdigit() or len(line) > _DIGITS or not 0 < int(line) <= _MOST:
        raise UnfollowedError("it holds no number of a process")
    return int(line)
