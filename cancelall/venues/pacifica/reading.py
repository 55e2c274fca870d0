"""Pacifica: what its answers say: pages, acknowledgements, how orders ended, what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import quote

from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, words
from cancelall.venues.pacifica.calls import account_of, get, is_stop
from cancelall.venues.pacifica.options import STRATEGIES_PAGE, Facts, Options
from cancelall.venues.payload import Row

_SIDES = {"bid": "buy", "ask": "sell"}


REDUCE_ONLY = " reduce-only"
UNSAID = " reduce-only?"
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


def orders_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders (stops and TP/SL among them)

    `last_order_id` is counted through the exchange: with a smaller one than before, the answer is an older one.
    """
    serial = payload.as_object(reply.json).get("last_order_id")
    known = isinstance(serial, int) and not isinstance(serial, bool)
    return replace(_whole("orders", options, reply), serial=serial if known else None)


def twaps_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/twap/get-open-twap-orders (what is listed is running)"""
    return _whole("TWAP", options, reply)


def _whole(segment: str, options: Options, reply: Reply) -> Page:
    """A listing without pages: one that hints at more is incomplete."""
    answer = Row(reply.json, "answer")
    entries, null = payload.null_or_list(answer.record, "data")
    orders, odd = payload.orders(entries, partial(_listed, segment, options), "TWAP" if segment == "TWAP" else "order")
    more = answer.flag("has_more") or answer.text("next_cursor") is not None
    whys = [*answer.oddities, odd, "the venue has more than it lists" if more else ""]
    return Page(orders=orders, unsure="; ".join(filter(None, whys)), null=null)


def strategies_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/get-open-order-strategies

    An account holds at most 100 that are not finished, so a full page of 500 is not expected; it is read on anyway.
    """
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    entries, null = payload.null_or_list(data, "strategies")
    orders, odd = payload.orders(entries, partial(_running, options), "strategy")
    full = len(entries) >= STRATEGIES_PAGE
    following = None
    if full:
        head, _, offset = request.query.rpartition("=")
        following = replace(request, query=f"{head}={int(offset) + len(entries)}")
    return Page(orders=orders, next=following, unsure=odd, full=full, null=null)


def _in_scope(options: Options, order: Order) -> bool:
    """An order whose market cannot be read is in every scope."""
    return not options.symbol or order.symbol is None or order.symbol in options.symbol


def _listed(segment: str, options: Options, row: Row) -> Order | None:
    order = _order(segment, row)
    return order if _in_scope(options, order) else None


def _running(options: Options, row: Row) -> Order | None:
    if row.record.get("lifecycle") in _OVER:
        return None
    row.text("lifecycle", needed=True)
    order = _strategy(row)
    return order if _in_scope(options, order) else None


def _number_id(row: Row) -> str:
    """An order's id. A cancel names it as a number: it has to be one. Raises Unreadable."""
    identity = row.identity("order_id")
    if not (identity.isdigit() and len(identity) <= 20):
        raise Unreadable("order_id is no number")
    return identity


def _order(segment: str, row: Row) -> Order:
    """One order or TWAP, whatever else is wrong with its row. Raises Unreadable without an id."""
    identity, symbol = _number_id(row), row.text("symbol", needed=True)
    kind = "twap" if segment == "TWAP" else row.text("order_type", needed=True) or payload.UNREADABLE
    side, parent = row.text("side"), row.text("parent_id")
    quantity = row.text("initial_amount") or row.text("amount")
    reduces = row.flag("reduce_only") if row.record.get("reduce_only") is not None else None
    # On spot nothing is reduce-only: there a triggered sell is what can only shrink a holding.
    sells_spot = "-" in (symbol or "") and side == "ask" and is_stop(kind)
    return Order(
        id=identity,
        segment=segment,
        client_id=row.text("client_order_id"),
        symbol=None if symbol == payload.UNREADABLE else symbol,
        side=_SIDES.get(side or "", side),
        type=kind,
        price=row.text("price") or row.text("initial_price"),
        quantity=quantity,
        remaining=_less(quantity, row.text("filled_amount"), row.text("cancelled_amount")),
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
    if not said or not all(isinstance(one, bool) for one in said):
        return None
    return all(said)


def _marked(kind: str, reduces: bool | None) -> str:
    """A kind, and whether an order of it is reduce-only."""
    return kind + (UNSAID if reduces is None else REDUCE_ONLY * reduces)


def _protection(known: bool, reduces: bool | None) -> Protection:
    """Protective is what can only shrink a position: reduce-only. A trailing stop or OCO that may open one is not."""
    if not known or reduces is None:
        return Protection.UNKNOWN
    return Protection.PROTECTIVE if reduces else Protection.NONE


def _less(quantity: str | None, *taken: str | None) -> str | None:
    """What is left of an amount; None when the amounts are no numbers."""
    try:
        left = Decimal(quantity or "") - sum((Decimal(one) for one in taken if one), Decimal(0))
    except InvalidOperation:
        return None
    return str(left) if left.is_finite() else None


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """A cancel of everything tells a number, a cancel by name succeeds or not. A TWAP cancel succeeds for any id."""
    if request.path.endswith("/cancel_all"):
        try:
            return Acknowledgement(count=_count(reply))
        except Unreadable:  # a success all the same; the listing decides
            return Acknowledgement()
    if request.path.endswith("/twap/cancel"):
        return Acknowledgement()
    named = json.loads(request.body)
    return Acknowledgement(cancelled=(str(named.get("order_id") or named["strategy_id"]),))


def _count(reply: Reply) -> int:
    """`cancelled_count`, at the top as documented or under `data` as it comes live. Raises Unreadable."""
    answer = payload.as_object(reply.json)
    count = payload.number(payload.as_object(answer["data"], "data") if "data" in answer else answer, "cancelled_count")
    if count is None or count < 0:
        raise Unreadable("cancelled_count is missing")
    return count


def found_nothing(request: Request, reply: Reply) -> bool:
    return _count(reply) == 0


def counts_fit(kept: tuple[Order, ...], request: Request, reply: Reply) -> bool:
    """Whether `/account` counts just the orders that stay, stops apart. `data` is an object or a list of one.

    https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-account-info
    """
    account = _account(reply)
    counted = payload.number(account, "orders_count"), payload.number(account, "stop_orders_count")
    if None in counted:
        raise Unreadable("the account's counts are missing")
    stops = sum(is_stop(order.type or "") for order in kept)
    return counted == (len(kept) - stops, stops)


def _account(reply: Reply) -> Mapping[str, Any]:
    data = payload.as_object(reply.json).get("data")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    return payload.as_object(data, "data")


def final_page(segment: str, options: Options, request: Request, reply: Reply) -> FinalStates:
    """How orders ended. A page costs up to 12 of 100 credits: it is read on only while half of them are left, and then
    it says that there may be more, whatever the order of the pages is.

    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-order-history
    """
    answer = Row(reply.json, "answer")
    ends = (_end(segment, entry) for entry in payload.as_list(answer.record.get("data"), "data"))
    found = tuple(end for end in ends if end is not None and _in_scope(options, end[0]))
    left, quota = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
    cursor = answer.text("next_cursor") if answer.flag("has_more") is not False else None
    if cursor is None or cursor == payload.UNREADABLE:
        return FinalStates(orders=found)
    if left is None or quota is None or 2 * left <= quota:
        return FinalStates(orders=found, more=f"{segment}: more than the venue's history was asked for may have ended")
    query = f"{request.query.partition('&cursor=')[0]}&cursor={quote(cursor, safe='')}"
    return FinalStates(orders=found, next=replace(request, query=query))


def _end(segment: str, entry: object) -> tuple[Order, State, str] | None:
    """How one order ended; None for a row that does not tell."""
    try:
        row = Row(entry)
        order = _order(segment, row)
    except Unreadable:
        return None
    status, reason, filled = row.text("order_status"), row.text("reason"), row.text("filled_amount") or "0"
    if status not in _ENDS:
        return None
    notes = [f"{filled} filled before"] if status == "cancelled" and filled.strip("0.") else []
    notes += [reason] if reason not in (None, "cancel") else []
    return order, _ENDS[status], "; ".join(notes)


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Is every symbol known to the venue, and is a key's own address an account?

    A cancel of a misspelt symbol succeeds, and its case matters. An agent key without an account to act for would look
    like an account without orders, whose cancels succeed.
    https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info
    """
    found = []
    if options.symbol:
        found.append(Discovery(name="markets", request=get("/info"), read=_markets, learn=_learn))
    if not options.account:
        request = get("/account", account_of(options))
        found.append(Discovery(name="account, taken from the key", request=request, read=read_account, learn=_learn))
    return tuple(found)


def _learn(facts: Facts, names: tuple[Known, ...]) -> Facts:
    return facts


def _markets(request: Request, reply: Reply) -> Batch:
    """One odd market hides no other one."""
    names = []
    for entry in payload.as_list(payload.as_object(reply.json).get("data"), "data"):
        symbol = Row(entry).text("symbol") if isinstance(entry, dict) else None
        names += [Known(SYMBOL, symbol)] if symbol is not None and symbol != payload.UNREADABLE else []
    if not names:
        raise Unreadable("the list of markets names none")
    return Batch(names=tuple(names))


_SHOWN = ("balance", "account_equity", "pending_balance", "available_to_spend", "total_margin_used")
_COUNTED = ("orders_count", "stop_orders_count", "positions_count")


def read_account(request: Request, reply: Reply) -> Batch:
    """Whether the host has such an account, and whether anything is in it. Raises Unreadable without its counts."""
    row = Row(_account(reply), "account")
    if row.number("orders_count") is None or row.number("stop_orders_count") is None:
        raise Unreadable("the account's counts are missing")
    shown = any((row.text(key) or "0").strip("-0.?") for key in (*_SHOWN, *_COUNTED))
    return Batch(names=(KNOWN if shown or row.record.get("spot_balances") else EMPTY,))


KNOWN, EMPTY = Known("account", "known"), Known("account", "empty")


def doubts(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """Symbols that the venue does not know, each with the nearest right spelling; an address that may be an agent's."""
    known = words(names, SYMBOL)
    unknown = [symbol for symbol in options.symbol if symbol not in known]
    found = [f"Pacifica knows no --symbol {symbol}{nearest(symbol, known)}" for symbol in unknown]
    if not options.account and KNOWN not in names:
        found.append("nothing is at the address of this key: set account, as it may be an agent's key")
    return tuple(found)


def remarks(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """An account that nobody has configured."""
    taken = "account taken from the key: set account, so that an agent's key is never taken for one"
    return () if options.account else (taken,)


def limit(reply: Reply, header: str, name: str) -> int | None:
    """One number of `ratelimit: "credits";r=1200;t=32` or `ratelimit-policy: "credits";q=1250;w=60`; credits times ten.

    https://docs.pacifica.fi/api-documentation/api/rate-limits
    """
    found = re.search(rf";\s*{name}=(\d{{1,9}})(?!\d)", reply.headers.get(header, ""), re.ASCII)
    return int(found[1]) if found else None
