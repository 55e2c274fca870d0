"""Placing an order, so that bots and other people's clients can trade against the fake.

https://www.bitget.com/api-doc/contract/trade/Place-Order, .../plan/Place-Plan-Order and .../plan/Place-Tpsl-Order, the
spot and margin pages of the same names, and https://www.bitget.com/api-doc/uta/trade/Place-Order (as of 2025-12-05).
Limit orders rest, market orders fill at once, plan and strategy orders wait. There is no balance and no matching.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..refusals import Refused
from ..routes import Call
from ..stock import template
from ..values import positive
from . import kinds
from .state import State, bad, body, category, ids, invalid, product_type, text

# The position's side decides where no side is named: what closes a long one sells. Some call a long one `buy`.
_CLOSING_SIDES = {"long": "sell", "short": "buy", "buy": "sell", "sell": "buy"}
_PARTS: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "mix": product_type,
    "spot": lambda values: kinds.SPOT,
    "margin": lambda values: "MARGIN",
    "trade": category,
}
_KEPT = (
    "marginCoin posSide tradeSide force triggerPrice callbackRatio presetStopSurplusPrice presetStopLossPrice "
    "stopSurplusTriggerPrice stopLossTriggerPrice takeProfit stopLoss triggerBy triggerOrderType"
).split()


@dataclass(frozen=True)
class Waiting:
    """What a call places that waits for a price: the parameter that names its kind, the kinds, and the usual one."""

    word: str
    kinds: tuple[str, ...]
    usual: str = ""


PLANS = Waiting("planType", kinds.OPENING_PLANS)
CLOSING = Waiting("planType", kinds.CLOSING_PLANS)
SPOT_PLANS = Waiting("planType", ("amount", "total"), "amount")
STRATEGIES = Waiting("type", kinds.STRATEGY_TYPES, kinds.TPSL)


def place(venue: State, call: Call) -> object:
    """Every call that places an order: a route's detail tells what it places that waits.

    A spot order with `tpslType` tpsl waits, too; the size of a margin order is `baseSize` or `quoteSize`.
    """
    values, waiting = body(call), call.route.detail
    family = call.path.split("/")[3]
    part, kind = _PARTS[family](values), text(values, "tpslType") or kinds.NORMAL
    if waiting:
        kind = text(values, waiting.word) or waiting.usual
        if kind not in waiting.kinds:
            raise invalid("type") if family == "trade" else Refused("40812", "The condition planType is not met")
    symbol, client_id = text(values, "symbol"), text(values, "clientOid")
    if venue.instruments.find(part, symbol) is None:
        raise Refused("40034", f"Parameter {symbol} does not exist")
    side = text(values, "side").lower()
    if waiting and not side:
        side = _CLOSING_SIDES.get(text(values, "holdSide" if family == "mix" else "posSide"), "")
    order_type = text(values, "triggerOrderType" if waiting and family == "trade" else "orderType") or "market"
    if side not in ("buy", "sell") or order_type not in ("limit", "market"):
        raise Refused("40020", "Parameter side or orderType error")
    if client_id and call.account.book.find(client_id=client_id):
        raise Refused("40786", "Duplicate clientOid")
    whole_position = kind in ("pos_profit", "pos_loss") or (waiting is STRATEGIES and "qty" not in values)
    sized = next((name for name in ("qty", "baseSize", "quoteSize") if name in values), "size")
    quantity = ("1" if waiting is STRATEGIES else "0") if whole_position else positive(values, sized, bad(sized))
    priced = next((name for name in ("price", "executePrice", "triggerOrderPrice") if values.get(name)), "price")
    price = positive(values, priced, bad(priced)) if order_type == "limit" else "0"
    extra = {name: values[name] for name in _KEPT if name in values}
    reduces = text(values, "reduceOnly").upper() == "YES"
    order = template(_segment(call, family, part), symbol, side, price, kind, extra, reduces=reduces)
    fills = order_type == "market" and not waiting and kind != kinds.TPSL
    return ids(venue.accept(call.account, order, quantity, client_id, fills=fills))


def _segment(call: Call, family: str, part: str) -> str:
    waits = call.route.detail is not None
    if family == "margin":
        return call.names["mode"]
    if family == "trade":
        return kinds.strategy_segment(part) if waits else kinds.unified_segment(part)
    return kinds.plan_segment(part) if waits else part
