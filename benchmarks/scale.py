"""What a kill costs for each further profile and order: `python -m benchmarks.scale [PROFILES...] [--orders N...]`.

The exchange is a process of its own, so that the processor time of the kill is the kill's alone: it is what the kernel
counts for the command, and hardly depends on what else the machine does. Prints the tables of docs/sharding.md.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import tomli_w

from benchmarks.command import CANCELALL, Used, run_and_measure
from benchmarks.exchange import authority, exchange
from benchmarks.page import Column, Row, table

PROFILES = (1, 100, 1000)
UNLIMITED = (sys.executable, "-m", "benchmarks.unlimited")
"""The command, where it does not keep to the limits that Bybit documents."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One kill; seconds from exec."""

    profiles: int
    orders: int
    """Of each profile."""
    last_cancel: float
    last_verdict: float
    used: Used
    requests: int
    unclear: int
    """Profiles that have no verdict `clear`, and orders that are left."""

    @property
    def clear(self) -> bool:
        """Whether it did what it is for."""
        return not self.unclear

    @property
    def processor(self) -> float:
        """Seconds of processor time."""
        return self.used.user + self.used.system


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A fake Bybit in a process of its own, which does not limit."""

    pipe: Connection
    tables: Mapping[str, object]
    defaults: Mapping[str, str]
    """Of the profiles: with TLS, the bundle with its authority."""

    def rest(self, orders: int, profiles: int) -> None:
        """Put so many orders into each of the first accounts, and forget what was asked so far."""
        self.pipe.send(("rest", orders, profiles))
        self.pipe.recv()

    def seen(self) -> tuple[float, int, int]:
        """Wall time of the last account's first cancel, the requests so far, and the orders that are left."""
        self.pipe.send(("seen", 0, 0))
        told: tuple[float, int, int] = self.pipe.recv()
        return told


@contextlib.contextmanager
def apart(accounts: int, folder: Path | None = None) -> Iterator[Apart]:
    """Start one with so many accounts; with TLS, if there is a folder for its certificates."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, accounts, folder), daemon=True)
    process.start()
    try:
        tables, defaults = ours.recv()
        yield Apart(pipe=ours, tables=tables, defaults=defaults)
    finally:
        ours.close()
        process.join(5)
        process.kill()


def _serve(pipe: Connection, accounts: int, folder: Path | None) -> None:
    tls = None if folder is None else authority(folder)
    with exchange("bybit", tls=tls, limits=False) as place:
        fake = place.server.fake
        tables: dict[str, object] = {}
        for number in range(accounts):
            account = place.server.account if number == 0 else place.server.add_account(orders=0)
            table_ = {**place.table("bybit", settle_coin="USDT"), "credentials": dict(account.credentials)}
            tables[f"p{number}"] = table_
        pipe.send((tables, {} if tls is None else {"ca_bundle": str(tls.bundle)}))
        with contextlib.suppress(EOFError):
            while True:
                word, orders, profiles = pipe.recv()
                if word == "rest":
                    for account in list(fake.accounts.values())[:profiles]:
                        place.rest(orders, account)
                    fake.requests.clear()
                    pipe.send(None)
                else:
                    first: dict[str, int] = {}
                    requests = place.server.requests
                    for request in requests:
                        if request.changes:
                            first.setdefault(request.headers["x-bapi-api-key"], request.received_ms)
                    pipe.send((max(first.values(), default=0) / 1000, len(requests), len(place.server.open_orders())))


def kill(place: Apart, home: Path, profiles: int, orders: int, *, program: Sequence[str] = UNLIMITED) -> Cost:
    """Kill the first profiles, each with so many orders; `program` are the words of the command."""
    path = home / f"{profiles}.toml"
    if not path.exists():
        chosen = dict(list(place.tables.items())[:profiles])
        path.write_text(tomli_w.dumps({"defaults": place.defaults, "profiles": chosen}), encoding="utf-8")
        path.chmod(0o600)
    place.rest(orders, profiles)
    line = (*program, "all", "--json", "--quiet", "--config", str(path), "--deadline", "120")
    ran, used = run_and_measure(*line, home=home, env={})
    lines = ran.lines
    last, requests, left = place.seen()
    return Cost(
        profiles=profiles,
        orders=orders,
        last_cancel=last - ran.began,
        last_verdict=max((one["timing_ms"]["verdict"] for one in lines), default=0) / 1000,
        used=used,
        requests=requests,
        unclear=abs(profiles - len(lines)) + sum(one["verdict"] != "clear" for one in lines) + left,
    )


def each(many: Cost, few: Cost) -> float:
    """Milliseconds of processor time for each further profile."""
    return (many.processor - few.processor) * 1000 / (many.profiles - few.profiles)


def each_order(many: Cost, few: Cost) -> float:
    """Milliseconds of processor time for each further order."""
    return (many.processor - few.processor) * 1000 / (many.profiles * many.orders - few.profiles * few.orders)


def typical(costs: Sequence[Cost]) -> Cost:
    """Of kills of one shape: the median of each figure."""
    used = [one.used for one in costs]
    return replace(
        costs[0],
        last_cancel=median(one.last_cancel for one in costs),
        last_verdict=median(one.last_verdict for one in costs),
        used=Used(
            user=median(one.user for one in used),
            system=median(one.system for one in used),
            peak_mb=median(one.peak_mb for one in used),
        ),
        requests=round(median(one.requests for one in costs)),
        unclear=max(one.unclear for one in costs),
    )


COLUMNS = (
    Column("last mass cancel s", compared=True),
    Column("last verdict s", compared=True),
    Column("processor s", compared=True),
    Column("peak MB", ".0f", compared=True),
    Column("requests", ",.0f"),
)


def row(cost: Cost) -> Row:
    """A kill in these columns."""
    figures = (cost.last_cancel, cost.last_verdict, cost.processor, cost.used.peak_mb, cost.requests)
    return {column.name: figure for column, figure in zip(COLUMNS, figures, strict=True)}


def costs_table(costs: Sequence[Cost]) -> list[str]:
    """A row for each kill."""
    head = ("profiles", "orders of each", *(column.name for column in COLUMNS))
    return table(
        head,
        (
            (f"{one.profiles:,}", f"{one.orders:,}", *(f"{row(one)[name]:{form}}" for name, form, _ in COLUMNS))
            for one in costs
        ),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("profiles", nargs="*", type=int, default=list(PROFILES))
    parser.add_argument("--orders", type=int, nargs="*", default=[1], help="of each profile")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--limits", action="store_true", help="keep to those that Bybit documents")
    parser.add_argument("--under", default="", help="what watches the command: 'perf record -o FILE --'")
    words = parser.parse_args()
    program = (*words.under.split(), *((CANCELALL,) if words.limits else UNLIMITED))
    with tempfile.TemporaryDirectory(prefix="cancelall-scale-") as name:
        folder = Path(name)
        with apart(max(words.profiles), folder if words.tls else None) as place:
            costs = [
                kill(place, folder, profiles, orders, program=program)
                for _ in range(words.runs)
                for orders in words.orders
                for profiles in words.profiles
            ]
    print("\n".join(costs_table(costs)))
    if not all(one.clear for one in costs):
        sys.exit("not all were clear")


if __name__ == "__main__":
    main()
