"""Kraken: its CancelAllOrdersAfter, which cancels every order of the account.

https://docs.kraken.com/api-reference/trading/cancel-all-orders-after-x (as of 2026-11): `timeout` in seconds, less than
a day, 0 is off; with 60 it is to be sent every 15 to 30 seconds. The right to cancel and close orders is enough.
"""

from __future__ import annotations

from cancelall.core.model import Priority, Purpose, Reply, Request, State
from cancelall.core.switch import (
    LookUp,
    SwitchTimer,
    TimerEnd,
    TimerReading,
    VenueSwitch,
    from_iso,
)
from cancelall.venues import payload
from cancelall.venues.kraken.api import private, result
from cancelall.venues.kraken.options import KrakenOptions
from cancelall.venues.payload import Row


def _set(seconds: int) -> Request:
    return private(
        "CancelAllOrdersAfter", Purpose.ARM if seconds else Purpose.DISARM, Priority.OTHER, timeout=str(seconds)
    )


def _read(request: Request, reply: Reply) -> TimerReading:
    """Both moments are RFC 3339 text; `triggerTime` is `0`, or is not there, where the timer is off."""
    answer = result(reply)
    now, fires = payload.maybe(answer, "currentTime"), payload.maybe(answer, "triggerTime")
    server_ms = None if now is None else from_iso(now)
    if fires is None or fires == "0":
        return TimerReading(armed=False, server_ms=server_ms)
    return TimerReading(armed=True, fires_ms=from_iso(fires), server_ms=server_ms)


def _look_up(options: KrakenOptions, identity: str, symbol: str) -> Request:
    """https://docs.kraken.com/api-reference/account-data/get-orders-info"""
    return private("QueryOrders", Purpose.FINAL_STATES, Priority.LISTING, txid=identity)


_ENDS = {"canceled": State.CANCELLED, "expired": State.CANCELLED, "closed": State.FILLED}


def _read_end(request: Request, reply: Reply) -> TimerEnd:
    """`status` and `reason`. Which reason the timer leaves is not documented."""
    rows = list(result(reply).values())
    if not rows:
        return TimerEnd(state=State.GONE)
    row = Row(rows[0])
    ended = _ENDS.get(row.text("status") or "", State.OPEN)
    by_switch = None if ended is State.CANCELLED else False
    return TimerEnd(state=ended, reason=row.text("reason") or "", by_switch=by_switch)


def unfit(options: KrakenOptions, environment: str) -> str:
    return "it cancels every order of the account, and this profile has pairs" if options.pair else ""


_LEAST = 30
"""Seconds. The venue names no shortest time; started anew at a quarter of less, the key's counter would leave too
little to a kill. https://docs.kraken.com/exchange/guides/rest/ratelimits"""

SWITCH = VenueSwitch(
    least=_LEAST,
    most=86_399,
    timers=lambda options, environment: (
        SwitchTimer(name="all orders", arm=lambda seconds, now_ms: _set(seconds), disarm=_set(0), read=_read),
    ),
    unfit=unfit,
    confirms=True,
    beyond=lambda options, environment: (
        "orders of US perpetuals, where the matching engine does not use it",
        "orders of Kraken Futures",
    ),
    notes=(
        "while it is armed, an outage or maintenance of the matching engine cancels all orders as the engine returns",
    ),
    shared="one timer for the account: another program's is replaced, and no call shows that it exists",
    look_up=LookUp(request=_look_up, read=_read_end),
)
