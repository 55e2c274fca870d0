"""What can be traded in which ledger, the public lists of it, an account full of orders of every kind, and their rows.

https://ascendex.github.io/ascendex-pro-api/#list-all-products and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#futures-contracts-info. A contract's name on the website is not
its symbol: `BTC-PERP` is displayed as `BTCUSDT`. Types and execution instructions: .../#enum-definitions. Market orders
fill at once and rest nowhere. Take-profit and stop-loss of a position are no orders: see the call `position`.
"""

import json
from pathlib import Path

from ..book import SimOrder
from ..rows import fixed, tables
from ..stock import stock, template

LEDGERS = ("cash", "margin", "futures")
SYMBOLS = {
    "cash": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "ASD/USDT", "ETH/BTC"),
    "margin": ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"),
    "futures": ("BTC-PERP", "ETH-PERP", "SOL-PERP", "XRP-PERP", "DOGE-PERP"),
}
COINS = sorted({coin for symbol in SYMBOLS["cash"] for coin in symbol.split("/")})

_FIXED = json.loads(Path(__file__).with_name("products.json").read_text("utf-8"))
_TERMS, _PRODUCT, _CONTRACT = _FIXED["terms"], _FIXED["product"], _FIXED["contract"]
_PAIRS = [(symbol, *symbol.split("/")) for symbol in SYMBOLS["cash"]]

PRODUCTS = [
    {"symbol": each, "displayName": each, "domain": quote.replace("USDT", "USDS"), **_TERMS, **_PRODUCT}
    for each, _, quote in _PAIRS
]
MARGIN_PRODUCTS = [row for row in PRODUCTS if row["symbol"] in SYMBOLS["margin"]]
# Not in the documents any more, but other people's clients ask for it first.
LEGACY_PRODUCTS = [
    {"symbol": each, "baseAsset": base, "quoteAsset": quote, "marginTradable": each in SYMBOLS["margin"], **_TERMS}
    | {"status": "Normal"}
    for each, base, quote in _PAIRS
]
CONTRACTS = [
    {"symbol": f"{coin}-PERP", "displayName": f"{coin}USDT", "underlying": f"{coin}/USDT", **_CONTRACT}
    for coin in (symbol.removesuffix("-PERP") for symbol in SYMBOLS["futures"])
]
# Without chains: nobody deposits here.
ASSETS = [
    {"assetCode": coin, "assetName": coin, **fixed("precisionScale=#9 nativeScale=#4 blockChain=#[]")} for coin in COINS
]


def _template(
    ledger: str, symbol: str, side: str, price: str = "0", execInst: str = "", left: str = "1", **extra: str
) -> SimOrder:
    """A limit order, or with a `stopPrice` a conditional one, at the market if its price is 0."""
    kind = "limit" if "stopPrice" not in extra else "stop_market" if price == "0" else "stop_limit"
    cells = {**({"execInst": execInst} if execInst else {}), **extra}
    return template(ledger, symbol, side, price, kind, cells, left=left, reduces="Reduce" in execInst)


# One of each. The first nine reach every ledger with an unconditional and a conditional order.
STOCK = stock(__file__, _template)

# Rows. Times follow the venue's own clock.

TYPES = {"limit": "Limit", "market": "Market", "stop_limit": "StopLimit", "stop_market": "StopMarket"}


def is_conditional(order: SimOrder) -> bool:
    return order.kind.startswith("stop")


def status(order: SimOrder, _: object = None) -> str:
    """`status`: https://ascendex.github.io/ascendex-futures-pro-api-v2/#order-status-status."""
    if order.status != "open":
        return "Filled" if order.status == "filled" else "Canceled"
    return "PendingNew" if is_conditional(order) else "PartiallyFilled" if order.executed else "New"


_table = tables({"type": lambda order, _: TYPES[order.kind], "status": status})
_SHARED = "orderId=.id symbol orderType=.type side=.Side price orderQty=.quantity lastExecTime=.updated feeAsset=USDT"

# One order of cash, margin or futures v1: https://ascendex.github.io/ascendex-pro-api/#list-open-orders. `stopPrice` is
# filled for stop orders only, else empty.
row_v1 = _table(f"""
    {_SHARED} avgPx=.average cumFee=0 cumFilledQty=.executed errorCode= seqNum=.sequence status stopPrice=?stopPrice|
    execInst=?execInst|NULL_VAL
""")
# One order of futures v2: https://ascendex.github.io/ascendex-futures-pro-api-v2/#query-order-by-id, whose sample is
# the fullest. Without a stop price it says "0".
row_v2 = _table(f"""
    ac=FUTURES accountId= time=.created {_SHARED} seqNum=.sequence execInst=?execInst|NULL_VAL stopPrice=?stopPrice|0
    stopBy=?stopBy|market status lastQty=0 lastPx=0 avgFilledPx=.average cumFilledQty=.executed fee=0 cumFee=0
    errorCode= posStopLossPrice=?posStopLossPrice|0 posStopLossTrigger=market
    posTakeProfitPrice=?posTakeProfitPrice|0 posTakeProfitTrigger=market liquidityInd=n
""")
# One closed order of the long history, whose fields have names of their own.
history_row = _table(f"""
    {_SHARED} seqNum=.sequence accountId= stopPrice=?stopPrice|0 status createTime=.created avgFillPrice=.average
    fillQty=.executed fee=0
""")
