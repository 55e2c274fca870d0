"""The trading pairs, an account full of orders of every kind that can rest in them, and how reads write orders down.

https://docs.deltadefi.io/start-trading/developers/trading-pairs-symbols (as of 2026-04-17): a symbol is base and quote
without anything between, and `ADAUSDCx` shows that its case matters. There are only limit and market orders
(https://docs.deltadefi.io, page "Order types"); a market order with a slippage bound can leave a remainder that rests.
The rest of the variety is symbols, phases and partial fills.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from ..book import SimOrder
from ..rows import iso, tables


@dataclass(frozen=True)
class Market:
    """A pair; `price` is what the stock's orders want. One that is not `listed` is missing from the market config."""

    base: str
    quote: str
    price: str
    listed: bool = True

    @property
    def symbol(self) -> str:
        return self.base + self.quote


_PRICES = """
    ADA/USDM=0.62 NIGHT/USDM=0.051 IAG/USDM=0.12 SNEK/USDM=0.0031 ADA/USDCx=0.61 ADA/USDX=0.6 NIGHT/USDCx=0.05
"""
_PAIRS = [word.replace("=", "/").split("/") for word in _PRICES.split()]
MARKETS = {base + quote: Market(base, quote, price, listed=quote != "USDX") for base, quote, price in _PAIRS}
"""HOSKYUSDM, which two SDKs name, is left out on purpose: such a symbol is answered 4106."""

_QUIET = "NIGHTUSDCx"  # a pair of which the stock holds no order


def market_config(*, without: str = "") -> dict[str, object]:
    listed = [market for market in MARKETS.values() if market.listed and market.symbol != without]
    pairs = [
        {"symbol": each.symbol, "base_token": _token(each.base), "quote_token": _token(each.quote), "price_max_dp": 4}
        for each in listed
    ]
    coins = [
        {**_token(coin), "trading_pairs": [each.symbol for each in listed if coin in (each.base, each.quote)]}
        for coin in _coins(listed)
    ]
    return {"trading_pairs": pairs, "assets": coins}


def assets() -> dict[str, str]:
    return {coin: _unit(coin) for coin in _coins(list(MARKETS.values()))}


def _coins(markets: list[Market]) -> list[str]:
    return list(dict.fromkeys(coin for market in markets for coin in (market.base, market.quote)))


def _token(coin: str) -> dict[str, object]:
    return {"symbol": coin, "unit": _unit(coin), "decimals": 6, "max_qty_dp": 2}


def _unit(coin: str) -> str:
    """A Cardano asset unit: policy id and name in hex. The policy ids are dummies."""
    return "lovelace" if coin == "ADA" else "d0" * 28 + coin.encode("ascii").hex()


def template(symbol: str) -> SimOrder:
    return SimOrder(symbol=symbol, segment=symbol, price=MARKETS[symbol].price, quantity="100", remaining="100")


def templates() -> list[SimOrder]:
    """One of each. The first ones reach every symbol and every phase, so that a stock of ten does too."""
    limits = [template(symbol) for symbol in MARKETS if symbol != _QUIET]
    ada, night = template("ADAUSDM"), replace(template("NIGHTUSDM"), side="sell")
    market = replace(night, type="market", remaining="25")
    return [
        *limits,
        replace(ada, kind="building"),
        replace(night, kind="processing"),
        replace(ada, side="sell", remaining="40"),
        market.but(slippage_bp=50, market_order_limit_price="0.0508"),
        *(replace(each, side="sell") for each in limits),
    ]


# Rows, with the fields of the python SDK's `OrderResponse`.

YOUNG_MS = 1000
"""Every order that cancel-all missed in the bot logs was younger than a second."""


class Style(NamedTuple):
    """How rows are written; `sdk_words`: with the python SDK's statuses."""

    account_id: str
    now_ms: int
    sdk_words: bool


def is_young(order: SimOrder, now_ms: int) -> bool:
    """Whether the matching engine has not taken the order over yet."""
    return order.created_ms > now_ms - YOUNG_MS


def _status(order: SimOrder, style: Style) -> str:
    """The docs' set has no word for a partial fill, the python SDK's none for an order on its way."""
    if order.status == "filled":
        return "fully_filled" if style.sdk_words else "closed"
    if order.status == "cancelled":
        return "partially_cancelled" if style.sdk_words and order.executed else "cancelled"
    if style.sdk_words:
        return "partially_filled" if order.executed else "open"
    on_its_way = "processing" if is_young(order, style.now_ms) else order.kind
    return on_its_way if on_its_way in ("building", "processing") else "open"


def _leaves(order: SimOrder) -> Decimal:
    return Decimal(order.remaining) if order.status == "open" else Decimal(0)


def locked(order: SimOrder) -> tuple[Decimal, Decimal]:
    return (_leaves(order), Decimal(0)) if order.side == "sell" else (Decimal(0), _leaves(order) * Decimal(order.price))


_table = tables(
    {
        "account": lambda order, style: style.account_id,
        "status": _status,
        "utxo": lambda order, _: f"{order.id.replace('-', '') * 2}#0" if order.status == "open" else None,
        "value": lambda order, _: str(Decimal(order.quantity) * Decimal(order.price)),
        "executed_value": lambda order, _: str(order.executed * Decimal(order.price)),
        "leaves": lambda order, _: str(_leaves(order)),
        "locked_base": lambda order, _: str(locked(order)[0]),
        "locked_quote": lambda order, _: str(locked(order)[1]),
        "created": lambda order, _: iso(order.created_ms),
        "updated": lambda order, _: iso(order.updated_ms),
        "execution": lambda order, _: f"{order.id[:-4]}fffe",
        "other": lambda order, _: f"{order.id[:-4]}ffff",
        "average_number": lambda order, _: float(order.price) if order.executed else 0,
        "slippage": lambda order, _: str(order.extra.get("slippage_bp", 0)),
        "created_s": lambda order, _: order.created_ms // 1000,
        "updated_s": lambda order, _: order.updated_ms // 1000,
    }
)
# One order.
ROW = _table("""
    id account_id=.account active_order_utxo_id=.utxo status symbol base_qty=.quantity quote_qty=.value side price type
    slippage_bp=?slippage_bp market_order_limit_price=?market_order_limit_price locked_base_qty=.locked_base
    locked_quote_qty=.locked_quote executed_base_qty=.executed executed_quote_qty=.executed_value
    ob_open_order_base_qty=.leaves commission_unit=lovelace commission=0 commission_rate_bp=#10 executed_price=.average
    created_at=.created updated_at=.updated order_execution_records=#null
""")
# What was filled of an order, as one execution.
execution = _table("""
    id=.execution order_id=.id account_id=.account execution_price=.price filled_base_qty=.executed
    filled_quote_qty=.executed_value commission_unit=lovelace commission=0 role=maker counter_party_order_id=.other
    created_at=.updated
""")
# One order as the deprecated `order-records` shows it.
legacy_row = _table("""
    order_id=.id status symbol orig_qty=.quantity executed_qty=.executed side price type fee_amount=#0
    executed_price=.average_number slippage create_time=.created_s update_time=.updated_s
""")
QUANTITIES = ("price", "base_qty", "quote_qty", "executed_base_qty", "executed_quote_qty", "executed_price")
