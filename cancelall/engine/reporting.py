"""What is reported of a profile: what its sweep has come to, or why nothing was sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cancelall.core.errors import CancelallError
from cancelall.core.model import Listing, Verdict
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.core.results import ErrorReport, ProfileReport, Timing
from cancelall.credentials.chain import ResolvedSecrets
from cancelall.engine import reasons, verdicts
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.journal.record import ProfileRecord, nanoseconds
from cancelall.venues.registry import VENUES

if TYPE_CHECKING:
    from cancelall.journal.basis import Basis, SegmentBasis


def swept(
    profile: Profile,
    sweep: ProfileSweep,
    resolved: ResolvedSecrets,
    verdict: Verdict,
    error: ErrorReport | None,
    timing: Timing,
    *,
    cut_by: str = "",
) -> ProfileReport:
    """A sweep that has ended, or that a signal has cut short.

    `error` is why the verdict was not clear when it was given: what is read of orders afterwards changes neither.
    """
    client, venue = sweep.client, sweep.client.venue
    ledgers = list(sweep.ledgers.values())
    if cut_by:
        taken = sum(record.taken for ledger in ledgers for record in ledger.seen)
        proven = sum(ledger.proven for ledger in ledgers)
        message = f"stopped by {cut_by}: {taken} order(s) accepted, {proven} of {len(ledgers)} segments proven"
        error = ErrorReport(kind="interrupted", message=message, hint="run again to finish and prove it")
    unwitnessed = venue.unwitnessed(profile.options, sweep.keep or sweep.client_ids is not None, client.reads_only)
    closes = f"{VENUES[profile.venue]} closes, or has closed: {venue.sunset}" if venue.sunset else ""
    notes = (*profile.warnings, *resolved.warnings, venue.notice, closes, *reasons.warnings(sweep), unwitnessed)
    return ProfileReport(
        profile=profile.name,
        venue=profile.venue,
        environment=profile.shown_environment,
        host=profile.hosts,
        scope=profile.scope,
        dry_run=client.reads_only,
        verdict=verdict,
        segments=tuple(verdicts.segment_report(ledger, client) for ledger in ledgers),
        orders=tuple(row for ledger in ledgers for row in verdicts.order_rows(ledger)),
        not_covered=venue.not_covered(profile.options, profile.environment),
        requests=client.tally.requests,
        timing=timing,
        error=error,
        warnings=tuple(note for note in notes if note),
        all_read=verdicts.all_read(sweep),
        would_send=verdicts.would_send(sweep) if client.reads_only else (),
    )


def nothing_sent(
    profile: Profile | BrokenProfile, error: CancelallError, verdict: Verdict, timing: Timing, *, dry_run: bool
) -> ProfileReport:
    """A profile whose sweep has not begun."""
    return ProfileReport(
        profile=profile.name,
        venue=profile.venue,
        environment=profile.shown_environment,
        host=profile.hosts,
        scope=profile.scope,
        dry_run=dry_run,
        verdict=verdict,
        timing=timing,
        error=ErrorReport(kind=error.kind, message=error.message, hint=error.hint),
        warnings=profile.warnings,
    )


# --- what the journal keeps, so that the verdict can be recomputed from it ---


def listed(sweep: ProfileSweep, record: ProfileRecord, name: str, listing: Listing) -> None:
    """Have a listing written down, with what of it stays in place."""
    if (ledger := sweep.ledgers.get(name)) is not None:
        record.listed(name, listing, ledger.keeps, ledger.segment.listings)


def listed_last(sweep: ProfileSweep, record: ProfileRecord) -> None:
    """The same of what is not written yet: what a listing had shown when it was cut off, and what was read last."""
    for name, ledger in sweep.ledgers.items():
        last = ledger.last
        if last is not None and last.began > record.read.get(name, -math.inf):
            listed(sweep, record, name, last)


def basis(sweep: ProfileSweep, decided: float) -> Basis:
    """What the verdict of this moment rests on, besides what the journal has of requests and listings."""
    from cancelall.journal.basis import Basis

    discoveries = sweep.discoveries
    return Basis(
        decided=nanoseconds(decided),
        gap=sweep.gap,
        keep=sweep.keep,
        by_name=sweep.client_ids is not None,
        reads_only=sweep.client.reads_only,
        segments={name: _segment_basis(ledger) for name, ledger in sweep.ledgers.items()},
        pending=tuple(discoveries.pending),
        missed=tuple(discoveries.missed),
        doubts=discoveries.doubts,
        bug=sweep.bug is not None or sweep.client.bug is not None,
    )


def _segment_basis(ledger: Ledger) -> SegmentBasis:
    from cancelall.journal.basis import SegmentBasis, WitnessBasis

    segment = ledger.segment
    blind = segment.blind
    return SegmentBasis(
        blind=blind,
        mass=tuple(request for request in ledger.cancels if request not in blind),
        passes=segment.listings,
        witnesses=tuple(
            WitnessBasis(
                request=one.request,
                changes=one.request.changes,
                harmless=one.harmless,
                optional=one.optional,
                signature=one.signature,
            )
            for one in segment.witnesses
        ),
        spawns=segment.spawns,
        never=ledger.never,
        keyless=ledger.keyless,
        protective_kinds=segment.protective_kinds,
        contradictions=ledger.contradictions,
    )
