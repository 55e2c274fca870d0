"""Interrupted: no cancel any more, one last look, and nothing that outlasts the deadline, whatever does not stop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Listing, Reply, SignedRequest, Verdict
from cancelall.core.results import ProfileReport
from cancelall.credentials import chain
from cancelall.engine import run as running
from cancelall.engine.run import LAST_LOOK_SECONDS, Listener, Run
from cancelall.venues.registry import VENUES
from kills.virtual import faced
from soak.virtual import START, VirtualClock, VirtualLoop, Weather
from support import a_run, profile_table


@pytest.mark.parametrize("venue", VENUES)
def test_after_an_interruption_orders_are_read_and_not_cancelled(venue: str) -> None:
    """That no cancel leaves any more is held of each kill under virtual time; see `soak.schedule`."""
    result = faced(venue, "ack-only", orders=12, interrupted=0.8, weather=Weather(latency=0.1))
    later = [sent for sent in result.log if sent.at >= START + 0.8]
    assert later
    assert not any(sent.kind.changes for sent in later)
    assert result.error.kind == "interrupted"
    assert (result.verdict, result.verdict.exit_status) == (Verdict.OPEN, 10)
    assert {order.id for order in result.left} & result.ended("open", "failed")


def test_the_last_look_is_bounded() -> None:
    result = faced("bybit", "stall:listing", orders=12, interrupted=0.1)
    assert result.seconds <= 0.1 + LAST_LOOK_SECONDS + 0.01


def test_a_profile_that_has_ended_keeps_its_verdict() -> None:
    """Of two, one is done and the other does not answer."""
    with (
        simulator.start("bybit", orders=3, limits=False) as good,
        simulator.start("bitget", orders=3, faults=["stall"]) as bad,
    ):

        def finished(report: ProfileReport) -> None:
            run.interrupt("SIGTERM")

        tables = {"bybit": profile_table("bybit", good), "bitget": profile_table("bitget", bad)}
        run = a_run(tables, listener=Listener(finished=finished))
        first, second = asyncio.run(run.all())
    assert (first.verdict, first.error) == (Verdict.CLEAR, None)
    assert second.error is not None
    assert second.error.message.startswith("stopped by SIGTERM: ")
    assert second.verdict is not Verdict.CLEAR


def test_nothing_is_sent_for_a_profile_whose_secrets_are_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, stopped = threading.Event(), threading.Event()

    def resolve(*words: Any) -> Any:
        reading.set()
        assert stopped.wait(30)
        return chain.resolve(*words)

    async def interrupted() -> list[ProfileReport]:
        ending = asyncio.ensure_future(run.all())
        await asyncio.to_thread(reading.wait, 30)
        run.interrupt("SIGINT")
        stopped.set()
        return await ending

    monkeypatch.setattr("cancelall.engine.run.resolve", resolve)
    with simulator.start("bybit", orders=3) as server:
        run = a_run({"bybit": profile_table("bybit", server)})
        (report,) = asyncio.run(interrupted())
        assert server.requests == []
    assert report.verdict is Verdict.UNPROVEN
    assert report.error is not None
    assert (report.error.kind, report.error.message) == ("interrupted", "stopped by SIGINT before anything was sent")


# --- what does not stop ---------------------------------------------------------------------------------------------

Sending = Callable[[SignedRequest, float, Callable[[], None]], Awaitable[Reply]]


class Stubborn:
    """A kill under virtual time whose way to the venue does not stop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, send: Sending, deadline: float) -> None:
        async def inline(work: Callable[[], Any], name: str = "") -> Any:
            return work()

        monkeypatch.setattr(running, "in_thread", inline)
        self.loop = VirtualLoop()
        account = next(iter(simulator.create("bybit", orders=1).accounts.values()))
        table = {"venue": "bybit", "credentials": dict(account.credentials)}
        clock = VirtualClock(loop=self.loop)
        more: dict[str, Any] = {"started": START, "clock": clock, "connect": lambda profile: send, "deadline": deadline}
        self.run: Run = a_run({"bybit": table}, **more)

    def interrupt(self, seconds: float) -> None:
        """Interrupt it after so many seconds."""
        self.loop.call_later(seconds, self.run.interrupt, "SIGINT")

    def all(self) -> tuple[ProfileReport, float]:
        """Its report, and the seconds that it took."""

        async def timed() -> tuple[ProfileReport, float]:
            (report,) = await self.run.all()
            return report, self.loop.time() - START

        return self.loop.finish(timed())


def test_a_cancellation_that_gets_lost_does_not_keep_the_run_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every send answers instead of stopping, as `asyncio.wait_for` did when both came in the same moment."""
    cancels: list[float] = []

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        sent()
        if signed.request.method == "POST":
            cancels.append(kill.loop.time())
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return Reply(status=200, headers={}, body=b"{}")
        raise AssertionError

    kill = Stubborn(monkeypatch, send, deadline=1.0)
    kill.interrupt(0.2)
    report, seconds = kill.all()
    assert seconds <= 1.0
    assert report.verdict is not Verdict.CLEAR
    assert cancels
    assert max(cancels) < START + 0.2


@pytest.mark.parametrize("ended_by", ["the deadline", "an interruption"])
def test_a_round_that_swallows_its_cancellation_is_the_last(ended_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def swallowing(*words: object, **named: object) -> Listing:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.02)
        return Listing(began=0.0, ended=0.0, orders=(), complete=False, why="a test")

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        sent()
        return Reply(status=200, headers={}, body=b"{}")

    monkeypatch.setattr("cancelall.engine.sweep.read_listing", swallowing)
    monkeypatch.setattr("cancelall.engine.sweep.SegmentSweep._rest", swallowing)
    kill = Stubborn(monkeypatch, send, deadline=0.6 if ended_by == "the deadline" else 20.0)
    if ended_by == "an interruption":
        kill.interrupt(0.1)
    report, seconds = kill.all()
    assert seconds <= (0.65 if ended_by == "the deadline" else 0.1 + LAST_LOOK_SECONDS)
    assert report.verdict is not Verdict.CLEAR


def test_work_that_does_not_stop_at_all_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is there in time all the same."""

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        end = kill.loop.time() + 4
        while kill.loop.time() < end:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)
        return Reply(status=200, headers={}, body=b"{}")

    kill = Stubborn(monkeypatch, send, deadline=0.3)
    _, seconds = kill.all()
    assert seconds < 2.0
