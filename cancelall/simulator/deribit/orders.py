"""Deribit's cancels and lists of orders. https://docs.deribit.com/api-reference/trading"""

from collections.abc import Callable, Mapping

from ..book import SimOrder
from ..refusals import Refused, positive, whole
from ..routes import Call
from ..stock import template
from .instruments import ACCOUNT, CURRENCIES, INSTRUMENTS, KINDS, TRIGGERED, Instrument, order_row, trigger_row
from .state import State, instrument_of, invalid, params_of

Fits = Callable[[SimOrder], bool]
Params = Mapping[str, object]
_MOST = 1000


def _kind(params: Params, *more: str) -> Fits:
    kind = params.get("kind", "any")
    if kind not in (*KINDS, *more) and "kind" in params:
        raise invalid("kind", "must be one of future, option, spot, future_combo, option_combo")
    parts = ("future_combo", "option_combo") if kind == "combo" else (kind,)
    return lambda order: kind == "any" or INSTRUMENTS[order.symbol].kind in parts


def _type(params: Params) -> Fits:
    kind = str(params.get("type", "all"))
    groups = {"all": (True, False), "limit": (False,), "trigger_all": (True,)}
    if kind in groups:
        return lambda order: (order.kind in TRIGGERED) in groups[kind]
    return lambda order: order.kind.startswith(kind.removesuffix("_all"))


def _currency(params: Params, *, cancels: bool, any_too: bool = False) -> Fits:
    currency = str(params.get("currency", ""))
    if currency == "any" and any_too:
        return lambda order: True
    if currency not in CURRENCIES:
        raise invalid("currency", "invalid currency")
    by = Instrument.cancelled_under if cancels else Instrument.listed_under
    return lambda order: by(INSTRUMENTS[order.symbol], currency)


def _scope(venue: State, call: Call, params: Params) -> Fits:
    """Which orders a mass cancel is for, by its own path."""
    method = call.path.rpartition("/")[2]
    if method == "cancel_all":
        return lambda order: True
    if method == "cancel_by_label":
        return lambda order: order.client_id == params.get("label")
    if method == "cancel_all_by_instrument":
        if params.get("instrument_name") not in INSTRUMENTS and venue.fault("lenient-names", call.request):
            return lambda order: False
        name, of_type = instrument_of(params).name, _type(params)
        return lambda order: order.symbol == name and of_type(order)
    if method == "cancel_quotes":
        return _quotes(venue, call, params)
    wide = method == "cancel_all_by_kind_or_type"
    checks = _currency(params, cancels=True, any_too=wide), _kind(params, "combo", "any"), _type(params)
    return lambda order: all(check(order) for check in checks)


def _quotes(venue: State, call: Call, params: Params) -> Fits:
    if venue.fault("quotes-refused", call.request):
        raise invalid("currency", "is required")
    by = params.get("cancel_type")
    if by not in ("all", "currency", "instrument"):
        raise invalid("cancel_type")
    name = instrument_of(params).name if by == "instrument" else ""
    of_coin = _currency(params, cancels=True) if by == "currency" else None
    return lambda order: order.kind == "quote" and name in ("", order.symbol) and (of_coin is None or of_coin(order))


def cancel_many(venue: State, call: Call) -> object:
    """A number; or with `detailed` a report for each order type of each currency, and none where nothing was cancelled.

    A cancelled trigger order is shown in its old state, as in the documents' examples.
    """
    params = params_of(call)
    fits, quotes_only = _scope(venue, call, params), call.path.endswith("cancel_quotes")
    orders = [order for order in call.account.book.open() if fits(order)]
    if orders and not quotes_only and venue.fault("quotes-left", call.request):
        orders = [order for order in orders if order.kind != "quote"]
    errors: list[object] = []
    if orders and (fault := venue.fault("group-error", call.request)):
        failing = _group(orders[0])
        orders = [order for order in orders if _group(order) != failing]
        error = {"code": int(fault.number), "message": "matching_engine_queue_full"}
        errors.append({"type": failing[0], "currency": failing[1], "error": error})
    accepted = venue.cancel(call.account, orders, call.request).accepted
    filled = {order.id for order in call.account.book.closed() if order.status == "filled"}
    taken = [order for order in accepted if order.id not in filled]
    shape = venue.setting("shape", call.request, "")
    if shape == "number" or str(params.get("detailed", False)).lower() != "true":
        return len(taken)
    if shape == "order":
        return [*({"order": _cancelled(venue, order)} for order in taken), *errors]
    groups: dict[tuple[str, str], list[object]] = {}
    for order in taken:
        groups.setdefault(_group(order), []).append(_cancelled(venue, order))
    return [*({"type": name, "currency": coin, "result": rows} for (name, coin), rows in groups.items()), *errors]


def _group(order: SimOrder) -> tuple[str, str]:
    instrument = INSTRUMENTS[order.symbol]
    return "trigger" if order.kind in TRIGGERED else "limit", instrument.settled_in or instrument.name


def _cancelled(venue: State, order: SimOrder) -> dict[str, object]:
    state = "untriggered" if order.kind in TRIGGERED else "cancelled"
    return {**order_row(order, venue.to_server), "order_state": state, "cancel_reason": "user_request"}


def cancel_one(venue: State, call: Call) -> object:
    order = call.account.book.find(str(params_of(call).get("order_id", "")))
    if order is None:
        raise Refused(10004, "order_not_found")
    if order.status != "open":
        raise Refused(11044, "not_open_order")
    venue.cancel(call.account, [order], call.request)
    return _cancelled(venue, order)


def open_orders(venue: State, call: Call) -> object:
    """All at once, untriggered ones among them."""
    params, method = params_of(call), call.path.rpartition("/")[2]
    checks = [_kind(params), _type(params)]
    if method == "get_open_orders_by_currency":
        checks.append(_currency(params, cancels=False))
    if method == "get_open_orders_by_instrument":
        name = instrument_of(params).name
        checks.append(lambda order: order.symbol == name)
    listed = venue.listed(call.account, call.request, ACCOUNT)
    return [order_row(order, venue.to_server) for order in listed if all(check(order) for check in checks)]


def history(venue: State, call: Call) -> object:
    """What ended lately, the last first: without what never filled, unless that is requested; no untriggered orders."""
    params = params_of(call)
    fits, unfilled = _currency(params, cancels=False), str(params.get("include_unfilled", False)).lower() == "true"
    closed = (order for order in call.account.book.closed(ACCOUNT) if fits(order) and order.kind not in TRIGGERED)
    ended = [order for order in closed if unfilled or order.executed]
    start, size = (whole(str(params.get(*one)), invalid(one[0]), most=_MOST) for one in (("offset", 0), ("count", 20)))
    return [order_row(order, venue.to_server) for order in ended[start : start + size]]


def trigger_history(venue: State, call: Call) -> object:
    """Pages by a token; on the last one it is `none`, as text."""
    params = params_of(call)
    fits, size = _currency(params, cancels=False), whole(str(params.get("count", "20")), invalid("count"), most=_MOST)
    start = whole(str(params.get("continuation", "0")), invalid("continuation"))
    ended = [one for one in call.account.book.closed(ACCOUNT) if one.kind in TRIGGERED and fits(one)]
    rows = [trigger_row(order, venue.to_server) for order in ended[start : start + size]]
    return {"entries": rows, "continuation": str(start + size) if start + size < len(ended) else "none"}


def place(venue: State, call: Call) -> object:
    """Limit and trigger orders rest, market orders fill at once. `private/buy` and `private/sell`."""
    params, side = params_of(call), call.path.rpartition("/")[2]
    instrument, kind = instrument_of(params), str(params.get("type", "limit"))
    amount = positive(params, "amount", invalid("amount"))
    price = positive(params, "price", invalid("price")) if kind.endswith("limit") else "0"
    extra = {name: params[name] for name in ("trigger", "trigger_price") if name in params}
    closing = str(params.get("reduce_only", False)).lower() == "true"
    order = template(ACCOUNT, instrument.name, side, price, kind, extra, reduces=closing)
    placed = venue.accept(call.account, order, amount, str(params.get("label", "")), fills=kind == "market")
    return {"order": order_row(placed, venue.to_server), "trades": []}
