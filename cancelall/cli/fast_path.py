"""Kills that are written plainly, read without Typer: to load it takes a sixth of the time to the first cancel.

Only what cannot be read in two ways is read here: known options, each with a value where it takes one. Everything else
- help, mistakes, short options in one word, values that begin with a dash - is left to the command line proper, which
tests hold to read every plain line in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cancelall.cli import kills
from cancelall.cli.kills import Kill
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.venues.registry import VENUES, schema

_FLAGS = {
    "--everything": "everything",
    "--keep-protective": "keep",
    "--dry-run": "dry_run",
    "--json": "json_lines",
    "--verbose": "verbose",
    "-v": "verbose",
    "--quiet": "quiet",
    "-q": "quiet",
}
_VALUES = {
    "--environment": "environment",
    "--config": "config_file",
    "--deadline": "deadline",
    "--hold": "hold",
    "--reason": "reason",
    "--notify-command": "notify",
}
_ONE = {"--profile": "profile"}
_ALL = {"--only": "only", "--skip": "skip", "--shard": "shard"}
_NUMBER = {int: r"[0-9]{1,15}", float: r"[0-9]{1,15}(\.[0-9]{1,15})?"}
"""Patterns that are compiled when a line has a number: most have none."""


def read(words: Sequence[str]) -> tuple[str, Kill] | None:
    """The command and what its line says; None when it is not written plainly."""
    command, *rest = words or ("",)
    if command not in (*VENUES, "all"):
        return None
    known = _VALUES | (_ALL if command == "all" else _ONE)
    items = {item.flag: item for item in declare.declared(schema(command).options)} if command in VENUES else {}
    options: dict[str, object] = {}
    given: dict[str, object] = {}
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        if word in _FLAGS and not equals:
            given[_FLAGS[word]] = True
            continue
        item = items.get(word)
        if item is not None and item.base is bool and not equals:
            options[item.key] = True
            continue
        if item is None and word not in known:
            return None
        if not equals:
            value = rest.pop(0) if rest else ""
        if not value.strip() or value.startswith("-"):
            return None  # another option, or nothing: the command line proper says so
        if item is not None:
            typed = _typed(item, value)
            if typed is None:
                return None
            options[item.key] = [*_list(options, item.key), typed] if item.repeatable else typed
            continue
        key = known[word]
        if key in ("only", "skip"):
            given[key] = (*_list(given, key), value)
        elif key in ("deadline", "hold"):
            if not re.fullmatch(_NUMBER[float], value):
                return None
            given[key] = float(value)
        else:
            given[key] = Path(value) if key == "config_file" else value
    return command, Kill(options=options, **given)  # type: ignore[arg-type]


def run(command: str, kill: Kill) -> int:
    """Run what was read."""
    return kills.every(kill) if command == "all" else kills.venue(command, kill)


def _list(found: Mapping[str, object], key: str) -> list[object]:
    value = found.get(key, ())
    return list(value) if isinstance(value, list | tuple) else []


def _typed(item: Declared, value: str) -> object:
    """The value as the command line proper gives it; None when it would refuse it, or is not sure to take it."""
    if item.choices:
        return value if value in item.choices else None
    if item.base in (int, float):
        return item.base(value) if re.fullmatch(_NUMBER[item.base], value) else None
    return value if item.base is str else None
