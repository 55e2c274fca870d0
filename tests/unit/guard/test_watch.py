"""The whole watch: what it refuses, what it shows, what wakes it, and what another configuration leaves as it was."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cancelall.config.guards import ProbeSettings
from cancelall.core.errors import ConfigError
from cancelall.guard import watch as watching
from cancelall.guard.model import Pressed, Sight
from cancelall.guard.triggers.source import TriggerSource
from cancelall.guard.watch import Asleep, GuardWatch, heartbeats_of
from support import on_a_loop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no UNIX sockets and signals here")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: a socket's path has little room."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def names(place: Path) -> list[str]:
    return sorted(one.name for one in place.iterdir())


def send(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.sendto(b"", str(path))


def of(watch: GuardWatch, source: str) -> Sight:
    (one,) = [sight for sight in watch.look(time.monotonic()).sights if sight.source == source]
    return one


def test_everything_is_looked_at_in_one_look(place: Path) -> None:
    (place / "beat").write_text("")
    watch = GuardWatch(
        heartbeats=[str(place / "beat"), "beat", f"unix:{place}/own"],
        processes=[str(os.getppid()), str(place / "bot.pid")],
        kill_files=[str(place / "KILL")],
        directory=place,
        name="mm",
    )
    try:
        send(place / "guard-mm.beat")
        send(place / "guard-mm.fire")
        os.kill(os.getpid(), signal.SIGUSR1)
        watch.press(Pressed(trigger="command", source="me: now"))
        look = watch.look(7.5)
        assert (look.at, look.asleep) == (7.5, watch._asleep.seconds())
        shown = {sight.source: (sight.trigger, bool(sight.key), sight.present, sight.trouble) for sight in look.sights}
        assert shown == {
            str(place / "beat"): ("heartbeat", True, False, ""),
            "cancelall beat": ("heartbeat", True, False, ""),
            f"unix:{place}/own": ("heartbeat", False, False, ""),
            str(os.getppid()): ("process", True, True, ""),
            str(place / "bot.pid"): ("process", False, False, ""),
            str(place / "KILL"): ("kill file", False, False, ""),
        }
        assert watch.sources == tuple(shown)
        assert [one.source for one in look.pressed] == ["me: now", "SIGUSR1", "a datagram"]
        assert watch.look(8).pressed == ()
        assert watch.troubles == ()
    finally:
        watch.close()
    assert names(place) == ["beat"]
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def probe(url: str) -> ProbeSettings:
    return ProbeSettings(url=url, every=5, failures=3)


REFUSED: dict[str, tuple[Callable[[Path], dict[str, Any]], str]] = {
    "a heartbeat without a directory": (lambda place: {"heartbeats": [f"{place}/no/beat"]}, "does not exist"),
    "a relative heartbeat": (lambda place: {"heartbeats": ["beats"]}, "relative"),
    "a socket that is taken": (lambda place: {"heartbeats": [f"unix:{place}/taken"]}, "taken by another program"),
    "an address of the network": (lambda place: {"heartbeats": ["http:0.0.0.0:80"]}, "no heartbeat on loopback"),
    "a heartbeat twice": (lambda place: {"heartbeats": [f"{place}/a", f"{place}/./a"]}, "twice as a heartbeat"),
    "an address twice": (lambda place: {"heartbeats": ["http:1", "http:localhost:1"]}, "twice as a heartbeat"),
    "a beat that would fire": (
        lambda place: {"heartbeats": [f"{place}/a"], "kill_files": [f"{place}/a"]},
        "a heartbeat and a kill file",
    ),
    "no socket of our own": (lambda place: {"heartbeats": ["beat"], "directory": None}, "no place"),
    "a word for a process": (lambda place: {"processes": ["freqtrade"]}, "is no process"),
    "a unit that nobody knows": (lambda place: {"processes": ["nobody-knows-it.service"]}, "nobody-knows-it.service"),
    "a pidfile without a directory": (lambda place: {"processes": [f"{place}/no/pid"]}, "does not exist"),
    "a kill file without a directory": (lambda place: {"kill_files": [f"{place}/no/KILL"]}, "cannot be looked at"),
    "a relative kill file": (lambda place: {"kill_files": ["KILL"]}, "relative"),
    "a signal that ends": (lambda place: {"signals": ["TERM"]}, "cannot fire"),
    "a probe with a password": (
        lambda place: {"probe": probe("http://a:b@c/")},
        "a name or a password",
    ),
    "a probe of a file": (
        lambda place: {"probe": probe("file:///etc/passwd")},
        "no URL of a probe",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_watched_is_said_in_one_line_and_leaves_nothing(name: str, place: Path) -> None:
    words, why = REFUSED[name]
    before = signal.getsignal(signal.SIGUSR1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{place}/taken")
        with pytest.raises(ConfigError, match=why) as caught:
            GuardWatch(**{"directory": place, "name": "mm", **words(place)})
    assert "\n" not in caught.value.line
    assert names(place) == ["taken"]
    assert signal.getsignal(signal.SIGUSR1) == before


LATER = {
    "a heartbeat without a directory",
    "a socket that is taken",
    "a unit that nobody knows",
    "a pidfile without a directory",
    "a kill file without a directory",
}
"""What can have become so while a guard that was armed was started again."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_guard_that_was_armed_starts_all_the_same(name: str, place: Path) -> None:
    words, _ = REFUSED[name]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{place}/taken")
        if name not in LATER:
            with pytest.raises(ConfigError):
                GuardWatch(**{"directory": place, **words(place)}, resumed=True)
            return
        watch = GuardWatch(**{"directory": place, **words(place)}, resumed=True)
        (sight,) = watch.look(0).sights
        assert not sight.present
        assert bool(sight.trouble) is (name in ("a socket that is taken", "a kill file without a directory"))
        watch.close()


def test_a_source_that_breaks_keeps_nobody_from_looking(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = GuardWatch(heartbeats=[str(place / "beat")], kill_files=[str(place / "KILL")])
    (place / "KILL").write_text("")

    def break_down(source: TriggerSource, at: float) -> Sight:
        raise KeyError("a secret")

    monkeypatch.setattr("cancelall.guard.triggers.files.HeartbeatFile.look", break_down)
    beat, kill_file = watch.look(0).sights
    assert beat.trouble.startswith("a bug: KeyError at ")
    assert "secret" not in beat.trouble
    assert kill_file.present
    watch.close()


def test_sockets_of_systemd_are_used_wherever_they_are(place: Path) -> None:
    (place / "held").mkdir()
    given = []
    for kind in ("beat", "fire", "other"):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.bind(f"{place}/held/guard-mm.{kind}")
        send(place / f"held/guard-mm.{kind}")
        given.append(made)
    watch = GuardWatch(heartbeats=["beat"], directory=place, name="mm", given=given)
    look = watch.look(0)
    assert look.sights[0].key
    assert look.pressed
    assert names(place) == ["held"]
    assert watch.unread == (f"{place}/held/guard-mm.other",)
    told = f'{place}/held/guard-mm.other: beats come that this guard does not wait for: heartbeat = ["beat"]'
    assert watch.troubles == watch.troubles == (told,), "who beats there takes himself to be guarded"
    watch.close()
    assert names(place / "held") == ["guard-mm.beat", "guard-mm.fire", "guard-mm.other"]
    given[-1].close()


# --- another configuration ---


def test_what_stays_goes_on_as_it_was(place: Path) -> None:
    with subprocess.Popen(["sleep", "100"]) as child:
        watch = GuardWatch(heartbeats=["beat"], processes=[str(child.pid)], directory=place, signals=["USR1"])
        send(place / "guard-default.beat")
        before = watch.look(0).sights
        child.kill()
    watch.reload(heartbeats=["beat"], processes=[str(child.pid)], kill_files=[str(place / "KILL")], signals=["USR2"])
    after = watch.look(1).sights
    assert after[0] == before[0]
    assert (after[1].key, after[1].present) == (before[1].key, False)  # not: nobody has that number
    assert after[2].source == str(place / "KILL")
    os.kill(os.getpid(), signal.SIGUSR2)
    assert [one.source for one in watch.look(2).pressed] == ["SIGUSR2"]
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    watch.reload(signals=[])
    assert watch.look(3).sights == ()
    assert names(place) == ["guard-default.fire"]
    watch.close()


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"no socket of our own"}))
def test_a_bad_configuration_leaves_the_old_one_in_force(name: str, place: Path) -> None:
    words, why = REFUSED[name]
    watch = GuardWatch(heartbeats=["beat"], kill_files=[str(place / "KILL")], directory=place)
    before = watch.sources
    further = words(place).get("heartbeats", [])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{place}/taken")
        with pytest.raises(ConfigError, match=why):
            watch.reload(**{"signals": ["USR2"], **words(place), "heartbeats": [f"unix:{place}/new", *further]})
    assert watch.sources == before
    assert names(place) == ["guard-default.beat", "guard-default.fire", "taken"]
    send(place / "guard-default.beat")
    os.kill(os.getpid(), signal.SIGUSR1)
    look = watch.look(0)
    assert look.sights[0].key
    assert [one.source for one in look.pressed] == ["SIGUSR1"]
    watch.close()


# --- what wakes ---


async def woken(watch: GuardWatch, act: Callable[[], object]) -> None:
    """Fails when the act wakes nobody."""
    await watch.wake(0)
    waiting = asyncio.ensure_future(watch.wake(30))
    await asyncio.sleep(0)
    act()
    began = time.monotonic()
    await waiting
    assert time.monotonic() - began < 20


@on_a_loop
async def test_an_event_wakes(place: Path) -> None:
    child = subprocess.Popen(["sleep", "100"])
    watch = GuardWatch(kill_files=[str(place / "KILL")], processes=[str(child.pid)], directory=place)
    try:
        await woken(watch, lambda: os.kill(os.getpid(), signal.SIGUSR1))
        assert watch.look(0).pressed
        await woken(watch, lambda: send(place / "guard-default.fire"))
        assert watch.look(0).pressed
        await woken(watch, lambda: watch.press(Pressed(trigger="command", source="me")))
        assert watch.look(0).pressed
        if sys.platform == "linux":
            await woken(watch, lambda: (place / "KILL").symlink_to("nowhere"))
            assert of(watch, str(place / "KILL")).present
            await woken(watch, lambda: (place / "KILL").unlink())
            assert not of(watch, str(place / "KILL")).present
        await woken(watch, child.kill)
        assert not of(watch, str(child.pid)).present
    finally:
        child.kill()
        child.wait()
        watch.close()


@on_a_loop
async def test_a_new_configuration_wakes_too(place: Path) -> None:
    watch = GuardWatch(signals=[])
    await watch.wake(0)
    child = subprocess.Popen(["sleep", "100"])
    try:
        watch.reload(kill_files=[str(place / "KILL")], processes=[str(child.pid)], signals=["USR2"])
        await woken(watch, lambda: os.kill(os.getpid(), signal.SIGUSR2))
        if sys.platform == "linux":
            await woken(watch, lambda: (place / "KILL").write_text(""))
        await woken(watch, child.kill)
    finally:
        child.kill()
        child.wait()
        watch.close()


@on_a_loop
async def test_a_beat_wakes_nobody_and_is_taken_at_once(place: Path) -> None:
    """Who sends would wait for a full queue."""
    watch = GuardWatch(heartbeats=["beat"], directory=place)
    await watch.wake(0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.setblocking(False)
        made.connect(str(place / "guard-default.beat"))
        waiting = asyncio.ensure_future(watch.wake(30))
        for _ in range(5000):
            made.send(b"")
            await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
    assert of(watch, "cancelall beat").key.endswith(":5000")
    watch.close()


@on_a_loop
async def test_what_came_before_a_wait_ends_it_at_once(place: Path) -> None:
    watch = GuardWatch()
    watch.attach()
    watch.press(Pressed(trigger="command", source="me"))
    await watch.wake(30)
    began = time.monotonic()
    await watch.wake(0.01)
    assert time.monotonic() - began < 20
    watch.close()


@on_a_loop
async def test_without_inotify_it_looks_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(watching, "Inotify", refuse)
    watch = GuardWatch(kill_files=[str(place / "KILL")])
    await watch.wake(0)
    (place / "KILL").write_text("")
    assert of(watch, str(place / "KILL")).present
    watch.close()


# --- the rest ---


def test_only_a_suspension_makes_it_sleep() -> None:
    boot, monotonic = [100.0], [100.0]

    def tick() -> float:
        monotonic[0] += 0.000_01
        return monotonic[0]

    asleep = Asleep(lambda: boot[0], tick)
    assert asleep.seconds() == 0.0
    boot[0] = monotonic[0] + 0.2
    assert asleep.seconds() == 0.0  # two clocks that were not read at once
    boot[0] = monotonic[0] + 3600
    assert asleep.seconds() == pytest.approx(3600, abs=0.1)
    before = asleep.seconds()
    boot[0] = monotonic[0] + 3600.3
    assert asleep.seconds() == before
    boot[0] = monotonic[0] + 3700
    assert asleep.seconds() == pytest.approx(3700, abs=0.1)


def test_a_process_that_stood_still_between_two_clocks_did_not_sleep() -> None:
    """SIGSTOP between one clock and the other."""
    times = iter([100.0, 160.0, 160.0, 160.0])
    asleep = Asleep(lambda: next(times), lambda: next(times))
    assert [asleep.seconds(), asleep.seconds()] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, ("beat",)),
        ({"heartbeats": ["/a", "beat"]}, ("/a", "beat")),
        ({"kill_files": ["/K"]}, ()),
        ({"processes": ["1"]}, ()),
        ({"probe": probe("http://a/")}, ()),
    ],
)
def test_where_nothing_was_named_beats_are_waited_for(words: dict[str, Any], expected: tuple[str, ...]) -> None:
    given = {"heartbeats": (), "processes": (), "kill_files": (), "probe": None, **words}
    assert heartbeats_of(**given) == expected
