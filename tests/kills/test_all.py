"""`cancelall all`: every venue at once, each at its own speed, one decision."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import ports
from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Listener
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES
from support import a_run, cancelall, environment, profile_table, swept, write_config


@pytest.fixture
def servers() -> Iterator[dict[str, SimServer]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(simulator.start(name, orders=15)) for name in VENUES}


@pytest.mark.alone("compares the seconds of two kills")
@pytest.mark.faults
def test_five_venues_and_one_of_them_a_blackhole(servers: dict[str, SimServer], home: Path) -> None:
    dead = "bybit"
    tables = {name: profile_table(name, server) for name, server in servers.items()}
    alone = swept({name: table for name, table in tables.items() if name != dead}, scale=1.0, deadline=15)
    slowest = max(report.timing.verdict or 0 for report in alone)
    assert {report.verdict for report in alone} == {Verdict.CLEAR}
    with contextlib.ExitStack() as stack:
        again = {name: stack.enter_context(simulator.start(name, orders=15)) for name in VENUES}
        tables = {name: profile_table(name, server) for name, server in again.items()}
        tables[dead]["base_url"] = f"http://127.0.0.1:{stack.enter_context(ports.nowhere())}"
        path = write_config(home / "config.toml", tables)
        ran = cancelall("all", "--json", "--deadline", "9", "--config", str(path), home=home)
    lines = {line["profile"]: line for line in ran.lines}
    assert ran.code == 12
    assert lines.pop(dead)["verdict"] == "unreachable"
    assert {line["verdict"] for line in lines.values()} == {"clear"}
    for line in lines.values():
        started = line["timing_ms"]["first_request"]
        assert (
            line["timing_ms"]["verdict"] - started < slowest + 2500
        )  # 300 ms on a quiet machine; the dead one takes 9 s
    assert ran.lines[-1]["profile"] == dead  # printed as each finishes


@pytest.mark.parametrize(
    "fault",
    [
        "stall",
        "key",
        *(pytest.param(one, marks=pytest.mark.faults) for one in ("html", "drip-body", "reset-after", "giant")),
    ],
)
def test_one_bad_venue_changes_nothing_for_the_others(servers: dict[str, SimServer], fault: str) -> None:
    bad = "deltadefi"
    servers[bad].set_faults([fault])
    others = set(servers) - {bad}

    def finished(report: ProfileReport) -> None:
        others.discard(report.profile)
        if not others:
            run.interrupt("SIGINT")

    run = a_run(
        {name: profile_table(name, server) for name, server in servers.items()}, listener=Listener(finished=finished)
    )
    verdicts = {report.profile: report.verdict for report in asyncio.run(run.all())}
    assert verdicts.pop(bad) is not Verdict.CLEAR
    assert verdicts == dict.fromkeys(verdicts, Verdict.CLEAR)
    assert [name for name in verdicts if servers[name].open_orders()] == []


@pytest.mark.faults
def test_all_without_a_config_takes_the_venues_whose_secrets_are_there(
    servers: dict[str, SimServer], home: Path
) -> None:
    two = ("bybit", "deltadefi")
    env = {key: value for name in two for key, value in environment(name, servers[name]).items()}
    ran = cancelall("all", "--json", home=home, env=env)
    assert (ran.code, sorted(line["profile"] for line in ran.lines)) == (0, sorted(two))


@pytest.mark.faults
def test_the_summary_is_last(servers: dict[str, SimServer], home: Path) -> None:
    servers["bybit"].set_faults(["key"])
    path = write_config(home / "config.toml", {name: profile_table(name, server) for name, server in servers.items()})
    ran = cancelall("all", "--config", str(path), home=home, env={"COLUMNS": "100"})
    assert ran.code == 4
    tail = ran.out[ran.out.index("summary") :]
    for name in VENUES:
        assert name in tail
    assert [line.split()[2] for line in tail.splitlines() if line.split()[:1] and line.split()[0] in VENUES] == [
        *["clear"] * (len(VENUES) - 1),
        "refused",
    ]
    assert ran.out.splitlines()[-1].startswith(f" NOT CLEAR  1 of {len(VENUES)}: bybit refused · ")
    assert f"next: to see why: cancelall check bybit --config {path}" in ran.out.splitlines()[-1]


@pytest.mark.faults
def test_the_demo_shows_every_venue(home: Path) -> None:
    ran = cancelall("demo", "--json", "--orders", "12", home=home)
    assert ran.code == 0
    assert {line["venue"]: line["verdict"] for line in ran.lines} == dict.fromkeys(VENUES, "clear")
    assert {line["environment"] for line in ran.lines} == {"demo"}


def test_finished_kills_leave_nothing_open(servers: dict[str, SimServer]) -> None:
    """A process may fire often: connections are closed with their run, and no run's garbage is kept for ever."""
    tables = {name: profile_table(name, servers[name]) for name in ("bybit", "ascendex")}
    swept(tables)  # loads what stays open
    before, frozen = ports.descriptors(), gc.get_freeze_count()
    for _ in range(3):
        swept(tables)
    ports.until(lambda: ports.descriptors() <= before)
    assert gc.get_freeze_count() <= frozen  # what the tests have frozen may end
