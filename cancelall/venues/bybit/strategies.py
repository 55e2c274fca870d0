"""Bybit: the kinds of segments that have calls of their own: spread orders and strategies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from cancelall.core.model import Order, Priority, Protection, Purpose, Request
from cancelall.venues.bybit.api import SPREAD_MASS_CANCEL, post
from cancelall.venues.bybit.segments import BybitSegment, symbol_of
from cancelall.venues.contract import Named, one_by_one
from cancelall.venues.payload import Row

_SHRINKS = {True: Protection.PROTECTIVE, False: Protection.NONE, None: Protection.UNKNOWN}


class Spread(BybitSegment):
    """Orders of combinations of two legs."""

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        path, bucket, first = "/v5/spread/order/cancel-all", "cancel-all spread", Priority.MASS_CANCEL
        bodies: tuple[Mapping[str, object], ...] = self.parts if self.symbols else ({"cancelAll": True},)
        return tuple(post(path, bucket, SPREAD_MASS_CANCEL, body, first) for body in bodies)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return (self._pages("/v5/spread/order/realtime", "realtime spread", Purpose.LISTING, limit="50"),)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return self._pages("/v5/spread/order/history", "realtime spread", Purpose.FINAL_STATES, limit="50")

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path, bucket = "/v5/spread/order/cancel", "cancel spread"
        return one_by_one(orders, lambda order: post(path, bucket, Purpose.CANCEL, {"orderId": order.id}))


class Strategies(BybitSegment):
    """TWAP, iceberg, chase and POV strategies. There is no call that stops all: list, then stop each.

    https://bybit-exchange.github.io/docs/v5/strategy/strategy-list - 2 running, 6 untriggered, 5 paused. Of those that
    were terminated (4) orders may still rest; they are ordinary ones.
    """

    spawns = True
    noun = "strategy"
    status = "status"
    over = frozenset({"3", "4"})
    alive = frozenset({"2", "6", "5"})

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        path, bucket = "/v5/strategy/list", "strategy list"
        reads = [self._pages(path, bucket, Purpose.LISTING, status=one, pageSize="50") for one in ("2", "6", "5")]
        return (tuple(read for several in reads for read in several),)

    def _order(self, asked: Mapping[str, str], status: str | None, row: Row) -> Order:
        shrinks = row.flag("reduceOnly")
        return Order(
            id=row.identity("strategyId"),
            symbol=symbol_of(asked, row),
            side=(row.text("side") or "").lower() or None,
            type=(row.text("strategyType") or "strategy").lower(),
            price=row.text("triggerPrice"),
            quantity=row.text("size"),
            segment=self.name,
            protection=_SHRINKS[shrinks],
            created_ms=row.number("createdTimeE3"),
        )

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path, bucket = "/v5/strategy/stop", "strategy stop"
        return one_by_one(orders, lambda order: post(path, bucket, Purpose.CANCEL, {"strategyId": order.id}))
