"""How far this machine's clock is from the venue's, and whether the venue would mind."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from cancelall.core.dataclass import dataclass
from cancelall.core.preflight import Area, Finding, Window, failure, good, warning

_NOTICED_MS = 1000
"""A difference that no clock that is kept has."""
_CLOSE = 0.9
"""Share of what the venue allows from which a slow network is enough to be refused."""
_FIX = "set this machine's clock and keep it set: timedatectl set-ntp true, or chrony"
_SECOND = 1000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The venue's clock less this machine's, and how wrong that can be, both in ms."""

    offset_ms: int
    doubt_ms: int


def dated(headers: Mapping[str, str], sent_ms: int, got_ms: int) -> Reading | None:
    """A reading from the HTTP Date header, which has whole seconds."""
    try:
        venue_ms = int(parsedate_to_datetime(headers.get("date", "")).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None
    halfway = (sent_ms + got_ms) // 2
    return Reading(offset_ms=venue_ms + _SECOND // 2 - halfway, doubt_ms=_SECOND // 2 + (got_ms - sent_ms) // 2)


def clock_finding(exact: Reading | None, from_dates: list[Reading], window: Window | None) -> Finding:
    """The difference, by the venue's own answer or else by the best Date header."""
    reading = exact or min(from_dates, key=lambda one: one.doubt_ms, default=None)
    if reading is None:
        return warning("clock", "the venue's clock could not be read", "see what could not be read")
    ahead = -reading.offset_ms
    source = "" if exact is not None else ", by the Date header"
    side = "ahead" if ahead > 0 else "behind"
    detail = f"this clock is {abs(ahead) / 1000:.1f} s {side} (± {reading.doubt_ms} ms{source})"
    sure = abs(ahead) - reading.doubt_ms
    if window is None:
        noticed = sure > 10 * _NOTICED_MS
        return warning("clock", f"{detail}; the venue does not mind", _FIX) if noticed else good("clock", detail)
    allowed = window.ahead_ms if ahead > 0 else window.behind_ms
    if sure > allowed or (exact is not None and abs(ahead) > allowed * _CLOSE):
        return failure("clock", f"{detail}: the venue allows {allowed / 1000:.1f} s", _FIX, Area.VENUE)
    if sure > min(_NOTICED_MS, allowed / 2):
        return warning("clock", f"{detail}: the venue allows {allowed / 1000:.1f} s", _FIX)
    return good("clock", detail)
