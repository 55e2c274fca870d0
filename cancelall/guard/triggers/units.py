"""Units of systemd, by their control groups: a unit lives while a process is in its group, or in one below.

Read from the file system alone. systemd's own bus may be the thing that does not answer.
https://www.kernel.org/doc/html/latest/admin-guide/cgroup-v2.html, "cgroup.events"
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from cancelall.core.errors import ConfigError
from cancelall.core.quoting import quoted
from cancelall.guard.model import Sight
from cancelall.guard.triggers.source import TriggerSource, WatchedTime, words_of

_CGROUPS = Path("/sys/fs/cgroup")
_ROOTS = ("", "unified", "systemd")
"""Where the hierarchy is in which systemd keeps its units: alone, mixed with the first version, or of that version."""
_DEEP = 12
"""Groups in groups that are searched."""
_EVERY = 2.0
"""Watched seconds between two searches for a unit that is not where it was."""
_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,244}\.(service|scope)")
_LOADED = (
    *("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"),
    *("/usr/local/share/systemd", "/usr/share/systemd"),
)
_BELOW = ("{0}", "{0}.attached", "{0}.control", "transient", "generator", "generator.early", "generator.late")
"""systemd.unit(5): where unit files are."""


def is_unit(source: str) -> bool:
    """Whether that is the name of a unit."""
    return "/" not in source and source.endswith((".service", ".scope"))


class Unit(TriggerSource):
    """A unit: its key changes with each start."""

    trigger = "process"

    def __init__(self, source: str, environ: Mapping[str, str], root: Path = Path("/")) -> None:
        """Raises ConfigError for what is no name of a unit. `root` is that of the file system."""
        super().__init__(source)
        if not _NAME.fullmatch(source) or source.endswith("@.service"):
            raise ConfigError(f'"{quoted(source)}" is no name of a unit', "NAME.service")
        self._environ = environ
        self._base = root
        self._roots = [place for name in _ROOTS if (place := _within(root, _CGROUPS) / name).is_dir()]
        self._group: Path | None = None
        self._ino = 0
        self._invocation = self._key = ""
        self._searched = 0.0
        self._watched = WatchedTime()
        self._search: threading.Thread | None = None
        self._seek()

    @property
    def events(self) -> Path | None:
        """The file that is written to when the unit's last process ends."""
        return self._group / "cgroup.events" if self._group is not None else None

    def expect(self) -> None:
        """Raise ConfigError for a unit that nobody knows here."""
        if not any(_is_hierarchy(place) for place in self._roots):
            raise ConfigError(f"the unit {self.source} cannot be watched: no control groups here", "watch a pidfile")
        if self._group is None and not any(map(os.path.lexists, self._files())):
            raise ConfigError(f"there is no unit {quoted(self.source)} here", "see: systemctl list-units --all")

    def look(self, at: float) -> Sight:
        """Its key, and whether any process of it lives."""
        watched = self._watched.since(at)
        try:
            for group in filter(None, (self._group, *self._usual())):
                if (ino := _inode(group)) and (lives := _populated(group)) is not None:
                    self._group, self._searched = group, 0.0
                    self._note(ino)
                    return self.sight(key=self._key, present=lives)
        except OSError as fault:
            return self.sight(key=self._key, trouble=words_of(fault))
        self._searched += watched
        if self._searched >= _EVERY and not (self._search and self._search.is_alive()):
            self._searched = 0.0
            self._search = threading.Thread(target=self._seek, name="guard unit", daemon=True)
            self._search.start()
        return self.sight(key=self._key)

    def _note(self, ino: int) -> None:
        """Change the key when the group is another one, or the same of another start.

        That start's number can be out of sight for a while, or for ever: then it is as it was.
        """
        invocation = self._invocation_now() or self._invocation
        again = bool(self._invocation) and invocation != self._invocation
        if ino != self._ino or again:
            self._key = f"{ino}:{invocation}"
        self._ino, self._invocation = ino, invocation

    def _invocation_now(self) -> str:
        """systemd's number of this start, from where it keeps it for journald."""
        places = [_within(self._base, Path("/run/systemd/units"))]
        if self._of_user and (runtime := self._environ.get("XDG_RUNTIME_DIR")):
            places = [_within(self._base, Path(runtime)) / "systemd" / "units"]
        for place in places:
            with contextlib.suppress(OSError):
                return os.readlink(place / f"invocation:{self.source}")  # noqa: PTH115
        return ""

    @property
    def _of_user(self) -> bool:
        return self._group is not None and _is_of_user(self._group)

    def _usual(self) -> Iterable[Path]:
        """Where the groups of most units are."""
        user = os.getuid() if hasattr(os, "getuid") else 0
        for root in self._roots:
            yield root / "system.slice" / self.source
            yield root / f"user.slice/user-{user}.slice/user@{user}.service/app.slice" / self.source

    def _seek(self) -> None:
        """Search every hierarchy; a unit of the machine is preferred to one of a user, of one's own to others'."""
        for root in self._roots:
            if _is_hierarchy(root) and (groups := _named(root, self.source)):
                mine = f"/user@{os.getuid()}.service/" if hasattr(os, "getuid") else "\0"
                self._group = min(groups, key=lambda one: (_is_of_user(one), mine not in str(one), str(one)))
                return

    def _files(self) -> Iterable[Path]:
        """Where its unit file can be."""
        template = re.sub(r"@.*(?=\.)", "@", self.source)
        places = [Path(top) / below.format(who) for top in _LOADED for who in ("system", "user") for below in _BELOW]
        home, runtime = (self._environ.get(name) for name in ("HOME", "XDG_RUNTIME_DIR"))
        if home:
            places += [Path(home) / ".config/systemd/user", Path(home) / ".local/share/systemd/user"]
        if runtime:
            places += [Path(runtime) / "systemd" / below.format("user") for below in _BELOW]
        for place in places:
            yield from (_within(self._base, place) / name for name in {self.source, template})


def _within(root: Path, path: Path) -> Path:
    """A path of the machine, below another root."""
    return root / path.relative_to(path.anchor)


def _is_of_user(group: Path) -> bool:
    return "/user.slice/" in str(group)


def _is_hierarchy(place: Path) -> bool:
    """Whether control groups that systemd keeps are right here."""
    return any((place / name).exists() for name in ("cgroup.controllers", "cgroup.procs"))


def _inode(group: Path) -> int:
    """The number of a group, which no other one gets in this boot; 0 when there is none. Raises OSError."""
    try:
        return os.stat(group).st_ino  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _populated(group: Path) -> bool | None:
    """Whether any process is in a group or below it; None when it has gone. Raises OSError.

    The first version of control groups has no `cgroup.events`: there the processes are listed.
    """
    try:
        words = (group / "cgroup.events").read_bytes().split()
        return words[words.index(b"populated") + 1] != b"0"
    except FileNotFoundError:
        pass
    except OSError as fault:
        _raise_unless_gone(fault)
        return None
    except (ValueError, IndexError):
        raise OSError(errno.EBADMSG, "its cgroup.events is odd") from None
    try:
        return _has_processes(group, _DEEP)
    except OSError as fault:
        _raise_unless_gone(fault)
        return None


def _raise_unless_gone(fault: OSError) -> None:
    """Raise what does not say that the group was removed while it was read."""
    if fault.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENODEV):
        raise fault


def _has_processes(group: Path, deep: int) -> bool:
    if (group / "cgroup.procs").read_bytes().strip():
        return True
    with os.scandir(group) as entries:
        below = [Path(one.path) for one in entries if one.is_dir(follow_symlinks=False)]
    for one in below if deep else ():
        with contextlib.suppress(FileNotFoundError):
            if _has_processes(one, deep - 1):
                return True
    return False


def _named(root: Path, name: str) -> list[Path]:
    """Every group of that name."""
    made, places = [], [(root, 0)]
    while places:
        place, deep = places.pop()
        with contextlib.suppress(OSError), os.scandir(place) as entries:
            for one in entries:
                if one.is_dir(follow_symlinks=False):
                    if one.name == name:
                        made.append(Path(one.path))
                    elif deep < _DEEP:
                        places.append((Path(one.path), deep + 1))
    return made
