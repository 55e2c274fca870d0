"""Anything at all, for every venue by being listed: what the venues really say with one thing changed, and no more.

Each reader gives a value or says Unreadable, each answer is judged, and a listing that shows orders never reads as an
empty one because something in it is not as documented.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.check import run as check_run
from cancelall.check.key import key_findings
from cancelall.config import loader, show, toml_file
from cancelall.config.toml_file import Document
from cancelall.core.declare import secrets_of
from cancelall.core.errors import ConfigError, SecretError, Unreadable
from cancelall.core.model import Answer, Reply, Request
from cancelall.core.preflight import KeyFacts, Question, load_preflight
from cancelall.core.profile import BrokenProfile, Overrides, Profile
from cancelall.core.secret import Secret
from cancelall.credentials.chain import resolve
from cancelall.engine import run
from cancelall.venues.contract import Discovery, Segment, Venue
from cancelall.venues.registry import VENUES, load, schema
from checking import checked
from support import altered, kill

CANARY = "CANARY-CANARY-0123456789"
OFTEN = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))

EXAMPLES = settings.default.max_examples
OF_EACH = settings(OFTEN, max_examples=EXAMPLES if EXAMPLES > 100 else EXAMPLES // 2)
"""What one venue's readers get of it in `make test`."""


# --- what venues say, and who reads it ------------------------------------------------------------------------------


Reader = Callable[[Request, Reply], Any]


@dataclass(frozen=True)
class Read:
    """An answer of an embedded exchange, and who has read it. `page` when it was read as a page of open orders."""

    request: Request
    reply: Reply
    read: Reader
    page: bool


@cache
def answers(name: str) -> tuple[Read, ...]:
    """What was read in a kill and in a reading of one embedded exchange: of each kind of request the longest answer."""
    said: dict[tuple[object, ...], Read] = {}
    one = load(name)

    def noting(what: str, read: Reader) -> Reader:
        def noted(request: Request, reply: Reply) -> Any:
            keys = sorted(part.split("=")[0] for part in request.query.split("&"))
            key = (what, request.method, request.path, *keys)
            if key not in said or len(said[key].reply.body) < len(reply.body):
                said[key] = Read(request, reply, read, page=what == "page")
            return read(request, reply)

        return noted

    def noting_all(segment: Segment) -> Segment:
        witnesses = tuple(replace(witness, read=noting("witness", witness.read)) for witness in segment.witnesses)
        return altered(
            segment,
            page=noting("page", segment.page),
            acknowledge=noting("acknowledge", segment.acknowledge),
            final_page=noting("final states", segment.final_page),
            witnesses=witnesses,
        )

    def discoveries(*args: Any) -> tuple[Discovery[Any], ...]:
        return tuple(replace(found, read=noting("discovery", found.read)) for found in one.discoveries(*args))

    recorded = replace(one, segments=lambda *args: tuple(map(noting_all, one.segments(*args))), discoveries=discoveries)
    with patch.object(run, "load", lambda name: recorded), simulator.start(name, orders=20, limits=False) as server:
        kill(name, server, dry_run=True, deadline=4)
        kill(name, server, deadline=8)

        def questions(*args: Any) -> tuple[Question, ...]:
            own = load_preflight(name).questions(*args)
            return tuple(replace(one, read=noting("question", one.read)) for one in own)

        asking = replace(load_preflight(name), questions=questions)
        with patch.object(check_run, "load_preflight", lambda name: asking):
            checked(name, server, deadline=4)
    return tuple(said.values())


def classified(venue: Venue[Any, Any, Any], one: Read, reply: Reply) -> Answer:
    """The answer's class. Nothing may come out of reading it but values and Unreadable, and no secret but in values."""
    judgement = venue.judge(one.request, reply)
    assert isinstance(judgement.answer, Answer)
    assert CANARY not in repr(judgement)
    if judgement.answer is Answer.ACCEPTED:
        try:
            read = one.read(one.request, reply)
        except Unreadable as fault:
            assert CANARY not in fault.message + fault.hint  # noqa: PT017 - one outcome of two
        else:
            if isinstance(read, KeyFacts):
                key_findings([read], "the page", 1_800_000_000_000, refused=False)
    return judgement.answer


# --- one thing changed ----------------------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", " ", "0", "-1", "x", "null", "\x1b[2J", "\ud800", "1e999", CANARY, "é" * 300])
)
ANY_JSON: Any = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "retCode", "data", "result", "list", "success", "msg", "error", "orderId", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)

Way = tuple[str | int, ...]


def places(value: Any, here: Way = ()) -> Iterator[Way]:
    """The way to everything in it."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*here, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*here, number))


def changed(data: st.DataObject, value: Any, *, rows: Container[Way] = ()) -> tuple[bytes, Way]:
    """The answer with something else in one place: another value, a key less, a key twice, the text cut off.

    None of these `rows` is missing: a map of orders without one of them is as documented.
    """
    kinds: dict[Way, Way] = {}
    for place in places(value):  # one place for each kind: fields of the first row, and not a thousand times the same
        kinds.setdefault(tuple("*" if isinstance(step, int) else step for step in place), place)
    way = data.draw(st.sampled_from(list(kinds.values())))
    value = copy.deepcopy(value)
    if not way:
        return json.dumps(data.draw(ANY_JSON)).encode(), way
    parent = value
    for step in way[:-1]:
        parent = parent[step]
    how = data.draw(st.sampled_from(["another", "another", "missing", "cut"]))
    if how == "missing" and isinstance(parent, dict) and way not in rows:
        del parent[way[-1]]
    else:
        parent[way[-1]] = data.draw(ANY_JSON)
    text = json.dumps(value).encode()
    return (text[: data.draw(st.integers(0, len(text) - 1))] if how == "cut" else text), way


@pytest.mark.parametrize("name", VENUES)
@OF_EACH
@given(data=st.data())
@pytest.mark.turns(0)
def test_an_answer_with_one_thing_changed_is_judged_and_read_or_unreadable(name: str, data: st.DataObject) -> None:
    Secret(CANARY)
    one = data.draw(st.sampled_from(answers(name)))
    try:
        body, _ = changed(data, json.loads(one.reply.body))
    except ValueError:
        return  # no JSON to begin with
    status = data.draw(st.sampled_from([one.reply.status, one.reply.status, 200, 400, 500]))
    classified(load(name), one, replace(one.reply, body=body, status=status))


@cache
def listings(name: str) -> tuple[Read, ...]:
    """Listings that show orders."""
    return tuple(one for one in answers(name) if one.page and one.read(one.request, one.reply).orders)


@pytest.mark.parametrize("name", VENUES)
@OF_EACH
@given(data=st.data())
def test_a_listing_with_one_thing_changed_never_reads_as_empty(name: str, data: st.DataObject) -> None:
    """An order that is not quite as documented stays an order, or makes the listing unsure or unreadable."""
    one = data.draw(st.sampled_from(listings(name)))
    whole = one.read(one.request, one.reply)
    answer = json.loads(one.reply.body)
    body, way = changed(data, answer, rows=list(rows_of(answer)))
    reply = replace(one.reply, body=body)
    if load(name).judge(one.request, reply).answer is not Answer.ACCEPTED:
        return
    try:
        page = one.read(one.request, reply)
    except Unreadable:
        return
    rows = [step for step in way if isinstance(step, int)]
    emptied = not rows and json.loads(body) != json.loads(one.reply.body) and not page.orders
    if emptied:  # whoever replaces the whole list by an empty one cannot be told from an empty account
        assert page.unsure or page.null or any(value == [] for value in _values(json.loads(body)))
        return
    short = page.unsure or (page.total is not None and page.total != len(page.orders))
    assert len(page.orders) >= len(whole.orders) or short, (way, body)


def rows_of(value: Any, here: Way = ()) -> Iterator[Way]:
    """The way to every row of a listing's answer: the objects in the first array, or map by ids, of objects."""
    if isinstance(value, dict) and len(value) > 1 and all(isinstance(row, dict) for row in value.values()):
        yield from ((*here, key) for key in value)
        return
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        yield from ((*here, number) for number in range(len(value)))
        return
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        found = list(rows_of(inner, (*here, step)))
        if found:
            yield from found
            return


@cache
def several(name: str) -> tuple[Read, ...]:
    """Listings that show several orders, a row each."""
    found = []
    for one in listings(name):
        shown = one.read(one.request, one.reply).orders
        if 1 < len(shown) == len(list(rows_of(json.loads(one.reply.body)))):
            found.append(one)
    return tuple(found)


@pytest.mark.parametrize("name", VENUES)
@OF_EACH
@given(data=st.data())
@pytest.mark.turns(1)
def test_a_row_with_one_thing_changed_hides_no_other_row(name: str, data: st.DataObject) -> None:
    """And the page is unsure where the row is none any more."""
    one = data.draw(st.sampled_from(several(name)))
    answer = json.loads(one.reply.body)
    whole = [order.id for order in one.read(one.request, one.reply).orders]
    way = data.draw(st.sampled_from(list(rows_of(answer))))
    rows = answer
    for step in way[:-1]:
        rows = rows[step]
    row = rows[way[-1]]
    field = data.draw(st.sampled_from([None, *row]))
    if field is None:
        rows[way[-1]] = data.draw(ANY_JSON)
    elif data.draw(st.booleans()):
        row[field] = data.draw(ANY_JSON)
    else:
        del row[field]
    page = one.read(one.request, replace(one.reply, body=json.dumps(answer).encode()))
    lost = set(whole) - {order.id for order in page.orders}
    assert len(lost) <= 1, (way, field)
    assert page.unsure or isinstance(rows[way[-1]], dict), (way, field)


def _values(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(inner)


@pytest.mark.parametrize("name", VENUES)
def test_the_fuzz_has_something_to_change(name: str) -> None:
    """Cancels, listings with orders and other reads were read, those of the pre-flight too."""
    questions = [one for one in answers(name) if type(one.read(one.request, one.reply)) is KeyFacts]
    assert bool(questions) == (name != "deltadefi")
    assert any(one.request.changes for one in answers(name))
    assert any(not one.request.changes and not one.page for one in answers(name))
    assert listings(name)


# --- config and credentials -----------------------------------------------------------------------------------------

KEYS = ["profiles", "defaults", "bybit", "venue", "credentials", "secret_command", "symbol", "deadline", "é", ""]
TABLES: Any = st.recursive(
    st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8) | st.sampled_from(list(VENUES)),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@OFTEN
@given(tables=st.dictionaries(st.sampled_from(["profiles", "defaults", "venue", "x"]), TABLES, max_size=3))
def test_any_structure_of_tables_is_profiles_or_told(tmp_path_factory: pytest.TempPathFactory, tables: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(tomli_w.dumps(tables), encoding="utf-8")
    path.chmod(0o600)
    try:
        document = toml_file.read(path, {})
    except ConfigError:
        return
    for name in document.tables:
        found = loader.profile(document, name, {}, Overrides())
        assert isinstance(found, Profile | BrokenProfile)
    show.redacted(document)


TEXTS = st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))


@pytest.mark.parametrize("name", VENUES)
@OF_EACH
@given(raw=st.just(b"") | (st.binary(max_size=60) | TEXTS).map(lambda raw: b"zQ9" + raw))  # no word of any message
def test_any_bytes_for_a_secret_are_taken_or_told_without_them(
    tmp_path_factory: pytest.TempPathFactory, name: str, raw: bytes
) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    options = {"account": "11111111111111111111111111111111"} if name == "pacifica" else {}
    profile = loader.profile(Document(path=None), name, {}, Overrides(options=options), implicit_venue=name)
    assert isinstance(profile, Profile)
    for field in secrets_of(schema(name).secrets):
        place = folder / f"cancelall.{name}.{field}"
        place.write_bytes(raw)
        place.chmod(0o400)
    environ = {"CREDENTIALS_DIRECTORY": str(folder), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    text = raw.decode("utf-8", "replace").strip()
    try:
        found = resolve(profile, environ)
    except SecretError as error:
        told = f"{error.message} {error.hint}"
        assert len(text) < 6 or text not in told  # one outcome of two
    else:
        assert text not in repr(found) or len(text) < 6
