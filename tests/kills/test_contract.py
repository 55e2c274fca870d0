"""What every venue must do, by being listed: the same kills on each embedded exchange, the same rules for modules."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import cancelall.venues
from cancelall import simulator
from cancelall.core import declare
from cancelall.core.model import Order, Request
from cancelall.core.preflight import load_preflight
from cancelall.core.secret import Secret
from cancelall.core.switch import NoSwitch, load_switch
from cancelall.venues.contract import Segment
from cancelall.venues.positions import load_positions
from cancelall.venues.registry import VENUES, load, schema
from kills.truth import STORED, TRUTHS
from unit.venues.kinds import EVERY, SCOPES, documented


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def segments(name: str) -> tuple[Segment, ...]:
    """The segments that a venue has before the first request."""
    one = load(name)
    return tuple(one.segments(schema(name).options(**STORED[name]), one.facts, "live"))


# --- the module -----------------------------------------------------------------------------------------------------


FURTHER = {"bitget": {"classic", "unified"}, "okx": {"algos"}, "binance": {"books"}}
"""Where there are two families of calls, another family of orders, or a table of many."""


def test_the_modules_read_alike(venue: str) -> None:
    """The same files with the same idea in each, after a docstring that names the doubts and the documents."""
    folder = Path(cancelall.venues.__file__).parent / venue
    names = {path.stem for path in folder.glob("*.py")}
    usual = {"__init__", "hosts", "options", "api", "segments", "venue", "preflight", "positions"}
    assert names - {"switch"} == usual | FURTHER.get(venue, set())
    assert ("switch" in names) is not isinstance(load_switch(venue), NoSwitch)
    for path in folder.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 360, path
    docstring = importlib.import_module(f"cancelall.venues.{venue}").__doc__ or ""
    assert "https://" in docstring
    assert "Handled on the safe side" in docstring


def test_every_venue_has_its_tables() -> None:
    """What is not in them would be left out without a word."""
    assert set(TRUTHS) == set(VENUES) == {kind.venue for kind in EVERY.values()} == set(SCOPES)
    assert set(documented("answers")) == set(VENUES)


def test_a_venue_says_whether_its_listings_show_client_ids(venue: str) -> None:
    """One that says so and reads none would keep every order that a client id was to select, and call that clear."""
    shown = {kind.client_id for kind in EVERY.values() if kind.venue == venue} - {""}
    assert bool(schema(venue).client_ids) is bool(TRUTHS[venue].mine) is bool(shown)


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


def test_reads_change_nothing(venue: str) -> None:
    for segment in segments(venue):
        for stage in segment.listings:
            for request in stage:
                if venue == "kraken":  # every call with a key is a POST, and gets its body with its signature
                    assert (request.method, request.changes, request.body) == ("POST", False, b"")
                elif venue == "hyperliquid":  # its reads say in a body what they are for
                    assert (request.method, request.changes, request.path) == ("POST", False, "/info")
                else:
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
    one, options = load(venue), schema(venue).options(**STORED[venue])
    order = Order(id="1", segment="", symbol="BTCUSDT", kind="limit", type="limit")
    requests = [discovery.request for discovery in one.discoveries(options, one.facts)]
    for segment in segments(venue):
        requests += [*all_requests(segment), *segment.final_states((order,), 0)]
        requests += [witness.request for witness in segment.witnesses]
        ways = (segment.cancels, segment.singly) if segment.singly else (segment.cancels,)
        requests += [request for way in ways for request, _ in way((order,), None)]
    preflight = load_preflight(venue)
    requests += [question.request for question in preflight.questions(options, 0)]
    requests += [probe.request for probe in preflight.probes(options, "live")]
    orders = tuple(request for segment in segments(venue) for stage in segment.listings for request in stage)
    requests += [listing.request for listing in load_positions(venue).listings(options, orders)]
    assert [request.target for request in requests if not request.purpose] == []


def test_signing_shows_no_secret(venue: str) -> None:
    one, (account,) = load(venue), simulator.create(venue, orders=0).accounts.values()
    secrets = schema(venue).secrets(**{name: Secret(value) for name, value in account.credentials.items()})
    request = all_requests(segments(venue)[0])[0]
    signed = one.sign(request, secrets, schema(venue).options(**STORED[venue]), 1700000000000, 1)
    shown = repr((secrets, signed, request))
    for value in account.credentials.values():
        assert value not in shown
