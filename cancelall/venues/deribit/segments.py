"""Deribit: the orders of an account or of a part of it, and what its answers say."""

from __future__ import annotations

import re
from functools import cached_property, partial

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, Failure, FinalStates, Order, Page, Protection, Purpose, Reply, Request
from cancelall.core.model import State as EndState
from cancelall.venues import payload
from cancelall.venues.contract import Named, Segment, Witness, one_by_one, parameters, with_parameters
from cancelall.venues.deribit.api import INSTRUMENT_CANCEL, QUOTES, TRIGGER_ENDS, cancelling, get, is_over, report
from cancelall.venues.payload import Row

_CLOSED = frozenset({"filled", "rejected", "cancelled"})
"""Every other state, also an unknown one, is open: https://docs.deribit.com/api-reference/trading/private-get_open_orders"""
_WORKING = frozenset({"open", "untriggered", "triggered"})
_ORDINARY = frozenset({"limit", "market", "market_limit"})
TRIGGERED = frozenset({"stop_market", "stop_limit", "take_market", "take_limit", "trailing_stop"})
_QUOTE = "quote"
_HISTORY = 1000
"""Rows of a history's page, at most."""


def is_spot(instrument: str) -> bool:
    """Whether it is a pair of coins, `BTC_USDC`. https://docs.deribit.com/articles/instrument-names"""
    return "_" in instrument and "-" not in instrument


def currencies_of(order: Order) -> tuple[str, ...]:
    """The currencies in whose history an order may stand, by its instrument, or else by its id: `ETH-331562`."""
    name = order.symbol or (order.id if "-" in order.id else "BTC-")
    token, dash, _ = name.partition("-")
    coins = [one.upper() for one in token.split("_") if one]
    return tuple(coins[-1:] if dash and order.symbol else coins)


@dataclass(frozen=True, kw_only=True)
class DeribitOrders(Segment):
    """All orders of an account, or those of a currency, a kind or some instruments: one call, one listing."""

    testnet: bool
    currency: str = ""
    kind: str = ""
    instruments: tuple[str, ...] = ()
    unnamed = True
    named_gap = 4.0  # until as many cancels by name may go again: so no mass cancel has to wait for them

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """Once quotes are known to survive, those by themselves, too.

        https://docs.deribit.com/api-reference/trading/private-cancel_all, …-cancel_all_by_currency,
        …-cancel_all_by_kind_or_type, …-cancel_all_by_instrument, …-cancel_quotes (which has no kind of every currency)
        """
        if self.kind or not any(order.kind == _QUOTE for order in survivors):
            return self._orders
        parts = [{"cancel_type": "instrument", "instrument_name": one} for one in self.instruments]
        whole = {"cancel_type": "currency", "currency": self.currency} if self.currency else {"cancel_type": "all"}
        quotes = partial(cancelling, "cancel_quotes", QUOTES, self.testnet, bucket="quotes")
        return (*self._orders, *(quotes(one) for one in parts or [whole]))

    @cached_property
    def _orders(self) -> tuple[Request, ...]:
        first, part = Purpose.MASS_CANCEL, {"currency": self.currency or "any", "kind": self.kind}
        if self.instruments:
            one_of = partial(cancelling, "cancel_all_by_instrument", INSTRUMENT_CANCEL, self.testnet)
            return tuple(one_of({"instrument_name": one}) for one in self.instruments)
        if self.currency:
            return (cancelling("cancel_all_by_currency", first, self.testnet, part),)
        if self.kind:
            return (cancelling("cancel_all_by_kind_or_type", first, self.testnet, part),)
        return (cancelling("cancel_all", first, self.testnet, {}, "cancel all"),)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """There is no call for several."""
        return one_by_one(orders, lambda one: cancelling("cancel", Purpose.CANCEL, self.testnet, {"order_id": one.id}))

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """The orders that an answer names are cancelled. Where a part has failed, there is more to cancel."""
        if request.purpose == Purpose.CANCEL:
            order = payload.as_object(reply.json).get("result")
            named = payload.usable_id(order, "order_id") is not None and not is_over(order)
            orders, _ = payload.orders([order] if named else [], self._order)
            return Acknowledgement(cancelled=tuple(one.id for one in orders), orders=orders)
        done = report(reply)
        orders, _ = payload.orders(done.cancelled, self._order)
        return Acknowledgement(
            cancelled=tuple(one.id for one in orders),
            orders=orders,
            failed=tuple(Failure(id="", reason=words) for _, words in done.errors),
            count=done.count,
            capped=bool(done.errors),
        )

    def unsaid(self, order: Order) -> bool:
        """Whether it may be one of another instrument: the listing is of all, and this one does not tell."""
        return bool(self.instruments) and order.symbol is None

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """One answer without pages. Of an instrument that does not exist there is none but that of the account."""
        path = "private/get_open_orders_by_currency" if self.currency else "private/get_open_orders"
        return ((get(path, Purpose.LISTING, self.testnet, {"currency": self.currency, "kind": self.kind}),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """https://docs.deribit.com/api-reference/trading/private-get_open_orders"""
        answer = payload.as_object(reply.json)
        entries, null = payload.null_or_list(answer, "result")
        orders, odd = payload.orders(entries, self._listed)
        silent = "" if isinstance(answer.get("testnet"), bool) else "the answer does not say its environment"
        if null and silent:
            raise Unreadable("result is null, and the answer is none of the venue's")
        return Page(orders=orders, unsure=payload.why(odd, silent), null=null)

    def _listed(self, row: Row) -> Order | None:
        state = row.text("order_state", needed=True)
        if state in _CLOSED:
            return None
        if state not in (None, payload.UNREADABLE, *_WORKING):
            row.odd(f"order_state {payload.message(state)} is unknown", None)
        return self._in_scope(self._order(row))

    def _in_scope(self, order: Order) -> Order | None:
        """An order whose instrument cannot be read may be in every scope."""
        return order if not self.instruments or order.symbol is None or order.symbol in self.instruments else None

    def _order(self, row: Row, key: str = "order_id") -> Order:
        """An order as any list shows it. Raises Unreadable without an id."""
        symbol, kind = row.name("instrument_name", needed=True), row.text("order_type") or ""
        side, price, trigger = row.text("direction"), row.text("price"), row.text("trigger_price")
        quantity, quote = row.text("amount"), row.flag("quote")
        filled = None if quote else row.text("filled_amount")  # of a quote, `amount` is what is left
        makers = (word for word in ("liquidation", "rebalance") if row.flag(f"is_{word}"))
        return Order(
            id=row.identity(key),
            segment=self.name,
            client_id=row.client_id("label"),
            symbol=symbol,
            side=side,
            type=kind or None,
            price=trigger if price in (None, "market_price") else price,
            quantity=quantity,
            remaining=payload.minus(quantity, filled),
            protection=_protection(row, kind, symbol, side),
            kind=_QUOTE if quote else kind,
            origin=next(makers, None) or row.text("app_name") or "",
            created_ms=row.number("creation_timestamp"),
        )

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """The mass cancel once more: it must find nothing, or say null twice. What it found it has taken."""
        return tuple(Witness(request=one, read=lambda *_: False, twice=_is_null) for one in self._orders)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Trigger orders that never fired have a history of their own.

        https://docs.deribit.com/api-reference/trading/private-get_order_history_by_currency (30 minutes)
        """
        own = (self.currency,) if self.currency else ()
        waiting = dict.fromkeys(coin for one in orders if _waits(one) for coin in own or currencies_of(one))
        coins = dict.fromkeys(coin for one in orders for coin in own or currencies_of(one))
        triggers = partial(get, "private/get_trigger_order_history", TRIGGER_ENDS, self.testnet)
        others = partial(get, "private/get_order_history_by_currency", Purpose.FINAL_STATES, self.testnet)
        more = {"kind": self.kind or "any", "count": str(_HISTORY), "include_unfilled": "true"}
        return (
            *(triggers({"currency": coin, "count": str(_HISTORY)}) for coin in waiting),
            *(others({"currency": coin, **more}) for coin in coins),
        )

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        result = payload.as_object(reply.json).get("result")
        if request.purpose == TRIGGER_ENDS:
            log = payload.as_object(result, "result")
            token = Row(log).name("continuation")
            following = None if token in (None, "none") else with_parameters(request, continuation=token)
            ends = payload.ends(payload.as_list(log.get("entries"), "entries"), self._trigger_end)
            return FinalStates(orders=ends, next=following)
        entries = payload.as_list(result, "result")
        read = int(parameters(request).get("offset", "0")) + len(entries)
        following = with_parameters(request, offset=str(read)) if len(entries) >= _HISTORY else None
        return FinalStates(orders=payload.ends(entries, self._end), next=following)

    def _end(self, row: Row) -> tuple[Order, EndState, str] | None:
        """How one order ended; None for a row that does not tell."""
        state, reason = row.text("order_state"), row.text("cancel_reason")
        order = self._in_scope(self._order(row))
        if order is None or state not in _CLOSED:
            return None
        order = replace(order, ended_ms=row.number("last_update_timestamp"))
        if state == "filled":
            return order, EndState.FILLED, ""
        filled = payload.filled_before(row.name("filled_amount"))
        why = payload.why(filled, "" if reason in (None, "user_request") else reason)
        return (order, EndState.CANCELLED, why) if state == "cancelled" else (order, EndState.GONE, state)

    def _trigger_end(self, row: Row) -> tuple[Order, EndState, str] | None:
        """The same of a trigger order. One that fired has placed another order; its own kind is not shown any more."""
        state, placed = row.text("order_state") or "", row.text("order_id")
        order = self._in_scope(self._order(row, "trigger_order_id"))
        if order is None or not state.startswith(("cancelled", "triggered", "rejected")):
            return None
        if not self.kind:  # this history is of every kind: of a part of it, only orders that are known by now count
            order = replace(order, ended_ms=row.number("timestamp"))
        if state == "cancelled":
            return order, EndState.CANCELLED, ""
        return order, EndState.GONE, payload.why(state, f"it placed {placed}" if placed else "")


def _is_null(request: Request, reply: Reply) -> bool:
    return payload.as_object(reply.json).get("result", ...) is None


def _waits(order: Order) -> bool:
    """Whether it was a trigger order, by its kind, or else by its id: `ETH-SLIS-12`."""
    return order.kind in TRIGGERED or bool(re.fullmatch(r"[A-Z_]+-[A-Z]+-\d+", order.id))


def _protection(row: Row, kind: str, instrument: str | None, side: str | None) -> Protection:
    """Protective: what is reduce-only. On spot nothing is: there a triggered sell can only shrink a holding. Of a kind
    that is not known, and of what does not say what decides, nobody can tell.
    """
    reduces = row.flag("reduce_only")
    if reduces:
        return Protection.PROTECTIVE
    if reduces is None or kind not in (*_ORDINARY, *TRIGGERED):
        return Protection.UNKNOWN
    if kind in _ORDINARY or "-" in (instrument or ""):
        return Protection.NONE
    if not is_spot(instrument or "") or side not in ("buy", "sell"):
        return Protection.UNKNOWN
    return Protection.PROTECTIVE if side == "sell" else Protection.NONE
