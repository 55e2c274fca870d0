"""Rows 20 to 23, 25 and 31: answers that are errors, no JSON, too large, hostile, or come for the cancels only."""

from __future__ import annotations

import json

import pytest

from cancelall.core.model import State, Verdict
from cancelall.simulator.spoil import HOSTILE
from faults import raw
from faults.harness import LISTS_FIRST, PEAK_MB, TO_ITS_DEADLINE, VERDICTS, Case, shows

# --- errors of the venue --------------------------------------------------------------------------------------------


@shows(
    20,
    "5xx with a page, twice, then good",
    injected="HTTP 502 with HTML, the venue's own internal error, maintenance; 500 for 70 % of the deadline",
    expected="sent again until it is done",
    codes=(0,),
    over={"fault": ["html=502@2", "html=504@3", "error-500=1@2", "maintenance@2", "html:cancel=500@2", "status=503@3"]},
    share=2,
)
def test_errors_that_pass(case: Case, venue: str, fault: str) -> None:
    server = case.server(venue, fault)
    ended = case.kill(venue, server, deadline=8)
    assert server.fake.strikes(fault.split(":")[0].split("=")[0].split("@")[0]) >= 2
    assert "<html" not in ended.said


@shows(20, alone="errors for a share of the deadline, and a verdict soon after them")
def test_errors_for_most_of_the_time(case: Case, venue: str) -> None:
    """HTTP 500 to everything for 70 % of the deadline: it is tried as long as a proof still fits.

    The pauses are real ones, of up to 2 s; the deadline of 30 s is in the random schedules' virtual time.
    """
    deadline = 12.0
    server = case.server(venue, f"error-500-for={0.7 * deadline * case.slow}")
    # listings of Binance's futures are heavy: at a fake venue of one host they would use up a minute's weight
    options: dict[str, object] = {"product": ["spot"]} if venue == "binance" else {}
    codes = [0, 11] if venue in LISTS_FIRST else None  # where reads are scarce, most of them are used up by then
    ended = case.kill(venue, server, options=options, deadline=deadline, codes=codes)
    assert (ended.report.timing.verdict or 0) > 700 * deadline * case.slow - 200  # the server's clock began before
    assert any(attempt.status == 500 for attempt in ended.attempts)


@shows(
    21,
    "5xx after the orders were cancelled",
    injected="the request is processed and then answered 500",
    expected="the listing proves it",
    codes=(0,),
)
@pytest.mark.parametrize("fault", ["error-after:cancel@1", "error-after:cancel@4"])
def test_errors_after_the_cancel(case: Case, venue: str, fault: str) -> None:
    case.kill(venue, case.server(venue, fault), deadline=8)


@shows(
    31,
    "the cancels work and the listing does not",
    injected="listings are answered 500",
    expected="not proven",
    codes=(11,),
    alone=TO_ITS_DEADLINE,
)
@pytest.mark.parametrize("fault", ["listing-fails", "html:listing=502", "stall:listing"])
def test_a_listing_that_fails(case: Case, venue: str, fault: str) -> None:
    silent = venue in LISTS_FIRST and fault.startswith("stall")  # where no cancel is answered, either
    ended = case.kill(venue, case.server(venue, fault), codes=[12] if silent else None)
    assert ended.report.verdict is (Verdict.UNREACHABLE if silent else Verdict.UNPROVEN)
    assert {one.listings for one in ended.report.segments if one.verdict is not Verdict.CLEAR} == {0}


SEVERAL = ["ascendex", "bitget", "bybit", "deltadefi", "deribit", "hyperliquid", "pacifica"]
"""Venues with more than one listing."""


@shows(31, venues=SEVERAL, alone=TO_ITS_DEADLINE)
def test_one_listing_of_several_that_fails(case: Case, venue: str) -> None:
    """What can be read is clear; the profile is not."""
    some = {"ascendex": "margin", "bitget": "spot", "bybit": "option", "deltadefi": "ADAUSDM", "pacifica": "strategies"}
    some |= {"deribit": "currency=BTC", "hyperliquid": "twapHistory", "okx": "sprd", "binance": "/eapi/"}
    options = {"currency": ["BTC", "ETH"]} if venue == "deribit" else {}
    server = case.server(venue, f"listing-fails~{some[venue]}")
    # A strategy that cannot be read goes on placing orders, and one may be there in the end.
    ended = case.kill(venue, server, deadline=2, codes=[10, 11] if venue == "pacifica" else None, options=options)
    verdicts = {one.verdict for one in ended.report.segments}
    still = {row.order.id for row in ended.report.orders if row.state is State.OPEN}
    assert ended.report.verdict is Verdict.UNPROVEN or (still and still <= {order.id for order in server.open_orders()})
    assert Verdict.UNPROVEN in verdicts
    assert Verdict.CLEAR in verdicts or venue == "pacifica"  # whose strategies feed its orders


# --- no answer at all, by what it holds -----------------------------------------------------------------------------

SHAPES = [
    "[]",
    "{}",
    "null",
    "NaN",
    '"text"',
    "<html></html>",
    '{"a":1}{"b":2}',
    '{"code":0,"retCode":0,"success":true,"data":{},"result":{}}',
    '{"code":"00000","retCode":0,"success":true,"data":{"entrustedList":{}},"result":{"list":{}}}',
    '{"code":0,"retCode":0,"success":true,"data":"none","result":{"list":"none"}}',
    '{"code":"00000","retCode":0,"success":true,"data":[1,2],"result":{"list":[1,2]}}',
    '{"code":0,"retCode":0,"success":true,"data":[{"orderId":{}}],"result":{"list":[{"orderId":{}}]}}',
    '{"code":0,"retCode":0,"success":true,"data":[[]],"result":{"list":[null]}}',
    '{"code":1e400,"retCode":1e400}',
    '{"code":-0.0,"retCode":Infinity}',
    f'{{"code":{"9" * 6000},"retCode":0}}',
]


@shows(
    22,
    "an answer that is not what the venue documents",
    injected="half of the JSON, [], NaN, keys twice, 50,000 brackets, other types, missing fields",
    expected="the answer counts as none; the listing decides; an unreadable listing is never an empty one",
    codes=(0, 11),
    over={"fault": ["truncated", "empty-body", "deep-json", *(f"json:listing={one}" for one in SHAPES)]},
    share=2,
    alone=TO_ITS_DEADLINE,
)
def test_a_listing_that_cannot_be_read_is_never_empty(case: Case, venue: str, fault: str) -> None:
    name, _, rest = fault.partition(":")
    server = case.server(venue, f"{name}:listing{rest.removeprefix('listing')}")
    ended = case.kill(venue, server, deadline=1.0, codes=[11, *BARE_400.get(venue, ())])
    assert {one.verdict for one in ended.report.segments} & {Verdict.UNPROVEN}
    assert {one.listings for one in ended.report.segments} == {0}


BARE_400 = {"deltadefi": (4,), "pacifica": (4,)}
"""A refusal whose body is spoilt, too, is one by its status alone: of a pair that the venue lacks, of a strategy that
is gone by now."""


@shows(22, over={"fault": ["truncated", "empty-body", "deep-json", "json=[]", "json=NaN", "duplicate-keys"]})
def test_unreadable_answers_that_pass(case: Case, venue: str, fault: str) -> None:
    case.kill(venue, case.server(venue, f"{fault}@4"), deadline=8, codes=[0])


@shows(22, over={"fault": ["truncated", "empty-body", "deep-json", "json={}"]}, share=2, alone=TO_ITS_DEADLINE)
def test_cancels_with_unreadable_answers_are_settled_by_the_listing(case: Case, venue: str, fault: str) -> None:
    name, equals, value = fault.partition("=")
    server = case.server(venue, f"{name}:cancel{equals}{value}")
    case.kill(venue, server, deadline=3, codes=[0, 11, *BARE_400.get(venue, ())])
    assert server.open_orders() == []


# --- without measure ------------------------------------------------------------------------------------------------


@shows(
    23,
    "an answer without measure",
    injected="an endless chunked body, a gzip bomb, 200 headers",
    expected="cut off at the limit; the process stays under 100 MB",
    codes=(11,),
    over={"fault": ["giant", "gzip-bomb", "many-headers=200"]},
    alone=TO_ITS_DEADLINE,
)
def test_an_answer_without_measure(case: Case, venue: str, fault: str) -> None:
    ended = case.kill(venue, case.server(venue, fault))
    assert ended.report.verdict is Verdict.UNPROVEN


@shows(23, over={"fault": ["giant", "gzip-bomb", "giant:listing", "gzip-bomb:listing"]}, alone=TO_ITS_DEADLINE)
def test_the_memory_that_it_takes(case: Case, venue: str, fault: str) -> None:
    server = case.server(venue, fault)
    path = case.config({venue: {**case.table(venue, server.origin), "credentials": dict(server.credentials)}})
    peak, ran = case.measured(venue, "--json", "--quiet", "--config", str(path))  # positions have seconds of their own
    assert ran.line["verdict"] == "unproven"
    assert peak < PEAK_MB, f"{peak:.0f} MB"


@shows(23, alone=TO_ITS_DEADLINE)
def test_a_head_without_end(case: Case, venue: str) -> None:
    server = case.raw(raw.endless_head)
    path = case.config({venue: case.table(venue, server.origin())})
    peak, ran = case.measured(venue, "--json", "--config", str(path))
    assert ran.line["verdict"] == "unproven"
    assert peak < PEAK_MB, f"{peak:.0f} MB"


# --- hostile text ---------------------------------------------------------------------------------------------------

FORBIDDEN = [chr(code) for code in (*range(9), *range(11, 32), 127, 0x85, 0x9B, 0x202E, 0x2066, 0xFEFF)]


def harmless(said: str) -> None:
    """No control character but the line break, no override of the direction, nothing that cannot be encoded."""
    assert [one for one in FORBIDDEN if one in said] == []
    said.encode()


@shows(
    25,
    "hostile text",
    injected="control and OSC sequences, markup, RTL override, lone surrogate, NUL; a message of 1 MB",
    expected="shown escaped and clipped, in tables, JSON lines and -v",
    codes=VERDICTS,
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_hostile_text_in_every_field(case: Case, venue: str, dry_run: bool) -> None:
    server = case.server(venue, "hostile")
    ended = case.kill(venue, server, dry_run=dry_run)
    harmless(ended.said)


@shows(25, over={"fault": ["key", "ip", "permission", "error-500=1", "rate-limit=1"]}, alone=TO_ITS_DEADLINE)
def test_hostile_text_in_refusals(case: Case, venue: str, fault: str) -> None:
    ended = case.kill(venue, case.server(venue, "hostile", fault))
    harmless(ended.said)


def message(venue: str, text: str) -> str:
    """A refusal in the venue's form, with this text."""
    fields = {
        "ascendex": {"code": 100001, "message": text},
        "bitget": {"code": "40034", "msg": text, "data": None},
        "bybit": {"retCode": 10001, "retMsg": text, "result": {}},
        "binance": {"code": -1102, "msg": text},
        "deltadefi": {"code": 4000, "error": text},
        "deribit": {"error": {"code": -32602, "message": text}, "testnet": False},
        "hyperliquid": {"status": "err", "response": text},
        "kraken": {"error": [f"EGeneral:Invalid arguments:{text}"]},
        "okx": {"code": "51000", "msg": text, "data": []},
        "pacifica": {"success": False, "error": f"Invalid parameters {text}", "code": 400},
    }
    return json.dumps(fields[venue])


@shows(
    25,
    over={"text": [HOSTILE, "[/oops][bold]", "\u2028\u2029\x85\ufeff", "a" * 1_000_000, "é\x1b[31m" * 9999]},
    share=2,
    alone=TO_ITS_DEADLINE,
)
def test_hostile_messages(case: Case, venue: str, text: str) -> None:
    server = case.raw(raw.answering("200 OK", body=message(venue, text).encode()))
    ended = case.kill(venue, case.table(venue, server.origin()))
    harmless(ended.said)
    assert len(ended.said) < 200_000
    assert ended.report.verdict in (Verdict.REFUSED, Verdict.UNPROVEN)


@shows(25)
def test_a_page_that_holds_the_secrets(case: Case, venue: str) -> None:
    """A gateway that repeats what it was sent, in all spellings."""
    table = case.table(venue, "http://127.0.0.1:9")
    credentials = table["credentials"]
    assert isinstance(credentials, dict)
    text = " ".join([*credentials.values(), *(json.dumps(one)[1:-1] for one in credentials.values())])
    server = case.raw(raw.answering("200 OK", body=message(venue, text).encode()))
    ended = case.kill(venue, {**table, "base_url": server.origin()})
    assert "***" in ended.said or venue in LISTS_FIRST  # whose readers repeat nothing of it
