"""Reading the journal: its lines, the runs that they tell of, and whether the chain of hashes holds. Sends nothing."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cancelall.journal.file import LOCK_SECONDS, NAME, digest, rotated

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a file. `value` is None for one that is no record: torn, or written by somebody else."""

    path: Path
    number: int
    raw: bytes = field(repr=False)
    value: Mapping[str, Any] | None
    ended: bool = True
    """Whether it ends with a newline."""

    @property
    def place(self) -> str:
        """File and line number, for a message."""
        return f"{self.path.name}, line {self.number}"


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What verifying a journal has shown. `broken` is empty when the chain holds."""

    lines: int
    runs: int
    broken: str = ""
    sealed: tuple[str, ...] = ()
    """Places of torn lines that the next one vouches for."""
    unlocked: int = 0
    """Lines that were written without the lock: nothing vouches for their place."""


@dataclass(kw_only=True)
class RunRecord:
    """One run: its records in the order in which they were written."""

    id: str
    records: list[Mapping[str, Any]] = field(default_factory=list)

    def of(self, event: str) -> list[Mapping[str, Any]]:
        """Its records of one kind."""
        return [record for record in self.records if record.get("event") == event]

    @property
    def start(self) -> Mapping[str, Any]:
        """What it began with; empty when that line is lost."""
        return next(iter(self.of("run_start")), {})

    @property
    def end(self) -> Mapping[str, Any] | None:
        """What it ended with; None when it was killed, or still runs."""
        return next(iter(self.of("run_end")), None)

    @property
    def in_flight(self) -> list[Mapping[str, Any]]:
        """The requests that left, or were about to, and of whose end nothing is known."""
        ended = {record.get("a") for record in self.of("attempt_end")}
        return [one for one in self.of("attempt_start") if one.get("copy_of", one.get("a")) not in ended]

    @property
    def alive(self) -> bool:
        """Whether it may still be at work: its process is on this machine, and has not ended."""
        if self.end is not None or self.start.get("host") != host():
            return False
        try:
            os.kill(int(self.start["pid"]), 0)
        except PermissionError:
            return True
        except (OSError, KeyError, TypeError, ValueError, OverflowError):
            return False
        return True


def host() -> str:
    """This machine's name. No resolver is asked."""
    return os.uname().nodename if sys.platform != "win32" else os.environ.get("COMPUTERNAME", "")


def files(directory: Path) -> list[Path]:
    """All of a directory's journal, oldest first."""
    current = directory / NAME
    return [*rotated(directory), *([current] if current.exists() else [])]


def read(paths: Sequence[Path]) -> Iterator[Line]:
    """Every line of these files that is not empty, one after the other. Raises OSError."""
    for path in paths:
        with path.open("rb") as stream:
            size = _settled_size(stream.fileno())
            number = done = 0
            while done < size:
                number += 1
                raw = stream.readline(size - done)
                if not raw:
                    break
                done += len(raw)
                text = raw.removesuffix(b"\n")
                if not text:  # the seal of a line that was not torn after all
                    continue
                yield Line(path=path, number=number, raw=text, value=_record(text), ended=raw.endswith(b"\n"))


def _settled_size(descriptor: int) -> int:
    """The file's size while nobody is in the middle of a line, if that can be had in time."""
    if sys.platform == "win32":
        return os.fstat(descriptor).st_size
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return os.fstat(descriptor).st_size
            time.sleep(0.002)
        else:
            size = os.fstat(descriptor).st_size
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return size


def _record(text: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError):
        return None
    fits = isinstance(value, dict) and isinstance(value.get("run"), str) and isinstance(value.get("event"), str)
    return value if fits and isinstance(value.get("seq"), int) else None


def runs(lines: Iterable[Line]) -> list[RunRecord]:
    """The runs, the one that began last at the end."""
    found: dict[str, RunRecord] = {}
    for line in lines:
        if line.value is not None:
            found.setdefault(line.value["run"], RunRecord(id=line.value["run"])).records.append(line.value)
    return list(found.values())


def verify(lines: Iterable[Line]) -> Chain:
    """Whether every line is the one that its successor vouches for, and no run lacks an event.

    A line may follow the one before it, or the last one that was written under the lock with nothing but unlocked
    ones between. The first line of all is taken as it is: older files may have been removed. For the last one nobody
    vouches yet.
    """
    count = unlocked = 0
    sealed: list[str] = []
    sequences: dict[str, int] = {}
    known: set[str] = set()
    """What the next line may name as its predecessor."""
    torn: Line | None = None
    complete = False
    """Whether the first line says that there was none before it."""

    def broken(line: Line, why: str) -> Chain:
        told = f"{line.place}: {why}"
        return Chain(lines=count, runs=len(sequences), broken=told, sealed=tuple(sealed), unlocked=unlocked)

    for line in lines:
        count += 1
        value, own = line.value, digest(line.raw)
        if value is None or not line.ended:
            if torn is not None:
                return broken(torn, "it is torn, or no record, and the next line does not vouch for it")
            torn = line
            continue
        apart = value.get("unlocked") is True and value.get("prev") is None
        if not apart:
            if count > 1 and value.get("prev") not in ({digest(torn.raw)} if torn is not None else known):
                return broken(line, "it does not follow the line before it: one was changed, removed or put in")
            known = set()
        known.add(own)
        complete |= count == 1 and value.get("prev") == ""
        unlocked += apart
        if torn is not None:
            sealed.append(torn.place)
            known |= {digest(torn.raw)} if apart else set()
            torn = None
        run, expected = value["run"], sequences.get(value["run"], -1) + 1
        if value["seq"] != expected and (complete or value["run"] in sequences):
            return broken(line, f"events of run {run[:8]} are missing before it")
        sequences[run] = value["seq"]
    if torn is not None:
        return broken(torn, "it is torn, or no record")
    return Chain(lines=count, runs=len(sequences), sealed=tuple(sealed), unlocked=unlocked)
