"""The command on a Bybit that does not limit, with the processor time of each of its parts:
`python -m benchmarks.timed FILE WORDS...`; `FILE` gets seconds by part, as JSON.

Every function of a part is wrapped by one that reads the processor time of its thread where the part is entered and
left. Time counts for the innermost part. What the reading itself takes is measured at the start, and taken off.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from benchmarks.unlimited import lift
from cancelall.cli.process import run

LOOP, THREADS = "the event loop: tasks, the client and the sweep around requests", "threads: waking, and taking turns"
"""What is in no part, by who does it."""
DATACLASSES, GARBAGE = "dataclasses made", "garbage looked for"
PARTS: Mapping[str, Sequence[str]] = {
    "configuration, secrets, profiles set up": (
        *("cancelall.config.loader", "cancelall.config.toml_file", "cancelall.credentials.chain"),
        *("cancelall.core.declare", "cancelall.core.profile", "cancelall.venues.registry"),
    ),
    "signatures": ("cancelall.engine.signer", "cancelall.venues.signing", "cancelall.venues.bybit.api:sign"),
    "secrets taken out of what is written": ("cancelall.core.secret",),
    "lines of the journal": (
        *("cancelall.journal.record", "cancelall.journal.writer", "cancelall.journal.file"),
        *("cancelall.journal.basis", "cancelall.journal.chain"),
    ),
    "limits and turns": ("cancelall.engine.rate_limiter", "cancelall.engine.shared_limits"),
    "work handed to threads and back": ("cancelall.net.background", "threading:Thread.start"),
    "connections": ("cancelall.net.connection", "cancelall.net.dial", "cancelall.net.route"),
    "TLS: handshakes": ("ssl:SSLSocket.do_handshake", "ssl:SSLContext.wrap_socket"),
    "TLS: what is sent and received": ("ssl:SSLSocket.sendall", "ssl:SSLSocket.recv"),
    "HTTP: requests written, answers read": ("cancelall.net.transport", "cancelall.net.answer"),
    "JSON of answers": ("json:loads",),
    "answers judged, and read into orders": (
        *("cancelall.engine.client:Client._judge", "cancelall.engine.client:Client._learn", "cancelall.venues.payload"),
        *("cancelall.venues.contract", "cancelall.venues.bybit.api", "cancelall.venues.bybit.segments"),
    ),
    "what is known of orders, and the proof": (
        *("cancelall.engine.ledger", "cancelall.engine.proof", "cancelall.engine.records", "cancelall.engine.firing"),
        *("cancelall.engine.witnesses", "cancelall.engine.verdicts", "cancelall.engine.reasons"),
    ),
    "result lines": ("cancelall.report.lines", "cancelall.report.streams:Outlet._written"),
}
"""Modules, or single functions of one; what is named first has what two name."""

Clock = Callable[[], float]


class Spent:
    """What one thread has spent, and on what it is."""

    def __init__(self, now: float) -> None:
        self.part = ""
        self.since = now
        self.spent: defaultdict[str, float] = defaultdict(float)
        """Seconds by part; the empty one is what is in none."""
        self.entered: Counter[str] = Counter()
        """How often, by the part that was entered."""
        self.left: Counter[str] = Counter()
        """The same by the part that was left for it."""

    def turn(self, part: str, now: float) -> str:
        """Go on with a part; the one before."""
        before, self.part = self.part, part
        self.spent[before] += now - self.since
        self.since = now
        return before


class Meter:
    """Seconds of processor time by part, over all threads."""

    def __init__(self, clock: Clock = time.thread_time) -> None:
        self._clock = clock
        self._own = threading.local()
        self.threads: list[Spent] = []
        """The first one is that of the event loop."""
        self.inside = self.around = 0.0
        """Seconds that entering and leaving a part take: those that count for the part, and for the one around it."""

    def enter(self, part: str) -> str:
        """Begin with a part; the one before, to go back to."""
        thread = self._thread()
        before = thread.turn(part, self._clock())
        thread.entered[part] += 1
        thread.left[before] += 1
        return before

    def leave(self, before: str) -> None:
        """Go back to the part before."""
        self._thread().turn(before, self._clock())

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; what it spends is this part's, but for what it spends in others."""

        @wraps(work)
        def measured(*words: Any, **more: Any) -> Any:
            if self._thread().part == part:
                return work(*words, **more)
            before = self.enter(part)
            try:
                return work(*words, **more)
            finally:
                self.leave(before)

        return measured

    def calibrate(self, times: int = 20_000) -> None:
        """Measure what measuring takes."""

        def nothing() -> None:
            return

        began = self._clock()
        for _ in range(times):
            nothing()
        bare = self._clock() - began
        other = Meter(self._clock)
        wrapped = other.timed("part", nothing)
        began = self._clock()
        for _ in range(times):
            wrapped()
        whole = self._clock() - began
        self.inside = max(0.0, other.threads[0].spent["part"] / times)
        self.around = max(0.0, (whole - bare) / times - self.inside)

    def _thread(self) -> Spent:
        thread: Spent | None = getattr(self._own, "thread", None)
        if thread is None:
            thread = self._own.thread = Spent(self._clock())
            self.threads.append(thread)
        return thread


def by_part(meter: Meter, loop: float, whole: float) -> dict[str, float]:
    """Seconds by part, without what measuring took, from those of the event loop's thread and of the process."""
    seconds: defaultdict[str, float] = defaultdict(float)
    first, others = meter.threads[:1], meter.threads[1:]
    for name, threads, total in ((LOOP, first, loop), (THREADS, others, whole - loop)):
        rest = total
        for thread in threads:
            rest -= thread.left[""] * meter.around
            for part, spent in thread.spent.items():
                if part:
                    rest -= spent
                    overhead = thread.entered[part] * meter.inside + thread.left[part] * meter.around
                    seconds[part] += max(0.0, spent - overhead)
        seconds[name] += max(0.0, rest)
    return dict(seconds)


# --- every function of a part -----------------------------------------------------------------------------------------


def install(meter: Meter) -> None:
    """Have everything measured that parts name, and the making of every dataclass that is loaded."""
    named = [(part, name.partition(":")) for part, names in PARTS.items() for name in names]
    named.sort(key=lambda one: not one[1][2])  # single functions have their part before those of whole modules
    holders = [(part, importlib.import_module(module), single) for part, (module, _, single) in named]
    ours = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == "cancelall"]
    changed: dict[Any, Callable[..., Any]] = {}
    done: set[Any] = set()

    def change(part: str, holder: type | ModuleType, name: str) -> None:
        value = vars(holder)[name]
        work = _function(value)
        if work is None or work in done or _is_begun_only(work):
            return
        timed = changed[work] = meter.timed(part, work)
        done.update((work, timed))
        setattr(holder, name, _as_it_was(value, timed))

    for cls in {cls for module in ours for cls in _classes(module)}:
        if "__dataclass_params__" in vars(cls) and "__init__" in vars(cls):
            change(DATACLASSES, cls, "__init__")
    for part, module, single in holders:
        if single:
            path = single.split(".")
            change(part, getattr(module, path[0]) if len(path) > 1 else module, path[-1])
            continue
        parts: list[type | ModuleType] = [module, *_classes(module)]
        for holder in parts:
            for name, value in list(vars(holder).items()):
                if getattr(_function(value), "__module__", "") == module.__name__:
                    change(part, holder, name)
    for module in ours:  # what was imported by name
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value in changed:
                setattr(module, name, changed[value])
    before: list[str] = []
    gc.callbacks.append(
        lambda phase, _: before.append(meter.enter(GARBAGE)) if phase == "start" else meter.leave(before.pop())
    )


def _classes(module: ModuleType) -> list[type]:
    """Those that a module defines."""
    return [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]


def _function(value: object) -> FunctionType | None:
    """What is called where a name is used; None where nothing is."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    elif isinstance(value, staticmethod | classmethod):
        value = value.__func__
    return value if isinstance(value, FunctionType) else None


def _as_it_was(value: object, timed: Callable[..., Any]) -> object:
    """The same kind of attribute of another function."""
    if isinstance(value, property):
        return property(timed, value.fset, value.fdel, value.__doc__)
    if isinstance(value, cached_property):
        value.func = timed
        return value
    return type(value)(timed) if isinstance(value, staticmethod | classmethod) else timed


def _is_begun_only(work: FunctionType) -> bool:
    """Whether a call only begins it: a coroutine or a generator."""
    return any(
        kind(work) for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    )


def main() -> None:
    """Run the command, and note what it has spent as it ends."""
    path, sys.argv = Path(sys.argv[1]), [sys.argv[0], *sys.argv[2:]]
    lift()
    meter = Meter()
    meter.calibrate()
    install(meter)
    own = time.thread_time()
    meter.enter("")  # this thread is that of the event loop
    end = os._exit

    def ended(status: int) -> None:
        loop, whole = time.thread_time() - own, time.process_time() - own
        path.write_text(json.dumps(by_part(meter, loop, whole)), encoding="utf-8")
        end(status)

    os._exit = ended  # type: ignore[assignment]
    run()


if __name__ == "__main__":
    main()
