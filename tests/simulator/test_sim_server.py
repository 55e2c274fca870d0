"""The server over real sockets, with clients from the standard library and requests."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from cancelall import simulator
from cancelall.simulator import Kind, SimServer

if TYPE_CHECKING:
    from conftest import Desk, Opener

CANCEL = b'{"category":"linear","settleCoin":"USDT"}'
PATH = "/v5/order/cancel-all"


@contextmanager
def serving(desk: Desk, *faults: str, speed: float = 1.0) -> Iterator[SimServer]:
    with SimServer(desk.fake, faults=faults, speed=speed) as server:
        yield server


def connect(server: SimServer, timeout: float = 5) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.origin).netloc, timeout=timeout)


def fire(desk: Desk, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """A signed mass cancel."""
    request = desk.request("POST", PATH, body=CANCEL)
    connection.request("POST", PATH, CANCEL, dict(request.headers))
    return connection.getresponse()


def ask_time(server: SimServer) -> http.client.HTTPResponse:
    with closing(connect(server)) as connection:
        connection.request("GET", "/v5/market/time")
        response = connection.getresponse()
        response.read()
        return response


def test_keep_alive_and_log(desk: Desk) -> None:
    with serving(desk) as server, closing(connect(server)) as connection:
        before = len(server.open_orders())
        for _ in range(3):
            answer = json.loads(fire(desk, connection).read())
            assert answer["retCode"] == 0
        connection.request("GET", "/v5/market/time?x=%3A", headers={"X-Test": "1"})
        connection.getresponse().read()
        assert server.connections == 1
        assert len(server.open_orders()) < before
        log = server.requests
    assert [entry.kind for entry in log] == [Kind.CANCEL] * 3 + [Kind.PUBLIC]
    assert [entry.changes for entry in log] == [True] * 3 + [False]
    assert log[0].body == CANCEL
    assert log[0].key_hint == desk.account.key[-4:]
    assert (log[3].query, log[3].headers["x-test"], log[3].status, log[3].key_hint) == ("x=%3A", "1", 200, "")
    assert log[0].arrived <= log[1].arrived


def test_the_date_header_follows_the_fault_clock(desk: Desk) -> None:
    with serving(desk, "clock=-600") as server:
        assert ask_time(server).getheader("Date") == "Tue, 14 Nov 2023 22:03:20 GMT"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset-after", ConnectionResetError),
        ("fin-after", http.client.RemoteDisconnected),
        ("garbage", http.client.BadStatusLine),
        ("reset-body", (ConnectionResetError, http.client.IncompleteRead)),
        ("many-headers=200", http.client.HTTPException),
        ("stall-after", TimeoutError),
    ],
)
def test_transport_faults_strike_after_the_cancel(open_desk: Opener, fault: str, error: Any) -> None:
    desk = open_desk()
    with serving(desk, fault) as server, closing(connect(server, timeout=0.3)) as connection:
        with pytest.raises(error):
            fire(desk, connection).read()
        assert not [order for order in server.open_orders() if order.symbol == "BTCUSDT" and order.segment == "linear"]


@pytest.mark.parametrize(("fault", "dripped_after"), [("drip-headers=0.05", 0), ("drip-body=0.05", 40)])
def test_drips(desk: Desk, fault: str, dripped_after: int) -> None:
    with serving(desk, fault) as server:
        with closing(socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0))) as client:
            client.sendall(b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\n\r\n")
            pieces = [client.recv(1000) for _ in range(4)]
    assert len(pieces[0]) >= dripped_after
    assert all(0 < len(piece) < 20 for piece in pieces[1:])


def test_stall_does_not_process(desk: Desk) -> None:
    with serving(desk, "stall@1") as server:
        with closing(connect(server, timeout=0.1)) as connection, pytest.raises(TimeoutError):
            fire(desk, connection)
        assert len(server.open_orders()) == 40
        assert ask_time(server).status == 200


def test_accept_stall_reads_nothing(desk: Desk) -> None:
    with serving(desk, "accept-stall@1") as server:
        with closing(connect(server, timeout=0.1)) as connection, pytest.raises(TimeoutError):
            fire(desk, connection)
        assert server.requests == []
        assert ask_time(server).status == 200


def test_a_giant_body_has_no_end(desk: Desk) -> None:
    with serving(desk, "giant") as server, closing(connect(server)) as connection:
        response = fire(desk, connection)
        assert len(response.read(5_000_000)) == 5_000_000


def test_faults_change_while_it_runs(desk: Desk) -> None:
    with serving(desk, "html") as server:
        response = ask_time(server)
        assert (response.status, response.getheader("Content-Type")) == (502, "text/html")
        server.set_faults([])
        assert ask_time(server).status == 200
        with pytest.raises(ValueError, match="unknown fault"):
            server.set_faults(["no-such"])


@pytest.mark.alone("measures the time of the exchange")
def test_latency_runs_on_the_scaled_clock(desk: Desk) -> None:
    with serving(desk, "latency=10", speed=100) as server:
        started = time.monotonic()
        assert ask_time(server).status == 200
        assert 0.1 <= time.monotonic() - started < 2


@pytest.mark.alone("measures the time of the exchange")
def test_stops_at_once_while_clients_hang(desk: Desk) -> None:
    server = SimServer(desk.fake, faults=["stall"]).start()
    with closing(socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0))) as idle:
        with closing(connect(server)) as stalled:
            stalled.request("GET", "/v5/market/time")
            deadline = time.monotonic() + 5
            while not server.requests and time.monotonic() < deadline:
                threading.Event().wait(0.001)
            started = time.monotonic()
            server.stop()
            assert idle.recv(1) == b""
            with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
                stalled.getresponse()
        assert time.monotonic() - started < 1
    server.stop()


def test_rubbish_is_answered_not_logged(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(desk) as server:
        for rubbish in (
            b"\x16\x03\x01\x00\r\n\r\n",
            b"GET\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        ):
            with closing(socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0))) as client:
                client.sendall(rubbish)
                assert client.recv(1000)
        assert server.requests == []
    assert capfd.readouterr() == ("", "")


def test_three_hundred_clients_at_once(open_desk: Opener) -> None:
    desk = open_desk(orders=0)
    accounts = [desk.at(desk.fake.add_account(orders=10)) for _ in range(300)]
    with serving(desk) as server:
        barrier = threading.Barrier(len(accounts))
        codes: list[int] = []

        def run(each: Desk) -> None:
            with closing(connect(server, timeout=10)) as connection:
                barrier.wait()
                codes.append(json.loads(fire(each, connection).read())["retCode"])

        threads = [threading.Thread(target=run, args=(each,)) for each in accounts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [0] * 300
        assert {len(server.open_orders(each.account)) for each in accounts} == {len(accounts[0].open())}


def test_tls() -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with simulator.start("bybit", orders=10, ssl_context=context) as server:
        assert server.origin.startswith("https://127.0.0.1:")
        for faults, error in (([], None), (["reset-after"], ConnectionResetError)):
            server.set_faults(faults)
            host = urlsplit(server.origin).netloc
            with closing(http.client.HTTPSConnection(host, timeout=5, context=trusting)) as connection:
                connection.request("GET", "/v5/market/time")
                if error:
                    with pytest.raises(error):
                        connection.getresponse()
                else:
                    assert json.loads(connection.getresponse().read())["retCode"] == 0
        stranger = http.client.HTTPSConnection(host, timeout=5, context=ssl.create_default_context())
        with closing(stranger), pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/v5/market/time")
        # A client that never shakes hands holds up nobody.
        with closing(socket.create_connection(("127.0.0.1", urlsplit(server.origin).port or 0))):
            server.set_faults([])
            with closing(http.client.HTTPSConnection(host, timeout=5, context=trusting)) as connection:
                connection.request("GET", "/v5/market/time")
                assert connection.getresponse().status == 200


def test_a_body_on_a_get_reaches_the_venue_and_is_refused() -> None:
    requests = pytest.importorskip("requests")
    with simulator.start("bybit", orders=10) as server:
        got = requests.get(f"{server.origin}/v5/user/query-api", json={}, timeout=5)
        assert (got.status_code, got.request.body) == (403, b"{}")


def test_start_gives_what_a_client_needs() -> None:
    with simulator.start("bybit", orders=15, seed=7) as server, simulator.start("bybit", orders=15, seed=7) as again:
        assert set(server.credentials) == {"api_key", "api_secret"}
        assert server.credentials == again.credentials
        assert server.account_options == {}
        assert len(server.open_orders()) == 15
        assert server.origin != again.origin
