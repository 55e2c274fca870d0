"""Binance's countdown of a symbol of USD-M or COIN-M futures.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Auto-Cancel-All-Open-Orders (as of
2026-11): in milliseconds, 0 stops it. Whether conditional orders go is not written: here they stay.
"""

from ..book import SimOrder
from ..refusals import whole
from ..routes import Call
from .state import BAD_SYMBOL, State, missing


def countdown(segment: str, venue: State, call: Call) -> object:
    symbol = str(call.payload.get("symbol", ""))
    if not symbol:
        raise missing("symbol")
    if not venue.symbols.known(segment, symbol):
        raise BAD_SYMBOL
    time_ms = whole(str(call.payload.get("countdownTime", "")), missing("countdownTime"))

    def covers(order: SimOrder) -> bool:
        return order.segment == segment and order.symbol == symbol

    venue.countdowns.set(call.account, (segment, symbol), time_ms, covers)
    return {"symbol": symbol, "countdownTime": str(time_ms)}
