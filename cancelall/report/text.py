"""Foreign text made harmless, and the few sentences that both outputs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cancelall.core.dataclass import dataclass
from cancelall.core.model import GRAVITY, State, Verdict
from cancelall.core.quoting import visible
from cancelall.core.results import OrderReport, ProfileReport
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


def by_client_id(scope: Mapping[str, object]) -> bool:
    """Whether orders are selected by their client ids: then `clear` speaks of these alone."""
    return not {"client_id", "not_client_id"}.isdisjoint(scope)


_SAYS = {
    Verdict.CLEAR: "nothing is left",
    Verdict.OPEN: "orders are still open",
    Verdict.UNREACHABLE: "no answer: orders may be open",
    Verdict.REFUSED: "the venue refused: orders may be open",
    Verdict.UNCONFIGURED: "nothing was sent: orders may be open",
    Verdict.UNPROVEN: "orders may be open",
}


def verdict_words(report: ProfileReport) -> str:
    """The verdict as a sentence."""
    if report.dry_run and report.verdict is Verdict.OPEN:
        return f"{report.count(State.OPEN) + report.count(State.KEPT)} order(s) open; nothing was sent"
    if report.dry_run and report.verdict is Verdict.CLEAR:
        kept = report.count(State.KEPT)
        open_now = f"{kept} order(s) open, all of them to be kept" if kept else "no order is open"
        return f"{open_now}; nothing was sent"
    if report.verdict is Verdict.OPEN:
        return f"{report.count(State.OPEN) + report.count(State.FAILED)} order(s) are still open"
    if report.verdict is Verdict.CLEAR and (report.count(State.KEPT) or by_client_id(report.scope)):
        others = f"{report.count(State.KEPT)} order(s) that were to be kept are left"
        return f"of the selected orders none is left; {others}" if by_client_id(report.scope) else f"only {others}"
    return _SAYS[report.verdict]


_PART_SAYS = {
    Verdict.CLEAR: "clear",
    Verdict.ABSENT: "not in this account",
    Verdict.OPEN: "open",
    Verdict.UNREACHABLE: "no answer",
    Verdict.REFUSED: "refused",
    Verdict.UNPROVEN: "not proven",
}


def segment_words(verdict: Verdict) -> str:
    """The verdict of a segment as a trader says it."""
    return _PART_SAYS.get(verdict, verdict.value)


def counts_words(report: ProfileReport) -> str:
    """How many orders ended how, without the zeros."""
    return ", ".join(f"{report.count(state)} {state.value}" for state in State if report.count(state))


def orders_words(report: ProfileReport) -> str:
    """What is known of a profile's orders: counts, `none` only where that was read, else `unknown`."""
    counts = counts_words(report)
    if report.verdict in (Verdict.CLEAR, Verdict.OPEN):
        return counts or "none"
    return f"{counts}; the rest unknown" if counts else "unknown"


def order_words(row: OrderReport, mark: str = "") -> str:
    """Symbol, side, type, quantity and price as a trader would say them."""
    order = row.order
    parts = [clean(part) for part in (order.symbol, order.side, (order.type or "") + mark, order.quantity) if part]
    return f"{' '.join(parts)}{f' @ {clean(order.price)}' if order.price else ''}"


@dataclass(frozen=True, kw_only=True)
class LastLine:
    """The whole of a run with several profiles, in one line."""

    badge: str
    text: str
    bad: bool


_NAMED = 4
"""Profiles that the last line names."""


def not_clear(reports: Sequence[ProfileReport]) -> list[ProfileReport]:
    """The profiles of which not all is well, the worst last."""
    bad = [report for report in reports if report.exit_status or report.verdict is not Verdict.CLEAR]
    return sorted(bad, key=lambda report: GRAVITY.index(report.verdict), reverse=True)


def last_line(reports: Sequence[ProfileReport], status: int) -> LastLine:
    """All profiles in one line: how many are clear, or which are not and why, and the exit code of the run."""
    took = max((report.timing.verdict or 0 for report in reports), default=0) / 1000
    bad, reads = not_clear(reports), all(report.dry_run for report in reports)
    failed = [report for report in bad if report.exit_status]
    if reads and not failed:
        counts = [report.count(State.OPEN) + report.count(State.KEPT) for report in reports]
        left, holding = sum(counts), sum(map(bool, counts))
        text = f"{left} order(s) in {holding} of {len(reports)} profiles; nothing was sent"
        return LastLine(
            badge="OPEN" if left else "CLEAR", text=f"{text} · {took:.1f} s · exit {status}", bad=bool(left)
        )
    if not failed:
        cancelled = sum(report.count(State.CANCELLED) + report.count(State.GONE) for report in reports)
        text = f"{len(reports)} of {len(reports)} profiles · {cancelled} cancelled · {took:.1f} s · exit {status}"
        return LastLine(badge="CLEAR", text=text, bad=False)
    worst = list(reversed(failed))
    names = ", ".join(_in_short(report) for report in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    text = f"{len(failed)} of {len(reports)}: {names}{more} · {took:.1f} s · exit {status}"
    return LastLine(badge="NOT READ" if reads else "NOT CLEAR", text=text, bad=True)


def _in_short(report: ProfileReport) -> str:
    left = report.count(State.OPEN) + report.count(State.FAILED)
    return f"{clean(report.profile)} {report.verdict.value}{f' ({left} orders)' if left else ''}"
