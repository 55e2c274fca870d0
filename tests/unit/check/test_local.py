"""The pre-flight of this machine: files, secrets, journal, evidence, the stored account group, the command itself."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.check import evidence
from cancelall.cli import app, check, parameters
from cancelall.core import drills
from cancelall.core.errors import ExitStatus, UsageError
from cancelall.core.preflight import Area, CheckReport, Finding, Level, exit_status, failure, good, warning
from cancelall.credentials import chain
from cancelall.report import tables
from cancelall.report.findings import check_line, check_summary, check_table
from cancelall.simulator import SimServer
from checking import bad, checked_all, level, named, shown
from support import cancelall, environment, profile_table, write_config

HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("deltadefi", orders=3, limits=False) as running:
        yield running


@pytest.fixture
def path(home: Path, server: SimServer) -> Path:
    return write_config(home / "config.toml", {"desk": profile_table("deltadefi", server)})


def here(path: Path, home: Path, **more: str) -> CheckReport:
    (report,) = checked_all({}, path=path, environ={"HOME": str(home), **more}, deadline=5)
    return report


# --- files, secrets, environment ------------------------------------------------------------------------------------


def test_a_config_that_others_can_read(path: Path, home: Path) -> None:
    assert level(here(path, home), "config") == "ok"
    path.chmod(0o644)
    report = here(path, home)
    assert (level(report, "config"), report.exit_status) == ("fail", ExitStatus.UNCONFIGURED)
    assert f"chmod 600 {path}" in named(report, "config")[0].fix


def test_a_config_without_secrets_may_be_read(path: Path, home: Path, server: SimServer) -> None:
    secret = server.credentials["api_key"]
    write_config(path, {"desk": {"venue": "deltadefi", "base_url": server.origin}}).chmod(0o644)
    report = here(path, home, CANCELALL_DESK_API_KEY=secret)
    assert (level(report, "config"), report.ok) == ("warn", True)
    assert secret not in shown(report)


def test_where_each_secret_comes_from(path: Path, home: Path, server: SimServer) -> None:
    assert [one.detail for one in named(here(path, home), "secret")] == ["api_key: from config file"]
    report = here(path, home, CANCELALL_DESK_API_KEY=server.credentials["api_key"])
    assert [one.detail for one in named(report, "secret")] == ["api_key: from environment (CANCELALL_DESK_API_KEY)"]
    assert "CANCELALL_DESK_API_KEY" in named(report, "environment")[0].detail


def with_keyring(home: Path, server: SimServer, backend: str) -> CheckReport:
    """The report of a profile whose secret is in this keyring."""
    table = {"venue": "deltadefi", "base_url": server.origin, "keyring_backend": backend}
    return here(write_config(home / "config.toml", {"desk": table}), home)


DEAD = {"Hanging": "was not given within", "Locked": "KeyringLocked", "Broken": "ZeroDivisionError"}


@pytest.mark.parametrize(("name", "said"), DEAD.items())
def test_a_dead_keyring(name: str, said: str, home: Path, server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "KEYRING_SECONDS", 0.3)
    report = with_keyring(home, server, f"faults.keyrings.{name}")
    assert (level(report, "keyring"), report.exit_status) == ("fail", ExitStatus.UNCONFIGURED)
    assert said in named(report, "keyring")[0].detail
    assert "use the credentials directory" in named(report, "keyring")[0].fix
    assert server.requests == []


def test_a_keyring_that_answers_is_named_and_timed(
    home: Path, server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faults import keyrings

    monkeypatch.setattr(keyrings.Plain, "get_password", lambda *words: server.credentials["api_key"])
    report = with_keyring(home, server, "faults.keyrings.Plain")
    assert (level(report, "keyring"), report.ok) == ("ok", True)
    assert "faults.keyrings.Plain" in named(report, "keyring")[0].detail
    assert str(Path(keyrings.__file__)) in named(report, "keyring")[0].detail
    assert server.credentials["api_key"] not in shown(report)


def test_a_missing_secret(home: Path, server: SimServer) -> None:
    report = with_keyring(home, server, "keyring.backends.null.Keyring")
    assert (level(report, "secret"), report.exit_status) == ("fail", ExitStatus.UNCONFIGURED)
    assert "CANCELALL_DESK_" in named(report, "secret")[0].fix


def test_a_journal_that_cannot_be_written(path: Path, home: Path) -> None:
    (home / "file").write_text("")
    report = here(path, home, XDG_STATE_HOME=str(home / "file"))
    assert (level(report, "journal"), report.exit_status) == ("fail", ExitStatus.UNCONFIGURED)
    assert "owner and mode" in named(report, "journal")[0].fix
    fallen_back = here(path, home, XDG_STATE_HOME=str(home / "file"), XDG_RUNTIME_DIR=str(home))
    assert (level(fallen_back, "journal"), fallen_back.ok) == ("warn", True)
    (homeless,) = checked_all({}, path=path, environ={}, deadline=5)
    assert (level(homeless, "journal"), homeless.ok) == ("warn", True)
    assert level(here(path, home), "journal") == "ok"
    folder = home / ".local/state/cancelall"
    assert list(folder.iterdir()) == []
    (folder / "journal.jsonl").mkdir()
    assert level(here(path, home), "journal") == "fail"


def test_a_full_disk(path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    report = here(path, home)
    assert level(report, "journal") == "fail"
    assert "No space left" in named(report, "journal")[0].detail


def test_variables_that_are_obeyed_ignored_or_misspelt(path: Path, home: Path) -> None:
    report = here(
        path,
        home,
        CANCELALL_DESK_SYMBL="ADAUSDM",
        SSLKEYLOGFILE=str(home / "keys"),
        HTTPS_PROXY="http://10.0.0.1:1",
        SSL_CERT_FILE=str(home / "none.pem"),
    )
    misspelt, told = named(report, "environment")
    assert "CANCELALL_DESK_SYMBL is no key" in misspelt.detail
    assert "SSLKEYLOGFILE" in told.detail
    assert "unset SSLKEYLOGFILE" in told.fix
    assert "not for this host" in named(report, "proxy")[0].detail
    assert (level(report, "CA bundle"), report.exit_status) == ("fail", ExitStatus.UNCONFIGURED)


# --- evidence -------------------------------------------------------------------------------------------------------


def report(profile: str = "desk", *, ok: bool = True, host: str = "https://a.test") -> CheckReport:
    bad = [] if ok else [failure("key", "refused", "make a new one", Area.VENUE)]
    return CheckReport(
        profile=profile, venue="bybit", environment="live", host=host, findings=(good("config", "fine"), *bad)
    )


def test_evidence_is_private_whole_and_kept(home: Path) -> None:
    environ = {"HOME": str(home)}
    file = evidence.write([report(), report("other", ok=False)], environ, NOW_MS)
    assert file == home / ".local/state/cancelall/check.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    evidence.write([report(ok=False)], environ, NOW_MS + HOUR_MS)
    kept = evidence.read(environ)
    assert (kept["desk"].ok, kept["desk"].at_ms, kept["desk"].good_ms) == (False, NOW_MS + HOUR_MS, NOW_MS)
    assert (kept["other"].ok, kept["other"].good_ms) == (False, None)
    row = json.loads(file.read_text())["profiles"]["desk"]
    assert (row["host"], row["findings"]) == ("https://a.test", {"ok": 1, "warn": 0, "fail": 1})
    assert row["at"].startswith("2027-01-15T09:00")
    evidence.write([report(ok=False, host="https://b.test")], environ, NOW_MS)
    assert evidence.read(environ)["desk"].good_ms is None


def test_many_checks_at_once_lose_nothing(home: Path) -> None:
    environ = {"HOME": str(home)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: evidence.write([report(f"p{number}")], environ, NOW_MS), range(24)))
    assert len(evidence.read(environ)) == 24


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema":1,"profiles":[]}', '{"schema":1,"profiles":{"desk":3}}'])
def test_evidence_of_another_shape_is_none(home: Path, text: str) -> None:
    file = home / ".local/state/cancelall/check.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert evidence.read({"HOME": str(home)}) == {}
    assert evidence.write([report()], {"HOME": str(home)}, NOW_MS) == file
    assert evidence.read({"HOME": str(home)})["desk"].ok


@pytest.mark.parametrize(
    ("hours", "ok", "host", "expected"),
    [
        *((1, True, "a", "ok"), (23.9, True, "a", "ok"), (25, True, "a", "fail"), (1, False, "a", "fail")),
        *((1, True, "b", "fail"), (-1, True, "a", "fail")),
    ],
)
def test_how_old_evidence_may_be(home: Path, hours: float, ok: bool, host: str, expected: str) -> None:
    environ = {"HOME": str(home)}
    evidence.write([report(ok=ok)], environ, NOW_MS - round(hours * HOUR_MS))
    found = evidence.age_finding(evidence.read(environ).get("desk"), f"https://{host}.test", 86_400.0, NOW_MS)
    assert (found.level.value, found.area is Area.EVIDENCE) == (expected, expected == "fail")
    assert bool(found.fix) == (expected == "fail")


def test_a_bad_check_after_a_good_one_is_told(home: Path) -> None:
    environ = {"HOME": str(home)}
    for ok in (True, False):
        evidence.write([report(ok=ok)], environ, NOW_MS)
    found = evidence.age_finding(evidence.read(environ)["desk"], None, 60.0, NOW_MS)
    assert (found.level, "was not good" in found.detail) == (Level.WARN, True)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)])
def test_ages(text: str, seconds: float) -> None:
    assert parameters.age_of(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "24H", "0h", "-1h", "nanh", "infd", "1e9999d", " 1h", "1 h "])
def test_ages_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="24h"):
        parameters.age_of(text)


# --- how it looks ---------------------------------------------------------------------------------------------------

HOSTILE = CheckReport(
    profile="desk",
    venue="bybit",
    environment="live",
    host="https://a.test",
    findings=(
        good("config", "\x1b[2Jfine [/oops] \ud800 " + "i" * 300),
        warning("key", "‮old", "see https://a.test/" + "x" * 90),
        failure("address", "10010 [red]Unmatched IP[/red]", "add this machine's address", Area.VENUE),
    ),
)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("terminal", [True, False])
def test_the_table_at_every_width(width: int, terminal: bool) -> None:
    made = tables.console(width, terminal=terminal, environ={"TERM": "xterm-256color"}, encoding="ascii")
    text = check_table(HOSTILE, made)
    flat = "".join(text.split())
    assert "\x1b[2J" not in text
    assert ("\x1b[" in text) == terminal
    assert "[red]Unmatched" in flat or terminal
    if not terminal:
        assert max(map(len, text.rstrip().splitlines()[:-1])) <= width  # the last line is one line in a pipe
        assert "x" * 90 in flat.replace("→", "") or width < 100
        assert flat.count("x") >= 90
    assert "NOT READY" in text
    assert check_line(HOSTILE).isascii()


def test_the_last_line_tells_the_code() -> None:
    made = tables.console(80, terminal=False, environ={})
    assert "exit 4" in check_table(HOSTILE, made).splitlines()[-2]
    assert "1 of 2 profiles ready" in check_summary([HOSTILE, report()], made)


def with_finding(one: Finding) -> CheckReport:
    return CheckReport(profile="x", venue="", environment=None, host=None, findings=(one,))


@pytest.mark.parametrize(
    ("areas", "code"),
    [
        *(([], 0), ([Area.EVIDENCE], 11), ([Area.EVIDENCE, Area.OURS], 6), ([Area.OURS, Area.VENUE], 4)),
        ([Area.VENUE, Area.OURS, Area.NETWORK], 12),
    ],
)
def test_which_code_wins(areas: list[Area], code: int) -> None:
    assert exit_status([with_finding(failure("x", "x", "x", area)) for area in areas]) == code
    warned = with_finding(Finding(check="x", level=Level.WARN, detail="x", fix="x", area=Area.NETWORK))
    assert warned.exit_status == 0


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_from_check_to_monitoring(path: Path, home: Path, server: SimServer) -> None:
    before = cancelall("check", "--max-age", "24h", "--json", "--config", str(path), home=home)
    assert (before.code, before.line["ok"], before.line["findings"][0]["level"]) == (11, False, "fail")
    assert server.requests == []
    ran = cancelall("check", "--json", "--config", str(path), home=home)
    assert (ran.code, ran.line["ok"], ran.line["profile"]) == (0, True, "desk"), ran.out
    sent = len(server.requests)
    after = cancelall("check", "--max-age", "24h", "--config", str(path), home=home)
    assert (after.code, len(server.requests)) == (0, sent)
    assert "READY" in after.out
    shown = drills.DrillEvidence(
        at_ms=time.time_ns() // 1_000_000, proved=True, venue="bybit", host=server.origin, detail="it was cancelled"
    )
    assert drills.write("desk", shown, {"HOME": str(home)}) is not None
    drilled = cancelall("check", "--max-age", "24h", "--config", str(path), home=home)
    assert (drilled.code, "it was cancelled" in drilled.out) == (0, True)
    old = cancelall("check", "desk", "--max-age", "0.001s", "--json", "--config", str(path), home=home)
    assert old.code == 11
    for one in (before, ran, after, old):
        assert server.credentials["api_key"] not in one.out + one.err


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The command in this process."""
    code = app.main(["check", *words])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own environment, and a process that has just begun."""
    monkeypatch.setattr(check, "process_started", time.monotonic)
    for name in list(os.environ):
        if name.startswith("CANCELALL_") or "PROXY" in name.upper():
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    "line", ["--max-age soon", "--max-age 1h --live", "--max-age 1h --store-account-group", "--deadline 0"]
)
def test_bad_usage(path: Path, capfd: pytest.CaptureFixture[str], line: str) -> None:
    code, _, err = run(capfd, "--config", str(path), *line.split())
    assert (code, err.startswith("cancelall: "), err.count("\n")) == (2, True, 1)


@pytest.mark.usefixtures("at_home")
def test_a_profile_that_does_not_exist(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd, "nobody", "desk", "--json", "--config", str(path))
    lines = {line["profile"]: line for line in map(json.loads, out.splitlines())}
    assert (code, lines["nobody"]["ok"], lines["desk"]["ok"]) == (6, False, True)
    assert "there is no profile" in str(lines["nobody"]["findings"])


@pytest.mark.usefixtures("at_home")
def test_a_config_that_others_can_write(path: Path, capfd: pytest.CaptureFixture[str], server: SimServer) -> None:
    path.chmod(0o666)
    code, out, _ = run(capfd, "desk", "--json", "--config", str(path))
    line = json.loads(out)
    assert (code, line["profile"], line["ok"], server.requests) == (6, "desk", False, [])
    assert "chmod 600" in line["findings"][0]["fix"]
    code, out, err = run(capfd, "--config", str(path))
    assert (code, out, "chmod 600" in err) == (6, "", True)


@pytest.mark.usefixtures("at_home")
def test_for_cron_nothing_is_said_when_all_is_well(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--max-age", "1h"]):
        assert run(capfd, "--config", str(path), "--quiet", *words) == (0, "", "")


@pytest.mark.usefixtures("at_home")
def test_several_profiles_and_their_last_line(home: Path, server: SimServer, capfd: pytest.CaptureFixture[str]) -> None:
    with simulator.start("bybit", orders=2, faults=["read-only"]) as other:
        tables_ = {"desk": profile_table("deltadefi", server), "mm-2": profile_table("bybit", other)}
        path = write_config(home / "config.toml", tables_)
        code, out, _ = run(capfd, "--config", str(path))
        quiet = run(capfd, "--config", str(path), "--quiet")
        verbose = run(capfd, "mm-2", "--config", str(path), "-v", "--json")
    assert code == 4
    assert out.rstrip().endswith("1 of 2 profiles ready · exit 4")
    assert "desk" not in quiet[1]  # nothing has to be put right there
    assert " FAIL " in quiet[1]
    assert " ok " not in quiet[1]
    assert "NOT READY  mm-2" in quiet[1].rstrip().splitlines()[-1]
    assert "/v5/user/query-api" in verbose[2]
    assert [json.loads(line)["profile"] for line in verbose[1].splitlines()] == ["mm-2"]
    evidence_of = evidence.read({"HOME": str(home)})
    assert {name: kept.ok for name, kept in evidence_of.items()} == {"desk": True, "mm-2": False}


@pytest.mark.usefixtures("at_home")
def test_the_account_group_is_stored_when_asked(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator.start("ascendex", orders=2) as server:
        table = profile_table("ascendex", server)
        group = table.pop("account_group")
        path = write_config(home / "config.toml", {"asc": table})
        path.write_text("# my desk\n" + path.read_text())
        code, _, _ = run(capfd, "--json", "--config", str(path))
        assert (code, "account_group" in path.read_text()) == (0, False)
        before = path.read_text()
        code, _, err = run(capfd, "asc", "--store-account-group", "--json", "--config", str(path))
        assert (code, "account_group = 0 is now in [profiles.asc]" in err) == (0, True)
        assert tomllib.loads(path.read_text())["profiles"]["asc"]["account_group"] == group
        assert path.read_text().replace("account_group = 0\n", "") == before
        for key, value in environment("ascendex", server).items():
            if not key.endswith("ACCOUNT_GROUP"):
                monkeypatch.setenv(key, value)
        code, _, err = run(capfd, "ascendex", "--store-account-group", "--json", "--config", str(path))
    assert (code, "CANCELALL_ASCENDEX_ACCOUNT_GROUP=0" in err) == (6, True)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("answer", [True, False])
def test_the_account_group_is_offered_at_a_terminal(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    questions: list[str] = []

    def confirm(question: str) -> bool:
        questions.append(question)
        return answer

    monkeypatch.setattr(check, "is_terminal", lambda stream: True)
    monkeypatch.setattr(check.typer, "confirm", confirm)
    with simulator.start("ascendex", orders=2) as server:
        table = profile_table("ascendex", server)
        table.pop("account_group")
        path = write_config(home / "config.toml", {"asc": table})
        code, out, _ = run(capfd, "--config", str(path))
    assert (code, len(questions), "account_group = 0" in questions[0]) == (0, 1, True)
    assert "READY" in out
    assert ("account_group = 0" in path.read_text()) == answer


@pytest.mark.usefixtures("at_home")
def test_live_is_announced_on_stderr(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with simulator.start("bybit", orders=0) as server:
        path = write_config(home / "config.toml", {"mine": profile_table("bybit", server)})
        code, out, err = run(capfd, "--live", "--json", "--config", str(path))
        assert [request.path for request in server.requests if request.changes] == ["/v5/order/cancel-all"]
    assert (code, json.loads(out)["findings"][-1]["check"]) == (0, "live")
    assert "mine: --live: sending a real cancel, POST /v5/order/cancel-all" in err


def test_a_bug_in_one_profile_is_its_own(path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cancelall.check import run as running

    def broken(*words: object) -> None:
        raise ZeroDivisionError("CANARY")

    monkeypatch.setattr(running, "ask_all", broken)
    report = here(path, home)
    assert bad(report)["check"] == "fail"
    assert report.exit_status == ExitStatus.UNPROVEN
    assert "CANARY" not in shown(report)


def test_nothing_is_left_running(path: Path, home: Path, server: SimServer) -> None:
    server.set_faults(["stall"])
    (report,) = checked_all({}, path=path, environ={"HOME": str(home)}, deadline=0.5)
    assert not report.ok
    assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
