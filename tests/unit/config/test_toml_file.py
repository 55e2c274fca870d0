"""The machine's config, for whoever has none of his own: when it is read, and that this is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.cli import kills
from cancelall.config import places, toml_file
from cancelall.core.errors import ConfigError
from support import ROOT, Ran, profile_table, write_config

READING = "as you have no config of your own"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the machine's config would be; it is not there yet."""
    path = tmp_path / "etc" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setattr(places, "MACHINE", str(path))
    return path


@pytest.fixture
def user(home: Path) -> Path:
    """Where the user's own config would be."""
    path = home / ".config" / "cancelall" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


_PROGRAM = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
from pathlib import Path
from cancelall.config import places
places.MACHINE = sys.argv.pop(1)
from cancelall.__main__ import run
run()
"""


def typed(machine: Path, home: Path, *words: str, given: str = "") -> Ran:
    """The real command of a user, on a machine whose config is at `machine`. `given` comes on its standard input."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(ROOT), str(machine), *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "COLUMNS": "200"},
        input=given,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def names(environ: dict[str, str], chosen: Path | None = None) -> list[str]:
    return list(toml_file.read(chosen, environ).tables)


def named(path: Path, name: str) -> Path:
    return write_config(path, {name: {"venue": "bybit"}})


def test_it_is_read_by_whoever_has_none_of_his_own_and_names_no_other(
    machine: Path, user: Path, home: Path, tmp_path: Path
) -> None:
    environ = {"HOME": str(home)}
    assert toml_file.read(None, environ) == toml_file.Document(path=None)
    named(machine, "of-the-machine")
    for without in (environ, {}, {"HOME": "/dev/null"}):
        document = toml_file.read(None, without)
        assert (list(document.tables), document.path, document.shared) == (["of-the-machine"], str(machine), True)
        assert document.notice == f"reading {machine}, {READING}"
    other = named(tmp_path / "other.toml", "other")
    assert names(environ, other) == names({**environ, "CANCELALL_CONFIG": str(other)}) == ["other"]
    with pytest.raises(ConfigError, match="does not exist"):
        toml_file.read(tmp_path / "none.toml", environ)
    with pytest.raises(ConfigError, match="does not exist"):
        toml_file.read(None, {**environ, "CANCELALL_CONFIG": str(tmp_path / "none.toml")})
    document = toml_file.read(named(user, "mine"), environ)
    assert (list(document.tables), document.shared, document.notice) == (["mine"], False, "")
    assert names(environ) == ["mine"]


def test_an_own_config_that_cannot_be_used_is_not_passed_over(machine: Path, user: Path, home: Path) -> None:
    named(machine, "of-the-machine")
    user.write_text("this is not TOML", encoding="utf-8")
    with pytest.raises(ConfigError, match="not valid TOML"):
        toml_file.read(None, {"HOME": str(home)})


def test_one_that_is_not_for_the_user_to_read_is_none_and_that_is_said(
    machine: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything: what a trader sees on a real machine is tried with the units."""
    named(machine, "of-the-machine")

    def kept_out(path: str) -> object:
        if path == str(machine):
            raise PermissionError(13, "Permission denied")
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(toml_file, "open_at_once", kept_out)
    document = toml_file.read(None, {"HOME": str(home)})
    assert (document.path, document.shared) == (None, False)
    assert document.notice == f"{machine} is not for you to read: nothing of it is used"
    with pytest.raises(ConfigError, match="is not for you to read"):
        kills.selected(document, [], [], [])


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_group_may_read_it_but_not_everybody(machine: Path, home: Path, mode: int, warned: bool) -> None:
    named(machine, "one").chmod(mode)
    assert toml_file.read(None, {"HOME": str(home)}).warnings == (
        (f"{machine} can be read by everybody: chmod o-r {machine}",) if warned else ()
    )


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_one_that_others_can_write_is_refused(machine: Path, home: Path, mode: int) -> None:
    named(machine, "one").chmod(mode)
    with pytest.raises(ConfigError, match="can be written by others"):
        toml_file.read(None, {"HOME": str(home)})


@pytest.mark.faults
def test_every_command_that_reads_it_says_so(machine: Path, home: Path) -> None:
    said = f"cancelall: reading {machine}, {READING}"
    with simulator.start("bybit", orders=5) as server:
        write_config(machine, {"desk": profile_table("bybit", server)})
        for words in (["orders"], ["check", "desk"], ["bybit"], ["all"], ["check", "--max-age", "1h"]):
            ran = typed(machine, home, *words)
            assert (ran.code, said in ran.err.splitlines(), "desk" in ran.out) == (0, True, True), words
        quiet = typed(machine, home, "all", "--quiet")
        assert (quiet.code, READING in quiet.err) == (0, False)
        (config,) = [
            one for one in typed(machine, home, "check", "--json").line["findings"] if one["check"] == "config"
        ]
        assert config["detail"] == f"{machine} (mode 600), the machine's, as you have none of your own"
    assert typed(machine, home, "config", "path").out == f"{machine}\n"
    shown = typed(machine, home, "config", "show")
    assert ("[profiles.desk]" in shown.out, said in shown.err) == (True, True)


def test_it_is_never_made_and_a_first_one_of_the_users_own_takes_its_place(
    machine: Path, user: Path, home: Path
) -> None:
    before = named(machine, "of-the-machine").read_bytes()
    begun = typed(machine, home, "config", "init")
    assert (begun.code, begun.out) == (0, f"{user}\n")
    assert f"WARNING: {machine} is not read by you any more, but this file in its place" in begun.err
    assert machine.read_bytes() == before
    machine.unlink()
    user.unlink()
    begun = typed(machine, home, "config", "init")
    assert (begun.code, "WARNING" in begun.err) == (0, False)
    assert (user.exists(), machine.exists()) == (True, False)


@pytest.mark.parametrize(
    "words",
    [
        ("config", "set", "mine", "venue", "bybit"),
        ("auth", "set", "mine", "--venue", "bybit", "--to", "config"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_whatever_begins_an_own_config_says_that_the_machines_is_not_read_any_more(
    words: tuple[str, ...], machine: Path, user: Path, home: Path
) -> None:
    named(machine, "of-the-machine")
    keys = "api_key=CANARYkey0123456789\napi_secret=CANARYsecret0123456789\n"
    begun = typed(machine, home, *words, given=keys)
    assert (begun.code, user.exists()) == (0, True), begun.err
    assert f"WARNING: {machine} is not read by you any more, but {user}" in begun.err
    again = typed(machine, home, *words, given=keys)
    assert (again.code, str(machine) in again.err) == (0, False)
