"""Binance's pure functions: signatures, requests, the account's wallets, readers and what cancels by name."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import OptionError, SecretError
from cancelall.core.model import Answer, Order, Priority, Protection, Purpose, Request
from cancelall.core.secret import Secret
from cancelall.venues.binance import api
from cancelall.venues.binance import venue as binance
from cancelall.venues.binance.hosts import FURTHER, HOSTS
from cancelall.venues.binance.options import SCHEMA, BinanceFacts, BinanceOptions, BinanceSecrets
from cancelall.venues.contract import Segment
from clients import by_a_client, needed
from support import ROOT, exist
from unit.venues.kinds import ROWS, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "binance.json").read_text())
SECRETS = BinanceSecrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"))
OPTIONS, FACTS = BinanceOptions(), BinanceFacts()


def pem(seed_hex: str) -> Secret:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed_hex))
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def segments(facts: BinanceFacts = FACTS, environment: str = "live", **options: Any) -> dict[str, Segment]:
    return {one.name: one for one in binance.segments(BinanceOptions(**options), facts, environment)}


def order(symbol: str, number: str = "7", **more: Any) -> Order:
    return Order(id=f"{symbol}:{number}", segment="spot", symbol=symbol, **more)


def lines(requests: Any) -> list[str]:
    return [f"{request.method} {request.target}" for request in requests]


# --- signatures -----------------------------------------------------------------------------------------------------


def signed_row(row: dict[str, Any], secrets: BinanceSecrets) -> tuple[str, str]:
    """What is sent as the query of a vector's request, and its signature decoded."""
    url = urlsplit(row["url"])
    own = url.query.partition("recvWindow=")[0].rstrip("&")
    request = Request(method=row["method"], path=url.path, query=own)
    signed = api.sign(request, secrets, BinanceOptions(recv_window=5000), 1700000000000, 1)
    assert dict(signed.headers) == row["headers"]
    assert signed.body == b""
    assert signed.query is not None
    return signed.query, parse_qs(signed.query)["signature"][0]


@pytest.mark.parametrize("row", [one for one in VECTORS if one["key_type"] == "hmac"], ids=lambda row: row["name"])
def test_reproduces_every_hmac_vector(row: dict[str, Any]) -> None:
    query, signature = signed_row(row, SECRETS)
    assert query == urlsplit(row["url"]).query
    assert query.rpartition("&signature=")[0] == row["prehash"]
    assert signature == row["signature"]


@pytest.mark.parametrize("row", [one for one in VECTORS if one["key_type"] == "ed25519"], ids=lambda row: row["name"])
def test_reproduces_every_ed25519_vector(row: dict[str, Any]) -> None:
    query, signature = signed_row(row, replace(SECRETS, api_secret=pem(row["seed_hex"])))
    assert signature == row["signature"]
    assert query == urlsplit(row["url"]).query


@pytest.mark.parametrize("row", [one for one in VECTORS if one["key_type"] == "rsa"], ids=lambda row: row["name"])
def test_rsa_vectors_verify_over_the_prehash_that_we_build(row: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_public_key,
    )

    theirs = load_pem_public_key(row["public_key_pem"].encode())
    assert isinstance(theirs, rsa.RSAPublicKey)
    ours = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = ours.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    query, signature = signed_row(row, replace(SECRETS, api_secret=Secret(text)))
    prehash = query.rpartition("&signature=")[0]
    assert prehash == row["prehash"]
    for key, one in ((theirs, row["signature"]), (ours.public_key(), signature)):
        key.verify(base64.b64decode(one), prehash.encode(), padding.PKCS1v15(), hashes.SHA256())


def rsa_pem() -> Secret:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@by_a_client
@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
def test_the_venues_connector_sends_every_request_as_we_do(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """binance-common stamps, encodes and signs for each of the venue's connectors; no signature is random."""
    utils, signers = needed("binance_common.utils"), needed("binance_common.signature").Signers
    configuration = needed("binance_common.configuration").ConfigurationRestAPI
    secret = {"hmac": SECRETS.api_secret, "rsa": rsa_pem(), "ed25519": pem("07" * 32)}[kind]
    key = secret.reveal()
    named = {"api_secret": key} if kind == "hmac" else {"private_key": key}
    theirs, signer = (
        configuration(api_key="testkey", base_path="https://x", **named),
        None if kind == "hmac" else signers.get_signer(key),
    )
    monkeypatch.setattr(utils, "get_timestamp", lambda: 1_700_000_000_000)
    sent: list[dict[str, Any]] = []

    def send(**values: Any) -> Any:
        sent.append(values)
        return SimpleNamespace(status_code=200, text="[]", headers={})

    requests = {one.target: one for one in every_request()}
    assert len(requests) > 60
    assert any("%E6%B5%8B" in target for target in requests), "a symbol that is percent-encoded"
    for request in islice(requests.values(), 0, None, 8 if kind == "rsa" else 1):  # theirs takes 60 ms
        signed = api.sign(request, replace(SECRETS, api_secret=secret), OPTIONS, 1_700_000_000_000, 1)
        given = {**dict(parse_qsl(request.query)), "recv_window": OPTIONS.recv_window}
        session = SimpleNamespace(request=send)
        utils.send_request(session, theirs, request.method, request.path, given, is_signed=True, signer=signer)
        assert (sent[-1]["method"], sent[-1]["url"]) == (request.method, f"https://x{request.path}")
        assert sent[-1]["params"] == signed.query
        assert dict(signed.headers).items() <= sent[-1]["headers"].items()


def every_request() -> list[Request]:
    """What a kill sends: mass cancels, listings, names, and what tells of their ends, in each wallet."""
    everything: list[Request] = []
    for facts in (FACTS, BinanceFacts(mode="pm", pairs=("BTCUSDT",)), BinanceFacts(pairs=("BTCUSDT",))):
        for one in segments(facts).values():
            named = (order("BTCUSDT"), order("测试USDT", "8"))
            everything += [*one.mass_cancels(named), *(request for stage in one.listings for request in stage)]
            everything += [request for request, _ in one.cancels(named, ())]
            everything += one.final_states(named, 0)
    return everything


def test_only_rsa_and_ed25519_keys_are_keys() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = ec.generate_private_key(ec.SECP256K1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in (other.decode(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        secrets = replace(SECRETS, api_secret=Secret(text))
        with pytest.raises(SecretError):
            binance.VENUE.check_secrets(secrets, OPTIONS)
        with pytest.raises(SecretError):
            api.sign(Request(method="GET", path="/api/v3/openOrders"), secrets, OPTIONS, 1, 1)
    binance.VENUE.check_secrets(replace(SECRETS, api_secret=pem("00" * 32)), OPTIONS)
    binance.VENUE.check_secrets(SECRETS, OPTIONS)


def test_the_window_is_widened_and_stays_below_a_minute() -> None:
    windows = [
        parse_qs(api.sign(api.get("/eapi/v1/openOrders", Purpose.LISTING), SECRETS, OPTIONS, 1, widen).query or "")
        for widen in (1, 2, 60)
    ]
    assert [one["recvWindow"] for one in windows] == [["5000"], ["10000"], ["59999"]]


# --- hosts and weights ----------------------------------------------------------------------------------------------


def test_every_path_has_its_host_its_limit_and_a_weight() -> None:
    facts = BinanceFacts(mode="pm", pairs=("BTCUSDT",))
    for one in (*segments().values(), *segments(facts).values()):
        orders = (order("BTCUSDT"),)
        named = [request for request, _ in one.cancels(orders, ())]
        requests = [*one.mass_cancels(orders), *one.listings[0], *named, *one.final_states(orders, 0)]
        for request in [*requests, *(witness.request for witness in one.witnesses)]:
            host = request.path.split("/")[1]
            assert request.host == ("" if host == "api" else host)
            assert request.bucket == ("futures" if host in ("fapi", "dapi") else host)
            assert not request.host or request.host in FURTHER["live"]
            assert request.changes is (request.method == "DELETE")
            assert api.cost(request) >= 1
    assert api.cost(api.get("/api/v3/openOrders", Purpose.LISTING)) == 80
    assert api.FURTHER_LIMITS["fapi"] == api.FURTHER_LIMITS["dapi"] != api.FURTHER_LIMITS["papi"]


@pytest.mark.parametrize(
    ("options", "environment", "hosts"),
    [
        ({}, "live", ("", "sapi", "fapi", "dapi", "eapi", "papi")),
        ({"product": ("spot",)}, "live", ("", "sapi")),
        ({"product": ("usdm",)}, "live", ("fapi", "sapi", "papi")),
        ({"product": ("option",)}, "live", ("eapi",)),
        ({}, "demo", ("", "fapi", "dapi")),
        ({}, "testnet", ("",)),
    ],
)
def test_a_scope_uses_the_hosts_of_its_products(options: Any, environment: str, hosts: tuple[str, ...]) -> None:
    assert SCHEMA.uses(BinanceOptions(**options), environment) == hosts
    assert set(hosts) <= {"", *FURTHER[environment]}
    assert FURTHER["live"]["sapi"] == HOSTS["live"]


def used(weight: str, name: str = "x-mbx-used-weight-1m", **headers: str) -> Any:
    got = reply([], **headers)
    return api.judge(
        api.get("/fapi/v1/openOrders", Purpose.LISTING), replace(got, headers={**got.headers, name: weight})
    )


def test_a_limit_that_is_nearly_used_up_keeps_the_rest_for_the_proof() -> None:
    """https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits - also by others behind the address."""
    assert used("2299").hold is None
    assert used("2300", date="Mon, 30 Nov 2026 01:00:45 GMT").hold == 15.0
    assert used("2400", name="x-sapi-used-ip-weight-1m").hold is None
    for odd in ("", "many", "9" * 12, "-1"):
        assert used(odd).hold is None


def test_what_the_venue_asks_to_wait_is_waited_for() -> None:
    request = api.get("/fapi/v1/openOrders", Purpose.LISTING)
    said = {"code": -1003, "msg": "Too much request weight used"}
    assert api.judge(request, reply(said, 429, retry_after="7")).after == 7.0
    assert api.judge(request, reply(said, 429, date="Mon, 30 Nov 2026 01:00:50 GMT")).after == 10.0
    assert api.judge(request, reply(said, 429)).after == 10.0


@pytest.mark.parametrize("code", [-2013, -2026])
def test_an_order_that_is_unknown_by_now_or_archived_has_no_end_to_tell(code: int) -> None:
    request = api.get("/api/v3/order", Purpose.FINAL_STATES, {"symbol": "BTCUSDT", "orderId": "7"})
    assert api.judge(request, reply({"code": code, "msg": "x"}, 400)).answer is Answer.NOTHING_OPEN


def test_an_account_that_has_no_isolated_margin_says_so_to_one_question_only() -> None:
    for code in (-11001, -3003, -5000):
        got = reply({"code": code, "msg": "none"}, 400)
        assert api.judge(api.get("/sapi/y", api.PAIRS), got).answer is Answer.ACCEPTED
        absent = Answer.ABSENT if code != -5000 else Answer.REFUSED
        assert api.judge(api.get("/sapi/y", Purpose.LISTING), got).answer is absent
        assert api.judge(api.get("/sapi/y", Purpose.LISTING), replace(got, status=503)).answer is Answer.AMBIGUOUS
        assert api.judge(api.delete("/sapi/y", Purpose.MASS_CANCEL, {}), got).answer is Answer.ABSENT
    assert api.judge(api.get("/sapi/y", api.PAIRS), reply({"code": -2015, "msg": ""}, 401)).answer is Answer.REFUSED


# --- wallets --------------------------------------------------------------------------------------------------------


def test_what_is_remembered_is_fired_at_unseen_and_proves_nothing() -> None:
    remembered = (("usdm", ("BTCUSDT",)), ("isolated ETHUSDT", ("ETHUSDT",)), ("option", ("SOL-261225-200-C",)))
    facts = binance.recall(FACTS, remembered)
    found = segments(facts)
    assert lines(found["usdm"].blind) == [
        "DELETE /fapi/v1/algoOpenOrders?symbol=BTCUSDT",
        "DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT",
    ]
    assert "isIsolated=TRUE" in found["isolated ETHUSDT"].blind[0].query
    path = "DELETE /eapi/v1/allOpenOrdersByUnderlying?underlying="
    assert lines(found["option"].blind) == [f"{path}{one}USDT" for one in ("BTC", "ETH", "SOL")]
    assert found["spot"].blind == () == found["coinm"].blind
    assert all(request.priority is Priority.MASS_CANCEL for request in found["usdm"].blind)
    assert segments(facts, symbol=("ETHUSDT",))["usdm"].blind[0].query == "symbol=ETHUSDT", "selectors go before memory"


def test_the_report_of_a_mass_cancel_shows_the_orders_that_it_took() -> None:
    """A kill is often faster than its first listing. `clientOrderId` is the cancel's own there."""
    spot = segments(symbol=("LTCBTC",))["spot"]
    row = {**ROWS["binance spot"], "symbol": "LTCBTC", "clientOrderId": "cancel", "status": "CANCELED"}
    stop = {**row, "orderId": 2, "origClientOrderId": "", "type": "STOP_LOSS_LIMIT", "side": "SELL"}
    said = spot.acknowledge(spot.blind[0], reply([{**row, "orderId": 1, "origClientOrderId": "mine"}, stop]))
    assert (said.cancelled, said.client_ids) == (("LTCBTC:1", "LTCBTC:2"), {"LTCBTC:1": "mine"})
    assert [(one.id, one.client_id) for one in said.orders] == [("LTCBTC:1", "mine"), ("LTCBTC:2", None)]
    assert said.orders[1].protection is Protection.PROTECTIVE


def test_what_futures_and_options_took_unseen_stands_in_their_histories() -> None:
    facts = binance.recall(FACTS, (("usdm", ("BTCUSDT",)), ("pm coinm", ("BTCUSD_PERP",)), ("spot", ("BTCUSDT",))))
    found = segments(facts)
    paths = {name: lines(found[name].final_states((), 0)) for name in ("usdm", "coinm", "pm coinm", "spot", "option")}
    assert paths == {
        "usdm": ["GET /fapi/v1/allAlgoOrders?symbol=BTCUSDT", "GET /fapi/v1/allOrders?symbol=BTCUSDT"],
        "coinm": [],
        "pm coinm": [
            "GET /papi/v1/cm/conditional/allOrders?symbol=BTCUSD_PERP",
            "GET /papi/v1/cm/allOrders?symbol=BTCUSD_PERP",
        ],
        "spot": [],
        "option": ["GET /eapi/v1/historyOrders"],
    }
    request = found["usdm"].final_states((), 0)[1]
    assert api.cost(request) == 5
    rows = [{**ROWS["binance book"], "orderId": 1}, {**ROWS["binance book"], "status": "CANCELED", "updateTime": 9}]
    ((ended, state, _),) = found["usdm"].final_page(request, reply(rows)).orders
    assert (state.value, ended.ended_ms) == ("cancelled", 9)
    assert not segments(symbol=("SOLUSDT",))["usdm"].final_page(request, reply(rows)).orders, "it is of another symbol"


def test_orders_seen_behind_papi_are_fired_at_before_the_mode_is_known() -> None:
    facts = binance.recall(FACTS, (("pm usdm", ("BTCUSDT",)),))
    found = segments(facts)
    assert lines(found["pm usdm"].blind)[0] == "DELETE /papi/v1/um/algo/allOpenOrders?symbol=BTCUSDT"
    assert "usdm" in found
    assert {"pm usdm", "pm coinm", "pm margin", "spot", "option"} <= set(segments(replace(FACTS, mode="pm")))
    assert not any(name.startswith("pm ") for name in segments(replace(FACTS, mode="classic")))


def test_the_accounts_word_alone_leaves_no_wallet_out() -> None:
    """One bad answer must not hide what rests there: only together with a refusal of everything it counts."""
    facts = replace(FACTS, mode="classic", lacks=frozenset({"usdm", "coinm", "margin", "option"}))
    assert set(segments(facts)) == set(segments())
    assert binance.never(facts) == facts.lacks
    assert binance.never(replace(facts, mode="pm", lacks=frozenset())) == {"usdm", "coinm", "margin"}


@pytest.mark.parametrize("environment", ["demo", "testnet"])
def test_demo_and_testnet_have_what_they_have(environment: str) -> None:
    expected = {"spot", "usdm", "coinm"} if environment == "demo" else {"spot"}
    assert set(segments(environment=environment)) == expected
    with pytest.raises(OptionError, match=f"environment {environment} has none of margin"):
        segments(environment=environment, product=("margin",))


def test_a_symbol_seen_in_one_book_is_cancelled_in_both() -> None:
    found = segments()["coinm"].mass_cancels((order("BTCUSD_PERP", kind="algo"), order("ETHUSD_PERP")))
    paths = [
        f"/dapi/v1/{call}?symbol={one}USD_PERP"
        for one in ("BTC", "ETH")
        for call in ("algoOpenOrders", "allOpenOrders")
    ]
    assert lines(found) == [f"DELETE {path}" for path in paths]


def test_orders_go_by_the_number_and_the_book_that_are_theirs() -> None:
    found = segments()["usdm"].cancels(
        (order("BTCUSDT", "28"), Order(id="algo:28", segment="usdm", symbol=None, kind="algo"), order("", "5")), ()
    )
    assert lines(request for request, _ in found)[:2] == [
        "DELETE /fapi/v1/order?symbol=BTCUSDT&orderId=28",
        "DELETE /fapi/v1/algoOrder?algoId=28",
    ]
    isolated = segments(BinanceFacts(pairs=("BTCUSDT",)))["isolated BTCUSDT"]
    ((request, _),) = isolated.cancels((order("BTCUSDT"),), ())
    assert request.target == "/sapi/v1/margin/order?symbol=BTCUSDT&orderId=7&isIsolated=TRUE"


def test_equal_numbers_of_two_symbols_are_two_orders() -> None:
    """A kept one must not hide another one of the same number."""
    row = ROWS["binance book"]
    rows = [{**row, "orderId": 5, "symbol": symbol} for symbol in ("BTCUSDT", "ETHUSDT")]
    wallet = segments()["usdm"]
    page = wallet.page(wallet.listings[0][1], reply(rows))
    assert len({one.id for one in page.orders}) == 2
    algo = wallet.page(wallet.listings[0][0], reply([{**ROWS["binance algo"], "algoId": 5}]))
    assert {one.id for one in algo.orders}.isdisjoint(one.id for one in page.orders)


def test_a_leg_goes_by_name_only_if_its_whole_list_may_go() -> None:
    """The cancel of one leg takes the others along."""
    spot = segments()["spot"]
    leg, other = order("BTCUSDT", "1", kind="list 9"), order("BTCUSDT", "2", kind="list 9")
    loose = order("BTCUSDT", "3")
    assert {one.id for _, some in spot.cancels((leg, loose), (other,)) for one in some} == {loose.id}
    assert {one.id for _, some in spot.cancels((leg, loose), None) for one in some} == {loose.id}
    assert {one.id for _, some in spot.cancels((leg, other, loose), ()) for one in some} == {leg.id, other.id, loose.id}


def test_a_maker_order_that_may_belong_to_a_list_may_protect() -> None:
    """Samples of margin rows lack `orderListId`: the cancel of such a leg would take the stop along."""
    found = segments(BinanceFacts(mode="pm"))

    def protection(name: str, **more: Any) -> Protection:
        row = {**ROWS["binance spot"], "type": "LIMIT_MAKER", "side": "SELL", **more}
        row = {key: value for key, value in row.items() if value is not None}
        (shown,) = found[name].page(found[name].listings[0][0], reply([row])).orders
        return shown.protection

    for name in ("margin", "pm margin"):
        for side in ("SELL", "BUY"):
            assert protection(name, orderListId=None, side=side) is Protection.UNKNOWN
            assert protection(name, orderListId=-1, side=side) is Protection.NONE
            assert protection(name, orderListId=None, side=side, type="LIMIT") is Protection.NONE
    assert protection("spot", orderListId=None) is Protection.UNKNOWN
    assert protection("spot", orderListId=None, side="BUY") is Protection.NONE


def test_an_open_list_without_a_kept_leg_contradicts_an_empty_listing() -> None:
    (witness,) = segments()["spot"].witnesses
    assert witness.fits is not None
    assert witness.optional
    open_list = {"orderListId": 9, "symbol": "BTCUSDT", "listStatusType": "EXEC_STARTED", "orders": [{"orderId": 1}]}

    def fits(*kept: Order, lists: object) -> bool:
        assert witness.fits is not None
        return witness.fits(kept, witness.request, reply(lists))

    assert fits(lists=[])
    assert fits(lists=[{**open_list, "listStatusType": "ALL_DONE"}])
    assert not fits(lists=[open_list])
    assert fits(order("BTCUSDT", "1"), lists=[open_list])
    assert not fits(order("ETHUSDT", "1"), lists=[open_list])


def test_a_hundred_options_may_be_cut_off() -> None:
    option = segments()["option"]
    rows = [{**ROWS["binance option"], "orderId": number} for number in range(100)]
    assert option.page(option.listings[0][0], reply(rows[:99])).unsure == ""
    assert "cut off" in option.page(option.listings[0][0], reply(rows)).unsure
    assert [one.symbol for one in option.page(option.listings[0][0], reply(rows)).orders] == ["BTC-200730-9000-C"] * 100


def test_a_total_that_does_not_fit_leaves_parents_unsure() -> None:
    parents = segments()["usdm TWAP/VP"]
    assert parents.spawns
    shown = {"total": 2, "orders": [ROWS["binance parent"]]}
    page = parents.page(parents.listings[0][0], reply(shown))
    assert (len(page.orders), page.unsure) == (1, "it shows 1 of 2 orders")
    assert page.orders[0].protection is Protection.NONE


# --- what the account has -------------------------------------------------------------------------------------------


def learned(body: object, name: str = "the account's products", facts: BinanceFacts = FACTS) -> BinanceFacts:
    """Facts after an answer to a discovery read."""
    (found,) = [one for one in binance.discoveries(OPTIONS, facts) if one.name == name]
    batch = found.read(found.request, reply(body))
    learnt = found.learn(facts, batch.names)
    assert not batch.unsure or learnt == facts
    return learnt


def test_the_account_says_which_products_it_has() -> None:
    on = {"isMarginEnabled": True, "isFutureEnabled": True, "isOptionsEnabled": True}
    assert learned({**on, "isPortfolioMarginRetailEnabled": True}).mode == "pm"
    classic = learned({**on, "isFutureEnabled": False, "isPortfolioMarginRetailEnabled": False})
    moved = {"pm margin", "pm usdm", "pm coinm"}
    assert (classic.mode, classic.lacks) == ("classic", {"usdm", "usdm TWAP/VP", "coinm"} | moved)
    for odd in (None, "false", 0, []):
        assert learned({**on, "isFutureEnabled": odd, "isPortfolioMarginRetailEnabled": False}).lacks == moved
        assert learned({**on, "isPortfolioMarginRetailEnabled": odd}).mode == "", "nothing is known"
    assert learned({"code": -5000, "msg": "Path is invalid"}).mode == "classic"
    assert binance.never(learned({"code": -5000, "msg": "Path is invalid"})) == frozenset()


def test_portfolio_margin_that_has_been_switched_off_is_not_there_any_more() -> None:
    """A key of a classic account lacks the right for it (-2015): what is remembered must not be refused for ever."""
    facts = learned({"isPortfolioMarginRetailEnabled": False}, facts=binance.recall(FACTS, (("pm usdm", ("X",)),)))
    assert binance.never(facts) == {"pm margin", "pm usdm", "pm coinm"} <= set(segments(facts))


def test_that_there_is_no_list_of_pairs_is_believed_only_where_there_is_no_call_of_the_account() -> None:
    def doubts(*bodies: tuple[str, object]) -> tuple[str, ...]:
        reads = {one.name: one for one in binance.discoveries(OPTIONS, FACTS)}
        batches = [reads[name].read(reads[name].request, reply(body, 404)) for name, body in bodies]
        return binance.doubts(OPTIONS, frozenset(name for batch in batches for name in batch.names))

    none, pairs, account = {"code": -5000, "msg": "invalid"}, "isolated margin pairs", "the account's products"
    on = {"isPortfolioMarginRetailEnabled": False}
    assert any("isolated margin pairs" in one for one in doubts((pairs, none), (account, on)))
    assert doubts((pairs, none), (account, none)) == ()
    assert doubts((pairs, {"code": -11001, "msg": "none"}), (account, on)) == ()


def test_a_list_of_symbols_that_an_environment_lacks_shows_none() -> None:
    """The spot testnet has no futures: selectors are known there by the list of spot alone."""
    (_, futures) = [
        one for one in binance.discoveries(BinanceOptions(symbol=("BTCUSDT",)), FACTS) if "symbols" in one.name
    ]
    got = reply({"code": -5000, "msg": "Path /fapi/v1/exchangeInfo, Method GET is invalid"}, 404)
    assert api.judge(futures.request, got).answer is Answer.ACCEPTED
    assert futures.read(futures.request, got).names == ()


def test_isolated_pairs_are_known_from_the_account() -> None:
    name = "isolated margin pairs"
    facts = learned({"assets": [{"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}]}, name)
    assert {"isolated BTCUSDT", "isolated ETHUSDT"} <= set(segments(facts))
    assert learned({"code": -11001, "msg": "none"}, name).pairs == ()
    assert learned({"assets": [{"symbol": {}}]}, name).pairs == ()


def test_selectors_are_looked_up_where_they_can_be() -> None:
    def names(**options: Any) -> set[str]:
        return {one.request.path for one in binance.discoveries(BinanceOptions(**options), FACTS)} - {
            "/sapi/v1/account/info",
            "/sapi/v1/margin/isolated/account",
        }

    assert names() == set()
    assert names(symbol=("BTCUSDT",)) == {"/api/v3/ticker/price", "/fapi/v1/exchangeInfo"}
    assert names(symbol=("BTCUSD_PERP",), product=("coinm",)) == {"/dapi/v1/exchangeInfo"}
    assert names(symbol=("BTC-261225-9000-C",)) == {"/eapi/v1/exchangeInfo"}
    assert names(symbol=("BTCUSDT",), product=("pm",)) == {"/fapi/v1/exchangeInfo", "/api/v3/ticker/price"}
    assert binance.doubts(BinanceOptions(symbol=("BTCUSDT",)), frozenset(exist("symbol BTCUSDT"))) == ()


@given(st.text(min_size=1, max_size=30))
def test_any_symbol_is_refused_or_sent_encoded(text: str) -> None:
    try:
        options = BinanceOptions(symbol=(text,))
        found = binance.segments(options, FACTS, "live")
    except OptionError:
        return
    for request in (request for one in found for request in one.mass_cancels(())):
        assert request.query.isascii()
        assert parse_qs(request.query).get("symbol", parse_qs(request.query).get("underlying")) is not None
