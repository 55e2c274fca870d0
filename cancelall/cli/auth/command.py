"""The commands of `cancelall auth`. Only their lines load this: no kill does, and no other command."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from cancelall.cli import parameters
from cancelall.cli.auth import elsewhere, given, keeping, status, systemd
from cancelall.cli.auth.status import note_times
from cancelall.config import loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, Interrupted, SecretError, UsageError
from cancelall.core.profile import BrokenProfile, Overrides, Profile
from cancelall.core.quoting import quoted
from cancelall.core.secret import Secret, scrub
from cancelall.credentials.chain import before_keyring, resolve
from cancelall.credentials.keyrings import Store
from cancelall.engine.run import harden
from cancelall.report.streams import emit
from cancelall.report.text import clean
from cancelall.venues.registry import VENUES, schema

_PATIENCE = 60.0
"""Seconds for the keyring where somebody at a screen has to unlock it."""
_SET = """Put a profile's keys into the OS keyring, or elsewhere with --to.

On a terminal each one is prompted for and not shown. Else FIELD=value lines are read from standard input, or with
--field one value. No option takes a key. All of it is checked, then written, or none; the profile in the config is made
or completed.
"""

Name = Annotated[str, parameters.profiles("PROFILE", "A profile of the config, or a new one.")]
Config = Annotated[Optional[Path], parameters.option("config", "Use this config file.")]
Venue = Annotated[
    Optional[str],
    typer.Option(
        "--venue",
        metavar="NAME",
        help="Venue of a new profile; without it: the one it is named like.",
        show_default=False,
    ),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command("set", help=_SET)(_set)
    group.command("status", help="Show where each key is and how old, never what.")(_status)
    group.command("remove", help="Take a profile's keys out of the OS keyring.")(_remove)
    group.command(
        "export-systemd", help="Make encrypted systemd credentials: print the commands, or with --run run them."
    )(_export)


# --- set ------------------------------------------------------------------------------------------------------------


def _set(
    name: Name,
    venue: Venue = None,
    environment: Annotated[
        Optional[str], parameters.option("environment", "The venue's environment, for the profile.")
    ] = None,
    field: Annotated[
        Optional[str],
        typer.Option(
            "--field", metavar="NAME", help="Set this one: all of standard input is its value.", show_default=False
        ),
    ] = None,
    file: Annotated[
        Optional[Path],
        typer.Option("--file", metavar="PATH", help="Read the value of --field from here.", show_default=False),
    ] = None,
    plaintext: Annotated[
        bool, typer.Option("--allow-plaintext", help="Use a keyring back-end that may keep secrets unencrypted.")
    ] = False,
    to: Annotated[
        Literal["keyring", "config", "systemd"],
        typer.Option(
            "--to",
            help="Where they are kept: the OS keyring, the config file (mode 0600), or encrypted systemd credentials.",
        ),
    ] = "keyring",
    config: Config = None,
) -> None:
    """On a terminal every field is prompted for and hidden; else FIELD=value lines are read from standard input."""
    environ = dict(os.environ)
    harden(environ)
    (path, document), displaced = toml_file.own(config, environ), toml_file.displaced(config, environ)
    profile = keeping.profile_of(document, name, venue, environ, environment)
    fields = declare.secrets_of(schema(profile.venue).secrets)
    if file is not None and field is None:
        raise UsageError("--file needs --field", f"fields: {' '.join(fields)}")
    if field is not None and field not in fields:
        raise UsageError(
            f'--field: {profile.venue} has no secret "{quoted(field)}"{declare.nearest(field, fields)}',
            " ".join(fields),
        )
    try:
        if to != "keyring":
            _set_elsewhere(to, document, path, profile, environment, field, file, environ, displaced)
            return
        store = _store(profile, plaintext=plaintext, patient=given.on_terminal(), environ=environ)
        if path is None:
            raise ConfigError(
                "there is no home directory to keep the profile in",
                f"set CANCELALL_CONFIG or give --config; {keeping.instead(profile)}",
            )
        if not store.encrypts:
            _note(f"WARNING: {store.name} may keep secrets unencrypted")
        # Read first: a keyring that is locked is known before anybody has typed a key.
        before = {one: store.get(name, one) for one in fields}
        held = {one: secret for one, secret in before.items() if secret is not None}
        secrets, missing = _gathered(profile, field, file, held, environ)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", "nothing was written") from None
    if not secrets:
        return
    keys = keeping.keys_for(document, profile, store.name, environment)
    writing = keeping.Writing(store=store, profile=name, before=before)
    with keeping.signals_held() as signals:
        said = keeping.write(profile, secrets, writing, Path(path), keys, signals)
    note_times(name, list(secrets), environ, time.time())
    _note(f"{name}: {' and '.join(secrets)} in the keyring ({store.name}), profile in {path}")
    notes = [said, displaced, f"not set yet: {', '.join(missing)}" if missing else ""]
    for one in secrets:
        for source in before_keyring(profile, one, environ):
            notes.append(f"{one} comes from the {source} as long as that is set, not from the keyring")
    if file is not None and given.open_to_others(file):
        notes.append(f"{file} can be read by others: remove it")
    for words in filter(None, notes):
        _note(f"WARNING: {words}")
    _note(f"to see whether it works: cancelall {name} --dry-run")


def _set_elsewhere(
    to: str,
    document: Document,
    path: str | None,
    profile: Profile,
    environment: str | None,
    field: str | None,
    file: Path | None,
    environ: Mapping[str, str],
    displaced: str,
) -> None:
    """Into the config file or the encrypted credentials of systemd, all or none, and the profile into the config."""
    if path is None:
        raise ConfigError("there is no home directory to keep the profile in", "set CANCELALL_CONFIG or give --config")
    held = dict(profile.credentials) if to == "config" else {}
    secrets, missing = _gathered(profile, field, file, held, environ)
    if not secrets:
        return
    keys = elsewhere.keys_for(document, profile, environment)
    names = " and ".join(secrets)
    if to == "config":
        said = elsewhere.into_config(Path(path), profile, secrets, keys)
        _note(f"{profile.name}: {names} in {path}, which only you can read")
    else:
        sealed = systemd.seal(profile, secrets, systemd.STORE, None)
        said = elsewhere.into_config(Path(path), profile, {}, keys)
        _note(f"{profile.name}: {names} encrypted in {systemd.STORE}, profile in {path}")
        emit(systemd.unit_lines(profile, systemd.STORE, secrets) if sealed else "")
    notes = [said, displaced, f"not set yet: {', '.join(missing)}" if missing else ""]
    for one in secrets if to == "config" else ():
        winning = [source for source in before_keyring(profile, one, environ) if source != "config file"]
        notes += [f"{one} comes from the {source} as long as that is set" for source in winning]
    if file is not None and given.open_to_others(file):
        notes.append(f"{file} can be read by others: remove it")
    for words in filter(None, notes):
        _note(f"WARNING: {words}")
    if to == "config":
        _note(f"to see whether it works: cancelall {profile.name} --dry-run")


def _gathered(
    profile: Profile, field: str | None, file: Path | None, held: Mapping[str, Secret], environ: Mapping[str, str]
) -> tuple[dict[str, Secret], tuple[str, ...]]:
    """The secrets that were given and fit, and those that are still missing where one alone was to be set.

    Raises SecretError.
    """
    secrets = _read_in(profile, field, file, held)
    missing = given.check(profile, secrets, held, environ)
    if missing and field is None:
        raise SecretError(f"no {' and no '.join(missing)} was given; nothing was written", "give every field")
    if not secrets:
        _note(f"{profile.name}: nothing was given, so nothing was changed")
    return secrets, missing


def _read_in(profile: Profile, field: str | None, file: Path | None, held: Mapping[str, Secret]) -> dict[str, Secret]:
    """The secrets, from whoever has them: a file, somebody at a terminal, or a pipe."""
    if file is None and given.on_terminal():
        fields = [field] if field else list(declare.secrets_of(schema(profile.venue).secrets))
        return given.answers(profile, fields, held, _note)
    if field is None:
        return given.from_lines(_standard_input(profile), profile)
    text = given.read_file(file) if file is not None else _standard_input(profile)
    source = str(file) if file is not None else "standard input"
    return {field: given.checked(profile, field, text, source)}


def _document(chosen: Path | None, environ: Mapping[str, str]) -> tuple[Document, str | None]:
    """The config as far as there is one, and where it is or will be."""
    path = toml_file.in_force(chosen, environ)
    if path is not None and not os.path.lexists(path):
        return Document(path=None), path
    return toml_file.read(chosen, environ), path


def _store(profile: Profile, *, plaintext: bool, patient: bool, environ: Mapping[str, str]) -> Store:
    """The keyring. Who sits at a screen gets the time to unlock it."""
    if not (patient and (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))):
        return keeping.open_store(profile, plaintext=plaintext)
    return keeping.open_store(
        profile,
        plaintext=plaintext,
        seconds=_PATIENCE,
        waiting=lambda: _note("waiting for the keyring to be unlocked"),
    )


def _standard_input(profile: Profile) -> str:
    """All of it. Raises SecretError when there is nothing."""
    try:
        raw = sys.stdin.buffer.read(given.INPUT_LIMIT + 1) if sys.stdin is not None else b""
    except (OSError, ValueError):
        raw = b""
    text = given.decoded(raw, "standard input")
    if not text.strip():
        raise SecretError(
            "there is no terminal to ask on, and nothing came on standard input",
            f"pipe FIELD=value lines into it, or {keeping.instead(profile)}",
        )
    return text


# --- status, remove, export -----------------------------------------------------------------------------------------


def _status(
    names: Annotated[Optional[list[str]], parameters.profiles()] = None,
    config: Config = None,
    json_lines: Annotated[bool, parameters.option("json")] = False,
) -> int:
    environ = dict(os.environ)
    harden(environ)
    document = toml_file.read(config, environ)
    if document.notice:
        _note(document.notice)
    profiles: list[Profile | BrokenProfile] = []
    for name in names or list(document.tables) or [venue for venue in VENUES if _anywhere(venue, environ)]:
        if name in document.tables:
            profiles.append(loader.profile(document, name, environ, Overrides()))
        else:
            profiles.append(keeping.profile_of(document, name, None, environ))
    if not profiles:
        raise ConfigError("no profile is configured", "run: cancelall auth set PROFILE")
    statuses = status.statuses(profiles, environ, document.path)
    now = time.time()
    shown = status.status_line if json_lines else status.status_text
    for one in statuses:
        emit(scrub(shown(one, now)))
    return ExitStatus.CLEAR if all(one.ok for one in statuses) else ExitStatus.UNCONFIGURED


def _anywhere(venue: str, environ: Mapping[str, str]) -> bool:
    """Whether a secret of the profile named like a venue is at hand, without asking a keyring."""
    profile = keeping.profile_of(Document(path=None), venue, None, environ)
    return any(before_keyring(profile, field, environ) for field in declare.secrets_of(schema(venue).secrets))


def _remove(name: Name, venue: Venue = None, config: Config = None) -> None:
    environ = dict(os.environ)
    harden(environ)
    document, path = _document(config, environ)
    profile = keeping.profile_of(document, name, venue, environ)
    failed: tuple[CancelallError, ...]
    try:
        store = _store(profile, plaintext=True, patient=given.on_terminal(), environ=environ)
    except SecretError as error:
        failed = (SecretError(error.message, "run it where the keyring is"),)
    else:
        with keeping.signals_held() as signals:
            gone, failed = keeping.remove(profile, store, signals)
        note_times(name, gone, environ, None)
        did = f"removed {' and '.join(gone)} from" if gone else "nothing was removed from"
        _note(f"{name}: {did} the keyring ({store.name})")
    for field in declare.secrets_of(schema(profile.venue).secrets):
        for source in before_keyring(profile, field, environ):
            _note(f"{name}: {field} is still in the {source}")
    if name in document.tables:
        _note(f"{name}: the profile is still in {path}")
    if failed:
        raise failed[0]


def _export(
    name: Name,
    venue: Venue = None,
    run: Annotated[
        Optional[Path],
        typer.Option(
            "--run", metavar="DIR", help="Encrypt the profile's keys into this directory.", show_default=False
        ),
    ] = None,
    key: Annotated[
        Optional[str],
        typer.Option(
            "--with-key", metavar="KEY", help="As in systemd-creds: host, tpm2, host+tpm2, auto.", show_default=False
        ),
    ] = None,
    config: Config = None,
) -> None:
    if key not in (None, *systemd.KEYS):
        raise UsageError(f"--with-key {quoted(key)}: one of {' '.join(systemd.KEYS)}")
    environ = dict(os.environ)
    harden(environ)
    document, _ = _document(config, environ)
    profile = keeping.profile_of(document, name, venue, environ)
    if run is None:
        emit(systemd.commands(profile, systemd.STORE, key))
        return
    resolved = resolve(profile, environ).secrets
    fields = declare.secrets_of(schema(profile.venue).secrets)
    secrets = {field: secret for field in fields if (secret := getattr(resolved, field)) is not None}
    directory = run.absolute()
    for path in systemd.seal(profile, secrets, directory, key):
        _note(f"{name}: encrypted {path}")
    emit(systemd.unit_lines(profile, directory, secrets))


def _note(words: str) -> None:
    """A line for people, on stderr."""
    try:
        sys.stderr.write(f"cancelall: {clean(words, 1000)}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return
