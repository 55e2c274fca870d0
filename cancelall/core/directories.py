"""Where this program keeps what it writes by itself: the journal and the evidence of checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def state_directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Directories to try, best first; none when the environment names no place.

    systemd's `$STATE_DIRECTORY`, else the user's state directory; `$XDG_RUNTIME_DIR` where neither can be written.
    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    found: list[str] = []
    if sys.platform == "win32":
        found += [os.path.join(environ["LOCALAPPDATA"], "cancelall")] if environ.get("LOCALAPPDATA") else []  # noqa: PTH118
        return tuple(Path(one) for one in found)
    home, state, runtime = (environ.get(name) or "" for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"))
    units = (environ.get("STATE_DIRECTORY") or "").split(":")
    found += units[:1]
    if not units[0]:
        found += [f"{state}/cancelall" if os.path.isabs(state) else f"{home}/.local/state/cancelall" if home else ""]  # noqa: PTH117
    found += [f"{runtime}/cancelall"] if runtime else []
    return tuple(Path(one) for one in found if os.path.isabs(one))  # noqa: PTH117
