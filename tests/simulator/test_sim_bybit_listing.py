"""The fake Bybit's listings: open orders, the past, instruments, strategies, and orders that are placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from cancelall.simulator.bybit import Bybit

if TYPE_CHECKING:
    from conftest import Desk, Opener

LIST = "/v5/order/realtime"
HISTORY = "/v5/order/history"
INSTRUMENTS = "/v5/market/instruments-info"
STRATEGIES = "/v5/strategy/list"
QUERIES: list[dict[str, object]] = [
    {"category": "linear", "settleCoin": "USDT"},
    {"category": "linear", "settleCoin": "USDC"},
    {"category": "inverse"},
    {"category": "spot"},
    {"category": "option"},
]


@pytest.mark.parametrize("orders", [0, 1, 10, 40, 1000])
def test_five_queries_show_every_order(open_desk: Opener, orders: int) -> None:
    desk = open_desk(orders=orders)
    shown = [row["orderId"] for query in QUERIES for row in desk.listing(**query)]
    assert len(shown) == len(set(shown))
    assert set(shown) == {order.id for order in desk.open() if order.segment != "spread"}


def test_ten_orders_reach_every_part_of_the_account(open_desk: Opener) -> None:
    assert {order.segment for order in open_desk(orders=10).open()} == {"linear", "inverse", "spot", "option", "spread"}


def test_newest_first_without_gaps(open_desk: Opener) -> None:
    desk = open_desk(orders=1000)
    times = [int(row["createdTime"]) for row in desk.listing(category="linear", settleCoin="USDT")]
    assert len(times) > 300
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("encode", [lambda cursor: cursor, lambda cursor: quote(cursor, safe="")])
def test_cursor_as_received_or_encoded_again(open_desk: Opener, encode: Any) -> None:
    desk, query = open_desk(orders=200), "category=spot&limit=50"
    first = desk.query(LIST, query)["result"]
    cursor = first["nextPageCursor"]
    assert "%3A" in cursor
    assert "%2C" in cursor
    second = desk.query(LIST, f"{query}&cursor={encode(cursor)}")["result"]
    assert first["list"][-1]["createdTime"] > second["list"][0]["createdTime"]


def test_default_page_is_20_and_a_last_page_has_a_cursor(desk: Desk) -> None:
    page = desk.get(LIST, category="spot")["result"]
    assert len(page["list"]) <= 20
    assert page["nextPageCursor"]
    one = desk.get(LIST, category="option", limit=1)["result"]
    assert len(one["list"]) == 1
    assert one["nextPageCursor"].count(one["list"][0]["orderId"]) == 2


def test_paging_goes_on_when_the_cursors_order_is_cancelled(open_desk: Opener) -> None:
    desk, query = open_desk(orders=1000), "category=linear&settleCoin=USDT&limit=50"
    page = desk.query(LIST, query)["result"]
    last = page["list"][-1]
    desk.post("/v5/order/cancel", category="linear", symbol=last["symbol"], orderId=last["orderId"])
    rest = desk.query(LIST, f"{query}&cursor={page['nextPageCursor']}")["result"]["list"]
    assert int(rest[0]["createdTime"]) < int(last["createdTime"])
    assert len(rest) == 50


# What was seen of pages in the wild.


def walk(desk: Desk, path: str, limit: int = 10, most: int = 9) -> list[dict[str, Any]]:
    """The answers to a listing's pages as long as each has a cursor, no more than these."""
    answers: list[dict[str, Any]] = []
    cursor = ""
    while len(answers) < most:
        query = f"limit={limit}" + ("&category=spot" if path == LIST else "") + (cursor and f"&cursor={cursor}")
        answers.append(desk.query(path, query))
        cursor = answers[-1]["result"].get("nextPageCursor", "")
        if not cursor:
            break
    return answers


@pytest.mark.parametrize("path", [LIST, "/v5/spread/order/realtime"])
def test_a_continued_listing_can_be_refused(open_desk: Opener, path: str) -> None:
    desk = open_desk(faults=["page-refused"])
    assert [answer["retCode"] for answer in walk(desk, path, 1)] == [0, 10001]


def test_the_last_cursor_can_point_to_its_own_page(open_desk: Opener) -> None:
    desk = open_desk(orders=60, faults=["cursor-stays"])
    pages = [answer["result"] for answer in walk(desk, LIST)]
    assert len(pages) == 9
    assert pages[-1] == pages[-2]
    assert 0 < len(pages[-1]["list"]) < 10


@pytest.mark.parametrize(
    ("fault", "name", "value"),
    [
        ("odd-field", "price", {}),
        ("odd-field=reduceOnly/maybe", "reduceOnly", "maybe"),
        ("odd-field=symbol/null", "symbol", None),
    ],
)
@pytest.mark.parametrize("path", [LIST, "/v5/spread/order/realtime", "/v5/strategy/list"])
def test_one_field_of_a_row_can_be_odd(open_desk: Opener, path: str, fault: str, name: str, value: object) -> None:
    rows = walk(open_desk(faults=[fault]), path, 50)[0]["result"]["list"]
    usual = walk(open_desk(), path, 50)[0]["result"]["list"]
    assert rows == [{**usual[0], name: value}, *usual[1:]]


@pytest.mark.parametrize(("fault", "status", "code"), [("no-batch", 404, None), ("no-batch=10017", 200, 10017)])
def test_an_account_can_lack_the_batch(open_desk: Opener, fault: str, status: int, code: int | None) -> None:
    desk = open_desk(faults=[fault])
    order = desk.open("linear")[0]
    named = {"symbol": order.symbol, "orderId": order.id}
    reply = desk.reply("POST", "/v5/order/cancel-batch", {"category": "linear", "request": [named]})
    assert reply.status == status
    assert code is None or desk.read(reply)["retCode"] == code
    assert desk.post("/v5/order/cancel", category="linear", **named)["retCode"] == 0


def test_a_symbol_in_another_script_is_signed_and_found(desk: Desk) -> None:
    symbol = "币安人生USDT"
    shown = desk.get("/v5/market/instruments-info", category="spot", symbol=symbol)["result"]["list"]
    assert [row["symbol"] for row in shown] == [symbol]
    placed = desk.post("/v5/order/create", **{**LIMIT, "symbol": symbol, "price": "1"})
    assert placed["retCode"] == 0, placed
    assert [row["symbol"] for row in desk.listing(category="linear", symbol=symbol)] == [symbol]
    assert desk.cancel_all(category="linear", symbol=symbol) == [placed["result"]["orderId"]]


@pytest.mark.parametrize(
    "values",
    [
        {"category": "linear"},
        {"category": "nope"},
        {"category": "spot", "settleCoin": "USDT"},
        {"category": "spot", "limit": 51},
        {"category": "spot", "limit": 0},
        {"category": "spot", "openOnly": 7},
        {"category": "spot", "cursor": "x"},
        {"category": "inverse", "orderFilter": "OcoOrder"},
    ],
)
def test_bad_parameters(desk: Desk, values: dict[str, object]) -> None:
    assert desk.get(LIST, **values)["retCode"] == 10001


def test_filters_divide_spot(desk: Desk) -> None:
    filters = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
    parts = [{row["orderId"] for row in desk.listing(category="spot", orderFilter=each)} for each in filters]
    whole = [row["orderId"] for row in desk.listing(category="spot")]
    assert all(parts)
    assert sum(map(len, parts)) == len(whole)
    assert set().union(*parts) == set(whole)


def test_statuses(desk: Desk) -> None:
    rows = [row for query in QUERIES for row in desk.listing(**query)]
    assert {row["orderStatus"] for row in rows} == {"New", "PartiallyFilled", "Untriggered"}
    assert {"", "UNKNOWN"} <= {row["stopOrderType"] for row in rows}
    assert {"CreateByTWAP", "CreateByUser"} <= {row.get("createType") for row in rows}
    assert "createType" not in desk.listing(category="spot")[0]
    assert [row for row in rows if row["reduceOnly"] and row["stopOrderType"] in ("", "UNKNOWN")]
    assert {row["closeOnTrigger"] for row in rows} == {True, False}
    assert {row["positionIdx"] for row in rows} == {0, 1}
    assert {row["triggerDirection"] for row in rows} == {0, 2}


def test_closed_orders(desk: Desk) -> None:
    spot = {row["orderId"]: row for row in desk.listing(category="spot")}
    for order_filter in ("Order", "StopOrder"):
        desk.cancel_all(category="spot", orderFilter=order_filter)
    past = desk.rows(HISTORY, category="spot", limit=50)
    assert desk.rows(LIST, category="spot", openOnly=1, limit=50) == past
    assert {row["orderStatus"] for row in past} == {"Cancelled", "Deactivated", "PartiallyFilledCanceled"}
    partly = next(row for row in past if row["orderStatus"] == "PartiallyFilledCanceled")
    assert (partly["cumExecQty"], partly["leavesQty"], partly["cancelType"]) == ("0.6", "0", "CancelByUser")
    assert desk.rows(LIST, category="spot", orderId=partly["orderId"]) == [partly]
    by_client = next(row for row in past if row["orderLinkId"])
    assert desk.rows(LIST, category="spot", orderLinkId=by_client["orderLinkId"]) == [by_client]
    assert desk.rows(HISTORY, category="spot", orderId=by_client["orderId"]) == [by_client]
    assert {row["orderId"] for row in past} <= set(spot)
    desk.clock.tick(24 * 3600 + 1)
    assert desk.rows(HISTORY, category="spot") == []


def test_an_id_needs_no_coin(desk: Desk) -> None:
    order = desk.open("linear")[0]
    assert desk.rows(LIST, category="linear", orderId=order.id)[0]["orderId"] == order.id


def test_history_pages(open_desk: Opener) -> None:
    desk = open_desk(orders=400)
    taken = desk.cancel_all(category="linear", settleCoin="USDT")
    assert sorted(row["orderId"] for row in desk.listing(HISTORY, category="linear")) == sorted(taken)


# Instruments.


def test_linear_instruments_do_not_fit_the_default_page(desk: Desk) -> None:
    first = desk.get(INSTRUMENTS, category="linear")["result"]
    assert len(first["list"]) == 500
    rest = desk.query(INSTRUMENTS, f"category=linear&cursor={first['nextPageCursor']}")["result"]
    assert rest["nextPageCursor"] == ""
    everything = desk.rows(INSTRUMENTS, category="linear", limit=1000)
    assert everything == first["list"] + rest["list"]
    assert {row["settleCoin"] for row in everything} == {"USDT", "USDC"}
    assert desk.rows(INSTRUMENTS, category="linear", symbol="ETHPERP")[0]["settleCoin"] == "USDC"
    assert desk.get(INSTRUMENTS, category="linear", limit=1001)["retCode"] == 10001


def test_other_instruments(desk: Desk) -> None:
    inverse = desk.rows(INSTRUMENTS, category="inverse")
    assert {"BTC", "ETH", "XRP", "SOL"} <= {row["settleCoin"] for row in inverse}
    assert "BTCUSDH24" in {row["symbol"] for row in inverse}
    assert {row["baseCoin"] for row in desk.rows(INSTRUMENTS, category="option")} == {"BTC"}
    assert "nextPageCursor" in desk.get(INSTRUMENTS, category="spot")["result"]
    before_launch = desk.rows(INSTRUMENTS, category="linear", status="PreLaunch")
    assert [row["symbol"] for row in before_launch] == ["NEXTUSDT"]
    assert desk.get(INSTRUMENTS)["retCode"] == 10001
    spreads = desk.rows("/v5/spread/instrument")
    assert {order.symbol for order in desk.open("spread")} <= {row["symbol"] for row in spreads}


def test_every_order_is_of_a_known_instrument(desk: Desk) -> None:
    assert isinstance(desk.fake, Bybit)
    for order in desk.open():
        if order.segment != "spread":
            assert desk.fake.instruments.find(order.segment, order.symbol), order.symbol


# Strategies.


def test_strategies_list(desk: Desk) -> None:
    rows = desk.rows(STRATEGIES)
    assert {row["strategyType"] for row in rows} == {"twap", "chaseOrder", "iceberg", "pov"}
    assert {2, 4, 5, 6} == {row["status"] for row in rows}
    assert {row["status"] for row in desk.rows(STRATEGIES, status=6)} == {6}
    page = desk.get(STRATEGIES, pageSize=3)["result"]
    rest = desk.get(STRATEGIES, pageSize=50, cursor=page["nextCursor"])["result"]
    assert (len(page["list"]), len(rest["list"]), rest["nextCursor"]) == (3, len(rows) - 3, "")
    assert desk.get(STRATEGIES, pageSize=51)["retCode"] == 10001


def test_a_running_strategy_replaces_its_order_until_it_is_stopped(desk: Desk) -> None:
    def children() -> list[str]:
        rows = desk.listing(category="inverse")
        return [row["orderId"] for row in rows if row["createType"] == "CreateByIceBerg"]

    before = children()
    for _ in range(3):
        desk.cancel_all(category="inverse", settleCoin="ETH")
        assert children() == []
        desk.clock.tick(0.2)
        assert len(children()) == 1
    assert children() != before
    strategy = desk.rows(STRATEGIES, strategyType="iceberg", status=2)[0]["strategyId"]
    assert desk.post("/v5/strategy/stop", strategyId=strategy)["result"] == {"strategyId": strategy}
    desk.clock.tick(1)
    assert children() == [], "stopping cancels the child orders, and none comes back"
    assert desk.post("/v5/strategy/stop", strategyId=strategy)["retCode"] == 60074
    assert desk.post("/v5/strategy/stop", strategyId="another")["retCode"] == 60065
    assert desk.rows(STRATEGIES, strategyId=strategy)[0]["status"] == 3


def test_a_terminated_strategy_leaves_an_order_that_the_sweep_takes(desk: Desk) -> None:
    def left() -> int:
        return len([order for order in desk.open("inverse") if order.extra.get("createType") == "CreateByTWAP"])

    assert left() == 1
    desk.cancel_all(category="inverse", settleCoin="BTC")
    desk.clock.tick(1)
    assert left() == 0


def test_ack_only_stops_no_strategy(open_desk: Opener) -> None:
    desk = open_desk(faults=["ack-only"])
    strategy = desk.rows(STRATEGIES, status=2)[0]
    assert desk.post("/v5/strategy/stop", strategyId=strategy["strategyId"])["retCode"] == 0
    assert desk.rows(STRATEGIES, status=2)[0] == strategy


def test_without_the_feature_nothing_is_replaced(open_desk: Opener) -> None:
    desk = open_desk(faults=["lacks=strategy/404"])
    assert desk.reply("GET", STRATEGIES).status == 404
    desk.cancel_all(category="linear", settleCoin="USDC")
    desk.clock.tick(1)
    assert desk.listing(category="linear", settleCoin="USDC") == []


# Placing.

LIMIT = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "50000"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "New"),
        ({"triggerPrice": "40000", "triggerDirection": 2}, "Untriggered"),
        ({"orderType": "Market"}, "Filled"),
        ({"category": "spot", "orderFilter": "tpslOrder", "triggerPrice": "40000"}, "Untriggered"),
        ({"category": "spot"}, "New"),
    ],
)
def test_create(open_desk: Opener, change: dict[str, object], status: str) -> None:
    desk = open_desk(orders=0)
    placed = desk.post("/v5/order/create", **{**LIMIT, **change})
    assert placed["retCode"] == 0
    category = str(change.get("category", "linear"))
    (row,) = desk.rows(LIST, category=category, orderId=placed["result"]["orderId"])
    assert (row["orderStatus"], row["qty"], row["side"]) == (status, "0.1", "Buy")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOSUCH"}, 10001),
        ({"side": "buy"}, 10001),
        ({"qty": "0"}, 10001),
        ({"qty": "much"}, 10001),
        ({"price": ""}, 10001),
        ({"orderType": "Stop"}, 10001),
        ({"category": "spot", "orderFilter": "OcoOrder"}, 170201),
        ({"category": "spot", "orderFilter": "tpslOrder"}, 10001),
        ({"orderLinkId": "mine"}, 110072),
    ],
)
def test_create_refuses(open_desk: Opener, change: dict[str, str], code: int) -> None:
    desk = open_desk(orders=0)
    assert desk.post("/v5/order/create", **LIMIT, orderLinkId="mine")["retCode"] == 0
    assert desk.post("/v5/order/create", **{**LIMIT, **change})["retCode"] == code
    assert len(desk.open()) == 1


# About the key and the account.


def test_key_and_account(desk: Desk) -> None:
    key = desk.get("/v5/user/query-api")["result"]
    assert (key["apiKey"], key["readOnly"], key["uta"]) == (desk.account.key, 0, 1)
    assert key["permissions"]["ContractTrade"] == ["Order", "Position"]
    assert (key["ips"], key["deadlineDay"], key["permissions"]["Wallet"]) == (["*"], 80, [])
    assert desk.get("/v5/account/info")["result"]["unifiedMarginStatus"] == 5
    assert desk.get("/v5/system/status")["result"] == {"list": []}


def test_keys_of_other_sorts(open_desk: Opener) -> None:
    desk = open_desk(faults=["rights=Wallet.Withdraw", "read-only", "bound=10.0.0.1", "classic"])
    key = desk.get("/v5/user/query-api")["result"]
    assert (key["readOnly"], key["uta"], key["ips"]) == (1, 0, ["10.0.0.1"])
    assert (key["permissions"]["Wallet"], key["permissions"]["ContractTrade"]) == (["Withdraw"], [])
    assert (key["deadlineDay"], key["expiredAt"]) == (-2, "1970-01-01T00:00:00Z")
    assert desk.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")["retCode"] == 10005
    desk.fake.set_faults(["expired"])
    assert desk.get("/v5/user/query-api")["retCode"] == 33004
