"""Deribit's pure functions: signatures of other people's code, requests, reports, histories, the pre-flight."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import SecretError, Unreadable
from cancelall.core.model import Answer, Order, Priority, Protection, Purpose, Request, State
from cancelall.core.secret import Secret
from cancelall.venues.contract import SYMBOL, Known
from cancelall.venues.deribit import api
from cancelall.venues.deribit.hosts import HOSTS
from cancelall.venues.deribit.options import DeribitOptions, DeribitSecrets
from cancelall.venues.deribit.positions import POSITIONS
from cancelall.venues.deribit.preflight import PREFLIGHT
from cancelall.venues.deribit.segments import DeribitOrders, currencies_of
from cancelall.venues.deribit.venue import VENUE, lookup
from clients import by_a_client, needed
from support import ROOT
from unit.venues.kinds import GOOD_ANSWERS, ROWS, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "deribit.json").read_text())
SECRETS = DeribitSecrets(client_id=Secret("testkey"), client_secret=Secret("testsecret"))
good = GOOD_ANSWERS["deribit"]


def segments(environment: str = "live", **options: Any) -> tuple[DeribitOrders, ...]:
    made = VENUE.segments(DeribitOptions(**options), None, environment)
    assert all(isinstance(one, DeribitOrders) for one in made)
    return made  # type: ignore[return-value]


ACCOUNT = segments()[0]
(CANCEL_ALL,) = ACCOUNT.mass_cancels(())


def order(identity: str = "ETH-331562", **more: Any) -> Order:
    return Order(**{"id": identity, "segment": "account", "symbol": "ETH-PERPETUAL", "kind": "limit", **more})


# --- signatures -----------------------------------------------------------------------------------------------------

SIGNED = [one for one in VECTORS if "Authorization" in one["headers"]]


def parts(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "deri-hmac-sha256"
    return dict(part.split("=", 1) for part in rest.split(","))


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_reproduces_every_signature(row: dict[str, Any]) -> None:
    """With the nonce of the vector, over the same path, query and body; the order of the parts is free."""
    path, _, query = row["url"].removeprefix(HOSTS["live"]).partition("?")
    body = (row["body"] or "").encode()
    request = Request(method=row["method"], path=path, query=query, body=body)
    wanted = parts(row["headers"]["Authorization"])
    header = api.authorization(request, SECRETS, int(wanted["ts"]), wanted["nonce"])
    assert parts(header) == wanted
    if "ccxt" in row["source"]:
        assert header == row["headers"]["Authorization"]


@pytest.mark.parametrize(
    "row", [one for one in VECTORS if "client_signature" in one["name"]], ids=lambda row: row["name"]
)
def test_reproduces_every_login(row: dict[str, Any]) -> None:
    params = json.loads(row["body"])["params"]
    secret = "AMANDASECRECT" if params["client_id"] == "AMANDA" else "testsecret"
    secrets = DeribitSecrets(client_id=Secret(params["client_id"]), client_secret=Secret(secret))
    body = api.login_body(secrets, params["timestamp"], params["nonce"])
    assert json.loads(body)["params"] == params
    if params["client_id"] == "testkey":
        assert body.decode() == row["body"]


def sent() -> dict[str, Request]:
    """Every request that the module can send, by its target."""
    trigger, quote = order("ETH-SLIS-12", kind="stop_limit"), order(kind="quote")
    found: list[Request] = []
    for options in (
        {},
        {"kind": "option"},
        {"kind": "spot"},
        {"currency": ("BTC",)},
        {"currency": ("ETH",), "kind": "option_combo"},
        {"instrument": ("XRP_USDC-30JUN23-0d625-C",)},
    ):
        for one in segments(**options):
            found += [*one.mass_cancels((quote,)), *one.listings[0], *one.final_states((trigger,), 0)]
            found += [request for request, _ in one.cancels((trigger,), None)]
            found += one.final_states((order("1", symbol="BTC-PERPETUAL"),), 0)
    found += [question.request for question in PREFLIGHT.questions(DeribitOptions(), 0)]
    found += [probe.request for probe in PREFLIGHT.probes(DeribitOptions(), "live")]
    found += [one.request for one in POSITIONS.listings(DeribitOptions(), ACCOUNT.listings[0])]
    return {one.target: one for one in found}


@by_a_client
def test_typed_deribit_signs_every_request_as_we_do() -> None:
    """https://github.com/tribulnation/typed: with its nonce and at its time, whatever the method and the query are."""
    auth = needed("typed_deribit.core.auth")
    keys = auth.Credentials(SECRETS.client_id.reveal(), SECRETS.client_secret.reveal())
    signed = [one for one in sent().values() if one.signed]
    assert len(signed) > 15
    for one in signed:
        theirs = parts(auth.hmac_auth_header(keys, method=one.method, uri=one.target, body=one.body.decode()))
        assert parts(api.authorization(one, SECRETS, int(theirs["ts"]), theirs["nonce"])) == theirs
    login = json.loads(api.login_body(SECRETS, 1_700_000_000_000, "nonce"))["params"]
    assert login["signature"] == auth.sign("1700000000000\nnonce\n", keys.client_secret)


def test_the_vectors_are_requests_that_are_sent() -> None:
    """Byte for byte, but for three that other clients write in another way."""
    targets = set(sent())
    others = {row["name"] for row in VECTORS if row["url"].removeprefix(HOSTS["live"]) not in targets}
    assert others == {"GET cancel_by_label", "POST cancel_all detailed (typed-deribit spacing)"}
    assert {one.method for one in sent().values()} == {"GET", "POST"}
    assert [one.target for one in sent().values() if one.method == "POST"] == ["/api/v2/public/auth"]


def test_no_nonce_comes_twice_even_in_one_millisecond() -> None:
    headers = [
        dict(VENUE.sign(CANCEL_ALL, SECRETS, DeribitOptions(), 1_700_000_000_000, 1).headers) for _ in range(200)
    ]
    nonces = {parts(one["Authorization"])["nonce"] for one in headers}
    assert len(nonces) == 200
    assert all(len(nonce) == 32 for nonce in nonces)
    login = PREFLIGHT.questions(DeribitOptions(), 0)[1].request
    bodies = {VENUE.sign(login, SECRETS, DeribitOptions(), 1_700_000_000_000, 1).body for _ in range(50)}
    assert len(bodies) == 50


def test_a_signed_get_has_no_body_and_no_other_header() -> None:
    signed = VENUE.sign(CANCEL_ALL, SECRETS, DeribitOptions(), 1_700_000_000_000, 1)
    assert (signed.body, signed.query, [name for name, _ in signed.headers]) == (b"", None, ["Authorization"])
    assert "testsecret" not in repr((signed, signed.headers))


PEM = f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwN{'A' * 24}\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
def test_an_asymmetric_key_is_refused_before_anything_is_sent(kind: str) -> None:
    secrets = DeribitSecrets(client_id=Secret("abcdefgh"), client_secret=Secret(PEM.replace("PRIVATE KEY", kind)))
    for refuse in (
        lambda: VENUE.check_secrets(secrets, DeribitOptions()),
        lambda: VENUE.sign(CANCEL_ALL, secrets, DeribitOptions(), 1, 1),
    ):
        with pytest.raises(SecretError, match="client_secret is a PEM private key") as caught:
            refuse()
        assert "make a key whose secret Deribit generates" in caught.value.hint
        assert "MC4CAQ" not in caught.value.line
    VENUE.check_secrets(SECRETS, DeribitOptions())


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "cancels", "listing"),
    [
        ({}, ["cancel_all?detailed=true"], "get_open_orders"),
        (
            {"kind": "spot"},
            ["cancel_all_by_kind_or_type?currency=any&kind=spot&detailed=true"],
            "get_open_orders?kind=spot",
        ),
        (
            {"currency": ("btc",)},
            ["cancel_all_by_currency?currency=BTC&detailed=true"],
            "get_open_orders_by_currency?currency=BTC",
        ),
        (
            {"currency": ("ETH",), "kind": "option"},
            ["cancel_all_by_currency?currency=ETH&kind=option&detailed=true"],
            "get_open_orders_by_currency?currency=ETH&kind=option",
        ),
        (
            {"instrument": ("BTC-PERPETUAL", "BTC_USDC")},
            [
                "cancel_all_by_instrument?instrument_name=BTC-PERPETUAL&detailed=true",
                "cancel_all_by_instrument?instrument_name=BTC_USDC&detailed=true",
            ],
            "get_open_orders",
        ),
    ],
)
def test_each_scope_is_one_listing_without_pages_and_cancels_that_know_nothing(
    options: dict[str, Any], cancels: list[str], listing: str
) -> None:
    (one,) = segments(**options)
    assert [request.target for request in one.blind] == [f"/api/v2/private/{path}" for path in cancels]
    assert one.listings == ((one.listings[0][0],),)
    assert one.listings[0][0].target == f"/api/v2/private/{listing}"
    for request in one.blind:
        assert (request.method, request.changes, request.priority) == ("GET", True, Priority.MASS_CANCEL)
    assert [witness.request for witness in one.witnesses] == list(one.blind)


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, ["cancel_type=all"]),
        ({"currency": ("BTC",)}, ["cancel_type=currency&currency=BTC"]),
        ({"instrument": ("A-1", "B-1")}, [f"cancel_type=instrument&instrument_name={one}-1" for one in "AB"]),
        ({"kind": "option"}, []),
        ({"currency": ("BTC",), "kind": "option"}, []),
    ],
)
def test_quotes_that_survive_are_cancelled_by_themselves_and_nothing_else_with_them(
    options: dict[str, Any], query: list[str]
) -> None:
    (one,) = segments(**options)
    more = [request for request in one.mass_cancels((order(), order("2", kind="quote"))) if request not in one.blind]
    assert [(request.path, request.query) for request in more] == [
        ("/api/v2/private/cancel_quotes", f"{part}&detailed=true") for part in query
    ]
    assert one.mass_cancels((order(),)) == one.blind
    assert all(request.purpose == api.QUOTES for request in more)


def test_cancels_by_name_are_one_by_one() -> None:
    named = ACCOUNT.cancels((order("1"), order("ETH-SLIS-12")), None)
    assert [request.target for request, _ in named] == [
        "/api/v2/private/cancel?order_id=1",
        "/api/v2/private/cancel?order_id=ETH-SLIS-12",
    ]
    assert [request.priority for request, _ in named] == [Priority.CANCEL] * 2


# --- which environment ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ["live", "testnet"])
def test_an_answer_from_the_other_environment_is_refused_whatever_it_says(environment: str) -> None:
    (one,) = segments(environment)
    ours = environment == "testnet"
    for request in (
        *one.blind,
        one.listings[0][0],
        one.cancels((order(),), None)[0][0],
        *one.final_states((order(),), 0),
    ):
        for body in (
            {"result": []},
            {"result": 3},
            {"error": {"code": 10028, "message": "x"}},
            {"error": {"code": 13009}},
        ):
            said = VENUE.judge(request, reply({**body, "testnet": not ours}, 400 if "error" in body else 200))
            assert (said.answer, said.kind, said.reach.name) == (Answer.REFUSED, "environment", "KEY")
            assert environment in said.message
            assert VENUE.judge(request, reply({**body, "testnet": ours})).kind != "environment"


@pytest.mark.parametrize("flag", [None, "false", 0, [], ...])
def test_a_listing_that_does_not_say_its_environment_proves_nothing(flag: object) -> None:
    body = {"jsonrpc": "2.0", "result": [ROWS["deribit"]], **({} if flag is ... else {"testnet": flag})}
    page = ACCOUNT.page(ACCOUNT.listings[0][0], reply(body))
    assert [one.id for one in page.orders] == ["146062"], "it is acted on all the same"
    assert "environment" in page.unsure
    assert VENUE.judge(ACCOUNT.listings[0][0], reply(body)).answer is Answer.ACCEPTED


# --- reports --------------------------------------------------------------------------------------------------------

REPORT = [
    {"type": "trigger", "currency": "ETH", "result": [ROWS["deribit trigger"]]},
    {
        "type": "limit",
        "currency": "BTC",
        "instrument_name": "X",
        "result": [{**ROWS["deribit"], "order_state": "cancelled"}],
    },
    {"type": "limit", "currency": "ETH", "error": {"code": 10047, "message": "matching_engine_queue_full"}},
]


def test_a_report_names_the_orders_with_all_that_it_shows_of_them() -> None:
    """The first listing may come too late to show them: what is protective has to be known all the same."""
    rows = [{"result": [{**ROWS["deribit trigger"], "reduce_only": True}, {**ROWS["deribit"], "label": "mine"}]}]
    said = ACCOUNT.acknowledge(CANCEL_ALL, reply(good(rows)))
    assert said.cancelled == ("ETH-SLIS-12", "146062")
    assert [(one.symbol, one.client_id, one.protection) for one in said.orders] == [
        ("ETH-PERPETUAL", "desk 7", Protection.PROTECTIVE),
        ("BTC-15FEB19-3250-P", "mine", Protection.NONE),
    ]
    assert said.orders[0].row["trigger_price"] == "143.73"
    assert not said.capped


def test_a_part_that_failed_is_fired_at_again_and_costs_no_other() -> None:
    got = reply(good(REPORT))
    assert VENUE.judge(CANCEL_ALL, got).answer is Answer.ACCEPTED
    said = ACCOUNT.acknowledge(CANCEL_ALL, got)
    assert said.cancelled == ("ETH-SLIS-12", "146062")
    assert (said.capped, [one.reason for one in said.failed]) == (
        True,
        ["10047 matching_engine_queue_full (limit ETH)"],
    )
    alone = VENUE.judge(CANCEL_ALL, reply(good(REPORT[2:])))
    assert (alone.answer, alone.after) == (Answer.AGAIN, 0.5)


def test_only_a_cancel_that_names_nothing_is_a_witness() -> None:
    (witness,) = ACCOUNT.witnesses
    assert VENUE.judge(witness.request, reply(good([]))).answer is Answer.NOTHING_OPEN
    assert VENUE.judge(witness.request, reply(good(0))).answer is Answer.NOTHING_OPEN
    for took in (1, [{"order": {"order_id": "1"}}], REPORT):
        assert VENUE.judge(witness.request, reply(good(took))).answer is Answer.ACCEPTED
        assert witness.read(witness.request, reply(good(took))) is False
    assert witness.twice is not None
    said_null = reply(good(None))
    assert VENUE.judge(witness.request, said_null).answer is Answer.ACCEPTED
    assert [witness.twice(witness.request, one) for one in (said_null, reply(good([])), reply({}))] == [
        True,
        False,
        False,
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["order", "result", "error", "order_id", "order_state", "code", "message", "type", "currency"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(result=JSON)
def test_any_report_is_read_or_unreadable_and_nothing_open_only_where_nothing_stands(result: object) -> None:
    got = reply(good(result))
    said = VENUE.judge(CANCEL_ALL, got)
    try:
        done = api.report(got)
    except Unreadable:
        assert said.answer in (Answer.AMBIGUOUS, Answer.REFUSED)
        return
    if said.answer is Answer.NOTHING_OPEN:
        assert not done.took
        assert not done.errors
        assert result in (0, 0.0) or all(one.get("result") == [] for one in result)  # type: ignore[union-attr]
    if said.answer is Answer.ACCEPTED:
        assert len(ACCOUNT.acknowledge(CANCEL_ALL, got).cancelled) == len(done.cancelled)


# --- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [13009, 13004, 10000])
def test_a_refused_signature_may_be_about_the_clock(code: int) -> None:
    body = {"error": {"code": code, "message": "x"}, "testnet": False, "usOut": 1_700_000_000_123_456}
    said = VENUE.judge(CANCEL_ALL, reply(body, 401))
    assert (said.answer, said.perhaps_clock, said.server_ms) == (Answer.REFUSED, True, 1_700_000_000_123)
    other = VENUE.judge(CANCEL_ALL, reply({**body, "error": {"code": 13021, "message": "x"}}, 403))
    assert not other.perhaps_clock


def test_a_wait_that_an_error_names_is_obeyed() -> None:
    for wait, expected in ((7, 7.0), (0, 0.1), (-1, 0.1), ("x", 0.1), (10**9, 86_400.0), (None, 0.1), ([], 0.1)):
        body = {"error": {"code": 10028, "message": "too_many_requests", "data": {"wait": wait}}, "testnet": False}
        assert VENUE.judge(CANCEL_ALL, reply(body, 429)).after == expected


# --- scope ----------------------------------------------------------------------------------------------------------


def test_instruments_are_picked_out_of_the_listing_of_the_account() -> None:
    (one,) = segments(instrument=("BTC-15FEB19-3250-P",))
    rows = [ROWS["deribit"], ROWS["deribit trigger"], {**ROWS["deribit"], "order_id": "3", "instrument_name": []}]
    page = one.page(one.listings[0][0], reply(good(rows)))
    assert [shown.id for shown in page.orders] == ["146062", "3"]
    assert page.unsure
    assert [one.unsaid(shown) for shown in page.orders] == [False, True], "it may be one of another instrument"
    assert not ACCOUNT.unsaid(page.orders[1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BTC-PERPETUAL", ("any", "future")),
        ("BTC_USDC-PERPETUAL", ("any", "future")),
        ("BTC-5AUG16", ("any", "future")),
        ("BTC_USDC", ("any", "spot")),
        ("BTC-25MAR23-420-C", ("BTC", "option")),
        ("XRP_USDC-30JUN23-0d625-P", ("USDC", "option")),
        ("BTC-FS-27SEP24_PERP", ("any", "future_combo")),
        ("BTC-CS-27SEP24-60000_65000", ("any", "option_combo")),
        ("BTC-CSR13-27SEP24-60000_65000", ("any", "option_combo")),
        ("btc-perpetual", ("any", "future")),
        ("", ("any", "future")),
    ],
)
def test_an_instrument_is_looked_up_among_those_of_its_shape(name: str, expected: tuple[str, str]) -> None:
    assert lookup(name) == expected


def test_selectors_are_looked_up_and_nothing_else() -> None:
    assert VENUE.discoveries(DeribitOptions(kind="option"), None) == ()
    (coins,) = VENUE.discoveries(DeribitOptions(currency=("BTC",)), None)
    assert (coins.request.target, coins.request.signed) == ("/api/v2/public/get_currencies", False)
    rows = [{"currency": "BTC"}, 7, {"currency": {}}, {"currency": "SOL"}]
    assert coins.read(coins.request, reply(good(rows))).names == (Known("currency", "BTC"), Known("currency", "SOL"))
    names = ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC_USDC", "ETH-25MAR27-4000-C")
    reads = VENUE.discoveries(DeribitOptions(instrument=names), None)
    assert [one.request.query for one in reads] == [
        "currency=any&kind=future",
        "currency=any&kind=spot",
        "currency=ETH&kind=option",
    ]
    shown = reads[0].read(reads[0].request, reply(good([{"instrument_name": "BTC-PERPETUAL"}])))
    assert shown.names == (Known(SYMBOL, "BTC-PERPETUAL"),)
    with pytest.raises(Unreadable):
        reads[0].read(reads[0].request, reply(good([{"name": "BTC-PERPETUAL"}])))


# --- afterwards -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "symbol", "expected"),
    [
        ("146062", "BTC-PERPETUAL", ("BTC",)),
        ("146062", None, ("BTC",)),
        ("ETH-331562", None, ("ETH",)),
        ("ETH-SLIS-12", None, ("ETH",)),
        ("BTC_USDC-13133482", None, ("BTC", "USDC")),
        ("BTC_USDC-13133482", "BTC_USDC", ("BTC", "USDC")),
        ("USDC-7", "XRP_USDC-30JUN23-0d625-C", ("USDC",)),
        ("7", "BTC-FS-27SEP24_PERP", ("BTC",)),
    ],
)
def test_an_order_has_a_history_by_its_instrument_or_its_id(
    identity: str, symbol: str | None, expected: tuple[str, ...]
) -> None:
    assert currencies_of(order(identity, symbol=symbol)) == expected


def test_histories_are_read_by_currency_and_those_of_triggers_apart() -> None:
    orders = (order(), order("BTC-SLTS-2", symbol=None, kind=""), order("1", symbol="BTC-PERPETUAL"))
    assert [one.target.rpartition("/")[2] for one in ACCOUNT.final_states(orders, 0)] == [
        "get_trigger_order_history?currency=BTC&count=1000",
        "get_order_history_by_currency?currency=ETH&kind=any&count=1000&include_unfilled=true",
        "get_order_history_by_currency?currency=BTC&kind=any&count=1000&include_unfilled=true",
    ]
    assert ACCOUNT.final_states((), 0) == ()
    (spot,) = segments(currency=("USDC",), kind="spot")
    assert [one.query for one in spot.final_states((order(symbol="BTC_USDC"),), 0)] == [
        "currency=USDC&kind=spot&count=1000&include_unfilled=true"
    ]


def test_a_full_page_of_a_history_is_followed() -> None:
    (request,) = ACCOUNT.final_states((order(),), 0)
    rows = [{**ROWS["deribit"], "order_id": str(number), "order_state": "cancelled"} for number in range(1000)]
    first = ACCOUNT.final_page(request, reply(good(rows)))
    assert first.next is not None
    assert first.next.query.endswith("&offset=1000")
    assert (len(first.orders), first.orders[0][0].ended_ms) == (1000, 1550050597036)
    second = ACCOUNT.final_page(first.next, reply(good(rows)))
    assert second.next is not None
    assert second.next.query.endswith("&offset=2000")
    assert ACCOUNT.final_page(second.next, reply(good(rows[:999]))).next is None


TRIGGER = {
    **{"trigger_order_id": "ETH-SLIS-12", "order_id": None, "order_state": "cancelled", "request": "cancel"},
    **{"instrument_name": "ETH-PERPETUAL", "direction": "sell", "price": "market_price", "amount": 10, "label": "x"},
    **{"trigger": "mark_price", "trigger_price": 143.73, "order_type": "market", "reduce_only": None},
    "timestamp": 1555918941451,
}


@pytest.mark.parametrize(
    ("changes", "state", "note"),
    [
        ({}, State.CANCELLED, ""),
        ({"order_state": "triggered", "order_id": "ETH-42"}, State.GONE, "triggered; it placed ETH-42"),
        ({"order_state": "rejected:reduce_direction"}, State.GONE, "rejected:reduce_direction"),
        ({"order_state": "created"}, None, ""),
        ({"order_state": {}}, None, ""),
        ({"trigger_order_id": None}, None, ""),
    ],
)
def test_the_history_of_trigger_orders(changes: dict[str, Any], state: State | None, note: str) -> None:
    request = ACCOUNT.final_states((order("ETH-SLIS-12", kind="stop_limit"),), 0)[0]
    body = good({"entries": [7, {**TRIGGER, **changes}], "continuation": "none"})
    found = ACCOUNT.final_page(request, reply(body))
    assert found.next is None
    assert [(how, why) for _, how, why in found.orders] == ([(state, note)] if state else [])
    if state:
        assert (found.orders[0][0].id, found.orders[0][0].ended_ms) == ("ETH-SLIS-12", 1555918941451)


@pytest.mark.parametrize(
    ("token", "follows"), [("none", False), (None, False), ("x.y", True), ({}, False), ("", False)]
)
def test_the_history_of_trigger_orders_ends_with_a_word(token: object, follows: bool) -> None:
    request = ACCOUNT.final_states((order("ETH-SLIS-12", kind="stop_limit"),), 0)[0]
    found = ACCOUNT.final_page(request, reply(good({"entries": [], "continuation": token})))
    assert (found.next is not None) is follows
    assert found.next is None or found.next.query == "currency=ETH&count=1000&continuation=x.y"
    for body in (good([]), good({}), good(None), good({"entries": {}})):
        with pytest.raises(Unreadable):
            ACCOUNT.final_page(request, reply(body))


# --- the pre-flight -------------------------------------------------------------------------------------------------


def learnt(name: str, result: object) -> Any:
    question = next(one for one in PREFLIGHT.questions(DeribitOptions(), 0) if one.name == name)
    return question.read(question.request, reply(good(result)))


@pytest.mark.parametrize(
    ("scope", "cancels", "lists", "withdraws", "bound", "remarks"),
    [
        ("account:read trade:read_write wallet:read mainaccount", True, True, False, None, 0),
        ("trade:read", False, True, False, None, 0),
        ("trade:none account:read", False, False, False, None, 0),
        ("trade:read_write wallet:read_write", True, True, True, None, 0),
        ("trade:read_write account:read_write ip:10.0.0.1", True, True, False, True, 1),
        ("block_trade:read_write", False, False, False, None, 0),
    ],
)
def test_a_login_tells_what_the_key_may_do(
    scope: str, cancels: bool, lists: bool, withdraws: bool, bound: bool | None, remarks: int
) -> None:
    facts = learnt("key", {"access_token": "TOKEN", "scope": scope})
    assert (facts.can_cancel, facts.can_list, facts.can_withdraw, facts.can_transfer) == (
        cancels,
        lists,
        withdraws,
        withdraws,
    )
    assert (facts.bound, len(facts.remarks), facts.endless, facts.expires_ms) == (bound, remarks, False, None)
    assert "TOKEN" not in repr(facts)


def test_the_other_questions() -> None:
    assert learnt("server time", 1550147385946).server_ms == 1550147385946
    locks = [
        {"currency": "BTC", "locked": True, "message": "risk"},
        {"currency": "ETH", "enabled": False},
        7,
        {"locked": {}},
    ]
    assert learnt("locks", locks).remarks == ("the account is locked in BTC: risk",)
    for name, result in (("key", {}), ("key", []), ("locks", {}), ("server time", {})):
        with pytest.raises(Unreadable):
            learnt(name, result)


def test_no_question_shows_secrets_of_other_keys_and_the_probe_takes_nothing() -> None:
    targets = [one.request.target for one in PREFLIGHT.questions(DeribitOptions(), 0)]
    assert not [target for target in targets if "api_key" in target]
    (probe,) = PREFLIGHT.probes(DeribitOptions(), "testnet")
    assert (probe.request.changes, probe.empty) == (True, ())
    assert "cancel_by_label?label=cancelall%3A%20no%20order%20has%20this%20label" in probe.request.target
    assert len("cancelall: no order has this label") <= 64
    assert VENUE.judge(probe.request, reply({"result": [], "testnet": False})).kind == "environment"
    assert PREFLIGHT.questions(DeribitOptions(), 0)[1].request.purpose == api.LOGIN
    assert Purpose.QUESTION != api.LOGIN


def test_a_currency_in_two_spellings_is_one() -> None:
    """Two segments of one name could not be told apart in the record."""
    options = DeribitOptions(currency=("BTC", "eth", "btc"))
    assert options.currency == ("BTC", "ETH")
    assert [one.name for one in VENUE.segments(options, None, "live")] == ["BTC", "ETH"]
