"""Connections that are opened during the imports: used when they are good, without a trace when they are not."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.cli.kills import _first_requests
from cancelall.core.errors import TransportFault
from cancelall.core.profile import Profile
from cancelall.net import connection
from cancelall.net.route import Route, _loading
from cancelall.net.transport import Transport
from cancelall.simulator import SimServer
from loopback import a_request
from ports import Authority
from support import cancelall, environment, profile_table, profiles_of


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def none_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    doors: dict[tuple[str, str | None], connection._Door] = {}
    monkeypatch.setattr(connection, "_doors", doors)
    monkeypatch.setattr("cancelall.net.route._contexts", {})  # a bundle that is loaded holds up no handshake
    yield
    for door in doors.values():
        put_away(door)


def put_away(door: connection._Door) -> None:
    """Close what nobody has taken."""
    while door.claim():
        made, _ = door.get(10) or (None, 0.0)
        if made is not None:
            made.close()


def begin(table: Mapping[str, object], environ: Mapping[str, str] | None = None, *, dry_run: bool = False) -> Profile:
    """Begin to connect for one profile."""
    (profile,) = profiles_of({"bybit": table})
    connection.preconnect(_first_requests([profile], environ or {}, dry_run=dry_run))
    return profile


def await_opened(count: int) -> None:
    """Until so many connections were opened, or have failed."""
    (door,) = connection._doors.values()
    until = time.monotonic() + 10
    while len(door.opened) < count:
        assert time.monotonic() < until
        time.sleep(0.005)


def send(origin: str, bundle: Path | None) -> int:
    """Send something to an origin; the status of the answer."""
    signed = a_request(method="GET", url=f"{origin}/v5/market/time", body=b"", fresh_connection=True)
    route = Route(ca_bundle=str(bundle) if bundle else None)
    return Transport(route, ready=connection.take).send(signed, time.monotonic() + 10).status


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
            target=lambda: taken.append(connection.take(server.origin, str(trusted.path), 10)), daemon=True
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
    monkeypatch.setattr(connection, "LIFETIME", 0)
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
    assert connection._doors == {}


def test_of_a_family_that_is_asked_for_or_left_to_others() -> None:
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server, settle_coin="USDT"))
        await_opened(1)
        for _ in range(2):
            assert connection.take(server.origin, None, 10, socket.AF_INET6) is None
        made = connection.take(server.origin, None, 10, socket.AF_INET)
        assert made is not None
        with made:
            assert made.family == socket.AF_INET
        assert connection.take(server.origin, None, 10) is None, "each is given once"


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
        (door,) = connection._doors.values()
        assert door.promised == threads
        await_opened(threads)
        assert send(server.origin, None) == 200


@pytest.mark.parametrize(("soft", "room"), [(4096, 48), (256, 48), (64, 16), (19, 1), (16, 0), (3, 0)])
def test_with_few_file_descriptors_there_are_fewer(monkeypatch: pytest.MonkeyPatch, soft: int, room: int) -> None:
    """Each takes up to three: what the start needs is left to it."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (soft, 4096))
    assert connection._room() == room
    monkeypatch.setattr(connection, "_room", lambda: min(room, 2))
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server))
        assert sum(door.promised for door in connection._doors.values()) == min(room, 2)


def test_as_many_as_there_are_first_cancels_but_few(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulator.start("bybit", orders=0) as server:
        begin(profile_table("bybit", server, category=["linear", "spread"]))
        await_opened(3)  # USDT, USDC and spread
        (door,) = connection._doors.values()
        assert door.promised == 3
        put_away(door)
        monkeypatch.setattr(connection, "AT_MOST", 5)
        begin(profile_table("bybit", server))
        await_opened(5)
        put_away(next(iter(connection._doors.values())))
        monkeypatch.setattr(connection, "ALTOGETHER", 1)
        begin(profile_table("bybit", server))
        await_opened(1)
        put_away(next(iter(connection._doors.values())))
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
