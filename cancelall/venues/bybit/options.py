"""Bybit: what a profile can say: hosts, options, secrets."""

import re
from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.bybit.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

Category = Literal["linear", "inverse", "spot", "option", "spread", "strategy"]
CATEGORIES: tuple[Category, ...] = ("linear", "inverse", "spot", "option", "spread", "strategy")

SPOT_FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
"""Spot cancels only `Order` unless a filter is given: https://bybit-exchange.github.io/docs/v5/order/cancel-all"""
CAP = 500
"""Futures: one cancel-all takes at most 500 orders, picked at random."""
LINEAR_COINS = ("USDT", "USDC")
_SETTLED = "Only orders settled in this coin: USDT and USDC mean linear contracts, another coin inverse ones."


@dataclass(frozen=True, kw_only=True)
class BybitOptions:
    """What a Bybit profile can say. With no selector: everything."""

    category: Annotated[tuple[Category, ...], Opt(help="Only this product category.", selector=True)] = ()
    symbol: Annotated[tuple[str, ...], selector(help="Only this symbol.", metavar="SYMBOL", example="BTCUSDT")] = ()
    base_coin: Annotated[str | None, selector(help="Only orders of this base coin.", metavar="COIN", example="BTC")] = (
        None
    )
    settle_coin: Annotated[str | None, selector(help=_SETTLED, metavar="COIN", example="USDT")] = None
    order_filter: Annotated[
        Literal["Order", "StopOrder", "OpenOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"] | None,
        Opt(help="Only this kind of order.", selector=True),
    ] = None
    stop_order_type: Annotated[
        Literal["Stop"] | None,
        Opt(help="With --order-filter StopOrder: conditional orders, but no TP/SL and trailing stops.", selector=True),
    ] = None
    recv_window: Annotated[
        int, Opt(help="How long a signed request stays valid, in ms.", metavar="MS", minimum=1000, maximum=60000)
    ] = 10000

    def __post_init__(self) -> None:
        for name in ("symbol", "base_coin", "settle_coin"):
            value = getattr(self, name)
            upper = tuple(one.upper() for one in value) if isinstance(value, tuple) else value and value.upper()
            object.__setattr__(self, name, upper)
        narrowed = [name for name in ("symbol", "base_coin", "settle_coin") if getattr(self, name)]
        if len(narrowed) > 1:
            first, second = ("--" + name.replace("_", "-") for name in narrowed[:2])
            raise OptionError(
                f"{first} and {second} cannot be combined: Bybit would use {first} alone and silently ignore the other",
                "run the command once for each",
            )
        coin = "--base-coin" if self.base_coin else "--settle-coin" if self.settle_coin else ""
        for category in ("spot", "spread", "strategy"):
            if coin and category in self.category:
                raise OptionError(f"{coin} does not narrow {category}: Bybit has no such filter there")
        if self.settle_coin and "option" in self.category and self.settle_coin not in LINEAR_COINS:
            raise OptionError("options are settled in USDT or USDC")
        if self.settle_coin in LINEAR_COINS and "inverse" in self.category:
            raise OptionError(
                f"no inverse contract is settled in {self.settle_coin}",
                f"leave --category inverse out, or name its coin instead of {self.settle_coin}",
            )
        for symbol in self.symbol if self.category else ():
            if not any(can_hold(category, symbol) for category in self.category):
                fitting = ", ".join(category for category in CATEGORIES if holds(category, symbol))
                raise OptionError(
                    f"--category {' '.join(self.category)} cannot hold --symbol {symbol}",
                    f"by its name it is of {fitting}",
                )
        if self.stop_order_type and self.order_filter != "StopOrder":
            raise OptionError("--stop-order-type needs --order-filter StopOrder")
        if not selected(self):
            raise OptionError(
                "these selectors leave nothing that Bybit could cancel", "drop one of them, or use --everything"
            )


@dataclass(frozen=True, kw_only=True)
class BybitSecrets:
    """An API key with the right to trade. A secret that is a PEM private key makes it an RSA key."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[
        Secret, Sec(help="API secret, or the PEM private key of an RSA key.", form="token or pem")
    ] = field(repr=False)


_FILTERS: dict[Category, tuple[str, ...]] = {
    "linear": ("Order", "StopOrder", "OpenOrder"),
    "inverse": ("Order", "StopOrder", "OpenOrder"),
    "spot": SPOT_FILTERS,
    "option": ("Order", "StopOrder"),
    "spread": (),
    "strategy": (),
}


def _is_option(symbol: str) -> bool:
    """BTC-26DEC26-100000-C, and the coin behind it unless that is USDC."""
    return bool(re.fullmatch(r".+-\d{1,2}[A-Z]{3}\d{2}-[\d.]+-[CP](-[A-Z]+)?", symbol))


def can_hold(category: Category, symbol: str) -> bool:
    """Whether the documents leave it possible. Of what they leave open, the list of instruments decides."""
    if "_" in symbol or category == "spread":
        return "_" in symbol and category == "spread"
    if _is_option(symbol) or category == "option":
        return _is_option(symbol) and category == "option"
    if category == "inverse":
        return "-" not in symbol and not symbol.endswith((*LINEAR_COINS, "PERP"))
    return category != "spot" or "-" not in symbol


def holds(category: Category, symbol: str) -> bool:
    """Whether a symbol of this shape is to be looked for in the category. https://bybit-exchange.github.io/docs/v5/enum#symbol"""
    if "_" in symbol:  # a combination of two legs
        return category == "spread"
    if _is_option(symbol):
        return category == "option"
    if "-" in symbol or symbol.endswith("PERP"):
        return category in ("linear", "strategy")
    if re.fullmatch(r".+USD([HMUZ]\d{2})?", symbol):
        return category in ("inverse", "spot", "strategy")
    return (
        category in ("linear", "spot", "strategy")
        if symbol.endswith(LINEAR_COINS)
        else category in ("spot", "strategy")
    )


def symbols_of(category: Category, options: BybitOptions) -> tuple[str, ...]:
    """The selected symbols that go to a category: those that can be of it, if categories are selected, too."""
    fits = can_hold if options.category else holds
    return tuple(symbol for symbol in options.symbol if fits(category, symbol))


def selected(options: BybitOptions) -> tuple[Category, ...]:
    """The categories that the selectors leave."""
    left = [one for one in CATEGORIES if not options.category or one in options.category]
    if options.symbol:
        left = [one for one in left if symbols_of(one, options)]
    if not options.category:
        if options.settle_coin:
            left = ["linear"] if options.settle_coin in LINEAR_COINS else ["inverse"]
        if options.base_coin:
            left = [one for one in left if one in ("linear", "inverse", "option")]
    if options.order_filter:
        left = [one for one in left if options.order_filter in _FILTERS[one]]
    if options.stop_order_type:
        left = [one for one in left if one in ("linear", "inverse")]
    return tuple(left)


SCHEMA = Schema(hosts=HOSTS, options=BybitOptions, secrets=BybitSecrets)
