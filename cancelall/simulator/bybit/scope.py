"""Which orders a request is about: category, coin, symbol and `orderFilter`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..book import SimOrder
from . import kinds
from .answers import Refused
from .instruments import CATEGORIES, Instruments


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The selectors of a request after the venue has read them."""

    category: str
    symbol: str
    base_coin: str
    settle_coin: str
    order_filter: str
    instruments: Instruments

    def holds(self, order: SimOrder) -> bool:
        """Whether the order is in scope. Of several selectors one counts: symbol, else base coin, else settle coin.

        A symbol or coin that does not exist is no error: it matches nothing, and the answer is a success.
        """
        if not kinds.in_filter(order, self.order_filter):
            return False
        if self.symbol:
            return order.symbol == self.symbol
        if not (self.base_coin or self.settle_coin):
            return True
        instrument = self.instruments.find(order.segment, order.symbol)
        if instrument is None:
            return False
        return instrument.base == self.base_coin if self.base_coin else instrument.settle == self.settle_coin


def read_scope(
    values: Mapping[str, object],
    instruments: Instruments,
    *,
    filters: Mapping[str, frozenset[str]],
    coin_for: frozenset[str],
    spot_default: str,
) -> Scope:
    """Check the selectors. `coin_for` are the categories that need one of symbol, base coin or settle coin."""
    category = text(values, "category")
    if category not in CATEGORIES:
        raise Refused(10001, "params error: Category is invalid")
    scope = Scope(
        category=category,
        symbol=text(values, "symbol"),
        base_coin=text(values, "baseCoin"),
        settle_coin=text(values, "settleCoin"),
        order_filter=text(values, "orderFilter") or (spot_default if category == "spot" else ""),
        instruments=instruments,
    )
    if category == "spot" and scope.settle_coin:
        # The words are from another call's real answer.
        raise Refused(10001, "params error: settle_coin not support")
    if category in coin_for and not (scope.symbol or scope.base_coin or scope.settle_coin):
        raise Refused(10001, "params error: symbol, baseCoin or settleCoin is required")
    if scope.order_filter and scope.order_filter not in filters[category]:
        raise bad_filter(category)
    return scope


def bad_filter(category: str) -> Refused:
    """The refusal of an `orderFilter` that the category does not have; spot has a code of its own."""
    return Refused(170201 if category == "spot" else 10001, "params error: orderFilter is invalid")


def text(values: Mapping[str, object], name: str) -> str:
    """A text parameter; absent is empty."""
    value = values.get(name, "")
    if not isinstance(value, str):
        raise Refused(10001, f"params error: {name} is not a string")
    return value
