"""Orders as DeltaDeFi's reads show them, with the fields of the python SDK's `OrderResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ..book import SimOrder

YOUNG_MS = 1000
"""Every order that cancel-all missed in the bot logs was younger than a second."""

_QUANTITIES = frozenset({"price", "base_qty", "quote_qty", "executed_base_qty", "executed_quote_qty", "executed_price"})


@dataclass(frozen=True, kw_only=True)
class Style:
    """How rows are written: `sdk_words` uses the python SDK's statuses, `numbers` JSON numbers for quantities."""

    account_id: str
    now_ms: int
    sdk_words: bool = False
    numbers: bool = False


def is_young(order: SimOrder, now_ms: int) -> bool:
    """Whether the matching engine has not taken the order over yet."""
    return order.created_ms > now_ms - YOUNG_MS


def executed(order: SimOrder) -> Decimal:
    """How much of the order has been filled, in the base coin."""
    return Decimal(order.quantity) - Decimal(order.remaining)


def status(order: SimOrder, style: Style) -> str:
    """`status`. The docs' set has no word for a partial fill, the python SDK's none for an order on its way."""
    if order.status == "filled":
        return "fully_filled" if style.sdk_words else "closed"
    if order.status == "cancelled":
        return "partially_cancelled" if style.sdk_words and executed(order) else "cancelled"
    if style.sdk_words:
        return "partially_filled" if executed(order) else "open"
    return "processing" if is_young(order, style.now_ms) else str(order.extra.get("phase", "open"))


def iso(when_ms: int) -> str:
    """A moment as ISO 8601 in UTC."""
    return datetime.fromtimestamp(when_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row(order: SimOrder, style: Style) -> dict[str, object]:
    """One order."""
    leaves = Decimal(order.remaining) if order.status == "open" else Decimal(0)
    price = Decimal(order.price)
    cells: dict[str, object] = {
        "id": order.id,
        "account_id": style.account_id,
        "active_order_utxo_id": f"{order.id.replace('-', '') * 2}#0" if order.status == "open" else None,
        "status": status(order, style),
        "symbol": order.symbol,
        "base_qty": order.quantity,
        "quote_qty": str(Decimal(order.quantity) * price),
        "side": order.side,
        "price": order.price,
        "type": order.type,
        "slippage_bp": order.extra.get("slippage_bp"),
        "market_order_limit_price": order.extra.get("market_order_limit_price"),
        "locked_base_qty": str(leaves) if order.side == "sell" else "0",
        "locked_quote_qty": str(leaves * price) if order.side == "buy" else "0",
        "executed_base_qty": str(executed(order)),
        "executed_quote_qty": str(executed(order) * price),
        "ob_open_order_base_qty": str(leaves),
        "commission_unit": "lovelace",
        "commission": "0",
        "commission_rate_bp": 10,
        "executed_price": order.price if executed(order) else "0",
        "created_at": iso(order.created_ms),
        "updated_at": iso(order.updated_ms),
        "order_execution_records": None,
    }
    if style.numbers:
        cells |= {name: float(str(cells[name])) for name in _QUANTITIES}
    return cells


def execution(order: SimOrder, style: Style) -> Mapping[str, object]:
    """What was filled of an order, as one execution."""
    return {
        "id": f"{order.id[:-4]}fffe",
        "order_id": order.id,
        "account_id": style.account_id,
        "execution_price": order.price,
        "filled_base_qty": str(executed(order)),
        "filled_quote_qty": str(executed(order) * Decimal(order.price)),
        "commission_unit": "lovelace",
        "commission": "0",
        "role": "maker",
        "counter_party_order_id": f"{order.id[:-4]}ffff",
        "created_at": iso(order.updated_ms),
    }


def legacy_row(order: SimOrder, style: Style) -> dict[str, object]:
    """One order as the deprecated `order-records` shows it."""
    return {
        "order_id": order.id,
        "status": status(order, style),
        "symbol": order.symbol,
        "orig_qty": order.quantity,
        "executed_qty": str(executed(order)),
        "side": order.side,
        "price": order.price,
        "type": order.type,
        "fee_amount": 0,
        "executed_price": float(order.price) if executed(order) else 0,
        "slippage": str(order.extra.get("slippage_bp", 0)),
        "create_time": order.created_ms // 1000,
        "update_time": order.updated_ms // 1000,
    }
