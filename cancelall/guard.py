"""The net under the program: no core file, and whatever nobody caught is one line without a secret, never a traceback.

Python's own hooks print tracebacks, and with them the source lines and messages of exceptions that may quote a header.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType

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
    global _say  # noqa: PLW0603 - the hooks are the process's own, and so is where they speak
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
        except Exception:  # noqa: BLE001 - another interpreter, another C library: the limit has to do
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
    except Exception:  # noqa: BLE001 - another system, another C library: it goes on with what there is
        return


def bug_words(fault: BaseException) -> str:
    """Kind and place of what was raised. Never its text: it may quote what was being sent."""
    return f"a bug: {bug_place(fault)}"


def bug_place(fault: BaseException) -> str:
    """The type of what was raised, and the file and line where: in this program, and where it was raised if elsewhere.

    `TypeError at listing.py:82`, or `JSONDecodeError at listing.py:82 (decoder.py:355)`.
    """
    kind, raised, ours = type(fault).__name__, "", ""
    where = fault.__traceback__
    while where is not None:
        folder, _, name = where.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")
        raised = f"{name}:{where.tb_lineno}"
        if f"{folder}/".startswith(_OURS):
            ours = raised
        where = where.tb_next
    if not raised:
        return kind
    return f"{kind} at {ours or raised}" + (f" ({raised})" if ours and ours != raised else "")


_OURS = f"{__file__.replace(chr(92), '/').rpartition('/')[0]}/"
"""Where this program's own code is."""


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
