"""Bitget's pure functions: signatures, requests, readers and judgements against documented and observed answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Priority, Protection, Reach, Request, State
from cancelall.core.secret import Secret
from cancelall.venues.bitget import api
from cancelall.venues.bitget import venue as bitget
from cancelall.venues.bitget.options import BitgetSecrets
from cancelall.venues.contract import Discovery, Segment
from cancelall.venues.registry import schema
from support import ROOT, exist
from unit.venues import kinds
from unit.venues.kinds import CLASSIC, FUTURE, SPOT_PLAN_ROW, SPOT_ROW, STRATEGY, UNIFIED, UNIFIED_ROW, reply, shaped

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "bitget.json").read_text())
SIGNED = [row for row in VECTORS if row["prehash"]]
SECRETS = BitgetSecrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"), passphrase=Secret("testpass"))
NOW = 1700000000000
PRODUCTS = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"]
PLANS = [f"{product} plan orders" for product in PRODUCTS]
CATEGORIES = [*PRODUCTS, "MARGIN"]
STRATEGIES = [f"{category} strategy orders" for category in CATEGORIES]
MIX, SPOT, V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"


def answer(data: object, code: object = "00000", message: str = "success") -> dict[str, object]:
    return {"code": code, "msg": message, "requestTime": NOW + 100, "data": data}


def segment(name: str, facts: bitget.BitgetFacts = CLASSIC, **options: Any) -> Segment:
    found = bitget.segments(bitget.BitgetOptions(**options), facts, "live")
    return next(one for one in found if one.name == name)


def names(facts: bitget.BitgetFacts = CLASSIC, **options: Any) -> list[str]:
    return [one.name for one in bitget.segments(bitget.BitgetOptions(**options), facts, "live")]


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
    signed = bitget.VENUE.sign(request, SECRETS, bitget.BitgetOptions(), NOW, 1)
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
            for one in bitget.segments(bitget.BitgetOptions(**options), facts, "live"):
                found += [*one.mass_cancels(()), *(request for stage in one.listings for request in stage)]
                found += [request for request, _ in one.cancels(known, ())]
                found += [request for request, _ in one.singly(known, ())] if one.singly else []
                found += [witness.request for witness in one.witnesses]
    found += [request for request, _ in segment("USDT-FUTURES").cancels(known, ())]
    found += segment("SPOT plan orders", symbol=("BTCUSDT", "ETHUSDT")).mass_cancels(())
    return [*found, *(one.request for one in bitget.discoveries(bitget.BitgetOptions(), bitget.BitgetFacts()))]


PUBLISHED = (
    "cancel_all_usdt_futures cancel_all_usdt_futures_margincoin cancel_all_coin_futures cancel_plan_pos_loss_by_id "
    "batch_cancel_by_ids orders_pending_limit orders_pending_partially_filled orders_plan_pending_normal_plan "
    "orders_plan_pending_track_plan orders_plan_pending_profit_loss spot_batch_cancel_plan_all "
    "spot_batch_cancel_plan_symbols uta_account_settings uta_cancel_symbol_order_usdt_futures uta_unfilled_orders"
).split()


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_sent_has_the_published_bytes(name: str) -> None:
    (row,) = (row for row in VECTORS if row["name"] == name)
    url = urlsplit(row["url"])
    wanted = (row["method"], f"{url.path}?{url.query}" if url.query else url.path, row["body"].encode())
    assert wanted in {(request.method, request.target, request.body) for request in all_requests()}


def test_demo_trading_has_its_header_and_nothing_else_does() -> None:
    assert bitget.VENUE.headers("demo") == (("paptrading", "1"),)
    assert bitget.VENUE.headers("live") == ()
    assert schema("bitget").hosts["demo"] == schema("bitget").hosts["live"]


# --- scope ----------------------------------------------------------------------------------------------------------


CHINESE = "币安人生USDT"


@pytest.mark.parametrize("facts", [CLASSIC, UNIFIED])
def test_a_symbol_of_any_script_is_in_bodies_and_in_no_query(facts: bitget.BitgetFacts) -> None:
    """In a query it would have two forms, and which of them is signed is not certain."""
    both = {"symbol": (CHINESE, "BTCUSDT")}
    for name in names(facts, **both):
        one = segment(name, facts, **both)
        for stage in one.listings:
            assert all("symbol=" not in request.query and request.query.isascii() for request in stage)
            assert len({request.query for request in stage}) == len(stage), "all symbols are listed at once"
        bodies = [request.body for request in one.mass_cancels(())]
        bodies += [request.body for request, _ in one.cancels((order("1", CHINESE, kind="pos_loss"),), ())]
        assert all(body.isascii() for body in bodies)
        assert any(json.dumps(CHINESE)[1:-1].encode() in body or b'"orderId"' in body for body in bodies)
    one = segment("USDT-FUTURES", **both)
    rows = [{**FUTURE, "orderId": str(n), "symbol": name} for n, name in enumerate((CHINESE, "ETHUSDT", "BTCUSDT"))]
    page = one.page(one.listings[0][0], reply(answer(shaped("future", rows))))
    assert ([found.symbol for found in page.orders], page.unsure) == ([CHINESE, "BTCUSDT"], "")


def test_symbols_in_latin_letters_narrow_the_listings() -> None:
    for facts in (CLASSIC, UNIFIED):
        one = segment("USDT-FUTURES", facts, symbol=("BTCUSDT", "ETHUSDT"))
        assert [api.parameter(request, "symbol") for request in one.listings[0]] == ["BTCUSDT", "ETHUSDT"]


WORDS = ("normal_plan", "track_plan", "loss_plan", "pos_loss", "profit_plan", "pos_profit", "moving_plan")


def by_type(product: str, *words: str, **more: str) -> list[str]:
    fields = {"symbol": more.get("symbol"), "productType": product, "marginCoin": more.get("coin")}
    bodies = [{name: value for name, value in {**fields, "planType": word}.items() if value} for word in words]
    return [f"{MIX}/cancel-plan-order {json.dumps(body, separators=(',', ':'))}" for body in bodies]


def test_the_blind_cancels_of_a_classic_account() -> None:
    """Plan orders go by type and product, as many as the limit lets out within a second: the last word of the last
    product waits for a listing that shows one.
    """
    assert {one.name: fired(one) for one in bitget.segments(bitget.BitgetOptions(), CLASSIC, "live")} == {
        "USDT-FUTURES plan orders": by_type("USDT-FUTURES", *WORDS),
        "COIN-FUTURES plan orders": by_type("COIN-FUTURES", *WORDS),
        "USDC-FUTURES plan orders": by_type("USDC-FUTURES", *WORDS[:-1]),
        "SPOT plan orders": [f"{SPOT}/batch-cancel-plan-order {{}}"],
        "USDT-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"USDT-FUTURES"}}'],
        "COIN-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"COIN-FUTURES"}}'],
        "USDC-FUTURES": [f'{MIX}/cancel-all-orders {{"productType":"USDC-FUTURES"}}'],
        "SPOT": [],
    }
    alone = segment("USDC-FUTURES plan orders", product_type=("USDC-FUTURES", "SPOT"))
    assert fired(alone) == by_type("USDC-FUTURES", *WORDS)


def test_plan_orders_that_can_open_a_position_go_first() -> None:
    requests = segment("USDT-FUTURES plan orders").mass_cancels(())
    assert [request.priority for request in requests] == [Priority.MASS_CANCEL] * 2 + [Priority.CANCEL] * 5
    assert {request.bucket for request in requests} == {f"{MIX}/cancel-plan-order"}


def test_plan_orders_that_are_listed_go_by_the_types_that_there_are() -> None:
    """And with the very requests that may be on their way already."""
    one = segment("USDC-FUTURES plan orders")
    known = (order("1", kind="moving_plan"), order("2", "ETHPERP", kind="pos_loss"), order("3", kind="pos_loss"))
    assert fired(one, *known) == by_type("USDC-FUTURES", "moving_plan", "pos_loss")
    assert one.mass_cancels(known)[1] in one.mass_cancels(())
    assert fired(one, order("1", kind="brand_new_plan"), order("2", kind=""), order("3", kind="?")) == []


def test_plan_orders_of_some_symbols_go_by_symbol_and_type() -> None:
    one = segment("USDT-FUTURES plan orders", symbol=("BTCUSDT",), margin_coin="USDT")
    assert fired(one) == by_type("USDT-FUTURES", *WORDS, symbol="BTCUSDT", coin="USDT")
    two = segment("USDT-FUTURES plan orders", symbol=("BTCUSDT", "ETHUSDT"))
    assert len(fired(two)) == 14
    known = (order("1", "ETHUSDT", kind="pos_loss"), order("2", kind="track_plan"))
    assert fired(two, *known) == [
        *by_type("USDT-FUTURES", "pos_loss", symbol="ETHUSDT"),
        *by_type("USDT-FUTURES", "track_plan", symbol="BTCUSDT"),
    ]
    many = tuple(f"{coin}USDT" for coin in ("BTC", "ETH", "SOL"))
    assert fired(segment("USDT-FUTURES plan orders", symbol=many)) == [], "the listing is faster"


def test_the_blind_cancels_of_a_unified_account() -> None:
    assert {one.name: fired(one) for one in bitget.segments(bitget.BitgetOptions(), UNIFIED, "live")} == {
        **{name: [] for name in STRATEGIES},
        **{name: [f'{V3}/cancel-symbol-order {{"category":"{name}"}}'] for name in CATEGORIES},
    }


def test_a_symbol_never_goes_to_cancel_all() -> None:
    for name, facts, start in (
        ("USDT-FUTURES", CLASSIC, f'{MIX}/batch-cancel-orders {{"symbol":"SYMBOL","productType":"USDT-FUTURES"}}'),
        ("SPOT", CLASSIC, f'{SPOT}/cancel-symbol-order {{"symbol":"SYMBOL"}}'),
        ("USDT-FUTURES", UNIFIED, f'{V3}/cancel-symbol-order {{"category":"USDT-FUTURES","symbol":"SYMBOL"}}'),
    ):
        symbols = ("BTCUSDT", "ETHUSDT")
        assert fired(segment(name, facts, symbol=symbols)) == [start.replace("SYMBOL", symbol) for symbol in symbols]
    for facts in (CLASSIC, UNIFIED):
        for one in bitget.segments(bitget.BitgetOptions(symbol=("BTCUSDT",)), facts, "live"):
            assert not any("cancel-all" in text for text in fired(one))
            assert not any("cancel-all" in sent(witness.request) for witness in one.witnesses)


def test_a_margin_coin_narrows_every_cancel() -> None:
    (mass,) = fired(segment("COIN-FUTURES", margin_coin="btc"))
    assert mass == f'{MIX}/cancel-all-orders {{"productType":"COIN-FUTURES","marginCoin":"BTC"}}'
    (by_symbol,) = fired(segment("COIN-FUTURES", margin_coin="BTC", symbol=("ETHUSD",)))
    fields = '{"symbol":"ETHUSD","productType":"COIN-FUTURES","marginCoin":"BTC"}'
    assert by_symbol == f"{MIX}/batch-cancel-orders {fields}"
    assert fired(segment("COIN-FUTURES", UNIFIED, margin_coin="BTC")) == []
    assert fired(segment("USDT-FUTURES", UNIFIED, margin_coin="USDT")) != []


def test_spot_goes_by_symbol_where_that_saves_batches() -> None:
    """The call for a symbol is slower, and lands after its answer."""
    many = tuple(order(str(number), kind="normal") for number in range(21))
    few = (order("30", "ETHUSDT", kind="normal"), order("31", "ETHUSDT", kind="tpsl"), order("32", None))
    assert fired(segment("SPOT"), *many, *few) == [f'{SPOT}/cancel-symbol-order {{"symbol":"BTCUSDT"}}']
    assert fired(segment("SPOT"), *many[:20], *few) == []


PENDING = f"{MIX}/orders-pending?limit=100&productType=USDT-FUTURES"
PLANNED = f"{MIX}/orders-plan-pending?limit=100&planType={{}}&productType=USDT-FUTURES"
RESTING = f"{SPOT}/unfilled-orders?limit=100&tpslType="
BY_TYPE = f"{V3}/unfilled-strategy-orders?category=MARGIN"
TYPES = ("tpsl", "trigger", "oco", "trailing_stop", "iceberg", "twap")


@pytest.mark.parametrize(
    ("name", "facts", "stages"),
    [
        ("USDT-FUTURES", CLASSIC, [[PENDING], [f"{PENDING}&status=partially_filled"]]),
        (PLANS[0], CLASSIC, [[PLANNED.format(word) for word in ("normal_plan", "track_plan", "profit_loss")]]),
        ("SPOT", CLASSIC, [[f"{RESTING}tpsl"], [f"{RESTING}normal"]]),
        ("SPOT plan orders", CLASSIC, [[f"{SPOT}/current-plan-order?limit=100"]]),
        ("MARGIN strategy orders", UNIFIED, [[f"{BY_TYPE}&type={kind}" for kind in TYPES], [BY_TYPE]]),
        ("MARGIN", UNIFIED, [[f"{V3}/unfilled-orders?category=MARGIN&limit=100"]]),
    ],
)
def test_every_kind_and_status_is_listed_conditional_ones_first(
    name: str, facts: bitget.BitgetFacts, stages: list[list[str]]
) -> None:
    assert listed(segment(name, facts)) == stages


def test_what_turns_into_ordinary_orders_is_read_before_them() -> None:
    for facts in (CLASSIC, UNIFIED):
        for one in bitget.segments(bitget.BitgetOptions(), facts, "live"):
            assert one.spawns == one.name.endswith(("plan orders", "strategy orders"))
            assert one.named_gap > 1.0


# --- the witness ----------------------------------------------------------------------------------------------------


def test_classic_futures_need_the_venues_own_word() -> None:
    for product in PRODUCTS[:3]:
        one = segment(product)
        (witness,) = one.witnesses
        assert sent(witness.request) == fired(one)[0]
        assert not witness.optional
        said = bitget.VENUE.judge(witness.request, reply(answer(None, "22001", "No order to cancel"), 400))
        assert said.answer is Answer.NOTHING_OPEN
        for data in ({"successList": [{"orderId": "1"}]}, {"failureList": [{"orderId": "1"}]}):
            assert witness.read(witness.request, reply(answer(data))) is False
        for data in ({"successList": [], "failureList": []}, {}, None):
            with pytest.raises(Unreadable, match="22001"):
                witness.read(witness.request, reply(answer(data)))
    (coin,) = segment("USDT-FUTURES", margin_coin="USDT").witnesses
    assert coin.request.body == b'{"productType":"USDT-FUTURES","marginCoin":"USDT"}'
    assert segment("USDT-FUTURES", symbol=("BTCUSDT",)).witnesses == ()


def test_what_may_be_a_silent_no_op_is_no_witness() -> None:
    """It is sent all the same, first of all; sent once more it would only use up the limit."""
    one = segment("COIN-FUTURES plan orders", margin_coin="BTC")
    assert one.witnesses == ()
    for request in one.mass_cancels(()):
        none = bitget.VENUE.judge(request, reply(answer({"successList": [], "failureList": []})))
        assert none.answer is Answer.NOTHING_OPEN
        for data in ({"successList": [{"orderId": "1"}], "failureList": []}, {"successList": []}, {}, [], None):
            assert bitget.VENUE.judge(request, reply(answer(data))).answer is Answer.ACCEPTED
    ((named, _),) = segment("USDT-FUTURES plan orders").cancels((order("1", kind="pos_loss"),), ())
    assert bitget.VENUE.judge(named, reply(answer({"successList": [], "failureList": []}))).answer is Answer.ACCEPTED


def test_witnesses_are_the_last_in_their_bucket() -> None:
    for facts in (CLASSIC, UNIFIED):
        for one in bitget.segments(bitget.BitgetOptions(), facts, "live"):
            assert all(witness.request.priority is Priority.OTHER for witness in one.witnesses)


@pytest.mark.parametrize("code", ["43001", "40768", "45031", "25204", "25577"])
def test_no_other_word_passes_for_the_witness(code: str) -> None:
    (witness,) = segment("USDT-FUTURES").witnesses
    assert bitget.VENUE.judge(witness.request, reply(answer(None, code, "no order"))).answer is Answer.AMBIGUOUS


def test_elsewhere_only_a_contradiction_counts() -> None:
    (witness,) = segment("MARGIN", UNIFIED).witnesses
    assert witness.optional
    for data, agrees in (({"list": [{"orderId": "1", "clientOid": ""}]}, False), ({"list": []}, True)):
        assert witness.read(witness.request, reply(answer(data))) is agrees
    with pytest.raises(Unreadable):
        witness.read(witness.request, reply(answer({"list": [7]})))
    refused = {"list": [{"orderId": "1", "code": "24056", "msg": "notExisted"}]}
    assert witness.read(witness.request, reply(answer(refused))) is True
    assert segment("SPOT plan orders").witnesses == segment("SPOT").witnesses == ()


@pytest.mark.parametrize(
    ("options", "keep", "reads", "words"),
    [
        ({}, False, False, ""),
        ({"product_type": ("SPOT",)}, True, True, ""),
        ({}, True, False, "some orders are kept"),
        ({}, False, True, "nothing was cancelled"),
        ({"symbol": ("BTCUSDT",)}, False, False, "does not go by symbol"),
        ({"margin_coin": "USDT"}, False, False, ""),
    ],
)
def test_a_missing_witness_is_told(options: dict[str, Any], keep: bool, reads: bool, words: str) -> None:
    said = bitget.unwitnessed(bitget.BitgetOptions(**options), keep, reads)
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
    start = f'{MIX}/cancel-plan-order {{"symbol":"BTCUSDT","productType":"USDT-FUTURES","planType"'
    assert found == [
        (f'{start}:"{kind}","orderIdList":[{{"orderId":"{number}"}}]}}', 1) for number, kind in enumerate(kinds)
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


CANCEL_PLAN = f'{MIX}/cancel-plan-order {{"symbol":"BTCUSDT","productType":"USDT-FUTURES","planType":"pos_loss",'


@pytest.mark.parametrize(
    ("name", "facts", "kind", "expected"),
    [
        (
            "USDT-FUTURES",
            CLASSIC,
            "",
            f'{MIX}/cancel-order {{"orderId":"1","symbol":"BTCUSDT","productType":"USDT-FUTURES"}}',
        ),
        ("USDT-FUTURES plan orders", CLASSIC, "pos_loss", CANCEL_PLAN + '"orderIdList":[{"orderId":"1"}]}'),
        ("SPOT", CLASSIC, "normal", f'{SPOT}/cancel-order {{"orderId":"1","symbol":"BTCUSDT"}}'),
        ("SPOT", CLASSIC, "tpsl", f'{SPOT}/cancel-order {{"orderId":"1","tpslType":"tpsl"}}'),
        ("USDT-FUTURES", UNIFIED, "", f'{V3}/cancel-order {{"orderId":"1"}}'),
    ],
)
def test_where_batches_are_refused_each_order_goes_by_itself(
    name: str, facts: bitget.BitgetFacts, kind: str, expected: str
) -> None:
    one = segment(name, facts)
    assert one.singly is not None
    found = one.singly((order("1", kind=kind), order("2", kind=kind)), ())
    assert [len(some) for _, some in found] == [1, 1]
    assert sent(found[0][0]) == expected
    assert one.acknowledge(found[0][0], reply(answer({"orderId": "1", "clientOid": ""}))).cancelled == ("1",)


# --- reading --------------------------------------------------------------------------------------------------------

KINDS = {name: (kind.segment, kind.facts, kind.row, kind.status) for name, kind in kinds.KINDS.items()}


def read(kind: str, rows: object, last: object = None, *, stage: int = 0, number: int = 0, **options: Any) -> Any:
    name, facts, _, _ = KINDS[kind]
    one = segment(name, facts, **options)
    if kind in ("future", "plan") and rows and last is None:
        last = "11"
    return one.page(one.listings[stage][number], reply(answer(shaped(kind, rows, last))))


def test_a_spot_order_of_the_listing_of_ordinary_ones_is_never_protective() -> None:
    (found,) = read("spot", [SPOT_ROW], stage=1).orders
    assert (found.side, found.protection) == ("sell", Protection.NONE)
    assert (found.price, found.remaining, found.kind, found.type) == ("34829.12", "1", "normal", "limit")


P, N, U = Protection.PROTECTIVE, Protection.NONE, Protection.UNKNOWN
LONG, AGAINST, ALONG = {"posSide": "long"}, {"side": "sell"}, {"side": "buy"}
ONE_WAY = {"holdMode": "one_way_mode", "posSide": None}


@pytest.mark.parametrize(
    ("category", "kind", "fields", "expected"),
    [
        ("USDT-FUTURES", "tpsl", {}, P),
        *(("USDT-FUTURES", kind, {"side": None}, N) for kind in ("trigger", "iceberg", "twap")),
        *(("USDT-FUTURES", kind, {**LONG, **AGAINST}, P) for kind in ("trigger", "oco", "trailing_stop", "twap")),
        *(("USDT-FUTURES", kind, {"reduceOnly": "YES"}, P) for kind in ("trigger", "oco", "trailing_stop", "iceberg")),
        *(("USDT-FUTURES", kind, {**LONG, **ALONG}, N) for kind in ("trigger", "oco", "trailing_stop", "twap")),
        *(("USDT-FUTURES", kind, {**ONE_WAY, "reduceOnly": "NO"}, N) for kind in ("oco", "trailing_stop")),
        *(("USDT-FUTURES", kind, {"side": None}, U) for kind in ("oco", "trailing_stop")),
        *(("USDT-FUTURES", kind, {"reduceOnly": "maybe"}, U) for kind in ("oco", "trigger", "iceberg")),
        ("USDT-FUTURES", "", {}, U),
        ("USDT-FUTURES", "", {"type": "tpsl"}, P),
        ("USDT-FUTURES", "", {"type": "TWAP"}, N),
        ("USDT-FUTURES", "tpsl", {"type": "trigger"}, N),
        ("USDT-FUTURES", "", {"type": "brand_new"}, U),
        ("USDT-FUTURES", "", {"type": "brand_new", "reduceOnly": "yes"}, P),
        *(("SPOT", kind, {"side": "sell"}, P) for kind in ("tpsl", "trigger", "oco", "trailing_stop")),
        *(("SPOT", kind, {"side": "sell"}, N) for kind in ("iceberg", "twap")),
        ("SPOT", "tpsl", {}, U),
        ("MARGIN", "trigger", {"side": "buy"}, N),
    ],
)
def test_strategies_by_type_and_category(
    category: str, kind: str, fields: dict[str, object], expected: Protection
) -> None:
    one = segment(f"{category} strategy orders", UNIFIED)
    (request,) = (one for stage in one.listings for one in stage if api.parameter(one, "type") == kind)
    (found,) = one.page(request, reply(answer([{**STRATEGY, "category": category, **fields}]))).orders
    assert found.protection is expected


def numbered(row: dict[str, object], count: int) -> list[dict[str, object]]:
    return [{**row, "orderId": str(number)} for number in range(1, count + 1)]


def test_pages_go_on_until_one_is_short() -> None:
    """Shorter than the smallest that the venue makes by itself: a page of 20 may be one that was cut off."""
    following = read("future", numbered(FUTURE, 20), "1190384645049036801").next
    query = "idLessThan=1190384645049036801&limit=100&productType=USDT-FUTURES"
    assert following.target == f"{MIX}/orders-pending?{query}"
    assert read("future", numbered(FUTURE, 19), "1190384645049036801").next is None
    assert read("future", None).next is None
    assert read("spot", numbered(SPOT_ROW, 20), stage=1).next.query == "idLessThan=20&limit=100&tpslType=normal"
    assert read("spot", [SPOT_ROW], stage=1).next is None
    assert read("spot", [], stage=1).next is None
    assert read("spot plan", [SPOT_PLAN_ROW], "41").next.query == "idLessThan=41&limit=100"
    assert read("spot plan", numbered(SPOT_PLAN_ROW, 100)).next is None
    assert read("unified", numbered(UNIFIED_ROW, 20), "51").next.query == "category=USDT-FUTURES&cursor=51&limit=100"
    assert read("unified", [UNIFIED_ROW], "51").next is None
    again = segment("USDT-FUTURES").page(following, reply(answer(shaped("future", numbered(FUTURE, 20), "7")))).next
    assert again is not None
    assert again.query == "idLessThan=7&limit=100&productType=USDT-FUTURES"


PAGED = ("future", "plan", "unified")
LACKING: list[dict[str, object]] = [{}, {"endId": None, "cursor": None}, {"endId": "", "cursor": ""}]


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("lacking", LACKING, ids=["missing", "null", "empty"])
def test_a_short_page_without_a_way_on_is_the_last_and_a_full_one_is_unsure(
    kind: str, lacking: dict[str, object]
) -> None:
    name, facts, row, _ = KINDS[kind]
    one = segment(name, facts)
    for count, full in ((1, False), (99, False), (100, True)):
        data = {"entrustedList": numbered(row, count), "list": numbered(row, count), **lacking}
        page = one.page(one.listings[0][0], reply(answer(data)))
        assert (len(page.orders), page.next, page.full) == (count, None, full)
        assert bool(page.unsure) is full


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("last", ["x", "1&productType=COIN-FUTURES", True, [], {}, 1.5, "1" * 40, "-1"])
def test_a_way_on_that_cannot_be_sent_leaves_the_page_unsure(kind: str, last: object) -> None:
    name, facts, row, _ = KINDS[kind]
    one = segment(name, facts)
    page = one.page(one.listings[0][0], reply(answer(shaped(kind, [row], last))))
    assert (len(page.orders), page.next) == (1, None)
    assert "no id" in page.unsure


def test_a_plain_array_goes_on_from_the_last_row_that_has_an_id() -> None:
    rows: list[object] = [*numbered(SPOT_ROW, 100), {**SPOT_ROW, "orderId": None}, 7]
    page = read("spot", rows, stage=1)
    assert (len(page.orders), page.next.query) == (100, "idLessThan=100&limit=100&tpslType=normal")
    assert page.unsure


@pytest.mark.parametrize("flag", ["missing", None, False, True, 0, 1, "true", []])
def test_a_spot_plan_page_says_whether_there_is_more(flag: object) -> None:
    one = segment("SPOT plan orders")

    def page(count: int, last: object) -> Any:
        data = {"orderList": numbered(SPOT_PLAN_ROW, count), "idLessThan": last, "nextFlag": flag}
        if flag == "missing":
            del data["nextFlag"]
        found = one.page(one.listings[0][0], reply(answer(data)))
        assert len(found.orders) == count
        return found

    odd = not isinstance(flag, bool) and flag not in ("missing", None)
    short, full, lost = page(2, "41"), page(100, "41"), page(100, None)
    assert (short.next is not None, bool(short.unsure)) == (flag is True or odd, odd)
    assert (full.next is not None, bool(full.unsure)) == (flag is not False, odd)
    assert (lost.next, bool(lost.unsure)) == (None, flag is not False)


def test_null_beside_its_id_is_empty_as_observed() -> None:
    for kind in ("future", "plan"):
        page = read(kind, None)
        assert (page.orders, page.unsure, page.null) == ((), "", False)


@pytest.mark.parametrize(
    ("name", "facts", "data"),
    [
        ("USDT-FUTURES", CLASSIC, {"entrustedList": None, "endId": "7"}),
        ("USDT-FUTURES plan orders", CLASSIC, {"entrustedList": None, "endId": "7"}),
        ("SPOT", CLASSIC, None),
        ("SPOT plan orders", CLASSIC, {"orderList": None, "nextFlag": None, "idLessThan": None}),
        ("SPOT plan orders", CLASSIC, {"orderList": None, "nextFlag": False}),
        ("USDT-FUTURES", UNIFIED, {"list": None, "cursor": None}),
        ("USDT-FUTURES strategy orders", UNIFIED, None),
    ],
)
def test_null_in_the_place_of_an_array_has_to_be_heard_twice(
    name: str, facts: bitget.BitgetFacts, data: object
) -> None:
    one = segment(name, facts)
    page = one.page(one.listings[0][0], reply(answer(data)))
    assert (page.orders, page.unsure, page.null) == ((), "", True)
    named = isinstance(data, dict) and data.get("endId") is not None
    assert (page.next is not None) is named, "what names an id to go on from is followed, empty or not"


@pytest.mark.parametrize("kind", KINDS)
def test_a_symbol_that_cannot_be_read_is_in_no_request(kind: str) -> None:
    name, facts, row, _ = KINDS[kind]
    (found,) = read(kind, [{**row, "symbol": {}}], "2").orders
    assert found.symbol is None
    for request, _ in segment(name, facts).cancels((found,), ()):
        assert b"symbol" not in request.body


def test_rows_of_another_symbol_or_category_are_left_alone() -> None:
    other = {**FUTURE, "orderId": "12", "symbol": "ETHUSDT"}
    page = read("future", [FUTURE, other], symbol=("ETHUSDT",))
    assert ([found.id for found in page.orders], page.unsure) == (["12"], "")
    for kind, row in (("unified", UNIFIED_ROW), ("strategy", STRATEGY)):
        page = read(kind, [{**row, "category": "SPOT"}, {**row, "orderId": "9", "category": "usdt-futures"}])
        assert ([found.id for found in page.orders], page.unsure) == (["9"], "")


def test_a_row_that_does_not_tell_whether_it_is_in_scope_is_left_alone_and_leaves_a_doubt() -> None:
    for symbol in (None, "", {}):
        page = read("future", [{**FUTURE, "symbol": symbol}], symbol=("BTCUSDT",))
        assert page.orders == ()
        assert "symbol" in page.unsure


def test_a_margin_coin_takes_only_its_own_rows() -> None:
    one = segment("COIN-FUTURES", margin_coin="ETH")
    rows = [{**FUTURE, "marginCoin": coin, "orderId": str(number)} for number, coin in enumerate(("BTC", "eth", "ETH"))]
    page = one.page(one.listings[0][0], reply(answer(shaped("future", rows))))
    assert [found.id for found in page.orders] == ["1", "2"]
    page = one.page(one.listings[0][0], reply(answer(shaped("future", [{**FUTURE, "marginCoin": ""}]))))
    assert (page.orders, "marginCoin" in page.unsure) == ((), True)


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


# --- history --------------------------------------------------------------------------------------------------------


def final_page(one: Segment, request: Request, data: object) -> list[tuple[str, State, str]]:
    return [(found.id, state, note) for found, state, note in one.final_page(request, reply(answer(data))).orders]


def test_what_the_history_is_asked_for() -> None:
    (request,) = segment("USDT-FUTURES").final_states((order("0"), order("1")), 0)
    assert request.target == f"{MIX}/orders-history?limit=100&productType=USDT-FUTURES"
    (request,) = segment("USDT-FUTURES").final_states((order("1"),), 0)
    assert request.query == "limit=100&orderId=1&productType=USDT-FUTURES"
    plans = tuple(order(str(number), kind="pos_loss") for number in range(6))
    (request,) = segment("USDT-FUTURES plan orders").final_states(plans, 0)
    assert request.target == f"{MIX}/orders-plan-history?limit=100&planType=profit_loss&productType=USDT-FUTURES"
    some = (order("1", kind="tpsl"), order("2", kind=""))
    assert [request.query for request in segment("SPOT").final_states(some, 0)] == [
        "limit=100&orderId=2&tpslType=normal",
        "limit=100&orderId=1&tpslType=tpsl",
    ]
    (request,) = segment("SPOT", UNIFIED).final_states((order("51"),), 0)
    assert request.target == f"{V3}/history-orders?category=SPOT&limit=100"
    (request,) = segment("SPOT strategy orders", UNIFIED).final_states((order("61", kind="trigger"),), 0)
    assert request.target == f"{V3}/history-strategy-orders?category=SPOT&limit=100&type=trigger"


def test_odd_rows_of_a_history_are_passed_over() -> None:
    one = segment("USDT-FUTURES")
    (request,) = one.final_states((order("1"),), 0)
    ended = {**FUTURE, "orderId": "1", "status": "filled", "price": {}}
    rows = [None, {**FUTURE, "orderId": None, "status": "filled"}, ended]
    assert final_page(one, request, shaped("future", rows)) == [("1", State.FILLED, "")]
    assert final_page(one, request, {"entrustedList": None}) == []
    full = one.final_page(request, reply(answer(shaped("future", numbered(ended, 100), "1"))))
    assert full.next is not None


def test_plan_orders_of_which_only_a_cancel_told_are_looked_for_under_every_word() -> None:
    one = segment("USDT-FUTURES plan orders")
    requests = one.final_states((order("1", kind=""), order("2", kind="pos_loss")), 0)
    assert [request.query for request in requests] == [
        "limit=100&orderId=1&planType=normal_plan&productType=USDT-FUTURES",
        "limit=100&orderId=1&planType=track_plan&productType=USDT-FUTURES",
        "limit=100&planType=profit_loss&productType=USDT-FUTURES",
    ]


# --- judging --------------------------------------------------------------------------------------------------------

CANCEL = segment("USDT-FUTURES").mass_cancels(())[0]
((BY_NAME, _),) = segment("USDT-FUTURES").cancels((order("1"),), ())
((BY_PLAN, _),) = segment("USDT-FUTURES plan orders").cancels((order("1", kind="pos_loss"),), ())
UNIFIED_CANCEL = segment("SPOT", UNIFIED).mass_cancels(())[0]
LISTING = segment("USDT-FUTURES").listings[0][0]
SETTINGS = bitget.discoveries(bitget.BitgetOptions(), bitget.BitgetFacts())[0].request


def test_a_copy_trading_account_is_told_why_it_lacks_a_product() -> None:
    assert "copy-trading" in bitget.VENUE.judge(LISTING, reply(answer(None, "40731"), 400)).hint


def test_a_plan_type_that_is_not_met_is_left_to_the_listing() -> None:
    plans = segment("USDT-FUTURES plan orders").listings[0][0]
    for request, judged in ((BY_PLAN, Answer.NOTHING_OPEN), (plans, Answer.REFUSED)):
        assert bitget.VENUE.judge(request, reply(answer(None, "40812"), 400)).answer is judged


def blind(word: str, **options: Any) -> Request:
    found = segment("USDT-FUTURES plan orders", **options).mass_cancels(())
    return next(request for request in found if json.loads(request.body)["planType"] == word)


def test_a_word_or_a_missing_symbol_that_is_refused_costs_that_plan_cancel_only() -> None:
    """They are tried unseen, and cancels by name go on."""
    trailing = (order("1", kind="track_plan"),)
    ((track, _), (moving, _), (without, _)) = segment("USDT-FUTURES plan orders").cancels(trailing, ())
    for code in ("40812", "43048", "40017", "400172", "40020", "40034"):
        for request in (blind("normal_plan"), blind("track_plan"), track):
            assert bitget.VENUE.judge(request, reply(answer(None, code), 400)).answer is Answer.NOTHING_OPEN
    for code in ("43048", "40017", "40020"):
        for request in (BY_PLAN, moving, without):
            assert bitget.VENUE.judge(request, reply(answer(None, code), 400)).answer is Answer.REFUSED
    for code, reach in (("40014", Reach.PRODUCT), ("40009", Reach.KEY)):
        assert bitget.VENUE.judge(blind("normal_plan"), reply(answer(None, code), 400)).reach is reach


def test_a_symbol_that_a_product_is_said_not_to_have_is_refused_and_never_absent() -> None:
    """The code says it of whatever parameter; its own list may have the symbol."""
    narrowed = segment("SPOT", symbol=("BTCUSDT",))
    for request in (*narrowed.mass_cancels(()), narrowed.listings[0][0], CANCEL, LISTING, BY_NAME):
        for code in ("40034", "40102", "25100"):
            said = bitget.VENUE.judge(request, reply(answer(None, code), 400))
            assert (said.answer, said.reach) == (Answer.REFUSED, Reach.REQUEST)
            assert "product_type" in said.hint


def strategies(category: str, kind: str) -> tuple[Segment, Request]:
    one = segment(f"{category} strategy orders", UNIFIED)
    (found,) = (request for stage in one.listings for request in stage if api.parameter(request, "type") == kind)
    return one, found


@pytest.mark.parametrize("code", ["25200", "25002", "25240"])
@pytest.mark.parametrize("category", ["USDT-FUTURES", "SPOT", "MARGIN"])
@pytest.mark.parametrize("kind", ["tpsl", "trigger", "oco", "trailing_stop", "iceberg", "twap", ""])
def test_a_strategy_type_that_is_refused_costs_that_word_only(category: str, kind: str, code: str) -> None:
    one, request = strategies(category, kind)
    got = reply(answer(None, code, "type validation error"), 400)
    if category == "USDT-FUTURES" and kind in ("", "tpsl"):  # what the documents have
        assert bitget.VENUE.judge(request, got).answer is Answer.REFUSED
        return
    assert bitget.VENUE.judge(request, got).answer is Answer.ACCEPTED
    page = one.page(request, got)
    assert (page.orders, page.next, page.unsure, page.null) == ((), None, "", kind == "")
    other = bitget.VENUE.judge(request, reply(answer(None, "40014"), 400))
    assert other.answer is Answer.REFUSED


def test_success_needs_its_http_status() -> None:
    assert bitget.VENUE.judge(CANCEL, reply(answer({}))).answer is Answer.ACCEPTED
    assert bitget.VENUE.judge(CANCEL, reply(answer({}), 500)).answer is Answer.AMBIGUOUS
    assert bitget.VENUE.judge(CANCEL, reply(answer({}, 0))).answer is Answer.AMBIGUOUS, (
        "success is the text of five zeroes"
    )


def test_limits_say_how_long_to_wait() -> None:
    limited = answer(None, "429", "Too Many Requests")
    assert bitget.VENUE.judge(CANCEL, reply(limited, 429)).after == 1.0
    assert bitget.VENUE.judge(CANCEL, reply(limited, 429, retry_after="3")).after == 3.0
    assert bitget.VENUE.judge(CANCEL, reply(limited, 400)).answer is Answer.AGAIN
    assert "5 minutes" in bitget.VENUE.judge(CANCEL, reply(limited, 429)).hint
    assert bitget.VENUE.judge(BY_NAME, reply(answer(None, "45129"), 400)).after == api.NAMED_GAP


# --- the account's mode ---------------------------------------------------------------------------------------------


def after(*events: str) -> bitget.BitgetFacts:
    """Facts after answers: `v2+` and `v2-` of the classic API, `v3-` of the unified one, else what the settings say."""
    facts = bitget.BitgetFacts()
    discovery: Discovery[bitget.BitgetFacts] = bitget.discoveries(bitget.BitgetOptions(), facts)[0]
    codes = {"v2+": (CANCEL, "00000"), "v2-": (CANCEL, "40085"), "v3-": (UNIFIED_CANCEL, "40084")}
    for event in events:
        if event in codes:
            request, code = codes[event]
            mode = bitget.VENUE.judge(request, reply(answer({}, code))).mode
            assert mode
            facts = bitget.learn_mode(facts, mode)
            continue
        bodies = {"none": answer(None, "40084"), "secret": answer(None, "40014")}
        got = reply(bodies.get(event, answer({"accountMode": event})), 400 if event in bodies else 200)
        assert bitget.VENUE.judge(discovery.request, got).answer is Answer.ACCEPTED
        facts = discovery.learn(facts, discovery.read(discovery.request, got).names)
    return facts


ONLY_CLASSIC, ONLY_UNIFIED = {*PLANS, *PRODUCTS}, {*STRATEGIES, *CATEGORIES}
BOTH = ONLY_CLASSIC | {f"unified {name}" for name in ONLY_UNIFIED}


EVENTS = {
    "classic": ["", "v2+", "none", "v2+ none", "secret v3-"],
    "unified": ["v2-", "unified", "unified v2-", "v2- unified", "v2- hybrid", "v2- secret"],
    "unified part": ["hybrid v2-", "secret v2-"],
    "both": [
        *("hybrid", "v2+ hybrid", "hybrid v2+", "secret", "upgrading", "somethingnew", "unified v2+", "v2+ unified"),
        *("v2- v3-", "none v2-", "v2- none"),
    ],
}
"""Which segments there are after which answers."""


@pytest.mark.parametrize(
    ("answers", "apis"), [(answers, apis) for apis, several in EVENTS.items() for answers in several]
)
def test_segments_follow_what_the_apis_say(answers: str, apis: str) -> None:
    events = answers.split()
    facts = after(*events)
    found = names(facts)
    assert (
        set(found)
        == {"classic": ONLY_CLASSIC, "unified": ONLY_UNIFIED, "unified part": BOTH - ONLY_CLASSIC, "both": BOTH}[apis]
    )
    assert len(found) == len(set(found))
    for event in [one for one in events if one in ("v2+", "v2-", "v3-")]:
        assert after(*events, event) == facts, "the same answer again changes nothing"


def test_unified_segments_are_listed_otherwise_than_classic_ones_of_the_same_name() -> None:
    for name in CATEGORIES[:4]:
        assert segment(name).listings != segment(name, UNIFIED).listings


def test_only_the_settings_call_takes_a_refusal_for_an_answer() -> None:
    for code in ("40084", "25245", "40014"):
        assert bitget.VENUE.judge(SETTINGS, reply(answer(None, code), 400)).answer is Answer.ACCEPTED
    for code in ("40037", "40009", "40018"):
        assert bitget.VENUE.judge(SETTINGS, reply(answer(None, code), 400)).answer is Answer.REFUSED
    for body in (b"", b"{}", b"[]", answer(None), answer([]), answer("x"), {"code": "00000"}):
        with pytest.raises(Unreadable):
            bitget.discoveries(bitget.BitgetOptions(), bitget.BitgetFacts())[0].read(SETTINGS, reply(body))


@pytest.mark.parametrize("data", [{}, {"accountMode": None}, {"accountMode": ""}, {"accountMode": {}}])
def test_a_mode_that_is_not_told_leaves_both_apis_to_answer(data: object) -> None:
    read_mode = bitget.discoveries(bitget.BitgetOptions(), bitget.BitgetFacts())[0].read
    assert read_mode(SETTINGS, reply(answer(data))).names == exist("mode undisclosed")


# --- selectors ------------------------------------------------------------------------------------------------------


def discovered(**options: Any) -> list[str]:
    return [one.request.target for one in bitget.discoveries(bitget.BitgetOptions(**options), bitget.BitgetFacts())]


def test_instruments_are_read_only_where_a_selector_needs_them() -> None:
    settings, contracts = "/api/v3/account/settings", "/api/v2/mix/market/contracts"
    symbols = "/api/v2/spot/public/symbols"
    assert discovered() == [settings]
    assert discovered(margin_coin="USDT") == [settings]
    assert discovered(margin_coin="BTC") == [settings, f"{contracts}?productType=COIN-FUTURES"]
    assert discovered(symbol=("BTCUSDT",)) == [settings, f"{contracts}?productType=USDT-FUTURES", symbols]
    found = bitget.discoveries(bitget.BitgetOptions(symbol=("BTCUSDT",)), CLASSIC)
    assert [one.request.signed for one in found] == [True, False, False]


def test_odd_rows_of_an_instrument_list_name_nothing_and_the_others_do() -> None:
    contracts, symbols = bitget.discoveries(bitget.BitgetOptions(symbol=("BTCUSDT",)), CLASSIC)[1:]
    rows: list[object] = [None, {}, 7, {"symbol": {}}, {"symbol": "ethusdt", "supportMarginCoins": None}]
    got = reply(answer([*rows, {"symbol": CHINESE, "supportMarginCoins": ["usdt", None, 7]}]))
    assert contracts.read(contracts.request, got).names == exist("symbol ETHUSDT", f"symbol {CHINESE}", "coin USDT")
    assert symbols.read(symbols.request, got).names == exist("symbol ETHUSDT", f"symbol {CHINESE}")
    for data in (None, {}, "x"):
        with pytest.raises(Unreadable):
            contracts.read(contracts.request, reply(answer(data)))


@pytest.mark.parametrize(
    ("options", "mode", "words"),
    [
        ({}, "classic", ["SPOT orders"]),
        ({}, "unified", ["strategy orders"]),
        ({}, "hybrid", ["SPOT orders", "strategy orders"]),
        ({}, "undisclosed", ["SPOT orders", "strategy orders"]),
        ({"product_type": ("USDT-FUTURES",)}, "classic", []),
        ({"product_type": ("USDT-FUTURES",)}, "unified", ["strategy orders"]),
    ],
)
def test_what_looks_back_and_has_no_witness_is_told(options: dict[str, Any], mode: str, words: list[str]) -> None:
    said = bitget.VENUE.remarks(bitget.BitgetOptions(**options), frozenset(exist(f"mode {mode}")))
    assert len(said) == bool(words)
    for one in ("SPOT orders", "strategy orders"):
        assert (one in "".join(said)) is (one in words)
