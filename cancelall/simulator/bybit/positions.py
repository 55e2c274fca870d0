"""`GET /v5/position/list`: https://bybit-exchange.github.io/docs/v5/position (as of 2026-07-24)."""

from __future__ import annotations

from urllib.parse import unquote

from ..book import SimOrder
from ..pages import by_offset
from ..positions import SimPosition, held
from ..refusals import whole
from ..routes import Call
from ..rows import fixed
from .state import Answer, State, bad

_CATEGORIES = ("linear", "inverse", "option")
_CLOSING = frozenset({"StopLoss", "TakeProfit", "PartialTakeProfit", "PartialStopLoss", "TrailingStop"})
_BARE = SimPosition(symbol="SOLUSDT", long=False, segment="linear")
_ROW = fixed(
    """riskId=#1 riskLimitValue=150 tradeMode=#0 positionStatus=Normal autoAddMargin=#0 adlRankIndicator=#2 leverage=10
    positionBalance= bustPrice= positionMM= positionIM= tpslMode=Full takeProfit= stopLoss= trailingStop=0
    cumRealisedPnl=-0.1 seq=#5723621632 isReduceOnly=#false"""
)


def _closes(order: SimOrder) -> SimPosition | None:
    closing = order.kind in _CLOSING or order.reduce_only or order.extra.get("closeOnTrigger")
    if order.segment not in _CATEGORIES or not closing:
        return None
    return SimPosition(symbol=order.symbol, long=order.side == "sell", segment=order.segment)


def position_list(venue: State, call: Call) -> Answer:
    """Open positions of a category; of linear ones a symbol or a settle coin has to be named."""
    query, category = call.query, call.query.get("category", "")
    if category not in _CATEGORIES:
        raise bad("Category is invalid")
    symbol, coin = query.get("symbol", ""), query.get("settleCoin", "")
    if category == "linear" and not (symbol or coin):
        raise bad("symbol or settleCoin is required")
    rows = []
    for one in held(call.account, _closes, _BARE):
        instrument = venue.instruments.find(category, one.symbol)
        wanted = one.segment == category and instrument is not None
        if (
            wanted
            and symbol in ("", one.symbol)
            and (symbol or coin in ("", instrument.settle_coin if instrument else ""))
        ):
            rows.append(_row(venue, one))
    size = whole(query.get("limit", "20"), bad("limit is invalid"), least=1, most=200)
    start = whole(unquote(query.get("cursor", "")).removeprefix("from:") or "0", bad("cursor is invalid"))
    page = by_offset(rows, start, size)
    cursor = f"from%3A{page.end}" if page.more else ""
    return Answer(result={"category": category, "list": list(page.items), "nextPageCursor": cursor})


def _row(venue: State, one: SimPosition) -> dict[str, object]:
    return _ROW | {
        "symbol": one.symbol,
        "side": "Buy" if one.long else "Sell",
        "positionIdx": 0,
        "size": one.size,
        "avgPrice": one.entry,
        "markPrice": one.mark,
        "positionValue": "50",
        "unrealisedPnl": "0.5",
        "liqPrice": one.liquidation,
        "createdTime": str(venue.server_now()),
        "updatedTime": str(venue.server_now()),
    }
