"""The net below the event loop: signals, and a last moment after which this program is gone, whatever hangs.

Three lines, each for what the one before it cannot do:

1. A thread that only sleeps. The C handlers of SIGINT and SIGTERM write into its pipe, whatever the main thread is
   doing, and it wakes by itself at the last moment. It says what is known with `os.write`, takes no lock that a hung
   thread may hold, and ends the process with `os._exit`.
2. Without such a thread (none can be had, or no two descriptors): Python's own handlers, on the main thread.
3. The kernel's timer, some seconds later: SIGALRM in its default disposition kills the process (142 in a shell). It
   needs neither the interpreter nor a thread, for C code that never gives the interpreter back.

`_signal`, not `signal`: it is there before anything is imported, and what comes in the first milliseconds counts.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import os
import select
import sys
import time

TYPE_CHECKING = False
"""Not `typing`'s, which takes longer to import than all of this."""
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Ended = tuple[Sequence[tuple[int, bytes]], int]
    """What to write to which descriptor, and the exit status."""

GRACE = 5.0
"""Seconds after the end of its time at which a run that still goes on is ended here."""
KERNEL = 5.0
"""Seconds after that at which the kernel does it."""
STOPPING = 5.0
"""Seconds that a run gets after the first signal to end by itself."""
LAST_WORDS = 0.5
"""Seconds that all streams together get to take what is said at the end: nobody may read them."""
_LONGEST = 3600.0
"""Seconds that are slept at a time."""
_STACK = 1 << 20
"""Bytes of stack of the thread: the usual 8 MB are much where memory is short."""
_SCARCE_STACK = 512 << 10
"""The same for every thread where address space is scarce: JSON as deep as Python reads it takes less than 192 KiB."""
_SCARCE = 32
"""Descriptors; with fewer all are left to the connections."""
_M_ARENA_MAX = -8
"""From malloc.h of glibc."""

_IMPORTED = time.monotonic()
_started: float | None = None
SIGINT: int = _signal.SIGINT
SIGTERM: int = _signal.SIGTERM
NAMES = {SIGINT: "SIGINT", SIGTERM: "SIGTERM"}
_UNPROVEN = 11
_ON_WINDOWS = sys.platform == "win32"


class Watchdog:
    """The net of this process. `begin` and `rest` are for the main thread, the rest for any."""

    def __init__(self) -> None:
        self.words: Callable[[int], Ended] = lambda number: ((), 128 + number if number else _UNPROVEN)
        """What is said at the end; it gets the signal, or 0 when the last moment has come."""
        self.first: Callable[[int], None] | None = None
        """Who handles the first signal. Without anybody it ends the process like a second one."""
        self._on = False
        self._signals = 0
        self._until: float | None = None
        self._threaded = False
        self._reader = self._writer = -1
        self._bell = _thread.allocate_lock()
        """What the thread sleeps on when it has no pipe: released to wake it."""
        self._ending = _thread.allocate_lock()
        self._own_alarm = False
        self._before: list[tuple[int, object]] = []

    def begin(self, taken_over: Callable[[], None] = lambda: None) -> bool:
        """Take the signals over. Whether that was to be done: False when it was done before, or cannot be here.

        SIGHUP is ignored first of all: a terminal that goes away does not stop a kill. `taken_over` is called once
        signals are handled, before there is a thread, which inherits the mask of signals from this one.
        """
        if self._on:
            return False
        try:
            if hasattr(_signal, "SIGHUP"):
                self._handle(_signal.SIGHUP, _signal.SIG_IGN)
            self._handle(SIGINT, self._heard)
            self._handle(SIGTERM, self._heard)
        except ValueError:  # not the main thread: nothing is taken over there
            return False
        self._on = True
        self._signals, self._until = 0, None
        taken_over()
        self._start()
        self._take_alarm()
        return True

    def arm(self, until: float) -> None:
        """Have the process ended at this monotonic time, and by the kernel some seconds later."""
        self._until = until
        self._kernel(until - time.monotonic() + (KERNEL if self._threaded else 0.0))
        self._wake()

    def extend(self, until: float) -> None:
        """Leave it time until then, if it has not got more."""
        if self._until is not None and until > self._until:
            self.arm(until)

    def rest(self) -> None:
        """Give everything back as it was."""
        if not self._on:
            return
        self._kernel(0)
        self._on, self._until, self.first = False, None, None
        if self._writer >= 0:
            _signal.set_wakeup_fd(-1)
        self._wake()
        self._reader = self._writer = -1  # the thread closes them
        while self._before:
            number, handler = self._before.pop()
            if handler is not None:
                _signal.signal(number, handler)

    # --- signals ---

    def _handle(self, number: int, handler: object) -> None:
        self._before.append((number, _signal.getsignal(number)))
        _signal.signal(number, handler)

    def _heard(self, number: int, frame: object) -> None:
        """On the main thread, between two of its steps. With the thread there it only wakes what blocks."""
        if not (self._threaded and self._writer >= 0):
            self._act(number)

    def _act(self, number: int) -> None:
        """Handle a signal that ends a program."""
        if number not in NAMES:
            return
        self._signals += 1
        handler, now = self.first, time.monotonic()
        if self._signals > 1 or handler is None:
            self._end(number)
            return
        if self._until is None or self._until > now + STOPPING:
            self.arm(now + STOPPING)
        try:
            handler(number)
        except BaseException:  # whatever it is, a signal is never lost
            self._end(number)

    # --- the end ---

    def _end(self, number: int) -> None:
        """Say what is known and be gone. Who comes second leaves it to the first."""
        if not self._ending.acquire(False):
            return
        if self._own_alarm and not self._threaded:
            _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)
        self._kernel(LAST_WORDS + KERNEL)
        status = 128 + number if number else _UNPROVEN
        try:
            said, status = self.words(number)
            write(said, LAST_WORDS)
        finally:  # an error here could not be told to anybody
            os._exit(status)

    # --- the thread ---

    def _start(self) -> None:
        self._threaded = False
        self._pipe()
        spare_address_space()
        try:
            before = _thread.stack_size(_STACK)
        except (ValueError, RuntimeError):
            before = -1
        try:
            _thread.start_new_thread(self._watch, (self._reader, self._writer, self._bell))
        except RuntimeError:
            self._close(self._reader, self._writer)
            self._reader = self._writer = -1
        else:
            if self._writer >= 0:
                _signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
            self._threaded = True
        finally:
            if before >= 0:
                _thread.stack_size(before)

    def _pipe(self) -> None:
        """Two descriptors for what the C handlers write. Windows takes sockets alone."""
        self._reader = self._writer = -1
        self._bell = _thread.allocate_lock()
        self._bell.acquire()
        if _ON_WINDOWS or _scarce():
            return
        try:
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
        except OSError:
            return

    def _watch(self, reader: int, writer: int, bell: _thread.LockType) -> None:
        """Sleep until there is a signal, the last moment, or nothing to watch any more."""
        while self._on and self._bell is bell:
            left = None if self._until is None else self._until - time.monotonic()
            if left is not None and left <= 0:
                self._end(0)
            for number in _sleep(reader, bell, left):
                self._act(number)
        self._close(reader, writer)

    def _wake(self) -> None:
        try:
            if self._writer >= 0:
                os.write(self._writer, b"\0")
            elif self._threaded:
                self._bell.release()
        except (OSError, RuntimeError):  # it is awake
            return

    @staticmethod
    def _close(*descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)

    # --- the kernel's timer ---

    def _take_alarm(self) -> None:
        """Let SIGALRM kill, unless somebody else uses it. Without the thread it is the last moment itself."""
        self._own_alarm = False
        if _ON_WINDOWS or _signal.getsignal(_signal.SIGALRM) not in (_signal.SIG_DFL, _signal.SIG_IGN):
            return
        self._handle(_signal.SIGALRM, _signal.SIG_DFL if self._threaded else lambda number, frame: self._end(0))
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGALRM])
        self._own_alarm = True

    def _kernel(self, seconds: float) -> None:
        if self._own_alarm and seconds < 1e8:
            _signal.setitimer(_signal.ITIMER_REAL, max(seconds, 0.0))


def process_started() -> float:
    """Monotonic time of the process's start, from which deadlines count; if it is not told, of this module's import."""
    global _started
    if _started is None:
        _started = _process_start()
    return _started


def _process_start() -> float:
    try:
        with open("/proc/self/stat", "rb") as stream:  # noqa: PTH123 - pathlib would be one more import
            ticks = int(stream.read().rpartition(b")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED
    return min(_IMPORTED, time.monotonic() - max(0.0, age))


def write(said: Iterable[tuple[int, bytes]], seconds: float) -> None:
    """Write to descriptors and wait for no reader: in pieces that a pipe takes whole, as long as they are taken."""
    until, piece = time.monotonic() + seconds, getattr(select, "PIPE_BUF", 512)
    for descriptor, data in said:
        while data:
            try:
                if not _ON_WINDOWS and not select.select([], [descriptor], [], max(0.0, until - time.monotonic()))[1]:
                    break
                data = data[os.write(descriptor, data[:piece]) :]
            except (OSError, ValueError):  # closed, broken, full, or no descriptor at all
                break


def _sleep(reader: int, bell: _thread.LockType, left: float | None) -> bytes:
    """Signals that have come; none when it was only woken, or the time is over."""
    seconds = -1.0 if left is None else min(left, _LONGEST)
    if reader < 0:
        bell.acquire(timeout=seconds)
        return b""
    if left is not None:
        if not select.select([reader], [], [], seconds)[0]:
            return b""
    return os.read(reader, 64)


def _scarce() -> bool:
    try:
        import resource

        return 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] < _SCARCE
    except (ImportError, OSError, ValueError):
        return False


def spare_address_space() -> None:
    """Where it is limited (`ulimit -v`), have each further thread take little of it.

    By default that is 8 MB of stack and, in glibc, 64 MB for what the thread allocates; two threads take more than the
    rest of this program.
    """
    try:
        import resource

        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            return
        _thread.stack_size(_SCARCE_STACK)
        if sys.platform == "linux":
            import _ctypes

            mallopt = _ctypes.dlsym(_ctypes.dlopen(None, 0), "mallopt")  # type: ignore[arg-type]
            _ctypes.call_function(mallopt, (_M_ARENA_MAX, 1))
    except Exception:  # another system, another C library: then it is as it is
        return


DOG = Watchdog()
"""That of this process."""
