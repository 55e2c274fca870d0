"""The units of contrib/systemd: as systemd reads them, and on a systemd of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from cancelall import simulator
from cancelall.cli.watchdog import GRACE, KERNEL
from cancelall.core import declare
from cancelall.core.errors import ExitStatus
from cancelall.core.profile import DEFAULT_DEADLINE
from cancelall.guard import control
from cancelall.report import notify
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES, schema
from desk import machine
from desk.machine import UNITS, Machine
from support import ROOT, paths

PANIC_UNIT = ROOT / "contrib" / "shell" / "panic-unit"
needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def lines_of(name: str) -> list[str]:
    return [line for line in (UNITS / name).read_text(encoding="utf-8").splitlines() if line and line[0] not in "#;"]


def settings(name: str, *keys: str) -> list[str]:
    return [line for line in lines_of(name) if line.partition("=")[0] in keys]


# --- as they are written --------------------------------------------------------------------------------------------


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units, with a program that exists, and a bot for the drop-in to hang on to."""
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob("*.service"):
        text = path.read_text(encoding="utf-8").replace("/usr/local/bin/cancelall", sys.executable)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "trading-bot.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    drop_in = tmp_path / "trading-bot.service.d" / "cancelall.conf"
    # Both lines, also the one that is commented.
    text = re.sub(r"^#(ExecStopPost=)", r"\1", drop_in.read_text(encoding="utf-8"), flags=re.MULTILINE)
    drop_in.write_text(text.replace("/usr/local/bin/panic-unit", str(PANIC_UNIT)), encoding="utf-8")
    shutil.copy(UNITS / "guarded-bot.conf", tmp_path / "trading-bot.service.d")
    (tmp_path / "freqtrade.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    drop_in = tmp_path / "freqtrade.service.d" / "cancelall.conf"
    text = drop_in.read_text(encoding="utf-8")
    drop_in.write_text(text.replace("/usr/local/bin/panic-unit", str(PANIC_UNIT)), encoding="utf-8")
    for unit in ("cancelall@", "cancelall-check", "cancelall-guard@"):
        (tmp_path / f"{unit}.service.d").mkdir()
        shutil.copy(UNITS / "credentials.conf", tmp_path / f"{unit}.service.d")
    shutil.copy(UNITS / "retry.conf", tmp_path / "cancelall@.service.d")
    return tmp_path


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", "--man=no", *words],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{folder}:"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


BACKING_OFF = "RestartSteps|RestartMaxDelaySec"
"""What systemd knows since 254. An older one says so and ignores it."""


def version() -> int:
    shown = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, timeout=30, check=True)
    return int(re.search(r"systemd (\d+)", shown.stdout)[1])  # type: ignore[index]


@needs_analyze
@pytest.mark.parametrize(
    "unit",
    [
        *("cancelall@all.service", "cancelall@mm-2.service", "cancelall-check.timer", "trading-bot.service"),
        *("cancelall-guard@mm.service", "cancelall-guard@mm.socket", "freqtrade.service"),
    ],
)
def test_systemd_has_nothing_to_say_about_them(copies: Path, unit: str) -> None:
    checked = analyze(copies, "verify", unit)
    ours = [line for line in checked.stderr.splitlines() if re.search("cancelall|trading-bot|freqtrade", line)]
    ours = [line for line in ours if not (version() < 254 and re.search(f"Unknown key .*'({BACKING_OFF})'", line))]
    assert (checked.returncode, ours) == (0, [])


@needs_analyze
@pytest.mark.parametrize("unit", ["cancelall@.service", "cancelall-check.service", "cancelall-guard@.service"])
def test_they_are_exposed_to_little(copies: Path, unit: str) -> None:
    scored = analyze(copies, "security", "--offline=true", "--threshold=16", str(copies / unit))
    assert scored.returncode == 0, scored.stdout[-300:]
    assert re.search(r"Overall exposure level for \S+: 1\.\d OK", scored.stdout)


def test_what_is_checked_is_what_will_be_used() -> None:
    """Config, keys and confinement of the check are those of the kill."""
    own = ("ExecStart", "Description", "After", "TimeoutStartSec")
    kill = [line for line in lines_of("cancelall@.service") if line.partition("=")[0] not in own and ".%i." not in line]
    check = [line for line in lines_of("cancelall-check.service") if line.partition("=")[0] not in own]
    assert kill == check


def test_a_guard_is_confined_as_a_kill_is_but_for_what_it_has_to_see() -> None:
    """Config, keys and confinement are those of the kill; of other processes it sees that they live."""
    own = {
        *("Description", "After", "Wants", "Type", "NotifyAccess", "ExecStart", "TimeoutStartSec", "TimeoutStopSec"),
        *("WatchdogSec", "WatchdogSignal", "Restart", "RestartSec", "RestartPreventExitStatus", "SuccessExitStatus"),
        *("KillMode", "OOMScoreAdjust", "MemorySwapMax", "LimitMEMLOCK", "Nice", "CPUWeight", "RuntimeDirectory"),
        *("RuntimeDirectoryMode", "RuntimeDirectoryPreserve", "ProtectProc", "ProcSubset", "[Install]", "WantedBy"),
    }
    kill, guard = (
        [line for line in lines_of(name) if line.partition("=")[0] not in own and ".%i." not in line]
        for name in ("cancelall@.service", "cancelall-guard@.service")
    )
    assert kill == guard
    # The id of the boot stands in /proc/sys, and what tells one process of a number from the next in /proc/PID.
    assert settings("cancelall-guard@.service", "ProtectProc", "ProcSubset") == [
        "ProtectProc=default",
        "ProcSubset=all",
    ]


def test_a_guard_that_dies_is_there_again_and_one_that_cannot_start_is_told() -> None:
    name = "cancelall-guard@.service"
    (prevented,) = settings(name, "RestartPreventExitStatus")
    assert {int(one) for one in prevented.partition("=")[2].split()} == {
        *(ExitStatus.USAGE, ExitStatus.REFUSED, ExitStatus.UNCONFIGURED)
    }
    assert settings(name, "SuccessExitStatus") == [
        f"SuccessExitStatus={int(ExitStatus.TERMINATED)} {int(ExitStatus.INTERRUPTED)}"
    ]
    expected = {"Type=notify", "NotifyAccess=main", "WatchdogSec=10", "Restart=always", "RestartSec=100ms"}
    expected |= {"WatchdogSignal=SIGKILL"}
    expected |= {"StartLimitIntervalSec=0", "OOMScoreAdjust=-900", "MemorySwapMax=0", "RuntimeDirectoryPreserve=yes"}
    assert expected <= set(lines_of(name))
    assert not settings(name, "OnFailure", "ExecStopPost", "ExecStop")  # nothing is cancelled because it ends
    places = settings("cancelall-guard@.socket", "ListenDatagram")
    assert places == [f"ListenDatagram=/run/cancelall/guard-%i.{what}" for what in ("beat", "fire")]
    assert control.directories({})[:1] == (Path("/run") / settings(name, "RuntimeDirectory")[0].partition("=")[2],)


def test_a_bot_that_is_bound_to_a_guard_waits_for_it() -> None:
    unit = "cancelall-guard@mm.service"
    assert lines_of("guarded-bot.conf") == ["[Unit]", f"BindsTo={unit}", f"After={unit}"]


def test_the_keys_of_every_venue_are_loaded_and_none_stops_the_start() -> None:
    loaded = settings("cancelall@.service", "LoadCredentialEncrypted")
    fields = {field for name in VENUES for field in declare.secrets_of(schema(name).secrets)}
    pairs = [(name, field) for name in VENUES for field in declare.secrets_of(schema(name).secrets)]
    expected = {f"cancelall.%i.{field}" for field in fields} | {f"cancelall.{name}.{field}" for name, field in pairs}
    # A name with a path is a file that must exist; without one it may be missing.
    assert {line.partition("=")[2] for line in loaded} == expected


def test_a_kill_that_is_not_clear_is_a_failed_unit_and_no_start_is_refused() -> None:
    assert settings("cancelall@.service", "SuccessExitStatus", "Type", "StartLimitIntervalSec", "LimitCORE") == [
        "StartLimitIntervalSec=0",
        "Type=oneshot",
        "SuccessExitStatus=0",
        "LimitCORE=0",
    ]
    (timeout,) = settings("cancelall@.service", "TimeoutStartSec")
    assert int(timeout.partition("=")[2]) >= 45  # the deadline of 30 s, the start of the process and the last words
    assert not settings("cancelall@.service", "After")  # a kill waits for nothing


def test_the_drop_in_fires_again_whatever_may_rest_and_ever_more_slowly() -> None:
    """Nothing but a mistake in the command line ends it, and no limit of starts that would refuse one by hand."""
    shown = dict(line.split("=", 1) for line in lines_of("retry.conf") if "=" in line)
    assert shown.keys() == {"Restart", "RestartPreventExitStatus", "RestartSec", *BACKING_OFF.split("|")}
    assert (shown["Restart"], shown["RestartPreventExitStatus"]) == ("on-failure", str(int(ExitStatus.USAGE)))
    assert 10 <= int(shown["RestartSec"]) < int(shown["RestartMaxDelaySec"]) <= 600
    assert int(shown["RestartSteps"]) > 1


def test_systemd_waits_longer_than_a_run_that_hangs() -> None:
    """The watchdog ends it with what is known; systemd would kill it without a word."""
    for unit in ("cancelall@.service", "cancelall-check.service"):
        (timeout,) = settings(unit, "TimeoutStartSec")
        assert int(timeout.partition("=")[2]) > DEFAULT_DEADLINE + GRACE + KERNEL + notify.SECONDS


# --- on a machine ---------------------------------------------------------------------------------------------------


BOT = """\
[Service]
Type=notify
NotifyAccess=all
WatchdogSec=2
Restart=always
RestartSec=1
ExecStartPre=/bin/sh -c 'echo begun >> /run/bot; rm -f /run/crash'
ExecStart=/bin/sh -c 'systemd-notify --ready; while ! test -e /run/crash; do test -e /run/hang || systemd-notify WATCHDOG=1; sleep 0.2; done; exit 1'
"""  # noqa: E501
"""One that is always started again, tells systemd that it lives, and hangs or crashes when it should."""


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if why := machine.missing():
        pytest.skip(why)
    with machine.booted(tmp_path_factory.mktemp("machine")) as running:
        (running.room / "units" / "trading-bot.service").write_text(BOT, encoding="utf-8")
        shutil.copy(PANIC_UNIT, running.room / "bin")
        assert running.run("systemctl", "daemon-reload").returncode == 0
        yield running


VENUE_OF = {"bybit": "bybit", "pac-2": "pacifica"}


@pytest.fixture
def servers() -> Iterator[dict[str, SimServer]]:
    with simulator.start("bybit", orders=10) as bybit, simulator.start("pacifica", orders=10) as pacifica:
        yield {"bybit": bybit, "pac-2": pacifica}


@pytest.fixture
def configured(boxed: Machine, servers: dict[str, SimServer]) -> Machine:
    """The machine with a config without secrets, readable for root alone, and the secrets as encrypted credentials."""
    tables = {
        name: {"venue": VENUE_OF[name], "base_url": server.origin, **server.account_options}
        for name, server in servers.items()
    }
    path = boxed.room / "etc" / "config.toml"
    path.write_text(tomli_w.dumps({"profiles": tables}), encoding="utf-8")
    path.chmod(0o600)
    forget(boxed, "*")
    for name, server in servers.items():
        for field, value in server.credentials.items():
            credential = f"cancelall.{name}.{field}"
            sealed = boxed.run(
                *("systemd-creds", "encrypt", "--with-key=host", f"--name={credential}"),
                *("-", f"/etc/credstore.encrypted/{credential}"),
                given=value.encode(),
            )
            assert sealed.returncode == 0, sealed.stderr
            assert value not in (boxed.room / "credstore" / credential).read_text(encoding="latin-1")
    return boxed


def left(servers: dict[str, SimServer]) -> dict[str, int]:
    return {name: len(server.open_orders()) for name, server in servers.items()}


@pytest.mark.faults
@pytest.mark.alone("on a busy machine the exchange reads its connections in another order")
def test_one_profile_is_fired_with_its_encrypted_keys(configured: Machine, servers: dict[str, SimServer]) -> None:
    started = configured.run("systemctl", "start", "cancelall@pac-2")
    shown = configured.journal("cancelall@pac-2")
    assert started.returncode == 0, shown
    assert left(servers)["pac-2"] == 0
    assert not paths(servers["bybit"])  # nothing was requested of the other
    assert paths(servers["pac-2"])[0] == "POST /api/v1/orders/cancel_all"  # no read comes before it
    assert "CLEAR  pac-2" in shown
    assert "WARNING" not in shown  # no file is too open, for systemd made them
    assert not [value for server in servers.values() for value in server.credentials.values() if value in shown]


@pytest.mark.faults
def test_all_of_them_and_a_missing_key_stops_only_its_own(configured: Machine, servers: dict[str, SimServer]) -> None:
    credential = configured.room / "etc" / "config.toml"
    forget(configured, "cancelall.pac-2.*")
    started = configured.run("systemctl", "start", "cancelall@all")
    shown = configured.journal("cancelall@all")
    assert started.returncode != 0
    assert configured.properties("cancelall@all")["ExecMainStatus"] == "6"
    assert left(servers)["bybit"] == 0
    assert "CLEAR  bybit" in shown
    assert "UNCONFIGURED  pac-2" in shown
    assert stat.S_IMODE(credential.stat().st_mode) == 0o600
    # What it keeps is its own, and one user's for all of these units.
    kept = configured.run("stat", "-c", "%a %U", "/var/lib/private/cancelall").stdout.split()
    assert kept[0] == "700"
    assert kept[1] != "root"


@pytest.mark.faults
def test_a_key_that_cannot_be_decrypted_stops_the_unit_and_its_check(configured: Machine) -> None:
    """The documents say so, and that it is status 243: nothing that a unit can do about it."""
    (configured.room / "credstore" / "cancelall.bybit.api_key").write_text("bm90IG9uZQ==\n", encoding="utf-8")
    for unit in ("cancelall@all", "cancelall-check"):
        assert configured.run("systemctl", "start", unit).returncode != 0
        assert configured.properties(unit)["ExecMainStatus"] == "243"


@pytest.mark.faults
@pytest.mark.parametrize("way", ["crash", "hang", "kill"])
def test_a_bot_that_ends_otherwise_than_asked_takes_every_order_along(
    configured: Machine, servers: dict[str, SimServer], way: str
) -> None:
    """Although it is always restarted; and it is started again only when they are gone."""
    with_keys_of_pac_2(configured)
    configured.run("rm", "-f", "/run/bot", "/run/crash", "/run/hang")
    assert configured.run("systemctl", "start", "trading-bot").returncode == 0
    try:
        if way == "kill":
            configured.run("systemctl", "kill", "-s", "KILL", "trading-bot")
        else:
            configured.run("touch", f"/run/{way}")
        begun, until = 1, time.monotonic() + 40
        while begun < 2 and time.monotonic() < until:
            rest = left(servers)
            begun = configured.run("cat", "/run/bot").stdout.count("begun")
        assert (begun, rest) == (2, {"bybit": 0, "pac-2": 0}), configured.journal("trading-bot")
        assert "CLEAR  cancelall@all.service · exit 0" in configured.journal(
            "trading-bot"
        )  # whoever looks there sees it
    finally:
        configured.run("rm", "-f", "/run/hang")
        configured.run("systemctl", "stop", "trading-bot", seconds=100)


PAGE = (ROOT / "docs" / "bots.md").read_text(encoding="utf-8")
FIRST, SECOND, WATCH, TIMER = re.findall(r"^```ini\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
"""What the page on bots has: for its first step, for its second one, and the two units of the third."""
(TELL,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@needs_analyze
def test_systemd_has_nothing_to_say_about_the_page_on_bots(copies: Path) -> None:
    (copies / "trading-bot-watch.service").write_text(WATCH, encoding="utf-8")
    (copies / "trading-bot-watch.timer").write_text(TIMER, encoding="utf-8")
    for step in (FIRST, SECOND):
        text = step.replace("/usr/local/bin/panic-unit", str(PANIC_UNIT))
        (copies / "trading-bot.service").write_text(f"{text}ExecStart=/bin/true\n", encoding="utf-8")
        for unit in ("trading-bot.service", "trading-bot-watch.timer", "trading-bot-watch.service"):
            checked = analyze(copies, "verify", unit)
            assert (checked.returncode, [line for line in checked.stderr.splitlines() if "trading-bot" in line]) == (
                0,
                [],
            )


@pytest.mark.faults
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_bot_that_hangs_as_the_page_has_it(configured: Machine, servers: dict[str, SimServer], step: int) -> None:
    """With the page's own lines and its own Python; only the times are shorter."""
    with_keys_of_pac_2(configured)
    units = configured.room / "units"
    python = Path(sys.executable).resolve().name
    loop = 'tell("READY=1")\nfor _ in range(10):\n    tell("WATCHDOG=1"); beat(); time.sleep(0.1)\ntime.sleep(600)\n'
    beat = "def beat():\n    if os.path.isdir('/run/trading-bot'): open('/run/trading-bot/alive', 'w').close()\n"
    (configured.room / "bin" / "bot.py").write_text(f"import time\n{TELL}\n{beat}\n{loop}", encoding="utf-8")
    start = (
        "Environment=LD_LIBRARY_PATH=/opt/host/python/lib\n"
        f"ExecStart=/opt/host/python/bin/{python} -u /usr/local/bin/bot.py\n"
    )
    first, second, watched = (
        FIRST,
        SECOND.replace("WatchdogSec=30", "WatchdogSec=2"),
        ("[Service]\nRestart=always\nRuntimeDirectory=trading-bot\nExecStartPre=/bin/touch /run/trading-bot/alive\n"),
    )
    (units / "trading-bot.service").write_text((first, second, watched)[step - 1] + start, encoding="utf-8")
    quick_watch, quick_timer = WATCH.replace("-30 seconds", "-3 seconds"), re.sub(r"(Sec)=\d+", r"\1=1", TIMER)
    (units / "trading-bot-watch.service").write_text(quick_watch, encoding="utf-8")
    (units / "trading-bot-watch.timer").write_text(quick_timer, encoding="utf-8")
    configured.run("systemctl", "daemon-reload")
    clear = "CLEAR  cancelall@all.service · exit 0"
    before = configured.journal("trading-bot").count(clear)
    try:
        assert configured.run("systemctl", "start", "trading-bot").returncode == 0
        assert left(servers) == ({"bybit": 0, "pac-2": 0} if step == 1 else {"bybit": 10, "pac-2": 10})
        if step == 3:
            assert configured.run("systemctl", "start", "trading-bot-watch.timer").returncode == 0
        if step > 1:
            assert appears(configured, "trading-bot", clear, times=before + 1)
        assert left(servers) == {"bybit": 0, "pac-2": 0}, configured.journal("trading-bot")
    finally:
        configured.run("systemctl", "stop", "trading-bot-watch.timer", "trading-bot", seconds=100)
        (units / "trading-bot.service").write_text(BOT, encoding="utf-8")
        configured.run("systemctl", "daemon-reload")


@pytest.mark.faults
def test_a_bot_that_is_stopped_leaves_its_orders_unless_it_is_told_otherwise(
    configured: Machine, servers: dict[str, SimServer]
) -> None:
    before, every_end = left(servers), configured.room / "units" / "trading-bot.service.d" / "cancelall.conf"
    assert configured.run("systemctl", "start", "trading-bot").returncode == 0
    assert configured.run("systemctl", "stop", "trading-bot", seconds=100).returncode == 0
    assert left(servers) == before
    with_keys_of_pac_2(configured)
    as_it_was = every_end.read_text(encoding="utf-8")
    first, last = re.findall(r"^#?ExecStopPost=.*$", as_it_was, flags=re.MULTILINE)
    every_end.write_text(as_it_was.replace(first, "").replace(last, last[1:]), encoding="utf-8")
    try:
        configured.run("systemctl", "daemon-reload")
        assert configured.run("systemctl", "start", "trading-bot").returncode == 0
        assert configured.run("systemctl", "stop", "trading-bot", seconds=100).returncode == 0
        assert left(servers) == {"bybit": 0, "pac-2": 0}, configured.journal("trading-bot")
    finally:
        every_end.write_text(as_it_was, encoding="utf-8")
        configured.run("systemctl", "daemon-reload")


def with_keys_of_pac_2(box: Machine) -> None:
    drop_in = box.room / "units" / "cancelall@.service.d" / "credentials.conf"
    drop_in.parent.mkdir(exist_ok=True)
    text = (UNITS / "credentials.conf").read_text(encoding="utf-8")
    drop_in.write_text(
        re.sub(r"^Load.*\n", "", text, flags=re.MULTILINE) + "LoadCredentialEncrypted=cancelall.pac-2.secret_key\n",
        encoding="utf-8",
    )
    box.run("systemctl", "daemon-reload")


# --- what is shown is what became of this start ---


def pressed(box: Machine, *words: str, seconds: float = 60) -> tuple[int, list[str], str]:
    """`panic-unit …`: its status, what it printed line by line, and what it said besides."""
    done = box.run("panic-unit", *words, seconds=seconds)
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.faults
def test_the_verdict_shown_is_that_of_this_start(configured: Machine, servers: dict[str, SimServer]) -> None:
    status, lines, _ = pressed(configured, "bybit")
    assert (status, lines[-1].split(" · run ")[0]) == (0, "CLEAR  cancelall@bybit.service · exit 0")
    assert [line for line in lines if line.startswith(" CLEAR  bybit (live): nothing is left")]
    servers["bybit"].set_faults(["key"])
    status, lines, _ = pressed(configured, "bybit")
    assert (status, lines[-1].split(" · run ")[0]) == (4, "REFUSED  cancelall@bybit.service · exit 4")
    assert [line for line in lines if line.startswith(" REFUSED  bybit")]
    assert not [line for line in lines if "CLEAR" in line]
    assert "CLEAR  bybit" in configured.journal("cancelall@bybit")  # that of the start before
    servers["bybit"].set_faults([])
    status, lines, _ = pressed(configured, "bybit")
    assert (status, lines[-1].split()[0]) == (0, "CLEAR")  # a unit that had failed
    assert not [line for line in lines if "REFUSED" in line]


@pytest.mark.faults
def test_a_disk_that_takes_nothing_keeps_nobody_from_firing(configured: Machine, servers: dict[str, SimServer]) -> None:
    done = configured.run("panic-unit", "bybit", environ={"TMPDIR": "/nonexistent"})
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1].split(" · run ")[0]) == (0, "CLEAR  cancelall@bybit.service · exit 0")
    assert len([line for line in lines if line.startswith(" CLEAR  bybit")]) == 1
    assert left(servers)["bybit"] == 0


@pytest.mark.faults
def test_a_start_that_meets_a_run_joins_it_and_says_so(configured: Machine, servers: dict[str, SimServer]) -> None:
    servers["bybit"].set_faults(["latency=1"])
    configured.run("systemctl", "start", "--no-block", "cancelall@bybit")
    while not paths(servers["bybit"]):
        time.sleep(0.05)
    status, lines, said = pressed(configured, "bybit")
    assert (status, lines[-1].split()[0]) == (0, "CLEAR")
    assert "is at work already" in said


@pytest.mark.faults
def test_what_keeps_the_unit_from_firing_is_shown(configured: Machine) -> None:
    status, lines, _ = pressed(configured, "no-such-one")
    assert (status, lines[-1].split()[0]) == (6, "UNCONFIGURED")
    assert [line for line in lines if "no profile matches" in line]
    (configured.room / "credstore" / "cancelall.bybit.api_key").write_text("bm90IG9uZQ==\n", encoding="utf-8")
    status, lines, said = pressed(configured, "bybit")
    assert (status, lines[-1].split(" · ")[:2]) == (243, ["NOT CLEAR  cancelall@bybit.service", "exit 243"])
    assert "243/CREDENTIALS" in said  # in the manager's words
    done = configured.run("setpriv", "--reuid=65534", "--clear-groups", "panic-unit", "bybit")
    assert (done.returncode, "NOT STARTED: nothing was sent" in done.stderr) == (6, True)


@pytest.mark.faults
def test_one_that_is_killed_is_not_taken_for_a_verdict(configured: Machine, servers: dict[str, SimServer]) -> None:
    """SIGSEGV has the number of `unproven`."""
    servers["bybit"].set_faults(["stall"])
    killer = threading.Thread(target=segfault, args=(configured, servers["bybit"]))
    killer.start()
    status, lines, _ = pressed(configured, "bybit")
    killer.join()
    assert (status, lines[-1].split("  ")[0]) == (128 + 11, "NOT CLEAR")


def segfault(box: Machine, server: SimServer) -> None:
    while not paths(server):
        time.sleep(0.05)
    box.run("systemctl", "kill", "-s", "SEGV", "cancelall@bybit")


@pytest.mark.faults
def test_it_does_not_wait_for_the_pause_of_the_retry_drop_in(
    configured: Machine, servers: dict[str, SimServer]
) -> None:
    quickly(configured, "cancelall@bybit", "RestartSec=300\n")
    try:
        servers["bybit"].set_faults(["key"])
        status, lines, said = pressed(configured, "bybit")
        assert (status, "it fires again by itself" in said) == (4, True)
        servers["bybit"].set_faults([])
        status, lines, _ = pressed(configured, "bybit", seconds=30)
        assert (status, lines[-1].split()[0]) == (0, "CLEAR")
    finally:
        configured.run("systemctl", "stop", "cancelall@bybit")
        (configured.room / "units" / "cancelall@bybit.service.d" / "retry.conf").unlink()
        configured.run("systemctl", "daemon-reload")


@pytest.mark.faults
def test_the_check_is_shown_in_the_same_way(configured: Machine, servers: dict[str, SimServer]) -> None:
    drop_in = configured.room / "units" / "cancelall-check.service.d" / "credentials.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/usr/local/bin/cancelall check bybit\n", encoding="utf-8")
    configured.run("systemctl", "daemon-reload")
    status, lines, _ = pressed(configured, "--check")
    assert (status, lines[-1].split(" · ")[:2]) == (0, ["READY  cancelall-check.service", "exit 0"])
    servers["bybit"].set_faults(["permission"])
    status, lines, _ = pressed(configured, "--check")
    assert (status, lines[-1].split(" · ")[:2]) == (4, ["NOT READY  cancelall-check.service", "exit 4"])
    assert [line for line in lines if "the key is read-only" in line]


# --- a trader who is not root ---

POLKITD = ("/usr/bin/dbus-daemon", "/usr/lib/polkit-1/polkitd", "/lib/systemd/system/polkit.service")
_PEOPLE = """\
set -eu
test "$(findmnt --noheadings --output=FSTYPE /etc)" = overlay
cd /lib/systemd/system && cp dbus.service dbus.socket polkit.service /etc/systemd/system && cd -
groupadd --force trading
useradd --groups trading trader
useradd stranger
install -D -m 0644 contrib/polkit/50-cancelall.rules /etc/polkit-1/rules.d/50-cancelall.rules
systemctl daemon-reload
systemctl start dbus.socket polkit.service
"""
_ANSWERS = """
const rules = [];
const polkit = {Result: {YES: "yes"}, addRule: (rule) => rules.push(rule)};
eval(require("fs").readFileSync(process.argv[1], "utf8"));
const requests = JSON.parse(process.argv[2]);
console.log(JSON.stringify(requests.map(([id, verb, unit, group]) => rules[0](
  {id, lookup: (name) => ({verb, unit})[name]}, {isInGroup: (name) => name === group}) === "yes")));
"""
MANAGE = "org.freedesktop.systemd1.manage-units"
RULES = ROOT / "contrib" / "polkit" / "50-cancelall.rules"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is nothing here to run the rule with")
def test_who_may_press_the_button_may_do_nothing_else() -> None:
    allowed = [
        (MANAGE, verb, unit, "trading")
        for verb in ("start", "restart")
        for unit in ("cancelall@all.service", "cancelall@mm-2.service", "cancelall-check.service")
    ]
    denied = [
        (MANAGE, "stop", "cancelall@all.service", "trading"),
        (MANAGE, "start", "cancelall@all.service", "users"),
        ("org.freedesktop.systemd1.manage-unit-files", "start", "cancelall@all.service", "trading"),
        *(
            (MANAGE, "start", unit, "trading")
            for unit in ("ssh.service", "cancelall@all.service.d", "x-cancelall@all.service", "cancelall@.service")
        ),
        (MANAGE, "start", "cancelall@../x.service", "trading"),
        (MANAGE, "start", "cancelall@all.service\nssh.service", "trading"),
    ]
    done = subprocess.run(
        ["node", "-e", _ANSWERS, str(RULES), json.dumps(allowed + denied)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert json.loads(done.stdout) == [True] * len(allowed) + [False] * len(denied)


@pytest.mark.faults
@pytest.mark.skipif(not all(map(os.path.exists, POLKITD)), reason="polkit is not installed")
def test_a_trader_who_is_not_root_presses_it(configured: Machine, servers: dict[str, SimServer]) -> None:
    """By the real polkit. Whoever is not in the group, or names another unit, is turned away."""
    set_up = configured.run("sh", "-c", _PEOPLE)
    assert set_up.returncode == 0, set_up.stderr
    as_trader = ("setpriv", "--reuid=trader", "--regid=trader", "--init-groups")
    as_stranger = ("setpriv", "--reuid=stranger", "--regid=stranger", "--init-groups")
    turned_away = configured.run(*as_stranger, "panic-unit", "bybit")
    assert (turned_away.returncode, turned_away.stdout) == (6, "")
    assert "NOT STARTED: nothing was sent" in turned_away.stderr
    assert configured.run(*as_trader, "systemctl", "stop", "trading-bot").returncode != 0
    assert not paths(servers["bybit"])
    done = configured.run(*as_trader, "panic-unit", "bybit")
    assert (done.returncode, done.stdout.splitlines()[-1].split()[0]) == (0, "CLEAR"), done.stderr
    assert left(servers)["bybit"] == 0
    # The machine's config is root's alone here, and the trader is told that it is there.
    done = configured.run(*as_trader, "cancelall", "all", environ={"HOME": "/home/trader"})
    assert (done.returncode, done.stdout) == (6, "")
    assert "/etc/cancelall/config.toml is not for you to read: nothing of it is used" in done.stderr


@pytest.mark.faults
def test_root_without_a_config_of_his_own_reads_the_machines(
    configured: Machine, servers: dict[str, SimServer]
) -> None:
    key, secret = (servers["bybit"].credentials[field] for field in ("api_key", "api_secret"))
    environ = {"HOME": "/nonexistent", "CANCELALL_BYBIT_API_KEY": key, "CANCELALL_BYBIT_API_SECRET": secret}
    done = configured.run("cancelall", "bybit", environ=environ)
    assert (done.returncode, left(servers)["bybit"]) == (0, 0), done.stderr
    assert "cancelall: reading /etc/cancelall/config.toml, as you have no config of your own" in done.stderr


@pytest.mark.parametrize("words", [["a;b"], ["a", "b"], [""], ["-x"], ["../all"], ["all --reason"]])
def test_no_other_unit_can_be_named(words: list[str]) -> None:
    done = subprocess.run([PANIC_UNIT, *words], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: panic-unit [PROFILE | --check]\n"


@pytest.mark.faults
@pytest.mark.parametrize(("fault", "verdict"), [("listing-fails", "UNPROVEN"), ("key", "REFUSED")])
def test_with_the_drop_in_it_fires_until_it_is_clear(
    configured: Machine, servers: dict[str, SimServer], fault: str, verdict: str
) -> None:
    """Also after a refusal: it may pass."""
    unit = "cancelall@bybit"
    quickly(configured, unit, "Environment=CANCELALL_BYBIT_DEADLINE=6\n")
    servers["bybit"].set_faults([fault])
    before = configured.journal(unit).count("CLEAR  bybit")
    configured.run("systemctl", "start", "--no-block", unit)
    assert appears(configured, unit, f"{verdict}  bybit")
    servers["bybit"].set_faults([])
    assert appears(configured, unit, "CLEAR  bybit", times=before + 1)
    assert left(servers)["bybit"] == 0


@pytest.mark.faults
def test_a_profile_that_cannot_be_fired_does_not_keep_the_others_from_it(
    configured: Machine, servers: dict[str, SimServer]
) -> None:
    """`all` ends with 6 for the one that has no key, and fires again for the one that is not proven."""
    unit = "cancelall@all"
    quickly(configured, unit, "Environment=CANCELALL_BYBIT_DEADLINE=6\n")
    forget(configured, "cancelall.pac-2.*")
    servers["bybit"].set_faults(["listing-fails"])
    before = configured.journal(unit).count("CLEAR  bybit")
    try:
        configured.run("systemctl", "start", "--no-block", unit)
        assert appears(configured, unit, "UNPROVEN  bybit")
        servers["bybit"].set_faults([])
        assert appears(configured, unit, "CLEAR  bybit", times=before + 1)
    finally:
        configured.run("systemctl", "stop", unit)
        (configured.room / "units" / f"{unit}.service.d" / "retry.conf").unlink()
        configured.run("systemctl", "daemon-reload")
    assert left(servers)["bybit"] == 0


def dropped(box: Machine, unit: str, name: str, text: str) -> None:
    """Give a unit a drop-in."""
    drop_in = box.room / "units" / f"{unit}.service.d" / name
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(text, encoding="utf-8")
    box.run("systemctl", "daemon-reload")


def quickly(box: Machine, unit: str, more: str) -> None:
    """Give a unit the drop-in that fires again, with a second in place of half a minute."""
    text = (UNITS / "retry.conf").read_text(encoding="utf-8")
    text = re.sub(f"^({BACKING_OFF})=.*\n", "", text, flags=re.MULTILINE).replace("RestartSec=30", "RestartSec=1")
    dropped(box, unit, "retry.conf", text + more)


def forget(box: Machine, credentials: str) -> None:
    """Take away the encrypted credentials with such a name."""
    for old in (box.room / "credstore").glob(credentials):
        old.unlink()


def appears(box: Machine, unit: str, words: str, seconds: float = 40, times: int = 1) -> bool:
    """Whether a unit says this within some time, so many times since the machine was booted."""
    until = time.monotonic() + seconds
    while box.journal(unit).count(words) < times:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True
