"""Hides a folder of this machine from the tests and all that they start, and from nobody else."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
"""CLONE_NEWNS and CLONE_NEWUSER of linux/sched.h."""
_RECURSIVE_PRIVATE = 0x4000 | 0x40000
"""MS_REC and MS_PRIVATE of linux/mount.h."""


def hide(folder: Path) -> bool:
    """Mount an empty folder over it, in a mount namespace of this process. Whether that worked.

    Without the right to do so in a user namespace too, in which every user but this one is nobody.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_MOUNTS) != 0:
        if libc.unshare(_NEW_MOUNTS | _NEW_USER) != 0:
            return False
        maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
        try:
            for name, text in maps.items():
                Path("/proc/self", name).write_text(text, encoding="ascii")
        except OSError:
            return False
    private = libc.mount(b"none", b"/", None, _RECURSIVE_PRIVATE, None) == 0
    return private and libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, b"size=4k,mode=755") == 0
