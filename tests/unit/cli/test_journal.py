"""`cancelall journal report`: the page of real runs, in a pipe of 80 columns."""

from __future__ import annotations

from pathlib import Path

from cancelall import simulator
from support import cancelall, profile_table, write_config


def test_the_page_of_a_kill(home: Path) -> None:
    with simulator.start("bybit", orders=7) as server:
        path = write_config(home / "config.toml", {"bybit": profile_table("bybit", server)})
        assert cancelall("bybit", "--reason", "fire drill", "--config", str(path), home=home).code == 0
        assert cancelall("bybit", "--dry-run", "--config", str(path), home=home).code == 0
    rehearsed = cancelall("journal", "report", home=home)
    assert (rehearsed.code, rehearsed.out.splitlines()[-1]) == (0, "It only read: nothing was cancelled.")
    both = cancelall("journal", "report", "--since", "1h", home=home)
    first, _, second = both.out.partition("\n\nRun ")
    assert second
    assert "  reason    fire drill\n" in first
    assert "the chain of hashes holds" in first
    row = next(line.split() for line in first.splitlines() if line.startswith("  bybit "))
    assert row[1] == "clear"
    assert int(row[2]) >= 7
    assert row[3] == "0"
    assert "CLEAR: nothing was left on 1 of 1 profiles." in first
    one = cancelall("journal", "report", "--run", first.split()[1], home=home)
    assert one.out.splitlines()[:6] == first.splitlines()[:6]
    for ran in (both, cancelall("journal", "show", home=home)):
        assert max(map(len, ran.out.splitlines())) <= 80


def test_a_page_of_nothing(home: Path) -> None:
    ran = cancelall("journal", "report", home=home)
    assert (ran.code, ran.out) == (0, "")
    assert "there is no journal yet" in ran.err
    wrong = cancelall("journal", "report", "--since", "soon", home=home)
    assert (wrong.code, "--since soon: write a number and s, m, h or d" in wrong.err) == (2, True)
