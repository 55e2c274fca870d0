"""Rows 36 to 40, 42 to 44, 48, 54 and 55: signals, streams, surroundings, two at once, killed in the middle."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from cancelall.simulator import SimServer
from faults.harness import DEADLINE, LISTS_FIRST, NARROW, START, TO_ITS_DEADLINE, VERDICTS, Case, allowance, shows
from ports import full_pipe, until
from support import environment, profile_table

SOON = 1.5
"""Seconds within which a process that was to stop has to be gone: one for the last look, and to say it."""
AT_ONCE = 0.5
"""Seconds for one that was signalled twice."""


def stalled(case: Case, venue: str, *words: str, **more: Any) -> tuple[SimServer, subprocess.Popen[bytes]]:
    """A kill whose venue does not answer, with its first requests sent."""
    server = case.server(venue, "stall")
    path = case.narrow(venue, server)
    process = case.start(venue, *words, "--config", str(path), **more)
    until(lambda: server.requests)
    return server, process


# --- signals --------------------------------------------------------------------------------------------------------


@shows(
    36,
    "Ctrl-C, once and twice",
    injected="SIGINT while the venue does not answer, or cancels nothing, or a secret is being read",
    expected="the first: no cancel any more, the orders are read once more, for 1 s; "
    "the second ends it at once, and tells what is known",
    codes=(130,),
    alone="measures how soon a signal ends it",
)
def test_ctrl_c(case: Case, venue: str) -> None:
    _, process = stalled(case, venue, "--json")
    process.send_signal(signal.SIGINT)
    ran = case.ended(process, time.monotonic(), deadline=SOON - 0.5)
    line = ran.line
    assert (line["error"]["kind"], line["exit_code"] != 0) == ("interrupted", True)
    landing = any("can still land" in warning for warning in line["warnings"])
    assert landing is (venue not in (*LISTS_FIRST, "binance"))  # its first cancels follow a listing too


@shows(36, alone="measures how soon a signal ends it")
def test_ctrl_c_tells_what_is_left(case: Case, venue: str) -> None:
    """The orders are read once more. That nothing is cancelled any more is held by the random schedules."""
    server = case.server(venue, "ack-only", orders=20)
    process = case.start(venue, "--json", "--config", str(case.narrow(venue, server)))
    until(lambda: sum(request.changes and request.status == 200 for request in server.requests) >= 2)
    process.send_signal(signal.SIGINT)
    seen = len(server.requests)
    ran = case.ended(process, time.monotonic(), deadline=SOON - 0.5)
    assert any(not request.changes for request in server.requests[seen:])
    left = {order.id for order in server.open_orders()}
    named = {order["id"] for order in ran.line["orders"] if order["state"] in ("open", "failed")}
    assert ran.line["verdict"] == "open"
    assert named
    assert named <= left


@shows(36, alone="measures how soon a signal ends it")
def test_ctrl_c_while_a_secret_is_being_read(case: Case, venue: str) -> None:
    """Nothing is sent after it, not even the first cancel."""
    server = case.server(venue)
    field, mark = next(iter(server.credentials)), case.home / "reading"
    table = profile_table(venue, server)
    table["credentials"] = {key: value for key, value in server.credentials.items() if key != field}
    table["secret_command"] = {field: ["sh", "-c", f"touch {mark}; sleep 4; echo {server.credentials[field]}"]}
    process = case.start(venue, "--json", "--config", str(case.config({venue: table})))
    until(mark.exists)
    process.send_signal(signal.SIGINT)
    ran = case.ended(process, time.monotonic(), deadline=AT_ONCE)
    assert (ran.line["verdict"], ran.line["error"]["kind"]) == ("unproven", "interrupted")
    assert server.requests == []


@shows(36, alone="measures how soon a signal ends it")
def test_ctrl_c_twice(case: Case, venue: str) -> None:
    """The second does not even wait for the last look, and what is known is said all the same."""
    _, process = stalled(case, venue, "--json")
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(10)
    assert time.monotonic() - began < AT_ONCE + allowance()
    line = case.ended(process, began).line
    assert (line["verdict"], line["error"]["kind"]) == ("unproven", "interrupted")


@shows(36, alone="measures how soon a signal ends it")
def test_ctrl_c_twice_while_the_output_is_not_read(case: Case, venue: str) -> None:
    """The first waits for whoever reads the result, the second for nobody."""
    reading, writing = full_pipe()
    case.stack.callback(os.close, reading)
    _, process = stalled(case, venue, "--json", stdout=writing)
    os.close(writing)
    process.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    case.ended(process, time.monotonic(), deadline=SOON - 0.5)


@shows(36, over={"seconds": [0.05, 0.1, 0.2, 0.3]}, alone="measures how soon a signal ends it")
def test_ctrl_c_before_the_first_request(case: Case, venue: str, seconds: float) -> None:
    """While nothing of ours is running yet Python itself may show where it was, and end with its own code.

    While the watchdog itself is imported the status is all that is said, and nothing was sent. From then on the end is
    orderly; `test_watchdog` holds that for each step of the start.
    """
    server = case.server(venue, "stall")
    process = case.start(venue, "--json", "--config", str(case.narrow(venue, server)))
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    ran = case.ended(process, began, deadline=SOON - 0.5, codes=[130, -signal.SIGINT, 1], importing=True)
    assert ran.code != 1 or "cancelall:" not in ran.err
    if ran.code == 130:
        assert "Traceback" not in ran.err
        if ran.out:
            assert ran.lines[-1]["error"]["kind"] == "interrupted"
        else:
            assert not server.requests


@shows(
    37,
    "SIGTERM",
    injected="the signal while the venue does not answer",
    expected="as Ctrl-C: no cancel any more, one last look, what is known is said",
    codes=(143,),
    alone="measures how soon a signal ends it",
)
def test_terminate(case: Case, venue: str) -> None:
    _, process = stalled(case, venue, "--json")
    process.send_signal(signal.SIGTERM)
    ran = case.ended(process, time.monotonic(), deadline=SOON - 0.5)
    assert ran.line["error"]["kind"] == "interrupted"


@shows(37, alone="measures how soon a signal ends it")
def test_terminate_between_the_cancel_and_its_proof(case: Case, venue: str) -> None:
    """The cancels are done, the proof is not: never clear."""
    server = case.server(venue)
    process = case.start(venue, "--json", "--config", str(case.narrow(venue, server)))
    until(lambda: any(request.changes and request.status == 200 for request in server.requests))
    process.send_signal(signal.SIGTERM)
    ran = case.ended(process, time.monotonic(), deadline=SOON - 0.5)
    assert ran.line["verdict"] in ("open", "unproven", "unreachable")


@shows(
    38,
    "the terminal is closed, ssh drops",
    injected="SIGHUP in the middle of the sweep",
    expected="ignored; the sweep ends with its outcome",
    codes=VERDICTS,
)
def test_the_terminal_goes_away(case: Case, venue: str) -> None:
    server = case.server(venue)
    began = time.monotonic()
    process = case.start(venue, "--json", "--config", str(case.narrow(venue, server)), deadline=9)
    until(lambda: server.requests)
    os.killpg(process.pid, signal.SIGHUP)
    ran = case.ended(process, began, deadline=9, codes=[0])
    assert ran.line["verdict"] == "clear"


# --- streams --------------------------------------------------------------------------------------------------------

OUTCOMES = {"clear": ("", 0), "refused": ("key", 4), "unreachable": ("stall", 12)}
"""A fault, and the exit code that has to come through whatever the streams do."""


def _codes(venue: str, outcome: str) -> list[int]:
    """The exit codes of an outcome. Pacifica and Hyperliquid list orders without a key: a listing that came after the
    refusal shows them open.
    """
    return [OUTCOMES[outcome][1], *([10] if venue in ("pacifica", "hyperliquid") and outcome == "refused" else [])]


@shows(
    39,
    "the reader of the output goes away",
    injected="both pipes are closed before the first line; `| head -1`",
    expected="the outcome decides the exit code",
    codes=VERDICTS,
    over={"outcome": OUTCOMES, "word": ["", "--json", "-v"]},
    alone=TO_ITS_DEADLINE,
)
def test_the_readers_go_away(case: Case, venue: str, outcome: str, word: str) -> None:
    words = [word] if word else []
    fault, _ = OUTCOMES[outcome]
    path = case.narrow(venue, case.server(venue, *filter(None, [fault])))
    deadline = 2.0 if outcome == "unreachable" else 9.0
    began = time.monotonic()
    process = case.start(venue, *words, "--config", str(path), deadline=deadline)
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    process.stdout = process.stderr = None
    case.ended(process, began, deadline=deadline, codes=_codes(venue, outcome))


@shows(39)
def test_head_reads_one_line(case: Case, venue: str) -> None:
    path = case.narrow(venue, case.server(venue, "key"))
    head = subprocess.Popen(["head", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    process = case.start(venue, "-v", "--config", str(path), stdout=head.stdin)
    assert head.stdin is not None
    head.stdin.close()
    case.ended(process, began, deadline=DEADLINE + START + 2, codes=_codes(venue, "refused"))
    assert head.wait(5) == 0


@shows(
    40,
    "stdout or stderr closed or full",
    injected=">&-, 2>&-, /dev/full",
    expected="the outcome decides the exit code",
    codes=VERDICTS,
    over={
        "outcome": ["clear", "refused"],
        "closing": [">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full"],
    },
)
def test_streams_that_are_closed_or_full(case: Case, venue: str, outcome: str, closing: str) -> None:
    fault, _ = OUTCOMES[outcome]
    path = case.narrow(venue, case.server(venue, *filter(None, [fault])))
    words = [venue, "-v", "--config", str(path)]
    case.run(*words, codes=_codes(venue, outcome), deadline=9, under=["sh", "-c", f'exec "$@" {closing}', "sh"])


@shows(
    40, over={"words": ["--profile nobody", "--deadline nan"], "closing": [">&-", "2>&-", ">/dev/full", "2>/dev/full"]}
)
def test_errors_when_nobody_can_be_told(case: Case, venue: str, closing: str, words: str) -> None:
    code = 2 if "nan" in words else 6
    shell = ["sh", "-c", f'exec "$@" {closing}', "sh"]
    case.run(venue, *words.split(), codes=[code], limit=10.0, under=shell)


# --- the journal ----------------------------------------------------------------------------------------------------


@shows(
    42,
    "the journal cannot be written",
    injected="a file size limit, a torn last line, a held lock, a directory in its place",
    expected="the cancel goes on",
    codes=(0,),
    one_venue="the journal knows no venue",
)
@pytest.mark.parametrize(
    "trouble", ["a file size limit", "a torn last line", "a held lock", "a directory in its place"]
)
def test_a_journal_that_cannot_be_written(case: Case, venue: str, trouble: str) -> None:
    """Whatever is in the way of the journal is not in the way of the kill."""
    server = case.server(venue)
    path = case.narrow(venue, server)
    journal = case.home / ".local" / "state" / "cancelall" / "journal.jsonl"
    under: Sequence[str] = ()
    journal.parent.mkdir(parents=True, mode=0o700)
    if trouble == "a file size limit":
        under = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]
    elif trouble == "a directory in its place":
        journal.mkdir()
    else:
        journal.write_text('{"v":1,"torn')
        journal.chmod(0o600)
    if trouble == "a held lock":
        holder = case.stack.enter_context(journal.open("a"))
        fcntl.flock(holder, fcntl.LOCK_EX)
    ran = case.run(venue, "--json", "--config", str(path), deadline=9, codes=[0], under=under)
    assert ran.line["verdict"] == "clear"
    assert any("journal" in warning for warning in ran.line["warnings"])


@shows(
    55,
    "kill -9 between the send and the answer",
    injected="SIGKILL while the venue keeps its answer back",
    expected="another run finishes the job",
    codes=(0,),
)
def test_the_journal_shows_the_open_attempt(case: Case, venue: str) -> None:
    killed(case, venue)
    shown = case.run("journal", "show", limit=10.0, codes=[0], env={"COLUMNS": "200"})
    assert "attempt_start" in shown.out
    assert "did not end" in shown.out
    shown_as = f"in flight: POST /v5/spread/order/cancel-all ({venue}, spread)" if venue == "bybit" else "in flight: "
    assert shown_as in shown.out
    assert "unknown whether it was executed" in shown.out
    case.run("journal", "verify", limit=10.0, codes=[0])


# --- killed ---------------------------------------------------------------------------------------------------------


def killed(case: Case, venue: str) -> SimServer:
    """A kill that was killed while the venue kept back the answer to its first cancel."""
    server = case.server(venue, "stall-after:cancel")
    process = case.start(venue, "--json", "--config", str(case.narrow(venue, server)))
    until(lambda: any(request.changes for request in server.requests))
    process.kill()
    process.wait(5)
    return server


@shows(55)
def test_another_run_finishes_the_job(case: Case, venue: str) -> None:
    server = killed(case, venue)
    server.set_faults(["prompt"] if venue == "deltadefi" else [])
    ran = case.run(venue, "--json", "--config", str(case.home / "config.toml"), deadline=9)
    assert ran.line["verdict"] == "clear"


# --- surroundings ---------------------------------------------------------------------------------------------------


def flags(venue: str) -> list[str]:
    """The small scope of a venue as words of a command line."""
    words = []
    for key, value in NARROW[venue].items():
        for one in value if isinstance(value, list) else [value]:
            words += [f"--{key.replace('_', '-')}", str(one)]
    return words


HOMES: Mapping[str, Mapping[str, str | None]] = {
    "missing": {"HOME": "/nonexistent"},
    "not set": {"HOME": None},
    "empty": {"HOME": ""},
    "relative": {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"},
    "read-only": {"HOME": "/proc"},
    "a file": {"HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null", "XDG_STATE_HOME": "/dev/null"},
}


@shows(
    43,
    "no home",
    injected="HOME missing, not set, read-only; no XDG directories",
    expected="a kill from the environment needs none",
    codes=VERDICTS,
    over={"which": HOMES},
)
def test_no_home(case: Case, venue: str, which: str) -> None:
    server = case.server(venue)
    env = {**environment(venue, server), **HOMES[which]}
    ran = case.run(venue, "--json", *flags(venue), env=env, deadline=9, codes=[0])
    assert ran.line["verdict"] == "clear"
    assert any("this run is not journalled" in warning for warning in ran.line["warnings"])


@shows(43)
def test_no_home_and_no_secrets(case: Case, venue: str) -> None:
    ran = case.run(venue, "--json", env={"HOME": None}, codes=[6], deadline=6)
    assert ran.line["error"]["kind"] == "secret"


@shows(
    44,
    "no terminal, no stdin",
    injected="stdin closed, in a session of its own",
    expected="never asks for anything",
    codes=(0, 6),
)
@pytest.mark.parametrize("stdin", ["closed", "silent"])
def test_nothing_is_ever_read_from_stdin(case: Case, venue: str, stdin: str) -> None:
    """Nor is anybody prompted for what is missing."""
    reading, writing = os.pipe()
    case.stack.callback(os.close, writing)
    case.stack.callback(os.close, reading)
    under = ["sh", "-c", 'exec "$@" <&-', "sh"] if stdin == "closed" else []
    ran = case.run(venue, "--json", codes=[6], stdin=reading, deadline=6, under=under)
    assert ran.line["error"]["kind"] == "secret"


def changing_now() -> str:
    """A time zone whose clocks go forward half a minute ago, and back in a minute and a half."""
    now = datetime.now(UTC)
    day, seconds = now.timetuple().tm_yday, now.hour * 3600 + now.minute * 60 + now.second
    return f"AAA0BBB,{day - 1}/{_clock(seconds - 30)},{day - 1}/{_clock(seconds + 3690)}"


def _clock(seconds: int) -> str:
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


LOCALES: Mapping[str, Mapping[str, str]] = {
    "clock change": {"TZ": "changing"},
    "far east": {"TZ": "XXX-14"},
    "rubbish zone": {"TZ": "../../etc/passwd"},
    "turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "broken terminal": {"TERM": "nonsense", "COLUMNS": "-3", "LINES": "x", "NO_COLOR": "", "FORCE_COLOR": "1"},
    "optimised": {"PYTHONOPTIMIZE": "2", "PYTHONDEVMODE": "1"},
}


@shows(
    48,
    "time zones and locales",
    injected="TZ with the clock change in this minute, LC_ALL=tr_TR and C, PYTHONIOENCODING=ascii and latin-1",
    expected="no difference",
    codes=VERDICTS,
    over={"name": LOCALES},
)
def test_zones_and_locales(case: Case, venue: str, name: str) -> None:
    env = {key: changing_now() if value == "changing" else value for key, value in LOCALES[name].items()}
    server = case.server(venue, "hostile" if "IOENCODING" in "".join(env) else "null-lists")
    path = case.config({venue: profile_table(venue, server)})
    case.run(venue, "--dry-run", "-v", "--config", str(path), deadline=5, env=env, codes=[0, 11])


@shows(48, over={"name": ["clock change", "turkish", "C"]})
def test_a_kill_in_zones_and_locales(case: Case, venue: str, name: str) -> None:
    env = {key: changing_now() if value == "changing" else value for key, value in LOCALES[name].items()}
    path = case.narrow(venue, case.server(venue))
    ran = case.run(venue, "--config", str(path), deadline=9, env=env, codes=[0])
    assert "CLEAR" in ran.out


# --- two at once ----------------------------------------------------------------------------------------------------


@shows(
    54,
    "two kills at once",
    injected="two processes on one account, under the venue's rate limits",
    expected="both end clear",
    codes=(0,),
)
def test_two_kills_at_once(case: Case, venue: str) -> None:
    server = case.server(venue, orders=60, limits=True)
    path = case.narrow(venue, server)
    began = time.monotonic()
    both = [case.start(venue, "--json", "--config", str(path), deadline=18) for _ in range(2)]
    for process in both:
        ran = case.ended(process, began, deadline=18)
        assert ran.line["verdict"] == "clear"
    case.run("journal", "verify", limit=10.0, codes=[0])
