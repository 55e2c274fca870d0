"""The pre-flight of some profiles in this process, over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from cancelall.check.run import Check
from cancelall.config import loader, toml_file
from cancelall.config.toml_file import Document
from cancelall.core.preflight import CheckReport, Finding, Level
from cancelall.core.profile import Overrides
from cancelall.report import tables
from cancelall.report.findings import check_line, check_table
from cancelall.simulator import SimServer
from support import profile_table


async def nobody(profile: str, words: str) -> None:
    """Announces nothing."""


def checked_all(
    tables_: Mapping[str, Mapping[str, object]],
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    deadline: float = 10.0,
    live: bool = False,
    announce: Callable[[str, str], Awaitable[None]] = nobody,
) -> list[CheckReport]:
    """Every profile's report. With `path` the config is read from there, else it is no file."""
    surroundings = dict(environ or {})
    document = toml_file.read(path, surroundings) if path else Document(path=None, data={"profiles": tables_})
    overrides = Overrides(deadline=deadline)
    profiles = [loader.profile(document, name, surroundings, overrides) for name in document.tables]
    run = Check(
        profiles=profiles,
        document=document,
        environ=surroundings,
        started=time.monotonic(),
        live=live,
        announce=announce,
    )
    return asyncio.run(run.all())


def checked(venue: str, server: SimServer, options: Mapping[str, object] | None = None, **more: Any) -> CheckReport:
    """The report of one profile on one embedded exchange."""
    (report,) = checked_all({venue: profile_table(venue, server, **(options or {}))}, **more)
    return report


def named(report: CheckReport, check: str) -> list[Finding]:
    """The findings of this name."""
    return [finding for finding in report.findings if finding.check == check]


def level(report: CheckReport, check: str) -> str:
    """The level of the only finding of this name."""
    (finding,) = named(report, check)
    return finding.level.value


def bad(report: CheckReport) -> dict[str, str]:
    """What is not good, by its name."""
    return {finding.check: finding.level.value for finding in report.findings if finding.level is not Level.OK}


def shown(report: CheckReport, width: int = 80, *, terminal: bool = False) -> str:
    """The table."""
    made = tables.console(width, terminal=terminal, environ={"TERM": "xterm-256color"})
    return check_table(report, made)


def line_of(report: CheckReport) -> dict[str, Any]:
    """The JSON line."""
    line: dict[str, Any] = json.loads(check_line(report))
    return line
