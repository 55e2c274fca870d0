"""OKX's pure functions: signatures, requests, readers and judgements against documented and observed answers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Priority, Protection, Request
from cancelall.core.secret import Secret
from cancelall.venues.contract import Discovery, Known, Segment
from cancelall.venues.okx import api
from cancelall.venues.okx import venue as okx
from cancelall.venues.okx.algos import KINDS
from cancelall.venues.okx.hosts import HOSTS
from cancelall.venues.okx.options import OkxFacts, OkxOptions, OkxSecrets, types_of
from clients import by_a_client, needed
from support import ROOT
from unit.venues.kinds import ROWS, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "okx.json").read_text())
SECRETS = OkxSecrets(api_key=Secret("testkey"), api_secret=Secret("testsecret"), passphrase=Secret("testpass"))
NOW = 1700000000000
AT = "2023-11-14T22:13:20.000Z"
ALGOS = [one.name for one in KINDS]
ORDER, ALGO, SPREAD = ROWS["okx order"], ROWS["okx algo"], ROWS["okx spread"]
TRADE = "/api/v5/trade"


def answer(data: object, code: str = "0", **more: object) -> dict[str, object]:
    return {"code": code, "msg": "", "data": data, **more}


def segment(name: str, facts: OkxFacts | None = None, environment: str = "live", **options: Any) -> Segment:
    found = okx.segments(OkxOptions(**options), facts or OkxFacts(), environment)
    return next(one for one in found if one.name == name)


def names(environment: str = "live", **options: Any) -> list[str]:
    return [one.name for one in okx.segments(OkxOptions(**options), OkxFacts(), environment)]


def order(identity: str, symbol: str | None = "BTC-USDT-SWAP", **more: Any) -> Order:
    return Order(id=identity, segment="x", symbol=symbol, **more)


def orders(count: int, symbol: str, start: int = 1, **more: Any) -> tuple[Order, ...]:
    return tuple(order(str(start + number), symbol, **more) for number in range(count))


def sent(request: Request) -> str:
    return f"{request.path} {request.body.decode()}" if request.body else request.target


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_reproduces_every_vector(row: dict[str, Any]) -> None:
    url, body = urlsplit(row["url"]), (row["body"] or "").encode()
    request = Request(method=row["method"], path=url.path, query=url.query, body=body)
    signed = okx.VENUE.sign(request, SECRETS, OkxOptions(), NOW, 1)
    headers = dict(signed.headers)
    assert row["prehash"] == f"{AT}{row['method']}{request.target}{row['body'] or ''}"
    published = {name: value for name, value in row["headers"].items() if name.startswith("OK-ACCESS-")}
    assert len(published) == 4
    assert {name: headers[name] for name in published} == published
    assert ("Content-Type" in headers) == (row["method"] == "POST")
    assert signed.body == body


def test_the_time_has_three_digits_of_milliseconds() -> None:
    for now_ms, written in ((NOW + 7, "2023-11-14T22:13:20.007Z"), (1600000000000, "2020-09-13T12:26:40.000Z")):
        signed = okx.VENUE.sign(Request(method="GET", path="/x"), SECRETS, OkxOptions(), now_ms, 3)
        assert dict(signed.headers)["OK-ACCESS-TIMESTAMP"] == written


@given(st.integers(0, 4_102_444_800_000))
def test_any_time_until_2100_is_written_like_the_calendar_has_it(now_ms: int) -> None:
    at = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert api.iso(now_ms) == f"{at}.{now_ms % 1000:03}Z"


@by_a_client
def test_python_okx_signs_every_request_as_we_do() -> None:
    """https://github.com/okxapi/python-okx: its text to be signed, its signature and its headers."""
    utils = needed("okx.utils")
    requests = {sent(one): one for one in all_requests()}
    assert {one.method for one in requests.values()} == {"GET", "POST"}
    for request in requests.values():
        text = utils.pre_hash(AT, request.method, request.target, request.body.decode(), False)
        theirs = utils.get_header("testkey", utils.sign(text, "testsecret").decode(), AT, "testpass", "0", False)
        ours = dict(okx.VENUE.sign(request, SECRETS, OkxOptions(), NOW, 1).headers)
        assert {name: theirs[name] for name in ours} == ours
        assert len([name for name in ours if name.startswith("OK-ACCESS-")]) == 4


def all_requests() -> list[Request]:
    """Whatever a kill of everything, and its narrower variants, could send."""
    two = (order("590908157585625111", "BTC-USDT"), order("590908544950571222", "BTC-USDT-SWAP"))
    algos = (order("590919993110396111", "BTC-USDT"), order("590920138287841222", "BTC-USDT-SWAP"))
    found: list[Request] = []
    for options in ({}, {"instrument": ("BTC-USDT_BTC-USDT-SWAP",)}, {"instrument_type": ("SWAP",)}):
        for one in okx.segments(OkxOptions(**options), OkxFacts(), "live"):  # type: ignore[arg-type]
            found += [*one.mass_cancels(()), *(request for stage in one.listings for request in stage)]
            for named in (two, two[:1], algos, algos[:1], (order("590919993110396111"),)):
                found += [request for request, _ in one.cancels(named, ())]
                found += [request for request, _ in one.singly(named, ())] if one.singly else []
                found += one.final_states(named, 0)
    found += segment("orders").final_states(orders(50, "BTC-USDT", kind="SPOT"), 0)
    found += segment("TP/SL").final_states(orders(50, "BTC-USDT"), 0)
    return found


PUBLISHED = (
    "python-okx: orders-pending all|compact: orders-pending SWAP|compact: orders-pending EVENTS"
    "|ccxt: orders-algo-pending conditional,oco|compact: orders-algo-pending trigger"
    "|compact: orders-algo-pending move_order_stop|compact: orders-algo-pending twap"
    "|compact: orders-algo-pending smart_iceberg|compact: sprd orders-pending|compact: order details"
    "|compact: algo order details|compact: orders-history SPOT|compact: orders-algo-history conditional canceled"
    "|compact: cancel-order|compact: cancel-advance-algos 1|compact: sprd mass-cancel all"
    "|compact: sprd mass-cancel one|compact: sprd cancel-order|compact demo: cancel-batch-orders 2"
).split("|")


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_sent_has_the_published_bytes(name: str) -> None:
    (row,) = (row for row in VECTORS if row["name"] == name)
    url = urlsplit(row["url"])
    wanted = (row["method"], f"{url.path}?{url.query}" if url.query else url.path, (row["body"] or "").encode())
    assert wanted in {(request.method, request.target, request.body) for request in all_requests()}


@pytest.mark.parametrize("environment", HOSTS)
def test_demo_trading_has_its_header_on_the_host_of_its_site(environment: str) -> None:
    demo = environment.endswith("demo")
    assert okx.VENUE.headers(environment) == ((("x-simulated-trading", "1"),) if demo else ())
    if demo:
        assert HOSTS[environment] == HOSTS[environment.removesuffix("demo").rstrip("-") or "live"]


def test_only_the_global_site_has_a_second_name() -> None:
    """A key exists on its own site only: what went to another one would say that there is no such key."""
    assert okx.VENUE.alternates == {"https://openapi.okx.com": "https://www.okx.com"}


# --- listings -------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_listing_and_only_spreads_a_blind_cancel() -> None:
    found = {one.name: one for one in okx.segments(OkxOptions(), OkxFacts(), "live")}
    assert {name: [sent(one) for one in each.mass_cancels(())] for name, each in found.items() if each.blind} == {
        "spreads": ["/api/v5/sprd/mass-cancel {}"]
    }
    assert {name: [sent(one) for stage in each.listings for one in stage] for name, each in found.items()} == {
        "orders": [f"{TRADE}/orders-pending?limit=100"],
        "events": [f"{TRADE}/orders-pending?instType=EVENTS&limit=100"],
        **{
            name: [f"{TRADE}/orders-algo-pending?ordType={types}&limit=100"]
            for name, types in zip(
                ALGOS,
                ("conditional%2Coco", "trigger", "move_order_stop", "chase", "twap", "iceberg", "smart_iceberg"),
                strict=True,
            )
        },
        "spreads": ["/api/v5/sprd/orders-pending?limit=100"],
    }
    assert [each.name for each in found.values() if each.spawns] == ALGOS
    assert [each.name for each in found.values() if not each.protective_kinds] == ["spreads"]


def test_a_single_instrument_is_listed_alone_and_several_are_narrowed_here() -> None:
    one = segment("TP/SL", instrument=("btc-usdt-swap",))
    assert one.listings[0][0].query == "ordType=conditional%2Coco&instId=BTC-USDT-SWAP&limit=100"
    assert segment("spreads", instrument=("BTC-USDT_BTC-USDT-SWAP",)).listings[0][0].query == (
        "sprdId=BTC-USDT_BTC-USDT-SWAP&limit=100"
    )
    several = segment("orders", instrument=("BTC-USDT", "ETH-USDT"))
    assert several.listings[0][0].query == "limit=100"
    rows = [{**ORDER, "ordId": str(number), "instId": name} for number, name in enumerate(("ETH-USDT", "SOL-USDT"), 1)]
    page = several.page(several.listings[0][0], reply(answer(rows)))
    assert ([one.id for one in page.orders], page.unsure) == (["1"], "")
    types = segment("orders", instrument_type=("SWAP", "SPREAD", "OPTION"))
    assert [one.query for one in types.listings[0]] == ["instType=SWAP&limit=100", "instType=OPTION&limit=100"]


@pytest.mark.parametrize(
    ("options", "row", "inside"),
    [
        ({"instrument_type": ("SWAP",)}, {"instType": "SWAP"}, True),
        ({"instrument_type": ("SWAP",)}, {"instType": "FUTURES"}, False),
        ({"instrument_type": ("MARGIN",)}, {"instType": "SPOT", "instId": "BTC-USDT"}, False),
        ({"underlying": "BTC-USDT"}, {}, True),
        ({"underlying": "BTC-USD"}, {}, False),
        ({"underlying": "BTC-USD"}, {"instId": "BTC-USD_UM-SWAP"}, True),
        ({"underlying": "BTC-USD"}, {"instId": "BTC-USD-260327-80000-C", "instType": "OPTION"}, True),
        ({"underlying": "BTC-USDT"}, {"instId": "BTC-USDT", "instType": "SPOT"}, False),
        ({"underlying": "BTC-USDT", "instrument_type": ("FUTURES",)}, {}, False),
        ({"instrument": ("BTC-USDT-SWAP", "X-Y")}, {"instId": "btc-usdt-swap"}, True),
        ({"instrument": ("ETH-USDT-SWAP",)}, {}, False),
    ],
)
def test_what_a_selector_leaves_out_is_left_out_here(options: Any, row: dict[str, str], inside: bool) -> None:
    for name, base in (("orders", ORDER), ("TP/SL", ALGO)):
        one = segment(name, **options)
        page = one.page(one.listings[0][0], reply(answer([{**base, **row}])))
        assert (len(page.orders), page.unsure) == (int(inside), "")


@pytest.mark.parametrize("field", ["instType", "instId"])
def test_a_row_that_does_not_say_whether_it_is_in_scope_is_left_alone_and_proves_nothing(field: str) -> None:
    one = segment("orders", underlying="BTC-USDT")
    for odd in (None, "", {}, []):
        page = one.page(one.listings[0][0], reply(answer([{**ORDER, field: odd}])))
        assert page.orders == ()
        assert page.unsure, odd


def test_an_event_contract_among_ordinary_orders_is_left_to_its_own_segment_and_is_never_lost() -> None:
    row = {**ORDER, "instType": "EVENTS", "instId": "BTC-ABOVE-DAILY-270101-1600-120000"}
    one, events = segment("orders"), segment("events")
    page = one.page(one.listings[0][0], reply(answer([row, {**ORDER, "ordId": "1"}])))
    assert [each.id for each in page.orders] == ["1"]
    assert "an event contract among ordinary orders" in page.unsure
    assert [each.id for each in events.page(events.listings[0][0], reply(answer([row]))).orders] == [row["ordId"]]


def full(key: str, row: dict[str, Any], *ids: object) -> dict[str, object]:
    rows = [{**row, key: str(900 + number)} for number in range(100 - len(ids))]
    return answer([*rows, *({**row, key: identity} for identity in ids)])


@pytest.mark.parametrize(
    ("name", "key", "onward"),
    [("orders", "ordId", "after"), ("TP/SL", "algoId", "after"), ("spreads", "ordId", "endId")],
)
def test_a_full_page_goes_on_after_its_smallest_id_and_a_short_one_is_the_last(
    name: str, key: str, onward: str
) -> None:
    one, row = segment(name), {"orders": ORDER, "TP/SL": ALGO, "spreads": SPREAD}[name]
    (request,) = one.listings[0]
    page = one.page(request, reply(full(key, row, "1000", "99", "590908157585625111")))
    assert page.full
    assert page.next is not None
    assert page.next.target == f"{request.target}&{onward}=99"
    assert (page.next.purpose, page.next.bucket) == (request.purpose, request.bucket)
    further = one.page(page.next, reply(full(key, row, "7")))
    assert further.next is not None
    assert further.next.target == f"{request.target}&{onward}=7"
    last = one.page(page.next, reply(answer([{**row, key: "5"}] * 99)))
    assert (last.next, last.full, last.unsure) == (None, False, "")


def test_the_smallest_id_is_of_all_rows_whatever_their_state_and_scope() -> None:
    one = segment("orders", instrument=("ETH-USDT", "X-Y"))
    said = full("ordId", {**ORDER, "state": "canceled", "instId": "BTC-USDT"}, "12")
    page = one.page(one.listings[0][0], reply(said))
    assert page.orders == ()
    assert page.next is not None
    assert page.next.query == "limit=100&after=12"


def test_a_full_page_without_an_id_is_no_last_page() -> None:
    one = segment("orders")
    page = one.page(one.listings[0][0], reply(answer([{**ORDER, "ordId": "abc"}] * 100)))
    assert page.next is None
    assert "does not say where to read on" in page.unsure


def test_a_listing_that_does_not_know_its_instrument_proves_nothing() -> None:
    one = segment("triggers", instrument=("BTC-USTD",))
    (request,) = one.listings[0]
    page = one.page(request, reply(answer([], "51001")))
    assert (page.orders, page.null, page.next) == ((), False, None)
    assert "51001" in page.unsure
    whole = segment("triggers")
    with pytest.raises(Unreadable):
        whole.page(whole.listings[0][0], reply({"code": "51001"}))


def test_an_unknown_state_is_open_and_odd() -> None:
    one = segment("TP/SL")
    page = one.page(one.listings[0][0], reply(answer([{**ALGO, "state": "partially_failed"}])))
    assert len(page.orders) == 1
    assert "state partially_failed is unknown" in page.unsure


@given(st.lists(st.dictionaries(st.sampled_from(sorted(ORDER)), st.none() | st.text() | st.integers() | st.just([]))))
def test_no_row_is_lost_and_no_reader_breaks(rows: list[dict[str, Any]]) -> None:
    for name in ("orders", "TP/SL", "spreads"):
        one = segment(name)
        page = one.page(one.listings[0][0], reply(answer(rows)))
        over = sum(row.get("state") in ("filled", "canceled", "mmp_canceled", "effective") for row in rows)
        assert len(page.orders) >= len(rows) - over or page.unsure


# --- cancels by name ------------------------------------------------------------------------------------------------


def bodies(one: Segment, some: tuple[Order, ...]) -> list[tuple[str, str, int, list[str]]]:
    """Path, bucket, cost and the instruments of each cancel."""
    found = []
    for request, named in one.cancels(some, None):
        items = json.loads(request.body)
        assert [item.get("ordId") or item["algoId"] for item in items] == [each.id for each in named]
        found.append((request.path, request.bucket, request.cost, [item["instId"] for item in items]))
    return found


def test_ordinary_orders_go_by_twenty_and_few_of_many_instruments_share_a_batch() -> None:
    some = (
        *orders(45, "BTC-USDT"),
        *orders(3, "ETH-USDT", 100),
        *orders(18, "SOL-USDT", 200),
        order("300", "XRP-USDT"),
    )
    path = f"{TRADE}/cancel-batch-orders"
    assert bodies(segment("orders"), some) == [
        (path, "batch:BTC-USDT", 20, ["BTC-USDT"] * 20),
        (path, "batch:BTC-USDT", 20, ["BTC-USDT"] * 20),
        (path, "batch:BTC-USDT", 5, ["BTC-USDT"] * 5),
        (path, "batch:ETH-USDT", 3, ["ETH-USDT"] * 3),
        (path, "batch:SOL-USDT", 19, ["SOL-USDT"] * 18 + ["XRP-USDT"]),
    ]


def test_a_batch_of_one_counts_as_a_single_cancel() -> None:
    assert bodies(segment("orders"), (order("1", "BTC-USDT"),)) == [
        (f"{TRADE}/cancel-batch-orders", "cancel:BTC-USDT", 1, ["BTC-USDT"])
    ]


def test_options_share_the_limit_of_their_family() -> None:
    some = (*orders(15, "BTC-USD-260327-80000-C"), *orders(15, "BTC-USD-260327-90000-P", 100))
    assert [row[1:3] for row in bodies(segment("orders"), some)] == [("batch:BTC-USD", 20), ("batch:BTC-USD", 10)]
    assert {row[1] for row in bodies(segment("TP/SL"), some)} == {"algos:BTC-USD"}


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 45)), max_size=12))
def test_each_order_is_named_once_within_every_reading_of_the_limits(groups: list[tuple[int, int]]) -> None:
    some = tuple(
        order(f"{index}{number:03}", f"C{name}-USDT")
        for index, (name, count) in enumerate(groups, 1)
        for number in range(count)
    )
    for name, most in (("orders", 20), ("TP/SL", 10)):
        found = segment(name).cancels(some, None)
        assert Counter(one.id for _, named in found for one in named) == Counter(one.id for one in some)
        mixed: Counter[str] = Counter()
        for request, named in found:
            instruments = {one.symbol for one in named}
            assert len(named) == request.cost <= most
            assert name == "orders" or len(instruments) == 1
            mixed.update(str(one) for one in instruments if len(instruments) > 1)
        assert set(mixed.values()) <= {1}, "no instrument is in two batches that it shares with others"


def test_algo_orders_go_by_ten_of_an_instrument_and_what_can_open_a_position_goes_first() -> None:
    stop = orders(12, "BTC-USDT-SWAP", protection=Protection.PROTECTIVE)
    entries = orders(13, "BTC-USDT-SWAP", 100)
    found = segment("triggers").cancels((*stop, *entries), None)
    assert [(request.bucket, request.cost, request.priority) for request, _ in found] == [
        ("algos:BTC-USDT-SWAP", 10, Priority.MASS_CANCEL),
        ("algos:BTC-USDT-SWAP", 10, Priority.MASS_CANCEL),
        ("algos:BTC-USDT-SWAP", 5, Priority.CANCEL),
    ]
    assert {one.id for _, named in found[:2] for one in named} >= {one.id for one in entries}


@pytest.mark.parametrize("name", ALGOS)
def test_the_old_call_goes_along_for_the_kinds_that_needed_it(name: str) -> None:
    paths = [request.path.rpartition("/")[2] for request, _ in segment(name).cancels((order("1"),), None)]
    old = name in ("trailing stops", "TWAP", "icebergs")
    assert paths == ["cancel-algos", *(["cancel-advance-algos"] if old else [])]
    (first, *_) = segment(name).cancels(orders(3, "A-B"), None)
    assert segment(name).singly is not None
    alone = segment(name).singly(orders(3, "A-B"), None)  # type: ignore[misc]
    assert len(alone) == 3 * (1 + old)
    assert first[0].body != alone[0][0].body


def test_an_order_without_an_instrument_cannot_be_named_but_a_spread_order_can() -> None:
    for name in ("orders", "TP/SL"):
        assert segment(name).cancels((order("1", None),), None) == ()
    ((request, _),) = segment("spreads").cancels((order("1", None),), None)
    assert sent(request) == '/api/v5/sprd/cancel-order {"ordId":"1"}'


def test_only_selected_spreads_are_cancelled_unseen() -> None:
    one = segment("spreads", instrument=("BTC-USDT_BTC-USDT-SWAP", "eth-usdt_eth-usdt-swap", "BTC-USDT"))
    assert [sent(request) for request in one.mass_cancels(())] == [
        f'/api/v5/sprd/mass-cancel {{"sprdId":"{coin}-USDT_{coin}-USDT-SWAP"}}' for coin in ("BTC", "ETH")
    ]


# --- facts and sites ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("BTC-USDT", ("SPOT", "MARGIN")),
        ("BTC-USDT-SWAP", ("SWAP",)),
        ("BTC-USD_UM-SWAP", ("SWAP",)),
        ("BTC-USD_UM_XPERP-310404", ("FUTURES",)),
        ("BTC-USD-260327", ("FUTURES",)),
        ("BTC-USD-260327-80000-C", ("OPTION",)),
        ("BTC-USDT_BTC-USDT-SWAP", ("SPREAD",)),
        ("BTC-USD-SWAP_BTC-USD-260327", ("SPREAD",)),
        ("BTC-ABOVE-DAILY-270101-1600-120000", ()),
        ("BTC", ()),
    ],
)
def test_the_form_of_a_name_tells_what_it_can_be(name: str, types: tuple[str, ...]) -> None:
    assert types_of(name) == types


@pytest.mark.parametrize("environment", HOSTS)
def test_where_a_site_may_have_no_spreads_they_are_only_tried_if_they_are_selected(environment: str) -> None:
    """A missing call is a bare 404 there, which would keep every kill from being proven."""
    assert ("spreads" in names(environment)) is (environment in ("live", "demo"))
    assert names(environment, instrument_type=("SPREAD",)) == ["spreads"]
    assert names(environment, instrument=("BTC-USDT_BTC-USDT-SWAP",)) == ["spreads"]


def reads(**options: Any) -> dict[str, str]:
    found = okx.discoveries(OkxOptions(**options), OkxFacts())
    assert [one.name for one in found if one.optional] == ["account mode"]
    assert not any(one.request.signed for one in found[1:])
    return {one.name: one.request.target for one in found[1:]}


def test_selectors_are_looked_up_in_the_lists_that_can_hold_them() -> None:
    assert reads() == {}
    names = (
        "BTC-USDT",
        "ETH-USDT",
        "BTC-USDT-SWAP",
        "BTC-USD-260327",
        "BTC-USD-260327-80000-C",
        "A-B_A-C-SWAP",
        "EVENT",
    )
    assert reads(instrument=names) == {
        "SPOT instruments": "/api/v5/public/instruments?instType=SPOT",
        "SWAP instruments": "/api/v5/public/instruments?instType=SWAP",
        "FUTURES instruments": "/api/v5/public/instruments?instType=FUTURES",
        "options of BTC-USD": "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD",
        "spreads": "/api/v5/sprd/spreads",
    }
    assert reads(underlying="BTC-USD", instrument_type=("OPTION",)) == {
        "underlyings of OPTION": "/api/v5/public/underlying?instType=OPTION"
    }


def discovery(name: str, **options: Any) -> Discovery[OkxFacts]:
    return next(one for one in okx.discoveries(OkxOptions(**options), OkxFacts()) if one.name == name)


def test_lists_of_instruments_and_underlyings_are_read_row_by_row() -> None:
    one = discovery("SPOT instruments", instrument=("BTC-USDT",))
    rows = [{"instId": "BTC-USDT"}, 7, {"instId": []}, {"sprdId": "a-b_a-c"}, {"instId": "eth-usdt"}]
    assert one.read(one.request, reply(answer(rows))).names == tuple(
        Known("symbol", name) for name in ("BTC-USDT", "A-B_A-C", "ETH-USDT")
    )
    one = discovery("underlyings of SWAP", underlying="BTC-USD")
    read = one.read(one.request, reply(answer([["BTC-USD", 7, "eth-usd"], "SOL-USD", None])))
    assert [known.name for known in read.names] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    for odd in ({"code": "0"}, {"code": "0", "data": {}}, []):
        with pytest.raises(Unreadable):
            one.read(one.request, reply(odd))


def test_the_accounts_mode_tells_whether_a_stop_could_be_reduce_only() -> None:
    one = discovery("account mode")
    batch = one.read(one.request, reply(answer([{"acctLv": "2"}])))
    assert one.learn(OkxFacts(), batch.names) == OkxFacts(level="2")
    assert one.learn(OkxFacts(level="3"), ()) == OkxFacts(level="3")
    for odd in ([], [{}], [{"acctLv": {}}], None):
        with pytest.raises(Unreadable):
            one.read(one.request, reply(answer(odd)))
    rows = {"TP/SL": {}, "trailing stops": {"ordType": "move_order_stop"}, "triggers": {"ordType": "trigger"}}
    for level, known in (("", False), ("1", True), ("2", True), ("3", True), ("4", False), ("5", False)):
        for name, more in rows.items():
            kind = segment(name, OkxFacts(level=level))
            row = {**ALGO, "reduceOnly": "false", **more}
            (found,) = kind.page(kind.listings[0][0], reply(answer([row]))).orders
            sure = known or name == "triggers"
            assert found.protection is (Protection.NONE if sure else Protection.UNKNOWN), (level, name)


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_key_that_nobody_knows_may_be_of_another_site() -> None:
    said = api.judge(segment("orders").listings[0][0], reply(answer(None, "50119"), 401))
    assert said.answer is Answer.REFUSED
    assert "it was deleted" in said.hint
    assert "another OKX site (environment eea, us or tr" in said.hint


def test_a_sub_code_is_a_reason_within_its_code() -> None:
    said = api.judge(segment("orders").listings[0][0], reply(answer([], "50011_1000", msg="slow down"), 429))
    assert (said.answer, said.message) == (Answer.AGAIN, "50011_1000 slow down")


def test_the_content_delivery_network_is_named() -> None:
    said = api.judge(segment("orders").listings[0][0], reply(b"<html>error code: 1010</html>", 403))
    assert (said.answer, said.kind) == (Answer.GATEWAY, "region")
    assert "content delivery network" in said.hint
