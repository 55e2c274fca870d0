"""Kraken's CancelAllOrdersAfter: one timer for the account, in seconds.

https://docs.kraken.com/api-reference/trading/cancel-all-orders-after-x (as of 2026-11): less than a day;
0 switches it off.
"""

from ..refusals import string, whole
from ..routes import Call
from ..rows import iso
from .state import ARGUMENTS, State


def cancel_all_after(venue: State, call: Call) -> object:
    seconds = whole(string(call.payload, "timeout", ARGUMENTS), ARGUMENTS, most=86_399)
    moment = venue.countdowns.set(call.account, "", seconds * 1000)
    return {
        "currentTime": iso(venue.server_now()),
        "triggerTime": iso(venue.to_server(moment)) if moment else "0",
    }
