"""Plausible instruments of each type, their rows in the public listings, and an account's stock of orders.

Spot has more than 400 of them, as the real list has. Expiry dates lie in the year after the exchange was opened.
"""

from datetime import UTC, datetime
from pathlib import Path

from ..book import SimOrder
from ..rows import fixed
from ..stock import template, templates

TYPES = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS")
ALGOS = {
    **dict.fromkeys(("conditional", "oco"), "TP/SL"),
    "trigger": "triggers",
    "move_order_stop": "trailing stops",
    "chase": "chase orders",
    "twap": "TWAP",
    "iceberg": "icebergs",
    "smart_iceberg": "smart icebergs",
}
"""Types of algo orders, and the part of the account that lists as one."""
ADVANCE = frozenset({"move_order_stop", "twap", "iceberg"})
ORDERS, EVENTS, SPREADS = "orders", "events", "spreads"

_COINS = "BTC ETH SOL DOGE XRP ADA LTC AVAX LINK DOT TRX UNI AAVE SUI APT OP ARB".split()
_FILLERS = [f"SIM{number:03}" for number in range(200)]
_SWAPS = ("USDT-SWAP", "USD-SWAP", "USD_UM-SWAP")
_ROW = fixed("category=1 ctMult= ctVal= ctValCcy= lever=10 listTime=1606468572000 lotSz=0.00001 minSz=0.00001")
_ROW |= fixed("optType= stk= tickSz=0.1 ruleType=normal maxLmtSz=1000000 maxMktSz=1000000")
_SPREAD = fixed("sprdType=linear state=live baseCcy=BTC szCcy=BTC quoteCcy=USDT tickSz=0.1 minSz=0.001 lotSz=0.001")
_STOCK = Path(__file__).with_name("stock.txt").read_text(encoding="utf-8")


class Instruments:
    """All instruments of the fake, by type."""

    def __init__(self, now_ms: int) -> None:
        year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1 - 2000
        self.date, self.event = f"{year:02}0326", f"{year:02}0101"
        expiring = [f"{coin}-{quote}-{self.date}" for coin in ("BTC", "ETH") for quote in ("USD", "USDT")]
        spot = [f"{coin}-{quote}" for coin in (*_COINS, *_FILLERS) for quote in ("USDT", "USDC")]
        options = [f"{coin}-USD-{self.date}-80000-{side}" for coin in ("BTC", "ETH") for side in "CP"]
        self.of = {
            "SPOT": spot,
            "MARGIN": spot[:40],
            "SWAP": [f"{coin}-{rest}" for coin in _COINS for rest in _SWAPS],
            "FUTURES": expiring,
            "OPTION": options,
            "EVENTS": [f"BTC-ABOVE-DAILY-{self.event}-1600-120000"],
            "SPREAD": [f"{coin}-USDT_{coin}-USDT-SWAP" for coin in ("BTC", "ETH", "SOL")],
        }
        self.known = {name for names in self.of.values() for name in names}

    def underlyings(self, type_: str) -> list[str]:
        """The underlyings of swaps, futures or options."""
        return sorted({"-".join(name.split("-")[:2]).partition("_")[0] for name in self.of[type_]})

    def row(self, type_: str, name: str) -> dict[str, object]:
        base, quote, *_ = name.partition("_")[0].split("-") + [""] * 3
        spot, contract = type_ in ("SPOT", "MARGIN"), type_ not in ("SPOT", "MARGIN")
        names = {"instType": type_, "instId": name, "state": "live", "expTime": ""}
        names |= {"baseCcy": base if spot else "", "quoteCcy": quote if spot else ""}
        family = "-".join(name.split("-")[:2])
        names |= {"uly": family.partition("_")[0] if contract else "", "instFamily": family if contract else ""}
        names |= {"settleCcy": ("USDT" if "USDT" in name else base) if contract else ""}
        if contract:
            names |= {"ctVal": "0.01", "ctMult": "1", "ctValCcy": base}
            names |= {"ctType": "linear" if names["settleCcy"] == "USDT" else "inverse"}
        if type_ in ("FUTURES", "OPTION"):
            names["expTime"] = str(int(datetime.strptime(f"{self.date}+0000", "%y%m%d%z").timestamp() * 1000))
        if type_ == "OPTION":
            names |= {"optType": name[-1], "stk": "80000"}
        return _ROW | names

    @staticmethod
    def spread_row(name: str) -> dict[str, object]:
        legs = [{"instId": leg, "side": side} for leg, side in zip(name.split("_"), ("sell", "buy"), strict=True)]
        return _SPREAD | {"sprdId": name, "legs": legs}

    def stock(self) -> list[SimOrder]:
        """One of each. The first twelve reach every part of the account, so that a small stock does too."""
        option = f"BTC-USD-{self.date}-80000"
        names = {"option": f"{option}-C", "put": f"{option}-P", "date": self.date, "event": self.event}
        return templates(_STOCK.format(**names, future=f"BTC-USDT-{self.date}"), _template)


def segment_of(kind: str, type_: str) -> str:
    """The part of the account of an order of this kind, for an instrument of this type."""
    return ALGOS.get(kind) or {"EVENTS": EVENTS, "SPREAD": SPREADS}.get(type_, ORDERS)


def _template(kind: str, type_: str, symbol: str, side: str, price: str, **more: str) -> SimOrder:
    left, reduces = more.pop("left", "1"), more.pop("reduces", "")
    extra = {"instType": type_, "tdMode": "cash" if type_ == "SPOT" else "cross", **more}
    return template(segment_of(kind, type_), symbol, side, price, kind, extra, left=left, reduces=reduces)
