"""`cancelall journal show|verify|path`: reading what earlier runs have left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cancelall.errors import ConfigError, ExitStatus
from cancelall.journal.chain import Line, RunRecord, files, read, runs, verify
from cancelall.journal.file import NAME
from cancelall.state import state_directories

_NO_PLACE = "set HOME, XDG_STATE_HOME or STATE_DIRECTORY"


def place(environ: Mapping[str, str]) -> Path:
    """Where the journal is: the first of its directories that has one, else where it would be.

    Raises ConfigError when the environment names no place.
    """
    directories = state_directories(environ)
    if not directories:
        raise ConfigError("there is no place for a journal", _NO_PLACE)
    return next((directory for directory in directories if files(directory)), directories[0]) / NAME


def show(environ: Mapping[str, str], *, run: str | None, last: int | None, json_lines: bool) -> str | None:
    """What `journal show` prints; None when there is no journal. Raises ConfigError."""
    place(environ)
    kept = [files(directory) for directory in state_directories(environ)]
    if not any(kept):
        return None
    found = sorted(
        (one for paths in kept for one in _newest(paths, run, last or 1)),
        key=lambda one: str(one.records[0].get("ts")),
    )
    chosen = found[-(last or 1) :] if run is None else [one for one in found if one.id.startswith(run)]
    if run is not None and len(chosen) != 1:
        many = f"{len(chosen)} runs begin so" if chosen else "there is no such run"
        raise ConfigError(f"--run {run}: {many}", "`cancelall journal show --last 20` lists them")
    if json_lines:
        return "".join(_raw(one) for one in chosen)
    drawn = _drawn(chosen, environ, several=last is not None and run is None)
    return drawn + (_earlier(found[:-1]) if run is None and last is None else "")


def _earlier(found: list[RunRecord]) -> str:
    """That there are runs before the last one of which nobody knows how they ended: a second kill hides the first."""
    cut = [one.id[:8] for one in found if one.end is None and not one.alive and one.in_flight]
    if not cut:
        return ""
    told = f"{len(cut)} earlier run(s) did not end, with requests in flight: {', '.join(cut[-5:])}"
    return f"{told} (journal show --run ID)\n"


def check(environ: Mapping[str, str]) -> tuple[str, ExitStatus]:
    """What `journal verify` says, and its exit status: 0 when every chain holds, else 11; also when there is none."""
    own = place(environ)
    kept = [(directory, files(directory)) for directory in state_directories(environ)]
    said, status = [], ExitStatus.CLEAR
    for directory, paths in kept:
        if not paths:
            continue
        try:
            chain = verify(read(paths))
        except OSError as fault:
            said.append(f"{directory}: it cannot be read: {fault.strerror}")
            status = ExitStatus.UNPROVEN
            continue
        if chain.broken:
            said.append(f"{directory}: the chain is broken: {chain.broken}")
            status = ExitStatus.UNPROVEN
        else:
            more = f"; torn and sealed: {'; '.join(chain.sealed)}" if chain.sealed else ""
            more += f"; {chain.unlocked} line(s) written without the lock" if chain.unlocked else ""
            said.append(f"{directory}: the chain holds: {chain.lines} line(s), {chain.runs} run(s){more}")
    if not said:
        return f"there is no journal at {own}", ExitStatus.UNPROVEN
    return "\n".join(said), status


def _newest(paths: list[Path], run: str | None, last: int) -> list[RunRecord]:
    """The runs of the newest files, as far back as is needed."""
    lines: list[Line] = []
    found: list[RunRecord] = []
    for path in reversed(paths):
        try:
            lines = [*read([path]), *lines]
        except OSError as fault:
            raise ConfigError(f"{path} cannot be read: {fault.strerror}", "run as the user who may") from None
        found = runs(lines)
        begun = [one for one in found if one.start]
        if any(one.id.startswith(run) for one in begun) if run is not None else len(begun) >= last:
            break
    return found


def _raw(run: RunRecord) -> str:
    import json

    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in run.records)


def _drawn(chosen: list[RunRecord], environ: Mapping[str, str], *, several: bool) -> str:
    import sys

    from cancelall.report import history, tables

    terminal = sys.stdout is not None and sys.stdout.isatty()
    width = tables.width_of(environ, sys.stdout.fileno() if terminal else None)
    made = tables.console(width, terminal=terminal, environ=os.environ)
    if several:
        return history.runs_in_short(chosen, made)
    return "".join(history.run_in_full(one, made) for one in chosen)
