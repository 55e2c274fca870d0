"""What a kill of a full classic account on Bitget costs: requests, and virtual seconds under the documented limits."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.model import Verdict
from cancelall.core.profile import Overrides
from cancelall.core.results import ProfileReport
from cancelall.engine import run
from cancelall.engine.run import Run
from soak.virtual import Network, Sent, VirtualClock, VirtualLoop, Weather, true_ms

ORDERS = 45
"""Twenty of them plan orders, of every type, in every product."""
SECONDS, REQUESTS = 2.5, 100
PLAN = "/api/v2/mix/order/cancel-plan-order"


class _Steady(random.Random):
    """Every way takes as long as the weather allows."""

    def random(self) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Killed:
    """How a kill went, and what it sent."""

    report: ProfileReport
    log: list[Sent]
    left: int

    @property
    def seconds(self) -> float:
        """From the first cancel to the verdict."""
        timing = self.report.timing
        assert timing.first_request is not None
        assert timing.verdict is not None
        return (timing.verdict - timing.first_request) / 1000

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was posted there."""
        return [json.loads(sent.request.body) for sent in self.log if sent.request.path == path]


@pytest.fixture(params=[0.0, 0.02, 0.08], ids=["next door", "20 ms", "80 ms"])
def killed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Killed:
    """A kill of everything, so many seconds of a round trip away from the venue."""
    loop = VirtualLoop()
    fake = simulator.create("bitget", orders=ORDERS, seed=1, now_ms=lambda: true_ms(loop))
    account = next(iter(fake.accounts.values()))
    steps = iter(range(1 << 30))
    network = Network(loop, fake, Weather(latency=request.param), _Steady(), lambda: next(steps))
    table = {"venue": "bitget", "credentials": dict(account.credentials)}
    document = Document(path=Path("config.toml"), data={"profiles": {"bitget": table}})

    async def inline(work: Any, name: str = "") -> Any:
        return work()

    monkeypatch.setattr(run, "in_thread", inline)
    kill = Run(
        profiles=[loader.profile(document, "bitget", {}, Overrides(deadline=30.0))],
        environ={},
        started=loop.time(),
        clock=VirtualClock(loop=loop),
        connect=lambda profile: network.send,
    )
    (report,) = loop.finish(kill.all())
    return Killed(report=report, log=network.log, left=len(list(account.book.open())))


def test_it_is_clear_within_every_documented_limit(killed: Killed) -> None:
    assert (killed.report.verdict, killed.left) == (Verdict.CLEAR, 0)
    assert killed.report.requests == len(killed.log)
    assert 429 not in {sent.status for sent in killed.log}


def test_plan_orders_go_by_type_in_two_seconds_of_their_limit(killed: Killed) -> None:
    """Each type of each product once, none of them by name, and none once more as a witness."""
    sent = killed.bodies(PLAN)
    assert Counter(map(str, sent)).most_common(1)[0][1] == 1
    assert all(body.keys() == {"productType", "planType"} for body in sent)
    assert len(sent) <= 20


def test_spot_orders_go_in_batches(killed: Killed) -> None:
    paths = Counter(sent.request.path for sent in killed.log if sent.kind.changes)
    assert paths["/api/v2/spot/trade/batch-cancel-order"] == 1
    assert paths["/api/v2/spot/trade/cancel-symbol-order"] == 0


def test_what_it_costs_altogether(killed: Killed) -> None:
    assert killed.seconds <= SECONDS
    assert killed.report.requests <= REQUESTS
