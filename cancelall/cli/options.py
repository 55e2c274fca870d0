"""What a command was asked for besides its profiles."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass

from cancelall.config.toml_file import Document
from cancelall.core.secret import scrub


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a run is told besides its profiles."""

    reason: str = ""
    document: Document | None = None
    """The config, which the journal names."""
    journalled: bool = True
    """A kill, or its rehearsal: it leaves a journal, and the notify command is told."""
    hold: float = 0.0
    """Seconds for which what reappears is cancelled after the first verdict."""
    notify: tuple[str, ...] | None = None
    """The command that is told of all profiles; None: each profile's own, if it has one."""


@dataclass(frozen=True, kw_only=True)
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
