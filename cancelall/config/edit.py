"""Change a few keys of one table in the config file and nothing else: comments, order and spacing stay.

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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cancelall.config.toml_file import read_text
from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ConfigError
from cancelall.core.files import why_others_can_replace, write_private

Value = str | int | float | bool | Sequence[str]
"""What a key can be given."""
Where = tuple[str, ...]
"""A table by the parts of its name."""
LOCK_SECONDS = 5.0
BACKUP_SUFFIX = ".before"
"""Appended to the name of a config file that had to be written anew."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A config file with the wanted keys. `keeps_comments` is false when the text had to be made new."""

    text: str
    keeps_comments: bool = True


def of_profile(name: str) -> Where:
    """The table of a profile."""
    return ("profiles", name)


def save(path: Path, tables: Mapping[Where, Mapping[str, Value]], *, careful: bool = False) -> str:
    """Give tables these keys, each in its place or a new one; all or nothing, and only for the owner's eyes.

    Returns what the user should know about it, or nothing. Raises ConfigError, OSError; where it has to be `careful`,
    also before a file that others could replace is written.
    """
    path = path.resolve()  # a link into somebody's dotfiles stays a link
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if careful:
        _refuse_open_places(path)
    with _alone(path):
        try:
            before = read_text(path)[0]
        except FileNotFoundError:
            before = ""
        edit = Edit(text=before)
        for where, keys in tables.items():
            made = with_keys(edit.text, where, keys)
            edit = Edit(text=made.text, keeps_comments=edit.keeps_comments and made.keeps_comments)
        if edit.text == before and not stat.S_IMODE(path.stat().st_mode) & 0o077:
            return ""
        backup = path.with_name(path.name + BACKUP_SUFFIX)
        if not edit.keeps_comments:
            write_private(backup, before)
        write_private(path, edit.text)
    remarks = (
        [f"{path} {why}: no kill will read it there"] if (why := why_others_can_replace(path, path.stat())) else []
    )
    if not edit.keeps_comments:
        remarks.append(f"{path} had to be written anew and has lost its comments; as it was before: {backup}")
    return "; ".join(remarks)


def _refuse_open_places(path: Path) -> None:
    """Raise ConfigError for a directory in which somebody else could put another file in the place of this one."""
    present = path if path.exists() else path.parent
    if why := why_others_can_replace(path, present.stat()):
        raise ConfigError(
            f"the config file {path} {why}: nothing was written there",
            "let it and its directory belong to you, and give nobody else the right to write there",
        )


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


def with_keys(text: str, where: Where, keys: Mapping[str, Value]) -> Edit:
    """The text of a config with these keys in a table. Raises ConfigError when no such table can be there."""
    import tomli_w

    meant, new = _meant(text, where, keys)
    if not new:
        return Edit(text=text)
    for candidate in _candidates(text, where, new):
        if _parsed(candidate) == meant:
            return Edit(text=candidate)
    return Edit(text=tomli_w.dumps(meant), keeps_comments=False)


def _meant(text: str, where: Where, keys: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Value]]:
    """The data as it is to be, and which of the keys are not so yet."""
    data = _parsed(text)
    table: Any = data
    for name in where:
        table = table.setdefault(name, {}) if isinstance(table, dict) else None
    if data is None or not isinstance(table, dict):
        what = f'a profile "{where[1]}"' if len(where) == 2 else f"[{'.'.join(where)}]"
        raise ConfigError(f"the config has no place for {what}", "correct the file and run again")
    own = {key: list(value) if isinstance(value, tuple | list) else value for key, value in keys.items()}
    new = {key: value for key, value in own.items() if table.get(key) != value or type(table[key]) is not type(value)}
    table.update(new)
    return data, new


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _candidates(text: str, where: Where, keys: Mapping[str, Value]) -> Iterator[str]:
    """The text edited in every place that could be the right one. What only looks like it parses to something else."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    name = r"\s*\.\s*".join(rf"""(?:{re.escape(part)}|"{re.escape(part)}"|'{re.escape(part)}')""" for part in where)
    header = re.compile(rf"""\s*\[\s*{name}\s*\]\s*(?:#.*)?$""")
    for index, line in enumerate(lines):
        if header.match(line.rstrip()):
            last = next((at for at in range(index + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
            yield "".join([*lines[:index], *_in_table(lines[index:last], keys, end), *lines[last:]])
    gap = end if lines else ""
    ended = text if not lines or text.endswith("\n") else text + end
    block = [f"[{'.'.join(where)}]{end}", *(_line(key, value, end) for key, value in keys.items())]
    yield ended + gap + "".join(block)


_OLD_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+-]+|\[(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^][\"'#])*\])"""
"""A string, a number or a word, or a list of them in one line."""


def _in_table(table: list[str], keys: Mapping[str, Value], end: str) -> list[str]:
    """A table, heading first, with these keys: in their old line where they have one, else below the heading."""
    changed, new = list(table), []
    if not changed[0].endswith("\n"):
        changed[0] += end
    for key, value in keys.items():
        old = re.compile(rf"""(\s*(?:{key}|"{key}"|'{key}')\s*=\s*){_OLD_VALUE}(.*)""", re.DOTALL)
        place = next(((at, match) for at, line in enumerate(changed) if (match := old.fullmatch(line))), None)
        if place is None:
            new.append(_line(key, value, end))
        else:
            at, match = place
            changed[at] = match[1] + _value(value) + match[2]
    return [changed[0], *new, *changed[1:]]


def _line(key: str, value: Value, end: str) -> str:
    return f"{key} = {_value(value)}{end}"


def _value(value: Value) -> str:
    """A value as TOML, in one line."""
    import tomli_w

    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return tomli_w.dumps({"x": value}).rstrip("\n").partition(" = ")[2]
