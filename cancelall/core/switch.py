"""A venue's own dead-man's switch: what arms and disarms it, what it reaches, and what an answer says of it.

A venue that has one, or shows one, has a module `switch` that ends with `SWITCH = VenueSwitch(...)`. It is as pure as
the rest of the venue, and it stands apart because a kill loads none of this. Here, as everywhere in this program, its
time is in whole seconds; the unit of the wire is the venue's affair, and is converted once, in its module.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Order, Reply, Request, State

O = TypeVar("O")  # noqa: E741 - the venue's Options

LATE_SECONDS = 10.0
"""How long after its moment a countdown may still cancel, where the documents name no longer time."""


@dataclass(frozen=True, kw_only=True)
class TimerReading:
    """What an accepted answer says of a timer."""

    armed: bool | None = None
    """None: the answer says only that the request was taken."""
    fires_ms: int | None = None
    """When it cancels, in ms since the epoch by the venue's clock."""
    seconds: float | None = None
    """How long it runs from now on, where the answer says this instead."""
    server_ms: int | None = None
    """The venue's clock at this answer."""


@dataclass(frozen=True, kw_only=True)
class SwitchTimer:
    """One countdown, which cancels something when nobody starts it anew in time."""

    name: str
    """What it cancels, shown; unique within a profile."""
    arm: Callable[[int, int], Request]
    """The request that starts it for so many seconds, of purpose `ARM`; the second argument is the venue's clock, in ms
    since the epoch. Called through `VenueSwitch.arming` alone, which refuses what a venue would round, or take for
    `off`."""
    disarm: Request
    read: Callable[[Request, Reply], TimerReading]
    """Raises Unreadable."""
    covers: Callable[[Order], bool] = lambda order: True
    """Whether an order is one of those that it is about, where a venue has several."""


@dataclass(frozen=True, kw_only=True)
class SwitchSight:
    """What a read shows of a switch that is somebody else's affair."""

    armed: bool | None
    words: str
    """One clause: `on for DERIVATIVES after 10 s`."""


@dataclass(frozen=True, kw_only=True)
class SwitchQuestion:
    """A read that shows a switch. It never changes anything."""

    request: Request
    read: Callable[[Request, Reply], SwitchSight]
    """Raises Unreadable."""


@dataclass(frozen=True, kw_only=True)
class TimerEnd:
    """What became of one order."""

    state: State
    """OPEN, CANCELLED, FILLED; GONE where the venue knows no such order any more."""
    reason: str = ""
    """The venue's own words, or number, for why; empty where it has none."""
    by_switch: bool | None = None
    """Whether that is the one that its switch leaves; None where the documents do not name it."""


@dataclass(frozen=True, kw_only=True)
class LookUp(Generic[O]):
    """How one order is read with the reason of its end."""

    request: Callable[[O, str, str], Request]
    """Options, the order's id and its symbol. Raises OptionError where that is not enough."""
    read: Callable[[Request, Reply], TimerEnd]
    """Raises Unreadable."""


def _nowhere(options: Any, environment: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class VenueSwitch(Generic[O]):
    """What a venue has of its own, or shows. One without timers can only be observed."""

    least: int = 0
    """Seconds: the shortest countdown that the venue takes."""
    most: int = 0
    """Seconds: the longest one."""
    timers: Callable[[O, str], tuple[SwitchTimer, ...]] = lambda options, environment: ()
    """Those of a scope and an environment; none where there is nothing that could be armed."""
    unfit: Callable[[O, str], str] = lambda options, environment: ""
    """Why none is armed for this scope, in words: above all that a timer would cancel more than was chosen."""
    late_seconds: float = LATE_SECONDS
    """How long after its moment it may still be cancelling."""
    confirms: bool = False
    """Whether the answer to arming names the moment at which it cancels, or how long it runs. Elsewhere it says only
    that the request was taken."""
    absolute: bool = False
    """Whether the request itself names the moment: however late it arrives, it can be taken until then, and moves
    nothing."""
    reaches: Callable[[Order], bool | None] = lambda order: True
    """Whether it cancels an order like this one; None where the documents do not say."""
    beyond: Callable[[O, str], tuple[str, ...]] = _nowhere
    """What it does not reach, or may not reach, in words, whatever rests there now."""
    notes: tuple[str, ...] = ()
    """What whoever arms it has to know: who else may, and what it does in a maintenance."""
    shared: str = ""
    """Whose timer it is, where another program's is replaced without a word; empty where nobody else can have it."""
    questions: Callable[[O, str], tuple[SwitchQuestion, ...]] = lambda options, environment: ()
    look_up: LookUp[O] | None = None
    """None where no read tells why an order ended."""

    def checked(self, seconds: float) -> int:
        """The countdown in whole seconds. Raises OptionError for one that the venue would refuse, or round.

        Nothing is rounded here either: to a venue 0 is `off`.
        """
        whole = int(seconds) if seconds == seconds and abs(seconds) < 1e9 else 0
        if whole != seconds or not self.least <= whole <= self.most or whole <= 0:
            raise OptionError(
                f"the venue's switch takes whole seconds from {self.least} to {self.most}, and not {seconds:g}",
                f"set venue_timeout to a number from {self.least} to {self.most}",
            )
        return whole

    def arming(self, timer: SwitchTimer, seconds: float, venue_ms: int) -> Request:
        """The request that starts a timer. Raises OptionError."""
        return timer.arm(self.checked(seconds), venue_ms)

    def out_of_reach(self, resting: Iterable[Order]) -> tuple[str, ...]:
        """What rests where its timers do not, or may not, reach, in words."""
        counts = Counter((order.segment, reach) for order in resting if not (reach := self.reaches(order)))
        return tuple(
            f"{'it does not reach' if reach is False else 'it may not reach'} {count} "
            f"{'order' if count == 1 else 'orders'} in {segment}"
            for (segment, reach), count in sorted(counts.items(), key=str)
        )


@dataclass(frozen=True, kw_only=True)
class NoSwitch:
    """Why a venue has none, in words."""

    why: str = "the venue documents none"


NONE = NoSwitch()


def load_switch(name: str) -> VenueSwitch[Any] | NoSwitch:
    """That of the venue with this module name; only its module is imported."""
    module = f"cancelall.venues.{name}.switch"
    if importlib.util.find_spec(module) is None:
        return NONE
    switch: VenueSwitch[Any] | NoSwitch = importlib.import_module(module).SWITCH
    return switch


MOMENT_LIMIT_MS = 100_000_000_000
"""Moments below are seconds, and those above milliseconds: in seconds it is the year 5138, in milliseconds 1973."""


def in_ms(moment: int) -> int:
    """A moment that a venue documents in seconds and sends in milliseconds, or the other way round, in ms."""
    return moment * 1000 if moment < MOMENT_LIMIT_MS else moment


def from_iso(text: str) -> int:
    """A moment as RFC 3339 text in ms since the epoch. Raises Unreadable."""
    import datetime

    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("a moment is not RFC 3339") from None
    if moment.tzinfo is None:
        raise Unreadable("a moment has no time zone")
    return round(moment.timestamp() * 1000)
