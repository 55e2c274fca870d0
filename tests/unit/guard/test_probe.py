"""The probe: what fails, how often it may, and what a frozen machine says of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

import ports
from cancelall.config.guards import ProbeSettings
from cancelall.core.errors import ConfigError
from cancelall.guard.triggers import probe
from cancelall.guard.triggers.probe import ProbeSource, checked, failure


@contextmanager
def answering(answer: bytes, context: ssl.SSLContext | None = None, seen: list[bytes] | None = None) -> Iterator[int]:
    """A port that gives this answer to whoever comes, as often as he comes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    tcp, _ = server.accept()
                except OSError:
                    return
                try:
                    made = context.wrap_socket(tcp, server_side=True) if context else tcp
                    data = made.recv(4096)
                    if seen is not None:
                        seen.append(data)
                    made.sendall(answer)
                    made.close()
                except OSError:
                    tcp.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def tried(port: int, seconds: float = 5.0, path: str = "/health?full=1") -> str:
    return failure(urlsplit(f"http://127.0.0.1:{port}{path}"), seconds, None)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", ""),
        (b"HTTP/1.0 204\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", ""),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
        (b"HTTP/1.1 503 x\r\n\r\n", "status 503"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "status 100"),
        (b"SSH-2.0-OpenSSH\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 2000 OK\r\n", "the answer is not HTTP"),
        (b"x" * 10_000, "the answer is not HTTP"),
        (b"", "it was closed without an answer"),
        (b"HTTP/1.1 200", "it was closed without an answer"),
    ],
)
def test_what_is_an_answer(answer: bytes, why: str) -> None:
    seen: list[bytes] = []
    with answering(answer, seen=seen) as port:
        assert tried(port) == why
    assert seen[0].startswith(b"GET /health?full=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert seen[0].endswith(b"\r\nConnection: close\r\n\r\n")


def test_nobody_there_and_nobody_answering_are_failures() -> None:
    with ports.refusing() as port:
        assert tried(port) == "Connection refused"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert tried(silent.getsockname()[1], 0.05) == "no answer in time"
        assert time.monotonic() - began < 5


def test_bytes_that_come_one_by_one_are_too_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            made, _ = server.accept()
            with made:
                while not over.wait(0.01):
                    try:
                        made.send(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        assert tried(server.getsockname()[1], 0.1) == "no answer in time"
        over.set()
        thread.join(10)


def test_a_certificate_is_verified() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", context) as port:
        url = urlsplit(f"https://127.0.0.1:{port}")
        assert failure(url, 5, trusting) == ""
        assert failure(url, 5, ssl.create_default_context()) == "its certificate does not verify"


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://bot/", "file:///etc/passwd", "http://", "bot:80", "http://[::1", "http://bot:99999/", "http://bot:0/"),
        *("http://bot/\r\nX: y", "http://bot/a b", "http://bot/ä", ""),
    ],
)
def test_what_can_be_no_probe(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(url)
    assert "\n" not in caught.value.line


def test_a_password_is_refused_and_not_shown() -> None:
    for url in ("https://me:hunter2@bot/", "https://hunter2@bot/"):
        with pytest.raises(ConfigError) as caught:
            checked(url)
        assert "hunter2" not in caught.value.line


@given(st.text("htps:/@[]#?%. aä0\n\0", max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        parts = checked(text)
    except ConfigError:
        return
    assert parts.scheme in ("http", "https")


@pytest.mark.parametrize(("every", "failures"), [(0.1, 3), (float("nan"), 3), (1e9, 3), (5, 0)])
def test_how_often_is_bounded(every: float, failures: int) -> None:
    with pytest.raises(ConfigError):
        ProbeSource(ProbeSettings(url="http://127.0.0.1:1/", every=every, failures=failures))


class Steered:
    """What `failure` says is decided by the test, one call at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[str] = []
        self.wanted, self.given = threading.Semaphore(0), threading.Semaphore(0)
        monkeypatch.setattr(probe, "failure", self.failure)

    def failure(self, *words: object) -> str:
        self.wanted.release()
        self.given.acquire(timeout=20)
        return self.answers.pop(0) if self.answers else ""

    def answer(self, why: str) -> None:
        """Answer the one that is asked for, and wait for the next."""
        self.answers.append(why)
        self.given.release()
        assert self.wanted.acquire(timeout=20)


@pytest.fixture
def steered(monkeypatch: pytest.MonkeyPatch) -> Steered:
    made = Steered(monkeypatch)
    return made


def begun(steered: Steered, monkeypatch: pytest.MonkeyPatch, failures: int = 3) -> ProbeSource:
    made = ProbeSource(ProbeSettings(url="http://bot/", every=0.5, failures=failures))
    assert steered.wanted.acquire(timeout=20)
    return made


def test_failures_in_a_row_are_a_trigger(steered: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(steered, monkeypatch, failures=2)
    monkeypatch.setattr(made._over, "wait", lambda seconds: made._over.is_set())
    shown = []
    for why in ("status 500", "", "status 500", "status 500", ""):
        steered.answer(why)
        shown.append((made.look(0).present, made.why))
    made.close()
    steered.given.release()
    assert [present for present, _ in shown] == [False, False, False, True, False]
    assert shown[3][1] == "status 500"


def test_one_that_hangs_fails_with_the_time_that_was_watched(steered: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(steered, monkeypatch)
    assert not made.look(0).present
    assert not made.look(3600).present  # nobody looked
    shown = [made.look(3600 + step / 10).present for step in range(1, 60)]
    made.close()
    steered.given.release()
    assert shown[0] is False
    assert shown[-1] is True
    assert shown == sorted(shown)
    assert 2.0 <= shown.index(True) / 10 <= 3.5  # 0.5 s to answer, 1 s of doubt, and twice 0.5 s more


def test_a_failure_that_comes_far_too_late_says_nothing(steered: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine stood still while it waited."""
    made = begun(steered, monkeypatch, failures=1)
    monkeypatch.setattr(made._over, "wait", lambda seconds: made._over.is_set())
    real, off = time.monotonic, [0.0]
    monkeypatch.setattr(probe.time, "monotonic", lambda: real() + off[0])
    off[0] = 60.0
    steered.answer("no answer in time")
    assert not made.look(0).present
    steered.answer("no answer in time")
    assert made.look(0).present
    made.close()
    steered.given.release()


def test_until_it_was_answered_once_it_says_so(steered: Steered, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begun(steered, monkeypatch, failures=1)
    monkeypatch.setattr(made._over, "wait", lambda seconds: made._over.is_set())
    shown = []
    for why in ("status 502", "", "status 502"):
        steered.answer(why)
        shown.append((made.look(0).key, made.look(0).present))
    made.close()
    steered.given.release()
    assert shown == [("", True), ("answered", False), ("answered", True)]


def test_what_may_be_a_token_in_its_url_is_not_shown() -> None:
    source = ProbeSource(ProbeSettings(url="http://127.0.0.1:1/ping?token=hidden", every=5.0, failures=3))
    assert source.look(0.0).source == "http://127.0.0.1:1/ping"
    source.close()
