"""AscendEX's paths, and what of them is signed.

https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request (as of 2025-10-29): the signed text is
`<timestamp>+<api-path>`, and each page names its api-path: `order/all` for `/<group>/api/pro/v1/cash/order/all`,
`v2/futures/order/all` for `/<group>/api/pro/v2/futures/order/all`. Neither method, query, body nor group is part of it,
nor is the ledger in v1. The signature is HMAC-SHA256 in base64, with the secret's own bytes as the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..wire import SimRequest
from .answers import AUTHENTICATION_FAILED, AUTHORIZATION_NEEDED, INVALID_TIMESTAMP, Refused

WINDOW_MS = 30_000

_PATH = re.compile(r"(?:/(?P<group>\d+))?/api/pro/(?P<rest>.+)")
_V1_LEDGER = re.compile(r"v1/(?P<ledger>cash|margin|futures)/(?P<action>.+)")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A path taken apart: the account group (None if it has none), the route, the ledger and the signed api-path."""

    group: int | None
    route: str
    ledger: str
    api_path: str


def target_of(path: str) -> Target | None:
    """The parts of a path, or None if it is none of this API."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    group, rest = match["group"], match["rest"]
    v1 = _V1_LEDGER.fullmatch(rest)
    if v1 and group is not None:
        ledger, api_path = v1["ledger"], v1["action"]
        route = f"v1/{{ledger}}/{v1['action']}"
    else:
        ledger, api_path = "futures" if rest.startswith("v2/futures/") else "", rest.removeprefix("v1/")
        route = rest
    return Target(group=None if group is None else int(group), route=route, ledger=ledger, api_path=api_path)


def key_of(request: SimRequest) -> str:
    """The API key that the headers name."""
    return request.headers.get("x-auth-key", "")


def signature(secret: str, timestamp: str, api_path: str) -> str:
    """The signature that a request must carry."""
    digest = hmac.new(secret.encode("utf-8"), f"{timestamp}+{api_path}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def authenticate(request: SimRequest, api_path: str, credentials: Mapping[str, str] | None, server_ms: int) -> None:
    """Raise unless key, timestamp and signature are right. `credentials` is None if nobody has this key."""
    timestamp = request.headers.get("x-auth-timestamp", "")
    given = request.headers.get("x-auth-signature", "")
    if not (key_of(request) and timestamp and given):
        raise Refused(AUTHORIZATION_NEEDED, "Authorization is required")
    if credentials is None:
        raise Refused(AUTHENTICATION_FAILED, "API key is not found.")
    check_clock(timestamp, server_ms)
    expected = signature(credentials["api_secret"], timestamp, api_path)
    if not hmac.compare_digest(expected.encode("ascii"), given.encode("utf-8")):
        raise Refused(AUTHENTICATION_FAILED, "API signature mismatch")


def check_clock(timestamp: object, server_ms: int) -> None:
    """At most 30 seconds apart, in either direction. The documents name neither the code nor the words."""
    if not (str(timestamp).isdecimal() and abs(int(str(timestamp)) - server_ms) <= WINDOW_MS):
        raise Refused(INVALID_TIMESTAMP, "Timestamp is invalid or more than 30 seconds away")
