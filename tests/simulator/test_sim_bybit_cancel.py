"""The fake Bybit's cancels, rule by rule."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from cancelall.simulator.bybit import Bybit, state

if TYPE_CHECKING:
    from conftest import Desk, Opener

CANCEL = "/v5/order/cancel-all"
ONE = "/v5/order/cancel"
BATCH = "/v5/order/cancel-batch"
OPENING_ON_SPOT: dict[str, object] = {"category": "spot", "orderFilter": "OpenOrder"}
"""A filter that spot does not have is refused with a code of its own."""


def kinds_of(desk: Desk, segment: str) -> Counter[str]:
    return Counter(order.kind for order in desk.open(segment))


def settle_coin(desk: Desk, symbol: str, category: str) -> str:
    assert isinstance(desk.fake, Bybit)
    instrument = desk.fake.instruments.find(category, symbol)
    assert instrument
    return instrument.settle_coin


# Which orders a mass cancel takes.


@pytest.mark.parametrize("coin", ["USDT", "USDC"])
def test_linear_by_settle_coin(desk: Desk, coin: str) -> None:
    expected = {order.id for order in desk.open("linear") if settle_coin(desk, order.symbol, "linear") == coin}
    assert set(desk.cancel_all(category="linear", settleCoin=coin)) == expected
    assert expected.isdisjoint(order.id for order in desk.open())
    assert {settle_coin(desk, order.symbol, "linear") for order in desk.open("linear")} == {"USDT", "USDC"} - {coin}


def test_inverse_by_coin(desk: Desk) -> None:
    coins = {settle_coin(desk, order.symbol, "inverse") for order in desk.open("inverse")}
    assert {"BTC", "ETH", "XRP", "SOL"} <= coins
    for coin in coins:
        assert desk.cancel_all(category="inverse", settleCoin=coin)
    assert not desk.open("inverse")
    assert not desk.cancel_all(category="inverse", settleCoin="USDT")


@pytest.mark.parametrize(
    ("values", "symbols"),
    [
        ({"symbol": "ETHUSDT", "settleCoin": "USDC"}, {"ETHUSDT"}),
        ({"symbol": "ETHUSDT", "baseCoin": "BTC"}, {"ETHUSDT"}),
        ({"baseCoin": "BTC", "settleCoin": "USDC"}, {"BTCUSDT", "BTCPERP", "dated"}),
        ({"symbol": None, "settleCoin": "USDC"}, {"BTCPERP", "ETHPERP", "dated"}),
    ],
)
def test_symbol_beats_base_coin_beats_settle_coin(desk: Desk, values: dict[str, object], symbols: set[str]) -> None:
    before = {order.id: order.symbol for order in desk.open("linear")}
    taken = {before[order_id] for order_id in desk.cancel_all(category="linear", **values)}
    assert {symbol if "-" not in symbol else "dated" for symbol in taken} == symbols


@pytest.mark.parametrize(
    "values",
    [
        {"category": "linear"},
        {"category": "inverse", "orderFilter": "Order"},
        {"category": "perp", "settleCoin": "USDT"},
        {},
        {"category": "spot", "settleCoin": "USDT"},
        {"category": "linear", "settleCoin": 5},
        {"category": "linear", "settleCoin": "USDT", "orderFilter": "tpslOrder"},
        {"category": "option", "orderFilter": "OpenOrder"},
        OPENING_ON_SPOT,
    ],
)
def test_bad_parameters(desk: Desk, values: dict[str, object]) -> None:
    assert desk.post(CANCEL, **values)["retCode"] == (170201 if values == OPENING_ON_SPOT else 10001)
    assert len(desk.open()) == 40


def test_a_body_that_is_not_an_object(desk: Desk) -> None:
    for body in (b"[]", b"{", b"5"):
        answer = desk.read(desk.fake.handle(desk.request("POST", CANCEL, body=body)))
        assert answer["retCode"] == 10001


@pytest.mark.parametrize(
    "values",
    [
        {"category": "linear", "settleCoin": "USTD"},
        {"category": "linear", "settleCoin": "usdt"},
        {"category": "linear", "symbol": "BTCUSTD"},
        {"category": "linear", "baseCoin": "USDT"},
        {"category": "option", "settleCoin": "BTC"},
        {"category": "spot", "symbol": "btcusdt"},
    ],
)
def test_a_typo_is_a_success_that_does_nothing(desk: Desk, values: dict[str, object]) -> None:
    answer = desk.post(CANCEL, **values)
    assert (answer["retCode"], answer["result"]) == (0, {"list": [], "success": "1"})
    assert len(desk.open()) == 40


def test_spot_without_a_filter_takes_ordinary_orders_only(desk: Desk) -> None:
    before = kinds_of(desk, "spot")
    desk.cancel_all(category="spot")
    left = kinds_of(desk, "spot")
    assert before["Order"] > left["Order"] == 0
    assert all(left[kind] == before[kind] > 0 for kind in ("Stop", "tpslOrder", "OcoOrder"))
    for order_filter in state.CANCEL_FILTERS["spot"]:
        assert bool(desk.cancel_all(category="spot", orderFilter=order_filter)) == (order_filter != "Order")
    assert not desk.open("spot")


def test_bidirectional_takes_untriggered_ones_only(desk: Desk) -> None:
    before = [order for order in desk.open("spot") if order.kind == state.BIDIRECTIONAL]
    assert {order.side for order in before} == {"buy", "sell"}
    working = {order.id for order in before if state.triggered(order)}
    desk.cancel_all(category="spot", orderFilter="BidirectionalTpslOrder")
    assert {order.id for order in desk.open("spot") if order.kind == state.BIDIRECTIONAL} == working
    assert working
    assert working <= set(desk.cancel_all(category="spot"))


def test_futures_filters(desk: Desk) -> None:
    usdt = {"category": "linear", "settleCoin": "USDT"}
    orders = {order.id: order for order in desk.open("linear")}
    opened = desk.cancel_all(**usdt, orderFilter="OpenOrder")
    assert opened
    assert not [order_id for order_id in opened if orders[order_id].reduce_only]
    ordinary = desk.cancel_all(**usdt, orderFilter="Order")
    assert {orders[order_id].kind for order_id in ordinary} == {"Order"}
    assert all(orders[order_id].reduce_only for order_id in ordinary)
    stops = desk.cancel_all(**usdt, orderFilter="StopOrder")
    assert {"StopLoss", "TakeProfit", "TrailingStop"} <= {orders[order_id].kind for order_id in stops}
    assert desk.cancel_all(**usdt) == []


def test_stop_order_type_spares_protection(desk: Desk) -> None:
    usdt = {"category": "linear", "settleCoin": "USDT"}
    orders = {order.id: order for order in desk.open("linear")}
    taken = desk.cancel_all(**usdt, orderFilter="StopOrder", stopOrderType="Stop")
    assert {orders[order_id].kind for order_id in taken} == {"Stop"}
    assert desk.cancel_all(category="spot", stopOrderType="Stop"), "it does nothing where it does not belong"
    assert desk.cancel_all(**usdt, stopOrderType="StopLoss"), "other values do nothing"
    assert not [order for order in desk.open("linear") if order.symbol == "BTCUSDT"]


def test_option(desk: Desk) -> None:
    assert {settle_coin(desk, order.symbol, "option") for order in desk.open("option")} == {"USDT", "USDC"}
    desk.cancel_all(category="option", settleCoin="USDC")
    assert {settle_coin(desk, order.symbol, "option") for order in desk.open("option")} == {"USDT"}
    desk.cancel_all(category="option")
    assert not desk.open("option")


# The cap.


def test_futures_cap_picks_500_at_random(open_desk: Opener) -> None:
    desk = open_desk(orders=5000)
    newest_first = [order.id for order in desk.open("linear") if settle_coin(desk, order.symbol, "linear") == "USDT"]
    total = len(newest_first)
    assert total > 1500
    rounds = 0
    while desk.open("linear"):
        taken = desk.cancel_all(category="linear", settleCoin="USDT") or desk.cancel_all(
            category="linear", settleCoin="USDC"
        )
        assert len(taken) <= 500
        if rounds == 0:
            assert len(taken) == 500
            places = [newest_first.index(order_id) for order_id in taken]
            assert min(places) < total * 0.05
            assert max(places) > total * 0.95
        rounds += 1
        desk.clock.tick(0.01)
        assert rounds < 20
    assert rounds >= 4


def test_the_pick_follows_the_seed(open_desk: Opener) -> None:
    picks = [open_desk(orders=2000, seed=seed).cancel_all(category="linear", baseCoin="BTC") for seed in (5, 5, 6)]
    assert picks[0] == picks[1] != picks[2]


def test_spot_and_option_have_no_cap(open_desk: Opener) -> None:
    desk = open_desk(orders=5000)
    for order_filter in state.CANCEL_FILTERS["spot"]:
        desk.cancel_all(category="spot", orderFilter=order_filter)
    desk.cancel_all(category="option")
    assert not desk.open("spot", "option")


# The answer.


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("success=missing", {"list": []}),
        ("ack-list=null", {"list": None, "success": "1"}),
        ("ack-list=absent", {"success": "1"}),
    ],
)
def test_shapes_of_the_answer(open_desk: Opener, fault: str, result: dict[str, Any]) -> None:
    desk = open_desk(orders=0, faults=[fault])
    assert desk.post(CANCEL, category="option")["result"] == result


def test_success_0_cancels_nothing(open_desk: Opener) -> None:
    desk = open_desk(faults=["success=0@1"])
    assert desk.post(CANCEL, category="option")["result"] == {"list": [], "success": "0"}
    assert desk.cancel_all(category="option")


# Single orders.


def test_cancel_one(desk: Desk) -> None:
    order = next(order for order in desk.open("linear") if order.client_id)
    values = {"category": "linear", "symbol": order.symbol}
    answer = desk.post(ONE, **values, orderLinkId=order.client_id)
    assert answer["result"] == {"orderId": order.id, "orderLinkId": order.client_id}
    again = desk.post(ONE, **values, orderId=order.id)
    assert (again["retCode"], again["retMsg"]) == (110001, "order not exists or too late to cancel")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "ETHUSDT"}, 110001),
        ({"category": "inverse"}, 110001),
        ({"symbol": ""}, 10001),
        ({"orderId": "x"}, 110001),
    ],
)
def test_cancel_one_in_the_wrong_place(desk: Desk, change: dict[str, str], code: int) -> None:
    order = next(order for order in desk.open("linear") if order.symbol == "BTCUSDT")
    values = {"category": "linear", "symbol": "BTCUSDT", "orderId": order.id, **change}
    assert desk.post(ONE, **values)["retCode"] == code
    assert desk.account.book.is_open(order.id)


@pytest.mark.parametrize(
    ("kind", "order_filter", "code"),
    [
        ("Order", "", 0),
        ("Stop", "", 170213),
        ("Stop", "StopOrder", 0),
        ("tpslOrder", "tpslOrder", 0),
        ("OcoOrder", "OcoOrder", 170201),
        ("OcoOrder", "", 170213),
    ],
)
def test_spot_needs_the_right_filter(desk: Desk, kind: str, order_filter: str, code: int) -> None:
    order = next(order for order in desk.open("spot") if order.kind == kind)
    values = {"category": "spot", "symbol": order.symbol, "orderId": order.id, "orderFilter": order_filter}
    assert desk.post(ONE, **values)["retCode"] == code
    if code == 0:
        assert desk.post(ONE, **values)["retCode"] == 170142


def codes_of(desk: Desk, category: str, items: list[dict[str, str]]) -> list[int]:
    """What a batch answers of each of its orders."""
    return [row["code"] for row in desk.post(BATCH, category=category, request=items)["retExtInfo"]["list"]]


def test_batch_is_positional(desk: Desk) -> None:
    first, second = [order for order in desk.open("linear") if order.symbol == "BTCUSDT"][:2]
    ids = [{"orderId": one} for one in (first.id, "no-such", second.id)]
    items = [{"symbol": "BTCUSDT", **one} for one in (*ids, {})]
    answer = desk.post(BATCH, category="linear", request=items)
    assert answer["retCode"] == 0
    assert [row["code"] for row in answer["retExtInfo"]["list"]] == [0, 110001, 0, 10001]
    assert [row["orderId"] for row in answer["result"]["list"]] == [first.id, "no-such", second.id, ""]


@pytest.mark.parametrize(("category", "most"), [("linear", 20), ("option", 20), ("spot", 10)])
def test_batch_size(desk: Desk, category: str, most: int) -> None:
    item = {"symbol": "BTCUSDT", "orderId": "x"}
    assert desk.post(BATCH, category=category, request=[item] * most)["retCode"] == 0
    assert desk.post(BATCH, category=category, request=[item] * (most + 1))["retCode"] == 10001
    assert desk.post(BATCH, category=category, request=[])["retCode"] == 10001


def test_spot_batch_reaches_ordinary_orders_only(desk: Desk) -> None:
    orders = [next(order for order in desk.open("spot") if order.kind == kind) for kind in ("Order", "Stop")]
    assert codes_of(desk, "spot", [{"symbol": order.symbol, "orderId": order.id} for order in orders]) == [0, 170213]


def test_a_partial_batch_names_what_failed(open_desk: Opener) -> None:
    desk = open_desk(faults=["partial"])
    orders = [order for order in desk.open("linear") if order.symbol == "BTCUSDT"][:4]
    items = [{"symbol": "BTCUSDT", "orderId": order.id} for order in orders]
    assert codes_of(desk, "linear", items) == [0, 0, 110079, 110079]


# Spreads.


def test_spread(desk: Desk) -> None:
    symbols = sorted({order.symbol for order in desk.open("spread")})
    path = "/v5/spread/order/cancel-all"
    assert desk.post(path)["retCode"] == 10001
    assert desk.post(path, cancelAll=False)["retCode"] == 10001
    listed = desk.get("/v5/spread/order/realtime", limit=50)["result"]["list"]
    assert {row["symbol"] for row in listed} == set(symbols)
    order = listed[0]
    assert desk.post("/v5/spread/order/cancel", orderId=order["orderId"])["retCode"] == 0
    assert desk.post("/v5/spread/order/cancel", orderId=order["orderId"])["retCode"] == 110001
    assert desk.post(path, symbol="NO_SUCH", cancelAll=True)["result"]["list"] == [], "cancelAll is ignored"
    assert desk.post(path, cancelAll=True)["retCode"] == 0
    assert not desk.open("spread")
    past = desk.get("/v5/spread/order/history")["result"]["list"]
    assert len(past) == len(listed)
    assert {row["orderStatus"] for row in past} == {"Cancelled"}
