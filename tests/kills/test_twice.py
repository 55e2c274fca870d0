"""A peer that says everything twice: an answer belongs to its request, whatever comes on the connection besides."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.net import transport
from cancelall.simulator import SimServer
from loopback import Listening, read_request
from support import LONG, profile_table, swept

LATER = 0.02
"""Seconds after which the second copy of an answer comes."""


class Doubling(Listening):
    """Passes requests on to an exchange, and its answers back: at once, and a little later once more."""

    def __init__(self, server: SimServer) -> None:
        self._target = urlsplit(server.origin)
        self.doubled = 0
        super().__init__()

    def serve(self, connection: socket.socket, number: int) -> None:
        with socket.create_connection((self._target.hostname, self._target.port)) as venue:
            while request := read_request(connection):
                venue.sendall(request)
                answer = read_request(venue)
                connection.sendall(answer)
                threading.Thread(target=self._again, args=(connection, answer), daemon=True).start()

    def _again(self, client: socket.socket, answer: bytes) -> None:
        time.sleep(LATER)  # what is tested is what comes after an answer, not when
        with contextlib.suppress(OSError):
            client.sendall(answer)
            self.doubled += 1


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=16) as running:
        yield running


@pytest.mark.faults
@pytest.mark.alone("the second copy of an answer has to come before a connection is held to be silent")
@pytest.mark.parametrize(("fault", "verdict"), [(None, Verdict.CLEAR), ("ack-only~inverse", Verdict.OPEN)])
def test_no_answer_is_taken_for_another_requests(server: SimServer, fault: str | None, verdict: Verdict) -> None:
    """The listings of what is empty already come in the same seconds as that of what rests."""
    server.set_faults([fault] if fault else [])
    with Doubling(server) as doubling:
        table = {**profile_table("bybit", server), "base_url": f"http://127.0.0.1:{doubling.port}"}
        (report,) = swept({"bybit": table}, deadline=6.0 if fault else LONG)
    assert doubling.doubled
    assert (report.verdict, bool(server.open_orders())) == (verdict, bool(fault)), report


@pytest.mark.parametrize("must_rest", [False, True])
def test_a_rested_connection_is_one_that_has_been_silent_for_a_while(
    must_rest: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(transport.time, "monotonic", lambda: now[0])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        kept = transport.Kept(4)
        kept._idle.append(transport._Idle(since=now[0], made=ours, must_rest=must_rest))
        assert kept.take(None, rested=True) is None
        now[0] += transport.RESTED_SECONDS
        assert kept.take(None, rested=True) is ours
        kept._idle.append(transport._Idle(since=now[0], made=ours, must_rest=must_rest))
        assert (kept.take(None) is ours) is not must_rest, "any other read may have at once what carried no cancel"


def test_the_last_listing_of_a_proof_asks_for_one() -> None:
    from unit.engine.test_client import LISTING, OK, Line

    line = Line([OK])
    line.ask(LISTING, fresh=True)
    line.ask(replace(LISTING, path="/else"))
    assert [wire.rested_connection for wire in line.wires] == [True, False]
