"""Plausible instruments of each category, and the public listings of them.

Names follow https://bybit-exchange.github.io/docs/v5/enum#symbol (as of 2026-07-24): BTCUSDT and BTCPERP (settled in
USDC) are linear perpetuals, BTCUSDT-26MAR27 and BTC-26MAR27 linear futures, BTCUSD and BTCUSDH27 inverse ones. Linear
has more than 500 of them, as the real list has, so that a client that does not page is found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .answers import Answer, Refused

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

CATEGORIES = ("linear", "inverse", "spot", "option")

_USDT_COINS = (
    "BTC ETH SOL XRP DOGE ADA AVAX LINK DOT LTC BCH TRX NEAR APT ARB OP SUI FIL ATOM ETC UNI AAVE INJ SEI TIA HBAR XLM "
    "ALGO 1000PEPE 1000BONK SHIB1000 WIF TON ICP 币安人生"
).split()
_FILLERS = 500
_USDC_COINS = ("BTC", "ETH", "SOL", "XRP")
_INVERSE_COINS = ("BTC", "ETH", "XRP", "SOL", "LTC", "DOT", "ADA")
_SPOT_USDT = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LTC", "币安人生")
_SPOT_USDC = ("BTC", "ETH", "SOL", "XRP")
PRE_MARKET = "NEXTUSDT"
"""A pre-market perpetual, listed only with `status=PreLaunch`."""
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_PAGE_DEFAULT = 500
_PAGE_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One instrument, with the coins that the selectors of an order request go by."""

    category: str
    symbol: str
    base: str
    quote: str
    settle: str
    contract: str = ""
    delivery_ms: int = 0
    status: str = "Trading"

    def row(self) -> dict[str, object]:
        """The instrument as `instruments-info` lists it."""
        row: dict[str, object] = {
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "status": self.status,
            "priceFilter": {"minPrice": "0.01", "maxPrice": "1999999.98", "tickSize": "0.01"},
        }
        if self.category == "spot":
            size = {
                "basePrecision": "0.000001",
                "quotePrecision": "0.0000001",
                "minOrderQty": "0.000011",
                "maxOrderQty": "83",
                "minOrderAmt": "5",
                "maxOrderAmt": "8000000",
            }
            return row | {"innovation": "0", "marginTrading": "utaOnly", "lotSizeFilter": size}
        size = {"minOrderQty": "0.001", "maxOrderQty": "1190.000", "qtyStep": "0.001"}
        row |= {
            "settleCoin": self.settle,
            "launchTime": "1585526400000",
            "deliveryTime": str(self.delivery_ms),
            "deliveryFeeRate": "",
            "lotSizeFilter": size,
        }
        if self.category == "option":
            return row | {"optionsType": "Put" if "-P" in self.symbol else "Call"}
        return row | {
            "contractType": self.contract,
            "priceScale": "2",
            "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
            "unifiedMarginTrade": True,
            "fundingInterval": 480,
        }


class Instruments:
    """All instruments of the fake. Delivery dates lie in the year after `now_ms`, so that none has expired."""

    def __init__(self, now_ms: int) -> None:
        year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1
        self.spring = _last_friday(year, 3)
        self.winter = _last_friday(year, 12)
        self._by_category: dict[str, dict[str, Instrument]] = {category: {} for category in CATEGORIES}
        for instrument in (*self._linear(), *self._inverse(), *self._spot(), *self._option()):
            self._by_category[instrument.category][instrument.symbol] = instrument
        self.spreads = ("BTCUSDT_BTC/USDT", "ETHUSDT_ETH/USDT", "SOLUSDT_SOL/USDT")

    def find(self, category: str, symbol: str) -> Instrument | None:
        """The instrument of that exact name; lower case is another name."""
        return self._by_category[category].get(symbol)

    def of(self, category: str) -> Sequence[Instrument]:
        """All instruments of a category."""
        return tuple(self._by_category[category].values())

    def option_symbol(self, settle: str) -> str:
        """An option of that settlement coin; USDC-settled ones carry no coin in their name."""
        name = f"BTC-{_date_name(self.winter)}-80000-C"
        return name if settle == "USDC" else f"{name}-{settle}"

    def linear_future(self, settle: str) -> str:
        """A dated linear future of that settlement coin."""
        return f"BTCUSDT-{_date_name(self.spring)}" if settle == "USDT" else f"BTC-{_date_name(self.spring)}"

    def inverse_future(self) -> str:
        """A dated inverse future: the letter is the month of delivery."""
        return f"BTCUSDH{self.spring:%y}"

    def _linear(self) -> Iterator[Instrument]:
        for coin in (*_USDT_COINS, *(f"SIM{number:03}" for number in range(_FILLERS))):
            yield Instrument(
                category="linear",
                symbol=f"{coin}USDT",
                base=coin,
                quote="USDT",
                settle="USDT",
                contract="LinearPerpetual",
            )
        yield Instrument(
            category="linear",
            symbol=PRE_MARKET,
            base="NEXT",
            quote="USDT",
            settle="USDT",
            contract="LinearPerpetual",
            status="PreLaunch",
        )
        for coin in _USDC_COINS:
            yield Instrument(
                category="linear",
                symbol=f"{coin}PERP",
                base=coin,
                quote="USDC",
                settle="USDC",
                contract="LinearPerpetual",
            )
        for settle in ("USDT", "USDC"):
            yield Instrument(
                category="linear",
                symbol=self.linear_future(settle),
                base="BTC",
                quote=settle,
                settle=settle,
                contract="LinearFutures",
                delivery_ms=_ms(self.spring),
            )

    def _inverse(self) -> Iterator[Instrument]:
        for coin in _INVERSE_COINS:
            yield Instrument(
                category="inverse",
                symbol=f"{coin}USD",
                base=coin,
                quote="USD",
                settle=coin,
                contract="InversePerpetual",
            )
        yield Instrument(
            category="inverse",
            symbol=self.inverse_future(),
            base="BTC",
            quote="USD",
            settle="BTC",
            contract="InverseFutures",
            delivery_ms=_ms(self.spring),
        )

    def _spot(self) -> Iterator[Instrument]:
        for quote, coins in (("USDT", _SPOT_USDT), ("USDC", _SPOT_USDC)):
            for coin in coins:
                yield Instrument(category="spot", symbol=f"{coin}{quote}", base=coin, quote=quote, settle="")

    def _option(self) -> Iterator[Instrument]:
        for base in ("BTC", "ETH", "SOL"):
            for strike in (80000, 100000):
                for settle in ("USDT", "USDC"):
                    for side in "CP":
                        name = f"{base}-{_date_name(self.winter)}-{strike}-{side}"
                        yield Instrument(
                            category="option",
                            symbol=name if settle == "USDC" else f"{name}-{settle}",
                            base=base,
                            quote=settle,
                            settle=settle,
                            delivery_ms=_ms(self.winter),
                        )


def instruments_info(venue: Bybit, request: SimRequest) -> Answer:
    """`GET /v5/market/instruments-info`: what trades, unless another status is asked for.

    Spot is not paged; options are of one base coin, BTC by default.
    """
    instruments, parameters = venue.instruments, request.parameters()
    category = parameters.get("category", "")
    if category not in CATEGORIES:
        raise Refused(10001, "params error: Category is invalid")
    rows = [each for each in instruments.of(category) if parameters.get("status", "Trading") == each.status]
    if "symbol" in parameters:
        rows = [each for each in rows if each.symbol == parameters["symbol"]]
    base = parameters.get("baseCoin", "BTC" if category == "option" and "symbol" not in parameters else "")
    if base:
        rows = [each for each in rows if each.base == base]
    cursor = ""
    if category != "spot":
        limit = parameters.get("limit", str(_PAGE_DEFAULT))
        start = unquote(parameters.get("cursor", "")).removeprefix("from:") or "0"
        if not (limit.isdecimal() and 1 <= int(limit) <= _PAGE_LIMIT and start.isdecimal()):
            raise Refused(10001, "params error: limit or cursor is invalid")
        end = int(start) + int(limit)
        cursor = f"from%3A{end}" if end < len(rows) else ""
        rows = rows[int(start) : end]
    result = {"category": category, "list": [each.row() for each in rows], "nextPageCursor": cursor}
    return Answer(result=result, message="success" if category == "option" else "OK")


def spread_instruments(venue: Bybit, request: SimRequest) -> Answer:
    """`GET /v5/spread/instrument`: combinations of two legs."""
    parameters = request.parameters()
    rows = []
    for symbol in venue.instruments.spreads:
        if parameters.get("symbol", symbol) != symbol:
            continue
        future, spot = symbol.split("_")
        legs = [{"symbol": future, "contractType": "LinearPerpetual"}, {"symbol": spot, "contractType": "Spot"}]
        base = spot.split("/")[0]
        rows.append(
            {
                "symbol": symbol,
                "contractType": "FundingRateArb",
                "status": "Trading",
                "baseCoin": base,
                "quoteCoin": "USDT",
                "settleCoin": "USDT",
                "tickSize": "0.0001",
                "minSize": "0.001",
                "maxSize": "10",
                "lotSize": "0.001",
                "legs": legs,
            }
        )
    return Answer(result={"list": rows, "nextPageCursor": ""}, message="Success")


def _last_friday(year: int, month: int) -> datetime:
    day = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC) - timedelta(days=1)
    return day - timedelta(days=(day.weekday() - 4) % 7)


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _date_name(when: datetime) -> str:
    """A date as in BTC-26MAR27; not with strftime, whose month names follow the locale."""
    return f"{when.day}{_MONTHS[when.month - 1]}{when:%y}"
