"""CONTRIBUTING's page on a further venue, word for word: a venue that fires, lists and proves, and its exchange."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cancelall.venues
from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator import SimServer
from cancelall.venues import registry
from support import ROOT, kill, paths, swept

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`((?:simulator/)?toy/\w+\.py)`\n\n```python\n(.*?)```\n", PAGE, re.DOTALL))
START = Callable[..., SimServer]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[START]:
    """Starts the toy's exchange; it and the venue are as the page has them, each in the list of its kind."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(cancelall.venues, "__path__", [*cancelall.venues.__path__, str(tmp_path)])
    monkeypatch.setattr(simulator, "__path__", [*simulator.__path__, str(tmp_path / "simulator")])
    monkeypatch.setitem(registry.VENUES, "toy", "Toy")
    monkeypatch.setitem(simulator.VENUES, "toy", "cancelall.simulator.toy")  # type: ignore[arg-type]
    servers = []

    def started(*faults: str) -> SimServer:
        # The kill's waits are scaled down, so that it comes faster than the limits allow.
        servers.append(simulator.start("toy", orders=12, faults=faults, limits=False))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()
    for module in [name for name in sys.modules if re.match(r"cancelall\.(venues|simulator)\.toy", name)]:
        del sys.modules[module]


def test_the_page_has_a_small_venue_and_a_small_exchange() -> None:
    venue = {name: text for name, text in FILES.items() if name.startswith("toy/")}
    exchange = {name: text for name, text in FILES.items() if name not in venue}
    assert [name.rpartition("/")[2] for name in venue] == ["__init__.py", "options.py", "api.py", "venue.py"]
    assert [name.rpartition("/")[2] for name in exchange] == ["__init__.py", "state.py", "venue.py"]
    for files, most in ((venue, 60), (exchange, 75)):
        assert len([line for text in files.values() for line in text.splitlines() if line.strip()]) <= most


# Every fault of the shared parts works on the toy, and no line of the toy's speaks of one.
@pytest.mark.parametrize(
    "faults", [(), ("latency=0.05",), ("error-500=1@2",), ("lag=0.2",), ("late-cancel=0.2",), ("partial",)]
)
@pytest.mark.turns(0)
def test_it_fires_lists_cancels_survivors_by_name_and_proves(start: START, faults: tuple[str, ...]) -> None:
    server = start(*faults)
    stops = {f"POST /cancel/{order.id}" for order in server.open_orders() if order.kind == "stop"}
    report = kill("toy", server)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert "POST /cancel-all" in paths(server)[:2]  # it is sent first, and need not arrive first
    assert stops <= set(paths(server))
    assert len(stops) == 4
    assert paths(server)[-1] == "GET /orders"
    assert all(server.fake.strikes(fault.partition("=")[0]) for fault in faults)


@pytest.mark.parametrize(("fault", "verdict"), [("ack-only", Verdict.OPEN), ("listing-fails", Verdict.UNPROVEN)])
def test_it_claims_nothing_that_is_not_so(start: START, fault: str, verdict: Verdict) -> None:
    assert kill("toy", start(fault), deadline=1.5).verdict is verdict


def test_it_lists_without_cancelling(start: START) -> None:
    server = start()
    report = kill("toy", server, dry_run=True)
    assert (report.verdict, len(report.orders)) == (Verdict.OPEN, 12)
    assert {request.method for request in server.requests} == {"GET"}


def test_a_key_that_is_refused_proves_nothing(start: START) -> None:
    server = start()
    table = {"venue": "toy", "base_url": server.origin, "credentials": {"api_key": "another"}}
    (report,) = swept({"toy": table}, deadline=1.5)
    assert report.verdict is Verdict.REFUSED
    assert len(server.open_orders()) == 12
