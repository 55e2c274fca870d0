"""The trading pairs, and an account full of orders of every kind that can rest in them.

https://docs.deltadefi.io/start-trading/developers/trading-pairs-symbols (as of 2026-04-17): a symbol is base and quote
without anything between, and `ADAUSDCx` shows that its case matters. There are only limit and market orders
(https://docs.deltadefi.io, page "Order types"); a market order with a slippage bound can leave a remainder that rests.
The rest of the variety is symbols, phases and partial fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..book import SimOrder


@dataclass(frozen=True)
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


_PRICES = """
    ADA/USDM=0.62 NIGHT/USDM=0.051 IAG/USDM=0.12 SNEK/USDM=0.0031 ADA/USDCx=0.61 ADA/USDX=0.6 NIGHT/USDCx=0.05
"""
_PAIRS = [(*pair.split("/"), price) for pair, _, price in (word.partition("=") for word in _PRICES.split())]
MARKETS: Mapping[str, Market] = {
    base + quote: Market(base, quote, price, listed=quote != "USDX") for base, quote, price in _PAIRS
}
"""HOSKYUSDM, which two SDKs name, is left out on purpose: such a symbol is answered 4106."""

_QUIET = "NIGHTUSDCx"
"""A pair of which the stock holds no order."""


def market_config(*, without: str = "") -> dict[str, object]:
    """`GET /app/market-config`, in the shape of the python SDK's types."""
    listed = [market for market in MARKETS.values() if market.listed and market.symbol != without]
    pairs = [
        {"symbol": each.symbol, "base_token": _token(each.base), "quote_token": _token(each.quote), "price_max_dp": 4}
        for each in listed
    ]
    coins = [
        {**_token(coin), "trading_pairs": [each.symbol for each in listed if coin in (each.base, each.quote)]}
        for coin in _coins(listed)
    ]
    return {"trading_pairs": pairs, "assets": coins}


def assets() -> dict[str, str]:
    """Every coin that an account here can hold, with its unit."""
    return {coin: _unit(coin) for coin in _coins(list(MARKETS.values()))}


def _coins(markets: list[Market]) -> list[str]:
    return list(dict.fromkeys(coin for market in markets for coin in (market.base, market.quote)))


def _token(coin: str) -> dict[str, object]:
    return {"symbol": coin, "unit": _unit(coin), "decimals": 6, "max_qty_dp": 2}


def _unit(coin: str) -> str:
    """A Cardano asset unit: policy id and name in hex. The policy ids are dummies."""
    return "lovelace" if coin == "ADA" else "d0" * 28 + coin.encode("ascii").hex()


def template(symbol: str) -> SimOrder:
    """A limit order of this pair."""
    price = MARKETS[symbol].price
    return SimOrder(symbol=symbol, segment=symbol, price=price, quantity="100", remaining="100")


def templates() -> list[SimOrder]:
    """One of each. The first ones reach every symbol and every phase, so that a stock of ten does too."""
    plain = [template(symbol) for symbol in MARKETS if symbol != _QUIET]
    ada, night = template("ADAUSDM"), replace(template("NIGHTUSDM"), side="sell")
    market = replace(night, type="market", remaining="25")
    return [
        *plain,
        replace(ada, kind="building"),
        replace(night, kind="processing"),
        replace(ada, side="sell", remaining="40"),
        market.but(slippage_bp=50, market_order_limit_price="0.0508"),
        *(replace(each, side="sell") for each in plain),
    ]
