"""Binance: the books of each wallet: where they are listed and cancelled, and what their rows call things.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/and the pages of other products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY

from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.model import State
from cancelall.venues.payload import Row

ENDED = {
    **dict.fromkeys(("CANCELED", "CANCELLED"), (State.CANCELLED, "")),
    "FILLED": (State.FILLED, ""),
    **{word: (State.GONE, word.lower().replace("_", " ")) for word in ("REJECTED", "EXPIRED", "EXPIRED_IN_MATCH")},
}
"""Statuses of orders that are over. Every other one, an unknown one or none, is open."""
TRIGGERED = {**ENDED, **dict.fromkeys(("TRIGGERED", "FINISHED"), (State.GONE, "triggered"))}
OPEN = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL", "ACCEPTED", "TRIGGERING", "WORKING"})


@dataclass(frozen=True)
class Book:
    """One of the books of a wallet, and where it is listed and cancelled. A cancel wants a symbol."""

    listing: str
    cancel_all: str
    cancel: str
    state: str = ""
    """Where an order is looked up; empty: where it is cancelled."""
    history: str = ""
    """Where those that are over stand, too."""
    _: KW_ONLY
    kind: str = ""
    """What its orders are called; empty for ordinary ones, whose ids are of another row of numbers."""
    key: str = "orderId"
    client_key: str = "clientOrderId"
    status: str = "status"
    type: str = "type"
    quantity: str = "origQty"
    created: str = "time"
    ends: Mapping[str, tuple[State, str]] = field(default_factory=lambda: ENDED)
    needs_symbol: bool = True
    """Whether a cancel by name wants the symbol, too."""


def _algo(listing: str, cancel_all: str, cancel: str, state: str, history: str) -> Book:
    """The book of conditional orders that USD-M has had since 2025-12-09: what is in it is in no other listing."""
    return Book(
        *(listing, cancel_all, cancel, state, history),
        kind="algo",
        key="algoId",
        client_key="clientAlgoId",
        status="algoStatus",
        type="orderType",
        quantity="quantity",
        created="createTime",
        ends=TRIGGERED,
        needs_symbol=False,
    )


def _strategy(path: str) -> Book:
    """Conditional orders of COIN-M in a portfolio margin account."""
    return Book(
        *(f"{path}/{one}" for one in ("openOrders", "allOpenOrders", "order", "orderHistory", "allOrders")),
        kind="conditional",
        key="strategyId",
        client_key="newClientStrategyId",
        status="strategyStatus",
        type="strategyType",
        created="bookTime",
        ends=TRIGGERED,
    )


def _parents(market: str) -> tuple[Book, ...]:
    """TWAP and VP orders, which place others. There is no call that cancels all."""
    path, ends = f"/sapi/v1/algo/{market}", {**ENDED, "FINISHED": (State.FILLED, "")}
    named_alike = _algo(f"{path}/openOrders", "", f"{path}/order", f"{path}/historicalOrders", "")
    return (replace(named_alike, kind="", type="algoType", quantity="totalQty", created="bookTime", ends=ends),)


def _ordinary(path: str) -> Book:
    return Book(*(f"{path}/{one}" for one in ("openOrders", "allOpenOrders", "order", "order", "allOrders")))


def _futures(path: str) -> tuple[Book, ...]:
    calls = ("openAlgoOrders", "algoOpenOrders", "algoOrder", "algoOrder", "allAlgoOrders")
    return _algo(*(f"{path}/{one}" for one in calls)), _ordinary(path)


_UM = "/papi/v1/um"
_PM_CALLS = ("openAlgoOrders", "allOpenOrders", "order", "algoOrder", "allAlgoOrders")
_PM_ALGO = _algo(*(f"{_UM}/algo/{one}" for one in _PM_CALLS))
_MARGIN = Book("/sapi/v1/margin/openOrders", "/sapi/v1/margin/openOrders", "/sapi/v1/margin/order")
_OPTION_CALLS = ("openOrders", "allOpenOrdersByUnderlying", "order", "order", "historyOrders")
_OPTIONS = Book(*(f"/eapi/v1/{one}" for one in _OPTION_CALLS), quantity="quantity", created="createTime")
BOOKS: Mapping[str, tuple[Book, ...]] = {
    "spot": (Book("/api/v3/openOrders", "/api/v3/openOrders", "/api/v3/order"),),
    "margin": (_MARGIN,),
    "isolated": (_MARGIN,),
    "usdm": _futures("/fapi/v1"),
    "coinm": _futures("/dapi/v1"),
    "pm usdm": (_PM_ALGO, _ordinary(_UM)),
    "pm coinm": (_strategy("/papi/v1/cm/conditional"), _ordinary("/papi/v1/cm")),
    "pm margin": (_ordinary("/papi/v1/margin"),),
    "spot TWAP": _parents("spot"),
    "usdm TWAP/VP": _parents("futures"),
    "option": (_OPTIONS,),
}
LISTS = {
    "spot": "/api/v3/openOrderList",
    "margin": "/sapi/v1/margin/openOrderList",
    "isolated": "/sapi/v1/margin/openOrderList",
    "pm margin": "/papi/v1/margin/openOrderList",
}
"""Lists of orders (OCO, OTO, OTOCO, OPO). A cancel of their symbol, or of any leg, takes the whole list."""


def identity(book: Book, row: Row, symbol: str | None) -> str:
    """An id that no other order of the wallet has: numbers are unique within a book, and within a symbol where a cancel
    wants one. Raises Unreadable.
    """
    return ":".join(filter(None, (symbol if book.needs_symbol else "", book.kind, row.identity(book.key))))
