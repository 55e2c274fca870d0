"""Pacifica's markets. Symbols are case-sensitive: https://docs.pacifica.fi/api-documentation/api/market-symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .answers import Answer

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica


@dataclass(frozen=True, kw_only=True)
class Market:
    """One market; spot ones are named BASE-QUOTE."""

    symbol: str
    price: str
    tick: str = "0.01"

    @property
    def spot(self) -> bool:
        """Whether coins change hands here."""
        return "-" in self.symbol


MARKETS = {
    market.symbol: market
    for market in (
        Market(symbol="BTC", price="60000", tick="1"),
        Market(symbol="ETH", price="2500"),
        Market(symbol="SOL", price="120"),
        Market(symbol="XRP", price="0.5", tick="0.0001"),
        Market(symbol="HYPE", price="30"),
        Market(symbol="XPL", price="1.0865", tick="0.0001"),
        Market(symbol="URNM", price="50"),
        Market(symbol="kBONK", price="0.02", tick="0.00001"),
        Market(symbol="kPEPE", price="0.01", tick="0.00001"),
        Market(symbol="SOL-USDC", price="119"),
        Market(symbol="BTC-USDC", price="59900", tick="1"),
    )
}


def info(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /info`: https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info."""
    return Answer(data=[_row(market) for market in MARKETS.values()])


def prices(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /info/prices`, with the only server time that a public body holds."""
    now_ms = venue.server_now()
    return Answer(
        data=[
            {"symbol": each.symbol, "mark": each.price, "mid": each.price, "oracle": each.price, "timestamp": now_ms}
            for each in MARKETS.values()
        ]
    )


def _row(market: Market) -> dict[str, object]:
    return {
        "symbol": market.symbol,
        "tick_size": market.tick,
        "min_tick": "0",
        "max_tick": "1000000",
        "lot_size": "0.00001",
        "max_leverage": 1 if market.spot else 50,
        "isolated_only": False,
        "min_order_size": "10",
        "max_order_size": "5000000",
        "funding_rate": "0" if market.spot else "0.0000125",
        "next_funding_rate": "0" if market.spot else "0.0000125",
        "created_at": 1748881333944,
        "instrument_type": "spot" if market.spot else "perpetual",
        "base_asset": market.symbol.partition("-")[0],
    }
