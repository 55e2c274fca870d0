"""The fake DeltaDeFi: its routes, its gateway, and its reads about the key, the account and the venue.

The reads are from the python SDK 1.1.1 and https://docs.deltadefi.io/start-trading/developers/api-documentation (as of
2026-04-17).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ..book import SimOrder
from ..refusals import Refused, bare
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import iso
from ..wire import Headers, SimRequest
from .markets import MARKETS, assets, market_config
from .orders import (
    build,
    cancel_all,
    cancel_one,
    no_order,
    one_order,
    open_orders,
    order_records,
    submit,
    trade_orders,
    trades,
)
from .state import State, internal, invalid_symbol, unauthorized

_CYCLE_MS = 3_600_000
_CREATED = iso(1_760_000_000_000)


def spot_account(venue: State, call: Call) -> object:
    """`GET /accounts/spot-account`."""
    head = {"account_id": venue.account_id(call.account), "account_type": "spot_account", "created_at": _CREATED}
    return {**head, "encrypted_operation_key": "DUMMY", "operation_key_hash": "d0" * 28}


def balance(venue: State, call: Call) -> object:
    """`GET /accounts/balance`: what open orders lock is `locked`. An account that never traded answers `[]`."""
    orders = list(call.account.book.open())
    if not orders and next(call.account.book.closed(), None) is None:
        return []
    return [
        {"asset": coin, "asset_unit": unit, "free": "1000", "locked": str(sum(_locks(order, coin) for order in orders))}
        for coin, unit in assets().items()
    ]


def _locks(order: SimOrder, coin: str) -> Decimal:
    """How much of a coin an open order holds."""
    market = MARKETS[order.symbol]
    if order.side == "sell":
        return Decimal(order.remaining) if coin == market.base else Decimal(0)
    return Decimal(order.remaining) * Decimal(order.price) if coin == market.quote else Decimal(0)


def hydra_cycle(venue: State, call: Call) -> object:
    """`GET /app/hydra-cycle`: the cycle that runs now; here one begins every hour."""
    start_ms = venue.server_now() // _CYCLE_MS * _CYCLE_MS
    return {"start": iso(start_ms), "end": iso(start_ms + _CYCLE_MS)}


def market_price(venue: State, call: Call) -> object:
    """`GET /market/market-price`."""
    market = MARKETS.get(call.query.get("symbol", ""))
    if market is None:
        raise invalid_symbol()
    return {"price": float(market.price)}


# Per second and key: all changes draw from one bucket, reads from one per endpoint. The docs name the code 4290 without
# numbers: the team's bot throttles itself to 5 cancels and 10 reads of an endpoint per second and was refused all the
# same, so a client had better stay below.
ROUTES = Routes(
    {
        "POST /order/cancel-all": cancel(cancel_all, 5, "changes"),
        "POST /order/{id}/cancel": cancel(cancel_one, 5, "changes"),
        "POST /order/build": create(build, 5, "changes"),
        "POST /order/submit": create(submit, 5, "changes"),
        # A GET that changes something: it counts as one, so that a test which forbids changes sees it.
        "GET /accounts/new-api-key": create(
            # The old one is dead from here on.
            lambda venue, call: {"api_key": venue.rotate_key(call.account), "created_at": iso(venue.server_now())},
            5,
            "changes",
        ),
        "GET /accounts/open-orders": listing(open_orders, 10),
        "GET /accounts/order-records": listing(order_records, 10),
        "GET /accounts/order/{id}": read(one_order, 10),
        "GET /accounts/order/": read(no_order, 10),
        "GET /accounts/trade-orders": read(trade_orders, 10),
        "GET /accounts/trades": read(trades, 10),
        "GET /accounts/api-key": read(lambda _, call: {"api_key": call.account.key, "created_at": _CREATED}, 10),
        "GET /accounts/spot-account": read(spot_account, 10),
        "GET /accounts/balance": read(balance, 10),
        "GET /app/market-config": public(lambda venue, call: market_config(without=venue.delisted(call.request))),
        "GET /app/hydra-cycle": public(hydra_cycle),
        # The path is documented, its answer is not: this shape is made up.
        "GET /health/trading-lock-status": public(lambda venue, _: {"locked": venue.is_locked()}),
        "GET /market/market-price": public(market_price),
    }
)


class DeltaDeFi(State):
    """The API of a spot account."""

    routes = ROUTES

    def admit(self, request: SimRequest) -> Headers:
        """Seen on staging within one half hour of 2026-03-31; the internal error on an order's submission."""
        if self.fault("empty-403", request):
            raise bare(403)
        if self.fault("upstream-503", request):
            words = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"
            raise bare(503, words)
        if self.fault("internal-400", request):
            raise internal(400)
        return ()

    def authorize(self, call: Call) -> Call:
        """By the key of the header, the only authentication there is; then the lock."""
        account = self.accounts.get(self.key_of(call.request))
        if account is None:
            raise unauthorized()
        if fault := self.fault("locked", call.request, lambda _: self.is_locked()):
            raise Refused(5002, "Trading is currently locked", int(str(fault.value).partition("/")[2] or "400"))
        return replace(call, account=account)


FAKE = DeltaDeFi
