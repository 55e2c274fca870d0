"""Plausible instruments of each category, their rows in the public listings, and an account's stock of orders.

Names follow https://bybit-exchange.github.io/docs/v5/enum#symbol (as of 2026-07-24): BTCUSDT and BTCPERP (settle coin
USDC) are linear perpetuals, BTCUSDT-26MAR27 and BTC-26MAR27 linear futures, BTCUSD and BTCUSDH27 inverse ones. Linear
has more than 500 of them, as the real list has, so that a client that does not page is found out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from ..book import SimOrder
from ..stock import template, templates

CATEGORIES = ("linear", "inverse", "spot", "option")
SPREADS = ("BTCUSDT_BTC/USDT", "ETHUSDT_ETH/USDT", "SOLUSDT_SOL/USDT")

ORDINARY = "Order"
_USDT_COINS = (
    "BTC ETH SOL XRP DOGE ADA AVAX LINK DOT LTC BCH TRX NEAR APT ARB OP SUI FIL ATOM ETC UNI AAVE INJ SEI TIA HBAR XLM "
    "ALGO 1000PEPE 1000BONK SHIB1000 WIF TON ICP 币安人生"
).split()
_FILLERS = [f"SIM{number:03}" for number in range(500)]
_USDC_COINS = ("BTC", "ETH", "SOL", "XRP")
_INVERSE_COINS = ("BTC", "ETH", "XRP", "SOL", "LTC", "DOT", "ADA")
_SPOT = {"USDT": ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LTC", "币安人生"), "USDC": ("BTC", "ETH", "SOL", "XRP")}
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()

_FIXED: dict[str, dict[str, object]] = json.loads(Path(__file__).with_name("instruments.json").read_text("utf-8"))
"""What stands in the rows of every instrument, and in those of some sorts."""


@dataclass(frozen=True)
class Instrument:
    """One instrument, with the coins that the selectors of an order request go by."""

    category: str
    symbol: str
    base: str
    quote: str
    settle_coin: str = ""
    delivery_ms: int = 0
    status: str = "Trading"

    def row(self) -> dict[str, object]:
        names = {"symbol": self.symbol, "baseCoin": self.base, "quoteCoin": self.quote, "status": self.status}
        row = names | _FIXED["every"]
        if self.category == "spot":
            return row | _FIXED["spot"]
        row |= _FIXED["derivative"] | {"settleCoin": self.settle_coin, "deliveryTime": str(self.delivery_ms)}
        if self.category == "option":
            return row | {"optionsType": "Put" if "-P" in self.symbol else "Call"}
        sort = "Futures" if self.delivery_ms else "Perpetual"
        return row | _FIXED["contract"] | {"contractType": f"{self.category.capitalize()}{sort}"}


class Instruments:
    """All instruments of the fake. Delivery dates lie in the year after `now_ms`, so that none has expired."""

    def __init__(self, now_ms: int) -> None:
        year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1
        self._spring, self._winter = _last_friday(year, 3), _last_friday(year, 12)
        self._all = {(one.category, one.symbol): one for one in self._listed()}

    def find(self, category: str, symbol: str) -> Instrument | None:
        """The instrument of that exact name; lower case is another name."""
        return self._all.get((category, symbol))

    def of(self, category: str) -> list[Instrument]:
        return [one for one in self._all.values() if one.category == category]

    def option(self, coin: str, base: str = "BTC", strike: int = 80000, side: str = "C") -> str:
        """An option of that settlement coin; those of USDC carry no coin in their name."""
        name = f"{base}-{_date_name(self._winter)}-{strike}-{side}"
        return name if coin == "USDC" else f"{name}-{coin}"

    def linear_future(self, coin: str) -> str:
        """A dated linear future of that settlement coin."""
        return f"{'BTCUSDT' if coin == 'USDT' else 'BTC'}-{_date_name(self._spring)}"

    def inverse_future(self) -> str:
        """A dated inverse future: the letter is the month of delivery."""
        return f"BTCUSDH{self._spring:%y}"

    def _listed(self) -> Iterator[Instrument]:
        spring, winter = (int(day.timestamp() * 1000) for day in (self._spring, self._winter))
        for coin in (*_USDT_COINS, *_FILLERS):
            yield Instrument("linear", f"{coin}USDT", coin, "USDT", "USDT")
        # A pre-market perpetual, listed only with `status=PreLaunch`.
        yield Instrument("linear", "NEXTUSDT", "NEXT", "USDT", "USDT", status="PreLaunch")
        for coin in _USDC_COINS:
            yield Instrument("linear", f"{coin}PERP", coin, "USDC", "USDC")
        for coin in ("USDT", "USDC"):
            yield Instrument("linear", self.linear_future(coin), "BTC", coin, coin, spring)
        for coin in _INVERSE_COINS:
            yield Instrument("inverse", f"{coin}USD", coin, "USD", coin)
        yield Instrument("inverse", self.inverse_future(), "BTC", "USD", "BTC", spring)
        for quote, coins in _SPOT.items():
            yield from (Instrument("spot", f"{coin}{quote}", coin, quote) for coin in coins)
        for base, strike, coin, side in product(("BTC", "ETH", "SOL"), (80000, 100000), ("USDT", "USDC"), "CP"):
            yield Instrument("option", self.option(coin, base, strike, side), base, coin, coin, winter)


def spread_row(symbol: str) -> dict[str, object]:
    """A combination of two legs as `spread/instrument` lists it."""
    future, spot = symbol.split("_")
    legs = [{"symbol": future, "contractType": "LinearPerpetual"}, {"symbol": spot, "contractType": "Spot"}]
    return _FIXED["spread"] | {"symbol": symbol, "baseCoin": spot.split("/")[0], "legs": legs}


def _last_friday(year: int, month: int) -> datetime:
    day = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC) - timedelta(days=1)
    return day - timedelta(days=(day.weekday() - 4) % 7)


def _date_name(when: datetime) -> str:
    """A date as in BTC-26MAR27; not with strftime, whose month names follow the locale."""
    return f"{when.day}{_MONTHS[when.month - 1]}{when:%y}"


_CLOSING = frozenset({"StopLoss", "TakeProfit", "PartialTakeProfit", "PartialStopLoss", "TrailingStop"})
"""Kinds that can only shrink a position."""
_STOCK = Path(__file__).with_name("stock.txt").read_text(encoding="utf-8")
_VALUES = {"true": True, "1": 1, "2": 2}


def _template(segment: str, symbol: str, side: str, price: str, kind: str = ORDINARY, **more: str) -> SimOrder:
    """An order at this price, or at the market where it is 0; each but the ordinary ones has a trigger."""
    trigger = {} if kind == ORDINARY else {"triggerPrice": "90", "triggerDirection": 2}
    left, reduces = more.pop("left", "1"), more.pop("reduces", kind in _CLOSING)
    extra = {**trigger, **{name: _VALUES.get(value, value) for name, value in more.items()}}
    return template(segment, symbol, side, price, kind, extra, left=left, reduces=reduces)


def stock(known: Instruments) -> list[SimOrder]:
    """One of each. The first nine reach every part of the account, so that a small stock does too."""
    names = {
        "option": known.option("USDT"),
        "usdc_option": known.option("USDC"),
        "inverse": known.inverse_future(),
        "future": known.linear_future("USDT"),
        "usdc_future": known.linear_future("USDC"),
    }
    return templates(_STOCK.format(**names), _template)
