"""The kill on a Kraken account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.engine.client import ATTEMPT_SECONDS
from cancelall.engine.serial_key import PATIENCE
from cancelall.simulator import Kind, SimServer
from cancelall.simulator.kraken.state import PAIRS
from kills.virtual import Faced, cleared, faced
from soak.virtual import START, Sent, Trouble, Weather
from support import Ran, a_run, cancelall, environment, kill, paths, profile_table, swept

CANCEL_ALL, OPEN_ORDERS = "POST /0/private/CancelAll", "POST /0/private/OpenOrders"


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    with simulator.start("kraken", **{"orders": 20, **getattr(request, "param", {})}) as running:
        yield running


def run(server: SimServer, home: Path, *words: str, **env: str) -> Ran:
    """The real command line."""
    return cancelall("kraken", "--json", *words, home=home, env={**environment("kraken", server), **env})


def nonces(bodies: list[bytes]) -> list[int]:
    return [int(found[1]) for one in bodies if (found := re.search(rb"nonce\W+(\d+)", one))]


def signed(result: Faced) -> list[Sent]:
    """The requests with a key, in the order in which they left."""
    return [one for one in result.log if one.kind is not Kind.PUBLIC]


# --- the order of a kill --------------------------------------------------------------------------------------------


def test_the_cancel_goes_first_and_the_listing_after_its_answer() -> None:
    result = cleared(faced("kraken", weather=Weather(latency=0.08)))
    assert result.paths[:4] == [CANCEL_ALL, OPEN_ORDERS, CANCEL_ALL, OPEN_ORDERS]
    first, listing, last, end = signed(result)[:4]
    for before, after in pairwise((first, listing, last, end)):
        assert before.answered is not None
        assert before.answered < after.began
    assert result.seconds < 2.0 + 4 * 0.2


FAULTS: tuple[tuple[str, ...], ...] = (
    *((), ("error-500=0.3",), ("fin-after@5",), ("error-after:cancel@4",), ("partial@2",), ("rival",)),
    *(("latency:listing=3@2", "reappear=0.3@4"), ("stall@3",), ("close=0.5",), ("ack-only@3",), ("nonces=ns",)),
)


@pytest.mark.parametrize("faults", FAULTS, ids=str)
@pytest.mark.parametrize("options", [{}, {"pair": ["XBTUSD", "ETH/USD"]}], ids=["whole", "pairs"])
def test_nonces_only_grow_and_no_two_requests_are_in_flight(faults: tuple[str, ...], options: dict[str, Any]) -> None:
    """But for one that nobody waits for any more: it was given up before the next left."""
    weather = Weather(
        latency=0.1, trouble=0.1, kinds=(Trouble.SWALLOWED, Trouble.CUT_AFTER, Trouble.LATE, Trouble.REFUSED)
    )
    result = faced("kraken", *faults, options=options, weather=weather)
    log = signed(result)
    sent = nonces([one.request.body for one in log])
    assert sent == sorted(set(sent))
    for before, after in pairwise(log):
        assert before.answered is None or before.answered < after.began
    assert len(log) > 3


def test_a_whole_kill_meets_at_most_two_refused_nonces_where_nanoseconds_were_used() -> None:
    result = cleared(faced("kraken", "nonces=ns", weather=Weather(latency=0.08)))
    sent = nonces([one.request.body for one in signed(result)])
    units = [len(str(one)) for one in sent]
    assert units[:2] == [13, 13]
    assert set(units[2:]) == {19}
    assert result.paths[:4] == [CANCEL_ALL, CANCEL_ALL, CANCEL_ALL, OPEN_ORDERS], (
        "the cancel comes first whatever happens"
    )
    assert max(sent) < 2**64


@pytest.mark.parametrize("fault", ["rival", "nonces=2"])
def test_a_bot_with_the_same_unit_keeps_its_key(fault: str) -> None:
    """Nanoseconds would lock it out for good: a lead of some seconds is enough, where it is just as quick."""
    result = cleared(faced("kraken", fault, weather=Weather(latency=0.08)))
    sent = nonces([one.request.body for one in signed(result)])
    assert {len(str(one)) for one in sent} == {13}


def test_a_clock_that_is_behind_is_repaired_by_the_venues(server: SimServer) -> None:
    """By the Date header of the refusal: no finer unit is needed."""
    server.fake.nonces[server.account.key] = server.fake.now_ms() + 1500  # type: ignore[attr-defined]
    report = kill("kraken", server)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert {len(str(one)) for one in nonces([one.body for one in server.requests])} == {13}


@pytest.mark.parametrize("spared", [0, 1, 2, 3])
def test_the_key_is_never_locked_out(spared: int) -> None:
    """Three refused nonces are the most of a run, whatever was accepted between them; then nothing is sent."""
    result = faced("kraken", f"invalid-nonce+{spared}", deadline=12.0)
    assert (result.verdict, result.error.kind) == (Verdict.REFUSED, "clock")
    assert len(signed(result)) == spared + 3
    assert "lockout" not in result.story(60)
    assert "a key for this command alone" in result.error.hint


def test_a_lone_refused_nonce_ends_nothing() -> None:
    for spared in range(4):
        cleared(faced("kraken", f"invalid-nonce+{spared}@1"))


# --- what hangs -----------------------------------------------------------------------------------------------------


def gaps(result: Faced) -> list[float]:
    """Seconds between the mass cancels of a kill."""
    at = [one.at - START for one in result.log if one.request.path.endswith("/CancelAll")]
    return [after - before for before, after in pairwise(at)]


def test_a_listing_that_hangs_does_not_hold_up_the_next_mass_cancel() -> None:
    """The first cancel is not answered well, the listing behind it hangs, and the cancel goes again."""
    result = cleared(faced("kraken", "error:cancel=EService:Busy@1", "stall:listing@1"))
    first, hung, again = signed(result)[:3]
    assert [one.request.path.rpartition("/")[2] for one in (first, hung, again)] == [
        "CancelAll",
        "OpenOrders",
        "CancelAll",
    ]
    assert again.at - hung.at == pytest.approx(PATIENCE, abs=0.1)
    assert nonces([hung.request.body]) < nonces([again.request.body])


@pytest.mark.parametrize("fault", ["stall:listing", "stall:listing@2", "latency:listing=30"])
def test_listings_that_hang_for_ever_keep_no_mass_cancel_for_longer_than_an_attempt(fault: str) -> None:
    result = faced("kraken", fault, "error:cancel=EService:Busy@6", deadline=30.0)
    assert result.resting == ()
    assert max(gaps(result)) <= ATTEMPT_SECONDS + 3.0, result.story(60)


def test_a_cancel_that_hangs_is_followed_by_a_listing_and_another_cancel() -> None:
    result = cleared(faced("kraken", "stall:cancel@1"))
    assert result.paths[:3] == [CANCEL_ALL, OPEN_ORDERS, CANCEL_ALL]
    assert signed(result)[1].at - START <= ATTEMPT_SECONDS + 0.1


# --- one key, several profiles --------------------------------------------------------------------------------------


def test_profiles_with_one_key_share_its_nonces(server: SimServer) -> None:
    """Over sockets: nothing is refused, and never are two of them at the venue."""
    server.set_faults(["latency=0.02"])
    tables = {name: profile_table("kraken", server) for name in ("one", "two", "three")}
    tables["three"]["pair"] = ["XBTUSD"]
    reports = swept(tables, deadline=40.0)
    assert {report.verdict for report in reports} == {Verdict.CLEAR}
    arrived = sorted((one.arrived, one.body) for one in server.requests if one.kind is not Kind.PUBLIC)
    sent = nonces([body for _, body in arrived])
    assert sent == sorted(set(sent))
    assert all(after - before >= 0.02 for (before, _), (after, _) in pairwise(arrived)), "one after the other"
    first = [one for one in paths(server) if "private" in one][:3]
    assert first.count(CANCEL_ALL) == 2, "no listing goes before the other's cancel"


def test_a_key_that_one_profile_has_ended_is_ended_for_the_others(server: SimServer) -> None:
    server.set_faults(["invalid-nonce"])
    reports = swept({name: profile_table("kraken", server) for name in ("one", "two")}, deadline=5.0)
    assert {report.verdict for report in reports} == {Verdict.REFUSED}
    assert len([one for one in server.requests if one.kind is not Kind.PUBLIC]) == 3


def test_one_run_after_the_other_in_one_process_goes_on_with_higher_nonces(server: SimServer) -> None:
    """The clock may be set back between them: what a run has used, the next one knows."""

    class Clock:
        ms = server.fake.now_ms()
        monotonic = staticmethod(time.monotonic)

        def now_ms(self) -> int:
            return self.ms

    clock = Clock()
    first = asyncio.run(a_run({"kraken": profile_table("kraken", server)}, clock=clock).all())
    clock.ms -= 60_000
    second = asyncio.run(a_run({"kraken": profile_table("kraken", server)}, clock=clock).all())
    assert [one.verdict for one in (*first, *second)] == [Verdict.CLEAR] * 2
    assert not any(b"Invalid nonce" in (one.body or b"") for one in server.requests)
    sent = nonces([one.body for one in server.requests])
    assert sent == sorted(set(sent))


# --- keys -----------------------------------------------------------------------------------------------------------


def with_secrets(server: SimServer, **secrets: str) -> ProfileReport:
    """A kill with other secrets than the account's."""
    table = profile_table("kraken", server)
    (report,) = swept({"kraken": {**table, "credentials": {**server.credentials, **secrets}}}, deadline=5.0)
    return report


def test_a_key_with_a_two_factor_login(server: SimServer, home: Path) -> None:
    """Any sign may stand in its password; it is no option, and is shown nowhere."""
    server.set_faults(["otp=p@ssw+rd&=1"])
    report = with_secrets(server, otp="another")
    assert (report.verdict, report.error and report.error.kind) == (Verdict.REFUSED, "auth")
    assert report.error is not None
    assert "two-factor" in report.error.hint
    ran = run(server, home, CANCELALL_KRAKEN_OTP="p@ssw+rd&=1")
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    assert "w+rd" not in ran.out + ran.err


def test_the_secret_of_another_key_is_refused(server: SimServer) -> None:
    report = with_secrets(server, api_secret=base64.b64encode(bytes(range(64))).decode())
    assert (report.verdict, report.error and report.error.message) == (Verdict.REFUSED, "EAPI:Invalid signature")
    assert len(server.open_orders()) == 20


def test_a_secret_that_is_no_base64_is_not_sent(server: SimServer) -> None:
    report = with_secrets(server, api_secret="DUMMYwrongDUMMYwrong!")
    assert (report.exit_status, report.error and report.error.kind) == (6, "secret")
    assert report.error is not None
    assert "base64" in report.error.message
    assert server.requests == []


def test_a_key_of_futures_is_never_clear(server: SimServer) -> None:
    """It is another key there: the spot engine does not know it."""
    report = with_secrets(server, api_key="futureskeyfutureskeyfutureskey")
    assert report.verdict is Verdict.REFUSED
    assert report.error is not None
    assert "Kraken Futures" in report.error.hint


def test_there_is_no_demo(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--environment", "demo")
    assert ran.code in (2, 6)
    assert server.requests == []


# --- pairs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["XXBTZUSD", "XBTUSD", "xbt/usd", "BTC/USD", "BTCUSD"])
def test_any_spelling_of_a_pair_narrows_the_kill(server: SimServer, pair: str) -> None:
    report = kill("kraken", server, options={"pair": [pair]})
    assert report.verdict is Verdict.CLEAR
    assert {order.symbol for order in server.open_orders()} == set(PAIRS) - {"XBTUSD"}
    assert CANCEL_ALL not in paths(server)
    assert "not witnessed: a last cancel of everything" in report.warnings


def test_orders_go_before_the_public_list_is_there_and_without_it_nothing_is_proven() -> None:
    result = faced("kraken", "stall:public", options={"pair": ["BTC/USD"]}, deadline=8.0)
    assert result.resting == ()
    assert (result.verdict, "could not be read: pairs" in result.error.message) == (Verdict.UNPROVEN, True)
    late = cleared(faced("kraken", "latency:public=3", options={"pair": ["BTC/USD"]}))
    cancels = [one.at - START for one in late.log if one.kind is Kind.CANCEL]
    assert min(cancels) < 1.0


def test_an_id_that_only_the_list_can_tell_is_listed_anew() -> None:
    result = cleared(faced("kraken", options={"pair": ["USDTZUSD"]}))
    assert {order.symbol for order in result.stock} - {order.symbol for order in result.left} == {"USDTUSD"}
    late = cleared(faced("kraken", "latency:public=3", options={"pair": ["USDTZUSD"]}))
    assert "USDTUSD" not in {order.symbol for order in late.left}


# --- how orders ended, and what comes back --------------------------------------------------------------------------


def test_what_a_count_has_taken_is_named_by_the_history() -> None:
    result = cleared(faced("kraken", orders=40, weather=Weather(latency=0.08)))
    assert result.ended("cancelled") == {order.id for order in result.stock}
    (segment,) = result.report.segments
    assert segment.detail == "the venue counted 40 as cancelled, without naming them"


def test_without_the_right_to_query_closed_orders_the_count_is_what_is_known() -> None:
    result = cleared(faced("kraken", "error:read=EGeneral:Permission denied"))
    assert "counted 30 as cancelled" in (result.report.segments[0].detail or "")
    assert result.report.error is None


def test_a_conditional_close_that_fills_the_gap_is_caught() -> None:
    """A fill places an order after the first empty listing: the last cancel, or the last listing, has it."""
    for seconds in (0.0, 0.3, 1.0, 1.9):
        result = cleared(faced("kraken", f"close={seconds}@1", weather=Weather(latency=0.05)))
        assert len(result.world.owners[0].account.book._closed) == len(result.stock) + 1


def test_a_last_cancel_that_counts_something_is_no_proof() -> None:
    result = faced("kraken", "hidden=60", "ack-only:cancel", deadline=6.0)
    assert result.verdict is not Verdict.CLEAR


def test_orders_stop_coming_only_when_the_venue_is_up() -> None:
    """While cancels meet `EService:Unavailable` an empty listing proves nothing."""
    result = faced("kraken", "error:cancel=EService:Unavailable", orders=0, deadline=8.0)
    assert result.verdict is Verdict.UNPROVEN
    assert cleared(faced("kraken", "error:cancel=EService:Unavailable^3", orders=8)).report.error is None


def test_a_hold_keeps_within_the_counter() -> None:
    result = faced("kraken", mode="hold", hold=40.0, orders=8, deadline=20.0)
    assert result.verdict is Verdict.CLEAR
    answers = [one for one in signed(result) if one.kind is not Kind.READ]
    assert len(answers) <= 7 + 46 * 0.6
