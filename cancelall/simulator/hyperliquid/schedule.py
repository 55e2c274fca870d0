"""Hyperliquid's `scheduleCancel`: all open orders of an address at a moment.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint#schedule-cancel-dead-mans-switch
(as of 2026-11); the sentences of refusals, and the volume below which there is no switch, as clients met them.
"""

from ..refusals import Refused
from ..routes import Call
from .markets import TWAPS
from .state import MALFORMED, State

_SOON = "Scheduled cancel time too early, must be at least 5 seconds from now."
_LEAST_MS, _A_DAY, _DAY_MS = 5000, 10, 86_400_000
_WANTED = 1_000_000


def schedule_cancel(venue: State, call: Call) -> object:
    """Without a time it is taken back. TWAPs stay here: whether they go is not written."""
    fault = venue.fault("volume", call.request)
    if fault and fault.number < _WANTED:
        words = f"Cannot set scheduled cancel time until enough volume traded. Required: ${_WANTED}."
        raise Refused(0, f"{words} Traded: ${fault.number:.0f}.")
    action = call.payload.get("action")
    time = action.get("time") if isinstance(action, dict) else None
    now_ms = venue.server_now()
    if time is None:
        venue.countdowns.set(call.account, "", 0)
        return {"type": "default"}
    if not isinstance(time, int):
        raise MALFORMED
    if time < now_ms + _LEAST_MS:
        raise Refused(0, _SOON)
    today = [one for key, _, one in venue.countdowns.ran_out if key == call.account.key and same_day(one, now_ms)]
    if len(today) >= _A_DAY:
        raise Refused(0, "Too many scheduled cancel triggers today.")
    venue.countdowns.set(call.account, "", time - now_ms, lambda order: order.segment != TWAPS)
    return {"type": "default"}


def same_day(one_ms: int, other_ms: int) -> bool:
    """In UTC."""
    return one_ms // _DAY_MS == other_ms // _DAY_MS
