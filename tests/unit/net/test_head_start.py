"""Connections that are opened during the imports: used when they are good, without a trace when they are not."""

from __future__ import annotations

import _socket
import _thread
import contextlib
import resource
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.cli.kills import _first_requests, connected
from cancelall.core.errors import TransportFault
from cancelall.core.profile import Profile, parts_of
from cancelall.net import dial, head_start
from cancelall.net.route import Route, _loading
from cancelall.net.transport import Transport
from cancelall.simulator import SimServer
from loopback import a_request
from ports import Authority, refusing
from support import cancelall, environment, profile_table, profiles_of


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def none_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    doors: dict[tuple[str, str | None], head_start._Door] = {}
    monkeypatch.setattr(head_start, "_doors", doors)
    monkeypatch.setattr("cancelall.net.route._contexts", {})  # a bundle that is loaded holds up no handshake
    yield
    for door in doors.values():
        put_away(door)


def put_away(door: head_start._Door) -> None:
    """Close what nobody has taken."""
    while door.claim():
        made, _ = door.get(10) or (None, 0.0)
        if made is not None:
            made.close()


def begin(table: Mapping[str, object], environ: Mapping[str, str] | None = None, *, dry_run: bool = False) -> Profile:
    """Begin to connect for one profile."""
    (profile,) = profiles_of({"bybit": table})
    head_start.preconnect(_first_requests([profile], environ or {}, dry_run=dry_run), connected)
    return profile


def await_opened(count: int) -> None:
    """Until so many connections were opened, or have failed."""
    (door,) = head_start._doors.values()
    until = time.monotonic() + 10
    while len(door.opened) < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def send(origin: str, bundle: Path | None) -> int:
    """Send something to an origin; the status of the answer."""
    signed = a_request(method="GET", url=f"{origin}/v5/market/time", body=b"", fresh_connection=True)
    route = Route(ca_bundle=str(bundle) if bundle else None)
    return Transport(route, ready=head_start.take).send(signed, time.monotonic() + 10).status


@contextlib.contextmanager
def closing(times: int, onward: SimServer, context: ssl.SSLContext | None) -> Iterator[tuple[str, threading.Event]]:
    """A host that closes its first connections without a word and gives the others to a fake venue."""
    closed = threading.Event()

    def serve(listener: socket.socket) -> None:
        for number in range(100):
            try:
                made, address = listener.accept()
            except OSError:
                return
            if number >= times:
                threading.Thread(target=onward._serve, args=(made, address), daemon=True).start()
                continue
            with contextlib.suppress(OSError):
                context.wrap_socket(made, server_side=True).close() if context else made.close()
            if number == times - 1:
                closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}", closed
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("secure", [True, False])
def test_a_request_goes_out_on_the_connection_that_is_there(trusted: Authority, secure: bool) -> None:
    with simulator.start("bybit", orders=0, ssl_context=trusted.context() if secure else None) as server:
        bundle = trusted.path if secure else None
        more = {"ca_bundle": str(bundle)} if bundle else {}
        begin(profile_table("bybit", server, settle_coin="USDT", **more))
        await_opened(1)
        assert send(server.origin, bundle) == 200
        assert server.connections == 1
        assert send(server.origin, bundle) == 200
        assert server.connections == 2


def test_a_request_waits_for_a_connection_that_is_on_its_way(trusted: Authority) -> None:
    loading = _loading.setdefault(str(trusted.path), threading.Lock())
    with simulator.start("bybit", orders=0, ssl_context=trusted.context()) as server, loading:
        table = profile_table("bybit", server, settle_coin="USDT", ca_bundle=str(trusted.path))
        begin(table)
        taken: list[socket.socket | None] = []
        waiting = threading.Thread(
            target=lambda: taken.append(head_start.take(server.origin, str(trusted.path), 10)), daemon=True
        )
        waiting.start()
        assert not taken
        loading.release()  # the handshake needs the context
        waiting.join(10)
        loading.acquire()
        (made,) = taken
        assert isinstance(made, ssl.SSLSocket)
        made.close()


@pytest.mark.parametrize("secure", [True, False])
def test_one_that_the_peer_has_closed_is_not_used(trusted: Authority, secure: bool) -> None:
    context = trusted.context() if secure else None
    with (
        simulator.start("bybit", orders=0, ssl_context=context) as server,
        closing(1, server, context) as (origin, closed),
    ):
        bundle = trusted.path if secure else None
        more = {"ca_bundle": str(bundle)} if bundle else {}
        begin({**profile_table("bybit", server, settle_coin="USDT", **more), "base_url": origin})
        await_opened(1)
        assert closed.wait(10)
        assert send(origin, bundle) == 200
        assert len(server.requests) == 1


def test_an_old_one_is_not_used(trusted: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "LIFETIME", 0)
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server, settle_coin="USDT"))
        await_opened(1)
        assert send(server.origin, None) == 200
        assert server.connections == 2


def test_one_that_fails_leaves_the_word_to_the_ordinary_way(trusted: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    with simulator.start("bybit", orders=0, ssl_context=other.context()) as server:
        begin(profile_table("bybit", server, settle_coin="USDT", ca_bundle=str(trusted.path)))
        with pytest.raises(TransportFault, match="the certificate was refused") as fault:
            send(server.origin, trusted.path)
        assert (fault.value.kind, fault.value.final) == ("tls", True)
        assert server.requests == []


@pytest.mark.parametrize("where", ["profile", "environment"])
def test_a_profile_with_a_proxy_has_none(where: str) -> None:
    table: dict[str, object] = {"venue": "bybit", "environment": "testnet", "credentials": {}}
    proxy = "http://127.0.0.1:9"
    begin(
        table | ({"proxy": proxy} if where == "profile" else {}),
        {"HTTPS_PROXY": proxy} if where == "environment" else {},
    )
    assert head_start._doors == {}


def test_of_a_family_that_is_asked_for_or_left_to_others() -> None:
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server, settle_coin="USDT"))
        await_opened(1)
        for _ in range(2):
            assert head_start.take(server.origin, None, 10, socket.AF_INET6) is None
        made = head_start.take(server.origin, None, 10, socket.AF_INET)
        assert made is not None
        with made:
            assert made.family == socket.AF_INET
        assert head_start.take(server.origin, None, 10) is None, "each is given once"


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_without_threads_there_are_fewer_and_nobody_waits_for_them(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    start = threading.Thread.start
    given: list[threading.Thread] = []

    def limited(self: threading.Thread) -> None:
        if self.name == "preconnect":
            if len(given) >= threads:
                raise RuntimeError("can't start new thread")
            given.append(self)
        start(self)

    with simulator.start("bybit", orders=0) as server:
        monkeypatch.setattr(threading.Thread, "start", limited)
        begin(profile_table("bybit", server))
        (door,) = head_start._doors.values()
        assert door.promised == threads
        await_opened(threads)
        assert send(server.origin, None) == 200


@pytest.mark.parametrize(("soft", "room"), [(4096, 48), (256, 48), (64, 16), (19, 1), (16, 0), (3, 0)])
def test_with_few_file_descriptors_there_are_fewer(monkeypatch: pytest.MonkeyPatch, soft: int, room: int) -> None:
    """Each takes up to three: what the start needs is left to it."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, 4096))
    assert head_start._room() == room
    monkeypatch.setattr(head_start, "_room", lambda: min(room, 2))
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server))
        assert sum(door.promised for door in head_start._doors.values()) == min(room, 2)


def test_as_many_as_there_are_first_cancels_but_few(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server, category=["linear", "spread"]))
        await_opened(3)  # USDT, USDC and spread
        (door,) = head_start._doors.values()
        assert door.promised == 3
        put_away(door)
        monkeypatch.setattr(head_start, "AT_MOST", 5)
        begin(profile_table("bybit", server))
        await_opened(5)
        put_away(next(iter(head_start._doors.values())))
        monkeypatch.setattr(head_start, "ALTOGETHER", 1)
        begin(profile_table("bybit", server))
        await_opened(1)
        put_away(next(iter(head_start._doors.values())))
        begin(profile_table("bybit", server), dry_run=True)
        await_opened(1)
        assert server.requests == []


def test_a_broken_bundle_is_told_by_the_profile(home: Path) -> None:
    bundle = home / "ca.pem"
    bundle.write_text("no certificate")
    with simulator.start("bybit", orders=0) as server:
        secure = {"CANCELALL_BYBIT_BASE_URL": server.origin.replace("http:", "https:")}
        env = {**environment("bybit", server), **secure, "CANCELALL_BYBIT_CA_BUNDLE": str(bundle)}
        ran = cancelall("bybit", "--json", home=home, env=env)
    assert (ran.code, ran.line["verdict"]) == (6, "unconfigured")
    assert f"the CA bundle {bundle} cannot be read" in ran.line["error"]["message"]
    assert ran.err.count("cannot be read") <= 1


def test_a_kill_takes_them(trusted: Authority, home: Path) -> None:
    with simulator.start("bybit", orders=0, ssl_context=trusted.context()) as server:
        env = {**environment("bybit", server), "CANCELALL_BYBIT_CA_BUNDLE": str(trusted.path)}
        ran = cancelall("bybit", "--category", "spread", "--json", home=home, env=env)
        changes = [request for request in server.requests if request.changes]
        assert (ran.code, ran.line["verdict"], len(changes)) == (0, "clear", 1)
        assert server.requests[0].changes
        assert server.connections <= 3  # the cancel's own, and one or two for the reads


# --- the first packet ---


@pytest.fixture(autouse=True)
def nothing_begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, name in ((head_start, "_begun"), (dial, "_names")):
        monkeypatch.setattr(module, name, {})
    switching = sys.getswitchinterval()
    yield
    sys.setswitchinterval(switching)
    for begun in head_start._begun.values():
        for made, _ in begun._sockets.values():
            made.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(20)
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_connects_goes_on_with_it(host: str, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    head_start.begin(host, port)
    first, _ = listener.accept()
    with first, dial.connect(host, port, 10) as made:
        assert made.getblocking()
        made.sendall(b"on it")
        assert first.recv(9) == b"on it"
        with dial.connect(host, port, 10) as second, listener.accept()[0] as accepted:
            assert accepted.getpeername() == second.getsockname(), "the next one is a new one"


def test_nobody_looks_a_name_up_twice(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*words: object, **more: object) -> Any:
        raise AssertionError(words)

    port = listener.getsockname()[1]
    head_start.begin("localhost", port)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    assert dial.resolve("localhost", port)[0][0] is socket.AF_INET
    assert dial.resolve("localhost", port)[0][1] is socket.SOCK_STREAM


def test_whoever_waits_for_a_name_waits_for_its_end(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, asked, real = threading.Event(), threading.Event(), _socket.getaddrinfo

    def slow(*words: Any) -> Any:
        asked.set()
        assert goes_on.wait(20)
        return real(*words)

    class Slow:
        """The module, with a resolver that takes its time."""

        getaddrinfo = staticmethod(slow)
        socket, SOCK_STREAM = _socket.socket, _socket.SOCK_STREAM

    monkeypatch.setattr(head_start, "_socket", Slow)
    port = listener.getsockname()[1]
    head_start.begin("localhost", port)
    assert asked.wait(20)
    found: list[socket.socket] = []
    waiting = threading.Thread(target=lambda: found.append(dial.connect("localhost", port, 10)))
    waiting.start()
    with pytest.raises(dial.LookUpTimeout):
        dial.connect("localhost", port, 10, until=time.monotonic())
    goes_on.set()
    waiting.join(20)
    (made,) = found
    made.close()


def test_a_name_that_is_none_is_told_by_who_asks_and_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    class Failing:
        """The module, with a resolver that knows nothing."""

        SOCK_STREAM = _socket.SOCK_STREAM

        @staticmethod
        def getaddrinfo(*words: object, **more: object) -> Any:
            asked.append(words)
            raise socket.gaierror(socket.EAI_NONAME, "nobody has that name")

    monkeypatch.setattr(head_start, "_socket", Failing)
    monkeypatch.setattr(socket, "getaddrinfo", Failing.getaddrinfo)
    head_start.begin("nowhere.invalid", 443)
    with pytest.raises(socket.gaierror, match="nobody has that name"):
        dial.connect("nowhere.invalid", 443, 10)
    assert len(asked) == 1
    dial._names.clear()
    with pytest.raises(socket.gaierror, match="nobody has that name"):
        dial.connect("nowhere.invalid", 443, 10)
    assert len(asked) == 2, "the next one is a look-up of its own"


@pytest.mark.parametrize("host", ["10.0.0.300", "1.2.3.4.5", "10.0.0.1."])
def test_what_only_looks_like_a_number_is_looked_up_by_nobody_who_must_not_wait(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    real = _socket.getaddrinfo

    class Noting:
        """The module, and what its resolver is asked."""

        SOCK_STREAM, AI_NUMERICHOST, socket = _socket.SOCK_STREAM, _socket.AI_NUMERICHOST, _socket.socket

        @staticmethod
        def getaddrinfo(*words: Any) -> Any:
            asked.append(words)
            return real(*words)

    monkeypatch.setattr(head_start, "_socket", Noting)
    head_start.begin(host, 443)
    assert [words[-1] for words in asked] == [_socket.AI_NUMERICHOST]
    assert head_start.looked_up(host, 443) == (), "dial asks for it in its own way"


def test_nor_is_a_port_that_refuses() -> None:
    with refusing() as port:
        head_start.begin("127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError):
            dial.connect("127.0.0.1", port, 10)


@pytest.mark.parametrize("fault", [RuntimeError("can't start new thread"), MemoryError()])
def test_without_a_thread_it_is_done_in_the_ordinary_way(
    fault: Exception, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*words: object) -> int:
        raise fault

    monkeypatch.setattr(_thread, "start_new_thread", none)
    port = listener.getsockname()[1]
    head_start.begin("localhost", port)
    with dial.connect("localhost", port, 10), listener.accept()[0]:
        assert head_start._begun == {}


def test_without_a_descriptor_too(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """The module where no descriptor is left."""

        getaddrinfo, SOCK_STREAM = staticmethod(_socket.getaddrinfo), _socket.SOCK_STREAM
        AI_NUMERICHOST = _socket.AI_NUMERICHOST

        @staticmethod
        def socket(*words: object) -> Any:
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(head_start, "_socket", Full)
    port = listener.getsockname()[1]
    head_start.begin("127.0.0.1", port)
    with dial.connect("127.0.0.1", port, 10) as made, listener.accept()[0] as accepted:
        assert accepted.getpeername() == made.getsockname()


def test_one_that_has_become_old_is_closed_and_not_gone_on_with(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    head_start.begin("127.0.0.1", port)
    with listener.accept()[0] as first:
        monkeypatch.setattr(head_start, "FRESH_SECONDS", 0.0)
        (begun,) = head_start._begun.values()
        assert begun.descriptor(("127.0.0.1", port)) is None
        first.settimeout(20)
        assert first.recv(1) == b""


def test_to_begin_it_once_more_changes_nothing(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    for _ in range(3):
        head_start.begin("127.0.0.1", port)
    with listener.accept()[0], dial.connect("127.0.0.1", port, 10):
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("room", [0, 8])
def test_a_request_goes_out_on_what_was_begun(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is no room for connections that are opened ahead, and by no second look-up."""

    def never(*words: object, **more: object) -> Any:
        raise AssertionError(words)

    monkeypatch.setattr(head_start, "_room", lambda: room)
    with simulator.start("bybit", orders=0) as server:
        head_start.begin(*parts_of(server.origin)[1:])
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", never)
            begin(profile_table("bybit", server, settle_coin="USDT"), dry_run=True)
            assert send(server.origin, None) == 200
        assert server.connections == 1
