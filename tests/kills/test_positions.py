"""Positions, over loopback: after a verdict, which they change in nothing, and as what was asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.simulator.book import SimOrder
from cancelall.venues.registry import VENUES
from kills.truth import TRUTHS
from support import ROOT, Ran, cancelall, environment, profile_table, write_config

pytestmark = pytest.mark.alone("positions get two seconds of wall time after a verdict")

SLACK = 1.5
"""Seconds that a busy machine may take on top."""
PATHS = {
    "bybit": "/v5/position/list",
    "bitget": "/position/all-position",
    "ascendex": "/futures/position",
    "pacifica": "/api/v1/positions",
    "hyperliquid": "clearinghouseState",
    "okx": "/api/v5/account/positions",
}
LISTED = [venue for venue in VENUES if venue in PATHS]


def in_turns(*words: list[str]) -> pytest.MarkDecorator:
    """Each line on every second venue or fewer, and on all of them with `make faults`: what it says is no venue's."""
    share = max(2, len(LISTED) // 3)
    rows = [
        pytest.param(venue, line, marks=() if (at + number) % share == 0 else pytest.mark.faults)
        for at, venue in enumerate(LISTED)
        for number, line in enumerate(words)
    ]
    return pytest.mark.parametrize(("venue", "words"), rows)


@dataclass(frozen=True)
class Known:
    """What a stocked account of a venue holds."""

    lost: str
    """What stands in the line of the position that loses its stop."""
    stop: str
    """The price at which it stood."""
    bare: str
    """A position that never had one."""


HOLDS = {
    "bybit": Known("BTCUSDT long 0.5 has lost its stop: BTCUSDT stoploss sell 1 at 90", "90", "SOLUSDT"),
    "bitget": Known("BTCUSDT long 0.5 has lost its stop: BTCUSDT loss_plan sell 1 at 90", "90", "SOLUSDT"),
    "ascendex": Known("ETH-PERP short -2 has lost its stop: ETH-PERP stopmarket buy 1 at 110", "110", ""),
    "hyperliquid": Known("BTC long 0.5 has lost its stop: BTC stop market sell 1 at 90", "90", "HYPE"),
    "pacifica": Known("BTC long 0.5 has lost its stop: BTC stop_loss_market sell 1 at 60000", "60000", "HYPE"),
    "okx": Known(
        "BTC-USDT-SWAP long 0.5 has lost its stop: BTC-USDT-SWAP conditional sell 1 at 90", "90", "DOGE-USDT-SWAP"
    ),
}


def stocked(venue: str, *faults: str, orders: int = 20) -> SimServer:
    """An exchange whose account has positions, one of them with a stop."""
    server = simulator.start(venue, orders=orders, faults=list(faults))
    if venue == "ascendex" and orders:  # its stock has no stop of a position without exits of its own
        extra = {"execInst": "ReduceOnlyMark", "stopPrice": "110", "stopBy": "mark"}
        stop = SimOrder(
            symbol="ETH-PERP", segment="futures", side="buy", type="stop_market", kind="stop_market", reduce_only=True,
            id="a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6", extra=extra,
        )  # fmt: skip
        server.fake.place(server.account, stop)
    return server


def run(venue: str, server: SimServer, home: Path, *words: str, columns: int = 200) -> Ran:
    config = write_config(home / "config.toml", {venue: profile_table(venue, server)})
    return cancelall(*words, "--config", str(config), home=home, env={"COLUMNS": str(columns)})


def of_positions(venue: str, server: SimServer) -> list[Any]:
    """The requests that list positions. AscendEX's are also read during a kill, for exits that are no orders."""
    found = [request for request in server.requests if PATHS.get(venue, "no positions") in request.text]
    return found[1:] if venue == "ascendex" else found


# --- after a kill ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", LISTED)
@pytest.mark.turns(0)
def test_the_verdict_comes_first_and_then_what_stays_open_and_has_lost_its_stop(venue: str, home: Path) -> None:
    known = HOLDS[venue]
    with stocked(venue) as server:
        ran = run(venue, server, home, venue)
        requests = server.requests
        listed = of_positions(venue, server)
        assert not server.open_orders()
    assert ran.code == 0, ran.out + ran.err
    verdict, positions = ran.out.index(" CLEAR "), ran.out.index(": positions that stay open")
    assert verdict < positions < ran.out.index(known.lost)
    assert known.bare in ran.out[positions:]
    assert listed
    # Two venues may have to read before; of two that leave in turn either may arrive first.
    assert any(one.changes for one in requests[:3]) or venue in ("ascendex", "hyperliquid")
    assert max(one.arrived for one in requests if one.changes) < min(one.arrived for one in listed)
    assert not any(one.changes for one in listed)


@pytest.mark.parametrize("venue", LISTED)
@pytest.mark.turns(1)
def test_the_line_of_a_profile_has_all_that_is_needed_to_place_a_stop_again(venue: str, home: Path) -> None:
    known = HOLDS[venue]
    with stocked(venue) as server:
        line = run(venue, server, home, venue, "--json").line
        assert line["requests"] == len(server.requests)
    assert (line["verdict"], line["exit_code"], line["positions_unknown"]) == ("clear", 0, None)
    symbol, side = known.lost.split()[:2]
    position = next(one for one in line["positions"] if (one["symbol"], one["side"]) == (symbol, side))
    assert list(position) == [
        *("symbol", "side", "size", "entry", "mark", "notional", "unrealised", "liquidation", "margin_mode"),
        *("stop_loss", "take_profit", "protected_by", "lost_stops"),
    ]
    assert position["protected_by"] == []
    stop = next(one for one in position["lost_stops"] if one["trigger_price"] == known.stop)
    assert stop["role"] == "stop"
    assert (stop["symbol"], stop["side"]) == (symbol, "sell" if side == "long" else "buy")
    gone = next(order for order in line["orders"] if order["id"] == stop["order_id"])
    assert (gone["state"], gone["protective"]) == ("cancelled", True)
    assert known.stop in map(str, _leaves(stop["row"])), "the venue's own row is complete"
    bare = [one for one in line["positions"] if one["symbol"] == known.bare]
    assert all((one["protected_by"], one["lost_stops"]) == ([], []) for one in bare)


def _leaves(value: Any) -> Iterator[object]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


@pytest.mark.faults
def test_a_unified_account_has_them_too(home: Path) -> None:
    with stocked("bitget", "mode=unified", orders=40) as server:
        ran = run("bitget", server, home, "bitget")
        paths = [request.path for request in server.requests]
    assert ran.code == 0
    assert "BTCUSDT long 0.5 has lost its stop: BTCUSDT tpsl" in ran.out
    assert paths.count("/api/v3/position/current-position") == 3
    assert "/api/v2/mix/position/all-position" not in paths


@pytest.mark.faults
def test_a_venue_without_positions_says_so(home: Path) -> None:
    with stocked("deltadefi") as server:
        ran = run("deltadefi", server, home, "deltadefi")
        line = run("deltadefi", server, home, "deltadefi", "--json").line
    assert ran.code == 0
    assert "deltadefi: positions: DeltaDeFi has none: it trades spot only" in ran.out[ran.out.index(" CLEAR ") :]
    assert (line["positions"], line["positions_unknown"]) == ([], None)


@pytest.mark.parametrize("venue", LISTED)
@pytest.mark.turns(2)
def test_with_protective_orders_kept_no_stop_is_lost(venue: str, home: Path) -> None:
    known = HOLDS[venue]
    with stocked(venue) as server:
        line = run(venue, server, home, venue, "--keep-protective", "--json").line
    position = next(one for one in line["positions"] if one["symbol"] == known.lost.split()[0])
    assert position["lost_stops"] == []
    kept = {order["id"] for order in line["orders"] if order["state"] == "kept"}
    assert position["protected_by"] or venue == "ascendex"
    assert set(position["protected_by"]) <= kept


@pytest.mark.parametrize("venue", [venue for venue in LISTED if TRUTHS[venue].mine])
def test_of_orders_selected_by_client_id_only_what_was_cancelled_is_lost(venue: str, home: Path) -> None:
    with stocked(venue) as server:
        mine = {order.id for order in server.open_orders() if order.client_id.startswith(TRUTHS[venue].mine)}
        line = run(venue, server, home, venue, "--client-id", TRUTHS[venue].mine, "--json").line
    lost = {stop["order_id"] for position in line["positions"] for stop in position["lost_stops"]}
    kept = {order["id"] for order in line["orders"] if order["state"] == "kept"}
    assert line["verdict"] == "clear"
    assert lost <= mine
    assert {one for position in line["positions"] for one in position["protected_by"]} <= kept
    removed = sum(order["protective"] for order in line["orders"] if order["id"] in mine)
    assert any(words.startswith(f"{removed} protective order(s)") for words in line["warnings"]) is bool(removed)


@in_turns(["-q"], ["-q", "--json"], ["--dry-run"], ["--dry-run", "--json"])
@pytest.mark.turns(0)
def test_quiet_and_dry_runs_ask_for_no_positions(venue: str, words: list[str], home: Path) -> None:
    with stocked(venue) as server:
        ran = run(venue, server, home, venue, *words)
        assert of_positions(venue, server) == []
    assert ran.code == 0
    assert "positions that stay open" not in ran.out
    if "--json" in words:
        assert (ran.line["positions"], ran.line["positions_unknown"]) == (None, None)


@in_turns([], ["--json"])
@pytest.mark.turns(1)
def test_a_venue_that_hangs_on_positions_costs_two_seconds_and_nothing_else(
    venue: str, words: list[str], home: Path
) -> None:
    spared = "+1" if venue == "ascendex" else ""
    with stocked(venue, f"stall{spared}~{PATHS[venue]}") as server:
        began = time.monotonic()
        ran = run(venue, server, home, venue, *words)
        spent = time.monotonic() - began
    assert ran.code == 0
    if words:
        assert (ran.line["verdict"], ran.line["error"]) == ("clear", None)
        assert (ran.line["positions"], ran.line["positions_unknown"]) == (None, "no answer in time")
        assert spent <= ran.line["timing_ms"]["verdict"] / 1000 + 2.0 + SLACK
    else:
        assert " CLEAR " in ran.out
        assert f"{venue}: positions: not known (no answer in time)" in ran.out[ran.out.index(" CLEAR ") :]
        assert "none" not in ran.out[ran.out.index("positions: not known") :]
        stop = HOLDS[venue].lost.partition(": ")[2]
        assert f"cancelled: {stop}" in ran.out, "what went is said even if nobody knows what it protected"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("refused:read=key~/v5/position", "10003 API key is invalid."),
        ("html:read=404~/v5/position", "HTTP 404"),
        ("json:read=[]~/v5/position", "HTTP 200"),
        ("truncated:read~/v5/position", "HTTP 200"),
    ],
)
def test_what_goes_wrong_with_positions_changes_nothing(fault: str, why: str, home: Path) -> None:
    with stocked("bybit", fault) as server:
        line = run("bybit", server, home, "bybit", "--settle-coin", "USDT", "--json").line
    assert (line["verdict"], line["exit_code"], line["error"]) == ("clear", 0, None)
    assert line["counts"]["failed"] == line["counts"]["open"] == 0
    assert line["positions"] is None
    assert why in line["positions_unknown"]


def test_one_part_that_is_not_known_hides_no_other_one(home: Path) -> None:
    with stocked("bybit", "refused:read=product~category=inverse") as server:
        ran = run("bybit", server, home, "bybit")
        line = run("bybit", server, home, "bybit", "--json").line
    assert "bybit: positions: not all known (inverse: 10024" in ran.out
    assert "BTCUSDT" in {one["symbol"] for one in line["positions"]}
    assert line["positions_unknown"].startswith("inverse: 10024")


def test_a_signal_after_the_verdict_ends_only_the_reading_of_positions(home: Path) -> None:
    with stocked("bybit", "stall~/v5/position") as server:
        env = {**environment("bybit", server), "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-m", "cancelall", "bybit"]
        process = subprocess.Popen(words, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for text in process.stdout:
            if " CLEAR " in text:
                break
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        spent = time.monotonic() - began
    assert (process.returncode, "positions: not known (interrupted)" in rest) == (0, True)
    assert spent < 2.0


# --- positions alone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", LISTED)
def test_positions_alone_only_read(venue: str, home: Path) -> None:
    known = HOLDS[venue]
    with stocked(venue) as server:
        before = server.open_orders()
        ran = run(venue, server, home, "positions")
        line = run(venue, server, home, "positions", "--json").line
        quiet = run(venue, server, home, "positions", "-q")
        assert server.open_orders() == before
        assert not any(request.changes for request in server.requests)
    assert [one.code for one in (ran, quiet)] == [0, 0]
    assert f"{venue}: positions" in ran.out
    assert ran.out.rstrip().splitlines()[-1].startswith(" POSITIONS ")
    assert "positions\n" not in quiet.out
    assert quiet.out.startswith((" POSITIONS ", "warning: "))
    symbol, side = known.lost.split()[:2]
    position = next(one for one in line["positions"] if (one["symbol"], one["side"]) == (symbol, side))
    assert position["lost_stops"] == []
    assert all(one in {order["id"] for order in line["orders"]} for one in position["protected_by"])
    assert (line["exit_code"], line["positions_unknown"]) == (0, None)


def test_what_protects_a_position_is_named(home: Path) -> None:
    with stocked("bybit") as server:
        line = run("bybit", server, home, "positions", "--json").line
    bitcoin, solana = line["positions"]
    (stop,) = (order for order in line["orders"] if order["type"] == "stoploss")
    assert (bitcoin["symbol"], bitcoin["protected_by"]) == ("BTCUSDT", [stop["id"]])
    assert (solana["symbol"], solana["protected_by"]) == ("SOLUSDT", [])


@pytest.mark.faults
@pytest.mark.parametrize(
    ("fault", "code", "verdict"),
    [
        ("refused:read=product~/v5/position", 4, "refused"),
        ("stall:read~/v5/position", 12, "unreachable"),
        ("html:read=404~/v5/position", 11, "unproven"),
        ("listing-fails", 11, "unproven"),
    ],
)
@pytest.mark.turns(0)
def test_what_could_not_be_read_is_not_none(fault: str, code: int, verdict: str, home: Path) -> None:
    with stocked("bybit", fault) as server:
        ran = run("bybit", server, home, "positions", "--deadline", "3")
        line = run("bybit", server, home, "positions", "--json", "--deadline", "3").line
    assert (ran.code, line["exit_code"], line["verdict"]) == (code, code, verdict)
    assert " NOT KNOWN " in ran.out
    if fault == "listing-fails":  # the positions are there, and whether they have a stop is not known
        assert {one["protected_by"] is None for one in line["positions"]} == {True}
        assert "without a stop" not in ran.out
    else:
        assert line["positions"] is None
        assert line["positions_unknown"]
        assert "positions: not known (" in ran.out


def test_several_profiles_and_one_that_does_not_exist(home: Path) -> None:
    with stocked("bybit") as one, stocked("pacifica") as two:
        config = write_config(
            home / "config.toml", {"bybit": profile_table("bybit", one), "pacifica": profile_table("pacifica", two)}
        )
        ran = cancelall("positions", "bybit", "pacifica", "nobody", "--json", "--config", str(config), home=home)
    assert ran.code == 6
    told = {line["profile"]: (line["exit_code"], line["positions"] is None) for line in ran.lines}
    assert told == {"bybit": (0, False), "pacifica": (0, False), "nobody": (6, True)}


@pytest.mark.parametrize("faults", [[], ["null-lists:read~/v5/position"]])
def test_an_account_without_positions_has_none(faults: list[str], home: Path) -> None:
    """A null in the place of the list is believed when it comes twice."""
    with stocked("bybit", *faults, orders=0) as server:
        ran = run("bybit", server, home, "positions")
        line = run("bybit", server, home, "bybit", "--json").line
    assert ran.code == 0
    assert "bybit: positions: none open in this scope" in ran.out
    assert (line["positions"], line["positions_unknown"]) == ([], None)


def test_a_second_signal_leaves_the_verdict_and_says_that_positions_are_not_known(home: Path) -> None:
    """With --json the line waits for the positions: it is not lost with them."""
    with stocked("bybit", "stall~/v5/position") as server:
        env = {**environment("bybit", server), "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-m", "cancelall", "bybit", "--json", "-v"]
        process = subprocess.Popen(words, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 20
        while not of_positions("bybit", server) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    line = json.loads(out)
    assert (line["verdict"], line["positions"]) == ("clear", None)
    assert line["positions_unknown"] in ("interrupted", "the run was ended before they were read")


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        pytest.param(lost, words.split(), marks=() if (at + number) % 2 == 0 else pytest.mark.faults)
        for at, lost in enumerate(("core", "venues", "venues.bybit", "engine", "report"))
        for number, words in enumerate(("bybit --json", "bybit", "positions --json"))
    ],
)
@pytest.mark.turns(0)
def test_a_module_that_cannot_be_loaded_any_more_costs_the_positions_alone(
    lost: str, words: list[str], home: Path
) -> None:
    """As where no file descriptor or no memory is left after a kill."""
    site = home / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import sys\nsys.modules['cancelall.{lost}.positions'] = None\n", encoding="utf-8"
    )
    with stocked("bybit") as server:
        env = {**environment("bybit", server), "PYTHONPATH": f"{site}:{ROOT}"}
        ran = cancelall(*words, home=home, env=env)
        left = server.open_orders()
    assert (words[0] == "positions") == bool(left)
    if words == ["bybit"]:
        assert ran.code == 0
        assert " CLEAR  bybit (live): nothing is left" in ran.out
    elif words[0] == "bybit":
        assert (ran.code, ran.line["verdict"], ran.line["positions"]) == (0, "clear", None)
    elif lost != "report":
        assert (ran.code, ran.line["verdict"], ran.line["positions"]) == (11, "unproven", None)
