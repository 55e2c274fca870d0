"""Whole kills under virtual time (see tests/soak): thirty seconds take a tenth of one.

What must hold of every kill is checked in each of them, besides what a test is about: no false `clear`, nothing touched
that is out of scope or to be kept, no secret shown, an end within the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from cancelall.core.model import Verdict
from cancelall.core.results import ErrorReport, ProfileReport
from cancelall.simulator import Account, FakeVenue, SimOrder, SimRequest
from kills.truth import MODES, SELECTED, STORED
from soak import schedule
from soak.plans import Plan
from soak.schedule import Result, World

NEVER = 1e9
"""Seconds after which a plan names faults that come at another moment: then nothing is held to have been healthy."""


@dataclass
class Faced(Result):
    """How a kill ended, and the world in which it did."""

    of: World | None = None

    @property
    def world(self) -> World:
        """Its venue, accounts and time."""
        assert self.of is not None
        return self.of

    @property
    def report(self) -> ProfileReport:
        """The only report."""
        (report,) = self.reports
        return report

    @property
    def verdict(self) -> Verdict:
        """Its verdict."""
        return self.report.verdict

    @property
    def segments(self) -> dict[str, str]:
        """The verdict on each segment."""
        return {segment.name: segment.verdict.value for segment in self.report.segments}

    @property
    def stock(self) -> list[SimOrder]:
        """The orders of the account before the kill."""
        return list(self.world.owners[0].stock)

    @property
    def left(self) -> list[SimOrder]:
        """The orders of the account after it, whether in scope or not."""
        return list(self.world.owners[0].account.book.open())

    @property
    def paths(self) -> list[str]:
        """What was requested, in the order in which it left."""
        return [f"{sent.request.method} {sent.request.path}" for sent in self.log]

    @property
    def error(self) -> ErrorReport:
        """The report's error, which is there."""
        assert self.report.error is not None
        return self.report.error

    @property
    def said(self) -> str:
        """The words of the report's error and their hint."""
        return f"{self.error.message} ({self.error.hint})"

    @property
    def changes(self) -> list[SimRequest]:
        """The requests that change something, in the order in which they left."""
        return [sent.request for sent in self.log if sent.kind.changes]

    @property
    def statuses(self) -> set[int | None]:
        """The HTTP statuses of the answers; None for a request without one."""
        return {sent.status for sent in self.log}

    def ended(self, *states: str) -> set[str]:
        """The ids of the orders that the report says have ended so."""
        return {row.order.id for row in self.report.orders if row.state.value in states}

    def holds(self, order: SimOrder, what: str) -> bool:
        """Whether an order is `in_scope`, `protective` or `unsure`, by words that are not the client's."""
        return bool(getattr(self.world.owners[0].truth, what)(order))


def ids(orders: list[SimOrder]) -> set[str]:
    """Their ids."""
    return {order.id for order in orders}


def faced(
    venue: str,
    *faults: str,
    mode: str = "whole",
    account: str = "",
    absent: str = "",
    before: Callable[[FakeVenue, Account], object] = lambda fake, account: None,
    held: Sequence[str] | None = None,
    held_seconds: float = 0.0,
    **more: Any,
) -> Faced:
    """A kill that meets these faults. Whatever comes of it, nothing rests unseen behind an exit code of zero.

    `account` is the mode of an account of Bitget, `absent` how the segments begin that the account is said to lack;
    `before` changes the account first. `held` are the faults from the begin of the hold on, for `held_seconds` if that
    is not zero. An option that is None is left out.
    """
    options: Mapping[str, Any] = SELECTED[venue] if mode == "selector" else {}
    options = {**STORED.get(venue, {}), **options, **more.pop("options", {})}
    options = {name: value for name, value in options.items() if value is not None}
    settings: dict[str, Any] = {"orders": 30, "deadline": 20.0, **MODES[mode], **more}
    phases = ((0.0, faults), *(() if held is None else ((NEVER, tuple(held)),)))
    plan = Plan(seed=1, venue=venue, mode=account, options=options, faults=phases, **settings)
    worlds: list[World] = []

    class Remembered(World):
        def __init__(self, plan: Plan) -> None:
            super().__init__(plan)
            before(self.fake, self.owners[0].account)
            worlds.append(self)

        def holding(self, name: str, verdict: Verdict, seconds: float) -> None:
            super().holding(name, verdict, seconds)
            if held is not None:
                self.fake.set_faults(held)
                if held_seconds:
                    self.loop.call_later(held_seconds, self.fake.set_faults, faults)

    with patch.object(schedule, "World", Remembered):
        result = Faced(**vars(schedule.run(plan)))
    (result.of,) = worlds
    problems = [one for one in result.problems if not absent or f": {absent}" not in one]
    assert not problems, result.story(40)
    resting = ids([order for order in result.resting if not absent or not order.segment.startswith(absent)])
    if result.verdict is Verdict.CLEAR:
        assert not resting, result.story(40)
    if result.report.exit_status == 0:
        assert resting <= {row.order.id for row in result.report.orders}, result.story(40)
    return result


def cleared(result: Faced) -> Faced:
    """All orders are gone, and that is proven. A dry run shows all of them, and what may be to be kept is open."""
    left = (order for order in result.left if result.holds(order, "wanted"))
    unsure = result.plan.keep and any(result.holds(order, "unsure") for order in left)
    if result.plan.dry_run or (unsure and result.resting == ()):
        assert result.verdict is Verdict.OPEN, result.story(40)
    else:
        assert (result.verdict, result.resting) == (Verdict.CLEAR, ()), result.story(40)
    return result


@cache
def healthy(venue: str, mode: str = "whole") -> Faced:
    """The kill that meets no fault."""
    return cleared(faced(venue, mode=mode))
