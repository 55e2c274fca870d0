"""What the first word of a line means: a command, a venue or a profile in any case, or a slip that gets a hint."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile

from cancelall.cli.options import Kill
from cancelall.config import loader, toml_file
from cancelall.core import declare
from cancelall.core.errors import UsageError
from cancelall.core.quoting import quoted
from cancelall.venues.registry import VENUES

_NAME = "--name"
_CONFIG = next(item.flag for item in declare.declared(Kill) if item.key == "config")


def as_commands(words: Sequence[str], commands: Collection[str], environ: Mapping[str, str]) -> list[str]:
    """A line with a command as its first word: `PROFILE …` becomes `VENUE --profile PROFILE …`.

    The config is read only where the word is none of ours. Raises UsageError for a word that is nobody's, ConfigError
    where it could be a profile's and the config cannot be read.
    """
    if not words or words[0].startswith("-"):
        return ["--version" if word == "-V" else word for word in words]
    first, rest = words[0], list(words[1:])
    if first == "help":
        return as_commands([*rest, "--help"], commands, environ)
    if first not in commands and (command := _in_any_case(first, commands)):
        first = command
    if first in commands:
        if first in VENUES or first == "all":
            _no_second(first, rest)
        if first == "guard":
            rest = _of_guard(rest)
        return [first, *rest]
    names = profiles(rest, environ)
    profile = first if first in names else _in_any_case(first, names)
    if profile is None:
        near = declare.nearest(first, [*commands, *names])
        listed = f"venues: {' '.join(VENUES)}" + (
            f"; profiles: {', '.join(map(loader.shown_name, names))}" * bool(names)
        )
        raise UsageError(f'"{quoted(first)}" is no command, venue or profile{near}', listed)
    _no_second(profile, rest)
    return [names[profile], "--profile", profile, *rest]


GUARD_VERBS = ("stand", "status", "arm", "disarm", "fire", "drill")
"""What can be done with a guard; `stand`, which starts one, need not be said."""


def _of_guard(words: list[str]) -> list[str]:
    """The words after `guard` with the verb in front, also where the guard was named before it."""
    first = words[0] if words else ""
    if first in (*GUARD_VERBS, "-h", "--help"):
        return words
    named = 2 if first == _NAME else 1 if first.startswith(f"{_NAME}=") else 0
    if named and len(words) > named and words[named] in GUARD_VERBS:
        return [words[named], *words[:named], *words[named + 1 :]]
    return ["stand", *words]


def _no_second(first: str, rest: Sequence[str]) -> None:
    """Raise UsageError where a second name stands right behind the first: a kill takes one, `all` takes several."""
    if not rest or rest[0].startswith("-"):
        return
    names = [name for name in (first, *takewhile(lambda word: not word.startswith("-"), rest)) if name != "all"]
    only = " ".join(f"--only {quoted(name)}" for name in names)
    raise UsageError(f'"{quoted(rest[0])}" is one word too many', f"several at once: cancelall all {only}")


def _in_any_case(word: str, names: Collection[str]) -> str | None:
    """The one name that differs in upper and lower case alone."""
    alike = [name for name in names if name.casefold() == word.casefold()]
    return alike[0] if len(alike) == 1 else None


def profiles(words: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Each profile of the config and its venue. Raises ConfigError where the config cannot be read."""
    document = toml_file.read(_config(words), environ)
    venues = {name: table.get("venue") for name, table in document.tables.items() if isinstance(table, dict)}
    return {name: venue for name, venue in venues.items() if isinstance(venue, str) and venue in VENUES}


def _config(words: Sequence[str]) -> str | None:
    """The config file that is named on a line, the last one that has it."""
    chosen: str | None = None
    for index, word in enumerate(words):
        if word == _CONFIG:
            chosen = next(iter(words[index + 1 : index + 2]), None)
        elif word.startswith(f"{_CONFIG}="):
            chosen = word.partition("=")[2]
    return chosen or None
