"""One profile's requests as they go: each attempt signed afresh, over the very bytes that are sent, by a clock.

Where the time of a run comes from, for signatures and for deadlines, stands here, too; tests inject another clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from cancelall.core.attempts import Watch
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Reply, Request, SignedRequest
from cancelall.engine.serial_key import SerialKey
from cancelall.venues.contract import Venue

T = TypeVar("T")
_NEAR_MS = 1000
"""Milliseconds by which clocks may differ, and no refusal is about that."""


class Clock(Protocol):
    """Where time comes from."""

    def now_ms(self) -> int:
        """Wall time in ms since the epoch, for signatures."""

    def monotonic(self) -> float:
        """Seconds that only ever grow, for deadlines."""


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    monotonic = staticmethod(time.monotonic)
    """Seconds since some fixed point."""


SYSTEM_CLOCK = SystemClock()
"""That of all runs of this process."""


@dataclass(kw_only=True)
class Exchange(Generic[T]):
    """One request that is sent until it is answered."""

    request: Request
    read: Callable[[Request, Reply], T]
    watch: Watch
    needless: Callable[[], bool]
    """Whether it need not, or after the end of the sweep must not, be sent any more."""
    rested: bool
    """Its answer comes on a connection that nothing else is using."""
    tries: int = 1
    widen: int = 1
    """Times the configured window of validity."""


@dataclass
class Nonces:
    """The timestamps of one who signs, in ms, where a venue takes each of them once."""

    last_ms: int = 0

    def take(self, venue_ms: int) -> int:
        """The next one: the venue's time, or as soon after the last one as there is."""
        self.last_ms = max(venue_ms, self.last_ms + 1)
        return self.last_ms


_nonces: WeakKeyDictionary[Clock, dict[str, Nonces]] = WeakKeyDictionary()
"""Those of everyone who has signed by a clock; all runs of a process go by the same one, on one event loop."""


@dataclass
class Signer:
    """Signs by the venue's clock, as far as its refusals have shown it."""

    venue: Venue[Any, Any, Any]
    origin: str
    secrets: Any
    options: Any
    clock: Clock
    alternate: str | None = None
    """The first host's second official name: one copy of a request that stays unanswered goes there."""
    further: Mapping[str, str] = field(default_factory=dict)
    """Origins of the venue's further hosts, by their names."""
    headers: tuple[tuple[str, str], ...] = ()
    """What every request carries besides its signature."""
    serial: SerialKey | None = None
    """Of a key whose requests go one at a time."""
    offset_ms: int = 0
    """The venue's clock less this machine's, as far as it is known."""
    corrections: int = 0
    """How often a refusal has shown the venue's clock."""

    def alternate_of(self, request: Request) -> str | None:
        """Where a copy of it may go, too."""
        return None if request.host in self.further else self.alternate

    def venue_ms(self, ours_ms: int) -> int:
        """A moment of this machine's clock as the venue's clock names it."""
        return ours_ms + self.offset_ms

    def correct(self, signed: SignedRequest, seconds: float, server_ms: int) -> None:
        """A request that was answered after so many seconds was refused for its timestamp; the venue's clock was so.

        Nonces are set anew: those that were too high would not be reached again for as long as the clock was ahead.
        Where they have to grow they stay.
        """
        self.offset_ms = server_ms - signed.made_ms - round(seconds * 500)
        self.corrections += 1
        if self._own_nonces is not None and self.serial is None:
            self._own_nonces.last_ms = 0

    @cached_property
    def _own_nonces(self) -> Nonces | None:
        """Those of the key; None where timestamps may come again."""
        if self.venue.nonces is None:
            return None
        return _nonces.setdefault(self.clock, {}).setdefault(self.venue.nonces(self.secrets), Nonces())

    def is_off(self, signed: SignedRequest, seconds: float, server_ms: int | None) -> bool:
        """Whether the venue's clock, as the answer after so many seconds tells it, is further from the one by which a
        request was signed than its way explains.
        """
        expected = signed.signed_ms + self.venue.clock_lead_ms + round(seconds * 500)
        return server_ms is not None and abs(server_ms - expected) > _NEAR_MS + round(seconds * 1000)

    def sign(
        self,
        exchange: Exchange[Any],
        family: int | None,
        recalled: Callable[[], bool],
        copy_of: SignedRequest | None,
        *,
        anew: bool = False,
    ) -> SignedRequest:
        """The request as it goes, or its copy: for the second name, or, with `anew`, on a new connection to the first.

        Raises SecretError when the key cannot be used.
        """
        request, ours_ms = exchange.request, self.clock.now_ms()
        headers, body, query = self.headers, request.body, request.query
        signed_ms = ours_ms + self.offset_ms - self.venue.clock_lead_ms
        if request.signed:
            widen = exchange.widen
            if self.serial is not None:
                signed_ms, widen = signed_ms + self.serial.lead_ms, self.serial.widen
            if self._own_nonces is not None:
                signed_ms = self._own_nonces.take(signed_ms)
            signed = self.venue.sign(request, self.secrets, self.options, signed_ms, widen)
            headers, body = (*headers, *signed.headers), signed.body
            query = query if signed.query is None else signed.query
        window = self.venue.late_ms(self.options) if request.changes else None
        return SignedRequest(
            request=request,
            origin=(None if copy_of is None or anew else self.alternate_of(request))
            or self.further.get(request.host, self.origin),
            headers=headers,
            body=body,
            target=f"{request.path}?{query}" if query else request.path,
            about=exchange.watch.about,
            tries=exchange.tries,
            signed_ms=signed_ms,
            made_ms=ours_ms,
            window_ms=None if window is None else window * exchange.widen,
            copy_of=copy_of,
            rested_connection=exchange.rested and copy_of is None,
            new_connection=anew,
            once=request.signed and self.serial is not None,
            body_limit=(1 << 20) if request.changes else (4 << 20),
            family=family,
            recalled=recalled,
        )
