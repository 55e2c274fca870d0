"""Bitget: the countdown of a unified account, which has to be requested from Bitget. A classic account has none.

https://www.bitget.com/api-doc/uta/trade/CountDown-Cancel-All (as of 2025-12-05): `countdown` in seconds, as text, 0 or
from 5 to 60; once a second; it switches itself off after it has cancelled.
"""

from __future__ import annotations

from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Priority, Purpose, Reply, Request, State
from cancelall.core.switch import LookUp, SwitchTimer, TimerEnd, TimerReading, VenueSwitch
from cancelall.venues import payload
from cancelall.venues.bitget import api
from cancelall.venues.bitget.options import BitgetOptions
from cancelall.venues.payload import Row


def _set(seconds: int) -> Request:
    purpose = Purpose.ARM if seconds else Purpose.DISARM
    return api.post("/api/v3/trade/countdown-cancel-all", purpose, {"countdown": str(seconds)}, Priority.OTHER)


def unfit(options: BitgetOptions, environment: str) -> str:
    if options.product_type or options.margin_coin or options.symbol:
        return "it cancels all orders of the account, and this profile has selectors"
    return ""


def _read(request: Request, reply: Reply) -> TimerReading:
    """Only that it was taken: `success`."""
    if api.data(reply) != "success":
        raise Unreadable("the answer is not that to a countdown")
    return TimerReading()


def reaches(order: Order) -> bool | None:
    """Whether strategy orders (TP/SL, triggers) are among all orders is not written."""
    return None if order.segment.endswith("strategy orders") else True


def _look_up(options: BitgetOptions, identity: str, symbol: str) -> Request:
    """https://www.bitget.com/api-doc/uta/trade/Get-Order-Details"""
    return api.get("/api/v3/trade/order-info", Purpose.FINAL_STATES, orderId=identity)


_ENDS = {"filled": State.FILLED, **dict.fromkeys(("cancelled", "canceled"), State.CANCELLED)}


def _read_end(request: Request, reply: Reply) -> TimerEnd:
    """`orderStatus` and `cancelReason`. Which reason the countdown leaves is not documented."""
    row = Row(payload.as_object(api.data(reply), "data"))
    state = _ENDS.get(row.text("orderStatus") or "", State.OPEN)
    by_switch = None if state is State.CANCELLED else False
    return TimerEnd(state=state, reason=row.text("cancelReason") or "", by_switch=by_switch)


SWITCH = VenueSwitch(
    least=5,
    most=60,
    timers=lambda options, environment: (
        SwitchTimer(name="all orders", arm=lambda seconds, now_ms: _set(seconds), disarm=_set(0), read=_read),
    ),
    unfit=unfit,
    reaches=reaches,
    beyond=lambda options, environment: ("strategy orders (TP/SL, triggers): not documented",),
    notes=("a unified account only, and Bitget has to grant access to it: what others are answered is not documented",),
    shared="one countdown for the account: another program's is replaced, and no call shows that it exists",
    look_up=LookUp(request=_look_up, read=_read_end),
)
