"""What can be traded in which ledger, and the public lists of it.

https://ascendex.github.io/ascendex-pro-api/#list-all-products and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#futures-contracts-info. A contract's name on the website is not
its symbol: `BTC-PERP` is displayed as `BTCUSDT`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answers import Answer, data

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import AscendEX

LEDGERS = ("cash", "margin", "futures")

_CASH = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ASD/USDT", "ETH/BTC")
_MARGIN = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
_PERPETUALS = ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP")
SYMBOLS = {"cash": _CASH, "margin": _MARGIN, "futures": _PERPETUALS}


def _product(symbol: str) -> dict[str, object]:
    return {
        "symbol": symbol,
        "displayName": symbol,
        "domain": symbol.partition("/")[2].replace("USDT", "USDS"),
        "tradingStartTime": 1_546_300_800_000,
        "collapseDecimals": "1,0.1,0.01",
        "minQty": "0.000000001",
        "maxQty": "1000000000",
        "minNotional": "5",
        "maxNotional": "400000",
        "statusCode": "Normal",
        "statusMessage": "",
        "tickSize": "0.01",
        "useTick": False,
        "lotSize": "0.00001",
        "useLot": False,
        "commissionType": "Quote",
        "commissionReserveRate": "0.001",
        "qtyScale": 5,
        "priceScale": 2,
        "notionalScale": 4,
    }


def _contract(symbol: str) -> dict[str, object]:
    coin = symbol.partition("-")[0]
    return {
        "symbol": symbol,
        "status": "Normal",
        "displayName": f"{coin}USDT",
        "settlementAsset": "USDT",
        "underlying": f"{coin}/USDT",
        "tradingStartTime": 1_579_701_600_000,
        "priceFilter": {"minPrice": "0.25", "maxPrice": "1000000", "tickSize": "0.25"},
        "lotSizeFilter": {"minQty": "0.0001", "maxQty": "1000000000", "lotSize": "0.0001"},
        "marginRequirements": [
            {
                "positionNotionalLowerbound": "0",
                "positionNotionalUpperbound": "50000",
                "initialMarginRate": "0.01",
                "maintenanceMarginRate": "0.006",
            }
        ],
    }


def cash_products(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v1/cash/products`."""
    return data([_product(symbol) for symbol in _CASH])


def margin_products(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v1/margin/products`."""
    return data([_product(symbol) for symbol in _MARGIN])


def contracts(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v2/futures/contract`."""
    return data([_contract(symbol) for symbol in _PERPETUALS])


def legacy_products(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v1/products`: not in the documents any more, but other people's clients ask for it first."""
    rows = []
    for symbol in _CASH:
        base, _, quote = symbol.partition("/")
        rows.append(
            {
                "symbol": symbol,
                "baseAsset": base,
                "quoteAsset": quote,
                "status": "Normal",
                "minNotional": "5",
                "maxNotional": "400000",
                "marginTradable": symbol in _MARGIN,
                "commissionType": "Quote",
                "commissionReserveRate": "0.001",
                "tickSize": "0.01",
                "lotSize": "0.00001",
            }
        )
    return data(rows)


def assets(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v2/assets`, without chains: nobody deposits here."""
    coins = sorted({coin for symbol in _CASH for coin in symbol.split("/")})
    return data(
        [
            {"assetCode": coin, "assetName": coin, "precisionScale": 9, "nativeScale": 4, "blockChain": []}
            for coin in coins
        ]
    )
