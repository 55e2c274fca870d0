"""What nobody caught: one line each, no traceback, no secret; no core file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cancelall.core import errors
from support import ROOT

CANARY = "CANARY-of-a-secret"


def python(code: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A guarded process that knows one secret."""
    start = "from cancelall.cli import process\nfrom cancelall.core.secret import Secret\n"
    start += f"process.install(), process.guard_threads(), process.hear_logs()\nSecret({CANARY!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


EVERY_WAY = f"""
import gc, logging, threading, warnings

def fails(): raise ValueError({CANARY!r})

class Leaky:
    def __del__(self): fails()

thread = threading.Thread(target=fails)
thread.start(); thread.join()
Leaky(); gc.collect()
logging.getLogger("urllib3.connectionpool").warning("dropped")
logging.getLogger("urllib3.connectionpool").error("sent %s \\x1b[31m", {CANARY!r})
logging.getLogger("other").warning("broken %d", {CANARY!r})
logging.getLogger("other").exception("with a trace", exc_info=ValueError({CANARY!r}))
warnings.warn("about {CANARY}")
fails()
"""


def test_every_way_out_of_a_bug_is_one_line_without_a_secret(tmp_path: Path) -> None:
    ended = python(EVERY_WAY, tmp_path)
    assert ended.stdout == ""
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "cancelall: a bug: ValueError at <string>:8, in a thread",
        "cancelall: a bug: ValueError at <string>:8, ignored",
        "cancelall: urllib3.connectionpool: sent *** \\x1b[31m",
        "cancelall: other: a message of <string>:18",
        "cancelall: other: with a trace",
        "cancelall: UserWarning: about ***",
        "cancelall: a bug: ValueError at <string>:8 - please report it with the command that you ran",
    ]


@pytest.mark.parametrize("code", ["raise KeyboardInterrupt", "import os; os.kill(os.getpid(), 2)"])
def test_an_interruption_is_no_bug(tmp_path: Path, code: str) -> None:
    assert python(code, tmp_path).stderr == "cancelall: interrupted\n"


def test_nobody_to_tell_is_no_second_bug(tmp_path: Path) -> None:
    ended = python("import sys; sys.stderr.close(); sys.stderr = None; raise ValueError", tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_process_leaves_no_core_file(tmp_path: Path) -> None:
    """Even where it may, and dies of a signal that writes one."""
    code = """
import ctypes, os, resource
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3), flush=True)
os.abort()
"""
    ended = python(code, tmp_path)
    assert (ended.returncode, ended.stdout) == (-6, "(0, 0) 0\n")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_told_by_its_place() -> None:
    with pytest.raises(ValueError) as caught:
        int("x" + CANARY)
    assert errors.bug_words(caught.value).startswith("a bug: ValueError at test_process.py:")
    assert errors.bug_words(ValueError(CANARY)) == "a bug: ValueError"


def test_a_bug_in_a_library_is_told_by_who_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deepest line of this program, and the line where it was raised."""
    from cancelall.core import model

    def fails(*words: object, **more: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("json.loads", fails)
    with pytest.raises(ZeroDivisionError) as caught:
        model.parse(b"{}")
    told = errors.bug_place(caught.value)
    assert re.fullmatch(r"ZeroDivisionError at model\.py:\d+ \(test_process\.py:\d+\)", told)
    assert errors.bug_words(caught.value) == f"a bug: {told}"
    assert errors.bug_place(KeyError()) == "KeyError"
