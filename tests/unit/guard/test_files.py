"""Heartbeat files and kill files: what is a beat, what is there, what is neither."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cancelall.core.errors import ConfigError
from cancelall.guard.triggers import files, source
from cancelall.guard.triggers.files import HeartbeatFile, KillFile
from support import on_a_loop


def replaced(path: Path) -> None:
    new = path.with_name("new")
    new.write_text("beat\n")
    os.utime(new, ns=(0, path.stat().st_mtime_ns))  # the same size, and the same time
    new.rename(path)


def grown(path: Path) -> None:
    status = path.stat()
    with path.open("a") as stream:
        stream.write("more\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


BEATS: dict[str, Callable[[Path], object]] = {
    "touched": lambda path: os.utime(path, ns=(0, path.stat().st_mtime_ns + 1)),
    "a time before the last": lambda path: os.utime(path, ns=(0, 1)),
    "replaced": replaced,
    "grown, its time set back": grown,
    "truncated": lambda path: path.write_text(""),
    "made anew": lambda path: (path.rename(path.with_name("old")), path.write_text("beat\n")),
}


@pytest.mark.parametrize("name", BEATS)
def test_any_change_is_a_beat(name: str, tmp_path: Path) -> None:
    path = tmp_path / "beat"
    path.write_text("beat\n")
    heartbeat = HeartbeatFile(str(path))
    heartbeat.expect()
    before = heartbeat.look(0)
    assert heartbeat.look(1) == before
    BEATS[name](path)
    after = heartbeat.look(2)
    assert after.key not in ("", before.key)
    assert (before.trouble, after.trouble) == ("", "")


def test_neither_reading_nor_rights_nor_a_link_are_a_beat(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    path.write_text("beat\n")
    heartbeat = HeartbeatFile(str(path))
    before = heartbeat.look(0)
    path.read_text()
    path.chmod(0o600)
    (tmp_path / "second").hardlink_to(path)
    assert heartbeat.look(1) == before


def test_what_is_gone_is_silent_and_no_beat_when_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "bot" / "beat"
    path.parent.mkdir()
    heartbeat = HeartbeatFile(str(path))
    heartbeat.expect()
    assert heartbeat.look(0).key == ""
    path.write_text("beat\n")
    before = heartbeat.look(1)
    assert before.key
    path.rename(tmp_path / "elsewhere")
    assert heartbeat.look(2) == before
    path.parent.rmdir()
    assert heartbeat.look(3) == before  # its directory, too: a unit that ends takes it away
    path.parent.mkdir()
    (tmp_path / "elsewhere").rename(path)
    assert heartbeat.look(4) == before


def looping(path: Path) -> None:
    path.symlink_to(path)


def through_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("spoil", [looping, through_a_file])
def test_what_cannot_be_looked_at_is_a_trouble(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "bot" / "beat"
    path.parent.mkdir()
    for one in (HeartbeatFile(str(path)), KillFile(str(path))):
        assert one.look(0).trouble == ""
    spoil(path)
    heartbeat, kill_file = HeartbeatFile(str(path)), KillFile(str(path))
    assert heartbeat.look(1).trouble
    with pytest.raises(ConfigError):
        heartbeat.expect()
    shown = kill_file.look(1)
    assert shown.present is (spoil is looping)
    assert bool(shown.trouble) is (spoil is through_a_file)


FORMS: dict[str, Callable[[Path], object]] = {
    "a file": lambda path: path.write_text(""),
    "a file that nobody may read": lambda path: (path.write_text(""), path.chmod(0)),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a looping link": looping,
    "a directory": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_kill_file_is_there_in_any_form(name: str, tmp_path: Path) -> None:
    path = tmp_path / "KILL"
    kill_file = KillFile(str(path))
    kill_file.expect()
    assert (kill_file.look(0).present, kill_file.look(0).trouble) == (False, "")
    FORMS[name](path)
    shown = kill_file.look(1)
    assert (shown.present, shown.trouble) == (True, "")
    assert os.path.lexists(path)
    kill_file.expect()  # that it is there at the start is no mistake: it fires


@pytest.mark.parametrize("what", ["missing", "a file", "a dangling link"])
def test_a_kill_file_is_not_absent_where_its_directory_cannot_be_read(what: str, tmp_path: Path) -> None:
    parent = tmp_path / "run"
    if what == "a file":
        parent.write_text("")
    if what == "a dangling link":
        parent.symlink_to("nowhere")
    kill_file = KillFile(str(parent / "KILL"))
    shown = kill_file.look(0)
    assert (shown.present, bool(shown.trouble)) == (False, True)
    with pytest.raises(ConfigError, match="cannot be looked at"):
        kill_file.expect()


def test_a_directory_that_may_not_be_read_is_a_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_file = KillFile(str(tmp_path / "KILL"))
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)  # root may always
    assert "Permission denied" in kill_file.look(0).trouble


def test_a_refusal_is_a_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    kill_file, heartbeat = KillFile(str(tmp_path / "KILL")), HeartbeatFile(str(tmp_path / "beat"))
    (tmp_path / "beat").write_text("")
    key = heartbeat.look(0).key
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "lstat", refuse)
        patched.setattr(files.os, "stat", refuse)
        assert kill_file.look(0).trouble == "Permission denied"
        assert (heartbeat.look(0).trouble, heartbeat.look(0).key) == ("Permission denied", key)


@pytest.mark.parametrize("text", ["", " ", "beat", "./KILL", "a\0b", "~/beat"])
def test_only_absolute_paths_are_paths(text: str) -> None:
    for kind in (HeartbeatFile, KillFile):
        with pytest.raises(ConfigError) as caught:
            kind(text)
        assert "\n" not in caught.value.line
        assert "\0" not in caught.value.line


@pytest.mark.parametrize("text", ["/", "/run/.."])
def test_what_is_always_there_is_no_kill_file(text: str) -> None:
    with pytest.raises(ConfigError, match="always there"):
        KillFile(text)


def test_a_heartbeat_needs_a_directory_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        HeartbeatFile(str(tmp_path / "bot" / "beat")).expect()
    with pytest.raises(ConfigError, match="is a directory"):
        HeartbeatFile(str(tmp_path)).expect()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is no directory"):
        HeartbeatFile(str(tmp_path / "file" / "beat")).expect()


# --- file systems of other machines ---

MOUNTS = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:30 / {0} rw,relatime - nfs4 server:/bots rw,vers=4.2
41 40 0:31 / {0}/here rw - tmpfs tmpfs rw
42 22 0:32 / {0}\\040shared rw - fuse.sshfs you@there: rw
an odd line
"""


@pytest.mark.skipif(files.sys.platform != "linux", reason="mountinfo is Linux's")
@pytest.mark.parametrize(
    ("path", "distant"),
    [
        ("{0}/beat", True),
        ("{0}/deep/in/it/beat", True),
        ("{0}/here/beat", False),
        ("{0} shared/beat", True),
        ("{0}2/beat", False),
        ("/beat", False),
    ],
)
def test_a_file_system_of_another_machine_is_known(path: str, distant: bool, tmp_path: Path) -> None:
    base = str(tmp_path / "nfs")
    assert files.is_distant(Path(path.format(base)), MOUNTS.format(base)) is distant


def test_without_a_list_of_mounts_everything_is_near() -> None:
    assert not files.is_distant(Path("/run/beat"), "")


PRIVATE = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
40 22 0:30 /systemd-private-0123-cancelall-guard@mm.service-ab/tmp {0} rw,nosuid - tmpfs tmpfs rw
41 40 0:31 / {0}/shared rw - tmpfs tmpfs rw
"""


def test_a_kill_file_that_nobody_else_can_make_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PrivateTmp= the /tmp of the guard is its own: it would never see what a person touches there."""
    (tmp_path / "shared").mkdir()
    monkeypatch.setattr(files, "_read", lambda path: PRIVATE.format(tmp_path))
    with pytest.raises(ConfigError, match="only this unit sees it"):
        files.nearby(KillFile(str(tmp_path / "KILL")))
    assert files.nearby(KillFile(str(tmp_path / "KILL")), lenient=True).look(0).trouble == ""
    assert files.nearby(KillFile(str(tmp_path / "shared" / "KILL"))).look(0).trouble == ""


def test_a_near_file_is_looked_at_directly(tmp_path: Path) -> None:
    kill_file = KillFile(str(tmp_path / "KILL"))
    assert files.nearby(kill_file) is kill_file or files.sys.platform != "linux"


def test_a_look_that_does_not_come_back_is_a_trouble_after_a_while(tmp_path: Path) -> None:
    hangs, goes_on, looks = threading.Event(), threading.Event(), threading.Semaphore(0)

    class Hanging(KillFile):
        def look(self, at: float) -> source.Sight:
            if hangs.is_set():
                looks.release()
                goes_on.wait(20)
            return super().look(at)

    distant = source.Distant(Hanging(str(tmp_path / "KILL")), every=0.001)
    try:
        assert distant.look(0).trouble == ""
        hangs.set()
        assert looks.acquire(timeout=20)
        distant.look(0)
        assert distant.look(1000).trouble == ""  # nobody looked meanwhile
        for step in range(20):
            shown = distant.look(1000 + step / 10)
        assert shown.trouble.startswith("no answer for ")
        (tmp_path / "KILL").write_text("")
        hangs.clear()
        goes_on.set()
        for _ in range(20_000):
            if distant.look(1002).present:
                break
            hangs.wait(0.001)
        assert distant.look(1002) == source.Sight(source=str(tmp_path / "KILL"), trigger="kill file", present=True)
    finally:
        goes_on.set()
        distant.close()


@on_a_loop
async def test_what_is_looked_at_in_a_thread_rings_when_it_comes_and_when_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "KILL"
    bell = source.Bell(asyncio.get_running_loop())
    distant = source.Distant(KillFile(str(path)), every=0.001)
    distant.attach(bell)
    try:
        for present in (True, False):
            path.touch() if present else path.unlink()
            async with asyncio.timeout(20):
                await bell.wait(30)
            assert distant.look(0).present is present
    finally:
        distant.close()
        bell.close()


@on_a_loop
async def test_so_does_a_beat_which_is_seen_late_enough(tmp_path: Path) -> None:
    path, bell = tmp_path / "beat", source.Bell(asyncio.get_running_loop())
    distant = source.Distant(HeartbeatFile(str(path)), every=0.001)
    distant.attach(bell)
    keys = {""}
    try:
        for content in ("1", "12"):
            path.write_text(content)
            while (key := distant.look(0).key) in keys:
                async with asyncio.timeout(20):
                    await bell.wait(30)
            keys.add(key)
    finally:
        distant.close()
        bell.close()


def test_nobody_is_rung_when_the_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()
    bell = source.Bell(loop)
    loop.close()
    bell.ring_from_a_thread()
    assert not bell._rung.is_set()


def test_a_kill_file_of_another_machine_is_missed_when_its_file_system_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = ["22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", f"40 22 0:30 / {tmp_path} rw - nfs4 host:/share rw\n"]
    monkeypatch.setattr(files, "_read", lambda path: "".join(mounts))
    distant = files.nearby(KillFile(str(tmp_path / "KILL")))
    assert isinstance(distant, source.Distant)
    distant.close()
    kill_file = files._OnItsMount(KillFile(str(tmp_path / "KILL")))
    assert isinstance(distant.inner, files._OnItsMount)
    assert kill_file.look(10.0).trouble == ""
    mounts.pop()
    assert "not mounted" in kill_file.look(20.0).trouble
    (tmp_path / "KILL").touch()
    assert kill_file.look(21.0).present


def test_a_file_system_that_hangs_from_the_first_look_on_keeps_nobody_from_looking_at_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of an armed guard; one that was not armed says so, and does not start."""
    goes_on, real = threading.Event(), os.lstat

    def hang(path: Path) -> os.stat_result:
        if str(tmp_path) in str(path):
            goes_on.wait(20)
        return real(path)

    monkeypatch.setattr(files, "PATIENCE", 0.05)
    monkeypatch.setattr(source, "PATIENCE", 0.05)
    monkeypatch.setattr(os, "lstat", hang)
    kill_file = KillFile(str(tmp_path / "KILL"))
    try:
        with pytest.raises(ConfigError, match="does not answer"):
            files.nearby(kill_file)
        resumed = files.nearby(kill_file, lenient=True)
        assert resumed.look(0).trouble == "no answer yet"
        (tmp_path / "KILL").touch()
        goes_on.set()
        for _ in range(2000):
            if not resumed.look(0).trouble:
                break
            threading.Event().wait(0.01)
        assert resumed.look(0).present
        resumed.close()
    finally:
        goes_on.set()
