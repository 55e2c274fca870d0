"""The real `cancelall guard`, with bots that beat, freeze and die, in front of the embedded exchange."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES
from faults.test_watching import BEATS, Bot
from guarding import DYING, NAME, PATIENCE, RealGuard, configure, environ, on_disk
from support import Ran, cancelall

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="what is hidden, full or counted is made Linux's way"),
    pytest.mark.timeout(300),
]

TIMEOUT = 0.6
LATE = 0.35
"""Seconds after the end of a timeout by which its word has to be read here: 0.2, and what two busy cores take."""
ORDERS = 6

Add = Callable[[Any], Any]


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory with a short name, since a socket's path has little room, and without digits: what looks like a key
    is not repeated in a message.
    """
    with tempfile.TemporaryDirectory(prefix="g-") as made:
        room = Path(tempfile.gettempdir()) / f"g-{''.join(random.choices(string.ascii_lowercase, k=8))}"
        Path(made).rename(room)
        try:
            yield room
        finally:
            room.rename(made)


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=ORDERS) as made:
        yield made


@pytest.fixture
def ends() -> Iterator[Add]:
    """Whatever it is given is ended at the end."""
    made: list[Any] = []

    def add(one: Any) -> Any:
        made.append(one)
        return one

    yield add
    for one in reversed(made):
        (one.kill if isinstance(one, RealGuard) else one.die)()


def armed(room: Path, server: SimServer, ends: Add, how: str = "touches", **table: object) -> tuple[RealGuard, Bot]:
    """A guard that is armed, and the bot that it watches."""
    if how != "sends":
        (room / "beat").write_text("")
    configure(room, {"bybit": server}, **table)
    bot = ends(Bot(room / "beat", how))
    guard = ends(RealGuard(room))
    guard.wait("armed")
    bot.beats()
    return guard, bot


def cancelled(server: SimServer, seconds: float = PATIENCE) -> bool:
    """Whether nothing rests any more in time."""
    return until(lambda: not server.open_orders(), seconds)


def until(done: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def place(server: SimServer, count: int = ORDERS) -> None:
    """Have limit orders rest again, and forget what was requested."""
    like = next(order for order in server.fake.closed_orders() if order.segment == "linear" and order.kind == "Order")
    for _ in range(count):
        server.fake.place_like(server.account, like, server.fake.server_now())
    server.fake.requests.clear()


def changes(server: SimServer) -> int:
    """How many requests have changed something, or wanted to."""
    return sum(request.changes for request in server.requests)


# --- beats, freezes, deaths ---


@pytest.mark.parametrize("how", BEATS)
def test_a_bot_that_beats_keeps_its_orders_and_one_that_dies_loses_them(
    how: str, room: Path, server: SimServer, ends: Add
) -> None:
    source = f"unix:{room}/beat" if how == "sends" else f"{room}/beat"
    guard, bot = armed(room, server, ends, how, heartbeat=[source])
    for _ in range(40):
        bot.beats()
    assert (guard.fired(), changes(server)) == ([], 0)
    died = bot.die()
    assert TIMEOUT - 0.15 <= guard.wait("firing") - died <= TIMEOUT + LATE
    guard.wait("holding", "latched")
    assert not server.open_orders()
    status = guard.stands()
    assert status.cause is not None
    assert (status.verdict, status.cause.words) == ("clear", f"no beat of {source} for 0.6 s")


@pytest.mark.parametrize(("frozen", "times"), [("guard", 17), ("bot", 17), ("both", 16)])
def test_freezes_fire_nothing_and_every_death_is_cancelled(
    frozen: str, times: int, room: Path, server: SimServer, ends: Add
) -> None:
    """The guard's freezes are longer than its timeout, and it is woken first; a bot alone freezes for a quarter of it.

    After each fourth one the bot dies, now and then while the guard is frozen.
    """
    timeout = 2 * TIMEOUT  # so that a busy machine is no death
    guard, bot = armed(room, server, ends, rearm="beat", timeout=timeout, grace=timeout)
    deaths = 0
    for number in range(1, times + 1):
        if frozen != "guard":
            bot.freeze()
        if frozen != "bot":
            guard.stop()
        time.sleep(TIMEOUT / 2 if frozen == "bot" else timeout + 0.3)
        meanwhile = frozen != "bot" and number % 8 == 0
        died = bot.die() if meanwhile else 0.0
        if frozen != "bot":
            guard.go_on()
            died = time.monotonic()
            time.sleep(0.1)
        if not meanwhile:
            if frozen != "guard":
                bot.thaw()
            for _ in range(3):
                bot.beats()
            assert (guard.fired(), changes(server)) == ([], 0)
        if number % 4 == 0:
            died = died if meanwhile else bot.die()
            deaths += 1
            assert guard.wait("firing") - died <= timeout + LATE
            guard.wait("holding", "latched")
            assert not server.open_orders()
            place(server)
            bot = ends(Bot(room / "beat"))
            guard.wait("armed")
    died = bot.die()
    assert guard.wait("firing") - died <= timeout + LATE
    guard.wait("holding", "latched")
    assert not server.open_orders()
    assert deaths == times // 4


# --- killed at each of its records ---


def killing(bot: Bot, room: Path) -> None:
    (room / "KILL").symlink_to("nowhere")


def dying(bot: Bot, room: Path) -> None:
    bot.die()


def nothing(bot: Bot, room: Path) -> None:
    if bot.process.poll() is None:
        bot.thaw()


RECORDS = [
    *(("checking", 1), ("waiting", 1), ("armed", 1), ("armed", 3)),  # the third: beats that are kept
    *(("firing", 1), ("holding", 1), ("latched", 1), ("disarmed", 1)),
]


@pytest.mark.parametrize("gap", [killing, dying, nothing])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("state", "number"), RECORDS)
def test_killed_at_a_record_it_sees_what_came_until_it_was_back(
    state: str, number: int, after: bool, gap: Callable[[Bot, Path], None], room: Path, server: SimServer, ends: Add
) -> None:
    """A kill file fires whatever it was doing. A death does where it was armed, or at work, as it is on the disk. Its
    own absence, longer than the timeout, does not.
    """
    (room / "beat").write_text("")
    bot = ends(Bot(room / "beat"))
    (room / "bot.pid").write_text(f"{bot.pid}\n")
    if state == "waiting":  # it beats too late for the first one
        bot.freeze()
    configure(room, {"bybit": server}, process=[str(room / "bot.pid")])
    first = ends(RealGuard(room, start=("-c", DYING.format(state=state, number=number, after=after))))
    if state in ("firing", "holding", "latched"):
        first.wait("armed")
        bot.die()
    elif state == "disarmed":
        first.wait("armed")
        first.command("disarm")
    assert first.ended() == -signal.SIGKILL, first.text
    kept = on_disk(room)
    assert (kept == state) or not after, "what is to take effect was not on the disk"
    if not server.open_orders():
        place(server)
    gap(bot, room)
    time.sleep(2 * TIMEOUT)
    second = ends(RealGuard(room))
    dead = bot.process.poll() is not None
    fires = gap is killing or kept in ("firing", "holding") or (dead and kept == "armed")
    if fires:
        second.wait("firing", "holding")
        assert not server.open_orders()
        status = second.stands()
        assert status.verdict == "clear"
        return
    expected = kept if kept in ("latched", "disarmed") else "waiting" if dead else "armed"
    assert until(lambda: (status := second.status()) is not None and status.state.value == expected), second.text
    time.sleep(TIMEOUT + LATE)
    assert (second.fired(), len(server.open_orders())) == ([], ORDERS)
    assert second.stands().state.value == expected


def test_its_own_absence_is_no_silence(room: Path, server: SimServer, ends: Add) -> None:
    """Nobody beats while it is away for longer than its timeout; a bot that beats again then is in time."""
    timeout = 2.0
    guard, bot = armed(room, server, ends, timeout=timeout, grace=timeout)
    bot.freeze()
    guard.kill()
    time.sleep(timeout + 0.5)
    second = ends(RealGuard(room))
    assert second.stands().state.value == "armed"
    time.sleep(0.2)
    bot.thaw()
    for _ in range(60):
        bot.beats()
    assert (second.fired(), changes(server)) == ([], 0)
    died = bot.die()
    assert second.wait("firing") - died <= timeout + LATE


# --- what becomes of the heartbeat ---


SPOILT: dict[str, Callable[[Path], object]] = {
    "its directory is removed": lambda beat: (beat.unlink(), beat.parent.rmdir()),
    "it becomes a looping link": lambda beat: (beat.unlink(), beat.symlink_to(beat)),
    "its directory becomes a file": lambda beat: (beat.unlink(), beat.parent.rmdir(), beat.parent.write_text("")),
}
LINKS = "os.utime(path, follow_symlinks=False) if not os.path.isdir(path) else None"


@pytest.mark.parametrize("how", SPOILT)
def test_a_heartbeat_that_cannot_come_any_more_fires_and_alarms(
    how: str, room: Path, server: SimServer, ends: Add
) -> None:
    beat = room / "bot" / "beat"
    beat.parent.mkdir()
    beat.write_text("")
    configure(room, {"bybit": server}, heartbeat=[str(beat)])
    bot = ends(Bot(beat, LINKS))
    guard = ends(RealGuard(room))
    guard.wait("armed")
    bot.beats()
    spoilt = time.monotonic()
    SPOILT[how](beat)
    assert TIMEOUT - 0.15 <= guard.wait("firing") - spoilt <= TIMEOUT + LATE + 0.1
    guard.wait("holding", "latched")
    assert not server.open_orders()
    if how != "its directory is removed":  # that may be an uninstalled bot's: it is silence, no trouble
        assert any(str(beat) in words for words in guard.stands().degraded)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's guard")
def test_a_heartbeat_that_it_may_not_see_any_more_fires(room: Path, server: SimServer, ends: Add) -> None:
    """chmod 000 on its directory, for a guard whose user is nobody; the bot goes on."""
    beat = room / "bot" / "beat"
    beat.parent.mkdir()
    beat.write_text("")
    config = configure(room, {"bybit": server}, heartbeat=[str(beat)])
    environ(room)
    for one in (room, room / "run", config):
        os.chown(one, 65534, 65534)
    bot = ends(Bot(beat))
    guard = ends(RealGuard(room, before=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")))
    guard.wait("armed")
    hidden = time.monotonic()
    beat.parent.chmod(0)
    assert guard.wait("firing") - hidden <= TIMEOUT + LATE + 0.1
    guard.wait("holding", "latched")
    bot.beats()
    status = guard.stands()
    assert not server.open_orders()
    assert status.cause is not None
    assert status.cause.words == f"no beat of {beat} for 0.6 s: Permission denied"
    assert guard.command("status").code in (4, 12)
    beat.parent.chmod(0o755)


def test_a_full_disk_keeps_neither_beats_nor_a_kill_from_it(room: Path, server: SimServer, ends: Add) -> None:
    """What it knows cannot be written down there either: it says so, and fires all the same."""
    full = room / "full"
    full.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(full)], check=False, stderr=-3
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (full / "run").mkdir(mode=0o700)
        (room / "run").symlink_to(full / "run")
        (full / "beat").write_text("")
        with pytest.raises(OSError, match="No space left"):
            (full / "rest").write_bytes(bytes(1 << 20))
        configure(room, {"bybit": server}, heartbeat=[str(full / "beat")], kill_file=[str(full / "KILL")])
        bot = ends(Bot(full / "beat", "open(path, 'w').write('x' * 5000)"))
        guard = ends(RealGuard(room))
        guard.wait("armed")
        for _ in range(40):
            bot.beats()
        assert guard.fired() == []
        assert any("its state cannot be kept" in words for words in guard.stands().degraded)
        assert guard.command("status").code in (4, 12)
        bot.die()
        guard.wait("firing", "holding", "latched")
        assert not server.open_orders()
        place(server)
        (full / "KILL").symlink_to("nowhere")
        guard.wait("firing", "holding")
        assert not server.open_orders()
        guard.kill()
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)


# --- kill files, commands, names ---


def test_while_a_kill_file_is_there_the_account_is_kept_clear(room: Path, server: SimServer, ends: Add) -> None:
    guard, bot = armed(room, server, ends)
    made = time.monotonic()
    killing(bot, room)
    assert guard.wait("firing") - made <= LATE
    guard.wait("holding")
    for _ in range(3):
        place(server, 1)
        assert cancelled(server)
    assert (room / "KILL").is_symlink(), "it is not the guard's to remove"
    assert guard.command("disarm").code == 2
    (room / "KILL").unlink()
    guard.wait("latched")
    assert guard.command("status").code == 5
    bot.beats()
    assert guard.command("arm").code == 0
    guard.wait("armed")


def test_the_commands_of_a_guard(room: Path, server: SimServer, ends: Add) -> None:
    guard, bot = armed(room, server, ends, grace=30)
    assert guard.command("status").code == 0
    shown = guard.command("status", "--json")
    assert (shown.code, shown.line["state"], shown.line["pid"]) == (0, "armed", guard.pid)
    assert guard.command("disarm").code == 0
    assert guard.command("status").code == 5
    bot.freeze()
    time.sleep(2 * TIMEOUT)
    assert (guard.fired(), changes(server)) == ([], 0)
    bot.thaw()
    bot.beats()
    assert guard.command("arm").code == 0
    drill = guard.command("drill")
    assert (drill.code, changes(server)) == (0, 0), drill
    fired = guard.command("fire", "--reason", "fat finger")
    assert (fired.code, fired.err) == (0, f"cancelall: guard {NAME} fires\n")
    assert not server.open_orders()
    guard.wait("firing", "holding", "latched")
    assert "guard fire: " in guard.text
    assert "fat finger" in guard.text
    assert guard.command("status").code == 5
    guard.process.terminate()
    assert guard.ended() == 143
    assert [guard.command(verb).code for verb in ("status", "arm", "disarm", "fire", "drill")] == [3] * 5
    assert not [value for value in server.credentials.values() if value in guard.text + json.dumps(guard.said)]


def test_a_second_guard_of_the_name_ends_at_once_and_the_first_stands_on(
    room: Path, server: SimServer, ends: Add
) -> None:
    guard, bot = armed(room, server, ends)
    second = guard.command("--name", NAME, "--config", str(room / "config.toml"))
    assert second.code == 6
    assert second.err == f"cancelall: a guard called {NAME} is running - see: cancelall guard status --name {NAME}\n"
    for _ in range(20):
        bot.beats()
    assert (guard.fired(), changes(server)) == ([], 0)
    assert guard.command("status").code == 0, "the sockets of the first one are still its own"
    bot.die()
    guard.wait("firing", "holding", "latched")
    assert not server.open_orders()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_it_cancels_nothing_unless_it_is_to(
    number: signal.Signals, code: int, room: Path, server: SimServer, ends: Add
) -> None:
    guard, _ = armed(room, server, ends)
    guard.process.send_signal(number)
    assert (guard.ended(), changes(server)) == (code, 0)
    configure(room, {"bybit": server}, on_stop="fire")
    again = ends(RealGuard(room))
    again.stands()
    assert until(lambda: (status := again.status()) is not None and status.state.value == "armed")
    again.process.send_signal(number)
    assert (again.ended(), server.open_orders()) == (0, [])


@pytest.mark.parametrize("how", ["signal", "once"])
def test_a_signal_fires_it_and_once_ends_with_the_code_of_the_kill(
    how: str, room: Path, server: SimServer, ends: Add
) -> None:
    (room / "beat").write_text("")
    configure(room, {"bybit": server})
    guard = ends(RealGuard(room, *(["--once"] if how == "once" else [])))
    guard.wait("waiting")
    guard.process.send_signal(signal.SIGUSR1)
    guard.wait("firing", "holding")
    if how == "once":
        assert guard.ended() == 0
    assert not server.open_orders()


# --- what cannot stand ---


@pytest.fixture
def taken(room: Path, server: SimServer) -> Iterator[int]:
    """A port, and a socket `taken`, that somebody listens on."""
    with ExitStack() as stack:
        port = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        other = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        other.bind(str(room / "taken"))
        yield port.getsockname()[1]


BAD: list[tuple[str, dict[str, object], int, str]] = [
    ("missing directory", {"heartbeat": ["{room}/nowhere/beat"]}, 6, "nowhere"),
    ("heartbeat below a file", {"heartbeat": ["{room}/config.toml/beat"]}, 6, "config.toml/beat"),
    ("missing socket directory", {"heartbeat": ["unix:{room}/nowhere/beat"]}, 6, "nowhere"),
    ("taken socket", {"heartbeat": ["unix:{room}/taken"]}, 6, "taken"),
    ("taken port", {"heartbeat": ["http:127.0.0.1:{port}"]}, 6, "{port}"),
    ("port of the network", {"heartbeat": ["http:0.0.0.0:8737"]}, 6, "only this machine"),
    ("relative heartbeat", {"heartbeat": ["beat"], "kill_file": ["KILL"]}, 6, "absolute"),
    ("unknown unit", {"process": ["no-such-bot.service"]}, 6, "no-such-bot.service"),
    ("unknown pid", {"process": ["2147483646"]}, 6, "2147483646"),
    ("missing directory of a kill file", {"kill_file": ["{room}/nowhere/KILL"]}, 6, "nowhere"),
    ("kill file that is the heartbeat", {"kill_file": ["{room}/beat"]}, 6, "fire at once"),
    ("no timeout", {"timeout": 0}, 6, "timeout must be"),
    ("timeout that is none", {"timeout": "soon"}, 6, "timeout"),
    ("unknown key", {"timout": 5}, 6, 'did you mean "timeout"'),
    ("signal that cannot fire", {"signals": ["KILL"]}, 6, "KILL"),
    ("confirmed by nothing", {"confirm": ["process"]}, 6, "silence would never fire"),
    ("switch without beats", {"heartbeat": [], "process": ["1"], "venue_switch": "arm"}, 6, ""),
    ("probe with a password", {"probe": "http://u:hunter2@127.0.0.1/"}, 6, "sends no secret"),
    ("unknown profile", {"profiles": ["bybti"]}, 6, "bybti"),
    ("metrics for the network", {"metrics": "http:0.0.0.0:9"}, 6, "only this machine"),
    ("metrics on a taken port", {"metrics": "http:127.0.0.1:{port}"}, 6, "{port}"),
]


def filled(value: object, **words: object) -> Any:
    """The same with these words in their places."""
    if isinstance(value, list):
        return [filled(one, **words) for one in value]
    return value.format(**words) if isinstance(value, str) else value


def nothing_stands(room: Path, server: SimServer, ran: Ran, code: int, words: str) -> None:
    """One line, the right code, and nothing that looks like a guard."""
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
    assert ran.err.startswith("cancelall: ")
    assert words in ran.err
    assert "hunter2" not in ran.err
    assert (changes(server), len(server.open_orders())) == (0, ORDERS)
    asked = cancelall("guard", "status", "--name", NAME, home=room, env=environ(room))
    assert asked.code == 3, asked
    assert on_disk(room) != "armed"


@pytest.mark.parametrize(("table", "code", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_cannot_stand_says_so_in_one_line(
    table: dict[str, object], code: int, words: str, room: Path, server: SimServer, taken: int
) -> None:
    (room / "beat").write_text("")
    more = {key: filled(value, room=room, port=taken) for key, value in table.items()}
    path = configure(room, {"bybit": server}, **more)
    ran = cancelall("guard", "--config", str(path), home=room, env=environ(room))
    nothing_stands(room, server, ran, code, words.format(port=taken))


LINES = [
    (["nobody"], 6, "nobody"),
    (["--name", "other"], 6, "other"),
    (["--timeout", "0"], 2, "--timeout"),
    (["--heartbeat", "x"], 2, "absolute"),
    (["--kill-file", "x"], 2, "absolute"),
    (["--confirm", "process"], 2, "--confirm"),
    (["--venue-switch", "on"], 2, "venue-switch"),
    (["--probe", "gopher://x"], 2, "probe"),
    (["--hold", "-1"], 2, "--hold"),
    (["--key", "hunter2"], 2, "--key"),
]


@pytest.mark.parametrize(("line", "code", "words"), LINES, ids=[" ".join(line) for line, _, _ in LINES])
def test_a_line_that_cannot_stand_says_so(
    line: list[str], code: int, words: str, room: Path, server: SimServer
) -> None:
    (room / "beat").write_text("")
    path = configure(room, {"bybit": server})
    ran = cancelall("guard", *line, "--config", str(path), home=room, env=environ(room))
    nothing_stands(room, server, ran, code, words)


NO_KEYS: dict[str, tuple[Callable[[str], str], int, str]] = {
    "no profile": (lambda text: re.sub(r"\[profiles.*?(?=\[guard)", "", text, flags=re.S), 6, "no profile"),
    "no secret": (lambda text: re.sub(r"\[profiles.bybit.credentials\]\n(\w+ = .*\n)+", "", text), 6, "bybit"),
    "no venue of that name": (lambda text: text.replace('venue = "bybit"', 'venue = "bybti"'), 6, "bybti"),
    "no TOML": (lambda text: text + "[guard", 6, "config.toml"),
    "two profiles of a name": (lambda text: text + '[profiles.bybit]\nvenue = "bybit"\n', 6, "config.toml"),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_without_what_a_kill_needs_none_stands(what: str, room: Path, server: SimServer) -> None:
    change, code, words = NO_KEYS[what]
    (room / "beat").write_text("")
    path = configure(room, {"bybit": server})
    before = path.read_text(encoding="utf-8")
    path.write_text(change(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    ran = cancelall("guard", "--config", str(path), home=room, env=environ(room), seconds=20)
    nothing_stands(room, server, ran, code, words)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start another user's guard")
@pytest.mark.parametrize("what", ["heartbeat", "kill file"])
def test_what_its_user_may_not_see_is_no_start(what: str, room: Path, server: SimServer, ends: Add) -> None:
    hidden = room / "hidden"
    hidden.mkdir(mode=0o700)
    (room / "beat").write_text("")
    table = {"heartbeat": [f"{hidden}/beat"]} if what == "heartbeat" else {"kill_file": [f"{hidden}/KILL"]}
    path = configure(room, {"bybit": server}, **table)
    environ(room)
    for one in (room, room / "run", path):
        os.chown(one, 65534, 65534)
    before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    guard = ends(RealGuard(room, before=before))
    ran = Ran(code=guard.ended(), out="", err=guard.text)
    nothing_stands(room, server, ran, 6, "hidden")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_place_that_can_keep_nothing_is_no_start(room: Path, server: SimServer) -> None:
    """Neither a lock nor a socket could be made: it could not be the only one, nor be spoken to."""
    (room / "beat").write_text("")
    path = configure(room, {"bybit": server})
    (room / "file").write_text("")
    env = {"RUNTIME_DIRECTORY": str(room / "file" / "run")}
    ran = cancelall("guard", "--config", str(path), home=room, env=env)
    nothing_stands(room, server, ran, 6, "the guard can keep nothing in")


# --- what it costs ---


def test_ten_venues_warm_cost_little(room: Path, ends: Add) -> None:
    """At most 80 MB, one per cent of a core, and 0.2 public requests a second and connection."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(simulator.start(name, orders=ORDERS)) for name in VENUES}
        (room / "beat").write_text("")
        configure(room, servers, timeout=30)
        bot = ends(Bot(room / "beat", "os.utime(path); time.sleep(0.95)"))
        guard = ends(RealGuard(room))
        guard.wait("armed", seconds=60)
        status = guard.stands()
        assert len(status.profiles) == len(VENUES) == 10
        assert status.degraded == ()
        time.sleep(5.0)
        for server in servers.values():
            server.fake.requests.clear()
        hosts = [host for profile in guard.stands().profiles for host in profile.hosts]
        connections = sum(host.connections for host in hosts)
        assert connections >= len(VENUES)
        began, cpu = time.monotonic(), cpu_seconds(guard.pid)
        time.sleep(25.0)
        share = (cpu_seconds(guard.pid) - cpu) / (time.monotonic() - began)
        requests = [request for server in servers.values() for request in server.requests]
        rate = len(requests) / (time.monotonic() - began) / connections
        memory = memory_mb(guard.pid)
        sys.stdout.write(f"{memory:.1f} MB, {share:.2%} of a core, {rate:.3f}/s and connection of {connections}\n")
        assert requests, "nothing keeps its connections warm"
        assert not [request for request in requests if request.changes]
        assert rate <= 0.2
        assert memory <= 80
        assert share <= 0.01
        bot.die()
        killing(bot, room)
        guard.wait("firing", "holding", seconds=60)
        assert not [order for server in servers.values() for order in server.open_orders()]


def memory_mb(pid: int) -> float:
    """Resident memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """What a process has used of processors."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
