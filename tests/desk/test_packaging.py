"""What people install: built twice it is the same, it holds what belongs into it, and what it needs is pinned."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import manual
from cancelall.cli import app, completion
from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
DATA = {str(path.relative_to(ROOT)) for kind in ("toml", "json", "txt") for path in ROOT.glob(f"cancelall/**/*.{kind}")}
"""What modules read when they are imported."""
GENERATED = "run: python docs/documents.py"


# --- generated files ------------------------------------------------------------------------------------------------


def test_the_manual_page_is_up_to_date() -> None:
    assert (ROOT / "man" / "cancelall.1").read_text(encoding="utf-8") == manual.page(app.command()), GENERATED


@pytest.mark.parametrize("shell", completion.SCRIPTS)
def test_the_completion_scripts_are_up_to_date(shell: str) -> None:
    script = ROOT / "contrib" / "shell" / f"completion.{shell}"
    assert script.read_text(encoding="utf-8") == completion.SCRIPTS[shell], GENERATED


def test_the_manual_page_can_be_read() -> None:
    """No warning of groff's or mandoc's, and every command and option in the text."""
    page = str(ROOT / "man" / "cancelall.1")
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    shown = subprocess.run(
        ["man", "--warnings", "-l", page],
        env={"PATH": os.environ["PATH"], "MANWIDTH": "200", "LANG": "C.UTF-8", "MANPAGER": "cat", "MANROFFOPT": "-c"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    text = re.sub(r".\x08", "", shown.stdout)
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in ("cancelall bybit", "cancelall all", "cancelall config init", "--settle-coin COIN", "130, 143"):
        assert words in text
    if shutil.which("mandoc"):
        linted = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
        )
        assert [line for line in linted.stdout.splitlines() if "missing date" not in line] == []


# --- builds ---------------------------------------------------------------------------------------------------------


def built(folder: Path, *, mode: int, mtime: int) -> dict[str, Path]:
    """Build in a copy of the tree whose files have other times and modes."""
    tree = folder / "tree"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "dist", "build", "node_modules")
    shutil.copytree(ROOT, tree, ignore=left_out, symlinks=True)
    for path in tree.rglob("*"):
        if path.is_file():
            path.chmod(mode)
            os.utime(path, (mtime, mtime))
    environ = {"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "1700000000", "HOME": str(folder)}
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(folder / "out")]
    made = subprocess.run(words, cwd=tree, env=environ, capture_output=True, text=True, timeout=50, check=False)
    assert made.returncode == 0, made.stderr
    return {path.name: path for path in (folder / "out").iterdir()}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Path]]:
    pytest.importorskip("hatchling")
    return [
        built(tmp_path_factory.mktemp("first"), mode=0o644, mtime=1_600_000_000),
        built(tmp_path_factory.mktemp("second"), mode=0o600, mtime=1_750_000_000),
    ]


@pytest.mark.faults
def test_built_twice_it_is_the_same(artifacts: list[dict[str, Path]]) -> None:
    first, second = artifacts
    assert sorted(path.rpartition(".")[2] for path in first) == ["gz", "whl"]
    for name in first:
        hashes = [hashlib.sha256(made[name].read_bytes()).hexdigest() for made in (first, second)]
        assert hashes[0] == hashes[1], name


def test_the_wheel_holds_the_program_and_its_manual(artifacts: list[dict[str, Path]]) -> None:
    (wheel,) = (path for name, path in artifacts[0].items() if name.endswith(".whl"))
    names = zipfile.ZipFile(wheel).namelist()
    shared = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    assert {
        "share/man/man1/cancelall.1",
        "share/bash-completion/completions/cancelall",
        "share/zsh/site-functions/_cancelall",
        "share/fish/vendor_completions.d/cancelall.fish",
        "share/cancelall/systemd/cancelall@.service",
        "share/cancelall/cron/cancelall",
        "share/cancelall/shell/panic-unit",
        "share/cancelall/polkit/50-cancelall.rules",
    } <= shared
    assert {"cancelall/py.typed", *DATA} <= set(names)
    assert all(name.startswith(("cancelall/", "cancelall-")) for name in names)  # nothing else is put next to it
    assert not [name for name in names if "/tests/" in name or name.endswith(".pyc")]


def test_the_source_holds_what_is_needed_to_build_and_test_it(artifacts: list[dict[str, Path]]) -> None:
    (source,) = (path for name, path in artifacts[0].items() if name.endswith(".gz"))
    with tarfile.open(source) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {
        *("pyproject.toml", "requirements.lock", "Makefile", "LICENSE", "README.md", "config.example.toml"),
        *("docs/operations.md", "contrib/systemd/cancelall@.service", "man/cancelall.1", "tests/support.py"),
        *DATA,
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(".conformance")]


# --- the lock file --------------------------------------------------------------------------------------------------


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_with_hashes() -> None:
    text = re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE).replace("\\\n", " ")
    pinned = {}
    for line in text.splitlines():
        name, _, rest = line.partition("==")
        assert re.fullmatch(r"[a-z0-9-]+", name), line
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?= |$)", rest)) >= 1, name
        pinned[name] = rest.split()[0]
    wanted = {normal(re.split(r"[<>=!~ ;\[]", needed)[0]) for needed in PROJECT["dependencies"]}
    assert wanted <= set(pinned)
    assert pinned["typer"].startswith("0.28.")
    # What the keyring needs where a unit runs: locked although it is of one platform only.
    assert {"jeepney", "secretstorage", "cryptography", "certifi"} <= set(pinned)


def test_it_names_no_place_to_download_from() -> None:
    assert not re.search(r"://|--index|--find-links|--extra|--trusted| @ ", LOCK)


# --- the clients of conformance tests --------------------------------------------------------------------------------


def test_the_clients_of_conformance_tests_are_pinned_and_change_nothing_of_ours() -> None:
    """They are installed without what they depend on: nothing there may be in the place of a package of ours."""
    text = (ROOT / "tests" / "conformance.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines), lines
    assert not re.search(r"--|files\.|pypi|index", text)
    clients = {line.partition("==")[0] for line in lines}
    assert len(clients) == len(lines)
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert not clients & {normal(re.split(r"[<>=!~ ;\[]", one)[0]) for one in needed}


# --- aliases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_aliases_fire_here_and_there(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    for name in ("cancelall", "ssh"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    aliases = ROOT / "contrib" / "shell" / ("aliases.fish" if shell == "fish" else "aliases.sh")
    first = "shopt -s expand_aliases\n" if shell == "bash" else ""
    typed = f"{first}source {aliases}\npanic --keep-protective\npanic-there desk --json\n"
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [shell, *flags], input=typed, env=environ, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout.splitlines() == [
        "cancelall all --keep-protective",
        "ssh -o ConnectTimeout=5 -o BatchMode=yes desk cancelall all --json",
    ], done.stderr
