"""The dated evidence of checks: when each profile was last good. It holds no secret, and only its owner can read it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cancelall.core import dated, drills
from cancelall.core.dataclass import dataclass
from cancelall.core.declare import AGE_UNITS
from cancelall.core.files import state_directories
from cancelall.core.preflight import Area, CheckReport, Finding, Level, failure, good, warning
from cancelall.report.text import clean

NAME = "check.json"
_AHEAD_MS = 300_000
"""A date this far in the future is not believed."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the file says of one profile."""

    at_ms: int
    ok: bool
    host: str
    good_ms: int | None
    """When a check of this host was last good."""


def age_words(seconds: float) -> str:
    unit = next((unit for unit in ("d", "h", "m") if seconds >= 2 * AGE_UNITS[unit]), "s")
    return f"{seconds / AGE_UNITS[unit]:.0f} {unit}"


def read(environ: Mapping[str, str]) -> dict[str, Evidence]:
    """What is known of each profile, from every place where evidence could be; empty when there is none."""
    newest: dict[str, Evidence] = {}
    for place in reversed(state_directories(environ)):
        for name, row in dated.read(place / NAME).items():
            kept = _kept(row)
            if kept is not None and (name not in newest or kept.at_ms >= newest[name].at_ms):
                newest[name] = kept
    return newest


def _kept(row: Any) -> Evidence | None:  # whatever the file holds
    if not isinstance(row, dict):
        return None
    at_ms, good_ms = row.get("at_ms"), row.get("last_good_ms")
    if not isinstance(at_ms, int) or not isinstance(good_ms, int | None) or not isinstance(row.get("ok"), bool):
        return None
    return Evidence(at_ms=at_ms, ok=row["ok"], host=str(row.get("host")), good_ms=good_ms)


def write(reports: Sequence[CheckReport], environ: Mapping[str, str], now_ms: int) -> Path | None:
    """Add what was found, and keep what is known of other profiles. The place where it is now; None if nowhere."""

    def changed(rows: dated.Rows) -> dated.Rows:
        new = {report.profile: _row(report, _kept(rows.get(report.profile)), now_ms) for report in reports}
        return {**rows, **new}

    return dated.change(environ, NAME, changed)


def _row(report: CheckReport, before: Evidence | None, now_ms: int) -> dict[str, object]:
    same = before is not None and before.host == str(report.host)
    last = before.good_ms if before is not None and same else None
    return {
        "at": datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).isoformat(timespec="seconds"),
        "at_ms": now_ms,
        "ok": report.ok,
        "last_good_ms": now_ms if report.ok else last,
        "venue": report.venue,
        "environment": report.environment,
        "host": report.host,
        "findings": {level.value: report.count(level) for level in Level},
        "failed": [{"check": one.check, "detail": clean(one.detail, 500)} for one in report.failed],
    }


def age_finding(kept: Evidence | None, host: str | None, oldest: float, now_ms: int) -> Finding:
    """Whether the last good check is young enough. `oldest` in seconds; a check of another host does not count."""
    fix = "run: cancelall check (from a timer, so that it stays fresh)"
    if kept is None or kept.good_ms is None:
        detail = "no check of this profile was ever good" if kept is not None else "this profile was never checked"
        return failure("evidence", detail, fix, Area.EVIDENCE)
    if host is not None and kept.host != host:
        return failure("evidence", f"the last check was of another host ({clean(kept.host)})", fix, Area.EVIDENCE)
    if kept.good_ms > now_ms + _AHEAD_MS:
        detail = "the last good check lies in the future: the clock was wrong then, or is now"
        return failure("evidence", detail, fix, Area.EVIDENCE)
    age = max((now_ms - kept.good_ms) / 1000, 0.0)
    detail = f"the last good check is {age_words(age)} old"
    if age > oldest:
        return failure("evidence", f"{detail}, more than {age_words(oldest)}", fix, Area.EVIDENCE)
    return good("evidence", detail) if kept.ok else warning("evidence", f"{detail}; the last one was not good", fix)


def drill_finding(kept: drills.DrillEvidence | None, host: str | None, now_ms: int) -> Finding | None:
    """What the last drill of the venue's own switch has shown; None where there was none of this host."""
    if kept is None or (host is not None and kept.host != host):
        return None
    age = age_words(max((now_ms - kept.at_ms) / 1000, 0.0))
    detail = f"{age} ago: {clean(kept.detail, 300)}"
    if kept.proved:
        return good("drill", detail)
    return warning("drill", detail, "put that right, and run: cancelall guard drill PROFILE --order ID")
