"""The fake DeltaDeFi: its routes, its gateway, and its reads about the key, the account and the venue.

The reads are from the python SDK 1.1.1 and https://docs.deltadefi.io/start-trading/developers/api-documentation (as of
2026-04-17).
"""

from __future__ import annotations

from decimal import Decimal

from ..refusals import Refused, bare
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import iso
from ..wire import Headers, SimRequest
from . import orders
from .markets import MARKETS, assets, execution, locked, market_config, row
from .state import UNKNOWN_SYMBOL, State

_CYCLE_MS = 3_600_000
_CREATED = iso(1_760_000_000_000)


def spot_account(venue: State, call: Call) -> object:
    head = {"account_id": venue.account_id(call.account), "account_type": "spot_account", "created_at": _CREATED}
    return {**head, "encrypted_operation_key": "DUMMY", "operation_key_hash": "d0" * 28}


def balance(venue: State, call: Call) -> object:
    """What open orders lock is `locked`. An account that never traded answers `[]`."""
    units, book = assets(), call.account.book
    held = dict.fromkeys(units, Decimal(0))
    for order in book.open():
        market = MARKETS[order.symbol]
        for coin, amount in zip((market.base, market.quote), locked(order), strict=True):
            held[coin] += amount
    if not len(book) and next(book.closed(), None) is None:
        return []
    return [{"asset": coin, "asset_unit": units[coin], "free": "1000", "locked": str(held[coin])} for coin in units]


def hydra_cycle(venue: State, call: Call) -> object:
    """The cycle that runs now; here one begins every hour."""
    start_ms = venue.server_now() // _CYCLE_MS * _CYCLE_MS
    return {"start": iso(start_ms), "end": iso(start_ms + _CYCLE_MS)}


def market_price(venue: State, call: Call) -> object:
    if market := MARKETS.get(call.query.get("symbol", "")):
        return {"price": float(market.price)}
    raise UNKNOWN_SYMBOL


def new_api_key(venue: State, call: Call) -> object:
    """The old one is dead from here on."""
    return {"api_key": venue.rotate_key(call.account), "created_at": iso(venue.server_now())}


def no_order(venue: State, call: Call) -> object:
    """An order's path with an empty id: what the router says, seen in the logs."""
    raise bare(404, "404 page not found")


class DeltaDeFi(State):
    """The API of a spot account. The key in the header is the only authentication there is.

    Limits are per second and key: all changes draw from one bucket, reads from one per endpoint. The docs name the code
    4290 without numbers: the team's bot throttles itself to 5 cancels and 10 reads of an endpoint per second and was
    refused all the same, so a client had better stay below.
    """

    routes = Routes(
        {
            "POST /order/cancel-all": cancel(orders.cancel_all, 5, "changes"),
            "POST /order/{id}/cancel": cancel(orders.cancel_one, 5, "changes"),
            "POST /order/build": create(orders.build, 5, "changes"),
            "POST /order/submit": create(orders.submit, 5, "changes"),
            # A GET that changes something: it counts as one, so that a test which forbids changes sees it.
            "GET /accounts/new-api-key": create(new_api_key, 5, "changes"),
            "GET /accounts/open-orders": listing(orders.open_orders, 10),
            "GET /accounts/order-records": listing(orders.order_records, 10),
            "GET /accounts/order/{id}": read(orders.one_order, 10),
            "GET /accounts/order/": read(no_order, 10),
            "GET /accounts/trade-orders": read(orders.history, 10, detail=row),
            "GET /accounts/trades": read(orders.history, 10, detail=execution),
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

    def admit(self, request: SimRequest) -> Headers:
        """Seen on staging within one half hour of 2026-03-31; the internal error on an order's submission."""
        if self.fault("empty-403", request):
            raise bare(403)
        if self.fault("upstream-503", request):
            reason = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"
            raise bare(503, reason)
        if self.fault("internal-400", request):
            raise Refused(5000, "Internal Server Error", 400)
        return ()

    def authorize(self, call: Call) -> Call:
        """The key; then the lock."""
        call = super().authorize(call)
        if fault := self.fault("locked", call.request, lambda _: self.is_locked()):
            raise Refused(5002, "Trading is currently locked", int(fault.parts[1] or "400"))
        return call


FAKE = DeltaDeFi
