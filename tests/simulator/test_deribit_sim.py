"""The fake Deribit: what its documents say of keys, limits, cancels and lists; and clients that nobody here wrote."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimOrder, SimServer
from cancelall.simulator.deribit.instruments import INSTRUMENTS, STOCK
from simulator.desks import Clock, DeribitDesk

Opener = Callable[..., DeribitDesk]
ALL = "private/cancel_all"
LIST = "private/get_open_orders"


@pytest.fixture
def open_deribit(clock: Clock) -> Opener:
    def make(*faults: str, orders: int = 44, limits: bool = False) -> DeribitDesk:
        return DeribitDesk.open_at("deribit", clock, faults, orders=orders, limits=limits)

    return make


# --- instruments and stock ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "pair", "settled", "listed", "cancelled"),
    [
        ("BTC-PERPETUAL", "future", ("BTC", "USD"), "BTC", "BTC", "BTC"),
        ("BTC_USDC-PERPETUAL", "future", ("BTC", "USDC"), "USDC", "USDC", "USDC"),
        ("XRP_USDC-25DEC26-0d625-C", "option", ("XRP", "USDC"), "USDC", "USDC", "USDC"),
        ("ETH-25DEC26-4000-P", "option", ("ETH", "ETH"), "ETH", "ETH", "ETH"),
        ("BTC_USDC", "spot", ("BTC", "USDC"), "", "BTC USDC", "BTC"),
        ("BTC-FS-25DEC26_PERP", "future_combo", ("BTC", "BTC"), "BTC", "BTC", "BTC"),
        ("BTC-CS-25DEC26-100000_110000", "option_combo", ("BTC", "BTC"), "BTC", "BTC", "BTC"),
    ],
)
def test_an_instrument_is_what_its_name_says(
    name: str, kind: str, pair: tuple[str, str], settled: str, listed: str, cancelled: str
) -> None:
    one = INSTRUMENTS[name]
    assert (one.kind, one.pair, one.settled_in) == (kind, pair, settled)
    coins = ("BTC", "ETH", "USDC", "USD")
    assert [coin for coin in coins if one.listed_under(coin)] == listed.split()
    assert [coin for coin in coins if one.cancelled_under(coin)] == cancelled.split()


def test_the_stock_has_every_kind_of_order_in_every_kind_of_instrument(open_deribit: Opener) -> None:
    desk = open_deribit(orders=len(STOCK))
    rows = desk.rows()
    assert {row["order_type"] for row in rows} == {
        *("limit", "stop_market", "stop_limit", "take_market", "take_limit", "trailing_stop"),
    }
    assert {INSTRUMENTS[row["instrument_name"]].kind for row in rows} == {
        *("future", "option", "spot", "future_combo", "option_combo"),
    }
    assert {row["order_state"] for row in rows} == {"open", "untriggered"}
    assert any(row.get("quote") for row in rows)
    assert any(row.get("original_order_type") == "market_limit" for row in rows)
    assert [bool(row.get(name)) for name in ("oco_ref", "oto_order_ids", "is_secondary_oto") for row in rows].count(
        True
    ) == 4
    for row in rows:
        spot = INSTRUMENTS[row["instrument_name"]].kind == "spot"
        assert ("reduce_only" in row) is not spot
        assert ("amount" in row) is (row["order_type"] not in ("stop_market", "take_market"))
        assert row["price"] == ("market_price" if row["order_type"].endswith("market") else row["price"])


# --- keys -----------------------------------------------------------------------------------------------------------


def test_the_signature_covers_method_path_query_and_body(open_deribit: Opener) -> None:
    desk = open_deribit()
    assert desk.code(LIST) == (200, 0)
    for change in (
        {"headers": {"authorization": None}},
        {"headers": {"authorization": "Bearer nothing"}},
        {"headers": {"authorization": "deri-hmac-sha256 id=nobody,ts=1,nonce=1,sig=1"}},
    ):
        assert desk.code(LIST, **change) == (400, 13004)  # type: ignore[arg-type]
    good = desk.request("GET", desk.api + LIST, query="kind=spot")
    for spoilt in ("kind=future", ""):
        request = desk.request("GET", desk.api + LIST, query=spoilt, headers=dict(good.headers))
        assert desk.read(desk.fake.handle(request))["error"]["code"] == 13009


def test_a_timestamp_is_good_for_a_minute_and_a_nonce_once(open_deribit: Opener) -> None:
    desk = open_deribit()
    now = desk.clock()
    for moment, expected in ((now - 60_000, 0), (now - 60_001, 13009), (now + 10_000, 0), (now + 10_001, 13009)):
        assert desk.code(LIST, timestamp=moment)[1] == expected
    request = desk.request("GET", desk.api + LIST)
    assert [desk.fake.handle(request).status for _ in range(2)] == [200, 401]


def test_a_call_may_be_a_post_that_names_its_method(open_deribit: Opener) -> None:
    desk = open_deribit(orders=5)
    body = {"jsonrpc": "2.0", "id": 1, "method": ALL, "params": {"detailed": True}}
    for wrong in ({}, {**body, "method": "private/cancel"}, {**body, "params": []}):
        answer = desk.ask("POST", desk.api + ALL, wrong)
        assert answer["error"]["code"] == 11050
    assert len(desk.open()) == 5
    reports = desk.ask("POST", desk.api + ALL, body)["result"]
    assert sum(len(one["result"]) for one in reports) == 5


def test_a_login_gives_a_token_and_names_the_rights(open_deribit: Opener) -> None:
    desk = open_deribit(orders=3)
    secret = desk.account.credentials["client_secret"]
    given = {"grant_type": "client_credentials", "client_id": desk.key, "client_secret": secret}
    token = desk.good("public/auth", **given)
    assert "trade:read_write" in token["scope"].split()
    bearer = {"authorization": f"Bearer {token['access_token']}"}
    assert len(desk.call(LIST, headers=bearer)["result"]) == 3
    assert desk.code("public/auth", {**given, "client_secret": "x"})[1] == 13004
    assert desk.code("public/auth", {**given, "client_id": "x"})[1] == 13004
    stamp, nonce = desk.clock(), "abc"
    signature = hmac.new(secret.encode(), f"{stamp}\n{nonce}\n".encode(), hashlib.sha256).hexdigest()
    signed = {"grant_type": "client_signature", "client_id": desk.key, "timestamp": stamp, "nonce": nonce, "data": ""}
    assert desk.good("public/auth", **signed, signature=signature)["token_type"] == "bearer"
    assert desk.code("public/auth", {**signed, "signature": signature})[1] == 13009, "a nonce is good once"
    assert desk.code("public/auth", {**signed, "nonce": "d", "signature": "0" * 64})[1] == 13009


@pytest.mark.parametrize(
    ("method", "burst", "seconds"), [(ALL, 250, 0.005), ("private/cancel_quotes", 20, 0.2), (LIST, 100, 0.05)]
)
def test_each_group_of_calls_has_its_own_limit(open_deribit: Opener, method: str, burst: int, seconds: float) -> None:
    desk = open_deribit(orders=1, limits=True)
    values = {"cancel_type": "all"}
    assert [desk.code(method, values)[1] for _ in range(burst + 2)] == [0] * burst + [10028] * 2
    desk.clock.tick(seconds)
    assert [desk.code(method, values)[1] for _ in range(2)] == [0, 10028]
    assert desk.code("private/get_user_locks")[1] == (10028 if method == LIST else 0)


# --- cancels --------------------------------------------------------------------------------------------------------


def test_a_cancel_of_all_takes_every_currency_and_kind(open_deribit: Opener) -> None:
    desk = open_deribit()
    before = {order.id: order for order in desk.open()}
    reports = desk.good(ALL, detailed="true")
    assert desk.open() == []
    assert {row["order_id"] for one in reports for row in one["result"]} == set(before)
    assert {one["type"] for one in reports} == {"trigger", "limit"}
    for one in reports:
        states = {row["order_state"] for row in one["result"]}
        assert states == ({"untriggered"} if one["type"] == "trigger" else {"cancelled"})
    assert desk.good(ALL, detailed="true") == [], "a report is there only where something was cancelled"
    assert desk.good(ALL) == 0


def _is(*fields: str) -> Callable[[SimOrder], bool]:
    """Orders of this instrument and kind, or of this kind alone."""
    return lambda order: fields in ((order.symbol, order.kind), (order.kind,))


@pytest.mark.parametrize(
    ("method", "values", "takes"),
    [
        ("cancel_all_by_currency", "currency=USDC", lambda one: INSTRUMENTS[one.symbol].settled_in == "USDC"),
        ("cancel_all_by_currency", "currency=ETH kind=spot", _is("ETH_BTC", "limit")),
        (
            "cancel_all_by_kind_or_type",
            "currency=any kind=combo",
            lambda one: "-FS-" in one.symbol or "-CS-" in one.symbol,
        ),
        ("cancel_all_by_kind_or_type", "currency=any type=trigger_all", lambda one: "trigger" in one.extra),
        ("cancel_all_by_kind_or_type", "currency=any type=trailing_stop", _is("trailing_stop")),
        ("cancel_all_by_instrument", "instrument_name=BTC_USDC type=limit", _is("BTC_USDC", "limit")),
        ("cancel_quotes", "cancel_type=instrument instrument_name=BTC-PERPETUAL", _is("BTC-PERPETUAL", "quote")),
        ("cancel_quotes", "cancel_type=currency currency=ETH", _is("ETH-25DEC26-4000-P", "quote")),
        ("cancel_by_label", "label=nobody", lambda one: False),
    ],
)
def test_a_narrower_cancel_takes_its_part_alone(
    open_deribit: Opener, method: str, values: str, takes: Callable[[SimOrder], bool]
) -> None:
    desk = open_deribit()
    goes = {order.id for order in desk.open() if takes(order)}
    assert goes or method == "cancel_by_label"
    before = {order.id for order in desk.open()}
    assert desk.good(f"private/{method}", **dict(one.split("=") for one in values.split())) == len(goes)
    assert before - {order.id for order in desk.open()} == goes


@pytest.mark.parametrize(
    ("method", "values", "code", "param"),
    [
        ("cancel_all_by_currency", {}, -32602, "currency"),
        ("cancel_all_by_currency", {"currency": "any"}, -32602, "currency"),
        ("cancel_all_by_currency", {"currency": "BTC", "kind": "swap"}, -32602, "kind"),
        ("cancel_all_by_instrument", {"instrument_name": "BTC-PERPETAUL"}, 13020, None),
        ("cancel_quotes", {"cancel_type": "delta"}, -32602, "cancel_type"),
        ("get_open_orders", {"kind": "any"}, -32602, "kind"),
        ("get_open_orders", {"kind": "combo"}, -32602, "kind"),
        ("get_open_orders_by_currency", {"currency": "BCT"}, -32602, "currency"),
        ("get_open_orders_by_instrument", {"instrument_name": "X"}, 13020, None),
        ("cancel", {"order_id": "nobody"}, 10004, None),
        ("no_such_method", {}, -32601, None),
    ],
)
def test_what_it_refuses(
    open_deribit: Opener, method: str, values: dict[str, str], code: int, param: str | None
) -> None:
    desk = open_deribit()
    answer = desk.call(f"private/{method}", values)
    error = answer.get("error", {"code": 0})
    assert (error["code"], error.get("data", {}).get("param")) == (code, param)
    assert len(desk.open()) == 44
    assert {"testnet", "usIn", "usOut", "usDiff"} <= answer.keys()


def test_an_order_by_its_id_once(open_deribit: Opener) -> None:
    desk = open_deribit()
    order = desk.one("limit")
    assert desk.good("private/cancel", order_id=order.id)["order_id"] == order.id
    assert desk.code("private/cancel", {"order_id": order.id}) == (400, 11044)


def test_one_leg_takes_the_other_and_a_primary_its_secondary(open_deribit: Opener) -> None:
    desk = open_deribit(orders=22)
    linked = {key: [one for one in desk.open() if key in one.extra] for key in ("oco", "oto")}
    assert {key: len(some) for key, some in linked.items()} == {"oco": 2, "oto": 2}
    secondary, primary = linked["oto"]
    desk.good("private/cancel", order_id=linked["oco"][0].id)
    assert not desk.rests(linked["oco"][1].id)
    desk.good("private/cancel", order_id=secondary.id)
    assert desk.rests(primary.id), "the other way round nothing goes along"
    other = open_deribit(orders=22)
    secondary, primary = (one for one in other.open() if "oto" in one.extra)
    other.good("private/cancel", order_id=primary.id)
    assert not other.rests(secondary.id)


# --- histories ------------------------------------------------------------------------------------------------------


def test_histories_show_what_ended_each_its_own(open_deribit: Opener) -> None:
    desk = open_deribit()
    stock = {order.id: order for order in desk.open()}
    desk.sweep()
    path = "private/get_order_history_by_currency"
    filled = [row["filled_amount"] for row in desk.good(path, currency="USDC", count="1000")]
    assert filled == [0.6, 0.6], "what never filled is shown on request only"
    ended = [
        row["order_id"]
        for coin in ("BTC", "ETH", "USDC")
        for row in desk.good(path, currency=coin, count="1000", include_unfilled="true")
    ]
    triggers = [
        entry["trigger_order_id"]
        for coin in ("BTC", "ETH", "USDC")
        for entry in desk.good("private/get_trigger_order_history", currency=coin, count="1000")["entries"]
    ]
    assert set(ended) | set(triggers) == set(stock)
    assert set(triggers) == {identity for identity, order in stock.items() if "trigger" in order.extra}
    first = desk.good("private/get_trigger_order_history", currency="BTC", count="2")
    assert (len(first["entries"]), first["continuation"]) == (2, "2")
    assert desk.good(path, currency="BTC", count="2", offset="1", include_unfilled="true")[0]["order_id"] == ended[1]


# --- faults of its own ----------------------------------------------------------------------------------------------


def test_faults_of_its_own(open_deribit: Opener) -> None:
    desk = open_deribit("shape=order@1", "group-error=10041+1@1", "quotes-left+2@1")
    reports = desk.good(ALL, detailed="true")
    assert {next(iter(one)) for one in reports} == {"order"}
    desk = open_deribit("group-error=10041@1", "testnet@2", "locked=ETH")
    *good, bad = desk.good(ALL, detailed="true")
    assert good
    assert bad["error"]["code"] == 10041
    assert desk.open()
    assert desk.call(LIST)["testnet"] is True
    assert desk.call(LIST)["testnet"] is False
    assert [one["currency"] for one in desk.good("private/get_user_locks") if one["locked"]] == ["ETH"]
    desk = open_deribit("quotes-left", "silent", "lenient-names")
    desk.sweep()
    assert {order.kind for order in desk.open()} == {"quote"}
    assert "testnet" not in desk.call(LIST)
    assert desk.good("private/cancel_all_by_instrument", instrument_name="NOSUCH") == 0
    desk.good("private/cancel_quotes", cancel_type="all")
    assert desk.open() == []


# --- other people's clients -----------------------------------------------------------------------------------------


@contextmanager
def ccxt_client(*faults: str, **more: Any) -> Iterator[tuple[SimServer, Any]]:
    ccxt = pytest.importorskip("ccxt")
    with simulator.start("deribit", orders=44, limits=False, faults=list(faults)) as server:
        keys = {"apiKey": server.credentials["client_id"], "secret": server.credentials["client_secret"]}
        client = ccxt.deribit({**keys, "enableRateLimit": False, **more})
        client.nonce = itertools.count(client.milliseconds()).__next__  # its own is one a millisecond
        client.has["fetchCurrencies"] = False
        client.urls["api"] = dict.fromkeys(client.urls["api"], server.origin)
        try:
            yield server, client
        finally:
            client.session.close()


@pytest.mark.conformance
def test_ccxt_lists_places_and_cancels() -> None:
    with ccxt_client() as (server, client):
        markets = {one["id"]: one["type"] for one in client.fetch_markets()}
        assert (markets["BTC-PERPETUAL"], markets["BTC-25DEC26-100000-C"], markets["BTC_USDC"]) == (
            "swap",
            "option",
            "spot",
        )
        stock = {order.id: order for order in server.open_orders()}
        shown = client.fetch_open_orders("BTC/USD:BTC")
        mine = {identity for identity, order in stock.items() if order.symbol == "BTC-PERPETUAL"}
        assert {one["id"] for one in shown} == mine
        placed = client.create_order("BTC/USD:BTC", "limit", "buy", 10, 100)
        assert placed["id"] in {order.id for order in server.open_orders()}
        assert client.cancel_order(placed["id"])["id"] == placed["id"]
        client.cancel_all_orders("BTC/USD:BTC")
        assert not [order for order in server.open_orders() if order.symbol == "BTC-PERPETUAL"]
        client.cancel_all_orders()
        assert server.open_orders() == []
        closed = client.fetch_closed_orders(params={"include_unfilled": True, "count": 1000})
        assert placed["id"] in {one["id"] for one in closed}


@pytest.mark.conformance
def test_ccxt_understands_the_refusals() -> None:
    ccxt = pytest.importorskip("ccxt")
    for fault, error in (("key", ccxt.AuthenticationError), ("rate-limit=1", ccxt.DDoSProtection)):
        with ccxt_client(fault) as (_, client), pytest.raises(error):
            [client.private_get_get_open_orders() for _ in range(3)]
    with ccxt_client(secret="wrong") as (_, client), pytest.raises(ccxt.AuthenticationError):
        client.private_get_get_open_orders()
