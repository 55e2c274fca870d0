"""Orders, TWAPs and strategies as Pacifica's listings and histories show them.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders, .../get-order-history,
.../twap/get-open-twap-orders and .../order-strategies/get-order-strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..book import SimOrder
from ..rows import Cell, iso, tables

Clock = Callable[[int], int]
SIDES = {"buy": "bid", "sell": "ask"}


def _cancelled(order: SimOrder, _: object = None) -> str:
    return order.remaining if order.status == "cancelled" else "0"


def _order_status(order: SimOrder, _: object) -> str:
    """Partly filled ones have a word of their own in a history."""
    return "partially_filled" if order.status == "open" and order.executed else order.status


def _lifecycle(order: SimOrder, _: object) -> object:
    return {"open": order.extra.get("lifecycle"), "cancelled": "cancelled", "filled": "completed"}[order.status]


def _definition(order: SimOrder, _: object) -> dict[str, object]:
    """The parameters, as far as they matter: .../order-strategies/strategy-parameters."""
    params: dict[str, object] = {"side": SIDES[order.side], "amount": order.quantity, "reduce_only": order.reduce_only}
    if order.kind in ("conditional", "trigger_swarm"):
        params |= {"trigger_symbol": order.symbol, "execution_symbol": order.symbol, "trigger_price": "66000"}
        params |= {"trigger_price_type": "mark", "trigger_direction": "gte", "order_type": "market"}
    else:
        params["symbol"] = order.symbol
    if order.kind == "oco":
        params["legs"] = [{"trigger_price": price, "order_type": "market"} for price in ("70000", "50000")]
    return {"strategy_type": order.kind, "params": params}


_CELLS: Mapping[str, Cell] = {
    "side": lambda order, _: SIDES[order.side],
    "cancelled": _cancelled,
    "order_status": _order_status,
    "status": lambda order, _: order.status,
    "reason": lambda order, _: "cancel" if order.status == "cancelled" else None,
    "terminal_reason": lambda order, _: "cancelled" if order.status == "cancelled" else None,
    "expiration": lambda order, clock: clock(order.created_ms + 7_200_000),
    "created_iso": lambda order, clock: iso(clock(order.created_ms)),
    "updated_iso": lambda order, clock: iso(clock(order.updated_ms)),
    "lifecycle": _lifecycle,
    "definition": _definition,
}
_HEAD = "order_id=.number client_order_id=.client_id_or_null symbol side reduce_only"
_TIMES = "created_at=.created updated_at=.updated"
_AMOUNTS = "initial_amount=.quantity filled_amount=.executed"
_STOP = "order_type=.kind stop_price=?stop_price stop_parent_order_id=?stop_parent_order_id"
_TWAP = f"""
    {_HEAD} {_AMOUNTS} slippage_percent=0.500000000000 planned_sub_order_amount=0.001 planned_sub_order_count=#121
    past_sub_order_count=#40 total_filled_value=0 expiration {_TIMES}
"""
_table = tables(_CELLS)
_ORDER = _table(f"{_HEAD} price {_AMOUNTS} cancelled_amount=.cancelled {_STOP} {_TIMES}")
_EVENT = _table(f"{_HEAD} price initial_amount=.quantity {_STOP}")

# One order of `/orders/history`, in its latest state.
history_row = _table(f"""
    {_HEAD} initial_price=.price average_filled_price=.average amount=.quantity filled_amount=.executed order_status
    {_STOP} reason {_TIMES}
""")
twap_row = _table(_TWAP)
twap_history_row = _table(f"{_TWAP} order_status=.status")
# One strategy. Which fields a listing has beyond the first five is known in part only.
strategy_row = _table("""
    strategy_id=.id revision=#1 account=?account strategy_type=.kind definition lifecycle terminal_reason
    owned_orders=#[] created_at=.created_iso updated_at=.updated_iso
""")


def order_row(order: SimOrder, clock: Clock) -> dict[str, object]:
    """One order of `/orders`. Only orders that a strategy placed carry `parent_id`."""
    parent = {"parent_id": order.extra["strategy"]} if "strategy" in order.extra else {}
    return {**_ORDER(order, clock), **parent}


def event_rows(order: SimOrder, clock: Clock) -> list[dict[str, object]]:
    """The events of one order, the last first, as `/orders/history_by_id` has them."""
    events = [("make", "open", "0", "0", order.created_ms)]
    if order.status == "cancelled":
        events.append(("cancel", "cancelled", str(order.executed), _cancelled(order), order.updated_ms))
    elif order.status == "filled":
        events.append(("fulfill_limit", "filled", order.quantity, "0", order.updated_ms))
    return [
        {
            "history_id": 2 * int(order.id) + number,
            **_EVENT(order, clock),
            "event_type": event,
            "order_status": status,
            "filled_amount": done,
            "cancelled_amount": gone,
            "created_at": clock(when_ms),
        }
        for number, (event, status, done, gone, when_ms) in reversed(list(enumerate(events)))
    ]
