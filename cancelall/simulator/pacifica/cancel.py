"""Pacifica's cancels: everything, one order, one stop, one TWAP, one strategy, a batch.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-all-orders and its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from . import kinds, operations
from .answers import Answer, Refused
from .create import create_order
from .strategies import trigger_later

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica

Payload = Mapping[str, object]
Handler = Callable[["Pacifica", Account, Payload, "SimRequest"], Answer]

_BATCH_MAX = 10


def cancel_all(venue: Pacifica, account: Account, payload: Payload, request: SimRequest) -> Answer:
    """`POST /orders/cancel_all`: orders, stops and TP/SL, and the TWAPs of the markets that it covers.

    Not documented, and here as they would hurt: strategies stay (and so place new orders), `exclude_reduce_only` spares
    reduce-only stops and TWAPs too, an unknown symbol is a success that cancels nothing, and a symbol beside
    `all_symbols` is ignored.
    """
    symbol = "" if payload["all_symbols"] else payload.get("symbol")
    if symbol is None:
        raise Refused(400, "Invalid parameters")
    spared = venue.fault("spares", request)
    trigger_later(venue, account, request)
    found = [
        order
        for order in account.book.open()
        if order.segment != kinds.STRATEGIES
        and symbol in ("", order.symbol)
        and not (payload["exclude_reduce_only"] and order.reduce_only)
        and not (spared and _is_sort(order, str(spared.value)))
    ]
    count = len(venue.cancel(account, found, request).accepted)
    return Answer(data={"cancelled_count": count}, bare=venue.fault("bare", request) is not None)


def _is_sort(order: SimOrder, sort: str) -> bool:
    return {"stop": kinds.is_stop(order), "twap": order.segment == kinds.TWAP, "spot": "-" in order.symbol}[sort]


def cancel_order(venue: Pacifica, account: Account, payload: Payload, request: SimRequest) -> Answer:
    """`POST /orders/cancel`: for orders of the book; stops have a call of their own."""
    order = _named(account, payload, kinds.ORDERS)
    if order is None or kinds.is_stop(order):
        # Seen live, with the older numbering of the codes.
        raise Refused(422, "Failed to cancel order", code=5)
    return _done(venue, account, order, request)


def cancel_stop(venue: Pacifica, account: Account, payload: Payload, request: SimRequest) -> Answer:
    """`POST /orders/stop/cancel`: for every order whose type begins with `stop_` or `take_profit_`."""
    order = _named(account, payload, kinds.ORDERS)
    if order is None or not kinds.is_stop(order):
        raise Refused(400, "Stop order not found")
    return _done(venue, account, order, request)


def cancel_twap(venue: Pacifica, account: Account, payload: Payload, request: SimRequest) -> Answer:
    """`POST /orders/twap/cancel`: a success for ids that do not exist. Of two ids the client's wins."""
    venue.check_feature("twap", request)
    by_client_id = "client_order_id" in payload
    ids = {name: value for name, value in payload.items() if not (by_client_id and name == "order_id")}
    order = _named(account, ids, kinds.TWAP)
    if order is None and by_client_id:
        raise Refused(422, "Unused client order id", code=37)
    return Answer(data=None) if order is None else _done(venue, account, order, request)


def cancel_strategy(venue: Pacifica, account: Account, payload: Payload, request: SimRequest) -> Answer:
    """`POST /order_strategies/cancel`: ends the strategy and cancels the orders that it still has open."""
    venue.check_feature("strategies", request)
    strategy = account.book.find(str(payload["strategy_id"]))
    if strategy is None or strategy.segment != kinds.STRATEGIES or strategy.status != "open":
        raise Refused(404, "STRATEGIST_NOT_FOUND")
    children = [order for order in account.book.open(kinds.ORDERS) if order.extra.get("strategy") == strategy.id]
    venue.cancel(account, [strategy, *children], request)
    return Answer(data=None)


def cancel_batch(venue: Pacifica, batch: Mapping[str, object], request: SimRequest) -> Answer:
    """`POST /orders/batch`: up to ten actions, each signed by itself. Only cancels and limit orders are known here.

    One bad signature refuses them all; what an action is refused for otherwise stands in its own result.
    """
    actions = batch.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= _BATCH_MAX:
        raise Refused(400, "Invalid parameters")
    checked = [_action(venue, each) for each in actions]
    results: list[dict[str, object]] = []
    for action, account, payload in checked:
        try:
            data = action.handler(venue, account, payload, request).data
        except Refused as refused:
            results.append({"success": False, "error": refused.words})
        else:
            results.append({"success": True, **(data if isinstance(data, dict) else {}), "error": None})
    return Answer(data={"results": results})


def _action(venue: Pacifica, action: object) -> tuple[Action, Account, Payload]:
    body = action.get("data") if isinstance(action, dict) else None
    known = _ACTIONS.get(str(action.get("type"))) if isinstance(action, dict) else None
    if known is None or not isinstance(body, dict):
        raise Refused(400, "Failed to deserialize the JSON body into the target type: actions")
    account, payload = venue.authenticate(known.operation, body)
    return known, account, payload


def _named(account: Account, payload: Payload, segment: str) -> SimOrder | None:
    """The open order of this part of the account that the ids name; a wrong symbol names nothing."""
    if "order_id" not in payload and "client_order_id" not in payload:
        raise Refused(400, "Invalid parameters")
    order = account.book.find(str(payload.get("order_id", "")), str(payload.get("client_order_id", "")))
    if order is None or order.segment != segment or order.status != "open" or order.symbol != payload["symbol"]:
        return None
    return order


def _done(venue: Pacifica, account: Account, order: SimOrder, request: SimRequest) -> Answer:
    trigger_later(venue, account, request)
    venue.cancel(account, [order], request)
    return Answer(data=None)


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a batch may hold."""

    operation: operations.Operation
    handler: Handler


_ACTIONS: Mapping[str, Action] = {
    "Cancel": Action(operation=operations.CANCEL, handler=cancel_order),
    "CancelStopOrder": Action(operation=operations.CANCEL_STOP, handler=cancel_stop),
    "Create": Action(operation=operations.CREATE, handler=create_order),
}
