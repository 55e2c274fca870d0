"""What every row's test stands on: one kill in this process or as a command, and what every row must keep to.

Whatever the fault: no secret in any outlet, an end within half a second of the deadline, an exit code of the row, and
never "clear" while something rests.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cancelall import simulator
from cancelall.cli.execute import Streams
from cancelall.cli.options import Output
from cancelall.core.attempts import Attempt
from cancelall.core.model import Request, Verdict
from cancelall.core.results import ErrorReport, ProfileReport
from cancelall.engine import verdicts
from cancelall.engine.run import Listener
from cancelall.report.streams import Outlet
from cancelall.simulator import SimServer
from cancelall.venues.contract import Venue
from cancelall.venues.registry import load
from faults import raw
from faults.rows import ROWS, Row
from support import Ran, profile_table, surroundings, swept, write_config

LATE = 0.5
"""Seconds after the deadline by which everything has to be over."""
START = 0.5
"""Seconds that a command may take besides: to start, to print, to end."""
SCALE = 0.1
"""Factor on the venues' gaps and rate limits where real time is not the point."""
DEADLINE = 1.5
"""Seconds, where nothing else is said; a command gets half a second more, to start in."""

VERDICTS = (0, 4, 10, 11, 12)
"""The exit codes of a kill that did what it could."""
TO_ITS_DEADLINE = "the kill goes on to its deadline, and has to be over half a second later"
"""Why a test is run once more alone if it fails."""
PEAK_MB = 100
"""Megabytes that a command may take, whatever a server sends."""

NARROW: Mapping[str, Mapping[str, object]] = {
    "ascendex": {"account_category": ["cash"]},
    "bitget": {"product_type": ["SPOT"]},
    "bybit": {"category": ["spread"]},
    "deltadefi": {"symbol": ["ADAUSDM"]},
    "deribit": {"kind": "future"},
    "kraken": {},
    "okx": {"instrument_type": ["SPREAD"]},
    "pacifica": {"symbol": ["BTC"]},
    "hyperliquid": {"dex": ["core"]},
    "binance": {"product": ["coinm"]},
}
"""A small scope of each venue, for commands that have to keep to real rate limits."""
LISTS_FIRST = ("hyperliquid",)
"""Venues where nothing is cancelled, and nothing signed, before orders are listed."""
PROMPT: Mapping[str, tuple[str, ...]] = {"deltadefi": ("prompt",)}
"""Quirks that are switched off where they only cost time: one in ten cancels of DeltaDeFi lands up to 2 s late."""

F = TypeVar("F", bound=Callable[..., Any])


def shows(
    number: int,
    fault: str = "",
    *,
    venues: Sequence[str] | None = None,
    over: Mapping[str, Iterable[object]] | None = None,
    share: int = 1,
    alone: str = "",
    **row: Any,
) -> Callable[[F], F]:
    """This test shows that row, for each of its venues (or those of them that are named).

    The first of a row's tests says what the row is. `over` are variants, by the name of the parameter. Each of them is
    shown on `share` venues, and each venue shows some: where a fault knows nothing of the venue, all of them on all
    venues would only take long. `alone` says why a busy machine may fail it.
    """
    if fault:
        ROWS[number] = Row(number=number, fault=fault, **row)

    def mark(test: F) -> F:
        test.fault_row = number  # type: ignore[attr-defined]
        chosen = [venue for venue in ROWS[number].venues if venues is None or venue in venues]
        if over:
            names, variants = ["venue", *over], list(product(*over.values()))
            test = pytest.mark.parametrize(names, [(venue, *one) for venue, one in _dealt(chosen, variants, share)])(
                test
            )
        elif "venue" in inspect.signature(test).parameters:
            test = pytest.mark.parametrize("venue", chosen)(test)
        return pytest.mark.faults(pytest.mark.alone(alone)(test) if alone else test)

    return mark


def _dealt(
    venues: Sequence[str], variants: Sequence[tuple[object, ...]], share: int
) -> list[tuple[str, tuple[object, ...]]]:
    """Pairs in which each variant and each venue occurs. Where they would repeat, the venues move on by one."""
    number = max(len(variants) * min(share, len(venues)), len(venues))
    again = math.lcm(len(variants), len(venues))
    return [(venues[(turn + turn // again) % len(venues)], variants[turn % len(variants)]) for turn in range(number)]


def busy() -> float:
    """How many times over this machine is busy: 1 when it is idle, or as busy as it has processors."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def allowance() -> float:
    """Seconds that a busy machine may take on top: none when it is idle."""
    return 0.5 * (min(8.0, busy()) - 1)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a kill in this process ended."""

    reports: Sequence[ProfileReport]
    log: Sequence[tuple[str, Attempt]]
    """Each attempt with its profile, in the order of their ends."""
    seconds: float
    until: float
    """The deadline on the monotonic clock."""
    said: str
    """Everything that would have been printed: tables, JSON lines, -v."""

    @property
    def report(self) -> ProfileReport:
        """The only report."""
        (report,) = self.reports
        return report

    @property
    def error(self) -> ErrorReport:
        """The error of the only report, which is there."""
        assert self.report.error is not None
        return self.report.error

    @property
    def code(self) -> int:
        """The exit code of all reports."""
        return int(verdicts.exit_status(self.reports))

    @property
    def attempts(self) -> list[Attempt]:
        """All attempts."""
        return [attempt for _, attempt in self.log]

    def sent(self) -> set[str]:
        """What is known of the failed attempts: whether they were sent. Not of those that the deadline cut off."""
        return {one.fault.sent for one in self.attempts if one.fault is not None and one.ended < self.until - 0.02}

    def tries(self) -> dict[tuple[str, Request], list[Attempt]]:
        """The attempts of each request of each profile, in the order of their beginnings."""
        tries: dict[tuple[str, Request], list[Attempt]] = {}
        for profile, attempt in sorted(self.log, key=lambda one: one[1].began):
            tries.setdefault((profile, attempt.request), []).append(attempt)
        return tries


class Quiet(Outlet):
    """An outlet into memory."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), "memory")

    @property
    def text(self) -> str:
        """What has been written."""
        assert isinstance(self.stream, io.StringIO)
        return self.stream.getvalue()


@dataclass
class Case:
    """One test of one row."""

    row: Row
    home: Path
    monkeypatch: pytest.MonkeyPatch
    stack: contextlib.ExitStack
    secrets: set[str] = field(default_factory=set)
    alternates: dict[str, str] = field(default_factory=dict)
    """Second hosts: origin to origin."""
    used: bool = False
    slow: float = field(default_factory=lambda: min(4.0, max(1.0, busy() / 2)))
    """Factor on every deadline: what takes a second on an idle machine may not be reached in one on a busy machine."""

    # --- what to aim at ---

    def server(self, venue: str, *faults: str, prompt: bool = True, **more: Any) -> SimServer:
        """A fake venue with 12 orders, these faults, and no rate limits unless they are wanted."""
        quirks = PROMPT.get(venue, ()) if prompt else ()
        settings = {"orders": 12, "limits": False, **more}
        server = self.stack.enter_context(simulator.start(venue, faults=(*quirks, *faults), **settings))
        self.secrets.update(server.credentials.values())
        return server

    def raw(self, behaviour: raw.Behaviour) -> raw.Raw:
        """A server that breaks below HTTP, until the test is over."""
        return self.stack.enter_context(raw.Raw(behaviour))

    def table(self, venue: str, origin: str, **keys: object) -> dict[str, object]:
        """A profile of a made-up account on any server."""
        fake = simulator.create(venue, orders=0)
        account = next(iter(fake.accounts.values()))
        self.secrets.update(account.credentials.values())
        return {
            "venue": venue,
            "base_url": origin,
            **account.options,
            **keys,
            "credentials": dict(account.credentials),
        }

    # --- in this process ---

    def kill(
        self,
        venue: str,
        at: SimServer | Mapping[str, object],
        *,
        options: Mapping[str, object] | None = None,
        codes: Sequence[int] | None = None,
        **more: Any,
    ) -> Ended:
        """The kill of one profile. Clear means that nothing rests."""
        table = profile_table(venue, at, **(options or {})) if isinstance(at, SimServer) else dict(at)
        ended = self.kills({venue: table}, codes=codes, **more)
        whole = isinstance(at, SimServer) and set(options or {}) <= {"ca_bundle", "proxy"}
        if whole and ended.report.verdict is Verdict.CLEAR and not ended.report.dry_run:
            assert isinstance(at, SimServer)
            assert at.open_orders() == []
        return ended

    def kills(
        self,
        tables: Mapping[str, Mapping[str, object]],
        *,
        codes: Sequence[int] | None = None,
        deadline: float = DEADLINE,
        scale: float = SCALE,
        limits: float = SCALE,
        dry_run: bool = False,
        environ: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Ended:
        """The kill of several profiles. `deadline` on an idle machine; `limits`: the factor on the rate limits."""
        self.used = True
        deadline *= self.slow
        environ = environ or {}
        self.monkeypatch.setattr("cancelall.engine.run.load", lambda name: self._hurried(load(name), limits))
        log: list[tuple[str, Attempt]] = []
        printers = [self._printer(Output(json=json, verbose=True), environ) for json in (True, False)]

        def printing(event: str) -> Callable[..., None]:
            def happened(*values: Any) -> None:
                if event == "attempt":
                    log.append(values)  # type: ignore[arg-type]
                for printer in printers:
                    getattr(printer, event)(*values)

            return happened

        listener = Listener(**{event: printing(event) for event in ("target", "attempt", "finished")})
        began = time.monotonic()
        settings = {"environ": environ, "started": began, "dry_run": dry_run, "listener": listener, "scale": scale}
        reports = swept(tables, deadline=deadline, **settings, **more)
        seconds = time.monotonic() - began
        for printer in printers:
            printer.summary(reports, int(verdicts.exit_status(reports)))
            printer.data.close(10)
            printer.notes.close(10)
        said = "".join(outlet.text for printer in printers for outlet in (printer.data, printer.notes))  # type: ignore[attr-defined]
        ended = Ended(reports=reports, log=log, seconds=seconds, until=began + deadline, said=said)
        self._holds(said, ended.code, codes, seconds, deadline)
        return ended

    def _hurried(self, venue: Venue[Any, Any, Any], factor: float) -> Venue[Any, Any, Any]:
        limits = {name: replace(one, seconds=one.seconds * factor) for name, one in venue.limits.items()}
        address = venue.address_limit and replace(venue.address_limit, seconds=venue.address_limit.seconds * factor)
        return replace(venue, limits=limits, address_limit=address, alternates={**venue.alternates, **self.alternates})

    @staticmethod
    def _printer(output: Output, environ: Mapping[str, str]) -> Streams:
        streams = Streams(output, environ)
        streams.data, streams.notes = Quiet(), Quiet()
        return streams

    def _holds(self, said: str, code: int, codes: Sequence[int] | None, seconds: float, deadline: float) -> None:
        """What every row keeps to."""
        assert [secret for secret in self.secrets if len(secret) >= 6 and secret in said] == []
        assert "Traceback" not in said
        assert code in (codes or self.row.codes), said
        assert seconds <= deadline + LATE + allowance(), said

    # --- as a command ---

    def config(self, tables: Mapping[str, object], **defaults: object) -> Path:
        """A config file with these profiles."""
        return write_config(self.home / "config.toml", tables, defaults)

    def narrow(self, venue: str, server: SimServer, **keys: object) -> Path:
        """A config file with one profile of a small scope."""
        return self.config({venue: profile_table(venue, server, **NARROW[venue], **keys)})

    def environ(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """An environment without anything but what is given; None takes a variable out."""
        return {name: value for name, value in {**surroundings(self.home), **(env or {})}.items() if value is not None}

    def start(
        self,
        *words: str,
        deadline: float | None = None,
        env: Mapping[str, str | None] | None = None,
        under: Sequence[str] = (),
        **more: Any,
    ) -> subprocess.Popen[bytes]:
        """The real command as a process that is ended with the test; `under` is a command that runs it."""
        self.used = True
        words += ("--deadline", str(deadline * self.slow)) if deadline is not None else ()
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "cwd": self.home,
            **more,
        }
        process = subprocess.Popen(
            [*under, sys.executable, "-m", "cancelall", *words],
            env=self.environ(env),
            start_new_session=True,
            **settings,
        )
        self.stack.callback(_end, process)
        return process

    def run(
        self,
        *words: str,
        codes: Sequence[int] | None = None,
        deadline: float = DEADLINE + START,
        limit: float | None = None,
        env: Mapping[str, str | None] | None = None,
        **more: Any,
    ) -> Ran:
        """The real command to its end. `limit` is what it may take where that is not the deadline."""
        began = time.monotonic()
        process = self.start(*words, deadline=deadline if limit is None else None, env=env, **more)
        return self.ended(process, began, codes=codes, deadline=deadline if limit is None else limit)

    def measured(
        self, *words: str, codes: Sequence[int] | None = None, limit: float | None = None, shell: str = ":"
    ) -> tuple[float, Ran]:
        """The real command's peak memory in MB, and how it ended. `shell` is run before it."""
        note = self.home / "peak"
        given = DEADLINE + START if limit is None else None
        measure = [sys.executable, str(Path(__file__).with_name("peak.py")), str(note)]
        began = time.monotonic()
        process = self.start(*words, deadline=given, under=["sh", "-c", f'{shell}; exec "$@"', "sh", *measure])
        ran = self.ended(process, began, codes=codes, deadline=(limit or DEADLINE + START) + START)
        peak = int(note.read_text()) / 1024
        print(f"peak memory: {peak:.0f} MB")  # noqa: T201 - shown with -s, and when the test fails
        return peak, ran

    def ended(
        self,
        process: subprocess.Popen[bytes],
        began: float,
        *,
        codes: Sequence[int] | None = None,
        deadline: float = DEADLINE + START,
        importing: bool = False,
    ) -> Ran:
        """Wait for a command and hold it to what every row keeps to. `importing`: it may not have come to any of it."""
        deadline *= self.slow
        out, err = process.communicate(timeout=deadline + 30)
        seconds = time.monotonic() - began
        text = [(part or b"").decode(errors="replace") for part in (out, err)]
        said = "".join(text).replace("Traceback", "") if importing else "".join(text)
        self._holds(said, process.returncode, codes, seconds, deadline + START)
        return Ran(code=process.returncode, out=text[0], err=text[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextlib.contextmanager
def running(row: Row, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A case, its servers and processes. A test that aims at nothing shows nothing."""
    with contextlib.ExitStack() as stack:
        case = Case(row=row, home=home, monkeypatch=monkeypatch, stack=stack)
        yield case
        assert case.used
