"""A client that nobody here wrote trades against the fake AscendEX: ccxt, whose 4.5.63 is the last release that has it.

It is looked for in the folder that `CANCELALL_CCXT_ASCENDEX` names, else in `.conformance/ccxt-4.5.63`, where `make
conformance` puts it. It runs in a process of its own, because the tests of other venues load a newer one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from clients import must_be_there

pytestmark = [pytest.mark.conformance, pytest.mark.faults]

HERE = Path(__file__).resolve().parents[2] / ".conformance" / "ccxt-4.5.63"
LEDGERS = {"cash": "spot", "margin": "margin", "futures": "swap"}
FOLDER = Path(os.environ.get("CANCELALL_CCXT_ASCENDEX") or HERE)

# Reads what to do from its input, does it in one go, and prints what came of it, or the name of the error.
DRIVER = """
import json, sys
task = json.load(sys.stdin)
sys.path.insert(0, task["folder"])
import ccxt
assert ccxt.__version__ == "4.5.63", ccxt.__version__
client = ccxt.ascendex({"apiKey": task["key"], "secret": task["secret"], "enableRateLimit": False})
client.urls["api"] = {"rest": task["origin"]}
results = []
for name, arguments in task["calls"]:
    arguments = [results[each["of"]]["id"] if isinstance(each, dict) and "of" in each else each for each in arguments]
    try:
        results.append(getattr(client, name)(*arguments))
    except ccxt.BaseError as error:
        results.append({"error": type(error).__name__})
print(json.dumps(results))
"""


@pytest.fixture
def server() -> Iterator[SimServer]:
    # Without limits: what the venue's are is not documented, and ccxt asks faster than the fake's guess.
    with simulator.start("ascendex", orders=40, limits=False) as running:
        yield running


def ccxt_does(server: SimServer, *calls: tuple[Any, ...], secret: str = "") -> list[Any]:
    """The results of these calls, each a method's name and its arguments; `{"of": 0}` is the id of the first result."""
    if not (FOLDER / "ccxt" / "ascendex.py").is_file() and not must_be_there():
        pytest.skip(f"no ccxt 4.5.63 in {FOLDER}: `make conformance` installs it")
    task = {
        "folder": str(FOLDER),
        "origin": server.origin,
        "key": server.credentials["api_key"],
        "secret": secret or server.credentials["api_secret"],
        "calls": [(call[0], call[1:]) for call in calls],
    }
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_ccxt_lists_and_cancels_each_ledger(server: SimServer) -> None:
    before = {ledger: {order.id for order in server.open_orders() if order.segment == ledger} for ledger in LEDGERS}
    cash, margin, futures, *cancelled, positions = ccxt_does(
        server,
        *(("fetch_open_orders", None, None, None, {"type": kind}) for kind in LEDGERS.values()),
        ("cancel_all_orders", "BTC/USDT:USDT"),
        *(("cancel_all_orders", None, {"type": kind}) for kind in LEDGERS.values()),
        ("fetch_positions",),
    )
    for ledger, rows in zip(LEDGERS, (cash, margin, futures), strict=True):
        assert {row["id"] for row in rows} == before[ledger]
        assert {row["status"] for row in rows} == {"open"}
        assert any(row["triggerPrice"] for row in rows)
    assert any(row["reduceOnly"] for row in futures)
    assert [int(answer[0]["info"]["code"]) for answer in cancelled] == [0, 0, 0, 0]
    assert server.open_orders() == []
    bitcoin = next(row for row in positions if row["symbol"] == "BTC/USDT:USDT")
    assert (bitcoin["takeProfitPrice"], bitcoin["stopLossPrice"]) == (90_000, 50_000)


def test_ccxt_places_finds_and_cancels(server: SimServer) -> None:
    for symbol in ("BTC/USDT", "BTC/USDT:USDT"):
        placed, shown, open_now, cancelled, after, again = ccxt_does(
            server,
            ("create_order", symbol, "limit", "buy", 0.01, 50_000),
            ("fetch_order", {"of": 0}, symbol),
            ("fetch_open_orders", symbol),
            ("cancel_order", {"of": 0}, symbol),
            ("fetch_order", {"of": 0}, symbol),
            ("cancel_order", {"of": 0}, symbol),
        )
        assert shown["id"] == placed["id"]
        assert (shown["symbol"], shown["price"], shown["amount"]) == (symbol, 50_000, 0.01)
        assert (shown["status"], after["status"]) == ("open", "canceled")
        assert placed["id"] in {row["id"] for row in open_now}
        assert cancelled["id"] == placed["id"]
        assert "error" in again
    assert len(server.open_orders()) == 40


def test_ccxt_reads_the_history(server: SimServer) -> None:
    _, _, spot, swap = ccxt_does(
        server,
        ("cancel_all_orders", "BTC/USDT"),
        ("cancel_all_orders", "BTC/USDT:USDT"),
        ("fetch_closed_orders", "BTC/USDT"),
        ("fetch_closed_orders", "BTC/USDT:USDT"),
    )
    closed = {order.id for order in server.closed_orders()}
    assert {row["id"] for row in spot} | {row["id"] for row in swap} == closed
    assert closed


def test_ccxt_is_refused(server: SimServer) -> None:
    assert ccxt_does(server, ("cancel_all_orders", "BTC/USDT"), secret="DUMMYwrong") == [
        {"error": "AuthenticationError"}
    ]
    assert len(server.open_orders()) == 40
