"""The matrix as data: number, fault, how it is injected, what has to come of it, and where it does not apply.

A row stands at the first of its tests, in `shows`; the test modules that were imported have added theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cancelall.venues.registry import VENUES


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault. `codes` are the exit codes that may come of it; `not_for` names venues without it, and why."""

    number: int
    fault: str
    injected: str
    expected: str
    codes: tuple[int, ...]
    not_for: Mapping[str, str] = field(default_factory=dict)
    one_venue: str = ""
    """Why one venue is enough."""
    on: str = "bybit"
    """That venue."""

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues for which its tests run."""
        able = tuple(venue for venue in VENUES if venue not in self.not_for)
        return (self.on,) if self.one_venue else able


ROWS: dict[int, Row] = {}
