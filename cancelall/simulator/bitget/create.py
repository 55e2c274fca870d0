"""Placing an order, so that bots and other people's clients can trade against the fake.

https://www.bitget.com/api-doc/contract/trade/Place-Order, .../plan/Place-Plan-Order and .../plan/Place-Tpsl-Order, the
spot and margin pages of the same names, and https://www.bitget.com/api-doc/uta/trade/Place-Order (as of 2025-12-05).
Limit orders rest, market orders fill at once, plan and strategy orders wait. There is no balance and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..book import Side, SimOrder
from ..refusals import Refused
from ..routes import Call
from ..values import positive
from . import kinds
from .state import State, bad, body, category, ids, invalid, product_type, text

_SIDES: Mapping[str, Side] = {"buy": "buy", "sell": "sell", "long": "sell", "short": "buy"}
_KEPT = (
    "marginCoin posSide tradeSide force triggerPrice callbackRatio presetStopSurplusPrice presetStopLossPrice "
    "stopSurplusTriggerPrice stopLossTriggerPrice takeProfit stopLoss triggerBy triggerOrderType"
).split()


def place_futures(venue: State, call: Call) -> object:
    """`POST /api/v2/mix/order/place-order`."""
    values = body(call)
    product = product_type(values)
    return _place(venue, call, values, product, product, kinds.NORMAL)


def place_plan(venue: State, call: Call) -> object:
    """`POST /api/v2/mix/order/place-plan-order` for what triggers or trails, `place-tpsl-order` for what closes a
    position or a part of it; the route tells the `planType`s of each.
    """
    values = body(call)
    product, plan_type = product_type(values), text(values, "planType")
    if plan_type not in call.route.detail:
        raise Refused("40812", "The condition planType is not met")
    if "side" not in values:
        # The position's side decides: what closes a long one sells.
        held = values.get("holdSide", "")
        values["side"] = {"buy": "long", "sell": "short"}.get(str(held), held)
    return _place(venue, call, values, product, kinds.plan_segment(product), plan_type)


def place_spot(venue: State, call: Call) -> object:
    """`POST /api/v2/spot/trade/place-order`: with `tpslType` tpsl it waits for its trigger price."""
    values = body(call)
    return _place(venue, call, values, kinds.SPOT, kinds.SPOT, text(values, "tpslType") or kinds.NORMAL)


def place_spot_plan(venue: State, call: Call) -> object:
    """`POST /api/v2/spot/trade/place-plan-order`."""
    values = body(call)
    return _place(venue, call, values, kinds.SPOT, kinds.plan_segment(kinds.SPOT), text(values, "planType") or "amount")


def place_margin(venue: State, call: Call) -> object:
    """`POST /api/v2/margin/{crossed,isolated}/place-order`: here the size is `baseSize`."""
    values = body(call)
    values["size"] = values.get("baseSize", values.get("quoteSize", ""))
    return _place(venue, call, values, "MARGIN", call.names["mode"], kinds.NORMAL)


def place_unified(venue: State, call: Call) -> object:
    """`POST /api/v3/trade/place-order`."""
    values = body(call)
    part = category(values)
    return _place(venue, call, values, part, kinds.unified_segment(part), kinds.NORMAL)


def place_strategy(venue: State, call: Call) -> object:
    """`POST /api/v3/trade/place-strategy-order`: TP/SL unless `type` says trigger."""
    values = body(call)
    part, kind = category(values), text(values, "type") or kinds.TPSL
    if kind not in kinds.STRATEGY_TYPES:
        raise invalid("type")
    values["orderType"] = text(values, "triggerOrderType") or "market"
    values = {"qty": "1", "side": values.get("posSide", ""), **values}
    return _place(venue, call, values, part, kinds.strategy_segment(part), kind)


def _place(venue: State, call: Call, values: Mapping[str, object], part: str, segment: str, kind: str) -> object:
    """Check what every order needs, and put it on the book."""
    book = call.account.book
    symbol, client_id = text(values, "symbol"), text(values, "clientOid")
    if venue.instruments.find(part, symbol) is None:
        raise Refused("40034", f"Parameter {symbol} does not exist")
    side, order_type = _SIDES.get(text(values, "side").lower()), text(values, "orderType") or "market"
    if side is None or order_type not in ("limit", "market"):
        raise Refused("40020", "Parameter side or orderType error")
    if client_id and book.find(client_id=client_id):
        raise Refused("40786", "Duplicate clientOid")
    sized = "qty" if "qty" in values else "size"
    quantity = "0" if kind in ("pos_profit", "pos_loss") else positive(values, sized, bad(sized))
    priced = next((name for name in ("price", "executePrice", "triggerOrderPrice") if values.get(name)), "price")
    order = SimOrder(
        symbol=symbol,
        segment=segment,
        side=side,
        type=order_type,
        kind=kind,
        price=positive(values, priced, bad(priced)) if order_type == "limit" else "0",
        quantity=quantity,
        remaining=quantity,
        reduce_only=text(values, "reduceOnly").upper() == "YES",
        extra={name: values[name] for name in _KEPT if name in values},
    )
    order = venue.place(call.account, order.placed(venue.new_id(order), venue.now_ms(), client_id))
    if order_type == "market" and not segment.endswith((" plan", " strategy")) and kind != kinds.TPSL:
        book.close(order.id, "filled", order.created_ms)
    return ids(order)
