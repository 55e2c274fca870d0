"""What `cancelall VENUE` and `cancelall all` do, however their line was read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cancelall.cli import last_words
from cancelall.cli.options import Output, Terms
from cancelall.config import loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, OptionError, UsageError
from cancelall.core.profile import BrokenProfile, Common, Overrides, Profile
from cancelall.core.quoting import quoted
from cancelall.net import preconnect
from cancelall.net.route import route_for
from cancelall.venues.registry import VENUES, load, schema, segments


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What the line of a kill says. `profile` is for one venue; `only`, `skip` and `shard` are for all."""

    options: Mapping[str, object] = field(default_factory=dict)
    """The venue's own options that were given."""
    profile: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    shard: str | None = None
    environment: str | None = None
    config_file: Path | None = None
    everything: bool = False
    keep: bool | None = None
    dry_run: bool = False
    deadline: float | None = None
    hold: float = 0.0
    reason: str | None = None
    notify: str | None = None
    json_lines: bool = False
    verbose: bool = False
    quiet: bool = False


def venue(name: str, kill: Kill) -> int:
    """Kill one profile of a venue; the exit status."""
    output = Output(json=kill.json_lines, verbose=kill.verbose, quiet=kill.quiet)
    asked = overrides(kill.options, kill.environment, kill.deadline, keep=kill.keep, everything=kill.everything)
    if kill.everything and any(key in declare.selectors(schema(name).options) for key in kill.options):
        raise UsageError("--everything and a selector contradict each other", "drop one of them")
    hold, notify = _hold(kill.hold, dry_run=kill.dry_run), _notify(kill.notify)
    environ = dict(os.environ)
    try:
        document = toml_file.read(kill.config_file, environ)
        chosen = loader.choose(document, name, kill.profile)
    except ConfigError as error:
        from cancelall.cli import execute as engine

        shown = quoted(kill.profile or name)
        return engine.report_error(error, shown, name, output, dry_run=kill.dry_run, notify=notify)
    profile = loader.profile(document, chosen, environ, asked, implicit_venue=name)
    terms = Terms(reason=kill.reason or "", document=document, hold=hold, notify=notify)
    return execute([profile], output, environ, dry_run=kill.dry_run, terms=terms)


def every(kill: Kill) -> int:
    """Kill every selected profile of the config; the exit status."""
    output = Output(json=kill.json_lines, verbose=kill.verbose, quiet=kill.quiet, several=True)
    asked = overrides({}, kill.environment, kill.deadline, keep=kill.keep, everything=kill.everything)
    part, hold, notify = _shard(kill.shard), _hold(kill.hold, dry_run=kill.dry_run), _notify(kill.notify)
    environ = dict(os.environ)
    document = toml_file.read(kill.config_file, environ)
    names = selected(known(document, environ), kill.only, kill.skip)
    mine = names[part[0] - 1 :: part[1]]
    if not mine:
        output.note(f"shard {kill.shard}: none of the {len(names)} selected profile(s)")
        return ExitStatus.CLEAR
    profiles = load_all(document, mine, environ, asked)
    terms = Terms(reason=kill.reason or "", document=document, hold=hold, notify=notify)
    return execute(profiles, output, environ, dry_run=kill.dry_run, terms=terms)


def execute(
    profiles: Sequence[Profile | BrokenProfile], output: Output, environ: dict[str, str], *, dry_run: bool, terms: Terms
) -> ExitStatus:
    """Run the profiles. Their connections are opened while what runs them is imported."""
    last_words.keep(profiles, json=output.json, dry_run=dry_run, hold=terms.hold)
    preconnect.connect(_first_requests(profiles, environ, dry_run=dry_run))
    from cancelall.cli import execute as engine

    return engine.execute(profiles, output, environ, dry_run=dry_run, terms=terms)


def _first_requests(
    profiles: Sequence[Profile | BrokenProfile], environ: Mapping[str, str], *, dry_run: bool
) -> Mapping[preconnect.Host, Iterable[int]]:
    """The hosts that profiles talk to directly, and for each profile there how many requests it begins with."""
    hosts: dict[preconnect.Host, list[Profile]] = {}
    for profile in profiles:
        if isinstance(profile, Profile):
            route = route_for(profile.origin, profile.common.proxy, profile.common.ca_bundle, environ)
            if route.proxy is None:
                hosts.setdefault((profile.origin, route.ca_bundle), []).append(profile)
    return {host: (1 if dry_run else _first_cancels(one) for one in its) for host, its in hosts.items()}


def _first_cancels(profile: Profile) -> int:
    """How many cancels leave at once; 1 where the first request is a read."""
    venue = load(profile.venue)
    try:
        known = segments(venue, profile.options, venue.facts, profile.environment)
    except CancelallError:  # told where the profile is swept
        return 0
    return max(1, sum(len(segment.blind) for segment in known))


def overrides(
    flags: Mapping[str, object], environment: str | None, deadline: float | None, *, keep: bool | None, everything: bool
) -> Overrides:
    common = {item.key: item for item in declare.declared(Common)}
    for key, value in (("deadline", deadline), ("environment", environment)):
        if value is not None:
            try:
                declare.from_value(common[key], value)
            except OptionError as error:
                raise UsageError(f"--{key} {error.message}") from None
    return Overrides(
        options=flags, environment=environment, deadline=deadline, keep_protective=keep, everything=everything
    )


def known(document: Document, environ: Mapping[str, str]) -> list[str]:
    """The profiles of the config; with no config file, the venues whose secrets are at hand."""
    if document.path is not None:
        return list(document.tables)
    return [name for name in VENUES if _has_secrets(name, environ)]


def _has_secrets(venue: str, environ: Mapping[str, str]) -> bool:
    fields = [field for field, sec in declare.secrets_of(schema(venue).secrets).items() if not sec.optional]
    return any(loader.at_hand(venue, field, environ) for field in fields)


def selected(names: list[str], only: Sequence[str], skip: Sequence[str]) -> list[str]:
    everyone = not only or "all" in only  # no profile can have that name, and a unit's instance is one word
    chosen = [name for name in names if everyone or any(fnmatchcase(name, pattern) for pattern in only)]
    chosen = [name for name in chosen if not any(fnmatchcase(name, pattern) for pattern in skip)]
    if chosen:
        return chosen
    if not names:
        raise ConfigError(
            "no profile is configured and no venue's secrets are in the environment", "run: cancelall config init"
        )
    patterns = [*map(quoted, only), *(f"--skip {quoted(one)}" for one in skip)]
    raise ConfigError(
        f"no profile matches {' '.join(patterns)}", f"profiles: {', '.join(map(loader.shown_name, names))}"
    )


def _hold(seconds: float, *, dry_run: bool) -> float:
    if not 0 <= seconds <= 86400:
        raise UsageError("--hold must be from 0 to 86400")
    if seconds and dry_run:
        raise UsageError("--hold cancels what reappears: it contradicts --dry-run", "drop one of them")
    return seconds


def _notify(text: str | None) -> tuple[str, ...] | None:
    """One string, split like a shell does. An empty one is no command, whatever the config says."""
    if text is None:
        return None
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as fault:
        raise UsageError(f"--notify-command: {fault}", "quote its words as a shell wants it") from None


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    first, slash, second = text.partition("/")
    if not (slash and first.isascii() and first.isdigit() and second.isascii() and second.isdigit() and len(text) < 16):
        raise UsageError(f"--shard {quoted(text)}: write I/N, for instance 1/4")
    index, count = int(first), int(second)
    if not 1 <= index <= count:
        raise UsageError(f"--shard {quoted(text)}: I goes from 1 to N")
    return index, count


def load_all(
    document: Document, names: Sequence[str], environ: Mapping[str, str], overrides: Overrides
) -> list[Profile | BrokenProfile]:
    """The profiles of these names. A flag that does not fit one of them is that one's trouble, unless it fits none.

    Raises OptionError.
    """
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
    """A profile that was asked for and does not exist: it gets its line, and the others are read all the same."""
    problem = f'there is no profile "{quoted(name)}"{declare.nearest(name, known)}'
    profiles = ", ".join(map(loader.shown_name, known)) or "none is configured"
    return BrokenProfile(name=quoted(name), venue="", error=ConfigError(problem, f"profiles: {profiles}"))
