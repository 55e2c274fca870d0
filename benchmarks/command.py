"""Running a command as a user would: a clean environment, no terminal, and the moment at which it was started."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = Path(__file__).resolve().parent / "clients"
CANCELALL = str(Path(sys.executable).parent / "cancelall")
PIP = str(Path(sys.executable).parent / "pip")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that has ended; wall times in seconds."""

    began: float
    ended: float
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(*words: str, home: Path, env: Mapping[str, str], seconds: float = 120) -> Ran:
    """Run to the end."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **env}
    out, err = home / "stdout", home / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.time()
        process = subprocess.run(
            words,
            env=environ,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            timeout=seconds,
            check=False,
        )
        ended = time.time()
    return Ran(
        began=began,
        ended=ended,
        code=process.returncode,
        out=out.read_text(encoding="utf-8", errors="replace"),
        err=err.read_text(encoding="utf-8", errors="replace"),
    )


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a command took: seconds of processor time, MB at its peak."""

    user: float
    system: float
    peak_mb: float


_MEASURE = """
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as stream:
    print(used.ru_utime, used.ru_stime, used.ru_maxrss / 1024, file=stream)
os._exit(code)
"""


def run_and_measure(*words: str, home: Path, env: Mapping[str, str], seconds: float = 300) -> tuple[Ran, Used]:
    """Run, and what it took. A child's peak includes what its parent had at the fork, so a small one is put between
    this process and the command.
    """
    note = home / "used"
    ran = run(sys.executable, "-S", "-c", _MEASURE, str(note), *words, home=home, env=env, seconds=seconds)
    user, system, peak = map(float, note.read_text(encoding="utf-8").split())
    return ran, Used(user=user, system=system, peak_mb=peak)


def run_and_weigh(*words: str, home: Path, env: Mapping[str, str], seconds: float = 300) -> tuple[Ran, float]:
    """Run, and the peak memory in MB."""
    ran, used = run_and_measure(*words, home=home, env=env, seconds=seconds)
    return ran, used.peak_mb


def compiled() -> None:
    """Write the bytecode that an installation has, whatever this environment says about it."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "cancelall")], env=environ, check=True)


@contextlib.contextmanager
def secret_service(home: Path, secrets: Mapping[str, str]) -> Iterator[Mapping[str, str] | None]:
    """A real Secret Service with some items; the environment that leads to it, or None where there is none."""
    daemons = [shutil.which(name) for name in ("dbus-daemon", "gnome-keyring-daemon")]
    if not all(daemons):
        yield None
        return
    (home / "runtime").mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "runtime")}
    with contextlib.ExitStack() as stack:
        bus = stack.enter_context(_daemon("dbus-daemon", "--session", "--nofork", "--print-address", env=environ))
        assert bus.stdout is not None
        address = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().decode().strip()}
        keyring = stack.enter_context(
            _daemon("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", env=environ | address)
        )
        assert keyring.stdin is not None
        keyring.stdin.write(b"benchmark")
        keyring.stdin.close()
        code = "import json, keyring, sys\nfor name, value in json.load(sys.stdin).items():\n"
        code += " keyring.set_password('cancelall', name, value)"
        for _ in range(20):  # until the daemon has its name on the bus
            told = json.dumps(dict(secrets)).encode()
            done = subprocess.run([sys.executable, "-c", code], env=environ | address, input=told, capture_output=True)
            if done.returncode == 0:
                break
            time.sleep(0.2)
        assert done.returncode == 0, done.stderr.decode()
        yield address


@contextlib.contextmanager
def _daemon(*words: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        words, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
