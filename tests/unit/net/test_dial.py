"""Looking a host up once, and racing its addresses."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

import ports
from cancelall.net import dial, failures

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


@pytest.mark.alone("measures the race of addresses")
def test_two_dead_addresses_cost_two_staggers(monkeypatch: pytest.MonkeyPatch, listening: int, blackhole: int) -> None:
    resolve(monkeypatch, address(blackhole), address(blackhole), address(listening))
    began = time.monotonic()
    with dial.connect("host", 1, 5.0) as made:
        assert made.getpeername()[1] == listening
        assert made.getblocking()
    assert 2 * dial.STAGGER <= time.monotonic() - began < 2.0


@pytest.mark.alone("measures the race of addresses")
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


@pytest.mark.alone("measures the race of addresses")
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


# --- one look-up ----------------------------------------------------------------------------------------------------


class Resolver:
    """Answers in turn; the last answer for ever. It can be made to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[dial.Address] | OSError) -> None:
        self.answers = list(answers)
        self.lookups = 0
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        monkeypatch.setattr(dial.socket, "getaddrinfo", self)

    def __call__(self, *words: object, **more: object) -> list[dial.Address]:
        answer = self.answers[min(self.lookups, len(self.answers) - 1)]
        self.lookups += 1
        self.entered.set()
        assert self.go_on.wait(10)
        if isinstance(answer, OSError):
            raise answer
        return answer


NOBODY = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def at_once(work: list[threading.Thread]) -> None:
    for one in work:
        one.start()
    for one in work:
        one.join(10)
        assert not one.is_alive()


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    resolver = Resolver(monkeypatch, [address(listening)])
    for _ in range(3):
        dial.connect("host", 1, 5.0).close()
    assert dial.resolve("host", 1) == [address(listening)]
    assert resolver.lookups == 1
    dial.connect("host", 2, 5.0).close()
    dial.connect("other", 1, 5.0).close()
    assert resolver.lookups == 3


def test_who_asks_second_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, [address(1)])
    resolver.go_on.clear()
    found: list[list[dial.Address]] = []
    asking = [threading.Thread(target=lambda: found.append(dial.resolve("host", 1))) for _ in range(5)]
    asking[0].start()
    assert resolver.entered.wait(10)
    for one in asking[1:]:
        one.start()
    with pytest.raises(dial.LookUpTimeout):
        dial.resolve("host", 1, time.monotonic() + 0.05)
    resolver.go_on.set()
    for one in asking:
        one.join(10)
    assert found == [[address(1)]] * 5
    assert resolver.lookups == 1


def test_a_look_up_that_hangs_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, [address(1)])
    resolver.go_on.clear()
    asking = threading.Thread(target=lambda: dial.resolve("host", 1))
    asking.start()
    assert resolver.entered.wait(10)
    assert dial.standstill("host", 30.0) == ""  # not yet
    assert (dial.standstill("host", 0.0), dial.standstill("other", 0.0)) == ("name", "")
    assert failures.standstill("https://host:1", 0.0) == "the name host is not resolved: is this machine online?"
    assert failures.standstill("https://other:1", 0.0) == ""
    resolver.go_on.set()
    asking.join(10)
    assert dial.standstill("host", 0.0) == ""


def test_a_race_that_nobody_wins_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch, blackhole: int) -> None:
    resolve(monkeypatch, address(blackhole))
    seen: list[str] = []
    real = dial.race

    def noticed(addresses: Sequence[dial.Address], until: float) -> socket.socket:
        seen.append(failures.standstill("https://host", 0.0))
        return real(addresses, until)

    monkeypatch.setattr(dial, "race", noticed)
    with pytest.raises(TimeoutError):
        dial.connect("host", 1, 0.05)
    assert (seen, dial.standstill("host", 0.0)) == (["no connection to host in time"], "")


def test_a_failure_is_told_to_all_and_soon_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, NOBODY, [address(1)])
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            dial.resolve("host", 1)
        assert dial.standstill("host", 30.0) == "name"
    assert resolver.lookups == 1
    monkeypatch.setattr(dial, "FAILED_SECONDS", 0.0)
    assert dial.resolve("host", 1) == [address(1)]
    assert resolver.lookups == 2


def test_addresses_that_have_moved_are_looked_up_once_more(
    monkeypatch: pytest.MonkeyPatch, listening: int, closed: int
) -> None:
    resolver = Resolver(monkeypatch, [address(closed)], [address(listening)])
    monkeypatch.setattr(dial, "RENEW_SECONDS", 0.0)
    for _ in range(2):
        with dial.connect("host", 1, 5.0) as made:
            assert made.getpeername()[1] == listening
    assert resolver.lookups == 2


@pytest.mark.parametrize("again", [NOBODY, "the same"])
def test_when_looking_up_once_more_does_not_help_the_first_fault_is_told(
    monkeypatch: pytest.MonkeyPatch, closed: int, again: OSError | str
) -> None:
    resolver = Resolver(monkeypatch, [address(closed)], again if isinstance(again, OSError) else [address(closed)])
    monkeypatch.setattr(dial, "RENEW_SECONDS", 0.0)
    with pytest.raises(ConnectionRefusedError):
        dial.connect("host", 1, 5.0)
    assert resolver.lookups == 2
    assert dial.resolve("host", 1) == [address(closed)]


def test_addresses_that_were_just_found_are_not_looked_up_again(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    resolver = Resolver(monkeypatch, [address(closed)])
    for _ in range(5):
        with pytest.raises(ConnectionRefusedError):
            dial.connect("host", 1, 5.0)
    assert resolver.lookups == 1


def test_only_one_looks_up_once_more_and_the_others_do_not_wait(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    resolver = Resolver(monkeypatch, [address(closed)])
    monkeypatch.setattr(dial, "RENEW_SECONDS", 0.0)
    dial.resolve("host", 1)
    resolver.entered.clear()
    resolver.go_on.clear()
    faults: list[str] = []

    def refused() -> None:
        try:
            dial.connect("host", 1, 5.0)
        except OSError as fault:
            faults.append(type(fault).__name__)

    slow = threading.Thread(target=refused)
    slow.start()
    assert resolver.entered.wait(10)
    at_once([threading.Thread(target=refused) for _ in range(3)])
    assert faults == ["ConnectionRefusedError"] * 3
    resolver.go_on.set()
    slow.join(10)
    assert (len(faults), resolver.lookups) == (4, 2)


# --- families -------------------------------------------------------------------------------------------------------


def test_only_the_family_that_is_allowed(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    resolve(monkeypatch, address(listening, "::1", V6), address(listening))
    with dial.connect("host", 1, 5.0, family=V4) as made:
        assert made.family == V4


@pytest.mark.parametrize(("family", "words"), [(V6, "no IPv6 address"), (V4, "no IPv4 address")])
def test_a_host_without_that_family(
    monkeypatch: pytest.MonkeyPatch, listening: int, family: socket.AddressFamily, words: str
) -> None:
    resolve(monkeypatch, address(listening, "127.0.0.1", V4 if family == V6 else V6))
    with pytest.raises(dial.NoFamily, match=words):
        dial.connect("host", 1, 5.0, family=family)


# --- descriptors ----------------------------------------------------------------------------------------------------


def test_a_race_leaves_one_descriptor(monkeypatch: pytest.MonkeyPatch, listening: int, blackhole: int) -> None:
    monkeypatch.setattr(dial, "STAGGER", 0.01)
    resolve(monkeypatch, address(blackhole), address(blackhole), address(listening))
    before = ports.descriptors()
    with dial.connect("host", 1, 5.0):
        assert ports.descriptors() == before + 1
    assert ports.descriptors() == before


def test_no_descriptor_left_is_told_as_that(monkeypatch: pytest.MonkeyPatch, listening: int) -> None:
    def none_left(*words: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    resolve(monkeypatch, address(listening))
    monkeypatch.setattr(dial.socket, "socket", none_left)
    with pytest.raises(OSError, match="Too many open files"):
        dial.connect("host", 1, 5.0)
