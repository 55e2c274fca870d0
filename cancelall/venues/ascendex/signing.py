"""AscendEX: its signature."""

from __future__ import annotations

import base64
import json
import re

from cancelall.core.model import Request, Signed
from cancelall.venues.ascendex.options import Options, Secrets


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """`<timestamp>+<api-path>`. https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request

    The window is 30 s for everyone. Cancels by name carry the time in their body, too.
    """
    prehash = f"{timestamp_ms}+{api_path(request.path)}".encode()
    import hashlib  # OpenSSL, 3 ms in which the connections can begin already
    import hmac

    digest = hmac.new(secrets.api_secret.reveal().encode(), prehash, hashlib.sha256).digest()
    headers = [
        ("x-auth-key", secrets.api_key.reveal()),
        ("x-auth-timestamp", str(timestamp_ms)),
        ("x-auth-signature", base64.b64encode(digest).decode()),
    ]
    if request.method == "GET":
        return Signed(headers=tuple(headers), body=request.body)
    # Sent as a form, cancels were refused: https://github.com/hummingbot/hummingbot/commit/83315122a0
    headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=_timed(request, timestamp_ms))


def api_path(path: str) -> str:
    """What of a path is signed: no group, and in v1 neither version nor ledger. Each page of the documents names it."""
    return re.sub(r"^/(\d+/)?api/pro/(v1/((cash|margin|futures)/)?)?", "", path)


def _timed(request: Request, timestamp_ms: int) -> bytes:
    if request.path.endswith("/order/all"):
        return request.body
    body = json.loads(request.body)
    for named in body.get("orders", [body]):
        named["time"] = timestamp_ms
    return json.dumps(body, separators=(",", ":")).encode()


def check_secrets(secrets: Secrets, options: Options) -> None:
    """The documents describe no form of key or secret: nothing can be checked offline."""


def account(secrets: Secrets, options: Options) -> str:
    """The API key stands for the account."""
    return secrets.api_key.reveal()
