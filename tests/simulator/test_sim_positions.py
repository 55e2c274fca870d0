"""The positions of the fake venues: they fit the orders, stay when these go, and other people's clients read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer


@contextmanager
def pybit_session(*faults: str, orders: int = 40) -> Iterator[tuple[SimServer, Any]]:
    unified_trading = pytest.importorskip("pybit.unified_trading")
    with simulator.start("bybit", orders=orders, limits=False, faults=list(faults)) as server:
        session = unified_trading.HTTP(**{**server.credentials, "max_retries": 1, "retry_delay": 0})
        session.endpoint = server.origin
        with closing(session.client):
            yield server, session


@contextmanager
def ccxt_client(venue: str, *faults: str, **keys: str) -> Iterator[tuple[SimServer, Any]]:
    ccxt = pytest.importorskip("ccxt")
    with simulator.start(venue, orders=40, limits=False, faults=list(faults)) as server:
        given = {name: server.credentials[key] for name, key in keys.items()}
        client = getattr(ccxt, venue)({**given, "enableRateLimit": False, "options": {"fetchCurrencies": False}})
        client.has["fetchCurrencies"] = False
        client.urls["api"] = dict.fromkeys(client.urls["api"], server.origin)
        try:
            yield server, client
        finally:
            client.session.close()


@pytest.mark.conformance
def test_bybits_own_client_reads_all_pages_and_positions_outlive_their_stops() -> None:
    with pybit_session() as (_, session):
        asked = {"category": "linear", "settleCoin": "USDT"}
        before = session.get_positions(**asked)["result"]
        assert [(row["symbol"], row["side"]) for row in before["list"]] == [
            ("BTCUSDT", "Buy"),
            ("ETHUSDT", "Sell"),
            ("SOLUSDT", "Sell"),
        ]
        assert (before["category"], before["nextPageCursor"]) == ("linear", "")
        session.cancel_all_orders(**asked)
        after = session.get_positions(**asked)["result"]["list"]
        assert [row["symbol"] for row in after] == [row["symbol"] for row in before["list"]]
        found: list[str] = []
        cursor = None
        while cursor != "":
            page = session.get_positions(**asked, limit=1, cursor=cursor)["result"]
            found += [row["symbol"] for row in page["list"]]
            cursor = page["nextPageCursor"]
        assert found == [row["symbol"] for row in before["list"]]
        one = session.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"]
        assert [row["symbol"] for row in one] == ["BTCUSDT"]
        inverse = session.get_positions(category="inverse")["result"]["list"]
        assert {row["symbol"] for row in inverse} == {"LTCUSD"}


@pytest.mark.conformance
@pytest.mark.parametrize("asked", [{"category": "linear"}, {"category": "spot"}])
def test_bybit_wants_a_category_with_positions_and_a_coin(asked: dict[str, str]) -> None:
    with pybit_session() as (_, session), pytest.raises(Exception, match="params error"):
        session.get_positions(**asked)


@pytest.mark.conformance
def test_an_account_without_orders_has_no_positions() -> None:
    with pybit_session(orders=0) as (_, session):
        assert session.get_positions(category="linear", settleCoin="USDT")["result"]["list"] == []


@pytest.mark.conformance
@pytest.mark.parametrize("mode", ["classic", "unified"])
def test_ccxt_reads_bitgets(mode: str) -> None:
    keys = {"apiKey": "api_key", "secret": "api_secret", "password": "passphrase"}
    with ccxt_client("bitget", f"mode={mode}", **keys) as (_, client):
        client.options["uta"] = mode == "unified"
        found = client.fetch_positions()
        long = next(one for one in found if one["symbol"] == "BTC/USDT:USDT")
        assert (long["side"], long["contracts"], long["entryPrice"], long["markPrice"]) == ("long", 0.5, 100.0, 101.0)
        assert (long["marginMode"], long["liquidationPrice"]) == ("cross", 50.0)
        assert "SOL/USDT:USDT" in {one["symbol"] for one in found}


@pytest.mark.conformance
def test_ccxt_reads_deribits() -> None:
    with ccxt_client("deribit", apiKey="client_id", secret="client_secret") as (_, client):
        found = {one["info"]["instrument_name"]: one for one in client.fetch_positions()}
    sides = {name: one["side"] for name, one in found.items()}
    assert sides == {"BTC-PERPETUAL": "long", "SOL_USDC-PERPETUAL": "long", "ETH-PERPETUAL": "short"}
    assert (found["BTC-PERPETUAL"]["entryPrice"], found["BTC-PERPETUAL"]["markPrice"]) == (100.0, 101.0)


@pytest.mark.conformance
def test_ccxt_reads_pacificas() -> None:
    with ccxt_client("pacifica", privateKey="secret_key") as (server, client):
        client.walletAddress = server.account.key
        found = {one["symbol"]: one for one in client.fetch_positions()}
    assert (found["BTC/USDC:USDC"]["side"], found["HYPE/USDC:USDC"]["side"]) == ("long", "short")
    assert found["BTC/USDC:USDC"]["contracts"] == 0.5
