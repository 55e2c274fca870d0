"""Bitget's countdown of a unified account.

https://www.bitget.com/api-doc/uta/trade/CountDown-Cancel-All (as of 2025-12-05): seconds as text, 0 or from 5 to 60.
Bitget grants access on request; what others are answered is not written: with the fault `no-countdown`, that a right
is missing. Whether strategy orders go is not written either: here they stay.
"""

from ..book import SimOrder
from ..refusals import Refusal, whole
from ..routes import Call
from . import kinds
from .state import State, body, invalid, needed


def covers(order: SimOrder) -> bool:
    return order.segment in kinds.UNIFIED


def countdown(venue: State, call: Call) -> object:
    if venue.fault("no-countdown", call.request):
        raise venue.refusals[Refusal.PERMISSION]
    seconds = whole(needed(body(call), "countdown"), invalid("countdown"), most=60)
    if 0 < seconds < 5:
        raise invalid("countdown")
    venue.countdowns.set(call.account, "", seconds * 1000, covers)
    return "success"
