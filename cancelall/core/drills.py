"""The dated evidence of drills of the venues' own switches: what the last one of each profile has shown."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cancelall.core import dated
from cancelall.core.dataclass import dataclass
from cancelall.core.files import state_directories

NAME = "drill.json"


@dataclass(frozen=True, kw_only=True)
class DrillEvidence:
    """What the file says of one profile."""

    at_ms: int
    """When it ended, in ms since the epoch."""
    proved: bool
    """An order of the user's own was cancelled by the venue's switch, at its moment."""
    venue: str
    host: str
    detail: str
    """What it has shown, in words."""


def read(environ: Mapping[str, str]) -> dict[str, DrillEvidence]:
    """The newest of each profile, from every place where it could be; empty when there is none."""
    newest: dict[str, DrillEvidence] = {}
    for place in reversed(state_directories(environ)):
        for profile, row in dated.read(place / NAME).items():
            kept = _kept(row)
            if kept is not None and (profile not in newest or kept.at_ms >= newest[profile].at_ms):
                newest[profile] = kept
    return newest


def _kept(row: Any) -> DrillEvidence | None:  # whatever the file holds
    if not isinstance(row, dict):
        return None
    at_ms, proved = row.get("at_ms"), row.get("proved")
    words = [row.get(name) for name in ("venue", "host", "detail")]
    if not isinstance(at_ms, int) or not isinstance(proved, bool) or not all(isinstance(one, str) for one in words):
        return None
    venue, host, detail = map(str, words)
    return DrillEvidence(at_ms=at_ms, proved=proved, venue=venue, host=host, detail=detail)


def write(profile: str, evidence: DrillEvidence, environ: Mapping[str, str]) -> Path | None:
    """Put it in the place of what is known of this profile. The place where it is now; None if nowhere."""
    at = datetime.datetime.fromtimestamp(evidence.at_ms / 1000, datetime.UTC).isoformat(timespec="seconds")
    row = {"at": at, **vars(evidence)}
    return dated.change(environ, NAME, lambda rows: {**rows, profile: row})
