"""`cancelall beat`: one heartbeat for a guard, or one after the other while a command lives.

A line in its usual form is read without Typer, as that of a kill: a bot may beat every second.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import UsageError
from cancelall.core.quoting import quoted

_NAME, _EVERY, _WATCHDOG = "--name", "--every", "--watchdog"
_SECONDS = r"[0-9]{1,9}(\.[0-9]{1,9})?"
_WHERE = f"write cancelall beat -- COMMAND, or {_NAME} in front of the name of a guard"
SHORTEST, LONGEST = 0.05, 3600.0
"""Seconds between two beats."""


@dataclass(frozen=True, kw_only=True)
class BeatLine:
    """What a line says."""

    name: str | None = None
    """None: the guard that is called default, or the only one."""
    every: float = 1.0
    watchdog: bool = False
    command: tuple[str, ...] = ()


def read(words: Sequence[str]) -> BeatLine | None:
    """What a line says after `beat`; None when it is not in the usual form.

    Raises UsageError for a word that could be a command or the name of a guard.
    """
    rest, given = list(words), BeatLine()
    name, every, watchdog = given.name, given.every, given.watchdog
    while rest:
        if not rest[0].startswith("-"):
            raise UsageError(f'"{quoted(rest[0])}" is one word too many', _WHERE)
        word, equals, value = rest.pop(0).partition("=")
        if word == "--" and not equals:
            return BeatLine(name=name, every=every, watchdog=watchdog, command=tuple(rest)) if rest else None
        if word == _WATCHDOG and not equals:
            watchdog = True
            continue
        if not equals:
            value = rest.pop(0) if rest else ""
        if not value or value.startswith("-"):
            return None
        if word == _NAME:
            name = value
        elif word == _EVERY and re.fullmatch(_SECONDS, value):
            every = float(value)
        else:
            return None
    return BeatLine(name=name, every=every, watchdog=watchdog)


def run(line: BeatLine) -> int:
    """Beat; the exit status, which is that of the command if there is one. Raises UsageError, NoBeatTaken."""
    if line.name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", line.name):
        raise UsageError(f'"{quoted(line.name)}" cannot name a guard', "letters, digits, _ and -, at most 64 of them")
    if not SHORTEST <= line.every <= LONGEST:
        raise UsageError(f"{_EVERY} {line.every:g}: not so often, or not so seldom", f"{SHORTEST:g} to {LONGEST:g} s")
    if line.watchdog and not line.command:
        raise UsageError(f"{_WATCHDOG} is for a command that says that it is well", f"{_WATCHDOG} -- COMMAND")
    from cancelall.guard.beat import Beats, Command

    beats = Beats(line.name, os.environ)
    if not line.command:
        beats.send()
        return 0
    return Command(line.command, beats, os.environ, every=line.every, watchdog=line.watchdog, say=_say).run()


def _say(text: str) -> None:
    from cancelall.report.text import clean

    try:
        sys.stderr.write(f"cancelall: beat: {clean(text, 500)}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return
