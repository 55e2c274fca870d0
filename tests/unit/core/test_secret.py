"""No way of showing an object shows a secret, and the net under every outlet knows its spellings."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import json
import logging
import pickle
import re
import reprlib
import sys
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core import secret
from cancelall.core.secret import MASK, Secret, last_four, register, scrub

VALUE = "hunter2/Canary+=\\&é~~~?>ÿ"
"""Its base64 text holds a plus sign and a slash."""
LINES = ("MIIEvQIBADANBgkqhkiG9w0B", "AQEFAASCBKcwggSjAgEAAoIB")
PEM = "\n".join(("-----BEGIN PRIVATE KEY-----", *LINES, "short", "-----END PRIVATE KEY-----", ""))


@dataclass(frozen=True)
class Holder:
    """What a venue's Secrets look like."""

    name: str
    key: Secret = field(repr=True)


def _bytes_of(value: Any) -> object:
    return bytes(value)


SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda one: f"{one} {one!r} {one!s} {one!a}",
    "percent": lambda one: "%s %r" % (one, one),  # noqa: UP031 - one of the ways
    "str.format": lambda one: "{} {0!r}".replace("{}", "{0}").format(one),
    "a list": lambda one: f"{[one]} {(one,)} { {'a': one} }",
    "a dataclass": lambda one: f"{Holder('n', one)}",
    "reprlib": reprlib.repr,
    "json with default": lambda one: json.dumps({"a": one}, default=str),
    "json with repr": lambda one: json.dumps({"a": one}, default=repr),
    "an exception": lambda one: f"{ValueError(one)} {ValueError(one)!r}",
    "logging": lambda one: logging.LogRecord("n", 10, "p", 1, "%s %r", (one, one), None).getMessage(),
    "dir": lambda one: (
        f"{dir(one)} {[getattr(one, name) for name in dir(one) if name not in ('reveal', '_Secret__value')]}"
    ),
}


@pytest.mark.parametrize("way", SHOWN)
def test_it_is_not_shown(way: str) -> None:
    shown = SHOWN[way](Secret(VALUE))
    assert VALUE not in shown
    assert "hunter2" not in shown
    assert MASK in shown or way == "dir"


def test_a_width_pads_the_mask() -> None:
    assert f"{Secret(VALUE):>6}" == "   ***"
    with pytest.raises(ValueError, match="Unknown format code"):
        f"{Secret(VALUE):d}"  # it must not come to a value


REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of its holder": lambda one: copy.deepcopy(Holder("n", one)),
    "asdict": lambda one: dataclasses.asdict(Holder("n", one)),
    "astuple": lambda one: dataclasses.astuple(Holder("n", one)),
    "json": lambda one: json.dumps({"a": one}),
    "vars": vars,
    "getstate": lambda one: one.__getstate__(),
    "len": len,  # type: ignore[dict-item]
    "iter": iter,  # type: ignore[dict-item]
    "bytes": _bytes_of,
    "a new attribute": lambda one: setattr(one, "note", "x"),
    "index": lambda one: one[0],  # type: ignore[index]
    "plus": lambda one: one + "x",  # type: ignore[operator]
}


@pytest.mark.parametrize("way", REFUSED)
def test_it_is_not_taken_along(way: str) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        REFUSED[way](Secret(VALUE))
    assert "hunter2" not in f"{caught.value!r}"


def test_a_traceback_with_local_variables() -> None:
    def sign(key: Secret) -> None:
        holder = Holder("n", key)
        raise RuntimeError(f"cannot sign with {holder}")

    shown = ""
    try:
        sign(Secret(VALUE))
    except RuntimeError:
        _, error, at = sys.exc_info()
        assert at is not None
        shown = "".join(traceback.TracebackException(RuntimeError, error, at, capture_locals=True).format())
    assert "key = ***" in shown
    assert "hunter2" not in shown


def test_only_reveal_gives_it_out() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_equal_values_are_equal() -> None:
    assert Secret("a-value") == Secret("a-value")
    assert Secret("a-value") != Secret("b-value")
    assert Secret("a-value") != "a-value"
    assert Secret("") == Secret("")
    assert len({Secret("a-value"), Secret("a-value"), Secret("b-value")}) == 2


@pytest.mark.parametrize(
    ("value", "shown"), [("", "***"), ("short", "***"), ("123456789012", "***"), ("1234567890abc", "…0abc")]
)
def test_the_last_four(value: str, shown: str) -> None:
    assert last_four(value) == shown


# --- the net --------------------------------------------------------------------------------------------------------

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "URL": urllib.parse.quote,
    "URL without slashes": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "lower-case escapes": lambda value: re.sub("%..", lambda one: one[0].lower(), urllib.parse.quote(value, safe="")),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "URL-safe base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "JSON": json.dumps,
    "repr": repr,
    "in a header": lambda value: f"X-BAPI-SIGN: {value}\r\nHost: a",
    "twice": lambda value: f"{value}{value}",
}  # fmt: skip


@pytest.mark.parametrize("way", SPELLINGS)
def test_every_spelling_is_taken_out(way: str) -> None:
    spelt = SPELLINGS[way](VALUE)
    assert scrub(f"a {spelt} b") == f"a {spelt} b"
    Secret(VALUE)
    scrubbed = scrub(f"a {spelt} b")
    assert MASK in scrubbed
    assert scrubbed.startswith("a ")
    assert scrubbed.rstrip("=").endswith((" b", "b"))
    assert "hunter2" not in scrubbed
    assert base64.b64encode(VALUE.encode()).decode()[:12] not in scrubbed


def test_the_longest_is_taken_out_first() -> None:
    register("canary")
    register("canary-and-more")
    assert scrub("canary-and-more, canary") == "***, ***"


def test_a_later_secret_is_taken_out_too() -> None:
    """Also of a text that was harmless before."""
    Secret("first-secret")
    assert [scrub("first-secret second-secret") for _ in range(2)] == ["*** second-secret"] * 2
    Secret("second-secret")
    assert scrub("first-secret second-secret") == "*** ***"


def test_every_line_of_a_pem_block_is_taken_out() -> None:
    Secret(PEM)
    assert scrub(PEM) == MASK
    assert scrub(f"got {LINES[0]} and {LINES[1]}") == "got *** and ***"
    assert scrub("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"
    assert scrub(json.dumps(PEM)) == f'"{MASK}"'


@pytest.mark.parametrize("value", ["", "a", "12345"])
def test_what_is_too_short_would_hit_ordinary_text(value: str) -> None:
    Secret(value)
    assert scrub("a 12345 b") == "a 12345 b"


def test_halves_of_surrogate_pairs_do_not_matter() -> None:
    Secret("half\udcff-a-pair")
    assert scrub("x half\udcff-a-pair y") == "x *** y"


def test_one_of_very_many() -> None:
    """A thousand profiles have thousands of values, and those that begin alike, or hold each other, are told apart."""
    values = [f"{'same-' if index % 2 else ''}{index:05}-secret" for index in range(3000)]
    for value in values:
        Secret(value)
    longer = Secret("same-00001-secret-and-more")
    assert len(secret._registry) > 3000
    assert scrub(f"a {values[0]} b {values[1]} c {values[2998]}") == "a *** b *** c ***"
    assert scrub(f"<{longer.reveal()}>") == "<***>"
    assert scrub("same-09999-sec") == "same-09999-sec"
    assert scrub("short") == "short"
    assert scrub(values[2999]) == MASK
    assert scrub(values[2999][:-7]) == values[2999][:-7]


@pytest.fixture(scope="module", autouse=True)
def _leave_nothing_behind() -> Iterator[None]:
    before = set(secret._registry)
    yield
    assert secret._registry == before


@settings(deadline=None)
@given(value=st.text(min_size=6, max_size=60), before=st.text(max_size=20), after=st.text(max_size=20))
def test_whatever_a_secret_is_it_is_not_in_what_is_scrubbed(value: str, before: str, after: str) -> None:
    secret._registry.clear()
    Secret(value)
    assert scrub(value) == MASK
    scrubbed = scrub(before + value + after)
    assert MASK in scrubbed
    assert all(value not in part for part in scrubbed.split(MASK))


# --- what the venue says back in parts ------------------------------------------------------------------------------

KEY = "kZ81mQx7Lw02TbVn"
SIGNATURES = {
    "hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "base64": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    "base58": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d3vSW1c7M2F9Jk2oD1TqKq3EoR9sVGJxgPZ8yE5XkJq2b",
}


@pytest.mark.parametrize("length", [12, 13, 15])
@pytest.mark.parametrize("begin", range(len(KEY) - 11))
@pytest.mark.parametrize("before", ["", "a", "ab", "key=", "0123456789"])
def test_every_long_part_is_taken_out(begin: int, length: int, before: str) -> None:
    Secret(KEY)
    part = KEY[begin : begin + length]
    assert scrub(f"{before}{part}<") == f"{before}{MASK}<"


@settings(deadline=None)
@given(data=st.data(), value=st.text(min_size=12, max_size=90), around=st.tuples(st.text(), st.text()))
def test_whatever_a_secret_is_no_long_part_of_it_is_left(
    data: st.DataObject, value: str, around: tuple[str, str]
) -> None:
    secret._registry.clear()
    secret._by_gram.clear()
    secret._harmless.clear()
    Secret(value)
    begin = data.draw(st.integers(0, len(value) - secret.PART))
    end = data.draw(st.integers(begin + secret.PART, len(value)))
    scrubbed = scrub(f"{around[0]}{value[begin:end]}{around[1]}")
    grams = {value[place : place + secret.PART] for place in range(len(value) - secret.PART + 1)}
    assert MASK in scrubbed
    for rest in scrubbed.split(MASK):
        assert not any(gram in rest for gram in grams)


def test_a_short_part_is_an_ordinary_word() -> None:
    Secret(KEY)
    assert scrub(f"…{KEY[-4:]} and {KEY[:11]}") == f"…{KEY[-4:]} and {KEY[:11]}"
    Secret("short-one")
    assert scrub("short-on") == "short-on"


def test_two_parts_side_by_side() -> None:
    Secret(KEY)
    Secret(SIGNATURES["hex"])
    assert scrub(f"{KEY[:12]}{SIGNATURES['hex'][:20]} {KEY[2:]}").strip("*").replace(MASK, "") in ("", " ")


def test_no_part_of_a_pem_block_is_left_but_what_all_have() -> None:
    Secret(PEM)
    assert scrub(f"at {LINES[0][5:30]}") == f"at {MASK}"
    assert scrub("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("form", "where"),
    [
        *(("hex", where) for where in ("header", "authorization", "body", "query")),
        *(("base64", "header"), ("base64", "query"), ("base58", "body")),
    ],
)
def test_the_signature_of_a_request_is_taken_out(form: str, where: str) -> None:
    value = SIGNATURES[form]
    headers = [("X-SIGN", value)] if where == "header" else [("X-SIGN-TYPE", "2")]
    headers += [("Authorization", f"x-hmac id=1,sig={value},nonce=2")] if where == "authorization" else []
    body = b'{"account":"abc","signature":"%s","n":1}' % value.encode() if where == "body" else b""
    url = f"https://x/y?a=1&signature={urllib.parse.quote(value, safe='')}&b=2" if where == "query" else "https://x/y"
    assert scrub(f"bad {value}") == f"bad {value}"
    secret._harmless.clear()  # nobody could say it before it was sent
    secret.passes(headers, body, url)
    assert scrub(f"bad {value}!") == f"bad {MASK}!"
    assert scrub(f"begins with {value[:12]}") == f"begins with {MASK}"
    assert scrub(f"ends with {value[-14:]}, as sent") == f"ends with {MASK}, as sent"


def test_ids_and_addresses_in_a_body_are_not_taken_for_signatures() -> None:
    order, address = "0b1f3c4a-5d6e-4f70-8192-a3b4c5d6e7f8", "7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2"
    secret.passes((), f'{{"account":"{address}","orderId":"{order}"}}'.encode(), "https://x/y?cursor=" + "c" * 90)
    assert scrub(f"{order} {address} {'c' * 90}") == f"{order} {address} {'c' * 90}"


def test_signatures_are_forgotten_and_keys_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "_PASSING", 3)
    Secret(KEY)
    values = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(50)]
    for value in values:
        secret.passes([("sign", value), ("api-sign", KEY)], b"", "")
    assert scrub(values[0]) == values[0]
    assert scrub(values[-1]) == scrub(KEY[:13]) == MASK
    assert len(secret._by_gram) < 200


def test_a_lock_that_somebody_holds_is_not_waited_for() -> None:
    Secret(KEY)
    with secret._lock:
        assert scrub(f"a {KEY} b {KEY[:13]}") == f"a {MASK} b {MASK}"
