"""Bybit's signature and clock checks, written from the integration guide.

https://bybit-exchange.github.io/docs/v5/guide (as of 2026-07-24): the signed text is timestamp, key, recv_window and
then the query string as it came over the wire (GET) or the body (POST), with nothing in between. System-made keys sign
it with HMAC-SHA256 in lower-case hex, self-made ones with RSA PKCS#1 v1.5 and SHA-256 in base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from ..wire import SimRequest
from .answers import Refused, RefusedBare

DEFAULT_RECV_WINDOW_MS = 5000
_AHEAD_MS = 1000


def key_of(request: SimRequest) -> str:
    """The API key that the headers name."""
    return request.headers.get("x-bapi-api-key", "")


def authenticate(request: SimRequest, credentials: Mapping[str, str] | None, server_ms: int) -> None:
    """Raise unless key, timestamp and signature are right. `credentials` is None if nobody has this key."""
    headers = request.headers
    timestamp = headers.get("x-bapi-timestamp", "")
    window = headers.get("x-bapi-recv-window", "")
    signature = headers.get("x-bapi-sign", "")
    if request.method == "GET" and request.body:
        # Documented as one cause of HTTP 403; even `{}` is a body.
        raise RefusedBare(403, "GET request with a body")
    if not (key_of(request) and timestamp and signature):
        raise Refused(10003, "API key is invalid.", status=401)
    if credentials is None:
        raise Refused(10003, "API key is invalid.")
    if not timestamp.isdecimal() or not (window or "0").isdecimal():
        raise Refused(10001, "request parameter error: timestamp or recv_window")
    check_clock(int(timestamp), int(window or DEFAULT_RECV_WINDOW_MS), server_ms)
    payload = request.query.encode("latin-1", "replace") if request.method == "GET" else request.body
    signed = f"{timestamp}{key_of(request)}{window}".encode("latin-1", "replace") + payload
    if not _genuine(signed, signature, credentials):
        # The real message shows what the server hashed, the API key included.
        raise Refused(10004, f"error sign! origin_string[{signed.decode('utf-8', 'replace')}]")


def check_clock(timestamp: int, window_ms: int, server_ms: int) -> None:
    """The asymmetric rule: behind by recv_window at most, ahead by less than a second whatever recv_window is."""
    if server_ms - window_ms <= timestamp < server_ms + _AHEAD_MS:
        return
    raise Refused(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{timestamp}],server_timestamp[{server_ms}],recv_window[{window_ms}]",
    )


def _genuine(signed: bytes, signature: str, credentials: Mapping[str, str]) -> bool:
    if "rsa_public_key" in credentials:
        return _rsa_verifies(signed, signature, credentials["rsa_public_key"])
    expected = hmac.new(credentials["api_secret"].encode("utf-8"), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode("ascii"), signature.encode("utf-8"))


def _rsa_verifies(signed: bytes, signature: str, public_key_pem: str) -> bool:
    """Whether the signature is one. The library is loaded only for accounts with an RSA key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(public_key_pem.encode("ascii"))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("rsa_public_key is not an RSA key")
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
