"""`cancelall guard`, which stands watch, and the commands that speak to a guard that does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from cancelall.cli import kills, parameters, process
from cancelall.cli.options import Kill, Output
from cancelall.config import toml_file
from cancelall.config.guards import (
    GuardSettings,
    checked_name,
    choose_guard,
    guard_keys,
    guard_settings,
    guard_tables,
)
from cancelall.config.toml_file import Document
from cancelall.core.errors import CancelallError, ConfigError, ExitStatus, UsageError
from cancelall.core.model import Verdict
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.core.quoting import quoted
from cancelall.core.stamp import now_ms
from cancelall.guard import control
from cancelall.guard.control import DrillRequest, NoGuard
from cancelall.guard.model import GuardState, GuardStatus
from cancelall.guard.status import guard_exit, prometheus, worst_exit
from cancelall.guard.teller import Teller
from cancelall.guard.view import guard_object, guard_view
from cancelall.report.streams import emit, is_terminal

EPILOG = (
    "Without one of these words it stands watch: cancelall guard --heartbeat /run/mybot/beat; see: cancelall guard "
    "stand --help. Exit codes of status: 0 armed and able to fire, 3 no guard runs, 5 waiting, latched or disarmed, 10 "
    "or 11 it has fired and is not clear, 4 or 12 it could not fire everywhere."
)
_STAND = """Stand watch over profiles, or all, and fire when one of the triggers does.

This is what `cancelall guard` does without a further word. What is not said here comes from the table [guard.NAME] of
the config. It runs until it is stopped, and fires nothing because it is.
"""
_WAIT = 90.0
"""Seconds that `guard fire` waits for the verdict, which each profile's deadline bounds."""
_LOOK = 0.1
"""Seconds between two looks at a guard that fires."""

Name = Annotated[
    Optional[str],
    typer.Option(
        "--name",
        metavar="NAME",
        help="The guard of this name.",
        show_default=False,
        autocompletion=parameters.completer("guards"),
    ),
]
Config = Annotated[Optional[Path], parameters.option("config")]
Json = Annotated[bool, parameters.option("json", "One JSON line per guard.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command("stand", help=_STAND)(parameters.of_guard(stand))
    group.command("status", help="Tell how it stands, and what a kill would meet now.")(_status)
    group.command("arm", help="Arm it: beats are demanded from now on. Also after a kill.")(_arm)
    group.command("disarm", help="Disarm it: silence and death fire nothing, until `guard arm`.")(_disarm)
    group.command("fire", help="Have it fire now, and wait for the verdict.")(_fire)
    group.command(
        "drill",
        help="Rehearse on the live connections without cancelling, or with --order prove the venue's own switch.",
    )(_drill)


# --- standing ---


def stand(
    names: Annotated[Optional[list[str]], parameters.profiles()] = None,
    name: Name = None,
    once: Annotated[bool, typer.Option("--once", help="End with the first kill, and with its exit code.")] = False,
    *,
    given: Mapping[str, Any],
    kill: Kill,
) -> int:
    """Stand watch. Raises CancelallError where that cannot be."""
    from cancelall.cli.execute import Streams
    from cancelall.cli.guard_teller import GuardTeller
    from cancelall.engine.run import harden

    gc.enable()  # it runs for months
    environ = dict(os.environ)
    ignored = harden(environ)
    reread = partial(_settings, names or [], name, given, kill, once, environ)
    settings = reread()
    streams = Streams(kills.output_of(kill), environ)
    process.speak_through(lambda line: streams.notes.line(line))
    streams.origin(settings.document.notice)
    teller = GuardTeller(settings, streams, environ)
    for warning in (*ignored, *_weak_points(settings)):
        teller.warn(warning)
    status = int(ExitStatus.BUG)
    try:
        status = asyncio.run(_stood(settings, reread, teller, environ))
    except CancelallError as error:
        status = int(error.status)
        raise
    finally:
        teller.close(status)
    return status


async def _stood(
    settings: GuardSettings, reread: Callable[[], GuardSettings], teller: Teller, environ: dict[str, str]
) -> int:
    from cancelall.guard.loop import stand as standing

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # bugs are told in one line
    return await standing(settings, reread, teller, environ)


def _settings(
    names: Sequence[str],
    wanted: str | None,
    given: Mapping[str, Any],
    kill: Kill,
    once: bool,
    environ: Mapping[str, str],
) -> GuardSettings:
    """What the line and the config say now. Raises CancelallError, also where no profile can be used at all."""
    document = toml_file.read(kill.config, environ)
    name = choose_guard(document, wanted)
    line = dict(given)
    if kill.keep_protective is not None:
        line["keep_protective"] = kill.keep_protective
    keys = guard_keys(document, name, line)
    notify = kills.notify_of(kill)
    overrides = kills.overrides(replace(kill, keep_protective=keys.keep_protective))
    chosen = list(dict.fromkeys(names or keys.profiles))
    if not chosen:
        chosen = kills.selected(document, kills.known(document, environ), [], [])
    profiles = kills.load_all(document, chosen, environ, overrides)
    broken = [one for one in profiles if isinstance(one, BrokenProfile)]
    if len(broken) == len(profiles):
        raise broken[0].error
    made = guard_settings(document, name, keys, profiles, reason=kill.reason or "", once=once, dry_run=kill.dry_run)
    return made if notify is None else replace(made, notify=notify)


def _weak_points(settings: GuardSettings) -> list[str]:
    """What somebody would want to know who believes that he is guarded."""
    said: list[str] = []
    if settings.kill_files and not (settings.heartbeats or settings.processes or settings.probe):
        said.append("no heartbeat, process or probe: nothing fires it by itself when a bot falls silent")
    for one in settings.profiles:
        if isinstance(one, BrokenProfile):
            said.append(f"{one.name} cannot be used, and would not be cancelled: {one.error.line}")
        elif isinstance(one, Profile):
            said += one.warnings
    return said


# --- commands to one that stands ---


def _status(
    name: Name = None,
    json_lines: Json = False,
    metrics: Annotated[bool, typer.Option("--prometheus", help="In the text format of Prometheus.")] = False,
    config: Config = None,
) -> int:
    """Show one guard, or each that is configured or runs."""
    environ = os.environ
    codes: list[ExitStatus] = []
    shown: list[GuardStatus] = []
    for one in _names(name, config):
        try:
            status = control.status_of(environ, one)
        except NoGuard as error:
            codes.append(error.status)
            _absent(one, error, json_lines=json_lines)
            continue
        shown.append(status)
        codes.append(guard_exit(status))
        if json_lines:
            emit(json.dumps(guard_object(status, now_ms()), separators=(",", ":")) + "\n")
        elif metrics:
            emit(prometheus(status, now_ms()))
    code = worst_exit(codes)
    if not json_lines and not metrics:
        _draw(shown, code, len(codes))
    return code


def _absent(name: str, error: NoGuard, *, json_lines: bool) -> None:
    """Tell that no guard of a name runs."""
    if json_lines:
        line = {"schema": 1, "guard": name, "exit_code": int(error.status), "state": None}
        line["error"] = {"kind": error.kind, "message": error.message, "hint": error.hint}
        emit(json.dumps(line, separators=(",", ":")) + "\n")
    Output().note(error.line)


def _draw(shown: Sequence[GuardStatus], code: int, count: int) -> None:
    from cancelall.report import tables
    from cancelall.report.guards import guard_table, guards_summary

    terminal = is_terminal(sys.stdout)
    width = tables.width_of(os.environ, sys.stdout.fileno() if terminal else None)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    made = tables.console(width, terminal=terminal, environ=os.environ, encoding=encoding)
    views = [guard_view(one, now_ms()) for one in shown]
    emit("\n".join(guard_table(view, made) for view in views))
    if count > 1 and views:
        emit(guards_summary(views, made, code, count))


def _arm(name: Name = None, json_lines: Json = False, config: Config = None) -> int:
    """Arm a guard; 0 when it is armed, 5 when it waits for a beat first."""
    status = control.status_of(os.environ, _one(name, config), "arm")
    return _said(status, json_lines=json_lines)


def _disarm(name: Name = None, json_lines: Json = False, config: Config = None) -> int:
    """Disarm a guard; 0 when it is."""
    status = control.status_of(os.environ, _one(name, config), "disarm")
    _said(status, json_lines=json_lines)
    return ExitStatus.CLEAR if status.state is GuardState.DISARMED else guard_exit(status)


def _fire(
    name: Name = None,
    reason: Annotated[Optional[str], parameters.option("reason")] = None,
    json_lines: Json = False,
    config: Config = None,
) -> int:
    """Have a guard fire; the exit code of its verdict."""
    chosen = _one(name, config)
    status = control.status_of(os.environ, chosen, "fire", reason=reason or "")
    Output().note(f"guard {chosen} fires")
    until = time.monotonic() + _WAIT
    while status.state is GuardState.FIRING and time.monotonic() < until:
        time.sleep(_LOOK)
        status = control.status_of(os.environ, chosen)
    _said(status, json_lines=json_lines)
    known = status.verdict in set(Verdict)
    return Verdict(status.verdict).exit_status if known else ExitStatus.UNPROVEN


def _drill(
    profile: Annotated[
        Optional[str], typer.Argument(metavar="[PROFILE]", help="This profile; all without it.", show_default=False)
    ] = None,
    order: Annotated[
        Optional[str],
        typer.Option(
            "--order",
            metavar="ID",
            help="An open order of yours that the venue's own switch may cancel, and with it whatever else it reaches.",
            show_default=False,
        ),
    ] = None,
    name: Name = None,
    config: Config = None,
) -> int:
    """Rehearse, or drill the venue's switch; 0 when it has shown what it should."""
    if order is not None and profile is None:
        raise UsageError("--order needs the profile whose order it is", "cancelall guard drill PROFILE --order ID")
    request = DrillRequest(profile=profile or "", order=order or "")
    answer = control.drill(os.environ, _one(name, config), request)
    emit("".join(f"{line}\n" for line in answer.lines))
    return ExitStatus.CLEAR if answer.ok else ExitStatus.UNPROVEN


def _said(status: GuardStatus, *, json_lines: bool) -> ExitStatus:
    """Show the last line of a guard; its exit code."""
    from cancelall.report import tables
    from cancelall.report.guards import guard_line

    if json_lines:
        emit(json.dumps(guard_object(status, now_ms()), separators=(",", ":")) + "\n")
    else:
        terminal = is_terminal(sys.stdout)
        width = tables.width_of(os.environ, sys.stdout.fileno() if terminal else None)
        made = tables.console(width, terminal=terminal, environ=os.environ)
        emit(guard_line(guard_view(status, now_ms()), made))
    return guard_exit(status)


# --- which guard ---


def _document(config: Path | None) -> Document:
    """The config; an empty one where it cannot be read: a guard that stands can be spoken to all the same."""
    try:
        return toml_file.read(config, os.environ)
    except ConfigError as error:
        if config is not None:
            raise
        Output().note(error.line)
        return Document(path=None)


def _names(name: str | None, config: Path | None) -> list[str]:
    """The guards that a line means: the one it names, else all that are configured or have a socket."""
    if name is not None:
        return [checked_name(name)]
    names = [*guard_tables(_document(config)), *control.running(os.environ)]
    if not names:
        raise NoGuard("no guard runs here, and none is configured", "start one: cancelall guard")
    return list(dict.fromkeys(names))


def _one(name: str | None, config: Path | None) -> str:
    """The one guard that is meant. Raises NoGuard, ConfigError."""
    if name is not None:
        return checked_name(name)
    alive = control.running(os.environ)
    if len(alive) == 1:
        return alive[0]
    names = _names(None, config)
    if len(names) > 1:
        raise ConfigError("there are several guards", f"add --name with one of: {', '.join(map(quoted, names))}")
    return names[0]
