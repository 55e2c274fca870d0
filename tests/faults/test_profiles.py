"""Rows 45 to 47 and 51 to 53: the config file, a thousand profiles, and all the places that secrets come from."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cancelall.core import declare
from cancelall.core.model import Verdict
from cancelall.credentials import chain
from cancelall.simulator import SimServer
from cancelall.venues.registry import schema
from faults.harness import PEAK_MB, TO_ITS_DEADLINE, Case, Ended, shows
from support import profile_table

# --- the file -------------------------------------------------------------------------------------------------------

FILES: dict[str, Callable[[Path], None]] = {
    "a directory": lambda path: path.mkdir(),
    "a FIFO": lambda path: os.mkfifo(path, 0o600),
    "a socket's place": lambda path: path.symlink_to("/dev/null"),
    "not UTF-8": lambda path: private(path, b"[profiles]\n\xff\xfe"),
    "a byte order mark": lambda path: private(path, b"\xef\xbb\xbf[profiles]\n"),
    "UTF-16": lambda path: private(path, "[profiles]\n".encode("utf-16")),
    "2 MiB": lambda path: private(path, b"#" * (2 << 20)),
    "NUL": lambda path: private(path, b"[profiles]\n\0\n"),
    "a loop of links": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "no TOML": lambda path: private(path, b'[profiles.a.credentials]\napi_secret = "CANARYCANARY\n'),
    "brackets": lambda path: private(path, b"a = " + b"[" * 100_000),
    "a long key": lambda path: private(path, b".".join([b"a"] * 10_000) + b" = 1"),
    "written by others": lambda path: private(path, b"[profiles]\n", 0o666),
    "nothing": lambda path: None,
    "no profile": lambda path: private(path, b""),
    "profiles of another kind": lambda path: private(path, b"profiles = 3\n"),
}


def private(path: Path, data: bytes, mode: int = 0o600) -> None:
    path.write_bytes(data)
    path.chmod(mode)


@shows(
    45,
    "a config that cannot be read",
    injected="mode 000, directory, FIFO, not UTF-8, BOM, 2 MiB, symlink loop, bad TOML, missing",
    expected="one line with the path, and the line number where there is one; no waiting on the FIFO",
    codes=(6,),
    one_venue="the file is read before any venue is known",
    over={"kind": FILES},
)
def test_a_config_that_cannot_be_read(case: Case, venue: str, kind: str) -> None:
    command = ("all", venue, "orders")[list(FILES).index(kind) % 3]
    path = case.home / "config.toml"
    FILES[kind](path)
    case.secrets.add("CANARYCANARY")
    ran = case.run(command, "--config", str(path), limit=10.0)
    lines = [line for line in ran.err.splitlines() if line.startswith("cancelall: ")]
    if kind == "no profile":  # nothing is wrong with the file
        return
    assert len(lines) == 1
    assert "config.toml" in lines[0].replace("\n", "")
    assert ("line 2" in lines[0]) == (kind in ("not UTF-8", "no TOML", "NUL"))


@shows(45)
@pytest.mark.parametrize("where", ["the file", "its directory"])
def test_a_config_that_may_not_be_read(case: Case, venue: str, where: str) -> None:
    """Root may read everything, unless it gives that right away."""
    under: list[str] = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            case.used = True
            pytest.skip("root may read everything, and there is no setpriv to take that away")
        under = [setpriv, "--bounding-set=-dac_override,-dac_read_search"]
    folder = case.home / "inside"
    folder.mkdir()
    path = folder / "config.toml"
    private(path, b"[profiles]\n", 0o000 if where == "the file" else 0o600)
    folder.chmod(0o000 if where == "its directory" else 0o700)
    try:
        ran = case.run("all", "--config", str(path), limit=10.0, under=under)
    finally:
        folder.chmod(0o700)
    assert str(path) in ran.err
    assert "Permission denied" in ran.err


# --- many profiles --------------------------------------------------------------------------------------------------


def many(case: Case, venue: str, number: int) -> tuple[SimServer, dict[str, dict[str, object]]]:
    """One server with so many accounts of one order each."""
    server = case.server(venue, orders=1)
    tables: dict[str, dict[str, object]] = {}
    for index in range(number):
        account = server.account if index == 0 else server.add_account(orders=1)
        case.secrets.update(account.credentials.values())
        tables[f"p{index:04}"] = {
            "venue": venue,
            "base_url": server.origin,
            **account.options,
            "credentials": dict(account.credentials),
        }
    return server, tables


NUMBER = 60
"""Profiles here. The 1,000 take longer, and have a test of their own."""


@shows(
    46,
    "1,000 profiles",
    injected="one server, 60 accounts, a limit of 256 open files; 1,000 in a test of its own",
    expected="all clear; threads, sockets and memory stay bounded",
    codes=(0,),
    one_venue="what is shared between profiles knows no venue; this one has no limit per address",
    on="ascendex",
)
@pytest.mark.timeout(240)
def test_many_profiles(case: Case, venue: str) -> None:
    server, tables = many(case, venue, NUMBER)
    path = case.config(tables)
    words = ["all", "--json", "--deadline", str(50 * case.slow), "--config", str(path)]
    peak, ran = case.measured(*words, limit=50, shell="ulimit -n 256")  # noqa: S604 - the word is this helper's own
    assert {line["verdict"] for line in ran.lines} == {"clear"}
    assert len(ran.lines) == NUMBER
    assert server.open_orders() == []
    assert peak < PEAK_MB


@shows(46, alone="the order in which a thousand cancels arrive")
@pytest.mark.timeout(240)
def test_a_thousand_mass_cancels_leave_first(case: Case, venue: str) -> None:
    """One segment each, against an exchange that does not limit."""
    server, tables = many(case, venue, 1000)
    server.fake.limits = False
    path = case.config({name: {**table, "account_category": ["cash"]} for name, table in tables.items()})
    ran = case.run("all", "--json", "--quiet", "--deadline", "120", "--config", str(path), limit=120)
    assert {line["verdict"] for line in ran.lines} == {"clear"}
    assert len({request.headers["x-auth-key"] for request in server.requests if request.changes}) == 1000
    assert not [request for request in server.requests[:600] if not request.changes], "no listing before a cancel"


@shows(
    47,
    "one bad profile among 1,000",
    injected="a misspelt key, a refused key, a missing secret",
    expected="all others fire and are clear",
    codes=(4, 6),
    one_venue="what is shared between profiles knows no venue; this one has no limit per address",
    on="ascendex",
)
@pytest.mark.timeout(240)
def test_one_bad_profile_among_many(case: Case, venue: str) -> None:
    server, tables = many(case, venue, NUMBER)
    misspelt, refused, missing = (f"p{index:04}" for index in (7, 13, NUMBER - 1))
    tables[misspelt]["symbl"] = ["BTC/USDT"]
    tables[refused]["credentials"] = dict.fromkeys(declare.secrets_of(schema(venue).secrets), "x" * 32)
    del tables[missing]["credentials"]
    path = case.config(tables)
    env = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    ran = case.run("all", "--json", "--config", str(path), deadline=25, env=env)
    verdicts = {line["profile"]: line["verdict"] for line in ran.lines}
    assert ran.code == 4  # refused comes before unconfigured
    bad = {misspelt: "unconfigured", refused: "refused", missing: "unconfigured"}
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "clear"} == bad
    assert len(verdicts) == NUMBER
    assert len(server.open_orders()) == 3


# --- secrets --------------------------------------------------------------------------------------------------------


def field_of(venue: str) -> str:
    """A secret that the venue needs."""
    return next(name for name, sec in declare.secrets_of(schema(venue).secrets).items() if not sec.optional)


def with_a_good_one(case: Case, venue: str, bad: Mapping[str, object], codes: tuple[int, ...] = (6,)) -> Ended:
    """The kill of a profile whose secrets are somewhere else, and of a good one, which has to be clear."""
    server = case.server(venue)
    good = profile_table(venue, server)
    without = {key: value for key, value in good.items() if key != "credentials"}
    ended = case.kills({"bad": {**without, **bad}, "good": good}, deadline=3, codes=codes)
    reports = {report.profile: report for report in ended.reports}
    assert reports["good"].verdict is Verdict.CLEAR
    assert (reports["good"].timing.verdict or 0) < 2000 * case.slow
    assert server.open_orders() == []
    bad_report = reports["bad"]
    assert bad_report.verdict is Verdict.UNCONFIGURED
    assert bad_report.error is not None
    assert bad_report.error.kind == "secret"
    assert bad_report.requests == 0
    return ended


def error_of(ended: Ended) -> str:
    """What is said of the bad profile."""
    error = next(report.error for report in ended.reports if report.profile == "bad")
    assert error is not None
    return f"{error.message} - {error.hint}"


BACKENDS: Mapping[str, str] = {
    "faults.keyrings.Hanging": "was not given within",
    "faults.keyrings.Locked": "KeyringLocked",
    "faults.keyrings.Broken": "ZeroDivisionError",
    "faults.keyrings.Strange": "could not be read",
    "keyring.backends.null.Keyring": "no ",
    "keyring.backends.fail.Keyring": "no ",
    "faults.keyrings.Nobody": "could not be read",
    "no.such.module": "could not be read",
    "nonsense": "could not be read",
}
"""A back-end, and what is said of it."""


@shows(
    51,
    "the keyring",
    injected="none, locked, hanging, plain text, null, failing",
    expected="bounded; the cure is named; other profiles fire",
    codes=(6,),
    over={"backend": BACKENDS},
    alone="the other profile has to be as fast as by itself",
)
def test_a_keyring_in_trouble(case: Case, venue: str, backend: str) -> None:
    case.monkeypatch.setattr(chain, "KEYRING_SECONDS", 0.4)
    assert BACKENDS[backend] in error_of(with_a_good_one(case, venue, {"keyring_backend": backend}))


@shows(51, over={"backend": ["faults.keyrings.Plain", "faults.keyrings.Hanging", "", "no.such.module"]})
def test_a_keyring_that_is_detected(case: Case, venue: str, backend: str) -> None:
    """A plug-in that may keep plain text is not read; one that hangs does not hold up the process."""
    case.secrets.add("CANARYCANARYCANARY")
    path = f"{Path(__file__).resolve().parent.parent}:{case.environ()['PYTHONPATH']}"
    env = {"PYTHON_KEYRING_BACKEND": backend or None, "PYTHONPATH": path}
    ran = case.run(venue, "--json", env=env, deadline=4.0)
    assert ran.line["verdict"] == "unconfigured"
    assert ran.line["error"]["hint"]
    if backend.endswith("Plain"):
        assert "unencrypted" in ran.line["error"]["message"]


COMMANDS: Mapping[str, tuple[list[str], str]] = {
    "hangs": (["sleep", "60"], "did not end within"),
    "hangs with its output closed": (["sh", "-c", "exec >&- 2>&-; sleep 60"], "did not end within"),
    "leaves a child behind": (["sh", "-c", "sleep 60 & exit 0"], "printed nothing"),
    "prints without end": (["yes", "CANARYCANARYCANARY"], "printed more than"),
    "prints without end to stderr": (["sh", "-c", "yes CANARYCANARYCANARY >&2"], "did not end within"),
    "fails": (["sh", "-c", "echo CANARYCANARYCANARY >&1; echo locked >&2; exit 3"], "ended with code 3"),
    "is killed": (["sh", "-c", "kill -9 $$"], "ended with code -9"),
    "prints nothing": (["true"], "printed nothing"),
    "prints a blank line": (["echo"], "printed nothing"),
    "prints no text": (["printf", "\\377\\376"], "not UTF-8"),
    "wants a terminal": (["sh", "-c", "read -r answer < /dev/tty && echo $answer"], "ended with code"),
    "wants stdin": (["sh", "-c", "read -r answer && echo $answer"], "ended with code"),
    "is not there": (["/nonexistent/pass", "show"], "could not be started"),
    "is a directory": (["/etc"], "could not be started"),
}


@shows(
    52,
    "secret_command",
    injected="hangs, prints without end, fails, prints nothing, wants a terminal, leaves children behind",
    expected="bounded in time and size; other profiles fire",
    codes=(6,),
    over={"how": COMMANDS},
    alone="the other profile has to be as fast as by itself",
)
def test_a_secret_command_in_trouble(case: Case, venue: str, how: str) -> None:
    case.monkeypatch.setattr(chain, "COMMAND_SECONDS", 0.5)
    case.secrets.add("CANARYCANARYCANARY")
    words, said = COMMANDS[how]
    table = {"secret_command": {field_of(venue): words}}
    assert said in error_of(with_a_good_one(case, venue, table))


@shows(52, alone=TO_ITS_DEADLINE)
def test_the_process_does_not_wait_for_a_secret_command(case: Case, venue: str) -> None:
    mark = f"{600 + os.getpid() % 1000}.{time.time_ns() % 1000:03}"
    path = case.config({venue: {"venue": venue, "secret_command": {field_of(venue): ["sleep", mark]}}})
    ran = case.run(venue, "--json", "--config", str(path), deadline=2.0)
    assert ran.line["verdict"] == "unconfigured"


BAD: Mapping[str, str] = {
    "a line break inside": "CANARY1234\nCANARY5678",
    "a smart quote": "CANARYCANARY’12345",
    "NUL": "CANARY1234\0CANARY5678",
    "a blank inside": "CANARY1234 CANARY5678",
    "a tab": "CANARY1234\tCANARY5678",
    "a control sequence": "CANARY1234\x1b[31mCANARY",
    "another alphabet": "CANARYСANARYCANARY12",
    "a variable": "${CANARY_1234}",
    "a path": "/run/secrets/CANARY",
    "half a PEM block": "-----BEGIN PRIVATE KEY-----\\nCANARY1234",
}


@shows(
    53,
    "a malformed secret",
    injected="line break, smart quote, NUL, blank, in the environment and in the config",
    expected="the field is named, the value never shown",
    codes=(6,),
    over={"kind": BAD, "source": ["environment", "config", "command"]},
)
def test_a_malformed_secret(case: Case, venue: str, kind: str, source: str) -> None:
    case.secrets.add("CANARY")
    field, value = field_of(venue), BAD[kind]
    server = case.server(venue)
    good = dict(server.credentials)
    table = {**profile_table(venue, server), "credentials": {name: one for name, one in good.items() if name != field}}
    environ: dict[str, str] = {}
    if source == "environment":
        environ[f"CANCELALL_{venue.upper()}_{field.upper()}"] = value
    elif source == "config":
        table["credentials"] = {**good, field: value}
    else:
        note = case.home / "note"
        note.write_bytes(value.encode())
        table["secret_command"] = {field: ["cat", str(note)]}
    ended = case.kill(venue, table, environ=environ)
    report = ended.report
    assert report.error is not None
    assert (report.verdict, report.requests, server.requests) == (Verdict.UNCONFIGURED, 0, [])
    assert field in report.error.message


@shows(
    53,
    over={
        "around": [
            "{}\n",
            "{}\r\n",
            " {} ",
            "\ufeff{}\u00a0",
            "\u200b{}",
            "“{}”",
            "'{}'\n",
            "FIELD={}",
            'export FIELD="{}"',
        ]
    },
)
def test_what_stands_around_it_is_harmless(case: Case, venue: str, around: str) -> None:
    server = case.server(venue)
    field = field_of(venue)
    variable = f"CANCELALL_{venue.upper()}_{field.upper()}"
    environ = {variable: around.replace("FIELD", variable).format(server.credentials[field])}
    case.kill(venue, profile_table(venue, server), environ=environ, codes=[0], deadline=4)
