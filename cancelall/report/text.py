"""Foreign text made harmless, and the few sentences that both outputs share."""

from __future__ import annotations

from cancelall.core.model import State, Verdict
from cancelall.core.quoting import visible
from cancelall.core.results import ProfileReport
from cancelall.core.secret import scrub

LIMIT = 200
"""Characters of a foreign text that are shown."""


def clean(text: str, limit: int = LIMIT) -> str:
    """Text of a venue without control characters, direction overrides, surrogates or secrets, clipped.

    Secrets go first: half of one, cut off at the limit, could not be recognised any more.
    """
    scrubbed = scrub(text)
    shown = visible(scrubbed[: limit + 1])
    return shown[:limit] + ("…" if len(shown) > limit or len(scrubbed) > limit else "")


def scope_words(report_scope: object) -> str:
    """The scope in one short text."""
    if not isinstance(report_scope, dict) or not report_scope:
        return "everything"
    parts = []
    for key, value in report_scope.items():
        shown = ",".join(map(str, value)) if isinstance(value, tuple | list) else "" if value is True else str(value)
        parts.append(f"{key.replace('_', '-')} {shown}".rstrip())
    return clean(" · ".join(parts))


_SAYS = {
    Verdict.CLEAR: "nothing is left",
    Verdict.OPEN: "orders are still open",
    Verdict.UNREACHABLE: "not one complete answer: orders may be open",
    Verdict.REFUSED: "the venue refused: orders may be open",
    Verdict.UNCONFIGURED: "nothing was sent: orders may be open",
    Verdict.UNPROVEN: "not proven: orders may be open",
}


def verdict_words(report: ProfileReport) -> str:
    """The verdict as a sentence."""
    if report.dry_run and report.verdict is Verdict.OPEN:
        return f"{report.count(State.OPEN) + report.count(State.KEPT)} order(s) open; nothing was sent"
    if report.dry_run and report.verdict is Verdict.CLEAR:
        return "no order is open; nothing was sent"
    if report.verdict is Verdict.OPEN:
        return f"{report.count(State.OPEN) + report.count(State.FAILED)} order(s) are still open"
    if report.verdict is Verdict.CLEAR and report.count(State.KEPT):
        return f"only {report.count(State.KEPT)} order(s) that were to be kept are left"
    return _SAYS[report.verdict]


def counts_words(report: ProfileReport) -> str:
    """How many orders ended how, without the zeros."""
    return ", ".join(f"{report.count(state)} {state.value}" for state in State if report.count(state))
