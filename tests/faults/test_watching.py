"""What a guard looks at, with real processes: bots that beat, die, freeze, guards that freeze, die and are back."""

from __future__ import annotations

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

from watching import Standing

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="what is hidden, full or handed over is made Linux's way"),
    pytest.mark.timeout(300),
]

TIMEOUT = 0.6
LATE = 0.25
"""Seconds after the end of a timeout by which it has to fire: 0.2, and what two busy cores take."""

BEATS = {
    "touches": "os.utime(path)",
    "replaces": "open(path + '.new', 'w').write('beat'); os.replace(path + '.new', path)",
    "grows": "open(path, 'a').write('INFO heartbeat\\n')",
    "truncates": "open(path, 'w').close()",
    "sends": "s.sendto(b'', path)",
}
BOT = """
import os, socket, sys, time
path, s = sys.argv[1], socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setblocking(False)
while True:
    try:
        {0}
    except OSError:
        pass
    print(flush=True)
    time.sleep(0.05)
"""


class Bot:
    """A process that beats every 50 ms."""

    def __init__(self, path: Path, how: str = "touches") -> None:
        code = BOT.format(BEATS.get(how, how))
        self.process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.beats()

    def beats(self) -> None:
        """Wait until it has beaten once more."""
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def die(self) -> float:
        """Kill it; when it was."""
        at = time.monotonic()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return at


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: a socket's path has little room."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture
def ends() -> Iterator[Callable[[Any], Any]]:
    """Whatever it is given is ended at the end."""
    made: list[Any] = []

    def add(one: Any) -> Any:
        made.append(one)
        return one

    yield add
    for one in made:
        (one.kill if isinstance(one, Standing) else one.die)()


Ends = Callable[[Any], Any]


@pytest.mark.parametrize("how", BEATS)
def test_a_bot_that_beats_keeps_it_quiet_and_its_death_is_seen(how: str, place: Path, ends: Ends) -> None:
    beat = place / "beat"
    source = f"unix:{beat}" if how == "sends" else str(beat)
    guard = ends(Standing(place, timeout=TIMEOUT, heartbeats=[source]))
    guard.wait("looks")
    if how != "sends":
        beat.write_text("")
    bot = ends(Bot(beat, how))
    guard.wait("armed")
    for _ in range(40):
        bot.beats()
    assert guard.fired() == []
    died = bot.die()
    fired = guard.wait("fires")
    assert fired["words"] == f"no beat of {source} for 0.6 s"
    assert TIMEOUT - 0.15 <= fired["at"] - died <= TIMEOUT + LATE


@pytest.mark.parametrize("frozen", ["guard", "bot", "both"])
def test_freezes_fire_nothing_and_the_death_after_them_is_seen(frozen: str, place: Path, ends: Ends) -> None:
    """The guard's are longer than its timeout, and it is woken first; the bot alone is frozen for half of it."""
    beat = place / "beat"
    beat.write_text("")
    guard = ends(Standing(place, timeout=TIMEOUT, heartbeats=[str(beat)]))
    guard.wait("looks")
    bot = ends(Bot(beat))
    guard.wait("armed")
    for _ in range(50 if frozen == "bot" else 25):
        if frozen != "guard":
            bot.freeze()
        if frozen != "bot":
            guard.stop()
        time.sleep(TIMEOUT / 2 if frozen == "bot" else TIMEOUT + 0.3)
        if frozen != "bot":
            guard.go_on()
            time.sleep(0.1)
        if frozen != "guard":
            bot.thaw()
        for _ in range(3):
            bot.beats()
        assert guard.fired() == []
    died = bot.die()
    assert guard.wait("fires")["at"] - died <= TIMEOUT + LATE


@pytest.mark.parametrize("how", ["number", "pidfile"])
def test_a_process_that_dies_is_seen_at_once(how: str, place: Path, ends: Ends) -> None:
    bot = ends(Bot(place / "beat"))
    (place / "bot.pid").write_text(f"{bot.pid}\n")
    words = str(bot.pid) if how == "number" else str(place / "bot.pid")
    guard = ends(Standing(place, timeout=60, processes=[words]))
    guard.wait("armed")
    for _ in range(3):
        guard.stop()
        bot.freeze()
        time.sleep(0.3)
        guard.go_on()
        bot.thaw()
        bot.beats()
    (place / "bot.pid").unlink()
    assert guard.fired() == []
    died = bot.die()
    fired = guard.wait("fires")
    assert (fired["trigger"], fired["words"]) == ("process", f"{words} is gone")
    assert fired["at"] - died <= LATE


SPOILT: dict[str, Callable[[Path], object]] = {
    "its directory is removed": lambda beat: (beat.unlink(), beat.parent.rmdir()),
    "it becomes a looping link": lambda beat: (beat.unlink(), beat.symlink_to(beat)),
    "its directory becomes a file": lambda beat: (beat.unlink(), beat.parent.rmdir(), beat.parent.write_text("")),
    "it becomes a directory": lambda beat: (beat.unlink(), beat.mkdir()),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_heartbeat_that_cannot_come_any_more_fires(how: str, place: Path, ends: Ends) -> None:
    beat = place / "bot" / "beat"
    beat.parent.mkdir()
    beat.write_text("")
    guard = ends(Standing(place, timeout=TIMEOUT, heartbeats=[str(beat)]))
    guard.wait("looks")
    bot = ends(Bot(beat, "os.utime(path, follow_symlinks=False) if not os.path.isdir(path) else None"))
    guard.wait("armed")
    bot.beats()
    spoilt = time.monotonic()
    SPOILT[how](beat)
    fired = guard.wait("fires")
    assert fired["trigger"] == "heartbeat"
    assert TIMEOUT - 0.15 <= fired["at"] - spoilt <= TIMEOUT + LATE + 0.1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("what", ["heartbeat", "kill file"])
def test_what_another_user_hides_is_a_trouble(what: str, place: Path) -> None:
    """chmod 000 of the directory, met by somebody for whom rights count."""
    hidden = place / "hidden"
    hidden.mkdir(mode=0o755)
    (hidden / "file").write_text("")
    place.chmod(0o755)
    kind = "HeartbeatFile" if what == "heartbeat" else "KillFile"
    code = f"""
import os, sys
from cancelall.guard.triggers.files import {kind}
os.setgroups([]); os.setgid(65534); os.setuid(65534)
one = {kind}({str(hidden / "file")!r})
print(repr(one.look(0).trouble), flush=True)
sys.stdin.readline()
print(repr(one.look(0).trouble), one.look(0).present, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"''\n"
        hidden.chmod(0)
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.stdout.readline() == b"'Permission denied' False\n"
    hidden.chmod(0o755)


def test_a_full_disk_stops_no_beat_that_needs_no_room(place: Path, ends: Ends) -> None:
    """A touch, or a file written anew, changes even where nothing can be written; a log that cannot grow is silent."""
    full = place / "full"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(full)], check=False, stderr=-3).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        beat, log = full / "beat", full / "log"
        beat.write_text("")
        log.write_text("")
        with pytest.raises(OSError, match="No space left"):
            (full / "rest").write_bytes(bytes(1 << 20))
        words = {"heartbeats": [str(beat)], "timeout": TIMEOUT}
        guard = ends(Standing(place, **words))
        guard.wait("looks")
        bot = ends(Bot(beat, "open(path, 'w').write('x' * 5000)"))
        guard.wait("armed")
        for _ in range(40):
            bot.beats()
        assert guard.fired() == []
        bot.die()
        guard.wait("fires")
        guard.kill()
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)


# --- what happens while the guard is away ---


def died(bot: Bot, place: Path) -> None:
    bot.die()


def frozen(bot: Bot, place: Path) -> None:
    bot.freeze()


def killing(bot: Bot, place: Path) -> None:
    (place / "KILL").symlink_to("nowhere")


def commanded(bot: Bot, place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.sendto(b"", str(place / "guard-default.fire"))


def removed(bot: Bot, place: Path) -> None:
    (place / "run" / "beat").unlink()
    (place / "run").rmdir()


def nothing(bot: Bot, place: Path) -> None:
    pass


GAPS = {died: "process", frozen: "heartbeat", killing: "kill file", commanded: "command", removed: "heartbeat"}


@pytest.mark.parametrize("gap", [*GAPS, nothing])
def test_what_happens_while_a_guard_is_started_again_is_seen(
    gap: Callable[[Bot, Path], None], place: Path, ends: Ends
) -> None:
    """SIGKILL while it is armed. A socket that systemd holds keeps what is sent meanwhile."""
    (place / "run").mkdir()
    beat = place / "run" / "beat"
    beat.write_text("")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as fire:
        fire.bind(f"{place}/guard-default.fire")
        bot = ends(Bot(beat))
        words = {
            "timeout": TIMEOUT,
            "heartbeats": [str(beat)],
            "processes": [str(bot.pid)],
            "kill_files": [str(place / "KILL")],
            "pass_fds": [fire.fileno()],
        }
        first = ends(Standing(place, **words))
        first.wait("armed")
        bot.beats()
        first.kill()
        gap(bot, place)
        time.sleep(2 * TIMEOUT)
        second = ends(Standing(place, **words))
        at = second.wait("looks")["at"]
        if gap is nothing:
            for _ in range(40):
                bot.beats()
            assert second.fired() == []
            bot.die()
        fired = second.wait("fires")
        assert fired["trigger"] == GAPS.get(gap, "process")
        if gap is not nothing:
            assert fired["at"] - at <= (TIMEOUT if fired["trigger"] == "heartbeat" else 0) + LATE
        if gap is frozen:
            bot.thaw()
