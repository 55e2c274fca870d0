"""Kraken's pure functions: signatures, requests, pairs, readers and judgements against documented answers."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.attempts import Attempt
from cancelall.core.errors import SecretError, Unreadable
from cancelall.core.model import Answer, FinalStates, Order, Purpose, Reply, Request, Signed, State
from cancelall.core.preflight import KeyFacts
from cancelall.core.secret import Secret
from cancelall.engine.rate_limiter import HostGate, ProfileLimits
from cancelall.venues.kraken import api, preflight
from cancelall.venues.kraken import venue as kraken
from cancelall.venues.kraken.options import KrakenOptions, KrakenSecrets, folded
from cancelall.venues.kraken.segments import BATCH, KrakenSpot, milliseconds
from clients import by_a_client, needed
from support import ROOT
from unit.venues.kinds import ROWS, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "kraken.json").read_text())
NOW = 1_700_000_000_000
SECRET = base64.b64encode(b"testsecret").decode()
TXID, OTHER = "OQCLML-BW3P3-BUCMWZ", "OB5VMB-B4U2U-DK2WRW"


def secrets(secret: str = SECRET, otp: str = "") -> KrakenSecrets:
    return KrakenSecrets(api_key=Secret("testkey"), api_secret=Secret(secret), otp=Secret(otp) if otp else None)


def spot(*pairs: str, facts: kraken.KrakenFacts | None = None) -> KrakenSpot:
    (segment,) = kraken.segments(KrakenOptions(pair=pairs), facts or kraken.KrakenFacts(), "live")
    assert isinstance(segment, KrakenSpot)
    return segment


def answer(result: object) -> Reply:
    return reply({"error": [], "result": result})


def row(**changes: object) -> dict[str, object]:
    """The document's row, with these cells of its `descr` or of itself."""
    inner = ROWS["kraken"]["descr"]
    within = {name: changes.pop(name) for name in list(changes) if name in inner}
    return {**ROWS["kraken"], "descr": {**inner, **within}, **changes}


def orders(*named: str) -> tuple[Order, ...]:
    return tuple(Order(id=one, segment="spot") for one in named)


# --- signatures -----------------------------------------------------------------------------------------------------


def sent(vector: dict[str, Any]) -> tuple[Request, Signed]:
    """The request of a vector as this module signs it."""
    call, body, nonce = vector["signed_path"].rpartition("/")[2], vector["body"], int(vector["nonce"])
    finest = nonce > 10**15
    otp = ""
    if call == "CancelOrderBatch":
        request = api.cancel_batch(orders(*json.loads(body)["orders"]))
    else:
        fields = {name: values[0] for name, values in parse_qs(body).items() if name != "nonce"}
        otp = fields.pop("otp", "")
        request = api.private(call, Purpose.QUESTION, **fields)
    keys, at, widen = secrets(vector["secret_base64"], otp), nonce // 1_000_000 if finest else nonce, 3 if finest else 1
    return request, api.sign(request, keys, KrakenOptions(), at, widen)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["name"])
def test_reproduces_every_body_and_signature(vector: dict[str, Any]) -> None:
    request, signed = sent(vector)
    assert signed.body.decode() == vector["body"]
    assert vector["nonce"] + signed.body.decode() == vector["prehash"]
    assert dict(signed.headers) == vector["headers"]
    assert (request.method, request.path) == (vector["method"], vector["signed_path"])
    assert signed.query is None


def test_the_documents_calls_are_signed_with_these_very_texts() -> None:
    """https://docs.kraken.com/exchange/guides/rest/authentication and krakenfx/kraken-api-sdk."""
    signatures = {
        "CancelAll": "mEkeNUa6cSkxUBe0s5PgOKj/zN4QdUbbthLbiI162p3Qd7JQlebrh+mTeLGnMGaYxuC9RHUkb4CyEiwMUhSHXg==",
        "OpenOrders": "V87Vg9PJVTEYWfzMz3jem1Y8Y7GzNG95+EWBp5ECa2fLCk3FleBtRArBqvAPf9uGo1QkSquxbLzg+Z7c7rQCfQ==",
    }
    for request in (api.CANCEL_ALL, api.open_orders(), api.open_orders(api.RESOLVED)):
        signed = api.sign(request, secrets(), KrakenOptions(), NOW, 1)
        assert signed.body == b"nonce=1700000000000"
        assert dict(signed.headers)["API-Sign"] == signatures[request.path.rpartition("/")[2]]


@by_a_client
@pytest.mark.parametrize("otp", ["", "Passw0rd!&=ä"])
def test_python_kraken_sdk_signs_every_request_as_we_do(otp: str) -> None:
    """https://github.com/btschwertfeger/python-kraken-sdk: over the body as we send it, a form or JSON."""
    client = needed("kraken.spot").User(key="testkey", secret=SECRET)
    requests = [one for segment in (spot(), spot("XBTUSD")) for one in every_request(segment)]
    assert {one.path.rpartition("/")[2] for one in requests} > set("CancelAll CancelOrder CancelOrderBatch".split())
    for widen, request in itertools.product((1, 3), requests):
        signed = api.sign(request, secrets(otp=otp), KrakenOptions(), NOW, widen)
        nonce = NOW * 1_000_000 if widen == 3 else NOW
        theirs = client._get_kraken_signature(url_path=request.path, data=signed.body.decode(), nonce=nonce)
        assert dict(signed.headers)["API-Sign"] == theirs


def every_request(segment: KrakenSpot) -> list[Request]:
    """What a kill sends: mass cancels, listings, names, and what tells of their ends."""
    two = orders(TXID, OTHER)
    listed = [request for stage in segment.listings for request in stage]
    named = [request for some in (two, two[:1]) for request, _ in segment.cancels(some, None)]
    return [*segment.mass_cancels(two), *listed, *named, *segment.final_states(two, NOW)]


def test_a_wider_window_is_first_the_same_unit_and_then_the_finest_one() -> None:
    nonces = [
        int(
            parse_qs(api.sign(api.CANCEL_ALL, secrets(), KrakenOptions(), NOW + widen, widen).body.decode())["nonce"][0]
        )
        for widen in (1, 2, 3, 4)
    ]
    assert nonces == [NOW + 1, NOW + 2, (NOW + 3) * 10**6, (NOW + 4) * 10**6]
    assert nonces[-1] < 2**64


@given(otp=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20))
def test_the_one_time_password_travels_as_it_is(otp: str) -> None:
    form = api.sign(api.CANCEL_ALL, secrets(otp=otp), KrakenOptions(), NOW, 1).body.decode()
    assert parse_qs(form, keep_blank_values=True) == {"nonce": [str(NOW)], "otp": [otp]}
    batch = api.sign(api.cancel_batch(orders(TXID, OTHER)), secrets(otp=otp), KrakenOptions(), NOW, 1).body
    assert json.loads(batch) == {"nonce": str(NOW), "otp": otp, "orders": [TXID, OTHER]}


@pytest.mark.parametrize("secret", ["DUMMYwrong", "no base64 at all!", "=", "a"])
def test_a_secret_that_is_no_base64_is_refused_before_anything_is_sent(secret: str) -> None:
    for refuse in (
        lambda: kraken.VENUE.check_secrets(secrets(secret), KrakenOptions()),
        lambda: api.sign(api.CANCEL_ALL, secrets(secret), KrakenOptions(), NOW, 1),
    ):
        with pytest.raises(SecretError, match="not base64") as caught:
            refuse()
        assert secret not in str(caught.value) or len(secret) < 2


# --- requests -------------------------------------------------------------------------------------------------------


def test_the_cancel_of_everything_is_one_call_without_a_field() -> None:
    """What a pair in it would do is nothing: everything would go."""
    assert spot().mass_cancels(()) == (api.CANCEL_ALL,) == spot().mass_cancels(orders(TXID))
    assert (api.CANCEL_ALL.target, api.CANCEL_ALL.body, api.CANCEL_ALL.changes) == ("/0/private/CancelAll", b"", True)
    assert spot("XBTUSD").mass_cancels(orders(TXID)) == spot("XBTUSD").witnesses == ()


def test_names_go_fifty_at_a_time_and_a_single_one_by_itself() -> None:
    many = orders(*(f"O{number:05}" for number in range(2 * BATCH + 1)))
    named = spot().cancels(many, None)
    assert [(request.path.rpartition("/")[2], len(some)) for request, some in named] == [
        ("CancelOrderBatch", BATCH),
        ("CancelOrderBatch", BATCH),
        ("CancelOrder", 1),
    ]
    assert [order for _, some in named for order in some] == list(many)
    assert spot().cancels((), None) == ()
    ((alone, _),) = spot().cancels(many[:1], None)
    assert (alone.body, alone.purpose) == (b"txid=O00000", Purpose.CANCEL)
    assert [len(some) for _, some in spot().cancels(many[:49], None)] == [49]


def test_a_batch_that_failed_goes_in_small_ones_and_these_one_by_one() -> None:
    """Fifty requests one after the other would take seconds for the sake of one order that is gone."""
    many = orders(*(f"O{number:05}" for number in range(11)))
    named = spot().singly(many, None)
    assert [(request.path.rpartition("/")[2], len(some)) for request, some in named] == [
        *(("CancelOrderBatch", 5), ("CancelOrderBatch", 5), ("CancelOrder", 1)),
    ]
    assert [request.path.rpartition("/")[2] for request, _ in spot().singly(many[:5], None)] == ["CancelOrder"] * 5


def test_a_pair_whose_limit_is_reached_holds_up_no_cancel_of_another() -> None:
    """The age of an order is counted by its pair: https://docs.kraken.com/exchange/guides/general/ratelimits"""
    one, same, other = (replace(order, symbol=pair) for order, pair in zip(orders(*"abc"), "XXY", strict=True))
    limits = ProfileLimits(api.LIMITS, HostGate.alone(None))
    limited = api.judge(api.cancel(one), reply({"error": ["EOrder:Rate limit exceeded"]}))
    assert limited.answer is Answer.AGAIN
    limits.learn(Attempt(request=api.cancel(one), began=0.0, ended=1.0, judgement=limited), limited, limited.after)
    assert limits.until(api.cancel(same)) > 1.0
    assert limits.until(api.cancel(other)) == 0.0


def test_the_timer_of_a_bot_is_never_touched() -> None:
    """`CancelAllOrdersAfter` would arm or disarm a dead man's switch that may not be ours."""
    for path in (ROOT / "cancelall" / "venues" / "kraken").glob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert "CancelAllOrdersAfter" not in code.rpartition('"""')[2], path


def test_history_is_read_for_everything_and_records_of_what_was_seen() -> None:
    first, second, third = spot().final_states(orders(*(f"O{number}" for number in range(60))), 1_700_000_000_999)
    assert (first.path, first.body) == ("/0/private/ClosedOrders", b"start=1699999999&closetime=close")
    assert [len(parse_qs(one.body.decode())["txid"][0].split(",")) for one in (second, third)] == [50, 10]
    assert [one.path for one in spot("XBTUSD").final_states(orders(TXID), 0)] == ["/0/private/QueryOrders"]


# --- pairs ----------------------------------------------------------------------------------------------------------

SPELLINGS = {
    "XBTUSD": "XXBTZUSD XBTUSD XBT/USD xbt/usd BTC/USD btcusd BTCUSD",
    "ETHXBT": "XETHXXBT ETHXBT ETH/XBT ETH/BTC ethbtc",
    "XDGUSD": "XXDGZUSD XDGUSD XDG/USD DOGE/USD DOGEUSD",
    "XTZUSD": "XTZUSD XTZ/USD",
    "WBTCUSD": "WBTCUSD WBTC/USD",
    "WBTCXBT": "WBTC/XBT WBTC/BTC WBTCXBT",
    "ADAUSDT": "ADAUSDT ADA/USDT",
}


def test_all_spellings_of_a_pair_are_one() -> None:
    found = {spelt: folded(spelt) for words in SPELLINGS.values() for spelt in words.split()}
    assert found == {spelt: pair for pair, words in SPELLINGS.items() for spelt in words.split()}


@given(st.text(max_size=12))
def test_folding_is_done_once(text: str) -> None:
    assert isinstance(folded(text), str)
    if text.isascii() and "/" not in text:
        assert folded(folded(text)) in {folded(text), folded(folded(folded(text)))}


def listed(segment: KrakenSpot, **rows: dict[str, object]) -> list[str]:
    found = segment.page(segment.listings[0][0], answer({"open": rows}))
    assert found.unsure == ""
    return [order.id for order in found.orders]


def test_a_pair_is_looked_for_in_any_spelling_before_the_list_is_there() -> None:
    rows = {"A": row(pair="XBTUSD"), "B": row(pair="ETHUSD"), "C": row(pair="XBTEUR"), "D": row(pair="WBTCUSD")}
    for spelt in SPELLINGS["XBTUSD"].split():
        assert listed(spot(spelt), **rows) == ["A"]
    assert listed(spot("XBT/EUR", "XETHZUSD"), **rows) == ["B", "C"]
    assert listed(spot(), **rows) == ["A", "B", "C", "D"]


def test_an_order_of_an_unreadable_pair_is_left_where_pairs_are_selected() -> None:
    rows = {"A": row(pair={}), "B": {**row(), "descr": None}, "C": row(pair="XBTUSD")}
    found = spot("XBTUSD").page(api.open_orders(), answer({"open": rows}))
    assert [order.id for order in found.orders] == ["C"]
    assert "pair" in found.unsure
    assert [order.id for order in spot().page(api.open_orders(), answer({"open": rows})).orders] == ["A", "B", "C"]


LIST = {
    "XXBTZUSD": {"altname": "XBTUSD", "wsname": "XBT/USD"},
    "USDTZUSD": {"altname": "USDTUSD", "wsname": "USDT/USD"},
    "ADAUSD": {"altname": "ADAUSD", "wsname": "ADA/USD"},
    "ODD": "text",
    "ODDER": {"altname": {}, "wsname": 7},
}


def learnt(*pairs: str) -> tuple[kraken.KrakenFacts, tuple[str, ...]]:
    """What the public list teaches, and the doubts that are left."""
    options = KrakenOptions(pair=pairs)
    (discovery,) = kraken.discoveries(options, kraken.KrakenFacts())
    batch = discovery.read(discovery.request, answer(LIST))
    return discovery.learn(kraken.KrakenFacts(), batch.names), kraken.doubts(options, frozenset(batch.names))


def test_the_public_list_shows_the_spelling_of_orders_where_a_pair_was_given_by_its_id() -> None:
    facts, doubts = learnt("USDTZUSD")
    assert doubts == ()
    before, after = spot("USDTZUSD"), spot("USDTZUSD", facts=facts)
    rows = {"A": row(pair="USDTUSD"), "B": row(pair="ADAUSD")}
    assert (listed(before, **rows), listed(after, **rows)) == ([], ["A"])
    assert before.listings != after.listings, "the sweep begins anew"
    assert {one.purpose for stage in after.listings for one in stage} <= api.LISTINGS


def test_a_pair_that_was_told_right_is_not_listed_anew() -> None:
    facts, doubts = learnt("XBT/USD")
    assert (doubts, spot("XBT/USD", facts=facts)) == ((), spot("XBT/USD"))
    assert kraken.discoveries(KrakenOptions(), kraken.KrakenFacts()) == ()


def test_what_the_list_does_not_know_is_a_doubt() -> None:
    assert learnt("XBTUSD", "ADAUSX", "odd")[1] == ('Kraken knows no --pair ADAUSX (did you mean "ADAUSD"?)',)
    with pytest.raises(Unreadable, match="names none"):
        kraken._read_pairs(api.public("AssetPairs", Purpose.DISCOVERY), answer({}))


# --- listings -------------------------------------------------------------------------------------------------------


def test_a_row_that_is_no_object_is_an_order_all_the_same() -> None:
    found = spot().page(api.open_orders(), answer({"open": {TXID: None, OTHER: row()}}))
    assert [order.id for order in found.orders] == [TXID, OTHER]
    assert "not an object" in found.unsure
    assert spot().cancels(found.orders, None)[0][0].body.decode().count("-") == 4


@pytest.mark.parametrize(
    ("count", "unsure"), [(2, False), ("2", False), (1, True), (3, True), ({}, True), (None, False)]
)
def test_a_count_has_to_fit_the_rows(count: object, unsure: bool) -> None:
    found = spot().page(api.open_orders(), answer({"open": {TXID: row(), OTHER: row()}, "count": count}))
    assert (len(found.orders), bool(found.unsure)) == (2, unsure)


def test_an_order_that_is_pending_is_open_and_its_average_price_is_not_its_price() -> None:
    (order,) = spot().page(api.open_orders(), answer({"open": {TXID: row(status="pending")}})).orders
    assert (order.price, order.symbol, order.client_id) == ("30010.0", "XBTUSD", "desk-1")
    (market,) = spot().page(api.open_orders(), answer({"open": {TXID: row(price="0", cl_ord_id=None)}})).orders
    assert (market.price, market.client_id) == (None, None)


# --- how orders ended -----------------------------------------------------------------------------------------------


def ended(**changes: object) -> FinalStates:
    history, *_ = spot().final_states((), 0)
    return spot().final_page(history, answer({"closed": {TXID: row(**changes)}, "count": 1}))


@pytest.mark.parametrize(
    ("changes", "state", "note"),
    [
        ({"status": "closed"}, State.FILLED, ""),
        ({"status": "canceled", "vol_exec": "0.00000000"}, State.CANCELLED, ""),
        ({"status": "canceled"}, State.CANCELLED, "0.37500000 filled before"),
        ({"status": "expired", "vol_exec": "0"}, State.CANCELLED, "expired"),
    ],
)
def test_the_history_tells_how_an_order_ended(changes: dict[str, object], state: State, note: str) -> None:
    ((order, how, why),) = ended(closetm=1688667769.6396, **changes).orders
    assert (order.id, order.ended_ms, how, why) == (TXID, 1688667769639, state, note)
    (record,) = spot().final_states(orders(TXID), 0)[1:]
    ((_, again, _),) = spot().final_page(record, answer({TXID: row(**changes)})).orders
    assert again is state


def test_what_is_open_has_not_ended() -> None:
    assert ended(status="open").orders == ended(status="Limbo").orders == ended(status=None).orders == ()


def test_the_history_is_read_on_by_fifties_and_not_without_end() -> None:
    page, *_ = spot().final_states((), 0)
    rows = {f"O{number}": row(status="canceled") for number in range(50)}
    offsets, more = [], ""
    while page is not None:
        found = spot().final_page(page, answer({"closed": rows, "count": 1000}))
        offsets.append(parse_qs(page.body.decode()).get("ofs", ["0"])[0])
        page, more = found.next, found.more
    assert offsets == ["0", "50", "100", "150"]
    assert more == "spot: 1000 orders have ended lately, 200 of them were read"
    page, *_ = spot().final_states((), 0)
    last = spot().final_page(page, answer({"closed": rows, "count": 50}))
    assert (last.next, last.more) == (None, "")


def test_moments_are_seconds_with_a_fraction() -> None:
    assert [milliseconds(text) for text in ("1688666559.8974", "1700000000", "0")] == [1688666559897, 1700000000000, 0]
    assert [milliseconds(text) for text in (None, "", "soon", "-1", "1e9", "9" * 40)] == [None] * 6


# --- judging --------------------------------------------------------------------------------------------------------


def test_a_throttled_key_waits_for_the_moment_that_is_named() -> None:
    said = {"error": ["EService:Throttled: 1700000009"]}
    dated = reply(said, date="Tue, 14 Nov 2023 22:13:20 GMT")  # 1,700,000,000
    assert api.judge(api.CANCEL_ALL, dated).after == 9.0
    assert api.judge(api.CANCEL_ALL, reply(said)).after == 3.0
    assert api.judge(api.CANCEL_ALL, reply({"error": ["EService:Throttled: x"]}, date="rubbish")).after == 3.0


def test_a_venue_that_is_down_proves_nothing_until_it_answers_a_cancel() -> None:
    down = reply({"error": ["EService:Unavailable"]})
    assert api.judge(api.CANCEL_ALL, down).suspended
    assert not api.judge(api.open_orders(), down).suspended
    assert not api.judge(api.CANCEL_ALL, reply({"error": ["EService:Busy"]})).suspended


def test_what_is_public_says_nothing_of_the_key() -> None:
    for code in ("EAPI:Invalid key", "EGeneral:Permission denied", "EQuery:Unknown asset pair"):
        said = api.judge(api.public("AssetPairs", Purpose.DISCOVERY), reply({"error": [code]}))
        assert (said.answer, said.reach.name) == (Answer.REFUSED, "REQUEST")


@given(st.lists(st.text(max_size=40) | st.sampled_from(["EAPI:Invalid nonce", "WGeneral:x", "EOrder:"]), max_size=4))
def test_any_list_of_errors_is_judged(errors: list[str]) -> None:
    body = reply({"error": errors, "result": {"count": 1, "open": {}}})
    for request in (api.CANCEL_ALL, api.open_orders(), api.cancel_batch(orders(TXID, OTHER))):
        said = api.judge(request, body)
        real = [one for one in errors if not one.startswith("W")]
        assert (said.answer is Answer.ACCEPTED) is (not real)
        assert len(said.message) <= 200


# --- the witness ----------------------------------------------------------------------------------------------------


def test_a_last_cancel_of_everything_has_to_count_none() -> None:
    (witness,) = spot().witnesses
    assert witness.request == api.CANCEL_ALL
    assert witness.read(witness.request, answer({"count": 0}))
    assert not witness.read(witness.request, answer({"count": 1}))
    assert api.judge(api.CANCEL_ALL, answer({"count": 0, "pending": False})).answer is Answer.NOTHING_OPEN
    pending: list[dict[str, object]] = [{"count": 0, "pending": True}, {"count": 0, "pending": [TXID]}]
    for nothing in ({}, {"count": None}, {"count": "x"}, {"count": -1}, *pending):
        assert api.judge(api.CANCEL_ALL, answer(nothing)).answer is Answer.ACCEPTED
        with pytest.raises(Unreadable):
            witness.read(witness.request, answer(nothing))
    assert "a last cancel of everything" in kraken.unwitnessed(KrakenOptions(pair=("XBTUSD",)), False, False)
    assert "a last cancel of everything" in kraken.unwitnessed(KrakenOptions(), True, False)
    assert kraken.unwitnessed(KrakenOptions(), False, True) == ""


# --- the pre-flight -------------------------------------------------------------------------------------------------


def key_facts(**changes: object) -> KeyFacts:
    info = {
        "nonce": str(NOW),
        "permissions": ["query-open-trades", "query-closed-trades", "close-trades"],
        "validUntil": "0",
        "queryFrom": "0",
        "queryTo": "0",
        "ipAllowlist": [],
        **changes,
    }
    said = reply({"error": [], "result": info}, date="Tue, 14 Nov 2023 22:13:20 GMT")
    return preflight._read_key(api.private("GetApiKeyInfo", Purpose.QUESTION), said)


def test_the_right_to_cancel_is_enough() -> None:
    facts = key_facts()
    assert (facts.can_cancel, facts.can_list, facts.can_withdraw, facts.endless, facts.bound) == (
        *(True, True, False, True, False),
    )
    assert facts.remarks == ()
    assert key_facts(permissions=["modify-trades", "query-open-trades"]).can_cancel
    assert not key_facts(permissions=["query-open-trades"]).can_cancel


@pytest.mark.parametrize(
    ("nonce", "warned"), [(NOW, False), (NOW + 50_000, False), (NOW + 70_000, True), (NOW * 1000, True), ("x", False)]
)
def test_a_nonce_that_is_ahead_of_the_clock_is_another_programs(nonce: object, warned: bool) -> None:
    assert any("finer or later nonces" in one for one in key_facts(nonce=nonce).remarks) is warned


@given(
    st.dictionaries(
        st.sampled_from(["nonce", "permissions", "valid_until", "ip_allowlist", "queryTo"]),
        st.none() | st.text() | st.integers() | st.lists(st.text() | st.lists(st.text())),
    )
)
def test_any_key_info_is_read_or_unreadable(info: dict[str, object]) -> None:
    try:
        facts = preflight._read_key(api.private("GetApiKeyInfo", Purpose.QUESTION), answer(info))
    except Unreadable:
        return
    assert isinstance(facts, KeyFacts)
