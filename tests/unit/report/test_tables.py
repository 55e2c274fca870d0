"""What is said about a run: JSON lines that scripts branch on, and tables that people read."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.cli.execute import how_far
from cancelall.core.errors import TransportFault
from cancelall.core.model import Order, Protection, State, Verdict
from cancelall.core.results import ErrorReport, OrderReport, ProfileReport, RunFacts, SegmentReport, Timing
from cancelall.core.secret import Secret
from cancelall.engine.verdicts import exit_status
from cancelall.report import live, tables
from cancelall.report.lines import profile_line, profile_object
from cancelall.report.streams import Outlet
from cancelall.report.text import clean, counts_words, orders_words, scope_words, verdict_words

ORDER = Order(
    id="6a1b2c3d-0000-4444-8888-123456789abc",
    segment="linear USDT",
    client_id="bot-7",
    symbol="BTCUSDT",
    side="buy",
    type="limit",
    price="60000",
    quantity="0.1",
    remaining="0.05",
)
REPORT = ProfileReport(
    profile="bybit",
    venue="bybit",
    environment="live",
    host="https://api.bybit.com",
    scope={"settle_coin": "USDT", "symbol": ("BTCUSDT", "ETHUSDT")},
    dry_run=False,
    verdict=Verdict.CLEAR,
    segments=(SegmentReport(name="linear USDT", verdict=Verdict.CLEAR, mass_cancels=2, listings=3),),
    orders=(OrderReport(order=ORDER, state=State.CANCELLED),),
    not_covered=("trading bots",),
    requests=9,
    timing=Timing(first_request=212, first_ack=251, verdict=930, verdict_at=1795953601250),
)


def drawn(
    report: ProfileReport, width: int = 80, *, terminal: bool = False, encoding: str = "utf-8", **environ: str
) -> str:
    return tables.profile_table(report, tables.console(width, terminal=terminal, environ=environ, encoding=encoding))


def last_line(text: str) -> str:
    return [line for line in text.splitlines() if line.strip()][-1]


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_the_line_of_a_profile_is_the_documented_one() -> None:
    facts = RunFacts(id="5bf1", machine="vps-3", reason="drill", shard=(2, 3, ("a", "bybit", "c", "d", "e")))
    assert profile_line(REPORT, facts) == (
        '{"schema":1,"profile":"bybit","venue":"bybit","environment":"live","host":"https://api.bybit.com",'
        '"scope":{"settle_coin":"USDT","symbol":["BTCUSDT","ETHUSDT"]},"dry_run":false,'
        '"verdict":"clear","exit_code":0,'
        '"segments":[{"name":"linear USDT","verdict":"clear","mass_cancels":2,"listings":3,"detail":null}],'
        '"orders":[{"id":"6a1b2c3d-0000-4444-8888-123456789abc","client_id":"bot-7","symbol":"BTCUSDT","side":"buy",'
        '"type":"limit","price":"60000","quantity":"0.1","remaining":"0.05","segment":"linear USDT",'
        '"protective":false,"state":"cancelled","reason":null}],'
        '"counts":{"cancelled":1,"filled":0,"gone":0,"open":0,"failed":0,"kept":0},'
        '"not_covered":["trading bots"],'
        '"requests":9,"timing_ms":{"first_request":212,"first_ack":251,"verdict":930},'
        '"error":null,"warnings":[],"positions":null,"positions_unknown":null,'
        '"run":"5bf1","time":"2026-11-29T12:00:01.250Z","machine":"vps-3","reason":"drill",'
        '"shard":{"index":2,"count":3,"lines":2,"profiles":5,"checksum":"09740d6b5d77d578"}}\n'
    )


UNREAD = ProfileReport(
    profile="mm-2",
    venue="bitget",
    environment=None,
    host=None,
    scope={},
    dry_run=True,
    verdict=Verdict.UNCONFIGURED,
    error=ErrorReport(kind="secret", message="no api_key", hint="set it"),
    warnings=("a warning",),
)


def test_a_profile_that_could_not_be_read_has_every_key_too() -> None:
    found = profile_object(UNREAD)
    assert list(found) == list(profile_object(REPORT))
    assert found == {
        **{"schema": 1, "profile": "mm-2", "venue": "bitget", "environment": None, "host": None, "scope": {}},
        **{"dry_run": True, "verdict": "unconfigured", "exit_code": 6, "requests": 0},
        **{"segments": [], "orders": [], "not_covered": [], "warnings": ["a warning"]},
        "counts": {"cancelled": 0, "filled": 0, "gone": 0, "open": 0, "failed": 0, "kept": 0},
        "timing_ms": {"first_request": None, "first_ack": None, "verdict": None},
        "error": {"kind": "secret", "message": "no api_key", "hint": "set it"},
        "positions": None,
        "positions_unknown": None,
        **dict.fromkeys(("run", "time", "machine", "reason", "shard")),
    }


def test_an_order_of_which_only_the_id_is_known() -> None:
    row = OrderReport(order=Order(id="1", segment="s"), state=State.GONE)
    (found,) = profile_object(replace(REPORT, orders=(row,)))["orders"]  # type: ignore[misc]
    nothing = dict.fromkeys(("client_id", "symbol", "side", "type", "price", "quantity", "remaining"))
    assert found == {"id": "1", **nothing, "segment": "s", "protective": False, "state": "gone", "reason": None}


def test_only_what_is_known_to_be_protective_is_called_so() -> None:
    rows = tuple(OrderReport(order=replace(ORDER, protection=one), state=State.KEPT) for one in Protection)
    found = profile_object(replace(REPORT, orders=rows))["orders"]
    assert [one["protective"] for one in found] == [one is Protection.PROTECTIVE for one in Protection]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("verdict", "code", "code_of_a_dry_run"),
    [
        *((Verdict.CLEAR, 0, 0), (Verdict.OPEN, 10, 0), (Verdict.UNREACHABLE, 12, 12), (Verdict.REFUSED, 4, 4)),
        *((Verdict.UNCONFIGURED, 6, 6), (Verdict.UNPROVEN, 11, 11)),
    ],
)
def test_the_exit_code_of_a_verdict(verdict: Verdict, code: int, code_of_a_dry_run: int) -> None:
    for dry_run, expected in ((False, code), (True, code_of_a_dry_run)):
        report = replace(REPORT, verdict=verdict, dry_run=dry_run)
        found = profile_object(report)
        assert (found["verdict"], found["exit_code"]) == (verdict.value, expected)
        assert last_line(drawn(report, 200)).endswith(f"exit {expected}")
        assert last_line(drawn(report, 200)).startswith(f" {verdict.value.upper()} ")


# --- hostile text ---------------------------------------------------------------------------------------------------

HOSTILE = {
    "escape": "\x1b[2J\x1b[31mred",
    "hyperlink": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "title": "\x1b]0;owned\x07",
    "markup": "[bold][/oops][link=http://evil]x[/link]:smile:",
    "direction": "\u202eTDSUCTB\u2066",
    "half a pair": "half \ud83d pair",
    "NUL": "a\x00b",
    "lines": "a\r\nb\nc\u2028d\x0be\x85f",
    "C1": "\x9b31mred",
    "zero width": "a\u200bb\ufeffc",
    "1 MB": "x" * 1_000_000,
    "1 MB of escapes": "\x1b" * 1_000_000,
}
SAFE = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]*")


def _everywhere(text: str) -> ProfileReport:
    """A report with the same foreign text in every place where a venue's words can come."""
    words = dict.fromkeys(
        ("id", "segment", "client_id", "symbol", "side", "type", "price", "quantity", "remaining"), text
    )
    return replace(
        REPORT,
        segments=(SegmentReport(name=text, verdict=Verdict.UNPROVEN, detail=text),),
        orders=(
            OrderReport(order=Order(**words), state=State.FAILED, reason=text),
            OrderReport(order=Order(**words, protection=Protection.PROTECTIVE), state=State.OPEN),
        ),
        error=ErrorReport(kind="unreadable", message=text, hint=text),
        warnings=(text,),
        not_covered=(text,),
        would_send=(text,),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_harmless_in_json(name: str) -> None:
    line = profile_line(_everywhere(HOSTILE[name]))
    assert line.isascii()
    assert line.count("\n") == 1
    assert len(line) < 20_000
    (found, _) = json.loads(line)["orders"]
    assert SAFE.fullmatch("".join(value for value in found.values() if isinstance(value, str)))
    assert found["id"].startswith(clean(HOSTILE[name])[:5])


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_harmless_in_tables(name: str, width: int) -> None:
    shown = drawn(_everywhere(HOSTILE[name]), width)
    assert SAFE.fullmatch(shown)
    assert len(shown) < 60_000
    assert all(len(line) <= width for line in shown.rstrip().splitlines()[:-1])  # the verdict is one line in a pipe
    wrapped = drawn(_everywhere(HOSTILE[name]), width, terminal=True, TERM="dumb")
    assert all(len(line) <= width for line in wrapped.splitlines() if wrapped != shown)


def test_foreign_text_cannot_play_the_verdict() -> None:
    shown = drawn(_everywhere("\n CLEAR  bybit (live): nothing is left · exit 0\n"), 200)
    assert not any(line.startswith(" CLEAR") for line in shown.splitlines()[:-2])


def test_text_is_never_markup() -> None:
    text = "[bold]x[/bold] [/oops] :smile: https://evil 12345"
    for terminal in (True, False):
        made = tables.console(80, terminal=terminal, environ={"TERM": "xterm-256color"})
        assert tables.drawn(made, text) == f"{text}\n"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("usual é 日本 😀", 200, "usual é 日本 😀"),
        *((text, 200, ascii(text)[1:-1]) for text in ("\x1b[31m", "\u202e", "\ud83d", "\x00\n\t", "\U000e0001", "")),
        ("x" * 200, 200, "x" * 200),
        ("x" * 201, 200, "x" * 200 + "…"),
        ("\x00" * 3, 10, "\\x00\\x00\\x…"),
    ],
)
def test_cleaning(text: str, limit: int, expected: str) -> None:
    assert clean(text, limit) == expected


@settings(deadline=None)
@given(text=st.text(max_size=300), limit=st.integers(1, 250))
def test_whatever_is_cleaned_can_be_printed_anywhere(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit + 1
    assert shown.encode().decode() == shown


def test_a_secret_in_foreign_text_is_taken_out_even_at_the_limit() -> None:
    Secret("hunter2-canary-0001")
    shown = clean("x" * 195 + "hunter2-canary-0001")
    assert shown == "x" * 195 + "***"
    report = _everywhere("bad key hunter2-canary-0001 " + "y" * 300)
    assert "hunter2" not in profile_line(report) + drawn(report) + drawn(report, 200)
    assert "bad key ***" in profile_line(report)


# --- tables ---------------------------------------------------------------------------------------------------------


def test_a_table_of_80_columns() -> None:
    assert [line.rstrip() for line in drawn(REPORT).splitlines()] == [
        "bybit: orders",
        "",
        " state       order                         order id",
        " ──────────────────────────────────────────────────────────────────────────────",
        " cancelled   BTCUSDT buy limit 0.1 @       6a1b2c3d-0000-4444-8888-123456789abc",
        "             60000",
        "",
        "bybit: settle-coin USDT · symbol BTCUSDT,ETHUSDT",
        "",
        " part of the account   verdict   cancel-alls   times read",
        " ────────────────────────────────────────────────────────",
        " linear USDT           clear               2            3",
        "",
        "not covered: trading bots",
        " CLEAR  bybit (live): nothing is left · 1 cancelled · 0.9 s · exit 0",
        "",
    ]


@pytest.mark.parametrize("width", [20, 40, 72, 80, 100, 119, 120, 140, 200])
@pytest.mark.parametrize("length", [1, 19, 36, 37, 64, 120])
def test_ids_are_folded_and_never_cut(width: int, length: int) -> None:
    ids = [("0123456789abcdef" * 8)[:length], ("fedcba9876543210" * 8)[:length]]
    rows = (
        OrderReport(order=replace(ORDER, id=ids[0], client_id=None), state=State.FAILED, reason="why not"),
        OrderReport(order=replace(ORDER, id=ids[1], symbol="BTC-27DEC24-100000-C-USDT"), state=State.OPEN),
    )
    for one in rows:
        shown = drawn(replace(REPORT, orders=(one,), segments=(), verdict=Verdict.OPEN), width)
        assert _id_in(shown, one.order.id), shown
        assert "…" not in shown


def _id_in(shown: str, identity: str) -> bool:
    """Whether the id stands there in full: in one line, or folded within its column."""
    lines = shown.splitlines()
    for start, line in enumerate(lines):
        for column in range(len(line)):
            rest, at = identity, start
            while rest and at < len(lines):
                piece = re.match(r"\S*", lines[at][column:])
                here = piece[0][: len(rest)] if piece else ""
                if not here or not rest.startswith(here):
                    break
                rest, at = rest[len(here) :], at + 1
            if not rest:
                return True
    return False


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(20, 220),
    identity=st.text(alphabet="0123456789abcdefABCDEF-_:", min_size=1, max_size=130),
    symbol=st.text(alphabet="ABC-/", min_size=1, max_size=40),
    reason=st.none() | st.text(alphabet="why not ", min_size=1, max_size=80),
)
def test_at_any_width_the_id_is_there(width: int, identity: str, symbol: str, reason: str | None) -> None:
    row = OrderReport(order=replace(ORDER, id=identity, symbol=symbol), state=State.FAILED, reason=reason)
    shown = drawn(replace(REPORT, orders=(row,), segments=()), width)
    assert _id_in(shown, identity), shown


def _many(count: int) -> tuple[OrderReport, ...]:
    states = [State.CANCELLED, State.GONE, State.FILLED, State.KEPT]
    rows = [
        OrderReport(order=replace(ORDER, id=f"id-{number:05}"), state=states[number % 4]) for number in range(count)
    ]
    rows[-2] = OrderReport(order=replace(ORDER, id="the-survivor"), state=State.OPEN)
    rows[-1] = OrderReport(order=replace(ORDER, id="the-failure"), state=State.FAILED, reason="in its call auction")
    return tuple(rows)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_thousands_of_orders_make_a_bounded_table(width: int) -> None:
    report = replace(REPORT, orders=_many(5000), verdict=Verdict.OPEN, would_send=("POST /x {}",) * 5000)
    shown = drawn(report, width)
    assert len(shown.splitlines()) < 6 * tables.ROWS
    failure, survivor, kept = (shown.index(word) for word in ("the-failure", "the-survivor", " kept "))
    assert failure < survivor < kept
    assert "in its call auction" in shown or width == 40
    flat = " ".join(shown.split())
    assert (
        "… and 4960 more (1250 cancelled, 1249 filled, 1250 gone, 1 open, 1 failed, 1249 kept in all); "
        "--json lists every one"
    ) in flat
    assert "would send: 4960 more" in flat
    assert len(profile_object(report)["orders"]) == 5000  # type: ignore[arg-type]


def test_a_table_that_shows_all_says_nothing_of_more() -> None:
    assert " more (" not in drawn(replace(REPORT, orders=_many(tables.ROWS)))
    assert "… and 1 more (" in drawn(replace(REPORT, orders=_many(tables.ROWS + 1)))


def test_protective_orders_are_marked_and_explained() -> None:
    row = OrderReport(order=replace(ORDER, protection=Protection.PROTECTIVE), state=State.KEPT)
    for width in (40, 80, 200):
        shown = drawn(replace(REPORT, orders=(row,)), width)
        assert "limit*" in shown
        assert "* protective: can only shrink a" in shown
        assert "limit*" not in drawn(REPORT, width)


def test_everything_else_is_said_before_the_verdict() -> None:
    report = replace(
        REPORT,
        verdict=Verdict.UNPROVEN,
        segments=(SegmentReport(name="spot", verdict=Verdict.UNPROVEN, detail="the listing broke off"),),
        warnings=("2 protective order(s) were removed", "a bot is still running"),
        error=ErrorReport(kind="timeout", message="the time was too short", hint="run again"),
        would_send=("POST /v5/order/cancel-all {}",),
    )
    lines = [" ".join(line.split()) for line in drawn(report, 120).splitlines() if line.strip()]
    assert lines[-7:] == [
        "would send: POST /v5/order/cancel-all {}",
        "not covered: trading bots",
        "warning: 2 protective order(s) were removed",
        "warning: a bot is still running",
        "timeout: the time was too short",
        "what to do: run again",
        "UNPROVEN bybit (live): orders may be open · 1 cancelled · 0.9 s · exit 11",
    ]
    assert "spot not proven 0 0 the listing broke off" in lines


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.ABSENT])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_verdict_is_the_last_line(verdict: Verdict, width: int) -> None:
    report = replace(REPORT, verdict=verdict, warnings=("w",), error=ErrorReport(kind="auth", message="m", hint="h"))
    shown = drawn(report, width)
    said = " ".join(shown[shown.rindex(f" {verdict.value.upper()} ") :].split())
    assert said == " ".join(
        f"{verdict.value.upper()} bybit (live): {verdict_words(report)} · 1 cancelled · 0.9 s · "
        f"exit {int(verdict.exit_status)}".split()
    )
    assert shown.endswith("\n\n")


def test_another_profile_names_its_venue() -> None:
    assert " CLEAR  mm-2 (bybit live): nothing is left" in drawn(replace(REPORT, profile="mm-2"), 120)
    broken = replace(REPORT, environment=None, venue="", profile="mm-2", timing=Timing(), orders=())
    assert last_line(drawn(broken, 120)) == " CLEAR  mm-2: nothing is left · exit 0"


# --- terminals ------------------------------------------------------------------------------------------------------


def test_a_terminal_gets_colour_and_the_rest_does_not() -> None:
    bright = drawn(REPORT, terminal=True, TERM="xterm-256color")
    assert "\x1b[1;38;5;16;48;5;40m CLEAR " in bright
    assert "\x1b[30;42m CLEAR " in drawn(REPORT, terminal=True, TERM="linux")
    for environ in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in drawn(REPORT, terminal=True, **{"TERM": "xterm-256color", **environ})
    assert "\x1b" not in drawn(REPORT, terminal=False, TERM="xterm-256color", FORCE_COLOR="1")


@pytest.mark.parametrize("width", [60, 100, 160])
def test_a_dumb_terminal_has_its_own_width(width: int) -> None:
    assert drawn(REPORT, width, terminal=True, TERM="dumb") == drawn(REPORT, width)


def test_an_encoding_without_lines_gets_none() -> None:
    shown = drawn(REPORT, encoding="ascii")
    assert "─" not in shown
    assert "-------" in shown
    made = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    outlet = Outlet(made, "ascii")
    outlet.write(lambda: shown)
    outlet.close(5)
    assert b"6a1b2c3d-0000-4444-8888-123456789abc" in made.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        *(({"COLUMNS": "132"}, 132), ({"COLUMNS": "100000"}, 1000), ({}, 80)),
        *(({"COLUMNS": text}, 80) for text in ("0", "-5", "", "wide", "²", "9" * 5000)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_how_wide(environ: dict[str, str], expected: int) -> None:
    assert tables.width_of(environ, None) == expected
    assert tables.width_of(environ, 987654) == expected


# --- sentences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "dry_run", "states", "expected"),
    [
        (Verdict.CLEAR, False, [State.CANCELLED], "nothing is left"),
        (Verdict.CLEAR, False, [State.KEPT, State.KEPT], "only 2 order(s) that were to be kept are left"),
        (Verdict.CLEAR, True, [], "no order is open; nothing was sent"),
        (Verdict.CLEAR, True, [State.KEPT], "1 order(s) open, all of them to be kept; nothing was sent"),
        (Verdict.OPEN, True, [State.OPEN, State.KEPT], "2 order(s) open; nothing was sent"),
        (Verdict.OPEN, False, [State.OPEN, State.FAILED, State.GONE], "2 order(s) are still open"),
        (Verdict.UNREACHABLE, False, [], "no answer: orders may be open"),
        (Verdict.REFUSED, True, [], "the venue refused: orders may be open"),
        (Verdict.UNCONFIGURED, False, [], "nothing was sent: orders may be open"),
        (Verdict.UNPROVEN, False, [State.OPEN], "orders may be open"),
    ],
)
def test_the_verdict_in_words(verdict: Verdict, dry_run: bool, states: list[State], expected: str) -> None:
    rows = tuple(OrderReport(order=ORDER, state=state) for state in states)
    assert verdict_words(replace(REPORT, verdict=verdict, dry_run=dry_run, orders=rows)) == expected


@pytest.mark.parametrize("key", ["client_id", "not_client_id"])
def test_what_is_clear_of_selected_orders_says_so(key: str) -> None:
    report = replace(REPORT, scope={key: ("mine-",)}, verdict=Verdict.CLEAR)
    for count in (0, 2):
        rows = tuple(OrderReport(order=ORDER, state=State.KEPT) for _ in range(count))
        expected = f"of the selected orders none is left; {count} order(s) that were to be kept are left"
        assert verdict_words(replace(report, orders=rows)) == expected


def test_counts_in_words() -> None:
    assert counts_words(replace(REPORT, orders=_many(6))) == "1 cancelled, 1 filled, 1 gone, 1 open, 1 failed, 1 kept"
    assert counts_words(replace(REPORT, orders=())) == ""


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, "everything"),
        ({"settle_coin": "USDT"}, "settle-coin USDT"),
        ({"category": ("linear", "spot"), "exclude_reduce_only": True}, "category linear,spot · exclude-reduce-only"),
    ],
)
def test_the_scope_in_words(scope: dict[str, object], expected: str) -> None:
    assert scope_words(scope) == expected


@pytest.mark.parametrize(
    ("verdict", "states", "expected"),
    [
        (Verdict.CLEAR, [], "none"),
        (Verdict.CLEAR, [State.GONE], "1 gone"),
        (Verdict.OPEN, [State.OPEN], "1 open"),
        (Verdict.UNREACHABLE, [], "unknown"),
        (Verdict.REFUSED, [], "unknown"),
        (Verdict.UNCONFIGURED, [], "unknown"),
        (Verdict.UNPROVEN, [], "unknown"),
        (Verdict.UNPROVEN, [State.CANCELLED], "1 cancelled; the rest unknown"),
    ],
)
def test_what_is_not_known_is_never_none(verdict: Verdict, states: list[State], expected: str) -> None:
    rows = tuple(OrderReport(order=ORDER, state=state) for state in states)
    assert orders_words(replace(REPORT, verdict=verdict, orders=rows)) == expected


def _summed(*reports: ProfileReport, width: int = 100, draw: Any = tables.summary) -> list[str]:
    made = tables.console(width, terminal=False, environ={})
    status = int(exit_status(reports))
    lines = [" ".join(line.split()) for line in draw(reports, made, status).splitlines()]
    return [line for line in lines if line and "─" not in line]


LEFT = replace(REPORT, profile="mm-2", verdict=Verdict.OPEN, orders=_many(8))
DEAD = replace(REPORT, profile="desk-a", verdict=Verdict.UNREACHABLE, orders=(), timing=Timing(verdict=30000))


def test_a_row_per_profile_at_the_end_the_worst_last() -> None:
    assert _summed(LEFT, REPORT, DEAD) == [
        "summary",
        "profile venue verdict orders exit",
        "bybit bybit clear 1 cancelled 0",
        "desk-a bybit unreachable unknown 12",
        "mm-2 bybit open 2 cancelled, 1 filled, 2 gone, 1 open, 1 failed, 1 kept 10",
        "NOT CLEAR 2 of 3: mm-2 open (2 orders), desk-a unreachable · 30.0 s · exit 10",
    ]
    assert _summed(REPORT, replace(REPORT, profile="two"), width=40)[1:] == [
        "profile verdict exit",
        "bybit clear 0",
        "two clear 0",
        "CLEAR 2 of 2 profiles · 2 cancelled · 0.9 s · exit 0",
    ]


def test_thirty_profiles_with_one_dead_fit_the_last_screen() -> None:
    clear = [replace(REPORT, profile=f"p-{number}") for number in range(29)]
    lines = _summed(*clear[:7], DEAD, *clear[7:], width=80)
    assert lines[-3:] == [
        "desk-a bybit unreachable unknown 12",
        "29 profiles are clear, 29 orders cancelled",
        "NOT CLEAR 1 of 30: desk-a unreachable · 30.0 s · exit 12",
    ]
    assert len(lines) < 20
    assert _summed(*clear, DEAD, draw=tables.whole) == lines[-1:]


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([{"verdict": Verdict.CLEAR, "orders": ()}] * 2, "CLEAR 0 order(s) in 0 of 2 profiles; nothing was sent"),
        ([{}, {"verdict": Verdict.OPEN, "orders": _many(8)}], "OPEN 2 order(s) in 1 of 2 profiles; nothing was sent"),
        (
            [{}, {"orders": (OrderReport(order=ORDER, state=State.KEPT),)}],
            "OPEN 1 order(s) in 1 of 2 profiles; nothing was sent",
        ),
        ([{}, {"verdict": Verdict.REFUSED}], "NOT READ 1 of 2: p-1 refused"),
    ],
)
def test_the_last_line_of_what_only_reads(reports: list[dict[str, Any]], expected: str) -> None:
    made = [replace(REPORT, dry_run=True, profile=f"p-{number}", **more) for number, more in enumerate(reports)]
    assert _summed(*made)[-1].startswith(expected)


# --- what is not good -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 200])
def test_survivors_stand_directly_above_the_verdict(width: int) -> None:
    rows = tuple(OrderReport(order=replace(ORDER, id=f"id-{number}"), state=State.CANCELLED) for number in range(82))
    left = tuple(OrderReport(order=replace(ORDER, id=f"left-{number}"), state=State.OPEN) for number in range(4))
    report = replace(REPORT, verdict=Verdict.OPEN, orders=(*rows, *left), warnings=("a bot is still running",))
    lines = drawn(report, width).rstrip().splitlines()
    screen = lines[-14:]
    assert all(any(f"left-{number}" in line for line in screen) for number in range(4))
    assert any("warning: a bot" in line for line in screen)
    assert lines[-1].startswith(" OPEN  bybit (live): 4 order(s) are still open · 82 cancelled, 4 open")


def test_a_cause_stands_once_and_equal_segments_share_a_row() -> None:
    names = ("linear USDT", "linear USDC", "inverse", "spot", "option", "spread", "strategy")
    refused = tuple(SegmentReport(name=name, verdict=Verdict.REFUSED, detail="10003 invalid key") for name in names)
    error = ErrorReport(kind="auth", message="10003 invalid key", hint="cancelall auth set bybit")
    report = replace(REPORT, verdict=Verdict.REFUSED, segments=refused, error=error, orders=())
    for width in (40, 80, 200):
        shown = " ".join(drawn(report, width).split())
        assert shown.count("10003 invalid key") == 1
        assert shown.count("refused") <= 2
    assert len([line for line in drawn(report, 200).splitlines() if "linear" in line]) == 1


def test_numbers_of_segments_that_share_a_row_are_a_span() -> None:
    some = [SegmentReport(name=name, verdict=Verdict.CLEAR, mass_cancels=1, listings=count) for name, count in NUMBERS]
    lines = [" ".join(line.split()) for line in drawn(replace(REPORT, segments=tuple(some)), 100).splitlines()]
    assert "a, b, c clear 1 2-4" in lines


@pytest.mark.parametrize("width", [60, 71, 72, 100])
def test_no_heading_is_cut_whatever_a_segment_has_to_say(width: int) -> None:
    absent = SegmentReport(name="HOSKYUSDM", verdict=Verdict.ABSENT, detail="4106 Invalid trading pair symbol")
    shown = drawn(replace(REPORT, segments=(*REPORT.segments, absent), orders=()), width)
    assert "…" not in shown
    assert ("cancel-alls" in shown) == (width >= 72)


NUMBERS = (("a", 2), ("b", 4), ("c", 3))


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.ABSENT])
def test_in_a_pipe_the_verdict_is_one_line(verdict: Verdict) -> None:
    lines = drawn(replace(REPORT, verdict=verdict, profile="p" * 60), 40).splitlines()
    assert len([line for line in lines if line.startswith(f" {verdict.value.upper()} ") and "exit" in line]) == 1


def test_below_60_columns_there_are_lines_and_no_tables() -> None:
    assert "─" not in drawn(REPORT, 59)
    assert "─" in drawn(REPORT, 60)
    assert [line.rstrip() for line in drawn(REPORT, 40).splitlines()[:4]] == [
        "bybit: orders",
        "cancelled BTCUSDT buy limit 0.1 @ 60000",
        "  6a1b2c3d-0000-4444-8888-123456789abc",
        "",
    ]


def test_in_brief_there_are_verdict_cause_and_warnings_alone() -> None:
    error = ErrorReport(kind="auth", message="m", hint="h")
    report = replace(REPORT, verdict=Verdict.OPEN, orders=_many(20), warnings=("w",), error=error)
    made = tables.console(80, terminal=False, environ={})
    lines = tables.brief(report, made).splitlines()
    assert lines[:3] == ["warning: w", "auth: m", "what to do: h"]
    assert [line[:6] for line in lines[3:]] == [" OPEN "]


# --- the live line --------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def _sweep(proven: int, of: int, *, read: bool = True) -> Any:
    ledgers = {
        str(number): SimpleNamespace(
            proven=number < proven,
            answered=True,
            absent=None,
            trouble=None,
            air=SimpleNamespace(accepted=True),
            seen=[SimpleNamespace(taken=True), SimpleNamespace(taken=True)],
            last=object() if number or read else None,
            left=lambda last: ["x"],
        )
        for number in range(of)
    }
    client = SimpleNamespace(
        tally=SimpleNamespace(turned_away=None),
        signer=SimpleNamespace(origin="https://a.test:8"),
        standstill=lambda seconds: "",
        reads_only=False,
    )
    return SimpleNamespace(ledgers=ledgers, client=client, gap=1.0)


def _live(monkeypatch: pytest.MonkeyPatch, **environ: str) -> str:
    monkeypatch.setattr(live, "_INTERVAL", 0.01)
    made = Terminal()
    outlet = Outlet(made, "live")
    progress = live.Progress(outlet, environ)

    async def work() -> None:
        progress.sweeping("bybit", partial(how_far, _sweep(1, 3)))
        progress.sweeping("mm-2", partial(how_far, _sweep(0, 1)))
        ticking = asyncio.create_task(progress.tick())
        for _ in range(500):  # until it was drawn anew, where anything is drawn at all
            await asyncio.sleep(0.01)
            if made.getvalue().count("mm-2: 2") >= 2 or environ["TERM"] == "dumb":
                break
        progress.finished("bybit")
        ticking.cancel()

    asyncio.run(work())
    outlet.close(5)
    return made.getvalue()


def test_one_line_per_profile_that_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _live(monkeypatch, TERM="xterm", COLUMNS="100")
    first, second, *_ = shown.splitlines()
    assert first.startswith("  bybit: 6 accepted, 3 still listed, 1 of 3 segments proven · 0.")
    assert second.startswith("  mm-2: 2 accepted, 1 still listed, 0 of 1 segments proven · 0.")
    wiped = "\x1b[2A\r\x1b[2K\n\r\x1b[2K\n\x1b[2A"
    assert shown.endswith(wiped)
    assert shown.count(wiped) >= 2


def test_the_live_line_names_no_number_that_was_not_read() -> None:
    assert how_far(_sweep(1, 3)) == "6 accepted, 3 still listed, 1 of 3 segments proven"
    assert how_far(_sweep(0, 3, read=False)) == "6 accepted, 2 of 3 segments read, 0 of 3 segments proven"
    lacking = _sweep(2, 3, read=False)
    lacking.ledgers["0"].absent = object()
    assert how_far(lacking) == "6 accepted, 2 still listed, 1 of 2 segments proven"
    reading = _sweep(0, 3, read=False)
    reading.client.reads_only = True
    assert how_far(reading) == "2 of 3 segments read, 0 of 3 segments proven", "nothing was to be accepted"
    silent = _sweep(0, 2)
    for ledger in silent.ledgers.values():
        ledger.answered = False
    assert how_far(silent) == "no answer yet from a.test"
    fault = TransportFault("a.test cannot be resolved: is this machine online?", sent="no")
    silent.ledgers["1"].trouble = SimpleNamespace(fault=fault)
    assert how_far(silent) == "no answer yet: a.test cannot be resolved: is this machine online?"
    silent.client.standstill = lambda seconds: "the name a.test is not resolved"
    assert how_far(silent) == "no answer yet: the name a.test is not resolved"


def test_a_line_that_would_wrap_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _live(monkeypatch, TERM="xterm", COLUMNS="30")
    written = [re.sub(r"\x1b\[\d?[AK]|\r", "", line) for line in shown.splitlines()]
    assert any(re.fullmatch(r"  bybit: 6 accepted,… · \d\.\d s", line) for line in written)
    assert max(map(len, written)) == 29


def test_a_terminal_that_cannot_take_a_line_back_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _live(monkeypatch, TERM="dumb") == ""
