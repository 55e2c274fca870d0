"""JSON lines of several machines: one verdict, and none that is `clear` unless every line is there and understood."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.core.errors import ExitStatus
from cancelall.core.model import GRAVITY, Order, State, Verdict
from cancelall.core.results import ErrorReport, OrderReport, ProfileReport, RunFacts, SegmentReport, Timing
from cancelall.engine.verdicts import exit_status
from cancelall.report import merge
from cancelall.report.lines import line_without_profile, profile_line
from cancelall.report.merge import Merged
from support import Ran, cancelall, profile_table, write_config

NOON = 1_795_608_000_000
NAMES = tuple(f"desk-{number}" for number in range(5))
MINUTES = 60.0
HOUR = 3_600_000


def report(name: str, verdict: Verdict = Verdict.CLEAR, *, at: int = NOON, **more: Any) -> ProfileReport:
    left = [OrderReport(order=Order(id="7", segment="spot"), state=State.OPEN)] if verdict is Verdict.OPEN else []
    gone = [OrderReport(order=Order(id="8", segment="spot"), state=State.CANCELLED)]
    return ProfileReport(
        **{
            **{"profile": name, "venue": "bybit", "environment": "live", "host": "https://api.bybit.com"},
            **{"scope": {}, "dry_run": False, "verdict": verdict, "orders": (*left, *gone)},
            "segments": (SegmentReport(name="spot", verdict=verdict), SegmentReport(name="x", verdict=Verdict.ABSENT)),
            "timing": Timing(first_request=10, first_ack=20, verdict=930, verdict_at=at),
            **more,
        }
    )


def shard_lines(index: int, count: int = 2, names: Sequence[str] = NAMES, run: str = "", **verdicts: Verdict) -> bytes:
    """What a shard prints: all clear, but for profiles that are named (with `_` for `-`)."""
    facts = RunFacts(id=run or f"run-{index}", machine=f"vps-{index}", shard=(index, count, tuple(names)))
    said = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    chosen = [report(name, said.get(name, Verdict.CLEAR), at=NOON + 1000 * index) for name in names[index - 1 :: count]]
    return "".join(profile_line(one, facts) for one in chosen).encode()


def merged(*files: bytes, within: float = 15 * MINUTES, now: int = NOON + 5000) -> Merged:
    found = (one for number, text in enumerate(files) for one in merge.read(f"{number}.jsonl", text.splitlines(True)))
    return merge.merge(found, datetime.fromtimestamp(now / 1000, UTC), within)


def changed(text: bytes, **changes: object) -> bytes:
    """The first line with other values."""
    first, *rest = text.splitlines(True)
    return json.dumps({**json.loads(first), **changes}).encode() + b"\n" + b"".join(rest)


ONE, TWO = shard_lines(1), shard_lines(2)


def test_all_lines_of_all_shards_are_clear() -> None:
    whole = merged(ONE, TWO)
    assert (whole.verdict, whole.doubts, whole.notes, whole.lost) == (Verdict.CLEAR, (), (), ())
    assert [one.name for one in whole.lines] == sorted(NAMES, key=[one.name for one in whole.lines].index)
    assert {one.name for one in whole.lines} == set(NAMES)
    said = merge.whole(whole)
    assert (said.badge, said.bad) == ("CLEAR", False)
    assert said.text == ("5 of 5 profiles · 5 cancelled · 2 machine(s) · 2026-11-25 12:00:01 to 12:00:02 UTC · exit 0")
    assert merge.page(whole) == ""
    assert merged(ONE + TWO).verdict is Verdict.CLEAR, "a file may have several shards"


@pytest.mark.parametrize("verdicts", [*itertools.combinations(GRAVITY, 2)], ids="+".join)
def test_the_worst_verdict_is_that_of_a_single_run(verdicts: tuple[Verdict, Verdict]) -> None:
    whole = merged(shard_lines(1, desk_2=verdicts[0]), shard_lines(2, desk_3=verdicts[1]))
    alone = exit_status([report("desk-2", verdicts[0]), report("desk-3", verdicts[1]), report("desk-0")])
    assert (whole.verdict.exit_status, whole.doubts) == (alone, ())
    assert {one.name for one in whole.bad} == {
        name for name, one in zip(("desk-2", "desk-3"), verdicts, strict=True) if one is not Verdict.CLEAR
    }
    assert [GRAVITY.index(one.verdict) for one in whole.lines] == sorted(
        (GRAVITY.index(one.verdict) for one in whole.lines), reverse=True
    ), "the worst is last"


def test_what_is_not_clear_is_named_with_its_machine_and_why() -> None:
    bad = report("desk-1", Verdict.REFUSED, error=ErrorReport(kind="auth", message="no such\x1b key"))
    text = profile_line(bad, RunFacts(id="r", machine="vps-9")).encode()
    whole = merged(shard_lines(1, desk_2=Verdict.OPEN), TWO, text)
    assert merge.page(whole).splitlines() == [
        "note: desk-1: results of several runs, of which the worst counts",
        "vps-9: desk-1 refused - no such\\x1b key",
        "vps-1: desk-2 open (1 orders)",
    ]
    said = merge.whole(whole)
    assert said.text.startswith("2 of 5: desk-2 open (1 orders), desk-1 refused · 3 machine(s) · 2026-11-25")
    assert (said.badge, said.bad, said.text.endswith(" · exit 10")) == ("NOT CLEAR", True, True)


# --- what is not there ----------------------------------------------------------------------------------------------


def doubt(whole: Merged) -> str:
    """The only one, of lines that are clear as far as they can be read."""
    assert (whole.verdict, len(whole.doubts)) == (Verdict.UNPROVEN, 1), whole.doubts
    said = merge.whole(whole)
    assert (said.badge, said.bad, said.text.endswith(" · exit 11")) == ("NOT CLEAR", True, True)
    assert whole.doubts[0] in said.text
    assert merge.page(whole).splitlines()[-1] == f"not proven: {whole.doubts[0]}"
    return whole.doubts[0]


def test_nothing_at_all_is_not_clear() -> None:
    for files in ((), (b"",), (b"\n \n", b"cancelall: WARNING: a line of stderr\n")):
        assert doubt(merged(*files)) == "there is no line with a result"


def test_a_shard_that_is_not_there_is_missed() -> None:
    whole = merged(ONE)
    assert (doubt(whole), whole.lost, whole.expected) == ("shard 2/2: no line of it", ("2/2",), 5)
    assert merge.whole(whole).text.startswith("3 of 5 profiles are clear · shard 2/2: no line of it · 1 machine(s)")
    many = [f"p{number}" for number in range(20)]
    whole = merged(shard_lines(3, 9, many))
    assert doubt(whole) == "shard 1/9, 2/9, 4/9, 5/9 and 4 more: no line of it"
    assert whole.expected == 20


def test_a_shard_without_profiles_has_no_line() -> None:
    assert merged(*(shard_lines(index, 7) for index in range(1, 6))).verdict is Verdict.CLEAR


def test_a_file_that_ends_too_soon_is_missed() -> None:
    whole = merged(b"".join(ONE.splitlines(True)[:-1]), TWO)
    assert (doubt(whole), whole.lost) == ("shard 1/2, run run-1 on vps-1: 2 of 3 lines are there", ("1/2",))
    torn = merged(ONE[:-40], TWO)
    assert torn.doubts == (
        "0.jsonl:3: it is no JSON, or was cut off",
        "shard 1/2, run run-1 on vps-1: 2 of 3 lines are there",
    )
    assert torn.verdict is Verdict.UNPROVEN
    assert merged(ONE[:-1], TWO).verdict is Verdict.CLEAR, "only its newline is missing"


def test_a_shard_that_has_run_twice_has_to_be_complete_twice() -> None:
    again = shard_lines(1, run="again")
    whole = merged(ONE, TWO, again)
    assert (whole.verdict, whole.notes) == (
        Verdict.CLEAR,
        ("desk-0, desk-2, desk-4: results of several runs, of which the worst counts",),
    )
    first = merged(shard_lines(1, desk_0=Verdict.OPEN), TWO, again)
    assert first.verdict is Verdict.OPEN, "the later run may be of another account of this name"
    assert doubt(merged(ONE, TWO, again[: len(again) // 2].rpartition(b"\n")[0])).startswith("shard 1/2, run again on")


def test_the_same_file_twice_counts_once() -> None:
    whole = merged(ONE, TWO, ONE)
    assert (whole.verdict, whole.notes) == (Verdict.CLEAR, ("3 line(s) are there twice, and count once",))
    assert not merged(ONE, ONE).verdict.exit_status == 0


def test_a_profile_with_two_results_of_one_run_is_none() -> None:
    whole = merged(ONE + ONE.splitlines(True)[0].replace(b'"requests":0', b'"requests":3'), TWO)
    assert doubt(whole) == "shard 1/2, run run-1 on vps-1: 1 profile(s) have two results"
    instead = changed(b"".join(ONE.splitlines(True)[1:]), profile="desk-0") + ONE.splitlines(True)[0]
    assert len(instead.splitlines()) == len(ONE.splitlines())
    assert merged(changed(instead, requests=3), TWO).doubts == (doubt(whole),), "as many lines as there should be"


def test_shards_of_other_configs_do_not_belong_together() -> None:
    others = ("desk-0", "desk-x", *NAMES[2:])
    whole = merged(ONE, shard_lines(2, names=others))
    assert whole.verdict is Verdict.UNPROVEN
    assert whole.doubts == ("shard 2/2: no line of it", "shard 1/2: no line of it")
    assert whole.notes == ("the lines are of 2 selections of profiles",)
    assert merged(ONE, shard_lines(2, 3)).verdict is Verdict.UNPROVEN


def test_whole_runs_of_several_configs_belong_together() -> None:
    whole = merged(shard_lines(1, 1, ("a", "b")), shard_lines(1, 1, ("c",)), profile_line(report("d")).encode())
    assert (whole.verdict, {one.name for one in whole.lines}) == (Verdict.CLEAR, set("abcd"))


def test_lines_of_two_shards_with_one_profile_in_common_are_doubted() -> None:
    facts = RunFacts(id="r", machine="m", shard=(2, 2, NAMES))
    twice = b"".join(profile_line(report(name), facts).encode() for name in ("desk-0", "desk-3"))
    assert doubt(merged(ONE, twice)) == "a profile is in two shards: the configs are not the same"


def test_lines_of_other_profiles_than_were_selected_are_doubted() -> None:
    assert doubt(merged(changed(ONE, profile="desk-7"), TWO)) == (
        "the profiles of these lines are not those that were selected"
    )
    swapped = ("desk-1", "desk-0", *NAMES[2:])
    assert merged(ONE, shard_lines(2, names=swapped)).verdict is Verdict.UNPROVEN, "another order, other shards"
    assert merged(shard_lines(1, 1, NAMES[::-1])).verdict is Verdict.CLEAR


# --- what is not understood -----------------------------------------------------------------------------------------


def test_lines_of_moments_far_apart_are_not_clear() -> None:
    late, ends = profile_line(report("late", at=NOON + 3 * HOUR)).encode(), NOON + 3 * HOUR
    assert doubt(merged(ONE, TWO, late, now=ends)) == (
        "the verdicts are 3 h apart (2026-11-25 12:00:01 to 15:00:00 UTC), and --within is 15 min: "
        "what was clear may be no more"
    )
    assert merged(ONE, TWO, late, now=ends, within=4 * 3600).verdict is Verdict.CLEAR


def test_lines_of_yesterday_are_not_clear() -> None:
    assert doubt(merged(ONE, TWO, now=NOON + 24 * HOUR)).startswith(
        "the oldest verdict is 24 h old (2026-11-25 12:00:01"
    )
    assert doubt(merged(ONE, TWO, now=NOON - HOUR)).startswith("the verdicts are of a moment that comes in 1 h: ")
    assert merged(ONE, TWO, now=NOON + 24 * HOUR, within=86_400).verdict is Verdict.CLEAR
    assert merged(ONE, TWO, now=NOON - 60_000).verdict is Verdict.CLEAR, "clocks may be off by seconds"


def test_a_dry_run_shows_nothing() -> None:
    dry = profile_line(report("desk-9", dry_run=True)).encode()
    assert doubt(merged(dry)) == "0.jsonl:1: it is of a dry run, which cancels nothing"
    whole = merged(ONE, TWO, profile_line(report("desk-9", Verdict.OPEN, dry_run=True, all_read=True)).encode())
    assert whole.verdict is Verdict.OPEN, "it shows orders that are open, though"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": 2}, "schema is not 1"),
        ({"schema": True}, "schema is not 1"),
        ({"dry_run": None}, "dry_run is no truth value"),
        ({"verdict": "shiny", "exit_code": 0}, "its verdict is not known"),
        ({"verdict": "absent"}, "its verdict is not known"),
        ({"verdict": ["clear"]}, "its verdict is not known"),
        ({"exit_code": False}, "verdict and exit_code contradict each other"),
        ({"exit_code": 130}, "verdict and exit_code contradict each other"),
        ({"exit_code": None}, "verdict and exit_code contradict each other"),
        ({"segments": []}, "it is clear, and its segments are not"),
        ({"segments": [{"verdict": "absent"}]}, "it is clear, and its segments are not"),
        ({"segments": [{"verdict": "clear"}, {"verdict": "unproven"}]}, "it is clear, and its segments are not"),
        ({"segments": None}, "it is clear, and its segments are not"),
        ({"counts": {}}, "it is clear, and counts orders that are open"),
        ({"counts": {"open": "0", "failed": 0}}, "counts are no numbers"),
        ({"counts": None}, "counts are no numbers"),
        ({"orders": [{"id": "1", "state": "open"}]}, "it is clear, and names orders that are open"),
        ({"orders": [{"id": "1"}]}, "it is clear, and names orders that are open"),
        ({"orders": None}, "it is clear, and names orders that are open"),
        ({"time": None}, "time is no moment"),
        ({"time": "soon"}, "time is no moment"),
        ({"time": "2026-11-25T12:00:00"}, "time is no moment"),
    ],
    ids=str,
)
def test_what_is_not_understood_in_a_line_keeps_it_from_being_clear(changes: Mapping[str, Any], why: str) -> None:
    whole = merged(changed(ONE, **changes), TWO)
    assert doubt(whole) == f"0.jsonl:1: {why}"
    assert [one.verdict for one in whole.bad] == [Verdict.UNPROVEN]


@pytest.mark.parametrize(
    "shard",
    [
        *(..., 0, {}, {"index": 1}),
        *({"index": 3, "count": 2, "lines": 1, "profiles": 5, "checksum": "a"},),
        *({"index": 1, "count": 2, "lines": 2, "profiles": 5, "checksum": "a"},),
        *({"index": 1, "count": 1, "lines": 10**9, "profiles": 10**9, "checksum": "a"},),
        *({"index": True, "count": 1, "lines": 1, "profiles": 1, "checksum": "a"},),
    ],
    ids=str,
)
def test_a_line_that_does_not_say_its_shard_shows_nothing(shard: object) -> None:
    """Such as one of an earlier version."""
    first = json.loads(profile_line(report("a")))
    first = {**first, "shard": shard} if shard is not ... else {key: first[key] for key in first if key != "shard"}
    assert doubt(merged(json.dumps(first).encode())) == "0.jsonl:1: shard cannot be read"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"exit_code": 10}, Verdict.OPEN),
        ({"verdict": "refused"}, Verdict.REFUSED),
        ({"schema": 9, "verdict": "unreachable", "exit_code": 12}, Verdict.UNREACHABLE),
        ({"counts": {"open": 2, "failed": 0}}, Verdict.OPEN),
        ({"counts": {"open": 0, "failed": 1}}, Verdict.OPEN),
        ({"verdict": 7, "exit_code": 4}, Verdict.REFUSED),
        ({"profile": 7, "verdict": "open", "exit_code": 10}, Verdict.OPEN),
    ],
    ids=str,
)
def test_what_is_bad_counts_as_soon_as_it_can_be_read(changes: Mapping[str, Any], verdict: Verdict) -> None:
    whole = merged(changed(ONE, **changes), TWO)
    assert whole.verdict is verdict
    assert whole.doubts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"sh: 1: cancelall: not found", "it is no JSON, or was cut off"),
        (b"\xff\xfe", "it is no JSON, or was cut off"),
        (b"[" * 100_000, "it is no JSON, or was cut off"),
        (b'{"verdict":"open","verdict":"clear"}', "one key is there twice"),
        (b'{"counts":{"open":3,"open":0},"verdict":"clear"}', "one key is there twice"),
        (b"[]", "it is no result of a kill"),
        (b'{"schema":1,"profile":"a","ok":true,"findings":[]}', "it is no result of a kill"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_a_line_that_cannot_be_read_keeps_all_from_being_clear(text: bytes, why: str) -> None:
    assert doubt(merged(ONE, text + b"\n" + TWO)) == f"1.jsonl:1: {why}"


def test_a_command_that_came_to_no_profile_is_not_clear() -> None:
    error = ErrorReport(kind="config", message="there is no such file")
    text = line_without_profile(error, ExitStatus.UNCONFIGURED, RunFacts(machine="vps-3"), dry_run=False).encode()
    whole = merged(ONE, TWO, text, within=1e9)  # it has the time of this test
    assert (whole.verdict, whole.doubts) == (Verdict.UNCONFIGURED, ())
    assert merge.page(whole) == "vps-3: (no profile) unconfigured - there is no such file\n"
    usage = line_without_profile(error, ExitStatus.USAGE, RunFacts(), dry_run=False).encode()
    assert merged(ONE, TWO, usage).verdict is Verdict.UNCONFIGURED


# --- any text -------------------------------------------------------------------------------------------------------

SHARDS = tuple(shard_lines(index, 3, tuple(f"p{number}" for number in range(8))) for index in (1, 2, 3))
LINES = [text for shard in SHARDS for text in shard.splitlines(True)]


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_any_bytes_are_read_and_never_clear(texts: list[bytes]) -> None:
    whole = merged(*texts)
    assert whole.verdict is not Verdict.CLEAR
    merge.page(whole)
    assert merge.whole(whole).bad


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["clear", "open"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["open", "verdict", "index"]), inner),
    max_leaves=6,
)
FREE = {
    *("venue", "environment", "host", "scope", "not_covered", "requests", "timing_ms", "error", "warnings"),
    *("positions", "positions_unknown", "run", "machine", "reason"),
}
"""Keys that say nothing of whether all is well. Of `run` and `machine`: where all lines of a run have the same."""


@given(changes=st.dictionaries(st.sampled_from(sorted(json.loads(LINES[0]))), VALUES, min_size=1, max_size=4))
def test_any_value_is_read_and_only_what_says_nothing_may_be_odd(changes: dict[str, Any]) -> None:
    whole = merged(changed(b"".join(LINES), **changes))
    merge.page(whole)
    merge.whole(whole)
    if whole.verdict is Verdict.CLEAR:
        honest = json.loads(LINES[0])
        for key in set(changes) - FREE:
            assert key in ("counts", "orders", "segments", "time") or changes[key] == honest[key]


@given(
    kept=st.lists(st.integers(0, len(LINES) - 1), max_size=2 * len(LINES)),
    cut=st.none() | st.integers(1, 400),
)
def test_it_is_clear_only_if_every_line_is_there(kept: list[int], cut: int | None) -> None:
    """In any order, any number of times, whatever is left out, and wherever it is cut off."""
    text = b"".join(LINES[number] for number in kept)
    whole = merged(text[: len(text) - cut] if cut else text)
    complete = set(kept[:-1] if cut and cut > 1 else kept) == set(range(len(LINES)))
    assert (whole.verdict is Verdict.CLEAR) <= complete
    if not cut:
        assert (whole.verdict is Verdict.CLEAR) is complete


@given(st.permutations(LINES))
def test_the_order_of_lines_changes_nothing(lines: Iterable[bytes]) -> None:
    assert merged(b"".join(lines)).verdict is Verdict.CLEAR


@given(where=st.integers(0, len(b"".join(LINES)) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_makes_nothing_better(where: int, byte: int) -> None:
    text = bytearray(b"".join(LINES).replace(b'"clear","exit_code":0', b'"open","exit_code":10', 1))
    text[where] = byte
    assert merged(bytes(text)).verdict is not Verdict.CLEAR


# --- the command ----------------------------------------------------------------------------------------------------


def test_shards_of_a_real_kill_are_merged(home: Path) -> None:
    with simulator.start("bybit", orders=6, limits=False) as server:
        accounts = [server.account, *(server.add_account(orders=6) for _ in range(2))]
        tables = {
            name: {**profile_table("bybit", server), "credentials": dict(account.credentials)}
            for name, account in zip(("a", "b", "c"), accounts, strict=True)
        }
        path = str(write_config(home / "config.toml", tables))
        ran = [cancelall("all", "--json", "-q", "--shard", f"{i}/2", "--config", path, home=home) for i in (1, 2)]
    assert [(one.code, len(one.lines)) for one in ran] == [(0, 2), (0, 1)]
    taken = sum(line["counts"]["cancelled"] + line["counts"]["gone"] for one in ran for line in one.lines)
    assert taken >= 18
    for number, one in enumerate(ran):
        (home / f"{number}.jsonl").write_text(one.out)

    def report_(*words: str, given: str | None = None) -> Ran:
        return cancelall("journal", "report", "--merge", *words, home=home, given=given)

    both = report_("0.jsonl", "1.jsonl")
    assert (both.code, both.err) == (0, "")
    assert both.out.startswith(f" CLEAR  3 of 3 profiles · {taken} cancelled · 1 machine(s) · 20")
    assert both.out.endswith(" UTC · exit 0\n")
    assert report_("-", given=ran[0].out + ran[1].out).code == 0
    assert report_("0.jsonl", "-", given=ran[1].out).code == 0
    half = report_("0.jsonl")
    assert half.code == 11
    assert half.out.startswith(
        "not proven: shard 2/2: no line of it\n NOT CLEAR  2 of 3 profiles are clear · shard 2/2: "
    )
    assert half.out.endswith(" · exit 11 · next: at once: cancelall all --shard 2/2\n")
    lost = report_("0.jsonl", "1.jsonl", "2.jsonl")
    assert (lost.code, lost.out.splitlines()[0]) == (
        11,
        "not proven: 2.jsonl: it cannot be read: No such file or directory",
    )
    folder = report_("0.jsonl", "1.jsonl", str(home))
    assert (folder.code, "it cannot be read: Is a directory" in folder.out) == (11, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--merge",), "--merge: name each file of JSON lines once"),
        (("--merge", "-", "-"), "--merge: name each file of JSON lines once"),
        (("--merge", "x", "--since", "1h"), "--merge reads files, and --run and --since the journal"),
        (("--merge", "x", "--run", "1h"), "--merge reads files, and --run and --since the journal"),
        (("x",), "files and --within go with --merge"),
        (("--within", "1h"), "files and --within go with --merge"),
        (("--merge", "x", "--within", "soon"), "--within soon: write a number and s, m, h or d"),
    ],
    ids=str,
)
def test_a_line_that_contradicts_itself_is_refused(words: tuple[str, ...], said: str, home: Path) -> None:
    ran = cancelall("journal", "report", *words, home=home)
    assert (ran.code, said in ran.err, ran.out) == (2, True, "")
