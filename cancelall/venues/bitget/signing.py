"""Bitget: its signature."""

from __future__ import annotations

import base64

from cancelall.core.model import Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues import rsa
from cancelall.venues.bitget.options import Options, Secrets


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + method + path and query + body. https://www.bitget.com/api-doc/common/signature

    The window is 30 s and cannot be widened. Without `locale` the venue's messages are Chinese.
    """
    prehash = f"{timestamp_ms}{request.method}{request.target}".encode() + request.body
    headers = [
        ("ACCESS-KEY", secrets.api_key.reveal()),
        ("ACCESS-SIGN", _signature(secrets.api_secret, prehash)),
        ("ACCESS-TIMESTAMP", str(timestamp_ms)),
        ("ACCESS-PASSPHRASE", secrets.passphrase.reveal()),
        ("locale", "en-US"),
    ]
    if request.method == "POST":
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def _signature(secret: Secret, prehash: bytes) -> str:
    if rsa.is_private_key(secret):
        return rsa.signature(secret, prehash)
    import hashlib  # OpenSSL, 3 ms in which the connections can begin already
    import hmac

    return base64.b64encode(hmac.new(secret.reveal().encode(), prehash, hashlib.sha256).digest()).decode()


def check_secrets(secrets: Secrets, options: Options) -> None:
    """A PEM secret must be an RSA private key that can be read."""
    if rsa.is_private_key(secrets.api_secret):
        rsa.private_key(secrets.api_secret)


def account(secrets: Secrets, options: Options) -> str:
    """The API key stands for the account."""
    return secrets.api_key.reveal()


def headers(environment: str) -> tuple[tuple[str, str], ...]:
    """The mark of demo trading; it is not signed. https://www.bitget.com/api-doc/common/demotrading/restapi"""
    return (("paptrading", "1"),) if environment == "demo" else ()
