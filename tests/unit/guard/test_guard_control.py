"""The socket of a guard: what is answered, to whom, and what becomes of whoever is slow, odd or somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cancelall.core.errors import ConfigError, ExitStatus
from cancelall.guard import control
from cancelall.guard.control import ControlServer, DrillAnswer, DrillRequest, NoGuard, Peer
from cancelall.guard.model import GuardState, GuardStatus
from unit.guard.statuses import ARMED, guard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no UNIX sockets")


class Handlers:
    """A guard that does what it is told."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.state = GuardState.WAITING
        self.trouble: Exception | None = None

    def status(self) -> GuardStatus:
        return guard(self.state)

    def arm(self, peer: Peer) -> None:
        self.done.append(("arm", peer.uid))
        if self.trouble is not None:
            raise self.trouble
        self.state = GuardState.ARMED

    def disarm(self, peer: Peer) -> None:
        self.done.append(("disarm", peer.uid))
        self.state = GuardState.DISARMED

    def fire(self, peer: Peer, reason: str) -> None:
        self.done.append(("fire", peer.words, reason))
        self.state = GuardState.FIRING

    async def drill(self, peer: Peer, request: DrillRequest) -> DrillAnswer:
        self.done.append(("drill", request))
        return DrillAnswer(ok=request.order == "", lines=("one", "two"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory whose path is short enough for a socket."""
    return tmp_path


@pytest.fixture
def environ(place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(control, "_MACHINES", ())
    return {"RUNTIME_DIRECTORY": str(place)}


def served(place: Path, work: Callable[[Path], Any], handlers: Handlers | None = None, **more: Any) -> Any:
    """What work in a thread comes to while a guard listens."""

    async def run() -> Any:
        server = ControlServer(control.socket_path(place, "mm"), handlers or Handlers(), **more)
        await server.start()
        try:
            return await asyncio.to_thread(work, server.path)
        finally:
            await server.close()

    return asyncio.run(run())


def said(path: Path, raw: bytes) -> bytes:
    """What a guard answers to some bytes."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(10)
        one.connect(str(path))
        parts = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            one.sendall(raw)
            while part := one.recv(65536):
                parts += part
        return parts


def test_a_guard_does_what_it_is_told(place: Path, environ: dict[str, str]) -> None:
    handlers = Handlers()

    def work(path: Path) -> list[GuardState]:
        ask = control.status_of
        states = [ask(environ, "mm").state, ask(environ, "mm", "arm").state]
        states += [ask(environ, "mm", "disarm").state, ask(environ, "mm", "fire", reason="fat finger").state]
        assert control.drill(environ, "mm", DrillRequest(profile="bybit")) == DrillAnswer(ok=True, lines=("one", "two"))
        assert control.running(environ) == ("mm",)
        return states

    states = served(place, work, handlers)
    assert states == [GuardState.WAITING, GuardState.ARMED, GuardState.DISARMED, GuardState.FIRING]
    me = f"user {os.geteuid()}, process {os.getpid()}"
    assert handlers.done[0] == ("arm", os.geteuid())
    assert handlers.done[2] == ("fire", me if sys.platform == "linux" else f"user {os.geteuid()}", "fat finger")
    assert handlers.done[3] == ("drill", DrillRequest(profile="bybit"))


def test_the_whole_status_comes_through(place: Path, environ: dict[str, str]) -> None:
    handlers = Handlers()
    handlers.state = GuardState.ARMED
    assert served(place, lambda path: control.status_of(environ, "mm"), handlers) == ARMED


def test_what_cannot_be_done_is_said_in_its_own_words(place: Path, environ: dict[str, str]) -> None:
    handlers = Handlers()
    handlers.trouble = ConfigError("it fires", "wait for its verdict")
    with pytest.raises(ConfigError) as caught:
        served(place, lambda path: control.status_of(environ, "mm", "arm"), handlers)
    assert (caught.value.line, caught.value.status) == ("it fires - wait for its verdict", ExitStatus.UNCONFIGURED)


def test_nobody_else_may_speak_to_it(place: Path, environ: dict[str, str]) -> None:
    def work(path: Path) -> None:
        status = path.lstat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600

    served(place, work)


@pytest.mark.parametrize(("uid", "answered"), [(0, True), (1000, True), (1001, False), (-1, False), (None, True)])
def test_only_its_own_user_and_root_get_an_answer(
    uid: int | None, answered: bool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "peer_of", lambda connection: Peer(uid=uid))
    handlers = Handlers()
    answer = served(place, lambda path: said(path, b'{"v":1,"do":"arm"}\n'), handlers, uid=1000)
    assert bool(answer) == answered
    assert bool(handlers.done) == answered


@pytest.mark.parametrize(
    "raw",
    [
        *(b"\n", b"status\n", b"[]\n", b'{"v":1}\n', b'{"v":1,"do":"kill"}\n', b'{"v":1,"do":3}\n'),
        *(b'{"v":2,"do":"status"}\n', b'{"v":1,"do":"drill","drill":{"order":3}}\n', b"[" * 3000 + b"\n"),
    ],
)
def test_what_is_no_request_gets_a_refusal_and_does_nothing(raw: bytes, place: Path) -> None:
    handlers = Handlers()
    answer = json.loads(served(place, lambda path: said(path, raw), handlers))
    assert answer["ok"] is False
    assert answer["message"]
    assert handlers.done == []


@pytest.mark.parametrize("raw", [b"x" * 20_000, b"x" * 20_000 + b"\n"])
def test_who_says_too_much_is_cut_off(raw: bytes, place: Path) -> None:
    assert served(place, lambda path: said(path, raw)) == b""


def test_who_says_nothing_is_cut_off_and_keeps_nobody_waiting(
    place: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.3)

    def work(path: Path) -> GuardState:
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
            for one in idle:
                one.connect(str(path))
            state = control.status_of(environ, "mm").state
            for one in idle:
                one.settimeout(10)
                assert one.recv(1) == b""
            return state

    assert served(place, work) is GuardState.WAITING


def test_a_dead_guards_socket_is_replaced(place: Path, environ: dict[str, str]) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(control.socket_path(place, "mm")))
    assert control.running(environ) == ()
    with pytest.raises(NoGuard):
        control.ask(environ, "mm", "status")
    assert served(place, lambda path: control.status_of(environ, "mm").state) is GuardState.WAITING
    assert list(place.iterdir()) == []


def test_what_is_no_socket_is_left_alone(place: Path) -> None:
    path = control.socket_path(place, "mm")
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there and no socket"):
        served(place, lambda path: None)
    assert path.read_text() == "mine"


def test_a_socket_of_another_guard_stays_when_one_ends(place: Path) -> None:
    async def run() -> None:
        path = control.socket_path(place, "mm")
        first, second = ControlServer(path, Handlers()), ControlServer(path, Handlers())
        await first.start()
        await second.start()
        await first.close()
        assert path.exists()
        await second.close()
        assert not path.exists()

    asyncio.run(run())


@pytest.mark.parametrize("where", ["missing", "x" * 120])
def test_where_no_socket_can_be_made_is_told(where: str, place: Path) -> None:
    folder = place / where
    if where != "missing":
        folder.mkdir()
    with pytest.raises(ConfigError, match="no socket can be made in"):
        served(folder, lambda path: None)


# --- nobody there ---


def test_where_none_runs_one_line_says_so(environ: dict[str, str]) -> None:
    with pytest.raises(NoGuard) as caught:
        control.ask(environ, "mm", "status")
    assert (caught.value.line, caught.value.status) == ("no guard mm runs here - start it: cancelall guard", 3)


def answered(place: Path, environ: dict[str, str], answer: bytes) -> NoGuard:
    """What is said of a guard that answers with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def run() -> NoGuard:
        server = await asyncio.start_unix_server(serve, str(control.socket_path(place, "mm")))
        async with server:
            with pytest.raises(NoGuard) as caught:
                await asyncio.to_thread(control.status_of, environ, "mm")
            return caught.value

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "does not answer"),
        (b'{"v":1', "does not answer"),
        (b"hello\n", "a guard of another version runs"),
        (b'{"v":2,"ok":true}\n', "a guard of another version runs"),
        (b'{"v":1,"ok":true}\n', "says what cannot be read"),
        (b'{"v":1,"ok":true,"status":{"name":3}}\n', "says what cannot be read"),
    ],
)
def test_an_answer_that_is_none_is_not_taken_for_armed(
    answer: bytes, words: str, place: Path, environ: dict[str, str]
) -> None:
    error = answered(place, environ, answer)
    assert words in error.message
    assert error.status == 3


def test_one_that_hangs_is_not_waited_for(
    place: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(control.socket_path(place, "mm")))
        hung.listen()
        with pytest.raises(NoGuard, match="does not answer"):
            control.ask(environ, "mm", "status")


def test_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_MACHINES", (Path("/run/cancelall"),))
    places = control.directories({"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/h"})
    assert [str(one) for one in places[:3]] == [
        "/run/cancelall",
        "/run/user/7/cancelall",
        "/h/.local/state/cancelall",
    ]
    assert str(control.directories({"RUNTIME_DIRECTORY": "/run/x:/run/y"})[0]) == "/run/x"


def test_a_reason_that_is_too_long_is_refused_here(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="too long"):
        control.ask(environ, "mm", "fire", reason="x" * 5000)


@given(some.binary(max_size=60))
def test_any_bytes_are_a_request_or_are_refused(raw: bytes) -> None:
    try:
        request = control._request(raw)
    except ConfigError:
        return
    assert request["do"] in ("status", "arm", "disarm", "fire", "drill")


def test_handlers_that_fail_do_not_end_the_server(place: Path, environ: dict[str, str]) -> None:
    handlers = Handlers()
    handlers.trouble = RuntimeError("a bug")

    def work(path: Path) -> GuardState:
        with pytest.raises(ConfigError, match=r"a bug: RuntimeError at ") as caught:
            control.ask(environ, "mm", "arm")
        assert caught.value.status == 1
        return control.status_of(environ, "mm").state

    assert served(place, work, handlers) is GuardState.WAITING
