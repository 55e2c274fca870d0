"""Spot of the classic account, REST v2: ordinary and TP/SL orders, and trigger orders beside them.

https://www.bitget.com/api-doc/spot/trade/Cancel-Symbol-Orders, .../spot/plan/Batch-Cancel-Plan-Order and those beside.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from cancelall.core.model import FinalStates, Order, Page, Priority, Protection, Reply, Request
from cancelall.venues import payload
from cancelall.venues.bitget import calls, reading
from cancelall.venues.bitget.calls import Cancels, asked, get, post
from cancelall.venues.bitget.reading import Scope, Words, word
from cancelall.venues.contract import Segment, segment_of
from cancelall.venues.payload import Row

SPOT = "/api/v2/spot/trade"

_ORDER = Words(status="status", ends=reading.FILLED_OR_CANCELLED)
_PLAN = Words(status="status", ends=reading.TRIGGERED_OR_CANCELLED)


def orders(symbols: tuple[str, ...]) -> Segment:
    """Ordinary and TP/SL orders, listed apart. There is no call for all symbols: they come from the listing.

    Whether the cancel of a symbol takes TP/SL orders is not written; by name they are cancelled as what they are.
    """
    passes = calls.narrowed(symbols, limit=str(calls.PAGE))
    path = f"{SPOT}/unfilled-orders"
    return segment_of(
        name="SPOT",
        mass_cancels=partial(_mass_cancels, symbols),
        listings=(
            tuple(get(path, **one, tpslType="tpsl") for one in passes),
            tuple(get(path, **one, tpslType="normal") for one in passes),
        ),
        page=partial(_page, Scope(symbols=symbols)),
        acknowledge=reading.acknowledge,
        cancels=_cancels,
        singly=lambda orders, others: calls.each(
            f"{SPOT}/cancel-order", tuple(order for order in orders if order.symbol or order.kind == "tpsl"), _cancel
        ),
        final_states=_final_states,
        final_page=_final_page,
        named_gap=calls.NAMED_GAP,
    )


def _mass_cancels(symbols: tuple[str, ...], survivors: tuple[Order, ...]) -> tuple[Request, ...]:
    """By symbol where that was asked for, or where it saves batches: it is the slower one, and lands later."""
    listed = [order.symbol for order in survivors if order.kind == "normal" and order.symbol]
    many = (symbol for symbol in dict.fromkeys(listed) if listed.count(symbol) > calls.BATCH)
    return tuple(post(f"{SPOT}/cancel-symbol-order", {"symbol": symbol}) for symbol in symbols or many)


def _cancels(orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Cancels:
    """In batches of several symbols; TP/SL orders singly, for the batch has no word for them.

    https://www.bitget.com/api-doc/spot/trade/Cancel-Order
    """
    found = []
    for chunk in calls.chunks(tuple(order for order in orders if order.kind == "normal" and order.symbol)):
        named = [{"orderId": one.id, "symbol": one.symbol} for one in chunk]
        body = {"batchMode": "multiple", "orderList": named}
        found.append((post(f"{SPOT}/batch-cancel-order", body, Priority.CANCEL), chunk))
    waiting = tuple(order for order in orders if order.kind == "tpsl")
    return (*found, *calls.each(f"{SPOT}/cancel-order", waiting, _cancel))


def _cancel(order: Order) -> dict[str, object]:
    """A TP/SL order is named by its kind, and then without a symbol."""
    return {"orderId": order.id, **({"tpslType": "tpsl"} if order.kind == "tpsl" else {"symbol": order.symbol})}


def _order(kind: str, row: Row) -> Order:
    """A triggered sell protects what is held."""
    protection = Protection.NONE if kind == "normal" else _sells(row)
    type_ = (row.text("orderType") or "") if kind == "normal" else kind
    return reading.order_of("SPOT", _ORDER, row, kind=kind, type_=type_, protection=protection)


def _sells(row: Row) -> Protection:
    sides = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
    return sides.get(word(row, "side"), Protection.UNKNOWN)


def _last_id(rows: list[Any]) -> object:
    """A plain array does not say where to read on: from the id of its last row that has one."""
    return next((row["orderId"] for row in reversed(rows) if isinstance(row, dict) and row.get("orderId")), None)


def _page(scope: Scope, request: Request, reply: Reply) -> Page:
    rows, null = reading.array(reply)
    order = partial(_order, asked(request, "tpslType"))
    return reading.page(request, rows, _ORDER, order, scope, onward="idLessThan", last=_last_id(rows), null=null)


def _final_states(orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    path = f"{SPOT}/history-orders"
    kinds = {kind: tuple(one for one in orders if (one.kind or "normal") == kind) for kind in ("normal", "tpsl")}
    return tuple(request for kind, some in kinds.items() for request in calls.recent(path, some, tpslType=kind))


def _final_page(request: Request, reply: Reply) -> FinalStates:
    rows, _ = reading.array(reply)
    order = partial(_order, asked(request, "tpslType"))
    return reading.settlement(request, rows, _ORDER, order, onward="idLessThan", last=_last_id(rows))


def plan_orders(symbols: tuple[str, ...]) -> Segment:
    """Trigger orders, which one call cancels all. What it answers to none is not written: it is no witness."""
    whole = post(f"{SPOT}/batch-cancel-plan-order", {"symbolList": list(symbols)} if symbols else {})
    passes = calls.narrowed(symbols, limit=str(calls.PAGE))
    return segment_of(
        name="SPOT plan orders",
        mass_cancels=lambda survivors: (whole,),
        listings=(tuple(get(f"{SPOT}/current-plan-order", **one) for one in passes),),
        page=partial(_plan_page, Scope(symbols=symbols)),
        acknowledge=reading.acknowledge,
        cancels=lambda orders, others: calls.each(
            f"{SPOT}/cancel-plan-order", orders, lambda order: {"orderId": order.id}
        ),
        final_states=lambda orders, since_ms: (get(f"{SPOT}/history-plan-order", limit=str(calls.PAGE)),),
        final_page=_plan_final_page,
        named_gap=calls.NAMED_GAP,
        spawns=True,
    )


def _plan_order(row: Row) -> Order:
    return reading.order_of("SPOT plan orders", _PLAN, row, kind="plan", type_="plan", protection=_sells(row))


def _plan_page(scope: Scope, request: Request, reply: Reply) -> Page:
    """`nextFlag` says whether there is more. Without it, a page that is not full is the last one.

    An empty page that names an id to go on from is followed, whatever its flag says.
    """
    found = payload.as_object(reading.data(reply), "data")
    rows, null = payload.null_or_list(found, "orderList")
    more, last = found.get("nextFlag"), found.get("idLessThan")
    page = reading.page(request, rows, _PLAN, _plan_order, scope, null=null)
    following = calls.from_id(request, "idLessThan", last)
    goes_on = (more is not False and (more is not None or page.full)) or (not rows and following not in (None, request))
    why = ""
    if goes_on and following is None:
        why = "there may be more, and the page does not say where to read on"
    elif more is not None and not isinstance(more, bool):
        why = "nextFlag is not a truth value"
    unsure = "; ".join(filter(None, (page.unsure, why)))
    return replace(page, next=following if goes_on else None, unsure=unsure)


def _plan_final_page(request: Request, reply: Reply) -> FinalStates:
    found = payload.as_object(reading.data(reply), "data")
    rows, _ = payload.null_or_list(found, "orderList")
    last = found.get("idLessThan") if found.get("nextFlag") is True else None
    return reading.settlement(request, rows, _PLAN, _plan_order, onward="idLessThan", last=last)
