"""Pacifica's markets, its sorts of order and the three places where they live, an account full of them, and their rows.

Symbols are case-sensitive: https://docs.pacifica.fi/api-documentation/api/market-symbols.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle

from ..book import SimOrder
from ..rows import fixed, iso, tables
from ..stock import stock, template

ORDERS, TWAP, STRATEGIES = "orders", "twap", "strategies"
"""Segments: what `/orders`, `/orders/twap` and `/order_strategies` list."""

WAITING = frozenset({"oco", "conditional", "trailing_stop", "trigger_swarm"})
"""Strategies that wait for a price, and place an order when it comes."""

_STRATEGIES_AT_MOST = 100
"""Unfinished ones: https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies."""
_TWAPS_AT_MOST = 4
"""Per market: https://docs.pacifica.fi/api-documentation/api/rest-api/twap/create-twap-order."""


def is_stop(order: SimOrder) -> bool:
    """Whether `/orders/stop/cancel` is the call for it: stop orders and TP/SL, which `/orders` lists among the rest."""
    return order.segment == ORDERS and order.kind.startswith(("stop_", "take_profit"))


@dataclass(frozen=True)
class Market:
    """One market; spot ones are named BASE-QUOTE."""

    symbol: str
    price: str
    tick: str = "0.01"

    def row(self) -> dict[str, object]:
        """As `GET /info` has it: https://docs.pacifica.fi/api-documentation/api/rest-api/markets/get-market-info."""
        spot = "-" in self.symbol
        return {
            "symbol": self.symbol,
            "tick_size": self.tick,
            **fixed("min_tick=0 max_tick=1000000 lot_size=0.00001 isolated_only=#false"),
            **fixed("min_order_size=10 max_order_size=5000000 created_at=#1748881333944"),
            "max_leverage": 1 if spot else 50,
            **dict.fromkeys(("funding_rate", "next_funding_rate"), "0" if spot else "0.0000125"),
            "instrument_type": "spot" if spot else "perpetual",
            "base_asset": self.symbol.partition("-")[0],
        }


_PRICES_AND_TICKS = """
    BTC=60000/1 ETH=2500 SOL=120 XRP=0.5/0.0001 HYPE=30 XPL=1.0865/0.0001 URNM=50 kBONK=0.02/0.00001 kPEPE=0.01/0.00001
    SOL-USDC=119 BTC-USDC=59900/1
"""
MARKETS = {
    symbol: Market(symbol, *numbers.split("/"))
    for symbol, _, numbers in (word.partition("=") for word in _PRICES_AND_TICKS.split())
}


def _template(kind: str, symbol: str, way: str = "buy", amount: str = "1", left: str = "", **extra: str) -> SimOrder:
    """An order at the market's price. The way is buy, sell, or closing: that one can only shrink a position."""
    price, cells = MARKETS[symbol].price, dict[str, object](extra)
    if kind.startswith(("stop_", "take_profit")):
        cells["stop_price"] = price
    if "parent" in extra:
        cells["stop_parent_order_id"] = int(extra["parent"])
    segment = STRATEGIES if "lifecycle" in extra else TWAP if kind == "twap" else ORDERS
    order = template(segment, symbol, way, price, kind, cells, left=left or amount, reduces=way == "closing")
    return replace(order, quantity=amount)


# One of each. The first ten reach every part of the account, so that a small stock does too. One with an empty
# `strategy` is the one resting order of a chase before it. That take_profit and stop_loss can stand alone is from the
# venue's own tests (pacifica-mcp, scripts/smoke-1d.ts). The amount of a stop is not looked at before it triggers: 0
# rests too.
_STOCK = stock(__file__, _template)


def chosen(count: int) -> Iterator[SimOrder]:
    """So many templates, over and over, but never more TWAPs and strategies than the venue allows."""
    placed: Counter[str] = Counter()
    for order in cycle(_STOCK):
        if placed["all"] == count:
            return
        crowd = STRATEGIES if order.segment == STRATEGIES else f"{order.segment} {order.symbol}"
        at_most = {TWAP: _TWAPS_AT_MOST, STRATEGIES: _STRATEGIES_AT_MOST}.get(order.segment, count)
        child = "strategy" in order.extra
        orphan = child and placed["child"] >= placed["auto_chase"]
        if not orphan and placed[crowd] < at_most:
            placed.update(["all", crowd, "child" if child else order.kind])
            yield order


# Rows: https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders, .../get-order-history,
# .../twap/get-open-twap-orders and .../order-strategies/get-order-strategy.

Clock = Callable[[int], int]
Row = Callable[[SimOrder, Clock], Mapping[str, object]]
_SIDES = {"buy": "bid", "sell": "ask"}


def _cancelled(order: SimOrder, _: object = None) -> str:
    return order.remaining if order.status == "cancelled" else "0"


def _lifecycle(order: SimOrder, _: object) -> object:
    return {"open": order.extra.get("lifecycle"), "cancelled": "cancelled", "filled": "completed"}[order.status]


def _definition(order: SimOrder, _: object) -> dict[str, object]:
    """The parameters, as far as they matter: .../order-strategies/strategy-parameters."""
    params: dict[str, object] = {"side": _SIDES[order.side], "amount": order.quantity, "reduce_only": order.reduce_only}
    if order.kind in ("conditional", "trigger_swarm"):
        params |= {"trigger_symbol": order.symbol, "execution_symbol": order.symbol, "trigger_price": "66000"}
        params |= {"trigger_price_type": "mark", "trigger_direction": "gte", "order_type": "market"}
    else:
        params["symbol"] = order.symbol
    if order.kind == "oco":
        params["legs"] = [{"trigger_price": price, "order_type": "market"} for price in ("70000", "50000")]
    return {"strategy_type": order.kind, "params": params}


_table = tables(
    {
        "side": lambda order, _: _SIDES[order.side],
        "cancelled": _cancelled,
        # Partly filled ones have a word of their own in a history.
        "order_status": lambda order, _: (
            "partially_filled" if order.status == "open" and order.executed else order.status
        ),
        "reason": lambda order, _: "cancel" if order.status == "cancelled" else None,
        "terminal_reason": lambda order, _: "cancelled" if order.status == "cancelled" else None,
        "expiration": lambda order, clock: clock(order.created_ms + 7_200_000),
        "created_iso": lambda order, clock: iso(clock(order.created_ms)),
        "updated_iso": lambda order, clock: iso(clock(order.updated_ms)),
        "lifecycle": _lifecycle,
        "definition": _definition,
    }
)
_HEAD = "order_id=.number client_order_id=.client_id_or_null symbol side reduce_only"
_TIMES = "created_at=.created updated_at=.updated"
_AMOUNTS = "initial_amount=.quantity filled_amount=.executed"
_STOP = "order_type=.kind stop_price=?stop_price stop_parent_order_id=?stop_parent_order_id"
_TWAP = f"""
    {_HEAD} {_AMOUNTS} slippage_percent=0.500000000000 planned_sub_order_amount=0.001 planned_sub_order_count=#121
    past_sub_order_count=#40 total_filled_value=0 expiration {_TIMES}
"""
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
    events = [("make", "open", "0", "0", order.created_ms)]
    if order.status != "open":
        event = "cancel" if order.status == "cancelled" else "fulfill_limit"
        events.append((event, order.status, str(order.executed), _cancelled(order), order.updated_ms))
    return [
        {
            "history_id": 2 * int(order.id) + number,
            **_EVENT(order, clock),
            "event_type": event,
            "order_status": status,
            "filled_amount": filled,
            "cancelled_amount": cancelled,
            "created_at": clock(when_ms),
        }
        for number, (event, status, filled, cancelled, when_ms) in reversed(list(enumerate(events)))
    ]
