"""The classic account, REST v2: futures by product type and spot, each with a book of plan orders beside it.

https://www.bitget.com/api-doc/contract/trade/Cancel-All-Orders, .../contract/plan/Cancel-Plan-Order and those beside.
"""

from __future__ import annotations

from functools import partial

from cancelall import payload
from cancelall.errors import Unreadable
from cancelall.model import Order, Page, Priority, Protection, Reply, Request, Settlement, State
from cancelall.venues.bitget import calls
from cancelall.venues.bitget.calls import Row, Words, asked, get, post
from cancelall.venues.contract import Segment, Witness

MIX, SPOT = "/api/v2/mix/order", "/api/v2/spot/trade"
CANCEL_ALL = f"{MIX}/cancel-all-orders"
CANCEL_PLAN = f"{MIX}/cancel-plan-order"

LISTED_UNDER = {
    "normal_plan": ("normal_plan",),
    "track_plan": ("track_plan",),
    "profit_loss": ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan"),
}
"""The three words of the listing (another is refused, 40812) and the plan types that each shows."""
_OF_A_POSITION = frozenset(LISTED_UNDER["profit_loss"])
_PLAN_TYPES = tuple(kind for kinds in LISTED_UNDER.values() for kind in kinds)
_CANCEL_WORDS = tuple(kind for kind in _PLAN_TYPES if kind != "track_plan")
"""The plan types that the document of the cancel has."""

_CANCELLED = {"canceled": (State.CANCELLED, ""), "cancelled": (State.CANCELLED, "")}
_ORDER = Words(status="status", ends={"filled": (State.FILLED, ""), **_CANCELLED})
_TRIGGERED = {"executed": (State.GONE, "triggered"), "fail_execute": (State.GONE, "triggered and failed")}
_PLAN = Words(status="planStatus", ends={**_TRIGGERED, **_CANCELLED})
_SPOT_PLAN = Words(status="status", ends={**_TRIGGERED, **_CANCELLED})


def segments(products: tuple[str, ...], symbols: dict[str, tuple[str, ...]], coin: str | None) -> tuple[Segment, ...]:
    """Two for each product, plan orders first: one that fires becomes an ordinary order."""
    found: list[Segment] = []
    for product in products:
        if product == "SPOT":
            found += (_spot(symbols[product]), _spot_plan(symbols[product]))
        else:
            found += (_futures(product, symbols[product], coin), _plan(product, symbols[product], coin))
    return tuple(sorted(found, key=lambda segment: not segment.feeds))


# --- futures --------------------------------------------------------------------------------------------------------


def _futures(product: str, symbols: tuple[str, ...], coin: str | None) -> Segment:
    """Ordinary orders. `cancel-all-orders` knows no symbol and is said to ignore one: a symbol goes by the batch call.

    The listing without a status may leave out partly filled orders, so that they are asked for by name: afterwards,
    because that is what a live one turns into.
    """
    scope = {"productType": product, **({"marginCoin": coin} if coin else {})}
    whole = post(CANCEL_ALL, scope)
    by_symbol = tuple(post(f"{MIX}/batch-cancel-orders", {"symbol": symbol, **scope}) for symbol in symbols)
    passes = calls.narrowed(symbols, productType=product, limit="100")
    return Segment(
        name=product,
        mass_cancels=lambda survivors: by_symbol or (whole,),
        listings=(
            tuple(get(f"{MIX}/orders-pending", **one) for one in passes),
            tuple(get(f"{MIX}/orders-pending", **one, status="partially_filled") for one in passes),
        ),
        page=partial(_futures_page, product, coin),
        acknowledge=calls.acknowledge,
        cancels=partial(_futures_cancels, product),
        settle=lambda orders, since_ms: calls.recent(f"{MIX}/orders-history", orders, productType=product),
        settled=partial(_futures_settled, product),
        named_gap=calls.NAMED_GAP,
        # 22001 agrees. That it took an order, or found none and did not say so, does not.
        witnesses=() if symbols else (Witness(request=whole, read=lambda request, reply: False),),
    )


def _futures_cancels(
    product: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    found = []
    for symbol in dict.fromkeys(order.symbol for order in orders if order.symbol):
        for chunk in calls.chunks(tuple(order for order in orders if order.symbol == symbol)):
            body = {"symbol": symbol, "productType": product, "orderIdList": [{"orderId": one.id} for one in chunk]}
            found.append((post(f"{MIX}/batch-cancel-orders", body, Priority.CANCEL), chunk))
    return tuple(found)


def _futures_order(segment: str, row: Row) -> Order:
    type_ = payload.maybe(row, "orderType") or ""
    return calls.order_of(segment, _ORDER, row, kind="", type_=type_, protection=_closes(row))


def _closes(row: Row) -> Protection:
    """Whether an ordinary order can only shrink a position.

    In one-way mode `reduceOnly` says so, in hedge mode `tradeSide`; there `side` names the position, not the order.
    https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending
    """
    trade_side = (payload.maybe(row, "tradeSide") or "").lower()
    if payload.flag(row, "reduceOnly") or "close" in trade_side:
        return Protection.PROTECTIVE
    return Protection.NONE if trade_side in ("", "open", "buy_single", "sell_single") else Protection.UNKNOWN


def _entrusted(request: Request, reply: Reply) -> tuple[list[Row], Request | None]:
    """The rows of a futures listing or history; both fields are null on an empty one. It ends at an empty page."""
    found = payload.as_object(calls.data(reply), "data")
    rows = calls.maybe_null(found, "entrustedList")
    if not rows:
        return rows, None
    return rows, calls.following(request, "idLessThan", payload.maybe(found, "endId"))


def _of_coin(coin: str | None, row: Row) -> bool:
    """Whether an order has this margin coin: a listing cannot be narrowed by it. Raises Unreadable without one."""
    return coin is None or payload.field(row, "marginCoin").upper() == coin


def _futures_page(segment: str, coin: str | None, request: Request, reply: Reply) -> Page:
    rows, following = _entrusted(request, reply)
    order = partial(_futures_order, segment)
    return calls.page(request, rows, _ORDER, order, partial(_of_coin, coin), following)


def _futures_settled(segment: str, request: Request, reply: Reply) -> Settlement:
    rows, following = _entrusted(request, reply)
    return calls.settlement(rows, _ORDER, partial(_futures_order, segment), following)


# --- futures plan orders --------------------------------------------------------------------------------------------


def _plan(product: str, symbols: tuple[str, ...], coin: str | None) -> Segment:
    """Trigger, trailing and TP/SL orders: listed under three words, cancelled by name and by each one's own type.

    The listing may look back three months, which a position's TP/SL can outlive. A cancel of all orders of a type, as
    documented without ids, is the second witness: one that takes an order contradicts the listing.
    """
    passes = calls.narrowed(symbols, productType=product, limit="100")
    scope = {"productType": product, **({"marginCoin": coin} if coin else {})}
    whole = () if symbols else tuple(post(CANCEL_PLAN, {**scope, "planType": word}) for word in _CANCEL_WORDS)
    return Segment(
        name=f"{product} plan orders",
        mass_cancels=lambda survivors: (),
        listings=(
            tuple(get(f"{MIX}/orders-plan-pending", **one, planType=word) for word in LISTED_UNDER for one in passes),
        ),
        page=partial(_plan_page, f"{product} plan orders", coin),
        acknowledge=calls.acknowledge,
        cancels=partial(_plan_cancels, product),
        settle=partial(_plan_settle, product),
        settled=partial(_plan_settled, f"{product} plan orders"),
        named_gap=calls.NAMED_GAP,
        witnesses=tuple(Witness(request=one, read=calls.nothing_cancelled, optional=True) for one in whole),
        feeds=True,
    )


def _plan_cancels(
    product: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Each with its own `planType`: another one, or none, is a success that cancels nothing."""
    found = []
    for symbol, kind in dict.fromkeys((order.symbol, order.kind) for order in orders if order.symbol):
        group = tuple(order for order in orders if (order.symbol, order.kind) == (symbol, kind))
        for plan_type in _words_that_may_cancel(kind):
            for chunk in calls.chunks(group):
                body: dict[str, object] = {"symbol": symbol, "productType": product}
                if plan_type:
                    body["planType"] = plan_type
                body["orderIdList"] = [{"orderId": one.id} for one in chunk]
                found.append((post(CANCEL_PLAN, body, Priority.CANCEL), chunk))
    return tuple(found)


def _words_that_may_cancel(kind: str) -> tuple[str, ...]:
    """The planType that reaches an order. Where no document tells, every one that may: the others do nothing.

    For trailing trigger orders clients send `track_plan`, which the document lacks; it has `moving_plan`, and none
    means `normal_plan`. https://www.bitget.com/api-doc/contract/plan/Cancel-Plan-Order
    """
    if kind == "track_plan":
        return ("track_plan", "moving_plan", "")
    return (kind,) if kind else _PLAN_TYPES


def _plan_order(segment: str, row: Row) -> Order:
    """`normal_plan` and `track_plan` can open a position unless they say that they close one; others belong to one."""
    kind = payload.maybe(row, "planType") or ""
    protection = _closes(row) if kind in ("normal_plan", "track_plan") else Protection.UNKNOWN
    if kind in _OF_A_POSITION:
        protection = Protection.PROTECTIVE
    return calls.order_of(segment, _PLAN, row, kind=kind, type_=kind or "plan", protection=protection)


def _plan_page(segment: str, coin: str | None, request: Request, reply: Reply) -> Page:
    rows, following = _entrusted(request, reply)
    order = partial(_plan_order, segment)
    return calls.page(request, rows, _PLAN, order, partial(_of_coin, coin), following)


def _plan_settle(product: str, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    path = f"{MIX}/orders-plan-history"
    return tuple(
        request
        for word, kinds in LISTED_UNDER.items()
        for request in calls.recent(
            path, tuple(order for order in orders if order.kind in kinds), productType=product, planType=word
        )
    )


def _plan_settled(segment: str, request: Request, reply: Reply) -> Settlement:
    rows, following = _entrusted(request, reply)
    return calls.settlement(rows, _PLAN, partial(_plan_order, segment), following)


# --- spot -----------------------------------------------------------------------------------------------------------


def _spot(symbols: tuple[str, ...]) -> Segment:
    """Ordinary and TP/SL orders, listed apart. There is no call for all symbols: they come from the listing.

    Whether the cancel of a symbol takes TP/SL orders is not written; by name they are cancelled as what they are.
    """
    passes = calls.narrowed(symbols, limit="100")
    path = f"{SPOT}/unfilled-orders"
    return Segment(
        name="SPOT",
        mass_cancels=partial(_spot_mass_cancels, symbols),
        listings=(
            tuple(get(path, **one, tpslType="tpsl") for one in passes),
            tuple(get(path, **one, tpslType="normal") for one in passes),
        ),
        page=_spot_page,
        acknowledge=calls.acknowledge,
        cancels=_spot_cancels,
        settle=_spot_settle,
        settled=_spot_settled,
        named_gap=calls.NAMED_GAP,
    )


def _spot_mass_cancels(symbols: tuple[str, ...], survivors: tuple[Order, ...]) -> tuple[Request, ...]:
    seen = (order.symbol for order in survivors if order.kind == "normal" and order.symbol)
    return tuple(post(f"{SPOT}/cancel-symbol-order", {"symbol": symbol}) for symbol in symbols or dict.fromkeys(seen))


def _spot_cancels(
    orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """In batches of several symbols; TP/SL orders singly, for the batch has no word for them.

    https://www.bitget.com/api-doc/spot/trade/Cancel-Order
    """
    found = []
    for chunk in calls.chunks(tuple(order for order in orders if order.kind == "normal" and order.symbol)):
        named = [{"orderId": one.id, "symbol": one.symbol} for one in chunk]
        body = {"batchMode": "multiple", "orderList": named}
        found.append((post(f"{SPOT}/batch-cancel-order", body, Priority.CANCEL), chunk))
    for order in orders:
        if order.kind == "tpsl":
            body = {"orderId": order.id, "tpslType": "tpsl"}
            found.append((post(f"{SPOT}/cancel-order", body, Priority.CANCEL), (order,)))
    return tuple(found)


def _spot_order(kind: str, row: Row) -> Order:
    """A triggered sell protects what is held."""
    protection = Protection.NONE if kind == "normal" else _sells(row)
    type_ = payload.maybe(row, "orderType") or ""
    return calls.order_of(
        "SPOT", _ORDER, row, kind=kind, type_=type_ if kind == "normal" else kind, protection=protection
    )


def _sells(row: Row) -> Protection:
    sides = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
    return sides.get((payload.maybe(row, "side") or "").lower(), Protection.UNKNOWN)


def _spot_rows(request: Request, reply: Reply) -> tuple[list[Row], Request | None]:
    """A plain array, without a word on where to read on: from the last row's id, until a page is empty."""
    rows = payload.as_list(calls.data(reply), "data")
    if not rows:
        return rows, None
    last = payload.maybe(payload.as_object(rows[-1], "order"), "orderId")
    return rows, calls.following(request, "idLessThan", last)


def _spot_page(request: Request, reply: Reply) -> Page:
    rows, following = _spot_rows(request, reply)
    order = partial(_spot_order, asked(request, "tpslType"))
    return calls.page(request, rows, _ORDER, order, lambda row: True, following)


def _spot_settle(orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    path = f"{SPOT}/history-orders"
    kinds = {kind: tuple(one for one in orders if (one.kind or "normal") == kind) for kind in ("normal", "tpsl")}
    return tuple(request for kind, some in kinds.items() for request in calls.recent(path, some, tpslType=kind))


def _spot_settled(request: Request, reply: Reply) -> Settlement:
    rows, following = _spot_rows(request, reply)
    return calls.settlement(rows, _ORDER, partial(_spot_order, asked(request, "tpslType")), following)


def _spot_plan(symbols: tuple[str, ...]) -> Segment:
    """Trigger orders, which one call cancels all. What it answers to none is not written: only a cancel is a word."""
    whole = post(f"{SPOT}/batch-cancel-plan-order", {"symbolList": list(symbols)} if symbols else {})
    passes = calls.narrowed(symbols, limit="100")
    return Segment(
        name="SPOT plan orders",
        mass_cancels=lambda survivors: (whole,),
        listings=(tuple(get(f"{SPOT}/current-plan-order", **one) for one in passes),),
        page=_spot_plan_page,
        acknowledge=calls.acknowledge,
        cancels=lambda orders, others: tuple(
            (post(f"{SPOT}/cancel-plan-order", {"orderId": order.id}, Priority.CANCEL), (order,)) for order in orders
        ),
        settle=lambda orders, since_ms: (get(f"{SPOT}/history-plan-order", limit="100"),),
        settled=_spot_plan_settled,
        named_gap=calls.NAMED_GAP,
        witnesses=(Witness(request=whole, read=calls.nothing_cancelled, optional=True),),
        feeds=True,
    )


def _spot_plan_order(row: Row) -> Order:
    return calls.order_of("SPOT plan orders", _SPOT_PLAN, row, kind="plan", type_="plan", protection=_sells(row))


def _spot_plan_rows(request: Request, reply: Reply) -> tuple[list[Row], Request | None]:
    """`nextFlag` says whether there is more."""
    found = payload.as_object(calls.data(reply), "data")
    rows, more = calls.maybe_null(found, "orderList"), found.get("nextFlag")
    if not isinstance(more, bool):
        raise Unreadable("nextFlag is missing")
    return rows, calls.following(request, "idLessThan", payload.maybe(found, "idLessThan")) if more else None


def _spot_plan_page(request: Request, reply: Reply) -> Page:
    rows, following = _spot_plan_rows(request, reply)
    return calls.page(request, rows, _SPOT_PLAN, _spot_plan_order, lambda row: True, following)


def _spot_plan_settled(request: Request, reply: Reply) -> Settlement:
    rows, following = _spot_plan_rows(request, reply)
    return calls.settlement(rows, _SPOT_PLAN, _spot_plan_order, following)
