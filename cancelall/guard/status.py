"""What the status of a guard is worth: its exit code, its alarms, its lines for Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cancelall.config.guards import GuardAlarms
from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ExitStatus
from cancelall.core.model import Verdict
from cancelall.core.secret import scrub
from cancelall.guard.model import GuardState, GuardStatus


def guard_exit(status: GuardStatus) -> ExitStatus:
    """0: armed, and able to fire. Else the first that fits: 10 or 11 it has fired and is not clear, 12 or 4 it could
    not do everything, 5 it is not armed, or what it fires only reads.
    """
    if not is_clear(status):
        return ExitStatus.OPEN if status.verdict == Verdict.OPEN else ExitStatus.UNPROVEN
    if is_degraded(status):
        unreachable = any(one.failing == "unreachable" for one in status.profiles)
        return ExitStatus.UNREACHABLE if unreachable else ExitStatus.REFUSED
    armed = status.state is GuardState.ARMED and not status.dry_run
    return ExitStatus.CLEAR if armed else ExitStatus.NOT_ARMED


def is_degraded(status: GuardStatus) -> bool:
    """Whether it could not do everything if it fired now."""
    return bool(status.degraded) or any(one.trouble and not one.able for one in status.profiles)


def is_clear(status: GuardStatus) -> bool:
    """Whether nothing is open that it should have cancelled, as far as it knows."""
    if status.state is GuardState.FIRING:
        return False
    done = status.verdict in ("", Verdict.CLEAR) or status.dry_run
    return done or status.state not in (GuardState.HOLDING, GuardState.LATCHED)


def worst_exit(statuses: Iterator[ExitStatus] | list[ExitStatus]) -> ExitStatus:
    """The exit code of several guards."""
    order = (10, 11, 12, 4, 3, 5)
    seen = set(statuses)
    return next((ExitStatus(one) for one in order if one in seen), ExitStatus.CLEAR)


@dataclass(frozen=True, kw_only=True)
class GuardAlarm:
    """A figure that is worse than it may be."""

    key: str
    """What it is about: the same while it lasts, whatever the figure is."""
    words: str


def alarms(status: GuardStatus, limits: GuardAlarms) -> tuple[GuardAlarm, ...]:
    """Which figures are worse than configured. What is not known raises none: that it is not known shows elsewhere."""
    return tuple(_alarms(status, limits))


def _alarms(status: GuardStatus, limits: GuardAlarms) -> Iterator[GuardAlarm]:
    for profile in status.profiles:
        for host in profile.hosts:
            where, name = f"{profile.profile}: {host.host}", f"{profile.profile} {host.host}"
            if limits.latency_ms is not None and host.latency_ms is not None and host.latency_ms > limits.latency_ms:
                words = f"{where} answers in {host.latency_ms:.0f} ms, more than {limits.latency_ms}"
                yield GuardAlarm(key=f"latency {name}", words=words)
            if limits.offset_ms is not None and host.offset_ms is not None and abs(host.offset_ms) > limits.offset_ms:
                words = f"{where}: its clock and ours are {abs(host.offset_ms)} ms apart, more than {limits.offset_ms}"
                yield GuardAlarm(key=f"offset {name}", words=words)
        seconds, most = profile.verdict_seconds, limits.verdict_seconds
        if most is not None and seconds is not None and seconds > most:
            words = f"{profile.profile}: a verdict would take {seconds:.1f} s, more than {most:g}"
            yield GuardAlarm(key=f"verdict {profile.profile}", words=words)


# --- Prometheus ---

_HELP = {
    "cancelall_guard_up": "1: the guard runs.",
    "cancelall_guard_state": "1 for the state that the guard is in, 0 for the others.",
    "cancelall_guard_ready": "1: it is armed, and could fire on every profile.",
    "cancelall_guard_exit_code": "The exit code of `cancelall guard status`.",
    "cancelall_guard_started_timestamp_seconds": "When it was started.",
    "cancelall_guard_state_since_timestamp_seconds": "When it came into its state.",
    "cancelall_guard_written_timestamp_seconds": "When these lines were written: too old, and it hangs or is gone.",
    "cancelall_guard_silence_seconds": "Seconds since the last beat.",
    "cancelall_guard_timeout_seconds": "Seconds of silence after which it fires.",
    "cancelall_guard_alarms": "Figures that are worse than configured.",
    "cancelall_guard_source_trouble": "1: the source cannot be looked at.",
    "cancelall_guard_profile_able": "1: the last signed look at the profile's orders was answered.",
    "cancelall_guard_profile_checked_timestamp_seconds": "When that was.",
    "cancelall_guard_verdict_seconds": "Predicted seconds from trigger to verdict.",
    "cancelall_guard_budget_ratio": "Share of the scarcest rate limit that is left.",
    "cancelall_guard_connections": "Warm connections.",
    "cancelall_guard_latency_seconds": "Time of the last public request on a warm connection.",
    "cancelall_guard_clock_offset_seconds": "The venue's clock less ours.",
}
"""Every metric and what it says; all are gauges. https://prometheus.io/docs/instrumenting/exposition_formats/"""

_Sample = tuple[str, dict[str, str], float | None]


def prometheus(status: GuardStatus, now_ms: int) -> str:
    """The status in the text format of Prometheus. What is not known has no line."""
    lines: list[str] = []
    samples = list(_samples(status, now_ms))
    for name, words in _HELP.items():
        rows = [
            f"{name}{_labels(labels)} {value:.15g}"
            for one, labels, value in samples
            if one == name and value is not None
        ]
        if rows:
            lines += [f"# HELP {name} {words}", f"# TYPE {name} gauge", *rows]
    return "\n".join(lines) + "\n"


def _samples(status: GuardStatus, now_ms: int) -> Iterator[_Sample]:
    guard = {"guard": status.name}
    code = guard_exit(status)
    yield "cancelall_guard_up", guard, 1
    for state in GuardState:
        yield "cancelall_guard_state", {**guard, "state": state.value}, float(state is status.state)
    yield "cancelall_guard_ready", guard, float(code is ExitStatus.CLEAR)
    yield "cancelall_guard_exit_code", guard, float(code)
    yield "cancelall_guard_started_timestamp_seconds", guard, status.started_ms / 1000
    yield "cancelall_guard_state_since_timestamp_seconds", guard, status.since_ms / 1000
    yield "cancelall_guard_written_timestamp_seconds", guard, now_ms / 1000
    yield "cancelall_guard_silence_seconds", guard, status.silent
    yield "cancelall_guard_timeout_seconds", guard, status.timeout
    yield "cancelall_guard_alarms", guard, float(len(status.alarms))
    for sight in status.sources:
        yield "cancelall_guard_source_trouble", {**guard, "source": sight.source}, float(bool(sight.trouble))
    for one in status.profiles:
        labels = {**guard, "profile": one.profile}
        yield "cancelall_guard_profile_able", labels, float(one.able)
        checked = None if one.checked_at_ms is None else one.checked_at_ms / 1000
        yield "cancelall_guard_profile_checked_timestamp_seconds", labels, checked
        yield "cancelall_guard_verdict_seconds", labels, one.verdict_seconds
        yield "cancelall_guard_budget_ratio", labels, one.budget
        for host in one.hosts:
            at = {**labels, "host": host.host}
            latency = None if host.latency_ms is None else host.latency_ms / 1000
            yield "cancelall_guard_connections", at, float(host.connections)
            yield "cancelall_guard_latency_seconds", at, latency
            yield "cancelall_guard_clock_offset_seconds", at, None if host.offset_ms is None else host.offset_ms / 1000


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    """A label's value: without a secret, and with what the format gives a meaning escaped."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in scrub(text))
    return shown.replace("\\", "\\\\").replace('"', '\\"')
