"""Hyperliquid: a segment for each dex, and one for TWAPs; what their rows and the answers to cancels say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import Unreadable
from cancelall.core.model import (
    Acknowledgement,
    Failure,
    FinalStates,
    Order,
    Page,
    Protection,
    Purpose,
    Reply,
    Request,
    State,
)
from cancelall.venues import payload
from cancelall.venues.contract import Named, Segment, in_chunks, one_by_one
from cancelall.venues.hyperliquid.api import MOST, TWAP, cancel, cancel_twap, is_gone, numeric_id, read, statuses
from cancelall.venues.hyperliquid.options import CORE, dex_of
from cancelall.venues.payload import Row

TWAPS = "TWAPs"
"""The segment of TWAPs of all dexes."""
_FEW = 10
"""Orders whose ends are looked up one by one: that weighs 2 each, a history up to 120."""
_SPOT, _OUTCOMES = 10_000, 100_000_000
"""Where the numbers of these markets begin:
https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/asset-ids"""


@dataclass(frozen=True, kw_only=True)
class HyperliquidSegment(Segment):
    """What orders and TWAPs share: whose they are, which coins are in scope, the numbers of markets."""

    learns = True
    user: str
    testnet: bool
    coins: tuple[str, ...] = ()
    """Those that it is narrowed to."""
    assets: tuple[tuple[str, int], ...] = ()
    """Markets with their numbers, as far as they are known."""

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return dict(self.assets)

    def _market(self, order: Order) -> int | None:
        """The number by which a cancel names the order's market; None where it is not known, or not yet."""
        coin = order.symbol or ""
        for mark, first in (("@", _SPOT), ("#", _OUTCOMES)):
            digits = coin.removeprefix(mark)
            if coin.startswith(mark) and digits.isascii() and digits.isdigit() and len(digits) <= 12:
                return first + int(digits)
        return self._numbers.get(coin)

    def _named(self, orders: tuple[Order, ...]) -> tuple[Order, ...]:
        """Those that a cancel can name."""
        return tuple(order for order in orders if self._market(order) is not None)

    def _in_scope(self, order: Order) -> Order | None:
        """An order whose market cannot be read is in every scope."""
        return order if not self.coins or order.symbol is None or order.symbol in self.coins else None

    def begins(self, client_id: str, prefix: str) -> bool:
        """They are hexadecimal numbers, with 0x or without."""
        return super().begins(*(one.lower().removeprefix("0x") for one in (client_id, prefix)))

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """What became of each order, in the order of the action. One that is gone has ended in some way: no failure."""
        named, said = _ids(request), statuses(reply)
        if len(named) != len(said):
            raise Unreadable("the answer is not about the orders of the request")
        taken, failed = [], []
        for identity, status in zip(named, said, strict=True):
            error = payload.member(status, "error")
            if status == "success":
                taken.append(identity)
            elif not (isinstance(error, str) and is_gone(error)):
                reason = payload.message(error) if isinstance(error, str) else "its answer cannot be read"
                failed.append(Failure(id=identity, reason=reason))
        return Acknowledgement(cancelled=tuple(taken), failed=tuple(failed))


def _ids(request: Request) -> list[str]:
    """The ids that an action names."""
    of = json.loads(request.body)
    return [str(of["t"])] if request.purpose == TWAP else [str(one["o"]) for one in of["cancels"]]


@dataclass(frozen=True, kw_only=True)
class HyperliquidOrders(HyperliquidSegment):
    """Orders of one dex, stops and TP/SL among them; those of the first one hold spot and outcomes, too.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint#retrieve-a-users-open-orders-with-additional-frontend-info
    """

    named_gap = 0.5

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((read("frontendOpenOrders", user=self.user, dex="" if self.name == CORE else self.name),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """One answer without pages. The children of an order that is not filled stand in its row, and by themselves."""
        rows = payload.as_list(reply.json, "the answer")
        top = {identity for row in rows if (identity := payload.usable_id(row, "oid")) is not None}
        nested, strange = _children(rows)
        children = [row for row in nested if payload.usable_id(row, "oid") not in top]
        orders, odd = payload.orders([*rows, *children], lambda row: self._in_scope(_order(self.name, row)))
        return Page(orders=orders, unsure=payload.why(odd, strange))

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return in_chunks(self._named(orders), MOST, self._several)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """An action is refused whole for what is wrong with one of its orders."""
        return one_by_one(self._named(orders), lambda order: self._several((order,)))

    def _several(self, orders: tuple[Order, ...]) -> Request:
        return cancel(tuple((order, self._market(order) or 0) for order in orders), testnet=self.testnet)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        if len(orders) > _FEW:
            return (read("historicalOrders", Purpose.FINAL_STATES, user=self.user),)
        return tuple(read("orderStatus", Purpose.FINAL_STATES, user=self.user, oid=int(one.id)) for one in orders)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """A cancelled order has two rows in the history, one still open: the newest is its end.

        https://github.com/ccxt/ccxt/issues/27917
        """
        if payload.member(reply.json, "status") == "order":
            entries = [payload.member(reply.json, "order")]
        else:
            entries = [] if isinstance(reply.json, dict) else payload.as_list(reply.json, "the history")
        newest: dict[str | None, object] = {}
        for entry in entries:
            identity = payload.usable_id(payload.member(entry, "order"), "oid")
            newest[identity] = max(newest.get(identity, entry), entry, key=_age)
        return FinalStates(orders=payload.ends(newest.values(), self._end))

    def _end(self, row: Row) -> tuple[Order, State, str] | None:
        status = row.text("status") or ""
        state = _ended(status)
        order = self._in_scope(_order(self.name, Row(row.record.get("order")), row.number("statusTimestamp")))
        if order is None or state is None or dex_of(order.symbol or "") != self.name:
            return None
        how = payload.why(_filled(order), "" if status == "canceled" else status)
        return order, state, "" if state is State.FILLED else how


@dataclass(frozen=True, kw_only=True)
class HyperliquidTwaps(HyperliquidSegment):
    """TWAPs of all dexes, from the log of them; each is cancelled by itself."""

    name: str = TWAPS
    spawns = True
    named_gap = 0.5
    dexes: tuple[str, ...] | None = None
    """Those that it is narrowed to."""

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((read("twapHistory", user=self.user),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """The newest row of each TWAP; of two of one second that of its end."""
        rows = payload.as_list(reply.json, "the answer")
        newest: dict[object, object] = {}
        for row in rows:
            key = _twap_key(row)
            newest[key] = max(newest.get(key, row), row, key=_twap_age)
        orders, odd = payload.orders(newest.values(), self._listed, "TWAP")
        times = [at for row in rows if (at := _twap_age(row)[0])]
        short = len(rows) >= _LONGEST_LOG and (not times or max(times) - min(times) < _LONGEST_TWAP)
        return Page(orders=orders, unsure=payload.why(odd, "the log of TWAPs may not go back far enough" * short))

    def _listed(self, row: Row) -> Order | None:
        """A TWAP that is running, or may be; None for one that is over, or is in another scope."""
        status = _twap_status(row.record)
        if status in _TWAP_ENDS:
            return None
        if status not in _TWAP_RUNS:
            row.odd("status is unknown", None)
        return self._in_scope(_twap(row))

    def _in_scope(self, order: Order) -> Order | None:
        chosen = self.dexes is None or order.symbol is None or dex_of(order.symbol) in self.dexes
        return super()._in_scope(order) if chosen else None

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        def request(order: Order) -> Request:
            return cancel_twap(order, self._market(order) or 0, testnet=self.testnet)

        return one_by_one(self._named(orders), request)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return (read("twapHistory", Purpose.FINAL_STATES, user=self.user),)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        return FinalStates(orders=payload.ends(payload.as_list(reply.json, "the answer"), self._end))

    def _end(self, row: Row) -> tuple[Order, State, str] | None:
        state = _TWAP_ENDS.get(_twap_status(row.record))
        if state is None or (order := self._in_scope(_twap(row))) is None:
            return None
        return order, state, "" if state is State.FILLED else _filled(order)


def _filled(order: Order) -> str:
    return payload.filled_before(payload.minus(order.quantity, order.remaining))


# --- rows of orders --------------------------------------------------------------------------------------------------

_SIDES = {"B": "buy", "A": "sell"}
_TRIGGERS = frozenset({"Stop Market", "Stop Limit", "Take Profit Market", "Take Profit Limit"})
_ORDINARY = frozenset({"Limit", "Market"})
_ENDS = {"filled": State.FILLED, "scheduledCancel": State.CANCELLED, "internalCancel": State.CANCELLED}


def _ended(status: object) -> State | None:
    """How an order ended, by its status; None while it is open, or where the status is not known.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint#query-order-status-by-oid-or-cloid
    """
    if not isinstance(status, str):
        return None
    if status.endswith(("anceled", "ejected")):
        return State.CANCELLED if status.endswith("anceled") else State.GONE
    return _ENDS.get(status)


def _age(entry: object) -> tuple[int, bool]:
    """By which of two entries of the history is the newer one: its time, and whether it is an end."""
    return _moment(payload.member(entry, "statusTimestamp")), _ended(payload.member(entry, "status")) is not None


def _moment(value: object) -> int:
    return value if isinstance(value, int) else 0


def _children(rows: list[Any]) -> tuple[list[Any], str]:
    """The rows inside rows, and why these may not be all. One is not nested in another: a child has no children."""
    found: list[Any] = []
    strange = ""
    for row in rows:
        children = payload.member(row, "children")
        if isinstance(children, list):
            found += children
        elif children is not None:
            strange = "the children of an order cannot be read"
    return found, strange


def is_spot(coin: str) -> bool:
    """Spot markets and outcomes: there are no positions there."""
    return coin.startswith(("@", "#")) or "/" in coin


def _order(segment: str, row: Row, ended_ms: int | None = None) -> Order:
    """One order, whatever else is wrong with its row. Raises Unreadable without an id, which is a number."""
    identity = numeric_id(row, "oid")
    kind, waits = row.text("orderType", needed=True) or payload.UNREADABLE, row.flag("isTrigger")
    side, coin = row.text("side", needed=True), row.name("coin", needed=True)
    triggers = kind in _TRIGGERS or waits
    return Order(
        id=identity,
        segment=segment,
        client_id=row.client_id("cloid"),
        symbol=coin,
        side=_SIDES.get(side or "", side),
        type=kind.lower(),
        price=row.text("triggerPx" if triggers else "limitPx"),
        quantity=row.text("origSz"),
        remaining=row.text("sz"),
        protection=_protection(kind, row, is_spot(coin or "") and side == "A"),
        created_ms=row.number("timestamp"),
        ended_ms=ended_ms,
    )


def _protection(kind: str, row: Row, sells_spot: bool) -> Protection:
    """Protective: what can only shrink a position, and on spot a sell that waits for a price."""
    reduces, of_position = row.flag("reduceOnly"), row.flag("isPositionTpsl")
    if True in (reduces, of_position) or (sells_spot and kind in _TRIGGERS):
        return Protection.PROTECTIVE
    known = kind in _TRIGGERS | _ORDINARY and "reduceOnly" in row.record
    return Protection.NONE if known and None not in (reduces, of_position) else Protection.UNKNOWN


# --- rows of TWAPs ---------------------------------------------------------------------------------------------------

_LONGEST_LOG, _LONGEST_TWAP = 2000, 7 * 86_400
"""Rows, as many as the venue's other logs get, and seconds: one as long that goes back less far may lack a TWAP."""
_TWAP_RUNS = ("activated", "waitingForTrigger")
_TWAP_ENDS = {"finished": State.FILLED, "terminated": State.CANCELLED, "stopped": State.CANCELLED, "error": State.GONE}
"""Statuses of a TWAP that is over; every other one, documented or not, is running."""


def _twap_status(row: object) -> str:
    status = payload.member(row, "status", "status")
    return status if isinstance(status, str) else ""


def _twap_key(row: object) -> object:
    """What rows of one TWAP have in common: its id; without one, what it is and when it began. Else it stands alone."""
    if (identity := payload.usable_id(row, "twapId")) is not None:
        return identity
    parts = tuple(payload.member(row, "state", name) for name in ("coin", "side", "sz", "timestamp"))
    return parts if all(isinstance(part, str | int) for part in parts) else object()


def _twap_age(row: object) -> tuple[int, bool]:
    """The same of a row of the log, whose time is in seconds."""
    return _moment(payload.member(row, "time")), _twap_status(row) in _TWAP_ENDS


def _twap(row: Row) -> Order:
    """One TWAP, whatever else is wrong with its row. Raises Unreadable without an id, which older rows may lack."""
    identity = numeric_id(row, "twapId")
    shown = row.record.get("state")
    state = Row(shown if isinstance(shown, dict) else {})
    coin, side, quantity = state.name("coin", needed=True), state.text("side", needed=True), state.text("sz")
    reduces = state.flag("reduceOnly") if "reduceOnly" in state.record else None
    protection = Protection.UNKNOWN if reduces is None else Protection.PROTECTIVE if reduces else Protection.NONE
    row.oddities += state.oddities
    return Order(
        id=identity,
        segment=TWAPS,
        symbol=coin,
        side=_SIDES.get(side or "", side),
        type="twap",
        quantity=quantity,
        remaining=payload.minus(quantity, state.text("executedSz")),
        protection=protection,
        created_ms=state.number("timestamp"),
    )
