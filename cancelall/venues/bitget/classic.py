"""Bitget: the segments of a classic account, REST v2: orders and plan orders of futures by product type, and of spot.

https://www.bitget.com/api-doc/contract/trade/Cancel-All-Orders, .../contract/plan/Cancel-Plan-Order,
https://www.bitget.com/api-doc/spot/trade/Cancel-Symbol-Orders, .../spot/plan/Batch-Cancel-Plan-Order and so on.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Priority, Protection, Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.bitget import api
from cancelall.venues.bitget.segments import BATCH, SELLS, TRIGGERED, BitgetSegment, listed, lower, recent, tells
from cancelall.venues.contract import Named, Witness, in_chunks, one_by_one
from cancelall.venues.payload import UNREADABLE, Row

_MIX = "/api/v2/mix/order"
_SPOT = "/api/v2/spot/trade"

_LISTED_UNDER = {
    "normal_plan": ("normal_plan",),
    "track_plan": ("track_plan",),
    "profit_loss": ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan"),
}
"""The three words of the listing (another is refused, 40812) and the plan types that each shows."""
_OPENING = ("normal_plan", "track_plan")
"""The plan types that can open a position unless they say that they close one; the others belong to one."""
_OF_A_POSITION = _LISTED_UNDER["profit_loss"]
_BLIND = (*_OPENING, "loss_plan", "pos_loss", "profit_plan", "pos_profit", "moving_plan")
"""The order in which plan types are cancelled unseen. `moving_plan` is the last: it opens nothing, and without ids it
is said to be a silent no-op in hedge mode."""
BLIND_AT_MOST = 20
"""Cancels of plan orders that the venue's limit lets out within a second, over all products: with one more, the proof
comes a second later. What is left out goes as soon as a listing shows it."""


# --- futures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _OfProduct(BitgetSegment):
    """Orders of one product of futures, under their classic accounts."""

    product: str
    coin: str | None
    """The margin coin that it is narrowed to."""

    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        """The list and `endId` are both null on an empty page, as observed; a null with an id is not that. One
        observed answer with rows has no `endId` at all.
        """
        rows, last, null = listed(payload.as_object(api.data(reply), "data"), "entrustedList", "endId")
        return rows, last, null and last not in (None, "")

    def _holds(self, row: Row) -> bool:
        in_scope = super()._holds(row)
        return (not self.coin or (row.text("marginCoin", needed=True) or "").upper() == self.coin) and in_scope


def _closes(row: Row, *, opens: bool) -> Protection:
    """Whether an order can only shrink a position.

    In one-way mode `reduceOnly` says so, in hedge mode `tradeSide`; there `side` names the position, not the order.
    `opens` says whether a row with neither of them opens one. https://www.bitget.com/api-doc/contract/trade/Get-Orders-Pending
    """
    trade_side, reduces = lower(row, "tradeSide"), row.flag("reduceOnly")
    if reduces or "close" in trade_side:
        return Protection.PROTECTIVE
    if reduces is None:
        return Protection.UNKNOWN
    if trade_side in ("open", "buy_single", "sell_single") or (trade_side == "" and opens):
        return Protection.NONE
    return Protection.UNKNOWN


class Futures(_OfProduct):
    """Ordinary orders. `cancel-all-orders` is said to ignore a symbol: those of a symbol go by the batch call."""

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        path, narrow = f"{_MIX}/batch-cancel-orders", api.of_product(self.product, self.coin)
        bodies = [{"symbol": symbol, **narrow} for symbol in self.symbols]
        by_symbol = tuple(api.post(path, Purpose.MASS_CANCEL, body, Priority.MASS_CANCEL) for body in bodies)
        return by_symbol or (api.whole_product(self.product, self.coin),)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """The listing without a status may leave out partly filled orders, so that they are listed by it:
        afterwards, because that is what a live one turns into.
        """
        passes = partial(self._passes, f"{_MIX}/orders-pending", productType=self.product)
        return passes(), passes(status="partially_filled")

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """A last cancel of all: 22001, or two that took nothing a gap apart. All else in its limit goes before it."""
        if self.symbols:
            return ()
        request = replace(api.whole_product(self.product, self.coin), priority=Priority.OTHER)
        return (Witness(request=request, read=self._met_none, twice=lambda request, reply: api.took_nothing(reply)),)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        symbols = dict.fromkeys(order.symbol for order in orders if order.symbol)
        groups = (tuple(order for order in orders if order.symbol == symbol) for symbol in symbols)
        return tuple(one for group in groups for one in in_chunks(group, BATCH, self._several))

    def _several(self, orders: tuple[Order, ...]) -> Request:
        ids = [{"orderId": one.id} for one in orders]
        body = {"symbol": orders[0].symbol, "productType": self.product, "orderIdList": ids}
        return api.post(f"{_MIX}/batch-cancel-orders", Purpose.BATCH, body)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one((order for order in orders if order.symbol), self._single)

    def _single(self, order: Order) -> Request:
        body = {"orderId": order.id, "symbol": order.symbol, "productType": self.product}
        return api.post(f"{_MIX}/cancel-order", Purpose.CANCEL, body)

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        """A row without a `tradeSide` is of one-way mode if it says so; there `reduceOnly` tells everything."""
        type_, mode = row.text("orderType") or "", lower(row, "posMode")
        opens = mode == "one_way_mode" or (mode == "" and tells(row, "reduceOnly"))
        return "", type_, _closes(row, opens=opens)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return recent(f"{_MIX}/orders-history", orders, productType=self.product)

    def _met_none(self, request: Request, reply: Reply) -> bool:
        """Code 22001 agrees; a success that met an order does not; one that met none without saying so is no word."""
        said = self.acknowledge(request, reply)
        if not (said.cancelled or said.failed):
            raise Unreadable('a success without an order in the place of 22001, "no order to cancel"')
        return False


@dataclass(frozen=True, kw_only=True)
class Plans(_OfProduct):
    """Trigger, trailing and TP/SL orders: listed under three words, cancelled by type, and by name and each one's own.

    The cancel of all orders of a type needs no listing, and takes orders that are older than a listing looks back. It
    is documented without a symbol, but in no record: what it leaves goes by name. It is no witness, for it answers to
    none what it answers where it has no effect: a success with two empty lists.
    """

    unseen: int
    """How many cancels by type may be sent unseen."""
    spawns = True
    status = "planStatus"
    ends = TRIGGERED

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        path = f"{_MIX}/orders-plan-pending"
        words = (self._passes(path, productType=self.product, planType=shown) for shown in _LISTED_UNDER)
        return (tuple(one for passes in words for one in passes),)

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """All orders of a type, without ids: unseen of every type, then of those that are listed.

        None unseen for so many symbols that the listing is faster.
        """
        if survivors:
            known = dict.fromkeys((one.kind, one.symbol if self.symbols else None) for one in survivors)
            return tuple(self._by_type(kind, symbol) for kind, symbol in known if kind in _BLIND)
        blind = tuple(self._by_type(kind, symbol) for kind in _BLIND for symbol in self.symbols or (None,))
        return blind[: self.unseen] if len(blind) <= BLIND_AT_MOST else ()

    def _by_type(self, kind: str, symbol: str | None) -> Request:
        """What can open a position goes first."""
        narrow = {"symbol": symbol} if symbol else {}
        body = {**narrow, **api.of_product(self.product, self.coin), "planType": kind}
        first = Priority.MASS_CANCEL if kind in _OPENING else Priority.CANCEL
        return api.post(f"{_MIX}/cancel-plan-order", api.PLANS_OF_TYPE, body, first)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return self._by_name(orders, BATCH)

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return self._by_name(orders, 1)

    def _by_name(self, orders: tuple[Order, ...], most: int) -> Named:
        """Each with its own `planType`: another one, or none, is a success that cancels nothing."""
        cancels: list[tuple[Request, tuple[Order, ...]]] = []
        for symbol, kind in dict.fromkeys((order.symbol, order.kind) for order in orders if order.symbol):
            group = tuple(order for order in orders if (order.symbol, order.kind) == (symbol, kind))
            for plan_type in _words_that_may_cancel(kind):
                cancels += in_chunks(group, most, partial(self._several, plan_type))
        return tuple(cancels)

    def _several(self, plan_type: str, orders: tuple[Order, ...]) -> Request:
        typed = {"planType": plan_type} if plan_type else {}
        body = {"symbol": orders[0].symbol, "productType": self.product, **typed}
        purpose = api.PLANS_BY_GUESS if plan_type == "track_plan" else api.PLANS_BY_NAME
        return api.post(
            f"{_MIX}/cancel-plan-order", purpose, {**body, "orderIdList": [{"orderId": one.id} for one in orders]}
        )

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        kind = lower(row, "planType")
        protection = _closes(row, opens=True) if kind in _OPENING else Protection.UNKNOWN
        return kind, kind or "plan", Protection.PROTECTIVE if kind in _OF_A_POSITION else protection

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Under the word that lists an order's type. Where only a cancel has named one, its type is not known."""
        reads: list[Request] = []
        for shown, kinds in _LISTED_UNDER.items():
            some = tuple(order for order in orders if order.kind in kinds or order.kind not in _BLIND)
            reads += recent(f"{_MIX}/orders-plan-history", some, productType=self.product, planType=shown)
        return tuple(dict.fromkeys(reads))


def _words_that_may_cancel(kind: str) -> tuple[str, ...]:
    """The planType that reaches an order. Where no document tells, every one that may: the others do nothing.

    For trailing trigger orders clients send `track_plan`, which the document lacks; it has `moving_plan`, and none
    means `normal_plan`. https://www.bitget.com/api-doc/contract/plan/Cancel-Plan-Order
    """
    if kind == "track_plan":
        return ("track_plan", "moving_plan", "")
    return (kind,) if kind not in ("", UNREADABLE) else (*_OPENING, *_OF_A_POSITION)


# --- spot -----------------------------------------------------------------------------------------------------------


class BitgetSpot(BitgetSegment):
    """Ordinary and TP/SL orders, listed apart. There is no call for all symbols: they come from the listing.

    Whether the cancel of a symbol takes TP/SL orders is not written; by name they are cancelled as what they are.
    """

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """By symbol where the scope has some, or where it saves batches: it is the slower one, and lands later."""
        known = [order.symbol for order in survivors if order.kind == "normal" and order.symbol]
        many = (symbol for symbol in dict.fromkeys(known) if known.count(symbol) > BATCH)
        path, first = f"{_SPOT}/cancel-symbol-order", Priority.MASS_CANCEL
        return tuple(api.post(path, Purpose.MASS_CANCEL, {"symbol": symbol}, first) for symbol in self.symbols or many)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        path = f"{_SPOT}/unfilled-orders"
        return self._passes(path, tpslType="tpsl"), self._passes(path, tpslType="normal")

    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        """An array alone does not say where to read on: from the id of its last row that has one."""
        rows, null = payload.null_or_list({"data": api.data(reply)}, "data")
        ids = (row["orderId"] for row in reversed(rows) if isinstance(row, dict) and row.get("orderId"))
        return rows, next(ids, None), null

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        kind = api.parameter(request, "tpslType")
        if kind == "normal":
            return kind, row.text("orderType") or "", Protection.NONE
        return kind, kind, SELLS.get(lower(row, "side"), Protection.UNKNOWN)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """In batches of several symbols; TP/SL orders singly, for the batch has no word for them.

        https://www.bitget.com/api-doc/spot/trade/Cancel-Order
        """
        ordinary = tuple(order for order in orders if order.kind == "normal" and order.symbol)
        waiting = (order for order in orders if order.kind == "tpsl")
        return (*in_chunks(ordinary, BATCH, self._several), *one_by_one(waiting, self._single))

    def _several(self, orders: tuple[Order, ...]) -> Request:
        named = [{"orderId": one.id, "symbol": one.symbol} for one in orders]
        return api.post(f"{_SPOT}/batch-cancel-order", Purpose.BATCH, {"batchMode": "multiple", "orderList": named})

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one((order for order in orders if order.symbol or order.kind == "tpsl"), self._single)

    def _single(self, order: Order) -> Request:
        """A TP/SL order is named by its kind, and then without a symbol."""
        narrow = {"tpslType": "tpsl"} if order.kind == "tpsl" else {"symbol": order.symbol}
        return api.post(f"{_SPOT}/cancel-order", Purpose.CANCEL, {"orderId": order.id, **narrow})

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        kinds = {kind: tuple(one for one in orders if (one.kind or "normal") == kind) for kind in ("normal", "tpsl")}
        reads = (recent(f"{_SPOT}/history-orders", some, tpslType=kind) for kind, some in kinds.items())
        return tuple(one for read in reads for one in read)


class SpotPlans(BitgetSegment):
    """Trigger orders, which one call cancels all. What it answers to none is not written: it is no witness."""

    spawns = True
    ends = TRIGGERED

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        body = {"symbolList": list(self.symbols)} if self.symbols else {}
        return (api.post(f"{_SPOT}/batch-cancel-plan-order", Purpose.MASS_CANCEL, body, Priority.MASS_CANCEL),)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return (self._passes(f"{_SPOT}/current-plan-order"),)

    def _rows(self, request: Request, reply: Reply) -> tuple[list[Any], object, bool]:
        data = payload.as_object(api.data(reply), "data")
        rows, null = payload.null_or_list(data, "orderList")
        return rows, data, null

    def _way_on(self, request: Request, rows: list[Any], last: object) -> tuple[Request | None, str]:
        """`nextFlag` says whether there is more. Without it, a page that is not full is the last one.

        An empty page that names an id to go on from is followed, whatever its flag says.
        """
        page = payload.as_object(last)
        more, last = page.get("nextFlag"), page.get("idLessThan")
        if request.purpose == Purpose.FINAL_STATES:
            return super()._way_on(request, rows, last if more is True else None)
        following = self._from_id(request, last)
        more_to_come = more is not False and (more is not None or len(rows) >= api.PAGE)
        goes_on = more_to_come or (not rows and following not in (None, request))
        if goes_on and following is None:
            return None, "there may be more, and the page does not say where to read on"
        odd = more is not None and not isinstance(more, bool)
        return following if goes_on else None, "nextFlag is not a truth value" if odd else ""

    def _kind(self, request: Request, row: Row) -> tuple[str, str, Protection]:
        return "plan", "plan", SELLS.get(lower(row, "side"), Protection.UNKNOWN)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        path = f"{_SPOT}/cancel-plan-order"
        return one_by_one(orders, lambda order: api.post(path, Purpose.CANCEL, {"orderId": order.id}))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return (api.get(f"{_SPOT}/history-plan-order", Purpose.FINAL_STATES, limit=str(api.PAGE)),)
