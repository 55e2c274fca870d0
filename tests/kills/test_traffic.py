"""What a kill of a whole account sends at each venue, and how long it takes next to what it is forced to."""

from __future__ import annotations

import pytest

import figures
import forced
import traffic
from cancelall.core.model import Request
from cancelall.venues.contract import Limit
from cancelall.venues.registry import VENUES

OVER = 1.1
"""Times what is forced, at most: there is no time for connections and computing in it."""


@pytest.mark.parametrize("venue", VENUES)
def test_the_documents_show_how_many_requests_a_kill_takes(venue: str) -> None:
    assert figures.read()[venue].requests == traffic.counted(venue), "run: make docs"


@pytest.mark.parametrize("venue", VENUES)
def test_a_kill_loses_no_time(venue: str) -> None:
    """However long its pauses are: none of them stands between the last cancel and the proof."""
    least = forced.seconds(venue, traffic.ORDERS, traffic.RTT, connecting=0)
    assert least <= traffic.of(venue, traffic.ORDERS).seconds + 0.01, "nothing can be faster than what is forced"
    assert traffic.of(venue, traffic.ORDERS).seconds <= OVER * least


def requests(bucket: str, count: int, cost: int = 1) -> list[Request]:
    return [Request(method="GET", path=f"/{number}", bucket=bucket, cost=cost) for number in range(count)]


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (requests("window", 1), 0.0),
        (requests("window", 10), 0.0),
        (requests("window", 11), 2.0),
        (requests("window", 21), 4.0),
        (requests("window", 3, cost=4), 2.0),
        (requests("window:BTC", 10) + requests("window:ETH", 10), 0.0),
        (requests("window:BTC", 11) + requests("window:ETH", 1), 2.0),
        (requests("counter", 7), 0.0),
        (requests("counter", 9), 4.0),
        (requests("counter", 9) + requests("window", 41), 8.0),
        (requests("unlimited", 1000), 0.0),
        ([], 0.0),
    ],
)
def test_the_time_that_limits_force(sent: list[Request], seconds: float) -> None:
    limits = {"window": Limit(count=10, seconds=2.0), "counter": Limit(count=7, seconds=14.0, falls=True)}
    assert forced.wait(sent, limits) == seconds
    assert forced.wait(sent, limits, times=2) == forced.wait(sent + sent, limits)
