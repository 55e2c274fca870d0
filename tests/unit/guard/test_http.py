"""Beats over HTTP on loopback: what is one, and who can send none."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import ConfigError
from cancelall.guard.triggers import http
from cancelall.guard.triggers.http import HttpBeats, address, judged
from cancelall.guard.triggers.source import Bell
from support import on_a_loop

HOSTS = {"127.0.0.1", "127.0.0.1:80", "localhost", "localhost:80", "[::1]", "[::1]:80"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("http:8737", ("127.0.0.1", 8737)),
        ("http:127.0.0.1:8737", ("127.0.0.1", 8737)),
        ("http:localhost:8737", ("127.0.0.1", 8737)),
        ("http:[::1]:8737", ("::1", 8737)),
        ("http://127.0.0.1:8737/beat", ("127.0.0.1", 8737)),
    ],
)
def test_an_address_on_loopback(source: str, expected: tuple[str, int]) -> None:
    assert address(source) == expected
    assert address(http.source_of(*expected)) == expected


@pytest.mark.parametrize(
    "source",
    [
        *("http:0.0.0.0:8737", "http:192.168.1.2:8737", "http:[::]:8737", "http:example.com:80", "http:127.0.0.1"),
        *("http:", "http:0", "http:70000", "http:x", "https:127.0.0.1:1", "http:127.0.0.1:1/other", "http:1\n"),
    ],
)
def test_no_other_address(source: str) -> None:
    with pytest.raises(ConfigError) as caught:
        address(source)
    assert "\n" not in caught.value.line


def head(*lines: str, first: str = "POST /beat HTTP/1.1") -> bytes:
    return "".join(f"{line}\r\n" for line in (first, *lines, "")).encode()


LOCAL = "Host: 127.0.0.1:80"
JUDGED = [
    (head(LOCAL), 204),
    (head(LOCAL, first="GET /beat HTTP/1.1"), 204),
    (head(LOCAL, first="HEAD /beat?at=1 HTTP/1.0"), 204),
    (head("host: LOCALHOST"), 204),
    (head("Host: [::1]:80"), 204),
    (head(LOCAL, "Sec-Fetch-Site: none"), 204),
    (head(LOCAL, first="DELETE /beat HTTP/1.1"), 405),
    (head(LOCAL, first="POST / HTTP/1.1"), 404),
    (head(LOCAL, first="POST /beats HTTP/1.1"), 404),
    (head(), 403),
    (head("Host: evil.example"), 403),
    (head("Host: 127.0.0.1:81"), 403),
    (head("Host: 127.0.0.1.evil.example"), 403),
    (head(LOCAL, LOCAL), 403),
    (head(LOCAL, "Origin: https://evil.example"), 403),
    (head(LOCAL, "Origin: null"), 403),
    (head(LOCAL, "Sec-Fetch-Site: cross-site"), 403),
    (head(LOCAL, "Sec-Fetch-Site: same-site"), 403),
    (head("no colon"), 400),
    (head(" Host: 127.0.0.1"), 400),
    (head(LOCAL, first="POST /beat"), 400),
    (head(LOCAL, first="POST /beat HTTP/2"), 400),
    (b"\r\n\r\n", 400),
]


@pytest.mark.parametrize(("request_head", "status"), JUDGED)
def test_what_is_a_beat(request_head: bytes, status: int) -> None:
    assert judged(request_head, HOSTS) == status


@given(st.binary(max_size=300))
def test_no_other_bytes_are_a_beat(data: bytes) -> None:
    assert judged(data, HOSTS) in (400, 403, 404, 405)


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


@on_a_loop
async def test_a_beat_is_counted_and_answered() -> None:
    port = free_port()
    beats = HttpBeats(f"http:{port}", [])
    try:
        assert beats.source == f"http:127.0.0.1:{port}"
        with pytest.raises(ConfigError, match="nothing can listen there"):
            HttpBeats(f"http:{port}", [])
        bell = Bell(asyncio.get_running_loop())
        beats.attach(bell)
        assert beats.look(0).key == ""
        body = b"x" * 3000
        answer = await ask(port, head(LOCAL.replace("80", str(port)), f"Content-Length: {len(body)}") + body)
        assert answer == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        first = beats.look(1).key
        assert first
        assert (await ask(port, head(LOCAL))).startswith(b"HTTP/1.1 403 ")
        assert (await ask(port, head("Host: localhost", first="PUT /beat HTTP/1.1"))).startswith(b"HTTP/1.1 405 ")
        assert (await ask(port, head("Host: localhost", f"X: {'x' * 20_000}"))).startswith(b"HTTP/1.1 431 ")
        assert beats.look(2).key == first
        assert (await ask(port, head("Host: localhost"))).startswith(b"HTTP/1.1 204 ")
        assert beats.look(3).key != first
    finally:
        beats.close()


@on_a_loop
async def test_who_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.05)
    monkeypatch.setattr(http, "AT_ONCE", 1)
    port = free_port()
    beats = HttpBeats(f"http:{port}", [])
    try:
        beats.attach(Bell(asyncio.get_running_loop()))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /beat HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        monkeypatch.setattr(http, "SECONDS", 5)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST")
        await writer.drain()
        while beats._open == 0:
            await asyncio.sleep(0)
        with contextlib.suppress(ConnectionError):
            assert await ask(port, head("Host: localhost")) == b""
        writer.close()
        assert beats.look(0).key == ""
    finally:
        beats.close()


@on_a_loop
async def test_a_guard_that_was_armed_starts_without_its_port_and_has_it_later() -> None:
    taker = socket.create_server(("127.0.0.1", 0))
    port = int(taker.getsockname()[1])
    beats = HttpBeats(f"http:{port}", [], lenient=True)
    try:
        beats.attach(Bell(asyncio.get_running_loop()))
        assert "nothing can listen there" in beats.look(0).trouble
        taker.close()
        for step in range(1, 20):
            beats.look(step / 10)
        assert beats.look(2).trouble == ""
        assert (await ask(port, head("Host: localhost"))).startswith(b"HTTP/1.1 204 ")
        assert beats.look(3).key
    finally:
        beats.close()


def test_a_socket_of_systemd_is_taken_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as made:
        given_sockets = [made]
        beats = HttpBeats(f"http:{made.getsockname()[1]}", given_sockets)
        assert given_sockets == []
        beats.close()
