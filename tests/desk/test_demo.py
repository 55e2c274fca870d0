"""The embedded exchange as a user starts it: what it leaves behind, its faults, and a check that rehearses no lie."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cancelall import simulator
from support import ROOT, cancelall


@contextmanager
def served(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`cancelall demo --serve`, and the config that it names."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cancelall", "demo", "--serve", "--orders", "2", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().removeprefix("--config ").strip())
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind_whatever_ends_it(home: Path, ended: signal.Signals) -> None:
    with served(home) as (process, config):
        assert config.is_file()
        process.send_signal(ended)
        assert process.wait(10) == 0
    assert list(home.iterdir()) == []


@pytest.mark.faults
def test_a_key_that_may_not_cancel_is_no_key_that_is_ready(home: Path) -> None:
    """And where a key has no rights, the fault is not there: no check could tell it."""
    with served(home, "--fault", "permission") as (process, config):
        checked = cancelall("check", "--config", str(config), "--json", home=home)
        ready = {line["profile"]: line for line in checked.lines}
        for name in ("bybit", "bitget", "ascendex", "deribit", "kraken", "binance", "okx"):
            (rights,) = [one for one in ready[name]["findings"] if one["check"] == "rights"]
            assert (ready[name]["ok"], rights["level"]) == (False, "fail")
        killed = cancelall("all", "--config", str(config), "--json", "--deadline", "9", home=home)
        verdicts = {line["profile"]: line["verdict"] for line in killed.lines}
        refused = {name for name, verdict in verdicts.items() if verdict != "clear"}
        assert refused == {"bybit", "bitget", "ascendex", "deribit", "kraken", "binance", "okx"}
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert "without the fault permission, which cannot be there: pacifica, deltadefi, hyperliquid" in err


def test_one_product_that_a_key_may_not_cancel_is_told(home: Path) -> None:
    with served(home, "--fault", "permission=option") as (_, config):
        checked = cancelall("check", "bybit", "--config", str(config), home=home)
    assert "the key may have no right for option" in re.sub(r"\s+", " ", checked.out)


def test_the_list_is_of_faults_that_can_be_switched_on(home: Path) -> None:
    shown = cancelall("demo", "--fault", "list", home=home).out.splitlines()
    assert len(shown) == len(simulator.every_fault()) > 80
    for line in shown:
        assert simulator.venues_with(line.split()[0]), line
    assert next(line for line in shown if line.startswith("late-cancel")).startswith("late-cancel=1.5 ")
    wrong = cancelall("demo", "--fault", "lacks=nothing-like-it~", "--fault", "latency=much", home=home)
    assert (wrong.code, "is not a number" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("written", "venues"),
    [
        ("latency=0.2", list(simulator.VENUES)),
        ("permission", ["bybit", "bitget", "ascendex", "deribit", "kraken", "binance", "okx"]),
        ("read-only", ["bybit", "okx"]),
        ("key-days=3", ["bybit", "ascendex", "kraken", "binance"]),
        ("counts=2~", ["pacifica"]),
    ],
)
def test_a_fault_is_switched_on_where_it_can_be(written: str, venues: list[str]) -> None:
    assert simulator.venues_with(written) == venues


def test_a_value_that_no_venue_takes_is_named() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        simulator.venues_with("key-days=soon")
    with pytest.raises(ValueError, match="did you mean 'latency'"):
        simulator.venues_with("latenzy")
