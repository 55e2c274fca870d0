"""What every embedded exchange can be made to say that is not as documented: gateways, refusals, odd rows, odd ways on.

The requests are those of a client that means well: they are signed, and without a fault every one is accepted.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Order, Request
from cancelall.core.secret import Secret
from cancelall.simulator import FakeVenue, Manner, SimReply, SimRequest
from cancelall.simulator.faults import SPECS
from cancelall.simulator.hyperliquid.markets import COINS
from cancelall.simulator.refusals import Refusal
from cancelall.simulator.spoil import HOSTILE, ODD_ROWS, UNKNOWN_STATUS
from cancelall.simulator.wire import MADE_UP
from cancelall.venues.registry import VENUES, load, schema
from turns import turns

IDS = {"orderId", "order_id", "strategyId", "strategy_id", "id", "oid", "twapId", "txid", "ordId", "algoId"}
WAYS = {"nextPageCursor", "nextCursor", "endId", "idLessThan", "cursor", "total_page"}
PAGED = ("bybit", "bitget", "deltadefi")
"""Venues whose listings name the page that follows."""


class Client:
    """A client of one fake venue, under a clock that it turns."""

    def __init__(self, venue: str, *faults: str, orders: int = 30, mode: str = "") -> None:
        self.ms = 1_790_000_000_000
        self.signed_ms = 0
        self.name = venue
        self.fake: FakeVenue = simulator.create(venue, orders=orders, now_ms=lambda: self.ms, limits=False)
        self.fake.set_faults(["mode=unified"] if mode else [])
        self.fake.set_faults(faults)
        self.account = next(iter(self.fake.accounts.values()))
        self.venue = load(venue)
        self.options = schema(venue).options(**self.account.options)
        facts = self.venue.facts
        if self.venue.recall is not None:  # one whose cancels want symbols
            kept = {(one.segment.split()[0], one.symbol) for one in self.account.book.open()}
            names = sorted({segment for segment, _ in kept})
            facts = self.venue.recall(
                facts, tuple((one, tuple(sorted(s for n, s in kept if n == one))) for one in names)
            )
        if venue == "hyperliquid":  # what its discovery reads show
            facts = replace(facts, dexes=("xyz", "flx"), assets=tuple((coin, one) for one, coin in COINS.items()))
        self.segments = self.venue.segments(self.options, facts, "live")
        self.asked = 0

    def listings(self) -> Iterator[Request]:
        for segment in self.segments:
            for stage in segment.listings:
                yield from stage

    def cancels(self) -> Iterator[Request]:
        """Those that need to know nothing; where there are none, one of an order of each segment."""
        for segment in self.segments:
            yield from segment.mass_cancels(())
            known = self.account.book.open(segment.name) if self.name == "hyperliquid" else ()
            some = tuple(Order(id=one.id, segment=one.segment, symbol=one.symbol) for one in known)[:1]
            yield from (request for request, _ in segment.cancels(some, None) if some)

    def ask(self, request: Request, query: str | None = None) -> SimReply:
        secrets = schema(self.name).secrets(**{key: Secret(one) for key, one in self.account.credentials.items()})
        sent = request if query is None else replace(request, query=query)
        self.asked += self.venue.nonces is not None  # where no timestamp may come again
        signed = self.venue.sign(sent, secrets, self.options, (self.signed_ms or self.ms) + self.asked, 1)
        return self.fake.handle(
            SimRequest(
                method=sent.method,
                path=sent.path,
                query=sent.query if signed.query is None else signed.query,
                headers={name.lower(): value for name, value in signed.headers},
                body=signed.body,
                received_ms=self.ms,
            )
        )


def rows(value: Any) -> list[Any]:
    """Every row of an order in an answer."""
    if isinstance(value, list) and any(isinstance(one, dict) and IDS & one.keys() for one in value):
        return value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [row for each in inside for row in rows(each)]


def ways(value: Any) -> dict[str, Any]:
    """Every way on in an answer."""
    if not isinstance(value, dict):
        return {}
    held = {name: one for name, one in value.items() if name in WAYS}
    for each in value.values():
        held |= ways(each)
    return held


def read(reply: SimReply) -> Any:
    """The answer; rows that are a map by their ids stand in a list."""
    return unmapped(json.loads(reply.body))


def unmapped(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if any(isinstance(one, dict) and "descr" in one for one in value.values()):
        return [{"txid": name, **one} if isinstance(one, dict) else one for name, one in value.items()]
    return {name: unmapped(one) for name, one in value.items()}


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# --- gateways -------------------------------------------------------------------------------------------------------


@turns("edge", itertools.product((200, 302, 401, 403, 404, 405, 451), ("", "/html", "/json", "/text", "/empty")))
def test_an_edge_answers_without_a_word_of_the_venues(venue: str, edge: tuple[int, str]) -> None:
    status, form = edge
    client = Client(venue, f"edge={status}{form}")
    for request in (*client.cancels(), *client.listings()):
        reply = client.ask(request)
        assert reply.status == status
        assert ("Location" in dict(reply.headers)) is (status == 302)
        assert not {b"retCode", b"code", b"success"} & set(reply.body.replace(b'"', b" ").split())
        assert (reply.body == b"") is (form == "/empty")
    assert len(client.fake.open_orders()) == len(Client(venue).fake.open_orders())


def test_an_edge_may_guard_one_path_for_a_while(venue: str) -> None:
    client = Client(venue)
    first, *_ = client.listings()
    others = [one for one in (*client.listings(), *client.cancels()) if one.path != first.path]
    client.fake.set_faults([f"edge=404^1~{first.path}?"])
    assert client.ask(first).status == 404
    assert 404 not in {client.ask(one).status for one in others}
    client.ms += 1000
    assert client.ask(first).status == 200


# --- refusals -------------------------------------------------------------------------------------------------------

REACHES = {
    "request": Refusal.REQUEST,
    "product": Refusal.PRODUCT,
    "address": Refusal.IP,
    "key": Refusal.KEY,
    "host": Refusal.HOST,
}


def word(reply: SimReply) -> object:
    """The venue's own word for what it says."""
    if reply.status == 422 or not reply.body.startswith(b"{"):
        return reply.body
    answer = read(reply)
    if isinstance(answer, list):  # a good answer of Binance
        return "list", None
    return answer.get("retCode", answer.get("code", "success")), answer.get("error", answer.get("response"))


def where(venue: str) -> SimRequest:
    """A request that the venue would refuse in its words."""
    return SimRequest(method="POST", path="/exchange" if venue == "hyperliquid" else "/")


@pytest.mark.parametrize("reach", REACHES)
def test_one_request_is_refused_once_in_the_venues_words(venue: str, reach: str) -> None:
    client = Client(venue)
    requests = list(client.cancels()) * 3
    client.fake.set_faults([f"refused={reach}+2@1"])
    said = [word(client.ask(one)) for one in requests]
    if REACHES[reach] not in client.fake.refusals:
        assert client.fake.strikes("refused") == 0
        return
    refused = word(client.fake.refuse(REACHES[reach], where(venue)))
    assert [number for number, one in enumerate(said) if one == refused] == [2]


def test_the_words_of_the_reaches_differ(venue: str) -> None:
    """But for those venues that have one word for keys and addresses."""
    fake = Client(venue).fake
    reasons = [reason for reason in REACHES.values() if reason in fake.refusals]
    known = [word(fake.refuse(reason, where(venue))) for reason in reasons]
    assert len(set(map(str, known))) == len(known) - (venue in ("ascendex", "deltadefi", "deribit", "kraken"))


def test_the_word_for_a_missing_product(venue: str) -> None:
    if venue == "hyperliquid":
        pytest.skip("it has none, and a second cancel of one order finds it gone")
    client = Client(venue, "absent:cancel@1")
    first, *_ = client.cancels()
    said = [word(client.ask(first)) for _ in range(2)]
    assert (said[0] == said[1]) is (Refusal.ABSENT not in client.fake.refusals)


@pytest.mark.parametrize(("form", "status"), [("60", 429), ("60/503", 503)])
def test_a_long_hint(venue: str, form: str, status: int) -> None:
    client = Client(venue, f"hint={form}+1@1")
    first, *_ = client.listings()
    replies = [client.ask(first) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, status, 200]
    assert dict(replies[1].headers)["Retry-After"] == "60"


def test_a_long_hint_in_the_venues_words(venue: str) -> None:
    client = Client(venue, "hint=60/own@1")
    first, *_ = client.listings()
    refused = client.ask(first)
    headers = {name.lower(): value for name, value in refused.headers}
    if venue == "bybit":
        assert int(headers["x-bapi-limit-reset-timestamp"]) == client.ms + 60_000
    elif venue == "kraken":
        assert client.fake.requests[-1].status == 200
    elif venue == "pacifica":
        assert headers["ratelimit"].endswith(";t=60")
    elif venue == "deribit":
        assert json.loads(refused.body)["error"]["data"] == {"wait": 60}
    else:
        assert headers["retry-after"] == "60"
    assert client.ask(first).status == 200


# --- odd rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("oddity", ODD_ROWS)
def test_one_row_is_odd_and_the_others_are_as_they_were(venue: str, oddity: str) -> None:
    usual, client = Client(venue), Client(venue, f"odd-row={oddity}")
    struck = 0
    for request in usual.listings():
        before, after = rows(read(usual.ask(request))), read(client.ask(request))
        if client.fake.strikes("odd-row") == struck:
            assert rows(after) == before
            continue
        struck += 1
        shown = _shown(after)
        kept = [row for row in shown if row in before]
        extra = {"twice": 0, "foreign": 0}.get(oddity, 1)
        assert len(set(map(repr, kept))) == len(before) - extra
        assert len(shown) - len(before) == (oddity in ("twice", "foreign"))
    never = (("deltadefi", "flag"), ("kraken", "twice"))  # rows hold no truth value; a map has no two alike
    assert bool(struck) == ((venue, oddity) not in never)


def _shown(value: Any) -> list[Any]:
    """The rows of an answer, odd ones included: the longest list in it."""
    if isinstance(value, list):
        return value
    inside = [_shown(each) for each in value.values()] if isinstance(value, dict) else []
    return max(inside, key=len, default=[])


@pytest.mark.parametrize(
    ("oddity", "of_bybit"),
    [
        ("date", {"createdTime": "1789996401000.5"}),
        ("price", {"price": {"value": "1"}}),
        ("flag", {"reduceOnly": "maybe"}),
        ("status", {"orderStatus": None}),
        ("symbol", {"symbol": None}),
        ("side", {"side": None}),
        ("type", {"orderType": None}),
    ],
)
def test_what_is_odd_in_a_row(oddity: str, of_bybit: dict[str, Any]) -> None:
    usual, client = Client("bybit"), Client("bybit", f"odd-row={oddity}")
    request = next(one for one in usual.listings() if "category=spot" in one.query and "tpslOrder" in one.query)
    (before,), (after,) = rows(read(usual.ask(request))), rows(read(client.ask(request)))
    assert {name: value for name, value in after.items() if before[name] != value} == of_bybit


def test_an_odd_row_that_is_spared_is_not_touched() -> None:
    client = Client("ascendex", "odd-row=no-id+1@1")
    first, second, *_ = client.listings()
    assert all(IDS & row.keys() for row in rows(read(client.ask(first))))
    assert [bool(IDS & row.keys()) for row in _shown(read(client.ask(second)))].count(False) == 1
    assert all(IDS & row.keys() for row in rows(read(client.ask(second))))
    assert client.fake.strikes("odd-row") == 1


# --- odd ways on ----------------------------------------------------------------------------------------------------


def pages(client: Client, request: Request, most: int = 12) -> list[Any]:
    """The answers of a client that follows every way on that is text."""
    name = {"/v5/": "cursor", "/api/v2/": "idLessThan", "/api/v3/": "cursor"}
    parameter = next((word for start, word in name.items() if request.path.startswith(start)), "page")
    answers: list[Any] = []
    query = request.query
    while len(answers) < most:
        answers.append(read(client.ask(request, query)))
        on = next((one for one in ways(answers[-1]).values() if one), None)
        if parameter == "page":
            number = len(answers) + 1
            query = request.query.replace("page=1", f"page={number}")
            if not isinstance(on, int) or number > on:
                return answers
            continue
        if not isinstance(on, str) or (not rows(answers[-1]) and not on.startswith(MADE_UP)):
            return answers
        query = f"{request.query}&{parameter}={on}"
    return answers


def paged(venue: str, *faults: str) -> tuple[Client, Request]:
    """A listing of several pages."""
    client = Client(venue, *faults, orders=900)
    texts = {"bybit": "settleCoin=USDT", "bitget": "/orders-pending?", "deltadefi": "ADAUSDM"}
    return client, next(
        one for one in client.listings() if texts[venue] in one.target and "StopOrder" not in one.target
    )


def ids(answers: list[Any]) -> list[Any]:
    return [next(row[name] for name in IDS if name in row) for answer in answers for row in rows(answer)]


@pytest.mark.parametrize("oddity", ["missing", "null", "number", "object"])
@pytest.mark.parametrize("venue", PAGED)
def test_a_way_on_that_is_none(venue: str, oddity: str) -> None:
    client, request = paged(venue, f"odd-way={oddity}")
    whole = pages(*paged(venue))
    answer = read(client.ask(request))
    assert rows(answer) == rows(whole[0])
    kinds = {"null": type(None), "number": float, "object": dict}
    assert {type(one) for one in ways(answer).values()} == ({kinds[oddity]} if oddity in kinds else set())


@pytest.mark.parametrize("venue", PAGED)
def test_a_way_on_that_leads_to_itself(venue: str) -> None:
    answers = pages(*paged(venue, "odd-way=itself"))
    assert len(answers) == 12
    if venue != "deltadefi":  # which has numbers, and no rows on the pages behind the last one
        assert ways(answers[-1]) == ways(answers[-2])
        assert ids(answers[-1:]) == ids(answers[:1])


@pytest.mark.parametrize("venue", PAGED)
def test_an_empty_page_before_the_first(venue: str) -> None:
    answers = pages(*paged(venue, "odd-way=empty"))
    whole = pages(*paged(venue))
    assert rows(answers[0]) == []
    assert any(ways(answers[0]).values())
    if venue != "deltadefi":
        assert ids(answers) == ids(whole)


@pytest.mark.parametrize("venue", PAGED)
def test_pages_without_end(venue: str) -> None:
    answers = pages(*paged(venue, "odd-way=endless"))
    assert len(answers) == 12
    if venue != "deltadefi":
        assert len({str(ways(one)) for one in answers}) == 12


def test_a_total_that_does_not_fit() -> None:
    client, request = paged("deltadefi", "odd-way=total")
    usual, _ = paged("deltadefi")
    assert read(client.ask(request))["total_count"] == read(usual.ask(request))["total_count"] + 1


# --- replicas -------------------------------------------------------------------------------------------------------


def test_every_second_reading_is_behind(venue: str) -> None:
    if venue == "hyperliquid":
        pytest.skip("a cancel takes what it names: no listing is empty after one; see its own tests")
    client = Client(venue, *(["prompt"] if venue == "deltadefi" else []), "replicas=3")
    requests = [one for one in client.listings() if rows(read(client.ask(one)))]
    client.fake.set_faults(["prompt", "replicas=3"] if venue == "deltadefi" else ["replicas=3"])
    mass = list(client.cancels())
    for one in mass:
        client.ask(one)
    client.ms += 500
    seen = [Counter(str(request.target) for request in requests if rows(read(client.ask(request)))) for _ in range(4)]
    assert seen[0] == seen[2]
    assert seen[1] == seen[3]
    gone = set(seen[1]) - set(seen[0])
    assert gone, "what a cancel took vanishes, and comes back"
    client.ms += 3000
    seen = [Counter(str(request.target) for request in requests if rows(read(client.ask(request)))) for _ in range(2)]
    assert seen[0] == seen[1]


def test_the_pages_of_one_reading_come_from_one_replica() -> None:
    client, request = paged("bybit", "replicas=3")
    for cancel in client.cancels():
        client.ask(cancel)
    client.ms += 100
    first, second, third = (ids(pages(client, request)) for _ in range(3))
    assert first == third
    assert len(second) > len(first)
    assert len(second) == len(set(second))


@pytest.mark.parametrize(
    ("venue", "path", "requests", "minutes", "status"),
    [("bybit", "/v5/market/time", 600, 10, 403), ("bitget", "/api/v2/public/time", 6000, 5, 429)],
)
def test_an_address_that_sends_too_much_is_shut_out(
    venue: str, path: str, requests: int, minutes: int, status: int
) -> None:
    client, request = Client(venue), SimRequest(method="GET", path=path)
    client.fake.limits = True
    assert [client.fake.handle(request).status for _ in range(requests + 1)] == [200] * requests + [status]
    client.ms += minutes * 60_000 - 1000
    cancel, *_ = client.cancels()
    assert client.ask(cancel).status == status
    client.ms += 1000
    assert client.ask(cancel).status == 200


def test_no_venue_takes_the_name_of_a_fault_that_all_have(venue: str) -> None:
    assert not set(simulator.venue_class(venue).own_faults) & set(SPECS)


def test_hostile_text_and_unknown_statuses(venue: str) -> None:
    for mode in ("", "unified") if venue == "bitget" else ("",):
        kinds = ((), ("hostile",), ("unknown-status",))
        usual, hostile, unknown = (Client(venue, *faults, mode=mode) for faults in kinds)
        for request in usual.listings():
            before, reply = rows(read(usual.ask(request))), hostile.ask(request)
            if before:
                assert HOSTILE in texts(read(reply))
                assert b"\\ud800" in reply.body
                assert ids([read(reply)]) == ids([before])
                after = rows(read(unknown.ask(request)))
                assert after[:-1] == before[:-1]
                # The strategies of Bybit and the TWAPs of Pacifica have no status in words.
                worded = not request.path.endswith(("/strategy/list", "/orders/twap"))
                assert texts(after[-1]).count(UNKNOWN_STATUS) == worded


def texts(value: Any) -> list[str]:
    """Every text in an answer."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for each in inside for text in texts(each)]


# --- orders and answers that come late ------------------------------------------------------------------------------


def shown(client: Client) -> int:
    """How many orders the listings show."""
    return sum(len(rows(read(client.ask(one)))) for one in client.listings() if "/strategy/" not in one.path)


def fire(client: Client) -> None:
    for one in client.cancels():
        client.ask(one)


def test_late_cancels_and_listings_that_lag_or_hide(venue: str) -> None:
    quirks = ["prompt"] if venue == "deltadefi" else []
    client = Client(venue, *quirks, "late-cancel=1.5")
    before = shown(client)
    fire(client)
    client.ms += 1400
    assert shown(client) == before
    client.fake.set_faults([*quirks, "lag=1"])
    client.ms += 101
    assert shown(client) == before, "what has landed is still shown"
    client.ms += 1000
    assert shown(client) < before
    client = Client(venue, *quirks, "hidden=1", "ack-only")
    fire(client)
    assert shown(client) == 0
    client.ms += 1000
    assert shown(client) == before


@pytest.mark.parametrize(
    ("fault", "manner", "processed"),
    [
        ("stall", Manner.NEVER, False),
        ("stall-after", Manner.NEVER, True),
        ("reset-after", Manner.RESET, True),
        ("fin-after", Manner.CLOSE, True),
        ("reset-body", Manner.RESET_IN_BODY, True),
        ("drip-body", Manner.DRIP_BODY, True),
        ("drip-headers", Manner.DRIP_HEADERS, True),
        ("giant", Manner.ENDLESS, True),
        ("garbage", Manner.GARBAGE, True),
        ("latency", Manner.WHOLE, True),
    ],
)
def test_how_an_answer_travels(venue: str, fault: str, manner: Manner, processed: bool) -> None:
    client = Client(venue, fault)
    before = len(client.fake.open_orders())
    first, *_ = client.cancels()
    assert client.ask(first).manner is manner
    assert client.fake.requests[-1].status == (200 if manner.answers else None)
    client.ms += 2000
    assert (len(client.fake.open_orders()) < before) is processed


@pytest.mark.parametrize("seconds", [-600, 2, 600])
def test_a_wrong_clock_can_be_repaired(venue: str, seconds: int) -> None:
    if venue == "hyperliquid":
        pytest.skip("its reads need no clock, and show their own")
    client = Client(venue, f"clock={seconds}")
    first, *_ = client.listings()
    right = word(Client(venue).ask(first))
    wrong = word(client.ask(first))
    # Reads need no clock at Pacifica, nor does anything at DeltaDeFi; Bybit and the others leave room to one side.
    assert (wrong == right) is (venue in ("pacifica", "deltadefi", "kraken") or abs(seconds) == 2)
    client.signed_ms = 0 if client.venue.serial else client.ms + seconds * 1000  # where it only grows
    assert word(client.ask(first)) == right
