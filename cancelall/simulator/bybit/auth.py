"""Bybit's signature and clock checks, written from the integration guide.

https://bybit-exchange.github.io/docs/v5/guide (as of 2026-07-24): the signed text is timestamp, key, recv_window and
then the query string as it came over the wire (GET) or the body (POST), with nothing in between. System-made keys sign
it with HMAC-SHA256 in lower-case hex, self-made ones with RSA PKCS#1 v1.5 and SHA-256 in base64.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..auth import as_hex, genuine
from ..refusals import Refused, bare
from ..wire import SimRequest

KEY_HEADER = "x-bapi-api-key"
_WINDOW_MS = "5000"
_AHEAD_MS = 1000


def authenticate(request: SimRequest, credentials: Mapping[str, str] | None, server_ms: int) -> None:
    """Raise unless key, timestamp and signature are right. `credentials` is None if nobody has this key."""
    key, stamp, window, signature = (
        request.headers.get(name, "") for name in (KEY_HEADER, "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-sign")
    )
    if request.method == "GET" and request.body:
        # Documented as one cause of HTTP 403; even `{}` is a body.
        raise bare(403, "GET request with a body")
    if not (key and stamp and signature):
        raise Refused(10003, "API key is invalid.", status=401)
    if credentials is None:
        raise Refused(10003, "API key is invalid.")
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
