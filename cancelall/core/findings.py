"""What the pre-flight finds, and what that is worth as an exit status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

from cancelall.core.errors import ExitStatus


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
        """Findings of this level."""
        return sum(1 for finding in self.findings if finding.level is level)


def worst(failed: Iterable[Finding]) -> ExitStatus:
    """The exit code of failed findings: the first of 12, 4, 6 and 11 that occurs, else 0."""
    met = {finding.area for finding in failed}
    return next((area.value for area in Area if area in met), ExitStatus.CLEAR)


def exit_status(reports: Iterable[CheckReport]) -> ExitStatus:
    """The exit code of a check."""
    return worst(finding for report in reports for finding in report.failed)
