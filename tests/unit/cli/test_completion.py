"""Completion in the shells themselves: what Tab offers after a word, and that nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cancelall.cli import app, completion
from support import ROOT, cancelall, write_config

ASK = {
    "bash": """\
source {script}
COMP_WORDS=({words} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_cancelall_completion cancelall
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": """\
source {script}
complete -C "{words} {last}" | string split -f 1 \\t
""",
    "zsh": """\
compdef() {{ : }}
_files() {{ : }}
_arguments() {{ print -r -- "$@" }}
source {script}
words=({words} "{last}"); CURRENT=${{#words}}
_cancelall
""",
}
"""How each shell tells what it would offer."""


@pytest.fixture
def desk(home: Path) -> Path:
    """A home with the program on its PATH and three profiles."""
    (home / "bin").mkdir()
    program = home / "bin" / "cancelall"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m cancelall "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (home / ".config" / "cancelall").mkdir(parents=True)
    profiles = {"bybit": {"venue": "bybit"}, "mm-2": {"venue": "bitget"}, "mm-3": {"venue": "bybit"}}
    path = write_config(
        home / ".config" / "cancelall" / "config.toml", {**profiles, "mm$(touch x)": {"venue": "bybit"}}
    )
    path.write_text(path.read_text(encoding="utf-8") + "[guard.desk]\n", encoding="utf-8")
    return home


def offered(shell: str, home: Path, *words: str) -> set[str]:
    """What Tab offers at the end of these words."""
    script = home / f"script.{shell}"
    script.write_text(completion.SCRIPTS[shell], encoding="utf-8")
    code = ASK[shell].format(script=script, words=" ".join(["cancelall", *words[:-1]]), last=words[-1])
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run(
        [shell, *flags, "-c", code],
        env={"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.stderr == ""
    if shell == "zsh":  # what its own function is given: "word":"help" on each line
        return set(re.findall(r'^(?:\*: :\(\()?"([\w-]+)"', done.stdout, re.MULTILINE))
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", completion.SCRIPTS)
def test_tab_offers_commands_and_profiles(desk: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert offered(shell, desk, "deltad") == {"deltadefi"}
    assert offered(shell, desk, "mm") == {"mm-2", "mm-3"}
    assert offered(shell, desk, "mm-2", "--margin") == {"--margin-coin"}
    assert offered(shell, desk, "guard", "d") == {"disarm", "drill"}
    assert offered(shell, desk, "guard", "mm") == {"mm-2", "mm-3"}
    assert offered(shell, desk, "guard", "mm-2", "--kill") == {"--kill-file"}
    assert offered(shell, desk, "guard", "fire", "--name", "de") == {"desk"}
    assert offered(shell, desk, "all", "--only", "mm") == {"mm-2", "mm-3"}
    assert not (desk / "x").exists()


CASES = [
    (("co",), {"config"}),
    (("m",), {"mm-2", "mm-3"}),
    (("b",), {"bybit", "bitget", "binance", "beat"}),
    (("mm-2",), {"mm-2"}),
    (("mm-2", "--prod"), {"--product-type"}),  # a profile has the options of its venue
    (("mm-3", "--category", "s"), {"spot", "spread", "strategy"}),
    (("mm-2", "--environment", ""), {"live", "demo"}),
    (("all", "--ke"), {"--keep-protective"}),
    (("bybit", "--category", ""), {"linear", "inverse", "spot", "option", "spread", "strategy"}),
    (("bitget", "--environment", ""), {"live", "demo"}),
    (("bybit", "--profile", ""), {"bybit", "mm-3"}),  # those of this venue
    (("orders", "mm"), {"mm-2", "mm-3"}),
    (("all", "--skip", "by"), {"bybit"}),
    (("demo", "--fault", "laten"), {"latency"}),
    (("check", "by"), {"bybit"}),
    (("auth", "status", "mm-3"), {"mm-3"}),
]


@pytest.mark.parametrize(("words", "expected"), CASES)
def test_every_kind_of_word(
    desk: Path,
    words: tuple[str, ...],
    expected: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(desk))
    for name in ("XDG_CONFIG_HOME", "CANCELALL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("_CANCELALL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["cancelall", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        app.main([])
    assert set(capsys.readouterr().out.split()) == expected


def test_a_broken_config_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[profiles.bybit\n", encoding="utf-8")
    assert completion.profile_names("all", path, {}) == []
    assert completion.venues_of_profiles(["x", "--config", str(path)], {}) == {}


def test_it_is_shown_and_never_installed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for shell, script in completion.SCRIPTS.items():
        assert app.main(["--show-completion", shell]) == 0
        assert capsys.readouterr().out == script
    monkeypatch.setenv("SHELL", "/bin/zsh")
    assert app.main(["--show-completion"]) == 0
    assert capsys.readouterr().out == completion.SCRIPTS["zsh"]
    assert app.main(["--show-completion", "tcsh"]) == 2
    said = capsys.readouterr()
    assert (said.out, "bash zsh fish" in said.err) == ("", True)
    app.main(["--help"])
    assert "--install-completion" not in capsys.readouterr().out
    assert cancelall("--install-completion", home=home).code == 2
    assert list(home.iterdir()) == []
