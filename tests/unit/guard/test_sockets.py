"""Datagrams: each is a beat, or fires, whatever is in it; whose socket it is, and what becomes of it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall.core.errors import ConfigError
from cancelall.guard.triggers import sockets
from cancelall.guard.triggers.sockets import BeatSocket, FireSocket
from support import ROOT

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no UNIX sockets here")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: a socket's path has little room."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def send(path: Path, *words: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        for word in words or (b"",):
            made.sendto(word, str(path))


@pytest.fixture
def beats(place: Path) -> Iterator[BeatSocket]:
    made = BeatSocket(f"unix:{place}/beat", f"{place}/beat", [])
    yield made
    made.close()


def test_every_datagram_is_a_beat_whatever_is_in_it(beats: BeatSocket, place: Path) -> None:
    assert beats.look(0).key == ""
    keys = []
    for word in (b"", b"x", b"fire", b"x" * 5000):
        send(place / "beat", word)
        shown = beats.look(1)
        keys.append(shown.key)
        assert (shown.trouble, shown.trigger, shown.source) == ("", "heartbeat", f"unix:{place}/beat")
        assert beats.look(2).key == shown.key
    assert len(set(keys)) == 4


def test_beats_of_one_guard_are_none_of_the_next(place: Path) -> None:
    keys = set()
    for _ in range(2):
        made = BeatSocket("beat", f"{place}/beat", [])
        send(place / "beat")
        keys.add(made.look(0).key)
        made.close()
    assert len(keys) == 2


def test_it_is_for_its_owner_alone(beats: BeatSocket, place: Path) -> None:
    assert stat.S_IMODE((place / "beat").stat().st_mode) == 0o600


def test_a_directory_that_gives_files_its_group_shares_it(place: Path) -> None:
    place.chmod(0o2770)
    made = BeatSocket("beat", f"{place}/beat", [])
    assert stat.S_IMODE((place / "beat").stat().st_mode) == 0o660
    made.close()


def test_what_a_guard_before_has_left_is_cleared_away(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(f"{place}/beat")
    made = BeatSocket("beat", f"{place}/beat", [])
    send(place / "beat")
    assert made.look(0).key
    made.close()
    assert not (place / "beat").exists()


@pytest.mark.parametrize("what", ["a listener", "a stream", "a file", "a directory"])
def test_what_somebody_else_has_there_stays(what: str, place: Path) -> None:
    path = place / "beat"
    kind = socket.SOCK_STREAM if what == "a stream" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_UNIX, kind) as other:
        if what == "a file":
            path.write_text("")
        elif what == "a directory":
            path.mkdir()
        else:
            other.bind(str(path))
            if kind == socket.SOCK_STREAM:
                other.listen(1)
        before = path.lstat().st_ino
        with pytest.raises(ConfigError, match="is taken by") as caught:
            BeatSocket("beat", str(path), [])
        assert "\n" not in caught.value.line
        assert path.lstat().st_ino == before


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("beat", "relative"),
        ("", "no path"),
        ("@beat", "relative"),
        (f"/run/{'x' * 100}", "too long"),
        ("/nowhere/at/all/beat", "does not exist"),
    ],
)
def test_what_can_be_no_socket_is_said_in_one_line(path: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        BeatSocket("beat", path, [])
    assert "\n" not in caught.value.line


def test_a_socket_that_was_removed_is_made_again(beats: BeatSocket, place: Path) -> None:
    send(place / "beat")
    first = beats.look(0).key
    (place / "beat").unlink()
    assert beats.look(0.1).trouble == "its socket was removed"
    assert beats.look(5.0).trouble  # nobody looked meanwhile: it is no longer lost than before
    shown = [beats.look(5 + step / 10) for step in range(1, 15)]
    assert shown[-1].trouble == ""
    assert {one.key for one in shown} == {first}
    send(place / "beat")
    assert beats.look(7).key not in ("", first)


def test_a_socket_that_somebody_has_replaced_is_left_to_him(beats: BeatSocket, place: Path) -> None:
    (place / "beat").unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{place}/beat")
        shown = [beats.look(step / 10) for step in range(30)]
        assert shown[-1].trouble == "somebody else has put another in its place"
        beats.close()
        assert (place / "beat").exists()


def test_a_guard_that_was_armed_starts_without_its_socket_and_has_it_later(place: Path) -> None:
    path = place / "bot" / "beat"
    made = BeatSocket("beat", str(path), [], lenient=True)
    assert "does not exist" in made.look(0).trouble
    path.parent.mkdir()
    shown = [made.look(step / 10) for step in range(1, 30)]
    assert shown[-1].trouble == ""
    send(path)
    assert made.look(4).key
    made.close()


def test_many_datagrams_are_taken_in_turns(beats: BeatSocket, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_AT_ONCE", 2)
    send(place / "beat", b"", b"", b"", b"", b"")
    assert [beats.look(at).key.rpartition(":")[2] for at in range(4)] == ["2", "4", "5", "5"]


def test_a_datagram_fires_once_whatever_is_in_it(place: Path) -> None:
    made = FireSocket(f"{place}/fire", [])
    assert made.pressed(0) == ()
    send(place / "fire", b"", b"no", b"not now")
    (pressed,) = made.pressed(1)
    assert (pressed.trigger, pressed.source) == ("command", "a datagram")
    assert made.pressed(2) == ()
    made.close()


# --- sockets of systemd's ---

TAKES_OVER = """
import os, sys, socket
from cancelall.guard.triggers.sockets import BeatSocket, inherited
os.environ.update(LISTEN_PID=str(os.getpid() + int(sys.argv[2])), LISTEN_FDS="2", LISTEN_FDNAMES="a:b")
given = inherited(os.environ)
assert not [name for name in os.environ if name.startswith("LISTEN_")]
assert not any(one.get_inheritable() for one in given)
if not given:
    print("nothing")
    sys.exit()
made = BeatSocket("beat", sys.argv[1], given)
key = made.look(0).key
made.close()
print(len(given), key.rpartition(":")[2], os.path.exists(sys.argv[1]))
"""


@pytest.mark.parametrize("off", [0, 1])
def test_a_socket_of_systemd_is_taken_over_with_what_waits_in_it(off: int, place: Path) -> None:
    path = place / "real" / "beat"
    path.parent.mkdir()
    (place / "run").symlink_to("real")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours, socket.create_server(("127.0.0.1", 0)) as other:
        ours.bind(str(path))
        send(path, b"", b"", b"")
        os.set_inheritable(ours.fileno(), True)
        os.set_inheritable(other.fileno(), True)
        shell = f'exec 3<&{ours.fileno()} 4<&{other.fileno()}; exec "$0" -c "$1" "$2" "$3"'
        done = subprocess.run(
            ["/bin/bash", "-c", shell, sys.executable, TAKES_OVER, f"{place}/run/beat", str(off)],
            pass_fds=(ours.fileno(), other.fileno()),
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            timeout=30,
            check=False,
        )
    assert done.stdout.split() == (["nothing"] if off else ["1", "3", "True"]), done.stderr


def test_a_socket_of_systemd_whose_place_is_hidden_is_no_trouble(place: Path) -> None:
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.bind(f"{place}/beat")
    (place / "beat").unlink()
    made = BeatSocket("beat", f"{place}/beat", [ours])
    assert [made.look(at / 10).trouble for at in range(30)] == [""] * 30
    made.close()


@pytest.mark.parametrize("count", ["", "x", "-1", "99999999999999999999"])
def test_odd_words_of_systemd_hand_over_nothing(count: str) -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": count, "OTHER": "stays"}
    assert sockets.inherited(environ) == []
    assert environ == {"OTHER": "stays"}
