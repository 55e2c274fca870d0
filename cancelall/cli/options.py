"""What a line says besides a venue's own options: declared once, for Typer, the fast path, the manual and the README.

The fast path reads kills in their usual form without Typer: to load it takes a sixth of the time to the first cancel.
Only what cannot be read in two ways is read here: known options, each with a value where it takes one. Everything else
- help, mistakes, short options in one word, values that begin with a dash - is left to the command line proper, which
tests hold to read every such line in the same way.

The annotations are evaluated as they stand: as texts, they would be compiled anew in each kill.
"""

import contextlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.declare import Declared, Opt
from cancelall.core.profile import DEADLINE, ENVIRONMENT, KEEP_PROTECTIVE, KILLS, NOTIFY_COMMAND, READS, RUNS
from cancelall.core.secret import scrub
from cancelall.venues.registry import VENUES, schema


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Terms:
    """What a run has to know besides its profiles."""

    reason: str = ""
    document: Document | None = None
    """The config, which the journal names."""
    journalled: bool = True
    """A kill, or its rehearsal: it leaves a journal, and the notify command gets the result."""
    hold: float = 0.0
    """Seconds for which what reappears is cancelled after the first verdict."""
    notify: tuple[str, ...] | None = None
    """The command that gets the result of all profiles; None: each profile's own, if it has one."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Output:
    """What the user wants to see."""

    json: bool = False
    verbose: bool = False
    quiet: bool = False
    several: bool = False
    plan: bool = True
    """Whether a dry run also tells what a kill would send."""

    def note(self, message: str) -> None:
        """A line for people."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"cancelall: {scrub(message)}\n")
            sys.stderr.flush()


@dataclass(frozen=True, kw_only=True, repr=False)
class Kill:
    """What the line of a kill says, or of another run as far as its command takes it."""

    options: Mapping[str, object] = field(default_factory=dict)
    """The venue's own options that were given."""
    profile: Annotated[
        str | None,
        Opt(help="Use this profile.", metavar="NAME", text="free", commands=("VENUE",), completes="profiles"),
    ] = None
    only: Annotated[
        tuple[str, ...],
        Opt(
            help="Only profiles like this; `all` is every one.",
            metavar="PATTERN",
            text="free",
            commands=("all",),
            completes="profiles",
        ),
    ] = ()
    skip: Annotated[
        tuple[str, ...],
        Opt(help="No profile like this.", metavar="PATTERN", text="free", commands=("all",), completes="profiles"),
    ] = ()
    shard: Annotated[
        str | None,
        Opt(
            help="Every N-th of the selected profiles, beginning with the I-th.",
            metavar="I/N",
            text="free",
            commands=("all",),
        ),
    ] = None
    environment: Annotated[str | None, ENVIRONMENT] = None
    config: Annotated[Path | None, Opt(help="Read this config file.", metavar="FILE", text="free", commands=READS)] = (
        None
    )
    everything: Annotated[bool, Opt(help="Drop every selector: the whole account.", commands=KILLS)] = False
    keep_protective: Annotated[bool | None, KEEP_PROTECTIVE] = None
    dry_run: Annotated[
        bool, Opt(help="Only read: show what is open and what would be sent.", commands=(*KILLS, "demo"))
    ] = False
    deadline: Annotated[float | None, DEADLINE] = None
    hold: Annotated[
        float,
        Opt(
            help="After the verdict keep reading for so long, and cancel what reappears (0).",
            metavar="SECONDS",
            minimum=0,
            maximum=86400,
            commands=KILLS,
        ),
    ] = 0.0
    reason: Annotated[
        str | None,
        Opt(help="Why: it is kept in the journal.", metavar="TEXT", text="free", may_be_empty=True, commands=KILLS),
    ] = None
    notify_command: Annotated[str | None, NOTIFY_COMMAND] = None
    json: Annotated[bool, Opt(help="One JSON line per profile on stdout.", commands=RUNS)] = False
    verbose: Annotated[bool, Opt(help="Show every request on stderr.", short="-v", commands=RUNS)] = False
    quiet: Annotated[bool, Opt(help="Only the verdict.", short="-q", commands=RUNS)] = False

    def output(self, *, several: bool = True, plan: bool = True) -> Output:
        """What the user wants to see of a run."""
        return Output(json=self.json, verbose=self.verbose, quiet=self.quiet, several=several, plan=plan)


def common(command: str) -> tuple[Declared, ...]:
    """The options that the line of a command takes besides its own, in the order in which they are declared."""
    kind = "VENUE" if command in VENUES else command
    return tuple(item for item in declare.declared(Kill) if kind in item.opt.commands)


def kill_of(command: str, given: Mapping[str, Any]) -> Kill:
    """What a line says, from the values that were given on it: those of the venue's own options are put apart."""
    shared = {item.key for item in common(command)}
    own = {key: value for key, value in given.items() if key not in shared}
    return Kill(options=own, **{key: value for key, value in given.items() if key in shared})


# --- the fast path ---

_NUMBER = {int: r"[0-9]{1,15}", float: r"[0-9]{1,15}(\.[0-9]{1,15})?"}
"""Patterns that are compiled when a line has a number: most have none."""


def read(words: Sequence[str]) -> tuple[str, Kill] | None:
    """The command and what its line says; None when it is not in the usual form."""
    command, *rest = words or ("",)
    if command not in (*VENUES, "all"):
        return None
    own = declare.declared(schema(command).options) if command in VENUES else ()
    items = {flag: item for item in (*own, *common(command)) for flag in item.flags}
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
    return command, kill_of(command, given)


def _typed(item: Declared, value: str) -> object:
    """The value as the command line proper gives it; None when it would refuse it, or is not sure to take it."""
    if item.choices:
        return value if value in item.choices else None
    if item.base in (int, float) and not re.fullmatch(_NUMBER[item.base], value):
        return None
    return item.base(value)
