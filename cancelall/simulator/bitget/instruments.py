"""Plausible instruments of each part, and the public listings of them.

https://www.bitget.com/api-doc/contract/market/Get-All-Symbols-Contracts, https://www.bitget.com/api-doc/spot/market/Get-Symbols
and https://www.bitget.com/api-doc/uta/public/Instruments (as of 2025-12-05). None of the three is paged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from . import kinds
from .answers import Refused

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_COINS = (
    "BTC ETH SOL XRP DOGE ADA AVAX LINK DOT LTC BCH TRX NEAR APT ARB OP SUI FIL ATOM ETC UNI AAVE INJ SEI TIA HBAR XLM "
    "ALGO BGB PEPE SHIB WIF TON ICP"
).split()
_OTHER_SCRIPTS = ("币安人生",)
"""Coins whose symbols are written with other letters, as the venue lists some."""
_INVERSE_COINS = ("BTC", "ETH", "XRP")
_USDC_COINS = ("BTC", "ETH", "SOL")
_MARGIN_COINS = ("BTC", "ETH", "SOL", "XRP")
_DEMO_PRODUCTS = frozenset({"SUSDT-FUTURES", "SCOIN-FUTURES", "SUSDC-FUTURES"})
"""Retired, but other people's clients still ask for them."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One instrument of one part; `margin_coins` only where a contract's margin is chosen."""

    part: str
    symbol: str
    base: str
    quote: str
    margin_coins: tuple[str, ...] = ()
    delivery_ms: int = 0

    def contract_row(self) -> dict[str, object]:
        """The contract as v2 lists it."""
        return {
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "buyLimitPriceRatio": "0.01",
            "sellLimitPriceRatio": "0.01",
            "feeRateUpRatio": "0.005",
            "makerFeeRate": "0.0002",
            "takerFeeRate": "0.0006",
            "openCostUpRatio": "0.01",
            "supportMarginCoins": list(self.margin_coins),
            "minTradeNum": "0.001",
            "priceEndStep": "1",
            "volumePlace": "3",
            "pricePlace": "1",
            "sizeMultiplier": "0.001",
            "symbolType": "delivery" if self.delivery_ms else "perpetual",
            "minTradeUSDT": "5",
            "maxSymbolOrderNum": "200",
            "maxProductOrderNum": "400",
            "maxPositionNum": "150",
            "symbolStatus": "normal",
            "offTime": "-1",
            "limitOpenTime": "-1",
            "deliveryTime": str(self.delivery_ms or ""),
            "deliveryStartTime": "",
            "deliveryPeriod": "this_quarter" if self.delivery_ms else "",
            "launchTime": "",
            "fundInterval": "8",
            "minLever": "1",
            "maxLever": "125",
            "posLimit": "0.05",
            "maintainTime": "",
        }

    def spot_row(self) -> dict[str, object]:
        """The pair as v2 lists it."""
        return {
            "symbol": self.symbol,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "minTradeAmount": "0",
            "maxTradeAmount": "10000000000",
            "takerFeeRate": "0.002",
            "makerFeeRate": "0.002",
            "pricePrecision": "2",
            "quantityPrecision": "6",
            "quotePrecision": "8",
            "status": "online",
            "minTradeUSDT": "1",
            "buyLimitPriceRatio": "0.05",
            "sellLimitPriceRatio": "0.05",
        }

    def unified_row(self) -> dict[str, object]:
        """The instrument as v3 lists it."""
        row: dict[str, object] = {
            "symbol": self.symbol,
            "category": self.part,
            "baseCoin": self.base,
            "quoteCoin": self.quote,
            "minOrderQty": "0.001",
            "maxOrderQty": "",
            "pricePrecision": "1",
            "quantityPrecision": "3",
            "quotePrecision": "6",
            "minOrderAmount": "1",
            "status": "online",
        }
        if self.part in kinds.FUTURES:
            sort = "delivery" if self.delivery_ms else "perpetual"
            row |= {
                # The page says symbolType; clients read type.
                "symbolType": sort,
                "type": sort,
                "priceMultiplier": "0.1",
                "quantityMultiplier": "0.001",
                "deliveryTime": str(self.delivery_ms or ""),
                "makerFeeRate": "0.0002",
                "takerFeeRate": "0.0006",
                "fundInterval": "8",
                "minLeverage": "1",
                "maxLeverage": "125",
            }
        return row


class Instruments:
    """All instruments of the fake. The delivery contract ends in the year after `now_ms`: it has not expired."""

    def __init__(self, now_ms: int) -> None:
        self._year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1
        self._by_part: dict[str, dict[str, Instrument]] = {part: {} for part in kinds.CATEGORIES}
        for one in (*self._usdt(), *self._coin(), *self._usdc(), *self._spot()):
            self._by_part[one.part][one.symbol] = one

    def find(self, part: str, symbol: str) -> Instrument | None:
        """The instrument of that exact name; lower case is another name."""
        return self._by_part[part].get(symbol)

    def of(self, part: str) -> Sequence[Instrument]:
        """All instruments of a part."""
        return tuple(self._by_part[part].values())

    @property
    def delivery(self) -> str:
        """A coin-margined contract with a delivery date: the letter is the month."""
        return f"BTCUSDM{self._year % 100:02}"

    def _usdt(self) -> Iterator[Instrument]:
        for coin in (*_COINS, *_OTHER_SCRIPTS):
            yield Instrument(part="USDT-FUTURES", symbol=f"{coin}USDT", base=coin, quote="USDT", margin_coins=("USDT",))

    def _coin(self) -> Iterator[Instrument]:
        for coin in _INVERSE_COINS:
            # Coin-margined contracts take several coins as margin, whatever their name says.
            margin = (coin, *(other for other in _INVERSE_COINS if other != coin))
            yield Instrument(part="COIN-FUTURES", symbol=f"{coin}USD", base=coin, quote="USD", margin_coins=margin)
        yield Instrument(
            part="COIN-FUTURES",
            symbol=self.delivery,
            base="BTC",
            quote="USD",
            margin_coins=("BTC",),
            delivery_ms=int(datetime(self._year, 6, 27, 8, tzinfo=UTC).timestamp() * 1000),
        )

    def _usdc(self) -> Iterator[Instrument]:
        for coin in _USDC_COINS:
            yield Instrument(part="USDC-FUTURES", symbol=f"{coin}PERP", base=coin, quote="USDC", margin_coins=("USDC",))

    def _spot(self) -> Iterator[Instrument]:
        for coin in (*_COINS, *_OTHER_SCRIPTS):
            yield Instrument(part=kinds.SPOT, symbol=f"{coin}USDT", base=coin, quote="USDT")
        for coin in _USDC_COINS:
            yield Instrument(part=kinds.SPOT, symbol=f"{coin}USDC", base=coin, quote="USDC")
        for coin in _MARGIN_COINS:
            yield Instrument(part="MARGIN", symbol=f"{coin}USDT", base=coin, quote="USDT")


def contracts(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v2/mix/market/contracts`: of one product type."""
    parameters = request.parameters()
    product = parameters.get("productType", "").upper()
    if product in _DEMO_PRODUCTS:
        return []
    if product not in kinds.FUTURES:
        raise Refused("40017", "Parameter verification failed productType")
    return [one.contract_row() for one in _named(venue.instruments.of(product), parameters.get("symbol"))]


def symbols(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v2/spot/public/symbols`."""
    wanted = request.parameters().get("symbol")
    return [one.spot_row() for one in _named(venue.instruments.of(kinds.SPOT), wanted)]


def instruments_v3(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v3/market/instruments`: of one category."""
    parameters = request.parameters()
    category = parameters.get("category", "").upper()
    if category not in kinds.CATEGORIES:
        raise Refused("25200", "category validation error")
    return [one.unified_row() for one in _named(venue.instruments.of(category), parameters.get("symbol"))]


def coins(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v2/spot/public/coins`: names only, because clients that load everything ask for it."""
    return [{"coin": coin, "coinId": str(number), "chains": []} for number, coin in enumerate(_COINS, 1)]


def margin_currencies(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v2/margin/currencies`."""
    return [
        {"symbol": one.symbol, "baseCoin": one.base, "quoteCoin": one.quote, "isBorrowable": True}
        for one in venue.instruments.of("MARGIN")
    ]


def _named(found: Sequence[Instrument], symbol: str | None) -> list[Instrument]:
    return [one for one in found if symbol in (None, "", one.symbol)]
