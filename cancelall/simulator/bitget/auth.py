"""Bitget's signature and clock checks, written from the documentation.

https://www.bitget.com/api-doc/common/signature (as of 2025-12-05): the signed text is timestamp, method, path, then "?"
and the query if there is one, then the body, with nothing in between. System-made keys sign it with HMAC-SHA256,
self-made ones with RSA PKCS#1 v1.5 and SHA-256, both in base64. The passphrase travels in the clear beside it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from ..wire import SimRequest
from .answers import Refused

WINDOW_MS = 30_000
"""https://www.bitget.com/api-doc/common/signature-samaple/interaction: to both sides, and no header widens it."""

_REQUIRED = (
    ("access-key", "40001", "ACCESS_KEY cannot be empty"),
    ("access-sign", "40002", "ACCESS_SIGN cannot be empty"),
    ("access-timestamp", "40003", "ACCESS_TIMESTAMP cannot be empty"),
    ("access-passphrase", "40011", "ACCESS_PASSPHRASE cannot be empty"),
)


def key_of(request: SimRequest) -> str:
    """The API key that the headers name."""
    return request.headers.get("access-key", "")


def check_headers(request: SimRequest) -> None:
    """Raise unless every header of a private call is there."""
    for name, code, message in _REQUIRED:
        if not request.headers.get(name):
            raise Refused(code, message)


def check_environment(request: SimRequest, *, demo: bool) -> None:
    """Raise unless key and header `paptrading` agree: https://www.bitget.com/api-doc/common/demotrading/restapi."""
    if (request.headers.get("paptrading") == "1") is not demo:
        raise Refused("40099", "exchange environment is incorrect")


def authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
    """Raise unless content type, clock, passphrase and signature are right."""
    headers = request.headers
    timestamp = headers["access-timestamp"]
    if request.method == "POST" and headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused("40007", "Invalid Content_Type")
    if not (timestamp.isascii() and timestamp.isdecimal()):
        raise Refused("40005", "Invalid ACCESS_TIMESTAMP")
    if abs(server_ms - int(timestamp)) > WINDOW_MS:
        raise Refused("40008", "Request timestamp expired")
    if headers["access-passphrase"] != credentials["passphrase"]:
        raise Refused("40012", "apikey/password is incorrect")
    if not any(_genuine(text, headers["access-sign"], credentials) for text in _signed_texts(request, timestamp)):
        raise Refused("40009", "sign signature error")


def _signed_texts(request: SimRequest, timestamp: str) -> list[bytes]:
    """What a client may have signed: the query as it was sent or decoded. Clients of both schools are in use."""
    queries = {request.query, unquote(request.query)}
    starts = (f"{timestamp}{request.method}{request.path}" + (f"?{query}" if query else "") for query in queries)
    return [start.encode("utf-8", "replace") + request.body for start in starts]


def _genuine(signed: bytes, signature: str, credentials: Mapping[str, str]) -> bool:
    if "rsa_public_key" in credentials:
        return _rsa_verifies(signed, signature, credentials["rsa_public_key"])
    digest = hmac.new(credentials["api_secret"].encode("utf-8"), signed, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8"))


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
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
