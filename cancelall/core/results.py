"""What a kill tells of its profiles, their segments and orders. Nothing of it is needed before the first cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import ErrorKind, ExitStatus
from cancelall.core.model import Order, State, Verdict

if TYPE_CHECKING:
    from cancelall.core.positions import PositionsReport
    from cancelall.core.stamp import Shard


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
    deadline: int | None = None
    """Seconds that another run needs for what is left, where that is more than this one was given."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Milliseconds since the start of the process; None when it did not come to that."""

    first_request: int | None = None
    first_ack: int | None = None
    verdict: int | None = None
    verdict_at: int | None = None
    """The moment of the verdict, in ms since the epoch."""


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
    positions: PositionsReport | None = None
    """The positions of the scope, read after the verdict; None while, or where, they are not read."""

    @property
    def exit_status(self) -> ExitStatus:
        """The exit code of this profile alone. Reading alone succeeds when everything could be read."""
        if self.dry_run and self.all_read and self.verdict in (Verdict.OPEN, Verdict.CLEAR):
            return ExitStatus.CLEAR
        return self.verdict.exit_status

    def count(self, state: State) -> int:
        """Orders that ended in this state."""
        return sum(1 for row in self.orders if row.state is state)


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Which run a result belongs to."""

    id: str | None = None
    """The journal's name for it; None where no journal is kept."""
    machine: str | None = None
    reason: str | None = None
    """Why it was run, in its user's words."""
    shard: Shard | None = None
    """Which of the selected profiles it takes; None where one profile was named."""


@dataclass(frozen=True, kw_only=True)
class ProfileSummary:
    """One profile of a run. None is what the record does not show."""

    profile: str
    verdict: str | None = None
    """None: it had none when the run ended."""
    exit_code: int | None = None
    was_open: int | None = None
    """Different orders that a listing showed or a cancel took."""
    left: int | None = None
    kept: int = 0
    seconds: float | None = None
    """From the start of the run to the verdict."""
    error: str = ""
    late_until: str = ""
    """UTC until which a cancel without an answer can still be executed; `?` where no limit is known."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One run."""

    id: str
    began: str
    """UTC, as the record has it."""
    who: str
    where: tuple[str, ...]
    reason: str
    command: tuple[str, ...]
    dry_run: bool
    exit_code: int | None
    """None: it did not end, or still runs."""
    seconds: float | None
    requests: int
    in_flight: int
    """Requests that left, or were about to, and of whose end nothing is known."""
    profiles: tuple[ProfileSummary, ...]
