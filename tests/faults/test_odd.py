"""Rows 59 to 67: one wrong answer, from a gateway, of the venue, in a listing. Each kind on every venue over sockets.

`tests/kills/test_contract_answers.py` runs the same kinds under virtual time, many more of them and with every option.
"""

from __future__ import annotations

import pytest

from cancelall.core.model import Verdict
from faults.harness import LISTS_FIRST, TO_ITS_DEADLINE, Case, shows
from kills.truth import TRUTHS
from unit.venues.kinds import EVERY

LONG = 20.0
"""Seconds of a deadline behind which something has passed."""
EDGES = ("401", "403", "404", "405", "302", "200", "403/json", "404/empty")
PARTS = {
    "ascendex": "margin",
    "binance": "/eapi/",
    "bitget": "spot",
    "bybit": "linear",
    "deltadefi": "ADAUSDM",
    "hyperliquid": '"dex":"xyz"',
    "okx": "sprd",
}
"""What the requests about one product have in common."""


@shows(
    59,
    "a gateway answers for a while",
    injected="401, 403, 404, 405, 302, HTML with 200, JSON without a code, nothing: to every path, then health",
    expected="all orders are gone, and it is clear",
    codes=(0,),
    over={"status": EDGES},
    share=2,
)
def test_a_gateway_for_a_while(case: Case, venue: str, status: str) -> None:
    server = case.server(venue, f"edge={status}^0.3")
    assert case.kill(venue, server, deadline=LONG).report.verdict is Verdict.CLEAR


@shows(
    60,
    "a gateway answers for the whole run",
    injected="the same to the end, or before what is read alone",
    expected="every cancel is tried to the deadline; what reaches the venue is done",
    codes=(4, 11),
    over={"status": EDGES},
    share=2,
    alone=TO_ITS_DEADLINE,
)
def test_a_gateway_for_the_whole_run(case: Case, venue: str, status: str) -> None:
    server = case.server(venue, f"edge={status}")
    ended = case.kill(venue, server, deadline=4)
    fires = "listing" if venue in LISTS_FIRST else "cancel"
    cancels = [request.arrived for request in server.requests if request.kind == fires]
    assert max(cancels) - min(request.arrived for request in server.requests) > 1.5
    assert ended.seconds > 3


@shows(60, alone=TO_ITS_DEADLINE)
@pytest.mark.parametrize("kind", ["public", "read"])
def test_a_gateway_before_what_is_only_read(case: Case, venue: str, kind: str) -> None:
    server = case.server(venue, f"edge:{kind}=403")
    # The account's mode or its isolated pairs are not known then, or by which number a cancel names a market.
    needed = (venue, kind) in (("bitget", "read"), ("binance", "read"), ("hyperliquid", "public"))
    case.kill(venue, server, deadline=4, codes=[0, 10, 11] if needed else [0, 11])
    assert server.open_orders() == [] or needed


@shows(
    61,
    "one refusal among good answers",
    injected="the third or the sixth request is once answered that the key, the address or the call is refused",
    expected="it ends nothing",
    codes=(0,),
    over={"reach": ["request", "key", "address"], "spared": [2, 5]},
    share=5,
)
def test_a_lone_refusal(case: Case, venue: str, reach: str, spared: int) -> None:
    server = case.server(venue, f"refused={reach}+{spared}@1")
    assert case.kill(venue, server, deadline=LONG).report.verdict is Verdict.CLEAR


@shows(
    62,
    "a product is said to be missing, and its listing is silent",
    injected="the venue's word for it to the cancels of a product whose listing hangs or is dropped",
    expected="never clear while an order rests",
    codes=(4, 10, 11, 12),
    not_for=dict.fromkeys(("pacifica", "deribit", "hyperliquid", "kraken"), "it has no word for a missing product"),
    over={"silence": ["stall", "fin-after"]},
    share=4,
    alone=TO_ITS_DEADLINE,
)
def test_a_missing_product_whose_listing_is_silent(case: Case, venue: str, silence: str) -> None:
    part = PARTS[venue]
    server = case.server(venue, f"absent:cancel~{part}", f"{silence}:listing~{part}")
    ended = case.kill(venue, server, deadline=3)
    assert server.open_orders()
    assert ended.report.verdict is not Verdict.CLEAR


@shows(
    63,
    "one row of a listing is odd",
    injected="a date with a fraction, a price that is an object, a flag that is maybe, null, another shape, twice",
    expected="every order that can be named is cancelled; what is odd proves nothing",
    codes=(0, 10, 11),
    over={"oddity": ["date", "price", "flag", "status", "type", "twice", "unknown"]},
    share=5,
)
def test_an_odd_row_is_cancelled_like_the_others(case: Case, venue: str, oddity: str) -> None:
    server = case.server(venue, f"odd-row={oddity}", orders=20)
    case.kill(venue, server, deadline=LONG, codes=[0])


@shows(63, over={"oddity": ["string", "null", "list", "no-id", "symbol"]}, share=5, alone=TO_ITS_DEADLINE)
def test_a_row_that_names_no_order_keeps_no_other(case: Case, venue: str, oddity: str) -> None:
    server = case.server(venue, f"odd-row={oddity}", orders=20)
    ended = case.kill(venue, server, deadline=4)
    listings = {request.text for request in server.requests if request.kind == "listing"}
    assert len(server.open_orders()) <= len(listings)
    assert ended.report.verdict is not Verdict.CLEAR or not server.open_orders()


@shows(
    64,
    "a listing's way on is odd",
    injected="missing, null, of another type, to the page itself, to an empty page, endless, a wrong total",
    expected="what was read is cancelled; bounded; never clear while an order rests",
    codes=(0, 10, 11),
    not_for={
        **dict.fromkeys(("ascendex", "deribit", "hyperliquid", "kraken"), "its listings have one page"),
        **dict.fromkeys(("pacifica", "okx"), "its listings name no next page"),
    },
    over={"way": ["missing", "null", "number", "object", "itself", "empty", "endless", "total"]},
    share=3,
    alone=TO_ITS_DEADLINE,
)
def test_an_odd_way_on(case: Case, venue: str, way: str) -> None:
    server = case.server(venue, f"odd-way={way}", orders=220 if venue == "bybit" else 40)
    case.kill(venue, server, deadline=8)
    assert server.open_orders() == [] or (venue, way) == ("deltadefi", "empty")


@shows(
    65,
    "one request has to wait for a minute",
    injected="429 and 503 with Retry-After: 60, or the venue's own limit with a reset in a minute, once",
    expected="the verdict comes within seconds of when it would have come",
    codes=(0,),
    over={"form": ["60", "60/503", "60/own"], "spared": [0, 4]},
    share=5,
)
def test_a_long_wait_for_one_request(case: Case, venue: str, form: str, spared: int) -> None:
    server = case.server(venue, f"hint={form}+{spared}@1")
    assert case.kill(venue, server, deadline=50).seconds < 25


@shows(
    66,
    "replicas that contradict each other",
    injected="every second reading of each listing is three gaps old",
    expected="clear only when both are empty",
    codes=(0,),
)
def test_replicas_that_contradict_each_other(case: Case, venue: str) -> None:
    server = case.server(venue, "replicas=0.3")  # three gaps of this clock
    assert case.kill(venue, server, deadline=12).report.verdict is Verdict.CLEAR


@shows(
    67,
    "null in the place of a list",
    injected="every empty list is null",
    expected="read twice, it is empty",
    codes=(0,),
    not_for={
        "binance": "its documents know of no null in the place of a list: it is unreadable",
        "hyperliquid": "its whole answer is the list: null is no answer",
    },
)
def test_null_in_the_place_of_a_list(case: Case, venue: str) -> None:
    server = case.server(venue, "null-lists")
    assert case.kill(venue, server, deadline=LONG).report.verdict is Verdict.CLEAR


NO_CLIENT_IDS = {venue: "its listings show none" for venue, truth in TRUTHS.items() if not truth.mine}
FIELDS = {kind.venue: kind.client_id for kind in EVERY.values() if kind.client_id}
"""The field of a row with the client's own id."""


@shows(
    68,
    "a client id cannot be read",
    injected="that of each listing's first row is an object, or missing, while client ids select what is cancelled",
    expected="that order is left and is open; of the others just the selected ones are cancelled",
    codes=(10,),
    not_for=NO_CLIENT_IDS,
    over={"how": ["", "/missing"]},
    alone=TO_ITS_DEADLINE,
)
def test_a_client_id_that_cannot_be_read(case: Case, venue: str, how: str) -> None:
    server, mine = case.server(venue, f"odd-field={FIELDS[venue]}{how}"), TRUTHS[venue].mine
    before = {order.id: order for order in server.open_orders()}
    ended = case.kill(venue, server, options={"client_id": [mine]}, deadline=3)
    left = {order.id for order in server.open_orders()}
    assert {one for one, order in before.items() if not order.client_id.startswith(mine)} <= left
    states = {row.order.id: row.state.value for row in ended.report.orders}
    assert {states[one] for one in left if before[one].client_id.startswith(mine)} <= {"open"}
    assert left < set(before)
