"""Binance: the countdown of each symbol of USD-M and COIN-M futures.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Auto-Cancel-All-Open-Orders and
.../coin-margined-futures/trade/Auto-Cancel-All-Open-Orders (as of 2026-11): `countdownTime` in milliseconds, 0 is
off; all orders of the symbol. The documents' own example starts 120 s anew every 30 s, and warns of short times.
Options have one of the market makers', which also refuses new orders afterwards: it is left alone.
"""

from __future__ import annotations

from functools import partial

from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Order, Purpose, Reply, Request, State
from cancelall.core.switch import LookUp, SwitchTimer, TimerEnd, TimerReading, VenueSwitch
from cancelall.venues import payload
from cancelall.venues.binance import api
from cancelall.venues.binance.books import ENDED
from cancelall.venues.binance.options import BinanceOptions, selected, symbols_of
from cancelall.venues.contract import parameters
from cancelall.venues.payload import Row

_PATHS = {"usdm": "/fapi/v1", "coinm": "/dapi/v1"}


def _set(path: str, symbol: str, seconds: int) -> Request:
    purpose = Purpose.ARM if seconds else Purpose.DISARM
    values = {"symbol": symbol, "countdownTime": str(seconds * 1000)}
    return api.post(f"{path}/countdownCancelAll", purpose, values)


def timers(options: BinanceOptions, environment: str) -> tuple[SwitchTimer, ...]:
    """One for each symbol that the profile names, in each of the two products that could have it."""
    chosen = selected(options, environment)
    return tuple(
        SwitchTimer(
            name=f"{product} {symbol}",
            arm=partial(_arm, path, symbol),
            disarm=_set(path, symbol, 0),
            read=_read,
            covers=partial(_covers, product, symbol),
        )
        for product, path in _PATHS.items()
        if product in chosen
        for symbol in symbols_of(product, options)
    )


def _arm(path: str, symbol: str, seconds: int, now_ms: int) -> Request:
    return _set(path, symbol, seconds)


def _covers(product: str, symbol: str, order: Order) -> bool:
    return order.segment == product and order.symbol == symbol


def unfit(options: BinanceOptions, environment: str) -> str:
    if not set(_PATHS) & set(selected(options, environment)):
        return "only USD-M and COIN-M futures have one"
    if not any(symbols_of(product, options) for product in _PATHS):
        return "it is one for each symbol of USD-M or COIN-M: name those to be watched with symbol"
    return ""


def _read(request: Request, reply: Reply) -> TimerReading:
    """Symbol and time come back, the latter as text."""
    answer = payload.as_object(reply.json)
    wanted = parameters(request)
    if payload.field(answer, "symbol") != wanted["symbol"]:
        raise Unreadable("the answer is about another symbol")
    time_ms = payload.number(answer, "countdownTime")
    if time_ms is None:
        return TimerReading()
    return TimerReading(armed=time_ms > 0, seconds=time_ms / 1000)


def reaches(order: Order) -> bool | None:
    """Whether the book of conditional orders, which is apart since 2025-12-09, is covered is not written."""
    if order.segment not in _PATHS:
        return False
    return None if order.kind else True


def _look_up(options: BinanceOptions, identity: str, symbol: str) -> Request:
    """Numbers are unique within a symbol; an id as this program shows it has both."""
    before, _, number = identity.rpartition(":")
    name = (symbol or before).upper()
    if not name or not number.isdecimal():
        raise OptionError("Binance looks an order up by its symbol and its number", "name both")
    found = [product for product in _PATHS if symbols_of(product, BinanceOptions(symbol=(name,)))]
    if not found:
        raise OptionError(f"{name} is no symbol of USD-M or COIN-M")
    return api.get(f"{_PATHS[found[-1]]}/order", Purpose.FINAL_STATES, {"symbol": name, "orderId": number})


def _read_end(request: Request, reply: Reply) -> TimerEnd:
    """`status`. What a countdown leaves there is not documented, and there is no field of reasons."""
    row = Row(reply.json)
    status = row.text("status") or ""
    state, note = ENDED.get(status, (State.OPEN, ""))
    ended = state in (State.CANCELLED, State.GONE)
    return TimerEnd(state=State.CANCELLED if ended else state, reason=note, by_switch=None if ended else False)


SWITCH = VenueSwitch(
    least=20,  # of a minute's 2400, one symbol then takes 120
    most=3600,
    timers=timers,
    unfit=unfit,
    confirms=True,
    reaches=reaches,
    beyond=lambda options, environment: (
        "conditional orders (stops, take-profits, trailing stops) of futures: not documented",
        "symbols that the profile does not name",
        "spot, margin, options, TWAP and VP orders, and a portfolio margin account",
    ),
    notes=("one countdown for each symbol, with a weight of 10 each time",),
    shared="one countdown for each symbol: another program's is replaced, and no call shows that it exists",
    look_up=LookUp(request=_look_up, read=_read_end),
)
