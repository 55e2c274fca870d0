"""What a line says besides a venue's own options: declared once, for Typer, the fast path, the manual and the README.

The annotations are evaluated as they stand: as texts, they would be compiled anew in each kill.
"""

import contextlib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from cancelall.config.toml_file import Document
from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt
from cancelall.core.profile import (
    CLIENT_ID,
    DEADLINE,
    ENVIRONMENT,
    GUARD,
    KEEP_PROTECTIVE,
    KILLS,
    NOT_CLIENT_ID,
    NOTIFY_COMMAND,
    READS,
    RUNS,
)
from cancelall.core.secret import scrub

if TYPE_CHECKING:
    from cancelall.core.stamp import Shard


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
    positions: bool = False
    """Positions are what the run is for, and orders are read for what protects them."""
    shard: "Shard | None" = None
    """Which of the selected profiles the run takes; None where one was named."""


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
    config: Annotated[
        str | None,
        Opt(help="Read this config file.", metavar="FILE", text="free", commands=(*READS, *GUARD), completes="files"),
    ] = None
    everything: Annotated[bool, Opt(help="Drop every selector: the whole account.", commands=KILLS)] = False
    client_id: Annotated[tuple[str, ...], CLIENT_ID] = ()
    not_client_id: Annotated[tuple[str, ...], NOT_CLIENT_ID] = ()
    keep_protective: Annotated[bool | None, KEEP_PROTECTIVE] = None
    dry_run: Annotated[
        bool, Opt(help="Only read: show what is open and what would be sent.", commands=(*KILLS, "demo", *GUARD))
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
        Opt(
            help="Why: it is kept in the journal.",
            metavar="TEXT",
            text="free",
            may_be_empty=True,
            commands=(*KILLS, *GUARD),
        ),
    ] = None
    notify_command: Annotated[str | None, NOTIFY_COMMAND] = None
    json: Annotated[bool, Opt(help="One JSON line per profile on stdout.", commands=(*RUNS, *GUARD))] = False
    verbose: Annotated[bool, Opt(help="Show every request on stderr.", short="-v", commands=(*RUNS, *GUARD))] = False
    quiet: Annotated[
        bool, Opt(help="Only the verdict; of a check only what fails.", short="-q", commands=(*RUNS, *GUARD))
    ] = False
