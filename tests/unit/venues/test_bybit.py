"""Bybit's pure functions: signatures, requests, readers and judgements against documented answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Answer, Order, Protection, Purpose, Reach, Request, State
from cancelall.core.secret import Secret
from cancelall.venues.bybit import venue as bybit
from cancelall.venues.bybit.options import BybitSecrets
from support import ROOT, exist
from unit.venues.kinds import BYBIT_ROW as ROW
from unit.venues.kinds import reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "bybit.json").read_text())
HMAC = [row for row in VECTORS if "rsa_public_key_pem" not in row]
RSA = [row for row in VECTORS if "rsa_public_key_pem" in row]
SECRETS = BybitSecrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"))


def answer(result: object, code: object = 0, message: str = "OK", **more: object) -> dict[str, object]:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1700000000123, **more}


def segment(name: str, options: bybit.BybitOptions | None = None, environment: str = "live") -> Any:
    found = bybit.segments(options or bybit.BybitOptions(), None, environment)
    return next(one for one in found if one.name == name)


def names(options: bybit.BybitOptions, environment: str = "live") -> list[str]:
    return [one.name for one in bybit.segments(options, None, environment)]


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
    headers = dict(bybit.sign(request, SECRETS, bybit.BybitOptions(recv_window=5000), 1700000000000, 1).headers)
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
        for one in bybit.segments(bybit.BybitOptions(), None, "live")
        for request in one.mass_cancels(())
        if request.body.decode() == body
    ]
    assert len(sent) == 1
    assert sent[0].changes
    headers = dict(bybit.sign(sent[0], SECRETS, bybit.BybitOptions(recv_window=5000), 1700000000000, 1).headers)
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


def test_a_wider_window_is_signed_and_sent() -> None:
    (request,) = segment("linear USDT").mass_cancels(())
    headers = dict(bybit.sign(request, SECRETS, bybit.BybitOptions(recv_window=5000), 1, 3).headers)
    assert headers["X-BAPI-RECV-WINDOW"] == "15000"


# --- scope ----------------------------------------------------------------------------------------------------------


def test_demo_trading_has_no_spread_and_no_strategies() -> None:
    assert names(bybit.BybitOptions(), "demo") == ["linear USDT", "linear USDC", "inverse", "spot", "option"]
    with pytest.raises(OptionError, match="demo"):
        names(bybit.BybitOptions(category=("spread",)), "demo")


def test_each_symbol_goes_to_the_selected_categories_that_can_hold_it() -> None:
    options = bybit.BybitOptions(category=("linear", "option", "spread"), symbol=("BTCUSDT", "BTC-26DEC26-100000-C"))
    assert names(options) == ["linear", "option"]
    assert bodies(segment("linear", options).mass_cancels(())) == ['{"category":"linear","symbol":"BTCUSDT"}']
    assert bodies(segment("option", options).mass_cancels(())) == [
        '{"category":"option","symbol":"BTC-26DEC26-100000-C"}'
    ]


def test_a_symbol_in_another_script_is_signed_as_it_is_sent() -> None:
    options = bybit.BybitOptions(symbol=("币安人生usdt",))
    assert names(options) == ["strategy", "linear", "spot"]
    one = segment("linear", options)
    read, (cancel,) = one.listings[-1][0], one.mass_cancels(())
    assert read.query.isascii()
    assert "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT" in read.query
    assert json.loads(cancel.body) == {"category": "linear", "symbol": "币安人生USDT"}
    signed = bybit.sign(cancel, SECRETS, options, 1700000000000, 1)
    prehash = b"1700000000000testkey10000" + signed.body
    assert signed.body == cancel.body
    assert dict(signed.headers)["X-BAPI-SIGN"] == hmac.new(b"testsecret", prehash, hashlib.sha256).hexdigest()
    found = one.page(read, reply(answer({"list": rows(2, symbol="币安人生USDT"), "nextPageCursor": "a%3A1"})))
    assert ([order.symbol for order in found.orders], found.unsure) == (["币安人生USDT"] * 2, "")
    assert found.next.query == f"{read.query}&cursor=a%3A1"


def test_the_blind_cancels_of_a_whole_account() -> None:
    fired = {one.name: bodies(one.mass_cancels(())) for one in bybit.segments(bybit.BybitOptions(), None, "live")}
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
    one = segment("option", bybit.BybitOptions(base_coin="BTC"))
    assert one.mass_cancels(()) == one.mass_cancels((order("1"),)) == ()
    assert one.listings[0][0].query == "baseCoin=BTC&category=option&limit=50&openOnly=0"
    assert bodies(segment("option", bybit.BybitOptions(category=("option",), settle_coin="USDC")).mass_cancels(())) == [
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
    assert segment("strategy").spawns


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


def test_without_a_batch_every_order_goes_singly() -> None:
    """Of every category, with the order filter that a spot order needs, and groups where there is no other way."""
    for name, category in (("linear USDT", "linear"), ("inverse", "inverse"), ("option", "option")):
        found = segment(name).singly((order("1"), order("2")), None)
        assert [(request.path, json.loads(request.body)) for request, _ in found] == [
            ("/v5/order/cancel", {"category": category, "symbol": "BTCUSDT", "orderId": identity})
            for identity in ("1", "2")
        ]
        assert all(request.changes for request, _ in found)
    mixed = (order("1", kind="Order"), order("2", kind="StopOrder"), order("3", kind="OcoOrder"))
    found = segment("spot").singly(mixed, ())
    assert [(request.path, json.loads(request.body).get("orderFilter")) for request, _ in found] == [
        ("/v5/order/cancel", "Order"),
        ("/v5/order/cancel", "StopOrder"),
        ("/v5/order/cancel-all", "OcoOrder"),
    ]
    assert [one for _, named in found for one in named] == list(mixed)
    for name in ("spread", "strategy"):
        assert segment(name).singly is None, "its cancels are single ones"


def test_a_group_whose_symbol_nobody_knows_is_left_out() -> None:
    """Without a symbol the cancel would reach every order of its kind; and it may be of any symbol's group."""
    strange = order("1", None, kind="OcoOrder")
    assert segment("spot").cancels((strange,), ()) == ()
    assert segment("spot").cancels((order("2", kind="OcoOrder"),), (strange,)) == ()


def test_oco_orders_go_as_a_group_only_when_nothing_in_it_is_to_be_kept() -> None:
    buy = order("1", kind="OcoOrder", side="buy")
    sell = order("2", kind="OcoOrder", side="sell")
    assert segment("spot").cancels((buy,), None) == ()
    assert segment("spot").cancels((buy,), (sell,)) == ()
    ((request, named),) = segment("spot").cancels((buy,), (order("3", "ETHUSDT", kind="OcoOrder"),))
    assert json.loads(request.body) == {"category": "spot", "symbol": "BTCUSDT", "orderFilter": "OcoOrder"}
    assert named == (buy,)


# --- reading --------------------------------------------------------------------------------------------------------


def page(name: str, rows: list[dict[str, object]], query: str | None = None, **result: object) -> Any:
    one = segment(name)
    request = one.listings[-1][0] if query is None else Request(method="GET", path="/v5/order/realtime", query=query)
    return one.page(request, reply(answer({"list": rows, "nextPageCursor": "", **result})))


def test_the_cursor_goes_back_as_received() -> None:
    cursor = "fd43%3A1684738540559%2cfd43%3A1684738540559"
    following = page("linear USDT", [ROW], nextPageCursor=cursor).next
    assert following.query == (
        "category=linear&limit=50&openOnly=0&settleCoin=USDT&cursor=fd43%3A1684738540559%2Cfd43%3A1684738540559"
    )


def rows(count: int, **fields: object) -> list[dict[str, object]]:
    """So many orders that differ in their ids."""
    return [{**ROW, "orderId": f"id-{number}", **fields} for number in range(count)]


def test_an_empty_page_with_a_new_cursor_is_followed() -> None:
    first = page("linear USDT", [], nextPageCursor="a%3A1")
    assert (first.orders, first.unsure) == ((), "")
    assert first.next.query.endswith("&cursor=a%3A1")
    assert page("linear USDT", [], query=first.next.query, nextPageCursor="a%3A1").next is None, "it is not new"


@pytest.mark.parametrize("cursor", ["a&category=spot", "%zz", "a b", "名", {}, [], True, None, ...])
def test_a_way_on_that_is_none_ends_a_short_page_and_leaves_a_full_one_unsure(cursor: object) -> None:
    way: dict[str, object] = {"nextPageCursor": cursor}
    if cursor is ...:
        way = {}
    one = segment("linear USDT")
    for count, full in ((0, False), (3, False), (49, False), (50, True)):
        found = one.page(one.listings[-1][0], reply(answer({"list": rows(count), **way})))
        assert (len(found.orders), found.next, found.full, bool(found.unsure)) == (count, None, full, full)


def test_an_empty_cursor_is_the_documented_end_of_a_full_page() -> None:
    found = page("linear USDT", rows(50))
    assert (found.next, found.full, found.unsure) == (None, True, "")


def test_a_cursor_that_points_to_its_own_page_ends_a_short_page_only() -> None:
    query = "category=linear&limit=50&openOnly=0&settleCoin=USDT&cursor=a%3A1"
    short = page("linear USDT", rows(7), query=query, nextPageCursor="a%3A1")
    assert (len(short.orders), short.next, short.unsure) == (7, None, "")
    full = page("linear USDT", rows(50), query=query, nextPageCursor="a%3A1")
    assert (full.next.query, full.full) == (query, True)


def test_a_page_of_strategies_is_full_by_its_own_word_for_the_limit() -> None:
    one = segment("strategy")
    row = {"strategyId": "s", "symbol": "BTCUSDT", "status": 2, "reduceOnly": False}
    many = [{**row, "strategyId": f"s-{number}"} for number in range(50)]
    found = one.page(one.listings[0][0], reply(answer({"list": many, "nextCursor": "50"})))
    assert (len(found.orders), found.full, found.next.query.endswith("&cursor=50")) == (50, True, True)
    assert one.page(one.listings[0][0], reply(answer({"list": many}))).unsure


ODD: list[tuple[str, object]] = [
    ("qty", True),
    ("createdTime", "1684738540559.5"),
    ("createdTime", "yesterday"),
    ("reduceOnly", "maybe"),
    ("orderStatus", "Limbo"),
]


@pytest.mark.parametrize(("field", "value"), ODD, ids=[f"{field}={value}" for field, value in ODD])
@pytest.mark.parametrize("name", ["linear USDT", "inverse", "spot", "option", "spread"])
def test_an_odd_field_keeps_no_order_from_being_named(name: str, field: str, value: object) -> None:
    odd = {**ROW, "orderId": "odd", field: value}
    found = page(name, [*rows(2), odd, *rows(1, orderId="last")])
    assert [one.id for one in found.orders] == ["id-0", "id-1", "odd", "last"]
    assert field in found.unsure
    assert page(name, rows(3)).unsure == ""
    named = [one for _, some in segment(name).cancels(found.orders, None) for one in some]
    assert {one.id for one in named} == {"id-0", "id-1", "odd", "last"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "StopOrder") for status in ("Untriggered", "Limbo", None)),
        *((status, "Order") for status in ("New", "Triggered")),
    ],
)
def test_a_spot_order_is_reached_by_its_own_filter_until_it_has_triggered(status: str | None, kind: str) -> None:
    query = "category=spot&limit=50&openOnly=0&orderFilter=StopOrder"
    (found,) = page("spot", [{**ROW, "orderStatus": status, "stopOrderType": "Stop"}], query=query).orders
    assert found.kind == kind


def test_the_symbol_of_the_request_stands_in_for_one_that_cannot_be_read() -> None:
    one = segment("linear", bybit.BybitOptions(symbol=("BTCUSDT",)))
    found = one.page(one.listings[-1][0], reply(answer({"list": rows(1, symbol=None), "nextPageCursor": ""})))
    assert [order.symbol for order in found.orders] == ["BTCUSDT"]
    assert found.unsure


def test_an_order_whose_symbol_nobody_knows_goes_alone_by_its_id() -> None:
    """In a batch its row could cost the others theirs."""
    found = page("linear USDT", [*rows(2), {**ROW, "orderId": "odd", "symbol": {}}])
    batch, alone = segment("linear USDT").cancels(found.orders, None)
    assert [one.id for one in batch[1]] == ["id-0", "id-1"]
    assert alone[0].path == "/v5/order/cancel"
    assert json.loads(alone[0].body) == {"category": "linear", "orderId": "odd"}


def test_rows_of_another_symbol_are_no_orders_of_this_scope() -> None:
    one = segment("linear", bybit.BybitOptions(symbol=("BTCUSDT",)))
    mixed = [*rows(2), {**ROW, "orderId": "other", "symbol": "ETHUSDT"}]
    found = one.page(one.listings[-1][0], reply(answer({"list": mixed, "nextPageCursor": ""})))
    assert [order.id for order in found.orders] == ["id-0", "id-1"]
    assert "symbol is not the one" in found.unsure


def test_a_listing_of_another_category_proves_nothing_and_names_nobody() -> None:
    found = page("linear USDT", rows(3), category="spot", nextPageCursor="a%3A1")
    assert (found.orders, found.next) == ((), None)
    assert found.unsure == "the listing is of spot, not of linear"
    assert page("linear USDT", rows(3), category="linear").unsure == ""
    assert len(page("linear USDT", rows(3), category={}).orders) == 3


def test_strategies_are_read_row_by_row() -> None:
    one = segment("strategy")
    row = {"strategyId": "a", "symbol": "BTCUSDT", "side": "Buy", "status": 2, "reduceOnly": False}
    differences: list[dict[str, object]] = [{"size": {}}, {"status": None}, {"status": 9}, {"reduceOnly": "maybe"}]
    differences += [{"symbol": None}]
    odd = [{**row, "strategyId": name, **one} for name, one in zip("bcdef", differences, strict=True)]
    odd += [{**row, "strategyId": None}, "row"]
    ended = [{**row, "strategyId": "x", "status": 3}, {**row, "strategyId": "y", "status": "4"}]
    found = one.page(one.listings[0][0], reply(answer({"list": [row, *odd, *ended]})))
    assert [order.id for order in found.orders] == list("abcdef")
    assert found.unsure.startswith("7 odd strategy(s)")
    assert {order.id: order.protection for order in found.orders}["e"] is Protection.UNKNOWN
    assert one.page(one.listings[0][0], reply(answer({"list": [row, *ended]}))).unsure == ""


def test_an_acknowledgement_of_five_hundred_orders_is_at_the_cap_of_all_but_spot() -> None:
    full = [{"orderId": str(index), "orderLinkId": ""} for index in range(500)]
    for name, capped in (("linear USDT", True), ("spot", False)):
        one = segment(name)
        said = one.acknowledge(one.mass_cancels(())[0], reply(answer({"list": full, "success": "1"})))
        assert said.capped is capped


def outcome_of(took: list[Any], extra: object) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Which orders of a batch were cancelled, and which failed and why."""
    one = segment("linear USDT")
    ((request, _),) = one.cancels((order("1"), order("2"), order("3")), None)
    said = one.acknowledge(request, reply(answer({"list": took}, retExtInfo=extra)))
    return said.cancelled, [(failure.id, failure.reason) for failure in said.failed]


BUSY = {"code": 110095, "msg": "call auction"}


def test_a_batch_tells_its_failures_by_position() -> None:
    took = [{"orderId": identity} for identity in ("1", "2", "3")]
    outcomes = [{"code": 0, "msg": "OK"}, BUSY, {"code": 110001, "msg": "gone"}]
    assert outcome_of(took, {"list": outcomes}) == (("1",), [("2", "110095 call auction")])


@pytest.mark.parametrize("bad", [None, "row", 5, {}, {"orderId": None}, {"orderId": {}}, {"orderId": True}])
def test_an_odd_row_of_a_batch_moves_no_outcome(bad: object) -> None:
    outcomes = [{"code": 0, "msg": "OK"}, {"code": 0}, BUSY]
    took = [{"orderId": "1"}, bad, {"orderId": "3"}]
    assert outcome_of(took, {"list": outcomes}) == (("1",), [("3", "110095 call auction")])


@pytest.mark.parametrize("extra", [None, [], "x", {}, {"list": None}, {"list": {}}, {"list": ["x", {"code": {}}]}])
def test_an_order_of_a_batch_without_an_outcome_is_not_called_cancelled(extra: object) -> None:
    assert outcome_of([{"orderId": "1"}, {"orderId": "2"}], extra) == ((), [])


def test_an_odd_row_of_the_history_loses_no_other() -> None:
    one = segment("linear USDT")
    (request,) = one.final_states((order("1"),), 0)
    ended = {**ROW, "orderStatus": "Cancelled", "cumExecQty": {}, "price": {}}
    rows = [None, {**ended, "orderId": {}}, ended]
    found = one.final_page(request, reply(answer({"list": rows, "nextPageCursor": {}})))
    assert [(row.id, state, note) for row, state, note in found.orders] == [(ROW["orderId"], State.CANCELLED, "")]
    assert one.final_page(request, reply(answer({"list": None}))).orders == ()


# --- judging --------------------------------------------------------------------------------------------------------

CANCEL = Request(method="POST", path="/v5/order/cancel-all", body=b"{}", changes=True, purpose=Purpose.MASS_CANCEL)


def test_the_old_spelling_of_a_code_is_read() -> None:
    assert bybit.judge(CANCEL, reply({"ret_code": 10003, "ret_msg": "no"})).kind == "auth"


@pytest.mark.parametrize("code", [10028, 10020])
def test_only_what_a_classic_account_lacks_is_absent_by_its_words(code: int) -> None:
    """It has linear, inverse and spot orders, and this API does not show them."""
    no_unified_account = reply(answer({}, code, "unified account users only"))
    for names, absent in ((("option", "spread", "strategy"), True), (("linear USDT", "inverse", "spot"), False)):
        for one in map(segment, names):
            for request in (*one.mass_cancels(()), one.listings[0][0], one.cancels((order("1"),), None)[0][0]):
                said = bybit.judge(request, no_unified_account)
                assert (said.answer, said.kind) == (Answer.ABSENT if absent else Answer.AMBIGUOUS, "mode")
                assert said.reach is Reach.REQUEST if absent else "classic" in said.hint


@pytest.mark.parametrize("code", [110102, 110110, 110111, 110112, 110113])
def test_a_product_that_is_switched_off_is_for_its_listing_to_tell(code: int) -> None:
    """A cancel takes nothing there; of an account that cannot list it either, nobody knows what rests."""
    spread = segment("spread")
    off = reply(answer({}, code, "not available"))
    assert bybit.judge(spread.mass_cancels(())[0], off).answer is Answer.ABSENT
    said = bybit.judge(spread.listings[0][0], off)
    assert (said.answer, said.kind, said.reach) == (Answer.REFUSED, "mode", Reach.PRODUCT)


def test_a_refused_page_is_no_fault_of_the_selectors() -> None:
    first = segment("inverse").listings[-1][0]
    later = page("inverse", rows(1), nextPageCursor="a%3A1").next
    refused = reply(answer({}, 10001, "params error"))
    assert "selectors" in bybit.judge(first, refused).hint
    said = bybit.judge(later, refused)
    assert (said.answer, said.reach) == (Answer.REFUSED, Reach.REQUEST)
    assert "begins anew" in said.hint


def test_a_403_without_a_code_may_be_a_ban_of_minutes() -> None:
    for status in (403, 401, 500):
        assert ("10 minutes" in bybit.judge(CANCEL, reply(b"", status)).hint) == (status == 403)


@pytest.mark.parametrize("success", ["0", 0, False, "fail"])
def test_success_zero_is_no_success(success: object) -> None:
    assert bybit.judge(CANCEL, reply(answer({"success": success}))).answer is Answer.AMBIGUOUS
    (spread,) = segment("spread").mass_cancels(())
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
    assert "testkey" not in said.message
    assert said.message == "10004 error sign! origin_string[…]"


# --- instruments ----------------------------------------------------------------------------------------------------


def test_one_odd_instrument_hides_no_other() -> None:
    (read, *_) = bybit.discoveries(bybit.BybitOptions(symbol=("BTCUSDT",)), None)
    known = {"symbol": "BTCUSDT", "baseCoin": "BTC", "settleCoin": "USDT"}
    odd = [None, "x", {"symbol": {}, "baseCoin": []}, {"symbol": None, "baseCoin": "ETH"}]
    found = read.read(read.request, reply(answer({"category": "linear", "list": [*odd, known], "nextPageCursor": {}})))
    assert set(found.names) == set(exist("symbol BTCUSDT", "baseCoin BTC", "baseCoin ETH", "settleCoin USDT"))
    assert found.next is None
    assert read.read(read.request, reply(answer({"list": None}))).names == ()
    for unreadable in (answer({"category": "spot", "list": [known]}), answer({}), answer(None)):
        with pytest.raises(Unreadable):
            read.read(read.request, reply(unreadable))
    more = read.read(read.request, reply(answer({"list": [known], "nextPageCursor": "from%3A1000"}))).next
    assert more is not None
    assert (more.signed, more.query) == (False, "category=linear&limit=1000&cursor=from%3A1000")


def test_no_discovery_read_without_a_selector_that_needs_one() -> None:
    assert bybit.discoveries(bybit.BybitOptions(), None) == ()
    assert bybit.discoveries(bybit.BybitOptions(settle_coin="USDT"), None) == ()
    (read,) = bybit.discoveries(bybit.BybitOptions(settle_coin="BTC"), None)
    assert read.request.query == "category=inverse&limit=1000"
    assert not read.request.signed


def test_instruments_that_no_ordinary_list_shows_are_read_by_their_own() -> None:
    """Options come by base coin, BTC by default; pre-market contracts only by their status."""

    def queries(**options: Any) -> list[str]:
        found = bybit.discoveries(bybit.BybitOptions(**options), None)
        assert len({read.name for read in found}) == len(found), "a name is read once"
        return [read.request.query for read in found if "spot" not in read.request.query]

    assert queries(symbol=("ETH-26DEC26-4000-C",)) == [
        "baseCoin=BTC&category=option&limit=1000",
        "baseCoin=ETH&category=option&limit=1000",
    ]
    assert queries(category=("linear", "option"), symbol=("BTCUSDT", "ETH-26DEC26-4000-C")) == [
        "category=linear&limit=1000",
        "baseCoin=BTC&category=option&limit=1000",
        "baseCoin=ETH&category=option&limit=1000",
        "category=linear&limit=1000&status=PreLaunch",
    ]
    assert queries(category=("option",), base_coin="SOL")[1:] == ["baseCoin=SOL&category=option&limit=1000"]
    assert queries(symbol=("BTCUSDT",)) == ["category=linear&limit=1000", "category=linear&limit=1000&status=PreLaunch"]
