"""What a venue sends is read as if it were hostile: strict JSON, one field at a time, nothing guessed."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Reach, Reply
from cancelall.core.secret import Secret
from cancelall.venues import payload

# --- JSON -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1, "x", null, true, {}]}', {"a": [1, "x", None, True, {}]}),
        (b' \n[]\r\n ', []),
        (b'"caf\xc3\xa9"', "café"),
        (b"0.10", "0.10"),
        (b"60000.000", "60000.000"),
        (b"1e400", "1e400"),
        (b"-0.0", "-0.0"),
        (b"12345678901234567890123", 12345678901234567890123),
        (b'{"a":{"b":1},"c":{"b":2}}', {"a": {"b": 1}, "c": {"b": 2}}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"a\\ud83d"', "a\ud83d"),
        (b"null", None),
    ],
)  # fmt: skip
def test_json_is_read(body: bytes, expected: object) -> None:
    found = payload.parse(body)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"{", b'{"a":1', b'{"retCode":0,"result":{"list":[{"orderId":"1"}'),
        *(
            b'{"success":"0","success":"1"}',
            b'{"result":{"list":[1],"list":[]}}',
            b'[{"a":1,"a":1}]',
            b'{"a":1,"\\u0061":2}',
        ),
        *(b"NaN", b"[Infinity]", b'{"a":-Infinity}', b"[" * 50_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000),
        *(b"9" * 5_000, b'{"price":-' + b"1" * 4_400 + b"}", b"[1,]", b'{"a":1,}', b"{'a':1}", b"{} {}"),
        *(b"<html>502 Bad Gateway</html>", b'"\xff"', b'{"a":"\x00"}', b"\x1f\x8b\x08\x00"),
        *(b"[01]", b"[+1]", b"[.5]", b"[0x10]", b"True"),
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_what_is_no_strict_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable, match="the answer is not valid JSON"):
        payload.parse(body)


_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _read_all(value: object) -> None:
    """Every reader on every part of a value: something or Unreadable."""
    for reader in (payload.as_object, lambda one: payload.as_list(one, "x")):
        _something(reader, value)
    record = value if isinstance(value, dict) else {"a": value}
    for key in (*record, "missing"):
        for reader in (payload.field, payload.maybe, payload.number, payload.flag):
            _something(reader, record, key)
        text = payload.message(record.get(key))
        assert len(text) <= payload.MESSAGE_LIMIT
        text.encode()


def _something(reader: Any, *words: Any) -> None:
    try:
        found = reader(*words)
    except Unreadable:
        return
    assert found is None or isinstance(found, str | int | bool | dict | list)
    if isinstance(found, str):
        found.encode()


@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_value_or_unreadable(body: bytes) -> None:
    value: object = None
    try:
        value = payload.parse(body)
    except Unreadable:
        return
    _read_all(value)


@given(value=_JSON, cut=st.integers(0, 400))
def test_any_json_is_read_and_a_cut_one_is_never_taken_for_an_object(value: object, cut: int) -> None:
    body = json.dumps({"a": value, "b": 1}).encode()
    whole: object = None
    try:
        whole = payload.parse(body)
    except Unreadable:
        assert b"NaN" in body or b"Infinity" in body
        return
    _read_all(whole)
    if cut < len(body):
        with pytest.raises(Unreadable):
            payload.parse(body[:cut])


# --- fields ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [[], "x", 1, None, True])
def test_what_is_no_object(value: object) -> None:
    assert payload.as_object({}) == {}
    with pytest.raises(Unreadable, match=r"^result is not an object$"):
        payload.as_object(value, "result")


@pytest.mark.parametrize("value", [{}, "x", 1, None, False])
def test_what_is_no_list(value: object) -> None:
    assert payload.as_list([], "list") == []
    with pytest.raises(Unreadable, match=r"^list is not a list$"):
        payload.as_list(value, "list")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": "1"}, "1"),
        ({"id": " a "}, " a "),
        ({"id": 1}, "1"),
        ({"id": -12345678901234567890}, "-12345678901234567890"),
        ({"id": "0"}, "0"),
        ({"id": 0}, "0"),
        ({"id": "half a pair \ud83d"}, "half a pair ?"),
        ({"id": ""}, None),
        ({"id": None}, None),
        ({}, None),
    ],
)
def test_a_field_is_text_or_a_number(record: dict[str, object], expected: str | None) -> None:
    assert payload.maybe(record, "id") == expected
    if expected is not None:
        assert payload.field(record, "id") == expected
        return
    with pytest.raises(Unreadable, match=r"^id is missing$"):
        payload.field(record, "id")


@pytest.mark.parametrize("value", [True, False, [], {}, ["1"], 1.5])
def test_a_field_of_another_type(value: object) -> None:
    for reader in (payload.field, payload.maybe, payload.number):
        with pytest.raises(Unreadable, match=r"^id is not text$"):
            reader({"id": value}, "id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("5", 5), (5, 5), ("-5", -5), ("0", 0), ("007", 7), ("9" * 20, 10**20 - 1), ("", None), (None, None)],
)
def test_a_number_may_come_as_text(value: object, expected: int | None) -> None:
    assert payload.number({"n": value}, "n") == expected
    assert payload.number({}, "n") is None


@pytest.mark.parametrize(
    "value", ["--5", "-", "5-", "+5", " 5", "5\n", "5.0", "1e3", "1_000", "٣", "²", "0x10", "9" * 21, 10**21, "five"]
)
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(Unreadable, match=r"^n is not a whole number$"):
        payload.number({"n": value}, "n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (True, "true", "TRUE", "yes", "1")),
        *((value, False) for value in (False, "false", "No", "0", "", None)),
    ],
)
def test_a_flag_in_any_spelling(value: object, expected: bool) -> None:
    assert payload.flag({"f": value}, "f") is expected
    assert payload.flag({}, "f") is False


@pytest.mark.parametrize("value", [1, 0, 2, "on", "maybe", " true", [], {}, 1.0])
def test_what_is_no_flag(value: object) -> None:
    with pytest.raises(Unreadable, match=r"^f is not a truth value$"):
        payload.flag({"f": value}, "f")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("too many visits", "too many visits"),
        ("x" * 500, "x" * 200),
        ("é" * 201, "é" * 200),
        ("cut \ud83d", "cut ?"),
        ("", ""),
        (None, ""),
        (5, ""),
        (["x"], ""),
    ],
)
def test_the_words_of_a_venue(value: object, expected: str) -> None:
    assert payload.message(value) == expected


def test_a_secret_at_the_limit_is_not_cut_in_two() -> None:
    Secret("hunter2-canary-0001")
    assert payload.message("x" * 190 + "hunter2-canary-0001") == "x" * 190 + "***"


# --- what HTTP says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("0", 0.0), ("5", 5.0), ("1.5", 1.5), (" 7 ", 7.0)),
        *((value, 86_400.0) for value in ("86400", "999999999", "1e300", "inf")),
        *((value, None) for value in ("-1", "-inf", "nan", "", "soon", "5, 6", "\x1b[31m", None)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_how_long_a_venue_asks_to_wait(value: str | None, expected: float | None) -> None:
    assert wait(value) == expected


def wait(value: str | None, date: str | None = None) -> float | None:
    headers = {name: text for name, text in (("retry-after", value), ("date", date)) if text is not None}
    return payload.retry_after(Reply(status=429, headers=headers, body=b""))


AT = "Wed, 21 Oct 2026 07:28:00 GMT"


def test_without_a_date_nothing_is_loaded_to_read_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where this process may open no more files: an answer is read with what is there."""
    monkeypatch.setitem(sys.modules, "email.utils", None)
    assert (wait(None), wait("", AT), wait("7", AT)) == (None, None, 7.0)
    assert [Reply(status=200, headers=headers, body=b"").date_ms for headers in ({}, {"date": AT})] == [None, None]


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        (AT, "Wed, 21 Oct 2026 07:27:15 GMT", 45.0),
        (AT, "Wed, 21 Oct 2026 09:27:15 +0200", 45.0),
        (AT, AT, 0.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", AT, 86_400.0),
        (AT, "Wed, 21 Oct 2026 07:28:01 GMT", None),
        (AT, "now", None),
        ("Wed, 21 Oct 2026 07:28:00", AT, None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", AT, None),
    ],
)
def test_a_date_to_wait_for_counts_from_the_venues_own(value: str, date: str, expected: float | None) -> None:
    """This machine's clock has no say."""
    assert wait(value, date) == expected


@given(value=st.text(), date=st.text())
def test_any_header_is_a_bounded_wait_or_none(value: str, date: str) -> None:
    seconds = wait(value, date)
    assert seconds is None or 0 <= seconds <= 86_400


def _by_status(status: int, **headers: str) -> tuple[Answer, str | None, Reach, float | None]:
    found = payload.by_status(Reply(status=status, headers={"retry-after": "7"} if headers else {}, body=b""))
    assert found.message == f"HTTP {status}"
    return found.answer, found.kind, found.reach, found.after


GATEWAY, AGAIN, AMBIGUOUS = Answer.GATEWAY, Answer.AGAIN, Answer.AMBIGUOUS
REQUEST = Reach.REQUEST


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((300, 301, 302, 303, 304, 307, 308, 399), (GATEWAY, "redirect", REQUEST, None)),
        ((401,), (GATEWAY, "auth", REQUEST, 2.0)),
        ((403, 451), (GATEWAY, "region", REQUEST, 2.0)),
        ((418, 429), (AGAIN, "rate_limit", REQUEST, None)),
        ((0, 100, 200, 201, 204, 299), (AMBIGUOUS, "unreadable", REQUEST, None)),
        ((408, 500, 502, 503, 504, 520, 599, 999), (AMBIGUOUS, "unreadable", REQUEST, None)),
        ((400, 404, 405, 413, 421, 422, 431, 499), (GATEWAY, "environment", REQUEST, None)),
    ],
)
def test_what_a_status_alone_says(statuses: tuple[int, ...], expected: tuple[object, ...]) -> None:
    for status in statuses:
        assert _by_status(status) == expected


def test_a_status_with_a_hint() -> None:
    assert _by_status(429, hint="7") == (AGAIN, "rate_limit", REQUEST, 7.0)
    assert _by_status(503, hint="7") == (AMBIGUOUS, None, REQUEST, 7.0)
    assert _by_status(500, hint="7") == (AMBIGUOUS, "unreadable", REQUEST, None)
    assert _by_status(403, hint="7") == (GATEWAY, "region", REQUEST, 2.0)
