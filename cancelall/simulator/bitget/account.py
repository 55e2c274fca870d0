"""Reads about the key and the account, and the venue's clock.

https://www.bitget.com/api-doc/spot/account/Get-Account-Info, https://www.bitget.com/api-doc/uta/account/Get-Account-Setting
and https://www.bitget.com/api-doc/common/public/Get-Server-Time (as of 2025-12-05).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..book import Account
from .scope import product_type

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_RIGHTS = "coow+cpow+stow"


def account_info(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/spot/account/info`: a key that may trade futures and spot, bound to one address.

    The fault `rights` names other rights, `unbound` leaves the address out.
    """
    fault = venue.fault("rights", request)
    return {
        "userId": "1000000001",
        "inviterId": "",
        "ips": "" if venue.fault("unbound", request) else "127.0.0.1",
        "authorities": str(fault.value if fault else _RIGHTS).split("+"),
        "parentId": 1000000001,
        "traderType": "not_trader",
        "channelCode": "",
        "channel": "",
        "regisTime": "1577836800000",
    }


def futures_accounts(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v2/mix/account/accounts`: one margin coin, without money."""
    product = product_type(request.parameters())
    coin = venue.instruments.of(product)[0].margin_coins[0]
    return [{"marginCoin": coin, "locked": "0", "available": "0", "accountEquity": "0", "usdtEquity": "0"}]


def settings(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/account/settings`: the mode, which the fault `account-mode` replaces by another word."""
    fault = venue.fault("account-mode", request)
    return {
        "uid": "1000000001",
        "accountMode": str(fault.value) if fault else venue.mode_of(account),
        "assetMode": "multi_assets",
        "holdMode": "one_way_mode",
        "stpMode": "none",
        "symbolConfigList": [],
        "coinConfigList": [],
    }


def unified_info(venue: Bitget, account: Account, request: SimRequest) -> object:
    """`GET /api/v3/account/info`: the key's rights; the document writes `read-and-write`, the wire an underscore."""
    fault = venue.fault("rights", request)
    return {
        "userId": "1000000001",
        "permType": "read_and_write",
        "permissions": str(fault.value if fault else "uta_mgt+uta_trade").split("+"),
        "ips": None if venue.fault("unbound", request) else "127.0.0.1",
    }


def public_time(venue: Bitget, request: SimRequest) -> object:
    """`GET /api/v2/public/time`."""
    return {"serverTime": str(venue.server_now())}
