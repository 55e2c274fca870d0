"""The fake Hyperliquid: whose signature it is, nonces, cancels, children, the log; and other people's clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import Account, Kind, SimOrder, SimReply, SimRequest, SimServer
from cancelall.simulator.ethereum import address, recovered
from cancelall.simulator.hyperliquid import Hyperliquid, auth, markets
from cancelall.simulator.msgpack import pack
from simulator.desks import Clock
from support import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "hyperliquid.json").read_text())
SIGNED = [row for row in VECTORS if "signature" in row]
SIGNER = "0xede35562d3555e61120a151b3c8e8e91d83a378a"
KEY = "0x" + bytes(range(32)).hex()
GONE = "Order was never placed, already canceled, or filled. asset="


class Desk:
    """Asks and signs without a socket; the signatures are those of the client's own module, which is not the fake's."""

    def __init__(self, clock: Clock, *faults: str, orders: int = 22) -> None:
        self.clock, self.nonce = clock, 0
        fake = simulator.create("hyperliquid", now_ms=clock, orders=orders, limits=False)
        assert isinstance(fake, Hyperliquid)
        self.fake = fake
        fake.set_faults(faults)
        self.account = next(iter(fake.accounts.values()))
        self.key = self.account.credentials["private_key"]

    def post(self, path: str, body: object) -> SimReply:
        return self.fake.handle(SimRequest(method="POST", path=path, body=json.dumps(body).encode()))

    def info(self, kind: str, **values: object) -> Any:
        return json.loads(self.post("/info", {"type": kind, **values}).body)

    def rows(self, dex: str = "") -> list[dict[str, Any]]:
        return list(self.info("frontendOpenOrders", user=self.account.key, dex=dex))

    def act(self, action: object, *, nonce: int | None = None, vault: str = "", key: str = "") -> Any:
        from cancelall.core.secret import Secret
        from cancelall.venues.hyperliquid import api
        from cancelall.venues.hyperliquid.options import HyperliquidSecrets

        self.nonce += 1
        moment = self.clock() + self.nonce if nonce is None else nonce
        assert isinstance(action, dict)
        secrets = HyperliquidSecrets(private_key=Secret(key or self.key))
        signature = api.signature_of(action, moment, vault, "a", secrets)
        body = {"action": action, "nonce": moment, "signature": signature, "vaultAddress": vault or None}
        return json.loads(self.post("/exchange", body).body)

    def cancel(self, *orders: SimOrder, **more: Any) -> Any:
        cancels = [{"a": markets.number_of(one.symbol), "o": int(one.id)} for one in orders]
        return self.act({"type": "cancel", "cancels": cancels}, **more)

    def one(self, kind: str, **extra: object) -> SimOrder:
        orders = self.fake.open_orders(self.account)
        return next(one for one in orders if one.kind == kind and extra.items() <= one.extra.items())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk:
    return Desk(clock)


def statuses(answer: Any) -> list[Any]:
    assert answer["status"] == "ok", answer
    return list(answer["response"]["data"]["statuses"])


def error(answer: Any) -> str:
    assert answer["status"] == "err", answer
    return str(answer["response"])


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_the_signer_of_each_vector_is_recovered(row: dict[str, Any]) -> None:
    body = json.loads(row["body"])
    digest = auth.digest_of(body["action"], body["nonce"], body.get("vaultAddress"), None, row["agent_source"])
    assert digest.hex() == row["digest"].removeprefix("0x")
    signature = row["signature"]
    assert recovered(digest, int(signature["r"], 16), int(signature["s"], 16), signature["v"]) == SIGNER
    assert recovered(digest, int(signature["r"], 16), int(signature["s"], 16), 55 - signature["v"]) != SIGNER


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_the_body_of_each_vector_is_taken(row: dict[str, Any], clock: Clock) -> None:
    body = json.loads(row["body"])
    clock.now_ms = body["nonce"]
    desk = Desk(clock)
    desk.fake.source = row["agent_source"]
    account = desk.fake.add_account({"private_key": KEY}, orders=0)
    if vault := body.get("vaultAddress"):
        desk.fake.masters[vault] = ("subAccount", account.key)
        desk.fake.accounts[vault] = Account(key=vault, credentials={})
    assert json.loads(desk.post("/exchange", body).body)["status"] == "ok"
    assert "duplicate nonce" in error(json.loads(desk.post("/exchange", body).body))
    spoilt = {**body, "nonce": body["nonce"] + 1}
    assert "does not exist" in error(json.loads(desk.post("/exchange", spoilt).body))


def test_the_order_of_members_is_the_venues_own(desk: Desk) -> None:
    """The text of the JSON is not signed: a client that writes them otherwise has signed the same."""
    one, other = {"cancels": [{"o": 1, "a": 0}], "type": "cancel"}, {"type": "cancel", "cancels": [{"a": 0, "o": 1}]}
    assert pack(auth.structure(one)) == pack(auth.structure(other)) == pack(other)
    assert auth.structure({"type": "noop", "unknown": 1}) == {"type": "noop"}


def test_who_is_not_known_is_named(desk: Desk) -> None:
    order = desk.one("Limit")
    assert error(desk.cancel(order, key=KEY)) == f"User or API Wallet {SIGNER} does not exist."
    desk.fake.source = "b"
    assert "does not exist" in error(desk.cancel(order))
    assert desk.fake.accounts[desk.account.key].book.is_open(order.id)


def test_signatures_of_another_shape(desk: Desk) -> None:
    good = {"action": {"type": "noop"}, "nonce": desk.clock(), "signature": {"r": "0x1", "s": "0x1", "v": 27}}
    for changes in ({"nonce": "1"}, {"signature": 7}, {"signature": {"r": "x"}}, {"vaultAddress": 7}):
        assert desk.post("/exchange", {**good, **changes}).status == 422
    assert error(json.loads(desk.post("/exchange", {**good, "signature": {"r": "0x0", "s": "0x1", "v": 27}}).body)) == (
        "Unable to recover signer."
    )
    assert desk.post("/info", {"type": "nothing"}).status == 422
    assert desk.post("/elsewhere", {}).status == 422


def test_nonces(desk: Desk, clock: Clock) -> None:
    noop, now = {"type": "noop"}, clock()
    assert desk.act(noop, nonce=now)["status"] == "ok"
    assert error(desk.act(noop, nonce=now)) == f"Invalid nonce: duplicate nonce {now}"
    assert desk.act(noop, nonce=now - 5)["status"] == "ok", "out of order"
    assert "too low" in error(desk.act(noop, nonce=now - 2 * 86_400_000 - 1))
    assert "too high" in error(desk.act(noop, nonce=now + 86_400_000 + 1))
    for number in range(100):
        assert desk.act(noop, nonce=now + 10 + number)["status"] == "ok"
    assert "too low" in error(desk.act(noop, nonce=now + 1)), "a hundred higher ones are known"


def test_a_sub_account_needs_its_master(desk: Desk) -> None:
    below = desk.fake.add_below(desk.account)
    order = next(one for one in desk.fake.open_orders(below) if one.segment == "core")
    assert statuses(desk.cancel(order)) == [{"error": GONE + str(markets.number_of(order.symbol))}]
    assert statuses(desk.cancel(order, vault=below.key)) == ["success"]
    stranger = desk.fake.add_below(desk.fake.add_account(orders=0))
    assert error(desk.cancel(order, vault=stranger.key)) == f"Vault not registered: {stranger.key}"


# --- roles ----------------------------------------------------------------------------------------------------------


def test_roles(desk: Desk) -> None:
    fake, agent = desk.fake, address(desk.key)
    sub, vault = fake.add_below(desk.account), fake.add_below(desk.account, "vault")
    assert desk.info("userRole", user=agent) == {"role": "agent", "data": {"user": desk.account.key}}
    assert desk.info("userRole", user=desk.account.key) == {"role": "user"}
    assert desk.info("userRole", user=sub.key) == {"role": "subAccount", "data": {"master": desk.account.key}}
    assert desk.info("userRole", user=vault.key) == {"role": "vault"}
    assert desk.info("userRole", user="0x" + "9" * 40) == {"role": "missing"}
    assert desk.info("vaultDetails", vaultAddress=vault.key)["leader"] == desk.account.key
    assert desk.info("vaultDetails", vaultAddress=sub.key) is None
    assert [one["address"] for one in desk.info("extraAgents", user=desk.account.key)] == [agent]
    assert desk.info("frontendOpenOrders", user=agent) == [], "an agent looks like an account without orders"


# --- orders ---------------------------------------------------------------------------------------------------------


def test_each_dex_lists_its_own_and_none_lists_twaps(desk: Desk) -> None:
    shown = {dex: {row["coin"].partition(":")[0] for row in desk.rows(dex)} for dex in ("", "xyz", "flx", "nope")}
    assert shown["xyz"] == {"xyz"}
    assert shown["flx"] == {"flx"}
    assert {"BTC", "@107", "PURR/USDC", "#250"} <= shown[""]
    assert shown["nope"] == set()
    listed = {str(row["oid"]) for dex in ("", "xyz", "flx") for row in desk.rows(dex)}
    assert listed == {order.id for order in desk.fake.open_orders() if order.segment != "TWAPs"}


def test_numbers_follow_from_places(desk: Desk) -> None:
    metas = desk.info("allPerpMetas")
    assert [metas[0]["universe"][one]["name"] for one in (0, 1)] == ["BTC", "ETH"]
    assert markets.number_of("BTC") == 0
    assert markets.number_of("xyz:NVDA") == 110_001
    assert markets.number_of("flx:OIL") == 120_001
    assert markets.number_of("@107") == 10_107
    assert markets.number_of("#251") == 100_000_251
    assert desk.info("perpDexs") == [None, {"name": "xyz"}, {"name": "flx"}]


def test_a_cancel_answers_for_each_order(desk: Desk) -> None:
    first, second = desk.one("Limit"), desk.one("Stop Limit")
    cancels = [
        {"a": markets.number_of(first.symbol), "o": int(first.id)},
        {"a": markets.number_of(second.symbol) + 1, "o": int(second.id)},
        {"a": 0, "o": 7},
    ]
    said = statuses(desk.act({"type": "cancel", "cancels": cancels}))
    assert said == ["success", {"error": f"{GONE}{markets.number_of(second.symbol) + 1}"}, {"error": GONE + "0"}]
    assert statuses(desk.cancel(first)) == [{"error": GONE + str(markets.number_of(first.symbol))}]


def test_an_action_of_more_than_200_is_refused_whole(clock: Clock) -> None:
    desk = Desk(clock, orders=300)
    orders = [order for order in desk.fake.open_orders() if order.segment == "core"]
    assert error(desk.cancel(*orders[:201])) == "Signed action over weight limit of 200."
    assert len(desk.fake.open_orders()) == 300
    assert len(statuses(desk.cancel(*orders[:200]))) == 200
    assert error(desk.act({"type": "cancel", "cancels": []})) == "Empty batch"


def test_children_go_with_their_parent(desk: Desk) -> None:
    parent = desk.one("Limit", children="1")
    row = next(row for row in desk.rows() if row["oid"] == int(parent.id))
    children = [next(one for one in desk.fake.open_orders() if one.id == str(each["oid"])) for each in row["children"]]
    assert len(children) == 2
    number = markets.number_of(parent.symbol)
    assert statuses(desk.cancel(parent, *children)) == ["success", *([{"error": f"{GONE}{number}"}] * 2)]
    history = desk.info("historicalOrders", user=desk.account.key)
    ended = [one["status"] for one in history if str(one["order"]["oid"]) == children[0].id]
    assert ended == ["canceled", "open"], "a cancelled order has two rows"


def test_the_log_of_twaps(desk: Desk) -> None:
    twap = desk.one("twap", status="activated")
    action = {"type": "twapCancel", "a": markets.number_of(twap.symbol), "t": int(twap.id)}
    assert desk.act(action)["response"]["data"] == {"status": "success"}
    assert "TWAP was never placed" in desk.act(action)["response"]["data"]["status"]["error"]
    log = [row for row in desk.info("twapHistory", user=desk.account.key) if row["twapId"] == int(twap.id)]
    assert [row["status"]["status"] for row in log] == ["terminated", "activated"]
    assert all(row["time"] < 10**10 for row in log), "seconds"


def test_how_orders_ended_one_by_one(desk: Desk) -> None:
    order = desk.one("Limit")
    desk.cancel(order)
    said = desk.info("orderStatus", user=desk.account.key, oid=int(order.id))
    assert (said["status"], said["order"]["status"]) == ("order", "canceled")
    assert desk.info("orderStatus", user=desk.account.key, oid=7) == {"status": "unknownOid"}


def test_the_weights_of_a_minute(clock: Clock) -> None:
    desk = Desk(clock)
    desk.fake.limits = True
    replies = [desk.post("/info", {"type": "userRole", "user": SIGNER}).status for _ in range(21)]
    assert replies == [200] * 20 + [429]
    clock.tick(60)
    assert desk.post("/info", {"type": "userRole", "user": SIGNER}).status == 200


def test_the_budget_of_an_account(clock: Clock) -> None:
    desk = Desk(clock, "budget=2")
    orders = [order for order in desk.fake.open_orders() if order.segment == "core"]
    assert len(statuses(desk.cancel(*orders[:2]))) == 2
    assert len(statuses(desk.cancel(*orders[2:4]))) == 2
    assert error(desk.cancel(orders[4])).startswith("Too many cumulative requests sent (4 > 2)")
    clock.tick(10)
    assert statuses(desk.cancel(orders[4])) == ["success"]


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("orphans", lambda desk: _child(desk) not in {row["oid"] for row in desk.rows()}),
        ("nameless", lambda desk: all("twapId" not in row for row in desk.info("twapHistory", user=desk.account.key))),
        ("long-log", lambda desk: len(desk.info("twapHistory", user=desk.account.key)) > 2000),
        ("duplicate-nonce", lambda desk: "duplicate nonce" in error(desk.cancel(desk.one("Limit")))),
        ("restarted", lambda desk: "post-only" in error(desk.cancel(desk.one("Limit")))),
        ("busy-key", lambda desk: "too low" in error(desk.cancel(desk.one("Limit")))),
        ("role=vault", lambda desk: desk.info("userRole", user=address(desk.key)) == {"role": "vault"}),
    ],
)  # fmt: skip
def test_its_own_faults(clock: Clock, fault: str, shows: Callable[[Desk], bool]) -> None:
    assert shows(Desk(clock, fault))


def _child(desk: Desk) -> int:
    return int(desk.one("Stop Market", parent=desk.one("Limit", children="1").id).id)


def test_every_second_reading_is_behind(clock: Clock) -> None:
    desk = Desk(clock, "replicas=3")
    orders = [order for order in desk.fake.open_orders() if order.segment == "core"]
    for order in orders:
        desk.cancel(order)
    clock.tick(0.5)
    seen = [len(desk.rows()) for _ in range(4)]
    assert seen == [0, len(orders), 0, len(orders)]


def test_kinds_of_requests(desk: Desk) -> None:
    def kind(path: str, body: object) -> Kind:
        return desk.fake.classify(SimRequest(method="POST", path=path, body=json.dumps(body).encode()))

    assert kind("/info", {"type": "frontendOpenOrders"}) is Kind.LISTING
    assert kind("/info", {"type": "nothing"}) is Kind.READ
    assert kind("/exchange", {"action": {"type": "cancel"}}) is Kind.CANCEL
    assert kind("/exchange", {"action": {"type": "order"}}) is Kind.CREATE
    assert kind("/exchange", {"action": 7}) is Kind.CREATE


# --- clients that nobody here wrote ---------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("hyperliquid", orders=22, limits=False) as running:
        yield running


@pytest.mark.conformance
def test_ccxt_trades_here(server: SimServer) -> None:
    """https://github.com/ccxt/ccxt: it signs with code of its own."""
    ccxt = pytest.importorskip("ccxt")
    options = {"builderFee": False, "refSet": True, "fetchMarkets": {"types": ["swap"], "hip3": {"dexes": []}}}
    client = ccxt.hyperliquid(
        {
            "walletAddress": server.account.key,
            "privateKey": server.credentials["private_key"],
            "enableRateLimit": False,
            "options": options,
        }
    )
    client.urls["api"] = {"public": server.origin, "private": server.origin}
    client.markets = {}
    client.load_markets = lambda *_, **__: client.markets
    symbol = "BTC/USDC:USDC"
    market = client.safe_market_structure(
        {
            "id": "0", "baseId": "0", "symbol": symbol, "base": "BTC", "quote": "USDC", "settle": "USDC",
            "type": "swap", "swap": True, "contract": True, "baseName": "BTC",
            "precision": {"amount": 0.001, "price": 1},
        }
    )  # fmt: skip
    client.set_markets([market])
    client.markets[symbol]["baseId"] = "0"
    before = {order.id for order in server.open_orders() if order.segment == "core"}
    listed = {str(one["info"]["oid"]) for one in client.fetch_open_orders(symbol)}
    assert listed == {order.id for order in server.open_orders() if order.symbol == "BTC" and order.segment == "core"}
    cancelled = client.cancel_orders(sorted(listed), symbol)
    assert len(cancelled) == len(listed)
    assert before - {order.id for order in server.open_orders()} == listed
    client.session.close()


def test_a_copy_of_an_order_rests_like_it(desk: Desk) -> None:
    """What a bot places anew has no children of its own."""
    order = desk.one("Limit")
    fresh = desk.fake.place_like(desk.account, replace(order, extra={}), desk.clock())
    assert str(fresh.id) in {str(row["oid"]) for dex in ("", "xyz", "flx") for row in desk.rows(dex)}
