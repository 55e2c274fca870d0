"""The journal: what was asked, sent, answered and left, one JSON line per event, written before and after each send.

It must never stop or noticeably delay a cancel. The line of a cancel is one `write` of some microseconds on the event
loop, before it leaves; other lines go with the next one of those, or some ms later by a thread beside it. That thread
also opens the file and does every `fsync`, and whatever waits longer than an allowance is left to it. Every `write`
holds whole lines. What cannot be written is counted and told as a warning, and the kill goes on.

Each line carries in `prev` the SHA-256 of the line before it, without its newline. It is read under the file's lock,
so that processes which write at the same time make one chain: the hash is remembered, and only when the file has
grown by somebody else's lines is its last one read again. A line that had to be written without the lock says
`"unlocked": true` and makes no claim about its predecessor.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cancelall.secret import scrub

if sys.platform != "win32":
    import fcntl

VERSION = 1
"""Of the lines' shape, their `v`."""
NAME = "journal.jsonl"
LOCK_SECONDS = 0.25
"""Longest wait for the lock, and for the file to be opened; then it goes on without."""
ROTATE_BYTES = 10 << 20
"""A larger file is renamed when a run begins, never in the middle of one."""
TEXT_LIMIT = 500
"""Characters of a text that are kept."""
IDS_LIMIT = 1000
"""Ids of one event that are kept; of more there is a count and a hash."""
_ALLOWANCE = 0.05
"""Share of a run's time that waiting for the lock or a slow disk may take, once LOCK_SECONDS are used up."""
_SLOW = 0.005
"""Seconds from which a write counts as waiting."""
_SYNC_PAUSE = 0.02
"""Seconds between two rounds of the thread: an `fsync` that never ends would slow down the writes."""
_QUEUED = 100_000
"""Lines that may wait to be written."""
_TAIL_LIMIT = 64 << 20
_LEVELS = 3
_LOOKS = 5


class _File:
    """One journal file. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sealed = False
        """Whether a torn last line was met."""
        self._descriptor = -1
        self._end = -1
        """Where the last line that is known ends, and its hash."""
        self._last = ""

    def begin(self, body: str) -> bool:
        """Open it, make room if it has grown large, and write the first line of a run. Returns as `append` does."""
        _make(self.path.parent)
        self._open()
        if self._lock(time.monotonic() + LOCK_SECONDS):
            try:
                if os.fstat(self._descriptor).st_size > ROTATE_BYTES:
                    self._rotate()
            finally:
                self._unlock()
        return self.append([body], LOCK_SECONDS)

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
            before = digest(last.removesuffix(b"\n")) if last else ""
            if size and not last.endswith(b"\n"):
                data, self.sealed = b"\n", self.sealed or locked
        for body in bodies:
            told = f'"prev":"{before}"' if locked else '"unlocked":true,"prev":null'
            line = f"{body},{told}}}".encode("ascii")
            data, before = b"%s%s\n" % (data, line), digest(line)
        self._put(data, size, locked)
        self._end, self._last = size + len(data), before

    def _tail(self, size: int, locked: bool) -> tuple[int, bytes]:
        """The file's size and its last line. One that does not end may be that of somebody who writes without the lock:
        it is torn only if it stays so. Without the lock nothing is waited for; at worst an empty line is left.
        """
        last = _last_line(self._descriptor, size) if size else self._before()
        for _ in range(_LOOKS if locked and size else 0):
            if last.endswith(b"\n"):
                break
            time.sleep(0.001)
            size = os.fstat(self._descriptor).st_size
            last = _last_line(self._descriptor, size)
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

    def _before(self) -> bytes:
        """The last line before an empty file: that of the newest one that was renamed."""
        older = rotated(self.path.parent)
        if not older:
            return b""
        descriptor = os.open(older[-1], os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return _last_line(descriptor, os.fstat(descriptor).st_size)
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


def _last_line(descriptor: int, size: int) -> bytes:
    """The last line of a file, with its newline if it has one."""
    data, begin, step = b"", size, 1 << 13
    while begin > 0 and len(data) < _TAIL_LIMIT:
        end, begin = begin, max(0, begin - step)
        os.lseek(descriptor, begin, os.SEEK_SET)
        data = os.read(descriptor, end - begin) + data
        cut = data.rfind(b"\n", 0, len(data) - 1)
        if cut >= 0:
            return data[cut + 1 :]
        step *= 4
    return data


class Journal:
    """One run's part of the journal. `write` is called by one thread only, and never raises."""

    def __init__(self, directories: Sequence[Path], run: str) -> None:
        self.run = run
        self._directories = directories
        self._pending: deque[str] = deque()
        """Lines that are not written yet. Whoever takes some out holds `_writing`, so that they stay in their order."""
        self._writing = threading.Lock()
        self._ready = threading.Event()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._done = threading.Event()
        self._file: _File | None = None
        self._behind = False
        """Everything is left to the thread from now on."""
        self._sequence = 0
        self._allowance = LOCK_SECONDS
        self._counted = time.monotonic()
        self._failed: list[str] = []
        self._lost = 0
        self._trouble = ""
        self._unlocked = 0

    def begin(self, fields: Mapping[str, object]) -> None:
        """Open the file beside what the caller does next; its first line is `run_start` with these fields."""
        first = self._body("run_start", fields)
        try:
            threading.Thread(target=self._beside, args=(first,), name="journal", daemon=True).start()
        except RuntimeError as fault:
            self._failed.append(str(fault))
            self._ready.set()
            self._done.set()

    def write(self, event: str, fields: Mapping[str, object], *, at_once: bool = True) -> None:
        """Write one event: before this returns, or with the next that is urgent, or some ms later by the thread.

        Text is scrubbed and clipped, whatever it holds.
        """
        self._pending.append(self._body(event, fields))
        if at_once and not self._behind:
            began = time.monotonic()
            self._write_now()
            self._spend(time.monotonic() - began)
        if len(self._pending) > _QUEUED:
            self._pending.popleft()
            self.lose("it does not take the lines as fast as they come")
        if not self._woken.is_set():
            self._woken.set()

    def lose(self, why: str, events: int = 1) -> None:
        """Events could not be written."""
        self._lost += events
        self._trouble = why

    def warnings(self) -> tuple[str, ...]:
        """What a reader of the result should know about the journal."""
        if not self._ready.is_set() or self._file is None:
            why = "; ".join(self._failed) or ("opening it takes too long" if self._directories else _NOWHERE)
            return (f"this run is not journalled: {why}",)
        found = [f"the journal is kept in {self._file.path.parent}: {why}" for why in self._failed]
        if self._lost:
            found.append(f"the journal is incomplete: {self._lost} event(s) are not in it: {self._trouble}")
        if self._unlocked and sys.platform != "win32":
            found.append("the journal's lock is held by another process: it was written without it")
        if self._file.sealed:
            found.append(
                "the journal's last line was torn, by a crash or a full disk: it was left as it is, and sealed"
            )
        return tuple(found)

    def close(self, seconds: float) -> None:
        """Wait until everything is on the disk, at most so long."""
        self._closing.set()
        self._woken.set()
        self._done.wait(seconds)

    def _write_now(self) -> None:
        """On the caller's thread, as far as the allowance goes."""
        if not self._ready.wait(max(0.0, self._allowance)):
            self._behind = True
        elif self._file is not None and self._writing.acquire(timeout=max(0.0, self._allowance)):
            try:
                self._flush(self._file)
            finally:
                self._writing.release()

    def _spend(self, seconds: float) -> None:
        """Take what was waited off the allowance. A slow disk, but not a lock that is held, ends all waiting."""
        if seconds > _SLOW:
            now = time.monotonic()
            self._allowance = min(LOCK_SECONDS, self._allowance + _ALLOWANCE * (now - self._counted)) - seconds
            self._counted = now
            self._behind |= self._allowance <= 0 and not self._unlocked

    # --- on either thread ---

    def _flush(self, file: _File) -> None:
        """Write what is pending, with `_writing` held."""
        bodies: list[str] = []
        while self._pending:
            bodies.append(self._pending.popleft())
        if not bodies:
            return
        try:
            locked = file.append(bodies, max(0.0, self._allowance))
        except OSError as fault:
            self.lose(fault.strerror or type(fault).__name__, len(bodies))
        else:
            self._unlocked += 0 if locked else len(bodies)

    def _body(self, event: str, fields: Mapping[str, object]) -> str:
        now = time.time_ns()
        second, rest = divmod(now, 1_000_000_000)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        record = {
            "v": VERSION,
            "run": self.run,
            "seq": self._sequence,
            "ts": f"{stamp}.{rest // 1000:06d}Z",
            "mono": time.monotonic_ns(),
            "event": event,
            **_harmless({key: value for key, value in fields.items() if value is not None}),
        }
        self._sequence += 1
        return json.dumps(record, separators=(",", ":"))[:-1]

    # --- on the thread beside it ---

    def _beside(self, first: str) -> None:
        file = self._file = self._opened(first)
        self._ready.set()
        while True:
            self._woken.wait()
            self._woken.clear()
            closing = self._closing.is_set()
            if file is None:
                self._pending.clear()
            else:
                with self._writing:
                    self._flush(file)
                self._sync(file)
            if closing:
                break
            self._closing.wait(_SYNC_PAUSE)
        self._done.set()

    def _sync(self, file: _File) -> None:
        try:
            file.sync()
        except OSError as fault:
            self.lose(fault.strerror or type(fault).__name__)

    def _opened(self, first: str) -> _File | None:
        """The first directory that takes a line."""
        for directory in self._directories:
            file = _File(directory / NAME)
            try:
                self._unlocked += not file.begin(first)
            except OSError as fault:
                self._failed.append(f"{scrub(str(file.path))}: {fault.strerror or type(fault).__name__}")
            else:
                return file
        return None


_NOWHERE = "the environment names no place for it (HOME, XDG_STATE_HOME or STATE_DIRECTORY)"


def new_run() -> str:
    """A name for a run that no other one has: a random UUID."""
    raw = bytearray(os.urandom(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def id_fields(ids: Iterable[str]) -> dict[str, object]:
    """Ids as the journal keeps them: all, or so many of them with the number and the hash of all."""
    known = tuple(ids)
    if len(known) <= IDS_LIMIT:
        return {"count": len(known), "ids": known}
    return {
        "count": len(known),
        "ids": known[:IDS_LIMIT],
        "ids_sha256": digest("\n".join(known).encode("utf-8", "surrogatepass")),
    }


def _harmless(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The fields as JSON may hold them. Most hold nothing that has to be taken out, and are left as they are."""
    if all(len(one) <= TEXT_LIMIT and scrub(one) == one for one in _texts(fields)):
        return fields
    return {key: _plain(value) for key, value in fields.items()}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _plain(value: object) -> object:
    """A value as JSON may hold it: no secret in it, and no more than is useful. What is no ASCII is escaped later."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_plain(one) for one in value]
    return _text(str(value))


def _text(value: str) -> str:
    scrubbed = scrub(value)  # before it is clipped: half of a secret could not be recognised any more
    return scrubbed if len(scrubbed) <= TEXT_LIMIT else scrubbed[:TEXT_LIMIT] + "…"
