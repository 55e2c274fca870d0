"""Orders, TWAPs and strategies as Pacifica's listings and histories show them.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders, .../get-order-history,
.../twap/get-open-twap-orders and .../order-strategies/get-order-strategy.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from ..book import SimOrder

Clock = Callable[[int], int]
_SIDES = {"buy": "bid", "sell": "ask"}


def filled(order: SimOrder) -> str:
    """How much of the order has been filled."""
    return str(Decimal(order.quantity) - Decimal(order.remaining))


def cancelled(order: SimOrder) -> str:
    """How much of it was cancelled."""
    return order.remaining if order.status == "cancelled" else "0"


def order_status(order: SimOrder) -> str:
    """`order_status` of a history."""
    if order.status == "open":
        return "partially_filled" if Decimal(filled(order)) else "open"
    return order.status


def order_row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One order of `/orders`. Only orders that a strategy placed carry `parent_id`."""
    row: dict[str, object] = {
        "order_id": int(order.id),
        "client_order_id": order.client_id or None,
        "symbol": order.symbol,
        "side": _SIDES[order.side],
        "price": order.price,
        "initial_amount": order.quantity,
        "filled_amount": filled(order),
        "cancelled_amount": cancelled(order),
        "stop_price": order.extra.get("stop_price"),
        "order_type": order.kind,
        "stop_parent_order_id": order.extra.get("stop_parent_order_id"),
        "reduce_only": order.reduce_only,
        "created_at": to_server(order.created_ms),
        "updated_at": to_server(order.updated_ms),
    }
    if "strategy" in order.extra:
        row["parent_id"] = order.extra["strategy"]
    return row


def history_row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One order of `/orders/history`, in its latest state."""
    return {
        "order_id": int(order.id),
        "client_order_id": order.client_id or None,
        "symbol": order.symbol,
        "side": _SIDES[order.side],
        "initial_price": order.price,
        "average_filled_price": order.price if Decimal(filled(order)) else "0",
        "amount": order.quantity,
        "filled_amount": filled(order),
        "order_status": order_status(order),
        "order_type": order.kind,
        "stop_price": order.extra.get("stop_price"),
        "stop_parent_order_id": order.extra.get("stop_parent_order_id"),
        "reduce_only": order.reduce_only,
        "reason": "cancel" if order.status == "cancelled" else None,
        "created_at": to_server(order.created_ms),
        "updated_at": to_server(order.updated_ms),
    }


def event_rows(order: SimOrder, to_server: Clock) -> list[dict[str, object]]:
    """The events of one order, the last first, as `/orders/history_by_id` has them."""
    shared = {
        name: value
        for name, value in order_row(order, to_server).items()
        if name not in ("updated_at", "filled_amount", "cancelled_amount", "created_at", "parent_id")
    }
    events = [("make", "open", "0", "0", order.created_ms)]
    if order.status == "cancelled":
        events.append(("cancel", "cancelled", filled(order), cancelled(order), order.updated_ms))
    elif order.status == "filled":
        events.append(("fulfill_limit", "filled", order.quantity, "0", order.updated_ms))
    return [
        {
            "history_id": 2 * int(order.id) + number,
            **shared,
            "event_type": event,
            "order_status": status,
            "filled_amount": done,
            "cancelled_amount": gone,
            "created_at": to_server(when_ms),
        }
        for number, (event, status, done, gone, when_ms) in reversed(list(enumerate(events)))
    ]


def twap_row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One TWAP of `/orders/twap`."""
    return {
        "order_id": int(order.id),
        "client_order_id": order.client_id or None,
        "symbol": order.symbol,
        "side": _SIDES[order.side],
        "initial_amount": order.quantity,
        "filled_amount": filled(order),
        "reduce_only": order.reduce_only,
        "slippage_percent": "0.500000000000",
        "planned_sub_order_amount": "0.001",
        "planned_sub_order_count": 121,
        "past_sub_order_count": 40,
        "total_filled_value": "0",
        "expiration": to_server(order.created_ms + 7_200_000),
        "created_at": to_server(order.created_ms),
        "updated_at": to_server(order.updated_ms),
    }


def strategy_row(order: SimOrder, to_server: Clock) -> dict[str, object]:
    """One strategy. Which fields a listing has beyond the first five is known in part only."""
    return {
        "strategy_id": order.id,
        "revision": 1,
        "account": order.extra["account"],
        "strategy_type": order.kind,
        "definition": {"strategy_type": order.kind, "params": _params(order)},
        "lifecycle": _lifecycle(order),
        "terminal_reason": "cancelled" if order.status == "cancelled" else None,
        "owned_orders": [],
        "created_at": _iso(to_server(order.created_ms)),
        "updated_at": _iso(to_server(order.updated_ms)),
    }


def _lifecycle(order: SimOrder) -> object:
    return {"open": order.extra["lifecycle"], "cancelled": "cancelled", "filled": "completed"}[order.status]


def _params(order: SimOrder) -> dict[str, object]:
    """The parameters, as far as they matter: .../order-strategies/strategy-parameters."""
    side, amount = _SIDES[order.side], order.quantity
    if order.kind == "oco":
        legs = [{"trigger_price": price, "order_type": "market"} for price in ("70000", "50000")]
        return {"symbol": order.symbol, "side": side, "amount": amount, "reduce_only": order.reduce_only, "legs": legs}
    if order.kind in ("conditional", "trigger_swarm"):
        return {
            "trigger_symbol": order.symbol,
            "trigger_price_type": "mark",
            "trigger_direction": "gte",
            "trigger_price": "66000",
            "execution_symbol": order.symbol,
            "side": side,
            "amount": amount,
            "order_type": "market",
            "reduce_only": order.reduce_only,
        }
    return {"symbol": order.symbol, "side": side, "amount": amount, "reduce_only": order.reduce_only}


def _iso(when_ms: int) -> str:
    return datetime.fromtimestamp(when_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
