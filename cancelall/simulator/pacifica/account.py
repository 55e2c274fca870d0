"""Reads about the account and its keys.

https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-account-info, .../signing/api-agent-keys,
.../rest-api/subaccounts and .../api/rate-limits/api-config-keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..book import Account
from . import kinds
from .answers import Answer, Refused
from .listing import address_of

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Pacifica


def account_info(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /account`. `orders_count` leaves out stops, which `stop_orders_count` counts, and TWAPs and strategies.

    `data` is an object in the newer documents and a list of one in the older ones. The counts are those of the book
    itself: unlike a listing they do not lag. What an address that nobody has opened gets is not documented.
    """
    address = address_of(request)
    account = venue.accounts.get(address)
    if account is None and not venue.knows(address, request):
        raise Refused(404, "Account not found", code=1)
    resting = list(account.book.open(kinds.ORDERS)) if account else []
    stops = sum(kinds.is_stop(order) for order in resting)
    more = venue.fault("counts", request)
    funds = "10000.000000" if account else "0"
    data = {
        "balance": funds,
        "fee_level": 0,
        "maker_fee": "0.00015",
        "taker_fee": "0.0004",
        "account_equity": funds,
        "available_to_spend": funds,
        "available_to_withdraw": funds,
        "pending_balance": "0",
        "total_margin_used": "0",
        "cross_mmr": "0",
        "positions_count": 0,
        "orders_count": len(resting) - stops + (int(more.number) if more else 0),
        "stop_orders_count": stops,
        "spot_balances": [],
        "updated_at": venue.server_now(),
    }
    return Answer(data=[data] if venue.fault("account-list", request) else data)


def positions(venue: Pacifica, request: SimRequest) -> Answer:
    """`GET /positions`: none."""
    address_of(request)
    return Answer(data=[], beside={"last_order_id": venue.last_order_id})


def list_agents(venue: Pacifica, account: Account, payload: object, request: SimRequest) -> Answer:
    """`POST /agent/list`, for the owner's key only."""
    return Answer(data={"agent_wallets": sorted(venue.agents_of(account.key))})


def list_subaccounts(venue: Pacifica, account: Account, payload: object, request: SimRequest) -> Answer:
    """`POST /account/subaccount/list`: none."""
    return Answer(data={"subaccounts": []})


def create_api_key(venue: Pacifica, account: Account, payload: object, request: SimRequest) -> Answer:
    """`POST /account/api_keys/create`: a ticket for more credits. It gives no right to trade."""
    return Answer(data={"api_key": venue.new_api_config_key()})


def list_api_keys(venue: Pacifica, account: Account, payload: object, request: SimRequest) -> Answer:
    """`POST /account/api_keys`."""
    return Answer(data={"active_api_keys": sorted(venue.api_config_keys), "api_key_limit": 5})
