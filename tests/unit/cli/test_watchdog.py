"""The net below the loop: whatever hangs, what is known is said, and the process is gone."""

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.cli import execute, last_words, watchdog
from cancelall.cli.last_words import LastWords
from cancelall.cli.options import Output, Terms
from cancelall.cli.process import OTHERS
from cancelall.cli.watchdog import GRACE
from cancelall.core.errors import ConfigError, ExitStatus
from cancelall.core.model import Verdict
from cancelall.core.profile import BrokenProfile
from cancelall.core.results import ProfileReport
from cancelall.core.secret import Secret
from cancelall.engine.hold import LAST_PROOF
from cancelall.engine.run import Run
from cancelall.engine.verdicts import exit_status
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES
from hanging import HOLDING_THE_INTERPRETER, WAYS, hanging
from ports import full_pipe
from support import ROOT, profile_table, profiles_of, started, write_config

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems"),
    pytest.mark.alone("the watchdog's seconds are shortened, and a busy machine may need them itself"),
]

SLACK = 4.0
"""Seconds that a busy machine may take on top."""


@dataclass
class Kill:
    """A kill of some profiles in a process of its own."""

    home: Path
    stack: ExitStack
    servers: dict[str, SimServer] = field(default_factory=dict)

    @property
    def mark(self) -> Path:
        """The loop hangs as soon as this exists."""
        return self.home / "now"

    def serve(self, **faults: str) -> None:
        """A profile for each venue, with a fault or none."""
        for venue, fault in faults.items():
            server = simulator.start(venue, orders=3, faults=[fault] if fault else [], limits=False)
            self.servers[venue] = self.stack.enter_context(server)
        write_config(self.home / "config.toml", {name: profile_table(name, one) for name, one in self.servers.items()})

    def start(self, *words: str, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
        """Begin it; it is ended with the test."""
        line = ("all", "--config", str(self.home / "config.toml"), *words)
        process = started(*line, home=self.home, env=env, start_new_session=True, **more)
        self.stack.callback(end, process)
        return process

    def hang(self, code: str, *words: str, seconds: tuple[float, float, float] = (0.6, 5.0, 5.0)) -> Any:
        """Begin one whose loop will hang."""
        path = f"{hanging(self.home / 'site', self.mark, code, seconds)}{os.pathsep}{ROOT}"
        return self.start(*words, env={"PYTHONPATH": path})

    def hangs_now(self) -> None:
        """Let it hang once every host has been sent something, and wait until it does."""
        until(lambda: all(server.requests for server in self.servers.values()))
        self.mark.touch()
        until(Path(f"{self.mark}.hanging").exists)

    def journal(self) -> list[dict[str, Any]]:
        """What it wrote down."""
        path = self.home / ".local" / "state" / "cancelall" / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def until(fits: Callable[[], object], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.005)


@pytest.fixture
def kill(home: Path) -> Iterator[Kill]:
    with ExitStack() as stack:
        yield Kill(home=home, stack=stack)


def lines(out: bytes) -> dict[str, dict[str, Any]]:
    return {line["profile"]: line for line in map(json.loads, out.splitlines())}


# --- the last moment ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.faults
def test_whatever_hangs_what_is_known_is_said(kill: Kill, way: str) -> None:
    kill.serve(bybit="", bitget="stall")
    process = kill.hang(WAYS[way], "--json", "--deadline", "6")
    until(lambda: kill.servers["bitget"].requests)
    assert process.stdout is not None
    first = process.stdout.readline()
    kill.hangs_now()
    out, err = process.communicate(timeout=6 + 0.6 + SLACK)
    assert process.returncode == 11
    told = lines(first + out)
    assert told["bybit"]["verdict"] == "clear"
    line = told["bitget"]
    assert (line["verdict"], line["exit_code"], line["error"]["kind"]) == ("unproven", 11, "internal")
    assert line["error"]["message"] == "the deadline passed and this program hung"
    assert line["requests"] > 0
    assert any("still be executed" in warning for warning in line["warnings"])
    assert b"hung before bitget had a verdict" in err
    assert b"Traceback" not in err
    events = [(record["event"], record.get("profile")) for record in kill.journal()]
    assert events[-3:] == [("verdict", "bitget"), ("hung", None), ("run_end", None)]


def test_the_text_says_it_too(kill: Kill) -> None:
    kill.serve(bybit="stall")
    process = kill.hang(WAYS["in a lock"], "--deadline", "2")
    kill.hangs_now()
    out, _ = process.communicate(timeout=2 + 0.6 + SLACK)
    assert process.returncode == 11
    assert out.decode() == (
        " UNPROVEN  bybit (bybit live): orders may be open - the deadline passed and this program hung - exit 11\n"
    )


@pytest.mark.faults
def test_a_verdict_that_is_there_counts(kill: Kill) -> None:
    """The exit status is the first of 10, 12, 4, 6, 11."""
    kill.serve(bybit="key", bitget="stall")
    process = kill.hang(WAYS["in a lock"], "--json", "--deadline", "6")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["profile"], first["exit_code"]) == ("bybit", 4)
    kill.hangs_now()
    process.communicate(timeout=6 + 0.6 + SLACK)
    assert process.returncode == 4


@pytest.mark.faults
def test_the_hold_belongs_to_its_time(kill: Kill) -> None:
    kill.serve(bybit="")
    process = kill.hang(WAYS["in a lock"], "--json", "--deadline", "2", "--hold", "1")
    began = time.monotonic()
    until(lambda: len(kill.servers["bybit"].requests) > 20)
    kill.hangs_now()
    process.communicate(timeout=2 + 1 + LAST_PROOF + 0.6 + SLACK)
    assert process.returncode == 11
    assert time.monotonic() - began > 2 + LAST_PROOF


def test_who_holds_the_interpreter_is_killed_by_the_kernel(kill: Kill) -> None:
    """Nothing can be said then, and nothing hangs for ever."""
    kill.serve(bybit="stall")
    process = kill.hang(HOLDING_THE_INTERPRETER, "--json", "--deadline", "2", seconds=(0.3, 0.5, 5.0))
    kill.hangs_now()
    process.communicate(timeout=2 + 0.8 + SLACK)
    assert process.returncode == -signal.SIGALRM


def test_a_result_that_nobody_reads_keeps_its_exit_code(kill: Kill) -> None:
    kill.serve(bybit="key")
    reading, writing = full_pipe()
    with os.fdopen(reading, "rb"):
        path = f"{hanging(kill.home / 'site', kill.mark, '', (0.6, 5.0, 5.0))}{os.pathsep}{ROOT}"
        process = kill.start("--json", "--deadline", "3", env={"PYTHONPATH": path}, stdout=writing)
        os.close(writing)
        _, err = process.communicate(timeout=3 + 0.6 + SLACK)
    assert process.returncode == 4
    assert err.endswith(b"cancelall: nobody read the result of bybit in time\n")


def test_whoever_is_to_be_notified_is(kill: Kill) -> None:
    kill.serve(bybit="stall")
    told = kill.home / "told"
    process = kill.hang(
        WAYS["in a lock"], "--deadline", "2", "--notify-command", f"sh -c 'cat > {told}.new; mv {told}.new {told}'"
    )
    kill.hangs_now()
    process.communicate(timeout=2 + 0.6 + SLACK)
    until(told.exists)
    assert json.loads(told.read_text())["verdict"] == "unproven"


# --- signals --------------------------------------------------------------------------------------------------------

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", STATUS)
@pytest.mark.turns(0)
def test_the_second_signal_ends_whatever_hangs(kill: Kill, way: str, number: signal.Signals) -> None:
    kill.serve(bybit="stall")
    process = kill.hang(WAYS[way], "--json", "--deadline", "30")
    kill.hangs_now()
    began = time.monotonic()
    process.send_signal(number)
    time.sleep(0.2)  # two that come at once are one
    assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=SLACK)
    assert process.returncode == STATUS[number]
    line = json.loads(out)
    assert (line["profile"], line["verdict"], line["error"]["kind"]) == ("bybit", "unproven", "interrupted")
    assert b"Traceback" not in err
    assert time.monotonic() - began < SLACK


HANGING_DISK = """
import os, time

def lstat(path, **more):
    if "cancelall" in str(path):
        open(os.environ["HANGS"], "w").close()
        time.sleep(60)
    raise FileNotFoundError(2, "No such file or directory", path)

os.lstat = lstat
from cancelall.__main__ import run
run()
"""


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_ends_a_start_that_hangs_where_a_config_would_be(number: signal.Signals, home: Path) -> None:
    """As on a network mount that is gone: it is looked at before the first packet leaves."""
    hangs = home / "hangs"
    with started("bybit", "--json", home=home, env={"HANGS": str(hangs)}, start=("-c", HANGING_DISK)) as process:
        until(hangs.exists)
        process.send_signal(number)
        out, err = process.communicate(timeout=SLACK)
    assert process.returncode == STATUS[number]
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert b"Traceback" not in err


def test_one_signal_is_enough_for_what_hangs(kill: Kill) -> None:
    kill.serve(bybit="stall")
    process = kill.hang(WAYS["in Python code"], "--json", "--deadline", "60", seconds=(5.0, 5.0, 0.5))
    kill.hangs_now()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=SLACK)
    assert (process.returncode, json.loads(out)["verdict"]) == (130, "unproven")


@pytest.mark.parametrize("number", STATUS)
def test_after_a_signal_no_cancel_leaves_though_the_loop_is_busy(kill: Kill, number: signal.Signals) -> None:
    """The loop is kept busy for a moment in which the signal comes: what it had in mind is not sent after it."""
    kill.serve(bybit="ack-only")
    process = kill.hang("import time; time.sleep(0.5)", "--json", "--deadline", "20")
    server = kill.servers["bybit"]
    until(lambda: any(request.changes for request in server.requests))
    kill.hangs_now()
    process.send_signal(number)
    time.sleep(0.3)  # what was on its way has arrived
    seen = len(server.requests)
    out, _ = process.communicate(timeout=2 + SLACK)
    assert process.returncode == STATUS[number]
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert not [request for request in server.requests[seen:] if request.changes]


MOMENTS = "cancelall.cli.options cancelall.config.loader cancelall.net.connection cancelall.cli.execute".split()
MOMENTS += ["cancelall.engine.sweep", "json"]
"""The moments of a start: an import of that name begins while the signal comes."""
INTERRUPTED_IMPORT = """
import os, signal, sys, time
class Spy:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r} and not hasattr(self, "done"):
            self.done = True
            os.kill(os.getpid(), {number})
            time.sleep({pause})
        return None
sys.meta_path.insert(0, Spy())
"""


def interrupted(kill: Kill, name: str, number: signal.Signals, pause: int) -> subprocess.Popen[bytes]:
    """A kill that gets a signal as an import begins, which then takes so many seconds."""
    (kill.home / "site").mkdir()
    code = INTERRUPTED_IMPORT.format(name=name, number=int(number), pause=pause)
    (kill.home / "site" / "sitecustomize.py").write_text(code)
    return kill.start("--json", env={"PYTHONPATH": f"{kill.home / 'site'}{os.pathsep}{ROOT}"})


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("name", MOMENTS)
def test_a_signal_during_the_start(kill: Kill, name: str, number: signal.Signals) -> None:
    kill.serve(bybit="", bitget="")
    process = interrupted(kill, name, number, 20)
    out, err = process.communicate(timeout=15)
    assert process.returncode == STATUS[number], err
    told = [json.loads(line) for line in out.splitlines()]
    assert {line["profile"] for line in told} in ({None}, {"bybit", "bitget"})
    assert {(line["verdict"], line["error"]["kind"]) for line in told} == {("unproven", "interrupted")}
    assert b"Traceback" not in err
    assert not [request for server in kill.servers.values() for request in server.requests]


FIRST_MOMENTS = ("cancelall.cli.watchdog", "cancelall.cli.last_words", "cancelall.core.stamp")
"""Before it is known what to say."""


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize("name", FIRST_MOMENTS)
def test_a_signal_in_the_first_moments(kill: Kill, name: str, number: signal.Signals) -> None:
    kill.serve(bybit="")
    out, err = interrupted(kill, name, number, 0).communicate(timeout=15)
    assert [(line["verdict"], line["error"]["kind"]) for line in map(json.loads, out.splitlines())] == [
        ("unproven", "interrupted")
    ], err
    assert b"Traceback" not in err
    assert not kill.servers["bybit"].requests


@pytest.mark.parametrize("name", [*FIRST_MOMENTS, *MOMENTS])
@pytest.mark.turns(0)
def test_a_terminal_that_goes_away_during_the_start(kill: Kill, name: str) -> None:
    kill.serve(bybit="")
    process = interrupted(kill, name, signal.SIGHUP, 0)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["verdict"]) == (0, "clear")


def test_a_signal_after_the_verdict_keeps_the_verdicts_code(kill: Kill) -> None:
    """The notify command is slow; nobody has to wait for it."""
    kill.serve(bybit="key")
    process = kill.start("--json", "--notify-command", "sleep 8")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["exit_code"] == 4
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SLACK)
    assert (process.returncode, time.monotonic() - began < SLACK) == (4, True)


# --- where there are no threads and no descriptors ------------------------------------------------------------------

ALONE = """
import os, signal, sys, time, _thread
from cancelall.cli import watchdog
dog = watchdog.Watchdog()
{before}
dog.words = lambda number: (((1, b"said %d" % number),), 9)
assert dog.begin()
print(dog._threaded, dog._writer >= 0, flush=True)
{after}
time.sleep(20)
"""
NO_THREAD = """
def no_thread(*words): raise RuntimeError("can't start new thread")
_thread.start_new_thread = no_thread
"""
NO_PIPE = """
def no_pipe(): raise OSError(24, "Too many open files")
os.pipe = no_pipe
"""
SCARCE = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))"
LACKING = {"thread": (NO_THREAD, "False False"), "pipe": (NO_PIPE, "True False"), "descriptors": (SCARCE, "True False")}


def alone(before: str, after: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ALONE.format(before=before, after=after)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


@pytest.mark.parametrize("lacking", LACKING)
@pytest.mark.parametrize(
    ("what", "expected"), [("dog.arm(time.monotonic() + 0.2)", "said 0"), ("os.kill(os.getpid(), 15)", "said 15")]
)
def test_what_is_scarce_weakens_the_net_and_does_not_break_it(
    home: Path, lacking: str, what: str, expected: str
) -> None:
    before, told = LACKING[lacking]
    ended = alone(before, what, home)
    assert (ended.stdout, ended.returncode) == (f"{told}\n{expected}", 9), ended.stderr


def test_words_that_cannot_be_found_are_no_reason_to_stay(home: Path) -> None:
    after = "dog.words = lambda number: 1 / 0\nos.kill(os.getpid(), 2)"
    ended = alone("", after, home)
    assert (ended.returncode, ended.stderr) == (130, "")


def test_words_that_hang_are_no_reason_to_stay(home: Path) -> None:
    before = "watchdog.KERNEL = watchdog.LAST_WORDS = 0.2"
    after = "dog.words = lambda number: time.sleep(100)\nos.kill(os.getpid(), 2)"
    assert alone(before, after, home).returncode == -signal.SIGALRM


def test_everything_is_given_back(home: Path) -> None:
    after = """
dog.arm(time.monotonic() + 0.3)
dog.rest()
print(signal.getsignal(2) is signal.default_int_handler, signal.getsignal(15), signal.getsignal(1), flush=True)
print(signal.getitimer(signal.ITIMER_REAL)[0], signal.set_wakeup_fd(-1), flush=True)
time.sleep(0.6)
assert dog.begin()
dog.arm(time.monotonic() + 0.1)
"""
    ended = alone("import gc", after, home)
    assert ended.stdout.splitlines()[1:] == ["True 0 0", "0.0 -1", "said 0"]
    assert ended.returncode == 9


def test_a_timer_of_somebody_else_is_left_alone(home: Path) -> None:
    after = "dog.arm(time.monotonic() + 0.2); print(signal.getitimer(signal.ITIMER_REAL)[0], flush=True)"
    ended = alone("signal.signal(signal.SIGALRM, lambda *words: None)", after, home)
    assert ended.stdout.splitlines()[1:] == ["0.0", "said 0"]


def test_who_ignores_the_kernels_signal_is_killed_all_the_same(home: Path) -> None:
    """A parent may have ignored and blocked it."""
    before = """
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
watchdog.KERNEL = 0.2
"""
    after = "dog._end = lambda number: time.sleep(100)\ndog.arm(time.monotonic() + 0.1)"
    assert alone(before, after, home).returncode == -signal.SIGALRM


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")
@pytest.mark.parametrize("limit", ["ulimit -v 120000", "ulimit -v 140000", "ulimit -n 19"])
def test_a_kill_has_what_it_needs_where_that_is_scarce(home: Path, limit: str) -> None:
    """120 MB of address space, or 19 descriptors: the net takes nothing away from the kill."""
    with simulator.start("bybit", orders=5, limits=False) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})
        words = ["-m", "cancelall", "bybit", "--json", "--config", str(path), "--deadline", "12"]
        ran = subprocess.run(
            ["sh", "-c", f'{limit}; exec "$@"', "sh", sys.executable, *words],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)},
            cwd=home,
            capture_output=True,
            timeout=40,
            check=False,
        )
        assert (ran.returncode, json.loads(ran.stdout)["verdict"]) == (0, "clear"), ran.stderr
        assert not server.open_orders()


# --- what is said ---------------------------------------------------------------------------------------------------


def test_nobody_waits_for_a_reader() -> None:
    reading, writing = full_pipe()
    good, taking = os.pipe()
    try:
        began = time.monotonic()
        watchdog.write([(writing, b"x"), (-1, b"x"), (10**6, b"x"), (taking, b"y" * 9000)], 0.2)
        assert time.monotonic() - began < 2
        assert os.read(good, 20_000) == b"y" * 9000
    finally:
        for descriptor in (reading, writing, good, taking):
            os.close(descriptor)


def test_what_is_long_is_written_whole() -> None:
    reading, writing = os.pipe()
    data = os.urandom(30_000)
    watchdog.write([(writing, data)], 5)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == data


def test_a_reader_that_has_gone_is_no_trouble() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    watchdog.write([(writing, b"x" * 100)], 1)
    with pytest.raises(OSError, match="Broken pipe") as caught:
        os.write(writing, b"x")
    assert caught.value.errno == errno.EPIPE
    os.close(writing)


def report(name: str, verdict: Verdict, *, dry_run: bool = False) -> ProfileReport:
    return ProfileReport(
        profile=name, venue="bybit", environment=None, host=None, scope={}, dry_run=dry_run, verdict=verdict
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_exit_status_is_that_of_every_run(dry_run: bool) -> None:
    """It is worked out without what is imported late, and in the same way."""
    verdicts = [verdict for verdict in Verdict if verdict is not Verdict.ABSENT]
    for some in itertools.chain.from_iterable(itertools.combinations(verdicts, count) for count in range(1, 4)):
        reports = [report(str(index), verdict, dry_run=dry_run) for index, verdict in enumerate(some)]
        assert last_words._status(0, [one.exit_status for one in reports], True) == exit_status(reports)


def test_the_line_of_a_start_is_that_of_every_run() -> None:
    """It is made without anything that has to be imported, and differs in nothing."""
    with simulator.start("bybit", orders=1) as server:
        table = profile_table("bybit", server, symbol=["BTCUSDT"], category=["linear"])
        (profile,) = profiles_of({"mine": table})
    words = LastWords([profile], json=True, dry_run=True)
    (at_first, _), _ = words.words(2)
    words.begun = True
    (later, _), _ = words.words(2)
    first, second = json.loads(at_first[1]), json.loads(later[1])
    assert first["scope"] == {"symbol": ["BTCUSDT"], "category": ["linear"]}
    for line in (first, second):
        assert line["timing_ms"].pop("verdict") >= 0
        assert line["time"]
        line["time"] = ""
    assert first == second
    (nobody, _), status = LastWords((), json=True, dry_run=True).words(15)
    assert (json.loads(nobody[1])["profile"], json.loads(nobody[1]).keys(), status) == (None, first.keys(), 143)


def test_a_result_that_is_being_written_is_not_written_twice() -> None:
    broken = BrokenProfile(name="mine", venue="bybit", error=ConfigError("no"))
    words = LastWords([broken], json=True, dry_run=False)
    words.begun = True
    words.finished["mine"] = report("mine", Verdict.UNPROVEN)

    writer = threading.Timer(0.02, words.written.add, ["mine"])
    writer.start()
    ((_, data), (_, note)), status = words.words(0)
    assert (data, note, status) == (b"", b"", ExitStatus.UNPROVEN)

    words.written.clear()  # and nobody reads it
    ((_, data), (_, note)), status = words.words(0)
    assert json.loads(data)["verdict"] == "unproven"
    assert b"nobody read the result of mine in time" in note


@pytest.mark.parametrize(("hold", "after"), [(0.0, 0.0), (10.0, 10.0 + LAST_PROOF)])
def test_a_hold_gets_the_time_of_its_last_proof(monkeypatch: pytest.MonkeyPatch, hold: float, after: float) -> None:
    limits: list[float] = []
    monkeypatch.setattr(execute._Execution, "__init__", lambda *words, **more: None)
    monkeypatch.setattr(execute._Execution, "status", lambda execution: ExitStatus.CLEAR)
    monkeypatch.setattr(watchdog.DOG, "arm", limits.append)
    started = time.monotonic() + 1000  # later than now, so that it counts
    monkeypatch.setattr(last_words, "process_started", lambda: started)
    broken = BrokenProfile(name="mine", venue="bybit", error=ConfigError("no"))
    execute.execute([broken], Output(), {}, terms=Terms(hold=hold))
    assert [limit - started for limit in limits] == [pytest.approx(after + GRACE)]


def test_the_last_proof_of_a_hold_gets_the_time_that_the_limits_force(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []

    async def everything(run: Run) -> list[ProfileReport]:
        run.listener.lasts(5000.0)
        return []

    monkeypatch.setattr(execute.Run, "all", everything)
    monkeypatch.setattr(watchdog.DOG, "extend", limits.append)
    execute.execute([], Output(), {}, terms=Terms(hold=10.0))
    assert limits[0] == 5000.0 + GRACE


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_values_are_written_as_json(value: object) -> None:
    assert json.loads(last_words._json(value)) == value
    assert last_words._json(value).isascii()


def test_no_secret_is_among_the_last_words() -> None:
    Secret("a-secret-that-is-known")
    profile = BrokenProfile(name="a-secret-that-is-known", venue="bybit", error=ConfigError("x"))
    for begun in (False, True):
        words = LastWords([profile], json=True, dry_run=False)
        words.begun = begun
        assert b"a-secret-that" not in b"".join(data for _, data in words.words(2)[0])


def test_commands_that_are_no_run_are_left_to_python() -> None:
    from cancelall.cli.app import command

    known = set(command().commands)
    assert known - set(OTHERS) == {*VENUES, "all", "orders", "positions"}


def test_the_last_words_know_no_lock() -> None:
    """Those of the scrubber above all: whoever hangs may hold it."""
    from cancelall.core import secret

    secret.register("a-secret-that-is-known")
    with secret._lock:
        made = LastWords((), json=True, dry_run=False)
        (out, err), status = made.words(2)
    assert (json.loads(out[1])["profile"], status) == (None, 130)
    assert err[1].startswith(b"cancelall: stopped by SIGINT before anything was sent")
    assert last_words._raw("é") == b"\\xe9"
