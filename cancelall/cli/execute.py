"""From chosen profiles to an exit status: the event loop, the streams, the signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from cancelall.cli import last_words, process
from cancelall.cli.last_words import LastWords
from cancelall.cli.options import Output, Terms
from cancelall.cli.watchdog import DOG, GRACE, NAMES, process_started
from cancelall.config.loader import default_notify
from cancelall.core.attempts import Attempt
from cancelall.core.errors import ConfigError, ExitStatus
from cancelall.core.files import state_directories
from cancelall.core.model import Verdict
from cancelall.core.profile import BrokenProfile, Profile, host_of
from cancelall.core.results import ProfileReport, RunFacts, Timing
from cancelall.core.stamp import now_ms
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
    from cancelall.report.live import Progress
    from cancelall.report.notify import Notification

_LAST_WORDS = 0.2
"""Seconds that stderr gets at the end; data on stdout is waited for."""


_WAY_KNOWN = 1.0
"""Seconds that the first line of a profile waits for whether a proxy of the environment lets its requests through."""
_STANDSTILL = 1.0
"""Seconds after which the live line names what connecting waits for."""
_IN_SIGHT = 4
"""Lines that may follow a verdict before it is said once more."""
_DISK = 0.25
"""Seconds that the disk gets at the end to take the journal in."""


class Streams:
    """stdout for data, stderr for everything else, each written by a thread of its own."""

    def __init__(self, output: Output, environ: Mapping[str, str], known: LastWords | None = None) -> None:
        self.output = output
        self.known = known
        """What has been written is noted there."""
        self.environ = environ
        self.line = sys.argv[1:]
        """The words of the command line."""
        self.positions: Literal["", "after", "only"] = ""
        """Whether positions follow a result, or are the result: with --json both are one line."""
        self.alone = False
        """Whether the run has one profile: no line that tells the whole comes after it."""

    @cached_property
    def data(self) -> Outlet:
        """Where results go."""
        return Outlet(sys.stdout, "stdout")

    @cached_property
    def notes(self) -> Outlet:
        """Where everything else goes."""
        return Outlet(sys.stderr, "stderr")

    def warn(self, warning: str) -> None:
        """A line that even `--quiet` leaves."""
        self.notes.line(f"cancelall: WARNING: {text.clean(warning, 500)}")

    def origin(self, notice: str) -> None:
        """Where the config comes from, if that has to be said."""
        if notice and not self.output.quiet:
            self.notes.line(f"cancelall: {text.clean(notice, 500)}")

    def target(self, target: Target) -> None:
        """The first line of a profile, written in the background of the send."""
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
        said = f"{judgement.answer.value} {judgement.message}" if judgement else fault.message if fault else ""
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
        if self.output.json and self.positions == "after":
            return  # its line follows with the positions
        if self.output.json:
            self.data.write(lambda: self._line(report))
        else:
            self.data.write(lambda: self._drawn(report))
        self.data.write(lambda: self._written(report))

    def decided(self, profile: str, verdict: Verdict, seconds: float) -> None:
        """The verdict, at once, where details of the orders are still to be read."""
        if not self.output.quiet:
            self.notes.line(f"cancelall: {profile}: {verdict.value.upper()} after {seconds:.1f} s; reading the details")

    def as_last_words(self, report: ProfileReport) -> ProfileReport:
        """A result as it stands should the run end now: positions that are still to be read are not known."""
        if self.positions != "after" or report.positions is not None:
            return report
        try:
            from cancelall.core.positions import PositionsReport
        except (ImportError, OSError, MemoryError):  # no file descriptor or memory for a module
            return report
        return replace(
            report, positions=PositionsReport(known=False, unknown="the run was ended before they were read")
        )

    def with_positions(self, report: ProfileReport) -> None:
        """The positions of a profile whose result has been written; with --json both in one line.

        Below them a terminal gets the verdict once more where no other line comes: it belongs on the last screen.
        """
        if self.output.json:
            self.data.write(lambda: self._line(report))
            self.data.write(lambda: self._written(report))
        elif report.verdict is not Verdict.UNCONFIGURED:
            self.data.write(lambda: self._drawn_positions(report))

    def summary(self, reports: Sequence[ProfileReport], status: int) -> None:
        """One row per profile after all tables, and the line that tells the whole."""
        if len(reports) > 1 and not self.output.json and self.positions != "only":
            from cancelall.cli import next_step
            from cancelall.report import tables

            draw = tables.whole if self.output.quiet else tables.summary
            self.data.write(lambda: draw(reports, self._canvas(), status, next_step.of_run(reports, self.line)))

    def close(self) -> None:
        """Everything said. Progress may be lost, data is waited for."""
        self.data.close(None)
        self.notes.close(_LAST_WORDS)

    def _line(self, report: ProfileReport) -> str:
        return profile_line(report, self.known.facts()) if self.known is not None else profile_line(report)

    def _written(self, report: ProfileReport) -> str:
        """Called by who writes, when everything before is out."""
        if self.known is not None:
            self.known.written.add(report.profile)
        return ""

    def _drawn(self, report: ProfileReport) -> str:
        from cancelall.cli import next_step
        from cancelall.report import tables

        if self.positions == "only" and report.verdict is not Verdict.UNCONFIGURED:
            return self._drawn_positions(report)
        made, step = self._canvas(), next_step.of_profile(report, self.line)
        if self.output.quiet:
            return tables.brief(report, made, step)
        return tables.profile_table(report if self.output.plan else replace(report, would_send=()), made, step)

    def _drawn_positions(self, report: ProfileReport) -> str:
        from cancelall.report import positions, tables

        if self.positions == "after":
            shown = positions.after_a_kill(report, self._canvas())
            again = self.alone and self.data.is_terminal and shown.count("\n") > _IN_SIGHT
            return shown + tables.verdict_text(report, self._canvas()) if again else shown
        return positions.listed(report, self._canvas(), quiet=self.output.quiet)

    def _canvas(self) -> tables.Canvas:
        from cancelall.report import tables

        width = tables.width_of(self.environ, self.data.descriptor)
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
        known = last_words.keep(
            profiles,
            json=output.json,
            dry_run=dry_run,
            reason=terms.reason,
            shard=terms.shard,
            after=after,
            begun=True,
        )
        streams = Streams(output, environ, known)
        return _Execution(profiles, streams, environ, known, terms, dry_run=dry_run).status()
    finally:
        if begun:
            DOG.rest()


class _Execution:
    """One run over profiles, and who is told of it."""

    def __init__(
        self,
        profiles: Sequence[Profile | BrokenProfile],
        streams: Streams,
        environ: dict[str, str],
        known: LastWords,
        terms: Terms,
        *,
        dry_run: bool,
    ) -> None:
        self.profiles, self.streams, self.environ, self.known = profiles, streams, environ, known
        self.terms, self.dry_run = terms, dry_run
        self.record = new_record(profiles, environ, terms, dry_run=dry_run) if terms.journalled else Record()
        if self.record.journal is not None:
            known.run = self.record.journal.run
        self.ticking: asyncio.Task[None] | None = None

    def status(self) -> ExitStatus:
        """The exit status, after everything is done and said."""
        streams, known, record, hold = self.streams, self.known, self.record, self.terms.hold
        known.aside = self._hung
        ignored = harden(self.environ)
        process.speak_through(lambda line: streams.notes.line(line))
        for warning in ignored:
            streams.warn(warning)
        if self.terms.document is not None and self.terms.document.notice:
            streams.origin(self.terms.document.notice)
        streams.alone = len(self.profiles) == 1
        if self.terms.positions:
            streams.positions = "only"
        elif not (self.dry_run or streams.output.quiet):
            streams.positions = "after"
        reports, stopped = asyncio.run(self._swept())
        DOG.first = None  # every verdict is there: a signal ends the waiting for streams and commands
        if hold and not any(report.error and report.error.kind == "interrupted" for report in reports):
            stopped = None  # only a hold was ended: every verdict is there
        status = known.stopped = stopped if stopped is not None else verdicts.exit_status(reports)
        record.finish(status, reports, _DISK, process_started())
        shown = {warning for report in reports for warning in report.warnings} if not streams.output.quiet else set()
        for warning in record.warnings():
            if warning not in shown:
                streams.warn(warning)
        notification = self._notified(reports)
        DOG.extend(time.monotonic() + GRACE + (notification.seconds if notification is not None else 0.0))
        streams.summary(reports, status)
        for failure in notification.wait() if notification is not None else ():
            streams.warn(failure)
        streams.close()
        return status

    def _hung(self, status: int, reports: Sequence[ProfileReport]) -> None:
        """Journal and notify command of a run that has hung. What is begun here is not waited for."""
        if self.terms.journalled and not self.record.finished:
            self._notified(reports)
            self.record.hung(status, reports, _DISK, process_started())

    def _notified(self, reports: Sequence[ProfileReport]) -> Notification | None:
        if not self.terms.journalled:
            return None
        return notified(self.profiles, reports, self.terms, self.environ, self.known.facts())

    # --- on the event loop ---

    async def _swept(self) -> tuple[list[ProfileReport], ExitStatus | None]:
        """Every profile's report, and the exit status of the signal that has stopped the run, if one has."""
        run = Run(
            profiles=self.profiles,
            environ=self.environ,
            started=process_started(),
            dry_run=self.dry_run,
            hold=self.terms.hold,
            details=not self.streams.output.quiet,
            positions=self.streams.positions,
            listener=Listener(
                target=self._target,
                holding=self._holding,
                lasts=lambda until: DOG.extend(until + GRACE),
                decided=self._decided,
                attempt=self.streams.attempt,
                sweeping=self._sweeping,
                finished=partial(self._finished, self.streams.finished),
                positions=partial(self._finished, self.streams.with_positions),
            ),
            record=self.record,
        )
        stopped: list[ExitStatus] = []
        loop = asyncio.get_running_loop()

        def decided() -> bool:
            """Whether every verdict is there: a signal then only ends the reading of positions."""
            return len(self.known.finished) == len(self.profiles)

        def stop(number: int) -> None:
            if not decided():
                stopped.append(ExitStatus(128 + number))
            run.interrupt(NAMES[number])

        def signalled(number: int) -> None:
            """On the watchdog's thread, whatever the loop is doing."""
            run.halt()
            self.known.stopped = None if decided() else ExitStatus(128 + number)
            with contextlib.suppress(RuntimeError):  # the loop has just closed
                loop.call_soon_threadsafe(stop, number)

        loop.set_exception_handler(lambda loop, context: None)  # bugs are reported with their profile, in one line
        DOG.first = signalled
        try:
            return await run.all(), stopped[0] if stopped else None
        finally:
            if self.ticking is not None:
                self.ticking.cancel()

    @cached_property
    def _progress(self) -> Progress | None:
        """The live lines, where there are any: not made before the first cancels are out."""
        streams = self.streams
        if not streams.notes.is_terminal or streams.output.quiet or streams.output.verbose:
            return None
        from cancelall.report.live import Progress

        made = Progress(streams.notes, streams.environ)
        self.ticking = asyncio.create_task(made.tick())
        return made

    def _target(self, target: Target) -> None:
        if self._progress:
            self._progress.wipe()
        self.streams.target(target)

    def _holding(self, profile: str, verdict: Verdict, seconds: float) -> None:
        if self._progress:
            self._progress.wipe()
        self.streams.holding(profile, verdict, seconds)

    def _decided(self, profile: str, verdict: Verdict, seconds: float) -> None:
        if self._progress:
            self._progress.wipe()
        self.streams.decided(profile, verdict, seconds)

    def _sweeping(self, profile: str, sweep: ProfileSweep) -> None:
        self.known.tallies[profile] = sweep.client.tally
        if self._progress:
            self._progress.sweeping(profile, partial(how_far, sweep))

    def _finished(self, write: Callable[[ProfileReport], None], report: ProfileReport) -> None:
        self.known.finished[report.profile] = self.streams.as_last_words(report)
        if self._progress:
            self._progress.finished(report.profile)
            self.streams.data.write(self._progress.await_wiped)
        write(report)
        if self._progress:
            self.streams.data.write(self._progress.resume)


def new_record(
    profiles: Sequence[Profile | BrokenProfile],
    environ: Mapping[str, str],
    terms: Terms,
    *,
    dry_run: bool,
    opened: Journal | None = None,
) -> Record:
    """The journal of a run; its file is opened in the background of what comes next, unless it was opened ahead."""
    document = terms.document
    journal = opened or Journal(state_directories(environ), new_run())
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


def notified(
    profiles: Sequence[Profile | BrokenProfile],
    reports: Sequence[ProfileReport],
    terms: Terms,
    environ: Mapping[str, str],
    facts: RunFacts,
) -> Notification | None:
    """Each notify command with the lines of its profiles. One that cannot be read has that of `[defaults]`."""
    lines: dict[tuple[str, ...], str] = {}
    for profile, report in zip(profiles, reports, strict=True):
        if words := command_of(profile, terms):
            lines[words] = lines.get(words, "") + profile_line(report, facts)
    if not lines:
        return None
    from cancelall.report.notify import Notification

    return Notification(lines, environ)


def command_of(profile: Profile | BrokenProfile, terms: Terms) -> tuple[str, ...]:
    """The notify command of a profile: that of the line, else its own; empty where there is none."""
    if terms.notify is not None:
        return terms.notify
    return profile.common.notify_command if isinstance(profile, Profile) else default_notify(terms.document)


def report_error(
    error: ConfigError,
    profile: str,
    venue: str,
    output: Output,
    *,
    dry_run: bool,
    terms: Terms,
) -> int:
    """The result of a profile that was named but cannot be read, in the form that the line wants."""
    process.hear_logs()
    broken = BrokenProfile(name=profile, venue=venue, error=error)
    report = reporting.nothing_sent(broken, error, Verdict.UNCONFIGURED, Timing(verdict_at=now_ms()), dry_run=dry_run)
    known = last_words.keep([broken], json=output.json, dry_run=dry_run, reason=terms.reason, begun=True)
    known.finished[profile] = report
    streams = Streams(output, os.environ, known)
    streams.finished(report)
    if terms.notify:
        from cancelall.report.notify import Notification

        for failure in Notification({terms.notify: profile_line(report, known.facts())}, os.environ).wait():
            streams.warn(failure)
    streams.close()
    return int(error.status)


def how_far(sweep: ProfileSweep) -> str:
    """What a sweep has come to by now, for the live line of its profile. It names no number that was not read.

    Segments that the account has not, by the venue's word, are none of those that are to be proven.
    """
    ledgers, client = list(sweep.ledgers.values()), sweep.client
    if not any(one.answered for one in ledgers) and client.tally.turned_away is None:
        troubles = (one.trouble.fault.message for one in ledgers if one.trouble is not None and one.trouble.fault)
        why = client.standstill(_STANDSTILL) or next(troubles, "")
        return f"no answer yet: {text.clean(why)}" if why else f"no answer yet from {host_of(client.signer.origin)}"
    taken = sum(record.taken for one in ledgers for record in one.seen)
    ledgers = [one for one in ledgers if one.absent is None] or ledgers
    read = [one for one in ledgers if one.last is not None]
    left = sum(len(one.left(one.last)) for one in read if one.last is not None)
    proven = sum(1 for one in ledgers if one.proven)
    accepted = f"{taken} accepted, " if taken or any(one.air.accepted for one in ledgers) else "none accepted yet, "
    listed = f"{left} still listed" if len(read) == len(ledgers) else f"{len(read)} of {len(ledgers)} segments read"
    return f"{'' if client.reads_only else accepted}{listed}, {proven} of {len(ledgers)} segments proven"
