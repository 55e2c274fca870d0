"""Placing limit and stop orders, so that bots and other people's clients can trade against the fake.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/create-limit-order and .../create-stop-order. There is no
balance, no margin and no matching; the amount of a stop is not looked at before it triggers, as on the venue.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

from ..book import Account, SimOrder
from . import kinds
from .answers import Answer, Refused
from .markets import MARKETS, Market

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica

_SIDES: Mapping[str, Literal["buy", "sell"]] = {"bid": "buy", "ask": "sell"}


def create_order(venue: Pacifica, account: Account, payload: Mapping[str, object], request: SimRequest) -> Answer:
    """`POST /orders/create`."""
    market, side = _market(payload), _side(payload)
    amount, price = _positive(payload, "amount"), _price(payload["price"], market)
    client_id = str(payload.get("client_order_id", ""))
    if client_id and account.book.find(client_id=client_id):
        raise Refused(422, "Client order id already used", code=38)
    return _placed(venue, account, payload, side, kind="limit", price=price, quantity=amount, client_id=client_id)


def create_stop(venue: Pacifica, account: Account, payload: Mapping[str, object], request: SimRequest) -> Answer:
    """`POST /orders/stop/create`: with `limit_price` a stop-limit order, else a stop-market one."""
    market, side, stop = _market(payload), _side(payload), payload["stop_order"]
    if not isinstance(stop, dict) or "stop_price" not in stop:
        raise Refused(
            400, "Failed to deserialize the JSON body into the target type: stop_order: missing field `stop_price`"
        )
    limit = stop.get("limit_price")
    return _placed(
        venue,
        account,
        payload,
        side,
        kind="stop_market" if limit is None else "stop_limit",
        price="0" if limit is None else _price(limit, market),
        quantity=str(stop.get("amount", "0")),
        client_id=str(stop.get("client_order_id", "")),
        stop_price=_price(stop["stop_price"], market),
    )


def _placed(
    venue: Pacifica,
    account: Account,
    payload: Mapping[str, object],
    side: Literal["buy", "sell"],
    *,
    kind: str,
    price: str,
    quantity: str,
    client_id: str,
    **extra: object,
) -> Answer:
    now_ms = venue.now_ms()
    order = venue.place(
        account,
        SimOrder(
            id=venue.order_id(),
            client_id=client_id,
            symbol=str(payload["symbol"]),
            segment=kinds.ORDERS,
            side=side,
            type="market" if kind.endswith("market") else "limit",
            kind=kind,
            price=price,
            quantity=quantity,
            remaining=quantity,
            reduce_only=payload["reduce_only"] is True,
            created_ms=now_ms,
            updated_ms=now_ms,
            extra=extra,
        ),
    )
    return Answer(data={"order_id": int(order.id)})


def _market(payload: Mapping[str, object]) -> Market:
    market = MARKETS.get(str(payload["symbol"]))
    if market is None:
        raise Refused(422, "Book not found", code=3)
    return market


def _side(payload: Mapping[str, object]) -> Literal["buy", "sell"]:
    side = _SIDES.get(str(payload["side"]))
    if side is None:
        raise Refused(
            400,
            "Failed to deserialize the JSON body into the target type: "
            f"side: unknown variant `{payload['side']}`, expected `bid` or `ask`",
        )
    return side


def _positive(payload: Mapping[str, object], name: str) -> str:
    if _decimal(payload[name]) <= 0:
        raise Refused(422, f"Invalid {name}", code=0)
    return str(payload[name])


def _price(value: object, market: Market) -> str:
    price = _decimal(value)
    if price <= 0 or price % Decimal(market.tick):
        raise Refused(400, f"Price {value} is not a multiple of tick size {market.tick}")
    return str(value)


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
