"""The units of contrib/systemd: as systemd reads them, and on a systemd of their own."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
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
from cancelall.report import notify
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES, schema
from desk import machine
from desk.machine import UNITS, Machine
from support import paths

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
    for unit in ("cancelall@", "cancelall-check"):
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
    ["cancelall@all.service", "cancelall@mm-2.service", "cancelall-check.timer", "trading-bot.service"],
)
def test_systemd_has_nothing_to_say_about_them(copies: Path, unit: str) -> None:
    checked = analyze(copies, "verify", unit)
    ours = [line for line in checked.stderr.splitlines() if re.search("cancelall|trading-bot", line)]
    ours = [line for line in ours if not (version() < 254 and re.search(f"Unknown key .*'({BACKING_OFF})'", line))]
    assert (checked.returncode, ours) == (0, [])


@needs_analyze
@pytest.mark.parametrize("unit", ["cancelall@.service", "cancelall-check.service"])
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


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if why := machine.missing():
        pytest.skip(why)
    with machine.booted(tmp_path_factory.mktemp("machine")) as running:
        (running.room / "units" / "trading-bot.service").write_text(
            "[Service]\nType=oneshot\nExecStart=/bin/false\n", encoding="utf-8"
        )
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
def test_a_bot_that_fails_takes_every_order_along(configured: Machine, servers: dict[str, SimServer]) -> None:
    text = re.sub(r"^Load.*\n", "", (UNITS / "credentials.conf").read_text(encoding="utf-8"), flags=re.MULTILINE)
    text += "LoadCredentialEncrypted=cancelall.pac-2.secret_key\n"
    dropped(configured, "cancelall@", "credentials.conf", text)
    assert configured.run("systemctl", "start", "trading-bot").returncode != 0
    assert appears(configured, "cancelall@all", "CLEAR  pac-2")
    assert left(servers) == {"bybit": 0, "pac-2": 0}, configured.journal("cancelall@all")


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
