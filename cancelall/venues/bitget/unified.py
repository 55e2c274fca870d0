"""The unified account, REST v3: ordinary and strategy orders by category.

https://www.bitget.com/api-doc/uta/trade/Cancel-All-Order, .../uta/strategy/Get-Unfilled-Strategy-Orders and their
neighbours. Of the six types of strategy orders these pages know `tpsl`, and that of futures; clients have the rest.
"""

from __future__ import annotations

from functools import partial

from cancelall.core.model import FinalStates, Order, Page, Priority, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.bitget import calls, reading
from cancelall.venues.bitget.calls import Cancels, asked, asked_last, get, post
from cancelall.venues.bitget.options import FUTURES
from cancelall.venues.bitget.reading import Scope, Words, word
from cancelall.venues.contract import Segment, Witness, segment_of
from cancelall.venues.payload import Row

TRADE = "/api/v3/trade"
STRATEGIES = f"{TRADE}/unfilled-strategy-orders"
TYPES = ("tpsl", "trigger", "oco", "trailing_stop", "iceberg", "twap")
"""tiagosiebler/bitget-api, types/request/v3/strategy.ts; UnipayFI/go-bitget."""
_OPENS = ("trigger", "iceberg", "twap")
"""Types that open a position unless they say that they close one. Of `oco` and `trailing_stop` that has to be told."""
_SPLITS = ("iceberg", "twap")
"""Types that wait for no price: on spot a sell among them is a sale, and protects nothing."""
NO_SUCH_TYPE = frozenset({"25200", "25002", "25240"})
"""What an account may answer to a type, or a category, that it has no strategies of."""

_CANCELLED = {"canceled": (State.CANCELLED, ""), "cancelled": (State.CANCELLED, "")}
_ORDER = Words(
    status="orderStatus",
    quantity="qty",
    filled="cumExecQty",
    prices=("price",),
    created="createdTime",
    ends={"filled": (State.FILLED, ""), **_CANCELLED},
)
_STRATEGY = Words(
    status="status",
    quantity="qty",
    filled="cumExecQty",
    prices=("triggerPrice", "stopLoss", "takeProfit"),
    created="createdTime",
    ends={"success": (State.GONE, "triggered"), "failed": (State.GONE, "triggered and failed"), **_CANCELLED},
)


def segments(
    categories: tuple[str, ...], symbols: dict[str, tuple[str, ...]], coin: str | None, prefix: str
) -> tuple[Segment, ...]:
    """Two for each category: the strategies feed the ordinary orders, which they become when they fire."""
    found: list[Segment] = []
    for category in categories:
        # Only coin-margined contracts differ in their coin. They are settled in the one that their name begins with.
        base = coin if category == "COIN-FUTURES" else None
        scope = Scope(symbols=symbols[category], base=base, category=category)
        found += (
            _orders(f"{prefix}{category}", category, scope),
            _strategies(f"{prefix}{category} strategy orders", category, scope),
        )
    return tuple(found)


def _orders(name: str, category: str, scope: Scope) -> Segment:
    """Ordinary orders. No call narrows by a coin, so with one they are cancelled by name alone."""
    path = f"{TRADE}/cancel-symbol-order"
    mass = tuple(post(path, {"category": category, "symbol": symbol}) for symbol in scope.symbols)
    whole = post(path, {"category": category})
    passes = calls.narrowed(scope.symbols, category=category, limit=str(calls.PAGE))
    blind = () if scope.base else mass or (whole,)
    return segment_of(
        name=name,
        mass_cancels=lambda survivors: blind,
        listings=(tuple(get(f"{TRADE}/unfilled-orders", **one) for one in passes),),
        page=partial(_page, name, scope),
        acknowledge=reading.acknowledge,
        cancels=partial(_cancels, category),
        singly=lambda orders, others: calls.each(f"{TRADE}/cancel-order", orders, _by_id),
        final_states=lambda orders, since_ms: calls.recent(f"{TRADE}/history-orders", orders, category=category),
        final_page=partial(_final_page, name, category),
        named_gap=calls.NAMED_GAP,
        # What it answers to none is not written, so only that it took an order is a word.
        witnesses=tuple(
            Witness(request=asked_last(one), read=reading.nothing_cancelled, optional=True) for one in blind
        ),
    )


def _strategies(name: str, category: str, scope: Scope) -> Segment:
    """Strategy orders, by each type's name and once without, which may show types that are younger still.

    They are cancelled one by one: there is no call for several, and no listing by symbol.
    """
    return segment_of(
        name=name,
        mass_cancels=lambda survivors: (),
        listings=(
            tuple(get(STRATEGIES, category=category, type=one) for one in TYPES),
            (get(STRATEGIES, category=category),),
        ),
        page=partial(_strategy_page, name, scope),
        acknowledge=reading.acknowledge,
        cancels=lambda orders, others: calls.each(f"{TRADE}/cancel-strategy-order", orders, _by_id),
        final_states=partial(_strategy_final_states, category),
        final_page=partial(_strategy_final_page, name, category),
        named_gap=calls.NAMED_GAP,
        spawns=True,
    )


def _cancels(category: str, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Cancels:
    """The body is an array. https://www.bitget.com/api-doc/uta/trade/Cancel-Batch"""
    found = []
    for chunk in calls.chunks(tuple(order for order in orders if order.symbol)):
        body = [{"orderId": one.id, "category": category, "symbol": one.symbol} for one in chunk]
        found.append((post(f"{TRADE}/cancel-batch", body, Priority.CANCEL), chunk))
    return (*found, *calls.each(f"{TRADE}/cancel-order", tuple(o for o in orders if not o.symbol), _by_id))


def _by_id(order: Order) -> dict[str, object]:
    return {"orderId": order.id}


def _order(segment: str, category: str, row: Row) -> Order:
    type_ = row.text("orderType") or ""
    return reading.order_of(segment, _ORDER, row, kind="", type_=type_, protection=_closes(category, row))


def _closes(category: str, row: Row) -> Protection:
    """Whether an ordinary order can only shrink a position.

    `reduceOnly` says so. In hedge mode, where rows may lack it and `holdMode` too, an order closes when its side is not
    the position's. A row that tells neither is neither.
    """
    side, reduces = _against_the_position(row), row.flag("reduceOnly")
    if reduces or side is Protection.PROTECTIVE:
        return Protection.PROTECTIVE
    if category not in FUTURES:
        return Protection.NONE
    hedged = word(row, "posSide") in ("long", "short") and word(row, "holdMode") != "one_way_mode"
    told = side is Protection.NONE or (reading.tells(row, "reduceOnly") and not hedged)
    return Protection.NONE if told and reduces is not None else Protection.UNKNOWN


def _against_the_position(row: Row) -> Protection:
    """What `posSide` and `side` say together; nothing in one-way mode, which has no position to name."""
    sides = (word(row, "posSide"), word(row, "side"))
    if word(row, "holdMode") == "one_way_mode":
        return Protection.UNKNOWN
    if sides in (("long", "sell"), ("short", "buy")):
        return Protection.PROTECTIVE
    return Protection.NONE if sides in (("long", "buy"), ("short", "sell")) else Protection.UNKNOWN


def _strategy(segment: str, category: str, asked_type: str, row: Row) -> Order:
    kind = word(row, "type") or asked_type
    protection = _protects(category, kind, row)
    return reading.order_of(segment, _STRATEGY, row, kind=kind, type_=kind or "strategy", protection=protection)


def _protects(category: str, kind: str, row: Row) -> Protection:
    """TP/SL of a contract belongs to a position. On spot and margin a triggered sell protects, where a row tells it."""
    if category not in FUTURES:
        sides = {"sell": Protection.PROTECTIVE, "buy": Protection.NONE}
        return Protection.NONE if kind in _SPLITS else sides.get(word(row, "side"), Protection.UNKNOWN)
    side, reduces = _against_the_position(row), row.flag("reduceOnly")
    if kind == "tpsl" or reduces or (kind in TYPES and side is Protection.PROTECTIVE):
        return Protection.PROTECTIVE
    if kind not in TYPES or reduces is None:
        return Protection.UNKNOWN
    told = side is Protection.NONE or (reading.tells(row, "reduceOnly") and word(row, "holdMode") == "one_way_mode")
    return Protection.NONE if kind in _OPENS or told else Protection.UNKNOWN


def _page(segment: str, scope: Scope, request: Request, reply: Reply) -> Page:
    """The cursor is there even on the last page."""
    found = payload.as_object(reading.data(reply), "data")
    rows, null = payload.null_or_list(found, "list")
    order = partial(_order, segment, scope.category or "")
    return reading.page(request, rows, _ORDER, order, scope, onward="cursor", last=found.get("cursor"), null=null)


def _final_page(segment: str, category: str, request: Request, reply: Reply) -> FinalStates:
    found = payload.as_object(reading.data(reply), "data")
    rows, _ = payload.null_or_list(found, "list")
    order = partial(_order, segment, category)
    return reading.settlement(request, rows, _ORDER, order, onward="cursor", last=found.get("cursor"))


def has_none(request: Request, code: str) -> bool:
    """Whether a code says that an account has no strategies of a type, or of a category.

    TP/SL of futures is what the documents have: a refusal of that, or of futures without a type, is a refusal.
    """
    if request.path != STRATEGIES or code not in NO_SUCH_TYPE:
        return False
    return asked(request, "category") not in FUTURES or asked(request, "type") not in ("", "tpsl")


def _strategy_page(segment: str, scope: Scope, request: Request, reply: Reply) -> Page:
    """A plain array of all: no paging is documented.

    A type that the account does not know costs that word only: it holds nothing, and the listing without a type is read
    all the same. That a category has none at all is believed like a null: when it is heard twice.
    """
    if has_none(request, reading.code_of(reply)):
        return Page(orders=(), null=not asked(request, "type"))
    rows, null = reading.array(reply)
    order = partial(_strategy, segment, scope.category or "", asked(request, "type"))
    return reading.page(request, rows, _STRATEGY, order, scope, null=null)


def _strategy_final_states(category: str, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    path = f"{TRADE}/history-strategy-orders"
    kinds = [kind for kind in TYPES if any(order.kind == kind for order in orders)]
    return tuple(get(path, category=category, limit=str(calls.PAGE), type=kind) for kind in kinds)


def _strategy_final_page(segment: str, category: str, request: Request, reply: Reply) -> FinalStates:
    found = payload.as_object(reading.data(reply), "data")
    rows, _ = payload.null_or_list(found, "list")
    order = partial(_strategy, segment, category, asked(request, "type"))
    return reading.settlement(request, rows, _STRATEGY, order, onward="cursor", last=found.get("cursor"))
