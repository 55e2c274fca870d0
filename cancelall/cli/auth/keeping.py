"""Secrets into the OS keyring and out of it, all or nothing; the profile in the config that says where they are."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cancelall.config import edit, loader
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, Interrupted, SecretError, UsageError
from cancelall.core.profile import BrokenProfile, Overrides, Profile, environment_prefix
from cancelall.core.quoting import quoted
from cancelall.core.secret import Secret
from cancelall.credentials import chain, keyrings
from cancelall.credentials.keyrings import Late, Store
from cancelall.venues.registry import VENUES, schema


def profile_of(
    document: Document, name: str, venue: str | None, environ: Mapping[str, str], environment: str | None = None
) -> Profile:
    """A profile of the config, or a new one, of this venue or named like one. Raises ConfigError, OptionError."""
    if venue is not None and venue not in VENUES:
        raise UsageError(
            f'--venue: there is no venue "{quoted(venue)}"{declare.nearest(venue, VENUES)}', " ".join(VENUES)
        )
    table = document.tables.get(name)
    present = table.get("venue") if isinstance(table, dict) else None
    if venue is not None and present is not None and present != venue:
        shown = quoted(present) if isinstance(present, str) else "none"
        raise ConfigError(f'profile "{quoted(name)}" is of venue {shown}, not of {venue}', "give it another name")
    if table is None and venue is None and name not in VENUES:
        raise ConfigError(
            f'there is no profile "{quoted(name)}"{declare.nearest(name, [*document.tables, *VENUES])}',
            f"for a new one add --venue with one of: {' '.join(VENUES)}",
        )
    if table is None and (problem := loader.name_problem(document, name)):
        raise UsageError(f'"{quoted(name)}": {problem}', "give it another name")
    overrides = Overrides(environment=environment)
    profile = loader.profile(document, name, environ, overrides, implicit_venue=venue or name)
    if isinstance(profile, BrokenProfile):
        raise profile.error
    return profile


def instead(profile: Profile) -> str:
    """What to use where there is no keyring."""
    first = next(iter(declare.secrets_of(schema(profile.venue).secrets)))
    return (
        f"use instead: cancelall auth set {profile.name} --to config; or a file "
        f"$CREDENTIALS_DIRECTORY/cancelall.{profile.name}.{first} "
        f"(systemd: cancelall auth export-systemd {profile.name}), "
        f"{environment_prefix(profile.name)}{first.upper()} in the environment, or secret_command in the config"
    )


def open_store(
    profile: Profile,
    *,
    plaintext: bool = False,
    seconds: float | None = None,
    waiting: Callable[[], None] | None = None,
) -> Store:
    """The back-end for a profile's secrets. Raises SecretError that says what to use instead."""
    limit = chain.KEYRING_SECONDS if seconds is None else seconds
    try:
        return keyrings.writable(profile.common.keyring_backend, limit, plaintext=plaintext, waiting=waiting)
    except SecretError as error:
        more = " (or --allow-plaintext)" if "unencrypted" in error.message else ""
        raise SecretError(error.message, instead(profile) + more) from None


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass
class Writing:
    """Items of the keyring as they are written, and what they held before."""

    store: Store
    profile: str
    before: dict[str, Secret | None]
    begun: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Those that the keyring was to write, and never said whether it did."""

    def put(self, name: str, secret: Secret) -> None:
        """Write one. Raises SecretError."""
        try:
            self.store.put(self.profile, name, secret)
        except Late:
            self.unknown.append(name)
            raise
        except SecretError:
            self.begun.append(name)
            raise
        self.begun.append(name)

    def take_back(self) -> str:
        """Make every item again what it was, and tell what became of that."""
        try:
            while self.begun:
                old = self.before[self.begun[-1]]
                if old is None:
                    self.store.remove(self.profile, self.begun[-1])
                else:
                    self.store.put(self.profile, self.begun[-1], old)
                self.begun.pop()
        except SecretError:
            self.unknown = [*self.begun, *self.unknown]
        if not self.unknown:
            return "the keyring is as it was before"
        names = " and ".join(f"{self.profile}.{name}" for name in self.unknown)
        return f"{names} in the keyring may be changed: run auth set again"


def write(
    profile: Profile,
    given: Mapping[str, Secret],
    writing: Writing,
    path: Path,
    keys: Mapping[str, str],
    signals: Signals | None = None,
) -> str:
    """Secrets into the keyring, then the profile into the config: all or nothing.

    Returns what the user should know about the file. Raises SecretError, ConfigError, Interrupted; each after what was
    written has been taken back, and with words on how that went.
    """
    try:
        for name, secret in given.items():
            writing.put(name, secret)
            if signals is not None and signals.caught is not None:
                raise Interrupted(f"stopped by {signals.caught.name}", status=signals.status)
        return edit.save(path, {edit.of_profile(profile.name): keys})
    except OSError as fault:
        state = writing.take_back()
        raise ConfigError(f"{path} cannot be written: {fault.strerror or fault}", state) from None
    except CancelallError as error:
        error.hint = "; ".join(filter(None, (writing.take_back(), error.hint)))
        raise


@dataclass
class Signals:
    """What told us to stop while something was half done."""

    caught: signal.Signals | None = None

    @property
    def status(self) -> ExitStatus:
        """What it is worth as an exit status."""
        return ExitStatus.TERMINATED if self.caught == signal.SIGTERM else ExitStatus.INTERRUPTED


@contextlib.contextmanager
def signals_held() -> Iterator[Signals]:
    """Let the first Ctrl-C or SIGTERM wait for the end of a step; a second one ends the process as usual."""
    signals = Signals()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def hold(number: int, frame: object) -> None:
        signals.caught = signal.Signals(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, hold)
    try:
        yield signals
    finally:
        restore()


def keys_for(document: Document, profile: Profile, backend: str, environment: str | None) -> dict[str, str]:
    """What the profile's table needs, so that a later read of the keyring detects nothing."""
    keys = {} if profile.name in document.tables else {"venue": profile.venue}
    if environment is not None:
        keys["environment"] = environment
    table = document.tables.get(profile.name, {})
    defaults = document.data.get("defaults", {})
    recorded = table.get("keyring_backend", defaults.get("keyring_backend"))
    return keys if recorded == backend else {**keys, "keyring_backend": backend}


# --- removing ---------------------------------------------------------------------------------------------------------


def remove(profile: Profile, store: Store, signals: Signals) -> tuple[tuple[str, ...], tuple[CancelallError, ...]]:
    """Take every secret of a profile out of the keyring: the fields that were there, and what failed."""
    gone: list[str] = []
    failed: list[CancelallError] = []
    for name in declare.secrets_of(schema(profile.venue).secrets):
        if signals.caught is not None:
            failed.append(Interrupted(f"stopped by {signals.caught.name}", "run it again", status=signals.status))
            break
        try:
            if store.remove(profile.name, name):
                gone.append(name)
        except SecretError as error:
            failed.append(error)
            if isinstance(error, Late):
                break  # the next one would hang as well
    return tuple(gone), tuple(failed)
