"""Pacifica: the requests, unsigned."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cancelall.core.model import Order, Priority, Request
from cancelall.venues import payload
from cancelall.venues.contract import Witness
from cancelall.venues.pacifica.options import API, NOWHERE, Options

AT_ONCE = 20
"""Strategies whose cancels are as urgent as a mass cancel: 10 credits."""


def account_of(options: Options) -> str:
    """The parameter that names the account. With an own key nobody has to configure it: `sign` fills it in then."""
    return f"account={options.account or ''}"


def get(path: str, query: str = "", priority: Priority = Priority.LISTING) -> Request:
    """A read. It needs no signature, but `sign` adds the account and the config key. Never a body: that is HTTP 403."""
    return Request(method="GET", path=API + path, query=query, priority=priority, bucket="read")


def _post(path: str, data: Mapping[str, object], priority: Priority, bucket: str) -> Request:
    """A signed request, for now only with its payload; `sign` puts the rest around it."""
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return Request(method="POST", path=API + path, body=body, changes=True, priority=priority, bucket=bucket)


def cancel_all(options: Options) -> tuple[Request, ...]:
    """`symbol` is left out with `all_symbols`; leaving out `exclude_reduce_only` is an error.

    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-all-orders
    """
    spare = {"exclude_reduce_only": options.exclude_reduce_only}
    bodies = [{"all_symbols": False, **spare, "symbol": symbol} for symbol in options.symbol]
    bodies = bodies or [{"all_symbols": True, **spare}]
    return tuple(_post("/orders/cancel_all", body, Priority.MASS_CANCEL, "cancel all") for body in bodies)


def _named(path: str, **data: object) -> Request:
    """A cancel of one order or TWAP."""
    return _post(path, data, Priority.CANCEL, "by name")


def cancels(
    orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels by name; the venue wants the symbol, too.

    Stops and TP/SL have a call of their own. An order whose type cannot be read is named in both.
    https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-stop-order
    """
    paths = {True: ("/orders/stop/cancel",), False: ("/orders/cancel",)}
    both = ("/orders/cancel", "/orders/stop/cancel")
    return tuple(
        (_named(path, symbol=order.symbol, order_id=int(order.id)), (order,))
        for order in orders
        if order.symbol
        for path in (both if order.type == payload.UNREADABLE else paths[is_stop(order.type or "")])
    )


def cancel_twaps(
    orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels of TWAPs of the engine, by name."""
    return tuple(
        (_named("/orders/twap/cancel", symbol=order.symbol, order_id=int(order.id)), (order,))
        for order in orders
        if order.symbol
    )


def cancel_strategies(
    orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels of strategies: there is no other way, so the first ones wait for no credits that are kept for a proof."""
    return tuple(
        (
            _post(
                "/order_strategies/cancel",
                {"strategy_id": order.id},
                Priority.MASS_CANCEL if number < AT_ONCE else Priority.CANCEL,
                "by name",
            ),
            (order,),
        )
        for number, order in enumerate(orders)
    )


def signed_answer() -> Witness:
    """A signed answer for this account that changes nothing: success for a TWAP that does not exist.

    A wrong key, agent or account is refused here. Not asked once a cancel has been accepted, which shows the same.
    https://github.com/pacifica-fi/pacifica-mcp (scripts/smoke-3c.ts)
    """
    request = _post("/orders/twap/cancel", {"symbol": "BTC", "order_id": NOWHERE}, Priority.LISTING, "read")
    return Witness(request=request, harmless=True, signature=True)


def is_stop(kind: str) -> bool:
    """Whether it is a stop order or TP/SL, by the venue's own rule for which call cancels it."""
    return kind.startswith(("stop", "take_profit"))
