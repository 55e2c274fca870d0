"""The key: Bybit's signature and clock checks, and reads about the key, the account and the venue.

https://bybit-exchange.github.io/docs/v5/guide (as of 2026-07-24): the signed text is timestamp, key, recv_window and
then the query string as it came over the wire (GET) or the body (POST), with nothing in between. System-made keys sign
it with HMAC-SHA256 in lower-case hex, self-made ones with RSA PKCS#1 v1.5 and SHA-256 in base64. The reads:
https://bybit-exchange.github.io/docs/v5/user/apikey-info, .../account/account-info, .../market/time and
.../system-status (as of 2026-07-24).
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ..auth import as_hex, genuine
from ..refusals import Refused, bare
from ..routes import Call, Handler
from ..rows import fixed
from ..wire import SimRequest
from .state import Answer, State

KEY_HEADER = "x-bapi-api-key"
_WINDOW_MS, _AHEAD_MS, _DAY_MS = 5000, 1000, 86_400_000
_RIGHTS = "ContractTrade.Order+ContractTrade.Position+Spot.SpotTrade+Options.OptionsTrade+Derivatives.DerivativesTrade"
_OF_CATEGORY = {"option": {"Options", "Derivatives"}, "spot": {"Spot"}}
"""Rights without which a category cannot be traded, and every other one can."""
_PRODUCTS = "ContractTrade Spot Wallet Options Derivatives CopyTrading BlockTrade Exchange NFT Affiliate Earn".split()
_KEY = fixed(
    """id=10000001 secret= type=#1 createdAt=2020-01-01T00:00:00Z unified=#0 userID=#24600000 inviterID=#0
    mktMakerLevel=0 affiliateID=#0 isMaster=#true parentUid=0 kycLevel=LEVEL_DEFAULT kycRegion="""
)
# `unifiedMarginStatus` 5: the second generation of unified accounts.
_ACCOUNT = fixed(
    """marginMode=REGULAR_MARGIN unifiedMarginStatus=#5 dcpStatus=OFF timeWindow=#10 smpGroup=#0 isMasterTrader=#false
    spotHedgingStatus=OFF"""
)


def authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
    """Raise unless key, timestamp and signature are right. `credentials` are empty if nobody has this key."""
    key, stamp, window, signature = (
        request.headers.get(name, "") for name in (KEY_HEADER, "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-sign")
    )
    if request.method == "GET" and request.body:
        # Documented as one cause of HTTP 403; even `{}` is a body.
        raise bare(403, "GET request with a body")
    complete = key and stamp and signature
    if not (complete and credentials):
        raise Refused(10003, "API key is invalid.", status=None if complete else 401)
    if not stamp.isdecimal() or not (window or "0").isdecimal():
        raise Refused(10001, "request parameter error: timestamp or recv_window")
    # The asymmetric rule: behind by recv_window at most, ahead by less than a second whatever recv_window is.
    window_ms = int(window or _WINDOW_MS)
    if not server_ms - window_ms <= int(stamp) < server_ms + _AHEAD_MS:
        raise Refused(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{int(stamp)}],server_timestamp[{server_ms}],recv_window[{window_ms}]",
        )
    payload = request.query.encode("latin-1", "replace") if request.method == "GET" else request.body
    signed = f"{stamp}{key}{window}".encode("latin-1", "replace") + payload
    if not genuine(signed, signature, credentials, as_hex):
        # The real message shows what the server hashed, the API key included.
        raise Refused(10004, f"error sign! origin_string[{signed.decode('utf-8', 'replace')}]")


def query_api(venue: State, call: Call) -> Answer:
    """A master key that may trade everything, bound to no address, with 80 days to live.

    The faults `rights`, `read-only`, `permission`, `bound`, `key-days` and `classic` make it another one. Of a key that
    is bound to addresses the venue tells no end: the days are -2 and the date is 1970.
    """
    request, refused = call.request, venue.has_fault("permission")
    taken = _OF_CATEGORY.get(str(refused.value), set()) if refused else set()
    named = [right.partition(".") for right in venue.setting("rights", request, _RIGHTS).split("+")]
    named = [right for right in named if right[0] not in taken]
    bound, days = venue.setting("bound", request, ""), int(float(venue.setting("key-days", request, "80")))
    ends_s = 0 if bound else (venue.server_now() + days * _DAY_MS) // 1000
    varied = {
        "note": "embedded exchange",
        "apiKey": call.account.key,
        "readOnly": 1 if venue.fault("read-only", request) or (refused and not refused.value) else 0,
        "permissions": {product: [right for group, _, right in named if group == product] for product in _PRODUCTS},
        "ips": [bound or "*"],
        "deadlineDay": -2 if bound else days,
        "expiredAt": datetime.fromtimestamp(ends_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "uta": 0 if venue.fault("classic", request) else 1,
        "vipLevel": "No VIP",
        "rsaPublicKey": call.account.credentials.get("rsa_public_key", ""),
    }
    return Answer(result=_KEY | varied, message="")


def account_info(venue: State, call: Call) -> Answer:
    return Answer(result=_ACCOUNT | {"updatedTime": str(venue.server_now())})


def dcp_info(venue: State, call: Call) -> Answer:
    """https://bybit-exchange.github.io/docs/v5/account/dcp-info: empty for an account that was not set up."""
    fault = venue.fault("dcp", call.request)
    names = str(fault.value).split("+") if fault else []
    return Answer(result={"dcpInfos": [{"product": one, "dcpStatus": "ON", "timeWindow": "10"} for one in names]})


def market_time(venue: State, call: Call) -> Answer:
    now_ms = venue.server_now()
    return Answer(result={"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)})


def nothing(name: str) -> Handler:
    return lambda venue, call: Answer(result={name: []}, message="")
