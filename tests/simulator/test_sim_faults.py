"""Faults: their grammar, and what each does to answers and orders, under a clock that the tests turn."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from cancelall.simulator import Fault, Kind, parse_fault
from cancelall.simulator.bybit import Bybit

if TYPE_CHECKING:
    from conftest import Opener

CANCEL = "/v5/order/cancel-all"
LIST = "/v5/order/realtime"
USDT = {"category": "linear", "settleCoin": "USDT"}


CANCELS, LISTINGS = frozenset({Kind.CANCEL}), frozenset({Kind.LISTING})
WRITTEN = {
    "ack-only": Fault(name="ack-only", kinds=CANCELS),
    "ack-only@2": Fault(name="ack-only", kinds=CANCELS, limit=2),
    "latency": Fault(name="latency", value=0.3),
    "latency:listing=1.5@3": Fault(name="latency", value=1.5, kinds=LISTINGS, limit=3),
    "clock=-600": Fault(name="clock", value=-600.0),
    "redirect=https://user@example.invalid:1": Fault(name="redirect", value="https://user@example.invalid:1"),
    "redirect=https://example.invalid@x": Fault(name="redirect", value="https://example.invalid@x"),
    "json={}@4": Fault(name="json", value="{}", limit=4),
    "listing-fails~settleCoin=USDC": Fault(name="listing-fails", kinds=LISTINGS, text="settleCoin=USDC"),
    "permission=option": Fault(name="permission", value="option", kinds=CANCELS),
    "edge=403^1": Fault(name="edge", value="403", seconds=1.0),
    "edge=403/json@2+5^0.5~/order/": Fault(
        name="edge", value="403/json", limit=2, skips=5, seconds=0.5, text="/order/"
    ),
    "edge=403/json^0.5@2+5~/order/": Fault(
        name="edge", value="403/json", limit=2, skips=5, seconds=0.5, text="/order/"
    ),
    "edge:listing+3": Fault(name="edge", value="403", kinds=LISTINGS, skips=3),
    "edge~a+1@2^3": Fault(name="edge", value="403", text="a+1@2^3"),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_grammar(written: str) -> None:
    assert parse_fault(written) == WRITTEN[written]


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("ack-onyl", "did you mean 'ack-only'"),
        ("latency=soon", "'soon' is not a number"),
        ("ack-only=1", "takes no value"),
        ("latency:listings", "no kind of request"),
        ("edge=404:listing", "no value of this fault"),
        ("edge=404/page", "no value of this fault"),
        ("refused=account", "no value of this fault"),
        ("hint=soon", "no value of this fault"),
        ("odd-row=colour", "no value of this fault"),
        ("odd-way=back", "no value of this fault"),
        ("", "unknown fault ''"),
    ],
)
def test_grammar_complains(written: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_fault(written)


# `clock` and `bot` do not strike requests, and connections meet `accept-stall` before there is a request.
@pytest.mark.parametrize("name", sorted(set(Bybit.fault_specs()) - {"clock", "bot", "accept-stall"}))
def test_every_fault_strikes(open_desk: Opener, name: str) -> None:
    certain = {"error-500": "=1", "lacks": "=linear", "rate-limit": "=1", "retry-after": "@1"}
    helper = {"retry-after": ["status=429"]}.get(name, [])
    desk = open_desk(faults=[*helper, name + certain.get(name, "")])
    for _ in range(2):
        desk.reply("GET", LIST, USDT)
        desk.reply("GET", LIST, USDT | {"cursor": "first:9999999999999", "limit": 50})
        desk.reply("POST", "/v5/order/cancel-batch", {"category": "linear", "request": [{}]})
        desk.reply("POST", CANCEL, USDT)
        desk.reply("GET", LIST, USDT)
        desk.reply("GET", "/v5/user/query-api")
        desk.reply("GET", "/v5/account/query-dcp-info")
    assert desk.fake.strikes(name), f"{name} is looked at by nobody"


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("error-500=1@2", [500, 500, 200, 200, 200]),
        ("status=418+2@1", [200, 200, 418, 200, 200]),
        # Some time after the first request, whenever that is.
        ("status=418^1", [418, 418, 418, 200, 200]),
        ("error-500-for=1", [500, 500, 500, 200, 200]),
    ],
)
def test_when_a_fault_strikes(open_desk: Opener, fault: str, statuses: list[int]) -> None:
    desk = open_desk(faults=[fault])
    desk.clock.tick(100)
    for status in statuses:
        assert desk.reply("GET", "/v5/market/time").status == status
        desk.clock.tick(0.4)


@pytest.mark.parametrize(
    ("faults", "end"),
    [
        ([], 0.0),
        (["status=418"], None),
        (["status=418^1"], 1.0),
        (["status=418@2"], 0.4),
        (["status=418@9"], None),
        (["status=418@9^1"], 1.0),
        (["status=418@2^1"], 0.4),
        (["status=418@1", "key^2"], 2.0),
        (["status=418@1", "key"], None),
    ],
)
def test_faults_know_when_they_are_over(open_desk: Opener, faults: list[str], end: float | None) -> None:
    desk = open_desk(faults=faults)
    began = desk.clock()
    for _ in range(4):
        desk.reply("GET", "/v5/market/time")
        desk.clock.tick(0.4)
    wanted = None if end is None else began + round(end * 1000)
    end_ms = desk.fake.faults_end_ms()
    assert end_ms == wanted if faults else end_ms is not None
    assert desk.fake.faults_end_ms(lambda fault: fault.name == "latency") == began


def test_a_fault_may_meet_one_key_only(open_desk: Opener) -> None:
    desk = open_desk()
    other = desk.at(desk.fake.add_account(orders=10))
    desk.fake.set_faults([f"key~{desk.account.key}"])
    assert desk.get(LIST, **USDT)["retCode"] == 10003
    assert other.get(LIST, **USDT)["retCode"] == 0


# Refusals.


@pytest.mark.parametrize(
    ("fault", "method", "status", "code"),
    [
        ("key", "GET", 200, 10003),
        ("ip", "POST", 200, 10010),
        ("permission", "POST", 200, 10005),
        ("permission=linear", "POST", 200, 10005),
        ("permission=option", "POST", 200, 0),
        ("permission", "GET", 200, 0),
        ("listing-refused", "GET", 200, 10005),
        ("listing-refused", "POST", 200, 0),
        ("listing-fails", "GET", 500, None),
        ("listing-fails~USDC", "GET", 200, 0),
        ("maintenance", "POST", 200, 10016),
        ("region", "GET", 403, None),
        ("html", "GET", 502, None),
        ("html=200", "GET", 200, None),
        ("status=418", "GET", 418, None),
        ("error-after", "POST", 500, None),
        ("lacks=linear", "POST", 200, 10028),
        ("lacks=linear/110132", "GET", 200, 110132),
        ("lacks=linear/404", "POST", 404, None),
        ("lacks=spread", "POST", 200, 0),
    ],
)
def test_refusals(open_desk: Opener, fault: str, method: str, status: int, code: int | None) -> None:
    desk = open_desk(faults=[fault])
    reply = desk.reply(method, CANCEL if method == "POST" else LIST, USDT)
    assert reply.status == status
    if code is not None:
        assert desk.read(reply)["retCode"] == code


def test_several_missing_products(open_desk: Opener) -> None:
    desk = open_desk(faults=["lacks=spread/404", "lacks=strategy/10017", "lacks=option"])
    assert desk.reply("POST", "/v5/spread/order/cancel-all", {"cancelAll": True}).status == 404
    assert desk.get("/v5/strategy/list")["retCode"] == 10017
    assert desk.post(CANCEL, category="option")["retCode"] == 10028
    assert desk.get(LIST, category="spot")["retCode"] == 0


@pytest.mark.parametrize(("fault", "processed"), [("error-500=1", False), ("error-after", True)])
def test_an_error_before_or_after_processing(open_desk: Opener, fault: str, processed: bool) -> None:
    desk = open_desk(faults=[fault])
    assert desk.reply("POST", CANCEL, USDT).status == 500
    assert (len(desk.open()) < 40) is processed


def test_error_500_strikes_a_share(open_desk: Opener) -> None:
    desk = open_desk(faults=["error-500=0.5"])
    bad = sum(desk.reply("GET", "/v5/market/time").status == 500 for _ in range(400))
    assert 150 < bad < 250


def test_rate_limit(open_desk: Opener) -> None:
    desk = open_desk(faults=["rate-limit=2", "retry-after=600"])
    codes = [desk.get(LIST, **USDT)["retCode"] for _ in range(4)]
    assert codes == [0, 0, 10006, 10006]
    desk.clock.tick(1)
    assert desk.get(LIST, **USDT)["retCode"] == 0


def test_retry_after(open_desk: Opener) -> None:
    desk = open_desk(faults=["status=429@1", "retry-after=Wed, 21 Oct 2099 07:28:00 GMT"])
    assert ("Retry-After", "Wed, 21 Oct 2099 07:28:00 GMT") in desk.reply("GET", LIST, USDT).headers
    assert not [name for name, _ in desk.reply("GET", LIST, USDT).headers if name == "Retry-After"]


def test_redirect_keeps_the_path(open_desk: Opener) -> None:
    desk = open_desk(faults=["redirect=https://example.invalid"])
    reply = desk.reply("POST", CANCEL, USDT)
    assert (reply.status, reply.headers) == (302, (("Location", "https://example.invalid/v5/order/cancel-all"),))
    assert len(desk.open()) == 40


# Orders.


def test_ack_only(open_desk: Opener) -> None:
    desk = open_desk(faults=["ack-only@1"])
    claimed = desk.cancel_all(**USDT)
    assert claimed
    assert len(desk.open()) == 40
    assert set(desk.cancel_all(**USDT)) == set(claimed)
    assert len(desk.open()) == 40 - len(claimed)


def test_partial_ends_after_some_rounds(open_desk: Opener) -> None:
    desk = open_desk(faults=["partial"])
    before = len(desk.listing(**USDT))
    assert len(desk.cancel_all(**USDT)) == (before + 1) // 2
    rounds = 1
    while desk.cancel_all(**USDT):
        rounds += 1
    assert rounds > 2
    assert desk.listing(**USDT) == []


def test_fill_instead_of_cancel(open_desk: Opener) -> None:
    desk = open_desk(faults=["fill=2"])
    desk.cancel_all(**USDT)
    assert desk.listing(**USDT) == []
    filled = [order for order in desk.fake.closed_orders() if order.status == "filled"]
    assert len(filled) == 2
    limit = next(order for order in filled if order.type == "limit")
    row = desk.get("/v5/order/history", category="linear", orderId=limit.id)["result"]["list"][0]
    assert (row["orderStatus"], row["cancelType"], row["rejectReason"]) == (
        "Filled",
        "CancelByUser",
        "EC_OrigClOrdIDDoesNotExist",
    )
    assert row["cumExecQty"] == row["qty"]


def test_reappear_is_bounded(open_desk: Opener) -> None:
    desk = open_desk(faults=["reappear=0.2@3"])
    for _ in range(3):
        assert desk.cancel_all(category="spot")
        assert not desk.listing(category="spot", orderFilter="Order")
        desk.clock.tick(0.2)
        assert len(desk.listing(category="spot", orderFilter="Order")) >= 1
    assert desk.cancel_all(category="spot")
    desk.clock.tick(0.15)
    assert not desk.listing(category="spot", orderFilter="Order")


def test_bot_keeps_placing(open_desk: Opener) -> None:
    desk = open_desk(faults=["bot=0.5@3"])
    for expected in (40, 41, 42, 43, 43):
        assert len(desk.open()) == expected
        desk.clock.tick(0.5)
    newest = desk.open()[0]
    assert newest.created_ms == 1_700_000_001_500, "each order is created at its own moment"


def test_a_bot_stops_with_its_fault(open_desk: Opener) -> None:
    desk = open_desk(faults=["bot=0.5"])
    desk.clock.tick(1)
    assert len(desk.open()) == 42
    desk.fake.set_faults([])
    desk.clock.tick(5)
    assert len(desk.open()) == 42


def test_lag_hides_what_is_new(open_desk: Opener) -> None:
    desk = open_desk(orders=0, faults=["lag=1.5"])
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "1", "price": "9"}
    desk.post("/v5/order/create", **order)
    desk.clock.tick(1)
    assert desk.listing(**USDT) == []
    desk.clock.tick(0.5)
    assert len(desk.listing(**USDT)) == 1


# Bodies.


@pytest.mark.parametrize(
    ("fault", "body"),
    [("empty-body", b""), ("json=[]", b"[]"), ("json=NaN", b"NaN"), ("deep-json", b"[" * 50_000 + b"]" * 50_000)],
)
def test_bodies(open_desk: Opener, fault: str, body: bytes) -> None:
    assert open_desk(faults=[fault]).reply("GET", LIST, USDT).body == body


def test_truncated(open_desk: Opener) -> None:
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        open_desk(faults=["truncated"]).get(LIST, **USDT)


def test_duplicate_keys_hide_orders_from_a_careless_parser(open_desk: Opener) -> None:
    body = open_desk(faults=["duplicate-keys"]).reply("GET", LIST, USDT).body
    assert json.loads(body)["result"]["list"] == []
    seen: list[list[str]] = []
    json.loads(body, object_pairs_hook=lambda pairs: seen.append([name for name, _ in pairs]))
    assert any(names.count("list") == 2 for names in seen)


def test_null_lists(open_desk: Opener) -> None:
    desk = open_desk(faults=["null-lists"])
    assert desk.get(LIST, category="linear", symbol="NOSUCH")["result"]["list"] is None
    assert desk.get(LIST, **USDT)["result"]["list"]


def test_cursor_loop(open_desk: Opener) -> None:
    desk = open_desk(faults=["cursor-loop"])
    first = desk.get(LIST, **USDT, limit=2)["result"]
    query = f"category=linear&settleCoin=USDT&limit=2&cursor={first['nextPageCursor']}"
    assert desk.query(LIST, query)["result"] == first


def test_gzip_bomb(open_desk: Opener) -> None:
    reply = open_desk(faults=["gzip-bomb"]).reply("GET", LIST, USDT)
    assert ("Content-Encoding", "gzip") in reply.headers
    assert len(reply.body) < 100_000
    assert len(gzip.decompress(reply.body)) == 64 * 1024 * 1024


def test_many_headers(open_desk: Opener) -> None:
    assert len(open_desk(faults=["many-headers=150"]).reply("GET", LIST, USDT).headers) >= 150


def test_delays_add_up(open_desk: Opener) -> None:
    desk = open_desk(faults=["latency=0.25", "slow-listing=1"])
    assert desk.reply("GET", LIST, USDT).delay_seconds == 1.25
    assert desk.reply("POST", CANCEL, USDT).delay_seconds == 0.25
