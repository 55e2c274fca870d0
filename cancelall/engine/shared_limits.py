"""What the profiles of one run share: a gate for each host, ways out, threads, file descriptors, turns for secrets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from cancelall.config.loader import at_hand
from cancelall.core import declare
from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import CancelallError, SecretError, TransportFault
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.engine.rate_limiter import Address, HostGate
from cancelall.engine.serial_key import SerialKey
from cancelall.net.background import in_thread
from cancelall.net.route import Route, is_loaded, route_for, tls_context
from cancelall.venues.registry import load, schema

T = TypeVar("T")

AT_ONCE = 64
"""Attempts under way to one host, where the file descriptors allow it."""
SECRETS_AT_ONCE = 32
"""Profiles whose secret commands run, or whose keyring is read, at the same time."""
_FILES_AT_ONCE = 4
"""Profiles whose secrets are taken from files and variables at the same time: that keeps the processor busy."""
_WAITED = 0.1
"""Seconds of waiting for a turn from which it is a warning."""
_DESCRIPTORS = 4096
"""What the soft limit is raised to, if the hard one lets us: what is started inherits it, and some close them all."""
_DESCRIPTORS_FOR_OTHERS = 48
"""Standard streams, modules, the event loop, name look-up, secret commands."""
_DESCRIPTORS_OF_AN_ATTEMPT = 4
"""Racing a host's addresses, the connection itself, and one that is kept for the next read."""
SCARCE = "free memory, threads (ulimit -u) or file descriptors (ulimit -n), and run again at once"
"""What to do when this machine has nothing left to send with."""
_COMES_BACK = 0.03
"""Seconds after which it is looked whether a file descriptor has come back."""
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_CAUSES = 8
"""How deep the cause of a fault is looked for."""
_PATIENCE = 5.0
"""Seconds for which secrets wait for one."""


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
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft


def at_once(files: int, hosts: int) -> int:
    """Attempts to one host at the same time: each host has its own places, so that a dead one takes none of others."""
    return max(2, min(AT_ONCE, (files - _DESCRIPTORS_FOR_OTHERS) // (_DESCRIPTORS_OF_AN_ATTEMPT * max(1, hosts))))


@dataclass
class SharedLimits:
    """Shared by all profiles of a run."""

    profiles: Sequence[Profile | BrokenProfile]
    environ: Mapping[str, str]
    thrifty: bool = False
    """So few file descriptors are left that none may be kept for a connection that nobody uses."""
    _gates: dict[tuple[str, str], HostGate] = field(default_factory=dict)
    _addresses: dict[tuple[str, str], Address] = field(default_factory=dict)
    _serial_keys: dict[tuple[str, str], SerialKey] = field(default_factory=dict)
    _coming: dict[str, Callable[[], None]] = field(default_factory=dict)
    _places: int = AT_ONCE
    _routes: dict[tuple[str, Route], Route] = field(default_factory=dict)
    _routes_of: dict[tuple[str, str], Route] = field(default_factory=dict)
    _waited: dict[str, str] = field(default_factory=dict)
    _files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_AT_ONCE))
    _slow: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SECRETS_AT_ONCE))
    _extras: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SECRETS_AT_ONCE))
    """For those that need nothing slow, but have something optional that is."""

    def count(self) -> None:
        good = [profile for profile in self.profiles if isinstance(profile, Profile)]
        files, hosts = (
            descriptors(),
            len({(profile.origin_of(name), name) for profile in good for name in profile.uses}),
        )
        self._places = at_once(files, hosts)
        self.thrifty = files < _DESCRIPTORS_FOR_OTHERS + hosts * self._places * _DESCRIPTORS_OF_AN_ATTEMPT

    def begin(self) -> None:
        """Count what there is, and let the reads of all know whose first cancels are about to come."""
        self.count()
        for profile in self.profiles:
            if isinstance(profile, Profile) and self._at_hand(profile, optional=True):
                gates = (self.gate(profile, host) for host in profile.uses)
                coming = [address.expect() for address in dict.fromkeys(gate.address for gate in gates)]
                self._coming[profile.name] = partial(_call_all, coming)

    def gate(self, profile: Profile, host: str = "", *, own_limit: bool = False) -> HostGate:
        """The gate of a profile's host. All official hosts of a venue count against one limit of this address, but for
        further ones that have another, and for a profile that has one of its own.
        """
        if own_limit:
            return HostGate.alone(None, self._places)
        venue, origin = load(profile.venue), profile.origin_of(host)
        name, limit = venue.further_limits.get(host, ("", venue.address_limit))
        if (origin, name) not in self._gates:
            where = profile.venue if _is_official(profile.venue, venue.alternates.values(), origin) else origin, name
            if where not in self._addresses:
                self._addresses[where] = Address(limit)
            self._gates[origin, name] = self._addresses[where].gate(self._places)
        return self._gates[origin, name]

    def serial_key(self, profile: Profile, secrets: object) -> SerialKey | None:
        """The turns of a profile's key, where the requests of all profiles with it go one at a time."""
        venue = load(profile.venue)
        if venue.serial is None:
            return None
        known = profile.venue, venue.account(secrets, profile.options)
        return self._serial_keys.setdefault(known, SerialKey(venue.serial))

    def arrived(self, profile: Profile | BrokenProfile) -> None:
        """A profile's first cancels are in the queue, or it has none: nobody's reads wait for it any more."""
        self._coming.pop(profile.name, int)()

    def route(self, profile: Profile, origin: str = "") -> Route:
        """How a profile's requests leave this machine: one for all that go the same way, which knows how they fared.

        To its first host, unless another of its origins is named.
        """
        origin = origin or profile.origin
        known = self._routes_of.get((profile.name, origin))
        if known is None:
            route = route_for(origin, profile.common.proxy, profile.common.ca_bundle, self.environ)
            known = self._routes_of[profile.name, origin] = self._routes.setdefault((origin, route), route)
        return known

    def routes(self, profile: Profile) -> tuple[Route, ...]:
        """The same to each of its origins."""
        return tuple(self.route(profile, origin) for origin in profile.origins)

    async def trust(self, profile: Profile) -> None:
        """Load the CA bundle of a profile, in a thread that can be left behind: it may lie on a mount that is gone.

        Raises ConfigError when it cannot be used.
        """
        bundle = self.route(profile).ca_bundle
        if not is_loaded(bundle):
            await in_thread(lambda: tls_context(bundle), f"CA bundle {bundle}")

    def warnings(self, profile: Profile | BrokenProfile) -> tuple[str, ...]:
        """What a profile's result has to say of what it shares: what it waited for, and where its requests went."""
        waited = self._waited.get(profile.name)
        routes = self.routes(profile) if isinstance(profile, Profile) else ()
        ways = tuple(dict.fromkeys(warning for route in routes for warning in route.warnings()))
        return (waited, *ways) if waited else ways

    async def secrets(self, profile: Profile, resolve: Callable[[], Awaitable[T]]) -> T:
        """Resolve a profile's secrets. Those that are at hand wait for no command and no keyring, nor for who reads
        something optional there.

        Raises what resolving raises, and SecretError when this machine has nothing left to do it with.
        """
        if profile.name in self._coming or self._at_hand(profile, optional=True):
            turns, words = self._files, f"{_FILES_AT_ONCE} profiles are read at a time"
        elif self._at_hand(profile):
            turns, words = self._extras, f"{SECRETS_AT_ONCE} commands are run for optional secrets at a time"
        else:
            turns, words = self._slow, f"{SECRETS_AT_ONCE} commands and keyrings are read at a time"
        began = time.monotonic()
        try:
            await turns.acquire()
        finally:  # in vain, too
            if (waited := time.monotonic() - began) >= _WAITED:
                self._waited[profile.name] = f"waited {waited:.1f} s for a turn to read its secrets: {words}"
        try:
            return await with_descriptors(resolve, time.monotonic() + _PATIENCE)
        except CancelallError:
            raise
        except (RuntimeError, OSError, ImportError, MemoryError) as fault:
            raise SecretError(f"the secrets could not be read: {scarcity(fault)}", SCARCE) from fault
        finally:
            turns.release()

    def _at_hand(self, profile: Profile, *, optional: bool = False) -> bool:
        """Whether the secrets that it needs take no command and no keyring.

        With `optional`: nor for those that it can do without. A keyring is never read for these alone.
        """
        return all(
            at_hand(profile.name, key, self.environ)
            or (key in profile.credentials and key not in profile.secret_command)
            or (secret.optional and (key not in profile.secret_command or not optional))
            for key, secret in declare.secrets_of(schema(profile.venue).secrets).items()
        )


def _is_official(venue_name: str, alternates: Iterable[str], origin: str) -> bool:
    """Whether an origin is one of the venue's own."""
    known = schema(venue_name)
    further = (one for origins in known.further.values() for one in origins.values())
    return origin in {*known.hosts.values(), *alternates, *further}


def _call_all(actions: Sequence[Callable[[], None]]) -> None:
    for action in actions:
        action()


async def with_descriptors(work: Callable[[], Awaitable[T]], until: float) -> T:
    """The result of work that has changed nothing when it lacks a file descriptor: it is then begun again.

    Others that are at work give theirs back. Goes on to a monotonic time; raises what it raised last.
    """
    while True:
        try:
            return await work()
        except Exception as fault:
            if not _no_descriptor(fault) or time.monotonic() >= until:
                raise
        await asyncio.sleep(_COMES_BACK)


def _no_descriptor(fault: BaseException | None) -> bool:
    """Whether this machine, or this process, had no file descriptor left: that nothing was sent is for sure."""
    if isinstance(fault, TransportFault) and fault.sent != "no":
        return False
    for _ in range(_CAUSES):
        if fault is None:
            return False
        if isinstance(fault, OSError) and fault.errno in _NO_DESCRIPTOR:
            return True
        if isinstance(fault, ImportError) and any(os.strerror(number) in str(fault) for number in _NO_DESCRIPTOR):
            return True  # of a module that is no Python
        fault = fault.__cause__ or fault.__context__
    return False


def scarcity(fault: Exception) -> str:
    """What this machine has not got any more, in words."""
    if isinstance(fault, MemoryError):
        return "there is no memory left"
    if isinstance(fault, OSError):
        return fault.strerror or type(fault).__name__
    return str(fault)
