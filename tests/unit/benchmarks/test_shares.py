"""Processor time by part, on a clock that is moved by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from benchmarks import shares, timed
from benchmarks.timed import LOOP, PARTS, THREADS, Meter, Spent
from cancelall.venues.registry import load
from support import ROOT


class Hand:
    """A clock that somebody moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


def meter_of(hand: Hand) -> Meter:
    meter = Meter(hand)
    meter.enter("")
    return meter


def test_time_counts_for_the_innermost_part() -> None:
    hand = Hand()
    meter = meter_of(hand)
    parse = meter.timed("JSON", lambda: hand.spend(2.0))

    def read() -> None:
        hand.spend(1.0)
        parse()
        hand.spend(4.0)

    hand.spend(0.5)
    meter.timed("HTTP", read)()
    hand.spend(0.25)
    assert timed.by_part(meter, loop=7.75, whole=7.75) == {"HTTP": 5.0, "JSON": 2.0, LOOP: 0.75, THREADS: 0.0}


def test_a_part_within_itself_is_entered_once_and_a_failure_leaves_it() -> None:
    hand = Hand()
    meter = meter_of(hand)

    def fail() -> None:
        hand.spend(1.0)
        raise ValueError

    inner = meter.timed("HTTP", fail)
    with pytest.raises(ValueError):
        meter.timed("HTTP", lambda: inner())()
    hand.spend(3.0)
    assert meter.threads[0].entered == {"": 1, "HTTP": 1}
    assert timed.by_part(meter, loop=4.0, whole=4.0)["HTTP"] == 1.0


def test_what_measuring_takes_is_taken_off() -> None:
    hand = Hand()
    meter = meter_of(hand)
    meter.inside, meter.around = 0.1, 0.3
    parse = meter.timed("JSON", lambda: hand.spend(2.0))
    for _ in range(5):
        parse()
    spent = timed.by_part(meter, loop=20.0, whole=20.0)
    assert spent == {"JSON": pytest.approx(9.5), LOOP: pytest.approx(20.0 - 10.0 - 6 * 0.3), THREADS: 0.0}


def test_threads_have_their_own_rest() -> None:
    hand = Hand()
    meter = meter_of(hand)
    meter.threads.append(Spent(0.0))
    meter.threads[1].spent["JSON"] = 2.0
    spent = timed.by_part(meter, loop=3.0, whole=10.0)
    assert spent == {LOOP: 3.0, "JSON": 2.0, THREADS: 5.0}


def test_a_further_profile_and_its_shares() -> None:
    many: list[Mapping[str, float]] = [{"JSON": 0.4, "TLS": 1.0}, {"JSON": 0.2, "TLS": 1.2}, {"JSON": 0.9}]
    parts = shares.of_each(many, [{"JSON": 0.2}], 100)
    assert parts == {"JSON": pytest.approx(2.0), "TLS": pytest.approx(10.0)}
    assert list(shares.rows(parts)) == ["TLS", "JSON", shares.ALL]
    assert shares.rows(parts)[shares.ALL] == {"ms": pytest.approx(12.0), "%": 100.0}
    assert shares.rows(parts)["TLS"]["%"] == pytest.approx(1000 / 12)


def test_every_part_names_what_there_is() -> None:
    """In a process of its own: what is measured stays so."""
    code = (
        "from benchmarks import timed\n"
        "meter = timed.Meter()\n"
        "timed.install(meter)\n"
        "import json; json.loads('[1]')\n"
        "print(sum(thread.entered['JSON of answers'] for thread in meter.threads))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert all(PARTS.values())


def test_who_imports_it_keeps_the_limits() -> None:
    assert load("bybit").address_limit is not None
