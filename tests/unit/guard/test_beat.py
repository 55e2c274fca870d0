"""`cancelall beat`: whom one beat reaches, and how long a command is said to be well."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.cli import beat as line
from cancelall.cli.beat import BeatLine
from cancelall.core.errors import ExitStatus, UsageError
from cancelall.guard import beat
from cancelall.guard.beat import Beats, NoBeatTaken
from cancelall.guard.watch import GuardWatch
from support import Ran, cancelall, started

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no UNIX sockets here")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory with a short name, and no other place for guards."""
    with tempfile.TemporaryDirectory() as made:
        monkeypatch.setattr(beat, "_MACHINES", (f"{made}/machine", f"{made}/second"))
        (Path(made) / "cancelall").mkdir(mode=0o700)
        yield Path(made)


class Guard:
    """Listens as a guard does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def beats(self) -> int:
        """How many have come by now."""
        count = 0
        while select.select([self.socket], [], [], 0)[0]:
            assert self.socket.recv(10) == b""
            count += 1
        return count

    def wait(self, count: int = 1) -> None:
        """Return when so many more have come."""
        for _ in range(count):
            assert select.select([self.socket], [], [], 20)[0], "no beat came"
            self.socket.recv(10)

    def end(self) -> None:
        self.socket.close()


@pytest.fixture
def guard(runtime: Path) -> Iterator[Guard]:
    made = Guard(runtime / "cancelall/guard-default.beat")
    yield made
    made.end()


def beats(runtime: Path, name: str | None = None, **environ: str) -> Beats:
    return Beats(name, {"XDG_RUNTIME_DIR": str(runtime), **environ})


# --- one beat ---


def test_a_beat_reaches_the_guard_that_it_names(runtime: Path, guard: Guard) -> None:
    other = Guard(runtime / "cancelall/guard-mm.beat")
    beats(runtime).send()
    assert (guard.beats(), other.beats()) == (1, 0)
    beats(runtime, "mm").send()
    assert (guard.beats(), other.beats()) == (0, 1)
    other.end()
    guard.end()


def test_the_only_guard_needs_no_name(runtime: Path) -> None:
    dead = Guard(runtime / "cancelall/guard-dead.beat")
    dead.end()
    one = Guard(runtime / "cancelall/guard-mm.beat")
    beats(runtime).check()
    assert one.beats() == 0
    beats(runtime).send()
    assert one.beats() == 1
    two = Guard(runtime / "cancelall/guard-mm-2.beat")
    with pytest.raises(NoBeatTaken, match="several guards") as caught:
        beats(runtime).send()
    assert "mm, mm-2" in caught.value.hint
    one.end()
    two.end()


@pytest.mark.parametrize("place", ["unit", "machine", "second", "runtime/cancelall", "state"])
def test_a_guard_is_looked_for_where_one_can_be(place: str, runtime: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": f"{runtime}/runtime", "RUNTIME_DIRECTORY": f"{runtime}/unit:{runtime}/x"}
    environ |= {"STATE_DIRECTORY": f"{runtime}/state"}
    (runtime / "runtime").mkdir()
    one = Guard(runtime / place / "guard-mm.beat")
    for name in (None, "mm"):
        Beats(name, environ).send()
    assert one.beats() == 2
    one.end()


@pytest.mark.parametrize("left", ["nothing", "a dead socket", "a file", "a stream"])
def test_without_a_guard_it_says_so(left: str, runtime: Path) -> None:
    path = runtime / "cancelall/guard-mm.beat"
    if left == "a dead socket":
        Guard(path).end()
    if left == "a file":
        path.write_text("")
    with socket.socket(socket.AF_UNIX) as stream:
        if left == "a stream":
            stream.bind(str(path))
            stream.listen(1)
        for name in ("mm", None):
            for act in (beats(runtime, name).send, beats(runtime, name).check):
                with pytest.raises(NoBeatTaken, match="runs that takes beats") as caught:
                    act()
                assert caught.value.status == ExitStatus.NO_GUARD == 3


def test_a_guard_of_somebody_else_is_named(runtime: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(socket.socket):
        def sendto(self, *words: Any) -> int:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(beat.socket, "socket", Refused)
    with pytest.raises(NoBeatTaken, match=r"this user may not beat: .*guard-default\.beat"):
        beats(runtime).send()


def test_a_guard_that_does_not_read_has_beats_enough(runtime: Path, guard: Guard) -> None:
    for _ in range(3000):  # more than any queue has room for
        beats(runtime, "default").send()
    assert guard.beats() < 3000


def test_a_watch_counts_it(runtime: Path) -> None:
    watch = GuardWatch(heartbeats=["beat"], directory=runtime / "cancelall", name="mm")
    assert watch.look(0).sights[0].key == ""
    beats(runtime).send()
    assert watch.look(1).sights[0].key
    watch.close()


# --- the line ---


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", BeatLine()),
        ("--name mm", BeatLine(name="mm")),
        ("--name=mm --every=0.5 -- bot --name x", BeatLine(name="mm", every=0.5, command=("bot", "--name", "x"))),
        ("--watchdog --every 2 -- bot -- x", BeatLine(every=2.0, watchdog=True, command=("bot", "--", "x"))),
        *((words, None) for words in ("--help", "--name", "--name --every 1", "--every x", "--every -1", "--")),
        *((words, None) for words in ("--watchdog=1", "-n mm", "--name=")),
    ],
)
def test_a_line_in_its_usual_form(words: str, expected: BeatLine | None) -> None:
    assert line.read(words.split()) == expected


@pytest.mark.parametrize("words", ["bot", "mm -- bot", "--name mm bot", "--watchdog bot"])
def test_a_bare_word_is_no_command_and_no_guard(words: str) -> None:
    with pytest.raises(UsageError, match="is one word too many"):
        line.read(words.split())


@given(st.lists(st.sampled_from(["--name", "--every", "--watchdog", "--", "mm", "1", "=", "--name=x", "-x", ""])))
def test_any_line_is_read_or_left_to_the_command_line_proper(words: list[str]) -> None:
    try:
        made = line.read(words)
    except UsageError:
        return
    assert made is None or made.command == tuple(words[words.index("--") + 1 :] if "--" in words else ())


@pytest.mark.parametrize(
    "wrong",
    [
        BeatLine(name="../x"),
        BeatLine(name="x" * 65),
        BeatLine(every=0.001, command=("bot",)),
        BeatLine(every=float("nan"), command=("bot",)),
        BeatLine(watchdog=True),
    ],
)
def test_a_line_that_makes_no_sense(wrong: BeatLine) -> None:
    with pytest.raises(UsageError):
        line.run(wrong)


def test_little_is_imported_for_a_beat(runtime: Path, guard: Guard, home: Path) -> None:
    code = "import os, sys; sys.argv = ['cancelall', 'beat']; from cancelall.__main__ import run; os._exit = "
    code += "lambda status: (print(status, *sorted(sys.modules)), sys.stdout.flush(), sys.exit(0)); run()"
    done = cancelall(home=home, env={"XDG_RUNTIME_DIR": str(runtime)}, start=("-c", code))
    status, *modules = done.out.split()
    assert (status, guard.beats()) == ("0", 1), done.err
    heavy = {"asyncio", "typer", "click", "subprocess", "ssl", "tomllib", "logging", "json"}
    assert set(modules) & heavy == set()
    assert {
        name for name in modules if name.startswith(("cancelall.engine", "cancelall.venues", "cancelall.net"))
    } == set()


# --- a command ---


def begin(runtime: Path, home: Path, *words: str, **environ: str) -> subprocess.Popen[bytes]:
    return started("beat", *words, home=home, env={"XDG_RUNTIME_DIR": str(runtime), **environ})


def ended(process: subprocess.Popen[bytes]) -> Ran:
    out, err = process.communicate(timeout=20)
    return Ran(code=process.returncode, out=out.decode(), err=err.decode())


def test_it_beats_while_the_command_lives_and_ends_as_it_does(runtime: Path, guard: Guard, home: Path) -> None:
    process = begin(runtime, home, "--every", "0.05", "--", "sh", "-c", "read x < go; exit 7")
    os.mkfifo(home / "go")
    guard.wait(4)
    (home / "go").write_text("\n")
    assert ended(process) == Ran(code=7, out="", err="")
    guard.beats()
    assert guard.beats() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_reaches_the_command(number: int, runtime: Path, guard: Guard, home: Path) -> None:
    os.mkfifo(home / "go")
    trap = f"trap 'echo got; exit 9' {int(number)}; : > go; while :; do sleep 0.01; done"
    process = begin(runtime, home, "--", "sh", "-c", trap)
    (home / "go").read_text()
    process.send_signal(number)
    assert ended(process) == Ran(code=9, out="got\n", err="")


def test_a_signal_that_ends_the_command_is_told_as_in_a_shell(runtime: Path, guard: Guard, home: Path) -> None:
    assert ended(begin(runtime, home, "--", "sh", "-c", "kill -KILL $$")).code == 137


def test_a_command_that_is_stopped_is_not_well(runtime: Path, guard: Guard, home: Path) -> None:
    code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    process = begin(runtime, home, "--every", "0.05", "--", sys.executable, "-c", code)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    guard.wait(2)
    os.kill(pid, signal.SIGSTOP)
    while select.select([guard.socket], [], [], 0.3)[0]:  # six times the usual pause
        guard.socket.recv(1)
    os.kill(pid, signal.SIGCONT)
    guard.wait(2)
    process.terminate()
    assert ended(process).code == 143


def test_without_a_guard_the_command_does_not_start(runtime: Path, home: Path) -> None:
    done = ended(begin(runtime, home, "--", "touch", "started"))
    assert (done.code, done.out, (home / "started").exists()) == (3, "", False)
    assert done.err.startswith("cancelall: no guard runs that takes beats")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(("command", "code"), [("nowhere/at/all", 127), ("/", 126)])
def test_what_is_no_command(command: str, code: int, runtime: Path, guard: Guard, home: Path) -> None:
    done = ended(begin(runtime, home, "--", command))
    assert (done.code, guard.beats()) == (code, 0)
    assert done.err.startswith(f"cancelall: beat: {command}: ")


def test_a_guard_that_goes_away_is_told_once_and_beaten_again(runtime: Path, home: Path) -> None:
    first = Guard(runtime / "cancelall/guard-default.beat")
    os.mkfifo(home / "go")
    process = begin(runtime, home, "--every", "0.05", "--", "sh", "-c", "read x < go")
    first.wait(2)
    first.end()
    first.path.unlink()
    assert process.stderr is not None
    assert b"no guard runs that takes beats" in process.stderr.readline()
    second = Guard(first.path)
    second.wait(3)
    assert b"a guard takes beats again" in process.stderr.readline()
    (home / "go").write_text("\n")
    assert ended(process) == Ran(code=0, out="", err="")
    second.end()


SAYS = """
import os, socket, sys
made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
made.connect(os.environ["NOTIFY_SOCKET"])
made.send(b"READY=1\\nSTATUS=trading")
print(os.environ["WATCHDOG_USEC"], os.environ.get("WATCHDOG_PID"), flush=True)
for line in sys.stdin:
    made.send(b"WATCHDOG=1\\n")
"""


def test_with_a_watchdog_only_the_command_says_that_it_is_well(runtime: Path, guard: Guard, home: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outer:
        outer.bind(f"{runtime}/notify")
        words = ("beat", "--every", "0.05", "--watchdog", "--", sys.executable, "-c", SAYS)
        environ = {"XDG_RUNTIME_DIR": str(runtime), "NOTIFY_SOCKET": f"{runtime}/notify", "WATCHDOG_PID": "1"}
        process = started(*words, home=home, env=environ, stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"100000 None\n"
        outer.settimeout(20)
        assert outer.recv(100) == b"READY=1\nSTATUS=trading"
        assert guard.beats() == 0
        for _ in range(2):
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert outer.recv(100) == b"WATCHDOG=1\n"
            guard.wait()
        assert guard.beats() == 0
        process.stdin.close()
        assert process.wait(20) == 0
        process.stdout.close()
        assert process.stderr is not None
        process.stderr.close()
