"""The fake Kraken: signatures, nonces, its calls, and ccxt, a client that nobody here wrote."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from cancelall import simulator
from cancelall.simulator import SimOrder, SimReply, SimRequest, SimServer
from cancelall.simulator.kraken.state import PAIRS
from simulator.desks import Clock, Desk


class KrakenDesk(Desk):
    """https://docs.kraken.com/exchange/guides/rest/authentication. Nonces are the clock's, one after the other."""

    last = 0
    otp = ""

    def call(self, name: str, nonce: int | None = None, sign: Any = None, **fields: Any) -> SimReply:
        if nonce is None:
            nonce = self.last = max(self.clock(), self.last + 1)
        path, values = f"/0/private/{name}", {"nonce": str(nonce), **fields, **({"otp": self.otp} if self.otp else {})}
        batch = isinstance(fields.get("orders"), list)
        body = json.dumps(values).encode() if batch else urlencode(values).encode()
        digest = hashlib.sha256(str(nonce).encode() + body).digest()
        secret = base64.b64decode(sign or self.account.credentials["api_secret"])
        headers = {
            "api-key": self.key,
            "api-sign": base64.b64encode(hmac.new(secret, path.encode() + digest, hashlib.sha512).digest()).decode(),
            "content-type": "application/json" if batch else "application/x-www-form-urlencoded",
        }
        request = SimRequest(method="POST", path=path, headers=headers, body=body, received_ms=self.clock())
        return self.fake.handle(request)

    def result(self, name: str, **fields: Any) -> Any:
        answer = self.read(self.call(name, **fields))
        assert answer["error"] == [], answer
        return answer["result"]

    def error(self, name: str, **fields: Any) -> str:
        reply = self.call(name, **fields)
        (error,) = self.read(reply)["error"]
        assert reply.status == 200
        return str(error)

    def public(self, name: str, query: str = "") -> Any:
        return self.read(self.fake.handle(SimRequest(method="GET", path=f"/0/public/{name}", query=query)))


def desk(*faults: str, orders: int = 18, limits: bool = False) -> KrakenDesk:
    return KrakenDesk.open_at("kraken", Clock(), faults, orders=orders, limits=limits)


# --- keys and nonces ------------------------------------------------------------------------------------------------


def test_a_nonce_has_to_be_higher_than_any_before() -> None:
    one = desk()
    assert one.read(one.call("Balance", nonce=1000))["error"] == []
    for nonce in (1000, 999, 0):
        assert one.error("Balance", nonce=nonce) == "EAPI:Invalid nonce"
    assert one.read(one.call("Balance", nonce=1001))["error"] == []


@pytest.mark.parametrize("nonce", [2**64, -1])
def test_a_nonce_is_an_unsigned_number_of_64_bits(nonce: int) -> None:
    one = desk()
    assert one.error("Balance", nonce=nonce) == "EAPI:Invalid nonce"
    assert one.read(one.call("Balance", nonce=2**64 - 1))["error"] == []


def test_too_many_refused_nonces_lock_the_key_out_for_a_quarter_of_an_hour() -> None:
    one = desk()
    one.call("Balance", nonce=10**15)
    said = [one.error("Balance", nonce=1) for _ in range(5)]
    assert said == ["EAPI:Invalid nonce"] * 4 + ["EGeneral:Temporary lockout"]
    one.clock.tick(899)
    assert one.error("Balance", nonce=10**15 + 1) == "EGeneral:Temporary lockout"
    one.clock.tick(1)
    assert one.read(one.call("Balance", nonce=10**15 + 1))["error"] == []


def test_a_window_lets_lower_nonces_through() -> None:
    one = desk("nonce-window=10")
    assert [one.read(one.call("Balance", nonce=nonce))["error"] for nonce in (1000, 995, 991, 990)] == [
        *([[]] * 3),
        ["EAPI:Invalid nonce"],
    ]


@pytest.mark.parametrize(("unit", "factor"), [("us", 10**3), ("10ns", 10**5), ("ns", 10**6)])
def test_another_program_has_used_a_finer_unit(unit: str, factor: int) -> None:
    one = desk(f"nonces={unit}")
    now = one.clock()
    assert one.error("Balance", nonce=now + 1000) == "EAPI:Invalid nonce"
    assert one.read(one.call("Balance", nonce=now * factor + 1))["error"] == []


def test_another_program_uses_the_key_at_the_same_time() -> None:
    one = desk("rival")
    assert one.error("Balance", nonce=one.clock()) == "EAPI:Invalid nonce"
    assert one.read(one.call("Balance", nonce=one.clock() + 1))["error"] == []


def test_key_and_signature_are_checked_before_the_nonce() -> None:
    one = desk()
    assert one.error("CancelAll", sign=base64.b64encode(b"another").decode()) == "EAPI:Invalid signature"
    one.key = "KRAKENnobody"
    request = SimRequest(method="POST", path="/0/private/CancelAll", headers={"api-key": one.key}, body=b"nonce=1")
    assert one.read(one.fake.handle(request))["error"] == ["EAPI:Invalid key"]
    assert len(one.fake.open_orders()) == 18
    assert not one.fake.nonces  # type: ignore[attr-defined]


def test_a_key_with_a_two_factor_login_wants_its_password_in_every_call() -> None:
    one = desk("otp=p@ss w+rd&=1")
    assert one.error("CancelAll") == "EAPI:Invalid signature"
    one.otp = "p@ss w+rd&=1"
    assert one.result("CancelAll")["count"] == 18


def test_the_counter_takes_fifteen_calls_and_falls_by_one_in_three_seconds() -> None:
    one = desk(limits=True)
    assert [one.read(one.call("OpenOrders"))["error"] for _ in range(16)] == [[]] * 15 + [["EAPI:Rate limit exceeded"]]
    one.clock.tick(3)
    assert one.result("CancelAll")["count"] == 18
    assert one.error("ClosedOrders") == "EAPI:Rate limit exceeded"
    assert one.error("CancelOrder", txid="O") == "EOrder:Unknown order", "it is not counted"


# --- orders ---------------------------------------------------------------------------------------------------------


def test_the_cancel_of_everything_takes_every_kind_and_ignores_a_pair() -> None:
    """https://github.com/ccxt/ccxt/issues/26926"""
    one = desk()
    kinds = {order.kind for order in one.open()}
    assert len(kinds) >= 9
    assert one.result("CancelAll", pair="XBTUSD") == {"count": 18}
    assert one.open() == []
    assert one.result("CancelAll") == {"count": 0}


def test_names_are_ids_or_client_ids() -> None:
    one = desk()
    first, second, third = one.open()[:3]
    mine = next(order for order in one.open() if order.client_id)
    assert one.result("CancelOrder", txid=first.id) == {"count": 1}
    assert one.error("CancelOrder", txid=first.id) == one.error("CancelOrder", txid="x") == "EOrder:Unknown order"
    assert one.result("CancelOrderBatch", orders=[second.id, third.id]) == {"count": 2}
    if one.rests(mine.id):
        assert one.result("CancelOrder", cl_ord_id=mine.client_id) == {"count": 1}


def test_a_batch_holds_from_two_to_fifty_ids_that_all_exist() -> None:
    one = desk(orders=60)
    ids = [order.id for order in one.open()]
    for wrong in ([], ids[:1], ids[:51], [7, 8]):
        assert one.error("CancelOrderBatch", orders=wrong) == "EGeneral:Invalid arguments"
    assert one.error("CancelOrderBatch", orders=[ids[0], "ONOBOD-YHASI-TTTTTT"]) == "EOrder:Unknown order"
    assert len(one.open()) == 60, "one that is unknown fails all of them"
    assert one.result("CancelOrderBatch", orders=ids[:50]) == {"count": 50}


def test_rows_of_open_orders() -> None:
    one = desk()
    shown = one.result("OpenOrders")["open"]
    assert set(shown) == {order.id for order in one.open()}
    stop = shown[one.one("stop-loss").id]
    assert (stop["status"], stop["descr"]["pair"], stop["descr"]["ordertype"]) == ("open", "ETHUSD", "stop-loss")
    assert (stop["descr"]["leverage"], stop["margin"]) == ("3:1", True)
    pending = [row for row in shown.values() if row["status"] == "pending"]
    closing = [row for row in shown.values() if row["descr"]["close"]]
    assert len(pending) == len(closing) == 1
    assert all("reduce_only" not in row for row in shown.values())
    assert {row["descr"]["pair"] for row in shown.values()} <= set(PAIRS)


def test_histories() -> None:
    one = desk(orders=120)
    before = one.clock() // 1000 - 1
    assert one.result("ClosedOrders", start=before) == {"closed": {}, "count": 0}
    one.result("CancelAll")
    first = one.result("ClosedOrders", start=before, closetime="close")
    third = one.result("ClosedOrders", start=before, closetime="close", ofs=100)
    assert (len(first["closed"]), first["count"], len(third["closed"])) == (50, 120, 20)
    assert {row["status"] for row in first["closed"].values()} == {"canceled"}
    ids = list(first["closed"])
    assert set(one.result("QueryOrders", txid=",".join(ids))) == set(ids)
    assert one.error("QueryOrders", txid=",".join(["O"] * 51)) == "EGeneral:Invalid arguments"
    assert one.result("ClosedOrders", start=one.clock() // 1000 + 5)["count"] == 0


def test_a_conditional_close_comes_to_rest_after_everything_was_cancelled() -> None:
    one = desk("close=1")
    parent = next(order for order in one.open() if "close" in order.extra)
    assert one.result("CancelAll") == {"count": 17}
    assert one.open() == []
    one.clock.tick(1)
    (child,) = one.open()
    assert (child.kind, child.side, child.symbol) == ("stop-loss", "sell", parent.symbol)
    assert one.result("QueryOrders", txid=parent.id)[parent.id]["status"] == "closed"


@pytest.mark.parametrize(
    ("fault", "call", "shown"),
    [
        ("no-count", "CancelAll", {}),
        ("warns", "CancelAll", {"count": 18}),
        ("counted=2", "OpenOrders", 20),
    ],
)
def test_what_answers_can_lack_or_say_besides(fault: str, call: str, shown: object) -> None:
    one = desk(fault)
    answer = one.read(one.call(call))
    assert answer["result"].get("count") == shown if call == "OpenOrders" else answer["result"] == shown
    assert bool(answer["error"]) is (fault == "warns")
    assert all(word.startswith("W") for word in answer["error"])


def test_a_key_tells_its_rights_and_its_last_nonce() -> None:
    one = desk()
    info = one.result("GetApiKeyInfo")
    assert info["nonce"] == str(one.last)
    assert info["permissions"] == ["query-funds", "query-open-trades", "query-closed-trades", "close-trades"]
    assert (info["validUntil"], info["ipAllowlist"]) == ("0", [""])
    snake = desk("snake", "key-days=5", "bound").result("GetApiKeyInfo")
    assert (int(snake["valid_until"]) > 0, snake["ip_allowlist"]) == (True, ["127.0.0.1"])


def test_what_needs_no_key() -> None:
    one = desk()
    assert one.public("Time")["result"]["unixtime"] == one.clock() // 1000
    assert one.public("SystemStatus")["result"]["status"] == "online"
    assert one.public("AssetPairs")["result"]["XXBTZUSD"]["wsname"] == "XBT/USD"
    assert set(one.public("AssetPairs", "pair=XBTUSD,USDTZUSD")["result"]) == {"XXBTZUSD", "USDTZUSD"}
    assert one.public("AssetPairs", "pair=NOSUCH")["error"] == ["EQuery:Unknown asset pair"]
    assert one.public("Nothing")["error"] == ["EGeneral:Unknown method"]


# --- clients that nobody here wrote ---------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[SimServer]:
    """Without limits: these clients are told not to pace themselves."""
    with simulator.start("kraken", orders=18, limits=False) as running:
        yield running


def ids(orders: list[SimOrder], symbol: str = "") -> set[str]:
    return {order.id for order in orders if symbol in ("", order.symbol)}


@contextmanager
def ccxt_client(server: SimServer, **changes: Any) -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt")
    keys = server.credentials
    client = ccxt.kraken({"apiKey": keys["api_key"], "secret": keys["api_secret"], "enableRateLimit": False, **changes})
    client.nonce = itertools.count(client.milliseconds()).__next__  # its own is one a millisecond
    client.urls["api"] = dict.fromkeys(client.urls["api"], server.origin)
    try:
        yield client
    finally:
        client.session.close()


@pytest.mark.conformance
def test_ccxt_lists_places_and_cancels(server: SimServer) -> None:
    with ccxt_client(server) as client:
        shown = client.fetch_open_orders()
        assert {order["id"] for order in shown} == ids(server.open_orders())
        assert {order["status"] for order in shown} <= {"open", "pending"}
        placed = client.create_order("BTC/USD", "limit", "buy", 0.01, 50_000)["id"]
        assert placed in ids(server.open_orders(), "XBTUSD")
        assert client.fetch_order(placed)["status"] == "open"
        client.cancel_order(placed)
        assert client.fetch_order(placed)["status"] == "canceled"
        two = list(ids(server.open_orders()))[:2]
        client.cancel_orders(two)
        assert not set(two) & ids(server.open_orders())
        (said,) = client.cancel_all_orders("BTC/USD")
        assert said["info"]["result"]["count"] == 16, "its symbol is ignored, and everything goes"
        assert server.open_orders() == []
        assert {order["id"] for order in client.fetch_closed_orders()} == ids(server.closed_orders())
        assert len(client.fetch_positions()) == 3


@pytest.mark.conformance
def test_ccxt_is_refused(server: SimServer) -> None:
    ccxt = pytest.importorskip("ccxt")
    wrong = base64.b64encode(b"another").decode()
    with ccxt_client(server, secret=wrong) as client, pytest.raises(ccxt.ExchangeError, match="Invalid signature"):
        client.cancel_all_orders()
    with ccxt_client(server) as client:
        client.fetch_balance()
        server.fake.nonces[server.account.key] *= 1_000_000  # type: ignore[attr-defined]
        with pytest.raises(ccxt.InvalidNonce):
            client.fetch_balance()
    assert len(server.open_orders()) == 18
