"""What a kill tells of its profiles, their segments and orders. Nothing of it is needed before the first cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cancelall.core.errors import ErrorKind, ExitStatus
from cancelall.core.model import Order, State, Verdict


@dataclass(frozen=True, kw_only=True)
class OrderReport:
    """An order and what became of it."""

    order: Order
    state: State
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SegmentReport:
    """A segment's verdict and what it rests on: complete cancel answers and complete listings."""

    name: str
    verdict: Verdict
    mass_cancels: int = 0
    listings: int = 0
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorReport:
    """Why a verdict is not better, and what to do next."""

    kind: ErrorKind
    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds since the start of the process; None when it did not come to that."""

    first_request: int | None = None
    first_ack: int | None = None
    verdict: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProfileReport:
    """Everything that is said about one profile at the end."""

    profile: str
    venue: str
    environment: str | None
    host: str | None
    scope: Mapping[str, object]
    dry_run: bool
    verdict: Verdict
    segments: tuple[SegmentReport, ...] = ()
    orders: tuple[OrderReport, ...] = ()
    not_covered: tuple[str, ...] = ()
    requests: int = 0
    timing: Timing = field(default_factory=Timing)
    error: ErrorReport | None = None
    warnings: tuple[str, ...] = ()
    all_read: bool = True
    """Whether everything in scope could be read; reading alone succeeds only then."""
    would_send: tuple[str, ...] = ()
    """What a dry run would have sent, without signature or secret."""

    @property
    def exit_status(self) -> ExitStatus:
        """The exit code of this profile alone. Reading alone succeeds when everything could be read."""
        if self.dry_run and self.all_read and self.verdict in (Verdict.OPEN, Verdict.CLEAR):
            return ExitStatus.CLEAR
        return self.verdict.exit_status

    def count(self, state: State) -> int:
        """Orders that ended in this state."""
        return sum(1 for row in self.orders if row.state is state)
