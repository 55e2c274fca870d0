"""Units by their control groups: in both versions, mixed, restarted, of a user, unknown."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall.core.errors import ConfigError
from cancelall.guard.triggers import units
from cancelall.guard.triggers.units import Unit, is_unit
from cancelall.guard.watch import GuardWatch
from support import on_a_loop

NAME = "bot.service"


class Machine:
    """A file system with control groups, as systemd makes them."""

    def __init__(self, root: Path, version: str = "second") -> None:
        self.root = root
        self.top = root / "sys/fs/cgroup" / {"second": "", "mixed": "unified", "first": "systemd"}[version]
        self.top.mkdir(parents=True)
        self.second = version != "first"
        (self.top / ("cgroup.controllers" if self.second else "cgroup.procs")).write_text("")
        (root / "run/systemd/units").mkdir(parents=True)
        self.starts = 0

    def start(self, place: str = "system.slice", *, keep: bool = False) -> Path:
        """Start the unit; `keep` has it keep the group that it had."""
        group = self.top / place / NAME
        if group.exists() and not keep:
            shutil.rmtree(group)
        group.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        link = self.root / f"run/systemd/units/invocation:{NAME}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{self.starts:032x}")
        self.populate(group, True)
        return group

    def populate(self, group: Path, lives: bool) -> None:
        if self.second:
            (group / "cgroup.events").write_text(f"populated {int(lives)}\nfrozen 0\n")
        else:
            (group / "cgroup.procs").write_text("1234\n" if lives else "")

    def unit(self, name: str = NAME, **environ: str) -> Unit:
        return Unit(name, environ, self.root)


@pytest.fixture(params=["second", "mixed", "first"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


@pytest.mark.parametrize("place", ["system.slice", "system.slice/system-bot.slice", "trading.slice"])
def test_a_unit_lives_while_a_process_is_in_its_group(place: str, machine: Machine) -> None:
    group = machine.start(place)
    unit = machine.unit()
    unit.expect()
    shown = unit.look(0)
    assert (shown.present, shown.trouble, shown.source, shown.trigger) == (True, "", NAME, "process")
    assert shown.key
    machine.populate(group, False)
    assert (unit.look(1).present, unit.look(1).key) == (False, shown.key)
    machine.populate(group, True)
    assert unit.look(2) == shown
    shutil.rmtree(group)
    assert (unit.look(3).present, unit.look(3).key, unit.look(3).trouble) == (False, shown.key, "")


@pytest.mark.parametrize("keep", [False, True])
def test_another_start_is_another_key(keep: bool, machine: Machine) -> None:
    machine.start()
    unit = machine.unit()
    first = unit.look(0)
    machine.start(keep=keep)
    second = unit.look(0.1)
    assert second.present
    assert second.key != first.key
    assert machine.unit().look(0).key == second.key  # for the next guard, too


def test_a_start_whose_number_is_out_of_sight_for_a_while_is_the_same(machine: Machine) -> None:
    machine.start()
    unit = machine.unit()
    first = unit.look(0)
    (machine.root / f"run/systemd/units/invocation:{NAME}").unlink()
    assert unit.look(1) == first


def test_a_start_whose_number_was_never_seen_is_the_same_once_it_is(machine: Machine) -> None:
    machine.start()
    link = machine.root / f"run/systemd/units/invocation:{NAME}"
    link.rename(link.with_name("away"))
    unit = machine.unit()
    first = unit.look(0)
    link.with_name("away").rename(link)
    assert unit.look(1) == first
    machine.start(keep=True)
    assert unit.look(2).key != first.key


def test_a_process_in_a_group_below_counts(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "first")
    group = machine.start()
    (group / "payload").mkdir()
    (group / "payload/cgroup.procs").write_text("77\n")
    machine.populate(group, False)
    assert machine.unit().look(0).present


def test_a_unit_of_the_machine_comes_before_one_of_a_user(machine: Machine) -> None:
    user = f"user.slice/user-{os.getuid()}.slice/user@{os.getuid()}.service/trading.slice"
    group = machine.start(user)
    unit = machine.unit()
    assert unit.look(0).present
    machine.populate(group, False)
    assert not unit.look(1).present
    machine.start("trading.slice")
    assert machine.unit().look(0).present


def test_the_number_of_a_users_unit_is_where_his_systemd_keeps_it(machine: Machine) -> None:
    runtime = machine.root / "run/user/7"
    (runtime / "systemd/units").mkdir(parents=True)
    (runtime / f"systemd/units/invocation:{NAME}").symlink_to("feed")
    machine.start("user.slice/user-7.slice/user@7.service/app.slice")
    assert machine.unit(XDG_RUNTIME_DIR="/run/user/7").look(0).key.endswith(":feed")


def test_a_unit_that_starts_later_is_looked_for(machine: Machine) -> None:
    (machine.root / "etc/systemd/system").mkdir(parents=True)
    (machine.root / "etc/systemd/system" / NAME).write_text("")
    unit = machine.unit()
    unit.expect()
    assert (unit.look(0).key, unit.look(0).present) == ("", False)
    machine.start("very/deep/trading.slice")
    for step in range(1, 25):
        unit.look(step / 10)
    assert unit._search is not None
    unit._search.join(20)
    assert unit.look(3).present


@pytest.mark.parametrize("where", ["usr/lib/systemd/system", "run/systemd/transient", "home/me/.config/systemd/user"])
def test_a_unit_that_does_not_run_is_known_by_its_file(where: str, machine: Machine) -> None:
    with pytest.raises(ConfigError, match="there is no unit bot"):
        machine.unit(HOME="/home/me").expect()
    (machine.root / where).mkdir(parents=True)
    (machine.root / where / NAME).symlink_to("/dev/null")
    machine.unit(HOME="/home/me").expect()


def test_an_instance_is_known_by_its_template(machine: Machine) -> None:
    place = machine.root / "etc/systemd/system"
    place.mkdir(parents=True)
    (place / "bot@.service").write_text("")
    machine.unit("bot@mm-1.service").expect()


def test_without_control_groups_a_unit_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no control groups here"):
        Unit(NAME, {}, tmp_path).expect()


@pytest.mark.parametrize(
    "name", ["bot", "a b.service", "bot@.service", ".service", f"{'x' * 250}.service", "b\n.service"]
)
def test_what_is_no_name_of_a_unit(name: str, machine: Machine) -> None:
    with pytest.raises(ConfigError) as caught:
        machine.unit(name)
    assert "\n" not in caught.value.line


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bot.service", True), ("x.scope", True), ("/run/bot.service", False), ("bot.pid", False), ("12", False)],
)
def test_a_unit_is_known_by_how_its_name_ends(name: str, expected: bool) -> None:
    assert is_unit(name) is expected


def test_odd_words_are_a_trouble(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    group = machine.start()
    unit = machine.unit()
    first = unit.look(0)
    for text in ("", "frozen 0\n", "populated"):
        (group / "cgroup.events").write_text(text)
        shown = unit.look(1)
        assert (shown.key, shown.present, bool(shown.trouble)) == (first.key, False, True)


@pytest.mark.parametrize(("number", "trouble"), [(errno.ENODEV, False), (errno.EIO, True)])
def test_a_group_that_is_removed_while_it_is_read_is_gone(
    number: int, trouble: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path)
    machine.start()
    unit = machine.unit()

    def fail(path: Path) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(units.Path, "read_bytes", fail)
    assert (unit.look(1).present, bool(unit.look(1).trouble)) == (False, trouble)


# --- the kernel's own ---


@pytest.fixture
def group() -> Iterator[Path]:
    """A real control group of the second version."""
    for top in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (top / "cgroup.controllers").exists():
            made = top / "cancelall-test.slice" / f"cancelall-test-{os.getpid()}.service"
            try:
                made.mkdir(parents=True)
            except OSError:
                break
            yield made
            made.rmdir()
            return
    pytest.skip("control groups cannot be made here")


def test_a_real_group_tells_when_its_last_process_ends(group: Path) -> None:
    unit = Unit(group.name, {})
    assert (unit.look(0).present, bool(unit.look(0).key)) == (False, True)
    with subprocess.Popen(["sleep", "100"]) as child:
        (group / "cgroup.procs").write_text(str(child.pid))
        assert unit.look(1).present
        child.kill()
    assert (unit.look(2).present, unit.look(2).trouble) == (False, "")


@on_a_loop
async def test_the_end_of_a_real_group_wakes_who_looks(group: Path) -> None:
    watch = GuardWatch(processes=[group.name], signals=[])
    child = subprocess.Popen(["sleep", "100"])
    try:
        (group / "cgroup.procs").write_text(str(child.pid))
        await watch.wake(0)
        assert watch.look(0).sights[0].present
        await watch.wake(0)  # that it began has rung, too
        began = time.monotonic()
        waiting = asyncio.ensure_future(watch.wake(30))
        child.kill()
        await waiting
        assert time.monotonic() - began < 20
        child.wait()
        assert not watch.look(1).sights[0].present
    finally:
        child.kill()
        child.wait()
        watch.close()
