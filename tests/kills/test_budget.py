"""How many requests a kill takes: none before its first cancel, and for an empty account no more than these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Reply, Verdict, Wire
from cancelall.engine import run
from cancelall.engine.client import Send
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES, load, schema
from support import kill, profile_table, swept

pytestmark = pytest.mark.alone

EMPTY = {"bybit": 60, "bitget": 92, "ascendex": 20, "pacifica": 18, "deltadefi": 39}
"""Three or four more than the 56, 88, 17, 15 and 35 of a quiet machine.

Requests of a kill of a whole account without an order: cancels, two listings of each segment, discovery reads,
witnesses, and what the venue tells of orders that have ended."""


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """What is sent, in the order in which it leaves; it may arrive in another one."""
    found: list[Wire] = []
    real = run.over_the_network

    def over_the_network(*words: Any, **more: Any) -> Send:
        send = real(*words, **more)

        async def noting(wire: Wire, until: float, sent: Callable[[], None]) -> Reply:
            found.append(wire)
            return await send(wire, until, sent)

        return noting

    monkeypatch.setattr(run, "over_the_network", over_the_network)
    return found


def _blind(venue: str, server: SimServer) -> int:
    """How many requests cancel without naming an order, with what the profile of this account knows."""
    about = load(venue)
    segments = about.segments(schema(venue).options(**server.account_options), about.facts, "live")
    return sum(len(segment.mass_cancels(())) for segment in segments)


@pytest.mark.parametrize("venue", VENUES)
def test_an_empty_account(venue: str) -> None:
    with simulator.start(venue, orders=0) as server:
        report = kill(venue, server, deadline=20)
        requests = server.requests
    assert (report.verdict, report.requests) == (Verdict.CLEAR, len(requests))
    assert len(requests) <= EMPTY[venue]


@pytest.mark.parametrize("venue", VENUES)
def test_no_read_goes_before_the_first_cancel_and_all_blind_ones_go(venue: str, leaving: list[Wire]) -> None:
    with simulator.start(venue, orders=0) as server:
        blind = _blind(venue, server)
        kill(venue, server, deadline=20)
    assert blind > 0
    assert leaving[0].fresh_connection  # which is what a cancel gets
    assert sum(wire.fresh_connection for wire in leaving) >= blind


def test_an_account_group_that_is_not_stored_is_read_first(leaving: list[Wire]) -> None:
    with simulator.start("ascendex", orders=0) as server:
        table = profile_table("ascendex", server)
        del table["account_group"]
        (report,) = swept({"ascendex": table}, deadline=20)
    assert report.verdict is Verdict.CLEAR
    assert [wire.fresh_connection for wire in leaving].index(True) == 1
