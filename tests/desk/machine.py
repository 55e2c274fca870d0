"""A machine inside this one: a real systemd as process 1 of namespaces of its own, with our units and nothing else.

Its files are the host's, but for what is mounted over them in a mount namespace that dies with it; its processes live
in a control group of their own. The network is the host's, so that the embedded exchange is in reach.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

UNITS = ROOT / "contrib" / "systemd"
SYSTEMD = Path("/lib/systemd/systemd")
NEEDED = ("unshare", "nsenter", "systemctl", "systemd-creds", "mount")
# Units of the distribution that ours wait for; here they are empty.
STUBS = (
    "sysinit.target",
    "basic.target",
    "shutdown.target",
    "network-online.target",
    "timers.target",
    "time-sync.target",
)
JOURNAL = ("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket")
_BOOT = """\
set -eu
mount --make-rprivate /
mount --make-rshared /  # within these namespaces: systemd hands credentials on by propagation
mount -t proc proc /proc
# What is made below these stays in memory; where there is no overlay, a few empty directories are left behind.
mount -t tmpfs tmpfs "$ROOM/scratch"
for place in etc opt usr/local var; do
  mkdir -p "$ROOM/scratch/$place" "$ROOM/scratch/work/$place"
  mount -t overlay -o "lowerdir=/$place,upperdir=$ROOM/scratch/$place,workdir=$ROOM/scratch/work/$place" \\
    overlay "/$place" 2>/dev/null || true
done
mkdir -p /var/log /var/lib/private /var/lib/systemd /usr/local/bin /opt/cancelall /opt/host
mkdir -p /etc/systemd/system /etc/credstore.encrypted /etc/cancelall
if test -e /sys/fs/cgroup/cgroup.controllers; then
  mount -t cgroup2 none /sys/fs/cgroup
else
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
  mount -t cgroup2 none /sys/fs/cgroup/unified
fi
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /var/log
mount -t tmpfs -o mode=700 tmpfs /var/lib/private
mount --bind "$KEPT" /var/lib/systemd  # on a disk: systemd encrypts with no key that is in memory only
mount -t tmpfs tmpfs /opt/cancelall
mount -t tmpfs tmpfs /opt/host
mkdir -p /opt/host/python /opt/host/site /opt/host/lib/cancelall
mount --bind "$PREFIX" /opt/host/python
mount --bind "$SITE" /opt/host/site
mount --bind "$PACKAGE" /opt/host/lib/cancelall
mount --bind "$ROOM/units" /etc/systemd/system
mount --bind "$ROOM/bin" /usr/local/bin
mount --bind "$ROOM/etc" /etc/cancelall
mount --bind "$ROOM/credstore" /etc/credstore.encrypted
exec env -i container=namespaces PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/etc/systemd/system \\
  "$SYSTEMD" --system --unit=basic.target --log-target=console --log-level=info --show-status=0
"""
_LAUNCHER = """\
#!/usr/bin/env -S LD_LIBRARY_PATH=/opt/host/python/lib /opt/host/python/bin/{python}
import sys
sys.path[:0] = ["/opt/host/lib", "/opt/host/site"]
from cancelall.__main__ import run
run()
"""


def missing() -> str | None:
    """Why there can be no such machine here, or None."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root can start a systemd of its own"
    if not SYSTEMD.exists():
        return "systemd is not installed"
    if lacking := [name for name in NEEDED if shutil.which(name) is None]:
        return f"not installed: {', '.join(lacking)}"
    tried = subprocess.run(
        ["unshare", "--pid", "--mount", "--cgroup", "--fork", "true"], capture_output=True, timeout=20, check=False
    )
    return None if tried.returncode == 0 else "this machine allows no namespaces"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A running one. `room` holds what it sees as /etc/cancelall, /etc/credstore.encrypted and its units."""

    room: Path
    pid: int

    def run(
        self, *words: str, given: bytes | None = None, seconds: float = 60, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine, as root."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-p", "-i", "-u", "-C", f"--wd={ROOT}", "--", *words],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=seconds,
            check=False,
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **(environ or {})},
            cwd=ROOT,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def journal(self, unit: str) -> str:
        """What a unit said, and what the manager says of it."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    def properties(self, unit: str) -> Mapping[str, str]:
        """Some properties of a unit."""
        shown = self.run("systemctl", "show", unit, "-p", "Result,ExecMainStatus,ActiveState,SubState,NRestarts")
        return dict(line.split("=", 1) for line in shown.stdout.splitlines())


@contextlib.contextmanager
def booted(room: Path, *, program: bool = True, units: bool = True) -> Iterator[Machine]:
    """Boot one, with or without this program and our units on it.

    `room` is an empty directory. Ends the machine, and everything that runs on it, at the end.
    """
    for name in ("bin", "etc", "credstore", "units", "scratch"):
        (room / name).mkdir(mode=0o755)
    if program:
        launcher = room / "bin" / "cancelall"
        launcher.write_text(_LAUNCHER.format(python=Path(sys.executable).resolve().name), encoding="utf-8")
        launcher.chmod(0o755)
    if units:
        shutil.copytree(UNITS, room / "units", dirs_exist_ok=True)
    for stub in STUBS:
        wants = "Wants=systemd-journald.service\n" if stub == "sysinit.target" else ""
        (room / "units" / stub).write_text(f"[Unit]\nDefaultDependencies=no\n{wants}", encoding="utf-8")
    for unit in JOURNAL:
        shutil.copy(f"/lib/systemd/system/{unit}", room / "units")
    kept = tempfile.mkdtemp(prefix="cancelall-", dir="/var/tmp")
    group = _control_group(room.name)
    environ = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "ROOM": str(room),
        "KEPT": kept,
        "PREFIX": sys.base_prefix,
        "SITE": site.getsitepackages()[0],
        "PACKAGE": str(ROOT / "cancelall"),
        "SYSTEMD": str(SYSTEMD),
    }
    with (room / "console").open("wb") as console:
        process = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "sh", "-c", _BOOT],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            env=environ,
            preexec_fn=lambda: _enter(group),
        )
    machine = None
    try:
        machine = Machine(room=room, pid=_child_of(process))
        _await(machine)
        yield machine
    finally:
        process.kill()  # with it the first process of the namespace, and with that all the others
        process.wait(20)
        shutil.rmtree(kept, ignore_errors=True)
        for folder in group:
            _remove(folder)


def _control_group(name: str) -> list[Path]:
    base = Path("/sys/fs/cgroup")
    homes = [base] if (base / "cgroup.controllers").exists() else [base / "systemd", base / "unified"]
    made = [home / f"cancelall-{os.getpid()}-{name}" for home in homes if home.is_dir()]
    for folder in made:
        folder.mkdir()
    return made


def _enter(group: list[Path]) -> None:
    for folder in group:
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def _remove(folder: Path) -> None:
    for _ in range(50):
        with contextlib.suppress(OSError):
            for inner in sorted(folder.rglob("*"), reverse=True):
                if inner.is_dir():
                    inner.rmdir()
            folder.rmdir()
        if not folder.exists():
            return
        time.sleep(0.1)


def _child_of(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if children_ := children.read_text().split():
            return int(children_[0])
        time.sleep(0.02)
    raise TimeoutError("the namespace did not begin")


def _await(machine: Machine) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        state = machine.run("systemctl", "is-system-running")
        if state.stdout.strip() in ("running", "degraded"):
            return
        time.sleep(0.1)
    console = (machine.room / "console").read_text(encoding="utf-8", errors="replace")
    raise TimeoutError(f"the machine did not boot: {console[-2000:]}")
