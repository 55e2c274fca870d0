"""Dated files: what was last found of each profile. They hold no secret, and only their owner can read them."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cancelall.core import files
from cancelall.core.files import state_directories

SCHEMA = 1
_SIZE_LIMIT = 4 << 20
_LOCK_SECONDS = 2.0
"""How long another program may keep the file; after that it is written all the same."""

Rows = Mapping[str, Any]
"""What such a file holds: anything, by profile."""


def read(path: Path) -> dict[str, Any]:
    """The file's rows; a missing, foreign or broken file has none."""
    try:
        with files.open_at_once(path) as stream:
            data = json.loads(stream.read(_SIZE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    profiles = data.get("profiles") if isinstance(data, dict) and data.get("schema") == SCHEMA else None
    return profiles if isinstance(profiles, dict) else {}


def change(environ: Mapping[str, str], name: str, changed: Callable[[Rows], Rows]) -> Path | None:
    """Put other rows in the place of those that are there. The place where it is now; None if nowhere."""
    for place in state_directories(environ):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(place / f".{name}.lock"):
                rows = changed(read(place / name))
                text = json.dumps({"schema": SCHEMA, "profiles": dict(rows)}, indent=1)
                files.write_private(place / name, text + "\n")
        except OSError:
            continue
        return place / name
    return None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with the file, where the system has locks; whoever hangs does not keep others from writing."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + _LOCK_SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
