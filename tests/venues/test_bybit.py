"""Bybit's pure functions: signatures, requests, readers and judgements against documented answers."""

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
from cancelall.venues.bybit import venue as bybit
from cancelall.venues.bybit.options import Secrets

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors" / "bybit.json").read_text())
HMAC = [row for row in VECTORS if "rsa_public_key_pem" not in row]
RSA = [row for row in VECTORS if "rsa_public_key_pem" in row]
SECRETS = Secrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"))


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw)


def answer(result: object, code: object = 0, message: str = "OK", **more: object) -> dict[str, object]:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1700000000123, **more}


def segment(name: str, options: bybit.Options | None = None, environment: str = "live") -> Any:
    found = bybit.segments(options or bybit.Options(), bybit.Facts(), environment)
    return next(one for one in found if one.name == name)


def names(options: bybit.Options, environment: str = "live") -> list[str]:
    return [one.name for one in bybit.segments(options, bybit.Facts(), environment)]


def bodies(requests: tuple[Request, ...]) -> list[str]:
    return [request.body.decode() for request in requests]


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", HMAC, ids=lambda row: row["name"])
def test_reproduces_every_hmac_vector(row: dict[str, Any]) -> None:
    request = Request(
        method=row["method"],
        path=urlsplit(row["url"]).path,
        query=urlsplit(row["url"]).query,
        body=(row["body"] or "").encode(),
    )
    headers = dict(bybit.sign(request, SECRETS, bybit.Options(recv_window=5000), 1700000000000, 1).headers)
    assert row["prehash"] == "1700000000000testkey5000" + (request.query or (row["body"] or ""))
    assert headers["X-BAPI-SIGN"] == row["headers"]["X-BAPI-SIGN"]
    assert headers["X-BAPI-TIMESTAMP"] == "1700000000000"
    assert headers["X-BAPI-RECV-WINDOW"] == "5000"
    assert ("Content-Type" in headers) == (row["method"] == "POST")


COMPACT = {
    '{"category":"linear","settleCoin":"USDT"}': "e2eec090dc8e1777ce3f4829aed719cd4857b63a26dbb834fc282d2118b02647",
    '{"category":"linear","settleCoin":"USDC"}': "d62d980a2ddaa6e804ab6e329eef8803e90758a05ff49afd4f4caada895ec949",
    '{"category":"inverse","settleCoin":"BTC"}': "7794fa8313bb495abc86d527a4f062e57093f867acfd9f094dfe53cd9d608164",
    '{"category":"spot","orderFilter":"StopOrder"}': "8e55c78f96530aa5dd5d5f4b4ea1cf3f96e86021e586a8623625682e9e1c0c75",
    '{"category":"spot","orderFilter":"tpslOrder"}': "12e638ee6a67e21a1e0cf76f9f167a6bdda27096d335f4d26ace21d78623e280",
    '{"category":"spot","orderFilter":"OcoOrder"}': "6bb31fed5d4d106378c3042ca7e0d318637963486d7c9cb1b7716d7a3da288bf",
    '{"category":"option"}': "70f498cf919b79dce7e7c611f218d34137009a51bf1eef3084be8f3bcc635d74",
    '{"cancelAll":true}': "31d1957d24103ed772674c8b065588bab42174817256034fd999be46f8eb8836",
}


@pytest.mark.parametrize(("body", "signature"), COMPACT.items())
def test_the_requests_that_are_sent_have_the_published_bytes_and_signatures(body: str, signature: str) -> None:
    sent = [
        request
        for one in bybit.segments(bybit.Options(), bybit.Facts(), "live")
        for request in one.mass_cancels(())
        if request.body.decode() == body
    ]
    assert len(sent) == 1
    assert sent[0].changes
    headers = dict(bybit.sign(sent[0], SECRETS, bybit.Options(recv_window=5000), 1700000000000, 1).headers)
    assert headers["X-BAPI-SIGN"] == signature


@pytest.mark.parametrize("row", RSA, ids=lambda row: row["name"] + row["source"])
def test_rsa_vectors_verify_over_the_prehash_that_we_build(row: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(row["rsa_public_key_pem"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    payload = urlsplit(row["url"]).query or row["body"]
    prehash = f"1700000000000testkey5000{payload}".encode()
    key.verify(base64.b64decode(row["headers"]["X-BAPI-SIGN"]), prehash, padding.PKCS1v15(), hashes.SHA256())


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
    secrets = Secrets(api_key=Secret("testkey"), api_secret=Secret(pem))
    bybit.check_secrets(secrets, bybit.Options())
    (request,) = segment("linear USDT").mass_cancels(())
    headers = dict(bybit.sign(request, secrets, bybit.Options(), 1700000000000, 1).headers)
    prehash = b'1700000000000testkey10000{"category":"linear","settleCoin":"USDT"}'
    public.verify(base64.b64decode(headers["X-BAPI-SIGN"]), prehash, padding.PKCS1v15(), hashes.SHA256())


def test_a_pem_that_holds_no_rsa_key_is_refused_by_name() -> None:
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    with pytest.raises(SecretError, match="api_secret") as caught:
        bybit.check_secrets(Secrets(api_key=Secret("k"), api_secret=Secret(broken)), bybit.Options())
    assert "AAAA" not in str(caught.value)


def test_a_wider_window_is_signed_and_sent() -> None:
    (request,) = segment("linear USDT").mass_cancels(())
    headers = dict(bybit.sign(request, SECRETS, bybit.Options(recv_window=5000), 1, 3).headers)
    assert headers["X-BAPI-RECV-WINDOW"] == "15000"


# --- scope ----------------------------------------------------------------------------------------------------------

EVERYTHING = ["strategy", "linear USDT", "linear USDC", "inverse", "spot", "option", "spread"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, EVERYTHING),
        ({"settle_coin": "USDT"}, ["linear USDT"]),
        ({"settle_coin": "usdc"}, ["linear USDC"]),
        ({"settle_coin": "BTC"}, ["inverse"]),
        ({"category": ("option",), "settle_coin": "USDT"}, ["option"]),
        ({"category": ("linear",)}, ["linear USDT", "linear USDC"]),
        ({"category": ("spot", "spread")}, ["spot", "spread"]),
        ({"symbol": ("BTCUSDT",)}, ["strategy", "linear", "spot"]),
        ({"symbol": ("BTCUSD",)}, ["strategy", "inverse", "spot"]),
        ({"symbol": ("BTC-26DEC26-100000-C",)}, ["option"]),
        ({"symbol": ("BTCUSDT_BTC/USDT",)}, ["spread"]),
        ({"symbol": ("BTC-26MAR27",)}, ["strategy", "linear"]),
        ({"symbol": ("BTCUSDT", "ETHUSD")}, ["strategy", "linear", "inverse", "spot"]),
        ({"base_coin": "BTC"}, ["linear", "inverse", "option"]),
        ({"order_filter": "tpslOrder"}, ["spot"]),
        ({"order_filter": "StopOrder"}, ["linear USDT", "linear USDC", "inverse", "spot", "option"]),
        ({"order_filter": "StopOrder", "stop_order_type": "Stop"}, ["linear USDT", "linear USDC", "inverse"]),
    ],
)
def test_selectors_choose_segments(options: dict[str, Any], expected: list[str]) -> None:
    assert names(bybit.Options(**options)) == expected


def test_demo_trading_has_no_spread_and_no_strategies() -> None:
    assert names(bybit.Options(), "demo") == ["linear USDT", "linear USDC", "inverse", "spot", "option"]
    with pytest.raises(OptionError, match="demo"):
        names(bybit.Options(category=("spread",)), "demo")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbol": ("BTCUSDT",), "settle_coin": "USDT"}, "--symbol and --settle-coin cannot be combined"),
        ({"base_coin": "BTC", "settle_coin": "USDT"}, "--base-coin and --settle-coin cannot be combined"),
        ({"category": ("spot",), "settle_coin": "USDT"}, "does not narrow spot"),
        ({"category": ("option",), "settle_coin": "BTC"}, "settled in USDT or USDC"),
        ({"stop_order_type": "Stop"}, "needs --order-filter StopOrder"),
        ({"category": ("spread",), "order_filter": "Order"}, "leave nothing"),
    ],
)
def test_selectors_that_would_be_ranked_or_ignored_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        bybit.Options(**options)


def test_the_blind_cancels_of_a_whole_account() -> None:
    fired = {one.name: bodies(one.mass_cancels(())) for one in bybit.segments(bybit.Options(), bybit.Facts(), "live")}
    assert fired == {
        "strategy": [],
        "linear USDT": ['{"category":"linear","settleCoin":"USDT"}'],
        "linear USDC": ['{"category":"linear","settleCoin":"USDC"}'],
        "inverse": ['{"category":"inverse","settleCoin":"BTC"}', '{"category":"inverse","settleCoin":"ETH"}'],
        "spot": [
            '{"category":"spot","orderFilter":"Order"}',
            '{"category":"spot","orderFilter":"StopOrder"}',
            '{"category":"spot","orderFilter":"tpslOrder"}',
            '{"category":"spot","orderFilter":"OcoOrder"}',
            '{"category":"spot","orderFilter":"BidirectionalTpslOrder"}',
        ],
        "option": ['{"category":"option"}'],
        "spread": ['{"cancelAll":true}'],
    }


def test_options_of_a_base_coin_are_cancelled_by_name_alone() -> None:
    """The document of the cancel says what a base coin does for futures; the listing's says it for options."""
    one = segment("option", bybit.Options(base_coin="BTC"))
    assert one.mass_cancels(()) == one.mass_cancels((order("1"),)) == ()
    assert one.listings[0][0].query == "baseCoin=BTC&category=option&limit=50&openOnly=0"
    assert bodies(segment("option", bybit.Options(category=("option",), settle_coin="USDC")).mass_cancels(())) == [
        '{"category":"option","settleCoin":"USDC"}'
    ]


def order(identity: str, symbol: str | None = "BTCUSDT", **more: Any) -> Order:
    return Order(id=identity, segment="x", symbol=symbol, **more)


def test_other_inverse_coins_are_fired_from_the_listing() -> None:
    known = (order("1", "XRPUSD"), order("2", "SOLUSDZ26"), order("3", "STRANGE"))
    assert bodies(segment("inverse").mass_cancels(known)) == [
        '{"category":"inverse","settleCoin":"BTC"}',
        '{"category":"inverse","settleCoin":"ETH"}',
        '{"category":"inverse","settleCoin":"SOL"}',
        '{"category":"inverse","settleCoin":"XRP"}',
        '{"category":"inverse","symbol":"STRANGE"}',
    ]


def test_more_orders_than_the_cap_are_fired_per_symbol_too() -> None:
    """Those with the most orders first, and with the one for the coin no more than the limit of a second."""
    known = tuple(order(str(index), "ETHUSDT" if index % 3 else "BTCUSDT") for index in range(501))
    one = segment("linear USDT")
    assert bodies(one.mass_cancels(known)) == ['{"category":"linear","settleCoin":"USDT"}']
    assert bodies(one.shares(known)) == [
        '{"category":"linear","symbol":"ETHUSDT"}',
        '{"category":"linear","symbol":"BTCUSDT"}',
    ]
    assert one.shares(known[:500]) == ()
    many = tuple(order(str(index), f"C{index % 40}USDT") for index in range(501))
    assert len(one.shares(many)) + len(one.mass_cancels(many)) == bybit.VENUE.limits["cancel-all futures"].count
    assert segment("spot").shares(tuple(order(str(index), "BTCUSDT") for index in range(501))) == ()


def test_conditional_kinds_are_listed_before_the_ordinary_ones() -> None:
    stages = [[request.query for request in stage] for stage in segment("spot").listings]
    assert stages == [
        [
            f"category=spot&limit=50&openOnly=0&orderFilter={kind}"
            for kind in ("StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
        ],
        ["category=spot&limit=50&openOnly=0"],
    ]
    assert [[request.query for request in stage] for stage in segment("inverse").listings] == [
        ["category=inverse&limit=50&openOnly=0&orderFilter=StopOrder"],
        ["category=inverse&limit=50&openOnly=0"],
    ]
    assert segment("strategy").feeds


# --- cancels by name ------------------------------------------------------------------------------------------------


def test_batches_of_twenty_and_ten() -> None:
    linear = segment("linear USDT").cancels(tuple(order(str(index)) for index in range(45)), None)
    assert [len(named) for _, named in linear] == [20, 20, 5]
    assert {request.path for request, _ in linear} == {"/v5/order/cancel-batch"}
    assert json.loads(linear[2][0].body) == {
        "category": "linear",
        "request": [{"symbol": "BTCUSDT", "orderId": str(index)} for index in range(40, 45)],
    }
    spot = segment("spot").cancels(tuple(order(str(index), kind="Order") for index in range(11)), None)
    assert [len(named) for _, named in spot] == [10, 1]


def test_conditional_spot_and_inverse_orders_go_singly_with_their_filter() -> None:
    ((request, _),) = segment("spot").cancels((order("7", kind="tpslOrder"),), None)
    assert request.path == "/v5/order/cancel"
    assert json.loads(request.body) == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "orderId": "7",
        "orderFilter": "tpslOrder",
    }
    ((request, _),) = segment("inverse").cancels((order("8", "BTCUSD"),), None)
    assert json.loads(request.body) == {"category": "inverse", "symbol": "BTCUSD", "orderId": "8"}


def test_oco_orders_go_as_a_group_only_when_nothing_in_it_is_to_be_kept() -> None:
    buy = order("1", kind="OcoOrder", side="buy")
    sell = order("2", kind="OcoOrder", side="sell")
    assert segment("spot").cancels((buy,), None) == ()
    assert segment("spot").cancels((buy,), (sell,)) == ()
    ((request, named),) = segment("spot").cancels((buy,), (order("3", "ETHUSDT", kind="OcoOrder"),))
    assert json.loads(request.body) == {"category": "spot", "symbol": "BTCUSDT", "orderFilter": "OcoOrder"}
    assert named == (buy,)


# --- reading --------------------------------------------------------------------------------------------------------

ROW = {
    "orderId": "fd4300ae-7847-404e-b947-b46980a4d140",
    "orderLinkId": "mine-1",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "price": "60000.50",
    "qty": "0.10",
    "leavesQty": "0.04",
    "orderStatus": "PartiallyFilled",
    "stopOrderType": "",
    "triggerPrice": "",
    "reduceOnly": False,
    "closeOnTrigger": False,
    "createType": "CreateByUser",
    "createdTime": "1684738540559",
}


def page(name: str, rows: list[dict[str, object]], query: str | None = None, **result: object) -> Any:
    one = segment(name)
    request = one.listings[-1][0] if query is None else Request(method="GET", path="/v5/order/realtime", query=query)
    return one.page(request, reply(answer({"list": rows, "nextPageCursor": "", **result})))


def test_a_row_becomes_an_order_with_the_venues_own_digits() -> None:
    (found,) = page("linear USDT", [ROW]).orders
    assert found == Order(
        id="fd4300ae-7847-404e-b947-b46980a4d140",
        segment="linear USDT",
        client_id="mine-1",
        symbol="BTCUSDT",
        side="buy",
        type="limit",
        price="60000.50",
        quantity="0.10",
        remaining="0.04",
        created_ms=1684738540559,
    )


@pytest.mark.parametrize("status", ["Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"])
def test_closed_statuses_are_not_open(status: str) -> None:
    assert page("spot", [{**ROW, "orderStatus": status}]).orders == ()


@pytest.mark.parametrize("status", ["New", "Untriggered", "Triggered", "PendingCancel", "SomethingNew"])
def test_every_other_status_is_open(status: str) -> None:
    assert len(page("spot", [{**ROW, "orderStatus": status}]).orders) == 1


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("linear USDT", {}, Protection.NONE),
        ("linear USDT", {"stopOrderType": "UNKNOWN"}, Protection.NONE),
        ("linear USDT", {"stopOrderType": "Stop"}, Protection.NONE),
        ("linear USDT", {"stopOrderType": "Stop", "reduceOnly": True}, Protection.PROTECTIVE),
        ("linear USDT", {"closeOnTrigger": True}, Protection.PROTECTIVE),
        ("linear USDT", {"stopOrderType": "TakeProfit"}, Protection.PROTECTIVE),
        ("linear USDT", {"stopOrderType": "PartialStopLoss"}, Protection.PROTECTIVE),
        ("linear USDT", {"stopOrderType": "TrailingStop"}, Protection.PROTECTIVE),
        ("linear USDT", {"stopOrderType": "BrandNew"}, Protection.UNKNOWN),
        ("spot", {"side": "Sell"}, Protection.NONE),
        ("spot", {"side": "Sell", "stopOrderType": "tpslOrder"}, Protection.PROTECTIVE),
        ("spot", {"side": "Buy", "stopOrderType": "tpslOrder"}, Protection.NONE),
        ("spot", {"side": "Sell", "stopOrderType": "Stop"}, Protection.PROTECTIVE),
        ("spot", {"side": "Sell", "stopOrderType": "BrandNew"}, Protection.UNKNOWN),
    ],
)
def test_the_table_of_protective_orders(name: str, fields: dict[str, object], expected: Protection) -> None:
    (found,) = page(name, [{**ROW, **fields}]).orders
    assert found.protection is expected


def test_the_cursor_goes_back_as_received() -> None:
    cursor = "fd43%3A1684738540559%2cfd43%3A1684738540559"
    following = page("linear USDT", [ROW], nextPageCursor=cursor).next
    assert following.query == (
        "category=linear&limit=50&openOnly=0&settleCoin=USDT&cursor=fd43%3A1684738540559%2Cfd43%3A1684738540559"
    )
    assert page("linear USDT", [], nextPageCursor=cursor).next is None
    with pytest.raises(Unreadable):
        page("linear USDT", [ROW], nextPageCursor="a&category=spot")


@pytest.mark.parametrize(
    "body",
    [
        answer({}),
        answer({"list": None}),
        answer({"list": {}}),
        answer({"list": [None]}),
        answer({"list": [{"orderId": "", "orderStatus": "New"}]}),
        answer({"list": [{"orderId": "1"}]}),
        answer({"list": [], "category": "spot"}),
        answer(None),
        [],
        "text",
    ],
)
def test_a_listing_of_another_shape_is_unreadable_never_empty(body: object) -> None:
    one = segment("linear USDT")
    with pytest.raises(Unreadable):
        one.page(one.listings[-1][0], reply(body))


def test_acknowledgements() -> None:
    one = segment("linear USDT")
    (request,) = one.mass_cancels(())
    said = one.acknowledge(request, reply(answer({"list": [{"orderId": "1", "orderLinkId": "c"}], "success": "1"})))
    assert (said.cancelled, dict(said.client_ids), said.capped) == (("1",), {"1": "c"}, False)
    for result in ({"success": "1"}, {"list": None, "success": "1"}, {}):
        assert one.acknowledge(request, reply(answer(result))).cancelled == ()
    full = [{"orderId": str(index), "orderLinkId": ""} for index in range(500)]
    assert one.acknowledge(request, reply(answer({"list": full, "success": "1"}))).capped
    (request, *_) = segment("spot").mass_cancels(())
    assert not segment("spot").acknowledge(request, reply(answer({"list": full, "success": "1"}))).capped


def test_a_batch_tells_its_failures_by_position() -> None:
    one = segment("linear USDT")
    ((request, _),) = one.cancels((order("1"), order("2"), order("3")), None)
    rows = [{"orderId": identity} for identity in ("1", "2", "3")]
    outcomes = [{"code": 0, "msg": "OK"}, {"code": 110095, "msg": "call auction"}, {"code": 110001, "msg": "gone"}]
    said = one.acknowledge(request, reply(answer({"list": rows}, retExtInfo={"list": outcomes})))
    assert said.cancelled == ("1",)
    assert [(failure.id, failure.reason) for failure in said.failed] == [("2", "110095 call auction")]


def test_history_tells_filled_from_cancelled() -> None:
    one = segment("linear USDT")
    (request,) = one.settle((order("1"),), 0)
    rows = [
        {**ROW, "orderId": "1", "orderStatus": "Filled", "cumExecQty": "0.10"},
        {**ROW, "orderId": "2", "orderStatus": "Cancelled", "cumExecQty": "0.06"},
        {**ROW, "orderId": "3", "orderStatus": "Deactivated", "cumExecQty": "0.000"},
        {**ROW, "orderId": "4", "orderStatus": "New"},
    ]
    found = one.settled(request, reply(answer({"list": rows, "nextPageCursor": ""})))
    assert [(row.id, state, note) for row, state, note in found.orders] == [
        ("1", State.FILLED, ""),
        ("2", State.CANCELLED, "0.06 filled before"),
        ("3", State.CANCELLED, ""),
    ]


# --- judging --------------------------------------------------------------------------------------------------------

CANCEL = Request(method="POST", path="/v5/order/cancel-all", body=b"{}", changes=True)


@pytest.mark.parametrize(
    ("code", "expected", "kind", "reach"),
    [
        (0, Answer.ACCEPTED, None, Reach.REQUEST),
        (10001, Answer.REFUSED, "parameter", Reach.REQUEST),
        (10002, Answer.CLOCK, "clock", Reach.REQUEST),
        (-1, Answer.CLOCK, "clock", Reach.REQUEST),
        (10003, Answer.REFUSED, "auth", Reach.KEY),
        (10004, Answer.REFUSED, "auth", Reach.KEY),
        (10005, Answer.REFUSED, "permission", Reach.REQUEST),
        (10006, Answer.AGAIN, "rate_limit", Reach.REQUEST),
        (10007, Answer.REFUSED, "auth", Reach.KEY),
        (10008, Answer.REFUSED, "mode", Reach.KEY),
        (10009, Answer.REFUSED, "region", Reach.KEY),
        (10010, Answer.REFUSED, "ip", Reach.KEY),
        (10014, Answer.AGAIN, "rate_limit", Reach.REQUEST),
        (10017, Answer.REFUSED, "parameter", Reach.REQUEST),
        (10018, Answer.REFUSED, "ip", Reach.HOST),
        (10024, Answer.REFUSED, "region", Reach.KEY),
        (10027, Answer.REFUSED, "permission", Reach.KEY),
        (10028, Answer.ABSENT, "mode", Reach.REQUEST),
        (100028, Answer.ABSENT, "mode", Reach.REQUEST),
        (110132, Answer.ABSENT, "mode", Reach.REQUEST),
        (110102, Answer.ABSENT, "mode", Reach.REQUEST),
        (110111, Answer.ABSENT, "mode", Reach.REQUEST),
        (33004, Answer.REFUSED, "auth", Reach.KEY),
        (-2015, Answer.REFUSED, "auth", Reach.KEY),
        (30035, Answer.AGAIN, "rate_limit", Reach.REQUEST),
        (110001, Answer.NOTHING_OPEN, None, Reach.REQUEST),
        (170213, Answer.NOTHING_OPEN, None, Reach.REQUEST),
        (175007, Answer.NOTHING_OPEN, None, Reach.REQUEST),
        (110079, Answer.AGAIN, "rate_limit", Reach.REQUEST),
        (110114, Answer.AGAIN, "rate_limit", Reach.REQUEST),
        (110095, Answer.REFUSED, "mode", Reach.REQUEST),
        (170145, Answer.REFUSED, "parameter", Reach.REQUEST),
        (10000, Answer.AMBIGUOUS, None, Reach.REQUEST),
        (10016, Answer.AMBIGUOUS, None, Reach.REQUEST),
        (170234, Answer.AMBIGUOUS, None, Reach.REQUEST),
        (987654, Answer.AMBIGUOUS, "unreadable", Reach.REQUEST),
    ],
)
def test_codes(code: int, expected: Answer, kind: str | None, reach: Reach) -> None:
    said = bybit.judge(CANCEL, reply(answer({"success": "1"}, code, "words")))
    assert (said.answer, said.kind, said.reach) == (expected, kind, reach)
    assert said.words == f"{code} words"


def test_the_old_spelling_of_a_code_is_read() -> None:
    assert bybit.judge(CANCEL, reply({"ret_code": 10003, "ret_msg": "no"})).kind == "auth"


@pytest.mark.parametrize(
    ("status", "expected", "reach"),
    [
        (302, Answer.REFUSED, Reach.KEY),
        (401, Answer.REFUSED, Reach.KEY),
        (403, Answer.REFUSED, Reach.HOST),
        (404, Answer.ABSENT, Reach.REQUEST),
        (418, Answer.AGAIN, Reach.REQUEST),
        (429, Answer.AGAIN, Reach.REQUEST),
        (500, Answer.AMBIGUOUS, Reach.REQUEST),
        (502, Answer.AMBIGUOUS, Reach.REQUEST),
        (200, Answer.AMBIGUOUS, Reach.REQUEST),
    ],
)
def test_answers_without_a_code(status: int, expected: Answer, reach: Reach) -> None:
    for body in (b"<html>[/oops]</html>", b"", b"[]", b'{"a":1}', b'{"retCode":0'):
        said = bybit.judge(CANCEL, reply(body, status))
        assert (said.answer, said.reach) == (expected, reach)


@pytest.mark.parametrize("success", ["0", 0, False, "fail"])
def test_success_zero_is_no_success(success: object) -> None:
    assert bybit.judge(CANCEL, reply(answer({"success": success}))).answer is Answer.AMBIGUOUS
    spread = Request(method="POST", path="/v5/spread/order/cancel-all", body=b"{}", changes=True)
    assert bybit.judge(spread, reply(answer({"success": success}))).answer is Answer.ACCEPTED


def test_the_clock_is_told_by_the_refusal() -> None:
    message = "invalid request, req_timestamp[1700000005000],server_timestamp[1700000000123],recv_window[5000]"
    assert bybit.judge(CANCEL, reply(answer({}, 10002, message, time=1))).server_ms == 1700000000123
    assert bybit.judge(CANCEL, reply(answer({}, 10002, "no", time=1700000000500))).server_ms == 1700000000500


def test_the_limit_header_says_how_long_to_wait() -> None:
    limited = answer({}, 10006, "Too many visits", time=1700000000000)
    assert bybit.judge(CANCEL, reply(limited, x_bapi_limit_reset_timestamp="1700000000750")).after == 0.75
    assert bybit.judge(CANCEL, reply(limited)).after is None


def test_a_signature_refusal_does_not_repeat_the_key() -> None:
    message = "error sign! origin_string[1700000000000testkey5000{}]"
    said = bybit.judge(CANCEL, reply(answer({}, 10004, message)))
    assert "testkey" not in said.words
    assert said.words == "10004 error sign! origin_string[…]"


# --- any bytes ------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["retCode", "result", "list", "orderId", "orderStatus", "retMsg", "success", "time", "code"]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()), status=st.integers(100, 599))
def test_any_answer_is_judged_and_read_or_unreadable(body: bytes, status: int) -> None:
    got = reply(body, status)
    assert isinstance(bybit.judge(CANCEL, got).answer, Answer)
    for one in bybit.segments(bybit.Options(), bybit.Facts(), "live"):
        request = one.listings[-1][0]
        for read in (one.page, one.acknowledge, one.settled):
            try:
                read(request, got)
            except Unreadable:
                continue


@given(JSON)
def test_a_listing_with_foreign_rows_never_reads_as_empty(rows: object) -> None:
    one = segment("linear USDT")
    try:
        found = one.page(one.listings[-1][0], reply(answer({"list": rows})))
    except Unreadable:
        return
    assert isinstance(rows, list)
    closed = {"Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"}
    assert len(found.orders) == len([row for row in rows if str(row["orderStatus"]) not in closed])


# --- selectors ------------------------------------------------------------------------------------------------------

KNOWN = frozenset({"symbol BTCUSDT", "symbol ETHUSDT", "baseCoin BTC", "settleCoin USDT", "settleCoin BTC"})


def test_unknown_selectors_are_named_with_the_right_spelling() -> None:
    assert bybit.doubts(bybit.Options(symbol=("BTCUSTD", "ETHUSDT")), KNOWN) == (
        'Bybit knows no --symbol BTCUSTD (did you mean "BTCUSDT"?)',
    )
    assert bybit.doubts(bybit.Options(settle_coin="BTCC"), KNOWN) == (
        'Bybit knows no --settle-coin BTCC (did you mean "BTC"?)',
    )
    assert bybit.doubts(bybit.Options(settle_coin="USDT"), frozenset()) == ()


def test_no_discovery_read_without_a_selector_that_needs_one() -> None:
    assert bybit.discoveries(bybit.Options(), bybit.Facts()) == ()
    assert bybit.discoveries(bybit.Options(settle_coin="USDT"), bybit.Facts()) == ()
    (read,) = bybit.discoveries(bybit.Options(settle_coin="BTC"), bybit.Facts())
    assert read.request.query == "category=inverse&limit=1000"
    assert not read.request.signed


def test_instruments_that_no_plain_list_shows_are_asked_for() -> None:
    """Options come by base coin, BTC by default; pre-market contracts only by their status."""

    def queries(**options: Any) -> list[str]:
        found = bybit.discoveries(bybit.Options(**options), bybit.Facts())
        assert len({read.name for read in found}) == len(found), "a name is read once"
        return [read.request.query for read in found if "spot" not in read.request.query]

    assert queries(symbol=("ETH-26DEC26-4000-C",)) == [
        "baseCoin=BTC&category=option&limit=1000",
        "baseCoin=ETH&category=option&limit=1000",
    ]
    assert queries(category=("option",), base_coin="SOL")[1:] == ["baseCoin=SOL&category=option&limit=1000"]
    assert queries(symbol=("BTCUSDT",)) == [
        "category=linear&limit=1000",
        "category=linear&limit=1000&status=PreLaunch",
    ]


def test_what_is_not_covered_is_named() -> None:
    everything = bybit.not_covered(bybit.Options(), "live")
    assert {"trading bots (grid, DCA, martingale)", "TradFi (MT5) orders"} <= set(everything)
    narrowed = bybit.not_covered(bybit.Options(settle_coin="USDT"), "live")
    assert "options settled in USDT" in narrowed
    assert any("strategies" in words for words in narrowed)
    for chosen in ({}, {"category": ("linear", "spread")}):
        assert any("spread" in words for words in bybit.not_covered(bybit.Options(**chosen), "demo"))
    assert not any("spread" in words for words in bybit.not_covered(bybit.Options(category=("linear",)), "demo"))
