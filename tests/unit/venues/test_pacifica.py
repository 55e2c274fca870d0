"""Pacifica's pure functions: signatures, requests, readers and judgements against documented answers."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import SecretError, Unreadable
from cancelall.core.model import Answer, Order, Page, Priority, Purpose, Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues.contract import Segment
from cancelall.venues.pacifica import api
from cancelall.venues.pacifica import venue as pacifica
from cancelall.venues.pacifica.api import API, OPERATIONS, TWAP
from cancelall.venues.pacifica.options import PacificaSecrets, _unbase58, base58
from support import ROOT, exist
from unit.venues.kinds import ROWS, order_row, reply, strategy_row, twap_row

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "pacifica.json").read_text())
KEYED = [row for row in VECTORS if row["secret_key_base58"]]
CALLED = [row for row in KEYED if urlsplit(row["url"]).path.removeprefix(API) in OPERATIONS]
HEADER = ("account", "agent_wallet", "signature", "timestamp", "expiry_window")
NOW = 1700000000000
# Keys to throw away: their seeds are the bytes 00..1f and 20..3f.
OWNER, AGENT = "FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF", "3ogUn1GNXoASaRbxPNeVJnVv5rG4EPBtmQmX61jVorUe"
OWNER_SECRET = "1GMkH3brNXiNNs1tiFZHu4yZSRrzJwxi5wB9bHFtMikjwpAW9DMZzU2Pqakc5it8X3N5vPmqdN7KF4CCUpmKhq"
AGENT_SECRET = "eFw8KcxosMZqtBWT8JEcdQLHJzEfqMKYxFnupURVKWkTJKiwGjyTrLXnUHcauicAomgCJoC3c5aVhPiYjCSEgJA"


def secrets(text: str = OWNER_SECRET, config_key: str | None = None) -> PacificaSecrets:
    return PacificaSecrets(secret_key=Secret(text), api_config_key=Secret(config_key) if config_key else None)


def answer(data: object, **more: object) -> dict[str, object]:
    return {"success": True, "data": data, "error": None, "code": None, **more}


def refusal(words: str, code: int) -> dict[str, object]:
    return {"success": False, "data": None, "error": words, "code": code}


def segment(name: str, **options: Any) -> Segment:
    found = pacifica.segments(pacifica.PacificaOptions(**options), None, "live")
    return next(one for one in found if one.name == name)


def post(path: str, **payload: object) -> Request:
    purpose = {"/orders/cancel_all": Purpose.MASS_CANCEL, "/orders/twap/cancel": TWAP}.get(path, Purpose.CANCEL)
    return Request(method="POST", path=API + path, body=json.dumps(payload).encode(), changes=True, purpose=purpose)


def get(path: str, query: str = "account=") -> Request:
    return Request(method="GET", path=API + path, query=query, purpose=Purpose.LISTING)


def signed(request: Request, *, widen: int = 1, text: str = OWNER_SECRET, **options: Any) -> Signed:
    return pacifica.sign(request, secrets(text), pacifica.PacificaOptions(**options), NOW, widen)


def listed(name: str, rows: list[dict[str, object]], **options: Any) -> tuple[Order, ...]:
    """What a segment makes of these rows."""
    one = segment(name, **options)
    data: object = {"strategies": rows} if name == "strategies" else rows
    return one.page(one.listings[0][0], reply(answer(data))).orders


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CALLED, ids=lambda row: row["name"])
def test_reproduces_every_body(row: dict[str, Any]) -> None:
    payload = {name: value for name, value in row["body"].items() if name not in HEADER}
    options = {"account": row["account"], "agent_wallet": row["agent_wallet"]} if row["agent_wallet"] else {}
    made = signed(
        post(urlsplit(row["url"]).path.removeprefix(API), **payload),
        text=row["secret_key_base58"],
        expiry_window=row["body"]["expiry_window"],
        **options,
    )
    assert json.loads(made.body) == row["body"]
    assert dict(made.headers) == {"Content-Type": "application/json"}
    assert made.query is None


@pytest.mark.parametrize("row", KEYED, ids=lambda row: row["name"])
def test_reproduces_every_signature_over_its_message(row: dict[str, Any]) -> None:
    made = api._signature(Secret(row["secret_key_base58"]), row["message"].encode())
    assert base58(made) == row["signature"]


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_rebuilds_every_message(row: dict[str, Any]) -> None:
    body = row["body"]
    payload = {name: value for name, value in body.items() if name not in HEADER}
    message = {"type": row["operation_type"], "data": payload}
    message |= {name: body[name] for name in ("timestamp", "expiry_window")}
    made = api._canonical(message)
    assert made.decode() == row["message"]
    assert hashlib.sha256(made).hexdigest() == row["message_sha256"]


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_every_signature_is_the_signer_s(row: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key, signature = _unbase58(row["signer"]), _unbase58(row["signature"])
    assert key is not None
    assert signature is not None
    Ed25519PublicKey.from_public_bytes(key).verify(signature, row["message"].encode())


def test_what_is_sent_first_is_the_canonical_example() -> None:
    (request,) = segment("orders").mass_cancels(())
    body = json.loads(signed(request, expiry_window=5000).body)
    assert body["signature"] == VECTORS[0]["signature"]
    assert request.target == "/api/v1/orders/cancel_all"
    assert request.body == b'{"all_symbols":true,"exclude_reduce_only":false}'
    assert request.changes


def test_a_wider_window_is_signed_and_sent() -> None:
    (request,) = segment("orders").mass_cancels(())
    once, widened = (json.loads(signed(request, widen=widen).body) for widen in (1, 3))
    assert (once["expiry_window"], widened["expiry_window"]) == (30000, 90000)
    assert once["signature"] != widened["signature"]


def test_a_signature_that_begins_with_a_zero_byte_keeps_it() -> None:
    (request,) = segment("orders").mass_cancels(())
    for late in range(5000):
        made = pacifica.sign(request, secrets(), pacifica.PacificaOptions(), NOW + late, 1)
        text = json.loads(made.body)["signature"]
        if text.startswith("1"):
            break
    raw = _unbase58(text)
    assert raw is not None
    assert (len(raw), raw[0]) == (64, 0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\0", "1"),
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (bytes(32), "1" * 32),
    ],
)
def test_base58(data: bytes, text: str) -> None:
    # https://datatracker.ietf.org/doc/html/draft-msporny-base58-03
    assert base58(data) == text
    assert _unbase58(text) == data


@given(st.binary(max_size=80))
def test_base58_goes_there_and_back(data: bytes) -> None:
    assert _unbase58(base58(data)) == data


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "+", "ä", "1" * 201, "abc def"])
def test_what_is_not_base58(text: str) -> None:
    assert _unbase58(text) is None


def test_a_read_names_the_account_and_carries_only_the_config_key() -> None:
    (stage,) = segment("strategies").listings
    made = pacifica.sign(stage[0], secrets(config_key="SIMDUMMY_abcdef"), pacifica.PacificaOptions(), NOW, 1)
    assert (stage[0].query, made.query) == ("account=&limit=500&offset=0", f"account={OWNER}&limit=500&offset=0")
    assert made.headers == (("PF-API-KEY", "SIMDUMMY_abcdef"),)
    assert made.body == b""
    assert signed(get("/orders", f"account={AGENT}"), account=AGENT).query == f"account={AGENT}"
    assert signed(get("/info", "")).query is None
    assert signed(get("/orders")).headers == ()


def test_the_config_key_is_on_cancels_too() -> None:
    (request,) = segment("orders").mass_cancels(())
    made = pacifica.sign(request, secrets(config_key="SIMDUMMY_abcdef"), pacifica.PacificaOptions(), NOW, 1)
    assert dict(made.headers) == {"PF-API-KEY": "SIMDUMMY_abcdef", "Content-Type": "application/json"}
    assert b"SIMDUMMY" not in made.body
    assert "SIMDUMMY" not in repr((made, secrets(config_key="SIMDUMMY_abcdef")))


# --- secrets --------------------------------------------------------------------------------------------------------


def as_array(text: str) -> str:
    return json.dumps(list(_unbase58(text) or b""))


SEED = base58(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (OWNER_SECRET, {}),
        (OWNER_SECRET, {"account": OWNER}),
        (as_array(OWNER_SECRET), {}),
        (f"  {as_array(OWNER_SECRET)}\n", {"account": OWNER}),
        (SEED, {"account": OWNER}),
        (json.dumps(list(range(32))), {"account": OWNER}),
        (AGENT_SECRET, {"account": OWNER, "agent_wallet": AGENT}),
        (as_array(AGENT_SECRET), {"account": OWNER, "agent_wallet": AGENT}),
    ],
)
def test_good_secrets(text: str, options: dict[str, str]) -> None:
    pacifica.check_secrets(secrets(text), pacifica.PacificaOptions(**options))
    assert pacifica.account(secrets(text), pacifica.PacificaOptions(**options)) == OWNER
    (request,) = segment("orders").mass_cancels(())
    signer = OWNER_SECRET if "agent_wallet" not in options else AGENT_SECRET
    expected = pacifica.sign(request, secrets(signer), pacifica.PacificaOptions(**options), NOW, 1)
    assert pacifica.sign(request, secrets(text), pacifica.PacificaOptions(**options), NOW, 1) == expected


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (OWNER, {}, "32 bytes long: that is an address"),
        (OWNER, {"account": OWNER}, "32 bytes long: that is an address"),
        (AGENT, {"account": OWNER, "agent_wallet": AGENT}, "32 bytes long: that is an address"),
        (SEED, {}, "32 bytes long"),
        (SEED, {"account": AGENT}, "32 bytes long"),
        (OWNER_SECRET, {"account": AGENT}, "belongs to …mhiF, not to account …orUe"),
        (OWNER_SECRET, {"account": OWNER, "agent_wallet": AGENT}, "not to agent_wallet …orUe"),
        (AGENT_SECRET, {"account": OWNER}, "not to account …mhiF"),
        (OWNER_SECRET[:-3], {}, "bytes long, not 64"),
        (OWNER_SECRET[1:], {}, "63 bytes long, not 64"),
        (base58(bytes(range(32)) + bytes(32)), {}, "two halves"),
        ("[1, 2, 3]", {}, "3 bytes long"),
        ("[300]", {}, "not a JSON array"),
        ('["a"]', {}, "not a JSON array"),
        ("[1.5]", {}, "not a JSON array"),
        ("[", {}, "not a JSON array"),
        ("[" * 5000, {}, "not a JSON array"),
        ("0OIl", {}, "neither base58 nor"),
        ("", {}, "0 bytes long"),
    ],
)
def test_bad_secrets_are_refused_without_being_shown(text: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(SecretError, match=words) as caught:
        pacifica.check_secrets(secrets(text), pacifica.PacificaOptions(**options))
    assert len(text) < 12 or text not in caught.value.message + caught.value.hint


def test_an_agent_key_without_its_wallet_is_explained() -> None:
    with pytest.raises(SecretError) as caught:
        pacifica.check_secrets(secrets(AGENT_SECRET), pacifica.PacificaOptions(account=OWNER))
    assert "set agent_wallet" in caught.value.hint


# --- options --------------------------------------------------------------------------------------------------------


def test_the_case_of_a_symbol_is_kept() -> None:
    assert pacifica.PacificaOptions(symbol=("kBONK",)).symbol == ("kBONK",)
    requests = segment("orders", symbol=("kBONK", "BTC")).mass_cancels(())
    assert [request.body for request in requests] == [
        b'{"all_symbols":false,"exclude_reduce_only":false,"symbol":"kBONK"}',
        b'{"all_symbols":false,"exclude_reduce_only":false,"symbol":"BTC"}',
    ]


def test_exclude_reduce_only_is_the_venue_s_own_flag() -> None:
    one = segment("orders", exclude_reduce_only=True)
    (request,) = one.mass_cancels(())
    assert request.body == b'{"all_symbols":true,"exclude_reduce_only":true}'
    reducing, other = listed("orders", [order_row(reduce_only=True), order_row(order_id=2)])
    assert (one.keeps(reducing), one.keeps(other), segment("orders").keeps(reducing)) == (True, False, False)


# --- requests -------------------------------------------------------------------------------------------------------


def test_the_segments_and_what_they_read() -> None:
    found = pacifica.segments(pacifica.PacificaOptions(), None, "live")
    assert [(one.name, one.spawns) for one in found] == [("strategies", True), ("TWAP", True), ("orders", False)]
    reads = [request for one in found for stage in one.listings for request in stage]
    assert [request.target for request in reads] == [
        "/api/v1/order_strategies?account=&limit=500&offset=0",
        *("/api/v1/orders/twap?account=", "/api/v1/orders?account="),
    ]
    for request in reads:
        assert (request.method, request.body, request.changes) == ("GET", b"", False)
    assert [len(one.mass_cancels(())) for one in found] == [0, 0, 1]


def test_each_proof_rests_on_a_signed_answer() -> None:
    for one in pacifica.segments(pacifica.PacificaOptions(), None, "live"):
        witness = one.witnesses[0] if one.name == "orders" else one.witnesses[-1]
        assert (witness.harmless, witness.request.changes) == (True, True)
        assert witness.request.path == "/api/v1/orders/twap/cancel"
        assert json.loads(witness.request.body) == {"symbol": "BTC", "order_id": 999_999_999_999}
        accepted = reply(answer(None))
        assert pacifica.judge(witness.request, accepted).answer is Answer.ACCEPTED
        assert witness.read(witness.request, accepted)


@pytest.mark.parametrize(
    ("options", "bodies"),
    [
        ({}, ['{"all_symbols":true,"exclude_reduce_only":false}']),
        (
            {"symbol": ("BTC", "ETH"), "exclude_reduce_only": True},
            [f'{{"all_symbols":false,"exclude_reduce_only":true,"symbol":"{coin}"}}' for coin in ("BTC", "ETH")],
        ),
    ],
)
def test_after_the_strategies_everything_is_cancelled_again_and_nothing_found(
    options: dict[str, Any], bodies: list[str]
) -> None:
    *last, _ = segment("strategies", **options).witnesses
    assert [one.request.body.decode() for one in last] == bodies
    for one in last:
        assert one.request.changes
        assert not one.harmless, "it must not be sent when protective orders are kept"
        assert one.read(one.request, reply(answer({"cancelled_count": 0})))
        assert not one.read(one.request, reply({"cancelled_count": 1}))
        for without in ({}, answer(None), answer({}), *(answer({"cancelled_count": odd}) for odd in (None, -1, "--5"))):
            with pytest.raises(Unreadable):
                one.read(one.request, reply(without))


STOPS = ("stop_limit", "stop_market", "take_profit_limit", "take_profit_market", "stop_loss_limit", "stop_loss_market")
STOPS += ("stop_of_tomorrow", "take_profit", "stop_loss")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *((kind, "/orders/cancel") for kind in ("limit", "market", "iceberg_of_tomorrow")),
        *((kind, "/orders/stop/cancel") for kind in STOPS),
    ],
)
@pytest.mark.parametrize("reduces", [True, False])
def test_cancels_by_name(kind: str, path: str, reduces: bool) -> None:
    orders = listed("orders", [order_row(order_type=kind, reduce_only=reduces)])
    ((request, named),) = segment("orders").cancels(orders, None)
    assert (request.path, request.body.decode()) == (f"/api/v1{path}", '{"symbol":"ASTER","order_id":315979358}')
    assert named == orders
    assert (request.changes, request.priority) == (True, Priority.CANCEL)


def test_cancels_of_twaps_and_strategies_by_name() -> None:
    ((request, _),) = segment("TWAP").cancels(listed("TWAP", [twap_row()]), None)
    assert (request.path, request.body) == ("/api/v1/orders/twap/cancel", b'{"symbol":"URNM","order_id":3703886}')
    ((request, _),) = segment("strategies").cancels(listed("strategies", [strategy_row()]), None)
    assert request.path == "/api/v1/order_strategies/cancel"
    assert request.body == b'{"strategy_id":"0f8e7c2a-4b1d-4e5f-9a3b-2c1d0e9f8a7b"}'


def test_twenty_strategies_wait_for_no_credits_because_nothing_else_cancels_them() -> None:
    orders = listed("strategies", [strategy_row(strategy_id=str(number)) for number in range(30)])
    found = [request.priority for request, _ in segment("strategies").cancels(orders, None)]
    assert found == [Priority.MASS_CANCEL] * 20 + [Priority.CANCEL] * 10
    assert segment("strategies").named_gap > 0, "one that stays is not named again and again"


def test_a_market_in_any_script_is_signed_as_it_is_written() -> None:
    (request,) = segment("orders", symbol=("币安人生",)).mass_cancels(())
    assert "币安人生".encode() in request.body
    body = json.loads(signed(request).body)
    assert body["symbol"] == "币安人生"
    data = {"all_symbols": False, "exclude_reduce_only": False, "symbol": "币安人生"}
    message = api._canonical({"type": "cancel_all_orders", "timestamp": NOW, "expiry_window": 30000, "data": data})
    assert "币安人生".encode() in message
    assert base58(api._signature(Secret(OWNER_SECRET), message)) == body["signature"]


@pytest.mark.parametrize("params", [{}, {"symbol": ["BTC", "ETH"]}, {"symbol": 7}, "x"])
def test_a_strategy_without_a_readable_market_is_open_and_touched_only_without_a_selector(params: object) -> None:
    (order,) = listed("strategies", [strategy_row(params=params)])
    assert order.symbol is None
    assert len(segment("strategies").cancels((order,), None)) == 1
    (order,) = listed("strategies", [strategy_row(params=params)], symbol=("BTC",))
    assert segment("strategies", symbol=("BTC",)).cancels((order,), None) == ()


# --- reading --------------------------------------------------------------------------------------------------------


def test_who_placed_an_order() -> None:
    (order,) = listed("orders", [order_row(parent_id="0f8e7c2a-4b1d-4e5f-9a3b-2c1d0e9f8a7b")])
    assert order.origin == "strategy 0f8e7c2a-4b1d-4e5f-9a3b-2c1d0e9f8a7b"


def page(name: str, rows: object, options: dict[str, Any] | None = None, **more: object) -> Page:
    """The page that a segment makes of these rows."""
    one = segment(name, **(options or {}))
    data = {"strategies": rows} if name == "strategies" else rows
    return one.page(one.listings[0][0], reply(answer(data, **more)))


@pytest.mark.parametrize(("value", "serial"), [(12345, 12345), ("12345", None), (None, None), ([], None)])
def test_how_old_a_listing_is(value: object, serial: int | None) -> None:
    found = page("orders", [], last_order_id=value)
    assert (found.serial, found.orders) == (serial, ())


def test_a_null_in_the_place_of_the_object_is_no_list() -> None:
    one = segment("strategies")
    with pytest.raises(Unreadable):
        one.page(one.listings[0][0], reply(answer(None)))


def test_an_order_id_must_be_a_number_because_its_cancel_says_it_as_one() -> None:
    found = page("orders", [order_row(order_id="x"), order_row(order_id="12"), order_row(order_id=-1)])
    assert [order.id for order in found.orders] == ["12"]


@pytest.mark.parametrize("kind", [None, "", [], {}])
def test_an_order_whose_type_cannot_be_read_is_named_in_both_calls(kind: object) -> None:
    orders = listed("orders", [order_row(order_type=kind)])
    assert [(request.path, named) for request, named in segment("orders").cancels(orders, None)] == [
        ("/api/v1/orders/cancel", orders),
        ("/api/v1/orders/stop/cancel", orders),
    ]


def test_an_order_whose_market_cannot_be_read_is_in_every_scope_and_in_no_cancel() -> None:
    rows = [order_row(symbol=None), order_row(symbol="ETH", order_id=2, price=[])]
    found = page("orders", rows, {"symbol": ("BTC",)})
    assert [(order.symbol, order.id) for order in found.orders] == [(None, "315979358")]
    assert segment("orders", symbol=("BTC",)).cancels(found.orders, None) == ()


@pytest.mark.parametrize("odd", [{"has_more": "perhaps"}, {"has_more": []}, {"next_cursor": {}}])
def test_an_odd_way_on_hides_no_row(odd: dict[str, object]) -> None:
    found = page("orders", [order_row()], **odd)
    assert [order.id for order in found.orders] == ["315979358"]
    assert found.unsure


@pytest.mark.parametrize("name", ["orders", "TWAP"])
def test_a_listing_that_hints_at_more_proves_nothing(name: str) -> None:
    for more in ({"has_more": True}, {"has_more": True, "next_cursor": "2VfUX"}, {"next_cursor": "2VfUX"}):
        assert page(name, [], **more).unsure
    assert not page(name, [], has_more=False, next_cursor=None).unsure


def test_a_full_page_of_strategies_is_read_on() -> None:
    one = segment("strategies")
    rows = [strategy_row(strategy_id=str(number)) for number in range(500)]
    (first,) = one.listings[0]
    page = one.page(first, reply(answer({"strategies": rows})))
    assert page.next is not None
    assert page.full
    assert page.next.query == "account=&limit=500&offset=500"
    again = one.page(page.next, reply(answer({"strategies": rows})))
    assert again.next is not None
    assert again.next.query == "account=&limit=500&offset=1000"
    short = one.page(first, reply(answer({"strategies": rows[1:]})))
    assert (short.next, short.full) == (None, False)


def test_symbols_narrow_every_listing_and_their_case_counts() -> None:
    symbols = ("BTC", "btc", "kBONK", "ETH")
    rows = [order_row(symbol=symbol, order_id=number) for number, symbol in enumerate(symbols, 1)]
    assert [order.id for order in listed("orders", rows, symbol=("BTC", "kBONK"))] == ["1", "3"]
    assert listed("TWAP", [twap_row()], symbol=("BTC",)) == ()
    assert listed("strategies", [strategy_row()], symbol=("ETH",)) == ()
    assert len(listed("strategies", [strategy_row()], symbol=("BTC",))) == 1


STOP, LIMIT = order_row(order_type="stop_loss_market", reduce_only=True), order_row(reduce_only=True)


@pytest.mark.parametrize(
    ("kept", "counts", "fits"),
    [
        ([], (0, 0), True),
        ([], (1, 0), False),
        ([], (0, 1), False),
        ([STOP], (0, 1), True),
        ([STOP, LIMIT], (1, 1), True),
        ([STOP, LIMIT], (0, 0), False),
        ([LIMIT], (0, 1), False),
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_the_counts_of_the_account_must_fit_what_stays(
    kept: list[dict[str, object]], counts: tuple[int, int], fits: bool, as_list: bool
) -> None:
    _, witness = segment("orders").witnesses
    assert witness.fits is not None
    data = {"orders_count": counts[0], "stop_orders_count": counts[1], "positions_count": 3}
    said = reply(answer([data] if as_list else data))
    assert witness.fits(listed("orders", kept), witness.request, said) is fits
    assert (witness.request.path, witness.request.changes) == ("/api/v1/account", False)


@pytest.mark.parametrize(
    "data", [None, [], [{}, {}], {}, {"orders_count": 0}, {"orders_count": 0, "stop_orders_count": None}, "x"]
)
def test_an_account_without_counts_is_unreadable(data: object) -> None:
    _, witness = segment("orders").witnesses
    assert witness.fits is not None
    with pytest.raises(Unreadable):
        witness.fits((), witness.request, reply(answer(data)))


def test_with_a_symbol_the_counts_say_nothing() -> None:
    assert len(segment("orders", symbol=("BTC",)).witnesses) == 1
    assert "counts" in pacifica.unwitnessed(pacifica.PacificaOptions(symbol=("BTC",)), False, False)
    assert "last cancel" in pacifica.unwitnessed(pacifica.PacificaOptions(), True, False)
    assert "mistyped account" in pacifica.unwitnessed(pacifica.PacificaOptions(), False, True)
    assert pacifica.unwitnessed(pacifica.PacificaOptions(), False, False) == ""


# --- how orders ended -----------------------------------------------------------------------------------------------


def history_row(**changes: object) -> dict[str, object]:
    """The document's sample, cancelled."""
    return {**ROWS["pacifica history"], **changes}


HISTORY = get("/orders/history", "account=&limit=100")


def test_a_history_is_of_all_markets() -> None:
    said = reply(answer([history_row(), history_row(symbol="BTC", order_id=1)]))
    final_page = segment("orders", symbol=("BTC",)).final_page(HISTORY, said)
    assert [order.id for order, _, _ in final_page.orders] == ["1"]
    ((order, _, _), _) = segment("orders").final_page(HISTORY, said).orders
    assert (order.id, order.ended_ms, order.price, order.quantity) == ("315992721", 1759224895038, "1.0865", "984")


def test_an_odd_record_hides_no_other_one() -> None:
    odd = history_row(order_id=7, updated_at="soon", amount=[])
    rows = [None, {}, history_row(order_id=None), odd, history_row(), history_row(order_status=[])]
    final_page = segment("orders").final_page(HISTORY, reply(answer(rows, has_more="?")))
    assert [order.id for order, _, _ in final_page.orders] == ["7", "315992721"]


@pytest.mark.parametrize(
    ("left", "following"), [("r=600", "account=&limit=100&cursor=a%2Fb"), ("r=500", None), ("r=0", None), ("", None)]
)
def test_a_history_is_read_on_while_there_is_plenty_left(left: str, following: str | None) -> None:
    headers = {"ratelimit": f'"credits";{left};t=32', "ratelimit_policy": '"credits";q=1000;w=60'}
    said = reply(answer([], next_cursor="a/b", has_more=True), **headers)
    final_page = segment("orders").final_page(HISTORY, said)
    more = final_page.next
    assert (more.query if more else None) == following
    assert bool(final_page.more) is (following is None), "nobody knows in which order the pages come"
    if more:
        again = segment("orders").final_page(more, reply(answer([], next_cursor="c", has_more=True), **headers)).next
        assert again is not None
        assert again.query == "account=&limit=100&cursor=c"


def test_a_history_is_only_nice_to_know() -> None:
    for name, path in (("orders", "/api/v1/orders/history"), ("TWAP", "/api/v1/orders/twap/history")):
        (request,) = segment(name).final_states((), 0)
        assert (request.path, request.priority) == (path, Priority.OTHER)
        assert segment(name).unnamed
    assert segment("strategies").final_states((), 0) == ()


# --- discovery ------------------------------------------------------------------------------------------------------


def test_symbols_are_looked_up_beside_the_kill() -> None:
    assert pacifica.discoveries(pacifica.PacificaOptions(account=OWNER), None) == ()
    (read,) = pacifica.discoveries(pacifica.PacificaOptions(symbol=("btc",), account=OWNER), None)
    assert (read.request.path, read.request.query, read.request.changes) == ("/api/v1/info", "", False)
    batch = read.read(read.request, reply(answer([{"symbol": "BTC"}, {"symbol": "kBONK"}])))
    assert batch.names == exist("symbol BTC", "symbol kBONK")
    odd = [None, {}, {"symbol": []}, {"symbol": "BTC"}, 7, {"symbol": "币"}]
    assert read.read(read.request, reply(answer(odd))).names == exist("symbol BTC", "symbol 币")
    for body in (answer(None), answer([{}]), answer([]), answer([None]), b"", {}):
        with pytest.raises(Unreadable):
            read.read(read.request, reply(body))


ACCOUNT = {"balance": "0", "account_equity": "0.00", "positions_count": 0, "orders_count": 0, "stop_orders_count": 0}


@pytest.mark.parametrize("symbols", [(), ("BTC",)])
@pytest.mark.parametrize(
    ("changes", "exists"),
    [
        ({}, False),
        ({"balance": "10.5"}, True),
        ({"account_equity": "-3"}, True),
        ({"positions_count": 1}, True),
        ({"stop_orders_count": 2}, True),
        ({"spot_balances": [{"symbol": "USDC"}]}, True),
        ({"balance": []}, False),
    ],
)
def test_the_address_of_a_key_is_an_account_only_if_the_venue_shows_one(
    symbols: tuple[str, ...], changes: dict[str, object], exists: bool
) -> None:
    options = pacifica.PacificaOptions(symbol=symbols)
    *_, read = pacifica.discoveries(options, None)
    assert (read.request.path, read.request.query, read.optional) == ("/api/v1/account", "account=", False)
    assert "account, taken from the key" in read.name
    for data in ({**ACCOUNT, **changes}, [{**ACCOUNT, **changes}]):
        names = {*read.read(read.request, reply(answer(data))).names, *exist(*(f"symbol {one}" for one in symbols))}
        doubts = pacifica.doubts(options, frozenset(names))
        assert bool(doubts) is not exists
        assert exists or "agent" in doubts[0]
        assert "account taken from the key" in pacifica.remarks(options, frozenset(names))[0]


@pytest.mark.parametrize(
    "body", [answer(None), answer([]), answer({}), answer({"balance": "5"}), answer([{}, {}]), b""]
)
def test_an_account_that_the_venue_does_not_show_is_not_known(body: object) -> None:
    (read,) = pacifica.discoveries(pacifica.PacificaOptions(), None)
    with pytest.raises(Unreadable):
        read.read(read.request, reply(body))


def test_a_configured_account_needs_no_such_proof() -> None:
    assert pacifica.remarks(pacifica.PacificaOptions(account=OWNER), frozenset()) == ()


# --- judging --------------------------------------------------------------------------------------------------------

ALL, ONE, READ = post("/orders/cancel_all"), post("/orders/cancel"), get("/orders")
STRATEGY_ONE = post("/order_strategies/cancel")


def test_a_halt_keeps_an_empty_listing_from_proving_anything() -> None:
    for words, code in (("TRADING_DISABLED", 38), ("Trading is disabled", 422), ("", 38)):
        said = pacifica.judge(ALL, reply(refusal(words, code), 422))
        assert (said.answer, said.suspended) == (Answer.AMBIGUOUS, True)


def test_a_host_without_a_listing_says_which() -> None:
    said = pacifica.judge(get("/order_strategies"), reply(b"", 404))
    assert "/api/v1/order_strategies" in said.message
    assert "not checked" in said.message


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"ratelimit": '"credits";r=0;t=32'}, 32.0),
        ({"ratelimit": '"credits";r=0;t=32', "retry_after": "600"}, 32.0),
        ({"retry_after": "7"}, 7.0),
        ({"ratelimit": "rubbish", "retry_after": "Wed, 21 Oct 2099 07:28:00 GMT"}, None),
        ({"ratelimit": '"credits";r=0;t=99999999999999999999'}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_for_credits(headers: dict[str, str], after: float | None) -> None:
    assert pacifica.judge(ALL, reply(b"", 429, **headers)).after == after


@pytest.mark.parametrize(
    ("left", "quota", "hold"),
    [(251, 1000, None), (250, 1000, 32.0), (0, 3000, 32.0), (51, 100, None), (50, 100, 32.0), (250, None, 32.0)],
)
def test_credits_for_the_proof_are_kept_back(left: int, quota: int | None, hold: float | None) -> None:
    headers = {"ratelimit": f'"credits";r={left};t=32'} | (
        {"ratelimit_policy": f'"credits";q={quota};w=60'} if quota else {}
    )
    assert pacifica.judge(READ, reply(answer([]), **headers)).hold == hold


def test_what_is_said_of_the_account_and_of_what_is_left_out() -> None:
    assert pacifica.account(secrets(), pacifica.PacificaOptions()) == OWNER
    assert pacifica.account(secrets(AGENT_SECRET), pacifica.PacificaOptions(account=OWNER, agent_wallet=AGENT)) == OWNER
    assert pacifica.VENUE.late_ms(pacifica.PacificaOptions(expiry_window=5000)) == 5000


# --- whatever a venue may send --------------------------------------------------------------------------------------


@given(body=st.binary(max_size=60), status=st.integers(100, 599), header=st.text(max_size=40))
def test_any_answer_is_judged(body: bytes, status: int, header: str) -> None:
    for request in (ALL, ONE, STRATEGY_ONE, READ):
        pacifica.judge(request, reply(body, status, ratelimit=header, ratelimit_policy=header, retry_after=header))


@given(text=st.text(max_size=100))
def test_any_secret_is_a_key_or_refused(text: str) -> None:
    try:
        pacifica.check_secrets(secrets(text), pacifica.PacificaOptions())
    except SecretError:
        return


def test_a_secret_that_is_a_word_of_the_venue_changes_no_judgement() -> None:
    Secret("Order not found")
    said = pacifica.judge(post("/orders/cancel", symbol="BTC", order_id=1), reply(refusal("Order not found", 5), 422))
    assert said.answer is Answer.NOTHING_OPEN
    assert "Order not found" not in said.message
