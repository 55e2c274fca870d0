"""What can be traded in which ledger, the public lists of it, and an account full of orders of every kind.

https://ascendex.github.io/ascendex-pro-api/#list-all-products and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#futures-contracts-info. A contract's name on the website is not
its symbol: `BTC-PERP` is displayed as `BTCUSDT`. Types and execution instructions: .../#enum-definitions. Market orders
fill at once and rest nowhere. Take-profit and stop-loss of a position are no orders: see the call `position`.
"""

from __future__ import annotations

from ..book import SimOrder
from ..rows import fixed
from ..stock import templates

LEDGERS = ("cash", "margin", "futures")
SYMBOLS = {
    "cash": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ASD/USDT", "ETH/BTC"),
    "margin": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"),
    "futures": ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP"),
}
COINS = sorted({coin for symbol in SYMBOLS["cash"] for coin in symbol.split("/")})

_PRODUCT = fixed("""
    tradingStartTime=#1546300800000 collapseDecimals=1,0.1,0.01 minQty=0.000000001 maxQty=1000000000 minNotional=5
    maxNotional=400000 statusCode=Normal statusMessage= tickSize=0.01 useTick=#false lotSize=0.00001 useLot=#false
    commissionType=Quote commissionReserveRate=0.001 qtyScale=#5 priceScale=#2 notionalScale=#4
""")
_LEGACY = fixed("""
    status=Normal minNotional=5 maxNotional=400000 commissionType=Quote commissionReserveRate=0.001 tickSize=0.01
    lotSize=0.00001
""")
_MARGIN = fixed("""
    positionNotionalLowerbound=0 positionNotionalUpperbound=50000 initialMarginRate=0.01 maintenanceMarginRate=0.006
""")
_CONTRACT = {
    **fixed("status=Normal settlementAsset=USDT tradingStartTime=#1579701600000"),
    "priceFilter": fixed("minPrice=0.25 maxPrice=1000000 tickSize=0.25"),
    "lotSizeFilter": fixed("minQty=0.0001 maxQty=1000000000 lotSize=0.0001"),
    "marginRequirements": [_MARGIN],
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


def _template(
    ledger: str, symbol: str, side: str, price: str = "0", execInst: str = "", left: str = "1", **extra: str
) -> SimOrder:
    """A limit order, or with a `stopPrice` a conditional one, at the market if its price is 0."""
    plain = "stopPrice" not in extra
    order_type = "limit" if plain else "stop_market" if price == "0" else "stop_limit"
    return SimOrder(
        symbol=symbol,
        segment=ledger,
        side="buy" if side == "buy" else "sell",
        type=order_type,
        kind=order_type,
        price=price,
        remaining=left,
        reduce_only="Reduce" in execInst,
        extra={**({"execInst": execInst} if execInst else {}), **extra},
    )


STOCK = templates(
    """
    cash BTC/USDT buy 60000; margin ETH/USDT buy 2500; futures BTC-PERP buy 60000
    cash BTC/USDT buy 61000 stopPrice=90; margin ETH/USDT sell stopPrice=90
    futures BTC-PERP buy 61000 StopOnMarket stopPrice=90; cash BTC/USDT sell 55000 stopPrice=90
    futures BTC-PERP sell 70000 ReduceOnly; futures BTC-PERP sell 0 ReduceOnlyMark stopPrice=90 stopBy=mark
    cash ETH/USDT sell 4000 Post; margin BTC/USDT sell 70000 Post; futures ETH-PERP buy 2000 Post
    cash BTC/USDT sell stopPrice=90; margin ETH/USDT buy 2600 stopPrice=90
    futures ETH-PERP sell stopPrice=90 stopBy=ref
    cash BTC/USDT buy 60000 left=0.4; margin SOL/USDT buy 120 left=0.6; futures SOL-PERP buy 120 left=0.25
    futures BTC-PERP sell 80000 PostReduceOnly; futures BTC-PERP sell 54000 PostReduceMarket stopPrice=90
    futures ETH-PERP buy 1900 posStopLossPrice=1500 posTakeProfitPrice=9000; cash ETH/BTC buy 0.05
    cash BTC/USDT buy stopPrice=90; margin XRP/USDT buy 0.5; margin BTC/USDT sell 56000 stopPrice=90
    futures XRP-PERP buy 0.5; futures DOGE-PERP sell 0.4; cash DOGE/USDT sell 0.4
    """,
    _template,
)
"""One of each. The first nine reach every ledger with a plain and a conditional order."""
