"""Blocking work in the background of the event loop, in daemon threads that can be left behind.

A thread pool makes the process wait for a stuck worker at exit (4.05 s against 0.33 s, measured); these do not. A
thread that is done takes the next piece of work: starting one costs more than most of what is done in it, above all
while others are busy. Where the system gives no more threads, work waits for one of those that there are; where there
is none at all, it is done on the event loop itself: a kill that blocks for a while beats one that sends nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from cancelall.core.errors import TransportFault

T = TypeVar("T")

IDLE_SECONDS = 10.0
"""How long a thread waits for more to do: a guard that stands has something each few seconds."""
LEFT_BEHIND = 64
"""Threads of one name that may hang in work that nobody waits for any more. Beyond it nothing of that name is begun
until one of them comes back: over hours, a host that never ends an answer would take all that the system gives."""

SCARCE = 16
"""Threads that there are at most where address space is limited: each takes some for itself and for what it reads."""


class NoThreadError(RuntimeError):
    """The work was not begun: every thread that can be had hangs in what nobody waits for any more."""


class ThreadDiedError(Exception):
    """The work would have ended its thread, as SystemExit does: how far it came is not known."""


class Job:
    """Work for one thread, and who is told when it comes to nothing."""

    def __init__(self, run: Callable[[], None], fail: Callable[[Exception], None], name: str) -> None:
        self.run = run
        self.fail = fail
        self.name = name
        self.begun = False
        self.over = False
        """It has come to its end, and the thread is as good as free."""
        self.left = False
        """Nobody waits for it any more."""


class Crew:
    """Threads that do one job after the other. A job that hangs keeps its thread, and nobody waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: deque[SimpleQueue[Job]] = deque()
        self._waiting: deque[Job] = deque()
        self._threads = 0
        """Those that can be counted on: idle, or at work that somebody waits for."""
        self._most = SCARCE if _scarce_address_space() else sys.maxsize
        self._left: Counter[str] = Counter()
        """Those at work that nobody waits for any more, by name. One that comes back is counted on again."""

    def do(self, job: Job) -> bool:
        """Have it done in the background; False when there is no thread and none can be had. Raises NoThreadError."""
        with self._lock:
            if self._left[job.name] >= LEFT_BEHIND:
                raise NoThreadError(f"{LEFT_BEHIND} earlier ones hang without an end")
            if self._idle:
                self._idle.pop().put(job)
                return True
            if self._threads >= self._most:
                self._waiting.append(job)
                return True
            self._threads += 1
        try:
            threading.Thread(target=self._work, args=(job,), name=job.name, daemon=True).start()
        except (RuntimeError, MemoryError):
            with self._lock:
                self._threads -= 1
                if self._idle:
                    self._idle.pop().put(job)
                elif self._threads:
                    self._waiting.append(job)
                elif self._left.total():
                    raise NoThreadError("the system gives no more threads, and those that there are hang") from None
                else:
                    return False
        return True

    def leave(self, job: Job) -> None:
        """Nobody waits for this job any more. Jobs that waited for its thread, where it was the last one, fail."""
        stranded: list[Job] = []
        with self._lock:
            if job.over or job.left:
                return
            job.left = True
            if job in self._waiting:
                self._waiting.remove(job)
            elif job.begun:
                self._count_left(job, 1)
                if not self._threads:
                    stranded.extend(self._waiting)
                    self._waiting.clear()
        for one in stranded:
            one.fail(NoThreadError("the system gives no more threads, and the last one hangs"))

    def _work(self, job: Job | None) -> None:
        jobs: SimpleQueue[Job] = SimpleQueue()
        while job is not None:
            self._do(job)
            job = None  # what it holds is not to be held until the next one comes
            threading.current_thread().name = "idle"
            with self._lock:
                if self._waiting:
                    job = self._waiting.popleft()
                    continue
                self._idle.append(jobs)
            job = self._next(jobs)

    def _do(self, job: Job) -> None:
        """One job. Whatever it raises, somebody is told, and the thread lives on."""
        with self._lock:
            job.begun = True
            if job.left:  # it was given up before it began
                self._count_left(job, 1)
        threading.current_thread().name = job.name
        try:
            job.run()
        except BaseException as raised:  # nobody may wait for a thread that has ended
            job.fail(ThreadDiedError(type(raised).__name__))
        with self._lock:
            job.over = True
            if job.left:
                self._count_left(job, -1)

    def _count_left(self, job: Job, number: int) -> None:
        """Move its thread from those that are counted on to those that are not, or back. With the lock held."""
        self._left[job.name] += number
        self._threads -= number

    def _next(self, jobs: SimpleQueue[Job]) -> Job | None:
        """The next job of an idle thread; None when there is nothing to do any more, and the thread has gone."""
        try:
            return jobs.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if jobs in self._idle:
                    self._idle.remove(jobs)
                    self._threads -= 1
                    return None
            return jobs.get()  # it was given something in this very moment


def _scarce_address_space() -> bool:
    try:
        import resource

        return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    except (ImportError, AttributeError):  # a system that has no such limit
        return False


_crew = Crew()


async def in_thread(work: Callable[[], T], name: str = "worker") -> T:
    """The result of `work`, run in the background of the loop. When the caller is cancelled the thread is left behind.

    Without any thread it is run on the loop, which then waits for it. Raises NoThreadError when it was not begun,
    ThreadDiedError when it would have ended its thread, and what it raised.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, fault: Exception | None) -> None:
        if future.done():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def tell(result: T | None, fault: Exception | None) -> None:
        job.over = True
        try:
            loop.call_soon_threadsafe(deliver, result, fault)
        except RuntimeError:  # the loop has closed: nobody waits any more
            return

    def run() -> None:
        if future.done():  # it waited for a thread until nobody wanted it any more
            return
        result, fault = None, None
        try:
            result = work()
        except Exception as raised:  # handed over to the caller, whatever it is
            fault = raised if not isinstance(raised, StopIteration) else ThreadDiedError("StopIteration")
        except BaseException as raised:  # and this would end more than the work
            fault = ThreadDiedError(type(raised).__name__)
        tell(result, fault)

    job = Job(run, lambda fault: tell(None, fault), name)
    if not _crew.do(job):
        run()
    try:
        return await future
    except asyncio.CancelledError:
        _crew.leave(job)
        raise


# --- what a thread waits at ---


class Handle:
    """What the thread of one attempt is waiting at. Whoever gives the attempt up cuts that, and the thread returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut: Callable[[], object] | None = None
        self.given_up = False

    def hold(self, made: socket.socket) -> None:
        """From now on the thread waits at this socket. Raises TransportFault when nobody waits for it any more."""
        self.watch(partial(shut, made))

    def watch(self, cut: Callable[[], object]) -> None:
        """From now on this lets the thread go. Raises TransportFault when nobody waits for it any more."""
        with self._lock:
            self._cut = cut
            if self.given_up:
                raise TransportFault("it was given up", kind="timeout")

    def let_go(self) -> bool:
        """The thread has all that it wanted of its socket; False if that was cut in the meantime."""
        with self._lock:
            self._cut = None
            return not self.given_up

    def give_up(self) -> None:
        """Nobody waits for this attempt any more. Called by any thread; blocks nobody."""
        with self._lock:
            self.given_up = True
            if self._cut is not None:
                self._cut()


def shut(made: socket.socket) -> None:
    """Let nothing in or out any more, and whoever waits at it go. It is still to be closed.

    Not by the method of a TLS socket: that one forgets its TLS first, and what another thread sends in that moment
    would go out in clear.
    """
    inner: socket.socket = made if isinstance(made, socket.socket) else made.socket  # TLS inside of TLS
    with contextlib.suppress(OSError):
        socket.socket.shutdown(inner, socket.SHUT_RDWR)
