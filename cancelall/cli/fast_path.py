"""Kills that are written plainly, read without Typer: to load it takes a sixth of the time to the first cancel.

Only what cannot be read in two ways is read here: known options, each with a value where it takes one. Everything else
- help, mistakes, short options in one word, values that begin with a dash - is left to the command line proper, which
tests hold to read every plain line in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cancelall.cli import options
from cancelall.cli.options import Kill
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.venues.registry import VENUES, schema

_NUMBER = {int: r"[0-9]{1,15}", float: r"[0-9]{1,15}(\.[0-9]{1,15})?"}
"""Patterns that are compiled when a line has a number: most have none."""


def read(words: Sequence[str]) -> tuple[str, Kill] | None:
    """The command and what its line says; None when it is not written plainly."""
    command, *rest = words or ("",)
    if command not in (*VENUES, "all"):
        return None
    own = declare.declared(schema(command).options) if command in VENUES else ()
    items = {flag: item for item in (*own, *options.common(command)) for flag in item.flags}
    given: dict[str, Any] = {}
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        item = items.get(word)
        if item is None or (item.base is bool and equals):
            return None
        if item.base is bool:
            given[item.key] = True
            continue
        if not equals:
            value = rest.pop(0) if rest else ""
        if not value.strip() or value.startswith("-"):
            return None  # another option, or nothing: the command line proper says so
        typed = _typed(item, value)
        if typed is None:
            return None
        given[item.key] = (*given.get(item.key, ()), typed) if item.repeatable else typed
    return command, options.kill_of(command, given)


def _typed(item: Declared, value: str) -> object:
    """The value as the command line proper gives it; None when it would refuse it, or is not sure to take it."""
    if item.choices:
        return value if value in item.choices else None
    if item.base in (int, float) and not re.fullmatch(_NUMBER[item.base], value):
        return None
    return item.base(value)
