"""An account full of orders of every kind that Bybit has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Literal

from ..book import SimOrder
from . import kinds
from .instruments import Instruments

_AGE_MS = 3_600_000
_STEP_MS = 100


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an order of the stock looks like; `like` makes variants of it."""

    segment: str
    symbol: str
    kind: str = kinds.PLAIN
    side: Literal["buy", "sell"] = "buy"
    type: str = "limit"
    price: str = "100"
    remaining: str = "1"
    reduce_only: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)

    def like(self, kind: str, *, price: str = "", closing: bool = False, **extra: object) -> Template:
        """A triggered variant; a closing one can only shrink a position."""
        trigger: dict[str, object] = {"triggerPrice": "90", "triggerDirection": 2, **extra}
        return replace(
            self,
            kind=kind,
            side="sell" if closing else self.side,
            type="limit" if price else "market",
            price=price or "0",
            reduce_only=closing and self.segment in ("linear", "inverse"),
            extra=trigger,
        )

    def order(self, order_id: str, number: int, created_ms: int) -> SimOrder:
        """The order itself; every third carries a client id."""
        return SimOrder(
            id=order_id,
            client_id="" if number % 3 else f"desk-{number}-{order_id[-4:]}",
            symbol=self.symbol,
            segment=self.segment,
            side=self.side,
            type=self.type,
            kind=self.kind,
            price=self.price,
            quantity="1",
            remaining=self.remaining,
            reduce_only=self.reduce_only,
            created_ms=created_ms,
            updated_ms=created_ms,
            extra=self.extra,
        )


def templates(instruments: Instruments) -> list[Template]:
    """One of each. The first nine reach every part of the account, so that a small stock does too."""
    btc = Template(segment="linear", symbol="BTCUSDT", price="60000")
    eth = Template(segment="linear", symbol="ETHUSDT", price="2500")
    perp = Template(segment="linear", symbol="BTCPERP", side="sell", price="70000")
    inverse = Template(segment="inverse", symbol="BTCUSD", price="60000")
    spot = Template(segment="spot", symbol="BTCUSDT", price="60000")
    spot_sell = replace(spot, side="sell", symbol="ETHUSDT", price="4000")
    option = Template(segment="option", symbol=instruments.option_symbol("USDT"), price="500")
    spread = Template(segment="spread", symbol=instruments.spreads[0], price="-20")
    return [
        btc,
        perp,
        inverse,
        spot,
        option,
        spread,
        spot.like(kinds.STOP, price="59000"),
        eth.like(kinds.STOP, price="2600"),
        replace(inverse, symbol="XRPUSD", price="0.5"),
        btc.like("StopLoss", closing=True, closeOnTrigger=True),
        spot.like(kinds.TPSL, price="58000"),
        spot.like(kinds.OCO, price="57000", ocoTriggerBy="OcoTriggerByUnknown"),
        spot.like(kinds.BIDIRECTIONAL, price="56000"),
        spot_sell.like(kinds.BIDIRECTIONAL, price="4100"),
        btc.like("TakeProfit", closing=True, closeOnTrigger=True),
        btc.like("PartialTakeProfit", price="75000", closing=True),
        btc.like("PartialStopLoss", closing=True),
        btc.like("TrailingStop", closing=True),
        replace(btc, side="sell", price="80000", reduce_only=True, extra={"positionIdx": 1}),
        replace(inverse, symbol="ETHUSD").like(kinds.STOP, price="2500"),
        replace(inverse, symbol="SOLUSD", price="120"),
        replace(option, symbol=instruments.option_symbol("USDC")),
        replace(perp, symbol="ETHPERP").like(kinds.STOP),
        replace(btc, symbol=instruments.linear_future("USDT")),
        replace(perp, symbol=instruments.linear_future("USDC")),
        replace(inverse, symbol=instruments.inverse_future()),
        eth.like(kinds.STOP, closeOnTrigger=True),
        replace(btc, remaining="0.6"),
        replace(spot, remaining="0.4"),
        spot_sell.like(kinds.TPSL),
        spot_sell.like(kinds.STOP),
        spot.like(kinds.BIDIRECTIONAL, price="55000", triggered=True),
        replace(inverse, symbol="LTCUSD").like("StopLoss", closing=True, closeOnTrigger=True),
        option.like(kinds.STOP, price="300"),
        replace(spread, symbol=instruments.spreads[2], side="sell"),
        eth.like(kinds.STOP),
        perp.like("TakeProfit", closing=True, closeOnTrigger=True),
        replace(eth, symbol="SOLUSDT", price="120", extra={"positionIdx": 2}),
        replace(eth, symbol="XRPUSDT", price="0.5", remaining="0.25"),
        spot_sell.like(kinds.OCO, price="4200"),
    ]


def stock_orders(instruments: Instruments, count: int, now_ms: int, new_id: Callable[[str], str]) -> Iterator[SimOrder]:
    """So many orders, placed one after another in the hour before now."""
    for number, template in enumerate(islice(cycle(templates(instruments)), count)):
        yield template.order(new_id(template.segment), number, now_ms - _AGE_MS + number * _STEP_MS)
