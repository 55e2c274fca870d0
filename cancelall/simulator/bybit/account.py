"""Reads about the key, the account and the venue.

https://bybit-exchange.github.io/docs/v5/user/apikey-info, .../account/account-info, .../market/time and
.../system-status (as of 2026-07-24).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..book import Account
from .answers import Answer

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bybit

_UTA2 = 5
_DAY_MS = 86_400_000
_DAYS = 80.0
_RIGHTS = "ContractTrade.Order+ContractTrade.Position+Spot.SpotTrade+Options.OptionsTrade+Derivatives.DerivativesTrade"
_PRODUCTS = "ContractTrade Spot Wallet Options Derivatives CopyTrading BlockTrade Exchange NFT Affiliate Earn".split()


def query_api(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/user/query-api`: a master key that may trade everything, bound to no address, with 80 days to live.

    The faults `rights`, `read-only`, `bound`, `key-days` and `classic` make it another one. Of a key that is bound to
    addresses the venue tells no end: the days are -2 and the date is 1970.
    """
    rights = venue.fault("rights", request)
    named = [right.partition(".") for right in str(rights.value if rights else _RIGHTS).split("+")]
    bound = venue.fault("bound", request)
    ending = venue.fault("key-days", request)
    days = -2 if bound else int(ending.number if ending else _DAYS)
    ends_s = 0 if bound else (venue.server_now() + days * _DAY_MS) // 1000
    return Answer(
        result={
            "id": "10000001",
            "note": "embedded exchange",
            "apiKey": account.key,
            "readOnly": 1 if venue.fault("read-only", request) else 0,
            "secret": "",
            "permissions": {product: [right for group, _, right in named if group == product] for product in _PRODUCTS},
            "ips": [str(bound.value)] if bound else ["*"],
            "type": 1,
            "deadlineDay": days,
            "expiredAt": datetime.fromtimestamp(ends_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "createdAt": "2020-01-01T00:00:00Z",
            "unified": 0,
            "uta": 0 if venue.fault("classic", request) else 1,
            "userID": 24600000,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": account.credentials.get("rsa_public_key", ""),
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        },
        message="",
    )


def account_info(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/account/info`: a unified account of the second generation."""
    return Answer(
        result={
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": str(venue.server_now()),
            "unifiedMarginStatus": _UTA2,
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def coin_info(venue: Bybit, account: Account, request: SimRequest) -> Answer:
    """`GET /v5/asset/coin/query-info`: nothing, but there, because clients that load everything ask for it."""
    return Answer(result={"rows": []}, message="")


def market_time(venue: Bybit, request: SimRequest) -> Answer:
    """`GET /v5/market/time`."""
    now_ms = venue.server_now()
    return Answer(result={"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)})


def system_status(venue: Bybit, request: SimRequest) -> Answer:
    """`GET /v5/system/status`: nothing is announced."""
    return Answer(result={"list": []}, message="")
