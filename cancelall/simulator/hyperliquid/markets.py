"""Hyperliquid's dexes and markets with their numbers, an account full of orders, and the rows of these.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/asset-ids. That outcomes are listed with the first
dex is assumed: they are spot-like.
"""

from collections.abc import Callable
from dataclasses import replace

from ..book import SimOrder
from ..rows import fixed, tables
from ..stock import stock, template

Clock = Callable[[int], int]
"""What a moment is called by the venue's clock."""
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
    row = fixed("szDecimals=#3 maxLeverage=#40")
    universe = [{"name": coin, **row, **({"isDelisted": True} if coin in DELISTED else {})} for coin in UNIVERSES[dex]]
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
    segment, closing = TWAPS if kind == "twap" else dex, way == "closing"
    made = template(segment, coin, "sell" if closing else way, price, word, cells, left=left, reduces=closing)
    # A TP/SL of a position has no size of its own: it closes all of it.
    return replace(made, quantity="0.0", remaining="0.0") if "whole" in extra else made


STOCK = stock(__file__, _template)


_TABLE = tables(
    {
        "letter": lambda order, _: "B" if order.side == "buy" else "A",
        "waits": lambda order, _: "trigger" in order.extra,
        "condition": lambda order, _: f"Price below {order.extra['trigger']}" if "trigger" in order.extra else "N/A",
        "whole": lambda order, _: "whole" in order.extra,
        "tif": lambda order, _: None if order.kind.endswith("Market") else order.extra.get("tif", "Gtc"),
    }
)
_ORDER = _TABLE(
    "coin=.symbol side=.letter limitPx=.price sz=.remaining oid=.number timestamp=.created triggerCondition=.condition "
    "isTrigger=.waits triggerPx=?trigger|0.0 isPositionTpsl=.whole reduceOnly=.reduce_only orderType=.kind "
    "origSz=.quantity tif=.tif cloid=.client_id_or_null children=#[]"
)
_TWAP = _TABLE(
    "coin=.symbol user= side=.letter sz=.quantity executedSz=.executed executedNtl=0.0 minutes=#30 "
    "reduceOnly=.reduce_only randomize=#false timestamp=.created"
)


def order_row(order: SimOrder, to_server: Clock, children: tuple[SimOrder, ...] = ()) -> dict[str, object]:
    """As `frontendOpenOrders` has it; the children of an order stand in its row, and by themselves."""
    return {**_ORDER(order, to_server), "children": [_ORDER(child, to_server) for child in children]}


def twap_row(order: SimOrder, status: str, at_ms: int, to_server: Clock) -> dict[str, object]:
    """As `twapHistory` has it: its `time` is in seconds."""
    state, time = _TWAP(order, to_server), to_server(at_ms) // 1000
    return {"time": time, "state": state, "status": {"status": status}, "twapId": int(order.id)}
