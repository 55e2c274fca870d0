"""Orders as DeltaDeFi's reads show them, with the fields of the python SDK's `OrderResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..book import SimOrder
from ..rows import Cell, iso, tables

YOUNG_MS = 1000
"""Every order that cancel-all missed in the bot logs was younger than a second."""

_PHASES = ("building", "processing")
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


def _status(order: SimOrder, style: Style) -> str:
    """The docs' set has no word for a partial fill, the python SDK's none for an order on its way."""
    if order.status == "filled":
        return "fully_filled" if style.sdk_words else "closed"
    if order.status == "cancelled":
        return "partially_cancelled" if style.sdk_words and order.executed else "cancelled"
    if style.sdk_words:
        return "partially_filled" if order.executed else "open"
    return "processing" if is_young(order, style.now_ms) else order.kind if order.kind in _PHASES else "open"


def _leaves(order: SimOrder) -> Decimal:
    return Decimal(order.remaining) if order.status == "open" else Decimal(0)


_CELLS: Mapping[str, Cell] = {
    "account": lambda order, style: style.account_id,
    "status": _status,
    "utxo": lambda order, _: f"{order.id.replace('-', '') * 2}#0" if order.status == "open" else None,
    "value": lambda order, _: str(Decimal(order.quantity) * Decimal(order.price)),
    "executed_value": lambda order, _: str(order.executed * Decimal(order.price)),
    "leaves": lambda order, _: str(_leaves(order)),
    "locked_base": lambda order, _: str(_leaves(order)) if order.side == "sell" else "0",
    "locked_quote": lambda order, _: str(_leaves(order) * Decimal(order.price)) if order.side == "buy" else "0",
    "created": lambda order, _: iso(order.created_ms),
    "updated": lambda order, _: iso(order.updated_ms),
    "execution": lambda order, _: f"{order.id[:-4]}fffe",
    "other": lambda order, _: f"{order.id[:-4]}ffff",
    "average_number": lambda order, _: float(order.price) if order.executed else 0,
    "slippage": lambda order, _: str(order.extra.get("slippage_bp", 0)),
    "created_s": lambda order, _: order.created_ms // 1000,
    "updated_s": lambda order, _: order.updated_ms // 1000,
}

_table = tables(_CELLS)
_ROW = _table("""
    id account_id=.account active_order_utxo_id=.utxo status symbol base_qty=.quantity quote_qty=.value side price type
    slippage_bp=?slippage_bp market_order_limit_price=?market_order_limit_price locked_base_qty=.locked_base
    locked_quote_qty=.locked_quote executed_base_qty=.executed executed_quote_qty=.executed_value
    ob_open_order_base_qty=.leaves commission_unit=lovelace commission=0 commission_rate_bp=#10 executed_price=.average
    created_at=.created updated_at=.updated order_execution_records=#null
""")
# What was filled of an order, as one execution.
execution = _table("""
    id=.execution order_id=.id account_id=.account execution_price=.price filled_base_qty=.executed
    filled_quote_qty=.executed_value commission_unit=lovelace commission=0 role=maker counter_party_order_id=.other
    created_at=.updated
""")
# One order as the deprecated `order-records` shows it.
legacy_row = _table("""
    order_id=.id status symbol orig_qty=.quantity executed_qty=.executed side price type fee_amount=#0
    executed_price=.average_number slippage create_time=.created_s update_time=.updated_s
""")


def row(order: SimOrder, style: Style) -> dict[str, object]:
    """One order."""
    cells = _ROW(order, style)
    if style.numbers:
        cells |= {name: float(str(cells[name])) for name in _QUANTITIES}
    return cells
