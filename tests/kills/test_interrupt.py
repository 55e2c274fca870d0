"""Told to stop: no cancel any more, one last look, and nothing that outlasts the deadline, whatever does not stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.attempts import Attempt
from cancelall.core.model import Listing, Reply, SignedRequest, Verdict
from cancelall.core.profile import Overrides
from cancelall.core.results import ProfileReport
from cancelall.credentials import chain
from cancelall.engine.run import LAST_LOOK_SECONDS, Listener, Run
from cancelall.venues.registry import VENUES
from support import profile_table

pytestmark = pytest.mark.alone

SLACK = 2.0
"""Seconds that a busy machine may take on top."""


def a_run(tables: Mapping[str, Mapping[str, object]], deadline: float, **more: object) -> Run:
    document = Document(path=Path("config.toml"), data={"profiles": tables})
    profiles = [loader.profile(document, name, {}, Overrides(deadline=deadline)) for name in tables]
    return Run(profiles=profiles, environ={}, started=time.monotonic(), scale=0.1, **more)  # type: ignore[arg-type]


def interrupted(venue: str, server: simulator.SimServer, at: Callable[[Attempt], bool]) -> tuple[Run, list[Attempt]]:
    """A kill that is interrupted after the first attempt of that kind, and every attempt since."""
    later: list[Attempt] = []

    def heard(profile: str, attempt: Attempt) -> None:
        if run.interrupted.is_set() and attempt.began > stopped[0]:
            later.append(attempt)
        elif not run.interrupted.is_set() and at(attempt):
            stopped.append(time.monotonic())
            run.interrupt("SIGINT")

    stopped: list[float] = []
    run = a_run({venue: profile_table(venue, server)}, 20, listener=Listener(attempt=heard))
    return run, later


@pytest.mark.parametrize("venue", VENUES)
def test_after_an_interruption_orders_are_read_and_not_cancelled(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancelall.engine.run.LAST_LOOK_SECONDS", 10.0)  # a busy machine may take more than one
    with simulator.start(venue, orders=12, faults=["ack-only"], limits=False) as server:
        run, later = interrupted(
            venue, server, lambda attempt: attempt.request.changes and attempt.judgement is not None
        )
        (report,) = asyncio.run(run.all())
        left = {order.id for order in server.open_orders()}
    assert later
    assert not any(attempt.request.changes for attempt in later)
    assert report.error is not None
    assert report.error.kind == "interrupted"
    assert (report.verdict, report.verdict.exit_status) == (Verdict.OPEN, 10)
    assert left & {row.order.id for row in report.orders if row.state.value in ("open", "failed")}


def test_the_last_look_is_bounded() -> None:
    with simulator.start("bybit", orders=12, faults=["stall:listing"], limits=False) as server:
        run, _ = interrupted("bybit", server, lambda attempt: attempt.request.changes)
        asyncio.run(run.all())
        assert time.monotonic() - run.started < LAST_LOOK_SECONDS + SLACK


def test_a_profile_that_has_ended_keeps_its_verdict() -> None:
    """Of two, one is done and the other does not answer."""
    with (
        simulator.start("bybit", orders=3, limits=False) as good,
        simulator.start("bitget", orders=3, faults=["stall"]) as bad,
    ):

        def finished(report: ProfileReport) -> None:
            run.interrupt("SIGTERM")

        tables = {"bybit": profile_table("bybit", good), "bitget": profile_table("bitget", bad)}
        run = a_run(tables, 20, listener=Listener(finished=finished))
        first, second = asyncio.run(run.all())
    assert (first.verdict, first.error) == (Verdict.CLEAR, None)
    assert second.error is not None
    assert second.error.message == "stopped by SIGTERM"
    assert second.verdict is not Verdict.CLEAR


def test_nothing_is_sent_for_a_profile_whose_secrets_are_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator.start("bybit", orders=3) as server:

        async def stopped() -> list[ProfileReport]:
            asyncio.get_running_loop().call_later(0.05, run.interrupt, "SIGINT")
            return await run.all()

        real = chain.resolve
        monkeypatch.setattr("cancelall.engine.run.resolve", lambda *words: (time.sleep(0.3), real(*words))[1])
        run = a_run({"bybit": profile_table("bybit", server)}, 20)
        (report,) = asyncio.run(stopped())
        assert server.requests == []
    assert report.verdict is Verdict.UNPROVEN
    assert report.error is not None
    assert (report.error.kind, report.error.message) == ("interrupted", "stopped by SIGINT before anything was sent")


# --- what does not stop ---------------------------------------------------------------------------------------------


def test_a_cancellation_that_gets_lost_does_not_keep_the_run_alive() -> None:
    """Every send answers instead of stopping, as `asyncio.wait_for` did when both came in the same moment."""
    cancels: list[float] = []

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        sent()
        if signed.request.method == "POST":
            cancels.append(time.monotonic() - run.started)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return Reply(status=200, headers={}, body=b"{}")
        raise AssertionError

    stopped_at: list[float] = []

    def stop() -> None:
        stopped_at.append(time.monotonic() - run.started)
        run.interrupt("SIGINT")

    async def stopped() -> list[ProfileReport]:
        asyncio.get_running_loop().call_later(0.2, stop)
        return await run.all()

    with simulator.start("bybit", orders=1) as server:
        run = a_run({"bybit": profile_table("bybit", server)}, 1.0, connect=lambda profile: send)
        (report,) = asyncio.run(stopped())
    assert time.monotonic() - run.started < 1.0 + SLACK
    assert report.verdict is not Verdict.CLEAR
    assert 1 <= len([at for at in cancels if at < stopped_at[0]]) == len(cancels)


@pytest.mark.parametrize("ended_by", ["the deadline", "an interruption"])
def test_a_round_that_swallows_its_cancellation_is_the_last(ended_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def swallowing(*words: object, **named: object) -> Listing:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.02)
        return Listing(began=0.0, ended=0.0, orders=(), complete=False, why="a test")

    async def ended() -> list[ProfileReport]:
        if ended_by == "an interruption":
            asyncio.get_running_loop().call_later(0.1, run.interrupt, "SIGINT")
        return await run.all()

    monkeypatch.setattr("cancelall.engine.sweep.read_listing", swallowing)
    monkeypatch.setattr("cancelall.engine.sweep.SegmentSweep._rest", swallowing)
    with simulator.start("bybit", orders=1, limits=False) as server:
        run = a_run({"bybit": profile_table("bybit", server)}, 0.6 if ended_by == "the deadline" else 20)
        (report,) = asyncio.run(ended())
    assert time.monotonic() - run.started < 0.6 + SLACK
    assert report.verdict is not Verdict.CLEAR


def test_work_that_does_not_stop_at_all_is_left_behind() -> None:
    """The verdict is there in time all the same."""
    at: list[float] = []

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return Reply(status=200, headers={}, body=b"{}")

    async def timed(run: Run) -> None:
        await run.all()
        at.append(time.monotonic() - run.started)

    with simulator.start("bybit", orders=1) as server:
        asyncio.run(timed(a_run({"bybit": profile_table("bybit", server)}, 0.3, connect=lambda profile: send)))
    assert at[0] < 0.3 + SLACK
