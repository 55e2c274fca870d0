"""What every venue must do, by being listed: the same kills on each embedded exchange, the same rules for modules."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import cancelall.venues
from cancelall import declare, simulator
from cancelall.errors import Unreadable
from cancelall.model import Answer, Reply, Request, Verdict
from cancelall.secret import Secret
from cancelall.simulator import SimServer
from cancelall.venues import VENUES, load, schema
from cancelall.venues.contract import Segment
from support import kill, profile_table, swept

TESTS = Path(__file__).parent


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


def test_every_venue_has_tests_vectors_and_a_simulator(venue: str) -> None:
    assert (TESTS / "vectors" / f"{venue}.json").is_file()
    assert list((TESTS / "venues").glob(f"test_{venue}*.py"))
    assert venue in simulator.VENUES


def test_no_test_file_without_its_venue() -> None:
    names = {path.stem.removeprefix("test_").split("_")[0] for path in (TESTS / "venues").glob("test_*.py")}
    assert names == set(VENUES)


def test_the_modules_read_alike(venue: str) -> None:
    """The same files with the same idea in each, after a docstring that names the doubts and the documents."""
    folder = Path(cancelall.venues.__file__).parent / venue
    names = {path.stem for path in folder.glob("*.py")}
    assert names >= {"__init__", "options", "calls", "scope", "judging", "signing", "preflight"}
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
    with simulator.start(venue, orders=12, faults=["ack-only"]) as server:
        left = {order.id for order in server.open_orders()}
        report = kill(venue, server, deadline=2.5)
        assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
        assert {row.order.id for row in report.orders if row.state.value in ("open", "failed")} & left


def test_a_failing_listing_is_unproven(venue: str) -> None:
    with simulator.start(venue, orders=12, faults=["listing-fails"]) as server:
        report = kill(venue, server, deadline=2)
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)


def test_a_refused_key_is_tried_once(venue: str) -> None:
    with simulator.start(venue, orders=12, faults=["key"]) as server:
        report = kill(venue, server, deadline=3)
        sent = [(request.method, request.path, request.query) for request in server.requests if request.changes]
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
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
    with simulator.start(venue, orders=12, faults=["unknown-status"]) as server:
        report = kill(venue, server, dry_run=True, deadline=5)
    assert report.verdict is not Verdict.CLEAR


@pytest.mark.parametrize("fault", ["html:listing", "truncated:listing", "empty-body:listing", "json:listing={}"])
def test_listings_of_another_shape_never_prove_anything(venue: str, fault: str) -> None:
    with simulator.start(venue, orders=12, faults=[fault]) as server:
        report = kill(venue, server, deadline=1.5)
    assert report.verdict is not Verdict.CLEAR


@pytest.mark.parametrize(
    "fault", ["error-500:cancel@3", "reset-after:cancel@2", "fin-after:cancel@1", "error-after:cancel@2"]
)
def test_cancels_without_an_answer_are_settled_by_reading(venue: str, fault: str) -> None:
    with simulator.start(venue, orders=20, faults=[fault]) as server:
        report = kill(venue, server, deadline=15)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, []), report


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
