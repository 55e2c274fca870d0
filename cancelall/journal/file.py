"""The journal's file: whole lines, one chain of hashes, whoever else writes at the same time.

Each line carries in `prev` the SHA-256 of the line before it, without its newline. It is read under the file's lock,
so that processes which write at the same time make one chain: the hash is remembered, and only when the file has
grown by somebody else's lines is its last one read again. A line that had to be written without the lock says
`"unlocked": true` and makes no claim about its predecessor.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cancelall.core.dataclass import dataclass, replace

if sys.platform != "win32":
    import fcntl

NAME = "journal.jsonl"
LOCK_SECONDS = 0.25
"""Longest wait for the lock, and for the file to be opened; then it goes on without."""
ROTATE_BYTES = 10 << 20
"""A larger file is renamed when a run begins, never in the middle of one."""
_BLOCK = 1 << 13
_LEVELS = 3
_LOOKS = 5


class JournalFile:
    """One file, written by several processes at the same time. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sealed = False
        """Whether a torn last line was met."""
        self.exposed = ""
        """Why somebody else could write it; it is written all the same."""
        self._descriptor = -1
        self._end = -1
        """Where the last line that is known ends, and its hash."""
        self._last = ""

    def begin(self, body: str | None) -> bool:
        """Open it, make room if it has grown large, and write the first line of a run, if it has begun. Returns as
        `append` does.
        """
        _make(self.path.parent)
        self._open()
        if self._lock(time.monotonic() + LOCK_SECONDS):
            try:
                if os.fstat(self._descriptor).st_size > ROTATE_BYTES:
                    self._rotate()
            finally:
                self._unlock()
        with contextlib.suppress(OSError):
            self.exposed = exposed(self.path)
        return body is None or self.append([body], LOCK_SECONDS)

    def append(self, bodies: Sequence[str], patience: float) -> bool:
        """Write some lines, each a JSON object without its closing brace. Whether it was done under the lock."""
        until = time.monotonic() + patience
        locked = self._lock(until)
        for _ in range(3):
            if self._is_current():
                break
            if locked:
                self._unlock()
            self._open()  # another run has renamed it, or somebody has taken it away
            locked = self._lock(until)
        try:
            self._write(bodies, locked)
        finally:
            if locked:
                self._unlock()
        return locked

    def sync(self) -> None:
        """Have everything that was written on the disk."""
        getattr(os, "fdatasync", os.fsync)(self._descriptor)

    def _open(self) -> None:
        """The file as it is now. An older descriptor stays: the other thread may be in the middle of its `fsync`."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
            flags |= getattr(os, name, 0)
        descriptor = os.open(self.path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is not a regular file")
        self._descriptor, self._end = descriptor, -1

    def _is_current(self) -> bool:
        ours = os.fstat(self._descriptor)
        try:
            named = os.stat(self.path, follow_symlinks=False)  # noqa: PTH116 - for each line: pathlib takes longer
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)

    def _lock(self, until: float) -> bool:
        if sys.platform == "win32":
            return False
        pause = 0.0002
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
            except OSError:  # a file system without locks
                return False
            else:
                return True
            time.sleep(pause)
            pause = min(2 * pause, 0.005)

    def _unlock(self) -> None:
        if sys.platform != "win32":
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _write(self, bodies: Sequence[str], locked: bool) -> None:
        size = os.fstat(self._descriptor).st_size
        data, before = b"", self._last
        if size != self._end:
            size, last = self._tail(size, locked)
            before = last.digest
            if not last.ended:
                data, self.sealed = b"\n", self.sealed or locked
        for body in bodies:
            claim = f'"prev":"{before}"' if locked else '"unlocked":true,"prev":null'
            line = f"{body},{claim}}}".encode("ascii")
            data, before = b"%s%s\n" % (data, line), digest(line)
        self._put(data, size, locked)
        self._end, self._last = size + len(data), before

    def _tail(self, size: int, locked: bool) -> tuple[int, Last]:
        """The file's size and its last line. One that does not end may be that of somebody who writes without the lock:
        it is torn only if it stays so. Without the lock nothing is waited for; at worst an empty line is left.
        """
        last = last_line(self._descriptor, size) if size else self._before()
        for _ in range(_LOOKS if locked and size else 0):
            if last.ended:
                break
            time.sleep(0.001)
            size = os.fstat(self._descriptor).st_size
            last = last_line(self._descriptor, size)
        return size, last

    def _put(self, data: bytes, size: int, locked: bool) -> None:
        """One write. What a full disk has cut short is taken back, or finished if it was only a signal."""
        done = os.write(self._descriptor, data)
        try:
            while done < len(data):
                if not locked:
                    raise OSError(errno.ENOSPC, "it was cut short")
                done += os.write(self._descriptor, data[done:])
        except OSError:
            if locked and os.fstat(self._descriptor).st_size == size + done:
                os.ftruncate(self._descriptor, size)
            raise

    def _before(self) -> Last:
        """The last line before an empty file: that of the newest one that was renamed, which is not sealed here."""
        older = rotated(self.path.parent)
        if not older:
            return Last(digest="", ended=True)
        descriptor = os.open(older[-1], os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return replace(last_line(descriptor, os.fstat(descriptor).st_size), ended=True)
        finally:
            os.close(descriptor)

    def _rotate(self) -> None:
        """Out of the way with a large one, under its lock: whoever waits for that sees that the name is free."""
        if self._is_current():
            name = time.strftime("journal-%Y%m%dT%H%M%SZ.jsonl", time.gmtime())
            if not self.path.with_name(name).exists():
                self.path.rename(self.path.with_name(name))


def _make(directory: Path) -> None:
    """The directory, and no more than `.local/state` above it: a home that does not exist is not invented."""
    if directory.is_dir():
        return
    if not any(above.is_dir() for above in list(directory.parents)[:_LEVELS]):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)


def digest(line: bytes) -> str:
    """What the next line says in `prev`: of a line without its newline."""
    return hashlib.sha256(line).hexdigest()


def rotated(directory: Path) -> list[Path]:
    """The files that were renamed, oldest first."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []
    return [directory / name for name in sorted(names) if name.startswith("journal-") and name.endswith(".jsonl")]


@dataclass(frozen=True, kw_only=True)
class Last:
    """The last line of a file: its hash without its newline, and whether it has one. An empty file has none."""

    digest: str
    ended: bool


def last_line(descriptor: int, size: int) -> Last:
    """The last line of a file of so many bytes, however long it is: no more than a block of it is in memory."""
    if not size:
        return Last(digest="", ended=True)
    begin = end = size
    ended = True
    while begin > 0:
        stop, begin = begin, max(0, begin - _BLOCK)
        block = _read(descriptor, begin, stop)
        if stop == size:
            ended = block.endswith(b"\n")
            end -= ended
        cut = block.rfind(b"\n", 0, end - begin)
        if cut >= 0:
            begin += cut + 1
            break
    hashed = hashlib.sha256()
    for place in range(begin, end, _BLOCK):
        hashed.update(_read(descriptor, place, min(end, place + _BLOCK)))
    return Last(digest=hashed.hexdigest(), ended=ended)


def _read(descriptor: int, begin: int, end: int) -> bytes:
    os.lseek(descriptor, begin, os.SEEK_SET)
    return os.read(descriptor, end - begin)


def exposed(path: Path, *, mine: bool = True) -> str:
    """Why others could change a file, or put another one in its place; empty if nobody can. Raises OSError.

    `mine`: it should belong to who asks, or to root. Who only reads may be root, looking at the journal of a service.
    """
    if sys.platform == "win32":
        return ""
    for what, one in (("", path), ("its directory ", path.parent)):
        status = one.stat()  # of what a link points to: systemd's state directories are links
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{what}can be written by others (mode {stat.S_IMODE(status.st_mode):04o})"
        if mine and status.st_uid not in (os.geteuid(), 0):
            return f"{what}belongs to another user ({status.st_uid})"
    return ""
