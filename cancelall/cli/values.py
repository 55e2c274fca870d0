"""Whether every option of a line has a value of its own, before the line is read.

A shell that expands an unset variable to nothing makes `--symbol $COIN --json` into `--symbol --json`. Read by the
letter, that is a symbol named `--json`; meant was something else, and a kill of something else is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cancelall.cli.options import Kill
from cancelall.core import declare
from cancelall.core.errors import UsageError
from cancelall.core.quoting import quoted

MAY_BE_EMPTY = [item.flag for item in declare.declared(Kill) if item.opt.may_be_empty]
"""An empty reason is none, and an empty command switches off what the config says."""


def check(command: Any, words: Sequence[str]) -> None:  # a command of Typer's, which has no public class
    """Raise UsageError for the first option of a line that has no value, or the next option in its place."""
    rest = list(words)
    takes = _that_take_one(command)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            inner = getattr(command, "commands", {}).get(word)
            if inner is not None:
                command, takes = inner, _that_take_one(inner)
            continue
        if not takes.get(name):
            continue
        if not equals:
            if not rest:
                return  # Typer says so
            value = rest.pop(0)
            if value.startswith("-") and not re.match(r"-(\.?[0-9]|$)", value):
                raise UsageError(
                    f'{name} has no value: "{quoted(value)}" comes next, which is an option',
                    f"give it one, or leave it out; a value that begins with a dash is written {name}=VALUE",
                )
        if not value.strip() and name not in MAY_BE_EMPTY:
            raise UsageError(f"{name} has no value: it is empty", "give it one, or leave it out")


def words_of(words: Sequence[str]) -> list[str]:
    """All that a line says, the values of `--option=value` by themselves, too."""
    return [*words, *(word.partition("=")[2] for word in words if word.startswith("-") and "=" in word)]


def _that_take_one(command: Any) -> Mapping[str, bool]:
    return {
        name: not (getattr(one, "is_flag", False) or getattr(one, "count", False))
        for one in command.params
        for name in (*one.opts, *one.secondary_opts)
        if name.startswith("-")
    }
