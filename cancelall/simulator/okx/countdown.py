"""OKX's Cancel All After, of ordinary orders and of spread orders.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-all-after and
https://www.okx.com/docs-v5/en/#spread-trading-rest-api-cancel-all-after (as of 2026-07). With a tag it is about the
orders that were placed with it. The moment is documented in seconds, and comes in milliseconds.
"""

from ..book import SimOrder
from ..refusals import string, whole
from ..routes import Call
from .state import ORDERS, SPREADS, State, bad, missing, rows


def _set(venue: State, call: Call, segment: str) -> object:
    (values,) = rows(call)
    if "timeOut" not in values:
        raise missing("timeOut")
    seconds = whole(string(values, "timeOut", bad("timeOut")), bad("timeOut"), most=120)
    if 0 < seconds < 10:
        raise bad("timeOut")
    tag = string(values, "tag", bad("tag"))

    def covers(order: SimOrder) -> bool:
        return order.segment == segment and tag in ("", order.extra.get("tag", ""))

    moment = venue.countdowns.set(call.account, (segment, tag), seconds * 1000, covers)
    shown = str(venue.to_server(moment)) if moment else "0"
    return [{"triggerTime": shown, "tag": tag, "ts": str(venue.server_now())}]


def orders(venue: State, call: Call) -> object:
    """Ordinary orders: algo orders have no such call."""
    return _set(venue, call, ORDERS)


def spreads(venue: State, call: Call) -> object:
    return _set(venue, call, SPREADS)
