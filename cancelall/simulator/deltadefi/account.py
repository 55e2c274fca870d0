"""Reads about the key, the account and the venue, from the python SDK 1.1.1, and the one read that changes something.

https://docs.deltadefi.io/start-trading/developers/api-documentation (as of 2026-04-17).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..book import Account, SimOrder
from .answers import INVALID_SYMBOL, Refused
from .markets import MARKETS, assets, market_config
from .rows import iso

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import DeltaDeFi

_CYCLE_MS = 3_600_000
_CREATED_MS = 1_760_000_000_000
_FREE = "1000"


def api_key(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/api-key`: the key itself, and when it was made."""
    return {"api_key": account.key, "created_at": iso(_CREATED_MS)}


def new_api_key(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/new-api-key`: a GET that replaces the key. The old one is dead from here on."""
    return {"api_key": venue.rotate_key(account), "created_at": iso(venue.server_now())}


def spot_account(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/spot-account`."""
    return {
        "account_id": venue.account_id(account),
        "account_type": "spot_account",
        "encrypted_operation_key": "DUMMY",
        "operation_key_hash": "d0" * 28,
        "created_at": iso(_CREATED_MS),
    }


def balance(venue: DeltaDeFi, account: Account, request: SimRequest) -> object:
    """`GET /accounts/balance`: what open orders lock is `locked`. An account that never traded answers `[]`."""
    orders = list(account.book.open())
    if not orders and next(account.book.closed(), None) is None:
        return []
    return [
        {"asset": coin, "asset_unit": unit, "free": _FREE, "locked": str(sum(_locks(order, coin) for order in orders))}
        for coin, unit in assets()
    ]


def _locks(order: SimOrder, coin: str) -> Decimal:
    """How much of a coin an open order holds."""
    market = MARKETS[order.symbol]
    if order.side == "sell":
        return Decimal(order.remaining) if coin == market.base else Decimal(0)
    return Decimal(order.remaining) * Decimal(order.price) if coin == market.quote else Decimal(0)


def markets(venue: DeltaDeFi, request: SimRequest) -> object:
    """`GET /app/market-config`, for everyone."""
    return market_config(without=venue.delisted(request))


def hydra_cycle(venue: DeltaDeFi, request: SimRequest) -> object:
    """`GET /app/hydra-cycle`: the cycle that runs now; here one begins every hour."""
    start_ms = venue.server_now() // _CYCLE_MS * _CYCLE_MS
    return {"start": iso(start_ms), "end": iso(start_ms + _CYCLE_MS)}


def trading_lock(venue: DeltaDeFi, request: SimRequest) -> object:
    """`GET /health/trading-lock-status`. The path is documented, its answer is not: this shape is made up."""
    return {"locked": venue.is_locked()}


def market_price(venue: DeltaDeFi, request: SimRequest) -> object:
    """`GET /market/market-price`."""
    market = MARKETS.get(request.parameters().get("symbol", ""))
    if market is None:
        raise Refused(INVALID_SYMBOL, "Invalid trading pair symbol")
    return {"price": float(market.price)}
