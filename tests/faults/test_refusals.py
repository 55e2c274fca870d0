"""Rows 13 to 19, 24 and 57: limits, refusals of key, address, region and right, redirects."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cancelall.core.model import Answer, Verdict
from cancelall.core.results import ErrorReport
from faults import raw
from faults.harness import PEAK_MB, TO_ITS_DEADLINE, Case, Ended, shows


def twice(ended: Ended) -> dict[str, int]:
    """Requests that were sent more than once."""
    return {str(request): len(tries) for request, tries in ended.tries().items() if len(tries) > 1}


def seldom(ended: Ended) -> bool:
    """Whether nothing that was not accepted was tried more often than once in two seconds.

    What can be read without a key is read as often as ever, until the key is believed to be refused.
    """
    return all(
        again.began - first.began >= 1.9
        for tries in ended.tries().values()
        for first, again in pairwise(tries)
        if first.judgement is None or first.judgement.answer is not Answer.ACCEPTED
    )


def refused(ended: Ended, *, readable: bool = True) -> ErrorReport:
    """The error of a refused kill. Pacifica and Hyperliquid list orders without a key, if `readable`."""
    assert ended.report.verdict in (
        Verdict.REFUSED,
        *([Verdict.OPEN] if ended.report.venue in ("pacifica", "hyperliquid") and readable else []),
    )
    return ended.error


# --- limits ---------------------------------------------------------------------------------------------------------


@shows(
    13,
    "429 with a short Retry-After",
    injected="the first cancel is answered 429, Retry-After: 1",
    expected="waits for as long as it has to, then cancels",
    codes=(0,),
    alone="measures a wait of a second",
)
def test_a_short_wait_is_waited(case: Case, venue: str) -> None:
    server = case.server(venue, "status:cancel=429@1", "retry-after:cancel=1@1")
    ended = case.kill(venue, server, deadline=6)
    (tries,) = (again for again in ended.tries().values() if again[0].status == 429)
    waits = [again.began - tries[0].ended for again in tries[1:]]
    assert not waits or any(0.95 <= wait < 2 for wait in waits), "a retry that nobody needs any more is dropped"
    assert (
        not waits or waits[0] >= 0.95 or venue == "pacifica"
    )  # where a witness is the same request, and does not wait


@shows(13)
def test_the_venues_own_limit_is_waited_out(case: Case, venue: str) -> None:
    server = case.server(venue, "rate-limit=20")
    case.kill(venue, server, deadline=20, codes=[0])


@shows(
    14,
    "429 with a long or senseless Retry-After",
    injected="everything is answered 429 with Retry-After: 600, a date, rubbish, or -1",
    expected="no hammering; one listing is still tried; the output says how long the venue wants",
    codes=(11,),
    over={"wait": ["600", "Wed, 21 Oct 2099 07:28:00 GMT", "soon", "-1", "nan", "1e999", "²"]},
    share=2,
    alone=TO_ITS_DEADLINE,
)
def test_a_wait_that_cannot_be_waited(case: Case, venue: str, wait: str) -> None:
    server = case.server(venue, "status=429", f"retry-after={wait}")
    ended = case.kill(venue, server)
    listings = [request for request in server.requests if request.kind == "listing"]
    assert ended.report.verdict is Verdict.UNPROVEN
    assert listings
    seconds = {"600": 600, "1e999": 86_400, "Wed, 21 Oct 2099 07:28:00 GMT": 86_400}.get(wait)
    assert max(len(tries) for tries in ended.tries().values()) <= 6 * case.slow
    assert ended.error.kind == "rate_limit"
    warned = [warning for warning in ended.report.warnings if "wanted a wait" in warning]
    assert warned == ([f"the venue wanted a wait of {seconds} s"] if seconds else [])


@shows(14, alone=TO_ITS_DEADLINE)
def test_a_long_wait_on_the_cancels_alone(case: Case, venue: str) -> None:
    """The listing is read all the same, and says what is left."""
    server = case.server(venue, "status:cancel=429", "retry-after:cancel=600")
    scarce = venue == "hyperliquid"  # its listings are spread over the time, and here there is little of it
    ended = case.kill(venue, server, codes=[10, 11] if scarce else [10])
    assert ended.report.verdict is Verdict.OPEN or scarce
    assert {row.order.id for row in ended.report.orders} <= {order.id for order in _all(server)}


def _all(server: object) -> list[object]:
    fake = server.fake  # type: ignore[attr-defined]
    alive = getattr(fake, "strategies_alive", None)
    return [*fake.open_orders(), *(alive(server.account) if alive else [])]  # type: ignore[attr-defined]


@shows(
    15,
    "418",
    injected="everything is answered 418",
    expected="the same as a 429",
    codes=(11,),
    alone=TO_ITS_DEADLINE,
)
def test_418_is_a_limit(case: Case, venue: str) -> None:
    ended = case.kill(venue, case.server(venue, "status=418"))
    assert ended.error.kind == "rate_limit"


# --- refusals -------------------------------------------------------------------------------------------------------


@shows(
    16,
    "403 with a page (edge filter, region, address block)",
    injected="HTTP 403 with HTML to everything",
    expected="a gateway's word: tried again, at most every 2 s, to the deadline; the page is not printed",
    codes=(4, 11),
    alone=TO_ITS_DEADLINE,
)
def test_a_region_that_is_not_served(case: Case, venue: str) -> None:
    server = case.server(venue, "region")
    ended = case.kill(venue, server)
    error = ended.error
    assert (ended.report.verdict, error.kind) == (Verdict.REFUSED, "region")
    assert seldom(ended), "a gateway's page may pass, and more tries may make it worse"
    assert "<html" not in ended.said
    assert "not available" not in ended.said
    if venue == "bybit":
        assert "10 minutes" in error.hint


@shows(16, alone=TO_ITS_DEADLINE)
def test_a_gateway_that_turns_everybody_away_is_tried_by_each_profile(case: Case, venue: str) -> None:
    server = case.server(venue, "region")
    other = server.add_account(orders=12)
    first = {**case.table(venue, server.origin), **server.account_options, "credentials": dict(server.credentials)}
    second = {**first, **other.options, "credentials": dict(other.credentials)}
    ended = case.kills({"one": first, "two": second})
    assert [report.verdict for report in ended.reports] == [Verdict.REFUSED, Verdict.REFUSED]
    assert all(report.requests for report in ended.reports), "an answer to one stops nobody else"


@shows(
    17,
    "the key is refused",
    injected="the venue's own code for a revoked key; a bare 401",
    expected="the code is believed when a second request is answered so, too; the bare 401 is a gateway's word",
    codes=(4, 11),
    alone=TO_ITS_DEADLINE,
)
@pytest.mark.parametrize("fault", ["key", "status=401"])
def test_a_refused_key(case: Case, venue: str, fault: str) -> None:
    server = case.server(venue, fault)
    ended = case.kill(venue, server, codes=[4, 10])
    assert refused(ended, readable=fault == "key").kind == "auth"
    assert seldom(ended)
    assert fault != "key" or max(twice(ended).values(), default=1) <= 2
    assert len(server.open_orders()) >= 12


@shows(
    18,
    "the address is not on the key's list",
    injected="the venue's own code",
    expected="believed after a try over the other address family, where there is one; the cure is named",
    codes=(4,),
    not_for=dict.fromkeys(("deltadefi", "hyperliquid"), "its keys have no address lists"),
    alone=TO_ITS_DEADLINE,
)
def test_an_address_that_is_not_on_the_list(case: Case, venue: str) -> None:
    ended = case.kill(venue, case.server(venue, "ip"), codes=[4, 10])
    error = refused(ended)
    assert max(twice(ended).values(), default=1) <= 2, "once more, over the other address family"
    assert error.hint
    if venue in ("bybit", "bitget", "pacifica"):  # AscendEX has no words of its own for it
        assert error.kind == "ip"
        assert "address" in error.hint


PARTS = {
    "ascendex": ("/margin/", "margin"),
    "binance": ("/eapi/", "option"),
    "bitget": ("spot", "spot"),
    "bybit": ("option", "option"),
    "okx": ("sprd", "spreads"),
}
"""What the requests of one product hold, and what its orders' segment is called at the fake venue."""


@shows(
    19,
    "a right is missing for one product of several",
    injected="the venue's own code on the cancels of one product",
    expected="the other products are cleared; what is left is listed",
    codes=(4, 10),
    not_for={
        **dict.fromkeys(("deltadefi", "deribit"), "its keys have no rights by product"),
        "pacifica": "one cancel takes all products; an agent key has no rights by product",
        "kraken": "one cancel takes all pairs; a key has no rights by pair",
        "hyperliquid": "an agent key has no rights by product",
    },
    alone=TO_ITS_DEADLINE,
)
def test_a_right_that_is_missing_for_one_product(case: Case, venue: str) -> None:
    text, segment = PARTS[venue]
    server = case.server(venue, f"permission={text}")
    mine = {order.id for order in server.open_orders() if segment in order.segment.lower()}
    assert mine
    ended = case.kill(venue, server, deadline=3)
    assert {order.id for order in server.open_orders()} == mine
    assert {row.order.id for row in ended.report.orders if row.state.value in ("open", "failed")} == mine
    assert any(one.verdict is Verdict.CLEAR for one in ended.report.segments)
    assert (ended.error.kind, bool(ended.error.hint)) == ("permission", True)


@shows(
    57,
    "a key of another environment",
    injected="the venue's own code for a key that it does not know",
    expected="the hint says what may not belong together",
    codes=(4,),
    alone=TO_ITS_DEADLINE,
)
def test_a_key_of_another_environment(case: Case, venue: str) -> None:
    ended = case.kill(venue, case.server(venue, "key"), codes=[4, 10])
    error = refused(ended)
    words = ("host", "testnet", "environment", "account", "demo", "staging")
    assert any(word in error.hint for word in words), error.hint


# --- redirects ------------------------------------------------------------------------------------------------------


@shows(
    24,
    "a redirect",
    injected="302 to another host; 302 with a body of 400 MB",
    expected="not followed, not downloaded, nothing sent to the other host; sent again to the deadline",
    codes=(4, 11),
    alone=TO_ITS_DEADLINE,
)
def test_a_redirect_is_not_followed(case: Case, venue: str) -> None:
    elsewhere = case.raw(raw.answering("200 OK"))
    server = case.server(venue, f"redirect={elsewhere.origin()}")
    ended = case.kill(venue, server)
    assert (ended.report.verdict, ended.error.kind) == (Verdict.REFUSED, "redirect")
    assert elsewhere.accepted == 0


@shows(
    24,
    over={"status": ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"]},
    alone=TO_ITS_DEADLINE,
)
def test_a_redirects_body_is_not_downloaded(case: Case, venue: str, status: str) -> None:
    elsewhere = case.raw(raw.answering("200 OK"))
    giant = raw.answering(status, [f"Location: {elsewhere.origin()}/"], padding=400 << 20)
    server = case.raw(giant)
    path = case.config({venue: case.table(venue, server.origin())})
    peak, ran = case.measured(venue, "--json", "-q", "--config", str(path))
    assert ran.line["error"]["kind"] == "redirect"
    assert elsewhere.accepted == 0
    assert server.sent < server.accepted * (16 << 20)  # what fits into socket buffers
    assert peak < PEAK_MB
