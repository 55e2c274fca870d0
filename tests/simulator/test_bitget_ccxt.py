"""A client that nobody here wrote trades against the fake Bitget: ccxt, on a classic and on a unified account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer

pytestmark = pytest.mark.conformance

SWAP, PAIR = "BTC/USDT:USDT", "BTC/USDT"


@contextmanager
def trading(mode: str, *faults: str, **changes: Any) -> Iterator[tuple[SimServer, Any]]:
    """A server and a client that talks to it. Without limits, because ccxt is told not to pace itself."""
    ccxt = pytest.importorskip("ccxt")
    with simulator.start("bitget", orders=40, limits=False, faults=[f"mode={mode}", *faults]) as server:
        keys = server.credentials
        given = {"apiKey": keys["api_key"], "secret": keys["api_secret"], "password": keys["passphrase"]}
        client = ccxt.bitget({**given, "enableRateLimit": False, "options": {"fetchCurrencies": False}, **changes})
        client.has["fetchCurrencies"] = False
        client.urls["api"] = dict.fromkeys(client.urls["api"], server.origin)
        try:
            yield server, client
        finally:
            client.session.close()


def ids(orders: list[dict[str, Any]]) -> set[str]:
    return {str(order["id"]) for order in orders}


def real(server: SimServer, segment: str, symbol: str = "BTCUSDT", kind: str = "") -> set[str]:
    return {
        order.id
        for order in server.open_orders()
        if (order.segment, order.symbol) == (segment, symbol) and kind in ("", order.kind)
    }


def test_classic_futures() -> None:
    with trading("classic") as (server, client):
        assert ids(client.fetch_open_orders(SWAP)) == real(server, "USDT-FUTURES")
        placed = client.create_order(SWAP, "limit", "buy", 0.01, 50_000)["id"]
        assert placed in ids(client.fetch_open_orders(SWAP))
        assert client.cancel_order(placed, SWAP)["id"] == placed
        assert client.fetch_order(placed, SWAP)["status"] == "canceled"
        cancelled = client.cancel_all_orders(SWAP)
        assert len(cancelled) == 2
        assert client.fetch_open_orders(SWAP) == []
        assert real(server, "USDT-FUTURES") == set()
        assert real(server, "USDT-FUTURES", "ETHUSDT")
        closed = ids(client.fetch_canceled_orders(SWAP))
        assert ids(cancelled) <= closed


def test_classic_plan_orders() -> None:
    with trading("classic") as (server, client):
        segment = "USDT-FUTURES plan"
        assert ids(client.fetch_open_orders(SWAP, params={"trigger": True})) == real(
            server, segment, kind="normal_plan"
        )
        trailing = client.create_order(
            SWAP, "market", "sell", 0.01, None, {"trailingPercent": "2", "trailingTriggerPrice": 9}
        )
        assert ids(client.fetch_open_orders(SWAP, params={"trailing": True})) >= {trailing["id"]}
        assert client.cancel_order(trailing["id"], SWAP, {"trailing": True})["id"] == trailing["id"]
        stop = client.create_order(SWAP, "market", "sell", 0.01, None, {"stopLossPrice": 40_000})["id"]
        closing = client.fetch_open_orders(SWAP, params={"planType": "profit_loss"})
        assert stop in ids(closing)
        assert client.cancel_order(stop, SWAP, {"trigger": True})["id"] is None, "the silent no-op, met by ccxt too"
        assert stop in real(server, segment)
        assert client.cancel_order(stop, SWAP, {"trigger": True, "planType": "pos_loss"})["id"] == stop
        assert stop not in real(server, segment)
        trigger = client.create_order(SWAP, "limit", "buy", 0.01, 40_000, {"triggerPrice": 45_000})["id"]
        taken = ids(client.cancel_all_orders(SWAP, {"trigger": True}))
        assert trigger in taken
        assert real(server, segment, kind="normal_plan") == set()


def test_classic_spot() -> None:
    with trading("classic") as (server, client):
        assert ids(client.fetch_open_orders(PAIR)) == real(server, "SPOT", kind="normal")
        placed = client.create_order(PAIR, "limit", "buy", 0.01, 50_000)["id"]
        assert client.cancel_order(placed, PAIR)["id"] == placed
        assert client.fetch_order(placed, PAIR)["status"] == "canceled"
        trigger = client.create_order(PAIR, "limit", "buy", 0.01, 40_000, {"triggerPrice": 45_000})["id"]
        assert trigger in ids(client.fetch_open_orders(PAIR, params={"trigger": True}))
        client.cancel_all_orders(PAIR, {"trigger": True})
        assert client.fetch_open_orders(PAIR, params={"trigger": True}) == []
        margin = client.create_order(PAIR, "limit", "buy", 0.01, 50_000, {"marginMode": "cross"})["id"]
        assert ids(client.fetch_open_orders(PAIR, params={"marginMode": "cross"})) == {margin}
        client.cancel_orders([margin], PAIR, {"marginMode": "cross"})
        assert real(server, "crossed") == set()


@pytest.mark.parametrize("symbol", [SWAP, PAIR])
def test_unified(symbol: str) -> None:
    category = "USDT-FUTURES" if symbol == SWAP else "SPOT"
    with trading("unified") as (server, client):
        assert ids(client.fetch_open_orders(symbol)) == real(server, f"unified {category}")
        assert client.options["uta"] is True, "ccxt has found out by itself"
        placed = client.create_order(symbol, "limit", "buy", 0.01, 50_000)["id"]
        assert client.cancel_orders([placed], symbol)[0]["id"] == placed
        assert client.fetch_order(placed, symbol)["status"] == "canceled"
        client.cancel_all_orders(symbol)
        assert real(server, f"unified {category}") == set()
        strategies = ids(client.fetch_open_orders(symbol, params={"trigger": True}))
        assert strategies == real(server, f"unified {category} strategy")
        for each in strategies:
            client.cancel_order(each, symbol, {"trigger": True})
        assert client.fetch_open_orders(symbol, params={"trigger": True}) == []


def test_unified_margin() -> None:
    with trading("unified") as (server, client):
        assert ids(client.fetch_open_orders(PAIR, params={"marginMode": "cross"})) == real(server, "unified MARGIN")
        client.cancel_all_orders(PAIR, {"marginMode": "cross"})
        assert real(server, "unified MARGIN") == set()
        assert real(server, "unified SPOT")


@pytest.mark.parametrize(
    "change",
    [{"secret": "DUMMYwrong"}, {"password": "DUMMYwrong"}, {"apiKey": "bg_nobody"}],
    ids=lambda each: next(iter(each)),
)
def test_refused(change: dict[str, str]) -> None:
    ccxt = pytest.importorskip("ccxt")
    with trading("classic", **change) as (server, client):
        with pytest.raises(ccxt.AuthenticationError):
            client.fetch_open_orders(SWAP)
        assert len(server.open_orders()) == 40


def test_demo() -> None:
    with trading("classic", "demo") as (server, client):
        ccxt = pytest.importorskip("ccxt")
        with pytest.raises(ccxt.ExchangeError, match="40099"):
            client.fetch_open_orders(SWAP)
        client.options["sandboxMode"] = True
        assert ids(client.fetch_open_orders(SWAP)) == real(server, "USDT-FUTURES")
