"""One JSON line per profile: the fixed interface that scripts branch on."""

from __future__ import annotations

import json

from cancelall.core.errors import ErrorKind
from cancelall.core.model import Protection, State, Verdict
from cancelall.core.results import ErrorReport, OrderReport, ProfileReport, RunFacts, Timing
from cancelall.core.stamp import moment, now_ms, shard_facts
from cancelall.report.text import clean

SCHEMA = 1


NO_RUN = RunFacts()


def profile_line(report: ProfileReport, run: RunFacts = NO_RUN) -> str:
    """The report as one line of JSON, ASCII only."""
    return json.dumps(profile_object(report, run), separators=(",", ":")) + "\n"


def profile_object(report: ProfileReport, run: RunFacts = NO_RUN) -> dict[str, object]:
    """What the line says, as JSON has it."""
    timing = report.timing
    return {
        "schema": SCHEMA,
        "profile": report.profile,
        "venue": report.venue,
        "environment": report.environment,
        "host": report.host,
        "scope": {key: list(value) if isinstance(value, tuple) else value for key, value in report.scope.items()},
        "dry_run": report.dry_run,
        "verdict": report.verdict.value,
        "exit_code": int(report.exit_status),
        "segments": [
            {
                "name": clean(segment.name),
                "verdict": segment.verdict.value,
                "mass_cancels": segment.mass_cancels,
                "listings": segment.listings,
                "detail": clean(segment.detail) if segment.detail else None,
            }
            for segment in report.segments
        ],
        "orders": [_order(row) for row in report.orders],
        "counts": {state.value: report.count(state) for state in _COUNTED},
        "not_covered": [clean(what, 500) for what in report.not_covered],
        "requests": report.requests,
        "timing_ms": {"first_request": timing.first_request, "first_ack": timing.first_ack, "verdict": timing.verdict},
        "error": None
        if report.error is None
        else {
            "kind": report.error.kind,
            "message": clean(report.error.message, 500),
            "hint": clean(report.error.hint, 500),
        },
        "warnings": [clean(warning, 500) for warning in report.warnings],
        **_positions(report),
        "run": run.id,
        "time": moment(timing.verdict_at),
        "machine": _maybe(run.machine),
        "reason": None if run.reason is None else clean(run.reason, 500),
        "shard": shard_facts(run.shard),
    }


def line_without_profile(error: ErrorReport, status: int, run: RunFacts, *, dry_run: bool) -> str:
    """The line of a command that came to no profile, and so to nothing: it has the keys of every other line."""
    report = ProfileReport(
        profile="",
        venue="",
        environment=None,
        host=None,
        scope={},
        dry_run=dry_run,
        verdict=Verdict.UNPROVEN if error.kind in _NOT_FOR_SURE else Verdict.UNCONFIGURED,
        timing=Timing(verdict_at=now_ms()),
        error=error,
    )
    line = {**profile_object(report, run), "profile": None, "venue": None, "exit_code": status}
    return json.dumps(line, separators=(",", ":")) + "\n"


_NOT_FOR_SURE: tuple[ErrorKind, ...] = ("internal", "interrupted")
"""Of these nobody knows what had been sent."""


def _positions(report: ProfileReport) -> dict[str, object]:
    """The positions, null where none were read; and which are not known, and why, null where all are or none were
    to be read.
    """
    if report.positions is None:
        return {"positions": None, "positions_unknown": None}
    try:
        from cancelall.report.positions import json_fields
    except (ImportError, OSError, MemoryError):  # the line of a verdict is not lost with them
        return {"positions": None, "positions_unknown": "they cannot be shown"}
    return json_fields(report.positions)


_COUNTED = (State.CANCELLED, State.FILLED, State.GONE, State.OPEN, State.FAILED, State.KEPT)


def _order(row: OrderReport) -> dict[str, object]:
    order = row.order
    return {
        "id": clean(order.id),
        "client_id": _maybe(order.client_id),
        "symbol": _maybe(order.symbol),
        "side": _maybe(order.side),
        "type": _maybe(order.type),
        "price": _maybe(order.price),
        "quantity": _maybe(order.quantity),
        "remaining": _maybe(order.remaining),
        "segment": clean(order.segment),
        "protective": order.protection is Protection.PROTECTIVE,
        "state": row.state.value,
        "reason": _maybe(row.reason),
    }


def _maybe(text: str | None) -> str | None:
    return None if text is None else clean(text)
