"""Reading the journal: its lines, the runs that they record, and whether the chain of hashes holds. Sends nothing."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cancelall.core.dataclass import dataclass, field
from cancelall.core.stamp import machine
from cancelall.journal.file import LOCK_SECONDS, NAME, rotated

if sys.platform != "win32":
    import fcntl


LINE_LIMIT = 4 << 20
"""Bytes of a line that are read as a record: the longest of ours, with a thousand ids, has a tenth of that."""
_BLOCK = 1 << 16
_PLACES = 5
"""Places that are named, where there are many."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a file. `value` is None for one that is no record: torn, too long, or written by somebody else."""

    path: Path
    number: int
    digest: str
    """What the next line says in `prev`."""
    value: Mapping[str, Any] | None
    ended: bool = True
    """Whether it ends with a newline."""
    blank: bool = False

    @property
    def place(self) -> str:
        """File and line number, for a message."""
        return f"{self.path.name}, line {self.number}"

    @property
    def unlocked(self) -> bool:
        """Whether it was written without the lock, and says nothing of the line before it."""
        return self.value is not None and self.value.get("unlocked") is True and self.value.get("prev") is None


@dataclass(kw_only=True)
class Chain:
    """What verifying a journal has shown. `broken` is empty when the chain holds."""

    lines: int = 0
    broken: str = ""
    begins: bool = False
    """Whether its first line says that there was none before it."""
    last: str = ""
    """The hash of the last line: who has it elsewhere sees later whether it is still there."""
    sealed: list[str] = field(default_factory=list)
    """Places of torn lines that the next one vouches for."""
    blank: list[str] = field(default_factory=list)
    """Places of lines without anything in them: nobody vouches for those, and they say nothing."""
    apart: list[str] = field(default_factory=list)
    """Places of lines that were written without the lock: nothing vouches for where they stand."""
    anchored: dict[str, int] = field(default_factory=dict)
    """Of the anchors, those that are there: the number of lines up to each."""
    sequences: dict[str, int] = field(default_factory=dict)
    """The number of each run's last event."""

    @property
    def runs(self) -> int:
        return len(self.sequences)

    def broken_at(self, line: Line, why: str) -> Chain:
        """The same, broken at this line."""
        self.broken = f"{line.place}: {why}"
        return self


@dataclass(kw_only=True)
class RunRecord:
    """One run: its records in the order in which they were written."""

    id: str
    records: list[Mapping[str, Any]] = field(default_factory=list)

    def of(self, event: str) -> list[Mapping[str, Any]]:
        return [record for record in self.records if record.get("event") == event]

    @property
    def start(self) -> Mapping[str, Any]:
        """What it began with; empty when that line is lost."""
        return next(iter(self.of("run_start")), {})

    @property
    def user(self) -> str:
        """Who began it: the name that this machine's password database has for its user id, where it was begun here."""
        uid = _number(self.start.get("uid"))
        if uid is not None and sys.platform != "win32" and self.start.get("host") == host():
            import pwd

            try:
                return pwd.getpwuid(uid).pw_name
            except (KeyError, OverflowError, OSError):
                return str(uid)
        known = self.start.get("user") or self.start.get("uid")
        return known if isinstance(known, str) else "?" if known is None else str(known)

    @property
    def end(self) -> Mapping[str, Any] | None:
        """What it ended with; None when it was killed, or still runs."""
        return next(iter(self.of("run_end")), None)

    @property
    def in_flight(self) -> list[Mapping[str, Any]]:
        """The requests that left, or were about to, and of whose end nothing is known."""
        ended = {_number(record.get("a")) for record in self.of("attempt_end")} - {None}
        return [one for one in self.of("attempt_start") if _number(one.get("copy_of", one.get("a"))) not in ended]

    @property
    def alive(self) -> bool:
        """Whether it may still be at work: its process is on this machine, and has not ended."""
        if self.end is not None or self.start.get("host") != host():
            return False
        pid = _number(self.start.get("pid"))
        if pid is None or pid <= 0:  # 0 and less would be groups of processes
            return False
        try:
            os.kill(pid, 0)
        except PermissionError:
            return True
        except (OSError, OverflowError):
            return False
        return True


def host() -> str:
    """This machine's name. No resolver is used."""
    return machine() or ""


def files(directory: Path) -> list[Path]:
    """All of a directory's journal, oldest first."""
    current = directory / NAME
    return [*rotated(directory), *([current] if current.exists() else [])]


def read(paths: Sequence[Path]) -> Iterator[Line]:
    """Every line of these files, one after the other, and never more of one than LINE_LIMIT. Raises OSError."""
    for path in paths:
        with path.open("rb") as stream:
            left = _whole_size(stream.fileno())
            number = 0
            while left > 0:
                number += 1
                raw = part = stream.readline(min(left, LINE_LIMIT))
                left -= len(part)
                hashed = hashlib.sha256(part.removesuffix(b"\n"))
                while part and left > 0 and not part.endswith(b"\n"):
                    part = stream.readline(min(left, _BLOCK))
                    left -= len(part)
                    hashed.update(part.removesuffix(b"\n"))
                    raw = b""  # too long to be a record
                if not part:  # somebody has made the file shorter
                    break
                text = raw.removesuffix(b"\n")
                yield Line(
                    path=path,
                    number=number,
                    digest=hashed.hexdigest(),
                    value=_record(text),
                    ended=part.endswith(b"\n"),
                    blank=raw == b"\n",
                )


def _whole_size(descriptor: int) -> int:
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
    return value if fits and _number(value.get("seq")) is not None else None


def _number(value: object) -> int | None:
    """A whole number, and nothing that only looks like one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def runs(lines: Iterable[Line]) -> list[RunRecord]:
    """The runs, the one that began last at the end."""
    known: dict[str, RunRecord] = {}
    for line in lines:
        if line.value is not None:
            known.setdefault(line.value["run"], RunRecord(id=line.value["run"])).records.append(line.value)
    return list(known.values())


def verify(lines: Iterable[Line], anchors: Container[str] = ()) -> Chain:
    """Whether every line is the one that its successor vouches for, and no run lacks an event.

    A line may follow the one before it, or the last one that was written under the lock with nothing but unlocked
    ones between. The first line of all is taken as it is: older files may have been removed. For the last one nobody
    vouches yet. `anchors` are hashes of lines that are to be there.
    """
    chain = Chain()
    known: set[str] = set()
    """What the next line may name as its predecessor."""
    torn: Line | None = None
    for line in lines:
        if line.blank:  # also the seal of a line that was not torn after all
            chain.blank.append(line.place)
            known |= {line.digest} if chain.lines else set()
            continue
        chain.lines, chain.last = chain.lines + 1, line.digest
        if line.digest in anchors:
            chain.anchored.setdefault(line.digest, chain.lines)
        value = line.value
        if value is None or not line.ended:
            if torn is not None:
                return chain.broken_at(torn, "it is torn, or no record, and the next line does not vouch for it")
            torn = line
            continue
        if not line.unlocked:
            if chain.lines > 1 and str(value.get("prev")) not in ({torn.digest} if torn is not None else known):
                return chain.broken_at(
                    line, "it does not follow the line before it: one was changed, removed or put in"
                )
            known = set()
        known.add(line.digest)
        chain.begins |= chain.lines == 1 and value.get("prev") == ""
        chain.apart += [line.place] if line.unlocked else []
        if torn is not None:
            chain.sealed.append(torn.place)
            known |= {torn.digest} if line.unlocked else set()
            torn = None
        run, expected = value["run"], chain.sequences.get(value["run"], -1) + 1
        if value["seq"] != expected and (chain.begins or value["run"] in chain.sequences):
            return chain.broken_at(line, f"events of run {run[:8]} are missing before it")
        chain.sequences[run] = value["seq"]
    return chain if torn is None else chain.broken_at(torn, "it is torn, or no record")


def some(places: Sequence[str]) -> str:
    """A few places, and how many more there are."""
    more = len(places) - _PLACES
    return "; ".join(places[:_PLACES]) + (f" and {more} more" if more > 0 else "")
