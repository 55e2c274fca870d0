"""The pre-flight: what a venue's part of it reads and learns, what is found, and what that is worth as an exit status.

Each venue has a module `preflight` that ends with `PREFLIGHT = Preflight(...)`. It is as pure as the rest of the venue,
and it stands apart because a kill loads none of this.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, StrEnum
from typing import Any, Generic, TypeVar

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ExitStatus
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
    """What tells of a venue whether a kill would work."""

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
    public: Callable[[O], Mapping[str, Question]] = lambda options: {}
    """A cheap read without a signature of each host, by the hosts' names, by which a guard keeps connections to it
    open and knows its clock; for the first host only where no unsigned question does."""
    budget: Callable[[str, Mapping[str, str]], float | None] = lambda host, headers: None
    """What the headers of an answer of a host, which is given by its name, tell of its limit: the share that is left,
    0 to 1; None where they do not."""


def share(part: str, whole: str) -> float | None:
    """How much one number of a header is of another, 0 to 1; None where they are none."""
    if not all(text.isascii() and text.isdigit() and len(text) < 16 for text in (part, whole)) or not int(whole):
        return None
    return min(1.0, int(part) / int(whole))


def public_question(preflight: Preflight[O], options: O, host: str, now_ms: int) -> Question | None:
    """What can be asked of a host without a key, at any time; None where nothing is known."""
    if (question := preflight.public(options).get(host)) is not None:
        return question
    if host:
        return None
    return next((one for one in preflight.questions(options, now_ms) if not one.request.signed), None)


def load_preflight(name: str) -> Preflight[Any]:
    """The pre-flight of the venue with this module name."""
    preflight: Preflight[Any] = importlib.import_module(f"cancelall.venues.{name}.preflight").PREFLIGHT
    return preflight


# --- findings ---


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Area(Enum):
    """Whose affair a finding is; the value is the exit status of a failed one."""

    NETWORK = ExitStatus.UNREACHABLE
    VENUE = ExitStatus.REFUSED
    OURS = ExitStatus.UNCONFIGURED
    """Config, secrets, files: this machine."""
    EVIDENCE = ExitStatus.UNPROVEN


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `fix` is what to do about it; empty where nothing is to be done."""

    check: str
    level: Level
    detail: str
    fix: str = ""
    area: Area = Area.OURS


def good(check: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding(check=check, level=Level.OK, detail=detail)


def warning(check: str, detail: str, fix: str) -> Finding:
    """A kill would work, but it could be better."""
    return Finding(check=check, level=Level.WARN, detail=detail, fix=fix)


def failure(check: str, detail: str, fix: str, area: Area) -> Finding:
    """A kill would not work, or the key is more dangerous than it need be."""
    return Finding(check=check, level=Level.FAIL, detail=detail, fix=fix, area=area)


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Everything that was found about one profile."""

    profile: str
    """Empty where it came to none."""
    venue: str
    environment: str | None
    host: str | None
    findings: tuple[Finding, ...]
    account_group: int | None = None
    """One that the venue told and that the profile does not hold."""

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What has to be put right."""
        return tuple(finding for finding in self.findings if finding.level is Level.FAIL)

    @property
    def ok(self) -> bool:
        """Whether a kill would work from here, now."""
        return not self.failed

    @property
    def exit_status(self) -> ExitStatus:
        """The exit code of this profile alone."""
        return worst(self.failed)

    def count(self, level: Level) -> int:
        return sum(1 for finding in self.findings if finding.level is level)


def worst(failed: Iterable[Finding]) -> ExitStatus:
    """The exit code of failed findings: the first of 12, 4, 6 and 11 that occurs, else 0."""
    met = {finding.area for finding in failed}
    return next((area.value for area in Area if area in met), ExitStatus.CLEAR)


def exit_status(reports: Iterable[CheckReport]) -> ExitStatus:
    """The exit code of a check."""
    return worst(finding for report in reports for finding in report.failed)
