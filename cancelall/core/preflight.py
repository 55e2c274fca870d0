"""The contract of a venue's pre-flight: what is asked to know whether a kill would work, and what an answer told.

Each venue has a module `preflight` that ends with `PREFLIGHT = Preflight(...)`. It is as pure as the rest of the venue,
and it stands apart because a kill loads none of this.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cancelall.core.model import Reply, Request

O = TypeVar("O")  # noqa: E741 - the venue's Options


@dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """What is known of a key, its account and the venue's clock. None and empty: this does not tell."""

    server_ms: int | None = None
    """The venue's clock, in ms since the epoch."""
    can_list: bool | None = None
    can_cancel: bool | None = None
    cannot: tuple[str, ...] = ()
    """Products in scope for which the key seems to have no right to trade."""
    can_withdraw: bool | None = None
    withdraw_note: str = ""
    """Why it can withdraw, or why nobody can see it."""
    can_transfer: bool | None = None
    bound: bool | None = None
    """Whether the key works from certain addresses only."""
    expires_ms: int | None = None
    """When the key ends, in ms since the epoch."""
    expires_at: str = ""
    """The same as ISO 8601 text, where the venue writes it so."""
    days_left: int | None = None
    """The same in days from now."""
    endless: bool = False
    """The venue says that the key does not expire."""
    mode: str = ""
    """The account's mode, in words."""
    mode_trouble: str = ""
    """Why a kill would be in trouble in this mode."""
    account_group: int | None = None
    """A part of every path that is worth to be kept in the profile."""
    remarks: tuple[str, ...] = ()
    """What else is worth a warning."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A read that tells something of the key, the account or the clock. It never changes anything."""

    name: str
    request: Request
    read: Callable[[Request, Reply], KeyFacts]
    """Raises Unreadable."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A real cancel that takes nothing, because nothing rests where it reaches."""

    request: Request
    description: str
    """What it would cancel."""
    empty: tuple[str, ...] = ()
    """Segments whose complete listings must just have been empty; none where it can never take an order."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How far a request's timestamp may be from the venue's clock, in ms."""

    behind_ms: int
    ahead_ms: int


@dataclass(frozen=True, kw_only=True)
class Preflight(Generic[O]):
    """One venue's pre-flight."""

    questions: Callable[[O, int], tuple[Question, ...]]
    """The reads for these options; the int is now, in ms."""
    window: Callable[[O], Window | None]
    """None where no clock is compared."""
    key_page: str
    """Where the key can be changed."""
    probes: Callable[[O, str], tuple[Probe, ...]]
    """Harmless real cancels for options and environment, the best first."""
    known: Callable[[O], KeyFacts] = lambda options: KeyFacts()
    """What is known without a read."""
    no_probe: str = ""
    """Why there is none, in words."""


def load_preflight(name: str) -> Preflight[Any]:
    """The pre-flight of the venue with this module name."""
    found: Preflight[Any] = importlib.import_module(f"cancelall.venues.{name}.preflight").PREFLIGHT
    return found
