"""What the parts of the guard share: its states, what a look has shown, why it fires, what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from cancelall.core.dataclass import dataclass, field

LOOKED = 0.4
"""Seconds of the time between two looks that count as watched, at most: what lies beyond was a freeze."""

Trigger = Literal["heartbeat", "process", "kill file", "signal", "command", "probe"]


class GuardState(StrEnum):
    """Where a guard stands."""

    CHECKING = "checking"
    """It has started, and what it needs is being prepared."""
    WAITING = "waiting"
    """No beat has come yet: silence fires nothing, but a kill file, a signal and `guard fire` do."""
    ARMED = "armed"
    FIRING = "firing"
    """Cancels are on their way; it goes on until the accounts are proven clear."""
    HOLDING = "holding"
    """Proven clear, and kept so."""
    LATCHED = "latched"
    """It has fired. It arms again by `guard arm` alone, or by a fresh beat where it is configured so."""
    DISARMED = "disarmed"
    """Somebody has switched it off: beats arm nothing. A kill file, a signal and `guard fire` still fire."""

    @property
    def at_work(self) -> bool:
        """Whether it has fired and is not done."""
        return self in (GuardState.FIRING, GuardState.HOLDING)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one look at one source has shown."""

    source: str
    """As it was configured: a path, `unix:PATH`, `http:127.0.0.1:PORT`, a pid, a unit, a URL. Unique within a guard."""
    trigger: Trigger
    key: str = ""
    """What tells one beat, or one process, from the next: opaque, compared for equality alone; empty where none was
    ever there. Of a probe: empty until it was answered for the first time."""
    present: bool = False
    """Of a kill file: it exists. Of a process: it lives. Of a probe: it has failed as often as it may."""
    trouble: str = ""
    """Why it could not be looked at: an alarm at once, and a trigger after `timeout`."""


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """Somebody wants it to fire, now: a signal, or `guard fire`."""

    trigger: Literal["signal", "command"]
    source: str
    """The signal's name, or who gave the command, with the reason that was given."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at every source."""

    at: float
    """Monotonic seconds."""
    sights: tuple[Sight, ...]
    pressed: tuple[Pressed, ...] = ()
    asleep: float = 0.0
    """Seconds for which this machine has been suspended since it was booted."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why it fires."""

    trigger: Trigger
    source: str
    words: str
    """One clause for journal, screen and notification: `no beat of /run/bot/beat for 10.0 s`."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the state machine goes by."""

    timeout: float = 10.0
    """Seconds without a beat, watched ones alone, after which it fires."""
    grace: float = 30.0
    """Seconds after start, resume or reload before the first beat is demanded, or the answer to a probe."""
    rearm: Literal["manual", "beat"] = "manual"
    confirm: tuple[Trigger, ...] = ()
    """Triggers of which one has to agree before silence fires, a process that is gone or a probe that fails: none of
    them fires alone any more."""


@dataclass(frozen=True, kw_only=True)
class GuardRecord:
    """What is known of a guard on the disk: written, and fsynced, before it takes effect."""

    boot: str
    """The boot of the machine in which `at` is a time."""
    state: GuardState
    at: float
    """Monotonic seconds of the change."""
    cause: Cause | None = None
    beats: Mapping[str, str] = field(default_factory=dict)
    """The key of the last beat, or of the process, by source."""
    beat_at: Mapping[str, float] = field(default_factory=dict)
    """Monotonic seconds of the last beat by source, less the time in which nobody looked. A record may be as old as
    SAVED of `timeout`."""
    verdict: str = ""
    """The worst verdict of the last firing; empty before there is one."""
    stopped: bool = False
    """Somebody has stopped the guard at that moment: it did not just end."""


@dataclass(frozen=True, kw_only=True)
class HostFigures:
    """How it would go to one host, were it fired now."""

    host: str
    connections: int
    """Warm ones."""
    latency_ms: float | None = None
    """Of the last public request on a warm connection; None while none was answered."""
    offset_ms: int | None = None
    """The venue's clock less ours; None where nothing tells it."""
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class ProfileFigures:
    """The same of one profile."""

    profile: str
    venue: str
    hosts: tuple[HostFigures, ...] = ()
    able: bool = False
    """The last signed look at its listings was answered, and younger than two of them are apart."""
    trouble: str = ""
    """Why it is not able, with what to do."""
    failing: Literal["", "unreachable", "refused", "unconfigured"] = ""
    """What a kill of it would come to now, where it is not able."""
    checked_at_ms: int | None = None
    """When that was, in ms since the epoch."""
    budget: float | None = None
    """Share of the scarcest limit that is left, 0 to 1; None where the venue has none."""
    verdict_seconds: float | None = None
    """Predicted seconds from trigger to verdict."""
    switch: str = ""
    """The venue's own switch, in words: `off`, `armed until 12:00:00`, what it does not reach."""


@dataclass(frozen=True, kw_only=True)
class GuardStatus:
    """All that `guard status` tells."""

    name: str
    state: GuardState
    degraded: tuple[str, ...]
    """Why it could not do everything if it fired now; empty: it could."""
    pid: int
    started_ms: int
    since_ms: int
    """When it came into its state, in ms since the epoch."""
    cause: Cause | None
    verdict: str
    sources: tuple[Sight, ...]
    silent: float | None
    """Watched seconds since the last beat; None before the first, or without a heartbeat."""
    timeout: float
    grace: float
    profiles: tuple[ProfileFigures, ...]
    unprotected: tuple[str, ...] = ()
    """What happens if this host loses its network, in words, by profile."""
    alarms: tuple[str, ...] = ()
    """What is worse than it was configured to be, in words."""
    restart_ms: int | None = None
    """From when on bots may be started again, in ms since the epoch, after a kill; None where nothing is to be waited
    for."""
    dry_run: bool = False
    """What it fires only reads."""
