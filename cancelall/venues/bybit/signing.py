"""Bybit: its signature."""

from __future__ import annotations

from cancelall.core.model import Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues import rsa
from cancelall.venues.bybit.options import Options, Secrets


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + key + window + (query or body). https://bybit-exchange.github.io/docs/v5/guide#authentication"""
    window = str(options.recv_window * widen)
    payload_bytes = request.query.encode() if request.method == "GET" else request.body
    prehash = f"{timestamp_ms}{secrets.api_key.reveal()}{window}".encode() + payload_bytes
    headers = [
        ("X-BAPI-API-KEY", secrets.api_key.reveal()),
        ("X-BAPI-TIMESTAMP", str(timestamp_ms)),
        ("X-BAPI-RECV-WINDOW", window),
        ("X-BAPI-SIGN-TYPE", "2"),
        ("X-BAPI-SIGN", _signature(secrets.api_secret, prehash)),
    ]
    if request.method != "GET":  # a GET with a body or its content type is one cause of HTTP 403
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def _signature(secret: Secret, prehash: bytes) -> str:
    if rsa.is_private_key(secret):
        return rsa.signature(secret, prehash)
    import hashlib  # OpenSSL, 3 ms in which the connections can begin already
    import hmac

    return hmac.new(secret.reveal().encode(), prehash, hashlib.sha256).hexdigest()


def check_secrets(secrets: Secrets, options: Options) -> None:
    """A PEM secret must be an RSA private key that can be read."""
    if rsa.is_private_key(secrets.api_secret):
        rsa.private_key(secrets.api_secret)


def account(secrets: Secrets, options: Options) -> str:
    """The API key stands for the account."""
    return secrets.api_key.reveal()
