"""Whole kills under virtual time (see tests/soak): thirty seconds take a tenth of one.

What must hold of every kill is checked in each of them beside what a test asks for: no false `clear`, nothing touched
that is out of scope or to be kept, no secret shown, an end within the deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.simulator import Account, FakeVenue, SimOrder
from kills.truth import MODES, SELECTED, STORED
from soak import schedule
from soak.plans import Plan
from soak.schedule import Result, World


@dataclass
class Faced(Result):
    """How a kill ended, and the world in which it did."""

    world: World | None = None

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
        """What was found out about each segment."""
        return {segment.name: segment.verdict.value for segment in self.report.segments}

    @property
    def stock(self) -> list[SimOrder]:
        """The orders of the account before the kill."""
        assert self.world is not None
        return list(self.world.owners[0].stock)

    @property
    def left(self) -> list[SimOrder]:
        """The orders of the account after it, whether in scope or not."""
        assert self.world is not None
        return list(self.world.owners[0].account.book.open())

    @property
    def paths(self) -> list[str]:
        """What was asked for, in the order in which it left."""
        return [f"{sent.request.method} {sent.request.path}" for sent in self.log]

    @property
    def said(self) -> str:
        """The words of the report's error and their hint."""
        assert self.report.error is not None
        return f"{self.report.error.message} ({self.report.error.hint})"

    def ended(self, *states: str) -> set[str]:
        """The ids of the orders that the report says have ended so."""
        return {row.order.id for row in self.report.orders if row.state.value in states}

    def holds(self, order: SimOrder, what: str) -> bool:
        """Whether an order is `in_scope` or `protective`, by words that are not the client's."""
        assert self.world is not None
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
    **more: Any,
) -> Faced:
    """A kill that meets these faults. Whatever comes of it, nothing rests unseen behind an exit code of zero.

    `account` is the mode of an account of Bitget, `absent` how the segments begin that the account is said to lack;
    `before` changes the account first. An option that is None is left out.
    """
    options: Mapping[str, Any] = SELECTED[venue] if mode == "selector" else {}
    options = {**STORED.get(venue, {}), **options, **more.pop("options", {})}
    options = {name: value for name, value in options.items() if value is not None}
    settings: dict[str, Any] = {"orders": 30, "deadline": 20.0, **MODES[mode], **more}
    plan = Plan(seed=1, venue=venue, mode=account, options=options, faults=((0.0, faults),), **settings)
    worlds: list[World] = []

    class Remembered(World):
        def __init__(self, plan: Plan) -> None:
            super().__init__(plan)
            before(self.fake, self.owners[0].account)
            worlds.append(self)

    with patch.object(schedule, "World", Remembered):
        result = Faced(**vars(schedule.run(plan)), world=None)
    (result.world,) = worlds
    problems = [one for one in result.problems if not absent or f": {absent}" not in one]
    assert not problems, result.told(40)
    resting = ids([order for order in result.resting if not absent or not order.segment.startswith(absent)])
    if result.verdict is Verdict.CLEAR:
        assert not resting, result.told(40)
    if result.report.exit_status == 0:
        assert resting <= {row.order.id for row in result.report.orders}, result.told(40)
    return result


def cleared(result: Faced) -> Faced:
    """All orders are gone, and that is proven. A dry run shows all of them."""
    if result.plan.dry_run:
        assert result.verdict is Verdict.OPEN, result.told(40)
    else:
        assert (result.verdict, result.resting) == (Verdict.CLEAR, ()), result.told(40)
    return result


@cache
def healthy(venue: str, mode: str = "whole") -> Faced:
    """The kill that meets no fault."""
    return cleared(faced(venue, mode=mode))
