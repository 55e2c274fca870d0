"""Connections that wait: opened, used now and then, replaced, and given to whoever has something to send."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import replace

import pytest

from cancelall.core.errors import TransportFault
from cancelall.guard.keeper import TICK
from cancelall.net import head_start, transport, warm
from cancelall.net.route import Route
from cancelall.net.transport import Transport
from cancelall.net.warm import Idle, Warm, WarmHost
from loopback import OK, RawServer, a_cancel, a_get, a_request, in_seconds, read_request
from ports import Authority, refusing, until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["http", "tls"])
def context(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext | None:
    return authority.context() if request.param == "tls" else None


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections need no rest, so that no test has to sleep; one says otherwise."""
    monkeypatch.setattr(warm, "RESTED_SECONDS", 0.0)


def opened(server: RawServer, authority: Authority, wanted: int = 2) -> WarmHost:
    """A host whose connections are all there."""
    host = WarmHost((server.origin, str(authority.path) if server.context else None), wanted)
    for _ in range(host.missing(time.monotonic())):
        host.open_one()
    assert (host.idle, host.trouble) == (wanted, "")
    return host


def ask(host: WarmHost, server: RawServer) -> warm.WarmAnswer | None:
    """One public question on the oldest connection."""
    (oldest,) = host.due(float("inf"))
    return host.ask(oldest, a_get(server, "/time"))


def test_as_many_as_are_wanted_but_two_at_least_and_not_too_many() -> None:
    assert [WarmHost(("http://127.0.0.1:1", None), wanted).wanted for wanted in (0, 3, 99)] == [
        warm.AT_LEAST,
        3,
        head_start.AT_MOST,
    ]


def test_one_that_is_taken_is_missing_and_no_other_is(authority: Authority) -> None:
    with RawServer() as server:
        host = opened(server, authority, 3)
        made = host.take()
        assert made is not None
        assert (host.idle, host.missing(time.monotonic()), host.missing(time.monotonic())) == (2, 1, 0)
        made.close()
        host.close()


def test_the_same_request_goes_over_it_as_over_any_other(authority: Authority, context: ssl.SSLContext | None) -> None:
    """Byte for byte, and its answer is read by the transport."""
    with RawServer(context=context) as server:
        host = opened(server, authority)
        pool = Warm({host.host: host})
        line = Transport(Route(ca_bundle=host.host[1]), ready=pool.take)
        first, second = a_cancel(server), a_cancel(server)
        assert pool.leave(first, host.host[1], in_seconds())
        assert line.send(first, in_seconds()).status == 200
        connections = server.accepted
        assert line.send(second, in_seconds()).status == 200  # by the thread that reads its answer
        assert (connections, server.accepted) == (2, 2)
        assert server.requests[0] == server.requests[1]
        assert (first.wire.kept, first.wire.answering, first.wire.left_on) == (True, True, None)
        host.close()
        line.close()


def test_what_was_called_back_does_not_leave(authority: Authority) -> None:
    with RawServer() as server:
        host = opened(server, authority)
        pool = Warm({host.host: host})
        assert not pool.leave(replace(a_cancel(server), recalled=lambda: True), None, in_seconds())
        assert not pool.leave(a_cancel(server), None, time.monotonic() - 1)
        assert not pool.leave(replace(a_cancel(server), new_connection=True), None, in_seconds())
        assert not pool.leave(replace(a_cancel(server), family=socket.AF_INET6), None, in_seconds())
        assert (host.idle, server.requests) == (2, [])
        host.close()


def test_a_copy_on_a_new_connection_takes_none_that_is_kept(authority: Authority) -> None:
    with RawServer() as server:
        host = opened(server, authority)
        line = Transport(Route(), ready=Warm({host.host: host}).take)
        copy = replace(a_cancel(server), new_connection=True)
        assert line.send(copy, in_seconds()).status == 200
        assert (server.accepted, host.idle, copy.wire.kept) == (3, 2, False)
        host.close()
        line.close()


def test_a_connection_that_ends_under_a_request_is_told_of_at_once(authority: Authority) -> None:
    def hang_up(made: socket.socket) -> None:
        return None

    with RawServer(hang_up) as server:
        host = opened(server, authority)
        line = Transport(Route(), ready=Warm({host.host: host}).take)
        signed = a_cancel(server)
        assert Warm({host.host: host}).leave(signed, None, in_seconds())
        with pytest.raises(TransportFault) as raised:
            line.send(signed, in_seconds())
        assert (raised.value.sent, raised.value.final) == ("maybe", False)
        assert len(server.requests) == 1
        host.close()


def test_a_write_that_fails_is_found_by_who_reads(authority: Authority) -> None:
    with RawServer() as server:
        host = opened(server, authority)
        made = host.take()
        assert made is not None
        made.shutdown(socket.SHUT_WR)
        signed = a_cancel(server)
        assert transport.leave(signed, made, in_seconds())
        with pytest.raises(TransportFault):
            Transport(Route()).send(signed, in_seconds())
        host.close()


def test_none_is_given_that_has_just_been_used_or_long_not_been(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second copy of its answer could still come; or it is forgotten by a router."""
    with RawServer() as server:
        host = opened(server, authority)
        monkeypatch.setattr(warm, "RESTED_SECONDS", 60.0)
        assert host.take() is None
        monkeypatch.setattr(warm, "RESTED_SECONDS", 0.0)
        monkeypatch.setattr(warm, "TRUSTED", 0.0)
        assert (host.take(), host.idle) == (None, 0)
        host.close()


def test_a_question_keeps_one_and_tells_how_long_it_takes(authority: Authority, context: ssl.SSLContext | None) -> None:
    with RawServer(context=context) as server:
        host = opened(server, authority)
        answer = ask(host, server)
        assert answer is not None
        assert (answer.reply.status, host.idle, host.trouble, server.accepted) == (200, 2, "", 2)
        assert 0 < answer.seconds < 5
        host.close()


def test_one_that_the_venue_ends_with_an_answer_is_replaced(authority: Authority) -> None:
    with RawServer(OK.replace(b"Content", b"Connection: close\r\nContent")) as server:
        host = opened(server, authority)
        assert ask(host, server) is None
        assert (host.idle, host.trouble, host.missing(time.monotonic())) == (1, "", 1)
        host.close()


def test_one_that_does_not_answer_is_replaced_and_told_of(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "ANSWER_SECONDS", 0.05)
    over = threading.Event()
    with RawServer(lambda made: bool(over.wait(10)) and None) as server:
        host = opened(server, authority)
        assert ask(host, server) is None
        assert host.idle == 1
        assert host.trouble
        assert host.missing(time.monotonic()) == 1
        over.set()
        host.close()


def test_one_that_the_venue_closes_is_noticed_without_a_question(authority: Authority) -> None:
    sockets: list[socket.socket] = []

    class Closing(RawServer):
        def serve(self, connection: socket.socket, number: int) -> None:
            sockets.append(connection)
            read_request(connection)

    with Closing() as server:
        host = opened(server, authority)
        until(lambda: len(sockets) == 2)
        assert host.drop_closed() == 0
        sockets[0].shutdown(socket.SHUT_RDWR)
        until(lambda: host.drop_closed() == 1)
        assert host.idle == 1
        host.close()


def test_a_venue_that_closes_idle_ones_soon_is_not_flooded_with_new_ones(authority: Authority) -> None:
    """Those that are left are used more often; what it closes at once is opened again after a while only."""
    with RawServer(lambda made: None) as server:
        host = opened(server, authority)
        host._lived(9.0)
        assert host.renewed == pytest.approx(7.2)
        for number in range(2):
            host._lived(0.3 * number)
        assert host.renewed == warm.SOONEST
        made = host.take()
        assert made is not None
        made.close()
        now = time.monotonic()
        assert (host.missing(now), host.missing(now + warm.SOONEST + 1)) == (0, 1)
        host.close()


def test_where_nothing_can_be_opened_one_is_tried_again_ever_more_seldom() -> None:
    with refusing() as port:
        host = WarmHost((f"http://127.0.0.1:{port}", None), 3)
        assert host.missing(time.monotonic()) == 3
        for _ in range(3):
            host.open_one()
    assert "127.0.0.1" in host.trouble
    assert host.missing(time.monotonic()) == 0
    assert host.missing(time.monotonic() + 60) == 1
    assert host.missing(time.monotonic() + 60) == 0


def test_after_its_end_none_is_kept(authority: Authority) -> None:
    with RawServer() as server:
        host = opened(server, authority)
        (oldest,) = host.due(float("inf"))
        host.close()
        host.ask(oldest, a_get(server, "/time"))
        assert (host.idle, host.missing(time.monotonic())) == (0, 0)
        made = oldest.made
        assert made.fileno() == -1


def test_an_unknown_origin_has_none() -> None:
    pool = Warm({})
    assert pool.take("https://elsewhere.example", None, 1.0) is None
    request = a_request(method="POST", url="https://elsewhere.example/cancel", fresh_connection=True)
    assert not pool.leave(request, None, in_seconds())


@pytest.mark.parametrize("renewed", [warm.RENEWED, warm.SOONEST])
@pytest.mark.parametrize("wanted", range(2, 17))
def test_each_is_used_in_time_though_all_were_used_in_one_moment(wanted: int, renewed: float) -> None:
    """As a kill does: from then on they take turns."""
    host = WarmHost(("https://a.example", None), wanted)
    host.renewed = renewed
    host._idle.extend(Idle(made=socket.socket(), since=0.0) for _ in range(wanted))
    rested, now = [], 0.0
    while now < 10 * renewed:
        now += TICK
        for one in host.due(now + TICK / 2):
            rested.append((now, now - one.since))
            host._back(one.made, now, "")
    host.close()
    assert max(seconds for _, seconds in rested) <= renewed + 3 * TICK
    assert max(seconds for at, seconds in rested if at > 3 * renewed) <= renewed + TICK
    assert min(seconds for _, seconds in rested) >= renewed - TICK
