"""Where the processor time of a further profile goes: a kill of many profiles less one of a single one, by part."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import scale
from benchmarks.bench import Bench
from benchmarks.page import Column, Row
from benchmarks.scale import Apart, Cost

TITLE = "Where the processor time of a further profile goes, with TLS"
ALL = "all of it"
_MS, _SHARE = "ms", "%"
_PROFILES = 100


def measure(bench: Bench) -> None:
    """The section of the page."""
    bench.say("where the time of a profile goes")
    home = bench.home()
    many: list[Mapping[str, float]] = []
    few: list[Mapping[str, float]] = []
    bare: list[float] = []
    with scale.apart(_PROFILES, home) as place:
        for _ in range(1 if bench.quick else 3):
            few.append(_timed(place, home, 1))
            many.append(_timed(place, home, _PROFILES))
            kills = [_clear(scale.kill(place, home, count, 1)) for count in (_PROFILES, 1)]
            bare.append(scale.each(*kills))
    parts = of_each(many, few, _PROFILES - 1)
    bench.table(
        f"{TITLE}: {_PROFILES} profiles less one, by {_PROFILES - 1}",
        "part",
        (Column(_MS, compared=True), Column(_SHARE, ".0f")),
        rows(parts),
        "",
        "Each thread's clock is read where a part is entered and left; `benchmarks/timed.py` names what is in which.",
        f"A kill that is not measured takes {median(bare):.1f} ms for a further profile.",
    )


def of_each(many: Sequence[Mapping[str, float]], few: Sequence[Mapping[str, float]], profiles: int) -> dict[str, float]:
    """Milliseconds of each further profile by part, from seconds of kills: the medians, one less the other."""
    names = dict.fromkeys(name for spent in many for name in spent)

    def typical(kills: Sequence[Mapping[str, float]], name: str) -> float:
        return median(spent.get(name, 0.0) for spent in kills)

    return {name: (typical(many, name) - typical(few, name)) * 1000 / profiles for name in names}


def rows(parts: Mapping[str, float]) -> dict[str, Row]:
    """The largest first, and the sum below."""
    whole = sum(parts.values())
    largest = sorted(parts, key=lambda name: -parts[name])
    shown = {name: {_MS: parts[name], _SHARE: parts[name] * 100 / whole} for name in largest}
    return {**shown, ALL: {_MS: whole, _SHARE: 100.0}}


def _timed(place: Apart, home: Path, profiles: int) -> Mapping[str, float]:
    note = home / "parts.json"
    _clear(scale.kill(place, home, profiles, 1, program=(sys.executable, "-m", "benchmarks.timed", str(note))))
    spent: Mapping[str, float] = json.loads(note.read_text(encoding="utf-8"))
    return spent


def _clear(cost: Cost) -> Cost:
    assert cost.clear, "not all were clear"
    return cost
