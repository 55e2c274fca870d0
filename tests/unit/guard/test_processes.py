"""Processes by number and by file: who lives, who died, and who only has the number of one that died."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import ConfigError
from cancelall.guard.model import Sight
from cancelall.guard.triggers import processes
from cancelall.guard.triggers.processes import Numbered, Pidfile, UnfollowedError, follow, number_in
from cancelall.guard.triggers.source import Bell
from support import on_a_loop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be watched on Windows")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


class Child:
    """A process that does nothing until it is killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["sleep", "100"])
        self.pid = self.process.pid

    def die(self, *, reaped: bool = True) -> None:
        self.process.kill()
        if reaped:
            self.process.wait()
        else:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.die()


@pytest.fixture(params=["pidfd", "proc"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With what the kernel has, and as before Linux 5.3."""
    if request.param == "proc" and sys.platform == "linux":
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


@pytest.mark.parametrize("reaped", [True, False])
def test_a_process_lives_until_it_ends(way: str, reaped: bool, child: Child) -> None:
    source = Numbered(str(child.pid))
    source.expect()
    shown = source.look(0)
    assert (shown.present, shown.trouble) == (True, "")
    assert shown.key.startswith(f"{child.pid}:")
    assert source.look(1) == shown
    child.die(reaped=reaped)
    assert source.look(2) == Sight(source=str(child.pid), trigger="process", key=shown.key, present=False)
    source.close()


def test_the_same_process_has_the_same_key_for_the_next_guard(way: str, child: Child) -> None:
    keys = set()
    for _ in range(2):
        source = Numbered(str(child.pid))
        keys.add(source.look(0).key)
        source.close()
    assert len(keys) == 1


def test_a_number_that_nobody_has_is_dead_and_no_mistake(way: str, child: Child) -> None:
    child.die()
    source = Numbered(str(child.pid))
    source.expect()
    assert source.look(0) == Sight(source=str(child.pid), trigger="process")
    source.close()


@LINUX
def test_a_number_that_is_used_again_is_another_process(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a guard that was away meanwhile, and for one that looks at the number alone."""
    source = Numbered(str(child.pid))
    key = source.look(0).key
    with monkeypatch.context() as patched:
        patched.setattr(processes, "_stat", lambda pid: ("S", 1, 99))
        again = Numbered(str(child.pid))
        assert again.look(0).key not in ("", key)
        again.close()
        patched.delattr(os, "pidfd_open")
        by_number = follow(child.pid)
        assert by_number is not None
        assert by_number.alive()
        patched.setattr(processes, "_stat", lambda pid: ("S", 1, 100))
        assert not by_number.alive()
    source.close()


@LINUX
def test_a_process_whose_first_thread_ended_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    states = {"Z": 3}
    monkeypatch.setattr(processes, "_stat", lambda pid: (*next(iter(states.items())), 5))
    source = Numbered(str(os.getppid()))
    assert source.look(0).present
    states["Z"] = 1
    assert not source.look(1).present


@LINUX
def test_what_is_hidden_is_a_trouble_and_no_death(
    way: str, child: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    source = Numbered(str(child.pid))
    assert "cannot be read" in source.look(0).trouble
    with pytest.raises(ConfigError, match="cannot be watched"):
        source.expect()
    source.close()
    child.die()
    assert Numbered(str(child.pid)).look(0) == Sight(source=str(child.pid), trigger="process")


@LINUX
def test_a_thread_is_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert Numbered(str(os.getppid())).look(0).trouble == "no process of its own: Invalid argument"


@LINUX
@pytest.mark.parametrize("errno", [38, 1])
def test_where_pidfds_are_filtered_proc_is_read(errno: int, child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno, os.strerror(errno))

    monkeypatch.setattr(os, "pidfd_open", refuse)
    source = Numbered(str(child.pid))
    assert source.look(0).present
    child.die()
    assert not source.look(1).present


@pytest.mark.parametrize("text", ["0", "99999999999", "itself"])
def test_what_can_be_no_number_of_a_bot(text: str) -> None:
    with pytest.raises(ConfigError):
        Numbered(str(os.getpid()) if text == "itself" else text)


@LINUX
@on_a_loop
async def test_a_death_rings_the_bell_once() -> None:
    child = Child()
    bell = Bell(asyncio.get_running_loop())
    source = Numbered(str(child.pid))
    source.attach(bell)
    rung = asyncio.ensure_future(bell.wait(30))
    child.die(reaped=False)
    await rung
    assert not source.look(0).present
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        bell.loop.call_later(0.01, turn)

    turn()
    await bell.wait(0.05)
    assert turns > 1  # nothing rang it
    child.die()
    source.close()
    bell.close()


# --- pidfiles ---


def test_a_pidfile_follows_the_process_that_it_names(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "bot.pid"
    source = Pidfile(str(path))
    source.expect()
    assert source.look(0) == Sight(source=str(path), trigger="process")
    path.write_text("")
    assert source.look(1).trouble == ""
    path.write_text(f"{child.pid}\n")
    first = source.look(2)
    assert (first.present, first.trouble) == (True, "")
    path.write_text("")  # it is being written
    assert source.look(3) == first
    path.unlink()
    assert source.look(4) == first
    other = Child()
    path.write_text(f"{other.pid}\n")
    second = source.look(5)
    assert second.present
    assert second.key not in ("", first.key)
    other.die()
    assert source.look(6) == Sight(source=str(path), trigger="process", key=second.key)
    source.close()


def test_a_new_number_of_a_process_that_is_dead_is_a_death(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "bot.pid"
    path.write_text(f"{child.pid}\n")
    source = Pidfile(str(path))
    first = source.look(0)
    dead = Child()
    dead.die()
    path.write_text(f"{dead.pid}\n")
    assert source.look(1) == Sight(source=str(path), trigger="process", key=first.key)
    source.close()


def test_a_dead_process_stays_dead_while_its_number_is_named(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "bot.pid"
    path.write_text(f"{child.pid}\n")
    source = Pidfile(str(path))
    assert source.look(0).present
    child.die()
    assert [source.look(at).present for at in (1, 2)] == [False, False]
    source.close()


@pytest.mark.parametrize("text", ["x", "-1", "0", "12 34", "1.5", "99999999999", "\0"])
def test_what_holds_no_number_is_a_trouble(text: str, tmp_path: Path, child: Child) -> None:
    path = tmp_path / "bot.pid"
    path.write_text(f"{child.pid}\n")
    source = Pidfile(str(path))
    first = source.look(0)
    path.write_text(text)
    shown = source.look(1)
    assert (shown.key, shown.present, shown.trouble) == (first.key, True, "it holds no number of a process")
    with pytest.raises(ConfigError, match="cannot be used"):
        Pidfile(str(path)).expect()
    source.close()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_a_trouble(make: object, tmp_path: Path) -> None:
    path = tmp_path / "bot.pid"
    make(path)  # type: ignore[operator]
    assert Pidfile(str(path)).look(0).trouble
    with pytest.raises(ConfigError, match="cannot be used"):
        Pidfile(str(path)).expect()


def test_a_pidfile_needs_a_directory_and_a_whole_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        Pidfile(str(tmp_path / "run" / "bot.pid")).expect()
    with pytest.raises(ConfigError, match="relative"):
        Pidfile("bot.pid")


@given(st.binary(max_size=80))
def test_any_bytes_are_a_number_none_or_refused(data: bytes) -> None:
    try:
        number = number_in(data)
    except UnfollowedError:
        return
    assert 0 <= number <= 4_194_304


@given(st.integers(1, 4_194_304), st.sampled_from(["", "\n", "\r\n", " ", "\nsecond line\n"]))
def test_a_number_is_read_back(number: int, end: str) -> None:
    assert number_in(f"{number}{end}".encode()) == number


# --- as on macOS ---


class Queue:
    """A kqueue that watches one process, made of a pidfd."""

    def __init__(self) -> None:
        self.descriptor = -1
        self.closed = False

    def control(self, changes: list[int], most: int, seconds: float = 0) -> list[int]:
        for pid in changes:
            self.descriptor = os.pidfd_open(pid)
        return select.select([self.descriptor], [], [], seconds)[0][:most]

    def fileno(self) -> int:
        return self.descriptor

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.closed = True


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {"KQ_FILTER_PROC": 1, "KQ_EV_ADD": 2, "KQ_NOTE_EXIT": 3}
    made = SimpleNamespace(kqueue=Queue, kevent=lambda pid, filter, flags, fflags: pid, **flags)
    monkeypatch.setattr(processes, "select", made)
    monkeypatch.setattr(processes.sys, "platform", "darwin")


@LINUX
@on_a_loop
async def test_a_kqueue_says_when_a_process_ends(mac: None) -> None:
    child = Child()
    bell = Bell(asyncio.get_running_loop())
    source, again = Numbered(str(child.pid)), Numbered(str(child.pid))
    source.attach(bell)
    shown = source.look(0)
    assert shown.present
    assert len(shown.key) > len(f"{child.pid}:") + 10
    assert again.look(0) == shown
    rung = asyncio.ensure_future(bell.wait(30))
    child.die()
    await rung
    for one in (source, again):
        assert one.look(1) == Sight(source=str(child.pid), trigger="process", key=shown.key)
        one.close()
        one.close()
    assert Numbered(str(child.pid)).look(2) == Sight(source=str(child.pid), trigger="process")
    bell.close()
