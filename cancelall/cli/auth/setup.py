"""`cancelall setup [VENUE]`: from nothing to a rehearsed kill, one question after the other.

It ends in the same state as `auth set`, `check` and a dry run, and does each by what these commands do. Nothing is
written before it was shown and agreed to. Whoever leaves, at whichever question, goes on later: what is there is kept.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Optional

import typer

from cancelall.cli import kills, parameters
from cancelall.cli.auth import elsewhere, given, keeping, systemd
from cancelall.cli.options import Output, Terms
from cancelall.config import loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ConfigError, Interrupted, SecretError, UsageError
from cancelall.core.profile import BrokenProfile, Overrides, Profile
from cancelall.core.quoting import quoted
from cancelall.core.secret import Secret
from cancelall.credentials import chain
from cancelall.credentials.keyrings import Store
from cancelall.engine.run import harden
from cancelall.report.streams import emit
from cancelall.venues.registry import VENUES, schema

_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where keys can be kept on this machine; `keep` writes them and the profile, and tells what it did."""

    name: str
    words: str
    keep: Callable[[Mapping[str, Secret]], str]


def run(
    venue: Annotated[
        Optional[str], typer.Argument(metavar="[VENUE]", help="The venue; you choose without it.", show_default=False)
    ] = None,
    config: Annotated[Optional[Path], parameters.option("config")] = None,
) -> int:
    """Ask, show, write, check, rehearse."""
    if not given.on_terminal():
        raise UsageError(
            "setup asks questions, and there is no terminal",
            "the same without questions: cancelall auth set VENUE, cancelall check, cancelall VENUE --dry-run",
        )
    environ = dict(os.environ)
    harden(environ)
    name = ""
    try:
        name = venue or _chosen("Which venue?", dict(VENUES), next(iter(VENUES)))
        if name not in VENUES:
            raise UsageError(f'there is no venue "{quoted(name)}"{declare.nearest(name, VENUES)}', " ".join(VENUES))
        return _set_up(name, config, environ)
    except (KeyboardInterrupt, EOFError):
        emit("\n")
        raise Interrupted("left: what was agreed to is kept", f"go on with: cancelall setup {name}".rstrip()) from None


def _set_up(venue: str, config: Path | None, environ: dict[str, str]) -> int:
    path, document = _document(config, environ)
    profile = _profile(document, venue, environ)
    missing = _missing(profile, environ)
    if missing:
        emit(f"{VENUES[venue]} needs {', '.join(missing)}. Make a key that can trade and cannot withdraw.\n")
        place = _place(document, path, profile, environ)
        secrets = given.answers(profile, missing, (), Output().note)
        if given.check(profile, secrets, {}, environ):
            raise SecretError("not every key was given; nothing was written", "give every one")
        emit(_plan(profile, path, place, list(secrets)))
        if not _agreed("Write this?"):
            raise Interrupted("left: nothing was written", f"go on with: cancelall setup {venue}")
        displaced = toml_file.displaced(config, environ)
        emit(f"{place.keep(secrets)}\n")
        if displaced:
            Output().note(f"WARNING: {displaced}")
        path, document = _document(config, environ)
        profile = _profile(document, venue, environ)
    else:
        emit(f"{profile.name}: its keys are there ({', '.join(_sources(profile, environ))})\n")
    return _rehearsed(document, profile, config, environ)


def _rehearsed(document: Document, profile: Profile, config: Path | None, environ: dict[str, str]) -> int:
    """What the key can do, what a kill would do, and the line to keep at hand."""
    from cancelall.cli import check

    emit("\nWhat can this key do, from here? Only reads:\n\n")
    ready = check.check([profile], document, Output(), environ)
    if ready and not _agreed("Something has to be put right. Go on with a rehearsal all the same?"):
        return ready
    emit("\nA rehearsal: what is open, and what a kill would send. Nothing is cancelled:\n\n")
    terms = Terms(document=document, journalled=False)
    status = kills.execute([profile], Output(), environ, dry_run=True, terms=terms)
    where = f" --config {config}" if config is not None else ""
    lines = [
        "\nThe panic command, to copy:\n",
        f"    cancelall {profile.name}{where}",
        f"    cancelall {profile.name}{where} --hold 60     while a bot still places orders",
        "\nLook at it every day: cancelall check. To fire with nobody logged in: the units in docs/operations.md.\n",
    ]
    emit("\n".join(lines))
    return int(ready or status)


# --- what there is --------------------------------------------------------------------------------------------------


def _document(chosen: Path | None, environ: Mapping[str, str]) -> tuple[Path, Document]:
    path, document = toml_file.own(chosen, environ)
    if path is None:
        raise ConfigError("there is no home directory to keep the profile in", "set CANCELALL_CONFIG or give --config")
    return Path(path), document


def _profile(document: Document, venue: str, environ: Mapping[str, str]) -> Profile:
    """The profile of the config that a kill of this venue means, or a new one, of an environment that is chosen."""
    mine = loader.venue_profiles(document, venue)
    if venue in mine or not mine:
        name = venue
    else:
        name = mine[0] if len(mine) == 1 else _chosen("Which profile?", dict.fromkeys(mine, ""), mine[0])
    environment = None
    hosts = schema(venue).hosts
    if name not in document.tables and len(hosts) > 1:
        environment = _chosen("Which environment?", dict(hosts), next(iter(hosts)))
    made = loader.profile(document, name, environ, Overrides(environment=environment), implicit_venue=venue)
    if isinstance(made, BrokenProfile):
        raise made.error
    return made


def _missing(profile: Profile, environ: Mapping[str, str]) -> list[str]:
    """The secrets that a kill of this profile needs and does not find."""
    declared = declare.secrets_of(schema(profile.venue).secrets)
    missing = {}
    for field, sec in declared.items():
        if not sec.optional:
            missing[field] = chain.look_up(profile, field, sec, environ, [])
    return [field for field, one in missing.items() if one is None]


def _sources(profile: Profile, environ: Mapping[str, str]) -> list[str]:
    return sorted({source for _, source in chain.resolve(profile, environ).sources})


# --- where keys can live --------------------------------------------------------------------------------------------


def _place(document: Document, path: Path, profile: Profile, environ: Mapping[str, str]) -> Place:
    """A place for the keys, of those that this machine has. The keyring is tried, not only looked for."""
    places: dict[str, Place] = {}
    environment = profile.environment if profile.environment != "live" else None
    try:
        store = keeping.open_store(profile)
        places["keyring"] = Place(
            name="keyring",
            words=f"the OS keyring ({store.name})",
            keep=lambda secrets: _into_keyring(store, document, path, profile, environment, secrets),
        )
    except SecretError as error:
        emit(f"The OS keyring cannot be used here: {error.message}.\n")
    keys = elsewhere.keys_for(document, profile, environment)
    places["config"] = Place(
        name="config",
        words=f"the config file {path}, which only you can read",
        keep=lambda secrets: (
            elsewhere.into_config(path, profile, secrets, keys) or f"{profile.name}: keys and profile are in {path}"
        ),
    )
    if _can_seal():
        places["systemd"] = Place(
            name="systemd",
            words=f"encrypted credentials of systemd in {systemd.STORE}",
            keep=lambda secrets: _into_systemd(path, profile, keys, secrets),
        )
    chosen = _chosen("Where shall the keys live?", {key: one.words for key, one in places.items()}, next(iter(places)))
    return places[chosen]


def _can_seal() -> bool:
    return os.name == "posix" and os.geteuid() == 0 and shutil.which("systemd-creds") is not None


def _into_keyring(
    store: Store,
    document: Document,
    path: Path,
    profile: Profile,
    environment: str | None,
    secrets: Mapping[str, Secret],
) -> str:
    before = {field: store.get(profile.name, field) for field in secrets}
    writing = keeping.Writing(store=store, profile=profile.name, before=before)
    keys = keeping.keys_for(document, profile, store.name, environment)
    with keeping.signals_held() as signals:
        said = keeping.write(profile, secrets, writing, path, keys, signals)
    return said or f"{profile.name}: keys in the keyring, profile in {path}"


def _into_systemd(path: Path, profile: Profile, keys: Mapping[str, str], secrets: Mapping[str, Secret]) -> str:
    systemd.seal(profile, secrets, systemd.STORE, None)
    said = elsewhere.into_config(path, profile, {}, keys)
    return f"{said or 'encrypted'}\n{systemd.unit_lines(profile, systemd.STORE, secrets)}"


def _plan(profile: Profile, path: Path, place: Place, fields: Sequence[str]) -> str:
    lines = [
        "\nThis will be written:",
        f"    profile {profile.name}: {VENUES[profile.venue]}, {profile.environment} ({profile.origin}), in {path}",
        f"    {' and '.join(fields)}: {place.words}",
        "",
    ]
    return "\n".join(lines)


# --- questions ------------------------------------------------------------------------------------------------------


def _chosen(question: str, choices: Mapping[str, str], default: str) -> str:
    """One of several, by its name or its number. Raises EOFError when the input ends, UsageError after some tries."""
    names = list(choices)
    for number, (name, words) in enumerate(choices.items(), start=1):
        emit(f"{number:>4}  {name:<12} {words}".rstrip() + "\n")
    for _ in range(_TRIES):
        text = _line(f"{question} [{default}] ").strip()
        if not text:
            return default
        if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= len(names):
            return names[int(text[:4]) - 1]
        choice = next((name for name in names if name.casefold() == text.casefold()), None)
        if choice is not None:
            return choice
        emit(f"It is none of them{declare.nearest(text, names)}.\n")
    raise UsageError("no answer was one of them", f"one of: {' '.join(names)}")


def _agreed(question: str) -> bool:
    """Yes or no, yes when nothing is said."""
    return _line(f"{question} [Y/n] ").strip().casefold() in ("", "y", "yes")


def _line(question: str) -> str:
    """One line of the terminal. Raises EOFError."""
    emit(question)
    text = sys.stdin.readline()
    if not text:
        raise EOFError
    return text
