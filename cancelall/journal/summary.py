"""What the record of one run says in short: who, when, why, what was open, what is left, how long. Pure.

The file may have been written by anybody: whatever is no number or text of ours is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cancelall.core.results import ProfileSummary, RunSummary
from cancelall.journal.chain import RunRecord

Record = Mapping[str, Any]


def summarise(run: RunRecord) -> RunSummary:
    """One run, from its records in the order in which they were written."""
    records = run.records
    start = next((one for one in records if one.get("event") == "run_start"), {})
    end = next((one for one in records if one.get("event") == "run_end"), {})
    first = start.get("mono")
    listed = start.get("profiles")
    names = _texts(listed.get("ids") if isinstance(listed, Mapping) else None)
    names += [name for one in records if (name := _text(one.get("profile"))) and name not in names]
    spent = _number(end.get("ms"))
    return RunSummary(
        id=run.id,
        began=_text(start.get("ts")),
        who=f"{run.user}@{_text(start.get('host')) or '?'}",
        where=tuple(f"{name} {text}" for name in ("from", "tty", "unit") if (text := _text(start.get(name)))),
        reason=_text(start.get("reason")),
        command=tuple(_texts(start.get("argv"))),
        dry_run=start.get("dry_run") is True,
        exit_code=_number(end.get("exit_code")),
        seconds=None if spent is None else spent / 1000,
        requests=sum(1 for one in records if one.get("event") == "attempt_start"),
        in_flight=len(run.in_flight),
        profiles=tuple(
            _profile(name, [one for one in records if _text(one.get("profile")) == name], first)
            for name in dict.fromkeys(names)
        ),
    )


def _profile(name: str, records: Sequence[Record], first: object) -> ProfileSummary:
    verdict = next((one for one in reversed(records) if one.get("event") == "verdict"), None)
    was_open = _was_open(records)
    if verdict is None:
        return ProfileSummary(profile=name, was_open=was_open)
    at, began = _number(verdict.get("mono")), _number(first)
    late = _text(verdict.get("late_until"))
    return ProfileSummary(
        profile=name,
        verdict=_text(verdict.get("verdict")) or None,
        exit_code=_number(verdict.get("exit_code")),
        was_open=was_open,
        left=_count(verdict.get("remaining")),
        kept=_count(verdict.get("kept")) or 0,
        seconds=None if at is None or began is None else (at - began) / 1e9,
        error=_text(verdict.get("error")),
        late_until=late or ("?" if verdict.get("late_unknown") is True else ""),
    )


def _was_open(records: Sequence[Record]) -> int | None:
    """Different orders of all segments; of a listing too long to be written down in full at least its number."""
    ids: dict[str, set[str]] = {}
    most: dict[str, int] = {}
    seen = False
    for one in records:
        segment = _text(one.get("segment"))
        if one.get("event") == "list":
            seen = True
            ids.setdefault(segment, set()).update(_texts(one.get("ids")))
            most[segment] = max(most.get(segment, 0), _number(one.get("count")) or 0)
        taken = one.get("cancelled") if one.get("event") == "attempt_end" else None
        if isinstance(taken, Mapping):
            seen = True
            ids.setdefault("", set()).update(_texts(taken.get("ids")))
    listed = {order for segment, some in ids.items() if segment for order in some}
    beyond = sum(max(0, count - len(ids.get(segment, ()))) for segment, count in most.items())
    return len(listed | ids.get("", set())) + beyond if seen else None


def _count(fields: object) -> int | None:
    return _number(fields.get("count")) if isinstance(fields, Mapping) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and abs(value) < 1 << 63 else ""


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
