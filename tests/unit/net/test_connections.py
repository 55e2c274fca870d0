"""Which connection a request goes on: kept, new, of one address family; and that none outlasts its attempt."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import ports
from cancelall.core.attempts import Tally
from cancelall.core.errors import TransportFault
from cancelall.core.model import Reply, SignedRequest, Verdict
from cancelall.core.profile import Profile
from cancelall.engine import client, run
from cancelall.engine.client import Send
from cancelall.engine.run import Listener, Run
from cancelall.net import background, connection, head_start, transport
from cancelall.net.background import Handle
from cancelall.net.route import Route
from cancelall.net.transport import Transport
from loopback import OK, RawServer, a_cancel, a_get, a_request, in_seconds, read_request, reset
from ports import Authority
from support import profiles_of

FIRST = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n["one"]'
SECOND = FIRST.replace(b"one", b"two")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["http", "tls"])
def context(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext | None:
    return authority.context() if request.param == "tls" else None


@pytest.fixture
def line(authority: Authority) -> Transport:
    return Transport(Route(ca_bundle=str(authority.path)))


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    """Until something is true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.002)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """One answer for each request of a connection, in turn; then it is closed."""

    def serve(made: socket.socket) -> None:
        made.sendall(answers[0])
        for answer in answers[1:]:
            if not read_request(made):
                return
            made.sendall(answer)

    return serve


# --- an answer belongs to its request -------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [b"x", b"\r\n", FIRST, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
def test_a_connection_that_says_more_than_it_was_asked_is_not_used_again(
    context: ssl.SSLContext | None, line: Transport, more: bytes
) -> None:
    with RawServer(answering(FIRST + more, FIRST), context=context) as server:
        for _ in range(3):
            assert line.send(a_get(server), in_seconds()).body == b'["one"]'
        assert server.accepted == 3


def test_a_second_copy_that_comes_later_is_not_taken_for_the_next_answer(
    context: ssl.SSLContext | None, line: Transport
) -> None:
    """The next request waits for no copy; the copy has come when that one is sent."""
    ask = threading.Event()
    copied = threading.Event()

    def serve(made: socket.socket) -> None:
        made.sendall(FIRST)
        assert ask.wait(10)
        made.sendall(FIRST)
        copied.set()
        made.recv(1)

    with RawServer(serve, context=context) as server:
        assert line.send(a_get(server), in_seconds()).body == b'["one"]'
        ask.set()
        assert copied.wait(10)
        server.script = answering(SECOND)
        eventually(lambda: not head_start.silent(line._kept._idle[0].made) or True)
        assert line.send(a_get(server), in_seconds()).body == b'["two"]'
        assert server.accepted == 2


def test_the_last_listing_of_a_proof_comes_on_a_connection_of_its_own(line: Transport) -> None:
    with RawServer() as server:
        line.send(a_get(server), in_seconds())
        line.send(a_get(server, rested_connection=True), in_seconds())
        assert server.connections == [1, 2]


def test_where_descriptors_are_scarce_no_connection_is_kept(line: Transport) -> None:
    with RawServer() as server:
        thrifty = Transport(line.route, keeps=False)
        for _ in range(2):
            thrifty.send(a_get(server), in_seconds())
        assert server.connections == [1, 2]
        assert b"\r\nConnection: close\r\n" in server.requests[1]


def test_a_cancels_connection_is_kept_for_a_listing_that_ends_a_proof(
    line: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one would cost two round trips. Other cancels go on new ones, and so does a read before it has rested."""
    with RawServer() as server:
        line.send(a_get(server, fresh_connection=True), in_seconds())
        line.send(a_get(server, fresh_connection=True), in_seconds())
        line.send(a_get(server), in_seconds())
        monkeypatch.setattr(transport, "RESTED_SECONDS", 0.0)
        line.send(a_get(server, rested_connection=True), in_seconds())
        assert server.connections == [1, 2, 3, 3]
        taken = [line._kept.take(None) for _ in range(4)]
        open_ = [made for made in taken if made is not None]
        assert (len(open_), taken[3]) == (3, None)
        for made in open_:
            made.close()


def test_few_connections_of_cancels_are_kept(line: Transport) -> None:
    with RawServer() as server:
        for _ in range(transport.SPARE + 3):
            line.send(a_get(server, fresh_connection=True), in_seconds())
        assert len(line._kept._idle) == transport.SPARE


CLOSES = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
IN_TWO_WAYS = OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")


@pytest.mark.parametrize("answer", [CLOSES, OK.replace(b"1.1", b"1.0"), IN_TWO_WAYS])
def test_a_connection_that_must_not_be_used_again_is_not(line: Transport, answer: bytes) -> None:
    with RawServer(answer) as server:
        for _ in range(2):
            line.send(a_get(server), in_seconds())
        assert server.connections == [1, 2]


def test_one_that_the_peer_has_closed_in_the_meantime_is_not_used(
    context: ssl.SSLContext | None, line: Transport
) -> None:
    with RawServer(answering(OK), context=context) as server:
        for number in range(3):
            line.send(a_get(server), in_seconds())
            eventually(lambda number=number: not line._kept._idle or not head_start.silent(line._kept._idle[0].made))  # type: ignore[misc]
        assert server.connections == [1, 2, 3]


@pytest.mark.parametrize("end", [reset, socket.socket.close])
def test_a_read_whose_connection_breaks_before_any_answer_goes_once_more(
    context: ssl.SSLContext | None, line: Transport, end: Callable[[socket.socket], None]
) -> None:
    """The host closes it as the request arrives: nobody can see that beforehand."""
    out: list[str] = []

    def first(made: socket.socket) -> None:
        made.sendall(OK)
        if read_request(made):
            server.requests.append(b"the second, unanswered")
            end(made)

    with RawServer(first, context=context) as server:
        line.send(a_get(server), in_seconds())
        reply = line.send(a_get(server), in_seconds(), lambda: out.append("sent"))
        assert (reply.status, server.connections, out) == (200, [1, 2], ["sent"])
        assert b"the second, unanswered" in server.requests


def test_a_read_whose_signature_is_good_for_one_arrival_does_not_go_once_more(line: Transport) -> None:
    """The host may have read it before it closed the connection."""

    def first(made: socket.socket) -> None:
        made.sendall(OK)
        read_request(made)
        made.close()

    with RawServer(first) as server:
        line.send(a_get(server), in_seconds())
        with pytest.raises(TransportFault, match="the connection broke"):
            line.send(a_get(server, once=True), in_seconds())
        assert server.accepted == 1


@pytest.mark.parametrize("part", [b"H", FIRST[:30], FIRST[:-3]])
def test_a_read_that_was_answered_in_part_does_not_go_once_more(line: Transport, part: bytes) -> None:
    with RawServer(answering(FIRST, part)) as server:
        line.send(a_get(server), in_seconds())
        with pytest.raises(TransportFault) as caught:
            line.send(a_get(server), in_seconds())
        assert server.accepted == 1
        assert caught.value.sent in ("maybe", "yes")


def test_a_read_that_is_not_answered_in_time_does_not_go_once_more(
    line: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:

    def once(made: socket.socket) -> None:
        made.sendall(OK)
        read_request(made)
        server.stopped.wait(10)

    with RawServer(once) as server:
        line.send(a_get(server), in_seconds())
        monkeypatch.setattr(transport, "READ_TIMEOUT", 0.2)
        with pytest.raises(TransportFault, match="no answer in time"):
            line.send(a_get(server), in_seconds())
        assert server.accepted == 1


def test_a_cancel_that_breaks_does_not_go_once_more(line: Transport) -> None:
    with RawServer(reset) as server, pytest.raises(TransportFault, match="the connection broke"):
        line.send(a_cancel(server), in_seconds())
    assert server.accepted == 1


def test_a_connection_that_was_idle_for_long_is_not_used(line: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer() as server:
        line.send(a_get(server), in_seconds())
        monkeypatch.setattr(transport, "IDLE_SECONDS", 0.0)
        line.send(a_get(server), in_seconds())
        assert server.connections == [1, 2]


def test_no_more_are_kept_than_there_is_room_for() -> None:
    ends = [socket.socketpair() for _ in range(3)]
    kept = transport.Kept(2)
    head = transport.answer.Head(status=200, headers={}, length=0, lasting=True)
    for mine, _ in ends:
        reader = transport.answer.Reader(mine, 1.0, 1.0)
        kept.give(mine, transport.Answered(head=head, reader=reader))
    assert [mine.fileno() >= 0 for mine, _ in ends] == [False, True, True]
    assert kept.take(None) is ends[2][0]
    for pair in ends:
        for one in pair:
            one.close()


# --- called back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cancel", "read"])
def test_what_is_called_back_while_its_connection_is_made_does_not_leave(kind: str, authority: Authority) -> None:
    recalled = threading.Event()
    out: list[str] = []
    got: list[bytes] = []
    context = authority.context()

    def shake_hands_after_the_recall() -> None:
        made, _ = listener.accept()
        recalled.set()
        with contextlib.suppress(OSError), context.wrap_socket(made, server_side=True) as secured:
            got.append(secured.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=shake_hands_after_the_recall, daemon=True)
        serving.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        fresh = kind == "cancel"
        signed = a_request(method="POST", url=url, body=b"{}", fresh_connection=fresh, recalled=recalled.is_set)
        with pytest.raises(TransportFault, match="called back") as caught:
            Transport(Route(ca_bundle=str(authority.path))).send(signed, in_seconds(), lambda: out.append("sent"))
        serving.join(10)
    assert (caught.value.sent, out, b"".join(got)) == ("no", [], b""), "it is closed, or reset, without a word"


def test_what_is_called_back_does_not_leave_on_a_kept_connection(line: Transport) -> None:
    with RawServer() as server:
        line.send(a_get(server), in_seconds())
        with pytest.raises(TransportFault, match="called back") as caught:
            line.send(a_get(server, recalled=lambda: True), in_seconds())
        assert (caught.value.sent, len(server.requests)) == ("no", 1)


# --- families -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def both_families(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RawServer, RawServer, str]]:
    """A name with an address of each family, a server at each, and the origin."""
    with contextlib.ExitStack() as stack:
        four = stack.enter_context(RawServer(FIRST))
        try:
            six = stack.enter_context(RawServer(SECOND, host="::1", port=four.port))
        except OSError:
            pytest.skip("no IPv6 here")
        real = socket.getaddrinfo

        def both(host: object, port: int, *more: int, **named: int) -> list[tuple[object, ...]]:
            if host != b"both.test":
                return list(real(host, port, *more, **named))  # type: ignore[arg-type, call-overload]
            return [
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            ]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        monkeypatch.setattr(transport, "is_loopback", lambda host: True)
        yield four, six, f"http://both.test:{four.port}"


def get(origin: str, family: int | None, *, fresh: bool = False) -> SignedRequest:
    return a_request(method="GET", url=f"{origin}/", body=b"", family=family, fresh_connection=fresh)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_request_goes_over_the_family_that_it_names(monkeypatch: pytest.MonkeyPatch, fresh: bool) -> None:
    with both_families(monkeypatch) as (four, six, origin):
        line = Transport(Route())
        for family in (None, socket.AF_INET, socket.AF_INET6, socket.AF_INET, None):
            reply = line.send(get(origin, family, fresh=fresh), in_seconds())
            assert reply.family == (family or reply.family)
            assert reply.body == (b'["two"]' if reply.family == socket.AF_INET6 else b'["one"]')
        assert (len(four.requests), len(six.requests)) in ((2, 3), (3, 2))


def test_a_family_that_the_host_lacks_is_not_sent() -> None:
    with RawServer() as server, pytest.raises(TransportFault, match=r"127\.0\.0\.1 has no IPv6 address") as caught:
        Transport(Route()).send(a_get(server, family=socket.AF_INET6), in_seconds())
    assert (caught.value.sent, caught.value.final, server.accepted) == ("no", False, 0)


def test_a_connection_that_is_there_but_of_another_family_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with both_families(monkeypatch) as (four, six, origin):
        made: list[socket.socket] = []

        def ready(origin: str, bundle: str | None, seconds: float) -> socket.socket:
            made.append(socket.create_connection(("::1", six.port)))
            return made[-1]

        line = Transport(Route(), ready=ready)
        assert line.send(get(origin, socket.AF_INET, fresh=True), in_seconds()).family == socket.AF_INET
        assert made[0].fileno() == -1
        assert line.send(get(origin, None, fresh=True), in_seconds()).family == socket.AF_INET6
        assert (len(four.requests), len(six.requests)) == (1, 1)


def test_behind_a_proxy_nobody_chooses_the_family() -> None:
    line = Transport(Route(proxy="http://127.0.0.1:1"))
    signed = a_request(method="GET", url="https://venue.test/", body=b"", family=socket.AF_INET)
    with pytest.raises(TransportFault, match="a proxy chooses the address family") as caught:
        line.send(signed, in_seconds())
    assert caught.value.sent == "no"


# --- nothing is left behind -----------------------------------------------------------------------------------------


def drip(made: socket.socket) -> None:
    """A head that comes one byte at a time, for ever."""
    made.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        made.sendall(b"a")
        time.sleep(0.005)


def stall(made: socket.socket) -> None:
    made.recv(1)


@pytest.mark.alone("measures the end at a deadline")
@pytest.mark.parametrize("script", [drip, stall])
def test_a_head_that_does_not_end_ends_with_the_deadline(
    context: ssl.SSLContext | None, line: Transport, script: Callable[[socket.socket], None]
) -> None:
    with RawServer(script, context=context) as server:
        began = time.monotonic()
        with pytest.raises(TransportFault, match="no answer in time") as caught:
            line.send(a_cancel(server), began + 0.4)
        assert 0.4 <= time.monotonic() - began < 2
    assert (caught.value.kind, caught.value.sent) == ("timeout", "maybe")


@pytest.mark.parametrize("where", ["answer", "body", "handshake", "before"])
def test_who_gives_an_attempt_up_lets_its_thread_go(
    where: str, context: ssl.SSLContext | None, line: Transport
) -> None:
    waiting = threading.Event()

    def serve(made: socket.socket) -> None:
        if where == "body":
            made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
        waiting.set()
        made.recv(1)

    handle = Handle()
    faults: list[TransportFault] = []
    with contextlib.ExitStack() as stack:
        if where == "handshake":
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        else:
            server = stack.enter_context(RawServer(serve, context=context))
            url = f"{server.origin}/"
        signed = a_request(method="POST", url=url, body=b"{}", fresh_connection=True)

        def attempt() -> None:
            with pytest.raises(TransportFault) as caught:
                line.send(signed, in_seconds(60), handle=handle)
            faults.append(caught.value)

        if where == "before":
            handle.give_up()
        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        if where == "handshake":
            made, _ = listener.accept()
            stack.enter_context(made)
            assert made.recv(65536)
        elif where != "before":
            assert waiting.wait(10)
        handle.give_up()
        thread.join(2)
        assert not thread.is_alive()
        if where == "before":
            assert server.requests == []
    assert len(faults) == 1


def test_a_socket_that_was_given_back_is_not_cut() -> None:
    mine, other = socket.socketpair()
    with mine, other:
        handle = Handle()
        handle.hold(mine)
        assert handle.let_go()
        handle.give_up()
        other.sendall(b"x")
        assert mine.recv(1) == b"x"
        assert not handle.let_go()
        with pytest.raises(TransportFault, match="it was given up"):
            handle.hold(mine)


def test_a_connection_that_was_kept_is_cut_only_while_it_is_used(line: Transport) -> None:
    waiting = threading.Event()

    def serve(made: socket.socket) -> None:
        made.sendall(OK)
        read_request(made)
        waiting.set()
        made.recv(1)

    with RawServer(serve) as server:
        line.send(a_get(server), in_seconds())
        handle = Handle()
        with pytest.raises(TransportFault):  # noqa: PT012 - given up from outside while it waits
            giving = threading.Thread(target=lambda: (waiting.wait(10), handle.give_up()), daemon=True)
            giving.start()
            line.send(a_get(server), in_seconds(60), handle=handle)
        giving.join(10)
        assert server.accepted == 1


def test_an_attempt_that_is_given_up_when_it_is_through_costs_no_connection(
    line: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is complete, its connection is about to be kept, and somebody else will use it."""
    handle = Handle()
    real = transport.Kept.give

    def give(self: transport.Kept, made: socket.socket, answered: transport.Answered, **more: bool) -> None:
        handle.give_up()
        real(self, made, answered, **more)

    monkeypatch.setattr(transport.Kept, "give", give)
    with RawServer() as server:
        for _ in range(2):
            line.send(a_get(server), in_seconds(), handle=handle if server.accepted == 0 else None)
        assert server.connections == [1, 1]


def test_cutting_a_tls_connection_sends_nothing_in_clear(authority: Authority) -> None:
    """Its own method forgets TLS before it shuts the socket: what is sent in that moment would not be encrypted."""
    with RawServer(context=authority.context()) as server:
        made = connection.connect(server.origin, str(authority.path), 5.0)
        with made:
            background.shut(made)
            assert isinstance(made, ssl.SSLSocket)
            assert made._sslobj is not None  # type: ignore[attr-defined]
            with pytest.raises(OSError):  # TLS or the system, whichever sees it first
                made.sendall(b"secret")


def profile_of(server: RawServer, deadline: float = 5.0) -> Profile:
    table = {"venue": "bybit", "base_url": server.origin, "credentials": {"api_key": "a" * 18, "api_secret": "b" * 36}}
    (profile,) = profiles_of({"p": table}, deadline=deadline)
    return profile


def attempts() -> int:
    """Threads in which an attempt is made."""
    return sum(thread.name == "attempt" for thread in threading.enumerate())


def all_closed(server: RawServer, before: int) -> None:
    """No attempt is going on, and no more descriptors are open than before, once the server has let go of its own."""
    eventually(lambda: attempts() == 0)
    for made in server._open:
        made.close()
    eventually(lambda: ports.descriptors() <= before + 4)


@pytest.mark.parametrize("script", [drip, stall])
def test_attempts_that_are_given_up_leave_no_thread_and_no_socket(
    script: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As through a long hold: each attempt is given up by whoever bounds it, or ends with its own deadline."""
    monkeypatch.setattr(head_start, "_doors", {})
    with RawServer(script) as server:
        send = run.over_the_network(profile_of(server), {})
        before = ports.descriptors()

        async def one(send: Send, number: int) -> None:
            signed = a_cancel(server) if number % 2 else a_get(server)
            until = time.monotonic() + (0.1 if number % 3 else 60)
            with contextlib.suppress(TimeoutError, TransportFault):
                async with asyncio.timeout(0.1):
                    await send(signed, until, lambda: None)

        async def many() -> None:
            for _ in range(15):
                await asyncio.gather(*(one(send, number) for number in range(8)))

        asyncio.run(many())
        assert len(server.requests) > 60
        all_closed(server, before)


@pytest.mark.faults
def test_a_hold_at_a_host_that_drips_leaves_no_thread_and_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of attempts, none of which is answered: what they take does not grow with their number."""
    monkeypatch.setattr(head_start, "_doors", {})
    monkeypatch.setattr(client, "ATTEMPT_SECONDS", 0.2)
    threads: list[int] = []

    with RawServer(drip) as server:
        before = ports.descriptors()
        listener = Listener(attempt=lambda profile, attempt: threads.append(attempts()))
        profile = profile_of(server, deadline=1.0)
        going = Run(profiles=[profile], environ={}, started=time.monotonic(), hold=3.0, scale=0.1, listener=listener)
        (report,) = asyncio.run(going.all())
        assert report.verdict is Verdict.UNREACHABLE
        assert len(threads) > 60
        half = len(threads) // 2
        assert max(threads[half:]) <= max(threads[:half]) + 4
        all_closed(server, before)


def once(server: RawServer) -> Reply:
    """The answer to one cancel, sent as a run does it."""
    send = run.over_the_network(profile_of(server), {})

    async def work() -> Reply:
        return await send(a_cancel(server), time.monotonic() + 5, lambda: None)

    return asyncio.run(work())


def test_without_a_thread_it_is_sent_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with RawServer() as server:
        monkeypatch.setattr(background, "_crew", background.Crew())
        start = threading.Thread.start
        monkeypatch.setattr(
            threading.Thread, "start", lambda self: none_left(self) if self.name.startswith("attempt") else start(self)
        )
        assert once(server).status == 200
        assert len(server.requests) == 1


def test_what_is_given_up_before_its_thread_begins_has_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background.Crew, "do", lambda self, job: True)  # it waits for a thread

    async def work(server: RawServer) -> SignedRequest:
        signed = a_cancel(server)
        task = asyncio.ensure_future(run.over_the_network(profile_of(server), {})(signed, math.inf, lambda: None))
        await asyncio.wait({task}, timeout=0.01)
        task.cancel()
        await asyncio.wait({task})
        return signed

    with RawServer() as server:
        tally = Tally()
        tally.given_up(asyncio.run(work(server)), TransportFault("no answer in time", kind="timeout"))
        assert not tally.abandoned
        assert server.requests == []


def test_a_bug_in_an_attempt_is_not_told_as_a_want_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*words: object) -> Reply:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Transport, "send", bug)
    with RawServer() as server, pytest.raises(RuntimeError, match="a bug"):
        once(server)
