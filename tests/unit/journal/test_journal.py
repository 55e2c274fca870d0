"""The journal: one line per event, one chain whoever writes, and nothing that goes wrong with it stops a kill."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.cli import journal
from cancelall.core import secret
from cancelall.core.attempts import Attempt, Outcome, Tally
from cancelall.core.errors import ConfigError, TransportFault, UsageError
from cancelall.core.model import Answer, Judgement, Listing, Order, Priority, Reach, Request, SignedRequest
from cancelall.journal import file, writer
from cancelall.journal.chain import RunRecord, files, read, runs, verify
from cancelall.journal.record import Record, beginning
from cancelall.journal.writer import Journal, id_fields
from ports import until
from support import ROOT, Ran, cancelall, environment, profile_table, write_config

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks and modes of POSIX systems")


def began(directory: Path, run: str = "one", **fields: object) -> Journal:
    made = Journal([directory], run)
    made.begin(fields)
    return made


def records(directory: Path) -> list[Mapping[str, Any]]:
    return [line.value for line in read(files(directory)) if line.value is not None]


def chain_of(directory: Path) -> str:
    """Why the chain does not hold."""
    return verify(read(files(directory))).broken


def a_kill(home: Path) -> Ran:
    """A kill that writes its journal in this home."""
    with simulator.start("bybit", orders=2) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server, category=["spread"])})
        return cancelall("bybit", "--json", "--config", str(path), home=home, seconds=60)


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_line_is_an_event(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "cancelall"
    made = began(folder, who="me")
    made.write("something", {"text": "a\x1b[2J\u202e\ud800", "number": 3, "nothing": None, "list": ["a", "b"]})
    made.close(5)
    path = folder / "journal.jsonl"
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    raw = path.read_bytes()
    assert raw.isascii()
    assert b"\x1b" not in raw
    first, second = (json.loads(line) for line in raw.splitlines())
    assert (first["v"], first["run"], first["seq"], first["event"], first["prev"]) == (1, "one", 0, "run_start", "")
    assert list(second) == ["v", "run", "seq", "ts", "mono", "event", "text", "number", "list", "prev"]
    assert second["prev"] == file.digest(raw.splitlines()[0])
    assert second["text"] == "a\x1b[2J\u202e\ud800"
    assert made.warnings() == ()


def test_one_that_was_opened_ahead_says_nothing_until_its_run_begins(tmp_path: Path) -> None:
    """And then its first lines are written at once, by whoever has something urgent to say, after those of others."""
    made = Journal([tmp_path], "later")
    made.begin(None)
    until(lambda: made.is_open)
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
    began(tmp_path, "other").close(5)
    made.begin({"who": "me"})
    made.write("cancel", {})
    assert [one["event"] for one in records(tmp_path)] == ["run_start", "run_start", "cancel"]
    made.close(5)
    assert [one["run"] for one in records(tmp_path)] == ["other", "later", "later"]
    assert (chain_of(tmp_path), made.warnings()) == ("", ())


def test_one_that_cannot_be_opened_ahead_is_not_open(tmp_path: Path) -> None:
    made = Journal([tmp_path / "no" / "such" / "place" / "at" / "all"], "one")
    made.begin(None)
    until(made.warnings)
    assert not made.is_open


WRITER = """
import sys
from pathlib import Path
from cancelall.journal.writer import Journal, id_fields
made = Journal([Path(sys.argv[1])], sys.argv[2])
made.begin({})
sys.stdin.read()
for index in range(120):
    made.write("something", {"text": "x" * (index % 7 * 60), "list": ["y" * 40] * (4000 if index % 50 == 9 else 3)})
made.close(20)
print(made.warnings())
"""


def test_eight_at_once_make_one_chain(tmp_path: Path) -> None:
    more: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    processes = [
        subprocess.Popen([*words, f"run-{index}"], env={"PYTHONPATH": str(ROOT)}, **more) for index in range(8)
    ]
    for process in processes:  # all of them go on when the last one has come so far
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = [process.communicate(timeout=50)[0] for process in processes]
    found = list(read(files(tmp_path)))
    assert [line.place for line in found if line.value is None] == []
    chain = verify(found)
    assert (chain.broken, chain.lines, chain.runs) == ("", 8 * 121, 8)
    assert len(chain.apart) == 0 or "without it" in "".join(said)
    order = [line.value["run"] for line in found if line.value is not None]
    assert sum(one != other for one, other in itertools.pairwise(order)) > 8  # they did interleave


def test_a_torn_last_line_is_sealed_and_told(tmp_path: Path) -> None:
    began(tmp_path).close(5)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b'{"v":1,"torn')
    assert "torn" in chain_of(tmp_path)
    made = began(tmp_path, "two")
    made.close(5)
    assert "sealed" in made.warnings()[0]
    chain = verify(read(files(tmp_path)))
    assert (chain.broken, chain.lines, chain.sealed) == ("", 3, ["journal.jsonl, line 2"])


def test_a_line_that_is_still_being_written_is_not_torn(tmp_path: Path) -> None:
    """A large one of somebody who could not get the lock: seen half, it must not be taken for the last line."""
    made = began(tmp_path)
    made.write("something", {})
    other = b'{"v":1,"run":"two","seq":0,"event":"run_start","unlocked":true,"prev":null}\n'
    with (tmp_path / "journal.jsonl").open("ab", buffering=0) as stream:
        stream.write(other[:40])
        half = threading.Event()
        real = time.sleep

        def sleeps(seconds: float) -> None:
            if not half.is_set():
                half.set()
                stream.write(other[40:])
            real(seconds)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(file.time, "sleep", sleeps)
            made.write("something", {})
    made.close(5)
    assert half.is_set()
    chain = verify(read(files(tmp_path)))
    assert (chain.broken, chain.lines, chain.sealed, made.warnings()) == ("", 4, [], ())


def test_a_full_disk_leaves_no_torn_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    made = began(tmp_path)
    made.write("fits", {})
    before = (tmp_path / "journal.jsonl").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        made.write("does not fit", {"text": "x" * 300})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    made.write("fits again", {})
    made.close(5)
    assert made.warnings() == ("the journal is incomplete: 1 event(s) are not in it: File too large",)
    assert [record["event"] for record in records(tmp_path)] == ["run_start", "fits", "fits again"]
    assert "events of run one are missing before it" in chain_of(tmp_path)


def test_another_place_is_tried_and_then_none(tmp_path: Path) -> None:
    taken, device, pipe, good = (tmp_path / name for name in ("taken", "device", "pipe", "good"))
    taken.write_text("a file where a directory should be")
    device.mkdir()
    (device / "journal.jsonl").symlink_to("/dev/full")
    pipe.mkdir()
    os.mkfifo(pipe / "journal.jsonl")
    made = Journal([taken, device, pipe, good], "one")
    made.begin({})
    made.write("something", {})
    made.close(5)
    assert [record["event"] for record in records(good)] == ["run_start", "something"]
    assert [warning.startswith(f"the journal is kept in {good}: ") for warning in made.warnings()] == [True] * 3
    none = Journal([taken, device, tmp_path / "no" / "such" / "home" / ".local" / "state" / "x"], "two")
    none.begin({})
    none.write("something", {})
    none.close(5)
    (warning,) = none.warnings()
    assert warning.startswith("this run is not journalled: ")
    assert not (tmp_path / "no").exists()
    assert "names no place" in Journal([], "three").warnings()[0]


@pytest.mark.alone("measures how long a run waits for its journal")
def test_a_held_lock_delays_once_and_is_told(tmp_path: Path) -> None:
    import fcntl

    began(tmp_path).close(5)
    with (tmp_path / "journal.jsonl").open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        start = time.monotonic()
        made = began(tmp_path, "two")
        for index in range(50):
            made.write("something", {"index": index})
        spent = time.monotonic() - start
        made.close(5)
    assert spent < 2 * file.LOCK_SECONDS + 1  # and not fifty times as long
    assert any("lock" in warning for warning in made.warnings())
    began(tmp_path, "three").close(5)
    chain = verify(read(files(tmp_path)))
    assert (chain.broken, chain.lines, len(chain.apart)) == ("", 53, 51)


@pytest.mark.alone("measures how long a run waits for its journal")
def test_a_place_that_hangs_delays_nothing_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network file system does whose server is away."""
    real, answers = file.JournalFile.begin, threading.Event()

    def hangs(self: file.JournalFile, body: str) -> bool:
        answers.wait(20)
        return real(self, body)

    monkeypatch.setattr(file.JournalFile, "begin", hangs)
    start = time.monotonic()
    made = began(tmp_path)
    for index in range(50):
        made.write("something", {"index": index})
    assert time.monotonic() - start < file.LOCK_SECONDS + 1
    assert made.warnings() == ("this run is not journalled: opening it takes too long",)
    answers.set()
    made.close(5)
    assert [record.get("index") for record in records(tmp_path)] == [None, *range(50)]
    assert (chain_of(tmp_path), made.warnings()) == ("", ())


@pytest.mark.alone("measures how long a run waits for its journal")
def test_a_file_that_is_opened_in_a_moment_is_waited_for_before_it_is_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a run that ends at once, on a busy machine: nothing was written that would have waited."""
    asked, opened = threading.Event(), Journal._opened

    def late(self: Journal, first: str | None) -> file.JournalFile | None:
        assert asked.wait(10)
        return opened(self, first)

    class Ready(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            asked.set()
            assert timeout is not None
            return super().wait(timeout * 40)

    monkeypatch.setattr(Journal, "_opened", late)
    made = Journal([tmp_path], "one")
    made._ready = Ready()
    made.begin({})
    assert made.warnings() == ()
    made.close(10)


def test_a_slow_disk_is_left_to_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, mine = file.JournalFile.append, threading.get_ident()
    by_me: list[int] = []

    def slow(self: file.JournalFile, bodies: Sequence[str], patience: float) -> bool:
        by_me.append(threading.get_ident() == mine)
        time.sleep(0.05)
        return real(self, bodies, patience)

    monkeypatch.setattr(file.JournalFile, "append", slow)
    made = began(tmp_path)
    for index in range(40):
        made.write("something", {"index": index})
    assert 0 < sum(by_me) < 15
    made.close(20)
    assert [record.get("index") for record in records(tmp_path)] == [None, *range(40)]
    assert (chain_of(tmp_path), made.warnings()) == ("", ())


def test_a_large_file_makes_room_and_the_chain_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = began(tmp_path, "old")
    old.write("something", {"text": "x" * 400})
    monkeypatch.setattr(file, "ROTATE_BYTES", 300)
    new = began(tmp_path, "new")
    new.write("something", {})
    old.write("after it", {})  # a run that was there before follows to the new file
    monkeypatch.setattr(file, "ROTATE_BYTES", 1 << 20)
    for made in (old, new):
        made.close(5)
    first, second = files(tmp_path)
    assert (first.name[:8], second.name) == ("journal-", "journal.jsonl")
    events = [(record["run"], record["event"]) for record in records(tmp_path)]
    assert events[2:] == [("new", "run_start"), ("new", "something"), ("old", "after it")]
    assert chain_of(tmp_path) == ""
    first.unlink()  # what is left can still be checked
    assert chain_of(tmp_path) == ""


def test_a_file_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    made = began(tmp_path)
    made.write("something", {})
    (tmp_path / "journal.jsonl").unlink()
    made.write("after it", {})
    made.close(5)
    assert [record["event"] for record in records(tmp_path)] == ["after it"]


def test_secrets_are_taken_out_wherever_they_are(tmp_path: Path) -> None:
    canary = 'CANARY/"secret\\value'
    secret.register(canary)
    made = began(tmp_path, text=f"a {canary} b")
    made.write("something", {"list": ["a", canary], "map": {"deep": [canary]}, "long": "x" * 495 + canary})
    made.close(5)
    raw = (tmp_path / "journal.jsonl").read_text()
    assert "CANARY" not in raw
    assert raw.count("***") == 4
    assert chain_of(tmp_path) == ""


def test_many_ids_are_counted(tmp_path: Path) -> None:
    assert id_fields(["b", "a"]) == {"count": 2, "ids": ("b", "a")}
    many = id_fields(str(index) for index in range(1500))
    assert (many["count"], len(str(many["ids_sha256"]))) == (1500, 64)
    assert many["ids"] == tuple(str(index) for index in range(1000))


# --- what a reader sees ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("written")
    for run in ("one", "two"):
        made = began(folder, run)
        for index in range(4):
            made.write("something", {"index": index})
        made.close(5)
    return (folder / "journal.jsonl").read_bytes()


def verified(folder: Path, raw: bytes) -> str:
    (folder / "journal.jsonl").write_bytes(raw)
    return chain_of(folder)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_was_changed_is_seen(written: bytes, tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Everything but the last line, for which nobody vouches yet."""
    folder = tmp_path_factory.getbasetemp() / "changed"
    folder.mkdir(exist_ok=True)
    assert verified(folder, written) == ""
    lines = written.splitlines(keepends=True)
    last = len(lines) - 1
    what = data.draw(st.sampled_from(["edit", "swap", "remove", "tear", "repeat", "insert"]))
    at = data.draw(st.integers(0, last - 1))
    if what == "edit":
        where = data.draw(st.integers(0, len(lines[at]) - 2))
        byte = data.draw(st.integers(0, 255).filter(lambda one: one != lines[at][where]))
        lines[at] = lines[at][:where] + bytes([byte]) + lines[at][where + 1 :]
    elif what == "swap":
        other = data.draw(st.integers(0, last).filter(lambda one: one != at))
        lines[at], lines[other] = lines[other], lines[at]
    elif what == "remove":
        del lines[max(at, 1)]
    elif what == "tear":
        lines[at] = lines[at][: data.draw(st.integers(1, len(lines[at]) - 2))] + b"\n"
    elif what == "repeat":
        lines.insert(data.draw(st.integers(0, last)), lines[at])
    else:
        lines.insert(at + 1, data.draw(st.binary(min_size=1, max_size=40)).replace(b"\n", b"x") + b"\n")
    assert verified(folder, b"".join(lines)) != ""


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\x1b[2J", "[/oops]", "2026-11-29T12:00:00Z", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
EVENTS = ("run_start", "run_end", "attempt_start", "attempt_end", "list", "verdict", "credential", "signal", "x\x1b")
FIELDS = (
    "v ts mono a copy_of profile venue segment attempt changes method path query body signed_ms window_ms class "
    "http message ms cancelled count ids complete why verdict exit_code remaining error counts pid host user uid argv "
    "reason from tty unit prev unlocked sources"
).split()
RECORD = st.fixed_dictionaries(
    {"run": st.sampled_from(["one", "two", "\x1b[31m"]), "event": st.sampled_from(EVENTS), "seq": st.integers()},
    optional=dict.fromkeys(FIELDS, JSON),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(found=st.lists(RECORD, max_size=3), last=st.sampled_from([None, 3]), json_lines=st.booleans())
def test_any_json_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory, found: list[Mapping[str, Any]], last: int | None, json_lines: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "shown" / "cancelall"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found))
    env = {"XDG_STATE_HOME": str(folder.parent), "COLUMNS": "120"}
    said = journal.show(env, run=None, last=last, json_lines=json_lines) or ""
    assert "\x1b" not in said
    assert "\x1b" not in journal.check(env)[0]


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [50, 900, 980, 990, 2000, 100_000])
@pytest.mark.parametrize("name", ["a", "argv", "mono", "counts", "ids", "whatever"])
def test_deep_nesting_can_be_shown(tmp_path: Path, depth: int, name: str) -> None:
    folder = tmp_path / "cancelall"
    folder.mkdir()
    lines = [
        f'{{"run":"one","seq":{index},"event":"{event}","{name}":{nested(depth)}}}\n'
        for index, event in enumerate(("run_start", "attempt_start", "attempt_end", "verdict", "other", "run_end"))
    ]
    (folder / "journal.jsonl").write_text("".join(lines))
    env = {"XDG_STATE_HOME": str(tmp_path), "COLUMNS": "120"}
    for last, json_lines in ((None, False), (3, False), (None, True)):
        journal.show(env, run=None, last=last, json_lines=json_lines)


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_a_line_of_any_length_takes_little_memory(used: Path) -> None:
    """One of 100 MB, in the middle: it is no record, its neighbours are shown, and the next line vouches for it."""
    path = used / ".local" / "state" / "cancelall" / "journal.jsonl"
    with path.open("ab") as stream:
        for _ in range(100):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n")
    ran = a_kill(used)
    assert (ran.code, ran.line["warnings"]) == (0, [])
    code = f"""
import sys
from cancelall.cli import journal as commands
from cancelall.report import history
def peak():
    return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) // 1024
before = peak()
env = dict(HOME={str(used)!r}, COLUMNS="120")
print(commands.check(env)[0])
print(commands.show(env, run=None, last=5, json_lines=False))
print("grown by", peak() - before)
"""
    words, env = [sys.executable, "-c", code], {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "the chain holds" in done.stdout
    assert "1 line(s) torn and sealed" in done.stdout
    assert done.stdout.count("fat finger") == 2  # in the line of the command and as its reason
    assert int(done.stdout.split("grown by")[1]) < 60


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes_can_be_read(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    verified(folder, raw)
    runs(read(files(folder)))


def shown(*lines: Mapping[str, object]) -> RunRecord:
    return RunRecord(id="one", records=[dict(line) for line in lines])


def test_what_was_in_flight() -> None:
    starts: list[dict[str, object]] = [{"a": 1}, {"a": 2}, {"a": 3, "copy_of": 1}, {"a": 4, "copy_of": 2}]
    run = shown(*({"event": "attempt_start", **one} for one in starts), {"event": "attempt_end", "a": 1})
    assert [record["a"] for record in run.in_flight] == [2, 4]
    assert (run.end, run.alive) == (None, False)


# --- what no chain shows --------------------------------------------------------------------------------------------


def anchored(folder: Path, raw: bytes, anchor: str | None) -> tuple[int, str]:
    (folder / "cancelall").mkdir(exist_ok=True)
    (folder / "cancelall" / "journal.jsonl").write_bytes(raw)
    said, status = journal.check({"XDG_STATE_HOME": str(folder)}, anchor)
    return int(status), said


def test_a_whole_chain_says_what_it_cannot_show(tmp_path: Path, written: bytes) -> None:
    code, said = anchored(tmp_path, written, None)
    lines = said.splitlines()
    assert (code, len(lines)) == (0, 3)
    assert "the chain holds: 10 line(s), 2 run(s)" in lines[0]
    assert "after its last line, and whether that one was changed (--anchor does)" in lines[1]
    assert lines[2] == f"anchor: {file.digest(written.splitlines()[-1])}:10"
    _, said = anchored(tmp_path, b"".join(written.splitlines(keepends=True)[5:]), None)
    assert "whether there were lines before its first one" in said


CUTS: Mapping[str, Callable[[list[bytes]], list[bytes]]] = {
    "the last line": lambda lines: lines[:-1],
    "the last run": lambda lines: lines[:5],
    "the first run": lambda lines: lines[5:],
    "everything but the last line": lambda lines: lines[-1:],
    "a changed last line": lambda lines: [*lines[:-1], lines[-1].replace(b'"index":3', b'"index":4')],
    "another journal": lambda lines: [lines[0].replace(b"one", b"two")],
}


@pytest.mark.parametrize("given_as", ["a hash and a count", "a file"])
@pytest.mark.parametrize("what", CUTS)
def test_an_anchor_shows_it(tmp_path: Path, written: bytes, what: str, given_as: str) -> None:
    _, said = anchored(tmp_path, written, None)
    anchor = said.splitlines()[-1].removeprefix("anchor: ")
    if given_as == "a file":
        (tmp_path / "kept").write_text(f"2026-11-29 trader\n{said}\n")
        anchor = str(tmp_path / "kept")
    code, said = anchored(tmp_path, written, anchor)
    assert (code, "1 anchor(s) are where they were" in said) == (0, True)
    more = b'{"run":"x","seq":0,"event":"run_start","prev":"%s"}\n' % file.digest(written.splitlines()[-1]).encode()
    assert anchored(tmp_path, written + more, anchor)[0] == 0  # the journal has grown
    cut = b"".join(CUTS[what](written.splitlines(keepends=True)))
    assert anchored(tmp_path, cut, None)[0] == 0  # no chain shows it
    code, said = anchored(tmp_path, cut, anchor)
    assert (code, "anchor " in said) == (11, True)


def test_a_hash_alone_shows_all_but_the_beginning(tmp_path: Path, written: bytes) -> None:
    lines = written.splitlines(keepends=True)
    anchor = file.digest(lines[-1][:-1])
    assert anchored(tmp_path, written, anchor)[0] == anchored(tmp_path, b"".join(lines[5:]), anchor)[0] == 0
    assert anchored(tmp_path, b"".join(lines[:-1]), anchor)[0] == 11


@pytest.mark.parametrize("anchor", ["", "nothing", "/nonexistent", "a" * 63, "A" * 64, "a\0b", "/"])
def test_what_is_no_anchor_is_a_mistake(tmp_path: Path, written: bytes, anchor: str) -> None:
    with pytest.raises(UsageError, match="--anchor"):
        anchored(tmp_path, written, anchor)
    (tmp_path / "empty").write_text("no hash in here: 12345\n")
    with pytest.raises(UsageError, match="there is no hash in it"):
        anchored(tmp_path, written, str(tmp_path / "empty"))


def test_blank_and_unlocked_lines_are_named(tmp_path: Path) -> None:
    import fcntl

    folder = tmp_path / "cancelall"
    began(folder).close(5)
    with (folder / "journal.jsonl").open("ab") as stream:
        stream.write(b"\n\n")
        stream.flush()
        began(folder, "two").close(5)
        fcntl.flock(stream, fcntl.LOCK_EX)
        three = began(folder, "three")
        for _ in range(7):
            three.write("something", {})
        three.close(5)
    said, status = journal.check({"XDG_STATE_HOME": str(tmp_path)})
    assert status == 0
    assert "2 line(s) blank: journal.jsonl, line 2; journal.jsonl, line 3" in said
    assert "8 line(s) written without the lock, so that nobody vouches for their place: journal.jsonl, line 5;" in said
    assert "and 3 more" in said


# --- who else can write it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the file", "its directory"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_a_journal_that_others_can_write_is_told_and_written(home: Path, what: str, mode: int) -> None:
    folder = home / ".local" / "state" / "cancelall"
    began(folder).close(5)
    exposed = folder / "journal.jsonl" if what == "the file" else folder
    exposed.chmod(exposed.stat().st_mode & 0o777 | mode)
    ran = a_kill(home)
    assert ran.code == 0
    (warning,) = ran.line["warnings"]
    assert warning.startswith("others can change the journal: ")
    assert "can be written by others (mode 07" in warning or "can be written by others (mode 06" in warning
    assert len(records(folder)) > 5
    verified_ = cancelall("journal", "verify", home=home)
    assert (verified_.code, "can be written by others" in verified_.out) == (0, True)


def test_a_directory_that_is_a_link_is_judged_by_what_it_points_to(tmp_path: Path) -> None:
    """systemd's state directory of a dynamic user is one."""
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "state").symlink_to("private")
    made = began(tmp_path / "state")
    made.close(5)
    assert made.warnings() == ()
    (tmp_path / "private").chmod(0o777)
    assert "can be written by others (mode 0777)" in file.exposed(tmp_path / "state" / "journal.jsonl")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_journal_of_somebody_else_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "cancelall"
    began(folder).close(5)
    os.chown(folder / "journal.jsonl", 12345, -1)
    made = began(folder, "two")
    made.close(5)
    assert made.warnings() == (
        f"others can change the journal: {folder / 'journal.jsonl'}: belongs to another user (12345)",
    )


# --- what a run writes ----------------------------------------------------------------------------------------------


class Broken(Journal):
    """One with a bug."""

    def write(self, event: str, fields: Mapping[str, object], *, at_once: bool = True) -> None:
        raise ZeroDivisionError


def signed(**more: Any) -> SignedRequest:
    request = Request(method="POST", path="/cancel", body=b'{"a":1}', changes=True)
    given_ = {"request": request, "about": "linear", "tries": 1, "origin": "https://host", "target": "/cancel"}
    return SignedRequest(**{**given_, "body": b"signed", "signed_ms": 1000, "window_ms": 5000, **more})


def test_a_bug_in_the_journal_stops_nothing(tmp_path: Path) -> None:
    broken = Broken([tmp_path], "one")
    broken.begin({})
    record = Record(journal=broken)
    profile = record.of("main", "bybit", Tally())
    profile.credential([], "")
    profile.begins(signed())
    record.note("signal")
    broken.close(5)
    assert "3 event(s) are not in it: a bug: ZeroDivisionError" in record.warnings()[0]


def of_kind(directory: Path, event: str) -> list[Mapping[str, Any]]:
    return [record for record in records(directory) if record["event"] == event]


def test_an_attempt_has_a_beginning_and_an_end(tmp_path: Path) -> None:
    made = began(tmp_path)
    profile = Record(journal=made).of("main", "bybit", Tally())
    one, two, three = signed(), signed(tries=2), signed(tries=3)
    profile.begins(one)
    copy = signed(copy_of=one)
    profile.begins(copy)
    profile.begins(two)
    profile.begins(three)
    fault = TransportFault("no answer in time", kind="timeout")
    profile.ended(one, Outcome[object](attempt=Attempt(request=one.request, began=1.0, ended=1.5, fault=fault)))
    profile.ended(two, None)
    three.wire.quiet = True
    profile.ended(three, None)
    made.close(5)
    start, copied, again, _, end, given_up, not_sent = records(tmp_path)[1:]
    assert (start["a"], start["segment"], start["attempt"], start["method"]) == (1, "linear", 1, "POST")
    assert (start["signed_ms"], start["window_ms"], start["body"]) == (1000, 5000, '{"a":1}')
    assert start["body_sha256"] == file.digest(b"signed")
    assert (copied["copy_of"], again["attempt"]) == (1, 2)
    assert (end["a"], end["class"], end["sent"], end["ms"]) == (1, "timeout", "maybe", 500)
    assert (given_up["a"], given_up["class"], given_up["sent"]) == (3, "abandoned", "maybe")
    assert (not_sent["a"], not_sent["class"], not_sent["sent"]) == (4, "abandoned", "no")


WORDS: Mapping[str, tuple[Judgement, object]] = {
    "agrees": (Judgement(answer=Answer.ACCEPTED), (True, False, None)),
    "objects": (Judgement(answer=Answer.ACCEPTED), (False, False, None)),
    "took nothing": (Judgement(answer=Answer.ACCEPTED), (False, True, None)),
    "is silent": (Judgement(answer=Answer.GATEWAY), None),
}


def test_a_witness_has_its_word(tmp_path: Path) -> None:
    made = began(tmp_path)
    profile = Record(journal=made).of("main", "bybit", Tally())
    first = signed()
    profile.begins(first)
    for judgement, value in [*WORDS.values(), (Judgement(answer=Answer.NOTHING_OPEN), None)]:
        one = signed(request=replace(first.request, priority=Priority.WITNESS))
        profile.begins(one)
        attempt = Attempt(request=one.request, began=1.0, ended=1.5, judgement=judgement, status=200)
        profile.ended(one, Outcome[object](attempt=attempt, value=value))
    made.close(5)
    starts = of_kind(tmp_path, "attempt_start")
    assert [record["request"] for record in starts] == [1] * 6  # it is one request, whoever sends it
    assert [record.get("witness") for record in starts] == [None, *[True] * 5]
    ends = of_kind(tmp_path, "attempt_end")
    assert [record["witness"] for record in ends] == [*WORDS, "agrees"]
    times = {(record["began"], record["ended"], record["answered"]) for record in ends}
    assert times == {(1_000_000_000, 1_500_000_000, True)}


def test_a_refusal_has_its_reach(tmp_path: Path) -> None:
    made = began(tmp_path)
    profile = Record(journal=made).of("main", "bybit", Tally(), lambda request: request.changes)
    for judgement in (
        Judgement(answer=Answer.REFUSED, reach=Reach.KEY),
        Judgement(answer=Answer.GATEWAY, reach=Reach.HOST),
        Judgement(answer=Answer.ACCEPTED, suspended=True),
        None,
    ):
        one = signed()
        fault = TransportFault("no certificate", kind="tls") if judgement is None else None
        more: dict[str, Any] = {"judgement": judgement, "fault": fault, "incurable": judgement is None}
        profile.begins(one)
        profile.ended(one, Outcome[object](attempt=Attempt(request=one.request, began=1.0, ended=1.5, **more)))
    made.close(5)
    ends = of_kind(tmp_path, "attempt_end")
    assert [record.get("reach") for record in ends] == [Reach.KEY.value, Reach.HOST.value, None, None]
    assert [record.get("proves_key", False) for record in ends] == [False, False, True, False]
    assert [record.get("suspended", False) for record in ends] == [False, False, True, False]
    assert [record.get("incurable", False) for record in ends] == [False, False, False, True]
    assert [record["answered"] for record in ends] == [True, True, True, False]


def test_a_listing_has_what_is_left_of_it(tmp_path: Path) -> None:
    made = began(tmp_path)
    profile = Record(journal=made).of("main", "bybit", Tally())
    orders = tuple(Order(id=one, segment="linear") for one in "abc")
    shown_ = Listing(began=1.0, ended=2.0, orders=orders, complete=False, why="it was left off", superseded=True)
    pages = [Request(method="GET", path=f"/{number}") for number in range(3)]
    profile.listed("linear", shown_, lambda order: order.id == "b", ((pages[0],), (pages[1], pages[2])))
    made.close(5)
    (line,) = of_kind(tmp_path, "list")
    assert (line["began"], line["ended"], line["passes"]) == (1_000_000_000, 2_000_000_000, [[1], [2, 3]])
    assert (line["count"], line["left"], line["kept"]) == (3, 2, {"count": 1, "ids": ["b"]})
    assert (line["complete"], line["superseded"], line["why"]) == (False, True, "it was left off")


def test_a_cancel_is_written_down_before_it_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And with it what was not urgent before; the thread in the background has no part in that."""
    monkeypatch.setattr(writer, "_SYNC_PAUSE", 30.0)
    made = began(tmp_path)
    made.write("something", {}, at_once=False)
    until = time.monotonic() + 10
    while len(records(tmp_path)) < 2:
        assert time.monotonic() < until
        time.sleep(0.005)
    profile = Record(journal=made).of("main", "bybit", Tally())
    profile.credential([], "")
    assert len(records(tmp_path)) == 2
    profile.begins(signed())
    assert [record["event"] for record in records(tmp_path)][2:] == ["credential", "attempt_start"]
    made.close(5)


def test_a_notify_command_keeps_its_token() -> None:
    words = ["all", "--notify-command", "apprise tgram://TOKEN/1", "--notify-command=curl TOKEN", "--json"]
    told = beginning(argv=words, environ={}, profiles=[], dry_run=False, reason="", config=None, config_text="")
    assert told["argv"] == ["all", "--notify-command", "apprise …", "--notify-command=curl …", "--json"]


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def used(home: Path) -> Iterator[Path]:
    """A home with one kill's journal."""
    with simulator.start("bybit", orders=8) as server:
        table = profile_table("bybit", server, category=["spread"])
        path = write_config(home / "config.toml", {"bybit": table})
        ran = cancelall("bybit", "--json", "--reason", "fat finger", "--config", str(path), home=home)
        assert ran.code == 0
        yield home


def test_a_kill_is_told_in_full(used: Path) -> None:
    folder = used / ".local" / "state" / "cancelall"
    found = records(folder)
    events = [record["event"] for record in found]
    assert events[:3] == ["run_start", "credential", "attempt_start"]
    assert events[-2:] == ["verdict", "run_end"]
    assert {"attempt_end", "list"} <= set(events)
    assert events.count("attempt_start") == events.count("attempt_end")
    start, verdict, end = found[0], found[-2], found[-1]
    assert (start["reason"], start["dry_run"]) == ("fat finger", False)
    assert start["profiles"] == {"count": 1, "ids": ["bybit"]}
    assert start["argv"][:2] == ["bybit", "--json"]
    assert (verdict["verdict"], verdict["segments"], verdict["remaining"]["count"]) == ("clear", {"spread": "clear"}, 0)
    assert (end["exit_code"], end["counts"]) == (0, {"clear": 1})
    taken = [record["cancelled"]["count"] for record in found if "cancelled" in record]
    assert sum(taken) >= 1
    before = (folder / "journal.jsonl").read_bytes()
    assert cancelall("orders", "--config", str(used / "config.toml"), home=used).code == 0
    assert (folder / "journal.jsonl").read_bytes() == before  # reading is not journalled
    raw = before.decode()
    for value in profile_secrets(used):
        assert value not in raw


def profile_secrets(home: Path) -> Sequence[str]:
    import tomllib

    data = tomllib.loads((home / "config.toml").read_text())
    return list(data["profiles"]["bybit"]["credentials"].values())


def test_show_verify_and_path(used: Path) -> None:
    env = {"HOME": str(used), "COLUMNS": "200"}
    run = records(used / ".local" / "state" / "cancelall")[0]["run"]
    full = journal.show(env, run=None, last=None, json_lines=False) or ""
    for words in (f"run {run}", "attempt_start", "POST /v5/spread/order/cancel-all", "reason: fat finger", "exit 0"):
        assert words in full
    assert journal.show(env, run=run[:6], last=None, json_lines=False) == full
    short = journal.show(env, run=None, last=5, json_lines=False) or ""
    assert (run[:8] in short, "fat finger" in short, "attempt_start" in short) == (True, True, False)
    lines = (journal.show(env, run=None, last=None, json_lines=True) or "").splitlines()
    assert [json.loads(line) for line in lines] == records(used / ".local" / "state" / "cancelall")
    with pytest.raises(ConfigError, match="no such run"):
        journal.show(env, run="zzz", last=None, json_lines=False)
    ran = cancelall("journal", "verify", home=used)
    assert (ran.code, "the chain holds" in ran.out) == (0, True)
    assert "1 verdict(s) recomputed from the record" in ran.out
    assert "cannot be recomputed" not in ran.out
    path = Path(cancelall("journal", "path", home=used).out.strip())
    edited = path.read_text().replace("fat finger", "something else", 1)
    path.write_text(edited)
    ran = cancelall("journal", "verify", home=used)
    assert (ran.code, len(ran.out.splitlines())) == (11, 1)
    ran = cancelall("journal", "verify", "--anchor", "nothing", home=used)
    assert (ran.code, "--anchor nothing: it is no hash" in ran.err) == (2, True)
    ran = cancelall("journal", "verify", home=used)
    assert "the chain is broken: journal.jsonl, line 2: it does not follow" in ran.out
    shown_again = cancelall("journal", "show", home=used)
    assert (shown_again.code, "something else" in shown_again.out) == (0, True)


def test_a_run_that_was_cut_off_is_told_of_after_the_next_one(tmp_path: Path) -> None:
    folder = tmp_path / "cancelall"
    cut = began(folder, "cut-off-run")
    Record(journal=cut).of("main", "bybit", Tally()).begins(signed())
    cut.close(5)
    began(folder, "good").close(5)
    env = {"XDG_STATE_HOME": str(tmp_path), "COLUMNS": "200"}
    said = journal.show(env, run=None, last=None, json_lines=False) or ""
    assert "1 earlier run(s) did not end, with requests in flight: cut-off-" in said
    said = journal.show(env, run="cut", last=None, json_lines=False) or ""
    assert "in flight: POST /cancel (main, linear)" in said
    assert "unknown whether it was executed; it could be, until 00:00:07 UTC" in said


def test_no_journal_is_told(home: Path) -> None:
    ran = cancelall("journal", "show", home=home)
    assert (ran.code, ran.out, "no journal yet" in ran.err) == (0, "", True)
    assert cancelall("journal", "verify", home=home).code == 11
    assert cancelall("journal", "path", home=home, env={"HOME": ""}).code == 6


def test_a_run_without_a_place_says_so_on_stderr_too(home: Path) -> None:
    with simulator.start("deltadefi", orders=1, faults=["prompt"]) as server:
        env = {**environment("deltadefi", server), "HOME": "", "CANCELALL_DELTADEFI_SYMBOL": "ADAUSDM"}
        ran = cancelall("deltadefi", "--quiet", home=home, env=env)
    assert ran.code == 0
    assert "WARNING: this run is not journalled" in ran.err
