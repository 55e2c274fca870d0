"""A machine that has little left: file descriptors, threads, address space. A kill sends its cancels all the same."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import ports
from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES
from faults.harness import allowance
from support import Ran, cancelall, environment, profile_table, write_config

pytestmark = pytest.mark.faults

DEADLINE = 15.0
THREADS = """
import sys, threading
left, start = [int(sys.argv.pop(1))], threading.Thread.start
def starting(self):
    if left[0] <= 0:
        raise RuntimeError("can't start new thread")
    left[0] -= 1
    start(self)
threading.Thread.start = starting
from cancelall.__main__ import run
run()
"""
"""The command where the system gives so many threads, and no more."""
Limit = Callable[[], None]


def files(number: int) -> Limit:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def address_space(megabytes: int) -> Limit:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def nothing() -> None:
    """No limit."""


def ran(
    home: Path,
    *words: str,
    limit: Limit = nothing,
    threads: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """The real command under a limit, to its end."""
    start = ("-m", "cancelall") if threads is None else ("-c", THREADS, str(threads))
    began = time.monotonic()
    ended = cancelall(*words, home=home, start=start, preexec_fn=limit, seconds=60, env=env)
    assert time.monotonic() - began < DEADLINE + 1.5 + allowance()
    assert "a bug" not in ended.out + ended.err
    assert "Traceback" not in ended.err
    return ended


@pytest.fixture
def venues(home: Path) -> Iterator[Mapping[str, SimServer]]:
    """One of each, behind TLS; a config with a profile for each."""
    authority = ports.Authority(home)
    with contextlib.ExitStack() as stack:
        servers = {
            venue: stack.enter_context(
                simulator.start(venue, orders=12, limits=False, ssl_context=authority.context("127.0.0.1"))
            )
            for venue in VENUES
        }
        tables = {name: profile_table(name, server) for name, server in servers.items()}
        write_config(home / "config.toml", tables, {"ca_bundle": str(authority.path), "deadline": DEADLINE})
        yield servers


def prints_secrets(servers: Mapping[str, SimServer], home: Path) -> None:
    """The same config, with each secret printed by a command."""
    tables = {}
    for name, server in servers.items():
        table = profile_table(name, server, ca_bundle=str(next(home.glob("*.pem"))), deadline=DEADLINE)
        keys = table.pop("credentials")
        assert isinstance(keys, dict)
        tables[name] = {**table, "secret_command": {key: ["printf", "%s", value] for key, value in keys.items()}}
    write_config(home / "config.toml", tables)


def config(home: Path) -> Sequence[str]:
    return "--config", str(home / "config.toml")


LIMITS: Mapping[str, Mapping[str, object]] = {
    "19 file descriptors": {"limit": files(19)},
    "24 file descriptors": {"limit": files(24)},
    "no further thread": {"threads": 0},
    "one further thread": {"threads": 1},
    "six further threads": {"threads": 6},
    "120 MB of address space": {"limit": address_space(120)},
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_kill(venues: Mapping[str, SimServer], home: Path, venue: str, limit: str) -> None:
    ended = ran(home, venue, *config(home), "--json", **LIMITS[limit])  # type: ignore[arg-type]
    assert (ended.line["verdict"], ended.code) == ("clear", 0), ended.out[-600:]
    assert venues[venue].open_orders() == []


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_kill_by_the_environment_alone(home: Path, host: str, limit: str) -> None:
    """Its first packet leaves before anything is imported; a name is looked up in a thread."""
    authority = ports.Authority(home)
    with simulator.start("bybit", orders=12, limits=False, ssl_context=authority.context(host)) as server:
        env = {**environment("bybit", server), "REQUESTS_CA_BUNDLE": str(authority.path)}
        env["CANCELALL_BYBIT_BASE_URL"] = server.origin.replace("127.0.0.1", host)
        ended = ran(home, "bybit", "--json", "--deadline", "15", env=env, **LIMITS[limit])  # type: ignore[arg-type]
        assert (ended.line["verdict"], ended.code) == ("clear", 0), ended.out[-600:]
        assert server.open_orders() == []


@pytest.mark.parametrize("limit", LIMITS)
def test_a_kill_of_all(venues: Mapping[str, SimServer], home: Path, limit: str) -> None:
    ended = ran(home, "all", *config(home), "--json", **LIMITS[limit])  # type: ignore[arg-type]
    assert {line["profile"]: line["verdict"] for line in ended.lines} == dict.fromkeys(VENUES, "clear")
    assert [name for name, server in venues.items() if server.open_orders()] == []


@pytest.mark.parametrize("limit", ["24 file descriptors", "120 MB of address space"])
def test_a_kill_whose_secrets_are_printed_by_commands(venues: Mapping[str, SimServer], home: Path, limit: str) -> None:
    prints_secrets(venues, home)
    ended = ran(home, "all", *config(home), "--json", **LIMITS[limit])  # type: ignore[arg-type]
    assert {line["profile"]: line["verdict"] for line in ended.lines} == dict.fromkeys(VENUES, "clear")


@pytest.mark.parametrize("threads", [0, 2])
def test_a_command_that_cannot_be_read_is_named_as_what_it_is(
    venues: Mapping[str, SimServer], home: Path, threads: int
) -> None:
    prints_secrets(venues, home)
    ended = ran(home, "all", *config(home), "--json", threads=threads)
    for line in ended.lines:
        assert line["verdict"] in ("unconfigured", "clear"), line
        if line["verdict"] == "unconfigured":
            assert "thread" in line["error"]["message"]


@pytest.mark.parametrize("limit", LIMITS)
def test_what_a_person_sees(venues: Mapping[str, SimServer], home: Path, limit: str) -> None:
    ended = ran(home, "bybit", *config(home), **LIMITS[limit])  # type: ignore[arg-type]
    assert ended.code == 0, ended.err
    assert "CLEAR" in ended.out
    assert "cancelling everything on bybit" in ended.err


@pytest.mark.parametrize("limit", LIMITS)
def test_a_check(venues: Mapping[str, SimServer], home: Path, limit: str) -> None:
    ended = ran(home, "check", "bybit", *config(home), "--json", **LIMITS[limit])  # type: ignore[arg-type]
    findings = {one["check"]: one["level"] for one in ended.line["findings"]}
    assert findings["TCP"] == findings["TLS"] == "ok", findings
    assert "fail" not in findings.values(), findings


@pytest.mark.parametrize("number", [3, 5, 7, 9, 11, 13])
def test_with_even_less_there_is_a_clear_line(venues: Mapping[str, SimServer], home: Path, number: int) -> None:
    """Too few for the interpreter itself, or for the event loop, or for a connection."""
    ended = cancelall("bybit", *config(home), "--json", "--deadline", "4", home=home, preexec_fn=files(number))
    assert ended.code != 0 or venues["bybit"].open_orders() == []
    assert ended.out + ended.err
    assert not ended.out or ended.line


def no_further_thread() -> None:
    """The system's own limit, for a user without other processes. It does not bind root, nor who has two capabilities.

    What is root's can still be read. https://man7.org/linux/man-pages/man2/getrlimit.2.html
    """
    prctl = ctypes.CDLL(None).prctl
    for capability in (21, 24):  # CAP_SYS_ADMIN, CAP_SYS_RESOURCE, from linux/capability.h
        assert prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    os.setreuid(65534, 0)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_kill_of_all_by_a_user_who_may_start_no_thread(venues: Mapping[str, SimServer], home: Path) -> None:
    ended = ran(home, "all", *config(home), "--json", limit=no_further_thread)
    assert {line["profile"]: line["verdict"] for line in ended.lines} == dict.fromkeys(VENUES, "clear")
    assert all("this run is not journalled: can't start new thread" in line["warnings"] for line in ended.lines)
    assert [name for name, server in venues.items() if server.open_orders()] == []
