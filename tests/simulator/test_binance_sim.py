"""The fake Binance against its documents: what other people's clients and raw requests meet."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from cancelall import simulator
from cancelall.simulator import SimReply, SimRequest, SimServer

NOW_MS = 1_790_000_000_000


class BinanceDesk:
    """Signs with code of its own, from the documents: the query, and `signature` behind it."""

    def __init__(self, *faults: str, orders: int = 34, limits: bool = False) -> None:
        self.ms = NOW_MS
        self.fake: Any = simulator.create("binance", orders=orders, now_ms=lambda: self.ms, limits=limits)
        self.fake.set_faults(faults)
        (self.account,) = self.fake.accounts.values()

    def send(self, line: str, stamp: int | None = None, signature: str = "", **values: object) -> SimReply:
        method, path = line.split()
        stamped = {**values, "recvWindow": 5000, "timestamp": self.ms if stamp is None else stamp}
        query = urlencode(stamped, quote_via=quote)
        secret = self.account.credentials["api_secret"]
        made = signature or hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        headers = {"x-mbx-apikey": self.account.credentials["api_key"]}
        request = SimRequest(method=method, path=path, query=f"{query}&signature={made}", headers=headers)
        reply: SimReply = self.fake.handle(request)
        return reply

    def ask(self, line: str, **values: Any) -> Any:
        return json.loads(self.send(line, **values).body)

    def code(self, line: str, **values: Any) -> tuple[int, int]:
        reply = self.send(line, **values)
        return reply.status, json.loads(reply.body)["code"]

    def resting(self, segment: str) -> int:
        return sum(order.segment == segment for order in self.fake.open_orders())


def test_key_clock_and_signature_are_checked() -> None:
    desk = BinanceDesk()
    assert desk.send("GET /api/v3/openOrders").status == 200
    assert desk.code("GET /api/v3/openOrders", signature="0" * 64) == (400, -1022)
    assert desk.code("GET /api/v3/openOrders", stamp=NOW_MS - 5001) == (400, -1021)
    assert desk.code("GET /api/v3/openOrders", stamp=NOW_MS + 1000) == (400, -1021)
    assert desk.send("GET /api/v3/openOrders", stamp=NOW_MS + 999).status == 200
    assert desk.send("GET /api/v3/openOrders", stamp=NOW_MS - 5000).status == 200
    del desk.fake.accounts[desk.account.key]
    assert desk.code("GET /api/v3/openOrders") == (401, -2008)


def test_a_cancel_wants_a_symbol_and_takes_its_book_alone() -> None:
    desk = BinanceDesk()
    assert desk.code("DELETE /fapi/v1/allOpenOrders") == (400, -1102)
    assert desk.code("DELETE /fapi/v1/allOpenOrders", symbol="NOSUCH") == (400, -1121)
    stops = desk.resting("usdm algo")
    assert desk.ask("DELETE /fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert desk.ask("DELETE /fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200, "nothing open says the same"
    assert desk.resting("usdm algo") == stops
    assert desk.ask("DELETE /fapi/v1/algoOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert desk.resting("usdm algo") < stops


def test_spot_says_what_it_took_and_nothing_twice() -> None:
    desk = BinanceDesk()
    taken = desk.ask("DELETE /api/v3/openOrders", symbol="BTCUSDT")
    lists = [entry for entry in taken if "orderReports" in entry]
    assert [len(entry["orderReports"]) for entry in lists] == [2]
    assert all(entry["status"] == "CANCELED" for entry in taken if "orderReports" not in entry)
    assert desk.code("DELETE /api/v3/openOrders", symbol="BTCUSDT") == (400, -2011)


def test_wallets_do_not_see_each_other() -> None:
    desk = BinanceDesk()
    (row, *_) = desk.ask("GET /sapi/v1/margin/openOrders", symbol="ETHUSDT", isIsolated="TRUE")
    named = {"symbol": "ETHUSDT", "orderId": row["orderId"]}
    assert desk.code("DELETE /sapi/v1/margin/order", **named, isIsolated="FALSE")[1] == -2011
    assert desk.ask("DELETE /sapi/v1/margin/order", **named, isIsolated="TRUE")["status"] == "CANCELED"


def test_a_leg_takes_its_list_along() -> None:
    desk = BinanceDesk()
    legs = [row for row in desk.ask("GET /api/v3/openOrders") if row["orderListId"] == 1929]
    assert len(legs) == 2
    (shown,) = [one for one in desk.ask("GET /api/v3/openOrderList") if one["orderListId"] == 1929]
    assert {leg["orderId"] for leg in shown["orders"]} == {leg["orderId"] for leg in legs}
    desk.ask("DELETE /api/v3/order", symbol="BTCUSDT", orderId=legs[0]["orderId"])
    assert not [row for row in desk.ask("GET /api/v3/openOrders") if row["orderListId"] == 1929]


def test_numbers_are_unique_within_a_symbol_only() -> None:
    desk = BinanceDesk(orders=200)
    numbers = [(row["orderId"], row["symbol"]) for row in desk.ask("GET /fapi/v1/openOrders")]
    assert len(set(numbers)) == len(numbers) > len({number for number, _ in numbers})


def test_portfolio_margin_moves_wallets_to_another_host() -> None:
    desk = BinanceDesk("mode=pm")
    assert desk.code("GET /fapi/v1/openOrders") == (401, -2015)
    assert desk.code("DELETE /sapi/v1/margin/openOrders", symbol="BTCUSDT") == (401, -2015)
    assert desk.ask("GET /papi/v1/um/openOrders")
    assert desk.ask("GET /papi/v1/cm/conditional/openOrders")
    assert desk.ask("GET /sapi/v1/account/info")["isPortfolioMarginRetailEnabled"] is True
    assert BinanceDesk().code("GET /papi/v1/um/openOrders") == (400, -21001)


def test_a_parent_goes_on_placing_orders() -> None:
    desk = BinanceDesk()
    before = desk.resting("usdm")
    desk.ask("DELETE /fapi/v1/allOpenOrders", symbol="BTCUSDT")
    left = desk.resting("usdm")
    assert left < before
    desk.ms += 1000
    assert desk.resting("usdm") == left + 1
    shown = desk.ask("GET /sapi/v1/algo/futures/openOrders")
    assert shown["total"] == len(shown["orders"]) == 2
    for row in shown["orders"]:
        assert desk.ask("DELETE /sapi/v1/algo/futures/order", algoId=row["algoId"])["success"] is True
        assert desk.code("DELETE /sapi/v1/algo/futures/order", algoId=row["algoId"]) == (400, -20124)
    desk.ask("DELETE /fapi/v1/allOpenOrders", symbol="BTCUSDT")
    desk.ms += 1000
    assert not [row for row in desk.ask("GET /fapi/v1/openOrders") if row["symbol"] == "BTCUSDT"]


def test_weight_is_counted_by_address_and_who_goes_on_is_banned() -> None:
    desk = BinanceDesk(limits=True)
    first = dict(desk.send("GET /fapi/v1/openOrders").headers)
    assert first["X-MBX-USED-WEIGHT-1M"] == "40"
    assert dict(desk.send("GET /dapi/v1/openOrders").headers)["X-MBX-USED-WEIGHT-1M"] == "80", "they share a limit"
    statuses = [desk.send("GET /fapi/v1/openOrders").status for _ in range(100)]
    assert (statuses[0], 429 in statuses, statuses[-1]) == (200, True, 418)
    assert desk.send("GET /api/v3/openOrders").status == 200, "another host has its own"
    desk.ms += 60_000
    assert desk.send("GET /fapi/v1/openOrders").status == 418
    desk.ms += 120_000
    assert desk.send("GET /fapi/v1/openOrders").status == 200


def test_a_path_that_does_not_exist() -> None:
    assert BinanceDesk().code("GET /papi/v1/nothing") == (404, -5000)


def test_an_order_that_is_over_is_still_looked_up() -> None:
    desk = BinanceDesk()
    (row, *_) = desk.ask("GET /fapi/v1/openAlgoOrders")
    desk.ask("DELETE /fapi/v1/algoOrder", algoId=row["algoId"])
    assert desk.ask("GET /fapi/v1/algoOrder", algoId=row["algoId"])["algoStatus"] == "CANCELED"
    assert desk.code("GET /fapi/v1/order", symbol="BTCUSDT", orderId=999_999) == (400, -2013)


# --- ccxt -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("binance", orders=34) as running:
        yield running


def market(symbol: str, identity: str, kind: str, **more: Any) -> dict[str, Any]:
    base, quote_coin = symbol.split(":")[0].split("/")
    settle = symbol.partition(":")[2] or None
    return {
        "id": identity,
        "lowercaseId": identity.lower(),
        "symbol": symbol,
        "base": base,
        "quote": quote_coin,
        "baseId": base,
        "quoteId": quote_coin,
        "settle": settle,
        "settleId": settle,
        "type": kind,
        **{name: name == kind for name in ("spot", "swap", "future", "option", "margin")},
        "contract": kind != "spot",
        "linear": kind == "swap" and settle == "USDT",
        "inverse": kind == "swap" and settle not in (None, "USDT"),
        "active": True,
        "contractSize": 1.0 if kind != "spot" else None,
        "precision": {"amount": 0.001, "price": 0.01},
        "info": {"orderTypes": ["LIMIT", "MARKET"]},
        "limits": {name: {"min": None, "max": None} for name in ("amount", "price", "cost", "leverage", "market")},
        **more,
    }


def ccxt_client(server: SimServer) -> Any:
    ccxt = pytest.importorskip("ccxt")
    client = ccxt.binance(
        {"apiKey": server.credentials["api_key"], "secret": server.credentials["api_secret"], "enableRateLimit": False}
    )
    client.urls["api"] = {
        name: server.origin + "/" + "/".join(url.split("/")[3:]) for name, url in client.urls["api"].items()
    }
    client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    option = next(order.symbol for order in server.open_orders() if order.segment == "option")
    client.set_markets(
        [
            market("BTC/USDT", "BTCUSDT", "spot", margin=True),
            market("ETH/USDT", "ETHUSDT", "spot", margin=True),
            market("SOL/USDT", "SOLUSDT", "spot"),
            market("BTC/USDT:USDT", "BTCUSDT", "swap"),
            market("ETH/USDT:USDT", "ETHUSDT", "swap"),
            market("BTC/USD:BTC", "BTCUSD_PERP", "swap"),
            market("BTC/USDT:USDT-X", option, "option"),
        ]
    )
    return client


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("symbol", "segment", "listing", "params"),
    [
        ("BTC/USDT", "spot", "/api/v3/openOrders", {}),
        ("BTC/USDT", "margin", "/sapi/v1/margin/openOrders", {"marginMode": "cross"}),
        ("BTC/USDT:USDT", "usdm", "/fapi/v1/openOrders", {}),
        ("BTC/USDT:USDT", "usdm algo", "/fapi/v1/openAlgoOrders", {"trigger": True}),
        ("BTC/USD:BTC", "coinm", "/dapi/v1/openOrders", {}),
        ("BTC/USD:BTC", "coinm algo", "/dapi/v1/openAlgoOrders", {"trigger": True}),
    ],
)
def test_ccxt_lists_and_cancels_by_symbol(
    server: SimServer, symbol: str, segment: str, listing: str, params: dict[str, Any]
) -> None:
    client = ccxt_client(server)
    before = [one for one in server.open_orders() if one.segment == segment]
    identity = client.market(symbol)["id"]
    mine = [one for one in before if one.symbol == identity]
    assert mine
    shown = client.fetch_open_orders(symbol, params=params)
    assert {one["id"] for one in shown} == {one.id.rpartition(":")[2] for one in mine}
    client.cancel_all_orders(symbol, params=params)
    left = [one for one in server.open_orders() if one.segment == segment]
    assert {one.id for one in left} & {one.id for one in mine} <= {one.id for one in mine if "child" in one.extra}
    assert {one.id for one in before} - {one.id for one in mine} <= {one.id for one in left}
    assert listing in {request.path for request in server.requests}


@pytest.mark.conformance
def test_ccxt_cancels_one_order_and_places_one(server: SimServer) -> None:
    client = ccxt_client(server)
    placed = client.create_order("BTC/USDT", "limit", "buy", 0.5, 90.0)
    assert placed["id"] in {one["id"] for one in client.fetch_open_orders("BTC/USDT")}
    assert client.cancel_order(placed["id"], "BTC/USDT")["status"] == "canceled"
    assert client.fetch_order(placed["id"], "BTC/USDT")["status"] == "canceled"


@pytest.mark.conformance
def test_ccxt_is_refused_with_a_wrong_secret(server: SimServer) -> None:
    ccxt = pytest.importorskip("ccxt")
    client = ccxt_client(server)
    client.secret = "DUMMYwrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_open_orders("BTC/USDT")
