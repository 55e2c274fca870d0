"""Run the real command line, and count what the first byte of a request waits for: `counted.py OUT WORDS...`.

The result, as JSON, is how often each function is entered: on the main thread until it hands the first request over, in
the job that then sends one, and in the jobs that read secrets before. What goes on at the same time counts nothing: the
connections that are opened ahead, the journal's own thread, the other first requests. That a coroutine goes on is no
call, nor is the body of a module, a class or a comprehension; nor is what makes and compares instances of dataclasses.
"""

from __future__ import annotations

import dis
import json
import os
import runpy
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import cancelall

PRODUCT = str(Path(cancelall.__file__).parent) + os.sep
DATACLASSES = {str(Path("core/dataclass.py")), str(Path("core/__init__.py"))}
"""Their functions are those that the standard library would have compiled for each class, under no file's name, and
what stands for a module that it imports."""
SENDING, THREADS = str(Path("net/transport.py")), str(Path("net/background.py"))
_RESUME = dis.opmap["RESUME"]


class Counter:
    """Calls by function, until the first byte of a request is about to leave. A profile function of the interpreter."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.main = threading.main_thread()
        self.before: dict[str, int] = {}
        self.handed_over = False
        self.done = False
        self.job = threading.local()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:  # what the interpreter gives
        """Count a call, or end at the first byte."""
        code = frame.f_code
        if self.done or not code.co_filename.startswith(PRODUCT):
            return
        where = code.co_filename.removeprefix(PRODUCT)
        if where in DATACLASSES:
            return
        if event == "c_call":
            if (where, code.co_name, arg.__name__) == (SENDING, "_send", "sendall"):
                self.done = True
                self._tell()
        elif event == "call" and _is_function(code) and not _goes_on(frame):
            calls = self._calls(where, frame)
            name = f"{where}:{code.co_firstlineno}:{code.co_name}"
            calls[name] = calls.get(name, 0) + 1

    def _calls(self, where: str, frame: FrameType) -> dict[str, int]:
        """Where a call on this thread counts."""
        job = frame.f_locals.get("job") if where == THREADS and frame.f_code.co_name in ("do", "_do") else None
        attempt = job is not None and job.name.startswith("attempt")
        if threading.current_thread() is self.main:
            self.handed_over |= attempt
            return {} if self.handed_over else self.before
        if job is not None:
            self.job.calls = {} if attempt else self.before
        calls: dict[str, int] = self.job.__dict__.get("calls", {})
        return calls

    def _tell(self) -> None:
        for name, number in self.job.calls.items():
            self.before[name] = self.before.get(name, 0) + number
        self.out.write_text(json.dumps(self.before), encoding="utf-8")


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & 1) and code.co_name not in ("<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>")


def _goes_on(frame: FrameType) -> bool:
    """Whether a generator or coroutine goes on: its RESUME says after what."""
    code = frame.f_code.co_code
    at = frame.f_lasti
    return code[at] == _RESUME and code[at + 1] & 3 != 0


if __name__ == "__main__":
    counter = Counter(Path(sys.argv[1]))
    sys.argv = ["cancelall", *sys.argv[2:]]
    threading.setprofile(counter)
    sys.setprofile(counter)
    runpy.run_module("cancelall", run_name="__main__")
