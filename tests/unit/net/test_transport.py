"""Real sockets on loopback: the exact bytes of a request, and what every kind of broken answer is taken for."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import os
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from cancelall import __version__, simulator
from cancelall.core import model
from cancelall.core.errors import ConfigError, TransportFault, Unreadable
from cancelall.core.model import Reply, SignedRequest
from cancelall.net import dial, transport
from cancelall.net.background import Handle
from cancelall.net.route import Passage, Route, is_loopback, route_for
from cancelall.net.transport import Transport
from loopback import CANARY, OK, RawServer, Script, a_cancel, a_get, a_request, in_seconds, read_request, reset
from ports import Authority
from support import ROOT, cancelall, environment


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as running:
        yield running


# --- what goes out --------------------------------------------------------------------------------------------------


LINES = (
    b"Host: 127.0.0.1:%d\r\n"
    b"User-Agent: cancelall/%s\r\n"
    b"Accept: application/json\r\n"
    b"Accept-Encoding: identity\r\n"
    b"Connection: keep-alive\r\n"
    b"X-SIGN: SECRET-hunter2-canary\r\n"
)


def test_a_cancel_on_the_wire(server: RawServer) -> None:
    reply = Transport(Route()).send(a_cancel(server, '{"a": "é",  "b":1}'.encode()), in_seconds())
    assert (reply.status, reply.body) == (200, b"{}")
    end = b'Content-Type: application/json\r\nContent-Length: 19\r\n\r\n{"a": "\xc3\xa9",  "b":1}'
    start = b"POST /v5/order/cancel-all HTTP/1.1\r\n"
    assert server.requests == [start + LINES % (server.port, __version__.encode()) + end]


def test_a_listing_on_the_wire_has_no_body_and_no_word_about_one(server: RawServer) -> None:
    Transport(Route()).send(a_get(server), in_seconds())
    start = b"GET /v5/order/realtime?category=linear HTTP/1.1\r\n"
    assert server.requests == [start + LINES % (server.port, __version__.encode()) + b"\r\n"]


@pytest.mark.parametrize(
    "target",
    [
        "/a?cursor=1%3A2%2C3",
        "/a?cursor=1%3a2%2c3",
        "/a?cursor=%253A&empty=&a=1&a=2",
        "/a/../b/./c//d/%7Eq?x=~",
        "/a?list=[1,2]&quote=\"'&curly={}|",
        "/a;b=1?c=d?e=f",
    ],
)
def test_the_target_goes_out_as_it_was_signed(server: RawServer, target: str) -> None:
    Transport(Route()).send(a_get(server, target), in_seconds())
    assert server.requests[0].split(b"\r\n")[0] == b"GET %s HTTP/1.1" % target.encode()


def test_a_delete_without_a_body_says_so(server: RawServer) -> None:
    signed = a_request(method="DELETE", url=f"{server.origin}/order", body=b"", fresh_connection=True)
    Transport(Route()).send(signed, in_seconds())
    assert server.requests[0].endswith(b"\r\nContent-Length: 0\r\n\r\n")


def test_each_cancel_opens_a_connection_and_listings_share_one(server: RawServer) -> None:
    line = Transport(Route())
    for signed in (a_get(server), a_cancel(server), a_get(server), a_cancel(server), a_get(server)):
        line.send(signed, in_seconds())
    assert server.connections == [1, 2, 1, 3, 1]


def test_cookies_are_not_sent_back() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: __cf_bm=tracking; Path=/\r\n\r\n")
    with RawServer(answer) as server:
        line = Transport(Route())
        line.send(a_get(server), in_seconds())
        line.send(a_get(server), in_seconds())
        assert len(server.requests) == 2
        assert not any(b"cookie" in request.lower() for request in server.requests)


def test_netrc_has_no_say(server: RawServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(netrc))
    signed = a_request(method="GET", url=f"{server.origin}/", headers=(("Authorization", "Bearer mine"),), body=b"")
    Transport(Route()).send(signed, in_seconds())
    assert b"\r\nAuthorization: Bearer mine\r\n" in server.requests[0]
    Transport(Route()).send(a_request(method="GET", url=f"{server.origin}/"), in_seconds())
    assert b"authorization" not in server.requests[1].lower()


def test_it_tells_that_the_request_is_out_before_the_answer_is_in() -> None:
    out = threading.Event()
    waited: list[bool] = []

    def answer_once_told(connection: socket.socket) -> None:
        waited.append(out.wait(5))
        connection.sendall(OK)

    with RawServer(answer_once_told) as server:
        Transport(Route()).send(a_cancel(server), in_seconds(), out.set)
        assert waited == [True]


def test_nothing_is_told_about_a_request_that_never_left() -> None:
    with RawServer() as server:
        port = server.port
    out: list[str] = []
    signed = a_request(method="POST", url=f"http://127.0.0.1:{port}/", body=b"{}", fresh_connection=True)
    with pytest.raises(TransportFault):
        Transport(Route()).send(signed, in_seconds(), lambda: out.append("sent"))
    assert out == []


def test_too_late_to_send(server: RawServer) -> None:
    with pytest.raises(TransportFault, match="no time left to send") as caught:
        Transport(Route()).send(a_get(server), time.monotonic() - 0.001)
    assert (caught.value.kind, caught.value.sent, server.accepted) == ("timeout", "no", 0)


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://api.bybit.com/", "ftp://127.0.0.1/", "http://localhost.evil/"]
)
def test_only_https_leaves_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", raising(AssertionError("something looked up a host")))
    with pytest.raises(ConfigError, match="only https leaves this machine"):
        Transport(Route()).send(a_request(method="GET", url=url), in_seconds())


SIGN = (("X-SIGN", CANARY),)


def raising(fault: BaseException) -> Callable[..., Any]:
    """Something that always fails so."""

    def fail(*words: object, **more: object) -> Any:
        raise fault

    return fail


# --- what comes back ------------------------------------------------------------------------------------------------


def test_header_names_are_lower_case_and_repeated_ones_are_joined() -> None:
    head = b"HTTP/1.1 418 Teapot\r\nRetry-After: 7\r\nX-Limit: a\r\nX-LIMIT: b\r\nContent-Length: 1\r\n\r\nx"
    with RawServer(head) as server:
        reply = Transport(Route()).send(a_get(server), in_seconds())
    assert reply.status == 418
    assert reply.headers == {"retry-after": "7", "x-limit": "a, b", "content-length": "1"}
    assert reply.body == b"x"


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    def close_at_the_end(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[1,")
        connection.sendall(b"2]")

    with RawServer(close_at_the_end) as server:
        assert Transport(Route()).send(a_get(server), in_seconds()).body == b"[1,2]"


def test_an_answer_that_is_compressed_all_the_same() -> None:
    packed = gzip.compress(b'{"retCode":0}' * 50)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with RawServer(head + packed) as server:
        assert Transport(Route()).send(a_get(server), in_seconds()).body == b'{"retCode":0}' * 50


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with RawServer() as other:
        answer = b"HTTP/1.1 %d Moved\r\nLocation: %s/steal\r\nContent-Length: 2\r\n\r\n{}"
        with RawServer(answer % (status, other.origin.encode())) as server:
            reply = Transport(Route()).send(a_cancel(server), in_seconds())
        assert (reply.status, reply.body, other.accepted) == (status, b"", 0)


@pytest.mark.alone("measures the end at a deadline")
def test_a_redirect_is_not_even_downloaded() -> None:
    giant, chunk = 200 << 20, b" " * (1 << 20)
    poured: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: %d\r\n\r\n" % giant)
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(chunk)
                poured.append(len(chunk))

    with RawServer(pour) as server:
        began = time.monotonic()
        assert Transport(Route()).send(a_get(server), in_seconds()).status == 302
        assert time.monotonic() - began < 2
    assert sum(poured) < 50 << 20


# --- what goes wrong ------------------------------------------------------------------------------------------------


def _then(*parts: bytes, end: Callable[[socket.socket], object] = socket.socket.close) -> Script:
    def script(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        if end is reset and parts:
            time.sleep(0.05)  # a reset throws away what has not been read yet
        end(connection)

    return script


def _wait(connection: socket.socket) -> None:
    connection.recv(1)  # until the client gives up


_HEAD = b"HTTP/1.1 200 OK\r\n"
_MANY = b"".join(b"X-%d: 1\r\n" % number for number in range(101))
BROKE = ("the connection broke", "network", "maybe", False, False)
BROKEN_OFF = ("the answer broke off", "unreadable", "yes", False, False)
NO_HTTP = ("what came back is no HTTP", "network", "maybe", False, False)
HUGE_HEAD = ("the answer's head is larger than 65536 bytes", "unreadable", "yes", False, True)
STOPPED = ("the answer did not end in time", "timeout", "yes", False, False)
NO_HEAD = ("the answer's head is not HTTP", "unreadable", "yes", False, True)
SILENT = ("no answer in time", "timeout", "maybe", False, False)
TOO_LARGE = ("the answer is larger than 1000 bytes", "unreadable", "yes", False, True)
FAULTS: dict[str, tuple[Script, tuple[str, str, str, bool, bool]]] = {
    "reset before the answer": (_then(end=reset), BROKE),
    "end before the answer": (_then(), BROKE),
    "end in the status line": (_then(b"HTTP/1.1 2"), BROKE),
    "no HTTP": (_then(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), NO_HTTP),
    "a status that is no number": (_then(b"HTTP/1.1 OK 200\r\n\r\n"), NO_HTTP),
    "another protocol version": (_then(b"HTTP/9.9 200 OK\r\n\r\n"), NO_HEAD),
    "101 headers": (_then(_HEAD + _MANY + b"\r\n"), NO_HEAD),
    "a header of 70 kB": (_then(_HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n"), HUGE_HEAD),
    "a short body": (_then(_HEAD + b"Content-Length: 10\r\n\r\n{}"), BROKEN_OFF),
    "a reset in the body": (_then(_HEAD + b"Content-Length: 10\r\n\r\n{}", end=reset), BROKEN_OFF),
    "a short body, compressed": (
        _then(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + gzip.compress(b"{}")),
        BROKEN_OFF,
    ),
    "a chunk that is cut": (_then(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), BROKEN_OFF),
    "no last chunk": (_then(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), BROKEN_OFF),
    "a chunk size that is no number": (_then(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n"), BROKEN_OFF),
    "no gzip under its name": (
        _then(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
        ("the answer could not be decoded", "unreadable", "yes", False, True),
    ),
    "silence": (_then(end=_wait), SILENT),
    "a head that stops": (_then(_HEAD + b"Content-", end=_wait), SILENT),
    "a body that stops": (_then(_HEAD + b"Content-Length: 10\r\n\r\n{}", end=_wait), STOPPED),
    "more than its limit": (_then(_HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001), TOO_LARGE),
    "chunks without end": (
        lambda connection: _pour(
            connection, _HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"
        ),
        TOO_LARGE,
    ),
}


def _pour(connection: socket.socket, head: bytes, chunk: bytes) -> None:
    connection.sendall(head)
    while True:
        connection.sendall(chunk)


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_broken_answer_is_taken_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, expected = FAULTS[name]
    if expected in (SILENT, STOPPED):
        monkeypatch.setattr(transport, "READ_TIMEOUT", 0.3)
    out: list[str] = []
    with RawServer(script) as server:
        signed = a_get(server, body_limit=1000)
        with pytest.raises(TransportFault) as caught:
            Transport(Route()).send(signed, in_seconds(), lambda: out.append("sent"))
    fault = caught.value
    assert (fault.message, fault.kind, fault.sent, fault.final, fault.answered) == expected
    assert out == ["sent"]
    assert CANARY not in f"{fault} {fault!r} {signed!r}"


def test_a_body_of_exactly_its_limit_is_read() -> None:
    with RawServer(_HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000) as server:
        assert len(Transport(Route()).send(a_get(server, body_limit=1000), in_seconds()).body) == 1000


def test_a_gzip_bomb_stays_small() -> None:
    bomb = gzip.compress(bytes(256 << 20), compresslevel=1)
    head = _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with RawServer(_then(head, bomb, end=_wait)) as server:
        line = Transport(Route())
        tracemalloc.start()
        try:
            with pytest.raises(TransportFault, match="larger than 4194304 bytes"):
                line.send(a_get(server), in_seconds())
            assert tracemalloc.get_traced_memory()[1] < 32 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.alone("measures the end at a deadline")
def test_a_dripping_body_ends_with_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(_HEAD + b"Content-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.01)

    with RawServer(drip) as server:
        began = time.monotonic()
        with pytest.raises(TransportFault, match="the answer did not end in time") as caught:
            Transport(Route()).send(a_get(server), began + 0.3)
        assert 0.3 <= time.monotonic() - began < 1
    assert (caught.value.kind, caught.value.sent) == ("timeout", "yes")


def _fault_of(line: Transport, signed: SignedRequest, seconds: float = 5) -> tuple[str, str, str, bool]:
    with pytest.raises(TransportFault) as caught:
        line.send(signed, in_seconds(seconds))
    assert caught.value.answered is False
    assert CANARY not in f"{caught.value} {caught.value!r}"
    return caught.value.message, caught.value.kind, caught.value.sent, caught.value.final


def test_a_port_that_nobody_listens_on() -> None:
    with RawServer() as server:
        signed = a_get(server)
    assert _fault_of(Transport(Route()), signed) == ("127.0.0.1 refused the connection", "network", "no", False)


TIMED_OUT = "no connection to api.bybit.invalid in time"
UNRESOLVED = "api.bybit.invalid cannot be resolved: is this machine online?"


@pytest.mark.parametrize(
    ("where", "fault", "message", "kind"),
    [
        ("socket.getaddrinfo", socket.gaierror(socket.EAI_NONAME), UNRESOLVED, "network"),
        (
            "cancelall.net.dial.connect",
            TimeoutError("timed out"),
            "no connection to api.bybit.invalid in time",
            "timeout",
        ),
    ],
)
def test_a_host_that_is_not_reached(
    where: str, fault: Exception, message: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, raising(fault))
    signed = a_request(method="POST", url="https://api.bybit.invalid/v5", headers=SIGN, body=b"{}")
    assert _fault_of(Transport(Route()), signed) == (message, kind, "no", False)


@pytest.mark.parametrize(
    ("url", "sign"),
    [
        ("https://.example/", CANARY),
        (f"https://{'a' * 70}.example/", CANARY),
        ("http://127.0.0.1:9/a b", CANARY),
        ("http://127.0.0.1:9/é", CANARY),
        ("http://127.0.0.1:9/", f"{CANARY}\n"),
        ("http://127.0.0.1:9/", f"{CANARY}\u2019"),
    ],
)
def test_what_cannot_be_sent_was_not_sent(url: str, sign: str) -> None:
    signed = a_request(method="POST", url=url, headers=(("X-SIGN", sign),), body=b"{}", fresh_connection=True)
    words, _, sent, final = _fault_of(Transport(Route()), signed)
    expected = "cannot be resolved" if ".example" in url else "a character that HTTP cannot carry"
    assert (expected in words, sent, final) == (True, "no", False)


def test_what_is_on_its_way_out_shows_no_secret() -> None:
    signed = a_request(method="GET", url="https://host/", headers=(("X-SIGN", CANARY),), body=CANARY.encode())
    data = transport.request_bytes(signed, {"X-SIGN": CANARY})
    out = transport.Outgoing(signed=signed, data=data, until=1.0, seconds=1.0, handle=Handle(), sent=lambda: None)
    assert CANARY.encode() in data
    assert CANARY not in repr(out)


def test_no_debug_level_makes_it_print_a_key(home: Path) -> None:
    """Somebody may have switched it on for every program of this Python."""
    folder = home / "hooks"
    folder.mkdir()
    hook = "import http.client\nhttp.client.HTTPConnection.debuglevel = http.client.HTTPResponse.debuglevel = 1\n"
    (folder / "sitecustomize.py").write_text(hook)
    with simulator.start("bybit", orders=3) as server:
        env = {**environment("bybit", server), "PYTHONPATH": f"{folder}:{ROOT}"}
        ran = cancelall("bybit", "--json", "--settle-coin", "USDT", home=home, env=env)
        assert (ran.code, ran.line["verdict"]) == (0, "clear")
        for secret in server.credentials.values():
            assert secret not in ran.out + ran.err
        assert "header" not in (ran.out + ran.err).lower()
        assert "send:" not in ran.out + ran.err


# --- what is made of an answer --------------------------------------------------------------------------------------


def _answer(body: bytes) -> bytes:
    return _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _listing(rows: int) -> bytes:
    """Five thousand rows of it are within the limits of a body only where their fields are short."""
    row = {f"f{number}": str(number) for number in range(50)} | {"legs": [{"a": 1}, {"b": 2}]}
    return json.dumps({"list": [row] * rows}, separators=(",", ":")).encode()


def test_five_thousand_orders_are_read() -> None:
    body = _listing(5000)
    with RawServer(_answer(body)) as server:
        reply = Transport(Route()).send(a_get(server, body_limit=len(body)), in_seconds(20))
    read = reply.json
    assert isinstance(read, dict)
    assert len(read["list"]) == 5000


@pytest.mark.parametrize(
    "filler", [b"{},", b'{"a":1},', b"[],", b"0,", b'"":0,', b"[[],[]],", b'{"a":{"b":{}}},'], ids=repr
)
def test_a_body_that_can_hold_no_listing_is_refused_before_it_is_parsed(
    filler: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b"[" + filler * (3_900_000 // len(filler)) + b"0]"
    parsed: list[int] = []
    monkeypatch.setattr("cancelall.core.model.parse", lambda body: parsed.append(len(body)))
    with RawServer(_answer(body)) as server:
        with pytest.raises(TransportFault, match="more than any listing of orders") as caught:
            Transport(Route()).send(a_get(server), in_seconds(20))
    assert (caught.value.kind, caught.value.sent, caught.value.answered) == ("unreadable", "yes", True)
    assert parsed == []


def test_an_answer_is_parsed_once_and_in_the_thread_of_its_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[threading.Thread] = []
    real = model.parse

    def parse(body: bytes) -> object:
        where.append(threading.current_thread())
        return real(body)

    monkeypatch.setattr(model, "parse", parse)
    replies: list[Reply] = []
    with RawServer(_answer(b'{"a":1}')) as server:
        line = Transport(Route())
        attempt = threading.Thread(target=lambda: replies.append(line.send(a_get(server), in_seconds())))
        attempt.start()
        attempt.join(10)
    assert (replies[0].json, replies[0].json) == ({"a": 1}, {"a": 1})
    assert where == [attempt]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a":NaN}', b"[" * 60_000 + b"]" * 60_000, b"\xff"])
def test_what_is_no_json_is_told_when_somebody_asks(body: bytes) -> None:
    with RawServer(_answer(body)) as server:
        reply = Transport(Route()).send(a_get(server), in_seconds())
    assert reply.body == body
    with pytest.raises(Unreadable):
        _ = reply.json


# --- what this machine has run out of -------------------------------------------------------------------------------


def test_without_descriptors_the_kept_connections_give_way(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Transport(Route())
    line.send(a_get(server), in_seconds())
    real = dial.race
    refused: list[int] = []

    def scarce(*words: Any) -> socket.socket:
        if not refused:
            refused.append(1)
            raise OSError(errno.EMFILE, "Too many open files")
        return real(*words)

    monkeypatch.setattr(dial, "race", scarce)
    assert line.send(a_cancel(server), in_seconds()).status == 200
    assert len(refused) == 1
    monkeypatch.undo()
    line.send(a_get(server), in_seconds())
    assert server.connections == [1, 2, 3]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_what_is_scarce_is_named(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancelall.net.dial.socket.socket", raising(OSError(code, os.strerror(code))))
    signed = a_request(method="POST", url="http://127.0.0.1:9/", body=b"{}", fresh_connection=True)
    with pytest.raises(TransportFault) as caught:
        Transport(Route()).send(signed, in_seconds())
    files = code in (errno.EMFILE, errno.ENFILE)
    assert ("may open no more files" if files else "no memory left") in caught.value.message
    assert caught.value.hint
    assert (caught.value.sent, caught.value.final) == ("no", False)


@pytest.mark.parametrize(
    ("where", "sent"), [("cancelall.net.connection.connect", "no"), ("cancelall.net.answer.body", "maybe")]
)
def test_no_memory_is_no_bug(where: str, sent: str, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, raising(MemoryError()))
    with pytest.raises(TransportFault, match="no memory left") as caught:
        Transport(Route()).send(a_cancel(server), in_seconds())
    assert caught.value.sent == sent


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def trusting(authority: Authority, proxy: RawServer | str = "", *, by_environment: bool = False) -> Transport:
    """A line that trusts this authority, directly or through a proxy."""
    address = proxy if isinstance(proxy, str) else f"http://127.0.0.1:{proxy.port}"
    route = Route(proxy=address or None, passage=Passage() if by_environment else None, ca_bundle=str(authority.path))
    return Transport(route)


def test_a_certificate_of_the_chosen_authority_is_accepted(authority: Authority) -> None:
    with RawServer(context=authority.context()) as server:
        line = trusting(authority)
        assert line.send(a_cancel(server), in_seconds()).status == 200
        assert [line.send(a_get(server), in_seconds()).status for _ in range(2)] == [200, 200]
        assert server.connections == [1, 2, 2]


def test_an_empty_folder_of_certificates_trusts_nobody(authority: Authority, tmp_path: Path) -> None:
    with RawServer(context=authority.context()) as server:
        _, kind, _, final = _fault_of(Transport(Route(ca_bundle=str(tmp_path))), a_get(server))
    assert (kind, final) == ("tls", True)


@pytest.mark.parametrize(
    ("name", "more", "bundled", "why", "cure"),
    [
        (
            "other.example",
            {},
            True,
            "IP address mismatch, certificate is not valid for '127.0.0.1'",
            r"possible interception$",
        ),
        (
            "127.0.0.1",
            {"expired": True},
            True,
            "certificate has expired",
            r"has expired.* clock says 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC: if that is wrong, set",
        ),
        (
            "127.0.0.1",
            {"later": True},
            True,
            "not yet valid",
            r"not yet valid.*this machine's clock says .* UTC: if that is wrong, set the clock",
        ),
        ("127.0.0.1", {}, False, "unable to get local issuer certificate", r"ca_bundle or SSL_CERT_FILE"),
    ],
)
def test_a_wrong_certificate_is_final_tells_its_cure_and_nothing_is_sent(
    authority: Authority, name: str, more: dict[str, Any], bundled: bool, why: str, cure: str
) -> None:
    with RawServer(context=authority.context(name, **more)) as server:
        line = trusting(authority) if bundled else Transport(Route())
        for signed in (a_cancel(server), a_get(server)):
            message, kind, sent, final = _fault_of(line, signed)
            assert message.startswith("the certificate was refused (")
            assert why in message
            assert re.search(cure, message, re.DOTALL)
            assert (kind, sent, final) == ("tls", "no", True)
        assert server.requests == []
        with pytest.raises(TransportFault) as caught:
            line.send(a_cancel(server), in_seconds())
    if name == "other.example":  # there is no honest cause
        assert "do not work around it" in caught.value.hint
    else:
        assert caught.value.hint in caught.value.message


def test_a_handshake_that_stalls_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.2)
    with RawServer(_then(end=_wait)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        signed = a_request(method="POST", url=url, body=b"{}", fresh_connection=True)
        assert _fault_of(Transport(Route()), signed) == ("no connection to 127.0.0.1 in time", "timeout", "no", False)


def test_what_is_no_tls_has_got_nothing() -> None:
    got: list[bytes] = []

    def speak_http() -> None:
        connection, _ = listener.accept()
        with connection:
            got.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=speak_http, daemon=True)
        speaker.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        signed = a_request(method="POST", url=url, headers=SIGN, body=b"{}", fresh_connection=True)
        assert _fault_of(Transport(Route()), signed) == ("TLS with 127.0.0.1 failed", "tls", "no", False)
        speaker.join(5)
    assert CANARY.encode() not in got[0]


def test_no_session_keys_are_written(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    monkeypatch.setattr("cancelall.net.route._contexts", {})
    with RawServer(context=authority.context()) as server:
        trusting(authority).send(a_cancel(server), in_seconds())
        assert len(server.requests) == 1
    assert not log.exists()


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_bundle_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(ConfigError, match=r"the CA bundle .* cannot be read"):
        Transport(Route(ca_bundle=str(bundle)))


# --- proxies --------------------------------------------------------------------------------------------------------


@dataclass
class Tunnel:
    """A proxy that plays the host behind itself, with a certificate for its name."""

    authority: Authority
    carried: list[bytes] = field(default_factory=list)

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.authority.context("api.venue.test").wrap_socket(connection, server_side=True) as inner:
            self.carried.append(read_request(inner))
            inner.sendall(OK)


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_proxy_only_sees_where_to(authority: Authority, by_environment: bool) -> None:
    tunnel = Tunnel(authority)
    with RawServer(tunnel) as proxy:
        line = trusting(authority, f"http://user:pass@127.0.0.1:{proxy.port}", by_environment=by_environment)
        signed = a_request(method="POST", url="https://api.venue.test/x%3a", headers=SIGN, body=b"{}")
        assert line.send(signed, in_seconds()).status == 200
    assert proxy.requests[0].startswith(b"CONNECT api.venue.test:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.requests[0]
    assert CANARY.encode() not in proxy.requests[0]
    assert tunnel.carried[0].startswith(b"POST /x%3a HTTP/1.1\r\n")
    assert b"Proxy-Authorization" not in tunnel.carried[0]


def test_requests_tells_the_proxy_who_asks_and_sends_nothing_itself(authority: Authority) -> None:
    """`responses` stands where requests would send, and lets nothing by."""
    with responses.RequestsMock() as instead, RawServer(Tunnel(authority)) as proxy:
        line = trusting(authority, f"http://user:pass@127.0.0.1:{proxy.port}")
        cancel = a_request(method="POST", url="https://api.venue.test/x", body=b"{}", fresh_connection=True)
        assert line.send(cancel, in_seconds()).status == 200
        assert len(instead.calls) == 0
        with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
            requests.post("https://api.venue.test/x", timeout=1)
    headers = requests.adapters.HTTPAdapter().proxy_headers(line.route.proxy)
    assert f"Proxy-Authorization: {headers['Proxy-Authorization']}".encode() in proxy.requests[0]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_the_environment_alone_sets_no_proxy(server: RawServer, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert Transport(Route()).send(a_get(server), in_seconds()).status == 200


REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("what", ["refuses", "stalls", "dead", "unknown scheme"])
def test_a_proxy_of_the_environment_that_does_not_serve_is_passed_by(
    authority: Authority, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "stalls":
        monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.6)
    script = _then(REFUSAL) if what == "refuses" else _then(end=_wait)
    with RawServer(script) as proxy, RawServer(context=authority.context()) as server:
        address = {"dead": "http://127.0.0.1:1", "unknown scheme": "socks5://127.0.0.1:1"}.get(what, proxy)
        assert trusting(authority, address, by_environment=True).send(a_cancel(server), in_seconds()).status == 200
        assert (len(proxy.requests), len(server.requests)) == (int(address is proxy), 1)


def test_a_proxy_of_the_profile_is_never_passed_by(authority: Authority) -> None:
    with RawServer(context=authority.context()) as server:
        line = trusting(authority, "http://127.0.0.1:1")
        words = "the proxy did not let the request through: 127.0.0.1 refused the connection"
        expected = (words, "network", "no", False)
        assert _fault_of(line, a_cancel(server)) == expected
        assert server.requests == []


def test_a_certificate_that_is_refused_behind_a_proxy_is_not_tried_again_directly(authority: Authority) -> None:
    tunnel = Tunnel(authority)
    with RawServer(tunnel) as proxy:
        line = Transport(Route(proxy=f"http://127.0.0.1:{proxy.port}", passage=Passage()))
        signed = a_request(method="POST", url="https://api.venue.test/", body=b"{}")
        _, kind, sent, final = _fault_of(line, signed)
        assert (kind, sent, final) == ("tls", "no", True)
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("by_environment", [True, False])
def test_what_is_not_encrypted_goes_through_no_proxy(server: RawServer, by_environment: bool) -> None:
    with RawServer() as proxy:
        route = Route(proxy=f"http://127.0.0.1:{proxy.port}", passage=Passage() if by_environment else None)
        assert Transport(route).send(a_cancel(server), in_seconds()).status == 200
        assert (proxy.accepted, len(server.requests)) == (0, 1)


def test_listings_share_one_tunnel(authority: Authority) -> None:
    def serve(made: socket.socket) -> None:
        made.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with authority.context("api.venue.test").wrap_socket(made, server_side=True) as inner:
            while read_request(inner):
                inner.sendall(OK)

    with RawServer(serve) as proxy:
        line = trusting(authority, f"127.0.0.1:{proxy.port}")
        signed = a_request(method="GET", url="https://api.venue.test/")
        for _ in range(3):
            reply = line.send(signed, in_seconds())
            assert (reply.status, reply.family) == (200, None)
        assert proxy.accepted == 1


def test_a_proxy_that_speaks_tls_itself(authority: Authority) -> None:
    with RawServer(context=authority.context("api.venue.test")) as venue:

        def relay(made: socket.socket) -> None:
            made.sendall(b"HTTP/1.0 200 OK\r\nVia: proxy\r\n\r\n")
            with socket.create_connection(("127.0.0.1", venue.port)) as onward:
                onward.setblocking(False)
                made.settimeout(0.01)
                while not proxy.stopped.is_set():
                    for source, sink in ((made, onward), (onward, made)):
                        with contextlib.suppress(TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                            sink.sendall(source.recv(65536))

        with RawServer(relay, context=authority.context()) as proxy:
            line = trusting(authority, f"https://127.0.0.1:{proxy.port}")
            signed = a_request(method="POST", url="https://api.venue.test/x", headers=SIGN, body=b"{}")
            assert line.send(signed, in_seconds()).status == 200
            assert CANARY.encode() not in proxy.requests[0]
        assert CANARY.encode() in venue.requests[0]


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_proxy_whose_certificate_is_refused(authority: Authority, by_environment: bool) -> None:
    """One from the environment is passed by like a dead one; one of the profile will not be better at the next try."""
    with RawServer(context=authority.context()) as server, RawServer(context=authority.context("other.test")) as proxy:
        line = trusting(authority, f"https://127.0.0.1:{proxy.port}", by_environment=by_environment)
        if by_environment:
            assert line.send(a_cancel(server), in_seconds()).status == 200
        else:
            message, kind, sent, final = _fault_of(line, a_cancel(server))
            assert message.startswith("the proxy did not let the request through: the certificate was refused")
            assert (kind, sent, final) == ("tls", "no", True)
        assert (proxy.requests, len(server.requests)) == ([], int(by_environment))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (REFUSAL, r"\(HTTP 407\)"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n", r"\(HTTP 302\)"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "its answer broke off or is no HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", "its answer broke off or is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nearly", "it said more than its answer"),
        (b"", "its answer broke off or is no HTTP"),
    ],
)
def test_a_proxy_that_opens_no_tunnel(answer: bytes, words: str) -> None:
    with RawServer(_then(answer)) as proxy:
        line = Transport(Route(proxy=f"http://user:{CANARY}@127.0.0.1:{proxy.port}"))
        signed = a_request(method="POST", url="https://api.venue.test/", body=b"{}")
        with pytest.raises(TransportFault, match=f"the proxy did not let the request through.*{words}") as caught:
            line.send(signed, in_seconds())
        assert (caught.value.sent, caught.value.final) == ("no", False)
        assert CANARY not in f"{caught.value} {caught.value!r}"


@pytest.mark.alone("measures the end at a deadline")
def test_a_tunnel_whose_head_drips_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)

    def drip(made: socket.socket) -> None:
        while True:
            made.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.01)

    with RawServer(drip) as proxy:
        line = Transport(Route(proxy=f"http://127.0.0.1:{proxy.port}"))
        began = time.monotonic()
        with pytest.raises(TransportFault, match="did not let the request through in time") as caught:
            line.send(a_request(method="GET", url="https://venue.test/"), in_seconds())
        assert time.monotonic() - began < 2
    assert (caught.value.kind, caught.value.sent) == ("timeout", "no")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1", "http://127.0.0.1:port", "http://["])
def test_what_is_no_http_proxy(proxy: str) -> None:
    signed = a_request(method="GET", url="https://venue.test/")
    with pytest.raises(TransportFault, match=r"no HTTP proxy|address cannot be read") as caught:
        Transport(Route(proxy=proxy)).send(signed, in_seconds())
    assert caught.value.sent == "no"


def test_what_is_called_back_goes_through_no_tunnel(authority: Authority) -> None:
    tunnel = Tunnel(authority)
    with RawServer(tunnel) as proxy:
        line = trusting(authority, proxy)
        url = "https://api.venue.test/"
        signed = a_request(method="POST", url=url, body=b"{}", recalled=lambda: len(proxy.requests) > 0)
        with pytest.raises(TransportFault, match="called back") as caught:
            line.send(signed, in_seconds())
        assert caught.value.sent == "no"
    assert tunnel.carried in ([], [b""])


# --- routes ---------------------------------------------------------------------------------------------------------

LIVE = "https://api.bybit.com"


@pytest.mark.parametrize(
    ("origin", "proxy", "environ", "expected"),
    [
        (LIVE, None, {}, (None, False)),
        (LIVE, "http://p:1", {"HTTPS_PROXY": "http://q:2"}, ("http://p:1", False)),
        (LIVE, "http://p:1", {"NO_PROXY": "*"}, ("http://p:1", False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2"}, ("http://q:2", True)),
        (LIVE, None, {"https_proxy": "http://r:3", "HTTPS_PROXY": "http://q:2"}, ("http://r:3", True)),
        (LIVE, None, {"ALL_PROXY": "http://s:4"}, ("http://s:4", True)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "ALL_PROXY": "http://s:4"}, ("http://q:2", True)),
        (LIVE, None, {"HTTP_PROXY": "http://q:2"}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": ""}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "NO_PROXY": "bybit.com"}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "no_proxy": "a.example, .bybit.com:443"}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "NO_PROXY": "API.Bybit.COM"}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "NO_PROXY": "*"}, (None, False)),
        (LIVE, None, {"HTTPS_PROXY": "http://q:2", "NO_PROXY": "bit.com,pi.bybit.com,::1,"}, ("http://q:2", True)),
        ("http://127.0.0.1:9", None, {"HTTP_PROXY": "http://q:2", "ALL_PROXY": "http://q:2"}, (None, False)),
        ("https://[::1]:9", None, {"HTTPS_PROXY": "http://q:2"}, (None, False)),
        ("http://localhost:9", None, {"HTTP_PROXY": "http://q:2"}, (None, False)),
    ],
)
def test_which_proxy(
    origin: str, proxy: str | None, environ: dict[str, str], expected: tuple[str | None, bool]
) -> None:
    route = route_for(origin, proxy, None, environ)
    assert (route.proxy, route.proxy_from_environment) == expected


@pytest.mark.parametrize(
    ("chosen", "environ", "expected"),
    [
        (None, {}, None),
        ("/a.pem", {"REQUESTS_CA_BUNDLE": "/b.pem", "SSL_CERT_FILE": "/c.pem"}, "/a.pem"),
        (None, {"REQUESTS_CA_BUNDLE": "/b.pem", "SSL_CERT_FILE": "/c.pem"}, "/b.pem"),
        (None, {"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": "/c.pem"}, "/c.pem"),
    ],
)
def test_which_authorities(chosen: str | None, environ: dict[str, str], expected: str | None) -> None:
    assert route_for(LIVE, None, chosen, environ).ca_bundle == expected
    assert route_for("http://127.0.0.1:9", None, chosen, environ).ca_bundle == expected


def test_what_this_machine_is() -> None:
    own = ("127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost")
    assert {host for host in own if is_loopback(host)} == set(own)
    others = ("0.0.0.0", "10.0.0.1", "localhost.evil", "127.0.0.1.evil", "")  # noqa: S104 - not bound to
    assert not [host for host in others if is_loopback(host)]


@pytest.mark.parametrize(
    ("proxy", "shown", "password"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", ""),
        ("http://user:p%40ss@proxy.example:3128", "http://proxy.example:3128", "p@ss"),
        ("http://user:a@b:c@proxy.example", "http://proxy.example", "a@b:c"),
        ("user:word@proxy.example:3128", "proxy.example:3128", "word"),
        ("http://[", "http://[", ""),
        (None, "", ""),
    ],
)
def test_a_proxy_is_shown_without_its_password(proxy: str | None, shown: str, password: str) -> None:
    route = Route(proxy=proxy)
    assert (route.shown_proxy, route.proxy_password) == (shown, password)
    if proxy:
        assert Route(proxy=proxy, passage=Passage()).shown_proxy == f"{shown} (from the environment)"
