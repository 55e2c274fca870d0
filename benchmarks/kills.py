"""From the first cancel to the verdict: venues, profiles and orders, with one of them slow and one dead."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks.command import CANCELALL, Ran, run, run_and_weigh
from benchmarks.exchange import Authority, Place, exchange

RTT = 0.08
"""Seconds to the exchange, where not said otherwise."""
GAP = 1.0
"""Seconds that must lie between the two empty listings of a proof on Bybit."""


def config(home: Path, tables: Mapping[str, object], tls: Authority | None, **more: object) -> Path:
    """A config file with these profiles, and further tables."""
    path = home / "config.toml"
    defaults = {"ca_bundle": str(tls.bundle)} if tls else {}
    path.write_text(tomli_w.dumps({"defaults": defaults, "profiles": tables, **more}), encoding="utf-8")
    path.chmod(0o600)
    return path


def kill(path: Path, home: Path, *words: str, deadline: float = 60) -> Ran:
    """`cancelall all` with JSON lines."""
    more = ("--json", "--quiet", "--config", str(path), "--deadline", f"{deadline:g}")
    return run(CANCELALL, "all", *more, *words, home=home, env={}, seconds=deadline + 60)


def clear(ran: Ran, *places: Place) -> None:
    """Every profile says so, and so does the exchange."""
    verdicts = {line["profile"]: line["verdict"] for line in ran.lines}
    assert verdicts, ran.err
    assert (ran.code, set(verdicts.values())) == (0, {"clear"}), (verdicts, ran.err)
    assert not [order for place in places for order in place.server.open_orders()], "orders are left"


def verdict(line: Mapping[str, Any]) -> float:
    """Seconds from exec to the verdict."""
    found: int = line["timing_ms"]["verdict"]
    return found / 1000


# --- an account with some orders --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Account:
    """The kill of one account; seconds from the first cancel to the verdict."""

    orders: int
    seconds: float
    mass_cancels: int
    requests: int
    peak_mb: float


def account(orders: int, rtt: float, tls: Authority, home: Path) -> Account:
    """Kill one Bybit account with so many orders, under the venue's rate limits."""
    with exchange("bybit", tls=tls, rtt=rtt) as place:
        place.rest(orders)
        path = config(home, {"bybit": place.table("bybit", settle_coin="USDT")}, tls)
        words = (CANCELALL, "bybit", "--json", "--quiet", "--config", str(path), "--deadline", "120")
        ran, peak = run_and_weigh(*words, home=home, env={})
        clear(ran, place)
        (line,) = ran.lines
        (segment,) = line["segments"]
        return Account(
            orders=orders,
            seconds=verdict(line) - line["timing_ms"]["first_request"] / 1000,
            mass_cancels=segment["mass_cancels"],
            requests=line["requests"],
            peak_mb=peak,
        )


STAGES = 2
"""Readings that follow each other in a listing of Bybit's linear contracts: triggers, then what they turn into."""


def least(rtt: float) -> float:
    """Seconds that the protocol takes at least: the cancel, two listings of two stages each, and the gap between."""
    return (1 + 2 * STAGES) * rtt + GAP


CAP = 500
"""Orders that one cancel-all of futures takes at most: https://bybit-exchange.github.io/docs/v5/order/cancel-all"""
PER_SECOND = 10
"""Cancel-alls of futures in a second: https://bybit-exchange.github.io/docs/v5/rate-limit"""


def forced_calls(orders: int) -> int:
    """Cancel-alls that the cap forces, with the one that learns that there is nothing more."""
    return math.ceil(orders / CAP) + 1


def forced_seconds(orders: int, rtt: float) -> float:
    """Seconds that the rate limit forces: a full one before each ten calls more, and the least."""
    return (forced_calls(orders) - 1) // PER_SECOND + least(rtt)


# --- many profiles, one slow, one dead --------------------------------------------------------------------------------


@contextlib.contextmanager
def _dead() -> Iterator[str]:
    """An origin that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


def troubled(count: int, tls: Authority, home: Path, runs: int) -> tuple[list[float], list[float]]:
    """Seconds to the last verdict of the healthy profiles, without and with a slow and a dead one them."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(exchange("bybit", tls=tls, rtt=RTT, limits=False))
        slow = stack.enter_context(exchange("bybit", tls=tls, rtt=1.5))
        dead = stack.enter_context(_dead())
        healthy = {f"p{number}": _account(place, number) for number in range(count)}
        ill = {"slow": slow.table("bybit", settle_coin="USDT")}
        ill["dead"] = {**ill["slow"], "base_url": dead}

        def spent(tables: Mapping[str, object]) -> float:
            for account in place.server.fake.accounts.values():
                place.rest(1, account)
            slow.rest(1)
            ran = kill(config(home, tables, tls), home, deadline=12)
            told = {line["profile"]: line for line in ran.lines}
            assert all(told[name]["verdict"] == "clear" for name in healthy), ran.out
            assert not place.server.open_orders()
            assert "dead" not in told or told["dead"]["verdict"] == "unreachable", ran.out
            return max(verdict(told[name]) for name in healthy)

        without, beside = [], []
        for _ in range(runs):
            without.append(spent(healthy))
            beside.append(spent(healthy | ill))
        return without, beside


def _account(place: Place, number: int) -> dict[str, object]:
    """A profile for one more account."""
    account = place.server.account if number == 0 else place.server.add_account(orders=0)
    return {**place.table("bybit", settle_coin="USDT"), "credentials": dict(account.credentials)}


# --- a thousand profiles ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The kill of many profiles; seconds from exec."""

    profiles: int
    first_cancel: float
    last_cancel: float
    reads_before: int
    """Reads that the exchange got before the last account's first cancel."""
    last_verdict: float


def desk(count: int, home: Path) -> Desk:
    """Kill many accounts of one order each, without TLS: the exchange's own share of the two cores is large enough.

    It allows 600 requests in 5 s from this address, and would block it for ten minutes.
    """
    with exchange("bybit", tls=None) as place:
        tables = {f"p{number}": _account(place, number) for number in range(count)}
        for account in place.server.fake.accounts.values():
            place.rest(1, account)
        path = config(home, tables, None)
        ran = kill(path, home, deadline=120)
        clear(ran, place)
        assert len(ran.lines) == count
        first: dict[str, int] = {}
        for request in place.server.requests:
            if request.changes:
                first.setdefault(request.headers["x-bapi-api-key"], request.received_ms)
        assert len(first) == count
        last = max(first.values())
        return Desk(
            profiles=count,
            first_cancel=min(first.values()) / 1000 - ran.began,
            last_cancel=last / 1000 - ran.began,
            reads_before=sum(not one.changes and one.received_ms < last for one in place.server.requests),
            last_verdict=max(map(verdict, ran.lines)),
        )


def overhead(tls: Authority, home: Path, runs: int) -> list[float]:
    """Seconds from the first cancel to the verdict, for 100 orders."""
    return [account(100, RTT, tls, home).seconds for _ in range(runs)]
