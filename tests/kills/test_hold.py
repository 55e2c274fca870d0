"""`--hold`: what reappears after the first verdict is cancelled, reported, and the end is proven anew."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.engine import hold
from cancelall.engine.hold import LAST_PROOF, forced_by, pace_of
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.verdicts import exit_status
from cancelall.simulator import Kind
from cancelall.venues.contract import Limit
from cancelall.venues.registry import load
from kills.truth import TRUTHS
from kills.virtual import Faced, cleared, faced
from soak.plans import Bot, Plan
from soak.schedule import run
from soak.virtual import START, Weather
from support import cancelall, profile_table, surroundings, write_config

SPREAD = {"category": ["spread"]}


def running(result: Faced) -> str:
    """The warning that a bot goes on placing orders."""
    (warning,) = [one for one in result.report.warnings if "a bot is still running" in one]
    return warning


@pytest.mark.parametrize("venue", ["bybit", "bitget", "pacifica", "deltadefi"])
def test_what_a_bot_places_is_cancelled_each_time(venue: str) -> None:
    """It runs for a part of the hold: every order goes, it is named, and the end is clear."""
    result = cleared(faced(venue, orders=8, hold=25.0, held=["bot=2.5"], held_seconds=15.0))
    (first, began) = result.world.held[venue]
    assert (first, result.left) == (Verdict.CLEAR, [])
    warning = running(result)
    assert "during the sweep and the hold" in warning
    number, times = int(warning.split()[0]), int(warning.split(", ")[1].split()[0])
    assert number >= 4
    assert 2 <= times <= number
    assert result.seconds >= began - START + 25.0


@pytest.mark.parametrize("venue", ["bybit", "pacifica"])
def test_a_bot_that_goes_on_is_never_clear(venue: str) -> None:
    result = faced(venue, orders=4, hold=10.0, held=["bot=0.4"], deadline=10.0)
    assert result.verdict is not Verdict.CLEAR
    assert running(result)
    taken = result.ended("cancelled", "gone")
    assert 0 < len(taken)
    assert len(result.left) < len(taken) + 25, "what appears after the last cancel stays"


@pytest.mark.parametrize("latency", [0.0, 1.0])
def test_the_proof_at_the_end_is_a_fresh_one(latency: float) -> None:
    """Nothing happens in the hold, and yet both empty listings are read again: one under way does not count."""
    result = cleared(faced("bybit", orders=4, hold=20.0, weather=Weather(latency=latency)))
    ended = result.world.held["bybit"][1] + 20.0
    for ledger in result.world.sweeps["bybit"].ledgers.values():
        assert ledger.proof.first is not None
        assert ledger.proof.first.began >= ended


@pytest.mark.parametrize("accounts", [1, 2])
@pytest.mark.parametrize(
    ("venue", "account"), [(venue, mode) for venue, truth in TRUTHS.items() for mode in truth.modes]
)
@pytest.mark.turns(3)
def test_a_hold_in_which_nothing_happens_ends_clear(venue: str, account: str, accounts: int) -> None:
    """What the account does not have, as the venue says each time, disturbs no proof; and two accounts that share the
    limits of an address leave what their last proofs take.
    """
    result = run(Plan(seed=1, venue=venue, mode=account, orders=8, hold=20.0, accounts=accounts))
    assert [report.verdict for report in result.reports] == [Verdict.CLEAR] * accounts, result.story(40)


def test_a_signal_in_a_hold_meets_no_proof_that_absence_has_disturbed() -> None:
    """What the account has not is not cancelled unseen again and again: the last verdict stands."""
    result = cleared(faced("bitget", orders=8, hold=30.0, account="unified", interrupted=12.0))
    assert (result.report.error, result.report.exit_status) == (None, 0)


@pytest.mark.parametrize("venue", ["binance", "hyperliquid", "kraken", "pacifica"])
def test_where_limits_are_tight_the_end_is_proven_all_the_same(venue: str) -> None:
    """A bot stops in the middle of the hold. Before that the kill had no end, and used up what it was allowed."""
    bot = Bot(first=1.0, last=45.0, pause=2.0)
    result = run(Plan(seed=1, venue=venue, orders=8, hold=60.0, bots=(bot,)))
    assert [report.verdict for report in result.reports] == [Verdict.CLEAR], result.story(40)


def test_no_mass_cancel_ends_a_proof_whose_listings_have_to_wait() -> None:
    """The key is really allowed less than it is taken for: each other request waits for its turn, and is refused it."""
    bot = Bot(first=1.0, last=45.0, pause=2.0)
    with patch.dict(load("kraken").limits, counter=Limit(count=7, seconds=11.7, falls=True)):
        result = run(Plan(seed=1, venue="kraken", orders=8, hold=90.0, bots=(bot,)))
    assert [report.verdict for report in result.reports] == [Verdict.CLEAR], result.story(40)


def test_a_call_that_is_refused_each_time_disturbs_no_last_proof() -> None:
    """Others do the same by name. In the hold no refusal is believed; at its end all are."""
    cleared(faced("binance", "refused:cancel=request~/sapi/v1/margin/openOrders", hold=6.0))


@pytest.mark.parametrize(
    ("plan", "forced"),
    [
        pytest.param(Plan(seed=1, venue="bitget", mode="unified", orders=30, hold=6.0), (5.0, 7.0), id="of the key"),
        pytest.param(
            Plan(seed=1, venue="binance", orders=30, hold=40.0, accounts=4), (15.0, 22.0), id="of the address"
        ),
        pytest.param(Plan(seed=1, venue="hyperliquid", orders=30, hold=40.0, accounts=3), (15.0, 22.0), id="listings"),
    ],
)
def test_the_last_proof_has_the_time_that_the_limits_force(plan: Plan, forced: tuple[float, float]) -> None:
    waits: list[float] = []

    def noted(sweep: ProfileSweep) -> float:
        waits.append(forced_by(sweep))
        return waits[-1]

    with patch.object(hold, "forced_by", noted):
        result = run(plan)
    assert {report.verdict for report in result.reports} == {Verdict.CLEAR}, result.story(40)
    assert len(waits) == plan.accounts
    assert forced[0] <= max(waits) <= forced[1]


@pytest.mark.parametrize("deadline", [6.0, 12.0])
def test_the_last_proof_takes_no_longer_than_a_kill_may(deadline: float) -> None:
    """Three accounts that share an address, which lets none of them be read for a minute."""
    plan = Plan(seed=1, venue="hyperliquid", orders=30, hold=10.0, accounts=3, deadline=deadline)
    result = run(plan)
    assert {report.verdict for report in result.reports} <= {Verdict.CLEAR, Verdict.UNPROVEN}
    assert result.seconds <= deadline + 10.0 + max(deadline, LAST_PROOF) + 0.5


def test_where_no_limit_forces_it_the_last_proof_is_short() -> None:
    """A bot that goes on: there is nothing to wait for."""
    result = faced("deribit", orders=4, hold=10.0, held=["bot=0.4"], deadline=10.0)
    assert result.verdict is not Verdict.CLEAR
    assert result.seconds <= result.world.held["deribit"][1] - START + 10.0 + LAST_PROOF + 0.5


def test_the_first_verdict_may_be_any() -> None:
    """The venue is away at first; while holding it comes back."""
    result = cleared(faced("bybit", "stall", orders=8, hold=40.0, held=(), deadline=10.0, options=SPREAD))
    assert result.world.held["bybit"][0] is Verdict.UNREACHABLE


def test_what_breaks_while_holding_is_not_clear() -> None:
    result = faced("bybit", orders=8, hold=10.0, held=["listing-fails"], options=SPREAD)
    assert (result.world.held["bybit"][0], result.verdict) == (Verdict.CLEAR, Verdict.UNPROVEN)


def test_a_refused_key_is_not_tried_again() -> None:
    result = faced("bybit", "key", orders=8, hold=300.0, options=SPREAD)
    assert (result.world.held["bybit"][0], result.verdict) == (Verdict.REFUSED, Verdict.REFUSED)
    assert len(result.log) < 10
    assert result.seconds < 100


@pytest.mark.faults
@pytest.mark.parametrize("venue", ["bybit", "pacifica"])
def test_a_signal_ends_it_with_the_last_verdict(venue: str) -> None:
    """Whatever is being read in that moment: nothing has happened since the first one."""
    held = cleared(faced(venue, orders=4, hold=60.0, weather=Weather(latency=1.0)))
    began = held.world.held[venue][1]
    reading = next(sent.at for sent in held.log if sent.kind is Kind.LISTING and sent.at > began + 2)
    moment = reading + 0.01 - START
    result = cleared(faced(venue, orders=4, hold=60.0, weather=Weather(latency=1.0), interrupted=moment))
    assert result.world.held[venue][1] == began
    assert [sent for sent in result.log if sent.at == reading and sent.status is None], "it was being read"
    assert result.seconds < began - START + 30
    assert (result.report.error, exit_status([result.report])) == (None, 0)


def test_a_signal_while_an_order_is_there_is_not_clear() -> None:
    result = faced("bybit", orders=4, hold=300.0, held=["bot=0.5", "ack-only"], interrupted=15.0)
    assert result.world.held["bybit"][0] is Verdict.CLEAR
    assert result.verdict is Verdict.OPEN


def test_the_pace_leaves_room_in_the_limits() -> None:
    """Of a hundred credits in a minute, a read takes two."""
    result = cleared(faced("pacifica", orders=0, hold=30.0))
    assert pace_of(result.world.sweeps["pacifica"]) >= 2 * 3 * 60 / 125
    reads = [sent for sent in result.log if sent.kind is not Kind.CANCEL]
    assert len(reads) < 60, "30 are half of what thirty seconds allow, besides those of two proofs"


def test_the_pace_goes_by_what_listings_count_for() -> None:
    """Three dexes at 20 and the log of TWAPs at 30, of 1200 in a minute. The last proof waits for none of it."""
    result = cleared(faced("hyperliquid", hold=60.0))
    assert pace_of(result.world.sweeps["hyperliquid"]) == 2 * 90 * 60 / 1200


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.alone("a bot of one order in a second of wall time, and a hold of ten")
@pytest.mark.faults
def test_ten_seconds_against_a_bot_that_places_an_order_every_second(home: Path) -> None:
    """In real time, through the command line."""
    with simulator.start("bybit", orders=4, faults=["bot=1"]) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})
        began = time.monotonic()
        ran = cancelall("bybit", "--json", "--hold", "10", "--deadline", "3", "--config", str(path), home=home)
        spent = time.monotonic() - began
        left = len(server.open_orders())
    placed = ran.line["orders"]
    assert "holding for 10 s" in ran.err
    assert "nobody read" not in ran.err
    assert ran.code in (0, 10, 11)
    assert len(placed) >= 8
    assert sum(ran.line["counts"][state] for state in ("cancelled", "gone")) >= len(placed) - 3
    assert left <= 3
    (warning,) = [one for one in ran.line["warnings"] if "a bot is still running" in one]
    assert "time(s)" in warning
    assert 10 <= spent < 3 + 10 + LAST_PROOF + 4


def test_ctrl_c_during_the_hold_keeps_the_verdict(home: Path) -> None:
    with simulator.start("bybit", orders=4) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server, **SPREAD)})
        process = subprocess.Popen(
            [sys.executable, "-m", "cancelall", "bybit", "--json", "--hold", "60", "--config", str(path)],
            env=surroundings(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert any("holding for 60 s" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=40)
    line = json.loads(out)
    assert (process.returncode, line["verdict"], line["error"]) == (0, "clear", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--hold", "-1"], "--hold"), (["--hold", "nan"], "--hold"), (["--hold", "5", "--dry-run"], "contradicts")],
)
def test_bad_words(home: Path, words: list[str], said: str) -> None:
    ran = cancelall("bybit", *words, home=home)
    assert (ran.code, said in ran.err) == (2, True)
