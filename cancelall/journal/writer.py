"""The journal: what was wanted, sent, answered and left, one JSON line per event, written before and after each send.

It must never stop or noticeably delay a cancel. The line of a cancel is one `write` of some microseconds on the event
loop, before it leaves; other lines go with the next one of those, or some ms later by a thread in the background. It
also opens the file and does every `fsync`, and whatever waits longer than an allowance is left to it. Every `write`
holds whole lines. What cannot be written is counted and reported as a warning, and the kill goes on.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cancelall.core.secret import scrub, scrubbed_already
from cancelall.journal.file import LOCK_SECONDS, NAME, JournalFile, digest

VERSION = 1
"""Of the lines' shape, their `v`."""
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
_ENCODER = json.JSONEncoder(separators=(",", ":"))
"""What writes lines: to make one for each takes as long as to write it."""


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
        self._file: JournalFile | None = None
        self._opened_ahead = False
        self._behind = False
        """Everything is left to the thread from now on."""
        self._sequence = 0
        self._second, self._stamp = 0, ""
        """The second of the last line, and how it is written."""
        self._allowance = LOCK_SECONDS
        self._counted = time.monotonic()
        self._failed: list[str] = []
        self._lost = 0
        self._trouble = ""
        self._unlocked = 0

    def begin(self, fields: Mapping[str, object] | None) -> None:
        """Open the file in the background; its first line is `run_start` with these fields, or comes when this is
        called again with some: then nothing is waited for.
        """
        first = None if fields is None else self._body("run_start", fields)
        if first is not None and self._opened_ahead:
            self._pending.append(first)
            self._woken.set()
            return
        self._opened_ahead = first is None
        try:
            threading.Thread(target=self._write_in_background, args=(first,), name="journal", daemon=True).start()
        except RuntimeError as fault:
            self._failed.append(str(fault))
            self._ready.set()
            self._done.set()

    @property
    def is_open(self) -> bool:
        """Whether the file is there to be written."""
        return self._ready.is_set() and self._file is not None

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
        """What a reader of the result should know about the journal. Waits for its file as a line would."""
        if not self._behind and not self._ready.is_set():
            began = time.monotonic()
            self._behind = not self._ready.wait(max(0.0, self._allowance))
            self._spend(time.monotonic() - began)
        if not self._ready.is_set() or self._file is None:
            why = "; ".join(self._failed) or ("opening it takes too long" if self._directories else _NOWHERE)
            return (f"this run is not journalled: {why}",)
        warnings = [f"the journal is kept in {self._file.path.parent}: {why}" for why in self._failed]
        if self._lost:
            warnings.append(f"the journal is incomplete: {self._lost} event(s) are not in it: {self._trouble}")
        if self._unlocked and sys.platform != "win32":
            warnings.append("the journal's lock is held by another process: it was written without it")
        if self._file.exposed:
            warnings.append(f"others can change the journal: {scrub(str(self._file.path))}: {self._file.exposed}")
        if self._file.sealed:
            warnings.append(
                "the journal's last line was torn, by a crash or a full disk: it was left as it is, and sealed"
            )
        return tuple(warnings)

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

    def _flush(self, file: JournalFile) -> None:
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
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        record = {
            "v": VERSION,
            "run": self.run,
            "seq": self._sequence,
            "ts": f"{self._stamp}.{rest // 1000:06d}Z",
            "mono": time.monotonic_ns(),
            "event": event,
            **harmless({key: value for key, value in fields.items() if value is not None}),
        }
        self._sequence += 1
        return _ENCODER.encode(record)[:-1]

    # --- on the thread in the background ---

    def _write_in_background(self, first: str | None) -> None:
        file = self._file = self._opened(first)
        self._ready.set()
        if first is None:  # an `fsync` would hold up the first cancels, which write their lines themselves
            self._woken.wait()
            self._closing.wait(_SYNC_PAUSE)
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

    def _sync(self, file: JournalFile) -> None:
        try:
            file.sync()
        except OSError as fault:
            self.lose(fault.strerror or type(fault).__name__)

    def _opened(self, first: str | None) -> JournalFile | None:
        for directory in self._directories:
            file = JournalFile(directory / NAME)
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


# --- what the fields of a line may hold: no secret, and no more than is useful ---


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


def harmless(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The fields as JSON may hold them. Most hold nothing that has to be taken out, and are left as they are."""
    texts = _texts(fields)
    if max(map(len, texts), default=0) <= TEXT_LIMIT and scrubbed_already(texts):
        return fields
    return {key: _json_value(value) for key, value in fields.items()}


def _texts(fields: Mapping[str, object]) -> list[str]:
    """Every text in them, however deep, keys too."""
    texts: list[str] = []
    left: list[object] = [fields]
    while left:
        value = left.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            texts += map(str, value)
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return texts


def _json_value(value: object) -> object:
    """A value as JSON may hold it: no secret in it, and no more than is useful. What is no ASCII is escaped later."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _json_value(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_json_value(one) for one in value]
    return _text(str(value))


def _text(value: str) -> str:
    scrubbed = scrub(value)  # before it is clipped: half of a secret could not be recognised any more
    return scrubbed if len(scrubbed) <= TEXT_LIMIT else scrubbed[:TEXT_LIMIT] + "…"
