"""Plausible instruments of each part, and the public listings of them.

https://www.bitget.com/api-doc/contract/market/Get-All-Symbols-Contracts, https://www.bitget.com/api-doc/spot/market/Get-Symbols
and https://www.bitget.com/api-doc/uta/public/Instruments (as of 2025-12-05). None of the three is paged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..rows import fixed
from . import kinds

_COINS = (
    "BTC ETH SOL XRP DOGE ADA AVAX LINK DOT LTC BCH TRX NEAR APT ARB OP SUI FIL ATOM ETC UNI AAVE INJ SEI TIA HBAR XLM "
    "ALGO BGB PEPE SHIB WIF TON ICP"
).split()
_OTHER_SCRIPTS = ("币安人生",)
"""Coins whose symbols are written with other letters, as the venue lists some."""
_INVERSE_COINS = ("BTC", "ETH", "XRP")
_USDC_COINS = ("BTC", "ETH", "SOL")
_MARGIN_COINS = ("BTC", "ETH", "SOL", "XRP")

_CONTRACT = fixed(
    """buyLimitPriceRatio=0.01 sellLimitPriceRatio=0.01 makerFeeRate=0.0002 takerFeeRate=0.0006 feeRateUpRatio=0.005
    openCostUpRatio=0.01 minTradeNum=0.001 priceEndStep=1 volumePlace=3 pricePlace=1 sizeMultiplier=0.001 minTradeUSDT=5
    maxSymbolOrderNum=200 maxProductOrderNum=400 maxPositionNum=150 symbolStatus=normal offTime=-1 limitOpenTime=-1
    deliveryStartTime= launchTime= fundInterval=8 minLever=1 maxLever=125 posLimit=0.05 maintainTime="""
)
_SPOT = fixed(
    """minTradeAmount=0 maxTradeAmount=10000000000 takerFeeRate=0.002 makerFeeRate=0.002 pricePrecision=2
    quantityPrecision=6 quotePrecision=8 status=online minTradeUSDT=1 buyLimitPriceRatio=0.05
    sellLimitPriceRatio=0.05"""
)
_UNIFIED = fixed(
    """minOrderQty=0.001 maxOrderQty= pricePrecision=1 quantityPrecision=3 quotePrecision=6 minOrderAmount=1
    status=online"""
)
_UNIFIED_FUTURES = fixed(
    """priceMultiplier=0.1 quantityMultiplier=0.001 makerFeeRate=0.0002 takerFeeRate=0.0006 fundInterval=8 minLeverage=1
    maxLeverage=125"""
)


@dataclass(frozen=True)
class Instrument:
    """One instrument of one part; `margin_coins` only where a contract's margin is chosen."""

    part: str
    symbol: str
    base: str
    quote: str
    margin_coins: tuple[str, ...] = ()
    delivery_ms: int = 0

    @property
    def _names(self) -> dict[str, object]:
        return {"symbol": self.symbol, "baseCoin": self.base, "quoteCoin": self.quote}

    @property
    def _sort(self) -> str:
        return "delivery" if self.delivery_ms else "perpetual"

    def contract_row(self) -> dict[str, object]:
        """The contract as v2 lists it."""
        return _CONTRACT | {
            **self._names,
            "supportMarginCoins": list(self.margin_coins),
            "symbolType": self._sort,
            "deliveryTime": str(self.delivery_ms or ""),
            "deliveryPeriod": "this_quarter" if self.delivery_ms else "",
        }

    def spot_row(self) -> dict[str, object]:
        """The pair as v2 lists it."""
        return _SPOT | self._names

    def unified_row(self) -> dict[str, object]:
        """The instrument as v3 lists it. The page says symbolType; clients read type."""
        row = _UNIFIED | self._names | {"category": self.part}
        if self.part not in kinds.FUTURES:
            return row
        varied = {"symbolType": self._sort, "type": self._sort, "deliveryTime": str(self.delivery_ms or "")}
        return row | _UNIFIED_FUTURES | varied


class Instruments:
    """All instruments of the fake. The delivery contract ends in the year after `now_ms`: it has not expired."""

    def __init__(self, now_ms: int) -> None:
        self._year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1
        self._by_part: dict[str, dict[str, Instrument]] = {part: {} for part in kinds.CATEGORIES}
        for one in self._all():
            self._by_part[one.part][one.symbol] = one

    def find(self, part: str, symbol: str) -> Instrument | None:
        """The instrument of that exact name; lower case is another name."""
        return self._by_part[part].get(symbol)

    def of(self, part: str, symbol: str = "") -> Sequence[Instrument]:
        """All instruments of a part, or the one of this name."""
        return [one for one in self._by_part[part].values() if symbol in ("", one.symbol)]

    @property
    def delivery(self) -> str:
        """A coin-margined contract with a delivery date: the letter is the month."""
        return f"BTCUSDM{self._year % 100:02}"

    def _all(self) -> Iterator[Instrument]:
        for coin in (*_COINS, *_OTHER_SCRIPTS):
            yield Instrument("USDT-FUTURES", f"{coin}USDT", coin, "USDT", ("USDT",))
            yield Instrument(kinds.SPOT, f"{coin}USDT", coin, "USDT")
        for coin in _INVERSE_COINS:
            # Coin-margined contracts take several coins as margin, whatever their name says.
            margin = (coin, *(other for other in _INVERSE_COINS if other != coin))
            yield Instrument("COIN-FUTURES", f"{coin}USD", coin, "USD", margin)
        delivered_ms = int(datetime(self._year, 6, 27, 8, tzinfo=UTC).timestamp() * 1000)
        yield Instrument("COIN-FUTURES", self.delivery, "BTC", "USD", ("BTC",), delivered_ms)
        for coin in _USDC_COINS:
            yield Instrument("USDC-FUTURES", f"{coin}PERP", coin, "USDC", ("USDC",))
            yield Instrument(kinds.SPOT, f"{coin}USDC", coin, "USDC")
        for coin in _MARGIN_COINS:
            yield Instrument("MARGIN", f"{coin}USDT", coin, "USDT")
