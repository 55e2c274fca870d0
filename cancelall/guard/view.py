"""What the status of a guard says, in words: for the screen, for the live line, and as an object for scripts. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cancelall.core.stamp import moment
from cancelall.guard.codec import to_json
from cancelall.guard.model import GuardState, GuardStatus, HostFigures, ProfileFigures, Sight
from cancelall.guard.status import guard_exit, is_clear, is_degraded
from cancelall.report.guards import GuardView, HostRow, SourceRow

SCHEMA = 1
_GOOD = {GuardState.ARMED: True, GuardState.FIRING: False, GuardState.LATCHED: False}
_NAMED = 6
"""Figures that the live line has room for."""


def guard_object(status: GuardStatus, now_ms: int) -> dict[str, object]:
    """The status as a script gets it: the fields of the model, the exit code, and the moment."""
    fields: dict[str, object] = to_json(status)
    name = fields.pop("name")
    return {"schema": SCHEMA, "guard": name, "exit_code": int(guard_exit(status)), **fields, "time": moment(now_ms)}


def guard_view(status: GuardStatus, now_ms: int) -> GuardView:
    """The status as it is shown."""
    code = guard_exit(status)
    good = None if status.dry_run and status.state is GuardState.ARMED else _GOOD.get(status.state)
    degraded = is_degraded(status)
    return GuardView(
        name=status.name,
        badge="DEGRADED" if degraded and good is not False else status.state.value.upper(),
        good=False if degraded else good,
        words=_words(status, now_ms),
        exit_code=int(code),
        sources=tuple(_source(status, one) for one in status.sources),
        hosts=tuple(row for profile in status.profiles for row in _hosts(profile)),
        facts=status.unprotected,
        warnings=tuple(_warnings(status, now_ms)),
        step=_step(status),
    )


def live_line(status: GuardStatus, now_ms: int) -> str:
    """One short line of a guard that stands: its state, its last beat, and how fast the venues answer."""
    parts = [status.state.value.upper() + (", DEGRADED" if is_degraded(status) else "")]
    if status.silent is not None:
        parts.append(f"beat {_seconds(status.silent)} ago")
    troubled = [one.source for one in status.sources if one.trouble]
    parts += [f"cannot see {troubled[0]}"] if troubled else []
    hosts = [(one, host) for one in status.profiles for host in one.hosts]
    parts += [f"{profile.profile} {_latency(host) or '?'}" for profile, host in hosts[:_NAMED]]
    if (more := len(hosts) - _NAMED) > 0:
        slowest = max((host.latency_ms or 0.0 for _, host in hosts), default=0.0)
        parts.append(f"{more} more, the slowest {slowest:.0f} ms")
    if status.state.at_work:
        parts.append(f"since {_clock(status.since_ms)}")
    return " · ".join(parts)


def short_words(status: GuardStatus) -> str:
    """The state in one clause, for the service manager."""
    said = status.state.value
    if status.degraded:
        said += f", degraded: {status.degraded[0]}"
    elif status.cause is not None and status.state is not GuardState.ARMED:
        said += f": {status.cause.words}"
    return said


# --- the whole, in words ---


def _words(status: GuardStatus, now_ms: int) -> str:
    rehearsal = "a rehearsal: " if status.dry_run else ""
    return rehearsal + _state_words(status)


def _state_words(status: GuardStatus) -> str:
    cause = status.cause.words if status.cause is not None else "no cause is known"
    at = _clock(status.since_ms)
    match status.state:
        case GuardState.CHECKING:
            return "it is being made ready; a kill file, a signal and `guard fire` fire already"
        case GuardState.WAITING:
            return "no beat has come yet: silence fires nothing; a kill file, a signal and `guard fire` do"
        case GuardState.ARMED if status.silent is None:
            return "it fires as soon as one of its triggers does"
        case GuardState.ARMED:
            silent = _seconds(status.silent or 0.0)
            return f"the last beat is {silent} old; it fires after {status.timeout:g} s of silence"
        case GuardState.FIRING:
            return f"it fires since {at}: {cause}{_verdict(status)}"
        case GuardState.HOLDING:
            doing = "kept clear" if is_clear(status) else "it cancels what appears"
            return f"it has fired: {cause}{_verdict(status)}; {doing} since {at}"
        case GuardState.LATCHED:
            return f"it has fired: {cause}{_verdict(status)}; since {at} silence fires nothing"
        case _:
            return f"somebody has disarmed it at {at}: silence fires nothing; a kill file, a signal and `guard fire` do"


def _verdict(status: GuardStatus) -> str:
    return f"; {status.verdict}" if status.verdict else ""


def _warnings(status: GuardStatus, now_ms: int) -> Iterator[str]:
    yield from status.degraded
    yield from status.alarms
    if status.restart_ms is not None and status.restart_ms > now_ms:
        yield f"do not start bots again before {_clock(status.restart_ms)}: what was sent can still be executed"


def _step(status: GuardStatus) -> str:
    """What to do next."""
    named = f"--name {status.name}"
    if not is_clear(status):
        return "stop what places orders; it fires until the accounts are clear"
    if is_degraded(status):
        troubled = [one.profile for one in status.profiles if one.trouble]
        return f"see why: cancelall check {' '.join(troubled)}".rstrip()
    if status.state is GuardState.HOLDING:
        files = [one.source for one in status.sources if one.trigger == "kill file" and one.present]
        first = f"take {files[0]} away" if files else "wait until it has held them for its time"
        return f"when bots may trade again: {first}, then: cancelall guard arm {named}"
    if status.state is GuardState.LATCHED:
        return f"when bots may trade again: cancelall guard arm {named}"
    if status.state is GuardState.CHECKING:
        return f"look again in some seconds: cancelall guard status {named}"
    if status.state is GuardState.DISARMED:
        return f"to arm it: cancelall guard arm {named}"
    if status.state is GuardState.WAITING:
        return f"start what beats, or arm it without a beat: cancelall guard arm {named}"
    return ""


# --- its sources and hosts ---


def _source(status: GuardStatus, one: Sight) -> SourceRow:
    if one.trouble:
        return SourceRow(source=one.source, what=one.trigger, words=one.trouble, bad=True)
    match one.trigger:
        case "heartbeat":
            words = "no beat yet" if not one.key else "it beats" if status.silent is not None else "seen"
            return SourceRow(source=one.source, what=one.trigger, words=words)
        case "process":
            words = "lives" if one.present else "is gone" if one.key else "was not seen yet"
            return SourceRow(source=one.source, what=one.trigger, words=words, bad=bool(one.key) and not one.present)
        case "kill file":
            words = "is there: the accounts are kept clear" if one.present else "is not there"
            return SourceRow(source=one.source, what=one.trigger, words=words, bad=one.present)
        case "probe":
            words = "does not answer" if one.present else "answers" if one.key else "not known yet"
            return SourceRow(source=one.source, what=one.trigger, words=words, bad=one.present)
        case _:
            return SourceRow(source=one.source, what=one.trigger, words="is waited for")


def _hosts(one: ProfileFigures) -> Iterator[HostRow]:
    """A row for each host. What is the profile's own stands in the first."""
    verdict = "" if one.verdict_seconds is None else _seconds(one.verdict_seconds)
    left = "" if one.budget is None else f"{one.budget:.0%}"
    hosts = one.hosts or (HostFigures(host=one.venue, connections=0),)
    for number, host in enumerate(hosts):
        first = number == 0
        yield HostRow(
            profile=one.profile,
            host=host.host,
            latency=_latency(host),
            clock="" if host.offset_ms is None else f"{host.offset_ms:+d} ms",
            left=left if first else "",
            verdict=verdict if first else "",
            switch=one.switch if first else "",
            trouble="; ".join(filter(None, (one.trouble if first else "", host.trouble))),
        )


def _latency(host: HostFigures) -> str:
    return "" if host.latency_ms is None else f"{host.latency_ms:.0f} ms"


def _seconds(seconds: float) -> str:
    return (
        f"{seconds:.1f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _clock(at_ms: int) -> str:
    """A moment as the reader's clock shows it, with its zone; with the day where it is not today's."""
    at = time.localtime(at_ms / 1000)
    day = "" if at[:3] == time.localtime()[:3] else time.strftime("%Y-%m-%d ", at)
    return f"{day}{time.strftime('%H:%M:%S %Z', at)}".rstrip()
