"""`cancelall check`: from chosen profiles to an exit status: what is said, what is remembered, what is stored."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from cancelall.check import evidence, local
from cancelall.check.run import Check, report_on
from cancelall.cli import kills, parameters
from cancelall.cli.execute import Streams
from cancelall.cli.options import Kill, Output
from cancelall.cli.watchdog import process_started
from cancelall.config import toml_file
from cancelall.config.guards import guard_keys, guard_tables
from cancelall.config.toml_file import Document
from cancelall.core import drills
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, UsageError
from cancelall.core.preflight import Area, CheckReport, Finding, exit_status, failure, good, warning
from cancelall.core.profile import BrokenProfile, Profile, environment_prefix
from cancelall.core.quoting import quoted
from cancelall.core.stamp import now_ms
from cancelall.engine.run import harden
from cancelall.net.background import in_thread
from cancelall.report import text
from cancelall.report.findings import check_line, check_summary, check_table
from cancelall.report.streams import is_terminal

if TYPE_CHECKING:
    from cancelall.guard.model import GuardStatus

_PATIENCE = 2.0
"""Seconds that a stopped terminal may keep a line for people, above all that something real is going to be sent."""

EPILOG = (
    "With -q nothing is printed when all is well, else what has to be put right: for cron. "
    "Exit codes: 0 nothing has to be put right; else the first that fits: 12 network, 4 the venue's side (key, rights, "
    "clock), 6 config, secret or file, 11 no young enough evidence."
)


def run(
    names: Annotated[Optional[list[str]], parameters.profiles()] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Also send one real cancel to each venue, where nothing rests, and say so before."),
    ] = False,
    max_age: Annotated[
        Optional[str],
        typer.Option(
            "--max-age",
            metavar="AGE",
            help="Send nothing; fail if the last good check is older (90s, 15m, 24h, 7d). For monitoring.",
            show_default=False,
        ),
    ] = None,
    store_account_group: Annotated[
        bool, typer.Option("--store-account-group", help="Write an AscendEX account group into its profile.")
    ] = False,
    *,
    kill: Kill,
) -> int:
    """Check these profiles, or all."""
    output, overrides = kills.output_of(kill), kills.overrides(kill)
    oldest = parameters.age_of(max_age) if max_age is not None else None
    if oldest is not None and (live or store_account_group):
        raise UsageError("--max-age sends nothing: it goes with neither --live nor --store-account-group")
    environ = dict(os.environ)
    try:
        document = toml_file.read(kill.config, environ)
        known = kills.known(document, environ)
        chosen = list(dict.fromkeys(names or kills.selected(document, known, [], [])))
    except ConfigError as error:
        return unreadable(error, [*map(quoted, names or [])], output)
    profiles = kills.load_all(document, chosen, environ, overrides)
    guards = Guards(document, environ)
    if oldest is not None:
        return aged(profiles, output, environ, oldest, document.notice, guards)
    confirm = None if kill.json or not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))) else typer.confirm
    keep = store_account_group
    return check(profiles, document, output, environ, live=live, keep_group=keep, confirm=confirm, guards=guards)


class Guards:
    """The guards of a config, and those that run here: what is to be said of them for each profile."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        """Asks each of them; one that hangs takes its seconds."""
        self._findings: dict[str, list[Finding]] = {}
        """By profile; under an empty name those of guards of all profiles."""
        names = dict.fromkeys((*guard_tables(document), *self._running(environ)))
        for name in names:
            findings, profiles = self._look_at(name, document, environ)
            for profile in profiles or ("",):
                self._findings.setdefault(profile, []).extend(findings)

    def added(self, report: CheckReport) -> CheckReport:
        """A report with what is found of the guards of its profile."""
        found = [*self._findings.get(report.profile, ()), *self._findings.get("", ())]
        return replace(report, findings=(*report.findings, *found)) if found else report

    @staticmethod
    def _running(environ: Mapping[str, str]) -> tuple[str, ...]:
        from cancelall.guard import control

        return control.running(environ)

    @staticmethod
    def _look_at(name: str, document: Document, environ: Mapping[str, str]) -> tuple[Sequence[Finding], Sequence[str]]:
        """What is found of one guard, and which profiles it stands for; none are all."""
        from cancelall.guard import control
        from cancelall.guard.control import NoGuard

        try:
            status = control.status_of(environ, name)
        except NoGuard as error:
            fix = f"start it: cancelall guard --name {name}; or take [guard.{name}] out of this config"
            finding = failure("guard", f"{quoted(name)}: {error.message}", fix, Area.OURS)
            try:
                return [finding], guard_keys(document, name).profiles
            except ConfigError as mistake:
                return [failure("guard", mistake.message, mistake.hint, Area.OURS)], ()
        except CancelallError as error:
            return [failure("guard", f"{quoted(name)}: {error.message}", error.hint, Area.OURS)], ()
        return guard_findings(status), [one.profile for one in status.profiles]


def guard_findings(status: GuardStatus) -> list[Finding]:
    """How a guard stands, as findings: only one that is armed, beats and is able is good."""
    from cancelall.guard.model import GuardState
    from cancelall.guard.status import guard_exit
    from cancelall.guard.view import guard_view

    code, view = guard_exit(status), guard_view(status, now_ms())
    said, fix = f"{status.name}: {status.state.value}: {view.words}", view.step
    findings = []
    if code in (ExitStatus.REFUSED, ExitStatus.UNREACHABLE):
        area = Area.NETWORK if code == ExitStatus.UNREACHABLE else Area.VENUE
        why = "; ".join(status.degraded) or "; ".join(one.trouble for one in status.profiles if one.trouble)
        findings.append(failure("guard", f"{said}; DEGRADED: {why}", fix, area))
    elif code in (ExitStatus.OPEN, ExitStatus.UNPROVEN):
        findings.append(failure("guard", said, fix, Area.EVIDENCE))
    elif status.state is GuardState.LATCHED:
        findings.append(failure("guard", said, fix, Area.OURS))
    elif code:
        findings.append(warning("guard", said, fix))
    else:
        findings.append(good("guard", said))
    for one in status.sources:
        if one.trouble:
            detail = f"{status.name}: {one.source} cannot be looked at: {one.trouble}"
            findings.append(failure("guard", detail, "put it right: it fires for that", Area.OURS))
    findings += [warning("guard", f"{status.name}: {words}", "see: cancelall guard status") for words in status.alarms]
    return findings


class _CheckStreams(Streams):
    def checked(self, report: CheckReport) -> None:
        """A profile's findings, as soon as they are there. With `--quiet` none where nothing has to be put right."""
        if self.output.json:
            self.data.write(lambda: check_line(report))
        elif not (self.output.quiet and report.ok):
            self.data.write(lambda: self._drawn_check(report))

    def all_checked(self, reports: Sequence[CheckReport]) -> None:
        """The last line, where there are several."""
        if len(reports) > 1 and not self.output.json and not self.output.quiet:
            self.data.write(lambda: check_summary(reports, self._canvas()))

    def beforehand(self, profile: str, words: str) -> None:
        """A line that is out before this returns, unless nobody takes it."""
        out = threading.Event()

        def written() -> str:
            out.set()
            return ""

        self.notes.line(f"cancelall: {profile}: --live: {text.clean(words, 500)}")
        self.notes.write(written)
        out.wait(_PATIENCE)

    def note(self, words: str) -> None:
        self.notes.line(f"cancelall: {text.clean(words, 1000)}")

    def close(self) -> None:
        """Everything said. Nobody waits for a cancel here: what is told to people gets its time, too."""
        self.data.close(None)
        self.notes.close(_PATIENCE)

    def _drawn_check(self, report: CheckReport) -> str:
        if self.output.quiet:
            report = replace(report, findings=report.failed)
        return check_table(report, self._canvas())


def check(
    profiles: Sequence[Profile | BrokenProfile],
    document: Document,
    output: Output,
    environ: dict[str, str],
    *,
    live: bool = False,
    keep_group: bool = False,
    confirm: Callable[[str], bool] | None = None,
    guards: Guards | None = None,
) -> ExitStatus:
    """Look at everything, say what was found, and remember it. `keep_group` stores what `confirm` else decides.

    What is found of guards is said, and not remembered: it is true for the moment.
    """
    given = dict(environ)
    harden(environ)  # it takes away what the environment is to be told about
    streams = _CheckStreams(output, environ)
    streams.origin(document.notice)
    watched = guards or Guards(Document(path=None), environ)
    reports = asyncio.run(_found(profiles, document, given, streams, watched, live=live))
    if evidence.write(reports, given, time.time_ns() // 1_000_000) is None:
        streams.note("the evidence of this check could not be kept: see journal")
    shown = [watched.added(report) for report in reports]
    streams.all_checked(shown)
    streams.data.close(None)
    status = exit_status(shown)
    for report in reports:
        if report.account_group is not None and not _keep(report, document, streams, keep_group, confirm):
            status = status or ExitStatus.UNCONFIGURED
    streams.close()
    return status


async def _found(
    profiles: Sequence[Profile | BrokenProfile],
    document: Document,
    environ: Mapping[str, str],
    streams: _CheckStreams,
    guards: Guards,
    *,
    live: bool,
) -> list[CheckReport]:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)  # bugs are reported with their profile, without a traceback

    async def announce(profile: str, words: str) -> None:
        await in_thread(lambda: streams.beforehand(profile, words), "announcement")

    run = Check(
        profiles=profiles,
        document=document,
        environ=environ,
        started=process_started(),
        live=live,
        trace=streams.attempt,
        announce=announce,
        finished=lambda report: streams.checked(guards.added(report)),
    )
    return await run.all()


def _keep(
    report: CheckReport, document: Document, streams: _CheckStreams, keep: bool, confirm: Callable[[str], bool] | None
) -> bool:
    """Store the account group where that is wanted. False when it was wanted and could not be done."""
    group = report.account_group
    if group is None:
        return True
    question = f"store account_group = {group} in [profiles.{report.profile}] of {document.path}?"
    if not keep and (confirm is None or document.path is None or not confirm(question)):
        return True
    try:
        streams.note(_stored(document, report.profile, "account_group", group))
    except ConfigError as error:
        streams.note(error.line)
        return False
    return True


def _stored(document: Document, profile: str, key: str, value: int) -> str:
    """Write a key into a profile's table, the rest of the file as it was. What to tell; raises ConfigError."""
    from cancelall.config import edit

    if document.path is None or profile not in document.tables:
        variable = f"{environment_prefix(profile)}{key.upper()}"
        raise ConfigError(f"profile {profile} stands in no config file", f"set {variable}={value} in the environment")
    try:
        remark = edit.save(Path(document.path), {edit.of_profile(profile): {key: value}})
    except OSError as fault:
        by_hand = f"write {key} = {value} into [profiles.{profile}] by hand"
        raise ConfigError(f"{document.path} cannot be written: {fault.strerror}", by_hand) from None
    return f"{key} = {value} is now in [profiles.{profile}] of {document.path}{f'; {remark}' if remark else ''}"


def aged(
    profiles: Sequence[Profile | BrokenProfile],
    output: Output,
    environ: Mapping[str, str],
    oldest: float,
    notice: str = "",
    guards: Guards | None = None,
) -> ExitStatus:
    """Whether the last good check of each profile is young enough, and how its guards stand.

    Reads the evidence, and sends nothing.
    """
    kept, drilled, now_ms = evidence.read(environ), drills.read(environ), time.time_ns() // 1_000_000
    streams = _CheckStreams(output, environ)
    streams.origin(notice)
    reports = []
    for profile in profiles:
        if isinstance(profile, BrokenProfile):
            finding = local.error_finding(profile.error)
        else:
            finding = evidence.age_finding(kept.get(profile.name), profile.hosts, oldest, now_ms)
        drill = evidence.drill_finding(drilled.get(profile.name), profile.hosts, now_ms)
        report = report_on(profile, [finding, *([drill] if drill is not None else [])])
        reports.append(guards.added(report) if guards is not None else report)
        streams.checked(reports[-1])
    streams.all_checked(reports)
    streams.close()
    return exit_status(reports)


def unreadable(error: CancelallError, names: Sequence[str], output: Output) -> ExitStatus:
    """The lines of profiles whose config cannot even be read."""
    streams = _CheckStreams(output, os.environ)
    for name in names or ([""] if output.json else []):
        finding = local.error_finding(error)
        streams.checked(CheckReport(profile=name, venue="", environment=None, host=None, findings=(finding,)))
    streams.note(error.line)
    streams.close()
    return error.status
