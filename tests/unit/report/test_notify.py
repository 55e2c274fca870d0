"""The notify command: told once, of its profiles, in bounded time, and without any say in the outcome."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import sys
import threading
import time
import tomllib
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from cancelall import simulator
from cancelall.core import secret
from cancelall.core.model import Order, State, Verdict
from cancelall.core.positions import Position, PositionReport, PositionsReport, ProtectiveOrder, Role
from cancelall.core.results import OrderReport, ProfileReport, RunFacts, Timing
from cancelall.report import notify
from cancelall.report.lines import profile_line
from cancelall.report.notify import Notification, without_secrets
from cancelall.simulator import SimServer
from support import ROOT, cancelall, environment, profile_table, write_config

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of POSIX systems")


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=4) as running:
        yield running


def keeps(path: Path) -> list[str]:
    """A command that adds its standard input to a file, and its environment to another one."""
    code = f"import os, sys; open({str(path)!r}, 'a').write(sys.stdin.read() + '--\\n'); " + (
        f"open({str(path) + '.env'!r}, 'w').write(repr(dict(os.environ)))"
    )
    return [sys.executable, "-c", code]


def failing(words: list[str], text: str = "{}\n") -> str:
    """What is said of a command that goes wrong."""
    (said,) = Notification({tuple(words): text}, dict(os.environ)).wait()
    return said


# --- one command ----------------------------------------------------------------------------------------------------


def test_a_command_gets_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "told"
    text = '{"a": 1}\n' * 50_000  # more than a pipe holds
    assert Notification({tuple(keeps(path)): text}, dict(os.environ)).wait() == []
    assert path.read_text() == text + "--\n"


def test_one_that_does_not_read_is_no_failure() -> None:
    assert Notification({("true",): "x" * 1_000_000}, dict(os.environ)).wait() == []


def test_what_it_prints_is_dropped_but_for_the_last_line_of_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    secret.register("CANARYSECRET")
    said = failing(["sh", "-c", "echo out; yes | head -c 300000 >&2; echo the last CANARYSECRET >&2; exit 3"])
    assert said == "notify command: sh ended with exit 3: the last ***"
    assert capfd.readouterr() == ("", "")


def test_one_that_does_not_exist() -> None:
    said = failing(["/nonexistent/apprise", "tgram://TOKEN"])
    assert said == "notify command: /nonexistent/apprise could not be run: No such file or directory"


def test_all_of_them_are_bounded_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a command has started goes with it."""
    monkeypatch.setattr(notify, "SECONDS", 0.5)
    began = time.monotonic()
    lines = {("sh", "-c", f"sleep 30 & echo $! > {tmp_path}/{index}; sleep 30"): "{}\n" for index in range(3)}
    said = Notification(lines, dict(os.environ)).wait()
    assert said == ["notify command: sh took longer than 0.5 s and was killed"] * 3
    assert time.monotonic() - began < 10
    for index in range(3):
        number = (tmp_path / str(index)).read_text().strip()
        assert ends(number)


def ends(number: str) -> bool:
    """Whether a process is over soon."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(int(number), 0)
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_no_secret_is_in_its_environment() -> None:
    secret.register("CANARYSECRET")
    environ = {
        "PATH": "/bin",
        "CANCELALL_BYBIT_API_KEY": "key",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "OTHER": "with CANARYSECRET in it",
        "TELEGRAM_TOKEN": "of the user's own",
    }
    assert without_secrets(environ) == {"PATH": "/bin", "TELEGRAM_TOKEN": "of the user's own"}


# --- the whole thing ------------------------------------------------------------------------------------------------


def told(path: Path) -> list[list[str]]:
    """For each time that a command was run, the profiles that it was told of."""
    return [
        sorted(json.loads(line)["profile"] for line in part.splitlines())
        for part in path.read_text().split("--\n")[:-1]
    ]


def test_each_command_once_with_its_profiles(server: SimServer, home: Path) -> None:
    one, two = home / "one", home / "two"
    table = profile_table("bybit", server, category=["spread"])
    tables = {"a": table, "b": table, "c": {**table, "notify_command": keeps(two)}}
    tables |= {"broken": {"venue": "bybit", "nonsense": 1}}
    path = write_config(home / "config.toml", tables, {"notify_command": keeps(one)})
    ran = cancelall("all", "--json", "--config", str(path), home=home, env={"CANCELALL_A_DEADLINE": "20"})
    assert ran.code == 6
    assert told(two) == [["c"]]
    assert told(one) == [["a", "b", "broken"]]
    lines = {json.dumps(line) for line in ran.lines}
    sent = [json.dumps(json.loads(line)) for line in one.read_text().splitlines() if line != "--"]
    assert set(sent) <= lines  # the same lines as on stdout
    assert "CANCELALL_A_DEADLINE" not in (home / "one.env").read_text()


def test_the_flag_replaces_the_config_and_no_shell_is_run(server: SimServer, home: Path) -> None:
    mine, other = home / "it's $(mine)", home / "other"
    table = profile_table("bybit", server, category=["spread"], notify_command=keeps(other))
    path = write_config(home / "config.toml", {"bybit": table})
    words = ["bybit", "--dry-run", "--config", str(path), "--notify-command"]
    assert cancelall(*words, shlex.join(keeps(mine)), home=home).code == 0
    assert cancelall(*words, "", home=home).code == 0
    assert told(mine) == [["bybit"]]
    assert not other.exists()


def test_a_failure_is_a_warning_and_no_more(server: SimServer, home: Path) -> None:
    env = {**environment("bybit", server), "CANCELALL_BYBIT_CATEGORY": "spread"}
    words = ["bybit", "--json", "--notify-command", "sh -c 'echo TOKEN is wrong >&2; exit 7'"]
    ran = cancelall(*words, home=home, env=env)
    assert (ran.code, ran.line["verdict"]) == (0, "clear")
    assert "cancelall: WARNING: notify command: sh ended with exit 7: TOKEN is wrong" in ran.err


def test_a_profile_that_does_not_exist_is_told_too(home: Path) -> None:
    path = home / "told"
    ran = cancelall("bybit", "--profile", "nobody", "--notify-command", shlex.join(keeps(path)), home=home)
    assert (ran.code, told(path)) == (6, [["nobody"]])


def test_bad_words(home: Path) -> None:
    ran = cancelall("bybit", "--notify-command", "sh -c 'x", home=home)
    assert (ran.code, "--notify-command" in ran.err) == (2, True)


def test_a_shown_config_keeps_the_token(home: Path) -> None:
    words = ["apprise", "tgram://CANARYTOKEN/1"]
    path = write_config(home / "config.toml", {"a": {"venue": "bybit", "notify_command": words}})
    shown = cancelall("config", "show", "--config", str(path), home=home).out
    assert "apprise" in shown
    assert "CANARYTOKEN" not in shown


# --- the recipes ----------------------------------------------------------------------------------------------------

DOCS = (ROOT / "docs" / "notify.md").read_text(encoding="utf-8")
RECIPES = [tomllib.loads(block)["notify_command"] for block in re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)]
HOSTS = r"https://(api\.telegram\.org|hooks\.slack\.com|ntfy\.sh)"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted."""

    posted: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.posted.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="the recipes are made of jq and curl")
def test_the_recipes_do_what_they_say(tmp_path: Path) -> None:
    """Those of the documentation as they stand, but for the hosts; `apprise` and `mail` are stood in for."""
    (program,) = re.findall(r"```jq\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "words.jq").write_text(program)
    for name in ("apprise", "mail"):
        stub = tmp_path / "bin" / name
        stub.parent.mkdir(exist_ok=True)
        stub.write_text(f'#!/bin/sh\n{{ echo "{name} $*"; cat; }} >> {tmp_path}/stubs\n')
        stub.chmod(0o755)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stop = ProtectiveOrder(order_id="1", role=Role.STOP, trigger_price="58000")
    bare = PositionReport(position=Position(symbol="BTC", side="long", size="2"), lost_stops=(stop,))
    safe = PositionReport(position=Position(symbol="ETH", side="long", size="2"), stops=(stop,))
    lost = PositionsReport(positions=(bare, safe))
    bad = replace(report("one"), verdict=Verdict.OPEN, warnings=("look & see",), positions=lost, orders=ORDERS)
    run = RunFacts(machine="vps-3", reason="drill")
    text = profile_line(bad, run) + profile_line(report("two"), run)
    environ = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    try:
        for words in RECIPES:
            told_ = words[-1].replace("/etc/cancelall/words.jq", str(tmp_path / "words.jq"))
            told_ = re.sub(HOSTS, f"http://127.0.0.1:{server.server_port}", told_)
            assert Notification({(*words[:-1], told_): text}, environ).wait() == []
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    when = "  vps-3, 2026-11-29T12:00:01.250Z\n  reason: drill\n"
    worst = (
        f"one: OPEN, 2 cancelled, 1 open (exit 10)\n{when}  ! look & see\n  ! BTC long 2 has lost its stop at 58000\n"
    )
    said = f"{worst}two: CLEAR (exit 0)\n{when}"
    telegram, slack, ntfy = Receiver.posted
    assert telegram[0] == "/botTOKEN/sendMessage"
    assert dict(urllib.parse.parse_qsl(telegram[1])) == {"chat_id": "CHAT", "text": said}
    assert (slack[0], json.loads(slack[1])) == ("/services/T0/B0/XXX", {"text": said})
    assert ntfy == ("/TOPIC", said)
    mail = "mail -s cancelall desk@example.com"
    only = f"mail -E -s cancelall desk@example.com\n{worst}"
    assert (tmp_path / "stubs").read_text() == (f"apprise -t cancelall tgram://TOKEN/CHAT\n{said}{mail}\n{said}{only}")


ORDERS = tuple(
    OrderReport(order=Order(id=str(number), segment="s"), state=state)
    for number, state in enumerate((State.OPEN, State.CANCELLED, State.CANCELLED))
)


def report(name: str) -> ProfileReport:
    where = {"venue": "bybit", "environment": "live", "host": "https://host"}
    return ProfileReport(
        profile=name, **where, scope={}, dry_run=False, verdict=Verdict.CLEAR, timing=Timing(verdict_at=1795953601250)
    )
