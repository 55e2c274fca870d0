"""The fake AscendEX: its rules, its check of signatures, and its faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cancelall.simulator import Kind, SimRequest, auth
from cancelall.simulator.ascendex.products import LEDGERS, SYMBOLS
from simulator.desks import AscendexDesk as Desk
from simulator.desks import Clock, opener
from support import ROOT

DUPLICATE = "Duplicated order cancel request."
NOT_OPEN = "Trying to cancel non-open order"
Opener = Callable[..., Desk]

open_desk = opener(Desk, "ascendex")


# Signatures.

VECTORS = json.loads((ROOT / "tests" / "vectors" / "ascendex.json").read_text(encoding="utf-8"))
# Requests of other clients with a signature: ccxt 4.5.63 uses the secret's own bytes, as the documents do. AscendEX's
# demo programs decode the secret from base64 first, which no document tells: the fake does not take their signatures.
SIGNED = [row for row in VECTORS if row["url"] and row["secret"]]
# The documents' own answers, and that of the demo in shell, whose time has three digits too many.
_SECRET, _SHELL_SECRET = (
    "hV8FgjyJtpvVeAcMAgzgAFQCN36wmbWuN7o3WPcYcYhFd8qvE43gzFGVsFcCqMNk",
    "98dRnVqbIhriRMZJfax3EvSPRBJrIuZ6J755KcLz6napGUpzmApJmfBY7EY3yYZn",
)
PUBLISHED = [
    (_SECRET, "1608133910000", "info", "/pwaAgWZQ1Xd/J4yZ4ReHSPQxd3ORP/YR8TvAttqqYM="),
    (_SECRET, "1562952827927", "user/info", "vBZf8OQuiTJIVbNpNHGY3zcUsK5gJpwb5lgCgarpxYI="),
    (_SHELL_SECRET, "1562952827927000", "user/info", "UlpDqbDlNYydgT57It2IGiZGts13GnfF+D6Cmzq7xQE="),
]
TEST_KEY = {"api_key": "testkey", "api_secret": "testsecret", "account_group": "6"}


def recorded(row: Mapping[str, Any], signature: str) -> SimRequest:
    """A request of the vectors, as it arrived."""
    headers = {"content-type": "application/json", **row["headers"], "x-auth-signature": signature}
    target = "/" + row["url"].split("/", 3)[3]
    path, _, query = target.partition("?")
    body = (row["body"] or "").encode()
    return SimRequest(method=row["method"], path=path, query=query, body=body, headers=headers)


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_signatures_of_other_clients(open_desk: Opener, row: Mapping[str, Any]) -> None:
    credentials = {"api_key": row["key"], "api_secret": row["secret"], "account_group": "6"}
    desk = open_desk(credentials=credentials, faults=["futures-v1=alive"])

    def code(signature: str) -> int:
        return int(desk.read(desk.fake.handle(recorded(row, signature)))["code"])

    right = row["headers"]["x-auth-signature"]
    # 300006: the order that the recorded request names does not rest here.
    assert code(right) in ((0, 300006) if row["secret_encoding"] == "raw utf-8" else (200001,))
    assert code(("A" if right[0] != "A" else "B") + right[1:]) == 200001
    assert code("") == 100009


def test_published_answers(open_desk: Opener, clock: Clock) -> None:
    for secret, timestamp, signed, signature in PUBLISHED:
        assert auth.hmac_sha256(secret, f"{timestamp}+{signed}".encode(), auth.as_base64) == signature
    secret, timestamp, _, signature = PUBLISHED[0]
    clock.now_ms = int(timestamp)
    desk = open_desk(credentials={"api_key": "CEcrjGyipqt0OflgdQQSRGdrDXdDUY2x", "api_secret": secret})
    answer = desk.ask("GET", "/api/pro/v1/info", headers={"x-auth-signature": signature})
    assert answer["data"]["accountGroup"] == 1


@pytest.mark.parametrize(
    "signed", ["order/open?symbol=BTC%2FUSDT", "cash/order/open", "v1/cash/order/open", "", "order"]
)
def test_only_the_api_path_is_signed(desk: Desk, signed: str) -> None:
    path = desk.path("cash", "order/open")
    desk.api_path = lambda path: signed  # type: ignore[method-assign]
    answer = desk.ask("GET", path, {"symbol": "BTC/USDT"})
    words = (answer["code"], answer["reason"], answer["message"])
    assert words == (200001, "AUTHENTICATION_FAILED", "API signature mismatch")


def test_other_forms_of_signature_are_refused(desk: Desk) -> None:
    secret = desk.account.credentials["api_secret"]
    digest = hmac.new(secret.encode(), f"{desk.clock()}+info".encode(), hashlib.sha256)
    without_plus = hmac.new(secret.encode(), f"{desk.clock()}info".encode(), hashlib.sha256)
    decoded = hmac.new(base64.b64decode(secret), f"{desk.clock()}+info".encode(), hashlib.sha256)
    for wrong in (
        digest.hexdigest(),
        without_plus.hexdigest(),
        base64.b64encode(without_plus.digest()).decode(),
        base64.b64encode(decoded.digest()).decode(),
        "é",
    ):
        assert desk.ask("GET", "/api/pro/v1/info", headers={"x-auth-signature": wrong})["code"] == 200001


def test_one_signature_serves_two_ledgers(desk: Desk) -> None:
    headers = desk.request("DELETE", desk.path("cash", "order/all")).headers
    assert desk.ask("DELETE", desk.path("margin", "order/all"), headers=headers)["data"]["ac"] == "MARGIN"
    assert not desk.open("margin")
    assert desk.open("cash")


@pytest.mark.parametrize(
    ("headers", "apart_ms", "code"),
    [
        *(({f"x-auth-{name}": None}, 0, 100009) for name in ("key", "timestamp", "signature")),
        ({"x-auth-key": "SIMnobody"}, 0, 200001),
        *(({}, apart_ms, 0) for apart_ms in (30_000, -30_000)),
        *(({}, apart_ms, 100011) for apart_ms in (30_001, -30_001)),
    ],
)
def test_key_and_clock(desk: Desk, headers: dict[str, str | None], apart_ms: int, code: int) -> None:
    answer = desk.ask("GET", "/api/pro/v1/info", timestamp=desk.clock() + apart_ms, headers=headers)
    assert answer["code"] == code


def test_the_clock_can_be_repaired_from_exchange_info(open_desk: Opener) -> None:
    desk = open_desk(faults=["clock=-600"])
    assert desk.ask("GET", "/api/pro/v1/info")["code"] == 100011
    sent = desk.clock()
    answer = desk.ask("GET", "/api/pro/v1/exchange-info", {"requestTime": sent}, headers={"x-auth-key": None})
    assert answer["data"] == {"requestTimeEcho": sent, "requestReceiveAt": sent - 600_000, "latency": -600_000}
    assert desk.ask("GET", "/api/pro/v1/info", timestamp=answer["data"]["requestReceiveAt"])["code"] == 0
    assert desk.ask("GET", "/api/pro/v1/exchange-info")["code"] == 100006


# The account.


def test_account_groups_count_from_zero(desk: Desk) -> None:
    second = desk.at(desk.fake.add_account(orders=4))
    third = desk.at(desk.fake.add_account(TEST_KEY, orders=4))
    assert [each.account.options for each in (desk, second, third)] == [
        {"account_group": 0},
        {"account_group": 1},
        {"account_group": 6},
    ]
    answers = [each.ask("GET", "/api/pro/v2/account/info")["data"] for each in (desk, second, third)]
    assert [answer["accountGroup"] for answer in answers] == [0, 1, 6]
    assert len({answer["userUID"] for answer in answers}) == 3
    assert answers[0]["limitQuota"] == 1000
    assert "limitQuota" not in desk.ask("GET", "/api/pro/v1/info")["data"]


def test_a_wrong_account_group(open_desk: Opener) -> None:
    desk = open_desk()
    for method, call in (("DELETE", "order/all"), ("GET", "order/open")):
        answer = desk.ask(method, f"/7/api/pro/v1/cash/{call}")
        assert (answer["code"], answer["reason"]) == (200003, "ACCOUNT_NOT_FOUND")
    desk.fake.set_faults(["foreign-group"])
    assert desk.ask("DELETE", "/7/api/pro/v1/cash/order/all")["data"]["status"] == "Ack"
    assert desk.ask("GET", "/7/api/pro/v1/cash/order/open")["data"] == [], "it may look empty"
    assert len(desk.open()) == 40
    desk.fake.set_faults(["group-moved=8"])
    assert desk.ask("GET", "/api/pro/v1/info")["data"]["accountGroup"] == 8
    assert desk.listing("cash")


# The stock.


def test_every_kind_rests_in_every_ledger(desk: Desk) -> None:
    orders = desk.open()
    assert Counter(order.segment for order in orders) == {"cash": 13, "margin": 10, "futures": 17}
    for ledger in LEDGERS:
        rows = desk.listing(ledger)
        assert {row["status"] for row in rows} == {"New", "PartiallyFilled", "PendingNew"}
        assert {row["orderType"] for row in rows} == {"Limit", "StopLimit", "StopMarket"}
        assert {row["side"] for row in rows} == {"Buy", "Sell"}
        assert {row["symbol"] for row in rows} <= set(SYMBOLS[ledger])
    instructions = {row["execInst"] for row in desk.listing("futures")}
    assert {"NULL_VAL", "Post", "ReduceOnly", "PostReduceOnly", "StopOnMarket", "ReduceOnlyMark"} <= instructions
    order, user = orders[0], desk.ask("GET", "/api/pro/v1/info")["data"]["userUID"]
    assert (len(order.id), int(order.id[1:12], 16), order.id[12:23]) == (32, order.created_ms, user)


@pytest.mark.parametrize("orders", [3, 9, 250, 5000])
def test_any_number_of_orders_reaches_every_ledger(open_desk: Opener, orders: int) -> None:
    desk = open_desk(orders=orders)
    assert len(desk.rows()) == orders
    assert {order.segment for order in desk.open()} == set(LEDGERS)


def test_a_position_carries_what_no_listing_shows(desk: Desk) -> None:
    before = desk.ask("GET", "/0/api/pro/v2/futures/position")["data"]["contracts"]
    assert [row["symbol"] for row in before] == list(SYMBOLS["futures"])
    bitcoin, ether = before[0], before[1]
    assert (bitcoin["position"], bitcoin["takeProfitPrice"], bitcoin["stopLossPrice"]) == ("0.5", "90000", "50000")
    assert (ether["side"], ether["takeProfitPrice"], ether["stopLossPrice"]) == ("SHORT", "0", "0")
    assert bitcoin["buyOpenOrderNotional"] != "0"
    desk.sweep()
    after = desk.ask("GET", "/0/api/pro/v2/futures/position")["data"]["contracts"][0]
    assert (after["takeProfitPrice"], after["stopLossPrice"]) == ("90000", "50000")
    assert (after["buyOpenOrderNotional"], after["sellOpenOrderNotional"]) == ("0", "0")


def test_open_orders_hold_the_balance(desk: Desk) -> None:
    def held() -> int:
        rows = desk.ask("GET", "/0/api/pro/v1/cash/balance")["data"]
        return sum(row["totalBalance"] != row["availableBalance"] for row in rows)

    assert held() > 0
    desk.cancel_all("cash")
    assert held() == 0


# Cancel all.


@pytest.mark.parametrize("ledger", LEDGERS)
def test_cancel_all_empties_one_ledger_and_no_other(desk: Desk, ledger: str) -> None:
    others = len([order for order in desk.open() if order.segment != ledger])
    symbol = SYMBOLS[ledger][0]
    desk.cancel_all(ledger, symbol=symbol)
    left = {row["symbol"] for row in desk.listing(ledger)}
    assert left
    assert symbol not in left
    desk.cancel_all(ledger)
    assert desk.listing(ledger) == []
    assert len(desk.open()) == others


def test_acknowledgements(open_desk: Opener) -> None:
    desk = open_desk()
    assert desk.cancel_all("futures") == {"code": 0}
    info = {"id": "", "orderId": "", "orderType": "NULL_VAL", "symbol": "BTC/USDT", "timestamp": desk.clock()}
    head = {"ac": "CASH", "accountId": "cshU0866943712SIM", "action": "cancel-all"}
    acknowledged = {"code": 0, "data": {**head, "info": info, "status": "Ack"}}
    assert desk.cancel_all("cash", symbol="BTC/USDT") == acknowledged
    desk.fake.set_faults(["ack-form=data"])
    assert desk.cancel_all("futures", symbol="BTC-PERP")["data"]["info"] == {"symbol": "BTC-PERP"}
    assert "status" not in desk.cancel_all("futures")["data"]
    assert desk.cancel_all("margin")["data"]["info"]["orderType"] == ""
    desk.fake.set_faults(["ack-form=bare"])
    assert desk.cancel_all("cash") == {"code": 0}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"[]", {}),
        (b"symbol=BTC%2FUSDT", {}),
        (b"{}", {"content-type": "application/x-www-form-urlencoded"}),
        (b"{}", {"content-type": None}),
    ],
)
def test_a_delete_needs_a_json_body(desk: Desk, body: bytes, headers: dict[str, str | None]) -> None:
    request = desk.request("DELETE", desk.path("futures", "order/all"), body=body, headers=headers)
    answer = desk.read(desk.fake.handle(request))
    assert (answer["code"], answer["reason"]) == (150001, "INVALID_JSON_FORMAT")
    assert len(desk.open()) == 40


def test_an_unknown_symbol(open_desk: Opener) -> None:
    desk = open_desk()
    answer = desk.ask("DELETE", desk.path("futures", "order/all"), {"symbol": "BTCUSDT"})
    assert (answer["code"], answer["reason"]) == (300012, "INVALID_PRODUCT")
    assert answer["data"]["info"] == {"symbol": "BTCUSDT"}, "futures nest it in data"
    answer = desk.ask("DELETE", desk.path("cash", "order/all"), {"symbol": "btc/usdt"})
    assert (answer["code"], answer["ac"], answer["info"]) == (300012, "CASH", {"symbol": "btc/usdt"})
    assert desk.ask("GET", desk.path("cash", "order/open"), {"symbol": "BTC-PERP"})["code"] == 100008
    assert len(desk.open()) == 40
    desk.fake.set_faults(["lenient-symbols"])
    assert desk.cancel_all("cash", symbol="btc/usdt")["data"]["info"]["symbol"] == "btc/usdt"
    assert desk.listing("cash", symbol="btc/usdt") == []
    assert len(desk.open()) == 40
    desk.fake.set_faults(["symbol-lost"])
    assert desk.cancel_all("cash", symbol="BTC/USDT")["data"]["info"]["symbol"] == ""
    assert desk.listing("cash") == [], "a symbol that gets lost takes the whole ledger"


def test_conditional_orders_may_be_left(open_desk: Opener) -> None:
    desk = open_desk(faults=["conditional-left"])
    for ledger in LEDGERS:
        desk.cancel_all(ledger)
        left = desk.listing(ledger)
        assert left
        assert {row["status"] for row in left} == {"PendingNew"}
    for order in desk.open():
        assert desk.cancel(order)["code"] == 0
    assert not desk.open()


@pytest.mark.parametrize("word", ["PendingNew", "StopLimit", "ReduceOnly"])
def test_stubborn_orders_stay(open_desk: Opener, word: str) -> None:
    desk = open_desk(faults=[f"stubborn={word}"])
    desk.sweep()
    left = desk.rows()
    assert left
    assert all(word in (row["status"], row["orderType"], row["execInst"]) for row in left)
    assert desk.cancel(desk.open()[0])["message"] == NOT_OPEN


def order_body(desk: Desk, **values: object) -> dict[str, object]:
    """What places an order of futures."""
    body = {"symbol": "BTC-PERP", "time": desk.clock(), "orderType": "Limit", "side": "Buy"}
    return {**body, "orderQty": "1", "orderPrice": "9", **values}


def test_orders_that_are_not_acked_are_missed(open_desk: Opener) -> None:
    desk = open_desk(orders=0, faults=["unacked=1"])
    placed = desk.ask("POST", desk.path("futures", "order"), order_body(desk))["data"]["order"]
    assert (placed["status"], placed["seqNum"]) == ("Ack", -1)
    for seconds, shown in ((0, ("Ack", -1)), (1, ("New", 1))):
        desk.clock.tick(seconds)
        assert [(row["status"], row["seqNum"]) for row in desk.listing("futures")] == [shown]
        desk.cancel_all("futures")
    assert desk.listing("futures") == []


@pytest.mark.parametrize(
    ("mode", "cancelled", "listed"), [("ack", False, True), ("empty", False, False), ("alive", True, False)]
)
def test_the_retired_futures_paths(open_desk: Opener, mode: str, cancelled: bool, listed: bool) -> None:
    desk = open_desk()
    for method, call in (("DELETE", "order/all"), ("GET", "order/open")):
        assert desk.ask(method, f"/0/api/pro/v1/futures/{call}")["code"] == 100010
    desk.fake.set_faults([f"futures-v1={mode}"])
    answer = desk.ask("DELETE", "/0/api/pro/v1/futures/order/all")
    assert answer["data"]["ac"] == "FUTURES"
    assert (answer["data"]["status"], answer["data"]["info"]["orderType"]) == ("Ack", "NULL_VAL")
    answer = desk.ask("GET", "/0/api/pro/v1/futures/order/open")
    assert answer["accountCategory"] == "FUTURES"
    assert bool(answer["data"]) is listed
    assert (not desk.open("futures")) is cancelled


# One order, and a batch.


@pytest.mark.parametrize("ledger", LEDGERS)
def test_cancel_one(desk: Desk, ledger: str) -> None:
    order = desk.open(ledger)[0]
    answer = desk.cancel(order, id="mine-0001")
    shown = answer["data"]["order"] if ledger == "futures" else answer["data"]["info"]
    assert shown["orderId"] == order.id
    assert (answer["data"].get("meta") or shown)["id"] == "mine-0001"
    assert order.id not in {row["orderId"] for row in desk.listing(ledger)}
    again = desk.cancel(order)
    assert (again["code"], again["message"], again["status"]) == (300019, NOT_OPEN, "Err")
    if ledger == "futures":
        first, second = desk.open("futures")[:2]
        assert desk.cancel(first)["data"]["order"]["status"] != "Canceled"
        assert desk.cancel(second, respInst="ACCEPT")["data"]["order"]["status"] == "Canceled"


def test_cancel_one_names_ledger_symbol_and_time(desk: Desk) -> None:
    order = desk.open("cash")[0]
    assert desk.cancel(order, symbol="SOL/USDT")["code"] == 300012
    assert desk.cancel(order, symbol="")["code"] == 300008
    assert desk.cancel(order, orderId="a177c29e4064U0123456789dVeUxlVyA")["code"] == 300006
    assert desk.cancel(order, time=desk.clock() - 30_001)["code"] == 100011
    assert desk.cancel(order, time=None)["code"] == 100011
    assert desk.ask("DELETE", desk.path("margin", "order"), desk.named(order))["code"] == 300006
    assert desk.at(desk.fake.add_account(orders=12)).cancel(order)["code"] == 300006, "it is another account's"
    assert len(desk.open()) == 40


def test_the_same_cancel_twice_in_a_short_time(open_desk: Opener) -> None:
    desk = open_desk(faults=["late-cancel=1.5"])
    order = desk.open("cash")[0]
    assert desk.cancel(order)["code"] == 0
    assert desk.cancel(order)["message"] == DUPLICATE
    desk.clock.tick(1)
    assert desk.cancel(order)["code"] == 0
    desk.clock.tick(0.5)
    assert desk.cancel(order)["message"] == NOT_OPEN


@pytest.mark.parametrize("ledger", LEDGERS)
def test_cancel_batch(desk: Desk, ledger: str) -> None:
    orders = desk.open(ledger)[:10]
    answer = desk.batch(ledger, orders)
    assert answer["code"] == 0
    rows = answer["data"]["orders"] if ledger == "futures" else answer["data"]["info"]
    assert [row["orderId"] for row in rows] == [order.id for order in orders]
    assert len(desk.open()) == 30


def test_a_batch_fails_as_a_whole(open_desk: Opener) -> None:
    desk = open_desk()
    orders = desk.open("cash")[:3]
    desk.cancel(orders[1])
    answer = desk.batch("cash", orders)
    assert (answer["code"], answer["reason"], answer["status"]) == (300013, "INVALID_BATCH_ORDER", "Err")
    assert [(row["orderId"], row["code"]) for row in answer["info"]] == [(orders[1].id, 300006)]
    for count in (0, 11):
        assert desk.batch("futures", desk.open("futures")[:count])["code"] == 300013, "it holds 1 to 10"
    assert len(desk.open()) == 39
    desk.fake.set_faults(["unnamable=ReduceOnly"])
    own = next(order for order in desk.open("futures") if order.extra.get("execInst") == "ReduceOnly")
    other = next(order for order in desk.open("futures") if order.extra.get("execInst") != "ReduceOnly")
    assert desk.cancel(own)["code"] == 300019
    assert desk.batch("futures", (own, other))["code"] == 300013
    assert desk.rests(own.id)
    assert desk.rests(other.id)
    assert desk.cancel(other)["code"] == 0


# Reads of orders.


def test_envelopes_of_open_orders(desk: Desk) -> None:
    cash = desk.ask("GET", desk.path("cash", "order/open"))
    assert (cash["ac"], cash["accountId"]) == ("CASH", "cshU0866943712SIM")
    assert set(desk.ask("GET", desk.path("futures", "order/open"))) == {"code", "data"}
    assert {row["avgPx"] for row in cash["data"]} == {"0", "60000"}
    assert {row["stopPrice"] for row in cash["data"]} == {"", "90"}
    futures = desk.listing("futures")
    assert {row["stopPrice"] for row in futures} == {"0", "90"}
    assert all("avgFilledPx" in row and "avgPx" not in row for row in futures)


def test_what_a_listing_leaves_out(open_desk: Opener) -> None:
    desk = open_desk()
    assert {row["symbol"] for row in desk.listing("cash", symbol="BTC/USDT")} == {"BTC/USDT"}
    assert len({row["symbol"] for row in desk.listing("futures", symbol="BTC-PERP")}) > 1
    desk.fake.set_faults(["capped=3"])
    assert len(desk.listing("cash")) == 3
    desk.cancel_all("cash")
    assert desk.listing("cash") == []
    desk.fake.set_faults(["null-lists"])
    desk.cancel_all("futures")
    assert desk.ask("GET", desk.path("futures", "order/open"))["data"] is None


@pytest.mark.parametrize("ledger", LEDGERS)
def test_status_of_one_is_an_object_and_of_several_a_list(desk: Desk, ledger: str) -> None:
    first, second, third = desk.open(ledger)[:3]
    desk.cancel(first)
    path = desk.path(ledger, "order/status")

    def statuses(ids: str) -> Any:
        data = desk.ask("GET", path, {"orderId": ids})["data"]
        return data["status"] if isinstance(data, dict) else [row["status"] for row in data]

    assert statuses(first.id) == "Canceled"
    assert statuses(f"{first.id},") == ["Canceled"]
    assert len(statuses(f"{first.id},{second.id},{third.id}")) == 3
    assert statuses(f"{first.id},nobody") == ["Canceled"]
    assert desk.ask("GET", path, {"orderId": "nobody"})["code"] == 300006
    assert desk.ask("GET", path)["code"] == 100006
    other = next(each for each in LEDGERS if each != ledger)
    assert desk.ask("GET", desk.path(other, "order/status"), {"orderId": first.id})["code"] == 300006


def test_filled_instead_of_cancelled(open_desk: Opener) -> None:
    desk = open_desk(faults=["fill=2"])
    desk.cancel_all("cash")

    def recent(**values: object) -> Any:
        return desk.ask("GET", desk.path("cash", "order/hist/current"), values)["data"]

    rows = recent(n=100)
    assert Counter(row["status"] for row in rows) == {"Filled": 2, "Canceled": 11}
    filled = [row for row in rows if row["status"] == "Filled"]
    assert all(row["cumFilledQty"] == row["orderQty"] for row in filled)
    assert {row["orderId"] for row in filled} <= {row["orderId"] for row in recent(executedOnly="True")}
    assert len(recent(n=3)) == 3


def test_the_long_history(desk: Desk) -> None:
    desk.cancel_all("cash")
    desk.cancel_all("futures")

    def answer(**values: object) -> Any:
        return desk.ask("GET", "/api/pro/data/v2/order/hist", values)

    rows = answer(account="cash")["data"]
    assert len(rows) == 13
    assert {"fillQty", "avgFillPrice"} <= set(rows[0])
    assert {row["symbol"] for row in answer(account="futures", symbol="BTC-PERP")["data"]} == {"BTC-PERP"}
    numbers = [row["seqNum"] for row in answer(account="cash", seqNum=rows[5]["seqNum"], limit=2)["data"]]
    assert numbers == sorted(numbers)
    assert len(numbers) == 2
    assert answer()["code"] == 100006


# Placing.


@pytest.mark.parametrize(
    ("ledger", "order_type", "rests"),
    [
        ("cash", "limit", "New"),
        ("margin", "stop_limit", "PendingNew"),
        ("futures", "StopMarket", "PendingNew"),
        ("cash", "market", None),
    ],
)
def test_placing(open_desk: Opener, ledger: str, order_type: str, rests: str | None) -> None:
    desk = open_desk(orders=0)
    values = {"id": "abcdefghijkl", "symbol": SYMBOLS[ledger][0], "orderType": order_type, "side": "sell"}
    body = order_body(desk, **values, stopPrice="8", respInst="ACCEPT")
    data = desk.ask("POST", desk.path(ledger, "order"), body)["data"]
    shown = data["order"] if ledger == "futures" else data["info"]
    assert shown["orderId"].endswith("defghijkl")
    assert shown["status"] == (rests or "Filled")
    assert [row["orderId"] for row in desk.listing(ledger)] == ([shown["orderId"]] if rests else [])


def test_placing_checks(desk: Desk) -> None:
    for change, code in (
        ({"symbol": "BTC/USDT"}, 300012),
        ({"time": 0}, 100011),
        ({"side": "up"}, 300008),
        ({"orderQty": "-1"}, 300008),
        ({"orderPrice": "x"}, 300008),
        ({"execInst": "ReduceOnly", "respInst": "ACCEPT"}, 0),
    ):
        assert desk.ask("POST", desk.path("futures", "order"), order_body(desk, **change))["code"] == code
    assert len(desk.open()) == 41
    assert desk.open()[0].reduce_only


# Faults.


@pytest.mark.parametrize(
    ("fault", "method", "status", "code"),
    [
        ("key", "GET", 200, 200001),
        ("expired", "GET", 200, 200001),
        ("ip", "DELETE", 200, 200001),
        ("permission", "DELETE", 200, 200015),
        ("permission=futures", "DELETE", 200, 0),
        ("permission=cash", "DELETE", 200, 200015),
        ("permission", "GET", 200, 0),
        ("listing-refused", "GET", 200, 200015),
        ("listing-refused", "DELETE", 200, 0),
        ("listing-fails", "GET", 500, 510001),
        ("error-after", "DELETE", 500, 510001),
        ("maintenance", "DELETE", 503, None),
        ("rate-limit=0", "GET", 200, 0),
        ("status=429", "GET", 429, None),
        ("region", "GET", 403, None),
        ("permission error-status=403", "DELETE", 403, 200015),
    ],
)
def test_refusals(open_desk: Opener, fault: str, method: str, status: int, code: int | None) -> None:
    desk = open_desk(faults=fault.split(" "))
    reply = desk.reply(method, desk.path("cash", "order/all" if method == "DELETE" else "order/open"))
    assert reply.status == status
    if code is not None:
        assert desk.read(reply)["code"] == code
    gone = method == "DELETE" and (code == 0 or fault == "error-after")
    assert (not desk.open("cash")) is gone


def test_too_many_requests_are_a_page(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    replies = [desk.reply("GET", desk.path("cash", "order/open")) for _ in range(11)]
    assert [reply.status for reply in replies] == [200] * 10 + [429]
    assert replies[-1].body.startswith(b"<!DOCTYPE html>")
    assert ("Content-Type", "text/html") in replies[-1].headers
    desk.clock.tick(0.1)
    assert desk.reply("GET", desk.path("cash", "order/open")).status == 200


KINDS = {
    Kind.CANCEL: ("DELETE /0/api/pro/v1/cash/order/all", "DELETE /0/api/pro/v2/futures/order/batch"),
    Kind.CREATE: ("POST /0/api/pro/v1/margin/order", "POST /0/api/pro/v1/cash/order/all"),
    Kind.LISTING: ("GET /0/api/pro/v2/futures/order/open", "GET /0/api/pro/v1/margin/order/open"),
    Kind.READ: ("GET /0/api/pro/v2/futures/order/status", "GET /api/pro/v1/info"),
    Kind.PUBLIC: ("GET /api/pro/v1/cash/products",),
}
UNKNOWN = """
    /api/pro/v1/cash/order/open /0/api/pro/v1/info /0/api/pro/v1/futures/balance /0/api/pro/v3/futures/order/open
    /nothing
""".split()


def test_kinds_of_requests(desk: Desk) -> None:
    for kind, lines in KINDS.items():
        for method, path in (line.split(" ") for line in lines):
            assert desk.fake.classify(SimRequest(method=method, path=path)) is kind
    for method, path in (*(("GET", path) for path in UNKNOWN), ("POST", "/0/api/pro/v1/cash/order/all")):
        assert desk.reply(method, path).status == 404
        assert desk.fake.requests[-1].changes is (method != "GET")


def test_public_lists(desk: Desk) -> None:
    def rows(path: str) -> list[dict[str, Any]]:
        return list(desk.ask("GET", f"/api/pro/{path}")["data"])

    for ledger in ("cash", "margin"):
        assert [row["symbol"] for row in rows(f"v1/{ledger}/products")] == list(SYMBOLS[ledger])
    contracts = rows("v2/futures/contract")
    assert (contracts[0]["symbol"], contracts[0]["displayName"]) == ("BTC-PERP", "BTCUSDT")
