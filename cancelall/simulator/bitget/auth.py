"""Bitget's signature and clock checks, written from the documentation.

https://www.bitget.com/api-doc/common/signature (as of 2025-12-05): the signed text is timestamp, method, path, then "?"
and the query if there is one, then the body, with nothing in between. System-made keys sign it with HMAC-SHA256,
self-made ones with RSA PKCS#1 v1.5 and SHA-256, both in base64. The passphrase travels in the clear beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from ..auth import as_base64, genuine
from ..refusals import Refused
from ..wire import SimRequest

KEY_HEADER = "access-key"
_WINDOW_MS = 30_000
"""https://www.bitget.com/api-doc/common/signature-samaple/interaction: to both sides, and no header widens it."""
_REQUIRED = {"ACCESS_KEY": "40001", "ACCESS_SIGN": "40002", "ACCESS_TIMESTAMP": "40003", "ACCESS_PASSPHRASE": "40011"}


def check_headers(request: SimRequest) -> None:
    """Raise unless every header of a private call is there."""
    for name, code in _REQUIRED.items():
        if not request.headers.get(name.lower().replace("_", "-")):
            raise Refused(code, f"{name} cannot be empty")


def authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
    """Raise unless content type, clock, passphrase and signature are right."""
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
