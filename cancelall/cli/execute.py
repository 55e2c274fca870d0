"""From chosen profiles to an exit status: the event loop, the streams, the signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cancelall.cli import last_words, process
from cancelall.cli.last_words import LastWords
from cancelall.cli.options import Output, Terms
from cancelall.cli.watchdog import DOG, GRACE, NAMES
from cancelall.config.loader import default_notify
from cancelall.core.attempts import Attempt
from cancelall.core.clock import process_started
from cancelall.core.directories import state_directories
from cancelall.core.errors import ConfigError, ExitStatus
from cancelall.core.model import Verdict
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.core.results import ProfileReport, Timing
from cancelall.engine import reporting, verdicts
from cancelall.engine.hold import LAST_PROOF
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.run import Listener, Run, Target, harden
from cancelall.journal.record import Record, beginning
from cancelall.journal.writer import Journal, new_run
from cancelall.report import text
from cancelall.report.lines import profile_line
from cancelall.report.streams import Outlet

if TYPE_CHECKING:
    from cancelall.report import tables
    from cancelall.report.notify import Notification

_LAST_WORDS = 0.2
"""Seconds that stderr gets at the end; data on stdout is waited for."""


_WAY_KNOWN = 1.0
"""Seconds that the first line of a profile waits for whether a proxy of the environment lets its requests through."""
_DISK = 0.25
"""Seconds that the disk gets at the end to take the journal in."""


class Streams:
    """stdout for data, stderr for everything else, each written by a thread of its own."""

    def __init__(self, output: Output, environ: Mapping[str, str], known: LastWords | None = None) -> None:
        self.output = output
        self.known = known
        """Who is told that a result has been written."""
        self.environ = environ
        self.data = Outlet(sys.stdout, "stdout")
        self.notes = Outlet(sys.stderr, "stderr")

    def warn(self, warning: str) -> None:
        """A line that even `--quiet` leaves."""
        self.notes.line(f"cancelall: WARNING: {text.clean(warning, 500)}")

    def origin(self, notice: str) -> None:
        """Where the config comes from, if that has to be said."""
        if notice and not self.output.quiet:
            self.notes.line(f"cancelall: {text.clean(notice, 500)}")

    def target(self, target: Target) -> None:
        """The first line of a profile, written beside the send."""
        for warning in target.warnings:
            self.warn(warning)
        if not self.output.quiet:
            doing = "reading" if target.dry_run else "cancelling"
            scope = text.scope_words(dict(target.scope))
            line = (
                f"cancelall: {target.profile}: {doing} {scope} on {target.venue} ({target.environment}) "
                f"{target.host}, account {target.account}"
            )
            until = time.monotonic() + _WAY_KNOWN

            def with_its_way() -> str:
                way = target.way(max(0.0, until - time.monotonic()))
                return f"{line}, {text.clean(way)}\n" if way else f"{line}\n"

            self.notes.write(with_its_way)

    def holding(self, profile: str, verdict: Verdict, seconds: float) -> None:
        """The first verdict; a report follows at the end of the hold."""
        if not self.output.quiet:
            self.notes.line(
                f"cancelall: {profile}: {verdict.value.upper()}; holding for {seconds:g} s, cancelling what reappears "
                "(Ctrl-C ends it)"
            )

    def attempt(self, profile: str, attempt: Attempt) -> None:
        """With -v: every request. Never headers, never bodies."""
        if not self.output.verbose:
            return
        judgement, fault = attempt.judgement, attempt.fault
        said = f"{judgement.answer.value} {judgement.words}" if judgement else fault.message if fault else ""
        status = f"{attempt.status} " if attempt.status is not None else ""
        spent = round((attempt.ended - attempt.began) * 1000)
        request = attempt.request
        self.notes.line(
            f"cancelall: {profile}: {request.method} {text.clean(request.target)} {status}{spent} ms "
            f"{text.clean(said)}".rstrip()
        )

    def finished(self, report: ProfileReport) -> None:
        """A profile's result, as soon as it is there. Why nothing was sent is also told in one line, as its first."""
        if report.verdict is Verdict.UNCONFIGURED and report.error is not None:
            message, hint = text.clean(report.error.message, 1000), text.clean(report.error.hint, 500)
            self.notes.line(f"cancelall: {report.profile}: {message}{f' - {hint}' if hint else ''}")
        if self.output.json:
            self.data.write(lambda: profile_line(report))
        else:
            self.data.write(lambda: self._drawn(report))
        self.data.write(lambda: self._written(report))

    def summary(self, reports: Sequence[ProfileReport]) -> None:
        """One row per profile after all tables."""
        if len(reports) > 1 and not self.output.json and not self.output.quiet:
            from cancelall.report import tables

            self.data.write(lambda: tables.summary(reports, self._canvas()))

    def close(self) -> None:
        """Everything said. Progress may be lost, data is waited for."""
        self.data.close(None)
        self.notes.close(_LAST_WORDS)

    def _written(self, report: ProfileReport) -> str:
        """Called by who writes, when everything before is out."""
        if self.known is not None:
            self.known.told.add(report.profile)
        return ""

    def _drawn(self, report: ProfileReport) -> str:
        from cancelall.report import tables

        made = self._canvas()
        if self.output.quiet:
            return tables.drawn(made, tables.verdict_line(report))
        return tables.profile_table(report if self.output.plan else replace(report, would_send=()), made)

    def _canvas(self) -> tables.Canvas:
        from cancelall.report import tables

        width = tables.width_of(self.environ, _descriptor(sys.stdout))
        encoding = getattr(self.data.stream, "encoding", None) or "utf-8"
        return tables.console(width, terminal=self.data.is_terminal, environ=self.environ, encoding=encoding)


def execute(
    profiles: Sequence[Profile | BrokenProfile],
    output: Output,
    environ: dict[str, str],
    *,
    dry_run: bool = False,
    terms: Terms | None = None,
) -> ExitStatus:
    """Run the profiles, say what became of them, and return the exit status."""
    process.hear_logs()
    terms = terms or Terms()
    begun = DOG.begin()
    try:
        after = terms.hold + LAST_PROOF if terms.hold else 0.0
        known = last_words.keep(profiles, json=output.json, dry_run=dry_run, after=after, begun=True)
        return _executed(profiles, Streams(output, environ, known), environ, known, dry_run=dry_run, terms=terms)
    finally:
        if begun:
            DOG.rest()


def _executed(
    profiles: Sequence[Profile | BrokenProfile],
    streams: Streams,
    environ: dict[str, str],
    known: LastWords,
    *,
    dry_run: bool,
    terms: Terms,
) -> ExitStatus:
    output = streams.output
    record = _record(profiles, environ, terms, dry_run=dry_run)
    known.aside = lambda status, reports: _told_of_hang(record, profiles, status, reports, terms, environ)
    ignored = harden(environ)
    process.speak_through(streams.notes.line)
    for warning in ignored:
        streams.warn(warning)
    if terms.document is not None and terms.document.notice:
        streams.origin(terms.document.notice)
    reports, stopped = asyncio.run(_swept(profiles, streams, environ, record, known, dry_run=dry_run, hold=terms.hold))
    DOG.first = None  # every verdict is there: a signal ends the waiting for streams and commands
    if terms.hold and not any(report.error and report.error.kind == "interrupted" for report in reports):
        stopped = None  # only a hold was ended: every verdict is there
    status = known.stopped = stopped if stopped is not None else verdicts.exit_status(reports)
    record.finish(status, reports, _DISK, process_started())
    told = {warning for report in reports for warning in report.warnings} if not output.quiet else set()
    for warning in record.warnings():
        if warning not in told:
            streams.warn(warning)
    telling = _telling(profiles, reports, terms, environ) if terms.journalled else None
    DOG.extend(time.monotonic() + GRACE + (telling.seconds if telling is not None else 0.0))
    streams.summary(reports)
    for failure in telling.wait() if telling is not None else ():
        streams.warn(failure)
    streams.close()
    return status


def _told_of_hang(
    record: Record,
    profiles: Sequence[Profile | BrokenProfile],
    status: int,
    reports: Sequence[ProfileReport],
    terms: Terms,
    environ: Mapping[str, str],
) -> None:
    """Journal and notify command of a run that has hung. What is begun here is not waited for."""
    if terms.journalled and not record.finished:
        _telling(profiles, reports, terms, environ)
        record.hung(status, reports, _DISK, process_started())


def _telling(
    profiles: Sequence[Profile | BrokenProfile],
    reports: Sequence[ProfileReport],
    terms: Terms,
    environ: Mapping[str, str],
) -> Notification | None:
    """Each notify command with the lines of its profiles. One that cannot be read has that of `[defaults]`."""
    lines: dict[tuple[str, ...], str] = {}
    for profile, report in zip(profiles, reports, strict=True):
        own = profile.common.notify_command if isinstance(profile, Profile) else default_notify(terms.document)
        if words := terms.notify if terms.notify is not None else own:
            lines[words] = lines.get(words, "") + profile_line(report)
    if not lines:
        return None
    from cancelall.report.notify import Notification

    return Notification(lines, environ)


def _record(
    profiles: Sequence[Profile | BrokenProfile], environ: Mapping[str, str], terms: Terms, *, dry_run: bool
) -> Record:
    """The journal of this run; its file is opened beside what comes next."""
    if not terms.journalled:
        return Record()
    document = terms.document
    journal = Journal(state_directories(environ), new_run())
    journal.begin(
        beginning(
            argv=sys.argv[1:],
            environ=environ,
            profiles=[profile.name for profile in profiles],
            dry_run=dry_run,
            reason=terms.reason,
            config=str(document.path) if document is not None and document.path is not None else None,
            config_text=document.text if document is not None else "",
        )
    )
    return Record(journal=journal)


async def _swept(
    profiles: Sequence[Profile | BrokenProfile],
    streams: Streams,
    environ: Mapping[str, str],
    record: Record,
    known: LastWords,
    *,
    dry_run: bool,
    hold: float,
) -> tuple[list[ProfileReport], ExitStatus | None]:
    progress = None
    if streams.notes.is_terminal and not streams.output.quiet and not streams.output.verbose:
        from cancelall.report.live import Progress

        progress = Progress(streams.notes, streams.environ)

    def finished(report: ProfileReport) -> None:
        known.finished[report.profile] = report
        if progress is not None:
            progress.finished(report.profile)
            streams.data.write(progress.await_wiped)
        streams.finished(report)
        if progress is not None:
            streams.data.write(progress.resume)

    def target(told: Target) -> None:
        if progress is not None:
            progress.wipe()
        streams.target(told)

    def holding(profile: str, verdict: Verdict, seconds: float) -> None:
        if progress is not None:
            progress.wipe()
        streams.holding(profile, verdict, seconds)

    def sweeping(profile: str, sweep: ProfileSweep) -> None:
        known.tallies[profile] = sweep.client.tally
        if progress is not None:
            progress.sweeping(profile, partial(_how_far, sweep))

    listener = Listener(
        target=target,
        holding=holding,
        attempt=streams.attempt,
        sweeping=sweeping,
        finished=finished,
    )
    run = Run(
        profiles=profiles,
        environ=environ,
        started=process_started(),
        dry_run=dry_run,
        hold=hold,
        listener=listener,
        record=record,
    )
    stopped: list[ExitStatus] = []
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        stopped.append(ExitStatus(128 + number))
        run.interrupt(NAMES[number])

    def signalled(number: int) -> None:
        """On the watchdog's thread, whatever the loop is doing."""
        run.halt()
        known.stopped = ExitStatus(128 + number)
        with contextlib.suppress(RuntimeError):  # the loop has just closed
            loop.call_soon_threadsafe(stop, number)

    loop.set_exception_handler(lambda loop, context: None)  # bugs are reported with their profile, without a traceback
    DOG.first = signalled
    ticking = asyncio.create_task(progress.tick()) if progress is not None else None
    try:
        return await run.all(), stopped[0] if stopped else None
    finally:
        if ticking is not None:
            ticking.cancel()


def report_error(
    error: ConfigError,
    profile: str,
    venue: str,
    output: Output,
    *,
    dry_run: bool,
    notify: tuple[str, ...] | None = None,
) -> int:
    """The result of a profile that was asked for but cannot be read, in the form that was asked for."""
    process.hear_logs()
    broken = BrokenProfile(name=profile, venue=venue, error=error)
    report = reporting.nothing_sent(broken, error, Verdict.UNCONFIGURED, Timing(), dry_run=dry_run)
    known = last_words.keep([broken], json=output.json, dry_run=dry_run, begun=True)
    known.finished[profile] = report
    streams = Streams(output, os.environ, known)
    streams.finished(report)
    if notify:
        from cancelall.report.notify import Notification

        for failure in Notification({notify: profile_line(report)}, os.environ).wait():
            streams.warn(failure)
    streams.close()
    return int(error.status)


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return None


def _how_far(sweep: ProfileSweep) -> str:
    """What a sweep has come to by now, for the live line of its profile."""
    ledgers = list(sweep.ledgers.values())
    proven = sum(1 for one in ledgers if one.proven)
    taken = sum(record.taken for one in ledgers for record in one.seen)
    left = sum(len(one.left(one.last)) for one in ledgers if one.last is not None)
    return f"{taken} accepted, {left} still listed, {proven} of {len(ledgers)} segments proven"
