"""Rows 1 to 12 and 35: names, connections, TLS, answers that never come or break off; four others meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import ports
from cancelall.core.model import Verdict
from cancelall.engine import client, hedge
from cancelall.net import transport
from cancelall.venues.registry import VENUES
from faults import raw
from faults.harness import LISTS_FIRST, TO_ITS_DEADLINE, Case, Ended, shows
from support import profile_table

HOST = "exchange.example"
HEDGED = ("bybit", "okx")
"""Venues whose documents name a second host."""


def no_such_name(port: int) -> list[tuple[str, int]]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def resolves(case: Case, answer: Callable[[int], list[tuple[str, int]]], host: str = HOST) -> None:
    """Have the resolver answer this for one name."""
    real = socket.getaddrinfo

    def getaddrinfo(name: Any, port: Any, *more: Any, **named: Any) -> Any:
        if name not in (host, host.encode()):
            return real(name, port, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", target) for target in answer(int(port))]

    case.monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def silent_resolver(case: Case) -> Callable[[int], list[tuple[str, int]]]:
    """A resolver that says nothing for 30 s, or until the test is over."""
    over = threading.Event()
    case.stack.callback(over.set)

    def answer(port: int) -> list[tuple[str, int]]:
        over.wait(30)
        return no_such_name(port)

    return answer


def unreachable(ended: Ended, *, sent: bool) -> None:
    """No complete answer. A cancel that may have left can still land, and that is said."""
    report = ended.report
    assert (report.verdict, report.exit_status) == (Verdict.UNREACHABLE, 12)
    if sent and report.venue in LISTS_FIRST:
        assert not any("can still land" in warning for warning in report.warnings)  # no cancel has left
    elif sent:
        assert any("can still land" in warning for warning in report.warnings)
    else:
        assert ended.sent() <= {"no"}
        assert not any("can still land" in warning or "do not restart" in warning for warning in report.warnings)


# --- names ----------------------------------------------------------------------------------------------------------


@shows(
    1,
    "DNS says no",
    injected="the resolver answers that there is no such name",
    expected="tried again to the deadline, known not to be sent",
    codes=(12,),
    alone=TO_ITS_DEADLINE,
)
def test_a_name_that_does_not_exist(case: Case, venue: str) -> None:
    ended = case.kill(venue, unresolved(case, venue, no_such_name))
    unreachable(ended, sent=False)
    assert "cannot be resolved" in ended.error.message
    assert max(len(tries) for tries in ended.tries().values()) >= 3


@shows(1, alone=TO_ITS_DEADLINE)
def test_a_name_that_no_resolver_knows(case: Case, venue: str) -> None:
    path = case.config({venue: case.table(venue, "https://cancelall.invalid")})
    ran = case.run(venue, "--json", "--config", str(path))
    assert ran.line["verdict"] == "unreachable"


@shows(
    2,
    "DNS says nothing",
    injected="the resolver sleeps for 30 s",
    expected="abandoned at the deadline; the process ends all the same",
    codes=(12,),
    alone=TO_ITS_DEADLINE,
)
def test_a_resolver_that_says_nothing(case: Case, venue: str) -> None:
    unreachable(case.kill(venue, unresolved(case, venue, silent_resolver(case))), sent=False)


@shows(2, alone=TO_ITS_DEADLINE)
def test_the_process_does_not_wait_for_the_resolver(case: Case, venue: str) -> None:
    folder = case.home / "hooks"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import socket, time\nsocket.getaddrinfo = lambda *given, **named: time.sleep(30) or []\n"
    )
    path = case.config({venue: case.table(venue, f"https://{HOST}")})
    hooked = f"{folder}:{case.environ()['PYTHONPATH']}"
    ran = case.run(venue, "--json", "--config", str(path), env={"PYTHONPATH": hooked})
    assert ran.line["verdict"] == "unreachable"
    assert f"the name {HOST} is not resolved" in ran.line["error"]["message"]


@shows(2)
def test_a_name_that_takes_longer_than_an_attempt_is_looked_up_once(case: Case, venue: str) -> None:
    """What is given up during a look-up leaves the answer to those who come after it."""
    case.monkeypatch.setattr(client, "ATTEMPT_SECONDS", 0.25)
    lookups: list[int] = []
    pause = threading.Event()

    def slowly(port: int) -> list[tuple[str, int]]:
        lookups.append(port)
        pause.wait(0.8)
        return [("127.0.0.1", port)]

    server = case.server(venue)
    resolves(case, slowly, host="localhost")
    table = {**profile_table(venue, server), "base_url": server.origin.replace("127.0.0.1", "localhost")}
    case.kill(venue, table, deadline=8, codes=[0])
    assert server.open_orders() == []
    assert len(lookups) == 1


# --- connections ----------------------------------------------------------------------------------------------------


@shows(
    3,
    "connection refused",
    injected="a closed port",
    expected="again at once, then with growing random pauses",
    codes=(12,),
    alone=TO_ITS_DEADLINE,
)
def test_a_port_that_refuses(case: Case, venue: str) -> None:
    ended = case.kill(venue, at_port(case, venue, ports.refusing()))
    unreachable(ended, sent=False)
    often = max(ended.tries().values(), key=len)
    assert 4 <= len(often) <= 60 * case.slow
    assert often[1].began - often[0].ended < 0.25  # the first retry is made at once


@shows(
    4,
    "connection goes nowhere",
    injected="a listener whose accept queue is full",
    expected="tried again to the deadline; where the venue has a second host, a copy goes there and settles it",
    codes=(0, 12),
    alone=TO_ITS_DEADLINE,
)
def test_a_connection_that_goes_nowhere(case: Case, venue: str) -> None:
    case.monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)
    ended = case.kill(venue, at_port(case, venue, ports.nowhere()))
    unreachable(ended, sent=False)
    assert max(len(tries) for tries in ended.tries().values()) >= 2


@shows(4, alone=TO_ITS_DEADLINE)
def test_the_usual_bounds_on_a_connection_that_goes_nowhere(case: Case, venue: str) -> None:
    unreachable(case.kill(venue, at_port(case, venue, ports.nowhere()), deadline=2.5), sent=False)


def hedged(case: Case, venue: str, dead: str) -> None:
    """A dead host whose second name lives."""
    case.monkeypatch.setattr(hedge, "HEDGE_SECONDS", 0.1)
    server = case.server(venue)
    case.alternates[dead] = server.origin
    ended = case.kill(venue, {**profile_table(venue, server), "base_url": dead}, deadline=8, codes=[0])
    assert server.open_orders() == []
    assert ended.report.host == dead


@shows(4, venues=HEDGED)
def test_the_second_host_when_the_first_cannot_be_connected_to(case: Case, venue: str) -> None:
    hedged(case, venue, f"http://127.0.0.1:{case.stack.enter_context(ports.nowhere())}")


@shows(
    5,
    "the first of three addresses are dead",
    injected="the resolver names two full accept queues before the host",
    expected="the addresses are raced, 250 ms apart",
    codes=(0,),
    alone="measures the race of addresses",
)
def test_two_dead_addresses_before_the_good_one(case: Case, venue: str) -> None:
    dead = [("127.0.0.1", case.stack.enter_context(ports.nowhere())) for _ in range(2)]
    server = case.server(venue)
    resolves(case, lambda port: [*dead, ("127.0.0.1", port)], host="localhost")
    table = {**profile_table(venue, server), "base_url": server.origin.replace("127.0.0.1", "localhost")}
    ended = case.kill(venue, table, deadline=10)
    assert server.open_orders() == []
    assert ended.report.timing.first_ack is not None
    assert (
        400 < ended.report.timing.first_ack < 1500 + 1000 * case.slow
    )  # two steps of 250 ms, not two time-outs of 2 s


# --- TLS ------------------------------------------------------------------------------------------------------------


@shows(
    6,
    "TLS stalls",
    injected="connections are accepted and no byte is ever sent",
    expected="known not to be sent; a copy goes to the second host, where there is one",
    codes=(0, 12),
    alone=TO_ITS_DEADLINE,
)
def test_tls_that_never_begins(case: Case, venue: str) -> None:
    server = case.raw(raw.stall)
    unreachable(case.kill(venue, case.table(venue, server.origin("https"))), sent=False)
    assert server.accepted > 0


@shows(6, alone=TO_ITS_DEADLINE)
def test_tls_that_never_begins_is_tried_again(case: Case, venue: str) -> None:
    case.monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)
    server = case.raw(raw.stall)
    ended = case.kill(venue, case.table(venue, server.origin("https")))
    assert ended.report.verdict is Verdict.UNREACHABLE
    assert ended.sent() == {"no"}
    assert max(len(tries) for tries in ended.tries().values()) >= 2


@shows(6, venues=HEDGED)
def test_the_second_host_when_tls_never_begins(case: Case, venue: str) -> None:
    hedged(case, venue, case.raw(raw.stall).origin("https"))


@shows(6, over={"behaviour": [raw.garbage, raw.finish, raw.reset]}, share=2, alone=TO_ITS_DEADLINE)
def test_tls_that_breaks(case: Case, venue: str, behaviour: raw.Behaviour) -> None:
    server = case.raw(behaviour)
    unreachable(case.kill(venue, case.table(venue, server.origin("https"))), sent=False)


@shows(
    7,
    "wrong certificate",
    injected="TLS with another host's name, an expired certificate, an unknown authority",
    expected="one attempt, nothing sent, no retry; the words say that somebody may be listening",
    codes=(4,),
    over={"wrong": ["name", "expired", "authority"]},
    share=2,
)
def test_a_certificate_that_does_not_verify(case: Case, venue: str, wrong: str, tmp_path: Path) -> None:
    authority = ports.Authority(tmp_path)
    name = "elsewhere.example" if wrong == "name" else "127.0.0.1"
    server = case.server(venue, ssl_context=authority.context(name, expired=wrong == "expired"))
    options = {} if wrong == "authority" else {"ca_bundle": str(authority.path)}
    ended = case.kill(venue, server, options=options)
    error = ended.error
    assert (ended.report.verdict, error.kind) == (Verdict.REFUSED, "tls")
    assert "possible interception" in error.message
    cures = {"name": "", "expired": "set the clock", "authority": "ca_bundle or SSL_CERT_FILE"}
    assert cures[wrong] in error.message
    assert server.requests == []
    assert {len(tries) for tries in ended.tries().values()} <= {1, 2}, "believed when it is met twice"
    assert not any("can still land" in warning for warning in ended.report.warnings)


# --- answers --------------------------------------------------------------------------------------------------------


@shows(
    8,
    "the answer never comes",
    injected="requests are read, and processed or not, and never answered",
    expected="sent again; the listing decides; a copy goes to the second host, where there is one",
    codes=(0, 12),
    alone=TO_ITS_DEADLINE,
)
def test_an_answer_that_never_comes(case: Case, venue: str) -> None:
    server = case.server(venue, "stall")
    unreachable(case.kill(venue, server), sent=True)
    assert any(request.changes for request in server.requests) is (venue not in LISTS_FIRST)


@shows(8, over={"fault": ["stall:cancel@1", "stall-after:cancel@1", "stall:listing@1"]}, share=2)
def test_one_answer_that_never_comes(case: Case, venue: str, fault: str) -> None:
    case.monkeypatch.setattr(transport, "READ_TIMEOUT", 0.3)
    case.kill(venue, case.server(venue, fault), deadline=6, codes=[0])


@shows(8, venues=HEDGED)
def test_the_second_host_when_the_first_does_not_answer(case: Case, venue: str) -> None:
    hedged(case, venue, case.raw(raw.read_and_stall).origin())


@shows(
    9,
    "a body that drips",
    injected="one byte every 0.3 s",
    expected="abandoned at the deadline",
    codes=(12,),
    alone=TO_ITS_DEADLINE,
)
def test_a_body_that_drips(case: Case, venue: str) -> None:
    server = case.server(venue, f"drip-body={0.3 * case.slow}")
    if venue == "binance":  # its empty list, of two bytes, arrives
        assert case.kill(venue, server, codes=[11]).report.verdict is Verdict.UNPROVEN
        return
    unreachable(case.kill(venue, server), sent=True)


@shows(9, alone=TO_ITS_DEADLINE)
def test_a_body_of_megabytes_that_drips(case: Case, venue: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n"
    server = case.raw(raw.dripping(head + b" " * 1000, 0.002))
    ended = case.kill(venue, case.table(venue, server.origin()), codes=[11, 12])
    assert ended.report.verdict in (Verdict.UNPROVEN, Verdict.UNREACHABLE), "what says that it is too large is not read"


@shows(
    10,
    "headers that drip",
    injected="one byte every 0.1 s",
    expected="abandoned at the deadline",
    codes=(12,),
    alone=TO_ITS_DEADLINE,
)
def test_headers_that_drip(case: Case, venue: str) -> None:
    unreachable(case.kill(venue, case.server(venue, "drip-headers=0.1")), sent=True)


@shows(
    11,
    "the venue cancels, then resets in mid-answer",
    injected="RST after half of the body",
    expected="sent again; the listing proves it",
    codes=(0,),
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_reset_in_mid_answer(case: Case, venue: str, times: int) -> None:
    server = case.server(venue, f"reset-body:cancel@{times}")
    case.kill(venue, server, deadline=5)
    assert server.fake.strikes("reset-body") >= 1


@shows(
    12,
    "the venue cancels, then closes without an answer",
    injected="FIN, and RST, before the first byte",
    expected="sent again; the listing proves it",
    codes=(0,),
    share=2,
    over={"fault": ["fin-after:cancel@1", "reset-after:cancel@1", "fin-after@3", "reset-after@3"]},
)
def test_a_connection_closed_without_an_answer(case: Case, venue: str, fault: str) -> None:
    server = case.server(venue, fault)
    case.kill(venue, server, deadline=5)
    assert server.fake.strikes(fault.split(":")[0].split("@")[0]) >= 1


# --- one of five ----------------------------------------------------------------------------------------------------


def unresolved(case: Case, venue: str, answer: Callable[[int], list[tuple[str, int]]]) -> dict[str, object]:
    resolves(case, answer)
    return case.table(venue, f"https://{HOST}")


def at_port(case: Case, venue: str, port: AbstractContextManager[int]) -> dict[str, object]:
    return case.table(venue, f"http://127.0.0.1:{case.stack.enter_context(port)}")


WAYS: Mapping[str, Callable[[Case, str], dict[str, object]]] = {
    "no name": lambda case, venue: unresolved(case, venue, no_such_name),
    "silent name": lambda case, venue: unresolved(case, venue, silent_resolver(case)),
    "refused": lambda case, venue: at_port(case, venue, ports.refusing()),
    "nowhere": lambda case, venue: at_port(case, venue, ports.nowhere()),
    "tls stalls": lambda case, venue: case.table(venue, case.raw(raw.stall).origin("https")),
    "no answer": lambda case, venue: profile_table(venue, case.server(venue, "stall")),
    "dripping body": lambda case, venue: profile_table(venue, case.server(venue, f"drip-body={0.3 * case.slow}")),
}


@shows(
    35,
    "one venue of five is dead",
    injected="rows 1 to 9 on one of five servers",
    expected="the other four finish at their own speed",
    codes=(12,),
    over={"how": WAYS},
    alone="compares the seconds of two kills",
)
def test_the_other_four_finish_at_their_own_speed(case: Case, venue: str, how: str) -> None:
    servers = {name: case.server(name) for name in VENUES if name != venue}
    alone = case.kills({name: profile_table(name, server) for name, server in servers.items()}, deadline=5, codes=[0])
    for server in servers.values():
        server.add_account(orders=12)
    fresh = {name: {**profile_table(name, server)} for name, server in servers.items()}
    tables = {venue: WAYS[how](case, venue), **fresh}
    ended = case.kills(tables, deadline=2.5)
    reports = {report.profile: report for report in ended.reports}
    assert reports[venue].verdict is Verdict.UNREACHABLE
    slowest = max(report.timing.verdict or 0 for report in alone.reports)
    for name in servers:
        assert reports[name].verdict is Verdict.CLEAR
        assert (reports[name].timing.verdict or 0) < slowest + 500 * case.slow
        assert (reports[name].timing.verdict or 0) < 2200 * case.slow  # before the fifth
