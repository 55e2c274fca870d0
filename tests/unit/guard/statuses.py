"""Guards as they may stand, for tests of what is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cancelall.guard.model import Cause, GuardState, GuardStatus, HostFigures, ProfileFigures, Sight

NOW = 1_796_000_000_000
STALE = Cause(trigger="heartbeat", source="/run/mybot/beat", words="no beat of /run/mybot/beat for 10.0 s")
BYBIT = ProfileFigures(
    profile="bybit",
    venue="bybit",
    hosts=(HostFigures(host="api.bybit.com", connections=6, latency_ms=12.3, offset_ms=3),),
    able=True,
    checked_at_ms=NOW - 60_000,
    budget=1.0,
    verdict_seconds=1.4,
    switch="observed: nobody has armed it",
)
KRAKEN = ProfileFigures(
    profile="mm-2",
    venue="kraken",
    hosts=(
        HostFigures(host="api.kraken.com", connections=2, latency_ms=82.3, offset_ms=-1300),
        HostFigures(host="futures.kraken.com", connections=1, trouble="no answer for 30 s"),
    ),
    able=True,
    budget=0.4,
    verdict_seconds=12.0,
)
ARMED = GuardStatus(
    name="mm",
    state=GuardState.ARMED,
    degraded=(),
    pid=4711,
    started_ms=NOW - 100_000,
    since_ms=NOW - 50_000,
    cause=None,
    verdict="",
    sources=(
        Sight(source="/run/mybot/beat", trigger="heartbeat", key="1:2:3"),
        Sight(source="freqtrade.service", trigger="process", key="4711:1", present=True),
        Sight(source="/run/cancelall/KILL", trigger="kill file"),
    ),
    silent=0.42,
    timeout=10.0,
    grace=30.0,
    profiles=(BYBIT, KRAKEN),
    unprotected=("if this host loses its network, the orders of bybit stay: nothing is armed at the venue",),
)


def guard(state: GuardState = GuardState.ARMED, **more: Any) -> GuardStatus:
    """A guard in a state."""
    return replace(ARMED, state=state, **more)


REFUSED = replace(BYBIT, able=False, trouble="the key was refused - make a new one", failing="refused")
UNREACHABLE = replace(KRAKEN, able=False, trouble="no answer", failing="unreachable")
