"""One account on one venue, as a command means it: what it can say, what it says, and how its secrets are named.

The annotations are evaluated as they stand: as texts, those of options would be compiled anew in each kill.
"""

import functools
import os
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt
from cancelall.core.errors import ConfigError
from cancelall.core.secret import Secret

SHORTEST = 1.0
"""Seconds: in less no cancel could be sent, answered and read back, and what looks like a kill would be none."""


DEFAULT_DEADLINE = 30.0

KILLS = ("VENUE", "all")
"""The commands that kill."""
READS = (*KILLS, "orders", "positions", "check")
"""Those on profiles of the config."""
RUNS = (*READS, "demo")
GUARD = ("guard",)
"""The command that stands watch."""

# What both a profile and a line can say. The line wins.
ENVIRONMENT = Opt(
    help="The venue's environment: live, testnet, demo, or a regional site.",
    on_line="Use this environment of the venue.",
    metavar="NAME",
    commands=READS,
    completes="environments",
)
DEADLINE = Opt(
    help=f"Seconds until the verdict, at least {SHORTEST:g}.",
    on_line=f"Seconds until the verdict, at least {SHORTEST:g} ({DEFAULT_DEADLINE:g}).",
    metavar="SECONDS",
    minimum=SHORTEST,
    maximum=86400,
    commands=(*RUNS, *GUARD),
    defaults=True,
)
KEEP_PROTECTIVE = Opt(
    help="Leave reduce-only, take-profit, stop-loss and trailing orders in place.",
    commands=(*KILLS, "demo", *GUARD),
    defaults=True,
)
CLIENT_ID = Opt(
    help="Only orders whose client id begins so; by name, never by a mass cancel.",
    metavar="PREFIX",
    selector=True,
    text="free",
    example="b07",
    commands=KILLS,
)
NOT_CLIENT_ID = Opt(
    help="No order whose client id begins so; by name, never by a mass cancel.",
    metavar="PREFIX",
    selector=True,
    text="free",
    example="9a1d",
    commands=KILLS,
)
NOTIFY_COMMAND = Opt(
    help="A command (a list of words, no shell) that gets the result as JSON lines on its stdin.",
    on_line="Run this at the end, with the result as JSON lines on its stdin. No shell, 10 s.",
    metavar="WORDS",
    text="command",
    may_be_empty=True,
    commands=(*KILLS, *GUARD),
    defaults=True,
)


@dataclass(frozen=True, kw_only=True)
class Common:
    """Keys that every profile may have."""

    environment: Annotated[str | None, ENVIRONMENT] = None
    base_url: Annotated[
        str | None,
        Opt(
            help="An origin (scheme, host, port) that replaces the environment's host; http only on loopback.",
            metavar="URL",
            text="free",
        ),
    ] = None
    deadline: Annotated[float | None, DEADLINE] = None
    keep_protective: Annotated[bool | None, KEEP_PROTECTIVE] = None
    client_id: Annotated[tuple[str, ...], CLIENT_ID] = ()
    not_client_id: Annotated[tuple[str, ...], NOT_CLIENT_ID] = ()
    proxy: Annotated[
        str | None,
        Opt(
            help="Send through this http or https proxy; none: through no proxy, not even the environment's.",
            metavar="URL",
            text="free",
            example="http://10.0.0.1:3128",
            defaults=True,
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Opt(
            help="Trust the certificate authorities of this file or directory.",
            metavar="FILE",
            text="free",
            defaults=True,
        ),
    ] = None
    keyring_backend: Annotated[
        str | None,
        Opt(help="The keyring back-end to load, without detection.", metavar="CLASS", text="free", defaults=True),
    ] = None
    notify_command: Annotated[tuple[str, ...], NOTIFY_COMMAND] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One account on one venue, ready to be used but for its secrets."""

    name: str
    venue: str
    environment: str
    origin: str
    common: Common
    options: Any
    scope: Mapping[str, object]
    """The selectors in force."""
    secret_command: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    further: Mapping[str, str] = field(default_factory=dict)
    """Origins of the venue's further hosts, by their names."""
    uses: tuple[str, ...] = ("",)
    """Names of the hosts that the scope's requests go to, the most urgent first; empty is the first host's."""
    rehearsal: bool = False
    """The profile is on the embedded exchange."""

    @property
    def shown_environment(self) -> str:
        """The environment as a user sees it: nothing of the embedded exchange is live."""
        return "demo" if self.rehearsal else self.environment

    def origin_of(self, host: str) -> str:
        """The origin of a host, by its name."""
        return self.further.get(host, self.origin)

    @property
    def origins(self) -> tuple[str, ...]:
        """Every origin that the scope's requests go to, once."""
        return tuple(dict.fromkeys(map(self.origin_of, self.uses)))

    @property
    def hosts(self) -> str:
        """The same as it is shown."""
        return ", ".join(self.origins)

    @property
    def deadline(self) -> float:
        """Seconds until the verdict."""
        return self.common.deadline if self.common.deadline is not None else DEFAULT_DEADLINE


@dataclass(frozen=True, kw_only=True)
class BrokenProfile:
    """A profile that cannot be used, and why. Of the rest nothing is known."""

    name: str
    venue: str
    error: ConfigError
    environment: ClassVar[None] = None
    shown_environment: ClassVar[None] = None
    origin: ClassVar[None] = None
    hosts: ClassVar[None] = None
    scope: ClassVar[Mapping[str, object]] = {}
    warnings: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What the command line says: venue options and common options that were given, None or empty if not."""

    options: Mapping[str, object] = field(default_factory=dict)
    environment: str | None = None
    deadline: float | None = None
    keep_protective: bool | None = None
    client_id: tuple[str, ...] = ()
    not_client_id: tuple[str, ...] = ()
    everything: bool = False


@functools.lru_cache(maxsize=1024)
def environment_prefix(profile: str) -> str:
    """What the names of a profile's environment variables begin with."""
    return f"CANCELALL_{profile.upper().replace('-', '_')}_"


def credential_path(profile: str, field: str, environ: Mapping[str, str]) -> str | None:
    """A secret's file in the credentials directory; None when no directory is set, or one that depends on where we are.

    Who looks a secret up refuses the latter.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY", "")
    if not os.path.isabs(directory):
        return None
    return os.path.join(directory, f"cancelall.{profile}.{field}")


# --- origins ---
#
# Not taken apart by `urllib.parse`, which takes as long to import as a sixth of our own start: what a person has typed
# gets here only when `loader` has made an origin of it, scheme and host in small letters, and a port or none.


def host_of(origin: str) -> str:
    """The host of an origin, without its port, as it is told: an IPv6 address in brackets."""
    return bracketed(parts_of(origin)[1])


def bracketed(host: str) -> str:
    """A host as it stands in an origin."""
    return f"[{host}]" if ":" in host else host


@functools.lru_cache(maxsize=1024)
def parts_of(origin: str) -> tuple[str, str, int]:
    """The scheme, the host as it is connected to, and the port: the scheme's own where none is told.

    https://www.rfc-editor.org/rfc/rfc9110#section-4.2
    """
    scheme, _, place = origin.partition("://")
    host, _, port = place.rpartition(":")
    if not host or place.endswith("]"):
        host, port = place, "443" if scheme == "https" else "80"
    return scheme, host.strip("[]"), int(port)
