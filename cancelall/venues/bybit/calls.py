"""Bybit: the requests, unsigned."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from cancelall.core.model import Order, Priority, Request
from cancelall.venues.bybit.options import CAP, SPOT_FILTERS, Category

SHARES = 9
"""With the call for the coin that is the limit of a second: https://bybit-exchange.github.io/docs/v5/rate-limit"""


def post(path: str, body: object, bucket: str, priority: Priority = Priority.MASS_CANCEL) -> Request:
    text = json.dumps(body, separators=(",", ":"))
    return Request(method="POST", path=path, body=text.encode(), changes=True, priority=priority, bucket=bucket)


def get(path: str, query: str, bucket: str, *, signed: bool = True) -> Request:
    return Request(method="GET", path=path, query=query, signed=signed, priority=Priority.LISTING, bucket=bucket)


def query_string(**values: str) -> str:
    """Sorted, as Bybit's own SDK sends it; values are encoded once."""
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(values.items()))


def _bucket(call: str, category: str) -> str:
    return f"{call} futures" if category in ("linear", "inverse") else f"{call} {category}"


def mass_cancels(
    category: Category,
    narrow: tuple[dict[str, str], ...],
    chosen: tuple[str, ...],
    stop_order_type: str | None,
    survivors: tuple[Order, ...],
) -> tuple[Request, ...]:
    parts = list(narrow)
    if category == "option" and any("baseCoin" in part for part in parts):
        return ()  # the listing knows this filter; that the cancel does is not written, and it would reach other coins
    if category == "inverse" and parts == [{}]:
        # Inverse needs a coin. Its contracts are named BASE + USD (+ expiry) and settled in the base coin.
        coins = {
            match[1] for order in survivors if (match := re.fullmatch(r"(.+)USD([HMUZ]\d{2})?", order.symbol or ""))
        }
        parts = [{"settleCoin": coin} for coin in dict.fromkeys(["BTC", "ETH", *sorted(coins)])]
        strange = {
            order.symbol for order in survivors if order.symbol and not re.match(r".+USD([HMUZ]\d{2})?$", order.symbol)
        }
        parts += [{"symbol": symbol} for symbol in sorted(strange)]
    return _cancel_all(category, parts, chosen, stop_order_type)


def shares(
    category: Category,
    narrow: tuple[dict[str, str], ...],
    chosen: tuple[str, ...],
    stop_order_type: str | None,
    survivors: tuple[Order, ...],
) -> tuple[Request, ...]:
    """More than one call takes: symbols beside the coin, those with the most orders, as many as the second allows."""
    if len(survivors) <= CAP or category not in ("linear", "inverse") or any("symbol" in part for part in narrow):
        return ()
    most = Counter(order.symbol for order in survivors if order.symbol).most_common(SHARES)
    return _cancel_all(category, [{"symbol": symbol} for symbol, _ in most], chosen, stop_order_type)


def _cancel_all(
    category: Category, parts: Sequence[dict[str, str]], chosen: tuple[str, ...], stop_order_type: str | None
) -> tuple[Request, ...]:
    filters: Sequence[str | None] = chosen or (SPOT_FILTERS if category == "spot" else (None,))
    requests = []
    for part in parts:
        for kind in filters:
            body = {"category": category, **part}
            if kind:
                body["orderFilter"] = kind
            if stop_order_type:
                body["stopOrderType"] = stop_order_type
            requests.append(post("/v5/order/cancel-all", body, _bucket("cancel-all", category)))
    return tuple(requests)


def listings(
    category: Category, narrow: tuple[dict[str, str], ...], chosen: tuple[str, ...]
) -> tuple[tuple[Request, ...], ...]:
    """Conditional kinds by name first, then the default pass, which is said to hold every kind.

    NautilusTrader found the second pass necessary: https://github.com/nautechsystems/nautilus_trader (2026-03-23).
    `OpenOrder` is no filter of the listing: all kinds are listed and the protective ones spared.
    """
    by_name: tuple[str, ...] = {"linear": ("StopOrder",), "inverse": ("StopOrder",), "spot": SPOT_FILTERS[1:]}.get(
        category, ()
    )
    stages: list[tuple[str, ...]] = [by_name, ("",)] if by_name else [("",)]
    if chosen and chosen != ("OpenOrder",):
        stages = [chosen]
    return tuple(
        tuple(
            get(
                "/v5/order/realtime",
                query_string(
                    category=category, limit="50", openOnly="0", **part, **({"orderFilter": kind} if kind else {})
                ),
                _bucket("realtime", category),
            )
            for kind in stage
            for part in narrow
        )
        for stage in stages
    )


Named = tuple[tuple[Request, tuple[Order, ...]], ...]
"""Cancels by name, each with the orders that it names."""


def cancels(category: Category, demo: bool, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
    """Cancels by name: batches of 20 (10 on spot) where the documents allow them, else one by one.

    But for options each order of a batch counts as a request: what exceeds the limit fails by itself, and goes again
    after the next listing. So an account with a higher limit is not held back.
    Batches do not take an order filter, so conditional spot orders go singly; older unified accounts and demo trading
    have no batch for inverse, demo none for spot. https://bybit-exchange.github.io/docs/v5/order/batch-cancel
    """
    batched = tuple(one for one in orders if _fits_a_batch(category, demo, one))
    rest = tuple(one for one in orders if not _fits_a_batch(category, demo, one))
    size = 10 if category == "spot" else 20
    found: list[tuple[Request, tuple[Order, ...]]] = []
    for start in range(0, len(batched), size):
        chunk = batched[start : start + size]
        named = [{"symbol": order.symbol, "orderId": order.id} for order in chunk]
        body: dict[str, object] = {"category": category, "request": named}
        found.append((post("/v5/order/cancel-batch", body, _bucket("cancel-batch", category), Priority.CANCEL), chunk))
    return (*found, *singly(category, rest, others))


def _fits_a_batch(category: Category, demo: bool, order: Order) -> bool:
    """Whether a batch can name the order: one without a symbol could cost the others of its batch their cancel."""
    if category == "inverse" or order.symbol is None:
        return False
    return category != "spot" or (not demo and order.kind in ("", "Order"))


def singly(category: Category, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
    """The same, one order a request. https://bybit-exchange.github.io/docs/v5/order/cancel-order

    The symbol is documented as required; an order whose symbol nobody could read is named by its id alone all the same.
    """
    found: list[tuple[Request, tuple[Order, ...]]] = []
    for order in (one for one in orders if not _is_grouped(category, one)):
        body = {"category": category, "symbol": order.symbol, "orderId": order.id, "orderFilter": order.kind}
        given = {key: value for key, value in body.items() if value}
        found.append((post("/v5/order/cancel", given, _bucket("cancel", category), Priority.CANCEL), (order,)))
    return (*found, *_cancel_groups([one for one in orders if _is_grouped(category, one)], others))


def _is_grouped(category: Category, order: Order) -> bool:
    return category == "spot" and order.kind in ("OcoOrder", "BidirectionalTpslOrder")


def _cancel_groups(orders: Sequence[Order], others: tuple[Order, ...] | None) -> Named:
    """OCO and bidirectional orders have no cancel by id: all of a symbol and kind go, if none of them is to be kept.

    Without a symbol it would be all of the kind: those are left out.
    """
    if others is None:
        return ()
    kept = {(order.symbol, order.kind) for order in others}
    found = []
    for symbol, kind in dict.fromkeys((order.symbol, order.kind) for order in orders):
        if symbol is not None and not {(symbol, kind), (None, kind)} & kept:
            body = {"category": "spot", "symbol": symbol, "orderFilter": kind}
            group = tuple(order for order in orders if (order.symbol, order.kind) == (symbol, kind))
            found.append((post("/v5/order/cancel-all", body, "cancel-all spot", Priority.CANCEL), group))
    return tuple(found)
