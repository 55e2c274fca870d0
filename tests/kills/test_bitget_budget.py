"""What a kill of a full classic account on Bitget costs: requests, and virtual seconds under the documented limits."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from fleet import Fleet, Host

ORDERS = 45
"""Twenty of them plan orders, of every type, in every product."""
SECONDS, REQUESTS = 2.5, 100
PLAN = "/api/v2/mix/order/cancel-plan-order"


@dataclass(frozen=True, kw_only=True)
class Killed:
    """How a kill went, and where."""

    report: ProfileReport
    host: Host

    @property
    def seconds(self) -> float:
        """From the first cancel to the verdict."""
        timing = self.report.timing
        assert timing.first_request is not None
        assert timing.verdict is not None
        return (timing.verdict - timing.first_request) / 1000

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was posted there."""
        return [json.loads(sent.request.body) for sent in self.host.log if sent.request.path == path]


@pytest.fixture(params=[0.0, 0.02, 0.08], ids=["next door", "20 ms", "80 ms"])
def killed(request: pytest.FixtureRequest) -> Killed:
    """A kill of everything, so many seconds of a round trip away from the venue."""
    fleet = Fleet("bitget", latency=request.param)
    host = fleet.host("http://127.0.0.1:1", 1, orders=ORDERS)
    (report,) = fleet.kill()
    return Killed(report=report, host=host)


def test_it_is_clear_within_every_documented_limit(killed: Killed) -> None:
    assert (killed.report.verdict, killed.host.fake.open_orders()) == (Verdict.CLEAR, [])
    assert killed.report.requests == len(killed.host.log)
    assert 429 not in {sent.status for sent in killed.host.log}


def test_plan_orders_go_by_type_in_two_seconds_of_their_limit(killed: Killed) -> None:
    """Each type of each product once, none of them by name, and none once more as a witness."""
    sent = killed.bodies(PLAN)
    assert Counter(map(str, sent)).most_common(1)[0][1] == 1
    assert all(body.keys() == {"productType", "planType"} for body in sent)
    assert len(sent) <= 20


def test_spot_orders_go_in_batches(killed: Killed) -> None:
    paths = Counter(sent.request.path for sent in killed.host.log if sent.kind.changes)
    assert paths["/api/v2/spot/trade/batch-cancel-order"] == 1
    assert paths["/api/v2/spot/trade/cancel-symbol-order"] == 0


def test_what_it_costs_altogether(killed: Killed) -> None:
    assert killed.seconds <= SECONDS
    assert killed.report.requests <= REQUESTS
