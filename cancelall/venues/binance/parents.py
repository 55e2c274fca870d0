"""Binance: TWAP and VP orders, the parents of others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cancelall.core.model import (
    Acknowledgement,
    Failure,
    FinalStates,
    Order,
    Page,
    Priority,
    Purpose,
    Reply,
    Request,
    State,
)
from cancelall.venues import payload
from cancelall.venues.binance.api import PARENTS, delete, get
from cancelall.venues.binance.books import OPEN, TRIGGERED
from cancelall.venues.contract import Named, Segment, one_by_one
from cancelall.venues.payload import UNREADABLE, Row


@dataclass(frozen=True, kw_only=True)
class Parents(Segment):
    """TWAP and VP orders, which place others. There is no call that cancels all: list, then cancel each.

    https://developers.binance.com/docs/algo - they never protect a position.
    """

    market: str
    """`spot` or `futures`."""
    symbols: tuple[str, ...] = ()
    spawns = True
    protective_kinds = False

    @property
    def _path(self) -> str:
        return f"/sapi/v1/algo/{self.market}"

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((get(f"{self._path}/openOrders", PARENTS),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """The parents in scope. A total that is not the number of rows leaves the page unsure."""
        answer = payload.as_object(reply.json)
        rows = payload.as_list(answer.get("orders"), "orders")
        orders, odd = payload.orders(rows, self._listed)
        total = Row(answer).number("total")
        short = f"it shows {len(rows)} of {total} orders" if total is not None and total != len(rows) else ""
        return Page(orders=orders, unsure=payload.why(odd, short))

    def _listed(self, row: Row) -> Order | None:
        status = row.text("algoStatus", needed=True)
        if status in TRIGGERED:
            return None
        if status not in (None, UNREADABLE, *OPEN):
            row.odd(f"algoStatus {payload.message(status)} is unknown", None)
        order = self._order(row)
        return order if not self.symbols or order.symbol in self.symbols else None

    def _order(self, row: Row) -> Order:
        quantity, filled = row.text("totalQty"), row.text("executedQty")
        return Order(
            id=row.identity("algoId"),
            client_id=row.client_id("clientAlgoId"),
            symbol=row.name("symbol", needed=True),
            side=(row.text("side") or "").lower() or None,
            type=(row.text("algoType") or "").lower() or None,
            quantity=quantity,
            remaining=payload.minus(quantity, filled) if filled else quantity,
            segment=self.name,
            created_ms=row.number("bookTime"),
        )

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path = f"{self._path}/order"
        return one_by_one(orders, lambda order: delete(path, Purpose.CANCEL, {"algoId": order.id}))

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        answer = payload.as_object(reply.json)
        number = payload.field(answer, "algoId")
        if not payload.flag(answer, "success"):
            return Acknowledgement(failed=(Failure(id=number, reason="the venue says that it failed"),))
        return Acknowledgement(cancelled=(number,))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return (get(f"{self._path}/historicalOrders", Purpose.FINAL_STATES, priority=Priority.OTHER),)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        rows = payload.as_list(payload.as_object(reply.json).get("orders"), "orders")
        return FinalStates(orders=payload.ends(rows, self._ended))

    def _ended(self, row: Row) -> tuple[Order, State, str] | None:
        state, note = TRIGGERED.get(row.text("algoStatus") or "", (None, ""))
        if state is None:
            return None
        state, note = (State.FILLED, "") if note == "triggered" else (state, note)
        filled = payload.filled_before(row.text("executedQty")) if state is State.CANCELLED else ""
        return self._order(row), state, filled or note
