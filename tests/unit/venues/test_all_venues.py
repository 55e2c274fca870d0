"""What every venue's readers and judges must do, by the tables of `kinds`: whatever is sent, nothing gets lost."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import OptionError, SecretError, Unreadable
from cancelall.core.model import Acknowledgement, Answer, Failure, Order, Page, Protection, Reach
from cancelall.core.secret import Secret
from cancelall.venues import payload
from cancelall.venues.bitget import venue as bitget
from cancelall.venues.registry import VENUES, load, schema
from support import exist
from unit.venues.kinds import EVERY, GOOD_ANSWERS, ROWS, Kind, documented, readers, reply, requests, segments

each_venue = pytest.mark.parametrize("venue", VENUES)
each_kind = pytest.mark.parametrize("kind", EVERY.values(), ids=EVERY)


def rows(kind: Kind, *numbers: int, **fields: object) -> list[dict[str, Any]]:
    """Rows that differ in their ids."""
    return [{**kind.row, kind.key: str(number), **fields} for number in numbers]


def numbers(page: Page) -> list[str]:
    """The venue's own numbers of the orders of a page; Binance's are unique within a symbol only."""
    return [order.id.rpartition(":")[2] for order in page.orders]


def lists_as_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Options as a profile has them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


# --- rows -----------------------------------------------------------------------------------------------------------


@each_kind
def test_every_status_but_the_final_ones_is_open(kind: Kind) -> None:
    for status in kind.ended:
        assert kind.page(rows(kind, 1, **{kind.status: status})).orders == ()
        odd = {**kind.row, kind.status: status, kind.key: None, "price": {}}
        assert kind.page([odd, *rows(kind, 1)]).unsure == "", "a closed row is nothing whatever else is odd"
    shown = ("New", "PendingNew", "PartiallyFilled", "live", "partially_filled", "Ack", "Limbo", "processing", "1", "")
    for status in (*shown, None, 7) if kind.status else ():
        assert len(kind.page(rows(kind, 1, **{kind.status: status})).orders) == 1
    if kind.status:
        bare = {name: value for name, value in rows(kind, 1)[0].items() if name != kind.status}
        assert len(kind.page([bare]).orders) == 1


ODD = [None, "", [], {}, True, 1.5, "\x00", "maybe", {"orderId": "2"}]


@each_kind
def test_no_field_but_the_id_keeps_a_row_or_its_neighbours_from_being_acted_on(kind: Kind) -> None:
    """What can be named is acted on; the page proves nothing."""
    for field, value in itertools.product({*kind.row, *kind.read.split()} - {kind.key}, ODD):
        found = kind.page([*rows(kind, 1), *rows(kind, 2, **{field: value}), *rows(kind, 3)])
        shown = numbers(found)
        elsewhere = (
            field in ("symbol", "coin", "category", "marginCoin", "ac") and "2" not in shown and found.unsure != ""
        )
        assert shown == ["1", "2", "3"] or (shown == ["1", "3"] and (elsewhere or field == "category")), (field, value)
        needed = () if kind.venue == "bitget" else (kind.status, "symbol", "coin")
        wrong = isinstance(value, list | dict) or (field in needed and value in (None, ""))
        if field in kind.read.split() and wrong:
            assert found.unsure, (field, value)
        for order in found.orders:
            assert order.symbol != payload.UNREADABLE
        wanted = {order.id for order in found.orders if order.symbol or not kind.by_symbol}
        numbered = kind.venue == "hyperliquid" and field == "coin"  # it names a market by a number that it has to know
        assert kind.named(found.orders) == wanted or kind.venue == "bybit" or numbered, (field, value)
    assert kind.page(rows(kind, 1, 2)).unsure == ""


BAD = [None, "text", 7, [], {}, {"": ""}, {"": None}, {"": {}}, {"": ["1"]}, {"": True}, {"": "a\nb" * 40}]


@each_kind
def test_a_row_that_names_no_order_hides_no_other(kind: Kind) -> None:
    for bad in BAD:
        entry: Any = {**kind.row, kind.key: bad[""]} if isinstance(bad, dict) and bad else bad
        found = kind.page([*rows(kind, 1), entry, *rows(kind, 2)])
        assert numbers(found) == ["1", "2"], bad
        assert found.unsure, bad


@each_kind
def test_a_client_id_is_read_as_it_is_and_never_guessed(kind: Kind) -> None:
    """None where the row says that it has none. Where that is not known, nobody's filter may take it for none."""
    field = kind.client_id
    if not field:
        assert [one.client_id for one in kind.page([{**kind.row, "clientOid": "a", "orderLinkId": "a"}]).orders] == [
            None
        ]
        return
    cases = {"Mine-1": "Mine-1", "ümlaut 1": "ümlaut 1", None: None, "": None, "\x1b[2J": payload.UNREADABLE}
    for value, expected in cases.items():
        page = kind.page([{**kind.row, field: value}])
        assert ([one.client_id for one in page.orders], page.unsure) == ([expected], "")
    odd = kind.page([{**kind.row, field: {"id": 1}}])
    assert ([one.client_id for one in odd.orders], bool(odd.unsure)) == ([payload.UNREADABLE], True)
    lacking = kind.page([{name: value for name, value in kind.row.items() if name != field}])
    assert [one.client_id for one in lacking.orders] == [payload.UNREADABLE if kind.names_all else None]


@each_kind
def test_a_null_in_the_place_of_the_list_is_told(kind: Kind) -> None:
    if kind.bare or kind.venue == "binance":  # whose documents know of none
        with pytest.raises(Unreadable):
            kind.page(None)
        return
    found = kind.page(None)
    assert (found.orders, found.null, found.unsure) == ((), kind.twice, "")
    assert (kind.page([]).orders, kind.page([]).null, kind.page([]).next, kind.page([]).unsure) == ((), False, None, "")


_NO_JSON = (b"", b"<html>502 Bad Gateway [/oops]</html>", b"404 page not found", b"[" * 50_000, b"\xff\xfe")


def spoilt(kind: Kind) -> list[bytes]:
    """Answers that are no listing: other shapes, and what is no JSON or no strict one."""
    empty = json.dumps(kind.shape([])).encode()
    shapes: list[object] = [kind.shape(value) for value in ({}, "none", 0, False)]
    shapes += [{}, {"data": {}}, {"result": {}}, {"result": None}, {"a": 1}, "text", None]
    shapes += [[]] if kind.venue != "deltadefi" and not kind.bare else []
    whole = kind.shape([])
    if kind.bare:
        whole = {"data": []}
    assert isinstance(whole, dict)
    holder = next(name for name, value in whole.items() if isinstance(value, dict | list))
    shapes += [{name: value for name, value in whole.items() if name != holder}]
    shapes += [{**whole, holder: value} for value in ("x", 0, False)]
    return [
        *(json.dumps(value).encode() for value in shapes),
        *_NO_JSON,
        *(empty[:-1], empty.replace(b"[]", b"NaN"), empty[:-1] + b',"' + holder.encode() + b'":[]}'),
    ]


@each_kind
def test_a_listing_of_another_shape_is_unreadable_never_empty(kind: Kind) -> None:
    for body in spoilt(kind):
        for stage in kind.one.listings:
            with pytest.raises(Unreadable):
                kind.one.page(stage[0], reply(body))


PROTECTION: list[tuple[str, dict[str, object], str]] = documented("protection")


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _, _ in PROTECTION))
def test_the_table_of_protective_orders(name: str) -> None:
    """The row of the documents with these fields: whether the order can only shrink a position."""
    for fields, expected in ((fields, expected) for of, fields, expected in PROTECTION if of == name):
        (found,) = EVERY[name].page([{**EVERY[name].row, **fields}]).orders
        assert found.protection is Protection[expected], fields
        assert (found.origin == "liquidation") is (fields.get("execInst") == "Liquidation"), fields


@pytest.mark.parametrize(("name", "row", "expected"), documented("orders"))
def test_a_documented_row_becomes_an_order_with_the_venues_own_digits(
    name: str, row: str, expected: dict[str, Any]
) -> None:
    kind = EVERY[name]
    (found,) = kind.page([ROWS[row] if row else kind.row]).orders
    protection = Protection[expected.get("protection", "NONE")]
    assert found == Order(**{**expected, "segment": kind.segment, "protection": protection})


@pytest.mark.parametrize(("name", "row", "changes", "state", "note"), documented("ends"))
def test_a_record_tells_how_an_order_ended(name: str, row: str, changes: dict[str, Any], state: str, note: str) -> None:
    """Each row names the record of the documents and what is different in it; one of an open order tells nothing."""
    kind = EVERY[name]
    record = {**(ROWS[row] if row else kind.row), **changes}
    orders = (Order(id="1", segment=kind.segment, symbol="BTCUSDT"),) * (11 if kind.bare else 1)
    *_, request = kind.one.final_states(orders, 0)
    found = kind.one.final_page(request, reply(record if kind.venue == "deltadefi" else kind.shape([record])))
    assert [(ended.value, why) for _, ended, why in found.orders] == ([(state, note)] if state else [])
    assert found.next is None


# --- acknowledgements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options", "way", "body", "expected"), documented("acknowledgements"))
def test_what_an_accepted_cancel_says(
    name: str, options: dict[str, Any], way: str, body: Any, expected: dict[str, Any] | str
) -> None:
    """Which orders it took and which not; an odd row loses no other one, and another shape is unreadable."""
    one, venue = dataclasses.replace(EVERY[name], options=lists_as_tuples(options)).one, EVERY[name].venue
    way, _, kind = way.partition(" ")
    order = Order(id="7", segment=one.name, symbol="@1" if venue == "hyperliquid" else "BTCUSDT", kind=kind)
    request = one.mass_cancels(())[0] if way == "mass" else one.cancels((order,), ())[0][0]
    by_itself = isinstance(body, dict) and body.keys() in ({"whole"}, {"bytes"})
    got = reply(body.get("bytes", "").encode() or body.get("whole", b"") if by_itself else GOOD_ANSWERS[venue](body))
    if isinstance(expected, str):
        with pytest.raises(Unreadable):
            one.acknowledge(request, got)
        return
    failed = tuple(Failure(id=identity, reason=reason) for identity, reason in expected.get("failed", ()))
    fields = {**expected, "cancelled": tuple(expected.get("cancelled", ())), "failed": failed}
    assert one.acknowledge(request, got) == Acknowledgement(**fields)


# --- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("venue", "words", "mode", "expected"), documented("scopes"))
def test_selectors_choose_segments_or_are_refused(
    venue: str, words: dict[str, Any], mode: str, expected: list[str] | str
) -> None:
    """Those that the venue would rank, ignore or find nothing for are refused, with the reason."""
    options = lists_as_tuples(words)
    facts = bitget.BitgetFacts(mode=mode) if mode else None
    if isinstance(expected, str):
        with pytest.raises(OptionError, match=expected):
            segments(venue, options, facts)
    else:
        assert [one.name for one in segments(venue, options, facts)] == expected


@pytest.mark.parametrize(("venue", "words", "known", "expected"), documented("doubts"))
def test_what_the_venue_does_not_know_is_a_doubt_with_the_right_spelling(
    venue: str, words: dict[str, Any], known: list[str], expected: list[str]
) -> None:
    """An order that was listed under a symbol proves that it exists: the lists show only what trades."""
    options = schema(venue).options(**lists_as_tuples(words))
    assert load(venue).doubts(options, frozenset(exist(*known))) == tuple(expected)


@pytest.mark.parametrize(("venue", "words", "environment", "named", "unnamed"), documented("not_covered"))
def test_what_no_request_of_a_scope_reaches_is_named(
    venue: str, words: dict[str, Any], environment: str, named: list[str], unnamed: list[str]
) -> None:
    sentences = load(venue).not_covered(schema(venue).options(**lists_as_tuples(words)), environment)
    for part in (*named, *unnamed):
        assert any(part in sentence for sentence in sentences) is (part in named), part


# --- judging --------------------------------------------------------------------------------------------------------

BY_STATUS: dict[int, tuple[Answer, str]] = {
    200: (Answer.AMBIGUOUS, "unreadable"),
    202: (Answer.AMBIGUOUS, "unreadable"),
    302: (Answer.GATEWAY, "redirect"),
    400: (Answer.GATEWAY, "environment"),
    401: (Answer.GATEWAY, "auth"),
    403: (Answer.GATEWAY, "region"),
    404: (Answer.GATEWAY, "environment"),
    405: (Answer.GATEWAY, "environment"),
    418: (Answer.AGAIN, "rate_limit"),
    429: (Answer.AGAIN, "rate_limit"),
    451: (Answer.GATEWAY, "region"),
    500: (Answer.AMBIGUOUS, "unreadable"),
    502: (Answer.AMBIGUOUS, "unreadable"),
}
SPRING = {"timestamp": "", "error": "", "message": "", "path": "/x"}
CODELESS = (
    *(b"", b" \r\n", b"<!DOCTYPE html><html></html>", b"<html>[/oops]</html>", b'{"a":1}', b'{"code":null}'),
    *(b'{"message":"Unauthorized"}', b'{"code":', json.dumps(SPRING).encode()),
)


@pytest.mark.parametrize("status", BY_STATUS)
@each_venue
def test_a_status_without_a_code_is_a_gateways_word(venue: str, status: int) -> None:
    request = requests(venue)["cancel"]
    for body in CODELESS:
        if venue == "deltadefi" and status == 200 and body.startswith(b"{") and body.endswith(b"}"):
            continue  # its good answers have no code either
        said = load(venue).judge(request, reply(body, status))
        doubtful = status == 400 and venue in ("bitget", "deltadefi", "pacifica")  # their own errors have this one
        expected = (Answer.AMBIGUOUS, "unreadable") if doubtful else BY_STATUS[status]
        assert (said.answer, said.reach) == (expected[0], Reach.REQUEST), body
        assert said.kind == expected[1] or doubtful, body


def _body(venue: str, code: object) -> object:
    """A refusal with this code."""
    if venue == "bybit":
        return {"retCode": code, "retMsg": "words", "result": {"success": "1"}, "retExtInfo": {}, "time": 1}
    if venue == "bitget":
        return {"code": code, "msg": "words", "requestTime": 1700000000100, "data": None}
    if venue == "kraken":
        return {"error": [code]}
    if venue == "deribit":
        return {"jsonrpc": "2.0", "error": {"code": code, "message": "words"}, "testnet": False}
    if venue == "okx":
        return {"code": code, "msg": "words", "data": []}
    if venue == "binance":
        return {"code": code, "msg": "words"}
    return {"code": code, "error" if venue == "deltadefi" else "message": "words", "reason": ""}


ANSWERS = [
    (venue, name, status, body, code, group["said"])
    for venue, groups in documented("answers").items()
    for group in groups
    for name, status, body, code in (
        *(
            (to, status, _body(venue, code), code)
            for to in group.get("to", ())
            for status in group["statuses"]
            for code in group["codes"]
        ),
        *((*answer, None) for answer in group.get("answers", ())),
    )
]


def _alike() -> dict[str, list[tuple[Any, ...]]]:
    """The documented answers by venue, kind of request and what they say: a test for each of thousands takes long."""
    alike: dict[str, list[tuple[Any, ...]]] = {}
    for row in ANSWERS:
        alike.setdefault("-".join((row[0], row[1], *map(str, row[5]))), []).append(row)
    return alike


ALIKE = _alike()


@pytest.mark.parametrize("alike", ALIKE.values(), ids=ALIKE)
def test_documented_answers(alike: list[tuple[Any, ...]]) -> None:
    """A refusal reaches only as far as it must; a code decides whatever the status."""
    request = requests(alike[0][0])[alike[0][1]]
    for row in alike:
        venue, _, status, body, code, (answer, kind, reach) = row
        got = reply(body if code is not None else body["text"].encode() if "text" in body else body["json"], status)
        said = load(venue).judge(request, got)
        assert (said.answer, said.kind, said.reach) == (Answer[str(answer)], kind, Reach[str(reach)]), row
        assert code is None or said.message == (code if venue == "kraken" else f"{code} words"), row
        assert "<h" not in said.message.lower(), row
        if said.answer is Answer.REFUSED and (venue == "bitget" or kind in ("auth", "permission", "ip", "environment")):
            assert said.hint or status == 401 or venue not in ("bitget", "pacifica"), row
        if venue == "bitget":
            assert said.server_ms == 1700000000100, row
        if venue == "deltadefi":
            assert said.suspended is (code == 5002), row


@each_venue
def test_an_odd_time_of_the_answer_costs_nothing(venue: str) -> None:
    kinds = [kind for kind in EVERY.values() if kind.venue == venue]
    kind = next((kind for kind in kinds if isinstance(kind.shape([]), dict)), None)
    if kind is None:
        pytest.skip("its answers are bare lists")
    whole = kind.shape([])
    assert isinstance(whole, dict)
    for odd in ("soon", "", 1.5, {}, [], None):
        said = load(venue).judge(kind.request, reply({**whole, "time": odd, "requestTime": odd}))
        assert (said.answer, said.server_ms) == (Answer.ACCEPTED, None)


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "header", "prehash"),
    [
        ("bybit", "X-BAPI-SIGN", '1700000000000testkey10000{"category":"linear","settleCoin":"USDT"}'),
        ("bitget", "ACCESS-SIGN", '1700000000000POST/api/v2/mix/order/cancel-all-orders{"productType":"USDT-FUTURES"}'),
    ],
)
def test_a_pem_secret_signs_with_rsa(venue: str, header: str, prehash: str) -> None:
    import base64

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    about, options = load(venue), schema(venue).options()
    fields = {"api_key": Secret("testkey"), **({"passphrase": Secret("testpass")} if venue == "bitget" else {})}
    secrets = schema(venue).secrets(**fields, api_secret=Secret(pem))
    about.check_secrets(secrets, options)
    one = next(one for one in segments(venue, {}) if one.name in ("linear USDT", "USDT-FUTURES"))
    (request,) = one.mass_cancels(())
    signature = dict(about.sign(request, secrets, options, 1700000000000, 1).headers)[header]
    assert len(signature) == 344
    key.public_key().verify(base64.b64decode(signature), prehash.encode(), padding.PKCS1v15(), hashes.SHA256())
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    with pytest.raises(SecretError, match="api_secret") as caught:
        about.check_secrets(schema(venue).secrets(**fields, api_secret=Secret(broken)), options)
    assert "AAAA" not in str(caught.value)


# --- any bytes ------------------------------------------------------------------------------------------------------

ENVELOPES = (
    "code msg message reason data error success result list retCode retMsg time requestTime entrustedList endId cursor "
    "orderList nextFlag idLessThan successList failureList strategies cancelled_count has_more next_cursor total_count "
    "total_page order_ids order_id trading_pairs assets ac info contracts accountGroup accountMode errorCode params "
    "legs open closed pending permissions nonce altname wsname unixtime status "
    "testnet order currency entries continuation param"
).split()
WORDS = st.sampled_from(["00000", "0", "1", "live", "limit", "bid", "cancelled", "ADAUSDM", "open"])
FIELDS = sorted({*ENVELOPES, *(field for kind in EVERY.values() for field in kind.row)})
CELL = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | WORDS
)
JSON = st.recursive(
    CELL,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=8,
)


@functools.cache
def bodies(venue: str) -> st.SearchStrategy[bytes]:
    """Anything, JSON, and what nearly is a listing of this venue."""
    kinds = [kind for kind in EVERY.values() if kind.venue == venue]
    near = st.tuples(st.sampled_from(kinds), JSON).map(lambda pair: pair[0].shape(pair[1]))
    return st.binary(max_size=100) | (JSON | near).map(lambda value: json.dumps(value).encode())


@functools.cache
def entries(name: str) -> st.SearchStrategy[list[Any]]:
    """Rows of which some fields are odd, or missing; none says that it is of another category."""
    some = st.dictionaries(st.sampled_from(sorted(EVERY[name].row.keys() - {"category"})), CELL | JSON, max_size=5)
    return st.lists(some | some.map(lambda new: {**EVERY[name].row, **new}) | CELL, max_size=3)


READERS = {
    venue: {(name, request.method, request.path): (request, read) for name, request, read in readers(venue)}
    for venue in VENUES
}


@each_venue
@given(data=st.data(), status=st.sampled_from([200, 200, 201, 302, 400, 403, 404, 429, 500, 503]))
def test_any_answer_is_judged_and_read_or_unreadable(venue: str, data: st.DataObject, status: int) -> None:
    got = reply(data.draw(bodies(venue)), status)
    for request, read in READERS[venue].values():
        said = load(venue).judge(request, got)
        assert isinstance(said.answer, Answer)
        assert status < 300 or said.answer is not Answer.ACCEPTED
        try:
            read(request, got)
        except Unreadable:
            continue


@pytest.mark.parametrize("name", EVERY)
@given(data=st.data())
@pytest.mark.turns(3)
def test_a_page_never_loses_a_row_silently(name: str, data: st.DataObject) -> None:
    """Whatever stands in a row, it is an order, or it has a final status, or it proves nothing."""
    kind, rows = EVERY[name], data.draw(entries(name))
    found = kind.page(rows)
    over = {status.casefold() for status in kind.ended}
    ended = [row for row in rows if isinstance(row, dict) and str(row.get(kind.status, "")).casefold() in over]
    again = (
        len(rows) - len({str(row.get(kind.key)) if isinstance(row, dict) else row for row in rows}) if kind.log else 0
    )
    assert len(found.orders) >= len(rows) - len(ended) - again or found.unsure
    assert len(found.orders) <= len(rows)
