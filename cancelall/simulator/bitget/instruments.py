"""Plausible instruments of each part, their rows in the public listings, and an account's stock of orders.

https://www.bitget.com/api-doc/contract/market/Get-All-Symbols-Contracts, https://www.bitget.com/api-doc/spot/market/Get-Symbols
and https://www.bitget.com/api-doc/uta/public/Instruments (as of 2025-12-05). None of the three is paged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, cycle
from pathlib import Path

from ..book import SimOrder
from ..rows import Cell, Table
from ..stock import template, templates
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

_CELLS: dict[str, Cell] = {
    "margin": lambda one, _: list(one.margin_coins),
    "sort": lambda one, _: "delivery" if one.delivery_ms else "perpetual",
    "delivery": lambda one, _: str(one.delivery_ms or ""),
    "period": lambda one, _: "this_quarter" if one.delivery_ms else "",
}
_NAMES = "symbol baseCoin=.base quoteCoin=.quote"
CONTRACT = Table(
    f"""buyLimitPriceRatio=0.01 sellLimitPriceRatio=0.01 makerFeeRate=0.0002 takerFeeRate=0.0006 feeRateUpRatio=0.005
    openCostUpRatio=0.01 minTradeNum=0.001 priceEndStep=1 volumePlace=3 pricePlace=1 sizeMultiplier=0.001 minTradeUSDT=5
    maxSymbolOrderNum=200 maxProductOrderNum=400 maxPositionNum=150 symbolStatus=normal offTime=-1 limitOpenTime=-1
    deliveryStartTime= launchTime= fundInterval=8 minLever=1 maxLever=125 posLimit=0.05 maintainTime= {_NAMES}
    supportMarginCoins=.margin symbolType=.sort deliveryTime=.delivery deliveryPeriod=.period""",
    _CELLS,
)
PAIR = Table(
    f"""minTradeAmount=0 maxTradeAmount=10000000000 takerFeeRate=0.002 makerFeeRate=0.002 pricePrecision=2
    quantityPrecision=6 quotePrecision=8 status=online minTradeUSDT=1 buyLimitPriceRatio=0.05
    sellLimitPriceRatio=0.05 {_NAMES}""",
    _CELLS,
)
BORROWED = Table(f"{_NAMES} isBorrowable=#true", _CELLS)
_UNIFIED = f"""
    minOrderQty=0.001 maxOrderQty= pricePrecision=1 quantityPrecision=3 quotePrecision=6 minOrderAmount=1 status=online
    {_NAMES} category=.part
"""
UNIFIED_PAIR = Table(_UNIFIED, _CELLS)
UNIFIED_CONTRACT = Table(
    f"""{_UNIFIED} priceMultiplier=0.1 quantityMultiplier=0.001 makerFeeRate=0.0002 takerFeeRate=0.0006 fundInterval=8
    minLeverage=1 maxLeverage=125 symbolType=.sort type=.sort deliveryTime=.delivery""",
    _CELLS,
)
"""The page says symbolType; clients read type."""


@dataclass(frozen=True)
class Instrument:
    """One instrument of one part; `margin_coins` only where a contract's margin is chosen."""

    part: str
    symbol: str
    base: str
    quote: str
    margin_coins: tuple[str, ...] = ()
    delivery_ms: int = 0


class Instruments:
    """All instruments of the fake. The delivery contract ends in the year after `now_ms`: it has not expired."""

    def __init__(self, now_ms: int) -> None:
        self._year = datetime.fromtimestamp(now_ms / 1000, UTC).year + 1
        self._all = {(one.part, one.symbol): one for one in self._listed()}

    def find(self, part: str, symbol: str) -> Instrument | None:
        """The instrument of that exact name; lower case is another name."""
        return self._all.get((part, symbol))

    def of(self, part: str, symbol: str = "") -> Sequence[Instrument]:
        return [one for one in self._all.values() if one.part == part and symbol in ("", one.symbol)]

    @property
    def delivery(self) -> str:
        """A coin-margined contract with a delivery date: the letter is the month."""
        return f"BTCUSDM{self._year % 100:02}"

    def _listed(self) -> Iterator[Instrument]:
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


# One of each. The first eight of the classic ones, and the first ten of the unified ones, reach every part of the
# account, so that a small stock does too.
_CLASSIC_STOCK = Path(__file__).with_name("stock_classic.txt").read_text(encoding="utf-8")
_UNIFIED_STOCK = Path(__file__).with_name("stock_unified.txt").read_text(encoding="utf-8")


def _classic(part: str, symbol: str, side: str, price: str, kind: str = kinds.NORMAL, **more: str) -> SimOrder:
    """An ordinary or TP/SL order, else a plan order."""
    coins = {"COIN-FUTURES": symbol[:3], "USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC"}
    own = {"marginCoin": coins[part]} if part in coins else {}
    if kind not in (kinds.NORMAL, kinds.TPSL):
        part, own = kinds.plan_segment(part), {**own, "triggerPrice": "90"}
    return _order(part, symbol, side, price, kind, **{**own, **more})


def _unified(part: str, symbol: str, side: str, price: str, kind: str = kinds.NORMAL, **more: str) -> SimOrder:
    """An ordinary order, else a strategy order."""
    if kind == kinds.NORMAL:
        return _order(kinds.unified_segment(part), symbol, side, price, kind, **more)
    own = {"takeProfit": "110", "stopLoss": "90"} if kind == kinds.TPSL else {"triggerPrice": "95"}
    return _order(kinds.strategy_segment(part), symbol, side, price, kind, **{**own, **more})


def _order(segment: str, symbol: str, side: str, price: str, kind: str, **more: str) -> SimOrder:
    left, reduces = more.pop("left", "1"), more.pop("reduces", "")
    return template(segment, symbol, side, price, kind, more, left=left, reduces=reduces)


def stock(mode: str, delivery: str) -> list[SimOrder]:
    """What rests in an account of this mode; in a hybrid one both, by turns. `delivery` is a contract with a date."""
    classic = templates(_CLASSIC_STOCK.format(delivery=delivery), _classic)
    unified = templates(_UNIFIED_STOCK.format(delivery=delivery), _unified)
    both = list(chain.from_iterable(zip(classic, cycle(unified), strict=False)))
    return {"classic": classic, "unified": unified, "hybrid": both}[mode]


MARGIN = [_order(mode, "BTCUSDT", "buy", "60000", kinds.NORMAL) for mode in kinds.MARGIN_MODES]
"""Orders of the two margin accounts of a classic account, which rest there only on request."""
