"""Pacifica's signed calls about orders: cancel everything, one order, stop, TWAP or strategy, a batch; place orders.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-all-orders and its neighbours,
.../orders/create-limit-order and .../create-stop-order. There is no balance, no margin and no matching; the amount of a
stop is not looked at before it triggers, as on the venue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from ..book import Side, SimOrder
from ..refusals import Answered, Refused
from ..routes import Call, Route, cancel, create
from ..values import positive
from ..wire import json_reply
from . import kinds
from .auth import Operation, unparsable
from .markets import MARKETS, Market
from .state import State

Payload = Mapping[str, object]
_SIDES: Mapping[str, Side] = {"bid": "buy", "ask": "sell"}
_BATCH_MAX = 10
_BY_ID = "order_id?:u64 client_order_id?"


def cancel_all(venue: State, call: Call) -> object:
    """`POST /orders/cancel_all`: orders, stops and TP/SL, and the TWAPs of the markets that it covers.

    Not documented, and here as they would hurt: strategies stay (and so place new orders), `exclude_reduce_only` spares
    reduce-only stops and TWAPs too, an unknown symbol is a success that cancels nothing, and a symbol beside
    `all_symbols` is ignored.
    """
    symbol = "" if call.payload["all_symbols"] else call.payload.get("symbol")
    if symbol is None:
        raise Refused(400, "Invalid parameters")
    spared = venue.fault("spares", call.request)
    venue.trigger_later(call.account, call.request)
    found = [
        order
        for order in call.account.book.open()
        if order.segment != kinds.STRATEGIES
        and symbol in ("", order.symbol)
        and not (call.payload["exclude_reduce_only"] and order.reduce_only)
        and not (spared and _is_sort(order, str(spared.value)))
    ]
    answer = {"cancelled_count": len(venue.cancel(call.account, found, call.request).accepted)}
    if venue.fault("bare", call.request):
        # The documents show some answers without the envelope that live ones have.
        raise Answered(json_reply(answer))
    return answer


def _is_sort(order: SimOrder, sort: str) -> bool:
    return {"stop": kinds.is_stop(order), "twap": order.segment == kinds.TWAP, "spot": "-" in order.symbol}[sort]


def cancel_order(venue: State, call: Call) -> object:
    """`POST /orders/cancel`: for orders of the book; stops have a call of their own."""
    order = _named(call, kinds.ORDERS)
    if order is None or kinds.is_stop(order):
        # Seen live, with the older numbering of the codes.
        raise Refused(5, "Failed to cancel order", 422)
    return _done(venue, call, order)


def cancel_stop(venue: State, call: Call) -> object:
    """`POST /orders/stop/cancel`: for every order whose type begins with `stop_` or `take_profit_`."""
    order = _named(call, kinds.ORDERS)
    if order is None or not kinds.is_stop(order):
        raise Refused(400, "Stop order not found")
    return _done(venue, call, order)


def cancel_twap(venue: State, call: Call) -> object:
    """`POST /orders/twap/cancel`: a success for ids that do not exist. Of two ids the client's wins."""
    venue.check_feature("twap", call)
    by_client_id = "client_order_id" in call.payload
    ids = {name: value for name, value in call.payload.items() if not (by_client_id and name == "order_id")}
    order = _named(replace(call, payload=ids), kinds.TWAP)
    if order is None and by_client_id:
        raise Refused(37, "Unused client order id", 422)
    return None if order is None else _done(venue, call, order)


def cancel_strategy(venue: State, call: Call) -> object:
    """`POST /order_strategies/cancel`: ends the strategy and cancels the orders that it still has open."""
    venue.check_feature("strategies", call)
    strategy = call.account.book.find(str(call.payload["strategy_id"]))
    if strategy is None or strategy.segment != kinds.STRATEGIES or strategy.status != "open":
        raise Refused(404, "STRATEGIST_NOT_FOUND")
    children = [order for order in call.account.book.open(kinds.ORDERS) if order.extra.get("strategy") == strategy.id]
    venue.cancel(call.account, [strategy, *children], call.request)
    return None


def _named(call: Call, segment: str) -> SimOrder | None:
    """The open order of this part of the account that the ids name; a wrong symbol names nothing."""
    ids = call.payload
    if "order_id" not in ids and "client_order_id" not in ids:
        raise Refused(400, "Invalid parameters")
    order = call.account.book.find(str(ids.get("order_id", "")), str(ids.get("client_order_id", "")))
    if order is None or order.segment != segment or order.status != "open" or order.symbol != ids["symbol"]:
        return None
    return order


def _done(venue: State, call: Call, order: SimOrder) -> object:
    venue.trigger_later(call.account, call.request)
    venue.cancel(call.account, [order], call.request)
    return None


def create_order(venue: State, call: Call) -> object:
    """`POST /orders/create`."""
    payload, market, side = call.payload, _market(call.payload), _side(call.payload)
    amount, price = positive(payload, "amount", Refused(0, "Invalid amount", 422)), _price(payload, "price", market)
    client_id = str(payload.get("client_order_id", ""))
    if client_id and call.account.book.find(client_id=client_id):
        raise Refused(38, "Client order id already used", 422)
    limit = SimOrder(symbol=market.symbol, segment=kinds.ORDERS, side=side, kind="limit", price=price)
    return _placed(venue, call, limit, amount, client_id)


def create_stop(venue: State, call: Call) -> object:
    """`POST /orders/stop/create`: with `limit_price` a stop-limit order, else a stop-market one."""
    market, side, stop = _market(call.payload), _side(call.payload), call.payload["stop_order"]
    if not isinstance(stop, dict) or "stop_price" not in stop:
        raise unparsable("stop_order: missing field `stop_price`")
    limited = stop.get("limit_price") is not None
    order = SimOrder(
        symbol=market.symbol,
        segment=kinds.ORDERS,
        side=side,
        type="limit" if limited else "market",
        kind="stop_limit" if limited else "stop_market",
        price=_price(stop, "limit_price", market) if limited else "0",
        extra={"stop_price": _price(stop, "stop_price", market)},
    )
    return _placed(venue, call, order, str(stop.get("amount", "0")), str(stop.get("client_order_id", "")))


def _placed(venue: State, call: Call, order: SimOrder, amount: str, client_id: str) -> object:
    sized = replace(order, quantity=amount, remaining=amount, reduce_only=call.payload["reduce_only"] is True)
    placed = venue.place(call.account, sized.placed(venue.order_id(), venue.now_ms(), client_id))
    return {"order_id": int(placed.id)}


def _market(payload: Payload) -> Market:
    market = MARKETS.get(str(payload["symbol"]))
    if market is None:
        raise Refused(3, "Book not found", 422)
    return market


def _side(payload: Payload) -> Side:
    side = _SIDES.get(str(payload["side"]))
    if side is None:
        raise unparsable(f"side: unknown variant `{payload['side']}`, expected `bid` or `ask`")
    return side


def _price(payload: Payload, name: str, market: Market) -> str:
    bad = Refused(400, f"Price {payload[name]} is not a multiple of tick size {market.tick}")
    price = positive(payload, name, bad)
    if Decimal(price) % Decimal(market.tick):
        raise bad
    return price


_FIELDS = "symbol price amount side tif reduce_only:bool client_order_id? take_profit?:map stop_loss?:map builder_code?"
_STOP_FIELDS = "symbol side reduce_only:bool stop_order:map builder_code?"
_CANCEL_ALL = Operation("cancel_all_orders", "all_symbols:bool exclude_reduce_only:bool symbol?")
_CANCEL_TWAP = Operation("cancel_twap_order", f"symbol {_BY_ID}")
_CANCEL_STRATEGY = Operation("cancel_order_strategy", "strategy_id")

CANCEL = cancel(cancel_order, detail=Operation("cancel_order", f"symbol {_BY_ID}"))
CANCEL_STOP = cancel(cancel_stop, detail=Operation("cancel_stop_order", f"symbol {_BY_ID}"))
CREATE = create(create_order, detail=Operation("create_order", _FIELDS))
ORDERS: Mapping[str, Route] = {
    "POST /api/v1/orders/cancel_all": cancel(cancel_all, detail=_CANCEL_ALL),
    "POST /api/v1/orders/cancel": CANCEL,
    "POST /api/v1/orders/stop/cancel": CANCEL_STOP,
    "POST /api/v1/orders/twap/cancel": cancel(cancel_twap, detail=_CANCEL_TWAP),
    "POST /api/v1/order_strategies/cancel": cancel(cancel_strategy, detail=_CANCEL_STRATEGY),
    "POST /api/v1/orders/create": CREATE,
    "POST /api/v1/orders/stop/create": create(create_stop, detail=Operation("create_stop_order", _STOP_FIELDS)),
}
_ACTIONS: Mapping[str, Route] = {"Cancel": CANCEL, "CancelStopOrder": CANCEL_STOP, "Create": CREATE}
"""What a batch may hold."""


def cancel_batch(venue: State, call: Call) -> object:
    """`POST /orders/batch`: up to ten actions, each signed by itself. Only cancels and limit orders are known here.

    One bad signature refuses them all; what an action is refused for otherwise stands in its own result.
    """
    actions = call.payload.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= _BATCH_MAX:
        raise Refused(400, "Invalid parameters")
    results: list[dict[str, object]] = []
    for action in [_action(venue, call, each) for each in actions]:
        try:
            data = action.route.handler(venue, action)
        except Refused as refused:
            results.append({"success": False, "error": refused.message})
        else:
            results.append({"success": True, **(data if isinstance(data, dict) else {}), "error": None})
    return {"results": results}


def _action(venue: State, call: Call, action: object) -> Call:
    body = action.get("data") if isinstance(action, dict) else None
    route = _ACTIONS.get(str(action.get("type"))) if isinstance(action, dict) else None
    if route is None or not isinstance(body, dict):
        raise unparsable("actions")
    account, payload = venue.authenticate(route.detail, body)
    return replace(call, route=route, account=account, payload=payload)
