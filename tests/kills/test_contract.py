"""What every venue must do, by being listed: the same kills on each embedded exchange, the same rules for modules."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import cancelall.venues
from cancelall import simulator
from cancelall.core import declare
from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Reply, Request, Verdict
from cancelall.core.preflight import load_preflight
from cancelall.core.secret import Secret
from cancelall.simulator import Kind, SimServer
from cancelall.venues.contract import Segment
from cancelall.venues.registry import VENUES, load, schema
from soak.plans import Plan
from soak.schedule import Result, run
from soak.virtual import START
from support import kill, profile_table, swept


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(venue: str) -> Iterator[SimServer]:
    with simulator.start(venue, orders=30) as running:
        yield running


def segments(name: str) -> tuple[Segment, ...]:
    """The segments that a venue has before it has been asked anything."""
    one = load(name)
    values = {"account_group": 1} if name == "ascendex" else {}
    return tuple(one.segments(schema(name).options(**values), one.facts, "live"))


# --- the module -----------------------------------------------------------------------------------------------------


FURTHER_SEGMENTS = {"bitget": {"classic", "unified"}}
"""Where there are two families of calls."""


def test_the_modules_read_alike(venue: str) -> None:
    """The same files with the same idea in each, after a docstring that names the doubts and the documents."""
    folder = Path(cancelall.venues.__file__).parent / venue
    names = {path.stem for path in folder.glob("*.py")}
    assert names == {"__init__", "options", "api", "segments", "venue", "preflight"} | FURTHER_SEGMENTS.get(
        venue, set()
    )
    for path in folder.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 360, path
    told = importlib.import_module(f"cancelall.venues.{venue}").__doc__ or ""
    assert "https://" in told
    assert "Handled on the safe side" in told


def test_hosts_are_https_origins(venue: str) -> None:
    for host in schema(venue).hosts.values():
        assert host.startswith("https://")
        assert host.count("/") == 2


def test_secrets_are_declared_and_never_options(venue: str) -> None:
    fields = declare.secrets_of(schema(venue).secrets)
    assert fields
    assert not set(fields) & {item.key for item in declare.declared(schema(venue).options)}
    for sec in fields.values():
        assert sec.help.endswith(".")


def test_every_option_explains_itself(venue: str) -> None:
    for item in declare.declared(schema(venue).options):
        assert item.opt.help.rstrip(")").endswith("."), item.key


# --- readers --------------------------------------------------------------------------------------------------------

FOREIGN = [
    b"",
    b"<html><body>502 Bad Gateway [/oops]</body></html>",
    b"[",
    b"null",
    b"[]",
    b"{}",
    b'{"data":{}}',
    b'{"data":null}',
    b'{"result":{}}',
    b'"text"',
    b"404 page not found",
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b"[" * 50_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", FOREIGN, ids=lambda body: repr(body[:24]))
def test_a_foreign_answer_is_never_an_empty_listing(venue: str, body: bytes) -> None:
    one = load(venue)
    for segment in segments(venue):
        for stage in segment.listings:
            for request in stage:
                got = Reply(status=200, headers={}, body=body)
                if one.judge(request, got).answer is not Answer.ACCEPTED:
                    continue
                if body == b"[]" and venue == "deltadefi":
                    continue  # documented: some clients were given a bare list
                with pytest.raises(Unreadable):
                    segment.page(request, got)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 429, 500, 502, 503])
def test_no_error_status_with_html_is_accepted(venue: str, status: int) -> None:
    one = load(venue)
    for segment in segments(venue):
        for request in (*segment.mass_cancels(()), *segment.listings[0]):
            said = one.judge(request, Reply(status=status, headers={}, body=b"<html>no</html>"))
            assert said.answer not in (Answer.ACCEPTED, Answer.NOTHING_OPEN)


def test_reads_change_nothing_and_have_no_body(venue: str) -> None:
    for segment in segments(venue):
        for stage in segment.listings:
            for request in stage:
                assert (request.method, request.changes, request.body) == ("GET", False, b"")
        for request in segment.mass_cancels(()):
            assert request.changes


def test_buckets_are_known_limits(venue: str) -> None:
    """A misspelt bucket would mean no limit."""
    one = load(venue)
    used = {request.bucket for segment in segments(venue) for request in all_requests(segment)}
    assert used <= set(one.limits)


def all_requests(segment: Segment) -> list[Request]:
    return [*segment.mass_cancels(()), *(request for stage in segment.listings for request in stage)]


def test_every_request_says_what_it_is_for(venue: str) -> None:
    """`judge` goes by that: a request that does not say it would be judged like any other."""
    one, options = load(venue), schema(venue).options(**STORED.get(venue, {}))
    order = Order(id="1", segment="", symbol="BTCUSDT", kind="limit", type="limit")
    found = [discovery.request for discovery in one.discoveries(options, one.facts)]
    for segment in segments(venue):
        found += [*all_requests(segment), *segment.final_states((order,), 0)]
        found += [witness.request for witness in segment.witnesses]
        ways = (segment.cancels, segment.singly) if segment.singly else (segment.cancels,)
        found += [request for way in ways for request, _ in way((order,), None)]
    preflight = load_preflight(venue)
    found += [question.request for question in preflight.questions(options, 0)]
    found += [probe.request for probe in preflight.probes(options, "live")]
    assert [request.target for request in found if not request.purpose] == []


def test_signing_shows_no_secret(venue: str, server: SimServer) -> None:
    one = load(venue)
    secrets = schema(venue).secrets(**{name: Secret(value) for name, value in server.credentials.items()})
    values = {"account_group": 1} if venue == "ascendex" else {}
    request = all_requests(segments(venue)[0])[0]
    signed = one.sign(request, secrets, schema(venue).options(**values), 1700000000000, 1)
    shown = repr((secrets, signed, request))
    for value in server.credentials.values():
        assert value not in shown


# --- kills ----------------------------------------------------------------------------------------------------------


def test_everything_goes_and_is_proven_gone(venue: str, server: SimServer) -> None:
    before = {order.id for order in server.open_orders()}
    assert len(before) >= 20
    report = kill(venue, server, deadline=15)
    assert (report.verdict, report.exit_status, server.open_orders()) == (Verdict.CLEAR, 0, [])
    assert before <= {row.order.id for row in report.orders}
    assert {row.state.value for row in report.orders} <= {"cancelled", "filled", "gone"}
    assert {segment.verdict for segment in report.segments} <= {Verdict.CLEAR, Verdict.ABSENT}


@pytest.mark.faults
def test_many_pages(venue: str) -> None:
    with simulator.start(venue, orders=600, limits=False) as server:
        listed = kill(venue, server, dry_run=True, deadline=20)
        assert len(listed.orders) >= len(server.open_orders())
        report = kill(venue, server, deadline=30)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


def test_orders_that_cannot_be_cancelled_are_listed(venue: str) -> None:
    result = faced(venue, "ack-only", orders=12, deadline=3.0)
    (report,) = result.reports
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    left = {order.id for order in result.resting}
    assert {row.order.id for row in report.orders if row.state.value in ("open", "failed")} & left


def test_a_failing_listing_is_unproven(venue: str) -> None:
    (report,) = faced(venue, "listing-fails", orders=12, deadline=4.0).reports
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)


def test_a_refused_key_is_tried_once(venue: str) -> None:
    with simulator.start(venue, orders=12, faults=["key"]) as server:
        report = kill(venue, server, deadline=3)
        sent = [(request.method, request.path, request.query) for request in server.requests if request.changes]
    readable = venue == "pacifica" and report.verdict is Verdict.OPEN  # there orders are read without a key
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4) or readable
    assert report.error is not None
    assert report.error.kind == "auth"
    assert report.error.hint
    bodies = [request.body for request in server.requests if request.changes]
    if venue != "pacifica":  # there each body carries its own timestamp
        assert len(set(zip(sent, bodies, strict=True))) == len(sent)


def test_a_dead_host_is_unreachable(venue: str) -> None:
    with simulator.start(venue, orders=1) as server:
        table = profile_table(venue, server)
    (report,) = swept({venue: table}, deadline=1.0)
    assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)


def test_a_dry_run_sends_nothing_that_changes_anything(venue: str, server: SimServer) -> None:
    before = server.open_orders()
    report = kill(venue, server, dry_run=True, deadline=10)
    assert server.open_orders() == before
    assert not [request for request in server.requests if request.changes]
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 0)
    assert {order.id for order in before} <= {row.order.id for row in report.orders}
    assert report.would_send


def test_an_unknown_status_is_open(venue: str) -> None:
    assert verdict(faced(venue, "unknown-status", mode="dry-run", orders=12, deadline=5.0)) is not Verdict.CLEAR


@pytest.mark.parametrize("fault", ["html:listing", "truncated:listing", "empty-body:listing", "json:listing={}"])
def test_listings_of_another_shape_never_prove_anything(venue: str, fault: str) -> None:
    result = faced(venue, fault, orders=12, deadline=5.0)
    assert verdict(result) is not Verdict.CLEAR


@pytest.mark.parametrize(
    "fault", ["error-500:cancel@3", "reset-after:cancel@2", "fin-after:cancel@1", "error-after:cancel@2"]
)
def test_cancels_without_an_answer_are_settled_by_reading(venue: str, fault: str) -> None:
    cleared(faced(venue, fault, orders=20, deadline=15.0))


def test_the_result_can_be_printed_and_holds_no_secret(venue: str) -> None:
    from cancelall.report import tables
    from cancelall.report.lines import profile_line

    with simulator.start(venue, orders=20, faults=["hostile"]) as server:
        report = kill(venue, server, dry_run=True, deadline=5)
    line = profile_line(report)
    json.loads(line)
    for width in (40, 80, 200):
        shown = tables.profile_table(report, tables.console(width, terminal=True, environ={"TERM": "dumb"}))
        assert max(map(len, shown.splitlines())) <= width
        for value in server.credentials.values():
            assert value not in shown + line


# --- one wrong answer -----------------------------------------------------------------------------------------------

# These kills run on the embedded exchange under virtual time (see tests/soak): thirty seconds take a tenth of one. What
# must hold of every kill, no false `clear` above all, is checked in each of them beside what the test asks for.

EDGES = ("401", "403", "404", "405", "302", "200", "403/json", "404/empty")
PARTS: Mapping[str, tuple[str, ...]] = {
    "ascendex": ("cash", "margin", "futures"),
    "bitget": ("USDT-FUTURES", "COIN-FUTURES", "spot"),
    "bybit": ("linear", "inverse", "spot", "option", "spread", "strategy"),
    "deltadefi": ("ADAUSDM", "NIGHTUSDM"),
    "pacifica": ("/orders", "twap", "strategies"),
}
"""What the requests about one product or kind of order have in common."""
STORED: Mapping[str, Mapping[str, Any]] = {"ascendex": {"account_group": 0}}
"""What a profile knows of its account (0: the right group), without which a venue cannot be asked for anything."""
SELECTED: Mapping[str, Mapping[str, Any]] = {
    "ascendex": {"account_category": ["cash", "futures"], **STORED["ascendex"]},
    "bitget": {"product_type": ["USDT-FUTURES", "SPOT"]},
    "bybit": {"category": ["linear", "option"]},
    "deltadefi": {"symbol": ["ADAUSDM", "NIGHTUSDM"]},
    "pacifica": {"symbol": ["BTC", "SOL"]},
}
MODES: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "dry-run": {"dry_run": True},
    "hold": {"hold": 3.0},
    "keep-protective": {"keep": True},
    "selector": {},
}
_SOON = ("whole", "dry-run")
IN_EACH_MODE = pytest.mark.parametrize(
    "mode", [pytest.param(one, marks=[] if one in _SOON else [pytest.mark.faults]) for one in MODES]
)
"""Those that take longer are left to `make faults`."""
PASSES = 40
"""More listings than any venue has."""
PAGED: Mapping[str, int] = {"bybit": 200, "bitget": 350, "deltadefi": 60}
"""Venues whose listings name the page that follows, and how many orders make some of them have one."""


def faced(venue: str, *faults: str, mode: str = "whole", **more: Any) -> Result:
    """A kill that meets these faults. Whatever comes of it, nothing rests unseen behind an exit code of zero."""
    options = SELECTED[venue] if mode == "selector" else STORED.get(venue, {})
    settings: dict[str, Any] = {"orders": 30, "deadline": 20.0, "options": options, **MODES[mode], **more}
    result = run(Plan(seed=1, venue=venue, faults=((0.0, faults),), **settings))
    (report,) = result.reports
    assert not result.problems, result.told(40)
    resting = {order.id for order in result.resting}
    if report.verdict is Verdict.CLEAR:
        assert not resting, result.told(40)
    if report.exit_status == 0:
        assert resting <= {row.order.id for row in report.orders}, result.told(40)
    return result


def verdict(result: Result) -> Verdict:
    (report,) = result.reports
    return report.verdict


def cleared(result: Result) -> None:
    """All orders are gone, and that is proven. A dry run shows all of them."""
    if result.plan.dry_run:
        assert verdict(result) is Verdict.OPEN, result.told(40)
    else:
        assert (verdict(result), result.resting) == (Verdict.CLEAR, ()), result.told(40)


@cache
def healthy(venue: str, mode: str = "whole") -> Result:
    """The kill that meets no fault."""
    result = faced(venue, mode=mode)
    cleared(result)
    return result


@pytest.mark.parametrize("mode", list(MODES))
def test_without_a_fault_everything_goes(venue: str, mode: str) -> None:
    assert not healthy(venue, mode).plan.faults[0][1]


@pytest.mark.parametrize("status", EDGES)
def test_a_gateway_for_a_second_changes_nothing(venue: str, status: str) -> None:
    cleared(faced(venue, f"edge={status}^1"))


@IN_EACH_MODE
def test_a_gateway_for_a_second_changes_nothing_in_any_mode(venue: str, mode: str) -> None:
    for status in ("403", "404"):
        cleared(faced(venue, f"edge={status}^1", mode=mode))


@pytest.mark.parametrize("status", ["403", "404/json"])
def test_a_gateway_before_one_path_for_a_second_changes_nothing(venue: str, status: str) -> None:
    for path in {sent.request.path for sent in healthy(venue).log}:
        cleared(faced(venue, f"edge={status}^1~{path}?"))


@pytest.mark.parametrize("answers", ["@3", ""])
def test_a_gateway_before_one_read_hides_no_order(venue: str, answers: str) -> None:
    """Each read by itself, what else goes the same path being answered: three times, and for ever."""
    reads = [sent.request for sent in healthy(venue).log if sent.kind is not Kind.CANCEL]
    for read in sorted({f"{one.path}?{one.query.partition('=')[0]}" for one in reads}):
        result = faced(venue, f"edge=401{answers}~{read}")
        assert not answers or verdict(result) is Verdict.CLEAR, result.told(40)


@pytest.mark.parametrize("status", EDGES)
def test_a_gateway_for_the_whole_run_is_fought_to_the_deadline(venue: str, status: str) -> None:
    result = faced(venue, f"edge={status}", deadline=12.0)
    assert verdict(result) in (Verdict.REFUSED, Verdict.UNPROVEN), result.told(40)
    assert result.seconds >= 11.5, result.told(40)
    proof = load(venue).proof_gap + 1.0
    last: dict[str, float] = {}
    for sent in result.log:
        if sent.kind.changes:  # bodies of Pacifica differ in their timestamps
            last[sent.request.path + ("" if venue == "pacifica" else sent.request.text)] = sent.at - START
    assert last
    assert min(last.values()) >= 12.0 - proof - 3.5, (last, result.told(40))


@pytest.mark.parametrize("kind", ["public", "read"])
def test_a_gateway_before_what_is_not_needed_keeps_no_cancel(venue: str, kind: str) -> None:
    """The lists of instruments and what is read for the report: the proof may fail, the orders go."""
    for status in ("401", "403", "404"):
        result = faced(venue, f"edge:{kind}={status}")
        unknown = venue == "bitget" and kind == "read"  # the account's mode decides what there is
        assert unknown or result.resting == (), result.told(40)


@pytest.mark.parametrize("status", ["401", "403", "404", "200"])
def test_a_gateway_before_the_listings_keeps_no_mass_cancel(venue: str, status: str) -> None:
    """They are repeated to the deadline: nobody knows whether they worked."""
    result = faced(venue, f"edge:listing={status}", deadline=12.0)
    assert verdict(result) in (Verdict.UNPROVEN, Verdict.REFUSED), result.told(40)
    plain = healthy(venue).log
    shown = min(sent.answered or 0 for sent in plain if sent.kind == "listing")
    times: dict[str, list[float]] = {
        sent.request.path: [] for sent in plain if sent.kind.changes and sent.began < shown
    }
    for sent in result.log:
        times.get(sent.request.path, []).append(sent.at - START)
    proof = load(venue).proof_gap + 1.0
    assert all(one and max(one) >= 12.0 - proof - 3.5 for one in times.values()), (times, result.told(40))


# --- refusals -------------------------------------------------------------------------------------------------------

WHEN = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)


@pytest.mark.parametrize("reach", ["request", "key", "address"])
def test_a_lone_refusal_ends_nothing(venue: str, reach: str) -> None:
    """One invalid key among sixty good answers."""
    for spared in WHEN:
        if spared < len(healthy(venue).log):
            cleared(faced(venue, f"refused={reach}+{spared}@1"))


@pytest.mark.parametrize("reach", ["product", "host"])
def test_a_lone_refusal_of_more_ends_no_more_than_it_must(venue: str, reach: str) -> None:
    """A product's word ends that product, a host's word ends the reads."""
    for spared in WHEN:
        result = faced(venue, f"refused={reach}+{spared}@1")
        products = {order.segment.removeprefix("unified ").split()[0] for order in result.resting}
        named = {sent.request.path for sent in result.log if sent.kind.changes}
        assert reach == "host" or len(products) <= 1, (products, result.told(40))
        assert named


@IN_EACH_MODE
def test_a_lone_refusal_ends_nothing_in_any_mode(venue: str, mode: str) -> None:
    for spared in (1, 5):
        cleared(faced(venue, f"refused=key+{spared}@1", mode=mode))


def test_a_refusal_for_a_second_ends_nothing(venue: str) -> None:
    """But for a key that was never accepted and is refused twice."""
    cleared(faced(venue, "refused=request^1"))
    for reach in ("key", "address"):
        result = faced(venue, f"refused={reach}^1")
        readable = Verdict.OPEN if venue == "pacifica" else Verdict.REFUSED  # there orders are read without a key
        assert verdict(result) in (Verdict.CLEAR, Verdict.REFUSED, readable), result.told(40)


def test_a_call_that_an_account_lacks_has_another_way(venue: str) -> None:
    """Each call that names orders or cancels a product, refused in the venue's words or by a gateway for ever.

    What no other call does stays, and is told: a gateway's word proves nothing.
    """
    paths = {sent.request.path for sent in healthy(venue, "keep-protective").log}
    for path in (path for path in paths if "batch" in path):
        for fault in ("refused:cancel=request", "edge:cancel=404"):
            result = faced(venue, f"{fault}~{path}", mode="keep-protective")
            assert result.resting == (), result.told(40)


# --- absent ---------------------------------------------------------------------------------------------------------


@IN_EACH_MODE
def test_a_product_that_is_missing_for_a_second_is_there(venue: str, mode: str) -> None:
    for part in PARTS[venue]:
        cleared(faced(venue, f"absent^1~{part}", mode=mode))


@IN_EACH_MODE
@pytest.mark.parametrize("silence", ["stall", "fin-after", "edge=404", "listing-fails"])
def test_a_missing_product_whose_listing_is_silent_is_not_cleared(venue: str, silence: str, mode: str) -> None:
    name, _, value = silence.partition("=")
    silent = f"{name}:listing" + (f"={value}" if value else "")
    for part in PARTS[venue]:
        result = faced(venue, f"absent:cancel~{part}", f"{silent}~{part}", mode=mode, deadline=8.0)
        assert verdict(result) is not Verdict.CLEAR or not result.resting, result.told(40)


@IN_EACH_MODE
def test_a_gateways_404_is_no_missing_product(venue: str, mode: str) -> None:
    for part in PARTS[venue]:
        for form in ("", "/json", "/empty"):
            result = faced(venue, f"edge=404{form}~{part}", mode=mode, deadline=8.0)
            assert verdict(result) is not Verdict.CLEAR or not result.resting, result.told(40)


@IN_EACH_MODE
def test_a_product_that_is_refused_is_no_missing_one(venue: str, mode: str) -> None:
    """A region, a ban, a right, compliance: what rests there rests on."""
    for part in PARTS[venue]:
        result = faced(venue, f"refused=product~{part}", mode=mode, deadline=8.0)
        assert verdict(result) is not Verdict.CLEAR or not result.resting, result.told(40)


# --- listings -------------------------------------------------------------------------------------------------------

NAMED = ("date", "price", "flag", "status", "side", "type", "unknown", "twice")
NAMELESS = ("string", "null", "list", "no-id", "symbol")
"""Most venues want the symbol beside the id of what is cancelled."""


@pytest.mark.parametrize("oddity", NAMED)
def test_a_row_that_is_odd_is_cancelled_like_the_others(venue: str, oddity: str) -> None:
    """Every time: what can be named is cancelled, whatever else is wrong with its row."""
    cleared(faced(venue, f"odd-row={oddity}"))


@pytest.mark.parametrize("oddity", [*NAMED, *NAMELESS, "foreign"])
def test_a_row_that_is_odd_once_keeps_nothing(venue: str, oddity: str) -> None:
    for spared in (0, 2):
        result = faced(venue, f"odd-row={oddity}+{spared}@1")
        kept = venue == "pacifica" and oddity == "foreign"
        assert result.resting == () or kept, result.told(40)
        assert verdict(result) is Verdict.CLEAR, result.told(40)


@pytest.mark.parametrize("mode", ["whole", pytest.param("keep-protective", marks=pytest.mark.faults)])
@pytest.mark.parametrize("oddity", NAMELESS)
def test_a_row_that_names_nothing_keeps_no_other(venue: str, oddity: str, mode: str) -> None:
    """At most that one of each listing is left, and then it is not clear."""
    result = faced(venue, f"odd-row={oddity}", mode=mode, deadline=10.0)
    listings = {sent.request.path + sent.request.query for sent in result.log if sent.kind == "listing"}
    assert len(result.resting) <= len(listings), result.told(40)


@pytest.mark.parametrize("oddity", [*NAMED, *NAMELESS])
def test_an_odd_row_is_never_no_row(venue: str, oddity: str) -> None:
    """A dry run that meets it says that something is open, or that it does not know."""
    result = faced(venue, f"odd-row={oddity}", mode="dry-run", deadline=8.0)
    assert verdict(result) is not Verdict.CLEAR, result.told(40)
    (report,) = result.reports
    unread = len(result.resting) - len({row.order.id for row in report.orders})
    assert unread <= PASSES, result.told(40)
    assert report.exit_status != 0 or unread <= 0, result.told(40)


@pytest.mark.parametrize("mode", ["whole", pytest.param("keep-protective", marks=pytest.mark.faults)])
@pytest.mark.parametrize("way", ["missing", "null", "number", "object", "itself", "empty", "endless", "total"])
@pytest.mark.parametrize("paged", PAGED)
def test_an_odd_way_on_keeps_nothing(paged: str, way: str, mode: str) -> None:
    """The pages that were read are acted on, and what is behind them comes to the front."""
    once = faced(paged, f"odd-way={way}@1", mode=mode, orders=PAGED[paged])
    assert once.resting == (), once.told(40)
    always = faced(paged, f"odd-way={way}", mode=mode, orders=PAGED[paged])
    blind = paged == "deltadefi" and way == "empty"  # its pages have numbers: the first one is empty for ever
    blind |= paged == "bybit" and mode == "keep-protective"  # pairs go by a mass cancel, if no protective one is near
    assert always.resting == () or blind, always.told(40)


def test_lists_that_are_null_are_empty_when_heard_twice(venue: str) -> None:
    cleared(faced(venue, "null-lists"))
    once = faced(venue, "null-lists@1")
    cleared(once)


@IN_EACH_MODE
def test_replicas_that_contradict_each_other_never_prove_anything_false(venue: str, mode: str) -> None:
    for seconds in (0.5, 4.0):
        result = faced(venue, f"replicas={seconds}", mode=mode, deadline=30.0)
        if mode == "hold" and seconds > 1:  # its last proof has no time for a gap that has grown
            assert (verdict(result), result.resting) in ((Verdict.CLEAR, ()), (Verdict.UNPROVEN, ())), result.told(40)
        else:
            cleared(result)
    result = faced(venue, "replicas=2", "ack-only", mode=mode, deadline=6.0)
    assert verdict(result) is not Verdict.CLEAR, result.told(40)


# --- waits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["60", "60/503", "60/own"])
def test_a_long_wait_for_one_request_delays_no_verdict(venue: str, form: str) -> None:
    """As early as without it, or within five seconds of that where the request was needed."""
    plain = healthy(venue)
    for spared in WHEN:
        if spared < len(plain.log):
            result = faced(venue, f"hint={form}+{spared}@1")
            cleared(result)
            assert result.seconds <= plain.seconds + 5.0, (spared, plain.seconds, result.told(40))


@pytest.mark.parametrize("form", ["60", "60/own"])
def test_an_empty_account_is_clear_as_early_whatever_one_request_is_told(venue: str, form: str) -> None:
    plain = faced(venue, orders=0)
    for spared in range(0, len(plain.log), max(1, len(plain.log) // 8)):
        result = faced(venue, f"hint={form}+{spared}@1", orders=0)
        assert verdict(result) is verdict(plain), result.told(40)
        assert result.seconds <= plain.seconds + 5.0, (spared, plain.seconds, result.told(40))


@pytest.mark.parametrize("deadline", [2.0, 6.0])
def test_what_is_known_to_rest_is_fired_at_until_the_end(venue: str, deadline: float) -> None:
    """Cancels that are answered and take nothing: whatever was listed is asked for again, up to the last moment."""
    result = faced(venue, "ack-only", orders=12, deadline=deadline)
    assert verdict(result) is Verdict.OPEN
    sent = [sent.at for sent in result.log if sent.kind.changes]
    began = min(one.at for one in result.log)
    assert max(sent) - began >= deadline - 1.0, result.told(40)
    plain = faced(venue, orders=12, deadline=3.0 if venue == "deltadefi" else 2.0)  # which takes four cancels a second
    assert plain.resting == (), plain.told(40)


# --- the same over sockets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["edge=404^0.5", "edge=403/json^0.5", "refused=key+3@1", "odd-row=date"])
@pytest.mark.faults
def test_one_wrong_answer_over_sockets(venue: str, fault: str) -> None:
    with simulator.start(venue, orders=20, faults=[fault], limits=False) as server:
        report = kill(venue, server, deadline=15)
        assert (report.verdict, report.exit_status, server.open_orders()) == (Verdict.CLEAR, 0, []), report


@pytest.mark.faults
def test_a_gateway_over_sockets_is_fought_to_the_deadline(venue: str) -> None:
    with simulator.start(venue, orders=20, faults=["edge=403"], limits=False) as server:
        report = kill(venue, server, deadline=4)
        cancels = [request.arrived for request in server.requests if request.changes]
        first = min(request.arrived for request in server.requests)
    assert report.verdict in (Verdict.REFUSED, Verdict.UNPROVEN)
    assert max(cancels) - first > 1.0
