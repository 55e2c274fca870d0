"""What a kill of a whole account takes at each venue: figures.json. Requests are counted, and seconds are measured."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cancelall.venues.registry import VENUES

PATH = Path(__file__).resolve().with_name("figures.json")


@dataclass(frozen=True, kw_only=True)
class Requests:
    """How many a kill takes with default options, positions not read: counted on virtual time, the same every time."""

    before: int
    """Before the first cancel of an account with 100 orders of every kind."""
    empty: int
    """Of an account without orders."""
    stocked: int
    """Of the one with 100 orders, with the reads of how they ended."""


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """From the first cancel to the verdict: 100 orders of every kind, 80 ms away."""

    measured: float
    forced: float
    """What the venue's documented limits and the proof force."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one venue."""

    requests: Requests
    seconds: Seconds | None = None
    """None while they were never measured."""


def read() -> dict[str, Figures]:
    """Those of every venue that has some."""
    known = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
    return {
        name: Figures(
            requests=Requests(**one["requests"]), seconds=Seconds(**one["seconds"]) if one["seconds"] else None
        )
        for name, one in known.items()
    }


def count(requests: dict[str, Requests]) -> None:
    """Write down what was counted."""
    _write(read() | {name: replace(_known(name, one), requests=one) for name, one in requests.items()})


def measure(seconds: dict[str, Seconds]) -> None:
    """Write down what was measured at venues whose requests were counted."""
    known = read()
    _write(known | {name: replace(known[name], seconds=one) for name, one in seconds.items()})


def _known(name: str, requests: Requests) -> Figures:
    return read().get(name, Figures(requests=requests))


def _write(figures: dict[str, Figures]) -> None:
    lines = (f"  {json.dumps(name)}: {json.dumps(asdict(figures[name]))}" for name in VENUES if name in figures)
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
