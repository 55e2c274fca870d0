"""A run in short: what its record shows, and nothing that it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.results import ProfileSummary
from cancelall.journal import chain
from cancelall.journal.chain import RunRecord
from cancelall.journal.summary import summarise
from cancelall.report.page import page

START = {
    "event": "run_start",
    "ts": "2026-11-29T22:10:03.000001+00:00",
    "mono": 1_000_000_000,
    "host": "desk-1",
    "uid": 1000,
    "user": "trader",
    "from": "10.0.0.9",
    "argv": ["all", "--reason", "crash"],
    "reason": "crash",
    "dry_run": False,
    "profiles": {"count": 2, "ids": ["bybit", "mm-2"]},
}
END = {"event": "run_end", "exit_code": 10, "ms": 4800}


def listed(profile: str, segment: str, *ids: str, count: int | None = None) -> dict[str, Any]:
    fields = {"event": "list", "profile": profile, "segment": segment, "complete": True}
    return {**fields, "ids": list(ids), "count": len(ids) if count is None else count}


def verdict(profile: str, said: str, code: int, left: int, **more: object) -> dict[str, Any]:
    remaining = {"count": left, "ids": []}
    return {
        **{"event": "verdict", "profile": profile, "verdict": said, "exit_code": code, "remaining": remaining},
        **{"mono": 3_500_000_000, **more},
    }


def run(*records: dict[str, Any]) -> RunRecord:
    return RunRecord(id="1a2b3c4d-0000", records=[START, *records])


WHOLE = run(
    {"event": "attempt_start", "profile": "bybit", "a": 1},
    {"event": "attempt_end", "profile": "bybit", "a": 1, "cancelled": {"count": 2, "ids": ["1", "2"]}},
    {"event": "attempt_start", "profile": "mm-2", "a": 2, "changes": True},
    listed("bybit", "linear USDT", "2", "3"),
    listed("bybit", "linear USDT"),
    listed("mm-2", "spot", "9", count=1700),
    verdict("bybit", "clear", 0, 0, kept={"count": 1, "ids": ["7"]}),
    verdict("mm-2", "open", 10, 4, error="timeout: no answer", late_until="2026-11-29T22:10:20+00:00"),
    END,
)


def test_a_run_in_short() -> None:
    made = summarise(WHOLE)
    assert (made.who, made.where, made.reason) == ("trader@desk-1", ("from 10.0.0.9",), "crash")
    assert (made.exit_code, made.seconds, made.requests, made.in_flight) == (10, 4.8, 2, 1)
    assert made.profiles == (
        ProfileSummary(profile="bybit", verdict="clear", exit_code=0, was_open=3, left=0, kept=1, seconds=2.5),
        ProfileSummary(
            **{"profile": "mm-2", "verdict": "open", "exit_code": 10, "was_open": 1700, "left": 4, "seconds": 2.5},
            error="timeout: no answer",
            late_until="2026-11-29T22:10:20+00:00",
        ),
    )


def test_what_the_record_does_not_show_is_not_known() -> None:
    made = summarise(run())
    assert made.exit_code is None
    assert made.profiles == (ProfileSummary(profile="bybit"), ProfileSummary(profile="mm-2"))
    assert made.profiles[0].was_open is None


def test_one_page() -> None:
    assert page(summarise(WHOLE), "the chain of hashes holds (9 lines); each clear is shown by its record") == (
        "Run 1a2b3c4d of cancelall, 2026-11-29 22:10:03 UTC\n"
        "\n"
        "  who       trader@desk-1, from 10.0.0.9\n"
        "  command   cancelall all --reason crash\n"
        "  reason    crash\n"
        "  ended     with exit 10 after 4.8 s\n"
        "  requests  2; of 1 nobody knows whether they were executed\n"
        "  journal   the chain of hashes holds (9 lines); each clear is shown by its\n"
        "            record\n"
        "\n"
        "  profile  verdict       was open    left  kept      s  exit\n"
        "  bybit    clear                3       0     1    2.5     0\n"
        "  mm-2     open              1700       4     0    2.5    10\n"
        "\n"
        "  mm-2      timeout: no answer\n"
        "  mm-2      a cancel without an answer could be executed, until 2026-11-29\n"
        "            22:10:20 UTC\n"
        "\n"
        "NOT CLEAR: mm-2 open.\n"
    )


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([verdict("bybit", "clear", 0, 0), verdict("mm-2", "clear", 0, 0), {**END, "exit_code": 0}], "CLEAR: nothing"),
        ([verdict("bybit", "clear", 0, 0), {**END, "exit_code": 130}], "NOT CLEAR: mm-2 without a verdict."),
        ([], "NOT CLEAR: bybit without a verdict, mm-2 without a verdict."),
    ],
)
def test_the_last_line_of_the_page(records: list[dict[str, Any]], expected: str) -> None:
    assert page(summarise(run(*records)), "it holds").splitlines()[-1].startswith(expected)


def test_a_run_that_only_read_is_never_clear() -> None:
    rehearsed = RunRecord(id="1", records=[{**START, "dry_run": True}, verdict("bybit", "clear", 0, 0)])
    assert page(summarise(rehearsed), "").splitlines()[-1] == "It only read: nothing was cancelled."


def test_who_began_it_is_looked_up_where_it_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(chain, "host", lambda: "desk-1")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: type("Entry", (), {"pw_name": f"name-of-{uid}"}))
    assert WHOLE.user == "name-of-1000"
    monkeypatch.setattr(chain, "host", lambda: "elsewhere")
    assert WHOLE.user == "trader"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
EVENTS = ["run_start", "run_end", "list", "verdict", "attempt_start", "attempt_end"]
FIELDS = ["ts", "mono", "host", "uid", "user", "argv", "reason", "profiles", "profile", "segment", "ids", "count"]
FIELDS += ["cancelled", "remaining", "kept", "verdict", "exit_code", "ms", "error", "late_until", "a", "changes"]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda one: {**one}), max_size=6), st.data())
def test_whatever_stands_in_the_file_makes_a_page(records: list[dict[str, Any]], data: st.DataObject) -> None:
    named = [{**one, "event": data.draw(st.sampled_from(EVENTS))} for one in records]
    shown = page(summarise(RunRecord(id="1", records=json.loads(json.dumps(named)))), "it holds")
    assert shown.endswith("\n")
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert max(map(len, shown.splitlines())) <= 200
