"""The fake DeltaDeFi: its rules and its faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from cancelall.simulator import SimOrder, SimRequest
from cancelall.simulator.deltadefi.markets import MARKETS
from simulator.desks import CANCEL, LIST, opener
from simulator.desks import DeltadefiDesk as Desk
from support import ROOT

ADA = {"symbol": "ADAUSDM"}
NOTHING = b'{"error":"Order not found","code":4200}'
Opener = Callable[..., Desk]

open_desk = opener(Desk, "deltadefi", "prompt")


def test_a_stock_of_ten_has_every_symbol_and_kind(open_desk: Opener) -> None:
    rows = open_desk(orders=10).listing()
    assert {row["symbol"] for row in rows} == set(MARKETS) - {"NIGHTUSDCx"}
    assert {row["status"] for row in rows} == {"building", "processing", "open"}
    assert {row["type"] for row in rows} == {"limit", "market"}
    assert {row["side"] for row in rows} == {"buy", "sell"}
    assert any(Decimal(row["executed_base_qty"]) for row in rows)


# The key.


@pytest.mark.parametrize("key", ["", "nobodys"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", CANCEL), ("GET", LIST), ("GET", "/accounts/balance"), ("GET", "/accounts/api-key")]
)
def test_a_wrong_key_is_refused(desk: Desk, method: str, path: str, key: str) -> None:
    assert desk.code(method, path, ADA, headers={"x-api-key": key}) == (401, 4010)
    assert len(desk.open()) == 40


def test_the_new_key_kills_the_old_one(desk: Desk) -> None:
    assert desk.get("/accounts/api-key")["api_key"] == desk.account.key
    new = desk.get("/accounts/new-api-key")["api_key"]
    assert desk.fake.requests[-1].changes, "it is a GET, and it changes something all the same"
    assert desk.code("GET", LIST, ADA) == (401, 4010)
    assert desk.code("GET", LIST, ADA, headers={"x-api-key": new}) == (200, 0)
    assert len(desk.fake.open_orders()) == 40


# Cancelling everything.


def test_cancel_all_takes_one_symbol(desk: Desk) -> None:
    mine = {order.id for order in desk.open("ADAUSDM")}
    assert set(desk.cancel_all()) == mine
    assert {order.id for order in desk.open()}.isdisjoint(mine)
    assert len(desk.open()) == 40 - len(mine)
    reply = desk.reply("POST", CANCEL, ADA)
    assert (reply.status, reply.body) == (400, NOTHING), "nothing to cancel is an error"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        *((body, (422, 4000)) for body in ({}, {"symbol": ""}, {"symbol": None}, {"symbol": ["ADAUSDM"]}, [])),
        *(({"symbol": symbol}, (400, 4106)) for symbol in ("adausdm", "ADAUSDCX", "HOSKYUSDM", "*")),
    ],
)
def test_cancel_all_wants_a_symbol_in_its_own_spelling(desk: Desk, body: dict[str, Any], expected: object) -> None:
    assert desk.code("POST", CANCEL, body) == expected
    assert len(desk.open()) == 40


def test_a_pair_that_was_delisted_still_holds_orders(open_desk: Opener) -> None:
    desk = open_desk()
    config = desk.get("/app/market-config")
    listed = {pair["symbol"] for pair in config["trading_pairs"]}
    assert listed == set(MARKETS) - {"ADAUSDX"}
    assert "ADAUSDCx" in listed
    assert {symbol for asset in config["assets"] for symbol in asset["trading_pairs"]} == listed
    assert len(desk.cancel_all("ADAUSDX")) > 1
    assert desk.listing(symbol="ADAUSDX") == []
    desk.fake.set_faults(["prompt", "delisted=IAGUSDM"])
    for method, path in (("POST", CANCEL), ("GET", LIST)):
        assert desk.code(method, path, {"symbol": "IAGUSDM"}) == (400, 4106)
    assert "IAGUSDM" not in {pair["symbol"] for pair in desk.get("/app/market-config")["trading_pairs"]}
    assert "IAGUSDM" in {row["symbol"] for row in desk.rows()}
    assert desk.cancel_all()


def test_young_orders_are_missed(desk: Desk) -> None:
    desk.cancel_all()
    order_id = desk.place()
    desk.clock.tick(0.3)
    assert desk.reply("POST", CANCEL, ADA).body == NOTHING, "4200, although an order is on the book"
    assert [(row["id"], row["status"]) for row in desk.listing(**ADA)] == [(order_id, "processing")]
    assert desk.code("POST", f"/order/{order_id}/cancel") == (400, 4202)
    for seconds, status in ((0.6, "processing"), (0.1, "open")):
        desk.clock.tick(seconds)
        assert [row["status"] for row in desk.listing(**ADA)] == [status]
    assert desk.cancel_all() == [order_id]


def test_some_cancels_land_late(open_desk: Opener) -> None:
    desk = open_desk(orders=2000, quirky=False)
    claimed = desk.cancel_all()
    late = {order.id for order in desk.open("ADAUSDM")}
    assert late < set(claimed)
    assert 0.05 < len(late) / len(claimed) < 0.2
    assert desk.reply("POST", CANCEL, ADA).body == NOTHING, "their cancel is on its way"
    assert desk.code("POST", f"/order/{next(iter(late))}/cancel") == (400, 4202)
    desk.clock.tick(0.36)
    assert 0.25 < len(desk.listing(**ADA)) / len(late) < 0.75
    desk.clock.tick(1.5)
    assert desk.listing(**ADA) == []


def test_an_order_can_fill_while_its_cancel_is_on_its_way(open_desk: Opener) -> None:
    desk = open_desk(orders=2000, quirky=False)
    desk.cancel_all()
    late = {order.id for order in desk.open("ADAUSDM")}
    desk.fake.set_faults(["fill=3"])
    desk.clock.tick(1.86)
    assert desk.listing(**ADA) == []
    filled = {order.id for order in desk.fake.closed_orders() if order.status == "filled"}
    assert len(filled) == 3
    assert filled < late
    record = desk.get(f"/accounts/order/{filled.pop()}")
    assert (record["status"], record["executed_base_qty"]) == ("closed", record["base_qty"])


# One order.


def test_one_order_is_cancelled_and_read(desk: Desk) -> None:
    order = desk.open("IAGUSDM")[0]
    assert desk.get(f"/accounts/order/{order.id}")["status"] == "open"
    assert desk.read(desk.reply("POST", f"/order/{order.id}/cancel")) == {"order_id": order.id}
    assert desk.get(f"/accounts/order/{order.id}")["status"] == "cancelled"
    assert desk.code("POST", f"/order/{order.id}/cancel") == (400, 4201)
    assert desk.code("POST", "/order/no-such-order/cancel") == (400, 4200)
    assert desk.code("GET", "/accounts/order/no-such-order") == (400, 4200)


@pytest.mark.parametrize(
    "written",
    ["GET /accounts/order/", "POST /order//cancel", "DELETE /order/cancel-all/build", f"GET {CANCEL}", f"POST {LIST}"],
)
def test_wrong_paths_are_answered_with_a_sentence(desk: Desk, written: str) -> None:
    reply = desk.reply(*written.split(" "))
    assert (reply.status, reply.body) == (404, b"404 page not found")


# Listings.


def test_pages_have_ten_rows_unless_told(open_desk: Opener) -> None:
    desk = open_desk(orders=1000)
    answer, ids = desk.get(LIST, **ADA), [order.id for order in desk.open("ADAUSDM")]
    assert [row["id"] for row in answer["data"]] == ids[:10]
    assert (answer["total_count"], answer["total_page"]) == (len(ids), -(-len(ids) // 10))
    assert [row["id"] for row in desk.listing()] == [order.id for order in desk.open()], "all pages show all orders"
    assert [row["id"] for row in desk.listing(**ADA)] == ids
    assert desk.get(LIST, limit=230)["total_page"] == 5, "the last page may be short"
    assert desk.get(LIST, limit=250, page=5) == {"data": [], "total_count": 1000, "total_page": 4}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *((query, (422, 4000)) for query in ({"limit": 0}, {"limit": 251}, {"page": 0}, {"page": 1001}, {"page": "x"})),
        ({"symbol": "ADAUSD"}, (400, 4106)),
    ],
)
def test_what_cannot_be_listed(desk: Desk, query: dict[str, Any], expected: object) -> None:
    assert desk.code("GET", LIST, query) == expected


def test_history(desk: Desk) -> None:
    desk.fake.set_faults(["prompt", "fill=1"])
    desk.cancel_all()
    filled = next(order.id for order in desk.fake.closed_orders() if order.status == "filled")
    orders = desk.get("/accounts/trade-orders", limit=250, **ADA)
    assert filled in {row["id"] for row in orders["data"]}
    assert all(Decimal(row["executed_base_qty"]) for row in orders["data"])
    executions = desk.get("/accounts/trades", limit=250, **ADA)
    assert {row["order_id"] for row in executions["data"]} == {row["id"] for row in orders["data"]}
    old = desk.get("/accounts/order-records", status="tradingHistory", limit=250)
    assert filled in {row["order_id"] for row in old["data"][0]["orders"]}
    assert desk.code("GET", "/accounts/order-records", {"status": "all"}) == (400, 4404)


def test_locked_balance_is_what_open_orders_hold(desk: Desk) -> None:
    before = {row["asset"]: Decimal(row["locked"]) for row in desk.get("/accounts/balance")}
    sold = sum(Decimal(order.remaining) for order in desk.open() if order.side == "sell" and order.symbol[:3] == "ADA")
    assert before["ADA"] == sold > 0
    desk.sweep()
    assert {Decimal(row["locked"]) for row in desk.get("/accounts/balance")} == {Decimal(0)}


def test_a_fresh_account_has_nothing(open_desk: Opener) -> None:
    desk = open_desk(orders=0)
    assert desk.get("/accounts/balance") == []
    assert desk.get(LIST, **ADA) == {"data": [], "total_count": 0, "total_page": 0}
    for path in ("/app/market-config", "/app/hydra-cycle", "/health/trading-lock-status"):
        assert desk.reply("GET", path, headers={"x-api-key": ""}).status == 200, "some reads need no key"


def test_limits_are_per_key_and_endpoint(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    assert [desk.code("POST", CANCEL, ADA)[0] for _ in range(6)] == [200, 400, 400, 400, 400, 429]
    assert desk.code("POST", CANCEL, ADA) == (429, 4290)
    assert [desk.code("GET", LIST, ADA)[0] for _ in range(11)] == [200] * 10 + [429]
    ids = [order.id for order in desk.open()[:11]]
    assert [desk.code("GET", f"/accounts/order/{one}")[0] for one in ids] == [200] * 10 + [429]
    desk.clock.tick(0.2)
    assert desk.code("POST", CANCEL, ADA) == (400, 4200)
    for _ in range(20):
        desk.clock.tick(0.25)
        assert desk.code("POST", CANCEL, ADA)[0] != 429, "a client that spaces its cancels is not limited"


# Faults.


@pytest.mark.parametrize(
    ("fault", "method", "expected"),
    [
        ("key", "GET", (401, 4010)),
        ("ip", "POST", (401, 4010)),
        ("permission", "POST", (401, 4010)),
        ("permission", "GET", (200, 0)),
        ("listing-refused", "GET", (401, 4010)),
        ("listing-fails", "GET", (500, 5000)),
        ("listing-fails~NIGHT", "GET", (200, 0)),
        ("error-500=1", "POST", (500, 5000)),
        ("error-after", "POST", (500, 5000)),
        ("internal-400", "POST", (400, 5000)),
        ("maintenance", "POST", (503, 5001)),
        ("status=418", "GET", (418, 0)),
        ("locked", "POST", (400, 5002)),
        ("locked=2/503", "GET", (503, 5002)),
        ("locked:cancel", "GET", (200, 0)),
        ("lenient-symbols", "GET", (200, 0)),
    ],
)
def test_refusals(open_desk: Opener, fault: str, method: str, expected: tuple[int, int]) -> None:
    desk = open_desk(faults=[fault])
    assert desk.code(method, CANCEL if method == "POST" else LIST, ADA) == expected
    assert (len(desk.open()) < 40) is (fault == "error-after")


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("empty-403", 403, b""),
        ("upstream-503", 503, b"upstream connect error or disconnect/reset before headers. reset reason: connection t"),
        ("html", 502, b"<html>"),
        ("region", 403, b"<html>"),
        ("nothing=404~NIGHT", 404, NOTHING),
        ("nothing=200~NIGHT", 200, b'{"symbol":"NIGHTUSDCx","order_ids":[]}'),
    ],
)
def test_other_answers(open_desk: Opener, fault: str, status: int, body: bytes) -> None:
    reply = open_desk(faults=[fault]).reply("POST", CANCEL, {"symbol": "NIGHTUSDCx"})
    assert reply.status == status
    assert reply.body.startswith(body)
    assert bool(reply.body) is bool(body)


def test_the_lock_ends(open_desk: Opener) -> None:
    desk = open_desk(faults=["locked=3"])
    assert desk.code("POST", CANCEL, ADA) == (400, 5002)
    assert desk.get("/health/trading-lock-status") == {"locked": True}
    assert desk.get("/app/market-config")
    desk.clock.tick(2.9)
    assert desk.code("GET", LIST, ADA) == (400, 5002)
    desk.clock.tick(0.1)
    assert desk.get("/health/trading-lock-status") == {"locked": False}
    assert desk.cancel_all()


def test_short_ack_names_less_than_it_takes(open_desk: Opener) -> None:
    desk = open_desk(faults=["short-ack"])
    before = len(desk.open("ADAUSDM"))
    assert len(desk.cancel_all()) == before // 2
    assert desk.open("ADAUSDM") == []


def test_other_forms_of_a_listing(open_desk: Opener) -> None:
    rows = open_desk(faults=["bare-list"]).get(LIST, limit=250)
    assert (isinstance(rows, list), len(rows)) == (True, 40)
    desk = open_desk(faults=["symbol-needed"])
    assert desk.code("GET", LIST) == (422, 4000)
    assert desk.code("GET", LIST, ADA) == (200, 0)
    desk = open_desk(faults=["lenient-symbols"])
    assert desk.code("POST", CANCEL, {"symbol": "ADAUSD"}) == (400, 4200)
    assert desk.get(LIST, symbol="ADAUSD")["data"] == []
    answer = open_desk(faults=["count-off=2"]).get(LIST, limit=250)
    assert answer["total_count"] == len(answer["data"]) + 2
    desk = open_desk(faults=["cursor-loop"])
    assert desk.get(LIST, page=2) == desk.get(LIST, page=1)
    row = open_desk(faults=["numbers"]).listing(**ADA)[0]
    assert (type(row["price"]), type(row["base_qty"])) == (float, float)


def test_a_straggler_lands_once(open_desk: Opener) -> None:
    desk = open_desk(faults=["straggler=1.5"])
    assert desk.listing(**ADA)
    desk.clock.tick(5)
    assert len(desk.open()) == 40, "it waits for an empty listing"
    desk.cancel_all()
    for seconds in (0, 1.4):
        desk.clock.tick(seconds)
        assert desk.listing(**ADA) == []
    desk.clock.tick(0.1)
    landed = desk.listing(**ADA)
    assert [row["status"] for row in landed] == ["open"]
    assert desk.cancel_all() == [landed[0]["id"]], "a cancel reaches it as soon as it is there"
    for seconds in (0, 5):
        desk.clock.tick(seconds)
        assert desk.listing(**ADA) == []


def test_unlisted_orders_are_on_the_book(open_desk: Opener) -> None:
    desk = open_desk(orders=0, faults=["unlisted=1.5"])
    order_id = desk.place()
    for seconds in (0, 1.4):
        desk.clock.tick(seconds)
        assert desk.listing(**ADA) == []
    assert desk.get(f"/accounts/order/{order_id}")["status"] == "open"
    desk.clock.tick(0.1)
    assert [row["id"] for row in desk.listing(**ADA)] == [order_id]


def test_words_of_the_python_sdk(open_desk: Opener) -> None:
    desk = open_desk(faults=["sdk-words"])
    partly = next(order for order in desk.open("NIGHTUSDM") if order.remaining != order.quantity)
    assert {row["status"] for row in desk.listing()} == {"open", "partially_filled"}
    desk.cancel_all("NIGHTUSDM")
    assert desk.get(f"/accounts/order/{partly.id}")["status"] == "partially_cancelled"
    desk.fake.set_faults(["sdk-words", "prompt", "fill=1"])
    assert desk.get(f"/accounts/order/{desk.cancel_all()[0]}")["status"] == "fully_filled"


# Clients that nobody here wrote.

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "deltadefi.json").read_text())
RECORDED = [row for row in VECTORS if "response" not in row]
OBSERVED = [row for row in VECTORS if row["name"].startswith("observed: ")]
TEST_KEY = {"api_key": "testkey"}
ONE = "550e8400-e29b-41d4-a716-446655440000"


def recorded(row: dict[str, Any], key: str = "testkey") -> SimRequest:
    """The request of a row. The observed ones are recorded without headers: they get a key."""
    url = urlsplit(row["url"])
    headers = {name.lower(): value for name, value in row["headers"].items()} or {"x-api-key": key}
    body = (row["body"] or "").encode()
    return SimRequest(method=row["method"], path=url.path, query=url.query, headers=headers, body=body)


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["name"])
def test_recorded_requests_are_understood(open_desk: Opener, row: dict[str, Any]) -> None:
    desk = open_desk(credentials=TEST_KEY, orders=0)
    desk.fake.place(desk.account, SimOrder(id=ONE, symbol="ADAUSDM", segment="ADAUSDM", price="0.6"))
    reply = desk.fake.handle(recorded(row))
    assert reply.status == 200, reply
    cancels = row["method"] == "POST"
    assert desk.fake.requests[-1].kind.changes is cancels
    assert len(desk.open()) == (not cancels)


def test_the_documented_answer_to_a_mass_cancel(open_desk: Opener) -> None:
    desk = open_desk(credentials=TEST_KEY, orders=0)
    documented = next(row["response"]["json"] for row in VECTORS if row["name"] == "seed: cancel-all 200 response")
    for order_id in reversed(documented["order_ids"]):
        desk.fake.place(desk.account, SimOrder(id=order_id, symbol="ADAUSDM", segment="ADAUSDM"))
    request = next(recorded(row) for row in RECORDED if row["name"].startswith("seed: cancel-all"))
    assert desk.read(desk.fake.handle(request)) == documented


@pytest.mark.parametrize("row", OBSERVED, ids=lambda row: row["name"])
def test_observed_answers_come_byte_for_byte(open_desk: Opener, row: dict[str, Any]) -> None:
    faults = {"internal error": "internal-400", "gateway down": "upstream-503", "forbidden": "empty-403"}
    desk = open_desk(orders=0, faults=[fault for words, fault in faults.items() if words in row["name"]])
    request = recorded(row, desk.account.key)
    if request.path == CANCEL:
        request = replace(request, body=b'{"symbol":"ADAUSDM"}')
    reply = desk.fake.handle(request)
    assert (reply.status, reply.body.decode()) == (row["response"]["status"], row["response"]["text"])
