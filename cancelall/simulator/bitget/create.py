"""Placing an order, so that bots and other people's clients can trade against the fake.

https://www.bitget.com/api-doc/contract/trade/Place-Order, .../plan/Place-Plan-Order and .../plan/Place-Tpsl-Order, the
spot and margin pages of the same names, and https://www.bitget.com/api-doc/uta/trade/Place-Order (as of 2025-12-05).
Limit orders rest, market orders fill at once, plan and strategy orders wait. There is no balance and no matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from ..book import Account, SimOrder
from . import kinds
from .answers import Refused
from .cancel import ids
from .scope import category, product_type, text

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_SIDES: Mapping[str, Literal["buy", "sell"]] = {"buy": "buy", "sell": "sell", "long": "sell", "short": "buy"}
_KEPT = (
    "marginCoin posSide tradeSide force triggerPrice callbackRatio presetStopSurplusPrice presetStopLossPrice "
    "stopSurplusTriggerPrice stopLossTriggerPrice takeProfit stopLoss triggerBy triggerOrderType"
).split()


def place_futures(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/place-order`."""
    body = venue.body(request)
    product = product_type(body)
    return _place(venue, account, body, part=product, segment=product, kind=kinds.NORMAL)


def place_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/place-plan-order`: a trigger order or a trailing one."""
    return _place_plan(venue, account, request, ("normal_plan", "track_plan"))


def place_tpsl(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/mix/order/place-tpsl-order`: what closes a position, or a part of it."""
    words = ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan")
    return _place_plan(venue, account, request, words)


def _place_plan(venue: Bitget, account: Account, request: SimRequest, words: tuple[str, ...]) -> object:
    body = venue.body(request)
    product, plan_type = product_type(body), text(body, "planType")
    if plan_type not in words:
        raise Refused("40812", "The condition planType is not met")
    # The position's side decides: what closes a long one sells.
    given = {"side": body.get("holdSide", "")} if "holdSide" in body and "side" not in body else {}
    if given.get("side") in ("buy", "sell"):
        given["side"] = "long" if given["side"] == "buy" else "short"
    return _place(venue, account, {**body, **given}, part=product, segment=kinds.plan_segment(product), kind=plan_type)


def place_spot(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/place-order`: with `tpslType` tpsl it waits for its trigger price."""
    body = venue.body(request)
    return _place(
        venue, account, body, part=kinds.SPOT, segment=kinds.SPOT, kind=text(body, "tpslType") or kinds.NORMAL
    )


def place_spot_plan(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/spot/trade/place-plan-order`."""
    body = venue.body(request)
    segment = kinds.plan_segment(kinds.SPOT)
    return _place(venue, account, body, part=kinds.SPOT, segment=segment, kind=text(body, "planType") or "amount")


def place_margin(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v2/margin/{crossed,isolated}/place-order`: here the size is `baseSize`."""
    body = venue.body(request)
    values = {**body, "size": body.get("baseSize", body.get("quoteSize", ""))}
    return _place(venue, account, values, part="MARGIN", segment=request.path.split("/")[4], kind=kinds.NORMAL)


def place_unified(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/place-order`."""
    body = venue.body(request)
    part = category(body)
    return _place(venue, account, body, part=part, segment=kinds.unified_segment(part), kind=kinds.NORMAL)


def place_strategy(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`POST /api/v3/trade/place-strategy-order`: TP/SL unless `type` says trigger."""
    body = venue.body(request)
    part, kind = category(body), text(body, "type") or kinds.TPSL
    if kind not in kinds.STRATEGY_TYPES:
        raise Refused("25200", "type validation error")
    given = {"orderType": text(body, "triggerOrderType") or "market", "qty": body.get("qty", "1")}
    side = {"side": body.get("side", body.get("posSide", ""))}
    segment = kinds.strategy_segment(part)
    return _place(venue, account, {**body, **given, **side}, part=part, segment=segment, kind=kind)


def _place(
    venue: Bitget, account: Account, values: Mapping[str, object], *, part: str, segment: str, kind: str
) -> object:
    """Check what every order needs, and put it on the book."""
    symbol, client_id = text(values, "symbol"), text(values, "clientOid")
    if venue.instruments.find(part, symbol) is None:
        raise Refused("40034", f"Parameter {symbol} does not exist")
    side, order_type = _SIDES.get(text(values, "side").lower()), text(values, "orderType") or "market"
    if side is None or order_type not in ("limit", "market"):
        raise Refused("40020", "Parameter side or orderType error")
    if client_id and account.book.find(client_id=client_id):
        raise Refused("40786", "Duplicate clientOid")
    quantity = "0" if kind in ("pos_profit", "pos_loss") else _positive(values, "qty" if "qty" in values else "size")
    waits = segment.endswith((" plan", " strategy")) or kind == kinds.TPSL
    priced = next((name for name in ("price", "executePrice", "triggerOrderPrice") if values.get(name)), "price")
    now_ms = venue.now_ms()
    order = venue.place(
        account,
        SimOrder(
            id=venue.order_id(),
            client_id=client_id,
            symbol=symbol,
            segment=segment,
            side=side,
            type=order_type,
            kind=kind,
            price=_positive(values, priced) if order_type == "limit" else "0",
            quantity=quantity,
            remaining=quantity,
            reduce_only=text(values, "reduceOnly").upper() == "YES",
            created_ms=now_ms,
            updated_ms=now_ms,
            extra={name: values[name] for name in _KEPT if name in values},
        ),
    )
    if order_type == "market" and not waits:
        account.book.close(order.id, "filled", now_ms)
    return ids([order])[0]


def _positive(values: Mapping[str, object], name: str) -> str:
    value = text(values, name)
    try:
        good = Decimal(value) > 0
    except InvalidOperation:
        good = False
    if not good:
        raise Refused("40020", f"Parameter {name} error")
    return value
