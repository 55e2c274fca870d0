"""The fake Bitget: its checks, both of its APIs, its quirks and its faults, under a clock that the tests turn.

The signatures were made by ccxt 4.5.90 and by the venue's own python SDK, with the key `testkey`, the secret
`testsecret`, the passphrase `testpass` and the timestamp 1700000000000.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from cancelall import simulator
from cancelall.simulator import Kind, SimRequest
from cancelall.simulator.bitget import Bitget, account
from cancelall.simulator.refusals import Refused
from simulator.desks import BitgetDesk as Desk
from simulator.desks import rsa_key, rsa_signature
from support import ROOT

if TYPE_CHECKING:
    from conftest import Clock

MIX, SPOT, V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"
BATCH, CANCEL_PLAN = f"{MIX}/batch-cancel-orders", f"{MIX}/cancel-plan-order"
UNFILLED, CANCEL_PART = f"{V3}/unfilled-orders", f"{V3}/cancel-symbol-order"
CANCEL, LIST, PLANS = f"{MIX}/cancel-all-orders", f"{MIX}/orders-pending", f"{MIX}/orders-plan-pending"
USDT = {"productType": "USDT-FUTURES"}
PRODUCTS = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
CATEGORIES = (*PRODUCTS, "SPOT", "MARGIN")
NO_ORDERS: dict[str, object] = {"successList": [], "failureList": []}
CLOSING = {"profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan"}


Opener = Callable[..., Desk]


@pytest.fixture
def open_desk(clock: Clock) -> Opener:
    """Make a desk at a new fake Bitget; without rate limits unless a test needs them: the clock stands still."""

    def make(*, mode: str = "classic", orders: int = 40, faults: Iterable[str] = (), limits: bool = False) -> Desk:
        return Desk.open_at("bitget", clock, [f"mode={mode}", *faults], orders=orders, limits=limits)

    return make


@pytest.fixture
def desk(open_desk: Opener) -> Desk:
    return open_desk()


@pytest.fixture
def unified(open_desk: Opener) -> Desk:
    return open_desk(mode="unified")


def two(answer: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many orders an answer took, and the codes or words of those that it did not take."""
    failed = [row.get("errorCode", row["errorMsg"]) for row in answer["failureList"]]
    return len(answer["successList"]), failed


def of(*ids: str, symbol: str = "BTCUSDT", **more: str) -> dict[str, object]:
    """A batch of USDT futures by these ids."""
    return {**USDT, "symbol": symbol, "orderIdList": [{"orderId": one} for one in ids], **more}


# Key, clock, signature.

VECTORS = json.loads((ROOT / "tests" / "vectors" / "bitget.json").read_text(encoding="utf-8"))
KEYS = {"api_key": "testkey", "api_secret": "testsecret", "passphrase": "testpass"}
UNKNOWN = {"cancel_all_usdt_futures_demo": "40099"}
"""What is signed for a demo key, which this is not."""


@pytest.mark.parametrize("row", [row for row in VECTORS if row["prehash"]], ids=lambda row: row["name"])
def test_every_published_signature_is_accepted(desk: Desk, row: dict[str, Any]) -> None:
    url = urlsplit(row["url"])
    headers = {name.lower(): value for name, value in row["headers"].items()}
    request = SimRequest(
        method=row["method"], path=url.path, query=url.query, body=row["body"].encode(), headers=headers
    )
    account.authenticate(request, KEYS, 1_700_000_000_000)
    with pytest.raises(Refused, match="sign signature error"):
        account.authenticate(request, {**KEYS, "api_secret": "testsecreT"}, 1_700_000_000_000)
    mode = "unified" if url.path.startswith("/api/v3") else "classic"
    desk.fake.add_account(KEYS)
    desk.fake.set_faults([f"mode={mode}"])
    assert desk.read(desk.fake.handle(request))["code"] == UNKNOWN.get(row["name"], "00000")
    signature = headers["access-sign"]
    wrong = {**headers, "access-sign": ("A" if signature[0] != "A" else "B") + signature[1:]}
    if row["name"] not in UNKNOWN and "/public/" not in url.path:
        assert desk.read(desk.fake.handle(replace(request, headers=wrong)))["code"] == "40009"


def test_rsa(clock: Clock) -> None:
    pytest.importorskip("cryptography")
    private, public = rsa_key()
    fake = simulator.create("bitget", now_ms=clock)
    fake.add_account({"api_key": "testkey", "passphrase": "testpass", "rsa_public_key": public})
    path = "/api/v2/spot/account/info"
    signature = rsa_signature(private, f"1700000000000GET{path}".encode())
    for sent, code in (
        (signature, "00000"),
        *((wrong, "40009") for wrong in (signature[:-8] + "AAAAAAA=", "not base64", "é")),
    ):
        keys = {"access-key": "testkey", "access-passphrase": "testpass"}
        headers = {**keys, "access-sign": sent, "access-timestamp": "1700000000000"}
        assert Desk.read(fake.handle(SimRequest(method="GET", path=path, headers=headers)))["code"] == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"access-key": None}, "40001"),
        ({"access-sign": None}, "40002"),
        ({"access-timestamp": None}, "40003"),
        ({"access-passphrase": None}, "40011"),
        ({"access-key": "bg_nobody"}, "40037"),
        ({"access-passphrase": "DUMMYwrong"}, "40012"),
        ({"access-sign": "DUMMYwrong"}, "40009"),
        ({"access-timestamp": "soon"}, "40005"),
        ({"access-timestamp": "1700000000001"}, "40009"),
        ({"content-type": "text/plain"}, "40007"),
        ({"paptrading": "1"}, "40099"),
    ],
)
def test_refused_headers(desk: Desk, change: dict[str, str | None], code: str) -> None:
    reply = desk.reply("POST", CANCEL, USDT, headers=change)
    assert reply.status == 400
    assert json.loads(reply.body)["code"] == code
    assert len(desk.open()) == 40


def test_a_demo_key_needs_the_header(open_desk: Opener) -> None:
    desk = open_desk(faults=["demo"])
    codes = [desk.code("GET", LIST, USDT, headers={"paptrading": value}) for value in (None, "1")]
    assert codes == ["40099", "00000"]


@pytest.mark.parametrize(
    ("ahead_ms", "code"), [(30_000, "00000"), (30_001, "40008"), (-30_000, "00000"), (-30_001, "40008")]
)
def test_clock_window(desk: Desk, ahead_ms: int, code: str) -> None:
    answer = desk.ask("GET", LIST, USDT, timestamp=desk.clock() + ahead_ms)
    assert (answer["code"], answer["requestTime"]) == (code, desk.clock())


def test_a_changed_body_is_caught(desk: Desk) -> None:
    request = desk.request("POST", CANCEL, body=b'{"productType":"USDC-FUTURES"}')
    changed = SimRequest(method="POST", path=CANCEL, headers=request.headers, body=b'{"productType":"USDT-FUTURES"}')
    assert json.loads(desk.fake.handle(changed).body)["code"] == "40009"
    assert len(desk.open()) == 40


def test_paths(desk: Desk) -> None:
    assert desk.code("POST", "/api/mix/v1/order/cancel-all-orders") == "30032"
    assert desk.code("POST", f"{MIX}/cancel-everything") == "40404"
    assert desk.fake.requests[-1].kind is Kind.CREATE
    spring = desk.reply("GET", "/api/v9/nothing")
    assert spring.status == 404
    assert "code" not in json.loads(spring.body)


def test_public_paths_need_no_key(desk: Desk) -> None:
    def ask(path: str, query: str = "") -> Any:
        return json.loads(desk.fake.handle(SimRequest(method="GET", path=path, query=query)).body)["data"]

    assert ask("/api/v2/public/time") == {"serverTime": "1700000000000"}
    contracts = ask("/api/v2/mix/market/contracts", "productType=usdt-futures")
    assert {"BTCUSDT", "ETHUSDT"} <= {row["symbol"] for row in contracts}
    coin = ask("/api/v2/mix/market/contracts", "productType=COIN-FUTURES&symbol=BTCUSD")
    assert [row["supportMarginCoins"] for row in coin] == [["BTC", "ETH", "XRP"]]
    assert "BTCUSDC" in {row["symbol"] for row in ask("/api/v2/spot/public/symbols")}
    assert {row["category"] for row in ask("/api/v3/market/instruments", "category=MARGIN")} == {"MARGIN"}


# The account's mode.


def test_every_part_is_stocked(open_desk: Opener) -> None:
    classic = {*PRODUCTS, *(f"{part} plan" for part in PRODUCTS), "SPOT", "SPOT plan"}
    assert {order.segment for order in open_desk(orders=10).open()} == classic
    both = {name for part in CATEGORIES for name in (f"unified {part}", f"unified {part} strategy")}
    assert {order.segment for order in open_desk(mode="unified", orders=10).open()} == both
    assert {order.segment for order in open_desk(mode="hybrid").open()} == classic | both
    kinds = {order.kind for order in open_desk().open("USDT-FUTURES plan")}
    assert kinds == {"normal_plan", "track_plan", *CLOSING}


@pytest.mark.parametrize("mode", ["classic", "unified", "hybrid"])
@pytest.mark.parametrize("orders", [0, 1, 57, 5000])
def test_stock_has_the_size_that_is_asked_for(open_desk: Opener, mode: str, orders: int) -> None:
    assert len(open_desk(mode=mode, orders=orders).open()) == orders


@pytest.mark.parametrize(("mode", "v2", "v3"), [("classic", "00000", "40084"), ("unified", "40085", "00000")])
def test_the_mode_excludes_the_other_api(open_desk: Opener, mode: str, v2: str, v3: str) -> None:
    desk = open_desk(mode=mode)
    assert desk.code("GET", LIST, USDT) == v2
    assert desk.code("GET", "/api/v3/account/settings") == v3


def test_hybrid_serves_both(open_desk: Opener) -> None:
    desk = open_desk(mode="hybrid")
    assert desk.get("/api/v3/account/settings")["accountMode"] == "hybrid"
    taken = {row["orderId"] for row in desk.post(CANCEL, USDT)["successList"]}
    assert taken
    assert desk.open("USDT-FUTURES") == []
    assert desk.open("unified USDT-FUTURES")


def test_the_mode_is_checked_before_the_signature(unified: Desk) -> None:
    reply = unified.reply("POST", CANCEL, USDT, headers={"access-sign": "DUMMYwrong", "access-passphrase": "DUMMY"})
    assert (reply.status, json.loads(reply.body)["code"]) == (400, "40085")
    wrong = unified.code("POST", CANCEL_PART, {"category": "SPOT"}, headers={"access-sign": "DUMMY"})
    assert wrong == "40009"


def test_mode_of_one_account_and_for_good(desk: Desk) -> None:
    other = desk.at(desk.fake.add_account(orders=12))
    desk.fake.set_faults([f"mode=unified~{other.key}"])
    desk.fake.set_faults([])
    assert desk.code("GET", LIST, USDT) == "00000"
    assert other.code("GET", LIST, USDT) == "40085"
    assert len(other.open()) == 12
    with pytest.raises(ValueError, match="'uta' is no value of this fault"):
        desk.fake.set_faults(["mode=uta"])


def test_settings_and_rights(open_desk: Opener) -> None:
    info = "/api/v2/spot/account/info"
    assert "coow" in open_desk().get(info)["authorities"]
    assert open_desk(faults=["rights=coow+wwow"]).get(info)["authorities"] == ["coow", "wwow"]
    unified = open_desk(mode="unified", faults=["rights=uta_mgt", "account-mode=switching"])
    assert unified.get("/api/v3/account/info")["permissions"] == ["uta_mgt"]
    assert unified.get("/api/v3/account/settings")["accountMode"] == "switching"


# Classic futures.


def test_cancel_all_takes_the_ordinary_orders_of_one_product(desk: Desk) -> None:
    before = {order.id for order in desk.open()}
    ordinary = {order.id for order in desk.open("USDT-FUTURES")}
    answer = desk.post(CANCEL, USDT)
    assert {row["orderId"] for row in answer["successList"]} == ordinary
    assert answer["failureList"] == []
    assert {order.id for order in desk.open()} == before - ordinary


def test_nothing_to_cancel_is_22001_with_either_status(desk: Desk) -> None:
    desk.post(CANCEL, USDT)
    replies = [desk.reply("POST", CANCEL, USDT) for _ in range(4)]
    assert {json.loads(reply.body)["code"] for reply in replies} == {"22001"}
    assert Counter(reply.status for reply in replies) == {400: 2, 200: 2}
    desk.fake.set_faults(["empty=400"])
    assert {desk.reply("POST", CANCEL, USDT).status for _ in range(3)} == {400}


def test_a_margin_coin_narrows_cancel_all_and_a_symbol_does_not(desk: Desk) -> None:
    assert len({order.symbol for order in desk.open("USDT-FUTURES")}) > 1
    desk.post(CANCEL, {**USDT, "symbol": "BTCUSDT"})
    assert desk.open("USDT-FUTURES") == []
    coins = Counter(order.extra["marginCoin"] for order in desk.open("COIN-FUTURES"))
    assert len(coins) == 2
    taken = desk.post(CANCEL, {"productType": "COIN-FUTURES", "marginCoin": "ETH"})["successList"]
    assert len(taken) == coins["ETH"]
    assert {order.extra["marginCoin"] for order in desk.open("COIN-FUTURES")} == {"BTC"}
    assert desk.code("POST", CANCEL, {"productType": "COIN-FUTURES", "marginCoin": "btc"}) == "22001"


@pytest.mark.parametrize(("values", "code"), [({}, "40019"), ({"productType": "FUTURES"}, "40020"), ([1], "400172")])
def test_a_bad_product_type(desk: Desk, values: object, code: str) -> None:
    assert desk.code("POST", CANCEL, values) == code
    assert len(desk.open()) == 40


def test_batch_cancel(desk: Desk) -> None:
    mine = [order for order in desk.open("USDT-FUTURES") if order.symbol == "BTCUSDT"]
    plan = desk.open("USDT-FUTURES plan")[0]
    assert two(desk.post(BATCH, of(mine[0].id, plan.id, "1"))) == (1, ["40768", "40768"])
    assert two(desk.post(BATCH, of(mine[1].id, symbol="ETHUSDT"))) == (0, ["40768"])
    rest = desk.post(BATCH, {**USDT, "symbol": "BTCUSDT"})
    assert {row["orderId"] for row in rest["successList"]} == {order.id for order in mine[1:]}
    assert {order.symbol for order in desk.open("USDT-FUTURES")} == {"ETHUSDT", "SOLUSDT"}
    assert two(desk.post(BATCH, of(mine[0].id))) == (0, ["45031"])
    assert desk.code("POST", BATCH, {**USDT, "symbol": "BTCUSDT"}) == "22001"


@pytest.mark.parametrize(
    ("count", "fault", "code"), [(50, "", "00000"), (51, "", "40912"), (21, "batch", "40306"), (20, "batch", "00000")]
)
def test_batch_limits(open_desk: Opener, count: int, fault: str, code: str) -> None:
    desk = open_desk(faults=[fault] if fault else [])
    futures = of(*(str(number + 1) for number in range(count)))
    spot = {"symbol": "BTCUSDT", "orderList": futures["orderIdList"]}
    for path, values in ((BATCH, futures), (CANCEL_PLAN, futures), (f"{SPOT}/batch-cancel-order", spot)):
        assert desk.code("POST", path, values) == code


def test_once_per_second_and_order(open_desk: Opener) -> None:
    desk = open_desk(faults=["ack-only"])
    order = next(order for order in desk.open("USDT-FUTURES") if order.symbol == "BTCUSDT")
    assert two(desk.post(BATCH, of(order.id))) == (1, [])
    desk.clock.tick(0.9)
    assert two(desk.post(BATCH, of(order.id))) == (0, ["45129"])
    assert desk.code("POST", f"{MIX}/cancel-order", {**USDT, "symbol": "BTCUSDT", "orderId": order.id}) == "45129"
    desk.clock.tick(0.1)
    assert two(desk.post(BATCH, of(order.id))) == (1, [])
    assert desk.post(CANCEL, USDT)["failureList"] == [], "a mass cancel names no order"
    assert two(desk.post(BATCH, of(order.id))) == (0, ["45129"])


def test_bot_orders(open_desk: Opener) -> None:
    desk = open_desk(faults=["bot-orders"])
    (mine,) = [order for order in desk.open("USDT-FUTURES") if order.extra.get("orderSource")]
    assert two(desk.post(CANCEL, USDT))[1] == ["45056"]
    assert desk.open("USDT-FUTURES") == [mine]
    assert desk.listing(**USDT)[0]["orderSource"] == "strategy_positive"


def test_listing_rows_and_paging(open_desk: Opener) -> None:
    desk = open_desk(orders=1600)
    real = [order.id for order in desk.open("USDT-FUTURES")]
    assert len(real) > 200
    rows = desk.listing(**USDT)
    assert [row["orderId"] for row in rows] == real
    assert rows == desk.listing(**USDT, limit=7)
    assert {row["status"] for row in rows} == {"live", "partially_filled"}
    partly = desk.listing(**USDT, status="partially_filled")
    assert {row["baseVolume"] for row in partly} == {"0.4"}
    assert len(partly) + len(desk.listing(**USDT, status="live")) == len(rows)
    assert {row["symbol"] for row in desk.listing(**USDT, symbol="ETHUSDT")} == {"ETHUSDT"}
    assert [row["orderId"] for row in desk.listing(**USDT, orderId=real[3])] == [real[3]]


def test_the_last_page_has_an_end_id_and_an_empty_one_has_null(desk: Desk) -> None:
    page = desk.get(LIST, productType="USDC-FUTURES")
    assert page["endId"] == page["entrustedList"][-1]["orderId"]
    assert desk.get(LIST, **USDT, symbol="NOSUCH") == {"entrustedList": None, "endId": None}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"limit": 101}, "40020"),
        ({"limit": 0}, "40020"),
        ({"idLessThan": "x"}, "40020"),
        ({"status": "open"}, "40812"),
        ({"startTime": 1, "endTime": 90 * 86_400_000 + 2}, "40017"),
        ({"startTime": 1, "endTime": 2}, "00000"),
    ],
)
def test_bad_listings(desk: Desk, values: dict[str, object], code: str) -> None:
    assert desk.code("GET", LIST, {**USDT, **values}) == code


def test_listings_that_leave_orders_out(open_desk: Opener) -> None:
    desk = open_desk(faults=["live-only"])
    assert {row["status"] for row in desk.listing(**USDT)} == {"live"}
    assert desk.listing(**USDT, status="partially_filled")
    desk.fake.set_faults(["forgets=3599"])
    desk.clock.tick(0.5)
    assert 0 < len(desk.listing(**USDT)) < len(desk.open("USDT-FUTURES"))


def test_lower_case(open_desk: Opener) -> None:
    desk = open_desk(faults=["lower-case"])
    rows = desk.listing(**USDT, symbol="BTCUSDT")
    assert {(row["symbol"], row["marginCoin"]) for row in rows} == {("btcusdt", "usdt")}
    assert two(desk.post(BATCH, of(rows[0]["orderId"], symbol="btcusdt"))) == (0, ["40768"])


# Plan orders.


def test_three_words_list_what_seven_types_are(desk: Desk) -> None:
    listed = {each: desk.listing(PLANS, **USDT, planType=each) for each in ("normal_plan", "track_plan", "profit_loss")}
    assert sum(map(len, listed.values())) == len(desk.open("USDT-FUTURES plan"))
    types = {each: {row["planType"] for row in rows} for each, rows in listed.items()}
    assert types == {"normal_plan": {"normal_plan"}, "track_plan": {"track_plan"}, "profit_loss": CLOSING}
    assert {row["size"] for row in listed["profit_loss"] if row["planType"].startswith("pos_")} == {""}


@pytest.mark.parametrize("word", ["pos_loss", "loss_plan", "moving_plan", "", "everything"])
def test_other_words_are_40812(desk: Desk, word: str) -> None:
    assert desk.code("GET", PLANS, {**USDT, "planType": word}) == "40812"
    assert desk.code("GET", f"{MIX}/orders-plan-history", {**USDT, "planType": word}) == "40812"


@pytest.mark.parametrize("word", ["profit_loss", "", "loss_plan", "normal_plan", "nonsense"])
def test_the_silent_no_op(desk: Desk, word: str) -> None:
    order = next(order for order in desk.open("USDT-FUTURES plan") if order.kind == "pos_loss")
    wrong = of(order.id, **({"planType": word} if word else {}))
    assert desk.post(CANCEL_PLAN, wrong) == NO_ORDERS
    assert order in desk.open("USDT-FUTURES plan")
    assert two(desk.post(CANCEL_PLAN, of(order.id, planType="pos_loss"))) == (1, [])
    assert order not in desk.open("USDT-FUTURES plan")


def test_a_plan_cancel_by_filter(desk: Desk) -> None:
    before = desk.open("USDT-FUTURES plan")
    taken = {row["orderId"] for row in desk.post(CANCEL_PLAN, USDT)["successList"]}
    assert taken == {order.id for order in before if order.kind == "normal_plan"}
    assert two(desk.post(CANCEL_PLAN, {**USDT, "symbol": "BTCUSDT", "planType": "profit_plan"})) == (1, [])
    assert {order.symbol for order in desk.open("USDT-FUTURES plan") if order.kind == "profit_plan"} == {"ETHUSDT"}


def test_hedge_mode_makes_a_plan_cancel_without_ids_a_silent_no_op(open_desk: Opener) -> None:
    desk = open_desk(faults=["hedge"])
    moving = {order.id for order in desk.open("USDT-FUTURES plan") if order.kind == "moving_plan"}
    assert desk.post(CANCEL_PLAN, {**USDT, "planType": "moving_plan"}) == NO_ORDERS
    named = desk.post(CANCEL_PLAN, of(*moving, planType="moving_plan"))
    assert {row["orderId"] for row in named["successList"]} == moving != set()
    assert desk.post(CANCEL_PLAN, {**USDT, "planType": "pos_loss"})["successList"]


def test_a_plan_cancel_may_want_a_symbol(open_desk: Opener) -> None:
    desk, ids = open_desk(faults=["wants-symbol"]), {**USDT, "orderIdList": [{"orderId": "1"}]}
    assert desk.code("POST", CANCEL_PLAN, {**USDT, "planType": "pos_loss"}) == "43048"
    assert desk.post(CANCEL_PLAN, {**USDT, "planType": "pos_loss", "symbol": "BTCUSDT"})["successList"]
    desk.fake.set_faults([])
    assert {desk.code("POST", path, ids) for path in (CANCEL_PLAN, BATCH)} == {"43048"}, "ids always want one"


def test_a_cancel_of_everything_may_not_say_that_there_was_nothing(open_desk: Opener) -> None:
    desk = open_desk(faults=["hollow"])
    assert desk.post(CANCEL, USDT)["successList"]
    assert desk.post(CANCEL, USDT) == NO_ORDERS


def test_a_copy_trading_account_lacks_a_product(open_desk: Opener) -> None:
    desk = open_desk(faults=["lacks"])
    assert desk.code("GET", LIST, {"productType": "COIN-FUTURES"}) == "40731"
    assert desk.listing(**USDT)


def test_odd_listings(open_desk: Opener) -> None:
    desk = open_desk(faults=["no-way-on"])
    for value, held in (("missing", ()), ("null", (None,)), ("empty", ("",)), ("odd", ("?",))):
        desk.fake.set_faults([f"no-way-on={value}"])
        page = desk.get(LIST, **USDT)
        assert page["entrustedList"]
        assert tuple(page[name] for name in page if name == "endId") == held
    desk.fake.set_faults(["odd-field=size"])
    assert [type(row["size"]) for row in desk.get(LIST, **USDT)["entrustedList"]][:2] == [dict, str]
    desk.fake.set_faults(["null-list@2"])
    assert desk.get(LIST, **USDT)["entrustedList"] is None
    assert desk.get(f"{SPOT}/unfilled-orders") is None
    assert desk.get(LIST, **USDT)["entrustedList"]


def test_unified_rows_may_lack_what_tells_the_mode(open_desk: Opener) -> None:
    desk = open_desk(mode="unified", faults=["bare-rows"])
    rows = desk.get(UNFILLED, category="USDT-FUTURES")["list"]
    assert rows
    assert not any({"holdMode", "reduceOnly"} & row.keys() for row in rows)


@pytest.mark.parametrize("word", ["moving_plan", "normal_plan"])
def test_trailing(open_desk: Opener, word: str) -> None:
    desk = open_desk(faults=[f"trailing={word}"])
    order = next(order for order in desk.open("USDC-FUTURES plan") if order.kind == "track_plan")
    named = of(order.id, symbol=order.symbol, productType="USDC-FUTURES")
    assert two(desk.post(CANCEL_PLAN, {**named, "planType": "track_plan"})) == (0, [])
    assert two(desk.post(CANCEL_PLAN, {**named, "planType": word})) == (1, [])


@pytest.mark.parametrize(
    ("mode", "path", "values", "segment", "waiting"),
    [
        ("classic", CANCEL, USDT, "USDT-FUTURES", "USDT-FUTURES plan"),
        ("unified", CANCEL_PART, {"category": "SPOT"}, "unified SPOT", "unified SPOT strategy"),
    ],
)
def test_a_trigger_fires(
    open_desk: Opener, mode: str, path: str, values: dict[str, str], segment: str, waiting: str
) -> None:
    desk = open_desk(mode=mode, faults=["fires@1"])
    before = len(desk.open(waiting))
    desk.post(path, values)
    assert (len(desk.open(waiting)), len(desk.open(segment))) == (before - 1, 1)
    desk.post(path, values)
    assert desk.open(segment) == []


def test_history(desk: Desk) -> None:
    order = next(order for order in desk.open("USDT-FUTURES") if order.symbol == "BTCUSDT")
    plan = next(order for order in desk.open("USDT-FUTURES plan") if order.kind == "pos_profit")
    assert desk.listing(f"{MIX}/orders-history", **USDT) == []
    desk.fake.set_faults(["fill=1"])
    desk.post(CANCEL, USDT)
    desk.post(CANCEL_PLAN, of(plan.id, symbol=plan.symbol, planType=plan.kind))
    rows = desk.listing(f"{MIX}/orders-history", **USDT)
    assert Counter(row["status"] for row in rows) == {"filled": 1, "canceled": len(rows) - 1}
    (gone,) = desk.listing(f"{MIX}/orders-plan-history", **USDT, planType="profit_loss")
    assert (gone["orderId"], gone["planStatus"]) == (plan.id, "cancelled")
    named = {**USDT, "symbol": "BTCUSDT", "orderId": order.id}
    assert desk.get(f"{MIX}/detail", **named)["state"] in ("canceled", "filled")
    assert desk.code("GET", f"{MIX}/detail", {**named, "orderId": "1"}) == "40109"


# Classic spot and margin.


def test_the_cancel_of_a_spot_symbol_lands_later_and_spares_tpsl(desk: Desk) -> None:
    mine = [order for order in desk.open("SPOT") if order.symbol == "BTCUSDT"]
    tpsl = {order.id for order in mine if order.kind == "tpsl"}
    assert tpsl
    assert desk.post(f"{SPOT}/cancel-symbol-order", {"symbol": "BTCUSDT"}) == {"symbol": "BTCUSDT"}
    assert len([order for order in desk.open("SPOT") if order.symbol == "BTCUSDT"]) == len(mine)
    desk.clock.tick(0.2)
    assert {order.id for order in desk.open("SPOT") if order.symbol == "BTCUSDT"} == tpsl


def test_spot_tpsl_is_cancelled_by_its_own_word(desk: Desk) -> None:
    order = next(order for order in desk.open("SPOT") if order.kind == "tpsl")
    batch = {"symbol": order.symbol, "orderList": [{"orderId": order.id}]}
    assert two(desk.post(f"{SPOT}/batch-cancel-order", batch)) == (0, ["43001"])
    named = {"orderId": order.id, "symbol": order.symbol}
    assert desk.code("POST", f"{SPOT}/cancel-order", named) == "43001"
    assert desk.post(f"{SPOT}/cancel-order", {"orderId": order.id, "tpslType": "tpsl"})["orderId"] == order.id
    assert order not in desk.open("SPOT")


def test_spot_batch(desk: Desk) -> None:
    orders = [order for order in desk.open("SPOT") if order.kind == "normal"]
    rows = [{"orderId": order.id, "symbol": order.symbol} for order in orders]
    one = desk.post(f"{SPOT}/batch-cancel-order", {"symbol": "BTCUSDT", "orderList": rows[:1]})
    assert two(one) == ((1, []) if orders[0].symbol == "BTCUSDT" else (0, ["43001"]))
    several = desk.post(f"{SPOT}/batch-cancel-order", {"batchMode": "multiple", "orderList": rows})
    assert sum(len(part) for part in several.values()) == len(rows)
    assert {order.kind for order in desk.open("SPOT")} == {"tpsl"}
    assert desk.code("POST", f"{SPOT}/batch-cancel-order", {"orderList": rows}) == "40019"


def test_spot_listings(desk: Desk) -> None:
    rows = desk.get(f"{SPOT}/unfilled-orders")
    tpsl = desk.get(f"{SPOT}/unfilled-orders", tpslType="tpsl")
    assert {row["tpslType"] for row in rows} == {"normal"}
    assert {row["tpslType"] for row in tpsl} == {"tpsl"}
    assert len(rows) + len(tpsl) == len(desk.open("SPOT"))
    first = desk.get(f"{SPOT}/unfilled-orders", limit=2)
    second = desk.get(f"{SPOT}/unfilled-orders", limit=2, idLessThan=first[-1]["orderId"])
    assert [*first, *second] == rows[:4]
    assert desk.get(f"{SPOT}/unfilled-orders", symbol="NOSUCH") == []


def test_spot_plan_pages_hold_20(open_desk: Opener) -> None:
    desk = open_desk(orders=1000)
    pages = [desk.get(f"{SPOT}/current-plan-order")]
    while pages[-1]["nextFlag"]:
        pages.append(desk.get(f"{SPOT}/current-plan-order", idLessThan=pages[-1]["idLessThan"]))
    assert {len(page["orderList"]) for page in pages[:-1]} == {20}
    ids = [row["orderId"] for page in pages for row in page["orderList"]]
    assert ids == [order.id for order in desk.open("SPOT plan")]
    assert len(desk.get(f"{SPOT}/current-plan-order", limit=100)["orderList"]) == len(ids)


def test_spot_plan_cancels(desk: Desk) -> None:
    orders = desk.open("SPOT plan")
    assert len({order.symbol for order in orders}) == 2
    some = desk.post(f"{SPOT}/batch-cancel-plan-order", {"symbolList": ["BTCUSDT"]})
    assert two(some) == (len([order for order in orders if order.symbol == "BTCUSDT"]), [])
    one = desk.open("SPOT plan")[0]
    assert desk.post(f"{SPOT}/cancel-plan-order", {"orderId": one.id}) == {"result": "success"}
    assert desk.code("POST", f"{SPOT}/cancel-plan-order", {"orderId": one.id}) == "43025"
    desk.post(f"{SPOT}/batch-cancel-plan-order")
    assert desk.open("SPOT plan") == []
    assert desk.post(f"{SPOT}/batch-cancel-plan-order") == {"successList": [], "failureList": []}
    history = desk.get(f"{SPOT}/history-plan-order")["orderList"]
    assert {row["status"] for row in history} == {"cancelled"}


def test_spot_history(desk: Desk) -> None:
    order = desk.open("SPOT")[0]
    desk.post(f"{SPOT}/cancel-order", {"orderId": order.id, "symbol": order.symbol})
    (row,) = desk.get(f"{SPOT}/history-orders")
    assert (row["orderId"], row["status"]) == (order.id, "cancelled")
    assert desk.get(f"{SPOT}/orderInfo", orderId=order.id)[0]["status"] == "cancelled"


def test_margin_orders_hide_behind_their_symbol(open_desk: Opener) -> None:
    desk = open_desk(faults=["margin=2"])
    mine = desk.open("crossed", "isolated")
    assert len(mine) == 2
    path = "/api/v2/margin/crossed"
    assert desk.code("GET", f"{path}/open-orders", {"startTime": 1}) == "40019"
    assert desk.code("GET", f"{path}/open-orders", {"symbol": "BTCUSDT"}) == "40019"
    (row,) = desk.get(f"{path}/open-orders", symbol="BTCUSDT", startTime=1)["orderList"]
    batch = {"symbol": "BTCUSDT", "orderList": [{"orderId": row["orderId"]}]}
    assert two(desk.post(f"{SPOT}/batch-cancel-order", batch)) == (0, ["43001"])
    names = {"symbol": "BTCUSDT", "orderIdList": [{"orderId": row["orderId"]}, {"orderId": "1"}]}
    assert two(desk.post(f"{path}/batch-cancel-order", names)) == (1, ["The order does not exist"])
    other = next(order for order in mine if order.segment == "isolated")
    name = {"symbol": "BTCUSDT", "orderId": other.id}
    assert desk.post("/api/v2/margin/isolated/cancel-order", name)["orderId"] == other.id
    assert desk.open("crossed", "isolated") == []


# The unified account.


def test_a_category_is_cancelled_but_not_its_strategies(unified: Desk) -> None:
    for category in CATEGORIES:
        mine = {order.id for order in unified.open(f"unified {category}")}
        rows = unified.post(CANCEL_PART, {"category": category})["list"]
        assert {row["orderId"] for row in rows} == mine
        assert {row.get("code") for row in rows} <= {None, "0"}
        assert unified.open(f"unified {category}") == []
        assert unified.open(f"unified {category} strategy")


def test_a_symbol_narrows_it(unified: Desk) -> None:
    unified.post(CANCEL_PART, {"category": "usdt-futures", "symbol": "BTCUSDT"})
    assert {order.symbol for order in unified.open("unified USDT-FUTURES")} == {"ETHUSDT"}


def test_failed_rows_hide_behind_a_success(open_desk: Opener) -> None:
    desk = open_desk(mode="unified", faults=["partial@1"])
    rows = desk.post(CANCEL_PART, {"category": "SPOT"})["list"]
    assert [row["code"] for row in rows if row.get("code", "0") != "0"] == ["45024"] * 2
    assert len(desk.open("unified SPOT")) == 2


@pytest.mark.parametrize("code", ["25204", "25578"])
def test_nothing_to_cancel_in_a_category(open_desk: Opener, code: str) -> None:
    desk, spot = open_desk(mode="unified", orders=0), {"category": "SPOT"}
    assert desk.post(CANCEL_PART, spot) == {"list": []}
    desk.fake.set_faults([f"nothing={code}"])
    assert desk.code("POST", CANCEL_PART, spot) == code


def test_cancel_batch(unified: Desk) -> None:
    order = unified.open("unified USDT-FUTURES")[0]
    name = {"orderId": order.id, "category": "USDT-FUTURES", "symbol": order.symbol}
    rows = unified.post(f"{V3}/cancel-batch", [{**name, "symbol": "NOSUCH"}, name, {**name, "orderId": "1"}])
    assert [row.get("code", "0") for row in rows] == ["0", "24056", "24056"]
    assert unified.code("POST", f"{V3}/cancel-batch", [name] * 21) == "40306"
    assert unified.code("POST", f"{V3}/cancel-batch", [name, {**name, "category": "SPOT"}]) == "25200"
    assert unified.code("POST", f"{V3}/cancel-batch", name) == "25200"


def test_cancel_one(unified: Desk) -> None:
    order = unified.open("unified MARGIN")[0]
    assert unified.post(f"{V3}/cancel-order", {"orderId": order.id})["orderId"] == order.id
    assert unified.code("POST", f"{V3}/cancel-order", {"orderId": order.id}) == "25204"
    assert unified.get(f"{V3}/order-info", orderId=order.id)["orderStatus"] == "cancelled"


def test_strategies_go_one_by_one(unified: Desk) -> None:
    for order in unified.open():
        code = unified.code("POST", f"{V3}/cancel-strategy-order", {"orderId": order.id})
        assert code == ("00000" if order.segment.endswith("strategy") else "25597")
    assert not [order for order in unified.open() if order.segment.endswith("strategy")]
    rows = unified.get(f"{V3}/history-strategy-orders", category="SPOT")["list"]
    assert {row["status"] for row in rows} == {"cancelled"}


def test_unified_listings(open_desk: Opener) -> None:
    desk = open_desk(mode="unified", orders=2000)
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = desk.get(UNFILLED, category="USDT-FUTURES", **({"cursor": cursor} if cursor else {}))
        rows, cursor = rows + page["list"], page["cursor"]
    assert [row["orderId"] for row in rows] == [order.id for order in desk.open("unified USDT-FUTURES")]
    assert {row["orderStatus"] for row in rows} == {"new", "live", "partially_filled"}
    assert {row["category"] for row in desk.get(UNFILLED)["list"]} == set(CATEGORIES)


def test_strategy_listings(open_desk: Opener) -> None:
    desk, path, futures = open_desk(mode="unified"), f"{V3}/unfilled-strategy-orders", {"category": "USDT-FUTURES"}
    both = desk.get(path, **futures)
    types = ("tpsl", "trigger", "oco", "trailing_stop", "iceberg", "twap")
    parts = [desk.get(path, **futures, type=kind) for kind in types]
    assert [bool(rows) for rows in parts] == [True] * 5 + [False]
    assert desk.get(path, category="SPOT", type="twap")
    assert sorted(map(str, both)) == sorted(str(row) for rows in parts for row in rows)
    assert {row["stopLoss"] for row in parts[0]} == {"90"}
    assert {row["triggerPrice"] for row in parts[1]} == {"95"}
    assert desk.code("GET", path) == "25200"
    desk.fake.set_faults(["tpsl-only"])
    assert desk.get(path, **futures) == parts[0]
    desk.fake.set_faults(["strategy-types"])
    codes = [desk.code("GET", path, {"category": "SPOT", "type": kind}) for kind in types]
    assert codes == ["00000"] * 2 + ["25200"] * 4


def test_unified_history(unified: Desk) -> None:
    mine = {order.id for order in unified.open("unified SPOT")}
    unified.post(CANCEL_PART, {"category": "SPOT"})
    rows = unified.get(f"{V3}/history-orders", category="SPOT")["list"]
    assert {(row["orderId"], row["orderStatus"]) for row in rows} == {(one, "cancelled") for one in mine}


# Placing orders.


PLACED = """
    mix/order/place-order          USDT-FUTURES       normal      price=9
    mix/order/place-plan-order     USDT-FUTURES_plan  track_plan  orderType=market planType=track_plan
    mix/order/place-tpsl-order     USDT-FUTURES_plan  pos_loss    side= holdSide=long planType=pos_loss orderType=market
    spot/trade/place-order         SPOT               tpsl        side=sell price=9 tpslType=tpsl
    spot/trade/place-plan-order    SPOT_plan          amount      executePrice=9
    margin/isolated/place-order    isolated           normal      price=9 baseSize=1
"""


@pytest.mark.parametrize("line", PLACED.strip().splitlines())
def test_place(open_desk: Opener, line: str) -> None:
    path, segment, kind, *words = line.split()
    usual = {**USDT, "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "size": "1", "clientOid": "mine"}
    values, path = usual | dict(word.split("=") for word in words), f"/api/v2/{path}"
    desk = open_desk(orders=0)
    placed = desk.post(path, values)
    (order,) = desk.open()
    assert (order.id, order.segment, order.kind) == (placed["orderId"], segment.replace("_", " "), kind)
    assert order.side == ("buy" if values["side"] == "buy" else "sell")
    assert desk.code("POST", path, values) == "40786"
    assert desk.code("POST", path, {**values, "symbol": "NOSUCH"}) == "40034"


def test_place_unified(open_desk: Opener) -> None:
    desk = open_desk(mode="unified", orders=0)
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "9", "qty": "1"}
    desk.post(f"{V3}/place-order", order)
    strategy = {"category": "USDT-FUTURES", "symbol": "BTCUSDT", "posSide": "long", "stopLoss": "9"}
    desk.post(f"{V3}/place-strategy-order", strategy)
    assert [(one.segment, one.kind, one.side) for one in desk.open()] == [
        ("unified USDT-FUTURES strategy", "tpsl", "sell"),
        ("unified SPOT", "normal", "buy"),
    ]


def test_a_market_order_does_not_rest(open_desk: Opener) -> None:
    desk = open_desk(orders=0)
    values = {**USDT, "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "size": "1"}
    desk.post(f"{MIX}/place-order", values)
    assert desk.open() == []
    assert [row["status"] for row in desk.listing(f"{MIX}/orders-history", **USDT)] == ["filled"]


# Limits.


@pytest.mark.parametrize(
    ("method", "path", "values", "limit"),
    [
        ("POST", CANCEL, USDT, 10),
        ("GET", LIST, USDT, 10),
        ("GET", "/api/v2/spot/account/info", {}, 1),
        ("POST", f"{SPOT}/cancel-symbol-order", {"symbol": "BTCUSDT"}, 5),
        ("GET", f"{SPOT}/unfilled-orders", {}, 20),
    ],
)
def test_rate_limits(open_desk: Opener, method: str, path: str, values: dict[str, str], limit: int) -> None:
    desk = open_desk(limits=True)
    replies = [desk.reply(method, path, values) for _ in range(limit + 2)]
    assert [reply.status == 429 for reply in replies] == [False] * limit + [True] * 2
    assert json.loads(replies[-1].body)["code"] == "429"
    assert ("x-mbx-used-remain-limit", str(limit - 1)) in replies[0].headers
    assert desk.reply("GET", PLANS, {**USDT, "planType": "normal_plan"}).status == 200, "endpoints count by themselves"
    assert desk.at(desk.fake.add_account()).reply(method, path, values).status != 429, "and so do accounts"
    desk.clock.tick(1)
    assert desk.reply(method, path, values).status != 429


# Faults.

# These change accounts, need orders of an age, or meet what is not a request.
NO_STRIKE = {"clock", "bot", "accept-stall", "mode", "margin"}


@pytest.mark.parametrize("name", sorted(set(Bitget.fault_specs()) - NO_STRIKE))
def test_every_fault_strikes(open_desk: Opener, name: str) -> None:
    value = {"error-500": "=1", "lacks": "=orders-pending/40081", "retry-after": "@1", "batch": "=0", "empty": "=400"}
    helper = {"retry-after": ["status=429"]}.get(name, [])
    struck = False
    for mode in ("classic", "unified"):
        desk = open_desk(mode=mode, orders=30, faults=[*helper, name + value.get(name, "")])
        order = desk.open()[0]
        for _ in range(3):
            desk.reply("POST", CANCEL, USDT)
            desk.reply("POST", BATCH, {**USDT, "symbol": "X", "orderIdList": [{"orderId": "1"}]})
            desk.reply("GET", LIST, USDT)
            desk.reply("GET", PLANS, {**USDT, "planType": "normal_plan"})
            desk.reply("POST", CANCEL_PLAN, {**USDT, "planType": "moving_plan"})
            desk.reply("GET", UNFILLED, {"category": "USDT-FUTURES"})
            desk.reply("POST", CANCEL_PART, {"category": "SPOT"})
            desk.reply("GET", f"{V3}/unfilled-strategy-orders", {"category": "SPOT"})
            desk.reply("GET", "/api/v3/account/settings")
            desk.reply("POST", "/api/v3/trade/countdown-cancel-all", {"countdown": "0"})
            desk.reply("GET", "/api/v2/spot/account/info")
        desk.fake.cancelled_under(order)
        struck |= bool(desk.fake.strikes(name))
    assert struck or name == "trailing", f"{name} is looked at by nobody"


@pytest.mark.parametrize(
    ("fault", "method", "status", "code"),
    [
        ("key", "GET", 400, "40037"),
        ("ip", "POST", 400, "40018"),
        ("permission", "POST", 400, "40014"),
        ("permission=USDC", "POST", 200, "00000"),
        ("listing-refused", "GET", 400, "40014"),
        ("listing-refused", "POST", 200, "00000"),
        ("listing-fails", "GET", 500, None),
        ("maintenance", "POST", 400, "40200"),
        ("region", "GET", 403, None),
        ("html", "GET", 502, None),
        ("rate-limit=1", "GET", 200, "00000"),
        ("error-after", "POST", 500, None),
        ("lacks=USDT-FUTURES/40081", "POST", 400, "40081"),
        ("lacks=USDC-FUTURES/40081", "POST", 200, "00000"),
    ],
)
def test_refusals(open_desk: Opener, fault: str, method: str, status: int, code: str | None) -> None:
    desk = open_desk(faults=[fault])
    reply = desk.reply(method, CANCEL if method == "POST" else LIST, USDT)
    assert reply.status == status
    if code is not None:
        assert json.loads(reply.body)["code"] == code


def test_refusals_may_come_with_http_200(open_desk: Opener) -> None:
    desk = open_desk(faults=["error-status=200"])
    reply = desk.reply("GET", PLANS, {**USDT, "planType": "pos_loss"})
    assert (reply.status, json.loads(reply.body)["code"]) == (200, "40812")
    assert desk.reply("POST", CANCEL, USDT, headers={"access-sign": "DUMMY"}).status == 200


def test_what_a_partial_cancel_leaves_is_named(open_desk: Opener) -> None:
    desk = open_desk(faults=["ack-only@1", "partial"])
    before = len(desk.open("USDT-FUTURES"))
    assert two(desk.post(CANCEL, USDT)) == (before, [])
    assert two(desk.post(CANCEL, USDT)) == ((before + 1) // 2, ["45024"] * (before // 2))
    while desk.code("POST", CANCEL, USDT) != "22001":
        assert desk.open("USDT-FUTURES") or desk.code("POST", CANCEL, USDT) == "22001"
    assert desk.open("USDT-FUTURES") == []


def test_a_bot_places_where_the_newest_order_is(open_desk: Opener) -> None:
    desk = open_desk(faults=["bot=0.5@3"])
    desk.clock.tick(5)
    ids = [int(order.id) for order in desk.open()]
    assert len(ids) == 43
    assert ids[:3] == sorted(ids[:3], reverse=True)


def test_cursor_loop(open_desk: Opener) -> None:
    desk = open_desk(faults=["cursor-loop"])
    for path, values, last in ((LIST, USDT, "endId"), (f"{SPOT}/current-plan-order", {}, "idLessThan")):
        first = desk.get(path, **values, limit=2)
        assert desk.get(path, **values, limit=2, idLessThan=first[last]) == first


def test_null_lists(open_desk: Opener) -> None:
    desk = open_desk(orders=0, faults=["null-lists"])
    assert desk.get(f"{SPOT}/unfilled-orders") is None
    assert desk.post(CANCEL_PLAN, USDT) == {"successList": None, "failureList": None}
