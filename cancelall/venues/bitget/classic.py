"""The classic account, REST v2: futures by product type, ordinary and plan orders, and spot beside them.

https://www.bitget.com/api-doc/contract/trade/Cancel-All-Orders, .../contract/plan/Cancel-Plan-Order and those beside.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import FinalStates, Order, Page, Priority, Protection, Reply, Request
from cancelall.venues import payload
from cancelall.venues.bitget import calls, reading, spot
from cancelall.venues.bitget.calls import Cancels, asked_last, get, post
from cancelall.venues.bitget.reading import Scope, Words, word
from cancelall.venues.contract import Segment, Witness, segment_of
from cancelall.venues.payload import Row

MIX = "/api/v2/mix/order"
CANCEL_ALL = f"{MIX}/cancel-all-orders"
CANCEL_PLAN = f"{MIX}/cancel-plan-order"
PLAN_LISTING = f"{MIX}/orders-plan-pending"

LISTED_UNDER = {
    "normal_plan": ("normal_plan",),
    "track_plan": ("track_plan",),
    "profit_loss": ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan"),
}
"""The three words of the listing (another is refused, 40812) and the plan types that each shows."""
_OF_A_POSITION = frozenset(LISTED_UNDER["profit_loss"])
_PLAN_TYPES = tuple(kind for kinds in LISTED_UNDER.values() for kind in kinds)
_OPENING = ("normal_plan", "track_plan")
"""The plan types that can open a position."""
_BLIND = (*_OPENING, "loss_plan", "pos_loss", "profit_plan", "pos_profit", "moving_plan")
"""The order in which plan types are cancelled unseen. `moving_plan` is the last: it opens nothing, and without ids it
is said to be a silent no-op in hedge mode."""
_BLIND_AT_MOST = 20
"""Cancels of plan orders that the venue's limit lets out within a second, over all products: with one more, the proof
comes a second later. What is left out goes as soon as a listing shows it."""

_ORDER = Words(status="status", ends=reading.FILLED_OR_CANCELLED)
_PLAN = Words(status="planStatus", ends=reading.TRIGGERED_OR_CANCELLED)


def segments(products: tuple[str, ...], symbols: dict[str, tuple[str, ...]], coin: str | None) -> tuple[Segment, ...]:
    """Two for each product: the plan orders feed the ordinary ones, which they become when they fire."""
    found: list[Segment] = []
    unseen = _BLIND_AT_MOST
    for product in products:
        if product == "SPOT":
            found += (spot.orders(symbols[product]), spot.plan_orders(symbols[product]))
        else:
            scope = Scope(symbols=symbols[product], coin=coin)
            blind = _blind(product, scope)[:unseen]
            unseen -= len(blind)
            found += (_futures(product, scope), _plan(product, scope, blind))
    return tuple(found)


# --- futures --------------------------------------------------------------------------------------------------------


def _futures(product: str, scope: Scope) -> Segment:
    """Ordinary orders. `cancel-all-orders` knows no symbol and is said to ignore one: a symbol goes by the batch call.

    The listing without a status may leave out partly filled orders, so that they are asked for by name: afterwards,
    because that is what a live one turns into.
    """
    body = _narrowed(product, scope)
    whole = post(CANCEL_ALL, body)
    by_symbol = tuple(post(f"{MIX}/batch-cancel-orders", {"symbol": symbol, **body}) for symbol in scope.symbols)
    passes = calls.narrowed(scope.symbols, productType=product, limit=str(calls.PAGE))
    return segment_of(
        name=product,
        mass_cancels=lambda survivors: by_symbol or (whole,),
        listings=(
            tuple(get(f"{MIX}/orders-pending", **one) for one in passes),
            tuple(get(f"{MIX}/orders-pending", **one, status="partially_filled") for one in passes),
        ),
        page=partial(_futures_page, product, scope),
        acknowledge=reading.acknowledge,
        cancels=partial(_futures_cancels, product),
        singly=lambda orders, others: calls.each(
            f"{MIX}/cancel-order",
            tuple(order for order in orders if order.symbol),
            lambda order: {"orderId": order.id, "symbol": order.symbol, "productType": product},
        ),
        final_states=lambda orders, since_ms: calls.recent(f"{MIX}/orders-history", orders, productType=product),
        final_page=partial(_futures_final_page, product),
        named_gap=calls.NAMED_GAP,
        witnesses=() if scope.symbols else (_last_cancel(whole),),
    )


def _narrowed(product: str, scope: Scope) -> dict[str, object]:
    return {"productType": product, **({"marginCoin": scope.coin} if scope.coin else {})}


def _last_cancel(whole: Request) -> Witness:
    """A last cancel of all: 22001, or two that took nothing a gap apart."""
    return Witness(request=asked_last(whole), read=_met_none, twice=lambda request, reply: reading.took_nothing(reply))


def _met_none(request: Request, reply: Reply) -> bool:
    """Code 22001 agrees; a success that met an order does not; one that met none without saying so is no word."""
    said = reading.acknowledge(request, reply)
    if not (said.cancelled or said.failed):
        raise Unreadable('a success without an order in the place of 22001, "no order to cancel"')
    return False


def _futures_cancels(product: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Cancels:
    found = []
    for symbol in dict.fromkeys(order.symbol for order in orders if order.symbol):
        for chunk in calls.chunks(tuple(order for order in orders if order.symbol == symbol)):
            body = {"symbol": symbol, "productType": product, "orderIdList": [{"orderId": one.id} for one in chunk]}
            found.append((post(f"{MIX}/batch-cancel-orders", body, Priority.CANCEL), chunk))
    return tuple(found)


def _futures_order(segment: str, row: Row) -> Order:
    type_ = row.text("orderType") or ""
    return reading.order_of(
        segment, _ORDER, row, kind="", type_=type_, protection=_closes(row, told=_tells_its_mode(row))
    )


def _closes(row: Row, *, told: bool) -> Protection:
    """Whether an order can only shrink a position.

    In one-way mode `reduceOnly` says so, in hedge mode `tradeSide`; there `side` names the position, not the order.
    `told` says whether a row with neither of them opens. https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending
    """
    trade_side, reduces = word(row, "tradeSide"), row.flag("reduceOnly")
    if reduces or "close" in trade_side:
        return Protection.PROTECTIVE
    if reduces is None:
        return Protection.UNKNOWN
    if trade_side in ("open", "buy_single", "sell_single") or (trade_side == "" and told):
        return Protection.NONE
    return Protection.UNKNOWN


def _tells_its_mode(row: Row) -> bool:
    """Whether an ordinary row without a `tradeSide` is of one-way mode, where `reduceOnly` tells everything."""
    mode = word(row, "posMode")
    return mode == "one_way_mode" or (mode == "" and reading.tells(row, "reduceOnly"))


def _entrusted(reply: Reply) -> tuple[list[Any], object, bool]:
    """The rows of a futures listing or history, the id to go on from, and whether the list was a null that is odd.

    Both fields are null on an empty one, as observed; a null beside an id is not that. One observed answer with rows
    has no `endId` at all.
    """
    found = payload.as_object(reading.data(reply), "data")
    rows, null = payload.null_or_list(found, "entrustedList")
    last = found.get("endId")
    return rows, last, null and last not in (None, "")


def _futures_page(segment: str, scope: Scope, request: Request, reply: Reply) -> Page:
    rows, last, null = _entrusted(reply)
    order = partial(_futures_order, segment)
    return reading.page(request, rows, _ORDER, order, scope, onward="idLessThan", last=last, null=null)


def _futures_final_page(segment: str, request: Request, reply: Reply) -> FinalStates:
    rows, last, _ = _entrusted(reply)
    return reading.settlement(request, rows, _ORDER, partial(_futures_order, segment), onward="idLessThan", last=last)


# --- futures plan orders --------------------------------------------------------------------------------------------


def _plan(product: str, scope: Scope, blind: tuple[Request, ...]) -> Segment:
    """Trigger, trailing and TP/SL orders: listed under three words, cancelled by type, and by name and each one's own.

    The cancel of all orders of a type needs no listing, and takes orders that are older than a listing looks back. It
    is documented without a symbol, but in no record: what it leaves goes by name. It is no witness, for it answers to
    none what it answers where it has no effect: a success with two empty lists.
    """
    passes = calls.narrowed(scope.symbols, productType=product, limit=str(calls.PAGE))
    name = f"{product} plan orders"
    return segment_of(
        name=name,
        mass_cancels=partial(_plan_mass_cancels, product, scope, blind),
        listings=(tuple(get(PLAN_LISTING, **one, planType=listed) for listed in LISTED_UNDER for one in passes),),
        page=partial(_plan_page, name, scope),
        acknowledge=reading.acknowledge,
        cancels=partial(_plan_cancels, product, calls.BATCH),
        singly=partial(_plan_cancels, product, 1),
        final_states=partial(_plan_final_states, product),
        final_page=partial(_plan_final_page, name),
        named_gap=calls.NAMED_GAP,
        spawns=True,
    )


def _blind(product: str, scope: Scope) -> tuple[Request, ...]:
    """The cancels by type that are sent unseen; none for so many symbols that the listing is faster."""
    found = tuple(_by_type(product, scope, kind, symbol) for kind in _BLIND for symbol in scope.symbols or (None,))
    return found if len(found) <= _BLIND_AT_MOST else ()


def _plan_mass_cancels(
    product: str, scope: Scope, blind: tuple[Request, ...], survivors: tuple[Order, ...]
) -> tuple[Request, ...]:
    """All orders of a type, without ids: unseen of every type, then of those that are listed."""
    if not survivors:
        return blind
    listed = dict.fromkeys((order.kind, order.symbol if scope.symbols else None) for order in survivors)
    return tuple(_by_type(product, scope, kind, symbol) for kind, symbol in listed if kind in _PLAN_TYPES)


def _by_type(product: str, scope: Scope, kind: str, symbol: str | None = None) -> Request:
    """The cancel of all orders of a type, of one symbol if it is given. What can open a position goes first."""
    body = {**({"symbol": symbol} if symbol else {}), **_narrowed(product, scope), "planType": kind}
    return post(CANCEL_PLAN, body, Priority.MASS_CANCEL if kind in _OPENING else Priority.CANCEL)


def _plan_cancels(product: str, most: int, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Cancels:
    """Each with its own `planType`: another one, or none, is a success that cancels nothing."""
    found = []
    for symbol, kind in dict.fromkeys((order.symbol, order.kind) for order in orders if order.symbol):
        group = tuple(order for order in orders if (order.symbol, order.kind) == (symbol, kind))
        for plan_type in _words_that_may_cancel(kind):
            for chunk in calls.chunks(group, most):
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
    return (kind,) if kind not in ("", payload.UNREADABLE) else _PLAN_TYPES


def _plan_order(segment: str, row: Row) -> Order:
    """`normal_plan` and `track_plan` can open a position unless they say that they close one; others belong to one."""
    kind = word(row, "planType")
    protection = _closes(row, told=True) if kind in ("normal_plan", "track_plan") else Protection.UNKNOWN
    if kind in _OF_A_POSITION:
        protection = Protection.PROTECTIVE
    return reading.order_of(segment, _PLAN, row, kind=kind, type_=kind or "plan", protection=protection)


def _plan_page(segment: str, scope: Scope, request: Request, reply: Reply) -> Page:
    rows, last, null = _entrusted(reply)
    order = partial(_plan_order, segment)
    return reading.page(request, rows, _PLAN, order, scope, onward="idLessThan", last=last, null=null)


def _plan_final_states(product: str, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    """Under the word that lists an order's type. Where only a cancel has named one, its type is not known."""
    path = f"{MIX}/orders-plan-history"
    found: list[Request] = []
    for listed, kinds in LISTED_UNDER.items():
        some = tuple(order for order in orders if order.kind in kinds or order.kind not in _PLAN_TYPES)
        found += calls.recent(path, some, productType=product, planType=listed)
    return tuple(dict.fromkeys(found))


def _plan_final_page(segment: str, request: Request, reply: Reply) -> FinalStates:
    rows, last, _ = _entrusted(reply)
    return reading.settlement(request, rows, _PLAN, partial(_plan_order, segment), onward="idLessThan", last=last)
