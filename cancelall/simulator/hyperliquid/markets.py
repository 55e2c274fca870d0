"""Hyperliquid's dexes and markets with their numbers, an account full of orders, and the rows of these.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/asset-ids. That outcomes are listed with the first
dex is assumed: they are spot-like.
"""

from dataclasses import replace

from ..book import SimOrder
from ..rows import tables
from ..stock import stock, template

CORE, TWAPS = "core", "TWAPs"
UNIVERSES = {
    CORE: "BTC ETH SOL HYPE DOGE LINK".split(),
    "xyz": "xyz:TSLA xyz:NVDA xyz:GOLD".split(),
    "flx": "flx:TSLA flx:OIL".split(),
}
"""In the order of `perpDexs`: the number of a market follows from its place."""
DELISTED = frozenset({"DOGE", "flx:OIL"})
SPOT = {"PURR/USDC": 0, "@1": 1, "@107": 107}


def number_of(coin: str) -> int:
    """The number by which an order or a cancel names a market."""
    if coin in SPOT:
        return 10_000 + SPOT[coin]
    if coin.startswith("#"):
        return 100_000_000 + int(coin[1:])
    dex = coin.partition(":")[0] if ":" in coin else CORE
    place = list(UNIVERSES).index(dex)
    return (100_000 + 10_000 * place if place else 0) + UNIVERSES[dex].index(coin)


COINS = {number_of(coin): coin for coin in (*(one for dex in UNIVERSES.values() for one in dex), *SPOT, "#250", "#251")}


def meta(dex: str) -> dict[str, object]:
    universe = [
        {"name": coin, "szDecimals": 3, "maxLeverage": 40, **({"isDelisted": True} if coin in DELISTED else {})}
        for coin in UNIVERSES[dex]
    ]
    return {"universe": universe, "marginTables": [], "collateralToken": 0}


def spot_meta() -> dict[str, object]:
    universe = [
        {"name": name, "tokens": [index + 1, 0], "index": index, "isCanonical": "/" in name}
        for name, index in SPOT.items()
    ]
    names = {0: "USDC", **{index + 1: name.partition("/")[0].replace("@", "T") for name, index in SPOT.items()}}
    return {"universe": universe, "tokens": [{"name": names[one], "index": one, "szDecimals": 2} for one in names]}


def _template(kind: str, coin: str, way: str = "buy", left: str = "1", price: str = "100", **extra: str) -> SimOrder:
    """An order of a kind in the venue's words, `_` for a blank. The way is buy, sell, or closing."""
    dex = coin.partition(":")[0] if ":" in coin else CORE
    word = kind.replace("_", " ")
    cells: dict[str, object] = dict(extra)
    if word.startswith(("Stop", "Take")):
        cells["trigger"] = "90" if word.startswith("Stop") else "120"
    segment = TWAPS if kind == "twap" else dex
    closing = way == "closing"
    return template(segment, coin, "sell" if closing else way, price, word, cells, left=left, reduces=closing)


STOCK = stock(__file__, _template)


def sized(order: SimOrder) -> SimOrder:
    """A TP/SL of a position has no size of its own: it closes all of it."""
    return replace(order, quantity="0.0", remaining="0.0") if order.extra.get("whole") else order


_ROW = tables(
    {
        "letter": lambda order, _: "B" if order.side == "buy" else "A",
        "cloid": lambda order, _: order.client_id or None,
        "waits": lambda order, _: "trigger" in order.extra,
        "condition": lambda order, _: f"Price below {order.extra['trigger']}" if "trigger" in order.extra else "N/A",
        "whole": lambda order, _: bool(order.extra.get("whole")),
        "tif": lambda order, _: None if order.kind.endswith("Market") else order.extra.get("tif", "Gtc"),
    }
)(
    "coin=.symbol side=.letter limitPx=.price sz=.remaining oid=.number timestamp=.created triggerCondition=.condition "
    "isTrigger=.waits triggerPx=?trigger|0.0 children=#[] isPositionTpsl=.whole reduceOnly=.reduce_only "
    "orderType=.kind origSz=.quantity tif=.tif cloid=.cloid"
)


def order_row(order: SimOrder, view: object, children: tuple[SimOrder, ...] = ()) -> dict[str, object]:
    """As `frontendOpenOrders` has it; the children of an order stand in its row, and by themselves."""
    return {**_ROW(order, view), "children": [_ROW(child, view) for child in children]}


def twap_row(order: SimOrder, status: str, at_ms: int, created_ms: int, *, named: bool = True) -> dict[str, object]:
    """As `twapHistory` has it: its `time` is in seconds."""
    state = {
        "coin": order.symbol,
        "user": "",
        "side": "B" if order.side == "buy" else "A",
        "sz": order.quantity,
        "executedSz": str(order.executed),
        "executedNtl": "0.0",
        "minutes": 30,
        "reduceOnly": order.reduce_only,
        "randomize": False,
        "timestamp": created_ms,
    }
    row: dict[str, object] = {"time": at_ms // 1000, "state": state, "status": {"status": status}}
    return {**row, "twapId": int(order.id)} if named else row
