"""Kills: their lines in the usual form, and what `cancelall VENUE` and `cancelall all` do, however a line was read.

The fast path reads a line without Typer: to load it takes a sixth of the time to the first cancel. Only what cannot be
read in two ways is read here: known options, each with a value where it takes one. Everything else - help, mistakes,
short options in one word, values that begin with a dash - is left to the command line proper, which tests hold to read
every such line in the same way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from cancelall.cli import last_words, process
from cancelall.cli.options import Kill, Output, Terms
from cancelall.config import loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.errors import ConfigError, ExitStatus, OptionError, UsageError
from cancelall.core.profile import NOTIFY_COMMAND, BrokenProfile, Overrides, Profile, parts_of
from cancelall.core.quoting import quoted
from cancelall.net import head_start
from cancelall.net.route import Host, route_for
from cancelall.venues.registry import VENUES, first_cancels, schema

if TYPE_CHECKING:
    import socket

_NUMBER = {int: r"[0-9]{1,15}", float: r"[0-9]{1,15}(\.[0-9]{1,15})?"}
"""Patterns that are compiled when a line has a number: most have none."""


# --- the line ---


def common(command: str) -> tuple[Declared, ...]:
    """The options that the line of a command takes besides its own, in the order in which they are declared."""
    kind = "VENUE" if command in VENUES else command
    return tuple(item for item in declare.declared(Kill) if kind in item.opt.commands)


def kill_of(command: str, given: Mapping[str, Any]) -> Kill:
    """What a line says, from the values that were given on it: those of the venue's own options are put apart."""
    shared = {item.key for item in common(command)}
    own = {key: value for key, value in given.items() if key not in shared}
    return Kill(options=own, **{key: value for key, value in given.items() if key in shared})


def output_of(kill: Kill, *, several: bool = True, plan: bool = True) -> Output:
    """What the user wants to see of a run."""
    return Output(json=kill.json, verbose=kill.verbose, quiet=kill.quiet, several=several, plan=plan)


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


# --- the run ---

_CONTRADICTION = "--everything and a selector contradict each other", "drop one of them"


def run(command: str, kill: Kill) -> int:
    """Kill what a line says; the exit status."""
    return every(kill) if command == "all" else venue(command, kill)


def venue(name: str, kill: Kill) -> int:
    """Kill one profile of a venue; the exit status."""
    output, on_line = output_of(kill, several=False), overrides(kill)
    if kill.everything and any(key in declare.selectors(schema(name).options) for key in kill.options):
        raise UsageError(*_CONTRADICTION)
    environ, terms = dict(os.environ), _terms(kill)
    try:
        document = toml_file.read(kill.config, environ)
        chosen = loader.choose(document, name, kill.profile)
    except ConfigError as error:
        process.guard_threads()
        from cancelall.cli import execute as engine

        shown = quoted(kill.profile or name)
        return engine.report_error(error, shown, name, output, dry_run=kill.dry_run, terms=terms)
    profile = loader.profile(document, chosen, environ, on_line, implicit_venue=name)
    return execute([profile], output, environ, dry_run=kill.dry_run, terms=replace(terms, document=document))


def every(kill: Kill) -> int:
    """Kill every selected profile of the config; the exit status."""
    output, on_line = output_of(kill), overrides(kill)
    (index, count), environ, terms = _shard(kill.shard), dict(os.environ), _terms(kill)
    document = toml_file.read(kill.config, environ)
    names = selected(document, known(document, environ), kill.only, kill.skip)
    mine = names[index - 1 :: count]
    if not mine:
        output.note(f"shard {kill.shard}: none of the {len(names)} selected profile(s)")
        return ExitStatus.CLEAR
    profiles = load_all(document, mine, environ, on_line)
    terms = replace(terms, document=document, shard=(index, count, tuple(names)))
    return execute(profiles, output, environ, dry_run=kill.dry_run, terms=terms)


def execute(
    profiles: Sequence[Profile | BrokenProfile], output: Output, environ: dict[str, str], *, dry_run: bool, terms: Terms
) -> ExitStatus:
    """Run the profiles. Their connections are opened while what runs them is imported."""
    last_words.keep(
        profiles, json=output.json, dry_run=dry_run, reason=terms.reason, shard=terms.shard, after=terms.hold
    )
    hosts = _first_requests(profiles, environ, dry_run=dry_run)
    if hosts:
        origin, _ = next(iter(hosts))
        head_start.begin(*parts_of(origin)[1:])
    process.guard_threads()
    head_start.preconnect(hosts, connected)
    from cancelall.cli import execute as engine

    return engine.execute(profiles, output, environ, dry_run=dry_run, terms=terms)


def connected(origin: str, ca_bundle: str | None) -> socket.socket:
    """A connection that is opened ahead. Raises as `connection.connect` does."""
    from cancelall.net import connection  # in the thread that waits for it

    return connection.connect(origin, ca_bundle, connection.CONNECT_SECONDS)


def _first_requests(
    profiles: Sequence[Profile | BrokenProfile], environ: Mapping[str, str], *, dry_run: bool
) -> Mapping[Host, Iterable[int]]:
    """The hosts that profiles talk to directly, and for each profile there how many requests it begins with."""
    hosts: dict[Host, list[Profile]] = {}
    for profile, origin in _ways(profiles):
        route = route_for(origin, profile.common.proxy, profile.common.ca_bundle, environ)
        if route.proxy is None:
            hosts.setdefault((origin, route.ca_bundle), []).append(profile)
    return {host: _numbers(host[0], its, dry_run=dry_run) for host, its in hosts.items()}


def _numbers(origin: str, profiles: Iterable[Profile], *, dry_run: bool) -> Iterator[int]:
    """With how many requests each profile begins at an origin, computed when somebody wants to know."""
    for profile in profiles:
        yield 1 if dry_run else first_cancels(profile, origin)


def _ways(profiles: Sequence[Profile | BrokenProfile]) -> list[tuple[Profile, str]]:
    """Each usable profile with each of its origins."""
    return [(profile, origin) for profile in profiles if isinstance(profile, Profile) for origin in profile.origins]


def overrides(kill: Kill) -> Overrides:
    """What a line says of every profile. Raises UsageError for a value that its option cannot have."""
    for item in declare.declared(type(kill)):
        value = getattr(kill, item.key)
        if item.opt.selector and value and kill.everything:
            raise UsageError(*_CONTRADICTION)
        if value not in (None, ()) and (item.opt.text == "word" or item.opt.selector):  # other texts are taken as given
            try:
                declare.from_value(item, value)
            except OptionError as error:
                raise UsageError(f"{item.flag} {error.message}") from None
    return Overrides(**{one.name: getattr(kill, one.name) for one in fields(Overrides)})


def known(document: Document, environ: Mapping[str, str]) -> list[str]:
    """The profiles of the config; with no config file, the venues whose secrets are at hand."""
    if document.path is not None:
        return list(document.tables)
    needed = {venue: declare.required(schema(venue).secrets) for venue in VENUES}
    return [name for name in VENUES if any(loader.at_hand(name, field, environ) for field in needed[name])]


def selected(document: Document, names: list[str], only: Sequence[str], skip: Sequence[str]) -> list[str]:
    """The profiles that the patterns choose; each of them may be several, with commas between. Raises ConfigError."""
    from fnmatch import fnmatchcase

    only, skip = ([one for pattern in some for one in pattern.split(",") if one] for some in (only, skip))
    everyone = not only or "all" in only  # no profile can have that name, and a unit's instance is one word
    chosen = [name for name in names if everyone or any(fnmatchcase(name, pattern) for pattern in only)]
    chosen = [name for name in chosen if not any(fnmatchcase(name, pattern) for pattern in skip)]
    if chosen:
        return chosen
    if not names:
        where = f"there is no profile in {document.path}" if document.path else "no profile is configured"
        nothing = f"{where} and no venue's secrets are in the environment"
        raise ConfigError(
            f"{nothing}; {document.notice}" if document.notice else nothing,
            "add one, with its keys: cancelall auth set bybit",
        )
    patterns = [*map(quoted, only), *(f"--skip {quoted(one)}" for one in skip)]
    near = declare.nearest(only[0], names) if len(only) == 1 else ""
    raise ConfigError(
        f"no profile matches {' '.join(patterns)}{near}", f"profiles: {', '.join(map(loader.shown_name, names))}"
    )


def _terms(kill: Kill) -> Terms:
    """An empty notify command is none, whatever the config says."""
    if kill.hold and kill.dry_run:
        raise UsageError("--hold cancels what reappears: it contradicts --dry-run", "drop one of them")
    notify = None if kill.notify_command is None else notify_of(kill)
    return Terms(reason=kill.reason or "", hold=kill.hold, notify=notify)


def notify_of(kill: Kill) -> tuple[str, ...] | None:
    """The words of the notify command of a line; None where it has none, empty where it says that there is none."""
    if kill.notify_command is None:
        return None
    import shlex

    try:
        return tuple(shlex.split(kill.notify_command))
    except ValueError as fault:
        flag = next(item.flag for item in declare.declared(Kill) if item.opt is NOTIFY_COMMAND)
        raise UsageError(f"{flag}: {fault}", "quote its words as a shell wants it") from None


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    first, slash, second = text.partition("/")
    fits = slash and first.isascii() and first.isdigit() and second.isascii() and second.isdigit() and len(text) < 16
    index, count = (int(first), int(second)) if fits else (0, 0)
    if not 1 <= index <= count:
        why = "I goes from 1 to N" if fits else "write I/N, for instance 1/4"
        raise UsageError(f"--shard {quoted(text)}: {why}")
    return index, count


def load_all(
    document: Document, names: Sequence[str], environ: Mapping[str, str], overrides: Overrides
) -> list[Profile | BrokenProfile]:
    """The profiles of these names; a flag that does not fit one breaks that one. Raises OptionError if it fits none."""
    names_known = known(document, environ)
    loaded: list[Profile | BrokenProfile] = []
    misfits: list[OptionError] = []
    for name in names:
        implicit = name if name in VENUES and name not in document.tables else None
        if name not in names_known and implicit is None:
            loaded.append(_missing(name, names_known))
            continue
        try:
            loaded.append(loader.profile(document, name, environ, overrides, implicit_venue=implicit))
        except OptionError as error:
            misfits.append(error)
            venue = implicit or str(document.tables[name]["venue"])
            loaded.append(
                BrokenProfile(name=loader.shown_name(name), venue=venue, error=ConfigError(error.message, error.hint))
            )
    if misfits and len(misfits) == len(names):
        raise misfits[0]
    return loaded


def _missing(name: str, known: Sequence[str]) -> BrokenProfile:
    """A profile that was named and does not exist: it gets its line, and the others are read all the same."""
    problem = f'there is no profile "{quoted(name)}"{declare.nearest(name, known)}'
    profiles = ", ".join(map(loader.shown_name, known)) or "none is configured"
    return BrokenProfile(name=quoted(name), venue="", error=ConfigError(problem, f"profiles: {profiles}"))
