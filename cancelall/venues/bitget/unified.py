"""Bitget: the segments of a unified account, REST v3: ordinary and strategy orders by category.

https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order, .../uta/strategy/Get-Unfilled-Strategy-Orders and their
neighbours. Of the six types of strategy orders these pages know `tpsl`, and that of futures; clients have the rest.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Page, Priority, Protection, Purpose, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.bitget import api
from cancelall.venues.bitget.options import FUTURES
from cancelall.venues.bitget.segments import BATCH, CANCELLED, SELLS, BitgetSegment, listed, lower, symbol_of, tells
from cancelall.venues.contract import Named, Witness, in_chunks, one_by_one
from cancelall.venues.payload import Row

_TRADE = "/api/v3/trade"
_TYPES = ("tpsl", "trigger", "oco", "trailing_stop", "iceberg", "twap")
"""tiagosiebler/bitget-api, types/request/v3/strategy.ts; UnipayFI/go-bitget."""
_OPENS = ("trigger", "iceberg", "twap")
"""Types that open a position unless they say that they close one. `oco` and `trailing_stop` have to say so."""
_SPLITS = ("iceberg", "twap")
"""Types that wait for no price: on spot a sell among them is a sale, and protects nothing."""

_ENDS = {"success": (State.GONE, "triggered"), "failed": (State.GONE, "triggered and failed"), **CANCELLED}


@dataclass(frozen=True, kw_only=True)
class _OfCategory(BitgetSegment):
    """Orders of one category of a unified account."""

    category: str
    base: str | None
    """The coin of coin-margined contracts that it is narrowed to: they are settled in it, as only their names tell."""
    quantity = "qty"
    filled = "cumExecQty"
    created = "createdTime"
    onward = "cursor"

    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        """The cursor is there even on the last page."""
        return listed(payload.as_object(api.data(reply), "data"), "list", "cursor")

    def _holds(self, row: Row) -> bool:
        symbol = symbol_of(row, needed=bool(self.symbols or self.base))
        if (row.text("category") or self.category).upper() != self.category:
            return False
        if self.base and not (symbol and re.fullmatch(re.escape(self.base) + r"USD([HMUZ]\d{2})?", symbol)):
            return False
        return not self.symbols or symbol in self.symbols


def _against_the_position(row: Row) -> Protection:
    """What `posSide` and `side` say together; nothing in one-way mode, which has no position to name."""
    sides = (lower(row, "posSide"), lower(row, "side"))
    if lower(row, "holdMode") == "one_way_mode":
        return Protection.UNKNOWN
    if sides in (("long", "sell"), ("short", "buy")):
        return Protection.PROTECTIVE
    return Protection.NONE if sides in (("long", "buy"), ("short", "sell")) else Protection.UNKNOWN


def _single(call: str, order: Order) -> Request:
    return api.post(f"{_TRADE}/{call}", Purpose.CANCEL, {"orderId": order.id})


class Unified(_OfCategory):
    status = "orderStatus"
    prices = ("price",)

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """No call narrows by a coin, so with one they are cancelled by name alone."""
        path, first, whole = f"{_TRADE}/cancel-symbol-order", Priority.MASS_CANCEL, {"category": self.category}
        bodies = [{**whole, "symbol": symbol} for symbol in self.symbols] or [whole]
        return () if self.base else tuple(api.post(path, Purpose.MASS_CANCEL, body, first) for body in bodies)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return (self._passes(f"{_TRADE}/unfilled-orders", category=self.category),)

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """What a mass cancel answers to none is not written, so only that it took an order is a word."""
        last = (replace(one, priority=Priority.OTHER) for one in self.blind)
        return tuple(Witness(request=one, read=self._nothing_cancelled, optional=True) for one in last)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        batched = tuple(order for order in orders if order.symbol)
        rest = tuple(order for order in orders if not order.symbol)
        return (*in_chunks(batched, BATCH, self._several), *self.singly(rest, others))

    def _several(self, orders: tuple[Order, ...]) -> Request:
        """The body is an array. https://www.bitget.com/api-doc/uta/trade/Cancel-Batch"""
        body = [{"orderId": one.id, "category": self.category, "symbol": one.symbol} for one in orders]
        return api.post(f"{_TRADE}/cancel-batch", Purpose.BATCH, body)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one(orders, lambda order: _single("cancel-order", order))

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        return "", row.text("orderType") or "", self._closes(row)

    def _closes(self, row: Row) -> Protection:
        """Whether an ordinary order can only shrink a position.

        `reduceOnly` says so. In hedge mode, where rows may lack it and `holdMode` too, an order closes when its side is
        not the position's. A row that tells neither is neither.
        """
        side, reduces = _against_the_position(row), row.flag("reduceOnly")
        if reduces or side is Protection.PROTECTIVE:
            return Protection.PROTECTIVE
        if self.category not in FUTURES:
            return Protection.NONE
        hedged = lower(row, "posSide") in ("long", "short") and lower(row, "holdMode") != "one_way_mode"
        opens = side is Protection.NONE or (tells(row, "reduceOnly") and not hedged)
        return Protection.NONE if opens and reduces is not None else Protection.UNKNOWN

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """The newest page of the history: it has no parameter for an id."""
        query = {"category": self.category, "limit": str(api.PAGE)}
        return (api.get(f"{_TRADE}/history-orders", Purpose.FINAL_STATES, **query),) if orders else ()

    def _nothing_cancelled(self, request: Request, reply: Reply) -> bool:
        """What a mass cancel says as a witness: that it met no order. Raises Unreadable if it does not say."""
        said = self.acknowledge(request, reply)
        if not said.cancelled and said.remark:
            raise Unreadable(said.remark)
        return not said.cancelled


class BitgetStrategies(_OfCategory):
    """Strategy orders. They are cancelled one by one: there is no call for several, and no listing by symbol."""

    spawns = True
    prices = ("triggerPrice", "stopLoss", "takeProfit")
    ends = _ENDS

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """By each type's name and once without, which may show types that are younger still."""
        return tuple(api.strategies(self.category, one) for one in _TYPES), (api.strategies(self.category, ""),)

    def page(self, request: Request, reply: Reply) -> Page:
        """A type that the account does not know costs that word only: it holds nothing, and the listing without a type
        is read all the same. That a category has none at all is believed like a null: when it comes twice.
        """
        if request.purpose == api.LISTING_OF_SOME and api.code_of(reply) in api.NO_SUCH_TYPE:
            return Page(orders=(), null=not api.parameter(request, "type"))
        return super().page(request, reply)

    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        """The listing is an array of all."""
        if request.purpose == Purpose.FINAL_STATES:
            return super()._rows(request, reply)
        rows, null = payload.null_or_list({"data": api.data(reply)}, "data")
        return rows, None, null

    def _way_on(self, request: Request, rows: list[Any], last: object) -> tuple[Request | None, str]:
        """No paging of the listing is documented."""
        return super()._way_on(request, rows, last) if request.purpose == Purpose.FINAL_STATES else (None, "")

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one(orders, lambda order: _single("cancel-strategy-order", order))

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        kind = lower(row, "type") or api.parameter(request, "type")
        return kind, kind or "strategy", self._protects(kind, row)

    def _protects(self, kind: str, row: Row) -> Protection:
        """TP/SL of a contract belongs to a position. On spot and margin a triggered sell protects, if a row has it."""
        if self.category not in FUTURES:
            return Protection.NONE if kind in _SPLITS else SELLS.get(lower(row, "side"), Protection.UNKNOWN)
        side, reduces = _against_the_position(row), row.flag("reduceOnly")
        if kind == "tpsl" or reduces or (kind in _TYPES and side is Protection.PROTECTIVE):
            return Protection.PROTECTIVE
        if kind not in _TYPES or reduces is None:
            return Protection.UNKNOWN
        opens = side is Protection.NONE or (tells(row, "reduceOnly") and lower(row, "holdMode") == "one_way_mode")
        return Protection.NONE if kind in _OPENS or opens else Protection.UNKNOWN

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        path, query = f"{_TRADE}/history-strategy-orders", {"category": self.category, "limit": str(api.PAGE)}
        kinds = [kind for kind in _TYPES if any(order.kind == kind for order in orders)]
        return tuple(api.get(path, Purpose.FINAL_STATES, **query, type=kind) for kind in kinds)
