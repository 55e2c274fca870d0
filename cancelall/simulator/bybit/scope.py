"""The sorts of order that Bybit has, and which of them a request is about: category, coin, symbol and `orderFilter`.

https://bybit-exchange.github.io/docs/v5/order/cancel-all and .../v5/enum (as of 2026-07-24).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..book import SimOrder
from ..refusals import Refused
from .instruments import CATEGORIES, Instruments
from .state import bad, text

PLAIN, STOP, TPSL, OCO, BIDIRECTIONAL = "Order", "Stop", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"

_FILTERS = {category: frozenset({"Order", "StopOrder"}) for category in CATEGORIES}
LISTING_FILTERS = {**_FILTERS, "spot": _FILTERS["spot"] | {TPSL, OCO, BIDIRECTIONAL}}
CANCEL_FILTERS = {
    **LISTING_FILTERS,
    **{category: _FILTERS[category] | {"OpenOrder"} for category in ("linear", "inverse")},
}


def triggered(order: SimOrder) -> bool:
    """Whether the order works on the market's book now: a plain one, or one whose trigger has fired."""
    return order.kind == PLAIN or order.extra.get("triggered") is True


def in_filter(order: SimOrder, order_filter: str) -> bool:
    """Whether an `orderFilter` reaches this order; the empty filter reaches every kind.

    Only the Chinese page says that `OpenOrder` takes orders which open a position. How it treats conditional orders is
    not written anywhere. Here it takes those that could open one.
    """
    if not order_filter:
        return True
    if order_filter == "OpenOrder":
        reduces = order.reduce_only or order.extra.get("closeOnTrigger") is True
        return not reduces and order.kind in (PLAIN, STOP)
    if triggered(order):
        return order_filter == "Order"
    return order_filter == (order.kind if order.segment == "spot" and order.kind != STOP else "StopOrder")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The selectors of a request after the venue has read them."""

    segment: str
    symbol: str
    base_coin: str
    settle_coin: str
    order_filter: str
    instruments: Instruments

    def holds(self, order: SimOrder) -> bool:
        """Whether the order is in scope. Of several selectors one counts: symbol, else base coin, else settle coin.

        A symbol or coin that does not exist is no error: it matches nothing, and the answer is a success.
        """
        if not in_filter(order, self.order_filter):
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
    segment: str,
    values: Mapping[str, object],
    instruments: Instruments,
    *,
    coin_for: Collection[str] = (),
    cancels: bool = False,
) -> Scope:
    """Check the selectors. `coin_for` are the categories that need one of symbol, base coin or settle coin.

    A cancel knows more filters than a listing, and without one it means the plain orders of spot.
    """
    scope = Scope(
        segment=segment,
        symbol=text(values, "symbol"),
        base_coin=text(values, "baseCoin"),
        settle_coin=text(values, "settleCoin"),
        order_filter=text(values, "orderFilter") or ("Order" if cancels and segment == "spot" else ""),
        instruments=instruments,
    )
    if segment == "spot" and scope.settle_coin:
        # The words are from another call's real answer.
        raise bad("settle_coin not support")
    if segment in coin_for and not (scope.symbol or scope.base_coin or scope.settle_coin):
        raise bad("symbol, baseCoin or settleCoin is required")
    filters = CANCEL_FILTERS if cancels else LISTING_FILTERS
    if scope.order_filter and scope.order_filter not in filters.get(segment, ()):
        raise bad_filter(segment)
    return scope


def bad_filter(segment: str) -> Refused:
    """The refusal of an `orderFilter` that the category does not have; spot has a code of its own."""
    return Refused(170201 if segment == "spot" else 10001, "params error: orderFilter is invalid")
