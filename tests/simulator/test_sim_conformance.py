"""Clients that nobody here wrote trade against the fake Bybit: pybit, the venue's own SDK, and ccxt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer

pytestmark = pytest.mark.conformance

LIMIT = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "50000"}


@pytest.fixture
def server() -> Iterator[SimServer]:
    # Without limits: ccxt asks faster than the default tier allows an option cancel.
    with simulator.start("bybit", orders=40, limits=False) as running:
        yield running


def pybit_session(server: SimServer, **changes: Any) -> Any:
    unified_trading = pytest.importorskip("pybit.unified_trading")
    session = unified_trading.HTTP(**{**server.credentials, "max_retries": 1, "retry_delay": 0, **changes})
    session.endpoint = server.origin
    return session


def ccxt_client(server: SimServer, **changes: Any) -> Any:
    ccxt = pytest.importorskip("ccxt")
    keys = {"apiKey": server.credentials["api_key"], "secret": server.credentials["api_secret"]}
    client = ccxt.bybit(
        {**keys, "enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot", "linear"]}}, **changes}
    )
    client.urls["api"] = dict.fromkeys(client.urls["api"], server.origin)
    return client


def test_pybit_lists_all_pages(server: SimServer) -> None:
    session = pybit_session(server)
    with closing(session.client):
        ids: list[str] = []
        cursor = None
        while True:
            page = session.get_open_orders(category="linear", settleCoin="USDT", limit=3, cursor=cursor)["result"]
            if not page["list"]:
                break
            ids += [row["orderId"] for row in page["list"]]
            cursor = page["nextPageCursor"]
    real = {order.id for order in server.open_orders() if order.segment == "linear"}
    assert len(ids) == len(set(ids)) > 6
    assert set(ids) < real


def test_pybit_places_finds_and_cancels(server: SimServer) -> None:
    session = pybit_session(server)
    with closing(session.client):
        placed = session.place_order(**LIMIT, orderLinkId="mine")["result"]["orderId"]
        listed = session.get_open_orders(category="linear", symbol="BTCUSDT", orderLinkId="mine")["result"]["list"]
        assert [row["orderId"] for row in listed] == [placed]
        session.cancel_order(category="linear", symbol="BTCUSDT", orderId=placed)
        gone = session.get_order_history(category="linear", orderId=placed)["result"]["list"]
        assert [row["orderStatus"] for row in gone] == ["Cancelled"]
        batch = [{"symbol": "BTCUSDT", "orderId": placed}]
        outcome = session.cancel_batch_order(category="linear", request=batch)
        assert outcome["retExtInfo"]["list"][0]["code"] == 110001


def test_pybit_cancels_everything(server: SimServer) -> None:
    session = pybit_session(server)
    with closing(session.client):
        # pybit has no method for strategies, but signs any path.
        running = session._submit_request("GET", f"{server.origin}/v5/strategy/list", {"status": 2}, auth=True)
        for row in running["result"]["list"]:
            query = {"strategyId": row["strategyId"]}
            session._submit_request("POST", f"{server.origin}/v5/strategy/stop", query, auth=True)
        for coin in ("USDT", "USDC"):
            assert session.cancel_all_orders(category="linear", settleCoin=coin)["result"]["success"] == "1"
        inverse = session.get_open_orders(category="inverse", limit=50)["result"]["list"]
        for symbol in {row["symbol"] for row in inverse}:
            session.cancel_all_orders(category="inverse", symbol=symbol)
        for order_filter in ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"):
            session.cancel_all_orders(category="spot", orderFilter=order_filter)
        session.cancel_all_orders(category="option")
        assert session.spread_get_open_orders()["result"]["list"]
        session.spread_cancel_all_orders(cancelAll=True)
        assert session.spread_get_open_orders()["result"] == {"list": [], "nextPageCursor": ""}
    assert server.open_orders() == []


@pytest.mark.parametrize(("change", "code"), [({"api_secret": "DUMMYwrong"}, 10004), ({"api_key": "SIMnobody"}, 10003)])
def test_pybit_is_refused(server: SimServer, change: dict[str, str], code: int) -> None:
    exceptions = pytest.importorskip("pybit.exceptions")
    session = pybit_session(server, **change)
    with closing(session.client), pytest.raises(exceptions.InvalidRequestError) as refused:
        session.cancel_all_orders(category="linear", settleCoin="USDT")
    assert refused.value.status_code == code
    assert len(server.open_orders()) == 40


def test_pybit_signs_with_rsa(server: SimServer) -> None:
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    account = server.add_account({"api_key": "SIMrsa", "rsa_public_key": public})
    session = pybit_session(server, api_key="SIMrsa", api_secret=pem, rsa_authentication=True)
    with closing(session.client):
        usdt = {"category": "linear", "settleCoin": "USDT"}  # where no strategy places another order meanwhile
        session.cancel_all_orders(**usdt)
        page = session.get_open_orders(**usdt)["result"]
    assert page["list"] == []
    assert len(server.open_orders(account)) < 40


def test_ccxt_trades(server: SimServer) -> None:
    client = ccxt_client(server)
    try:
        for symbol in ("BTC/USDT:USDT", "BTC/USDT"):
            placed = client.create_order(symbol, "limit", "buy", 0.01, 50_000)["id"]
            assert placed in {order["id"] for order in client.fetch_open_orders(symbol)}
            assert client.cancel_order(placed, symbol)["id"] == placed
            assert placed not in {order["id"] for order in client.fetch_open_orders(symbol)}
        trigger = client.create_order(
            "BTC/USDT:USDT", "limit", "buy", 0.01, 40_000, {"triggerPrice": 45_000, "triggerDirection": "descending"}
        )
        assert client.fetch_open_order(trigger["id"], "BTC/USDT:USDT")["triggerPrice"] == 45_000
        cancelled = client.cancel_all_orders("BTC/USDT:USDT")
        assert trigger["id"] in {order["id"] for order in cancelled}
        assert client.fetch_open_orders("BTC/USDT:USDT") == []
    finally:
        client.session.close()
    assert not [order for order in server.open_orders() if (order.segment, order.symbol) == ("linear", "BTCUSDT")]


def test_ccxt_is_refused(server: SimServer) -> None:
    ccxt = pytest.importorskip("ccxt")
    client = ccxt_client(server, secret="DUMMYwrong")
    try:
        with pytest.raises(ccxt.AuthenticationError):
            client.fetch_open_orders("BTC/USDT:USDT")
    finally:
        client.session.close()
