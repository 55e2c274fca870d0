"""From what is known to what is said: verdicts of segments and profiles, and what became of each order. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

from cancelall.errors import ErrorKind, ExitStatus
from cancelall.model import Answer, Order, State, Verdict, worst
from cancelall.progress import Progress
from cancelall.results import ErrorReport, OrderReport, ProfileReport, SegmentReport
from cancelall.session import Attempt, Session
from cancelall.sweep import Sweep

_EXIT_ORDER = (
    ExitStatus.OPEN,
    ExitStatus.UNREACHABLE,
    ExitStatus.REFUSED,
    ExitStatus.UNCONFIGURED,
    ExitStatus.UNPROVEN,
)
_IDS_IN_A_WARNING = 5


def segment_verdict(progress: Progress, session: Session, gap: float) -> Verdict:
    """The first that fits: open, absent, unreachable, refused, clear, unproven."""
    evidence = progress.last if progress.reads_only or not _cancelled(progress) else progress.last_fresh
    stopped = _fired(progress) or session.refusal is not None
    if evidence is not None and progress.left(evidence) and (_cancelled(progress) or not stopped):
        return Verdict.OPEN
    if progress.absent is not None and not progress.present:
        return Verdict.ABSENT
    if not progress.answered and session.refusal is None:
        return Verdict.UNREACHABLE if session.tally.requests else Verdict.UNPROVEN  # of what was not sent nobody knows
    if progress.refused is not None or session.refusal is not None or _clock_refused(progress, gap):
        return Verdict.REFUSED
    return Verdict.CLEAR if progress.proven(gap) else Verdict.UNPROVEN


def _cancelled(progress: Progress) -> bool:
    """Whether the venue has answered a cancel."""
    return progress.cancel_answered > -math.inf


def _fired(progress: Progress) -> bool:
    """Whether a cancel was sent, answered or not."""
    return progress.cancel_sent


def _clock_refused(progress: Progress, gap: float) -> bool:
    """A clock that could not be repaired is a refusal."""
    judgement = progress.trouble.judgement if progress.trouble else None
    if judgement is None or judgement.kind != "clock":
        return False
    return progress.last_empty is None or not (progress.accepted or progress.proven(gap))


def profile_verdict(sweep: Sweep) -> Verdict:
    """The worst of the segments; `unproven` at best while the set of segments or a selector is not known."""
    gap, session = sweep.gap, sweep.session
    verdicts = [segment_verdict(progress, session, gap) for progress in sweep.progresses.values()]
    present = [verdict for verdict in verdicts if verdict is not Verdict.ABSENT]
    if not verdicts:
        return _verdict_without_segments(sweep)
    if not present:
        return Verdict.REFUSED if verdicts and not sweep.discoveries.doubts else Verdict.UNPROVEN
    if any(verdict is not Verdict.UNREACHABLE for verdict in verdicts):
        present = [Verdict.UNPROVEN if verdict is Verdict.UNREACHABLE else verdict for verdict in present]
    verdict = worst(present)
    doubtful = bool(sweep.bug or sweep.discoveries.pending or sweep.discoveries.doubts or sweep.stale())
    return worst([verdict, Verdict.UNPROVEN]) if doubtful else verdict


def _verdict_without_segments(sweep: Sweep) -> Verdict:
    """What the reads that should have told the segments have met with."""
    attempt = sweep.discoveries.last
    judgement = attempt.judgement if attempt else None
    if sweep.session.refusal is not None or (judgement and judgement.answer in (Answer.REFUSED, Answer.CLOCK)):
        return Verdict.REFUSED
    if sweep.bug or (attempt and attempt.answered) or not sweep.session.tally.requests:
        return Verdict.UNPROVEN
    return Verdict.UNREACHABLE


def exit_status(reports: Iterable[ProfileReport]) -> ExitStatus:
    """One exit code for several profiles."""
    statuses = {report.exit_status for report in reports}
    return next((status for status in _EXIT_ORDER if status in statuses), ExitStatus.CLEAR)


def segment_report(progress: Progress, session: Session, gap: float) -> SegmentReport:
    """A segment's verdict with the venue's words, where there are any to tell."""
    verdict = segment_verdict(progress, session, gap)
    details = []
    if verdict is Verdict.ABSENT and progress.absent is not None:
        details.append(progress.absent.words)
    elif verdict is Verdict.REFUSED:
        refusal = progress.refused or session.refusal
        details.append(refusal.words if refusal else _trouble(progress))
    elif verdict in (Verdict.UNPROVEN, Verdict.UNREACHABLE) or progress.suspended:
        unsent = "" if session.tally.requests else "nothing was sent"
        details.append(_trouble(progress) or unsent or "no two complete empty listings in time")
        details += [f"listing incomplete: {progress.incomplete}"] if progress.incomplete else []
        details += (
            ["the listing is empty, but another answer of the venue says otherwise"] if progress.contradicted else []
        )
    if progress.counted:
        details.append(f"the venue counted {progress.counted} as cancelled, without naming them")
    return SegmentReport(
        name=progress.segment.name,
        verdict=verdict,
        mass_cancels=progress.mass_cancels,
        listings=progress.listings,
        detail="; ".join(dict.fromkeys(part for part in details if part)) or None,
    )


def _trouble(progress: Progress) -> str:
    attempt = progress.trouble
    if attempt is None:
        return ""
    if attempt.judgement is not None:
        return f"{attempt.judgement.answer.value}: {attempt.judgement.words}" if attempt.judgement.words else ""
    return attempt.fault.message if attempt.fault else ""


def order_rows(progress: Progress) -> tuple[OrderReport, ...]:
    """What became of every order that was seen or named by the venue in this segment."""
    last = progress.last
    listed = {order.id: order for order in last.orders} if last is not None else {}
    return tuple(
        _row(progress, listed.get(identity, order), identity in listed) for identity, order in progress.seen.items()
    )


def _row(progress: Progress, order: Order, listed: bool) -> OrderReport:
    reason = progress.failures.get(order.id)
    if listed or progress.last is None:
        if progress.is_kept(order):
            return OrderReport(order=order, state=State.KEPT)
        return OrderReport(order=order, state=State.FAILED if reason else State.OPEN, reason=reason)
    if not progress.last.complete:
        told = "cancel accepted, but not read back" if order.id in progress.taken else "not read back"
        return OrderReport(order=order, state=State.OPEN, reason=reason or told)
    if order.id in progress.ends:
        state, note = progress.ends[order.id]
        return OrderReport(order=order, state=state, reason=note or None)
    return OrderReport(order=order, state=State.CANCELLED if order.id in progress.taken else State.GONE)


def error_report(sweep: Sweep, verdict: Verdict) -> ErrorReport | None:
    """Why the verdict is not clear: the gravest cause, and what to do about it."""
    if verdict is Verdict.CLEAR:
        return None
    session = sweep.session
    if sweep.bug is not None:
        return ErrorReport(
            kind="internal",
            message=f"a bug in this profile's sweep: {type(sweep.bug).__name__}",
            hint="check this account on the venue's site, and report the bug with the output of -v",
        )
    if session.refusal is not None:
        return ErrorReport(
            kind=session.refusal.kind or "auth", message=session.refusal.words, hint=session.refusal.hint
        )
    refusals = [one for progress in sweep.progresses.values() if (one := progress.refused or progress.refused_by_name)]
    if refusals:
        first = refusals[0]
        hints = dict.fromkeys(hint for hint in (*sweep.discoveries.doubts, first.hint) if hint)
        return ErrorReport(kind=first.kind or "parameter", message=first.words, hint="; ".join(hints))
    if session.stopped is not None or not session.tally.requests:
        return _unsent_report(session)
    if sweep.discoveries.doubts:
        return ErrorReport(
            kind="parameter", message="; ".join(sweep.discoveries.doubts), hint="correct the selector and run again"
        )
    if verdict is Verdict.OPEN:
        return _never_accepted(sweep)
    if verdict is Verdict.REFUSED and all(progress.absent for progress in sweep.progresses.values()):
        words = next((progress.absent.words for progress in sweep.progresses.values() if progress.absent), "")
        return ErrorReport(
            kind="mode", message=f"the account has none of these products: {words}", hint="check the environment"
        )
    if sweep.discoveries.pending:
        names = ", ".join(sweep.discoveries.pending)
        kind, words, hint = _met(sweep.discoveries.last)
        told = f"could not be read: {names}" + (f" ({words})" if words else "")
        return ErrorReport(kind=kind, message=told, hint=hint or "run again, or check on the site")
    return _trouble_report(sweep, verdict)


def _unsent_report(session: Session) -> ErrorReport:
    """Why nothing was sent, or nothing more: what the venue told another profile, or all the places being taken."""
    what = "nothing more was sent" if session.tally.requests else "nothing was sent"
    block = session.stopped
    if block is not None:
        message = f"{what}: the venue has refused this address to another profile ({block.words})"
        return ErrorReport(kind=block.kind or "ip", message=message, hint=block.hint)
    return ErrorReport(
        kind="timeout",
        message=f"{what} before the deadline: other profiles' requests to this host went first",
        hint="run this profile again at once; give more time, or share the profiles out over machines with --shard",
    )


def _never_accepted(sweep: Sweep) -> ErrorReport | None:
    """Why orders are open: what the venue says to the cancels of a segment of which it has accepted none."""
    for progress in sweep.progresses.values():
        attempt = progress.trouble
        if attempt is None or not attempt.request.changes or progress.accepted:
            continue
        kind, words, hint = _met(attempt)
        return ErrorReport(kind=kind, message=words or "no cancel was accepted", hint=hint)
    return None


def _met(attempt: Attempt | None) -> tuple[ErrorKind, str, str]:
    """Kind, words and hint of what went wrong with an attempt, if anything did."""
    if attempt is None:
        return "timeout", "no answer in time", ""
    if attempt.fault is not None:
        return attempt.fault.kind, attempt.fault.message, attempt.fault.hint
    judgement = attempt.judgement
    if judgement is None or judgement.answer is Answer.ACCEPTED:
        return "unreadable", "", ""
    return judgement.kind or "unreadable", judgement.words, judgement.hint


def _trouble_report(sweep: Sweep, verdict: Verdict) -> ErrorReport:
    """The last thing that went wrong, of segments that are not proven: what the venue said before what it did not."""
    hint = "run again, or look at the venue's site: orders may still be open"
    unproven = [one for one in sweep.progresses.values() if not one.proven(sweep.gap)]
    found = sorted((one.trouble for one in unproven if one.trouble is not None), key=partial(_rank, verdict))
    for attempt in found:
        if attempt.judgement is not None:
            kind = attempt.judgement.kind or "unreadable"
            return ErrorReport(
                kind=kind, message=attempt.judgement.words or "unreadable answer", hint=attempt.judgement.hint or hint
            )
        if attempt.fault is not None:
            return ErrorReport(kind=attempt.fault.kind, message=attempt.fault.message, hint=hint)
    return ErrorReport(kind="timeout", message="the time was too short for a proof", hint=hint)


def _rank(verdict: Verdict, attempt: Attempt) -> int:
    """How much a failed attempt tells; the clock alone makes a verdict `refused` without a refusal."""
    if attempt.judgement is None:
        return 2
    return 0 if verdict is Verdict.REFUSED and attempt.judgement.kind == "clock" else 1


def warnings(sweep: Sweep) -> tuple[str, ...]:
    """What a trader should know besides the verdict."""
    rows = [row for progress in sweep.progresses.values() for row in order_rows(progress)]
    found = []
    removed = [
        row for row in rows if row.order.protection.value == "protective" and row.state in (State.CANCELLED, State.GONE)
    ]
    if removed and not sweep.session.reads_only:
        found.append(
            f"{len(removed)} protective order(s) (stop-loss, take-profit, reduce-only) removed; positions stay open"
        )
    reappeared = [order for progress in sweep.progresses.values() for order in progress.reappeared]
    if reappeared:
        whose = list(dict.fromkeys(order.client_id or order.id for order in reappeared))
        named = ", ".join(whose[:_IDS_IN_A_WARNING])
        if more := len(whose[_IDS_IN_A_WARNING:]):
            named += f" and {more} more"
        makers = ", ".join(sorted({order.origin for order in reappeared if order.origin}))
        by = f"; placed by {makers}" if makers else ""
        times = sum(progress.reappearances for progress in sweep.progresses.values())
        when = f"during the sweep and the hold, {times} time(s)" if sweep.held else "during the sweep"
        found.append(f"{len(reappeared)} order(s) appeared {when}: a bot is still running ({named}{by})")
    tally = sweep.session.tally
    if tally.longest_ask > 5:
        found.append(f"the venue asked to wait {tally.longest_ask:.0f} s")
    if tally.abandoned:
        if tally.late_until_ms:
            import time

            at = time.strftime("%H:%M:%S", time.localtime(tally.late_until_ms / 1000 + 1))
            found.append(f"do not restart bots before {at}: a cancel without an answer can still land until then")
        else:
            found.append("a cancel without an answer can still land, with no known limit: wait before restarting bots")
    found += [
        f"{names}: could not be read: what it would have shown is not known"
        for names in [", ".join(sweep.discoveries.pending)]
        if names
    ]
    refused = sweep.session.refusal is not None
    found += [
        f"{name}: could not be read, so they were not looked for" for name in sweep.discoveries.missed if not refused
    ]
    found += sorted(remark for progress in sweep.progresses.values() for remark in progress.remarks)
    return (*found, *sweep.discoveries.remarks)


def would_send(sweep: Sweep) -> tuple[str, ...]:
    """What a kill would send first for what was read: method, path and body, no signature."""
    found = []
    for progress in sweep.progresses.values():
        known = progress.last.orders if progress.last else ()
        moves = progress.due(known, math.inf)
        mass = moves.mass or progress.blind(math.inf).mass
        for request in (*mass, *(request for request, _ in moves.named)):
            found.append(f"{request.method} {request.target} {request.body.decode()}".strip())
    return tuple(dict.fromkeys(found))
