"""inotify(7): directories that tell when a name in them comes or goes. It only wakes: what is there is looked at.

Where there is none (macOS, Windows, no instance left), who looks does so several times a second all the same.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

_MODIFY, _ATTRIB, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x02, 0x04, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x2000, 0x4000, 0x8000
_NAMES = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_LOST = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
"""Masks of linux/inotify.h."""
_EVENT = struct.Struct("iIII")
_SIZE = 1 << 14


class Inotify:
    """One instance, which watches the directories of names, and files whose content changes."""

    def __init__(self) -> None:
        """Raises OSError where there is none."""
        if sys.platform != "linux":
            raise OSError("no inotify on this system")
        self._add, self._remove = _function("inotify_add_watch"), _function("inotify_rm_watch")
        self.descriptor = _function("inotify_init1")(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError("no inotify instance is left")
        self._names: dict[str, set[bytes]] = {}
        """The names that count, by directory; none for a file that is watched itself."""
        self._watches: dict[int, set[str]] = {}
        """The places that each watch is for: two may be one directory."""

    def watch(self, paths: Iterable[Path], files: Iterable[Path] = ()) -> None:
        """Watch where these names come and go, and these files for what is written to them."""
        for path in paths:
            self._names.setdefault(str(path.parent), set()).add(os.fsencode(path.name))
        for file in files:
            self._names.setdefault(str(file), set())
        self.renew()

    def forget(self, files: Iterable[Path]) -> None:
        """Wake for these files no more."""
        for file in files:
            self._names.pop(str(file), None)

    def renew(self) -> None:
        """Watch again what was lost: a directory that was removed or renamed, and is there again."""
        for place in self._names.keys() - set().union(*self._watches.values()):
            mask = _NAMES if self._names[place] else _MODIFY | _DELETE_SELF
            number = self._add(self.descriptor, os.fsencode(place), mask)
            if number >= 0:
                self._watches.setdefault(number, set()).add(place)

    @property
    def whole(self) -> bool:
        """Whether everything is watched."""
        return sum(map(len, self._watches.values())) >= len(self._names)

    def take(self) -> bool:
        """Take what has happened. Whether any of it is about a name that counts."""
        counts = False
        with contextlib.suppress(BlockingIOError):
            for number, mask, name in events(os.read(self.descriptor, _SIZE)):
                places = self._watches.get(number, set())
                if mask & _LOST and self._watches.pop(number, set()) and mask & _MOVE_SELF:
                    self._remove(self.descriptor, number)  # it would follow the directory to its new name
                wanted = [self._names.get(place, set()) for place in places]
                counts |= bool(mask & (_OVERFLOW | _LOST)) or any(not names or name in names for names in wanted)
        return counts

    def close(self) -> None:
        """Watch nothing any more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _function(name: str) -> Callable[..., int]:
    """A function of the C library. Raises OSError where it cannot be had.

    By what is beneath `ctypes`, which makes a callback when it is imported: a unit may forbid memory for that.
    """
    try:
        import _ctypes

        place = _ctypes.dlsym(_ctypes.dlopen(None, 0), name)  # type: ignore[arg-type]  # None: the program itself
        return lambda *words: int(_ctypes.call_function(place, words))
    except Exception:  # another interpreter, another C library
        raise OSError(f"there is no {name} here") from None


def events(data: bytes) -> list[tuple[int, int, bytes]]:
    """Watch, mask and name of each event in what was read; a torn end is left out."""
    made, at = [], 0
    while at + _EVENT.size <= len(data):
        number, mask, _, length = _EVENT.unpack_from(data, at)
        at += _EVENT.size
        made.append((number, mask, data[at : at + length].rstrip(b"\0")))
        at += length
    return made
