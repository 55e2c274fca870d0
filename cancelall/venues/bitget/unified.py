"""The unified account, REST v3: ordinary and strategy orders by category.

https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order, .../uta/strategy/Get-Unfilled-Strategy-Orders and their
neighbours. Strategy orders of type `trigger`, and of spot and margin, are younger than these pages: clients have them.
"""

from __future__ import annotations

import re
from functools import partial

from cancelall import payload
from cancelall.errors import Unreadable
from cancelall.model import Order, Page, Priority, Protection, Reply, Request, Settlement, State
from cancelall.venues.bitget import calls
from cancelall.venues.bitget.calls import Row, Words, asked, get, post
from cancelall.venues.contract import Segment, Witness

TRADE = "/api/v3/trade"
TYPES = ("tpsl", "trigger")

_CANCELLED = {"canceled": (State.CANCELLED, ""), "cancelled": (State.CANCELLED, "")}
_ORDER = Words(
    status="orderStatus",
    quantity="qty",
    filled="cumExecQty",
    prices=("price",),
    created="createdTime",
    ends={"filled": (State.FILLED, ""), **_CANCELLED},
)
_STRATEGY = Words(
    status="status",
    quantity="qty",
    filled="cumExecQty",
    prices=("triggerPrice", "stopLoss", "takeProfit"),
    created="createdTime",
    ends={"success": (State.GONE, "triggered"), "failed": (State.GONE, "triggered and failed"), **_CANCELLED},
)


def segments(
    categories: tuple[str, ...], symbols: dict[str, tuple[str, ...]], coin: str | None, prefix: str
) -> tuple[Segment, ...]:
    """Two for each category, strategies first: one that fires becomes an ordinary order."""
    found: list[Segment] = []
    for category in categories:
        # Only coin-margined contracts differ in their coin. They are settled in the one that their name begins with.
        base = coin if category == "COIN-FUTURES" else None
        found += (
            _orders(f"{prefix}{category}", category, symbols[category], base),
            _strategies(f"{prefix}{category} strategy orders", category, symbols[category], base),
        )
    return tuple(sorted(found, key=lambda segment: not segment.feeds))


def _orders(name: str, category: str, symbols: tuple[str, ...], base: str | None) -> Segment:
    """Ordinary orders. No call narrows by a coin, so with one they are cancelled by name alone."""
    path = f"{TRADE}/cancel-symbol-order"
    mass = tuple(post(path, {"category": category, "symbol": symbol}) for symbol in symbols)
    whole = post(path, {"category": category})
    passes = calls.narrowed(symbols, category=category, limit="100")
    blind = () if base else mass or (whole,)
    return Segment(
        name=name,
        mass_cancels=lambda survivors: blind,
        listings=(tuple(get(f"{TRADE}/unfilled-orders", **one) for one in passes),),
        page=partial(_page, name, symbols, base),
        acknowledge=calls.acknowledge,
        cancels=partial(_cancels, category),
        settle=lambda orders, since_ms: calls.recent(f"{TRADE}/history-orders", orders, category=category),
        settled=partial(_settled, name),
        named_gap=calls.NAMED_GAP,
        # What it answers to none is not written, so only that it took an order is a word.
        witnesses=tuple(Witness(request=one, read=calls.nothing_cancelled, optional=True) for one in blind),
    )


def _strategies(name: str, category: str, symbols: tuple[str, ...], base: str | None) -> Segment:
    """TP/SL and trigger orders, by each type's name and once without, which may show types that are younger still.

    They are cancelled one by one: there is no call for several, and no listing by symbol.
    """
    path = f"{TRADE}/unfilled-strategy-orders"
    return Segment(
        name=name,
        mass_cancels=lambda survivors: (),
        listings=(tuple(get(path, category=category, type=one) for one in TYPES), (get(path, category=category),)),
        page=partial(_strategy_page, name, category, symbols, base),
        acknowledge=calls.acknowledge,
        cancels=lambda orders, others: tuple(
            (post(f"{TRADE}/cancel-strategy-order", {"orderId": order.id}, Priority.CANCEL), (order,))
            for order in orders
        ),
        settle=partial(_strategy_settle, category),
        settled=partial(_strategy_settled, name, category),
        named_gap=calls.NAMED_GAP,
        feeds=True,
    )


def _cancels(
    category: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """The body is an array. https://www.bitget.com/api-doc/uta/trade/Cancel-Batch"""
    found = []
    for chunk in calls.chunks(tuple(order for order in orders if order.symbol)):
        body = [{"orderId": one.id, "category": category, "symbol": one.symbol} for one in chunk]
        found.append((post(f"{TRADE}/cancel-batch", body, Priority.CANCEL), chunk))
    return tuple(found)


def _in_scope(symbols: tuple[str, ...], base: str | None, row: Row) -> bool:
    """Whether an order is of these symbols and this coin. Raises Unreadable where it does not tell."""
    if not symbols and base is None:
        return True
    symbol = payload.field(row, "symbol").upper()
    settled_in_it = base is None or bool(re.fullmatch(re.escape(base) + r"USD([HMUZ]\d{2})?", symbol))
    return settled_in_it and (not symbols or symbol in symbols)


def _order(segment: str, row: Row) -> Order:
    """In hedge mode an order closes a position when its side is the other one."""
    sides = (payload.maybe(row, "posSide"), payload.maybe(row, "side"))
    hedged = payload.maybe(row, "holdMode") == "hedge_mode"
    closes = payload.flag(row, "reduceOnly") or (hedged and sides in (("long", "sell"), ("short", "buy")))
    protection = Protection.PROTECTIVE if closes else Protection.NONE
    type_ = payload.maybe(row, "orderType") or ""
    return calls.order_of(segment, _ORDER, row, kind="", type_=type_, protection=protection)


def _strategy(segment: str, category: str, kind: str, row: Row) -> Order:
    """TP/SL of a contract belongs to a position. On spot and margin a triggered sell protects, where a row tells it."""
    if category in ("SPOT", "MARGIN"):
        sides = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
        protection = sides.get((payload.maybe(row, "side") or "").lower(), Protection.UNKNOWN)
    elif kind == "tpsl" or payload.flag(row, "reduceOnly"):
        protection = Protection.PROTECTIVE
    else:
        protection = Protection.NONE if kind == "trigger" else Protection.UNKNOWN
    return calls.order_of(segment, _STRATEGY, row, kind=kind, type_=kind or "strategy", protection=protection)


def _rows(request: Request, reply: Reply) -> tuple[list[Row], Request | None]:
    """The rows of a page; the cursor is there even on the last one, so that the listing ends at an empty page."""
    found = payload.as_object(calls.data(reply), "data")
    rows = calls.maybe_null(found, "list")
    _check_category(request, rows)
    cursor = payload.maybe(found, "cursor")
    return rows, calls.following(request, "cursor", cursor) if rows and cursor else None


def _check_category(request: Request, rows: list[Row]) -> None:
    wanted = asked(request, "category")
    for row in rows:
        if (payload.maybe(payload.as_object(row, "order"), "category") or wanted).upper() != wanted:
            raise Unreadable(f"the listing is not of {wanted}")


def _page(segment: str, symbols: tuple[str, ...], base: str | None, request: Request, reply: Reply) -> Page:
    rows, following = _rows(request, reply)
    if len(rows) >= int(asked(request, "limit")) and following is None:
        raise Unreadable("a full page without a cursor")
    return calls.page(request, rows, _ORDER, partial(_order, segment), partial(_in_scope, symbols, base), following)


def _settled(segment: str, request: Request, reply: Reply) -> Settlement:
    rows, following = _rows(request, reply)
    return calls.settlement(rows, _ORDER, partial(_order, segment), following)


def _strategy_page(
    segment: str, category: str, symbols: tuple[str, ...], base: str | None, request: Request, reply: Reply
) -> Page:
    """A plain array of all: no paging is documented."""
    rows = payload.as_list(calls.data(reply), "data")
    _check_category(request, rows)
    order = partial(_strategy, segment, category, asked(request, "type"))
    return calls.page(request, rows, _STRATEGY, order, partial(_in_scope, symbols, base), None)


def _strategy_settle(category: str, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    path = f"{TRADE}/history-strategy-orders"
    kinds = [kind for kind in TYPES if any(order.kind == kind for order in orders)]
    return tuple(get(path, category=category, limit="100", type=kind) for kind in kinds)


def _strategy_settled(segment: str, category: str, request: Request, reply: Reply) -> Settlement:
    rows, following = _rows(request, reply)
    return calls.settlement(rows, _STRATEGY, partial(_strategy, segment, category, asked(request, "type")), following)
