"""OKX: the segments of algo orders, by their types."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.model import Order, Priority, Protection, Purpose, Request, State
from cancelall.venues.contract import Named, in_chunks
from cancelall.venues.okx import api
from cancelall.venues.okx.segments import CONTRACTS, OkxSegment, by_limit, closes, limit_key, lower
from cancelall.venues.payload import Row

_DETAILS = 4
"""How many orders are looked up one by one: these reads share a tight limit."""


@dataclass(frozen=True, kw_only=True)
class AlgoKind:
    """Algo orders that are listed as one: the listing wants a type."""

    name: str
    types: str
    surely: bool = True
    """Every site has them; of others a site may not know the name."""
    advance: bool = False
    """They needed a call of their own until April 2025; it goes with the other one, since no record shows which of
    both cancels them now."""
    stops: bool = False
    """A TP/SL or a trailing stop: without a word on reduce-only nobody knows whether it can open a position."""


KINDS = (
    AlgoKind(name="TP/SL", types="conditional,oco", stops=True),
    AlgoKind(name="triggers", types="trigger"),
    AlgoKind(name="trailing stops", types="move_order_stop", advance=True, stops=True),
    AlgoKind(name="chase orders", types="chase", surely=False),
    AlgoKind(name="TWAP", types="twap", surely=False, advance=True),
    AlgoKind(name="icebergs", types="iceberg", surely=False, advance=True),
    AlgoKind(name="smart icebergs", types="smart_iceberg", surely=False),
)


@dataclass(frozen=True, kw_only=True)
class Algos(OkxSegment):
    """Algo orders of one kind: they trigger, or place orders of their own, and become ordinary orders so."""

    of: AlgoKind
    reduces: bool = False
    """Whether the account's mode is known to have reduce-only orders."""
    spawns = True
    named_gap = 1.0
    identity = "algoId"
    client = "algoClOrdId"
    alive = frozenset({"live", "pause", "partially_effective"})
    over = frozenset({"effective", "canceled", "order_failed"})
    prices = ("triggerPx", "slTriggerPx", "tpTriggerPx", "activePx", "ordPx", "pxLimit")

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-get-algo-order-list - no `instType`: options
        have algo orders, too, which that filter does not document.
        """
        purpose = Purpose.LISTING if self.of.surely else api.LISTING_OF_SOME
        return ((self._pages("trade/orders-algo-pending", "algo orders", purpose, ordType=self.of.types),),)

    def _order(self, row: Row) -> Order:
        return replace(super()._order(row), kind=lower(row, "ordType"))

    def _protects(self, row: Row) -> Protection:
        """On spot a triggered sell protects. In portfolio margin no order is reduce-only: a stop may be one, or not."""
        type_, kind = row.text("instType"), row.text("ordType")
        if kind not in self.of.types.split(","):
            return Protection.UNKNOWN
        if type_ in CONTRACTS:
            stops = Protection.NONE if self.reduces else Protection.UNKNOWN
            return closes(row) or (stops if self.of.stops else Protection.NONE)
        if type_ in ("OPTION", "EVENTS"):
            return Protection.NONE
        if type_ != "SPOT":
            return Protection.UNKNOWN
        shrinks = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
        return shrinks.get(lower(row, "side"), Protection.UNKNOWN) if self.of.stops else Protection.NONE

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """Batches of 10 of one instrument each, whose limit is tight: what can open a position goes first.

        https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-post-cancel-algo-order
        """
        return self._by(orders, 10)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """There is no call for one: a batch that was refused as a whole may hold one that it cannot be of."""
        return self._by(orders, 1)

    def _by(self, orders: tuple[Order, ...], size: int) -> Named:
        urgent = sorted(orders, key=lambda one: one.protection is Protection.PROTECTIVE)
        calls: list[Callable[[tuple[Order, ...]], Request]] = [self._call, *([self._old_call] * self.of.advance)]
        groups = by_limit(urgent).values()
        return tuple(one for call in calls for some in groups for one in in_chunks(some, size, call))

    def _call(self, orders: tuple[Order, ...]) -> Request:
        opens = any(one.protection is not Protection.PROTECTIVE for one in orders)
        return api.post(
            "trade/cancel-algos",
            f"algos:{limit_key(orders[0])}",
            Purpose.BATCH,
            _named(orders),
            Priority.MASS_CANCEL if opens else Priority.CANCEL,
            len(orders),
        )

    def _old_call(self, orders: tuple[Order, ...]) -> Request:
        body = _named(orders)
        return api.post("trade/cancel-advance-algos", "advance algos", api.ADVANCE, body, cost=len(orders))

    def _another_way(self, request: Request, code: str) -> bool:
        return self.of.advance and (request.purpose == api.ADVANCE or code in ("51403", "51413"))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        if len(orders) <= _DETAILS:
            read = partial(api.get, "trade/order-algo", "algo order", Purpose.FINAL_STATES)
            return tuple(read({"algoId": one.id}) for one in orders)
        read = partial(api.get, "trade/orders-algo-history", "algo history", Purpose.FINAL_STATES)
        states, size = ("canceled", "effective"), str(api.PAGE)
        types = self.of.types.split(",")
        return tuple(read({"ordType": one, "state": state, "limit": size}) for one in types for state in states)

    def _ended(self, row: Row) -> tuple[Order, State, str] | None:
        ends = {
            "canceled": (State.CANCELLED, ""),
            "effective": (State.GONE, "triggered"),
            "order_failed": (State.GONE, "triggered and failed"),
        }
        state, note = ends.get(row.text("state") or "", (None, ""))
        return None if state is None else (self._order(row), state, note)


def _named(orders: tuple[Order, ...]) -> list[dict[str, str | None]]:
    return [{"algoId": one.id, "instId": one.symbol} for one in orders]
