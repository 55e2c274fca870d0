"""The units of a guard on a systemd of their own: ready, pinged, killed, started again, and told what is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
import tomli_w

from cancelall import simulator
from cancelall.guard import control
from cancelall.guard.control import NoGuard
from cancelall.guard.model import GuardState
from cancelall.simulator import SimServer
from desk import machine
from desk.machine import Machine
from support import paths

pytestmark = pytest.mark.faults

UNIT = "cancelall-guard@mm"
WATCHDOG = 2
"""Seconds without a word of its loop after which it is killed."""
ARMED_AGAIN = 3.0
"""Seconds after which one that was killed is armed again, while the machine is busy; alone it takes less than one."""
BEATS = """\
[Service]
ExecStart=/bin/sh -c 'while sleep 0.2; do cancelall beat --name mm; done'
"""
"""A bot that lives."""


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if why := machine.missing():
        pytest.skip(why)
    with machine.booted(tmp_path_factory.mktemp("guarded")) as running:
        (running.room / "units" / "bot.service").write_text(BEATS, encoding="utf-8")
        drop_in = running.room / "units" / f"{UNIT}.service.d" / "quick.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(f"[Service]\nWatchdogSec={WATCHDOG}\n", encoding="utf-8")
        assert running.run("systemctl", "daemon-reload").returncode == 0
        yield running


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=6) as one:
        yield one


def configure(box: Machine, server: SimServer, **keys: object) -> None:
    """Give the machine a profile with its keys, and a guard."""
    table = {"heartbeat": ["beat"], "timeout": 4, "grace": 4, "hold": 0, **keys}
    profile = {"venue": "bybit", "base_url": server.origin, "credentials": dict(server.credentials)}
    path = box.room / "etc" / "config.toml"
    path.write_text(tomli_w.dumps({"profiles": {"bybit": profile}, "guard": {"mm": table}}), encoding="utf-8")
    path.chmod(0o600)


@pytest.fixture
def guarded(boxed: Machine, server: SimServer) -> Iterator[Machine]:
    """A guard that is armed, since a bot beats."""
    configure(boxed, server)
    assert boxed.run("systemctl", "start", f"{UNIT}.socket").returncode == 0
    boxed.run("systemctl", "start", "bot")
    assert boxed.run("systemctl", "start", UNIT).returncode == 0, boxed.journal(UNIT)
    assert until(lambda: state(boxed) == ("armed", 0)), boxed.journal(UNIT)
    yield boxed
    boxed.run("systemctl", "stop", "bot", UNIT, f"{UNIT}.socket")
    boxed.run("systemctl", "reset-failed", UNIT, f"{UNIT}.socket")
    boxed.run("sh", "-c", "rm -rf /run/cancelall-guard/guard-mm*")


def state(box: Machine) -> tuple[str | None, int]:
    """How the guard stands, as root is told, and the exit code."""
    done = box.run("cancelall", "guard", "status", "--name", "mm", "--json")
    return (json.loads(done.stdout)["state"] if done.stdout else None), done.returncode


def until(done: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def pid_of(box: Machine) -> str:
    return box.run("systemctl", "show", UNIT, "-p", "MainPID", "--value").stdout.strip()


def test_it_is_ready_beaten_and_stopped_without_cancelling(guarded: Machine, server: SimServer) -> None:
    assert guarded.properties(UNIT)["ActiveState"] == "active"
    shown = guarded.run("systemctl", "show", UNIT, "-p", "StatusText,MemorySwapMax,OOMScoreAdjust").stdout
    assert "StatusText=armed\n" in shown
    kept = guarded.run("stat", "-L", "-c", "%a", "/run/cancelall-guard").stdout.strip()
    assert kept == "700"
    stranger = ("setpriv", "--reuid=65534", "--clear-groups", "cancelall", "guard", "status", "--name", "mm")
    assert guarded.run(*stranger, environ={"HOME": "/nonexistent"}).returncode == 3
    assert guarded.run("systemctl", "stop", f"{UNIT}.socket", UNIT).returncode == 0
    assert (guarded.properties(UNIT)["Result"], len(server.open_orders())) == ("success", 6)
    assert state(guarded) == (None, 3)
    assert not [value for value in server.credentials.values() if value in guarded.journal(UNIT)]


def test_one_that_was_stopped_is_started_by_the_next_beat_and_goes_on(guarded: Machine, server: SimServer) -> None:
    before = pid_of(guarded)
    assert guarded.run("systemctl", "stop", UNIT).returncode == 0
    assert until(lambda: pid_of(guarded) not in ("0", before) and state(guarded) == ("armed", 0)), guarded.journal(UNIT)
    assert len(server.open_orders()) == 6


def test_a_bot_that_falls_silent_is_cancelled_and_the_guard_stands_by(guarded: Machine, server: SimServer) -> None:
    guarded.run("systemctl", "kill", "-s", "KILL", "bot")
    assert until(lambda: not server.open_orders()), guarded.journal(UNIT)
    assert until(lambda: state(guarded) == ("latched", 5)), state(guarded)
    assert "guard mm: FIRES: no beat of cancelall beat for 4 s" in guarded.journal(UNIT)


def test_one_that_is_killed_is_armed_again_and_does_not_fire(guarded: Machine, server: SimServer) -> None:
    """It neither fires because of its own absence nor forgets that it was armed."""
    killed = pid_of(guarded)
    guarded.run("kill", "-KILL", killed)
    began = time.monotonic()
    assert until(lambda: armed_anew(guarded, killed)), guarded.journal(UNIT)
    assert time.monotonic() - began < ARMED_AGAIN
    time.sleep(1.0)
    assert (state(guarded), len(server.open_orders())) == (("armed", 0), 6)


def armed_anew(box: Machine, before: str) -> bool:
    """Whether another process than that one says that it is armed, over the socket as it is seen from outside."""
    place = f"/proc/{box.pid}/root/run/private/cancelall-guard"
    try:
        status = control.status_of({"RUNTIME_DIRECTORY": place}, "mm")
    except NoGuard:
        return False
    return str(status.pid) != before and status.state is GuardState.ARMED


def test_one_that_hangs_is_killed_and_acts_on_what_was_sent_meanwhile(guarded: Machine, server: SimServer) -> None:
    before = pid_of(guarded)
    guarded.run("kill", "-STOP", before)
    began = time.monotonic()
    send = "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'', '/run/cancelall/guard-mm.fire')"
    sent = guarded.run("python3", "-c", send)
    assert sent.returncode == 0, sent.stderr
    assert until(lambda: pid_of(guarded) not in ("0", before)), guarded.journal(UNIT)
    assert until(lambda: not server.open_orders()), guarded.journal(UNIT)
    assert time.monotonic() - began < WATCHDOG + ARMED_AGAIN
    assert guarded.properties(UNIT)["NRestarts"] == "1"
    assert "guard mm: FIRES: guard fire" in guarded.journal(UNIT)


def test_one_that_hangs_is_armed_again_and_does_not_fire(guarded: Machine, server: SimServer) -> None:
    before = pid_of(guarded)
    guarded.run("kill", "-STOP", before)
    began = time.monotonic()
    assert until(lambda: armed_anew(guarded, before)), guarded.journal(UNIT)
    assert time.monotonic() - began < WATCHDOG + ARMED_AGAIN
    assert guarded.properties(UNIT)["ActiveState"] == "active"
    time.sleep(1.0)
    assert (state(guarded), len(server.open_orders())) == (("armed", 0), 6)


def test_a_config_that_cannot_be_used_cancels_nothing_and_is_a_failed_unit(guarded: Machine, server: SimServer) -> None:
    configure(guarded, server, timeout=0)
    assert guarded.run("systemctl", "restart", UNIT).returncode != 0

    def failed() -> bool:
        shown = guarded.properties(UNIT)
        socket = guarded.properties(f"{UNIT}.socket")
        return (shown["ActiveState"], shown["ExecMainStatus"], socket["ActiveState"]) == ("failed", "6", "failed")

    assert until(failed), guarded.journal(UNIT)  # although a bot goes on beating
    assert "timeout must be from 0.5 to 86400" in guarded.journal(UNIT)
    assert len(server.open_orders()) == 6


def test_one_that_could_not_fire_is_not_ready_and_keeps_its_triggers(boxed: Machine, server: SimServer) -> None:
    """Whatever waits for it does not start, and it tries all the same when it has to."""
    configure(boxed, server, kill_file=["/run/KILL"])
    server.set_faults(["key"])
    try:
        boxed.run("systemctl", "start", "--no-block", UNIT)
        assert until(lambda: state(boxed)[1] == 4), boxed.journal(UNIT)
        assert boxed.properties(UNIT)["ActiveState"] == "activating"
        boxed.run("touch", "/run/KILL")
        assert until(lambda: state(boxed)[0] == "firing"), boxed.journal(UNIT)
        assert [one for one in paths(server) if one.startswith("POST ")]
    finally:
        boxed.run("rm", "-f", "/run/KILL")
        boxed.run("systemctl", "stop", UNIT)
