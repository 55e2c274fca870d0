"""Pacifica: a segment for each kind of order, and what its answers say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Purpose, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import Named, Segment, Witness, one_by_one
from cancelall.venues.pacifica.api import TWAP, cancel, cancel_all, cancel_strategy, get, limit, signed_answer
from cancelall.venues.pacifica.options import PacificaOptions
from cancelall.venues.payload import Row

_STRATEGIES_PAGE = 500
_AT_ONCE = 20
"""Strategies whose cancels are as urgent as a mass cancel: 10 credits."""

# Not sent once a cancel has been accepted, which shows the same.
_SIGNED_ANSWER = Witness(request=signed_answer(), harmless=True, signature=True)


@dataclass(frozen=True, kw_only=True)
class PacificaSegment(Segment):
    """A kind of order, with a listing of its own. Orders and TWAPs have one without pages."""

    options: PacificaOptions
    path: ClassVar[str]
    unnamed = True

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((get(self.path, self.options),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """One that hints at more is incomplete."""
        answer = Row(reply.json, "answer")
        entries, null = payload.null_or_list(answer.record, "data")
        orders, odd = payload.orders(entries, self._listed, "TWAP" if self.name == "TWAP" else "order")
        more = "the venue has more than it lists" if answer.flag("has_more") or answer.text("next_cursor") else ""
        return Page(orders=orders, unsure=payload.why(*answer.oddities, odd, more), null=null)

    def _listed(self, row: Row) -> Order | None:
        return self._in_scope(_order(self.name, row))

    def _in_scope(self, order: Order) -> Order | None:
        """An order whose market cannot be read is in every scope."""
        symbols = self.options.symbol
        return order if not symbols or order.symbol is None or order.symbol in symbols else None

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """A cancel of everything tells a number, one by name succeeds or not. A TWAP cancel succeeds for any id."""
        if request.purpose == Purpose.CANCEL:
            named = json.loads(request.body)
            return Acknowledgement(cancelled=(str(named.get("order_id") or named["strategy_id"]),))
        try:
            return Acknowledgement(count=_count(reply) if request.purpose == Purpose.MASS_CANCEL else None)
        except Unreadable:  # a success all the same; the listing decides
            return Acknowledgement()

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        return (_SIGNED_ANSWER,)

    def begins(self, client_id: str, prefix: str) -> bool:
        """They are UUIDs, which mean the same in either case."""
        return super().begins(client_id.lower(), prefix.lower())

    def keeps(self, order: Order) -> bool:
        """What `--exclude-reduce-only` leaves in place."""
        return self.options.exclude_reduce_only and order.kind.endswith(_REDUCE_ONLY)

    def unsaid(self, order: Order) -> bool:
        """Whether it is to stay if it is reduce-only, and does not tell."""
        return self.options.exclude_reduce_only and order.kind.endswith(_UNSAID)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return (get(f"{self.path}/history", self.options, Purpose.FINAL_STATES, limit=100),)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How orders ended. A page costs up to 12 of 100 credits: it is read on only while half of them are left, and
        then it says that there may be more, whatever the order of the pages is.

        https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-order-history
        """
        answer = Row(reply.json, "answer")
        ends = payload.ends(payload.as_list(answer.record.get("data"), "data"), self._end)
        left, quota = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
        cursor = answer.name("next_cursor") if answer.flag("has_more") is not False else None
        if cursor is None:
            return FinalStates(orders=ends)
        if left is None or quota is None or 2 * left <= quota:
            more = f"{self.name}: more may have ended than was requested of the venue's history"
            return FinalStates(orders=ends, more=more)
        query = f"{request.query.partition('&cursor=')[0]}&cursor={quote(cursor, safe='')}"
        return FinalStates(orders=ends, next=replace(request, query=query))

    def _end(self, row: Row) -> tuple[Order, State, str] | None:
        """How one order ended; None for a row that does not tell, or one that is out of scope."""
        order, status, reason = self._in_scope(_order(self.name, row)), row.text("order_status"), row.text("reason")
        if order is None or status not in _ENDS:
            return None
        filled = payload.filled_before(row.text("filled_amount")) if status == "cancelled" else ""
        return order, _ENDS[status], payload.why(filled, "" if reason in (None, "cancel") else reason)


@dataclass(frozen=True, kw_only=True)
class PacificaOrders(PacificaSegment):
    """Resting orders, stop orders and TP/SL: one listing without pages, one cancel for all of them.

    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders (stops and TP/SL among them)
    """

    name: str = "orders"
    path = "/orders"

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        return cancel_all(self.options)

    def page(self, request: Request, reply: Reply) -> Page:
        """`last_order_id` is counted through the exchange: with a smaller one than before, it is an older answer."""
        serial = payload.as_object(reply.json).get("last_order_id")
        known = isinstance(serial, int) and not isinstance(serial, bool)
        return replace(super().page(request, reply), serial=serial if known else None)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """Stops and TP/SL have a call of their own. An order whose type cannot be read is named in both.

        https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-stop-order
        """
        ordinary, stop = "/orders/cancel", "/orders/stop/cancel"

        def paths(order: Order) -> tuple[str, ...]:
            either = (ordinary, stop) if order.type == payload.UNREADABLE else ()
            return either or ((stop,) if is_stop(order.type or "") else (ordinary,))

        return tuple((cancel(path, one), (one,)) for one in orders if one.symbol for path in paths(one))

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """The counts are those of all markets."""
        counts = Witness(request=get("/account", self.options, Purpose.DISCOVERY), fits=_counts_fit)
        return (_SIGNED_ANSWER,) if self.options.symbol else (_SIGNED_ANSWER, counts)


@dataclass(frozen=True, kw_only=True)
class PacificaTwaps(PacificaSegment):
    """TWAPs of the engine: the cancel of everything covers them too; what it leaves is cancelled by name.

    https://docs.pacifica.fi/api-documentation/api/rest-api/twap/get-open-twap-orders (what is listed is running) and
    https://docs.pacifica.fi/api-documentation/api/rest-api/twap/cancel-twap-order
    """

    name: str = "TWAP"
    path = "/orders/twap"
    spawns = True

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        named = (order for order in orders if order.symbol)
        return one_by_one(named, lambda order: cancel("/orders/twap/cancel", order, TWAP))


@dataclass(frozen=True, kw_only=True)
class PacificaStrategies(PacificaSegment):
    """OCO, conditional, trailing, chase, swarm and TWAP strategies: there is no call that cancels all of them.

    A cancel by name is what a mass cancel is elsewhere; one that does not help is not repeated without a pause.

    https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies
    """

    name: str = "strategies"
    path = "/order_strategies"
    unnamed = False
    named_gap = 2.0
    spawns = True

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((get(self.path, self.options, limit=_STRATEGIES_PAGE, offset=0),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/get-open-order-strategies

        An account holds at most 100 that are not finished, so a full page of 500 is not expected; it is read on anyway.
        """
        data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
        entries, null = payload.null_or_list(data, "strategies")
        orders, odd = payload.orders(entries, self._listed, "strategy")
        full = len(entries) >= _STRATEGIES_PAGE
        head, _, offset = request.query.rpartition("=")
        following = replace(request, query=f"{head}={int(offset) + len(entries)}") if full else None
        return Page(orders=orders, next=following, unsure=odd, full=full, null=null)

    def _listed(self, row: Row) -> Order | None:
        if row.record.get("lifecycle") in _OVER:
            return None
        row.text("lifecycle", needed=True)
        return self._in_scope(_strategy(row))

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """There is no other way, so the first ones wait for no credits that are kept for a proof."""
        chosen = [order for order in orders if order.symbol or not self.options.symbol]
        urgent, later = chosen[:_AT_ONCE], chosen[_AT_ONCE:]
        return (
            *one_by_one(urgent, lambda order: cancel_strategy(order, urgent=True)),
            *one_by_one(later, lambda order: cancel_strategy(order)),
        )

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """After the strategies are gone a last cancel of everything must find nothing."""
        last = (
            Witness(request=request, read=lambda _, reply: _count(reply) == 0) for request in cancel_all(self.options)
        )
        return (*last, _SIGNED_ANSWER)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return ()


# --- rows -----------------------------------------------------------------------------------------------------------

_SIDES = {"bid": "buy", "ask": "sell"}

_REDUCE_ONLY = " reduce-only"
_UNSAID = " reduce-only?"
"""Behind the kind of an order that does not tell."""

_ORDER_TYPES = frozenset(
    {"limit", "market", "stop_limit", "stop_market", "take_profit_limit", "take_profit_market", "take_profit"}
    | {"stop_loss_limit", "stop_loss_market", "stop_loss"}
)
"""The documents' words, and two that stand alone in the venue's own tests (pacifica-mcp, scripts/smoke-1d.ts)."""

_STRATEGY_TYPES = frozenset({"oco", "conditional", "trailing_stop", "auto_chase", "swarm", "trigger_swarm", "twap"})

_ENDS = {"filled": State.FILLED, "completed": State.FILLED, "cancelled": State.CANCELLED}

_OVER = ("cancelled", "expired", "completed", "failed")
"""Lifecycles of strategies that can do nothing any more. Every other word, documented or not, is open."""


def is_stop(kind: str) -> bool:
    """Whether it is a stop order or TP/SL, by the venue's own rule for which call cancels it."""
    return kind.startswith(("stop", "take_profit"))


def _order(segment: str, row: Row) -> Order:
    """One order or TWAP, whatever else is wrong with its row. Raises Unreadable without an id.

    A cancel names it as a number: it has to be one.
    """
    identity, symbol = row.identity("order_id"), row.name("symbol", needed=True)
    if not (identity.isdigit() and len(identity) <= 20):
        raise Unreadable("order_id is no number")
    kind = "twap" if segment == "TWAP" else row.text("order_type", needed=True) or payload.UNREADABLE
    side, parent = row.text("side"), row.text("parent_id")
    quantity = row.text("initial_amount") or row.text("amount")
    reduces = row.flag("reduce_only") if row.record.get("reduce_only") is not None else None
    # On spot nothing is reduce-only: there a triggered sell is what can only shrink a holding.
    sells_spot = "-" in (symbol or "") and side == "ask" and is_stop(kind)
    return Order(
        id=identity,
        segment=segment,
        client_id=row.client_id("client_order_id"),
        symbol=symbol,
        side=_SIDES.get(side or "", side),
        type=kind,
        price=row.text("price") or row.text("initial_price"),
        quantity=quantity,
        remaining=payload.minus(quantity, row.text("filled_amount"), row.text("cancelled_amount")),
        protection=_protection(segment == "TWAP" or kind in _ORDER_TYPES, True if sells_spot else reduces),
        kind=_marked(kind, reduces),
        origin=f"strategy {parent}" if parent else "",
        created_ms=row.number("created_at"),
        ended_ms=row.number("updated_at") if "order_status" in row.record else None,
    )


def _strategy(row: Row) -> Order:
    """One strategy. Its parameters differ by type: `execution_symbol` is where a conditional one trades.

    https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/strategy-parameters
    """
    kind = _said(row.record, "strategy_type") or ""
    definition = row.record.get("definition")
    params = definition.get("params") if isinstance(definition, dict) else None
    params = params if isinstance(params, dict) else {}
    side, reduces = _said(params, "side"), _strategy_reduces(params)
    return Order(
        id=row.identity("strategy_id"),
        segment="strategies",
        symbol=_said(params, "execution_symbol") or _said(params, "symbol"),
        side=_SIDES.get(side or "", side),
        type=kind or None,
        quantity=_said(params, "amount"),
        protection=_protection(kind in _STRATEGY_TYPES, reduces),
        kind=_marked(kind, reduces),
    )


def _said(record: Mapping[str, Any], key: str) -> str | None:
    """A field that only describes: of another shape, it is not known. The strategy has to be cancelled all the same."""
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def _strategy_reduces(params: Mapping[str, Any]) -> bool | None:
    """Whether every order that it can place is reduce-only; None when it does not say."""
    legs = params.get("legs")
    parts = [params, *(legs if isinstance(legs, list) else ())]
    said = [part["reduce_only"] for part in parts if isinstance(part, dict) and part.get("reduce_only") is not None]
    return all(said) if said and all(isinstance(one, bool) for one in said) else None


def _marked(kind: str, reduces: bool | None) -> str:
    """A kind, and whether an order of it is reduce-only."""
    return kind + (_UNSAID if reduces is None else _REDUCE_ONLY * reduces)


def _protection(known: bool, reduces: bool | None) -> Protection:
    """Protective is what can only shrink a position: reduce-only. A trailing stop or OCO that may open one is not."""
    if not known or reduces is None:
        return Protection.UNKNOWN
    return Protection.PROTECTIVE if reduces else Protection.NONE


def _count(reply: Reply) -> int:
    """`cancelled_count`, at the top as documented or under `data` as it comes live. Raises Unreadable."""
    answer = payload.as_object(reply.json)
    count = payload.number(payload.as_object(answer["data"], "data") if "data" in answer else answer, "cancelled_count")
    if count is None or count < 0:
        raise Unreadable("cancelled_count is missing")
    return count


def _counts_fit(kept: tuple[Order, ...], request: Request, reply: Reply) -> bool:
    """Whether `/account` counts just the orders that stay, stops apart. `data` is an object or a list of one.

    https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-account-info
    """
    account = read_account(reply)
    counted = payload.number(account, "orders_count"), payload.number(account, "stop_orders_count")
    if None in counted:
        raise Unreadable("the account's counts are missing")
    stops = sum(is_stop(order.type or "") for order in kept)
    return counted == (len(kept) - stops, stops)


def read_account(reply: Reply) -> Mapping[str, Any]:
    data = payload.as_object(reply.json).get("data")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    return payload.as_object(data, "data")
