"""Bitget's pure functions: signatures, requests, readers and judgements against documented and observed answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.errors import OptionError, SecretError, Unreadable
from cancelall.model import Answer, Order, Protection, Reach, Reply, Request, State
from cancelall.secret import Secret
from cancelall.venues import schema
from cancelall.venues.bitget import calls
from cancelall.venues.bitget import venue as bitget
from cancelall.venues.bitget.options import Secrets
from cancelall.venues.contract import Discovery, Segment

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "bitget.json").read_text())
SIGNED = [row for row in VECTORS if row["prehash"]]
SECRETS = Secrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"), passphrase=Secret("testpass"))
NOW = 1700000000000
CLASSIC, UNIFIED = bitget.Facts(mode="classic"), bitget.Facts(mode="unified")
PRODUCTS = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"]
PLANS = [f"{product} plan orders" for product in PRODUCTS]
CATEGORIES = [*PRODUCTS, "MARGIN"]
STRATEGIES = [f"{category} strategy orders" for category in CATEGORIES]
MIX, SPOT, V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw)


def answer(data: object, code: object = "00000", message: str = "success") -> dict[str, object]:
    return {"code": code, "msg": message, "requestTime": NOW + 100, "data": data}


def segment(name: str, facts: bitget.Facts = CLASSIC, **options: Any) -> Segment:
    found = bitget.segments(bitget.Options(**options), facts, "live")
    return next(one for one in found if one.name == name)


def names(facts: bitget.Facts = CLASSIC, **options: Any) -> list[str]:
    return [one.name for one in bitget.segments(bitget.Options(**options), facts, "live")]


def sent(request: Request) -> str:
    return f"{request.path} {request.body.decode()}" if request.body else request.target


def fired(one: Segment, *known: Order) -> list[str]:
    return [sent(request) for request in one.mass_cancels(known)]


def named(one: Segment, *orders: Order) -> list[tuple[str, int]]:
    return [(sent(request), len(some)) for request, some in one.cancels(orders, ())]


def listed(one: Segment) -> list[list[str]]:
    return [[sent(request) for request in stage] for stage in one.listings]


def order(identity: str, symbol: str | None = "BTCUSDT", **more: Any) -> Order:
    return Order(id=identity, segment="x", symbol=symbol, **more)


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_reproduces_every_vector(row: dict[str, Any]) -> None:
    url = urlsplit(row["url"])
    request = Request(method=row["method"], path=url.path, query=url.query, body=row["body"].encode())
    signed = bitget.sign(request, SECRETS, bitget.Options(), NOW, 1)
    headers = dict(signed.headers)
    assert row["prehash"] == f"{NOW}{row['method']}{request.target}{row['body']}"
    published = {name: value for name, value in row["headers"].items() if name.startswith("ACCESS-")}
    assert {name: headers[name] for name in published} == published
    assert headers["locale"] == "en-US"
    assert ("Content-Type" in headers) == (row["method"] == "POST")
    assert signed.body == row["body"].encode()


def all_requests() -> list[Request]:
    """Whatever a kill of everything, and its narrower variants, could send."""
    found: list[Request] = []
    known = tuple(order(number, kind=kind) for number, kind in (("121211212122", "pos_loss"), ("121211212123", "")))
    for facts in (CLASSIC, UNIFIED):
        for options in ({}, {"margin_coin": "USDT"}):
            for one in bitget.segments(bitget.Options(**options), facts, "live"):
                found += [*one.mass_cancels(()), *(request for stage in one.listings for request in stage)]
                found += [request for request, _ in one.cancels(known, ())]
    found += [request for request, _ in segment("USDT-FUTURES").cancels(known, ())]
    found += segment("SPOT plan orders", symbol=("BTCUSDT", "ETHUSDT")).mass_cancels(())
    return [*found, *(one.request for one in bitget.discoveries(bitget.Options(), bitget.Facts()))]


@pytest.mark.parametrize(
    "name",
    [
        "cancel_all_usdt_futures",
        "cancel_all_usdt_futures_margincoin",
        "cancel_all_coin_futures",
        "cancel_plan_pos_loss_by_id",
        "batch_cancel_by_ids",
        "orders_pending_limit",
        "orders_pending_partially_filled",
        "orders_plan_pending_normal_plan",
        "orders_plan_pending_track_plan",
        "orders_plan_pending_profit_loss",
        "spot_batch_cancel_plan_all",
        "spot_batch_cancel_plan_symbols",
        "uta_account_settings",
        "uta_cancel_symbol_order_usdt_futures",
        "uta_unfilled_orders",
    ],
)
def test_what_is_sent_has_the_published_bytes(name: str) -> None:
    (row,) = (row for row in VECTORS if row["name"] == name)
    url = urlsplit(row["url"])
    wanted = (row["method"], f"{url.path}?{url.query}" if url.query else url.path, row["body"].encode())
    assert wanted in {(request.method, request.target, request.body) for request in all_requests()}


@pytest.fixture(scope="module")
def rsa_pem() -> tuple[str, Any]:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), key.public_key()


def test_a_pem_secret_signs_with_rsa(rsa_pem: tuple[str, Any]) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    pem, public = rsa_pem
    secrets = Secrets(api_key=Secret("testkey"), api_secret=Secret(pem), passphrase=Secret("testpass"))
    bitget.check_secrets(secrets, bitget.Options())
    (request,) = segment("USDT-FUTURES").mass_cancels(())
    headers = dict(bitget.sign(request, secrets, bitget.Options(), NOW, 1).headers)
    assert len(headers["ACCESS-SIGN"]) == 344
    prehash = b'1700000000000POST/api/v2/mix/order/cancel-all-orders{"productType":"USDT-FUTURES"}'
    public.verify(base64.b64decode(headers["ACCESS-SIGN"]), prehash, padding.PKCS1v15(), hashes.SHA256())


def test_a_pem_that_holds_no_rsa_key_is_refused_by_name() -> None:
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    secrets = Secrets(api_key=Secret("k"), api_secret=Secret(broken), passphrase=Secret("p"))
    with pytest.raises(SecretError, match="api_secret") as caught:
        bitget.check_secrets(secrets, bitget.Options())
    assert "AAAA" not in str(caught.value)


def test_demo_trading_has_its_header_and_nothing_else_does() -> None:
    assert bitget.headers("demo") == (("paptrading", "1"),)
    assert bitget.headers("live") == ()
    assert schema("bitget").hosts["demo"] == schema("bitget").hosts["live"]


# --- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [*PLANS, *PRODUCTS]),
        ({"product_type": ("USDT-FUTURES",)}, ["USDT-FUTURES plan orders", "USDT-FUTURES"]),
        ({"product_type": ("SPOT",)}, ["SPOT plan orders", "SPOT"]),
        ({"margin_coin": "usdt"}, ["USDT-FUTURES plan orders", "USDT-FUTURES"]),
        ({"margin_coin": "USDC"}, ["USDC-FUTURES plan orders", "USDC-FUTURES"]),
        ({"margin_coin": "BTC"}, ["COIN-FUTURES plan orders", "COIN-FUTURES"]),
        (
            {"margin_coin": "USDT", "product_type": ("COIN-FUTURES",)},
            ["COIN-FUTURES plan orders", "COIN-FUTURES"],
        ),
        (
            {"symbol": ("btcusdt",)},
            ["USDT-FUTURES plan orders", "SPOT plan orders", "USDT-FUTURES", "SPOT"],
        ),
        ({"symbol": ("BTCPERP",)}, ["USDC-FUTURES plan orders", "USDC-FUTURES"]),
        ({"symbol": ("BTCUSD",)}, ["COIN-FUTURES plan orders", "SPOT plan orders", "COIN-FUTURES", "SPOT"]),
        ({"symbol": ("BTCUSDM26",)}, ["COIN-FUTURES plan orders", "SPOT plan orders", "COIN-FUTURES", "SPOT"]),
        ({"symbol": ("BGBBTC",)}, ["SPOT plan orders", "SPOT"]),
        ({"symbol": ("BTCUSDT",), "margin_coin": "USDT"}, ["USDT-FUTURES plan orders", "USDT-FUTURES"]),
    ],
)
def test_selectors_choose_segments(options: dict[str, Any], expected: list[str]) -> None:
    assert names(**options) == expected
    assert names(bitget.Facts(), **options) == expected, "until the mode is known, an account counts as a classic one"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [*STRATEGIES, *CATEGORIES]),
        ({"product_type": ("SPOT",)}, ["SPOT strategy orders", "SPOT"]),
        ({"margin_coin": "BTC"}, ["COIN-FUTURES strategy orders", "COIN-FUTURES"]),
        (
            {"symbol": ("BTCUSDC",)},
            ["SPOT strategy orders", "MARGIN strategy orders", "SPOT", "MARGIN"],
        ),
    ],
)
def test_unified_segments_replace_the_classic_ones(options: dict[str, Any], expected: list[str]) -> None:
    assert names(UNIFIED, **options) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margin_coin": "USDT", "product_type": ("SPOT",)}, "does not narrow SPOT"),
        ({"margin_coin": "BTC", "product_type": ("USDT-FUTURES",)}, "USDT-FUTURES has no margin coin BTC"),
        ({"margin_coin": "BTC", "symbol": ("BTCUSDT",)}, "leave nothing"),
        ({"symbol": ("BTC/USDT",)}, "BTC/USDT is no name of Bitget"),
        ({"symbol": ("BTCUSDT&x=1",)}, "is no name of Bitget"),
    ],
)
def test_selectors_that_fit_nothing_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        bitget.Options(**options)


def test_the_blind_cancels_of_a_classic_account() -> None:
    assert {one.name: fired(one) for one in bitget.segments(bitget.Options(), CLASSIC, "live")} == {
        **{name: [] for name in PLANS[:3]},
        "SPOT plan orders": [f"{SPOT}/batch-cancel-plan-order {{}}"],
        "USDT-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"USDT-FUTURES"}}'],
        "COIN-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"COIN-FUTURES"}}'],
        "USDC-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"USDC-FUTURES"}}'],
        "SPOT": [],
    }


def test_the_blind_cancels_of_a_unified_account() -> None:
    assert {one.name: fired(one) for one in bitget.segments(bitget.Options(), UNIFIED, "live")} == {
        **{name: [] for name in STRATEGIES},
        **{name: [f'{V3}/cancel-symbol-order {{"category":"{name}"}}'] for name in CATEGORIES},
    }


def test_a_symbol_never_goes_to_cancel_all() -> None:
    options = {"symbol": ("BTCUSDT", "ETHUSDT")}
    assert fired(segment("USDT-FUTURES", **options)) == [
        f'{MIX}/batch-cancel-orders {{"symbol":"{symbol}","productType":"USDT-FUTURES"}}'
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert fired(segment("SPOT", **options)) == [
        f'{SPOT}/cancel-symbol-order {{"symbol":"{symbol}"}}' for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert fired(segment("USDT-FUTURES", UNIFIED, **options)) == [
        f'{V3}/cancel-symbol-order {{"category":"USDT-FUTURES","symbol":"{symbol}"}}'
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    for facts in (CLASSIC, UNIFIED):
        for one in bitget.segments(bitget.Options(symbol=("BTCUSDT",)), facts, "live"):
            assert not any("cancel-all" in text for text in fired(one))
            assert not any("cancel-all" in sent(witness.request) for witness in one.witnesses)


def test_a_margin_coin_narrows_every_cancel() -> None:
    assert fired(segment("COIN-FUTURES", margin_coin="btc")) == [
        f'{MIX}/cancel-all-orders {{"productType":"COIN-FUTURES","marginCoin":"BTC"}}'
    ]
    with_symbol = segment("COIN-FUTURES", margin_coin="BTC", symbol=("ETHUSD",))
    assert fired(with_symbol) == [
        f'{MIX}/batch-cancel-orders {{"symbol":"ETHUSD","productType":"COIN-FUTURES","marginCoin":"BTC"}}'
    ]
    assert fired(segment("COIN-FUTURES", UNIFIED, margin_coin="BTC")) == []
    assert fired(segment("USDT-FUTURES", UNIFIED, margin_coin="USDT")) != []


def test_spot_symbols_come_from_the_listing() -> None:
    known = (order("1", kind="normal"), order("2", kind="normal"), order("3", "ETHUSDT", kind="tpsl"), order("4", None))
    assert fired(segment("SPOT"), *known) == [f'{SPOT}/cancel-symbol-order {{"symbol":"BTCUSDT"}}']


def test_partly_filled_orders_are_asked_for_after_the_live_ones() -> None:
    query = "limit=100&productType=USDT-FUTURES"
    pending = f"{MIX}/orders-pending?{query}"
    assert listed(segment("USDT-FUTURES")) == [[pending], [f"{pending}&status=partially_filled"]]


def test_the_three_words_list_every_plan_order() -> None:
    start, end = f"{MIX}/orders-plan-pending?limit=100&planType=", "&productType=USDT-FUTURES"
    words = ("normal_plan", "track_plan", "profit_loss")
    assert listed(segment("USDT-FUTURES plan orders")) == [[f"{start}{word}{end}" for word in words]]


def test_spot_is_listed_in_both_its_kinds() -> None:
    path = f"{SPOT}/unfilled-orders?limit=100&tpslType="
    assert listed(segment("SPOT")) == [[f"{path}tpsl"], [f"{path}normal"]]
    assert listed(segment("SPOT plan orders")) == [[f"{SPOT}/current-plan-order?limit=100"]]


def test_strategies_are_listed_by_type_and_without() -> None:
    path = f"{V3}/unfilled-strategy-orders?category=MARGIN"
    one = segment("MARGIN strategy orders", UNIFIED)
    assert listed(one) == [[f"{path}&type=tpsl", f"{path}&type=trigger"], [path]]
    assert listed(segment("MARGIN", UNIFIED)) == [[f"{V3}/unfilled-orders?category=MARGIN&limit=100"]]


def test_what_turns_into_ordinary_orders_is_read_before_them() -> None:
    for facts in (CLASSIC, UNIFIED):
        for one in bitget.segments(bitget.Options(), facts, "live"):
            assert one.feeds == one.name.endswith(("plan orders", "strategy orders"))
            assert one.named_gap > 1.0


# --- the witness ----------------------------------------------------------------------------------------------------


def test_classic_futures_need_the_venues_own_word() -> None:
    for product in PRODUCTS[:3]:
        one = segment(product)
        (witness,) = one.witnesses
        assert (witness.request,) == one.mass_cancels(())
        assert not witness.optional
        said = bitget.judge(witness.request, reply(answer(None, "22001", "No order to cancel"), 400))
        assert said.answer is Answer.NOTHING_OPEN
        for data in ({"successList": [{"orderId": "1"}]}, {"successList": [], "failureList": []}, {}, None):
            assert witness.read(witness.request, reply(answer(data))) is False
    (coin,) = segment("USDT-FUTURES", margin_coin="USDT").witnesses
    assert coin.request.body == b'{"productType":"USDT-FUTURES","marginCoin":"USDT"}'
    assert segment("USDT-FUTURES", symbol=("BTCUSDT",)).witnesses == ()


def test_plan_orders_are_witnessed_by_a_cancel_of_each_type() -> None:
    witnesses = segment("COIN-FUTURES plan orders", margin_coin="BTC").witnesses
    assert [sent(one.request) for one in witnesses] == [
        f'{MIX}/cancel-plan-order {{"productType":"COIN-FUTURES","marginCoin":"BTC","planType":"{word}"}}'
        for word in ("normal_plan", "profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan")
    ]
    witness = witnesses[0]
    assert witness.optional
    none = bitget.judge(witness.request, reply(answer({"successList": [], "failureList": []})))
    assert none.answer is Answer.NOTHING_OPEN
    for data in ({"successList": [{"orderId": "1"}], "failureList": []}, {"successList": []}, None):
        assert bitget.judge(witness.request, reply(answer(data))).answer is Answer.ACCEPTED
    assert witness.read(witness.request, reply(answer({"successList": [{"orderId": "1"}]}))) is False
    assert segment("USDT-FUTURES plan orders", symbol=("BTCUSDT",)).witnesses == ()
    ((named, _),) = segment("USDT-FUTURES plan orders").cancels((order("1", kind="pos_loss"),), ())
    assert bitget.judge(named, reply(answer({"successList": [], "failureList": []}))).answer is Answer.ACCEPTED


@pytest.mark.parametrize("code", ["43001", "40768", "45031", "25204", "25577"])
def test_no_other_word_passes_for_the_witness(code: str) -> None:
    (witness,) = segment("USDT-FUTURES").witnesses
    assert bitget.judge(witness.request, reply(answer(None, code, "no order"))).answer is Answer.AMBIGUOUS


def test_elsewhere_only_a_contradiction_counts() -> None:
    for one, data in (
        (segment("SPOT plan orders"), {"successList": [{"orderId": "1"}], "failureList": []}),
        (segment("MARGIN", UNIFIED), {"list": [{"orderId": "1", "clientOid": ""}]}),
    ):
        (witness,) = one.witnesses
        assert witness.optional
        assert witness.read(witness.request, reply(answer(data))) is False
        empty = {"successList": [], "failureList": None} if "successList" in data else {"list": []}
        assert witness.read(witness.request, reply(answer(empty))) is True
    refused = {"list": [{"orderId": "1", "code": "24056", "msg": "notExisted"}]}
    (witness,) = segment("SPOT", UNIFIED).witnesses
    assert witness.read(witness.request, reply(answer(refused))) is True


@pytest.mark.parametrize(
    ("options", "keep", "reads", "words"),
    [
        ({}, False, False, ""),
        ({"product_type": ("SPOT",)}, True, True, ""),
        ({}, True, False, "protective orders are kept"),
        ({}, False, True, "nothing was cancelled"),
        ({"symbol": ("BTCUSDT",)}, False, False, "does not go by symbol"),
        ({"margin_coin": "USDT"}, False, False, ""),
    ],
)
def test_a_missing_witness_is_told(options: dict[str, Any], keep: bool, reads: bool, words: str) -> None:
    said = bitget.unwitnessed(bitget.Options(**options), keep, reads)
    assert (words in said) if words else said == ""


# --- cancels by name ------------------------------------------------------------------------------------------------


def test_futures_go_by_symbol_in_batches_of_twenty() -> None:
    orders = [order(str(number)) for number in range(25)] + [order("99", "ETHUSDT"), order("100", None)]
    found = segment("USDT-FUTURES").cancels(tuple(orders), ())
    assert [len(some) for _, some in found] == [20, 5, 1]
    assert json.loads(found[1][0].body) == {
        "symbol": "BTCUSDT",
        "productType": "USDT-FUTURES",
        "orderIdList": [{"orderId": str(number)} for number in range(20, 25)],
    }
    assert {request.path for request, _ in found} == {f"{MIX}/batch-cancel-orders"}


def test_every_plan_order_is_cancelled_by_its_own_type() -> None:
    kinds = ["normal_plan", "profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan", "brand_new_plan"]
    orders = [order(str(number), kind=kind) for number, kind in enumerate(kinds)]
    found = named(segment("USDT-FUTURES plan orders"), *orders)
    assert found == [
        (
            f'{MIX}/cancel-plan-order {{"symbol":"BTCUSDT","productType":"USDT-FUTURES","planType":"{kind}",'
            f'"orderIdList":[{{"orderId":"{number}"}}]}}',
            1,
        )
        for number, kind in enumerate(kinds)
    ]
    assert not any('"profit_loss"' in text for text, _ in found), "a word for listings is a silent no-op here"


def test_plan_orders_never_go_without_their_ids_and_symbol() -> None:
    kinds = ("normal_plan", "track_plan", "pos_loss", "")
    orders = tuple(order(str(number), kind=kind) for number, kind in enumerate(kinds))
    for request, some in segment("USDT-FUTURES plan orders").cancels(orders, None):
        body = json.loads(request.body)
        assert body["symbol"] == "BTCUSDT"
        assert [one["orderId"] for one in body["orderIdList"]] == [one.id for one in some]
    assert segment("USDT-FUTURES plan orders").cancels((order("1", None, kind="pos_loss"),), ()) == ()


def test_a_trailing_order_is_tried_by_every_word_that_may_reach_it() -> None:
    one = segment("USDC-FUTURES plan orders")
    bodies = [json.loads(request.body) for request, _ in one.cancels((order("7", "BTCPERP", kind="track_plan"),), ())]
    assert [body.get("planType") for body in bodies] == ["track_plan", "moving_plan", None]
    without = one.cancels((order("7", "BTCPERP", kind=""),), ())
    assert len({json.loads(request.body)["planType"] for request, _ in without}) == 7


def test_plan_orders_are_grouped_by_symbol_and_type() -> None:
    orders = [order(str(number), kind="pos_loss") for number in range(21)] + [order("50", "ETHUSDT", kind="pos_loss")]
    assert [count for _, count in named(segment("USDT-FUTURES plan orders"), *orders)] == [20, 1, 1]


def test_spot_orders_go_as_what_they_are() -> None:
    orders = (order("1", kind="normal"), order("2", "ETHUSDT", kind="normal"), order("3", kind="tpsl"))
    assert named(segment("SPOT"), *orders) == [
        (
            f'{SPOT}/batch-cancel-order {{"batchMode":"multiple","orderList":[{{"orderId":"1","symbol":"BTCUSDT"}},'
            '{"orderId":"2","symbol":"ETHUSDT"}]}',
            2,
        ),
        (f'{SPOT}/cancel-order {{"orderId":"3","tpslType":"tpsl"}}', 1),
    ]
    assert named(segment("SPOT plan orders"), order("4"))[0][0] == f'{SPOT}/cancel-plan-order {{"orderId":"4"}}'


def test_unified_orders_go_in_arrays_of_one_category() -> None:
    found = segment("MARGIN", UNIFIED).cancels(tuple(order(str(number)) for number in range(21)), ())
    assert [len(some) for _, some in found] == [20, 1]
    assert json.loads(found[1][0].body) == [{"orderId": "20", "category": "MARGIN", "symbol": "BTCUSDT"}]
    assert named(segment("SPOT strategy orders", UNIFIED), order("5")) == [
        (f'{V3}/cancel-strategy-order {{"orderId":"5"}}', 1)
    ]


# --- reading --------------------------------------------------------------------------------------------------------

FUTURE = {
    "symbol": "btcusdt",
    "size": "0.10",
    "orderId": "11",
    "clientOid": "a",
    "baseVolume": "0.04",
    "price": "20000",
    "priceAvg": "19999",
    "status": "partially_filled",
    "side": "buy",
    "posSide": "net",
    "marginCoin": "usdt",
    "tradeSide": "buy_single",
    "posMode": "one_way_mode",
    "orderType": "limit",
    "orderSource": "strategy_positive",
    "reduceOnly": "NO",
    "cTime": "1699999990000",
}
STOP = {
    "planType": "pos_loss",
    "symbol": "BTCUSDT",
    "orderId": "21",
    "clientOid": "d",
    "size": "",
    "triggerPrice": "18000",
    "triggerType": "mark_price",
    "planStatus": "live",
    "side": "sell",
    "posSide": "net",
    "marginCoin": "USDT",
    "orderType": "market",
    "cTime": "1699999990000",
}
SPOT_ROW = {
    "symbol": "BTCUSDT",
    "orderId": "31",
    "clientOid": "",
    "priceAvg": "34829.12",
    "size": "1",
    "orderType": "limit",
    "side": "sell",
    "status": "new",
    "baseVolume": "0",
    "cTime": "1622697148",
}
SPOT_PLAN_ROW = {"orderId": "41", "symbol": "TRXUSDT", "size": "151", "triggerPrice": "0.04", "status": "not_trigger"}
UNIFIED_ROW = {
    "orderId": "51",
    "category": "USDT-FUTURES",
    "symbol": "BTCUSDT",
    "orderType": "limit",
    "side": "buy",
    "price": "45000",
    "qty": "0.01",
    "cumExecQty": "0",
    "orderStatus": "new",
    "posSide": "long",
    "holdMode": "hedge_mode",
    "reduceOnly": "NO",
    "createdTime": "1730186725663",
}
STRATEGY = {
    "orderId": "61",
    "category": "USDT-FUTURES",
    "symbol": "BTCUSDT",
    "qty": "0.01",
    "posSide": "long",
    "status": "pending",
    "stopLoss": "90000",
    "createdTime": "1730186725663",
}
# Segment, facts, a row, its status field, and how a page of such rows looks.
KINDS: dict[str, tuple[str, bitget.Facts, dict[str, object], str]] = {
    "future": ("USDT-FUTURES", CLASSIC, FUTURE, "status"),
    "plan": ("USDT-FUTURES plan orders", CLASSIC, STOP, "planStatus"),
    "spot": ("SPOT", CLASSIC, SPOT_ROW, "status"),
    "spot plan": ("SPOT plan orders", CLASSIC, SPOT_PLAN_ROW, "status"),
    "unified": ("USDT-FUTURES", UNIFIED, UNIFIED_ROW, "orderStatus"),
    "strategy": ("USDT-FUTURES strategy orders", UNIFIED, STRATEGY, "status"),
}


def shaped(kind: str, rows: object, last: object = "11") -> object:
    """The data of a listing."""
    if kind in ("future", "plan"):
        return {"entrustedList": rows, "endId": last}
    if kind == "spot plan":
        return {"orderList": rows, "nextFlag": last is not None, "idLessThan": last}
    return {"list": rows, "cursor": last} if kind == "unified" else rows


def read(kind: str, rows: object, last: object = None, *, stage: int = 0, number: int = 0, **options: Any) -> Any:
    name, facts, _, _ = KINDS[kind]
    one = segment(name, facts, **options)
    if kind in ("future", "plan") and rows and last is None:
        last = "11"
    return one.page(one.listings[stage][number], reply(answer(shaped(kind, rows, last))))


def test_a_row_becomes_an_order_with_the_venues_own_digits() -> None:
    (found,) = read("future", [FUTURE]).orders
    assert found == Order(
        id="11",
        segment="USDT-FUTURES",
        client_id="a",
        symbol="BTCUSDT",
        side="buy",
        type="limit",
        price="20000",
        quantity="0.10",
        remaining="0.06",
        origin="strategy_positive",
        created_ms=1699999990000,
    )
    (stop,) = read("plan", [STOP], number=2).orders
    assert (stop.id, stop.kind, stop.type, stop.price) == ("21", "pos_loss", "pos_loss", "18000")
    assert (stop.quantity, stop.remaining, stop.protection) == (None, None, Protection.PROTECTIVE)
    (spot,) = read("spot", [SPOT_ROW], stage=1).orders
    assert (spot.price, spot.remaining, spot.kind, spot.type) == ("34829.12", "1", "normal", "limit")
    (strategy,) = read("strategy", [STRATEGY]).orders
    assert (strategy.kind, strategy.price, strategy.protection) == ("tpsl", "90000", Protection.PROTECTIVE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_status_but_the_closed_ones_is_open(kind: str) -> None:
    _, _, row, field = KINDS[kind]
    closed = {
        "plan": ("executed", "fail_execute", "cancelled"),
        "spot plan": ("executed", "fail_execute", "cancelled"),
        "strategy": ("success", "failed", "cancelled"),
    }.get(kind, ("filled", "canceled", "cancelled"))
    for status in closed:
        assert read(kind, [{**row, field: status}]).orders == ()
    for status in ("live", "partially_filled", "new", "init", "Limbo", "", None):
        assert len(read(kind, [{**row, field: status}]).orders) == 1
    assert len(read(kind, [{name: value for name, value in row.items() if name != field}]).orders) == 1


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("future", {}, Protection.NONE),
        ("future", {"reduceOnly": "YES"}, Protection.PROTECTIVE),
        ("future", {"reduceOnly": "yes"}, Protection.PROTECTIVE),
        ("future", {"tradeSide": "close", "posSide": "long"}, Protection.PROTECTIVE),
        ("future", {"tradeSide": "reduce_close_long"}, Protection.PROTECTIVE),
        ("future", {"tradeSide": "open"}, Protection.NONE),
        ("future", {"tradeSide": ""}, Protection.NONE),
        ("future", {"tradeSide": "brand_new"}, Protection.UNKNOWN),
        ("plan", {"planType": "normal_plan"}, Protection.NONE),
        ("plan", {"planType": "track_plan"}, Protection.NONE),
        ("plan", {"planType": "normal_plan", "tradeSide": "close"}, Protection.PROTECTIVE),
        *(
            ("plan", {"planType": kind}, Protection.PROTECTIVE)
            for kind in ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan")
        ),
        ("plan", {"planType": "brand_new_plan"}, Protection.UNKNOWN),
        ("plan", {"planType": ""}, Protection.UNKNOWN),
        ("spot", {"side": "sell"}, Protection.PROTECTIVE),
        ("spot", {"side": "buy"}, Protection.NONE),
        ("spot", {"side": None}, Protection.UNKNOWN),
        ("spot plan", {"side": "sell"}, Protection.PROTECTIVE),
        ("spot plan", {"side": "buy"}, Protection.NONE),
        ("spot plan", {}, Protection.UNKNOWN),
        ("unified", {}, Protection.NONE),
        ("unified", {"reduceOnly": "YES"}, Protection.PROTECTIVE),
        ("unified", {"side": "sell"}, Protection.PROTECTIVE),
        ("unified", {"side": "buy", "posSide": "short"}, Protection.PROTECTIVE),
        ("unified", {"side": "sell", "holdMode": "one_way_mode"}, Protection.NONE),
        ("strategy", {}, Protection.PROTECTIVE),
    ],
)
def test_the_table_of_protective_orders(kind: str, fields: dict[str, object], expected: Protection) -> None:
    _, _, row, _ = KINDS[kind]
    (found,) = read(kind, [{**row, **fields}]).orders
    assert found.protection is expected


@pytest.mark.parametrize(
    ("category", "place", "fields", "expected"),
    [
        ("USDT-FUTURES", (0, 1), {}, Protection.NONE),
        ("USDT-FUTURES", (0, 1), {"reduceOnly": "YES"}, Protection.PROTECTIVE),
        ("USDT-FUTURES", (1, 0), {}, Protection.UNKNOWN),
        ("SPOT", (0, 0), {}, Protection.UNKNOWN),
        ("SPOT", (0, 0), {"side": "sell"}, Protection.PROTECTIVE),
        ("MARGIN", (0, 1), {"side": "buy"}, Protection.NONE),
    ],
)
def test_strategies_by_type_and_category(
    category: str, place: tuple[int, int], fields: dict[str, object], expected: Protection
) -> None:
    one = segment(f"{category} strategy orders", UNIFIED)
    request = one.listings[place[0]][place[1]]
    (found,) = one.page(request, reply(answer([{**STRATEGY, "category": category, **fields}]))).orders
    assert found.protection is expected


def test_a_spot_order_of_the_plain_listing_is_never_protective() -> None:
    (found,) = read("spot", [SPOT_ROW], stage=1).orders
    assert (found.side, found.protection) == ("sell", Protection.NONE)


def test_pages_go_on_until_one_is_empty() -> None:
    following = read("future", [FUTURE], "1190384645049036801").next
    query = "idLessThan=1190384645049036801&limit=100&productType=USDT-FUTURES"
    assert following.target == f"{MIX}/orders-pending?{query}"
    assert read("future", None).next is None
    assert read("spot", [SPOT_ROW], stage=1).next.query == "idLessThan=31&limit=100&tpslType=normal"
    assert read("spot", [], stage=1).next is None
    assert read("spot plan", [SPOT_PLAN_ROW], "41").next.query == "idLessThan=41&limit=100"
    assert read("spot plan", [SPOT_PLAN_ROW]).next is None
    assert read("unified", [UNIFIED_ROW], "51").next.query == "category=USDT-FUTURES&cursor=51&limit=100"
    assert read("unified", [UNIFIED_ROW]).next is None
    again = segment("USDT-FUTURES").page(following, reply(answer(shaped("future", [FUTURE], "7")))).next
    assert again is not None
    assert again.query == "idLessThan=7&limit=100&productType=USDT-FUTURES"


@pytest.mark.parametrize("last", [None, "", "x", "1&productType=COIN-FUTURES", True, [], 1.5, "1" * 40])
def test_an_id_that_cannot_be_sent_back_is_unreadable(last: object) -> None:
    one = segment("USDT-FUTURES")
    with pytest.raises(Unreadable):
        one.page(one.listings[0][0], reply(answer({"entrustedList": [FUTURE], "endId": last})))


@pytest.mark.parametrize("flag", [None, 0, 1, "true", []])
def test_a_spot_plan_page_that_does_not_say_whether_there_is_more_is_unreadable(flag: object) -> None:
    one = segment("SPOT plan orders")
    for data in ({"orderList": [], "idLessThan": None, "nextFlag": flag}, {"orderList": [], "idLessThan": None}):
        with pytest.raises(Unreadable, match="nextFlag"):
            one.page(one.listings[0][0], reply(answer(data)))


def test_a_full_unified_page_without_a_cursor_is_not_the_last() -> None:
    with pytest.raises(Unreadable, match="full page"):
        read("unified", [{**UNIFIED_ROW, "orderId": str(number)} for number in range(100)])


def test_null_lists_inside_their_object_are_empty() -> None:
    assert read("future", None).orders == ()
    assert read("plan", None).orders == ()
    assert read("spot plan", None).orders == ()
    assert read("unified", None).orders == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [None, {}, [], "text", 0, False, [None], [[]], {"list": {}}, {"entrustedList": 0}])
def test_another_shape_is_unreadable_never_empty(kind: str, data: object) -> None:
    if kind in ("spot", "strategy") and data == []:
        return
    name, facts, _, _ = KINDS[kind]
    one = segment(name, facts)
    for stage in one.listings:
        with pytest.raises(Unreadable):
            one.page(stage[0], reply(answer(data)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [{}, [], "text", {"code": "00000"}, {"code": "00000", "dat": {}}])
def test_an_envelope_without_data_is_unreadable(kind: str, body: object) -> None:
    name, facts, _, _ = KINDS[kind]
    one = segment(name, facts)
    with pytest.raises(Unreadable):
        one.page(one.listings[0][0], reply(body))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fields", [{"orderId": ""}, {"orderId": None}, {"orderId": []}, {"symbol": {}}])
def test_a_row_without_its_names_is_unreadable(kind: str, fields: dict[str, object]) -> None:
    _, _, row, _ = KINDS[kind]
    with pytest.raises(Unreadable):
        read(kind, [{**row, **fields}])


def test_rows_of_another_symbol_or_category_are_foreign() -> None:
    with pytest.raises(Unreadable, match="not of ETHUSDT"):
        read("future", [FUTURE], symbol=("ETHUSDT",))
    with pytest.raises(Unreadable, match="not of USDT-FUTURES"):
        read("unified", [{**UNIFIED_ROW, "category": "SPOT"}])
    with pytest.raises(Unreadable, match="not of USDT-FUTURES"):
        read("strategy", [{**STRATEGY, "category": "SPOT"}])


def test_a_margin_coin_takes_only_its_own_rows() -> None:
    one = segment("COIN-FUTURES", margin_coin="ETH")
    rows = [{**FUTURE, "marginCoin": coin, "orderId": str(number)} for number, coin in enumerate(("BTC", "eth", "ETH"))]
    page = one.page(one.listings[0][0], reply(answer(shaped("future", rows))))
    assert [found.id for found in page.orders] == ["1", "2"]
    with pytest.raises(Unreadable, match="marginCoin"):
        one.page(one.listings[0][0], reply(answer(shaped("future", [{**FUTURE, "marginCoin": ""}]))))


def test_a_unified_coin_goes_by_what_the_contract_is_settled_in() -> None:
    symbols = ("BTCUSD", "BTCUSDM26", "ETHUSD", "WBTCUSD", "BTCUSDT")
    for kind, row in (("unified", UNIFIED_ROW), ("strategy", STRATEGY)):
        name = "COIN-FUTURES" if kind == "unified" else "COIN-FUTURES strategy orders"
        one = segment(name, UNIFIED, margin_coin="BTC")
        rows = [{**row, "category": "COIN-FUTURES", "symbol": symbol} for symbol in symbols]
        page = one.page(one.listings[0][0], reply(answer(shaped(kind, rows, None))))
        assert [found.symbol for found in page.orders] == ["BTCUSD", "BTCUSDM26"]


def test_strategies_have_no_listing_by_symbol_and_are_sorted_here() -> None:
    one = segment("USDT-FUTURES strategy orders", UNIFIED, symbol=("BTCUSDT",))
    rows = [STRATEGY, {**STRATEGY, "orderId": "62", "symbol": "ETHUSDT"}]
    assert [found.id for found in one.page(one.listings[0][0], reply(answer(rows))).orders] == ["61"]


# --- acknowledgements -----------------------------------------------------------------------------------------------


def acknowledged(data: object, request: Request | None = None) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    one = segment("USDT-FUTURES")
    said = one.acknowledge(request or one.mass_cancels(())[0], reply(answer(data)))
    return said.cancelled, [(failure.id, failure.reason) for failure in said.failed]


def test_acknowledgements() -> None:
    failed = {"orderId": "13", "clientOid": "c", "errorMsg": "The order is finalized", "errorCode": "45031"}
    both = {"successList": [{"orderId": "11", "clientOid": "a"}, {"orderId": "12"}], "failureList": [failed]}
    assert acknowledged(both) == (("11", "12"), [("13", "45031 The order is finalized")])
    one = segment("USDT-FUTURES")
    said = one.acknowledge(one.mass_cancels(())[0], reply(answer(both)))
    assert dict(said.client_ids) == {"11": "a"}
    assert acknowledged({"failureList": [{"orderId": "232", "errorMsg": "notExistend"}]}) == (
        (),
        [("232", "notExistend")],
    )
    for nothing in ({"successList": [], "failureList": []}, {"successList": None, "failureList": None}, {}, None, []):
        assert acknowledged(nothing) == ((), [])
    assert acknowledged({"symbol": "BTCUSDT"}) == ((), []), "the cancel of a spot symbol names no orders"
    assert acknowledged({"orderId": "5", "clientOid": "x"}) == (("5",), [])


def test_unified_acknowledgements_hide_failures_behind_a_success() -> None:
    rows = [
        {"orderId": "1", "clientOid": ""},
        {"orderId": "2", "code": "0", "msg": "success"},
        {"orderId": "3", "code": "00000"},
        {"orderId": "4", "code": "24056", "msg": "notExisted"},
    ]
    expected = (("1", "2", "3"), [("4", "24056 notExisted")])
    assert acknowledged({"list": rows}) == expected
    assert acknowledged(rows) == expected


def test_a_single_cancel_speaks_for_the_order_that_it_named() -> None:
    ((strategy, _),) = segment("SPOT strategy orders", UNIFIED).cancels((order("5"),), ())
    assert acknowledged(None, strategy) == (("5",), [])
    ((plan, _),) = segment("SPOT plan orders").cancels((order("6"),), ())
    assert acknowledged({"result": "success"}, plan) == (("6",), [])
    assert acknowledged({"result": "failure"}, plan) == ((), [("", "the venue says that it failed")])
    ((silent, _),) = segment("USDT-FUTURES plan orders").cancels((order("7", kind="pos_loss"),), ())
    assert acknowledged({"successList": [], "failureList": []}, silent) == ((), []), "the silent no-op is no success"


@pytest.mark.parametrize("data", ["x", 1, {"successList": {}}, {"list": [None]}, [1], {"failureList": "x"}])
def test_an_acknowledgement_of_another_shape_is_unreadable(data: object) -> None:
    with pytest.raises(Unreadable):
        acknowledged(data)


# --- history --------------------------------------------------------------------------------------------------------


def settled(one: Segment, request: Request, data: object) -> list[tuple[str, State, str]]:
    return [(found.id, state, note) for found, state, note in one.settled(request, reply(answer(data))).orders]


def test_history_tells_filled_from_cancelled() -> None:
    one = segment("USDT-FUTURES")
    (request,) = one.settle(tuple(order(str(number)) for number in range(6)), 0)
    assert request.target == f"{MIX}/orders-history?limit=100&productType=USDT-FUTURES"
    rows = [
        {**FUTURE, "orderId": "1", "status": "filled", "baseVolume": "0.10"},
        {**FUTURE, "orderId": "2", "status": "canceled"},
        {**FUTURE, "orderId": "3", "status": "cancelled", "baseVolume": "0.000"},
        {**FUTURE, "orderId": "4", "status": "live"},
    ]
    assert settled(one, request, shaped("future", rows)) == [
        ("1", State.FILLED, ""),
        ("2", State.CANCELLED, "0.04 filled before"),
        ("3", State.CANCELLED, ""),
    ]


def test_a_few_orders_are_asked_for_by_id() -> None:
    requests = segment("USDT-FUTURES").settle((order("1"), order("2")), 0)
    assert [request.query for request in requests] == [
        f"limit=100&orderId={number}&productType=USDT-FUTURES" for number in (1, 2)
    ]


def test_plan_orders_that_fired_are_gone_not_filled() -> None:
    one = segment("USDT-FUTURES plan orders")
    (request,) = one.settle(tuple(order(str(number), kind="pos_loss") for number in range(6)), 0)
    assert request.target == f"{MIX}/orders-plan-history?limit=100&planType=profit_loss&productType=USDT-FUTURES"
    rows = [{**STOP, "orderId": "1", "planStatus": "executed"}, {**STOP, "orderId": "2", "planStatus": "cancelled"}]
    assert settled(one, request, shaped("plan", rows)) == [
        ("1", State.GONE, "triggered"),
        ("2", State.CANCELLED, ""),
    ]


def test_the_other_histories() -> None:
    spot = segment("SPOT")
    some = (order("1", kind="tpsl"), order("2", kind=""))
    assert [request.query for request in spot.settle(some, 0)] == [
        "limit=100&orderId=2&tpslType=normal",
        "limit=100&orderId=1&tpslType=tpsl",
    ]
    assert settled(spot, spot.settle(some, 0)[0], [{**SPOT_ROW, "status": "cancelled"}]) == [
        ("31", State.CANCELLED, "")
    ]
    plan = segment("SPOT plan orders")
    (request,) = plan.settle((order("41"),), 0)
    rows = [{**SPOT_PLAN_ROW, "status": "fail_execute"}]
    assert settled(plan, request, shaped("spot plan", rows, None)) == [("41", State.GONE, "triggered and failed")]
    unified = segment("SPOT", UNIFIED)
    (request,) = unified.settle((order("51"),), 0)
    assert request.target == f"{V3}/history-orders?category=SPOT&limit=100"
    strategies = segment("SPOT strategy orders", UNIFIED)
    (request,) = strategies.settle((order("61", kind="trigger"),), 0)
    assert request.target == f"{V3}/history-strategy-orders?category=SPOT&limit=100&type=trigger"


# --- judging --------------------------------------------------------------------------------------------------------

CANCEL = segment("USDT-FUTURES").mass_cancels(())[0]
((BY_NAME, _),) = segment("USDT-FUTURES").cancels((order("1"),), ())
((BY_PLAN, _),) = segment("USDT-FUTURES plan orders").cancels((order("1", kind="pos_loss"),), ())
UNIFIED_CANCEL = segment("SPOT", UNIFIED).mass_cancels(())[0]
LISTING = segment("USDT-FUTURES").listings[0][0]
SETTINGS = bitget.discoveries(bitget.Options(), bitget.Facts())[0].request

REFUSED = {
    **dict.fromkeys(("40001", "40002", "40003", "40006", "40009", "40011", "40012", "40036", "40037", "40041"), "auth"),
    **dict.fromkeys(("40018", "40038", "22010"), "ip"),
    **dict.fromkeys(("40013", "40022", "40023", "40024", "40026", "40031", "40710", "40760"), "permission"),
    **dict.fromkeys(("40016", "40035", "40101", "40111", "40199"), "permission"),
    **dict.fromkeys(("40000", "40100", "40103", "40104"), "region"),
    "40099": "environment",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("code", "kind"), REFUSED.items())
def test_refusals_of_the_key(code: str, kind: str, status: int) -> None:
    said = bitget.judge(CANCEL, reply(answer(None, code, "words"), status))
    assert (said.answer, said.kind, said.reach) == (Answer.REFUSED, kind, Reach.KEY)
    assert (said.words, bool(said.hint)) == (f"{code} words", True)


REQUEST_LEVEL = {
    **dict.fromkeys(("40014", "40025", "40040", "25620"), (Answer.REFUSED, "permission")),
    **dict.fromkeys(("40017", "400172", "40019", "40020", "40811", "40813", "40913"), (Answer.REFUSED, "parameter")),
    **dict.fromkeys(("48001", "48002", "00171", "00172", "25200", "40306", "40912"), (Answer.REFUSED, "parameter")),
    **dict.fromkeys(("40072", "40309", "22004", "25013", "45056"), (Answer.REFUSED, "parameter")),
    **dict.fromkeys(("40086", "40404", "30032", "40007", "43048"), (Answer.REFUSED, "parameter")),
    **dict.fromkeys(("40008", "40005"), (Answer.CLOCK, "clock")),
    **dict.fromkeys(("429", "25004", "45129", "25113"), (Answer.AGAIN, "rate_limit")),
    **dict.fromkeys(("45043", "40844", "41114"), (Answer.AGAIN, "rate_limit")),
    **dict.fromkeys(("40010", "40725", "45001", "40015", "40200", "43059", "40908"), (Answer.AMBIGUOUS, None)),
    **dict.fromkeys(("40910", "50031", "25000", "25001", "25003", "40808", "45024"), (Answer.AMBIGUOUS, None)),
    **dict.fromkeys(("40081", "40105", "40110", "22030", "40085", "40084", "25245"), (Answer.ABSENT, "mode")),
    "987654": (Answer.AMBIGUOUS, "unreadable"),
    "30007": (Answer.AMBIGUOUS, "unreadable"),
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", REQUEST_LEVEL)
def test_codes(code: str, status: int) -> None:
    for request in (CANCEL, LISTING, UNIFIED_CANCEL):
        said = bitget.judge(request, reply(answer(None, code, "words"), status))
        assert ((said.answer, said.kind), said.reach) == (REQUEST_LEVEL[code], Reach.REQUEST)
        assert said.server_ms == NOW + 100


@pytest.mark.parametrize("status", [200, 400])
def test_nothing_to_cancel_is_a_good_answer_to_a_cancel(status: int) -> None:
    for code in ("22001", "43004", "31054", "25578"):
        for request in (CANCEL, BY_NAME, UNIFIED_CANCEL):
            assert bitget.judge(request, reply(answer(None, code), status)).answer is Answer.NOTHING_OPEN
        assert bitget.judge(LISTING, reply(answer(None, code), status)).answer is Answer.AMBIGUOUS


def test_an_order_that_is_gone_is_a_good_answer_to_a_cancel_by_name() -> None:
    classic = "43001 43020 43025 43033 40109 40768 40819 45031 45055 45057 31007 50062 80011"
    for code in f"{classic} 24056 25204 25575 25576 25577 25597".split():
        assert bitget.judge(BY_NAME, reply(answer(None, code), 400)).answer is Answer.NOTHING_OPEN
        assert bitget.judge(LISTING, reply(answer(None, code), 400)).answer is Answer.AMBIGUOUS


def test_a_plan_type_that_is_not_met_is_left_to_the_listing() -> None:
    assert bitget.judge(BY_PLAN, reply(answer(None, "40812"), 400)).answer is Answer.NOTHING_OPEN
    plans = segment("USDT-FUTURES plan orders").listings[0][0]
    assert bitget.judge(plans, reply(answer(None, "40812"), 400)).answer is Answer.REFUSED


def test_a_symbol_that_a_product_does_not_have_is_absent_there() -> None:
    narrowed = segment("SPOT", symbol=("BTCUSDT",))
    for request in (*narrowed.mass_cancels(()), narrowed.listings[0][0]):
        for code in ("40034", "40102", "25100"):
            assert bitget.judge(request, reply(answer(None, code), 400)).answer is Answer.ABSENT
    for request in (CANCEL, LISTING, BY_NAME):
        assert bitget.judge(request, reply(answer(None, "40034"), 400)).answer is Answer.REFUSED


def test_success_needs_its_http_status() -> None:
    assert bitget.judge(CANCEL, reply(answer({}))).answer is Answer.ACCEPTED
    assert bitget.judge(CANCEL, reply(answer({}), 500)).answer is Answer.AMBIGUOUS
    assert bitget.judge(CANCEL, reply(answer({}, 0))).answer is Answer.AMBIGUOUS, "success is the text of five zeroes"


@pytest.mark.parametrize(
    ("status", "expected", "reach"),
    [
        (200, Answer.AMBIGUOUS, Reach.REQUEST),
        (302, Answer.REFUSED, Reach.KEY),
        (400, Answer.AMBIGUOUS, Reach.REQUEST),
        (401, Answer.REFUSED, Reach.KEY),
        (403, Answer.REFUSED, Reach.KEY),
        (404, Answer.REFUSED, Reach.REQUEST),
        (429, Answer.AGAIN, Reach.REQUEST),
        (500, Answer.AMBIGUOUS, Reach.REQUEST),
        (502, Answer.AMBIGUOUS, Reach.REQUEST),
    ],
)
def test_answers_without_a_code(status: int, expected: Answer, reach: Reach) -> None:
    spring = json.dumps({"timestamp": "", "status": status, "error": "", "message": "", "path": "/x"}).encode()
    for body in (b"", b"<html>[/oops]</html>", b"[]", b'{"code":', spring, b'{"code":null}', b'{"code":[]}'):
        said = bitget.judge(CANCEL, reply(body, status))
        assert (said.answer, said.reach) == (expected, reach)


def test_limits_say_how_long_to_wait() -> None:
    limited = answer(None, "429", "Too Many Requests")
    assert bitget.judge(CANCEL, reply(limited, 429)).after == 1.0
    assert bitget.judge(CANCEL, reply(limited, 429, retry_after="3")).after == 3.0
    assert bitget.judge(CANCEL, reply(limited, 400)).answer is Answer.AGAIN
    assert "5 minutes" in bitget.judge(CANCEL, reply(limited, 429)).hint
    assert bitget.judge(BY_NAME, reply(answer(None, "45129"), 400)).after == calls.NAMED_GAP


# --- the account's mode ---------------------------------------------------------------------------------------------


def after(*events: str) -> bitget.Facts:
    """Facts after answers: `v2+` and `v2-` of the classic API, `v3-` of the unified one, else what the settings say."""
    facts = bitget.Facts()
    discovery: Discovery[bitget.Facts] = bitget.discoveries(bitget.Options(), facts)[0]
    codes = {"v2+": (CANCEL, "00000"), "v2-": (CANCEL, "40085"), "v3-": (UNIFIED_CANCEL, "40084")}
    for event in events:
        if event in codes:
            request, code = codes[event]
            mode = bitget.judge(request, reply(answer({}, code))).mode
            assert mode
            facts = bitget.learn_mode(facts, mode)
            continue
        bodies = {"none": answer(None, "40084"), "secret": answer(None, "40014")}
        got = reply(bodies.get(event, answer({"accountMode": event})), 400 if event in bodies else 200)
        assert bitget.judge(discovery.request, got).answer is Answer.ACCEPTED
        facts = discovery.learn(facts, discovery.read(discovery.request, got).names)
    return facts


ONLY_CLASSIC, ONLY_UNIFIED = {*PLANS, *PRODUCTS}, {*STRATEGIES, *CATEGORIES}
BOTH = ONLY_CLASSIC | {f"unified {name}" for name in ONLY_UNIFIED}
UNIFIED_PART = BOTH - ONLY_CLASSIC


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], ONLY_CLASSIC),
        (["v2+"], ONLY_CLASSIC),
        (["none"], ONLY_CLASSIC),
        (["v2+", "none"], ONLY_CLASSIC),
        (["v2-"], ONLY_UNIFIED),
        (["unified"], ONLY_UNIFIED),
        (["unified", "v2-"], ONLY_UNIFIED),
        (["v2-", "unified"], ONLY_UNIFIED),
        (["v2-", "hybrid"], ONLY_UNIFIED),
        (["v2-", "secret"], ONLY_UNIFIED),
        (["hybrid"], BOTH),
        (["v2+", "hybrid"], BOTH),
        (["hybrid", "v2+"], BOTH),
        (["secret"], BOTH),
        (["upgrading"], BOTH),
        (["somethingnew"], BOTH),
        (["hybrid", "v2-"], UNIFIED_PART),
        (["secret", "v2-"], UNIFIED_PART),
        (["secret", "v3-"], ONLY_CLASSIC),
        (["unified", "v2+"], BOTH),
        (["v2+", "unified"], BOTH),
        (["v2-", "v3-"], BOTH),
        (["none", "v2-"], BOTH),
        (["v2-", "none"], BOTH),
    ],
)
def test_segments_follow_what_the_apis_say(events: list[str], expected: set[str]) -> None:
    facts = after(*events)
    found = names(facts)
    assert set(found) == expected
    assert len(found) == len(set(found))
    for event in [one for one in events if one in ("v2+", "v2-", "v3-")]:
        assert after(*events, event) == facts, "the same answer again changes nothing"


def test_unified_segments_are_listed_otherwise_than_classic_ones_of_the_same_name() -> None:
    for name in CATEGORIES[:4]:
        assert segment(name).listings != segment(name, UNIFIED).listings


def test_a_mode_that_is_changing_or_unknown_is_a_doubt() -> None:
    for mode in ("upgrading", "switching"):
        (said,) = bitget.doubts(bitget.Options(), frozenset({f"mode {mode}"}))
        assert "run again in a minute" in said
    (said,) = bitget.doubts(bitget.Options(), frozenset({"mode quantum"}))
    assert "quantum" in said
    for mode in ("classic", "unified", "hybrid", "undisclosed"):
        assert bitget.doubts(bitget.Options(), frozenset({f"mode {mode}"})) == ()


def test_only_the_settings_call_takes_a_refusal_for_an_answer() -> None:
    for code in ("40084", "25245", "40014"):
        assert bitget.judge(SETTINGS, reply(answer(None, code), 400)).answer is Answer.ACCEPTED
    for code in ("40037", "40009", "40018"):
        assert bitget.judge(SETTINGS, reply(answer(None, code), 400)).answer is Answer.REFUSED
    for body in (b"", b"{}", b"[]", answer(None), answer({}), answer({"accountMode": None})):
        with pytest.raises(Unreadable):
            bitget.discoveries(bitget.Options(), bitget.Facts())[0].read(SETTINGS, reply(body))


# --- selectors ------------------------------------------------------------------------------------------------------

KNOWN = frozenset({"symbol BTCUSDT", "symbol ETHUSDT", "coin BTC", "coin ETH", "mode classic"})


def test_unknown_selectors_are_named_with_the_right_spelling() -> None:
    assert bitget.doubts(bitget.Options(symbol=("BTCUSTD", "ETHUSDT")), KNOWN) == (
        'Bitget knows no --symbol BTCUSTD (did you mean "BTCUSDT"?)',
    )
    assert bitget.doubts(bitget.Options(margin_coin="BTCC"), KNOWN) == (
        'Bitget knows no --margin-coin BTCC (did you mean "BTC"?)',
    )
    assert bitget.doubts(bitget.Options(margin_coin="USDT"), frozenset()) == ()


def discovered(**options: Any) -> list[str]:
    return [one.request.target for one in bitget.discoveries(bitget.Options(**options), bitget.Facts())]


def test_instruments_are_read_only_where_a_selector_needs_them() -> None:
    settings, contracts, symbols = (
        "/api/v3/account/settings",
        "/api/v2/mix/market/contracts",
        "/api/v2/spot/public/symbols",
    )
    assert discovered() == [settings]
    assert discovered(margin_coin="USDT") == [settings]
    assert discovered(margin_coin="BTC") == [settings, f"{contracts}?productType=COIN-FUTURES"]
    assert discovered(symbol=("BTCUSDT",)) == [settings, f"{contracts}?productType=USDT-FUTURES", symbols]
    assert [one.request.signed for one in bitget.discoveries(bitget.Options(symbol=("BTCUSDT",)), CLASSIC)] == [
        True,
        False,
        False,
    ]


def test_instrument_lists_are_read() -> None:
    contracts, symbols = bitget.discoveries(bitget.Options(symbol=("BTCUSDT",)), CLASSIC)[1:]
    rows = [{"symbol": "BTCUSDT", "supportMarginCoins": ["USDT", 7]}]
    assert contracts.read(contracts.request, reply(answer(rows))).names == ("symbol BTCUSDT", "coin USDT")
    assert symbols.read(symbols.request, reply(answer([{"symbol": "BTCUSDT"}]))).names == ("symbol BTCUSDT",)
    for data in (None, {}, [None], [{}], [{"symbol": "BTCUSDT"}]):
        with pytest.raises(Unreadable):
            contracts.read(contracts.request, reply(answer(data)))


def test_what_is_not_covered_is_named() -> None:
    everything = bitget.not_covered(bitget.Options(), "live")
    assert "margin orders of a classic account (cross and isolated)" in everything
    assert any("bots" in words for words in everything)
    assert "COIN-FUTURES orders with USDT as their margin" in bitget.not_covered(
        bitget.Options(margin_coin="USDT"), "live"
    )
    assert not any(
        "margin" in words for words in bitget.not_covered(bitget.Options(product_type=("USDT-FUTURES",)), "live")
    )


def test_every_request_has_its_documented_limit() -> None:
    for request in all_requests():
        assert request.bucket in bitget.VENUE.limits, request.target


# --- any bytes ------------------------------------------------------------------------------------------------------

FIELDS = (
    "code msg data requestTime entrustedList endId list cursor orderList nextFlag idLessThan successList failureList "
    "orderId clientOid symbol status planStatus orderStatus planType marginCoin category side size baseVolume cTime "
    "accountMode supportMarginCoins errorCode result"
).split()
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["00000", "1", "live"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | JSON.map(lambda value: json.dumps(answer(value)).encode())
)
EVERY = [*bitget.segments(bitget.Options(), CLASSIC, "live"), *bitget.segments(bitget.Options(), UNIFIED, "live")]
NARROW = bitget.Options(symbol=("BTCUSDT",), margin_coin="USDT")
EVERY += [*bitget.segments(NARROW, CLASSIC, "live"), *bitget.segments(NARROW, UNIFIED, "live")]


@given(body=BODIES, status=st.integers(100, 599))
def test_any_answer_is_judged_and_read_or_unreadable(body: bytes, status: int) -> None:
    got = reply(body, status)
    for request in (CANCEL, LISTING, BY_PLAN, SETTINGS):
        assert isinstance(bitget.judge(request, got).answer, Answer)
    for one in EVERY:
        request = one.listings[-1][-1]
        for reader in (one.page, one.acknowledge, one.settled, *(witness.read for witness in one.witnesses)):
            try:
                reader(request, got)
            except Unreadable:
                continue
    for discovery in bitget.discoveries(bitget.Options(symbol=("BTCUSDT",)), bitget.Facts()):
        try:
            names = discovery.read(discovery.request, got).names
        except Unreadable:
            continue
        discovery.learn(bitget.Facts(), names)


@given(rows=JSON, kind=st.sampled_from(list(KINDS)))
def test_a_listing_with_foreign_rows_never_reads_as_empty(rows: object, kind: str) -> None:
    name, facts, _, field = KINDS[kind]
    one = segment(name, facts)
    try:
        found = one.page(one.listings[0][0], reply(answer(shaped(kind, rows))))
    except Unreadable:
        return
    if rows is None and kind not in ("spot", "strategy"):
        return
    assert isinstance(rows, list)
    closed = {"filled", "canceled", "cancelled", "executed", "fail_execute", "success", "failed"}
    assert len(found.orders) >= len([row for row in rows if str(row.get(field)) not in closed])
