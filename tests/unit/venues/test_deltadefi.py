"""DeltaDeFi's pure functions: requests, readers and judgements against recorded requests and observed answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Priority, Reach, Request, State
from cancelall.core.secret import Secret
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment
from cancelall.venues.deltadefi import api
from cancelall.venues.deltadefi import venue as deltadefi
from cancelall.venues.deltadefi.hosts import HOSTS
from cancelall.venues.deltadefi.options import RECORDS, DeltadefiFacts, DeltadefiOptions, DeltadefiSecrets
from cancelall.venues.registry import schema
from support import ROOT
from unit.venues.kinds import pair_row as row
from unit.venues.kinds import reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "deltadefi.json").read_text())
ROWS = {row["name"]: row for row in VECTORS}
SECRETS = DeltadefiSecrets(api_key=Secret("testkey"))
ONE = "550e8400-e29b-41d4-a716-446655440000"
TWO = "550e8400-e29b-41d4-a716-446655440001"


def segment(
    symbol: str = "ADAUSDM", options: DeltadefiOptions | None = None, facts: DeltadefiFacts | None = None
) -> Segment:
    found = deltadefi.segments(options or DeltadefiOptions(), facts or DeltadefiFacts(), "live")
    return next(one for one in found if one.name == symbol)


def names(options: DeltadefiOptions, facts: DeltadefiFacts | None = None) -> list[str]:
    return [one.name for one in deltadefi.segments(options, facts or DeltadefiFacts(), "live")]


def envelope(*rows: object, count: int | None = None, pages: int = 1) -> dict[str, object]:
    return {"data": list(rows), "total_count": len(rows) if count is None else count, "total_page": pages}


def many(count: int, start: int = 0) -> list[dict[str, object]]:
    return [row(id=f"order-{number}") for number in range(start, start + count)]


ADA = segment()
CANCEL = ADA.mass_cancels(())[0]
LISTING = ADA.listings[0][0]


def order(identity: str = ONE) -> Order:
    return Order(id=identity, segment="ADAUSDM", symbol="ADAUSDM")


# --- requests, against those that were recorded ---------------------------------------------------------------------


def sent(request: Request) -> dict[str, str]:
    signed = deltadefi.sign(request, SECRETS, DeltadefiOptions(), 1_700_000_000_000, 1)
    assert signed.body == request.body
    return dict(signed.headers)


def test_the_mass_cancel_is_the_documents_byte_for_byte() -> None:
    documented = ROWS["seed: cancel-all ADAUSDM (what cancelall should send)"]
    assert f"https://api.deltadefi.io{CANCEL.target}" == documented["url"]
    assert (CANCEL.method, CANCEL.body.decode()) == (documented["method"], documented["body"])
    assert sent(CANCEL) == documented["headers"]
    assert CANCEL.body.decode() == ROWS["python-sdk 1.1.1: cancel-all ADAUSDM"]["body"]
    assert (CANCEL.changes, CANCEL.priority) == (True, Priority.MASS_CANCEL)


FIRST, SECOND = LISTING, ADA.page(LISTING, reply(envelope(*many(250), count=300, pages=2))).next
EXECUTED, RECORD = ADA.final_states((order(),), 0)
((BY_NAME, _),) = ADA.cancels((order(),), None)
MARKETS, ALL_PAIRS = deltadefi.discoveries(DeltadefiOptions(), DeltadefiFacts())


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("open orders limit=250 page=1", FIRST),
        ("open orders limit=250 page=2", SECOND),
        ("trade orders (history) limit=250 page=1", EXECUTED),
        ("order record by id", RECORD),
        ("cancel single order", BY_NAME),
        ("market-config (symbols)", MARKETS.request),
    ],
)
def test_paths_and_queries_are_the_sdks(name: str, request_: Request | None) -> None:
    recorded = ROWS[f"python-sdk 1.1.1: {name}"]
    assert request_ is not None
    assert request_.method == recorded["method"]
    assert f"https://api.deltadefi.io{request_.target}" == recorded["url"]
    assert request_.changes is (recorded["method"] == "POST")
    if request_.signed:
        assert sent(request_)["X-API-KEY"] == recorded["headers"]["X-API-KEY"]


def test_a_single_cancel_has_no_body_and_says_nothing_about_one() -> None:
    assert BY_NAME.body == b""
    assert sent(BY_NAME) == {"X-API-KEY": "testkey"}


def test_the_market_config_is_read_without_the_key() -> None:
    assert not MARKETS.request.signed


def test_nothing_ever_asks_for_a_new_key() -> None:
    assert "new-api-key" not in Path(api.__file__).read_text(encoding="utf-8")


def test_hosts() -> None:
    hosts = {urlsplit(origin).netloc for origin in HOSTS.values()}
    assert hosts == {"api.deltadefi.io", "api-staging.deltadefi.io"}
    assert schema("deltadefi").hosts["live"] == "https://api.deltadefi.io"


# --- scope ----------------------------------------------------------------------------------------------------------

CONFIRMED = ["ADAUSDM", "ADAUSDCx", "NIGHTUSDM", "NIGHTUSDCx"]
UNCONFIRMED = ["IAGUSDM", "SNEKUSDM", "HOSKYUSDM"]
BUILT_IN = [*CONFIRMED, *UNCONFIRMED]


@pytest.mark.parametrize(
    ("symbols", "shown", "expected"),
    [
        ((), (), BUILT_IN),
        ((), ("ADAUSDM", "NEWUSDM"), [*CONFIRMED, "NEWUSDM", *UNCONFIRMED]),
        ((), ("IAGUSDM", "NEWUSDM"), [*CONFIRMED, "IAGUSDM", "NEWUSDM", "SNEKUSDM", "HOSKYUSDM"]),
        (("IAGUSDM",), (), ["IAGUSDM"]),
        (("iagusdm", "IAGUSDM"), (), ["IAGUSDM"]),
        (("adausdcx",), (), ["ADAUSDCx"]),
        (("newusdcx",), (), ["newusdcx"]),
        (("newusdcx",), ("NEWUSDCx", "NIGHTUSDM"), ["NEWUSDCx"]),
        (("币安USDM",), (), ["币安USDM"]),
        (("ADAUSDCX",), ("ADAUSDCx", "ADAUSDCX"), ["ADAUSDCX"]),
        (("adausdcx",), ("ADAUSDCx", "ADAUSDCX"), ["ADAUSDCx", "ADAUSDCX"]),
    ],
)
def test_a_segment_for_each_pair_in_the_venues_spelling(
    symbols: tuple[str, ...], shown: tuple[str, ...], expected: list[str]
) -> None:
    assert names(DeltadefiOptions(symbol=symbols), DeltadefiFacts(symbols=shown)) == expected


def test_every_segment_is_fired_blind_and_keeps_nothing() -> None:
    for one in deltadefi.segments(DeltadefiOptions(), DeltadefiFacts(), "live"):
        (request,) = one.mass_cancels(())
        assert json.loads(request.body) == {"symbol": one.name}
        assert one.mass_cancels((order(),)) == (request,)
        assert not one.protective_kinds


@pytest.mark.parametrize("known", [{}, {"symbols": ("IAGUSDM", "NEWUSDM"), "markets": ("IAGUSDM", "NEWUSDM")}])
def test_pairs_that_nobody_has_confirmed_go_behind_all_others(known: dict[str, tuple[str, ...]]) -> None:
    found = deltadefi.segments(DeltadefiOptions(), DeltadefiFacts(**known), "live")
    urgent = [one.name for one in found if one.mass_cancels(())[0].priority is Priority.MASS_CANCEL]
    later = [one.name for one in found if one.mass_cancels(())[0].priority is Priority.CANCEL]
    assert urgent == [*CONFIRMED, *known.get("symbols", ())]
    assert later == [one for one in UNCONFIRMED if one not in urgent]
    (named,) = deltadefi.segments(DeltadefiOptions(symbol=("HOSKYUSDM",)), DeltadefiFacts(), "live")
    assert named.mass_cancels(())[0].priority is Priority.MASS_CANCEL, "who asks for it means it"


def test_symbols_of_any_script_are_sent_as_they_are() -> None:
    one = segment("币安USDM", DeltadefiOptions(symbol=("币安USDM",)))
    assert json.loads(one.mass_cancels(())[0].body) == {"symbol": "币安USDM"}
    assert parse_qs(one.listings[0][0].query)["symbol"] == ["币安USDM"]
    assert one.listings[0][0].query.isascii()


def test_discoveries_teach_pairs() -> None:
    assert (MARKETS.optional, ALL_PAIRS.optional) == (False, True)
    assert ALL_PAIRS.request.target == "/accounts/open-orders?limit=250&page=1"
    facts = MARKETS.learn(DeltadefiFacts(), named("ADAUSDM", "ADAUSDCx"))
    assert facts.markets == ("ADAUSDM", "ADAUSDCx")
    assert ALL_PAIRS.learn(facts, named("ADAUSDX", "ADAUSDM")).symbols == ("ADAUSDM", "ADAUSDCx", "ADAUSDX")
    assert MARKETS.learn(DeltadefiFacts(), (*named("ADAUSDM"), deltadefi.ODD_MARKET)).markets == ("ADAUSDM",)


def named(*symbols: str) -> tuple[Known, ...]:
    """How discovery reads name symbols."""
    return tuple(Known(SYMBOL, one) for one in symbols)


SHOWN, LISTED = (ALL_PAIRS, ("IAGUSDM", "ADAUSDX", "ADAUSDCx")), (MARKETS, ("ADAUSDM", "ADAUSDCx"))


@pytest.mark.parametrize(
    ("reads", "apart"),
    [
        ([SHOWN, LISTED], "ADAUSDX IAGUSDM"),
        ([LISTED, SHOWN], "IAGUSDM ADAUSDX"),
        ([(ALL_PAIRS, ("IAGUSDM", "ADAUSDM"))], ""),
        ([(MARKETS, ("ADAUSDM",))], ""),
    ],
)
def test_pairs_that_hold_orders_and_that_the_market_config_may_lack(
    reads: list[tuple[Discovery[DeltadefiFacts], tuple[str, ...]]], apart: str
) -> None:
    facts = DeltadefiFacts()
    for discovery, found in reads:
        facts = discovery.learn(facts, named(*found))
    assert facts.apart == tuple(apart.split())


def test_a_pair_that_is_apart_is_read_from_the_listing_of_all_pairs() -> None:
    (one,) = deltadefi.segments(
        DeltadefiOptions(symbol=("ADAUSDX",)), DeltadefiFacts(symbols=("ADAUSDX",), apart=("ADAUSDX",)), "live"
    )
    ((wide,),) = one.listings
    assert wide == ALL_PAIRS.request
    shown = one.page(wide, reply(envelope(row(), row(id=TWO, symbol="ADAUSDX"))))
    assert ([order.id for order in shown.orders], shown.unsure, shown.total) == ([TWO], "", None)
    assert one.page(wide, reply(envelope(row(), count=2))).unsure, "a short page"
    first = one.page(wide, reply(envelope(*many(250), count=251, pages=2)))
    assert (first.orders, first.unsure) == ((), "")
    assert first.next is not None
    last = one.page(first.next, reply(envelope(row(id=TWO, symbol="ADAUSDX"), count=251, pages=2)))
    assert [order.id for order in last.orders] == [TWO]
    assert "more than one page" in last.unsure
    (own,) = one.witnesses
    assert (own.optional, own.request.target) == (True, "/accounts/open-orders?symbol=ADAUSDX&limit=250&page=1")
    assert own.read(own.request, reply(envelope()))
    assert not own.read(own.request, reply(envelope(row(symbol="ADAUSDX"))))


def config(*pairs: object, assets: object = ()) -> dict[str, object]:
    return {"trading_pairs": [{"symbol": pair} for pair in pairs], "assets": assets}


def read(discovery: Discovery[DeltadefiFacts], body: object) -> tuple[Known, ...]:
    return discovery.read(discovery.request, reply(body)).names


def test_the_market_config_names_pairs_twice() -> None:
    assets = [{"symbol": "ADA", "trading_pairs": ["ADAUSDM", "ADAUSDCx"]}, {"symbol": "USDM", "trading_pairs": None}]
    assert read(MARKETS, config("ADAUSDM", "NIGHTUSDM", assets=assets)) == named("ADAUSDM", "NIGHTUSDM", "ADAUSDCx")
    assert read(MARKETS, {"trading_pairs": [{"symbol": "ADAUSDM"}]}) == named("ADAUSDM")
    assert read(MARKETS, config("ADAUSDM", assets=None)) == named("ADAUSDM")
    assert read(MARKETS, {"trading_pairs": None, "assets": assets}) == named("ADAUSDM", "ADAUSDCx")
    assert read(MARKETS, config("币安USDM")) == named("币安USDM")


@pytest.mark.parametrize("odd", [None, "", "x", "ADA USDM", "ADAUSDM\n", 'ADA"},{"', [], {}, 7, "A" * 41])
def test_an_odd_market_hides_no_other_one_but_then_they_are_not_all(odd: object) -> None:
    for body in (config("ADAUSDM", odd, "NEWUSDM"), config("ADAUSDM", assets=[{"trading_pairs": [odd, "NEWUSDM"]}])):
        names = read(MARKETS, body)
        assert names == (*named("ADAUSDM", "NEWUSDM"), deltadefi.ODD_MARKET)
        assert "cannot be read" in deltadefi.doubts(DeltadefiOptions(), frozenset(names))[0]
        assert deltadefi.doubts(DeltadefiOptions(symbol=("ADAUSDM",)), frozenset(names)) == ()
    rows = {"trading_pairs": [odd if isinstance(odd, dict | list) else None, {"symbol": "ADAUSDM"}]}
    assert read(MARKETS, rows) == (*named("ADAUSDM"), deltadefi.ODD_MARKET)


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], {"trading_pairs": None}, {"trading_pairs": []}, {"trading_pairs": ["ADAUSDM"]}),
        *({"trading_pairs": [{"name": "ADAUSDM"}]}, config("ADA USDM"), config("ADAUSDM\n"), config('ADA"},{"')),
    ],
)
def test_another_market_config_is_unreadable(body: object) -> None:
    with pytest.raises(Unreadable):
        read(MARKETS, body)


def all_pairs(*rows: object, **totals: int) -> Batch:
    """What the listing of all pairs says, when it holds these rows."""
    return ALL_PAIRS.read(ALL_PAIRS.request, reply(envelope(*rows, **totals)))


def test_the_listing_of_all_pairs_shows_where_orders_rest() -> None:
    rows = [row(), row(id=TWO, symbol="ADAUSDX"), row(id="three", symbol="OLDUSDM", status="closed")]
    assert read(ALL_PAIRS, envelope(*rows)) == named("ADAUSDM", "ADAUSDX")
    odd = [None, row(symbol=None), row(status=[], id=None), row(symbol="ADAUSDX", price=[], status=None)]
    assert read(ALL_PAIRS, envelope(*odd)) == named("ADAUSDM", "ADAUSDX")
    assert all_pairs(*odd).unsure
    assert (all_pairs(row(symbol=None)).names, bool(all_pairs(row(symbol=None)).unsure)) == ((), True)
    batch = ALL_PAIRS.read(ALL_PAIRS.request, reply(envelope(*many(250), count=251, pages=2)))
    assert batch.next is not None
    assert batch.next.target == "/accounts/open-orders?limit=250&page=2"
    short = all_pairs(row(), count=3)
    assert (short.names, bool(short.unsure)) == (named("ADAUSDM"), True), "a hit counts, even on a short page"
    assert all_pairs(count=3).unsure, "it says that there are orders, and shows none"
    assert not all_pairs(count=0).unsure


# --- cancels by name ------------------------------------------------------------------------------------------------


def test_cancels_by_name_are_few_because_each_costs_a_quarter_of_a_second() -> None:
    orders = tuple(order(f"order-{number}") for number in range(9))
    found = ADA.cancels(orders, None)
    assert [request.path for request, _ in found] == [f"/order/order-{number}/cancel" for number in range(4)]
    assert [named for _, named in found] == [(one,) for one in orders[:4]]
    kinds = {(request.method, request.changes, request.priority) for request, _ in found}
    assert kinds == {("POST", True, Priority.CANCEL)}
    assert deltadefi.VENUE.limits[found[0][0].bucket].seconds == 0.25
    assert found[0][0].bucket == CANCEL.bucket, "both kinds of cancel share one limit"


# --- reading: open orders -------------------------------------------------------------------------------------------


def test_numbers_keep_their_digits() -> None:
    body = json.dumps(envelope(row(price=0, base_qty=0))).replace('"price": 0', '"price": 0.10').encode()
    (found,) = ADA.page(LISTING, reply(body)).orders
    assert (found.price, found.quantity) == ("0.10", "0")


def test_a_bare_list_is_read_too() -> None:
    page = ADA.page(LISTING, reply([row(), row(id=TWO)]))
    assert [one.id for one in page.orders] == [ONE, TWO]
    assert (page.next, page.unsure, page.total) == (None, "", None)
    assert ADA.page(LISTING, reply([])).orders == ()
    following = ADA.page(LISTING, reply(many(250))).next
    assert following is not None
    assert following.query == "symbol=ADAUSDM&limit=250&page=2"


def test_a_total_that_counts_an_ended_order_too_says_nothing() -> None:
    page = ADA.page(LISTING, reply(envelope(row(status="closed"), row(id=TWO))))
    assert ([one.id for one in page.orders], page.unsure, page.total) == ([TWO], "", None)


@pytest.mark.parametrize("pages", [0, 1])
def test_an_empty_page_is_empty_however_its_pages_are_counted(pages: int) -> None:
    page = ADA.page(LISTING, reply(envelope(pages=pages)))
    assert (page.orders, page.next, page.unsure, page.total) == ((), None, "", 0)


def test_pages_are_read_to_the_last() -> None:
    page = ADA.page(LISTING, reply(envelope(*many(250), count=501, pages=3)))
    assert (page.unsure, page.total) == ("", 501)
    assert page.next is not None
    page = ADA.page(page.next, reply(envelope(*many(250, 250), count=501, pages=3)))
    assert page.next is not None
    assert page.next.query == "symbol=ADAUSDM&limit=250&page=3"
    page = ADA.page(page.next, reply(envelope(*many(1, 500), count=501, pages=3)))
    assert (page.next, page.unsure) == (None, "")


def test_a_wrong_number_of_pages_hides_nothing() -> None:
    page = ADA.page(LISTING, reply(envelope(*many(250), count=300, pages=1)))
    assert page.next is not None, "300 orders do not fit on one page"


@pytest.mark.parametrize(
    ("rows", "count", "pages"),
    [
        *(([], 1, 1), ([row()], 2, 1), ([row()], 0, 0), (many(10), 12, 2), (many(249), 300, 2)),
        *(([row(), row()], 2, 1), (many(251), 251, 2)),
    ],
)
def test_rows_that_do_not_fit_the_total_prove_nothing(rows: list[object], count: int, pages: int) -> None:
    page = ADA.page(LISTING, reply(envelope(*rows, count=count, pages=pages)))
    assert page.unsure
    assert (page.next is not None) is (bool(rows) and (pages > 1 or count > 250)), "what it leaves is read on"
    assert len(page.orders) == len(rows), "what it shows is open all the same"


@pytest.mark.parametrize(
    "totals", [{}, {"total_count": None, "total_page": None}, {"total_count": -1, "total_page": 0}]
)
@pytest.mark.parametrize("more", [{"total_count": "many"}, {"total_count": []}, {"total_page": {}}])
def test_totals_that_cannot_be_read_hide_no_order(totals: dict[str, object], more: dict[str, object]) -> None:
    for odd in (totals, {"total_count": 1, "total_page": 1, **more}):
        page = ADA.page(LISTING, reply({"data": [row()], **odd}))
        assert [one.id for one in page.orders] == [ONE]
        assert (page.next, page.total, page.full) == (None, None, False)
        assert page.unsure
        full = ADA.page(LISTING, reply({"data": many(250), **odd}))
        assert full.full
        assert full.next is not None, "a full page is read on"


def test_a_null_is_an_empty_listing_if_its_totals_say_so() -> None:
    page = ADA.page(LISTING, reply({"data": None, "total_count": 0, "total_page": 0}))
    assert (page.null, page.orders, page.next, page.unsure, page.total) == (True, (), None, "", 0)
    page = ADA.page(LISTING, reply({"data": None, "total_count": 3, "total_page": 1}))
    assert (page.null, page.next) == (True, None)
    assert page.unsure
    assert not ADA.page(LISTING, reply(envelope())).null


def test_a_row_whose_id_would_lead_to_another_path_hides_no_other_one() -> None:
    page = ADA.page(LISTING, reply(envelope(row(), row(id="../accounts/new-api-key"))))
    assert [one.id for one in page.orders] == [ONE]
    assert page.unsure


def test_an_order_of_another_pair_is_left_out_and_tells_that_the_filter_did_not_hold() -> None:
    page = ADA.page(LISTING, reply(envelope(row(), row(id=TWO, symbol="NIGHTUSDM"), row(id="3", symbol="adausdm"))))
    assert [one.id for one in page.orders] == [ONE, "3"]
    assert "NIGHTUSDM among those of ADAUSDM" in page.unsure
    ended = row(id=TWO, symbol="NIGHTUSDM", status="closed")
    assert ADA.page(LISTING, reply(envelope(row(), ended))).unsure == ""


@pytest.mark.parametrize(("symbols", "taken"), [((), [ONE, TWO]), (("ADAUSDX",), [TWO])])
def test_whose_pair_cannot_be_read_is_taken_along_only_where_everything_is_in_scope(
    symbols: tuple[str, ...], taken: list[str]
) -> None:
    facts = DeltadefiFacts(symbols=("ADAUSDX",), apart=("ADAUSDX",))
    one = segment("ADAUSDX", DeltadefiOptions(symbol=symbols), facts)
    rows = [row(symbol=None), row(id=TWO, symbol="ADAUSDX"), row(id="other")]
    page = one.page(one.listings[0][0], reply(envelope(*rows)))
    assert [order.id for order in page.orders] == taken
    assert page.unsure


def test_there_are_a_thousand_pages_at_most() -> None:
    last = Request(method="GET", path=LISTING.path, query="symbol=ADAUSDM&limit=250&page=1000", bucket=LISTING.bucket)
    page = ADA.page(last, reply(envelope(*many(250), count=999_999, pages=4000)))
    assert (page.next, page.unsure) == (None, "more than 1000 pages")


@pytest.mark.parametrize("totals", [{}, {"total_count": 0}, {"total_count": None, "total_page": None}])
def test_a_null_without_readable_totals_is_unreadable(totals: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        ADA.page(LISTING, reply({"data": None, **totals}))


# --- reading: acknowledgements and ends -----------------------------------------------------------------------------


def test_an_acknowledgement_as_it_was_recorded() -> None:
    recorded = ROWS["seed: cancel-all 200 response"]["response"]["json"]
    assert ADA.acknowledge(CANCEL, reply(recorded)).cancelled == (ONE, TWO)


def test_pages_of_executed_orders_leave_out_the_living() -> None:
    rows = [row(status="open"), row(id=TWO, status="closed")]
    found = ADA.final_page(EXECUTED, reply(envelope(*rows)))
    assert [(one.id, ended) for one, ended, _ in found.orders] == [(TWO, State.FILLED)]
    rows = [row(id=f"order-{number}", status="closed") for number in range(250)]
    following = ADA.final_page(EXECUTED, reply(envelope(*rows, count=300, pages=2))).next
    assert following is not None
    assert following.target == "/accounts/trade-orders?symbol=ADAUSDM&limit=250&page=2"


def test_an_odd_record_hides_no_other_one() -> None:
    ended = row(status="closed")
    rows = [None, [], {**ended, "id": None}, {**ended, "base_qty": [], "side": {}}, {**ended, "symbol": "NIGHTUSDM"}]
    found = ADA.final_page(EXECUTED, reply(envelope(*rows, {**ended, "id": TWO, "executed_base_qty": []})))
    assert [(one.id, ended) for one, ended, _ in found.orders] == [(ONE, State.FILLED), (TWO, State.FILLED)]
    with pytest.raises(Unreadable):
        ADA.final_page(RECORD, reply(row(id=None)))


def test_only_so_many_records_are_read_one_by_one() -> None:
    orders = tuple(order(f"order-{number}") for number in range(100))
    unlisted = Order(id="unlisted", segment="ADAUSDM")
    found = ADA.final_states((*orders, unlisted), 0)
    assert len(found) == 1 + RECORDS
    assert found[1].path == "/accounts/order/unlisted"


# --- judging --------------------------------------------------------------------------------------------------------


def error(code: object, message: str = "words") -> dict[str, object]:
    return {"error": message, "code": code}


def test_not_found_is_good_news_for_a_cancel_only() -> None:
    for request, code, status, judged in (
        *((request, 4200, status, Answer.NOTHING_OPEN) for request in (CANCEL, BY_NAME) for status in (400, 404)),
        *((LISTING, code, 400, Answer.AMBIGUOUS) for code in (4200, 4201)),
        (RECORD, 4200, 404, Answer.REFUSED),
    ):
        assert deltadefi.judge(request, reply(error(code), status)).answer is judged


@pytest.mark.parametrize(
    ("name", "request_", "expected", "kind"),
    [
        ("cancel-all with nothing to cancel", CANCEL, Answer.NOTHING_OPEN, None),
        ("order record with empty id (router miss, not JSON)", RECORD, Answer.GATEWAY, "environment"),
        ("internal error reported as HTTP 400", CANCEL, Answer.AMBIGUOUS, None),
        ("gateway down (not JSON)", LISTING, Answer.AMBIGUOUS, "unreadable"),
        ("forbidden, body empty in the log", LISTING, Answer.GATEWAY, "region"),
    ],
)
def test_observed_answers(name: str, request_: Request, expected: Answer, kind: str | None) -> None:
    observed = ROWS[f"observed: {name}"]["response"]
    found = deltadefi.judge(request_, reply(observed["text"].encode(), observed["status"]))
    assert (found.answer, found.kind) == (expected, kind)


def test_good_answers_are_accepted() -> None:
    for body in ({"symbol": "ADAUSDM", "order_ids": []}, envelope(), []):
        assert deltadefi.judge(CANCEL, reply(body)).answer is Answer.ACCEPTED


@pytest.mark.parametrize(
    ("code", "headers", "after"),
    [
        (4290, {}, 2.0),
        (4290, {"retry_after": "7"}, 7.0),
        (4290, {"retry_after": "0"}, 0.0),
        (4290, {"retry_after": "soon"}, 2.0),
        (5002, {}, None),
        (5002, {"retry_after": "60"}, 60.0),
        (5001, {}, None),
        (5001, {"retry_after": "3"}, 3.0),
        (4202, {}, None),
    ],
)
def test_how_long_to_wait(code: int, headers: dict[str, str], after: float | None) -> None:
    assert deltadefi.judge(CANCEL, reply(error(code), 400, **headers)).after == after


@pytest.mark.parametrize("code", [4010, 4400, 4406])
def test_what_is_public_or_only_for_the_report_ends_nothing(code: int) -> None:
    for request in (MARKETS.request, RECORD, EXECUTED):
        found = deltadefi.judge(request, reply(error(code), 401))
        assert (found.answer, found.reach) == (Answer.REFUSED, Reach.REQUEST)
    for request in (LISTING, CANCEL, BY_NAME, ALL_PAIRS.request):
        assert deltadefi.judge(request, reply(error(code), 401)).reach is not Reach.REQUEST


def test_a_refused_key_comes_with_its_cure() -> None:
    found = deltadefi.judge(CANCEL, reply(error(4010, "Unauthorized"), 401))
    assert found.message == "4010 Unauthorized"
    assert "live or testnet" in found.hint


def test_a_late_cancel_has_no_known_limit() -> None:
    assert deltadefi.VENUE.late_ms(DeltadefiOptions()) is None
    assert deltadefi.VENUE.proof_gap == 2.0


def test_the_key_is_the_account_and_is_never_shown() -> None:
    secrets = DeltadefiSecrets(api_key=Secret("d0d0d0d0d0d0d0d0"))
    deltadefi.VENUE.check_secrets(secrets, DeltadefiOptions())
    assert deltadefi.VENUE.account(secrets, DeltadefiOptions()) == "d0d0d0d0d0d0d0d0"
    assert "d0d0" not in repr(secrets)
    assert "d0d0" not in repr(deltadefi.sign(CANCEL, secrets, DeltadefiOptions(), 0, 1))
