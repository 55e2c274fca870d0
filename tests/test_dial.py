"""Racing the addresses of a host."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

import ports
from cancelall import dial

V4, V6 = socket.AF_INET, socket.AF_INET6


def address(port: int, host: str = "127.0.0.1", family: int = V4) -> dial.Address:
    return (socket.AddressFamily(family), socket.SOCK_STREAM, 6, "", (host, port))


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def blackhole() -> Iterator[int]:
    with ports.nowhere() as port:
        yield port


@pytest.fixture
def closed() -> Iterator[int]:
    with ports.refusing() as port:
        yield port


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: dial.Address) -> None:
    monkeypatch.setattr(dial.socket, "getaddrinfo", lambda *words, **more: list(addresses))


def test_the_families_take_turns() -> None:
    found = dial.alternate([address(1, "a", V6), address(2, "b", V6), address(3, "c"), address(4, "d")])
    assert [one[4][0] for one in found] == ["a", "c", "b", "d"]


def test_two_dead_addresses_cost_two_staggers(monkeypatch: pytest.MonkeyPatch, listening: int, blackhole: int) -> None:
    resolve(monkeypatch, address(blackhole), address(blackhole), address(listening))
    began = time.monotonic()
    with dial.connect("host", 1, 5.0) as made:
        assert made.getpeername()[1] == listening
        assert made.getblocking()
    assert 2 * dial.STAGGER <= time.monotonic() - began < 2.0


def test_a_refusal_lets_the_next_one_start_at_once(
    monkeypatch: pytest.MonkeyPatch, listening: int, closed: int
) -> None:
    resolve(monkeypatch, address(closed), address(closed), address(listening))
    began = time.monotonic()
    with dial.connect("host", 1, 5.0) as made:
        assert made.getpeername()[1] == listening
    assert time.monotonic() - began < dial.STAGGER


def test_all_refused_is_the_first_refusal(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    resolve(monkeypatch, address(closed), address(closed))
    with pytest.raises(ConnectionRefusedError):
        dial.connect("host", 1, 5.0)


def test_the_time_bounds_all_addresses_together(monkeypatch: pytest.MonkeyPatch, blackhole: int) -> None:
    resolve(monkeypatch, *[address(blackhole)] * 6)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        dial.connect("host", 1, 0.6)
    assert 0.6 <= time.monotonic() - began < 1.2


def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    with pytest.raises(socket.gaierror):
        dial.connect("host", 1, 1.0)
