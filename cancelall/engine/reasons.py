"""Why a verdict is not clear, what to do about it, and what a trader should know besides. Pure."""

from __future__ import annotations

import math
from functools import partial

from cancelall.core.attempts import Attempt
from cancelall.core.errors import ErrorKind, bug_words
from cancelall.core.model import Answer, Judgement, Verdict
from cancelall.core.profile import host_of
from cancelall.core.results import ErrorReport
from cancelall.engine.client import Client
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.verdicts import order_rows, was_removed

_IDS_IN_A_WARNING = 5
_TENS = 10
"""A deadline is proposed in full tens of seconds."""


def error_report(sweep: ProfileSweep, verdict: Verdict) -> ErrorReport | None:
    """Why the verdict is not clear: the gravest cause, and what to do about it."""
    if verdict is Verdict.CLEAR:
        return None
    client = sweep.client
    if (bug := sweep.bug or client.bug) is not None:
        return ErrorReport(
            kind="internal",
            message=f"in this profile's sweep: {bug_words(bug)}",
            hint="check this account on the venue's site, and report the bug with the output of -v",
        )
    refusal = (
        client.refusal or client.refusals.denied or (client.turned_away if client.refusals.stopped is None else None)
    )
    if refusal is not None:
        return ErrorReport(kind=refusal.kind or "auth", message=refusal.message, hint=refusal.hint)
    present = [ledger for ledger in sweep.ledgers.values() if ledger.absent is None]
    refusals = [one for ledger in present if (one := ledger.refused or ledger.refused_by_name)]
    if refusals:
        first = refusals[0]
        hints = dict.fromkeys(hint for hint in (*sweep.discoveries.doubts, first.hint) if hint)
        return ErrorReport(kind=first.kind or "parameter", message=first.message, hint="; ".join(hints))
    if client.refusals.stopped is not None or not client.tally.requests:
        return _unsent_report(client)
    if doubts := sweep.discoveries.doubts:
        named = any("--" in doubt for doubt in doubts)
        hint = "correct the selector and run again" if named else "correct the profile, or look at the venue's site"
        return ErrorReport(kind="parameter", message="; ".join(doubts), hint=hint)
    if verdict is Verdict.OPEN:
        return _never_accepted(sweep) or _too_many(client)
    if verdict is Verdict.REFUSED and all(ledger.absent for ledger in sweep.ledgers.values()):
        words = next((one.message for ledger in sweep.ledgers.values() if (one := ledger.absent)), "")
        return ErrorReport(
            kind="mode", message=f"the account has none of these products: {words}", hint="check the environment"
        )
    if verdict is Verdict.REFUSED and (clock := _clock(sweep)) is not None:
        return ErrorReport(kind="clock", message=clock.message, hint=clock.hint)
    if sweep.discoveries.pending:
        names = ", ".join(sweep.discoveries.pending)
        kind, words, hint = _met(sweep.discoveries.last, client)
        message = f"could not be read: {names}" + (f" ({words})" if words else "")
        return ErrorReport(kind=kind, message=message, hint=hint or "run again, or check on the site")
    return _trouble_report(sweep, verdict)


def _clock(sweep: ProfileSweep) -> Judgement | None:
    """The venue's word that this machine's clock is off, where that was the last trouble of a segment."""
    troubles = (one.trouble.judgement for one in sweep.ledgers.values() if one.trouble is not None)
    return next((one for one in troubles if one is not None and one.kind == "clock"), None)


_OTHERS_FIRST = "other profiles' requests to this host went first"
_GIVE_TIME = "run this profile again at once; give more time, or share the profiles out over machines with --shard"


def _unsent_report(client: Client) -> ErrorReport:
    """Why nothing was sent, or nothing more: what the venue said to another profile, or all the places being taken."""
    what = "nothing more was sent" if client.tally.requests else "nothing was sent"
    block = client.refusals.stopped
    if block is not None:
        message = f"{what}: the venue has refused this address to another profile ({block.message})"
        return ErrorReport(kind=block.kind or "ip", message=message, hint=block.hint)
    return ErrorReport(
        kind="timeout",
        message=f"{what} before the deadline: {_OTHERS_FIRST}",
        hint=_GIVE_TIME,
    )


def _never_accepted(sweep: ProfileSweep) -> ErrorReport | None:
    """Why orders are open: what the venue says to the cancels of a segment of which it has accepted none."""
    for ledger in sweep.ledgers.values():
        attempt = ledger.trouble
        if attempt is None or not attempt.request.changes or ledger.air.accepted or _of_no_product(attempt):
            continue
        kind, words, hint = _met(attempt, sweep.client)
        return ErrorReport(kind=kind, message=words or "no cancel was accepted", hint=hint)
    return None


def _too_many(client: Client) -> ErrorReport | None:
    """Why orders are open: a limit of the venue let fewer cancels out than there were, in the time that was given."""
    if client.behind is None:
        return None
    bucket, limit, seconds = client.behind
    given = client.deadline - (client.tally.first_request or client.deadline)
    rest = math.ceil((seconds + client.reserve) / _TENS) * _TENS
    needed = math.ceil((given + seconds + client.reserve) / _TENS) * _TENS
    of = bucket.partition(":")[2]
    return ErrorReport(
        kind="rate_limit",
        message=f"the venue's limit lets {limit.count} cancels{f' of {of}' if of else ''} go in {limit.seconds:g} s: "
        f"{given:.0f} s were too short for all, another {seconds:.0f} s are needed",
        hint=f"run again at once, it goes on where this one ended; from the start it takes --deadline {needed}",
        deadline=rest if rest > given else None,
    )


def _of_no_product(attempt: Attempt) -> bool:
    """Whether the venue said that the account has no such product: no reason why others are not proven."""
    return attempt.judgement is not None and attempt.judgement.answer is Answer.ABSENT


def _met(attempt: Attempt | None, client: Client) -> tuple[ErrorKind, str, str]:
    """Kind, words and hint of what went wrong with an attempt, if anything did."""
    if attempt is None:
        silence = client.tally.silence or client.standstill(0.0)
        if client.tally.venue_spoke and not silence:
            return "timeout", _OTHERS_FIRST, _GIVE_TIME
        return "timeout", silence or f"no answer from {host_of(client.signer.origin)} in time", ""
    if attempt.fault is not None:
        return attempt.fault.kind, attempt.fault.message, attempt.fault.hint
    judgement = attempt.judgement
    if judgement is None or judgement.answer is Answer.ACCEPTED:
        return "unreadable", "", ""
    return judgement.kind or "unreadable", judgement.message, judgement.hint


def _trouble_report(sweep: ProfileSweep, verdict: Verdict) -> ErrorReport:
    """The last thing that went wrong, of segments that are not proven: what the venue said before what it did not."""
    unproven = (one for one in sweep.ledgers.values() if not one.proven and one.absent is None)
    met = (one.trouble for one in unproven if one.trouble is not None and (one.trouble.judgement or one.trouble.fault))
    troubles = (attempt for attempt in met if not _of_no_product(attempt))
    attempt = min(troubles, key=partial(_rank, verdict), default=None)
    kind, message, _ = _met(attempt, sweep.client)
    message = _unfinished(sweep) if attempt is None else message or "unreadable answer"
    own = attempt.judgement.hint if attempt is not None and attempt.judgement is not None else ""
    hint = "run again, or look at the venue's site: orders may still be open"
    return ErrorReport(kind=kind, message=message, hint=own or hint)


def _unfinished(sweep: ProfileSweep) -> str:
    """Why nothing is proven although nothing went wrong."""
    unproven = [one for one in sweep.ledgers.values() if not one.proven and one.absent is None]
    named = next((one for one in unproven if one.contradicted), None)
    if named is not None:
        return f"{named.segment.name}: its listing is empty, but another answer of the venue says that orders are left"
    named = next((one for one in unproven if one.incomplete), None)
    if named is not None:
        return f"{named.segment.name}: its listing is incomplete: {named.incomplete}"
    if unproven and not any(one.answered for one in unproven):
        return _met(None, sweep.client)[1]
    return "the time was too short for a proof"


def _rank(verdict: Verdict, attempt: Attempt) -> int:
    """How little a failed attempt explains; the clock alone makes a verdict `refused` without a refusal."""
    if attempt.judgement is None:
        return 2
    return 0 if verdict is Verdict.REFUSED and attempt.judgement.kind == "clock" else 1


def _some(ids: list[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(ids[_IDS_IN_A_WARNING:])
    return ", ".join(ids[:_IDS_IN_A_WARNING]) + (f" and {more} more" if more else "")


def _unmet(sweep: ProfileSweep) -> list[str]:
    """Prefixes of client ids that no order had, where all was read: one may be misspelt."""
    ledgers = [one for one in sweep.ledgers.values() if one.absent is None]
    if sweep.client_ids is None or not all(one.listings for one in ledgers):
        return []
    known = [(one.segment.begins, record.order.client_id or "") for one in ledgers for record in one.seen]
    prefixes = dict.fromkeys((*sweep.client_ids.only, *sweep.client_ids.but))
    return [
        f'no order was listed whose client id begins with "{prefix}"'
        for prefix in prefixes
        if not any(begins(client_id, prefix) for begins, client_id in known)
    ]


def warnings(sweep: ProfileSweep) -> tuple[str, ...]:
    """What a trader should know besides the verdict."""
    notes = []
    removed = [
        row
        for ledger in sweep.ledgers.values()
        for row in order_rows(ledger)
        if row.order.protection.value == "protective" and was_removed(ledger, row)
    ]
    if removed and not sweep.client.reads_only:
        notes.append(
            f"{len(removed)} protective order(s) (stop-loss, take-profit, reduce-only) removed; positions stay open"
        )
    reappeared = [one.order for ledger in sweep.ledgers.values() for one in ledger.seen if one.reappeared]
    if reappeared:
        named = _some(list(dict.fromkeys(order.client_id or order.id for order in reappeared)))
        makers = ", ".join(sorted({order.origin for order in reappeared if order.origin}))
        by = f"; placed by {makers}" if makers else ""
        times = sum(ledger.reappearances for ledger in sweep.ledgers.values())
        when = f"during the sweep and the hold, {times} time(s)" if sweep.held else "during the sweep"
        notes.append(f"{len(reappeared)} order(s) appeared {when}: a bot is still running ({named}{by})")
    tally = sweep.client.tally
    if tally.longest_ask > 5:
        notes.append(f"the venue wanted a wait of {tally.longest_ask:.0f} s")
    if tally.abandoned:
        if tally.late_until_ms:
            import time

            at = time.strftime("%H:%M:%S", time.localtime(tally.late_until_ms / 1000 + 1))
            notes.append(f"do not restart bots before {at}: a cancel without an answer can still land until then")
        else:
            notes.append("a cancel without an answer can still land, with no known limit: wait before restarting bots")
    if sweep.discoveries.pending:
        names = ", ".join(sweep.discoveries.pending)
        notes.append(f"{names}: could not be read: what it would have shown is not known")
    missed = sweep.discoveries.missed if sweep.client.refusal is None else ()
    notes += [f"{name}: could not be read, so they were not looked for" for name in missed]
    notes += [
        f"{ledger.segment.name}: orders that a complete listing had lacked were listed again "
        f"({ledger.contradictions} time(s)): its listings are not reliable, so the proof took longer"
        for ledger in sweep.ledgers.values()
        if ledger.contradictions
    ]
    strays = list(dict.fromkeys(one.order.id for ledger in sweep.ledgers.values() for one in ledger.seen if one.stray))
    if strays:
        notes.append(f"the cancel of a group took {len(strays)} order(s) that no listing had shown: {_some(strays)}")
    notes += sorted(remark for ledger in sweep.ledgers.values() for remark in ledger.remarks)
    notes += _unmet(sweep)
    return (*notes, *sweep.discoveries.remarks)
