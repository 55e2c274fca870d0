"""`auth set --to config`, for a machine without a keyring: from nothing to a first kill in two commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cancelall import simulator
from support import cancelall
from unit.cli.auth.conftest import SOMEBODY_ELSES, Start

CANARY = "CANARYkey0123456789"


def test_from_nothing_to_a_first_kill(home: Path) -> None:
    with simulator.start("bitget", orders=4) as server:
        lines = "".join(f"{field}={value}\n" for field, value in server.credentials.items())
        ran = cancelall("auth", "set", "main", "--venue", "bitget", "--to", "config", home=home, given=lines)
        assert ran.code == 0, ran.err
        path = home / ".config" / "cancelall" / "config.toml"
        written = tomllib.loads(path.read_text())
        assert written == {"profiles": {"main": {"venue": "bitget", "credentials": dict(server.credentials)}}}
        assert path.stat().st_mode & 0o777 == 0o600
        assert not [value for value in server.credentials.values() if value in ran.out + ran.err]
        env = {"CANCELALL_MAIN_BASE_URL": server.origin}
        killed = cancelall("main", "--json", home=home, env=env)
        assert (killed.code, server.open_orders()) == (0, [])


def test_from_nothing_to_a_first_kill_without_a_keyring_in_three_commands(home: Path) -> None:
    """The first one names the second, as it is to be typed."""
    with simulator.start("bitget", orders=4) as server:
        lines = "".join(f"{field}={value}\n" for field, value in server.credentials.items())
        env = {"CANCELALL_BITGET_BASE_URL": server.origin}
        refused = cancelall("auth", "set", "bitget", home=home, env=env, given=lines)
        assert refused.code == 6
        (named,) = re.findall(r"cancelall (auth set bitget --to config)", refused.err)
        assert cancelall(*named.split(), home=home, env=env, given=lines).code == 0
        killed = cancelall("bitget", home=home, env=env)
        assert (killed.code, server.open_orders()) == (0, []), killed.err
    assert " CLEAR " in killed.out


@pytest.mark.alone(SOMEBODY_ELSES)
def test_from_nothing_to_a_first_kill_with_a_keyring_in_two_commands(start_session: Start) -> None:
    session = start_session()
    with simulator.start("bitget", orders=4) as server:
        lines = "".join(f"{field}={value}\n" for field, value in server.credentials.items())
        env = {**session.env, "CANCELALL_BITGET_BASE_URL": server.origin}
        kept = cancelall("auth", "set", "bitget", home=session.home, env=env, given=lines)
        assert kept.code == 0, kept.err
        killed = cancelall("bitget", home=session.home, env=env)
        assert (killed.code, server.open_orders()) == (0, []), killed.err
    written = tomllib.loads((session.home / ".config" / "cancelall" / "config.toml").read_text())
    assert "credentials" not in written["profiles"]["bitget"]


def test_what_was_there_stays(home: Path) -> None:
    path = home / "c.toml"
    path.write_text("# mine\n[profiles.bybit]\nvenue = 'bybit'\n\n[profiles.bybit.credentials]\napi_key = 'old' # k\n")
    path.chmod(0o600)
    words = ("auth", "set", "bybit", "--to", "config", "--config", str(path), "--field", "api_key")
    assert cancelall(*words, home=home, given=CANARY).code == 0
    assert path.read_text() == (
        f"# mine\n[profiles.bybit]\nvenue = 'bybit'\n\n[profiles.bybit.credentials]\napi_key = \"{CANARY}\" # k\n"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f"api_key={CANARY}\n", "no api_secret was given; nothing was written"),
        ("api_key=a b\napi_secret=x\n", "api_key (from line 1 of the input)"),
        ("", "there is no terminal to ask on, and nothing came on standard input"),
    ],
)
def test_all_or_nothing(home: Path, given: str, said: str) -> None:
    ran = cancelall("auth", "set", "bybit", "--to", "config", home=home, given=given)
    assert (ran.code, said in ran.err, CANARY in ran.err) == (6, True, False), ran
    assert not (home / ".config" / "cancelall" / "config.toml").exists()


def test_a_place_that_others_can_change_gets_no_secret(home: Path) -> None:
    folder = home / "open"
    folder.mkdir()
    folder.chmod(0o777)
    words = ("auth", "set", "bybit", "--to", "config", "--config", str(folder / "c.toml"))
    ran = cancelall(*words, home=home, given=f"api_key={CANARY}\napi_secret={CANARY}x\n")
    assert (ran.code, "nothing was written there" in ran.err) == (6, True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("env", "command"),
    [
        ({}, "cancelall auth set bybit --to config"),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}, "cancelall auth set bybit"),
        ({"INVOCATION_ID": "1"}, "cancelall auth export-systemd bybit"),
    ],
)
def test_the_hint_names_what_works_here(home: Path, env: dict[str, str], command: str) -> None:
    nothing = {"CANCELALL_BYBIT_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    ran = cancelall("bybit", "-q", home=home, env={**env, **nothing})
    assert ran.code == 6
    assert f"run: {command};" in ran.err
