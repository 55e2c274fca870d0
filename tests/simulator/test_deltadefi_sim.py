"""The fake DeltaDeFi: its rules, its faults, and the requests that the venue's own python SDK sends."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from cancelall import simulator
from cancelall.simulator import Account, FakeVenue, Manner, SimOrder, SimReply, SimRequest, SimServer
from cancelall.simulator.deltadefi import DeltaDeFi
from cancelall.simulator.deltadefi.markets import MARKETS
from cancelall.simulator.spoil import HOSTILE, UNKNOWN_STATUS

if TYPE_CHECKING:
    from conftest import Clock
from support import ROOT

CANCEL = "/order/cancel-all"
LIST = "/accounts/open-orders"
ADA = {"symbol": "ADAUSDM"}
NOTHING = b'{"error":"Order not found","code":4200}'


@dataclass
class Desk:
    """Sends requests with the account's key straight to the fake."""

    fake: FakeVenue
    clock: Clock
    account: Account

    def reply(self, method: str, path: str, values: dict[str, Any] | None = None, key: str | None = None) -> SimReply:
        reads = method == "GET"
        return self.fake.handle(
            SimRequest(
                method=method,
                path=path,
                query=urlencode(values or {}) if reads else "",
                body=b"" if reads or values is None else json.dumps(values).encode(),
                headers={"x-api-key": self.account.key if key is None else key},
                received_ms=self.clock(),
            )
        )

    def get(self, path: str, **values: object) -> Any:
        reply = self.reply("GET", path, values)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def code(self, method: str, path: str, values: dict[str, Any] | None = None, **more: Any) -> tuple[int, int]:
        """HTTP status and the venue's code, 0 if there is none."""
        reply = self.reply(method, path, values, **more)
        answer = json.loads(reply.body)
        return reply.status, answer.get("code", 0) if isinstance(answer, dict) else 0

    def cancel_all(self, symbol: str = "ADAUSDM") -> list[str]:
        """A mass cancel that must find something; the ids that it names."""
        reply = self.reply("POST", CANCEL, {"symbol": symbol})
        assert reply.status == 200, reply
        answer = json.loads(reply.body)
        assert answer["symbol"] == symbol
        return list(answer["order_ids"])

    def listing(self, **values: object) -> list[dict[str, Any]]:
        """Every row of a listing, page by page."""
        rows: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.get(LIST, limit=250, page=page, **values)
            rows += answer["data"]
            if page >= answer["total_page"]:
                assert len(rows) == answer["total_count"]
                return rows
            page += 1

    def open(self, symbol: str | None = None) -> list[SimOrder]:
        """What really rests."""
        return [order for order in self.fake.open_orders(self.account) if symbol in (None, order.symbol)]

    def place(self, symbol: str = "ADAUSDM") -> str:
        """An order that is placed now."""
        body = {"symbol": symbol, "side": "buy", "type": "limit", "price": "0.5", "base_quantity": "7"}
        order_id = json.loads(self.reply("POST", "/order/build", body).body)["order_id"]
        assert self.reply("POST", "/order/submit", {"order_id": order_id, "signed_tx": "84a0"}).status == 200
        return str(order_id)


Opener = Callable[..., Desk]


@pytest.fixture
def open_desk(clock: Clock) -> Opener:
    """A desk at a new fake. Cancels land at once and nothing is limited, unless asked for."""

    def make(*, orders: int = 40, faults: Iterable[str] = (), limits: bool = False, prompt: bool = True) -> Desk:
        fake = simulator.create("deltadefi", orders=orders, now_ms=clock, limits=limits)
        fake.set_faults([*(["prompt"] if prompt else []), *faults])
        return Desk(fake, clock, next(iter(fake.accounts.values())))

    return make


@pytest.fixture
def desk(open_desk: Opener) -> Desk:
    return open_desk()


# The stock.


@pytest.mark.parametrize("count", [0, 1, 10, 40, 5000])
def test_the_stock_has_as_many_orders_as_asked_for(open_desk: Opener, count: int) -> None:
    assert len(open_desk(orders=count).open()) == count


def test_a_stock_of_ten_has_every_symbol_and_kind(open_desk: Opener) -> None:
    desk = open_desk(orders=10)
    rows = desk.listing()
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
    assert desk.code(method, path, ADA, key=key) == (401, 4010)
    assert len(desk.open()) == 40


@pytest.mark.parametrize("path", ["/app/market-config", "/app/hydra-cycle", "/health/trading-lock-status"])
def test_some_reads_need_no_key(desk: Desk, path: str) -> None:
    assert desk.reply("GET", path, key="").status == 200


def test_the_new_key_kills_the_old_one(desk: Desk) -> None:
    old = desk.account.key
    assert desk.get("/accounts/api-key")["api_key"] == old
    new = desk.get("/accounts/new-api-key")["api_key"]
    assert desk.fake.requests[-1].changes, "it is a GET, and it changes something all the same"
    assert desk.code("GET", LIST, ADA) == (401, 4010)
    assert desk.code("GET", LIST, ADA, key=new) == (200, 0)
    assert len(desk.fake.open_orders()) == 40


def test_accounts_do_not_see_each_other(desk: Desk) -> None:
    other = Desk(desk.fake, desk.clock, desk.fake.add_account(orders=10))
    desk.cancel_all()
    assert len(other.open()) == 10
    assert not {row["id"] for row in other.listing()} & {row["id"] for row in desk.listing()}
    order = other.open()[0]
    assert desk.code("POST", f"/order/{order.id}/cancel") == (400, 4200)


# Cancelling everything.


def test_cancel_all_takes_one_symbol(desk: Desk) -> None:
    mine = {order.id for order in desk.open("ADAUSDM")}
    assert set(desk.cancel_all()) == mine
    assert {order.id for order in desk.open()}.isdisjoint(mine)
    assert len(desk.open()) == 40 - len(mine)


def test_nothing_to_cancel_is_an_error(desk: Desk) -> None:
    desk.cancel_all()
    reply = desk.reply("POST", CANCEL, ADA)
    assert (reply.status, reply.body) == (400, NOTHING)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, 4000)),
        ({"symbol": ""}, (422, 4000)),
        ({"symbol": None}, (422, 4000)),
        ({"symbol": ["ADAUSDM"]}, (422, 4000)),
        ({"symbol": "adausdm"}, (400, 4106)),
        ({"symbol": "ADAUSDCX"}, (400, 4106)),
        ({"symbol": "HOSKYUSDM"}, (400, 4106)),
        ({"symbol": "*"}, (400, 4106)),
    ],
)
def test_cancel_all_wants_a_symbol_in_its_own_spelling(desk: Desk, body: dict[str, Any], expected: object) -> None:
    assert desk.code("POST", CANCEL, body) == expected
    assert len(desk.open()) == 40


def test_a_body_that_is_no_object(desk: Desk) -> None:
    request = SimRequest(method="POST", path=CANCEL, body=b"[]", headers={"x-api-key": desk.account.key})
    assert desk.fake.handle(request).status == 422


def test_a_pair_that_was_delisted_still_holds_orders(desk: Desk) -> None:
    config = desk.get("/app/market-config")
    listed = {pair["symbol"] for pair in config["trading_pairs"]}
    assert listed == set(MARKETS) - {"ADAUSDX"}
    assert "ADAUSDCx" in listed
    assert {symbol for asset in config["assets"] for symbol in asset["trading_pairs"]} == listed
    assert len(desk.cancel_all("ADAUSDX")) > 1
    assert desk.listing(symbol="ADAUSDX") == []


def test_young_orders_are_missed(desk: Desk) -> None:
    desk.cancel_all()
    order_id = desk.place()
    desk.clock.tick(0.3)
    assert desk.reply("POST", CANCEL, ADA).body == NOTHING, "4200, although an order is on the book"
    assert [(row["id"], row["status"]) for row in desk.listing(**ADA)] == [(order_id, "processing")]
    assert desk.code("POST", f"/order/{order_id}/cancel") == (400, 4202)
    desk.clock.tick(0.6)
    assert [row["status"] for row in desk.listing(**ADA)] == ["processing"]
    desk.clock.tick(0.1)
    assert [row["status"] for row in desk.listing(**ADA)] == ["open"]
    assert desk.cancel_all() == [order_id]


def test_some_cancels_land_late(open_desk: Opener) -> None:
    desk = open_desk(orders=2000, prompt=False)
    claimed = desk.cancel_all()
    late = {order.id for order in desk.open("ADAUSDM")}
    assert late < set(claimed)
    assert 0.05 < len(late) / len(claimed) < 0.2
    one = next(iter(late))
    assert desk.reply("POST", CANCEL, ADA).body == NOTHING, "their cancel is on its way"
    assert desk.code("POST", f"/order/{one}/cancel") == (400, 4202)
    desk.clock.tick(0.36)
    assert 0.25 < len(desk.listing(**ADA)) / len(late) < 0.75
    desk.clock.tick(1.5)
    assert desk.listing(**ADA) == []


def test_an_order_can_fill_while_its_cancel_is_on_its_way(open_desk: Opener) -> None:
    desk = open_desk(orders=2000, prompt=False)
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
    reply = desk.reply("POST", f"/order/{order.id}/cancel")
    assert json.loads(reply.body) == {"order_id": order.id}
    assert desk.get(f"/accounts/order/{order.id}")["status"] == "cancelled"
    assert desk.code("POST", f"/order/{order.id}/cancel") == (400, 4201)
    assert desk.code("POST", "/order/no-such-order/cancel") == (400, 4200)
    assert desk.code("GET", "/accounts/order/no-such-order") == (400, 4200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/order/"),
        ("POST", "/order//cancel"),
        ("DELETE", "/order/cancel-all/build"),
        ("GET", CANCEL),
        ("POST", LIST),
    ],
)
def test_wrong_paths_are_answered_in_plain_text(desk: Desk, method: str, path: str) -> None:
    reply = desk.reply(method, path)
    assert (reply.status, reply.body) == (404, b"404 page not found")


# Listings.


def test_pages_have_ten_rows_unless_told(open_desk: Opener) -> None:
    desk = open_desk(orders=1000)
    answer = desk.get(LIST, **ADA)
    assert len(answer["data"]) == 10
    assert answer["total_count"] == len(desk.open("ADAUSDM"))
    assert answer["total_page"] == -(-answer["total_count"] // 10)
    assert [row["id"] for row in answer["data"]] == [order.id for order in desk.open("ADAUSDM")[:10]]


def test_all_pages_show_all_orders(open_desk: Opener) -> None:
    desk = open_desk(orders=1000)
    assert [row["id"] for row in desk.listing()] == [order.id for order in desk.open()]
    assert [row["id"] for row in desk.listing(**ADA)] == [order.id for order in desk.open("ADAUSDM")]
    assert desk.get(LIST, limit=230)["total_page"] == 5, "the last page may be short"
    assert desk.get(LIST, limit=250, page=5) == {"data": [], "total_count": 1000, "total_page": 4}


def test_an_empty_listing(open_desk: Opener) -> None:
    assert open_desk(orders=0).get(LIST, **ADA) == {"data": [], "total_count": 0, "total_page": 0}


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 251}, {"page": 0}, {"page": 1001}, {"page": "x"}])
def test_limits_of_pages(desk: Desk, query: dict[str, Any]) -> None:
    assert desk.code("GET", LIST, query) == (422, 4000)


def test_an_unknown_symbol_cannot_be_listed(desk: Desk) -> None:
    assert desk.code("GET", LIST, {"symbol": "ADAUSD"}) == (400, 4106)


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
    for symbol in {order.symbol for order in desk.open()}:
        desk.cancel_all(symbol)
    assert {Decimal(row["locked"]) for row in desk.get("/accounts/balance")} == {Decimal(0)}


def test_a_fresh_account_has_no_balance(open_desk: Opener) -> None:
    assert open_desk(orders=0).get("/accounts/balance") == []


# Limits.


def test_limits_are_per_key_and_endpoint(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    assert [desk.code("POST", CANCEL, ADA)[0] for _ in range(6)] == [200, 400, 400, 400, 400, 429]
    assert desk.code("POST", CANCEL, ADA) == (429, 4290)
    assert [desk.code("GET", LIST, ADA)[0] for _ in range(11)] == [200] * 10 + [429]
    ids = [order.id for order in desk.open()[:11]]
    assert [desk.code("GET", f"/accounts/order/{one}")[0] for one in ids] == [200] * 10 + [429]
    desk.clock.tick(0.2)
    assert desk.code("POST", CANCEL, ADA) == (400, 4200)


def test_a_client_that_spaces_its_cancels_is_not_limited(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    for _ in range(20):
        assert desk.code("POST", CANCEL, ADA)[0] != 429
        desk.clock.tick(0.25)


# Faults.


# `clock` and `bot` do not strike requests, and connections meet `accept-stall` before there is a request.
@pytest.mark.parametrize("name", sorted(set(DeltaDeFi.fault_specs()) - {"clock", "bot", "accept-stall"}))
def test_every_fault_strikes(open_desk: Opener, name: str) -> None:
    certain = {"error-500": "=1", "rate-limit": "=1", "retry-after": "@1"}
    helper = {"retry-after": ["status=429"]}.get(name, [])
    desk = open_desk(faults=[*helper, name + certain.get(name, "")], prompt=False)
    for symbol in ("ADAUSDM", "NOSUCH"):
        for _ in range(2):
            desk.reply("POST", CANCEL, {"symbol": symbol})
            desk.reply("GET", LIST, {"symbol": symbol, "limit": 1, "page": 2})
    desk.reply("GET", LIST)
    assert desk.fake.strikes(name), f"{name} is looked at by nobody"


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
    ],
)
def test_gateway_answers(open_desk: Opener, fault: str, status: int, body: bytes) -> None:
    reply = open_desk(faults=[fault]).reply("POST", CANCEL, ADA)
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


@pytest.mark.parametrize(("value", "status", "body"), [("404", 404, NOTHING), ("200", 200, b"")])
def test_other_answers_to_nothing(open_desk: Opener, value: str, status: int, body: bytes) -> None:
    desk = open_desk(orders=0, faults=[f"nothing={value}"])
    reply = desk.reply("POST", CANCEL, ADA)
    assert (reply.status, reply.body) == (status, body or b'{"symbol":"ADAUSDM","order_ids":[]}')


def test_short_ack_names_less_than_it_takes(open_desk: Opener) -> None:
    desk = open_desk(faults=["short-ack"])
    before = len(desk.open("ADAUSDM"))
    assert len(desk.cancel_all()) == before // 2
    assert desk.open("ADAUSDM") == []


def test_bare_list(open_desk: Opener) -> None:
    rows = open_desk(faults=["bare-list"]).get(LIST, limit=250)
    assert isinstance(rows, list)
    assert len(rows) == 40


def test_listing_without_a_symbol_may_be_refused(open_desk: Opener) -> None:
    desk = open_desk(faults=["symbol-needed"])
    assert desk.code("GET", LIST) == (422, 4000)
    assert desk.code("GET", LIST, ADA) == (200, 0)


def test_lenient_symbols(open_desk: Opener) -> None:
    desk = open_desk(faults=["lenient-symbols"])
    assert desk.code("POST", CANCEL, {"symbol": "ADAUSD"}) == (400, 4200)
    assert desk.get(LIST, symbol="ADAUSD")["data"] == []


def test_a_delisted_symbol_is_unknown_and_its_orders_rest(open_desk: Opener) -> None:
    desk = open_desk(faults=["delisted=IAGUSDM"])
    assert desk.code("POST", CANCEL, {"symbol": "IAGUSDM"}) == (400, 4106)
    assert desk.code("GET", LIST, {"symbol": "IAGUSDM"}) == (400, 4106)
    assert "IAGUSDM" not in {pair["symbol"] for pair in desk.get("/app/market-config")["trading_pairs"]}
    assert "IAGUSDM" in {row["symbol"] for row in desk.get(LIST, limit=250)["data"]}
    assert desk.cancel_all()


def test_a_straggler_lands_once(open_desk: Opener) -> None:
    desk = open_desk(faults=["straggler=1.5"])
    assert desk.listing(**ADA)
    desk.clock.tick(5)
    assert len(desk.open()) == 40, "it waits for an empty listing"
    desk.cancel_all()
    assert desk.listing(**ADA) == []
    desk.clock.tick(1.4)
    assert desk.listing(**ADA) == []
    desk.clock.tick(0.1)
    landed = desk.listing(**ADA)
    assert [row["status"] for row in landed] == ["open"]
    assert desk.cancel_all() == [landed[0]["id"]], "a cancel reaches it as soon as it is there"
    assert desk.listing(**ADA) == []
    desk.clock.tick(5)
    assert desk.listing(**ADA) == []


def test_unlisted_orders_are_on_the_book(open_desk: Opener) -> None:
    desk = open_desk(orders=0, faults=["unlisted=1.5"])
    order_id = desk.place()
    assert desk.listing(**ADA) == []
    desk.clock.tick(1.4)
    assert desk.listing(**ADA) == []
    assert desk.get(f"/accounts/order/{order_id}")["status"] == "open"
    desk.clock.tick(0.1)
    assert [row["id"] for row in desk.listing(**ADA)] == [order_id]


def test_count_off(open_desk: Opener) -> None:
    answer = open_desk(faults=["count-off=2"]).get(LIST, limit=250)
    assert answer["total_count"] == len(answer["data"]) + 2


def test_page_loop(open_desk: Opener) -> None:
    desk = open_desk(faults=["cursor-loop"])
    assert desk.get(LIST, page=2) == desk.get(LIST, page=1)


def test_words_of_the_python_sdk(open_desk: Opener) -> None:
    desk = open_desk(faults=["sdk-words"])
    partly = next(order for order in desk.open("NIGHTUSDM") if order.remaining != order.quantity)
    assert {row["status"] for row in desk.listing()} == {"open", "partially_filled"}
    desk.cancel_all("NIGHTUSDM")
    assert desk.get(f"/accounts/order/{partly.id}")["status"] == "partially_cancelled"
    desk.fake.set_faults(["sdk-words", "prompt", "fill=1"])
    filled = desk.cancel_all()[0]
    assert desk.get(f"/accounts/order/{filled}")["status"] == "fully_filled"


def test_numbers(open_desk: Opener) -> None:
    row = open_desk(faults=["numbers"]).listing(**ADA)[0]
    assert isinstance(row["price"], float)
    assert isinstance(row["base_qty"], float)


def test_orders_that_cannot_be_cancelled(open_desk: Opener) -> None:
    desk = open_desk(faults=["ack-only"])
    claimed = desk.cancel_all()
    assert set(claimed) == {row["id"] for row in desk.listing(**ADA)}
    assert desk.reply("POST", f"/order/{claimed[0]}/cancel").status == 200
    assert len(desk.open()) == 40


def test_partial_cancels_end(open_desk: Opener) -> None:
    desk = open_desk(faults=["partial"])
    rounds = 0
    while desk.open("ADAUSDM"):
        desk.cancel_all()
        rounds += 1
    assert rounds > 2


def test_a_bot_is_young_for_a_second(open_desk: Opener) -> None:
    desk = open_desk(faults=["bot=0.5@2"])
    desk.clock.tick(1.0)
    assert len(desk.open()) == 42
    statuses = Counter(row["status"] for row in desk.listing())
    assert statuses["processing"] == 2 + sum(order.kind == "processing" for order in desk.open()[2:])


def test_hostile_and_unknown_words(open_desk: Opener) -> None:
    rows = open_desk(faults=["hostile", "unknown-status"]).get(LIST, limit=250)["data"]
    assert {row["symbol"] for row in rows} == {HOSTILE}
    assert [row["status"] for row in rows].count(UNKNOWN_STATUS) == 1


@pytest.mark.parametrize(
    ("fault", "manner", "processed"),
    [
        ("stall", Manner.NEVER, False),
        ("stall-after", Manner.NEVER, True),
        ("reset-after", Manner.RESET, True),
        ("fin-after", Manner.CLOSE, True),
        ("reset-body", Manner.RESET_IN_BODY, True),
    ],
)
def test_manners(open_desk: Opener, fault: str, manner: Manner, processed: bool) -> None:
    desk = open_desk(faults=[fault])
    assert desk.reply("POST", CANCEL, ADA).manner is manner
    assert (len(desk.open()) < 40) is processed


# Clients that nobody here wrote.

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "deltadefi.json").read_text())
RECORDED = [row for row in VECTORS if "response" not in row]
OBSERVED = [row for row in VECTORS if row["name"].startswith("observed: ")]
ONE = "550e8400-e29b-41d4-a716-446655440000"


def recorded(row: dict[str, Any], key: str = "testkey") -> SimRequest:
    """The request of a row. The observed ones are recorded without headers: they get a key."""
    url = urlsplit(row["url"])
    headers = {name.lower(): value for name, value in row["headers"].items()} or {"x-api-key": key}
    body = (row["body"] or "").encode()
    return SimRequest(method=row["method"], path=url.path, query=url.query, headers=headers, body=body)


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["name"])
def test_recorded_requests_are_understood(clock: Clock, row: dict[str, Any]) -> None:
    fake = DeltaDeFi(now_ms=clock)
    fake.set_faults(["prompt"])
    account = fake.add_account({"api_key": "testkey"}, orders=0)
    fake.place(account, SimOrder(id=ONE, symbol="ADAUSDM", segment="ADAUSDM", price="0.6"))
    reply = fake.handle(recorded(row))
    assert reply.status == 200, reply
    cancels = row["method"] == "POST"
    assert fake.requests[-1].kind.changes is cancels
    assert len(fake.open_orders()) == (not cancels)


def test_the_documented_answer_to_a_mass_cancel(clock: Clock) -> None:
    fake = DeltaDeFi(now_ms=clock)
    fake.set_faults(["prompt"])
    account = fake.add_account({"api_key": "testkey"}, orders=0)
    documented = next(row["response"]["json"] for row in VECTORS if row["name"] == "seed: cancel-all 200 response")
    for order_id in reversed(documented["order_ids"]):
        fake.place(account, SimOrder(id=order_id, symbol="ADAUSDM", segment="ADAUSDM"))
    request = next(recorded(row) for row in RECORDED if row["name"].startswith("seed: cancel-all"))
    assert json.loads(fake.handle(request).body) == documented


@pytest.mark.parametrize("row", OBSERVED, ids=lambda row: row["name"])
def test_observed_answers_come_byte_for_byte(open_desk: Opener, row: dict[str, Any]) -> None:
    faults = {"internal error": "internal-400", "gateway down": "upstream-503", "forbidden": "empty-403"}
    chosen = [fault for words, fault in faults.items() if words in row["name"]]
    desk = open_desk(orders=0, faults=chosen)
    request = recorded(row, desk.account.key)
    if request.path == "/order/cancel-all":
        request = replace(request, body=b'{"symbol":"ADAUSDM"}')
    reply = desk.fake.handle(request)
    assert (reply.status, reply.body.decode()) == (row["response"]["status"], row["response"]["text"])


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("deltadefi", orders=40, faults=["prompt"]) as running:
        yield running


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The HTTP part of the venue's python SDK, without the wallet library and the websocket library that it imports."""
    if importlib.util.find_spec("deltadefi") is None:
        pytest.skip("the package deltadefi (1.1.1, installed with --no-deps) is not there")
    stubs: dict[str, dict[str, object]] = {
        "sidan_gin": {"Wallet": object, "Asset": object, "UTxO": object, "decrypt_with_cipher": None},
        "websockets": {},
    }
    for name, members in stubs.items():
        if importlib.util.find_spec(name) is None:
            stub = types.ModuleType(name)
            stub.__dict__.update(members)
            monkeypatch.setitem(sys.modules, name, stub)
    orders = pytest.importorskip("deltadefi.clients.orders")
    accounts = pytest.importorskip("deltadefi.clients.accounts")
    app = pytest.importorskip("deltadefi.clients.app")
    return types.SimpleNamespace(Order=orders.Order, Accounts=accounts.Accounts, App=app.App)


def test_the_sdk_empties_a_symbol(server: SimServer, sdk: Any) -> None:
    access = {"api_key": server.credentials["api_key"], "base_url": server.origin}
    orders, accounts, app = sdk.Order(**access), sdk.Accounts(**access), sdk.App(**access)
    try:
        assert {pair["symbol"] for pair in app.get_market_config()["trading_pairs"]} < set(MARKETS)
        listed = accounts.get_open_orders("ADAUSDM", limit=250, page=1)["data"]
        assert orders.cancel_order(listed[0]["id"]) == {"order_id": listed[0]["id"]}
        answer = orders.cancel_all_orders("ADAUSDM")
        assert {*answer["order_ids"], listed[0]["id"]} == {row["id"] for row in listed}
        assert accounts.get_open_orders("ADAUSDM")["data"] == []
        assert accounts.get_order_record(listed[1]["id"])["status"] == "cancelled"
        built = orders.build_place_order_transaction("ADAUSDM", "buy", "limit", base_quantity="5", price="0.5")
        assert orders.submit_place_order_transaction(built["order_id"], "84a0")["status"] == "processing"
        with pytest.raises(KeyError, match="msg"):  # the SDK expects `msg`, the venue sends `error`
            orders.cancel_all_orders("NOSUCH")
    finally:
        for client in (orders, accounts, app):
            client.session.close()
