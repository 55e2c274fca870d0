"""What the bench demands: bounds may be narrowed, and none is softened unseen."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from benchmarks import guard
from benchmarks.__main__ import FAR, NEAR
from benchmarks.bench import Bench
from benchmarks.exchange import Authority
from benchmarks.guard import Waiting
from benchmarks.kept import Kept
from benchmarks.page import Column


def test_from_exec_to_the_first_cancel() -> None:
    narrowest = {name: min(most) for rows in (NEAR, *FAR.values()) for name, _, _, most in rows}
    assert narrowest == {
        "loopback: cancelall (environment) / bare requests": 0.85,
        "loopback: cancelall (directory) / bare requests": 1.35,
        "loopback: cancelall / pybit": 1.0,
        "loopback: cancelall / ccxt": 0.6,
        "loopback: cancelall (keyring) / bare requests": 1.35,
        "20 ms away: cancelall / bare requests": 1.0,
        "80 ms away: cancelall / bare requests": 0.8,
        "80 ms away: cancelall / curl and openssl": 1.1,
        "200 ms away: cancelall / curl and openssl": 1.05,
    }


def bench(last: Kept | None) -> Bench:
    tls = Authority(bundle=Path("ca.pem"), context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    return Bench(tls=tls, folder=Path(), quick=True, last=last)


def measured(run: Bench, value: float) -> list[str]:
    """The top of the page of a run in which everything is this."""
    run.table("Profiles", "profiles", (Column("s", compared=True),), {"1,000": {"s": value}})
    run.bound("a / b", value, 1.5, 2.5)
    run.weigh("1,000 profiles", 90 * value)
    return run.top()


def test_the_figures_of_a_run_are_kept_and_compared() -> None:
    first = bench(None)
    assert "| a / b | 1.5 | – | 2.00 | **no** |" in measured(first, 2.0)
    second = bench(Kept(date="2026-11-30", commit="", figures=first.figures))
    top = measured(second, 1.0)
    assert "| 1,000 | 2.00 | 1.00 |" in second.lines
    assert "| a / b | 1.5 | 2.00 | 1.00 | yes |" in top
    assert "| 1,000 profiles | 180 | 90 |" in top
    assert second.curve("verdict", "Profiles", "s") == ("verdict", {1000: 1.0}, {1000: 2.0})


def test_what_a_guard_takes_while_it_waits_is_that_of_most_windows() -> None:
    one = Waiting(connections=40, shares=(0.01, 0.008, 0.05), requests=0.1, resident_mb=50, peak_mb=52)
    assert one.share == 0.01


@pytest.mark.parametrize("count", [1, 20])
def test_one_of_twenty_may_take_longer(count: int) -> None:
    assert guard.p95([1.0] * (count - 1) + [1.0]) == 1.0
