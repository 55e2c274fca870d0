"""`--hold`: what reappears after the first verdict is cancelled, reported, and the end is proven anew."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.attempts import Attempt
from cancelall.core.model import Verdict
from cancelall.core.profile import Overrides
from cancelall.core.results import ProfileReport
from cancelall.engine import verdicts
from cancelall.engine.hold import LAST_PROOF, pace_of
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.run import Listener, Run
from cancelall.simulator import SimServer
from cancelall.venues.contract import Venue
from cancelall.venues.registry import load
from support import ROOT, cancelall, profile_table, write_config

VENUES: Mapping[str, Mapping[str, object]] = {
    "bybit": {},
    "bitget": {},
    "pacifica": {},
    "deltadefi": {},
}
SCALE = 0.1


@dataclass
class Held:
    """One hold in this process, on a fast clock. `then` is called when it begins."""

    server: SimServer
    seconds: float
    then: Callable[[Run], object] = lambda run: None
    told: list[tuple[str, Verdict, float]] = field(default_factory=list)
    sweeps: list[ProfileSweep] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def kill(self, venue: str, monkeypatch: pytest.MonkeyPatch, deadline: float = 4.0, **keys: object) -> ProfileReport:
        monkeypatch.setattr("cancelall.engine.run.load", lambda name: _hurried(load(name)))
        table = profile_table(venue, self.server, **{**VENUES[venue], **keys})
        document = Document(path=Path("config.toml"), data={"profiles": {venue: table}})
        profile = loader.profile(document, venue, {}, Overrides(deadline=deadline))
        run: Run

        def holding(name: str, verdict: Verdict, seconds: float) -> None:
            self.told.append((name, verdict, seconds))
            self.then(run)

        listener = Listener(
            holding=holding,
            sweeping=lambda name, sweep: self.sweeps.append(sweep),
            attempt=lambda name, attempt: self.attempts.append(attempt),
        )
        run = Run(
            profiles=[profile],
            environ={},
            started=time.monotonic(),
            scale=SCALE,
            listener=listener,
            hold=self.seconds,
        )
        (report,) = asyncio.run(run.all())
        return report


def _hurried(venue: Venue[Any, Any, Any]) -> Venue[Any, Any, Any]:
    return replace(
        venue, limits={name: replace(one, seconds=one.seconds * SCALE) for name, one in venue.limits.items()}
    )


@pytest.mark.alone
@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.faults
def test_what_a_bot_places_is_cancelled_each_time(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs for a part of the hold: every order goes, it is named, and the end is clear."""
    quirks = ["prompt"] if venue == "deltadefi" else []
    with simulator.start(venue, orders=8, limits=False, faults=quirks) as server:

        def bot(run: Run) -> None:
            server.set_faults([*quirks, "bot=0.25"])
            threading.Timer(1.5, server.set_faults, [quirks]).start()

        held = Held(server, seconds=2.5, then=bot)
        report = held.kill(venue, monkeypatch)
        left = server.open_orders()
    assert held.told == [(venue, Verdict.CLEAR, 2.5)]
    assert (report.verdict, report.exit_status, left) == (Verdict.CLEAR, 0, [])
    (warning,) = [one for one in report.warnings if "a bot is still running" in one]
    assert "during the sweep and the hold" in warning
    number, times = int(warning.split()[0]), int(warning.split(", ")[1].split()[0])
    assert number >= 4
    assert 2 <= times <= number
    assert report.timing.verdict is not None
    assert report.timing.verdict >= 2500


@pytest.mark.alone
@pytest.mark.parametrize("venue", ["bybit", "pacifica"])
def test_a_bot_that_goes_on_is_never_clear(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancelall.engine.hold.LAST_PROOF", 1.0)
    with simulator.start(venue, orders=4, limits=False) as server:
        held = Held(server, seconds=1.0, then=lambda run: server.set_faults(["bot=0.04"]))
        start = time.monotonic()
        report = held.kill(venue, monkeypatch)
        spent = time.monotonic() - start
        open_at_end = len(server.open_orders())
    assert report.verdict is not Verdict.CLEAR
    assert any("a bot is still running" in warning for warning in report.warnings)
    taken = sum(1 for row in report.orders if row.state.value in ("cancelled", "gone"))
    assert taken > 0
    assert open_at_end < taken + 25  # what appears after the last cancel stays
    assert spent < 4 + 1 + 1 + 2


@pytest.mark.alone
def test_the_proof_at_the_end_is_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens in the hold, and yet both empty listings are read again after it."""
    begun: list[float] = []
    with simulator.start("bybit", orders=4, limits=False) as server:
        held = Held(server, seconds=0.6, then=lambda run: begun.append(time.monotonic()))
        report = held.kill("bybit", monkeypatch, category=["spread"])
    first = held.sweeps[0].ledgers["spread"].proof.first
    assert report.verdict is Verdict.CLEAR
    assert first is not None
    assert first.ended >= begun[0] + 0.6


@pytest.mark.alone
def test_the_first_verdict_may_be_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue is away at first; while holding it comes back."""
    with simulator.start("bybit", orders=8, limits=False, faults=["stall"]) as server:
        held = Held(server, seconds=4.0, then=lambda run: server.set_faults([]))
        report = held.kill("bybit", monkeypatch, deadline=1.0, category=["spread"])
        left = [order for order in server.open_orders() if order.segment == "spread"]
    assert held.told[0][1] is Verdict.UNREACHABLE
    assert (report.verdict, left) == (Verdict.CLEAR, [])


@pytest.mark.alone
def test_what_breaks_while_holding_is_not_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancelall.engine.hold.LAST_PROOF", 1.0)
    with simulator.start("bybit", orders=8, limits=False) as server:
        held = Held(server, seconds=1.0, then=lambda run: server.set_faults(["listing-fails"]))
        report = held.kill("bybit", monkeypatch, category=["spread"])
    assert (held.told[0][1], report.verdict) == (Verdict.CLEAR, Verdict.UNPROVEN)


@pytest.mark.alone
def test_a_refused_key_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator.start("bybit", orders=8, limits=False, faults=["key"]) as server:
        held = Held(server, seconds=30.0)
        report = held.kill("bybit", monkeypatch, category=["spread"])
        before = len(server.requests)
    assert (report.verdict, held.told[0][1]) == (Verdict.REFUSED, Verdict.REFUSED)
    assert before < 10
    assert report.timing.verdict is not None
    assert report.timing.verdict < 10_000


@pytest.mark.alone
@pytest.mark.parametrize("venue", ["bybit", "pacifica"])
def test_a_signal_ends_it_with_the_last_verdict(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is being read in that moment: nothing has happened since the first one."""
    with simulator.start(venue, orders=4, limits=False, faults=["prompt"] if venue == "deltadefi" else []) as server:

        def later(run: Run) -> None:
            asyncio.get_running_loop().call_later(0.77, run.interrupt, "SIGINT")

        held = Held(server, seconds=30.0, then=later)
        report = held.kill(venue, monkeypatch)
    assert (report.verdict, report.error) == (Verdict.CLEAR, None)
    assert report.timing.verdict is not None
    assert report.timing.verdict < 10_000
    assert verdicts.exit_status([report]) == 0


@pytest.mark.alone
def test_a_signal_while_an_order_is_there_is_not_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator.start("bybit", orders=4, limits=False) as server:

        def later(run: Run) -> None:
            server.set_faults(["bot=0.05", "ack-only"])
            asyncio.get_running_loop().call_later(1.0, run.interrupt, "SIGINT")

        report = Held(server, seconds=30.0, then=later).kill("bybit", monkeypatch)
    assert report.verdict is Verdict.OPEN


@pytest.mark.alone
def test_the_pace_leaves_room_in_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the fast clock, Pacifica's hundred credits in a minute are a hundred in six seconds."""
    with simulator.start("pacifica", orders=0, limits=False) as server:
        held = Held(server, seconds=3.0)
        report = held.kill("pacifica", monkeypatch)
        mark = held.told[0]
    assert (mark[1], report.verdict) == (Verdict.CLEAR, Verdict.CLEAR)
    reads = len([attempt for attempt in held.attempts if not attempt.request.changes])
    assert pace_of(held.sweeps[0]) >= 2 * 3 * 6 / 125
    assert reads < 60  # 30 are half of what three seconds allow, besides those of two proofs


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.faults
def test_ten_seconds_against_a_bot_that_places_an_order_every_second(home: Path) -> None:
    """In real time, through the command line."""
    with simulator.start("bybit", orders=4, faults=["bot=1"]) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})
        began = time.monotonic()
        ran = cancelall("bybit", "--json", "--hold", "10", "--deadline", "3", "--config", str(path), home=home)
        spent = time.monotonic() - began
        left = len(server.open_orders())
    placed = [row for row in ran.line["orders"]]
    assert "holding for 10 s" in ran.err
    assert "nobody read" not in ran.err
    assert ran.code in (0, 10, 11)
    assert len(placed) >= 8
    assert sum(ran.line["counts"][state] for state in ("cancelled", "gone")) >= len(placed) - 3
    assert left <= 3
    (warning,) = [one for one in ran.line["warnings"] if "a bot is still running" in one]
    assert "time(s)" in warning
    assert 10 <= spent < 3 + 10 + LAST_PROOF + 4


@pytest.mark.alone
def test_ctrl_c_during_the_hold_keeps_the_verdict(home: Path) -> None:
    with simulator.start("bybit", orders=4) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server, category=["spread"])})
        process = subprocess.Popen(
            [sys.executable, "-m", "cancelall", "bybit", "--json", "--hold", "60", "--config", str(path)],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert any("holding for 60 s" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=15)
    line = json.loads(out)
    assert (process.returncode, line["verdict"], line["error"]) == (0, "clear", None)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("words", "said"),
    [(["--hold", "-1"], "--hold"), (["--hold", "nan"], "--hold"), (["--hold", "5", "--dry-run"], "contradicts")],
)
def test_bad_words(home: Path, words: list[str], said: str) -> None:
    ran = cancelall("bybit", *words, home=home)
    assert (ran.code, said in ran.err) == (2, True)
