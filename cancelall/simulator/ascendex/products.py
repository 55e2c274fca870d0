"""What can be traded in which ledger, the public lists of it, and an account full of orders of every kind.

https://ascendex.github.io/ascendex-pro-api/#list-all-products and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#futures-contracts-info. A contract's name on the website is not
its symbol: `BTC-PERP` is displayed as `BTCUSDT`. Types and execution instructions: .../#enum-definitions. Market orders
fill at once and rest nowhere. Take-profit and stop-loss of a position are no orders: see the call `position`.
"""

from __future__ import annotations

from dataclasses import replace

from ..book import Side, SimOrder
from ..rows import fixed

LEDGERS = ("cash", "margin", "futures")
SYMBOLS = {
    "cash": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ASD/USDT", "ETH/BTC"),
    "margin": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"),
    "futures": ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP"),
}
COINS = sorted({coin for symbol in SYMBOLS["cash"] for coin in symbol.split("/")})

_PRODUCT = fixed(
    """
    tradingStartTime=#1546300800000 collapseDecimals=1,0.1,0.01 minQty=0.000000001 maxQty=1000000000 minNotional=5
    maxNotional=400000 statusCode=Normal statusMessage= tickSize=0.01 useTick=#false lotSize=0.00001 useLot=#false
    commissionType=Quote commissionReserveRate=0.001 qtyScale=#5 priceScale=#2 notionalScale=#4
    """
)
_LEGACY = fixed(
    "status=Normal minNotional=5 maxNotional=400000 commissionType=Quote commissionReserveRate=0.001 tickSize=0.01 "
    "lotSize=0.00001"
)
_CONTRACT = {
    **fixed("status=Normal settlementAsset=USDT tradingStartTime=#1579701600000"),
    "priceFilter": fixed("minPrice=0.25 maxPrice=1000000 tickSize=0.25"),
    "lotSizeFilter": fixed("minQty=0.0001 maxQty=1000000000 lotSize=0.0001"),
    "marginRequirements": [
        fixed(
            "positionNotionalLowerbound=0 positionNotionalUpperbound=50000 initialMarginRate=0.01 "
            "maintenanceMarginRate=0.006"
        )
    ],
}


def products(ledger: str) -> list[dict[str, object]]:
    """What is traded in cash or on margin."""
    domains = {symbol: symbol.partition("/")[2].replace("USDT", "USDS") for symbol in SYMBOLS[ledger]}
    return [{"symbol": each, "displayName": each, "domain": domain, **_PRODUCT} for each, domain in domains.items()]


def contracts() -> list[dict[str, object]]:
    """The futures."""
    coins = {symbol: symbol.partition("-")[0] for symbol in SYMBOLS["futures"]}
    return [
        {"symbol": symbol, "displayName": f"{coin}USDT", "underlying": f"{coin}/USDT", **_CONTRACT}
        for symbol, coin in coins.items()
    ]


def legacy_products() -> list[dict[str, object]]:
    """Of `GET /api/pro/v1/products`: not in the documents any more, but other people's clients ask for it first."""
    pairs = [(symbol, *symbol.split("/")) for symbol in SYMBOLS["cash"]]
    return [
        {"symbol": each, "baseAsset": base, "quoteAsset": quote, "marginTradable": each in SYMBOLS["margin"], **_LEGACY}
        for each, base, quote in pairs
    ]


def assets() -> list[dict[str, object]]:
    """The coins, without chains: nobody deposits here."""
    shared = fixed("precisionScale=#9 nativeScale=#4 blockChain=#[]")
    return [{"assetCode": coin, "assetName": coin, **shared} for coin in COINS]


def _limit(ledger: str, symbol: str, price: str, side: Side = "buy", instruction: str = "", **more: object) -> SimOrder:
    extra = {**({"execInst": instruction} if instruction else {}), **more}
    closing = "Reduce" in instruction
    return SimOrder(
        segment=ledger, symbol=symbol, kind="limit", side=side, price=price, reduce_only=closing, extra=extra
    )


def _stop(ledger: str, symbol: str, side: Side, price: str = "", instruction: str = "", **more: object) -> SimOrder:
    """A conditional order: with a limit price, or at the market."""
    order_type = "stop_limit" if price else "stop_market"
    order = _limit(ledger, symbol, price or "0", side, instruction, stopPrice="90", **more)
    return replace(order, type=order_type, kind=order_type)


TEMPLATES = [
    _limit("cash", "BTC/USDT", "60000"),
    _limit("margin", "ETH/USDT", "2500"),
    _limit("futures", "BTC-PERP", "60000"),
    _stop("cash", "BTC/USDT", "buy", "61000"),
    _stop("margin", "ETH/USDT", "sell"),
    _stop("futures", "BTC-PERP", "buy", "61000", "StopOnMarket"),
    _stop("cash", "BTC/USDT", "sell", "55000"),
    _limit("futures", "BTC-PERP", "70000", "sell", "ReduceOnly"),
    _stop("futures", "BTC-PERP", "sell", "", "ReduceOnlyMark", stopBy="mark"),
    _limit("cash", "ETH/USDT", "4000", "sell", "Post"),
    _limit("margin", "BTC/USDT", "70000", "sell", "Post"),
    _limit("futures", "ETH-PERP", "2000", "buy", "Post"),
    _stop("cash", "BTC/USDT", "sell"),
    _stop("margin", "ETH/USDT", "buy", "2600"),
    _stop("futures", "ETH-PERP", "sell", stopBy="ref"),
    replace(_limit("cash", "BTC/USDT", "60000"), remaining="0.4"),
    replace(_limit("margin", "SOL/USDT", "120"), remaining="0.6"),
    replace(_limit("futures", "SOL-PERP", "120"), remaining="0.25"),
    _limit("futures", "BTC-PERP", "80000", "sell", "PostReduceOnly"),
    _stop("futures", "BTC-PERP", "sell", "54000", "PostReduceMarket"),
    _limit("futures", "ETH-PERP", "1900", posStopLossPrice="1500", posTakeProfitPrice="9000"),
    _limit("cash", "ETH/BTC", "0.05"),
    _stop("cash", "BTC/USDT", "buy"),
    _limit("margin", "XRP/USDT", "0.5"),
    _stop("margin", "BTC/USDT", "sell", "56000"),
    _limit("futures", "XRP-PERP", "0.5"),
    _limit("futures", "DOGE-PERP", "0.4", "sell"),
    _limit("cash", "DOGE/USDT", "0.4", "sell"),
]
"""One of each. The first nine reach every ledger with a plain and a conditional order."""
