"""What a kill takes: requests, none before its first cancel; calls before the first byte; and nothing done twice."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cancelall
from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.errors import ExitStatus
from cancelall.core.model import Reply, SignedRequest, Verdict
from cancelall.core.profile import Overrides
from cancelall.engine import run
from cancelall.engine.client import Send
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES, load, schema
from kills.truth import TRUTHS
from support import ROOT, kill, profile_table, swept, write_config
from turns import on_some

pytestmark = pytest.mark.alone("counts requests and calls, and a busy machine may need a few more")

EMPTY = {
    **{"bybit": 60, "bitget": 92, "ascendex": 20, "pacifica": 18, "deltadefi": 39},
    **{"deribit": 6, "hyperliquid": 15, "okx": 26, "kraken": 7, "binance": 28},
}
"""Two to four more than the 56, 88, 17, 15, 35, 4, 13, 23, 5 and 25 of a quiet machine.

Requests of a kill of a whole account without an order: cancels, two listings of each segment, discovery reads,
witnesses, and what the venue tells of orders that have ended. What is read of positions comes after the verdict and
proves nothing, so that it is counted by itself."""
POSITIONS = {
    "bybit": 5,
    "bitget": 3,
    "ascendex": 1,
    "pacifica": 2,
    "deltadefi": 0,
    "deribit": 1,
    "hyperliquid": 3,
    "okx": 1,
    "binance": 3,
    "kraken": 1,
}
"""Requests for the positions of a whole account that has none; none of them where they are not asked for."""
LISTS_FIRST = {venue for venue, truth in TRUTHS.items() if truth.lists_first}


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> list[SignedRequest]:
    """What is sent, in the order in which it leaves; it may arrive in another one."""
    found: list[SignedRequest] = []
    real = run.over_the_network

    def over_the_network(*words: Any, **more: Any) -> Send:
        send = real(*words, **more)

        async def noting(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
            found.append(signed)
            return await send(signed, until, sent)

        return noting

    monkeypatch.setattr(run, "over_the_network", over_the_network)
    return found


def _blind(venue: str, server: SimServer) -> int:
    """How many requests cancel without naming an order, with what the profile of this account knows."""
    about = load(venue)
    segments = about.segments(schema(venue).options(**server.account_options), about.facts, "live")
    return sum(len(segment.blind) for segment in segments)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(1)
def test_an_empty_account(venue: str) -> None:
    with simulator.start(venue, orders=0) as server:
        report = kill(venue, server, deadline=20)
        requests = server.requests
    assert (report.verdict, report.requests) == (Verdict.CLEAR, len(requests))
    assert len(requests) <= EMPTY[venue]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(2)
def test_positions_are_read_after_the_proof_and_add_little(venue: str, leaving: list[SignedRequest]) -> None:
    """The proof takes no more requests than without them, and no cancel leaves after them."""
    with simulator.start(venue, orders=0) as server:
        document = Document(path=Path("config.toml"), data={"profiles": {venue: profile_table(venue, server)}})
        profile = loader.profile(document, venue, {}, Overrides(deadline=20))
        made = run.Run(profiles=[profile], environ={}, started=time.monotonic(), scale=0.1, positions="after")
        (report,) = asyncio.run(made.all())
        requests = len(server.requests)
    assert (report.verdict, report.requests) == (Verdict.CLEAR, requests)
    assert report.positions is not None
    assert (report.positions.requests, report.positions.unknown) == (POSITIONS[venue], "")
    assert requests - POSITIONS[venue] <= EMPTY[venue]
    if venue in LISTS_FIRST:  # and finds nothing to cancel
        assert not any(signed.request.changes for signed in leaving)
        return
    cancels = [place for place, signed in enumerate(leaving) if signed.request.changes]
    assert max(cancels) < len(leaving) - POSITIONS[venue]
    assert leaving[0].request.changes


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(0)
def test_no_read_goes_before_the_first_cancel_and_all_blind_ones_go(venue: str, leaving: list[SignedRequest]) -> None:
    with simulator.start(venue, orders=0) as server:
        blind = _blind(venue, server)
        kill(venue, server, deadline=20)
    assert (blind > 0) is (venue not in LISTS_FIRST)
    if venue in LISTS_FIRST:
        return
    assert leaving[0].request.changes  # which is what a cancel gets
    assert sum(signed.request.changes for signed in leaving) >= blind


def test_an_account_group_that_is_not_stored_is_read_first(leaving: list[SignedRequest]) -> None:
    with simulator.start("ascendex", orders=0) as server:
        table = profile_table("ascendex", server)
        del table["account_group"]
        (report,) = swept({"ascendex": table}, deadline=20)
    assert report.verdict is Verdict.CLEAR
    assert [signed.request.changes for signed in leaving].index(True) == 1


# --- before the first byte, and once ---------------------------------------------------------------------------------

CALLS = {
    **{"bybit": 600, "bitget": 700, "ascendex": 500, "pacifica": 485, "deltadefi": 525},
    **{"deribit": 480, "kraken": 510, "hyperliquid": 700, "binance": 680, "okx": 580},
}
"""Little more than there are; at most 700. Bitget begins with 24 cancels at once, of which each takes half a dozen."""
FILES = 35
MORE_FILES = {**dict.fromkeys(LISTS_FIRST, 5), "deribit": 2, "kraken": 1, "binance": 2}
"""A listing that goes first is read first; Deribit's client ids are too short to be keys at first sight; turns of
a key; what is remembered of the last run."""


def _counted(venue: str, server: SimServer, home: Path) -> dict[str, int]:
    """How often which function is entered before the first byte of a request; see `counted.py`."""
    config = write_config(home / "config.toml", {venue: profile_table(venue, server)})
    script, out = ROOT / "tests" / "kills" / "counted.py", home / "calls.json"
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(script), str(out), venue, "--config", str(config), "--json"]
    ran = subprocess.run(words, env=environ, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ran.returncode == ExitStatus.CLEAR, ran.stderr
    found: dict[str, int] = json.loads(out.read_text(encoding="utf-8"))
    return found


@on_some(0)
def test_the_first_byte_waits_for_few_calls_and_for_segments_once(venue: str, tmp_path: Path) -> None:
    with simulator.start(venue, orders=10) as server:
        calls = _counted(venue, server, tmp_path)
    assert sum(calls.values()) <= CALLS[venue]
    assert len({name.partition(":")[0] for name in calls}) <= FILES + MORE_FILES.get(venue, 0)
    built = load(venue).segments.__code__
    where = Path(built.co_filename).relative_to(Path(cancelall.__file__).parent)
    once = 1 + (venue in LISTS_FIRST)  # and once more with what the key shows
    assert calls[f"{where}:{built.co_firstlineno}:{built.co_name}"] == once


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(1)
def test_segments_are_built_once_for_the_facts_that_are_known(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"cancelall.venues.{venue}.venue")
    built: list[tuple[Any, ...]] = []

    def segments(*known: Any) -> Any:
        built.append(known)
        return about.segments(*known)

    about = module.VENUE
    monkeypatch.setattr(module, "VENUE", replace(about, segments=segments))
    with simulator.start(venue, orders=10) as server:
        assert kill(venue, server, deadline=20).verdict is Verdict.CLEAR
    assert built
    assert len(set(built)) == len(built)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.turns(0)
def test_the_json_of_an_answer_is_parsed_once(
    venue: str, leaving: list[SignedRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies of requests may be read too, to sign them or to know what was asked; those of answers only here."""
    real, parsed = json.loads, []

    def loads(text: Any, *words: Any, **more: Any) -> Any:
        if "simulator" not in sys._getframe(1).f_code.co_filename:
            parsed.append(text.encode() if isinstance(text, str) else text)
        return real(text, *words, **more)

    monkeypatch.setattr(json, "loads", loads)
    with simulator.start(venue, orders=30) as server:
        assert kill(venue, server, deadline=20).verdict is Verdict.CLEAR
    asked = {signed.request.body for signed in leaving}
    answers = [text for text in parsed if text not in asked]
    assert 0.9 * len(leaving) <= len(answers) <= 1.05 * len(leaving)
