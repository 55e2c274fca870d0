"""AscendEX's pure functions: signatures, requests, readers and judgements against documented answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Purpose, Reach, Request, State
from cancelall.core.secret import Secret
from cancelall.venues.ascendex import api
from cancelall.venues.ascendex import venue as ascendex
from cancelall.venues.ascendex.options import AscendexSecrets
from support import ROOT, exist
from unit.venues.kinds import CASH_ROW, FUTURES_ROW, documented, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "ascendex.json").read_text())
RAW = [row for row in VECTORS if row["secret_encoding"] == "raw utf-8"]
SENT = [row for row in RAW if row["url"]]
DECODED = [row for row in VECTORS if row["secret_encoding"] == "base64-decoded"]
SECRETS = AscendexSecrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"))
NOW = 1700000000000


def options(**values: Any) -> ascendex.AscendexOptions:
    return ascendex.AscendexOptions(**{"account_group": 6, **values})


def segment(name: str, **values: Any) -> Any:
    found = ascendex.segments(options(**values), ascendex.AscendexFacts(), "live")
    return next(one for one in found if one.name == name)


def names(**values: Any) -> list[str]:
    return [one.name for one in ascendex.segments(options(**values), ascendex.AscendexFacts(), "live")]


def fired(one: Any, known: tuple[Order, ...] = ()) -> list[str]:
    return [f"{request.method} {request.path} {request.body.decode()}" for request in one.mass_cancels(known)]


def order(identity: str, symbol: str | None = "BTC/USDT", **more: Any) -> Order:
    return Order(id=identity, segment="cash", symbol=symbol, **more)


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SENT, ids=lambda row: row["name"])
def test_reproduces_every_recorded_request(row: dict[str, Any]) -> None:
    url = urlsplit(row["url"])
    by_name = row["method"] == "DELETE" and url.path.endswith("/order")
    body = json.loads(row["body"] or "null")
    if by_name:
        del body["time"]  # it is put in when the request is signed
    request = Request(
        method=row["method"],
        path=url.path,
        query=url.query,
        body=json.dumps(body, separators=(",", ":")).encode() if by_name else (row["body"] or "").encode(),
        purpose=Purpose.CANCEL if by_name else Purpose.BATCH if url.path.endswith("/batch") else "",
    )
    signed = ascendex.sign(request, SECRETS, options(), NOW, 1)
    assert row["prehash"] == f"{NOW}+{api.api_path(url.path)}"
    assert dict(signed.headers) == row["headers"]
    assert signed.body == (row["body"] or "").encode()
    assert signed.query is None


@pytest.mark.parametrize("row", [row for row in RAW if not row["url"]], ids=lambda row: row["name"])
def test_reproduces_every_published_signature(row: dict[str, Any]) -> None:
    timestamp, _, path = row["prehash"].partition("+")
    secrets = AscendexSecrets(api_key=Secret("any"), api_secret=Secret(row["secret"]))
    request = Request(method="GET", path=f"/api/pro/{path}")
    signed = dict(ascendex.sign(request, secrets, options(), int(timestamp), 1).headers)
    assert signed["x-auth-signature"] == row["headers"]["x-auth-signature"]


@pytest.mark.parametrize("row", DECODED, ids=lambda row: row["name"])
def test_the_demo_programs_urls_are_signed_over_the_same_text(row: dict[str, Any]) -> None:
    """Their signatures are of another secret: only what they sign can be compared."""
    assert row["prehash"] == f"{NOW}+{api.api_path(urlsplit(row['url']).path)}"


def test_the_secret_is_never_decoded() -> None:
    secrets = AscendexSecrets(api_key=Secret("k"), api_secret=Secret("not base64 at all, ünicode"))
    ascendex.VENUE.check_secrets(secrets, options())
    assert ascendex.sign(Request(method="GET", path="/api/pro/v1/info"), secrets, options(), NOW, 6).headers


GOLDEN = {
    "cash": "AJkxNls534Terqq/c4G9ulN/XfjAvaGgShkA8i7cKSA=",
    "margin": "AJkxNls534Terqq/c4G9ulN/XfjAvaGgShkA8i7cKSA=",
    "futures": "xKyTombvgi2bV1irBCA+Njh5lLwsvfofmh6P8fcGyLs=",
}


@pytest.mark.parametrize("symbols", [(), ("BTC/USDT", "BTC-PERP")])
@pytest.mark.parametrize("ledger", GOLDEN)
def test_the_cancels_that_are_sent_have_the_published_bytes_and_signatures(
    ledger: str, symbols: tuple[str, ...]
) -> None:
    (request,) = segment(ledger, symbol=symbols).mass_cancels(())
    signed = ascendex.sign(request, SECRETS, options(), NOW, 1)
    own = {"symbol": "BTC-PERP" if ledger == "futures" else "BTC/USDT"} if symbols else {}
    assert (request.method, request.changes, signed.body.decode()) == ("DELETE", True, json.dumps(own).replace(" ", ""))
    assert dict(signed.headers) == {
        "x-auth-key": "testkey",
        "x-auth-timestamp": "1700000000000",
        "x-auth-signature": GOLDEN[ledger],
        "Content-Type": "application/json",
    }


def test_reads_have_no_content_type_and_no_body() -> None:
    ((request,),) = segment("cash").listings
    signed = ascendex.sign(request, SECRETS, options(), NOW, 1)
    assert "Content-Type" not in dict(signed.headers)
    assert signed.body == b""


def test_a_batch_carries_the_time_of_each_order() -> None:
    orders = tuple(order(str(index)) for index in range(7))
    requests = segment("cash").cancels(orders, None)
    assert [len(named) for _, named in requests] == [1] * 5 + [2]
    body = json.loads(ascendex.sign(requests[-1][0], SECRETS, options(), NOW, 1).body)
    assert body == {"orders": [{"orderId": one, "symbol": "BTC/USDT", "time": NOW} for one in ("5", "6")]}


# --- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ledger", "values", "paths"),
    [
        ("cash", {}, ["/6/api/pro/v1/cash"]),
        ("cash", {"account_group": 0}, ["/0/api/pro/v1/cash"]),
        ("margin", {}, ["/6/api/pro/v1/margin"]),
        ("futures", {}, ["/6/api/pro/v2/futures"]),
        ("futures", {"futures_api": "v1"}, ["/6/api/pro/v1/futures", "/6/api/pro/v2/futures"]),
    ],
)
def test_every_ledger_is_fired_blind_with_a_body_and_listed_as_a_whole(
    ledger: str, values: dict[str, Any], paths: list[str]
) -> None:
    one = segment(ledger, **values)
    for known in ((), (order("1"), order("2", "ETH/USDT"))):
        assert fired(one, known) == [f"DELETE {path}/order/all {{}}" for path in paths]
    assert [[request.target for request in stage] for stage in one.listings] == [[f"{paths[-1]}/order/open"]]


def test_each_symbol_goes_to_the_ledgers_that_can_hold_it() -> None:
    symbols = ("BTC/USDT", "BTC-PERP", "ETH/BTC")
    assert fired(segment("margin", symbol=symbols)) == [
        'DELETE /6/api/pro/v1/margin/order/all {"symbol":"BTC/USDT"}',
        'DELETE /6/api/pro/v1/margin/order/all {"symbol":"ETH/BTC"}',
    ]
    assert fired(segment("futures", symbol=symbols)) == ['DELETE /6/api/pro/v2/futures/order/all {"symbol":"BTC-PERP"}']


def test_nothing_can_be_fired_before_the_group_is_known() -> None:
    unknown = ascendex.AscendexOptions()
    assert ascendex.segments(unknown, ascendex.AscendexFacts(), "live") == ()
    learnt = ascendex.AscendexFacts(account_group=0)
    assert fired(ascendex.segments(unknown, learnt, "live")[0]) == ["DELETE /0/api/pro/v1/cash/order/all {}"]
    # What the profile says is what is used: another group in `info` is a doubt, not a correction.
    assert "/6/" in fired(ascendex.segments(options(), learnt, "live")[0])[0]


def test_the_retired_futures_paths_prove_nothing_and_may_only_object() -> None:
    assert segment("futures").witnesses == ()
    assert segment("cash", futures_api="v1").witnesses == ()
    one = segment("futures", futures_api="v1")
    assert [request.path for request in one.listings[0]] == ["/6/api/pro/v2/futures/order/open"]
    ((named, _),) = one.cancels((order("1", "BTC-PERP"),), None)
    assert named.path == "/6/api/pro/v2/futures/order"
    assert all("/v2/" in request.path for request in one.final_states((), 0))
    (witness,) = one.witnesses
    assert (witness.request.path, witness.request.changes) == ("/6/api/pro/v1/futures/order/open", False)
    assert witness.optional
    assert witness.read(witness.request, reply({"code": 0, "data": []}))
    assert not witness.read(witness.request, reply({"code": 0, "data": [FUTURES_ROW]}))
    with pytest.raises(Unreadable):
        witness.read(witness.request, reply({"code": 0}))


def test_what_cannot_be_reached_is_named() -> None:
    assert "retired" in ascendex.unwitnessed(options(futures_api="v1"), False, False)
    assert ascendex.unwitnessed(options(futures_api="v1", account_category=("cash",)), False, False) == ""
    assert ascendex.unwitnessed(options(), True, True) == ""
    assert "closed in July 2026" in ascendex.VENUE.notice
    assert ascendex.VENUE.sunset == "2026-07"


# --- cancels by name ------------------------------------------------------------------------------------------------


def test_a_few_orders_go_singly_and_many_in_batches_of_ten() -> None:
    few = segment("futures").cancels(tuple(order(str(index), "BTC-PERP") for index in range(5)), None)
    assert {request.path for request, _ in few} == {"/6/api/pro/v2/futures/order"}
    assert [named[0].id for _, named in few] == [str(index) for index in range(5)]
    assert json.loads(few[3][0].body) == {"orderId": "3", "symbol": "BTC-PERP"}
    many = segment("margin").cancels(tuple(order(str(index)) for index in range(30)), None)
    home = "/6/api/pro/v1/margin/order"
    assert [request.path for request, _ in many] == [home] * 5 + [f"{home}/batch"] * 3
    assert [len(named) for _, named in many] == [1] * 5 + [10, 10, 5]
    assert [one.id for _, named in many for one in named] == [str(index) for index in range(30)]
    assert all(request.changes for request, _ in (*few, *many))


def test_what_failed_in_a_batch_goes_one_by_one() -> None:
    orders = tuple(order(str(index)) for index in range(30))
    one = segment("margin")
    alone = one.singly((*orders, order("nameless", None)), None)
    assert {request.path for request, _ in alone} == {"/6/api/pro/v1/margin/order"}
    assert [named for _, named in alone] == [(each,) for each in orders]
    batch = one.cancels(orders, None)[-1][0]
    for code in (300013, 300006, 300019, 300012):
        said = judged(code, request=batch)
        assert (said.answer, said.reach) == (Answer.REFUSED, Reach.REQUEST)
        if code != 300012 and code != 300013:
            assert judged(code, request=alone[0][0]).answer is Answer.NOTHING_OPEN


def test_the_venue_s_own_orders_spoil_no_batch() -> None:
    own = order("own", origin="liquidation")
    many = segment("margin").cancels((*(order(str(index)) for index in range(20)), own), None)
    assert many[0][1] == (own,)
    assert many[0][0].path.endswith("/order")


def test_an_order_without_a_symbol_cannot_be_named() -> None:
    assert segment("cash").cancels((order("1", None),), None) == ()


# --- reading --------------------------------------------------------------------------------------------------------


def page(ledger: str, rows: object, values: dict[str, Any] | None = None, **envelope: object) -> Any:
    one = segment(ledger, **(values or {}))
    return one.page(one.listings[0][0], reply({"code": 0, "data": rows, **envelope}))


@pytest.mark.parametrize("envelope", [{"ac": "MARGIN"}, {"accountCategory": "FUTURES"}, {"ac": ["CASH"]}, {"ac": "X"}])
def test_a_listing_that_names_another_ledger_proves_nothing(envelope: dict[str, object]) -> None:
    """One signature is good for three ledgers: only the answer tells which one it was."""
    found = page("cash", [CASH_ROW], **envelope)
    assert [one.id for one in found.orders] == [CASH_ROW["orderId"]]
    assert found.unsure
    assert page("cash", [], ac="CASH").unsure == ""


def test_a_row_of_another_ledger_is_not_this_one_s() -> None:
    rows = [{**FUTURES_ROW, "ac": "CASH", "orderId": "other"}, FUTURES_ROW, {**FUTURES_ROW, "ac": "X", "orderId": "x"}]
    found = page("futures", rows)
    assert [one.id for one in found.orders] == ["sample-order-id", "x"]
    assert "not about futures" in found.unsure


def test_orders_out_of_scope_are_left_out_however_odd_they_are() -> None:
    rows = [{**CASH_ROW, "symbol": "ETH/USDT"}, {**CASH_ROW, "status": "Filled", "price": []}, CASH_ROW]
    found = page("cash", [*rows, {**CASH_ROW, "orderId": "?", "symbol": None}], {"symbol": ("BTC/USDT",)})
    assert [one.id for one in found.orders] == [CASH_ROW["orderId"], "?"], "who knows whose the last one is"


def test_a_symbol_narrows_here_because_futures_document_no_filter() -> None:
    rows = [FUTURES_ROW, {**FUTURES_ROW, "symbol": "ETH-PERP", "orderId": "2"}]
    found = page("futures", rows, {"symbol": ("ETH-PERP", "BTC/USDT")})
    assert [one.id for one in found.orders] == ["2"]


@pytest.mark.parametrize(("count", "unsure"), [(49, False), (50, True), (51, False), (100, True), (1000, True)])
def test_a_round_number_of_rows_proves_nothing(count: int, unsure: bool) -> None:
    """No limit of the listing is documented: one that is there would show as such a number."""
    rows = [{**CASH_ROW, "orderId": str(index)} for index in range(count)]
    found = page("cash", rows, {"symbol": ("ETH/USDT",)})
    assert found.orders == ()
    assert bool(found.unsure) is unsure


def test_remaining_is_only_told_of_plain_numbers() -> None:
    for quantity, filled, expected in (
        ("1", "0.25", "0.75"),
        ("0.10", "0", "0.10"),
        ("1", None, None),
        (None, "1", None),
        ("NaN", "1", None),
        ("1e9", "1", None),
        ("Infinity", "Infinity", None),
        ("9" * 50, "1", None),
    ):
        (found,) = page("cash", [{**CASH_ROW, "orderQty": quantity, "cumFilledQty": filled}]).orders
        assert found.remaining == expected


# --- how orders ended -----------------------------------------------------------------------------------------------


def ended(ledger: str, body: object, **values: Any) -> Any:
    one = segment(ledger, **values)
    request = one.final_states((order("1"),), 0)[1]
    return one.final_page(request, reply(body))


def test_what_is_requested_about_ended_orders() -> None:
    one = segment("cash")
    assert one.unnamed
    recent, first, second = one.final_states(tuple(order(str(index)) for index in range(51)), 0)
    assert recent.target == "/6/api/pro/v1/cash/order/hist/current?n=1000"
    assert first.path == second.path == "/6/api/pro/v1/cash/order/status"
    assert parse_qs(first.query)["orderId"][0] == "".join(f"{index}," for index in range(50))
    assert parse_qs(second.query)["orderId"][0] == "50,"
    assert len(one.final_states((), 0)) == 1
    strange = one.final_states((order("a&b=c,d é"),), 0)[1]
    assert parse_qs(strange.query) == {"orderId": ["a&b=c,d é,"]}


@pytest.mark.parametrize("status", ["Canceled", "Filled", "Rejected", "New", "Limbo"])
def test_when_an_order_ended_is_told_of_those_that_did_in_both_shapes(status: str) -> None:
    row = {**FUTURES_ROW, "status": status}
    one_id = ended("futures", {"code": 0, "ac": "FUTURES", "data": row})
    assert one_id == ended("futures", {"code": 0, "data": [row]})
    ((found, _, _),) = one_id.orders
    assert (found.id, found.ended_ms) == ("sample-order-id", None if status in ("New", "Limbo") else 1605677684479)


def test_an_odd_record_hides_no_other_one() -> None:
    over = {**CASH_ROW, "status": "Canceled"}
    rows = [None, {**over, "orderId": None}, {**over, "orderQty": [], "lastExecTime": "soon"}, {**over, "status": 7}]
    found = ended("cash", {"code": 0, "data": [*rows, {**over, "orderId": "last"}]})
    assert [one.id for one, _, _ in found.orders] == [CASH_ROW["orderId"], CASH_ROW["orderId"], "last"]
    assert [state for _, state, _ in found.orders] == [State.CANCELLED, State.GONE, State.CANCELLED]


def test_records_keep_to_the_scope() -> None:
    rows = [CASH_ROW, {**CASH_ROW, "orderId": "2", "symbol": "ETH/USDT"}]
    found = ended("cash", {"code": 0, "data": rows}, symbol=("ETH/USDT",))
    assert [one.id for one, _, _ in found.orders] == ["2"]


def test_a_full_history_says_that_there_may_be_more() -> None:
    one = segment("cash")
    rows = [{**CASH_ROW, "orderId": str(index), "status": "Canceled"} for index in range(100)]
    recent, status = one.final_states((order("1"),), 0)
    assert one.final_page(recent, reply({"code": 0, "data": rows})).more
    assert not one.final_page(recent, reply({"code": 0, "data": rows[1:]})).more
    assert not one.final_page(recent, reply({"code": 0, "data": []})).more
    assert not one.final_page(status, reply({"code": 0, "data": rows})).more


# --- discovery ------------------------------------------------------------------------------------------------------

INFO = {
    "code": 0,
    "data": {
        **{"accountGroup": 0, "email": "yyzzxxz@gmail.com", "expireTime": 1604620800000, "userUID": "U0866943712"},
        **{"allowedIps": ["123.123.123.123"], "cashAccount": ["x"], "marginAccount": ["y"]},
        **{"tradePermission": True, "transferPermission": True, "viewPermission": True},
    },
}
CONTRACTS: list[object] = [
    {"symbol": "BTC-PERP", "takeProfitPrice": "90000", "stopLossPrice": "50000.5"},
    {"symbol": "ETH-PERP", "takeProfitPrice": "0", "stopLossPrice": "0.00"},
    {"symbol": "SOL-PERP", "takeProfitPrice": "0", "stopLossPrice": "90"},
    {"symbol": "XRP-PERP"},
]
POSITIONS = {"code": 0, "data": {"ac": "FUTURES", "contracts": CONTRACTS}}


def discovery(name: str, facts: ascendex.AscendexFacts | None = None, **values: Any) -> Any:
    found = ascendex.discoveries(options(**values), facts or ascendex.AscendexFacts())
    return next(one for one in found if one.name == name)


def read(name: str, body: object, **values: Any) -> tuple[str, ...]:
    one = discovery(name, **values)
    batch = one.read(one.request, reply(body))
    assert batch.next is None
    return tuple(batch.names)


EXITS = "take-profits and stop-losses of positions"


def test_only_the_account_info_is_asked_before_the_group_is_known() -> None:
    unknown = ascendex.AscendexOptions(symbol=("BTC/USDT", "BTC-PERP"))
    (only,) = ascendex.discoveries(unknown, ascendex.AscendexFacts())
    assert (only.request.target, only.request.signed, only.optional) == ("/api/pro/v1/info", True, False)
    later = ascendex.discoveries(unknown, ascendex.AscendexFacts(account_group=0))
    assert [(one.name, one.request.target, one.request.signed, one.optional) for one in later] == [
        ("account group", "/api/pro/v1/info", True, False),
        ("cash products", "/api/pro/v1/cash/products", False, False),
        ("margin products", "/api/pro/v1/margin/products", False, False),
        ("futures products", "/api/pro/v2/futures/contract", False, False),
        (EXITS, "/0/api/pro/v2/futures/position", True, True),
    ]


def test_the_account_info_is_read_although_the_profile_names_the_group() -> None:
    assert [one.name for one in ascendex.discoveries(options(), ascendex.AscendexFacts())] == ["account group", EXITS]
    cash = ascendex.discoveries(options(account_category=("cash",)), ascendex.AscendexFacts())
    assert [one.name for one in cash] == ["account group"]


def test_the_account_group_is_learnt() -> None:
    one = discovery("account group")
    assert read("account group", INFO) == exist("group 0")
    assert one.learn(ascendex.AscendexFacts(), exist("group 0")) == ascendex.AscendexFacts(account_group=0)
    text = {"code": 0, "data": {"accountGroup": "8"}}
    assert one.learn(ascendex.AscendexFacts(), read("account group", text)) == ascendex.AscendexFacts(account_group=8)


@pytest.mark.parametrize("data", [None, [], {}, {"accountGroup": None}, {"accountGroup": -1}, {"accountGroup": True}])
def test_an_account_info_without_a_group_is_unreadable(data: object) -> None:
    with pytest.raises(Unreadable):
        read("account group", {"code": 0, "data": data})


def test_symbols_are_looked_up_in_the_ledgers_that_can_hold_them() -> None:
    found = ascendex.discoveries(options(symbol=("BTC-PERP",)), ascendex.AscendexFacts())
    assert [one.name for one in found] == ["account group", "futures products", EXITS]
    products = {"code": 0, "data": [{"symbol": "BTC-PERP", "status": "Normal", "displayName": "BTCUSDT"}]}
    names = frozenset({*read("futures products", products, symbol=("X",)), *exist("symbol BTC/USDT")})
    for word, expected in (
        ("BTC-PERP", ()),
        ("BTC/USDT", ()),
        ("BTCUSDT", ('AscendEX knows no --symbol BTCUSDT (did you mean "BTC-PERP"?)',)),
        ("btc/usdt", ('AscendEX knows no --symbol btc/usdt (did you mean "BTC/USDT"?)',)),
        ("QQQ", ("AscendEX knows no --symbol QQQ",)),
    ):
        assert ascendex.doubts(options(symbol=(word,)), names) == expected


@pytest.mark.parametrize("data", [None, {}, [], [{}], [{"symbol": ""}], [None], [{"symbol": []}]])
def test_a_product_list_of_another_shape_is_unreadable(data: object) -> None:
    with pytest.raises(Unreadable):
        read("cash products", {"code": 0, "data": data}, symbol=("BTC/USDT",))


@pytest.mark.parametrize("odd", [None, {}, [], 7, {"symbol": None}, {"symbol": {}}])
def test_an_odd_product_hides_no_other_one(odd: object) -> None:
    rows = [odd, {"symbol": "BTC/USDT", "displayName": []}, {"symbol": "币/USDT"}]
    names = read("cash products", {"code": 0, "data": rows}, symbol=("BTC/USDT",))
    assert set(exist("symbol BTC/USDT", "symbol 币/USDT")) <= set(names)
    assert ascendex.doubts(options(symbol=("BTC/USDT", "币/USDT")), frozenset(names)) == ()


def test_exits_of_positions_are_remarks() -> None:
    names = read(EXITS, POSITIONS)
    assert names == exist(
        "exit BTC-PERP keeps its take-profit at 90000 and stop-loss at 50000.5",
        "exit SOL-PERP keeps its stop-loss at 90",
    )
    assert ascendex.remarks(options(), frozenset(names))[1] == (
        "the position in SOL-PERP keeps its stop-loss at 90: that is no order, no cancel removes it"
    )
    assert len(read(EXITS, POSITIONS, symbol=("SOL-PERP",))) == 1
    odd = [None, {"symbol": "A-PERP", "takeProfitPrice": []}, {"symbol": None, "stopLossPrice": "1"}, {"symbol": []}]
    names = read(EXITS, {"code": 0, "data": {"contracts": [*odd, *CONTRACTS]}}, symbol=("A-PERP", "BTC-PERP"))
    assert names == exist(
        "exit A-PERP keeps its take-profit at ?",
        "exit ? keeps its stop-loss at 1",
        "exit BTC-PERP keeps its take-profit at 90000 and stop-loss at 50000.5",
    )
    with pytest.raises(Unreadable):
        read(EXITS, {"code": 0, "data": {}})


# --- judging --------------------------------------------------------------------------------------------------------

(CANCEL,) = segment("cash").mass_cancels(())
((LISTING,),) = segment("cash").listings
(MARGIN,) = segment("margin").mass_cancels(())


def judged(code: object, message: str = "", *, request: Request = CANCEL, status: int = 200, reason: str = "") -> Any:
    return ascendex.judge(request, reply({"code": code, "message": message, "reason": reason}, status))


HINTS = {
    200001: "wrong key or secret",
    200002: "wait",
    900001: "human",
    100009: "key",
    200003: "account_group",
    200004: "--account-category",
    200015: "rights to view and to trade",
    200014: "restricted",
    100010: "retired",
}


@pytest.mark.parametrize("code", HINTS)
def test_a_refusal_comes_with_its_cure(code: int) -> None:
    assert HINTS[code] in judged(code).hint


def test_only_a_ledger_that_the_account_lacks_is_absent() -> None:
    for path in ("/6/api/pro/v1/margin/order/all", "/6/api/pro/v1/margin/order/open"):
        assert judged(310002, request=Request(method="GET", path=path)).answer is Answer.ABSENT
    codes = [code for group in documented("answers")["ascendex"] for code in group["codes"]]
    assert [code for code in codes if judged(code, request=MARGIN).answer is Answer.ABSENT] == [310002]


def test_a_symbol_that_a_ledger_does_not_trade_has_nothing_to_cancel_there() -> None:
    (one,) = segment("margin", symbol=("DOGE/USDT",)).mass_cancels(())
    ((named, _),) = segment("margin").cancels((order("1", "DOGE/USDT"),), None)
    for code in (100008, 300012):
        assert judged(code, request=one).answer is Answer.NOTHING_OPEN
        for request in (CANCEL, LISTING, named):
            said = judged(code, request=request)
            assert (said.answer, said.kind, said.reach) == (Answer.REFUSED, "parameter", Reach.REQUEST)


def test_an_address_that_is_refused_is_not_the_key() -> None:
    said = judged(200001, "IP address is not allowed.")
    assert (said.answer, said.kind, said.reach) == (Answer.REFUSED, "ip", Reach.ADDRESS)
    assert "list" in said.hint
    assert judged(200001, "multiple failures").reach is Reach.KEY


@pytest.mark.parametrize("code", [100009, 200001, 200003, 200014, 200015, 900001])
def test_what_only_the_report_needs_ends_nothing(code: int) -> None:
    (positions,) = (one for one in ascendex.discoveries(options(), ascendex.AscendexFacts()) if one.name == EXITS)
    products = discovery("cash products", symbol=("BTC/USDT",))
    for request in (positions.request, products.request, *segment("cash").final_states((order("1"),), 0)):
        said = judged(code, "IP address is not allowed.", request=request)
        assert (said.answer, said.reach) == (Answer.REFUSED, Reach.REQUEST)
    assert judged(code, request=discovery("account group").request).reach is not Reach.REQUEST


def test_the_code_decides_whatever_the_status() -> None:
    for status in (200, 400, 401, 403, 500, 503):
        assert judged(200015, status=status).answer is Answer.REFUSED
        assert judged(510001, status=status).answer is Answer.AMBIGUOUS
    for status in (400, 404, 500, 502):
        assert judged(0, status=status).answer is Answer.AMBIGUOUS
    assert judged(0, status=302).answer is Answer.GATEWAY
    assert judged(200001, status=302).answer is Answer.GATEWAY
    assert judged(0, status=429).answer is Answer.AGAIN


def test_a_gone_order_is_only_good_news_for_a_cancel() -> None:
    assert judged(300006, request=LISTING).answer is Answer.REFUSED
    assert judged(300019, request=LISTING).answer is Answer.REFUSED


def test_a_refused_signature_that_speaks_of_time_is_a_clock() -> None:
    assert judged(200001, "API signature mismatch").answer is Answer.REFUSED
    assert judged(200001, "Invalid Timestamp").answer is Answer.CLOCK
    assert judged(100011).hint


def test_a_halt_proves_nothing() -> None:
    assert judged(300021).suspended
    assert judged(300021).after is None, "the venue asks for no wait: other ledgers are not held up"
    assert not judged(300021, request=LISTING).suspended


def test_documented_error_bodies() -> None:
    for words in ("Duplicated order cancel request.", "Trying to cancel non-open order"):
        said = judged(300019, words)
        assert (said.answer, said.message) == (Answer.NOTHING_OPEN, f"300019 {words}")
    assert judged(200001, "API key is expired.", request=LISTING).message == "200001 API key is expired."
    nested = {"code": 300012, "message": "Invalid Product Symbol", "reason": "INVALID_PRODUCT"}
    nested["data"] = {"ac": "FUTURES", "info": {"symbol": "ABC-PERP"}}
    assert ascendex.judge(CANCEL, reply(nested)).answer is Answer.REFUSED
    assert judged(100006, reason="INVALID_ARGUMENT").message == "100006 INVALID_ARGUMENT"


def test_a_rate_limit_says_how_long() -> None:
    assert ascendex.judge(CANCEL, reply(b"<html>", 429, retry_after="3")).after == 3.0
    assert ascendex.judge(CANCEL, reply(b"<html>", 429)).after is None


def test_the_clock_window_and_the_account() -> None:
    assert ascendex.VENUE.late_ms(options()) == 30_000
    assert ascendex.VENUE.account(SECRETS, options()) == "testkey"
