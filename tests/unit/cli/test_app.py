"""The real command in a process of its own: what it prints, where, and with which exit code."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.cli import app, kills
from cancelall.simulator import SimServer
from ports import full_pipe
from support import ROOT, Ran, cancelall, environment, paths, profile_table, started, write_config


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=40) as running:
        yield running


@pytest.fixture
def config(server: SimServer, home: Path) -> Path:
    return write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})


# --- the main job ---------------------------------------------------------------------------------------------------


@pytest.mark.alone("on a busy machine the exchange reads its connections in another order")
def test_the_venues_own_example(home: Path) -> None:
    with simulator.start("bybit", orders=0) as server:
        mine = [place(server, index) for index in range(30)]
        ran = cancelall("bybit", "--settle-coin", "USDT", home=home, env=environment("bybit", server))
        first = server.requests[0]
        left = server.open_orders()
    assert (ran.code, left) == (0, [])
    assert (first.method, first.path) == ("POST", "/v5/order/cancel-all")
    assert first.body == b'{"category":"linear","settleCoin":"USDT"}'
    for identity in mine:
        assert identity in ran.out.replace("\n", "").replace(" ", "") or identity[:15] in ran.out
    told, positions = ran.out.split("bybit: positions", 1)
    assert told.rstrip().splitlines()[-1].startswith(" CLEAR ")
    assert "SOLUSDT short 0.5" in positions
    assert "cancelling settle-coin USDT on bybit (live) http://127.0.0.1" in ran.err


def place(server: SimServer, index: int) -> str:
    """A limit order on the fake's book."""
    what = {"symbol": "BTCUSDT", "segment": "linear", "side": "buy", "type": "limit", "kind": "Order"}
    amounts = {"price": "60000", "quantity": "0.1", "remaining": "0.1"}
    extra = {"category": "linear", "settleCoin": "USDT"}
    order = simulator.SimOrder(id=f"00000000-0000-4000-8000-{index:012d}", **what, **amounts, extra=extra)
    server.fake.place(server.account, order)
    return order.id


def test_json_is_exactly_the_documented_object(home: Path) -> None:
    with simulator.start("bybit", orders=0) as server:
        place(server, 1)
        ran = cancelall("bybit", "--settle-coin", "USDT", "--json", home=home, env=environment("bybit", server))
    line = ran.line
    assert ran.code == 0
    assert list(line) == [
        *("schema", "profile", "venue", "environment", "host", "scope", "dry_run", "verdict", "exit_code", "segments"),
        *("orders", "counts", "not_covered", "requests", "timing_ms", "error", "warnings"),
        *("positions", "positions_unknown", "run", "time", "machine", "reason", "shard"),
    ]
    assert (line["schema"], line["profile"], line["venue"], line["environment"]) == (1, "bybit", "bybit", "live")
    assert (line["scope"], line["dry_run"], line["verdict"]) == ({"settle_coin": "USDT"}, False, "clear")
    assert line["exit_code"] == 0
    assert list(*line["segments"]) == ["name", "verdict", "mass_cancels", "listings", "detail"]
    assert list(line["orders"][0]) == [
        *("id", "client_id", "symbol", "side", "type", "price", "quantity", "remaining", "segment", "protective"),
        *("state", "reason"),
    ]
    assert list(line["counts"]) == ["cancelled", "filled", "gone", "open", "failed", "kept"]
    assert list(line["timing_ms"]) == ["first_request", "first_ack", "verdict"]
    assert 0 < line["timing_ms"]["first_request"] <= line["timing_ms"]["first_ack"] <= line["timing_ms"]["verdict"]
    assert line["host"] == server.origin
    assert line["requests"] == len(server.requests)


def test_a_line_says_which_run_it_belongs_to(server: SimServer, config: Path, home: Path) -> None:
    """The journal's name of the run, the moment of its verdict, this machine, and why."""
    before = time.time()
    ran = cancelall("all", "--json", "--reason", "a drill", "--config", str(config), home=home)
    after = time.time()
    line = ran.line
    journal = home / ".local/state/cancelall/journal.jsonl"
    events = [json.loads(one) for one in journal.read_text().splitlines()]
    (began,) = (one for one in events if one["event"] == "run_start")
    assert (line["run"], line["machine"], line["reason"]) == (began["run"], began["host"], "a drill")
    assert {**line["shard"], "checksum": ""} == {"index": 1, "count": 1, "lines": 1, "profiles": 1, "checksum": ""}
    moment = datetime.datetime.fromisoformat(line["time"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert before < moment.timestamp() < after
    listed = cancelall("orders", "--json", "--config", str(config), home=home).line
    assert (listed["run"], listed["machine"], listed["reason"], listed["shard"]) == (None, began["host"], None, None)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_quiet_runs_read_no_details(form: tuple[str, ...], config: Path, server: SimServer, home: Path) -> None:
    """What became of orders that the kill overtook is known by their ids alone."""
    cancelall("bybit", "-q", *form, "--config", str(config), home=home)
    quiet = [request.path for request in server.requests if "history" in request.path]
    with simulator.start("bybit", orders=40) as another:
        again = write_config(home / "again.toml", {"bybit": profile_table("bybit", another)})
        cancelall("bybit", *form, "--config", str(again), home=home)
        usual = [request.path for request in another.requests if "history" in request.path]
    assert (quiet, bool(usual)) == ([], True)


def test_dry_run_and_orders_only_read(server: SimServer, config: Path, home: Path) -> None:
    before = server.open_orders()
    dry = cancelall("bybit", "--dry-run", "--config", str(config), home=home)
    listed = cancelall("orders", "--json", "--config", str(config), home=home)
    assert server.open_orders() == before
    assert not [request for request in server.requests if request.changes]
    assert (dry.code, listed.code) == (0, 0)
    assert "would send: POST /v5/order/cancel-all" in dry.out
    assert "nothing was sent" in dry.out
    assert len(listed.line["orders"]) >= len(before)
    assert listed.line["verdict"] == "open"


def test_all_with_no_config_takes_the_venues_whose_secrets_are_there(server: SimServer, home: Path) -> None:
    ran = cancelall("all", "--json", home=home, env=environment("bybit", server))
    assert (ran.code, [line["profile"] for line in ran.lines]) == (0, ["bybit"])
    assert server.open_orders() == []


def test_many_profiles_one_of_them_broken(server: SimServer, home: Path) -> None:
    profiles = {"one": profile_table("bybit", server), "two": {"venue": "bybit", "settle_coinn": "USDT"}}
    path = write_config(home / "config.toml", profiles)
    ran = cancelall("all", "--json", "--config", str(path), home=home)
    verdicts = {line["profile"]: line["verdict"] for line in ran.lines}
    assert (ran.code, verdicts) == (6, {"one": "clear", "two": "unconfigured"})
    broken = next(line for line in ran.lines if line["profile"] == "two")
    assert 'unknown key "settle_coinn" (did you mean "settle_coin"?)' in broken["error"]["message"]
    assert "line " in broken["error"]["message"]


def test_shards_share_all_profiles_out_and_stay_when_some_are_added_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []
    monkeypatch.setattr(kills, "execute", lambda profiles, *more, **keys: chosen.extend(one.name for one in profiles))

    def shards(number: int, count: int) -> list[list[str]]:
        path = write_config(tmp_path / "config.toml", {f"p{index:02}": {"venue": "bybit"} for index in range(number)})
        found = []
        for index in range(1, count + 1):
            chosen.clear()
            app.main(["all", "--config", str(path), "--shard", f"{index}/{count}"])
            found.append(list(chosen))
        return found

    for count in (1, 2, 5, 12):
        parts = shards(11, count)
        assert sorted(name for part in parts for name in part) == [f"p{index:02}" for index in range(11)]
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        assert [part[: len(before)] for part, before in zip(shards(15, count), parts, strict=True)] == parts


def test_only_skip_and_shard(server: SimServer, home: Path) -> None:
    profiles = {name: profile_table("bybit", server, category=["spread"]) for name in ("aa", "ab", "bb", "bc")}
    path = write_config(home / "config.toml", profiles)

    def chosen(*words: str) -> list[str]:
        ran = cancelall("all", "--json", "--config", str(path), *words, home=home)
        assert ran.code == 0, ran
        return sorted(line["profile"] for line in ran.lines)

    assert chosen("--only", "a*", "--only", "bc") == ["aa", "ab", "bc"]
    assert chosen("--skip", "?b", "--shard", "1/2") == ["aa"]
    assert chosen("--skip", "?b", "--shard", "2/2") == ["bc"]
    empty = cancelall("all", "--config", str(path), "--only", "aa", "--shard", "2/2", home=home)
    assert (empty.code, "none of the 1 selected" in empty.err) == (0, True)
    none = cancelall("all", "--config", str(path), "--only", "zz*", home=home)
    assert (none.code, "aa, ab, bb, bc" in none.err) == (6, True)


def test_a_selector_replaces_all_of_the_profiles(server: SimServer, home: Path) -> None:
    path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server, settle_coin="USDT")})
    line = cancelall("bybit", "--category", "spread", "--json", "--config", str(path), home=home).line
    assert line["scope"] == {"category": ["spread"]}
    line = cancelall("bybit", "--everything", "--dry-run", "--json", "--config", str(path), home=home).line
    assert (line["scope"], len(line["segments"])) == ({}, 7)


# --- bad input ------------------------------------------------------------------------------------------------------


def one_line(ran: Ran, code: int, *words: str) -> None:
    """One clear line on stderr, the right code, no traceback."""
    assert ran.code == code, ran
    assert len(ran.err.strip().splitlines()) == 1, ran.err
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bybit", "--settlecoin", "USDT"], 2, "--settle-coin"),
        (["bybbit"], 2, "bybit"),
        (["bybit", "--category", "futures"], 2, "futures"),
        (["bybit", "--symbol", "BTC USDT"], 2, "--symbol"),
        (["bybit", "--symbol", "BTCUSDT", "--settle-coin", "USDT"], 2, "silently ignore"),
        (["bybit", "--everything", "--settle-coin", "USDT"], 2, "contradict"),
        (["bybit", "--symbol", "--json"], 2, "--symbol has no value"),
        (["bybit", "--symbol", "", "--json"], 2, "--symbol has no value"),
        (["all", "--only", "--json"], 2, "--only has no value"),
        (["bybit", "--deadline", "0"], 2, "--deadline"),
        *(
            ([command, "--deadline", "0.99"], 2, "--deadline must be from 1 to 86400")
            for command in ("bybit", "all", "orders", "check", "demo")
        ),
        *((["bybit", "--deadline", value], 2, "--deadline") for value in ("-3", "nan")),
        (["bybit", "--environment", "mars"], 2, "mars"),
        (["bybit", "--recv-window", "1"], 2, "--recv-window"),
        (["bybit", "--profile", "nobody"], 6, "nobody"),
        (["bybit", "--config", "/nonexistent.toml"], 6, "/nonexistent.toml"),
        (["orders", "nobody"], 6, "nobody"),
        (["all"], 6, "no profile is configured"),
        (["all", "--shard", "5/4"], 2, "--shard"),
        (["demo", "--fault", "nonsense"], 2, "nonsense"),
    ],
)
def test_bad_words_on_the_command_line(home: Path, words: list[str], code: int, said: str) -> None:
    one_line(cancelall(*words, home=home), code, said)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"venue": "bybitt"}, 'did you mean "bybit"'),
        ({"venue": "bybit", "settle_coin": 5}, "settle_coin must be text"),
        ({"venue": "bybit", "recv_window": "long"}, "recv_window must be a whole number"),
        ({"venue": "bybit", "category": "linearr"}, 'did you mean "linear"'),
        ({"venue": "bybit", "symbol": ["BTCUSDT"], "settle_coin": "USDT"}, "cannot be combined"),
        ({"venue": "bybit", "base_url": "http://api.example.com"}, "loopback"),
        ({"venue": "bybit", "deadline": -1}, "deadline must be"),
        ({"venue": "bybit", "deadline": 0.9}, "deadline must be from 1 to 86400"),
        ({"venue": "bybit", "credentials": {"api_keyy": "x"}}, 'did you mean "api_key"'),
        ({"venue": "bybit", "environment": "testnett"}, 'did you mean "testnet"'),
    ],
)
def test_bad_values_in_the_config(home: Path, table: dict[str, Any], said: str) -> None:
    path = write_config(home / "config.toml", {"main": table})
    ran = cancelall("all", "--json", "--config", str(path), home=home)
    assert (ran.code, ran.line["verdict"], ran.line["error"]["kind"]) == (6, "unconfigured", "config")
    assert said in ran.line["error"]["message"]
    assert "[profiles.main" in ran.line["error"]["message"]
    assert ", line " in ran.line["error"]["message"]


SEQUENCE = "\x1b]0;owned\x07\u202e\x9b31m"


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize("command", [["all"], ["all", "-q"], ["all", "--dry-run", "-v"], ["check"], ["auth", "status"]])
def test_no_sequence_of_the_config_reaches_the_terminal(home: Path, command: list[str], json_lines: bool) -> None:
    broken = {
        SEQUENCE: {"venue": "bybit"},
        "venue": {"venue": SEQUENCE},
        "key": {"venue": "bybit", SEQUENCE: 1},
        "value": {"venue": "bybit", "environment": SEQUENCE},
        "command": {"venue": "bybit", "secret_command": {"api_key": [SEQUENCE], "api_secret": [SEQUENCE]}},
        "secret": {"venue": "bybit", "credentials": {"api_key": SEQUENCE, "api_secret": SEQUENCE}},
    }
    path = write_config(home / "config.toml", broken)
    env = {"CANCELALL_COMMAND_BASE_URL": "http://127.0.0.1:9", "CANCELALL_SECRET_BASE_URL": "http://127.0.0.1:9"}
    words = [*command, *(["--json"] if json_lines else []), "--config", str(path)]
    ran = cancelall(*words, home=home, env=env)
    assert ran.code == (12 if command == ["check"] else 6), ran.err
    shown = ran.out + ran.err
    assert not [letter for letter in "\x07\u202e\x9b" if letter in shown]
    assert "\x1b]" not in shown
    if json_lines:
        assert len(ran.lines) == len(broken)


def test_config_show_shows_programs_and_no_sequence(home: Path) -> None:
    table = {"venue": "bybit", "secret_command": {"api_key": ["pass", "CANARY"]}, "proxy": "a" + SEQUENCE, SEQUENCE: 1}
    path = write_config(home / "config.toml", {"main": table})
    ran = cancelall("config", "show", "--config", str(path), home=home)
    assert (ran.code, ran.out.replace("\n", "").isprintable()) == (0, True)
    assert "pass" in ran.out
    assert "CANARY" not in ran.out


@pytest.mark.parametrize(
    "words", [["bybit", "--json"], ["all"], ["orders"], ["check"], ["config", "show"], ["auth", "status"]]
)
@pytest.mark.turns(0)
def test_a_config_in_a_directory_that_others_can_write_is_refused(
    server: SimServer, home: Path, words: list[str]
) -> None:
    folder = home / "shared"
    folder.mkdir()
    path = write_config(folder / "config.toml", {"bybit": profile_table("bybit", server)})
    folder.chmod(0o1777)
    ran = cancelall(*words, home=home, env={"CANCELALL_CONFIG": str(path)})
    assert (ran.code, server.requests) == (6, []), ran.out
    assert "is in a directory that others can write" in ran.out + ran.err
    assert len(ran.err.splitlines()) <= 1
    path.unlink()
    assert cancelall("all", home=home, env=environment("bybit", server)).code == 0


def test_a_config_that_is_made_where_no_kill_will_read_it_is_told(home: Path) -> None:
    folder = home / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    ran = cancelall("config", "init", "--config", str(folder / "config.toml"), home=home)
    assert (ran.code, "no kill will read it there" in ran.err) == (0, True)
    ran = cancelall("config", "init", "--config", str(home / "config.toml"), home=home)
    assert (ran.code, ran.err) == (0, "")


def test_a_config_that_no_parser_survives_is_refused_at_once(home: Path) -> None:
    path = home / "config.toml"
    path.write_text("a." * 100_000 + "a = 1\n")
    path.chmod(0o600)
    one_line(cancelall("all", "--config", str(path), home=home, seconds=10), 6, "line 1: a key of more than 16 parts")


def test_what_a_failing_command_says_is_not_repeated(home: Path, server: SimServer) -> None:
    secret = server.credentials["api_secret"]
    script = ["sh", "-c", f"echo no: {secret} >&2; echo {secret}; exit 1"]
    table = profile_table("bybit", server, secret_command={"api_secret": script})
    path = write_config(home / "config.toml", {"bybit": {**table, "credentials": {"api_key": "key-0001"}}})
    for words in (["bybit"], ["bybit", "--json"], ["check"], ["check", "--json"], ["auth", "status", "--json"]):
        ran = cancelall(*words, "--config", str(path), home=home)
        assert ran.code == 6
        assert "secret_command of api_secret (sh) ended with code 1" in ran.out + ran.err
        assert secret not in ran.out + ran.err
        assert "no:" not in ran.out + ran.err


def test_a_missing_secret_names_every_place(home: Path) -> None:
    line = cancelall("bybit", "--json", home=home).line
    message = line["error"]["message"]
    assert (line["verdict"], line["exit_code"], line["error"]["kind"]) == ("unconfigured", 6, "secret")
    places = ("credentials directory", "CANCELALL_BYBIT_API_KEY", "secret_command", "[credentials]", "keyring")
    assert [one for one in places if one not in message] == []


@pytest.mark.parametrize("value", ["CANARY line\nbreak", "CANARY’quote’", "CANARY space"])
def test_a_malformed_secret_is_named_never_shown(home: Path, value: str) -> None:
    env = {"CANCELALL_BYBIT_API_KEY": "k" * 20, "CANCELALL_BYBIT_API_SECRET": value, "LC_ALL": "C.UTF-8"}
    ran = cancelall("bybit", home=home, env=env)
    assert ran.code == 6
    assert "api_secret" in ran.out
    assert "CANARY" not in ran.out + ran.err


def test_an_unconfigured_profile_still_gets_its_line(home: Path) -> None:
    ran = cancelall("bybit", "--profile", "nobody", "--json", home=home)
    assert (ran.code, ran.line["profile"], ran.line["verdict"]) == (6, "nobody", "unconfigured")
    one_line(ran, 6, 'there is no profile "nobody"')
    ran = cancelall("bybit", "--profile", "nobody", home=home)
    assert "UNCONFIGURED  nobody (bybit)" in ran.out


def test_a_flag_that_does_not_fit_one_venue_holds_up_no_other(server: SimServer, home: Path) -> None:
    profiles = {"one": profile_table("bybit", server, settle_coin="USDC"), "two": {"venue": "bitget"}}
    path = str(write_config(home / "config.toml", profiles))
    ran = cancelall("all", "--environment", "testnet", "--json", "--config", path, home=home)
    verdicts = {line["profile"]: line["verdict"] for line in ran.lines}
    assert (ran.code, verdicts) == (6, {"one": "clear", "two": "unconfigured"})
    assert 'Bitget has no environment "testnet"' in ran.err
    ran = cancelall("all", "--environment", "mars", "--json", "--config", path, home=home)
    one_line(ran, 2, "mars")
    assert (ran.line["profile"], ran.line["exit_code"]) == (None, 2)


def test_quiet_still_tells_why_nothing_was_sent(home: Path) -> None:
    path = write_config(home / "config.toml", {"main": {"venue": "bybit", "settlecoin": "USDT"}})
    ran = cancelall("bybit", "--quiet", "--config", str(path), home=home)
    one_line(ran, 6, "main: ", 'unknown key "settlecoin" (did you mean "settle_coin"?)')
    assert ran.out.split()[:2] == ["UNCONFIGURED", "main"]


def test_orders_of_a_profile_that_does_not_exist_hold_up_no_other(config: Path, server: SimServer, home: Path) -> None:
    ran = cancelall("orders", "nobody", "bybit", "--json", "--config", str(config), home=home)
    lines = {line["profile"]: (line["verdict"], line["exit_code"]) for line in ran.lines}
    assert (ran.code, lines) == (6, {"nobody": ("unconfigured", 6), "bybit": ("open", 0)})
    ran = cancelall("orders", "--config", str(config), home=home)
    assert "would send" not in ran.out
    assert "would send" in cancelall("bybit", "--dry-run", "--config", str(config), home=home).out
    assert server.requests
    assert not any(request.changes for request in server.requests)


# --- config commands ------------------------------------------------------------------------------------------------


def test_config_init_writes_once_and_privately(home: Path) -> None:
    path = Path(cancelall("config", "path", home=home).out.strip())
    assert path == home / ".config" / "cancelall" / "config.toml"
    assert cancelall("config", "init", home=home).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == (ROOT / "config.example.toml").read_text()
    path.write_text("# mine\n")
    one_line(cancelall("config", "init", home=home), 6, "exists already")
    assert path.read_text() == "# mine\n"


def test_config_show_redacts(config: Path, server: SimServer, home: Path) -> None:
    ran = cancelall("config", "show", "--config", str(config), home=home)
    assert ran.code == 0
    assert server.origin in ran.out
    for value in server.credentials.values():
        assert value not in ran.out


# --- streams, signals, secrets --------------------------------------------------------------------------------------


def test_an_unread_stderr_does_not_delay_a_send(server: SimServer, config: Path, home: Path) -> None:
    """stderr is a pipe that is full before the start: nothing can ever be written to it."""
    reading, writing = full_pipe()
    with started("bybit", "--json", "-v", "--config", str(config), home=home, stderr=writing) as process:
        out, _ = process.communicate(timeout=20)
    os.close(writing)
    os.close(reading)
    assert (process.returncode, json.loads(out)["verdict"]) == (0, "clear")
    assert server.open_orders() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_what_is_known(home: Path, number: int, code: int) -> None:
    with simulator.start("bybit", orders=12, faults=["stall"]) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})
        process = started("bybit", "--json", "--config", str(path), home=home)
        until = time.monotonic() + 10
        while not server.requests and time.monotonic() < until:
            server.fake.has_fault("stall")
        process.send_signal(number)
        out, _ = process.communicate(timeout=10)
    line = json.loads(out)
    assert process.returncode == code
    assert line["error"]["kind"] == "interrupted"
    assert line["verdict"] != "clear"


@pytest.mark.alone("the deadline of a command is measured")
def test_the_deadline_holds_in_wall_time(home: Path) -> None:
    with simulator.start("bybit", orders=12, faults=["stall"]) as server:
        began = time.monotonic()
        ran = cancelall("bybit", "--deadline", "4", "--json", home=home, env=environment("bybit", server))
        spent = time.monotonic() - began
    assert (ran.code, ran.line["verdict"]) == (12, "unreachable")
    assert spent < 4.5 + 2  # half a second for the verdict, the rest for a busy test machine


def test_no_secret_in_any_outlet(home: Path) -> None:
    """One canary through everything that prints: verbose kills, refusals that repeat the key, help, config, errors."""
    said = []
    for fault in ("clock=1", "key", "hostile", "html", "ip"):
        with simulator.start("bybit", orders=12, faults=[fault]) as server:
            env = environment("bybit", server)
            secrets = [value for name, value in env.items() if name.endswith(("_KEY", "_SECRET"))]
            for words in (["-v"], ["-v", "--json"], *([["--dry-run"]] if fault == "hostile" else [])):
                ran = cancelall("bybit", "--deadline", "1", *words, home=home, env=env)
                written = (home / ".local" / "state" / "cancelall" / "journal.jsonl").read_text()
                assert not [value for value in secrets if value in ran.out + ran.err + written]
                said.append(ran)
    wrong = {"CANCELALL_BYBIT_API_KEY": "CANARYKEY123456", "CANCELALL_BYBIT_API_SECRET": "CANARYSECRET123456"}
    with simulator.start("bybit", orders=12) as server:
        wrong["CANCELALL_BYBIT_BASE_URL"] = server.origin
        ran = cancelall("bybit", "-v", home=home, env=wrong)
        assert ran.code == 4
        assert "CANARY" not in ran.out + ran.err
    helped = cancelall("bybit", "--help", home=home, env=wrong)
    assert "CANARY" not in helped.out + helped.err
    assert len(said) == 11


def test_hostile_text_is_shown_harmless(home: Path) -> None:
    with simulator.start("bybit", orders=12, faults=["hostile"]) as server:
        env = environment("bybit", server)
        for words in ([], ["--json"], ["-v"]):
            ran = cancelall("bybit", "--dry-run", *words, home=home, env=env)
            assert "\x1b" not in ran.out + ran.err
            assert "\u202e" not in ran.out + ran.err
            assert "\0" not in ran.out + ran.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_stdout(config: Path, home: Path, encoding: str) -> None:
    ran = cancelall("bybit", "--config", str(config), home=home, env={"PYTHONIOENCODING": encoding, "LC_ALL": "C"})
    assert (ran.code, "CLEAR" in ran.out) == (0, True)


def test_ids_are_never_cut(config: Path, home: Path, server: SimServer) -> None:
    ids = [order.id for order in server.open_orders()]
    for width in ("40", "80", "200"):
        ran = cancelall("bybit", "--dry-run", "--config", str(config), home=home, env={"COLUMNS": width})
        assert max(map(len, ran.out.rstrip().splitlines()[:-1])) <= int(width)  # the verdict is one line in a pipe
        flat = "".join(character for character in ran.out if character.isalnum() or character == "-")
        # A folded cell shows at least the first and last characters.
        assert sum(identity in flat or (identity[:8] in flat and identity[-8:] in flat) for identity in ids) >= 34


def test_version_and_help_need_nothing(home: Path) -> None:
    version = cancelall("--version", home=home)
    assert version.code == 0
    assert version.out.startswith("cancelall 0.")
    assert "requests" in version.out
    helped = cancelall("bybit", "--help", home=home)
    assert helped.code == 0
    for flag in ("--settle-coin", "--keep-protective", "--dry-run", "--json", "--everything", "--deadline"):
        assert flag in helped.out


@pytest.mark.faults
def test_demo_is_the_whole_thing(home: Path) -> None:
    ran = cancelall("demo", "--json", "--orders", "12", home=home)
    assert ran.code == 0
    assert {line["verdict"] for line in ran.lines} == {"clear"}
    assert all(line["orders"] for line in ran.lines)
    failing = cancelall("demo", "--quiet", "--fault", "listing-fails", "--deadline", "4", home=home)
    assert failing.code == 11


def test_demo_can_be_served_and_tried(home: Path) -> None:
    process = started("demo", "--serve", "--orders", "10", home=home, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        path = process.stdout.readline().decode().removeprefix("--config ").strip()
        ran = cancelall("bybit", "--json", "--config", path, home=home)
        assert (ran.code, ran.line["counts"]["open"]) == (0, 0)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_paths_are_told(server: SimServer, config: Path, home: Path) -> None:
    """-v shows every request, without headers or bodies."""
    ran = cancelall("bybit", "-v", "--config", str(config), home=home)
    shown = [line for line in ran.err.splitlines() if " /v5/" in line]
    assert len(shown) == len(paths(server))
    assert not [line for line in shown if "X-BAPI" in line or 'settleCoin":' in line]


@pytest.mark.faults
def test_a_stopped_terminal_does_not_delay_a_send(server: SimServer, config: Path, home: Path) -> None:
    """Both streams are a terminal that takes nothing (Ctrl-S): the account is empty before it takes anything again."""
    import pty
    import termios

    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    words = ("bybit", "--config", str(config))
    process = started(*words, home=home, env={"TERM": "xterm"}, stdout=slave, stderr=slave)
    until = time.monotonic() + 15
    while server.open_orders() and time.monotonic() < until:
        process.poll()
    assert server.open_orders() == []
    termios.tcflow(slave, termios.TCOON)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux tells the end of a terminal
        while chunk := os.read(master, 65536):
            shown += chunk
    os.close(master)
    assert process.wait(15) == 0
    assert b"CLEAR" in shown


@pytest.mark.parametrize(
    "line",
    [
        *("bybit --symbol BTC!USDT", "bybit --deadline 0", "bybit --config /nonexistent.toml", "all --only zz"),
        *("bybit --profile nobody --json", "config show", "--help", "--version"),
    ],
)
def test_no_command_repeats_a_secret_of_the_environment(home: Path, line: str) -> None:
    env = {"CANCELALL_BYBIT_API_KEY": "CANARYKEY123456", "CANCELALL_BYBIT_API_SECRET": "CANARYSECRET123456"}
    ran = cancelall(*line.split(), home=home, env=env)
    assert "CANARY" not in ran.out + ran.err


def test_a_broken_config_does_not_repeat_its_lines(home: Path) -> None:
    path = home / "broken.toml"
    path.write_text('[profiles.bybit.credentials]\napi_secret = "CANARYSECRET123456\n')
    path.chmod(0o600)
    ran = cancelall("bybit", "--config", str(path), home=home)
    one_line(ran, 6, "line 2")
    assert "CANARY" not in ran.out + ran.err


def test_no_command_shows_the_help(home: Path) -> None:
    ran = cancelall(home=home)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: cancelall")


def test_the_readme_names_every_command_and_option(home: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    top = cancelall("--help", home=home).out
    for command in ("all", "orders", "config", "journal", "demo", "bybit"):
        assert f"  {command} " in top
        assert f"cancelall {command}" in readme
    helped = cancelall("all", "--help", home=home).out + cancelall("bybit", "--help", home=home).out
    flags = {word.strip(",") for word in helped.split() if word.startswith("--")} - {"--help"}
    for flag in flags:
        assert flag in readme, flag


# --- how much of the command line is loaded -------------------------------------------------------------------------


def test_a_list_of_commands_says_what_the_commands_say() -> None:
    whole, listed = app.command(), app.command("nothing of that name")
    assert [(name, one.get_short_help_str()) for name, one in listed.commands.items()] == [
        (name, one.get_short_help_str()) for name, one in whole.commands.items()
    ]
    for name in app.COMMANDS:
        assert list(app.command(name).commands) == [name]


@pytest.mark.parametrize("line", [["--", "bybit"], ["bybit"]])
def test_the_command_that_is_run_is_the_first_word_that_is_no_option(
    line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a shell that completes something has left in the environment."""
    ran: list[str] = []
    monkeypatch.setattr(kills, "run", lambda name, kill: ran.append(name) or 0)
    for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        monkeypatch.setenv(name, "cancelall orders")
    assert app.main(line) == 0
    assert ran == ["bybit"]
