"""Bitget's calls that change orders: cancel them, place them.

https://www.bitget.com/api-doc/contract/trade/Cancel-All-Orders, .../Batch-Cancel-Orders,
https://www.bitget.com/api-doc/contract/plan/Cancel-Plan-Order, https://www.bitget.com/api-doc/spot/trade/Cancel-Symbol-Orders,
.../Cancel-Order, .../Batch-Cancel-Orders, https://www.bitget.com/api-doc/spot/plan/Batch-Cancel-Plan-Order,
https://www.bitget.com/api-doc/margin/cross/trade/Cross-Batch-Cancel-Order (the isolated account has the same calls),
https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order and .../Cancel-Batch (as of 2025-12-05). Later clients know
strategy orders of six types, and in every category.

Placing is there so that bots and other people's clients can trade against the fake:
https://www.bitget.com/api-doc/contract/trade/Place-Order, .../plan/Place-Plan-Order and .../plan/Place-Tpsl-Order, the
spot and margin pages of the same names, and https://www.bitget.com/api-doc/uta/trade/Place-Order (as of 2025-12-05).
Limit orders rest, market orders fill at once, plan and strategy orders wait. There is no balance and no matching.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..book import SimOrder
from ..refusals import Refused, positive
from ..routes import Call
from ..stock import template
from . import kinds
from .state import State, bad, body, category, ids, invalid, named, needed, product_type, text

_AGAIN_AFTER_MS = 1000
_LANDS_AFTER_MS = 150
"""The cancel of a spot symbol is asynchronous; how long it takes is not written."""
_BATCH_MAX, _UNIFIED_BATCH_MAX = 50, 20
_BOTS = frozenset({"strategy_positive", "strategy_reverse"})

_TOO_FREQUENT = Refused(
    "45129", "Cancel order is too frequent, the same orderId is only allowed to be canceled once in a second"
)
_NOT_CANCELLABLE = Refused("45056", "The current order type cannot be cancelled")
_FAILED = Refused("45024", "Cancel error")
_NOTHING = Refused("22001", "No order to cancel")
_BATCH_OF_20 = Refused("40306", "Batch processing orders can only process up to 20")
_NO_SYMBOL = Refused("43048", "The symbol is null")
_GONE, _FINAL = Refused("40768", "Order does not exist"), Refused("45031", "The order is finalized")
_SPOT_GONE, _PLAN_GONE = Refused("43001", "The order does not exist"), Refused("43025", "Plan order does not exist")
_ROW_GONE, _UNIFIED_GONE = Refused("24056", "notExisted"), Refused("25204", "Order does not exist")
_STRATEGY_GONE = Refused("25597", "Strategy does not exist or has already been stopped")

Named = Mapping[str, object]
"""What names one order: a body, or a row of a batch."""
Failed = tuple[dict[str, str], Refused]


@dataclass(frozen=True)
class Outcome:
    """What became of a cancel: the orders that it took, and the ids that it did not, each with the reason."""

    taken: Sequence[SimOrder] = ()
    failed: Sequence[Failed] = ()

    def one(self) -> dict[str, str]:
        """The answer to the cancel of one order, or the refusal."""
        for _, reason in self.failed:
            raise reason
        return ids(self.taken[0])

    def two_lists(self, *, with_code: bool = True) -> dict[str, object]:
        """`successList` and `failureList`, as v2 answers; plan and margin calls give no `errorCode`."""
        failed = [
            {**names, "errorMsg": reason.message, **({"errorCode": reason.code} if with_code else {})}
            for names, reason in self.failed
        ]
        return {"successList": [ids(order) for order in self.taken], "failureList": failed}

    def rows(self) -> list[dict[str, object]]:
        """One list, as v3 has it: its page gives each row a code, recordings show ids alone. Here it is by turns."""
        good = {"code": "0", "msg": "success"}
        rows: list[dict[str, object]] = [
            {**ids(order), **(good if number % 2 else {})} for number, order in enumerate(self.taken)
        ]
        return rows + [{**names, "code": reason.code, "msg": reason.message} for names, reason in self.failed]


def _take(
    venue: State, call: Call, orders: Iterable[SimOrder], failed: Sequence[Failed] = (), *, by_name: bool = False
) -> Outcome:
    """Cancel these open orders. One that is named again within a second of its last cancel is refused.

    https://www.bitget.com/api-doc/contract/error-code/restapi, 45129; for which calls it holds is not written.
    """
    now_ms = venue.now_ms()
    chosen: list[SimOrder] = []
    refused: list[tuple[SimOrder, Refused]] = []
    for order in orders:
        if by_name and now_ms - venue.struck_ms.get(order.id, -_AGAIN_AFTER_MS) < _AGAIN_AFTER_MS:
            refused.append((order, _TOO_FREQUENT))
        elif order.extra.get("orderSource") in _BOTS and venue.fault("bot-orders", call.request):
            refused.append((order, _NOT_CANCELLABLE))
        else:
            chosen.append(order)
            venue.struck_ms[order.id] = now_ms
    done = venue.cancel(call.account, chosen, call.request)
    refused += [(order, _FAILED) for order in done.failed]
    return Outcome(done.accepted, [*failed, *((ids(order), reason) for order, reason in refused)])


def _take_named(
    venue: State,
    call: Call,
    rows: Iterable[Named],
    *segments: str,
    gone: Refused,
    final: Refused | None = None,
    symbol: Callable[[Named], str | None] = lambda row: None,
    kind: str = "",
) -> Outcome:
    """Cancel the orders of these segments that the rows name, if they are of that symbol and kind. One that is not
    there is `gone`, a closed one that or `final`.
    """
    orders: list[SimOrder] = []
    failed: list[Failed] = []
    for row in rows:
        wanted, order = symbol(row), named(call, row, *segments)
        if order and (wanted not in (None, order.symbol) or kind not in ("", order.kind)):
            order = None
        if order and order.status == "open":
            orders.append(order)
        else:
            names = {name: text(row, name) for name in ("orderId", "clientOid")}
            failed.append((names, final or gone if order else gone))
    return _take(venue, call, orders, failed, by_name="/v2/" in call.path)


def _open(call: Call, segment: str, symbol: str = "", coin: str = "") -> list[SimOrder]:
    """The open orders of a segment, of one symbol and of one margin coin, which has to be written in capitals."""
    return [
        order
        for order in call.account.book.open(segment)
        if symbol in ("", order.symbol) and coin in ("", order.extra.get("marginCoin"))
    ]


def _batch(venue: State, call: Call, values: Named, name: str) -> list[Named]:
    """The rows of a batch; none if absent. The page says 50, that of best practices 20, as with the fault `batch`."""
    rows = values.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad(name)
    if venue.fault("batch", call.request, lambda fault: len(rows) > fault.number):
        raise _BATCH_OF_20
    if len(rows) > _BATCH_MAX:
        raise Refused("40912", "single cancel cannot exceed 50")
    return rows


def _symbol(row: Named) -> str:
    return text(row, "symbol")


# --- classic futures: ordinary orders and plan orders, which are two books with calls of their own --------------------


def cancel_all(venue: State, call: Call) -> object:
    """Of one product type, and margin coin if given; a `symbol`, undocumented, is ignored. No order is code 22001."""
    values = body(call)
    product = product_type(values)
    orders = _open(call, product, coin=text(values, "marginCoin"))
    if not orders:
        if venue.fault("hollow", call.request):
            return Outcome().two_lists()
        raise _NOTHING
    outcome = _take(venue, call, orders)
    venue.fire_trigger(call, kinds.plan_segment(product), product)
    return outcome.two_lists()


def batch_cancel(venue: State, call: Call) -> object:
    """By ids, else by symbol, else the whole product type."""
    values = body(call)
    product, symbol, rows = product_type(values), text(values, "symbol"), _batch(venue, call, values, "orderIdList")
    if rows and not symbol:
        raise _NO_SYMBOL
    if rows:
        return _take_named(venue, call, rows, product, gone=_GONE, final=_FINAL, symbol=lambda row: symbol).two_lists()
    orders = _open(call, product, symbol, text(values, "marginCoin"))
    if not orders:
        raise _NOTHING
    return _take(venue, call, orders, by_name=True).two_lists()


def cancel_one(venue: State, call: Call) -> object:
    values = body(call)
    return _take_named(venue, call, [values], product_type(values), gone=_GONE, final=_FINAL, symbol=_symbol).one()


def cancel_plan(venue: State, call: Call) -> object:
    """Of one `planType`, `normal_plan` if none is given.

    The venue's silent no-op, met by many: what the planType does not reach, named or not, is in neither list, and the
    answer is a success. The same is reported of moving_plan without ids in hedge mode (the fault `hedge`); that a call
    without a symbol works is documented, and not in any record (`wants-symbol`).
    """
    values = body(call)
    product, symbol, rows = product_type(values), text(values, "symbol"), _batch(venue, call, values, "orderIdList")
    plan_type, segment = text(values, "planType") or "normal_plan", kinds.plan_segment(product)
    if not symbol and (rows or venue.fault("wants-symbol", call.request)):
        raise _NO_SYMBOL
    if not rows and plan_type == "moving_plan" and venue.fault("hedge", call.request):
        return Outcome().two_lists()
    meant = [named(call, row, segment) for row in rows]
    orders = [
        order
        for order in _open(call, segment, symbol, text(values, "marginCoin"))
        if (not rows or order in meant) and venue.cancelled_under(order) == plan_type
    ]
    return _take(venue, call, orders, by_name=bool(rows)).two_lists(with_code=False)


# --- classic spot and margin ------------------------------------------------------------------------------------------


def cancel_symbol(venue: State, call: Call) -> object:
    """Names no orders, and lands after its answer. Whether it takes TP/SL orders is not written; here it does not."""
    symbol = needed(body(call), "symbol")
    orders = [order for order in _open(call, kinds.SPOT, symbol) if order.kind == kinds.NORMAL]

    def land(_: int) -> None:
        _take(venue, call, [order for order in orders if call.account.book.is_open(order.id)])

    venue.later(venue.now_ms() + _LANDS_AFTER_MS, land)
    venue.fire_trigger(call, kinds.SPOT_PLANS, kinds.SPOT)
    return {"symbol": symbol}


def spot_batch(venue: State, call: Call) -> object:
    """Of one symbol, or on spot of several with `batchMode` multiple. It has no word for TP/SL: they do not exist."""
    values, mode = body(call), call.names.get("mode", "")
    name = "orderIdList" if mode else "orderList"
    rows, several = _batch(venue, call, values, name), text(values, "batchMode") == "multiple"
    if not rows:
        raise Refused("40019", f"Parameter {name} cannot be empty")

    def symbol(row: Named) -> str:
        return needed(row if several else values, "symbol")

    segment = mode or kinds.SPOT
    outcome = _take_named(venue, call, rows, segment, gone=_SPOT_GONE, symbol=symbol, kind=kinds.NORMAL)
    return outcome.two_lists(with_code=not mode)


def spot_one(venue: State, call: Call) -> object:
    """On spot or margin. A TP/SL order needs `tpslType` tpsl, and then no symbol."""
    values = body(call)
    kind = text(values, "tpslType") or kinds.NORMAL
    if kind not in (kinds.NORMAL, kinds.TPSL):
        raise bad("tpslType")
    symbol = needed(values, "symbol") if kind == kinds.NORMAL else text(values, "symbol") or None
    segment = call.names.get("mode", kinds.SPOT)
    return _take_named(venue, call, [values], segment, gone=_SPOT_GONE, symbol=lambda _: symbol, kind=kind).one()


def spot_plans(venue: State, call: Call) -> object:
    """Of some symbols, or all. No order is an empty success."""
    wanted = body(call).get("symbolList", [])
    if not isinstance(wanted, list):
        raise bad("symbolList")
    orders = [order for order in _open(call, kinds.SPOT_PLANS) if not wanted or order.symbol in wanted]
    return _take(venue, call, orders).two_lists(with_code=False)


def spot_plan(venue: State, call: Call) -> object:
    _take_named(venue, call, [body(call)], kinds.SPOT_PLANS, gone=_PLAN_GONE).one()
    return {"result": "success"}


# --- unified ----------------------------------------------------------------------------------------------------------


def unified_symbol(venue: State, call: Call) -> object:
    """A category, or one symbol of it. Its answer to none is not written: an empty list, or the code of `nothing`."""
    values = body(call)
    part = category(values)
    orders = _open(call, kinds.unified_segment(part), text(values, "symbol"))
    if not orders and (fault := venue.fault("nothing", call.request)):
        raise Refused(str(fault.value), _NOTHING.message)
    outcome = _take(venue, call, orders)
    venue.fire_trigger(call, kinds.strategy_segment(part), kinds.unified_segment(part))
    return {"list": outcome.rows()}


def unified_batch(venue: State, call: Call) -> object:
    """The body is an array of at most 20, all of one category."""
    rows = call.request.json_rows(invalid("body"))
    if not 1 <= len(rows) <= _UNIFIED_BATCH_MAX:
        raise _BATCH_OF_20
    parts = {category(row) for row in rows}
    if len(parts) > 1:
        raise invalid("category")
    return _take_named(venue, call, rows, *map(kinds.unified_segment, parts), gone=_ROW_GONE, symbol=_symbol).rows()


def unified_one(venue: State, call: Call) -> object:
    return _take_named(venue, call, [body(call)], *kinds.UNIFIED, gone=_UNIFIED_GONE).one()


def strategy_one(venue: State, call: Call) -> object:
    """One of whatever category; there is no call for several."""
    _take_named(venue, call, [body(call)], *kinds.STRATEGIES, gone=_STRATEGY_GONE).one()
    return None


# --- placing ----------------------------------------------------------------------------------------------------------

# The position's side decides where no side is named: what closes a long one sells. Some call a long one `buy`.
_CLOSING_SIDES = {"long": "sell", "short": "buy", "buy": "sell", "sell": "buy"}
_KEPT = (
    "marginCoin posSide tradeSide force triggerPrice callbackRatio presetStopSurplusPrice presetStopLossPrice "
    "stopSurplusTriggerPrice stopLossTriggerPrice takeProfit stopLoss triggerBy triggerOrderType"
).split()


@dataclass(frozen=True)
class Waiting:
    """What a call places that waits for a price: the parameter that names its kind, the kinds, and the usual one."""

    name: str
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
    (part, segment), kind = _place_of(call, family, values), text(values, "tpslType") or kinds.NORMAL
    if waiting:
        kind = text(values, waiting.name) or waiting.usual
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
    order = template(segment, symbol, side, price, kind, extra, reduces=reduces)
    fills = order_type == "market" and not waiting and kind != kinds.TPSL
    return ids(venue.accept(call.account, order, quantity, client_id, fills=fills))


def _place_of(call: Call, family: str, values: Named) -> tuple[str, str]:
    """The part of which a call places an order, and the segment where the order rests."""
    waits = call.route.detail is not None
    if family == "margin":
        return "MARGIN", call.names["mode"]
    if family == "trade":
        part = category(values)
        return part, kinds.strategy_segment(part) if waits else kinds.unified_segment(part)
    part = product_type(values) if family == "mix" else kinds.SPOT
    return part, kinds.plan_segment(part) if waits else part
