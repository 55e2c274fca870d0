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
from ..routes import Call, cancel, create
from ..values import positive
from ..wire import json_reply
from .auth import Fields, unparsable
from .markets import MARKETS, ORDERS, STRATEGIES, TWAP, is_stop
from .state import INVALID, NO_STRATEGY, State

_SIDES: Mapping[str, Side] = {"bid": "buy", "ask": "sell"}
_BATCH_MAX = 10


def cancel_all(venue: State, call: Call) -> object:
    """Orders, stops and TP/SL, and the TWAPs of the markets that it covers.

    Not documented, and here as they would hurt: strategies stay (and so place new orders), `exclude_reduce_only` keeps
    reduce-only stops and TWAPs too, an unknown symbol is a success that cancels nothing, and with `all_symbols` a
    symbol is ignored.
    """
    symbol = "" if call.payload["all_symbols"] else call.payload.get("symbol")
    if symbol is None:
        raise INVALID
    kept = venue.fault("keeps", call.request)
    venue.trigger_later(call.account, call.request)
    orders = [
        order
        for order in call.account.book.open()
        if order.segment != STRATEGIES
        and symbol in ("", order.symbol)
        and not (call.payload["exclude_reduce_only"] and order.reduce_only)
        and not (
            kept
            and {"stop": is_stop(order), "twap": order.segment == TWAP, "spot": "-" in order.symbol}[str(kept.value)]
        )
    ]
    answer = {"cancelled_count": len(venue.cancel(call.account, orders, call.request).accepted)}
    if venue.fault("bare", call.request):
        # The documents show some answers without the envelope that live ones have.
        raise Answered(json_reply(answer))
    return answer


def cancel_order(venue: State, call: Call) -> object:
    """For orders of the book; stops have a call of their own."""
    order = _named(call, ORDERS)
    if order is None or is_stop(order):
        # Seen live, with the older numbering of the codes.
        raise Refused(5, "Failed to cancel order", 422)
    return _cancel(venue, call, order)


def cancel_stop(venue: State, call: Call) -> object:
    """For every order whose type begins with `stop_` or `take_profit_`."""
    order = _named(call, ORDERS)
    if order is None or not is_stop(order):
        raise Refused(400, "Stop order not found")
    return _cancel(venue, call, order)


def cancel_twap(venue: State, call: Call) -> object:
    """A success for ids that do not exist. Of two ids the client's wins."""
    by_client_id = "client_order_id" in call.payload
    ids = {name: value for name, value in call.payload.items() if not (by_client_id and name == "order_id")}
    order = _named(replace(call, payload=ids), TWAP)
    if order is None and by_client_id:
        raise Refused(37, "Unused client order id", 422)
    return order and _cancel(venue, call, order)


def cancel_strategy(venue: State, call: Call) -> object:
    """Ends the strategy and cancels the orders that it still has open."""
    strategy = call.account.book.find(str(call.payload["strategy_id"]))
    if strategy is None or strategy.segment != STRATEGIES or strategy.status != "open":
        raise NO_STRATEGY
    children = [order for order in call.account.book.open(ORDERS) if order.extra.get("strategy") == strategy.id]
    venue.cancel(call.account, [strategy, *children], call.request)
    return None


def _named(call: Call, segment: str) -> SimOrder | None:
    """The open order of this part of the account that the ids name; a wrong symbol names nothing."""
    ids = call.payload
    if "order_id" not in ids and "client_order_id" not in ids:
        raise INVALID
    order = call.account.book.find(str(ids.get("order_id", "")), str(ids.get("client_order_id", "")))
    if order is None or order.segment != segment or order.status != "open" or order.symbol != ids["symbol"]:
        return None
    return order


def _cancel(venue: State, call: Call, order: SimOrder) -> object:
    venue.trigger_later(call.account, call.request)
    venue.cancel(call.account, [order], call.request)
    return None


def cancel_batch(venue: State, call: Call) -> object:
    """Up to ten actions, each signed by itself; only cancels and limit orders are known here. One bad signature refuses
    them all; what an action is refused for otherwise stands in its own result.
    """
    actions = call.payload.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= _BATCH_MAX:
        raise INVALID
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


def create_order(venue: State, call: Call) -> object:
    payload, order = call.payload, _order(call, "limit")
    amount = positive(payload, "amount", Refused(0, "Invalid amount", 422))
    client_id = str(payload.get("client_order_id", ""))
    priced = replace(order, price=_price(payload, "price", order))
    if client_id and call.account.book.find(client_id=client_id):
        raise Refused(38, "Client order id already used", 422)
    return {"order_id": int(venue.accept(call.account, priced, amount, client_id, fills=False).id)}


def create_stop(venue: State, call: Call) -> object:
    """With `limit_price` a stop-limit order, else a stop-market one."""
    stop = call.payload["stop_order"]
    if not isinstance(stop, dict) or "stop_price" not in stop:
        raise unparsable("stop_order: missing field `stop_price`")
    order = _order(call, "stop_market" if stop.get("limit_price") is None else "stop_limit")
    price = _price(stop, "limit_price", order) if order.kind == "stop_limit" else "0"
    priced = replace(order, price=price, extra={"stop_price": _price(stop, "stop_price", order)})
    amount, client_id = str(stop.get("amount", "0")), str(stop.get("client_order_id", ""))
    return {"order_id": int(venue.accept(call.account, priced, amount, client_id, fills=False).id)}


def _order(call: Call, kind: str) -> SimOrder:
    symbol, side = str(call.payload["symbol"]), _SIDES.get(str(call.payload["side"]))
    if symbol not in MARKETS:
        raise Refused(3, "Book not found", 422)
    if side is None:
        raise unparsable(f"side: unknown variant `{call.payload['side']}`, expected `bid` or `ask`")
    closing = call.payload["reduce_only"] is True
    return SimOrder(symbol=symbol, segment=ORDERS, side=side, kind=kind, reduce_only=closing)


def _price(values: Fields, name: str, order: SimOrder) -> str:
    tick = MARKETS[order.symbol].tick
    bad = Refused(400, f"Price {values[name]} is not a multiple of tick size {tick}")
    price = positive(values, name, bad)
    if Decimal(price) % Decimal(tick):
        raise bad
    return price


# What a batch may hold.
_ACTIONS = {
    "Cancel": cancel(cancel_order, detail="cancel_order"),
    "CancelStopOrder": cancel(cancel_stop, detail="cancel_stop_order"),
    "Create": create(create_order, detail="create_order"),
}
