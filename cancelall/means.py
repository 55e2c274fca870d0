"""What the profiles of one run share: a gate for each host, connections, threads, file descriptors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cancelall import declare
from cancelall.config import BrokenProfile, Profile, at_hand
from cancelall.pacing import Address, HostGate
from cancelall.venues import load, schema

T = TypeVar("T")

AT_ONCE = 64
"""Attempts under way to one host, where the file descriptors allow it."""
SECRETS_AT_ONCE = 32
"""Profiles whose secret commands run, or whose keyring is asked, at the same time."""
_FILES_AT_ONCE = 4
"""Profiles whose secrets are taken from files and variables at the same time: that keeps the processor busy."""
_DESCRIPTORS = 4096
"""What the soft limit is raised to, if the hard one lets us: what is started inherits it, and some close them all."""
_DESCRIPTORS_FOR_OTHERS = 48
"""Standard streams, modules, the event loop, name look-up, secret commands."""
_DESCRIPTORS_OF_AN_ATTEMPT = 4
"""Racing a host's addresses, the connection itself, and one that is kept for the next read."""


def descriptors() -> int:
    """How many files may be open, after the soft limit was raised as far as it helps."""
    try:
        import resource
    except ImportError:  # Windows has no such limit for sockets
        return _DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited:
        return _DESCRIPTORS
    wanted = _DESCRIPTORS if hard == unlimited else min(_DESCRIPTORS, hard)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            return soft
        return wanted
    return soft


def at_once(files: int, hosts: int) -> int:
    """Attempts to one host at the same time: each host has its own places, so that a dead one takes none of others."""
    return max(2, min(AT_ONCE, (files - _DESCRIPTORS_FOR_OTHERS) // (_DESCRIPTORS_OF_AN_ATTEMPT * max(1, hosts))))


@dataclass
class Means:
    """Shared by all profiles of a run."""

    profiles: Sequence[Profile | BrokenProfile]
    environ: Mapping[str, str]
    _gates: dict[str, HostGate] = field(default_factory=dict)
    _addresses: dict[str, Address] = field(default_factory=dict)
    _coming: dict[str, Callable[[], None]] = field(default_factory=dict)
    _places: int = AT_ONCE
    _files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_AT_ONCE))
    _slow: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SECRETS_AT_ONCE))

    def begin(self) -> None:
        """Count what there is, and let the reads of all know whose first cancels are about to come."""
        good = [profile for profile in self.profiles if isinstance(profile, Profile)]
        self._places = at_once(descriptors(), len({profile.origin for profile in good}))
        for profile in good:
            if self._at_hand(profile):
                self._coming[profile.name] = self.gate(profile).address.expect()

    def gate(self, profile: Profile) -> HostGate:
        """The gate of a profile's host. All official hosts of a venue count against one limit of this address."""
        if profile.origin not in self._gates:
            venue = load(profile.venue)
            official = profile.origin in {*schema(profile.venue).hosts.values(), *venue.alternates.values()}
            where = profile.venue if official else profile.origin
            if where not in self._addresses:
                self._addresses[where] = Address(venue.address_limit)
            self._gates[profile.origin] = self._addresses[where].gate(self._places)
        return self._gates[profile.origin]

    def arrived(self, profile: Profile | BrokenProfile) -> None:
        """A profile's first cancels are in the queue, or it has none: nobody's reads wait for it any more."""
        self._coming.pop(profile.name, int)()

    async def secrets(self, profile: Profile, resolve: Callable[[], Awaitable[T]]) -> T:
        """Resolve a profile's secrets. Those that are at hand wait for no command and no keyring."""
        async with self._files if self._at_hand(profile) else self._slow:
            return await resolve()

    def _at_hand(self, profile: Profile) -> bool:
        """Whether no command and no keyring has to be asked for the secrets that it needs."""
        return all(
            at_hand(profile.name, key, self.environ)
            or (key in profile.credentials and key not in profile.secret_command)
            for key, secret in declare.secrets_of(schema(profile.venue).secrets).items()
            if not secret.optional
        )
