"""Change a few keys of one profile in the config file and nothing else: comments, order and spacing stay.

The text is edited where it stands, and an edit counts only when the result parses to exactly what was meant. Where
none does (an inline table, dotted keys), the file is written anew from its data and the old one kept next to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cancelall.config.toml_file import read_text
from cancelall.core.errors import ConfigError
from cancelall.core.files import why_others_can_replace, write_private

Value = str | int
"""What a key can be given."""
LOCK_SECONDS = 5.0
BACKUP_SUFFIX = ".before"
"""Appended to the name of a config file that had to be written anew."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A config file with the wanted keys. `keeps_comments` is false when the text had to be made new."""

    text: str
    keeps_comments: bool = True


def save(path: Path, profile: str, keys: Mapping[str, Value]) -> str:
    """Give a profile these keys, in its table or a new one; all or nothing, and only for the owner's eyes.

    Returns what the user should know about it, or nothing. Raises ConfigError, OSError.
    """
    path = path.resolve()  # a link into somebody's dotfiles stays a link
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(path):
        try:
            before = read_text(path)[0]
        except FileNotFoundError:
            before = ""
        edit = with_keys(before, profile, keys)
        if edit.text == before and not stat.S_IMODE(path.stat().st_mode) & 0o077:
            return ""
        backup = path.with_name(path.name + BACKUP_SUFFIX)
        if not edit.keeps_comments:
            write_private(backup, before)
        write_private(path, edit.text)
    told = [f"{path} {why}: no kill will read it there"] if (why := why_others_can_replace(path, path.stat())) else []
    if not edit.keeps_comments:
        told.append(f"{path} had to be written anew and has lost its comments; as it was before: {backup}")
    return "; ".join(told)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep others of us from changing the file meanwhile, or their profile would be lost. The lock is the directory's:
    the file itself is replaced."""
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as fault:  # somebody else has it, or such a thing is not known here
                if fault.errno not in (errno.EAGAIN, errno.EACCES):
                    break
                if time.monotonic() > until:
                    raise ConfigError(f"{path} is being changed by another process", "run it again") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def with_keys(text: str, profile: str, keys: Mapping[str, Value]) -> Edit:
    """The text of a config with these keys in the profile's table. Raises ConfigError when no profile can be there."""
    import tomli_w

    meant, new = _meant(text, profile, keys)
    if not new:
        return Edit(text=text)
    for candidate in _candidates(text, profile, new):
        if _parsed(candidate) == meant:
            return Edit(text=candidate)
    return Edit(text=tomli_w.dumps(meant), keeps_comments=False)


def _meant(text: str, profile: str, keys: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Value]]:
    """The data as it is to be, and which of the keys are not so yet."""
    data = _parsed(text)
    profiles = data.setdefault("profiles", {}) if data is not None else None
    table = profiles.setdefault(profile, {}) if isinstance(profiles, dict) else None
    if data is None or not isinstance(table, dict):
        raise ConfigError(f'the config has no place for a profile "{profile}"', "correct the file and run again")
    new = {key: value for key, value in keys.items() if table.get(key) != value}
    table.update(new)
    return data, new


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _candidates(text: str, profile: str, keys: Mapping[str, Value]) -> Iterator[str]:
    """The text edited in every place that could be the right one. What only looks like it parses to something else."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    name = rf"""(?:{re.escape(profile)}|"{re.escape(profile)}"|'{re.escape(profile)}')"""
    header = re.compile(rf"""\s*\[\s*(?:profiles|"profiles"|'profiles')\s*\.\s*{name}\s*\]\s*(?:#.*)?$""")
    for index, line in enumerate(lines):
        if header.match(line.rstrip()):
            last = next((at for at in range(index + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
            yield "".join([*lines[:index], *_in_table(lines[index:last], keys, end), *lines[last:]])
    gap = end if lines else ""
    ended = text if not lines or text.endswith("\n") else text + end
    block = [f"[profiles.{profile}]{end}", *(_line(key, value, end) for key, value in keys.items())]
    yield ended + gap + "".join(block)


def _in_table(table: list[str], keys: Mapping[str, Value], end: str) -> list[str]:
    """A table, heading first, with these keys: in their old line where they have one, else below the heading."""
    changed, new = list(table), []
    if not changed[0].endswith("\n"):
        changed[0] += end
    for key, value in keys.items():
        old = re.compile(
            rf"""(\s*(?:{key}|"{key}"|'{key}')\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+-]+)(.*)""", re.DOTALL
        )
        found = next(((at, match) for at, line in enumerate(changed) if (match := old.fullmatch(line))), None)
        if found is None:
            new.append(_line(key, value, end))
        else:
            at, match = found
            changed[at] = match[1] + _line("x", value, "").partition(" = ")[2] + match[2]
    return [changed[0], *new, *changed[1:]]


def _line(key: str, value: Value, end: str) -> str:
    import tomli_w

    return tomli_w.dumps({key: value}).rstrip("\n") + end
