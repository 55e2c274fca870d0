"""What of a request AscendEX signs, and its codes.

https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request (as of 2025-10-29): the signed text is
`<timestamp>+<api-path>`, and each page names its api-path: `order/all` for `/<group>/api/pro/v1/cash/order/all`,
`v2/futures/order/all` for `/<group>/api/pro/v2/futures/order/all`. Neither method, query, body nor group is part of it,
nor is the ledger in v1. The signature is HMAC-SHA256 in base64, with the secret's own bytes as the key.
"""

from __future__ import annotations

from enum import IntEnum

from ..auth import as_base64, genuine, hmac_sha256
from ..book import Account
from ..refusals import Refused
from ..wire import SimRequest

WINDOW_MS = 30_000


class Code(IntEnum):
    """Codes, under their `reason`: https://ascendex.github.io/ascendex-pro-api/#error-message (as of 2025-10-29).

    Messages that no document and no report of a user holds are made up.
    """

    INVALID_ARGUMENT = 100006
    SYMBOL_ERROR = 100008
    AUTHORIZATION_NEEDED = 100009
    INVALID_OPERATION = 100010
    INVALID_TIMESTAMP = 100011
    INVALID_JSON_FORMAT = 150001
    AUTHENTICATION_FAILED = 200001
    ACCOUNT_NOT_FOUND = 200003
    RESTRICTED_ACCOUNT = 200014
    PERMISSION_DENIED = 200015
    INVALID_ORDER_ID = 300006
    INVALID_ORDER_PARAMETER = 300008
    INVALID_PRODUCT = 300012
    INVALID_BATCH_ORDER = 300013
    NOT_CANCELLABLE = 300019
    INVALID_MARGIN_ACCOUNT = 310002
    SERVER_ERROR = 510001

    @property
    def reason(self) -> str:
        """The page of the single cancel documents the messages of 300019; the table of codes lacks it."""
        return "INVALID_OPERATION" if self is Code.NOT_CANCELLABLE else self.name


def signature(secret: str, timestamp: str, api_path: str) -> str:
    """The signature that a request must carry."""
    return hmac_sha256(secret, f"{timestamp}+{api_path}".encode(), as_base64)


def authenticate(request: SimRequest, api_path: str, account: Account | None, server_ms: int) -> Account:
    """The account, if key, timestamp and signature are right; None is the one of a key that nobody has."""
    key, timestamp, given = (request.headers.get(f"x-auth-{name}", "") for name in ("key", "timestamp", "signature"))
    if not (key and timestamp and given):
        raise Refused(Code.AUTHORIZATION_NEEDED, "Authorization is required")
    if account is None:
        raise Refused(Code.AUTHENTICATION_FAILED, "API key is not found.")
    check_clock(timestamp, server_ms)
    if not genuine(f"{timestamp}+{api_path}".encode(), given, account.credentials, as_base64):
        raise Refused(Code.AUTHENTICATION_FAILED, "API signature mismatch")
    return account


def check_clock(timestamp: object, server_ms: int) -> None:
    """At most 30 seconds apart, in either direction. The documents name neither the code nor the words."""
    if not (str(timestamp).isdecimal() and abs(int(str(timestamp)) - server_ms) <= WINDOW_MS):
        raise Refused(Code.INVALID_TIMESTAMP, "Timestamp is invalid or more than 30 seconds away")
