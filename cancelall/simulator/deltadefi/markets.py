"""The trading pairs.

https://docs.deltadefi.io/start-trading/developers/trading-pairs-symbols (as of 2026-04-17): a symbol is base and quote
without anything between, and `ADAUSDCx` shows that its case matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Market:
    """A pair; `price` is what the stock's orders ask. One that is not `listed` is missing from the market config."""

    base: str
    quote: str
    price: str
    listed: bool = True

    @property
    def symbol(self) -> str:
        """The pair as requests spell it."""
        return self.base + self.quote


MARKETS: Mapping[str, Market] = {
    market.symbol: market
    for market in (
        Market(base="ADA", quote="USDM", price="0.62"),
        Market(base="NIGHT", quote="USDM", price="0.051"),
        Market(base="IAG", quote="USDM", price="0.12"),
        Market(base="SNEK", quote="USDM", price="0.0031"),
        Market(base="ADA", quote="USDCx", price="0.61"),
        Market(base="ADA", quote="USDX", price="0.6", listed=False),
        Market(base="NIGHT", quote="USDCx", price="0.05"),
    )
}
"""HOSKYUSDM, which two SDKs name, is left out on purpose: such a symbol is answered 4106."""

_DECIMALS = 6


def market_config(*, without: str = "") -> dict[str, object]:
    """`GET /app/market-config`, in the shape of the python SDK's types."""
    listed = [market for market in MARKETS.values() if market.listed and market.symbol != without]
    coins = dict.fromkeys(coin for market in listed for coin in (market.base, market.quote))
    return {
        "trading_pairs": [
            {
                "symbol": market.symbol,
                "base_token": _token(market.base),
                "quote_token": _token(market.quote),
                "price_max_dp": 4,
            }
            for market in listed
        ],
        "assets": [
            {**_token(coin), "trading_pairs": [each.symbol for each in listed if coin in (each.base, each.quote)]}
            for coin in coins
        ],
    }


def assets() -> Iterator[tuple[str, str]]:
    """Every coin that an account here can hold, with its unit."""
    for coin in dict.fromkeys(coin for market in MARKETS.values() for coin in (market.base, market.quote)):
        yield coin, _unit(coin)


def _token(coin: str) -> dict[str, object]:
    return {"symbol": coin, "unit": _unit(coin), "decimals": _DECIMALS, "max_qty_dp": 2}


def _unit(coin: str) -> str:
    """A Cardano asset unit: policy id and name in hex. The policy ids are dummies."""
    return "lovelace" if coin == "ADA" else "d0" * 28 + coin.encode("ascii").hex()
