"""The fake OKX: signatures, listings, cancels and limits as documented, and clients that nobody here wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.simulator.okx.state import ALGOS
from simulator.desks import Clock, OkxDesk

Opener = Callable[..., OkxDesk]
BATCH, SINGLE, ALGO, OLD = (
    "trade/cancel-batch-orders",
    "trade/cancel-order",
    "trade/cancel-algos",
    "trade/cancel-advance-algos",
)


@pytest.fixture
def open_desk(clock: Clock) -> Opener:
    def make(*faults: str, orders: int = 40, limits: bool = False) -> OkxDesk:
        return OkxDesk.open_at("okx", clock, faults, orders=orders, limits=limits)

    return make


@pytest.fixture
def desk(open_desk: Opener) -> OkxDesk:
    return open_desk()


def codes(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["code"], [row["sCode"] for row in answer["data"]]


# --- keys and clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ok-access-key": None}, "50103"),
        ({"ok-access-passphrase": None}, "50104"),
        ({"ok-access-sign": None}, "50106"),
        ({"ok-access-timestamp": None}, "50107"),
        ({"ok-access-timestamp": "1700000000000"}, "50112"),
        ({"ok-access-key": "nobody"}, "50119"),
        ({"ok-access-passphrase": "wrong"}, "50105"),
        ({"ok-access-sign": "d3Jvbmc="}, "50113"),
        ({"x-simulated-trading": "1"}, "50101"),
    ],
)
def test_what_is_wrong_with_the_headers(desk: OkxDesk, headers: dict[str, str | None], code: str) -> None:
    reply = desk.reply("GET", "/api/v5/account/config", headers=headers)
    assert (reply.status, desk.read(reply)["code"]) == (401, code)
    assert "data" not in desk.read(reply)


@pytest.mark.parametrize(("seconds", "code"), [(-31, "50102"), (-29, "0"), (0, "0"), (29, "0"), (31, "50102")])
def test_the_window_is_half_a_minute(desk: OkxDesk, clock: Clock, seconds: int, code: str) -> None:
    answer = desk.ask("GET", "/api/v5/account/config", timestamp=clock() + seconds * 1000)
    assert answer["code"] == code


def test_a_key_of_demo_trading_needs_its_header(open_desk: Opener) -> None:
    desk = open_desk("demo")
    assert desk.get("account/config")["code"] == "50101"
    assert desk.ask("GET", "/api/v5/account/config", headers={"x-simulated-trading": "1"})["code"] == "0"


@pytest.mark.parametrize(
    ("path", "body", "headers", "code"),
    [
        (BATCH, b"", {}, "50000"),
        (BATCH, b"{}", {}, "50002"),
        (BATCH, b"[1]", {}, "50002"),
        (SINGLE, b"[]", {}, "50002"),
        (BATCH, b"[]", {"content-type": None}, "50006"),
        (BATCH, b"[]", {}, "51406"),
    ],
)
def test_a_body_has_its_shape(desk: OkxDesk, path: str, body: bytes, headers: dict[str, str | None], code: str) -> None:
    request = desk.request("POST", desk.api + path, body=body, headers=headers)
    reply = desk.fake.handle(request)
    assert (reply.status, desk.read(reply)["code"]) == (400, code)


# --- listings ---------------------------------------------------------------------------------------------------------


def test_every_order_is_in_one_listing_alone(desk: OkxDesk) -> None:
    shown = [row["ordId"] for row in desk.data("trade/orders-pending")]
    shown += [row["ordId"] for row in desk.data("trade/orders-pending", instType="EVENTS")]
    shown += [row["ordId"] for row in desk.data("sprd/orders-pending")]
    types = ("conditional,oco", *(one for one in ALGOS if one not in ("conditional", "oco")))
    for one in types:
        rows = desk.data("trade/orders-algo-pending", ordType=one)
        assert rows
        assert {row["ordType"] for row in rows} <= set(one.split(","))
        shown += [row["algoId"] for row in rows]
    assert sorted(shown) == sorted(order.id for order in desk.open())


def test_algo_orders_are_listed_by_a_type_that_exists(desk: OkxDesk) -> None:
    assert desk.get("trade/orders-algo-pending")["code"] == "50014"
    for types in ("limit", "trigger,twap", "conditional,trigger", "x"):
        assert desk.get("trade/orders-algo-pending", ordType=types)["code"] == "51000"


def test_filters(desk: OkxDesk) -> None:
    assert {row["instType"] for row in desk.data("trade/orders-pending", instType="SWAP")} == {"SWAP"}
    assert {row["instId"] for row in desk.data("trade/orders-pending", instId="BTC-USDT")} == {"BTC-USDT"}
    assert desk.get("trade/orders-pending", instType="SPREAD")["code"] == "51000"
    for path in ("trade/orders-pending", "sprd/orders-pending"):
        name = {"instId": "NO-SUCH"} if "trade" in path else {"sprdId": "NO-SUCH"}
        assert desk.get(path, **name)["code"] == "51001", "an unknown instrument is no empty list"


@pytest.mark.parametrize("path", ["trade/orders-pending", "sprd/orders-pending"])
def test_pages_begin_after_an_id_newest_first(open_desk: Opener, path: str) -> None:
    desk, onward = open_desk(orders=400), "endId" if "sprd" in path else "after"
    whole, more = [], {}
    while rows := desk.data(path, limit=7, **more):
        whole += [row["ordId"] for row in rows]
        more = {onward: rows[-1]["ordId"]}
    assert whole == sorted(whole, key=int, reverse=True)
    assert len(whole) == len(set(whole)) == len(desk.open("spreads" if "sprd" in path else "orders"))
    assert desk.get(path, limit=101)["code"] == "51000"


def test_event_contracts_may_be_among_the_others(open_desk: Opener) -> None:
    shown = [
        {row["instType"] for row in open_desk(*fault).data("trade/orders-pending")} for fault in ((), ("events-among",))
    ]
    assert [("EVENTS" in types) for types in shown] == [False, True]


# --- cancels ----------------------------------------------------------------------------------------------------------


def test_a_batch_tells_of_each_order(desk: OkxDesk) -> None:
    first, second, third, *_ = desk.open("orders")
    assert codes(desk.cancel(BATCH, first, second)) == ("0", ["0", "0"])
    assert codes(desk.cancel(BATCH, first, third)) == ("2", ["51400", "0"])
    assert codes(desk.cancel(BATCH, first)) == ("1", ["51400"])
    other = desk.open("orders")[0]
    items = [{"ordId": other.id}, {"instId": "NO-SUCH", "ordId": other.id}, {"instId": other.symbol}]
    assert codes(desk.post(BATCH, items)) == ("1", ["50014", "51001", "51003"])
    wrong = "ETH-USDT" if other.symbol != "ETH-USDT" else "BTC-USDT"
    assert codes(desk.post(SINGLE, {"instId": wrong, "ordId": other.id})) == ("1", ["51400"])
    assert desk.rests(other.id)
    assert desk.post(BATCH, items * 7)["code"] == "51406"


def test_each_call_reaches_its_own_part_of_the_account(desk: OkxDesk) -> None:
    spread, stop, trailing, ordinary = (desk.open(one)[0] for one in ("spreads", "TP/SL", "trailing stops", "orders"))
    for order in (spread, stop):
        assert codes(desk.post(SINGLE, {"instId": order.symbol, "ordId": order.id})) == ("1", ["51400"])
    assert codes(desk.post(ALGO, [{"instId": ordinary.symbol, "algoId": ordinary.id}])) == ("1", ["51400"])
    assert codes(desk.cancel(OLD, stop)) == ("1", ["51293"])
    assert codes(desk.cancel(OLD, trailing)) == ("0", ["0"])
    assert codes(desk.cancel(ALGO, stop)) == ("0", ["0"])
    assert codes(desk.post("sprd/cancel-order", {"ordId": spread.id})) == ("0", ["0"])
    assert not [one for one in (spread, stop, trailing) if desk.rests(one.id)]


def test_one_call_cancels_all_spread_orders_and_nothing_else(desk: OkxDesk) -> None:
    before = len(desk.open()) - len(desk.open("spreads"))
    name = desk.open("spreads")[0].symbol
    assert desk.post("sprd/mass-cancel", {"sprdId": name})["data"] == [{"result": True}]
    assert (
        {one.symbol for one in desk.open("spreads")} == {one.symbol for one in desk.open("spreads")} - {name} != set()
    )
    assert desk.post("sprd/mass-cancel", {})["code"] == "0"
    assert (len(desk.open()), desk.open("spreads")) == (before, [])


def test_how_an_order_ended(desk: OkxDesk) -> None:
    order, algo = desk.open("orders")[0], desk.open("triggers")[0]
    desk.cancel(BATCH, order)
    desk.cancel(ALGO, algo)
    (row,) = desk.data("trade/order", instId=order.symbol, ordId=order.id)
    assert (row["state"], row["cancelSource"]) == ("canceled", "1")
    assert desk.data("trade/order-algo", algoId=algo.id)[0]["state"] == "canceled"
    assert desk.get("trade/order", instId="BTC-USDT", ordId="1")["code"] == "51603"
    kind = str(order.extra["instType"])
    assert [row["ordId"] for row in desk.data("trade/orders-history", instType=kind)] == [order.id]
    ended = desk.data("trade/orders-algo-history", ordType=algo.kind, state="canceled")
    assert [row["algoId"] for row in ended] == [algo.id]
    assert desk.get("trade/orders-algo-history", ordType=algo.kind)["code"] == "50015"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_cancels_count_by_order_and_instrument(open_desk: Opener, clock: Clock) -> None:
    desk = open_desk(orders=3000, limits=True)
    stops = [one for one in desk.open("TP/SL") if one.symbol == "BTC-USDT-SWAP"]
    other = [one for one in desk.open("TP/SL") if one.symbol == "ETH-USDT-SWAP"]
    assert [desk.cancel(ALGO, *stops[start : start + 10])["code"] for start in (0, 10, 20)] == ["0", "0", "50011"]
    assert desk.cancel(ALGO, *other[:10])["code"] == "0"
    clock.tick(1.0)
    assert desk.cancel(ALGO, *stops[20:30])["code"] == "0"
    assert desk.cancel(ALGO, stops[30])["code"] == "50011"
    singles = [one for one in desk.open("orders") if one.symbol == "BTC-USDT"]
    assert [desk.cancel(BATCH, one)["code"] for one in singles[:61]] == ["0"] * 60 + ["50011"]
    assert desk.cancel(BATCH, *singles[61:63])["code"] == "0", "a batch of several counts apart"


def test_too_many_requests_are_said_in_two_ways(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    replies = [desk.reply("GET", "/api/v5/account/config") for _ in range(7)]
    assert [reply.status for reply in replies] == [200] * 5 + [429, 200]
    assert [desk.read(reply)["code"] for reply in replies] == ["0"] * 5 + ["50011"] * 2


def test_every_fault_of_its_own_strikes(open_desk: Opener) -> None:
    for name in simulator.venue_class("okx").own_faults:
        desk = open_desk(name)
        desk.post("sprd/mass-cancel", {})
        for path in (BATCH, ALGO, OLD):
            order = desk.open("trailing stops" if "algo" in path else "orders")[0]
            item = {"instId": order.symbol, "algoId" if "algo" in path else "ordId": order.id}
            desk.fake.handle(desk.request("POST", desk.api + path, body=json.dumps([item]).encode()))
        for path, values in (
            ("trade/orders-pending", {"after": "999999999999999999"}),
            ("trade/orders-pending", {}),
            ("trade/orders-algo-pending", {"ordType": "chase"}),
            ("account/config", {}),
            ("tradingBot/grid/orders-algo-pending", {"algoOrdType": "grid"}),
        ):
            desk.get(path, **values)
        assert desk.fake.strikes(name), name


# --- clients that nobody here wrote -----------------------------------------------------------------------------------


@contextmanager
def trading(*faults: str) -> Iterator[tuple[SimServer, Any]]:
    """A server, and ccxt that talks to it."""
    ccxt = pytest.importorskip("ccxt")
    with simulator.start("okx", orders=40, limits=False, faults=faults) as server:
        keys = server.credentials
        given = {"apiKey": keys["api_key"], "secret": keys["api_secret"], "password": keys["passphrase"]}
        client = ccxt.okx({**given, "enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot", "swap"]}}})
        client.has["fetchCurrencies"] = False
        client.urls["api"] = {"rest": server.origin}
        client.hostname = "127.0.0.1"
        try:
            yield server, client
        finally:
            client.session.close()


def ids(orders: list[dict[str, Any]]) -> set[str]:
    return {str(order["id"]) for order in orders}


def real(server: SimServer, segment: str, *symbols: str) -> set[str]:
    return {one.id for one in server.open_orders() if one.segment == segment and one.symbol in symbols}


SWAP, PAIR = "BTC/USDT:USDT", "BTC/USDT"


@pytest.mark.conformance
def test_ccxt_trades_and_cancels() -> None:
    with trading() as (server, client):
        assert ids(client.fetch_open_orders(SWAP)) == real(server, "orders", "BTC-USDT-SWAP")
        placed = client.create_order(PAIR, "limit", "buy", 0.01, 50_000)["id"]
        assert placed in ids(client.fetch_open_orders(PAIR))
        assert client.cancel_order(placed, PAIR)["id"] == placed
        assert client.fetch_order(placed, PAIR)["status"] == "canceled"
        swaps = sorted(real(server, "orders", "BTC-USDT-SWAP"))
        assert ids(client.cancel_orders(swaps, SWAP)) == set(swaps)
        assert client.fetch_open_orders(SWAP) == []
        stops = sorted(real(server, "TP/SL", "BTC-USDT-SWAP"))
        shown = client.fetch_open_orders(SWAP, params={"ordType": "conditional", "trigger": True})
        assert ids(shown) == set(stops)
        assert ids(client.cancel_orders(stops, SWAP, {"trigger": True})) == set(stops)
        assert real(server, "TP/SL", "BTC-USDT-SWAP") == set()


@pytest.mark.conformance
def test_ccxt_takes_the_refusals_for_what_they_are() -> None:
    ccxt = pytest.importorskip("ccxt")
    with trading() as (server, client):
        with pytest.raises(ccxt.OrderNotFound):
            client.cancel_order("1", PAIR)
        for fault, error in (
            ("key", ccxt.ExchangeError),  # 50119, which it does not know
            ("listing-refused", ccxt.ExchangeError),
            ("demo", ccxt.AuthenticationError),
            ("clock=60", ccxt.InvalidNonce),
            ("hint=2/own", ccxt.RateLimitExceeded),
        ):
            server.set_faults([fault])
            with pytest.raises(error):
                client.fetch_open_orders(PAIR)


@pytest.mark.conformance
def test_ccxt_reads_the_positions() -> None:
    with trading() as (_, client):
        shown = {one["symbol"]: (one["side"], float(one["contracts"])) for one in client.fetch_positions()}
    assert shown[SWAP] == ("long", 0.5)
