"""Pacifica: what its answers say: pages, acknowledgements, how orders ended, what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from cancelall import payload
from cancelall.declare import nearest
from cancelall.errors import Unreadable
from cancelall.model import Acknowledgement, Order, Page, Protection, Reply, Request, Settlement, State
from cancelall.venues.contract import Batch, Discovery
from cancelall.venues.pacifica.calls import get, is_stop
from cancelall.venues.pacifica.options import STRATEGIES_PAGE, Facts, Options

_SIDES = {"bid": "buy", "ask": "sell"}


REDUCE_ONLY = " reduce-only"


_ORDER_TYPES = frozenset(
    {"limit", "market", "stop_limit", "stop_market", "take_profit_limit", "take_profit_market"}
    | {"stop_loss_limit", "stop_loss_market"}
)


_STRATEGY_TYPES = frozenset({"oco", "conditional", "trailing_stop", "auto_chase", "swarm", "trigger_swarm", "twap"})


_ENDS = {"filled": State.FILLED, "completed": State.FILLED, "cancelled": State.CANCELLED}


_OVER = frozenset({"cancelled", "expired", "completed"})
"""Lifecycles of strategies that can do nothing any more. Every other word, documented or not, is open."""


def _rows(reply: Reply) -> tuple[list[Any], str]:
    """The rows of `data`, and why they may not be all: there are no pages, so one that hints at more is incomplete."""
    answer = payload.as_object(payload.parse(reply.body))
    more = payload.flag(answer, "has_more") or payload.maybe(answer, "next_cursor") is not None
    return payload.as_list(answer.get("data"), "data"), "the venue has more than it lists" if more else ""


def orders_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders (stops and TP/SL among them)

    `last_order_id` is counted through the exchange: with a smaller one than before, the answer is an older one.
    """
    rows, unsure = _rows(reply)
    orders = [_order("orders", payload.as_object(row, "order")) for row in rows]
    serial = payload.as_object(payload.parse(reply.body)).get("last_order_id")
    return Page(
        orders=tuple(order for order in orders if _in_scope(options, order)),
        unsure=unsure,
        serial=serial if isinstance(serial, int) else None,
    )


def twaps_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/twap/get-open-twap-orders (what is listed is running)"""
    rows, unsure = _rows(reply)
    orders = [_order("TWAP", payload.as_object(row, "TWAP")) for row in rows]
    return Page(orders=tuple(order for order in orders if _in_scope(options, order)), unsure=unsure)


def strategies_page(options: Options, request: Request, reply: Reply) -> Page:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/get-open-order-strategies

    An account holds at most 100 that are not finished, so a full page of 500 is not expected; it is read on anyway.
    """
    data = payload.as_object(payload.as_object(payload.parse(reply.body)).get("data"), "data")
    rows = [payload.as_object(row, "strategy") for row in payload.as_list(data.get("strategies"), "strategies")]
    orders = [_strategy(row) for row in rows if _said(row, "lifecycle") not in _OVER]
    following = None
    if len(rows) >= STRATEGIES_PAGE:
        head, _, offset = request.query.rpartition("=")
        following = Request(**{**request.__dict__, "query": f"{head}={int(offset) + len(rows)}"})
    return Page(orders=tuple(order for order in orders if _in_scope(options, order)), next=following)


def _in_scope(options: Options, order: Order) -> bool:
    """An order whose market cannot be read is in every scope."""
    return not options.symbol or order.symbol is None or order.symbol in options.symbol


def _order(segment: str, row: Mapping[str, Any]) -> Order:
    identity = payload.number(row, "order_id")
    if identity is None:
        raise Unreadable("order_id is missing")
    kind = "twap" if segment == "TWAP" else payload.field(row, "order_type")
    known = segment == "TWAP" or kind in _ORDER_TYPES
    symbol, side = payload.field(row, "symbol"), payload.maybe(row, "side")
    quantity = payload.maybe(row, "initial_amount") or payload.maybe(row, "amount")
    parent = payload.maybe(row, "parent_id")
    reduces = payload.flag(row, "reduce_only") if row.get("reduce_only") is not None else None
    # On spot nothing is reduce-only: there a triggered sell is what can only shrink a holding.
    sells_spot = "-" in symbol and side == "ask" and kind.startswith(("stop_", "take_profit_"))
    return Order(
        id=str(identity),
        segment=segment,
        client_id=payload.maybe(row, "client_order_id"),
        symbol=symbol,
        side=_SIDES.get(side or "", side),
        type=kind,
        price=payload.maybe(row, "price") or payload.maybe(row, "initial_price"),
        quantity=quantity,
        remaining=_less(quantity, payload.maybe(row, "filled_amount"), payload.maybe(row, "cancelled_amount")),
        protection=_protection(known, True if sells_spot else reduces),
        kind=kind + REDUCE_ONLY * (reduces is True),
        origin=f"strategy {parent}" if parent else "",
        created_ms=payload.number(row, "created_at"),
        ended_ms=payload.number(row, "updated_at") if "order_status" in row else None,
    )


def _strategy(row: Mapping[str, Any]) -> Order:
    """One strategy. Its parameters differ by type: `execution_symbol` is where a conditional one trades.

    https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies/strategy-parameters
    """
    kind = _said(row, "strategy_type") or ""
    definition = row.get("definition")
    params = definition.get("params") if isinstance(definition, dict) else None
    params = params if isinstance(params, dict) else {}
    side, reduces = _said(params, "side"), _strategy_reduces(params)
    return Order(
        id=payload.field(row, "strategy_id"),
        segment="strategies",
        symbol=_said(params, "execution_symbol") or _said(params, "symbol"),
        side=_SIDES.get(side or "", side),
        type=kind or None,
        quantity=_said(params, "amount"),
        protection=_protection(kind in _STRATEGY_TYPES, reduces),
        kind=kind + REDUCE_ONLY * (reduces is True),
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
        return Acknowledgement(count=_count(reply))
    if request.path.endswith("/twap/cancel"):
        return Acknowledgement()
    named = json.loads(request.body)
    return Acknowledgement(cancelled=(str(named.get("order_id") or named["strategy_id"]),))


def _count(reply: Reply) -> int:
    """`cancelled_count`, at the top as documented or under `data` as it comes live."""
    answer = payload.as_object(payload.parse(reply.body))
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
    data = payload.as_object(payload.parse(reply.body)).get("data")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    account = payload.as_object(data, "data")
    counted = payload.number(account, "orders_count"), payload.number(account, "stop_orders_count")
    if None in counted:
        raise Unreadable("the account's counts are missing")
    stops = sum(is_stop(order) for order in kept)
    return counted == (len(kept) - stops, stops)


def settled(segment: str, options: Options, request: Request, reply: Reply) -> Settlement:
    """How orders ended. A page costs up to 12 of 100 credits: it is read on only while half of them are left.

    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-order-history
    """
    answer = payload.as_object(payload.parse(reply.body))
    found = []
    for entry in payload.as_list(answer.get("data"), "data"):
        row = payload.as_object(entry, "order")
        status, reason = payload.maybe(row, "order_status"), payload.maybe(row, "reason")
        if status in _ENDS and _in_scope(options, order := _order(segment, row)):
            partly = status == "cancelled" and (payload.maybe(row, "filled_amount") or "0").strip("0.") != ""
            notes = [f"{row['filled_amount']} filled before"] if partly else []
            notes += [reason] if reason not in (None, "cancel") else []
            found.append((order, _ENDS[status], "; ".join(notes)))
    left, quota = limit(reply, "ratelimit", "r"), limit(reply, "ratelimit-policy", "q")
    cursor = payload.maybe(answer, "next_cursor") if payload.flag(answer, "has_more") else None
    following = None
    if cursor is not None and left is not None and quota is not None and 2 * left > quota:
        query = f"{request.query.partition('&cursor=')[0]}&cursor={quote(cursor, safe='')}"
        following = Request(**{**request.__dict__, "query": query})
    return Settlement(orders=tuple(found), next=following)


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Is every symbol known to the venue? A cancel of a misspelt one succeeds, and its case matters.

    https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info
    """
    if not options.symbol:
        return ()
    return (Discovery(name="markets", request=get("/info"), read=_markets, learn=lambda facts, names: facts),)


def _markets(request: Request, reply: Reply) -> Batch:
    return Batch(names=tuple(payload.field(payload.as_object(row, "market"), "symbol") for row in _rows(reply)[0]))


def doubts(options: Options, names: frozenset[str]) -> tuple[str, ...]:
    """Symbols that the venue does not know, each with the nearest right spelling."""
    unknown = [symbol for symbol in options.symbol if symbol not in names]
    return tuple(f"Pacifica knows no --symbol {symbol}{nearest(symbol, names)}" for symbol in unknown)


def limit(reply: Reply, header: str, name: str) -> int | None:
    """One number of `ratelimit: "credits";r=1200;t=32` or `ratelimit-policy: "credits";q=1250;w=60`; credits times ten.

    https://docs.pacifica.fi/api-documentation/api/rate-limits
    """
    found = re.search(rf";\s*{name}=(\d{{1,9}})(?!\d)", reply.headers.get(header, ""), re.ASCII)
    return int(found[1]) if found else None
