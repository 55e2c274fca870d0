"""The boundary of the process: a failure is one line without a secret and an exit status, never a traceback or a core.

Python's own hooks print tracebacks, and with them the source lines and messages of exceptions that may quote a header.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType

from cancelall.core.bugs import bug_words
from cancelall.core.errors import CancelallError, ExitStatus

_PR_SET_DUMPABLE = 4
"""From linux/prctl.h."""
_STACK = 512 << 10
"""Bytes for each thread's stack where address space is scarce, of the usual 8 MiB: JSON that is nested as deep as
Python reads it takes less than 192 KiB."""
_M_ARENA_MAX = -8
"""From malloc.h."""


def _to_stderr(line: str) -> None:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return


_say: Callable[[str], None] = _to_stderr


def speak_through(say: Callable[[str], None]) -> None:
    """Hand lines to this from now on: while a kill runs, no thread waits for stderr."""
    global _say  # the hooks are the process's own, and so is where they speak
    _say = say


def install() -> None:
    """Guard this process. Costs about a millisecond; nothing of it can fail."""
    no_core_dumps()
    spare_address_space()
    sys.excepthook = _uncaught
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warned


def no_core_dumps() -> None:
    """No core file, and on Linux no reading of this memory by other processes of the same user either.

    A `core_pattern` that is a pipe ignores the limit, so both are set. `ctypes` takes 3 to 5 ms to import, the module
    beneath it half of one.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):  # Windows, or a limit that may not be changed
        pass
    if sys.platform == "linux":
        try:
            import _ctypes

            prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]  # None: the program itself
            _ctypes.call_function(prctl, (_PR_SET_DUMPABLE, 0, 0, 0, 0))
        except Exception:  # another interpreter, another C library: the limit has to do
            return


def spare_address_space() -> None:
    """Where this is limited (`ulimit -v`), have threads take little: 8 MiB of stack and 64 of heap each otherwise."""
    try:
        import resource

        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            return
        threading.stack_size(_STACK)
        import _ctypes

        mallopt = _ctypes.dlsym(_ctypes.dlopen(None, 0), "mallopt")  # type: ignore[arg-type]  # None: the program itself
        _ctypes.call_function(mallopt, (_M_ARENA_MAX, 1))
    except Exception:  # another system, another C library: it goes on with what there is
        return


def say_line(text: str) -> None:
    """One line, without a secret and without control characters."""
    from cancelall.report.text import clean

    _say(f"cancelall: {clean(text, 500)}")


def _uncaught(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    """In place of `sys.excepthook`."""
    if issubclass(kind, KeyboardInterrupt):
        say_line("interrupted")
    else:
        say_line(f"{bug_words(fault.with_traceback(trace))} - please report it with the command that you ran")


def _in_a_thread(told: threading.ExceptHookArgs) -> None:
    """In place of `threading.excepthook`."""
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        say_line(f"{bug_words(told.exc_value)}, in a thread")


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    """In place of `sys.unraisablehook`: an error while something was being thrown away."""
    if told.exc_value is not None:
        say_line(f"{bug_words(told.exc_value)}, ignored")


def _warned(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """In place of `warnings.showwarning`, which prints source lines."""
    say_line(f"{category.__name__}: {message}")


# --- what a command raises ---


def held(work: Callable[[], int]) -> int:
    """The exit status of a command, whatever it raises."""
    try:
        return work()
    except CancelallError as error:
        return fail(error.message, error.hint, error.status)
    except KeyboardInterrupt:
        return fail("interrupted", "", ExitStatus.INTERRUPTED)
    except Exception as fault:  # the one boundary
        return fail(bug_words(fault), "please report it with the command that you ran", ExitStatus.BUG)


def fail(message: str, hint: str, status: ExitStatus) -> int:
    """Say what failed and what to do next."""
    from cancelall.report.text import clean

    try:
        sys.stderr.write(f"cancelall: {clean(message, 1000)}{f' - {clean(hint, 500)}' if hint else ''}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return int(status)
    return int(status)


# --- what libraries log ---


def hear_logs() -> None:
    """Say every record of a library from WARNING on, of urllib3 from ERROR on, as one line without a traceback.

    `logging` takes 4 ms to import, and nothing that logs is loaded before the connections are on their way.
    """
    import logging

    class Scrubbed(logging.Handler):
        """Log records of libraries as one line each, without tracebacks."""

        def emit(self, record: logging.LogRecord) -> None:
            """Say it. A record that cannot be formatted is told by its place."""
            try:
                said = record.getMessage()
            except Exception:  # whatever a library passed
                said = f"a message of {record.filename}:{record.lineno}"
            say_line(f"{record.name}: {said}")

    root = logging.getLogger()
    if not any(type(handler).__name__ == "Scrubbed" for handler in root.handlers):
        root.addHandler(Scrubbed(logging.WARNING))
    logging.getLogger("urllib3").setLevel(logging.ERROR)
