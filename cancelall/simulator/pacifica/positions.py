"""`GET /positions`: https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-positions."""

from __future__ import annotations

from ..book import SimOrder
from ..positions import SimPosition, held
from ..routes import Call
from .state import Answer, State

_BARE = SimPosition(symbol="HYPE", long=False)


def _closes(order: SimOrder) -> SimPosition | None:
    if not order.reduce_only or "-" in order.symbol:
        return None
    return SimPosition(symbol=order.symbol, long=order.side == "sell")


def positions(venue: State, call: Call) -> object:
    """All of an account; `margin` is only shown for isolated ones."""
    now_ms = venue.server_now()
    rows = [
        {
            "symbol": one.symbol,
            "side": "bid" if one.long else "ask",
            "amount": one.size,
            "entry_price": one.entry,
            "funding": "13.159593",
            "isolated": False,
            "liquidation_price": one.liquidation if one.long else None,
            "created_at": now_ms,
            "updated_at": now_ms,
        }
        for one in held(call.account, _closes, _BARE)
    ]
    return Answer(rows, {"last_order_id": venue.last_order_id})
