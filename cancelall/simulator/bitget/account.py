"""The key: Bitget's signature and clock checks, and reads about the key, the account and what can be traded.

https://www.bitget.com/api-doc/common/signature (as of 2025-12-05): the signed text is timestamp, method, path, then "?"
and the query if there is one, then the body, with nothing in between. System-made keys sign it with HMAC-SHA256,
self-made ones with RSA PKCS#1 v1.5 and SHA-256, both in base64. The passphrase travels in the clear with it. Reads:
https://www.bitget.com/api-doc/spot/account/Get-Account-Info, https://www.bitget.com/api-doc/uta/account/Get-Account-Setting
and https://www.bitget.com/api-doc/common/public/Get-Server-Time (as of 2025-12-05).
"""

from collections.abc import Mapping
from urllib.parse import unquote

from ..auth import as_base64, genuine
from ..refusals import Refused
from ..routes import Call
from ..rows import fixed
from ..wire import SimRequest
from . import kinds
from .instruments import CONTRACT, UNIFIED_CONTRACT, UNIFIED_PAIR
from .state import State, category

KEY_HEADER = "access-key"
_WINDOW_MS = 30_000
"""https://www.bitget.com/api-doc/common/signature-samaple/interaction: to both sides, and no header widens it."""
_REQUIRED = {"ACCESS_KEY": "40001", "ACCESS_SIGN": "40002", "ACCESS_TIMESTAMP": "40003", "ACCESS_PASSPHRASE": "40011"}
_DEMO_PRODUCTS = frozenset({"SUSDT-FUTURES", "SCOIN-FUTURES", "SUSDC-FUTURES"})
"""Retired, but other people's clients still ask for them."""
_ACCOUNT = fixed(
    """userId=1000000001 inviterId= parentId=#1000000001 traderType=not_trader channelCode= channel=
    regisTime=1577836800000"""
)
_SETTINGS = fixed(
    "uid=1000000001 assetMode=multi_assets holdMode=one_way_mode stpMode=none symbolConfigList=#[] coinConfigList=#[]"
)


def check_headers(request: SimRequest) -> None:
    for name, code in _REQUIRED.items():
        if not request.headers.get(name.lower().replace("_", "-")):
            raise Refused(code, f"{name} cannot be empty")


def authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
    headers = request.headers
    stamp = headers["access-timestamp"]
    if request.method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused("40007", "Invalid Content_Type")
    if not (stamp.isascii() and stamp.isdecimal()):
        raise Refused("40005", "Invalid ACCESS_TIMESTAMP")
    if abs(server_ms - int(stamp)) > _WINDOW_MS:
        raise Refused("40008", "Request timestamp expired")
    if headers["access-passphrase"] != credentials["passphrase"]:
        raise Refused("40012", "apikey/password is incorrect")
    # The query as it was sent or decoded: clients of both schools are in use.
    for query in {request.query, unquote(request.query)}:
        target = f"{stamp}{request.method}{request.path}" + (f"?{query}" if query else "")
        signed = target.encode("utf-8", "replace") + request.body
        if genuine(signed, headers["access-sign"], credentials, as_base64):
            return
    raise Refused("40009", "sign signature error")


def _rights(venue: State, call: Call, usual: str, reading: str) -> list[str]:
    """What a key may do as a rule, and what is left when the fault `permission` takes the cancels from it."""
    refused = venue.has_fault("permission")
    return venue.setting("rights", call.request, reading if refused and not refused.value else usual).split("+")


def account_info(venue: State, call: Call) -> object:
    """A key that may trade futures and spot, bound to one address, unless the faults `rights` and `unbound` are on."""
    bound = "" if venue.fault("unbound", call.request) else "127.0.0.1"
    return _ACCOUNT | {"ips": bound, "authorities": _rights(venue, call, "coow+cpow+stow", "coor+cpor+stor")}


def unified_info(venue: State, call: Call) -> object:
    """The same of a unified account; the document writes `read-and-write`, the wire an underscore."""
    bound = None if venue.fault("unbound", call.request) else "127.0.0.1"
    known = {"userId": "1000000001", "permType": "read_and_write", "ips": bound}
    return known | {"permissions": _rights(venue, call, "uta_mgt+uta_trade", "uta_mgt")}


def settings(venue: State, call: Call) -> object:
    """The mode, which the fault `account-mode` replaces by another word."""
    return _SETTINGS | {"accountMode": venue.setting("account-mode", call.request, venue.mode_of(call.account))}


def contracts(venue: State, call: Call) -> object:
    product = call.query.get("productType", "").upper()
    if product in _DEMO_PRODUCTS:
        return []
    if product not in kinds.FUTURES:
        raise Refused("40017", "Parameter verification failed productType")
    return [CONTRACT(one) for one in venue.instruments.of(product, call.query.get("symbol", ""))]


def instruments(venue: State, call: Call) -> object:
    part = category(call.query)
    table = UNIFIED_CONTRACT if part in kinds.FUTURES else UNIFIED_PAIR
    return [table(one) for one in venue.instruments.of(part, call.query.get("symbol", ""))]
