"""With nobody logged in: an empty environment, no home, no terminal, no bus; keys as systemd hands them out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w

from cancelall import simulator
from support import ROOT, paths


def bare(*words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """`env -i cancelall …`, without a HOME, a PATH, a terminal or a session."""
    program = [
        sys.executable,
        "-c",
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from cancelall.__main__ import run; run()",
    ]
    given = [f"{key}={value}" for key, value in environ.items()]
    return subprocess.run(
        ["/usr/bin/env", "-i", *given, *program, str(ROOT), *words],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=40,
        check=False,
        start_new_session=True,
    )


def handed_over(folder: Path, name: str, value: str) -> None:
    """A file of the credentials directory, through the real systemd-creds where it is installed.

    Its null key leaves no trace on the machine.
    """
    if shutil.which("systemd-creds") is None:
        (folder / name).write_text(value, encoding="utf-8")
    else:
        sealed = folder.parent / name
        words = ["encrypt", "--with-key=tpm2-absent", f"--name={name}", "-", str(sealed)]
        assert creds(*words, given=value).returncode == 0
        assert value.encode() not in sealed.read_bytes()
        assert creds("decrypt", "--name=cancelall.other.api_key", str(sealed), "-").returncode != 0  # bound to its name
        assert creds("decrypt", f"--name={name}", str(sealed), str(folder / name)).returncode == 0
    (folder / name).chmod(0o400)


def creds(*words: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["systemd-creds", *words], input=given.encode(), capture_output=True, timeout=20, check=False)


@pytest.mark.alone("on a busy machine the exchange reads its connections in another order")
@pytest.mark.parametrize("configured", [False, True])
def test_keys_from_the_credentials_directory_and_nothing_else(tmp_path: Path, configured: bool) -> None:
    """Without a config the venue's name finds them; with one, the unit hands it over with them."""
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    profile = "mm-2" if configured else "bybit"
    with simulator.start("bybit", orders=7) as server:
        for field, value in server.credentials.items():
            handed_over(folder, f"cancelall.{profile}.{field}", value)
        environ = {"CREDENTIALS_DIRECTORY": str(folder)}
        if configured:
            config = {"profiles": {profile: {"venue": "bybit", "base_url": server.origin}}}
            handed_over(folder, "config.toml", tomli_w.dumps(config))
            environ["CANCELALL_CONFIG"] = str(folder / "config.toml")
        else:
            environ["CANCELALL_BYBIT_BASE_URL"] = server.origin
        ran = bare("all", "--only", "all", "--json", environ=environ)
        (line,) = map(json.loads, ran.stdout.splitlines())
        assert (ran.returncode, line["profile"], line["verdict"]) == (0, profile, "clear")
        assert not [warning for warning in line["warnings"] if "read by others" in warning]
        assert not server.open_orders()
        first = paths(server)[0]  # no read, no bus and no keyring came before it
        assert first in ("POST /v5/order/cancel-all", "POST /v5/spread/order/cancel-all")
        assert not [value for value in server.credentials.values() if value.encode() in ran.stdout + ran.stderr]


def test_nothing_at_all_is_one_line_and_no_success() -> None:
    ran = bare("all", environ={})
    assert (ran.returncode, ran.stdout) == (6, b"")
    assert ran.stderr.decode().splitlines() == [
        "cancelall: no profile is configured and no venue's secrets are in the environment - "
        "add one, with its keys: cancelall auth set bybit"
    ]


def jobs_of(text: str) -> list[list[str]]:
    """The jobs of a crontab with users, each as its seven fields."""
    return [line.split(maxsplit=6) for line in text.splitlines() if line[:1].isdigit()]


def test_the_jobs_of_cron_in_the_environment_of_cron(tmp_path: Path) -> None:
    """Nothing fires as the file stands. Each line has its user, its command runs with cron's short PATH.

    What is not clear reaches the log.
    """
    text = (ROOT / "contrib" / "cron" / "cancelall").read_text(encoding="utf-8")
    settings = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z_]+=", line))
    reads = ["cancelall check --quiet", "cancelall check"]
    assert [job[6] for job in jobs_of(text)] == [f"/usr/local/bin/{words}" for words in reads]
    days = ",".join(job[4] for job in jobs_of(text))
    assert sorted(days) == sorted("0,2-6,1")  # each day one of them
    jobs = jobs_of(re.sub(r"^#(?=\d)", "", text, flags=re.MULTILINE))
    assert [job[5] for job in jobs] == ["trader"] * 3
    for name, does in (("cancelall", "exit 11"), ("logger", ":")):
        (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/ran\n{does}\n', encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for job in jobs:
        assert "%" not in job[6]  # a line break to cron
        command = job[6].replace("/usr/local/bin", str(tmp_path))
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/nonexistent", "SHELL": settings["SHELL"]}
        subprocess.run([settings["SHELL"], "-c", command], env=environ, timeout=20, check=False)
    assert (tmp_path / "ran").read_text(encoding="utf-8").splitlines() == [
        *reads,
        "cancelall all --quiet",
        "logger -t cancelall -p user.alert not clear: exit 11",
    ]
