"""Encrypted systemd credentials: the commands as printed, and the real tool, which never gets a secret as a word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cancelall import simulator
from support import cancelall, environment

UNIT = "# In the unit, below [Service]:"


def test_the_commands_as_they_are_printed(home: Path) -> None:
    ran = cancelall("auth", "export-systemd", "mm-2", "--venue", "bitget", "--with-key", "host", home=home)
    assert (ran.code, ran.err) == (0, "")
    seal = "systemd-creds encrypt --with-key=host --name=cancelall.mm-2"
    for field in ("api_key", "api_secret", "passphrase"):
        path = f"/etc/credstore.encrypted/cancelall.mm-2.{field}"
        asking = f"systemd-ask-password -n '{field} of mm-2:'"
        assert f"\n{asking} | {seal}.{field} - {path}\n" in ran.out
        assert f"\nLoadCredentialEncrypted=cancelall.mm-2.{field}\n" in ran.out  # a path would make it a must
    assert f"{seal}.api_secret KEY.pem /etc/credstore.encrypted/cancelall.mm-2.api_secret" in ran.out
    shell = subprocess.run(["sh", "-n"], input=ran.out, text=True, capture_output=True, check=False)
    assert (shell.returncode, shell.stderr) == (0, "")


def test_an_optional_secret_is_left_to_the_user(home: Path) -> None:
    ran = cancelall("auth", "export-systemd", "pacifica", home=home)
    assert re.search(r"^systemd-ask-password .*secret_key", ran.out, re.MULTILINE)
    assert re.search(r"^# systemd-ask-password .*api_config_key", ran.out, re.MULTILINE)
    assert ran.out.partition(UNIT)[2].strip().splitlines() == ["LoadCredentialEncrypted=cancelall.pacifica.secret_key"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bybit", "--with-key", "none"], 2, "--with-key none: one of auto host tpm2 host+tpm2"),
        (["bybit", "--run", "creds"], 6, "no api_key and no api_secret"),
        (["nobody"], 6, "for a new one add --venue"),
    ],
)
def test_what_cannot_be_exported(home: Path, words: list[str], code: int, said: str) -> None:
    ran = cancelall("auth", "export-systemd", *words, home=home)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert not (home / "creds").exists()


def _usable() -> str:
    """Why the real tool cannot be tried here, or nothing."""
    if shutil.which("systemd-creds") is None:
        return "systemd-creds is not installed: apt-get install systemd"
    words = ["systemd-creds", "encrypt", "--with-key=host", "--name=x", "-", "-"]
    done = subprocess.run(words, input=b"x", capture_output=True, check=False)
    return f"systemd-creds: {done.stderr.decode().strip()}" if done.returncode else ""


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """The real tool, behind one that writes down what it was called with; tells that file."""
    if why := _usable():
        pytest.skip(why)
    words, folder = tmp_path / "words", tmp_path / "bin"
    folder.mkdir()
    script = folder / "systemd-creds"
    script.write_text(
        f'#!/bin/sh\n{{ tr "\\0" " " < /proc/$$/cmdline; echo; env; }} >> {words}\n'
        f'exec {shutil.which("systemd-creds")} "$@"\n'
    )
    script.chmod(0o755)
    return words


def test_the_real_tool_seals_what_a_kill_then_uses(home: Path, tool: Path) -> None:
    with simulator.start("bybit", orders=5) as server:
        env = environment("bybit", server)
        secrets = [server.credentials["api_key"], server.credentials["api_secret"]]
        path = f"{tool.parent / 'bin'}:{os.environ['PATH']}"
        words = ["auth", "export-systemd", "bybit", "--run", "sealed", "--with-key", "host"]
        ran = cancelall(*words, home=home, env={**env, "PATH": path})
        assert ran.code == 0, ran
        names = ["cancelall.bybit.api_key", "cancelall.bybit.api_secret"]
        assert ran.out.splitlines() == [
            UNIT,
            *(f"LoadCredentialEncrypted={name}:{home}/sealed/{name}" for name in names),
        ]
        called = tool.read_text().split("\n")
        assert len([line for line in called if f"--name={names[1]}" in line]) == 2  # encrypted, and read back
        for secret in secrets:
            assert secret not in tool.read_text() + ran.out + ran.err
        opened = home / "opened"
        opened.mkdir(mode=0o700)
        for name in names:
            sealed = home / "sealed" / name
            assert sealed.stat().st_mode & 0o777 == 0o600
            assert not [secret for secret in secrets if secret in sealed.read_text()]
            # What systemd does for the unit.
            subprocess.run(["systemd-creds", "decrypt", f"--name={name}", sealed, opened / name], check=True)
            (opened / name).chmod(0o400)
        origin = {"CANCELALL_BYBIT_BASE_URL": server.origin, "CREDENTIALS_DIRECTORY": str(opened)}
        killed = cancelall("bybit", "--json", home=home, env=origin)
        assert (killed.code, killed.line["verdict"], server.open_orders()) == (0, "clear", [])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "systemd-creds is not installed here"),
        ("echo 'No such key, CANARY-api-key-0001' >&2; exit 1", "could not encrypt cancelall.bybit.api_key: No such"),
        (
            '[ "$1" = encrypt ] && echo sealed || echo else',
            "gave back something else than cancelall.bybit.api_key held",
        ),
    ],
)
def test_a_tool_that_fails_leaves_no_file(home: Path, tmp_path: Path, script: str | None, said: str) -> None:
    if script is not None:
        (tmp_path / "systemd-creds").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "systemd-creds").chmod(0o755)
    (tmp_path / "sh").symlink_to("/bin/sh")
    env = {"CANCELALL_BYBIT_API_KEY": "CANARY-api-key-0001", "CANCELALL_BYBIT_API_SECRET": "CANARY-api-secret-01"}
    ran = cancelall("auth", "export-systemd", "bybit", "--run", "sealed", home=home, env={**env, "PATH": str(tmp_path)})
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (6, "", 1), ran
    assert said in ran.err
    assert "CANARY" not in ran.err
    assert not (home / "sealed").exists()
