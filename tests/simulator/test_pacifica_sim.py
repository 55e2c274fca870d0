"""The fake Pacifica: its checks, its orders and strategies, its credits and its faults; and ccxt trading against it.

The vectors were made with the venue's own SDK code and with throw-away keys whose seeds are the bytes 00..1f and
20..3f; those without a secret key are from ccxt's published test fixture.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cancelall import simulator
from cancelall.simulator import Account, Kind, Manner, SimReply, SimRequest
from cancelall.simulator.pacifica import Pacifica, auth, markets

if TYPE_CHECKING:
    from conftest import Clock
from support import ROOT

API = "/api/v1"
ALL = {"all_symbols": True, "exclude_reduce_only": False}
OWNER_ADDRESS = "FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF"
AGENT_ADDRESS = "3ogUn1GNXoASaRbxPNeVJnVv5rG4EPBtmQmX61jVorUe"
OWNER_SECRET = "1GMkH3brNXiNNs1tiFZHu4yZSRrzJwxi5wB9bHFtMikjwpAW9DMZzU2Pqakc5it8X3N5vPmqdN7KF4CCUpmKhq"
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "pacifica.json").read_text())
TYPES = {
    "/orders/cancel_all": "cancel_all_orders",
    "/orders/cancel": "cancel_order",
    "/orders/stop/cancel": "cancel_stop_order",
    "/orders/twap/cancel": "cancel_twap_order",
    "/order_strategies/cancel": "cancel_order_strategy",
    "/orders/create": "create_order",
    "/orders/stop/create": "create_stop_order",
    "/agent/list": "list_agent_wallets",
    "/account/subaccount/list": "list_subaccounts",
    "/account/api_keys/create": "create_api_key",
    "/account/api_keys": "list_api_keys",
}


@dataclass
class Desk:
    """Signs as the signing page says, with a key of its own choice, and hands requests straight to the fake."""

    fake: Pacifica
    clock: Clock
    account: Account
    secret: str = ""
    agent: str = ""

    def body(self, path: str, payload: Mapping[str, object], **changes: object) -> dict[str, object]:
        """A flat signed body. `changes` are made after signing; None takes a field out."""
        stamp = {"timestamp": self.clock(), "expiry_window": 30_000}
        stamp.update({name: value for name, value in changes.items() if name in stamp})  # type: ignore[misc]
        message = {**stamp, "type": TYPES[path], "data": payload}
        text = json.dumps(message, sort_keys=True, separators=(",", ":"))
        seed = auth.unbase58(self.secret or self.account.credentials["secret_key"])[:32]
        signature = auth.base58(Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode()))
        made = {"account": self.account.key, "signature": signature, **stamp, **payload}
        made |= {"agent_wallet": self.agent} if self.agent else {}
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    def raw(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> SimReply:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.fake.handle(self.request("POST", path, body=text, headers=headers))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        client: str = "127.0.0.1",
    ) -> SimRequest:
        return SimRequest(
            method=method,
            path=API + path,
            query=query,
            body=body,
            headers=headers or {},
            received_ms=self.clock(),
            client=client,
        )

    def post(self, path: str, payload: Mapping[str, object], **changes: object) -> SimReply:
        return self.raw(path, self.body(path, payload, **changes))

    def get(self, path: str, **values: object) -> SimReply:
        query = urlencode({"account": self.account.key, **values})
        return self.fake.handle(self.request("GET", path, query=query))

    def data(self, path: str, **values: object) -> Any:
        answer = as_object(self.get(path, **values))
        assert (answer["success"], answer["error"], answer["code"]) == (True, None, None), answer
        return answer["data"]

    def cancel_all(self, **changes: object) -> int:
        """A mass cancel that must succeed; what it counts."""
        answer = as_object(self.post("/orders/cancel_all", {**ALL, **changes}))
        assert answer["success"], answer
        return int(answer["data"]["cancelled_count"])

    def open(self, segment: str | None = None) -> list[simulator.SimOrder]:
        """What really rests."""
        return [order for order in self.fake.open_orders(self.account) if segment in (None, order.segment)]

    def one(self, kind: str) -> simulator.SimOrder:
        return next(order for order in self.open() if order.kind == kind)


def as_object(reply: SimReply) -> dict[str, Any]:
    value = json.loads(reply.body)
    assert isinstance(value, dict)
    return value


def error_of(reply: SimReply) -> tuple[int, str, int]:
    answer = as_object(reply)
    assert answer["success"] is False
    assert answer["data"] is None
    return reply.status, answer["error"], answer["code"]


Opener = Callable[..., Desk]


@pytest.fixture
def open_pacifica(clock: Clock) -> Opener:
    """A desk at a new fake Pacifica; credits are endless unless asked for, because the clock stands still."""

    def make(*, orders: int = 40, faults: Iterable[str] = (), seed: int = 1, limits: bool = False) -> Desk:
        fake = simulator.create("pacifica", orders=orders, seed=seed, now_ms=clock, limits=limits)
        assert isinstance(fake, Pacifica)
        fake.set_faults(faults)
        return Desk(fake, clock, next(iter(fake.accounts.values())))

    return make


@pytest.fixture
def desk(open_pacifica: Opener) -> Desk:
    return open_pacifica()


# Signatures.


def with_address(fake: Pacifica, address: str) -> Account:
    """An account of an address whose secret nobody needs here."""
    account = Account(key=address, credentials={})
    fake.accounts[address] = account
    fake.stock(account, 10)
    return account


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_vectors(clock: Clock, desk: Desk, row: dict[str, Any]) -> None:
    body = row["body"]
    path = {kind: path for path, kind in TYPES.items()}[row["operation_type"]]
    account = with_address(desk.fake, row["account"])
    clock.now_ms = body["timestamp"]
    if row["agent_wallet"]:
        assert error_of(desk.raw(path, body)) == (400, "Agent not authorized for account", 400)
        desk.fake._agents[account.key] = {row["agent_wallet"]}
    verified = {200, 404, 422} if path != "/orders/stop/cancel" else {400}
    reply = desk.raw(path, body)
    assert reply.status in verified
    assert path != "/orders/stop/cancel" or error_of(reply)[1] == "Stop order not found"
    for name in ("timestamp", "expiry_window"):
        assert error_of(desk.raw(path, {**body, name: body[name] + 1}))[1].startswith("Verification failed")
    clock.tick(body["expiry_window"] / 1000)
    assert desk.raw(path, body).status in verified, "the window includes its last millisecond"
    clock.tick(0.001)
    assert error_of(desk.raw(path, body)) == (400, "Invalid message", 400)


def test_key_order_and_spaces_of_the_body_do_not_matter(desk: Desk) -> None:
    body = desk.body("/orders/cancel_all", ALL)
    text = json.dumps(dict(reversed(body.items())), indent=3).encode()
    assert desk.raw("/orders/cancel_all", text).status == 200


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\0\0\0", b"\0\x01", b"\xff" * 64, b"\0" * 32, bytes(range(64)), b"Hello World!"],
)
def test_base58_goes_there_and_back(data: bytes) -> None:
    text = auth.base58(data)
    assert auth.unbase58(text) == data
    assert len(text) - len(text.lstrip("1")) == len(data) - len(data.lstrip(b"\0"))


def test_base58_of_others() -> None:
    # From the draft that describes the encoding: https://datatracker.ietf.org/doc/html/draft-msporny-base58-03
    assert auth.base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert auth.base58(bytes.fromhex("0000287fb4cd")) == "11233QC4"
    assert auth.unbase58(OWNER_SECRET)[0] == 0
    with pytest.raises(ValueError, match="substring"):
        auth.unbase58("0OIl")


def test_signature_that_begins_with_a_zero_byte(desk: Desk) -> None:
    for tick in range(5000):
        body = desk.body("/orders/cancel_all", ALL, timestamp=desk.clock() + tick)
        if str(body["signature"]).startswith("1"):
            break
    else:
        pytest.fail("one in 256 signatures should begin with zero")
    assert auth.unbase58(str(body["signature"]))[0] == 0
    assert desk.raw("/orders/cancel_all", body).status == 200
    body["signature"] = str(body["signature"])[1:]
    assert error_of(desk.raw("/orders/cancel_all", body)) == (400, "Invalid signature", 400)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"signature": None}, 400, "missing field `signature`"),
        ({"account": None}, 400, "missing field `account`"),
        ({"timestamp": None}, 400, "missing field `timestamp`"),
        ({"exclude_reduce_only": None}, 400, "missing field `exclude_reduce_only`"),
        ({"all_symbols": None}, 400, "missing field `all_symbols`"),
        ({"all_symbols": "true"}, 400, 'invalid type: string "true", expected a boolean'),
        ({"all_symbols": 1}, 400, "invalid type: integer `1`, expected a boolean"),
        ({"signature": {"type": "hardware"}}, 400, "invalid type: dict, expected a string"),
        ({"type": "cancel_all_orders"}, 400, "unknown field `type`"),
        ({"signature": "0OIl"}, 400, "Invalid signature"),
        ({"signature": "2NEpo7TZRRrLZSi2U"}, 400, "Invalid signature"),
        ({"account": "2NEpo7TZRRrLZSi2U"}, 400, "Invalid public key"),
        ({"account": "0OIl"}, 400, "Invalid public key"),
        ({"account": OWNER_ADDRESS}, 400, "Verification failed"),
        ({"agent_wallet": OWNER_ADDRESS}, 400, "Verification failed"),
        ({"agent_wallet": "x"}, 400, "Invalid public key"),
        ({"exclude_reduce_only": True}, 400, "Verification failed"),
        ({"symbol": "BTC"}, 400, "Verification failed"),
    ],
)
def test_refused_bodies(desk: Desk, changes: dict[str, object], status: int, words: str) -> None:
    body = {
        name: value for name, value in {**desk.body("/orders/cancel_all", ALL), **changes}.items() if value is not None
    }
    got = error_of(desk.raw("/orders/cancel_all", body))
    assert got[0] == got[2] == status
    assert words in got[1]
    assert len(desk.open()) == 40


def test_the_parser_comes_before_the_signature(desk: Desk) -> None:
    body = desk.body("/orders/cancel", {"symbol": "BTC", "order_id": "42069"}, signature="x")
    assert "expected u64" in error_of(desk.raw("/orders/cancel", body))[1]


@pytest.mark.parametrize("body", [b"", b"[]", b"NaN", b"{", b"[" * 5000])
def test_bodies_that_are_no_object(desk: Desk, body: bytes) -> None:
    reply = desk.raw("/orders/cancel_all", body)
    assert reply.status == 400
    assert b"cancelled_count" not in reply.body


def test_null_fields_are_absent_ones(desk: Desk) -> None:
    body = {**desk.body("/orders/cancel_all", ALL), "agent_wallet": None, "symbol": None}
    assert desk.raw("/orders/cancel_all", body).status == 200


def test_without_a_window_thirty_seconds_hold(desk: Desk) -> None:
    body = desk.body("/orders/cancel_all", ALL)
    message = {"timestamp": body["timestamp"], "type": "cancel_all_orders", "data": ALL}
    seed = auth.unbase58(desk.account.credentials["secret_key"])[:32]
    text = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
    body["signature"] = auth.base58(Ed25519PrivateKey.from_private_bytes(seed).sign(text))
    del body["expiry_window"]
    desk.clock.tick(30)
    assert desk.raw("/orders/cancel_all", body).status == 200
    desk.clock.tick(0.001)
    assert error_of(desk.raw("/orders/cancel_all", body))[1] == "Invalid message"


def test_a_timestamp_ahead_is_refused_by_a_fault_only(open_pacifica: Opener) -> None:
    desk = open_pacifica()
    assert desk.post("/orders/cancel_all", ALL, timestamp=desk.clock() + 3_600_000).status == 200
    desk.fake.set_faults(["ahead=5"])
    assert desk.post("/orders/cancel_all", ALL, timestamp=desk.clock() + 5_000).status == 200
    assert error_of(desk.post("/orders/cancel_all", ALL, timestamp=desk.clock() + 5_001))[1] == "Invalid message"


# Agent keys.


def agent_desk(desk: Desk, account: Account | None = None) -> Desk:
    credentials, options = desk.fake.bind_agent(account or desk.account)
    return Desk(
        desk.fake, desk.clock, desk.account, secret=credentials["secret_key"], agent=str(options["agent_wallet"])
    )


def test_an_agent_cancels_for_its_account(desk: Desk) -> None:
    agent = agent_desk(desk)
    assert agent.agent in desk.fake.agents_of(desk.account.key)
    assert agent.cancel_all() == 29
    assert as_object(desk.post("/agent/list", {}))["data"] == {"agent_wallets": [agent.agent]}


def test_an_agent_must_be_named_and_bound(desk: Desk) -> None:
    agent = agent_desk(desk)
    assert error_of(agent.post("/orders/cancel_all", ALL, agent_wallet=None))[1].startswith("Verification failed")
    stranger = agent_desk(desk, desk.fake.add_account(orders=10))
    assert error_of(stranger.post("/orders/cancel_all", ALL)) == (400, "Agent not authorized for account", 400)
    assert len(desk.open()) == 40


def test_an_agent_may_not_list_agents(desk: Desk) -> None:
    agent = agent_desk(desk)
    assert error_of(agent.post("/agent/list", {}))[1].startswith("Verification failed")
    assert error_of(agent.post("/account/subaccount/list", {}))[1].startswith("Verification failed")
    assert agent.post("/account/api_keys", {}).status == 200


def test_a_valid_signature_of_an_account_that_nobody_has(desk: Desk) -> None:
    secret = desk.fake.new_credentials()["secret_key"]
    stranger = Desk(desk.fake, desk.clock, Account(key=auth.base58(auth.unbase58(secret)[32:]), credentials={}), secret)
    assert error_of(stranger.post("/orders/cancel_all", ALL)) == (422, "Account not found", 1)


# Listings.


def test_orders_show_stops_but_no_twaps_and_no_strategies(desk: Desk) -> None:
    rows = desk.data("/orders")
    assert {row["order_id"] for row in rows} == {int(order.id) for order in desk.open(markets.ORDERS)}
    assert {row["order_type"] for row in rows} == set(markets.ORDER_TYPES) - {"market"}
    assert {row["side"] for row in rows} == {"bid", "ask"}
    assert {row["reduce_only"] for row in rows} == {True, False}
    assert any(row["filled_amount"] == "0.4" for row in rows)
    assert any(row["initial_amount"] == "0" for row in rows)
    assert any(row["stop_parent_order_id"] for row in rows)
    stop = next(row for row in rows if row["order_type"] == "stop_market")
    assert stop["stop_price"] is not None
    limit = next(row for row in rows if row["order_type"] == "limit")
    assert limit["stop_price"] is None
    child = next(row for row in rows if "parent_id" in row)
    assert child["parent_id"] in {order.id for order in desk.open(markets.STRATEGIES) if order.kind == "auto_chase"}
    answer = as_object(desk.get("/orders"))
    assert set(answer) == {"success", "data", "error", "code", "last_order_id"}
    assert answer["last_order_id"] >= max(row["order_id"] for row in rows)


def test_twaps(desk: Desk) -> None:
    rows = desk.data("/orders/twap")
    assert {row["order_id"] for row in rows} == {int(order.id) for order in desk.open(markets.TWAP)}
    assert rows[0]["filled_amount"] == "0.4"
    assert {row["reduce_only"] for row in rows} == {True, False}


def test_strategies(desk: Desk) -> None:
    rows = desk.data("/order_strategies")["strategies"]
    assert {row["strategy_id"] for row in rows} == {order.id for order in desk.open(markets.STRATEGIES)}
    assert {row["strategy_type"] for row in rows} == set(markets.STRATEGY_TYPES)
    assert {row["lifecycle"] for row in rows} == {"pending", "open", "paused"}
    assert {row["account"] for row in rows} == {desk.account.key}
    conditional = next(row for row in rows if row["strategy_type"] == "conditional")
    assert conditional["definition"]["params"]["execution_symbol"] == "BTC"
    assert [row["strategy_type"] for row in desk.data("/order_strategies", type="twap")["strategies"]] == ["twap"]


def test_strategies_come_in_pages(open_pacifica: Opener) -> None:
    desk = open_pacifica(orders=300)
    held = desk.open(markets.STRATEGIES)
    assert len(held) > 90
    rows = desk.data("/order_strategies", limit=60)["strategies"]
    rows += desk.data("/order_strategies", limit=60, offset=60)["strategies"]
    assert [row["strategy_id"] for row in rows] == [order.id for order in held]
    assert len(desk.data("/order_strategies", limit=500)["strategies"]) == len(held)
    for limit in ("0", "501", "x"):
        assert desk.get("/order_strategies", limit=limit).status == 400
    desk.fake.set_faults(["cursor-loop"])
    assert desk.data("/order_strategies", limit=5, offset=5) == desk.data("/order_strategies", limit=5)


def test_one_strategy(desk: Desk) -> None:
    order = desk.one("oco")
    assert desk.data(f"/order_strategies/{order.id}")["lifecycle"] in ("open", "pending")
    desk.post("/order_strategies/cancel", {"strategy_id": order.id})
    assert desk.data(f"/order_strategies/{order.id}")["lifecycle"] == "cancelled"
    assert desk.get("/order_strategies/no-such").status == 404


def test_an_unknown_account_looks_empty(desk: Desk) -> None:
    for path in ("/orders", "/orders/twap", "/orders/history", "/positions"):
        assert desk.data(path, account=OWNER_ADDRESS) == []
    assert desk.data("/order_strategies", account=OWNER_ADDRESS) == {"strategies": []}
    assert desk.get("/account", account=OWNER_ADDRESS).status == 404


def test_an_unknown_account_may_be_answered_like_an_empty_one(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["strangers"])
    counts = desk.data("/account", account=OWNER_ADDRESS)
    assert (counts["orders_count"], counts["stop_orders_count"], counts["balance"]) == (0, 0, "0")


def test_a_read_must_name_an_account(desk: Desk) -> None:
    reply = desk.fake.handle(desk.request("GET", "/orders"))
    assert reply.status == 400
    assert b"missing field `account`" in reply.body
    assert dict(reply.headers)["Content-Type"] == "text/plain"


@pytest.mark.parametrize("body", [b"{}", b" "])
def test_a_get_with_a_body_is_a_page_of_the_gateway(desk: Desk, body: bytes) -> None:
    reply = desk.fake.handle(desk.request("GET", "/orders", query=f"account={desk.account.key}", body=body))
    assert reply.status == 403
    assert b"The request could not be satisfied" in reply.body


def test_account_counts_stops_apart(desk: Desk) -> None:
    resting = desk.open(markets.ORDERS)
    stops = [order for order in resting if order.kind != "limit"]
    counts = desk.data("/account")
    assert (counts["orders_count"], counts["stop_orders_count"]) == (len(resting) - len(stops), len(stops))
    desk.cancel_all()
    counts = desk.data("/account")
    assert (counts["orders_count"], counts["stop_orders_count"]) == (0, 0)


def test_account_may_be_a_list_and_may_miscount(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["account-list", "counts=2"])
    (counts,) = desk.data("/account")
    assert counts["orders_count"] == 15


def test_info_keeps_the_case_of_symbols(desk: Desk) -> None:
    symbols = {row["symbol"] for row in desk.data("/info")}
    assert {"BTC", "kBONK", "SOL-USDC"} <= symbols
    assert {row["timestamp"] for row in desk.data("/info/prices")} == {desk.clock()}


def test_unknown_paths(desk: Desk) -> None:
    for method, path in (("GET", "/orders/1"), ("POST", "/orders"), ("GET", "/orders/cancel_all")):
        assert desk.fake.handle(desk.request(method, path)).status == 404
    assert desk.fake.handle(SimRequest(method="GET", path="/orders")).status == 404


# Cancels.


def test_cancel_all_takes_orders_stops_and_twaps_but_no_strategies(desk: Desk) -> None:
    before = Counter(order.segment for order in desk.open())
    assert desk.cancel_all() == before["orders"] + before["twap"]
    assert Counter(order.segment for order in desk.open()) == {"strategies": before["strategies"]}
    assert desk.data("/orders") == desk.data("/orders/twap") == []
    assert desk.cancel_all() == 0


def test_cancel_all_of_one_symbol(desk: Desk) -> None:
    assert desk.cancel_all(all_symbols=False, symbol="ETH") > 0
    left = desk.open()
    assert not [order for order in left if order.symbol == "ETH" and order.segment != "strategies"]
    assert [order for order in left if order.symbol == "BTC"]


@pytest.mark.parametrize("symbol", ["btc", "NOSUCH", ""])
def test_a_misspelt_symbol_looks_like_success(desk: Desk, symbol: str) -> None:
    expected = 29 if symbol == "" else 0
    assert desk.cancel_all(all_symbols=False, symbol=symbol) == expected


def test_cancel_all_needs_a_symbol_or_all(desk: Desk) -> None:
    reply = desk.post("/orders/cancel_all", {"all_symbols": False, "exclude_reduce_only": False})
    assert error_of(reply) == (400, "Invalid parameters", 400)


def test_exclude_reduce_only(desk: Desk) -> None:
    closing = {order.id for order in desk.open() if order.reduce_only and order.segment != "strategies"}
    desk.cancel_all(exclude_reduce_only=True)
    left = {order.id for order in desk.open() if order.segment != "strategies"}
    assert left == closing


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("limit", "/orders/cancel", 200),
        ("limit", "/orders/stop/cancel", 400),
        ("limit", "/orders/twap/cancel", 200),
        ("stop_market", "/orders/stop/cancel", 200),
        ("stop_limit", "/orders/stop/cancel", 200),
        ("take_profit_limit", "/orders/stop/cancel", 200),
        ("take_profit_market", "/orders/stop/cancel", 200),
        ("stop_loss_limit", "/orders/stop/cancel", 200),
        ("stop_loss_market", "/orders/stop/cancel", 200),
        ("stop_market", "/orders/cancel", 422),
        ("take_profit_market", "/orders/cancel", 422),
    ],
)
def test_cancel_by_name(desk: Desk, kind: str, path: str, status: int) -> None:
    order = desk.one(kind)
    reply = desk.post(path, {"symbol": order.symbol, "order_id": int(order.id)})
    assert reply.status == status
    rests = order.id in {each.id for each in desk.open()}
    assert rests is (status != 200 or path == "/orders/twap/cancel")


def test_cancel_twap_is_a_success_for_ids_that_do_not_exist(desk: Desk) -> None:
    twap = next(order for order in desk.open(markets.TWAP) if order.client_id)
    answer = as_object(desk.post("/orders/twap/cancel", {"symbol": twap.symbol, "order_id": 999_999_999_999}))
    assert (answer["success"], answer["data"]) == (True, None)
    bogus = {"symbol": twap.symbol, "order_id": int(twap.id), "client_order_id": "no-such"}
    assert error_of(desk.post("/orders/twap/cancel", bogus))[0] == 422
    assert twap.id in {order.id for order in desk.open()}, "the client's id wins"
    desk.post("/orders/twap/cancel", {"symbol": twap.symbol, "client_order_id": twap.client_id})
    assert twap.id not in {order.id for order in desk.open()}


@pytest.mark.parametrize("wrong", ["symbol", "gone", "no id"])
def test_cancel_by_name_that_names_nothing(desk: Desk, wrong: str) -> None:
    order = desk.one("limit")
    payload: dict[str, object] = {"symbol": order.symbol, "order_id": int(order.id)}
    expected = (422, "Failed to cancel order", 5)
    if wrong == "symbol":
        payload["symbol"] = "ETH" if order.symbol != "ETH" else "BTC"
    elif wrong == "gone":
        desk.post("/orders/cancel", payload)
    else:
        del payload["order_id"]
        expected = (400, "Invalid parameters", 400)
    assert error_of(desk.post("/orders/cancel", payload)) == expected


def test_cancel_strategy_takes_its_orders_along(desk: Desk) -> None:
    chase = desk.one("auto_chase")
    children = [order.id for order in desk.open() if order.extra.get("strategy") == chase.id]
    assert children
    answer = as_object(desk.post("/order_strategies/cancel", {"strategy_id": chase.id}))
    assert answer["success"]
    desk.clock.tick(60)
    assert not {chase.id, *children} & {order.id for order in desk.open()}
    assert not [order for order in desk.open() if order.extra.get("strategy") == chase.id]
    again = desk.post("/order_strategies/cancel", {"strategy_id": chase.id})
    assert error_of(again) == (404, "STRATEGIST_NOT_FOUND", 404)


def test_a_running_chase_replaces_its_order(desk: Desk) -> None:
    running = [order.id for order in desk.open() if order.kind == "auto_chase"]
    desk.cancel_all()
    assert desk.open(markets.ORDERS) == []
    desk.clock.tick(0.2)
    assert sorted(str(order.extra["strategy"]) for order in desk.open(markets.ORDERS)) == sorted(running)


def test_waiting_strategies_trigger(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["trigger=0.5@1"])
    waiting = [
        order
        for order in desk.open(markets.STRATEGIES)
        if order.kind in markets.WAITING and order.extra["lifecycle"] == "open"
    ]
    spared = waiting.pop()
    desk.cancel_all()
    desk.post("/order_strategies/cancel", {"strategy_id": spared.id})
    desk.clock.tick(0.5)
    parents = {order.extra["strategy"] for order in desk.open(markets.ORDERS)}
    assert {order.id for order in waiting} <= parents
    assert spared.id not in parents
    assert not {order.id for order in waiting} & {order.id for order in desk.open(markets.STRATEGIES)}


@pytest.mark.parametrize(("value", "kept"), [("stop", "stop_market"), ("twap", "twap"), ("spot", "limit")])
def test_what_cancel_all_may_leave_alone(open_pacifica: Opener, value: str, kept: str) -> None:
    desk = open_pacifica(faults=[f"keeps={value}"])
    desk.cancel_all()
    left = [order for order in desk.open() if order.segment != "strategies"]
    assert left
    assert kept in {order.kind for order in left}
    assert value != "spot" or all("-" in order.symbol for order in left)


def batch(desk: Desk, *legs: tuple[str, str, Mapping[str, object]]) -> SimReply:
    actions = [{"type": name, "data": desk.body(path, payload)} for name, path, payload in legs]
    return desk.raw("/orders/batch", {"actions": actions})


def test_batch(desk: Desk) -> None:
    limit, stop = desk.one("limit"), desk.one("stop_market")
    named = {"symbol": limit.symbol, "order_id": int(limit.id)}
    reply = batch(
        desk,
        ("Cancel", "/orders/cancel", named),
        ("Cancel", "/orders/cancel", named),
        ("CancelStopOrder", "/orders/stop/cancel", {"symbol": stop.symbol, "order_id": int(stop.id)}),
    )
    results = as_object(reply)["data"]["results"]
    assert [result["success"] for result in results] == [True, False, True]
    assert results[1]["error"] == "Failed to cancel order"
    assert len(desk.open()) == 38
    assert desk.fake.requests[-1].kind is Kind.CANCEL


def test_one_bad_signature_spoils_a_batch(desk: Desk) -> None:
    order = desk.one("limit")
    named = {"symbol": order.symbol, "order_id": int(order.id)}
    good, bad = desk.body("/orders/cancel", named), desk.body("/orders/cancel", named, expiry_window=1)
    bad["expiry_window"] = 2
    legs = [{"type": "Cancel", "data": good}, {"type": "Cancel", "data": bad}]
    assert error_of(desk.raw("/orders/batch", {"actions": legs}))[1].startswith("Verification failed")
    assert len(desk.open()) == 40
    for actions in ([], legs * 6, [{"type": "Nope", "data": good}], "no list"):
        assert desk.raw("/orders/batch", {"actions": actions}).status == 400


# Histories.


def test_history_in_pages(open_pacifica: Opener) -> None:
    desk = open_pacifica(orders=200)
    held = len(desk.open(markets.ORDERS))
    desk.cancel_all()
    first = as_object(desk.get("/orders/history"))
    assert first["has_more"]
    rows = first["data"] + as_object(desk.get("/orders/history", cursor=first["next_cursor"]))["data"]
    assert len(first["data"]) == 100
    assert len({row["order_id"] for row in rows}) == len(rows) == held
    assert {(row["order_status"], row["reason"]) for row in rows} == {("cancelled", "cancel")}
    assert desk.get("/orders/history", limit=7, cursor="x").status == 400
    assert len(desk.data("/orders/history", limit=7)) == 7
    assert {row["order_status"] for row in desk.data("/orders/twap/history")} == {"cancelled"}


def test_history_by_id(desk: Desk) -> None:
    order = desk.one("stop_limit")
    assert [row["event_type"] for row in desk.data("/orders/history_by_id", order_id=order.id)] == ["make"]
    desk.cancel_all()
    cancel, make = desk.data("/orders/history_by_id", order_id=order.id)
    assert (cancel["event_type"], cancel["order_status"], cancel["cancelled_amount"]) == ("cancel", "cancelled", "1")
    assert cancel["history_id"] > make["history_id"]
    assert desk.data("/orders/history_by_id", order_id="1") == []


# Placing.


def test_create_and_cancel(desk: Desk) -> None:
    order = {"symbol": "BTC", "price": "50000", "amount": "0.1", "side": "bid", "tif": "GTC", "reduce_only": False}
    placed = as_object(desk.post("/orders/create", {**order, "client_order_id": "mine"}))["data"]["order_id"]
    assert placed in {row["order_id"] for row in desk.data("/orders")}
    assert desk.post("/orders/create", {**order, "client_order_id": "mine"}).status == 422
    assert desk.post("/orders/create", {**order, "symbol": "btc"}).status == 422
    assert desk.post("/orders/create", {**order, "side": "buy"}).status == 400
    assert desk.post("/orders/create", {**order, "amount": "0"}).status == 422
    assert "tick size" in error_of(desk.post("/orders/create", {**order, "price": "50000.5"}))[1]
    assert desk.post("/orders/cancel", {"symbol": "BTC", "client_order_id": "mine"}).status == 200


def test_a_stop_of_no_amount_rests(desk: Desk) -> None:
    stop = {"symbol": "BTC", "side": "bid", "reduce_only": False, "stop_order": {"stop_price": "70000", "amount": "0"}}
    placed = as_object(desk.post("/orders/stop/create", stop))["data"]["order_id"]
    row = next(row for row in desk.data("/orders") if row["order_id"] == placed)
    assert (row["order_type"], row["stop_price"]) == ("stop_market", "70000")
    assert desk.post("/orders/stop/create", {**stop, "stop_order": {}}).status == 400


# Credits.


def limits_of(reply: SimReply) -> tuple[str, str]:
    headers = dict(reply.headers)
    return headers["ratelimit"], headers["ratelimit-policy"]


def test_credits_are_counted_over_a_rolling_minute(open_pacifica: Opener) -> None:
    desk = open_pacifica(limits=True)
    reply = desk.get("/orders")
    assert limits_of(reply) == ('"credits";r=990;t=60', '"credits";q=1000;w=60')
    assert limits_of(desk.post("/orders/cancel_all", ALL))[0] == '"credits";r=985;t=60'
    assert limits_of(desk.get("/orders/history"))[0] == '"credits";r=865;t=60'
    desk.clock.tick(59.9)
    assert limits_of(desk.get("/orders"))[0] == '"credits";r=855;t=1'
    desk.clock.tick(0.1)
    assert limits_of(desk.get("/orders"))[0] == '"credits";r=980;t=60', "what was spent a minute ago is forgotten"


def test_credits_run_out(open_pacifica: Opener) -> None:
    desk = open_pacifica(limits=True, faults=["credits=3"])
    assert [desk.get("/orders").status for _ in range(4)] == [200, 200, 200, 429]
    reply = desk.post("/orders/cancel_all", ALL)
    assert error_of(reply) == (429, "Rate limit exceeded", 429)
    assert limits_of(reply) == ('"credits";r=0;t=60', '"credits";q=30;w=60')
    assert len(desk.open()) == 40
    desk.clock.tick(60)
    assert desk.cancel_all() == 29


def test_credits_are_the_address_s_unless_a_config_key_is_shown(open_pacifica: Opener) -> None:
    desk = open_pacifica(limits=True, faults=["credits=1"])
    assert desk.get("/orders").status == 200
    body = json.dumps(desk.body("/orders/cancel_all", ALL)).encode()
    assert desk.fake.handle(desk.request("POST", "/orders/cancel_all", body=body)).status == 429
    elsewhere = desk.request("POST", "/orders/cancel_all", body=body, client="127.0.0.2")
    assert desk.fake.handle(elsewhere).status == 200
    unknown = desk.request("POST", "/orders/cancel_all", body=body, headers={"pf-api-key": "no-such"})
    assert desk.fake.handle(unknown).status == 429
    key = desk.fake.new_api_config_key()
    known = desk.request("POST", "/orders/cancel_all", body=body, headers={"pf-api-key": key})
    assert limits_of(desk.fake.handle(known)) == ('"credits";r=2995;t=60', '"credits";q=3000;w=60')
    assert (
        key
        in as_object(desk.raw("/account/api_keys", desk.body("/account/api_keys", {}), {"pf-api-key": key}))["data"][
            "active_api_keys"
        ]
    )


def test_a_batch_costs_its_parts(open_pacifica: Opener) -> None:
    desk = open_pacifica(limits=True)
    legs = [("Cancel", "/orders/cancel", {"symbol": "BTC", "order_id": 1})] * 4
    assert limits_of(batch(desk, *legs))[0] == '"credits";r=980;t=60'


# Faults.


# No word for a missing product is known, and no answer names the page that follows.
NO_STRIKE = {"clock", "bot", "accept-stall", "ahead", "credits", "absent", "odd-way", "strangers"}


@pytest.mark.parametrize("name", sorted(set(Pacifica.fault_specs()) - NO_STRIKE))
def test_every_fault_strikes(open_pacifica: Opener, name: str) -> None:
    certain = {"error-500": "=1", "rate-limit": "=1", "retry-after": "@1"}
    helper = {"retry-after": ["status=429"], "no-json": ["key"]}.get(name, [])
    desk = open_pacifica(faults=[*helper, name + certain.get(name, "")])
    for _ in range(2):
        desk.post("/orders/cancel_all", ALL)
        for path in ("/orders", "/order_strategies", "/account"):
            desk.get(path)
    assert desk.fake.strikes(name), f"{name} is looked at by nobody"


@pytest.mark.parametrize(
    ("fault", "method", "status", "words"),
    [
        ("key", "POST", 400, "Verification failed"),
        ("key", "GET", 200, None),
        ("ip", "POST", 403, "not whitelisted"),
        ("permission", "POST", 400, "Agent not authorized for account"),
        ("listing-refused", "GET", 401, "Unauthorized access"),
        ("listing-fails", "GET", 500, "Internal server error"),
        ("error-after", "POST", 500, "Internal server error"),
        ("rate-limit=1", "GET", 200, None),
    ],
)
def test_refusals(open_pacifica: Opener, fault: str, method: str, status: int, words: str | None) -> None:
    desk = open_pacifica(faults=[fault])
    reply = desk.post("/orders/cancel_all", ALL) if method == "POST" else desk.get("/orders")
    assert reply.status == status
    assert words is None or words in error_of(reply)[1]


def test_refusals_without_json(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["no-json", "key"])
    reply = desk.post("/orders/cancel_all", ALL)
    assert (reply.status, dict(reply.headers)["Content-Type"]) == (400, "text/plain")
    assert reply.body == b"Verification failed: signature does not match signer and canonical payload."
    desk.fake.set_faults(["maintenance"])
    assert desk.get("/orders").status == 503
    desk.fake.set_faults(["region"])
    assert desk.get("/orders").status == 403


def test_a_bare_count(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["bare"])
    assert as_object(desk.post("/orders/cancel_all", ALL)) == {"cancelled_count": 29}


@pytest.mark.parametrize(("feature", "path"), [("strategies", "/order_strategies"), ("twap", "/orders/twap")])
def test_hosts_that_lack_something(open_pacifica: Opener, feature: str, path: str) -> None:
    desk = open_pacifica(faults=[f"lacks={feature}"])
    reply = desk.get(path)
    assert (reply.status, reply.body) == (404, b"")
    assert desk.get("/orders").status == 200


def test_ack_only_and_partial(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["ack-only@1"])
    assert desk.cancel_all() == 29
    assert len(desk.open()) == 40
    desk.fake.set_faults(["partial"])
    assert desk.cancel_all() == 15
    assert len(desk.open()) == 25
    strategy = desk.one("oco")
    desk.fake.set_faults(["ack-only"])
    assert desk.post("/order_strategies/cancel", {"strategy_id": strategy.id}).status == 200
    assert strategy.id in {order.id for order in desk.open()}


def test_late_cancels_land_and_lagging_listings_catch_up(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["late-cancel=1.5", "lag=1"])
    desk.cancel_all()
    desk.clock.tick(1.5)
    assert desk.open(markets.ORDERS) == []
    assert desk.data("/orders")
    assert desk.data("/account")["orders_count"] == 0, "the counts do not lag"
    desk.fake.set_faults([])
    assert desk.data("/orders") == []


def test_hidden_orders_are_counted_all_the_same(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["hidden=2", "ack-only"])
    desk.cancel_all()
    assert desk.data("/orders") == []
    assert desk.data("/account")["orders_count"] == 13


def test_a_bot_places_plain_orders(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["bot=0.5@2"])
    desk.clock.tick(1)
    newest = desk.open()[:2]
    assert [(order.segment, order.kind) for order in newest] == [("orders", "limit")] * 2


def test_clock_moves_the_window(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["clock=600"])
    assert error_of(desk.post("/orders/cancel_all", ALL)) == (400, "Invalid message", 400)
    assert desk.post("/orders/cancel_all", ALL, timestamp=desk.clock() + 600_000).status == 200
    assert desk.fake.server_now() == desk.clock() + 600_000


def test_hostile_text_and_unknown_kinds(open_pacifica: Opener) -> None:
    desk = open_pacifica(faults=["hostile"])
    assert "\x1b" in desk.data("/orders")[0]["symbol"]
    desk.fake.set_faults(["unknown-status"])
    assert [row["order_type"] for row in desk.data("/orders")].count("Limbo") == 1
    assert [row["lifecycle"] for row in desk.data("/order_strategies")["strategies"]].count("Limbo") == 1


@pytest.mark.parametrize("fault", ["reset-after", "stall-after", "fin-after"])
def test_a_fault_of_the_connection_comes_after_the_cancel(open_pacifica: Opener, fault: str) -> None:
    desk = open_pacifica(faults=[fault])
    assert desk.post("/orders/cancel_all", ALL).manner in (Manner.RESET, Manner.NEVER, Manner.CLOSE)
    assert len(desk.open()) == 11


# The stock.


@pytest.mark.parametrize("orders", [0, 1, 10, 40, 1000])
def test_stock(open_pacifica: Opener, orders: int) -> None:
    desk = open_pacifica(orders=orders)
    held = desk.open()
    assert len(held) == orders
    assert len({order.id for order in held}) == orders
    per_segment = Counter(order.segment for order in held)
    assert orders < 10 or set(per_segment) == {"orders", "twap", "strategies"}
    assert per_segment["strategies"] <= 100
    assert max(Counter(order.symbol for order in held if order.segment == "twap").values(), default=0) <= 4
    parents = Counter(order.extra["strategy"] for order in held if "strategy" in order.extra)
    assert set(parents.values()) <= {1}
    assert set(parents) <= {order.id for order in held if order.kind == "auto_chase"}


def test_five_thousand_orders(open_pacifica: Opener) -> None:
    desk = open_pacifica(orders=5000)
    strategies = desk.open(markets.STRATEGIES)
    assert len(strategies) == 100
    assert desk.cancel_all() == 4900
    desk.clock.tick(1)
    assert len(desk.open(markets.ORDERS)) == sum(order.kind == "auto_chase" for order in strategies)


# Other people's client.


def ccxt_client(server: simulator.SimServer, **changes: Any) -> Any:
    ccxt = pytest.importorskip("ccxt")
    client = ccxt.pacifica(
        {
            "walletAddress": server.account.key,
            "privateKey": server.credentials["secret_key"],
            "enableRateLimit": False,
            **changes,
        }
    )
    client.set_sandbox_mode(True)
    client.urls["test"] = dict.fromkeys(client.urls["test"], server.origin)
    return client


def without_zero(call: Callable[[], Any]) -> Any:
    """What a call gives, once more if a signature began with a zero byte: ccxt 4.5.90's base58 drops those."""
    import ccxt

    for _ in range(3):
        try:
            return call()
        except ccxt.BaseError as error:
            if "Invalid signature" not in str(error):
                raise
    return call()


@pytest.fixture
def server() -> Any:
    with simulator.start("pacifica", orders=40, limits=False) as running:
        yield running


@pytest.mark.conformance
def test_ccxt_reads_and_cancels(server: simulator.SimServer) -> None:
    client, again = ccxt_client(server), without_zero
    assert "BTC/USDC:USDC" in client.load_markets()
    assert {"SOL/USDC"} <= set(client.symbols)
    listed = client.fetch_open_orders()
    held = [order for order in server.open_orders() if order.segment == "orders"]
    assert {row["id"] for row in listed} == {order.id for order in held}
    placed = again(lambda: client.create_order("BTC/USDC:USDC", "limit", "buy", 0.1, 50_000))
    assert placed["id"] in {order.id for order in server.open_orders()}
    again(lambda: client.cancel_order(placed["id"], "BTC/USDC:USDC"))
    assert placed["id"] not in {order.id for order in server.open_orders()}
    stop = next(order for order in held if order.kind == "stop_market" and order.symbol == "BTC")
    again(lambda: client.cancel_order(stop.id, "BTC/USDC:USDC", {"trigger": True}))
    assert stop.id not in {order.id for order in server.open_orders()}
    pair = [order.id for order in server.open_orders() if order.kind == "limit" and order.symbol == "BTC"][:2]
    answered = again(lambda: client.cancel_orders(pair, "BTC/USDC:USDC"))
    assert [row["status"] for row in answered] == ["canceled"] * len(pair)
    again(lambda: client.cancel_all_orders("ETH/USDC:USDC"))
    assert not [order for order in server.open_orders() if order.symbol == "ETH" and order.kind.startswith("stop")]
    again(lambda: client.cancel_all_orders())
    assert "twap" not in {order.segment for order in server.open_orders()}
    assert client.fetch_balance()["USDC"]["total"] == 10_000
    assert {row["status"] for row in client.fetch_orders(limit=5)} <= {"canceled", "open"}


@pytest.mark.conformance
def test_ccxt_as_an_agent(server: simulator.SimServer) -> None:
    ccxt = pytest.importorskip("ccxt")
    fake = server.fake
    assert isinstance(fake, Pacifica)
    credentials, options = fake.bind_agent(server.account)
    client = ccxt_client(
        server,
        privateKey=credentials["secret_key"],
        options={"agentAddress": options["agent_wallet"]},
    )
    before = len(server.open_orders())
    without_zero(lambda: client.cancel_all_orders())
    assert len(server.open_orders()) < before
    client.walletAddress = fake.add_account(orders=10).key
    with pytest.raises(ccxt.BaseError, match="Agent not authorized"):
        without_zero(lambda: client.cancel_all_orders())


def test_the_date_header_tells_the_venue_s_clock() -> None:
    import http.client
    from email.utils import parsedate_to_datetime

    with simulator.start("pacifica", orders=0, faults=["clock=600"], now_ms=lambda: 1_700_000_000_000) as running:
        connection = http.client.HTTPConnection("127.0.0.1", int(running.origin.rpartition(":")[2]), timeout=5)
        connection.request("GET", f"{API}/info")
        response = connection.getresponse()
        connection.close()
    assert parsedate_to_datetime(response.headers["Date"]).timestamp() == 1_700_000_600
