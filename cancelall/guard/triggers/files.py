"""Heartbeat files, of which any change is a beat, and kill files, whose existence fires."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted_path
from cancelall.guard.model import Sight
from cancelall.guard.triggers.source import PATIENCE, Distant, TriggerSource, absolute, directory_of, words_of

_MOUNTS = Path("/proc/self/mountinfo")
_DISTANT = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "gfs2",
    "ocfs2",
    "autofs",
    "virtiofs",
)
"""File systems, by how their names begin, that answer when another machine or program does."""


class HeartbeatFile(TriggerSource):
    """A file of which any change of inode, time or size is a beat: touched, replaced, truncated, or a log that grows.

    The time in it is compared for equality alone. That it is not there is silence, neither a beat nor a trouble.
    """

    trigger = "heartbeat"

    def __init__(self, source: str) -> None:
        """Raises ConfigError for a path that cannot be one."""
        super().__init__(source)
        self._path = absolute(source, "heartbeat")
        self._key = ""

    def expect(self) -> None:
        """Raise ConfigError for what cannot be looked at as it is now."""
        directory_of(self._path, "heartbeat")
        if self._path.is_dir():
            raise ConfigError(f"the heartbeat {quoted_path(self.source)} is a directory", "name a file in it")
        if trouble := self.look(0.0).trouble:
            raise ConfigError(f"the heartbeat {quoted_path(self.source)} cannot be looked at: {trouble}", "")

    def look(self, at: float) -> Sight:
        """Its key now; the last one while it is not there."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - the cheapest way: it is done several times a second
        except FileNotFoundError:
            return self.sight(key=self._key)
        except OSError as fault:
            return self.sight(key=self._key, trouble=words_of(fault))
        self._key = f"{status.st_ino}:{status.st_mtime_ns}:{status.st_size}"
        return self.sight(key=self._key)


class KillFile(TriggerSource):
    """A file that fires by being there, in whatever form: it is never opened, followed or removed."""

    trigger = "kill file"

    def __init__(self, source: str) -> None:
        """Raises ConfigError for a path that cannot be one."""
        super().__init__(source)
        self.path = absolute(source, "kill file")
        if self.path.name in ("", "..") or self.path.parent == self.path:
            raise ConfigError(
                f"{quoted_path(source)} can be no kill file: it is always there", "name a file that is not"
            )

    def expect(self) -> None:
        """Raise ConfigError for what cannot be looked at as it is now."""
        if trouble := self.look(0.0).trouble:
            raise ConfigError(
                f"the kill file {quoted_path(self.source)} cannot be looked at: {trouble}",
                "its directory has to exist, and to be readable for the guard",
            )

    def look(self, at: float) -> Sight:
        """Whether it exists. Only what is not there in a directory that can be read is absent."""
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return self.sight(trouble=_unreadable(self.path.parent))
        except OSError as fault:
            return self.sight(trouble=words_of(fault))
        return self.sight(present=True)


def _unreadable(directory: Path) -> str:
    """Why a directory cannot be read; empty when it can."""
    try:
        if not stat.S_ISDIR(os.stat(directory).st_mode):  # noqa: PTH116
            return os.strerror(errno.ENOTDIR)
        return "" if os.access(directory, os.R_OK | os.X_OK) else f"{directory}: {os.strerror(errno.EACCES)}"
    except OSError as fault:
        return f"{directory}: {words_of(fault)}"


def nearby(source: TriggerSource, *, lenient: bool = False) -> TriggerSource:
    """A source that is a path, once it can be looked at; in a thread where its file system may not answer at once.

    Raises ConfigError as its `expect` does, and for a file system that does not answer; unless it is lenient.
    """
    known: list[bool | ConfigError] = []

    def work() -> None:
        try:
            mounts = _read(_MOUNTS)
            if not lenient:
                source.expect()
                _refuse_private(source, mounts)
            known.append(is_distant(Path(source.source), mounts))
        except ConfigError as error:
            known.append(error)
        except OSError:
            known.append(True)

    working = threading.Thread(target=work, name="guard file system", daemon=True)
    working.start()
    working.join(PATIENCE)
    answer = known[0] if known else True
    if isinstance(answer, ConfigError):
        raise answer
    if not known and not lenient:
        raise ConfigError(f"the {source.trigger} {quoted_path(source.source)} does not answer", "its file system hangs")
    if answer and isinstance(source, KillFile):
        source = _OnItsMount(source)
    return Distant(source) if answer else source


class _OnItsMount(TriggerSource):
    """A kill file of another machine: where its file system is mounted no more, that it is not there says nothing."""

    def __init__(self, inner: KillFile) -> None:
        super().__init__(inner.source)
        self.trigger = inner.trigger
        self._inner = inner
        self._looked_at = float("-inf")
        self._trouble = ""

    def look(self, at: float) -> Sight:
        """As the file itself; once a second it is seen whether it is still there that one looks."""
        sight = self._inner.look(at)
        if sight.present or sight.trouble:
            return sight
        if at >= self._looked_at + PATIENCE:
            self._looked_at = at
            gone = not is_distant(self._inner.path, _read(_MOUNTS))
            self._trouble = "its file system is not mounted any more" if gone else ""
        return self.sight(trouble=self._trouble)


def _refuse_private(source: TriggerSource, mounts: str) -> None:
    """Raise ConfigError for a file in a /tmp that systemd has made for this unit alone: nobody else can touch it."""
    if is_private(Path(source.source), mounts):
        raise ConfigError(
            f"the {source.trigger} {quoted_path(source.source)} is where only this unit sees it: PrivateTmp=",
            "name a place in /run",
        )


def is_private(path: Path, mounts: str) -> bool:
    """Whether a path is below a directory that systemd has made for one unit: `PrivateTmp=` of systemd.exec(5)."""
    place = os.path.realpath(path.parent)
    roots = {_unescaped(fields[4]): fields[3] for line in mounts.splitlines() if len(fields := line.split(" ")) > 5}
    over = [point for point in roots if point == "/" or place == point or place.startswith(f"{point}/")]
    return bool(over) and "/systemd-private-" in roots[max(over, key=len)]


def is_distant(path: Path, mounts: str) -> bool:
    """Whether a path is on a file system of another machine or program. `mounts` is what `mountinfo` says.

    https://www.kernel.org/doc/Documentation/filesystems/proc.txt, 3.5
    """
    if sys.platform != "linux":
        return False
    place = os.path.realpath(path.parent)
    kinds = {point: kind for point, kind in map(_mounted, mounts.splitlines()) if kind}
    over = [point for point in kinds if point == "/" or place == point or place.startswith(f"{point}/")]
    return bool(over) and kinds[max(over, key=len)].startswith(_DISTANT)


def _mounted(line: str) -> tuple[str, str]:
    """Where a file system is mounted, and what it is; empty for an odd line."""
    head, _, tail = line.partition(" - ")
    fields, kind = head.split(" "), tail.partition(" ")[0]
    return (_unescaped(fields[4]), kind) if len(fields) > 5 else ("", "")


def _unescaped(point: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, letter)
    return point


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
