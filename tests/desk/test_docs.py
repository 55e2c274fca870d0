"""The documents do what they say: their commands are typed, word for word, and what they print is compared."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.core.errors import ExitStatus
from desk import machine, transcript
from support import ROOT, profile_table, write_config

DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]


def test_in_an_empty_environment_and_a_fresh_home(home: Path) -> None:
    steps = [step for block in transcript.blocks(DOCS / "operations.md", "shell") for step in block.steps]
    program = home / "bin" / "cancelall"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from cancelall.__main__ import run\nrun()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    environ = {"PATH": f"{home / 'bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home)}
    ended = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n"
    done = subprocess.run(
        ["bash", "--norc", "-c", ended + transcript.script(steps)],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert transcript.compare(steps, done.stdout) == []
    # The last section takes everything away again, but for what was put into a directory of the user's own choice.
    kept, until = {program.parent, home / "secrets", home / "state"}, time.monotonic() + 10
    while left := [path for path in home.rglob("*cancelall*") if path.parent not in kept]:
        assert time.monotonic() < until, left
        time.sleep(0.05)  # an exchange that was ended is going


@pytest.mark.faults
def test_from_nothing_to_a_panic_unit(tmp_path: Path) -> None:
    """A machine with a systemd of its own, this program and nothing of ours on it; root follows the document.

    With DOCS_INSTALL=1 the program is installed as the document says, too: that downloads, and takes a minute.
    """
    if why := machine.missing():
        pytest.skip(why)
    install = os.environ.get("DOCS_INSTALL") == "1"
    chosen = [block for block in transcript.blocks(DOCS / "operations.md", "install") if install]
    chosen += transcript.blocks(DOCS / "operations.md", "machine")
    steps = [step for block in chosen for step in block.steps]
    room = tmp_path / "room"
    room.mkdir()
    passed_on = {key: value for key, value in os.environ.items() if install and key.startswith("PIP_")}
    with machine.booted(room, program=not install, units=False) as fresh:
        if fresh.run("findmnt", "--noheadings", "--output=FSTYPE", "/etc").stdout.strip() != "overlay":
            pytest.skip("this machine has no overlay: its own /etc would be changed")
        (room / "units" / "trading-bot.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
        assert fresh.run("useradd", "trader").returncode == 0
        environ = {"TMPDIR": str(room), "HOME": str(a_root_with_a_config_of_its_own(tmp_path)), **passed_on}
        done = fresh.run("bash", "--norc", "-c", transcript.script(steps), seconds=300, environ=environ)
        assert [one.name for one in (room / "units").glob("*cancelall*")] == []
    of_pip = re.compile(r"^WARNING: Location .*\n", re.MULTILINE)  # about where this machine gets packages from
    assert transcript.compare(steps, of_pip.sub("", done.stdout)) == []


def a_root_with_a_config_of_its_own(folder: Path) -> Path:
    """A home whose config must not be read by what is typed for the machine."""
    path = folder / "root" / ".config" / "cancelall" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[profiles.bybit]\nvenue = "bybit"\nbase_url = "http://127.0.0.1:1"\n', encoding="utf-8")
    path.chmod(0o600)
    return folder / "root"


@pytest.mark.faults
def test_from_another_machine(tmp_path: Path) -> None:
    """On the machine that is set up, with an ssh that goes no further than there."""
    if why := machine.missing():
        pytest.skip(why)
    steps = [step for block in transcript.blocks(DOCS / "operations.md", "there") for step in block.steps]
    assert len(steps) == 2
    room = tmp_path / "room"
    room.mkdir()
    with machine.booted(room) as there, simulator.start("bybit", orders=5) as server:
        write_config(room / "etc" / "config.toml", {"bybit": profile_table("bybit", server)})
        shutil.copy(ROOT / "contrib" / "shell" / "panic-unit", room / "bin")
        (room / "bin" / "ssh").write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n', encoding="utf-8")
        (room / "bin" / "ssh").chmod(0o755)
        environ = {"HOME": str(a_root_with_a_config_of_its_own(tmp_path))}
        done = there.run("bash", "--norc", "-c", transcript.script(steps), environ=environ)
        assert transcript.compare(steps, done.stdout) == []
        assert not server.open_orders()


@pytest.mark.skipif(shutil.which("uv") is None or os.environ.get("DOCS_INSTALL") != "1", reason="it downloads")
def test_installed_with_uv(home: Path) -> None:
    """The program, its manual page and its completion, as the document says."""
    steps = [step for block in transcript.blocks(DOCS / "operations.md", "uv") for step in block.steps]
    programs = home / ".local" / "bin"
    programs.mkdir(parents=True)
    (programs / "uv").symlink_to(shutil.which("uv") or "")
    passed_on = {key: value for key, value in os.environ.items() if key.startswith("UV_") or key == "SSL_CERT_FILE"}
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home), **passed_on}
    done = subprocess.run(
        ["bash", "--norc", "-c", transcript.script(steps)],
        env=environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert transcript.compare(steps, done.stdout) == []
    assert (home / ".local/share/man/man1/cancelall.1").read_bytes() == (ROOT / "man" / "cancelall.1").read_bytes()
    completion = home / ".local/share/bash-completion/completions/cancelall"
    assert completion.read_bytes() == (ROOT / "contrib" / "shell" / "completion.bash").read_bytes()


TYPED = {"install", "uv", "machine", "there", "shell"}
"""Where blocks are typed: each has a test above."""


def test_every_block_of_the_operations_is_typed_by_a_test() -> None:
    """Sections 1 to 10: whatever is shown as a command is run, and what is in another form of block is no command."""
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    typed = {where: transcript.blocks(DOCS / "operations.md", where) for where in TYPED}
    assert sum(map(len, typed.values())) == text.count("```console\n")
    assert all(block.where <= TYPED for blocks in typed.values() for block in blocks)
    others = re.findall(r"^ *```(?!console)(\w+)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in others} <= {"text", "ini", "toml", "yaml"}
    assert not [body for _, body in others if re.search(r"^ *[$#] (cancelall|systemctl|sudo)\b", body, re.MULTILINE)]
    sections = re.split(r"^## (\d+)\. .*$", text, flags=re.MULTILINE)
    bare = [number for number, body in zip(sections[1::2], sections[2::2], strict=True) if "```console" not in body]
    assert bare == ["2"]  # how to make a key, at each venue's site


def test_fire_until_it_is_clear(tmp_path: Path) -> None:
    """The loop of the runbook, with a program that is clear at the third try and a minute that does not pass."""
    text = (DOCS / "runbook.md").read_text(encoding="utf-8")
    (loop,) = re.findall(r"^until .*$", text, re.MULTILINE)
    for name, does in (("cancelall", 'echo "$@" >> fired; test "$(wc -l < fired)" -ge 3'), ("sleep", ":")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-c", loop], env=environ, cwd=tmp_path, timeout=20, check=True)
    assert (tmp_path / "fired").read_text(encoding="utf-8") == "all\n" * 3


# --- what they name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        document_at = (document.parent / path) if path else document
        assert document_at.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", document_at.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, target


def test_the_address_of_a_clone_is_a_placeholder_that_says_so() -> None:
    for document in DOCUMENTS:
        for line in re.findall(r"^.*git clone.*$", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(r"https://HOST\.example/\S+ .*# a placeholder", line), (document.name, line)
    assert "git clone" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_files_that_are_named_are_there() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for path in re.findall(r"`(contrib/[\w@./-]+|docs/[\w./-]+|requirements\.lock|config\.example\.toml)`", text):
            assert (ROOT / path).exists(), (document.name, path)


PROFILES = {"mm-2": "bitget"}
"""Those that examples name, and their venues."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_that_are_shown_exist(document: Path, home: Path) -> None:
    """Every `cancelall …` in a block or in backquotes, down to its options."""
    text = document.read_text(encoding="utf-8")
    manual = re.sub(r"\\(-|&)", r"\1", (ROOT / "man" / "cancelall.1").read_text(encoding="utf-8"))
    sections = dict(re.findall(r"^\.SS cancelall (.+)\n((?:(?!\.S[SH]).*\n)*)", manual, re.MULTILINE))
    shown = re.findall(r"`cancelall ([a-z][^`\n]*)`|^(?:[$#] )?cancelall ([a-z][^\n]*)", text, re.MULTILINE)
    for quoted, typed in shown:
        words = re.split(r"\s+#|\s+\||[;&>|]", quoted or typed)[0]
        if any(sign in words for sign in "[…|") or words.startswith(("VENUE", "COMMAND")):
            continue
        parts = shlex.split(words)
        if len(parts) == 1 and any(name.startswith(f"{parts[0]} ") for name in sections):
            continue  # a group of commands
        parts[0] = PROFILES.get(parts[0], parts[0])
        several = (" ".join(parts[:2]), parts[0], f"{parts[0]} stand")  # the last is the word that need not be said
        command = next((name for name in several if name in sections), None)
        assert command is not None, words
        for flag in (part for part in parts if part.startswith("--")):
            assert re.search(rf"^\.B .*{re.escape(flag)}\b", sections[command], re.MULTILINE), words


def test_every_verdict_and_every_venue_is_in_the_runbook() -> None:
    text = (DOCS / "runbook.md").read_text(encoding="utf-8")
    for verdict, code in (("open", 10), ("unreachable", 12), ("refused", 4), ("unconfigured", 6), ("unproven", 11)):
        assert f"| [`{verdict}`](#{verdict}) ({code}) |" in text
        assert f"\n## {verdict.capitalize()}\n" in text
        assert code in set(ExitStatus)
    from cancelall.venues.registry import VENUES

    for title in VENUES.values():
        section = text.partition(f"\n### {title}\n")[2].partition("\n#")[0]
        assert all(word in section for word in ("- Orders:", "- Revoke", "- Help:")) or title == "AscendEX", title
