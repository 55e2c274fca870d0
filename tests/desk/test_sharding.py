"""The recipes of docs/sharding.md, word for word, on one machine: several accounts, one verdict of all shards."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from support import ROOT, profile_table, write_config

TEXT = (ROOT / "docs" / "sharding.md").read_text(encoding="utf-8")
ACCOUNTS = 5
SHELL = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Some accounts with orders, their config, and a PATH with the program and stand-ins for what is not here."""

    server: SimServer
    home: Path
    environ: Mapping[str, str]

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """What a shell makes of it."""
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.home,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@contextmanager
def desk(home: Path) -> Iterator[Desk]:
    """Each account has orders; secrets are files, as in a cluster."""
    folder = home / "bin"
    folder.mkdir()
    stand_in(folder / "cancelall", f'exec {sys.executable} -m cancelall "$@"')
    stand_in(folder / "ssh", 'shift\n[ "$1" = -- ] && shift\nexec sh -c "$*"')  # a host is this machine
    with simulator.start("bybit", orders=3) as server:
        accounts = [server.account, *(server.fake.add_account(orders=3) for _ in range(ACCOUNTS - 1))]
        table = profile_table("bybit", server)
        del table["credentials"]
        names = [f"mm-{number}" for number in range(ACCOUNTS)]
        config = write_config(home / "config.toml", dict.fromkeys(names, table))
        secrets = home / "credentials"
        secrets.mkdir(mode=0o700)
        for name, account in zip(names, accounts, strict=True):
            for field, value in account.credentials.items():
                path = secrets / f"cancelall.{name}.{field}"
                path.write_text(value, encoding="utf-8")
                path.chmod(0o400)
        environ = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(home),
            "SHELL": "/bin/sh",
            "PYTHONPATH": str(ROOT),
            "CANCELALL_CONFIG": str(config),
            "CREDENTIALS_DIRECTORY": str(secrets),
        }
        yield Desk(server=server, home=home, environ=environ)


def stand_in(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def is_whole(said: subprocess.CompletedProcess[str], server: SimServer) -> None:
    """One verdict of all accounts, and nothing is left."""
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(rf"\bCLEAR\b.*\b{ACCOUNTS}\b", said.stdout), said.stdout
    assert not server.open_orders()


@pytest.mark.faults
def test_an_indexed_job(home: Path) -> None:
    """The line of its container, for each index; the logs of all pods are one result."""
    (line,) = re.findall(r"args: \['(.*)'\]", TEXT)
    (merging,) = re.findall(r"^kubectl logs .*? \| (.*)$", TEXT, re.MULTILINE)
    (completions,) = map(int, re.findall(r"completions: (\d+)", TEXT))
    assert re.findall(r"parallelism: (\d+)", TEXT) == [str(completions)]
    with desk(home) as made:
        pods = [made.run(line, JOB_COMPLETION_INDEX=str(index)) for index in range(completions)]
        assert [pod.returncode for pod in pods] == [0] * completions, [pod.stderr for pod in pods]
        logs = home / "logs"
        logs.write_text("".join(pod.stdout + pod.stderr for pod in pods), encoding="utf-8")
        is_whole(made.run(f"{merging} < {logs}"), made.server)
        logs.write_text("".join(pod.stdout for pod in pods[1:]), encoding="utf-8")
        missed = made.run(f"{merging} < {logs}")
        assert (missed.returncode, f"shard 1/{completions}" in missed.stdout) == (11, True)


@pytest.mark.faults
@pytest.mark.skipif(shutil.which("parallel") is None, reason="it needs GNU parallel")
@pytest.mark.parametrize("recipe", [block for block in SHELL if "parallel " in block])
def test_gnu_parallel(recipe: str, home: Path) -> None:
    """A shard on each machine, over an ssh that goes no further than here; and several ways out of one machine."""
    with desk(home) as made:
        is_whole(made.run(f"set -e\n{recipe}"), made.server)
