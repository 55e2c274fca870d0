"""OKX: its Cancel All After, which cancels ordinary orders and nothing else.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-all-after (as of 2026-07): `timeOut` in seconds, 0
or from 10 to 120; once a second for each user and tag. It is armed without a tag, which is the whole account's.
"""

from __future__ import annotations

from cancelall.core.errors import OptionError
from cancelall.core.model import Order, Priority, Purpose, Reply, Request, State
from cancelall.core.switch import LookUp, SwitchTimer, TimerEnd, TimerReading, VenueSwitch, in_ms
from cancelall.venues import payload
from cancelall.venues.okx import api
from cancelall.venues.okx.options import OkxOptions
from cancelall.venues.payload import Row

_BY_SWITCH = "20"
"""`cancelSource` of an order that it has cancelled: https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order"""


def _set(path: str, seconds: int) -> Request:
    purpose = Purpose.ARM if seconds else Purpose.DISARM
    return api.post(path, "switch", purpose, {"timeOut": str(seconds)}, priority=Priority.OTHER)


def _timer(name: str, path: str) -> SwitchTimer:
    return SwitchTimer(name=name, arm=lambda seconds, now_ms: _set(path, seconds), disarm=_set(path, 0), read=_read)


def timers(options: OkxOptions, environment: str) -> tuple[SwitchTimer, ...]:
    """That of ordinary orders. Spread orders have one of their own, which is left alone: few accounts have any."""
    return (_timer("ordinary orders", "trade/cancel-all-after"),)


def unfit(options: OkxOptions, environment: str) -> str:
    """Without a tag it knows no instrument and no type."""
    if options.instrument_type or options.instrument or options.underlying is not None:
        return "it cancels the ordinary orders of the whole account, and this profile has selectors"
    return ""


def _read(request: Request, reply: Reply) -> TimerReading:
    """`triggerTime` is documented in seconds, clients have seen milliseconds; 0 is off. `ts` is the venue's clock."""
    row = api.first_row(reply)
    fires, server = payload.number(row, "triggerTime"), payload.number(row, "ts")
    server_ms = None if server is None else in_ms(server)
    if fires is None:
        return TimerReading(server_ms=server_ms)
    if fires <= 0:
        return TimerReading(armed=False, server_ms=server_ms)
    return TimerReading(armed=True, fires_ms=in_ms(fires), server_ms=server_ms)


def reaches(order: Order) -> bool | None:
    """Algo orders have no such call, and spread orders have one of their own; of event contracts nothing is said."""
    return {"orders": True, "events": None}.get(order.segment, False)


def _look_up(options: OkxOptions, identity: str, symbol: str) -> Request:
    if not symbol:
        raise OptionError("OKX looks an order up by its instrument, too", "name it, too")
    values = {"instId": symbol.upper(), "ordId": identity}
    return api.get("trade/order", f"order:{symbol.upper()}", Purpose.FINAL_STATES, values)


_STATES = {"canceled": State.CANCELLED, "mmp_canceled": State.CANCELLED, "filled": State.FILLED}


def _read_end(request: Request, reply: Reply) -> TimerEnd:
    """`state` and `cancelSource`. Every state that is not a known end is open."""
    row = Row(api.first_row(reply))
    state, source = row.text("state") or "", row.text("cancelSource") or ""
    ended = _STATES.get(state, State.OPEN)
    by_switch = source == _BY_SWITCH if ended is State.CANCELLED else False
    return TimerEnd(state=ended, reason=f"cancelSource {source}" if source else "", by_switch=by_switch)


SWITCH = VenueSwitch(
    least=10,
    most=120,
    timers=timers,
    unfit=unfit,
    confirms=True,
    reaches=reaches,
    beyond=lambda options, environment: (
        "algo orders: stops, take-profits, trailing stops, TWAP, icebergs",
        "spread orders",
        "RFQs and quotes",
        "event contracts: not documented",
    ),
    notes=("orders are cancelled one by one, which may take seconds",),
    shared="one timer without a tag for the account: another program's is replaced, and no call shows that it exists",
    look_up=LookUp(request=_look_up, read=_read_end),
)
