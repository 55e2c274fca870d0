"""What a guard keeps on this machine: its record, its lock, and the directory of both.

The record is written as a whole or not at all, and is on the disk before what it says takes effect. One that cannot be
read is told, and counts for nothing: a guard is never armed by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any, get_args

from cancelall.config.guards import GUARD_NAME
from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ConfigError, bug_words
from cancelall.core.files import open_at_once, state_directories, write_private
from cancelall.core.quoting import quoted
from cancelall.guard.model import Cause, GuardRecord, GuardState, Trigger

MACHINE = Path("/run/cancelall")
"""Where the units keep theirs: `RuntimeDirectory=cancelall`."""
SIZE_LIMIT = 1 << 18
"""Bytes of a record; a larger one is none of ours."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was on the disk: a record, or why there is none that can be used."""

    record: GuardRecord | None = None
    trouble: str = ""


def guard_directory(environ: Mapping[str, str]) -> Path:
    """Where guards keep their records, locks and sockets: what is gone after a boot, if there is such a place.

    Raises ConfigError where there is none at all.
    """
    places = guard_places(environ, [MACHINE] if _is_ours(MACHINE) else [])
    if not places:
        hint = "set RUNTIME_DIRECTORY, XDG_RUNTIME_DIR or HOME to a directory"
        raise ConfigError("there is no place for the state of a guard", hint)
    return places[0]


def guard_places(environ: Mapping[str, str], machines: Sequence[Path]) -> tuple[Path, ...]:
    """Where a guard may keep its things, best first: what a unit was given, these of the machine, the user's own."""
    runtime = environ.get("XDG_RUNTIME_DIR") or ""
    places = [Path(one) for one in (environ.get("RUNTIME_DIRECTORY") or "").split(":")[:1] if one]
    places += [*machines, *([Path(runtime) / "cancelall"] if runtime else []), *state_directories(environ)]
    return tuple(dict.fromkeys(place for place in places if place.is_absolute()))


def boot() -> str:
    """What tells this boot of the machine from every other; empty where nothing does."""
    try:
        if sys.platform == "darwin":
            done = subprocess.run(
                ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, timeout=2, check=True
            )
            return done.stdout.decode("ascii", "replace").strip()
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


class Records:
    """The record of one guard. Whoever holds its lock is the guard of that name."""

    def __init__(self, directory: Path, name: str) -> None:
        """Raises ConfigError for a name that no guard can have."""
        if not re.fullmatch(GUARD_NAME, name):
            raise ConfigError(
                f'a guard cannot be called "{quoted(name)}"', "letters, digits, _ and - only, and at most 64 of them"
            )
        self.name = name
        self.directory = directory
        self.path = directory / f"guard-{name}"
        self._lock = -1

    def lock(self) -> None:
        """Be the only guard of this name. Raises ConfigError when there is one already, or nothing can be kept here."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), flags, 0o600)
        except OSError as fault:
            raise self._unusable(fault) from None
        try:
            _take(descriptor)
        except OSError:
            os.close(descriptor)
            raise ConfigError(
                f"a guard called {self.name} is running", f"see: cancelall guard status --name {self.name}"
            ) from None
        self._lock = descriptor

    def unlock(self) -> None:
        """Let another one have the name."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self) -> Found:
        """What the guard before this one has left."""
        try:
            with open_at_once(self.path) as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode) or (os.name == "posix" and status.st_uid not in (0, os.geteuid())):
                    return Found(trouble=f"{self.path} is not ours: it counts for nothing")
                text = stream.read(SIZE_LIMIT + 1)
        except FileNotFoundError:
            return Found()
        except OSError as fault:
            return Found(trouble=f"{self.path} cannot be read: {fault.strerror}: it counts for nothing")
        record = parse(text) if len(text) <= SIZE_LIMIT else None
        return Found(record=record) if record else Found(trouble=f"{self.path} is torn or odd: it counts for nothing")

    def write(self, record: GuardRecord) -> None:
        """Replace the record; it is on the disk when this returns. Raises OSError."""
        write_private(self.path, text_of(record))
        if os.name == "posix":
            directory = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def _unusable(self, fault: OSError) -> ConfigError:
        return ConfigError(
            f"the guard can keep nothing in {self.directory}: {fault.strerror}",
            "make that directory writable, or set RUNTIME_DIRECTORY to another one",
        )


class RecordWriter:
    """Writes records in a thread of its own, the newest that waits: a disk that hangs keeps nobody from firing."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: SimpleQueue[tuple[GuardRecord, threading.Event] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why the last record is not on the disk."""

    def write(self, record: GuardRecord, seconds: float) -> None:
        """Have a record written, and wait so long until it is on the disk."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="record", daemon=True)
            self._thread.start()
        written = threading.Event()
        self._waiting.put((record, written))
        if seconds and not written.wait(seconds):
            self.trouble = f"its state is not kept: {self._records.path} is not written in time"

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so long."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(seconds)

    def _work(self) -> None:
        ended = False
        while not ended:
            taken = [self._waiting.get()]
            while not self._waiting.empty():
                taken.append(self._waiting.get())
            ended = None in taken
            records = [one for one in taken if one is not None]
            if records:
                self._write(records[-1][0])
            for _, written in records:
                written.set()

    def _write(self, record: GuardRecord) -> None:
        try:
            self._records.write(record)
        except Exception as fault:  # whatever it is, the guard does its work all the same
            why = fault.strerror if isinstance(fault, OSError) else bug_words(fault)
            self.trouble = f"its state cannot be kept: {self._records.path}: {why}"
        else:
            self.trouble = ""


def text_of(record: GuardRecord) -> str:
    """A record as one line of JSON."""
    return json.dumps({"v": 1, **asdict(record)}, separators=(",", ":")) + "\n"


def parse(text: bytes) -> GuardRecord | None:
    """A record from what was read; None when it is none."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("v") != 1:
            return None
        cause = data["cause"]
        return GuardRecord(
            boot=_text(data["boot"]),
            state=GuardState(data["state"]),
            at=_number(data["at"]),
            cause=None if cause is None else _cause(cause),
            beats={_text(name): _text(key) for name, key in data["beats"].items()},
            beat_at={_text(name): _number(at) for name, at in data["beat_at"].items()},
            verdict=_text(data["verdict"]),
            stopped=data.get("stopped") is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _cause(data: Any) -> Cause:
    if data["trigger"] not in get_args(Trigger):
        raise ValueError(data)
    return Cause(trigger=data["trigger"], source=_text(data["source"]), words=_text(data["words"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _number(value: object) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
    if not abs(number) < 1e12:
        raise ValueError(value)
    return number


def _take(descriptor: int) -> None:
    """Lock a file for this process. Raises OSError when another one has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_ours(directory: Path) -> bool:
    """Whether we may write to a directory of the machine's."""
    with contextlib.suppress(OSError):
        return directory.is_dir() and os.access(directory, os.W_OK)
    return False
