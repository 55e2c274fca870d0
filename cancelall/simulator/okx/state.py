"""What the fake OKX remembers: instruments of each type, their rows in the public listings, and an account's stock.

Spot has more than 400 of them, as the real list has. Expiry dates lie in the year after the exchange was opened.
"""

from datetime import UTC, datetime

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..refusals import Refused
from ..routes import Call
from ..rows import fixed, written
from ..stock import stock, template

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
_ROWS = written(__file__)
NO_INSTRUMENT = Refused("51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")


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

    def row(self, type_: str, name: str) -> dict[str, object]:
        base, quote, *_ = name.partition("_")[0].split("-")
        row = fixed(_ROWS["instrument"]) | {"instType": type_, "instId": name}
        if type_ in ("SPOT", "MARGIN"):
            return row | fixed(_ROWS["pair"].format(base=base, quote=quote))
        settle, shape = ("USDT", "linear") if "USDT" in name else (base, "inverse")
        words = {"base": base, "family": family(name), "underlying": underlying(name)}
        row |= fixed(_ROWS["contract"].format(**words, settle=settle, shape=shape))
        if type_ in ("FUTURES", "OPTION"):
            row["expTime"] = str(int(datetime.strptime(f"{self.date}+0000", "%y%m%d%z").timestamp() * 1000))
        return row | ({"optType": name[-1], "stk": "80000"} if type_ == "OPTION" else {})


def spread_row(name: str) -> dict[str, object]:
    legs = [{"instId": leg, "side": side} for leg, side in zip(name.split("_"), ("sell", "buy"), strict=True)]
    return fixed(_ROWS["spread"]) | {"sprdId": name, "legs": legs}


def family(name: str) -> str:
    return "-".join(name.split("-")[:2])


def underlying(name: str) -> str:
    return family(name).partition("_")[0]


def segment_of(kind: str, type_: str) -> str:
    """The part of the account of an order of this kind, for an instrument of this type."""
    return ALGOS.get(kind) or {"EVENTS": EVENTS, "SPREAD": SPREADS}.get(type_, ORDERS)


def _template(
    kind: str, type_: str, symbol: str, side: str, price: str, left: str = "1", reduces: str = "", **more: str
) -> SimOrder:
    extra = {"instType": type_, "tdMode": "cash" if type_ == "SPOT" else "cross", **more}
    return template(segment_of(kind, type_), symbol, side, price, kind, extra, left=left, reduces=reduces)


class State(FakeVenue):
    def begin(self) -> None:
        self.instruments = Instruments(self.now_ms())
        self._last_id = 590_908_157_585_625_111

    def stock(self, account: Account, orders: int) -> None:
        """One of each. The first twelve reach every part of the account, so that a small stock does too."""
        known = stock(__file__, _template, date=self.instruments.date, event=self.instruments.event)
        self.put_stock(account, known, orders, named=True)

    def new_id(self, like: SimOrder) -> str:
        """Digits; a later order has a larger number."""
        self._last_id += self.random.randrange(1, 10**9)
        return str(self._last_id)

    def client_id(self, owner: str, number: int, order_id: str) -> str:
        """Letters and digits only."""
        return f"{owner}{number}x{order_id[-4:]}"


def bad(name: str) -> Refused:
    return Refused("51000", f"Parameter {name} error", 400)


def missing(name: str) -> Refused:
    return Refused("50014", f"Parameter {name} can not be empty.", 400)


def rows(call: Call) -> list[dict[str, object]]:
    """The items of a batch, or the only one of a single cancel or a read."""
    found = call.payload["rows"]
    return found if isinstance(found, list) else []
