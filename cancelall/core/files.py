"""Files: where this program keeps its own, opened without waiting, private; and who else can read or write one."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

    StrPath = str | os.PathLike[str]

READ, WRITE = 4, 2
"""Rights of others, as the bits of a mode."""
_ACL = "system.posix_acl_access"
_NAMED_USER, _GROUP, _NAMED_GROUP, _MASK, _OTHERS = 0x02, 0x04, 0x08, 0x10, 0x20
"""Kinds of entries of an access control list: acl(5), and linux/posix_acl_xattr.h for its bytes."""


def state_directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Directories for the journal and the evidence of checks, best first; none when the environment names no place.

    systemd's `$STATE_DIRECTORY`, else the user's state directory; `$XDG_RUNTIME_DIR` where neither can be written.
    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    from pathlib import Path

    places: list[str] = []
    if sys.platform == "win32":
        places += [os.path.join(environ["LOCALAPPDATA"], "cancelall")] if environ.get("LOCALAPPDATA") else []
        return tuple(Path(one) for one in places)
    home, state, runtime = (environ.get(name) or "" for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"))
    units = (environ.get("STATE_DIRECTORY") or "").split(":")
    places += units[:1]
    if not units[0]:
        places += [f"{state}/cancelall" if os.path.isabs(state) else f"{home}/.local/state/cancelall" if home else ""]
    places += [f"{runtime}/cancelall"] if runtime else []
    return tuple(Path(one) for one in places if os.path.isabs(one))


def open_at_once(path: StrPath) -> BinaryIO:
    """A file to read from. A pipe that nobody writes to does not make us wait."""
    nonblock = getattr(os, "O_NONBLOCK", 0)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | nonblock))


def write_private(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file for its owner alone, all or nothing; `new` keeps an old one. Raises FileExistsError, OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    import tempfile  # with what it brings, 3 ms that a kill does not need

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            os.link(temporary, path)  # refuses an existing name, unlike a rename
        else:
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def rights_of_others(descriptor: int | StrPath, status: os.stat_result) -> int:
    """What anybody but us and root may do with a file: READ, WRITE, both, or 0. Elsewhere than on POSIX: 0.

    With an access control list the group bits of the mode are its mask, not the group's rights: systemd gives a unit
    its credentials so, mode 0440 with one entry for the unit's user.
    """
    if os.name != "posix":
        return 0
    bits = (status.st_mode >> 3 | status.st_mode) & (READ | WRITE)
    if not status.st_mode & stat.S_IRWXG:
        return bits  # the mask of a list would be there
    try:
        raw = os.getxattr(descriptor, _ACL)
    except (OSError, AttributeError):  # none, or none are known here
        return bits
    return _rights_by_list(raw, status) & (READ | WRITE)


def _rights_by_list(raw: bytes, status: os.stat_result) -> int:
    import struct  # few files have a list

    entries = [struct.unpack_from("<HHI", raw, at) for at in range(4, len(raw) - 7, 8)]
    mask = next((rights for kind, rights, _ in entries if kind == _MASK), 7)
    rights = 0
    for kind, given, who in entries:
        if kind == _OTHERS:
            rights |= given
        elif kind in (_GROUP, _NAMED_GROUP):
            rights |= given & mask
        elif kind == _NAMED_USER and who not in (0, os.geteuid()):
            # Whom root has let read a file of its own is root's affair: that is how a unit's user gets it.
            rights |= given & mask & (WRITE if status.st_uid == 0 else READ | WRITE)
    return rights


def why_others_can_replace(path: StrPath, status: os.stat_result) -> str:
    """Why somebody else could put another file in the place of this one, or change it; empty when nobody can.

    Who owns it, and who can write to its directory, can; a sticky directory keeps nobody from making the file first.
    A link is judged where it stands and where it leads. `status` is that of the file. Raises OSError.
    """
    if os.name != "posix":
        return ""
    if status.st_uid not in (0, os.geteuid()):
        return f"belongs to somebody else (user {status.st_uid})"
    # Not `abspath`, which takes `..` for what it is without links.
    stands = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
    places = dict.fromkeys((os.path.dirname(stands), os.path.dirname(os.path.realpath(path))))
    return next((f"is in a directory that others can write ({place})" for place in places if _is_open(place)), "")


def _is_open(directory: str) -> bool:
    """Whether somebody else can make and rename files in a directory."""
    status = os.stat(directory)
    others = rights_of_others(directory, status) & WRITE and not _group_is_ours_alone(directory, status)
    if not others and status.st_uid in (0, os.geteuid()):
        return False
    return not os.statvfs(directory).f_flag & os.ST_RDONLY  # a mounted volume of a container: nobody can


def _group_is_ours_alone(directory: str, status: os.stat_result) -> bool:
    """Whether only a group can write there that nobody else is in: many systems give each user one of his own name, and
    with it directories of mode 775."""
    if status.st_mode & stat.S_IWOTH or status.st_gid != os.getegid() or os.geteuid() == 0:
        return False
    import grp
    import pwd

    try:
        os.getxattr(directory, _ACL)
        return False
    except (OSError, AttributeError):
        pass
    try:
        me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return me.pw_gid == group.gr_gid and group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name}
