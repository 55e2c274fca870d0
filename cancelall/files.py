"""Files: opened without waiting, written for their owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def open_at_once(path: Path) -> BinaryIO:
    """A file to read from. A pipe that nobody writes to does not make us wait."""
    nonblock = getattr(os, "O_NONBLOCK", 0)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | nonblock))  # noqa: PTH123, SIM115


def write_private(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file that only its owner can read, all or nothing. With `new`, an existing one is left alone.

    Raises FileExistsError, OSError.
    """
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
            os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same call
    finally:
        Path(temporary).unlink(missing_ok=True)
